//! What each chart shows: one file each, all behind the trait [`Chart`].
//!
//! A chart borrows the history and turns it into a [`Scene`] (marks in CSS pixels), read-outs under a cursor, a
//! sentence and a table. It keeps nothing between two drawings, so it may be built anew for every frame.

pub mod bound;
#[cfg(test)]
pub mod fixtures;
pub mod frame;
pub mod loss_by_position;
pub mod losses;
pub mod outcome;
pub mod rows;
pub mod samples;
pub mod scene;
#[cfg(test)]
mod tests;
pub mod training_loss;
#[cfg(test)]
mod truth_tests;

use serde::{Deserialize, Serialize};

use crate::{
    experiment::Experiment,
    number::{self, Unit},
    theory::curve::Method,
};

use super::{
    history::{Changed, History},
    theme::{Hue, Rgb, Theme},
};

pub use scene::Scene;

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

/// What a chart's cursor moves along; charts that share it share their crosshair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Position in the sequence, from 1.
    Position,
    /// Training step.
    Step,
    /// The rows of the bound and its like, from 0.
    Row,
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

/// How the reader wants the numbers; none of it needs a new run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    pub unit: Unit,
    /// Loss by position: the excess over the entropy rate, both axes logarithmic.
    pub log_log: bool,
    /// The three losses: less what exact Bayes has on the same sequences.
    pub above_bayes: bool,
    /// Loss by position: which of the theory's baselines are drawn, a bit for each by its index.
    pub compare: u64,
    /// Loss by position, in worlds of vectors: squared errors in place of nats.
    pub squared_error: bool,
    /// The bound: a linear axis, on which its stack is to scale.
    pub linear_bound: bool,
}

/// Half the width of a 95% band, in standard errors.
const BAND: f64 = 1.96;

/// Where a chart is drawn: its size in CSS pixels and its colours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    pub width: f64,
    pub height: f64,
    pub theme: Theme,
    /// Write the title into the picture; on the page the heading above it does that.
    pub titled: bool,
}

impl View {
    pub fn new(width: f64, height: f64, theme: Theme) -> Self {
        Self { width, height, theme, titled: false }
    }
}

pub trait Chart {
    /// What is shown: the heading.
    fn title(&self) -> String;

    /// What is drawn.
    fn scene(&self, view: &View) -> Scene;

    /// Where the cursor lands when the pointer is at (x, y), CSS pixels: a position, a step or a row. `None` outside
    /// the plot or without data.
    fn cursor_at(&self, view: &View, x: f64, y: f64) -> Option<f64>;

    /// The next place of the cursor, for arrow keys: `by` is -1 or 1 (or more, for Page keys). `None` without data.
    fn cursor_moved(&self, from: Option<f64>, by: i64) -> Option<f64>;

    /// What the chart says at a place of the cursor.
    fn readout(&self, view: &View, cursor: f64) -> Option<Readout>;

    /// One sentence or two that say what the picture says now.
    fn summary(&self) -> String;

    /// All that is drawn, as a table with a header row; numbers at full precision, losses in the chosen unit.
    fn csv(&self) -> String;

    /// "Copy as text": title, summary and table.
    fn text(&self) -> String {
        format!("{}\n{}\n\n{}", self.title(), self.summary(), self.csv())
    }

    /// A picture that stands alone: title, background, both layers.
    fn svg(&self, view: &View) -> String {
        let view = View { titled: true, ..*view };
        self.scene(&view).svg(view.width, view.height, view.theme.surface)
    }
}

/// What a cursor shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Readout {
    /// The cursor itself, snapped to where there is data: give it to other charts of the same axis.
    pub cursor: f64,
    /// The crosshair from end to end, CSS pixels: upright along positions and steps, level along rows.
    pub rule: [(f64, f64); 2],
    /// `Position 5`, `Step 120`.
    pub title: String,
    pub lines: Vec<ReadoutLine>,
}

impl Readout {
    /// One line of text, for a live region.
    pub fn text(&self) -> String {
        let mut text = self.title.clone();
        for line in &self.lines {
            text.push_str(&format!("; {} {}", line.name, line.value));
            if !line.how.is_empty() {
                text.push_str(&format!(" ({})", line.how));
            }
        }
        text
    }
}

/// One number under the cursor.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadoutLine {
    pub name: String,
    /// With unit, and standard error where it is an estimate.
    pub value: String,
    /// How it was obtained, and from how many samples.
    pub how: String,
    /// The colour of its line; `None` for a remark.
    pub hue: Option<Hue>,
    /// Where its point is drawn, CSS pixels, for a dot on the crosshair.
    pub at: Option<(f64, f64)>,
}

impl ReadoutLine {
    fn colour(&self) -> Option<Rgb> {
        self.hue.map(|h| h.line)
    }
}

/// The crosshair and its dots, to be drawn over a chart (on the series layer, or one of its own).
pub fn crosshair(view: &View, readout: &Readout) -> Vec<scene::Mark> {
    let stroke = scene::Stroke::new(view.theme.axis, 1.0);
    let mut marks = vec![scene::Mark::Line { points: readout.rule.to_vec(), stroke }];
    for line in &readout.lines {
        if let (Some(at), Some(colour)) = (line.at, line.colour()) {
            marks.push(scene::Mark::Dot { at, radius: 4.5, colour: view.theme.surface });
            marks.push(scene::Mark::Dot { at, radius: 3.0, colour });
        }
    }
    marks
}

/// `exact`, `closed form`, `Monte Carlo`.
fn how(method: Option<&Method>) -> &'static str {
    match method {
        Some(Method::Exact) => "exact",
        Some(Method::ClosedForm) => "closed form",
        Some(Method::MonteCarlo) => "Monte Carlo",
        None => "",
    }
}

/// `0.8359 ± 0.0021 nats`, in the chosen unit.
fn quantity(unit: Unit, nats: f64, stderr: f64) -> String {
    format!("{} {unit}", number::with_error(unit.of(nats), unit.of(stderr)))
}

/// A CSV cell: full precision, empty where there is no number.
fn cell(value: Option<f64>) -> String {
    value.filter(|v| v.is_finite()).map_or_else(String::new, |v| v.to_string())
}

/// The whole number nearest to a cursor, moved by `by` within `1..=last` (or `0..=last` from `low`).
fn moved(from: Option<f64>, by: i64, low: usize, last: usize) -> f64 {
    let start = from.map_or(if by > 0 { low as f64 - 1.0 } else { last as f64 + 1.0 }, f64::round);
    (start + by as f64).clamp(low as f64, last as f64)
}
