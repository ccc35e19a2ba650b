//! What the benchmark is asked for.

use std::path::PathBuf;

use icl_playground::engine::bench::BenchSize;

/// A part of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Size(BenchSize),
    /// Time against T, width and batch.
    Curves,
    /// Where the time of a step goes.
    Profile,
    /// What watching a run costs.
    Shares,
    /// What a visitor downloads.
    Weights,
}

/// Where steps are timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Native,
    /// The CPU in a browser.
    Wasm,
    /// SwiftShader, a CPU pretending to be a GPU.
    WebGpu,
}

/// A library that is measured beside the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    JaxJs,
    Tfjs,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arguments {
    pub json: bool,
    pub parts: Vec<Part>,
    pub places: Vec<Place>,
    pub against: Vec<Peer>,
    /// Measure nothing, and write what peers must know of S1 to S4 into this folder (benches/peers/pytorch.py reads it).
    pub export: Option<PathBuf>,
}

impl Part {
    pub fn all() -> Vec<Self> {
        let sizes = BenchSize::ALL.into_iter().map(Self::Size);
        sizes.chain([Self::Curves, Self::Profile, Self::Shares, Self::Weights]).collect()
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Size(size) => size.name(),
            Self::Curves => "curves",
            Self::Profile => "profile",
            Self::Shares => "shares",
            Self::Weights => "sizes",
        }
    }
}

impl Place {
    const ALL: [Self; 3] = [Self::Native, Self::Wasm, Self::WebGpu];

    fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Wasm => "wasm",
            Self::WebGpu => "webgpu",
        }
    }
}

impl Peer {
    const ALL: [Self; 2] = [Self::JaxJs, Self::Tfjs];

    pub fn name(self) -> &'static str {
        match self {
            Self::JaxJs => "jax-js",
            Self::Tfjs => "tfjs",
        }
    }
}

impl Arguments {
    /// `--json`, `--only=S1,curves`, `--places=wasm`, `--against=jax-js,tfjs`, `--export=FOLDER`; a list may also be the next argument. The error is
    /// a sentence.
    pub fn read(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut read =
            Self { json: false, parts: Part::all(), places: Place::ALL.to_vec(), against: Vec::new(), export: None };
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let (name, list) = match argument.split_once('=') {
                Some((name, list)) => (name, Some(list.to_owned())),
                None => (argument.as_str(), None),
            };
            let mut list = || list.clone().or_else(|| arguments.next()).unwrap_or_default();
            match name {
                "--json" => read.json = true,
                "--only" => read.parts = chosen(name, &list(), &Part::all(), Part::name)?,
                "--places" => read.places = chosen(name, &list(), &Place::ALL, Place::name)?,
                "--against" => read.against = chosen(name, &list(), &Peer::ALL, Peer::name)?,
                "--export" => {
                    let folder = list();
                    if folder.is_empty() {
                        return Err("--export wants a folder.".into());
                    }
                    read.export = Some(folder.into());
                }
                // cargo's own.
                "--bench" => {}
                _ => return Err(format!("There is no argument \"{name}\" of the benchmark.")),
            }
        }
        Ok(read)
    }

    pub fn sizes(&self) -> Vec<BenchSize> {
        let size = |part: &Part| if let Part::Size(size) = part { Some(*size) } else { None };
        self.parts.iter().filter_map(size).collect()
    }
}

/// Those of `all` that a list names, in the order of `all`.
fn chosen<T: Copy>(argument: &str, list: &str, all: &[T], name: fn(T) -> &'static str) -> Result<Vec<T>, String> {
    let names: Vec<&str> = list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let known = all.iter().map(|item| name(*item)).collect::<Vec<_>>().join(", ");
    if names.is_empty() {
        return Err(format!("{argument} wants one or more of {known}."));
    }
    if let Some(unknown) = names.iter().find(|wanted| !all.iter().any(|item| name(*item) == **wanted)) {
        return Err(format!("{argument} knows no \"{unknown}\"; there are {known}."));
    }
    Ok(all.iter().copied().filter(|item| names.contains(&name(*item))).collect())
}
