//! Power laws fitted over the settings of a grid, metric = c · Π x_j^(-e_j), seed by seed, and along one curve.

use serde_json::Value;

use super::{
    by_seed::{Estimate, seeds},
    table::Table,
};
use crate::protocol::Measured;

/// No point weighs more than one whose value is known to 5%: a fit along a curve should not hang on the points that happen to be precise,
/// when what it misses most is that nature is no power law.
const LEAST_ERROR: f64 = 0.05;

/// One fitted power law.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// One for each axis that was asked for, and could be fitted.
    pub exponents: Vec<Exponent>,
    /// Settings behind it, the same in every seed.
    pub used: usize,
    /// Settings left out, because in some seed the value is not above 0 and has no logarithm.
    pub not_positive: usize,
    /// Share of the variance of the metric's logarithm over settings that it explains, mean over seeds.
    pub r_squared: f64,
}

/// How fast the metric falls along one axis: as x^(-mean).
#[derive(Clone, Debug, PartialEq)]
pub struct Exponent {
    pub field: String,
    /// Over one exponent for each seed.
    pub over: Estimate,
}

/// Fits `metric` over the settings of a table, jointly along the axes `(field, place in the table)`: least squares in logarithms,
/// every setting with the same weight, once for each seed. Axes whose values are not all above 0, or of which only one is left,
/// are not fitted. `None` where there are fewer settings than unknowns.
pub fn fit(table: &Table, metric: &str, axes: &[(String, usize)]) -> Option<Fit> {
    let known: Vec<_> =
        table.rows.iter().filter(|row| row.runs.iter().any(|r| r.metrics.get(metric).is_some())).collect();
    let all = seeds(known.iter().flat_map(|row| &row.runs).map(|run| table.seed(run)).collect::<Vec<_>>().iter());
    let mut not_positive = 0;
    // Of each setting: its coordinates, and ln of the metric for each seed.
    let mut settings: Vec<(&[Value], Vec<f64>)> = Vec::new();
    for row in known {
        let value = |seed: &Value| {
            row.runs
                .iter()
                .find(|run| table.seed(run) == *seed)
                .and_then(|run| run.metrics.get(metric))
                .map(|m| m.value)
        };
        let Some(values) = all.iter().map(value).collect::<Option<Vec<f64>>>() else { continue };
        if values.iter().any(|v| *v <= 0.0) {
            not_positive += 1;
        } else {
            settings.push((&row.coordinates, values.into_iter().map(f64::ln).collect()));
        }
    }
    let coordinate = |at: &[Value], place: usize| at.get(place).and_then(Value::as_f64).filter(|x| *x > 0.0);
    let logs =
        |place: usize| settings.iter().map(|(at, _)| coordinate(at, place).map(f64::ln)).collect::<Option<Vec<f64>>>();
    // An axis along which what is left does not vary cannot be distinguished from the constant.
    let varying: Vec<(&str, Vec<f64>)> = axes
        .iter()
        .filter_map(|(field, place)| Some((field.as_str(), logs(*place)?)))
        .filter(|(_, x)| x.iter().any(|v| (v - x[0]).abs() > 1e-12))
        .collect();
    if varying.is_empty() {
        return None;
    }
    let design: Vec<Vec<f64>> =
        (0..settings.len()).map(|i| [1.0].into_iter().chain(varying.iter().map(|(_, x)| -x[i])).collect()).collect();
    let even = vec![1.0; settings.len()];
    let mut found: Vec<Vec<f64>> = vec![Vec::new(); varying.len()];
    let mut explained = 0.0;
    for seed in 0..all.len() {
        let y: Vec<f64> = settings.iter().map(|(_, values)| values[seed]).collect();
        let (solved, r_squared) = regression(&design, &y, &even)?;
        found.iter_mut().zip(&solved.coefficients[1..]).for_each(|(all, e)| all.push(*e));
        explained += r_squared / all.len() as f64;
    }
    let exponent = |((field, _), values): (&(&str, Vec<f64>), &Vec<f64>)| {
        Some(Exponent { field: (*field).into(), over: Estimate::over(values)? })
    };
    let exponents = varying.iter().zip(&found).map(exponent).collect::<Option<Vec<_>>>()?;
    Some(Fit { exponents, used: settings.len(), not_positive, r_squared: explained })
}

/// y = amplitude · e^(-slope·x): with x = ln L a power law of L, with x = L an exponential.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decay {
    pub amplitude: f64,
    pub slope: f64,
    /// Half the width of the 95% confidence interval of the slope (Student's t, from the scatter about the line).
    pub half_width: f64,
    /// Share of the variance of ln y that it explains (weighted).
    pub r_squared: f64,
}

/// Fits a decay through (x, y) with y above 0, by weighted least squares in logarithms. The interval is as wide as if there were only `independent`
/// points: neighbours on a curve scatter together. `None` where no degree of freedom is left.
pub fn decay(points: &[(f64, Measured)], independent: usize) -> Option<Decay> {
    let design: Vec<Vec<f64>> = points.iter().map(|(x, _)| vec![1.0, -x]).collect();
    let logs: Vec<f64> = points.iter().map(|(_, y)| y.value.ln()).collect();
    let weights: Vec<f64> = points.iter().map(|(_, y)| (y.stderr / y.value).max(LEAST_ERROR).powi(-2)).collect();
    let freedom = independent.min(points.len()).checked_sub(2).filter(|f| *f > 0)? as f64;
    let (solved, r_squared) = regression(&design, &logs, &weights)?;
    let inflation = (points.len() as f64 / (freedom + 2.0)).sqrt();
    Some(Decay {
        amplitude: solved.coefficients[0].exp(),
        slope: solved.coefficients[1],
        half_width: student_quantile(0.975, freedom) * inflation * solved.errors[1],
        r_squared,
    })
}

/// Weighted least squares, and the share of the variance of `y` that is explained.
fn regression(design: &[Vec<f64>], y: &[f64], weights: &[f64]) -> Option<(Solved, f64)> {
    let solved = least_squares(design, y, weights)?;
    let total: f64 = weights.iter().sum();
    let mean = y.iter().zip(weights).map(|(y, w)| w * y).sum::<f64>() / total;
    let variance: f64 = y.iter().zip(weights).map(|(y, w)| w * (y - mean).powi(2)).sum();
    let r_squared = if variance > 0.0 { 1.0 - solved.residual / variance } else { 1.0 };
    Some((solved, r_squared))
}

struct Solved {
    coefficients: Vec<f64>,
    /// Standard errors, of the residuals' size; 0 where there are no more points than columns.
    errors: Vec<f64>,
    /// Weighted sum of squared residuals.
    residual: f64,
}

/// Weighted least squares by the normal equations; a handful of columns. `None` where they are singular.
fn least_squares(design: &[Vec<f64>], y: &[f64], weights: &[f64]) -> Option<Solved> {
    let p = design.first()?.len();
    let freedom = design.len().checked_sub(p)?;
    // [XᵀWX | XᵀWy | I], brought to [I | β | (XᵀWX)⁻¹] by elimination.
    let mut table = vec![vec![0.0; 2 * p + 1]; p];
    for ((row, y), w) in design.iter().zip(y).zip(weights) {
        for i in 0..p {
            for j in 0..p {
                table[i][j] += w * row[i] * row[j];
            }
            table[i][p] += w * row[i] * y;
        }
    }
    (0..p).for_each(|i| table[i][p + 1 + i] = 1.0);
    let scale = (0..p).map(|i| table[i][i]).fold(0.0, f64::max);
    for i in 0..p {
        let pivot = (i..p).max_by(|&a, &b| table[a][i].abs().total_cmp(&table[b][i].abs()))?;
        table.swap(i, pivot);
        let top = table[i][i];
        if top.abs() <= 1e-12 * scale {
            return None;
        }
        table[i].iter_mut().for_each(|v| *v /= top);
        let row = table[i].clone();
        for (_, other) in table.iter_mut().enumerate().filter(|(k, _)| *k != i) {
            let factor = other[i];
            other.iter_mut().zip(&row).for_each(|(v, r)| *v -= factor * r);
        }
    }
    let coefficients: Vec<f64> = table.iter().map(|row| row[p]).collect();
    let residual: f64 = design
        .iter()
        .zip(y)
        .zip(weights)
        .map(|((row, y), w)| w * (y - row.iter().zip(&coefficients).map(|(x, b)| x * b).sum::<f64>()).powi(2))
        .sum();
    let size = if freedom > 0 { residual / freedom as f64 } else { 0.0 };
    let errors = (0..p).map(|i| (size * table[i][p + 1 + i]).max(0.0).sqrt()).collect();
    Some(Solved { coefficients, errors, residual })
}

/// Quantile of Student's t with `freedom` degrees, for a share above one half: by bisection of the distribution function.
pub fn student_quantile(share: f64, freedom: f64) -> f64 {
    let below = |t: f64| 1.0 - 0.5 * incomplete_beta(freedom / 2.0, 0.5, freedom / (freedom + t * t));
    let (mut low, mut high) = (0.0, 1.0);
    while below(high) < share && high < 1e9 {
        high *= 2.0;
    }
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if below(middle) < share { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// Two-sided tail of Student's t: the probability of |t| at least as large.
pub fn student_tail(t: f64, freedom: f64) -> f64 {
    incomplete_beta(freedom / 2.0, 0.5, freedom / (freedom + t * t))
}

/// The regularised incomplete beta function I_x(a, b), by its continued fraction (Abramowitz and Stegun 26.5.8, in Lentz's way).
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(b, a, 1.0 - x);
    }
    let front = (libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) + a * x.ln() + b * (-x).ln_1p()).exp() / a;
    let safe = |v: f64| if v.abs() < 1e-300 { 1e-300 } else { v };
    let (mut c, mut d) = (1.0, 1.0 / safe(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    for m in 1..500 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for term in [even, odd] {
            d = 1.0 / safe(1.0 + term * d);
            c = safe(1.0 + term / c);
            change = c * d;
            fraction *= change;
        }
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    front * fraction
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        experiment::sweep::Axis,
        sweep::{Metrics, Run},
    };

    /// The last coordinate is the seed.
    fn run(coordinates: &[f64], value: f64) -> Run {
        Run {
            coordinates: coordinates.iter().map(|x| Value::from(*x)).collect(),
            metrics: Metrics::with(&[("topic_gap", value, 0.0)]),
            ..Run::default()
        }
    }

    /// Along K, then N, then seeds.
    fn of(runs: &[Run]) -> Option<Fit> {
        let fields = ["K", "N", "seed"];
        let values = |i: usize| seeds(runs.iter().map(|run| &run.coordinates[i]));
        let axes: Vec<Axis> = (0..3).map(|i| Axis { field: fields[i].into(), values: values(i) }).collect();
        fit(&Table::new(&axes, runs), "topic_gap", &[("K".into(), 0), ("N".into(), 1)])
    }

    /// Golden numbers: scipy.stats.t.ppf 1.17.
    #[test]
    fn students_quantiles() {
        for (freedom, t) in [
            (1.0, 12.706_204_736_174_694),
            (2.0, 4.302_652_729_749_462),
            (3.0, 3.182_446_305_283_708),
            (5.0, 2.570_581_835_636_314_6),
            (10.0, 2.228_138_851_986_274),
            (30.0, 2.042_272_456_301_237_8),
            (200.0, 1.971_896_223_633_908_8),
        ] {
            assert!((student_quantile(0.975, freedom) - t).abs() < 1e-9, "{freedom}");
        }
    }

    /// Golden numbers: the density integrated numerically (Simpson, 400,000 steps).
    #[test]
    fn students_tails() {
        for (t, freedom, p) in [
            (4.302_652_729_749_462, 2.0, 0.05),
            (1.0, 7.0, 0.350_616_662_820_195),
            (3.5, 7.0, 0.009_993_040_881_885),
            (0.0, 3.0, 1.0),
        ] {
            assert!((student_tail(t, freedom) - p).abs() < 1e-9, "{t} {freedom}: {}", student_tail(t, freedom));
        }
    }

    #[test]
    fn an_exact_power_law_is_found() {
        let mut runs = Vec::new();
        for k in [4.0, 16.0, 64.0] {
            for n in [2.0, 8.0] {
                for seed in 1..=3 {
                    // Each seed has exponents of its own: their means are .5 and 1.25, and only they make an interval.
                    let off = f64::from(seed - 2);
                    let value = 3.0 * f64::powf(k, -0.5 - 0.01 * off) * f64::powf(n, -1.25 + 0.1 * off);
                    runs.push(run(&[k, n, f64::from(seed)], value));
                }
            }
        }
        let fit = of(&runs).expect("a fit");
        let [k, n] = &fit.exponents[..] else { panic!("{fit:?}") };
        assert!((k.over.mean - 0.5).abs() < 1e-12 && (n.over.mean - 1.25).abs() < 1e-12, "{fit:?}");
        // Three seeds, a standard deviation of .01 and .1: t(2) = 4.3027 over √3.
        let half = |e: &Exponent| e.over.half_width.expect("three seeds");
        assert!((half(k) - 0.024_841_38).abs() < 1e-7 && (half(n) - 0.248_413_8).abs() < 1e-6, "{fit:?}");
        assert_eq!((k.field.as_str(), n.field.as_str(), fit.used, fit.not_positive), ("K", "N", 6, 0));
        assert!(fit.r_squared > 1.0 - 1e-12);
    }

    /// Golden numbers: numpy's solution of the weighted normal equations, and scipy's t.
    #[test]
    fn errors_weigh_and_give_confidence_intervals() {
        let values = [0.5, 0.31, 0.16, 0.27, 0.12, 0.085, 0.11, 0.064, 0.03];
        let errors = [0.02, 0.02, 0.01, 0.02, 0.01, 0.01, 0.01, 0.005, 0.004];
        let x = |i: usize| ([4.0f64, 16.0, 64.0][i % 3], [8.0f64, 32.0, 128.0][i / 3]);
        let design: Vec<Vec<f64>> = (0..9).map(|i| vec![1.0, -x(i).0.ln(), -x(i).1.ln()]).collect();
        let logs: Vec<f64> = values.iter().map(|v: &f64| v.ln()).collect();
        let weights: Vec<f64> = values.iter().zip(errors).map(|(v, e)| (e / v).max(LEAST_ERROR).powi(-2)).collect();
        let (solved, _) = regression(&design, &logs, &weights).expect("a fit");
        let half = |i: usize| student_quantile(0.975, 6.0) * solved.errors[i];
        let found = [(solved.coefficients[1], half(1)), (solved.coefficients[2], half(2))];
        let expected = [(0.424_100_75, 0.065_167_13), (0.555_793_4, 0.064_439_49)];
        for ((value, half), (v, h)) in found.iter().zip(expected) {
            assert!((value - v).abs() < 1e-7 && (half - h).abs() < 1e-7, "{found:?}");
        }
    }

    #[test]
    fn decays_along_a_curve_are_found() {
        let points = |y: fn(f64) -> f64| -> Vec<(f64, Measured)> {
            (1..=20).map(f64::from).map(|x| (x, Measured { value: y(x), stderr: 0.0 })).collect()
        };
        let found = decay(&points(|x| 3.0 * (-0.25 * x).exp()), 20).expect("a fit");
        assert!((found.slope - 0.25).abs() < 1e-12 && (found.amplitude - 3.0).abs() < 1e-10, "{found:?}");
        assert!(found.half_width < 1e-9 && found.r_squared > 1.0 - 1e-12);
        // Not a straight line in logarithms: the interval says so.
        let bent = decay(&points(|x| 1.0 / x), 20).expect("a fit");
        assert!(bent.half_width > 0.01 && bent.r_squared < 0.95, "{bent:?}");
        // As if of five points: by the points and by Student's t.
        let few = decay(&points(|x| 1.0 / x), 5).expect("a fit");
        let wider = (20.0f64 / 5.0).sqrt() * student_quantile(0.975, 3.0) / student_quantile(0.975, 18.0);
        assert!((few.half_width / bent.half_width - wider).abs() < 1e-9 && few.slope == bent.slope, "{few:?}");
        assert_eq!(decay(&points(|x| x), 2), None);
        assert_eq!(decay(&points(|x| x)[..2], 20), None);
    }

    #[test]
    fn what_cannot_be_fitted_is_left_out() {
        let at = |k: f64, n: f64, seed: f64, value: f64| run(&[k, n, seed], value);
        let mut runs: Vec<Run> =
            [1.0, 2.0, 4.0, 8.0].iter().flat_map(|x| [at(*x, 3.0, 1.0, 1.0 / x), at(*x, 3.0, 2.0, 2.0 / x)]).collect();
        // In one seed below 0: left out in both.
        runs.extend([at(16.0, 3.0, 1.0, -0.01), at(16.0, 3.0, 2.0, 5.0)]);
        let fit = of(&runs).expect("a fit");
        assert_eq!((fit.used, fit.not_positive, fit.exponents.len()), (4, 1, 1));
        let over = fit.exponents[0].over;
        assert!((over.mean - 1.0).abs() < 1e-12 && over.half_width.is_none() && over.seeds == 2, "{over:?}");
        // One axis value leaves nothing to fit, and N that always moves with K cannot be distinguished from it.
        assert_eq!(of(&[at(1.0, 1.0, 1.0, 1.0), at(1.0, 1.0, 2.0, 2.0)]), None);
        assert_eq!(of(&[]), None);
        let tied: Vec<Run> = [1.0, 2.0, 4.0, 8.0].iter().map(|x| at(*x, *x, 1.0, 1.0 / x)).collect();
        assert_eq!(of(&tied), None);
    }
}
