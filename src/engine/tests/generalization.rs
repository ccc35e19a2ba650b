//! Gaps, priors, gradient differences and the certificate, against what is known exactly.

use std::collections::HashMap;

use super::small;
use crate::{
    engine::{
        cell,
        differences::expected,
        error::EngineError,
        gaps::{Gaps, Tally},
        scales::{Randomise, Scales, perturbed},
        session::Session,
        trainer::{Model, Trainer},
    },
    experiment::{Experiment, Optimizer, bound::SCALES},
    pace::Pace,
    protocol::{DeviceChoice, Evaluation, Event, FromEngine, LossAndFloor, Measured, Outcome, first_not_finite, wire},
    theory::bound::BoundInput,
    world::{
        Corpus, Filter, Rows, Topic, World,
        rng::{Purpose, Stream},
    },
};

/// Counts what followed each prefix in the training set: a model of which everything can be computed.
struct Table {
    length: usize,
    counts: HashMap<Vec<u16>, [f64; 2]>,
}

impl Table {
    fn new(corpus: &Corpus, length: usize) -> Self {
        let mut counts: HashMap<Vec<u16>, [f64; 2]> = HashMap::new();
        for row in 0..corpus.rows().expect("a set") {
            let Some((_, Rows::Tokens(tokens))) = corpus.row(row) else { panic!("tokens") };
            for (t, &x) in tokens.iter().enumerate() {
                counts.entry(tokens[..t].to_vec()).or_default()[usize::from(x)] += 1.0;
            }
        }
        Self { length, counts }
    }

    fn distribution(&self, prefix: &[u16]) -> [f64; 2] {
        let [a, b] = self.counts.get(prefix).copied().unwrap_or_default();
        [(a + 0.5) / (a + b + 1.0), (b + 0.5) / (a + b + 1.0)]
    }
}

impl Model for Table {
    fn steps(&self) -> usize {
        0
    }

    async fn predictions(&self, rows: &Rows, _chunk: usize) -> Result<Vec<f32>, EngineError> {
        let Rows::Tokens(tokens) = rows else { panic!("tokens") };
        let rows = tokens.chunks_exact(self.length);
        let distributions = rows.flat_map(|row| (0..row.len()).flat_map(|t| self.distribution(&row[..t])));
        Ok(distributions.map(|p| p.ln() as f32).collect())
    }

    async fn log_likelihoods(&self, rows: &Rows, _chunk: usize) -> Result<Vec<f32>, EngineError> {
        let Rows::Tokens(tokens) = rows else { panic!("tokens") };
        let rows = tokens.chunks_exact(self.length);
        let seen = rows.flat_map(|row| (0..row.len()).map(|t| self.distribution(&row[..t])[usize::from(row[t])]));
        Ok(seen.map(|p| p.ln() as f32).collect())
    }
}

/// Mean over the first `positions` of KL(source that knows the topic || table), and of the same for Bayes `filter`, over all words
/// of a coin with P(0) = p.
fn exact(table: &Table, p: f64, positions: usize, filter: &Filter) -> [f64; 2] {
    let kl = |q: [f64; 2]| p * (p / q[0]).ln() + (1.0 - p) * ((1.0 - p) / q[1]).ln();
    let mut total = [0.0; 2];
    for word in 0..1_u32 << (positions - 1) {
        let tokens: Vec<u16> = (0..positions - 1).map(|t| (word >> t & 1) as u16).collect();
        let probability: f64 = tokens.iter().map(|&x| if x == 0 { p } else { 1.0 - p }).product();
        let mut filter = filter.clone();
        let mut distribution = [0.0; 2];
        filter.reset();
        for t in 0..positions {
            filter.predict(&mut distribution);
            total[0] += probability * kl(table.distribution(&tokens[..t]));
            total[1] += probability * kl(distribution);
            if t < tokens.len() {
                filter.observe(tokens[t]);
            }
        }
    }
    total.map(|sum| sum / positions as f64)
}

/// By its seed: a small training set of coins, what is measured, and what is so, in the order two-level (loss, Bayes), first-level
/// (loss, Bayes), sequence gap, topic gap, topic gap above Bayes; and L_E.
fn known(seed: u64, topics: usize, sequences: usize, most: usize) -> (Vec<(Measured, f64)>, (Measured, f64)) {
    let (length, prompt) = (6, 4);
    let mut experiment = small("coins:n=3");
    experiment.seed = seed;
    (experiment.data.fresh, experiment.data.length) = (false, length);
    (experiment.data.topics, experiment.data.sequences) = (topics, sequences);
    (experiment.evaluation.prompt_length, experiment.evaluation.sequences) = (prompt, 64);
    (experiment.evaluation.most, experiment.evaluation.precision) = (most, 1e-4);
    experiment.evaluation.share = 0.0;
    let world = World::new(&experiment.world).expect("coins");
    let corpus = Corpus::draw(&world, &experiment.data, seed);
    let table = Table::new(&corpus, length);
    let mut gaps = Gaps::new(&experiment, &corpus);
    while !pollster::block_on(gaps.advance(&mut Pace::unbroken(), &world, &corpus, &table)).expect("measures") {}
    let found = gaps.found();
    assert_eq!(found.sequences, most);

    let coin = |topic: &Topic| match topic {
        Topic::Component(i) => (i + 1) as f64 / 4.0,
        _ => panic!("a coin"),
    };
    let mean = |coins: &[f64], positions, filter: &Filter| {
        let sum = coins.iter().fold([0.0; 2], |sum, &p| {
            let [a, b] = exact(&table, p, positions, filter);
            [sum[0] + a, sum[1] + b]
        });
        sum.map(|s| s / coins.len() as f64)
    };
    let pool = corpus.topics().expect("a set");
    let seen: Vec<f64> = pool.iter().map(coin).collect();
    let two = mean(&[0.25, 0.5, 0.75], prompt, &world.bayes());
    let first = mean(&seen, length, &world.pool(pool));
    let first_prompt = mean(&seen, prompt, &world.pool(pool));
    let (mut sum, mut cells) = (0.0, 0.0);
    for row in 0..corpus.rows().expect("a set") {
        let Some((topic, Rows::Tokens(tokens))) = corpus.row(row) else { panic!("tokens") };
        for (t, &x) in tokens.iter().enumerate() {
            let p = if x == 0 { coin(topic) } else { 1.0 - coin(topic) };
            sum += (p / table.distribution(&tokens[..t])[usize::from(x)]).ln();
            cells += 1.0;
        }
    }
    let empirical = sum / cells;
    let pairs = vec![
        (found.two_level.loss, two[0]),
        (found.two_level.bayes, two[1]),
        (found.first_level.loss, first[0]),
        (found.first_level.bayes, first[1]),
        (found.sequence_gap, first[0] - empirical),
        (found.topic_gap, two[0] - first_prompt[0]),
        (found.topic_gap_above_bayes, two[0] - two[1] - (first_prompt[0] - first_prompt[1])),
    ];
    (pairs, (found.empirical.loss, empirical))
}

#[test]
fn gaps_of_a_table_are_what_they_are() {
    for (topics, sequences, most) in [(4, 5, 512), (40, 30, 512)] {
        let whole = topics * sequences <= most;
        let mut scores: Vec<Vec<f64>> = vec![Vec::new(); 8];
        for seed in 0..24 {
            let (pairs, (empirical, exact)) = known(seed, topics, sequences, most);
            if whole {
                assert!((empirical.value - exact).abs() < 1e-6 && empirical.stderr == 0.0, "{empirical:?} {exact}");
            } else {
                scores[7].push((empirical.value - exact) / empirical.stderr);
            }
            for (i, (measured, exact)) in pairs.iter().enumerate() {
                // All topics may be the same coin, which leaves Bayes nothing to learn, and no spread.
                if measured.stderr == 0.0 {
                    assert!((measured.value - exact).abs() < 1e-6, "{measured:?} {exact}");
                } else {
                    scores[i].push((measured.value - exact) / measured.stderr);
                }
            }
        }
        for (i, scores) in scores.iter().enumerate().filter(|(_, scores)| !scores.is_empty()) {
            let n = scores.len() as f64;
            let mean = scores.iter().sum::<f64>() / n;
            let square = scores.iter().map(|z| z * z).sum::<f64>() / n;
            assert!(scores.iter().all(|z| z.abs() < 4.0), "estimate {i} of {topics} x {sequences}: {scores:?}");
            assert!(mean.abs() < 3.0 / n.sqrt(), "estimate {i} of {topics} x {sequences} is biased: {mean}");
            assert!(square < 2.0, "estimate {i} of {topics} x {sequences}: errors are too small: {square}");
        }
    }
}

/// With fresh draws what is trained on are the rows of all batches, each with a topic of its own.
#[test]
fn gaps_of_a_table_on_fresh_draws_are_what_they_are() {
    // 96 rows are few enough to be measured as a whole; of 3000 only some are.
    for (steps, batch) in [(12, 8), (100, 30)] {
        let (mut scores, mut compared) = (vec![Vec::new(); 3], 0);
        for seed in 0..12 {
            let mut experiment = small("coins:n=3");
            (experiment.seed, experiment.data.length) = (seed, 6);
            (experiment.training.steps, experiment.training.batch) = (steps, batch);
            (experiment.evaluation.most, experiment.evaluation.precision) = (512, 1e-4);
            (experiment.evaluation.share, experiment.evaluation.sequences) = (0.0, 60);
            let world = World::new(&experiment.world).expect("coins");
            let corpus = Corpus::draw(&world, &experiment.data, seed);
            let (topics, Rows::Tokens(tokens)) = corpus.probe(&world, steps * batch, steps, batch) else {
                panic!("tokens")
            };
            assert_eq!(topics.len(), steps * batch, "every row once");
            let mut counts: HashMap<Vec<u16>, [f64; 2]> = HashMap::new();
            for row in tokens.chunks_exact(6) {
                for (t, &x) in row.iter().enumerate() {
                    counts.entry(row[..t].to_vec()).or_default()[usize::from(x)] += 1.0;
                }
            }
            let table = Table { length: 6, counts };
            let mut gaps = Gaps::new(&experiment, &corpus);
            while !pollster::block_on(gaps.advance(&mut Pace::unbroken(), &world, &corpus, &table)).expect("measures") {
            }
            let found = gaps.found();
            assert_eq!((found.sequences, found.training_sequences), (512, 512.min(steps * batch)));
            let coin = |topic: &Topic| match topic {
                Topic::Component(i) => (i + 1) as f64 / 4.0,
                _ => panic!("a coin"),
            };
            let empirical = topics.iter().zip(tokens.chunks_exact(6)).flat_map(|(topic, row)| {
                let p = coin(topic);
                let table = &table;
                row.iter().enumerate().map(move |(t, &x)| {
                    ((if x == 0 { p } else { 1.0 - p }) / table.distribution(&row[..t])[usize::from(x)]).ln()
                })
            });
            let empirical = empirical.sum::<f64>() / tokens.len() as f64;
            let loss = found.empirical.loss;
            if steps * batch <= 512 {
                assert!((loss.value - empirical).abs() < 1e-6 && loss.stderr == 0.0, "{loss:?} {empirical}");
            } else {
                scores[2].push((loss.value - empirical) / loss.stderr);
            }
            let two: f64 = [0.25, 0.5, 0.75].map(|p| exact(&table, p, 6, &world.bayes())[0]).iter().sum::<f64>() / 3.0;
            scores[0].push((found.two_level.loss.value - two) / found.two_level.loss.stderr);
            // The topics that were drawn, each as often as it was.
            let seen = topics.iter().map(|t| exact(&table, coin(t), 6, &world.bayes())[0]).sum::<f64>();
            let gap = seen / topics.len() as f64 - empirical;
            scores[1].push((found.sequence_gap.value - gap) / found.sequence_gap.stderr);
            compared += 1;
        }
        assert_eq!(compared, 12);
        for scores in scores.iter().filter(|scores| !scores.is_empty()) {
            let mean = scores.iter().sum::<f64>() / 12.0;
            assert!(scores.iter().all(|z| z.abs() < 4.0) && mean.abs() < 3.0 / 12f64.sqrt(), "{scores:?}");
        }
    }
}

/// All that a run tells until its outcome, and what it tells when more is measured.
fn run_events(experiment: &Experiment, more: usize) -> (Vec<Evaluation>, Vec<Outcome>, Vec<f64>) {
    let (mut evaluations, mut outcomes, mut losses) = (Vec::new(), Vec::new(), Vec::new());
    let mut emit = |event: Event| match event {
        Event::Evaluation(evaluation) => evaluations.push(evaluation),
        Event::Outcome(outcome) => outcomes.push(*outcome),
        Event::Frame(frame) => losses.extend(frame.training_loss),
        _ => {}
    };
    pollster::block_on(async {
        let mut session = Session::prepare(experiment, DeviceChoice::Cpu, &mut emit).await.expect("prepares");
        assert!(!session.measure_more(), "nothing is finished");
        for round in 0..=more {
            assert_eq!(session.measure_more(), round > 0);
            while !session.finished() {
                session.advance(&mut emit).await.expect("advances");
            }
        }
    });
    (evaluations, outcomes, losses)
}

#[test]
fn the_final_curves_are_measured_on_as_many_sequences_as_the_gaps() {
    for (world, fresh) in [("coins:n=3", true), ("coins:n=3", false), ("lds", true), ("lds", false)] {
        let mut experiment = small(world);
        (experiment.data.fresh, experiment.data.topics, experiment.data.sequences) = (fresh, 4, 10);
        // 12 steps of 8: at most 1.5 · 96 = 144 sequences of each kind.
        (experiment.evaluation.most, experiment.evaluation.share) = (4096, 1.5);
        experiment.evaluation.precision = 1e-4;
        let (evaluations, outcomes, losses) = run_events(&experiment, 1);
        let [.., own, last, more] = &evaluations[..] else { panic!("evaluations") };
        let [first, second] = &outcomes[..] else { panic!("two outcomes") };
        assert_eq!((own.sequences, last.sequences, more.sequences), (16, 144, 288), "{world} {fresh}");
        assert_eq!((own.step, last.step, more.step), (12, 12, 12));
        assert_eq!((first.sequences, second.sequences, losses.len()), (144, 288, 12), "nothing is trained again");
        for (evaluation, outcome) in [(last, first), (more, second)] {
            assert_eq!((evaluation.two_level, evaluation.topic_gap), (outcome.two_level, outcome.topic_gap));
            assert_eq!(Some(evaluation.topic_gap_above_bayes), outcome.topic_gap_above_bayes);
            assert_eq!(evaluation.seen_model.len(), 12);
            assert!(outcome.measuring_seconds >= outcome.gaps_seconds && outcome.gaps_seconds > 0.0);
            let words = outcome.reached(experiment.evaluation.precision);
            assert!(words.contains(&format!("Measured on {} sequences of each kind", outcome.sequences)), "{words}");
            assert!(words.contains("% of the training time"), "{words}");
        }
        // Four and a half times the sequences, and then nine times: the errors follow.
        let mean = |e: &Evaluation| e.excess_stderr.iter().sum::<f64>() / 12.0;
        assert!(mean(last) < 0.7 * mean(own) && mean(more) < 0.85 * mean(last), "{world} {fresh}");
        let close = |a: f64, b: f64, e: f64| (a - b).abs() <= 5.0 * e + 1e-9;
        for l in 0..12 {
            // Of 16 sequences with long tails the error itself is hardly known: that of 144 tells it better.
            let error = own.excess_stderr[l].max(3.0 * last.excess_stderr[l]);
            assert!(close(last.model[l], own.model[l], error), "{world} {fresh} at {l}");
        }
        assert_eq!(evaluations, run_events(&experiment, 1).0, "it repeats");
    }
}

#[test]
fn measuring_takes_its_share_of_the_training() {
    let settings = |most, share| experiment::Evaluation { sequences: 64, most, share, ..Default::default() };
    // Forward passes of three kinds of sequences against three forward passes for each trained one.
    assert_eq!(settings(4096, 0.5).limit(320), 160);
    assert_eq!(settings(4096, 0.5).limit(16_000), 4096);
    assert_eq!(settings(4096, 0.0).limit(320), 4096, "no limit");
    assert_eq!(settings(4096, 0.1).limit(320), 64, "never fewer than an evaluation has");
    assert_eq!(settings(0, 0.5).limit(16_000), 64);
    // Prior stages count.
    let mut experiment = with_priors("coins:n=3");
    (experiment.evaluation.most, experiment.evaluation.share, experiment.evaluation.precision) = (4096, 0.5, 1e-4);
    assert_eq!(outcome(&experiment).sequences, 24 * 8 / 2);
}

#[test]
fn a_training_set_that_is_smaller_than_an_evaluation_is_taken_once() {
    for world in ["coins:n=3", "lds"] {
        let mut experiment = small(world);
        (experiment.data.fresh, experiment.data.topics, experiment.data.sequences) = (false, 4, 3);
        let (evaluations, outcomes, _) = run_events(&experiment, 0);
        for evaluation in &evaluations {
            let l = evaluation.empirical;
            assert_eq!((l.loss.stderr, l.bayes.stderr, l.excess.stderr), (0.0, 0.0, 0.0), "all 12 rows were taken");
            assert!(evaluation.sequence_gap.stderr == evaluation.first_level.loss.stderr);
        }
        let [.., own, last] = &evaluations[..] else { panic!("evaluations") };
        // Two ways to go through the whole set: the same mean.
        assert!((own.empirical.loss.value - last.empirical.loss.value).abs() < 1e-6);
        assert_eq!(outcomes[0].training_sequences, 12);
        assert!(outcomes[0].reached(0.02).contains("of the training set all 12"));
    }
}

/// Of parameters that are no numbers, and of such that make numbers that are too large: a sentence, and nothing that cannot be read.
#[test]
fn no_number_that_is_not_finite_leaves_a_session() {
    for world in ["coins:n=3", "lds", "dursley-wonka"] {
        for (value, at) in [(f32::NAN, 4), (1e38, 4), (f32::INFINITY, 12), (-1e30, 12), (3e4, 12), (1e12, 7)] {
            let experiment = small(world);
            let mut messages = Vec::new();
            let mut emit = |event: Event| {
                assert_eq!(first_not_finite(&event), None, "{world} {value}: {event:?}");
                messages.push(wire::encode(&FromEngine { run: 1, event }));
            };
            let ended = pollster::block_on(async {
                let mut session = Session::prepare(&experiment, DeviceChoice::Cpu, &mut emit).await.expect("prepares");
                while !session.finished() {
                    if session.steps() == at {
                        session.set_parameters(value);
                    }
                    session.advance(&mut emit).await?;
                }
                Ok::<_, EngineError>(())
            });
            match ended {
                Ok(()) => {}
                Err(error @ EngineError::NotFinite { .. }) => {
                    assert!(error.next().contains("learning rate"), "{error}")
                }
                Err(error) => panic!("{world} {value}: {error}"),
            }
            let read: Result<Vec<FromEngine>, _> = messages.iter().map(|bytes| wire::decode(bytes)).collect();
            let events: Vec<Event> = read.expect("messages").into_iter().map(|message| message.event).collect();
            if value.is_nan() {
                assert!(events.iter().any(|e| matches!(e, Event::Frame(_))), "{world}: losses before are sent");
            }
        }
    }
}

#[test]
fn measuring_stops_when_gaps_are_precise() {
    let mut experiment = small("coins:n=3");
    (experiment.data.fresh, experiment.data.topics, experiment.data.sequences) = (false, 2, 3);
    (experiment.evaluation.most, experiment.evaluation.precision) = (100_000, 0.2);
    experiment.evaluation.share = 0.0;
    let world = World::new(&experiment.world).expect("coins");
    let corpus = Corpus::draw(&world, &experiment.data, 1);
    let table = Table::new(&corpus, experiment.data.length);
    let mut gaps = Gaps::new(&experiment, &corpus);
    while !pollster::block_on(gaps.advance(&mut Pace::unbroken(), &world, &corpus, &table)).expect("measures") {}
    let found = gaps.found();
    assert!(found.precise && found.sequences < 100_000, "{found:?}");
    assert!(found.sequence_gap.stderr <= 0.2 * found.sequence_gap.value.abs());
}

/// Some random gradients of K topics x N sequences in three dimensions, and their subsets' means, many times over.
#[test]
fn gradient_differences_are_expected_as_sampling_without_replacement_has_it() {
    let (k, n, few_topics, few) = (5, 6, 2, 3);
    let mut stream = Stream::new(4, Purpose::Timing, 0);
    let gradients: Vec<[f64; 3]> = (0..k)
        .flat_map(|_| {
            let topic: [f64; 3] = std::array::from_fn(|_| stream.normal());
            (0..n).map(|_| topic.map(|m| m + 0.7 * stream.normal())).collect::<Vec<_>>()
        })
        .collect();
    let square = |a: &[f64; 3], b: &[f64; 3]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
    let pairs = |same: bool| {
        let all = (0..k * n).flat_map(|i| (0..k * n).map(move |j| (i, j)));
        let kept = all.filter(|(i, j)| i != j && (i / n == j / n) == same);
        let squares: Vec<f64> = kept.map(|(i, j)| 0.5 * square(&gradients[i], &gradients[j])).collect();
        squares.iter().sum::<f64>() / squares.len() as f64
    };
    let (data, topic) = expected(pairs(true), pairs(false), (k, n), (few_topics * few, few));

    let mean = |rows: &[usize]| {
        let sum = rows.iter().fold([0.0; 3], |sum, &row| std::array::from_fn(|i| sum[i] + gradients[row][i]));
        sum.map(|s| s / rows.len() as f64)
    };
    let everything = mean(&(0..k * n).collect::<Vec<_>>());
    let world = World::new(&"coins".parse().expect("a world")).expect("coins");
    let shape = experiment::Data { topics: k, sequences: n, length: 2, fresh: false };
    let draws = 20_000;
    let mut sums = [0.0; 2];
    for seed in 0..draws {
        let corpus = Corpus::draw(&world, &shape, seed);
        for (sum, topics) in sums.iter_mut().zip([k, few_topics]) {
            let subset = corpus.subset(topics, few).expect("a set");
            *sum += square(&mean(subset.rows()), &everything) / draws as f64;
        }
    }
    assert!((sums[0] / data - 1.0).abs() < 0.03, "{sums:?} {data}");
    assert!((sums[1] / topic - 1.0).abs() < 0.03, "{sums:?} {topic}");
}

#[test]
fn subsets_are_nested_and_counterparts_stay_inside() {
    let world = World::new(&"coins".parse().expect("a world")).expect("coins");
    let shape = experiment::Data { topics: 8, sequences: 6, length: 2, fresh: false };
    let corpus = Corpus::draw(&world, &shape, 3);
    let (data, topic) = (corpus.subset(8, 3).expect("a set"), corpus.subset(4, 3).expect("a set"));
    assert_eq!((data.rows().len(), topic.rows().len()), (24, 12));
    assert!(topic.rows().iter().all(|row| data.rows().contains(row)));
    for k in 0..8 {
        assert_eq!(data.rows().iter().filter(|row| *row / 6 == k).count(), 3);
    }
    let mut stream = Stream::new(1, Purpose::Timing, 0);
    let rows = corpus.draw_rows(24_000, None, &mut stream);
    let others = corpus.counterparts(&rows, &topic, &mut stream);
    let mut counts = [0; 48];
    for (row, other) in rows.iter().zip(&others) {
        assert!(topic.rows().contains(other));
        assert!(!topic.rows().contains(row) || row == other);
        counts[*other] += 1;
    }
    // Uniform over the subset: 2000 each, give or take 43.
    assert!(topic.rows().iter().all(|&row| (1800..2200).contains(&counts[row])), "{counts:?}");
    assert!(corpus.batch_rows(5, 100, Some(&topic)).iter().all(|row| topic.rows().contains(row)));
}

fn outcome(experiment: &Experiment) -> Outcome {
    let mut last = 0.0;
    let outcome = pollster::block_on(cell::run(experiment, DeviceChoice::Cpu, &mut |done| last = done));
    assert_eq!(last, 1.0);
    outcome.expect("runs")
}

fn with_priors(world: &str) -> Experiment {
    let mut experiment = small(world);
    (experiment.data.fresh, experiment.data.topics, experiment.data.sequences) = (false, 4, 4);
    experiment.prior.steps = 6;
    experiment.evaluation.most = 32;
    experiment
}

#[test]
fn prior_stages_leave_checkpoints() {
    for (world, fresh) in [("coins:n=3", false), ("lds", false), ("coins:n=3", true)] {
        let mut experiment = with_priors(world);
        experiment.data.fresh = fresh;
        let found = outcome(&experiment);
        assert_eq!((found.steps, found.prior_steps), (24, 12), "{world}");
        assert_eq!(found.record.step, [0, 5, 6, 10, 12, 15, 20, 24], "{world}");
        assert!(found.prior_seconds > 0.0 && found.prior_seconds < found.seconds);
        assert!(found.distance_topic > 0.0 && found.distance_data > 0.0 && found.distance_topic != found.distance_data);
        // Halving: a few of the 39 values. More noise costs more, and what is chosen is borne.
        assert!((4..=6).contains(&found.scales.len()), "{:?}", found.scales);
        assert!(found.scales.windows(2).all(|pair| pair[0].scale < pair[1].scale), "{:?}", found.scales);
        let (first, last) = (found.scales[0], found.scales[found.scales.len() - 1]);
        assert!(last.rise.value > first.rise.value, "{:?}", found.scales);
        if let Some(chosen) = found.scales.iter().find(|t| t.scale == found.scale) {
            assert!(chosen.rise.value <= experiment.bound.rise || found.scale == SCALES[0]);
        }
        let noisy = found.randomised.expect("measured");
        assert_eq!((noisy.scale, noisy.draws, noisy.sequences), (found.scale, 32, 512));
        assert!((noisy.two_level.value - found.two_level.loss.value).abs() < 0.05, "{noisy:?}");
        assert_eq!(found, Outcome { seconds: found.seconds, prior_seconds: found.prior_seconds, ..found.clone() });
        // The same twice, but for what the clock says.
        let again = outcome(&experiment);
        assert_eq!(
            (found.two_level, found.distance_topic, found.scale),
            (again.two_level, again.distance_topic, again.scale)
        );
    }
}

#[test]
fn a_prior_knows_nothing_of_what_it_may_not_see() {
    // Two runs that differ in K', and so in what the first stage sees, and in nothing else, part at once; two that differ only in
    // what comes after the first stage agree until its end.
    let base = with_priors("coins:n=3");
    let mut other = base.clone();
    other.training.steps = 20;
    let (a, b) = (outcome(&base), outcome(&other));
    assert_eq!(a.record.two_level[..5], b.record.two_level[..5]);
    let mut fewer = base.clone();
    fewer.bound.topics = 1;
    assert_ne!(outcome(&fewer).record.two_level[1], a.record.two_level[1]);
}

#[test]
fn differences_at_a_model_that_knows_no_subset_are_as_expected() {
    let mut sums = [0.0; 4];
    let seeds = 16;
    for seed in 0..seeds {
        let mut experiment = with_priors("markov:k=3");
        experiment.seed = seed;
        experiment.net.width = 8;
        experiment.net.blocks = 1;
        (experiment.data.topics, experiment.data.sequences) = (8, 8);
        (experiment.prior.steps, experiment.prior.index) = (0, true);
        // So small that the model stays the seed's own.
        (experiment.training.learning_rate, experiment.training.steps) = (1e-7, 2);
        experiment.evaluation.every = 1;
        let paths = outcome(&experiment).paths.expect("asked for");
        assert!(!paths.is_kl && paths.measurements == 2);
        let found = [paths.difference_data, paths.expected_data, paths.difference_topic, paths.expected_topic];
        sums.iter_mut().zip(found).for_each(|(sum, value)| *sum += value / seeds as f64);
    }
    let [data, expected_data, topic, expected_topic] = sums;
    assert!((data / expected_data - 1.0).abs() < 0.35, "{sums:?}");
    assert!((topic / expected_topic - 1.0).abs() < 0.35, "{sums:?}");
}

#[test]
fn langevin_paths_have_a_divergence() {
    let mut experiment = with_priors("coins:n=3");
    experiment.prior.index = true;
    experiment.training.optimizer = Optimizer::Langevin;
    experiment.training.learning_rate = 0.05;
    let found = outcome(&experiment).paths.expect("asked for");
    assert!(found.is_kl && found.data > 0.0 && found.topic > found.data, "{found:?}");
    // Twice β, twice the divergence of the same steps; the noise hardly moves these few.
    experiment.training.inverse_temperature *= 2.0;
    let doubled = outcome(&experiment).paths.expect("asked for");
    assert!((doubled.data / found.data - 2.0).abs() < 0.3, "{found:?} {doubled:?}");
}

#[test]
fn certificates_hold_in_repeated_runs() {
    let runs = 40;
    let (mut failures, mut useful) = (0, 0);
    for seed in 0..runs {
        let mut experiment = with_priors("dursley-wonka");
        experiment.seed = seed;
        (experiment.net.width, experiment.net.blocks, experiment.net.heads, experiment.net.kv_heads) = (8, 1, 2, 2);
        (experiment.data.topics, experiment.data.sequences, experiment.data.length) = (4, 2048, 6);
        (experiment.prior.steps, experiment.training.steps, experiment.training.batch) = (40, 20, 16);
        experiment.training.learning_rate = 3e-3;
        (experiment.evaluation.every, experiment.evaluation.most) = (1000, 0);
        (experiment.bound.certificate, experiment.bound.scale) = (true, 0.02);
        let found = outcome(&experiment).certificate.expect("asked for");
        assert!(found.empirical_limit > found.empirical && found.bound > found.empirical_limit, "{found:?}");
        assert_eq!((found.sequences, found.draws), (4.0 * 1024.0, 8192));
        // What Monte Carlo costs: with 512 perturbed models the range of the losses alone costs 0.12 nats.
        assert!(found.empirical_limit - found.empirical < 0.04, "{found:?}");
        assert!(found.unigram < found.uniform, "{found:?}");
        let (uniform, unigram) = (found.sequences_needed.expect("some n"), found.sequences_needed_unigram);
        assert!(unigram.is_none_or(|n| n > uniform), "{found:?}");
        failures += usize::from(found.population.value - 2.0 * found.population.stderr > found.bound);
        useful += usize::from(found.bound < found.uniform);
    }
    assert!(failures as f64 <= 0.05 * runs as f64, "{failures} of {runs}");
    // A bound that says nothing would hold too.
    assert!(useful > 0, "no certificate is below uniform");
}

/// A model a few steps old, its world and its training set.
fn trained(experiment: &Experiment) -> (Trainer, World, Corpus) {
    let world = World::new(&experiment.world).expect("a world");
    let corpus = Corpus::draw(&world, &experiment.data, experiment.seed);
    let mut trainer = Trainer::new(experiment, world.observation(), &burn::tensor::Device::flex());
    let mut rows = Rows::empty(world.observation());
    for step in 0..experiment.training.steps {
        corpus.batch(&world, step, experiment.training.batch, None, &mut rows);
        pollster::block_on(trainer.step(&rows, &[]));
    }
    (trainer, world, corpus)
}

fn mean_loss(model: &impl Model, rows: &Rows) -> f64 {
    let log_p = pollster::block_on(model.log_likelihoods(rows, 256)).expect("numbers");
    -log_p.iter().map(|&p| f64::from(p)).sum::<f64>() / log_p.len() as f64
}

#[test]
fn halving_finds_what_a_search_of_the_whole_grid_finds() {
    for seed in 1..4 {
        let mut experiment = with_priors("markov:k=3");
        (experiment.seed, experiment.training.steps) = (seed, 60);
        let (trainer, world, corpus) = trained(&experiment);
        let mut scales = Scales::new(&experiment, &world, &corpus);
        while !pollster::block_on(scales.advance(&trainer)).expect("numbers") {}
        let (_, rows) = corpus.probe(&world, 128, experiment.steps(), experiment.training.batch);
        let rise = |scale: f64| {
            let noisy = (0..6).map(|draw| {
                let mut stream = Stream::new(seed, Purpose::Perturbation, draw);
                mean_loss(&trainer.variant(perturbed(&trainer, scale, &mut stream)), &rows)
            });
            noisy.sum::<f64>() / 6.0 - mean_loss(&trainer, &rows)
        };
        let borne = SCALES.iter().take_while(|&&scale| rise(scale) <= experiment.bound.rise).last();
        assert_eq!(scales.chosen(), *borne.unwrap_or(&SCALES[0]), "seed {seed}: {:?}", scales.trials());
    }
}

#[test]
fn losses_under_noise_are_those_of_perturbed_models() {
    let mut experiment = with_priors("dursley-wonka");
    (experiment.training.steps, experiment.evaluation.prompt_length) = (60, 0);
    let (trainer, world, corpus) = trained(&experiment);
    // So much noise that it shows.
    let scale = 0.15;
    let mut randomise = Randomise::new(&experiment, scale);
    while !pollster::block_on(randomise.advance(&world, &world.held_out(), &corpus, &trainer)).expect("numbers") {}
    let own = |value| LossAndFloor { loss: Measured { value, stderr: 0.0 }, ..LossAndFloor::default() };
    let outcome = Outcome { empirical: own(1.0), first_level: own(2.0), two_level: own(3.0), ..Outcome::default() };
    let found = randomise.found(&outcome).expect("numbers");

    // The same on sequences and noise of their own, with no sequence shared between the two models.
    let rows = |stream: &mut Stream| {
        let mut rows = Rows::empty(world.observation());
        for _ in 0..64 {
            let topic = world.draw_topic(stream);
            world.draw_row(&topic, experiment.data.length, &mut rows, stream);
        }
        rows
    };
    let (mut noisy, mut still) = (Tally::default(), Tally::default());
    for draw in 0..200 {
        let mut stream = Stream::new(99, Purpose::MonteCarlo, draw);
        let (a, b) = (rows(&mut stream), rows(&mut stream));
        noisy.add(mean_loss(&trainer.variant(perturbed(&trainer, scale, &mut stream)), &a));
        still.add(mean_loss(&trainer, &b));
    }
    let (noisy, still) = (noisy.measured(), still.measured());
    let (rise, error) = (noisy.value - still.value, noisy.stderr.hypot(still.stderr));
    assert!(rise > 10.0 * error, "{rise} ± {error}");
    let off = found.two_level.value - 3.0 - rise;
    assert!(off.abs() < 4.0 * error.hypot(found.two_level.stderr), "{off}, {found:?}");
    assert!(found.two_level.stderr > 0.0 && found.two_level.stderr < 0.2 * rise, "{found:?}");
    // Four training topics need not have each name as often as all topics have.
    for on_training in [found.empirical.value - 1.0, found.first_level.value - 2.0] {
        assert!(on_training > 0.4 * rise && on_training < 2.5 * rise, "{rise}, {found:?}");
    }
}

#[test]
fn bound_and_certificate_count_the_same_sequences() {
    for (fresh, stage) in [(false, 0), (false, 6), (true, 0), (true, 6)] {
        let mut experiment = with_priors("dursley-wonka");
        (experiment.data.fresh, experiment.prior.steps, experiment.data.length) = (fresh, stage, 6);
        (experiment.net.width, experiment.net.blocks, experiment.net.heads, experiment.net.kv_heads) = (8, 1, 2, 2);
        (experiment.bound.certificate, experiment.bound.scale) = (true, 0.02);
        let certificate = outcome(&experiment).certificate.expect("asked for");
        let input = BoundInput::of(&experiment, 0.0, 0.0, 0.0, 0.0);
        let whole = input.sequence_n() / experiment.data.length as f64;
        assert!((whole - certificate.sequences).abs() < 1e-6, "fresh {fresh}, {stage} steps: {whole}, {certificate:?}");
        if fresh {
            // Dursley or Wonka's own level.
            assert!((certificate.unigram - 1.445).abs() < 0.15, "{certificate:?}");
        }
    }
}
