use super::*;
use crate::{
    app::charts::fixtures,
    protocol::{
        Event,
        checkpoint::{self, Summary},
    },
};

fn run(id: &str, created: f64, bytes: usize) -> KeptRun {
    KeptRun {
        id: id.into(),
        name: format!("run {id}"),
        renamed: false,
        pinned: false,
        preset: "dursley-wonka".into(),
        experiment: Experiment::default(),
        created,
        seeds: 1,
        step: 10,
        bytes,
        numbers: None,
    }
}

fn ids(runs: &[&KeptRun]) -> Vec<String> {
    runs.iter().map(|run| run.id.clone()).collect()
}

#[test]
fn the_oldest_that_is_not_pinned_goes_first_and_no_more_than_needed() {
    let mut runs = vec![run("c", 3.0, 100), run("a", 1.0, 100), run("d", 4.0, 100), run("b", 2.0, 100)];
    assert_eq!(to_evict(&runs, "d", 150).map(|going| ids(&going)), Some(vec!["a".into(), "b".into()]));
    assert_eq!(to_evict(&runs, "d", 200).map(|going| going.len()), Some(2));
    assert_eq!(to_evict(&runs, "d", 0).map(|going| going.len()), Some(0));
    runs[1].pinned = true;
    assert_eq!(to_evict(&runs, "d", 150).map(|going| ids(&going)), Some(vec!["b".into(), "c".into()]));
    assert_eq!(to_evict(&runs, "b", 150).map(|going| ids(&going)), Some(vec!["c".into(), "d".into()]));
    assert_eq!(to_evict(&runs, "d", 201), None, "nothing goes in vain");
    assert_eq!(to_evict(&[], "d", 1), None);
}

#[test]
fn whoever_goes_is_named() {
    assert_eq!(evicted_sentence(&[]), "");
    let names = |names: &[&str]| names.iter().map(|name| String::from(*name)).collect::<Vec<_>>();
    assert!(evicted_sentence(&names(&["Coins"])).ends_with("removed: Coins."));
    let several = evicted_sentence(&names(&["Coins", "Coins 2"]));
    assert!(several.contains("the 2 oldest ones") && several.ends_with("removed: Coins, Coins 2."), "{several}");
}

#[test]
fn names_are_told_apart() {
    let experiment = Experiment::default();
    let mut runs = Vec::new();
    for number in 1..=12 {
        let name = first_name(&experiment, None, &runs);
        assert_eq!(typed_name(&name), Ok(name.clone()));
        let world = experiment.world.title();
        assert_eq!(name, if number == 1 { world } else { format!("{world} {number}") });
        runs.push(KeptRun { name, ..run(&number.to_string(), number.into(), 1) });
    }
    assert_eq!(first_name(&experiment, Some("A preset"), &runs), "A preset");
    let long = "ü".repeat(100);
    runs.push(KeptRun { name: first_name(&experiment, Some(&long), &runs), ..run("x", 1.0, 1) });
    let second = first_name(&experiment, Some(&long), &runs);
    assert!(typed_name(&second).is_ok() && second.ends_with("ü 2"), "{second}");
}

#[test]
fn what_is_typed_is_a_name_or_a_sentence() {
    assert_eq!(typed_name("  my run\n"), Ok("my run".into()));
    assert_eq!(typed_name(" \t"), Err("A run needs a name.".into()));
    assert!(typed_name(&"x".repeat(MAX_NAME)).is_ok());
    let why = typed_name(&"x".repeat(MAX_NAME + 1)).expect_err("too long");
    assert!(why.contains("61") && why.ends_with('.'), "{why}");
}

#[test]
fn ids_are_never_given_twice() {
    let mut runs = Vec::new();
    for _ in 0..20 {
        let id = new_id(1.7e12, &runs);
        assert!(runs.iter().all(|other: &KeptRun| other.id != id));
        runs.push(run(&id, 1.0, 1));
    }
    assert_eq!(new_id(f64::NAN, &[]), "0");
}

#[test]
fn a_list_begins_with_the_pinned_and_goes_on_with_the_newest() {
    let mut runs = vec![run("a", 1.0, 1), run("b", 3.0, 1), run("c", 2.0, 1)];
    runs[2].pinned = true;
    sort(&mut runs);
    assert_eq!(ids(&runs.iter().collect::<Vec<_>>()), ["c", "b", "a"]);
}

#[test]
fn a_run_says_how_it_differs() {
    let chosen = Experiment::default();
    let mut other = run("a", 1.0, 1);
    assert_eq!(difference_from(&chosen, &other), "same settings");
    (other.experiment.data.fresh, other.experiment.data.topics) = (false, 8);
    assert!(difference_from(&chosen, &other).contains("K = 8"), "{}", difference_from(&chosen, &other));
    other.experiment.world = "coins:n=3".parse().expect("a world");
    assert_eq!(difference_from(&chosen, &other), other.experiment.world.title());
}

#[test]
fn a_kept_run_is_read_back() {
    let run = run("a", 1.5, 7);
    let text = serde_json::to_string(&run).expect("JSON");
    assert_eq!(serde_json::from_str::<KeptRun>(&text).expect("a run"), run);
}

/// A kept run of this history.
pub(super) fn run_of(experiment: &Experiment, history: &History) -> KeptRun {
    let mut run = KeptRun { experiment: experiment.clone(), ..run("a", 1.0, 1) };
    run.follow(history);
    run
}

/// A checkpoint of which the page reads all that it reads of one.
pub(super) fn checkpoint_at(experiment: &Experiment, step: usize) -> Vec<u8> {
    let summary = Summary {
        experiment: identity(experiment),
        step,
        is_finished: false,
        seconds: 1.0,
        device: crate::protocol::DeviceReport::default(),
        cores: None,
        is_undecided: false,
        losses: checkpoint::Floats(vec![1.5; step]),
        evaluations: vec![fixtures::evaluation(step, 0.1)],
    };
    checkpoint::write(&summary, &(), 0).expect("finite")
}

#[test]
fn a_run_is_kept_once_it_has_something_to_show() {
    let mut experiment = Experiment::default();
    experiment.training.steps = 20;
    let at = |steps: usize, experiment: &Experiment| {
        let mut history = History::new(experiment);
        history.apply(&fixtures::frame(1, vec![1.0; steps]));
        history.apply(&Event::Evaluation(fixtures::evaluation(steps, 0.5)));
        history
    };
    assert!(!is_kept(&History::new(&experiment), false));
    assert!(!is_kept(&at(4, &experiment), false) && is_kept(&at(5, &experiment), false));
    // Stopped before half of its steps by a slider that moved on.
    assert!(!is_kept(&at(9, &experiment), true) && is_kept(&at(10, &experiment), true));
    experiment.training.steps = 2;
    assert!(is_kept(&at(2, &experiment), true), "a short run is whole");
}

#[test]
fn the_same_run_again_takes_the_place_of_the_one_before() {
    let mut runs = vec![run("a", 1.0, 1), run("b", 2.0, 1), run("c", 3.0, 1), run("d", 4.0, 1), run("e", 5.0, 1)];
    runs[1].pinned = true;
    runs[2].renamed = true;
    runs[3].step = 11;
    runs[4].experiment.seed += 1;
    let mut new = run("f", 6.0, 1);
    for run in runs.iter_mut().chain([&mut new]) {
        run.experiment.training.steps = 20;
    }
    assert_eq!(ids(&superseded(&runs, &new)), ["a"]);
    // One that is not half way may yet leave nothing.
    let early = KeptRun { step: 9, ..new.clone() };
    runs[0].step = 5;
    assert!(superseded(&runs, &early).is_empty());
    runs[0].step = 10;
    assert_eq!(ids(&superseded(&runs, &KeptRun { step: 11, ..new.clone() })), ["a", "d"]);
    // Other seeds are numbers of their own.
    runs[0].seeds = 3;
    assert!(superseded(&runs, &new).is_empty());
    assert_eq!(ids(&superseded(&runs, &KeptRun { seeds: 3, ..new })), ["a"]);
}

#[test]
fn a_card_says_what_the_run_reached() {
    let experiment = Experiment::default();
    assert_eq!(FinalNumbers::of(&History::new(&experiment)), None);
    let mut history = fixtures::history(&experiment, 100);
    let card = run_of(&experiment, &history);
    assert_eq!(card.step, 100);
    assert_eq!(card.steps_words(), format!("100 of {} steps", experiment.steps()));
    let words = |history: &History| FinalNumbers::of(history).expect("numbers").words(Unit::Nats);
    let before = words(&history);
    assert!(before.contains("nats at position 32, ") && before.ends_with(" above exact Bayes"), "{before}");
    history.apply(&Event::Outcome(Box::new(fixtures::outcome())));
    let after = words(&history);
    assert!(after.ends_with("; sequence gap 0.0190 ± 0.0012, topic gap 0.0760 ± 0.0011"), "{after}");
    // Whatever step is looked at, the card speaks of the last.
    history.show(Some(1));
    assert_eq!(words(&history), after);
}

#[test]
fn what_was_kept_becomes_the_run_again() {
    let experiment = Experiment::default();
    let at = |step: usize| fixtures::history(&experiment, step);
    let card = run_of(&experiment, &at(60));
    let bytes =
        RunBytes { history: at(60).to_bytes(), checkpoint: checkpoint_at(&experiment, 60), ..RunBytes::default() };
    let back = restored(&card, bytes.clone()).expect("a run");
    let record = back.record().expect("a record");
    assert_eq!((back.history.step(), record.losses.len(), record.last()), (60, 60, 60));
    // It went on for a while after the checkpoint: shown is the end, and gone on with is the checkpoint.
    let later = bytes.clone().followed_by(at(80).to_bytes()).followed_by(at(100).to_bytes());
    assert_eq!(later.history, at(100).to_bytes());
    assert_eq!(restored(&card, later.clone()).expect("a run").history.step(), 60);
    // Without its own curves a checkpoint would be drawn twice.
    let torn = RunBytes { at_checkpoint: Vec::new(), ..later };
    assert!(restored(&card, torn).is_err_and(|why| why.ends_with('.')));
    // Curves alone can be looked at.
    let alone = RunBytes::default().followed_by(at(40).to_bytes());
    assert!(restored(&card, alone).expect("curves").checkpoint.is_none());
    let other = KeptRun { experiment: Experiment { seed: 7, ..experiment.clone() }, ..card.clone() };
    assert!(restored(&other, bytes.clone()).is_err_and(|why| why.contains("of another run")));
    let mut older = bytes;
    older.checkpoint[0] += 1;
    assert!(restored(&card, older).is_err_and(|why| why.contains("another version")));
}

#[test]
fn each_seed_goes_on_from_its_own_checkpoint() {
    let experiment = Experiment { seed: 0, ..Experiment::default() };
    let seed = |seed: u64| Experiment { seed, ..experiment.clone() };
    let mut history = fixtures::history(&experiment, 60);
    history.set_seeds(4);
    let kept = |number: u64, of: u64, curves: usize, step: usize| SeedBytes {
        seed: number,
        history: fixtures::history(&seed(of), curves).to_bytes(),
        checkpoint: checkpoint_at(&seed(of), step),
    };
    let bytes = RunBytes {
        history: history.to_bytes(),
        checkpoint: checkpoint_at(&experiment, 60),
        // Seed 1 is ahead of the run, what is kept as seed 2 is of another, and seed 3 would have steps twice.
        seeds: vec![kept(1, 1, 80, 80), kept(2, 7, 40, 40), kept(3, 3, 60, 40)],
        ..RunBytes::default()
    };
    let card = run_of(&experiment, &history);
    assert_eq!((card.seeds, card.steps_words()), (4, format!("60 of {} steps, 4 seeds", experiment.steps())));
    assert!(card.numbers_words(Unit::Nats).starts_with("seed 0: loss "), "{}", card.numbers_words(Unit::Nats));
    let whole = bytes.len();
    let back = restored(&card, bytes.clone()).expect("a run");
    let steps: Vec<Option<usize>> = back.seeds.iter().map(|s| s.as_ref().map(|(summary, _)| summary.step)).collect();
    assert_eq!(steps, [Some(80), None, None]);
    assert_eq!(back.history.seeds().iter().map(History::step).collect::<Vec<_>>(), [80, 0, 0]);
    assert_eq!(back.history.seeds().iter().map(|run| run.experiment().seed).collect::<Vec<_>>(), [1, 2, 3]);
    let known: Vec<bool> = back.records_of_seeds().map(|(_, record)| record.is_some()).collect();
    assert_eq!(known, [true, false, false]);
    // Seeds of another experiment would make means over unlike runs.
    let mut mixed = history.clone();
    mixed.restore_seeds(vec![History::new(&Experiment { world: "coins:n=3".parse().expect("a world"), ..seed(1) })]);
    let mixed = RunBytes { history: mixed.to_bytes(), ..bytes.clone() };
    assert!(restored(&card, mixed).is_err_and(|why| why.contains("of other runs")));
    let mut many = history.clone();
    many.restore_seeds((1..=5).map(|number| History::new(&seed(number))).collect());
    assert!(restored(&card, RunBytes { history: many.to_bytes(), ..bytes.clone() }).is_err());
    // They stay where the run went on after its checkpoint.
    let later = bytes.followed_by(fixtures::history(&experiment, 80).to_bytes());
    assert_eq!((later.seeds.len(), later.len() > whole), (3, true));
}

#[test]
fn a_tab_remembers_its_run_for_the_same_experiment_alone() {
    let experiment = Experiment::default();
    let mark = Mark { id: "a".into(), identity: identity(&experiment), held: true, shown: Some(8) };
    assert_eq!(Mark::of(&mark.to_text(), &experiment), Some(mark.clone()));
    assert_eq!(Mark::of(&mark.to_text(), &Experiment { seed: 7, ..experiment.clone() }), None);
    assert_eq!(Mark::of("nonsense", &experiment), None);
}
