//! A curve over positions, and how it was obtained.

use serde::{Deserialize, Serialize};

/// How a number was obtained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Exact, by summing over all belief states.
    Exact,
    /// By a formula.
    ClosedForm,
    /// The mean over random samples.
    MonteCarlo,
}

/// A curve over positions 1..=T, with how each value was obtained.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// The value at each position, T in all; of a loss in nats per token (or vector).
    pub values: Vec<f64>,
    /// The standard error of each value, 0 of an exact one; `None` where every value is exact.
    pub stderr: Option<Vec<f64>>,
    /// How each value was obtained.
    pub methods: Vec<Method>,
}
