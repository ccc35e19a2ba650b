//! Zero, one, random.

use super::{Events, PROCESSES, TOPICS, WorldKind, nothing_more, numbers, real, single};
use crate::{Observation, WorldSize};

pub const KIND: WorldKind = WorldKind {
    name: "z1r",
    title: "Zero, one, random",
    family: PROCESSES,
    about: "A 0, a 1, a toss, over and over. What is hidden is the phase.",
    parameters: &[real("p", 0.5, 0.0, 1.0, "Probability that the toss gives 1")],
    topic: TOPICS,
    topic_count: |_| Some(1),
    observation: |_| Observation::Tokens(2),
    tokens: |_| numbers(2),
    size: |_| WorldSize::topics(1.0, 3.0, 4.0),
    check: nothing_more,
    source: |v| {
        let p = v.get("p");
        let edges = vec![(0, 0, 1, 1.0), (1, 1, 2, 1.0), (2, 1, 0, p), (2, 0, 0, 1.0 - p)];
        single("Zero, one, random", &["0", "1", "R"], edges)
    },
    has_exact_bayes: |_| true,
    events: |_| Events::Repeats,
    preset: None,
};
