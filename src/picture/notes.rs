//! What is to be said of a world beside its pictures.

use crate::{
    theory::belief::BeliefGraph,
    world::{Mixture, Topics, World},
};

/// How far beliefs are counted, in tokens, and how many at most.
const DEPTH: usize = 12;
const BELIEFS: usize = 3000;
/// Beliefs of larger worlds are not counted: it would take longer than looking.
const TRANSITIONS: usize = 20_000;

/// Sentences about topics, states and tokens.
pub fn about(world: &World) -> Vec<String> {
    if let Topics::Linear(distribution) = world.topics() {
        return vec![format!("A continuum of topics, over vectors of {} entries.", distribution.dimension())];
    }
    let tokens = counted(world.vocab(), "token");
    if let Topics::Text(texts) = world.topics() {
        let documents = counted(texts.len(), "document");
        return vec![format!(
            "{documents}, each a topic, over {tokens}. The last tenth of each is kept for measuring."
        )];
    }
    let Topics::Finite(mixture) = world.topics() else {
        return vec![format!("A continuum of topics, over {tokens}.")];
    };
    let n = mixture.len();
    let topics = if n == 1 { "One process".into() } else { counted(n, "topic") };
    let states = (0..n).map(|c| mixture.block(c).len());
    let (low, high) = states.fold((usize::MAX, 0), |(low, high), k| (low.min(k), high.max(k)));
    let states = match (low == high, n) {
        (true, 1) => counted(high, "state"),
        (true, _) => format!("{} each", counted(high, "state")),
        _ => format!("{low} to {high} states each, {} in all", mixture.hmm().states()),
    };
    let mut notes = vec![format!("{topics} with {states}, over {tokens}.")];
    if high > 1 {
        notes.push(
            match mixture.hmm().is_unifilar() {
                true => "State and token always tell the next state (unifilar).",
                false => "State and token do not always tell the next state (not unifilar).",
            }
            .into(),
        );
    }
    notes.extend(beliefs(mixture, high > 1));
    notes
}

fn beliefs(mixture: &Mixture, hidden: bool) -> Option<String> {
    let about = match (mixture.len() > 1, hidden) {
        (true, true) => "topic and state",
        (true, false) => "the topic",
        (false, true) => "the state",
        (false, false) => return None,
    };
    let hmm = mixture.hmm();
    if (0..hmm.states()).map(|i| hmm.transitions(i).len()).sum::<usize>() > TRANSITIONS {
        return None;
    }
    let mut graph = BeliefGraph::new(mixture.hmm(), BELIEFS);
    let mut position = Some(graph.start(&mixture.joint_start()));
    for _ in 0..DEPTH {
        position = position.and_then(|p| graph.next(&p));
    }
    let count = match position {
        Some(_) if graph.beliefs() == 1 => return Some(format!("No token tells an observer anything about {about}.")),
        Some(_) => graph.beliefs().to_string(),
        None => format!("more than {BELIEFS}"),
    };
    Some(format!("Within {DEPTH} tokens an observer meets {count} different beliefs about {about}."))
}

/// `1 token`, `2 tokens`.
fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
