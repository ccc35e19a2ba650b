//! One sweep as the coordinator holds it: what was asked for, what was found, and what is still to do.

use std::{collections::BTreeMap, rc::Rc};

use serde::{Deserialize, Serialize};

use super::{
    form::{Form, cost},
    queue::{Queue, State},
};
use crate::{
    experiment::{
        Experiment, Preset, Problem, WorldSpec, link,
        preset::PRESETS,
        study::{STUDIES, Study, StudySweep, View},
        sweep::{Cell, Sweep},
    },
    protocol::{DeviceChoice, Outcome},
    sweep::{Run, recorded::Recorded, report::usual_views},
};

/// What is stored of a sweep when it starts, and never changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub id: String,
    pub base: Experiment,
    pub grid: String,
    /// The story that the base was made from: links are written against it.
    pub preset: String,
    pub device: DeviceChoice,
    /// When it was first started, ms since 1970.
    pub created: f64,
    /// The site's build that started it.
    pub build: String,
    /// How many cells there are.
    pub cells: usize,
}

/// What is stored of a cell when it is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The cell's, within its sweep.
    pub key: String,
    pub outcome: Outcome,
    /// From being sent to its worker to the answer.
    pub seconds: f64,
}

/// A cell that runs a second time, to be compared.
#[derive(Clone, Debug, PartialEq)]
pub enum Check {
    Running(f64),
    Done(Box<Run>),
    Failed(String),
}

/// A study whose recorded results are on the screen.
#[derive(Clone)]
pub struct Studied {
    pub study: &'static Study,
    pub recorded: Rc<Recorded>,
    /// Which of its sweeps the sheet is.
    pub part: usize,
}

pub struct Sheet {
    pub record: Record,
    pub sweep: Sweep,
    pub cells: Vec<Cell>,
    pub runs: Vec<Option<Run>>,
    /// What each cell took; 0 where that is not known.
    pub seconds: Vec<f64>,
    pub queue: Queue,
    /// What is shown of the results, and the loss that the time to a loss is measured to.
    pub views: Vec<View>,
    pub level: Option<f64>,
    /// One more metric to show, by name.
    pub metric: Option<&'static str>,
    /// The cell whose numbers are shown.
    pub chosen: Option<usize>,
    /// The latest cell that was run again.
    pub check: Option<(usize, Check)>,
    /// Nothing of it was run in this browser.
    pub studied: Option<Studied>,
    /// How many results come from other sweeps.
    pub borrowed: usize,
}

impl Sheet {
    /// A sweep with what was found of it so far. Results of cells that it does not have are left out.
    pub fn new(record: Record, found: Vec<Found>, cores: usize, patience: f64) -> Result<Self, Vec<Problem>> {
        let mut sheet = Self::empty(record, cores, patience)?;
        for one in found {
            if let Some(cell) = sheet.cells.iter().position(|cell| cell.key == one.key) {
                sheet.queue.known(cell);
                sheet.put(cell, &one);
            }
        }
        Ok(sheet)
    }

    /// One sweep of a study as it was recorded.
    pub fn recorded(studied: Studied, cores: usize, patience: f64) -> Result<Self, Vec<Problem>> {
        let part = &studied.recorded.sweeps[studied.part];
        let record = Record::new(&part.sweep, String::new(), DeviceChoice::Cpu);
        let mut sheet = Self::empty(record, cores, patience)?;
        for run in &part.runs {
            if let Some(cell) = sheet.cells.iter().position(|cell| cell.key == run.key) {
                sheet.queue.known(cell);
                sheet.runs[cell] = Some(run.clone());
            }
        }
        sheet.studied = Some(studied);
        Ok(sheet)
    }

    fn empty(record: Record, cores: usize, patience: f64) -> Result<Self, Vec<Problem>> {
        let sweep = Sweep::kept_grid(record.base.clone(), &record.grid)?;
        let cells = sweep.cells()?;
        let costs = cells.iter().map(|cell| cost(&cell.experiment)).collect();
        let part = study_sweep(&record.id);
        Ok(Self {
            queue: Queue::new(costs, Form::workers(record.device, cores), patience),
            views: part.map_or_else(|| usual_views(&sweep), |part| part.views.to_vec()),
            level: part.and_then(|part| part.level),
            metric: None,
            runs: vec![None; cells.len()],
            seconds: vec![0.0; cells.len()],
            chosen: None,
            check: None,
            studied: None,
            borrowed: 0,
            record,
            sweep,
            cells,
        })
    }

    /// Takes over results that were found elsewhere, of cells that wait here; whether there were any.
    pub fn take_over(&mut self, found: Vec<Found>) -> bool {
        let mut any = false;
        for one in found {
            let cell = self.cells.iter().position(|cell| cell.key == one.key);
            if let Some(cell) = cell.filter(|&cell| self.queue.states()[cell] == State::Waiting) {
                self.queue.known(cell);
                self.put(cell, &one);
                any = true;
            }
        }
        any
    }

    /// Takes over what other sweeps found of the very same experiments (a grid that has grown has most of its runs from the one before),
    /// and gives it as results of this sweep.
    pub fn borrow(&mut self, others: &[(Record, Vec<Found>)]) -> Vec<Found> {
        let mut results: BTreeMap<String, &Found> = BTreeMap::new();
        for (record, found) in others.iter().filter(|(record, _)| record.may_lend_to(&self.record)) {
            let cells = Sweep::parse_grid(record.base.clone(), &record.grid).and_then(|sweep| sweep.cells());
            for cell in cells.unwrap_or_default() {
                if let Some(one) = found.iter().find(|one| one.key == cell.key) {
                    results.entry(identity(&cell.experiment)).or_insert(one);
                }
            }
        }
        let mut borrowed = Vec::new();
        for cell in 0..self.cells.len() {
            let known = results.get(&identity(&self.cells[cell].experiment));
            if let Some(one) = known.filter(|_| self.queue.states()[cell] == State::Waiting) {
                borrowed.push(Found { key: self.cells[cell].key.clone(), ..(*one).clone() });
            }
        }
        self.borrowed += borrowed.len();
        self.take_over(borrowed.clone());
        borrowed
    }

    /// Takes over a cell's result.
    pub fn put(&mut self, cell: usize, found: &Found) {
        self.runs[cell] = Some(Run::new(&self.cells[cell], &found.outcome, self.level));
        self.seconds[cell] = found.seconds;
    }

    /// Cells with a result.
    pub fn done(&self) -> usize {
        self.runs.iter().flatten().count()
    }

    /// The fragment that opens a cell in the playground.
    pub fn link(&self, cell: &Cell) -> String {
        let preset = Preset::named(&self.record.preset).unwrap_or(&PRESETS[0]);
        link::to_fragment(preset, &cell.experiment)
    }
}

impl Record {
    /// A sweep that was not started yet.
    pub fn new(sweep: &Sweep, preset: String, device: DeviceChoice) -> Self {
        Self {
            id: sweep.id(),
            base: sweep.base.clone(),
            grid: sweep.grid(),
            preset,
            device,
            created: 0.0,
            build: String::new(),
            cells: sweep.len(),
        }
    }

    /// Whether a run of this sweep would be the same run in the other: of the same version of the site, on the same kind of device, and
    /// where texts are concerned, on the same text.
    pub fn may_lend_to(&self, other: &Self) -> bool {
        let is_text = |record: &Self| matches!(record.base.world, WorldSpec::Text(_));
        self.id != other.id
            && self.build == other.build
            && self.device == other.device
            && ((!is_text(self) && !is_text(other)) || self.base.world == other.base.world)
    }
}

/// Equal for equal experiments, among records that may lend to each other: a text, which can be long, is left out.
fn identity(experiment: &Experiment) -> String {
    let mut experiment = experiment.clone();
    if matches!(experiment.world, WorldSpec::Text(_)) {
        experiment.world = WorldSpec::default();
    }
    // Plain data with string keys: serialisation cannot fail.
    serde_json::to_string(&experiment).unwrap_or_default()
}

/// The study's sweep that has this id.
fn study_sweep(id: &str) -> Option<&'static StudySweep> {
    STUDIES.iter().flat_map(|study| study.sweeps).find(|part| part.sweep().is_ok_and(|sweep| sweep.id() == id))
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests {
    use super::*;

    fn record(base: &Experiment, grid: &str) -> Record {
        let sweep = Sweep::parse_grid(base.clone(), grid).expect("a sound grid");
        Record { build: "a".into(), ..Record::new(&sweep, String::new(), DeviceChoice::Cpu) }
    }

    fn found(record: &Record) -> Vec<Found> {
        let sweep = Sweep::parse_grid(record.base.clone(), &record.grid).expect("a sound grid");
        let one = |cell: &Cell| Found { key: cell.key.clone(), outcome: Outcome::default(), seconds: 1.0 };
        sweep.cells().expect("sound cells").iter().map(one).collect()
    }

    #[test]
    fn a_grown_grid_runs_only_what_is_new() {
        let mut base = Experiment::default();
        base.data.fresh = false;
        let small = record(&base, "data.topics=4,8; seed=1..2");
        let others = [(small.clone(), found(&small))];
        let open = |record: Record| Sheet::new(record, vec![], 4, 1.0).expect("a sound sweep");

        let mut grown = open(record(&base, "data.topics=4,8,16; seed=1..3"));
        let borrowed = grown.borrow(&others);
        assert_eq!((borrowed.len(), grown.borrowed, grown.done()), (4, 4, 4));
        let waiting = grown.queue.states().iter().filter(|state| **state == State::Waiting).count();
        assert_eq!(waiting, 5, "the rest is run");
        let keys: Vec<&str> = grown.cells.iter().map(|cell| cell.key.as_str()).collect();
        assert!(borrowed.iter().all(|one| keys.contains(&one.key.as_str())), "results go by this sweep's own keys");
        assert!(grown.borrow(&others).is_empty(), "once");

        // An axis more, held at the value that the base has, makes the same experiments under other names.
        let more = format!("data.topics=4,8; seed=1..2; data.length={}", base.data.length);
        assert_eq!(open(record(&base, &more)).borrow(&others).len(), 4);

        // Other experiments, other versions and other devices lend nothing.
        let mut longer = base.clone();
        longer.training.steps += 1;
        assert!(open(record(&longer, "data.topics=4,8; seed=1..3")).borrow(&others).is_empty());
        let other_build = Record { build: "b".into(), ..record(&base, "data.topics=4,8; seed=1..3") };
        assert!(open(other_build).borrow(&others).is_empty());
        let on_gpu = Record { device: DeviceChoice::Gpu, ..record(&base, "data.topics=4,8; seed=1..3") };
        assert!(open(on_gpu).borrow(&others).is_empty());
    }

    #[test]
    fn what_another_tab_found_is_taken_over_where_this_one_waits() {
        let record = record(&Experiment::default(), "seed=1..3");
        let mut sheet = Sheet::new(record.clone(), vec![], 4, 1.0).expect("a sound sweep");
        let results = found(&record);
        assert!(sheet.take_over(results[..2].to_vec()));
        assert!(!sheet.take_over(results[..2].to_vec()), "once");
        assert_eq!(sheet.done(), 2);
    }
}
