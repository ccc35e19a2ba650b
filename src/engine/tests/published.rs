//! What was published of training, repeated with the presets. The long ones are ignored by default:
//! `cargo test --lib -- --ignored published` runs them in some minutes.

use crate::{
    engine::session::Session,
    experiment::{Experiment, Preset},
    probe::{OpenTab, ProbeRequest, TabKind},
    protocol::{DeviceChoice, Event},
};

/// An experiment trained to its last step, without what is measured then: every batch's loss, and the session.
fn train(mut experiment: Experiment) -> (Vec<f64>, Session) {
    experiment.evaluation.most = 0;
    let mut losses = Vec::new();
    let session = pollster::block_on(async {
        let mut emit = |event: Event| {
            if let Event::Frame(frame) = event {
                losses.extend(frame.training_loss);
            }
        };
        let mut session = Session::prepare(&experiment, DeviceChoice::Cpu, &mut emit).await.expect("prepared");
        while !session.trained() {
            session.advance(&mut emit).await.expect("a step");
        }
        session.flush(&mut emit).await.expect("read");
        session
    });
    assert_eq!(losses.len(), experiment.training.steps);
    (losses, session)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// P1: the GRU on one-hot tokens, as published, does not rest on its way, by the rule of the transitions tab. This holds the story's
/// sentence, which was written after these three seeds had been run.
#[test]
#[ignore = "3 seeds of 1000 steps of 51,200 tokens: some minutes"]
fn published_gru_does_not_rest() {
    for seed in 1..=3 {
        let mut experiment = Preset::named("dursley-wonka-gru").expect("a preset").experiment();
        experiment.seed = seed;
        let (losses, mut session) = train(experiment);
        let rests: Vec<_> =
            rows(&mut session, TabKind::Transitions).into_iter().filter(|fields| fields[0] == "rest").collect();
        println!("seed {seed}: from {:.4} to {:.4}, rests {rests:?}", losses[0], losses[999]);
        assert!(rests.is_empty(), "seed {seed}: {rests:?}");
    }
}

/// A GRU whose embedding starts faint, N(0, .1²), sits at the unigram level of Dursley/Wonka for a while, and then drops. That scale was
/// chosen because it does; it is no published one.
#[test]
fn a_gru_that_starts_faint_rests_at_the_unigram_level_and_drops() {
    const UNIGRAM: f64 = 1.44519;
    let mut experiment = Preset::named("dursley-wonka-gru").expect("a preset").experiment_in(1);
    experiment.training.steps = 160;
    let (losses, _) = train(experiment);
    for (i, ten) in losses[50..90].chunks(10).enumerate() {
        let off = mean(ten) / UNIGRAM - 1.0;
        assert!(off.abs() < 0.02, "steps from {}: {off:+.3}", 50 + 10 * i);
    }
    assert!(mean(&losses[..10]) > 1.03 * UNIGRAM && mean(&losses[150..]) < 0.8 * UNIGRAM, "{}", mean(&losses[150..]));
}

/// What a tab says of a run, as rows of CSV.
fn rows(session: &mut Session, kind: TabKind) -> Vec<Vec<String>> {
    let record = session.probes().map(|probes| probes.run_record().clone());
    let mut open = OpenTab::with_record(record);
    let mut collect = |event: Event| {
        open.on_event(event);
    };
    session.ask_probes(ProbeRequest::Open(Some(kind)), &mut collect);
    pollster::block_on(async { while session.probe(&mut collect).await.expect("measured") {} });
    let (view, record) = open.view().expect("a tab");
    view.csv(record).lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

/// The excess over exact Bayes on each class of the transitions tab, by recorded step: (class, step, nats).
fn excess_by_event(session: &mut Session) -> Vec<(String, usize, f64)> {
    let row = |fields: Vec<String>| -> Option<(String, usize, f64)> {
        let excess = (fields[0] == "event excess").then(|| fields[4].parse().ok())??;
        Some((fields[1].clone(), fields[2].parse().ok()?, excess))
    };
    rows(session, TabKind::Transitions).into_iter().filter_map(row).collect()
}

/// P1: a small transformer learns to copy the name before it learns the even odds on the first one, and the more names it has seen the
/// better it copies. The bounds were set before the runs; exact Bayes loses nothing on a later name, so that excess and loss are one.
#[test]
#[ignore = "3 seeds of 1000 steps of 51,200 tokens: some 10 minutes alone on a machine"]
fn published_copying_comes_before_the_even_odds() {
    for seed in 1..=3 {
        let mut experiment = Preset::named("dursley-wonka-small").expect("a preset").experiment();
        (experiment.seed, experiment.evaluation.every) = (seed, 10);
        let (_, mut session) = train(experiment);
        let rows = excess_by_event(&mut session);
        let at = |class: &str, step: usize| {
            rows.iter().find(|(of, when, _)| of == class && *when == step).map(|(.., excess)| *excess).expect(class)
        };
        // The first recorded step from which on less than a tenth of the excess at the start is left.
        let learned = |class: &str| {
            let course: Vec<_> = rows.iter().filter(|(of, ..)| of == class).collect();
            let bar = 0.1 * course[0].2;
            let above = course.iter().rposition(|(.., excess)| *excess > bar).expect("untrained at first");
            course.get(above + 1).map(|(_, step, _)| *step)
        };
        let (second, later) = (at("second name", 100), at("fourth and later names", 100));
        let (of_first, of_later) = (learned("first name"), learned("fourth and later names"));
        let end = at("second name", 1000);
        println!(
            "seed {seed}: after 100 steps {second:.4} on the second name, {later:.4} on the fourth and later ones; nine tenths gone of"
        );
        println!(
            "  later names at {of_later:?}, of the first at {of_first:?}; after 1000 steps {end:.5} on the second name"
        );
        assert!(
            second < 0.25 && second > 1.5 * later,
            "seed {seed}: {second} on the second name, {later} on later ones"
        );
        assert!(of_later.expect("learned") < of_first.expect("learned"), "seed {seed}: {of_later:?} {of_first:?}");
        assert!(end < 0.02, "seed {seed}: {end} after 1000 steps");
    }
}

/// Edelman et al. 2024: attention alone on two-symbol chains ends at the bigram level, here without a rest on the way.
#[test]
#[ignore = "some minutes"]
fn published_induction_ends_at_the_bigram_level() {
    let (_, mut session) = train(Preset::named("induction-2").expect("a preset").experiment());
    assert!(rows(&mut session, TabKind::Transitions).iter().all(|fields| fields[0] != "rest"));
    let record = session.probes().expect("the probes").run_record();
    let baseline = record.theory.baselines.iter().find(|b| b.name == "bi-inf").expect("a level");
    let end = mean(&record.evaluations.last().expect("evaluated").model);
    assert!(end - mean(&baseline.curve.values) < 0.01, "{end}");
}

/// Shai et al. 2024: the residual stream holds the belief as a linear image. An untrained net holds hardly more of it than the last
/// token alone says, which here is R² .81.
#[test]
#[ignore = "a minute"]
fn published_beliefs_are_in_the_residual_stream() {
    let (_, mut session) = train(Preset::named("mess3").expect("a preset").experiment());
    let rows = rows(&mut session, TabKind::Beliefs);
    let r2 = |step: &str, layer: &str, column: usize| {
        let line = rows.iter().find(|f| f[0] == step && f[1] == layer);
        line.and_then(|f| f[column].parse::<f64>().ok()).expect("a row")
    };
    let (after, before, shuffled) = (r2("600", "output", 2), r2("0", "output", 2), r2("600", "output", 4));
    // The embedding at the start is the last token and the position, and no more.
    let token = r2("0", "embedding", 2);
    assert!(after > 0.95 && shuffled.abs() < 0.05, "{after} {shuffled}");
    let beyond = |r2: f64| (r2 - token) / (1.0 - token);
    assert!(
        beyond(after) > 0.9 && beyond(before) < 0.6,
        "of what the last token leaves: {} {}",
        beyond(after),
        beyond(before)
    );
}

/// Losses of the first five steps of eight sequences, as the presets of version 1 had them before initialization was a choice. They hold
/// to the rounding of another processor's vectors, which five steps hardly grow.
#[test]
fn runs_of_version_1_repeat() {
    let recorded: [(&str, [f64; 5]); 5] = [
        ("dursley-wonka", [1.6128774, 1.5839813, 1.5689452, 1.5118424, 1.4724219]),
        ("dursley-wonka-small", [1.6565924, 1.643946, 1.6078614, 1.5862249, 1.5514767]),
        ("dursley-wonka-gru", [1.6039799, 1.609827, 1.6049871, 1.6053076, 1.5964806]),
        ("induction-3", [1.0934608, 1.0974027, 1.0907108, 1.0754389, 1.0968201]),
        ("retrieval-inference", [1.1591994, 1.142293, 1.0828011, 1.0746026, 1.0862979]),
    ];
    for (name, expected) in recorded {
        let mut experiment = Preset::named(name).expect(name).experiment_in(1);
        (experiment.training.steps, experiment.training.batch) = (5, 8);
        experiment.evaluation.algorithms = false;
        for (loss, expected) in train(experiment).0.iter().zip(expected) {
            assert!((loss - expected).abs() < 2e-6, "{name}: {loss} {expected}");
        }
    }
}
