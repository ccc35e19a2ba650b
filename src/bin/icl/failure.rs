//! Why a command ends without a result.

use std::{fs, io, path::Path};

use icl_playground::{
    engine::error::EngineError,
    experiment::{Experiment, Problem, WorldSpec, problem::sentences},
    world::WorldError,
};

use crate::texts;

#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("{}", sentences(.0))]
    Invalid(Vec<Problem>),
    #[error(transparent)]
    World(#[from] WorldError),
    #[error("The file {path} cannot be read: {why}.")]
    File { path: String, why: io::Error },
    #[error("The corpus {path} cannot be read: {why}. `cargo xtask udhr` makes it; --udhr says where it is.")]
    Corpus { path: String, why: io::Error },
    #[error("{0}")]
    Run(String),
    #[error("{0}")]
    Picture(String),
    #[error("{0}")]
    Sweep(String),
    #[error("Nothing can be written into the folder {path}: {why}. Give another one with --out.")]
    Folder { path: String, why: io::Error },
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

/// An experiment from a file of JSON, whose world may also be `"text:FILE"`. `udhr` is the bundled corpus, if it is asked for.
pub fn read_experiment(path: &Path, udhr: Option<&Path>) -> Result<Experiment, Failure> {
    let json = read(path)?;
    let mut value = serde_json::from_str::<serde_json::Value>(&json).unwrap_or_default();
    let Some(world) = value.get("world").and_then(|w| w.as_str()?.strip_prefix(texts::PREFIX)).map(texts::read) else {
        let mut experiment = Experiment::from_json(&json).map_err(Failure::Invalid)?;
        experiment.world = texts::filled(experiment.world, udhr)?;
        experiment.validate().map_err(Failure::Invalid)?;
        return Ok(experiment);
    };
    // Everything else as if the world were another one; then all of it with the text.
    value["world"] = WorldSpec::default().to_string().into();
    let mut experiment = Experiment::from_json(&value.to_string()).map_err(Failure::Invalid)?;
    experiment.world = world?;
    experiment.validate().map_err(Failure::Invalid)?;
    Ok(experiment)
}

/// A world: `name:key=value,...`, `text:FILE`, or a process or mixture as JSON, given as it is or in `@file`.
pub fn read_world(spec: &str, udhr: Option<&Path>) -> Result<WorldSpec, Failure> {
    if let Some(files) = spec.strip_prefix(texts::PREFIX) {
        return texts::read(files);
    }
    match spec.strip_prefix('@') {
        Some(path) => WorldSpec::from_json(&read(Path::new(path))?).map_err(Failure::Invalid),
        None if spec.trim_start().starts_with('{') => WorldSpec::from_json(spec).map_err(Failure::Invalid),
        None => {
            let spec: WorldSpec = spec.parse()?;
            spec.validate().map_err(Failure::Invalid)?;
            texts::filled(spec, udhr)
        }
    }
}
