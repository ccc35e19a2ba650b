//! The losses and gaps of two runs at their ends, as a table.

use charts::report::Table;

use super::{Difference, Measure, Pair};
use crate::{
    app::history::History,
    number::{self, Unit},
    protocol::{LossAndFloor, Measured},
};

/// A number of a run.
struct Quantity {
    name: &'static str,
    of: fn(&History, Measure) -> Option<Measured>,
}

fn level(loss: LossAndFloor, measure: Measure) -> Measured {
    if measure == Measure::Excess { loss.excess } else { loss.loss }
}

/// What a finished run found, or its latest evaluation.
macro_rules! found {
    ($run:expr, $field:ident) => {
        match $run.outcome() {
            Some(outcome) => Some(outcome.$field),
            None => $run.latest().map(|evaluation| evaluation.$field),
        }
    };
}

const QUANTITIES: [Quantity; 6] = [
    Quantity { name: "Empirical loss L_E", of: |run, measure| found!(run, empirical).map(|loss| level(loss, measure)) },
    Quantity {
        name: "First-level loss L(θ, W)",
        of: |run, measure| found!(run, first_level).map(|loss| level(loss, measure)),
    },
    Quantity {
        name: "Two-level loss L(θ)",
        of: |run, measure| found!(run, two_level).map(|loss| level(loss, measure)),
    },
    Quantity { name: "Sequence gap", of: |run, _| found!(run, sequence_gap) },
    Quantity { name: "Topic gap", of: |run, _| found!(run, topic_gap) },
    Quantity {
        name: "Topic gap above Bayes",
        of: |run, _| match run.outcome() {
            Some(outcome) => outcome.topic_gap_above_bayes,
            None => run.latest().map(|evaluation| evaluation.topic_gap_above_bayes),
        },
    },
];

/// With its sign: `+0.012`, `−0.012`.
pub fn signed(value: f64) -> String {
    let text = number::short(value);
    if value > 0.0 { format!("+{text}") } else { text }
}

/// A difference as it is said: `+0.0120 (−0.0031 to 0.0271)`; `nats` in the unit that is wanted.
pub fn difference_words(difference: Difference, unit: Unit) -> String {
    let value = signed(unit.of(difference.value));
    match difference.interval {
        Some((low, high)) => {
            format!("{value} ({} to {})", number::short(unit.of(low)), number::short(unit.of(high)))
        }
        None => value,
    }
}

/// What an interval over seeds says of B; empty where it is not one.
pub fn verdict(difference: Difference, is_over_seeds: bool) -> &'static str {
    match difference.sign().filter(|_| is_over_seeds) {
        Some(1) => "B is higher",
        Some(-1) => "B is lower",
        Some(_) => "not told apart",
        None => "",
    }
}

/// The step that a side was measured at: `1,000`, or the least and the greatest of its seeds.
fn steps(side: &[&History]) -> String {
    let steps = || side.iter().map(|run| run.latest().map_or(0, |e| e.step));
    let (low, high) = (steps().min().unwrap_or(0), steps().max().unwrap_or(0));
    if low == high { number::count(low) } else { format!("{} to {}", number::count(low), number::count(high)) }
}

/// Steps, losses and gaps of both, and B − A.
pub fn table(pair: &Pair, measure: Measure, unit: Unit) -> Table {
    let is_over_seeds = pair.basis().is_over_seeds();
    let of = |value: Measured| number::with_error(unit.of(value.value), unit.of(value.stderr));
    let mut rows = vec![
        vec!["Seeds".into(), pair.sides[0].len().to_string(), pair.sides[1].len().to_string(), String::new()],
        vec!["Step".into(), steps(&pair.sides[0]), steps(&pair.sides[1]), String::new()],
    ];
    if is_over_seeds {
        rows.iter_mut().for_each(|row| row.push(String::new()));
    }
    for Quantity { name, of: read } in QUANTITIES {
        let value = |side: usize| pair.mean(side, |run| read(run, measure)).map_or_else(|| "none".into(), of);
        let difference = pair.difference(|run| read(run, measure));
        let words = difference.map_or_else(String::new, |difference| difference_words(difference, unit));
        let mut row = vec![name.into(), value(0), value(1), words];
        if is_over_seeds {
            row.push(difference.map_or("", |difference| verdict(difference, pair.is_at_one_step())).into());
        }
        rows.push(row);
    }
    let mut heads = vec!["Number", "A", "B", "B − A"];
    if is_over_seeds {
        heads.push("95% interval");
    }
    let above = match measure {
        Measure::Excess => "losses above exact Bayes",
        Measure::Loss => "losses above the source that knows the topic",
    };
    let per = pair.first()[0].per();
    Table {
        caption: format!(
            "At the step that each was measured at last; {unit} per {per}, {above}, ± standard error of the evaluation"
        ),
        ..Table::new("compare-numbers", &heads, rows)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::run, *};
    use crate::{app::charts::fixtures, protocol::Event};

    fn verdicts(table: &Table) -> Vec<&str> {
        table.rows.iter().filter_map(|row| row.cells.get(4)).map(String::as_str).collect()
    }

    #[test]
    fn verdicts_need_an_interval_over_seeds() {
        let (a, b) = (run(1, 0.1), run(1, 0.4));
        let one = Pair::new(["x", "y"], [&[&a], &[&b]]).expect("two runs");
        let table = table(&one, Measure::Loss, Unit::Nats);
        assert_eq!(table.heads, ["Number", "A", "B", "B − A"]);
        assert!(table.rows.iter().all(|row| row.cells.len() == 4));
        let two_level = &table.rows.iter().find(|row| row.cells[0].starts_with("Two-level")).expect("a row").cells;
        assert!(two_level[3].starts_with("+0.270 ("), "{two_level:?}");

        let [a, b]: [Vec<History>; 2] =
            [0.1, 0.4].map(|excess| (1..=3).map(|seed| run(seed, excess + 0.001 * (seed * seed) as f64)).collect());
        let [a, b]: [Vec<&History>; 2] = [a.iter().collect(), b.iter().collect()];
        let several = Pair::new(["x", "y"], [&a, &b]).expect("two runs");
        let table = super::table(&several, Measure::Loss, Unit::Nats);
        assert_eq!(verdicts(&table)[..2], ["", ""]);
        assert_eq!(verdicts(&table)[2..5], ["B is higher"; 3]);
        // One seed of B went on: that may be what makes the difference.
        let mut later = b[2].clone();
        later.apply(&Event::Evaluation(fixtures::evaluation_of(later.experiment().data.length, 200, 0.4)));
        let unlike = Pair::new(["x", "y"], [&a, &[b[0], b[1], &later]]).expect("two runs");
        assert!(verdicts(&super::table(&unlike, Measure::Loss, Unit::Nats)).iter().all(|verdict| verdict.is_empty()));
    }

    #[test]
    fn a_finished_run_has_the_numbers_of_its_outcome() {
        let (mut a, b) = (run(1, 0.1), run(1, 0.4));
        a.apply(&Event::Outcome(Box::new(fixtures::outcome())));
        let pair = Pair::new(["x", "y"], [&[&a], &[&b]]).expect("two runs");
        let table = table(&pair, Measure::Excess, Unit::Bits);
        let gap = &table.rows.iter().find(|row| row.cells[0] == "Topic gap").expect("a row").cells;
        let expected = fixtures::outcome().topic_gap;
        assert_eq!(gap[1], number::with_error(Unit::Bits.of(expected.value), Unit::Bits.of(expected.stderr)));
        assert!(table.caption.contains("bits per token, losses above exact Bayes"), "{}", table.caption);
    }

    #[test]
    fn differences_have_a_sign() {
        assert_eq!((signed(0.0123), signed(-0.5), signed(0.0)), ("+0.0123".into(), "−0.500".into(), "0".into()));
        let difference = Difference { value: 0.2, interval: Some((-0.1, 0.5)) };
        assert_eq!(difference_words(difference, Unit::Nats), "+0.200 (−0.100 to 0.500)");
        assert_eq!((verdict(difference, true), verdict(difference, false)), ("not told apart", ""));
    }
}
