use super::*;
use crate::probe::testing::Run;

/// Two coins with P(0) = 1/3 and 2/3.
fn coins() -> Run {
    Run::new("coins:n=2", |experiment| experiment.data.length = 8)
}

fn told(tab: &mut Coupling, about: &str, more: &[(&str, &str)]) -> bool {
    let mut value = json!({"inside": about});
    more.iter().for_each(|(name, v)| value[*name] = (*v).into());
    tab.told(&Message(value))
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
    let chance = |p: f64, k: i32| p.powi(k) * (1.0 - p).powi(8 - k);
    let choose = [1.0, 8.0, 28.0, 56.0, 70.0, 56.0, 28.0, 8.0, 1.0];
    (0..=8)
        .map(|k| {
            let (own, other) = (chance(1.0 / 3.0, k), chance(2.0 / 3.0, k));
            choose[k as usize] * own * (own / (w * own + (1.0 - w) * other)).ln()
        })
        .sum()
}

#[test]
fn the_regret_of_bayes_is_the_closed_form_and_within_its_bound() {
    let run = coins();
    let mut tab = Coupling::open(&run.setting()).unwrap();
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
    let mut tab = Coupling::open(&run.setting()).unwrap();
    tab.reference = every_sequence(&run.world);
    // Only the other coin is left: at each toss ln 2 / 3 lost, KL of (1/3, 2/3) from (2/3, 1/3).
    let cost = tab.cost(&[0.0, 1.0]).unwrap();
    assert!(cost.excess.iter().all(|m| (m.value - std::f64::consts::LN_2 / 3.0).abs() < 1e-7));
    // Only this one: nothing lost, up to the rounding of laws that are kept as f32.
    assert!(tab.cost(&[1.0, 0.0]).unwrap().total().value.abs() < 1e-6);
}

#[test]
fn a_model_that_is_bayes_has_its_curves() {
    let run = Run::new("dursley-wonka", |experiment| experiment.data.length = 12);
    let journal = run.journal(&[0, 5]);
    let mut tab = Coupling::open(&run.setting()).unwrap();
    assert!(tab.html(&journal, 5).contains("appears when"));
    // What exact Bayes says of the sequences, as a learner would say it.
    let crate::world::Rows::Tokens(tokens) = tab.reference.rows.as_ref() else { panic!("tokens") };
    let (mut bayes, mut law, mut laws) = (run.world.bayes(), vec![0.0; 5], Vec::new());
    for row in tokens.chunks_exact(12) {
        bayes.reset();
        for token in row {
            bayes.predict(&mut law);
            bayes.observe(*token);
            laws.extend(law.iter().map(|p| p.max(1e-30).ln() as f32));
        }
    }
    tab.take(0, 5, Seen { law: laws.clone(), ..Seen::default() });
    tab.take(1, 5, Seen { law: laws, ..Seen::default() });
    let (_, model) = tab.model.as_ref().unwrap();
    for (model, bayes) in model.regret.iter().zip(&tab.bayes.regret) {
        assert!((model.value - bayes.value).abs() < 1e-5 && (model.stderr - bayes.stderr).abs() < 1e-5);
    }
    assert!((tab.totals[&5].value - tab.bayes.total().value).abs() < 1e-5);
    // Half of the stories: the name is told once, and half a bit is the most that it can cost.
    assert!(tab.bayes.total().value < 2f64.ln() + 3.0 * tab.bayes.total().stderr);
    let html = tab.html(&journal, 5);
    assert!(html.contains("(weight 0.500)") && html.contains("ln(1/0.500) = 0.693"), "{html}");
    assert!(html.matches(PIECE).count() < 12 && !html.contains("your weights"));
    assert!(tab.csv(&journal).contains(",5,12,regret of the model,"));
    // Not a mixture that a reader wrote: there is no draft to offer.
    told(&mut tab, "weight", &[("component", "0"), ("value", "10")]);
    assert!(tab.draft().is_none());
    tab.forget();
    assert!(tab.model.is_none() && tab.totals.is_empty());
    tab.take(0, 0, Seen::default());
    assert!(tab.model.is_none());
}

#[test]
fn the_readers_weights_make_a_draft() {
    let world =
        r#"{"mixture":[{"weight":2,"world":"coin"},{"weight":1,"world":"golden-mean"},{"weight":1,"world":"even"}]}"#;
    let run = Run::new("coin", |experiment| {
        experiment.world = WorldSpec::from_json(world).unwrap();
        experiment.data.length = 12;
    });
    let journal = run.journal(&[0]);
    let mut tab = Coupling::open(&run.setting()).unwrap();
    assert!(!tab.html(&journal, 0).contains("data-inside-draft"), "nothing was changed");
    assert!(told(&mut tab, "component", &[("value", "1")]) && tab.wishes()[0].key == 1);
    assert!(
        !told(&mut tab, "component", &[("value", "7")])
            && !told(&mut tab, "weight", &[("component", "7"), ("value", "1")])
    );
    told(&mut tab, "weight", &[("component", "0"), ("value", "0")]);
    told(&mut tab, "weight", &[("component", "2"), ("value", "75")]);
    // Golden mean .25 of 1, even .75 of 1; the coin is dropped.
    let draft: serde_json::Value = serde_json::from_str(&tab.draft().unwrap()).unwrap();
    let expected =
        json!({"world": {"mixture": [{"weight": 0.25, "world": "golden-mean"}, {"weight": 0.75, "world": "even"}]}});
    assert_eq!(draft, expected);
    assert!(WorldSpec::from_json(&draft["world"].to_string()).is_ok());
    let html = tab.html(&journal, 0);
    assert!(
        html.contains("data-inside-draft=\"{&quot;world&quot;") && html.contains("With weight 0.250 instead"),
        "{html}"
    );
    // Dropped itself.
    told(&mut tab, "weight", &[("component", "1"), ("value", "0")]);
    assert!(tab.html(&journal, 0).contains("Without golden-mean among its components"));
    told(&mut tab, "weight", &[("component", "2"), ("value", "0")]);
    assert!(tab.html(&journal, 0).contains("give one of them a weight") && tab.draft().is_none());
    assert!(told(&mut tab, "reset", &[]) && !tab.changed());
}

#[test]
fn with_a_training_set_the_weights_are_those_of_its_topics() {
    let run = Run::new("coins:n=3", |experiment| {
        (experiment.data.fresh, experiment.data.topics, experiment.data.sequences) = (false, 8, 2);
        experiment.data.length = 8;
    });
    let tab = Coupling::open(&run.setting()).unwrap();
    let drawn = run.corpus.topics().unwrap();
    for c in 0..3 {
        let count = drawn.iter().filter(|t| **t == Topic::Component(c)).count();
        assert!((tab.trained[c] - count as f64 / 8.0).abs() < 1e-12);
    }
    assert!(tab.html(&run.journal(&[0]), 0).contains("training topic"));
    for (world, word) in [("coin", "single component"), ("beta-coin", "continuum"), ("lds", "continuum")] {
        let why = Coupling::open(&Run::new(world, |_| {}).setting()).err().unwrap();
        assert!(why.contains(word) && why.ends_with('.'), "{world}: {why}");
    }
}
