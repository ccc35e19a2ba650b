//! Messages between the page and its workers: the only thing they share besides plain data.
//!
//! There are two conversations. The page sends [`ToEngine`] (a [`Command`] and the number of its run) and the engine answers with
//! [`FromEngine`] (an [`Event`] and the number of the run that it belongs to); the coordinator of sweeps speaks the same language to
//! the engines beneath it. The page and the coordinator exchange [`SweepRequest`] and [`SweepEvent`]. [`wire`] turns each message
//! into bytes and back; `transfer` moves the bytes between workers.
//!
//! Numbers by position are flat arrays, index 0 being position 1. All losses are in nats per token. No message carries NaN or an
//! infinity: a run that meets one ends in [`Phase::Failed`].

pub mod checkpoint;
mod finite;
pub mod outcome;
pub mod picture;
mod sweep;
#[cfg(target_arch = "wasm32")]
pub mod transfer;
pub mod wire;

use serde::{Deserialize, Serialize};

use crate::experiment::{Experiment, WorldSpec};
pub use crate::probe::{ProbeEvent, ProbeRequest};
pub use crate::theory::curve::{Curve, Method};
pub use checkpoint::Bytes;
pub use finite::first_not_finite;
pub use outcome::{
    Certificate, ComponentCourse, EventCourse, Nearness, Outcome, Paths, Randomised, Record, ScaleTrial,
};
pub use picture::Picture;
pub use sweep::{
    CheckState, OpenStatus, OpenedSweep, PointState, RunNumbers, RunningSweep, StoredSweep, StudyPart, StudyResults,
    SweepEvent, SweepRequest, SweepStatus,
};

/// Version of all messages, in front of each. Raise it whenever a message changes shape: nobody reads a message of another version.
pub const PROTOCOL: u32 = 11;

/// The run number of an event that belongs to no run: the engine itself has failed, or a picture is drawn. Runs are numbered from 1.
pub const NO_RUN: u32 = 0;

/// A message to the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToEngine {
    /// The run that the command is about. A command that starts a run gives it this number, larger than all before.
    pub run: u32,
    pub command: Command,
}

/// A message from the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FromEngine {
    /// The run that the event belongs to, or [`NO_RUN`].
    pub run: u32,
    pub event: Event,
}

impl FromEngine {
    /// Whether the event matters to somebody who waits for news of run `run` only.
    pub fn is_about(&self, run: u32) -> bool {
        self.run == run || self.run == NO_RUN
    }
}

/// What the page, or the coordinator of sweeps, asks of the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Prepare the experiment and run it from step 0, or from a checkpoint of it (the bytes of an [`Event::Checkpoint`]); what ran
    /// before is dropped. With `hold`, stop before the first step.
    ///
    /// After a checkpoint nothing is reported of the steps before it but the theory: who drew them has kept them.
    Start {
        #[serde(with = "wire::as_json")]
        experiment: Box<Experiment>,
        device: DeviceChoice,
        hold: bool,
        checkpoint: Option<Bytes>,
    },
    /// Takes effect at the next step's end.
    Pause,
    /// Goes on at the exact step.
    Resume,
    /// One training step, then an evaluation, then pause.
    Step,
    /// Back to step 0 of the same experiment, held.
    Reset,
    /// Answered by an [`Event::Checkpoint`] of the run as it stands.
    Checkpoint,
    /// Whether checkpoints come by themselves from now on, in this run and in those to come: some seconds apart while a run goes on,
    /// and when it pauses or ends. They never do before this is asked for.
    AutoCheckpoint(bool),
    /// Run one cell of a sweep to its end, answered by [`Event::Cell`] and an [`Event::Outcome`]. What ran before is dropped.
    Cell {
        #[serde(with = "wire::as_json")]
        experiment: Box<Experiment>,
        device: DeviceChoice,
    },
    /// After the last step and what is measured then: measure twice as many sequences, without training. Answered by
    /// another [`Event::Evaluation`] of the same step and another [`Event::Outcome`]; nothing where the run is not finished.
    MeasureMore,
    /// Draw a world for people, before or beside training: the page's own, or with `sketch` one that is being edited. The newest request
    /// of each wins; training goes on afterwards. `id` comes back with the answer.
    Picture {
        id: u32,
        sketch: bool,
        #[serde(with = "wire::as_json")]
        world: Box<WorldSpec>,
    },
    /// A request to the probes of the run.
    Probe(ProbeRequest),
    /// Time something (`cargo xtask bench`): once for the first time, and `repeats` times more.
    Bench { work: BenchWork, device: DeviceChoice, repeats: usize },
}

impl Command {
    /// Whether it takes the place of whatever ran before.
    pub fn starts_a_run(&self) -> bool {
        matches!(self, Self::Start { .. } | Self::Cell { .. })
    }

    /// Whether nobody waits for the answer any more, once `later` was asked.
    pub fn is_overtaken_by(&self, later: &Self) -> bool {
        match (self, later) {
            (Self::Picture { sketch: mine, .. }, Self::Picture { sketch, .. }) => mine == sketch,
            (Self::Checkpoint, Self::Checkpoint) => true,
            (Self::Probe(mine), Self::Probe(later)) => mine.is_overtaken_by(later),
            _ => false,
        }
    }
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceKind {
    #[default]
    Cpu,
    Gpu,
}

/// What the benchmark times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum BenchWork {
    /// Training steps of an experiment over `vocabulary` tokens, on random blocks of half a sequence, each shown twice; by `cores` cores
    /// together, or with 0 by the engine's own thread.
    Steps {
        #[serde(with = "wire::as_json")]
        experiment: Box<Experiment>,
        vocabulary: usize,
        cores: usize,
    },
    /// Products of two square f32 matrices with this many rows.
    Product { rows: usize },
}

/// What the engine reports.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// The first message of a worker; commands sent before it are lost.
    Ready,
    Phase(Phase),
    Device(DeviceReport),
    /// What an ideal predictor does; sent once per start, before the first frame.
    Theory(Theory),
    /// At most 30 a second; each holds all steps since the last.
    Frame(Frame),
    /// At step 0, where [`experiment::Evaluation::is_due`] says so, after a single step, and at the end; then once more,
    /// of as many sequences as the gaps are measured on.
    Evaluation(Evaluation),
    /// With each evaluation: a few fixed sequences and how surprising each token was.
    Samples(Samples),
    /// At the end of a run or of a cell, and again after [`Command::MeasureMore`].
    Outcome(Box<Outcome>),
    /// The run as it stands, to go on from by [`Command::Start`]. Every loss up to `step` was sent before.
    Checkpoint {
        step: usize,
        /// As [`checkpoint::write`] writes them.
        bytes: Bytes,
    },
    /// How much of a cell is done, 0 to 1; at most some ten a second.
    Cell {
        done: f64,
    },
    /// The answer to [`Command::Picture`].
    Picture(Picture),
    /// What the probes of the run found.
    Probe(ProbeEvent),
    Bench(BenchReport),
}

/// Where the session stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Phase {
    /// `what` is a short sentence without a full stop, `done` a share from 0 to 1 where it is known.
    Preparing {
        what: String,
        done: Option<f64>,
    },
    /// The first steps on a GPU compile its shaders; they are not counted in steps/s.
    Compiling,
    Running,
    /// The last step is done; what is measured once comes now. As for `Preparing`.
    Measuring {
        what: String,
        done: f64,
    },
    Paused,
    Finished,
    /// The run cannot go on. What was sent before stays valid.
    Failed {
        why: String,
        next: String,
    },
}

impl Phase {
    /// Going on by itself, and to be paused.
    pub fn is_under_way(&self) -> bool {
        matches!(self, Self::Running | Self::Compiling | Self::Measuring { .. })
    }
}

/// Which device trains, and why.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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

/// Reference curves and levels, nats per token (per vector in a continuous world).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Theory {
    /// Bayes-optimal with the topic hidden, under the true P(w): h_l. Where `adaptive`, the best predictor at hand instead.
    pub bayes: Curve,
    /// The source is not known exactly (real text): `bayes` is no lower bound, and a model may well be better.
    pub adaptive: bool,
    /// Sentences on how curves and limits were obtained.
    pub how: Vec<String>,
    /// Token names where the experiment alone does not tell them (the bundled texts); empty elsewhere.
    #[serde(default)]
    pub tokens: Vec<String>,
    /// Other predictors, measured on the fresh evaluation sequences.
    pub baselines: Vec<Baseline>,
    /// Mean squared error of exact Bayes' mean prediction by position, summed over a vector's entries; empty for tokens.
    pub squared_error: Vec<f64>,
    /// With the topic known.
    pub oracle: Curve,
    /// Entropy of the marginal distribution of one token, position by position.
    pub unigram: Curve,
    pub entropy_rate: f64,
    pub entropy_rate_stderr: Option<f64>,
    /// `None` where it diverges.
    pub excess_entropy: Option<f64>,
    /// What the mean training loss would be for the Bayes-optimal predictor: the mean of `bayes` with fresh draws; with a
    /// training set, the mean loss on it of exact Bayes over its K topics.
    pub training_level: f64,
}

/// A predictor to compare the model with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// Short, as at a line's end: `retrieval`, `bi-inf`, `copy`, `OLS`.
    pub name: String,
    /// A sentence: what it knows and what it does.
    pub about: String,
    /// Its loss by position.
    pub curve: Curve,
    /// For vectors: its mean squared error by position; empty for tokens.
    pub squared_error: Vec<f64>,
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

impl Measured {
    /// Mean and its standard error over independent values.
    pub fn over(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
        Self { value: mean, stderr: (variance / n).sqrt() }
    }
}

impl Measured {
    /// The difference from an independent estimate.
    pub fn less(self, other: Self) -> Self {
        Self { value: self.value - other.value, stderr: self.stderr.hypot(other.stderr) }
    }
}

/// A loss of P2 (Gong et al. 2025; in excess of the topic-knowing source) and the same loss of exact Bayes. On training sequences a model that knows them by heart
/// is below it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LossAndFloor {
    pub loss: Measured,
    /// The same quantity for exact Bayes (over the K training topics where those are what is asked), on the same sequences.
    pub bayes: Measured,
    /// loss - bayes, paired sequence by sequence.
    pub excess: Measured,
}

impl LossAndFloor {
    /// Of all sequences that there are: the means have no sampling error.
    pub fn without_error(self) -> Self {
        let [loss, bayes, excess] = [self.loss, self.bayes, self.excess].map(|m| Measured { stderr: 0.0, ..m });
        Self { loss, bayes, excess }
    }
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
    /// For vectors: the model's mean squared error by position; empty for tokens.
    pub squared_error: Vec<f64>,
    /// L_E(θ, W_pre): log-ratio on the training sequences.
    pub empirical: LossAndFloor,
    /// L(θ, W_pre): training topics, fresh sequences, KL of whole distributions.
    pub first_level: LossAndFloor,
    /// L(θ): fresh topics, prompts of length T_p, KL of whole distributions.
    pub two_level: LossAndFloor,
    /// L(θ, W_pre) - L_E.
    pub sequence_gap: Measured,
    /// L(θ) - L(θ, W_pre), over the same positions. Conditional on the K topics that were drawn: how much easier these are than
    /// topics on average is part of it, and no part of its standard error.
    pub topic_gap: Measured,
    /// The same difference of losses in excess of Bayes' own on the same sequences: how easy the topics are cancels.
    pub topic_gap_above_bayes: Measured,
    /// By position, mean divergence from the source that knows the topic: fresh sequences of the training topics, and fresh
    /// topics. `bayes` is that of exact Bayes over the K training topics, and under P(w).
    pub seen_model: Vec<f64>,
    pub seen_model_stderr: Vec<f64>,
    pub seen_bayes: Vec<f64>,
    pub fresh_model: Vec<f64>,
    pub fresh_model_stderr: Vec<f64>,
    pub fresh_bayes: Vec<f64>,
    /// ‖θ - θ_topic‖² and ‖θ - θ_data‖² over all parameters: to the topic-dependent and to the data-dependent prior, the random
    /// start where there are no prior stages. 0 while a prior is still being trained.
    pub distance_topic: f64,
    pub distance_data: f64,
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

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BenchReport {
    pub device: DeviceKind,
    /// Median milliseconds over the repeats.
    pub median_ms: f64,
    /// Of the quickest repeat: what a machine that does other things besides still shows.
    pub fastest_ms: f64,
    /// Milliseconds of the first time, shader compilation included.
    pub first_ms: f64,
    /// Loss of each step, the first included; empty for products.
    pub losses: Vec<f64>,
}

/// With a number in every field.
#[cfg(test)]
fn example_evaluation() -> Evaluation {
    let measured = Measured { value: 0.25, stderr: 0.5 };
    let losses = LossAndFloor { loss: measured, bayes: measured, excess: measured };
    Evaluation {
        step: 2,
        sequences: 4,
        model: vec![1.0],
        excess: vec![0.5],
        excess_stderr: vec![0.125],
        sampled_excess: vec![-0.5],
        sampled_excess_stderr: vec![0.25],
        squared_error: vec![0.5],
        empirical: losses,
        first_level: losses,
        two_level: losses,
        sequence_gap: measured,
        topic_gap: measured,
        topic_gap_above_bayes: measured,
        seen_model: vec![0.5],
        seen_model_stderr: vec![0.125],
        seen_bayes: vec![0.25],
        fresh_model: vec![0.75],
        fresh_model_stderr: vec![0.0625],
        fresh_bayes: vec![0.375],
        distance_topic: 2.0,
        distance_data: 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::preset::PRESETS;
    use crate::probe::TabKind;

    #[test]
    fn a_picture_is_overtaken_by_its_own_kind_only() {
        let picture = |id, sketch| Command::Picture { id, sketch, world: Box::default() };
        assert!(
            picture(1, true).is_overtaken_by(&picture(2, true))
                && picture(1, false).is_overtaken_by(&picture(2, false))
        );
        assert!(
            !picture(1, false).is_overtaken_by(&picture(2, true))
                && !picture(1, true).is_overtaken_by(&picture(2, false))
        );
        assert!(!Command::Pause.is_overtaken_by(&Command::Pause) && !picture(1, true).is_overtaken_by(&Command::Pause));
    }

    #[test]
    fn every_event_comes_back_as_it_was() {
        let measured = Measured { value: 0.25, stderr: 0.5 };
        let losses = LossAndFloor { loss: measured, bayes: measured, excess: measured };
        let curve = Curve {
            values: vec![1.5, 0.5],
            stderr: Some(vec![0.0, 0.25]),
            methods: vec![Method::Exact, Method::MonteCarlo],
        };
        let phases = [
            Phase::Preparing { what: "Drawing".into(), done: Some(0.5) },
            Phase::Preparing { what: "Drawing".into(), done: None },
            Phase::Compiling,
            Phase::Running,
            Phase::Measuring { what: "Measuring".into(), done: 0.5 },
            Phase::Paused,
            Phase::Finished,
            Phase::Failed { why: "It \"broke\".".into(), next: "Mend it.".into() },
        ];
        let mut events: Vec<Event> = phases.into_iter().map(Event::Phase).collect();
        events.extend([
            Event::Ready,
            Event::Probe(ProbeEvent::Opened(Some((TabKind::Power, Err("No.".into()))))),
            Event::Device(DeviceReport {
                used: DeviceKind::Gpu,
                why: "Faster.".into(),
                cpu_ms: Some(2.5),
                gpu_ms: None,
                adapter: "x".into(),
                parity: Some(1e-6),
            }),
            Event::Theory(Theory {
                adaptive: true,
                tokens: vec!["a".into()],
                how: vec!["Exact.".into()],
                baselines: vec![Baseline {
                    name: "copy".into(),
                    about: "Repeats.".into(),
                    curve: curve.clone(),
                    squared_error: vec![0.5],
                }],
                squared_error: vec![0.25],
                bayes: curve.clone(),
                oracle: curve.clone(),
                unigram: curve,
                entropy_rate: 0.5,
                entropy_rate_stderr: None,
                excess_entropy: Some(1.0),
                training_level: 1.0,
            }),
            Event::Frame(Frame {
                step: 2,
                first: 1,
                training_loss: vec![1.0, 0.5],
                steps_per_second: Some(3.0),
                tokens_per_second: None,
                seconds_left: None,
                evaluation_share: 0.25,
            }),
            Event::Evaluation(example_evaluation()),
            Event::Samples(Samples {
                step: 2,
                rows: vec![Sample {
                    topic: "Wonka".into(),
                    topic_index: Some(1),
                    tokens: vec![0, 3],
                    model: vec![1.0, 2.0],
                    bayes: vec![1.0, 0.5],
                }],
            }),
            Event::Outcome(Box::new(Outcome {
                steps: 3,
                empirical: losses,
                scales: vec![ScaleTrial { scale: 0.5, rise: measured }],
                paths: Some(Paths { is_kl: true, data: 0.5, ..Paths::default() }),
                randomised: Some(Randomised { scale: 0.5, draws: 2, two_level: measured, ..Randomised::default() }),
                certificate: Some(Certificate {
                    bound: 1.5,
                    unigram: 1.25,
                    sequences_needed: Some(8.0),
                    sequences_needed_unigram: Some(9.0),
                    ..Certificate::default()
                }),
                record: Record { step: vec![0, 3], two_level: vec![1.0, 0.5], ..Record::default() },
                ..Outcome::default()
            })),
            Event::Cell { done: 0.5 },
            Event::Checkpoint { step: 3, bytes: Bytes(vec![0, 7, 255]) },
            Event::Picture(picture::example(7)),
            Event::Bench(BenchReport {
                device: DeviceKind::Cpu,
                median_ms: 1.5,
                fastest_ms: 1.25,
                first_ms: 2.5,
                losses: vec![1.0],
            }),
        ]);
        for event in events {
            let message = FromEngine { run: 3, event };
            assert_eq!(wire::decode(&wire::encode(&message)).as_ref(), Ok(&message));
        }
    }

    #[test]
    fn every_command_comes_back_as_it_was() {
        let experiment = || Box::new(Experiment::default());
        let world = |text: &str| Box::new(WorldSpec::from_json(text).expect("a world"));
        let coin = r#"{"tokens":["a","b"],"transitions":{"a":[[0.3333333333333333]],"b":[[0.6666666666666667]]}}"#;
        let mixture = r#"{"mixture":[{"weight":1.0,"world":"coins:n=3"},{"weight":0.1,"world":"mess3"}]}"#;
        let text = r#"{"text":{"documents":[{"name":"ü","text":"abab"}]}}"#;
        let steps = BenchWork::Steps { experiment: experiment(), vocabulary: 5, cores: 2 };
        let mut commands = vec![
            Command::Start { experiment: experiment(), device: DeviceChoice::Auto, hold: true, checkpoint: None },
            Command::Start {
                experiment: experiment(),
                device: DeviceChoice::Cpu,
                hold: false,
                checkpoint: Some(Bytes(vec![0, 255])),
            },
            Command::Checkpoint,
            Command::AutoCheckpoint(true),
            Command::Pause,
            Command::Resume,
            Command::Step,
            Command::Reset,
            Command::Cell { experiment: experiment(), device: DeviceChoice::Cpu },
            Command::MeasureMore,
            Command::Picture { id: u32::MAX, sketch: true, world: Box::default() },
            Command::Probe(ProbeRequest::Open(Some(TabKind::Heads))),
            Command::Bench { work: steps, device: DeviceChoice::Gpu, repeats: 3 },
            Command::Bench { work: BenchWork::Product { rows: 512 }, device: DeviceChoice::Cpu, repeats: 0 },
        ];
        commands.extend([coin, mixture, text].map(|text| Command::Picture {
            id: 1,
            sketch: false,
            world: world(text),
        }));
        commands.extend(PRESETS.iter().map(|preset| Command::Start {
            experiment: Box::new(preset.experiment()),
            device: DeviceChoice::Auto,
            hold: false,
            checkpoint: None,
        }));
        for command in commands {
            let message = ToEngine { run: u32::MAX, command };
            assert_eq!(wire::decode(&wire::encode(&message)).as_ref(), Ok(&message));
        }
    }

    #[test]
    fn an_event_of_another_run_is_none_of_ours() {
        let of = |run| FromEngine { run, event: Event::Phase(Phase::Running) };
        assert!(of(4).is_about(4) && of(NO_RUN).is_about(4) && !of(3).is_about(4) && !of(5).is_about(4));
    }
}
