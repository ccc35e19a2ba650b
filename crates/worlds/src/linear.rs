//! Linear dynamical systems: x_{t+1} = W x_t + noise, W being the topic (the setting of in-context regression, and Kalman's textbook
//! regression view of it). Sampling, and streaming predictors of the next vector; no step allocates.

use super::{
    WorldError,
    rng::{Purpose, Stream},
};
use experiment::WorldSpec;

/// Most entries of a vector.
pub const MAX_DIMENSION: usize = 5;
/// An entry is cut here: even its square fits the model's f32. Only a system that explodes comes near.
const LARGEST: f64 = 1e18;
/// Draws from which the spread of a rescaled W's entries is estimated.
const SPREAD_DRAWS: u64 = 4001;
/// Strength of the ridge that stands for none, relative to the trace of Σ x xᵀ: least squares of least norm.
const NEARLY_NOTHING: f64 = 1e-7;

type Vector = [f64; MAX_DIMENSION];
/// The upper left d x d part is used.
type Matrix = [Vector; MAX_DIMENSION];

const ZERO: Matrix = [[0.0; MAX_DIMENSION]; MAX_DIMENSION];

/// The distribution of topics and sequences of a linear dynamical system.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearPrior {
    dimension: usize,
    /// s_n.
    noise: f64,
    /// s_w, of the entries of W before rescaling.
    spread: f64,
    /// Standard deviation of each entry of x_1: s_n from rest, else 1.
    first: f64,
    /// Spectral radius that W is rescaled to; 0 leaves W as drawn.
    radius: f64,
}

/// A topic of a linear dynamical system: the matrix W of x_{t+1} = W x_t + noise.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearSystem {
    w: Matrix,
    dimension: usize,
}

impl LinearPrior {
    /// Reads the parameters of a spec of the kind `lds`.
    ///
    /// # Errors
    ///
    /// The spec has values out of range.
    pub fn new(spec: &WorldSpec) -> Result<Self, WorldError> {
        spec.validate().map_err(WorldError::Invalid)?;
        let noise = spec.parameter("noise");
        Ok(Self {
            dimension: (spec.parameter("d") as usize).clamp(1, MAX_DIMENSION),
            noise,
            spread: spec.parameter("sw"),
            first: if spec.parameter("start") == 1.0 { 1.0 } else { noise },
            radius: spec.parameter("radius"),
        })
    }

    /// d: entries of a vector.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// s_n: standard deviation of the noise in each entry.
    pub fn noise(&self) -> f64 {
        self.noise
    }

    /// Standard deviation of each entry of x_1.
    pub fn first(&self) -> f64 {
        self.first
    }

    /// Whether the entries of W are independent Gaussians, so that Bayesian ridge is exact Bayes.
    pub fn is_exact(&self) -> bool {
        self.radius == 0.0
    }

    /// s_w that Bayesian ridge goes by: the prior's own, or where W is rescaled the median root mean square of its entries (W
    /// may come out close to nilpotent and then huge, so that a mean need not exist).
    pub fn prior_spread(&self) -> f64 {
        if self.is_exact() {
            return self.spread;
        }
        let mut stream = Stream::new(0, Purpose::MonteCarlo, u64::MAX);
        let d = self.dimension;
        let mut squares: Vec<f64> = (0..SPREAD_DRAWS)
            .map(|_| {
                let system = self.draw(&mut stream);
                system.w.iter().flatten().map(|w| w * w).sum::<f64>() / (d * d) as f64
            })
            .collect();
        squares.sort_by(f64::total_cmp);
        squares[squares.len() / 2].sqrt()
    }

    /// Draws a topic, W ~ P(W).
    pub fn draw(&self, stream: &mut Stream) -> LinearSystem {
        let d = self.dimension;
        let mut system = LinearSystem { w: ZERO, dimension: d };
        for row in system.w.iter_mut().take(d) {
            for entry in row.iter_mut().take(d) {
                *entry = self.spread * stream.normal();
            }
        }
        if self.radius > 0.0 {
            let scale = self.radius / system.spectral_radius().max(f64::MIN_POSITIVE);
            system.w.iter_mut().flatten().for_each(|entry| *entry *= scale);
        }
        system
    }

    /// Draws x_1..x_T into `out`, `[T, d]`. Each vector is rounded to f32 before the next follows
    /// from it, so that what a model reads is exactly what happened.
    pub fn draw_sequence(&self, system: &LinearSystem, out: &mut [f32], stream: &mut Stream) {
        let mut mean = [0.0; MAX_DIMENSION];
        let mut deviation = self.first;
        for x in out.chunks_exact_mut(self.dimension) {
            for (slot, mean) in x.iter_mut().zip(&mean) {
                *slot = (mean + deviation * stream.normal()).clamp(-LARGEST, LARGEST) as f32;
            }
            mean = times(&system.w, x);
            deviation = self.noise;
        }
    }

    /// The exact predictor that knows W.
    pub fn oracle(&self, system: &LinearSystem) -> Forecaster {
        self.forecaster(Kind::Known(system.w))
    }

    /// The predictor with W hidden: Bayesian ridge, which is exact Bayes where [`Self::is_exact`].
    pub fn bayes(&self) -> Forecaster {
        self.ridge((self.noise / self.prior_spread()).powi(2))
    }

    /// The predictor that regresses W's rows with this strength: N(M x, s_n² (1 + xᵀΛ⁻¹x) I), Λ = Σ
    /// x xᵀ + strength · I.
    pub fn ridge(&self, strength: f64) -> Forecaster {
        self.forecaster(Kind::Ridge { regression: Box::default(), strength })
    }

    /// The predictor by ordinary least squares, of least norm while W is not determined, with the
    /// variance that regression gives a prediction.
    pub fn least_squares(&self) -> Forecaster {
        self.ridge(0.0)
    }

    /// The predictor that takes the next vector to be like the last one, give or take as much as it
    /// has moved so far.
    pub fn last_value(&self) -> Forecaster {
        self.forecaster(Kind::Last { squares: self.noise * self.noise, moves: 1.0 })
    }

    /// The exact predictor with W hidden, which is one of the given systems, equally likely. With
    /// none, as [`Self::bayes`].
    pub fn pool<'a>(&self, systems: impl Iterator<Item = &'a LinearSystem>) -> Forecaster {
        let systems: Vec<Matrix> = systems.map(|s| s.w).collect();
        if systems.is_empty() {
            return self.bayes();
        }
        let logs = vec![0.0; systems.len()];
        self.forecaster(Kind::Pool { shares: vec![1.0 / systems.len() as f64; systems.len()], logs, systems })
    }

    fn forecaster(&self, kind: Kind) -> Forecaster {
        Forecaster { distribution: *self, kind, last: [0.0; MAX_DIMENSION], seen: 0 }
    }
}

impl LinearSystem {
    /// The system whose matrix W has these entries, row-major, d x d.
    pub fn new(dimension: usize, entries: &[f64]) -> Self {
        let mut w = ZERO;
        for (row, values) in w.iter_mut().zip(entries.chunks(dimension.max(1))) {
            row.iter_mut().zip(values).for_each(|(slot, value)| *slot = *value);
        }
        Self { w, dimension }
    }

    /// d: entries of a vector.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Entry of W in a row and a column, both from 0.
    pub fn entry(&self, row: usize, column: usize) -> f64 {
        self.w[row][column]
    }

    /// Spectral radius of W: lim ‖Wⁿ‖^(1/n) over n = 2, 4, 8, ..., by squaring, which needs no
    /// eigenvalues and gives the same bits on every platform.
    pub fn spectral_radius(&self) -> f64 {
        let d = self.dimension;
        let mut power = self.w;
        let (mut log, mut share) = (0.0, 1.0);
        for _ in 0..48 {
            let norm = power.iter().flatten().map(|v| v * v).sum::<f64>().sqrt();
            if !(norm > 0.0) {
                return 0.0;
            }
            log += share * libm::log(norm);
            share /= 2.0;
            let mut square = ZERO;
            for (i, row) in square.iter_mut().enumerate().take(d) {
                for (j, slot) in row.iter_mut().enumerate().take(d) {
                    *slot = (0..d).map(|k| power[i][k] / norm * (power[k][j] / norm)).sum();
                }
            }
            power = square;
        }
        libm::exp(log)
    }
}

/// The direction that a vector is shown as, a number of [`WorldSpec::tokens`]: twice the index of
/// its entry of largest magnitude, plus 1 where that entry is below 0. An empty vector gives 0.
pub fn direction(x: &[f32]) -> u16 {
    let largest = (0..x.len()).fold(0, |best, i| if x[i].abs() > x[best].abs() { i } else { best });
    2 * largest as u16 + u16::from(x.get(largest).is_some_and(|v| *v < 0.0))
}

/// The predictive distribution of the next vector. Starts before the first one, whose distribution N(0, s_1² I) everyone knows.
#[derive(Clone, Debug)]
pub struct Forecaster {
    distribution: LinearPrior,
    kind: Kind,
    last: Vector,
    /// How many vectors were observed.
    seen: usize,
}

#[derive(Clone, Debug)]
enum Kind {
    Known(Matrix),
    /// `strength` 0: least squares.
    Ridge {
        regression: Box<Regression>,
        strength: f64,
    },
    Pool {
        systems: Vec<Matrix>,
        /// Log posterior up to a constant.
        logs: Vec<f64>,
        shares: Vec<f64>,
    },
    Last {
        /// Sum of squares of moves per entry, the first term being the noise's.
        squares: f64,
        moves: f64,
    },
}

/// An isotropic Gaussian: the predictive distribution of a vector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gaussian {
    mean: Vector,
    dimension: usize,
    /// Variance of each entry.
    pub variance: f64,
}

impl Gaussian {
    /// The Gaussian with this mean, of at most [`MAX_DIMENSION`] entries, and this variance in each
    /// entry.
    pub fn new(mean: &[f32], variance: f64) -> Self {
        let mut own = [0.0; MAX_DIMENSION];
        own.iter_mut().zip(mean).for_each(|(slot, &value)| *slot = f64::from(value));
        Self { mean: own, dimension: mean.len().min(MAX_DIMENSION), variance }
    }

    /// The mean, with d entries.
    pub fn mean(&self) -> &[f64] {
        &self.mean[..self.dimension]
    }

    /// ln p(x), nats per vector. A density, so that it may be above 0.
    pub fn log_density(&self, x: &[f32]) -> f64 {
        let d = self.dimension as f64;
        let square: f64 = self.mean.iter().zip(x).map(|(m, x)| (f64::from(*x) - m).powi(2)).sum();
        -0.5 * (d * (std::f64::consts::TAU * self.variance).ln() + square / self.variance)
    }

    /// Differential entropy, d/2 ln(2πe v) with the variance v; nats.
    pub fn entropy(&self) -> f64 {
        entropy(self.dimension, self.variance)
    }

    /// KL(self || other), nats.
    pub fn divergence(&self, other: &Self) -> f64 {
        let ratio = self.variance / other.variance;
        let spread = 0.5 * self.dimension as f64 * (ratio - 1.0 - ratio.ln());
        (spread + self.squared_distance(other) / (2.0 * other.variance)).max(0.0)
    }

    /// Squared Euclidean distance between the means.
    pub fn squared_distance(&self, other: &Self) -> f64 {
        self.mean.iter().zip(&other.mean).map(|(a, b)| (a - b).powi(2)).sum()
    }
}

/// Differential entropy of an isotropic Gaussian with d entries, d/2 ln(2πe v); nats.
pub fn entropy(dimension: usize, variance: f64) -> f64 {
    0.5 * dimension as f64 * (std::f64::consts::TAU * std::f64::consts::E * variance).ln()
}

impl Forecaster {
    /// Forgets the sequence: goes back to before the first vector.
    pub fn reset(&mut self) {
        self.seen = 0;
        match &mut self.kind {
            Kind::Known(_) => {}
            Kind::Ridge { regression, .. } => **regression = Regression::default(),
            Kind::Pool { logs, shares, .. } => {
                logs.fill(0.0);
                shares.fill(1.0 / logs.len() as f64);
            }
            Kind::Last { squares, moves } => (*squares, *moves) = (self.distribution.noise.powi(2), 1.0),
        }
    }

    /// The distribution of the next vector. Over a pool it is a mixture of Gaussians, and this its moments: the posterior-weighted mean
    /// is the best guess, and [`Self::log_density`] the exact density.
    pub fn predict(&self) -> Gaussian {
        let (d, noise) = (self.distribution.dimension, self.distribution.noise.powi(2));
        let gaussian = |mean: Vector, variance: f64| Gaussian { mean, dimension: d, variance };
        if self.seen == 0 {
            return gaussian([0.0; MAX_DIMENSION], self.distribution.first.powi(2));
        }
        match &self.kind {
            Kind::Known(w) => gaussian(product(w, &self.last), noise),
            Kind::Ridge { regression, strength } => {
                let (mean, leverage) = regression.predict(&self.last, *strength, d);
                gaussian(mean, noise * (1.0 + leverage))
            }
            Kind::Pool { systems, shares, .. } => {
                let mut mean = [0.0; MAX_DIMENSION];
                let mut square = 0.0;
                for (w, share) in systems.iter().zip(shares).filter(|(_, share)| **share > 0.0) {
                    let each = product(w, &self.last);
                    mean.iter_mut().zip(&each).for_each(|(m, e)| *m += share * e);
                    square += share * each.iter().map(|e| e * e).sum::<f64>();
                }
                let between = (square - mean.iter().map(|m| m * m).sum::<f64>()).max(0.0);
                gaussian(mean, noise + between / d as f64)
            }
            Kind::Last { squares, moves } => gaussian(self.last, squares / moves),
        }
    }

    /// ln p(x) of the vector that comes next, nats; for a pool the log-sum-exp over its systems.
    pub fn log_density(&self, x: &[f32]) -> f64 {
        match &self.kind {
            Kind::Pool { systems, shares, .. } if self.seen > 0 => {
                let one = |w: &Matrix| self.under(w).log_density(x);
                let top = systems.iter().zip(shares).filter(|(_, s)| **s > 0.0);
                let top = top.map(|(w, s)| s.ln() + one(w)).fold(f64::NEG_INFINITY, f64::max);
                let terms = systems.iter().zip(shares).filter(|(_, s)| **s > 0.0);
                top + terms.map(|(w, s)| (s.ln() + one(w) - top).exp()).sum::<f64>().ln()
            }
            _ => self.predict().log_density(x),
        }
    }

    fn under(&self, w: &Matrix) -> Gaussian {
        let (dimension, variance) = (self.distribution.dimension, self.distribution.noise.powi(2));
        Gaussian { mean: product(w, &self.last), dimension, variance }
    }

    /// Conditions on the next vector of the sequence, with d entries.
    pub fn observe(&mut self, x: &[f32]) {
        let d = self.distribution.dimension;
        let mut next = [0.0; MAX_DIMENSION];
        next.iter_mut().zip(x).take(d).for_each(|(slot, &value)| *slot = f64::from(value));
        if self.seen > 0 {
            let (last, variance) = (self.last, self.distribution.noise.powi(2));
            match &mut self.kind {
                Kind::Known(_) => {}
                Kind::Ridge { regression, .. } => regression.add(&last, &next, d),
                Kind::Pool { systems, logs, shares } => {
                    for (log, w) in logs.iter_mut().zip(&*systems) {
                        let mean = product(w, &last);
                        let square: f64 = mean.iter().zip(&next).map(|(m, x)| (x - m).powi(2)).sum();
                        *log -= square / (2.0 * variance);
                    }
                    // Some log is the largest, so this never starts over.
                    super::filter::softmax(logs, shares);
                }
                Kind::Last { squares, moves } => {
                    let square: f64 = last.iter().zip(&next).map(|(a, b)| (a - b).powi(2)).sum();
                    *squares += square / d as f64;
                    *moves += 1.0;
                }
            }
        }
        self.last = next;
        self.seen += 1;
    }
}

/// Σ x xᵀ and Σ y xᵀ over the pairs (x_t, x_{t+1}) so far.
#[derive(Clone, Copy, Debug, Default)]
struct Regression {
    xx: Matrix,
    yx: Matrix,
}

impl Regression {
    fn add(&mut self, x: &Vector, y: &Vector, d: usize) {
        for i in 0..d {
            for j in 0..d {
                self.xx[i][j] += x[i] * x[j];
                self.yx[i][j] += y[i] * x[j];
            }
        }
    }

    /// M x and xᵀΛ⁻¹x, by a Cholesky decomposition of Λ, which is positive definite. With strength 0, the pseudo-inverse in Λ⁻¹'s
    /// place.
    fn predict(&self, x: &Vector, strength: f64, d: usize) -> (Vector, f64) {
        let trace: f64 = (0..d).map(|i| self.xx[i][i]).sum();
        let plain = strength == 0.0;
        let strength = if plain { NEARLY_NOTHING * trace } else { strength };
        if !(strength > 0.0) {
            return ([0.0; MAX_DIMENSION], 0.0);
        }
        let mut lower = ZERO;
        for i in 0..d {
            for j in 0..=i {
                let known: f64 = (0..j).map(|k| lower[i][k] * lower[j][k]).sum();
                let value = self.xx[i][j] - known + if i == j { strength } else { 0.0 };
                lower[i][j] = if i == j {
                    value.max(1e-14 * self.xx[i][i] + f64::MIN_POSITIVE).sqrt()
                } else {
                    value / lower[j][j]
                };
            }
        }
        let mut half = [0.0; MAX_DIMENSION];
        for i in 0..d {
            let known: f64 = (0..i).map(|k| lower[i][k] * half[k]).sum();
            half[i] = (x[i] - known) / lower[i][i];
        }
        let mut solved = [0.0; MAX_DIMENSION];
        for i in (0..d).rev() {
            let known: f64 = (i + 1..d).map(|k| lower[k][i] * solved[k]).sum();
            solved[i] = (half[i] - known) / lower[i][i];
        }
        let leverage = if plain {
            // Directions never seen drop out here.
            product(&self.xx, &solved).iter().zip(&solved).map(|(a, b)| a * b).sum()
        } else {
            half.iter().map(|h| h * h).sum()
        };
        (product(&self.yx, &solved), leverage)
    }
}

/// W x.
fn product(w: &Matrix, x: &Vector) -> Vector {
    w.map(|row| row.iter().zip(x).map(|(w, x)| w * x).sum())
}

fn times(w: &Matrix, x: &[f32]) -> Vector {
    w.map(|row| row.iter().zip(x).map(|(w, &x)| w * f64::from(x)).sum())
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests;
