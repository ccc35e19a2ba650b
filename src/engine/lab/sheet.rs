//! One sweep as the coordinator holds it: what was asked for, what was found, and what is still to do.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::{
    form::{Form, cost},
    queue::Queue,
};
use crate::{
    experiment::{
        Experiment, Preset, Problem, link,
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
            record,
            sweep,
            cells,
        })
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
}

/// The study's sweep that has this id.
fn study_sweep(id: &str) -> Option<&'static StudySweep> {
    STUDIES.iter().flat_map(|study| study.sweeps).find(|part| part.sweep().is_ok_and(|sweep| sweep.id() == id))
}
