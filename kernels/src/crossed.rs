//! Sums of products in f64, for least squares: a few examples at a time, so that what is added up stays in registers.

/// Entries of `to` that are added up at once: so many rows, so many columns.
const TILE: usize = 4;

/// `to` [m, n] += leftᵀ · right, of `left` [rows, m] and `right` [rows, n], row-major, in the rows' order.
/// `symmetric`: both are the same, and what lies more than a tile below the diagonal is left as it is.
pub fn add_crossed(left: &[f64], m: usize, right: &[f64], n: usize, to: &mut [f64], symmetric: bool) {
    assert!(to.len() == m * n && m > 0 && n > 0, "a matrix of m rows and n columns");
    assert_eq!(left.len() / m, right.len() / n, "as many examples on both sides");
    for i in (0..m).step_by(TILE) {
        for j in (if symmetric { i } else { 0 }..n).step_by(TILE) {
            let (high, wide) = (TILE.min(m - i), TILE.min(n - j));
            let mut sums = [[0.0; TILE]; TILE];
            if high == TILE && wide == TILE {
                for (a, b) in left.chunks_exact(m).zip(right.chunks_exact(n)) {
                    let (a, b) = (&a[i..i + TILE], &b[j..j + TILE]);
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
