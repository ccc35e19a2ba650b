//! What is made of measured times and losses.

/// Billions of operations a second.
pub fn gflops(operations: f64, ms: f64) -> f64 {
    operations / ms / 1e6
}

/// Operations of a product of two square matrices of this many rows, a multiply-add counted as two.
pub fn product_operations(rows: usize) -> f64 {
    2.0 * (rows as f64).powi(3)
}

/// The middle one; `None` of none.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Largest difference between the losses of the steps that both took, relative to `ours`; `None` where they share none.
pub fn loss_gap(ours: &[f64], theirs: &[f64]) -> Option<f64> {
    let gaps = ours.iter().zip(theirs).map(|(ours, theirs)| (theirs - ours).abs() / ours.abs());
    // What is no number is as far as can be.
    gaps.map(|gap| if gap.is_nan() { f64::INFINITY } else { gap }).reduce(f64::max)
}

/// How many repeats fill `ms` milliseconds at `gflops`, within limits that leave a median and an end.
pub fn repeats(operations: f64, gflops: f64, ms: f64) -> usize {
    ((ms * gflops * 1e6 / operations) as usize).clamp(3, 100)
}
