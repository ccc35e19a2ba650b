//! What is done to each row of activations by itself: normalisation, nonlinearities, softmax.

use crate::math::{exp, gaussian, sigmoid};
use crate::simd::{MOST_LANES, Simd, kernel};

/// Added to the variance (or mean square) of a row before the root.
const EPSILON: f32 = 1e-5;

/// Runs $each for every full vector of rows as long as `len`, and $part for what is left of them.
macro_rules! along {
    ($vector:ty, $len:expr, |$at:ident| $each:expr, |$from:ident| $part:expr) => {
        let mut $at = 0;
        while $at + <$vector>::LANES <= $len {
            $each;
            $at += <$vector>::LANES;
        }
        if $at < $len {
            let $from = $at;
            $part;
        }
    };
}

kernel! {
    /// Each row of `width` of `x`, less its mean where `centred`, over its standard deviation (root mean square): to `out`; and the
    /// reciprocal of the latter to `scale`, one for each row.
    pub(crate) fn normalize(x: &[f32], width: usize, centred: bool, out: &mut [f32], scale: &mut [f32]) => normalize_on
}

#[inline(always)]
fn normalize_on<V: Simd>(x: &[f32], width: usize, centred: bool, out: &mut [f32], scale: &mut [f32]) {
    let count = width as f32;
    for ((x, out), scale) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)).zip(scale) {
        let mut mean = 0.0;
        if centred {
            let mut sum = V::splat(0.0);
            along!(V, width, |at| sum = sum.add(V::load(&x[at..])), |at| sum = sum.add(V::load_part(&x[at..], 0.0)));
            mean = sum.sum() / count;
        }
        let shift = V::splat(mean);
        let mut squares = V::splat(0.0);
        along!(
            V,
            width,
            |at| {
                let d = V::load(&x[at..]).sub(shift);
                d.store(&mut out[at..]);
                squares = d.mul_add(d, squares);
            },
            |at| {
                let d = V::load_part(&x[at..], mean).sub(shift);
                d.store_part(&mut out[at..]);
                squares = d.mul_add(d, squares);
            }
        );
        *scale = 1.0 / (squares.sum() / count + EPSILON).sqrt();
        let factor = V::splat(*scale);
        along!(V, width, |at| V::load(&out[at..]).mul(factor).store(&mut out[at..]), |at| {
            V::load_part(&out[at..], 0.0).mul(factor).store_part(&mut out[at..])
        });
    }
}

kernel! {
    /// Adds to `to` the gradient before [`normalize`], from `gradient` behind it, what it gave (`normal`) and its scales.
    pub(crate) fn normalize_backward(
        gradient: &[f32],
        normal: &[f32],
        scale: &[f32],
        width: usize,
        centred: bool,
        to: &mut [f32],
    ) => normalize_backward_on
}

#[inline(always)]
fn normalize_backward_on<V: Simd>(
    gradient: &[f32],
    normal: &[f32],
    scale: &[f32],
    width: usize,
    centred: bool,
    to: &mut [f32],
) {
    let rows = gradient.chunks_exact(width).zip(normal.chunks_exact(width)).zip(scale);
    for (((g, x), &scale), to) in rows.zip(to.chunks_exact_mut(width)) {
        let (mut sum, mut product) = (V::splat(0.0), V::splat(0.0));
        along!(
            V,
            width,
            |at| {
                let g = V::load(&g[at..]);
                sum = sum.add(g);
                product = g.mul_add(V::load(&x[at..]), product);
            },
            |at| {
                let g = V::load_part(&g[at..], 0.0);
                sum = sum.add(g);
                product = g.mul_add(V::load_part(&x[at..], 0.0), product);
            }
        );
        let mean = V::splat(if centred { -sum.sum() / width as f32 } else { 0.0 });
        let along_x = V::splat(-product.sum() / width as f32);
        let scale = V::splat(scale);
        along!(
            V,
            width,
            |at| {
                let d = V::load(&x[at..]).mul_add(along_x, V::load(&g[at..]).add(mean));
                d.mul_add(scale, V::load(&to[at..])).store(&mut to[at..]);
            },
            |at| {
                let d = V::load_part(&x[at..], 0.0).mul_add(along_x, V::load_part(&g[at..], 0.0).add(mean));
                d.mul_add(scale, V::load_part(&to[at..], 0.0)).store_part(&mut to[at..]);
            }
        );
    }
}

kernel! {
    /// GELU of `z` to `out` (x times the Gaussian's distribution function), and its derivative in `z`'s place.
    pub(crate) fn gelu(z: &mut [f32], out: &mut [f32]) => gelu_on
}

#[inline(always)]
fn gelu_on<V: Simd>(z: &mut [f32], out: &mut [f32]) {
    let len = z.len().min(out.len());
    along!(
        V,
        len,
        |at| {
            let (value, slope) = gelu_of(V::load(&z[at..]));
            value.store(&mut out[at..]);
            slope.store(&mut z[at..]);
        },
        |at| {
            let (value, slope) = gelu_of(V::load_part(&z[at..len], 0.0));
            value.store_part(&mut out[at..len]);
            slope.store_part(&mut z[at..len]);
        }
    );
}

#[inline(always)]
fn gelu_of<V: Simd>(x: V) -> (V, V) {
    let (below, density) = gaussian(x);
    (x.mul(below), x.mul_add(density, below))
}

kernel! {
    /// Rows of `z` are a gate and what it lets through, `width` of each. silu(gate) · through to `out`; in `z`'s place the product's
    /// derivatives by both.
    pub(crate) fn gated(z: &mut [f32], width: usize, out: &mut [f32]) => gated_on
}

#[inline(always)]
fn gated_on<V: Simd>(z: &mut [f32], width: usize, out: &mut [f32]) {
    for (z, out) in z.chunks_exact_mut(2 * width).zip(out.chunks_exact_mut(width)) {
        let (gate, through) = z.split_at_mut(width);
        along!(
            V,
            width,
            |at| {
                let (value, by_gate, by_through) = gated_of(V::load(&gate[at..]), V::load(&through[at..]));
                value.store(&mut out[at..]);
                by_gate.store(&mut gate[at..]);
                by_through.store(&mut through[at..]);
            },
            |at| {
                let (value, by_gate, by_through) =
                    gated_of(V::load_part(&gate[at..], 0.0), V::load_part(&through[at..], 0.0));
                value.store_part(&mut out[at..]);
                by_gate.store_part(&mut gate[at..]);
                by_through.store_part(&mut through[at..]);
            }
        );
    }
}

#[inline(always)]
fn gated_of<V: Simd>(gate: V, through: V) -> (V, V, V) {
    let one = V::splat(1.0);
    let s = sigmoid(gate);
    let silu = gate.mul(s);
    // silu' = s (1 + x (1 - s))
    let slope = s.mul(gate.mul_add(one.sub(s), one));
    (silu.mul(through), through.mul(slope), silu)
}

kernel! {
    /// Rows of `slopes` are `parts` times `width` long, rows of `gradient` once: each part of `slopes` times the gradient, in place.
    pub(crate) fn times_gradient(slopes: &mut [f32], gradient: &[f32], width: usize, parts: usize) => times_gradient_on
}

#[inline(always)]
fn times_gradient_on<V: Simd>(slopes: &mut [f32], gradient: &[f32], width: usize, parts: usize) {
    for (slopes, gradient) in slopes.chunks_exact_mut(parts * width).zip(gradient.chunks_exact(width)) {
        for slopes in slopes.chunks_exact_mut(width) {
            along!(
                V,
                width,
                |at| V::load(&slopes[at..]).mul(V::load(&gradient[at..])).store(&mut slopes[at..]),
                |at| {
                    V::load_part(&slopes[at..], 0.0)
                        .mul(V::load_part(&gradient[at..], 0.0))
                        .store_part(&mut slopes[at..])
                }
            );
        }
    }
}

kernel! {
    /// Adds up the rows of `values`, each `width` long at `stride`, into `to`.
    pub(crate) fn add_rows(values: &[f32], stride: usize, width: usize, to: &mut [f32]) => add_rows_on
}

#[inline(always)]
fn add_rows_on<V: Simd>(values: &[f32], stride: usize, width: usize, to: &mut [f32]) {
    let to = &mut to[..width];
    // Some rows at a time, along them: what is far apart in memory may share a place in the cache.
    for rows in values.chunks(8 * stride) {
        along!(
            V,
            width,
            |at| {
                let mut sum = V::load(&to[at..]);
                for row in rows[at..].chunks(stride) {
                    sum = sum.add(V::load(row));
                }
                sum.store(&mut to[at..]);
            },
            |at| {
                let left = width - at;
                let mut sum = V::load_part(&to[at..], 0.0);
                for row in rows[at..].chunks(stride) {
                    sum = sum.add(V::load_part(&row[..left], 0.0));
                }
                sum.store_part(&mut to[at..]);
            }
        );
    }
}

/// How products of a tile of queries with keys become weights.
#[derive(Clone, Copy)]
pub(crate) struct Scores {
    /// Position of the first query.
    pub first: usize,
    /// Queries.
    pub rows: usize,
    /// Length of a row in memory: a sequence's, and [`crate::simd::MOST_LANES`] more.
    pub stride: usize,
    /// Scores are products times this,
    pub scale: f32,
    /// less this for each token of distance.
    pub slope: f32,
    /// How far behind the query's own position zeros are asked for, at least; at most [`crate::simd::MOST_LANES`].
    pub beyond: usize,
}

impl Scores {
    /// Zeros behind the first `keys` of a row.
    #[inline(always)]
    fn end<V: Simd>(self, row: &mut [f32], keys: usize) {
        let mut at = keys;
        while at < keys + self.beyond {
            V::splat(0.0).store(&mut row[at..]);
            at += V::LANES;
        }
    }

    /// From products to scores over `scale`, in place; what pads the last vector counts for nothing.
    #[inline(always)]
    fn bias<V: Simd>(self, row: &mut [f32], keys: usize) {
        let whole = keys.next_multiple_of(V::LANES);
        V::splat(f32::MIN).store(&mut row[keys..]);
        if self.slope == 0.0 {
            return;
        }
        let slope = V::splat(self.slope / self.scale);
        let ramp = V::load(&RAMP);
        for (i, x) in row[..whole].chunks_exact_mut(V::LANES).enumerate() {
            // Minus the distance.
            let distance = ramp.add(V::splat((i * V::LANES) as f32 - (keys - 1) as f32));
            distance.mul_add(slope, V::load(x)).store(x);
        }
    }
}

const RAMP: [f32; MOST_LANES] = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0];

kernel! {
    /// Products, in `scores`, become exponentials of scores less the row's greatest, up to the query's own position, and 0 behind.
    /// `factors`: the reciprocal of each row's sum. `logs`: the logarithm of the sum of the scores' own exponentials.
    pub(crate) fn exponentials(scores: &mut [f32], of: Scores, factors: &mut [f32], logs: &mut [f32]) => exponentials_on
}

#[inline(always)]
fn exponentials_on<V: Simd>(scores: &mut [f32], of: Scores, factors: &mut [f32], logs: &mut [f32]) {
    let rows = scores.chunks_exact_mut(of.stride).zip(&mut factors[..of.rows]).zip(&mut logs[..of.rows]);
    for (r, ((row, factor), log)) in rows.enumerate() {
        let keys = of.first + r + 1;
        let whole = keys.next_multiple_of(V::LANES);
        of.bias::<V>(row, keys);
        let mut most = V::splat(f32::MIN);
        for x in row[..whole].chunks_exact(V::LANES) {
            most = V::load(x).max(most);
        }
        let most = most.greatest() * of.scale;
        let (scale, less) = (V::splat(of.scale), V::splat(-most));
        let mut sum = V::splat(0.0);
        for x in row[..whole].chunks_exact_mut(V::LANES) {
            let e = exp(V::load(x).mul_add(scale, less));
            sum = sum.add(e);
            e.store(x);
        }
        // What pads the last vector was counted as e^-60 each: nothing, beside a sum of at least 1.
        let sum = sum.sum();
        *factor = 1.0 / sum;
        *log = most + sum.ln();
        of.end::<V>(row, keys);
    }
}

kernel! {
    /// Each row of `width` numbers, at `stride`, times its factor.
    pub(crate) fn scale_rows(values: &mut [f32], stride: usize, width: usize, factors: &[f32]) => scale_rows_on
}

#[inline(always)]
fn scale_rows_on<V: Simd>(values: &mut [f32], stride: usize, width: usize, factors: &[f32]) {
    for (row, &factor) in values.chunks_mut(stride).zip(factors) {
        let factor = V::splat(factor);
        let row = &mut row[..width];
        along!(V, width, |at| V::load(&row[at..]).mul(factor).store(&mut row[at..]), |at| {
            V::load_part(&row[at..], 0.0).mul(factor).store_part(&mut row[at..])
        });
    }
}

/// One head's part of rows: where it starts in `values`, and the distance of rows.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    pub values: &'a [f32],
    pub stride: usize,
    pub width: usize,
}

kernel! {
    /// Products, in `scores`, become weights again, by [`exponentials`]'s logarithms; `by_weights`, gradients by weights, become
    /// gradients by products: weight · (gradient - its mean under the weights) · scale. That mean is the product of what the weights
    /// mixed with its gradient. 0 behind the query's own position, in both.
    pub(crate) fn softmax_backward(
        scores: &mut [f32],
        by_weights: &mut [f32],
        of: Scores,
        logs: &[f32],
        mixed: Part,
        gradient: Part,
    ) => softmax_backward_on
}

#[inline(always)]
fn softmax_backward_on<V: Simd>(
    scores: &mut [f32],
    by_weights: &mut [f32],
    of: Scores,
    logs: &[f32],
    mixed: Part,
    gradient: Part,
) {
    let scale = V::splat(of.scale);
    let tiles = scores.chunks_exact_mut(of.stride).zip(by_weights.chunks_exact_mut(of.stride));
    for (r, ((row, by_weights), &log)) in tiles.zip(&logs[..of.rows]).enumerate() {
        let keys = of.first + r + 1;
        let whole = keys.next_multiple_of(V::LANES);
        let mixed = &mixed.values[r * mixed.stride..][..mixed.width];
        let gradient = &gradient.values[r * gradient.stride..][..gradient.width];
        let mut mean = V::splat(0.0);
        along!(V, mixed.len(), |at| mean = V::load(&mixed[at..]).mul_add(V::load(&gradient[at..]), mean), |at| mean =
            V::load_part(&mixed[at..], 0.0).mul_add(V::load_part(&gradient[at..], 0.0), mean));
        let (mean, less) = (V::splat(mean.sum()), V::splat(-log));
        of.bias::<V>(row, keys);
        for (x, g) in row[..whole].chunks_exact_mut(V::LANES).zip(by_weights[..whole].chunks_exact_mut(V::LANES)) {
            let weight = exp(V::load(x).mul_add(scale, less));
            weight.store(x);
            V::load(g).sub(mean).mul(weight.mul(scale)).store(g);
        }
        of.end::<V>(row, keys);
        of.end::<V>(by_weights, keys);
    }
}

kernel! {
    /// Each row of `width` logits becomes log-probabilities, in place.
    pub(crate) fn log_softmax(logits: &mut [f32], width: usize) => log_softmax_on
}

#[inline(always)]
fn log_softmax_on<V: Simd>(logits: &mut [f32], width: usize) {
    for row in logits.chunks_exact_mut(width) {
        let mut most = V::splat(f32::MIN);
        along!(V, width, |at| most = V::load(&row[at..]).max(most), |at| {
            most = V::load_part(&row[at..], f32::MIN).max(most)
        });
        let top = most.greatest();
        let most = V::splat(top);
        let mut sum = V::splat(0.0);
        along!(V, width, |at| sum = sum.add(exp(V::load(&row[at..]).sub(most))), |at| {
            sum = sum.add(exp(V::load_part(&row[at..], f32::MIN).sub(most)))
        });
        let all = V::splat(top + sum.sum().ln());
        along!(V, width, |at| V::load(&row[at..]).sub(all).store(&mut row[at..]), |at| {
            V::load_part(&row[at..], 0.0).sub(all).store_part(&mut row[at..])
        });
    }
}

kernel! {
    /// Each row of log-probabilities becomes (probabilities - 1 at the target) · scale: the gradient of the negative log-likelihood by
    /// the logits.
    pub(crate) fn cross_entropy_backward(rows: &mut [f32], width: usize, targets: &[u16], scale: f32) => cross_entropy_backward_on
}

#[inline(always)]
fn cross_entropy_backward_on<V: Simd>(rows: &mut [f32], width: usize, targets: &[u16], scale: f32) {
    let factor = V::splat(scale);
    for (row, &target) in rows.chunks_exact_mut(width).zip(targets) {
        along!(V, width, |at| exp(V::load(&row[at..])).mul(factor).store(&mut row[at..]), |at| {
            exp(V::load_part(&row[at..], 0.0)).mul(factor).store_part(&mut row[at..])
        });
        row[usize::from(target)] -= scale;
    }
}

kernel! {
    /// `to` += `values`.
    pub(crate) fn add(values: &[f32], to: &mut [f32]) => add_on
}

#[inline(always)]
fn add_on<V: Simd>(values: &[f32], to: &mut [f32]) {
    let len = to.len().min(values.len());
    along!(V, len, |at| V::load(&values[at..]).add(V::load(&to[at..])).store(&mut to[at..]), |at| {
        V::load_part(&values[at..len], 0.0).add(V::load_part(&to[at..len], 0.0)).store_part(&mut to[at..len])
    });
}
