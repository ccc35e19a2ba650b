//! Captures the activations of a forward pass: who attends to what, and what the residual stream holds.

use burn::tensor::{Tensor, TensorData};

/// What a forward pass with a capture gives; nothing is read back yet.
pub struct CapturedTensors {
    /// As [`super::network::Network::forward`] gives it: [rows · T, outputs].
    pub output: Tensor<2>,
    /// Of each block, after the softmax: [rows, heads, T, T], query by key. Empty in a net without attention.
    pub attention: Vec<Tensor<4>>,
    /// [rows · T, width] each, of the layers that [`experiment::Net::residual_layers`] names.
    pub residual: Vec<Tensor<2>>,
}

/// Collects while the pass goes on. A pass without one keeps nothing and does nothing more.
pub struct TensorCapture {
    ablated: Vec<(usize, usize)>,
    pub attention: Vec<Tensor<4>>,
    pub residual: Vec<Tensor<2>>,
}

impl TensorCapture {
    /// `ablated`: (block, head), both from 0, of the heads to be ablated.
    pub fn ablating(ablated: &[(usize, usize)]) -> Self {
        Self { ablated: ablated.to_vec(), attention: Vec::new(), residual: Vec::new() }
    }

    /// What the heads of `block` give, [rows, heads, T, head], with 0 for those that are ablated.
    pub fn ablate(&self, block: usize, mixed: Tensor<4>) -> Tensor<4> {
        let heads = mixed.dims()[1];
        let keep: Vec<f32> = (0..heads).map(|h| f32::from(u8::from(!self.ablated.contains(&(block, h))))).collect();
        if keep.iter().all(|k| *k == 1.0) {
            return mixed;
        }
        let device = mixed.device();
        mixed * Tensor::from_data(TensorData::new(keep, [1, heads, 1, 1]), &device)
    }
}
