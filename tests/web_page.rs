//! The page in a headless browser, with a worker that only plays the engine: what it says is shown, and what is pressed
//! is sent.
#![cfg(target_arch = "wasm32")]
// Clippy knows the tests of `#[test]` only.
#![allow(clippy::expect_used, clippy::panic)]

use std::{cell::RefCell, rc::Rc};

use charts::{
    graph::{Bezier, Edge, Graph, Node},
    token_strip::{StripRow, TokenStrip},
};
use icl_playground::app::page;
use icl_playground::probe::TabKind;
use icl_playground::protocol::{
    Baseline, Command, Curve, Event, Frame, FromEngine, Method, NO_RUN, Phase, Picture, ProbeRequest, Theory, ToEngine,
    wire,
};
use js_sys::{Array, Function, Promise, Uint8Array};
use wasm_bindgen::{JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

/// A worker that only passes messages between the page and `answers`.
const RELAY: &str = "onmessage = ({ data: port }) => {
    port.onmessage = ({ data }) => postMessage(data);
    onmessage = ({ data }) => port.postMessage(data);
};";

/// A run that the page has not started.
const ANOTHER: u32 = 1000;

/// Stands in for the engine: reports `late` and then `events` when it is to start, the former as news of another run, and `paused`
/// when it is to pause, or to wait before the first step. Gives what it is asked for from now on.
fn play_engine(late: Vec<Event>, events: Vec<Event>, paused: Event) -> Rc<RefCell<Vec<Command>>> {
    let commands = Rc::new(RefCell::new(Vec::new()));
    let asked = commands.clone();
    let of = |run: u32, events: &[Event]| -> Vec<FromEngine> {
        events.iter().map(|event| FromEngine { run, event: event.clone() }).collect()
    };
    let answers = Closure::<dyn FnMut(Uint8Array) -> Array>::new(move |bytes: Uint8Array| {
        let ToEngine { run, command } = wire::decode(&bytes.to_vec()).expect("a command");
        asked.borrow_mut().push(command.clone());
        let said = match command {
            Command::Picture { id, world, .. } => {
                let name = world.to_string();
                let mut picture = Picture { id, ..picture() };
                picture.graphs[0].title = name.len().to_string();
                picture.samples.iter_mut().for_each(|samples| samples.title.clone_from(&name));
                of(NO_RUN, &[Event::Picture(picture)])
            }
            Command::Start { hold: true, .. } => of(run, &[Event::Theory(theory()), paused.clone()]),
            Command::Start { .. } => [of(ANOTHER, &late), of(run, &events)].concat(),
            Command::Pause => of(run, std::slice::from_ref(&paused)),
            _ => Vec::new(),
        };
        said.iter().map(buffer).collect()
    });
    let boot = Function::new_with_args(
        "source, answers, ready",
        "document.body.insertAdjacentHTML('beforeend', '<div id=\"app\"></div>');
         globalThis.icl = {
           takeEngine() {
             const worker = new Worker(URL.createObjectURL(new Blob([source])));
             const { port1, port2 } = new MessageChannel();
             worker.postMessage(port2, [port2]);
             port1.onmessage = ({ data }) => answers(new Uint8Array(data)).forEach((buffer) => port1.postMessage(buffer));
             port1.postMessage(ready);
             const inbox = [];
             worker.onmessage = (message) => inbox.push(message.data);
             return { worker, inbox };
           },
         };",
    );
    let ready = buffer(&FromEngine { run: NO_RUN, event: Event::Ready });
    boot.call3(&JsValue::NULL, &RELAY.into(), answers.as_ref(), &ready).expect("the page's surroundings");
    // The page asks until the test ends.
    answers.forget();
    commands
}

fn buffer(message: &FromEngine) -> JsValue {
    Uint8Array::from(&wire::encode(message)[..]).buffer().into()
}

/// A world of one state, whose titles the stand-in replaces.
fn picture() -> Picture {
    let (tokens, title) = (vec!["a".to_string()], "a title".to_string());
    let node = Node { name: "A".into(), at: (0.0, 0.0), radius: 20.0, share: 1.0 };
    let curve = Bezier([(0.0, 0.0), (60.0, -30.0), (60.0, 30.0), (0.0, 0.0)]);
    let edge = Edge { from: 0, to: 0, emissions: vec![(0, 1.0)], curve, label: Some((60.0, 0.0)) };
    let row = StripRow { tokens: vec![0; 12], ..StripRow::default() };
    Picture {
        notes: vec!["Drawn.".into()],
        graphs: vec![Graph {
            title: title.clone(),
            nodes: vec![node],
            edges: vec![edge],
            tokens: tokens.clone(),
            about: String::new(),
        }],
        samples: Some(TokenStrip { title, tokens, rows: vec![row], ..TokenStrip::default() }),
        ..Picture::default()
    }
}

/// Waits at most ten seconds for the element with this test id to say `text`.
async fn shows(id: &str, text: &str) {
    let look = Function::new_with_args(
        "id, text, resolve",
        "const start = performance.now();
         const look = () => {
           const said = document.querySelector(`[data-testid='${id}']`)?.textContent ?? 'nothing';
           if (said === text || performance.now() - start > 10000) resolve(said);
           else setTimeout(look, 20);
         };
         look();",
    );
    let said = Promise::new(&mut |resolve, _| {
        look.call3(&JsValue::NULL, &id.into(), &text.into(), &resolve).expect("a look at the page");
    });
    let said = JsFuture::from(said).await.expect("what it says").as_string().unwrap_or_default();
    assert_eq!(said, text, "what {id} says");
}

/// What the table begins with, once its first row is 3 and then normalised.
const EVEN: &str = r#"{"tokens":["0","1"],"transitions":{"0":[[0.8571428571428571,0.0],[0.0,0.0]],"1":[[0.0,0.14285714285714285],[1.0,0.0]]}}"#;

/// Runs a script in the page, and gives what it returns as text.
fn script(body: &str) -> String {
    let returned = Function::new_no_args(body).call0(&JsValue::NULL).expect("a script");
    returned.as_string().unwrap_or_default()
}

fn press(id: &str) {
    script(&format!("document.querySelector(\"[data-testid='{id}']\").click()"));
}

fn type_into(id: &str, text: &str) {
    script(&format!(
        "const entry = document.querySelector(\"[data-testid='{id}']\");
         entry.value = '{text}';
         entry.dispatchEvent(new Event('input', {{ bubbles: true }}));"
    ));
}

/// Waits until an entry holds `text`.
async fn holds(id: &str, text: &str) {
    for _ in 0..200 {
        if script(&format!("return document.querySelector(\"[data-testid='{id}']\")?.value ?? 'nothing'")) == text {
            return;
        }
        wait(20).await;
    }
    panic!("{id} does not hold {text}");
}

/// What is said of the second chart.
fn training_loss() -> String {
    script(
        "return document.querySelector(\"[data-testid='chart-training-loss']\")?.getAttribute('aria-label') ?? 'nothing'",
    )
}

/// Waits until a chart's summary contains `text`.
async fn describes(id: &str, text: &str) {
    let summary = || {
        script(&format!(
            "return document.querySelector(\"[data-testid='{id}']\")?.getAttribute('aria-label') ?? 'nothing'"
        ))
    };
    for _ in 0..200 {
        if summary().contains(text) {
            return;
        }
        wait(20).await;
    }
    panic!("{id} says {}, without {text}", summary());
}

async fn wait(milliseconds: u32) {
    let timer = Function::new_with_args("resolve", &format!("setTimeout(resolve, {milliseconds})"));
    let rest = Promise::new(&mut |resolve, _| drop(timer.call1(&JsValue::NULL, &resolve)));
    JsFuture::from(rest).await.expect("a rest");
}

fn theory() -> Theory {
    let curve = Curve { values: vec![1.0; 32], stderr: None, methods: vec![Method::Exact; 32] };
    let baseline =
        Baseline { name: "copy".into(), about: "It repeats.".into(), curve: curve.clone(), squared_error: vec![] };
    Theory {
        tokens: Vec::new(),
        bayes: curve.clone(),
        adaptive: false,
        how: vec!["By hand.".into()],
        baselines: vec![baseline],
        squared_error: vec![],
        oracle: curve.clone(),
        unigram: curve,
        entropy_rate: 0.5,
        entropy_rate_stderr: None,
        excess_entropy: None,
        training_level: 1.0,
    }
}

fn frame() -> Frame {
    Frame {
        step: 7,
        first: 1,
        training_loss: vec![1.6, 1.5, 1.4, 1.3, 1.2, 1.1, 1.0],
        steps_per_second: Some(58.0),
        tokens_per_second: Some(118_784.0),
        seconds_left: Some(10.0),
        evaluation_share: 0.1,
    }
}

/// Waits at most ten seconds for `found` to give something.
async fn until<T>(what: &str, found: impl Fn() -> Option<T>) -> T {
    for _ in 0..500 {
        if let Some(found) = found() {
            return found;
        }
        wait(20).await;
    }
    panic!("no {what}");
}

/// The held-back starts and the lengths T of all experiments that were started, in order.
fn starts(commands: &RefCell<Vec<Command>>) -> Vec<(bool, usize)> {
    let start = |command: &Command| match command {
        Command::Start { experiment, hold, .. } => Some((*hold, experiment.data.length)),
        _ => None,
    };
    commands.borrow().iter().filter_map(start).collect()
}

fn drawn(curve: &str) -> String {
    script(&format!("return String(document.querySelector(\"[data-testid='curve-{curve}']\").checked)"))
}

/// One page for the whole test: what its links ask for, and that moved settings start runs.
#[wasm_bindgen_test]
async fn a_link_opens_its_view_and_a_moved_setting_starts_a_run() {
    script(
        "document.getElementById('app')?.remove();
         localStorage.removeItem('run-as-i-move');
         history.replaceState(null, '', '#v=1&preset=dursley-wonka&training.steps=60&view.unit=bits&view.hidden=oracle\
           &view.panel=losses&view.tab=heads&view.zoom=3&view.predict=1')",
    );
    let events = vec![Event::Phase(Phase::Running), Event::Theory(theory()), Event::Frame(frame())];
    let commands = play_engine(Vec::new(), events, Event::Phase(Phase::Paused));
    page::mount();
    shows("phase", "paused").await;
    assert_eq!(starts(&commands), [(true, 32)], "the run waits for a guess");
    let asks_for_heads =
        |command: &Command| matches!(command, Command::Probe(ProbeRequest::Open(Some(TabKind::Heads)))).then_some(());
    until("tab of the link", || commands.borrow().iter().find_map(asks_for_heads)).await;
    let pressed = |id: &str| {
        script(&format!("return document.querySelector(\"[data-testid='{id}']\")?.getAttribute('aria-pressed') ?? ''"))
    };
    assert_eq!(pressed("unit-bits"), "true");
    until("panel of the link", || (pressed("tab-losses") == "true").then_some(())).await;
    assert_eq!((drawn("oracle"), drawn("bayes")), ("false".into(), "true".into()));
    let notice = script("return document.querySelector(\"[data-testid='notice']\").textContent");
    assert!(notice.contains("view.zoom") && !notice.contains("view.unit"), "{notice}");
    assert_eq!(script("return String(localStorage.getItem('bits') === 'yes')"), "false", "a link is no taste");

    // A guess by the keyboard, in the read-out and in the summary for those who listen.
    script(
        "const chart = document.querySelector(\"[data-testid='chart-loss-by-position']\");
         chart.focus();
         for (const key of ['Home', 'ArrowUp', 'ArrowRight', 'ArrowDown'])
           chart.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));",
    );
    until("guess to show", || {
        script("return document.querySelector('.chart-loss-by-position .readout').textContent")
            .contains("your guess")
            .then_some(())
    })
    .await;
    press("predict-show");
    until("resumed run", || commands.borrow().iter().any(|c| matches!(c, Command::Resume)).then_some(())).await;

    // A moved setting starts a run once it has rested; one that is only half typed does not.
    type_into("field-data.length", "4x");
    wait(700).await;
    assert_eq!(starts(&commands).len(), 1, "nonsense started a run");
    type_into("field-data.length", "16");
    assert_eq!(starts(&commands).len(), 1, "too early");
    until("run of 16 tokens", || (starts(&commands).last() == Some(&(true, 16))).then_some(())).await;

    // Off, it says what to do.
    press("run-as-i-move");
    type_into("field-data.length", "8");
    shows("run-note", "Settings changed: press Run").await;
    wait(700).await;
    assert_eq!(starts(&commands).len(), 2, "a run was started by itself");
    press("run");
    until("run of 8 tokens", || (starts(&commands).last() == Some(&(false, 8))).then_some(())).await;
    shows("run-note", "").await;

    // One press cleans the view, and the link says so.
    press("clean-view");
    until("clean link", || (!script("return location.hash").contains("view.")).then_some(())).await;
    assert_eq!((pressed("unit-bits").as_str(), drawn("oracle").as_str()), ("false", "true"));
    script(
        "localStorage.removeItem('run-as-i-move'); document.getElementById('app').remove(); history.replaceState(null, '', '#')",
    );
}

#[wasm_bindgen_test]
async fn a_run_starts_by_itself_is_shown_and_can_be_paused() {
    let frame = frame();
    // News of another run.
    let late = Frame { step: 301, first: 300, training_loss: vec![9.0, 9.0], ..frame.clone() };
    let _ = play_engine(
        vec![Event::Phase(Phase::Finished), Event::Frame(late)],
        vec![Event::Phase(Phase::Running), Event::Theory(theory()), Event::Frame(frame)],
        Event::Phase(Phase::Paused),
    );
    script("history.replaceState(null, '', '#v=2&preset=dursley-wonka')");
    page::mount();
    shows("phase", "running").await;
    shows("step-count", "7").await;
    shows("steps-per-second", "58").await;
    for _ in 0..100 {
        if training_loss().contains("After 7 steps") {
            break;
        }
        wait(20).await;
    }
    assert!(training_loss().contains("After 7 steps"), "{}", training_loss());
    press("pause");
    shows("phase", "paused").await;

    // The world is drawn before anybody asks.
    shows("world-notes", "Drawn.").await;
    describes("plot-world-samples", "dursley-wonka. Sequence 1: a a a").await;
    describes("plot-world-graph", "1 states and 1 transitions").await;

    // A baseline is remembered once it is chosen.
    press("baseline-copy");
    assert_eq!(script("return localStorage.getItem('compare')"), "copy");

    // Mixing: nonsense stays, is named beside its row, and the rest of the mixture is kept.
    press("mix");
    holds("mix-row-0-world", "dursley-wonka").await;
    type_into("mix-row-1-world", "coins:n=2");
    type_into("mix-row-1-weight", "lots");
    wait(50).await;
    holds("mix-row-1-weight", "lots").await;
    let said = script("return document.querySelector('#problems-mix-1').textContent");
    assert!(said.contains("world.mixture[1].weight") && said.contains("lots"), "{said}");
    type_into("mix-row-1-weight", "3");
    press("mix-add");
    holds("mix-row-2-weight", "1").await;
    press("mix-remove-0");
    holds("mix-row-0-world", "coins:n=2").await;
    holds("mix-row-0-weight", "3").await;
    press("mix-equal");
    holds("mix-row-0-weight", "1").await;
    wait(600).await;
    let link = script("return decodeURIComponent(location.hash)");
    assert!(link.contains("coins:n=2") && link.contains("mixture"), "{link}");
    press("mix");
    holds("field-world", "coins").await;
    describes("plot-world-samples", "coins:n=2. ").await;

    // A process of one's own, as a table: sums are judged as one types, and normalised on request.
    press("own-process");
    type_into("edge-0-probability", "3");
    wait(50).await;
    let said = script("return document.querySelector(\"[data-testid='edges-problems']\").textContent");
    assert!(said.contains("Row 1"), "{said}");
    press("edges-normalise");
    wait(50).await;
    holds("edge-0-probability", "0.8571428571428571").await;
    press("edges-add");
    wait(50).await;
    holds("edge-3-from", "").await;
    press("edge-3-remove");
    wait(50).await;
    describes("plot-own-graph", &format!("{}. ", EVEN.len())).await;
    press("edges-run");
    holds("field-world", "own").await;
    shows("world-notes", "Drawn.").await;
}
