//! One learner on one device: steps, log-probabilities, distance travelled.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::error::EngineError;
use crate::{
    experiment::{Experiment, Training},
    net::{
        optimizer::AdamW,
        transformer::{Constants, Transformer},
    },
};

/// The seed's learner, ready to take steps. All losses are means over the batch and all positions, nats per token.
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
    pub fn new(experiment: &Experiment, vocab: usize, device: &Device) -> Self {
        let net = Transformer::new(&experiment.net, vocab);
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

    fn indices(&self, values: Vec<i32>) -> Tensor<1, Int> {
        let shape = [values.len()];
        Tensor::from_data(TensorData::new(values, shape), &self.device)
    }

    /// Mean loss on `tokens` ([rows, T] row-major) and its gradient, flat; neither is read back yet.
    pub fn gradient(&self, tokens: &[u16]) -> (Tensor<1>, Tensor<1>) {
        let leaves: Vec<Tensor<2>> = self.leaves().into_iter().map(|t| t.autodiff().require_grad()).collect();
        let inputs = self.indices(self.net.inputs(tokens, self.constants.length));
        let targets = self.indices(tokens.iter().map(|&t| i32::from(t)).collect());
        let log_p = self.net.forward(&leaves, inputs, &self.constants);
        let picked = log_p.gather(1, targets.reshape([tokens.len(), 1]));
        let loss = picked.mean().neg();
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
    pub fn step(&mut self, tokens: &[u16]) -> Tensor<1> {
        let (loss, gradient) = self.gradient(tokens);
        let rate = self.training.learning_rate_at(self.steps);
        self.flat = self.optimizer.step(self.flat.clone(), gradient, rate, &self.training);
        self.steps += 1;
        loss
    }

    /// ln P(token | past) for each sequence, position and token: [rows, T, vocab] row-major. Works through `chunk` rows at a time.
    pub async fn log_probabilities(&self, tokens: &[u16], chunk: usize) -> Result<Vec<f32>, EngineError> {
        let leaves = self.leaves();
        let mut out = Vec::with_capacity(tokens.len() * self.net.vocab);
        for part in tokens.chunks(chunk.max(1) * self.constants.length) {
            let inputs = self.indices(self.net.inputs(part, self.constants.length));
            let log_p = self.net.forward(&leaves, inputs, &self.constants);
            out.extend(read(log_p).await?);
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
