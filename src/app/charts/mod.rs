//! What each chart shows: one file each, all behind the trait [`Chart`].
//!
//! A chart borrows the history and turns it into a [`Scene`] (marks in CSS pixels), read-outs under a cursor, a
//! sentence and a table. It keeps nothing between two drawings, so it may be built anew for every frame.

pub mod bound;
pub mod difference;
#[cfg(test)]
pub mod fixtures;
pub mod loss_by_hand;
pub mod loss_by_position;
mod loss_line;
mod loss_of_seeds;
pub mod losses;
pub mod outcome;
pub mod samples;
#[cfg(test)]
mod seeds_tests;
pub mod stages;
#[cfg(test)]
mod tests;
pub mod training_loss;
#[cfg(test)]
mod truth_tests;

pub use ::charts::{
    chart::{Axis, BAND, Chart, Readout, ReadoutLine, View, cell, crosshair, moved, quantity},
    frame, rows,
    scene::{self, Scene},
};

use std::sync::Arc;

use super::{
    guess::Guess,
    history::{Changed, History},
};
use crate::{experiment::Experiment, map::Estimate, number::Unit, theory::curve::Method};

/// The charts that are drawn on canvas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChartKind {
    LossByPosition,
    TrainingLoss,
    Losses,
    Bound,
    /// Seen against unseen topics by position.
    Topics,
    Kl,
    Certificate,
}

impl ChartKind {
    pub const ALL: [Self; 7] = [
        Self::LossByPosition,
        Self::TrainingLoss,
        Self::Losses,
        Self::Bound,
        Self::Topics,
        Self::Kl,
        Self::Certificate,
    ];

    /// As in file names and test hooks: `loss-by-position`.
    pub fn name(self) -> &'static str {
        match self {
            Self::LossByPosition => "loss-by-position",
            Self::TrainingLoss => "training-loss",
            Self::Losses => "losses",
            Self::Bound => "bound",
            Self::Topics => "topics",
            Self::Kl => "kl",
            Self::Certificate => "certificate",
        }
    }

    pub fn axis(self) -> Axis {
        match self {
            Self::LossByPosition | Self::Topics => Axis::Position,
            Self::TrainingLoss | Self::Losses => Axis::Step,
            Self::Bound | Self::Kl | Self::Certificate => Axis::Row,
        }
    }

    pub fn is_changed(self, changed: Changed) -> bool {
        match self {
            Self::LossByPosition | Self::Topics => changed.loss_by_position,
            Self::TrainingLoss => changed.training_loss,
            Self::Losses => changed.losses,
            Self::Bound | Self::Kl | Self::Certificate => changed.bound,
        }
    }

    /// Whether the chart follows the controls before a run.
    pub fn follows_draft(self) -> bool {
        matches!(self, Self::Bound | Self::Certificate)
    }

    /// The chart as it stands. `draft` is the experiment in the controls: the bound's terms follow it as a slider
    /// moves; all else is about the run.
    pub fn chart<'a>(self, history: &'a History, draft: &'a Experiment, options: Options) -> Box<dyn Chart + 'a> {
        match self {
            Self::LossByPosition => Box::new(loss_by_position::LossByPosition::new(history, options)),
            Self::TrainingLoss => Box::new(training_loss::TrainingLoss::new(history, options)),
            Self::Losses => Box::new(losses::Losses::new(history, options)),
            Self::Bound => Box::new(rows::Rows(bound::sheet(history, draft, options))),
            Self::Topics => Box::new(loss_by_position::LossByPosition::of_topics(history, options)),
            Self::Kl => Box::new(rows::Rows(outcome::kl(history, options))),
            Self::Certificate => Box::new(rows::Rows(outcome::certificate(history, draft, options))),
        }
    }
}

/// How the reader wants the numbers, and what was recorded at the settings in the controls; none of it needs a new run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    pub unit: Unit,
    /// Loss by position: the excess over the entropy rate, both axes logarithmic.
    pub log_log: bool,
    /// The three losses: less what exact Bayes has on the same sequences.
    pub above_bayes: bool,
    /// Loss by position: names of the baselines that are drawn, where the theory has them.
    pub compare: Vec<String>,
    /// Loss by position, in worlds of vectors: squared errors in place of nats.
    pub squared_error: bool,
    /// The bound: a linear axis, on which its stack is to scale.
    pub linear_bound: bool,
    /// Loss by position: curves that are not drawn.
    pub hidden: Vec<CurveName>,
    /// Loss by position: a guess is being drawn, so that neither the model nor an earlier run is shown.
    pub predicting: bool,
    /// Loss by position: what a reader guessed.
    pub guess: Guess,
    /// What was recorded at the K, N and T in the controls, where anything was.
    pub recorded: Option<Arc<Recorded>>,
}

/// What was recorded at a K, N and T.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// The place, or between grid points what lies around it.
    pub estimate: Estimate,
    /// At a line's end, if the settings are the run's: `recorded`; else with what differs: `recorded: K = 8`.
    pub label: String,
}

impl Recorded {
    /// How its numbers were obtained.
    pub fn how(&self) -> String {
        let source = if self.estimate.on_grid { "recorded" } else { "between grid points: interpolated" };
        format!(
            "{source}, mean over {} seeds; the band reaches from the least to the greatest",
            self.estimate.excess.len()
        )
    }
}

/// A curve of the loss by position that can be hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CurveName {
    Model,
    Bayes,
    Oracle,
    EntropyRate,
    Unigram,
}

impl CurveName {
    pub const ALL: [Self; 5] = [Self::Model, Self::Bayes, Self::Oracle, Self::EntropyRate, Self::Unigram];

    /// As in links: `entropy-rate`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Bayes => "bayes",
            Self::Oracle => "oracle",
            Self::EntropyRate => "entropy-rate",
            Self::Unigram => "unigram",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|curve| curve.name() == name)
    }

    /// As a reader sees it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Model => "Model",
            Self::Bayes => "Exact Bayes",
            Self::Oracle => "Oracle",
            Self::EntropyRate => "Entropy rate",
            Self::Unigram => "Unigram",
        }
    }
}

/// Width of the model's line, CSS pixels. Bayes' is narrow and on top of it, so that both are seen where they meet.
const MODEL_WIDTH: f64 = 3.5;
/// Width of the lines of the model on other data than fresh topics, which are dashed or dotted.
const MODEL_PART_WIDTH: f64 = 3.0;
/// The band of recorded runs is paler than that of the run.
const RECORDED_ALPHA: f64 = 0.16;
/// The band over the seeds of a run.
const SEEDS_ALPHA: f64 = 0.22;
/// Width of the lines of exact Bayes, or of the baseline in its place.
const BAYES_WIDTH: f64 = 1.5;

/// `exact`, `closed form`, `Monte Carlo`.
fn how(method: Option<&Method>) -> &'static str {
    match method {
        Some(Method::Exact) => "exact",
        Some(Method::ClosedForm) => "closed form",
        Some(Method::MonteCarlo) => "Monte Carlo",
        None => "",
    }
}
