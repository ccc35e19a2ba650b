//! Two runs in one chart or in two beside each other, and B − A with its band and a line at zero.

use charts::{
    axis::XAxis,
    line_chart::{Line, LineChart, Look, Point},
    scene::Dash,
    style::{Ink, Style},
};

use crate::{
    app::compare::{
        Basis, Difference, Measure, Pair,
        curves::{self, Curve, Topics},
        numbers::difference_words,
    },
    number::{self, Unit},
    scale::Scale,
};

/// Colour and dash of A and of B: the model's hue, and the paler one of other runs, dashed.
const STYLES: [Style; 2] = [Style::new(Ink::Model, Dash::Solid), Style::new(Ink::Earlier, Dash::Long)];
const BAYES: [Style; 2] = [Style::new(Ink::Bayes, Dash::Solid), Style::new(Ink::Bayes, Dash::Long)];
const SIDES: [&str; 2] = ["A", "B"];

/// What the vertical axis of losses by position measures.
fn loss_name(topics: Topics, measure: Measure, unit: Unit, per: &str) -> String {
    let what = match (topics, measure) {
        (Topics::Fresh, Measure::Loss) => "loss",
        (_, Measure::Excess) => "loss above exact Bayes",
        (Topics::Training, Measure::Loss) => "loss above the source that knows the topic",
    };
    format!("{what}, {unit} per {per}")
}

fn where_measured(topics: Topics) -> &'static str {
    match topics {
        Topics::Fresh => "on fresh topics",
        Topics::Training => "on fresh sequences of the training topics",
    }
}

/// How a value of a curve was obtained.
fn how(curve: &Curve, topics: Topics) -> String {
    let sequences = format!("evaluation over {} sequences, {}", number::count(curve.sequences), where_measured(topics));
    match curve.seeds {
        0 | 1 => format!("{sequences}; the band is its 95% sampling error"),
        seeds => format!("mean over {seeds} seeds; the band reaches from the least to the greatest; {sequences}"),
    }
}

fn line_of(curve: &Curve, side: usize, unit: Unit, how: &str) -> Line {
    let points = curve
        .x
        .iter()
        .zip(&curve.mean)
        .zip(&curve.band)
        .map(|((x, mean), (low, high))| Point::within(*x, unit.of(*mean), unit.of(*low), unit.of(*high)).how(how));
    Line::new(SIDES[side], STYLES[side], Look::Band, points)
}

/// Exact Bayes of a side. `label` at its end.
fn bayes_line(values: &[f64], label: &str, style: Style, unit: Unit) -> Line {
    let points = values.iter().enumerate().map(|(l, v)| Point::exact((l + 1) as f64, unit.of(*v)).how("theory"));
    Line::new(label, style, Look::Band, points)
}

/// The lines of exact Bayes: one where both have the same, none where the losses are above it.
fn bayes_lines(pair: &Pair, sides: &[usize], topics: Topics, measure: Measure, unit: Unit) -> Vec<Line> {
    if (topics, measure) != (Topics::Fresh, Measure::Loss) {
        return Vec::new();
    }
    let curves = [0, 1].map(|side| curves::bayes(pair, side));
    let reference = pair.first().map(|run| run.reference());
    // One goes on where the other ends.
    let same = reference[0] == reference[1] && curves[0].iter().zip(&curves[1]).all(|(a, b)| (a - b).abs() < 1e-9);
    match (same, sides) {
        (true, [_, _]) => {
            let longer = usize::from(curves[1].len() > curves[0].len());
            vec![bayes_line(&curves[longer], reference[longer], BAYES[0], unit)]
        }
        (_, [side]) => vec![bayes_line(&curves[*side], reference[*side], BAYES[0], unit)],
        _ => sides
            .iter()
            .map(|&side| {
                bayes_line(&curves[side], &format!("{} of {}", reference[side], SIDES[side]), BAYES[side], unit)
            })
            .collect(),
    }
}

fn by_position_of(pair: &Pair, sides: &[usize], topics: Topics, measure: Measure, unit: Unit) -> LineChart {
    let per = pair.first()[0].per();
    let curves: Vec<(usize, Curve)> =
        sides.iter().map(|&side| (side, curves::by_position(pair, side, topics, measure))).collect();
    let length = curves.iter().map(|(_, curve)| curve.x.len()).max().unwrap_or(0);
    // A lies on top of B, as it is the run that the page speaks of.
    let mut lines: Vec<Line> =
        curves.iter().rev().map(|(side, curve)| line_of(curve, *side, unit, &how(curve, topics))).collect();
    lines.extend(bayes_lines(pair, sides, topics, measure, unit));
    let title = match sides {
        [side] => format!("Loss by position of {}, {}", SIDES[*side], where_measured(topics)),
        _ => format!("Loss by position of A and B, {}", where_measured(topics)),
    };
    LineChart {
        lines,
        empty: "Neither run has been evaluated there.".into(),
        ..LineChart::new(
            title,
            XAxis::positions(length),
            loss_name(topics, measure, unit, per),
            format!("{unit} per {per}"),
        )
    }
}

/// Both runs' losses by position in one chart.
pub fn overlaid(pair: &Pair, topics: Topics, measure: Measure, unit: Unit) -> LineChart {
    by_position_of(pair, &[0, 1], topics, measure, unit)
}

/// Both runs' losses by position in a chart each, on the same axes.
pub fn side_by_side(pair: &Pair, topics: Topics, measure: Measure, unit: Unit) -> [LineChart; 2] {
    let [mut a, mut b] = [0, 1].map(|side| by_position_of(pair, &[side], topics, measure, unit));
    let scales = [a.y_scale(), b.y_scale()];
    let like = Scale::of_values(scales[0].low.min(scales[1].low), scales[0].high.max(scales[1].high), false);
    (a.like, b.like) = (Some(like), Some(like));
    if a.x.scale.high < b.x.scale.high {
        a.x = b.x.clone()
    } else {
        b.x = a.x.clone()
    }
    [a, b]
}

/// A line of differences with its band, over a level of zero.
fn zero_and_difference(points: Vec<(f64, Difference)>, basis: Basis, unit: Unit) -> Vec<Line> {
    let point = |(x, difference): (f64, Difference)| {
        let value = unit.of(difference.value);
        let (low, high) = difference.interval.map_or((value, value), |(low, high)| (unit.of(low), unit.of(high)));
        let how = if difference.interval.is_some() { basis.words() } else { "without an interval" };
        Point::within(x, value, low, high).value(format!("{} {unit}", difference_words(difference, unit))).how(how)
    };
    vec![
        Line::level("no difference", Style::new(Ink::Grey, Dash::Dotted), 0.0, ""),
        Line::new("B − A", Style::new(Ink::Topic, Dash::Solid), Look::Band, points.into_iter().map(point)),
    ]
}

/// B − A of the loss by position.
pub fn by_position(pair: &Pair, topics: Topics, measure: Measure, unit: Unit) -> LineChart {
    let found = curves::difference_by_position(pair, topics, measure);
    let (basis, per) = (pair.basis(), pair.first()[0].per());
    let length = found.len();
    let points = found.into_iter().enumerate().map(|(l, difference)| ((l + 1) as f64, difference)).collect();
    let above = if measure == Measure::Excess { " above exact Bayes" } else { "" };
    LineChart {
        lines: zero_and_difference(points, basis, unit),
        about: basis.sentence(),
        empty: "Both runs need an evaluation.".into(),
        ..LineChart::new(
            format!("Loss{above} of B less that of A, {}", where_measured(topics)),
            XAxis::positions(length),
            format!("B − A, {unit} per {per}"),
            format!("{unit} per {per}"),
        )
    }
}

/// The smoothed training losses of both by step.
pub fn training(pair: &Pair, unit: Unit) -> LineChart {
    let per = pair.first()[0].per();
    let curves = [0, 1].map(|side| curves::training(pair, side));
    let last = curves.iter().filter_map(|curve| curve.x.last()).fold(1.0, |last: f64, x| last.max(*x));
    let how = |curve: &Curve| match curve.seeds {
        0 | 1 => "moving mean over the last steps".to_owned(),
        seeds => format!(
            "moving mean over the last steps, mean over {seeds} seeds; the band reaches from the least to the greatest"
        ),
    };
    let lines = [1, 0].map(|side| line_of(&curves[side], side, unit, &how(&curves[side])));
    LineChart {
        lines: lines.into(),
        empty: "Neither run has taken a step.".into(),
        ..LineChart::new(
            "Training loss of A and B, smoothed",
            XAxis::steps(last as usize, false),
            format!("loss of the batch, {unit} per {per}"),
            format!("{unit} per {per}"),
        )
    }
}

/// B − A of the smoothed training losses.
pub fn of_training(pair: &Pair, unit: Unit) -> LineChart {
    let (basis, per) = (pair.basis(), pair.first()[0].per());
    let found = curves::training_difference(pair);
    let last = found.last().map_or(1, |(step, _)| *step);
    let points = found.into_iter().map(|(step, difference)| (step as f64, difference)).collect();
    let about = match basis.is_over_seeds() {
        true => basis.sentence(),
        false => {
            "Without seeds there is no interval: batches are noisy, and the noise of neighbouring steps goes together."
                .into()
        }
    };
    LineChart {
        lines: zero_and_difference(points, basis, unit),
        about,
        empty: "Both runs need training steps.".into(),
        ..LineChart::new(
            "Training loss of B less that of A, smoothed",
            XAxis::steps(last, false),
            format!("B − A, {unit} per {per}"),
            format!("{unit} per {per}"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{
            charts::{Chart, View, fixtures},
            history::History,
            theme::Theme,
        },
        experiment::Experiment,
    };

    fn two() -> [History; 2] {
        [40, 400].map(|step| fixtures::history(&Experiment::default(), step))
    }

    fn view() -> View {
        View::new(390.0, 300.0, Theme::light())
    }

    #[test]
    fn a_difference_has_a_band_a_zero_line_a_read_out_and_a_table() {
        let [a, b] = two();
        let pair = Pair::new(["x", "y"], [&[&a], &[&b]]).expect("two runs");
        let chart = by_position(&pair, Topics::Fresh, Measure::Loss, Unit::Nats);
        let line = chart.lines.iter().find(|line| line.label == "B − A").expect("the difference");
        assert!(line.points.iter().all(|p| p.low < p.y && p.y < p.high));
        assert!(chart.lines.iter().any(|line| line.look == Look::Level && line.points[0].y == 0.0));
        let readout = chart.readout(&view(), 5.0).expect("a read-out").text();
        assert!(readout.contains("B − A −") && readout.contains("sampling error of the evaluation only"), "{readout}");
        assert!(chart.summary().contains("not of training"), "{}", chart.summary());
        // A header, the level of zero, and each position.
        assert_eq!(chart.csv().lines().count(), 2 + 32);
        assert!(chart.svg(&view()).contains("no difference"));
        // In bits it is larger by 1 / ln 2.
        let bits = by_position(&pair, Topics::Fresh, Measure::Loss, Unit::Bits);
        let at = |chart: &LineChart| chart.lines[1].points[3].y;
        assert!((at(&bits) / at(&chart) - std::f64::consts::LOG2_E).abs() < 1e-9);
    }

    #[test]
    fn the_same_bayes_is_drawn_once_and_other_ones_for_each() {
        let [a, b] = two();
        let pair = Pair::new(["x", "y"], [&[&a], &[&b]]).expect("two runs");
        let labels = |chart: &LineChart| chart.lines.iter().map(|line| line.label.clone()).collect::<Vec<_>>();
        assert_eq!(labels(&overlaid(&pair, Topics::Fresh, Measure::Loss, Unit::Nats)), ["B", "A", "exact Bayes"]);
        assert_eq!(labels(&overlaid(&pair, Topics::Training, Measure::Loss, Unit::Nats)), ["B", "A"]);
        let [first, second] = side_by_side(&pair, Topics::Fresh, Measure::Loss, Unit::Nats);
        assert_eq!(
            (labels(&first), labels(&second)),
            (vec!["A".into(), "exact Bayes".into()], vec!["B".into(), "exact Bayes".into()],)
        );
        assert_eq!((first.like, &first.x), (second.like, &second.x), "the same axes");
    }

    #[test]
    fn training_losses_have_no_band_without_seeds() {
        let [a, b] = two();
        let pair = Pair::new(["x", "y"], [&[&a], &[&b]]).expect("two runs");
        let chart = of_training(&pair, Unit::Nats);
        assert!(chart.lines[1].points.iter().all(|p| p.low == p.y && p.high == p.y));
        assert!(chart.summary().contains("no interval"), "{}", chart.summary());
        assert_eq!(training(&pair, Unit::Nats).lines.len(), 2);
    }
}
