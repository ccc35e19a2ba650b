//! The three losses, the two gaps and the curves by position of a finished model, measured on ever more sequences until the gaps
//! are precise or their share of the training's work is spent.
//!
//! Everything is conditional on the training set (its K topics too) and the model: what is averaged over are fresh sequences, fresh
//! topics, and training sequences where there are too many to take them all.

use serde::{Deserialize, Serialize};

use super::{
    error::EngineError,
    evaluator::{Cells, PerSequence, Set},
    trainer::Model,
};
use crate::{
    experiment::Experiment,
    pace::Pace,
    protocol::{Evaluation, LossAndFloor, Measured},
    world::{
        Corpus, Rows, Topic, World,
        rng::{Purpose, Stream},
    },
};

/// Mean and variance of a stream of values (Welford).
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Tally {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Tally {
    pub fn add(&mut self, value: f64) {
        self.count += 1.0;
        let off = value - self.mean;
        self.mean += off / self.count;
        self.squares += off * (value - self.mean);
    }

    /// Over independent values: mean and standard error.
    pub fn measured(&self) -> Measured {
        Measured { value: self.mean, stderr: (self.variance() / self.count.max(1.0)).sqrt() }
    }

    /// Of one value, by n - 1.
    pub fn variance(&self) -> f64 {
        self.squares / (self.count - 1.0).max(1.0)
    }
}

/// A loss, Bayes' own, and their difference sequence by sequence.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Losses {
    loss: Tally,
    bayes: Tally,
    excess: Tally,
}

impl Losses {
    fn add(&mut self, measured: &PerSequence) {
        for (&loss, &bayes) in measured.loss.iter().zip(&measured.bayes) {
            self.loss.add(loss);
            self.bayes.add(bayes);
            self.excess.add(loss - bayes);
        }
    }

    fn summary(&self) -> LossAndFloor {
        let [loss, bayes, excess] = [&self.loss, &self.bayes, &self.excess].map(Tally::measured);
        LossAndFloor { loss, bayes, excess }
    }
}

/// Means by position, over rows of T values.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct ByPosition(Vec<Tally>);

impl ByPosition {
    /// Adds [rows, T] row-major values; none where nothing of the kind is known.
    fn add(&mut self, length: usize, values: impl Iterator<Item = f64>) {
        for (i, value) in values.enumerate() {
            if i >= self.0.len() && self.0.len() < length {
                self.0.push(Tally::default());
            }
            self.0[i % length].add(value);
        }
    }

    fn values(&self) -> Vec<f64> {
        self.0.iter().map(|tally| tally.mean).collect()
    }

    fn stderrs(&self) -> Vec<f64> {
        self.0.iter().map(|tally| tally.measured().stderr).collect()
    }

    /// Above a base; as long as the shorter of both.
    fn above(&self, base: &[f64]) -> Vec<f64> {
        base.iter().zip(&self.0).map(|(base, tally)| base + tally.mean).collect()
    }
}

/// The curves of an [`Evaluation`], over all sequences so far.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Positions {
    excess: ByPosition,
    sampled: ByPosition,
    squared_error: ByPosition,
    fresh_model: ByPosition,
    fresh_bayes: ByPosition,
    seen_model: ByPosition,
    seen_bayes: ByPosition,
}

impl Positions {
    fn add_fresh(&mut self, length: usize, set: &Set, model: &Cells) {
        self.excess.add(length, model.from_bayes.iter().copied());
        self.sampled.add(length, set.bayes.iter().zip(&model.log_p).map(|(bayes, model)| bayes - model));
        self.squared_error.add(length, model.squared_error.iter().copied());
        self.fresh_model.add(length, model.from_oracle.iter().copied());
        self.fresh_bayes.add(length, set.bayes_from_oracle.iter().copied());
    }

    fn add_seen(&mut self, length: usize, set: &Set, model: &Cells) {
        self.seen_model.add(length, model.from_oracle.iter().copied());
        self.seen_bayes.add(length, set.bayes_from_oracle.iter().copied());
    }
}

/// Measures a model, some hundred sequences at a time. What is written of it is what was measured so far; the rest follows from the
/// experiment ([`Gaps::restored`]).
#[derive(Clone, Serialize, Deserialize)]
pub struct Gaps {
    #[serde(skip)]
    experiment: Experiment,
    /// K topics in a random order, so that any first few are a fair sample; with fresh draws, the rows of the batches, where they
    /// are few enough to be measured as a whole.
    #[serde(skip)]
    order: Vec<usize>,
    /// What is trained on is little enough to be measured as a whole.
    whole: bool,
    /// Sequences that are trained on: K N, or those of all batches.
    population: usize,
    /// Most sequences of each kind.
    limit: usize,
    /// Sequences measured of each kind, and of those trained on.
    used: usize,
    trained: usize,
    two_level: Losses,
    first_level: Losses,
    /// First-level losses over a prompt's positions.
    first_level_prompt: Losses,
    empirical: Losses,
    /// First-level less empirical loss, of sequences of the same topic.
    sequence_gap: Tally,
    positions: Positions,
}

/// What [`Gaps`] found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    pub sequences: usize,
    pub training_sequences: usize,
    pub empirical: LossAndFloor,
    pub first_level: LossAndFloor,
    pub two_level: LossAndFloor,
    pub sequence_gap: Measured,
    pub topic_gap: Measured,
    pub topic_gap_above_bayes: Measured,
    pub precise: bool,
}

/// More are never measured, however often more is asked for: as `evaluation.most`.
const MOST: usize = 1_000_000;

impl Gaps {
    pub fn new(experiment: &Experiment, corpus: &Corpus) -> Self {
        let (steps, batch) = (experiment.steps(), experiment.training.batch);
        let population = corpus.population(steps, batch);
        let limit = experiment.evaluation.limit(steps.saturating_mul(batch));
        let whole = population <= limit;
        let ordered = corpus.topics().map_or(if whole { population } else { 0 }, <[_]>::len);
        let mut order: Vec<usize> = (0..ordered).collect();
        // A Fisher-Yates shuffle.
        let mut stream = Stream::new(experiment.seed, Purpose::Probe, 1);
        for i in 0..ordered {
            order.swap(i, i + stream.below((ordered - i) as u64) as usize);
        }
        Self {
            whole,
            population,
            limit,
            experiment: experiment.clone(),
            order,
            used: 0,
            trained: 0,
            two_level: Losses::default(),
            first_level: Losses::default(),
            first_level_prompt: Losses::default(),
            empirical: Losses::default(),
            sequence_gap: Tally::default(),
            positions: Positions::default(),
        }
    }

    /// What was measured before, saved; measuring goes on from there as if it had never stopped.
    pub fn restored(self, saved: Self) -> Self {
        Self { experiment: self.experiment, order: self.order, whole: self.whole, population: self.population, ..saved }
    }

    /// Allows twice as many sequences as have been measured, whatever the experiment says of precision and share. Whether any more
    /// may come.
    pub fn more(&mut self) -> bool {
        self.limit = (2 * self.used).min(MOST);
        self.used < self.limit
    }

    /// One more portion of each kind of sequences; true once the gaps are precise, or enough has been tried.
    pub(crate) async fn advance(
        &mut self,
        pace: &mut Pace,
        world: &World,
        corpus: &Corpus,
        model: &impl Model,
    ) -> Result<bool, EngineError> {
        let (length, prompt) = (self.experiment.data.length, self.experiment.prompt_length());
        let pool = corpus.topics().unwrap_or_default();
        let portion = self.experiment.evaluation.sequences;
        let at = self.used..(self.used + portion).min(self.limit).max(self.used + 1);

        let fresh = Set::fresh(pace, &self.experiment, world, at.clone()).await;
        let cells = fresh.measure(pace, model).await?;
        self.two_level.add(&fresh.summed_up(&cells, length, prompt));
        self.positions.add_fresh(length, &fresh, &cells);

        let (topics, training_topics, rows) = self.training_rows(world, corpus, at.clone());
        let seen = Set::seen(pace, &self.experiment, world, pool, &topics, at.clone()).await;
        let cells = seen.measure(pace, model).await?;
        let first_level = seen.summed_up(&cells, length, length);
        self.first_level.add(&first_level);
        self.first_level_prompt.add(&seen.summed_up(&cells, length, prompt));
        self.positions.add_seen(length, &seen, &cells);

        let count = training_topics.len();
        let training = Set::new(pace, world, (training_topics, rows), length, pool, false).await;
        let empirical = training.summed_up(&training.measure(pace, model).await?, length, length);
        self.empirical.add(&empirical);
        if !self.whole {
            for (fresh, trained) in first_level.loss.iter().zip(&empirical.loss) {
                self.sequence_gap.add(fresh - trained);
            }
        }
        self.trained += count;
        self.used = at.end;
        let whole = !self.whole || self.trained == self.population;
        Ok(whole && (self.found().precise || self.used >= self.limit))
    }

    /// For portion `at`: the topics of the seen sequences, and training sequences with their topics. Of a whole set, these are the next
    /// ones, each once; otherwise each is a sequence drawn at random of the very topic that the seen sequence has.
    fn training_rows(
        &self,
        world: &World,
        corpus: &Corpus,
        at: std::ops::Range<usize>,
    ) -> (Vec<Topic>, Vec<Topic>, Rows) {
        let batch = self.experiment.training.batch;
        let mut rows = Rows::empty(world.observation());
        let stream = |i: usize| Stream::new(self.experiment.seed, Purpose::Probe, 2 + i as u64);
        let next = self.trained..self.population.min(self.trained + at.len());
        let mut take = |row: usize| corpus.training_row(world, row, batch, &mut rows);
        let (seen, trained): (Vec<Topic>, Vec<Topic>) = match (corpus.topics(), corpus.sequences()) {
            (Some(pool), Some(sequences)) => {
                let topic = |i: usize| self.order[i % self.order.len()];
                let row = |i: usize| topic(i) * sequences + stream(i).below(sequences as u64) as usize;
                let trained = match self.whole {
                    true => next.filter_map(&mut take).collect(),
                    false => at.clone().filter_map(|i| take(row(i))).collect(),
                };
                (at.map(|i| pool[topic(i)].clone()).collect(), trained)
            }
            _ if self.whole => {
                let trained = next.filter_map(|i| take(self.order[i])).collect();
                let mut unused = Rows::empty(world.observation());
                let topic = |i: usize| corpus.training_row(world, self.order[i % self.population], batch, &mut unused);
                (at.filter_map(topic).collect(), trained)
            }
            _ => {
                let steps = self.experiment.steps();
                let draw = |i: usize| {
                    let mut stream = stream(i);
                    let step = stream.below(steps as u64) as usize;
                    corpus.fresh(world, step, stream.below(batch as u64) as usize, &mut rows)
                };
                let trained: Vec<Topic> = at.map(draw).collect();
                (trained.clone(), trained)
            }
        };
        (seen, trained, rows)
    }

    /// How much is done at least, 0 to 1: precision may end it early.
    pub fn done(&self) -> f64 {
        (self.used as f64 / self.limit as f64).min(1.0)
    }

    pub fn found(&self) -> Found {
        let (first, two) = (self.first_level.summary(), self.two_level.summary());
        let empirical = self.empirical.summary();
        let (empirical, sequence_gap) = if self.whole {
            let whole = empirical.without_error();
            (whole, first.loss.less(whole.loss))
        } else {
            (empirical, self.sequence_gap.measured())
        };
        let prompt = self.first_level_prompt.summary();
        let topic_gap = two.loss.less(prompt.loss);
        let precision = self.experiment.evaluation.precision;
        Found {
            sequences: self.used,
            training_sequences: self.trained,
            empirical,
            first_level: first,
            two_level: two,
            sequence_gap,
            topic_gap,
            topic_gap_above_bayes: two.excess.less(prompt.excess),
            precise: [sequence_gap, topic_gap].iter().all(|gap| gap.stderr <= precision * gap.value.abs()),
        }
    }

    /// Everything that an evaluation tells, over all sequences so far. `last` is that of the same step on the evaluation's own
    /// sequences; `bases` are the curves that excesses are added to ([`super::evaluator::Evaluator::bases`]).
    pub fn evaluation(&self, last: &Evaluation, bases: (&[f64], &[f64])) -> Evaluation {
        let (found, curves) = (self.found(), &self.positions);
        Evaluation {
            step: last.step,
            sequences: found.sequences,
            model: curves.excess.above(bases.0),
            excess: curves.excess.values(),
            excess_stderr: curves.excess.stderrs(),
            sampled_excess: curves.sampled.values(),
            sampled_excess_stderr: curves.sampled.stderrs(),
            squared_error: curves.squared_error.above(bases.1),
            empirical: found.empirical,
            first_level: found.first_level,
            two_level: found.two_level,
            sequence_gap: found.sequence_gap,
            topic_gap: found.topic_gap,
            topic_gap_above_bayes: found.topic_gap_above_bayes,
            seen_model: curves.seen_model.values(),
            seen_model_stderr: curves.seen_model.stderrs(),
            seen_bayes: curves.seen_bayes.values(),
            fresh_model: curves.fresh_model.values(),
            fresh_model_stderr: curves.fresh_model.stderrs(),
            fresh_bayes: curves.fresh_bayes.values(),
            distance_topic: last.distance_topic,
            distance_data: last.distance_data,
        }
    }
}
