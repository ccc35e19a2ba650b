//! What `cargo xtask bench` times, in the worker and natively: training steps at fixed sizes, and products of matrices beside them.

use burn::tensor::{Tensor, TensorData};
use kernels::square_product;

use super::{
    clock::now_ms,
    device,
    error::EngineError,
    team::Team,
    trainer::{Trainer, read},
};
use crate::{
    experiment::{Architecture, Data, Experiment, Mlp, Net, Norm, Observation, Positions, Preset, Training},
    protocol::{BenchReport, BenchWork, DeviceChoice, DeviceKind},
    world::{
        Rows,
        rng::{Purpose, Stream},
    },
};

/// The steps that are timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BenchSize {
    /// Vocabulary 16, 2 blocks, pre-LN, learned positions, GELU MLP 4x, AdamW: batch 16, T 32, width 32, 2 heads.
    S1,
    /// The same with batch 32, T 64, width 64, 4 heads.
    S2,
    /// The same with batch 64, T 64, width 128, 4 heads.
    S3,
    /// The same with a long context: batch 8, T 512, width 64, 4 heads.
    S4,
    /// The published Dursley/Wonka run: the small transformer, batch 512, T 100.
    Small,
    /// The same run with the GRU.
    Gru,
}

impl BenchSize {
    pub const ALL: [Self; 6] = [Self::S1, Self::S2, Self::S3, Self::S4, Self::Small, Self::Gru];

    pub fn name(self) -> &'static str {
        match self {
            Self::S1 => "S1",
            Self::S2 => "S2",
            Self::S3 => "S3",
            Self::S4 => "S4",
            Self::Small => "small",
            Self::Gru => "gru",
        }
    }

    pub fn step(self) -> BenchStep {
        match self {
            Self::S1 => BenchStep::classic(16, 32, 32, 2),
            Self::S2 => BenchStep::classic(32, 64, 64, 4),
            Self::S3 => BenchStep::classic(64, 64, 128, 4),
            Self::S4 => BenchStep::classic(8, 512, 64, 4),
            Self::Small => BenchStep::published("dursley-wonka-small"),
            Self::Gru => BenchStep::published("dursley-wonka-gru"),
        }
    }
}

/// A training step: of the experiment, its net, batch, T, optimiser and seed.
#[derive(Clone, Debug, PartialEq)]
pub struct BenchStep {
    pub experiment: Experiment,
    pub vocabulary: usize,
}

impl BenchStep {
    /// Vocabulary 16, 2 blocks, pre-LN, learned positions, GELU MLP 4x, AdamW.
    pub fn classic(batch: usize, length: usize, width: usize, heads: usize) -> Self {
        let experiment = Experiment {
            data: Data { length, ..Data::default() },
            net: Net {
                architecture: Architecture::Transformer,
                blocks: 2,
                width,
                heads,
                kv_heads: heads,
                head_width: 0,
                mlp: Mlp::Gelu,
                mlp_width: 0,
                positions: Positions::Learned,
                norm: Norm::LayerNorm,
                context: length,
                ..Net::default()
            },
            training: Training { batch, ..Training::default() },
            ..Experiment::default()
        };
        Self { experiment, vocabulary: 16 }
    }

    /// A preset with the batch of the publication, 512.
    fn published(preset: &str) -> Self {
        let mut experiment = Preset::named(preset).map(Preset::experiment).unwrap_or_default();
        experiment.training.batch = 512;
        let vocabulary = experiment.world.observation().size();
        Self { experiment, vocabulary }
    }

    pub fn observation(&self) -> Observation {
        Observation::Tokens(self.vocabulary)
    }

    /// Floating-point operations of one step: three times the forward pass's multiply-adds (once forward, twice backward), each
    /// counted as two.
    pub fn operations(&self) -> f64 {
        let Experiment { net, data, training, .. } = &self.experiment;
        6.0 * training.batch as f64 * net.multiply_adds(self.observation(), data.length)
    }

    /// On `cores` cores that share each step, or with 0 on the engine's own thread.
    pub fn work(&self, cores: usize) -> BenchWork {
        BenchWork::Steps { experiment: Box::new(self.experiment.clone()), vocabulary: self.vocabulary, cores }
    }

    /// The batch of step `step` (0-based), [batch, T] row-major: random blocks of half a sequence, each shown twice, which is something
    /// that a net learns.
    pub fn batch(&self, step: usize) -> Vec<u16> {
        let Experiment { data, training, .. } = &self.experiment;
        repeated(step, training.batch, data.length, self.vocabulary)
    }
}

/// Does the work once and `repeats` times more, each time until its result is read, and times it.
pub async fn bench(work: &BenchWork, choice: DeviceChoice, repeats: usize) -> Result<BenchReport, EngineError> {
    let (device, kind) = match choice {
        DeviceChoice::Gpu => match device::gpu(true).await {
            Ok((device, _)) => (device, DeviceKind::Gpu),
            Err(none) => return Err(EngineError::Read(none.why)),
        },
        _ => (device::cpu(), DeviceKind::Cpu),
    };
    // No median of nothing.
    let repeats = repeats.max(1);
    let mut times = Vec::with_capacity(repeats + 1);
    let mut losses = Vec::new();
    match work {
        BenchWork::Steps { experiment, vocabulary, cores } => {
            let step = BenchStep { experiment: (**experiment).clone(), vocabulary: *vocabulary };
            let mut trainer = Trainer::new(experiment, step.observation(), &device);
            if *cores > 0 {
                let team = Team::of(*cores, experiment, step.observation()).await;
                trainer.share(Some(team.map_err(|_| EngineError::NoTeam)?));
            }
            for index in 0..=repeats {
                let rows = Rows::Tokens(step.batch(index));
                let start = now_ms();
                let loss = read(trainer.step(&rows, &[]).await.loss).await?;
                times.push(now_ms() - start);
                losses.extend(loss.into_iter().map(f64::from));
            }
        }
        BenchWork::Product { rows } if kind == DeviceKind::Cpu => {
            let [a, b] = [0, 1].map(|index| square(*rows, index));
            let (mut scratch, mut out) = (Vec::new(), vec![0.0; rows * rows]);
            for _ in 0..=repeats {
                let start = now_ms();
                square_product(&a, &b, *rows, &mut scratch, &mut out);
                times.push(now_ms() - start);
            }
            // Looked at, lest the compiler leave it out.
            if !out.iter().all(|x| x.is_finite()) {
                return Err(EngineError::NotFinite { step: 0 });
            }
        }
        BenchWork::Product { rows } => {
            let [a, b] = [0, 1]
                .map(|index| Tensor::<2>::from_data(TensorData::new(square(*rows, index), [*rows, *rows]), &device));
            for _ in 0..=repeats {
                let start = now_ms();
                read(a.clone().matmul(b.clone()).slice([0..1, 0..1])).await?;
                times.push(now_ms() - start);
            }
        }
    }
    let first_ms = times.remove(0);
    let fastest_ms = times.iter().copied().fold(f64::INFINITY, f64::min);
    Ok(BenchReport { device: kind, median_ms: device::median(times), fastest_ms, first_ms, losses })
}

/// A matrix of even numbers between -1 and 1.
fn square(rows: usize, index: u64) -> Vec<f32> {
    let mut stream = Stream::new(1, Purpose::Timing, index);
    (0..rows * rows).map(|_| 2.0 * stream.uniform() as f32 - 1.0).collect()
}

fn repeated(step: usize, rows: usize, length: usize, vocabulary: usize) -> Vec<u16> {
    let mut stream = Stream::new(1, Purpose::Timing, 2 + step as u64);
    let mut out = Vec::with_capacity(rows * length);
    for _ in 0..rows {
        let block: Vec<u16> = (0..length.div_ceil(2)).map(|_| stream.below(vocabulary as u64) as u16).collect();
        out.extend(block.iter().cycle().take(length));
    }
    out
}

// Natively only: there nothing has to be waited for.
#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_is_a_sound_experiment() {
        for size in BenchSize::ALL {
            let step = size.step();
            assert_eq!(step.experiment.validate(), Ok(()), "{}", size.name());
        }
        // With the begin token.
        assert_eq!(BenchSize::Small.step().vocabulary, 6);
        assert_eq!(BenchSize::Gru.step().experiment.training.batch, 512);
    }

    /// S2 by hand: 12 d² for the linear layers of each block, the head, attention over T (T + 1)/2 pairs.
    #[test]
    fn operations_are_those_of_three_forward_passes() {
        let (cells, d) = (32.0 * 64.0, 64.0);
        let forward = cells * (2.0 * 12.0 * d * d + d * 16.0 + 2.0 * 2.0 * d * 65.0 / 2.0);
        assert_eq!(BenchSize::S2.step().operations(), 6.0 * forward);
    }

    #[test]
    fn a_batch_shows_each_block_twice_and_no_other_batch_is_the_same() {
        let step = BenchStep::classic(3, 9, 8, 2);
        let tokens = step.batch(0);
        assert_eq!(tokens.len(), 3 * 9);
        for row in tokens.chunks_exact(9) {
            assert_eq!(row[..4], row[5..]);
        }
        assert!(tokens.iter().all(|token| usize::from(*token) < step.vocabulary));
        assert_ne!(tokens, step.batch(1));
        assert_eq!(tokens, step.batch(0));
    }

    /// What is timed is training: the loss falls, and falls the same way each time.
    #[test]
    fn timed_steps_train() {
        let work = BenchStep::classic(8, 8, 16, 2).work(0);
        let run = || pollster::block_on(bench(&work, DeviceChoice::Cpu, 40)).expect("trained");
        let report = run();
        assert_eq!(report.losses.len(), 41);
        assert!(report.losses[40] < report.losses[0] - 0.1, "{:?}", report.losses);
        assert_eq!(run().losses, report.losses);
        let shared = BenchStep::classic(8, 8, 16, 2).work(2);
        let shared = pollster::block_on(bench(&shared, DeviceChoice::Cpu, 40)).expect("trained");
        assert!((shared.losses[40] - report.losses[40]).abs() < 1e-4, "two cores compute the same");
        let product = pollster::block_on(bench(&BenchWork::Product { rows: 8 }, DeviceChoice::Cpu, 2)).expect("timed");
        assert!(product.losses.is_empty() && product.median_ms >= 0.0);
    }
}
