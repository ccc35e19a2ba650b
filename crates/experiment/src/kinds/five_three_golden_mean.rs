//! The 5-3 golden mean process.

use super::{Events, PROCESSES, TOPICS, WorldKind, nothing_more, numbers, real, single};
use crate::{Observation, WorldSize};

pub const KIND: WorldKind = WorldKind {
    name: "five-three-golden-mean",
    title: "5-3 golden mean",
    family: PROCESSES,
    about: "A 1 brings five in all, then three 0s: eight states, long deterministic stretches.",
    parameters: &[real("p", 0.5, 0.0, 1.0, "Probability that a stretch of 1s begins")],
    topic: TOPICS,
    topic_count: |_| Some(1),
    observation: |_| Observation::Tokens(2),
    tokens: |_| numbers(2),
    size: |_| WorldSize::topics(1.0, 8.0, 9.0),
    check: nothing_more,
    source: |v| {
        let p = v.get("p");
        let mut edges = vec![(0, 0, 0, 1.0 - p), (0, 1, 1, p)];
        edges.extend((1..5).map(|i| (i, 1, i + 1, 1.0)));
        edges.extend((5..8).map(|i| (i, 0, (i + 1) % 8, 1.0)));
        single("5-3 golden mean", &["A", "B", "C", "D", "E", "F", "G", "H"], edges)
    },
    has_exact_bayes: |_| true,
    events: |_| Events::Repeats,
    preset: None,
};
