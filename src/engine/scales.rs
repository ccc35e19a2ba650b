//! How much Gaussian noise the learner's parameters bear: the grid that s is chosen from.

use burn::tensor::Tensor;

use super::{
    error::EngineError,
    evaluator::CHUNK,
    gaps::Tally,
    trainer::{Learner, Trainer},
};
use crate::{
    experiment::bound::SCALES,
    net::langevin::noise,
    protocol::ScaleTrial,
    world::{
        Corpus, Rows, World,
        rng::{Purpose, Stream},
    },
};

/// Perturbed learners per scale, with the same noise at every scale.
const DRAWS: u64 = 6;
/// Training sequences that each is tried on.
const SEQUENCES: usize = 128;

/// Tries one scale after the other.
pub struct Scales {
    seed: u64,
    rows: Rows,
    trials: Vec<ScaleTrial>,
}

impl Scales {
    pub fn new(seed: u64, world: &World, corpus: &Corpus, steps: usize, batch: usize) -> Self {
        let (_, rows) = corpus.probe(world, SEQUENCES, steps, batch);
        Self { seed, rows, trials: Vec::new() }
    }

    /// Tries the next scale; true when all have been tried.
    pub async fn advance(&mut self, trainer: &Trainer) -> Result<bool, EngineError> {
        let Some(&scale) = SCALES.get(self.trials.len()) else { return Ok(true) };
        let mean_loss = |log_p: Vec<f32>| -log_p.iter().map(|&p| f64::from(p)).sum::<f64>() / log_p.len() as f64;
        let still = mean_loss(trainer.log_likelihoods(&self.rows, CHUNK).await?);
        let mut rise = Tally::default();
        for draw in 0..DRAWS {
            let flat = perturbed(trainer, scale, &mut Stream::new(self.seed, Purpose::Perturbation, draw));
            rise.add(mean_loss(trainer.variant(flat).log_likelihoods(&self.rows, CHUNK).await?) - still);
        }
        self.trials.push(ScaleTrial { scale, rise: rise.measured() });
        Ok(self.trials.len() == SCALES.len())
    }

    /// 0 to 1.
    pub fn done(&self) -> f64 {
        self.trials.len() as f64 / SCALES.len() as f64
    }

    pub fn trials(&self) -> &[ScaleTrial] {
        &self.trials
    }

    /// The largest scale up to which no trial rises by more than `most` nats; the smallest of the grid where even that does.
    pub fn chosen(trials: &[ScaleTrial], most: f64) -> f64 {
        let borne = trials.iter().take_while(|trial| trial.rise.value <= most).last();
        borne.or(trials.first()).map_or(SCALES[0], |trial| trial.scale)
    }
}

/// θ + s ξ, ξ standard normal.
pub fn perturbed(trainer: &Trainer, scale: f64, stream: &mut Stream) -> Tensor<1> {
    let flat = trainer.flat();
    let [len] = flat.dims();
    flat + noise(len, stream, trainer.device()) * scale
}
