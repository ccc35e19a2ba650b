//! Coins: the closed forms that N of them are held against.

use super::entropy::entropy;

/// Loss after `seen` tosses of a coin whose bias is uniform on [0, 1], nats: 1/(L+1) Σ_{k=0..L} H_b((k+1)/(L+2)), since every count k of
/// heads is as likely as any other and the next toss comes up heads with probability (k+1)/(L+2).
pub fn uniform_prior(seen: usize) -> f64 {
    let n = (seen + 2) as f64;
    let distribution = |k: usize| {
        let p = (k + 1) as f64 / n;
        entropy(&[p, 1.0 - p])
    };
    (0..=seen).map(distribution).sum::<f64>() / (seen + 1) as f64
}

/// Chernoff information of two coins, nats per toss: -min over s in [0, 1] of ln(p^s q^(1-s) + (1-p)^s (1-q)^(1-s)). The probability to
/// take one for the other falls with this rate.
pub fn chernoff(p: f64, q: f64) -> f64 {
    let log_sum = |s: f64| (p.powf(s) * q.powf(1.0 - s) + (1.0 - p).powf(s) * (1.0 - q).powf(1.0 - s)).ln();
    // Convex in s: the minimum by golden sections.
    let ratio = 0.5 * (5f64.sqrt() - 1.0);
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let (a, b) = (high - ratio * (high - low), low + ratio * (high - low));
        if log_sum(a) < log_sum(b) { high = b } else { low = a }
    }
    -log_sum(0.5 * (low + high))
}

/// The least Chernoff information of two neighbours among `count` coins with probabilities (i+1)/(count+1): with much context, the excess
/// over the entropy rate falls with this rate. At least two coins.
pub fn closest_pair(count: usize) -> f64 {
    let probability = |i: usize| (i + 1) as f64 / (count + 1) as f64;
    (1..count).map(|i| chernoff(probability(i - 1), probability(i))).fold(f64::INFINITY, f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Budget, Curves};
    use worlds::World;

    #[test]
    fn golden_numbers() {
        let known = [(0, 2f64.ln()), (1, 0.636_51), (2, 0.605_94), (3, 0.586_71), (10, 0.538_55), (100, 0.504_83)];
        assert!(known.iter().all(|(l, loss)| (uniform_prior(*l) - loss).abs() < 1e-5));
        // Of 1/3 and 2/3, s = 1/2 by symmetry: -ln(2 sqrt(2)/3).
        let expected = -(2.0 * 2f64.sqrt() / 3.0).ln();
        assert!(
            (chernoff(1.0 / 3.0, 2.0 / 3.0) - expected).abs() < 1e-12 && (closest_pair(2) - expected).abs() < 1e-12
        );
        // Neighbours near one half are the closest: 1/(2 (n+1)²) for many coins.
        assert!((closest_pair(100) * 2.0 * 101f64.powi(2) - 1.0).abs() < 0.01);
        assert!(chernoff(0.3, 0.3).abs() < 1e-12);
    }

    /// The excess of few coins does fall at that rate in the end.
    #[test]
    fn the_excess_falls_at_the_rate_of_the_closest_pair() {
        let world = World::new(&"coins:n=3".parse().expect("a spec")).expect("a world");
        let curves = Curves::compute(&world, 241, &Budget::default());
        let excess = |l: usize| curves.bayes.values[l] - curves.entropy_rate;
        // Up to a power of L, which over a factor 1.5 in L matters little.
        let rate = (excess(160) / excess(240)).ln() / 80.0;
        let expected = closest_pair(3);
        assert!((rate / expected - 1.0).abs() < 0.15, "{rate} for {expected}");
    }
}
