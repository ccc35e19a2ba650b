//! Rotary positions: each pair (first half, second half) of a head is rotated by its position's angle.

use crate::{
    shape::Shape,
    simd::{Simd, kernel},
};

const BASE: f64 = 10_000.0;

/// Cosines and sines, [T, half a head] each.
pub(crate) struct Rotary {
    cos: Vec<f32>,
    sin: Vec<f32>,
}

impl Rotary {
    pub fn new(shape: &Shape) -> Self {
        let half = shape.head_width / 2;
        // Pair j is rotated by position · base^(-2j/width).
        let angle = |t: usize, j: usize| t as f64 * BASE.powf(-((2 * j) as f64) / shape.head_width as f64);
        let table = |f: fn(f64) -> f64| -> Vec<f32> {
            (0..shape.length).flat_map(|t| (0..half).map(move |j| f(angle(t, j)) as f32)).collect()
        };
        Self { cos: table(f64::cos), sin: table(f64::sin) }
    }

    /// Rotates queries and keys in rows of [`Shape::joint`], forward by their positions' angles or back by them.
    pub fn apply(&self, shape: &Shape, joint: &mut [f32], back: bool) {
        let half = shape.head_width / 2;
        let rotated = shape.query() + shape.key();
        for (i, row) in joint.chunks_exact_mut(shape.joint()).enumerate() {
            let at = i % shape.length * half;
            rotate(
                &mut row[..rotated],
                &self.cos[at..][..half],
                &self.sin[at..][..half],
                if back { -1.0 } else { 1.0 },
            );
        }
    }
}

kernel! {
    /// `heads`: heads side by side, each twice as wide as `cos` and `sin`.
    fn rotate(heads: &mut [f32], cos: &[f32], sin: &[f32], sign: f32) => rotate_on
}

#[inline(always)]
fn rotate_on<V: Simd>(heads: &mut [f32], cos: &[f32], sin: &[f32], sign: f32) {
    let half = cos.len();
    let signs = V::splat(sign);
    for head in heads.chunks_exact_mut(2 * half) {
        let (first, second) = head.split_at_mut(half);
        let mut at = 0;
        while at + V::LANES <= half {
            let (a, b) = (V::load(&first[at..]), V::load(&second[at..]));
            let (c, s) = (V::load(&cos[at..]), V::load(&sin[at..]).mul(signs));
            a.mul(c).sub(b.mul(s)).store(&mut first[at..]);
            b.mul(c).add(a.mul(s)).store(&mut second[at..]);
            at += V::LANES;
        }
        for i in at..half {
            let (a, b, c, s) = (first[i], second[i], cos[i], sin[i] * sign);
            first[i] = a * c - b * s;
            second[i] = b * c + a * s;
        }
    }
}
