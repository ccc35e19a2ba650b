//! AdamW over flat slices, and a gradient's length.

use crate::simd::{Simd, kernel};

/// The numbers of one AdamW step (Loshchilov and Hutter 2019), the same for every parameter.
#[derive(Clone, Copy, Debug)]
pub struct AdamWParams {
    /// Factor of the gradient: below 1 where its norm is above the limit, else 1.
    pub clip: f32,
    /// β1: decay of the mean gradient (the first moment) from step to step.
    pub beta_1: f32,
    /// 1 - β1, rounded from the exact difference: that of two f32 would be off by a millionth.
    pub rest_1: f32,
    /// β2: decay of the mean squared gradient (the second moment) from step to step.
    pub beta_2: f32,
    /// 1 - β2, rounded as `rest_1` is.
    pub rest_2: f32,
    /// 1 / (1 - β1^steps): undoes the first moment's start at 0.
    pub first_scale: f32,
    /// 1 / (1 - β2^steps): undoes the second moment's start at 0.
    pub second_scale: f32,
    /// ε: added to the root of the second moment.
    pub epsilon: f32,
    /// The learning rate of this step.
    pub learning_rate: f32,
    /// Learning rate · weight decay for parameters that decay; 0 for others.
    pub decay: f32,
}

kernel! {
    /// One AdamW step on a part of the parameters. Writes the parameters and their two moments; all
    /// four slices belong to the same parameters and have one length.
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
