//! `cargo xtask bench`: milliseconds of a training step at fixed sizes, on CPU wasm and WebGPU in headless Chromium and
//! on the native CPU; what a step asks of WebGPU; what watching a run costs; and what a visitor downloads. A table, or JSON with `--json`.

#![allow(clippy::expect_used, clippy::panic, reason = "a measurement that cannot go on stops, with a sentence")]
#![allow(dead_code, reason = "the end-to-end tests use more of the browser")]

#[path = "../tests/e2e/mod.rs"]
mod support;

use std::path::Path;
use std::{env, fs};

use icl_playground::engine::{bench::bench, session::Session};
use icl_playground::experiment::Preset;
use icl_playground::probe::TabKind;
use icl_playground::protocol::{BenchSize, Command, DeviceChoice, Event};
use serde::Serialize;
use serde_json::json;
use support::browser::{Browser, Gpu};
use support::server::{Server, dist};

const SIZES: [(BenchSize, &str); 3] = [(BenchSize::S1, "S1"), (BenchSize::S2, "S2"), (BenchSize::S3, "S3")];

/// One size on one device.
#[derive(Serialize)]
struct Row {
    size: &'static str,
    /// "native CPU", "wasm CPU" or "WebGPU (SwiftShader)".
    device: &'static str,
    /// Median milliseconds per step; `None` where it could not be measured.
    step_ms: Option<f64>,
    /// The first step, shader compilation included.
    first_step_ms: Option<f64>,
    timed_steps: usize,
    /// Per step.
    dispatches: Option<f64>,
    submits: Option<f64>,
    /// Why there are no numbers.
    why: Option<String>,
}

/// What evaluations and the learning lab cost while a preset runs natively, as shares of training's own time.
#[derive(Serialize)]
struct Share {
    preset: &'static str,
    /// The open tab.
    tab: &'static str,
    steps: usize,
    evaluation: f64,
    probes: f64,
    /// Recorded steps that the tab had not looked at when training was done, as a share of all.
    behind: f64,
}

/// A file of the site, in bytes.
#[derive(Serialize)]
struct Weight {
    file: String,
    raw: usize,
    gzip: usize,
    brotli: usize,
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let only = arguments.iter().find_map(|argument| argument.strip_prefix("--only="));
    let mut rows = Vec::new();
    for (size, name) in SIZES.into_iter().filter(|(_, name)| only.is_none_or(|only| only == *name)) {
        let steps = timed_steps(size);
        eprintln!("{name}: native CPU");
        rows.push(native(size, name, steps));
        eprintln!("{name}: wasm CPU");
        rows.push(browser(size, name, Gpu::None, steps));
        eprintln!("{name}: WebGPU on SwiftShader");
        rows.push(browser(size, name, Gpu::SwiftShader, if size == BenchSize::S1 { 5 } else { 2 }));
    }
    let shares: Vec<Share> = match only {
        None | Some("shares") => [
            ("dursley-wonka", TabKind::ALL.to_vec()),
            ("mess3", vec![TabKind::Beliefs]),
            ("retrieval-inference", vec![TabKind::Algorithm]),
        ]
        .into_iter()
        .flat_map(|(preset, tabs)| tabs.into_iter().map(move |tab| share(preset, tab)))
        .collect(),
        Some(_) => Vec::new(),
    };
    let weights = weights();
    if arguments.iter().any(|argument| argument == "--json") {
        let text = serde_json::to_string_pretty(&json!({ "steps": rows, "shares": shares, "sizes": weights }));
        println!("{}", text.expect("plain data"));
    } else {
        print_table(&rows, &shares, &weights);
    }
}

/// Enough for a median, in seconds rather than minutes.
fn timed_steps(size: BenchSize) -> usize {
    match size {
        BenchSize::S1 => 100,
        BenchSize::S2 => 30,
        BenchSize::S3 => 10,
    }
}

fn native(size: BenchSize, name: &'static str, steps: usize) -> Row {
    let outcome = pollster::block_on(bench(size, DeviceChoice::Cpu, steps));
    let empty = Row::empty(name, "native CPU", steps);
    match outcome {
        Ok(report) => Row { step_ms: Some(report.step_ms), first_step_ms: Some(report.first_step_ms), ..empty },
        Err(error) => Row { why: Some(error.to_string()), ..empty },
    }
}

/// A fresh browser and worker: one step, then `steps` timed, then one step fewer. The first shows the first step's
/// latency, the difference between the last two what one step asks of WebGPU.
fn browser(size: BenchSize, name: &'static str, gpu: Gpu, steps: usize) -> Row {
    let (device, label) = match gpu {
        Gpu::None => (DeviceChoice::Cpu, "wasm CPU"),
        Gpu::SwiftShader => (DeviceChoice::Gpu, "WebGPU (SwiftShader)"),
    };
    let counts = if gpu == Gpu::SwiftShader { vec![1, steps, steps - 1] } else { vec![1, steps] };
    let commands: Vec<_> = counts.into_iter().map(|steps| Command::Bench { size, device, steps }).collect();
    let server =
        Server::start(&[("bench.html", include_str!("page.html")), ("bench-worker.js", include_str!("worker.js"))]);
    let browser = Browser::start(gpu);
    browser.open(&server.url("bench.html"));
    let outcome = browser.script(include_str!("drive.js"), &[json!(commands)]);
    let empty = Row::empty(name, label, steps);
    if let Some(why) = outcome["why"].as_str() {
        return Row { why: Some(why.to_owned()), ..empty };
    }
    let reports = &outcome["reports"];
    let per_step = |what: &str| {
        let of = |run: usize| -> Option<f64> { reports[run][what].as_f64() };
        (gpu == Gpu::SwiftShader).then(|| Some(of(1)? - of(2)?)).flatten()
    };
    Row {
        step_ms: reports[1]["step_ms"].as_f64(),
        first_step_ms: reports[0]["first_step_ms"].as_f64(),
        dispatches: per_step("dispatches"),
        submits: per_step("submits"),
        ..empty
    }
}

impl Row {
    fn empty(size: &'static str, device: &'static str, timed_steps: usize) -> Self {
        Self {
            size,
            device,
            step_ms: None,
            first_step_ms: None,
            timed_steps,
            dispatches: None,
            submits: None,
            why: None,
        }
    }
}

/// A preset's whole run on the native CPU, a tab open, driven as the worker drives it.
fn share(preset: &'static str, tab: TabKind) -> Share {
    eprintln!("{preset}, {} open", tab.name());
    let experiment = Preset::named(preset).expect("a preset").experiment();
    let quiet = &mut |_: Event| {};
    pollster::block_on(async {
        let mut session = Session::prepare(&experiment, DeviceChoice::Cpu, quiet).await.expect("prepared");
        session.open_inside(Some(tab));
        let mut looks = 0.0;
        while !session.trained() {
            session.advance(quiet).await.expect("a step");
            if session.can_look_inside() && session.look_inside(quiet).await.expect("a look") {
                looks += 1.0;
            }
        }
        let (evaluation, probes) = session.shares();
        let mut left = 0.0;
        while session.look_inside(quiet).await.expect("a look") {
            left += 1.0;
        }
        let behind = left / f64::max(looks + left, 1.0);
        Share { preset, tab: tab.name(), steps: experiment.steps(), evaluation, probes, behind }
    })
}

/// What the site's root holds: all that is downloaded, but for snippets if there are any.
fn weights() -> Vec<Weight> {
    let entries = fs::read_dir(dist()).expect("the built site").flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    files.iter().map(|path| weight(name(path), &fs::read(path).expect("a file of the site"))).collect()
}

fn weight(file: String, bytes: &[u8]) -> Weight {
    let gzip = miniz_oxide::deflate::compress_to_vec(bytes, 6).len() + 18;
    let mut packed = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 24, ..Default::default() };
    brotli::BrotliCompress(&mut &bytes[..], &mut packed, &parameters).expect("memory takes everything");
    Weight { file, raw: bytes.len(), gzip, brotli: packed.len() }
}

fn print_table(rows: &[Row], shares: &[Share], weights: &[Weight]) {
    let number = |value: Option<f64>, digits: usize| value.map_or("-".to_owned(), |value| format!("{value:.digits$}"));
    println!(
        "\n{:<5}{:<22}{:>12}{:>16}{:>12}{:>9}",
        "size", "device", "ms/step", "first step, ms", "dispatches", "submits"
    );
    for row in rows {
        let (step, first) = (number(row.step_ms, 1), number(row.first_step_ms, 0));
        let (dispatches, submits) = (number(row.dispatches, 0), number(row.submits, 0));
        print!("{:<5}{:<22}{step:>12}{first:>16}{dispatches:>12}{submits:>9}", row.size, row.device);
        println!("  {}", row.why.as_deref().unwrap_or_default());
    }
    if !shares.is_empty() {
        println!(
            "\n{:<24}{:<14}{:>8}{:>14}{:>10}{:>10}",
            "preset", "open tab", "steps", "evaluation, %", "probes, %", "behind, %"
        );
    }
    for Share { preset, tab, steps, evaluation, probes, behind } in shares {
        let [evaluation, probes, behind] = [evaluation, probes, behind].map(|share| format!("{:.1}", 100.0 * share));
        println!("{preset:<24}{tab:<14}{steps:>8}{evaluation:>14}{probes:>10}{behind:>10}");
    }
    println!("\n{:<28}{:>12}{:>12}{:>12}", "file", "bytes", "gzip", "brotli");
    for Weight { file, raw, gzip, brotli } in weights {
        println!("{file:<28}{raw:>12}{gzip:>12}{brotli:>12}");
    }
}
