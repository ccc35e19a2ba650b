//! A net's training step on one CPU core, by hand: loss and gradient of transformers, GRUs and LSTMs, predictions, AdamW, in f32; and the
//! sums behind least squares, in f64. Slices in, slices out; knows neither burn nor the browser.
//!
//! A crate of its own because it is compiled for speed where the rest of the engine is compiled for size, and because it alone may use
//! `unsafe`: for the machine's vectors (`simd`) and the innermost loop of `matmul`.

#![warn(missing_docs)]

mod adamw;
mod attention;
mod crossed;
mod embedding;
mod gates;
mod head;
mod linear;
mod math;
mod matmul;
mod net;
mod profile;
mod recurrent;
mod rotary;
mod rows;
mod shape;
mod share;
mod simd;
#[cfg(test)]
mod tests;
mod transformer;
mod words;

pub use adamw::{AdamWParams, adamw, sum_of_squares};
pub use crossed::add_crossed;
pub use matmul::square_product;
pub use net::{ActivationCapture, Cells, Net};
pub use profile::{Part, Profile, Work};
pub use shape::{Architecture, Kind, Mlp, Positions, Shape};
pub use share::{part, weighted};
