//! Belief geometry (Shai et al. 2024): whether the residual stream holds, as a linear image, what an exact observer believes about the
//! hidden state of the process.

mod measure;
#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests;
mod view;

use serde::{Deserialize, Serialize};

pub use measure::{BeliefsProbe, open};
pub use view::{Beliefs, Choice};

/// What all layers side by side are called.
const ALL: &str = "all layers";
/// A probability below this counts as this before its logarithm is taken: with tokens that cannot come there would be none.
const LEAST: f64 = 1e-9;

/// How much of the variance of a belief a layer explains, on sequences that the regression was not fitted on: 1 − residual over total
/// sum of squares, over all entries. May be below 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Held {
    pub layer: String,
    /// Of the joint belief over component and state.
    pub belief: f64,
    /// Of the belief over components alone; `None` where there is only one.
    pub topic: Option<f64>,
    /// The beliefs dealt out anew to all positions at random: what remains is what random beliefs give.
    pub shuffled: f64,
}

/// What a belief is regressed on in place of a net's layers, and how far that goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Control {
    pub regressor: Regressor,
    /// In a sentence: `the exact next-token distribution p`.
    pub name: String,
    /// At a line's end: `p`.
    pub short: String,
    /// As in [`Held`].
    pub belief: f64,
    pub topic: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Regressor {
    /// The next token's exact distribution.
    Prediction,
    /// Its logarithm.
    LogPrediction,
    LastTokens,
    LastToken,
}

impl Regressor {
    /// It is a function of the next token's exact distribution alone.
    fn is_of_prediction(self) -> bool {
        matches!(self, Self::Prediction | Self::LogPrediction)
    }
}

/// What the probe reports.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Measurement {
    /// Of each layer that could be fitted at a recorded step; and the names of all layers.
    Held { step: usize, layers: Vec<String>, held: Vec<Held> },
    /// At the shown step, by layer: the regressed beliefs of the positions that are drawn.
    Regressed { step: usize, layers: Vec<String>, points: Vec<Vec<[f64; 3]>> },
}
