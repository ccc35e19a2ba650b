//! Curves by sampling, where enumeration would take too long.

use super::entropy::{divergence, entropy};
use worlds::pace::Pace;
use worlds::{
    World,
    rng::{Purpose, Stream},
};

/// A mean over samples, with its squared standard error.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mean {
    /// The mean.
    pub value: f64,
    /// The square of the mean's standard error, so that errors of independent means add up.
    pub squared_error: f64,
}

/// Two estimates of the same sequences, position by position.
#[derive(Clone, Copy, Default)]
struct Sums {
    a: f64,
    b: f64,
    aa: f64,
    ab: f64,
    bb: f64,
}

/// Over sampled topics and sequences, by position. No sampled token's surprise enters, only whole distributions: the
/// means are the same and the noise far less.
pub struct Sampled {
    sequences: f64,
    /// a: entropy of the Bayes predictive, whose mean is h_l. b: KL(oracle's predictive || Bayes'), whose mean is h_l less
    /// the oracle's loss.
    hidden: Vec<Sums>,
    /// a: entropy of the oracle's predictive.
    known: Vec<Sums>,
}

impl Sampled {
    /// Samples `sequences` sequences and adds up the entropies at their first `length` positions. A
    /// step of the filter counts as about `work` units of the pace.
    pub async fn draw(pace: &mut Pace, world: &World, length: usize, sequences: usize, work: usize) -> Self {
        let (mut hidden, mut known) = (vec![Sums::default(); length], vec![Sums::default(); length]);
        let mut filter = world.bayes();
        let mut tokens = vec![0; length];
        let (mut bayes, mut oracle) = (vec![0.0; world.vocab()], vec![0.0; world.vocab()]);
        for index in 0..sequences {
            pace.reached(index as f64 / sequences as f64);
            let mut stream = Stream::new(0, Purpose::MonteCarlo, index as u64);
            let topic = world.draw_topic(&mut stream);
            world.draw_sequence(&topic, &mut tokens, &mut stream);
            let mut informed = world.oracle(&topic);
            filter.reset();
            for (l, &token) in tokens.iter().enumerate() {
                filter.predict(&mut bayes);
                informed.predict(&mut oracle);
                hidden[l].add(entropy(&bayes), divergence(&oracle, &bayes).max(0.0));
                known[l].add(entropy(&oracle), 0.0);
                filter.observe(token);
                informed.observe(token);
                pace.worked(work).await;
            }
        }
        Self { sequences: sequences as f64, hidden, known }
    }

    /// h of position index `l`. Where the oracle's loss is known more closely than by these sequences, the two ways to
    /// h are weighed against each other for the least variance. `filter_error` is the standard error that the filter
    /// itself brings to the first way; to the second, where it only adds to a divergence, it brings next to none.
    pub fn bayes(&self, l: usize, oracle: Option<Mean>, filter_error: f64) -> Mean {
        let sums = &self.hidden[l];
        let (a, b) = sums.means(self.sequences);
        let (va, vb, cov) = sums.squared_errors(self.sequences);
        let va = va + filter_error * filter_error;
        let Some(oracle) = oracle else { return Mean { value: a, squared_error: va } };
        let vb = vb + oracle.squared_error;
        let spread = va + vb - 2.0 * cov;
        let share = if spread > 0.0 { ((vb - cov) / spread).clamp(0.0, 1.0) } else { 1.0 };
        let rest = 1.0 - share;
        Mean {
            value: share * a + rest * (oracle.value + b),
            squared_error: (share * share * va + rest * rest * vb + 2.0 * share * rest * cov).max(0.0),
        }
    }

    /// The oracle's loss at position index `l`.
    pub fn oracle(&self, l: usize) -> Mean {
        let sums = &self.known[l];
        Mean { value: sums.means(self.sequences).0, squared_error: sums.squared_errors(self.sequences).0 }
    }
}

impl Sums {
    fn add(&mut self, a: f64, b: f64) {
        self.a += a;
        self.b += b;
        self.aa += a * a;
        self.ab += a * b;
        self.bb += b * b;
    }

    fn means(&self, n: f64) -> (f64, f64) {
        (self.a / n, self.b / n)
    }

    /// Of the means: variance of a, of b, and covariance.
    fn squared_errors(&self, n: f64) -> (f64, f64, f64) {
        let (a, b) = self.means(n);
        let of = |products: f64, means: f64| (products / n - means) / (n - 1.0).max(1.0);
        (of(self.aa, a * a).max(0.0), of(self.bb, b * b).max(0.0), of(self.ab, a * b))
    }
}
