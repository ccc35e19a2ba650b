//! The golden mean process.

use super::{Events, PROCESSES, TOPICS, WorldKind, nothing_more, numbers, real, single};
use crate::{Observation, WorldSize};

pub const KIND: WorldKind = WorldKind {
    name: "golden-mean",
    title: "Golden mean",
    family: PROCESSES,
    about: "Never two 1s in a row. One token of memory is all there is to know.",
    parameters: &[real("p", 0.5, 0.0, 1.0, "Probability of a 1 where one is allowed")],
    topic: TOPICS,
    topic_count: |_| Some(1),
    observation: |_| Observation::Tokens(2),
    tokens: |_| numbers(2),
    size: |_| WorldSize::topics(1.0, 2.0, 3.0),
    check: nothing_more,
    source: |v| {
        let p = v.get("p");
        single("Golden mean", &["A", "B"], vec![(0, 0, 0, 1.0 - p), (0, 1, 1, p), (1, 0, 0, 1.0)])
    },
    has_exact_bayes: |_| true,
    events: |_| Events::Repeats,
    preset: None,
};
