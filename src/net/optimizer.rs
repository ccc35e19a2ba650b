//! AdamW over one flat parameter vector, with the gradient's global norm clipped.
//!
//! burn-optim's AdamW steps each tensor by itself and clips each by its own norm; a tiny net has some thirty tensors, so the flat
//! form is a thirtieth of the operations, and clipping by the global norm is what the field means by clipping.

use burn::tensor::{Device, Tensor, TensorData};

use super::{
    fused::{floats, tensor},
    layout::Layout,
};
use crate::experiment::Training;

/// What AdamW remembers, in plain memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    pub first: Vec<f32>,
    pub second: Vec<f32>,
    /// Steps taken.
    pub steps: i32,
}

/// State of the optimiser; all tensors are flat, without autodiff.
pub struct AdamW {
    first: Tensor<1>,
    second: Tensor<1>,
    decay_mask: Option<Tensor<1>>,
    steps: i32,
}

impl AdamW {
    pub fn new(layout: &Layout, training: &Training, device: &Device) -> Self {
        let decay_mask = (training.weight_decay > 0.0)
            .then(|| Tensor::from_data(TensorData::new(layout.decay_mask(), [layout.len]), device));
        Self {
            first: Tensor::zeros([layout.len], device),
            second: Tensor::zeros([layout.len], device),
            decay_mask,
            steps: 0,
        }
    }

    /// What it remembers; of one on the CPU.
    pub fn moments(&self) -> Moments {
        Moments { first: floats(self.first.clone()), second: floats(self.second.clone()), steps: self.steps }
    }

    /// The same as tensors on its device, which a GPU's reader waits for: first and second moment, and steps taken.
    pub fn tensors(&self) -> (Tensor<1>, Tensor<1>, i32) {
        (self.first.clone(), self.second.clone(), self.steps)
    }

    /// Goes on from what another remembers.
    pub fn resume(&mut self, moments: Moments) {
        let device = self.first.device();
        (self.first, self.second) = (tensor(moments.first, &device), tensor(moments.second, &device));
        self.steps = moments.steps;
    }

    /// One step: `parameters` and `gradient` are flat; gives the new parameters.
    pub fn step(
        &mut self,
        parameters: Tensor<1>,
        gradient: Tensor<1>,
        learning_rate: f64,
        training: &Training,
    ) -> Tensor<1> {
        let gradient = clipped(gradient, training.clip);
        self.steps += 1;
        let Training { beta1, beta2, epsilon, .. } = *training;
        self.first = self.first.clone() * beta1 + gradient.clone() * (1.0 - beta1);
        self.second = self.second.clone() * beta2 + gradient.square() * (1.0 - beta2);
        let first = self.first.clone() * (1.0 / (1.0 - beta1.powi(self.steps)));
        let second = self.second.clone() * (1.0 / (1.0 - beta2.powi(self.steps)));
        let update = first / (second.sqrt() + epsilon) * learning_rate;
        match &self.decay_mask {
            Some(mask) => {
                let decay = parameters.clone() * mask.clone() * (learning_rate * training.weight_decay);
                parameters - update - decay
            }
            None => parameters - update,
        }
    }
}

/// A flat gradient, scaled down to norm `clip` where it is longer; 0 leaves it alone.
pub fn clipped(gradient: Tensor<1>, clip: f64) -> Tensor<1> {
    if clip <= 0.0 {
        return gradient;
    }
    let norm = gradient.clone().square().sum().sqrt();
    // clip / max(norm, clip): 1 while the norm is within.
    gradient * (norm.clamp_min(clip).recip() * clip)
}
