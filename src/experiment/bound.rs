//! Settings of the generalization bound's components (P2; science behind it in `theory::bound`).

use serde::{Deserialize, Serialize};

use super::{Data, problem::Checker};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bound {
    /// K': topics that the topic-dependent prior is trained on; 0 means half of K.
    pub topics: usize,
    /// N': sequences per topic that the data-dependent prior is trained on; 0 means half of N.
    pub sequences: usize,
    /// δ: the chance that the bound is allowed to fail.
    pub delta: f64,
    /// s: standard deviation of the Gaussians whose KL is ‖θ - θ_0‖² / (2 s²).
    pub scale: f64,
    /// The theorem is printed with the bracket [KL + log 1/δ] outside the root; another form has it inside.
    pub bracket_inside: bool,
}

impl Default for Bound {
    fn default() -> Self {
        Self { topics: 0, sequences: 0, delta: 0.05, scale: 0.1, bracket_inside: false }
    }
}

impl Bound {
    /// K', the default filled in.
    pub fn prior_topics(&self, data: &Data) -> usize {
        if self.topics == 0 { data.topics / 2 } else { self.topics }
    }

    /// N', the default filled in.
    pub fn prior_sequences(&self, data: &Data) -> usize {
        if self.sequences == 0 { data.sequences / 2 } else { self.sequences }
    }

    pub(super) fn check(&self, data: &Data, check: &mut Checker) {
        check.range("bound.delta", self.delta, 1e-9, 0.5);
        check.range("bound.scale", self.scale, 1e-6, 1e3);
        if !data.fresh {
            // K' < K and N' < N, or nothing is left to generalize to.
            check.count("bound.topics", self.topics, 0, data.topics.saturating_sub(1));
            check.count("bound.sequences", self.sequences, 0, data.sequences.saturating_sub(1));
        }
    }
}
