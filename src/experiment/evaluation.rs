//! How the run is measured while it goes on.

use serde::{Deserialize, Serialize};

use super::problem::Checker;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Evaluation {
    /// Sequences in each evaluation set (fresh topics; training topics; training sequences).
    pub sequences: usize,
    /// Steps from one evaluation to the next. The first and the last step are always evaluated.
    pub every: usize,
    /// T_p, tokens of a prompt that the two-level loss averages over; 0 means T.
    pub prompt_length: usize,
    /// At the run's end the gaps are measured on ever more sequences, until the standard error of each is below this share
    /// of it...
    pub precision: f64,
    /// ...or this many sequences have been used for each loss. 0: as many as `sequences`.
    pub most: usize,
    /// Each evaluation also measures how far the learner is from known predictors: retrieval, inference and the like. For the phase
    /// diagram of a sweep; then evaluations are log-spaced besides.
    pub algorithms: bool,
}

impl Default for Evaluation {
    fn default() -> Self {
        Self { sequences: 128, every: 20, prompt_length: 0, precision: 0.02, most: 4096, algorithms: false }
    }
}

/// Whether the learner is recorded at a step: four steps to an octave, every step before 8. So 76 steps of a million, and the
/// early ones, where most happens, are close together.
pub fn is_recorded(step: usize) -> bool {
    step < 8 || step.is_multiple_of(1 << (step.ilog2() - 2))
}

impl Evaluation {
    pub(super) fn check(&self, check: &mut Checker) {
        check.count("evaluation.sequences", self.sequences, 2, 65_536);
        check.count("evaluation.every", self.every, 1, 100_000);
        check.count("evaluation.prompt_length", self.prompt_length, 0, super::data::MAX_LENGTH);
        check.range("evaluation.precision", self.precision, 1e-4, 1.0);
        check.count("evaluation.most", self.most, 0, 1_000_000);
    }
}
