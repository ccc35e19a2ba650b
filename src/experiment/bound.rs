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
    /// s: standard deviation of the Gaussians whose KL is ‖θ - θ_J‖² / (2 s²). 0: at a run's end, the largest of
    /// [`SCALES`] at which the perturbed learner's training loss is at most `rise` higher.
    pub scale: f64,
    /// Nats per token that the perturbation may cost.
    pub rise: f64,
    /// The theorem is printed with the bracket [KL + log 1/δ] outside the root; another form has it inside.
    pub bracket_inside: bool,
    /// Compute the PAC-Bayes-kl certificate at the run's end.
    pub certificate: bool,
    /// a of the certificate's smoothed predictions (1-a) p + a/V.
    pub smoothing: f64,
}

/// The grid that s is chosen from. Fixed in advance: a bound that looks at several values pays for each.
pub const SCALES: [f64; 8] = [1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 1e-1, 2e-1];

impl Default for Bound {
    fn default() -> Self {
        Self {
            topics: 0,
            sequences: 0,
            delta: 0.05,
            scale: 0.0,
            rise: 0.05,
            bracket_inside: false,
            certificate: false,
            smoothing: 0.01,
        }
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
        check.range("bound.scale", self.scale, 0.0, 1e3);
        check.range("bound.rise", self.rise, 1e-6, 10.0);
        check.range("bound.smoothing", self.smoothing, 1e-6, 0.5);
        if !data.fresh {
            // K' < K and N' < N, or nothing is left to generalize to.
            check.count("bound.topics", self.topics, 0, data.topics.saturating_sub(1));
            check.count("bound.sequences", self.sequences, 0, data.sequences.saturating_sub(1));
        }
    }
}
