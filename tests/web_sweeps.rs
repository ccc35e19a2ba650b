//! The view of sweeps in a headless browser, with a worker that only plays the coordinator: what it reports is shown, what is
//! pressed and typed is asked for, and what was there outlives its end.
#![cfg(target_arch = "wasm32")]
// Clippy knows the tests of `#[test]` only.
#![allow(clippy::expect_used, clippy::panic)]

use std::cell::RefCell;

use icl_playground::{
    app::page,
    experiment::{Sweep, study::STUDIES},
    protocol::{
        CheckState, Event, FromEngine, Measured, NO_RUN, OpenStatus, OpenedSweep, Outcome, PointState, RunNumbers,
        RunningSweep, StoredSweep, StudyPart, StudyResults, SweepEvent, SweepRequest, SweepStatus, wire,
    },
    sweep::METRICS,
};
use js_sys::{Array, Function, Promise, Uint8Array};
use serde::Serialize;
use wasm_bindgen::{JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

/// A worker that only passes messages between the page and the test.
const RELAY: &str = "onmessage = ({ data: port }) => {
    port.onmessage = ({ data }) => postMessage(data);
    onmessage = ({ data }) => port.postMessage(data);
};";

thread_local! {
    static ASKED: RefCell<Vec<SweepRequest>> = const { RefCell::new(Vec::new()) };
}

fn buffer(message: &impl Serialize) -> JsValue {
    Uint8Array::from(&wire::encode(message)[..]).buffer().into()
}

/// An engine that is ready and silent, and the coordinator.
fn play() {
    let answers = Closure::<dyn FnMut(Uint8Array) -> Array>::new(|bytes: Uint8Array| {
        let request: SweepRequest = wire::decode(&bytes.to_vec()).expect("a request");
        let events = answer(&request);
        ASKED.with_borrow_mut(|asked| asked.push(request));
        events.iter().map(buffer).collect()
    });
    let boot = Function::new_with_args(
        "source, ready, answers",
        "document.body.insertAdjacentHTML('beforeend', '<div id=\"app\"></div>');
         const relay = (answer) => {
           const worker = new Worker(URL.createObjectURL(new Blob([source])));
           const { port1, port2 } = new MessageChannel();
           worker.postMessage(port2, [port2]);
           port1.onmessage = ({ data }) => answer(new Uint8Array(data)).forEach((buffer) => port1.postMessage(buffer));
           return [worker, port1];
         };
         globalThis.icl = {
           takeEngine() {
             const [worker, port] = relay(() => []);
             port.postMessage(ready);
             return { worker, inbox: [] };
           },
           takeSweeps() {
             [globalThis.coordinator, globalThis.line] = relay(answers);
             return { worker: globalThis.coordinator };
           },
         };",
    );
    let ready = buffer(&FromEngine { run: NO_RUN, event: Event::Ready });
    boot.call3(&JsValue::NULL, &RELAY.into(), &ready, answers.as_ref()).expect("the page's surroundings");
    // The page asks until the test ends.
    answers.forget();
}

/// Reports something that nobody asked for.
fn report(event: &SweepEvent) {
    let post = Function::new_with_args("buffer", "globalThis.line.postMessage(buffer)");
    post.call1(&JsValue::NULL, &buffer(event)).expect("a line to the page");
}

fn numbers() -> RunNumbers {
    let measured = |name: &str| (name == "two_level").then_some(Measured { value: 0.5, stderr: 0.01 });
    RunNumbers { metrics: METRICS.iter().map(|metric| measured(metric.name)).collect(), ..RunNumbers::default() }
}

fn done() -> PointState {
    PointState::Done { seconds: 3.0, numbers: Box::new(numbers()) }
}

fn status(id: &str, working: usize) -> SweepEvent {
    let open = OpenStatus {
        id: id.into(),
        is_paused: working == 0,
        is_active: working > 0,
        working,
        borrowed: 0,
        pace: Some(1000.0),
    };
    let running = (working > 0).then(|| RunningSweep { id: id.into(), done: 1, points: 4 });
    SweepEvent::Status(Box::new(SweepStatus { running, open: Some(open), ..SweepStatus::default() }))
}

/// As the coordinator would answer.
fn answer(request: &SweepRequest) -> Vec<SweepEvent> {
    match request {
        SweepRequest::Hello => {
            let stored = StoredSweep::Readable {
                id: "old".into(),
                name: String::new(),
                grid: "seed=1,2; data.length=\"<img>\"".into(),
                world: "coins:n=4".into(),
                points: 2,
                done: 1,
            };
            vec![SweepEvent::Stored(vec![stored, StoredSweep::Unreadable { id: "older".into() }])]
        }
        SweepRequest::Start { base, grid, preset, name, device } => {
            let sweep = Sweep::kept_grid((**base).clone(), grid).expect("a sound grid");
            let id = sweep.id();
            let opened = OpenedSweep {
                id: id.clone(),
                name: name.clone(),
                base: base.clone(),
                grid: grid.clone(),
                preset: preset.clone(),
                device: *device,
                is_of_other_build: false,
                workers: 2,
                costs: vec![1.0; sweep.len()],
                points: vec![PointState::Waiting; sweep.len()],
            };
            let changed = vec![
                (0, done()),
                (1, PointState::Running { done: 0.5 }),
                (2, PointState::Failed { why: "It <b>broke</b>.".into() }),
            ];
            vec![SweepEvent::Opened(Box::new(opened)), status(&id, 1), SweepEvent::Points { id, changed }]
        }
        SweepRequest::Check { number, .. } => {
            let failed =
                |number| SweepEvent::Check { number, state: Box::new(CheckState::Failed { why: "Late.".into() }) };
            let outcome = Box::new(Outcome::default());
            // The first is of a check that was dropped.
            vec![failed(number + 7), SweepEvent::Check { number: *number, state: Box::new(CheckState::Done(outcome)) }]
        }
        SweepRequest::Study { name } => {
            let study = STUDIES.iter().find(|study| study.name == name).expect("a study");
            let part = |part: &experiment::study::StudySweep| {
                let sweep = part.sweep().expect("a sound sweep");
                StudyPart {
                    name: part.name.into(),
                    points: vec![Some(numbers()); sweep.len()],
                    grid: sweep.grid(),
                    base: Box::new(sweep.base),
                }
            };
            let parts = study.sweeps.iter().map(part).collect();
            vec![SweepEvent::Study(Box::new(StudyResults {
                study: name.clone(),
                settings: "today".into(),
                command: "icl study <x>".into(),
                machine: "a machine".into(),
                parts,
            }))]
        }
        _ => Vec::new(),
    }
}

fn asked(is_meant: impl Fn(&SweepRequest) -> bool) -> usize {
    ASKED.with_borrow(|asked| asked.iter().filter(|request| is_meant(request)).count())
}

/// Runs an expression in the page, and gives what it is as text.
fn read(expression: &str) -> String {
    let body = format!("return String({expression})");
    let returned = Function::new_no_args(&body).call0(&JsValue::NULL).expect("a script");
    returned.as_string().unwrap_or_default()
}

fn text(id: &str) -> String {
    read(&format!("document.querySelector(\"[data-testid='{id}']\")?.textContent ?? 'nothing'"))
}

fn press(id: &str) {
    read(&format!("document.querySelector(\"[data-testid='{id}']\").click()"));
}

fn type_into(id: &str, text: &str) {
    read(&format!(
        "(() => {{ const e = document.querySelector(\"[data-testid='{id}']\"); e.focus(); e.value = '{text}';
           e.dispatchEvent(new Event('input', {{ bubbles: true }}));
           e.dispatchEvent(new Event('change', {{ bubbles: true }})); }})()"
    ));
}

/// Chooses an option.
fn choose(id: &str, value: &str) {
    read(&format!(
        "(() => {{ const e = document.querySelector(\"[data-testid='{id}']\"); e.value = '{value}';
           e.dispatchEvent(new Event('change', {{ bubbles: true }})); }})()"
    ));
}

fn value(id: &str) -> String {
    read(&format!("document.querySelector(\"[data-testid='{id}']\").value"))
}

async fn wait(milliseconds: u32) {
    let timer = Function::new_with_args("resolve", &format!("setTimeout(resolve, {milliseconds})"));
    let rest = Promise::new(&mut |resolve, _| drop(timer.call1(&JsValue::NULL, &resolve)));
    JsFuture::from(rest).await.expect("a rest");
}

/// Waits at most ten seconds for something to be so.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..500 {
        if is_so() {
            return;
        }
        wait(20).await;
    }
    panic!("waited for {what}; the view says:\n{}", read("document.querySelector('main.sweeps').innerText"));
}

async fn shows(id: &str, words: &str) {
    until(&format!("{id} with \"{words}\""), || text(id).contains(words)).await;
}

fn state(point: usize) -> String {
    read(&format!("document.querySelector(\"[data-testid='lab-cell-{point}']\")?.dataset.state"))
}

fn start_is_disabled() -> bool {
    read("document.querySelector(\"[data-testid='lab-start']\").disabled") == "true"
}

#[wasm_bindgen_test]
async fn sweeps_are_typed_run_read_and_outlive_their_coordinator() {
    play();
    read("history.replaceState(null, '', '#v=2&preset=dursley-wonka')");
    page::mount();
    press("lab-open");

    // What is stored, as text.
    shows("lab-list", "seed = 1, 2; T = \"<img>\"").await;
    shows("lab-list", "coins:n=4 · unfinished: 1 of 2 done").await;
    shows("lab-list", "cannot be read").await;
    assert_eq!(read("document.querySelectorAll('main.sweeps img').length"), "0");
    until("the title to have the focus", || read("document.activeElement.dataset.testid") == "lab-title").await;
    press("lab-list-resume");
    assert_eq!(
        asked(|r| matches!(r, SweepRequest::Open { id, resume: true } if id == "old")),
        0,
        "it comes by a worker"
    );

    // The form answers by itself, and keeps what is typed.
    type_into("lab-values-0", "many");
    shows("lab-problems", "data.topics").await;
    assert!(start_is_disabled());
    type_into("lab-values-0", "2, 4");
    type_into("lab-values-1", "1..2");
    shows("lab-count", "4 runs: how long that takes is known").await;
    assert!(!start_is_disabled());
    assert_eq!(read("document.activeElement.dataset.testid"), "lab-values-1");
    // Any field can be an axis; words are filled in, and what is allowed is said.
    choose("lab-field-2", "net.architecture");
    until("the words", || value("lab-values-2") == "transformer, gru, lstm").await;
    shows("lab-hint-2", "some of transformer, gru, lstm").await;
    shows("lab-count", "12 runs").await;
    choose("lab-field-2", "");
    shows("lab-count", "4 runs").await;
    read("(() => { const e = document.querySelector(\"[data-testid='lab-events']\"); e.click(); })()");
    type_into("lab-new-name", "  Two   topics ");
    // The runs are counted anew in a task of its own.
    wait(50).await;
    press("lab-start");
    shows("lab-title", "Two topics").await;
    let is_meant = |request: &SweepRequest| match request {
        SweepRequest::Start { base, name, .. } => name == "Two topics" && base.evaluation.events,
        _ => false,
    };
    // Requests come by a worker.
    until("a start with its name and the events", || asked(is_meant) == 1).await;
    type_into("lab-name", "Another name");
    shows("lab-title", "Another name").await;
    let is_renamed = |r: &SweepRequest| matches!(r, SweepRequest::Rename { name, .. } if name == "Another name");
    until("the new name", || asked(is_renamed) == 1).await;

    // Every state has its look; the line, the badge and the spoken sentence say the same.
    shows("lab-summary", "1 of 4 runs done · 1 failed · 1 worker at work · ").await;
    assert_eq!([0, 1, 2, 3].map(state), ["done", "running", "failed", "waiting"]);
    assert_eq!(["lab-cell-0", "lab-cell-1", "lab-cell-2", "lab-cell-3"].map(text), ["✓", "50", "!", "·"]);
    assert!(text("lab-open").ends_with("Sweeps 1/4"), "{}", text("lab-open"));
    assert_eq!(read("document.querySelector('main.sweeps .spoken').textContent"), "Running: 1 of 4 runs done.");
    assert_eq!(asked(|r| matches!(r, SweepRequest::Open { id, resume: true } if id == "old")), 1);

    // One run: numbers, link, and a second run whose late answers do not count.
    press("lab-cell-0");
    shows("lab-detail", "data.topics=2 seed=1").await;
    shows("lab-detail", "0.500 ± 0.010").await;
    let link = read("document.querySelector(\"[data-testid='lab-open-cell']\").getAttribute('href')");
    assert!(link.starts_with('#') && link.contains("data.topics=2"), "{link}");
    press("lab-check");
    shows("lab-verdict", "differ by more than two standard errors").await;
    press("lab-cell-2");
    shows("lab-detail", "It <b>broke</b>.").await;
    press("lab-retry-cell");
    until("a request to retry", || asked(|r| matches!(r, SweepRequest::Retry { point: Some(2), .. })) == 1).await;

    // Results come as runs do, and what has the focus keeps it.
    shows("lab-results", "1 of 4").await;
    let rows = || read("document.querySelectorAll(\"[data-testid='lab-runs'] tbody tr\").length");
    assert_eq!(rows(), "1");
    read("document.querySelector(\"[data-testid='lab-cell-3']\").focus()");
    let id = ASKED.with_borrow(|asked| {
        let start = asked.iter().find_map(|request| match request {
            SweepRequest::Start { base, grid, .. } => Sweep::kept_grid((**base).clone(), grid).ok(),
            _ => None,
        });
        start.expect("a start").id()
    });
    report(&SweepEvent::Points { id: "another".into(), changed: vec![(1, done())] });
    report(&SweepEvent::Points { id: id.clone(), changed: vec![(3, done())] });
    until("two rows", || rows() == "2").await;
    assert_eq!((state(1), state(3)), ("running".into(), "done".into()));
    assert_eq!(read("document.activeElement.dataset.testid"), "lab-cell-3");
    shows("lab-results", "2 of 4").await;
    type_into("lab-metric", "two_level");
    until("its chart", || {
        read("document.querySelectorAll(\"[data-testid='lab-results'] canvas[role=img]\").length") != "0"
    })
    .await;

    // The coordinator ends: what was found stays, nothing claims to run, and its successor opens the same sweep.
    read("coordinator.dispatchEvent(new Event('error'))");
    shows("lab-lost", "Sweeps stopped: its files did not arrive.").await;
    until("the run to wait", || state(1) == "waiting").await;
    assert_eq!((rows(), state(0)), ("2".into(), "done".into()));
    assert!(text("lab-summary").ends_with("paused") && text("lab-open").ends_with("Sweeps"), "{}", text("lab-summary"));
    press("lab-again");
    until("the sweep to be opened", || {
        asked(|r| matches!(r, SweepRequest::Open { id: of, resume: false } if *of == id)) == 1
    })
    .await;
    assert_eq!((text("lab-lost"), asked(|r| *r == SweepRequest::Hello)), ("nothing".into(), 2));
    // It was never stored: what the page has can still be read.
    report(&SweepEvent::Closed { id: id.clone(), is_deleted: false });
    until("no button that goes on", || text("lab-resume") == "nothing").await;
    assert_eq!(rows(), "2");

    // Home: the form is as it was left.
    press("lab-home");
    shows("lab-title", "Sweeps").await;
    assert_eq!(read("document.querySelector(\"[data-testid='lab-values-0']\").value"), "2, 4");
    until("a request to leave", || asked(|r| *r == SweepRequest::Leave) == 1).await;

    // A study: its sweeps are switched on the page.
    press("lab-study-data");
    shows("lab-recorded", "by icl study <x> on a machine. Nothing of it was run in this browser.").await;
    shows("lab-note", STUDIES[0].sweeps[0].note).await;
    let before = asked(|_| true);
    read("document.querySelector(\"[data-testid='lab-part-1']\").focus()");
    press("lab-part-1");
    shows("lab-note", STUDIES[0].sweeps[1].note).await;
    assert_eq!(read("document.activeElement.dataset.testid"), "lab-part-1");
    // Sections come one after the other, each in a task of its own.
    until("the results", || text("lab-results").contains("Two-level loss")).await;
    press("lab-live");
    until("a start", || asked(|r| matches!(r, SweepRequest::Start { .. })) == 2).await;
    assert_eq!(asked(|_| true) - before, 2, "dropping the check, and the start");

    // Escape leads out.
    read(
        "document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true, cancelable: true }))",
    );
    until("the playground", || read("document.querySelector('main.sweeps').hidden") == "true").await;
}
