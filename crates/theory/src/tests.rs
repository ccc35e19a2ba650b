//! Golden values of the two papers' worlds, and what must hold for any world.

// They are written as published, ln 2 too.
#![allow(clippy::approx_constant)]

use std::time::Instant;

use super::{curve::Method, *};
use experiment::{Data, WorldSpec};
use worlds::{Corpus, Purpose, Stream, World};

const LN2: f64 = std::f64::consts::LN_2;

fn world(spec: &str) -> World {
    let spec = if spec.starts_with('{') { WorldSpec::from_json(spec).expect(spec) } else { spec.parse().expect(spec) };
    World::new(&spec).expect("a world")
}

fn curves(spec: &str, length: usize) -> Curves {
    Curves::compute(&world(spec), length, &Budget::default())
}

fn close(value: f64, golden: f64, tolerance: f64) {
    assert!((value - golden).abs() <= tolerance, "{value} is not {golden} to {tolerance}");
}

/// `states` and edges (from, token, to, probability) as a process in JSON.
fn process(tokens: usize, states: usize, edges: &[(usize, usize, usize, f64)]) -> String {
    let names: Vec<String> = (0..tokens).map(|x| x.to_string()).collect();
    let matrices: std::collections::BTreeMap<_, _> = names
        .iter()
        .enumerate()
        .map(|(x, name)| {
            let mut matrix = vec![vec![0.0; states]; states];
            for &(i, _, j, p) in edges.iter().filter(|e| e.1 == x) {
                matrix[i][j] += p;
            }
            (name.clone(), matrix)
        })
        .collect();
    serde_json::json!({ "tokens": names, "transitions": matrices }).to_string()
}

fn mixture(parts: &[(f64, String)]) -> String {
    let parts: Vec<String> = parts.iter().map(|(w, p)| format!(r#"{{"weight":{w},"process":{p}}}"#)).collect();
    format!(r#"{{"mixture":[{}]}}"#, parts.join(","))
}

fn golden_mean() -> String {
    process(2, 2, &[(0, 0, 0, 0.5), (0, 1, 1, 0.5), (1, 0, 0, 1.0)])
}

fn even() -> String {
    process(2, 2, &[(0, 0, 0, 0.5), (0, 1, 1, 0.5), (1, 1, 0, 1.0)])
}

fn z1r() -> String {
    process(2, 3, &[(0, 0, 1, 1.0), (1, 1, 2, 1.0), (2, 1, 0, 0.5), (2, 0, 0, 0.5)])
}

fn rrxor() -> String {
    // S, "0", "1", T, F.
    let half = [(0, 0, 1), (0, 1, 2), (1, 0, 4), (1, 1, 3), (2, 0, 3), (2, 1, 4)].map(|(i, x, j)| (i, x, j, 0.5));
    process(2, 5, &[&half[..], &[(3, 1, 0, 1.0), (4, 0, 0, 1.0)]].concat())
}

fn mess3(x: f64, a: f64) -> String {
    let mut edges = Vec::new();
    for i in 0..3 {
        for j in 0..3 {
            let step = if i == j { 1.0 - 2.0 * x } else { x };
            for token in 0..3 {
                edges.push((i, token, j, step * if token == j { a } else { (1.0 - a) / 2.0 }));
            }
        }
    }
    process(3, 3, &edges)
}

#[test]
fn single_processes_have_their_golden_values() {
    let rows: [(String, &[f64], f64, f64); 5] = [
        (golden_mean(), &[0.63651, 0.46210], 0.462098, 0.174416),
        (even(), &[0.63651, 0.60594, 0.54931, 0.53402, 0.50570, 0.49806], 0.462098, 0.636514),
        (z1r(), &[0.69315, 0.63651, 0.46210, 0.23105], 0.231049, 1.098612),
        (rrxor(), &[0.69315, 0.69315, 0.63651, 0.62849, 0.59868, 0.57762], 0.462098, 1.560710),
        (mess3(0.15, 0.6), &[1.09861, 1.09107, 1.08939, 1.08900], 1.088888, 0.01256),
    ];
    for (spec, h, rate, excess) in rows {
        let c = curves(&spec, h.len());
        for (value, golden) in c.bayes.values.iter().zip(h) {
            close(*value, *golden, 5.1e-6);
        }
        assert!(c.bayes.methods.iter().all(|m| *m == Method::Exact));
        // One topic: knowing it is no news.
        assert_eq!(c.bayes, c.oracle);
        close(c.entropy_rate, rate, 1e-6);
        close(c.excess_entropy.expect("finite"), excess, 1e-5);
    }
}

#[test]
fn named_worlds_are_what_their_matrices_say() {
    let five_three = process(
        2,
        8,
        &[
            (0, 0, 0, 0.3),
            (0, 1, 1, 0.7),
            (1, 1, 2, 1.0),
            (2, 1, 3, 1.0),
            (3, 1, 4, 1.0),
            (4, 1, 5, 1.0),
            (5, 0, 6, 1.0),
            (6, 0, 7, 1.0),
            (7, 0, 0, 1.0),
        ],
    );
    let teddy = process(
        3,
        7,
        &[
            (0, 0, 0, 0.3),
            (0, 1, 1, 0.5),
            (0, 2, 3, 0.2),
            (1, 1, 2, 1.0),
            (2, 1, 0, 1.0),
            (3, 2, 4, 1.0),
            (4, 2, 5, 1.0),
            (5, 0, 6, 1.0),
            (6, 0, 0, 1.0),
        ],
    );
    let sns = process(2, 2, &[(0, 0, 0, 0.6), (0, 0, 1, 0.4), (1, 0, 1, 0.7), (1, 1, 0, 0.3)]);
    let rows = [
        ("golden-mean", golden_mean()),
        ("even", even()),
        ("z1r", z1r()),
        ("rrxor", rrxor()),
        ("mess3", mess3(0.15, 0.6)),
        ("five-three-golden-mean:p=0.7", five_three),
        ("teddy-bear:p=0.5,q=0.2", teddy),
        ("sns:p=0.4,q=0.3", sns),
    ];
    for (name, matrices) in rows {
        let (a, b) = (curves(name, 12), curves(&matrices, 12));
        assert!(a.bayes.methods.iter().all(|m| *m == Method::Exact), "{name} is not enumerated to 12");
        for (x, y) in a.bayes.values.iter().zip(&b.bayes.values) {
            close(*x, *y, 1e-12);
        }
        close(a.excess_entropy.expect(name), b.excess_entropy.expect(name), 1e-9);
    }
    // A unifilar process by hand: golden mean at 0.3 has stationary distribution 1/1.3, 0.3/1.3.
    let c = curves("golden-mean:p=0.3", 4);
    let binary = |p: f64| entropy::entropy(&[p, 1.0 - p]);
    close(c.entropy_rate, binary(0.3) / 1.3, 1e-12);
    close(c.bayes.values[0], binary(0.3 / 1.3), 1e-12);
    // A story that is known from the start is the oracle of two that are not.
    let (one, two) = (curves("mr-name", 9), curves("dursley-wonka", 9));
    for (known, oracle) in one.bayes.values.iter().zip(&two.oracle.values) {
        close(*known, *oracle, 1e-12);
    }
}

/// Mean predictive entropy of the Bayes filter at position `l` (from 0), by summing over all words.
fn by_all_words(w: &World, l: usize) -> f64 {
    let mut total = 0.0;
    let v = w.vocab();
    for word in 0..v.pow(l as u32) {
        let (mut filter, mut distribution, mut probability, mut rest) = (w.bayes(), vec![0.0; v], 1.0, word);
        for _ in 0..l {
            filter.predict(&mut distribution);
            probability *= distribution[rest % v];
            filter.observe((rest % v) as u16);
            rest /= v;
        }
        if probability > 0.0 {
            filter.predict(&mut distribution);
            total += probability * entropy::entropy(&distribution);
        }
    }
    total
}

#[test]
fn curves_agree_with_a_sum_over_all_words() {
    let blend = r#"{"mixture":[{"weight":1,"world":"beta-coin:a=2,b=1"},{"weight":2,"world":"golden-mean:p=0.3"}]}"#;
    let specs = [
        "dice:v=3,alpha=0.5",
        "dice:v=4,alpha=2",
        "markov:k=2,order=2",
        "markov:k=3,order=2,alpha=0.4",
        "repeat:block=2,v=3",
        "markov:k=3,pool=4",
        "markov:k=2,order=2,pool=3",
        "sns",
        blend,
    ];
    for spec in specs {
        let w = world(spec);
        let c = Curves::compute(&w, 6, &Budget::default());
        for l in 0..6 {
            let error = c.bayes.stderr.as_ref().map_or(0.0, |e| e[l]);
            let (value, expected) = (c.bayes.values[l], by_all_words(&w, l));
            assert!((value - expected).abs() <= 4.5 * error + 1e-9, "{spec} at {l}: {value} ± {error}, not {expected}");
            assert!(c.oracle.values[l] <= value + 4.5 * error + 0.01, "{spec} at {l}: the oracle knows no less");
        }
    }
}

#[test]
fn blends_lie_between_their_parts_and_their_topics_entropy() {
    let blend = r#"{"mixture":[{"weight":1,"world":"beta-coin"},{"weight":1,"world":"z1r"}]}"#;
    let c = curves(blend, 40);
    let (a, b) = (curves("beta-coin", 40), curves("z1r", 40));
    close(c.entropy_rate, (a.entropy_rate + b.entropy_rate) / 2.0, 1e-12);
    let sum = |c: &Curves| c.bayes.values.iter().sum::<f64>();
    // H(x_1..x_T) of a mixture exceeds the parts' mean by at most the entropy of which part it is.
    let extra = sum(&c) - (sum(&a) + sum(&b)) / 2.0;
    assert!(extra > 0.3 && extra < LN2 + 0.02, "{extra}");
}

#[test]
fn random_processes_keep_the_laws_of_information() {
    let mut stream = Stream::new(21, Purpose::MonteCarlo, 0);
    let mut random = |states: usize| {
        let mut edges = Vec::new();
        for i in 0..states {
            let mut row = vec![0.0; 2 * states];
            stream.dirichlet(0.6, &mut row);
            edges.extend(row.iter().enumerate().map(|(at, &p)| (i, at / states, at % states, p)));
        }
        process(2, states, &edges)
    };
    for case in 0..8 {
        let (a, b) = (random(1 + case % 4), random(1 + case % 3));
        let both = curves(&mixture(&[(0.3, a.clone()), (0.7, b.clone())]), 12);
        let exact = both.bayes.methods.iter().take_while(|m| **m != Method::MonteCarlo).count();
        assert!(both.bayes.values[..exact].windows(2).all(|p| p[1] <= p[0] + 1e-9), "{:?}", both.bayes.values);
        let (a, b) = (curves(&a, 12), curves(&b, 12));
        close(both.entropy_rate, 0.3 * a.entropy_rate + 0.7 * b.entropy_rate, 1e-9);
        if let (Some(whole), Some(a), Some(b)) = (both.excess_entropy, a.excess_entropy, b.excess_entropy) {
            close(whole, 0.3 * a + 0.7 * b + entropy::entropy(&[0.3, 0.7]), 1e-6);
        }
    }
}

#[test]
fn ginc_is_found_in_about_ten_tokens() {
    let c = curves("ginc", 16);
    // The concept costs at most ln 5 in all, and little is left of it after ten tokens.
    let regret: f64 = c.bayes.values.iter().zip(&c.oracle.values).map(|(b, o)| b - o).sum();
    assert!(regret > 0.5 && regret < 5f64.ln() + 0.05, "{regret}");
    assert!(c.bayes.values[11] - c.oracle.values[11] < 0.01);
    assert!(c.entropy_rate_stderr.is_some_and(|e| e < 0.02));
    let random = curves("ginc:random=1", 4);
    close(random.bayes.values[3], 50f64.ln(), 1e-12);
}

#[test]
fn dursley_wonka_has_its_golden_values() {
    let c = curves("dursley-wonka", 12);
    close(c.bayes.values[0], 1.44519, 5.1e-6);
    close(c.bayes.values[1], 0.95140, 5.1e-6);
    close(c.entropy_rate, 0.835876, 1e-6);
    for l in 3..=12 {
        close(c.bayes.values[l - 1], c.entropy_rate + LN2 / 6.0 * 0.75f64.powi(l as i32 - 3), 1e-9);
    }
    close(c.excess_entropy.expect("finite"), 1.186925, 1e-5);
    // In full: what the first two positions lose, and the geometric rest.
    let sum = c.bayes.values[0] + c.bayes.values[1] - 2.0 * c.entropy_rate + 4.0 * LN2 / 6.0;
    close(c.excess_entropy.expect("finite"), sum, 1e-8);
    close(c.unigram.values[11], 1.44519, 5.1e-6);
    assert!(c.oracle.values.iter().zip(&c.bayes.values).all(|(o, b)| o <= b));
    // With a begin token everything comes one later, and h_1 is 0.
    let begun = curves("dursley-wonka:bos=1", 13);
    assert_eq!(begun.bayes.values[0], 0.0);
    for (later, value) in begun.bayes.values[1..].iter().zip(&c.bayes.values) {
        close(*later, *value, 1e-9);
    }
    close(begun.excess_entropy.expect("finite"), 1.186925 - 0.835876, 1e-5);
}

#[test]
fn coins_have_their_golden_values() {
    let c = curves("beta-coin", 101);
    for (l, golden) in [(0, 0.69315), (1, 0.63651), (2, 0.60594), (3, 0.58671), (10, 0.53855), (100, 0.50483)] {
        close(c.bayes.values[l], golden, 5.1e-6);
    }
    close(c.entropy_rate, 0.5, 1e-12);
    assert_eq!(c.excess_entropy, None);
    assert!(c.bayes.methods.iter().all(|m| *m == Method::ClosedForm));

    let c = curves("coins:n=2", 21);
    close(c.entropy_rate, 0.63651, 5.1e-6);
    for (l, golden) in
        [(0, 0.05663), (1, 0.05045), (2, 0.04545), (3, 0.04118), (5, 0.03422), (10, 0.02241), (20, 0.01042)]
    {
        close(c.bayes.values[l] - c.entropy_rate, golden, 5.1e-6);
    }
    close(c.excess_entropy.expect("finite"), LN2, 1e-9);
    close(curves("coins:n=10", 4).excess_entropy.expect("finite"), 10f64.ln(), 1e-9);
    close(curves("coins:n=1", 4).excess_entropy.expect("finite"), 0.0, 1e-12);
}

#[test]
fn a_beta_coin_with_any_parameters_agrees_with_its_filter() {
    // Mean predictive entropy by summing over all words of length 6.
    let w = world("beta-coin:a=0.3,b=2");
    let c = Curves::compute(&w, 7, &Budget::default());
    let mut mean = 0.0;
    for word in 0..64u16 {
        let (mut filter, mut distribution, mut probability) = (w.bayes(), [0.0; 2], 1.0);
        for bit in 0..6 {
            filter.predict(&mut distribution);
            let token = word >> bit & 1;
            probability *= distribution[usize::from(token)];
            filter.observe(token);
        }
        filter.predict(&mut distribution);
        mean += probability * entropy::entropy(&distribution);
    }
    close(c.bayes.values[6], mean, 1e-12);
}

#[test]
fn excess_of_a_mixture_is_the_parts_plus_the_topic() {
    // Distinguishable: mean of the parts plus H(w).
    let c = curves(&mixture(&[(1.0, golden_mean()), (3.0, even())]), 30);
    let weights = [0.25, 0.75];
    let expected = 0.25 * 0.174416 + 0.75 * 0.636514 + entropy::entropy(&weights);
    close(c.excess_entropy.expect("finite"), expected, 2e-6);
    // And that is what the curve sums to.
    let long = curves(&mixture(&[(1.0, golden_mean()), (3.0, even())]), 200);
    let sum: f64 = long.bayes.values.iter().map(|h| h - long.entropy_rate).sum();
    close(sum, expected, 1e-5);
    // Identical components are one.
    let c = curves(&mixture(&[(1.0, even()), (3.0, even())]), 5);
    close(c.excess_entropy.expect("finite"), 0.636514, 1e-5);
    close(c.bayes.values[3], 0.53402, 5.1e-6);
    // A component without weight is as good as absent.
    let c = curves(&mixture(&[(1.0, even()), (0.0, golden_mean())]), 5);
    close(c.excess_entropy.expect("finite"), 0.636514, 1e-5);
    // The same process from two different starts: the topic is never fully known.
    let started = |start: &str| even().replacen("{", &format!(r#"{{"start":{start},"#), 1);
    let c = curves(&mixture(&[(1.0, started("[1.0,0.0]")), (1.0, started("[0.0,1.0]"))]), 60);
    let sum: f64 = c.bayes.values.iter().map(|h| h - c.entropy_rate).sum();
    close(c.excess_entropy.expect("finite"), sum, 1e-5);
    assert!(c.excess_entropy.expect("finite") < LN2 + 0.636514);
}

#[test]
fn processes_that_are_not_ergodic_or_not_stationary() {
    // A coin toss decides between all 0 and all 1: the rate is 0 and the excess ln 2.
    let traps = process(2, 3, &[(0, 0, 1, 0.5), (0, 1, 2, 0.5), (1, 0, 1, 1.0), (2, 1, 2, 1.0)]).replacen(
        "{",
        r#"{"start":[1.0,0.0,0.0],"#,
        1,
    );
    let c = curves(&traps, 5);
    close(c.entropy_rate, 0.0, 0.0);
    close(c.excess_entropy.expect("finite"), LN2, 1e-9);
    // Nothing but one token for ever.
    let c = curves(&process(1, 1, &[(0, 0, 0, 1.0)]), 5);
    assert_eq!((c.bayes.values[4], c.entropy_rate, c.excess_entropy), (0.0, 0.0, Some(0.0)));
    // Period 2: ln 2 once.
    let c = curves(&process(2, 2, &[(0, 0, 1, 1.0), (1, 1, 0, 1.0)]), 5);
    close(c.excess_entropy.expect("finite"), LN2, 1e-9);
}

#[test]
fn curves_of_stationary_worlds_never_rise() {
    let specs = ["coins:n=7".into(), "beta-coin:a=0.4,b=3".into(), rrxor(), mess3(0.1, 0.8), "dursley-wonka".into()];
    for spec in specs {
        let c = curves(&spec, 60);
        let exact = c.bayes.methods.iter().take_while(|m| **m != Method::MonteCarlo).count();
        assert!(exact >= 8, "{spec}: {exact}");
        for pair in c.bayes.values[..exact].windows(2) {
            assert!(pair[1] <= pair[0] + 1e-9, "{spec}: {pair:?}");
        }
        assert!(c.bayes.values.iter().all(|h| *h >= c.entropy_rate - 1e-6), "{spec}");
    }
}

#[test]
fn sampling_agrees_with_enumeration() {
    let w = world("coins:n=5");
    let exact = Curves::compute(&w, 40, &Budget::default());
    let sampled = Curves::compute(&w, 40, &Budget { belief_states: 0, ..Budget::default() });
    let errors = sampled.bayes.stderr.expect("sampled");
    assert_eq!(sampled.bayes.methods[20], Method::MonteCarlo);
    for (l, error) in errors.iter().enumerate() {
        let off = (sampled.bayes.values[l] - exact.bayes.values[l]).abs();
        assert!(off <= 4.5 * error + 1e-9, "position {l}: off by {off}, standard error {error}");
    }
}

#[test]
fn markov_curves_are_sound_and_quick() {
    let start = Instant::now();
    let c = curves("markov", 48);
    println!("markov k=3 T=48 took {:?}", start.elapsed());
    let errors = c.bayes.stderr.as_ref().expect("sampled");
    for l in [0, 1, 2, 3, 5, 10, 20, 47] {
        println!("h_{} = {:.5} ± {:.5}", l + 1, c.bayes.values[l], errors[l]);
    }
    println!("rate {:.5} ± {:.5}", c.entropy_rate, c.entropy_rate_stderr.unwrap_or_default());
    close(c.bayes.values[0], 3f64.ln(), 1e-12);
    assert!(c.bayes.values.windows(2).all(|p| p[1] < p[0] + 0.01));
    assert!(c.bayes.values[47] > c.entropy_rate);
    assert_eq!(c.excess_entropy, None);
    // Two states, even rows: h_2 is the entropy of P(stay | x_1).
    let c = curves("markov:k=2", 6);
    let stay = 2.0 * (0.5 - 2.0 / 3.0 * (1.0 - LN2));
    close(c.bayes.values[1], entropy::entropy(&[stay, 1.0 - stay]), 1e-3);
}

#[test]
fn usual_worlds_take_no_time() {
    for spec in ["dursley-wonka", "coins", "coins:n=100", "beta-coin"] {
        let start = Instant::now();
        let c = curves(spec, 128);
        println!("{spec}: {:?}, {} beliefs", start.elapsed(), c.belief_states);
        assert!(c.bayes.stderr.is_none(), "{spec}");
    }
}

#[test]
fn the_training_level_is_what_the_pool_loses() {
    let w = world("coins:n=3");
    let c = Curves::compute(&w, 16, &Budget::default());
    let fresh = Corpus::draw(&w, &Data { length: 16, ..Data::default() }, 1);
    close(levels::training_level(&w, &fresh, &c, 100), levels::mean(&c.bayes.values), 1e-12);
    let set = Corpus::draw(&w, &Data { topics: 300, sequences: 10, length: 16, fresh: false }, 1);
    // Many topics: the pool is nearly the true prior. 3000 sequences of 16 tokens, each with a spread of about .2.
    close(levels::training_level(&w, &set, &c, 3000), levels::mean(&c.bayes.values), 0.01);
}

#[test]
fn the_curve_of_markov_chains_never_rises() {
    let w = World::new(&"markov:k=3".parse().expect("a world")).expect("builds");
    let budget = Budget { monte_carlo_work: 300_000, ..Budget::default() };
    let values = Curves::compute(&w, 24, &budget).bayes.values;
    assert!(values.windows(2).all(|pair| pair[1] <= pair[0] + 1e-12), "{values:?}");
    assert!(values[0] - values[23] > 0.1, "{values:?}");
}

#[test]
fn a_linear_system_has_its_closed_forms() {
    for (spec, d, noise) in
        [("lds", 2.0, 0.1), ("lds:d=3,noise=0.5,start=0", 3.0, 0.5), ("lds:d=5,radius=0.9", 5.0, 0.1)]
    {
        let w = World::new(&spec.parse().expect("a world")).expect("builds");
        let c = Curves::compute(&w, 60, &Budget::default());
        let of = |s: f64| 0.5 * d * (std::f64::consts::TAU * std::f64::consts::E * s * s).ln();
        close(c.entropy_rate, of(noise), 1e-12);
        let first = if spec.contains("start=0") { noise } else { 1.0 };
        for curve in [&c.bayes, &c.oracle, &c.unigram] {
            close(curve.values[0], of(first), 1e-12);
            assert_eq!(curve.methods[0], Method::ClosedForm);
        }
        assert_eq!(c.excess_entropy, None);
        for l in 1..60 {
            let (bayes, error) = (c.bayes.values[l], c.bayes.stderr.as_ref().expect("sampled")[l]);
            let most = if spec.contains("radius") { 0.1 } else { 0.02 };
            assert!(bayes > c.entropy_rate && error < most, "{spec}: {bayes} ± {error}");
            close(c.oracle.values[l], c.entropy_rate, 1e-12);
            assert!(c.unigram.values[l] > bayes - 0.05, "{spec}: {} below {bayes} at {}", c.unigram.values[l], l + 1);
        }
        if spec.contains("start=0") {
            // d²/(2t), less for the prior.
            let late = c.bayes.values[59] - c.entropy_rate;
            assert!(late > 0.3 * 4.5 / 58.0 && late < 4.5 / 58.0, "{late}");
        }
    }
}

/// The curve's own formula against plain surprise, tokens replaced by vectors; the marginal distribution where it is Gaussian.
#[test]
fn the_curves_of_a_linear_system_agree_with_plain_sampling() {
    let w = World::new(&"lds:d=2,sw=0.01,start=0".parse().expect("a world")).expect("builds");
    let c = Curves::compute(&w, 8, &Budget::default());
    for l in 1..8 {
        close(c.unigram.values[l], c.entropy_rate, 0.02);
    }
    let w = World::new(&"lds:d=2,noise=0.3".parse().expect("a world")).expect("builds");
    let distribution = w.linear().expect("linear");
    let topics: Vec<_> = (0..5).map(|i| w.draw_topic(&mut Stream::new(3, Purpose::Topic, i))).collect();
    let theory = linear::LinearTheory::compute(distribution, &topics, 12, &Budget::default());
    let (n, mut sums, mut squares) = (4000, [[0.0; 12]; 3], [0.0; 12]);
    for index in 0..n {
        let mut stream = Stream::new(5, Purpose::MonteCarlo, index);
        let system = distribution.draw(&mut stream);
        let mut row = [0.0; 24];
        distribution.draw_sequence(&system, &mut row, &mut stream);
        let mut forecasters =
            [distribution.bayes(), distribution.least_squares(), distribution.pool(linear::systems(&topics))];
        for (l, x) in row.chunks_exact(2).enumerate() {
            let mean = forecasters[0].predict();
            squares[l] += mean.mean().iter().zip(x).map(|(m, x)| (m - f64::from(*x)).powi(2)).sum::<f64>();
            for (f, sums) in forecasters.iter_mut().zip(&mut sums) {
                sums[l] -= f.log_density(x);
                f.observe(x);
            }
        }
    }
    for l in 0..12 {
        let mean = |sums: &[f64; 12]| sums[l] / n as f64;
        close(mean(&sums[0]), theory.curves.bayes.values[l], 0.08);
        close(mean(&squares), theory.squared_error[l], 0.05 * theory.squared_error[l]);
        let baseline = |name: &str| theory.baselines.iter().find(|r| r.name == name).expect("there").curve.values[l];
        assert!(
            (mean(&sums[1]) - baseline("OLS")).abs() < 0.1 * baseline("OLS").abs().max(1.0),
            "{} {}",
            mean(&sums[1]),
            baseline("OLS")
        );
        assert!((mean(&sums[2]) - baseline("retrieval")).abs() < 0.3, "{} {}", mean(&sums[2]), baseline("retrieval"));
    }
}
