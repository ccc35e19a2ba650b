//! One learner on one device: steps, predictions, distance travelled.

use burn::tensor::{Device, Tensor, TensorData};

use super::error::EngineError;
use crate::{
    experiment::{Experiment, Observation, Training},
    net::{
        optimizer::AdamW,
        transformer::{Constants, Transformer},
    },
    world::Rows,
};

/// The seed's learner, ready to take steps. All losses are means over the batch and all positions, nats per token
/// or vector.
pub struct Trainer {
    net: Transformer,
    constants: Constants,
    training: Training,
    device: Device,
    /// All parameters, flat, without autodiff.
    flat: Tensor<1>,
    start: Tensor<1>,
    optimizer: AdamW,
    steps: usize,
}

impl Trainer {
    /// `device` without autodiff.
    pub fn new(experiment: &Experiment, observation: Observation, device: &Device) -> Self {
        let net = Transformer::new(&experiment.net, observation);
        let constants = net.constants(experiment.data.length, device);
        let initial = net.layout.initial(experiment.seed);
        let flat = Tensor::from_data(TensorData::new(initial, [net.layout.len]), device);
        let optimizer = AdamW::new(&net.layout, &experiment.training, device);
        Self {
            constants,
            training: experiment.training.clone(),
            device: device.clone(),
            start: flat.clone(),
            flat,
            optimizer,
            steps: 0,
            net,
        }
    }

    pub fn steps(&self) -> usize {
        self.steps
    }

    pub fn net(&self) -> &Transformer {
        &self.net
    }

    /// The flat vector cut into the layout's matrices.
    fn leaves(&self) -> Vec<Tensor<2>> {
        let cut = |e: &crate::net::layout::Entry| {
            self.flat.clone().slice_dim(0, e.offset..e.offset + e.len()).reshape(e.shape)
        };
        self.net.layout.entries.iter().map(cut).collect()
    }

    fn forward(&self, leaves: &[Tensor<2>], rows: &Rows) -> Tensor<2> {
        self.net.forward(leaves, self.net.inputs(rows, self.constants.length, &self.device), &self.constants)
    }

    /// Mean loss on `rows` (sequences of length T) and its gradient, flat; neither is read back yet.
    pub fn gradient(&self, rows: &Rows) -> (Tensor<1>, Tensor<1>) {
        let leaves: Vec<Tensor<2>> = self.leaves().into_iter().map(|t| t.autodiff().require_grad()).collect();
        let output = self.forward(&leaves, rows);
        let loss = self.net.log_likelihood(output, rows, &self.device).mean().neg();
        let mut gradients = loss.backward();
        let flat = leaves
            .iter()
            .map(|leaf| match leaf.grad_remove(&mut gradients) {
                Some(g) => g.reshape([-1]),
                // A parameter that the loss does not touch.
                None => Tensor::zeros([leaf.dims()[0] * leaf.dims()[1]], &self.device),
            })
            .collect();
        (loss.without_autodiff(), Tensor::cat(flat, 0))
    }

    /// One optimiser step on a batch; gives its loss, not read back yet.
    pub fn step(&mut self, rows: &Rows) -> Tensor<1> {
        let (loss, gradient) = self.gradient(rows);
        let rate = self.training.learning_rate_at(self.steps);
        self.flat = self.optimizer.step(self.flat.clone(), gradient, rate, &self.training);
        self.steps += 1;
        loss
    }

    /// The predictive law of each cell, as [`Transformer::forward`] gives it: [rows, T, outputs] row-major. Works through `chunk`
    /// sequences at a time.
    pub async fn predictions(&self, rows: &Rows, chunk: usize) -> Result<Vec<f32>, EngineError> {
        self.in_chunks(rows, chunk, |_, output| output).await
    }

    /// ln p of each cell that is there: [rows, T] row-major. Nothing as large as a vocabulary leaves the device.
    pub async fn log_likelihoods(&self, rows: &Rows, chunk: usize) -> Result<Vec<f32>, EngineError> {
        self.in_chunks(rows, chunk, |part, output| self.net.log_likelihood(output, part, &self.device)).await
    }

    async fn in_chunks(
        &self,
        rows: &Rows,
        chunk: usize,
        of: impl Fn(&Rows, Tensor<2>) -> Tensor<2>,
    ) -> Result<Vec<f32>, EngineError> {
        let leaves = self.leaves();
        let mut out = Vec::new();
        let cells = chunk.max(1) * self.constants.length;
        for start in (0..rows.len()).step_by(cells) {
            let part = rows.cells(start..(start + cells).min(rows.len()));
            let output = self.forward(&leaves, &part);
            out.extend(read(of(&part, output)).await?);
        }
        Ok(out)
    }

    /// ‖θ - θ_0‖² over all parameters.
    pub async fn squared_distance(&self) -> Result<f64, EngineError> {
        let sum = (self.flat.clone() - self.start.clone()).square().sum();
        Ok(f64::from(read(sum).await?.first().copied().unwrap_or(f32::NAN)))
    }

    /// All parameters, flat.
    pub async fn parameters(&self) -> Result<Vec<f32>, EngineError> {
        read(self.flat.clone()).await
    }

    /// Replaces the parameters; what is too long or short is a caller's mistake, caught in debug builds.
    pub fn set_parameters(&mut self, values: Vec<f32>) {
        debug_assert_eq!(values.len(), self.net.layout.len);
        self.flat = Tensor::from_data(TensorData::new(values, [self.net.layout.len]), &self.device);
    }
}

/// Reads a tensor back; the only place where the engine waits for a device.
pub async fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, EngineError> {
    let data = tensor.into_data_async().await.map_err(|e| EngineError::Read(format!("{e:?}")))?;
    data.try_to_vec::<f32>().map_err(|e| EngineError::Read(format!("{e:?}")))
}
