//! A run's numbers, alone and beside those of its second run.

use crate::{
    number::with_error,
    protocol::Measured,
    sweep::{Metric, Run},
};

/// What the reader compares first, by name.
const MAIN: [&str; 6] = ["two_level", "two_level_excess", "first_level", "empirical", "sequence_gap", "topic_gap"];

/// The metrics of the tables.
pub fn main_metrics() -> impl Iterator<Item = &'static Metric> {
    MAIN.iter().filter_map(|name| Metric::named(name))
}

/// A number with its standard error; a dash where nothing was measured.
pub fn text(measured: Option<Measured>) -> String {
    measured.map_or_else(|| "–".into(), |m| with_error(m.value, m.stderr))
}

/// How far a second run is.
#[derive(Clone, Debug, PartialEq)]
pub enum Check {
    /// The share done, 0 to 1.
    Running(f64),
    Done(Box<Run>),
    Failed(String),
}

/// One number of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub title: &'static str,
    pub first: String,
    /// The second run's, and whether the two agree.
    pub again: Option<(String, bool)>,
}

/// The main numbers of a run, beside those of its second run.
pub fn lines(run: &Run, check: Option<&Check>) -> Vec<Line> {
    let again = if let Some(Check::Done(again)) = check { Some(&**again) } else { None };
    let line = |metric: &'static Metric| {
        let first = run.metrics.get(metric.name);
        let again = again.map(|again| again.metrics.get(metric.name));
        Line {
            title: metric.title,
            first: text(first),
            again: again.map(|second| (text(second), agree(first, second))),
        }
    };
    main_metrics().map(line).collect()
}

/// What a second run says; empty without one.
pub fn verdict(lines: &[Line], check: Option<&Check>) -> String {
    let agree = lines.iter().all(|line| line.again.as_ref().is_none_or(|(_, same)| *same));
    match check {
        None => String::new(),
        Some(Check::Running(done)) => format!("Running again: {:.0}%.", 100.0 * done),
        Some(Check::Failed(why)) => format!("Running again failed. {why}"),
        Some(Check::Done(_)) if agree => "Both runs agree within two standard errors; what differs is rounding.".into(),
        Some(Check::Done(_)) => "The runs differ by more than two standard errors in at least one number.".into(),
    }
}

/// Within two standard errors of their difference, or the same but for rounding.
fn agree(a: Option<Measured>, b: Option<Measured>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => {
            let rounding = 1e-3 * a.value.abs() + 1e-6;
            (a.value - b.value).abs() <= 2.0 * a.stderr.hypot(b.stderr) + rounding
        }
        (a, b) => a.is_none() && b.is_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::Metrics;

    fn run(value: f64, stderr: f64) -> Run {
        Run { metrics: Metrics::with(&[("two_level", value, stderr)]), ..Run::default() }
    }

    fn compared(first: &Run, check: &Check) -> (Vec<Line>, String) {
        let lines = lines(first, Some(check));
        let verdict = verdict(&lines, Some(check));
        (lines, verdict)
    }

    #[test]
    fn a_second_run_is_judged_by_standard_errors() {
        let again = |value| Check::Done(Box::new(run(value, 0.01)));
        let (lines, verdict) = compared(&run(0.5, 0.01), &again(0.52));
        assert!(verdict.contains("agree within"), "{verdict}");
        assert_eq!(lines[0].first, "0.500 ± 0.010");
        assert_eq!(lines[0].again, Some(("0.520 ± 0.010".into(), true)));
        // What neither has measured is no difference.
        assert_eq!(lines[1].again, Some(("–".into(), true)));
        let (lines, verdict) = compared(&run(0.5, 0.01), &again(0.6));
        assert!(verdict.contains("differ by more") && lines[0].again.as_ref().is_some_and(|(_, same)| !same));
        let (_, verdict) = compared(&run(0.5, 0.01), &Check::Done(Box::default()));
        assert!(verdict.contains("differ by more"), "what one run lacks is a difference: {verdict}");
    }

    #[test]
    fn a_check_under_way_says_how_far_it_is() {
        let (lines, verdict) = compared(&run(0.5, 0.01), &Check::Running(0.5));
        assert_eq!((verdict.as_str(), &lines[0].again), ("Running again: 50%.", &None));
        let (_, verdict) = compared(&run(0.5, 0.01), &Check::Failed("It broke.".into()));
        assert_eq!(verdict, "Running again failed. It broke.");
        assert_eq!(super::verdict(&lines, None), "");
    }
}
