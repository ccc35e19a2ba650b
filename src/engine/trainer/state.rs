//! What a trainer remembers from step to step, in plain memory, and how another goes on from it.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::{Dynamics, Trainer, read};
use crate::{
    engine::error::EngineError,
    net::{fused::tensor, optimizer::Moments},
    protocol::checkpoint::{CheckpointError, Floats},
};

/// Parameters, optimiser and schedule after a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainerState {
    /// Flat, in the layout's order.
    parameters: Floats,
    /// AdamW's two moments and its own steps. `None` for Langevin dynamics, whose noise is drawn by the step's number.
    moments: Option<(Floats, Floats, i32)>,
    /// Steps done, of all stages.
    pub steps: usize,
    /// Of these, before the stage that runs.
    before: usize,
    /// Steps that the schedule of the stage spans.
    stage_steps: usize,
}

impl TrainerState {
    /// Numbers of f32 in it.
    pub fn floats(&self) -> usize {
        self.parameters.0.len() + self.moments.as_ref().map_or(0, |(first, second, _)| first.0.len() + second.0.len())
    }
}

impl Trainer {
    /// What the trainer remembers.
    ///
    /// # Errors
    ///
    /// [`EngineError::Read`] where a GPU cannot be read.
    pub async fn state(&self) -> Result<TrainerState, EngineError> {
        Ok(TrainerState {
            parameters: Floats(read(self.flat.clone()).await?),
            moments: self.optimizer.moments().await?.map(|m| (Floats(m.first), Floats(m.second), m.steps)),
            steps: self.steps,
            before: self.before,
            stage_steps: self.training.steps,
        })
    }

    /// Goes on from there. The trainer is one of the same experiment, on any device.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Damaged`] where the state is of another net or another optimiser; the trainer is then as it was.
    pub fn restore(&mut self, state: TrainerState) -> Result<(), CheckpointError> {
        let len = self.net.layout.len;
        let moments = state.moments.map(|(first, second, steps)| Moments { first: first.0, second: second.0, steps });
        let fits = moments.as_ref().is_none_or(|m| m.first.len() == len && m.second.len() == len);
        let remembers = !matches!(self.optimizer, Dynamics::Langevin(_));
        if state.parameters.0.len() != len || !fits || moments.is_some() != remembers {
            return Err(CheckpointError::Damaged("its parameters do not fit the net".into()));
        }
        self.begin_stage(state.stage_steps);
        if let Some(moments) = moments {
            self.optimizer.set_moments(moments);
        }
        self.flat = tensor(state.parameters.0, &self.device);
        (self.steps, self.before) = (state.steps, state.before);
        Ok(())
    }
}

impl Dynamics {
    /// AdamW's moments; `None` for Langevin dynamics.
    async fn moments(&self) -> Result<Option<Moments>, EngineError> {
        let (first, second, steps) = match self {
            Self::AdamW(optimizer) => optimizer.tensors(),
            Self::FusedAdamW(optimizer) => return Ok(Some(optimizer.moments())),
            #[cfg(all(target_arch = "wasm32", feature = "gpu"))]
            Self::ShaderAdamW(optimizer) => optimizer.tensors(),
            Self::Langevin(_) => return Ok(None),
        };
        Ok(Some(Moments { first: read(first).await?, second: read(second).await?, steps }))
    }
}

/// A tensor of `len` numbers, or why it is none.
pub fn flat_of(values: Floats, like: &Trainer) -> Result<Tensor<1>, CheckpointError> {
    if values.0.len() != like.net.layout.len {
        return Err(CheckpointError::Damaged("its parameters do not fit the net".into()));
    }
    Ok(tensor(values.0, &like.device))
}
