//! Charts of several seeds: a made-up history of which every number is known.

use super::{fixtures, rows::Rows, scene::Mark, *};
use crate::{
    app::theme::Theme,
    experiment::Prior,
    protocol::{Event, Outcome},
};

const EXCESSES: [f64; 3] = [0.10, 0.04, 0.16];

fn experiment() -> Experiment {
    let mut experiment = Experiment { seed: 0, ..Experiment::default() };
    (experiment.data.length, experiment.training.steps, experiment.data.fresh) = (32, 200, false);
    experiment.prior = Prior { steps: 100, index: true };
    experiment.bound.certificate = true;
    experiment
}

/// The end of a run whose gap is `gap`.
fn outcome(gap: f64) -> Outcome {
    let mut outcome = fixtures::outcome();
    outcome.topic_gap.value = gap;
    outcome.scales.iter_mut().for_each(|t| t.rise.value = gap * t.scale);
    if let Some(c) = &mut outcome.certificate {
        c.bound = 1.3 + gap;
    }
    if let Some(p) = &mut outcome.paths {
        p.data = 1000.0 * gap;
    }
    outcome
}

/// Three seeds: each has an excess of its own and a training loss of 1 + its excess; `ended`: with their outcomes.
fn history(ended: bool) -> (History, Experiment) {
    let e = experiment();
    let mut history = History::new(&e);
    history.set_seeds(3);
    for (seed, excess) in EXCESSES.into_iter().enumerate() {
        let mut theory = fixtures::theory(32);
        theory.training_level = 0.5 + excess;
        let mut events = vec![Event::Theory(theory), fixtures::frame(1, vec![1.0 + excess; 400])];
        events.extend([0, 200, 400].map(|step| Event::Evaluation(fixtures::evaluation(step, excess))));
        if ended {
            events.push(Event::Outcome(Box::new(outcome(excess))));
        }
        for event in &events {
            if seed == 0 {
                history.apply(event)
            } else {
                history.apply_seed(seed as u64, event)
            };
        }
    }
    (history, e)
}

fn view() -> View {
    View::new(900.0, 400.0, Theme::light())
}

/// The columns of a table by their names.
fn column(csv: &str, name: &str) -> Vec<f64> {
    let mut lines = csv.lines();
    // Quoted names may hold commas.
    let mut quoted = false;
    let names = lines.next().expect("names").split(|c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    let names: Vec<&str> = names.map(|n| n.trim_matches('"')).collect();
    let at = names.iter().position(|n| *n == name).unwrap_or_else(|| panic!("no {name} in {names:?}"));
    lines.map(|line| line.split(',').nth(at).expect("a cell").parse().unwrap_or(f64::NAN)).collect()
}

#[track_caller]
fn close(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-9, "{a} is not {b}");
}

#[test]
fn loss_by_position_is_a_mean_with_a_band() {
    let (history, e) = history(false);
    let chart = ChartKind::LossByPosition.chart(&history, &e, Options::default());
    let csv = chart.csv();
    let [mean, least, greatest] = ["model (nats)", "model least", "model greatest"].map(|name| column(&csv, name));
    // Of the three the first is in the middle.
    let of = |excess: f64| fixtures::evaluation(400, excess).model;
    for l in [0, 7, 31] {
        close(mean[l], of(0.10)[l]);
        close(least[l], of(0.04)[l]);
        close(greatest[l], of(0.16)[l]);
    }
    // The band is drawn between them.
    let frame = &loss_by_position::LossByPosition::new(&history, Options::default()).plots(&view())[0];
    let scene = chart.scene(&view());
    let band = scene.series.iter().find_map(|m| match m {
        Mark::Area { points, .. } => Some(points.clone()),
        _ => None,
    });
    let band = band.expect("a band");
    for y in [frame.py(least[7]), frame.py(greatest[7])] {
        let near = |p: &&(f64, f64)| (p.0 - frame.px(8.0)).abs() < 0.1 && (p.1 - y).abs() < 0.1;
        assert!(band.iter().any(|p| near(&p)), "{y} in {band:?}");
    }
    let readout = chart.readout(&view(), 8.0).expect("data").text();
    assert!(readout.contains("model above Bayes, seed 0") && readout.contains("mean over 3 seeds"), "{readout}");
    let summary = chart.summary();
    assert!(summary.starts_with("At step 400 the model's loss at position 32 is"), "{summary}");
    assert_eq!(summary.matches("over 3 seeds)").count(), 2, "{summary}");
}

#[test]
fn bayes_of_the_run_carries_the_spread() {
    // What differs from seed to seed is the excess, whatever curve each engine had for Bayes.
    let (mut history, e) = history(false);
    let mut evaluation = fixtures::evaluation(400, 0.04);
    evaluation.model.iter_mut().for_each(|v| *v += 0.5);
    history.apply_seed(1, &Event::Evaluation(evaluation));
    let least = column(&ChartKind::LossByPosition.chart(&history, &e, Options::default()).csv(), "model least");
    close(least[31], fixtures::evaluation(400, 0.04).model[31]);
}

#[test]
fn training_loss_has_a_band_and_a_thin_line_for_each_seed() {
    let (history, e) = history(false);
    let chart = ChartKind::TrainingLoss.chart(&history, &e, Options::default());
    let csv = chart.csv();
    for (name, value) in [("smoothed mean over seeds", 1.10), ("smoothed least", 1.04), ("smoothed greatest", 1.16)] {
        close(*column(&csv, name).last().expect("a row"), value);
    }
    close(column(&csv, "smoothed")[0], 1.10);
    let scene = chart.scene(&view());
    let thin = |m: &&Mark| matches!(m, Mark::Line { stroke, .. } if stroke.alpha == 0.4 && stroke.width == 1.0);
    assert_eq!(scene.series.iter().filter(thin).count(), 3);
    let text = chart.readout(&view(), 300.0).expect("data").text();
    assert!(text.contains("1.10 (1.04 to 1.16)") && text.contains("smoothed, seed 0"), "{text}");
    assert!(text.contains("0.600 (0.540 to 0.660)"), "exact Bayes on data that the seed draws: {text}");
    assert!(chart.summary().contains("1.10 (1.04 to 1.16 over 3 seeds)"), "{}", chart.summary());
}

#[test]
fn losses_have_bands_and_columns() {
    let (history, e) = history(false);
    let chart = ChartKind::Losses.chart(&history, &e, Options::default());
    let csv = chart.csv();
    let gap = |excess: f64| 0.10 * (0.66 - excess);
    close(column(&csv, "topic gap (nats)")[2], gap(0.10));
    close(column(&csv, "topic gap least")[2], gap(0.16));
    close(column(&csv, "topic gap greatest")[2], gap(0.04));
    assert!(!csv.contains("gap standard error"));
    assert!(chart.summary().contains("mean over 3 seeds"), "{}", chart.summary());
    let readout = chart.readout(&view(), 400.0).expect("data").text();
    assert!(readout.contains("0.0560 (0.0500 to 0.0620)"), "{readout}");
}

#[test]
fn bars_have_the_least_and_the_greatest() {
    for ended in [false, true] {
        let (history, e) = history(ended);
        let sheet = bound::sheet(&history, &e, Options::default());
        let gap = sheet.rows.iter().find(|row| row.name == "topic gap").expect("a row");
        let (least, greatest) = gap.spread.expect("a spread");
        let value = |excess: f64| if ended { excess } else { 0.10 * (0.66 - excess) };
        close(gap.value.expect("a value"), value(0.10));
        close(least, value(0.04).min(value(0.16)));
        close(greatest, value(0.04).max(value(0.16)));
        // ln 1/δ knows no seed; ε_opt does.
        let spread = |name: &str| sheet.rows.iter().find(|r| r.name.starts_with(name)).expect(name).spread;
        assert_eq!(spread("confidence"), None);
        let said = Rows(sheet).summary();
        assert!(said.contains("mean over 3 seeds, with the least and the greatest"), "{said}");
    }
}

#[test]
fn what_only_ended_runs_tell_has_a_spread_too() {
    let (history, e) = history(true);
    let csv = ChartKind::Certificate.chart(&history, &e, Options::default()).csv();
    for (name, value) in [("value (nats)", 1.40), ("least", 1.34), ("greatest", 1.46)] {
        close(column(&csv, name)[0], value);
    }
    let kl = ChartKind::Kl.chart(&history, &e, Options::default());
    let scale = fixtures::outcome().scales[0].scale;
    close(column(&kl.csv(), "least")[0], 0.04 * scale);
    assert!(kl.summary().contains("chosen by 3 of 3 seeds"), "{}", kl.summary());
    assert!(kl.summary().contains("100 (40.0 to 160)"), "{}", kl.summary());
}

#[test]
fn seen_and_unseen_topics_have_bands() {
    let (history, e) = history(false);
    let chart = ChartKind::Topics.chart(&history, &e, Options::default());
    let csv = chart.csv();
    let of = |excess: f64| fixtures::evaluation(400, excess).seen_model[3];
    close(column(&csv, "seen (model) (nats)")[3], of(0.10));
    close(column(&csv, "seen (model) greatest")[3], of(0.16));
    assert!(chart.summary().contains("mean over 3 seeds"), "{}", chart.summary());
}

#[test]
fn a_seed_that_is_behind_holds_the_band_back() {
    let (mut history, e) = history(false);
    history.apply(&fixtures::frame(401, vec![1.0; 100]));
    history.apply(&Event::Evaluation(fixtures::evaluation(500, 0.01)));
    let chart = |kind: ChartKind| kind.chart(&history, &e, Options::default());
    assert!(chart(ChartKind::LossByPosition).summary().starts_with("At step 400"));
    assert!(chart(ChartKind::TrainingLoss).summary().starts_with("After 400 steps"));
    assert_eq!(column(&chart(ChartKind::Losses).csv(), "step"), [0.0, 200.0, 400.0]);
    let spread = column(&chart(ChartKind::TrainingLoss).csv(), "smoothed least");
    assert!(spread[399].is_finite() && spread[400].is_nan());
}

#[test]
fn before_the_others_come_the_run_is_drawn_alone_and_says_so() {
    let e = experiment();
    let mut history = fixtures::history(&e, 400);
    let alone = |history: &History| {
        ChartKind::ALL.map(|kind| kind.chart(history, &e, Options::default()).scene(&view()).series.len())
    };
    let before = alone(&history);
    history.set_seeds(3);
    assert_eq!(alone(&history)[..3], before[..3], "the same marks");
    let readout = ChartKind::LossByPosition.chart(&history, &e, Options::default()).readout(&view(), 8.0);
    assert!(readout.expect("data").text().contains("seed 0 alone so far"));
    let said = ChartKind::Bound.chart(&history, &e, Options::default()).summary();
    assert!(said.contains("Of seed 0 alone"), "{said}");
}

#[test]
fn a_seed_without_a_finite_loss_leaves_no_mean() {
    let (mut history, e) = history(false);
    let mut evaluation = fixtures::evaluation(400, 0.04);
    evaluation.excess[31] = f64::NAN;
    evaluation.topic_gap.value = f64::NAN;
    history.apply_seed(1, &Event::Evaluation(evaluation));
    let chart = ChartKind::LossByPosition.chart(&history, &e, Options::default());
    assert!(column(&chart.csv(), "model (nats)")[31].is_nan());
    assert!(chart.summary().contains("not finite in every seed"), "{}", chart.summary());
    let bound = ChartKind::Bound.chart(&history, &e, Options::default()).summary();
    assert!(bound.contains("topic gap not finite"), "{bound}");
}

#[test]
fn every_chart_of_seeds_lies_inside_its_picture() {
    for ended in [false, true] {
        let (history, e) = history(ended);
        for kind in ChartKind::ALL {
            for theme in [Theme::light(), Theme::dark()] {
                for (width, height) in [(900.0, 400.0), (358.0, 280.0)] {
                    let view = View::new(width, height, theme);
                    for options in [
                        Options::default(),
                        Options { log_log: true, above_bayes: true, linear_bound: true, ..Options::default() },
                    ] {
                        let scene = kind.chart(&history, &e, options).scene(&view);
                        let svg = scene.svg(width, height, view.theme.surface);
                        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{}", kind.name());
                        truth_tests::assert_inside(&scene, &view, kind.name());
                        if let Ok(folder) = std::env::var("CHARTS_DIR") {
                            let name = format!("{folder}/seeds-{}-{ended}-{width}.svg", kind.name());
                            std::fs::write(name, svg).expect("a file");
                        }
                    }
                }
            }
        }
    }
}
