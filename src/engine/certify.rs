//! The certificate's numbers by Monte Carlo: the randomised learner N(θ, s² I) on sequences that its prior did not see.
//!
//! δ is split in two: half for the PAC-Bayes-kl bound, shared by all s of the grid since s is chosen after the fact; half for the
//! upper limit of the Monte Carlo mean. The noise that chooses s is not the noise that is paid for.

use burn::tensor::Tensor;

use super::{
    error::EngineError,
    evaluator::CHUNK,
    gaps::Tally,
    scales::perturbed,
    trainer::{Learner, Trainer},
};
use crate::{
    experiment::{Experiment, bound::SCALES},
    protocol::{Certificate, Measured},
    theory::certificate::{Smoothing, mean_limit, population_bound, sequences_needed},
    world::{
        Corpus, Rows, World,
        rng::{Purpose, Stream},
    },
};

/// Perturbed learners that choose s, at each s.
const SCOUTS: u64 = 4;
/// Perturbed learners behind the mean that is paid for, and behind the measured population loss.
const DRAWS: u64 = 512;
const CONTROLS: u64 = 128;
/// Sequences that each is tried on.
const SEQUENCES: usize = 32;
/// Perturbed learners of one call.
const PORTION: u64 = 16;

/// Works out one certificate, some perturbed learners at a time.
pub struct Certify {
    experiment: Experiment,
    smoothing: Smoothing,
    /// n: rows of the training set that the data-dependent prior did not see, or with fresh draws how many rows there were
    /// after the prior stages.
    unseen: Unseen,
    /// ‖θ - θ_data‖².
    distance: f64,
    /// s, once chosen.
    scale: Option<f64>,
    draws: u64,
    empirical: Tally,
    population: Tally,
}

enum Unseen {
    Rows(Vec<usize>),
    Drawn { first_step: usize, steps: usize },
}

/// What a perturbed learner is tried on.
#[derive(Clone, Copy)]
enum Cells {
    /// Sequences that the prior did not see.
    Unseen,
    /// Fresh sequences of the training topics; of fresh topics where those are what is trained on.
    Fresh,
}

impl Certify {
    /// `seen`: the data-dependent prior's rows, none where the random start is the prior. `None` for vectors, whose loss no
    /// smoothing bounds.
    pub fn new(experiment: &Experiment, world: &World, corpus: &Corpus, seen: &[usize], distance: f64) -> Option<Self> {
        if world.observation().is_vectors() {
            return None;
        }
        let unseen = match corpus.rows() {
            Some(all) => Unseen::Rows((0..all).filter(|row| seen.binary_search(row).is_err()).collect()),
            None => Unseen::Drawn { first_step: 2 * experiment.prior.steps, steps: experiment.training.steps },
        };
        Some(Self {
            experiment: experiment.clone(),
            smoothing: Smoothing { a: experiment.bound.smoothing, vocab: world.vocab() },
            unseen,
            distance,
            scale: None,
            draws: 0,
            empirical: Tally::default(),
            population: Tally::default(),
        })
    }

    /// n.
    fn sequences(&self) -> f64 {
        match &self.unseen {
            Unseen::Rows(rows) => rows.len() as f64,
            Unseen::Drawn { steps, .. } => (steps * self.experiment.training.batch) as f64,
        }
    }

    fn kl(&self, scale: f64) -> f64 {
        self.distance / (2.0 * scale * scale)
    }

    fn bound(&self, scale: f64, empirical: f64) -> f64 {
        population_bound(empirical, self.smoothing.range(), self.kl(scale), self.sequences(), self.share())
    }

    /// Upper confidence limit of the mean over [`DRAWS`] perturbed learners.
    fn limit(&self, mean: f64, variance: f64) -> f64 {
        mean_limit(mean, variance, self.smoothing.range(), DRAWS as usize, self.experiment.bound.delta / 2.0)
    }

    /// ln V: what guessing uniformly loses.
    fn uniform(&self) -> f64 {
        (self.smoothing.vocab as f64).ln()
    }

    /// n from which the bound would lie below uniform.
    fn needed(&self, scale: f64, empirical: f64) -> Option<f64> {
        let target = self.uniform() - self.smoothing.least();
        sequences_needed(empirical, self.smoothing.range(), self.kl(scale), self.share(), target)
    }

    /// What of δ is left for the bound at each s.
    fn share(&self) -> f64 {
        self.experiment.bound.delta / 2.0 / SCALES.len() as f64
    }

    /// 0 to 1.
    pub fn done(&self) -> f64 {
        self.draws as f64 / (DRAWS + CONTROLS) as f64
    }

    /// One more portion; true when all is there.
    pub async fn advance(&mut self, world: &World, corpus: &Corpus, trainer: &Trainer) -> Result<bool, EngineError> {
        let Some(scale) = self.scale else {
            // The lowest bound below uniform; where there is none, the one that would be soonest with more sequences.
            let mut best = (f64::INFINITY, f64::INFINITY, SCALES[0]);
            for scale in SCALES {
                let mut mean = Tally::default();
                for draw in 0..SCOUTS {
                    mean.add(self.draw(world, corpus, trainer, scale, Cells::Unseen, 1000 + draw).await?);
                }
                // With what the many draws will cost.
                let limit = self.limit(mean.measured().value, mean.variance());
                let bound = self.bound(scale, limit);
                let useful = bound + self.smoothing.least() < self.uniform();
                let needed = self.needed(scale, limit).filter(|_| !useful).unwrap_or(f64::INFINITY);
                let score = (if useful { 0.0 } else { needed }, bound);
                // Of equals (where nothing helps) the first.
                if score < (best.0, best.1) {
                    best = (score.0, score.1, scale);
                }
            }
            self.scale = Some(best.2);
            return Ok(false);
        };
        for draw in self.draws..self.draws + PORTION {
            let of = if draw < DRAWS { Cells::Unseen } else { Cells::Fresh };
            let loss = self.draw(world, corpus, trainer, scale, of, 2000 + draw).await?;
            let mean = if draw < DRAWS { &mut self.empirical } else { &mut self.population };
            mean.add(loss);
        }
        self.draws += PORTION;
        Ok(self.draws >= DRAWS + CONTROLS)
    }

    /// One perturbed learner's loss on a few sequences.
    async fn draw(
        &self,
        world: &World,
        corpus: &Corpus,
        trainer: &Trainer,
        scale: f64,
        of: Cells,
        draw: u64,
    ) -> Result<f64, EngineError> {
        let mut stream = Stream::new(self.experiment.seed, Purpose::Perturbation, draw);
        let mut cells = Rows::empty(world.observation());
        for _ in 0..SEQUENCES {
            match of {
                Cells::Unseen => self.add_unseen(world, corpus, &mut stream, &mut cells),
                Cells::Fresh => self.add_fresh(world, corpus, &mut stream, &mut cells),
            }
        }
        self.loss(trainer, perturbed(trainer, scale, &mut stream), &cells).await
    }

    fn add_unseen(&self, world: &World, corpus: &Corpus, stream: &mut Stream, cells: &mut Rows) {
        match &self.unseen {
            Unseen::Rows(rows) => corpus.gather(&[rows[stream.below(rows.len() as u64) as usize]], cells),
            Unseen::Drawn { first_step, steps } => {
                let step = first_step + stream.below(*steps as u64) as usize;
                let row = stream.below(self.experiment.training.batch as u64) as usize;
                corpus.fresh(world, step, row, cells);
            }
        }
    }

    /// Of a text too from the part that is trained on: that is the law that the bound speaks of.
    fn add_fresh(&self, world: &World, corpus: &Corpus, stream: &mut Stream, cells: &mut Rows) {
        let topic = match corpus.topics() {
            Some(topics) => topics[stream.below(topics.len() as u64) as usize].clone(),
            None => world.draw_topic(stream),
        };
        world.draw_row(&topic, self.experiment.data.length, cells, stream);
    }

    /// Mean smoothed loss, counted from the least there can be.
    async fn loss(&self, trainer: &Trainer, flat: Tensor<1>, cells: &Rows) -> Result<f64, EngineError> {
        let log_p = trainer.variant(flat).log_likelihoods(cells, CHUNK).await?;
        if log_p.iter().any(|p| p.is_nan()) {
            return Err(EngineError::NotFinite { step: trainer.steps() });
        }
        let least = self.smoothing.least();
        Ok(log_p.iter().map(|&p| self.smoothing.loss(f64::from(p)) - least).sum::<f64>() / log_p.len() as f64)
    }

    /// Nats per token, the least loss added back.
    pub fn certificate(&self) -> Certificate {
        let (least, scale) = (self.smoothing.least(), self.scale.unwrap_or(SCALES[0]));
        let empirical = self.empirical.measured().value;
        let limit = self.limit(empirical, self.empirical.variance());
        let population = self.population.measured();
        Certificate {
            bound: least + self.bound(scale, limit),
            uniform: self.uniform(),
            empirical: least + empirical,
            empirical_limit: least + limit,
            population: Measured { value: least + population.value, ..population },
            sequences: self.sequences(),
            kl: self.kl(scale),
            scale,
            delta: self.experiment.bound.delta,
            draws: DRAWS as usize,
            sequences_needed: self.needed(scale, limit),
        }
    }
}
