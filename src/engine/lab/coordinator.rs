//! The coordinator: what the page says and what the engine workers say goes in, HTML for the page comes out.
//!
//! From the page comes ([`SweepRequest::Text`], for now) an object of texts: `lab` names what is wanted, beside it the data of the element that was pressed or the
//! `fields` of a form. To the page goes ([`SweepEvent::Text`]) `{"slots": [[name, html], ...]}`, only what changed and at most five times a second,
//! `{"focus": test id}`, and `{"file": name, "kind": ..., "text": ...}` to be saved.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use js_sys::Reflect;
use serde_json::{Value, json};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::spawn_local;
use web_sys::{DedicatedWorkerGlobalScope, ErrorEvent, MessageEvent, Worker, WorkerOptions, WorkerType};

use super::{
    form::Form,
    owner::{Owned, Tabs, claim, is_taken},
    queue::{Order, Queue, State},
    sheet::{Check, Found, Record, Sheet, Studied},
    store::Store,
    view::{self, Entry},
};
use crate::{
    engine::{clock::now_ms, corpus::load},
    experiment::{Experiment, Problem, Sweep, problem::sentences, study::Study},
    protocol::{
        Command, DeviceChoice, Event, FromEngine, NO_RUN, Outcome, Phase, SweepEvent, SweepRequest, ToEngine,
        transfer::{self, Received},
        wire::{self, DecodeError},
    },
    sweep::{Metric, Run, Table, one_scale::at_one_scale, recorded::Recorded},
};

/// Between two looks at everything, ms.
const BEAT: i32 = 200;
/// Between two drawings of the results, ms.
const RESULTS: f64 = 1000.0;
/// Silence after which a worker counts as dead, ms: longer than a slow device's first step. `?patience=` in seconds, for tests.
const PATIENCE: f64 = 120_000.0;
/// Beats from one sign of life to the next.
const ALIVE: u32 = 5;

const ELSEWHERE: &str = "This sweep runs in another tab of this browser, which alone may run or delete it. What it finishes appears \
                         here too. To run it here, pause or cancel it there, or close that tab.";
const DELETED: &str = "This sweep was deleted in another tab.";

thread_local! {
    static LAB: RefCell<Option<Lab>> = const { RefCell::new(None) };
    /// What the page said before the store was open.
    static EARLY: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Whose worker it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Job {
    Sweep,
    /// A single cell that is run again.
    Check,
}

/// An engine worker and the closures that hear it.
struct Hand {
    worker: Worker,
    /// Number of the run that it was sent last.
    run: u32,
    _message: Closure<dyn FnMut(MessageEvent)>,
    _error: Closure<dyn FnMut(ErrorEvent)>,
}

/// Workers of one queue, by place, each with a number that tells it from those before it.
type Hands = BTreeMap<usize, (u32, Hand)>;

struct Lab {
    build: String,
    cores: usize,
    patience: f64,
    /// The experiment in the controls, and the story it was made from.
    base: Result<Experiment, Vec<Problem>>,
    preset: String,
    form: Form,
    /// The form says something new; a large grid takes a while to count.
    typed: bool,
    store: Rc<Store>,
    stored: Vec<Entry>,
    /// Ids of all sweeps that were ever in the list: what is not there any more was deleted.
    seen: BTreeSet<String>,
    /// The sweep on the screen; `None` on the first screen.
    shown: Option<Sheet>,
    /// The sweep that runs, where another one or none is on the screen.
    aside: Option<Sheet>,
    /// The right to run the sweep of this id.
    owned: Option<(String, Owned)>,
    tabs: Rc<Tabs>,
    /// The shown sweep runs in another tab.
    elsewhere: bool,
    beats: u32,
    hands: Hands,
    check_queue: Queue,
    check_hands: Hands,
    /// Closures must outlive their own call.
    gone: Vec<Hand>,
    workers_started: u32,
    trouble: String,
    /// Why results may be lost.
    not_kept: String,
    /// Worker milliseconds per unit of cost in the sweep seen last, by device.
    pace: Option<(DeviceChoice, f64)>,
    /// The first screen or the sheet must be drawn anew.
    redraw: bool,
    /// It takes the focus.
    focus: bool,
    /// The chosen cell's numbers take it.
    jump: bool,
    /// The shown sheet has results that are not on the screen, which were last drawn then, ms.
    stale: bool,
    told: f64,
    sent: BTreeMap<String, String>,
}

/// Whether this worker was started as the coordinator.
pub fn is_meant() -> bool {
    query().contains("role=lab")
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
    let patience = seconds.map_or(PATIENCE, |s| s * 1000.0);
    let cores = scope().map_or(1.0, |scope| scope.navigator().hardware_concurrency());
    spawn_local(async move {
        let (store, why) = Store::open().await;
        let mut lab = Lab {
            build: value("v").unwrap_or_default(),
            cores: cores.max(1.0) as usize,
            patience,
            base: Err(Vec::new()),
            preset: String::new(),
            form: Form::default(),
            typed: true,
            store: Rc::new(store),
            stored: Vec::new(),
            seen: BTreeSet::new(),
            shown: None,
            aside: None,
            owned: None,
            tabs: Rc::new(Tabs::new(|| spawn_local(refresh()))),
            elsewhere: false,
            beats: 0,
            hands: Hands::new(),
            check_queue: Queue::new(Vec::new(), 1, patience),
            check_hands: Hands::new(),
            gone: Vec::new(),
            workers_started: 0,
            trouble: String::new(),
            not_kept: String::new(),
            pace: None,
            redraw: true,
            focus: false,
            jump: false,
            stale: false,
            told: 0.0,
            sent: BTreeMap::new(),
        };
        if let Some(why) = why {
            lab.not_kept(&why);
        }
        LAB.set(Some(lab));
        list().await;
        EARLY.take().iter().for_each(|bytes| hear(bytes));
    });
    let beat = Closure::<dyn FnMut()>::new(|| with(Lab::beat));
    if let Some(scope) = scope() {
        let beat = beat.as_ref().unchecked_ref();
        // Fails for no function.
        let _ = scope.set_interval_with_callback_and_timeout_and_arguments_0(beat, BEAT);
    }
    beat.forget();
}

/// A message from the page.
pub fn hear(bytes: &[u8]) {
    if LAB.with_borrow(Option::is_none) {
        EARLY.with_borrow_mut(|early| early.push(bytes.into()));
        return;
    }
    match wire::decode(bytes) {
        Ok(SweepRequest::Text(text)) => with(|lab| {
            lab.obey(&serde_json::from_str(&text).unwrap_or_default());
            lab.beat();
        }),
        Err(e) => with(|lab| lab.trouble = format!("The lab did not understand the page: {e}. Reload the page.")),
    }
}

fn with(act: impl FnOnce(&mut Lab)) {
    LAB.with_borrow_mut(|lab| lab.as_mut().map(act));
}

fn scope() -> Option<DedicatedWorkerGlobalScope> {
    js_sys::global().dyn_into().ok()
}

fn query() -> String {
    scope().map(|scope| scope.location().search()).unwrap_or_default()
}

fn post(message: &Value) {
    transfer::post(&SweepEvent::Text(message.to_string()));
}

/// Reads anew what is stored.
async fn list() {
    let store = LAB.with_borrow(|lab| lab.as_ref().map(|lab| lab.store.clone()));
    let Some(store) = store else { return };
    let found = store.sweeps().await;
    with(|lab| match found {
        Ok(entries) => {
            lab.seen.extend(entries.iter().flatten().map(|(record, _)| record.id.clone()));
            lab.stored = entries;
        }
        Err(why) => lab.not_kept(&why),
    });
}

/// Another tab has stored or deleted something: the list and the shown sweep are read anew.
async fn refresh() {
    list().await;
    let mut shown = None;
    with(|lab| {
        let sheet = lab.shown.as_ref().filter(|sheet| sheet.studied.is_none() && !sheet.queue.is_active());
        shown = sheet.map(|sheet| (sheet.record.id.clone(), lab.store.clone()));
    });
    let Some((id, store)) = shown else { return };
    let (taken, is_stored, found) = (is_taken(&id).await, store.has(&id).await, store.found(&id).await);
    with(|lab| {
        if lab.shown.as_ref().is_none_or(|sheet| sheet.record.id != id || sheet.queue.is_active()) {
            return;
        }
        let owned = lab.owned.as_ref().is_some_and(|(owned, _)| *owned == id);
        if is_stored == Ok(false) && !owned && lab.seen.contains(&id) {
            lab.leave();
            lab.trouble = DELETED.into();
            return;
        }
        lab.elsewhere = taken && !owned;
        lab.take_over(found.unwrap_or_default());
    });
}

/// Runs something on the store, and says when it fails; then the list is read anew, here and in other tabs.
fn keep<F: Future<Output = Result<(), String>>>(lab: &Lab, act: impl FnOnce(Rc<Store>) -> F + 'static) {
    let (store, tabs) = (lab.store.clone(), lab.tabs.clone());
    spawn_local(async move {
        if let Err(why) = act(store).await {
            with(|lab| lab.not_kept(&why));
        }
        tabs.tell();
        list().await;
    });
}

/// Deletes a stored sweep, unless another tab runs it.
async fn delete(store: Rc<Store>, tabs: Rc<Tabs>, id: String) {
    // Nobody can start it meanwhile.
    let Some(owned) = claim(&id).await else {
        with(|lab| lab.trouble = ELSEWHERE.into());
        return;
    };
    if let Err(why) = store.delete(&id).await {
        with(|lab| lab.not_kept(&why));
    }
    drop(owned);
    tabs.tell();
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

impl Lab {
    fn not_kept(&mut self, why: &str) {
        self.not_kept = format!(
            "Results are kept only until this page is closed: this browser's storage could not be used ({why}). Save them as \
             CSV or JSON before you leave."
        );
    }

    fn obey(&mut self, message: &Value) {
        let text = |name: &str| message.get(name).and_then(Value::as_str).unwrap_or_default();
        let number = |name: &str| text(name).parse::<usize>().ok();
        match text("lab") {
            // The view was opened with an empty place, or the controls say something else.
            what @ ("opened" | "base") => {
                self.base = Experiment::from_json(text("experiment"));
                self.preset = text("preset").into();
                self.focus |= what == "opened";
                self.redraw |= what == "opened" || self.shown.is_none();
            }
            "grid" => {
                self.form.read(&message["fields"]);
                self.typed = true;
                if text("event") == "submit" {
                    self.start();
                }
            }
            "home" => self.leave(),
            "show" => self.open(text("id"), false),
            "continue" => self.open(text("id"), true),
            "delete" => {
                self.trouble.clear();
                spawn_local(delete(self.store.clone(), self.tabs.clone(), text("id").to_owned()));
            }
            "pause" => self.on_shown(|sheet| sheet.queue.pause()),
            "cancel" => self.on_shown(|sheet| sheet.queue.cancel()),
            "resume" => self.go_on(Queue::resume),
            "retry" => self.go_on(Queue::retry_failed),
            "retry-cell" => {
                if let Some(cell) = number("cell") {
                    self.go_on(move |queue| queue.retry(cell));
                }
            }
            "cell" => {
                let cell = number("cell");
                self.on_shown(|sheet| sheet.chosen = cell.filter(|&cell| cell < sheet.cells.len()));
            }
            "mark" => {
                let key = text("cell");
                self.on_shown(|sheet| sheet.chosen = sheet.cells.iter().position(|cell| cell.key == key));
                self.jump = true;
            }
            "metric" => {
                let metric = Metric::named(text("value")).map(|metric| metric.name);
                self.stale |= self.shown.as_ref().is_some_and(|sheet| sheet.metric != metric);
                self.on_shown(|sheet| sheet.metric = metric);
            }
            what @ ("csv" | "json") => self.save(what),
            "study" => self.study(text("id")),
            "part" => {
                let part = number("part").unwrap_or(0);
                if let Some(studied) = self.shown.as_ref().and_then(|sheet| sheet.studied.clone()) {
                    self.show_study(Studied { part, ..studied });
                }
            }
            "live" => {
                if let Some(sheet) = &self.shown {
                    let sweep = sheet.sweep.clone();
                    self.leave();
                    self.launch(&sweep, String::new());
                }
            }
            "check" => {
                if let Some(cell) = number("cell") {
                    self.check(cell);
                }
            }
            _ => {}
        }
    }

    fn on_shown(&mut self, act: impl FnOnce(&mut Sheet)) {
        if let Some(sheet) = &mut self.shown {
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
            self.trouble = "Another sweep is running. Pause or cancel it first, or let it finish.".into();
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
                with(|lab| lab.elsewhere = lab.shown.as_ref().is_some_and(|sheet| sheet.record.id == record.id));
                return;
            };
            let is_stored = store.has(&record.id).await;
            let lent = if new { others(&store, &record, stored).await } else { Vec::new() };
            let found = store.found(&record.id).await.unwrap_or_default();
            with(|lab| {
                // The reader may have gone elsewhere meanwhile.
                if lab.aside.is_some() || lab.shown.as_ref().is_none_or(|sheet| sheet.record.id != record.id) {
                    return;
                }
                if is_stored == Ok(false) && !new {
                    lab.leave();
                    lab.trouble = DELETED.into();
                    return;
                }
                lab.elsewhere = false;
                lab.owned = Some((record.id.clone(), owned));
                lab.take_over(found);
                let lent = lab.shown.as_mut().map(|sheet| sheet.borrow(&lent)).unwrap_or_default();
                lab.stale |= !lent.is_empty();
                if new {
                    keep(lab, move |store| async move {
                        store.put_sweep(&record).await?;
                        for found in lent {
                            store.put_cell(&record.id, &found).await?;
                        }
                        Ok(())
                    });
                }
                lab.on_shown(|sheet| act(&mut sheet.queue));
            });
        });
    }

    /// Results that another tab has found of the shown sweep.
    fn take_over(&mut self, found: Vec<Found>) {
        let mut stale = false;
        self.on_shown(|sheet| stale = sheet.take_over(found));
        self.stale |= stale;
    }

    /// The form's sweep.
    fn start(&mut self) {
        let Ok(base) = &self.base else { return };
        // The sentences stand beneath the form.
        let Ok((sweep, _)) = self.form.sweep(base) else { return };
        self.launch(&sweep, self.preset.clone());
    }

    /// Runs a sweep, or goes on with it.
    fn launch(&mut self, sweep: &Sweep, preset: String) {
        let record = Record {
            created: js_sys::Date::now(),
            build: self.build.clone(),
            ..Record::new(sweep, preset, self.form.device)
        };
        let is_known = |entry: &Entry| entry.as_ref().is_ok_and(|(stored, _)| stored.id == record.id);
        if self.stored.iter().any(is_known) || self.aside.as_ref().is_some_and(|sheet| sheet.record.id == record.id) {
            // What was found before is not thrown away.
            self.open(&record.id.clone(), true);
            return;
        }
        if self.aside.is_some() {
            self.go_on(|_| {});
            return;
        }
        if self.show(record, Vec::new()) {
            self.go_on_as(true, Queue::resume);
        }
    }

    /// Shows a sweep; false where it cannot be opened, which is said.
    fn show(&mut self, record: Record, found: Vec<Found>) -> bool {
        self.elsewhere = false;
        self.redraw = true;
        self.focus = true;
        match Sheet::new(record, found, self.cores, self.patience) {
            Ok(sheet) => self.shown = Some(sheet),
            Err(problems) => {
                self.trouble = format!("This sweep cannot be opened. {}", sentences(&problems));
                return false;
            }
        }
        true
    }

    /// Opens a stored sweep, or the one that runs.
    fn open(&mut self, id: &str, run: bool) {
        self.leave();
        if self.aside.as_ref().is_some_and(|sheet| sheet.record.id == id) {
            self.shown = self.aside.take();
            if run {
                self.go_on(Queue::resume);
            }
            return;
        }
        let record = self.stored.iter().flatten().find(|(record, _)| record.id == id).map(|(record, _)| record.clone());
        let (Some(record), store) = (record, self.store.clone()) else { return };
        spawn_local(async move {
            let found = store.found(&record.id).await;
            with(|lab| match found {
                Ok(found) => {
                    if lab.show(record, found) && run {
                        lab.go_on(Queue::resume);
                    }
                    spawn_local(refresh());
                }
                Err(why) => lab.trouble = format!("The results could not be read: {why}."),
            });
        });
    }

    /// Back to the first screen; what runs goes on.
    fn leave(&mut self) {
        self.redraw = true;
        self.focus = true;
        self.trouble.clear();
        self.elsewhere = false;
        self.check_queue.cancel();
        if let Some(mut sheet) = self.shown.take()
            && sheet.queue.is_active()
        {
            sheet.check = None;
            self.aside = Some(sheet);
        }
    }

    /// Shows what was recorded of a study, and the study without results where that is not part of the site.
    fn study(&mut self, name: &str) {
        let Some(study) = Study::named(name) else { return };
        self.leave();
        spawn_local(async move {
            let text = load(&format!("studies/{}.json", study.name)).await;
            let recorded = text.map_or_else(|| Ok(without_results(study)), |text| Recorded::from_json(&text));
            with(|lab| match recorded {
                Ok(recorded) => lab.show_study(Studied { study, recorded: Rc::new(recorded), part: 0 }),
                Err(why) => {
                    lab.trouble = why;
                    lab.show_study(Studied { study, recorded: Rc::new(without_results(study)), part: 0 });
                }
            });
        });
    }

    fn show_study(&mut self, studied: Studied) {
        if studied.part >= studied.recorded.sweeps.len() {
            return;
        }
        self.check_queue.cancel();
        self.redraw = true;
        self.focus = self.shown.is_none();
        match Sheet::recorded(studied, self.cores, self.patience) {
            Ok(sheet) => self.shown = Some(sheet),
            Err(problems) => self.trouble = format!("This study cannot be opened. {}", sentences(&problems)),
        }
    }

    /// Gives the results to the page, as a file.
    fn save(&self, kind: &str) {
        let Some(sheet) = &self.shown else { return };
        let runs: Vec<Run> = sheet.runs.iter().flatten().cloned().collect();
        let (_, held) = at_one_scale(&sheet.sweep, &runs);
        let table = Table::new(&sheet.sweep.axes, &held);
        let (mime, text) = match kind {
            "csv" => ("text/csv", table.csv()),
            _ => {
                let mut value = table.json(sheet.sweep.base.world.observation().word());
                value["sweep"] = sheet.record.id.as_str().into();
                value["grid"] = sheet.record.grid.as_str().into();
                value["base"] = serde_json::to_value(&sheet.record.base).unwrap_or_default();
                value["cells"] = json!({ "all": sheet.cells.len(), "finished": runs.len() });
                ("application/json", value.to_string())
            }
        };
        post(&json!({ "file": format!("icl-sweep-{}.{kind}", sheet.record.id), "kind": mime, "text": text }));
    }

    /// Runs a cell of the shown sweep again, beside whatever else runs.
    fn check(&mut self, cell: usize) {
        let Some(sheet) = &mut self.shown else { return };
        if cell >= sheet.cells.len() {
            return;
        }
        sheet.check = Some((cell, Check::Running(0.0)));
        self.check_queue.cancel();
        let orders = self.check_queue.orders(now_ms());
        self.carry_out(Job::Check, orders);
        self.check_queue = Queue::new(vec![1.0], 1, self.patience);
        self.check_queue.resume();
    }

    /// The sweep that runs.
    fn running(&mut self) -> Option<&mut Sheet> {
        self.aside.as_mut().or(self.shown.as_mut())
    }

    /// Looks after the workers, and tells the page what changed.
    fn beat(&mut self) {
        self.gone.clear();
        let now = now_ms();
        if let Some(sheet) = self.running() {
            let orders = sheet.queue.orders(now);
            self.carry_out(Job::Sweep, orders);
        }
        let orders = self.check_queue.orders(now);
        self.carry_out(Job::Check, orders);
        if let Some(State::Failed(why)) = self.check_queue.states().first() {
            let why = why.clone();
            self.told_check(Check::Failed(why));
        }
        if let Some(sheet) = self.running() {
            let told = sheet.queue.pace(now).map(|pace| (sheet.record.device, pace));
            self.pace = told.or(self.pace);
        }
        // One that has come to rest and is not looked at is in storage.
        if self.aside.as_ref().is_some_and(|sheet| !sheet.queue.is_active()) {
            self.aside = None;
        }
        self.give_back();
        self.beats += 1;
        if self.beats.is_multiple_of(ALIVE) {
            transfer::post(&SweepEvent::Alive);
        }
        self.draw(now);
    }

    /// A sweep that has come to rest may be run by any tab.
    fn give_back(&mut self) {
        let Some((id, _)) = &self.owned else { return };
        let sheets = self.aside.iter().chain(&self.shown);
        let mut own = sheets.filter(|sheet| sheet.studied.is_none() && sheet.record.id == *id);
        let rests = |sheet: &Sheet| !sheet.queue.is_active() && (sheet.queue.is_paused() || sheet.queue.is_over());
        if own.all(rests) {
            self.owned = None;
            self.tabs.tell();
        }
    }

    fn carry_out(&mut self, job: Job, orders: Vec<Order>) {
        for order in orders {
            match order {
                Order::Stop(place) => {
                    if let Some((_, hand)) = self.hands_of(job).remove(&place) {
                        hand.worker.set_onmessage(None);
                        hand.worker.set_onerror(None);
                        hand.worker.terminate();
                        self.gone.push(hand);
                    }
                }
                Order::Spawn(place) => {
                    self.workers_started += 1;
                    let number = self.workers_started;
                    match hand(job, place, number, &self.build) {
                        Some(hand) => drop(self.hands_of(job).insert(place, (number, hand))),
                        None => self.lost(job, place, "This browser did not start a worker."),
                    }
                }
                Order::Send { worker, cell } => self.send(job, worker, cell),
            }
        }
    }

    fn hands_of(&mut self, job: Job) -> &mut Hands {
        match job {
            Job::Sweep => &mut self.hands,
            Job::Check => &mut self.check_hands,
        }
    }

    fn send(&mut self, job: Job, place: usize, cell: usize) {
        let (sheet, cell) = match job {
            Job::Sweep => (self.aside.as_ref().or(self.shown.as_ref()), cell),
            Job::Check => {
                let cell = self.shown.as_ref().and_then(|sheet| sheet.check.as_ref()).map_or(0, |(cell, _)| *cell);
                (self.shown.as_ref(), cell)
            }
        };
        let Some(sheet) = sheet else { return };
        let experiment = Box::new(sheet.cells[cell].experiment.clone());
        let command = Command::Cell { experiment, device: sheet.record.device };
        if let Some((_, hand)) = self.hands_of(job).get_mut(&place) {
            hand.run += 1;
            transfer::send(&hand.worker, &ToEngine { run: hand.run, command });
        }
    }

    /// A worker's message. One that was replaced in between is not listened to.
    fn hear(&mut self, job: Job, place: usize, number: u32, data: &JsValue) {
        let Some((_, hand)) = self.hands_of(job).get(&place).filter(|(now, _)| *now == number) else { return };
        let run = hand.run;
        let now = now_ms();
        if let Some(queue) = self.queue_of(job) {
            queue.heard(place, now);
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
                self.beat();
            }
            Event::Cell { done } => {
                if let Some(queue) = self.queue_of(job) {
                    queue.progress(place, done);
                }
                if job == Job::Check {
                    self.told_check(Check::Running(done));
                }
            }
            Event::Outcome(outcome) => {
                self.finished(job, place, *outcome, now);
                self.beat();
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

    fn told_check(&mut self, check: Check) {
        self.on_shown(|sheet| {
            if let Some((_, told)) = &mut sheet.check {
                *told = check;
            }
        });
    }

    fn finished(&mut self, job: Job, place: usize, outcome: Outcome, now: f64) {
        let Some((cell, ms)) = self.queue_of(job).and_then(|queue| queue.finished(place, now)) else { return };
        if job == Job::Check {
            self.on_shown(|sheet| {
                if let Some((cell, told)) = &mut sheet.check {
                    *told = Check::Done(Box::new(Run::new(&sheet.cells[*cell], &outcome, sheet.level)));
                }
            });
            return;
        }
        let Some(sheet) = self.running() else { return };
        let found = Found { key: sheet.cells[cell].key.clone(), outcome, seconds: ms / 1000.0 };
        sheet.put(cell, &found);
        let id = sheet.record.id.clone();
        self.stale = true;
        keep(self, move |store| async move {
            if !store.put_cell(&id, &found).await? {
                with(|lab| lab.deleted(&id));
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

    /// Sends what changed.
    fn draw(&mut self, now: f64) {
        let mut slots: Vec<(String, String)> = Vec::new();
        let mut put = |name: &str, html: String| slots.push((name.into(), html));
        let queue = self.shown.as_ref().and_then(|sheet| sheet.queue.trouble()).unwrap_or_default();
        let elsewhere = if self.elsewhere { ELSEWHERE } else { "" };
        let trouble: String = [self.trouble.as_str(), elsewhere, queue, &self.not_kept].map(view::trouble).concat();
        match &self.shown {
            Some(sheet) => {
                if self.redraw {
                    put("lab", view::sheet(sheet, &self.build));
                }
                put("lab.buttons", view::buttons(sheet));
                put("lab.summary", view::standing(sheet, now));
                put("lab.spoken", view::spoken(sheet));
                put("lab.bar", view::bar(sheet));
                for cell in 0..sheet.cells.len() {
                    put(&format!("lab.cell.{cell}"), view::square(sheet, cell));
                }
                put("lab.detail", view::detail(sheet));
                // Pictures take a while: not at every beat.
                let due = now - self.told > RESULTS || sheet.queue.is_over() || !sheet.queue.is_active();
                if self.redraw || (self.stale && due) {
                    put("lab.results", view::results(sheet));
                    self.stale = false;
                    // Large sweeps take long to draw: most of the time is for the workers' messages.
                    self.told = now + 5.0 * (now_ms() - now);
                }
            }
            None => {
                if self.redraw {
                    put("lab", view::home(&self.form, self.base.as_ref().map_err(Vec::as_slice), self.cores));
                }
                if let Ok(base) = &self.base
                    && (self.redraw || self.typed)
                {
                    let pace = self.pace.filter(|(device, _)| *device == self.form.device).map(|(_, pace)| pace);
                    put("lab.note", self.form.note(base, self.cores, pace));
                }
                self.typed = false;
                let running = self.aside.as_ref().map(|sheet| sheet.record.id.as_str());
                put("lab.list", view::list(&self.stored, running));
            }
        }
        put("lab.trouble", trouble);
        put("badge", self.aside.as_ref().or(self.shown.as_ref()).map_or_else(String::new, view::badge));
        if self.redraw {
            self.sent.retain(|name, _| name == "badge");
        }
        slots.retain(|(name, html)| self.sent.get(name) != Some(html));
        if !slots.is_empty() {
            post(&json!({ "slots": slots }));
            self.sent.extend(slots);
        }
        self.redraw = false;
        if std::mem::take(&mut self.focus) {
            post(&json!({ "focus": "lab-title" }));
        }
        if std::mem::take(&mut self.jump) {
            post(&json!({ "focus": "lab-detail" }));
        }
    }
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
fn hand(job: Job, place: usize, number: u32, build: &str) -> Option<Hand> {
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    options.set_name(&format!("cell-{number}"));
    let worker = Worker::new_with_options(&format!("engine-worker.js?v={build}"), &options).ok()?;
    let message = Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| {
        with(|lab| lab.hear(job, place, number, &message.data()));
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
        with(|lab| {
            if lab.hands_of(job).get(&place).is_some_and(|(now, _)| *now == number) {
                lab.lost(job, place, &why);
            }
        });
    });
    worker.set_onmessage(Some(message.as_ref().unchecked_ref()));
    worker.set_onerror(Some(error.as_ref().unchecked_ref()));
    Some(Hand { worker, run: NO_RUN, _message: message, _error: error })
}
