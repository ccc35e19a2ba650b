//! Stochastic gradient Langevin dynamics: θ - η g + sqrt(2η/β) ξ (Welling and Teh 2011, with temperature 1/β).

use burn::tensor::{Device, Tensor, TensorData};

use super::layout::Layout;
use crate::{
    experiment::Training,
    world::rng::{Purpose, Stream},
};

/// State of the dynamics: only where its noise comes from.
pub struct Langevin {
    seed: u64,
    decay_mask: Tensor<1>,
}

impl Langevin {
    pub fn new(layout: &Layout, seed: u64, device: &Device) -> Self {
        Self { seed, decay_mask: Tensor::from_data(TensorData::new(layout.decay_mask(), [layout.len]), device) }
    }

    /// Step number `step` (0-based): `parameters` and `gradient` are flat; gives the new parameters. Weight decay is part of the drift.
    pub fn step(
        &self,
        step: usize,
        parameters: Tensor<1>,
        gradient: Tensor<1>,
        learning_rate: f64,
        training: &Training,
    ) -> Tensor<1> {
        let [len] = parameters.dims();
        let noise = noise(len, &mut Stream::new(self.seed, Purpose::Langevin, step as u64), &parameters.device());
        let spread = (2.0 * learning_rate / training.inverse_temperature).sqrt();
        let decay = parameters.clone() * self.decay_mask.clone() * (learning_rate * training.weight_decay);
        parameters - gradient * learning_rate - decay + noise * spread
    }

    /// KL between two steps with the same noise whose gradients differ by `squared` = ‖g - g'‖²: two Gaussians of variance 2η/β
    /// whose means are η ‖g - g'‖ apart have (β η/4) ‖g - g'‖².
    pub fn kl(squared: f64, learning_rate: f64, training: &Training) -> f64 {
        0.25 * training.inverse_temperature * learning_rate * squared
    }
}

/// Standard normal noise, the same numbers on every device.
pub fn noise(len: usize, stream: &mut Stream, device: &Device) -> Tensor<1> {
    let values: Vec<f32> = (0..len).map(|_| stream.normal() as f32).collect();
    Tensor::from_data(TensorData::new(values, [len]), device)
}
