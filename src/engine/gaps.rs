//! The three losses and the two gaps of a finished learner, measured on ever more sequences until the gaps are precise.
//!
//! Everything is conditional on the training set and the learner: what is averaged over are fresh sequences, fresh topics, and training
//! sequences where there are too many to take them all.

use super::{
    error::EngineError,
    evaluator::{PerSequence, Set},
    trainer::Learner,
};
use crate::{
    experiment::Experiment,
    protocol::{LossAndFloor, Measured},
    world::{
        Corpus, Rows, World,
        rng::{Purpose, Stream},
    },
};

/// Mean and variance of a stream of values (Welford).
#[derive(Clone, Copy, Debug, Default)]
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

    /// All values there are: the mean has no sampling error.
    fn whole(&self) -> Measured {
        Measured { value: self.mean, stderr: 0.0 }
    }
}

/// A loss, Bayes' own, and their difference sequence by sequence.
#[derive(Clone, Copy, Debug, Default)]
struct Losses {
    loss: Tally,
    bayes: Tally,
    excess: Tally,
}

impl Losses {
    fn add(&mut self, told: &PerSequence) {
        for (&loss, &bayes) in told.loss.iter().zip(&told.bayes) {
            self.loss.add(loss);
            self.bayes.add(bayes);
            self.excess.add(loss - bayes);
        }
    }

    fn summary(&self, of: fn(&Tally) -> Measured) -> LossAndFloor {
        LossAndFloor { loss: of(&self.loss), bayes: of(&self.bayes), excess: of(&self.excess) }
    }
}

/// Measures a learner on a K x N training set, some hundred sequences at a time.
pub struct Gaps {
    experiment: Experiment,
    /// K topics in an order of chance, so that any first few are a fair sample.
    order: Vec<usize>,
    /// The training set is small enough to be measured as a whole.
    whole: bool,
    /// Sequences measured of each kind, and of the training set.
    used: usize,
    trained: usize,
    two_level: Losses,
    first_level: Losses,
    /// First-level loss over a prompt's positions.
    first_level_prompt: Tally,
    empirical: Losses,
    /// First-level less empirical loss, of sequences of the same topic.
    sequence_gap: Tally,
}

/// What [`Gaps`] found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    pub sequences: usize,
    pub empirical: LossAndFloor,
    pub first_level: LossAndFloor,
    pub two_level: LossAndFloor,
    pub sequence_gap: Measured,
    pub topic_gap: Measured,
    pub precise: bool,
}

impl Gaps {
    /// `None` with fresh draws: there is no training set to overfit.
    pub fn new(experiment: &Experiment, corpus: &Corpus) -> Option<Self> {
        let topics = corpus.topics()?.len();
        let mut order: Vec<usize> = (0..topics).collect();
        // A Fisher-Yates shuffle.
        let mut stream = Stream::new(experiment.seed, Purpose::Probe, 1);
        for i in 0..topics {
            order.swap(i, i + stream.below((topics - i) as u64) as usize);
        }
        Some(Self {
            whole: corpus.rows()? <= most(experiment),
            experiment: experiment.clone(),
            order,
            used: 0,
            trained: 0,
            two_level: Losses::default(),
            first_level: Losses::default(),
            first_level_prompt: Tally::default(),
            empirical: Losses::default(),
            sequence_gap: Tally::default(),
        })
    }

    /// One more portion of each kind of sequences; true once the gaps are precise, or enough has been tried.
    pub(crate) async fn advance(
        &mut self,
        world: &World,
        corpus: &Corpus,
        learner: &impl Learner,
    ) -> Result<bool, EngineError> {
        let (length, prompt) = (self.experiment.data.length, self.experiment.prompt_length());
        let Some(pool) = corpus.topics() else { return Ok(true) };
        let portion = self.experiment.evaluation.sequences;
        let at = self.used..self.used + portion;

        let fresh = Set::fresh(&self.experiment, world, at.clone());
        let told = fresh.measure(learner).await?;
        self.two_level.add(&fresh.summed_up(&told, length, prompt));

        let topics: Vec<_> = self.order.iter().map(|&k| pool[k].clone()).collect();
        let seen = Set::seen(&self.experiment, world, pool, &topics, at.clone());
        let told = seen.measure(learner).await?;
        let first_level = seen.summed_up(&told, length, length);
        self.first_level.add(&first_level);
        seen.summed_up(&told, length, prompt).loss.into_iter().for_each(|loss| self.first_level_prompt.add(loss));

        let rows = self.training_rows(corpus, at.clone());
        let mut cells = Rows::empty(world.observation());
        corpus.gather(&rows, &mut cells);
        let topics = rows.iter().filter_map(|&row| corpus.topic_of(row)).map(|k| pool[k].clone()).collect();
        let training = Set::new(world, (topics, cells), length, pool, false);
        let empirical = training.summed_up(&training.measure(learner).await?, length, length);
        self.empirical.add(&empirical);
        if !self.whole {
            for (fresh, trained) in first_level.loss.iter().zip(&empirical.loss) {
                self.sequence_gap.add(fresh - trained);
            }
        }
        self.trained += rows.len();
        self.used = at.end;
        let whole = !self.whole || Some(self.trained) == corpus.rows();
        Ok(whole && (self.found().precise || self.used >= most(&self.experiment)))
    }

    /// The training rows that go with portion `at`: the next ones of the whole set, or a row of chance of the very topics
    /// that the seen sequences have.
    fn training_rows(&self, corpus: &Corpus, at: std::ops::Range<usize>) -> Vec<usize> {
        let (Some(all), Some(sequences)) = (corpus.rows(), corpus.sequences()) else { return Vec::new() };
        if self.whole {
            return (self.trained..all.min(self.trained + at.len())).collect();
        }
        let row = |i: usize| {
            let mut stream = Stream::new(self.experiment.seed, Purpose::Probe, 2 + i as u64);
            self.order[i % self.order.len()] * sequences + stream.below(sequences as u64) as usize
        };
        at.map(row).collect()
    }

    /// How much is done at least, 0 to 1: precision may end it early.
    pub fn done(&self) -> f64 {
        (self.used as f64 / most(&self.experiment) as f64).min(1.0)
    }

    pub fn found(&self) -> Found {
        let (first, two) = (self.first_level.loss.measured(), self.two_level.loss.measured());
        let empirical = self.empirical.summary(if self.whole { Tally::whole } else { Tally::measured });
        let sequence_gap = if self.whole {
            Measured { value: first.value - empirical.loss.value, stderr: first.stderr }
        } else {
            self.sequence_gap.measured()
        };
        let prompt = self.first_level_prompt.measured();
        let topic_gap = Measured { value: two.value - prompt.value, stderr: two.stderr.hypot(prompt.stderr) };
        let precision = self.experiment.evaluation.precision;
        Found {
            sequences: self.used,
            empirical,
            first_level: self.first_level.summary(Tally::measured),
            two_level: self.two_level.summary(Tally::measured),
            sequence_gap,
            topic_gap,
            precise: [sequence_gap, topic_gap].iter().all(|gap| gap.stderr <= precision * gap.value.abs()),
        }
    }
}

/// Most sequences of each kind.
fn most(experiment: &Experiment) -> usize {
    match experiment.evaluation.most {
        0 => experiment.evaluation.sequences,
        most => most,
    }
}
