//! Training data: K topics x N sequences of length T drawn once, or fresh draws at every step.

use std::ops::Range;

use super::{
    World,
    rng::{Purpose, Stream},
};
use crate::Topic;
use crate::pace::{Pace, at_once};
use experiment::{Data, Observation};

/// Sequences of tokens or of vectors, one behind the other. A cell is one token or one vector.
#[derive(Clone, Debug, PartialEq)]
pub enum Rows {
    /// One token for each cell.
    Tokens(Vec<u16>),
    /// Vectors, each with `dimension` entries.
    Vectors {
        /// d: entries of a vector.
        dimension: usize,
        /// The entries, `[cells, dimension]`, row-major.
        values: Vec<f32>,
    },
}

impl Rows {
    /// No cells yet, of the kind that a world with this observation emits.
    pub fn empty(observation: Observation) -> Self {
        match observation {
            Observation::Tokens(_) => Self::Tokens(Vec::new()),
            Observation::Vectors(dimension) => Self::Vectors { dimension, values: Vec::new() },
        }
    }

    /// Random cells without a meaning, for timing and device checks: uniform tokens, or standard
    /// normal vectors.
    pub fn random(observation: Observation, cells: usize, stream: &mut Stream) -> Self {
        match observation {
            Observation::Tokens(vocab) => Self::Tokens((0..cells).map(|_| stream.below(vocab as u64) as u16).collect()),
            Observation::Vectors(dimension) => {
                let values = (0..cells * dimension).map(|_| stream.normal() as f32).collect();
                Self::Vectors { dimension, values }
            }
        }
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Tokens(tokens) => tokens.len(),
            Self::Vectors { dimension, values } => values.len() / dimension,
        }
    }

    /// Whether there are no cells.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Removes all cells and keeps the memory.
    pub fn clear(&mut self) {
        match self {
            Self::Tokens(tokens) => tokens.clear(),
            Self::Vectors { values, .. } => values.clear(),
        }
    }

    /// Copies the cells in this range.
    pub fn cells(&self, at: Range<usize>) -> Self {
        match self {
            Self::Tokens(tokens) => Self::Tokens(tokens[at].to_vec()),
            Self::Vectors { dimension, values } => Self::Vectors {
                dimension: *dimension,
                values: values[at.start * dimension..at.end * dimension].to_vec(),
            },
        }
    }

    /// Appends some cells of other rows of the same kind.
    pub fn extend(&mut self, from: &Self, at: Range<usize>) {
        match (self, from) {
            (Self::Tokens(tokens), Self::Tokens(more)) => tokens.extend_from_slice(&more[at]),
            (Self::Vectors { dimension, values }, Self::Vectors { values: more, .. }) => {
                values.extend_from_slice(&more[at.start * *dimension..at.end * *dimension]);
            }
            _ => debug_assert!(false, "rows of one world are of one kind"),
        }
    }
}

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
    /// K x N x T cells.
    rows: Rows,
}

/// The part of a training set that a prior may see: some topics, some sequences of each.
#[derive(Clone, Debug, PartialEq)]
pub struct Subset {
    /// K', ascending.
    topics: Vec<usize>,
    /// K' x N' rows of the training set, topic by topic.
    rows: Vec<usize>,
    /// N'.
    sequences: usize,
}

impl Subset {
    /// Indices of the subset's sequences in the training set, K' x N', topic by topic.
    pub fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// The subset's rows of its topic number `i`.
    fn of_topic(&self, i: usize) -> &[usize] {
        &self.rows[i * self.sequences..(i + 1) * self.sequences]
    }
}

/// `count` of `0..all`, every choice as likely as any other, ascending.
fn choose(all: usize, count: usize, stream: &mut Stream) -> Vec<usize> {
    let mut left: Vec<usize> = (0..all).collect();
    for i in 0..count.min(all) {
        left.swap(i, i + stream.below((all - i) as u64) as usize);
    }
    left.truncate(count);
    left.sort_unstable();
    left
}

impl Corpus {
    /// Draws the training set (K topics from P(w), N sequences of each), or nothing yet with fresh draws. `data` was
    /// validated, so that the set fits.
    pub fn draw(world: &World, data: &Data, seed: u64) -> Self {
        at_once(Self::draw_at(&mut Pace::unbroken(), world, data, seed))
    }

    /// As [`Self::draw`], with rests.
    pub async fn draw_at(pace: &mut Pace, world: &World, data: &Data, seed: u64) -> Self {
        let length = data.length;
        if data.fresh {
            return Self { seed, length, set: None };
        }
        // A topic may be a table over pairs of tokens.
        let (of_topic, of_row) = (50 * world.vocab() * world.vocab(), 20 * length * (world.vocab() + 4));
        let all = data.topics * data.sequences;
        let mut topics = Vec::with_capacity(data.topics);
        for k in 0..data.topics {
            pace.reached(0.5 * k as f64 / data.topics as f64);
            topics.push(world.draw_topic(&mut Stream::new(seed, Purpose::Topic, k as u64)));
            pace.worked(of_topic).await;
        }
        let mut rows = Rows::empty(world.observation());
        for i in 0..all {
            pace.reached(0.5 + 0.5 * i as f64 / all as f64);
            let mut stream = Stream::new(seed, Purpose::Sequence, i as u64);
            world.draw_row(&topics[i / data.sequences], length, &mut rows, &mut stream);
            pace.worked(of_row).await;
        }
        Self { seed, length, set: Some(Set { topics, sequences: data.sequences, rows }) }
    }

    /// T: tokens or vectors of a sequence.
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

    /// Topic and cells of sequence `row`, in 0..K N, of the training set.
    pub fn row(&self, row: usize) -> Option<(&Topic, Rows)> {
        let set = self.set.as_ref()?;
        Some((set.topics.get(row / set.sequences)?, set.rows.cells(row * self.length..(row + 1) * self.length)))
    }

    /// J, drawn by the seed: `topics` (K') of the K topics and `sequences` (N') of the N sequences of each. A larger K' does not
    /// change which sequences of a topic are taken. `None` with fresh draws.
    pub fn subset(&self, topics: usize, sequences: usize) -> Option<Subset> {
        let set = self.set.as_ref()?;
        let topics = choose(set.topics.len(), topics, &mut Stream::new(self.seed, Purpose::Subset, 0));
        let mut rows = Vec::with_capacity(topics.len() * sequences);
        for &k in &topics {
            let mut stream = Stream::new(self.seed, Purpose::Subset, 1 + k as u64);
            rows.extend(choose(set.sequences, sequences, &mut stream).into_iter().map(|n| k * set.sequences + n));
        }
        Some(Subset { topics, rows, sequences: sequences.min(set.sequences) })
    }

    /// `count` independent rows of the training set, or of a subset; none with fresh draws.
    pub fn draw_rows(&self, count: usize, subset: Option<&Subset>, stream: &mut Stream) -> Vec<usize> {
        let Some(all) = self.rows() else { return Vec::new() };
        let of = subset.map_or(all, |subset| subset.rows.len()) as u64;
        let drawn = (0..count).map(|_| stream.below(of) as usize);
        drawn.map(|row| subset.map_or(row, |subset| subset.rows[row])).collect()
    }

    /// For each of `rows`, itself where the subset has it, else another row of the subset, of the same topic where it has that.
    /// Of uniform rows of the set this makes uniform rows of the subset that differ in as few places as can be.
    pub fn counterparts(&self, rows: &[usize], subset: &Subset, stream: &mut Stream) -> Vec<usize> {
        let Some(set) = &self.set else { return Vec::new() };
        let counterpart = |&row: &usize| {
            if subset.rows.binary_search(&row).is_ok() {
                return row;
            }
            let topic = subset.topics.binary_search(&(row / set.sequences));
            let topic = topic.unwrap_or_else(|_| stream.below(subset.topics.len() as u64) as usize);
            subset.of_topic(topic)[stream.below(subset.sequences as u64) as usize]
        };
        rows.iter().map(counterpart).collect()
    }

    /// The topic of a row of the training set.
    pub fn topic_of(&self, row: usize) -> Option<usize> {
        self.set.as_ref().map(|set| row / set.sequences)
    }

    /// N, or `None` with fresh draws.
    pub fn sequences(&self) -> Option<usize> {
        self.set.as_ref().map(|set| set.sequences)
    }

    /// The cells of some rows of the training set, one row after the other.
    pub fn gather(&self, rows: &[usize], into: &mut Rows) {
        let Some(set) = &self.set else { return };
        for &row in rows {
            into.extend(&set.rows, row * self.length..(row + 1) * self.length);
        }
    }

    /// Which rows of the training set (or of the subset) make up the batch of step `step` (0-based): drawn independently, with
    /// replacement.
    pub fn batch_rows(&self, step: usize, size: usize, subset: Option<&Subset>) -> Vec<usize> {
        self.draw_rows(size, subset, &mut Stream::new(self.seed, Purpose::Batch, step as u64))
    }

    /// Replaces `batch` by the batch of step `step` (0-based): `size` sequences. Any step can be asked for at any time.
    pub fn batch(&self, world: &World, step: usize, size: usize, subset: Option<&Subset>, batch: &mut Rows) {
        batch.clear();
        match &self.set {
            Some(_) => self.gather(&self.batch_rows(step, size, subset), batch),
            None => {
                for row in 0..size {
                    self.fresh(world, step, row, batch);
                }
            }
        }
    }

    /// How many different sequences a run reads: K N, or with fresh draws one for every row of every batch.
    pub fn population(&self, steps_done: usize, batch: usize) -> usize {
        self.rows().unwrap_or(steps_done.max(1).saturating_mul(batch.max(1)))
    }

    /// Training sequence `row` of the [population](Self::population), appended to `rows`; gives its topic.
    pub fn training_row(&self, world: &World, row: usize, batch: usize, rows: &mut Rows) -> Option<Topic> {
        if self.set.is_none() {
            let batch = batch.max(1);
            return Some(self.fresh(world, row / batch, row % batch, rows));
        }
        let (topic, _) = self.row(row)?;
        let topic = topic.clone();
        self.gather(&[row], rows);
        Some(topic)
    }

    /// At most `count` training sequences with their topics, to measure the empirical loss on: every sequence once where there
    /// are no more than `count`, else `count` independent draws. With fresh draws these are rows of batches (of size
    /// `batch`) of the first `steps_done` steps, or of the first step where that is 0.
    pub fn probe(&self, world: &World, count: usize, steps_done: usize, batch: usize) -> (Vec<Topic>, Rows) {
        let mut stream = Stream::new(self.seed, Purpose::Probe, 0);
        let mut rows = Rows::empty(world.observation());
        let all = self.population(steps_done, batch);
        let topics = (0..count.min(all))
            .filter_map(|i| {
                if all <= count {
                    return self.training_row(world, i, batch, &mut rows);
                }
                if self.set.is_some() {
                    return self.training_row(world, stream.below(all as u64) as usize, batch, &mut rows);
                }
                let step = stream.below(steps_done.max(1) as u64) as usize;
                let row = stream.below(batch.max(1) as u64) as usize;
                Some(self.fresh(world, step, row, &mut rows))
            })
            .collect();
        (topics, rows)
    }

    /// Appends row `row` of batch `step`, drawn afresh.
    pub fn fresh(&self, world: &World, step: usize, row: usize, rows: &mut Rows) -> Topic {
        // Batches have at most 4096 rows (`Training`).
        let mut stream = Stream::new(self.seed, Purpose::Fresh, (step as u64) << 20 | row as u64);
        let topic = world.draw_topic(&mut stream);
        world.draw_row(&topic, self.length, rows, &mut stream);
        topic
    }
}
