//! GINC, the generative in-context learning dataset (Xie et al. 2021).

use super::{CHAINS, Events, Source, TOPICS, WorldKind, nothing_more, numbers, real, switch, whole};
use crate::{Observation, WorldSize};

pub const KIND: WorldKind = WorldKind {
    name: "ginc",
    title: "GINC",
    family: CHAINS,
    about: "Documents about hidden concepts (Xie et al. 2021): entities and properties change slowly, the concept never does.",
    parameters: &[
        whole("v", 50.0, 20.0, 150.0, "Tokens; token 0 is the delimiter"),
        whole("concepts", 5.0, 1.0, 20.0, "How many concepts there are: the topics"),
        whole("entities", 10.0, 2.0, 10.0, "Values that the slowly changing part takes"),
        whole("properties", 10.0, 2.0, 10.0, "Slots that the concept's own order runs through"),
        real("identity", 0.9, 0.0, 1.0, "Weight of keeping the entity; 0 makes entities change at every token"),
        switch("ood", "1: other concepts, out of the distribution of those with 0"),
        switch("random", "1: an ablation, tokens drawn evenly and independently"),
        whole("draw", 0.0, 0.0, 1000.0, "Which random memory and concepts: another number, another world"),
    ],
    topic: TOPICS,
    topic_count: |v| Some(v.count("concepts")),
    observation: |v| Observation::Tokens(v.count("v")),
    tokens: |v| numbers(v.count("v")),
    size: |v| {
        if v.is_on("random") {
            return WorldSize::topics(v.get("concepts"), 1.0, v.get("v"));
        }
        let states = v.get("entities") * v.get("properties");
        WorldSize::topics(v.get("concepts"), states, states * states)
    },
    check: nothing_more,
    source: |v| {
        Source::Ginc(Ginc {
            tokens: v.count("v"),
            concepts: v.count("concepts"),
            entities: v.count("entities"),
            properties: v.count("properties"),
            identity: v.get("identity"),
            is_out_of_distribution: v.is_on("ood"),
            is_random: v.is_on("random"),
            draw: v.get("draw") as u64,
        })
    },
    has_exact_bayes: |_| true,
    events: |_| Events::Repeats,
    preset: Some("knt-ginc"),
};

/// What the concepts of GINC (Xie et al. 2021) are drawn by; `worlds::ginc` says how.
#[derive(Clone, Debug, PartialEq)]
pub struct Ginc {
    /// V: tokens, of which 0 is the delimiter.
    pub tokens: usize,
    /// Concepts, which are the topics: one hidden Markov model each.
    pub concepts: usize,
    /// How many entities there are. A hidden state is a pair (entity, property): entities ·
    /// properties states in all.
    pub entities: usize,
    /// How many properties (slots) there are; in slot 0 the delimiter is emitted.
    pub properties: usize,
    /// Weight of keeping the entity from one token to the next, 0 to 1.
    pub identity: f64,
    /// Whether the concepts are others than those of the same world without this switch.
    pub is_out_of_distribution: bool,
    /// An ablation: tokens are drawn uniformly and independently.
    pub is_random: bool,
    /// Which random memory and concepts: another number is another draw.
    pub draw: u64,
}
