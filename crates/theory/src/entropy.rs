//! Entropies, in nats.

/// -Σ p ln p; entries of 0 add nothing.
pub fn entropy(distribution: &[f64]) -> f64 {
    distribution.iter().map(|&p| if p > 0.0 { -p * p.ln() } else { 0.0 }).sum()
}

/// KL(p || q) = Σ p ln(p/q); infinite where q lacks something that p has.
pub fn divergence(p: &[f64], q: &[f64]) -> f64 {
    p.iter().zip(q).map(|(&p, &q)| if p > 0.0 { p * (p / q).ln() } else { 0.0 }).sum()
}

/// KL(p || q), where a probability below 1e-9 in q counts as 1e-9: finite whatever q is.
pub fn clamped_kl(p: &[f64], q: &[f64]) -> f64 {
    const LEAST: f64 = 1e-9;
    let sum: f64 = p.iter().zip(q).map(|(&p, &q)| if p > 0.0 { p * (p / q.max(LEAST)).ln() } else { 0.0 }).sum();
    sum.max(0.0)
}

/// ψ(x) = d ln Γ(x)/dx for x > 0: recurrence up to 8, then the asymptotic series (Abramowitz and Stegun 6.3.18),
/// right to about 1e-13.
pub fn digamma(mut x: f64) -> f64 {
    let mut value = 0.0;
    while x < 8.0 {
        value -= 1.0 / x;
        x += 1.0;
    }
    let square = 1.0 / (x * x);
    let series = square
        * (1.0 / 12.0 - square * (1.0 / 120.0 - square * (1.0 / 252.0 - square * (1.0 / 240.0 - square / 132.0))));
    value + x.ln() - 0.5 / x - series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digamma_has_its_known_values() {
        assert!((digamma(1.0) + 0.577_215_664_901_532_9).abs() < 1e-12);
        assert!((digamma(0.5) + 1.963_510_026_021_423).abs() < 1e-12);
        assert!((digamma(10.0) - 2.251_752_589_066_721).abs() < 1e-12);
    }
}
