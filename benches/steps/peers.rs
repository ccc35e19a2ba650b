//! Other libraries on the same model and batches: what they are given, and how they are run. Their own part is benches/peers/.

use std::fs;
use std::path::{Path, PathBuf};

use icl_playground::engine::bench::{BenchSize, BenchStep};
use icl_playground::net::network::Network;
use serde_json::{Value, json};

use crate::arguments::Peer;
use crate::support::browser::{Browser, Gpu};
use crate::support::server::Server;

/// A page that may share memory among threads, or may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threads {
    One,
    /// As many as there are cores.
    All,
}

/// What a peer said of a run.
pub struct Outcome {
    /// Milliseconds of each step, the first included.
    pub times: Vec<f64>,
    pub losses: Vec<f64>,
    pub threads: u64,
    pub why: Option<String>,
}

/// Whether the peers have this size's model: S1 to S4 are one model, the published runs are others.
pub fn have(size: BenchSize) -> bool {
    matches!(size, BenchSize::S1 | BenchSize::S2 | BenchSize::S3 | BenchSize::S4)
}

/// All that a peer must know to take the same `steps` steps and one before them: shapes, start, batches, learning rates.
pub fn run_settings(step: &BenchStep, steps: usize) -> Value {
    let experiment = &step.experiment;
    let (net, training) = (&experiment.net, &experiment.training);
    let layout = Network::new(net, step.observation()).layout;
    let entries = layout.entries.iter().map(
        |entry| json!({ "name": entry.name, "shape": entry.shape, "offset": entry.offset, "decays": entry.decays() }),
    );
    json!({
        "batch": training.batch,
        "length": experiment.data.length,
        "width": net.width,
        "heads": net.heads,
        "blocks": net.blocks,
        "vocabulary": step.vocabulary,
        "entries": entries.collect::<Vec<_>>(),
        "initial": layout.initial(experiment.seed),
        "tokens": (0..=steps).map(|index| step.batch(index)).collect::<Vec<_>>(),
        "learning_rates": (0..=steps).map(|index| training.learning_rate_at(index)).collect::<Vec<_>>(),
        "weight_decay": training.weight_decay,
        "clip": training.clip,
        "betas": [training.beta1, training.beta2],
        "epsilon": training.epsilon,
    })
}

/// Writes what a peer must know to `folder`/NAME.json.
pub fn export(folder: &Path, size: BenchSize, steps: usize) -> PathBuf {
    let path = folder.join(format!("{}.json", size.name()));
    fs::create_dir_all(folder).expect("a folder that can be made");
    fs::write(&path, run_settings(&size.step(), steps).to_string()).expect("a file that can be written");
    path
}

/// In a fresh browser and worker, as our own steps are.
pub fn run(peer: Peer, gpu: Gpu, threads: Threads, run_settings: &Value) -> Outcome {
    let device = if gpu == Gpu::SwiftShader { "webgpu" } else { "wasm" };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/build");
    let extra = [("page.html", include_str!("page.html")), ("run.json", &run_settings.to_string())];
    let server = Server::serve(root, &extra, threads == Threads::All);
    let browser = Browser::start(gpu);
    browser.open(&server.url("page.html"));
    let outcome = browser.script(include_str!("peer.js"), &[json!(peer.name()), json!(device)]);
    let numbers = |what: &str| outcome[what].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
    Outcome {
        times: numbers("times"),
        losses: numbers("losses"),
        threads: outcome["threads"].as_u64().unwrap_or(1),
        why: outcome["why"].as_str().map(str::to_owned),
    }
}
