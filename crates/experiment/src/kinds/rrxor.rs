//! Random, random, exclusive or.

use super::{Events, PROCESSES, TOPICS, WorldKind, nothing_more, numbers, real, single};
use crate::{Observation, WorldSize};

pub const KIND: WorldKind = WorldKind {
    name: "rrxor",
    title: "Random, random, XOR",
    family: PROCESSES,
    about: "Two tosses and their exclusive or, over and over: the phase is hard to find, and the loss falls late.",
    parameters: &[
        real("p1", 0.5, 0.0, 1.0, "Probability that the first toss gives 0"),
        real("p2", 0.5, 0.0, 1.0, "Probability that the second toss gives 0"),
    ],
    topic: TOPICS,
    topic_count: |_| Some(1),
    observation: |_| Observation::Tokens(2),
    tokens: |_| numbers(2),
    size: |_| WorldSize::topics(1.0, 5.0, 8.0),
    check: nothing_more,
    source: |v| {
        let (p, q) = (v.get("p1"), v.get("p2"));
        let edges = vec![
            (0, 0, 1, p),
            (0, 1, 2, 1.0 - p),
            (1, 0, 4, q),
            (1, 1, 3, 1.0 - q),
            (2, 0, 3, q),
            (2, 1, 4, 1.0 - q),
            (3, 1, 0, 1.0),
            (4, 0, 0, 1.0),
        ];
        single("Random, random, XOR", &["S", "0", "1", "T", "F"], edges)
    },
    has_exact_bayes: |_| true,
    events: |_| Events::Repeats,
    preset: Some("rrxor"),
};
