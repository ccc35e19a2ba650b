//! What the page and the engine say to each other: the only thing they share besides plain data.
//!
//! Both travel as JSON text, one message each. Numbers by position are flat arrays, index 0 being position 1. All losses are in
//! nats per token. No message carries NaN or an infinity: a run that meets one ends in [`Phase::Failed`].

use serde::{Deserialize, Serialize};

use crate::experiment::Experiment;
pub use crate::theory::curve::{Curve, Method};

/// Raised whenever a message changes shape; the page refuses an engine that says another.
pub const PROTOCOL: u32 = 1;

/// From the page (or the terminal) to the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Command {
    /// Prepare the experiment and run it from step 0; what ran before is dropped. With `hold`, stop before the first step.
    Start { experiment: Box<Experiment>, device: DeviceChoice, hold: bool },
    /// Takes effect at the next step's end.
    Pause,
    /// Goes on at the exact step.
    Resume,
    /// One training step, then an evaluation, then pause.
    Step,
    /// Back to step 0 of the same experiment, held.
    Reset,
    /// Time the benchmark's fixed-size step (`cargo xtask bench`).
    Bench { size: BenchSize, device: DeviceChoice, steps: usize },
}

/// Where the user wants the net to be trained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceChoice {
    /// Whichever is measured to be faster.
    #[default]
    Auto,
    Cpu,
    Gpu,
}

/// Where the net is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceKind {
    Cpu,
    Gpu,
}

/// S1, S2 and S3 of the benchmark: vocabulary 16, 2 blocks, pre-LN, learned positions, GELU MLP 4x, AdamW.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BenchSize {
    S1,
    S2,
    S3,
}

/// From the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The first message of a worker; commands sent before it are lost.
    Ready {
        protocol: u32,
    },
    Phase(Phase),
    Device(DeviceReport),
    /// What an ideal learner does; sent once per start, before the first frame.
    Theory(Theory),
    /// At most 30 a second; each holds all steps since the last.
    Frame(Frame),
    /// At step 0, every `evaluation.every` steps, after a single step, and at the end.
    Evaluation(Evaluation),
    /// With each evaluation: a few fixed sequences and how surprising each token was.
    Samples(Samples),
    Bench(BenchReport),
}

/// Where the session stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "kebab-case")]
pub enum Phase {
    /// `what` is a short sentence without a full stop, `done` a share from 0 to 1 where it is known.
    Preparing {
        what: String,
        done: Option<f64>,
    },
    /// The first steps on a GPU compile its shaders; they are not counted in steps/s.
    Compiling,
    Running,
    Paused,
    Finished,
    /// The run cannot go on. What was sent before stays valid.
    Failed {
        why: String,
        next: String,
    },
}

/// Which device trains, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeviceReport {
    pub used: DeviceKind,
    /// A sentence: why this one.
    pub why: String,
    /// Median milliseconds per training step of this experiment, where measured.
    pub cpu_ms: Option<f64>,
    pub gpu_ms: Option<f64>,
    /// The adapter's own name; empty without one.
    pub adapter: String,
    /// Largest relative difference between CPU and GPU over the loss and all gradients of a small net.
    pub parity: Option<f64>,
}

/// Reference curves and levels, nats per token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Theory {
    /// Bayes-optimal with the topic hidden, under the true P(w): h_l.
    pub bayes: Curve,
    /// With the topic known.
    pub oracle: Curve,
    /// Entropy of the marginal law of one token, position by position.
    pub unigram: Curve,
    pub entropy_rate: f64,
    pub entropy_rate_stderr: Option<f64>,
    /// `None` where it diverges.
    pub excess_entropy: Option<f64>,
    /// What the mean training loss would be for the Bayes-optimal learner: the mean of `bayes` with fresh draws; with a
    /// training set, the mean loss on it of exact Bayes over its K topics.
    pub training_level: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// Steps done.
    pub step: usize,
    /// Step number of `training_loss[0]` (1-based: the loss of the batch that made step 1 what it is).
    pub first: usize,
    /// Mean loss of each step's batch, one per step since the last frame.
    pub training_loss: Vec<f64>,
    /// Over the last second or so; `None` until known. Shader compilation and evaluation are left out.
    pub steps_per_second: Option<f64>,
    pub tokens_per_second: Option<f64>,
    /// Includes evaluations.
    pub seconds_left: Option<f64>,
    /// Share of the run's time spent on evaluation, 0 to 1.
    pub evaluation_share: f64,
}

/// An estimate over independent sequences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    pub value: f64,
    pub stderr: f64,
}

/// A loss of `science.md` section 5 (in excess of the topic-knowing source) and the least it can be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LossAndFloor {
    pub loss: Measured,
    /// The same quantity for exact Bayes (over the K training topics where those are what is asked), on the same sequences.
    pub bayes: Measured,
    /// loss - bayes, paired sequence by sequence.
    pub excess: Measured,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    pub step: usize,
    /// Sequences behind each number.
    pub sequences: usize,
    /// Loss by position on fresh topics: the exact Bayes curve plus `excess`.
    pub model: Vec<f64>,
    /// E KL(exact Bayes predictive || model's), by position, on fresh topics; never negative.
    pub excess: Vec<f64>,
    pub excess_stderr: Vec<f64>,
    /// The same difference from sampled tokens only, log P_Bayes(x) - log P_model(x): may be negative by chance. A value
    /// below 0 by many standard errors would be a bug; the page watches for it.
    pub sampled_excess: Vec<f64>,
    pub sampled_excess_stderr: Vec<f64>,
    /// L_E(θ, W_pre): log-ratio on the training sequences.
    pub empirical: LossAndFloor,
    /// L(θ, W_pre): training topics, fresh sequences, KL of whole distributions.
    pub first_level: LossAndFloor,
    /// L(θ): fresh topics, prompts of length T_p, KL of whole distributions.
    pub two_level: LossAndFloor,
    /// L(θ, W_pre) - L_E.
    pub sequence_gap: Measured,
    /// L(θ) - L(θ, W_pre), over the same positions.
    pub topic_gap: Measured,
    /// ‖θ - θ_0‖² over all parameters.
    pub squared_distance: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Samples {
    pub step: usize,
    pub rows: Vec<Sample>,
}

/// One sequence; surprise is -ln P(token), nats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The topic in a few words, for example "Wonka" or "P(0) = 0.31".
    pub topic: String,
    /// Topics with the same number share a colour; `None` for a continuum.
    pub topic_index: Option<usize>,
    pub tokens: Vec<u16>,
    pub model: Vec<f64>,
    pub bayes: Vec<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BenchReport {
    pub size: BenchSize,
    pub device: DeviceKind,
    /// Median over the timed steps.
    pub step_ms: f64,
    /// The first step, shader compilation included.
    pub first_step_ms: f64,
    /// Losses of the timed steps, to show that they train.
    pub losses: Vec<f64>,
}
