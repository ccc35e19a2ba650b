//! Why a command ends without a result.

use std::{fs, io, path::Path};

use icl_playground::{
    engine::error::EngineError,
    experiment::{Experiment, Problem, WorldSpec, problem::sentences},
    world::WorldError,
};

#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("{}", sentences(.0))]
    Invalid(Vec<Problem>),
    #[error(transparent)]
    World(#[from] WorldError),
    #[error("The file {path} cannot be read: {why}.")]
    File { path: String, why: io::Error },
    #[error("{0}")]
    Run(String),
    #[error("{0}")]
    Picture(String),
    #[error("The result cannot be written: {0}.")]
    Output(io::Error),
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Invalid(vec![problem])
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        Self::Run(format!("{error} {}", error.next()))
    }
}

impl Failure {
    /// 2 for what the user asked wrongly, 1 for the rest.
    pub fn code(&self) -> u8 {
        if matches!(self, Self::Output(_) | Self::Run(_)) { 1 } else { 2 }
    }
}

pub fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|why| Failure::File { path: path.display().to_string(), why })
}

/// An experiment from a file of JSON.
pub fn read_experiment(path: &Path) -> Result<Experiment, Failure> {
    Experiment::from_json(&read(path)?).map_err(Failure::Invalid)
}

/// A world: `name:key=value,...`, or `@file` with a process or mixture as JSON.
pub fn read_world(spec: &str) -> Result<WorldSpec, Failure> {
    match spec.strip_prefix('@') {
        Some(path) => WorldSpec::from_json(&read(Path::new(path))?).map_err(Failure::Invalid),
        None => {
            let spec: WorldSpec = spec.parse()?;
            spec.validate().map_err(Failure::Invalid)?;
            Ok(spec)
        }
    }
}
