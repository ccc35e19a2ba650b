//! `cargo xtask bench`: milliseconds of a training step at fixed sizes, on CPU wasm and WebGPU in headless Chromium and
//! on the native CPU, beside the peak of a matrix product on the same core and beside other libraries; what a step asks of WebGPU; time
//! against T, width and batch; where the time of a step goes; what watching a run costs; and what a visitor downloads. Tables, or JSON with `--json`.

#![allow(clippy::expect_used, clippy::panic, reason = "a measurement that cannot go on stops, with a sentence")]
#![allow(dead_code, reason = "the end-to-end tests use more of the browser")]

mod arguments;
mod curves;
mod figures;
mod peers;
#[path = "../../tests/e2e/mod.rs"]
mod support;
mod table;

use std::path::Path;
use std::{env, fs, process, thread};

use arguments::{Arguments, Part, Peer, Place};
use figures::{gflops, loss_gap, median, product_operations};
use icl_playground::engine::{
    bench::{BenchSize, BenchStep, bench},
    profile,
    session::Session,
};
use icl_playground::experiment::Preset;
use icl_playground::probe::TabKind;
use icl_playground::protocol::{
    BenchReport, BenchWork, Command, DeviceChoice, Event, FromEngine, NO_RUN, Phase, ToEngine, wire,
};
use peers::Threads;
use serde::Serialize;
use serde_json::{Value, json};
use support::browser::{Browser, Gpu};
use support::server::{Server, dist};

/// The matrix product that the peak is taken from, and how often.
const PRODUCT: BenchWork = BenchWork::Product { rows: PRODUCT_ROWS };
const PRODUCT_ROWS: usize = 512;
const PRODUCTS: usize = 15;

/// One size on one device, by the engine or by a peer.
#[derive(Clone, Debug, Default, Serialize)]
struct Row {
    size: &'static str,
    /// For example "native CPU", "wasm CPU", "WebGPU (SwiftShader)" or "jax-js wasm".
    device: String,
    /// Median milliseconds per step; `None` where it could not be measured.
    step_ms: Option<f64>,
    /// The quickest of the timed steps.
    fastest_ms: Option<f64>,
    /// The first step, compilation included.
    first_step_ms: Option<f64>,
    timed_steps: usize,
    /// Arithmetic of the step by its time (see `BenchStep::operations`).
    gflops: Option<f64>,
    /// The same of a matrix product, where it was measured in the same process or worker.
    peak_gflops: Option<f64>,
    /// Of a peer: its time by that of the engine on the same kind of device.
    times_ours: Option<f64>,
    /// Of the first step and of the last.
    losses: Option<(f64, f64)>,
    /// Of a peer: largest relative difference between its losses and the engine's.
    loss_gap: Option<f64>,
    /// Per step.
    dispatches: Option<f64>,
    submits: Option<f64>,
    /// Why there are no numbers.
    why: Option<String>,
}

/// What evaluations and probes cost while a preset runs natively, as shares of training's own time.
#[derive(Serialize)]
struct Share {
    preset: &'static str,
    /// The open tab.
    tab: &'static str,
    steps: usize,
    /// Drawing the training batches, which is a part of training.
    batches: f64,
    evaluation: f64,
    probes: f64,
    /// Recorded steps that the tab had not looked at when training was done, as a share of all.
    behind: f64,
}

/// Where the time of a fused step goes on the native CPU.
#[derive(Serialize)]
struct Profile {
    size: &'static str,
    parts: Vec<profile::Share>,
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
    let asked = Arguments::read(env::args().skip(1)).unwrap_or_else(|why| {
        eprintln!("{why}");
        process::exit(2)
    });
    if let Some(folder) = &asked.export {
        for size in asked.sizes().into_iter().filter(|size| peers::have(*size)) {
            println!("{}", peers::export(folder, size, timed_steps(size)).display());
        }
        return;
    }
    let rows: Vec<Row> = asked.sizes().into_iter().flat_map(|size| rows(size, &asked)).collect();
    let curves = if asked.parts.contains(&Part::Curves) { curves::measure(&asked.places) } else { Vec::new() };
    let profiles = if asked.parts.contains(&Part::Profile) { profiles() } else { Vec::new() };
    let shares = if asked.parts.contains(&Part::Shares) { shares() } else { Vec::new() };
    let weights = if asked.parts.contains(&Part::Weights) { weights() } else { Vec::new() };
    let cores = thread::available_parallelism().map_or(0, usize::from);
    if asked.json {
        let everything = json!({ "cores": cores, "steps": rows, "curves": curves, "profiles": profiles, "shares": shares, "sizes": weights });
        println!("{}", serde_json::to_string_pretty(&everything).expect("plain data"));
    } else {
        table::print(cores, &rows, &curves, &profiles, &shares, &weights);
    }
}

/// Enough for a median, in seconds rather than minutes.
fn timed_steps(size: BenchSize) -> usize {
    match size {
        BenchSize::S1 => 100,
        BenchSize::S2 => 30,
        BenchSize::S3 | BenchSize::S4 => 10,
        BenchSize::Small | BenchSize::Gru => 5,
    }
}

/// On a CPU that pretends to be a GPU, steps take seconds.
fn timed_gpu_steps(size: BenchSize) -> usize {
    if size == BenchSize::S1 { 5 } else { 2 }
}

/// A size everywhere that was asked for, one after the other.
fn rows(size: BenchSize, asked: &Arguments) -> Vec<Row> {
    let (step, steps) = (size.step(), timed_steps(size));
    let mut rows = Vec::new();
    if asked.places.contains(&Place::Native) {
        rows.extend([0].into_iter().chain(shared()).map(|cores| native(size, &step, steps, cores).0));
    }
    let gpu_steps = asked.places.contains(&Place::WebGpu).then(|| timed_gpu_steps(size));
    let cpu_steps = asked.places.contains(&Place::Wasm).then_some(steps);
    for (gpu, steps) in [(Gpu::None, cpu_steps), (Gpu::SwiftShader, gpu_steps)] {
        let Some(steps) = steps else { continue };
        let (ours, losses) = browser(size, &step, gpu, steps, 0);
        let ours_ms = ours.step_ms;
        rows.push(ours);
        rows.extend(shared().filter(|_| gpu == Gpu::None).map(|cores| browser(size, &step, gpu, steps, cores).0));
        for &peer in asked.against.iter().filter(|_| peers::have(size)) {
            let threads: &[Threads] = if gpu == Gpu::None { &[Threads::One, Threads::All] } else { &[Threads::One] };
            rows.extend(threads.iter().map(|&threads| against(peer, size, gpu, threads, steps, ours_ms, &losses)));
        }
    }
    rows
}

/// Of the sizes that are fused.
fn profiles() -> Vec<Profile> {
    let profile = |size: BenchSize| {
        eprintln!("{}: profile", size.name());
        let step = size.step();
        let parts = pollster::block_on(profile::profile(&step.experiment, step.observation(), timed_steps(size)))?;
        Some(Profile { size: size.name(), parts })
    };
    BenchSize::ALL.into_iter().filter_map(profile).collect()
}

/// All cores of this machine, where there are several.
fn shared() -> Option<usize> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    (cores > 1).then_some(cores)
}

fn on(device: &str, cores: usize) -> String {
    if cores == 0 { device.to_owned() } else { format!("{device}, {cores} cores") }
}

/// The row, and the losses behind it. `cores`: as for `BenchStep::work`.
fn native(size: BenchSize, step: &BenchStep, steps: usize, cores: usize) -> (Row, Vec<f64>) {
    let device = on("native CPU", cores);
    eprintln!("{}: {device}", size.name());
    let time = |work: &BenchWork, repeats| pollster::block_on(bench(work, DeviceChoice::Cpu, repeats));
    let empty = Row { size: size.name(), device, timed_steps: steps, ..Row::default() };
    match (time(&step.work(cores), steps), time(&PRODUCT, PRODUCTS)) {
        (Ok(report), Ok(product)) => {
            let row = empty.measured(step, &report).beside(&product);
            (row, report.losses)
        }
        (Err(error), _) | (_, Err(error)) => (Row { why: Some(error.to_string()), ..empty }, Vec::new()),
    }
}

/// A fresh browser and worker: one step, then `steps` timed, then on a GPU one step fewer, on the CPU the matrix product. The first shows
/// the first step's latency, the difference between the last two what one step asks of WebGPU.
fn browser(size: BenchSize, step: &BenchStep, gpu: Gpu, steps: usize, cores: usize) -> (Row, Vec<f64>) {
    let (device, label) = match gpu {
        Gpu::None => (DeviceChoice::Cpu, "wasm CPU"),
        Gpu::SwiftShader => (DeviceChoice::Gpu, "WebGPU (SwiftShader)"),
    };
    let label = on(label, cores);
    eprintln!("{}: {label}", size.name());
    let last = if gpu == Gpu::None { (PRODUCT, PRODUCTS) } else { (step.work(cores), steps - 1) };
    let empty = Row { size: size.name(), device: label, timed_steps: steps, ..Row::default() };
    let answers = match in_worker(gpu, device, [(step.work(cores), 1), (step.work(cores), steps), last]) {
        Ok(answers) => answers,
        Err(why) => return (Row { why: Some(why), ..empty }, Vec::new()),
    };
    let [once, timed, last] = answers.as_slice() else { panic!("three answers, not {}", answers.len()) };
    let row = Row { first_step_ms: Some(once.report.first_ms), ..empty.measured(step, &timed.report) };
    let row = match gpu {
        Gpu::None => row.beside(&last.report),
        Gpu::SwiftShader => Row {
            dispatches: Some(timed.dispatches - last.dispatches),
            submits: Some(timed.submits - last.submits),
            ..row
        },
    };
    (row, timed.report.losses.clone())
}

/// What the engine's worker answered, and what it asked of WebGPU meanwhile.
struct Answer {
    report: BenchReport,
    dispatches: f64,
    submits: f64,
}

/// Each piece of work with its repeats, one after the other, in one fresh browser and worker.
fn in_worker(
    gpu: Gpu,
    device: DeviceChoice,
    work: impl IntoIterator<Item = (BenchWork, usize)>,
) -> Result<Vec<Answer>, String> {
    let command = |(work, repeats)| Command::Bench { work, device, repeats };
    let bytes = |command| wire::encode(&ToEngine { run: NO_RUN, command });
    let commands: Vec<Vec<u8>> = work.into_iter().map(command).map(bytes).collect();
    let server =
        Server::start(&[("bench.html", include_str!("page.html")), ("bench-worker.js", include_str!("worker.js"))]);
    let browser = Browser::start(gpu);
    browser.open(&server.url("bench.html"));
    let outcome = browser.script(include_str!("drive.js"), &[json!(commands), begins()]);
    if let Some(why) = outcome["why"].as_str() {
        return Err(why.to_owned());
    }
    if let Some(Event::Phase(Phase::Failed { why, .. })) = event(&outcome["failed"]) {
        return Err(why);
    }
    let answer = |report: &Value| match event(&report["bytes"]) {
        Some(Event::Bench(timed)) => Ok(Answer {
            report: timed,
            dispatches: report["dispatches"].as_f64().unwrap_or_default(),
            submits: report["submits"].as_f64().unwrap_or_default(),
        }),
        _ => Err(format!("The engine answered {report}.")),
    };
    outcome["reports"].as_array().into_iter().flatten().map(answer).collect()
}

/// How messages of the engine begin, for the script that has no reader for them.
fn begins() -> Value {
    let first = |event, count| wire::encode(&FromEngine { run: NO_RUN, event })[..count].to_vec();
    // Version in four bytes, run, kind of event; a phase has its own kind.
    json!({
        "ready": first(Event::Ready, 6),
        "failed": first(Event::Phase(Phase::Failed { why: String::new(), next: String::new() }), 7),
        "bench": first(Event::Bench(BenchReport::default()), 6),
    })
}

/// A message of the engine, out of its bytes as JSON.
fn event(bytes: &Value) -> Option<Event> {
    let bytes: Vec<u8> = serde_json::from_value(bytes.clone()).ok()?;
    Some(wire::decode::<FromEngine>(&bytes).ok()?.event)
}

/// A peer on the same start and batches.
fn against(
    peer: Peer,
    size: BenchSize,
    gpu: Gpu,
    threads: Threads,
    steps: usize,
    ours_ms: Option<f64>,
    ours: &[f64],
) -> Row {
    let step = size.step();
    let place = if gpu == Gpu::None { "wasm" } else { "WebGPU" };
    eprintln!("{}: {} {place}", size.name(), peer.name());
    let outcome = peers::run(peer, gpu, threads, &peers::run_settings(&step, steps));
    let count = if outcome.threads > 1 { format!(", {} threads", outcome.threads) } else { String::new() };
    let (first, rest) = outcome.times.split_first().map_or((None, &[][..]), |(first, rest)| (Some(*first), rest));
    let step_ms = median(rest);
    Row {
        size: size.name(),
        device: format!("{} {place}{count}", peer.name()),
        step_ms,
        fastest_ms: rest.iter().copied().reduce(f64::min),
        first_step_ms: first,
        timed_steps: rest.len(),
        gflops: step_ms.map(|ms| gflops(step.operations(), ms)),
        times_ours: step_ms.zip(ours_ms).map(|(theirs, ours)| theirs / ours),
        losses: ends(&outcome.losses),
        loss_gap: loss_gap(ours, &outcome.losses),
        why: outcome.why,
        ..Row::default()
    }
}

fn ends(losses: &[f64]) -> Option<(f64, f64)> {
    losses.first().copied().zip(losses.last().copied())
}

impl Row {
    fn measured(self, step: &BenchStep, report: &BenchReport) -> Self {
        Self {
            step_ms: Some(report.median_ms),
            fastest_ms: Some(report.fastest_ms),
            first_step_ms: Some(report.first_ms),
            gflops: Some(gflops(step.operations(), report.median_ms)),
            losses: ends(&report.losses),
            ..self
        }
    }

    /// With the peak that `product` shows.
    fn beside(self, product: &BenchReport) -> Self {
        Self { peak_gflops: Some(gflops(product_operations(PRODUCT_ROWS), product.median_ms)), ..self }
    }
}

fn shares() -> Vec<Share> {
    [
        ("dursley-wonka", TabKind::ALL.to_vec()),
        ("mess3", vec![TabKind::Beliefs]),
        ("retrieval-inference", vec![TabKind::Algorithm]),
    ]
    .into_iter()
    .flat_map(|(preset, tabs)| tabs.into_iter().map(move |tab| share(preset, tab)))
    .collect()
}

/// A preset's whole run on the native CPU, a tab open, driven as the worker drives it.
fn share(preset: &'static str, tab: TabKind) -> Share {
    eprintln!("{preset}, {} open", tab.name());
    let experiment = Preset::named(preset).expect("a preset").experiment();
    let quiet = &mut |_: Event| {};
    pollster::block_on(async {
        let mut session = Session::prepare(&experiment, DeviceChoice::Cpu, quiet).await.expect("prepared");
        session.ask_probes(icl_playground::probe::ProbeRequest::Open(Some(tab)), quiet);
        let mut looks = 0.0;
        while !session.trained() {
            session.advance(quiet).await.expect("a step");
            if session.can_probe() && session.probe(quiet).await.expect("a measurement") {
                looks += 1.0;
            }
        }
        let [batches, evaluation, probes] = session.shares();
        let mut left = 0.0;
        while session.probe(quiet).await.expect("a measurement") {
            left += 1.0;
        }
        let behind = left / f64::max(looks + left, 1.0);
        Share { preset, tab: tab.name(), steps: experiment.steps(), batches, evaluation, probes, behind }
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
