use serde_json::json;

use super::*;
use crate::probe::testing::Run;

/// A learner that says what the predictors called so say, mixed.
fn learner(tab: &Algorithm, ensemble: usize, weights: &[(&str, f64)]) -> Seen {
    Seen { law: tab.yardsticks.mixed(tab.ensembles[ensemble], weights), ..Seen::default() }
}

fn give(tab: &mut Algorithm, step: usize, weights: &[(&str, f64)]) {
    for ensemble in 0..tab.ensembles.len() {
        tab.take(ensemble, step, learner(tab, ensemble, weights));
    }
}

#[test]
fn it_says_what_the_model_is_nearest_to() {
    let run = Run::new("markov:k=3", |e| {
        e.data.fresh = false;
        e.data.topics = 4;
        e.training.steps = 100;
        e.evaluation.sequences = 128;
    });
    let mut tab = Algorithm::open(&run.setting()).expect("a tab");
    assert_eq!(tab.wishes().len(), 2);
    assert!(tab.wishes().iter().all(|wish| wish.rows.len() == 128 * 32));
    let journal = run.journal(&[0, 10, 100]);
    assert!(tab.html(&journal, 0).contains("Appears after the first recorded step"));
    give(&mut tab, 0, &[("uniform", 1.0)]);
    give(&mut tab, 10, &[("inference", 1.0)]);
    give(&mut tab, 100, &[("retrieval", 0.8), ("inference", 0.2)]);
    let html = tab.html(&journal, 100);
    let told = html.split("<div").next().unwrap_or_default();
    assert!(told.contains("At step 100, named within 0.05 nats per token: retrieval on fresh topics ("), "{told}");
    assert!(told.contains("and retrieval on training topics ("), "{told}");
    assert!(
        told.contains("the mixture that comes nearest is 80% retrieval and 20% inference; next to nothing is left"),
        "{told}"
    );
    assert!(told.contains("comes and goes") && told.contains("at step 10, and is"), "{told}");
    assert!(tab.html(&journal, 50).contains("At step 10, named within 0.05 nats per token: inference on fresh topics"));
    assert_eq!(html.matches("<figure class=\"picture\">").count(), 4);
    // The switch.
    let press = |index: usize| Message(json!({"inside": "ensemble", "index": index.to_string()}));
    assert!(tab.told(&press(1)) && !tab.told(&press(1)) && !tab.told(&press(7)));
    assert!(tab.html(&journal, 100).contains("On training topics the mixture that comes nearest is"));
    // Both directions stand side by side.
    assert!(html.contains("KL(predictor ‖ model)") && html.contains("<th scope=\"row\">inference"));
    let csv = tab.csv(&journal);
    assert!(csv.lines().all(|line| line.split(',').count() == 9));
    let predictors = tab.yardsticks.predictors().len();
    assert_eq!(csv.lines().count(), 1 + 3 * 2 * (predictors * 33 + 1));
    tab.forget();
    assert!(tab.html(&journal, 0).contains("Appears after the first recorded step") && tab.chosen == 1);
}

#[test]
fn what_comes_must_stay_away_to_have_gone() {
    let curve = |values: &[f64], stderr: f64| {
        let measured = values.iter().enumerate().map(|(i, v)| (10 * i, Measured { value: *v, stderr }));
        Transience::of(&measured.collect::<Vec<_>>())
    };
    let pass = curve(&[0.5, 0.1, 0.02, 0.3], 0.01).expect("it passes");
    assert_eq!((pass.nearest.0, pass.last.0), (20, 30));
    // Falls only; rises only; rises by no more than chance; wavers.
    assert_eq!(curve(&[0.5, 0.1, 0.02], 0.01), None);
    assert_eq!(curve(&[0.02, 0.1, 0.5], 0.01), None);
    assert_eq!(curve(&[0.5, 0.1, 0.02, 0.1], 0.05), None);
    assert_eq!(curve(&[0.5, 0.1, 0.02, 0.03], 0.001), None);
    assert_eq!(curve(&[], 0.001), None);
}

#[test]
fn what_is_far_from_all_is_called_none_of_these() {
    let run = Run::new("markov:k=3", |e| {
        e.data.fresh = false;
        e.data.topics = 4;
        e.evaluation.sequences = 32;
    });
    let mut tab = Algorithm::open(&run.setting()).expect("a tab");
    let journal = run.journal(&[0]);
    // A model that is nearly sure of the first token, always: near to nothing that there is.
    for ensemble in 0..2 {
        let cells = tab.yardsticks.rows(tab.ensembles[ensemble]).expect("rows").len();
        let law = [0.998f32, 0.001, 0.001].map(f32::ln).repeat(cells);
        tab.take(ensemble, 0, Seen { law, ..Seen::default() });
    }
    let told = tab.sentences(0).remove(0);
    assert!(
        told.contains("none of these on fresh topics (the nearest, ") && told.contains(" nats per token away)"),
        "{told}"
    );
    assert!(told.contains("none of these on training topics"), "{told}");
    assert!(tab.html(&journal, 0).contains("only where KL(model ‖ predictor) is at most 0.05 nats per token"));
}
