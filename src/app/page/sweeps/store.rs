//! What the page knows of sweeps, and its line to the coordinator.

use std::{sync::Arc, time::Duration};

use js_sys::Reflect;
use leptos::prelude::*;
use wasm_bindgen::{JsCast, prelude::*};
use web_sys::{Event, MessageEvent, Worker};

use super::focus_soon;
use crate::{
    app::{
        page::{dom::listen, engine_client::words_of, state::App},
        sweeps::{Check, Form, OpenSweep, Plan, Point, Progress},
    },
    experiment::{Experiment, study::Study},
    protocol::{
        CheckState, OpenStatus, OpenedSweep, Phase, PointState, StoredSweep, StudyPart, StudyResults, SweepEvent,
        SweepRequest, SweepStatus,
        transfer::{self, Received},
    },
    sweep::{Metric, Run, name},
};

#[wasm_bindgen]
extern "C" {
    /// `www/boot.js`: a new worker in the coordinator's role, as `takeEngine` gives one.
    #[wasm_bindgen(js_namespace = ["globalThis", "icl"], js_name = takeSweeps)]
    fn take_coordinator() -> JsValue;
}

/// Seconds without a word of the coordinator after which it counts as lost; it reports every second. Ticks are counted, not time: while a
/// machine sleeps, nobody ticks. `?patience=` in seconds, for tests.
const TIMEOUT: u32 = 20;

const TITLE: &str = "[data-testid=lab-title]";

/// What is on the screen.
#[derive(Clone)]
pub enum Screen {
    Home,
    Sweep(Arc<Live>),
    Study(Arc<StudyScreen>),
}

/// An open sweep and everything that changes in it.
pub struct Live {
    pub open: OpenSweep,
    /// What it is called now; empty for none.
    pub name: ArcRwSignal<String>,
    pub points: Vec<ArcRwSignal<Point>>,
    pub runs: ArcRwSignal<Vec<Option<Run>>>,
    pub progress: ArcRwSignal<Progress>,
    status: ArcRwSignal<OpenStatus>,
    /// The point whose numbers are shown.
    pub chosen: ArcRwSignal<Option<usize>>,
    /// One more metric to show.
    pub metric: ArcRwSignal<Option<&'static Metric>>,
    /// The point that was run again last.
    pub check: ArcRwSignal<Option<(usize, Check)>>,
    /// The coordinator does not have it: nothing of it can run.
    pub is_gone: ArcRwSignal<bool>,
}

impl Live {
    fn new(open: OpenSweep, points: Vec<(Point, Option<Run>)>) -> Self {
        let (mut states, mut runs) = (Vec::new(), Vec::new());
        for (point, run) in points {
            states.push(ArcRwSignal::new(point));
            runs.push(run);
        }
        let status = OpenStatus { id: open.id.clone(), is_paused: true, ..OpenStatus::default() };
        let live = Self {
            name: ArcRwSignal::new(open.name.clone()),
            points: states,
            runs: ArcRwSignal::new(runs),
            progress: ArcRwSignal::new(Progress::default()),
            status: ArcRwSignal::new(status),
            chosen: ArcRwSignal::new(None),
            metric: ArcRwSignal::new(None),
            check: ArcRwSignal::new(None),
            is_gone: ArcRwSignal::new(false),
            open,
        };
        live.count();
        live
    }

    /// Takes over what has changed.
    fn apply(&self, changed: Vec<(usize, PointState)>) {
        let mut runs = Vec::new();
        for (i, state) in changed {
            let Some(signal) = self.points.get(i) else { continue };
            let (point, run) = self.open.point(i, state);
            set(signal, point);
            if run.is_some() {
                runs.push((i, run));
            }
        }
        if !runs.is_empty() {
            self.runs.update(|all| runs.into_iter().for_each(|(i, run)| all[i] = run));
        }
        self.count();
    }

    /// It may have been renamed in another tab.
    fn apply_name(&self, stored: &[StoredSweep]) {
        for sweep in stored {
            if let StoredSweep::Readable { id, name, .. } = sweep
                && *id == self.open.id
            {
                set(&self.name, name.clone());
            }
        }
    }

    fn apply_status(&self, status: OpenStatus) {
        set(&self.status, status);
        self.count();
    }

    /// Nothing runs any more.
    fn stop(&self) {
        for point in &self.points {
            if point.with_untracked(|point| matches!(point, Point::Running(_))) {
                point.set(Point::Waiting);
            }
        }
        self.check.set(None);
        self.apply_status(OpenStatus {
            is_paused: true,
            is_active: false,
            working: 0,
            pace: None,
            ..self.status.get_untracked()
        });
    }

    fn count(&self) {
        let points: Vec<Point> = self.points.iter().map(GetUntracked::get_untracked).collect();
        let progress = self.status.with_untracked(|status| Progress::new(&self.open, &points, status));
        set(&self.progress, progress);
    }

    /// The finished runs.
    pub fn finished(&self) -> Vec<Run> {
        self.runs.with_untracked(|runs| runs.iter().flatten().cloned().collect())
    }
}

/// Sets a signal where that is news.
fn set<T: PartialEq + Send + Sync + 'static>(signal: &ArcRwSignal<T>, value: T) {
    if signal.with_untracked(|old| *old != value) {
        signal.set(value);
    }
}

/// A study whose recorded results are open.
pub struct StudyScreen {
    pub study: &'static Study,
    /// Without its parts.
    pub results: StudyResults,
    pub parts: Vec<StudyPart>,
    pub part: ArcRwSignal<usize>,
    pub live: ArcRwSignal<Arc<Live>>,
}

/// Handles to everything that the parts of the view share; copied freely.
#[derive(Clone, Copy)]
pub struct Store {
    pub app: App,
    /// The experiment in the controls. It stands still while the view is closed: nobody looks, and a slider moves many times a second.
    pub base: Memo<Experiment>,
    /// Why there is no coordinator; empty while there is one.
    pub lost: RwSignal<String>,
    /// `None` until the coordinator has read them.
    pub stored: RwSignal<Option<Vec<StoredSweep>>>,
    pub status: RwSignal<SweepStatus>,
    pub form: RwSignal<Form>,
    pub screen: RwSignal<Screen>,
    /// What the page itself could not do.
    trouble: RwSignal<String>,
    worker: StoredValue<Option<Worker>, LocalStorage>,
    /// Seconds since the coordinator last said anything.
    quiet: StoredValue<u32>,
    /// Number of the latest check.
    checks: StoredValue<u32>,
}

impl Store {
    pub fn new(app: App) -> Self {
        let base = Memo::new(move |before: Option<&Experiment>| match before {
            Some(before) if !app.sweeps_open.get() => before.clone(),
            Some(_) => app.draft.get(),
            None if app.sweeps_open.get() => app.draft.get(),
            None => app.draft.get_untracked(),
        });
        let store = Self {
            app,
            base,
            lost: RwSignal::new(String::new()),
            stored: RwSignal::new(None),
            status: RwSignal::new(SweepStatus::default()),
            form: RwSignal::new(Form::default()),
            screen: RwSignal::new(Screen::Home),
            trouble: RwSignal::new(String::new()),
            worker: StoredValue::new_local(None),
            quiet: StoredValue::new(0),
            checks: StoredValue::new(0),
        };
        let timeout = timeout().unwrap_or(TIMEOUT);
        set_interval(move || store.tick(timeout), Duration::from_secs(1));
        store
    }

    /// Starts the coordinator, unless there is one.
    pub fn connect(self) {
        if self.worker.with_value(Option::is_none) {
            self.restart();
            focus_soon(TITLE);
        }
    }

    /// Starts a coordinator in the place of another; what is open is opened again.
    pub fn restart(self) {
        self.stop();
        self.lost.set(String::new());
        self.trouble.set(String::new());
        self.quiet.set_value(0);
        let taken = take_coordinator();
        let part = |name: &str| Reflect::get(&taken, &name.into()).ok();
        let Some(worker) = part("worker").and_then(|worker| worker.dyn_into::<Worker>().ok()) else {
            let why = part("why").and_then(|why| why.as_string()).unwrap_or_default();
            self.lost.set(format!("Sweeps could not be started: {why}."));
            return;
        };
        let is_current = {
            let worker = worker.clone();
            // A worker that was replaced in between is not listened to.
            move || self.worker.with_value(|now| now.as_ref() == Some(&worker))
        };
        let is_still_current = is_current.clone();
        listen(&worker, "message", move |message: MessageEvent| {
            if is_still_current() {
                self.quiet.set_value(0);
                self.on_message(&message.data());
            }
        });
        listen(&worker, "error", move |error: Event| {
            error.prevent_default();
            if is_current() {
                self.fail(&format!("Sweeps stopped: {}.", words_of(&error)));
            }
        });
        // The boot script's own listeners only collect.
        worker.set_onmessage(None);
        worker.set_onerror(None);
        self.worker.set_value(Some(worker));
        self.request(&SweepRequest::Hello);
        if let Screen::Sweep(live) = self.screen.get_untracked() {
            self.request(&SweepRequest::Open { id: live.open.id.clone(), resume: false });
        }
    }

    fn stop(self) {
        if let Some(worker) = self.worker.try_update_value(Option::take).flatten() {
            // What it started beneath itself ends with it.
            worker.terminate();
        }
        self.status.set(SweepStatus::default());
        if let Some(live) = self.live() {
            live.stop();
        }
    }

    fn fail(self, why: &str) {
        self.stop();
        self.lost.set(why.into());
    }

    /// Called every second.
    fn tick(self, timeout: u32) {
        if self.worker.with_value(Option::is_none) {
            return;
        }
        self.quiet.update_value(|quiet| *quiet += 1);
        if self.quiet.get_value() > timeout {
            self.fail("What runs the sweeps has said nothing for a while.");
        }
    }

    /// Sends a request to the coordinator.
    pub fn request(self, request: &SweepRequest) {
        self.worker.with_value(|worker| {
            if let Some(worker) = worker {
                transfer::send(worker, request);
            }
        });
    }

    fn on_message(self, data: &JsValue) {
        match transfer::receive(data) {
            Ok(Received::Message(event)) => self.on_event(event),
            Ok(Received::Script(Phase::Failed { why, .. })) => self.fail(&why),
            Ok(Received::Script(_)) => {}
            Err(why) => {
                self.fail(&format!("Sweeps sent a message that this page cannot read: {why}. Reload the page."));
            }
        }
    }

    fn on_event(self, event: SweepEvent) {
        match event {
            SweepEvent::Alive => {}
            SweepEvent::Failed { why } => self.fail(&why),
            SweepEvent::Stored(stored) => {
                if let Screen::Sweep(live) = self.screen.get_untracked() {
                    live.apply_name(&stored);
                }
                self.stored.set(Some(stored));
            }
            SweepEvent::Opened(opened) => self.on_opened(*opened),
            SweepEvent::Closed { id, is_deleted } => match self.screen.get_untracked() {
                Screen::Sweep(live) if live.open.id == id && is_deleted => self.show(Screen::Home),
                // What the page has of it can still be read and saved.
                Screen::Sweep(live) if live.open.id == id => live.is_gone.set(true),
                _ => {}
            },
            SweepEvent::Points { id, changed } => {
                if let Screen::Sweep(live) = self.screen.get_untracked()
                    && live.open.id == id
                {
                    live.apply(changed);
                }
            }
            SweepEvent::Status(status) => {
                if let (Screen::Sweep(live), Some(open)) = (self.screen.get_untracked(), &status.open)
                    && live.open.id == open.id
                {
                    live.apply_status(open.clone());
                }
                self.status.set(*status);
            }
            SweepEvent::Study(results) => self.on_study(*results),
            SweepEvent::Check { number, state } => self.on_check(number, *state),
        }
    }

    fn on_opened(self, opened: OpenedSweep) {
        // Opened once more: everything keeps its place.
        if let Screen::Sweep(live) = self.screen.get_untracked()
            && live.open.id == opened.id
        {
            live.is_gone.set(false);
            live.apply(opened.points.into_iter().enumerate().collect());
            return;
        }
        match OpenSweep::from_report(opened) {
            Ok((open, points)) => self.show(Screen::Sweep(Arc::new(Live::new(open, points)))),
            Err(why) => self.trouble.set(why),
        }
    }

    fn on_study(self, mut results: StudyResults) {
        let Some(study) = Study::named(&results.study) else { return };
        let parts = std::mem::take(&mut results.parts);
        match parts.first().map(|part| OpenSweep::from_study(study, part.clone())) {
            Some(Ok((open, points))) => {
                let live = ArcRwSignal::new(Arc::new(Live::new(open, points)));
                self.show(Screen::Study(Arc::new(StudyScreen {
                    study,
                    results,
                    parts,
                    part: ArcRwSignal::new(0),
                    live,
                })));
            }
            Some(Err(why)) => self.trouble.set(why),
            None => {}
        }
    }

    /// Shows another sweep of the study.
    pub fn show_part(self, screen: &StudyScreen, part: usize) {
        let Some(chosen) = screen.parts.get(part) else { return };
        self.request(&SweepRequest::StopCheck);
        match OpenSweep::from_study(screen.study, chosen.clone()) {
            Ok((open, points)) => {
                screen.live.set(Arc::new(Live::new(open, points)));
                screen.part.set(part);
            }
            Err(why) => self.trouble.set(why),
        }
    }

    fn show(self, screen: Screen) {
        self.trouble.set(String::new());
        self.screen.set(screen);
        focus_soon(TITLE);
    }

    /// Back to the first screen; what runs goes on.
    pub fn leave(self) {
        self.request(&SweepRequest::Leave);
        self.show(Screen::Home);
    }

    /// Runs a sweep, or goes on with it.
    pub fn start(self, plan: &Plan, preset: &str) {
        let device = self.form.with_untracked(|form| form.device);
        let base = Box::new(plan.sweep.base.clone());
        let name = self.form.with_untracked(|form| name::tidy(&form.name));
        self.form.update(|form| form.name.clear());
        self.request(&SweepRequest::Start { base, grid: plan.sweep.grid(), preset: preset.into(), name, device });
    }

    /// Calls an open sweep something else.
    pub fn rename(self, live: &Live, name: &str) {
        let name = name::tidy(name);
        set(&live.name, name.clone());
        self.request(&SweepRequest::Rename { id: live.open.id.clone(), name });
    }

    /// Runs a sweep of a study here.
    pub fn run_live(self, live: &Live) {
        let device = self.form.with_untracked(|form| form.device);
        let base = Box::new(live.open.sweep.base.clone());
        self.request(&SweepRequest::Start {
            base,
            grid: live.open.sweep.grid(),
            preset: String::new(),
            name: String::new(),
            device,
        });
    }

    /// The sweep on the screen.
    fn live(self) -> Option<Arc<Live>> {
        match self.screen.get_untracked() {
            Screen::Home => None,
            Screen::Sweep(live) => Some(live),
            Screen::Study(study) => Some(study.live.get_untracked()),
        }
    }

    /// Runs a point again, to compare.
    pub fn check(self, live: &Live, point: usize) {
        let Some(cell) = live.open.cell(point) else { return };
        self.checks.update_value(|number| *number += 1);
        let (number, device) = (self.checks.get_value(), live.open.device);
        live.check.set(Some((point, Check::Running(0.0))));
        self.request(&SweepRequest::Check { number, experiment: Box::new(cell.experiment), device });
    }

    fn on_check(self, number: u32, state: CheckState) {
        let Some(live) = self.live().filter(|_| number == self.checks.get_value()) else { return };
        let Some(point) = live.check.with_untracked(|check| check.as_ref().map(|(point, _)| *point)) else { return };
        let check = match state {
            CheckState::Running { done } => Check::Running(done),
            CheckState::Failed { why } => Check::Failed(why),
            CheckState::Done(outcome) => match live.open.cell(point) {
                Some(cell) => Check::Done(Box::new(Run::new(&cell, &outcome, live.open.level))),
                None => return,
            },
        };
        live.check.set(Some((point, check)));
    }

    /// What needs attention, in sentences.
    pub fn problems(self) -> Vec<String> {
        let own = self.trouble.get();
        let mut all: Vec<String> = if own.is_empty() { Vec::new() } else { vec![own] };
        self.status.with(|status| {
            for problem in &status.problems {
                if !all.contains(problem) {
                    all.push(problem.clone());
                }
            }
        });
        all
    }

    /// Beside the button that opens the view: how far the sweep is that runs.
    pub fn badge(self) -> String {
        self.status.with(|status| {
            status.running.as_ref().map(|running| format!(" {}/{}", running.done, running.points)).unwrap_or_default()
        })
    }
}

fn timeout() -> Option<u32> {
    let query = window().location().search().unwrap_or_default();
    query.trim_start_matches('?').split('&').find_map(|part| part.strip_prefix("patience=")?.parse().ok())
}
