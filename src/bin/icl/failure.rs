//! Why a command ends without a result.

use std::{
    fmt::Display,
    fs::File,
    io::{self, Read, Write},
    path::Path,
};

use icl_playground::{
    engine::error::EngineError,
    experiment::{
        Experiment, Problem, WorldSpec, json,
        problem::sentences,
        text::{Decoded, MAX_BYTES, decode},
        typed,
    },
    world::WorldError,
};

use crate::texts;

#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("{}", sentences(.0))]
    Invalid(Vec<Problem>),
    #[error(transparent)]
    World(#[from] WorldError),
    #[error("The file {path} cannot be read: {}.", plain(.why))]
    File { path: String, why: io::Error },
    #[error("The corpus {path} cannot be read: {}. `cargo xtask udhr` makes it; --udhr says where it is.", plain(.why))]
    Corpus { path: String, why: io::Error },
    #[error("{0}")]
    Run(String),
    #[error("{0}")]
    Picture(String),
    #[error("{0}")]
    Sweep(String),
    #[error("Nothing can be written into the folder {path}: {}. Give another one with --out.", plain(.why))]
    Folder { path: String, why: io::Error },
    #[error("The result cannot be written: {}.", plain(.0))]
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

/// Most bytes of a file that is read whole.
const MOST: u64 = 8 * MAX_BYTES as u64;
/// What stands for standard input.
const INPUT: &str = "-";

/// To standard error; that nobody can read it is no reason to stop.
pub fn say(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// A file's text, or standard input's; how it was read is said where there was something to guess. Pipes are files too.
pub fn read(path: &Path) -> Result<String, Failure> {
    let failed = |why| Failure::File { path: path.display().to_string(), why };
    let (mut bytes, mut name) = (Vec::new(), path.display().to_string());
    if is_input(path) {
        name = "standard input".into();
        io::stdin().lock().take(MOST + 1).read_to_end(&mut bytes).map_err(failed)?;
    } else {
        File::open(path).and_then(|file| file.take(MOST + 1).read_to_end(&mut bytes)).map_err(failed)?;
    }
    if bytes.len() as u64 > MOST {
        let (size, most) = (format!("over {} MB", MOST / 1_000_000), format!("at most {} MB", MOST / 1_000_000));
        return Err(Problem::new(&format!("the file \"{name}\""), size, &most, "").into());
    }
    let Decoded { text, note } = decode(&name, bytes)?;
    if !note.is_empty() {
        say(note);
    }
    Ok(text)
}

/// Whether a path stands for standard input.
pub fn is_input(path: &Path) -> bool {
    path == Path::new(INPUT)
}

/// An experiment from a file of JSON, whose world may also be `"text:FILE"`. `udhr` is the bundled corpus, if it is asked for.
pub fn read_experiment(path: &Path, udhr: Option<&Path>) -> Result<Experiment, Failure> {
    let value = json::given("experiment", &read(path)?)?;
    let files = value.get("world").and_then(|world| world.as_str()?.strip_prefix(texts::PREFIX)).map(texts::read);
    let experiment = match files {
        Some(world) => Experiment::from_value_in(world?, value),
        None => Experiment::from_value(value),
    };
    let mut experiment = experiment.map_err(Failure::Invalid)?;
    experiment.world = texts::filled(experiment.world, udhr)?;
    experiment.validate().map_err(Failure::Invalid)?;
    experiment.world.notes().into_iter().for_each(say);
    Ok(experiment)
}

/// A world: `name:key=value,...`, `text:FILE`, or a process or mixture as JSON, given as it is or in `@file`.
pub fn read_world(spec: &str, udhr: Option<&Path>) -> Result<WorldSpec, Failure> {
    if let Some(files) = spec.strip_prefix(texts::PREFIX) {
        return texts::read(files);
    }
    let world = match spec.strip_prefix('@') {
        Some(path) => WorldSpec::from_json(&read(Path::new(path))?).map_err(Failure::Invalid)?,
        None => spec.parse()?,
    };
    world.validate().map_err(Failure::Invalid)?;
    world.notes().into_iter().for_each(say);
    texts::filled(world, udhr)
}

/// A count among the arguments, as a person types numbers.
pub fn count(text: &str) -> Result<usize, String> {
    let number = number(text)?;
    // As many as fit into 32 bits: every argument's range ends far below.
    let is_count = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
    if is_count { Ok(number as usize) } else { Err("a whole number, 0 or more, is meant".into()) }
}

/// A number among the arguments.
pub fn number(text: &str) -> Result<f64, String> {
    typed::number(text).map_err(|why| if why.is_empty() { "a number is meant".into() } else { why })
}

/// What the system says of a file, without its number.
fn plain(why: &io::Error) -> String {
    let said = why.to_string();
    said.split(" (os error").next().unwrap_or(&said).to_owned()
}
