//! What a grid of runs says: metrics, tables, fits, rank correlations and pictures.
//!
//! Everything here is made from [`Run`]s: coordinates, named metrics and a thinned record. Where a run comes from, a live cell or a
//! recorded one, makes no difference.

pub mod by_seed;
pub mod cost;
pub mod fit;
pub mod markdown;
pub mod metrics;
pub mod name;
pub mod one_scale;
pub mod phases;
pub mod rank;
pub mod recorded;
pub mod report;
pub mod table;
pub mod words;

pub use metrics::{METRICS, Metric, Metrics, Unit};
pub use recorded::Recorded;
pub use report::{Report, report};
pub use table::Table;

use serde_json::{Map, Value, json};

use crate::{
    experiment::{Sweep, sweep::Cell},
    protocol::{Nearness, Outcome, Record, RunNumbers},
};

/// Entries of a record that a recorded run keeps.
const KEPT: usize = 40;

/// A finished cell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// The cell's.
    pub key: String,
    /// A value for each of the sweep's axes.
    pub coordinates: Vec<Value>,
    pub metrics: Metrics,
    pub record: Record,
}

impl Run {
    /// `level` is the two-level loss that the time to a loss is measured to.
    pub fn new(cell: &Cell, outcome: &Outcome, level: Option<f64>) -> Self {
        Self {
            key: cell.key.clone(),
            coordinates: cell.coordinates.clone(),
            metrics: Metrics::of(&cell.experiment, outcome, level),
            record: outcome.record.clone(),
        }
    }

    /// What the run has found, for a message: its key and coordinates follow from its place in the grid.
    pub fn numbers(&self) -> RunNumbers {
        RunNumbers { metrics: self.metrics.values().to_vec(), record: self.record.clone() }
    }

    /// The run at a place of the grid, from what [`Run::numbers`] gave.
    pub fn at(sweep: &Sweep, point: usize, numbers: RunNumbers) -> Self {
        let coordinates = sweep.coordinates(point);
        let RunNumbers { metrics, record } = numbers;
        Self { key: sweep.key(&coordinates), coordinates, metrics: Metrics::from_values(metrics), record }
    }

    /// Compact JSON: numbers with five digits, and a thinned record where `record` is set.
    pub fn to_value(&self, record: bool) -> Value {
        let mut value = json!({ "at": self.coordinates, "metrics": self.metrics.to_value() });
        if record {
            let all = self.record.step.len();
            let kept: Vec<usize> = match all {
                0 => Vec::new(),
                n if n <= KEPT => (0..n).collect(),
                n => (0..KEPT).map(|i| i * (n - 1) / (KEPT - 1)).collect(),
            };
            let thin = |values: &[f64]| -> Value {
                kept.iter().filter_map(|&i| values.get(i)).map(|v| rounded(*v)).collect::<Vec<_>>().into()
            };
            value["record"] = json!({
                "step": kept.iter().map(|&i| self.record.step[i]).collect::<Vec<_>>(),
                "training_loss": thin(&self.record.training_loss),
                "two_level": thin(&self.record.two_level),
            });
            if !self.record.algorithms.is_empty() {
                let to_json = |n: &Nearness| json!({ "name": n.name, "can_be": n.can_be, "fresh": thin(&n.fresh), "training": thin(&n.training) });
                value["record"]["algorithms"] = self.record.algorithms.iter().map(to_json).collect();
            }
        }
        value
    }

    /// Reads what [`Run::to_value`] wrote; metrics that this version does not know are dropped.
    pub fn from_value(key: String, value: &Value) -> Option<Self> {
        let record = match value.get("record") {
            Some(record) => serde_json::from_value(record.clone()).ok()?,
            None => Record::default(),
        };
        Some(Self {
            key,
            coordinates: value.get("at")?.as_array()?.clone(),
            metrics: Metrics::from_value(value.get("metrics")?.as_object()?),
            record,
        })
    }
}

/// To five digits; null where it is no number.
fn rounded(x: f64) -> Value {
    format!("{x:.4e}").parse::<f64>().map_or(Value::Null, Value::from)
}

/// Named pairs of value and standard error.
fn pairs<'a>(entries: impl Iterator<Item = (&'a str, f64, f64)>) -> Map<String, Value> {
    entries.map(|(name, value, stderr)| (name.to_string(), json!([rounded(value), rounded(stderr)]))).collect()
}
