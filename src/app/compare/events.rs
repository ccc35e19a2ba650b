//! Which events two runs have learned, and at which step: where each evaluation measured them.

use charts::report::Table;

use super::Pair;
use crate::{
    app::history::History,
    number,
    probe::events::{LEFT, gone, learned},
    protocol::{Measured, Record},
};

/// What a run has of one event.
#[derive(Clone, Debug, PartialEq)]
struct Learned {
    /// Loss of exact Bayes on it, nats.
    bayes: f64,
    /// The recorded step from which on no more than [`LEFT`] of the first excess is left; `None` where it was not learned.
    step: Option<usize>,
    /// Excess over Bayes at the last evaluation, nats.
    last: Measured,
}

fn found(record: &Record, name: &str) -> Option<Learned> {
    let course = record.events.iter().find(|course| course.name == name)?;
    let measured = course.excess.iter().zip(&course.stderr).map(|(&value, &stderr)| Measured { value, stderr });
    let steps: Vec<(usize, Measured)> = record.step.iter().copied().zip(measured).collect();
    Some(Learned { bayes: course.bayes, step: learned(&steps, LEFT), last: steps.last()?.1 })
}

/// Names of the events that any of the runs measured, in their order.
fn names(sides: &[Vec<&Record>; 2]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for course in sides.iter().flatten().flat_map(|record| &record.events) {
        if !names.contains(&course.name) {
            names.push(course.name.clone());
        }
    }
    names
}

/// The step at which an event was learned in each seed of a side.
fn steps(side: &[&Record], name: &str) -> String {
    let step = |record: &&Record| match found(record, name) {
        None => "not measured".to_owned(),
        Some(Learned { step: Some(step), .. }) => number::count(step),
        Some(_) => "not learned".to_owned(),
    };
    let steps: Vec<String> = side.iter().map(step).collect();
    // Seeds that agree are said once.
    if steps.windows(2).all(|two| two[0] == two[1]) {
        steps.first().cloned().unwrap_or_default()
    } else {
        steps.join(", ")
    }
}

fn last(side: &[&Record], name: &str) -> String {
    let values: Option<Vec<Measured>> = side.iter().map(|record| found(record, name).map(|found| found.last)).collect();
    values.filter(|values| !values.is_empty()).map_or_else(String::new, |values| {
        let mean = super::mean(&values);
        number::with_error(mean.value, mean.stderr)
    })
}

/// The events that the runs measured while they trained, as a table.
///
/// # Errors
///
/// A sentence where a run has none.
pub fn table(pair: &Pair) -> Result<Table, String> {
    let records = |side: &[&History]| -> Option<Vec<Record>> {
        let records = side.iter().filter_map(|run| run.outcome()).map(|outcome| outcome.record.clone());
        let records: Vec<Record> = records.filter(|record| !record.events.is_empty()).collect();
        (records.len() == side.len()).then_some(records)
    };
    match [records(&pair.sides[0]), records(&pair.sides[1])] {
        [Some(a), Some(b)] => Ok(table_of([a.iter().collect(), b.iter().collect()])),
        [None, None] => {
            Err("Events were not measured while these runs trained (evaluation.events in an experiment's file or link \
                             asks for it; a run has them when it has finished)."
                .into())
        }
        [a, _] => {
            let (with, without) = if a.is_some() { ("A", "B") } else { ("B", "A") };
            Err(format!(
                "Events were measured while {with} trained, and not while {without} did (evaluation.events in an experiment's file or \
                 link asks for it; a run has them when it has finished)."
            ))
        }
    }
}

/// The same of records with events, one for each seed of a side.
pub fn table_of(sides: [Vec<&Record>; 2]) -> Table {
    let row = |name: &String| {
        let bayes = sides.iter().flatten().find_map(|record| found(record, name)).map_or(f64::NAN, |found| found.bayes);
        let [a, b] = &sides;
        vec![name.clone(), number::short(bayes), steps(a, name), steps(b, name), last(a, name), last(b, name)]
    };
    let heads =
        ["Event", "Bayes", "A: learned at step", "B: learned at step", "A: excess at the end", "B: excess at the end"];
    Table {
        caption: format!(
            "Learned: {} of the first excess over Bayes is gone, for good, at the steps that were evaluated; nats per token, several seeds \
             in their order",
            gone(LEFT)
        ),
        ..Table::new("compare-events", &heads, names(&sides).iter().map(row))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::run, *};
    use crate::protocol::{Event, EventCourse, Outcome};

    fn with_events(seed: u64, excess: &[f64]) -> History {
        let mut run = run(seed, 0.1);
        let course = EventCourse {
            name: "first name".into(),
            bayes: 0.693,
            excess: excess.to_vec(),
            stderr: vec![0.001; excess.len()],
        };
        let step = (0..excess.len()).map(|i| 50 * i).collect();
        let record = Record { step, events: vec![course], ..Record::default() };
        run.apply(&Event::Outcome(Box::new(Outcome { record, ..Outcome::default() })));
        run
    }

    #[test]
    fn each_event_says_when_each_run_learned_it() {
        let (early, late) = (with_events(1, &[1.0, 0.05, 0.04]), with_events(1, &[1.0, 0.9, 0.3]));
        let pair = Pair::new(["x", "y"], [&[&early], &[&late]]).expect("two runs");
        let table = table(&pair).expect("events");
        assert_eq!(table.rows[0].cells[..4], ["first name", "0.693", "50", "not learned"]);
        let other = with_events(2, &[1.0, 0.9, 0.05]);
        let pair = Pair::new(["x", "y"], [&[&early, &other], &[&late]]).expect("two runs");
        assert_eq!(super::table(&pair).expect("events").rows[0].cells[2], "50, 100");
        // No run, no number.
        let record = late.outcome().expect("an outcome").record.clone();
        assert_eq!(table_of([Vec::new(), vec![&record]]).rows[0].cells[4], "");
    }

    #[test]
    fn what_was_not_measured_says_so() {
        let (with, without) = (with_events(1, &[1.0, 0.05]), run(1, 0.1));
        let said = |a: &History, b: &History| {
            table(&Pair::new(["x", "y"], [&[a], &[b]]).expect("two runs")).expect_err("no table")
        };
        assert!(said(&without, &without).contains("not measured while these runs trained"));
        assert!(said(&with, &without).contains("while A trained, and not while B did"), "{}", said(&with, &without));
        assert!(said(&without, &with).contains("while B trained, and not while A did"));
    }
}
