//! A net's step on WebGPU: a few dozen dispatches of kernels written for it, on burn's own buffers.
//!
//! The kernels are WGSL, which a browser takes as it is: they are developed and measured in a page within seconds, they say exactly
//! what they load, and every size is a constant of theirs. Each invocation holds a tile of 8 x 8 numbers in registers and loads whole
//! vectors, which serves a GPU, and SwiftShader, whose loads cost some ten times its arithmetic; only where times wait for each other, and
//! where a list is summed up, is there a barrier or workgroup memory. No sum depends on who comes first, so that a step is the same every time.

pub mod adamw;
mod packing;
pub mod program;
mod recurrent;
pub mod step;
mod template;

#[cfg(all(target_arch = "wasm32", feature = "gpu"))]
mod launch;

#[cfg(all(target_arch = "wasm32", feature = "gpu"))]
pub use launch::{AdamW, Passes};

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests;
