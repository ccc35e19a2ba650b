//! The engine in a dedicated worker of a headless browser: CPU against WebGPU, and a whole session on each.
#![cfg(target_arch = "wasm32")]
// Clippy knows the tests of `#[test]` only.
#![allow(clippy::expect_used)]

use burn::tensor::Device;
use icl_playground::{
    engine::{
        device::{self, Candidate, parity_nets, relative_difference},
        session::Session,
        trainer::{Model, Trainer, read},
    },
    experiment::{Architecture, Embedding, Experiment, Mlp, Net, Norm, Observation, Positions},
    net::{
        fused::Composition,
        layout::{Entry, Layout},
    },
    protocol::{DeviceChoice, DeviceKind, DeviceReport, Event},
    world::{
        Rows,
        rng::{Purpose, Stream},
    },
};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

fn small() -> Experiment {
    let mut e = Experiment::default();
    e.data.length = 8;
    e.net.width = 8;
    e.net.heads = 2;
    e.net.kv_heads = 2;
    e.net.blocks = 1;
    e.training.steps = 3;
    e.training.batch = 4;
    e.evaluation.sequences = 8;
    (e.evaluation.every, e.evaluation.most) = (2, 0);
    e
}

async fn run(experiment: &Experiment, choice: DeviceChoice) -> Vec<Event> {
    let mut events = Vec::new();
    let mut emit = |e| events.push(e);
    let mut session = Session::prepare(experiment, choice, &mut emit).await.expect("prepares");
    while !session.finished() {
        session.advance(&mut emit).await.expect("steps");
    }
    session.flush(&mut emit).await.expect("flushes");
    events
}

fn losses(events: &[Event]) -> Vec<f64> {
    let frames =
        events.iter().filter_map(|e| if let Event::Frame(f) = e { Some(f.training_loss.clone()) } else { None });
    frames.flatten().collect()
}

fn report(events: &[Event]) -> DeviceReport {
    events.iter().find_map(|e| if let Event::Device(d) = e { Some(d.clone()) } else { None }).expect("a report")
}

/// Where two gradients of a net differ by more than rounding, entry by entry of the layout.
fn wrong(layout: &Layout, right: &[f32], other: &[f32]) -> Vec<String> {
    // WGSL lets exp, division and square roots be off by several units in the last place, and sums run in another order: some
    // 1e-4 of a parameter's gradient. A wrong kernel is off by all of it. The floor is for gradients that are 0 but for rounding.
    let norm = |values: &mut dyn Iterator<Item = f32>| values.map(|v| f64::from(v * v)).sum::<f64>().sqrt();
    let off = |entry: &Entry| {
        let at = entry.offset..entry.offset + entry.len();
        let (right, other) = (&right[at.clone()], &other[at]);
        let error = norm(&mut right.iter().zip(other).map(|(a, b)| a - b));
        let size = norm(&mut right.iter().copied());
        let bad = error.is_nan() || error > 3e-3 * size + 1e-6 * (entry.len() as f64).sqrt();
        bad.then(|| format!("{}: off by {error:.1e} of {size:.1e}", entry.name))
    };
    layout.entries.iter().filter_map(off).collect()
}

/// The net composed on the CPU against each of `others`: loss, every parameter's gradient, and what is predicted of more sequences than
/// a batch has.
async fn agree(net: &Net, observation: Observation, length: usize, others: &[(&Device, Composition)]) {
    let mut experiment = small();
    experiment.net = net.clone();
    experiment.data.length = length;
    // About as many as are predicted at a time, and where the length is odd as well, cells that fill no tile.
    experiment.training.batch = 31;
    let rows = |sequences| Rows::random(observation, sequences * length, &mut Stream::new(5, Purpose::Timing, 0));
    let (batch, more) = (rows(experiment.training.batch), rows(experiment.training.batch + 2));
    let mut right: Option<(f32, Vec<f32>, [Vec<f32>; 2])> = None;
    for (device, composition) in [&[(&device::cpu(), Composition::Plain)], others].concat() {
        let trainer = Trainer::composed(&experiment, observation, device, composition);
        let (loss, gradient) = trainer.gradient(&batch);
        let (loss, gradient) = (read(loss).await.expect("reads")[0], read(gradient).await.expect("reads"));
        let distributions = trainer.predictions(&more, 4).await.expect("predicts");
        let given = [distributions, trainer.log_likelihoods(&more, 4).await.expect("predicts")];
        let Some((right_loss, right_gradient, right_given)) = &right else {
            right = Some((loss, gradient, given));
            continue;
        };
        let what = format!("{composition:?} {net:?} over {observation:?}");
        assert!((loss - right_loss).abs() < 1e-5 * loss.abs(), "{what}: {loss} {right_loss}");
        let wrong = wrong(&trainer.net().layout, right_gradient, &gradient);
        assert!(wrong.is_empty(), "{what} disagrees with the CPU on {wrong:#?}");
        for (given, right) in given.iter().zip(right_given) {
            assert_eq!(given.len(), right.len(), "{what}");
            let off = relative_difference(given, right);
            assert!(off < 1e-4, "{what} predicts otherwise by {off:.1e}");
        }
    }
    assert_eq!(device::shader_error(), None);
}

#[wasm_bindgen_test]
async fn cpu_and_webgpu_agree_on_the_loss_and_every_gradient() {
    let (gpu, _) = device::gpu(true).await.map_err(|none| none.why).expect("SwiftShader");
    for net in parity_nets() {
        for observation in [Observation::Tokens(5), Observation::Vectors(2)] {
            agree(&net, observation, 6, &[(&gpu, Composition::Plain), (&gpu, Composition::Fused)]).await;
        }
    }
}

#[wasm_bindgen_test]
async fn hand_written_shaders_agree_on_odd_shapes() {
    let (gpu, _) = device::gpu(true).await.map_err(|none| none.why).expect("SwiftShader");
    let net = |change: fn(&mut Net)| {
        let mut net = Net { blocks: 2, context: 40, ..Net::default() };
        change(&mut net);
        net
    };
    let nets = [
        (1, net(|n| (n.width, n.heads, n.kv_heads, n.mlp) = (10, 2, 2, Mlp::None))),
        (13, net(|n| (n.width, n.heads, n.kv_heads, n.mlp_width, n.positions) = (21, 3, 3, 30, Positions::Alibi))),
        (9, net(|n| (n.width, n.kv_heads, n.head_width, n.positions) = (12, 2, 6, Positions::Rotary))),
        (17, net(|n| (n.width, n.kv_heads, n.head_width, n.norm) = (20, 1, 3, Norm::RmsNorm))),
        (37, Net { context: 40, ..Net::small() }),
        (5, net(|n| (n.mlp, n.mlp_width, n.norm_epsilon) = (Mlp::Geglu, 13, 0.1))),
        (5, net(|n| (n.mlp, n.norm, n.norm_epsilon) = (Mlp::Gated, Norm::RmsNorm, 1e-6))),
        // Some sequences to a workgroup, a seat empty; one, with more units than invocations.
        (13, net(|n| (n.architecture, n.width) = (Architecture::Gru, 10))),
        (9, net(|n| (n.architecture, n.width) = (Architecture::Lstm, 70))),
        (1, net(|n| (n.architecture, n.width) = (Architecture::Lstm, 16))),
        (3, net(|n| (n.architecture, n.width, n.blocks) = (Architecture::Gru, 270, 1))),
        // One-hot tokens: as many rows as the first layer's matrix is wide, and one layer alone.
        (13, net(|n| (n.architecture, n.width, n.embedding) = (Architecture::Gru, 12, Embedding::OneHot))),
        (9, net(|n| (n.architecture, n.width, n.blocks, n.embedding) = (Architecture::Lstm, 20, 1, Embedding::OneHot))),
    ];
    for (length, net) in nets {
        for observation in [Observation::Tokens(11), Observation::Vectors(3)] {
            agree(&net, observation, length, &[(&gpu, Composition::Fused)]).await;
        }
    }
}

#[wasm_bindgen_test]
async fn losses_of_200_steps_agree_with_the_composition_on_the_cpu() {
    let (gpu, _) = device::gpu(true).await.map_err(|none| none.why).expect("SwiftShader");
    let (mut experiment, observation) = (small(), Observation::Tokens(5));
    for architecture in [Architecture::Transformer, Architecture::Gru] {
        experiment.net.architecture = architecture;
        agree_for_200_steps(&experiment, observation, &gpu).await;
    }
    // Another Adam, and tokens without an embedding.
    (experiment.training.beta1, experiment.training.beta2, experiment.training.epsilon) = (0.8, 0.999, 1e-4);
    experiment.net.embedding = Embedding::OneHot;
    for architecture in [Architecture::Gru, Architecture::Lstm] {
        experiment.net.architecture = architecture;
        agree_for_200_steps(&experiment, observation, &gpu).await;
    }
    assert_eq!(device::shader_error(), None);
}

async fn agree_for_200_steps(experiment: &Experiment, observation: Observation, gpu: &Device) {
    let mut trainers = [(&device::cpu(), Composition::Plain), (gpu, Composition::Fused)]
        .map(|(device, composition)| Trainer::composed(experiment, observation, device, composition));
    for step in 0..200 {
        let rows = Rows::random(observation, 4 * 8, &mut Stream::new(5, Purpose::Timing, step % 8));
        let mut losses = Vec::new();
        for trainer in &mut trainers {
            losses.push(read(trainer.step(&rows, &[]).await.loss).await.expect("reads")[0]);
        }
        // Rounding, carried on and grown by 200 steps.
        assert!((losses[0] - losses[1]).abs() < 1e-3 * losses[0], "step {step}: {losses:?}");
    }
}

#[wasm_bindgen_test]
async fn a_session_on_the_cpu_repeats_bit_for_bit() {
    let experiment = small();
    let (a, b) = (run(&experiment, DeviceChoice::Cpu).await, run(&experiment, DeviceChoice::Cpu).await);
    assert_eq!(losses(&a).len(), 3);
    assert_eq!(losses(&a), losses(&b));
}

/// All losses of a run that is saved after `stop` steps, dropped, and resumed.
async fn resumed(experiment: &Experiment, choice: DeviceChoice, stop: usize) -> (Vec<f64>, DeviceKind) {
    let mut events = Vec::new();
    let mut session = Session::prepare(experiment, choice, &mut |e| events.push(e)).await.expect("prepares");
    for _ in 0..stop {
        session.advance(&mut |e| events.push(e)).await.expect("steps");
    }
    let bytes = session.checkpoint(&mut |e| events.push(e)).await.expect("saved");
    drop(session);
    let mut after = Vec::new();
    let mut session = Session::resume(experiment, &bytes, choice, &mut |e| after.push(e)).await.expect("resumes");
    assert_eq!(session.steps(), stop);
    while !session.finished() {
        session.advance(&mut |e| after.push(e)).await.expect("steps");
    }
    session.flush(&mut |e| after.push(e)).await.expect("flushes");
    let used = report(&after).used;
    events.extend(after);
    (losses(&events), used)
}

#[wasm_bindgen_test]
async fn a_saved_run_goes_on_to_the_bit() {
    let mut experiment = small();
    experiment.training.steps = 12;
    let whole = losses(&run(&experiment, DeviceChoice::Cpu).await);
    for stop in [0, 5, 12] {
        assert_eq!(resumed(&experiment, DeviceChoice::Cpu, stop).await, (whole.clone(), DeviceKind::Cpu), "{stop}");
    }
    // On a GPU it goes on from the same parameters and moments; nothing is promised of its last bits.
    let (on_gpu, used) = resumed(&experiment, DeviceChoice::Gpu, 5).await;
    assert_eq!((used, on_gpu.len()), (DeviceKind::Gpu, 12));
    assert!(on_gpu.iter().zip(&whole).all(|(a, b)| (a - b).abs() < 1e-3 * b), "{on_gpu:?} {whole:?}");
}

#[wasm_bindgen_test]
async fn a_software_adapter_is_refused_with_a_reason_and_used_on_demand() {
    let experiment = small();
    let left_to_us = run(&experiment, DeviceChoice::Auto).await;
    assert_eq!(report(&left_to_us).used, DeviceKind::Cpu);
    assert!(report(&left_to_us).why.contains("software"), "{}", report(&left_to_us).why);

    let on_gpu = run(&experiment, DeviceChoice::Gpu).await;
    let chosen = report(&on_gpu);
    assert_eq!(chosen.used, DeviceKind::Gpu, "{}", chosen.why);
    assert!(chosen.cpu_ms.is_some_and(|ms| ms > 0.0) && chosen.gpu_ms.is_some_and(|ms| ms > 0.0), "{chosen:?}");
    assert!(chosen.parity.is_some_and(|p| p < 1e-3), "{chosen:?}");
    for (a, b) in losses(&left_to_us).iter().zip(losses(&on_gpu)) {
        assert!((a - b).abs() < 1e-3, "{a} on the CPU, {b} on the GPU");
    }
}

#[wasm_bindgen_test]
async fn a_gpu_takes_a_run_over_from_the_cpu() {
    let mut experiment = small();
    experiment.training.steps = 12;
    let alone = losses(&run(&experiment, DeviceChoice::Cpu).await);
    let (gpu, _) = device::gpu(true).await.map_err(|none| none.why).expect("SwiftShader");
    let mut events = Vec::new();
    let mut emit = |e| events.push(e);
    let mut session = Session::prepare(&experiment, DeviceChoice::Cpu, &mut emit).await.expect("prepares");
    while !session.finished() {
        if session.steps() == 6 {
            session.hand_over(&gpu);
        }
        session.advance(&mut emit).await.expect("steps");
    }
    session.flush(&mut emit).await.expect("flushes");
    let handed = losses(&events);
    assert_eq!((alone.len(), handed.len()), (12, 12));
    assert_eq!(alone[..6], handed[..6]);
    for (a, b) in alone.iter().zip(&handed) {
        assert!((a - b).abs() < 1e-4 * a, "{a} on the CPU alone, {b} handed over");
    }
    assert_eq!(device::shader_error(), None);
}

#[wasm_bindgen_test]
async fn a_gpu_gets_ready_while_the_cpu_trains() {
    let mut experiment = small();
    (experiment.training.steps, experiment.evaluation.every) = (1_000_000, 100_000);
    let (gpu, _) = device::gpu(true).await.map_err(|none| none.why).expect("SwiftShader");
    let mut events = Vec::new();
    let mut emit = |e| events.push(e);
    let mut session = Session::prepare(&experiment, DeviceChoice::Cpu, &mut emit).await.expect("prepares");
    session.challenge(Candidate::new(&experiment, Observation::Tokens(5), gpu));
    let device_reports = |events: &[Event]| events.iter().filter(|e| matches!(e, Event::Device(_))).count();
    let mut events = Vec::new();
    while device_reports(&events) == 0 {
        session.advance(&mut |e| events.push(e)).await.expect("steps");
        // The GPU answers between tasks.
        next_task().await;
    }
    assert!(session.steps() > 10, "the CPU trained on meanwhile: {} steps", session.steps());
    let report = report(&events);
    // On SwiftShader.
    assert_eq!(report.used, DeviceKind::Cpu, "{}", report.why);
    assert!(report.why.starts_with("The CPU is faster: a step takes ") && report.parity.is_some(), "{report:?}");
}

/// Lets the browser do what else there is to do.
async fn next_task() {
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        let scope: web_sys::DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
        let _ = scope.set_timeout_with_callback(&resolve);
    });
    let _ = wasm_bindgen_futures::JsFuture::from(promise).await;
}
