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
    let run = |(i, cell): (usize, &crate::experiment::sweep::Cell)| {
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

const ALL: [View; 11] = [
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
            let told = report(&sweep, &ALL, Some(0.3), &runs[..finished.min(runs.len())]);
            check(&told);
            assert!(text(&told).contains(if finished >= runs.len() { "All " } else { " of " }), "{grid}");
        }
        check(&report(&sweep, &usual_views(&sweep), None, &runs));
    }
}

#[test]
fn sentences_say_what_lowers_the_loss_and_what_does_not() {
    let sweep = sweep("data.topics=4,16,64; data.sequences=2,8; seed=1..5");
    let runs = runs(&sweep);
    let told = report(&sweep, &[View::Losses], None, &runs);
    let text = text(&told);
    assert!(text.contains("K from 4 to 64 lowers the two-level loss above Bayes: × 0."), "{text}");
    assert!(text.contains("(95% over 5 seeds, mean over 2 settings of the others)"), "{text}");
    assert!(text.contains("It falls in all 2 settings of the others."), "{text}");
    // Nothing changes with N where K is 16 or 64.
    assert!(text.contains("N from 2 to 8 lowers the two-level loss above Bayes: × 0.88 ["), "{text}");
    assert!(text.contains("By itself it falls beyond chance in 1 of 3 settings of the others."), "{text}");
    assert!(text.contains("No difference beyond chance at (K = 16), (K = 64)."), "{text}");
    assert!(text.contains("corrected for the 6 verdicts of this table (Holm)"), "{text}");
    let table = told.sections[1].tables().next().unwrap();
    assert_eq!((table.rows.len(), table.rows[0].cells[5].as_str()), (6, "falls"), "{table:?}");
    // Seeds are paired: their common noise is far larger than what N does at K = 4.
    let chart = told.sections[2].charts().next().unwrap();
    let svg = chart.svg(&Theme::light());
    let words = "data-key=\"data.topics=4 data.sequences=2 seed=1\"><title>N = 2, K = 4; two-level loss ";
    assert!(svg.contains(words) && svg.contains("mean of 5 runs (K = 4, N = 2)</title>"), "{svg}");
    let note = told.sections[2].blocks.iter().find_map(|b| if let Block::Note(text) = b { Some(text) } else { None });
    assert!(note.unwrap().contains("bars: 95% over seeds") && chart.chart.summary().contains("bars: 95%"), "{note:?}");
}

#[test]
fn few_seeds_and_negative_gaps_are_said() {
    for (grid, few) in [
        ("data.topics=4,16,64; seed=1..2", "There are 2 seeds only"),
        ("data.topics=4,16,64", "There is one seed only"),
    ] {
        let sweep = sweep(grid);
        let told = report(&sweep, &[View::Gaps, View::Fits, View::Ranks, View::Speed], None, &runs(&sweep));
        let words = text(&told);
        assert!(words.contains(few) && words.contains("too few for an interval"), "{words}");
        assert!(!words.contains("(95% over") && !words.contains("beyond chance"), "{words}");
        let table = told.sections[1].tables().next().unwrap();
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
    assert!(words.contains("K from 4 to 64 lowers the topic gap: −0.1"), "{words}");
}

/// The runs with more topics go further from their prior: their terms rise while the gaps fall, and the rate alone would have it right.
#[test]
fn a_kl_that_orders_worse_than_its_rate_is_told() {
    let sweep = sweep("data.topics=4,16,64; seed=1..8");
    let mut runs = runs(&sweep);
    for run in &mut runs {
        let k = run.coordinates[0].as_f64().unwrap();
        run.metrics.set("distance_topic", Some(Measured { value: k * k, stderr: 0.0 }));
    }
    let told = report(&sweep, &[View::Ranks], None, &runs);
    let words = text(&told);
    assert!(words.contains("The KL in the topic term spoils the order of pairs that the rate orders."), "{words}");
    assert!(words.contains("The KL in the sequence term changes nothing beyond chance on pairs that"), "{words}");
    assert!(words.contains("taken at one s = 0.100") && words.contains("The 3 verdicts are"), "{words}");
    let row = &told.sections[1].tables().next().unwrap().rows[0].cells;
    let expected = ["−1.00 in every seed", "1.00 in every seed", "–", "−2.00 in every seed"];
    assert_eq!(&row[2..6], &expected, "{row:?}");
}

/// With N both the gap and the distance fall, and the topic rate knows nothing of N: τ alone leaves these pairs out.
#[test]
fn a_kl_that_orders_what_its_rate_cannot_is_told() {
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
    let told = report(&sweep, &[View::Fits, View::Ranks], None, &runs(&sweep));
    let fits = told.sections[1].tables().next().unwrap();
    let gap = &fits.rows.iter().find(|row| row.cells[0] == "Topic gap").unwrap().cells;
    // 0.5/K and a little noise; the bound's term at fixed KL is K^(-1/2).
    assert!(gap[2].starts_with("0.9") && gap[3] == "0.50" && gap[5] == "3" && gap[6] == "3", "{gap:?}");
    let ranks = told.sections[2].tables().next().unwrap();
    assert_eq!(ranks.rows[0].cells[2], "1.00 in every seed");
}
