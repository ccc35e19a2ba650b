//! The driver of the probes, with a probe that only notes what it is given.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    sync::Arc,
};

use charts::theme::Theme;

use super::small;
use crate::{
    engine::{
        probes::Probes,
        session::Session,
        trainer::{Model, Trainer},
    },
    experiment::Experiment,
    probe::{ActivationRequest, Activations, Measurement, OpenTab, Probe, ProbeEvent, ProbeRequest, Scope, TabKind},
    protocol::{DeviceChoice, Event, wire},
    world::{Corpus, Rows, World},
};

/// (request, step) as it came, and the activations.
type Taken = Rc<RefCell<Vec<(usize, usize, Activations)>>>;

struct Notes {
    rows: Arc<Rows>,
    key: Rc<Cell<u64>>,
    taken: Taken,
}

impl Probe for Notes {
    fn requests(&self) -> Vec<ActivationRequest> {
        let all = ActivationRequest {
            key: self.key.get(),
            attention: true,
            residual: true,
            parameters: true,
            ..ActivationRequest::predictions(self.rows.clone())
        };
        let none = ActivationRequest::predictions(Arc::new(Rows::Tokens(Vec::new())));
        vec![
            all,
            ActivationRequest {
                scope: Scope::Shown,
                ablated: vec![(0, 0)],
                ..ActivationRequest::predictions(self.rows.clone())
            },
            none,
        ]
    }

    fn measure(&mut self, request: usize, step: usize, activations: Activations) -> Option<Measurement> {
        self.taken.borrow_mut().push((request, step, activations));
        None
    }
}

#[test]
fn every_pass_is_done_with_the_model_as_it_was() {
    let experiment = small("coins:n=2");
    let world = World::new(&experiment.world).expect("a world");
    let corpus = Corpus::draw(&world, &experiment.data, experiment.seed);
    let mut known_theory = None;
    // A real run's theory and evaluations, and a trainer of one's own beside it, so that its predictions at every step are known.
    let mut events = Vec::new();
    pollster::block_on(async {
        let mut session =
            Session::prepare(&experiment, DeviceChoice::Cpu, &mut |event| events.push(event)).await.expect("prepared");
        while !session.trained() {
            session.advance(&mut |event| events.push(event)).await.expect("a step");
        }
    });
    for event in &events {
        if let Event::Theory(theory) = event {
            known_theory = Some(theory.clone());
        }
    }
    let evaluations: Vec<_> =
        events.iter().filter_map(|e| if let Event::Evaluation(e) = e { Some(e.clone()) } else { None }).collect();
    assert!(evaluations.iter().map(|e| e.step).eq([0, 1, 2, 4, 5, 10, 12]), "recorded steps are evaluated");

    let mut probes = Probes::new(&experiment, &known_theory.expect("theory"));
    let key = Rc::new(Cell::new(0));
    let taken: Taken = Rc::default();
    let rows = Arc::new(Rows::Tokens((0..24).map(|i| i % 2).collect()));
    probes.put(Box::new(Notes { rows: rows.clone(), key: key.clone(), taken: taken.clone() }));
    let mut trainer = Trainer::new(&experiment, world.observation(), &crate::engine::device::cpu());
    let mut batch = Rows::empty(world.observation());
    let mut predicted = BTreeMap::new();
    pollster::block_on(async {
        for evaluation in &evaluations {
            while trainer.steps() < evaluation.step {
                corpus.batch(&world, trainer.steps(), experiment.training.batch, None, &mut batch);
                trainer.step(&batch, &[]).await;
            }
            probes.record(evaluation, &trainer);
            predicted.insert(evaluation.step, trainer.predictions(&rows, 64).await.expect("predictions"));
        }
        while probes.work(&trainer, &mut |_| {}).await.expect("measured") {}
    });
    {
        let taken = taken.borrow();
        assert_eq!(taken[0].0, 1, "what is looked at comes first");
        let every: Vec<usize> = taken.iter().filter(|t| t.0 == 0).map(|t| t.1).collect();
        assert_eq!(every, [12, 10, 5, 4, 2, 1, 0], "then the newest");
        let width = experiment.net.width;
        for (request, step, activations) in taken.iter() {
            if *request == 0 {
                assert_eq!(activations.distribution, predicted[step], "at step {step}");
                assert_eq!(
                    (activations.attention.len(), activations.attention[0].len()),
                    (2, 2 * experiment.net.heads * 12 * 12)
                );
                assert!(activations.residual.iter().all(|(name, x)| !name.is_empty() && x.len() == 24 * width));
                let count: usize = activations.parameters.iter().map(|m| m.values.len()).sum();
                assert_eq!(count, trainer.net().layout.len);
                assert!(
                    activations
                        .parameters
                        .iter()
                        .any(|m| m.name == "blocks.0.attention.value.weight" && m.shape[0] == width)
                );
            } else {
                assert_ne!(activations.distribution, predicted[step], "a head is missing");
                assert!(activations.attention.is_empty() && activations.parameters.is_empty());
            }
        }
        assert!(taken.iter().all(|t| t.0 < 2), "without rows there is no request");
    }

    // Another step: what is needed at the shown step is done anew.
    let mut none = |_| {};
    probes.handle(ProbeRequest::Shown(Some(4)), &world, &corpus, &mut none);
    taken.borrow_mut().clear();
    pollster::block_on(async { while probes.work(&trainer, &mut |_| {}).await.expect("done") {} });
    assert_eq!(taken.borrow().iter().map(|t| (t.0, t.1)).collect::<Vec<_>>(), [(1, 4)]);
    // Another key: everything anew.
    taken.borrow_mut().clear();
    key.set(1);
    pollster::block_on(async { while probes.work(&trainer, &mut |_| {}).await.expect("done") {} });
    assert_eq!(taken.borrow().iter().filter(|t| t.0 == 0).count(), 7);
}

/// A whole run with a tab open, as the worker drives it, and what the page has of it.
fn probed(experiment: &Experiment, kind: TabKind) -> (Session, OpenTab) {
    let mut open = OpenTab::default();
    open.start(experiment);
    let mut collect = |event: Event| {
        // As it comes over the wire.
        let sent = wire::decode(&wire::encode(&event)).expect("readable");
        assert_eq!(event, sent);
        open.on_event(sent);
    };
    let session = pollster::block_on(async {
        let mut session = Session::prepare(experiment, DeviceChoice::Cpu, &mut collect).await.expect("prepared");
        session.ask_probes(ProbeRequest::Open(Some(kind)), &mut collect);
        while !session.trained() {
            session.advance(&mut collect).await.expect("a step");
            if session.can_probe() {
                session.probe(&mut collect).await.expect("a portion");
            }
        }
        while session.probe(&mut collect).await.expect("a portion") {}
        session
    });
    (session, open)
}

#[test]
fn every_tab_opens_on_every_kind_of_run_and_says_something() {
    let mut experiments =
        vec![small("mess3"), small("dursley-wonka"), small("lds"), small("repeat:block=3,v=4"), small("coins:n=3")];
    let mut pool = small("markov:k=3");
    (pool.data.fresh, pool.data.topics, pool.data.sequences) = (false, 4, 8);
    experiments.push(pool);
    for experiment in &experiments {
        for kind in TabKind::ALL {
            let name = format!("{} in {}", kind.name(), experiment.world);
            let (_, open) = probed(experiment, kind);
            let (opened, tab) = open.tab.as_ref().expect("open");
            assert_eq!(*opened, kind);
            if let Err(why) = tab {
                assert!(why.ends_with('.') && why.len() > 30, "{name}: {why}");
                continue;
            }
            let (view, record) = open.view().expect("evaluated");
            for shown in [record.last(), 6] {
                let html = charts::report::html(&view.blocks(record, shown), &Theme::light());
                assert!(html.contains("<svg"), "{name}: {html}");
                for bad in ["NaN", "Infinity", " inf ", ">inf<", "undefined"] {
                    assert!(!html.contains(bad), "{name} says {bad}");
                }
            }
            let csv = view.csv(record);
            let fields = csv.lines().next().map(|head| head.split(',').count());
            assert!(csv.lines().count() > 1 && fields > Some(1), "{name}: {csv}");
        }
    }
}

#[test]
fn a_reset_starts_anew_and_a_grid_point_has_no_probes() {
    let experiment = small("coins:n=2");
    let (mut session, mut open) = probed(&experiment, TabKind::Landscape);
    let record = open.record.clone().expect("a record");
    assert!(record.evaluations.iter().all(|e| experiment.evaluation.is_recorded(e.step) || e.step == 12));
    let engine = session.probes().expect("probes").run_record();
    assert_eq!((engine.losses.len(), record.losses.len()), (12, 12));
    assert_eq!(engine.losses, record.losses, "the page has what the engine has");
    let mut opened = 0;
    let mut collect = |event: Event| {
        opened += usize::from(matches!(event, Event::Probe(ProbeEvent::Opened(Some(_)))));
        open.on_event(event);
    };
    pollster::block_on(session.reset(&mut collect)).expect("reset");
    assert_eq!(opened, 1, "the open tab has no numbers of the run before");
    let record = session.probes().expect("probes").run_record();
    assert_eq!((record.evaluations.len(), record.losses.len(), record.last()), (1, 0, 0));
    let bare = pollster::block_on(Session::bare(&experiment, DeviceChoice::Cpu, &mut |_| {})).expect("a grid point");
    assert!(bare.probes().is_none());
}
