//! One experiment gives the same numbers in every browser, to the last bit, on as many cores.

use std::fs;

use serde_json::{Value, json};

use super::support::browser::{Kind, SEE_ERRORS};
use super::support::server::{Server, dist};
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

/// An experiment of thirty steps.
struct Case {
    what: &'static str,
    /// What is not as in [`TRANSFORMER`].
    more: &'static str,
    cores: usize,
    kernels: Kernels,
}

const TRANSFORMER: &str = "#v=1&preset=dursley-wonka&training.steps=30&training.warmup=5&evaluation.every=10&evaluation.sequences=16\
     &evaluation.most=0&bound.scale=0.1";

const CASES: [Case; 4] = [
    Case { what: "transformer, the engine alone", more: "&training.batch=16", cores: 1, kernels: Kernels::Chosen },
    Case {
        what: "GRU, the engine alone",
        more: "&training.batch=16&net.architecture=gru",
        cores: 1,
        kernels: Kernels::Chosen,
    },
    // Work enough for two workers.
    Case {
        what: "transformer on two cores, plain kernels",
        more: "&training.batch=128",
        cores: 2,
        kernels: Kernels::Plain,
    },
    // With relaxed SIMD a product and a sum are rounded once instead of twice. A browser that does not know it computes what plain
    // kernels compute, so that a run with workers has other last bits there.
    Case {
        what: "transformer on two cores, relaxed SIMD",
        more: "&training.batch=128",
        cores: 2,
        kernels: Kernels::Chosen,
    },
];

/// What the case gives in the page's browser.
fn run(page: &mut Page, case: &Case) -> Numbers {
    let read = |name: &str| fs::read_to_string(dist().join(name)).expect("a script of the built site");
    // WebKitGTK gives 4 or 8 cores, whatever the machine has.
    let cores = case.cores;
    let count = format!("Object.defineProperty(self.navigator, 'hardwareConcurrency', {{ get: () => {cores} }});\n");
    let engine = count + &read("engine-worker.js");
    let mut team = read("team-worker.js");
    if case.kernels == Kernels::Plain {
        team = "WebAssembly.validate = () => false;\n".to_owned() + &team;
    }
    // On another port, where nothing is in a cache.
    page.server = Server::start(&[("engine-worker.js", &engine), ("team-worker.js", &team)]);
    page.server.before_load(SEE_ERRORS);
    // Keeps what the page would save as a file.
    page.server.before_load(
        "const url = URL.createObjectURL;
         URL.createObjectURL = (blob) => { blob.text().then((text) => { globalThis.saved = text; }); return url(blob); }",
    );
    page.open(&format!("{TRANSFORMER}{}", case.more));
    page.wait_for_phase("finished", RUN);
    let why = device_reason(page);
    assert_eq!(why.contains("2 cores"), cores == 2, "{}: {why}", case.what);
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

#[test]
fn an_experiment_has_the_same_bits_in_every_browser() {
    // By case: the first browser that ran it, and what it gave.
    let mut first: [Option<(Kind, Numbers)>; CASES.len()] = Default::default();
    for kind in Kind::ALL.into_iter().filter(|kind| kind.is_asked_for()) {
        let mut page = Page::new(kind);
        for (case, first) in CASES.iter().zip(&mut first) {
            let what = case.what;
            if kind == Kind::WebKit && what.contains("relaxed") {
                println!("{what}: not in webkit, which does not know it");
                continue;
            }
            let numbers = run(&mut page, case);
            println!("{what}: {} numbers in {}", numbers.len(), kind.name());
            let Some((other, expected)) = first else {
                *first = Some((kind, numbers));
                continue;
            };
            assert_eq!(numbers.len(), expected.len(), "{what}: how many numbers there are");
            let pairs = numbers.iter().zip(&*expected);
            let differ: Vec<_> = pairs.filter(|(one, two)| one != two).take(20).collect();
            assert!(differ.is_empty(), "{what}: {} and {} differ: {differ:#?}", kind.name(), other.name());
        }
    }
}
