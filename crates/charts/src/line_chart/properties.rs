//! What holds of every line chart, whatever its values: marks lie where the values are, and what is out of sight is said.

use super::*;
use crate::{style::predictor, theme::Theme};

const VIEW: View = View { width: 1200.0, height: 320.0, theme: Theme::light(), titled: false };

/// One line with these (low, y, high) at 0, 1, 2, ….
fn chart(values: &[(f64, f64, f64)], log: bool, look: Look, like: Option<Scale>) -> LineChart {
    let point = |(i, (low, y, high)): (usize, &(f64, f64, f64))| Point::within(i as f64, *y, *low, *high);
    let line = Line::new("model", predictor("model"), look, values.iter().enumerate().map(point));
    let last = values.len().max(2) - 1;
    let x = XAxis::values("x", "x", Scale::linear(0.0, last as f64));
    LineChart { lines: vec![line], log, like, ..LineChart::new("", x, "excess, nats", "nats") }
}

fn labels(scene: &Scene) -> Vec<&crate::scene::Label> {
    let marks = scene.axes.iter().chain(&scene.series);
    marks.filter_map(|mark| if let Mark::Text(label) = mark { Some(label) } else { None }).collect()
}

fn texts(scene: &Scene) -> Vec<&str> {
    labels(scene).into_iter().map(|label| label.text.as_str()).collect()
}

fn distance((x, y): (f64, f64), a: (f64, f64), b: (f64, f64)) -> f64 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let length = dx * dx + dy * dy;
    let t = if length > 0.0 { (((x - a.0) * dx + (y - a.1) * dy) / length).clamp(0.0, 1.0) } else { 0.0 };
    (x - a.0 - t * dx).hypot(y - a.1 - t * dy)
}

#[test]
fn lines_lie_where_their_values_are() {
    let some = [0.5, 0.2, 0.1, 0.05, 0.01];
    let odd: [fn(usize, f64) -> f64; 8] = [
        |_, v| v,
        |i, v| if i == 0 { 100.0 * v } else { v },
        |i, v| if i > 2 { 1e-20 } else { v },
        |i, v| if i == 2 { 0.0 } else { v },
        |i, v| if i == 2 { f64::NAN } else { v },
        |i, v| if i == 4 { f64::INFINITY } else { v },
        |_, v| -v,
        |_, v| 1e9 * v,
    ];
    for odd in odd {
        let values: Vec<(f64, f64, f64)> =
            some.iter().enumerate().map(|(i, v)| odd(i, *v)).map(|y| (y - 0.02, y, y + 0.02)).collect();
        for log in [false, true] {
            for look in [Look::Band, Look::Joined, Look::Points] {
                for like in [None, Some(Scale::linear(0.0, 0.3)), Some(Scale::log(0.03, 0.3))] {
                    marks_lie_where_their_values_are(&values, &chart(&values, log, look, like));
                }
            }
        }
    }
}

fn marks_lie_where_their_values_are(values: &[(f64, f64, f64)], chart: &LineChart) {
    let frame = chart.frame(&VIEW);
    let scene = chart.scene(&VIEW);
    let what = format!("{values:?}, log {}, {:?}, {:?}", chart.log, chart.lines[0].look, frame.y);
    let pixel = |i: usize, v: f64| frame.point(i as f64, v);
    let at: Vec<(f64, f64)> = values.iter().enumerate().map(|(i, v)| pixel(i, v.1)).collect();
    let is_inside = |p: &(f64, f64)| (frame.top - 0.1..=frame.bottom + 0.1).contains(&p.1);
    let is_on_line = |p: (f64, f64)| {
        at.windows(2).any(|w| distance(p, w[0], w[1]) < 0.3) || at.iter().any(|a| distance(p, *a, *a) < 0.3)
    };
    let ends: Vec<f64> = values.iter().enumerate().flat_map(|(i, v)| [pixel(i, v.0).1, pixel(i, v.2).1]).collect();
    // No error is drawn at a value whose upper end has no place on the axis.
    let has_room = |x: f64| {
        let here = |i: usize| (frame.px(i as f64) - x).abs() < 0.1;
        !(0..values.len()).any(|i| here(i) && !pixel(i, values[i].2).1.is_finite())
    };
    for mark in &scene.series {
        match mark {
            // The line itself.
            Mark::Line { points, stroke } if stroke.width == 3.0 => {
                for p in points.iter().filter(|p| p.0.is_finite() || p.1.is_finite()) {
                    assert!(is_inside(p), "{p:?} is outside: {what}");
                    assert!(is_on_line(*p), "{p:?} is not where the data are: {what}, {at:?}");
                }
            }
            // Error bars, which may be cut, and their caps, which are at errors' ends.
            Mark::Line { points, stroke } if stroke.width == 1.4 => {
                assert!(points.len() == 2 && points.iter().all(is_inside), "{points:?}: {what}");
                let is_cap = points[0].1 == points[1].1 && points[0].0 != points[1].0;
                assert!(!is_cap || ends.iter().any(|end| (end - points[0].1).abs() < 0.2), "{points:?}: {what}");
                assert!(has_room((points[0].0 + points[1].0) / 2.0), "{points:?}: {what}");
            }
            // The band.
            Mark::Area { points, alpha, .. } if *alpha < 1.0 => {
                assert!(points.iter().all(is_inside), "{points:?}: {what}");
                assert!(points.iter().all(|p| has_room(p.0)), "{points:?}: {what}");
            }
            // One beside the plot stands before a name.
            Mark::Dot { at: dot, .. } if dot.0 < frame.right + 1.0 => {
                assert!(is_inside(dot) && at.iter().any(|a| distance(*dot, *a, *a) < 0.1), "{dot:?}: {what}");
            }
            _ => {}
        }
    }
    // What is out of sight is said.
    let texts = texts(&scene);
    let said = |words: &str| texts.iter().any(|text| text.contains(words));
    // One sentence says why a frame is empty, and only an empty one has it.
    let empty = said("nothing to draw");
    assert!(!empty || !at.iter().any(is_inside), "{what}");
    for p in &at {
        assert!(!(p.1.is_finite() && p.1 < frame.top - 0.2) || said("↑"), "{what}");
        assert!(!(p.1.is_finite() && p.1 > frame.bottom + 0.2) || said("↓"), "{what}");
        let is_named = empty || said("no finite value at") || said("which a log axis cannot show");
        assert!(p.1.is_finite() || is_named, "{what}: {texts:?}");
    }
}

#[test]
fn a_log_axis_is_six_decades_deep_and_no_deeper() {
    let deep: Vec<_> = (0..40).map(|i| 10f64.powi(-i)).map(|y| (y, y, y)).collect();
    let lines = chart(&deep, true, Look::Band, None);
    assert!(lines.y_scale().log && lines.y_scale().low >= 0.9e-7, "{:?}", lines.y_scale());
    let scene = lines.scene(&VIEW);
    assert!(texts(&scene).iter().any(|text| text.starts_with("model") && text.contains("1.00e−39 ↓")));
    // Zeros are gaps in it; what is below 0 asks for a linear one.
    let zeros = [(0.0, 0.0, 0.0), (0.1, 0.1, 0.1), (1.0, 1.0, 1.0)];
    assert!(chart(&zeros, true, Look::Band, None).y_scale().log);
    assert!(!chart(&[(-1.0, -1.0, -1.0), (1.0, 1.0, 1.0)], true, Look::Band, None).y_scale().log);
}

#[test]
fn an_empty_frame_says_why() {
    let said = |values: &[(f64, f64, f64)], log| {
        let like = if log { Scale::log(0.01, 1.0) } else { Scale::linear(0.0, 1.0) };
        let scene = chart(values, log, Look::Band, Some(like)).scene(&VIEW);
        texts(&scene).into_iter().find(|t| t.contains("nothing to draw") || t.contains("yet")).map(str::to_owned)
    };
    assert_eq!(said(&[], false).as_deref(), Some("Nothing was measured yet."));
    assert_eq!(
        said(&[(0.0, 0.0, 0.0)], true).as_deref(),
        Some("Excess is 0 everywhere: nothing to draw on a log axis.")
    );
    assert_eq!(said(&[(0.0, f64::NAN, 0.0)], false).as_deref(), Some("No value of excess is finite: nothing to draw."));
    assert_eq!(said(&[(0.5, 0.5, 0.5)], false), None);
}

#[test]
fn every_word_lies_inside_its_picture() {
    for exponent in -9..=9 {
        for factor in [1.0, 3.7, -1.0] {
            for width in [320.0, 520.0, 980.0] {
                for log in [false, true] {
                    let size = factor * 10f64.powi(exponent);
                    let values = [0.1, f64::NAN, 0.3, 1.0].map(|v| (v * size, v * size, v * size));
                    let x =
                        XAxis::values("mean training loss, nats per token, a long name", "", Scale::round(0.0, 1e6, 4));
                    let chart = LineChart {
                        title: "What a long title says of lines, of bands and of points".into(),
                        y: "loss above the source that knows the topic, nats per token".into(),
                        x,
                        marks: vec![(0.0, "a mark".into()), (1e6, "another mark".into())],
                        ..chart(&values, log, Look::Band, Some(Scale::round(0.0, 0.5 * size.abs(), 5)))
                    };
                    let scene = chart.scene(&View { width, titled: true, ..VIEW });
                    assert!(labels(&scene).len() > 5);
                    for label in labels(&scene) {
                        let long = text_width(&label.text, label.size);
                        let left = match label.anchor {
                            Anchor::Start => label.x,
                            Anchor::Middle => label.x - long / 2.0,
                            Anchor::End => label.x - long,
                        };
                        let right = left + long;
                        assert!(left >= -0.1 && right <= width + 0.5, "{label:?} to {right} of {width}, {size}");
                    }
                }
            }
        }
    }
}
