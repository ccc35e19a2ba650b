//! One model on one device: steps, predictions, distance travelled.

mod state;

use std::cell::RefCell;
#[cfg(all(target_arch = "wasm32", feature = "gpu"))]
use std::collections::VecDeque;

use burn::tensor::{Device, Tensor, TensorData};

use super::{
    error::EngineError,
    team::{Lost, Team},
};
use crate::{
    experiment::{Experiment, Observation, Optimizer, Training},
    net::{
        fused::{self, ActivationCapture, Composition, Fused, floats, tensor},
        langevin::Langevin,
        layout::Entry,
        network::{Constants, Network},
        optimizer::{AdamW, Moments, clipped},
    },
    probe::Matrix,
    world::Rows,
};

pub use state::{TrainerState, flat_of};

/// Whatever predicts: the model itself, the model with other parameters, or a table in a test.
#[expect(async_fn_in_trait, reason = "one thread: nobody needs its futures to be Send")]
pub trait Model {
    fn steps(&self) -> usize;

    /// The predictive distribution of each cell, as [`Network::forward`] gives it: [rows, T, outputs] row-major. Works through `chunk`
    /// sequences at a time.
    async fn predictions(&self, rows: &Rows, chunk: usize) -> Result<Vec<f32>, EngineError>;

    /// ln p of each cell that is there: [rows, T] row-major. Nothing as large as a vocabulary leaves the device.
    async fn log_likelihoods(&self, rows: &Rows, chunk: usize) -> Result<Vec<f32>, EngineError>;
}

/// The seed's model, ready to take steps. All losses are means over the batch and all positions, nats per token
/// or vector.
pub struct Trainer {
    net: Network,
    constants: Constants,
    /// The same net by hand, where that is how it is computed.
    fused: Option<Fused>,
    /// Other cores that take their part of each step and of predictions. Taken out while it works, as who asks for predictions holds the
    /// trainer only by reference.
    team: RefCell<Option<Team>>,
    /// Why the team was given up, until it is reported.
    lost: RefCell<Option<Lost>>,
    /// The same on a GPU; activations are captured by the composed pass.
    #[cfg(all(target_arch = "wasm32", feature = "gpu"))]
    shaders: Option<fused::gpu::Passes>,
    /// Of the stage that runs: its schedule spans the stage's steps.
    training: Training,
    seed: u64,
    device: Device,
    /// All parameters, flat, without autodiff.
    flat: Tensor<1>,
    optimizer: Dynamics,
    composition: Composition,
    steps: usize,
    /// Steps before this stage.
    before: usize,
}

enum Dynamics {
    AdamW(Box<AdamW>),
    FusedAdamW(Box<fused::AdamW>),
    #[cfg(all(target_arch = "wasm32", feature = "gpu"))]
    ShaderAdamW(Box<fused::gpu::AdamW>),
    Langevin(Box<Langevin>),
}

/// What a step tells; tensors are not read back yet.
pub struct Stepped {
    /// Mean loss of the batch before the step.
    pub loss: Tensor<1>,
    /// ‖g - g'‖² for each of the other batches, gradients clipped as the step's own.
    pub differences: Vec<Tensor<1>>,
    pub learning_rate: f64,
}

/// Which activations are captured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CaptureOptions {
    pub attention: bool,
    pub residual: bool,
}

/// Captured activations, read back: row-major numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Captured {
    /// The predictive distributions, [rows, T, outputs], as [`Model::predictions`] gives them.
    pub predictions: Vec<f32>,
    /// Of each block, [rows, heads, T, T], query by key; empty unless wanted, and in nets without attention.
    pub attention: Vec<Vec<f32>>,
    /// Of each layer that [`experiment::Net::residual_layers`] names, [rows · T, width]; empty unless wanted.
    pub residual: Vec<Vec<f32>>,
}

/// The model with parameters of its own.
pub struct Variant<'a> {
    trainer: &'a Trainer,
    flat: Tensor<1>,
}

impl Trainer {
    /// `device` without autodiff. Computed as is quickest there.
    pub fn new(experiment: &Experiment, observation: Observation, device: &Device) -> Self {
        Self::composed(experiment, observation, device, Composition::quickest(device))
    }

    /// The same, computed in a way that is chosen; where [`Composition::Fused`] has nothing for the device, burn composes the net.
    pub fn composed(
        experiment: &Experiment,
        observation: Observation,
        device: &Device,
        composition: Composition,
    ) -> Self {
        let net = Network::new(&experiment.net, observation);
        let length = experiment.data.length;
        let fused = (composition == Composition::Fused && *device == Device::flex())
            .then(|| Fused::new(&experiment.net, observation, length));
        #[cfg(all(target_arch = "wasm32", feature = "gpu"))]
        let shaders = (composition == Composition::Fused)
            .then(|| {
                let sizes = [experiment.training.batch, length];
                fused::gpu::Passes::new(&experiment.net, observation, &net.layout, sizes, device)
            })
            .flatten();
        let constants = net.constants(length, device);
        let initial = net.layout.initial(experiment.seed);
        let flat = Tensor::from_data(TensorData::new(initial, [net.layout.len]), device);
        let (training, seed) = (experiment.training.clone(), experiment.seed);
        let optimizer = Dynamics::new(&net, &training, seed, device, composition);
        Self {
            constants,
            fused,
            team: RefCell::default(),
            lost: RefCell::default(),
            #[cfg(all(target_arch = "wasm32", feature = "gpu"))]
            shaders,
            training,
            seed,
            device: device.clone(),
            flat,
            optimizer,
            composition,
            steps: 0,
            before: 0,
            net,
        }
    }

    /// The same model on another device: it goes on from here, at most rounding apart. From the CPU.
    pub fn moved(&self, experiment: &Experiment, observation: Observation, device: &Device) -> Self {
        let mut moved = Self::new(experiment, observation, device);
        moved.flat = carried(&self.flat, device);
        moved.optimizer.resume(&self.optimizer);
        (moved.training, moved.steps, moved.before) = (self.training.clone(), self.steps, self.before);
        moved
    }

    /// What follows is a training of its own, from here: the optimiser starts anew, and the schedule spans `steps`.
    pub fn begin_stage(&mut self, steps: usize) {
        self.training.steps = steps;
        self.before = self.steps;
        self.optimizer = Dynamics::new(&self.net, &self.training, self.seed, &self.device, self.composition);
    }

    pub fn steps(&self) -> usize {
        self.steps
    }

    pub fn net(&self) -> &Network {
        &self.net
    }

    pub fn composition(&self) -> Composition {
        self.composition
    }

    /// The hand-written passes, where they are what computes.
    pub fn fused(&self) -> Option<&Fused> {
        self.fused.as_ref()
    }

    pub fn device(&self) -> &Device {
        &self.device
    }

    /// All parameters, flat; cheap, as tensors share what they hold.
    pub fn flat(&self) -> Tensor<1> {
        self.flat.clone()
    }

    /// The same net with these parameters.
    pub fn variant(&self, flat: Tensor<1>) -> Variant<'_> {
        Variant { trainer: self, flat }
    }

    fn forward(&self, leaves: &[Tensor<2>], rows: &Rows) -> Tensor<2> {
        self.net.forward(leaves, self.net.inputs(rows, self.constants.length, &self.device), &self.constants)
    }

    /// Mean loss on `rows` (sequences of length T) and its gradient, flat; neither is read back yet.
    pub fn gradient(&self, rows: &Rows) -> (Tensor<1>, Tensor<1>) {
        if let Some(fused) = &self.fused {
            return fused.loss_and_gradient(&self.flat, rows);
        }
        #[cfg(all(target_arch = "wasm32", feature = "gpu"))]
        if let Some(both) = self.shaders.as_ref().and_then(|shaders| shaders.loss_and_gradient(&self.flat, rows)) {
            return both;
        }
        let leaves = cut(&self.net, &self.flat);
        let leaves: Vec<Tensor<2>> = leaves.into_iter().map(|t| t.autodiff().require_grad()).collect();
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

    /// The learning rate of the next step.
    pub fn learning_rate(&self) -> f64 {
        self.training.learning_rate_at(self.steps - self.before)
    }

    /// Shares the steps to come with a team, or with nobody; whom they were shared with until now.
    pub fn share(&mut self, team: Option<Team>) -> Option<Team> {
        self.team.replace(team)
    }

    /// How many cores share each step on the CPU.
    pub fn cores(&self) -> usize {
        self.team.borrow().as_ref().map_or(1, Team::size)
    }

    /// Members of the team that shares each step; `None` where there is no team.
    pub fn team_size(&self) -> Option<usize> {
        self.team.borrow().as_ref().map(Team::size)
    }

    /// Why a team was given up, reported once.
    pub fn take_lost(&self) -> Option<Lost> {
        self.lost.take()
    }

    /// As [`Self::gradient`], by the team where there is one. A team that loses a member is given up, and the step is done here.
    async fn shared_gradient(&mut self, rows: &Rows) -> (Tensor<1>, Tensor<1>) {
        if let Some(mut team) = self.team.take() {
            match team.loss_and_gradient(&floats(self.flat.clone()), rows).await {
                Ok((loss, gradient)) => {
                    self.team.replace(Some(team));
                    return (tensor(vec![loss as f32], &self.device), tensor(gradient, &self.device));
                }
                Err(why) => drop(self.lost.replace(Some(why))),
            }
        }
        self.gradient(rows)
    }

    /// Predictions by the team, where there is one and it loses nobody.
    async fn shared_predictions(&self, flat: &Tensor<1>, rows: &Rows) -> Option<Vec<f32>> {
        let mut team = self.team.take()?;
        match team.predictions(&floats(flat.clone()), rows).await {
            Ok(distribution) => {
                self.team.replace(Some(team));
                Some(distribution)
            }
            Err(why) => {
                self.lost.replace(Some(why));
                None
            }
        }
    }

    /// One optimiser step on a batch; `others` are batches whose gradients, at the same parameters, are compared with its own.
    pub async fn step(&mut self, rows: &Rows, others: &[Rows]) -> Stepped {
        let (loss, gradient) = self.shared_gradient(rows).await;
        let learning_rate = self.learning_rate();
        let clip = |gradient| clipped(gradient, self.training.clip);
        let difference = |other: &Rows| (clip(gradient.clone()) - clip(self.gradient(other).1)).square().sum();
        let differences = others.iter().map(difference).collect();
        let flat = self.flat.clone();
        self.flat = match &mut self.optimizer {
            Dynamics::AdamW(optimizer) => optimizer.step(flat, gradient, learning_rate, &self.training),
            Dynamics::FusedAdamW(optimizer) => optimizer.step(flat, gradient, learning_rate, &self.training),
            #[cfg(all(target_arch = "wasm32", feature = "gpu"))]
            Dynamics::ShaderAdamW(optimizer) => optimizer.step(flat, gradient, learning_rate, &self.training),
            Dynamics::Langevin(dynamics) => {
                let gradient = clipped(gradient, self.training.clip);
                dynamics.step(self.steps, flat, gradient, learning_rate, &self.training)
            }
        };
        self.steps += 1;
        Stepped { loss, differences, learning_rate }
    }

    /// ‖θ - `other`‖² over all parameters.
    pub async fn squared_distance(&self, other: &Tensor<1>) -> Result<f64, EngineError> {
        read_one((self.flat.clone() - other.clone()).square().sum()).await
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

impl Dynamics {
    fn new(net: &Network, training: &Training, seed: u64, device: &Device, composition: Composition) -> Self {
        #[cfg(all(target_arch = "wasm32", feature = "gpu"))]
        if composition == Composition::Fused
            && training.optimizer == Optimizer::Adamw
            && let Some(optimizer) = fused::gpu::AdamW::new(&net.layout, training, device)
        {
            return Self::ShaderAdamW(Box::new(optimizer));
        }
        match training.optimizer {
            Optimizer::Adamw if composition == Composition::Fused && *device == Device::flex() => {
                Self::FusedAdamW(Box::new(fused::AdamW::new(&net.layout)))
            }
            Optimizer::Adamw => Self::AdamW(Box::new(AdamW::new(&net.layout, training, device))),
            Optimizer::Langevin => Self::Langevin(Box::new(Langevin::new(&net.layout, seed, device))),
        }
    }

    /// Goes on from what one on the CPU remembers.
    fn resume(&mut self, other: &Self) {
        let moments = match other {
            Self::AdamW(optimizer) => optimizer.moments(),
            Self::FusedAdamW(optimizer) => optimizer.moments(),
            // Its noise is drawn by the step's number: nothing is remembered.
            Self::Langevin(_) => return,
            #[cfg(all(target_arch = "wasm32", feature = "gpu"))]
            Self::ShaderAdamW(_) => return,
        };
        self.set_moments(moments);
    }

    fn set_moments(&mut self, moments: Moments) {
        match self {
            Self::AdamW(optimizer) => optimizer.resume(moments),
            Self::FusedAdamW(optimizer) => optimizer.resume(moments),
            #[cfg(all(target_arch = "wasm32", feature = "gpu"))]
            Self::ShaderAdamW(optimizer) => optimizer.resume(moments),
            Self::Langevin(_) => {}
        }
    }
}

/// A flat tensor of the CPU's, on another device.
pub fn carried(flat: &Tensor<1>, device: &Device) -> Tensor<1> {
    tensor(floats(flat.clone()), device)
}

/// The flat vector cut into the layout's matrices.
fn cut(net: &Network, flat: &Tensor<1>) -> Vec<Tensor<2>> {
    let cut = |e: &Entry| flat.clone().slice_dim(0, e.offset..e.offset + e.len()).reshape(e.shape);
    net.layout.entries.iter().map(cut).collect()
}

impl Variant<'_> {
    /// What the net predicts for `rows` (sequences of length T), and the captured activations, `chunk` sequences at a time, without the
    /// heads (block, head; both from 0) in `ablated`. Only what is wanted leaves the device.
    pub async fn capture(
        &self,
        rows: &Rows,
        chunk: usize,
        options: CaptureOptions,
        ablated: &[(usize, usize)],
    ) -> Result<Captured, EngineError> {
        let Trainer { net, constants, device, fused, .. } = self.trainer;
        if let Some(fused) = fused {
            let mut capture = ActivationCapture {
                ablated: ablated.to_vec(),
                attention: options.attention.then(Vec::new),
                residual: options.residual.then(Vec::new),
            };
            let predictions = fused.capture(&self.flat, rows, &mut capture);
            let (attention, residual) = (capture.attention.unwrap_or_default(), capture.residual.unwrap_or_default());
            return Ok(Captured { predictions, attention, residual });
        }
        let leaves = cut(net, &self.flat);
        let mut captured = Captured::default();
        for part in self.chunks(rows, chunk) {
            let tensors =
                net.forward_captured(&leaves, net.inputs(&part, constants.length, device), constants, ablated);
            captured.predictions.extend(read(tensors.output).await?);
            if options.attention {
                extend(&mut captured.attention, tensors.attention).await?;
            }
            if options.residual {
                extend(&mut captured.residual, tensors.residual).await?;
            }
        }
        Ok(captured)
    }

    /// All parameters, matrix by matrix.
    pub async fn matrices(&self) -> Result<Vec<Matrix>, EngineError> {
        let flat = read(self.flat.clone()).await?;
        let matrix = |e: &Entry| Matrix {
            name: e.name.clone(),
            shape: e.shape,
            values: flat[e.offset..e.offset + e.len()].to_vec(),
        };
        Ok(self.trainer.net.layout.entries.iter().map(matrix).collect())
    }

    /// `rows` in parts of `chunk` sequences.
    fn chunks(&self, rows: &Rows, chunk: usize) -> impl Iterator<Item = Rows> {
        let cells = chunk.max(1) * self.trainer.constants.length;
        (0..rows.len()).step_by(cells).map(move |start| rows.cells(start..(start + cells).min(rows.len())))
    }

    /// What `pass` gives for `chunk` sequences at a time, `width` numbers for each cell, times its number. A few passes are queued before
    /// the first is read, so that the GPU does not wait. `None` where a pass gives nothing.
    #[cfg(all(target_arch = "wasm32", feature = "gpu"))]
    async fn through(
        &self,
        rows: &Rows,
        chunk: usize,
        width: usize,
        pass: impl Fn(&Rows) -> Option<(Tensor<1>, f32)>,
    ) -> Option<Result<Vec<f32>, EngineError>> {
        const QUEUED: usize = 4;
        let (mut out, mut queue) = (Vec::with_capacity(rows.len() * width), VecDeque::new());
        let mut parts = self.chunks(rows, chunk);
        loop {
            while queue.len() < QUEUED
                && let Some(part) = parts.next()
            {
                queue.push_back((part.len() * width, pass(&part)?));
            }
            let Some((len, (tensor, factor))) = queue.pop_front() else { return Some(Ok(out)) };
            match read(tensor).await {
                Ok(values) => out.extend(values[..len].iter().map(|x| x * factor)),
                Err(error) => return Some(Err(error)),
            }
        }
    }

    async fn in_chunks(
        &self,
        rows: &Rows,
        chunk: usize,
        of: impl Fn(&Rows, Tensor<2>) -> Tensor<2>,
    ) -> Result<Vec<f32>, EngineError> {
        let leaves = cut(&self.trainer.net, &self.flat);
        let mut out = Vec::new();
        for part in self.chunks(rows, chunk) {
            let output = self.trainer.forward(&leaves, &part);
            out.extend(read(of(&part, output)).await?);
        }
        Ok(out)
    }
}

/// Reads each tensor and appends it to what there is of its layer.
async fn extend<const D: usize>(layers: &mut Vec<Vec<f32>>, tensors: Vec<Tensor<D>>) -> Result<(), EngineError> {
    layers.resize(tensors.len(), Vec::new());
    for (layer, tensor) in layers.iter_mut().zip(tensors) {
        layer.extend(read(tensor).await?);
    }
    Ok(())
}

impl Model for Variant<'_> {
    fn steps(&self) -> usize {
        self.trainer.steps
    }

    async fn predictions(&self, rows: &Rows, chunk: usize) -> Result<Vec<f32>, EngineError> {
        if let Some(fused) = &self.trainer.fused {
            if let Some(distribution) = self.trainer.shared_predictions(&self.flat, rows).await {
                return Ok(distribution);
            }
            return Ok(fused.predictions(&self.flat, rows));
        }
        #[cfg(all(target_arch = "wasm32", feature = "gpu"))]
        if let Some(shaders) = &self.trainer.shaders {
            let width = experiment::Net::outputs(self.trainer.net.observation);
            let wide = shaders.wide(rows.len() / self.trainer.constants.length);
            let distribution = |part: &Rows| Some((shaders.predictions(&self.flat, part, wide)?, 1.0));
            if let Some(numbers) = self.through(rows, wide, width, distribution).await {
                return numbers;
            }
        }
        self.in_chunks(rows, chunk, |_, output| output).await
    }

    async fn log_likelihoods(&self, rows: &Rows, chunk: usize) -> Result<Vec<f32>, EngineError> {
        if let Some(fused) = &self.trainer.fused {
            return Ok(fused.log_likelihoods(&self.flat, rows));
        }
        #[cfg(all(target_arch = "wasm32", feature = "gpu"))]
        if let Some(shaders) = &self.trainer.shaders {
            let wide = shaders.wide(rows.len() / self.trainer.constants.length);
            let pass = |part: &Rows| shaders.log_likelihoods(&self.flat, part, wide);
            if let Some(numbers) = self.through(rows, wide, 1, pass).await {
                return numbers;
            }
        }
        let (net, device) = (&self.trainer.net, &self.trainer.device);
        self.in_chunks(rows, chunk, |part, output| net.log_likelihood(output, part, device)).await
    }
}

impl Model for Trainer {
    fn steps(&self) -> usize {
        self.steps
    }

    async fn predictions(&self, rows: &Rows, chunk: usize) -> Result<Vec<f32>, EngineError> {
        self.variant(self.flat()).predictions(rows, chunk).await
    }

    async fn log_likelihoods(&self, rows: &Rows, chunk: usize) -> Result<Vec<f32>, EngineError> {
        self.variant(self.flat()).log_likelihoods(rows, chunk).await
    }
}

/// One number from a device.
pub async fn read_one(tensor: Tensor<1>) -> Result<f64, EngineError> {
    Ok(f64::from(read(tensor).await?.first().copied().unwrap_or(f32::NAN)))
}

/// Reads a tensor back; the only place where the engine waits for a device.
pub async fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, EngineError> {
    let data = tensor.into_data_async().await.map_err(|e| EngineError::Read(format!("{e:?}")))?;
    data.try_to_vec::<f32>().map_err(|e| EngineError::Read(format!("{e:?}")))
}
