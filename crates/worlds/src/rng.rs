//! Random streams that give the same numbers on every platform.
//!
//! Each purpose and index has a stream of its own, so that any part of a run can be drawn again without drawing what
//! came before it. The distributions are written out here, with `libm` for every transcendental function, because a
//! library's may change between versions and the platform's `ln` differs in its last bits between platforms.

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

/// What a stream is for; streams of different purposes are independent. The numbers are part of what a seed means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Topic `index` of a training set.
    Topic = 1,
    /// Sequence `index` of a training set.
    Sequence = 2,
    /// Which rows of a training set make up batch `index`.
    Batch = 3,
    /// Topic and sequence of a row drawn afresh.
    Fresh = 4,
    /// Which training sequences are measured.
    Probe = 5,
    /// Sequences of an evaluation set.
    Evaluation = 6,
    /// A net's first parameters.
    Initialisation = 7,
    /// Paths of a Monte Carlo estimate.
    MonteCarlo = 8,
    /// Particles of a filter.
    Particles = 9,
    /// Fresh sequences of training topics, for evaluation.
    EvaluationSeen = 10,
    /// Tokens that only have to be there: device checks, timing, tests.
    Timing = 11,
    /// What a named world itself is made of: GINC's memory and concepts, a pool of chains.
    World = 12,
    /// Which topics and sequences the priors may see.
    Subset = 13,
    /// Noise of Langevin step `index`.
    Langevin = 14,
    /// Topics and sequences that a world's picture shows.
    Picture = 15,
    /// Gaussian perturbations of a model, and the sequences that each is tried on.
    Perturbation = 16,
    /// Batches on which gradient differences are measured.
    Difference = 17,
    /// Which counterpart a training row has in a prior's subset.
    Counterpart = 18,
    /// Sequences on which probes measure a model.
    Inside = 20,
}

/// A counter-based stream (ChaCha8) whose key is the seed, the purpose and the index.
#[derive(Clone, Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream of a seed, a purpose and an index. Equal arguments give the same numbers on every
    /// platform.
    pub fn new(seed: u64, purpose: Purpose, index: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&(purpose as u64).to_le_bytes());
        key[16..24].copy_from_slice(&index.to_le_bytes());
        Self(ChaCha8Rng::from_seed(key))
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform on [0, 1), 53 bits.
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * f64::powi(2.0, -53)
    }

    /// Uniform on the open interval (0, 1), 52 bits: safe to take the logarithm of.
    pub fn open_uniform(&mut self) -> f64 {
        ((self.bits() >> 12) as f64 + 0.5) * f64::powi(2.0, -52)
    }

    /// Uniform on 0..n, without bias (Lemire's multiply and reject). 0 for n = 0.
    pub fn below(&mut self, n: u64) -> u64 {
        loop {
            let product = u128::from(self.bits()) * u128::from(n);
            // The lowest 2^64 mod n values of the low half would be hit once too often.
            if n == 0 || product as u64 >= n.wrapping_neg() % n {
                return (product >> 64) as u64;
            }
        }
    }

    /// An exponential variate of mean 1.
    pub fn exponential(&mut self) -> f64 {
        -libm::log(self.open_uniform())
    }

    /// A standard normal variate (Marsaglia's polar method).
    pub fn normal(&mut self) -> f64 {
        loop {
            let (x, y) = (2.0 * self.open_uniform() - 1.0, 2.0 * self.open_uniform() - 1.0);
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                return x * (-2.0 * libm::log(square) / square).sqrt();
            }
        }
    }

    /// ln of a Gamma(shape, 1) variate, for any shape > 0 (Marsaglia and Tsang 2000). In logs, because a small shape
    /// gives values far below the smallest f64.
    pub fn log_gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            // Gamma(a) = Gamma(a + 1) U^(1/a).
            return self.log_gamma(shape + 1.0) + libm::log(self.open_uniform()) / shape;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let cube = 1.0 + c * x;
            if cube > 0.0 {
                let v = cube * cube * cube;
                let log_v = libm::log(v);
                if libm::log(self.open_uniform()) < 0.5 * x * x + d * (1.0 - v + log_v) {
                    return libm::log(d) + log_v;
                }
            }
        }
    }

    /// A Gamma(shape, 1) variate; 0 where it is below the smallest f64 ([`Self::log_gamma`] has its
    /// logarithm).
    pub fn gamma(&mut self, shape: f64) -> f64 {
        libm::exp(self.log_gamma(shape))
    }

    /// A Beta(a, b) variate.
    pub fn beta(&mut self, a: f64, b: f64) -> f64 {
        let difference = self.log_gamma(b) - self.log_gamma(a);
        1.0 / (1.0 + libm::exp(difference))
    }

    /// A Dirichlet(alphas) variate. Of two, drawn as a Beta.
    pub fn dirichlet_with(&mut self, alphas: &[f64]) -> Vec<f64> {
        if let [a, b] = *alphas {
            let p = self.beta(a, b);
            return vec![p, 1.0 - p];
        }
        let mut out: Vec<f64> = alphas.iter().map(|&alpha| self.log_gamma(alpha)).collect();
        normalise_logs(&mut out);
        out
    }

    /// A symmetric Dirichlet(alpha) variate, written to `out`.
    pub fn dirichlet(&mut self, alpha: f64, out: &mut [f64]) {
        for slot in out.iter_mut() {
            *slot = self.log_gamma(alpha);
        }
        normalise_logs(out);
    }

    /// An index with probability proportional to its weight; weights are not negative and not all 0.
    pub fn categorical(&mut self, weights: impl Iterator<Item = f64> + Clone) -> usize {
        let mut left = self.uniform() * weights.clone().sum::<f64>();
        let mut last = 0;
        for (i, weight) in weights.enumerate() {
            if weight > 0.0 {
                if left < weight {
                    return i;
                }
                left -= weight;
                last = i;
            }
        }
        // Rounding may leave a trace beyond the last weight.
        last
    }
}

/// Exponentials that sum to 1.
fn normalise_logs(out: &mut [f64]) {
    let top = out.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for slot in out.iter_mut() {
        *slot = libm::exp(*slot - top);
        sum += *slot;
    }
    for slot in out.iter_mut() {
        *slot /= sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(n: usize, mut draw: impl FnMut() -> f64) -> (f64, f64) {
        let (mut sum, mut squares) = (0.0, 0.0);
        for _ in 0..n {
            let x = draw();
            sum += x;
            squares += x * x;
        }
        let mean = sum / n as f64;
        (mean, squares / n as f64 - mean * mean)
    }

    #[test]
    fn a_stream_is_the_same_for_ever() {
        let mut s = Stream::new(1, Purpose::Topic, 0);
        assert_eq!([s.bits(), s.bits(), s.bits()], [4344717217939160907, 15305578173110765368, 9084237482523225113]);
        assert_ne!(Stream::new(1, Purpose::Topic, 1).bits(), Stream::new(1, Purpose::Sequence, 0).bits());
        assert_ne!(Stream::new(2, Purpose::Topic, 0).bits(), Stream::new(1, Purpose::Topic, 0).bits());
    }

    #[test]
    fn distributions_have_their_moments() {
        let n = 40_000;
        let mut s = Stream::new(3, Purpose::MonteCarlo, 0);
        let near = |(mean, variance): (f64, f64), m: f64, v: f64| {
            // 4 standard errors of the mean; a loose check of the variance.
            assert!((mean - m).abs() < 4.0 * (v / n as f64).sqrt(), "mean {mean}, not {m}");
            assert!((variance - v).abs() < 0.15 * v, "variance {variance}, not {v}");
        };
        near(moments(n, || s.uniform()), 0.5, 1.0 / 12.0);
        near(moments(n, || s.exponential()), 1.0, 1.0);
        near(moments(n, || s.normal()), 0.0, 1.0);
        for shape in [0.3, 1.0, 4.5] {
            near(moments(n, || s.gamma(shape)), shape, shape);
        }
        near(moments(n, || s.beta(2.0, 0.5)), 0.8, 0.16 / 3.5);
        near(moments(n, || s.below(7) as f64), 3.0, 4.0);
        near(moments(n, || s.categorical([1.0, 0.0, 3.0].into_iter()) as f64), 1.5, 0.75);
        let mut row = [0.0; 3];
        near(
            moments(n, || {
                s.dirichlet(0.5, &mut row);
                assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12);
                row[1]
            }),
            1.0 / 3.0,
            (2.0 / 9.0) / 2.5,
        );
        assert_eq!(s.below(0), 0);
        assert_eq!(s.below(1), 0);
    }
}
