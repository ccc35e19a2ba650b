//! The driver of the learning lab, with a tab that only notes what it is given.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc, sync::Arc};

use serde_json::{Value, json};

use super::small;
use crate::{
    engine::{
        inside::Inside,
        session::Session,
        trainer::{Learner, Trainer},
    },
    experiment::Experiment,
    probe::{Journal, Message, PIECE, Scope, Seen, Tab, TabKind, Wish},
    protocol::{DeviceChoice, Event, ProbeEvent},
    world::{Corpus, Rows, World},
};

/// (wish, step) as it came, and what was seen.
type Taken = Rc<RefCell<Vec<(usize, usize, Seen)>>>;

struct Notes {
    rows: Arc<Rows>,
    key: u64,
    taken: Taken,
}

impl Tab for Notes {
    fn wishes(&self) -> Vec<Wish> {
        let all = Wish {
            key: self.key,
            attention: true,
            residual: true,
            parameters: true,
            ..Wish::predictions(self.rows.clone())
        };
        let none = Wish::predictions(Arc::new(Rows::Tokens(Vec::new())));
        vec![all, Wish { scope: Scope::Shown, without: vec![(0, 0)], ..Wish::predictions(self.rows.clone()) }, none]
    }

    fn take(&mut self, wish: usize, step: usize, seen: Seen) {
        self.taken.borrow_mut().push((wish, step, seen));
    }

    fn told(&mut self, message: &Message) -> bool {
        self.key += u64::from(message.about() == "other");
        message.about() == "other"
    }

    fn html(&self, journal: &Journal, shown: usize) -> String {
        format!("<p>{shown}</p>{PIECE}<p>{} losses</p>{PIECE}<p>stays</p>", journal.losses.len())
    }

    fn csv(&self, _: &Journal) -> String {
        "step\n".into()
    }
}

fn pieces(events: &[Event]) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for event in events {
        if let Event::Probe(ProbeEvent::Text(text)) = event {
            let message: Value = serde_json::from_str(text).expect("JSON");
            for slot in message["slots"].as_array().into_iter().flatten() {
                out.insert(
                    slot[0].as_str().unwrap_or_default().to_owned(),
                    slot[1].as_str().unwrap_or_default().to_owned(),
                );
            }
        }
    }
    out
}

#[test]
fn every_wish_is_granted_with_the_learner_as_it_was() {
    let experiment = small("coins:n=2");
    let world = World::new(&experiment.world).expect("a world");
    let corpus = Corpus::draw(&world, &experiment.data, experiment.seed);
    let mut told = None;
    let mut events = Vec::new();
    // A real run's theory and evaluations, and a trainer of one's own beside it, so that its predictions at every step are known.
    let mut heard = Vec::new();
    pollster::block_on(async {
        let mut session =
            Session::prepare(&experiment, DeviceChoice::Cpu, &mut |event| heard.push(event)).await.expect("prepared");
        while !session.trained() {
            session.advance(&mut |event| heard.push(event)).await.expect("a step");
        }
    });
    for event in &heard {
        if let Event::Theory(theory) = event {
            told = Some(theory.clone());
        }
    }
    let evaluations: Vec<_> =
        heard.iter().filter_map(|e| if let Event::Evaluation(e) = e { Some(e.clone()) } else { None }).collect();
    assert!(evaluations.iter().map(|e| e.step).eq([0, 1, 2, 4, 5, 10, 12]), "recorded steps are evaluated");

    let mut inside = Inside::new(&experiment, &told.expect("theory"));
    let taken: Taken = Rc::default();
    let rows = Arc::new(Rows::Tokens((0..24).map(|i| i % 2).collect()));
    inside.put(Box::new(Notes { rows: rows.clone(), key: 0, taken: taken.clone() }));
    let mut trainer = Trainer::new(&experiment, world.observation(), &crate::engine::device::cpu());
    let mut batch = Rows::empty(world.observation());
    let mut predicted = BTreeMap::new();
    pollster::block_on(async {
        for evaluation in &evaluations {
            while trainer.steps() < evaluation.step {
                corpus.batch(&world, trainer.steps(), experiment.training.batch, None, &mut batch);
                trainer.step(&batch, &[]).await;
            }
            inside.record(evaluation, &trainer);
            predicted.insert(evaluation.step, trainer.predictions(&rows, 64).await.expect("predictions"));
        }
        while inside.work(&trainer, &mut |event| events.push(event)).await.expect("granted") {}
    });
    {
        let taken = taken.borrow();
        assert_eq!(taken[0].0, 1, "what is looked at comes first");
        let every: Vec<usize> = taken.iter().filter(|t| t.0 == 0).map(|t| t.1).collect();
        assert_eq!(every, [12, 10, 5, 4, 2, 1, 0], "then the newest");
        let width = experiment.net.width;
        for (wish, step, seen) in taken.iter() {
            if *wish == 0 {
                assert_eq!(seen.law, predicted[step], "at step {step}");
                assert_eq!((seen.attention.len(), seen.attention[0].len()), (2, 2 * experiment.net.heads * 12 * 12));
                assert!(seen.residual.iter().all(|(name, x)| !name.is_empty() && x.len() == 24 * width));
                let count: usize = seen.parameters.iter().map(|m| m.values.len()).sum();
                assert_eq!(count, trainer.net().layout.len);
                assert!(
                    seen.parameters.iter().any(|m| m.name == "blocks.0.attention.value.weight" && m.shape[0] == width)
                );
            } else {
                assert_ne!(seen.law, predicted[step], "a head is missing");
                assert!(seen.attention.is_empty() && seen.parameters.is_empty());
            }
        }
        assert!(taken.iter().all(|t| t.0 < 2), "without rows there is no wish");
    }
    let sent = pieces(&events);
    assert_eq!(sent["inside-0"], "<p>12</p>");

    // Another step: only what changed is sent, and what is wished for at the shown step is granted anew.
    let mut more = Vec::new();
    inside.told(json!({"inside": "shown", "value": "4"}), &world, &corpus, &mut |event| more.push(event));
    assert_eq!(pieces(&more).into_iter().collect::<Vec<_>>(), [("inside-0".to_owned(), "<p>4</p>".to_owned())]);
    taken.borrow_mut().clear();
    pollster::block_on(async { while inside.work(&trainer, &mut |_| {}).await.expect("granted") {} });
    assert_eq!(taken.borrow().iter().map(|t| (t.0, t.1)).collect::<Vec<_>>(), [(1, 4)]);
    // Another key: everything anew.
    taken.borrow_mut().clear();
    inside.told(json!({"inside": "other"}), &world, &corpus, &mut |_| {});
    pollster::block_on(async { while inside.work(&trainer, &mut |_| {}).await.expect("granted") {} });
    assert_eq!(taken.borrow().iter().filter(|t| t.0 == 0).count(), 7);
    // Nonsense is nothing.
    let mut none = Vec::new();
    for nonsense in [json!(null), json!({"inside": 3}), json!({"inside": "shown", "value": "x"}), json!([])] {
        inside.told(nonsense, &world, &corpus, &mut |event| none.push(event));
    }
    let mut files = Vec::new();
    inside.told(json!({"inside": "csv"}), &world, &corpus, &mut |event| files.push(event));
    assert!(files.is_empty(), "a tab without a name has no file");
}

fn tell(session: &mut Session, message: Value) -> Vec<Event> {
    let mut events = Vec::new();
    session.tell_inside(message, &mut |event| events.push(event));
    events
}

/// A whole run with a tab open, as the worker drives it.
fn looked_at(experiment: &Experiment, kind: TabKind) -> (Session, BTreeMap<String, String>) {
    let mut events = Vec::new();
    let session = pollster::block_on(async {
        let mut session = Session::prepare(experiment, DeviceChoice::Cpu, &mut |_| {}).await.expect("prepared");
        session.open_inside(Some(kind));
        while !session.trained() {
            session.advance(&mut |_| {}).await.expect("a step");
            if session.can_look_inside() {
                session.look_inside(&mut |event| events.push(event)).await.expect("a look");
            }
        }
        while session.look_inside(&mut |event| events.push(event)).await.expect("a look") {}
        session
    });
    (session, pieces(&events))
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
            let (mut session, sent) = looked_at(experiment, kind);
            assert!(
                sent["inside"].contains(&format!("data-testid=\"inside-{}\" aria-pressed=\"true\"", kind.name())),
                "{name}"
            );
            let body: String = (0..12).filter_map(|i| sent.get(&format!("inside-{i}"))).cloned().collect();
            assert!(body.contains("<svg") || body.contains("class=\"note\""), "{name}: {body}");
            for bad in ["NaN", "Infinity", " inf ", ">inf<", "undefined"] {
                assert!(!body.contains(bad), "{name} says {bad}");
            }
            let again = tell(&mut session, json!({"inside": "shown", "value": "6"}));
            assert!(again.len() <= 1, "{name}");
            for event in tell(&mut session, json!({"inside": "csv"})) {
                if let Event::Probe(ProbeEvent::Text(text)) = event {
                    let message: Value = serde_json::from_str(&text).expect("JSON");
                    let text = message["text"].as_str().expect("a text");
                    let fields = text.lines().next().map(|head| head.split(',').count());
                    assert!(text.lines().count() > 1 && fields > Some(1), "{name}: {text}");
                }
            }
            // Pressed again, it closes.
            let closed = tell(&mut session, json!({"inside": "tab", "kind": kind.name()}));
            assert!(pieces(&closed)["inside"].contains("aria-pressed=\"false\""), "{name}");
        }
    }
}

#[test]
fn a_reset_forgets_and_a_cell_has_nothing_to_look_at() {
    let experiment = small("coins:n=2");
    let (mut session, _) = looked_at(&experiment, TabKind::Landscape);
    assert!(session.inside().is_some_and(|inside| {
        inside.journal().evaluations.iter().all(|e| experiment.evaluation.is_recorded(e.step) || e.step == 12)
    }));
    assert_eq!(session.inside().map(|inside| inside.journal().losses.len()), Some(12));
    pollster::block_on(session.reset(&mut |_| {})).expect("reset");
    let journal = session.inside().expect("a lab").journal();
    assert_eq!((journal.evaluations.len(), journal.losses.len(), journal.last()), (1, 0, 0));
    let bare = pollster::block_on(Session::bare(&experiment, DeviceChoice::Cpu, &mut |_| {})).expect("a cell");
    assert!(bare.inside().is_none());
}
