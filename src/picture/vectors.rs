//! A sequence of vectors of each of a few topics.

use charts::vectors::Vectors;

use super::{FIRST_SEQUENCE, Shown};
use crate::world::{LinearPrior, Purpose, Stream, Topic};

const LENGTH: usize = 40;

/// One for each topic.
pub fn sequences(distribution: &LinearPrior, topics: &[Shown], notes: &mut Vec<String>) -> Vec<Vectors> {
    let dimension = distribution.dimension();
    let sequence = |(k, shown): (usize, &Shown)| {
        let Topic::Linear(system) = &shown.topic else { return None };
        let mut values = vec![0.0; LENGTH * dimension];
        distribution.draw_sequence(
            system,
            &mut values,
            &mut Stream::new(0, Purpose::Picture, FIRST_SEQUENCE + k as u64),
        );
        Some(Vectors { title: format!("Samples: {}", shown.label), dimension, values })
    };
    let all: Vec<Vectors> = topics.iter().enumerate().filter_map(sequence).collect();
    notes.push(format!("The samples are the first {LENGTH} vectors of a sequence from each of {} topics.", all.len()));
    all
}
