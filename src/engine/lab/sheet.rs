//! One sweep as the coordinator holds it: what was asked for, what was found, and what is still to do.

use serde::{Deserialize, Serialize};

use super::{
    form::{Form, cost},
    queue::Queue,
};
use crate::{
    experiment::{
        Experiment, Preset, Problem, link,
        preset::PRESETS,
        sweep::{Cell, Sweep},
    },
    protocol::{DeviceChoice, Outcome},
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
    Done(Box<Outcome>),
    Failed(String),
}

pub struct Sheet {
    pub record: Record,
    pub sweep: Sweep,
    pub cells: Vec<Cell>,
    pub found: Vec<Option<Found>>,
    pub queue: Queue,
    /// The cell whose numbers are shown.
    pub chosen: Option<usize>,
    /// The latest cell that was run again.
    pub check: Option<(usize, Check)>,
}

impl Sheet {
    /// A sweep with what was found of it so far. Results of cells that it does not have are left out.
    pub fn new(record: Record, found: Vec<Found>, cores: usize, patience: f64) -> Result<Self, Vec<Problem>> {
        let sweep = Sweep::parse_grid(record.base.clone(), &record.grid)?;
        let cells = sweep.cells()?;
        let costs = cells.iter().map(|cell| cost(&cell.experiment)).collect();
        let queue = Queue::new(costs, Form::workers(record.device, cores), patience);
        let mut sheet = Self { record, sweep, found: vec![None; cells.len()], cells, queue, chosen: None, check: None };
        for one in found {
            if let Some(cell) = sheet.cells.iter().position(|cell| cell.key == one.key) {
                sheet.queue.known(cell);
                sheet.found[cell] = Some(one);
            }
        }
        Ok(sheet)
    }

    /// Cells with a result.
    pub fn done(&self) -> usize {
        self.found.iter().flatten().count()
    }

    /// The fragment that opens a cell in the playground.
    pub fn link(&self, cell: &Cell) -> String {
        let preset = Preset::named(&self.record.preset).unwrap_or(&PRESETS[0]);
        link::to_fragment(preset, &cell.experiment)
    }
}
