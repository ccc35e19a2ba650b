//! Coupling to the pretraining ensemble (Riechers et al. 2025): what not knowing the topic costs on sequences of one component, for the
//! model, for exact Bayes under the weights that it was trained with, and for exact Bayes under other weights.
//!
//! The regret on component c, Σ_l E_c KL(P_c || Q) over positions, of a mixture Q = Σ w_c P_c is E_c ln(P_c(x_1..x_T)/Q(x_1..x_T)), and
//! Q ≥ w_c P_c: so it is at most ln(1/w_c), whatever T is.

mod measure;
#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests;
mod view;

use serde::{Deserialize, Serialize};

use crate::protocol::Measured;

pub use measure::{CouplingProbe, open};
pub use view::{Choice, Coupling};

/// What a predictor pays on the sequences.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// KL(P_c || predictor) at each position, nats.
    pub excess: Vec<Measured>,
    /// Its sum so far, at each position, nats.
    pub regret: Vec<Measured>,
}

impl Cost {
    /// The regret over all positions.
    pub fn total(&self) -> Measured {
        self.regret.last().copied().unwrap_or_default()
    }
}

/// What is known of the sequences of one component before the model has read them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sequences {
    /// Index into the tab's components.
    pub component: usize,
    /// How many there are.
    pub count: usize,
    /// Loss of the source itself, by position.
    pub floor: Vec<Measured>,
    /// Of exact Bayes under the weights of training.
    pub bayes: Cost,
}

/// What the probe reports; `component` is an index into the tab's components.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Measurement {
    /// Another component was chosen; with what exact Bayes under the reader's weights pays on it.
    Chosen(Sequences, WhatIf),
    WhatIf(WhatIf),
    /// What the model pays at the shown step.
    Model {
        component: usize,
        step: usize,
        cost: Cost,
    },
    /// The model's regret over all positions at a recorded step.
    Total {
        component: usize,
        step: usize,
        regret: Measured,
    },
}

/// What exact Bayes pays under other weights.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WhatIf {
    pub component: usize,
    /// Of all components of the mixture; not normalised.
    pub weights: Vec<f64>,
    /// `None` where all weights are 0.
    pub cost: Option<Cost>,
}
