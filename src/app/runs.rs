//! The runs that this browser keeps, so that a reload brings them back: which are kept, what they are called, how they differ, what a
//! reload goes on with, and which of them go when there is no room. The store itself is `page::runs`.

pub mod file;
mod restore;
mod shown;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use super::history::{History, difference};
use crate::{
    experiment::{Experiment, Preset},
    number::{self, Unit},
    protocol::{Measured, checkpoint::identity},
};

pub use restore::{Mark, Restored, restored};
pub use shown::{MAX_SHOWN, Shown};

/// Longest name, in characters.
pub const MAX_NAME: usize = 60;
/// A run with fewer steps is not kept, unless that is all it has.
const LEAST_STEPS: usize = 5;

/// A run that is kept, without its curves and its checkpoint, which are large and lie beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptRun {
    /// Never given twice.
    pub id: String,
    pub name: String,
    /// The name is the reader's.
    pub renamed: bool,
    /// Stays, whatever else goes.
    pub pinned: bool,
    /// Name of the story that it was run in.
    pub preset: String,
    pub experiment: Experiment,
    /// Milliseconds since 1970.
    pub created: f64,
    /// How many seeds of it ran side by side.
    pub seeds: usize,
    /// Steps done by the first of them, prior stages included.
    pub step: usize,
    /// Bytes that its curves and its checkpoint take.
    pub bytes: usize,
    /// Of the first seed; `None` before its first evaluation.
    pub numbers: Option<FinalNumbers>,
}

/// What a run had reached at its last evaluation, nats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FinalNumbers {
    /// The last position, T.
    pub position: usize,
    /// Loss there on fresh topics.
    pub loss: f64,
    /// The same above `reference`: by definition for exact Bayes, by chance below it for a baseline.
    pub excess: Measured,
    /// `exact Bayes`, or the baseline in its place.
    pub reference: String,
    /// Sequence gap and topic gap of a finished run.
    pub gaps: Option<[Measured; 2]>,
}

impl FinalNumbers {
    /// Of the latest evaluation; `None` before the first.
    pub fn of(history: &History) -> Option<Self> {
        let evaluation = history.latest()?;
        let at = evaluation.model.len().checked_sub(1)?;
        let excess = Measured { value: *evaluation.excess.get(at)?, stderr: *evaluation.excess_stderr.get(at)? };
        Some(Self {
            position: at + 1,
            loss: evaluation.model[at],
            excess,
            reference: history.reference().into(),
            gaps: history.outcome().map(|outcome| [outcome.sequence_gap, outcome.topic_gap]),
        })
    }

    /// `loss 0.912 nats at position 32, 0.0040 ± 0.0003 above exact Bayes; sequence gap …, topic gap …`.
    pub fn words(&self, unit: Unit) -> String {
        let with_error = |m: Measured| number::with_error(unit.of(m.value), unit.of(m.stderr));
        let loss = number::short(unit.of(self.loss));
        let above = if self.excess.value < 0.0 { "below" } else { "above" };
        let excess = with_error(Measured { value: self.excess.value.abs(), ..self.excess });
        let mut words = format!(
            "loss {loss} {unit} at position {}, {excess} {above} {}",
            number::count(self.position),
            self.reference
        );
        if let Some([sequence, topic]) = self.gaps {
            words.push_str(&format!("; sequence gap {}, topic gap {}", with_error(sequence), with_error(topic)));
        }
        words
    }
}

impl KeptRun {
    /// A run of `experiment` in a story that is kept from now (milliseconds since 1970) on, beside `runs`.
    pub fn new(id: String, now: f64, experiment: &Experiment, preset: &Preset, runs: &[Self]) -> Self {
        let title = (preset.experiment().world == experiment.world).then_some(preset.title);
        Self {
            id,
            name: first_name(experiment, title, runs),
            renamed: false,
            pinned: false,
            preset: preset.name.into(),
            experiment: experiment.clone(),
            created: now,
            seeds: 1,
            step: 0,
            bytes: 0,
            numbers: None,
        }
    }

    /// Takes over how far the run is.
    pub fn follow(&mut self, history: &History) {
        (self.step, self.numbers) = (history.step(), FinalNumbers::of(history));
        self.seeds = history.with_seeds().count();
    }

    /// `120 of 400 steps`, or `400 steps of 3 seeds`.
    pub fn steps_words(&self) -> String {
        let (step, planned) = (number::count(self.step), self.experiment.steps());
        let steps = if self.step >= planned {
            format!("{step} steps")
        } else {
            format!("{step} of {} steps", number::count(planned))
        };
        if self.seeds > 1 { format!("{steps}, {} seeds", self.seeds) } else { steps }
    }

    /// What it had reached, with the seed that the numbers are of where there are several; empty before the first evaluation.
    pub fn numbers_words(&self, unit: Unit) -> String {
        let words = self.numbers.as_ref().map(|numbers| numbers.words(unit)).unwrap_or_default();
        match (words.is_empty(), self.seeds) {
            (true, _) | (_, ..=1) => words,
            _ => format!("seed {}: {words}", self.experiment.seed),
        }
    }
}

/// Whether a run is kept once another takes its place, or while it goes on. `by_itself`: the other started by itself, as a setting was
/// moved: then a run that did not get half way leaves nothing, since whoever moves a slider would leave many.
pub fn is_kept(history: &History, by_itself: bool) -> bool {
    let (step, planned) = (history.step(), history.experiment().steps());
    let is_evaluated = history.latest().is_some_and(|evaluation| evaluation.step > 0);
    is_evaluated && step >= LEAST_STEPS.min(planned) && (!by_itself || 2 * step >= planned)
}

/// Runs that `run` takes the place of: the same experiment has the same numbers, so those of it that got no further go, and have no more seeds. What the reader
/// named or pinned stays, and so does all while `run` is not half way: it may yet leave nothing itself ([`is_kept`]).
pub fn superseded<'a>(runs: &'a [KeptRun], run: &KeptRun) -> Vec<&'a KeptRun> {
    if 2 * run.step < run.experiment.steps() {
        return Vec::new();
    }
    let mine = identity(&run.experiment);
    let goes = |other: &&KeptRun| {
        other.id != run.id
            && !other.pinned
            && !other.renamed
            && other.step <= run.step
            && other.seeds <= run.seeds
            && identity(&other.experiment) == mine
    };
    runs.iter().filter(goes).collect()
}

/// What is large of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunBytes {
    /// The latest curves, as [`History::to_bytes`] writes them.
    #[serde(with = "serde_bytes_as_is")]
    pub history: Vec<u8>,
    /// As the engine's `Event::Checkpoint` brought it; empty before the first.
    #[serde(with = "serde_bytes_as_is")]
    pub checkpoint: Vec<u8>,
    /// The curves as they were at the checkpoint, where the run went on after it; else empty, and they are `history`.
    #[serde(with = "serde_bytes_as_is")]
    pub at_checkpoint: Vec<u8>,
    /// The other seeds of the run; those without a checkpoint are not among them.
    pub seeds: Vec<SeedBytes>,
}

/// What is large of another seed of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeedBytes {
    pub seed: u64,
    /// Its curves at its checkpoint, which may be at another step than that of the run.
    #[serde(with = "serde_bytes_as_is")]
    pub history: Vec<u8>,
    #[serde(with = "serde_bytes_as_is")]
    pub checkpoint: Vec<u8>,
}

/// Bytes as [`crate::protocol::Bytes`] writes them: as a whole.
mod serde_bytes_as_is {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::protocol::Bytes;

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        Bytes::deserialize(deserializer).map(|bytes| bytes.0)
    }
}

impl RunBytes {
    pub fn len(&self) -> usize {
        let seeds: usize = self.seeds.iter().map(|seed| seed.history.len() + seed.checkpoint.len()).sum();
        self.history.len() + self.checkpoint.len() + self.at_checkpoint.len() + seeds
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The curves that belong to the checkpoint.
    pub fn history_at_checkpoint(&self) -> &[u8] {
        if self.at_checkpoint.is_empty() { &self.history } else { &self.at_checkpoint }
    }

    /// The run went on after its checkpoint, up to these curves.
    pub fn followed_by(mut self, history: Vec<u8>) -> Self {
        let at_checkpoint = match (self.checkpoint.is_empty(), self.at_checkpoint.is_empty()) {
            (true, _) => Vec::new(),
            (false, true) => std::mem::take(&mut self.history),
            (false, false) => std::mem::take(&mut self.at_checkpoint),
        };
        Self { history, at_checkpoint, ..self }
    }
}

/// The id of a run that is kept from now (milliseconds since 1970) on, unlike those of `runs`.
pub fn new_id(now: f64, runs: &[KeptRun]) -> String {
    let mut number = now.max(0.0) as u64;
    let taken = |number: u64| runs.iter().any(|run| run.id == format!("{number:x}"));
    while taken(number) {
        number += 1;
    }
    format!("{number:x}")
}

/// The order in a list: pinned ones first, then the newest.
pub fn sort(runs: &mut [KeptRun]) {
    runs.sort_by(|a, b| (Reverse(a.pinned)).cmp(&Reverse(b.pinned)).then(b.created.total_cmp(&a.created)));
}

/// A first name for a run: its world, with a number behind it where others have that name. `preset`: the title of the preset that it
/// came from, where it is one; it stands in place of the world.
pub fn first_name(experiment: &Experiment, preset: Option<&str>, runs: &[KeptRun]) -> String {
    let title = preset.map_or_else(|| experiment.world.title(), String::from);
    // With room for a number.
    let base: String = title.chars().take(MAX_NAME - 6).collect();
    let taken = |name: &str| runs.iter().any(|run| run.name == name);
    let numbered = (2..).map(|number| format!("{base} {number}"));
    std::iter::once(base.clone()).chain(numbered).find(|name| !taken(name)).unwrap_or(base)
}

/// A name as the user typed it, without what surrounds it.
///
/// # Errors
///
/// A sentence where it is no name.
pub fn typed_name(text: &str) -> Result<String, String> {
    let name = text.trim();
    match name.chars().count() {
        0 => Err("A run needs a name.".into()),
        count if count > MAX_NAME => Err(format!("A name has at most {MAX_NAME} characters; this one has {count}.")),
        _ => Ok(name.into()),
    }
}

/// How the settings of `run` differ from those of the chosen run, in short: `K = 4, N = 2`, or `same settings`.
pub fn difference_from(chosen: &Experiment, run: &KeptRun) -> String {
    if chosen.world != run.experiment.world {
        return run.experiment.world.title();
    }
    difference(chosen, &run.experiment)
}

/// Which runs go so that `bytes` more can be kept: the oldest first; never a pinned one, nor `current`, the run that is to be written.
/// `None` where even all of them would free too little: then none has to go.
pub fn to_evict<'a>(runs: &'a [KeptRun], current: &str, bytes: usize) -> Option<Vec<&'a KeptRun>> {
    let mut candidates: Vec<&KeptRun> = runs.iter().filter(|run| !run.pinned && run.id != current).collect();
    candidates.sort_by(|a, b| a.created.total_cmp(&b.created));
    let mut freed = 0;
    let mut going = Vec::new();
    for run in candidates {
        if freed >= bytes {
            break;
        }
        freed += run.bytes;
        going.push(run);
    }
    (freed >= bytes).then_some(going)
}

/// Says which runs went; empty where none did.
pub fn evicted_sentence(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [only] => format!(
            "This browser had no room for more runs, so the oldest one that was not pinned was removed: {only}."
        ),
        several => format!(
            "This browser had no room for more runs, so the {} oldest ones that were not pinned were removed: {}.",
            several.len(),
            several.join(", "),
        ),
    }
}

/// What is said where there is no room for a run, and nothing that may go.
pub const NO_ROOM: &str = "This browser has no room to keep this run: it is lost when the page is closed. Remove or unpin other runs to make room.";
