//! Whatever text or file comes from outside: a value, or a sentence that names what is wrong. Never a panic, and never longer than a
//! second.
//!
//! Sound inputs are damaged at random, and others are made up: `CASES` of each, the same every time. The long run takes other ones,
//! as many as `OUTSIDE_CASES` says: `OUTSIDE_CASES=100000 cargo test --test outside -- --ignored`. What once failed stands in [`CORPUS`].

#![cfg(all(feature = "app", not(target_arch = "wasm32")))]
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops, with a sentence")]

use std::{
    panic::{self, AssertUnwindSafe},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use icl_playground::{
    app::{edges, fields, mixing::Part},
    experiment::{
        Experiment, Problem, Sweep, WorldSpec, json, link,
        preset::PRESETS,
        problem::sentences,
        text::{self, Text, Unit},
        typed,
        world::KINDS,
    },
};
use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
    test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner},
};

/// Of each property.
const CASES: u32 = 256;
/// For one input. Compiled without optimization everything takes several times as long.
const LONGEST: Duration = Duration::from_millis(if cfg!(debug_assertions) { 3000 } else { 1000 });

/// Of each property in the long run, where nobody says.
const LONG: u32 = 20_000;

/// How many inputs a property is tried with.
#[derive(Clone, Copy)]
enum Run {
    /// The same every time.
    Short,
    Long,
}

fn check<S: Strategy>(run: Run, strategy: S, property: impl Fn(S::Value)) {
    let config = |cases| Config { cases, failure_persistence: None, ..Config::default() };
    let asked = std::env::var("OUTSIDE_CASES").ok().and_then(|n| n.parse().ok());
    let mut runner = match run {
        Run::Short => TestRunner::new_with_rng(config(CASES), TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
        Run::Long => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970").as_nanos() as u64;
            println!("the seed of this run: {now}");
            let seed = [now.to_le_bytes(); 4].concat();
            TestRunner::new_with_rng(config(asked.unwrap_or(LONG)), TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
        }
    };
    let outcome = runner.run(&strategy, |input| {
        // So that what failed is made smaller.
        let judged = panic::catch_unwind(AssertUnwindSafe(|| property(input)));
        judged.map_err(|why| {
            let words = why.downcast_ref::<String>().cloned();
            TestCaseError::fail(words.unwrap_or_else(|| "it panicked".into()))
        })
    });
    if let Err(failure) = outcome {
        panic!("{}", failure.to_string().chars().take(4000).collect::<String>());
    }
}

/// Words of parsers and of the language that this is written in.
const FOREIGN: [&str; 16] = [
    "invalid type",
    "invalid value",
    "invalid length",
    "expected",
    "EOF",
    "variant",
    "usize",
    "u64",
    "i64",
    "f64",
    "struct",
    "enum",
    "null pointer",
    "panicked",
    "os error",
    "`",
];

fn clip(text: &str) -> String {
    text.chars().take(400).collect()
}

/// What is refused is refused in words that name a field.
fn said(input: &str, problems: &[Problem]) {
    assert!((1..=40).contains(&problems.len()), "{} problems with {input:?}", problems.len());
    for problem in problems {
        let own = format!("{} {}", problem.allowed, problem.advice);
        assert!(
            !problem.field.is_empty() && !problem.allowed.is_empty() && !problem.value.is_empty(),
            "{problem:?} with {input:?}"
        );
        assert!(!FOREIGN.iter().any(|word| own.contains(word) && !input.contains(word)), "{problem} with {input:?}");
        let text = problem.to_string();
        assert!(
            text.len() < 4000 && text.ends_with(['.', '…', ')']),
            "{} bytes: {:?} with {input:?}",
            text.len(),
            clip(&text)
        );
    }
}

/// The reader's answer, in time; shown short where it failed.
fn answer<T>(input: &str, read: impl FnOnce(&str) -> Result<T, Vec<Problem>>) -> Option<T> {
    let start = Instant::now();
    let answer = read(input);
    let short = clip(input);
    assert!(start.elapsed() < LONGEST, "{:?} for {} bytes: {short:?}", start.elapsed(), input.len());
    answer.map_err(|problems| said(&short, &problems)).ok()
}

fn world(input: &str) {
    if let Some(spec) = answer(input, |text| {
        text.parse::<WorldSpec>().map_err(|p| vec![p]).and_then(|spec| spec.validate().map(|()| spec))
    }) {
        // What can be read can be written, and is read as the same.
        if !matches!(spec, WorldSpec::Text(_)) {
            assert_eq!(spec.to_string().parse(), Ok(spec.clone()), "{input:?}");
        }
        let (tokens, names) = (spec.tokens(), spec.names());
        assert!(
            tokens.len() == names.len() && tokens.iter().all(|name| !name.trim().is_empty()),
            "{input:?}: {tokens:?}"
        );
    }
    answer(input, WorldSpec::from_json);
}

fn experiment(input: &str) {
    if let Some(experiment) = answer(input, Experiment::from_json) {
        assert_eq!(experiment.validate(), Ok(()), "{input:?}");
        assert_eq!(Experiment::from_json(&experiment.to_json()), Ok(experiment), "{input:?}");
    }
}

fn fragment(input: &str) {
    if let Some(link) = answer(input, link::from_fragment) {
        assert_eq!(link.experiment.validate(), Ok(()), "{input:?}");
        let preset = PRESETS.iter().find(|preset| preset.name == link.preset).expect("a preset");
        if !matches!(link.experiment.world, WorldSpec::Text(_)) {
            let again = link::to_fragment(preset, &link.experiment);
            assert_eq!(link::from_fragment(&again), Ok(link), "{input:?}");
        }
    }
}

fn base() -> Experiment {
    let mut base = Experiment { world: "coins:n=4".parse().expect("a world"), ..Experiment::default() };
    (base.data.fresh, base.data.topics) = (false, 16);
    base
}

fn grid(input: &str) {
    let mixture = r#"{"mixture": [{"weight": 1, "world": "coin:p=0.3"}, {"weight": 2, "world": {"tokens": ["0", "1"],
        "start": [0.5, 0.5], "transitions": {"0": [[0.25, 0], [0, 0.5]], "1": [[0.5, 0.25], [0.5, 0]]}}}]}"#;
    grid_over(input, &base());
    grid_over(input, &Experiment { world: mixture.parse().expect("a mixture"), ..base() });
}

fn grid_over(input: &str, base: &Experiment) {
    if let Some(sweep) = answer(input, |text| Sweep::parse_grid(base.clone(), text)) {
        let written = sweep.grid();
        let again = Sweep::parse_grid(base.clone(), &written)
            .unwrap_or_else(|p| panic!("{input:?} {written:?} {}", sentences(&p)));
        assert_eq!((again.grid(), again.id()), (written, sweep.id()), "{input:?}");
        // Ten thousand runs may take their time; the grid that asks for them may not.
        if sweep.len() <= 300 || sweep.len() > 10_000 {
            answer(input, |_| sweep.cells());
        }
    }
}

fn file(bytes: &[u8]) {
    let start = Instant::now();
    match text::decode("name.txt", bytes.to_vec()) {
        Ok(read) => {
            assert!(!read.text.contains(['\0', '\r']) && (read.note.is_empty() || read.note.contains("name.txt")));
            if read.note.is_empty() && !bytes.starts_with(&[0xff, 0xfe]) && !bytes.starts_with(&[0xfe, 0xff]) {
                assert!(std::str::from_utf8(bytes).is_ok(), "{bytes:?} read as {:?}", read.text);
            }
            let documents = text::sections("name.txt", &read.text);
            let spec = WorldSpec::Text(Text::new(Unit::Characters, documents));
            assert!(spec.tokens().iter().all(|name| !name.trim().is_empty()), "{:?}", spec.tokens());
            if let Err(problems) = spec.validate() {
                said("a file", &problems);
            }
            // A file may as well be meant as JSON.
            experiment(&read.text);
        }
        Err(problem) => said("a file", &[problem]),
    }
    assert!(start.elapsed() < LONGEST, "{:?} for {} bytes", start.elapsed(), bytes.len());
}

fn entry(input: &str) {
    let experiment = Experiment::default();
    for number in fields::all(&experiment) {
        match number.parse(input) {
            Some(value) => {
                let mut changed = experiment.clone();
                number.set(&mut changed, value);
                assert_eq!(number.get(&changed), value, "{input:?} in {}", number.field);
                if let Err(problems) = changed.validate() {
                    said(input, &problems);
                }
            }
            None => said(input, &[number.unreadable(input, &experiment)]),
        }
    }
    let mut mixture = icl_playground::app::mixing::of(&experiment.world);
    for part in [Part::Weight, Part::World] {
        if let Err(problem) = part.put(&mut mixture, 0, input) {
            said(input, &[problem]);
        }
    }
    let mut rows = edges::example();
    rows[0].probability = input.into();
    rows[1].token = input.into();
    if let Err(problems) = edges::process(&rows) {
        assert!(
            problems.iter().all(|problem| problem.starts_with("Row ")
                || problem.starts_with("From state ")
                || problem.starts_with("State ")),
            "{problems:?}"
        );
    }
}

/// What the readers once had trouble with, and what their neighbours might.
const CORPUS: &[&str] = &[
    "",
    " ",
    "\u{feff}",
    "\0",
    "{",
    "}",
    "[",
    "]",
    "{}",
    "[]",
    "null",
    "true",
    "0",
    "-0",
    "-0.0",
    "1e999",
    "NaN",
    "Infinity",
    "\"",
    "\"\"",
    "\\",
    "1,5",
    "0,1",
    "1 5",
    "1,000",
    "1.000,5",
    "1\u{202f}000",
    "16.0",
    "1.6e1",
    "64.",
    ".5",
    "9007199254740991",
    "9007199254740993",
    "18446744073709551616",
    "coins:n=10,n=20",
    "coins:",
    "coins:,",
    "coins:n",
    "coins:n=",
    "coins:=3",
    "coin:p=0,5",
    ":",
    "udhr",
    "lds:d=5,sw=1",
    "markov:k=8,order=2",
    "#v=1",
    "#v%3D1%26preset%3Dmarkov",
    "v=1&amp;preset=markov",
    "v=1&v=1",
    "v=%",
    "v=%e",
    "v=1%2é",
    "%2523",
    "%25",
    "preset=",
    "=",
    "&",
    "&&&",
    "world=%7B",
    "world={\"tokens\":[],\"tokens\":[]}",
    "data.topics=64.",
    "data.topics=\"16\"",
    "data=3",
    "data.=3",
    ".topics=3",
    "world.n=3",
    "version=1",
    "version=2",
    "seed=1-3",
    "seed=1..3",
    "seed=3..1",
    "seed=..",
    "seed=1..",
    "seed=0..18446744073709551615",
    "data.topics=8;16",
    "hold=",
    "hold=data.topics",
    "=;=;=",
    "world.p=0,5",
    "seed={;}",
    "seed=\"",
    "seed=\\",
    "{\"seed\":1,\"seed\":2}",
    "{\"data\":{\"topics\":\"16\"}}",
    "{\"data\":null}",
    "{\"world\":{\"mixture\":[]}}",
    "{\"world\":{\"text\":{}}}",
    "{\"world\":\"text:/etc/passwd\"}",
    "{\"version\":1e400}",
    "{\"version\":-1}",
    "{\"world\":\"{\\\"tokens\\\":[\\\"a\\\"],\\\"transitions\\\":{\\\"a\\\":[[1]]}}\"}",
    "{\"tokens\":[\"a\"],\"transitions\":{\"a\":[[0.999]]}}",
    "{\"tokens\":[\"a\",\"a\"],\"transitions\":{\"a\":[[1]]}}",
    "{\"tokens\":[],\"transitions\":{}}",
    "{\"tokens\":[\"a\"],\"transitions\":{\"a\":[]}}",
    "{\"mixture\":[{\"weight\":1e308,\"world\":\"coin\"},{\"weight\":1e308,\"world\":\"coin\"}]}",
    "```json\n{\"seed\":1}\n```",
    "```",
    "``` ```",
    "{\"tokens\":[\"\u{200b}\"],\"transitions\":{\"\u{200b}\":[[1]]}}",
];

/// Sound inputs of all kinds.
fn sound() -> Vec<String> {
    let mut sound: Vec<String> = CORPUS.iter().map(|text| (*text).into()).collect();
    for preset in PRESETS {
        let mut experiment = preset.experiment();
        (experiment.data.topics, experiment.seed) = (7, 9);
        sound.push(link::to_fragment(preset, &experiment));
        sound.push(experiment.to_json());
    }
    for kind in KINDS {
        let parameters: Vec<String> = kind.parameters.iter().map(|p| format!("{}={}", p.name, p.low)).collect();
        sound.push(format!("{}:{}", kind.name, parameters.join(",")));
    }
    let even = r#"{"tokens":["0","1"],"start":[0.5,0.5],"transitions":{"0":[[0.5,0],[0,0]],"1":[[0,0.5],[1,0]]}}"#;
    sound.push(even.into());
    sound.push(format!(r#"{{"mixture":[{{"weight":0.5,"world":{even}}},{{"weight":2,"world":"coins:n=3"}}]}}"#));
    sound.push(format!(r#"{{"seed":3,"world":{even}}}"#));
    sound.push(format!(
        r#"{{"world":{{"text":{{"unit":"bytes","documents":[{{"name":"a","text":"{}"}}]}}}}}}"#,
        "ab c".repeat(200)
    ));
    sound.extend(
        [
            "data.topics=4,16,64; seed=1..3; hold=data.sequences",
            "world.mixture.0.weight=1, 2; world.mixture[1].world=coin,\"coins:n=3\"; net.architecture=gru,lstm",
            "world.mixture.1.world.start=[0.5,0.5],[1,0]; world.mixture.0.world.p=0.25, 0.5",
            "training.learning_rate=1e-3,5e-3; net.mlp=none,gelu",
            "world=coins,\"markov:k=2\"; data.fresh=true,false",
        ]
        .map(String::from),
    );
    sound
}

/// What is done to an input. Places are shares of its length.
#[derive(Clone, Debug)]
enum Damage {
    Cut(Index),
    Flip(Index, u8),
    Insert(Index, String),
    Drop(Index, usize),
    Double(Index, usize),
    /// A number becomes another text.
    Number(Index, String),
    /// A quote, bracket or separator becomes another one.
    Mark(Index, char),
    Wrap(&'static str, &'static str, usize),
}

/// What numbers are typed with, rightly or wrongly.
const NUMERALS: [char; 22] = [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '.', ',', 'e', 'E', '+', '-', ' ', '_', 'k', 'K', '\u{202f}', '’',
];

/// Characters of any kind.
fn words() -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..40).prop_map(String::from_iter)
}

fn odd_text() -> impl Strategy<Value = String> {
    prop_oneof![
        select(CORPUS).prop_map(String::from),
        words(),
        any::<f64>().prop_map(|x| format!("{x:e}")),
        any::<i64>().prop_map(|n| n.to_string()),
        (1_usize..400).prop_map(|n| "9".repeat(n)),
        vec(select(&NUMERALS[..]), 1..12).prop_map(String::from_iter),
        select(
            &["\u{200b}", "\u{202e}", "\u{301}", "\u{10ffff}", "\u{feff}", "%", "%00", "\\u0000", "\\ud800", "é", "猫"]
                [..]
        )
        .prop_map(String::from),
    ]
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<Index>;
    prop_oneof![
        at().prop_map(Damage::Cut),
        (at(), any::<u8>()).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        (at(), odd_text()).prop_map(|(at, text)| Damage::Insert(at, text)),
        (at(), 1_usize..40).prop_map(|(at, n)| Damage::Drop(at, n)),
        (at(), 1_usize..60).prop_map(|(at, n)| Damage::Double(at, n)),
        (at(), odd_text()).prop_map(|(at, text)| Damage::Number(at, text)),
        (at(), select(&['"', '\'', '{', '}', '[', ']', ',', ';', ':', '=', '&', '#', '%', '.', ' ', '\n'][..]))
            .prop_map(|(at, to)| Damage::Mark(at, to)),
        (
            select(
                &[
                    ("[", "]"),
                    ("{\"world\":", "}"),
                    ("{\"mixture\":[{\"weight\":1,\"world\":", "}]}"),
                    ("\"", "\""),
                    ("(", ")"),
                    ("%25", ""),
                    ("```json\n", "\n```")
                ][..]
            ),
            select(&[1, 2, 50, 3000][..])
        )
            .prop_map(|((open, close), times)| Damage::Wrap(open, close, times)),
    ]
}

fn damaged(mut text: Vec<u8>, damages: &[Damage]) -> Vec<u8> {
    for damage in damages {
        let place = |at: &Index| if text.is_empty() { 0 } else { at.index(text.len()) };
        let is_in = |marks: &'static [u8]| {
            text.iter().enumerate().filter(|(_, b)| marks.contains(b)).map(|(i, _)| i).collect::<Vec<_>>()
        };
        match damage {
            Damage::Cut(at) => text.truncate(at.index(text.len() + 1)),
            Damage::Flip(at, bits) => {
                let at = place(at);
                text.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= bits);
            }
            Damage::Insert(at, new) => {
                let at = at.index(text.len() + 1);
                text.splice(at..at, new.bytes());
            }
            Damage::Drop(at, n) => {
                let at = place(at);
                text.drain(at..(at + n).min(text.len()));
            }
            Damage::Double(at, n) => {
                let at = place(at);
                let again = text[at..(at + n).min(text.len())].to_vec();
                text.splice(at..at, again);
            }
            Damage::Number(at, new) => {
                let digits = is_in(b"0123456789");
                if !digits.is_empty() {
                    let at = digits[at.index(digits.len())];
                    let end = at + text[at..].iter().take_while(|b| b.is_ascii_digit() || **b == b'.').count();
                    text.splice(at..end, new.bytes());
                }
            }
            Damage::Mark(at, to) => {
                let marks = is_in(b"\"{}[],;:=&#%.");
                if !marks.is_empty() {
                    let at = marks[at.index(marks.len())];
                    text.splice(at..=at, to.to_string().bytes());
                }
            }
            Damage::Wrap(open, close, times) => {
                text = [open.repeat(*times).as_bytes(), &text, close.repeat(*times).as_bytes()].concat();
            }
        }
    }
    text
}

/// A sound input with up to four damages, as bytes.
fn inputs() -> impl Strategy<Value = Vec<u8>> {
    (select(sound()), vec(damage(), 0..5)).prop_map(|(text, damages)| damaged(text.into_bytes(), &damages))
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![8 => inputs().prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()), 1 => odd_text(), 1 => words()]
}

fn worlds(run: Run) {
    check(run, texts(), |text| world(&text));
}

fn experiments(run: Run) {
    check(run, texts(), |text| experiment(&text));
}

fn links(run: Run) {
    check(run, texts(), |text| fragment(&text));
}

fn grids(run: Run) {
    check(run, texts(), |text| grid(&text));
}

fn files(run: Run) {
    let wide = texts().prop_map(|text| text.encode_utf16().flat_map(u16::to_le_bytes).collect());
    check(run, prop_oneof![4 => inputs(), 2 => vec(any::<u8>(), 0..400), 1 => wide], |bytes| file(&bytes));
}

fn entries(run: Run) {
    check(run, odd_text(), |text| entry(&text));
}

#[test]
fn a_world_is_read_or_refused() {
    worlds(Run::Short);
}

#[test]
fn an_experiment_is_read_or_refused() {
    experiments(Run::Short);
}

#[test]
fn a_link_is_read_or_refused() {
    links(Run::Short);
}

#[test]
fn a_grid_is_read_or_refused() {
    grids(Run::Short);
}

#[test]
fn a_file_is_read_or_refused() {
    files(Run::Short);
}

#[test]
fn an_entry_is_read_or_refused() {
    entries(Run::Short);
}

#[test]
#[ignore = "takes minutes: for the night"]
fn whatever_comes_is_read_or_refused() {
    for property in [worlds, experiments, links, grids, files, entries] {
        property(Run::Long);
    }
}

/// However a number is grouped, it is the number or it is refused.
#[test]
fn numbers() {
    check(Run::Short, (0_u64..1_000_000_000, select(&[",", "\u{202f}", "\u{a0}", " ", "_", "’"][..])), |(n, by)| {
        let digits = n.to_string();
        let first = digits.len() % 3;
        let mut groups: Vec<&str> = if first > 0 { vec![&digits[..first]] } else { Vec::new() };
        groups.extend((first..digits.len()).step_by(3).map(|i| &digits[i..i + 3]));
        assert_eq!(typed::number(&groups.join(by)), Ok(n as f64));
    });
    check(Run::Short, (any::<i32>(), 0_u32..1_000_000, select(&[",", "."][..])), |(whole, part, mark)| {
        let (written, plain) = (format!("{whole}{mark}{part}"), format!("{whole}.{part}"));
        let is_group = mark == "," && part.to_string().len() == 3 && whole != 0 && whole.unsigned_abs() < 1000;
        let value = if is_group { format!("{whole}{part}") } else { plain };
        assert_eq!(typed::number(&written).ok(), value.parse::<f64>().ok(), "{written}");
    });
}

/// What is written is what is read, to the last bit.
#[test]
fn values_survive_their_text() {
    check(Run::Short, vec(any::<f64>().prop_filter("finite", |x| x.is_finite()), 0..50), |numbers| {
        let read = json::read(&json::text(&serde_json::json!(numbers))).expect("JSON");
        let read: Vec<u64> =
            read.as_array().expect("a list").iter().map(|x| x.as_f64().expect("a number").to_bits()).collect();
        assert_eq!(read, numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>());
    });
}

/// What once failed, and what is large: all readers, each in time.
#[test]
fn corpus() {
    let mut corpus = sound();
    let repeated = |text: &str, n: usize| text.repeat(n);
    corpus.extend([
        repeated("[", 1_000_000),
        repeated("{\"world\":", 100_000),
        repeated("{\"mixture\":[{\"weight\":1,\"world\":", 40) + "\"coin\"" + &repeated("}]}", 40),
        format!("{{\"seed\":{}}}", repeated("9", 1_000_000)),
        format!("{{\"seed\":0.{}1}}", repeated("0", 1_000_000)),
        format!("{{\"{}\":1}}", repeated("x", 1_000_000)),
        format!("{{\"data\":{{{}\"topics\":1}}}}", (0..50_000).map(|i| format!("\"f{i}\":1,")).collect::<String>()),
        format!("{{\"mixture\":[{}]}}", vec!["{\"weight\":1,\"world\":{\"text\":{\"documents\":[]}}}"; 1000].join(",")),
        format!("{{\"mixture\":[{}]}}", vec!["{\"weight\":1,\"world\":\"coins:n=1000\"}"; 1000].join(",")),
        format!("{{\"tokens\":{:?},\"transitions\":{{}}}}", (0..100_000).map(|i| i.to_string()).collect::<Vec<_>>()),
        format!(
            "{{\"tokens\":[\"a\"],\"transitions\":{{\"a\":{}}}}}",
            "[".to_owned() + &vec!["[1]"; 100_000].join(",") + "]"
        ),
        format!("coins:{}", repeated("n=3,", 100_000)),
        format!("v=1&{}", (0..50_000).map(|i| format!("f{i}=1")).collect::<Vec<_>>().join("&")),
        format!("v=1&world={}", repeated("%25", 300_000)),
        repeated("%25", 100_000) + "3D",
        format!("%{}3D", repeated("25", 300_000)),
        format!("v=1&world=%{}7B", repeated("25", 300_000)),
        format!("seed={}", vec!["0..9999"; 10_000].join(",")),
        format!("seed={}", (0..9000).map(|i| i.to_string()).collect::<Vec<_>>().join(",")),
        (0..20_000).map(|i| format!("f{i}=1")).collect::<Vec<_>>().join(";"),
        repeated("seed=1..2;", 10_000),
        repeated("a;", 100_000),
        repeated("1,", 300_000),
        repeated("\u{200b}", 100_000),
    ]);
    for text in &corpus {
        world(text);
        experiment(text);
        fragment(text);
        grid(text);
        file(text.as_bytes());
        if text.len() < 10_000 {
            entry(text);
        }
    }
}
