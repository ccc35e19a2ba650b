//! AdamW over flat slices, and a gradient's length.

use crate::simd::{Simd, kernel};

/// One step's constants.
#[derive(Clone, Copy, Debug)]
pub struct AdamWParams {
    /// By which the gradient is scaled down, if it is too long; else 1.
    pub clip: f32,
    pub beta_1: f32,
    /// 1 - beta, from the exact numbers: the difference of two f32 would be off by a millionth.
    pub rest_1: f32,
    pub beta_2: f32,
    pub rest_2: f32,
    /// 1 / (1 - beta^steps): undoes the moments' start at 0.
    pub first_scale: f32,
    pub second_scale: f32,
    pub epsilon: f32,
    pub learning_rate: f32,
    /// Learning rate times weight decay where that applies; 0 elsewhere.
    pub decay: f32,
}

kernel! {
    /// One step on a part of the parameters with its part of gradient and moments, all of one length.
    pub fn adamw(parameters: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32], params: AdamWParams) => adamw_on
}

#[inline(always)]
fn adamw_on<V: Simd>(
    parameters: &mut [f32],
    gradient: &[f32],
    first: &mut [f32],
    second: &mut [f32],
    params: AdamWParams,
) {
    let len = parameters.len().min(gradient.len()).min(first.len()).min(second.len());
    let mut at = 0;
    while at + V::LANES <= len {
        let moved = moved(
            V::load(&parameters[at..]),
            V::load(&gradient[at..]),
            V::load(&first[at..]),
            V::load(&second[at..]),
            params,
        );
        moved.0.store(&mut parameters[at..]);
        moved.1.store(&mut first[at..]);
        moved.2.store(&mut second[at..]);
        at += V::LANES;
    }
    if at < len {
        let moved = moved(
            V::load_part(&parameters[at..len], 0.0),
            V::load_part(&gradient[at..len], 0.0),
            V::load_part(&first[at..len], 0.0),
            V::load_part(&second[at..len], 0.0),
            params,
        );
        moved.0.store_part(&mut parameters[at..len]);
        moved.1.store_part(&mut first[at..len]);
        moved.2.store_part(&mut second[at..len]);
    }
}

/// Parameters and both moments after the step.
#[inline(always)]
fn moved<V: Simd>(x: V, gradient: V, first: V, second: V, params: AdamWParams) -> (V, V, V) {
    let g = gradient.mul(V::splat(params.clip));
    let first = first.mul(V::splat(params.beta_1)).add(g.mul(V::splat(params.rest_1)));
    let second = second.mul(V::splat(params.beta_2)).add(g.mul(g).mul(V::splat(params.rest_2)));
    let root = second.mul(V::splat(params.second_scale)).sqrt().add(V::splat(params.epsilon));
    let update = first.mul(V::splat(params.first_scale)).div(root).mul(V::splat(params.learning_rate));
    (x.sub(update).sub(x.mul(V::splat(params.decay))), first, second)
}

kernel! {
    /// Σ x², added up in a fixed order.
    pub fn sum_of_squares(values: &[f32]) -> f32 => sum_of_squares_on
}

#[inline(always)]
fn sum_of_squares_on<V: Simd>(values: &[f32]) -> f32 {
    let mut sums = [V::splat(0.0); 4];
    let mut chunks = values.chunks_exact(4 * V::LANES);
    for chunk in &mut chunks {
        for (sum, x) in sums.iter_mut().zip(chunk.chunks_exact(V::LANES)) {
            let x = V::load(x);
            *sum = x.mul_add(x, *sum);
        }
    }
    let rest: f32 = chunks.remainder().iter().map(|x| x * x).sum();
    sums[0].add(sums[1]).add(sums[2].add(sums[3])).sum() + rest
}
