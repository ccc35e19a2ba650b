//! What an ideal predictor does: curves, levels, the bound. Pure Rust, f64; knows no net and no browser. Stands on `worlds` and
//! `experiment`.
//!
//! Start reading at [`Curves`] (the loss of exact Bayes by position) and [`bound`] (the terms of the generalization bound).
//!
//! ```
//! use theory::{Budget, Curves};
//! let world = worlds::World::new(&"coin:p=0.5".parse().unwrap()).unwrap();
//! let curves = Curves::compute(&world, 4, &Budget::default());
//! assert!((curves.bayes.values[0] - std::f64::consts::LN_2).abs() < 1e-12);
//! ```

#![warn(missing_docs)]

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
