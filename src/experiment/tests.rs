use super::{preset::PRESETS, *};

fn problem_of(json: &str) -> String {
    problem::sentences(&Experiment::from_json(json).expect_err("must be refused"))
}

#[test]
fn every_preset_is_sound_and_survives_json() {
    for preset in PRESETS {
        let experiment = preset.experiment();
        assert_eq!(experiment.validate(), Ok(()), "{}", preset.name);
        assert_eq!(Experiment::from_json(&experiment.to_json()), Ok(experiment), "{}", preset.name);
    }
}

#[test]
fn every_suggestion_can_be_followed() {
    for preset in PRESETS {
        for t in preset.tries {
            let fields: Vec<_> =
                t.changes.iter().map(|(k, v)| (k.to_string(), serde_json::from_str(v).expect("JSON"))).collect();
            let changed = link::with_fields(&preset.experiment(), &fields).expect(t.label);
            assert_ne!(changed, preset.experiment(), "{}", t.label);
        }
    }
}

#[test]
fn the_published_transformer_has_about_8k_parameters() {
    let n = Net::small().parameters(5);
    assert!((7500..8500).contains(&n), "{n}");
}

#[test]
fn bad_values_are_named_with_field_value_and_range() {
    let text = problem_of(r#"{"data":{"topics":0,"sequences":2,"length":8,"fresh":false}}"#);
    assert!(text.contains("data.topics is 0") && text.contains("1 to 100000"), "{text}");
    let text = problem_of(r#"{"data":{"length":512}}"#);
    assert!(text.contains("data.length is 512") && text.contains("128"), "{text}");
    let text = problem_of(r#"{"data":{"topics":100000,"sequences":100000,"length":100,"fresh":false}}"#);
    assert!(text.contains("1 trillion") || text.contains("1.0 trillion"), "{text}");
    let text = problem_of(r#"{"data":{"topics":1000000000000}}"#);
    assert!(text.contains("data.topics is 1000000000000") && text.contains("1 to 100000"), "{text}");
    let mut e = Experiment::default();
    e.training.learning_rate = f64::NAN;
    e.data.topics = 0;
    let problems = e.validate().expect_err("two problems");
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems.iter().any(|p| p.field == "training.learning_rate" && p.value == "NaN"));
    assert!(problem_of("{").contains("unreadable"));
    assert!(problem_of(r#"{"version":2}"#).contains("version is 2"));
    assert!(problem_of(r#"{"nonsense":2}"#).contains("nonsense"));
}

#[test]
fn malformed_processes_are_named() {
    let check = |json: &str, words: &[&str]| {
        let text = problem::sentences(&WorldSpec::from_json(json).expect_err("must be refused"));
        for word in words {
            assert!(text.contains(word), "{word:?} in {text}");
        }
    };
    check(r#"{"tokens":["0"],"transitions":{"0":[[0.5]]}}"#, &["row 0", "0.5", "allowed: 1"]);
    check(r#"{"tokens":["0","1"],"transitions":{"0":[[1.5]],"1":[[-0.5]]}}"#, &["-0.5", "1.5", "[0][0]"]);
    check(r#"{"tokens":["0","1"],"transitions":{"0":[[0.5]],"1":[[0.5,0.0],[0.0,1.0]]}}"#, &["lengths 2,2"]);
    check(r#"{"tokens":["0","1"],"transitions":{"0":[[1.0]]}}"#, &["without \"1\""]);
    check(r#"{"tokens":["0"],"start":[0.5,0.5],"transitions":{"0":[[1.0]]}}"#, &["world.start", "2 numbers"]);
    check(r#"{"mixture":[]}"#, &["components"]);
    check(r#"{"tokens":["0"],"transitions":{"0":[[1.0]]},"colour":1}"#, &["colour"]);
    let good = r#"{"mixture":[{"weight":1,"process":{"tokens":["a"],"transitions":{"a":[[1.0]]}}},{"weight":3,"process":{"tokens":["b"],"transitions":{"b":[[1.0]]}}}]}"#;
    assert_eq!(WorldSpec::from_json(good).expect("sound").tokens(), ["a", "b"]);
}

#[test]
fn specs_read_and_print() {
    for text in ["coins", "coins:n=3", "beta-coin:a=2,b=0.5", "dursley-wonka", "markov:k=4"] {
        assert_eq!(text.parse::<WorldSpec>().expect(text).to_string(), text);
    }
    assert!("coin:n=3".parse::<WorldSpec>().is_err());
    assert!("coins:m=3".parse::<WorldSpec>().is_err());
    assert!("coins:n=x".parse::<WorldSpec>().is_err());
    assert!("coins:n=2.5".parse::<WorldSpec>().expect("shape").validate().is_err());
    assert!("coins:n=NaN".parse::<WorldSpec>().is_err());
}

#[test]
fn a_link_holds_only_what_differs_and_comes_back() {
    let preset = &PRESETS[4];
    let mut e = preset.experiment();
    assert_eq!(link::to_fragment(preset, &e), "v=1&preset=markov");
    e.data.topics = 64;
    e.seed = 9;
    e.world.set_parameter("k", 2.0);
    let text = link::to_fragment(preset, &e);
    assert_eq!(text, "v=1&preset=markov&data.topics=64&seed=9&world=markov:k=2");
    assert_eq!(link::from_fragment(&text), Ok(link::Link { preset: "markov", experiment: e.clone() }));
    // A user's own process travels too.
    e.world = WorldSpec::from_json(r#"{"tokens":["ä b"],"transitions":{"ä b":[[1.0]]}}"#).expect("sound");
    let back = link::from_fragment(&format!("#{}", link::to_fragment(preset, &e))).expect("reads");
    assert_eq!(back.experiment, e);
}

#[test]
fn broken_links_are_refused_with_a_sentence() {
    for text in [
        "#v=2",
        "#preset=nothing",
        "#data.topics",
        "#data.topics=%zz",
        "#data.tpics=3",
        "#data.topics=0",
        "#data.topics=\"x\"",
        "#world=coins:n=0",
        "#%F0%9F",
    ] {
        let problems = link::from_fragment(text).expect_err(text);
        assert!(!problem::sentences(&problems).is_empty());
    }
    assert!(link::from_fragment("").is_ok());
}

#[test]
fn the_schedule_warms_up_and_cools_down() {
    let t = Training { warmup: 10, steps: 110, learning_rate: 1.0, schedule: Schedule::Cosine, ..Training::default() };
    assert!((t.learning_rate_at(0) - 0.1).abs() < 1e-12);
    assert!((t.learning_rate_at(10) - 1.0).abs() < 1e-12);
    assert!((t.learning_rate_at(60) - 0.505).abs() < 1e-12);
    assert!((t.learning_rate_at(110) - 0.01).abs() < 1e-12);
}

#[test]
fn large_numbers_read_well() {
    assert_eq!(estimate::large(98304.0), "98,304");
    assert_eq!(estimate::large(12e9), "12 billion");
    assert_eq!(estimate::large(1.5e6), "1.5 million");
}
