//! A certificate beyond P2: PAC-Bayes-kl on whole sequences, with smoothed predictions so that the loss is bounded.
//!
//! For a prior chosen without the n sequences at hand and any posterior, with probability at least 1 - δ over those sequences,
//! `kl(emp/Δ || pop/Δ) <= (KL(posterior || prior) + ln(2√n/δ))/n` (Seeger 2002, Maurer 2004; the sequences need to be independent
//! and not of one distribution, so that fixed training topics are allowed). `kl` is that of two coins. Losses are per token, averaged
//! over a whole sequence: tokens within one are not independent, and count as nothing.

/// KL of a coin with probability `q` from one with probability `p`, nats; infinite where `q` can do what `p` cannot.
pub fn coin_kl(q: f64, p: f64) -> f64 {
    let term = |q: f64, p: f64| if q <= 0.0 { 0.0 } else { q * (q / p).ln() };
    (term(q, p) + term(1.0 - q, 1.0 - p)).max(0.0)
}

/// The largest `p` with `coin_kl(q, p) <= budget`, in q..=1.
pub fn coin_kl_inverse(q: f64, budget: f64) -> f64 {
    let (mut low, mut high) = (q.clamp(0.0, 1.0), 1.0);
    // 60 halvings exhaust an f64 between 0 and 1.
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if coin_kl(q, middle) <= budget { low = middle } else { high = middle }
    }
    high
}

/// Predictions mixed with uniform ones, `p_a = (1-a) p + a/V`: no token costs more than `least + range`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Smoothing {
    /// a, between 0 and 1.
    pub a: f64,
    /// V: how many tokens there are.
    pub vocab: usize,
}

impl Smoothing {
    /// -ln p_a of a token that `p` is sure of: the least loss.
    pub fn least(&self) -> f64 {
        -(1.0 - self.a + self.a / self.vocab as f64).ln()
    }

    /// Δ = ln(1 + (1-a)V/a): the largest loss less the least.
    pub fn range(&self) -> f64 {
        ((1.0 - self.a) * self.vocab as f64 / self.a).ln_1p()
    }

    /// -ln p_a of a token whose ln p is given.
    pub fn loss(&self, log_p: f64) -> f64 {
        -((1.0 - self.a) * log_p.exp() + self.a / self.vocab as f64).ln()
    }
}

/// Upper bound on the population loss, both losses counted from the least one, nats per token: `empirical` over `n` whole
/// sequences, `range` Δ, `kl` between posterior and prior, failing with probability `delta`.
pub fn population_bound(empirical: f64, range: f64, kl: f64, n: f64, delta: f64) -> f64 {
    let budget = (kl + (2.0 * n.sqrt() / delta).ln()) / n;
    range * coin_kl_inverse(empirical / range, budget)
}

/// The smallest number of whole sequences at which [`population_bound`] would lie below `target`, everything else equal; `None`
/// where the empirical loss itself does not.
pub fn sequences_needed(empirical: f64, range: f64, kl: f64, delta: f64, target: f64) -> Option<f64> {
    let below = |n: f64| population_bound(empirical, range, kl, n, delta) < target;
    let (mut low, mut high) = (1.0, 2.0);
    while !below(high) {
        (low, high) = (high, 2.0 * high);
        if high > 1e15 {
            return None;
        }
    }
    // The budget falls with n from n = 2 on, so halving finds the border.
    while high - low > 1.0 {
        let middle = (0.5_f64 * (low + high)).floor();
        if below(middle) { high = middle } else { low = middle }
    }
    Some(high)
}

/// Upper confidence limit of a mean: at most `delta` is the probability that the true mean of values between 0 and `range` lies
/// above it. Empirical Bernstein (Maurer and Pontil 2009, theorem 4): `mean + sqrt(2 V ln(2/δ)/m) + 7 Δ ln(2/δ)/(3(m-1))`.
pub fn mean_limit(mean: f64, variance: f64, range: f64, draws: usize, delta: f64) -> f64 {
    let (m, log) = (draws as f64, (2.0 / delta).ln());
    (mean + (2.0 * variance * log / m).sqrt() + 7.0 * range * log / (3.0 * (m - 1.0).max(f64::MIN_POSITIVE))).min(range)
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests {
    use super::*;
    use worlds::rng::{Purpose, Stream};

    const FIVE: Smoothing = Smoothing { a: 0.01, vocab: 5 };

    #[test]
    fn agrees_with_the_worked_examples() {
        assert!((FIVE.range() - 6.20658).abs() < 1e-5);
        for (n, kl, expected) in [(16384.0, 200.0, 1.22727), (16384.0, 2000.0, 2.21438), (8192.0, 200.0, 1.40304)] {
            let bound = population_bound(0.85, FIVE.range(), kl, n, 0.05);
            assert!((bound - expected).abs() < 1e-4, "{n} {kl}: {bound}");
        }
    }

    #[test]
    fn smoothed_losses_stay_within_their_range() {
        let most = FIVE.least() + FIVE.range();
        assert!((FIVE.loss(f64::NEG_INFINITY) - most).abs() < 1e-12);
        assert!((FIVE.loss(0.0) - FIVE.least()).abs() < 1e-12);
        // By hand: .99 x .25 + .002.
        assert!((FIVE.loss(0.25_f64.ln()) + 0.2495_f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn the_inverse_inverts() {
        for q in [0.0, 0.01, 0.3, 0.9] {
            for budget in [0.0, 1e-4, 0.1, 2.0] {
                let p = coin_kl_inverse(q, budget);
                assert!(p >= q && (coin_kl(q, p) - budget).abs() < 1e-5, "{q} {budget}: {p}");
            }
        }
        assert_eq!(coin_kl_inverse(1.0, 0.5), 1.0);
        // 1 - exp(-c) in closed form where q = 0.
        assert!((coin_kl_inverse(0.0, 0.2) - (1.0 - (-0.2_f64).exp())).abs() < 1e-12);
    }

    #[test]
    fn finds_the_number_of_sequences_that_is_needed() {
        let uniform = 5.0_f64.ln();
        let n = sequences_needed(0.85, FIVE.range(), 200.0, 0.05, uniform).expect("some n");
        assert!(population_bound(0.85, FIVE.range(), 200.0, n, 0.05) < uniform);
        assert!(population_bound(0.85, FIVE.range(), 200.0, n - 1.0, 0.05) >= uniform);
        assert_eq!(sequences_needed(1.7, FIVE.range(), 200.0, 0.05, uniform), None);
    }

    /// Coins as losses, the posterior being the prior: how often the bound and the limit fail.
    #[test]
    fn both_fail_no_more_often_than_they_may() {
        let (delta, repeats, n) = (0.1, 2000_u64, 60_usize);
        for probability in [0.02, 0.3, 0.8] {
            let (mut bound_failed, mut limit_failed) = (0, 0);
            for repeat in 0..repeats {
                let mut stream = Stream::new(repeat, Purpose::MonteCarlo, 0);
                let hits = (0..n).filter(|_| stream.uniform() < probability).count() as f64;
                let mean = hits / n as f64;
                let variance = mean * (1.0 - mean) * n as f64 / (n as f64 - 1.0);
                bound_failed += u64::from(population_bound(mean, 1.0, 0.0, n as f64, delta) < probability);
                limit_failed += u64::from(mean_limit(mean, variance, 1.0, n, delta) < probability);
            }
            assert!(bound_failed as f64 <= delta * repeats as f64, "{probability}: {bound_failed}");
            assert!(limit_failed as f64 <= delta * repeats as f64, "{probability}: {limit_failed}");
        }
    }
}
