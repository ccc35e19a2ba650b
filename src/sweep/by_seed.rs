//! What holds over seeds: one number for each seed, and Student's t over those.
//!
//! Runs that share a seed share topics, initialization and batches, whatever their other settings are. So settings × seeds are not
//! independent, and the only thing that is drawn anew is the seed. Every interval of a sweep (reports, pictures, CSV, JSON and the
//! browser's view) is an [`Estimate`]: what differs between settings is first averaged within each seed.

use serde_json::Value;

use super::{
    Metric, Run,
    fit::{student_quantile, student_tail},
    table::{Row, Table},
};

/// With fewer seeds there is no interval and no verdict.
pub const FEWEST_SEEDS: usize = 3;
/// Said in an interval's place where all seeds agree.
const SAME: &str = " in every seed";
/// Verdicts are given at this level, intervals at 1 less it.
pub const LEVEL: f64 = 0.05;

/// A mean over seeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    pub mean: f64,
    pub seeds: usize,
    /// Half the width of the 95% interval (Student's t, seeds − 1 degrees of freedom); `None` with fewer than [`FEWEST_SEEDS`].
    pub half_width: Option<f64>,
    /// Two-sided probability of a mean at least as far from 0 if the true one were 0; `None` with fewer than [`FEWEST_SEEDS`].
    pub p: Option<f64>,
}

impl Estimate {
    /// Of one value for each seed; `None` for none.
    pub fn over(values: &[f64]) -> Option<Self> {
        let n = values.len();
        if n == 0 || values.iter().any(|v| !v.is_finite()) {
            return None;
        }
        let mean = values.iter().sum::<f64>() / n as f64;
        if n < FEWEST_SEEDS {
            return Some(Self { mean, seeds: n, half_width: None, p: None });
        }
        let freedom = n as f64 - 1.0;
        let spread = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / freedom).sqrt();
        let (stderr, same) = (spread / (n as f64).sqrt(), spread <= 1e-12 * mean.abs());
        let p = match () {
            // The same in every seed, as rank correlations can be: then t says nothing, and the signs alone count.
            () if same && mean != 0.0 => 0.5f64.powi(n as i32 - 1),
            () if same => 1.0,
            () => student_tail((mean / stderr).abs(), freedom),
        };
        let half_width = if same { 0.0 } else { student_quantile(1.0 - LEVEL / 2.0, freedom) * stderr };
        Some(Self { mean, seeds: n, half_width: Some(half_width), p: Some(p) })
    }

    /// Ends of the 95% interval.
    pub fn interval(&self) -> Option<(f64, f64)> {
        self.half_width.map(|half| (self.mean - half, self.mean + half))
    }
}

/// Holm's correction (1979): p-values such that those below [`LEVEL`] are, all together, wrong at most that often where nothing is true.
/// What has no p-value takes no part.
pub fn holm(p: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut order: Vec<(usize, f64)> = p.iter().enumerate().filter_map(|(i, p)| Some((i, (*p)?))).collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let (mut out, mut most, count) = (vec![None; p.len()], 0.0f64, order.len());
    for (rank, (i, p)) in order.into_iter().enumerate() {
        most = most.max((count - rank) as f64 * p).min(1.0);
        out[i] = Some(most);
    }
    out
}

/// What the corrected p-value allows to be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Falls,
    Rises,
    /// No difference beyond chance.
    Undecided,
    /// Too few seeds for any verdict.
    None,
}

impl Verdict {
    pub fn of(estimate: &Estimate, corrected: Option<f64>) -> Self {
        match corrected {
            None => Self::None,
            Some(p) if p >= LEVEL => Self::Undecided,
            Some(_) if estimate.mean < 0.0 => Self::Falls,
            Some(_) => Self::Rises,
        }
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::Falls => "falls",
            Self::Rises => "rises",
            Self::Undecided => "no difference beyond chance",
            Self::None => "too few seeds",
        }
    }
}

/// In what a metric's change is worked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// ln of the later value over the earlier one.
    Ratio,
    /// The later value less the earlier one.
    Difference,
}

impl Change {
    /// Logarithms where the metric has a true zero and every run of the table is above it.
    pub fn for_metric(table: &Table, metric: &Metric) -> Self {
        let all = table.rows.iter().flat_map(|row| &row.runs).filter_map(|run| run.metrics.get(metric.name));
        if metric.has_zero() && not_positive(all.map(|m| m.value)) == 0 { Self::Ratio } else { Self::Difference }
    }

    pub fn between(self, low: f64, high: f64) -> f64 {
        match self {
            Self::Ratio => (high / low).ln(),
            Self::Difference => high - low,
        }
    }
}

/// How many of the values have no logarithm.
pub fn not_positive(values: impl Iterator<Item = f64>) -> usize {
    values.filter(|v| *v <= 0.0).count()
}

/// What a metric does along an axis of numbers, from one of its values to another.
#[derive(Clone, Debug)]
pub struct Effect {
    /// Place of the axis in the table.
    pub axis: usize,
    pub metric: &'static Metric,
    pub low: Value,
    pub high: Value,
    pub change: Change,
    /// Over seeds, each the mean over the settings.
    pub over: Estimate,
    /// The same at each setting of the other axes (their values, in the table's order without this axis).
    pub at: Vec<(Vec<Value>, Estimate)>,
    /// Of `over`, corrected for the other verdicts of its table; [`correct`] fills it in.
    pub corrected: Option<f64>,
}

impl Effect {
    /// From an axis' least to its largest value.
    pub fn along(table: &Table, metric: &'static Metric, axis: usize) -> Option<Self> {
        let number = |v: &&Value| v.as_f64();
        let values = &table.axes.get(axis)?.values;
        if values.iter().any(|v| v.as_f64().is_none()) {
            return None;
        }
        let by = |a: &&Value, b: &&Value| number(a).unwrap_or(0.0).total_cmp(&number(b).unwrap_or(0.0));
        Self::between(table, metric, axis, values.iter().min_by(by)?, values.iter().max_by(by)?)
    }

    /// What an axis does: along numbers from the least to the largest; of anything else each value against the first.
    pub fn all_of(table: &Table, metric: &'static Metric, axis: usize) -> Vec<Self> {
        let Some(values) = table.axes.get(axis).map(|axis| &axis.values) else { return Vec::new() };
        match (values.iter().all(Value::is_number), values.split_first()) {
            (false, Some((first, others))) => {
                others.iter().filter_map(|other| Self::between(table, metric, axis, first, other)).collect()
            }
            _ => Self::along(table, metric, axis).into_iter().collect(),
        }
    }

    /// Whether the two ends have an order: numbers have, words have not.
    pub fn is_along(&self) -> bool {
        self.low.is_number() && self.high.is_number()
    }

    /// `None` where no setting has been run at both ends with every seed that there is.
    pub fn between(table: &Table, metric: &'static Metric, axis: usize, low: &Value, high: &Value) -> Option<Self> {
        if low == high {
            return None;
        }
        let change = Change::for_metric(table, metric);
        let others = |row: &Row| -> Vec<Value> {
            let kept = row.coordinates.iter().enumerate().filter(|(i, _)| *i != axis);
            kept.map(|(_, v)| v.clone()).collect()
        };
        let at = |value: &Value| -> Vec<&Row> {
            table.rows.iter().filter(|row| row.coordinates.get(axis) == Some(value)).collect()
        };
        // Of each setting: its values, and the change for each seed.
        type Changes = Vec<(Value, f64)>;
        let mut settings: Vec<(Vec<Value>, Changes)> = Vec::new();
        for first in at(low) {
            let setting = others(first);
            let Some(last) = at(high).into_iter().find(|row| others(row) == setting) else { continue };
            let changes = last.runs.iter().filter_map(|b| {
                let seed = table.seed(b);
                let a = first.runs.iter().find(|a| table.seed(a) == seed)?;
                let [a, b] = [a, b].map(|run| run.metrics.get(metric.name).map(|m| m.value));
                Some((seed, change.between(a?, b?)))
            });
            let changes: Vec<(Value, f64)> = changes.collect();
            if !changes.is_empty() {
                settings.push((setting, changes));
            }
        }
        let seeds = seeds(settings.iter().flat_map(|(_, changes)| changes.iter().map(|(seed, _)| seed)));
        // The same settings in every seed: the mean over them must not differ by which of them are finished.
        settings.retain(|(_, changes)| changes.len() == seeds.len());
        let mean_of = |seed: &Value| {
            let own = settings.iter().filter_map(|(_, c)| c.iter().find(|(s, _)| s == seed)).map(|(_, x)| *x);
            own.sum::<f64>() / settings.len() as f64
        };
        let over = Estimate::over(&seeds.iter().map(mean_of).collect::<Vec<f64>>())?;
        let own = |(setting, changes): (Vec<Value>, Vec<(Value, f64)>)| {
            Some((setting, Estimate::over(&changes.iter().map(|(_, x)| *x).collect::<Vec<f64>>())?))
        };
        let at = settings.into_iter().filter_map(own).collect();
        Some(Self { axis, metric, low: low.clone(), high: high.clone(), change, over, at, corrected: over.p })
    }

    pub fn verdict(&self) -> Verdict {
        Verdict::of(&self.over, self.corrected)
    }

    /// `× 0.57 [0.48, 0.67]`, or `−0.20 [−0.35, −0.05]` nats per token.
    pub fn in_words(&self) -> String {
        in_words(self.change, &self.over)
    }

    /// `Paired by seed: difference −0.012 [−0.020, −0.004] nats per token over 8 seeds`: each seed's run at one value against the same
    /// seed's run at the other. With too few seeds it says that there is no interval. `unit` is that of a difference.
    pub fn paired(&self, unit: &str) -> String {
        let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
        let in_words = self.in_words();
        let (number, is_same) = match in_words.strip_suffix(SAME) {
            Some(number) => (number, true),
            None => (in_words.as_str(), false),
        };
        let size = match self.change {
            Change::Ratio => format!("factor {number}"),
            Change::Difference => format!("difference {number}{unit}"),
        };
        match (self.over.seeds, self.over.half_width) {
            (seeds, _) if is_same => format!("Paired by seed: {size} in each of {seeds} seeds"),
            (1, _) => format!("Paired by seed: {size}, of one seed, so without an interval"),
            (seeds, None) => {
                format!("Paired by seed: {size} over {seeds} seeds; an interval takes {FEWEST_SEEDS} or more")
            }
            (seeds, Some(_)) => format!("Paired by seed: {size} over {seeds} seeds"),
        }
    }
}

/// Holm's correction over the effects of one table.
pub fn correct(effects: &mut [Effect]) {
    let corrected = holm(&effects.iter().map(|e| e.over.p).collect::<Vec<_>>());
    effects.iter_mut().zip(corrected).for_each(|(effect, p)| effect.corrected = p);
}

/// A change and its interval, in words.
pub fn in_words(change: Change, over: &Estimate) -> String {
    let number = |x: f64| match change {
        Change::Ratio => match x.exp() {
            factor if (0.1..100.0).contains(&factor) => crate::number::fixed(factor, 2),
            factor => crate::number::significant(factor, 2),
        },
        Change::Difference => over.half_width.filter(|half| *half > 0.0).map_or_else(
            || crate::number::short(x),
            |half| crate::number::fixed(x, (1 - half.log10().floor() as i32).clamp(0, 8) as usize),
        ),
    };
    let sign = if change == Change::Ratio { "× " } else { "" };
    match over.interval() {
        // What does not vary over seeds has no interval by Student's t.
        Some((low, high)) if low == high => format!("{sign}{}{SAME}", number(over.mean)),
        Some((low, high)) => format!("{sign}{} [{}, {}]", number(over.mean), number(low), number(high)),
        None => format!("{sign}{}", number(over.mean)),
    }
}

/// Each once, in the order in which they come.
pub fn seeds<'a>(all: impl Iterator<Item = &'a Value>) -> Vec<Value> {
    let mut out: Vec<Value> = Vec::new();
    for seed in all {
        if !out.contains(seed) {
            out.push(seed.clone());
        }
    }
    out
}

/// The runs of each seed, in the order in which they come.
pub fn grouped<'a>(table: &Table<'a>) -> Vec<(Value, Vec<&'a Run>)> {
    let mut out: Vec<(Value, Vec<&'a Run>)> = Vec::new();
    for run in table.rows.iter().flat_map(|row| row.runs.iter().copied()) {
        let seed = table.seed(run);
        match out.iter_mut().find(|(other, _)| *other == seed) {
            Some((_, runs)) => runs.push(run),
            None => out.push((seed, vec![run])),
        }
    }
    out
}

#[cfg(test)]
mod tests;
