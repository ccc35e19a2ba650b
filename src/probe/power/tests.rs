use charts::{
    chart::{Chart, View},
    theme::Theme,
};

use super::*;
use crate::probe::testing::Run;

fn curve(length: usize, excess: impl Fn(f64) -> f64, stderr: f64) -> Curve {
    (1..=length).map(|l| Measured { value: excess(l as f64), stderr }).collect()
}

fn window((from, to): (usize, usize)) -> Window {
    Window { from, to }
}

/// All sentences and notes, on end.
fn text_of(blocks: &[Block]) -> String {
    let text = |block: &Block| match block {
        Block::Lead { text, .. } | Block::Paragraph(text) | Block::Note(text) => Some(text.clone()),
        _ => None,
    };
    blocks.iter().filter_map(text).collect::<Vec<_>>().join(" ")
}

fn labels(chart: &LineChart) -> Vec<&str> {
    chart.lines.iter().map(|line| line.label.as_str()).filter(|label| !label.is_empty()).collect()
}

fn tab(world: &str, length: usize) -> (Run, Power) {
    let run = Run::new(world, |e| {
        e.data.length = length;
        e.net.context = length;
    });
    let tab = Power::open(&run.setting()).expect("a tab");
    (run, tab)
}

#[test]
fn an_exact_power_law_is_found() {
    let exact = curve(200, |l| 0.7 * l.powf(-1.25), 0.0);
    for ends in [(1, 200), (10, 100), (50, 200)] {
        let fit = Line::of(&exact, window(ends)).expect("a line");
        let (whole, halves) = (fit.whole, fit.halves.expect("halves"));
        assert!((whole.slope - 1.25).abs() < 1e-9 && (whole.amplitude - 0.7).abs() < 1e-8, "{fit:?}");
        assert!(halves.iter().all(|slope| (slope - 1.25).abs() < 1e-9), "{fit:?}");
        assert_eq!(fit.in_words(), "as L to the −1.25, −1.25 in both halves of the window");
    }
    for l in [2, 5, 20, 100] {
        let slope = local_slope(&exact, l).expect("a slope");
        assert!((slope + 1.25).abs() < 1e-9, "{slope:?}");
    }
    // Too near the ends there is no slope.
    assert!(local_slope(&exact, 1).is_none() && local_slope(&exact, 190).is_none());
    // What does not stand out is not fitted.
    let noisy = curve(200, |l| if l > 50.0 { 1e-4 } else { 0.7 / l }, 1e-3);
    assert!(usable(&noisy, window((1, 200))).iter().all(|(l, _)| *l <= 50.0));
    let fit = Line::of(&noisy, window((1, 200))).expect("a line");
    assert!((fit.whole.slope - 1.0).abs() < 1e-9, "{fit:?}");
    // Two points make no line, and few no halves.
    assert_eq!(Line::of(&exact, window((1, 2))), None);
    assert!(
        Line::of(&exact, window((2, 5))).is_some_and(|fit| fit.halves.is_none() && !fit.in_words().contains("half"))
    );
}

/// Science: the slope of a coin of any bias tends to −1, and a line over any window that can be seen has another one. Golden numbers of
/// an independent computation.
#[test]
fn the_slope_of_a_line_depends_on_its_window() {
    let (run, tab) = tab("beta-coin", 501);
    let bayes = of_bayes(&run.theory);
    let slope = |l: usize| local_slope(&bayes, l).expect("a slope");
    assert!(slope(5) > slope(20) && slope(20) > slope(200) && (slope(200) + 1.0).abs() < 0.02, "{}", slope(200));
    assert!((bayes[199].value * 400.0 - 1.0).abs() < 0.05);
    for (ends, expected) in [((6, 63), 0.88), ((10, 100), 0.92), ((20, 200), 0.955), ((50, 500), 0.980)] {
        let line = Line::of(&bayes, window(ends)).expect("a line");
        assert!((line.whole.slope - expected).abs() < 0.006, "{ends:?}: {line:?}");
        // It bends towards −1: neither half has the slope of the whole, and the second is nearer to the limit.
        let [first, second] = line.halves.expect("halves");
        assert!(first < line.whole.slope && line.whole.slope < second && second < 1.0, "{line:?}");
    }
    let record = run.record(&[0]);
    let first = tab.first_window();
    let (said, csv) = (text_of(&tab.blocks(&record, 0, first)), tab.csv(&record, first));
    assert!(said.contains("d = 1 parameters"), "{said}");
    assert!(labels(&tab.curves(&bayes, None, first)).contains(&"d/(2L)"));
    assert!(said.contains("In theory the excess of exact Bayes tends to d/(2L), a slope of −1"), "{said}");
    // A model that knows nothing: its excess does not fall.
    assert!(
        said.contains("the model at step 0 as L to the ") && said.contains("By the best line over the window from L = 50 to 500, exact Bayes falls as L to the −0.98, bending from −0.9"),
        "{said}"
    );
    // No interval on what has none.
    assert!(!said.contains("95%") && !csv.lines().next().unwrap_or_default().contains("95"), "{said}");
    assert_eq!(csv.lines().filter(|line| line.starts_with("slope_of_best_line_first_half,")).count(), 2);
}

#[test]
fn parameters_are_counted() {
    let parameters =
        |world: &str| Smooth::of(&World::new(&world.parse().expect("a spec")).expect("a world")).map(|s| s.parameters);
    assert_eq!(parameters("dice:v=6"), Some(5));
    assert_eq!(parameters("markov:k=3"), Some(6));
    assert_eq!(parameters("markov:k=3,order=2"), Some(18));
    assert_eq!(parameters("markov:k=3,pool=4"), None);
    assert_eq!(parameters("coins:n=10"), None);
    assert_eq!(parameters("dursley-wonka"), None);
}

#[test]
fn few_coins_leave_the_power_law_and_more_do_so_later() {
    let leaves = |n: usize| {
        let (run, tab) = tab(&format!("coins:n={n}"), 401);
        let at = tab.coins.as_ref().expect("coins").leaves(&of_bayes(&run.theory));
        at.unwrap_or(401)
    };
    let (few, some, many) = (leaves(2), leaves(5), leaves(10));
    assert!(few < some && some < many && many < 401, "{few} {some} {many}");
    assert_eq!(leaves(100), 401);
    let (run, tab) = tab("coins:n=5", 201);
    let (record, first) = (run.record(&[]), tab.first_window());
    let said = text_of(&tab.blocks(&record, 0, first));
    assert!(said.contains("With 5 coins the excess is less than half of that from L = "), "{said}");
    assert!(said.contains("appears after the first recorded step"), "{said}");
    assert!(labels(&tab.curves(&of_bayes(&run.theory), None, first)).contains(&"closest pair"));
}

#[test]
fn the_window_is_chosen_and_kept() {
    let (run, tab) = tab("dice:v=4", 64);
    let chosen = tab.first_window();
    assert_eq!(chosen, window((6, 63)));
    let chosen = tab.with_to(tab.with_from(chosen, 10), 30);
    assert_eq!(chosen, window((10, 30)));
    // What makes no sense is brought to what does.
    let least = tab.with_to(chosen, 3);
    assert_eq!(least, window((10, 12)));
    let last = tab.with_from(tab.with_to(least, 9999), 500);
    assert_eq!(last, window((61, 63)));
    // In a run of other length it is what is nearest to it.
    assert_eq!(tab.within(window((100, 400))), last);
    assert_eq!(tab.within(window((1, 1))), window((1, 3)));
    let record = run.record(&[0, 10]);
    assert!(text_of(&tab.blocks(&record, 10, last)).contains("from L = 61 to 63"));
    let csv = tab.csv(&record, last);
    assert_eq!(csv.lines().filter(|line| line.starts_with("excess_nats,")).count(), 3 * 63);
    assert!(csv.lines().all(|line| line.split(',').count() == 7));
    assert!(csv.lines().any(|line| line.starts_with("slope_of_best_line,Bayes,,61,63,")), "{csv}");
}

#[test]
fn pointing_at_a_curve_reads_what_was_recorded() {
    let (run, tab) = tab("dice:v=4", 64);
    let record = run.record(&[0, 10]);
    let (bayes, model) = (of_bayes(&record.theory), tab.shown(&record, 10));
    let chosen = window((6, 63));
    let chart = tab.curves(&bayes, model.as_ref(), chosen);
    let view = View::new(520.0, 320.0, Theme::light());
    for l in [1, 6, 20, 63] {
        let Some(cursor) = chart.cursor_moved(Some(l as f64 - 0.01), 0) else { panic!("no place") };
        let read = chart.readout(&view, cursor).expect("a value");
        let l = cursor as usize;
        assert_eq!(read.title, format!("L = {l}"));
        let value = |name: &str| read.lines.iter().find(|line| line.name == name).map(|line| line.value.clone());
        let Measured { value: excess, stderr } = bayes[l - 1];
        assert_eq!(value("Bayes"), Some(format!("{} nats per token", number::with_error(excess, stderr))));
        let Measured { value: excess, stderr } = model.as_ref().expect("a curve").1[l - 1];
        assert_eq!(value("model"), Some(format!("{} nats per token", number::with_error(excess, stderr))));
        assert_eq!(value("best line of Bayes").is_some(), (6..=63).contains(&l), "at {l}");
    }
    // Where the excess does not stand out it is drawn pale, and read all the same.
    let noise = vec![Measured { value: 1e-3, stderr: 1e-3 }; 63];
    let chart = tab.curves(&noise, None, chosen);
    let read = chart.readout(&view, 10.0).expect("a value");
    let pale = read.lines.iter().find(|line| line.name == "Bayes").expect("a value");
    assert!(pale.value.starts_with("0.0010 ± 0.0010 nats") && pale.how.contains("no line goes through it"), "{pale:?}");
    assert!(read.lines.iter().all(|line| !line.name.contains("best line")));
}

#[test]
fn what_has_no_rate_says_so() {
    let run = Run::new("dursley-wonka", |e| e.data.length = 4);
    assert!(Power::open(&run.setting()).is_err_and(|e| e.contains("positions")));
    // An exponential is called one.
    let (run, tab) = tab("dursley-wonka", 24);
    let said = text_of(&tab.blocks(&run.record(&[]), 0, tab.first_window()));
    assert!(said.contains("an exponential describes exact Bayes better: a factor e in 3.48 tokens"), "{said}");
}
