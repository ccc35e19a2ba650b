//! Curves of two runs and their difference.

use super::{Basis, Difference, Measure, Pair};
use crate::{app::history::History, protocol::Measured};

/// Most places at which the training losses are compared.
const PLACES: usize = 200;

/// On which sequences the loss by position was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topics {
    /// Of fresh topics.
    Fresh,
    /// Fresh sequences of the training topics.
    Training,
}

/// A curve of one side: the mean over its seeds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// Positions from 1, or steps.
    pub x: Vec<f64>,
    pub mean: Vec<f64>,
    /// With several seeds the least and the greatest of them; with one the 95% band of the evaluation, or the mean itself where there
    /// is none.
    pub band: Vec<(f64, f64)>,
    pub seeds: usize,
    /// Of the fewest sequences behind a number of it; 0 for the training loss.
    pub sequences: usize,
}

/// What a run measured at position index `l`, from 0.
fn at(run: &History, topics: Topics, measure: Measure, l: usize) -> Option<Measured> {
    let e = run.latest()?;
    let (value, stderr) = match (topics, measure) {
        (Topics::Fresh, Measure::Loss) => (*e.model.get(l)?, e.excess_stderr.get(l)),
        (Topics::Fresh, Measure::Excess) => (*e.excess.get(l)?, e.excess_stderr.get(l)),
        (Topics::Training, Measure::Loss) => (*e.seen_model.get(l)?, e.seen_model_stderr.get(l)),
        // The error is that of the model's part.
        (Topics::Training, Measure::Excess) => {
            (e.seen_model.get(l)? - e.seen_bayes.get(l)?, e.seen_model_stderr.get(l))
        }
    };
    value.is_finite().then_some(Measured { value, stderr: stderr.copied().unwrap_or_default() })
}

/// Positions that all runs of a side have.
fn positions(runs: &[&History], topics: Topics) -> usize {
    let length = |run: &&History| {
        run.latest().map_or(0, |e| match topics {
            Topics::Fresh => e.model.len(),
            Topics::Training => e.seen_model.len(),
        })
    };
    runs.iter().map(length).min().unwrap_or(0)
}

/// The loss by position of one side (0: A, 1: B), nats. Empty before an evaluation, and on training topics where there are none.
pub fn by_position(pair: &Pair, side: usize, topics: Topics, measure: Measure) -> Curve {
    let runs = &pair.sides[side];
    let mut curve = Curve {
        seeds: runs.len(),
        sequences: runs.iter().filter_map(|run| run.latest()).map(|e| e.sequences).min().unwrap_or(0),
        ..Curve::default()
    };
    for l in 0..positions(runs, topics) {
        let values: Option<Vec<Measured>> = runs.iter().map(|run| at(run, topics, measure, l)).collect();
        let Some(values) = values else { break };
        push(&mut curve, (l + 1) as f64, &values);
    }
    curve
}

fn push(curve: &mut Curve, x: f64, values: &[Measured]) {
    let mean = super::mean(values);
    let band = match values {
        [only] => (only.value - 1.96 * only.stderr, only.value + 1.96 * only.stderr),
        several => several
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v.value), high.max(v.value))),
    };
    curve.x.push(x);
    curve.mean.push(mean.value);
    curve.band.push(band);
}

/// Exact Bayes (or the baseline in its place) of one side, nats by position.
pub fn bayes(pair: &Pair, side: usize) -> Vec<f64> {
    pair.first()[side].theory().map(|theory| theory.bayes.values.clone()).unwrap_or_default()
}

/// B − A by position, index 0 being position 1, as far as both reach.
pub fn difference_by_position(pair: &Pair, topics: Topics, measure: Measure) -> Vec<Difference> {
    let length = pair.sides.iter().map(|side| positions(side, topics)).min().unwrap_or(0);
    (0..length).map_while(|l| pair.difference(|run| at(run, topics, measure, l))).collect()
}

/// B − A of the mean over the positions that both have. With one seed on a side the interval is the widest that the errors by position
/// allow, as those of one sequence go together.
pub fn mean_difference(pair: &Pair, topics: Topics, measure: Measure) -> Option<Difference> {
    let length = pair.sides.iter().map(|side| positions(side, topics)).min().filter(|length| *length > 0)?;
    pair.difference(|run| {
        let values: Option<Vec<Measured>> = (0..length).map(|l| at(run, topics, measure, l)).collect();
        let values = values?;
        let mean = |of: fn(&Measured) -> f64| values.iter().map(of).sum::<f64>() / length as f64;
        Some(Measured { value: mean(|m| m.value), stderr: mean(|m| m.stderr) })
    })
}

/// Smoothed training loss of a run at a step, nats; `None` beyond what it has.
fn training_at(run: &History, step: usize) -> Option<f64> {
    let buckets = run.training().buckets();
    let bucket = buckets.get(buckets.partition_point(|bucket| bucket.last < step))?;
    bucket.smoothed.is_finite().then_some(bucket.smoothed)
}

/// Steps at which training losses are compared: evenly, up to the step that all have reached.
fn training_steps(runs: &[&History]) -> Vec<usize> {
    let last = runs.iter().map(|run| run.training().last_step()).min().unwrap_or(0);
    let places = last.min(PLACES);
    let mut steps: Vec<usize> = (1..=places).map(|i| i * last / places).collect();
    steps.dedup();
    steps
}

/// The smoothed training loss of one side by step, nats.
pub fn training(pair: &Pair, side: usize) -> Curve {
    let runs = &pair.sides[side];
    let mut curve = Curve { seeds: runs.len(), ..Curve::default() };
    for step in training_steps(runs) {
        let value = |run: &&History| training_at(run, step).map(|value| Measured { value, stderr: 0.0 });
        let Some(values) = runs.iter().map(value).collect::<Option<Vec<_>>>() else { continue };
        push(&mut curve, step as f64, &values);
    }
    curve
}

/// B − A of the smoothed training loss, by step. Without an interval unless there are seeds: the noise of batches is no error of this.
pub fn training_difference(pair: &Pair) -> Vec<(usize, Difference)> {
    let all: Vec<&History> = pair.sides.iter().flatten().copied().collect();
    let of = |step: usize| {
        pair.difference(|run| training_at(run, step).map(|value| Measured { value, stderr: 0.0 }))
            .map(|difference| (step, difference))
    };
    training_steps(&all).into_iter().filter_map(of).collect()
}

/// Positions (from 1) at which the interval excludes 0; empty unless it is one over seeds.
pub fn differing(differences: &[Difference], basis: Basis) -> Vec<usize> {
    let differs = |d: &Difference| basis.is_over_seeds() && d.sign().is_some_and(|sign| sign != 0);
    differences.iter().enumerate().filter(|(_, d)| differs(d)).map(|(l, _)| l + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::tests::run, *};
    use crate::{app::charts::fixtures, experiment::Experiment};

    fn pair<'a>(a: &'a [History], b: &'a [History]) -> Pair<'a> {
        let [a, b]: [Vec<&History>; 2] = [a.iter().collect(), b.iter().collect()];
        Pair::new(["first", "second"], [&a, &b]).expect("two runs")
    }

    #[test]
    fn the_difference_is_b_less_a_at_each_position() {
        let (a, b) = ([run(1, 0.1)], [run(1, 0.3)]);
        let pair = pair(&a, &b);
        let [first, second] = [0, 1].map(|side| by_position(&pair, side, Topics::Fresh, Measure::Loss));
        let found = difference_by_position(&pair, Topics::Fresh, Measure::Loss);
        assert_eq!(found.len(), Experiment::default().data.length);
        for (l, difference) in found.iter().enumerate() {
            assert!((difference.value - (second.mean[l] - first.mean[l])).abs() < 1e-12);
            assert!(difference.interval.is_some_and(|(low, high)| low < difference.value && difference.value < high));
        }
        // In one world the losses differ as the excesses do.
        let excess = difference_by_position(&pair, Topics::Fresh, Measure::Excess);
        assert!(found.iter().zip(&excess).all(|(a, b)| (a.value - b.value).abs() < 1e-9));
        assert_eq!(differing(&found, pair.basis()), Vec::<usize>::new(), "one seed each: no claim");
        let mean = mean_difference(&pair, Topics::Fresh, Measure::Loss).expect("a mean");
        let expected = found.iter().map(|d| d.value).sum::<f64>() / found.len() as f64;
        assert!((mean.value - expected).abs() < 1e-12);
    }

    #[test]
    fn bands_of_several_seeds_reach_from_the_least_to_the_greatest() {
        let a = [run(1, 0.1), run(2, 0.2), run(3, 0.15)];
        let b = [run(1, 0.5), run(2, 0.61), run(3, 0.55)];
        let pair = pair(&a, &b);
        let curve = by_position(&pair, 0, Topics::Training, Measure::Excess);
        let e = |run: &History| run.latest().map(|e| e.seen_model[0] - e.seen_bayes[0]).expect("an evaluation");
        assert_eq!(curve.band[0], (e(&a[0]), e(&a[1])));
        let found = difference_by_position(&pair, Topics::Fresh, Measure::Loss);
        assert_eq!(differing(&found, pair.basis()).len(), found.len());
    }

    #[test]
    fn the_shorter_of_two_sequences_decides() {
        let mut short = Experiment::default();
        short.data.length = 8;
        let (a, b) = ([run(1, 0.1)], [fixtures::history(&short, 40)]);
        let pair = pair(&a, &b);
        assert_eq!(difference_by_position(&pair, Topics::Fresh, Measure::Loss).len(), 8);
        assert_eq!(by_position(&pair, 0, Topics::Fresh, Measure::Loss).x.len(), 32);
        // A has no training loss yet.
        assert!(training_difference(&pair).is_empty());
    }

    #[test]
    fn training_losses_are_compared_as_far_as_both_went() {
        let experiment = Experiment::default();
        let (a, b) = ([fixtures::history(&experiment, 40)], [fixtures::history(&experiment, 400)]);
        let pair = pair(&a, &b);
        let found = training_difference(&pair);
        assert_eq!(found.last().map(|(step, _)| *step), Some(40));
        assert!(found.iter().all(|(_, difference)| difference.interval.is_none()));
        assert!(found[0].1.value.abs() < 1e-12, "the same first loss");
        assert_eq!(training(&pair, 1).x.last(), Some(&400.0));
        assert!(training(&pair, 1).x.len() <= PLACES);
    }
}
