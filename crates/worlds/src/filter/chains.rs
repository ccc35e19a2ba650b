//! One of K known Markov chains: posterior weights are all there is to know.

use super::softmax;
use crate::Chain;

#[derive(Clone, Debug)]
pub struct Chains {
    k: usize,
    order: usize,
    /// How many contexts a chain has.
    contexts: usize,
    /// How many chains.
    count: usize,
    /// Probabilities by (context, next token), then by chain: one chain after the other in memory, since every step runs over
    /// all chains. After the last context comes the distribution of the first `order` tokens.
    table: Vec<f64>,
    logs: Vec<f64>,
    log_prior: Vec<f64>,
    log_weights: Vec<f64>,
    shares: Vec<f64>,
    context: usize,
    seen: usize,
}

impl Chains {
    /// Chains of one order over k tokens, at least one, with weights that are not negative and not all 0.
    pub fn new(k: usize, chains: &[Chain], weights: &[f64]) -> Self {
        let count = chains.len();
        let (order, contexts) = chains.first().map_or((1, k), |c| (c.order(), c.contexts()));
        let mut table = Vec::with_capacity((contexts + 1) * k * count);
        for context in 0..=contexts {
            for next in 0..k {
                table.extend(chains.iter().map(|c| {
                    let distribution = if context == contexts { c.first() } else { c.row(context) };
                    distribution[next]
                }));
            }
        }
        let logs = table.iter().map(|p| p.ln()).collect();
        let log_prior: Vec<f64> = weights.iter().map(|w| w.ln()).collect();
        let mut filter = Self {
            k,
            order,
            contexts,
            count,
            table,
            logs,
            log_weights: log_prior.clone(),
            log_prior,
            shares: vec![0.0; count],
            context: 0,
            seen: 0,
        };
        filter.reset();
        filter
    }

    pub fn vocab(&self) -> usize {
        self.k
    }

    pub fn reset(&mut self) {
        self.log_weights.copy_from_slice(&self.log_prior);
        softmax(&self.log_weights, &mut self.shares);
        (self.context, self.seen) = (0, 0);
    }

    fn column(&self, token: usize) -> std::ops::Range<usize> {
        let context = if self.seen < self.order { self.contexts } else { self.context };
        let at = (context * self.k + token) * self.count;
        at..at + self.count
    }

    pub fn predict(&self, out: &mut [f64]) {
        if self.count == 0 {
            out.fill(1.0 / self.k as f64);
            return;
        }
        for (token, slot) in out.iter_mut().enumerate() {
            *slot = self.table[self.column(token)].iter().zip(&self.shares).map(|(p, share)| p * share).sum();
        }
    }

    pub fn observe(&mut self, token: u16) {
        let token = usize::from(token);
        if token >= self.k {
            self.reset();
            return;
        }
        let column = self.column(token);
        for (weight, log) in self.log_weights.iter_mut().zip(&self.logs[column]) {
            *weight += log;
        }
        self.context = (self.context * self.k + token) % self.contexts;
        self.seen += 1;
        if !softmax(&self.log_weights, &mut self.shares) {
            self.reset();
        }
    }
}
