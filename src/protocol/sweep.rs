//! The page's conversation with the coordinator of sweeps.
//!
//! The coordinator sends numbers; the page turns them into sentences, squares, charts and files. A *point* is one run of a sweep,
//! by its index in the order of the grid.

use serde::{Deserialize, Serialize};

use super::{DeviceChoice, Measured, Outcome, Record, wire};
use crate::experiment::Experiment;

/// What the page asks of the coordinator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SweepRequest {
    /// Report everything: the stored sweeps and how far the runs are.
    Hello,
    /// Store a new sweep, run it and open it. One that is stored already is opened and goes on.
    Start {
        #[serde(with = "wire::as_json")]
        base: Box<Experiment>,
        /// As `Sweep::grid` writes it.
        grid: String,
        /// The story that the base was made from.
        preset: String,
        /// What a person calls it; empty for none.
        name: String,
        device: DeviceChoice,
    },
    /// Give a stored sweep another name, or with an empty one none. Its id and its results stay.
    Rename { id: String, name: String },
    /// Open a stored sweep, answered by [`SweepEvent::Opened`]. With `resume` it goes on.
    Open { id: String, resume: bool },
    /// Close what is open. What runs goes on.
    Leave,
    /// Send what is recorded of a study, answered by [`SweepEvent::Study`].
    Study { name: String },
    /// Start no more runs of the open sweep; those under way finish.
    Pause { id: String },
    /// Stop the runs of the open sweep; those under way wait again.
    Cancel { id: String },
    /// Let the open sweep go on.
    Resume { id: String },
    /// Let a failed point wait again, or all of them.
    Retry { id: String, point: Option<usize> },
    /// Forget a stored sweep and its results.
    Delete { id: String },
    /// Run an experiment beside the sweep, answered by [`SweepEvent::Check`] with the same number. The check before is dropped.
    Check {
        number: u32,
        #[serde(with = "wire::as_json")]
        experiment: Box<Experiment>,
        device: DeviceChoice,
    },
    /// Drop the check.
    StopCheck,
}

/// What the coordinator reports.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SweepEvent {
    /// Sent every second: silence means that the coordinator has stopped.
    Alive,
    /// The coordinator has stopped. Finished runs are stored.
    Failed { why: String },
    /// Every stored sweep, the newest first.
    Stored(Vec<StoredSweep>),
    /// A sweep is open now.
    Opened(Box<OpenedSweep>),
    /// The sweep is not open, or no longer: it was deleted, or it was never stored.
    Closed { id: String, is_deleted: bool },
    /// Points of the open sweep that have changed since the last report.
    Points { id: String, changed: Vec<(usize, PointState)> },
    /// How far the runs are; sent when it has changed.
    Status(Box<SweepStatus>),
    /// What is recorded of a study.
    Study(Box<StudyResults>),
    /// How far the check of this number is.
    Check { number: u32, state: Box<CheckState> },
}

/// A stored sweep, as a list shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum StoredSweep {
    Readable {
        id: String,
        /// What a person calls it; empty for none.
        name: String,
        grid: String,
        /// The base's world in its short form.
        world: String,
        /// Points in the grid, and of these how many have a result.
        points: usize,
        done: usize,
    },
    /// Written by a version of the site that this one cannot read.
    Unreadable { id: String },
}

impl StoredSweep {
    pub fn id(&self) -> &str {
        match self {
            Self::Readable { id, .. } | Self::Unreadable { id } => id,
        }
    }
}

/// A sweep with everything that is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenedSweep {
    pub id: String,
    /// What a person calls it; empty for none.
    pub name: String,
    #[serde(with = "wire::as_json")]
    pub base: Box<Experiment>,
    /// As `Sweep::kept_grid` reads it.
    pub grid: String,
    /// The story that the base was made from: links are written against it.
    pub preset: String,
    pub device: DeviceChoice,
    /// It was started by another build of the site, whose numbers may differ.
    pub is_of_other_build: bool,
    /// Workers that may run at once.
    pub workers: usize,
    /// What each point costs, in any unit.
    pub costs: Vec<f64>,
    /// One for each point.
    pub points: Vec<PointState>,
}

/// Where a point of a sweep stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum PointState {
    Waiting,
    /// `done` is the share of its work, 0 to 1.
    Running {
        done: f64,
    },
    Done {
        /// From being sent to its worker to the answer; 0 where that is not known.
        seconds: f64,
        numbers: Box<RunNumbers>,
    },
    /// `why` is a sentence.
    Failed {
        why: String,
    },
}

/// What a run has found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunNumbers {
    /// One entry for each of `sweep::METRICS`; `None` where it was not measured.
    pub metrics: Vec<Option<Measured>>,
    /// Evaluations along the run.
    pub record: Record,
}

/// How far the runs are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SweepStatus {
    /// The sweep that has workers now, open or not.
    pub running: Option<RunningSweep>,
    pub open: Option<OpenStatus>,
    /// Worker milliseconds per unit of cost, as last measured, and on which device.
    pub pace: Option<(DeviceChoice, f64)>,
    /// What needs attention, in sentences.
    pub problems: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunningSweep {
    pub id: String,
    pub done: usize,
    pub points: usize,
}

/// How far the open sweep is, besides its points.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OpenStatus {
    pub id: String,
    /// No new runs are started.
    pub is_paused: bool,
    /// It has workers, whatever they do.
    pub is_active: bool,
    /// Workers that run something.
    pub working: usize,
    /// Results that came from other sweeps.
    pub borrowed: usize,
    /// Worker milliseconds per unit of cost in this sweep; `None` before the first result.
    pub pace: Option<f64>,
}

/// A study with the results that come with the site.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StudyResults {
    /// The study's name.
    pub study: String,
    /// The date of the settings that were run, the command and the machine; empty where nothing is recorded.
    pub settings: String,
    pub command: String,
    pub machine: String,
    pub parts: Vec<StudyPart>,
}

/// One sweep of a study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudyPart {
    /// The study's name for it.
    pub name: String,
    #[serde(with = "wire::as_json")]
    pub base: Box<Experiment>,
    pub grid: String,
    /// One for each point; `None` where nothing is recorded.
    pub points: Vec<Option<RunNumbers>>,
}

/// How far a run is that repeats another one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CheckState {
    /// The share done, 0 to 1.
    Running {
        done: f64,
    },
    Done(Box<Outcome>),
    Failed {
        why: String,
    },
}
