//! Which events two runs have learned, and at which step: where each evaluation measured them.

use charts::report::Table;

use super::Pair;
use crate::{
    app::history::History,
    number,
    probe::events::{LEFT, gone, learned},
    protocol::{EventCourse, Measured},
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

fn courses(run: &History) -> &[EventCourse] {
    run.outcome().map_or(&[], |outcome| outcome.record.events.as_slice())
}

fn found(run: &History, name: &str) -> Option<Learned> {
    let outcome = run.outcome()?;
    let course = outcome.record.events.iter().find(|course| course.name == name)?;
    let measured = course.excess.iter().zip(&course.stderr).map(|(&value, &stderr)| Measured { value, stderr });
    let steps: Vec<(usize, Measured)> = outcome.record.step.iter().copied().zip(measured).collect();
    Some(Learned { bayes: course.bayes, step: learned(&steps, LEFT), last: steps.last()?.1 })
}

/// Names of the events that any of the runs measured, in their order.
fn names(pair: &Pair) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for course in pair.sides.iter().flatten().flat_map(|run| courses(run)) {
        if !names.contains(&course.name) {
            names.push(course.name.clone());
        }
    }
    names
}

/// The step at which an event was learned in each seed of a side.
fn steps(side: &[&History], name: &str) -> String {
    let step = |run: &&History| match found(run, name) {
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

fn last(side: &[&History], name: &str) -> String {
    let values: Option<Vec<Measured>> = side.iter().map(|run| found(run, name).map(|found| found.last)).collect();
    values.map_or_else(String::new, |values| {
        let mean = super::mean(&values);
        number::with_error(mean.value, mean.stderr)
    })
}

/// The events as a table; a sentence where none were measured.
///
/// # Errors
///
/// What has to be done so that there are some.
pub fn table(pair: &Pair) -> Result<Table, String> {
    let has = |side: usize| pair.sides[side].iter().any(|run| !courses(run).is_empty());
    match [has(0), has(1)] {
        [true, true] => {}
        [false, false] => {
            return Err("Events were measured in neither run. They are measured at each evaluation where the experiment asks for \
                        it (evaluation.events in its file or link), and are there when the run has finished."
                .into());
        }
        [a, _] => {
            let (with, without) = if a { ("A", "B") } else { ("B", "A") };
            return Err(format!(
                "Events were measured in {with} and not in {without} (evaluation.events in its file or link; a run has them when it has \
                 finished)."
            ));
        }
    }
    let row = |name: &String| {
        let bayes = pair.sides.iter().flatten().find_map(|run| found(run, name)).map_or(f64::NAN, |found| found.bayes);
        let [a, b] = &pair.sides;
        vec![name.clone(), number::short(bayes), steps(a, name), steps(b, name), last(a, name), last(b, name)]
    };
    let heads =
        ["Event", "Bayes", "A: learned at step", "B: learned at step", "A: excess at the end", "B: excess at the end"];
    Ok(Table {
        caption: format!(
            "Learned: {} of the first excess over Bayes is gone, for good, at the steps that were evaluated; nats per token, several seeds \
             in their order",
            gone(LEFT)
        ),
        ..Table::new("compare-events", &heads, names(pair).iter().map(row))
    })
}

#[cfg(test)]
mod tests {
    use super::{super::tests::run, *};
    use crate::protocol::{Event, Outcome, Record};

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
    }

    #[test]
    fn what_was_not_measured_says_so() {
        let (with, without) = (with_events(1, &[1.0, 0.05]), run(1, 0.1));
        let said = |a: &History, b: &History| {
            table(&Pair::new(["x", "y"], [&[a], &[b]]).expect("two runs")).expect_err("no table")
        };
        assert!(said(&without, &without).contains("neither run"));
        assert!(said(&with, &without).contains("in A and not in B"), "{}", said(&with, &without));
        assert!(said(&without, &with).contains("in B and not in A"));
    }
}
