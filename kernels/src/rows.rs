//! What is done to each row of activations by itself: normalisation, nonlinearities, softmax.

use crate::math::{exp, gaussian, sigmoid};
use crate::simd::{MOST_LANES, Simd, kernel};

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
    /// reciprocal of the latter to `scale`, one for each row. `epsilon` is added to the variance (mean square) before the root.
    pub(crate) fn normalize(
        x: &[f32],
        width: usize,
        centred: bool,
        epsilon: f32,
        out: &mut [f32],
        scale: &mut [f32],
    ) => normalize_on
}

#[inline(always)]
fn normalize_on<V: Simd>(x: &[f32], width: usize, centred: bool, epsilon: f32, out: &mut [f32], scale: &mut [f32]) {
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
        *scale = 1.0 / (squares.sum() / count + epsilon).sqrt();
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
    through_gates(z, width, out, silu_of::<V>);
}

kernel! {
    /// As [`gated`], with the tanh-approximate GELU in place of silu.
    pub(crate) fn geglu(z: &mut [f32], width: usize, out: &mut [f32]) => geglu_on
}

#[inline(always)]
fn geglu_on<V: Simd>(z: &mut [f32], width: usize, out: &mut [f32]) {
    through_gates(z, width, out, gelu_tanh_of::<V>);
}

/// `of`: a gate's value and its slope.
#[inline(always)]
fn through_gates<V: Simd>(z: &mut [f32], width: usize, out: &mut [f32], of: impl Fn(V) -> (V, V) + Copy) {
    for (z, out) in z.chunks_exact_mut(2 * width).zip(out.chunks_exact_mut(width)) {
        let (gate, through) = z.split_at_mut(width);
        along!(
            V,
            width,
            |at| {
                let through_here = V::load(&through[at..]);
                let (value, slope) = of(V::load(&gate[at..]));
                value.mul(through_here).store(&mut out[at..]);
                through_here.mul(slope).store(&mut gate[at..]);
                value.store(&mut through[at..]);
            },
            |at| {
                let through_here = V::load_part(&through[at..], 0.0);
                let (value, slope) = of(V::load_part(&gate[at..], 0.0));
                value.mul(through_here).store_part(&mut out[at..]);
                through_here.mul(slope).store_part(&mut gate[at..]);
                value.store_part(&mut through[at..]);
            }
        );
    }
}

/// x σ(x), and its slope σ (1 + x (1 - σ)).
#[inline(always)]
fn silu_of<V: Simd>(x: V) -> (V, V) {
    let one = V::splat(1.0);
    let s = sigmoid(x);
    (x.mul(s), s.mul(x.mul_add(one.sub(s), one)))
}

/// x (1 + tanh u) / 2 = x σ(2u) with 2u = 2 √(2/π) (x + .044715 x³), the approximation of GELU that Hendrycks and Gimpel (2016) give;
/// and its slope σ + x σ (1 - σ) (2u)'. By way of σ both tails keep their digits.
#[inline(always)]
fn gelu_tanh_of<V: Simd>(x: V) -> (V, V) {
    let square = x.mul(x);
    let z = x.mul(square.mul_add(V::splat(SLOPE * CUBIC), V::splat(SLOPE)));
    let dz = square.mul_add(V::splat(3.0 * SLOPE * CUBIC), V::splat(SLOPE));
    let s = sigmoid(z);
    (x.mul(s), x.mul(s.mul(V::splat(1.0).sub(s))).mul_add(dz, s))
}

/// 2 √(2/π).
const SLOPE: f32 = 1.595_769;
const CUBIC: f32 = 0.044_715;

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

/// Queries of a tile of attention, and the length of a row in memory of its scores: a row for each key, so that what is done with a
/// query's scores is done with a whole vector of queries.
pub(crate) const TILE: usize = 32;

/// How products of keys with a tile of queries become weights.
#[derive(Clone, Copy)]
pub(crate) struct Scores {
    /// Position of the first query; that of the first key is 0.
    pub first: usize,
    /// Queries, at most [`TILE`].
    pub queries: usize,
    /// Scores are products times this,
    pub scale: f32,
    /// less this for each token of distance.
    pub slope: f32,
}

impl Scores {
    /// Keys that the first of a vector of queries sees, and keys that its last one sees.
    #[inline(always)]
    fn seen<V: Simd>(self, at: usize) -> (usize, usize) {
        (self.first + at + 1, self.first + (at + V::LANES).min(self.queries))
    }

    /// From products to scores over `scale`, for a vector of queries.
    #[inline(always)]
    fn bias<V: Simd>(self, scores: &mut [f32], at: usize) {
        if self.slope == 0.0 {
            return;
        }
        let (ramp, slope) = (V::load(&RAMP), V::splat(-self.slope / self.scale));
        for (key, row) in scores.chunks_exact_mut(TILE).take(self.seen::<V>(at).1).enumerate() {
            let distance = ramp.add(V::splat((self.first + at) as f32 - key as f32));
            distance.mul_add(slope, V::load(&row[at..])).store(&mut row[at..]);
        }
    }
}

/// `other`, and `hidden` for the queries that do not see the key that is `i` behind the first one that not all of them see.
#[inline(always)]
fn unseen<V: Simd>(i: usize, hidden: V, other: V) -> V {
    V::load(&RAMP).sub(V::splat((i + 1) as f32)).where_negative(hidden, other)
}

const RAMP: [f32; MOST_LANES] = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0];

/// A number for each query of a tile.
pub(crate) type PerQuery = [f32; TILE];

/// What a way back needs to make weights of scores again: of each query the greatest score, and the reciprocal of the exponentials' sum.
#[derive(Clone, Copy)]
pub(crate) struct Normalizers {
    pub most: PerQuery,
    pub factors: PerQuery,
}

impl Normalizers {
    pub const NONE: Self = Self { most: [0.0; TILE], factors: [0.0; TILE] };
}

kernel! {
    /// Products in `scores`, a row for each key, become exponentials of scores less the query's greatest, 0 where a query does not see
    /// the key; what belongs to no query is left undefined.
    pub(crate) fn exponentials(scores: &mut [f32], of: Scores, normalizers: &mut Normalizers) => exponentials_on
}

#[inline(always)]
fn exponentials_on<V: Simd>(scores: &mut [f32], of: Scores, normalizers: &mut Normalizers) {
    for at in (0..of.queries).step_by(V::LANES) {
        let (whole, all) = of.seen::<V>(at);
        of.bias::<V>(scores, at);
        let scores = &mut scores[..all * TILE];
        for (i, row) in scores.chunks_exact_mut(TILE).skip(whole).enumerate() {
            unseen(i, V::splat(f32::MIN), V::load(&row[at..])).store(&mut row[at..]);
        }
        // Four at a time: each waits for the one before.
        let mut most = [V::splat(f32::MIN); 4];
        for rows in scores.chunks(4 * TILE) {
            for (most, row) in most.iter_mut().zip(rows.chunks_exact(TILE)) {
                *most = V::load(&row[at..]).max(*most);
            }
        }
        let most = most[0].max(most[1]).max(most[2].max(most[3])).mul(V::splat(of.scale));
        let (scale, less) = (V::splat(of.scale), V::splat(0.0).sub(most));
        let mut sum = V::splat(0.0);
        let (below, diagonal) = scores.split_at_mut(whole * TILE);
        for row in below.chunks_exact_mut(TILE) {
            let e = exp(V::load(&row[at..]).mul_add(scale, less));
            sum = sum.add(e);
            e.store(&mut row[at..]);
        }
        for (i, row) in diagonal.chunks_exact_mut(TILE).enumerate() {
            let e = exp(V::load(&row[at..]).mul_add(scale, less));
            let e = unseen(i, V::splat(0.0), e);
            sum = sum.add(e);
            e.store(&mut row[at..]);
        }
        most.store(&mut normalizers.most[at..]);
        V::splat(1.0).div(sum).store(&mut normalizers.factors[at..]);
    }
}

kernel! {
    /// Rows of `width` numbers, at `stride`, one behind the other, as many as `out` has.
    pub(crate) fn gather_rows(values: &[f32], stride: usize, width: usize, out: &mut [f32]) => gather_rows_on
}

#[inline(always)]
fn gather_rows_on<V: Simd>(values: &[f32], stride: usize, width: usize, out: &mut [f32]) {
    for (out, row) in out.chunks_exact_mut(width).zip(values.chunks(stride)) {
        let row = &row[..width];
        along!(V, width, |at| V::load(&row[at..]).store(&mut out[at..]), |at| {
            V::load_part(&row[at..], 0.0).store_part(&mut out[at..])
        });
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

kernel! {
    /// Products in `scores` become weights again, by what [`exponentials`] found; `by_weights`, gradients by weights, become gradients by
    /// products: weight · (gradient - its mean under the weights) · scale. 0 where a query does not see the key, in both.
    pub(crate) fn softmax_backward(
        scores: &mut [f32],
        by_weights: &mut [f32],
        of: Scores,
        normalizers: &Normalizers,
    ) => softmax_backward_on
}

#[inline(always)]
fn softmax_backward_on<V: Simd>(scores: &mut [f32], by_weights: &mut [f32], of: Scores, normalizers: &Normalizers) {
    for at in (0..of.queries).step_by(V::LANES) {
        let (whole, all) = of.seen::<V>(at);
        of.bias::<V>(scores, at);
        let (scores, by_weights) = (&mut scores[..all * TILE], &mut by_weights[..all * TILE]);
        let scale = V::splat(of.scale);
        let (less, factor) = (V::splat(0.0).sub(V::load(&normalizers.most[at..])), V::load(&normalizers.factors[at..]));
        let mut mean = V::splat(0.0);
        let (below, diagonal) = scores.split_at_mut(whole * TILE);
        let (by_below, by_diagonal) = by_weights.split_at(whole * TILE);
        for (row, g) in below.chunks_exact_mut(TILE).zip(by_below.chunks_exact(TILE)) {
            let weight = exp(V::load(&row[at..]).mul_add(scale, less)).mul(factor);
            mean = weight.mul_add(V::load(&g[at..]), mean);
            weight.store(&mut row[at..]);
        }
        for (i, (row, g)) in diagonal.chunks_exact_mut(TILE).zip(by_diagonal.chunks_exact(TILE)).enumerate() {
            let weight = exp(V::load(&row[at..]).mul_add(scale, less)).mul(factor);
            let weight = unseen(i, V::splat(0.0), weight);
            mean = weight.mul_add(V::load(&g[at..]), mean);
            weight.store(&mut row[at..]);
        }
        for (row, g) in scores.chunks_exact(TILE).zip(by_weights.chunks_exact_mut(TILE)) {
            let weight = V::load(&row[at..]).mul(scale);
            V::load(&g[at..]).sub(mean).mul(weight).store(&mut g[at..]);
        }
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
