//! Nets on the CPU without tensors: the step of `kernels`, behind the same doors as the plain composition of burn's
//! operations ([`super::network`]), which stays what everything else is computed by and what this is tested against.

mod adamw;
pub mod gpu;

// Natively only, as the tests beside this module.
#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests;

use std::cell::RefCell;

use burn::tensor::{Device, Tensor, TensorData};
use kernels::{Cells, Kind, Profile, Shape, Work};

pub use adamw::AdamW;
pub use kernels::ActivationCapture;

use crate::{
    experiment::{Architecture, Mlp, Net, Norm, Observation, Positions},
    world::Rows,
};

/// How a net is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Composition {
    /// burn's tensors and its autodiff: any net on any device.
    Plain,
    /// Hand-written passes: on the CPU, and on WebGPU but for activation captures.
    Fused,
}

impl Composition {
    pub fn quickest(device: &Device) -> Self {
        let shaders = cfg!(all(target_arch = "wasm32", feature = "gpu"));
        if *device == Device::flex() || shaders { Self::Fused } else { Self::Plain }
    }
}

/// A net's passes with their buffers. Parameters are the CPU's tensors, flat, in the layout's order.
pub struct Fused {
    // A step needs its buffers for itself, and who asks for a gradient holds the trainer only by reference.
    passes: RefCell<kernels::Net>,
}

impl Fused {
    /// For sequences of `length` cells.
    pub fn new(net: &Net, observation: Observation, length: usize) -> Self {
        Self { passes: RefCell::new(kernels::Net::new(shape(net, observation, length))) }
    }

    /// Mean loss on `rows` and its flat gradient.
    pub fn loss_and_gradient(&self, flat: &Tensor<1>, rows: &Rows) -> (Tensor<1>, Tensor<1>) {
        let mut gradient = vec![0.0; flat.dims()[0]];
        let loss = self.passes.borrow_mut().loss_and_gradient(&floats(flat.clone()), cells(rows), &mut gradient);
        let device = flat.device();
        (tensor(vec![loss as f32], &device), tensor(gradient, &device))
    }

    /// The predictive distribution of each cell, [rows, T, outputs].
    pub fn predictions(&self, flat: &Tensor<1>, rows: &Rows) -> Vec<f32> {
        let mut out = Vec::new();
        self.passes.borrow_mut().predict(&floats(flat.clone()), cells(rows), &mut out, None);
        out
    }

    /// ln p of each cell that is there, [rows, T].
    pub fn log_likelihoods(&self, flat: &Tensor<1>, rows: &Rows) -> Vec<f32> {
        let mut out = Vec::with_capacity(rows.len());
        self.passes.borrow_mut().log_likelihoods(&floats(flat.clone()), cells(rows), &mut out);
        out
    }

    /// From here on a stop-watch runs (`now`: milliseconds), for [`Self::profile`].
    pub fn start_profile(&self, now: fn() -> f64) {
        self.passes.borrow_mut().profile = Some(Profile::new(now));
    }

    /// Of each part of a step: its name, milliseconds since [`Self::start_profile`], and the work of one step on `cells` cells.
    pub fn profile(&self, cells: usize) -> Vec<(&'static str, f64, Work)> {
        let passes = self.passes.borrow();
        let Some(profile) = &passes.profile else { return Vec::new() };
        let shape = passes.shape();
        shape.parts().iter().map(|part| (part.name(), profile.spent(*part), shape.work(*part, cells))).collect()
    }

    /// Predictions, and the activations that `capture` asks for.
    pub fn capture(&self, flat: &Tensor<1>, rows: &Rows, capture: &mut ActivationCapture) -> Vec<f32> {
        let mut out = Vec::new();
        self.passes.borrow_mut().predict(&floats(flat.clone()), cells(rows), &mut out, Some(capture));
        out
    }
}

/// The description of a net for `kernels`.
pub fn shape(net: &Net, observation: Observation, length: usize) -> Shape {
    Shape {
        kind: match observation {
            Observation::Tokens(vocab) => Kind::Tokens(vocab),
            Observation::Vectors(dimension) => Kind::Vectors(dimension),
        },
        architecture: match net.architecture {
            Architecture::Transformer => kernels::Architecture::Transformer,
            Architecture::Gru => kernels::Architecture::Gru,
            Architecture::Lstm => kernels::Architecture::Lstm,
        },
        length,
        blocks: net.blocks,
        width: net.width,
        one_hot: net.reads_one_hot(observation),
        context: net.context,
        heads: net.heads,
        kv_heads: net.kv_heads,
        head_width: net.head_width(),
        mlp: match net.mlp {
            Mlp::None => kernels::Mlp::None,
            Mlp::Gelu => kernels::Mlp::Gelu,
            Mlp::Gated => kernels::Mlp::Gated,
            Mlp::Geglu => kernels::Mlp::Geglu,
        },
        mlp_width: net.mlp_width(),
        positions: match net.positions {
            Positions::Learned => kernels::Positions::Learned,
            Positions::Rotary => kernels::Positions::Rotary,
            Positions::Alibi => kernels::Positions::Alibi,
        },
        layer_norm: net.norm == Norm::LayerNorm,
        epsilon: net.norm_epsilon as f32,
    }
}

/// The description of a batch for `kernels`.
pub fn cells(rows: &Rows) -> Cells<'_> {
    match rows {
        Rows::Tokens(tokens) => Cells::Tokens(tokens),
        Rows::Vectors { dimension, values } => Cells::Vectors { dimension: *dimension, values },
    }
}

/// What a tensor on the CPU holds.
#[expect(clippy::expect_used, reason = "f32 in memory: nothing to wait for, nothing to convert")]
pub fn floats(tensor: Tensor<1>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("parameters are f32")
}

pub fn tensor(values: Vec<f32>, device: &Device) -> Tensor<1> {
    let shape = [values.len()];
    Tensor::from_data(TensorData::new(values, shape), device)
}
