use super::*;
use crate::{app::charts::fixtures, protocol::Frame};

fn frame(first: usize, losses: Vec<f64>) -> Event {
    Event::Frame(Frame {
        step: first + losses.len() - 1,
        first,
        training_loss: losses,
        steps_per_second: None,
        tokens_per_second: None,
        seconds_left: None,
        evaluation_share: 0.0,
    })
}

#[test]
fn memory_is_bounded_over_a_million_steps() {
    let mut experiment = Experiment::default();
    experiment.training.steps = 1_000_000;
    let mut history = History::new(&experiment);
    for block in 0..1000 {
        history.apply(&frame(block * 1000 + 1, (0..1000).map(|i| 1.0 + 0.001 * f64::from(i % 7)).collect()));
    }
    let buckets = history.training().buckets();
    assert!(buckets.len() <= MAX_BUCKETS && buckets.len() > MAX_BUCKETS / 4);
    assert_eq!(buckets[0].first, 1);
    assert_eq!(history.training().last_step(), 1_000_000);
    for pair in buckets.windows(2) {
        assert_eq!(pair[0].last + 1, pair[1].first, "no step is lost or counted twice");
    }
    let weighted: f64 = buckets.iter().map(|b| b.mean * (b.last - b.first + 1) as f64).sum();
    let truth: f64 = 1000.0 * (0..1000).map(|i| 1.0 + 0.001 * f64::from(i % 7)).sum::<f64>();
    assert!((weighted - truth).abs() < 1e-6 * truth);
}

#[test]
fn evaluations_are_thinned_evenly_and_the_latest_stays() {
    let mut history = History::new(&Experiment::default());
    for step in 0..20_000 {
        history.apply(&Event::Evaluation(fixtures::evaluation(step, 0.5)));
    }
    let steps: Vec<usize> = history.evaluations().map(|p| p.step).collect();
    assert!(steps.len() <= MAX_EVALUATIONS + 1 && steps.len() > MAX_EVALUATIONS / 3, "{}", steps.len());
    assert_eq!(steps.last(), Some(&19_999));
    assert_eq!(steps[0], 0);
    let gaps: Vec<usize> = steps[..steps.len() - 1].windows(2).map(|w| w[1] - w[0]).collect();
    assert!(gaps.iter().all(|&g| g == gaps[0]), "{gaps:?}");
}

#[test]
fn recorded_steps_can_be_looked_at() {
    let mut history = History::new(&Experiment::default());
    for step in 0..=1000 {
        history.apply(&Event::Evaluation(fixtures::evaluation(step, 1.0 / (1 + step) as f64)));
        history.apply(&Event::Samples(Samples { step, ..fixtures::samples() }));
    }
    let steps: Vec<usize> = history.recorded().collect();
    assert_eq!(steps[..9], [0, 1, 2, 4, 8, 16, 32, 50, 100]);
    assert_eq!(steps[steps.len() - 3..], [700, 800, 1000], "log-spaced, and the latest");
    assert_eq!((history.shown(), history.evaluation().map(|e| e.step)), (None, Some(1000)));
    history.show(Some(7));
    assert_eq!((history.shown(), history.evaluation().map(|e| e.step)), (Some(50), Some(50)));
    assert_eq!((history.samples().map(|s| s.step), history.point().map(|p| p.step)), (Some(50), Some(50)));
    // What comes meanwhile does not move what is looked at, and the last one is the latest.
    history.apply(&Event::Evaluation(fixtures::evaluation(1001, 0.5)));
    assert_eq!(history.shown(), Some(50));
    let last = history.recorded().len() - 1;
    history.show(Some(last));
    assert_eq!((history.shown(), history.evaluation().map(|e| e.step)), (None, Some(1001)));
    history.show(Some(7));
    history.reset_for(&Experiment::default());
    assert_eq!((history.shown(), history.recorded().len()), (None, 0));
}

/// A run of `experiment`, evaluated at a step, as it is drawn beside another.
fn earlier(experiment: &Experiment, step: usize) -> EarlierRun {
    let mut history = History::new(experiment);
    assert_eq!(history.as_earlier(), None, "nothing had run");
    history.apply(&frame(1, (1..=step).map(fixtures::training_loss).collect()));
    history.apply(&Event::Evaluation(fixtures::evaluation(step, 0.5)));
    history.as_earlier().expect("a run that was evaluated")
}

#[test]
fn a_run_of_several_seeds_stays_as_their_mean() {
    let experiment = Experiment { seed: 0, ..Experiment::default() };
    let mut history = History::new(&experiment);
    history.set_seeds(3);
    let of = |steps: usize, loss: f64| frame(1, vec![loss; steps]);
    history.apply(&of(20, 3.0));
    history.apply(&Event::Evaluation(fixtures::evaluation(10, 0.3)));
    history.apply(&Event::Evaluation(fixtures::evaluation(20, 0.1)));
    for (seed, loss) in [(1, 1.0), (2, 2.0)] {
        history.apply_seed(seed, &of(10, loss));
        history.apply_seed(seed, &Event::Evaluation(fixtures::evaluation(10, 0.3 * loss)));
    }
    let beside = history.as_earlier().expect("a run that was evaluated");
    // What all of them have reached.
    assert_eq!((beside.seeds, beside.step), (3, 10));
    assert_eq!(beside.training.last(), Some(&(10, 2.0)));
    let of = |excess: f64| fixtures::evaluation(10, excess).model;
    for (at, mean) in beside.model.iter().enumerate() {
        let expected = (of(0.3)[at] + of(0.3)[at] + of(0.6)[at]) / 3.0;
        assert!((mean - expected).abs() < 1e-12, "position {at}: {mean}, not {expected}");
    }
    let mut now = History::new(&experiment);
    now.set_earlier(vec![beside]);
    assert_eq!(now.earlier().map(|(_, label)| label).collect::<Vec<_>>(), ["same settings, 3 seeds, step 10"]);
}

#[test]
fn a_run_beside_this_one_is_named_by_what_differs() {
    let mut experiment = Experiment::default();
    experiment.data.fresh = false;
    let mut history = History::new(&experiment);
    let mut runs = Vec::new();
    for topics in [4, 8] {
        experiment.data.topics = topics;
        runs.push(earlier(&experiment, 10));
    }
    runs.push(earlier(&experiment, experiment.steps()));
    experiment.training.learning_rate = 0.01;
    runs.push(earlier(&experiment, 10));
    (experiment.net.architecture, experiment.net.heads) = (experiment::Architecture::Gru, 2);
    runs.push(earlier(&experiment, 10));
    let mut now = Experiment::default();
    now.data.fresh = false;
    history.reset_for(&now);
    assert!(history.set_earlier(runs.clone()).loss_by_position);
    assert!(!history.set_earlier(runs).any(), "nothing new");
    let labels: Vec<String> = history.earlier().map(|(_, label)| label).collect();
    let first = ["K = 4, step 10", "K = 8, step 10", "K = 8", "K = 8, learning rate = 0.01, step 10"];
    assert_eq!(labels[..4], first);
    // Heads have no say in a recurrent net.
    assert!(labels[4].starts_with("K = 8, ") && labels[4].ends_with("+1, step 10"), "{}", labels[4]);
    now.world = experiment::WorldSpec::named(&experiment::world::KINDS[1]);
    history.reset_for(&now);
    assert_eq!(history.earlier().count(), 0, "another world's curve says nothing here");
}

#[test]
fn a_training_curve_beside_another_has_few_points_and_the_last() {
    let mut experiment = Experiment::default();
    experiment.training.steps = 3000;
    let run = earlier(&experiment, 3000);
    assert!(run.training.len() <= EARLIER_POINTS && run.training.len() > EARLIER_POINTS / 2);
    assert_eq!(run.training.last().map(|(step, _)| *step), Some(3000));
    assert!(run.training.is_sorted_by(|a, b| a.0 < b.0));
}

#[test]
fn the_theory_stays_while_it_is_true() {
    let mut experiment = Experiment::default();
    let mut history = fixtures::history(&experiment, 40);
    experiment.training.steps += 1;
    history.reset_for(&experiment);
    assert!(history.theory().is_some() && history.evaluation().is_none());
    experiment.data.length = 16;
    history.reset_for(&experiment);
    assert!(history.theory().is_none());
}

#[test]
fn events_say_what_they_changed() {
    let mut history = History::new(&Experiment::default());
    assert_eq!(history.apply(&Event::Ready), Changed::NONE);
    let changed = history.apply(&frame(1, vec![1.6, 1.5]));
    assert!(changed.training_loss && !changed.loss_by_position);
    let changed = history.apply(&Event::Evaluation(fixtures::evaluation(2, 0.5)));
    assert!(changed.loss_by_position && changed.bound && changed.losses && !changed.training_loss);
    assert!(!history.apply(&frame(3, vec![])).any());
    assert_eq!(history.step(), 2);
    // A NaN never reaches a chart, and a repeated frame draws nothing twice.
    history.apply(&frame(1, vec![1.0, 1.0]));
    history.apply(&frame(3, vec![f64::NAN]));
    assert_eq!(history.training().last_step(), 2);
}

#[test]
fn a_model_below_bayes_is_noticed() {
    let mut history = History::new(&Experiment::default());
    let mut evaluation = fixtures::evaluation(2, 0.5);
    evaluation.sampled_excess[4] = -1.0;
    evaluation.sampled_excess_stderr[4] = 0.1;
    history.apply(&Event::Evaluation(evaluation));
    assert_eq!(history.positions_below_bayes(4.0), [5]);
}
