//! A Markov chain over tokens: the topic of the Markov world, and what a bigram model can know of any topic.

use super::{
    hmm::{Hmm, Transition},
    rng::Stream,
    stationary,
};

/// k tokens; the next one depends on the last `order` (1 or 2) of them.
///
/// With order 1 the first token comes from the stationary distribution. With order 2 the first two are uniform: under
/// symmetric Dirichlet rows they then say nothing about the chain, and counting is exact Bayes.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    k: usize,
    order: usize,
    /// Row-major, k^order x k: P(next token is column | context is row); a context of two is older · k + newer.
    rows: Vec<f64>,
    /// Of the first token.
    first: Vec<f64>,
}

impl Chain {
    /// Order 1: k rows that each sum to 1, row-major.
    pub fn new(k: usize, rows: Vec<f64>) -> Self {
        let first = stationary::stationary(&rows, k);
        Self { k, order: 1, rows, first }
    }

    /// The chain of tokens that are drawn independently from `distribution`.
    pub fn memoryless(distribution: &[f64]) -> Self {
        Self {
            k: distribution.len(),
            order: 1,
            rows: distribution.repeat(distribution.len()),
            first: distribution.to_vec(),
        }
    }

    /// Draws a chain whose rows are independent, each from the symmetric Dirichlet(alpha).
    pub fn draw(k: usize, order: usize, alpha: f64, stream: &mut Stream) -> Self {
        let mut rows = vec![0.0; k.pow(order as u32) * k];
        for row in rows.chunks_mut(k) {
            stream.dirichlet(alpha, row);
        }
        if order == 1 { Self::new(k, rows) } else { Self { k, order, rows, first: vec![1.0 / k as f64; k] } }
    }

    /// The chain that has an HMM's long-run distribution of pairs of tokens. After a token that the
    /// HMM never emits, the next one is uniform.
    pub fn of_pairs(hmm: &Hmm) -> Self {
        let k = hmm.vocab();
        let chain = hmm.hidden_chain();
        let n = hmm.states();
        let classes = stationary::recurrent_classes(&chain, n);
        let probabilities = stationary::absorption(&chain, n, &classes, hmm.start());
        let (mut pairs, mut first) = (vec![0.0; k * k], vec![0.0; k]);
        for (class, probability) in classes.iter().zip(probabilities).filter(|(_, probability)| *probability > 0.0) {
            for (&i, p) in class.iter().zip(stationary::within_class(&chain, n, class)) {
                for one in hmm.transitions(i) {
                    let mass = probability * p * one.p;
                    first[usize::from(one.token)] += mass;
                    for two in hmm.emissions(one.next as usize) {
                        pairs[usize::from(one.token) * k + usize::from(two.0)] += mass * two.1;
                    }
                }
            }
        }
        for (row, &p) in pairs.chunks_mut(k).zip(&first) {
            row.iter_mut().for_each(|q| *q = if p > 0.0 { *q / p } else { 1.0 / k as f64 });
        }
        Self { k, order: 1, rows: pairs, first }
    }

    /// k: how many tokens there are.
    pub fn k(&self) -> usize {
        self.k
    }

    /// How many tokens the next one depends on, 1 or 2.
    pub fn order(&self) -> usize {
        self.order
    }

    /// P(next token | context `i`), with k entries. With order 1 the context is the last token;
    /// with order 2 it is older · k + newer.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.rows[i * self.k..(i + 1) * self.k]
    }

    /// How many contexts there are: k^order.
    pub fn contexts(&self) -> usize {
        self.rows.len() / self.k
    }

    /// The distribution of the first token: the stationary one with order 1, uniform with order 2.
    pub fn first(&self) -> &[f64] {
        &self.first
    }

    /// The stationary distribution over contexts, with k^order entries.
    pub fn stationary(&self) -> Vec<f64> {
        if self.order == 1 {
            return self.first.clone();
        }
        let n = self.contexts();
        let mut matrix = vec![0.0; n * n];
        for context in 0..n {
            for (next, p) in self.row(context).iter().enumerate() {
                matrix[context * n + self.after(context, next)] += p;
            }
        }
        stationary::stationary(&matrix, n)
    }

    /// The context that follows when `token` comes after `context`.
    pub fn after(&self, context: usize, token: usize) -> usize {
        (context * self.k + token) % self.contexts()
    }

    /// Fills `out` with x_1..x_T, drawn from the chain.
    pub fn draw_sequence(&self, out: &mut [u16], stream: &mut Stream) {
        let mut context = 0;
        for (t, slot) in out.iter_mut().enumerate() {
            let distribution = if t < self.order { &self.first } else { self.row(context) };
            let token = stream.categorical(distribution.iter().copied());
            *slot = token as u16;
            context = self.after(context, token);
        }
    }

    /// The same process as a labelled HMM.
    pub fn hmm(&self) -> Hmm {
        let contexts = self.contexts();
        let mut edges = Vec::new();
        for context in 0..contexts {
            for (next, &p) in self.row(context).iter().enumerate() {
                edges.push((
                    context as u32,
                    Transition { token: next as u16, next: self.after(context, next) as u32, p },
                ));
            }
        }
        if self.order == 1 {
            // The state before the first token is as if one had come before.
            return Hmm::new(self.k, contexts, edges, Some(self.first.clone()));
        }
        // Two states of waiting: nothing seen, one token seen.
        let empty = contexts + self.k;
        for (token, &p) in self.first.iter().enumerate() {
            edges.push((empty as u32, Transition { token: token as u16, next: (contexts + token) as u32, p }));
            for (next, &p) in self.first.iter().enumerate() {
                let pair = (token * self.k + next) as u32;
                edges.push(((contexts + token) as u32, Transition { token: next as u16, next: pair, p }));
            }
        }
        let mut start = vec![0.0; empty + 1];
        start[empty] = 1.0;
        Hmm::new(self.k, empty + 1, edges, Some(start))
    }
}
