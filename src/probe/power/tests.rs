use serde_json::json;

use super::*;
use crate::probe::testing::Run;

fn curve(length: usize, excess: impl Fn(f64) -> f64, stderr: f64) -> Curve {
    (1..=length).map(|l| Measured { value: excess(l as f64), stderr }).collect()
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
    for window in [(1, 200), (10, 100), (50, 200)] {
        let fit = Line::of(&exact, window).expect("a line");
        let (whole, halves) = (fit.whole, fit.halves.expect("halves"));
        assert!((whole.slope - 1.25).abs() < 1e-9 && (whole.amplitude - 0.7).abs() < 1e-8, "{fit:?}");
        assert!(halves.iter().all(|slope| (slope - 1.25).abs() < 1e-9), "{fit:?}");
        assert_eq!(fit.told(), "as L to the −1.25, −1.25 in both halves of the window");
    }
    for l in [2, 5, 20, 100] {
        let slope = local_slope(&exact, l).expect("a slope");
        assert!((slope + 1.25).abs() < 1e-9, "{slope:?}");
    }
    // Too near the ends there is no slope.
    assert!(local_slope(&exact, 1).is_none() && local_slope(&exact, 190).is_none());
    // What does not stand out is not fitted.
    let noisy = curve(200, |l| if l > 50.0 { 1e-4 } else { 0.7 / l }, 1e-3);
    assert!(usable(&noisy, (1, 200)).iter().all(|(l, _)| *l <= 50.0));
    let fit = Line::of(&noisy, (1, 200)).expect("a line");
    assert!((fit.whole.slope - 1.0).abs() < 1e-9, "{fit:?}");
    // Two points make no line, and few no halves.
    assert_eq!(Line::of(&exact, (1, 2)), None);
    assert!(Line::of(&exact, (2, 5)).is_some_and(|fit| fit.halves.is_none() && !fit.told().contains("half")));
}

/// Science: the slope of a coin of any bias tends to −1, and a line over any window that can be seen has another one. Golden numbers of
/// an independent computation.
#[test]
fn the_slope_of_a_line_depends_on_its_window() {
    let (run, tab) = tab("beta-coin", 501);
    let bayes = tab.bayes();
    let slope = |l: usize| local_slope(&bayes, l).expect("a slope");
    assert!(slope(5) > slope(20) && slope(20) > slope(200) && (slope(200) + 1.0).abs() < 0.02, "{}", slope(200));
    assert!((bayes[199].value * 400.0 - 1.0).abs() < 0.05);
    for (window, expected) in [((6, 63), 0.88), ((10, 100), 0.92), ((20, 200), 0.955), ((50, 500), 0.980)] {
        let line = Line::of(&bayes, window).expect("a line");
        assert!((line.whole.slope - expected).abs() < 0.006, "{window:?}: {line:?}");
        // It bends towards −1: neither half has the slope of the whole, and the second is nearer to the limit.
        let [first, second] = line.halves.expect("halves");
        assert!(first < line.whole.slope && line.whole.slope < second && second < 1.0, "{line:?}");
    }
    let journal = run.journal(&[0]);
    let (html, csv) = (tab.html(&journal, 0), tab.csv(&journal));
    assert!(html.contains("d = 1 parameters") && html.contains("d/(2L)"), "{}", &html[..600]);
    assert!(html.contains("In theory the excess of exact Bayes tends to d/(2L), a slope of −1"), "{}", &html[..900]);
    // A learner that knows nothing: its excess does not fall.
    assert!(
        html.contains("the model at step 0 as L to the ") && html.contains("By the best line over the window from L = 50 to 500, exact Bayes falls as L to the −0.98, bending from −0.9"),
        "{}",
        &html[..600]
    );
    // No interval on what has none.
    assert!(!html.contains("95%") && !csv.lines().next().unwrap_or_default().contains("95"), "{}", &html[..600]);
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
        let (_, tab) = tab(&format!("coins:n={n}"), 401);
        let at = tab.coins.as_ref().expect("coins").leaves(&tab.bayes());
        at.unwrap_or(401)
    };
    let (few, some, many) = (leaves(2), leaves(5), leaves(10));
    assert!(few < some && some < many && many < 401, "{few} {some} {many}");
    assert_eq!(leaves(100), 401);
    let (run, tab) = tab("coins:n=5", 201);
    let html = tab.html(&run.journal(&[]), 0);
    assert!(html.contains("With 5 coins the excess is less than half of that from L = "), "{}", &html[..900]);
    assert!(html.contains("closest pair") && html.contains("appears after the first recorded step"));
}

#[test]
fn the_window_is_chosen_and_kept() {
    let (run, mut tab) = tab("dice:v=4", 64);
    assert_eq!(tab.window, (6, 63));
    let set = |tab: &mut Power, end: &str, value: &str| {
        tab.told(&Message(json!({"inside": "window", "end": end, "value": value})))
    };
    assert!(set(&mut tab, "from", "10") && !set(&mut tab, "from", "10") && set(&mut tab, "to", "30"));
    assert_eq!(tab.window, (10, 30));
    // What makes no sense is brought to what does, or left.
    assert!(set(&mut tab, "to", "3") && !set(&mut tab, "to", "x") && !set(&mut tab, "no", "5"));
    assert_eq!(tab.window, (10, 12));
    assert!(set(&mut tab, "to", "9999") && set(&mut tab, "from", "500"));
    assert_eq!(tab.window, (61, 63));
    tab.forget();
    let journal = run.journal(&[0, 10]);
    assert!(tab.html(&journal, 10).contains("value=\"61\""));
    let csv = tab.csv(&journal);
    assert_eq!(csv.lines().filter(|line| line.starts_with("excess_nats,")).count(), 3 * 63);
    assert!(csv.lines().all(|line| line.split(',').count() == 7));
}

#[test]
fn what_has_no_rate_says_so() {
    let run = Run::new("dursley-wonka", |e| e.data.length = 4);
    assert!(Power::open(&run.setting()).is_err_and(|e| e.contains("positions")));
    // An exponential is called one.
    let (run, tab) = tab("dursley-wonka", 24);
    let html = tab.html(&run.journal(&[]), 0);
    assert!(
        html.contains("an exponential describes exact Bayes better: a factor e in 3.48 tokens"),
        "{}",
        &html[..600]
    );
}
