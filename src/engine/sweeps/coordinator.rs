//! The coordinator: requests of the page and events of the engine workers come in, [`SweepEvent`]s for the page go out.
//!
//! Changes are collected and reported at most five times a second, and only what has changed.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use js_sys::Reflect;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::spawn_local;
use web_sys::{DedicatedWorkerGlobalScope, ErrorEvent, MessageEvent, Worker, WorkerOptions, WorkerType};

use super::{
    owner::{Owned, Tabs, claim, is_taken},
    queue::{Order, Queue, State},
    sheet::{Entry, Found, Record, Sheet},
    store::Store,
};
use crate::{
    engine::{clock::now_ms, corpus::load},
    experiment::{Experiment, Sweep, problem::sentences, study::Study},
    protocol::{
        CheckState, Command, DeviceChoice, Event, FromEngine, NO_RUN, Outcome, Phase, RunningSweep, StoredSweep,
        StudyPart, StudyResults, SweepEvent, SweepRequest, SweepStatus, ToEngine,
        transfer::{self, Received},
        wire::{self, DecodeError},
    },
    sweep::{Recorded, name},
};

/// Between two reports, ms.
const TICK: i32 = 200;
/// Silence after which a worker counts as dead, ms: longer than a slow device's first step. `?patience=` in seconds, for tests.
const TIMEOUT: f64 = 120_000.0;
/// Ticks from one sign of life to the next.
const ALIVE: u32 = 5;

const ELSEWHERE: &str = "This sweep runs in another tab of this browser, which alone may run or delete it. What it finishes appears \
                         here too. To run it here, pause or cancel it there, or close that tab.";
const DELETED: &str = "This sweep was deleted in another tab.";
const NOT_STORED: &str = "This sweep is not in this browser's storage.";
const OTHER_RUNS: &str = "Another sweep is running. Pause or cancel it first, or let it finish.";

thread_local! {
    static COORDINATOR: RefCell<Option<Coordinator>> = const { RefCell::new(None) };
    /// Requests of the page that came before the store was open.
    static EARLY: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Whose worker it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Job {
    Sweep,
    /// An experiment that is run again, to be compared.
    Check,
}

/// An engine worker and the closures that listen to it.
struct Handle {
    worker: Worker,
    /// Number of the run that it was sent last.
    run: u32,
    _message: Closure<dyn FnMut(MessageEvent)>,
    _error: Closure<dyn FnMut(ErrorEvent)>,
}

/// Workers of one queue, by place, each with a number that tells it from those before it.
type Handles = BTreeMap<usize, (u32, Handle)>;

/// An experiment that is run again.
struct Check {
    /// The page's.
    number: u32,
    experiment: Box<Experiment>,
    device: DeviceChoice,
    state: CheckState,
    is_reported: bool,
}

struct Coordinator {
    build: String,
    cores: usize,
    timeout: f64,
    store: Rc<Store>,
    stored: Vec<Entry>,
    /// Ids of all sweeps that were ever in the list: what is not there any more was deleted.
    seen: BTreeSet<String>,
    /// The sweep that is open on the page.
    shown: Option<Sheet>,
    /// The sweep that runs, where another one or none is open.
    aside: Option<Sheet>,
    /// The right to run the sweep of this id.
    owned: Option<(String, Owned)>,
    tabs: Rc<Tabs>,
    /// The open sweep runs in another tab.
    elsewhere: bool,
    ticks: u32,
    handles: Handles,
    check: Option<Check>,
    check_queue: Queue,
    check_handles: Handles,
    /// Closures must outlive their own call.
    gone: Vec<Handle>,
    workers_started: u32,
    trouble: String,
    /// Why results may be lost.
    not_kept: String,
    /// Worker milliseconds per unit of cost in the sweep that ran last, by device.
    pace: Option<(DeviceChoice, f64)>,
    /// What was reported last.
    status: Option<SweepStatus>,
}

/// Whether this worker was started as the coordinator.
pub fn is_meant() -> bool {
    query().contains("role=sweeps")
}

/// The coordinator's `main`.
pub fn start() {
    let value = |name: &str| {
        let query = query();
        let found =
            query.trim_start_matches('?').split('&').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
        found.map(str::to_owned)
    };
    let seconds = value("patience").and_then(|text| text.parse::<f64>().ok()).filter(|s| *s > 0.0);
    let timeout = seconds.map_or(TIMEOUT, |s| s * 1000.0);
    let cores = scope().map_or(1.0, |scope| scope.navigator().hardware_concurrency());
    spawn_local(async move {
        let (store, why) = Store::open().await;
        let mut coordinator = Coordinator {
            build: value("v").unwrap_or_default(),
            cores: cores.max(1.0) as usize,
            timeout,
            store: Rc::new(store),
            stored: Vec::new(),
            seen: BTreeSet::new(),
            shown: None,
            aside: None,
            owned: None,
            tabs: Rc::new(Tabs::new(|| spawn_local(refresh()))),
            elsewhere: false,
            ticks: 0,
            handles: Handles::new(),
            check: None,
            check_queue: Queue::new(Vec::new(), 1, timeout),
            check_handles: Handles::new(),
            gone: Vec::new(),
            workers_started: 0,
            trouble: String::new(),
            not_kept: String::new(),
            pace: None,
            status: None,
        };
        if let Some(why) = why {
            coordinator.not_kept(&why);
        }
        COORDINATOR.set(Some(coordinator));
        list().await;
        EARLY.take().iter().for_each(|bytes| handle(bytes));
    });
    let tick = Closure::<dyn FnMut()>::new(|| with(Coordinator::tick));
    if let Some(scope) = scope() {
        let tick = tick.as_ref().unchecked_ref();
        // Fails for no function.
        let _ = scope.set_interval_with_callback_and_timeout_and_arguments_0(tick, TICK);
    }
    tick.forget();
}

/// A message from the page.
pub fn handle(bytes: &[u8]) {
    if COORDINATOR.with_borrow(Option::is_none) {
        EARLY.with_borrow_mut(|early| early.push(bytes.into()));
        return;
    }
    with(|it| {
        match wire::decode(bytes) {
            Ok(request) => it.handle(request),
            Err(e) => it.trouble = format!("The page sent a request that cannot be read: {e}. Reload the page."),
        }
        it.work(now_ms());
        it.report(now_ms());
    });
}

fn with(act: impl FnOnce(&mut Coordinator)) {
    COORDINATOR.with_borrow_mut(|it| it.as_mut().map(act));
}

fn scope() -> Option<DedicatedWorkerGlobalScope> {
    js_sys::global().dyn_into().ok()
}

fn query() -> String {
    scope().map(|scope| scope.location().search()).unwrap_or_default()
}

/// Reads anew what is stored.
async fn list() {
    let store = COORDINATOR.with_borrow(|it| it.as_ref().map(|it| it.store.clone()));
    let Some(store) = store else { return };
    let found = store.sweeps().await;
    with(|it| match found {
        Ok(entries) => {
            it.seen.extend(entries.iter().flatten().map(|(record, _)| record.id.clone()));
            it.stored = entries;
            it.report_stored();
        }
        Err(why) => it.not_kept(&why),
    });
}

/// Another tab has stored or deleted something: the list and the shown sweep are read anew.
async fn refresh() {
    list().await;
    let mut shown = None;
    with(|it| {
        let sheet = it.shown.as_ref().filter(|sheet| !sheet.queue.is_active());
        shown = sheet.map(|sheet| (sheet.record.id.clone(), it.store.clone()));
    });
    let Some((id, store)) = shown else { return };
    let (taken, is_stored, found) = (is_taken(&id).await, store.has(&id).await, store.found(&id).await);
    with(|it| {
        if it.shown.as_ref().is_none_or(|sheet| sheet.record.id != id || sheet.queue.is_active()) {
            return;
        }
        let owned = it.owned.as_ref().is_some_and(|(owned, _)| *owned == id);
        if is_stored == Ok(false) && !owned && it.seen.contains(&id) {
            it.close(&id, DELETED);
            return;
        }
        it.elsewhere = taken && !owned;
        it.take_over(found.unwrap_or_default());
    });
}

/// Runs something on the store, and says when it fails; then the list is read anew, here and in other tabs.
fn keep<F: Future<Output = Result<(), String>>>(it: &Coordinator, act: impl FnOnce(Rc<Store>) -> F + 'static) {
    let (store, tabs) = (it.store.clone(), it.tabs.clone());
    spawn_local(async move {
        if let Err(why) = act(store).await {
            with(|it| it.not_kept(&why));
        }
        tabs.notify();
        list().await;
    });
}

/// Deletes a stored sweep, unless another tab runs it.
async fn delete(store: Rc<Store>, tabs: Rc<Tabs>, id: String) {
    // Nobody can start it meanwhile.
    let Some(owned) = claim(&id).await else {
        with(|it| it.trouble = ELSEWHERE.into());
        return;
    };
    if let Err(why) = store.delete(&id).await {
        with(|it| it.not_kept(&why));
    }
    drop(owned);
    tabs.notify();
    list().await;
}

/// Results of other stored sweeps, started by the same version of the site on the same kind of device.
async fn others(store: &Store, record: &Record, stored: Vec<Record>) -> Vec<(Record, Vec<Found>)> {
    let mut others = Vec::new();
    for other in stored.into_iter().filter(|other| other.may_lend_to(record)) {
        // One that cannot be read lends nothing.
        if let Ok(found) = store.found(&other.id).await {
            others.push((other, found));
        }
    }
    others
}

impl Coordinator {
    fn not_kept(&mut self, why: &str) {
        self.not_kept = format!(
            "Results are kept only until this page is closed: this browser's storage could not be used ({why}). Save them as \
             CSV or JSON before you leave."
        );
    }

    fn handle(&mut self, request: SweepRequest) {
        match request {
            SweepRequest::Hello => {
                self.status = None;
                self.report_stored();
                self.report_opened();
            }
            SweepRequest::Start { base, grid, preset, name, device } => match Sweep::kept_grid(*base, &grid) {
                Ok(sweep) => self.start(&sweep, preset, &name, device),
                Err(problems) => self.trouble = sentences(&problems),
            },
            SweepRequest::Rename { id, name } => self.rename(&id, &name),
            SweepRequest::Open { id, resume } => self.open(&id, resume),
            SweepRequest::Leave => self.leave(),
            SweepRequest::Study { name } => self.study(&name),
            SweepRequest::Pause { id } => self.on_shown(&id, |sheet| sheet.queue.pause()),
            SweepRequest::Cancel { id } => self.on_shown(&id, |sheet| sheet.queue.cancel()),
            SweepRequest::Resume { id } if self.is_shown(&id) => self.go_on(Queue::resume),
            SweepRequest::Retry { id, point } if self.is_shown(&id) => self.go_on(move |queue| match point {
                Some(cell) => queue.retry(cell),
                None => queue.retry_failed(),
            }),
            // Of a sweep that was closed in between.
            SweepRequest::Resume { .. } | SweepRequest::Retry { .. } => {}
            SweepRequest::Delete { id } => {
                self.trouble.clear();
                spawn_local(delete(self.store.clone(), self.tabs.clone(), id));
            }
            SweepRequest::Check { number, experiment, device } => self.check(number, experiment, device),
            SweepRequest::StopCheck => self.stop_check(),
        }
    }

    fn is_shown(&self, id: &str) -> bool {
        self.shown.as_ref().is_some_and(|sheet| sheet.record.id == id)
    }

    fn on_shown(&mut self, id: &str, act: impl FnOnce(&mut Sheet)) {
        if let Some(sheet) = self.shown.as_mut().filter(|sheet| sheet.record.id == id) {
            act(sheet);
        }
    }

    /// Lets the shown sweep go on, unless another one runs.
    fn go_on(&mut self, act: impl FnOnce(&mut Queue) + 'static) {
        self.go_on_as(false, act);
    }

    /// The same, once no other tab runs it. A `new` sweep is stored, and takes over what others found of the same runs; one that is not
    /// new may have been deleted or gone on with in another tab.
    fn go_on_as(&mut self, new: bool, act: impl FnOnce(&mut Queue) + 'static) {
        if self.aside.is_some() {
            self.trouble = OTHER_RUNS.into();
            return;
        }
        self.trouble.clear();
        let Some(sheet) = &mut self.shown else { return };
        let record = sheet.record.clone();
        if self.owned.as_ref().is_some_and(|(id, _)| *id == record.id) {
            act(&mut sheet.queue);
            return;
        }
        let (store, stored) = (self.store.clone(), self.stored.iter().flatten().map(|(record, _)| record.clone()));
        let stored: Vec<Record> = stored.collect();
        spawn_local(async move {
            let Some(owned) = claim(&record.id).await else {
                with(|it| it.elsewhere = it.is_shown(&record.id));
                return;
            };
            let is_stored = store.has(&record.id).await;
            let lent = if new { others(&store, &record, stored).await } else { Vec::new() };
            let found = store.found(&record.id).await.unwrap_or_default();
            with(|it| {
                // The reader may have gone elsewhere meanwhile.
                if it.aside.is_some() || !it.is_shown(&record.id) {
                    return;
                }
                if is_stored == Ok(false) && !new {
                    it.close(&record.id, DELETED);
                    return;
                }
                it.elsewhere = false;
                it.owned = Some((record.id.clone(), owned));
                it.take_over(found);
                let lent = it.shown.as_mut().map(|sheet| sheet.borrow(&lent)).unwrap_or_default();
                let id = record.id.clone();
                if new {
                    keep(it, move |store| async move {
                        store.put_sweep(&record).await?;
                        for found in lent {
                            store.put_cell(&record.id, &found).await?;
                        }
                        Ok(())
                    });
                }
                it.on_shown(&id, |sheet| act(&mut sheet.queue));
            });
        });
    }

    /// Results that another tab has found of the open sweep.
    fn take_over(&mut self, found: Vec<Found>) {
        if let Some(sheet) = &mut self.shown {
            sheet.take_over(found);
        }
    }

    /// Runs a sweep, or goes on with it.
    fn start(&mut self, sweep: &Sweep, preset: String, name: &str, device: DeviceChoice) {
        self.leave();
        let record = Record {
            created: js_sys::Date::now(),
            build: self.build.clone(),
            name: name::tidy(name),
            ..Record::new(sweep, preset, device)
        };
        let is_known = |entry: &Entry| entry.as_ref().is_ok_and(|(stored, _)| stored.id == record.id);
        if self.stored.iter().any(is_known) || self.aside.as_ref().is_some_and(|sheet| sheet.record.id == record.id) {
            // What was found before is not thrown away, whatever it was called.
            if !record.name.is_empty() {
                self.rename(&record.id, &record.name);
            }
            self.open(&record.id, true);
            return;
        }
        if self.aside.is_some() {
            self.trouble = OTHER_RUNS.into();
            return;
        }
        if self.show(record, Vec::new()) {
            self.go_on_as(true, Queue::resume);
        }
    }

    /// Gives a sweep another name, here and in storage.
    fn rename(&mut self, id: &str, name: &str) {
        let name = name::tidy(name);
        let sheets = self.shown.iter_mut().chain(&mut self.aside).map(|sheet| &mut sheet.record);
        let stored = self.stored.iter_mut().flatten().map(|(record, _)| record);
        for record in sheets.chain(stored).filter(|record| record.id == id) {
            record.name.clone_from(&name);
        }
        self.report_stored();
        let id = id.to_owned();
        keep(self, move |store| async move { store.rename(&id, &name).await });
    }

    /// Opens a sweep; false where it cannot be, which is said.
    fn show(&mut self, record: Record, found: Vec<Found>) -> bool {
        self.elsewhere = false;
        match Sheet::new(record, found, self.cores, self.timeout) {
            Ok(sheet) => self.shown = Some(sheet),
            Err(problems) => {
                self.trouble = format!("This sweep cannot be opened. {}", sentences(&problems));
                return false;
            }
        }
        self.report_opened();
        true
    }

    /// Opens a stored sweep, or the one that runs.
    fn open(&mut self, id: &str, resume: bool) {
        self.leave();
        if self.aside.as_ref().is_some_and(|sheet| sheet.record.id == id) {
            self.shown = self.aside.take();
            self.report_opened();
            if resume {
                self.go_on(Queue::resume);
            }
            return;
        }
        let record = self.stored.iter().flatten().find(|(record, _)| record.id == id).map(|(record, _)| record.clone());
        let Some(record) = record else {
            self.close(id, NOT_STORED);
            return;
        };
        let store = self.store.clone();
        spawn_local(async move {
            let found = store.found(&record.id).await;
            with(|it| match found {
                Ok(found) => {
                    if it.show(record, found) && resume {
                        it.go_on(Queue::resume);
                    }
                    spawn_local(refresh());
                }
                Err(why) => it.trouble = format!("The results could not be read: {why}."),
            });
        });
    }

    /// Closes what is open; what runs goes on.
    fn leave(&mut self) {
        self.trouble.clear();
        self.elsewhere = false;
        self.stop_check();
        if let Some(sheet) = self.shown.take()
            && sheet.queue.is_active()
        {
            self.aside = Some(sheet);
        }
    }

    /// Closes a sweep that the page did not close, and says why.
    fn close(&mut self, id: &str, why: &str) {
        self.leave();
        self.trouble = why.into();
        transfer::post(&SweepEvent::Closed { id: id.into(), is_deleted: why == DELETED });
    }

    /// Sends what is recorded of a study, and the study without results where that is not part of the site.
    fn study(&mut self, name: &str) {
        let Some(study) = Study::named(name) else { return };
        self.leave();
        spawn_local(async move {
            let text = load(&format!("studies/{}.json", study.name)).await;
            let recorded = match text.map(|text| Recorded::from_json(&text)) {
                Some(Ok(recorded)) => recorded,
                Some(Err(why)) => {
                    with(|it| it.trouble = why);
                    without_results(study)
                }
                None => without_results(study),
            };
            transfer::post(&SweepEvent::Study(Box::new(study_results(recorded))));
        });
    }

    /// Runs an experiment again, beside whatever else runs.
    fn check(&mut self, number: u32, experiment: Box<Experiment>, device: DeviceChoice) {
        self.stop_check();
        self.check =
            Some(Check { number, experiment, device, state: CheckState::Running { done: 0.0 }, is_reported: false });
        self.check_queue = Queue::new(vec![1.0], 1, self.timeout);
        self.check_queue.resume();
    }

    fn stop_check(&mut self) {
        self.check = None;
        self.check_queue.cancel();
        let orders = self.check_queue.orders(now_ms());
        self.carry_out(Job::Check, orders);
    }

    fn on_check(&mut self, state: CheckState) {
        if let Some(check) = self.check.as_mut().filter(|check| check.state != state) {
            check.state = state;
            check.is_reported = false;
        }
    }

    /// The sweep that runs.
    fn running(&mut self) -> Option<&mut Sheet> {
        self.aside.as_mut().or(self.shown.as_mut())
    }

    /// Looks after the workers, and reports what has changed.
    fn tick(&mut self) {
        let now = now_ms();
        self.work(now);
        self.ticks += 1;
        if self.ticks.is_multiple_of(ALIVE) {
            transfer::post(&SweepEvent::Alive);
        }
        self.report(now);
    }

    /// Gives the workers what they are to do.
    fn work(&mut self, now: f64) {
        self.gone.clear();
        if let Some(sheet) = self.running() {
            let orders = sheet.queue.orders(now);
            self.carry_out(Job::Sweep, orders);
        }
        let orders = self.check_queue.orders(now);
        self.carry_out(Job::Check, orders);
        let failed = self.check_queue.states().iter().find_map(|state| match state {
            State::Failed(why) => Some(why.clone()),
            _ => None,
        });
        // A worker that never starts is nobody's fault, and no result either.
        if let Some(why) = failed.or_else(|| self.check_queue.trouble().map(String::from)) {
            self.on_check(CheckState::Failed { why });
        }
        if let Some(sheet) = self.running() {
            let pace = sheet.queue.pace(now).map(|pace| (sheet.record.device, pace));
            self.pace = pace.or(self.pace);
        }
        // One that has come to rest and is not looked at is in storage.
        if self.aside.as_ref().is_some_and(|sheet| !sheet.queue.is_active()) {
            self.aside = None;
        }
        self.give_back();
    }

    /// A sweep that has come to rest may be run by any tab.
    fn give_back(&mut self) {
        let Some((id, _)) = &self.owned else { return };
        let sheets = self.aside.iter().chain(&self.shown);
        let mut own = sheets.filter(|sheet| sheet.record.id == *id);
        let rests = |sheet: &Sheet| !sheet.queue.is_active() && (sheet.queue.is_paused() || sheet.queue.is_over());
        if own.all(rests) {
            self.owned = None;
            self.tabs.notify();
        }
    }

    fn carry_out(&mut self, job: Job, orders: Vec<Order>) {
        for order in orders {
            match order {
                Order::Stop(place) => {
                    if let Some((_, handle)) = self.handles_of(job).remove(&place) {
                        handle.worker.set_onmessage(None);
                        handle.worker.set_onerror(None);
                        handle.worker.terminate();
                        self.gone.push(handle);
                    }
                }
                Order::Spawn(place) => {
                    self.workers_started += 1;
                    let number = self.workers_started;
                    match start_worker(job, place, number, &self.build) {
                        Some(handle) => drop(self.handles_of(job).insert(place, (number, handle))),
                        None => self.lost(job, place, "This browser did not start a worker."),
                    }
                }
                Order::Send { worker, cell } => self.send(job, worker, cell),
            }
        }
    }

    fn handles_of(&mut self, job: Job) -> &mut Handles {
        match job {
            Job::Sweep => &mut self.handles,
            Job::Check => &mut self.check_handles,
        }
    }

    fn send(&mut self, job: Job, place: usize, cell: usize) {
        let command = match (job, &self.check) {
            (Job::Check, Some(check)) => Command::Cell { experiment: check.experiment.clone(), device: check.device },
            (Job::Check, None) => return,
            (Job::Sweep, _) => match self.running() {
                Some(sheet) => Command::Cell {
                    experiment: Box::new(sheet.cells[cell].experiment.clone()),
                    device: sheet.record.device,
                },
                None => return,
            },
        };
        if let Some((_, handle)) = self.handles_of(job).get_mut(&place) {
            handle.run += 1;
            transfer::send(&handle.worker, &ToEngine { run: handle.run, command });
        }
    }

    /// A worker's message. One that was replaced in between is not listened to.
    fn on_message(&mut self, job: Job, place: usize, number: u32, data: &JsValue) {
        let Some((_, handle)) = self.handles_of(job).get(&place).filter(|(now, _)| *now == number) else { return };
        let run = handle.run;
        let now = now_ms();
        if let Some(queue) = self.queue_of(job) {
            queue.message_from(place, now);
        }
        let event = match transfer::receive::<FromEngine>(data) {
            Ok(Received::Message(message)) if message.is_about(run) => message.event,
            // News of the run before.
            Ok(Received::Message(_)) => return,
            Ok(Received::Script(phase)) => Event::Phase(phase),
            Err(DecodeError::Version(_)) => {
                self.lost(job, place, "The site was updated in between: reload the page.");
                return;
            }
            Err(why) => {
                self.lost(job, place, &format!("Its worker sent a message that cannot be read: {why}."));
                return;
            }
        };
        match event {
            Event::Ready => {
                if let Some(queue) = self.queue_of(job) {
                    queue.ready(place);
                }
                self.work(now);
            }
            Event::Cell { done } => {
                if let Some(queue) = self.queue_of(job) {
                    queue.progress(place, done);
                }
                if job == Job::Check {
                    self.on_check(CheckState::Running { done });
                }
            }
            Event::Outcome(outcome) => {
                self.finished(job, place, *outcome, now);
                self.work(now);
            }
            Event::Phase(Phase::Failed { why, next }) => self.lost(job, place, &format!("{why} {next}")),
            _ => {}
        }
    }

    fn queue_of(&mut self, job: Job) -> Option<&mut Queue> {
        match job {
            Job::Sweep => self.running().map(|sheet| &mut sheet.queue),
            Job::Check => Some(&mut self.check_queue),
        }
    }

    fn lost(&mut self, job: Job, place: usize, why: &str) {
        if let Some(queue) = self.queue_of(job) {
            queue.lost(place, why);
        }
    }

    fn finished(&mut self, job: Job, place: usize, outcome: Outcome, now: f64) {
        let Some((cell, ms)) = self.queue_of(job).and_then(|queue| queue.finished(place, now)) else { return };
        if job == Job::Check {
            self.on_check(CheckState::Done(Box::new(outcome)));
            return;
        }
        let Some(sheet) = self.running() else { return };
        let found = Found { key: sheet.cells[cell].key.clone(), outcome, seconds: ms / 1000.0 };
        sheet.put(cell, &found);
        let id = sheet.record.id.clone();
        keep(self, move |store| async move {
            if !store.put_cell(&id, &found).await? {
                with(|it| it.deleted(&id));
            }
            Ok(())
        });
    }

    /// The sweep that runs here was deleted by somebody who did not ask.
    fn deleted(&mut self, id: &str) {
        if let Some(sheet) = self.running().filter(|sheet| sheet.record.id == id) {
            sheet.queue.cancel();
            self.trouble = DELETED.into();
        }
    }

    fn report_stored(&self) {
        let stored = self.stored.iter().map(|entry| match entry {
            Ok((record, done)) => StoredSweep::Readable {
                id: record.id.clone(),
                name: record.name.clone(),
                grid: record.grid.clone(),
                world: record.base.world.to_string(),
                points: record.cells,
                done: *done,
            },
            Err(id) => StoredSweep::Unreadable { id: id.clone() },
        });
        transfer::post(&SweepEvent::Stored(stored.collect()));
    }

    fn report_opened(&mut self) {
        if let Some(sheet) = &mut self.shown {
            transfer::post(&SweepEvent::Opened(Box::new(sheet.opened(&self.build))));
        }
    }

    /// Sends what has changed since the last report.
    fn report(&mut self, now: f64) {
        if let Some(sheet) = &mut self.shown {
            let changed = sheet.changes();
            if !changed.is_empty() {
                transfer::post(&SweepEvent::Points { id: sheet.record.id.clone(), changed });
            }
        }
        if let Some(check) = self.check.as_mut().filter(|check| !check.is_reported) {
            check.is_reported = true;
            transfer::post(&SweepEvent::Check { number: check.number, state: Box::new(check.state.clone()) });
        }
        let status = self.status_at(now);
        if self.status.as_ref() != Some(&status) {
            transfer::post(&SweepEvent::Status(Box::new(status.clone())));
            self.status = Some(status);
        }
    }

    fn status_at(&self, now: f64) -> SweepStatus {
        let queue = self.shown.as_ref().and_then(|sheet| sheet.queue.trouble()).unwrap_or_default();
        let elsewhere = if self.elsewhere { ELSEWHERE } else { "" };
        let problems = [self.trouble.as_str(), elsewhere, queue, &self.not_kept];
        let running = self.aside.as_ref().or(self.shown.as_ref()).filter(|sheet| sheet.queue.is_active());
        SweepStatus {
            running: running.map(|sheet| RunningSweep {
                id: sheet.record.id.clone(),
                done: sheet.done(),
                points: sheet.cells.len(),
            }),
            open: self.shown.as_ref().map(|sheet| sheet.status(now)),
            pace: self.pace,
            problems: problems.into_iter().filter(|text| !text.is_empty()).map(String::from).collect(),
        }
    }
}

fn study_results(recorded: Recorded) -> StudyResults {
    let Recorded { study, settings, command, machine, sweeps } = recorded;
    let part = |part: crate::sweep::recorded::RecordedSweep| {
        let mut points = vec![None; part.sweep.len()];
        let keys: Vec<String> = (0..points.len()).map(|i| part.sweep.key(&part.sweep.coordinates(i))).collect();
        for run in &part.runs {
            if let Some(point) = keys.iter().position(|key| *key == run.key) {
                points[point] = Some(run.numbers());
            }
        }
        StudyPart { name: part.name, grid: part.sweep.grid(), base: Box::new(part.sweep.base), points }
    };
    StudyResults { study, settings, command, machine, parts: sweeps.into_iter().map(part).collect() }
}

fn without_results(study: &Study) -> Recorded {
    let mut recorded = Recorded::new(study, String::new(), String::new());
    for part in study.sweeps {
        if let Ok(sweep) = part.sweep() {
            recorded.add(part, sweep, Vec::new());
        }
    }
    recorded
}

/// Starts an engine worker.
fn start_worker(job: Job, place: usize, number: u32, build: &str) -> Option<Handle> {
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    options.set_name(&format!("cell-{number}"));
    let worker = Worker::new_with_options(&format!("engine-worker.js?v={build}"), &options).ok()?;
    let message = Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| {
        with(|it| it.on_message(job, place, number, &message.data()));
    });
    let error = Closure::<dyn FnMut(ErrorEvent)>::new(move |error: ErrorEvent| {
        error.prevent_default();
        // A file that did not come is an event without words.
        let words = Reflect::get(&error, &"message".into()).ok().and_then(|words| words.as_string());
        let words = words.filter(|words| !words.is_empty()).unwrap_or_else(|| "its files did not arrive".into());
        let why = format!(
            "Its worker stopped: {}.",
            words.trim_start_matches("Uncaught ").trim_start_matches("Error: ").trim_end_matches('.')
        );
        with(|it| {
            if it.handles_of(job).get(&place).is_some_and(|(now, _)| *now == number) {
                it.lost(job, place, &why);
            }
        });
    });
    worker.set_onmessage(Some(message.as_ref().unchecked_ref()));
    worker.set_onerror(Some(error.as_ref().unchecked_ref()));
    Some(Handle { worker, run: NO_RUN, _message: message, _error: error })
}
