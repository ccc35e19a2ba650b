//! Exact predictors as streaming filters: what comes next, given what came before.

mod beta_coin;
mod chains;
mod dirichlet_chains;
mod mixture;

use std::sync::Arc;

use super::{Chain, Mixture};
use beta_coin::BetaCoin;
use chains::Chains;
use dirichlet_chains::DirichletChains;
pub use dirichlet_chains::particle_updates;
use mixture::MixtureFilter;

/// The predictive law of the next token. Starts before the first token; no step allocates.
///
/// A token that the model holds impossible tells it nothing it can use: the filter then starts over from its prior,
/// and the next prediction is again that of the first position.
#[derive(Clone, Debug)]
pub struct Filter(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Mixture(MixtureFilter),
    Chains(Chains),
    BetaCoin(BetaCoin),
    DirichletChains(Box<DirichletChains>),
}

impl Filter {
    /// The component is hidden, with the given prior weights (not negative, not all 0).
    pub fn mixture(mixture: Arc<Mixture>, weights: Vec<f64>) -> Self {
        Self(Kind::Mixture(MixtureFilter::new(mixture, &weights)))
    }

    /// One of the chains, each equally likely beforehand, over `vocab` tokens.
    pub fn chains(vocab: usize, chains: &[Chain]) -> Self {
        Self(Kind::Chains(Chains::new(vocab, chains)))
    }

    /// P(token 0) ~ Beta(a, b).
    pub fn beta_coin(a: f64, b: f64) -> Self {
        Self(Kind::BetaCoin(BetaCoin::new(a, b)))
    }

    /// A k-state chain with Dirichlet(alpha) rows and a first token from its stationary law.
    pub fn dirichlet_chains(k: usize, alpha: f64) -> Self {
        Self(Kind::DirichletChains(Box::new(DirichletChains::new(k, alpha))))
    }

    /// V.
    pub fn vocab(&self) -> usize {
        match &self.0 {
            Kind::Mixture(f) => f.vocab(),
            Kind::Chains(f) => f.vocab(),
            Kind::BetaCoin(_) => 2,
            Kind::DirichletChains(f) => f.vocab(),
        }
    }

    /// Back to before the first token.
    pub fn reset(&mut self) {
        match &mut self.0 {
            Kind::Mixture(f) => f.reset(),
            Kind::Chains(f) => f.reset(),
            Kind::BetaCoin(f) => f.reset(),
            Kind::DirichletChains(f) => f.reset(),
        }
    }

    /// P(next token | observed so far) for each of the V tokens; `out` has V entries, which sum to 1.
    pub fn predict(&mut self, out: &mut [f64]) {
        match &mut self.0 {
            Kind::Mixture(f) => f.predict(out),
            Kind::Chains(f) => f.predict(out),
            Kind::BetaCoin(f) => f.predict(out),
            Kind::DirichletChains(f) => f.predict(out),
        }
    }

    pub fn observe(&mut self, token: u16) {
        match &mut self.0 {
            Kind::Mixture(f) => f.observe(token),
            Kind::Chains(f) => f.observe(token),
            Kind::BetaCoin(f) => f.observe(token),
            Kind::DirichletChains(f) => f.observe(token),
        }
    }
}

/// Normalised exponentials of `logs` into `out`; false, and `out` untouched, where all are minus infinity.
fn softmax(logs: &[f64], out: &mut [f64]) -> bool {
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
