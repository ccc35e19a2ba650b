//! Sequences, and what a predictor that knows the source says of each token: what a model's distributions are compared with.

use std::sync::Arc;

use super::Setting;
use crate::{
    protocol::Measured,
    theory::entropy::clamped_kl,
    theory::entropy::entropy,
    world::{Filter, Rows, Topic, World, rng::Stream},
};

/// Most numbers of whole distributions, of all sequences together.
const MOST: usize = 1 << 20;

/// Sequences of T tokens, and a predictor's distribution at each of them.
pub struct Reference {
    pub rows: Arc<Rows>,
    length: usize,
    vocab: usize,
    /// [rows, T, V] row-major. Empty where nobody knows the distribution: then what was observed must do.
    distributions: Vec<f32>,
    /// ln P(token | past), [rows, T].
    log_p: Vec<f64>,
    tokens: Vec<u16>,
}

/// How many sequences of a setting fit, `most` at most.
pub fn count(setting: &Setting, most: usize) -> usize {
    count_in(setting.world, setting.experiment.data.length, most)
}

/// How many sequences of `length` tokens fit, `most` at most.
pub fn count_in(world: &World, length: usize, most: usize) -> usize {
    let each = length * world.vocab().max(1);
    (MOST / each.max(1)).clamp(4, most.max(4))
}

/// `count` sequences of T tokens: topic by `topic`, both drawn from the sequence's own stream.
pub fn sequences(
    world: &World,
    length: usize,
    count: usize,
    stream: impl Fn(u64) -> Stream,
    topic: impl Fn(&mut Stream) -> Topic,
) -> Vec<u16> {
    let mut tokens = vec![0; count * length];
    for (i, row) in tokens.chunks_exact_mut(length.max(1)).enumerate() {
        let mut stream = stream(i as u64);
        let topic = topic(&mut stream);
        world.draw_sequence(&topic, row, &mut stream);
    }
    tokens
}

impl Reference {
    /// `filter`: the predictor. `whole`: its distributions are those of the source (given what it knows).
    pub fn new(tokens: Vec<u16>, length: usize, mut filter: Filter, whole: bool) -> Self {
        let vocab = filter.vocab();
        let (mut distributions, mut log_p) = (Vec::new(), Vec::with_capacity(tokens.len()));
        let mut distribution = vec![0.0; vocab];
        for row in tokens.chunks_exact(length.max(1)) {
            filter.reset();
            for &token in row {
                filter.predict(&mut distribution);
                filter.observe(token);
                log_p.push(distribution[usize::from(token)].max(f64::from(f32::MIN_POSITIVE)).ln());
                if whole {
                    distributions.extend(distribution.iter().map(|p| *p as f32));
                }
            }
        }
        Self { rows: Arc::new(Rows::Tokens(tokens.clone())), length, vocab, distributions, log_p, tokens }
    }

    /// By how much each cell of a model's distributions (ln p, [rows, T, V]) is worse, nats: KL(predictor || model), or where whole
    /// distributions are not known the log-ratio of the tokens. [rows, T]; `None` where the numbers are not those of these sequences.
    pub fn excess(&self, distribution: &[f32]) -> Option<Vec<f64>> {
        let v = self.vocab;
        if distribution.len() != self.tokens.len() * v || distribution.iter().any(|p| p.is_nan()) {
            return None;
        }
        let cells = distribution.chunks_exact(v).enumerate();
        Some(if self.distributions.is_empty() {
            cells.map(|(i, q)| self.log_p[i] - f64::from(q[usize::from(self.tokens[i])])).collect()
        } else {
            cells.map(|(i, q)| divergence(&self.distributions[i * v..(i + 1) * v], q)).collect()
        })
    }

    /// What the predictor itself loses at each cell, nats: its distribution's entropy, or where whole distributions are not known the
    /// token's surprise. [rows, T].
    pub fn losses(&self) -> Vec<f64> {
        match self.distributions.is_empty() {
            true => self.log_p.iter().map(|p| -p).collect(),
            false => {
                let entropy_of =
                    |distribution: &[f32]| entropy(&distribution.iter().map(|p| f64::from(*p)).collect::<Vec<_>>());
                self.distributions.chunks_exact(self.vocab).map(entropy_of).collect()
            }
        }
    }

    /// By how much another predictor is worse than this one, KL at each cell, nats: [rows, T]. A probability below 1e-9 counts as 1e-9.
    pub fn against(&self, mut filter: Filter) -> Vec<f64> {
        let v = self.vocab;
        let (mut p, mut q) = (vec![0.0; v], vec![0.0; v]);
        let mut out = Vec::with_capacity(self.tokens.len());
        for (i, (&token, distribution)) in self.tokens.iter().zip(self.distributions.chunks_exact(v.max(1))).enumerate()
        {
            if i % self.length == 0 {
                filter.reset();
            }
            p.iter_mut().zip(distribution).for_each(|(slot, p)| *slot = f64::from(*p));
            filter.predict(&mut q);
            filter.observe(token);
            out.push(clamped_kl(&p, &q));
        }
        out
    }

    /// The predictor's own mean loss at each cell, nats: [rows, T]; none where its distributions are not kept.
    pub fn entropies(&self) -> Vec<f64> {
        let term = |p: &f32| if *p > 0.0 { -f64::from(*p) * f64::from(*p).ln() } else { 0.0 };
        self.distributions
            .chunks_exact(self.vocab.max(1))
            .map(|distribution| distribution.iter().map(term).sum())
            .collect()
    }

    /// Sums over each sequence so far: [rows, T] to the same.
    pub fn so_far(&self, cells: &[f64]) -> Vec<f64> {
        let mut out = cells.to_vec();
        for row in out.chunks_exact_mut(self.length.max(1)) {
            (1..row.len()).for_each(|l| row[l] += row[l - 1]);
        }
        out
    }

    /// Mean and standard error over sequences, at each position. `cells`: [rows, T].
    pub fn by_position(&self, cells: &[f64]) -> Vec<Measured> {
        let at = |l: usize| cells.iter().skip(l).step_by(self.length).copied();
        (0..self.length).map(|l| measured(at(l))).collect()
    }

    /// Mean and standard error over sequences, of the mean over positions.
    pub fn overall(&self, cells: &[f64]) -> Measured {
        let n = self.length.max(1);
        measured(cells.chunks_exact(n).map(|row| row.iter().sum::<f64>() / n as f64))
    }
}

/// KL(p || q) of probabilities and log-probabilities, nats; rounding below 0 is cut off.
pub fn divergence(p: &[f32], log_q: &[f32]) -> f64 {
    let terms = p.iter().zip(log_q).filter(|(p, _)| **p > 0.0);
    terms.map(|(&p, &q)| f64::from(p) * (f64::from(p).ln() - f64::from(q))).sum::<f64>().max(0.0)
}

/// Mean and its standard error over independent values.
pub fn measured(values: impl Iterator<Item = f64> + Clone) -> Measured {
    let (n, sum) = values.clone().fold((0.0, 0.0), |(n, sum), v| (n + 1.0, sum + v));
    let mean = sum / f64::max(n, 1.0);
    let variance = values.map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    Measured { value: mean, stderr: (variance / f64::max(n, 1.0)).sqrt() }
}
