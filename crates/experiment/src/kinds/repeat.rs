//! A random block, repeated.

use super::{CHAINS, Events, Source, TOPICS, WorldKind, nothing_more, numbers, whole};
use crate::{Observation, WorldSize};

pub const KIND: WorldKind = WorldKind {
    name: "repeat",
    title: "Repeated block",
    family: CHAINS,
    about: "A random block of tokens, repeated to the end: after the first copy everything is known, if one can copy.",
    parameters: &[
        whole("block", 8.0, 1.0, 256.0, "Tokens in the block"),
        whole("v", 8.0, 2.0, 256.0, "How many different tokens there are"),
    ],
    topic: TOPICS,
    topic_count: |_| None,
    observation: |v| Observation::Tokens(v.count("v")),
    tokens: |v| numbers(v.count("v")),
    size: |v| WorldSize::continuum(v.get("block") + v.get("v")),
    check: nothing_more,
    source: |v| Source::Block(v.count("block")),
    has_exact_bayes: |_| true,
    events: |v| Events::Blocks(v.count("block")),
    preset: Some("repeat"),
};
