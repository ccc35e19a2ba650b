//! A finite mixture of labelled HMMs: a posterior over components, and within each a belief over its states.

use std::sync::Arc;

use super::softmax;
use crate::Mixture;

#[derive(Clone, Debug)]
pub struct MixtureFilter {
    mixture: Arc<Mixture>,
    log_prior: Vec<f64>,
    /// Log posterior up to a constant. In logs, so that a component which is far behind can come back.
    log_weights: Vec<f64>,
    /// The posterior.
    shares: Vec<f64>,
    /// P(state | component, observed so far), block by block.
    beliefs: Vec<f64>,
    next: Vec<f64>,
}

impl MixtureFilter {
    pub fn new(mixture: Arc<Mixture>, weights: &[f64]) -> Self {
        let log_prior: Vec<f64> = weights.iter().map(|w| w.ln()).collect();
        let states = mixture.hmm().states();
        let mut filter = Self {
            shares: vec![0.0; log_prior.len()],
            log_weights: log_prior.clone(),
            log_prior,
            beliefs: vec![0.0; states],
            next: vec![0.0; states],
            mixture,
        };
        filter.reset();
        filter
    }

    pub fn vocab(&self) -> usize {
        self.mixture.hmm().vocab()
    }

    pub fn reset(&mut self) {
        self.log_weights.copy_from_slice(&self.log_prior);
        self.beliefs.copy_from_slice(self.mixture.hmm().start());
        if !softmax(&self.log_weights, &mut self.shares) {
            self.shares.fill(1.0 / self.log_prior.len() as f64);
        }
    }

    pub fn predict(&self, out: &mut [f64]) {
        out.fill(0.0);
        let hmm = self.mixture.hmm();
        for (c, &share) in self.shares.iter().enumerate() {
            if share > 0.0 {
                for i in self.mixture.block(c) {
                    let mass = share * self.beliefs[i];
                    if mass > 0.0 {
                        for &(token, p) in hmm.emissions(i) {
                            out[usize::from(token)] += mass * p;
                        }
                    }
                }
            }
        }
    }

    /// P(component | observed so far).
    pub fn posterior(&self) -> &[f64] {
        &self.shares
    }

    /// P(component, state | observed so far), the states of all components side by side.
    pub fn belief(&self, out: &mut [f64]) {
        for (c, &share) in self.shares.iter().enumerate() {
            for i in self.mixture.block(c) {
                out[i] = share * self.beliefs[i];
            }
        }
    }

    pub fn observe(&mut self, token: u16) {
        let hmm = self.mixture.hmm();
        for (c, log_weight) in self.log_weights.iter_mut().enumerate() {
            if *log_weight == f64::NEG_INFINITY {
                continue;
            }
            let block = self.mixture.block(c);
            self.next[block.clone()].fill(0.0);
            let mut likelihood = 0.0;
            for i in block.clone() {
                let belief = self.beliefs[i];
                if belief > 0.0 {
                    for transition in hmm.transitions_with(i, token) {
                        let mass = belief * transition.p;
                        self.next[transition.next as usize] += mass;
                        likelihood += mass;
                    }
                }
            }
            if likelihood > 0.0 {
                *log_weight += likelihood.ln();
                for i in block {
                    self.beliefs[i] = self.next[i] / likelihood;
                }
            } else {
                *log_weight = f64::NEG_INFINITY;
            }
        }
        if !softmax(&self.log_weights, &mut self.shares) {
            self.reset();
        }
    }
}
