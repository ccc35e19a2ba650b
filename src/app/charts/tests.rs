//! Every chart, in both themes, from empty to full, as SVG. `CHARTS_DIR=some/folder` also writes the pictures there,
//! for looking at.

use std::collections::BTreeMap;

use super::{fixtures, samples::ColourBy, *};
use crate::{
    app::theme::{Rgb, Theme},
    number,
};
use crate::{
    experiment::{Preset, Prior, WorldKind, WorldSpec},
    protocol::{Baseline, Evaluation, Event, Theory},
    theory::curve::{Curve, Method},
};

const SIZES: [(&str, f64, f64); 2] = [("wide", 900.0, 400.0), ("phone", 358.0, 280.0)];

/// Charts of what only a finished run can tell.
const AT_THE_END: [ChartKind; 2] = [ChartKind::Kl, ChartKind::Certificate];

fn experiment(length: usize, steps: usize) -> Experiment {
    let mut experiment = Experiment::default();
    experiment.data.length = length;
    experiment.training.steps = steps;
    experiment
}

/// The same run after earlier ones with other K.
fn compared() -> (History, Experiment) {
    let mut experiment = experiment(32, 400);
    let mut history = History::new(&experiment);
    let mut earlier = Vec::new();
    for (topics, excess) in [(4, 0.24), (16, 0.07)] {
        experiment.data.fresh = false;
        experiment.data.topics = topics;
        history.reset_for(&experiment);
        history.apply(&fixtures::frame(1, (1..=400).map(|step| fixtures::training_loss(step) + excess).collect()));
        history.apply(&Event::Evaluation(fixtures::evaluation(400, excess)));
        earlier.splice(0..0, history.as_earlier());
    }
    experiment.data.topics = 64;
    history.reset_for(&experiment);
    history.set_earlier(earlier);
    fixtures::extend(&mut history, 32, 400);
    (history, experiment)
}

/// A finished run with prior stages and all that its outcome may hold.
fn ended() -> (History, Experiment) {
    let mut e = experiment(32, 200);
    e.data.fresh = false;
    e.prior = Prior { steps: 100, index: true };
    e.bound.certificate = true;
    let mut history = fixtures::history(&e, 400);
    history.apply(&Event::Outcome(Box::new(fixtures::outcome())));
    (history, e)
}

fn stages() -> Vec<(&'static str, History, Experiment)> {
    let e = experiment(32, 400);
    let start = {
        let mut history = History::new(&e);
        history.apply(&Event::Theory(fixtures::theory(32)));
        history.apply(&Event::Evaluation(fixtures::evaluation(0, 0.66)));
        history
    };
    let (earlier, draft) = compared();
    let (ended, staged) = ended();
    vec![
        ("empty", History::new(&e), e.clone()),
        ("theory", fixtures::history(&e, 0), e.clone()),
        ("start", start, e.clone()),
        ("partial", fixtures::history(&e, 100), e.clone()),
        ("full", fixtures::history(&e, 400), e.clone()),
        ("compared", earlier, draft),
        ("ended", ended, staged),
    ]
}

fn options() -> [(&'static str, Options); 2] {
    [
        ("plain", Options::default()),
        (
            "other",
            Options { unit: Unit::Bits, log_log: true, above_bayes: true, linear_bound: true, ..Options::default() },
        ),
    ]
}

fn sound(svg: &str, what: &str) {
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{what}");
    for bad in ["NaN", "inf", "unknown"] {
        assert!(!svg.contains(bad), "{bad} in {what}");
    }
}

#[test]
fn every_chart_draws_at_every_stage() {
    let folder = std::env::var_os("CHARTS_DIR").map(std::path::PathBuf::from);
    for (stage, history, draft) in stages() {
        for theme in [Theme::light(), Theme::dark()] {
            for (how, options) in options() {
                for kind in ChartKind::ALL {
                    for (size, width, height) in SIZES {
                        let chart = kind.chart(&history, &draft, options.clone());
                        let view = View::new(width, height, theme);
                        let svg = chart.svg(&view);
                        let tone = if theme.dark { "dark" } else { "light" };
                        let what = format!("{}-{stage}-{how}-{size}-{tone}", kind.name());
                        sound(&svg, &what);
                        assert!(!chart.summary().is_empty() && !chart.summary().contains("NaN"), "{what}");
                        if let Some(folder) = &folder {
                            let body = match chart.cursor_at(&view, 0.4 * width, 0.3 * height) {
                                // With a crosshair on some, to see that too.
                                Some(at) if stage == "full" => {
                                    let readout = chart.readout(&view, at).expect("a cursor has a read-out");
                                    let mut scene = chart.scene(&view);
                                    scene.series.extend(crosshair(&view, &readout));
                                    scene.svg(width, height, theme.surface)
                                }
                                _ => svg,
                            };
                            std::fs::write(folder.join(format!("{what}.svg")), body).expect("a folder to write to");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn the_lines_are_labelled_directly() {
    let (history, draft) = compared();
    let view = View::new(900.0, 400.0, Theme::light());
    let svg = |kind: ChartKind| kind.chart(&history, &draft, Options::default()).svg(&view);
    let expect = |kind: ChartKind, words: &[&str]| {
        let svg = svg(kind);
        for word in words {
            assert!(svg.contains(word), "{word} in {}", kind.name());
        }
    };
    expect(
        ChartKind::LossByPosition,
        &[
            "model<",
            "exact Bayes<",
            "oracle<",
            "entropy rate<",
            "unigram<",
            ">K = 16<",
            "loss, nats per token<",
            "position in the sequence<",
        ],
    );
    expect(ChartKind::TrainingLoss, &["training<", "exact Bayes<", "uniform<", "training step<"]);
    expect(
        ChartKind::Losses,
        &["two-level<", "first-level<", "empirical<", "topic gap<", "above Bayes<", "sequence gap<"],
    );
    expect(
        ChartKind::Bound,
        &[
            "topic term<",
            "sequence term<",
            "confidence term<",
            "optimisation error<",
            "sum as printed<",
            "topic gap<",
            "up to constants",
            "KL(μ‖ν_topic) =",
        ],
    );
}

#[test]
fn empty_charts_say_what_starts_them() {
    let e = Experiment::default();
    let history = History::new(&e);
    let view = View::new(600.0, 300.0, Theme::dark());
    // The bound has terms before any run, and the certificate must be asked for.
    let without_run = [ChartKind::Bound, ChartKind::Certificate];
    for kind in ChartKind::ALL.into_iter().filter(|kind| !without_run.contains(kind)) {
        let chart = kind.chart(&history, &e, Options::default());
        assert!(chart.svg(&view).contains("Press Run"), "{}", kind.name());
        assert_eq!(chart.cursor_at(&view, 300.0, 150.0), None);
        assert_eq!(chart.cursor_moved(None, 1), None);
        assert_eq!(chart.readout(&view, 3.0), None);
    }
    assert!(ChartKind::Bound.chart(&history, &e, Options::default()).svg(&view).contains("Before a run KL = 0"));
}

#[test]
fn hovering_says_the_right_numbers() {
    let e = experiment(32, 400);
    let history = fixtures::history(&e, 400);
    let view = View::new(900.0, 400.0, Theme::light());
    let chart = ChartKind::LossByPosition.chart(&history, &e, Options::default());
    for position in [1.0, 5.0, 32.0] {
        let readout = chart.readout(&view, position).expect("data");
        // The pointer on the crosshair finds the same place again.
        assert_eq!(chart.cursor_at(&view, readout.rule[0].0, 100.0), Some(position));
    }
    let readout = chart.readout(&view, 2.2).expect("data");
    assert_eq!((readout.cursor, readout.title.as_str()), (2.0, "Position 2"));
    let line = |name: &str| readout.lines.iter().find(|l| l.name == name).cloned().expect(name);
    assert_eq!(line("exact Bayes, topic hidden").value, "0.9514 nats");
    assert_eq!(line("exact Bayes, topic hidden").how, "exact");
    assert!(line("model").value.contains('±') && line("model").how.contains("256 fresh sequences"));
    assert_eq!(readout.lines[0].name, "model");
    assert_eq!(line("unigram level").value, "1.445 nats");
    assert!(readout.text().starts_with("Position 2; model "));

    let bits = ChartKind::LossByPosition.chart(&history, &e, Options { unit: Unit::Bits, ..Options::default() });
    let readout = bits.readout(&view, 2.0).expect("data");
    assert!(readout.lines.iter().any(|l| l.value == "1.373 bits"), "{readout:?}");

    let training = ChartKind::TrainingLoss.chart(&history, &e, Options::default());
    let readout = training.readout(&view, 120.0).expect("data");
    assert_eq!(readout.title, "Step 120");
    assert_eq!(readout.lines[1].value, format!("{} nats", number::precise(fixtures::training_loss(120))));

    let losses = ChartKind::Losses.chart(&history, &e, Options::default());
    let readout = losses.readout(&view, 131.0).expect("data");
    assert_eq!(readout.cursor, 140.0, "evaluations are every 20 steps");
    assert_eq!(losses.cursor_moved(Some(140.0), 1), Some(160.0));
    assert_eq!(losses.cursor_moved(Some(400.0), 1), Some(400.0));
    assert_eq!(losses.cursor_moved(None, 1), Some(0.0));

    let bound = ChartKind::Bound.chart(&history, &e, Options::default());
    for row in 0..7 {
        let readout = bound.readout(&view, f64::from(row)).expect("seven rows");
        assert_eq!(bound.cursor_at(&view, 300.0, readout.rule[0].1), Some(f64::from(row)));
    }
    let topic = bound.readout(&view, 0.0).expect("data");
    assert!(topic.text().contains("√(1/((K−K′)·T_p)) · [KL(μ‖ν_topic) + ln 1/δ]"), "{}", topic.text());
    assert_eq!(bound.readout(&view, 9.0), None);
}

#[test]
fn arrow_keys_walk_positions() {
    let e = experiment(8, 100);
    let history = fixtures::history(&e, 0);
    let chart = ChartKind::LossByPosition.chart(&history, &e, Options::default());
    assert_eq!(chart.cursor_moved(None, 1), Some(1.0));
    assert_eq!(chart.cursor_moved(None, -1), Some(8.0));
    assert_eq!(chart.cursor_moved(Some(3.0), 1), Some(4.0));
    assert_eq!(chart.cursor_moved(Some(8.0), 10), Some(8.0));
}

#[test]
fn summaries_change_with_the_data() {
    let e = experiment(32, 400);
    for kind in ChartKind::ALL.into_iter().filter(|kind| !AT_THE_END.contains(kind)) {
        let mut seen = BTreeMap::new();
        for step in [0, 100, 400] {
            let history = fixtures::history(&e, step);
            seen.insert(kind.chart(&history, &e, Options::default()).summary(), step);
        }
        assert_eq!(seen.len(), 3, "{}: {seen:?}", kind.name());
    }
}

/// Cells of a CSV text, quotes understood.
fn parse(csv: &str) -> Vec<Vec<String>> {
    csv.lines()
        .map(|line| {
            let mut cells = vec![String::new()];
            let mut quoted = false;
            for c in line.chars() {
                match c {
                    '"' => quoted = !quoted,
                    ',' if !quoted => cells.push(String::new()),
                    c => cells.last_mut().expect("a first cell").push(c),
                }
            }
            cells
        })
        .collect()
}

#[test]
fn tables_are_rectangular_and_full_of_numbers() {
    for kind in ChartKind::ALL {
        let (history, draft) = if AT_THE_END.contains(&kind) { ended() } else { compared() };
        for (_, options) in options() {
            let rows = parse(&kind.chart(&history, &draft, options).csv());
            assert!(rows.len() > 3, "{}", kind.name());
            for row in &rows {
                assert_eq!(row.len(), rows[0].len(), "{}: {row:?}", kind.name());
            }
            let first = usize::from(kind == ChartKind::Bound || AT_THE_END.contains(&kind));
            for row in &rows[1..] {
                assert!(row[first].parse::<f64>().is_ok_and(f64::is_finite), "{}: {row:?}", kind.name());
            }
        }
    }
    let (history, draft) = compared();
    let rows = parse(&ChartKind::LossByPosition.chart(&history, &draft, Options::default()).csv());
    let bayes = rows[0].iter().position(|c| c.starts_with("exact Bayes")).expect("a column");
    assert_eq!(rows[2][bayes].parse::<f64>(), Ok(0.9514));
    let samples = parse(&samples::strip(&history, Unit::Nats, ColourBy::Token).csv());
    assert_eq!(samples.len(), 1 + 3 * 32);
    assert!(samples.iter().all(|row| row.len() == 7));
}

#[test]
fn extreme_shapes_draw() {
    let view = View::new(640.0, 300.0, Theme::light());
    for length in [2, 3, 1024] {
        let e = experiment(length, 1_000_000);
        let mut history = History::new(&e);
        fixtures::extend(&mut history, length, 60);
        for block in 0..100 {
            history.apply(&fixtures::frame(61 + block * 9999, vec![0.9; 9999]));
        }
        for (_, options) in options() {
            for kind in ChartKind::ALL {
                let chart = kind.chart(&history, &e, options.clone());
                sound(&chart.svg(&view), kind.name());
                chart.csv();
            }
        }
    }
    // A process without any surprise, sizes without any room, and a curve shorter than T.
    let mut e = experiment(16, 1);
    e.world = WorldSpec::named(WorldKind::named("coins").expect("a world"));
    let mut history = History::new(&e);
    let mut flat = fixtures::theory(4);
    for curve in [&mut flat.bayes, &mut flat.oracle, &mut flat.unigram] {
        curve.values.fill(0.0);
    }
    flat.entropy_rate = 0.0;
    flat.training_level = 0.0;
    history.apply(&Event::Theory(flat));
    history.apply(&fixtures::frame(1, vec![0.0]));
    for (width, height) in [(640.0, 300.0), (1.0, 1.0), (0.0, 0.0), (60.0, 4000.0)] {
        for (_, options) in options() {
            for kind in ChartKind::ALL {
                let chart = kind.chart(&history, &e, options.clone());
                let view = View::new(width, height, Theme::dark());
                sound(&chart.svg(&view), kind.name());
                for cursor in [-1.0, 0.0, 1.0, 7.5, 1e9, f64::NAN] {
                    chart.readout(&view, cursor);
                }
            }
        }
    }
}

#[test]
fn the_axes_stand_still_while_the_model_falls() {
    let e = experiment(32, 400);
    let view = View::new(900.0, 400.0, Theme::light());
    let key = |step: usize, kind: ChartKind| {
        let history = fixtures::history(&e, step);
        kind.chart(&history, &e, Options::default()).scene(&view).axes_key()
    };
    for kind in [ChartKind::LossByPosition, ChartKind::TrainingLoss] {
        assert_eq!(key(100, kind), key(400, kind), "{}", kind.name());
    }
}

#[test]
fn every_preset_starts_without_data() {
    let view = View::new(500.0, 300.0, Theme::light());
    for preset in experiment::preset::PRESETS {
        let e = Preset::named(preset.name).expect("a preset").experiment();
        let history = History::new(&e);
        for kind in ChartKind::ALL {
            sound(&kind.chart(&history, &e, Options::default()).svg(&view), preset.name);
        }
    }
}

#[test]
fn sampled_sequences_are_named_and_coloured() {
    let e = experiment(32, 400);
    let history = fixtures::history(&e, 100);
    let empty = samples::strip(&History::new(&e), Unit::Nats, ColourBy::Token);
    assert!(empty.rows.is_empty() && empty.summary().contains("first evaluation"), "{}", empty.summary());
    let view = View::new(900.0, 300.0, Theme::light());
    for by in ColourBy::ALL {
        let strip = samples::strip(&history, Unit::Nats, by);
        assert_eq!((strip.rows.len(), strip.tokens.len()), (3, 5));
        let readout = strip.readout(&view, 1.0).expect("a token").text();
        let wanted = "position 2: Dursley; model surprise 0.900 nats; exact Bayes surprise 0.800 nats; model less exact Bayes 0.1";
        assert!(readout.contains(wanted), "{readout}");
        assert_ne!(strip.rows[0].topic, strip.rows[1].topic);
        assert_eq!(strip.rows[0].topic, strip.rows[2].topic);
        sound(&strip.svg(&view), "samples");
    }
}

fn baseline(name: &str, level: f64) -> Baseline {
    Baseline {
        name: name.into(),
        about: format!("What {name} would do."),
        curve: Curve { values: vec![level; 32], stderr: Some(vec![0.01; 32]), methods: vec![Method::MonteCarlo; 32] },
        squared_error: vec![2.0 * level; 32],
    }
}

/// A run whose theory has baselines and squared errors.
fn with_baselines(adaptive: bool) -> (History, Experiment) {
    let e = experiment(32, 400);
    let mut history = fixtures::history(&e, 400);
    let baselines = ["retrieval", "uni-inf", "bi-ret", "copy"];
    let baselines = baselines.iter().enumerate().map(|(i, name)| baseline(name, 1.0 + 0.1 * i as f64)).collect();
    let squared_error = vec![0.5; 32];
    history.apply(&Event::Theory(Theory { adaptive, baselines, squared_error, ..fixtures::theory(32) }));
    let evaluation = Evaluation { squared_error: vec![0.625; 32], ..fixtures::evaluation(400, 0.01) };
    history.apply(&Event::Evaluation(evaluation));
    (history, e)
}

#[test]
fn baselines_are_drawn_when_they_are_asked_for() {
    let (history, e) = with_baselines(false);
    let view = View::new(900.0, 400.0, Theme::light());
    let draw = |names: &[&str]| {
        let compare = names.iter().map(ToString::to_string).collect();
        let options = Options { compare, ..Options::default() };
        let chart = ChartKind::LossByPosition.chart(&history, &e, options);
        (chart.svg(&view), chart.csv(), chart.readout(&view, 3.0).expect("a read-out"))
    };
    let (svg, csv, readout) = draw(&[]);
    assert!(!svg.contains("copy") && !csv.contains("copy") && readout.lines.iter().all(|l| l.name != "copy"));
    // One name is of another world.
    let (svg, csv, readout) = draw(&["retrieval", "bi-ret", "copy", "OLS"]);
    sound(&svg, "baselines");
    for name in ["retrieval", "bi-ret", "copy"] {
        let line = readout.lines.iter().find(|l| l.name == name).expect(name);
        assert!(line.how.contains("What") && line.how.contains("Monte Carlo"), "{}", line.how);
        assert!(svg.contains(name) && csv.contains(&format!("\"{name} (nats)\"")), "{name}");
    }
    assert!(!svg.contains("uni-inf"));
    for theme in [Theme::light(), Theme::dark()] {
        for log_log in [false, true] {
            let compare = ["retrieval", "uni-inf", "bi-ret", "copy"].map(String::from).to_vec();
            let options = Options { compare, log_log, ..Options::default() };
            let chart = ChartKind::LossByPosition.chart(&history, &e, options);
            let svg = chart.svg(&View::new(358.0, 280.0, theme));
            sound(&svg.replace("uni-inf", ""), "baselines on a phone");
        }
    }
}

#[test]
fn squared_errors_take_the_place_of_losses_where_there_are_any() {
    let (history, e) = with_baselines(false);
    let view = View::new(900.0, 400.0, Theme::light());
    let options =
        Options { compare: vec!["retrieval".into()], squared_error: true, unit: Unit::Bits, ..Options::default() };
    for log_log in [false, true] {
        let chart = ChartKind::LossByPosition.chart(&history, &e, Options { log_log, ..options.clone() });
        sound(&chart.svg(&view), "squared errors");
        assert_eq!(chart.title(), "Squared error by position");
        let rows = parse(&chart.csv());
        assert_eq!(
            rows[0],
            ["position", "retrieval (squared error)", "model (squared error)", "exact Bayes (squared error)"]
        );
        assert_eq!(rows[1], ["1", "2", "0.625", "0.5"]);
        assert_eq!(chart.readout(&view, 1.0).expect("a read-out").lines.len(), 3);
    }
    let plain = fixtures::history(&e, 400);
    assert_eq!(ChartKind::LossByPosition.chart(&plain, &e, options).title(), "Loss by position");
}

#[test]
fn what_is_no_bound_is_not_called_one() {
    let (mut history, e) = with_baselines(true);
    assert_eq!(history.reference(), "ridge baseline");
    history.apply(&Event::Theory(Theory { adaptive: true, ..fixtures::theory(32) }));
    let view = View::new(900.0, 400.0, Theme::light());
    for kind in [ChartKind::LossByPosition, ChartKind::TrainingLoss, ChartKind::Losses] {
        let chart = kind.chart(&history, &e, Options::default());
        let readout = chart.readout(&view, 3.0).expect("a read-out").text();
        let all = [chart.title(), chart.svg(&view), chart.summary(), readout, chart.csv()].join(" ");
        assert!(!all.contains("Bayes") && all.contains("n-gram baseline"), "{all}");
    }
    for ended in [false, true] {
        if ended {
            history.apply(&Event::Outcome(Box::new(fixtures::outcome())));
        }
        let chart = ChartKind::Bound.chart(&history, &e, Options::default());
        let readout = chart.readout(&view, 5.0).expect("the topic gap").text();
        let all = [chart.svg(&view), chart.summary(), readout, chart.csv()].join(" ");
        assert!(!all.contains("Bayes") && all.contains("above the baseline"), "{all}");
    }
    assert!(ChartKind::LossByPosition.chart(&history, &e, Options::default()).summary().contains("not a lower bound"));
    assert!(history.positions_below_bayes(0.0).is_empty());
}

#[test]
fn vectors_have_negative_losses_and_no_even_guess() {
    let mut e = experiment(32, 400);
    e.world = "lds".parse().expect("a world");
    let mut history = History::new(&e);
    let mut theory = fixtures::theory(32);
    for curve in [&mut theory.bayes, &mut theory.oracle, &mut theory.unigram] {
        curve.values.iter_mut().for_each(|v| *v -= 3.0);
    }
    theory.entropy_rate -= 3.0;
    theory.training_level -= 3.0;
    history.apply(&Event::Theory(theory));
    history.apply(&fixtures::frame(1, (1..=400).map(|s| fixtures::training_loss(s) - 3.0).collect()));
    let mut evaluation = fixtures::evaluation(400, 0.01);
    evaluation.model.iter_mut().for_each(|v| *v -= 3.0);
    history.apply(&Event::Evaluation(evaluation));
    let view = View::new(900.0, 400.0, Theme::light());
    for (_, options) in options() {
        let chart = ChartKind::LossByPosition.chart(&history, &e, options.clone());
        sound(&chart.svg(&view), "loss by position");
        assert!(chart.svg(&view).contains("per vector"));
        let chart = ChartKind::TrainingLoss.chart(&history, &e, options);
        sound(&chart.svg(&view), "training loss");
        assert!(chart.svg(&view).contains("per vector") && !chart.svg(&view).contains("uniform"));
        assert!(chart.readout(&view, 20.0).expect("data").lines.iter().all(|l| !l.name.contains("uniform")));
        for row in &parse(&chart.csv())[1..] {
            assert_eq!(row.last().map(String::as_str), Some(""));
        }
    }
    let chart = ChartKind::LossByPosition.chart(&history, &e, Options::default());
    let readout = chart.readout(&view, 32.0).expect("data");
    assert!(
        readout.lines.iter().any(|l| l.name == "model" && (l.value.starts_with('-') || l.value.starts_with('−'))),
        "{readout:?}"
    );
}

#[test]
fn a_finished_run_measures_the_gaps_and_says_where_they_are_not_precise() {
    let (mut history, e) = ended();
    let view = View::new(900.0, 400.0, Theme::light());
    let chart = ChartKind::Bound.chart(&history, &e, Options::default());
    let svg = chart.svg(&view);
    // KLs 1.9/(2·.02²) and .6/(2·.02²).
    assert!(
        svg.contains("KL(μ‖ν_topic) = 2,375, KL(μ‖ν_data) = 750 nats at") && svg.contains("s = 0.02 from the grid")
    );
    // 6% of the one gap, 1.4% of the other.
    assert!(svg.contains("0.0190 ± 0.0012 (not yet within 2%)<") && svg.contains("0.0760 ± 0.0011<"), "{svg}");
    let readout = chart.readout(&view, 6.0).expect("the sequence gap");
    assert!(
        readout.text().contains("over 4,096 sequences")
            && readout.text().contains("6.32% of the gap is standard error"),
        "{readout:?}"
    );
    assert!(chart.summary().contains("sequence gap 0.0190 ± 0.0012 (not yet within 2%)"), "{}", chart.summary());

    // A slider in the settings acts at once.
    let mut moved = e.clone();
    moved.bound.scale = 0.1;
    let summary = ChartKind::Bound.chart(&history, &moved, Options::default()).summary();
    let kl = "KL(μ‖ν_topic) = 95.0, KL(μ‖ν_data) = 30.0 nats at the run's end; s = 0.1 as set";
    assert!(summary.contains(kl), "{summary}");

    drop(chart);
    // A new start forgets the outcome.
    history.reset_for(&e);
    assert!(history.outcome().is_none());
}

#[test]
fn the_bound_is_read_with_its_reservations() {
    let (mut history, e) = ended();
    let summary_of =
        |history: &History, e: &Experiment| ChartKind::Bound.chart(history, e, Options::default()).summary();
    let summary = summary_of(&history, &e);
    let lay = "These terms hide constants: compare how they move, not how large they are.";
    assert!(summary.find(lay) < summary.find("KL(μ‖ν_topic) ="), "{summary}");
    assert!(summary.contains("One slide divides U by T; that form is not confirmed"), "{summary}");
    // 0.0051 is a quarter of the one gap and a fifteenth of the other.
    assert!(summary.contains("the noise costs 0.00510 nats, over a tenth of the sequence gap."), "{summary}");
    // The model under noise stands beside the model without.
    assert!(summary.contains("E_μ[L(θ)] 0.1324 ± 0.0012, without noise 0.127"), "{summary}");
    assert!(summary.contains("E_μ[L(θ,W_pre)] 0.0556 ± 0.0011, without noise 0.0510"), "{summary}");
    let view = View::new(900.0, 400.0, Theme::light());
    let chart = ChartKind::Bound.chart(&history, &e, Options::default());
    let readout = chart.readout(&view, 6.0).expect("the sequence gap");
    assert!(readout.text().contains("more than a tenth of this gap"), "{readout:?}");
    // On a phone notes leave room for the rows: no two rows' names are nearer than their height.
    let phone = View::new(358.0, 280.0, Theme::light());
    let ys: Vec<f64> = (0..9).map(|row| chart.readout(&phone, f64::from(row)).expect("a row").rule[0].1).collect();
    assert!(ys.windows(2).all(|pair| pair[1] - pair[0] > 12.0), "{ys:?}");
    assert!(chart.svg(&phone).contains("These terms hide constants"));
    let readout = chart.readout(&view, 5.0).expect("the topic gap");
    assert!(!readout.text().contains("more than a tenth"), "{readout:?}");
    assert!(readout.text().contains("under noise") && readout.text().contains("0.0768 ± 0.0012"), "{readout:?}");

    drop(chart);
    let mut outcome = fixtures::outcome();
    outcome.randomised.as_mut().expect("measured").rise.value = 0.0018;
    history.apply(&Event::Outcome(Box::new(outcome.clone())));
    assert!(!summary_of(&history, &e).contains("the noise costs"));
    outcome.randomised = None;
    history.apply(&Event::Outcome(Box::new(outcome)));
    assert!(!summary_of(&history, &e).contains("E_μ"));

    let mut plain = e.clone();
    plain.prior.steps = 0;
    let mut history = History::new(&plain);
    history.apply(&Event::Outcome(Box::new(fixtures::outcome())));
    assert!(summary_of(&history, &plain).contains("has seen nothing, so K′ = N′ = 0"));
}

#[test]
fn what_is_below_zero_is_not_drawn_above_it() {
    let (mut history, e) = ended();
    let mut outcome = fixtures::outcome();
    // Large beside the terms, so that it shows on their axis.
    (outcome.sequence_gap.value, outcome.sequence_gap.stderr) = (-40.0, 30.0);
    outcome.randomised = None;
    history.apply(&Event::Outcome(Box::new(outcome)));
    let view = View::new(900.0, 400.0, Theme::light());
    // The last row's bar and the lines of its error.
    let drawn = |linear_bound| {
        let scene = ChartKind::Bound.chart(&history, &e, Options { linear_bound, ..Options::default() }).scene(&view);
        let words = scene.series.iter().rev().find_map(|mark| match mark {
            scene::Mark::Box { from, to, .. } => Some((from.1 + to.1) / 2.0),
            _ => None,
        });
        let y = words.expect("the ground of the last row's words");
        let middle = |a: f64, b: f64| ((a + b) / 2.0 - y).abs() < 0.1;
        let bars: Vec<(f64, f64)> = scene
            .series
            .iter()
            .filter_map(|mark| match mark {
                scene::Mark::Box { from, to, .. } if middle(from.1, to.1) => Some((from.0, to.0)),
                _ => None,
            })
            .collect();
        let errors = scene
            .series
            .iter()
            .filter(
                |mark| matches!(mark, scene::Mark::Line { points, .. } if points.iter().all(|p| (p.1 - y).abs() < 0.1)),
            )
            .count();
        (bars, errors)
    };
    // On a log axis: the ground of the words alone, and the words say why.
    let (bars, errors) = drawn(false);
    assert_eq!((bars.len(), errors), (1, 0), "{bars:?}");
    let summary = ChartKind::Bound.chart(&history, &e, Options::default()).summary();
    assert!(summary.contains("sequence gap −40 ± 30 (not yet within 2%), below 0: no bar on a log axis"), "{summary}");
    // On a linear one it goes left of 0, where the first row's bar begins.
    let (bars, errors) = drawn(true);
    assert_eq!((bars.len(), errors), (2, 1), "{bars:?}");
    let options = Options { linear_bound: true, ..Options::default() };
    let scene = ChartKind::Bound.chart(&history, &e, options).scene(&view);
    let zero = scene.series.iter().find_map(|mark| match mark {
        scene::Mark::Box { from, .. } => Some(from.0),
        _ => None,
    });
    let zero = zero.expect("the topic term's bar");
    assert!(bars[0].0 < zero - 1.0 && (bars[0].1 - zero).abs() < 1e-6, "{bars:?} {zero}");
}

#[test]
fn the_stack_adds_up_on_a_linear_axis() {
    let (mut history, e) = ended();
    let mut outcome = fixtures::outcome();
    outcome.empirical.excess.value = 0.0;
    history.apply(&Event::Outcome(Box::new(outcome)));
    let view = View::new(900.0, 400.0, Theme::light());
    let options = Options { linear_bound: true, ..Options::default() };
    let scene = ChartKind::Bound.chart(&history, &e, options).scene(&view);
    let boxes: Vec<(f64, f64, f64)> = scene
        .series
        .iter()
        .filter_map(|mark| match mark {
            scene::Mark::Box { from, to, .. } => Some((from.0, to.0, (from.1 + to.1) / 2.0)),
            _ => None,
        })
        .collect();
    // Three terms, the stack's three parts, two gaps, two losses under noise; and the ground of each row's words.
    assert_eq!(boxes.len(), 10 + 9, "{boxes:?}");
    let width = |i: usize| boxes[i].1 - boxes[i].0;
    assert!((boxes[4].0 - boxes[3].1).abs() < 1e-9 && (boxes[5].0 - boxes[4].1).abs() < 1e-9);
    assert!((boxes[3].2 - boxes[5].2).abs() < 1e-9, "one row");
    assert!((width(0) - width(3)).abs() < 1e-6 && (width(1) - width(4)).abs() < 1e-6, "to scale");
}

#[test]
fn the_kl_chart_shows_the_grid_and_what_was_chosen() {
    let (history, e) = ended();
    let view = View::new(900.0, 400.0, Theme::light());
    let chart = ChartKind::Kl.chart(&history, &e, Options::default());
    let svg = chart.svg(&view);
    for text in ["s = 0.0084<", "s = 0.02<", "s = 0.0476<", ", chosen<", "allowed<", "an index, no KL"] {
        assert!(svg.contains(text), "{text}");
    }
    assert_eq!(svg.matches("chosen").count(), 1);
    assert!(chart.summary().contains("s = 0.02: the largest of 39 values that costs at most 0.005 nats"));
    let readout = chart.readout(&view, 6.0).expect("the path's row");
    assert!(readout.text().contains("0.00310") && readout.text().contains("16 measurements"), "{}", readout.text());
    assert!(!svg.contains("true KL"));

    let mut outcome = fixtures::outcome();
    outcome.paths.as_mut().expect("paths").is_kl = true;
    outcome.scales.clear();
    let mut history = History::new(&e);
    history.apply(&Event::Outcome(Box::new(outcome.clone())));
    let svg = ChartKind::Kl.chart(&history, &e, Options::default()).svg(&view);
    // Langevin's noise makes it one, for the data-dependent prior alone.
    assert_eq!(
        (svg.matches("a true KL").count(), svg.matches("KL 410;").count(), svg.matches("index 980;").count()),
        (1, 1, 1)
    );
    assert!(svg.contains("s = 0.02 was set"));
    outcome.paths = None;
    history.apply(&Event::Outcome(Box::new(outcome)));
    let chart = ChartKind::Kl.chart(&history, &e, Options::default());
    assert!(chart.svg(&view).contains("not measured"));
}

#[test]
fn the_certificate_says_whether_it_says_anything() {
    let (mut history, mut e) = ended();
    let view = View::new(900.0, 400.0, Theme::light());
    let chart = ChartKind::Certificate.chart(&history, &e, Options::default());
    let all = chart.svg(&view) + &chart.summary();
    assert!(
        all.contains(
            "Not vacuous: at most 1.40 with probability 0.95. Guessing by token frequencies (unigram) loses 1.45, guessing uniformly 1.61"
        ),
        "{all}"
    );
    // 3120 of 8192: 98 of 256 topics, 7 of 16 sequences.
    for words in [
        "below uniform from about n = 3,120 (for instance K = 98 or N = 7)",
        "below the unigram level from about n = 7,015 (for instance K = 220 or N = 14)",
        "(now n = 8,192 whole sequences)",
        "It holds only if K′, N′, a, δ and the grid of s were fixed before this data was seen",
    ] {
        assert!(all.contains(words), "{words}: {all}");
    }
    // Both levels are marked.
    let svg = chart.svg(&view);
    assert!(svg.contains("unigram<") && svg.contains("uniform, ln V<"), "{svg}");
    assert!(chart.readout(&view, 0.0).expect("a row").text().contains("half for the bound, shared by 39 scales"));

    drop(chart);
    let mut outcome = fixtures::outcome();
    // Between the levels: what counts tokens does better.
    if let Some(c) = &mut outcome.certificate {
        c.bound = 1.5;
    }
    history.apply(&Event::Outcome(Box::new(outcome.clone())));
    let summary = ChartKind::Certificate.chart(&history, &e, Options::default()).summary();
    assert!(summary.contains(" Below uniform, but it says less than counting tokens does: at most 1.50"), "{summary}");
    if let Some(c) = &mut outcome.certificate {
        (c.bound, c.sequences_needed) = (2.2, None);
    }
    history.apply(&Event::Outcome(Box::new(outcome.clone())));
    let summary = ChartKind::Certificate.chart(&history, &e, Options::default()).summary();
    assert!(summary.contains(" Vacuous: ") && summary.contains("no number of sequences"), "{summary}");

    outcome.certificate = None;
    history.apply(&Event::Outcome(Box::new(outcome)));
    let summary_of =
        |history: &History, e: &Experiment| ChartKind::Certificate.chart(history, e, Options::default()).summary();
    assert!(summary_of(&history, &e).contains("This run has none"));
    history = History::new(&e);
    assert!(summary_of(&history, &e).contains("computed at the run's end"));
    history = History::new(&Experiment::default());
    assert!(summary_of(&history, &e).contains("Restart to have it"));
    e.bound.certificate = false;
    assert!(summary_of(&history, &e).contains("Switch on Certificate"));
}

#[test]
fn prior_stages_are_marked_on_the_step_axis() {
    let (history, e) = ended();
    let view = View::new(900.0, 400.0, Theme::light());
    for kind in [ChartKind::TrainingLoss, ChartKind::Losses] {
        let chart = kind.chart(&history, &e, Options::default());
        let svg = chart.svg(&view);
        assert!(svg.contains("K′ topics<") && svg.contains("N′ of each<"), "{}", kind.name());
        let title = |step| chart.readout(&view, step).expect("data").title;
        assert_eq!(title(100.0), "Step 100, prior stage on K′ topics");
        assert_eq!(title(120.0), "Step 120, prior stage on N′ sequences of each topic");
        assert_eq!(title(220.0), "Step 220");
        // The axis spans all stages.
        assert_eq!(chart.cursor_moved(None, -1), Some(400.0));
    }
    let plain = fixtures::history(&experiment(32, 400), 400);
    assert!(!ChartKind::Losses.chart(&plain, &e, Options::default()).svg(&view).contains("K′ topics"));
}

#[test]
fn seen_and_unseen_topics_stand_side_by_side() {
    let (history, e) = ended();
    let view = View::new(900.0, 400.0, Theme::light());
    let options = Options { log_log: true, squared_error: true, ..Options::default() };
    let chart = ChartKind::Topics.chart(&history, &e, options);
    let svg = chart.svg(&view);
    for text in ["unseen<", "seen<", "exact Bayes<", "Bayes over K<", "position in the sequence<"] {
        assert!(svg.contains(text), "{text}");
    }
    let evaluation = history.evaluation().expect("one");
    let readout = chart.readout(&view, 3.0).expect("data");
    let line = |name: &str| readout.lines.iter().find(|l| l.name == name).cloned().expect(name);
    let shown = number::with_error(evaluation.seen_model[2], evaluation.seen_model_stderr[2]);
    assert_eq!(line("seen (model)").value, format!("{shown} nats"));
    assert_eq!(line("exact Bayes (P(w))").value, "0.1667 nats");
    assert_eq!(readout.lines.len(), 4);
    assert_eq!(parse(&chart.csv()).len(), 33);
}

/// What a moving slider costs, printed: `cargo test --release -- --nocapture the_bound_follows`.
#[test]
fn the_bound_follows_a_slider() {
    let (history, mut e) = ended();
    let view = View::new(600.0, 300.0, Theme::light());
    let start = std::time::Instant::now();
    let mut keys = std::collections::BTreeSet::new();
    for i in 0..1000 {
        e.bound.scale = 1e-3 * f64::from(i + 1);
        let chart = ChartKind::Bound.chart(&history, &e, Options::default());
        let scene = chart.scene(&view);
        let bars = scene.series.iter().filter(|mark| matches!(mark, scene::Mark::Box { .. })).count();
        assert!(bars > 5);
        keys.insert(chart.summary());
    }
    // The bracket outside the root shows every one of them.
    assert!(keys.len() > 500, "{}", keys.len());
    println!("one scene and summary of the bound: {:.1} microseconds", start.elapsed().as_secs_f64() * 1e3);
}

/// Where the model has reached Bayes, the one line must not hide the other.
#[test]
fn the_model_lies_below_bayes_and_is_wider() {
    let (history, e) = ended();
    let view = View::new(900.0, 400.0, Theme::light());
    for kind in [ChartKind::LossByPosition, ChartKind::TrainingLoss, ChartKind::Losses, ChartKind::Topics] {
        let scene = kind.chart(&history, &e, Options::default()).scene(&view);
        // On top of each other as drawn: the axes' layer lies below.
        let strokes: Vec<scene::Stroke> = scene
            .axes
            .iter()
            .chain(&scene.series)
            .filter_map(|mark| match mark {
                // Labels are led to by short lines of two points, half transparent; error bars are two points as well.
                scene::Mark::Line { points, stroke } if stroke.alpha == 1.0 && !upright(points) => Some(*stroke),
                _ => None,
            })
            .collect();
        let of = |colour: Rgb| {
            let own = strokes.iter().enumerate().filter(move |(_, s)| s.colour == colour);
            own.map(|(i, s)| (i, s.width)).collect::<Vec<_>>()
        };
        let (model, bayes) = (of(view.theme.model.line), of(view.theme.bayes.line));
        let retrieval = of(view.theme.retrieval.line);
        assert!(!model.is_empty() && !bayes.is_empty(), "{}", kind.name());
        for (place, width) in model {
            for (above, narrow) in bayes.iter().chain(&retrieval) {
                assert!(*above > place && *narrow + 1.0 <= width, "{}: {width} under {narrow}", kind.name());
            }
        }
    }
}

/// An error bar, or the mark of a step.
fn upright(points: &[(f64, f64)]) -> bool {
    points.windows(2).all(|w| w[0].0 == w[1].0)
}
