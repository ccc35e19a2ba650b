//! The teddy bear process.

use super::{Events, PROCESSES, TOPICS, WorldKind, numbers, one_choice, real, single};
use crate::{Observation, WorldSize};

pub const KIND: WorldKind = WorldKind {
    name: "teddy-bear",
    title: "Teddy bear",
    family: PROCESSES,
    about: "From its middle state two loops lead away, one through 1s and one through 2s and back through 0s.",
    parameters: &[
        real("p", 0.3, 0.0, 1.0, "Probability of the loop of 1s"),
        real("q", 0.3, 0.0, 1.0, "Probability of the loop of 2s; p + q is at most 1"),
    ],
    topic: TOPICS,
    topic_count: |_| Some(1),
    observation: |_| Observation::Tokens(3),
    tokens: |_| numbers(3),
    size: |_| WorldSize::topics(1.0, 7.0, 9.0),
    check: one_choice,
    source: |v| {
        let (p, q) = (v.get("p"), v.get("q"));
        let edges = vec![
            (0, 0, 0, 1.0 - p - q),
            (0, 1, 1, p),
            (0, 2, 3, q),
            (1, 1, 2, 1.0),
            (2, 1, 0, 1.0),
            (3, 2, 4, 1.0),
            (4, 2, 5, 1.0),
            (5, 0, 6, 1.0),
            (6, 0, 0, 1.0),
        ];
        single("Teddy bear", &["A", "B", "C", "D", "E", "F", "G"], edges)
    },
    has_exact_bayes: |_| true,
    events: |_| Events::Repeats,
    preset: None,
};
