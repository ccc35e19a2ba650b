//! Settings of the generalization bound's components (P2; science behind it in `theory::bound`).

use serde::{Deserialize, Serialize};

use super::{Data, problem::Checker};

/// How the generalization bound and its certificate are computed.
///
/// The terms are those of P2's informal theorem; `theory::bound` has the formula.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bound {
    /// K': topics that the topic-dependent prior is trained on; 0 means half of K. Without prior
    /// stages this has no effect: the random start is then the prior, and the bound counts K' = 0.
    pub topics: usize,
    /// N': sequences per topic that the data-dependent prior is trained on; 0 means half of N.
    /// Without prior stages this has no effect, and the bound counts N' = 0.
    pub sequences: usize,
    /// δ: the probability that the bound is allowed to fail.
    pub delta: f64,
    /// s: standard deviation of the Gaussians whose KL is ‖θ - θ_J‖² / (2 s²). 0: at a run's end, the largest of
    /// [`SCALES`] at which the perturbed model's training loss is at most `rise` higher.
    pub scale: f64,
    /// How much the Gaussian perturbation of standard deviation s may raise the training loss, in
    /// nats per token.
    ///
    /// The default, 0.005, is a tenth of a gap of 0.05 nats, and was fixed before any gap was
    /// measured. Where the measured gaps are smaller, the page says that the noise costs more than
    /// a tenth of them. Until 2026-11-30 it was 0.05, which is as large as many gaps.
    pub rise: f64,
    /// Which of two forms of the theorem is computed. False, as printed: the bracket [KL + log 1/δ]
    /// is outside the root. True: it is inside.
    pub bracket_inside: bool,
    /// Whether the PAC-Bayes-kl certificate is computed at the run's end.
    pub certificate: bool,
    /// a: the certificate's predictions are smoothed to (1-a) p + a/V, so that a token's loss is at
    /// most ln(V/a) nats.
    pub smoothing: f64,
}

/// The grid that s is chosen from, 0.00031 to 0.226: four values per doubling, so that from one to the next the KL changes by a
/// factor of 1.4. Fixed in advance: a bound that looks at several values pays for each (the certificate, ln 39 nats).
pub const SCALES: [f64; 39] = grid();

const fn grid() -> [f64; 39] {
    // Powers of 2^(1/4) to three digits, so that a person can write down an s of the grid.
    let quarters = [1.0, 1.19, 1.41, 1.68];
    let (mut grid, mut octave, mut i) = ([0.0; 39], 1.0 / 3200.0, 0);
    while i < grid.len() {
        grid[i] = octave * quarters[i % 4];
        i += 1;
        if i % 4 == 0 {
            octave *= 2.0;
        }
    }
    grid
}

impl Default for Bound {
    fn default() -> Self {
        Self {
            topics: 0,
            sequences: 0,
            delta: 0.05,
            scale: 0.0,
            rise: 0.005,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_is_fine_and_wide() {
        for pair in SCALES.windows(2) {
            let ratio = pair[1] / pair[0];
            assert!((ratio / 2f64.powf(0.25) - 1.0).abs() < 0.01, "{pair:?}");
        }
        assert!(SCALES.iter().any(|s| *s <= 1e-3) && SCALES.iter().any(|s| *s >= 0.2));
        assert!(SCALES.contains(&0.02), "{SCALES:?}");
    }

    #[test]
    fn noise_may_cost_a_tenth_of_a_gap_of_a_twentieth_of_a_nat() {
        assert!(Bound::default().rise <= 0.1 * 0.05);
    }
}
