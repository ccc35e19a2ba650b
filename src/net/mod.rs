//! The models, in burn. Knows worlds only as token indices or vectors.
//!
//! All parameters live in one flat vector ([`layout::Layout`] says what lies where), so that the optimiser is a handful
//! of operations whatever the depth, and distances between models are one subtraction.

pub mod capture;
pub mod fused;
pub mod langevin;
pub mod layout;
pub mod network;
pub mod optimizer;
mod parameters;
mod recurrent;
mod transformer;

// Natively only: tests/web.rs is what runs in a browser.
#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests;
