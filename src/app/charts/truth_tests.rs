//! A chart never draws what is not so: every point of every mark is turned back into data and compared with the data, with data far
//! outside of what is usual.

use super::{
    fixtures,
    frame::Frame,
    scene::{Mark, text_width},
    *,
};
use crate::app::theme::Theme;
use crate::{
    experiment::{Preset, Prior, WorldSpec},
    protocol::{Evaluation, Event, Outcome, Theory},
};

/// CSS pixels: a mark so near to the data is at the data.
const NEAR: f64 = 0.75;

type Point = (f64, f64);

fn experiment() -> Experiment {
    let mut experiment = Experiment::default();
    experiment.data.length = 32;
    experiment.data.fresh = false;
    experiment.training.steps = 400;
    experiment
}

/// What a loss becomes at a position, from the usual loss there.
type Bend = fn(usize, f64) -> f64;

/// What a model's loss at a position may be.
const ODD: [(&str, Bend); 10] = [
    ("as usual", |_, v| v),
    ("a hundredfold", |_, v| 100.0 * v),
    ("a hundredfold at the beginning", |i, v| if i < 4 { 100.0 * v } else { v }),
    ("a hundredfold at the end", |i, v| if i > 20 { 100.0 * v } else { v }),
    ("now and then far out", |i, v| [v, 1e6, v, -1e6, v][i % 5]),
    ("negative", |_, v| -v),
    ("zero", |_, _| 0.0),
    ("the entropy rate", |_, _| fixtures::RATE),
    ("not numbers", |i, v| if i % 3 == 1 { f64::NAN } else { v }),
    ("infinite", |i, v| if i % 4 == 2 { f64::INFINITY } else { v }),
];

fn odd(mut evaluation: Evaluation, how: fn(usize, f64) -> f64) -> Evaluation {
    for values in [
        &mut evaluation.model,
        &mut evaluation.seen_model,
        &mut evaluation.fresh_model,
        &mut evaluation.fresh_bayes,
        &mut evaluation.squared_error,
    ] {
        values.iter_mut().enumerate().for_each(|(i, v)| *v = how(i, *v));
    }
    for loss in [&mut evaluation.empirical, &mut evaluation.first_level, &mut evaluation.two_level] {
        let step = evaluation.step / 20;
        (loss.loss.value, loss.excess.value) = (how(step, loss.loss.value), how(step, loss.excess.value));
    }
    evaluation
}

/// A run with such evaluations and losses; `ended` as it is once its outcome is there.
fn run(how: fn(usize, f64) -> f64, ended: bool) -> (History, Experiment) {
    let mut e = experiment();
    let mut history = History::new(&e);
    // With an earlier run that was just as odd.
    e.data.topics = 4;
    history.reset_for(&e);
    history.apply(&fixtures::frame(1, (1..=400).map(|s| how(s / 20, fixtures::training_loss(s))).collect()));
    history.apply(&Event::Evaluation(odd(fixtures::evaluation(400, 0.2), how)));
    let earlier = history.as_earlier().into_iter().collect();
    e.data.topics = 64;
    history.reset_for(&e);
    history.set_earlier(earlier);
    history.apply(&Event::Theory(Theory { squared_error: vec![0.5; 32], ..fixtures::theory(32) }));
    history.apply(&fixtures::frame(1, (1..=400).map(|s| how(s / 20, fixtures::training_loss(s))).collect()));
    for step in (0..=400).step_by(20) {
        let evaluation = fixtures::evaluation(step, 0.006 + 0.65 * (-(step as f64) / 45.0).exp());
        history.apply(&Event::Evaluation(odd(Evaluation { squared_error: vec![0.6; 32], ..evaluation }, how)));
    }
    if ended {
        history.apply(&Event::Outcome(Box::new(fixtures::outcome())));
    }
    (history, e)
}

fn options() -> Vec<(ChartKind, Options)> {
    let plain = Options::default();
    let log_log = Options { log_log: true, ..plain.clone() };
    vec![
        (ChartKind::LossByPosition, plain.clone()),
        (ChartKind::LossByPosition, log_log.clone()),
        (ChartKind::LossByPosition, Options { squared_error: true, ..plain.clone() }),
        (ChartKind::LossByPosition, Options { squared_error: true, ..log_log }),
        (ChartKind::LossByPosition, Options { unit: Unit::Bits, ..plain.clone() }),
        (ChartKind::Topics, plain.clone()),
        (ChartKind::TrainingLoss, plain.clone()),
        (ChartKind::Losses, plain.clone()),
        (ChartKind::Losses, Options { above_bayes: true, ..plain }),
    ]
}

fn plots(kind: ChartKind, history: &History, options: Options, view: &View) -> Vec<Frame> {
    match kind {
        ChartKind::LossByPosition => loss_by_position::LossByPosition::new(history, options).plots(view),
        ChartKind::Topics => loss_by_position::LossByPosition::of_topics(history, options).plots(view),
        ChartKind::TrainingLoss => vec![training_loss::TrainingLoss::new(history, options).frame(view)],
        ChartKind::Losses => losses::Losses::new(history, options).frames(view).to_vec(),
        _ => Vec::new(),
    }
}

/// A column of a chart's table: (x, value, standard error).
struct Column {
    name: String,
    points: Vec<(f64, f64, f64)>,
}

/// The data of a chart, read from its own table, at each x that a value may be drawn at.
fn columns(csv: &str, kind: ChartKind) -> Vec<Column> {
    let cells = |line: &str| line.split(',').map(|c| c.trim_matches('"').to_owned()).collect::<Vec<_>>();
    let mut lines = csv.lines();
    // No name of the fixture has a comma, but those of the lines do.
    let head = lines.next().unwrap_or_default().replace(", which knows", " which knows").replace(", topic", " topic");
    let (head, rows) = (cells(&head), lines.map(cells).collect::<Vec<_>>());
    let number = |row: &[String], i: usize| row[i].parse::<f64>().unwrap_or(f64::NAN);
    let mut out = Vec::new();
    for i in 1..head.len() {
        if head[i].contains("standard error") {
            continue;
        }
        let error = head.get(i + 1).is_some_and(|h| h.contains("standard error"));
        // A bucket of steps stands in its middle, its smoothed value at its end.
        let places: &[fn(&[f64; 2]) -> f64] = match kind {
            ChartKind::TrainingLoss => &[|x| 0.5 * (x[0] + x[1]), |x| x[1]],
            _ => &[|x| x[0]],
        };
        for place in places {
            let x = |row: &[String]| place(&[number(row, 0), number(row, 1)]);
            let point = |row: &Vec<String>| (x(row), number(row, i), if error { number(row, i + 1) } else { 0.0 });
            let mut points: Vec<_> = rows.iter().map(point).collect();
            // Levels are drawn from end to end of the steps.
            if let (ChartKind::TrainingLoss, "exact Bayes level" | "uniform", Some(first)) =
                (kind, head[i].as_str(), points.first().copied())
            {
                points.insert(0, (0.0, first.1, 0.0));
                points.push((400.0, first.1, 0.0));
            }
            out.push(Column { name: head[i].clone(), points });
        }
    }
    out
}

fn distance((x, y): Point, a: Point, b: Point) -> f64 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let along = if dx == 0.0 && dy == 0.0 { 0.0 } else { ((x - a.0) * dx + (y - a.1) * dy) / (dx * dx + dy * dy) };
    let along = along.clamp(0.0, 1.0);
    (x - a.0 - along * dx).hypot(y - a.1 - along * dy)
}

/// Pixels without any cutting.
fn raw(frame: &Frame, x: f64, y: f64) -> Point {
    let share = |scale: &crate::scale::Scale, v: f64| if scale.log && v <= 0.0 { f64::NAN } else { scale.share(v) };
    (
        frame.left + share(&frame.x, x) * (frame.right - frame.left),
        frame.bottom - share(&frame.y, y) * (frame.bottom - frame.top),
    )
}

/// Whether a drawn point lies on the line through a column, `errors` standard errors away.
fn lies_on(frame: &Frame, at: Point, column: &Column, errors: f64) -> bool {
    let points: Vec<Point> = column.points.iter().map(|(x, y, e)| raw(frame, *x, y + errors * e)).collect();
    let finite = |p: &Point| p.0.is_finite() && p.1.is_finite();
    points.iter().filter(|p| finite(p)).any(|p| distance(at, *p, *p) < NEAR)
        || points.windows(2).filter(|w| w.iter().all(finite)).any(|w| distance(at, w[0], w[1]) < NEAR)
}

/// Whether the band of a column, `BAND` standard errors to both sides, covers a point on the frame's edge.
fn covers(frame: &Frame, at: Point, column: &Column) -> bool {
    let (y, error) = (|x: f64, v: f64| raw(frame, x, v).1, BAND);
    column.points.windows(2).any(|w| {
        let (a, b) = (raw(frame, w[0].0, 1.0).0, raw(frame, w[1].0, 1.0).0);
        if !(a - NEAR..=b + NEAR).contains(&at.0) {
            return false;
        }
        let t = ((at.0 - a) / (b - a)).clamp(0.0, 1.0);
        let edge = |sign: f64| {
            let [p, q] = [w[0], w[1]].map(|(x, v, e)| y(x, v + sign * error * e));
            // Down to 0 is down to the edge of a logarithmic axis, and beyond.
            let [p, q] = [p, q].map(|v| if v.is_nan() && sign < 0.0 { frame.bottom } else { v });
            p + t * (q - p)
        };
        edge(1.0) <= at.1 + NEAR && edge(-1.0) >= at.1 - NEAR
    })
}

/// The training loss' bands reach from the lowest to the highest of some steps.
fn band_of_steps(columns: &[Column]) -> Option<(&Column, &Column)> {
    let of = |name: &str| columns.iter().find(|c| c.name == name);
    Some((of("lowest")?, of("highest")?))
}

/// Marks of the data: not the grid, the axes, the leaders to labels, nor the bounds of stages.
fn of_data<'a>(scene: &'a Scene, frame: &'a Frame, theme: &'a Theme) -> impl Iterator<Item = &'a Mark> {
    let inside = |p: &Point| {
        p.0 <= frame.right + 1.5 && p.1 >= frame.top - 0.5 && p.1 <= frame.bottom + 0.5 && p.0 >= frame.left - 0.5
    };
    scene.axes.iter().chain(&scene.series).filter(move |mark| match mark {
        Mark::Line { points, stroke } => {
            ![theme.grid, theme.axis].contains(&stroke.colour)
                && points.iter().filter(|p| p.0.is_finite()).all(inside)
                && !points.is_empty()
        }
        Mark::Area { points, .. } => points.iter().all(inside),
        Mark::Dot { at, .. } => inside(at),
        _ => false,
    })
}

#[test]
fn every_mark_is_where_its_data_are() {
    for (name, how) in ODD {
        for ended in [false, true] {
            let (history, draft) = run(how, ended);
            for (kind, options) in options() {
                for (width, height) in [(900.0, 400.0), (358.0, 280.0)] {
                    let view = View::new(width, height, Theme::light());
                    let chart = kind.chart(&history, &draft, options.clone());
                    let scene = chart.scene(&view);
                    let what = format!("{name}, {}, {options:?}, {width}", kind.name());
                    if let Some(folder) = std::env::var_os("CHARTS_DIR") {
                        let (log, bits) = (options.log_log, options.unit == Unit::Bits);
                        let how =
                            format!("{log}-{bits}-{}-{}-{ended}-{width}", options.squared_error, options.above_bayes);
                        let file = format!("odd-{}-{}-{how}.svg", name.replace(' ', "-"), kind.name());
                        std::fs::write(std::path::Path::new(&folder).join(file), chart.svg(&view))
                            .expect("a folder to write to");
                    }
                    check(
                        &scene,
                        &plots(kind, &history, options.clone(), &view),
                        &columns(&chart.csv(), kind),
                        &view,
                        &what,
                    );
                }
            }
        }
    }
}

fn check(scene: &Scene, frames: &[Frame], columns: &[Column], view: &View, what: &str) {
    let mut marks = 0;
    for (plot, frame) in frames.iter().enumerate() {
        for mark in of_data(scene, frame, &view.theme) {
            marks += 1;
            let on_a_line = |p: &Point, errors: &[f64]| {
                columns.iter().any(|c| errors.iter().any(|errors| lies_on(frame, *p, c, *errors)))
            };
            match mark {
                Mark::Line { points, .. } => {
                    // The looked-at step's rule, and error bars, are upright.
                    let upright = points.iter().all(|p| (p.0 - points[0].0).abs() < 1e-9) && points.len() == 2;
                    let errors = if upright { &[-BAND, BAND][..] } else { &[0.0] };
                    for p in points.iter().filter(|p| p.0.is_finite()) {
                        let cut = upright && columns.iter().any(|c| covers(frame, *p, c) || at_end(frame, *p, c));
                        assert!(cut || on_a_line(p, errors), "{p:?} of a line of plot {plot} in {what}: {points:?}");
                    }
                }
                Mark::Dot { at, .. } => assert!(on_a_line(at, &[0.0]), "a dot at {at:?} in {what}"),
                Mark::Area { points, .. } => {
                    for p in points {
                        let steps = band_of_steps(columns).is_some_and(|(low, high)| {
                            lies_on(frame, *p, low, 0.0)
                                || lies_on(frame, *p, high, 0.0)
                                || between(frame, *p, low, high)
                        });
                        let on_edge = (p.1 - frame.top).abs() < 1e-3 || (p.1 - frame.bottom).abs() < 1e-3;
                        let covered = on_edge && columns.iter().any(|c| covers(frame, *p, c));
                        assert!(
                            steps || covered || on_a_line(p, &[-BAND, BAND]),
                            "{p:?} of a band of plot {plot} in {what}"
                        );
                    }
                }
                _ => {}
            }
        }
    }
    let words = scene
        .axes
        .iter()
        .chain(&scene.series)
        .any(|mark| matches!(mark, Mark::Text(l) if l.text.contains("nothing to draw")));
    assert!(marks > 0 || words, "an empty frame without a word in {what}");
}

/// An error bar stands at a column's last point, and may be cut.
fn at_end(frame: &Frame, at: Point, column: &Column) -> bool {
    column.points.last().is_some_and(|(x, y, e)| {
        let (low, high) = (raw(frame, *x, y - BAND * e).1, raw(frame, *x, y + BAND * e).1);
        (raw(frame, *x, 1.0).0 - at.0).abs() < NEAR && low >= at.1 - NEAR && high <= at.1 + NEAR
    })
}

/// Of a band from one column to another, cut at the frame.
fn between(frame: &Frame, at: Point, low: &Column, high: &Column) -> bool {
    let at_x = |c: &Column| {
        let pixel = |p: &(f64, f64, f64)| raw(frame, p.0, p.1);
        c.points.windows(2).find_map(|w| {
            let (a, b) = (pixel(&w[0]), pixel(&w[1]));
            (a.0 - 1e-6..=b.0 + 1e-6).contains(&at.0).then(|| a.1 + (at.0 - a.0) / (b.0 - a.0).max(1e-9) * (b.1 - a.1))
        })
    };
    let edge = (at.1 - frame.top).abs() < 1e-3 || (at.1 - frame.bottom).abs() < 1e-3;
    edge && at_x(low).zip(at_x(high)).is_some_and(|(low, high)| low >= at.1 - NEAR && high <= at.1 + NEAR)
}

/// What is inside the frame is drawn, and what is not is said.
#[test]
fn what_is_cut_off_is_said_and_the_rest_is_drawn() {
    for (name, how) in ODD {
        for ended in [false, true] {
            let (history, draft) = run(how, ended);
            for (kind, options) in options().into_iter().filter(|o| o.0.axis() == Axis::Position) {
                let view = View::new(900.0, 400.0, Theme::light());
                let chart = kind.chart(&history, &draft, options.clone());
                let (scene, frame) = (chart.scene(&view), plots(kind, &history, options.clone(), &view)[0]);
                let what = format!("{name}, {}, {options:?}, ended {ended}", kind.name());
                let texts: Vec<&str> = scene
                    .series
                    .iter()
                    .chain(&scene.axes)
                    .filter_map(|m| if let Mark::Text(l) = m { Some(l.text.as_str()) } else { None })
                    .collect();
                let said = |word: &str| texts.iter().any(|t| t.contains(word));
                if said("nothing to draw") {
                    continue;
                }
                let drawn: Vec<Point> = of_data(&scene, &frame, &view.theme)
                    .filter_map(|m| if let Mark::Line { points, .. } = m { Some(points) } else { None })
                    .flatten()
                    .copied()
                    .collect();
                for column in columns(&chart.csv(), kind) {
                    for (x, y, _) in &column.points {
                        if *x > 32.0 {
                            continue;
                        }
                        let at = raw(&frame, *x, *y);
                        let what = format!("{} at {x} ({y}) in {what}: {texts:?}", column.name);
                        if !at.1.is_finite() {
                            assert!(said("no finite value at") || said("which a log axis cannot show"), "{what}");
                        } else if at.1 < frame.top - NEAR {
                            assert!(said("↑"), "{what}");
                        } else if at.1 > frame.bottom + NEAR {
                            assert!(said("↓"), "{what}");
                        } else {
                            assert!(drawn.iter().any(|p| distance(at, *p, *p) < NEAR), "{what}");
                        }
                    }
                }
            }
        }
    }
}

/// The main job's fault: a model that remembers its 4 topics was drawn as a flat line at the frame's top.
#[test]
fn the_final_curve_is_whole_however_bad() {
    let mut e = Preset::named("markov").expect("a preset").experiment();
    e.data.topics = 4;
    e.data.length = 32;
    let mut history = History::new(&e);
    history.apply(&Event::Theory(fixtures::theory(32)));
    let view = View::new(900.0, 400.0, Theme::light());
    let scene = |history: &History| ChartKind::LossByPosition.chart(history, &e, Options::default()).scene(&view);
    let top = |history: &History| plots(ChartKind::LossByPosition, history, Options::default(), &view)[0].y.high;
    let steps = e.steps();
    let evaluation = |share: f64, loss: fn(f64) -> f64| {
        let mut evaluation = fixtures::evaluation((share * steps as f64) as usize, 0.1);
        evaluation.model = (0..32).map(|i| loss(f64::from(i) / 31.0)).collect();
        Event::Evaluation(evaluation)
    };
    // It begins far out, falls, and rises again as it learns the four by heart. The axis only grows.
    history.apply(&evaluation(0.0, |_| 90.0));
    let first = top(&history);
    assert!(first < 10.0, "{first}");
    assert!(scene(&history).svg(900.0, 400.0, view.theme.surface).contains("model, up to 90.0 ↑"));
    let mut last = first;
    for (share, loss) in [
        (0.05, (|_| 40.0) as fn(f64) -> f64),
        (0.1, |_| 1.7),
        (0.2, |_| 1.5),
        (0.4, |x| 1.5 + 2.0 * x),
        (0.7, |x| 3.0 + 2.0 * x),
        (1.0, |x| 4.0 + 2.6 * x),
    ] {
        history.apply(&evaluation(share, loss));
        let now = top(&history);
        assert!(now >= last, "{now} after {last}");
        last = now;
    }
    assert!((6.6..8.0).contains(&last), "{last}");
    history.apply(&Event::Outcome(Box::new(fixtures::outcome())));
    assert!((6.6..8.0).contains(&top(&history)));
    let svg = scene(&history).svg(900.0, 400.0, view.theme.surface);
    assert!(svg.contains(">model<") && !svg.contains('↑'), "{svg}");
    // A recorded step that is looked at is whole too.
    history.show(Some(0));
    assert!(top(&history) >= 90.0);
    // One that only falls never moves the axis.
    let mut falling = History::new(&e);
    falling.apply(&Event::Theory(fixtures::theory(32)));
    falling.apply(&evaluation(0.0, |_| 90.0));
    let before = top(&falling);
    for (share, loss) in [(0.2, (|_| 20.0) as fn(f64) -> f64), (0.5, |_| 5.0), (0.9, |_| 1.5)] {
        falling.apply(&evaluation(share, loss));
        assert_eq!(top(&falling), before);
    }
}

#[test]
fn an_excess_of_zero_is_said_in_words() {
    let e = experiment();
    let mut history = History::new(&e);
    let mut theory = fixtures::theory(32);
    for curve in [&mut theory.bayes, &mut theory.oracle, &mut theory.unigram] {
        curve.values.fill(fixtures::RATE);
    }
    history.apply(&Event::Theory(theory));
    let view = View::new(640.0, 300.0, Theme::light());
    let options = Options { log_log: true, ..Options::default() };
    let sentence = "The excess over the entropy rate is 0 at every position: nothing to draw on a log axis.";
    let chart = ChartKind::LossByPosition.chart(&history, &e, options);
    let scene = chart.scene(&view);
    let said: Vec<&str> =
        scene.axes.iter().filter_map(|m| if let Mark::Text(l) = m { Some(l.text.as_str()) } else { None }).collect();
    assert_eq!(said.join(" "), sentence);
    assert!(chart.summary().contains(sentence), "{}", chart.summary());
    // On a linear axis it is a line.
    let plain = ChartKind::LossByPosition.chart(&history, &e, Options::default());
    assert!(!plain.svg(&view).contains("nothing to draw"));
}

#[test]
fn rows_have_bars_only_where_their_axis_has_room() {
    let e = experiment();
    let view = View::new(900.0, 400.0, Theme::light());
    for linear in [false, true] {
        for gap in [0.08, -0.08, 0.0, 3e-9, 2e4, f64::NAN] {
            let mut history = fixtures::history(&e, 400);
            let mut outcome: Outcome = fixtures::outcome();
            (outcome.topic_gap.value, outcome.topic_gap.stderr) = (gap, 0.0);
            history.apply(&Event::Outcome(Box::new(outcome)));
            let options = Options { linear_bound: linear, ..Options::default() };
            let chart = ChartKind::Bound.chart(&history, &e, options.clone());
            let frame = rows::Rows(bound::sheet(&history, &e, options)).plots(&view)[0];
            let readout = chart.readout(&view, 5.0).expect("the topic gap");
            // The row lies above the crosshair's rule.
            let (low, high) = (readout.rule[0].1 - 30.0, readout.rule[0].1);
            let scene = chart.scene(&view);
            let bars: Vec<(f64, f64)> = scene
                .series
                .iter()
                .filter_map(|m| match m {
                    Mark::Box { from, to, colour, .. }
                        if from.1 > low && to.1 < high && *colour != view.theme.surface =>
                    {
                        Some((from.0, to.0))
                    }
                    _ => None,
                })
                .collect();
            let what = format!("{gap} on a {} axis: {bars:?}", if linear { "linear" } else { "log" });
            let base = if linear { frame.px(0.0) } else { frame.left };
            match bars[..] {
                [(from, to)] => {
                    let at = frame.px(gap);
                    assert!(
                        (to - at).abs() < 1.1 && (from - base).abs() < 1e-9
                            || (from - at).abs() < 1e-9 && (to - base).abs() < 1e-9,
                        "{what}"
                    );
                    assert!(from >= frame.left - 1e-9 && to <= frame.right + 1e-9, "{what}");
                }
                [] => assert!(gap == 0.0 || gap.is_nan() || !linear && gap < 1e-6, "{what}"),
                _ => panic!("{what}"),
            }
            let words = chart.summary();
            let off = match gap {
                g if g.is_nan() => "topic gap not finite",
                _ if linear => "topic gap",
                g if g > 0.0 && g < 1e-6 => "topic gap 3.00e−9 ← left of this axis",
                g if g < 0.0 => ", below 0: no bar on a log axis",
                0.0 => "topic gap 0 (not yet within 2%), no bar on a log axis",
                _ => "topic gap",
            };
            assert!(words.contains(off), "{words}");
        }
    }
    // A level of 0 has no place on a log axis either.
    let mut e = e;
    e.bound.rise = 0.0;
    let mut history = fixtures::history(&e, 400);
    history.apply(&Event::Outcome(Box::new(fixtures::outcome())));
    let scene = ChartKind::Kl.chart(&history, &e, Options::default()).scene(&view);
    let dashed = |m: &&Mark| matches!(m, Mark::Line { stroke, .. } if stroke.dash == scene::Dash::Dashed && stroke.colour == view.theme.text);
    assert_eq!(scene.series.iter().filter(dashed).count(), 0);
    assert!(scene.svg(900.0, 400.0, view.theme.surface).contains("allowed: 0 (no place on this axis)"));
}

#[test]
fn the_bound_says_when_it_mixes_settings_with_a_run() {
    let run = experiment();
    let mut history = fixtures::history(&run, 400);
    let note = |history: &History, draft: &Experiment| {
        let chart = ChartKind::Bound.chart(history, draft, Options::default());
        assert!(chart.text().contains(&chart.summary()));
        (chart.summary(), chart.svg(&View::new(900.0, 400.0, Theme::light())))
    };
    let mut draft = run.clone();
    assert!(!note(&history, &draft).0.contains("Terms for the settings"));
    draft.data.topics = run.data.topics + 60;
    draft.data.length = 64;
    let during = "Terms for the settings (K = 316, T = 64, T_p = 64), with KL, ε_opt and gaps of the run (K = 256, T = 32, T_p = 32)";
    assert_eq!(run.data.topics, 256);
    assert!(note(&history, &draft).0.contains(during), "{}", note(&history, &draft).0);
    history.apply(&Event::Outcome(Box::new(fixtures::outcome())));
    let (summary, svg) = note(&history, &draft);
    assert!(summary.contains(&during.replace("the run (", "the finished run (")), "{summary}");
    assert!(svg.contains("Terms for the settings (K = 316"), "{svg}");
    // δ and s are no part of what was measured.
    let mut other = run.clone();
    (other.bound.delta, other.bound.scale) = (0.2, 0.1);
    assert!(!note(&history, &other).0.contains("Terms for the settings"));
    // Before any run nothing is mixed.
    assert!(!note(&History::new(&run), &draft).0.contains("Terms for the settings"));
    // Prior stages were trained on K′ topics.
    let mut staged = run.clone();
    staged.prior = Prior { steps: 100, index: false };
    let mut history = fixtures::history(&staged, 400);
    history.apply(&Event::Outcome(Box::new(fixtures::outcome())));
    let mut draft = staged.clone();
    draft.bound.topics = 8;
    assert!(note(&history, &draft).0.contains("(K′ = 8)"), "{}", note(&history, &draft).0);
}

/// Every text's estimated box lies inside the picture's.
pub(super) fn assert_inside(scene: &Scene, view: &View, what: &str) {
    for mark in scene.axes.iter().chain(&scene.series) {
        let Mark::Text(label) = mark else { continue };
        let wide = text_width(&label.text, label.size);
        let left = match label.anchor {
            scene::Anchor::Start => label.x,
            scene::Anchor::Middle => label.x - wide / 2.0,
            scene::Anchor::End => label.x - wide,
        };
        let (top, bottom) = (label.y - label.size / 2.0, label.y + label.size / 2.0);
        assert!(
            left >= 0.0 && left + wide <= view.width + 0.5 && top >= 0.0 && bottom <= view.height,
            "{:?} from {left} to {} in {what}",
            label.text,
            left + wide
        );
    }
}

#[test]
fn every_label_lies_inside_its_chart() {
    for exponent in -9..=9 {
        for factor in [1.0, 1.2, 5.5, -1.0] {
            let size = factor * 10f64.powi(exponent);
            let mut e = experiment();
            e.training.steps = 1_000_000;
            let mut history = History::new(&e);
            let mut theory = fixtures::theory(32);
            for curve in [&mut theory.bayes, &mut theory.oracle, &mut theory.unigram] {
                curve.values.iter_mut().for_each(|v| *v *= size);
            }
            (theory.entropy_rate, theory.training_level) = (theory.entropy_rate * size, theory.training_level * size);
            history.apply(&Event::Theory(theory));
            history.apply(&fixtures::frame(1, (1..=400).map(|s| size * fixtures::training_loss(s)).collect()));
            for step in [0, 200, 400] {
                let mut evaluation = fixtures::evaluation(step, 0.1);
                for values in [&mut evaluation.model, &mut evaluation.seen_model, &mut evaluation.fresh_model] {
                    values.iter_mut().for_each(|v| *v *= size);
                }
                for loss in [&mut evaluation.empirical, &mut evaluation.first_level, &mut evaluation.two_level] {
                    for m in [&mut loss.loss, &mut loss.bayes, &mut loss.excess] {
                        m.value *= size;
                    }
                }
                (evaluation.topic_gap.value, evaluation.sequence_gap.value) = (0.1 * size, -0.03 * size);
                history.apply(&Event::Evaluation(evaluation));
            }
            for ended in [false, true] {
                if ended {
                    let mut outcome = fixtures::outcome();
                    (outcome.topic_gap.value, outcome.distance_topic) = (0.1 * size, size.abs());
                    outcome.scales.iter_mut().for_each(|t| t.rise.value *= size);
                    history.apply(&Event::Outcome(Box::new(outcome)));
                }
                for kind in ChartKind::ALL {
                    for options in [
                        Options::default(),
                        Options { log_log: true, above_bayes: true, linear_bound: true, ..Options::default() },
                    ] {
                        for (width, height) in [(1200.0, 500.0), (640.0, 360.0), (358.0, 320.0)] {
                            let view = View { titled: true, ..View::new(width, height, Theme::light()) };
                            let scene = kind.chart(&history, &e, options.clone()).scene(&view);
                            let what = format!("{}, {size}, {options:?}, {width}", kind.name());
                            assert_inside(&scene, &view, &what);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn losses_that_are_no_numbers_are_gaps_and_said() {
    let e = experiment();
    let mut history = History::new(&e);
    history.apply(&Event::Theory(fixtures::theory(32)));
    history.apply(&fixtures::frame(1, vec![1.6, 1.5, f64::NAN, f64::INFINITY, 1.2, 1.1]));
    let view = View::new(640.0, 300.0, Theme::light());
    let chart = ChartKind::TrainingLoss.chart(&history, &e, Options::default());
    let scene = chart.scene(&view);
    let smoothed = scene.series.iter().find_map(|m| match m {
        Mark::Line { points, stroke } if stroke.colour == view.theme.model.line => Some(points.clone()),
        _ => None,
    });
    assert_eq!(smoothed.expect("a line").iter().filter(|p| p.0.is_nan()).count(), 1);
    assert!(chart.svg(&view).contains("training: no finite loss at 2 steps"));
    drop(chart);
    // The same frame again counts nothing twice.
    history.apply(&fixtures::frame(1, vec![1.6, 1.5, f64::NAN, f64::INFINITY, 1.2, 1.1]));
    assert_eq!(history.training().missing(), 2);
}

#[test]
fn local_slopes_of_model_and_bayes_stand_side_by_side() {
    let mut e = experiment();
    e.world = "coin".parse::<WorldSpec>().unwrap_or(e.world);
    let mut history = History::new(&e);
    let mut theory = fixtures::theory(32);
    let distribution = |l: usize, power: f64| fixtures::RATE + 0.5 * (l as f64).powf(-power);
    theory.bayes.values = (1..=32).map(|l| distribution(l, 1.0)).collect();
    history.apply(&Event::Theory(theory));
    let mut evaluation = fixtures::evaluation(400, 0.1);
    evaluation.model = (1..=32).map(|l| distribution(l, 0.7)).collect();
    evaluation.excess_stderr = vec![0.001; 32];
    history.apply(&Event::Evaluation(evaluation));
    let options = Options { log_log: true, ..Options::default() };
    let chart = ChartKind::LossByPosition.chart(&history, &e, options);
    for position in [1.0, 2.0, 9.0, 32.0] {
        let readout = chart.readout(&View::new(640.0, 300.0, Theme::light()), position).expect("data");
        let value = |name: &str| readout.lines.iter().find(|l| l.name == name).map(|l| l.value.clone()).expect(name);
        assert_eq!(value("local slope of Bayes"), "−1.00");
        let (slope, error) = value("local slope of the model")
            .split_once(" ± ")
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .expect("an error");
        assert!(slope.starts_with("−0.7") && error.parse::<f64>().is_ok_and(|e| e > 0.0), "{slope} ± {error}");
        assert!(!readout.text().contains("power law"));
    }
}
