//! Independent tosses of one coin.

use super::{COINS, Edges, Events, LabelledProcess, Source, TOPICS, WorldKind, nothing_more, numbers, real};
use crate::{Observation, WorldSize};

pub const KIND: WorldKind = WorldKind {
    name: "coin",
    title: "One coin",
    family: COINS,
    about: "Independent tosses: there is nothing to find in context, and the loss is flat.",
    parameters: &[real("p", 0.5, 0.0, 1.0, "Probability of token 0")],
    topic: TOPICS,
    topic_count: |_| Some(1),
    observation: |_| Observation::Tokens(2),
    tokens: |_| numbers(2),
    size: |_| WorldSize::topics(1.0, 1.0, 2.0),
    check: nothing_more,
    source: |v| Source::Processes(vec![coin(v.get("p"))]),
    has_exact_bayes: |_| true,
    events: |_| Events::Repeats,
    preset: None,
};

/// Token 0 with probability p, else token 1.
pub fn coin(p: f64) -> LabelledProcess {
    let edges = vec![(0, 0, 0, p), (0, 1, 0, 1.0 - p)];
    LabelledProcess { label: label(p), process: Edges { states: &["A"], edges, begin: None } }
}

/// A coin by its probability of token 0.
pub fn label(p: f64) -> String {
    format!("P(0) = {p:.2}")
}
