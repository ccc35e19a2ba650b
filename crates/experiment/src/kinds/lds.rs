//! Linear dynamical systems.

use super::{Events, Source, TOPICS, VECTORS, WorldKind, nothing_more, real, whole};
use crate::{Observation, WorldSize};

pub const KIND: WorldKind = WorldKind {
    name: "lds",
    title: "Linear dynamical system",
    family: VECTORS,
    about: "Vectors instead of tokens: the next one is W times the last plus noise. The topic is W, to be estimated in context.",
    parameters: &[
        whole("d", 2.0, 2.0, 5.0, "Entries of a vector"),
        real("noise", 0.1, 0.01, 1.0, "Standard deviation of the noise in each entry"),
        real("sw", 0.25, 0.01, 1.0, "Standard deviation of the entries of W; where they are large, sequences explode"),
        whole("start", 1.0, 0.0, 1.0, "0: starts at rest, from noise alone; 1: the first vector is standard normal"),
        real(
            "radius",
            0.0,
            0.0,
            0.99,
            "0: W as drawn, and exact Bayes is known; above 0: W is rescaled to this spectral radius",
        ),
    ],
    topic: TOPICS,
    topic_count: |_| None,
    observation: |v| Observation::Vectors(v.count("d")),
    tokens: |v| (0..2 * v.count("d")).map(|i| format!("{}x{}", ["+", "-"][i % 2], i / 2 + 1)).collect(),
    size: |_| WorldSize::default(),
    check: nothing_more,
    source: |_| Source::Linear,
    has_exact_bayes: |v| v.get("radius") == 0.0,
    events: |_| Events::Repeats,
    preset: Some("lds"),
};
