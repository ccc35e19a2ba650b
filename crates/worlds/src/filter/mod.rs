//! Exact predictors as streaming filters: what comes next, given what came before.

mod blend;
mod blocks;
mod chains;
mod copy;
mod counts;
mod dirichlet_chains;
mod mixture;
pub mod ngram;

use std::sync::Arc;

use super::{Chain, Mixture};
use blend::Blend;
use blocks::{Blocks, RepeatedBlock};
use chains::Chains;
use copy::Copy;
use counts::Counts;
use dirichlet_chains::DirichletChains;
pub use dirichlet_chains::particle_updates;
use mixture::MixtureFilter;
use ngram::{NgramFilter, Ngrams};

/// The predictive distribution of the next token. Starts before the first token; no step allocates.
///
/// A token that the model holds impossible tells it nothing it can use: the filter then starts over from its prior,
/// and the next prediction is again that of the first position.
#[derive(Clone, Debug)]
pub struct Filter(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Mixture(MixtureFilter),
    Chains(Chains),
    Counts(Counts),
    DirichletChains(Box<DirichletChains>),
    RepeatedBlock(RepeatedBlock),
    Blocks(Blocks),
    Blend(Box<Blend>),
    Copy(Copy),
    Ngrams(NgramFilter),
}

/// Calls the same method of whichever filter it is.
macro_rules! each {
    ($filter:expr, $f:ident => $call:expr) => {
        match $filter {
            Kind::Mixture($f) => $call,
            Kind::Chains($f) => $call,
            Kind::Counts($f) => $call,
            Kind::DirichletChains($f) => $call,
            Kind::RepeatedBlock($f) => $call,
            Kind::Blocks($f) => $call,
            Kind::Blend($f) => $call,
            Kind::Copy($f) => $call,
            Kind::Ngrams($f) => $call,
        }
    };
}

impl Filter {
    /// Exact Bayes over the components of a mixture, with the given prior weights (not negative,
    /// not all 0).
    pub fn mixture(mixture: Arc<Mixture>, weights: Vec<f64>) -> Self {
        Self(Kind::Mixture(MixtureFilter::new(mixture, &weights)))
    }

    /// Exact Bayes over the given chains (all of one order, over `vocab` tokens), with the given
    /// prior weights.
    pub fn chains(vocab: usize, chains: &[Chain], weights: &[f64]) -> Self {
        Self(Kind::Chains(Chains::new(vocab, chains, weights)))
    }

    /// Exact Bayes where each token depends on the last `order` ones, by rows that are drawn from
    /// Dirichlet(`alphas`).
    pub fn counts(alphas: Vec<f64>, order: usize) -> Self {
        Self(Kind::Counts(Counts::new(alphas, order)))
    }

    /// Bayes over k-state chains with Dirichlet(alpha) rows whose first token is from the chain's
    /// stationary distribution.
    pub fn dirichlet_chains(k: usize, alpha: f64) -> Self {
        Self(Kind::DirichletChains(Box::new(DirichletChains::new(k, alpha))))
    }

    /// Exact Bayes over all blocks of `block` tokens, equally likely, that repeat to the end.
    pub fn repeated_block(block: usize, vocab: usize) -> Self {
        Self(Kind::RepeatedBlock(RepeatedBlock::new(block, vocab)))
    }

    /// Exact Bayes over the given blocks, equally likely, that repeat to the end.
    pub fn blocks(vocab: usize, blocks: Vec<Arc<[u16]>>) -> Self {
        Self(Kind::Blocks(Blocks::new(vocab, blocks)))
    }

    /// Bayes over several predictors, of which one is right: for each the filter, the map of its
    /// tokens into `vocab`, and its prior weight.
    pub fn blend(vocab: usize, parts: Vec<(Self, Vec<u16>, f64)>) -> Self {
        Self(Kind::Blend(Box::new(Blend::new(vocab, parts))))
    }

    /// Predicts what followed the last occurrence of the last token, with a little probability for
    /// every token.
    pub fn copy(vocab: usize) -> Self {
        Self(Kind::Copy(Copy::new(vocab)))
    }

    /// Bayes over the n-gram models of several topics, with the given prior weights (not negative,
    /// not all 0).
    pub fn ngrams(model: Arc<Ngrams>, weights: &[f64]) -> Self {
        Self(Kind::Ngrams(NgramFilter::new(model, weights)))
    }

    /// V: how many tokens there are.
    pub fn vocab(&self) -> usize {
        each!(&self.0, f => f.vocab())
    }

    /// Forgets the sequence: goes back to before the first token.
    pub fn reset(&mut self) {
        each!(&mut self.0, f => f.reset());
    }

    /// P(next token | observed so far) for each of the V tokens; `out` has V entries, which sum to 1.
    pub fn predict(&mut self, out: &mut [f64]) {
        each!(&mut self.0, f => f.predict(out));
    }

    /// Conditions on the next token of the sequence.
    pub fn observe(&mut self, token: u16) {
        each!(&mut self.0, f => f.observe(token));
    }

    /// P(component | observed so far); `None` for a predictor that is no finite mixture.
    pub fn posterior(&self) -> Option<&[f64]> {
        match &self.0 {
            Kind::Mixture(mixture) => Some(mixture.posterior()),
            _ => None,
        }
    }

    /// Writes P(component, state | observed so far) of a finite mixture to `out`, which has an
    /// entry for each state of all components together. Other predictors leave it alone.
    pub fn belief(&self, out: &mut [f64]) {
        if let Kind::Mixture(mixture) = &self.0 {
            mixture.belief(out);
        }
    }
}

/// Normalised exponentials of `logs` into `out`; false, and `out` untouched, where all are minus infinity.
pub(super) fn softmax(logs: &[f64], out: &mut [f64]) -> bool {
    /// Shares below e^-40 of the largest are beneath rounding; their exponentials are not worth taking.
    const NEGLIGIBLE: f64 = -40.0;
    let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if top == f64::NEG_INFINITY {
        return false;
    }
    let mut sum = 0.0;
    for (slot, log) in out.iter_mut().zip(logs) {
        let relative = log - top;
        *slot = if relative > NEGLIGIBLE { relative.exp() } else { 0.0 };
        sum += *slot;
    }
    for slot in out.iter_mut() {
        *slot /= sum;
    }
    true
}
