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
    pub fn told(&self) -> String {
        told(self.change, &self.over)
    }

    /// `Paired by seed: difference −0.012 [−0.020, −0.004] nats per token over 8 seeds`: each seed's run at one value against the same
    /// seed's run at the other. With too few seeds it says that there is no interval. `unit` is that of a difference.
    pub fn paired(&self, unit: &str) -> String {
        let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
        let told = self.told();
        let (number, is_same) = match told.strip_suffix(SAME) {
            Some(number) => (number, true),
            None => (told.as_str(), false),
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
pub fn told(change: Change, over: &Estimate) -> String {
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
mod tests {
    use super::*;
    use crate::{
        experiment::sweep::Axis,
        sweep::{METRICS, Metrics},
    };

    /// Standard normal numbers, the same on every platform.
    struct Normal(u64);

    impl Normal {
        fn uniform(&mut self) -> f64 {
            // SplitMix64.
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
        }

        fn next(&mut self) -> f64 {
            let (a, b) = (1.0 - self.uniform(), self.uniform());
            (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
        }
    }

    fn axes(seeds: usize) -> Vec<Axis> {
        let axis = |field: &str, values: &[usize]| Axis {
            field: field.into(),
            values: values.iter().map(|v| Value::from(*v)).collect(),
        };
        vec![
            axis("data.topics", &[4, 64]),
            axis("data.sequences", &[4, 16, 64]),
            axis("data.length", &[8, 16, 32]),
            axis("seed", &(1..=seeds).collect::<Vec<_>>()),
        ]
    }

    /// Topic gaps with a known effect of K, a part of it that all settings of a seed share (its topics are the same at every N and T), and
    /// noise of each run's own. Standard deviations are those of a difference over K.
    fn simulated(axes: &[Axis], normal: &mut Normal, effect: f64, shared: f64, own: f64) -> Vec<Run> {
        let mut runs = Vec::new();
        for seed in &axes[3].values {
            let (level, of_seed) = (normal.next(), shared * normal.next());
            for k in &axes[0].values {
                for n in &axes[1].values {
                    for t in &axes[2].values {
                        let rise = if k == &axes[0].values[1] { effect + of_seed } else { 0.0 };
                        let value = level + rise + own / 2f64.sqrt() * normal.next();
                        runs.push(Run {
                            coordinates: vec![k.clone(), n.clone(), t.clone(), seed.clone()],
                            metrics: Metrics::with(&[("topic_gap", value, 0.01), ("first_level", value, 0.01)]),
                            ..Run::default()
                        });
                    }
                }
            }
        }
        runs
    }

    fn gap() -> &'static Metric {
        Metric::named("topic_gap").unwrap()
    }

    /// Always worked as a difference: it has no zero of its own.
    fn loss() -> &'static Metric {
        Metric::named("first_level").unwrap()
    }

    /// What was done before: settings × seeds as if independent.
    fn pooled(table: &Table, effect: &Effect) -> (f64, f64) {
        let of = |row: &Row, seed: &Value| {
            row.runs.iter().find(|r| table.seed(r) == *seed).and_then(|r| r.metrics.get("topic_gap")).unwrap().value
        };
        let mut all = Vec::new();
        for low in table.rows.iter().filter(|row| row.coordinates[0] == effect.low) {
            let high = table
                .rows
                .iter()
                .find(|row| row.coordinates[0] == effect.high && row.coordinates[1..] == low.coordinates[1..])
                .unwrap();
            all.extend(low.runs.iter().map(|run| table.seed(run)).map(|seed| of(high, &seed) - of(low, &seed)));
        }
        let over = Estimate::over(&all).unwrap();
        (over.mean, over.half_width.unwrap())
    }

    /// A third of the variance of a difference over K belongs to the seed: then pooling 9 settings × 3 seeds covers about 69%, as the
    /// referee found with the recorded components, and one number for each seed covers 95%.
    #[test]
    fn intervals_by_seed_cover_what_they_say() {
        let mut normal = Normal(7);
        for seeds in [3, 8] {
            let axes = axes(seeds);
            let (mut by_seed, mut by_pool, count) = (0, 0, 1500);
            for _ in 0..count {
                let runs = simulated(&axes, &mut normal, -0.2, 0.33f64.sqrt(), 0.67f64.sqrt());
                let table = Table::new(&axes, &runs);
                let effect = Effect::along(&table, loss(), 0).unwrap();
                assert_eq!((effect.over.seeds, effect.at.len(), effect.change), (seeds, 9, Change::Difference));
                let (low, high) = effect.over.interval().unwrap();
                by_seed += usize::from(low <= -0.2 && -0.2 <= high);
                let (mean, half) = pooled(&table, &effect);
                by_pool += usize::from((mean + 0.2).abs() <= half);
            }
            let [by_seed, by_pool] = [by_seed, by_pool].map(|n| n as f64 / f64::from(count));
            assert!((0.93..=0.97).contains(&by_seed), "{seeds} seeds: {by_seed}");
            assert!((0.64..=0.74).contains(&by_pool), "pooled, {seeds} seeds: {by_pool}");
        }
    }

    /// Without any effect, one verdict is wrong in 5% of sweeps, and Holm keeps any of a table's three wrong in at most that.
    #[test]
    fn where_nothing_is_true_verdicts_are_wrong_at_their_level() {
        let mut normal = Normal(11);
        let axes = axes(8);
        let (mut single, mut any, mut any_uncorrected, count) = (0, 0, 0, 1500);
        for _ in 0..count {
            let runs = simulated(&axes, &mut normal, 0.0, 0.33f64.sqrt(), 0.67f64.sqrt());
            let table = Table::new(&axes, &runs);
            let mut effects: Vec<Effect> = (0..3).filter_map(|axis| Effect::along(&table, loss(), axis)).collect();
            single += usize::from(effects[0].verdict() != Verdict::Undecided);
            any_uncorrected += usize::from(effects.iter().any(|e| e.verdict() != Verdict::Undecided));
            correct(&mut effects);
            any += usize::from(effects.iter().any(|e| e.verdict() != Verdict::Undecided));
        }
        let [single, any, any_uncorrected] = [single, any, any_uncorrected].map(|n| n as f64 / f64::from(count));
        assert!((0.035..=0.065).contains(&single), "{single}");
        assert!(any <= 0.065, "{any}");
        assert!(any_uncorrected > 0.09, "the correction had nothing to do: {any_uncorrected}");
    }

    /// Golden numbers: R 4.4, p.adjust(c(.01, .04, .03, .005), "holm").
    #[test]
    fn holms_correction() {
        let close = |p: &[Option<f64>], expected: &[Option<f64>]| {
            let same = |a: &Option<f64>, b: &Option<f64>| match (a, b) {
                (Some(a), Some(b)) => (a - b).abs() < 1e-12,
                (a, b) => a == b,
            };
            let found = holm(p);
            assert!(found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| same(a, b)), "{found:?}");
        };
        let some = |p: &[f64]| p.iter().map(|p| Some(*p)).collect::<Vec<_>>();
        close(&some(&[0.01, 0.04, 0.03, 0.005]), &some(&[0.03, 0.06, 0.06, 0.02]));
        close(&some(&[0.9, 0.6]), &some(&[1.0, 1.0]));
        close(&[None, Some(0.02), None, Some(0.03)], &[None, Some(0.04), None, Some(0.04)]);
        close(&[], &[]);
    }

    #[test]
    fn few_seeds_give_no_interval_and_equal_ones_no_certainty() {
        let two = Estimate::over(&[1.0, 2.0]).unwrap();
        assert_eq!((two.mean, two.seeds, two.half_width, two.p), (1.5, 2, None, None));
        assert_eq!(Verdict::of(&two, holm(&[two.p])[0]), Verdict::None);
        // Golden numbers, of 1, 2, 4: t = 2.6458 with 2 degrees of freedom, integrated numerically.
        let three = Estimate::over(&[1.0, 2.0, 4.0]).unwrap();
        assert!((three.half_width.unwrap() - 3.794_583_03).abs() < 1e-6, "{three:?}");
        assert!((three.p.unwrap() - 0.118_082_896).abs() < 1e-6, "{three:?}");
        // A rank correlation of 1 in each of three seeds: their signs agree by accident one time in four.
        assert_eq!(Estimate::over(&[1.0; 3]).unwrap().p, Some(0.25));
        assert_eq!(Estimate::over(&[0.0; 3]).unwrap().p, Some(1.0));
        assert_eq!(Estimate::over(&[]), None);
        assert_eq!(Estimate::over(&[1.0, f64::NAN]), None);
    }

    /// Halved in every setting: a factor of .5 whatever the levels; with one run at or below 0 a plain difference.
    #[test]
    fn changes_are_factors_where_everything_is_above_0() {
        let axes = axes(3);
        let make = |low: f64| -> Vec<Run> {
            let mut runs = simulated(&axes, &mut Normal(1), 0.0, 0.0, 0.0);
            for (i, run) in runs.iter_mut().enumerate() {
                let (k, level) = (run.coordinates[0].as_u64().unwrap(), 1.0 + (i % 9) as f64);
                let seed = run.coordinates[3].as_u64().unwrap() as f64;
                let value = if k == 64 { 0.5 * level * (0.1 * (seed - 2.0)).exp() } else { level };
                run.metrics = Metrics::with(&[("topic_gap", if i == 0 { low } else { value }, 0.01)]);
            }
            runs
        };
        let runs = make(1.0);
        let table = Table::new(&axes, &runs);
        let effect = Effect::along(&table, gap(), 0).unwrap();
        assert!(effect.change == Change::Ratio && (effect.over.mean - 0.5f64.ln()).abs() < 1e-12, "{effect:?}");
        // ln .5 ± 4.3027 · .1/√3.
        assert_eq!(effect.told(), "× 0.50 [0.39, 0.64]");
        assert_eq!(effect.paired("nats"), "Paired by seed: factor × 0.50 [0.39, 0.64] over 3 seeds");
        let told = |change, values: &[f64]| {
            let over = Estimate::over(values).expect("values");
            Effect { change, over, ..effect.clone() }.paired("nats per token")
        };
        assert_eq!(
            told(Change::Difference, &[-0.008, -0.012, -0.016]),
            "Paired by seed: difference −0.0120 [−0.0219, −0.0021] nats per token over 3 seeds"
        );
        assert_eq!(
            told(Change::Difference, &[-0.01, -0.03]),
            "Paired by seed: difference −0.0200 nats per token over 2 seeds; an interval takes 3 or more"
        );
        assert_eq!(
            told(Change::Ratio, &[0.5f64.ln()]),
            "Paired by seed: factor × 0.50, of one seed, so without an interval"
        );
        assert_eq!(
            told(Change::Difference, &[0.5; 3]),
            "Paired by seed: difference 0.500 nats per token in each of 3 seeds"
        );
        let runs = make(-1.0);
        let table = Table::new(&axes, &runs);
        assert_eq!(Effect::along(&table, gap(), 0).unwrap().change, Change::Difference);
        // An axis of words has no ends.
        assert_eq!(METRICS.iter().filter(|m| m.name == "two_level" && m.has_zero()).count(), 0);
    }

    /// A setting that some seed has not finished is left out in all.
    #[test]
    fn every_seed_has_the_same_settings() {
        let axes = axes(3);
        let mut runs = simulated(&axes, &mut Normal(3), 0.0, 1.0, 1.0);
        let whole = Table::new(&axes, &runs);
        assert_eq!(Effect::along(&whole, gap(), 0).unwrap().at.len(), 9);
        runs.remove(0);
        let table = Table::new(&axes, &runs);
        let effect = Effect::along(&table, gap(), 0).unwrap();
        assert_eq!((effect.at.len(), effect.over.seeds), (8, 3));
        // Of K from 4 to 64 nothing is known where one end is missing everywhere.
        runs.retain(|run| run.coordinates[0] == 4);
        assert!(Effect::along(&Table::new(&axes, &runs), gap(), 0).is_none());
    }
}
