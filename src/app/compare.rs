//! Two runs beside each other: how their settings differ, and by how much what they show differs, with an interval.
//!
//! A side is one experiment with one seed or several. Whether settings make a difference is said only from an interval over seeds;
//! with one seed on a side, what is known is the sampling error of the evaluations alone.

pub mod curves;
pub mod events;
pub mod heads;
pub mod numbers;
pub mod report;
pub mod settings;

use super::history::History;
use crate::{
    protocol::Measured,
    sweep::{
        by_seed::{Estimate, FEWEST_SEEDS, LEVEL},
        fit::student_quantile,
    },
};

/// The two runs, A and B.
#[derive(Clone, Debug)]
pub struct Pair<'a> {
    pub names: [&'a str; 2],
    /// Of each side the runs that have an evaluation, one for each seed, in the order of their seeds. Where none has one, the first.
    pub sides: [Vec<&'a History>; 2],
    basis: Basis,
}

/// How the interval of a difference is obtained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Student's t over the differences seed by seed; the seeds are the same on both sides.
    Paired { seeds: usize },
    /// Welch's t: the seeds are not the same.
    Unpaired { seeds: [usize; 2] },
    /// Too few seeds on a side: the standard errors of the evaluations, taken as independent.
    Sampling {
        seeds: [usize; 2],
        /// Both were measured on the same sequences of fresh topics, which makes the true error smaller in most cases.
        same_sequences: bool,
    },
}

/// What of the losses can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// The worlds are the same: losses.
    Loss,
    /// The worlds differ: losses less those of exact Bayes (or of the baseline in its place) in each world.
    Excess,
}

/// B − A, with its 95% interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    pub value: f64,
    /// `None` where nothing is known of its error.
    pub interval: Option<(f64, f64)>,
}

/// The runs of a side: one for each seed.
pub fn seeds(run: &History) -> Vec<&History> {
    run.with_seeds().collect()
}

impl<'a> Pair<'a> {
    /// Two sides, each with one run for each seed. `None` where a side has no run.
    pub fn new(names: [&'a str; 2], sides: [&[&'a History]; 2]) -> Option<Self> {
        let evaluated = |side: &[&'a History]| {
            let mut runs: Vec<&History> = side.iter().copied().filter(|run| run.latest().is_some()).collect();
            runs.sort_by_key(|run| run.experiment().seed);
            if runs.is_empty() {
                runs.extend(side.first());
            }
            (!runs.is_empty()).then_some(runs)
        };
        let sides = [evaluated(sides[0])?, evaluated(sides[1])?];
        Some(Self { names, basis: Basis::new(&sides), sides })
    }

    /// The run of each side that has the lowest seed.
    pub fn first(&self) -> [&'a History; 2] {
        // No side is empty.
        [self.sides[0][0], self.sides[1][0]]
    }

    /// A is B and B is A.
    pub fn swapped(&self) -> Self {
        let ([a, b], [first, second]) = (self.sides.clone(), self.names);
        let sides = [b, a];
        Self { names: [second, first], basis: Basis::new(&sides), sides }
    }

    /// What of the losses can be compared.
    ///
    /// # Errors
    ///
    /// A sentence where nothing can be: tokens have probabilities and vectors have densities.
    pub fn measure(&self) -> Result<Measure, String> {
        let [a, b] = self.first();
        if a.per() != b.per() {
            return Err(format!(
                "The losses cannot be compared: those of A are in nats per {}, those of B in nats per {}.",
                a.per(),
                b.per()
            ));
        }
        Ok(if a.experiment().world == b.experiment().world { Measure::Loss } else { Measure::Excess })
    }

    /// Whether all seeds of both sides were measured last at the same step.
    pub fn is_at_one_step(&self) -> bool {
        let mut steps = self.sides.iter().flatten().map(|run| run.latest().map(|e| e.step));
        let first = steps.next();
        steps.all(|step| Some(step) == first)
    }

    /// How the intervals of differences are obtained.
    pub fn basis(&self) -> Basis {
        self.basis
    }

    /// The difference of a number that each run has, with its interval; `None` where a run has none. `of` gives the number with the
    /// standard error of its evaluation.
    pub fn difference(&self, of: impl Fn(&History) -> Option<Measured>) -> Option<Difference> {
        let values = |side: &[&History]| side.iter().map(|run| of(run)).collect::<Option<Vec<Measured>>>();
        let [a, b] = [values(&self.sides[0])?, values(&self.sides[1])?];
        Some(difference(self.basis, &a, &b))
    }

    /// Mean of a number over the seeds of a side; the standard error is that of the evaluations.
    pub fn mean(&self, side: usize, of: impl Fn(&History) -> Option<Measured>) -> Option<Measured> {
        let values = self.sides[side].iter().map(|run| of(run)).collect::<Option<Vec<Measured>>>()?;
        Some(mean(&values))
    }
}

impl Basis {
    /// Of two sides, neither of them empty, each in the order of its seeds.
    fn new(sides: &[Vec<&History>; 2]) -> Self {
        let seeds = |side: &[&History]| side.iter().map(|run| run.experiment().seed).collect::<Vec<_>>();
        let [a, b] = [seeds(&sides[0]), seeds(&sides[1])];
        let counts = [a.len(), b.len()];
        if counts.iter().any(|count| *count < FEWEST_SEEDS) {
            let [first, second] = [sides[0][0].experiment(), sides[1][0].experiment()];
            let finished = |side: &[&History]| side.iter().all(|run| run.outcome().is_some());
            // After the last step more sequences are measured.
            let same_sequences = a == b
                && first.world == second.world
                && first.data.length == second.data.length
                && first.evaluation == second.evaluation
                && finished(&sides[0]) == finished(&sides[1]);
            return Self::Sampling { seeds: counts, same_sequences };
        }
        if a == b { Self::Paired { seeds: a.len() } } else { Self::Unpaired { seeds: counts } }
    }

    /// Whether the interval is one over seeds, so that it can say that settings make a difference.
    pub fn is_over_seeds(self) -> bool {
        !matches!(self, Self::Sampling { .. })
    }

    /// How intervals were obtained and what they can say.
    pub fn sentence(self) -> String {
        match self {
            Self::Paired { seeds } => format!(
                "Intervals are 95% intervals of the mean difference (Student's t), paired by seed, over {seeds} seeds that both have."
            ),
            Self::Unpaired { seeds: [a, b] } => format!(
                "Intervals are 95% intervals of the difference of the means (Welch's t), over {a} seeds of A and {b} seeds of B; the \
                 seeds are not the same, so they are not paired."
            ),
            Self::Sampling { seeds: [a, b], same_sequences } => {
                let seeds = match (a, b) {
                    (1, 1) => "one seed each".into(),
                    _ => format!(
                        "A has {a} of the seeds, B has {b}, and an interval over seeds needs {FEWEST_SEEDS} of each"
                    ),
                };
                let error = match same_sequences {
                    true => {
                        "It takes the two evaluations as independent. They used the same sequences, so the true error is smaller in \
                         most cases."
                    }
                    false => "The two evaluations used different sequences.",
                };
                format!(
                    "The band is the sampling error of the evaluation only (95%), not of training: {seeds}. {error} Another seed may \
                     change either run by more than this, so it is not said here whether the settings make a difference."
                )
            }
        }
    }

    /// In a few words, for read-outs.
    pub fn words(self) -> &'static str {
        match self {
            Self::Paired { .. } => "95% interval over seeds, paired",
            Self::Unpaired { .. } => "95% interval over seeds, unpaired",
            Self::Sampling { .. } => "95%, sampling error of the evaluation only",
        }
    }
}

impl Difference {
    /// 1 where B is higher, -1 where it is lower, 0 where the interval holds 0; `None` without an interval.
    pub fn sign(self) -> Option<i8> {
        self.interval.map(|(low, high)| i8::from(low > 0.0) - i8::from(high < 0.0))
    }
}

fn mean(values: &[Measured]) -> Measured {
    let n = values.len().max(1) as f64;
    let stderr = values.iter().map(|v| v.stderr.powi(2)).sum::<f64>().sqrt() / n;
    Measured { value: values.iter().map(|v| v.value).sum::<f64>() / n, stderr }
}

/// B − A of values by seed. Values are in the order of the seeds.
fn difference(basis: Basis, a: &[Measured], b: &[Measured]) -> Difference {
    let value = mean(b).value - mean(a).value;
    let interval = match basis {
        Basis::Paired { .. } => {
            let paired: Vec<f64> = a.iter().zip(b).map(|(a, b)| b.value - a.value).collect();
            Estimate::over(&paired).and_then(|estimate| estimate.interval())
        }
        Basis::Unpaired { .. } => welch(a, b).map(|half| (value - half, value + half)),
        Basis::Sampling { .. } => {
            let half = 1.96 * mean(a).stderr.hypot(mean(b).stderr);
            (half > 0.0 && half.is_finite()).then_some((value - half, value + half))
        }
    };
    Difference { value, interval }
}

/// Half the width of Welch's interval of a difference of two means (Welch 1947), with the degrees of freedom of Satterthwaite.
fn welch(a: &[Measured], b: &[Measured]) -> Option<f64> {
    let parts = [a, b].map(|values| {
        let (n, mean) = (values.len() as f64, mean(values).value);
        (values.iter().map(|v| (v.value - mean).powi(2)).sum::<f64>() / (n - 1.0) / n, n - 1.0)
    });
    let variance = parts[0].0 + parts[1].0;
    if !variance.is_finite() {
        return None;
    }
    if variance == 0.0 {
        return Some(0.0);
    }
    let freedom = variance.powi(2) / parts.iter().map(|(part, freedom)| part.powi(2) / freedom).sum::<f64>();
    Some(student_quantile(1.0 - LEVEL / 2.0, freedom) * variance.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{app::charts::fixtures, experiment::Experiment, protocol::Event};

    pub(super) fn run(seed: u64, excess: f64) -> History {
        let experiment = Experiment { seed, ..Experiment::default() };
        let mut history = History::new(&experiment);
        let length = experiment.data.length;
        history.apply(&Event::Theory(fixtures::theory(length)));
        history.apply(&Event::Evaluation(fixtures::evaluation_of(length, 100, excess)));
        history
    }

    fn side(seeds: &[(u64, f64)]) -> Vec<History> {
        seeds.iter().map(|(seed, excess)| run(*seed, *excess)).collect()
    }

    fn last(run: &History) -> Option<Measured> {
        let evaluation = run.latest()?;
        Some(Measured { value: *evaluation.excess.last()?, stderr: *evaluation.excess_stderr.last()? })
    }

    fn pair<'a>(a: &'a [History], b: &'a [History]) -> Pair<'a> {
        let [a, b]: [Vec<&History>; 2] = [a.iter().collect(), b.iter().collect()];
        Pair::new(["first", "second"], [&a, &b]).expect("two runs")
    }

    #[test]
    fn the_same_seeds_are_paired_in_whatever_order_they_come() {
        let a = side(&[(1, 0.10), (2, 0.30), (3, 0.20)]);
        let b = side(&[(3, 0.25), (1, 0.16), (2, 0.34)]);
        let pair = pair(&a, &b);
        assert_eq!(pair.basis(), Basis::Paired { seeds: 3 });
        let found = pair.difference(last).expect("values");
        // By hand: differences d of 0.06, 0.04, 0.05 in excess; mean 0.05, deviation 0.01, t(2, 97.5%) = 4.302653.
        let scale = last(&a[0]).expect("a value").value / 0.10;
        assert!((found.value - 0.05 * scale).abs() < 1e-12);
        let (low, high) = found.interval.expect("an interval");
        let half = 4.302_652_7 * 0.01 / 3f64.sqrt() * scale;
        assert!((high - low - 2.0 * half).abs() < 1e-7 && found.sign() == Some(1), "{found:?}");
        assert_eq!(pair.swapped().difference(last).and_then(Difference::sign), Some(-1));
    }

    #[test]
    fn other_seeds_are_not_paired() {
        let a = side(&[(1, 0.10), (2, 0.30), (3, 0.20)]);
        let b = side(&[(4, 0.16), (5, 0.34), (6, 0.25)]);
        let pair = pair(&a, &b);
        assert_eq!(pair.basis(), Basis::Unpaired { seeds: [3, 3] });
        let found = pair.difference(last).expect("values");
        // The spread between seeds is larger than the difference.
        assert_eq!(found.sign(), Some(0));
        // By hand: variances 0.01 and 0.0081, each over 3: s = 0.077674, and 3.9566 degrees of freedom: t = 2.7873.
        let scale = last(&a[0]).expect("a value").value / 0.10;
        let (low, high) = found.interval.expect("an interval");
        assert!(((high - low) / 2.0 / scale - 2.7873 * 0.077_674).abs() < 2e-4, "{}", (high - low) / 2.0 / scale);
    }

    #[test]
    fn one_seed_each_has_the_sampling_error_alone_and_makes_no_claim() {
        let (a, b) = (side(&[(1, 0.10)]), side(&[(1, 0.30)]));
        let pair = pair(&a, &b);
        let basis = pair.basis();
        assert_eq!(basis, Basis::Sampling { seeds: [1, 1], same_sequences: true });
        assert!(!basis.is_over_seeds() && basis.sentence().contains("not of training: one seed each"));
        let (found, errors) =
            (pair.difference(last).expect("values"), [&a[0], &b[0]].map(|run| last(run).expect("one")));
        let (low, high) = found.interval.expect("an interval");
        assert!((high - low - 2.0 * 1.96 * errors[0].stderr.hypot(errors[1].stderr)).abs() < 1e-12);
        let other = side(&[(2, 0.30)]);
        let basis = self::pair(&a, &other).basis();
        assert!(basis.sentence().contains("used different sequences"), "{}", basis.sentence());
        let few = side(&[(1, 0.1), (2, 0.2), (3, 0.3)]);
        assert!(!self::pair(&few, &b).basis().is_over_seeds());
    }

    #[test]
    fn what_has_no_common_unit_is_not_compared() {
        let a = run(1, 0.1);
        let of = |world: &str| {
            let experiment = Experiment { world: world.parse().expect("a world"), ..Experiment::default() };
            History::new(&experiment)
        };
        let (vectors, coins) = (of("lds"), of("coins:n=3"));
        let measure = |b: &History| Pair::new(["x", "y"], [&[&a], &[b]]).expect("two runs").measure();
        assert!(measure(&vectors).expect_err("no unit").contains("nats per vector"));
        assert_eq!((measure(&coins), measure(&a)), (Ok(Measure::Excess), Ok(Measure::Loss)));
        assert!(Pair::new(["x", "y"], [&[], &[&a]]).is_none());
    }
}
