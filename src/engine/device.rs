//! Where to train: the CPU always, a GPU where the browser has a real one that passes a parity check.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use burn::tensor::Device;

use super::{
    clock::now_ms,
    error::EngineError,
    team::{Lost, Team},
    trainer::{Trainer, read},
};
use crate::{
    experiment::{Architecture, Embedding, Experiment, Mlp, Net, Observation},
    protocol::{DeviceChoice, DeviceKind, DeviceReport, Event, Phase, checkpoint::Summary},
    world::{
        Rows,
        rng::{Purpose, Stream},
    },
};

/// Timed steps per device; their median decides.
const TIMED_STEPS: usize = 3;
/// f32 sums in another order differ by some 1e-6 of the largest; wrong kernels differ by the whole.
const PARITY_TOLERANCE: f64 = 1e-3;

/// The device to train on, and the report for the user.
pub struct Chosen {
    pub device: Device,
    /// Cores that share each step, where the CPU trains and more than one pay.
    pub team: Option<Team>,
    pub report: DeviceReport,
    /// A GPU that may take over.
    pub candidate: Option<Candidate>,
}

/// A GPU that gets ready while the CPU trains: its shaders compile for seconds, in which a small run is over.
pub struct Candidate {
    pub device: Device,
    proof: Pin<Box<dyn Future<Output = Result<Proof, EngineError>>>>,
}

/// Whether a GPU computes what the CPU does.
pub enum Proof {
    /// Largest relative difference.
    Agrees(f64),
    /// Why it may not train; a sentence.
    Refused { why: String, parity: Option<f64> },
}

impl Candidate {
    pub fn new(experiment: &Experiment, observation: Observation, device: Device) -> Self {
        let (experiment, on) = (experiment.clone(), device.clone());
        let proof = async move {
            let proof = prove(&experiment, observation, &on).await?;
            if let Proof::Agrees(_) = proof {
                // Compiles what the run needs. How long a step takes is measured when nobody else computes.
                time(&experiment, observation, &on, &mut None).await?;
            }
            Ok(proof)
        };
        Self { device, proof: Box::pin(proof) }
    }

    /// Goes on with getting ready, as far as it goes without waiting; what came of it once it is done, and not to be asked again.
    pub fn poll(&mut self) -> Option<Result<Proof, EngineError>> {
        // Whoever asks, asks after each step: there is nobody to wake.
        match self.proof.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(proof) => Some(proof),
            Poll::Pending => None,
        }
    }
}

pub fn cpu() -> Device {
    Device::flex()
}

/// Follows the user's choice where it can be followed, and says why where it cannot. Where it is left to us, the CPU begins at once and a
/// GPU is given as a candidate. `alone`: the other cores have work of their own, and nobody hands over.
pub async fn choose(
    choice: DeviceChoice,
    experiment: &Experiment,
    observation: Observation,
    alone: bool,
    emit: &mut dyn FnMut(Event),
) -> Result<Chosen, EngineError> {
    // The other cores' kernels may not have arrived: the run goes on without them, and says so.
    let (mut team, lost) = match if alone { Ok(None) } else { Team::gather(experiment, observation).await } {
        Ok(team) => (team, String::new()),
        Err(why) => (None, without(&why)),
    };
    let report = DeviceReport { used: DeviceKind::Cpu, ..DeviceReport::default() };
    let mut chosen = choose_with(choice, experiment, observation, alone, &mut team, report, emit).await?;
    if chosen.report.used == DeviceKind::Cpu {
        chosen.report.why.push_str(&lost);
    }
    Ok(chosen)
}

/// As [`choose`], for a run that goes on from a checkpoint: where it is left to us, it trains where it trained before, by as many
/// cores, since its last bits depend on both.
pub async fn choose_again(
    choice: DeviceChoice,
    saved: &Summary,
    experiment: &Experiment,
    observation: Observation,
    emit: &mut dyn FnMut(Event),
) -> Result<Chosen, EngineError> {
    let before = saved.device.used;
    let choice_now = match (choice, before) {
        (DeviceChoice::Auto, DeviceKind::Gpu) => DeviceChoice::Gpu,
        (DeviceChoice::Auto, DeviceKind::Cpu) if !saved.is_undecided => DeviceChoice::Cpu,
        _ => choice,
    };
    let team = match (before, saved.cores) {
        (DeviceKind::Gpu, _) => Team::gather(experiment, observation).await,
        (DeviceKind::Cpu, Some(count)) => Team::of(count, experiment, observation).await.map(Some),
        (DeviceKind::Cpu, None) => Ok(None),
    };
    let (mut team, lost) = match team {
        Ok(team) => (team, String::new()),
        Err(why) => (None, without(&why)),
    };
    let report = DeviceReport { used: DeviceKind::Cpu, ..saved.device.clone() };
    let mut chosen = choose_with(choice_now, experiment, observation, false, &mut team, report, emit).await?;
    let used = chosen.report.used;
    if choice_now != choice && used == DeviceKind::Cpu && before == used {
        chosen.report.why = format!("The run goes on where it was, on the CPU.{}", shared(saved.cores.unwrap_or(1)));
    }
    if used == DeviceKind::Cpu {
        chosen.report.why.push_str(&lost);
    }
    if used != before || !lost.is_empty() {
        chosen
            .report
            .why
            .push_str(" Until it was saved it was computed otherwise: from here on, the last digits may differ.");
    }
    Ok(chosen)
}

/// Why one core trains where more could, as a sentence behind others.
fn without(why: &Lost) -> String {
    format!(" One core trains where several could, as their part of the engine could not be used: {}.", why.0)
}

async fn choose_with(
    choice: DeviceChoice,
    experiment: &Experiment,
    observation: Observation,
    alone: bool,
    team: &mut Option<Team>,
    report: DeviceReport,
    emit: &mut dyn FnMut(Event),
) -> Result<Chosen, EngineError> {
    if choice == DeviceChoice::Cpu {
        return Ok(Chosen::cpu(team.take(), DeviceReport { why: "You chose the CPU.".into(), ..report }));
    }
    let found = gpu(choice == DeviceChoice::Gpu).await;
    let (device, adapter) = match found {
        Ok(found) => found,
        Err(NoGpu { why, adapter }) => return Ok(Chosen::cpu(team.take(), DeviceReport { why, adapter, ..report })),
    };
    let report = DeviceReport { adapter, ..report };
    if choice == DeviceChoice::Auto && !alone {
        let why = "The CPU trains while the GPU gets ready.".into();
        let mut chosen = Chosen::cpu(team.take(), DeviceReport { why, ..report });
        chosen.candidate = Some(Candidate::new(experiment, observation, device));
        return Ok(chosen);
    }
    emit(Event::Phase(Phase::Compiling));
    let parity = match prove(experiment, observation, &device).await? {
        Proof::Agrees(parity) => Some(parity),
        Proof::Refused { why, parity } => return Ok(Chosen::cpu(team.take(), DeviceReport { why, parity, ..report })),
    };
    let gpu_ms = time(experiment, observation, &device, &mut None).await?;
    let cpu_ms = time(experiment, observation, &cpu(), team).await?;
    let report = DeviceReport { cpu_ms: Some(cpu_ms), gpu_ms: Some(gpu_ms), parity, ..report };
    if choice == DeviceChoice::Gpu {
        let why = format!("You chose the GPU: {}.", compared(gpu_ms, cpu_ms));
        let report = DeviceReport { used: DeviceKind::Gpu, why, ..report };
        return Ok(Chosen { device, team: None, report, candidate: None });
    }
    let report = DeviceReport { why: faster(gpu_ms, cpu_ms), ..report };
    if gpu_ms < cpu_ms {
        let report = DeviceReport { used: DeviceKind::Gpu, ..report };
        return Ok(Chosen { device, team: None, report, candidate: None });
    }
    Ok(Chosen::cpu(team.take(), report))
}

impl Chosen {
    fn cpu(team: Option<Team>, mut report: DeviceReport) -> Self {
        report.why.push_str(&shared(team.as_ref().map_or(1, Team::size)));
        Self { device: cpu(), team, report, candidate: None }
    }
}

fn compared(gpu_ms: f64, cpu_ms: f64) -> String {
    format!("a step takes {gpu_ms:.1} ms on the GPU and {cpu_ms:.1} ms on the CPU")
}

/// How many cores train, as a sentence behind others; nothing of one.
pub fn shared(cores: usize) -> String {
    if cores > 1 { format!(" {cores} cores share each step.") } else { String::new() }
}

/// Which is faster, as a sentence.
pub fn faster(gpu_ms: f64, cpu_ms: f64) -> String {
    let winner = if gpu_ms < cpu_ms { "GPU" } else { "CPU" };
    format!("The {winner} is faster: {}.", compared(gpu_ms, cpu_ms))
}

async fn prove(experiment: &Experiment, observation: Observation, device: &Device) -> Result<Proof, EngineError> {
    let parity = parity(device, &experiment.net, observation.is_vectors()).await?;
    if let Some(message) = shader_error() {
        let why = format!("The GPU refused a shader ({message}), so the CPU trains.");
        return Ok(Proof::Refused { why, parity: None });
    }
    if parity.is_nan() || parity > PARITY_TOLERANCE {
        let why = format!("GPU and CPU disagree by {parity:.1e} of the gradient on a small net, so the CPU trains.");
        return Ok(Proof::Refused { why, parity: Some(parity) });
    }
    Ok(Proof::Agrees(parity))
}

/// Median milliseconds of a training step of `experiment`, shader compilation left out; shared with `team`, which comes back if it
/// lost nobody.
pub async fn time(
    experiment: &Experiment,
    observation: Observation,
    device: &Device,
    team: &mut Option<Team>,
) -> Result<f64, EngineError> {
    let mut trainer = Trainer::new(experiment, observation, device);
    trainer.share(team.take());
    let mut stream = Stream::new(experiment.seed, Purpose::Timing, 0);
    let cells = experiment.training.batch * experiment.data.length;
    let rows = Rows::random(observation, cells, &mut stream);
    read(trainer.step(&rows, &[]).await.loss).await?;
    let mut times = Vec::with_capacity(TIMED_STEPS);
    for _ in 0..TIMED_STEPS {
        let start = now_ms();
        read(trainer.step(&rows, &[]).await.loss).await?;
        times.push(now_ms() - start);
    }
    *team = trainer.share(None);
    Ok(median(times))
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Largest difference between `device` and the CPU, relative to the largest entry, over the loss and every gradient of small
/// nets that together use every operation that `net` does, over tokens or over vectors.
pub async fn parity(device: &Device, net: &Net, vectors: bool) -> Result<f64, EngineError> {
    let observation = if vectors { Observation::Vectors(2) } else { Observation::Tokens(5) };
    let mut worst: f64 = 0.0;
    for net in parity_nets_like(net) {
        let mut experiment = Experiment::default();
        experiment.data.length = 6;
        experiment.net = net;
        let rows = Rows::random(observation, 3 * 6, &mut Stream::new(7, Purpose::Timing, 1));
        let mut results = Vec::new();
        for device in [device, &cpu()] {
            let trainer = Trainer::new(&experiment, observation, device);
            let (loss, gradient) = trainer.gradient(&rows);
            let mut values = read(gradient).await?;
            values.extend(read(loss).await?);
            results.push(values);
        }
        worst = worst.max(relative_difference(&results[0], &results[1]));
    }
    Ok(worst)
}

/// Those of [`parity_nets`] that a device must compute rightly before it may train `net`, with its epsilon in their norms.
fn parity_nets_like(net: &Net) -> Vec<Net> {
    let alike = |small: &Net| {
        let gated = matches!(small.mlp, Mlp::Gated | Mlp::Geglu);
        let gates = !gated || (small.mlp == Mlp::Geglu) == (net.mlp == Mlp::Geglu);
        small.architecture == net.architecture
            && match net.architecture {
                Architecture::Transformer => gates,
                Architecture::Gru | Architecture::Lstm => small.embedding == net.embedding,
            }
    };
    let with_epsilon = |small: Net| Net { norm_epsilon: net.norm_epsilon, ..small };
    parity_nets().into_iter().filter(alike).map(with_epsilon).collect()
}

/// LayerNorm, learned positions and GELU; RMSNorm, rotary, SwiGLU or GEGLU and shared key/value heads; recurrent layers of both kinds,
/// behind an embedding and on one-hot tokens.
pub fn parity_nets() -> [Net; 7] {
    let classic = Net { blocks: 1, width: 8, heads: 2, kv_heads: 2, context: 8, ..Net::default() };
    let modern =
        Net { blocks: 1, width: 8, heads: 2, kv_heads: 1, head_width: 4, mlp_width: 12, context: 8, ..Net::small() };
    let swiglu = Net { mlp: Mlp::Gated, ..modern.clone() };
    let recurrent = |architecture| Net { architecture, blocks: 2, width: 8, context: 8, ..Net::default() };
    let [gru, lstm] = [Architecture::Gru, Architecture::Lstm].map(recurrent);
    let one_hot = |net: &Net| Net { embedding: Embedding::OneHot, ..net.clone() };
    [classic, swiglu, modern, one_hot(&gru), one_hot(&lstm), gru, lstm]
}

/// max |a - b| / max |b|; NaN if any is NaN.
pub fn relative_difference(a: &[f32], b: &[f32]) -> f64 {
    let scale = b.iter().fold(f32::MIN_POSITIVE, |m, v| m.max(v.abs()));
    let mut worst: f64 = 0.0;
    for (a, b) in a.iter().zip(b) {
        let d = f64::from((a - b).abs() / scale);
        // f64::max would swallow a NaN.
        if d.is_nan() || d > worst {
            worst = d;
        }
        if worst.is_nan() {
            break;
        }
    }
    worst
}

/// Why there is no GPU to train on.
pub struct NoGpu {
    pub why: String,
    /// The adapter that was refused, if there was one.
    pub adapter: String,
}

/// This build has no WebGPU; its worker loads it where the browser has no adapter (`www/engine-worker.js`).
#[cfg(all(target_arch = "wasm32", not(feature = "gpu")))]
pub async fn gpu(insist: bool) -> Result<(Device, String), NoGpu> {
    let adapter = super::adapter::name(insist).await?;
    Err(NoGpu {
        why: "The GPU was not there when the engine was loaded, so the CPU trains. Reload the page to use it.".into(),
        adapter,
    })
}

#[cfg(not(target_arch = "wasm32"))]
pub async fn gpu(_insist: bool) -> Result<(Device, String), NoGpu> {
    Err(NoGpu { why: "This build trains on the CPU only.".into(), adapter: String::new() })
}

#[cfg(not(all(target_arch = "wasm32", feature = "gpu")))]
pub fn shader_error() -> Option<String> {
    None
}

#[cfg(all(target_arch = "wasm32", feature = "gpu"))]
pub use super::webgpu::{gpu, shader_error};
