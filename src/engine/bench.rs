//! The fixed-size training steps of `cargo xtask bench`.

use super::{
    clock::now_ms,
    device,
    error::EngineError,
    trainer::{Trainer, read},
};
use crate::{
    experiment::{Architecture, Data, Experiment, Mlp, Net, Norm, Observation, Positions, Training},
    protocol::{BenchReport, BenchSize, DeviceChoice, DeviceKind},
    world::{
        Rows,
        rng::{Purpose, Stream},
    },
};

const VOCAB: usize = 16;

/// The step that a size stands for: vocabulary 16, 2 blocks, pre-LN, learned positions, GELU MLP 4x, AdamW.
pub fn experiment(size: BenchSize) -> Experiment {
    let (batch, length, width, heads) = match size {
        BenchSize::S1 => (16, 32, 32, 2),
        BenchSize::S2 => (32, 64, 64, 4),
        BenchSize::S3 => (64, 64, 128, 4),
    };
    Experiment {
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
        },
        training: Training { batch, ..Training::default() },
        ..Experiment::default()
    }
}

/// Trains `steps` steps on repeated random tokens, awaiting each loss, and times them.
pub async fn bench(size: BenchSize, wish: DeviceChoice, steps: usize) -> Result<BenchReport, EngineError> {
    let experiment = experiment(size);
    let (device, kind) = match wish {
        DeviceChoice::Gpu => match device::gpu(true).await {
            Ok((device, _)) => (device, DeviceKind::Gpu),
            Err(none) => return Err(EngineError::Read(none.why)),
        },
        _ => (device::cpu(), DeviceKind::Cpu),
    };
    let mut trainer = Trainer::new(&experiment, Observation::Tokens(VOCAB), &device);
    let length = experiment.data.length;
    let mut step_times = Vec::with_capacity(steps);
    let mut losses = Vec::with_capacity(steps);
    let mut first_step_ms = 0.0;
    for step in 0..=steps {
        let tokens = repeated(step, experiment.training.batch, length);
        let start = now_ms();
        let loss = read(trainer.step(&tokens, &[]).loss).await?;
        let took = now_ms() - start;
        if step == 0 {
            first_step_ms = took;
        } else {
            step_times.push(took);
        }
        losses.extend(loss.into_iter().map(f64::from));
    }
    Ok(BenchReport { size, device: kind, step_ms: device::median(step_times), first_step_ms, losses })
}

/// Random blocks of half the length, each shown twice: something that a transformer learns.
fn repeated(step: usize, rows: usize, length: usize) -> Rows {
    let mut stream = Stream::new(1, Purpose::Timing, 2 + step as u64);
    let mut out = Vec::with_capacity(rows * length);
    for _ in 0..rows {
        let block: Vec<u16> = (0..length / 2).map(|_| stream.below(VOCAB as u64) as u16).collect();
        out.extend(block.iter().cycle().take(length));
    }
    Rows::Tokens(out)
}
