//! What an ideal learner does: curves, levels, the bound. Pure Rust, f64; knows no net and no browser.

pub mod bound;
pub mod curve;
