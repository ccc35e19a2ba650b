//! Dirichlet-categorical tokens: dice of unknown faces.

use super::{COINS, Events, Source, TOPICS, WorldKind, nothing_more, numbers, real, whole};
use crate::{Observation, WorldSize};

pub const KIND: WorldKind = WorldKind {
    name: "dice",
    title: "Dice with a Dirichlet prior",
    family: COINS,
    about: "Tokens are drawn independently from v probabilities, which have a Dirichlet prior: the excess loss tends to (v − 1)/(2L).",
    parameters: &[
        whole("v", 6.0, 2.0, 64.0, "Number of tokens, the faces of the dice"),
        real("alpha", 1.0, 0.05, 100.0, "Concentration of the Dirichlet: small is loaded, large is fair"),
    ],
    topic: TOPICS,
    topic_count: |_| None,
    observation: |v| Observation::Tokens(v.count("v")),
    tokens: |v| numbers(v.count("v")),
    size: |v| WorldSize::continuum(3.0 * v.get("v")),
    check: nothing_more,
    source: |v| Source::Dirichlet { alphas: vec![v.get("alpha"); v.count("v")] },
    has_exact_bayes: |_| true,
    events: |_| Events::Repeats,
    preset: None,
};
