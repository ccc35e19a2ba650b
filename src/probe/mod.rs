//! How in-context learning comes about and which algorithm a model runs, seen over training. Pure Rust: knows no net and no
//! browser.
//!
//! A tab answers one question and has two halves. A [`Probe`] says which forward passes it needs and turns what they gave at each
//! recorded step into numbers; whoever has a model (`engine::probes`) does the passes. A [`TabView`] holds these numbers and says
//! what is seen of them, as data: the page draws it, the terminal prints it.

pub mod algorithm;
pub mod beliefs;
pub mod components;
pub mod coupling;
pub mod distances;
pub mod events;
pub mod heads;
pub mod landscape;
mod matrix;
mod messages;
pub mod mixture;
mod parts;
pub mod plateaus;
pub mod power;
mod reference;
pub mod tabs;
#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod testing;
pub mod transitions;

use std::sync::Arc;

use crate::{
    experiment::Experiment,
    protocol::{Evaluation, Event, Theory},
    world::{Rows, Topic, World},
};

pub use messages::{Choice, Measurement, OpenTab, ProbeEvent, ProbeRequest, TabView};
pub use tabs::TabKind;

/// What a run is about, for those who open a tab.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    pub experiment: &'a Experiment,
    pub world: &'a World,
    /// The K training topics; `None` with fresh draws.
    pub topics: Option<&'a [Topic]>,
    pub theory: &'a Theory,
}

/// At which parameters a forward pass is requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// At every recorded step, the start (0) among them.
    EveryStep,
    /// At the step that is shown, whichever that is at the time.
    Shown,
}

/// One forward pass that a tab requests.
#[derive(Clone, Debug)]
pub struct ActivationRequest {
    /// Another key stands for another request: what was given for the old one is not asked for again, nor kept by the driver.
    pub key: u64,
    pub scope: Scope,
    /// Sequences of T cells; without any, nothing is requested now.
    pub rows: Arc<Rows>,
    /// The patterns of attention are wanted.
    pub attention: bool,
    /// The residual stream is wanted.
    pub residual: bool,
    /// The parameters are wanted.
    pub parameters: bool,
    /// (block, head) of the heads whose output is set to 0.
    pub ablated: Vec<(usize, usize)>,
}

impl ActivationRequest {
    /// Predictions only, at every recorded step.
    pub fn predictions(rows: Arc<Rows>) -> Self {
        Self {
            key: 0,
            scope: Scope::EveryStep,
            rows,
            attention: false,
            residual: false,
            parameters: false,
            ablated: Vec::new(),
        }
    }
}

/// What a forward pass gave. Input position i (0-based) holds the start token (i = 0) or x_i; what stands there predicts
/// x_{i+1}.
#[derive(Clone, Debug, Default)]
pub struct Activations {
    /// The predictive distribution of each cell, [rows, T, outputs] row-major: ln p of each token, or a Gaussian's mean and the logarithm
    /// of its variance.
    pub distribution: Vec<f32>,
    /// Of each block, [rows, heads, T, T] row-major: how much position i (third) attends to j (fourth).
    pub attention: Vec<Vec<f32>>,
    /// Name of the layer, and [rows, T, width] row-major.
    pub residual: Vec<(String, Vec<f32>)>,
    pub parameters: Vec<Matrix>,
}

/// A matrix of a model's parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// As in the net's layout, for example `blocks.0.attention.query.weight`.
    pub name: String,
    pub shape: [usize; 2],
    /// Row-major.
    pub values: Vec<f32>,
}

/// What is known of a run so far, for every tab.
#[derive(Clone, Debug)]
pub struct RunRecord {
    pub experiment: Experiment,
    pub theory: Theory,
    /// At the recorded steps, in order.
    pub evaluations: Vec<Evaluation>,
    /// Loss of each step's batch before the step; index 0 is step 1. Nats per token.
    pub losses: Vec<f32>,
}

impl RunRecord {
    pub fn new(experiment: &Experiment, theory: &Theory) -> Self {
        Self { experiment: experiment.clone(), theory: theory.clone(), evaluations: Vec::new(), losses: Vec::new() }
    }

    /// The evaluation at a recorded step, or the last one before it.
    pub fn at(&self, step: usize) -> Option<&Evaluation> {
        let after = self.evaluations.partition_point(|e| e.step <= step);
        self.evaluations.get(after.saturating_sub(1))
    }

    /// The last step that was recorded.
    pub fn last(&self) -> usize {
        self.evaluations.last().map_or(0, |e| e.step)
    }

    /// Keeps an evaluation where its step is one of those that are recorded, or the run's last; whether it does.
    pub fn push(&mut self, evaluation: &Evaluation) -> bool {
        let last = evaluation.step >= self.experiment.steps();
        let kept = self.experiment.evaluation.is_recorded(evaluation.step) || last;
        if kept {
            self.evaluations.retain(|e| e.step < evaluation.step);
            self.evaluations.push(evaluation.clone());
        }
        kept
    }

    /// Takes in what the engine reports; whether anything changed that a tab shows at once.
    pub fn on_event(&mut self, event: &Event) -> bool {
        match event {
            Event::Frame(frame) => {
                let before = frame.first.saturating_sub(1);
                self.losses.resize(before, f32::NAN);
                self.losses.extend(frame.training_loss.iter().map(|loss| *loss as f32));
                false
            }
            Event::Evaluation(evaluation) => self.push(evaluation),
            _ => false,
        }
    }
}

/// Measures what one tab shows: says which forward passes it needs, and turns what they gave into numbers.
pub trait Probe {
    /// The forward passes needed now, always the same number of them in the same order. Asked for after every change.
    fn requests(&self) -> Vec<ActivationRequest> {
        Vec::new()
    }

    /// Numbers from what pass number `request` gave at a recorded step. Steps may come in any order, and again. `None` where it says
    /// nothing.
    fn measure(&mut self, request: usize, step: usize, activations: Activations) -> Option<Measurement> {
        let _ = (request, step, activations);
        None
    }

    /// The reader chose something; gives what can be computed at once. Choices of other tabs and those that are out of range are
    /// ignored.
    fn choose(&mut self, choice: &Choice) -> Option<Measurement> {
        let _ = choice;
        None
    }
}

/// A tab whose numbers are all in the run's record.
pub struct NoProbe;

impl Probe for NoProbe {}
