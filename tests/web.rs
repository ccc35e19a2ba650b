//! The engine in a dedicated worker of a headless browser: CPU against WebGPU, and a whole session on each.
#![cfg(target_arch = "wasm32")]
// Clippy knows the tests of `#[test]` only.
#![allow(clippy::expect_used)]

use icl_playground::{
    engine::{
        device::{self, parity_nets},
        session::Session,
        trainer::{Trainer, read},
    },
    experiment::{Experiment, Observation},
    protocol::{DeviceChoice, DeviceKind, DeviceReport, Event},
    world::{
        Rows,
        rng::{Purpose, Stream},
    },
};
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
    e.evaluation.every = 2;
    e
}

async fn run(experiment: &Experiment, wish: DeviceChoice) -> Vec<Event> {
    let mut events = Vec::new();
    let mut emit = |e| events.push(e);
    let mut session = Session::prepare(experiment, wish, &mut emit).await.expect("prepares");
    while !session.finished() {
        session.advance(&mut emit).await.expect("steps");
    }
    session.settle(&mut emit).await.expect("settles");
    events
}

fn losses(events: &[Event]) -> Vec<f64> {
    let frames =
        events.iter().filter_map(|e| if let Event::Frame(f) = e { Some(f.training_loss.clone()) } else { None });
    frames.flatten().collect()
}

fn report(events: &[Event]) -> DeviceReport {
    events.iter().find_map(|e| if let Event::Device(d) = e { Some(d.clone()) } else { None }).expect("told")
}

/// Loss and every parameter's gradient, entry by entry of the layout.
#[wasm_bindgen_test]
async fn cpu_and_webgpu_agree_on_the_loss_and_every_gradient() {
    let (gpu, _) = device::gpu(true).await.map_err(|none| none.why).expect("SwiftShader");
    let both = [Observation::Tokens(5), Observation::Vectors(2)];
    for (net, observation) in parity_nets().into_iter().flat_map(|net| both.map(|o| (net.clone(), o))) {
        let mut experiment = small();
        experiment.net = net;
        experiment.data.length = 6;
        let rows = Rows::random(observation, 3 * 6, &mut Stream::new(5, Purpose::Timing, 0));
        let mut results = Vec::new();
        for device in [&device::cpu(), &gpu] {
            let trainer = Trainer::new(&experiment, observation, device);
            let (loss, gradient) = trainer.gradient(&rows);
            let layout = trainer.net().layout.clone();
            results.push((read(loss).await.expect("reads")[0], read(gradient).await.expect("reads"), layout));
        }
        let ((loss, gradient, layout), (gpu_loss, gpu_gradient, _)) = (&results[0], &results[1]);
        assert!((loss - gpu_loss).abs() < 1e-5 * loss.abs(), "{loss} {gpu_loss}");
        // WGSL lets exp, division and square roots be off by several units in the last place, and sums run in another order: some
        // 1e-4 of a parameter's gradient. A wrong kernel is off by all of it. The floor is for gradients that are 0 but for rounding.
        let norm = |values: &mut dyn Iterator<Item = f32>| values.map(|v| f64::from(v * v)).sum::<f64>().sqrt();
        let mut wrong = Vec::new();
        for entry in &layout.entries {
            let at = entry.offset..entry.offset + entry.len();
            let (cpu, gpu) = (&gradient[at.clone()], &gpu_gradient[at]);
            let error = norm(&mut cpu.iter().zip(gpu).map(|(a, b)| a - b));
            let size = norm(&mut cpu.iter().copied());
            if error.is_nan() || error > 3e-3 * size + 1e-6 * (entry.len() as f64).sqrt() {
                wrong.push(format!("{} of {observation:?}: off by {error:.1e} of {size:.1e}", entry.name));
            }
        }
        assert!(wrong.is_empty(), "CPU and GPU disagree on {wrong:#?}");
    }
    assert_eq!(device::shader_error(), None);
}

#[wasm_bindgen_test]
async fn a_session_on_the_cpu_repeats_bit_for_bit() {
    let experiment = small();
    let (a, b) = (run(&experiment, DeviceChoice::Cpu).await, run(&experiment, DeviceChoice::Cpu).await);
    assert_eq!(losses(&a).len(), 3);
    assert_eq!(losses(&a), losses(&b));
}

#[wasm_bindgen_test]
async fn a_software_adapter_is_refused_with_a_reason_and_used_on_demand() {
    let experiment = small();
    let left_to_us = run(&experiment, DeviceChoice::Auto).await;
    assert_eq!(report(&left_to_us).used, DeviceKind::Cpu);
    assert!(report(&left_to_us).why.contains("software"), "{}", report(&left_to_us).why);

    let on_gpu = run(&experiment, DeviceChoice::Gpu).await;
    let told = report(&on_gpu);
    assert_eq!(told.used, DeviceKind::Gpu, "{}", told.why);
    assert!(told.cpu_ms.is_some_and(|ms| ms > 0.0) && told.gpu_ms.is_some_and(|ms| ms > 0.0), "{told:?}");
    assert!(told.parity.is_some_and(|p| p < 1e-3), "{told:?}");
    for (a, b) in losses(&left_to_us).iter().zip(losses(&on_gpu)) {
        assert!((a - b).abs() < 1e-3, "{a} on the CPU, {b} on the GPU");
    }
}
