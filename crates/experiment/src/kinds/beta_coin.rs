//! A coin of unknown bias.

use super::{COINS, Events, Source, TOPICS, WorldKind, nothing_more, numbers, real};
use crate::{Observation, WorldSize};

pub const KIND: WorldKind = WorldKind {
    name: "beta-coin",
    title: "Coin with a Beta prior",
    family: COINS,
    about: "A coin of unknown bias from a continuum: the excess loss tends to 1/(2L).",
    parameters: &[
        real("a", 1.0, 0.05, 100.0, "First parameter of the Beta prior on P(0)"),
        real("b", 1.0, 0.05, 100.0, "Second parameter of the Beta prior on P(0)"),
    ],
    topic: TOPICS,
    topic_count: |_| None,
    observation: |_| Observation::Tokens(2),
    tokens: |_| numbers(2),
    size: |_| WorldSize::continuum(3.0 * 2.0),
    check: nothing_more,
    source: |v| Source::Dirichlet { alphas: vec![v.get("a"), v.get("b")] },
    has_exact_bayes: |_| true,
    events: |_| Events::Repeats,
    preset: Some("beta-coin"),
};
