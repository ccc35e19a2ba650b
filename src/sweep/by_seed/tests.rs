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
    assert_eq!(effect.in_words(), "× 0.50 [0.39, 0.64]");
    assert_eq!(effect.paired("nats"), "Paired by seed: factor × 0.50 [0.39, 0.64] over 3 seeds");
    let in_words_of = |change, values: &[f64]| {
        let over = Estimate::over(values).expect("values");
        Effect { change, over, ..effect.clone() }.paired("nats per token")
    };
    assert_eq!(
        in_words_of(Change::Difference, &[-0.008, -0.012, -0.016]),
        "Paired by seed: difference −0.0120 [−0.0219, −0.0021] nats per token over 3 seeds"
    );
    assert_eq!(
        in_words_of(Change::Difference, &[-0.01, -0.03]),
        "Paired by seed: difference −0.0200 nats per token over 2 seeds; an interval takes 3 or more"
    );
    assert_eq!(
        in_words_of(Change::Ratio, &[0.5f64.ln()]),
        "Paired by seed: factor × 0.50, of one seed, so without an interval"
    );
    assert_eq!(
        in_words_of(Change::Difference, &[0.5; 3]),
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
