//! A transformer's training step on one CPU core, by hand: loss and gradient, predictions, AdamW, in f32; and the sums behind least
//! squares, in f64. Slices in, slices out; knows neither burn nor the browser.
//!
//! A crate of its own because it is compiled for speed where the rest of the engine is compiled for size, and because it alone may use
//! `unsafe`: for the machine's vectors ([`simd`]) and the innermost loop of [`matmul`].

mod adamw;
mod attention;
mod crossed;
mod head;
mod linear;
mod math;
mod matmul;
mod profile;
mod rotary;
mod rows;
mod shape;
mod share;
mod simd;
#[cfg(test)]
mod tests;
mod transformer;
mod words;

pub use adamw::{Pace, adamw, sum_of_squares};
pub use crossed::add_crossed;
pub use profile::{Part, Profile, Work};
pub use shape::{Kind, Mlp, Positions, Shape};
pub use share::{part, weighted};
pub use transformer::{Cells, Transformer, Watch};
