mod asked;
mod generalization;
mod probes;
mod published;
mod resuming;

use super::{
    device::{Candidate, cpu},
    error::EngineError,
    session::Session,
};
use crate::{
    experiment::{Architecture, Experiment, Observation, Optimizer, WorldSpec, world::KINDS},
    probe::TabKind,
    protocol::{DeviceChoice, DeviceKind, DeviceReport, Evaluation, Event, Phase, Theory},
};

/// The events of a run, in order.
#[derive(Default)]
struct Events {
    theory: Option<Theory>,
    evaluations: Vec<Evaluation>,
    losses: Vec<f64>,
}

fn run(experiment: &Experiment) -> Result<Events, EngineError> {
    pollster::block_on(async {
        let mut events = Events::default();
        let mut emit = |event: Event| match event {
            Event::Theory(t) => events.theory = Some(t),
            Event::Evaluation(e) => events.evaluations.push(e),
            Event::Frame(f) => {
                assert_eq!(f.first, events.losses.len() + 1, "no step is lost or reported twice");
                events.losses.extend(f.training_loss);
                assert_eq!(f.step, events.losses.len());
            }
            _ => {}
        };
        let mut session = Session::prepare(experiment, DeviceChoice::Cpu, &mut emit).await?;
        while !session.finished() {
            session.advance(&mut emit).await?;
        }
        session.flush(&mut emit).await?;
        Ok(events)
    })
}

fn small(world: &str) -> Experiment {
    let mut e = Experiment { world: world.parse::<WorldSpec>().expect("a world"), ..Experiment::default() };
    e.data.length = 12;
    e.training.steps = 12;
    e.training.batch = 8;
    e.evaluation.sequences = 16;
    (e.evaluation.every, e.evaluation.most) = (5, 0);
    e.net.width = 16;
    e
}

/// Runs of every kind of model and stage that remembers something from step to step.
fn remembering() -> Vec<Experiment> {
    let plain = small("markov:k=3");
    let mut staged = plain.clone();
    (staged.data.fresh, staged.data.topics, staged.data.sequences, staged.prior.steps) = (false, 4, 8, 5);
    let mut noisy = plain.clone();
    noisy.training.optimizer = Optimizer::Langevin;
    let mut recurrent = plain.clone();
    recurrent.net.architecture = Architecture::Gru;
    vec![plain, staged, noisy, recurrent]
}

/// Losses, evaluations and device reports of a run to which `interfere` is done before each step.
fn interfered(
    experiment: &Experiment,
    interfere: impl Fn(usize, &mut Session),
) -> (Vec<f64>, Vec<Evaluation>, Vec<DeviceReport>) {
    let (mut losses, mut evaluations, mut reports) = (Vec::new(), Vec::new(), Vec::new());
    let mut emit = |event: Event| match event {
        Event::Frame(frame) => losses.extend(frame.training_loss),
        Event::Evaluation(evaluation) => evaluations.push(evaluation),
        Event::Device(report) => reports.push(report),
        _ => {}
    };
    pollster::block_on(async {
        let mut session = Session::prepare(experiment, DeviceChoice::Cpu, &mut emit).await.unwrap();
        while !session.finished() {
            interfere(session.steps(), &mut session);
            session.advance(&mut emit).await.unwrap();
        }
        session.flush(&mut emit).await.unwrap();
        // What was recorded before lies where it can be looked at.
        session.ask_probes(crate::probe::ProbeRequest::Open(Some(TabKind::Beliefs)), &mut |_| {});
        while session.probe(&mut |_| {}).await.unwrap() {}
    });
    (losses, evaluations, reports)
}

#[test]
fn a_run_that_is_handed_over_goes_on_as_if_nothing_had_happened() {
    for experiment in remembering() {
        let alone = interfered(&experiment, |_, _| {});
        let handed = interfered(&experiment, |step, session| {
            if step == 7 {
                session.hand_over(&cpu());
            }
        });
        assert_eq!(alone.0.len(), experiment.steps());
        assert_eq!((alone.0, alone.1), (handed.0, handed.1), "{experiment:?}");
    }
}

#[test]
fn a_candidate_is_reported_and_changes_nothing_that_is_computed() {
    let experiment = small("markov:k=3");
    let alone = interfered(&experiment, |_, _| {});
    let contended = interfered(&experiment, |step, session| {
        if step == 0 {
            session.challenge(Candidate::new(&experiment, Observation::Tokens(3), cpu()));
        }
    });
    assert_eq!((alone.0, alone.1), (contended.0, contended.1));
    let last = contended.2.last().unwrap();
    assert!(last.why.contains(" is faster: a step takes "), "{last:?}");
    assert_eq!(last.parity, Some(0.0));
    assert_eq!(last.used == DeviceKind::Gpu, last.why.contains("It took over at step "), "{last:?}");
    assert_eq!(last.used == DeviceKind::Gpu, last.gpu_ms < last.cpu_ms, "{last:?}");
}

#[test]
fn every_world_trains_and_is_measured() {
    let mut worlds: Vec<WorldSpec> = KINDS.iter().filter(|kind| kind.name != "udhr").map(WorldSpec::named).collect();
    let more = [
        "markov:k=2,order=2",
        "markov:k=3,pool=4",
        "ginc:v=20,concepts=2,ood=1",
        "ginc:v=20,random=1",
        "repeat:block=3,v=4",
    ];
    worlds.extend(more.iter().map(|spec| spec.parse::<WorldSpec>().expect("a world")));
    let blend =
        r#"{"mixture":[{"weight":1,"world":"dice:v=3"},{"weight":2,"world":"mess3"},{"weight":1,"world":"mr-name"}]}"#;
    worlds.push(WorldSpec::from_json(blend).expect("a blend"));
    for world in worlds {
        for fresh in [true, false] {
            let mut experiment = Experiment { world: world.clone(), ..small("coins") };
            (experiment.data.fresh, experiment.data.topics, experiment.data.sequences) = (fresh, 4, 3);
            (experiment.net.width, experiment.net.blocks, experiment.training.steps) = (8, 1, 3);
            let name = world.to_string();
            let events = run(&experiment).expect(&name);
            let theory = events.theory.expect("a theory");
            assert_eq!((events.losses.len(), theory.bayes.values.len()), (3, 12), "{name}");
            assert!(events.losses.iter().all(|l| l.is_finite()), "{name}");
            assert!(theory.baselines.iter().all(|b| b.curve.values.iter().all(|v| v.is_finite())), "{name}");
            assert!(theory.baselines.iter().any(|b| b.name == "retrieval") != fresh, "{name}");
            let last = events.evaluations.last().expect("evaluated");
            for (l, excess) in last.excess.iter().enumerate() {
                assert!(*excess >= 0.0 && excess.is_finite(), "{name} at {l}: {excess}");
                let (sampled, error) = (last.sampled_excess[l], last.sampled_excess_stderr[l]);
                assert!(sampled > -6.0 * error - 1e-6, "{name} at {l}: {sampled} ± {error} below Bayes");
            }
        }
    }
}

#[test]
fn a_run_tells_everything_and_repeats_bit_for_bit() {
    for (world, fresh) in [
        ("dursley-wonka", true),
        ("coins:n=3", false),
        ("beta-coin", false),
        ("markov:k=2", false),
        ("lds", true),
        ("lds", false),
    ] {
        let mut experiment = small(world);
        experiment.data.fresh = fresh;
        experiment.data.topics = 4;
        experiment.data.sequences = 3;
        let (a, b) = (run(&experiment).expect("runs"), run(&experiment).expect("runs"));
        assert_eq!(a.losses, b.losses, "{world}");
        assert_eq!(a.evaluations, b.evaluations, "{world}");
        assert_eq!(a.losses.len(), 12);
        // The last once on the evaluation's own sequences, and once on as many as the gaps.
        assert_eq!(a.evaluations.iter().map(|e| e.step).collect::<Vec<_>>(), [0, 1, 2, 4, 5, 10, 12, 12]);
        let theory = a.theory.expect("a theory");
        for e in &a.evaluations {
            assert_eq!(e.model.len(), 12);
            for l in 0..12 {
                assert!(e.excess[l] >= 0.0);
                assert!((e.model[l] - theory.bayes.values[l] - e.excess[l]).abs() < 1e-12);
                assert!(theory.oracle.values[l] <= theory.bayes.values[l] + 1e-9);
            }
        }
        // Step 0's model is near uniform: its distance from the start is 0, and training moves it.
        assert_eq!(a.evaluations[0].distance_data, 0.0);
        assert!(a.evaluations[3].distance_data > 0.0);
        assert_eq!(a.evaluations[3].distance_data, a.evaluations[3].distance_topic);
    }
}

#[test]
fn a_reset_runs_the_same_again_and_pausing_changes_nothing() {
    let experiment = small("dursley-wonka");
    let straight = run(&experiment).expect("runs").losses;
    let broken = pollster::block_on(async {
        let mut losses = Vec::new();
        let mut emit = |event: Event| {
            if let Event::Frame(f) = event {
                losses.extend(f.training_loss);
            }
        };
        let mut session = Session::prepare(&experiment, DeviceChoice::Cpu, &mut emit).await?;
        for _ in 0..7 {
            session.advance(&mut emit).await?;
        }
        session.flush(&mut emit).await?;
        session.reset(&mut emit).await?;
        assert_eq!(session.steps(), 0);
        while !session.finished() {
            session.advance(&mut emit).await?;
            // As a single step does: flushed and evaluated each time.
            session.flush(&mut emit).await?;
            session.evaluate(&mut emit).await?;
        }
        Ok::<_, EngineError>(losses)
    })
    .expect("runs");
    assert_eq!(broken[..7], straight[..7]);
    assert_eq!(broken[7..], straight[..]);
}

/// Preparing says where it is, rests often, and is abandoned by being dropped.
#[test]
fn preparing_many_topics_rests_often_and_can_be_abandoned() {
    for (world, topics) in
        [("markov:k=8", 100_000), ("lds", 2000), ("mess3", 4), ("coins:n=40", 300), ("markov:k=3,order=2", 50)]
    {
        let mut experiment = small(world);
        (experiment.data.fresh, experiment.data.topics, experiment.data.sequences) = (false, topics, 2);
        (experiment.evaluation.sequences, experiment.training.steps) = (2, 1);
        let (pace, seen) = crate::pace::testing::counting();
        let mut whats = Vec::new();
        let mut emit = |event: Event| {
            if let Event::Phase(Phase::Preparing { what, done }) = event {
                whats.push((what, done.expect("a share")));
            }
        };
        let mut polls = 0;
        {
            let prepared = Session::prepare_at(pace, &experiment, DeviceChoice::Cpu, None, &mut emit);
            let mut prepared = std::pin::pin!(prepared);
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            while prepared.as_mut().poll(&mut context).is_pending() {
                polls += 1;
            }
        }
        let seen = seen.borrow();
        let longest = seen.iter().map(|(units, _)| *units).filter(|&units| units != 100_000_000).max().expect("rests");
        let total: usize = seen.iter().map(|(units, _)| units).sum();
        // A unit is a nanosecond or less: 20 ms.
        assert!(longest <= 20_000_000, "{world}: {longest} units without a rest, of {total}");
        assert!(polls == seen.len() && polls > 50, "{world}: {polls}");
        assert!(seen.windows(2).all(|pair| pair[0].1.done <= pair[1].1.done + 0.3), "{world}");
        assert!(whats.windows(2).all(|pair| pair[0].1 <= pair[1].1), "{whats:?}");
        // At any rest it can be given up: nothing is sent after that.
        crate::engine::curve_cache::forget();
        let (pace, seen) = crate::pace::testing::counting();
        let mut count = 0;
        {
            let mut emit = |_: Event| count += 1;
            let mut prepared = Box::pin(Session::prepare_at(pace, &experiment, DeviceChoice::Cpu, None, &mut emit));
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            for _ in 0..polls / 2 {
                assert!(prepared.as_mut().poll(&mut context).is_pending());
            }
            drop(prepared);
        }
        assert!(seen.borrow().len() == polls / 2 && count <= whats.len() + 2);
    }
}

/// With rests or without: the same run.
#[test]
fn rests_change_nothing() {
    let mut experiment = small("markov:k=3");
    (experiment.data.fresh, experiment.data.topics, experiment.data.sequences) = (false, 4, 8);
    let run_at = |pace| {
        crate::engine::curve_cache::forget();
        let mut events = Vec::new();
        let mut emit = |event: Event| match event {
            Event::Theory(_) | Event::Evaluation(_) | Event::Samples(_) => events.push(event),
            _ => {}
        };
        pollster::block_on(async {
            let mut session =
                Session::prepare_at(pace, &experiment, DeviceChoice::Cpu, None, &mut emit).await.expect("prepares");
            while !session.finished() {
                session.advance(&mut emit).await.expect("advances");
            }
        });
        events
    };
    let mut rested = 0;
    let rests = crate::pace::Pace::new(move |_, _| {
        rested += 1;
        (rested % 3 == 0).then(|| Box::pin(std::future::ready(())) as crate::pace::Rest)
    });
    assert!(run_at(crate::pace::Pace::unbroken()) == run_at(rests));
}

#[test]
fn a_model_that_blows_up_fails_with_a_sentence() {
    let mut experiment = small("dursley-wonka");
    experiment.training.learning_rate = 1.0;
    experiment.training.weight_decay = 10.0;
    experiment.training.clip = 0.0;
    experiment.training.steps = 2000;
    experiment.training.warmup = 0;
    experiment.training.schedule = experiment::Schedule::Constant;
    experiment.evaluation.every = 100_000;
    match run(&experiment) {
        Err(e @ EngineError::NotFinite { .. }) => assert!(e.next().contains("learning rate"), "{e}"),
        Err(e) => panic!("another error: {e}"),
        // f32 may hold out; then the loss must be there to see, and finite.
        Ok(events) => assert!(events.losses.iter().all(|l| l.is_finite())),
    }
}

#[test]
fn an_unsound_experiment_is_refused_before_anything_is_built() {
    let mut experiment = small("dursley-wonka");
    experiment.data.topics = 0;
    assert!(matches!(run(&experiment), Err(EngineError::Experiment(_))));
}

#[test]
fn with_few_sequences_the_model_memorises_and_the_gap_opens() {
    let mut experiment = small("markov:k=3");
    experiment.data.fresh = false;
    experiment.data.topics = 4;
    experiment.data.sequences = 2;
    experiment.training.steps = 300;
    experiment.training.batch = 16;
    experiment.evaluation.every = 300;
    experiment.evaluation.sequences = 64;
    let events = run(&experiment).expect("runs");
    let last = events.evaluations.last().expect("evaluated");
    assert!(last.sequence_gap.value > 5.0 * last.sequence_gap.stderr, "{:?}", last.sequence_gap);
    assert!(last.empirical.loss.value < last.first_level.loss.value);
}

/// The bar of the default preset.
#[test]
fn dursley_or_wonka_reaches_exact_bayes() {
    let experiment = experiment::preset::PRESETS[0].experiment();
    let events = run(&experiment).expect("runs");
    let (theory, last) = (events.theory.expect("a theory"), events.evaluations.last().expect("evaluated").clone());
    let h = theory.entropy_rate;
    let late = &last.excess[3..];
    let mean = late.iter().sum::<f64>() / late.len() as f64;
    assert!(mean < 0.005 * h, "mean excess {:.3}% of h", 100.0 * mean / h);
    for (i, e) in late.iter().enumerate() {
        assert!(*e < 0.015 * h, "position {}: {:.3}% of h", i + 4, 100.0 * e / h);
    }
    for (l, (d, s)) in last.sampled_excess.iter().zip(&last.sampled_excess_stderr).enumerate() {
        assert!(*d > -3.0 * s, "position {} is below Bayes: {d} ± {s}", l + 1);
    }
}

#[test]
fn a_linear_system_is_learned_from_vectors() {
    let mut experiment = small("lds");
    experiment.training.steps = 150;
    experiment.training.batch = 16;
    experiment.evaluation.every = 150;
    experiment.evaluation.sequences = 64;
    let events = run(&experiment).expect("runs");
    let (theory, last) = (events.theory.expect("a theory"), events.evaluations.last().expect("evaluated").clone());
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    assert!(mean(&events.losses[140..]) < mean(&events.losses[..10]) - 0.5, "{:?}", events.losses);
    // Densities: the loss of a good model is negative here.
    assert!(theory.bayes.values[11] < 0.0 && mean(&last.excess) < mean(&events.evaluations[0].excess) / 2.0);
    let errors = (&theory.squared_error, &last.squared_error);
    assert!(errors.0.len() == 12 && errors.0.iter().zip(errors.1).all(|(least, model)| model >= least));
    let names: Vec<&str> = theory.baselines.iter().map(|b| b.name.as_str()).collect();
    assert_eq!(names, ["OLS", "ridge", "last value"]);
    assert!(theory.baselines.iter().all(|b| b.curve.values.len() == 12 && b.squared_error.len() == 12));

    // A pool of three systems is a mixture of Gaussians to exact Bayes, and ridge no bound in a rescaled world.
    experiment.training.steps = 2;
    experiment.data.fresh = false;
    (experiment.data.topics, experiment.data.sequences) = (3, 4);
    let events = run(&experiment).expect("runs");
    assert_eq!(events.theory.expect("a theory").baselines.last().map(|b| b.name.clone()), Some("retrieval".into()));
    let last = events.evaluations.last().expect("evaluated");
    assert!(last.first_level.bayes.value < last.two_level.loss.value);
    experiment.world = "lds:radius=0.9,d=3".parse().expect("a world");
    let events = run(&experiment).expect("runs");
    assert!(events.theory.expect("a theory").adaptive && events.evaluations.len() == 4);
}

/// The bar: mean excess over exact Bayes under 2% of the in-context loss available, h_1 − h. No world is excused by a floor.
const BAR: f64 = 0.02;

/// Whether the run comes under the bar is as it was measured before (`miss`: the share of h_1 − h that a run which misses it is left
/// with), and no position is below Bayes by more than 3 standard errors.
fn assert_reaches_bayes(mut experiment: Experiment, miss: Option<f64>) {
    experiment.evaluation.every = experiment.training.steps;
    experiment.evaluation.sequences = 1024;
    let name = experiment.world.to_string();
    let events = run(&experiment).expect(&name);
    let (theory, last) = (events.theory.expect("a theory"), events.evaluations.last().expect("evaluated").clone());
    let mean = last.excess.iter().sum::<f64>() / last.excess.len() as f64;
    let available = theory.bayes.values[0] - theory.entropy_rate;
    let share = mean / available;
    println!(
        "{name}: mean excess {mean:.5}, available {available:.5}, share {share:.4}; by position {:?}",
        last.excess
    );
    match miss {
        None => assert!(share < BAR, "{name}: mean excess {mean} is {share} of {available}"),
        // A miss is no pass: a run that comes under the bar after all is to be named as such in docs/published.md, and one that gets much worse
        // is broken.
        Some(known) => assert!(
            share >= BAR && share < 1.5 * known,
            "{name}: mean excess {mean} is {share} of {available}, and it was {known}"
        ),
    }
    for (l, (d, s)) in last.sampled_excess.iter().zip(&last.sampled_excess_stderr).enumerate() {
        assert!(*d > -3.0 * s - 1e-9, "{name}: position {} is below Bayes: {d} ± {s}", l + 1);
    }
}

/// The table of docs/published.md, some 20 minutes: `cargo test --lib -- --ignored --nocapture reach_exact_bayes`.
#[test]
#[ignore = "many minutes"]
fn worlds_of_every_kind_reach_exact_bayes() {
    assert_reaches_bayes(experiment::Preset::named("lds").expect("a preset").experiment(), None);
    // World, T, steps, batch, learning rate, blocks, width; the share that is left where the bar is missed.
    let runs = [
        ("z1r", 32, 400, 32, 5e-3, 2, 32, None),
        // All there is to learn in context are .0097 nats, and .0016 of them are left: a miss.
        ("mess3", 32, 400, 32, 5e-3, 2, 32, Some(0.16)),
        ("mess3:x=0.05,a=0.85", 32, 600, 32, 5e-3, 2, 32, None),
        ("coins:n=10", 64, 600, 32, 5e-3, 2, 32, None),
        ("repeat", 32, 800, 32, 5e-3, 2, 32, None),
        ("markov:k=3", 48, 1500, 64, 3e-3, 2, 32, None),
        ("rrxor", 16, 4000, 64, 3e-3, 3, 48, None),
    ];
    for (world, length, steps, batch, rate, blocks, width, miss) in runs {
        let mut experiment = Experiment { world: world.parse().expect("a world"), ..Experiment::default() };
        experiment.data.length = length;
        (experiment.training.steps, experiment.training.batch) = (steps, batch);
        experiment.training.learning_rate = rate;
        (experiment.net.blocks, experiment.net.width) = (blocks, width);
        assert_reaches_bayes(experiment, miss);
    }
}
