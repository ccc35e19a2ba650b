//! Sums of products in f64, for least squares: a few examples at a time, so that what is added up stays in registers.

use crate::simd::{Simd, kernel};

/// Rows of `to` that are added up at once.
const HIGH: usize = 4;

kernel! {
    /// `to` [m, n] += leftᵀ · right, of `left` [rows, m] and `right` [rows, n], row-major, in the rows' order.
    /// `symmetric`: both are the same, and what lies below the diagonal may be left as it is.
    pub fn add_crossed(left: &[f64], m: usize, right: &[f64], n: usize, to: &mut [f64], symmetric: bool) => add_crossed_on
}

#[inline(always)]
fn add_crossed_on<V: Simd>(left: &[f64], m: usize, right: &[f64], n: usize, to: &mut [f64], symmetric: bool) {
    // As many columns as keep the machine's registers busy, and no more than fit into them.
    if V::LANES > 4 { add::<8>(left, m, right, n, to, symmetric) } else { add::<4>(left, m, right, n, to, symmetric) }
}

#[inline(always)]
fn add<const WIDE: usize>(left: &[f64], m: usize, right: &[f64], n: usize, to: &mut [f64], symmetric: bool) {
    assert!(to.len() == m * n && m > 0 && n > 0, "a matrix of m rows and n columns");
    assert_eq!(left.len() / m, right.len() / n, "as many examples on both sides");
    for i in (0..m).step_by(HIGH) {
        let first = if symmetric { i / WIDE * WIDE } else { 0 };
        for j in (first..n).step_by(WIDE) {
            let (high, wide) = (HIGH.min(m - i), WIDE.min(n - j));
            let mut sums = [[0.0; WIDE]; HIGH];
            if high == HIGH && wide == WIDE {
                for (a, b) in left.chunks_exact(m).zip(right.chunks_exact(n)) {
                    let (a, b) = (&a[i..i + HIGH], &b[j..j + WIDE]);
                    for (sums, a) in sums.iter_mut().zip(a) {
                        sums.iter_mut().zip(b).for_each(|(sum, b)| *sum += a * b);
                    }
                }
            } else {
                for (a, b) in left.chunks_exact(m).zip(right.chunks_exact(n)) {
                    for (sums, a) in sums.iter_mut().zip(&a[i..i + high]) {
                        sums.iter_mut().zip(&b[j..j + wide]).for_each(|(sum, b)| *sum += a * b);
                    }
                }
            }
            for (row, sums) in sums[..high].iter().enumerate() {
                let slots = &mut to[(i + row) * n + j..][..wide];
                slots.iter_mut().zip(sums).for_each(|(slot, sum)| *slot += sum);
            }
        }
    }
}
