//! Time per step on the CPU, natively and in wasm, against T, width and batch, each from S2.

use icl_playground::engine::bench::{BenchStep, bench};
use icl_playground::protocol::DeviceChoice;
use serde::Serialize;

use crate::arguments::Place;
use crate::figures::{gflops, repeats};
use crate::in_worker;
use crate::support::browser::Gpu;

/// S2 with one setting changed.
#[derive(Clone, Debug, Serialize)]
pub struct Point {
    /// "T", "width" or "batch".
    pub axis: &'static str,
    pub value: usize,
    /// Of a step (see `BenchStep::operations`).
    pub operations: f64,
    pub native_ms: Option<f64>,
    pub wasm_ms: Option<f64>,
}

impl Point {
    fn new(axis: &'static str, value: usize) -> (Self, BenchStep) {
        let step = match axis {
            "T" => BenchStep::classic(32, value, 64, 4),
            "width" => BenchStep::classic(32, 64, value, 4),
            _ => BenchStep::classic(value, 64, 64, 4),
        };
        (Self { axis, value, operations: step.operations(), native_ms: None, wasm_ms: None }, step)
    }

    pub fn native_gflops(&self) -> Option<f64> {
        self.native_ms.map(|ms| gflops(self.operations, ms))
    }

    pub fn wasm_gflops(&self) -> Option<f64> {
        self.wasm_ms.map(|ms| gflops(self.operations, ms))
    }
}

/// Every axis through S2.
fn points() -> Vec<(Point, BenchStep)> {
    let axes: [(&str, &[usize]); 3] = [
        ("T", &[16, 32, 64, 128, 256, 512]),
        ("width", &[16, 32, 64, 128, 256]),
        ("batch", &[1, 4, 8, 16, 32, 64, 128]),
    ];
    axes.into_iter().flat_map(|(axis, values)| values.iter().map(move |value| Point::new(axis, *value))).collect()
}

pub fn measure(places: &[Place]) -> Vec<Point> {
    let mut points = points();
    // A slow guess: at least as long as that is every point measured.
    let often = |step: &BenchStep| repeats(step.operations(), 8.0, 1000.0);
    if places.contains(&Place::Native) {
        eprintln!("curves: native CPU");
        for (point, step) in &mut points {
            let report = pollster::block_on(bench(&step.work(0), DeviceChoice::Cpu, often(step)));
            point.native_ms = report.ok().map(|report| report.median_ms);
        }
    }
    if places.contains(&Place::Wasm) {
        eprintln!("curves: wasm CPU");
        let work: Vec<_> = points.iter().map(|(_, step)| (step.work(0), often(step))).collect();
        match in_worker(Gpu::None, DeviceChoice::Cpu, work) {
            Ok(answers) => {
                for ((point, _), answer) in points.iter_mut().zip(answers) {
                    point.wasm_ms = Some(answer.report.median_ms);
                }
            }
            Err(why) => eprintln!("curves: {why}"),
        }
    }
    points.into_iter().map(|(point, _)| point).collect()
}
