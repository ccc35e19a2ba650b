//! Kendall's rank correlation: does the bound order the cells of a grid as the gap does?

/// Beyond this, probabilities come from the normal approximation, as they do with ties.
const EXACT: usize = 50;

/// τ_b over pairs of values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kendall {
    /// From -1 (opposite order) to 1 (the same order).
    pub tau: f64,
    /// Probability of a τ at least as far from 0 if the two orders had nothing to do with each other.
    pub p: f64,
    /// Pairs of values.
    pub n: usize,
}

/// `None` for fewer than three pairs, or where one of the two is the same throughout.
///
/// τ_b with its variance under ties: Kendall, Rank Correlation Methods (1970), chapters 3 and 5.
pub fn kendall(pairs: &[(f64, f64)]) -> Option<Kendall> {
    let pairs: Vec<_> = pairs.iter().filter(|(a, b)| a.is_finite() && b.is_finite()).collect();
    let n = pairs.len();
    if n < 3 {
        return None;
    }
    let mut score = 0i64;
    for (i, a) in pairs.iter().enumerate() {
        for b in &pairs[..i] {
            let sign = |x: f64, y: f64| i64::from(x > y) - i64::from(x < y);
            score += sign(a.0, b.0) * sign(a.1, b.1);
        }
    }
    let [x, y] = [ties(pairs.iter().map(|p| p.0)), ties(pairs.iter().map(|p| p.1))];
    let all = n as f64 * (n as f64 - 1.0) / 2.0;
    let of_ties = |sizes: &[f64]| sizes.iter().map(|t| t * (t - 1.0) / 2.0).sum::<f64>();
    let (free_x, free_y) = (all - of_ties(&x), all - of_ties(&y));
    if free_x == 0.0 || free_y == 0.0 {
        return None;
    }
    let tau = score as f64 / (free_x * free_y).sqrt();
    let p = if x.is_empty() && y.is_empty() && n <= EXACT {
        exact(n, score.unsigned_abs() as usize)
    } else {
        let size = n as f64;
        let sum = |sizes: &[f64], f: fn(f64) -> f64| sizes.iter().map(|t| f(*t)).sum::<f64>();
        let cubic: fn(f64) -> f64 = |t| t * (t - 1.0) * (2.0 * t + 5.0);
        let square: fn(f64) -> f64 = |t| t * (t - 1.0);
        let triple: fn(f64) -> f64 = |t| t * (t - 1.0) * (t - 2.0);
        let variance = (cubic(size) - sum(&x, cubic) - sum(&y, cubic)) / 18.0
            + sum(&x, square) * sum(&y, square) / (2.0 * size * (size - 1.0))
            + sum(&x, triple) * sum(&y, triple) / (9.0 * size * (size - 1.0) * (size - 2.0));
        libm::erfc(score.abs() as f64 / (2.0 * variance).sqrt())
    };
    Some(Kendall { tau, p, n })
}

/// Sizes of the groups of equal values, those of one left out.
fn ties(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted.chunk_by(|a, b| a == b).map(|group| group.len() as f64).filter(|size| *size > 1.0).collect()
}

/// Of all orders of `n` things, the share whose |concordant - discordant| is at least `score`, by counting inversions.
fn exact(n: usize, score: usize) -> f64 {
    // shares[k]: of orders with k inversions.
    let mut shares = vec![1.0];
    for size in 2..=n {
        let mut next = vec![0.0; shares.len() + size - 1];
        for (k, share) in shares.iter().enumerate() {
            next[k..k + size].iter_mut().for_each(|slot| *slot += share / size as f64);
        }
        shares = next;
    }
    let pairs = shares.len() as i64 - 1;
    let far = |k: usize| (pairs - 2 * k as i64).unsigned_abs() as usize >= score;
    shares.iter().enumerate().filter(|(k, _)| far(*k)).map(|(_, share)| share).sum::<f64>().min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(a: &[f64], b: &[f64], tau: f64, p: f64) {
        let pairs: Vec<_> = a.iter().copied().zip(b.iter().copied()).collect();
        let found = kendall(&pairs).expect("a correlation");
        assert!((found.tau - tau).abs() < 1e-12 && (found.p - p).abs() < 1e-9, "{found:?} is not {tau}, {p}");
        assert_eq!(found.n, a.len());
    }

    /// Golden numbers: scipy.stats.kendalltau 1.17.
    #[test]
    fn agrees_with_published_software() {
        // With ties.
        check(
            &[12.0, 2.0, 1.0, 12.0, 2.0],
            &[1.0, 4.0, 7.0, 1.0, 0.0],
            -0.471_404_520_791_031_6,
            0.282_745_459_932_774_67,
        );
        check(
            &[1.0, 2.0, 2.0, 3.0, 3.0, 3.0, 4.0, 5.0, 6.0, 7.0],
            &[1.0, 3.0, 2.0, 2.0, 5.0, 4.0, 4.0, 6.0, 8.0, 7.0],
            0.785_937_088_578_742_7,
            0.002_434_722_997_600_704,
        );
        // Without: exact probabilities.
        check(
            &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0],
            &[2.0, 1.0, 4.0, 3.0, 7.0, 5.0, 8.0, 6.0],
            0.642_857_142_857_142_8,
            0.031_150_793_650_793_65,
        );
        check(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0], 1.0, 1.0 / 3.0);
        // Too many for exact probabilities.
        let order: Vec<f64> = (0..60).map(f64::from).collect();
        let other: Vec<f64> = (0..60).map(|i| f64::from((i * 37) % 60)).collect();
        check(&order, &other, 0.064_406_779_661_016_95, 0.467_174_624_091_872_27);
    }

    #[test]
    fn nothing_is_said_of_too_little() {
        assert_eq!(kendall(&[(1.0, 2.0), (2.0, 3.0)]), None);
        assert_eq!(kendall(&[(1.0, 2.0), (1.0, 3.0), (1.0, 4.0)]), None);
        assert_eq!(kendall(&[(f64::NAN, 2.0), (1.0, 3.0), (2.0, 4.0)]), None);
    }
}
