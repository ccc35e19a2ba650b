//! The simple nonunifilar source.

use super::{Events, PROCESSES, TOPICS, WorldKind, numbers, real, single};
use crate::{Observation, Problem, WorldSize};

pub const KIND: WorldKind = WorldKind {
    name: "sns",
    title: "Simple nonunifilar source",
    family: PROCESSES,
    about: "Two states that the tokens never quite reveal: beliefs go on for ever, one for each count of 0s since the last 1.",
    parameters: &[
        real("p", 0.5, 0.0, 1.0, "Probability of moving on while still emitting 0"),
        real("q", 0.5, 0.0, 1.0, "Probability of the 1 that leads back"),
    ],
    topic: TOPICS,
    topic_count: |_| Some(1),
    observation: |_| Observation::Tokens(2),
    tokens: |_| numbers(2),
    size: |_| WorldSize::topics(1.0, 2.0, 4.0),
    check: |v, at, check| {
        let both = v.get("p") + v.get("q");
        if both == 0.0 {
            check.add(Problem::new(
                &format!("{at}.p + {at}.q"),
                both,
                "more than 0",
                "With both 0 no state is ever left, and every distribution over the states is stationary.",
            ));
        }
    },
    source: |v| {
        let (p, q) = (v.get("p"), v.get("q"));
        let edges = vec![(0, 0, 0, 1.0 - p), (0, 0, 1, p), (1, 0, 1, 1.0 - q), (1, 1, 0, q)];
        single("Simple nonunifilar source", &["A", "B"], edges)
    },
    has_exact_bayes: |_| true,
    events: |_| Events::Repeats,
    preset: None,
};
