use super::*;
use crate::{
    experiment::{Data, Experiment},
    protocol::{Measured, Record},
    sweep::Metrics,
};

fn sweep(grid: &str) -> Sweep {
    let data = Data { topics: 16, sequences: 16, length: 32, fresh: false };
    let base = Experiment { data, world: "coins".parse().unwrap(), ..Experiment::default() };
    Sweep::parse_grid(base, grid).unwrap()
}

/// K lowers the loss; N does so only where K is 4; the seed adds some noise that all settings share, and some that they do not.
fn runs(sweep: &Sweep) -> Vec<Run> {
    let cells = sweep.cells().unwrap();
    let run = |(i, cell): (usize, &experiment::sweep::Cell)| {
        let e = &cell.experiment;
        let (k, n) = (e.data.topics as f64, e.data.sequences as f64);
        let own = 0.001 * ((i * 7) % 5) as f64;
        let loss = 2.0 / k + if k == 4.0 { 1.0 / n } else { 0.0 } + 0.05 * e.seed as f64 + own;
        let values = [
            ("two_level", loss, 0.01),
            ("two_level_excess", loss, 0.01),
            ("topic_gap", 0.5 / k + own, 0.01),
            ("sequence_gap", 1.0 / (k * n), 0.001),
            // The same KLs of 200 and 50 everywhere, at an s of .1.
            ("topic_rate", 1.0 / k.sqrt(), 0.0),
            ("sequence_rate", 1.0 / (k * n).sqrt(), 0.0),
            ("topic_term", 203.0 / k.sqrt(), 0.0),
            ("sequence_term", 53.0 / (k * n).sqrt(), 0.0),
            ("confidence_term", (3.0 / (k * n)).sqrt(), 0.0),
            ("bound", 203.0 / k.sqrt() + (53.0 + 3f64.sqrt()) / (k * n).sqrt(), 0.0),
            ("distance_topic", 4.0, 0.0),
            ("distance_data", 1.0, 0.0),
            ("scale", 0.1, 0.0),
            ("mean_training_loss", 1.0 + loss, 0.0),
            ("steps", 300.0, 0.0),
            ("steps_own", 200.0, 0.0),
            ("steps_to_level", 150.0 + 1000.0 * own, 1.0),
            ("steps_to_level_own", 50.0 + 1000.0 * own, 1.0),
        ];
        // With five digits, as they are recorded.
        let values = values.map(|(name, value, stderr)| (name, five_digits(value), stderr));
        let loss = five_digits(loss);
        let record = Record { step: vec![0, 100, 300], two_level: vec![1.0, 0.75, loss], ..Record::default() };
        Run { key: cell.key.clone(), coordinates: cell.coordinates.clone(), metrics: Metrics::with(&values), record }
    };
    cells.iter().enumerate().map(run).collect()
}

fn five_digits(x: f64) -> f64 {
    format!("{x:.4e}").parse().unwrap()
}

const ALL: [View; 13] = [
    View::Components,
    View::Events,
    View::Losses,
    View::Gaps,
    View::Metric("two_level_excess"),
    View::Fits,
    View::Ranks,
    View::Steps,
    View::Speed,
    View::Level,
    View::Spread,
    View::Phases,
    View::Metric("no such metric"),
];

fn check(report: &Report) {
    for drawn in report.charts() {
        let svg = drawn.svg(&Theme::light());
        assert!(svg.starts_with("<svg xmlns=") && svg.trim_end().ends_with("</svg>"), "{svg}");
        assert!(svg.contains("data-key=") && !svg.contains("NaN") && !svg.contains("inf"), "{}: {svg}", drawn.id);
        assert_eq!(svg.matches("<g").count(), svg.matches("</g>").count(), "{}", drawn.id);
        let same = report.charts().filter(|other| other.id == drawn.id).count();
        assert_eq!((same, drawn.chart.csv().lines().count() > 1), (1, true), "{}", drawn.id);
    }
    for (i, a) in report.sections.iter().enumerate() {
        assert!(report.sections[..i].iter().all(|b| a.title != b.title), "{}", a.title);
    }
}

fn text(report: &Report) -> String {
    report.sections.iter().flat_map(Section::paragraphs).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_view_of_every_number_of_axes_is_sound() {
    for grid in [
        "seed=1..3",
        "data.topics=4",
        "data.topics=4,16,64",
        "data.topics=4,16,64; seed=1..3",
        "net.mlp=none,gelu; seed=1..2",
        "data.topics=4,16; data.sequences=2,8; seed=1..2",
        "data.topics=4,16; data.sequences=2,8; data.length=8,16; seed=1..2",
        "data.topics=4,16; data.sequences=2,8; data.length=8,16; net.width=8,16",
        "data.topics=4,16; hold=data.sequences",
    ] {
        let sweep = sweep(grid);
        let runs = runs(&sweep);
        for finished in [0, 1, 2, runs.len() / 2, runs.len()] {
            let built = report(&sweep, &ALL, Some(0.3), &runs[..finished.min(runs.len())]);
            check(&built);
            assert!(text(&built).contains(if finished >= runs.len() { "All " } else { " of " }), "{grid}");
        }
        check(&report(&sweep, &usual_views(&sweep), None, &runs));
    }
}

#[test]
fn sentences_say_what_lowers_the_loss_and_what_does_not() {
    let sweep = sweep("data.topics=4,16,64; data.sequences=2,8; seed=1..5");
    let runs = runs(&sweep);
    let built = report(&sweep, &[View::Losses], None, &runs);
    let text = text(&built);
    assert!(
        text.contains("K from 4 to 64 lowers the two-level loss above Bayes. Paired by seed: factor × 0."),
        "{text}"
    );
    assert!(text.contains("] over 5 seeds (95%, mean over 2 settings of the others)."), "{text}");
    assert!(text.contains("It falls in all 2 settings of the others."), "{text}");
    // Nothing changes with N where K is 16 or 64.
    assert!(
        text.contains("N from 2 to 8 lowers the two-level loss above Bayes. Paired by seed: factor × 0.88 ["),
        "{text}"
    );
    assert!(text.contains("By itself it falls beyond chance in 1 of 3 settings of the others."), "{text}");
    assert!(text.contains("No difference beyond chance at (K = 16), (K = 64)."), "{text}");
    assert!(text.contains("corrected for the 6 verdicts of this table (Holm)"), "{text}");
    let table = built.sections[1].tables().next().unwrap();
    assert_eq!((table.rows.len(), table.rows[0].cells[5].as_str()), (6, "falls"), "{table:?}");
    // Seeds are paired: their common noise is far larger than what N does at K = 4.
    let chart = built.sections[2].charts().next().unwrap();
    let svg = chart.svg(&Theme::light());
    let words = "data-key=\"data.topics=4 data.sequences=2 seed=1\"><title>N = 2, K = 4; two-level loss ";
    assert!(svg.contains(words) && svg.contains("mean of 5 runs (K = 4, N = 2)</title>"), "{svg}");
    let note = built.sections[2].blocks.iter().find_map(|b| if let Block::Note(text) = b { Some(text) } else { None });
    assert!(note.unwrap().contains("bars: 95% over seeds") && chart.chart.summary().contains("bars: 95%"), "{note:?}");
}

#[test]
fn few_seeds_and_negative_gaps_are_said() {
    for (grid, few, paired) in [
        ("data.topics=4,16,64; seed=1..2", "There are 2 seeds only", " over 2 seeds; an interval takes 3 or more."),
        ("data.topics=4,16,64", "There is one seed only", ", of one seed, so without an interval."),
    ] {
        let sweep = sweep(grid);
        let built = report(&sweep, &[View::Gaps, View::Fits, View::Ranks, View::Speed], None, &runs(&sweep));
        let words = text(&built);
        assert!(words.contains(few) && words.contains(paired), "{words}");
        assert!(!words.contains("(95%") && !words.contains("beyond chance"), "{words}");
        let table = built.sections[1].tables().next().unwrap();
        assert!(
            table.rows.iter().all(|row| row.cells[5] == "too few seeds" && !row.cells[2].contains('[')),
            "{table:?}"
        );
    }
    let sweep = sweep("data.topics=4,16,64; seed=1..3");
    let mut runs = runs(&sweep);
    runs[8].metrics.set("topic_gap", Some(Measured { value: -0.001, stderr: 0.01 }));
    let words = text(&report(&sweep, &[View::Gaps], None, &runs));
    assert!(words.contains("The topic gap is not above 0 in 1 of 9 runs: its change is a plain difference"), "{words}");
    assert!(words.contains("K from 4 to 64 lowers the topic gap. Paired by seed: difference −0.1"), "{words}");
}

/// Words have no order: each is compared with the first, seed by seed.
#[test]
fn words_are_compared_with_the_first_of_them() {
    let sweep = sweep("net.architecture=transformer,gru,lstm; data.fresh=false; seed=1..8");
    let mut runs = runs(&sweep);
    for (i, run) in runs.iter_mut().enumerate() {
        let (net, seed) = (run.coordinates[0].as_str().unwrap(), run.coordinates[2].as_f64().unwrap());
        let higher = if net == "gru" { 0.2 } else { 0.0 };
        // What a seed does to all nets is far larger than what a net does.
        let excess = 5.0 * seed + higher + 0.001 * ((i * 7) % 5) as f64;
        run.metrics.set("two_level_excess", Some(Measured { value: excess - 10.0, stderr: 0.01 }));
    }
    let built = report(&sweep, &[View::Losses], None, &runs);
    let words = text(&built);
    let gru = "architecture gru instead of transformer does not lower the two-level loss above Bayes; it raises it. Paired by seed: difference 0.1998 [0.19";
    assert!(words.contains(gru) && words.contains("] nats per token over 8 seeds (95%)."), "{words}");
    assert!(words.contains("architecture lstm instead of transformer makes no difference to the two-level"), "{words}");
    let table = built.sections[1].tables().next().unwrap();
    assert!(table.rows.iter().any(|row| row.cells[1] == "architecture gru against transformer"), "{table:?}");
}

#[test]
fn components_and_events_have_sections_where_they_were_measured() {
    let mixture = r#"{"mixture": [{"weight": 1, "world": "coin:p=0.2"}, {"weight": 3, "world": "coins"}]}"#;
    let mut base = Experiment { world: mixture.parse().unwrap(), ..Experiment::default() };
    (base.evaluation.components, base.evaluation.events) = (true, true);
    let sweep = Sweep::parse_grid(base, "world.mixture.0.weight=1, 4; training.steps=100,400; seed=1..3").unwrap();
    let mut runs = runs(&sweep);
    for run in &mut runs {
        let [weight, steps, seed] = [0, 1, 2].map(|i| run.coordinates[i].as_f64().unwrap());
        run.metrics.set("component_0_excess", Some(Measured { value: (0.1 + 0.001 * seed) / weight, stderr: 0.01 }));
        run.metrics.set("component_1_excess", Some(Measured { value: -0.05, stderr: 0.01 }));
        run.metrics.set("learned_never_before", Some(Measured { value: 10.0 * weight + seed, stderr: 0.0 }));
        // Only the longer runs come so far, and of those one does not.
        if steps == 400.0 && (weight, seed) != (4.0, 3.0) {
            run.metrics.set("learned_once_before", Some(Measured { value: 200.0 + seed, stderr: 0.0 }));
        }
    }
    let built = report(&sweep, &usual_views(&sweep), None, &runs);
    check(&built);
    let words = text(&built);
    let named = "component 0 is coin:p=0.2, of weight 1; component 1 is coins, of weight 3";
    assert!(words.contains("exact Bayes, who knows the mixture") && words.contains(named), "{words}");
    let weight = "weight of component 0 from 1 to 4 lowers the loss above Bayes on component 0. Paired by seed: difference −0.07";
    assert!(words.contains(weight), "{words}");
    let section = built.sections.iter().find(|s| s.title == "Steps to learn each event").unwrap();
    assert!(section.paragraphs().any(|p| p.contains("stays below 10% of what it was at first")), "{words}");
    assert!(section.paragraphs().any(|p| p.contains("A run that has not learned an event")), "{words}");
    let table = section.tables().next().unwrap();
    assert_eq!(table.heads, ["setting", "never before", "once before"]);
    let cells: Vec<&str> = table.rows.iter().map(|row| row.cells[2].as_str()).collect();
    assert!(cells[0] == "not learned (0 of 3 runs)" && cells[1].ends_with("(3 of 3 runs)"), "{cells:?}");
    assert!(cells[3].ends_with("(2 of 3 runs)"), "{cells:?}");
    // None where nothing was asked for.
    let plain = Sweep { base: Experiment { evaluation: Default::default(), ..sweep.base.clone() }, ..sweep };
    assert!(!usual_views(&plain).iter().any(|view| matches!(view, View::Components | View::Events)));
}

/// The runs with more topics go further from their prior: their terms rise while the gaps fall, and the rate alone would have it right.
#[test]
fn a_kl_that_orders_worse_than_its_rate_is_reported() {
    let sweep = sweep("data.topics=4,16,64; seed=1..8");
    let mut runs = runs(&sweep);
    for run in &mut runs {
        let k = run.coordinates[0].as_f64().unwrap();
        run.metrics.set("distance_topic", Some(Measured { value: k * k, stderr: 0.0 }));
    }
    let built = report(&sweep, &[View::Ranks], None, &runs);
    let words = text(&built);
    assert!(words.contains("The KL in the topic term spoils the order of pairs that the rate orders."), "{words}");
    assert!(words.contains("The KL in the sequence term changes nothing beyond chance on pairs that"), "{words}");
    assert!(words.contains("taken at one s = 0.100") && words.contains("The 3 verdicts are"), "{words}");
    let row = &built.sections[1].tables().next().unwrap().rows[0].cells;
    let expected = ["−1.00 in every seed", "1.00 in every seed", "–", "−2.00 in every seed"];
    assert_eq!(&row[2..6], &expected, "{row:?}");
}

/// With N both the gap and the distance fall, and the topic rate knows nothing of N: τ alone leaves these pairs out.
#[test]
fn a_kl_that_orders_what_its_rate_cannot_is_reported() {
    let sweep = sweep("data.topics=4,64; data.sequences=2,4,8; seed=1..8");
    let mut runs = runs(&sweep);
    for run in &mut runs {
        let (k, n) = (run.coordinates[0].as_f64().unwrap(), run.coordinates[1].as_f64().unwrap());
        run.metrics.set("distance_topic", Some(Measured { value: 4.0 + 0.1 / n, stderr: 0.0 }));
        run.metrics.set("topic_gap", Some(Measured { value: 1.0 / k + 0.01 / n, stderr: 0.0 }));
    }
    let words = text(&report(&sweep, &[View::Ranks], None, &runs));
    let expected = "The KL in the topic term orders pairs of the same rate as the gap does, and changes nothing beyond chance on pairs that the rate orders.";
    assert!(words.contains(expected), "{words}");
}

#[test]
fn speed_is_not_told_apart_from_under_training() {
    let sweep = sweep("training.learning_rate=0.001,0.003,0.01; seed=1..3");
    let words = text(&report(&sweep, &[View::Speed], None, &runs(&sweep)));
    assert!(words.contains("Whether speed matters among runs with the same empirical loss is not shown."), "{words}");
}

#[test]
fn recorded_runs_give_the_same_pictures() {
    let sweep = sweep("data.topics=4,16; data.sequences=2,8; seed=1..2");
    let live = runs(&sweep);
    let recorded: Vec<Run> = live
        .iter()
        .map(|run| {
            let text = run.to_value(true).to_string();
            Run::from_value(run.key.clone(), &serde_json::from_str(&text).unwrap()).unwrap()
        })
        .collect();
    let html = |runs| report(&sweep, &ALL, Some(0.3), runs).html(&Theme::light());
    assert!(html(&recorded[..]) == html(&live[..]));
}

#[test]
fn fits_and_ranks_are_tables() {
    let sweep = sweep("data.topics=4,16,64; seed=1..3");
    let built = report(&sweep, &[View::Fits, View::Ranks], None, &runs(&sweep));
    let fits = built.sections[1].tables().next().unwrap();
    let gap = &fits.rows.iter().find(|row| row.cells[0] == "Topic gap").unwrap().cells;
    // 0.5/K and a little noise; the bound's term at fixed KL is K^(-1/2).
    assert!(gap[2].starts_with("0.9") && gap[3] == "0.50" && gap[5] == "3" && gap[6] == "3", "{gap:?}");
    let ranks = built.sections[2].tables().next().unwrap();
    assert_eq!(ranks.rows[0].cells[2], "1.00 in every seed");
}
