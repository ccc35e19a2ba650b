//! How much data: K topics, N sequences of each, T tokens in each.

use serde::{Deserialize, Serialize};

use super::problem::Checker;

/// Largest K, the number of topics of a training set.
pub const MAX_TOPICS: usize = 100_000;
/// Largest N, the number of sequences of each topic.
pub const MAX_SEQUENCES: usize = 100_000;
/// Largest T, the number of tokens of a sequence.
pub const MAX_LENGTH: usize = 1024;

/// The training set's shape: K topics, N sequences of each, T tokens in each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Data {
    /// K: topics drawn independently from P(w).
    pub topics: usize,
    /// N: sequences per topic.
    pub sequences: usize,
    /// T: tokens per sequence.
    pub length: usize,
    /// Draw a fresh topic and sequence for every row of every batch instead of keeping a K x N set
    /// (the limit of large K and N). K and N are then unused.
    pub fresh: bool,
}

impl Default for Data {
    fn default() -> Self {
        Self { topics: 256, sequences: 16, length: 32, fresh: true }
    }
}

impl Data {
    /// K·N·T, or `None` with fresh draws. In f64, so that no product overflows.
    pub fn tokens(&self) -> Option<f64> {
        (!self.fresh).then_some(self.topics as f64 * self.sequences as f64 * self.length as f64)
    }

    pub(super) fn check(&self, check: &mut Checker) {
        check.count("data.topics", self.topics, 1, MAX_TOPICS);
        check.count("data.sequences", self.sequences, 1, MAX_SEQUENCES);
        check.count("data.length", self.length, 2, MAX_LENGTH);
    }
}
