//! What to run, as plain data. Stands on no other crate of this workspace.
//!
//! Start reading at [`Experiment`], then [`kinds`] (the named worlds, one file each) and [`preset`].
//!
//! ```
//! use experiment::{Experiment, Preset};
//! let run = Preset::named("knt-markov").unwrap().experiment();
//! assert!(run.validate().is_ok());
//! assert_eq!(Experiment::from_json(&run.to_json()).unwrap(), run);
//! ```
//!
//! An [`Experiment`] is the whole of what a run depends on: the same experiment (seed included) gives the same
//! tokens on every platform, and on the CPU the same losses bit for bit. It travels as JSON (files, worker
//! messages) and as a URL fragment that holds only what differs from a preset ([`link`]).

#![warn(missing_docs)]

pub mod axes;
pub mod bound;
pub mod data;
pub mod estimate;
pub mod evaluation;
pub mod json;
pub mod kinds;
pub mod link;
pub mod maps;
pub mod net;
pub mod preset;
pub mod prior;
pub mod problem;
pub mod process;
mod read;
pub mod size;
pub mod study;
pub mod sweep;
pub mod text;
pub mod training;
pub mod typed;
pub mod udhr;
pub mod version;
pub mod world;

use serde::{Deserialize, Serialize};

pub use bound::Bound;
pub use data::Data;
pub use estimate::Estimate;
pub use evaluation::Evaluation;
pub use maps::MapDesign;
pub use net::{Architecture, Embedding, Init, Mlp, Net, Norm, Positions};
pub use preset::Preset;
pub use prior::Prior;
pub use problem::Problem;
pub use process::{Component, Process, WorldMixture};
pub use size::WorldSize;
pub use sweep::Sweep;
pub use text::Text;
pub use training::{Optimizer, Schedule, Training};
pub use world::{Observation, WorldKind, WorldParameter, WorldSpec};

use problem::Checker;

/// The version of the form written today. Files and links carry it; a newer one is refused with a sentence, and what an older one does
/// not say is what it was then ([`version`]). A file without a version is one of today's.
pub const VERSION: u32 = 2;

/// The largest seed: JSON numbers and sliders carry whole numbers exactly up to here.
pub const MAX_SEED: u64 = (1 << 53) - 1;

/// Everything a run depends on. Two equal experiments give the same tokens on every platform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Experiment {
    /// The version of the form, [`VERSION`] in every sound experiment.
    pub version: u32,
    /// What the sequences are drawn from: P(w) and the sequences of each topic w.
    pub world: WorldSpec,
    /// How much is trained on: K topics, N sequences of each, T tokens in each.
    pub data: Data,
    /// The architecture and size of the model, and how its parameters start.
    pub net: Net,
    /// The optimizer and its schedule.
    pub training: Training,
    /// The stages before the training proper, which give the priors of the generalization bound.
    pub prior: Prior,
    /// How the generalization bound and its certificate are computed.
    pub bound: Bound,
    /// When and on how many sequences the losses are measured.
    pub evaluation: Evaluation,
    /// What all random numbers of the run follow from, 0 to [`MAX_SEED`]: another seed is another
    /// draw of topics, sequences, initialization and batches.
    pub seed: u64,
}

impl Default for Experiment {
    fn default() -> Self {
        Self {
            version: VERSION,
            world: WorldSpec::default(),
            data: Data::default(),
            net: Net::default(),
            training: Training::default(),
            prior: Prior::default(),
            bound: Bound::default(),
            evaluation: Evaluation::default(),
            seed: 1,
        }
    }
}

impl Experiment {
    /// Reads an experiment from JSON. A field that is left out has its default.
    ///
    /// # Errors
    ///
    /// Each problem in words: broken JSON, a field that does not exist or holds something else, a
    /// version from the future, or values out of range.
    pub fn from_json(text: &str) -> Result<Self, Vec<Problem>> {
        Self::from_value(json::given("experiment", text).map_err(|problem| vec![problem])?)
    }

    /// As [`Self::from_json`], from JSON that was parsed before.
    ///
    /// # Errors
    ///
    /// As [`Self::from_json`], but for broken JSON.
    pub fn from_value(value: serde_json::Value) -> Result<Self, Vec<Problem>> {
        read::experiment(value, None)
    }

    /// As [`Self::from_value`], with `world` in place of whatever the fields say of the world.
    ///
    /// # Errors
    ///
    /// As [`Self::from_value`]; values are checked together with `world`.
    pub fn from_value_in(world: WorldSpec, value: serde_json::Value) -> Result<Self, Vec<Problem>> {
        read::experiment(value, Some(world))
    }

    /// Pretty JSON, every field written out.
    pub fn to_json(&self) -> String {
        // Plain data with string keys: serialisation cannot fail. By way of a value, so that numbers look as they do in links.
        serde_json::to_value(self).map(|value| json::pretty(&value)).unwrap_or_default()
    }

    /// Checks every field's range, and what several fields must fulfil together.
    ///
    /// # Errors
    ///
    /// Every problem at once, each naming its field, the value and what is allowed. Sizes of the
    /// whole run are checked only where all fields are sound.
    pub fn validate(&self) -> Result<(), Vec<Problem>> {
        let mut check = Checker::default();
        if self.version != VERSION {
            check.add(Problem::version(u64::from(self.version)));
        }
        self.world.check(&mut check);
        self.data.check(&mut check);
        self.net.check(self.world.observation(), &mut check);
        self.training.check(&mut check);
        self.prior.check(&self.data, &mut check);
        self.bound.check(&self.data, &mut check);
        self.evaluation.check(&self.world, &mut check);
        check.range("seed", self.seed as f64, 0.0, MAX_SEED as f64);
        if self.data.length > self.net.context {
            check.add(Problem::new(
                "data.length",
                self.data.length,
                &format!("at most the model's context length, {}", self.net.context),
                "Shorten T or raise the model's context length.",
            ));
        }
        if self.evaluation.prompt_length > self.data.length {
            check.add(Problem::new(
                "evaluation.prompt_length",
                self.evaluation.prompt_length,
                &format!("at most T, {}", self.data.length),
                "The model never saw longer sequences; shorten the prompt or lengthen T.",
            ));
        }
        if let WorldSpec::Text(text) = &self.world {
            text.check_length(self.data.length, &mut check);
        }
        if self.world.observation().is_vectors() && self.world.parameter("radius") == 0.0 {
            // About the largest spectral radius that such a W has: beyond some 1e12 no number stays exact.
            let (sw, d) = (self.world.parameter("sw"), self.world.parameter("d"));
            let growth = sw * (d.sqrt() + 1.5);
            let longest =
                if growth > 1.0 { (12.0 * std::f64::consts::LN_10 / growth.ln()).floor() } else { f64::INFINITY };
            if self.data.length as f64 > longest {
                check.add(Problem::new(
                    "data.length",
                    self.data.length,
                    &format!("at most {longest} with world.sw {sw}"),
                    "Longer sequences of this system explode; lower sw, or give a radius.",
                ));
            }
        }
        if check.is_empty() {
            // Only a sound experiment has sizes worth adding up.
            Estimate::of(self).check(&mut check);
        }
        check.finish()
    }

    /// Optimizer steps of the whole run: two prior stages and the training proper.
    pub fn steps(&self) -> usize {
        2 * self.prior.steps + self.training.steps
    }

    /// T_p: how many tokens of a prompt the two-level loss averages over. A value of 0 in
    /// `evaluation` means T, which is filled in here.
    pub fn prompt_length(&self) -> usize {
        match self.evaluation.prompt_length {
            0 => self.data.length,
            n => n,
        }
    }
}

#[cfg(test)]
mod tests;
