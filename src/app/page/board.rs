//! The run's history, outside the reactive graph, and the signals that say which of its charts have changed.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use leptos::prelude::*;

use crate::{
    app::{
        charts::{Axis, Chart, ChartKind, Options},
        history::{Changed, EarlierRun, History},
    },
    experiment::Experiment,
    protocol::Event,
};

/// Sentences about a chart are renewed so long after it changed, and then as it stands: read aloud, they would never end otherwise.
const WORDS: Duration = Duration::from_secs(1);

/// Handle to the one board of the page.
#[derive(Clone)]
pub struct Board(Rc<Inner>);

struct Inner {
    history: RefCell<History>,
    charts: [Changes; ChartKind::ALL.len()],
    /// Where the reader points, for each axis.
    cursors: [RwSignal<Option<f64>>; 3],
    /// Counts the changes of the sample rows, at most one a second.
    samples: RwSignal<usize>,
    samples_stale: Cell<bool>,
    /// The words will soon be renewed.
    words_wait: Cell<bool>,
}

/// Counts the changes of one chart.
struct Changes {
    drawn: RwSignal<usize>,
    words: RwSignal<usize>,
    words_stale: Cell<bool>,
}

impl Board {
    pub fn new() -> Self {
        let changes = |_| Changes { drawn: RwSignal::new(0), words: RwSignal::new(0), words_stale: Cell::new(false) };
        Self(Rc::new(Inner {
            history: RefCell::new(History::new(&Experiment::default())),
            charts: ChartKind::ALL.map(changes),
            cursors: [RwSignal::new(None), RwSignal::new(None), RwSignal::new(None)],
            samples: RwSignal::new(0),
            samples_stale: Cell::new(false),
            words_wait: Cell::new(false),
        }))
    }

    /// A new run begins.
    pub fn start(&self, experiment: &Experiment) {
        let changed = self.0.history.borrow_mut().reset_for(experiment);
        self.0.cursors.iter().for_each(|cursor| cursor.set(None));
        self.mark(changed);
    }

    pub fn apply(&self, event: &Event) {
        let changed = self.0.history.borrow_mut().apply(event);
        self.mark(changed);
    }

    /// A kept run takes the place of the one before.
    pub fn restore(&self, history: History) {
        self.start(history.experiment());
        let changed = self.0.history.borrow_mut().restore(history);
        self.mark(changed);
    }

    /// The run has so many seeds in all.
    pub fn set_seeds(&self, count: usize) {
        let changed = self.0.history.borrow_mut().set_seeds(count);
        self.mark(changed);
    }

    /// What the engine of another seed says.
    pub fn apply_seed(&self, seed: u64, event: &Event) {
        let changed = self.0.history.borrow_mut().apply_seed(seed, event);
        self.mark(changed);
    }

    /// That seed failed.
    pub fn lose_seed(&self, seed: u64) {
        let changed = self.0.history.borrow_mut().lose_seed(seed);
        self.mark(changed);
    }

    /// Draws these runs beside the one that is looked at.
    pub fn set_earlier(&self, earlier: Vec<EarlierRun>) {
        let changed = self.0.history.borrow_mut().set_earlier(earlier);
        self.mark(changed);
    }

    /// Looks at one of the recorded steps, or at the latest; gives the step, where it is not the latest.
    pub fn show(&self, index: Option<usize>) -> Option<usize> {
        let changed = self.0.history.borrow_mut().show(index);
        self.mark(changed);
        self.0.history.borrow().shown()
    }

    /// Steps that can be looked at.
    pub fn recorded(&self) -> Vec<usize> {
        self.0.history.borrow().recorded().collect()
    }

    /// Tracks the sample rows, and reads them.
    pub fn with_samples<T>(&self, read: impl FnOnce(&History) -> T) -> T {
        self.0.samples.track();
        read(&self.0.history.borrow())
    }

    /// Reads the run's history; tracks nothing.
    pub fn with_history<T>(&self, read: impl FnOnce(&History) -> T) -> T {
        read(&self.0.history.borrow())
    }

    /// Positions (from 1) where the model seems better than possible, by more than `errors` standard errors.
    pub fn positions_below_bayes(&self, errors: f64) -> Vec<usize> {
        self.0.history.borrow().positions_below_bayes(errors)
    }

    fn changes(&self, kind: ChartKind) -> &Changes {
        // The kinds are numbered in the order of `ALL`.
        &self.0.charts[kind as usize]
    }

    /// Follows what the chart is drawn from.
    pub fn track(&self, kind: ChartKind) {
        self.changes(kind).drawn.track();
    }

    /// Follows the same, at most once a second.
    pub fn track_words(&self, kind: ChartKind) {
        self.changes(kind).words.track();
    }

    fn mark(&self, changed: Changed) {
        for kind in ChartKind::ALL.into_iter().filter(|kind| kind.is_changed(changed)) {
            let changes = self.changes(kind);
            changes.words_stale.set(true);
            changes.drawn.update(|n| *n += 1);
        }
        if changed.samples {
            self.0.samples_stale.set(true);
        }
        if changed.any() && !self.0.words_wait.replace(true) {
            let this = self.clone();
            set_timeout(move || this.renew_words(), WORDS);
        }
    }

    fn renew_words(&self) {
        self.0.words_wait.set(false);
        if self.0.samples_stale.take() {
            self.0.samples.update(|n| *n += 1);
        }
        for changes in self.0.charts.iter().filter(|changes| changes.words_stale.take()) {
            changes.words.update(|n| *n += 1);
        }
    }

    /// Runs `ask` with the chart as it stands.
    pub fn ask<T>(
        &self,
        kind: ChartKind,
        draft: &Experiment,
        options: Options,
        ask: impl FnOnce(&dyn Chart) -> T,
    ) -> T {
        ask(kind.chart(&self.0.history.borrow(), draft, options).as_ref())
    }

    /// Where the reader points along an axis; `None` for a chart that shares its axis with no other.
    pub fn cursor(&self, axis: Axis) -> Option<RwSignal<Option<f64>>> {
        match axis {
            Axis::Position => Some(self.0.cursors[0]),
            Axis::Step => Some(self.0.cursors[1]),
            Axis::Row => Some(self.0.cursors[2]),
            Axis::Own => None,
        }
    }
}
