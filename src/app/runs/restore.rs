//! What a reload goes on with: what the tab remembers of its run, and how what was kept becomes that run again.

use serde::{Deserialize, Serialize};

use super::{KeptRun, RunBytes, SeedBytes};
use crate::{
    app::{history::History, seeds::CHOICES},
    experiment::Experiment,
    probe::RunRecord,
    protocol::checkpoint::{self, CheckpointError, Summary, identity},
};

/// What a tab remembers of the run that the page speaks of, until it is closed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    pub id: String,
    /// Of its experiment.
    pub identity: String,
    /// It was paused.
    pub held: bool,
    /// The step that was looked at, where it was not the latest.
    pub shown: Option<usize>,
}

impl Mark {
    /// What was remembered, where it is a run of the experiment that the address asks for. Nothing else is brought back.
    pub fn of(text: &str, experiment: &Experiment) -> Option<Self> {
        let mark: Self = serde_json::from_str(text).ok()?;
        (mark.identity == identity(experiment)).then_some(mark)
    }

    pub fn to_text(&self) -> String {
        // Plain data with string keys: serialisation cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Most seeds of a run.
const MOST_SEEDS: usize = CHOICES[CHOICES.len() - 1];

/// A kept run that can be looked at again.
#[derive(Debug)]
pub struct Restored {
    /// As it was at the checkpoint where there is one, so that what the engine reports from there on fits.
    pub history: History,
    /// What the engine goes on from; `None` where the run was replaced before its first checkpoint.
    pub checkpoint: Option<(Summary, Vec<u8>)>,
    /// The same for each of [`History::seeds`], in their order. A seed without a checkpoint begins at its first step: it has the same
    /// numbers again.
    pub seeds: Vec<Option<(Summary, Vec<u8>)>>,
}

impl Restored {
    /// What the probes of the page know of the steps that were done; `None` without a checkpoint.
    pub fn record(&self) -> Option<RunRecord> {
        record(&self.history, &self.checkpoint.as_ref()?.0)
    }

    /// The same of each other seed.
    pub fn records_of_seeds(&self) -> impl Iterator<Item = (&Experiment, Option<RunRecord>)> {
        self.history.seeds().iter().zip(&self.seeds).map(|(history, checkpoint)| {
            let known = checkpoint.as_ref().and_then(|(summary, _)| record(history, summary));
            (history.experiment(), known)
        })
    }
}

fn record(history: &History, summary: &Summary) -> Option<RunRecord> {
    Some(RunRecord {
        experiment: history.experiment().clone(),
        theory: history.theory()?.clone(),
        evaluations: summary.evaluations.clone(),
        losses: summary.losses.0.clone(),
    })
}

/// Reads what was kept of a run.
///
/// # Errors
///
/// A sentence where another version of the site wrote it, where it is damaged, and where its parts are not of one run.
pub fn restored(run: &KeptRun, bytes: RunBytes) -> Result<Restored, String> {
    let mut history = History::from_bytes(bytes.history_at_checkpoint()).map_err(|why| why.to_string())?;
    let damaged = |what: &str| CheckpointError::Damaged(what.into()).to_string();
    let name = identity(&run.experiment);
    if identity(history.experiment()) != name {
        return Err(damaged("its curves are of another run"));
    }
    let is_seed = |seed: &History| {
        let own = Experiment { seed: seed.experiment().seed, ..run.experiment.clone() };
        seed.seeds().is_empty() && identity(seed.experiment()) == identity(&own)
    };
    if history.with_seeds().count() > MOST_SEEDS || !history.seeds().iter().all(is_seed) {
        return Err(damaged("its seeds are of other runs"));
    }
    if bytes.checkpoint.is_empty() {
        return Ok(Restored { history, checkpoint: None, seeds: Vec::new() });
    }
    let (summary, _) = checkpoint::read(&bytes.checkpoint).map_err(|why| why.to_string())?;
    if summary.experiment != name {
        return Err(damaged("its checkpoint is of another run"));
    }
    // The engine will report the steps after it, and no curve is drawn twice.
    if history.step() > summary.step {
        return Err(damaged("its curves go on after its checkpoint"));
    }
    let seeds: Vec<_> = history.seeds().iter().map(|seed| restored_seed(seed.experiment(), &bytes.seeds)).collect();
    let (histories, seeds) = seeds.into_iter().unzip();
    history.restore_seeds(histories);
    Ok(Restored { history, checkpoint: Some((summary, bytes.checkpoint)), seeds })
}

/// Another seed as it was at its checkpoint, or before its first step where none of it can be read.
fn restored_seed(experiment: &Experiment, kept: &[SeedBytes]) -> (History, Option<(Summary, Vec<u8>)>) {
    let found = kept.iter().find(|kept| kept.seed == experiment.seed).and_then(|kept| {
        let history = History::from_bytes(&kept.history).ok()?;
        let (summary, _) = checkpoint::read(&kept.checkpoint).ok()?;
        let name = identity(experiment);
        let fits = identity(history.experiment()) == name && summary.experiment == name;
        (fits && history.step() <= summary.step).then(|| (history, Some((summary, kept.checkpoint.clone()))))
    });
    found.unwrap_or_else(|| (History::new(experiment), None))
}
