use super::*;
use experiment::{Data, world::KINDS};

fn world(spec: &str) -> World {
    let spec = if spec.starts_with('{') { WorldSpec::from_json(spec).expect(spec) } else { spec.parse().expect(spec) };
    World::new(&spec).expect("a world")
}

/// Dirichlet(0.3) rows over (token, next state), so that some probabilities are tiny; every third state goes to one next
/// state per token.
fn random_hmm(vocab: usize, states: usize, stream: &mut Stream) -> Hmm {
    let mut edges = Vec::new();
    for i in 0..states {
        let mut row = vec![0.0; vocab * states];
        stream.dirichlet(0.3, &mut row);
        for (at, &p) in row.iter().enumerate() {
            let (token, next) = (at / states, if i % 3 == 2 { at / states % states } else { at % states });
            edges.push((i as u32, hmm::Transition { token: token as u16, next: next as u32, p }));
        }
    }
    Hmm::new(vocab, states, edges, None)
}

/// P(word) by summing over every path of hidden states.
fn probability_by_paths(hmm: &Hmm, state: usize, word: &[u16]) -> f64 {
    let Some((&token, rest)) = word.split_first() else { return 1.0 };
    hmm.transitions(state)
        .iter()
        .filter(|e| e.token == token)
        .map(|e| e.p * probability_by_paths(hmm, e.next as usize, rest))
        .sum()
}

fn probability(hmm: &Hmm, word: &[u16]) -> f64 {
    hmm.start().iter().enumerate().map(|(i, p)| p * probability_by_paths(hmm, i, word)).sum()
}

#[test]
fn the_filter_agrees_with_a_sum_over_all_paths() {
    let mut stream = Stream::new(11, Purpose::MonteCarlo, 0);
    for case in 0..24 {
        let vocab = 2 + stream.below(3) as usize;
        let count = 1 + stream.below(3) as usize;
        let parts: Vec<Hmm> = (0..count)
            .map(|_| {
                let states = 1 + stream.below(5) as usize;
                random_hmm(vocab, states, &mut stream)
            })
            .collect();
        let weights: Vec<f64> = parts.iter().map(|_| stream.uniform() + 0.01).collect();
        let mixture = Arc::new(Mixture::new(&parts, &weights));
        let mut filter = Filter::mixture(mixture.clone(), weights.clone());
        // Sequences of the mixture itself.
        let length = 8;
        let mut word = vec![0; length];
        mixture.draw(case % count, &mut word, &mut stream);
        let mut distribution = vec![0.0; vocab];
        for t in 0..length {
            filter.predict(&mut distribution);
            assert!((distribution.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            let joint = |word: &[u16]| -> f64 {
                let total: f64 = mixture.weights().iter().zip(&parts).map(|(w, p)| w * probability(p, word)).sum();
                total
            };
            let past = joint(&word[..t]);
            for (x, p) in distribution.iter().enumerate() {
                let with: Vec<u16> = word[..t].iter().copied().chain([x as u16]).collect();
                let expected = joint(&with) / past;
                assert!((p - expected).abs() < 1e-9, "case {case}, t {t}: {p} is not {expected}");
            }
            filter.observe(word[t]);
        }
    }
}

#[test]
fn relabelling_components_changes_nothing() {
    let mut stream = Stream::new(12, Purpose::MonteCarlo, 0);
    let parts: Vec<Hmm> = (0..3).map(|_| random_hmm(3, 3, &mut stream)).collect();
    let (order, weights) = ([2, 0, 1], [0.5, 0.2, 0.3]);
    let shuffled: Vec<Hmm> = order.iter().map(|&i| parts[i].clone()).collect();
    let shuffled_weights = order.map(|i| weights[i]);
    let mut a = Filter::mixture(Arc::new(Mixture::new(&parts, &weights)), weights.to_vec());
    let mut b = Filter::mixture(Arc::new(Mixture::new(&shuffled, &shuffled_weights)), shuffled_weights.to_vec());
    let (mut p, mut q) = ([0.0; 3], [0.0; 3]);
    for t in 0..30u16 {
        a.predict(&mut p);
        b.predict(&mut q);
        assert!(p.iter().zip(&q).all(|(p, q)| (p - q).abs() < 1e-12));
        a.observe(t * t % 3);
        b.observe(t * t % 3);
    }
}

#[test]
fn impossible_tokens_start_the_filter_over() {
    let blend = r#"{"mixture":[{"weight":1,"world":"beta-coin"},{"weight":1,"world":"z1r"}]}"#;
    let more =
        ["dice:v=4", "markov:order=2", "markov:pool=3", "repeat:block=3,v=4", "ginc:v=20,concepts=2", "sns", blend];
    let first = ["dursley-wonka", "dursley-wonka:bos=1", "coins:n=3", "beta-coin", "markov"];
    for spec in first.into_iter().chain(more) {
        let w = world(spec);
        let mut stream = Stream::new(1, Purpose::MonteCarlo, 0);
        let topic = w.draw_topic(&mut stream);
        for mut filter in [w.bayes(), w.oracle(&topic), w.pool(&[topic.clone(), topic.clone()])] {
            let mut distribution = vec![0.0; w.vocab()];
            let mut prior = vec![0.0; w.vocab()];
            filter.predict(&mut prior);
            filter.observe(0);
            filter.observe(999);
            filter.predict(&mut distribution);
            assert_eq!(distribution, prior, "{spec}");
            for t in 0..50 {
                filter.predict(&mut distribution);
                assert!((distribution.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{spec}: {distribution:?}");
                filter.observe(t * 7 % w.vocab() as u16);
            }
        }
    }
}

#[test]
fn a_pool_of_chains_is_a_mixture_of_them() {
    let w = world("markov:k=3,alpha=0.5");
    let mut stream = Stream::new(2, Purpose::MonteCarlo, 0);
    let topics: Vec<Topic> = (0..4).map(|_| w.draw_topic(&mut stream)).collect();
    let parts: Vec<Hmm> = topics
        .iter()
        .map(|topic| {
            let Topic::Chain(chain) = topic else { panic!("not a chain") };
            let edges = (0..9u32)
                .map(|at| {
                    let (i, j) = (at / 3, at % 3);
                    (i, hmm::Transition { token: j as u16, next: j, p: chain.row(i as usize)[j as usize] })
                })
                .collect();
            Hmm::new(3, 3, edges, None)
        })
        .collect();
    let mut a = w.pool(&topics);
    let mut b = Filter::mixture(Arc::new(Mixture::new(&parts, &[1.0; 4])), vec![1.0; 4]);
    let mut tokens = [0; 40];
    w.draw_sequence(&topics[2], &mut tokens, &mut stream);
    let (mut p, mut q) = ([0.0; 3], [0.0; 3]);
    for &token in &tokens {
        a.predict(&mut p);
        b.predict(&mut q);
        assert!(p.iter().zip(&q).all(|(p, q)| (p - q).abs() < 1e-10), "{p:?} {q:?}");
        a.observe(token);
        b.observe(token);
    }
    // In the end it knows the chain.
    let Topic::Chain(chain) = &topics[2] else { panic!("not a chain") };
    a.predict(&mut p);
    assert!((p[0] - chain.row(tokens[39].into())[0]).abs() < 0.1);
}

#[test]
fn pools_of_every_kind_are_mixtures_of_their_oracles() {
    let blend = r#"{"mixture":[{"weight":1,"world":"beta-coin"},{"weight":1,"world":"even"}]}"#;
    for spec in ["dice:v=3", "markov:order=2", "repeat:block=4,v=3", blend] {
        let w = world(spec);
        let mut stream = Stream::new(8, Purpose::MonteCarlo, 0);
        let topics: Vec<Topic> = (0..5).map(|_| w.draw_topic(&mut stream)).collect();
        let mut pool = w.pool(&topics);
        let mut oracles: Vec<Filter> = topics.iter().map(|t| w.oracle(t)).collect();
        let mut weights = [0.2; 5];
        let mut tokens = [0; 20];
        w.draw_sequence(&topics[3], &mut tokens, &mut stream);
        let (mut p, mut q) = (vec![0.0; w.vocab()], vec![0.0; w.vocab()]);
        for &token in &tokens {
            pool.predict(&mut p);
            let mut mean = vec![0.0; w.vocab()];
            for (oracle, weight) in oracles.iter_mut().zip(&mut weights) {
                oracle.predict(&mut q);
                mean.iter_mut().zip(&q).for_each(|(m, q)| *m += *weight * q);
                *weight *= q[usize::from(token)];
                oracle.observe(token);
            }
            let total: f64 = weights.iter().sum();
            weights.iter_mut().for_each(|w| *w /= total);
            assert!(p.iter().zip(&mean).all(|(p, m)| (p - m).abs() < 1e-9), "{spec}: {p:?} {mean:?}");
            pool.observe(token);
        }
    }
}

#[test]
fn a_chain_written_as_an_hmm_is_the_same() {
    let mut stream = Stream::new(3, Purpose::MonteCarlo, 0);
    for order in [1, 2] {
        let chain = Chain::draw(3, order, 0.7, &mut stream);
        let hmm = Arc::new(Mixture::new(&[chain.hmm()], &[1.0]));
        let (mut a, mut b) = (Filter::chains(3, std::slice::from_ref(&chain), &[1.0]), Filter::mixture(hmm, vec![1.0]));
        let (mut tokens, mut p, mut q) = ([0; 30], [0.0; 3], [0.0; 3]);
        chain.draw_sequence(&mut tokens, &mut stream);
        for &token in &tokens {
            a.predict(&mut p);
            b.predict(&mut q);
            assert!(p.iter().zip(&q).all(|(p, q)| (p - q).abs() < 1e-12), "{p:?} {q:?}");
            a.observe(token);
            b.observe(token);
        }
        // And what pairs of its tokens say is the chain itself.
        if order == 1 {
            let again = Chain::of_pairs(&chain.hmm());
            assert!((0..3).all(|i| again.row(i).iter().zip(chain.row(i)).all(|(p, q)| (p - q).abs() < 1e-9)));
        }
    }
}

#[test]
fn repeated_topics_of_a_pool_count_as_often() {
    let w = world("coins:n=3");
    let (a, b) = (Topic::Component(0), Topic::Component(2));
    let mut distribution = [0.0; 2];
    w.pool(&[a.clone(), a.clone(), b]).predict(&mut distribution);
    assert!((distribution[0] - (2.0 * 0.25 + 0.75) / 3.0).abs() < 1e-12);
    w.pool(&[]).predict(&mut distribution);
    assert!((distribution[0] - 0.5).abs() < 1e-12);
}

#[test]
fn sequences_have_the_frequencies_of_their_source() {
    let blend = r#"{"mixture":[{"weight":1,"world":"dice:v=3"},{"weight":2,"world":"teddy-bear"}]}"#;
    let specs = ["coins:n=4", "markov", "beta-coin:a=2,b=1", "dice:v=5,alpha=0.5", blend];
    // Every world that is given by its processes, too.
    let named = KINDS.iter().map(WorldSpec::named);
    let named = named.filter(|spec| matches!(spec.source(), Some(Source::Processes(_)))).map(|spec| spec.to_string());
    for spec in specs.into_iter().map(String::from).chain(named) {
        let spec = &spec[..];
        let w = world(spec);
        let (mut counts, mut filter) = (vec![0.0; w.vocab()], w.bayes());
        let mut distribution = vec![0.0; w.vocab()];
        filter.predict(&mut distribution);
        let n = 20_000;
        for i in 0..n {
            let mut stream = Stream::new(4, Purpose::Sequence, i);
            let mut tokens = [0; 3];
            w.draw_sequence(&w.draw_topic(&mut stream), &mut tokens, &mut stream);
            // Stationary: the third token has the distribution of the first.
            counts[usize::from(tokens[2])] += 1.0;
        }
        for (count, p) in counts.iter().zip(&distribution) {
            let sigma = (p * (1.0 - p) / n as f64).sqrt();
            assert!((count / n as f64 - p).abs() < 4.0 * sigma, "{spec}: {count} of {n}, expected {p}");
        }
    }
}

#[test]
fn tokens_are_the_same_for_ever() {
    let drawn = |spec: &str| {
        let w = world(spec);
        let mut tokens = vec![0; 16];
        let mut stream = Stream::new(7, Purpose::Sequence, 3);
        w.draw_sequence(&w.draw_topic(&mut stream), &mut tokens, &mut stream);
        tokens
    };
    assert_eq!(drawn("dursley-wonka"), [1, 0, 4, 2, 1, 2, 2, 1, 0, 4, 2, 1, 0, 4, 2, 1]);
    assert_eq!(drawn("coins"), [1, 0, 0, 1, 0, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1, 0]);
    assert_eq!(drawn("beta-coin"), [1, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 0]);
    assert_eq!(drawn("markov"), [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
}

#[test]
fn any_batch_can_be_drawn_again() {
    for (spec, fresh) in [("markov", true), ("markov", false), ("lds", true), ("lds", false)] {
        let w = world(spec);
        let data = Data { topics: 3, sequences: 4, length: 5, fresh };
        let corpus = Corpus::draw(&w, &data, 9);
        let mut tokens = Rows::empty(w.observation());
        corpus.batch(&w, 2, 6, None, &mut tokens);
        assert_eq!(tokens.len(), 30);
        let first = tokens.clone();
        corpus.batch(&w, 3, 6, None, &mut tokens);
        assert_ne!(tokens, first);
        Corpus::draw(&w, &data, 9).batch(&w, 2, 6, None, &mut tokens);
        assert_eq!(tokens, first);
        assert_eq!(corpus.topics().map(<[Topic]>::len), (!fresh).then_some(3));

        // Each row once where there are no more than that: 24 of 4 batches, 12 of the set.
        let all = if fresh { 24 } else { 12 };
        assert_eq!(corpus.population(4, 6), all);
        let (topics, probe) = corpus.probe(&w, 30, 4, 6);
        assert_eq!((topics.len(), probe.len()), (all, 5 * all));
        let split = |rows: &Rows| (0..rows.len() / 5).map(|i| rows.cells(5 * i..5 * i + 5)).collect::<Vec<_>>();
        let probe = split(&probe);
        // Five tokens of three symbols may be the same by chance; vectors may not.
        let twice = (0..all).any(|i| probe[..i].contains(&probe[i]));
        assert!(spec != "lds" || !twice, "a row was taken twice");
        let (topics, some) = corpus.probe(&w, 8, 4, 6);
        assert_eq!((topics.len(), some.len()), (8, 40));
        // What is measured is what was trained on.
        let mut seen = Vec::new();
        for step in 0..4 {
            corpus.batch(&w, step, 6, None, &mut tokens);
            seen.extend(split(&tokens));
        }
        if fresh {
            assert!(probe.iter().all(|row| seen.contains(row)));
        } else {
            let rows: Vec<_> = (0..12).filter_map(|i| corpus.row(i)).map(|(_, row)| row).collect();
            assert!(probe.iter().all(|row| rows.contains(row)) && seen.iter().all(|row| rows.contains(row)));
        }
    }
}

#[test]
fn mixtures_join_their_alphabets_by_name() {
    let w = world(
        r#"{"mixture":[
            {"weight":1,"process":{"tokens":["a","b"],"transitions":{"a":[[0.5]],"b":[[0.5]]}}},
            {"weight":3,"process":{"tokens":["c","b"],"transitions":{"b":[[0.25]],"c":[[0.75]]}}}]}"#,
    );
    assert_eq!(w.vocab(), 3);
    let mut distribution = [0.0; 3];
    w.bayes().predict(&mut distribution);
    assert!(
        distribution.iter().zip([0.125, 0.125 + 0.1875, 0.5625]).all(|(p, q)| (p - q).abs() < 1e-12),
        "{distribution:?}"
    );
    assert_eq!(w.topic_label(&Topic::Component(1)), "process 2");
}

#[test]
fn worlds_that_cannot_be_are_refused_in_words() {
    let error = World::new(&"coins:n=0".parse().expect("shape")).expect_err("no coin");
    assert!(error.to_string().contains("world.n is 0"), "{error}");
}

#[test]
fn sizes_are_counted_from_specs_as_they_are_built() {
    let named = KINDS.iter().filter(|kind| !["udhr", "lds"].contains(&kind.name)).map(|kind| kind.name.to_string());
    let others = [
        "dursley-wonka:bos=1",
        "coins:n=7",
        "markov:k=4,pool=6",
        "markov:k=3,order=2,pool=5",
        "ginc:concepts=2,entities=3,properties=4",
        "ginc:random=1,concepts=3",
        r#"{"tokens":["a","b"],"transitions":{"a":[[0.5,0],[0,1]],"b":[[0,0.5],[0,0]]}}"#,
        r#"{"mixture":[{"weight":1,"world":"markov:k=4,pool=6"},{"weight":1,"world":{"mixture":[
            {"weight":1,"world":"rrxor"},{"weight":1,"world":"coins:n=3"}]}}]}"#,
    ];
    for text in named.chain(others.map(String::from)) {
        let spec = if text.starts_with('{') {
            WorldSpec::from_json(&text).expect("a world")
        } else {
            text.parse().expect("a spec")
        };
        let (states, transitions) = match World::new(&spec).expect("a world").topics() {
            Topics::Finite(mixture) => {
                let hmm = mixture.hmm();
                (hmm.states(), (0..hmm.states()).map(|i| hmm.transitions(i).len()).sum())
            }
            _ => (0, 0_usize),
        };
        let size = spec.size();
        assert_eq!(size.states, states as f64, "{text}");
        // What cannot happen for the parameters at hand takes no room.
        assert!(size.transitions >= transitions as f64, "{text}: {size:?}, built {transitions}");
        assert!(states > 0 || size.bytes() > 0.0, "{text}");
    }
}

/// A process asks for a start just where its chain has several sets of states that are never left.
#[test]
fn one_stationary_distribution_is_distinguished_from_several() {
    let mut counts = [0; 2];
    for seed in 0..400 {
        let mut stream = Stream::new(seed, Purpose::MonteCarlo, 0);
        let n = 1 + stream.below(6) as usize;
        let mut matrix = vec![0.0; n * n];
        for row in matrix.chunks_mut(n) {
            // One or two ways out of each state.
            for _ in 0..1 + stream.below(2) {
                row[stream.below(n as u64) as usize] += 1.0;
            }
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|p| *p /= sum);
        }
        let rows: Vec<String> = matrix.chunks(n).map(|row| format!("{row:?}")).collect();
        let json = format!(r#"{{"tokens":["a"],"transitions":{{"a":[{}]}}}}"#, rows.join(","));
        let several = stationary::recurrent_classes(&matrix, n).len() > 1;
        assert_eq!(WorldSpec::from_json(&json).is_err(), several, "{json}");
        counts[usize::from(several)] += 1;
    }
    assert!(counts[0] > 50 && counts[1] > 50, "{counts:?}");
}
