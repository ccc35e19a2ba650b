//! AdamW with clipping in two passes over the flat parameters: the gradient's length, then everything else.

use burn::tensor::Tensor;
use kernels::{AdamWParams, adamw, sum_of_squares};

use super::{floats, tensor};
use crate::{
    experiment::Training,
    net::{layout::Layout, optimizer::Moments},
};

/// State of the optimiser: as [`crate::net::optimizer::AdamW`], in plain memory.
pub struct AdamW {
    first: Vec<f32>,
    second: Vec<f32>,
    /// Lengths of the stretches in which weight decay applies or does not, one behind the other.
    stretches: Vec<(usize, bool)>,
    steps: i32,
}

impl AdamW {
    pub fn new(layout: &Layout) -> Self {
        let mut stretches: Vec<(usize, bool)> = Vec::new();
        for entry in &layout.entries {
            match stretches.last_mut() {
                Some((len, decays)) if *decays == entry.decays() => *len += entry.len(),
                _ => stretches.push((entry.len(), entry.decays())),
            }
        }
        Self { first: vec![0.0; layout.len], second: vec![0.0; layout.len], stretches, steps: 0 }
    }

    pub fn moments(&self) -> Moments {
        Moments { first: self.first.clone(), second: self.second.clone(), steps: self.steps }
    }

    /// Goes on from what another remembers.
    pub fn resume(&mut self, moments: Moments) {
        (self.first, self.second, self.steps) = (moments.first, moments.second, moments.steps);
    }

    /// One step: `parameters` and `gradient` are flat, on the CPU; gives the new parameters.
    pub fn step(
        &mut self,
        parameters: Tensor<1>,
        gradient: Tensor<1>,
        learning_rate: f64,
        training: &Training,
    ) -> Tensor<1> {
        let device = parameters.device();
        let (mut parameters, gradient) = (floats(parameters), floats(gradient));
        self.steps += 1;
        let Training { beta1, beta2, epsilon, .. } = *training;
        let mut params = AdamWParams {
            clip: 1.0,
            beta_1: beta1 as f32,
            rest_1: (1.0 - beta1) as f32,
            beta_2: beta2 as f32,
            rest_2: (1.0 - beta2) as f32,
            first_scale: (1.0 / (1.0 - beta1.powi(self.steps))) as f32,
            second_scale: (1.0 / (1.0 - beta2.powi(self.steps))) as f32,
            epsilon: epsilon as f32,
            learning_rate: learning_rate as f32,
            decay: 0.0,
        };
        if training.clip > 0.0 {
            let clip = training.clip as f32;
            params.clip = clip / sum_of_squares(&gradient).sqrt().max(clip);
        }
        let mut at = 0;
        for &(len, decays) in &self.stretches {
            params.decay = if decays { (learning_rate * training.weight_decay) as f32 } else { 0.0 };
            let part = at..at + len;
            adamw(
                &mut parameters[part.clone()],
                &gradient[part.clone()],
                &mut self.first[part.clone()],
                &mut self.second[part],
                params,
            );
            at += len;
        }
        tensor(parameters, &device)
    }
}
