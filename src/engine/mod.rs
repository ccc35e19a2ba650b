//! Training sessions: device choice, steps, evaluation. Knows no page; speaks `protocol` to whoever drives it.

#[cfg(target_arch = "wasm32")]
mod adapter;
mod asked;
pub mod bench;
pub mod cell;
pub mod certify;
pub mod checkpoint;
pub mod clock;
pub mod conclusion;
#[cfg(target_arch = "wasm32")]
pub mod corpus;
mod curve_cache;
pub mod device;
pub mod differences;
pub mod error;
pub mod evaluator;
pub mod gaps;
pub mod priors;
pub mod probes;
pub mod profile;
pub mod recorded_curves;
pub mod recording;
pub mod scales;
pub mod session;
pub mod sweeps;
pub mod team;
pub mod trainer;
#[cfg(all(target_arch = "wasm32", feature = "gpu"))]
pub mod webgpu;
#[cfg(target_arch = "wasm32")]
pub mod worker;

// Natively only: tests/web.rs is what runs in a browser.
#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests;
