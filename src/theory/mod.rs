//! What an ideal learner does: curves, levels, the bound. Pure Rust, f64; knows no net and no browser.

pub mod baselines;
pub mod belief;
pub mod bigram;
pub mod bound;
pub mod certificate;
pub mod coins;
pub mod curve;
pub mod curves;
pub mod entropy;
pub mod equivalence;
pub mod levels;
pub mod limits;
pub mod linear;
pub mod monte_carlo;
pub mod text;

pub use curves::{Budget, Curves};

#[cfg(test)]
mod tests;
