//! Loss on components and on events, as a run of a sweep measures them.

use super::*;
use crate::{
    engine::cell,
    experiment::{Sweep, sweep::Cell},
    protocol::{DeviceChoice, Outcome},
    sweep::Run,
};

fn run(experiment: &Experiment) -> Outcome {
    pollster::block_on(cell::run(experiment, DeviceChoice::Cpu, &mut |_| ())).expect("a sound run")
}

/// Two coins that are told apart at once or never: P(0) is .02 and .6.
fn experiment() -> Experiment {
    let world = r#"{"mixture": [{"weight": 1, "world": "coin:p=0.02"}, {"weight": 3, "world": "coin:p=0.6"}]}"#;
    let mut experiment = Experiment { world: world.parse().expect("a world"), ..Experiment::default() };
    (experiment.data.length, experiment.training.steps, experiment.evaluation.every) = (16, 150, 50);
    (experiment.net.blocks, experiment.net.width) = (1, 16);
    (experiment.evaluation.sequences, experiment.evaluation.most) = (1024, 1024);
    experiment
}

#[test]
fn a_run_measures_what_it_is_asked_for_and_nothing_else() {
    let plain = run(&experiment());
    assert!(plain.record.components.is_empty() && plain.record.events.is_empty());
    assert_eq!(plain.record.step, [0, 50, 100, 150]);

    let mut asked = experiment();
    (asked.evaluation.components, asked.evaluation.events) = (true, true);
    let outcome = run(&asked);
    // Measuring changes nothing of the run, but that early steps are evaluated too.
    assert_eq!(outcome.record.step, [0, 1, 2, 4, 8, 16, 32, 50, 100, 150]);
    assert_eq!((outcome.two_level, outcome.record.two_level.last()), (plain.two_level, plain.record.two_level.last()));

    let record = &outcome.record;
    let names: Vec<(usize, &str)> = record.components.iter().map(|c| (c.component, c.name.as_str())).collect();
    assert_eq!(names, [(0, "coin:p=0.02"), (1, "coin:p=0.6")]);
    assert!(
        record.components.iter().all(|c| c.excess.len() == record.step.len() && c.stderr.len() == record.step.len())
    );
    // By their weights they are the whole, whose record is reported beyond who knows the coin. Which share of its sequences is of
    // which coin is random.
    let entropy = |p: f64| -p * f64::ln(p) - (1.0 - p) * f64::ln(1.0 - p);
    for at in [0, record.step.len() - 1] {
        let excess = 0.25 * record.components[0].excess[at] + 0.75 * record.components[1].excess[at];
        let bayes = 0.25 * record.components[0].bayes + 0.75 * record.components[1].bayes;
        let known = 0.25 * entropy(0.02) + 0.75 * entropy(0.6);
        let (whole, recorded) = (bayes + excess - known, record.two_level[at]);
        assert!(bayes > known && (whole - recorded).abs() < 0.2 * recorded + 0.005, "{at}: {whole} for {recorded}");
    }
    // The untrained model knows nothing of either, and both are learned.
    assert!(record.components.iter().all(|c| c.excess[0] > 5.0 * c.excess[record.step.len() - 1].abs()), "{record:?}");
    let events: Vec<&str> = record.events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(events, ["never before", "once before", "2 or 3 times", "4 times or more"]);
    assert!(record.events.iter().all(|event| event.excess.len() == record.step.len()));

    let sweep = Sweep::parse_grid(asked, "seed=1").expect("a grid");
    let [cell]: [Cell; 1] = sweep.cells().expect("a cell").try_into().expect("one");
    let metrics = Run::new(&cell, &outcome, None).metrics;
    let learned = metrics.get("learned_4_times_or_more").expect("learned").value;
    assert!(record.step.contains(&(learned as usize)) && learned > 0.0, "{learned}");
    assert_eq!(
        metrics.get("component_1_excess").map(|m| Some(m.value)),
        Some(record.components[1].excess.last().copied())
    );
    // What was recorded before is read as what asked for nothing.
    let mut text = serde_json::to_value(&plain).expect("JSON");
    for name in ["events", "components"] {
        assert!(text["record"].as_object_mut().is_some_and(|record| record.remove(name).is_some()));
    }
    assert_eq!(serde_json::from_value::<Outcome>(text).expect("an outcome").record, plain.record);
}
