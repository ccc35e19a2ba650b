//! A few sequences of a few topics, token by token.

use charts::{
    text::probability,
    token_strip::{StripRow, TokenStrip},
};

use super::{FIRST_SEQUENCE, Shown, topics};
use crate::world::{Purpose, Stream, World};

pub const TOPICS: usize = 6;
const SEQUENCES: usize = 3;
const LENGTH: usize = 40;

/// A few sequences of a few topics of a world; `tokens` are names.
pub fn strip(world: &World, tokens: &[String], notes: &mut Vec<String>) -> TokenStrip {
    let shown = topics(world, TOPICS, &|_| true);
    let several = shown.len() > 1 || shown.iter().any(|s| s.weight.is_none());
    let count = shown.len();
    let row = |(k, shown): (usize, Shown)| {
        let Shown { topic, label, weight } = shown;
        let draw = |i: usize| {
            let index = FIRST_SEQUENCE + (k * SEQUENCES + i) as u64;
            let mut sequence = vec![0; LENGTH];
            world.draw_sequence(&topic, &mut sequence, &mut Stream::new(0, Purpose::Picture, index));
            sequence
        };
        let mut sequences: Vec<Vec<u16>> = (0..SEQUENCES).map(draw).collect();
        // A topic of probability 0 is shown once.
        sequences.dedup();
        let (label, detail) = match several {
            true => (label, weight.map_or_else(String::new, |w| format!("weight {}", probability(w)))),
            false => (String::new(), String::new()),
        };
        let row = move |tokens| StripRow {
            label: label.clone(),
            detail: detail.clone(),
            topic: several.then_some(k),
            tokens,
        };
        sequences.into_iter().map(row).collect::<Vec<_>>()
    };
    let rows = shown.into_iter().enumerate().flat_map(row).collect();
    notes.push(match several {
        true => format!("The samples are the first {LENGTH} tokens of sequences from {count} topics."),
        false => format!("The samples are the first {LENGTH} tokens of sequences."),
    });
    TokenStrip { title: "Samples".into(), tokens: tokens.to_vec(), rows, most: LENGTH, ..TokenStrip::default() }
}
