//! Power laws fitted over the cells of a grid, metric = c · Π x_j^(-e_j), and along one curve.

use serde_json::Value;

use super::Run;
use crate::protocol::Measured;

/// No cell or point weighs more than one whose value is known to 5%: a fit should not hang on the cells that happen to be precise, when what
/// it misses most is that nature is no power law.
const LEAST_ERROR: f64 = 0.05;

/// One fitted law.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// One for each axis that was asked for, and could be fitted.
    pub exponents: Vec<Exponent>,
    /// Cells behind it.
    pub used: usize,
    /// Cells whose value is not above 0, and has no logarithm.
    pub not_positive: usize,
    /// Share of the variance of the metric's logarithm that the law explains (weighted).
    pub r_squared: f64,
}

/// How fast the metric falls along one axis: as x^(-value).
#[derive(Clone, Debug, PartialEq)]
pub struct Exponent {
    pub field: String,
    pub value: f64,
    /// Half the width of the 95% confidence interval (Student's t).
    pub half_width: f64,
}

/// Fits `metric` over the runs, jointly along the axes `(field, index of its coordinate)`. Axes whose values are not all above 0, or
/// of which only one is left, are not fitted. Weighted least squares in logarithms; the weights are known up to a factor, which
/// comes from the residuals. `None` where no degree of freedom is left.
pub fn fit(runs: &[&Run], metric: &str, axes: &[(String, usize)]) -> Option<Fit> {
    let coordinate = |run: &Run, index: usize| run.coordinates.get(index).and_then(Value::as_f64);
    let usable: Vec<&(String, usize)> = axes
        .iter()
        .filter(|(_, index)| runs.iter().all(|run| coordinate(run, *index).is_some_and(|x| x > 0.0)))
        .collect();
    let mut not_positive = 0;
    let (mut rows, mut values): (Vec<Vec<f64>>, Vec<Measured>) = Default::default();
    for run in runs {
        let Some(measured) = run.metrics.get(metric) else { continue };
        if measured.value <= 0.0 {
            not_positive += 1;
            continue;
        }
        let x = usable.iter().filter_map(|(_, index)| coordinate(run, *index)).map(|x| -x.ln());
        rows.push(x.collect());
        values.push(measured);
    }
    // An axis along which what is left does not vary cannot be told from the constant.
    let varying: Vec<usize> =
        (0..usable.len()).filter(|&j| rows.iter().any(|row| (row[j] - rows[0][j]).abs() > 1e-12)).collect();
    if varying.is_empty() {
        return None;
    }
    let design: Vec<Vec<f64>> =
        rows.iter().map(|row| [1.0].into_iter().chain(varying.iter().map(|&j| row[j])).collect()).collect();
    let (solved, r_squared) = regression(&design, &values)?;
    let exponents = varying.iter().enumerate().map(|(k, &j)| Exponent {
        field: usable[j].0.clone(),
        value: solved.coefficients[k + 1],
        half_width: solved.quantile * solved.errors[k + 1],
    });
    Some(Fit { exponents: exponents.collect(), used: rows.len(), not_positive, r_squared })
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

/// Fits a decay through (x, y) with y above 0, as [`fit`] does over cells. The interval is as wide as if there were only `independent`
/// points: neighbours on a curve scatter together. `None` where no degree of freedom is left.
pub fn decay(points: &[(f64, Measured)], independent: usize) -> Option<Decay> {
    let design: Vec<Vec<f64>> = points.iter().map(|(x, _)| vec![1.0, -x]).collect();
    let values: Vec<Measured> = points.iter().map(|(_, y)| *y).collect();
    let freedom = independent.min(points.len()).checked_sub(2).filter(|f| *f > 0)? as f64;
    let (solved, r_squared) = regression(&design, &values)?;
    let inflation = (points.len() as f64 / (freedom + 2.0)).sqrt();
    Some(Decay {
        amplitude: solved.coefficients[0].exp(),
        slope: solved.coefficients[1],
        half_width: student_quantile(0.975, freedom) * inflation * solved.errors[1],
        r_squared,
    })
}

/// Weighted least squares for the values' logarithms, and the share of their variance that is explained.
fn regression(design: &[Vec<f64>], values: &[Measured]) -> Option<(Solved, f64)> {
    let logs: Vec<f64> = values.iter().map(|y| y.value.ln()).collect();
    let weights: Vec<f64> = values.iter().map(|y| (y.stderr / y.value).max(LEAST_ERROR).powi(-2)).collect();
    let solved = least_squares(design, &logs, &weights)?;
    let total: f64 = weights.iter().sum();
    let mean = logs.iter().zip(&weights).map(|(y, w)| w * y).sum::<f64>() / total;
    let variance: f64 = logs.iter().zip(&weights).map(|(y, w)| w * (y - mean).powi(2)).sum();
    let r_squared = if variance > 0.0 { 1.0 - solved.residual / variance } else { 1.0 };
    Some((solved, r_squared))
}

struct Solved {
    coefficients: Vec<f64>,
    /// Standard errors, of the residuals' size.
    errors: Vec<f64>,
    /// Weighted sum of squared residuals.
    residual: f64,
    /// Of Student's t at 97.5%.
    quantile: f64,
}

/// Weighted least squares by the normal equations; a handful of columns. `None` where they are singular, or fit exactly by force.
fn least_squares(design: &[Vec<f64>], y: &[f64], weights: &[f64]) -> Option<Solved> {
    let p = design.first()?.len();
    let freedom = design.len().checked_sub(p).filter(|f| *f > 0)?;
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
    let size = residual / freedom as f64;
    let errors = (0..p).map(|i| (size * table[i][p + 1 + i]).max(0.0).sqrt()).collect();
    Some(Solved { coefficients, errors, residual, quantile: student_quantile(0.975, freedom as f64) })
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
    use crate::sweep::Metrics;

    fn run(coordinates: &[f64], value: f64, stderr: f64) -> Run {
        Run {
            coordinates: coordinates.iter().map(|x| Value::from(*x)).collect(),
            metrics: Metrics::with(&[("topic_gap", value, stderr)]),
            ..Run::default()
        }
    }

    fn of(runs: &[Run], axes: &[(&str, usize)]) -> Option<Fit> {
        let axes: Vec<_> = axes.iter().map(|(name, i)| (name.to_string(), *i)).collect();
        fit(&runs.iter().collect::<Vec<_>>(), "topic_gap", &axes)
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

    #[test]
    fn an_exact_power_law_is_found() {
        let mut runs = Vec::new();
        for k in [4.0, 16.0, 64.0] {
            for n in [2.0, 8.0] {
                runs.push(run(&[k, 1.0, n], 3.0 * f64::powf(k, -0.5) * f64::powf(n, -1.25), 0.0));
            }
        }
        let fit = of(&runs, &[("K", 0), ("N", 2)]).expect("a fit");
        let found: Vec<_> = fit.exponents.iter().map(|e| (e.field.as_str(), e.value)).collect();
        assert!((found[0].1 - 0.5).abs() < 1e-12 && (found[1].1 - 1.25).abs() < 1e-12, "{found:?}");
        assert_eq!((found[0].0, found[1].0, fit.used, fit.not_positive), ("K", "N", 6, 0));
        assert!(fit.r_squared > 1.0 - 1e-12 && fit.exponents.iter().all(|e| e.half_width < 1e-6));
    }

    /// Golden numbers: numpy's solution of the weighted normal equations, and scipy's t.
    #[test]
    fn errors_weigh_and_give_confidence_intervals() {
        let values = [0.5, 0.31, 0.16, 0.27, 0.12, 0.085, 0.11, 0.064, 0.03];
        let errors = [0.02, 0.02, 0.01, 0.02, 0.01, 0.01, 0.01, 0.005, 0.004];
        let runs: Vec<Run> =
            (0..9).map(|i| run(&[[4.0, 16.0, 64.0][i % 3], [8.0, 32.0, 128.0][i / 3]], values[i], errors[i])).collect();
        let fit = of(&runs, &[("K", 0), ("N", 1)]).expect("a fit");
        let expected = [(0.424_100_75, 0.065_167_13), (0.555_793_4, 0.064_439_49)];
        for (e, (value, half_width)) in fit.exponents.iter().zip(expected) {
            assert!((e.value - value).abs() < 1e-7 && (e.half_width - half_width).abs() < 1e-7, "{e:?}");
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
        let mut runs: Vec<Run> = [1.0, 2.0, 4.0, 8.0].iter().map(|x| run(&[*x, 0.0], 1.0 / x, 0.01)).collect();
        runs.push(run(&[16.0, 0.0], -0.01, 0.01));
        let fit = of(&runs, &[("K", 0), ("steps", 1)]).expect("a fit");
        assert_eq!((fit.used, fit.not_positive, fit.exponents.len()), (4, 1, 1));
        // Two points leave no freedom; one axis value leaves nothing to fit.
        assert_eq!(of(&runs[..2], &[("K", 0)]), None);
        assert_eq!(of(&[run(&[1.0], 1.0, 0.1), run(&[1.0], 2.0, 0.1), run(&[1.0], 3.0, 0.1)], &[("K", 0)]), None);
        assert_eq!(of(&[], &[("K", 0)]), None);
        // K and N that always move together cannot be told apart.
        let tied: Vec<Run> = [1.0, 2.0, 4.0, 8.0].iter().map(|x| run(&[*x, *x], 1.0 / x, 0.0)).collect();
        assert_eq!(of(&tied, &[("K", 0), ("N", 1)]), None);
    }
}
