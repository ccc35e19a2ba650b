//! Training data: K topics x N sequences x T tokens drawn once, or fresh draws at every step.

use super::{
    World,
    rng::{Purpose, Stream},
};
use crate::experiment::Data;
use crate::world::Topic;

/// The training data of one run. Everything in it follows from world, shape and seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Corpus {
    seed: u64,
    length: usize,
    set: Option<Set>,
}

#[derive(Clone, Debug, PartialEq)]
struct Set {
    topics: Vec<Topic>,
    /// N.
    sequences: usize,
    /// Flat, K x N x T.
    tokens: Vec<u16>,
}

impl Corpus {
    /// Draws the training set (K topics from P(w), N sequences of each), or nothing yet with fresh draws. `data` was
    /// validated, so that the set fits.
    pub fn draw(world: &World, data: &Data, seed: u64) -> Self {
        let length = data.length;
        let set = (!data.fresh).then(|| {
            let topics: Vec<Topic> =
                (0..data.topics).map(|k| world.draw_topic(&mut Stream::new(seed, Purpose::Topic, k as u64))).collect();
            let mut tokens = vec![0; data.topics * data.sequences * length];
            for (i, row) in tokens.chunks_mut(length.max(1)).enumerate() {
                let mut stream = Stream::new(seed, Purpose::Sequence, i as u64);
                world.draw_sequence(&topics[i / data.sequences], row, &mut stream);
            }
            Set { topics, sequences: data.sequences, tokens }
        });
        Self { seed, length, set }
    }

    /// T.
    pub fn length(&self) -> usize {
        self.length
    }

    /// The K training topics; `None` with fresh draws.
    pub fn topics(&self) -> Option<&[Topic]> {
        self.set.as_ref().map(|set| set.topics.as_slice())
    }

    /// K x N, or `None` with fresh draws.
    pub fn rows(&self) -> Option<usize> {
        self.set.as_ref().map(|set| set.topics.len() * set.sequences)
    }

    /// Topic and tokens of sequence `row`, in 0..K N, of the training set.
    pub fn row(&self, row: usize) -> Option<(&Topic, &[u16])> {
        let set = self.set.as_ref()?;
        Some((set.topics.get(row / set.sequences)?, set.tokens.get(row * self.length..(row + 1) * self.length)?))
    }

    /// Replaces `tokens` by the batch of step `step` (0-based): row-major, `size` x T. Any step can be asked for at any
    /// time. Rows of a training set are drawn independently, with replacement.
    pub fn batch(&self, world: &World, step: usize, size: usize, tokens: &mut Vec<u16>) {
        tokens.clear();
        match &self.set {
            Some(set) => {
                let rows = set.topics.len() * set.sequences;
                let mut stream = Stream::new(self.seed, Purpose::Batch, step as u64);
                for _ in 0..size {
                    let row = stream.below(rows as u64) as usize;
                    tokens.extend_from_slice(&set.tokens[row * self.length..(row + 1) * self.length]);
                }
            }
            None => {
                tokens.resize(size * self.length, 0);
                for (row, out) in tokens.chunks_mut(self.length.max(1)).enumerate() {
                    self.fresh(world, step, row, out);
                }
            }
        }
    }

    /// `count` training sequences with their topics, to measure the empirical loss on: of a training set, every
    /// sequence in turn where the set is no larger than `count`, else independent draws; with fresh draws, rows of
    /// batches (of size `batch`) already used, or of the first where `steps_done` is 0.
    pub fn probe(&self, world: &World, count: usize, steps_done: usize, batch: usize) -> Vec<(Topic, Vec<u16>)> {
        let mut stream = Stream::new(self.seed, Purpose::Probe, 0);
        (0..count)
            .filter_map(|i| match self.rows() {
                Some(rows) => {
                    let row = if rows <= count { i % rows.max(1) } else { stream.below(rows as u64) as usize };
                    self.row(row).map(|(topic, tokens)| (topic.clone(), tokens.to_vec()))
                }
                None => {
                    let step = stream.below(steps_done.max(1) as u64) as usize;
                    let row = stream.below(batch.max(1) as u64) as usize;
                    let mut tokens = vec![0; self.length];
                    let topic = self.fresh(world, step, row, &mut tokens);
                    Some((topic, tokens))
                }
            })
            .collect()
    }

    /// Row `row` of batch `step`, drawn afresh.
    fn fresh(&self, world: &World, step: usize, row: usize, out: &mut [u16]) -> Topic {
        // Batches have at most 4096 rows (`Training`).
        let mut stream = Stream::new(self.seed, Purpose::Fresh, (step as u64) << 20 | row as u64);
        let topic = world.draw_topic(&mut stream);
        world.draw_sequence(&topic, out, &mut stream);
        topic
    }
}
