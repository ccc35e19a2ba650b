//! How several cores share a batch.

use std::ops::Range;

/// The range of `rows` sequences that core `index` of `count` takes: as even as can be, in order.
pub fn part(rows: usize, index: usize, count: usize) -> Range<usize> {
    rows * index / count..rows * (index + 1) / count
}

/// Writes Σ weight · values to `out`, added up in the order of `parts`, so that the same parts give
/// the same bits. All slices have one length.
pub fn weighted(parts: &[(f32, &[f32])], out: &mut [f32]) {
    out.fill(0.0);
    for (weight, values) in parts {
        for (sum, x) in out.iter_mut().zip(*values) {
            *sum += weight * x;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_one_core() {
        for rows in [1, 2, 7, 64] {
            for count in 1..9 {
                let parts: Vec<_> = (0..count).map(|index| part(rows, index, count)).collect();
                assert!(parts.iter().cloned().flatten().eq(0..rows));
                let sizes: Vec<usize> = parts.iter().map(ExactSizeIterator::len).collect();
                assert!(sizes.iter().max() <= sizes.iter().min().map(|least| least + 1).as_ref(), "{sizes:?}");
            }
        }
    }

    #[test]
    fn parts_are_weighed() {
        let mut out = [9.0; 2];
        weighted(&[(0.25, &[4.0, 8.0]), (0.75, &[8.0, -4.0])], &mut out);
        assert_eq!(out, [7.0, -1.0]);
    }
}
