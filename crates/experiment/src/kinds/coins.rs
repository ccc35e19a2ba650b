//! A finite family of coins (Riechers et al. 2025).

use super::{COINS, Events, Source, TOPICS, WorldKind, nothing_more, numbers, whole};
use crate::{Observation, WorldSize};

pub const KIND: WorldKind = WorldKind {
    name: "coins",
    title: "N coins",
    family: COINS,
    about: "One of n coins is drawn, with probability (i+1)/(n+1) of token 0, and tossed. The topic is the coin.",
    parameters: &[whole("n", 10.0, 1.0, 1000.0, "How many coins there are")],
    topic: TOPICS,
    topic_count: |v| Some(v.count("n")),
    observation: |_| Observation::Tokens(2),
    tokens: |_| numbers(2),
    size: |v| WorldSize::topics(v.get("n"), 1.0, 2.0),
    check: nothing_more,
    source: |v| {
        let n = v.count("n");
        Source::Processes((1..=n).map(|i| super::coin::coin(i as f64 / (n + 1) as f64)).collect())
    },
    has_exact_bayes: |_| true,
    events: |_| Events::Repeats,
    preset: Some("coins"),
};
