use charts::{
    chart::{Chart, View},
    report,
    theme::Theme,
};
use serde_json::json;

use super::*;
use crate::{
    experiment::WorldSpec,
    number,
    probe::{self, Activations, Probe, RunRecord, reference::Reference, testing::Run},
    world::{Rows, Topic, World},
};

/// Two coins with P(0) = 1/3 and 2/3.
fn coins() -> Run {
    Run::new("coins:n=2", |experiment| experiment.data.length = 8)
}

/// Gives the page what was measured; whether there was anything.
fn add(tab: &mut Coupling, measured: Option<probe::Measurement>) -> bool {
    match measured {
        Some(probe::Measurement::Coupling(measured)) => {
            tab.add(measured);
            true
        }
        _ => false,
    }
}

/// The whole tab as a file holds it.
fn html(tab: &Coupling, record: &RunRecord, choice: &Choice) -> String {
    report::html(&tab.blocks(record, record.last(), choice), &Theme::light())
}

/// Every sequence of 8 tosses as often as the coin with P(0) = 1/3 brings it: 2 to the number of 1s, of 3^8 in all. Means over them
/// are expectations, exactly.
fn every_sequence(world: &World) -> Reference {
    let mut tokens: Vec<u16> = Vec::new();
    for bits in 0u16..256 {
        let row: Vec<u16> = (0..8).map(|i| bits >> i & 1).collect();
        (0..1 << bits.count_ones()).for_each(|_| tokens.extend(&row));
    }
    assert_eq!(tokens.len(), 8 * 6561);
    Reference::new(tokens, 8, world.oracle(&Topic::Component(0)), true)
}

/// E_c ln(P_c / (w P_c + (1 − w) P_d)) over all sequences of 8: by the number of 0s.
fn closed_form(w: f64) -> f64 {
    let probability = |p: f64, k: i32| p.powi(k) * (1.0 - p).powi(8 - k);
    let choose = [1.0, 8.0, 28.0, 56.0, 70.0, 56.0, 28.0, 8.0, 1.0];
    (0..=8)
        .map(|k| {
            let (own, other) = (probability(1.0 / 3.0, k), probability(2.0 / 3.0, k));
            choose[k as usize] * own * (own / (w * own + (1.0 - w) * other)).ln()
        })
        .sum()
}

#[test]
fn the_regret_of_bayes_is_the_closed_form_and_within_its_bound() {
    let run = coins();
    let (mut tab, _) = open(&run.setting()).unwrap();
    tab.reference = every_sequence(&run.world);
    for w in [0.5, 0.9, 0.1, 0.001] {
        let cost = tab.cost(&[w, 1.0 - w]).unwrap();
        let total = cost.total().value;
        assert!((total - closed_form(w)).abs() < 1e-6, "{w}: {total}, not {}", closed_form(w));
        // Every prefix, so every length.
        assert!(cost.regret.iter().all(|m| m.value <= -f64::ln(w) + 1e-9));
        assert!(cost.regret.windows(2).all(|pair| pair[0].value <= pair[1].value + 1e-12));
    }
    // Not normalised weights are the same weights.
    let (a, b) = (tab.cost(&[0.2, 0.6]).unwrap(), tab.cost(&[0.25, 0.75]).unwrap());
    assert!((a.total().value - b.total().value).abs() < 1e-12);
    assert!(tab.cost(&[0.0, 0.0]).is_none());
}

#[test]
fn dropped_it_is_bayes_without_it() {
    let run = coins();
    let (mut tab, _) = open(&run.setting()).unwrap();
    tab.reference = every_sequence(&run.world);
    // Only the other coin is left: at each toss ln 2 / 3 lost, KL of (1/3, 2/3) from (2/3, 1/3).
    let cost = tab.cost(&[0.0, 1.0]).unwrap();
    assert!(cost.excess.iter().all(|m| (m.value - std::f64::consts::LN_2 / 3.0).abs() < 1e-7));
    // Only this one: nothing lost, up to the rounding of distributions that are kept as f32.
    assert!(tab.cost(&[1.0, 0.0]).unwrap().total().value.abs() < 1e-6);
}

#[test]
fn a_model_that_is_bayes_has_its_curves() {
    let run = Run::new("dursley-wonka", |experiment| experiment.data.length = 12);
    let record = run.record(&[0, 5]);
    let (mut probe, mut tab) = open(&run.setting()).unwrap();
    let first = tab.first_choice();
    assert!(html(&tab, &record, &first).contains("appears when"));
    // What exact Bayes says of the sequences, as a model would say it.
    let Rows::Tokens(tokens) = probe.reference.rows.as_ref() else { panic!("tokens") };
    let (mut bayes, mut p, mut distribution) = (run.world.bayes(), vec![0.0; 5], Vec::new());
    for row in tokens.chunks_exact(12) {
        bayes.reset();
        for token in row {
            bayes.predict(&mut p);
            bayes.observe(*token);
            distribution.extend(p.iter().map(|p| p.max(1e-30).ln() as f32));
        }
    }
    for request in [0, 1] {
        let measured =
            probe.measure(request, 5, Activations { distribution: distribution.clone(), ..Activations::default() });
        assert!(add(&mut tab, measured));
    }
    let (_, model) = tab.model.as_ref().unwrap();
    let exact = &tab.sequences.bayes;
    for (model, bayes) in model.regret.iter().zip(&exact.regret) {
        assert!((model.value - bayes.value).abs() < 1e-5 && (model.stderr - bayes.stderr).abs() < 1e-5);
    }
    assert!((tab.totals[&5].value - exact.total().value).abs() < 1e-5);
    // Half of the stories: the name comes once, and half a bit is the most that it can cost.
    assert!(exact.total().value < 2f64.ln() + 3.0 * exact.total().stderr);
    let page = html(&tab, &record, &first);
    assert!(page.contains("(weight 0.500)") && page.contains("ln(1/0.500) = 0.693"), "{page}");
    assert!(!page.contains("your weights"));
    assert!(tab.csv().contains(",5,12,regret of the model,"));
    // Not a mixture that a reader wrote: there is no draft to offer.
    let other = Choice { weights: vec![0.1, 0.5], ..first };
    assert!(tab.changed(&other) && tab.draft(&record, &other).is_none());
    assert!(probe.measure(0, 0, Activations::default()).is_none());
}

#[test]
fn pointing_at_a_curve_reads_what_was_measured() {
    let run = coins();
    let record = run.record(&[0, 5]);
    let (mut probe, mut tab) = open(&run.setting()).unwrap();
    // Another guess on each sequence.
    let guess = |i: usize| [0.3 + 0.05 * (i / 8 % 8) as f32, 0.7 - 0.05 * (i / 8 % 8) as f32].map(f32::ln);
    let distribution: Vec<f32> = (0..probe.reference.rows.len()).flat_map(guess).collect();
    let activations = Activations { distribution, ..Activations::default() };
    for (request, step) in [(0, 5), (1, 0), (1, 5)] {
        let measured = probe.measure(request, step, activations.clone());
        assert!(add(&mut tab, measured));
    }
    let choice = Choice { component: 0, weights: vec![0.9, 0.1] };
    let measured = probe.choose(&probe::Choice::Weights(choice.weights.clone()));
    add(&mut tab, measured);
    let view = View::new(520.0, 320.0, Theme::light());
    let said = |chart: &dyn Chart, at: f64, name: &str| {
        let readout = chart.readout(&view, at).expect("a place");
        readout.lines.iter().find(|l| l.name == name).unwrap_or_else(|| panic!("{name}: {readout:?}")).value.clone()
    };
    let (model, what_if) = (&tab.model.as_ref().unwrap().1, probe.cost(&choice.weights).unwrap());
    let regret = tab.regret_chart(&choice);
    for l in [0, 4, 7] {
        let m = model.regret[l];
        let at = (l + 1) as f64;
        assert_eq!(said(&regret, at, "model"), format!("{} nats", number::with_error(m.value, m.stderr)));
        let expected = format!("{} nats", number::precise(what_if.regret[l].value));
        assert_eq!(said(&regret, at, "Bayes, your weights"), expected);
        let floor = format!("{} nats per token", number::precise(tab.sequences.floor[l].value));
        assert_eq!(said(&tab.loss_chart(&choice), at, "oracle"), floor);
    }
    assert_eq!(said(&regret, 1.0, "ln(1/w), yours"), format!("{} nats", number::precise(-0.9f64.ln())));
    let total = tab.totals[&5];
    let expected = format!("{} nats", number::with_error(total.value, total.stderr));
    assert_eq!(said(&tab.training_chart(&record, 5), 5.0, "model"), expected);
}

#[test]
fn the_readers_weights_make_a_draft() {
    let world =
        r#"{"mixture":[{"weight":2,"world":"coin"},{"weight":1,"world":"golden-mean"},{"weight":1,"world":"even"}]}"#;
    let run = Run::new("coin", |experiment| {
        experiment.world = WorldSpec::from_json(world).unwrap();
        experiment.data.length = 12;
    });
    let record = run.record(&[0]);
    let (mut probe, mut tab) = open(&run.setting()).unwrap();
    assert!(tab.draft(&record, &tab.first_choice()).is_none(), "nothing was changed");
    let mut choice = Choice { component: 1, ..tab.first_choice() };
    assert!(html(&tab, &record, &choice).contains("Computing what exact Bayes pays on sequences of golden-mean."));
    let measured = probe.choose(&probe::Choice::Component(1));
    assert!(add(&mut tab, measured) && probe.requests()[0].key == 1);
    // What does not exist changes nothing.
    for other in [probe::Choice::Component(7), probe::Choice::Weights(vec![1.0]), probe::Choice::Weights(vec![-1.0; 3])]
    {
        assert!(probe.choose(&other).is_none());
    }
    choice.weights = vec![0.0, 0.25, 0.75];
    // Golden mean .25 of 1, even .75 of 1; the coin is dropped.
    let draft = tab.draft(&record, &choice).unwrap();
    let expected = json!({"mixture": [{"weight": 0.25, "world": "golden-mean"}, {"weight": 0.75, "world": "even"}]});
    assert_eq!(serde_json::to_value(&draft).unwrap(), expected);
    assert!(WorldSpec::from_json(&expected.to_string()).is_ok());
    // The weight is seen at once, and what Bayes would pay when it is computed.
    let mut ask = |tab: &mut Coupling, choice: &Choice| {
        let waits = html(tab, &record, choice);
        let measured = probe.choose(&probe::Choice::Weights(choice.weights.clone()));
        assert!(add(tab, measured));
        (waits, html(tab, &record, choice))
    };
    let (waits, done) = ask(&mut tab, &choice);
    assert!(waits.contains("With weight 0.250 instead: computing what"), "{waits}");
    assert!(waits.contains("<td>0.750</td>") && !waits.contains("your weights"), "{waits}");
    assert!(
        done.contains("With weight 0.250 instead, exact Bayes would pay") && done.contains("your weights"),
        "{done}"
    );
    assert!(tab.csv().contains("regret of Bayes under other weights"));
    // Dropped itself.
    choice.weights[1] = 0.0;
    assert!(ask(&mut tab, &choice).1.contains("Without golden-mean among its components"));
    choice.weights[2] = 0.0;
    assert!(ask(&mut tab, &choice).1.contains("give one of them a weight") && tab.draft(&record, &choice).is_none());
    choice.weights.clone_from(&tab.trained);
    assert!(!tab.changed(&choice));
    // What was on its way when another component was chosen is not taken for it.
    add(
        &mut tab,
        Some(probe::Measurement::Coupling(Measurement::Model { component: 0, step: 0, cost: Cost::default() })),
    );
    assert!(tab.model.is_none());
}

#[test]
fn with_a_training_set_the_weights_are_those_of_its_topics() {
    let run = Run::new("coins:n=3", |experiment| {
        (experiment.data.fresh, experiment.data.topics, experiment.data.sequences) = (false, 8, 2);
        experiment.data.length = 8;
    });
    let (_, tab) = open(&run.setting()).unwrap();
    let drawn = run.corpus.topics().unwrap();
    for c in 0..3 {
        let count = drawn.iter().filter(|t| **t == Topic::Component(c)).count();
        assert!((tab.trained[c] - count as f64 / 8.0).abs() < 1e-12);
    }
    assert!(html(&tab, &run.record(&[0]), &tab.first_choice()).contains("training topic"));
    for (world, word) in [("coin", "single component"), ("beta-coin", "continuum"), ("lds", "continuum")] {
        let why = open(&Run::new(world, |_| {}).setting()).err().unwrap();
        assert!(why.contains(word) && why.ends_with('.'), "{world}: {why}");
    }
}
