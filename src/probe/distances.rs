//! How far a model is from each of the predictors that it may have become.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::mixture::{self, Mixture, WIDTH};
use crate::{
    experiment::Experiment,
    protocol::Measured,
    theory::{baselines, bigram::Bigram, curves},
    world::{Filter, Purpose, Rows, Stream, Topic, World},
};

/// An algorithm is named only where KL(model || algorithm) is at most this, nats per token; otherwise it is none of these. Chosen
/// by a referee of the recorded study, after its results were seen.
pub const NAMED_WITHIN: f64 = 0.05;

/// Where the sequences come from on which model and predictors are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ensemble {
    /// Fresh topics from P(w): the first of the evaluation's own sequences.
    Fresh,
    /// Fresh sequences of the K training topics.
    Training,
}

impl Ensemble {
    pub const ALL: [Self; 2] = [Self::Fresh, Self::Training];

    pub fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh topics",
            Self::Training => "training topics",
        }
    }
}

/// Something to compare a model with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Predictor {
    pub name: String,
    /// A sentence: what it knows and what it does.
    pub about: String,
    /// Other predictors that say the same of every position.
    pub also: Vec<String>,
    /// A model could be it. A predictor that knows the topic is there for comparison only.
    pub can_be: bool,
}

impl Predictor {
    /// `inference (here the same as bi-ret)`.
    pub fn in_full(&self) -> String {
        match &self.also[..] {
            [] => self.name.clone(),
            also => format!("{} (here the same as {})", self.name, also.join(" and ")),
        }
    }
}

/// A model's distance from each predictor of [`ReferencePredictors::predictors`], in their order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Distances {
    /// Mean over cells of KL(model || predictor), nats per token; errors are over sequences.
    pub mean: Vec<Measured>,
    /// The same the other way round, KL(predictor || model).
    pub reverse: Vec<Measured>,
    /// The same by position, [predictors, T] row-major.
    pub by_position: Vec<f32>,
    /// The nearest mixture of the predictors that a model can be; one weight for each predictor, 0 for the others.
    pub mixture: Mixture,
}

impl Distances {
    /// The one of the `predictors` that a model can be, and is nearest to.
    pub fn nearest(&self, predictors: &[Predictor]) -> Option<usize> {
        let can_be = |i: &usize| predictors.get(*i).is_some_and(|p| p.can_be);
        (0..self.mean.len()).filter(can_be).min_by(|&a, &b| self.mean[a].value.total_cmp(&self.mean[b].value))
    }
}

/// Predictors, and what each says of every cell of some sequences.
pub struct ReferencePredictors {
    length: usize,
    vocab: usize,
    /// Those that a model can be come first.
    predictors: Vec<Predictor>,
    /// One per ensemble that there is.
    sets: Vec<Set>,
}

struct Set {
    ensemble: Ensemble,
    rows: Arc<Rows>,
    /// [rows, T, V]: each predictor's probability of each token, and its logarithm.
    probabilities: Vec<[f32; WIDTH]>,
    logs: Vec<[f32; WIDTH]>,
}

/// Probabilities, logarithms aside, of one ensemble.
const MOST_NUMBERS: usize = 1 << 20;
/// Fewer sequences than this say little; for their sake there may be four times as many numbers.
const FEWEST: usize = 8;
/// A probability below this counts as this, as `theory::baselines` does it.
const LEAST: f32 = 1e-9;
/// Probabilities no further apart than this are the same.
const SAME: f32 = 1e-6;

/// What predicts before a cell is seen.
enum Source {
    /// Streams through the tokens.
    Filter(Filter),
    /// Knows the topic.
    Oracle,
    /// A distribution for each position (the last one for all later ones), whatever came before.
    Fixed(Vec<Vec<f64>>),
    /// Sees the last token.
    Pairs(Bigram),
}

impl ReferencePredictors {
    /// Draws the sequences and lets every predictor go through them. `topics`: the K training topics; with fresh draws none, and then
    /// there is neither retrieval nor an ensemble of training topics. The error is a sentence for the reader.
    pub fn new(experiment: &Experiment, world: &World, topics: Option<&[Topic]>) -> Result<Self, String> {
        let (vocab, length) = (world.vocab(), experiment.data.length);
        if world.observation().is_vectors() {
            return Err("This tab compares probabilities of tokens, and this world has vectors instead.".into());
        }
        let each = WIDTH * vocab * length;
        let count = (MOST_NUMBERS / each).max(FEWEST).min(experiment.evaluation.sequences);
        if count * each > 4 * MOST_NUMBERS {
            return Err(format!(
                "Comparing whole predictions takes too much memory with {vocab} tokens and T = {length}. Shorten T, or take a smaller vocabulary."
            ));
        }
        let topics = topics.filter(|topics| !topics.is_empty() && world.is_exact());
        let mut sources = sources(world, topics, length);
        let ensembles = Ensemble::ALL.into_iter().filter(|e| *e == Ensemble::Fresh || topics.is_some());
        let sets = ensembles.map(|ensemble| {
            let (rows, of) = draw(experiment, world, ensemble, topics.unwrap_or_default(), count);
            let probabilities = probabilities(world, &mut sources, &rows, &of, length);
            Set { ensemble, rows: Arc::new(Rows::Tokens(rows)), probabilities, logs: Vec::new() }
        });
        let mut sets: Vec<Set> = sets.collect();
        let predictors = merged(&mut sets, sources.into_iter().map(|(predictor, _)| predictor).collect());
        for set in &mut sets {
            set.logs = set.probabilities.iter().map(|row| row.map(|p| p.max(LEAST).ln())).collect();
        }
        Ok(Self { length, vocab, predictors, sets })
    }

    pub fn predictors(&self) -> &[Predictor] {
        &self.predictors
    }

    pub fn position_count(&self) -> usize {
        self.length
    }

    pub fn ensembles(&self) -> impl Iterator<Item = Ensemble> {
        self.sets.iter().map(|set| set.ensemble)
    }

    fn set(&self, ensemble: Ensemble) -> Option<&Set> {
        self.sets.iter().find(|set| set.ensemble == ensemble)
    }

    /// The sequences that a model is to predict; `None` without training topics.
    pub fn rows(&self, ensemble: Ensemble) -> Option<Arc<Rows>> {
        self.set(ensemble).map(|set| set.rows.clone())
    }

    /// Sequences behind each mean.
    pub fn sequences(&self, ensemble: Ensemble) -> usize {
        self.set(ensemble).map_or(0, |set| set.rows.len() / self.length)
    }

    /// The distances of a model whose ln p of every token of every cell of [`Self::rows`] is `distribution`, [rows, T, V]. `start`:
    /// weights that the nearest mixture may be looked for from, best those at the step before. `None` where `distribution` does not fit
    /// or has no numbers.
    pub fn measure(&self, ensemble: Ensemble, distribution: &[f32], start: &[f64]) -> Option<Distances> {
        let set = self.set(ensemble)?;
        if distribution.len() != set.probabilities.len() || distribution.iter().any(|p| p.is_nan()) {
            return None;
        }
        let (count, length) = (self.predictors.len(), self.length);
        let model: Vec<f32> = distribution.iter().map(|p| p.exp()).collect();
        let mut by_position = vec![0.0; count * length];
        let mut of_sequence = vec![Vec::with_capacity(set.rows.len() / length); count];
        let mut reversed = of_sequence.clone();
        let sequence = self.vocab * length;
        let tables = set.probabilities.chunks_exact(sequence).zip(set.logs.chunks_exact(sequence));
        let sequences = model.chunks_exact(sequence).zip(distribution.chunks_exact(sequence)).zip(tables);
        for ((model, distribution), (probabilities, logs)) in sequences {
            let mut sums = vec![0.0; count];
            let mut sums_reversed = vec![0.0; count];
            let tables = probabilities.chunks_exact(self.vocab).zip(logs.chunks_exact(self.vocab));
            let cells = model.chunks_exact(self.vocab).zip(distribution.chunks_exact(self.vocab)).zip(tables);
            for (l, ((model, distribution), (probabilities, logs))) in cells.enumerate() {
                let mut known = 0.0;
                let mut cross = [0.0f32; WIDTH];
                let mut other = [0.0f32; WIDTH];
                for ((&p, &log), (probabilities, logs)) in
                    model.iter().zip(distribution).zip(probabilities.iter().zip(logs))
                {
                    if p > 0.0 {
                        known += p * log;
                        cross.iter_mut().zip(logs).for_each(|(slot, q)| *slot += p * q);
                    }
                    let log = log.max(LEAST.ln());
                    let both = other.iter_mut().zip(probabilities.iter().zip(logs));
                    both.for_each(|(slot, (q, log_q))| *slot += q * (log_q - log));
                }
                for (j, sum) in sums.iter_mut().enumerate() {
                    let divergence = f64::from(known - cross[j]).max(0.0);
                    *sum += divergence;
                    by_position[j * length + l] += divergence;
                    sums_reversed[j] += f64::from(other[j]).max(0.0);
                }
            }
            of_sequence.iter_mut().zip(sums).for_each(|(all, sum)| all.push(sum / length as f64));
            reversed.iter_mut().zip(sums_reversed).for_each(|(all, sum)| all.push(sum / length as f64));
        }
        let cells = model.len() / self.vocab;
        let can_be = self.predictors.iter().filter(|p| p.can_be).count();
        let mut mixture =
            mixture::nearest(&model, &set.probabilities, cells, can_be, start.get(..can_be).unwrap_or_default());
        mixture.weights.resize(count, 0.0);
        let n = (cells / length).max(1) as f64;
        Some(Distances {
            mean: of_sequence.iter().map(|values| Measured::over(values)).collect(),
            reverse: reversed.iter().map(|values| Measured::over(values)).collect(),
            by_position: by_position.iter().map(|sum| (sum / n) as f32).collect(),
            mixture,
        })
    }
}

/// Every predictor of a world of tokens: first those that a model can be.
fn sources(world: &World, topics: Option<&[Topic]>, length: usize) -> Vec<(Predictor, Source)> {
    let named =
        |name: &str, about: &str| Predictor { name: name.into(), about: about.into(), also: Vec::new(), can_be: true };
    let best = match world.is_exact() {
        true => named(
            "inference",
            "Exact Bayes under the true distribution of topics: it works for topics that were never seen.",
        ),
        false => named("n-grams", "The best predictor at hand: a posterior over one n-gram model for each text."),
    };
    let mut all = vec![(best, Source::Filter(world.bayes()))];
    for baseline in baselines::all(world, topics) {
        all.push((named(baseline.name, baseline.about), Source::Filter(baseline.filter)));
    }
    let v = world.vocab();
    all.push((
        named("unigram", "How often each token comes at this position, over all topics. Context means nothing to it."),
        { Source::Fixed(curves::marginals(world, length)) },
    ));
    if let Some(bigram) = Bigram::new(world, topics, length) {
        let about = "How often which token follows the last one, over all topics. It learns nothing in context.";
        all.push((named("bigram", about), Source::Pairs(bigram)));
    }
    all.push((named("uniform", "Every token is as likely as any other."), {
        Source::Fixed(vec![vec![1.0 / v as f64; v]])
    }));
    let oracle =
        named("oracle", "Knows the topic, and predicts as the source itself. No model can do that from the start.");
    all.push((Predictor { can_be: false, ..oracle }, Source::Oracle));
    all
}

/// `count` sequences of an ensemble with their topics, each from a stream of its own.
fn draw(
    experiment: &Experiment,
    world: &World,
    ensemble: Ensemble,
    topics: &[Topic],
    count: usize,
) -> (Vec<u16>, Vec<Topic>) {
    let (world, length) = (world.held_out(), experiment.data.length);
    let mut rows = vec![0; count * length];
    let drawn = rows.chunks_exact_mut(length).enumerate().map(|(i, row)| {
        let purpose = match ensemble {
            Ensemble::Fresh => Purpose::Evaluation,
            Ensemble::Training => Purpose::EvaluationSeen,
        };
        let mut stream = Stream::new(experiment.seed, purpose, i as u64);
        let topic = match ensemble {
            Ensemble::Fresh => world.draw_topic(&mut stream),
            // Spread over the topics, or all of them in turn.
            Ensemble::Training => topics[(i * topics.len().div_ceil(count)) % topics.len()].clone(),
        };
        world.draw_sequence(&topic, row, &mut stream);
        topic
    });
    let drawn = drawn.collect();
    (rows, drawn)
}

/// What each source says of each cell, one column for each.
fn probabilities(
    world: &World,
    sources: &mut [(Predictor, Source)],
    rows: &[u16],
    topics: &[Topic],
    length: usize,
) -> Vec<[f32; WIDTH]> {
    let v = world.vocab();
    let mut table = vec![[0.0; WIDTH]; rows.len() * v];
    let mut distribution = vec![0.0; v];
    for (j, (_, source)) in sources.iter_mut().take(WIDTH).enumerate() {
        for ((row, topic), cells) in rows.chunks_exact(length).zip(topics).zip(table.chunks_exact_mut(length * v)) {
            let mut oracle = None;
            match source {
                Source::Filter(filter) => filter.reset(),
                Source::Oracle => oracle = Some(world.oracle(topic)),
                Source::Fixed(_) | Source::Pairs(_) => {}
            }
            for (l, (&token, cell)) in row.iter().zip(cells.chunks_exact_mut(v)).enumerate() {
                let filter = match source {
                    Source::Filter(filter) => Some(filter),
                    Source::Oracle => oracle.as_mut(),
                    Source::Fixed(distributions) => {
                        distribution.copy_from_slice(&distributions[l.min(distributions.len() - 1)]);
                        None
                    }
                    Source::Pairs(bigram) => {
                        distribution.copy_from_slice(bigram.distribution(&row[..l]));
                        None
                    }
                };
                if let Some(filter) = filter {
                    filter.predict(&mut distribution);
                    filter.observe(token);
                }
                cell.iter_mut().zip(&distribution).for_each(|(row, p)| row[j] = (*p as f32).max(LEAST));
            }
        }
    }
    table
}

/// Keeps the first of predictors that say the same of every cell of every set.
fn merged(sets: &mut [Set], all: Vec<Predictor>) -> Vec<Predictor> {
    let mut kept: Vec<(usize, Predictor)> = Vec::new();
    for (j, predictor) in all.into_iter().enumerate() {
        let same =
            |i: usize| sets.iter().all(|set| set.probabilities.iter().all(|row| (row[i] - row[j]).abs() <= SAME));
        match kept.iter_mut().find(|(i, _)| same(*i)) {
            Some((_, first)) => first.also.push(predictor.name),
            None => kept.push((j, predictor)),
        }
    }
    for row in sets.iter_mut().flat_map(|set| &mut set.probabilities) {
        let mut packed = [0.0; WIDTH];
        packed.iter_mut().zip(&kept).for_each(|(slot, (j, _))| *slot = row[*j]);
        *row = packed;
    }
    kept.into_iter().map(|(_, predictor)| predictor).collect()
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests {
    use super::*;

    fn experiment(world: &str, length: usize, fresh: bool) -> Experiment {
        let mut experiment = Experiment { world: world.parse().expect("a spec"), ..Experiment::default() };
        experiment.data.length = length;
        experiment.data.fresh = fresh;
        experiment.data.topics = 8;
        experiment
    }

    fn references(experiment: &Experiment) -> ReferencePredictors {
        let world = World::new(&experiment.world).expect("a world");
        let corpus = crate::world::Corpus::draw(&world, &experiment.data, experiment.seed);
        ReferencePredictors::new(experiment, &world, corpus.topics()).expect("references")
    }

    impl ReferencePredictors {
        /// ln p of a mixture of predictors, for every cell: what such a model would say.
        pub fn mixed(&self, ensemble: Ensemble, weights: &[(&str, f64)]) -> Vec<f32> {
            let column = |name: &str| {
                self.predictors
                    .iter()
                    .position(|p| p.name == name || p.also.iter().any(|also| also == name))
                    .expect("a predictor")
            };
            let weights: Vec<(usize, f32)> = weights.iter().map(|(name, w)| (column(name), *w as f32)).collect();
            let probabilities = &self.set(ensemble).expect("a set").probabilities;
            probabilities.iter().map(|row| weights.iter().map(|(j, w)| w * row[*j]).sum::<f32>().ln()).collect()
        }
    }

    #[test]
    fn a_model_that_is_a_predictor_is_at_distance_0_from_it() {
        let of = references(&experiment("markov:k=3", 24, false));
        for ensemble in Ensemble::ALL {
            for (j, predictor) in of.predictors().iter().enumerate() {
                let distribution = of.mixed(ensemble, &[(&predictor.name, 1.0)]);
                let distances = of.measure(ensemble, &distribution, &[]).expect("distances");
                assert!(distances.mean[j].value < 1e-6, "{}", predictor.name);
                assert!(distances.by_position[j * 24..(j + 1) * 24].iter().all(|d| *d < 1e-5));
                if predictor.can_be {
                    assert_eq!(distances.nearest(of.predictors()), Some(j));
                    // Counting pairs is nearly inference: a little weight may lie there.
                    assert!(
                        distances.mixture.weights[j] > 0.8 && distances.mixture.left < 1e-4,
                        "{:?}",
                        distances.mixture
                    );
                }
            }
        }
    }

    #[test]
    fn distances_are_means_of_divergences() {
        let of = references(&experiment("coins:n=3", 4, true));
        let n = of.sequences(Ensemble::Fresh);
        assert_eq!(n, 64);
        // A model that always says 0.9 and 0.1, against one half each: ln 2 less its entropy, at every cell.
        let distribution: Vec<f32> = [0.9f32.ln(), 0.1f32.ln()].repeat(n * 4);
        let distances = of.measure(Ensemble::Fresh, &distribution, &[]).expect("distances");
        // By symmetry the marginal distribution of three coins is uniform.
        let uniform = of.predictors().iter().position(|p| p.name == "unigram").expect("unigram");
        assert!(of.predictors()[uniform].also.contains(&"uniform".to_owned()));
        let expected = 0.9 * (0.9f64 / 0.5).ln() + 0.1 * (0.1f64 / 0.5).ln();
        assert!((distances.mean[uniform].value - expected).abs() < 1e-6 && distances.mean[uniform].stderr < 1e-6);
        // And the other way round.
        let expected = 0.5 * (0.5f64 / 0.9).ln() + 0.5 * (0.5f64 / 0.1).ln();
        assert!((distances.reverse[uniform].value - expected).abs() < 1e-6 && distances.reverse[uniform].stderr < 1e-6);
        // Against inference, by hand from a filter of its own: mean and standard error over sequences.
        let world = World::new(&"coins:n=3".parse().expect("a spec")).expect("a world");
        let mut filter = world.bayes();
        let Rows::Tokens(tokens) = of.rows(Ensemble::Fresh).expect("rows").as_ref().clone() else { panic!("tokens") };
        let mut means = Vec::new();
        for row in tokens.chunks(4) {
            filter.reset();
            let mut sum = 0.0;
            for &token in row {
                let mut q = [0.0; 2];
                filter.predict(&mut q);
                filter.observe(token);
                sum += theory::entropy::divergence(&[0.9, 0.1], &q);
            }
            means.push(sum / 4.0);
        }
        let mean = means.iter().sum::<f64>() / n as f64;
        let stderr = (means.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / (n * (n - 1)) as f64).sqrt();
        assert_eq!(of.predictors()[0].name, "inference");
        assert!((distances.mean[0].value - mean).abs() < 1e-5 && (distances.mean[0].stderr - stderr).abs() < 1e-5);
        let by_position = distances.by_position[..4].iter().map(|d| f64::from(*d)).sum::<f64>() / 4.0;
        assert!((by_position - mean).abs() < 1e-5);
    }

    #[test]
    fn a_mixture_is_taken_apart_and_equal_predictors_are_one() {
        let of = references(&experiment("markov:k=3", 32, false));
        let distribution = of.mixed(Ensemble::Training, &[("retrieval", 0.7), ("uni-inf", 0.3)]);
        let distances = of.measure(Ensemble::Training, &distribution, &[]).expect("distances");
        let weight = |name: &str| {
            of.predictors().iter().zip(&distances.mixture.weights).find(|(p, _)| p.name == name).expect(name).1
        };
        assert!((weight("retrieval") - 0.7).abs() < 0.03 && (weight("uni-inf") - 0.3).abs() < 0.03);
        assert!(distances.mixture.left < 1e-4);
        // Knowing all frequencies of pairs is knowing the chains.
        let retrieval = of.predictors().iter().find(|p| p.name == "retrieval").expect("retrieval");
        assert_eq!(retrieval.also, ["bi-ret"]);
        // With fresh draws nobody knows any topics.
        let of = references(&experiment("markov:k=3", 32, true));
        assert!(of.predictors().iter().all(|p| !p.name.contains("ret")) && of.rows(Ensemble::Training).is_none());
        assert!(of.measure(Ensemble::Fresh, &[0.0], &[]).is_none());
    }

    #[test]
    fn what_cannot_be_compared_is_said() {
        let open = |world: &str, length| {
            let experiment = experiment(world, length, true);
            ReferencePredictors::new(&experiment, &World::new(&experiment.world).expect("a world"), None)
                .map(|y| y.sequences(Ensemble::Fresh))
        };
        assert!(open("lds:d=2", 16).is_err_and(|e| e.contains("vectors")));
        assert_eq!(open("dursley-wonka", 32), Ok(64));
        assert!(open("ginc:v=150", 64).is_ok_and(|n| (8..64).contains(&n)));
        assert!(open("ginc:v=150", 1024).is_err_and(|e| e.ends_with('.')));
    }
}
