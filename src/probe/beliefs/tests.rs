use charts::{
    chart::{Chart, View},
    report,
    theme::Theme,
};

use super::*;
use crate::{
    number,
    probe::{self, Activations, Probe, RunRecord, Scope, testing::Run},
    world::Rows,
};

fn mess3() -> Run {
    Run::new("mess3:x=0.05,a=0.85", |experiment| experiment.data.length = 16)
}

/// A stream that holds the belief as a linear image, turned and shifted, in its second layer and only the position in its first.
fn activations(tab: &BeliefsProbe) -> Activations {
    let cells = tab.rows.len();
    let position = |cell: usize| [(cell % tab.length) as f32, 1.0, 0.0, 0.0];
    let image = |cell: usize| {
        let b = &tab.target(cell)[..3];
        [2.0 * b[0] - b[1] + 5.0, b[1] + b[2], 0.1 * b[0] - 3.0 * b[2], b[2]].map(|v| v as f32)
    };
    let layer = |of: &dyn Fn(usize) -> [f32; 4]| (0..cells).flat_map(of).collect::<Vec<f32>>();
    Activations {
        residual: vec![("embedding".into(), layer(&position)), ("output".into(), layer(&image))],
        ..Activations::default()
    }
}

/// Measures, and gives the page what was measured; whether there was anything.
fn take(tab: &mut BeliefsProbe, view: &mut Beliefs, request: usize, step: usize, activations: Activations) -> bool {
    match tab.measure(request, step, activations) {
        Some(probe::Measurement::Beliefs(measured)) => {
            view.add(measured);
            true
        }
        _ => false,
    }
}

/// The whole tab as a file holds it.
fn html(view: &Beliefs, record: &RunRecord, shown: usize, choice: Choice) -> String {
    report::html(&view.blocks(record, shown, choice), &Theme::light())
}

const FIRST: Choice = Choice { layer: None };

#[test]
fn beliefs_are_those_of_the_exact_filter() {
    let run = mess3();
    let (tab, _) = open(&run.setting()).unwrap();
    let Rows::Tokens(tokens) = tab.rows.as_ref() else { panic!("tokens") };
    // Before the first token each state is as likely; afterwards by Bayes' rule, by hand: the token is the state that was entered
    // with probability .85, and states are kept with probability .9.
    assert!(tab.target(0)[..3].iter().all(|p| (p - 1.0 / 3.0).abs() < 1e-12));
    let x = usize::from(tokens[0]);
    for (k, p) in tab.target(1)[..3].iter().enumerate() {
        let expected = if k == x { 0.85 } else { 0.075 };
        assert!((p - expected).abs() < 1e-12, "{p}");
    }
    let predicted: Vec<f64> =
        (0..3).map(|j| (0..3).map(|i| tab.target(1)[i] * if i == j { 0.9 } else { 0.05 }).sum()).collect();
    let y = usize::from(tokens[1]);
    let weighed: Vec<f64> = (0..3).map(|j| predicted[j] * if j == y { 0.85 } else { 0.075 }).collect();
    let total: f64 = weighed.iter().sum();
    (0..3).for_each(|j| assert!((tab.target(2)[j] - weighed[j] / total).abs() < 1e-12));
    // The next sequence begins anew.
    assert!((tab.target(tab.length)[0] - 1.0 / 3.0).abs() < 1e-12);
    // Permuted: the same beliefs, elsewhere.
    let column = |from: usize| {
        let mut all: Vec<f64> = (0..tokens.len()).map(|cell| tab.target(cell)[from]).collect();
        all.sort_by(f64::total_cmp);
        all
    };
    assert_eq!(column(0), column(3));
    assert!((0..tokens.len()).any(|cell| tab.target(cell)[0] != tab.target(cell)[3]));
}

#[test]
fn a_linear_image_is_found_and_nothing_else() {
    let run = mess3();
    let record = run.record(&[0, 8]);
    let (mut tab, mut view) = open(&run.setting()).unwrap();
    assert!(html(&view, &record, 8, FIRST).contains("appears when"));
    let requests = tab.requests();
    assert!(requests.len() == 2 && requests[1].scope == Scope::Shown);
    let both = activations(&tab);
    take(&mut tab, &mut view, 0, 8, both.clone());
    take(&mut tab, &mut view, 1, 8, both);
    let of = |name: &str| view.held[&8].iter().find(|h| h.layer == name).unwrap();
    assert!(of("output").belief > 1.0 - 1e-9, "{:?}", of("output"));
    assert!(of(ALL).belief > 1.0 - 1e-9);
    // The position tells next to nothing about which state it is, and random beliefs tell nothing.
    assert!(of("embedding").belief.abs() < 0.05 && of("output").shuffled.abs() < 0.05, "{:?}", view.held[&8]);
    assert_eq!(of("output").topic, None);
    // The regressed points lie on the true ones.
    let (_, points) = view.regressed.as_ref().unwrap();
    for (cell, point) in tab.drawn().iter().zip(&points[1]) {
        (0..3).for_each(|k| assert!((point[k] - tab.target(*cell)[k]).abs() < 1e-5));
    }
    // Pointing at a point reads its belief: the regressed one, and that of exact Bayes.
    let [exact, regressed] = view.triangles(FIRST).unwrap();
    let size = View::new(480.0, 520.0, Theme::light());
    for (i, cell) in tab.drawn().into_iter().enumerate().step_by(100) {
        let words = |belief: [f64; 3]| {
            let parts = view.corners.iter().flatten().zip(belief);
            parts.map(|(name, p)| format!("{name} {}", number::fixed(p, 3))).collect::<Vec<_>>().join(", ")
        };
        let truth = [0, 1, 2].map(|k| tab.target(cell)[k]);
        assert_eq!(exact.readout(&size, i as f64).unwrap().lines[0].value, words(truth));
        let readout = regressed.readout(&size, i as f64).unwrap();
        assert_eq!(readout.lines[0].value, words(points[1][i]));
        assert_eq!(readout.lines[1].value, words(truth));
    }
    let page = html(&view, &record, 8, FIRST);
    assert!(page.contains("holds the belief about the 3 hidden states with R² 1.000"), "{page}");
    assert!(page.contains("What exact Bayes believes") && page.contains("Regressed from output, step 8"), "{page}");
    // Pointing at a line reads the R² that was measured.
    let size = View::new(520.0, 320.0, Theme::light());
    let readout = view.belief_chart(&record, 8, FIRST).readout(&size, 8.0).unwrap();
    for held in &view.held[&8] {
        let line = readout.lines.iter().find(|l| l.name == held.layer).unwrap();
        assert_eq!(line.value, number::precise(held.belief));
    }
    assert!(view.csv().contains("8,output,"));
    // Another layer needs nothing more.
    let other = html(&view, &record, 8, Choice { layer: Some(0) });
    assert!(other.contains("layer “embedding” holds") && other.contains("Regressed from embedding"), "{other}");
    assert_eq!(view.layer(Choice { layer: Some(7) }), 2, "the last there is");
    // Nothing given: nothing measured.
    assert!(!take(&mut tab, &mut view, 0, 8, Activations::default()));
}

fn control(view: &Beliefs, short: &str) -> f64 {
    view.controls.iter().find(|c| c.short == short).expect(short).belief
}

/// Golden numbers of an independent computation by numpy, from the exact filter alone: no net is in them.
#[test]
fn controls_without_a_net_are_those_of_exact_bayes() {
    let open = |world: &str| open(&Run::new(world, |e| e.data.length = 32).setting()).unwrap().1;
    let mess3 = open("mess3:x=0.05,a=0.85");
    // The next token's distribution is a linear image of the belief, and with three states and three tokens the other way round too.
    for (short, r, within) in [("p", 1.0, 1e-6), ("ln p", 0.9932, 2e-3), ("last 3 tokens", 0.987, 3e-3)] {
        assert!((control(&mess3, short) - r).abs() < within, "{short}: {}", control(&mess3, short));
    }
    let rrxor = open("rrxor");
    for (short, r) in [("p", 0.22), ("ln p", 0.41), ("last 3 tokens", 0.30)] {
        assert!((control(&rrxor, short) - r).abs() < 0.02, "{short}: {}", control(&rrxor, short));
    }
}

#[test]
fn an_r_squared_that_shows_nothing_new_is_called_so() {
    let run = Run::new("rrxor", |e| e.data.length = 32);
    let record = run.record(&[0, 8]);
    let (mut tab, mut view) = open(&run.setting()).unwrap();
    let Rows::Tokens(tokens) = tab.rows.as_ref().clone() else { panic!("tokens") };
    let mut filter = run.world.bayes();
    let mut p = vec![0.0; 2];
    let prediction: Vec<f32> = (0..tokens.len())
        .flat_map(|cell| {
            if cell % tab.length == 0 {
                filter.reset()
            } else {
                filter.observe(tokens[cell - 1])
            }
            filter.predict(&mut p);
            [p[0] as f32, p[1] as f32]
        })
        .collect();
    let belief: Vec<f32> =
        (0..tokens.len()).flat_map(|cell| tab.target(cell)[..5].to_vec()).map(|v| v as f32).collect();
    let layer =
        |values: &[f32]| Activations { residual: vec![("output".into(), values.to_vec())], ..Activations::default() };
    // A layer that knows what comes next, and nothing more.
    take(&mut tab, &mut view, 0, 8, layer(&prediction));
    let page = html(&view, &record, 8, FIRST);
    assert!(page.contains("does not go beyond the exact next-token distribution p (0.2"), "{page}");
    assert!(page.contains("it shows nothing beyond next-token prediction."), "{page}");
    // One that holds the belief goes beyond all.
    take(&mut tab, &mut view, 0, 0, layer(&prediction));
    take(&mut tab, &mut view, 0, 8, layer(&belief));
    let page = html(&view, &record, 8, FIRST);
    assert!(page.contains("goes beyond every control by more than 0.01; the nearest is"), "{page}");
    // Each control stands in the table and in the CSV.
    let (names, csv) = (view.controls.iter().map(|c| c.name.as_str()), view.csv());
    assert_eq!(view.controls.len(), 4);
    for name in names {
        assert!(page.contains(&format!("<th scope=\"row\">no net: {name}</th>")), "{name}: {page}");
        assert!(csv.lines().next().is_some_and(|head| head.contains(name)), "{name}: {csv}");
    }
    assert!(csv.lines().all(|line| line.split(',').count() == 10), "{csv}");
    assert!(page.contains("output, untrained") && page.contains("output, beliefs shuffled"));
    // A layer no better than when untrained.
    take(&mut tab, &mut view, 0, 0, layer(&belief));
    assert!(html(&view, &record, 8, FIRST).contains("This R² does not go beyond the untrained net (1.000)."));
}

#[test]
fn layers_and_controls_are_tested_on_the_same_tokens() {
    let (tab, _) = open(&mess3().setting()).unwrap();
    assert_eq!(tab.tested().len(), tab.rows.len() / 2);
}

#[test]
fn the_last_token_explains_what_its_regression_does() {
    let run = mess3();
    let (mut tab, mut view) = open(&run.setting()).unwrap();
    // A stream that holds the last token and nothing else, one number for each token and for the start.
    let Rows::Tokens(tokens) = tab.rows.as_ref() else { panic!("tokens") };
    let last = |cell: usize| if cell.is_multiple_of(tab.length) { 3 } else { usize::from(tokens[cell - 1]) };
    let layer = (0..tokens.len()).flat_map(|cell| (0..4).map(move |k| f32::from(u8::from(k == last(cell)))));
    let activations = Activations { residual: vec![("output".into(), layer.collect())], ..Activations::default() };
    take(&mut tab, &mut view, 0, 0, activations);
    let (held, last_token) = (&view.held[&0][0], control(&view, "last token alone"));
    assert!((held.belief - last_token).abs() < 1e-6, "{held:?} {last_token}");
    assert!((0.7..0.9).contains(&last_token));
    assert!(
        html(&view, &run.record(&[0]), 0, FIRST)
            .contains("This R² does not go beyond the exact next-token distribution p (1.000)")
    );
}

#[test]
fn half_of_what_is_explained_is_called_half() {
    let run = mess3();
    let (mut tab, mut view) = open(&run.setting()).unwrap();
    // A stream that holds nothing but the first entry of the belief. The process treats its states alike, so that the other two
    // follow it with slope -1/2 each, and their difference, half as large again, is lost: R² is 1/2.
    let cells = tab.rows.len();
    let layer = (0..cells).map(|cell| tab.target(cell)[0] as f32).collect();
    take(&mut tab, &mut view, 0, 0, Activations { residual: vec![("output".into(), layer)], ..Activations::default() });
    let held = &view.held[&0][0];
    assert!((held.belief - 0.5).abs() < 0.03, "{held:?}");
}

#[test]
fn mixtures_have_a_topic_too() {
    let run = Run::new("dursley-wonka", |experiment| experiment.data.length = 12);
    let (mut tab, mut view) = open(&run.setting()).unwrap();
    assert_eq!((tab.states, tab.components, tab.requests().len()), (8, 2, 1));
    let target = tab.target(40);
    assert!((target[..8].iter().sum::<f64>() - 1.0).abs() < 1e-12);
    assert!((target[..4].iter().sum::<f64>() - target[8]).abs() < 1e-12, "the topic's share of the joint belief");
    // A stream that holds the topic's posterior and nothing else.
    let layer = (0..tab.rows.len()).map(|cell| tab.target(cell)[8] as f32).collect();
    take(&mut tab, &mut view, 0, 3, Activations { residual: vec![("output".into(), layer)], ..Activations::default() });
    let held = &view.held[&3][0];
    assert!(held.topic.unwrap() > 1.0 - 1e-9 && held.belief < 0.9, "{held:?}");
    assert!(html(&view, &run.record(&[0, 3]), 3, FIRST).contains("posterior alone, R² is 1.000"));
}

#[test]
fn worlds_without_beliefs_say_so() {
    for (world, word) in [("beta-coin", "continuum"), ("lds", "continuum"), ("coin", "single state")] {
        let why = open(&Run::new(world, |_| {}).setting()).err().unwrap();
        assert!(why.contains(word) && why.ends_with('.'), "{world}: {why}");
    }
}
