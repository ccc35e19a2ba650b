//! A net as a whole: tokens in and log-probabilities out, or vectors in and Gaussians out. Only the two ends differ; what lies
//! between them is a trunk.

use burn::tensor::{Device, Int, Tensor, TensorData, activation};

use super::{
    capture::{CapturedTensors, TensorCapture},
    layout::Layout,
    parameters::Parameters,
    recurrent, transformer,
};
use crate::{
    experiment::{Architecture, Net, Observation},
    world::Rows,
};

/// The net's shape and the layout of its parameters, which come from outside.
pub struct Network {
    pub config: Net,
    pub observation: Observation,
    pub layout: Layout,
}

/// Constants that depend on the sequence length: made once for each length used.
pub struct Constants {
    pub length: usize,
    /// Of a transformer.
    trunk: Option<transformer::Constants>,
}

/// What a net reads, on its device: from [`Network::inputs`].
pub enum Inputs {
    /// [rows · T]
    Tokens(Tensor<1, Int>),
    /// [rows · T, d + 2]
    Vectors(Tensor<2>),
}

impl Network {
    pub fn new(config: &Net, observation: Observation) -> Self {
        Self { config: config.clone(), observation, layout: Layout::new(config, observation) }
    }

    pub fn constants(&self, length: usize, device: &Device) -> Constants {
        let trunk = (self.config.architecture == Architecture::Transformer)
            .then(|| transformer::Constants::new(&self.config, length, device));
        Constants { length, trunk }
    }

    /// What the model reads to predict `rows` (sequences of `length` cells): the start token, and all cells but the last.
    pub fn inputs(&self, rows: &Rows, length: usize, device: &Device) -> Inputs {
        match rows {
            Rows::Tokens(tokens) => {
                let start = self.observation.size() as i32;
                let mut out = Vec::with_capacity(tokens.len());
                for row in tokens.chunks_exact(length) {
                    out.push(start);
                    out.extend(row[..length - 1].iter().map(|&t| i32::from(t)));
                }
                let shape = [out.len()];
                Inputs::Tokens(Tensor::from_data(TensorData::new(out, shape), device))
            }
            Rows::Vectors { dimension, values } => {
                // The entries, then 1 for the bias of a vector, or 1 for the start.
                let width = dimension + 2;
                let mut out = Vec::with_capacity(rows.len() * width);
                for row in values.chunks_exact(length * dimension) {
                    out.resize(out.len() + width - 1, 0.0);
                    out.push(1.0);
                    for x in row.chunks_exact(*dimension).take(length - 1) {
                        out.extend_from_slice(x);
                        out.extend([1.0, 0.0]);
                    }
                }
                let shape = [rows.len(), width];
                Inputs::Vectors(Tensor::from_data(TensorData::new(out, shape), device))
            }
        }
    }

    /// The predictive distribution of each cell, [rows · T, outputs]: log-probabilities over tokens (natural log), or a Gaussian's mean
    /// entries and the logarithm of its variance.
    ///
    /// `parameters`: the layout's entries in order. `inputs`: [rows · T] cells from [`Self::inputs`].
    pub fn forward(&self, parameters: &[Tensor<2>], inputs: Inputs, constants: &Constants) -> Tensor<2> {
        self.pass(parameters, inputs, constants, None)
    }

    /// The same with captured activations, and without the heads (block, head; both from 0) in `ablated`: what such a head adds to the
    /// residual stream is taken away (zero ablation). Heads that the net does not have change nothing.
    pub fn forward_captured(
        &self,
        parameters: &[Tensor<2>],
        inputs: Inputs,
        constants: &Constants,
        ablated: &[(usize, usize)],
    ) -> CapturedTensors {
        let mut capture = TensorCapture::ablating(ablated);
        let output = self.pass(parameters, inputs, constants, Some(&mut capture));
        CapturedTensors { output, attention: capture.attention, residual: capture.residual }
    }

    fn pass(
        &self,
        parameters: &[Tensor<2>],
        inputs: Inputs,
        constants: &Constants,
        capture: Option<&mut TensorCapture>,
    ) -> Tensor<2> {
        let mut p = Parameters::new(parameters, &self.config);
        // The embedding, or the first layer's matrix where that reads one-hot tokens.
        let embedding = p.next();
        let x = match inputs {
            Inputs::Tokens(indices) => embedding.select(0, indices),
            Inputs::Vectors(values) => values.matmul(embedding),
        };
        let x = match &constants.trunk {
            Some(trunk) => transformer::trunk(&self.config, &mut p, x, trunk, capture),
            None => {
                let one_hot = self.config.reads_one_hot(self.observation);
                recurrent::trunk(&self.config, &mut p, x, constants.length, one_hot, capture)
            }
        };
        let out = p.linear(x);
        if self.observation.is_vectors() { out } else { activation::log_softmax(out, 1) }
    }

    /// ln p of each cell of `rows` under what [`Self::forward`] gave for them: [rows · T, 1].
    pub fn log_likelihood(&self, output: Tensor<2>, rows: &Rows, device: &Device) -> Tensor<2> {
        let cells = rows.len();
        match rows {
            Rows::Tokens(tokens) => {
                let targets: Vec<i32> = tokens.iter().map(|&t| i32::from(t)).collect();
                let targets = Tensor::<1, Int>::from_data(TensorData::new(targets, [cells]), device);
                output.gather(1, targets.reshape([cells, 1]))
            }
            Rows::Vectors { dimension, values } => {
                let d = *dimension;
                let targets = Tensor::<2>::from_data(TensorData::new(values.clone(), [cells, d]), device);
                let (mean, log_variance) = (output.clone().slice_dim(1, 0..d), output.slice_dim(1, d..d + 1));
                let square = (targets - mean).square().sum_dim(1);
                let twice =
                    (log_variance.clone() + std::f64::consts::TAU.ln()) * d as f64 + square * log_variance.neg().exp();
                twice * -0.5
            }
        }
    }
}
