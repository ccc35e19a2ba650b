//! One experiment gives the same numbers in every browser, to the last bit, on as many cores.

use std::fs;

use serde_json::{Value, json};

use super::support::browser::{Browser, Kind};
use super::support::server::dist;
use super::{Page, RUN, SOON, device_reason};

/// What a run gave, number by number, each written so that its bits can be read back: the table of training losses, and the last
/// evaluation and the theory as the page got them.
type Numbers = Vec<(String, String)>;

/// Every number and word of a JSON value, with the way to it.
fn flatten(name: String, value: &Value, numbers: &mut Numbers) {
    match value {
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                flatten(format!("{name}[{i}]"), item, numbers);
            }
        }
        Value::Object(fields) => {
            for (key, item) in fields {
                flatten(format!("{name}.{key}"), item, numbers);
            }
        }
        _ => numbers.push((name, value.to_string())),
    }
}

/// Which kernels the workers of a team load.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kernels {
    /// Those that every browser knows.
    Plain,
    /// Those with relaxed SIMD, where the browser knows it.
    Chosen,
}

/// Thirty steps on as many cores as `cores`, in this browser.
fn run(kind: Kind, fragment: &str, cores: usize, kernels: Kernels) -> Numbers {
    let read = |name: &str| fs::read_to_string(dist().join(name)).expect("a script of the built site");
    // WebKitGTK gives 4 or 8 cores, whatever the machine has.
    let count = format!("Object.defineProperty(self.navigator, 'hardwareConcurrency', {{ get: () => {cores} }});\n");
    let engine = count + &read("engine-worker.js");
    let mut team = read("team-worker.js");
    if kernels == Kernels::Plain {
        team = "WebAssembly.validate = () => false;\n".to_owned() + &team;
    }
    let page = Page::with(|| Browser::start(kind), &[("engine-worker.js", &engine), ("team-worker.js", &team)]);
    // Keeps what the page would save as a file.
    page.server.before_load(
        "const url = URL.createObjectURL;
         URL.createObjectURL = (blob) => { blob.text().then((text) => { globalThis.saved = text; }); return url(blob); }",
    );
    page.open(fragment);
    page.wait_for_phase("finished", RUN);
    let why = device_reason(&page);
    assert_eq!(why.contains("2 cores"), cores == 2, "{}: {why}", kind.name());
    page.click("csv-training-loss");
    let saved = page.browser.wait("the table", SOON, "return globalThis.saved ?? null", &[]);
    let saved = saved.as_str().unwrap_or_default();
    assert!(saved.lines().count() > 30, "the table has a line for each step:\n{saved}");
    let mut numbers: Numbers = saved
        .lines()
        .enumerate()
        .map(|(i, line)| (format!("training losses, line {}", i + 1), line.to_owned()))
        .collect();
    for what in ["evaluation", "theory"] {
        let text = page.browser.script("return globalThis.icl[arguments[0]]", &[json!(what)]);
        let value = serde_json::from_str(text.as_str().expect("an event")).expect("JSON");
        flatten(what.to_owned(), &value, &mut numbers);
    }
    assert_eq!(page.browser.console_errors(), Vec::<String>::new());
    numbers
}

/// The same experiment in each of these browsers.
fn same_bits(kinds: &[Kind], what: &str, fragment: &str, cores: usize, kernels: Kernels) {
    let mut first: Option<(Kind, Numbers)> = None;
    for &kind in kinds.iter().filter(|kind| kind.is_asked_for()) {
        let numbers = run(kind, fragment, cores, kernels);
        println!("{what}: {} numbers in {}", numbers.len(), kind.name());
        match &first {
            None => first = Some((kind, numbers)),
            Some((other, expected)) => {
                assert_eq!(numbers.len(), expected.len(), "{what}: how many numbers there are");
                let pairs = numbers.iter().zip(expected);
                let differ: Vec<_> = pairs.filter(|(one, two)| one != two).take(20).collect();
                assert!(differ.is_empty(), "{what}: {} and {} differ: {differ:#?}", kind.name(), other.name());
            }
        }
    }
}

const TRANSFORMER: &str = "#v=1&preset=dursley-wonka&training.steps=30&training.warmup=5&training.batch=16&evaluation.every=10\
     &evaluation.sequences=16&evaluation.most=0&bound.scale=0.1";

#[test]
fn a_transformer_has_the_same_bits_in_every_browser() {
    same_bits(&Kind::ALL, "transformer, the engine alone", TRANSFORMER, 1, Kernels::Chosen);
}

#[test]
fn a_gru_has_the_same_bits_in_every_browser() {
    let fragment = format!("{TRANSFORMER}&net.architecture=gru");
    same_bits(&Kind::ALL, "GRU, the engine alone", &fragment, 1, Kernels::Chosen);
}

/// Work enough for two workers.
#[test]
fn two_cores_have_the_same_bits_in_every_browser() {
    let fragment = TRANSFORMER.replace("training.batch=16", "training.batch=128");
    same_bits(&Kind::ALL, "transformer on two cores, plain kernels", &fragment, 2, Kernels::Plain);
    // With relaxed SIMD a product and a sum are rounded once instead of twice. WebKitGTK does not know it, so that its workers compute
    // what plain kernels compute, and a run with workers has other last bits there than in the other two.
    let relaxed = [Kind::ALL[0], Kind::Firefox];
    same_bits(&relaxed, "transformer on two cores, relaxed SIMD", &fragment, 2, Kernels::Chosen);
}
