//! A curve over positions, and how it was obtained.

use serde::{Deserialize, Serialize};

/// How a number was obtained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// By summing over all belief states.
    Exact,
    ClosedForm,
    MonteCarlo,
}

/// A curve over positions 1..=T.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    pub values: Vec<f64>,
    /// `None` where every value is exact.
    pub stderr: Option<Vec<f64>>,
    pub methods: Vec<Method>,
}
