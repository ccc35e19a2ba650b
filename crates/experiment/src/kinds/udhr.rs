//! The bundled corpus of real text.

use super::{Events, Source, TEXT, Values, WorldKind, nothing_more, numbers, switch, whole};
use crate::{Observation, WorldSize};

pub const KIND: WorldKind = WorldKind {
    name: "udhr",
    title: "Which language is this?",
    family: TEXT,
    about: "The Universal Declaration of Human Rights in many languages, character by character. The topic is the language.",
    parameters: &[
        whole("languages", 10.0, 2.0, 100.0, "How many languages there are: the topics"),
        whole(
            "characters",
            128.0,
            16.0,
            512.0,
            "The most frequent characters are tokens of their own; one token is all others",
        ),
        switch("bytes", "1: read as the 256 bytes of UTF-8 instead of characters"),
    ],
    topic: ["language", "languages"],
    topic_count: |v| Some(v.count("languages")),
    observation: |v| Observation::Tokens(vocab(v)),
    tokens: |v| numbers(vocab(v)),
    size: |_| WorldSize::default(),
    check: nothing_more,
    source: |_| Source::Corpus,
    has_exact_bayes: |_| false,
    events: |_| Events::Repeats,
    preset: Some("udhr"),
};

/// Texts have no hidden states; how large they are is measured once they are there.
fn vocab(v: Values) -> usize {
    if v.is_on("bytes") { 256 } else { v.count("characters") }
}
