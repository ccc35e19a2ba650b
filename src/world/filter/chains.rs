//! One of K known Markov chains: posterior weights are all there is to know.

use super::softmax;
use crate::world::Chain;

#[derive(Clone, Debug)]
pub struct Chains {
    k: usize,
    /// How many chains.
    count: usize,
    /// Chances by (last token or k for none, next token), then by chain: one chain after the other in memory, since
    /// every step runs over all chains.
    table: Vec<f64>,
    logs: Vec<f64>,
    log_weights: Vec<f64>,
    shares: Vec<f64>,
    /// The last token; k before the first.
    last: usize,
}

impl Chains {
    pub fn new(k: usize, chains: &[Chain]) -> Self {
        let count = chains.len();
        let mut table = Vec::with_capacity((k + 1) * k * count);
        for last in 0..=k {
            for next in 0..k {
                table.extend(chains.iter().map(|c| if last == k { c.stationary()[next] } else { c.row(last)[next] }));
            }
        }
        let logs = table.iter().map(|p| p.ln()).collect();
        let share = 1.0 / count as f64;
        Self { k, count, table, logs, log_weights: vec![0.0; count], shares: vec![share; count], last: k }
    }

    pub fn vocab(&self) -> usize {
        self.k
    }

    pub fn reset(&mut self) {
        self.log_weights.fill(0.0);
        self.shares.fill(1.0 / self.count as f64);
        self.last = self.k;
    }

    fn column(&self, token: usize) -> std::ops::Range<usize> {
        let at = (self.last * self.k + token) * self.count;
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
        self.last = token;
        if !softmax(&self.log_weights, &mut self.shares) {
            self.reset();
        }
    }
}
