//! What an ideal predictor of a linear dynamical system loses: closed forms for the Gaussian of each step, and means over sampled
//! paths of what they depend on.

use super::curves::STATE_WORK;
use super::{
    curve::{Curve, Method},
    curves::{Budget, Curves},
    entropy::digamma,
};
use worlds::pace::{Pace, at_once};
use worlds::{
    Corpus, LinearPrior, LinearSystem, Rows, Topic,
    linear::{Forecaster, Gaussian, entropy},
    rng::{Purpose, Stream},
};

/// Most sequences of the estimates.
const MAX_SEQUENCES: usize = 20_000;
/// Fewest: below, a standard error says little.
const MIN_SEQUENCES: usize = 64;
/// Strength of the ridge that knows neither the noise nor the prior.
const USUAL_STRENGTH: f64 = 1.0;

/// What ideal predictors of a world of vectors lose, nats per vector.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearTheory {
    /// The reference curves: exact Bayes (or ridge), the oracle, and the marginal of each vector.
    pub curves: Curves,
    /// Mean squared error of the mean prediction of `curves.bayes` by position, summed over a vector's entries.
    pub squared_error: Vec<f64>,
    /// Further predictors to compare a model with.
    pub baselines: Vec<LinearBaseline>,
}

/// What another predictor of vectors loses at each position.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearBaseline {
    /// A short name, unique among the baselines.
    pub name: &'static str,
    /// A sentence: what it knows and what it does.
    pub about: String,
    /// Mean loss at positions 1..=T, nats per vector.
    pub curve: Curve,
    /// Mean squared error of the mean prediction by position, summed over a vector's entries.
    pub squared_error: Vec<f64>,
}

/// Mean and standard error by position.
#[derive(Clone)]
struct Sums {
    sum: Vec<f64>,
    squares: Vec<f64>,
}

impl Sums {
    fn new(length: usize) -> Self {
        Self { sum: vec![0.0; length], squares: vec![0.0; length] }
    }

    fn add(&mut self, l: usize, value: f64) {
        self.sum[l] += value;
        self.squares[l] += value * value;
    }

    fn mean(&self, l: usize, n: f64) -> f64 {
        self.sum[l] / n
    }

    fn stderr(&self, l: usize, n: f64) -> f64 {
        ((self.squares[l] / n - self.mean(l, n).powi(2)).max(0.0) / (n - 1.0).max(1.0)).sqrt()
    }

    /// On top of the exact `base`; position 1 is exact.
    fn curve(&self, base: &[f64], n: f64) -> Curve {
        let length = base.len();
        Curve {
            values: (0..length).map(|l| base[l] + self.mean(l, n)).collect(),
            stderr: Some((0..length).map(|l| self.stderr(l, n)).collect()),
            methods: (0..length).map(|l| if l == 0 { Method::ClosedForm } else { Method::MonteCarlo }).collect(),
        }
    }
}

/// What one predictor loses beyond the source that knows W.
struct Losses {
    excess: Sums,
    /// Squared error beyond the noise's.
    squares: Sums,
}

impl Losses {
    fn new(length: usize) -> Self {
        Self { excess: Sums::new(length), squares: Sums::new(length) }
    }

    fn add(&mut self, l: usize, oracle: &Gaussian, other: &Gaussian) {
        self.excess.add(l, oracle.divergence(other));
        self.squares.add(l, oracle.squared_distance(other));
    }
}

impl LinearTheory {
    /// Computes the curves at positions 1..=`length`.
    ///
    /// `topics` are the K training topics, if there are so many and no more; their retrieval is
    /// then among the baselines.
    pub fn compute(distribution: &LinearPrior, topics: &[Topic], length: usize, budget: &Budget) -> Self {
        at_once(Self::compute_at(&mut Pace::unbroken(), distribution, topics, length, budget))
    }

    /// As [`Self::compute`], with rests.
    pub async fn compute_at(
        pace: &mut Pace,
        distribution: &LinearPrior,
        topics: &[Topic],
        length: usize,
        budget: &Budget,
    ) -> Self {
        let (d, noise) = (distribution.dimension(), distribution.noise().powi(2));
        let n = (budget.monte_carlo_work / (length * d * d).max(1)).clamp(MIN_SEQUENCES, MAX_SEQUENCES);
        let rate = entropy(d, noise);
        let mut oracle = Curve { values: vec![rate; length], stderr: None, methods: vec![Method::ClosedForm; length] };
        // E|x - mean|² of the source that knows W.
        let mut least = vec![d as f64 * noise; length];
        if let (Some(loss), Some(square)) = (oracle.values.first_mut(), least.first_mut()) {
            *loss = entropy(d, distribution.first().powi(2));
            *square = d as f64 * distribution.first().powi(2);
        }

        let mut bayes = (distribution.bayes(), Losses::new(length));
        let mut baselines: Vec<(&str, String, Forecaster, Losses)> = baselines(distribution)
            .into_iter()
            .map(|(name, about, forecaster)| (name, about, forecaster, Losses::new(length)))
            .collect();
        let systems: Vec<&LinearSystem> = systems(topics).collect();
        // A pool is passed over at every step: fewer sequences for more systems.
        let pooled = (!systems.is_empty()).then(|| (n / systems.len().max(1)).clamp(MIN_SEQUENCES.min(n), n));
        let mut pool = (distribution.pool(systems.into_iter()), Losses::new(length));
        let mut logs = vec![Vec::with_capacity(n); length];
        let mut row = vec![0.0; length * d];
        // What a vector costs: Bayes and each baseline some d³, each system of the pool d².
        let vector = STATE_WORK * d * d * (1 + d) * (2 + baselines.len());
        for index in 0..n {
            pace.reached(index as f64 / n as f64);
            let mut stream = Stream::new(0, Purpose::MonteCarlo, index as u64);
            let system = distribution.draw(&mut stream);
            distribution.draw_sequence(&system, &mut row, &mut stream);
            let mut informed = distribution.oracle(&system);
            bayes.0.reset();
            baselines.iter_mut().for_each(|baseline| baseline.2.reset());
            pool.0.reset();
            for (l, x) in row.chunks_exact(d).enumerate() {
                logs[l].push(0.5 * x.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().max(f64::MIN_POSITIVE).ln());
                let known = informed.predict();
                let hidden = bayes.0.predict();
                if distribution.is_exact() {
                    // The mean over W given the past of what the other branch takes for one W: d/2 ln(1 + xᵀΛ⁻¹x).
                    bayes.1.excess.add(l, hidden.entropy() - known.entropy());
                    bayes.1.squares.add(l, d as f64 * (hidden.variance - known.variance));
                } else {
                    bayes.1.add(l, &known, &hidden);
                }
                informed.observe(x);
                bayes.0.observe(x);
                for (_, _, forecaster, losses) in &mut baselines {
                    losses.add(l, &known, &forecaster.predict());
                    forecaster.observe(x);
                }
                if pooled.is_some_and(|pooled| index < pooled) {
                    pool.1.excess.add(l, known.log_density(x) - pool.0.log_density(x));
                    pool.1.squares.add(l, known.squared_distance(&pool.0.predict()));
                    pool.0.observe(x);
                    pace.worked(topics.len() * d * d).await;
                }
                pace.worked(vector).await;
            }
        }
        let plus = |squares: &Sums, n: usize| (0..length).map(|l| least[l] + squares.mean(l, n as f64)).collect();
        let mut finished: Vec<LinearBaseline> = baselines
            .into_iter()
            .map(|(name, about, _, losses)| LinearBaseline {
                name,
                about,
                curve: losses.excess.curve(&oracle.values, n as f64),
                squared_error: plus(&losses.squares, n),
            })
            .collect();
        if let Some(pooled) = pooled {
            finished.push(LinearBaseline {
                name: "retrieval",
                about: format!(
                    "Exact Bayes over the {} training topics: their posterior-weighted mean. On a topic that is not among \
                     them it does badly.",
                    topics.len()
                ),
                curve: pool.1.excess.curve(&oracle.values, pooled as f64),
                squared_error: plus(&pool.1.squares, pooled),
            });
        }
        let mut how = vec!["Entropy rate: closed form, the entropy of the noise.".into()];
        how.push(if distribution.is_exact() {
            format!(
                "h_1 is closed form; the rest is Monte Carlo over {n} sequences of the entropy of the exact predictive, \
                 rate + d/2 ln(1 + xᵀΛ⁻¹x)."
            )
        } else {
            format!(
                "W is rescaled to a spectral radius, so its entries are no independent Gaussians and exact Bayes is not \
                 known. Shown in its place is Bayesian ridge with a matched prior, by Monte Carlo over {n} sequences: a good \
                 predictor, but no lower bound."
            )
        });
        if distribution.is_exact() {
            how.push("Excess entropy: infinite, since h_l - h tends to d²/(2L).".into());
        }
        how.push("Unigram level: the entropy of the marginal distribution, from the spacings of sampled lengths; directions are even.".into());
        Self {
            squared_error: plus(&bayes.1.squares, n),
            curves: Curves {
                bayes: bayes.1.excess.curve(&oracle.values, n as f64),
                unigram: marginal(logs, d, oracle.values.first().copied()),
                oracle,
                entropy_rate: rate,
                entropy_rate_stderr: None,
                excess_entropy: None,
                how,
                belief_states: 0,
            },
            baselines: finished,
        }
    }
}

fn baselines(distribution: &LinearPrior) -> Vec<(&'static str, String, Forecaster)> {
    vec![
        (
            "OLS",
            "Ordinary least squares, of least norm until W is determined; it knows the noise's variance, and adds what \
             regression adds."
                .into(),
            distribution.least_squares(),
        ),
        (
            "ridge",
            format!(
                "Ridge regression of strength {USUAL_STRENGTH}; exact Bayes has {:.3}, noise over prior.",
                (distribution.noise() / distribution.prior_spread()).powi(2)
            ),
            distribution.ridge(USUAL_STRENGTH),
        ),
        (
            "last value",
            "Expects the last vector again, give or take as much as vectors have moved so far.".into(),
            distribution.last_value(),
        ),
    ]
}

/// The systems among topics.
pub fn systems(topics: &[Topic]) -> impl Iterator<Item = &LinearSystem> {
    topics.iter().filter_map(|topic| if let Topic::Linear(system) = topic { Some(system.as_ref()) } else { None })
}

/// [`super::levels::training_level`] for vectors.
pub(super) async fn training_level(
    pace: &mut Pace,
    distribution: &LinearPrior,
    corpus: &Corpus,
    topics: &[Topic],
    rows: usize,
    sequences: usize,
) -> f64 {
    let mut pool = distribution.pool(systems(topics));
    let (mut total, mut count) = (0.0, 0usize);
    let used = rows.min(sequences.max(1));
    for (_, cells) in (0..used).filter_map(|i| corpus.row(i * rows / used)) {
        let Rows::Vectors { dimension, values } = cells else { continue };
        pool.reset();
        for x in values.chunks_exact(dimension) {
            total -= pool.log_density(x);
            count += 1;
            pool.observe(x);
            pace.worked(topics.len() * dimension * dimension).await;
        }
    }
    total / count.max(1) as f64
}

/// Entropy of the marginal distribution by position from ln |x| of samples. The distribution is the same in all directions, so that
/// h(x) = h(ln |x|) + d E ln |x| + ln(area of the unit sphere); h(ln |x|) is estimated from m-spacings.
fn marginal(logs: Vec<Vec<f64>>, d: usize, first: Option<f64>) -> Curve {
    let area = match d {
        1 => 2.0,
        2 => std::f64::consts::TAU,
        3 => 2.0 * std::f64::consts::TAU,
        4 => std::f64::consts::TAU * std::f64::consts::PI,
        _ => 8.0 / 3.0 * std::f64::consts::PI.powi(2),
    };
    let mut curve = Curve { stderr: Some(Vec::new()), ..Curve::default() };
    for (l, mut logs) in logs.into_iter().enumerate() {
        let (value, error, method) = match first.filter(|_| l == 0) {
            Some(exact) => (exact, 0.0, Method::ClosedForm),
            None => {
                logs.sort_by(f64::total_cmp);
                let n = logs.len();
                // Small beside n, or the ends of the range are missed.
                let m = ((n as f64).cbrt() as usize / 2).max(1);
                let shift = ((n + 1) as f64).ln() - digamma(m as f64) + f64::ln(area);
                let radial = d as f64 * logs.iter().sum::<f64>() / n as f64;
                let spacing = |i: usize| (logs[i + m] - logs[i]).max(f64::MIN_POSITIVE).ln();
                let count = n.saturating_sub(m).max(1) as f64;
                let mean = (0..n.saturating_sub(m)).map(spacing).sum::<f64>() / count;
                // Of -ln of the density, which is what is averaged.
                let of = |i: usize| spacing(i) - mean + d as f64 * logs[i] - radial;
                let spread = (0..n.saturating_sub(m)).map(|i| of(i).powi(2)).sum::<f64>() / count;
                let mean = mean + radial + shift;
                (mean, (spread / n as f64).sqrt(), Method::MonteCarlo)
            }
        };
        curve.values.push(value);
        curve.methods.push(method);
        curve.stderr.get_or_insert_default().push(error);
    }
    curve
}
