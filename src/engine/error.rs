//! Why a run cannot start or go on, and what a person can do about it.

use thiserror::Error;

use crate::{
    experiment::Problem,
    protocol::{Phase, checkpoint::CheckpointError},
    world::WorldError,
};

#[derive(Debug, Error)]
pub enum EngineError {
    #[error("The experiment cannot run: {}", experiment::problem::sentences(.0))]
    Experiment(Vec<Problem>),
    #[error("The world cannot be built: {0}")]
    World(#[from] WorldError),
    #[error("The corpus is not part of this build, or could not be loaded.")]
    NoCorpus,
    #[error("No distances to known predictors (evaluation.algorithms): {0}")]
    ReferencePredictors(String),
    #[error("The workers that share a step could not be had.")]
    NoTeam,
    #[error("The run cannot go on from where it was saved. {0}")]
    Checkpoint(#[from] CheckpointError),
    #[error("The loss was no longer a number at step {step}.")]
    NotFinite { step: usize },
    #[error("The exact curves of this world are not all finite numbers (the first that is not: {0}).")]
    Theory(String),
    #[error("The GPU could not be read: {0}.")]
    Read(String),
    #[error("The GPU refused a shader, so its numbers cannot be trusted: {0}.")]
    Shader(String),
}

impl EngineError {
    /// What can be done, a sentence.
    pub fn next(&self) -> &'static str {
        match self {
            Self::Experiment(_) | Self::World(_) | Self::ReferencePredictors(_) | Self::Theory(_) => {
                "Correct the named settings and run again."
            }
            Self::Checkpoint(_) => "Start the run again from step 0.",
            Self::NoTeam => "Reload the page, or measure on one core.",
            Self::NoCorpus => "Choose another world, or drop text files of your own on the page.",
            Self::NotFinite { .. } => {
                "Lower the learning rate, or clip the gradient at 1, and run again; what was drawn until then stands."
            }
            Self::Read(_) | Self::Shader(_) => "Choose the CPU and run again; what was drawn until then stands.",
        }
    }

    pub fn phase(&self) -> Phase {
        Phase::Failed { why: self.to_string(), next: self.next().into() }
    }
}
