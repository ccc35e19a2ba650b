//! AdamW with clipping over flat parameters, as three dispatches.

use super::{
    program::{Buffer, Contents, Program, WORKGROUP, whole},
    template::Value::{Number, Size},
};
use crate::{experiment::Training, net::layout::Layout};

/// From parameters, gradient, moments and [`adamw_params`] to the next parameters and moments.
pub fn adamw(layout: &Layout, training: &Training) -> Program {
    use Buffer::{AdamWParams, First, Flat, Gradient, Next, Second};
    let mut program = Program::default();
    let workers = layout.len.min(1 << 14).next_multiple_of(WORKGROUP);
    let mask = layout.decay_mask().into_iter().map(f32::to_bits).collect();
    let decays = program.own(Contents::Words(mask));
    let (squares, norm) = (program.zeros(workers), program.zeros(1));
    let sizes = [("LEN", Size(layout.len)), ("WORKERS", Size(workers))];
    let bindings = [Gradient, squares].map(whole);
    program.run("squares", include_str!("wgsl/squares.wgsl"), &sizes, &[], &bindings, workers);
    let (sum, bindings) = ([("COUNT", Size(workers))], [squares, norm].map(whole));
    program.run("total", include_str!("wgsl/total.wgsl"), &sum, &["ROOT"], &bindings, WORKGROUP);
    let sizes = [
        ("LEN", Size(layout.len)),
        ("BETA_1", Number(training.beta1 as f32)),
        // From the exact numbers: 1 - .999 in f32 would be off by 5e-5.
        ("REST_1", Number((1.0 - training.beta1) as f32)),
        ("BETA_2", Number(training.beta2 as f32)),
        ("REST_2", Number((1.0 - training.beta2) as f32)),
        ("EPSILON", Number(training.epsilon as f32)),
    ];
    let bindings = [AdamWParams, decays, norm, Gradient, Flat, First, Second, Next].map(whole);
    program.run("adamw", include_str!("wgsl/adamw.wgsl"), &sizes, &[], &bindings, layout.len);
    program
}

/// The parameters of AdamW for step number `step` (from 1): learning rate, the factors that undo the moments' bias, weight decay, clip;
/// as the bits of f32.
pub fn adamw_params(step: i32, learning_rate: f64, training: &Training) -> Vec<u32> {
    let first = 1.0 / (1.0 - training.beta1.powi(step));
    let second = 1.0 / (1.0 - training.beta2.powi(step));
    let all = [learning_rate, first, second, training.weight_decay, training.clip];
    all.iter().map(|x| (*x as f32).to_bits()).collect()
}
