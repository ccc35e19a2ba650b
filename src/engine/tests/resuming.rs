//! A run that is saved, dropped and resumed in a new session gives what one gives that never stopped, to the bit.

use super::small;
use crate::{
    engine::{error::EngineError, session::Session, team::Team, trainer::read},
    experiment::{Architecture, Experiment, Optimizer},
    probe::{ProbeRequest, TabKind},
    protocol::{
        DeviceChoice, Evaluation, Event, Outcome, Samples,
        checkpoint::{self, CheckpointError, VERSION},
    },
    world::rng::{Purpose, Stream},
};

/// All that a run reports and records, but for times.
#[derive(Default, PartialEq)]
struct EventLog {
    losses: Vec<f64>,
    evaluations: Vec<Evaluation>,
    samples: Vec<Samples>,
    outcomes: Vec<Outcome>,
    /// What the probes recorded.
    recorded: (Vec<f32>, Vec<Evaluation>),
    snapshots: Vec<(usize, Vec<f32>)>,
    /// What a tab measured on them.
    measured: Vec<Event>,
    /// Calls of [`Session::advance`] until the end.
    advances: usize,
}

impl EventLog {
    fn on_event(&mut self, event: Event) {
        match event {
            Event::Frame(frame) => {
                assert_eq!(frame.first, self.losses.len() + 1, "no step is lost or reported twice");
                self.losses.extend(frame.training_loss);
            }
            Event::Evaluation(evaluation) => self.evaluations.push(evaluation),
            Event::Samples(samples) => self.samples.push(samples),
            Event::Outcome(outcome) => {
                let mut outcome = *outcome;
                (outcome.seconds, outcome.prior_seconds) = (0.0, 0.0);
                (outcome.measuring_seconds, outcome.gaps_seconds) = (0.0, 0.0);
                outcome.record.seconds.clear();
                self.outcomes.push(outcome);
            }
            _ => {}
        }
    }

    fn assert_same(&self, other: &Self, what: &str) {
        assert_eq!(self.losses, other.losses, "{what}");
        assert_eq!(self.evaluations, other.evaluations, "{what}");
        assert!(self.samples == other.samples, "{what}: samples");
        assert_eq!(self.outcomes, other.outcomes, "{what}");
        assert!(self.recorded == other.recorded, "{what}: what the probes recorded");
        assert!(self.snapshots == other.snapshots, "{what}: the recorded parameters");
        assert!(self.measured == other.measured, "{what}: what the probes measured");
    }
}

/// Runs to the end, on `cores` cores (0: the thread's own), and measures twice as much after it; saved and resumed after each number
/// of calls of [`Session::advance`] that is in `stops`. Then `tabs` are opened.
fn event_log(experiment: &Experiment, cores: usize, stops: &[usize], tabs: &[TabKind]) -> EventLog {
    let mut log = EventLog::default();
    pollster::block_on(async {
        let mut session =
            Session::prepare(experiment, DeviceChoice::Cpu, &mut |e| log.on_event(e)).await.expect("prepares");
        if cores > 0 {
            session.share(Team::of(cores, experiment, experiment.world.observation()).await.expect("a team"));
        }
        let mut asked = false;
        loop {
            if stops.contains(&log.advances) {
                let bytes = session.checkpoint(&mut |e| log.on_event(e)).await.expect("saved");
                let (step, finished) = (session.steps(), session.finished());
                drop(session);
                let made_by = checkpoint::read(&bytes).expect("a summary").0.cores;
                assert_eq!(made_by, (cores > 0).then_some(cores), "as many cores as before");
                session = Session::resume(experiment, &bytes, DeviceChoice::Auto, &mut |e| log.on_event(e))
                    .await
                    .expect("resumes");
                assert_eq!((session.steps(), session.finished()), (step, finished));
            }
            if session.finished() {
                // What is measured then is saved and resumed too.
                if asked || !session.measure_more() {
                    break;
                }
                asked = true;
            }
            session.advance(&mut |e| log.on_event(e)).await.expect("advances");
            log.advances += 1;
        }
        session.flush(&mut |e| log.on_event(e)).await.expect("flushes");
        let probes = session.probes().expect("probes");
        let record = probes.run_record();
        log.recorded = (record.losses.clone(), record.evaluations.clone());
        for (step, flat) in probes.recording().snapshots() {
            log.snapshots.push((*step, read(flat.clone()).await.expect("parameters")));
        }
        for kind in tabs {
            session.ask_probes(ProbeRequest::Open(Some(*kind)), &mut |e| log.measured.push(e));
            while session.probe(&mut |e| log.measured.push(e)).await.expect("measures") {}
        }
    });
    log
}

/// With a training set, prior stages and gradient differences.
fn staged() -> Experiment {
    let mut staged = small("coins:n=3");
    (staged.data.fresh, staged.data.topics, staged.data.sequences) = (false, 4, 8);
    (staged.prior.steps, staged.prior.index) = (5, true);
    staged.training.steps = 6;
    staged
}

/// What the page keeps: its history as it is when a checkpoint comes. With it a run that was left later draws the same in the end.
#[cfg(feature = "app")]
#[test]
fn the_curves_at_a_checkpoint_go_on_with_it() {
    use crate::app::{
        charts::{ChartKind, Options},
        history::History,
        runs::{KeptRun, RunBytes, restored},
    };
    use crate::experiment::preset::PRESETS;

    let experiment = staged();
    let card = KeptRun::new("a".into(), 0.0, &experiment, &PRESETS[0], &[]);
    let drawn = |stop: Option<usize>| {
        pollster::block_on(async {
            let mut history = History::new(&experiment);
            let on_event = |history: &mut History, event: Event| {
                history.apply(&event);
            };
            let mut session = Session::prepare(&experiment, DeviceChoice::Cpu, &mut |e| on_event(&mut history, e))
                .await
                .expect("prepares");
            let mut advances = 0;
            while !session.finished() {
                if stop == Some(advances) {
                    let checkpoint = session.checkpoint(&mut |e| on_event(&mut history, e)).await.expect("saved");
                    assert_eq!(history.step(), session.steps(), "the history is of the checkpoint's step");
                    let bytes = RunBytes { history: history.to_bytes(), checkpoint, ..RunBytes::default() };
                    // What comes after it is lost with the page.
                    session.advance(&mut |e| on_event(&mut history, e)).await.expect("advances");
                    let kept = restored(&card, bytes).expect("a run");
                    let record = kept.record().expect("a record");
                    let (summary, checkpoint) = kept.checkpoint.expect("a checkpoint");
                    assert_eq!(record.losses.len(), summary.step);
                    history = kept.history;
                    session = Session::resume(&experiment, &checkpoint, DeviceChoice::Auto, &mut |e| {
                        on_event(&mut history, e)
                    })
                    .await
                    .expect("resumes");
                }
                session.advance(&mut |e| on_event(&mut history, e)).await.expect("advances");
                advances += 1;
            }
            session.flush(&mut |e| on_event(&mut history, e)).await.expect("flushes");
            assert!(history.outcome().is_some());
            let kinds = [ChartKind::LossByPosition, ChartKind::TrainingLoss, ChartKind::Losses, ChartKind::Topics];
            kinds.map(|kind| kind.chart(&history, &experiment, Options::default()).csv())
        })
    };
    let whole = drawn(None);
    for stop in [1, 4, 5, 10, 13, 15, 16] {
        assert_eq!(drawn(Some(stop)), whole, "left after {stop}");
    }
}

#[test]
fn a_run_saved_after_any_step_goes_on_to_the_bit() {
    let experiment = small("coins:n=3");
    let whole = event_log(&experiment, 0, &[], &[]);
    assert_eq!(whole.losses.len(), 12);
    assert_eq!(whole.outcomes.len(), 2, "one, and one of twice as many sequences");
    // Step 0, evaluated steps and those between them, the last step; then in the middle of what is measured.
    let mut stream = Stream::new(5, Purpose::Timing, 0);
    let measuring = (0..5).map(|_| 13 + stream.below(whole.advances as u64 - 13) as usize);
    for stop in (0..=12).chain(measuring).chain([whole.advances - 1, whole.advances]) {
        event_log(&experiment, 0, &[stop], &[]).assert_same(&whole, &format!("after {stop} of {}", whole.advances));
    }
}

#[test]
fn what_is_measured_inside_a_resumed_model_is_the_same() {
    let experiment = staged();
    let whole = event_log(&experiment, 0, &[], &TabKind::ALL);
    assert!(whole.measured.len() > 2 * TabKind::ALL.len(), "more than that the tabs open");
    event_log(&experiment, 0, &[3, 10, 12], &TabKind::ALL).assert_same(&whole, "three times resumed");
}

#[test]
fn every_kind_of_run_goes_on_to_the_bit_in_every_stage() {
    let with = |change: &dyn Fn(&mut Experiment)| {
        let mut experiment = staged();
        change(&mut experiment);
        experiment
    };
    let experiments = [
        staged(),
        with(&|e| e.training.optimizer = Optimizer::Langevin),
        with(&|e| e.net.architecture = Architecture::Gru),
        with(&|e| e.net.architecture = Architecture::Lstm),
        with(&|e| e.evaluation.algorithms = true),
        // The noise is given; nothing is to be searched.
        with(&|e| (e.prior.steps, e.bound.scale, e.training.clip) = (0, 0.05, 0.0)),
        small("lds"),
    ];
    for experiment in experiments {
        let whole = event_log(&experiment, 0, &[], &[]);
        let steps = experiment.steps();
        // In each stage and at each of its ends, evaluated or not; while gaps and noise are measured; and at the end.
        let more = [steps + 1, (steps + whole.advances) / 2, whole.advances - 1];
        let stops: Vec<usize> = (0..=steps).chain(more).collect();
        for some in [0, 1, 2] {
            // Each third of them: resumed as it was, or as it was resumed before.
            let stops: Vec<usize> = stops.iter().copied().skip(some).step_by(3).collect();
            event_log(&experiment, 0, &stops, &[]).assert_same(&whole, &format!("{stops:?} of {experiment:?}"));
        }
    }
}

#[test]
fn a_certificate_is_the_same_wherever_the_run_was_saved() {
    let mut experiment = staged();
    (experiment.net.width, experiment.net.blocks, experiment.bound.certificate) = (8, 1, true);
    let whole = event_log(&experiment, 0, &[], &[]);
    assert!(whole.outcomes[0].certificate.is_some());
    let stops = [experiment.steps(), whole.advances - 100];
    event_log(&experiment, 0, &stops, &[]).assert_same(&whole, "before and while the certificate is worked out");
}

/// Gradients are summed in the order of the cores: what another number of cores gives differs in its last bits.
#[test]
fn a_run_of_two_cores_goes_on_with_two() {
    let mut experiment = small("coins:n=3");
    (experiment.training.steps, experiment.training.batch) = (30, 7);
    let [one, two] = [0, 2].map(|cores| event_log(&experiment, cores, &[], &[]));
    assert_ne!(one.losses, two.losses, "else this shows nothing");
    event_log(&experiment, 2, &[7, 30, 31], &[]).assert_same(&two, "two cores");
}

/// What [`Session::resume`] says of a checkpoint.
fn refused(experiment: &Experiment, bytes: &[u8]) -> CheckpointError {
    let mut count = 0;
    let resumed = pollster::block_on(Session::resume(experiment, bytes, DeviceChoice::Cpu, &mut |_| count += 1));
    let Err(error) = resumed else { panic!("it is not refused") };
    assert_eq!(count, 0, "before anything is prepared");
    assert!(error.to_string().ends_with('.') && error.next().ends_with('.'), "{error}");
    let EngineError::Checkpoint(why) = error else { panic!("another error: {error}") };
    why
}

#[test]
fn a_checkpoint_that_does_not_fit_is_refused() {
    let experiment = small("coins:n=3");
    let bytes = pollster::block_on(async {
        let mut session = Session::prepare(&experiment, DeviceChoice::Cpu, &mut |_| {}).await.expect("prepares");
        for _ in 0..3 {
            session.advance(&mut |_| {}).await.expect("advances");
        }
        session.checkpoint(&mut |_| {}).await.expect("saved")
    });
    let (summary, state) = checkpoint::read(&bytes).expect("a summary");
    // Another number says that the shape of the engine's part has changed: raise the version with it.
    assert_eq!((VERSION, state.len()), (1, 210_879));
    assert_eq!((summary.step, summary.is_finished, summary.losses.0.len()), (3, false, 3));
    assert_eq!(summary.evaluations.iter().map(|e| e.step).collect::<Vec<_>>(), [0, 1, 2]);
    let mut other = experiment.clone();
    other.training.learning_rate *= 2.0;
    assert_eq!(refused(&other, &bytes), CheckpointError::Experiment);
    let mut newer = bytes.clone();
    newer[..4].copy_from_slice(&(VERSION + 1).to_le_bytes());
    assert_eq!(refused(&experiment, &newer), CheckpointError::Version(VERSION + 1));
    for end in [0, 3, 4, 100, bytes.len() - 1] {
        assert_eq!(refused(&experiment, &bytes[..end]), CheckpointError::unreadable(), "{end} bytes");
    }
    // A parameter that is no number.
    let parameter = bytes.windows(4).position(|four| four == 0.02_f32.to_le_bytes());
    let at = parameter.unwrap_or(bytes.len() - 4);
    let mut broken = bytes.clone();
    broken[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    assert_eq!(refused(&experiment, &broken), CheckpointError::unreadable());
}

#[test]
fn a_run_with_numbers_that_are_none_is_not_saved() {
    let experiment = small("coins:n=3");
    let saved = pollster::block_on(async {
        let mut session = Session::prepare(&experiment, DeviceChoice::Cpu, &mut |_| {}).await.expect("prepares");
        session.set_parameters(f32::NAN);
        session.checkpoint(&mut |_| {}).await
    });
    assert!(matches!(saved, Err(EngineError::NotFinite { step: 0 })));
    let bare = pollster::block_on(async {
        Session::bare(&experiment, DeviceChoice::Cpu, &mut |_| {})
            .await
            .expect("prepares")
            .checkpoint(&mut |_| {})
            .await
    });
    assert!(matches!(bare, Err(EngineError::Checkpoint(CheckpointError::NotKept))));
}

/// What a checkpoint of a published transformer weighs, and what it costs: `cargo test --lib -- --ignored --nocapture weighs`.
#[test]
#[ignore = "a measurement"]
fn what_a_checkpoint_weighs() {
    for preset in experiment::preset::PRESETS {
        let experiment = preset.experiment();
        let observation = experiment.world.observation();
        let parameters = crate::net::network::Network::new(&experiment.net, observation).layout.len;
        let steps = experiment.steps();
        let recorded = (0..=steps).filter(|step| experiment.evaluation.is_recorded(*step) || *step == steps).count();
        let snapshots = (4 * parameters * recorded) as f64 / 1e6;
        println!("{}: {parameters} parameters, {steps} steps, {recorded} recorded, {snapshots:.1} MB", preset.name);
    }
    let name = std::env::var("PRESET").unwrap_or("dursley-wonka".into());
    let mut experiment = experiment::Preset::named(&name).expect("a preset").experiment();
    experiment.evaluation.sequences = 16;
    pollster::block_on(async {
        let mut session = Session::prepare(&experiment, DeviceChoice::Cpu, &mut |_| {}).await.expect("prepares");
        for _ in 0..40 {
            let began = crate::engine::clock::now_ms();
            session.advance(&mut |_| {}).await.expect("advances");
            let stepped = crate::engine::clock::now_ms();
            if session.steps() % 10 == 0 {
                let bytes = session.checkpoint(&mut |_| {}).await.expect("saved");
                let saved = crate::engine::clock::now_ms();
                let snapshots = session.probes().expect("probes").recording().snapshots().len();
                println!(
                    "{name}, step {}: {} bytes with {snapshots} snapshots in {:.2} ms; a step takes {:.1} ms",
                    session.steps(),
                    bytes.len(),
                    saved - stepped,
                    stepped - began,
                );
            }
        }
    });
}
