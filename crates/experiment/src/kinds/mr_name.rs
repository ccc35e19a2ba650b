//! One story with one name (Riechers et al. 2025).

use super::{Events, LabelledProcess, STORIES, Source, TOPICS, WorldKind, one_choice, real};
use crate::{Observation, WorldSize};

pub const KIND: WorldKind = WorldKind {
    name: "mr-name",
    title: "One story, one name",
    family: STORIES,
    about: "Mr is followed by the name, the name by Something or Blah. One topic: only the hidden word order is left to find.",
    parameters: &[
        real("p", 0.4, 0.0, 1.0, "Probability of moving between Something and Blah"),
        real("q", 0.25, 0.0, 1.0, "Probability that the next word is Mr; p + q is at most 1"),
    ],
    topic: TOPICS,
    topic_count: |_| Some(1),
    observation: |_| Observation::Tokens(4),
    tokens: |_| ["Mr", "Something", "Blah", "name"].map(String::from).into(),
    size: |_| WorldSize::topics(1.0, 4.0, 9.0),
    check: one_choice,
    source: |v| {
        let process = super::dursley_wonka::story(v, 3, None);
        Source::Processes(vec![LabelledProcess { label: "One story, one name".into(), process }])
    },
    has_exact_bayes: |_| true,
    events: |_| Events::Names { before: 0, names: [3, 3] },
    preset: None,
};
