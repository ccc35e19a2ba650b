//! Mess3: three states seen through noise.

use super::{Events, PROCESSES, TOPICS, WorldKind, nothing_more, numbers, real, single};
use crate::{Observation, WorldSize};

pub const KIND: WorldKind = WorldKind {
    name: "mess3",
    title: "Mess3",
    family: PROCESSES,
    about: "Three states seen through noise: an observer's beliefs form a fractal in the triangle.",
    parameters: &[
        real("x", 0.15, 0.0, 0.5, "Probability of moving to each of the two other states"),
        real("a", 0.6, 0.0, 1.0, "Probability that the token shows the state that was entered"),
    ],
    topic: TOPICS,
    topic_count: |_| Some(1),
    observation: |_| Observation::Tokens(3),
    tokens: |_| numbers(3),
    size: |_| WorldSize::topics(1.0, 3.0, 27.0),
    check: nothing_more,
    source: |v| {
        let (x, a) = (v.get("x"), v.get("a"));
        let mut edges = Vec::new();
        for (i, j, token) in (0..27).map(|n| (n / 9, n / 3 % 3, n % 3)) {
            let step = if i == j { 1.0 - 2.0 * x } else { x };
            let shown = if token == j { a } else { (1.0 - a) / 2.0 };
            edges.push((i, token as u16, j, step * shown));
        }
        single("Mess3", &["A", "B", "C"], edges)
    },
    has_exact_bayes: |_| true,
    events: |_| Events::Repeats,
    preset: Some("mess3"),
};
