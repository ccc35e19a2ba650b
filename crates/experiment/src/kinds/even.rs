//! The even process.

use super::{Events, PROCESSES, TOPICS, WorldKind, nothing_more, numbers, real, single};
use crate::{Observation, WorldSize};

pub const KIND: WorldKind = WorldKind {
    name: "even",
    title: "Even process",
    family: PROCESSES,
    about: "Runs of 1s have even length: no finite memory of tokens says where in a run one stands.",
    parameters: &[real("p", 0.5, 0.0, 1.0, "Probability that a pair of 1s begins")],
    topic: TOPICS,
    topic_count: |_| Some(1),
    observation: |_| Observation::Tokens(2),
    tokens: |_| numbers(2),
    size: |_| WorldSize::topics(1.0, 2.0, 3.0),
    check: nothing_more,
    source: |v| {
        let p = v.get("p");
        single("Even process", &["A", "B"], vec![(0, 0, 0, 1.0 - p), (0, 1, 1, p), (1, 1, 0, 1.0)])
    },
    has_exact_bayes: |_| true,
    events: |_| Events::Repeats,
    preset: None,
};
