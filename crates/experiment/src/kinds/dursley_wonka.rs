//! Two stories that differ in one name (Riechers et al. 2025).

use super::{Edges, Events, LabelledProcess, STORIES, Source, TOPICS, Values, WorldKind, one_choice, real, switch};
use crate::{Observation, WorldSize};

pub const KIND: WorldKind = WorldKind {
    name: "dursley-wonka",
    title: "Dursley or Wonka",
    family: STORIES,
    about: "Two stories that differ in one name only. The topic is the name: it costs ln 2 once, and is known ever after.",
    parameters: &[
        real("p", 0.4, 0.0, 1.0, "Probability of moving between Something and Blah"),
        real("q", 0.25, 0.0, 1.0, "Probability that the next word is Mr; p + q is at most 1"),
        switch("bos", "1: every sequence opens with a begin token of the world's own (a sixth token)"),
    ],
    topic: TOPICS,
    topic_count: |_| Some(2),
    observation: |v| Observation::Tokens(5 + usize::from(v.is_on("bos"))),
    tokens: |v| {
        let words = ["Mr", "Something", "Blah", "Dursley", "Wonka", "<begin>"];
        words[..5 + usize::from(v.is_on("bos"))].iter().map(|&word| word.into()).collect()
    },
    size: |v| {
        let begin = v.get("bos");
        WorldSize::topics(2.0, 4.0 + begin, 9.0 + 4.0 * begin)
    },
    check: one_choice,
    source: |v| {
        let begin = v.is_on("bos").then_some(5);
        let story = |label: &str, name| LabelledProcess { label: label.into(), process: story(v, name, begin) };
        Source::Processes(vec![story("Dursley", 3), story("Wonka", 4)])
    },
    has_exact_bayes: |_| true,
    events: |_| Events::Names { before: 0, names: [3, 4] },
    preset: Some("dursley-wonka"),
};

/// The state is the last token, one of Mr (0), Something (1), Blah (2) or the name. Mr is followed by the name; the
/// name by Something or Blah, 1/2 each; Something by Mr (q), Blah (p) or itself; Blah by Mr (q), Something (p) or
/// itself.
pub fn story(v: Values, name: u16, begin: Option<u16>) -> Edges {
    let (p, q) = (v.get("p"), v.get("q"));
    let stay = 1.0 - p - q;
    let edges = vec![
        (0, name, 3, 1.0),
        (3, 1, 1, 0.5),
        (3, 2, 2, 0.5),
        (1, 0, 0, q),
        (1, 1, 1, stay),
        (1, 2, 2, p),
        (2, 0, 0, q),
        (2, 1, 1, p),
        (2, 2, 2, stay),
    ];
    Edges { states: &["Mr", "Something", "Blah", "name"], edges, begin }
}
