//! How much Gaussian noise the learner's parameters bear: the grid that s is chosen from.

use burn::tensor::Tensor;

use super::{
    error::EngineError,
    evaluator::CHUNK,
    gaps::Tally,
    trainer::{Learner, Trainer},
};
use crate::{
    experiment::{Experiment, bound::SCALES},
    net::langevin::noise,
    protocol::{Measured, ScaleTrial},
    world::{
        Corpus, Rows, World,
        rng::{Purpose, Stream},
    },
};

/// Perturbed learners per scale, with the same noise at every scale.
const DRAWS: u64 = 6;
/// Training sequences that each is tried on, at most; and tokens, at least, however small the measuring's share of the training's
/// work is.
const SEQUENCES: usize = 128;
const TOKENS: usize = 4096;

/// Tries one scale after the other.
pub struct Scales {
    seed: u64,
    rows: Rows,
    trials: Vec<ScaleTrial>,
}

impl Scales {
    pub fn new(experiment: &Experiment, world: &World, corpus: &Corpus) -> Self {
        let (steps, batch) = (experiment.steps(), experiment.training.batch);
        let (_, rows) = corpus.probe(world, sequences(experiment), steps, batch);
        Self { seed: experiment.seed, rows, trials: Vec::new() }
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
        Ok(self.note(scale, rise.measured()))
    }

    /// Whether this was the last of the grid.
    fn note(&mut self, scale: f64, rise: Measured) -> bool {
        if !rise.value.is_finite() || !rise.stderr.is_finite() {
            // So much noise breaks the learner. More breaks it too, and no finite number says how much.
            return true;
        }
        self.trials.push(ScaleTrial { scale, rise });
        self.trials.len() == SCALES.len()
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

/// The grid may take half of `evaluation.share` of the training's work, counted as [`crate::experiment::Evaluation::limit`] does.
fn sequences(experiment: &Experiment) -> usize {
    let share = experiment.evaluation.share;
    if share == 0.0 {
        return SEQUENCES;
    }
    let trained = (experiment.steps() * experiment.training.batch) as f64;
    let passes = SCALES.len() * (1 + DRAWS as usize);
    let fewest = (TOKENS / experiment.data.length.max(1)).clamp(1, SEQUENCES);
    ((0.5 * share * 3.0 * trained) as usize / passes).clamp(fewest, SEQUENCES)
}

/// θ + s ξ, ξ standard normal.
pub fn perturbed(trainer: &Trainer, scale: f64, stream: &mut Stream) -> Tensor<1> {
    let flat = trainer.flat();
    let [len] = flat.dims();
    flat + noise(len, stream, trainer.device()) * scale
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Observation;

    #[test]
    fn noise_that_breaks_the_learner_ends_the_grid() {
        for bad in [f64::NAN, f64::INFINITY] {
            let mut scales = Scales { seed: 1, rows: Rows::empty(Observation::Tokens(2)), trials: Vec::new() };
            assert!(!scales.note(1e-3, Measured { value: 0.01, stderr: 0.001 }));
            assert!(!scales.note(2e-3, Measured { value: 0.2, stderr: 0.001 }));
            assert!(scales.note(5e-3, Measured { value: bad, stderr: 0.0 }));
            assert_eq!(scales.trials().len(), 2);
            assert_eq!(Scales::chosen(scales.trials(), 0.05), 1e-3);
            let mut none = Scales { seed: 1, rows: Rows::empty(Observation::Tokens(2)), trials: Vec::new() };
            assert!(none.note(1e-3, Measured { value: 1.0, stderr: bad }));
            assert_eq!(Scales::chosen(none.trials(), 0.05), 1e-3, "the smallest where even that breaks it");
        }
    }

    #[test]
    fn the_grid_takes_its_share_too() {
        let mut experiment = Experiment::default();
        (experiment.data.length, experiment.training.steps, experiment.training.batch) = (32, 500, 32);
        assert_eq!(sequences(&experiment), 128);
        (experiment.data.length, experiment.training.steps, experiment.training.batch) = (512, 40, 8);
        assert_eq!(sequences(&experiment), 8, "4096 tokens");
        experiment.training.steps = 400;
        assert_eq!(sequences(&experiment), 42, "42 of 7 passes at 8 scales: half of 4800");
        experiment.evaluation.share = 0.0;
        assert_eq!(sequences(&experiment), 128);
    }
}
