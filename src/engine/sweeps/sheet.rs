//! One sweep as the coordinator holds it: what was asked for, what was found, and what is still to do.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::queue::{Queue, State};
use crate::{
    experiment::{
        Experiment, Problem, WorldSpec,
        study::StudySweep,
        sweep::{Cell, Sweep},
    },
    protocol::{DeviceChoice, OpenStatus, OpenedSweep, Outcome, PointState},
    sweep::{
        Run,
        cost::{cost, worker_count},
    },
};

/// What is stored of a sweep when it starts. Its name alone may change later.
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
    /// What a person calls it; empty for none, as in what was stored before sweeps had names.
    #[serde(default)]
    pub name: String,
}

/// A stored sweep and how many of its cells are done; or the id of one that cannot be read.
pub type Entry = Result<(Record, usize), String>;

/// What is stored of a cell when it is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The cell's, within its sweep.
    pub key: String,
    pub outcome: Outcome,
    /// From being sent to its worker to the answer.
    pub seconds: f64,
}

/// A sweep that is open or runs.
pub struct Sheet {
    pub record: Record,
    pub cells: Vec<Cell>,
    pub queue: Queue,
    /// What the queue counts its time in, one entry for each cell.
    pub costs: Vec<f64>,
    runs: Vec<Option<Run>>,
    /// What each cell took; 0 where that is not known.
    seconds: Vec<f64>,
    /// The loss that the time to a loss is measured to.
    level: Option<f64>,
    /// How many results come from other sweeps.
    pub borrowed: usize,
    /// What was reported of each cell; empty before the sweep is opened on the page.
    reported: Vec<State>,
}

impl Sheet {
    /// A sweep with what was found of it so far. Results of cells that it does not have are left out.
    pub fn new(record: Record, found: Vec<Found>, cores: usize, timeout: f64) -> Result<Self, Vec<Problem>> {
        let mut sheet = Self::empty(record, cores, timeout)?;
        for one in found {
            if let Some(cell) = sheet.cells.iter().position(|cell| cell.key == one.key) {
                sheet.queue.known(cell);
                sheet.put(cell, &one);
            }
        }
        Ok(sheet)
    }

    fn empty(record: Record, cores: usize, timeout: f64) -> Result<Self, Vec<Problem>> {
        let cells = Sweep::kept_grid(record.base.clone(), &record.grid)?.cells()?;
        let costs: Vec<f64> = cells.iter().map(|cell| cost(&cell.experiment)).collect();
        Ok(Self {
            queue: Queue::new(costs.clone(), worker_count(record.device, cores), timeout),
            level: StudySweep::with_id(&record.id).and_then(|part| part.level),
            runs: vec![None; cells.len()],
            seconds: vec![0.0; cells.len()],
            borrowed: 0,
            reported: Vec::new(),
            costs,
            record,
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

    /// Where a cell stands, with its result.
    fn point(&self, cell: usize) -> PointState {
        match &self.queue.states()[cell] {
            State::Waiting => PointState::Waiting,
            State::Running(done) => PointState::Running { done: *done },
            State::Done => {
                let numbers = self.runs[cell].as_ref().map(Run::numbers).unwrap_or_default();
                PointState::Done { seconds: self.seconds[cell], numbers: Box::new(numbers) }
            }
            State::Failed(why) => PointState::Failed { why: why.clone() },
        }
    }

    /// The whole sweep, for the page. `build` is the site's own.
    pub fn opened(&mut self, build: &str) -> OpenedSweep {
        self.reported = self.queue.states().to_vec();
        OpenedSweep {
            id: self.record.id.clone(),
            name: self.record.name.clone(),
            base: Box::new(self.record.base.clone()),
            grid: self.record.grid.clone(),
            preset: self.record.preset.clone(),
            device: self.record.device,
            is_of_other_build: self.record.build != build,
            workers: self.queue.workers(),
            costs: self.costs.clone(),
            points: (0..self.cells.len()).map(|cell| self.point(cell)).collect(),
        }
    }

    /// What has changed since the last report.
    pub fn changes(&mut self) -> Vec<(usize, PointState)> {
        let differs = |cell: &usize| self.reported.get(*cell) != Some(&self.queue.states()[*cell]);
        let changed: Vec<_> = (0..self.cells.len()).filter(differs).map(|cell| (cell, self.point(cell))).collect();
        if !changed.is_empty() {
            self.reported = self.queue.states().to_vec();
        }
        changed
    }

    /// How far the sweep is at `now`, ms.
    pub fn status(&self, now: f64) -> OpenStatus {
        OpenStatus {
            id: self.record.id.clone(),
            is_paused: self.queue.is_paused(),
            is_active: self.queue.is_active(),
            working: self.queue.working(),
            borrowed: self.borrowed,
            pace: self.queue.pace(now),
        }
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
            name: String::new(),
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
    fn only_what_has_changed_is_reported() {
        let record = record(&Experiment::default(), "seed=1..3");
        let results = found(&record);
        let mut sheet = Sheet::new(record, results[..1].to_vec(), 4, 1.0).expect("a sound sweep");
        let opened = sheet.opened("b");
        assert!(matches!(&opened.points[0], PointState::Done { seconds: 1.0, numbers } if !numbers.metrics.is_empty()));
        assert_eq!(opened.points[1..], [PointState::Waiting, PointState::Waiting]);
        assert!(opened.is_of_other_build && opened.costs.len() == 3 && opened.workers == 3);
        assert_eq!(sheet.changes(), []);

        sheet.queue.resume();
        sheet.queue.orders(0.0);
        sheet.queue.ready(0);
        sheet.queue.orders(0.0);
        sheet.queue.progress(0, 0.25);
        assert_eq!(sheet.changes(), [(1, PointState::Running { done: 0.25 })]);
        assert_eq!(sheet.changes(), []);
        let status = sheet.status(1.0);
        assert_eq!((status.working, status.is_paused, status.is_active), (1, false, true));
        sheet.queue.finished(0, 3000.0);
        sheet.put(1, &results[1]);
        assert!(matches!(&sheet.changes()[..], [(1, PointState::Done { seconds: 1.0, .. })]));
        assert_eq!(sheet.status(3000.0).pace, sheet.queue.pace(3000.0));
    }

    #[test]
    fn a_name_changes_nothing_else_and_old_records_have_none() {
        let plain = record(&Experiment::default(), "seed=1..2");
        let named = Record { name: "two seeds".into(), ..plain.clone() };
        let others = [(named.clone(), found(&named))];
        let mut sheet = Sheet::new(named.clone(), found(&plain), 4, 1.0).expect("a sound sweep");
        assert_eq!((sheet.done(), sheet.opened("a").name.as_str()), (2, "two seeds"));
        // The same sweep, whatever it is called.
        assert!(Sheet::new(plain.clone(), vec![], 4, 1.0).expect("a sound sweep").borrow(&others).is_empty());
        let mut text = serde_json::to_value(&plain).expect("JSON");
        assert!(text.as_object_mut().is_some_and(|fields| fields.remove("name").is_some()));
        assert_eq!(serde_json::from_value::<Record>(text).expect("a record"), plain);
    }

    #[test]
    fn results_of_other_cells_are_left_out() {
        let of = record(&Experiment::default(), "seed=1,2");
        let mut results = found(&of);
        results[0].key = "seed=9".into();
        let sheet = Sheet::new(of, results, 4, 1.0).expect("a sound sweep");
        assert_eq!((sheet.done(), sheet.queue.states()), (1, &[State::Waiting, State::Done][..]));
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
