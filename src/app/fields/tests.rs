use super::*;
use crate::experiment::{preset::PRESETS, world::KINDS};

fn every_number() -> Vec<(Experiment, Number)> {
    let worlds = KINDS.iter().map(|kind| Experiment { world: WorldSpec::named(kind), ..Experiment::default() });
    worlds.flat_map(|e| all(&e).into_iter().map(move |n| (e.clone(), n))).collect()
}

#[test]
fn stops_are_the_decimals_that_they_are_written_as() {
    for (low, high) in [(1e-12, 1e-3), (1e-5, 0.1), (0.05, 10.0), (1e3, 1e9)] {
        for stop in decades(low, high) {
            let text = format!("{stop:e}");
            assert!(text.split('e').next().is_some_and(|digits| digits.len() == 1), "{text}");
        }
    }
}

#[test]
fn stops_rise_and_are_allowed() {
    for (experiment, number) in every_number() {
        assert!(number.stops.windows(2).all(|w| w[0] < w[1]), "{}: {:?}", number.field, number.stops);
        for &stop in &number.stops {
            let mut e = experiment.clone();
            number.set(&mut e, stop);
            assert_eq!(number.get(&e), stop, "{}", number.field);
            let problems = e.validate().err().unwrap_or_default();
            // Neighbours may disagree (heads and width); the range itself must not.
            let allowed = number.allowed(&experiment);
            let beyond = problems.iter().any(|p| p.field == number.field && p.allowed == allowed);
            let by_neighbour = ["bound.topics", "bound.sequences", "net.kv_heads"].contains(&number.field.as_str());
            assert!(!beyond || by_neighbour, "{} at {stop}", number.field);
        }
    }
}

#[test]
fn fields_are_those_of_links() {
    for (experiment, number) in every_number() {
        if let Slot::Plain { .. } = number.slot {
            let mut changed = experiment.clone();
            number.set(&mut changed, number.get(&experiment) + 1.0);
            let names: Vec<String> =
                experiment::link::differences(&experiment, &changed).into_iter().map(|d| d.0).collect();
            assert_eq!(names, std::slice::from_ref(&number.field));
        }
    }
}

#[test]
fn stories_start_on_stops() {
    for preset in PRESETS {
        let experiment = preset.experiment();
        for number in all(&experiment) {
            let value = number.get(&experiment);
            let stop = number.stops[number.nearest_stop(value)];
            // Steps have stops at 1000 and 2000.
            assert!((stop - value).abs() <= 0.34 * value.abs(), "{} {}: {value} {stop}", preset.name, number.field);
        }
    }
}

#[test]
fn what_acts_at_once_needs_no_restart() {
    let mut run = Experiment::default();
    let restarts = |run: &Experiment, change: &dyn Fn(&mut Experiment)| {
        let mut draft = run.clone();
        change(&mut draft);
        at_once(run, &draft) != draft
    };
    let delta = |e: &mut Experiment| e.bound.delta = 0.1;
    let priors = |e: &mut Experiment| (e.bound.topics, e.bound.sequences) = (3, 2);
    for change in
        [&delta as &dyn Fn(&mut Experiment), &priors, &|e| e.bound.bracket_inside = true, &|e| e.bound.scale = 0.3]
    {
        assert!(!restarts(&run, change));
    }
    for change in [
        &(|e: &mut Experiment| e.bound.certificate = true) as &dyn Fn(&mut Experiment),
        &|e| e.bound.rise = 0.1,
        &|e| e.prior.steps = 10,
        &|e| e.prior.index = true,
        &|e| e.evaluation.precision = 0.1,
        &|e| e.seed = 9,
    ] {
        assert!(restarts(&run, change));
    }
    run.bound.scale = 0.3;
    assert!(restarts(&run, &|e| e.bound.scale = 0.0), "no grid was tried");
    (run.prior.steps, run.bound.certificate) = (10, true);
    assert!(restarts(&run, &priors) && restarts(&run, &delta));
    assert!(!restarts(&run, &|e| e.bound.scale = 0.1));
}

#[test]
fn what_does_nothing_asks_for_no_restart() {
    let base = Experiment::default();
    let set = |field: &str, experiment: &Experiment| {
        let mut changed = experiment.clone();
        let number = all(experiment).into_iter().find(|n| n.field == field).expect("a number");
        number.set(&mut changed, number.get(experiment) * 2.0 + 4.0);
        changed
    };
    let mut used = base.clone();
    used.data.fresh = false;
    (used.training.optimizer, used.bound.certificate, used.bound.scale) = (Optimizer::Langevin, true, 0.0);
    let mut unused = base.clone();
    (unused.data.fresh, unused.net.mlp, unused.bound.scale) = (true, Mlp::None, 0.3);
    for field in [
        "data.topics",
        "data.sequences",
        "net.mlp_width",
        "bound.rise",
        "bound.smoothing",
        "training.inverse_temperature",
    ] {
        let same = |run: &Experiment, draft: &Experiment| at_once(run, draft) == *draft;
        assert!(idle(field, &unused).is_some() && idle(field, &used).is_none(), "{field}");
        assert!(same(&unused, &set(field, &unused)), "{field} does nothing, and asks for a restart");
        assert!(!same(&used, &set(field, &used)), "{field} acts");
        // Where the change switches it on, it is part of it.
        assert!(!same(&unused, &set(field, &used)), "{field}");
    }
    for number in all(&base) {
        assert!(idle(&number.field, &base).is_none_or(|why| why.ends_with('.')), "{}", number.field);
    }
}

#[test]
fn room_for_longer_sequences_is_one_press_away() {
    let mut e = Experiment::default();
    assert_eq!(with_room(&e), None, "there is room");
    e.data.length = 256;
    let roomier = with_room(&e).expect("all that is missing is room");
    assert_eq!((roomier.net.context, roomier.validate()), (256, Ok(())));
    e.data.length = 1_000_000;
    assert_eq!(with_room(&e), None, "no context is that long");
}

#[test]
fn problems_are_led_back_to_their_controls() {
    let mut e = Experiment::default();
    (e.data.length, e.training.batch) = (256, 0);
    let led = |e: &Experiment| -> Vec<_> {
        let problems = e.validate().expect_err("two problems");
        problems.iter().map(|problem| control_of(problem, e)).collect()
    };
    let control = |label: &str, field: &str| Some((label.to_owned(), field.to_owned()));
    let found = led(&e);
    assert!(found.contains(&control("Tokens T", "data.length")), "{found:?}");
    assert!(found.contains(&control("Batch", "training.batch")), "{found:?}");
    let elsewhere = Problem::new("world.mixture[1].weight", "x", "a number", "");
    assert_eq!(control_of(&elsewhere, &e), None);
    // One choice each, and none forgotten.
    let source = include_str!("../fields.rs");
    assert_eq!(source.matches(": Choice = Choice {").count(), CHOICES.len());
}

#[test]
fn numbers_are_read_as_people_write_them() {
    let topics = &data_counts()[0];
    let rate = training().into_iter().find(|n| n.field == "training.learning_rate").expect("there is one");
    assert_eq!(topics.parse("1,000"), Some(1000.0));
    assert_eq!(topics.parse(" 10k "), Some(10_000.0));
    assert_eq!(rate.parse("3e-3"), Some(3e-3));
    assert_eq!((topics.parse("16.0"), topics.parse("1.6e1")), (Some(16.0), Some(16.0)));
    for text in ["", "abc", "1.5", "1,5", "1 5", "-3", "1e12", "NaN"] {
        assert_eq!(topics.parse(text), None, "{text}");
    }
    let problem = topics.unreadable("1e12", &Experiment::default()).to_string();
    assert!(problem.contains("data.topics is \"1e12\"; allowed: a whole number, 1 to 100000."), "{problem}");
    let problem = topics.unreadable("1 5", &Experiment::default()).to_string();
    assert!(problem.contains("without spaces"), "{problem}");
    assert_eq!((rate.parse("0,1"), rate.parse("0,001"), rate.parse("nan")), (Some(0.1), Some(1e-3), None));
    let seed = training_details().into_iter().find(|n| n.field == "seed").expect("there is one");
    assert_eq!(seed.parse("4294967296"), Some(4_294_967_296.0));
    assert_eq!(seed.parse("9007199254740991"), Some(MAX_SEED as f64));
    assert_eq!(seed.parse("9007199254740992"), None);
    let mut e = Experiment::default();
    seed.set(&mut e, MAX_SEED as f64);
    assert_eq!((e.seed, e.validate()), (MAX_SEED, Ok(())));
    assert_eq!(seed.parse(&format(seed.get(&e))), Some(MAX_SEED as f64));
    assert_eq!(format(3e-4), "3e-4");
    assert_eq!(format(0.003), "0.003");
    assert_eq!(format(256.0), "256");
}
