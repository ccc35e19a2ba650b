//! How much Gaussian noise the model's parameters bear: the search for s on its grid, and the losses under that noise.

use burn::tensor::Tensor;

use super::{
    error::EngineError,
    evaluator::CHUNK,
    gaps::Tally,
    trainer::{Model, Trainer},
};
use crate::{
    experiment::{Experiment, bound::SCALES},
    net::langevin::noise,
    protocol::{Measured, Outcome, Randomised, ScaleTrial},
    world::{
        Corpus, Rows, Topic, World,
        rng::{Purpose, Stream},
    },
};

/// Perturbed models per scale, with the same noise at every scale.
const DRAWS: u64 = 6;
/// Training sequences that each is tried on, at most; and tokens, at least, however small the measuring's share of the training's
/// work is.
const SEQUENCES: usize = 128;
const TOKENS: usize = 4096;

/// Searches the grid for the largest s that costs no more than is allowed, by halving.
///
/// A larger s costs more: the noise is the same at every s, so that along the grid a loss that curves upwards around θ rises at
/// every step. Where it does not, what is found is still a border: s costs no more than is allowed, the next s of the grid does.
pub struct Scales {
    seed: u64,
    /// Most nats per token that s may cost.
    most: f64,
    rows: Rows,
    /// Loss of the model itself.
    still: Option<f64>,
    /// How many values of the grid, from the smallest on, are known to be borne.
    borne: usize,
    /// The smallest value known to cost too much; the grid's length if none is.
    too_much: usize,
    /// In the order of s.
    trials: Vec<ScaleTrial>,
}

impl Scales {
    pub fn new(experiment: &Experiment, world: &World, corpus: &Corpus) -> Self {
        let (steps, batch) = (experiment.steps(), experiment.training.batch);
        let (_, rows) = corpus.probe(world, sequences(experiment), steps, batch);
        Self {
            seed: experiment.seed,
            most: experiment.bound.rise,
            rows,
            still: None,
            borne: 0,
            too_much: SCALES.len(),
            trials: Vec::new(),
        }
    }

    /// Tries the next scale; true when s is found.
    pub async fn advance(&mut self, trainer: &Trainer) -> Result<bool, EngineError> {
        let Some(at) = next(self.borne, self.too_much) else { return Ok(true) };
        let still = match self.still {
            Some(still) => still,
            None => mean_loss(&trainer.log_likelihoods(&self.rows, CHUNK).await?),
        };
        self.still = Some(still);
        let mut rise = Tally::default();
        for draw in 0..DRAWS {
            let flat = perturbed(trainer, SCALES[at], &mut Stream::new(self.seed, Purpose::Perturbation, draw));
            rise.add(mean_loss(&trainer.variant(flat).log_likelihoods(&self.rows, CHUNK).await?) - still);
        }
        Ok(self.note(at, rise.measured()))
    }

    /// Takes in what scale `at` of the grid costs. Whether s is found.
    fn note(&mut self, at: usize, rise: Measured) -> bool {
        // What is not a number is not borne, and is no number to show.
        if rise.value <= self.most {
            self.borne = at + 1;
        } else {
            self.too_much = at;
        }
        if rise.value.is_finite() && rise.stderr.is_finite() {
            let place = self.trials.partition_point(|trial| trial.scale < SCALES[at]);
            self.trials.insert(place, ScaleTrial { scale: SCALES[at], rise });
        }
        next(self.borne, self.too_much).is_none()
    }

    /// 0 to 1.
    pub fn done(&self) -> f64 {
        1.0 - (self.too_much - self.borne) as f64 / SCALES.len() as f64
    }

    pub fn trials(&self) -> &[ScaleTrial] {
        &self.trials
    }

    /// The largest s that is borne; the smallest of the grid where none is.
    pub fn chosen(&self) -> f64 {
        SCALES[self.borne.saturating_sub(1)]
    }
}

/// The middle of what is not decided yet.
fn next(borne: usize, too_much: usize) -> Option<usize> {
    (borne < too_much).then_some((borne + too_much) / 2)
}

fn mean_loss(log_p: &[f32]) -> f64 {
    -log_p.iter().map(|&p| f64::from(p)).sum::<f64>() / log_p.len() as f64
}

/// Most forward passes over the sequences that the search takes: one without noise, and [`DRAWS`] at each scale that halving tries.
const PASSES: usize = 1 + DRAWS as usize * (SCALES.len().ilog2() as usize + 1);

/// Training sequences that each perturbed model is tried on. The search may take half of `evaluation.share` of the training's work,
/// counted as [`Experiment`]'s evaluation counts it.
fn sequences(experiment: &Experiment) -> usize {
    let share = experiment.evaluation.share;
    if share == 0.0 {
        return SEQUENCES;
    }
    let trained = (experiment.steps() * experiment.training.batch) as f64;
    let fewest = (TOKENS / experiment.data.length.max(1)).clamp(1, SEQUENCES);
    ((0.5 * share * 3.0 * trained) as usize / PASSES).clamp(fewest, SEQUENCES)
}

/// θ + s ξ, ξ standard normal.
pub fn perturbed(trainer: &Trainer, scale: f64, stream: &mut Stream) -> Tensor<1> {
    let flat = trainer.flat();
    let [len] = flat.dims();
    flat + noise(len, stream, trainer.device()) * scale
}

/// Measures the losses of the randomised model N(θ, s² I): what the theorem's E_μ[L] is. Each is the model's own loss plus what
/// noise adds to it on the same sequences, since that difference is much the same on all sequences.
pub struct Randomise {
    seed: u64,
    scale: f64,
    /// T_p.
    prompt: usize,
    steps: usize,
    batch: usize,
    draws: u64,
    two_level: Tally,
    first_level: Tally,
    empirical: Tally,
    topic_gap: Tally,
    sequence_gap: Tally,
}

impl Randomise {
    /// Perturbed models, and sequences of each kind that each is tried on.
    const DRAWS: u64 = 32;
    const SEQUENCES: usize = 16;
    /// The streams of its noise come after everyone else's.
    const FIRST: u64 = 1 << 20;

    pub fn new(experiment: &Experiment, scale: f64) -> Self {
        Self {
            seed: experiment.seed,
            scale,
            prompt: experiment.prompt_length(),
            steps: experiment.steps(),
            batch: experiment.training.batch,
            draws: 0,
            two_level: Tally::default(),
            first_level: Tally::default(),
            empirical: Tally::default(),
            topic_gap: Tally::default(),
            sequence_gap: Tally::default(),
        }
    }

    /// 0 to 1.
    pub fn done(&self) -> f64 {
        self.draws as f64 / Self::DRAWS as f64
    }

    /// One more perturbed model; true when all are done.
    pub async fn advance(
        &mut self,
        world: &World,
        held_out: &World,
        corpus: &Corpus,
        trainer: &Trainer,
    ) -> Result<bool, EngineError> {
        let mut stream = Stream::new(self.seed, Purpose::Perturbation, Self::FIRST + self.draws);
        let length = corpus.length();
        // Fresh topics, then fresh sequences of training topics, then training sequences of the same topics.
        let mut rows = Rows::empty(world.observation());
        for _ in 0..Self::SEQUENCES {
            let topic = held_out.draw_topic(&mut stream);
            held_out.draw_row(&topic, length, &mut rows, &mut stream);
        }
        let mut trained = Rows::empty(world.observation());
        for _ in 0..Self::SEQUENCES {
            let topic = self.training_row(world, corpus, &mut stream, &mut trained);
            held_out.draw_row(&topic, length, &mut rows, &mut stream);
        }
        rows.extend(&trained, 0..trained.len());
        let still = trainer.log_likelihoods(&rows, CHUNK).await?;
        let moved = trainer.variant(perturbed(trainer, self.scale, &mut stream)).log_likelihoods(&rows, CHUNK).await?;
        let rise: Vec<f64> =
            still.iter().zip(&moved).map(|(&still, &moved)| f64::from(still) - f64::from(moved)).collect();
        let kinds: Vec<&[f64]> = rise.chunks(Self::SEQUENCES * length).collect();
        if let [fresh, seen, trained] = kinds[..] {
            let over = |rise: &[f64], positions: usize| {
                let rows = rise.chunks(length).map(|row| row[..positions].iter().sum::<f64>());
                rows.sum::<f64>() / (Self::SEQUENCES * positions) as f64
            };
            let (two_level, first_level) = (over(fresh, self.prompt), over(seen, length));
            let empirical = over(trained, length);
            self.two_level.add(two_level);
            self.first_level.add(first_level);
            self.empirical.add(empirical);
            self.topic_gap.add(two_level - over(seen, self.prompt));
            self.sequence_gap.add(first_level - empirical);
        }
        self.draws += 1;
        Ok(self.draws >= Self::DRAWS)
    }

    /// Appends a training sequence drawn evenly, and gives its topic.
    fn training_row(&self, world: &World, corpus: &Corpus, stream: &mut Stream, rows: &mut Rows) -> Topic {
        let drawn = corpus.draw_rows(1, None, stream);
        if let Some(&row) = drawn.first()
            && let Some((topic, _)) = corpus.row(row)
        {
            corpus.gather(&drawn, rows);
            return topic.clone();
        }
        let step = stream.below(self.steps.max(1) as u64) as usize;
        let row = stream.below(self.batch.max(1) as u64) as usize;
        corpus.fresh(world, step, row, rows)
    }

    /// `None` where the noise leads to what is not a number. `outcome` has the model's own losses.
    pub fn found(&self, outcome: &Outcome) -> Option<Randomised> {
        let under_noise = |own: Measured, rise: &Tally| {
            let rise = rise.measured();
            Measured { value: own.value + rise.value, stderr: own.stderr.hypot(rise.stderr) }
        };
        let rise = self.empirical.measured();
        let found = Randomised {
            scale: self.scale,
            draws: self.draws as usize,
            sequences: self.draws as usize * Self::SEQUENCES,
            rise,
            empirical: under_noise(outcome.empirical.loss, &self.empirical),
            first_level: under_noise(outcome.first_level.loss, &self.first_level),
            two_level: under_noise(outcome.two_level.loss, &self.two_level),
            sequence_gap: under_noise(outcome.sequence_gap, &self.sequence_gap),
            topic_gap: under_noise(outcome.topic_gap, &self.topic_gap),
        };
        let all = [rise, found.empirical, found.first_level, found.two_level, found.sequence_gap, found.topic_gap];
        all.iter().all(|m| m.value.is_finite() && m.stderr.is_finite()).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Observation;

    fn searching() -> Scales {
        Scales {
            seed: 1,
            most: 0.05,
            rows: Rows::empty(Observation::Tokens(2)),
            still: None,
            borne: 0,
            too_much: SCALES.len(),
            trials: Vec::new(),
        }
    }

    #[test]
    fn noise_that_breaks_the_model_is_not_borne() {
        for bad in [f64::NAN, f64::INFINITY] {
            let mut scales = searching();
            let middle = SCALES.len() / 2;
            assert!(!scales.note(middle, Measured { value: bad, stderr: 0.0 }));
            assert_eq!(scales.too_much, middle, "larger scales are not tried");
            assert!(scales.trials().is_empty(), "it is no number to show");
            scales.note(0, Measured { value: 0.01, stderr: bad });
            assert!(scales.trials().is_empty());
        }
    }

    #[test]
    fn the_search_takes_its_share_too() {
        let mut experiment = Experiment::default();
        (experiment.data.length, experiment.training.steps, experiment.training.batch) = (32, 500, 32);
        assert_eq!(sequences(&experiment), 128);
        (experiment.data.length, experiment.training.steps, experiment.training.batch) = (512, 40, 8);
        assert_eq!(sequences(&experiment), 8, "4096 tokens");
        experiment.training.steps = 400;
        assert_eq!((PASSES, sequences(&experiment)), (37, 64), "half of 4800, in 37 passes");
        experiment.evaluation.share = 0.0;
        assert_eq!(sequences(&experiment), 128);
    }
}
