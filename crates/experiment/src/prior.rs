//! The prior stages: training on part of the training set first, so that a prior of the generalization bound exists as a checkpoint.

use serde::{Deserialize, Serialize};

use super::{
    Data,
    problem::{Checker, Problem},
};

/// The prior stages, which train on a part of the training set before all of it.
///
/// One run is one path: the random start, then `steps` on K' topics (N' sequences of each), then
/// `steps` on N' sequences of every topic, then the training proper on everything. The model after
/// the first stage depends on K' topics alone (the topic-dependent prior), after the second on N'
/// sequences of each topic (the data-dependent prior).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Prior {
    /// Steps of each of the two prior stages; 0: there are none, and the random start is both priors.
    pub steps: usize,
    /// Measure how far the gradients of all data are from those of the subsets, at every evaluation.
    pub index: bool,
}

impl Prior {
    pub(super) fn check(&self, data: &Data, check: &mut Checker) {
        check.count("prior.steps", self.steps, 0, 1_000_000);
        if (self.steps > 0 || self.index) && !data.fresh {
            for (field, count) in [("data.topics", data.topics), ("data.sequences", data.sequences)] {
                if count == 1 {
                    check.add(Problem::new(
                        field,
                        count,
                        "at least 2 with a prior to train on a part of them",
                        "Raise it, or set prior.steps to 0 and prior.index to false.",
                    ));
                }
            }
        }
    }
}
