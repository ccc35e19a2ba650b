use super::*;
use crate::probe::testing::Run;

fn mess3() -> Run {
    Run::new("mess3:x=0.05,a=0.85", |experiment| experiment.data.length = 16)
}

/// A stream that holds the belief as a linear image, turned and shifted, in its second layer and only the position in its first.
fn seen(tab: &Beliefs) -> Seen {
    let cells = tab.rows.len();
    let position = |cell: usize| [(cell % tab.length) as f32, 1.0, 0.0, 0.0];
    let image = |cell: usize| {
        let b = &tab.target(cell)[..3];
        [2.0 * b[0] - b[1] + 5.0, b[1] + b[2], 0.1 * b[0] - 3.0 * b[2], b[2]].map(|v| v as f32)
    };
    let layer = |of: &dyn Fn(usize) -> [f32; 4]| (0..cells).flat_map(of).collect::<Vec<f32>>();
    Seen { residual: vec![("embedding".into(), layer(&position)), ("output".into(), layer(&image))], ..Seen::default() }
}

#[test]
fn beliefs_are_those_of_the_exact_filter() {
    let run = mess3();
    let tab = Beliefs::open(&run.setting()).unwrap();
    let Rows::Tokens(tokens) = tab.rows.as_ref() else { panic!("tokens") };
    // Before the first token each state is as likely; afterwards by Bayes' rule, by hand: the token is the state that was entered
    // with chance .85, and states are kept with chance .9.
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
    let journal = run.journal(&[0, 8]);
    let mut tab = Beliefs::open(&run.setting()).unwrap();
    assert!(tab.html(&journal, 8).contains("appears when"));
    let wishes = tab.wishes();
    assert!(wishes.len() == 2 && wishes[1].scope == Scope::Shown);
    tab.take(0, 8, seen(&tab));
    tab.take(1, 8, seen(&tab));
    let of = |name: &str| tab.held[&8].iter().find(|h| h.layer == name).unwrap();
    assert!(of("output").belief > 1.0 - 1e-9, "{:?}", of("output"));
    assert!(of(ALL).belief > 1.0 - 1e-9);
    // The position tells next to nothing about which state it is, and chance nothing.
    assert!(of("embedding").belief.abs() < 0.05 && of("output").shuffled.abs() < 0.05, "{:?}", tab.held[&8]);
    assert_eq!(of("output").topic, None);
    // The regressed points lie on the true ones.
    let (_, points) = tab.regressed.as_ref().unwrap();
    for (cell, point) in tab.drawn().iter().zip(&points[1]) {
        (0..3).for_each(|k| assert!((point[k] - tab.target(*cell)[k]).abs() < 1e-5));
    }
    let html = tab.html(&journal, 8);
    assert!(html.contains("holds the belief about the 3 hidden states with R² 1.000"), "{html}");
    assert!(html.contains("class=\"simplex\"") && html.len() < 400_000, "{}", html.len());
    assert!(tab.csv(&journal).contains("8,output,"));
    let choose = |layer: &str| Message(serde_json::json!({"inside": "layer", "value": layer}));
    assert!(tab.told(&choose("0")) && !tab.told(&choose("7")) && !tab.told(&choose("0")));
    assert!(tab.html(&journal, 8).contains("embedding"));
    tab.forget();
    assert!(tab.held.is_empty() && tab.regressed.is_none());
    // Nothing given: nothing kept.
    tab.take(0, 8, Seen::default());
    assert!(tab.held.is_empty());
}

fn control(tab: &Beliefs, short: &str) -> f64 {
    tab.controls.iter().find(|c| c.short == short).expect(short).belief
}

/// Golden numbers of an independent computation by numpy, from the exact filter alone: no net is in them.
#[test]
fn controls_without_a_net_are_those_of_exact_bayes() {
    let open = |world: &str| Beliefs::open(&Run::new(world, |e| e.data.length = 32).setting()).unwrap();
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
    let journal = run.journal(&[0, 8]);
    let mut tab = Beliefs::open(&run.setting()).unwrap();
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
    let layer = |values: &[f32]| Seen { residual: vec![("output".into(), values.to_vec())], ..Seen::default() };
    // A layer that knows what comes next, and nothing more.
    tab.take(0, 8, layer(&prediction));
    let html = tab.html(&journal, 8);
    assert!(html.contains("does not go beyond the exact next-token distribution p (0.2"), "{html}");
    assert!(html.contains("it shows nothing beyond next-token prediction."), "{html}");
    // One that holds the belief goes beyond all.
    tab.take(0, 0, layer(&prediction));
    tab.take(0, 8, layer(&belief));
    let html = tab.html(&journal, 8);
    assert!(html.contains("goes beyond every control by more than 0.01; the nearest is"), "{html}");
    // Each control stands in the table and in the CSV.
    let (names, csv) = (tab.controls.iter().map(|c| c.name.as_str()), tab.csv(&journal));
    assert_eq!(tab.controls.len(), 4);
    for name in names {
        assert!(html.contains(&format!("<th scope=\"row\">no net: {name}</th>")), "{name}: {html}");
        assert!(csv.lines().next().is_some_and(|head| head.contains(name)), "{name}: {csv}");
    }
    assert!(csv.lines().all(|line| line.split(',').count() == 10), "{csv}");
    assert!(html.contains("output, untrained") && html.contains("output, beliefs shuffled"));
    // A layer no better than when untrained.
    tab.take(0, 0, layer(&belief));
    assert!(tab.html(&journal, 8).contains("This R² does not go beyond the untrained net (1.000)."));
}

#[test]
fn layers_and_controls_are_tested_on_the_same_tokens() {
    let tab = Beliefs::open(&mess3().setting()).unwrap();
    assert_eq!(tab.tested().len(), tab.rows.len() / 2);
}

#[test]
fn the_last_token_explains_what_its_regression_does() {
    let run = mess3();
    let mut tab = Beliefs::open(&run.setting()).unwrap();
    // A stream that holds the last token and nothing else, one number for each token and for the start.
    let Rows::Tokens(tokens) = tab.rows.as_ref() else { panic!("tokens") };
    let last = |cell: usize| if cell.is_multiple_of(tab.length) { 3 } else { usize::from(tokens[cell - 1]) };
    let layer = (0..tokens.len()).flat_map(|cell| (0..4).map(move |k| f32::from(u8::from(k == last(cell)))));
    let seen = Seen { residual: vec![("output".into(), layer.collect())], ..Seen::default() };
    tab.take(0, 0, seen);
    let (held, last_token) = (&tab.held[&0][0], control(&tab, "last token alone"));
    assert!((held.belief - last_token).abs() < 1e-6, "{held:?} {last_token}");
    assert!((0.7..0.9).contains(&last_token));
    assert!(
        tab.html(&run.journal(&[0]), 0)
            .contains("This R² does not go beyond the exact next-token distribution p (1.000)")
    );
}

#[test]
fn half_of_what_is_explained_is_called_half() {
    let run = mess3();
    let mut tab = Beliefs::open(&run.setting()).unwrap();
    // A stream that holds nothing but the first entry of the belief. The process treats its states alike, so that the other two
    // follow it with slope -1/2 each, and their difference, half as large again, is lost: R² is 1/2.
    let cells = tab.rows.len();
    let layer = (0..cells).map(|cell| tab.target(cell)[0] as f32).collect();
    tab.take(0, 0, Seen { residual: vec![("output".into(), layer)], ..Seen::default() });
    let held = &tab.held[&0][0];
    assert!((held.belief - 0.5).abs() < 0.03, "{held:?}");
}

#[test]
fn mixtures_have_a_topic_too() {
    let run = Run::new("dursley-wonka", |experiment| experiment.data.length = 12);
    let mut tab = Beliefs::open(&run.setting()).unwrap();
    assert_eq!((tab.states, tab.components, tab.wishes().len()), (8, 2, 1));
    let target = tab.target(40);
    assert!((target[..8].iter().sum::<f64>() - 1.0).abs() < 1e-12);
    assert!((target[..4].iter().sum::<f64>() - target[8]).abs() < 1e-12, "the topic's share of the joint belief");
    // A stream that holds the topic's posterior and nothing else.
    let layer = (0..tab.rows.len()).map(|cell| tab.target(cell)[8] as f32).collect();
    tab.take(0, 3, Seen { residual: vec![("output".into(), layer)], ..Seen::default() });
    let held = &tab.held[&3][0];
    assert!(held.topic.unwrap() > 1.0 - 1e-9 && held.belief < 0.9, "{held:?}");
    assert!(tab.html(&run.journal(&[0, 3]), 3).contains("posterior alone, R² is 1.000"));
}

#[test]
fn worlds_without_beliefs_say_so() {
    for (world, word) in [("beta-coin", "continuum"), ("lds", "continuum"), ("coin", "single state")] {
        let why = Beliefs::open(&Run::new(world, |_| {}).setting()).err().unwrap();
        assert!(why.contains(word) && why.ends_with('.'), "{world}: {why}");
    }
}
