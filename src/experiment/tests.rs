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
    let n = Net::small().parameters(Observation::Tokens(5));
    assert!((7500..8500).contains(&n), "{n}");
}

/// Counted one by one, position by position.
#[test]
fn multiply_adds_are_what_a_forward_pass_does() {
    let counted = |net: &Net, inputs: usize, outputs: usize, length: usize| {
        let mut count = 0_u64;
        let mut linear = |from: usize, to: usize| (0..from * to).for_each(|_| count += 1);
        let (d, head, hidden) = (net.width, net.head_width(), net.mlp_width());
        for position in 0..length {
            linear(inputs, d);
            for block in 0..net.blocks {
                if net.architecture != Architecture::Transformer {
                    // The rows of one-hot tokens are looked up.
                    let looked_up = block == 0 && net.embedding == Embedding::OneHot && inputs == 0;
                    (0..net.architecture.gates()).for_each(|_| linear(if looked_up { d } else { 2 * d }, d));
                    continue;
                }
                linear(d, net.heads * head);
                linear(d, net.kv_heads * head);
                linear(d, net.kv_heads * head);
                for _ in 0..net.heads {
                    for _seen in 0..=position {
                        // A score, and a value mixed in.
                        linear(head, 1);
                        linear(1, head);
                    }
                }
                linear(net.heads * head, d);
                match net.mlp {
                    Mlp::None => {}
                    Mlp::Gelu => (0..2).for_each(|_| linear(d, hidden)),
                    Mlp::Gated | Mlp::Geglu => (0..3).for_each(|_| linear(d, hidden)),
                }
            }
            linear(d, outputs);
        }
        count as f64
    };
    let attention_only = Net { mlp: Mlp::None, heads: 3, kv_heads: 1, head_width: 5, ..Net::default() };
    let recurrent = |architecture| Net { architecture, width: 6, ..Net::default() };
    let one_hot = Net { embedding: Embedding::OneHot, ..recurrent(Architecture::Gru) };
    let (gru, lstm) = (recurrent(Architecture::Gru), recurrent(Architecture::Lstm));
    let nets = [Net::default(), Net::small(), attention_only, one_hot, gru, lstm];
    for net in nets {
        for length in [1, 2, 7] {
            assert_eq!(net.multiply_adds(Observation::Tokens(5), length), counted(&net, 0, 5, length));
            // Entries, a bias and a start in; a mean and a variance out.
            assert_eq!(net.multiply_adds(Observation::Vectors(2), length), counted(&net, 4, 3, length));
        }
    }
}

/// With a begin token: six embeddings, and one for the start that every net here has, which the published one lacks.
#[test]
fn the_published_transformer_has_7952_parameters() {
    let published = Preset::named("dursley-wonka-small").expect("a preset").experiment();
    assert_eq!(published.net.parameters(published.world.observation()), 7952 + 16);
}

#[test]
fn one_hot_tokens_are_for_recurrent_nets() {
    let mut e = Experiment::default();
    e.net.embedding = Embedding::OneHot;
    let problems = e.validate().expect_err("a transformer");
    assert!(problem::sentences(&problems).contains("net.embedding is one-hot; allowed: learned with a transformer"));
    e.net.architecture = Architecture::Lstm;
    assert_eq!(e.validate(), Ok(()));
    // Two layers of width 32, gates of 4 · 32: (5 + 1) rows in the first layer's matrix, and no embedding.
    let with_biases = |from: usize| from * 128 + 128;
    assert_eq!(e.net.parameters(Observation::Tokens(5)), with_biases(6) + 3 * with_biases(32) + 32 * 5 + 5);
    assert!(!e.net.heeds("net.embedding_scale", Observation::Tokens(5)));
    // Vectors are read as they are.
    e.world = "lds".parse().expect("a world");
    assert_eq!(e.validate(), Ok(()));
    assert!(!e.net.heeds("net.embedding", e.world.observation()));
    e.net.architecture = Architecture::Transformer;
    assert_eq!(e.validate(), Ok(()));
}

#[test]
fn what_an_optimizer_or_norm_cannot_take_is_refused() {
    for (json, field) in [
        (r#"{"training":{"beta1":1.0}}"#, "training.beta1 is 1"),
        (r#"{"training":{"beta2":1.0}}"#, "training.beta2 is 1"),
        (r#"{"training":{"epsilon":0.0}}"#, "training.epsilon is 0"),
        (r#"{"net":{"norm_epsilon":0.0}}"#, "net.norm_epsilon is 0"),
        (r#"{"net":{"embedding_scale":-1.0}}"#, "net.embedding_scale is -1"),
        (r#"{"net":{"init":"random"}}"#, "random"),
    ] {
        let text = problem_of(json);
        assert!(text.contains(field), "{text}");
    }
}

/// PyTorch's counts: an embedding of 6 x 16, two GRU layers of 2 (16·48 + 48), a head of 16·5 + 5.
#[test]
fn recurrent_nets_have_pytorchs_parameters_and_heed_no_heads() {
    let net = Net { architecture: Architecture::Gru, width: 16, heads: 3, kv_heads: 2, ..Net::default() };
    assert_eq!(net.parameters(Observation::Tokens(5)), 96 + 2 * 2 * (16 * 48 + 48) + 85);
    let e = Experiment { net, ..Experiment::default() };
    assert_eq!(e.validate(), Ok(()));
    let text = serde_json::to_string(&e).expect("JSON").replace("gru", "transformer");
    assert!(problem_of(&text).contains("net.kv_heads is 2"));
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
    assert!(problem_of(r#"{"version":3}"#).contains("version is 3; allowed: 1 to 2"));
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
    check(
        r#"{"mixture":[{"weight":1,"world":"lds"},{"weight":1,"world":"coins"}]}"#,
        &["mixture[0].world is lds", "vectors"],
    );
    let good = r#"{"mixture":[{"weight":1,"process":{"tokens":["a"],"transitions":{"a":[[1.0]]}}},{"weight":3,"process":{"tokens":["b"],"transitions":{"b":[[1.0]]}}}]}"#;
    assert_eq!(WorldSpec::from_json(good).expect("sound").tokens(), ["a", "b"]);
}

#[test]
fn specs_read_and_print() {
    for text in ["coins", "coins:n=3", "beta-coin:a=2,b=0.5", "dursley-wonka", "markov:k=4", "lds:d=3,noise=0.2"] {
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
    let preset = Preset::named("markov").expect("a preset");
    let mut e = preset.experiment();
    assert_eq!(link::to_fragment(preset, &e), "v=2&preset=markov");
    e.data.topics = 64;
    e.seed = 9;
    e.world.set_parameter("k", 2.0);
    let text = link::to_fragment(preset, &e);
    assert_eq!(text, "v=2&preset=markov&data.topics=64&seed=9&world=markov:k=2");
    assert_eq!(link::from_fragment(&text), Ok(link::Link { preset: "markov", experiment: e.clone() }));
    // A user's own process travels too.
    e.world = WorldSpec::from_json(r#"{"tokens":["ä b"],"transitions":{"ä b":[[1.0]]}}"#).expect("sound");
    let back = link::from_fragment(&format!("#{}", link::to_fragment(preset, &e))).expect("reads");
    assert_eq!(back.experiment, e);
}

#[test]
fn broken_links_are_refused_with_a_sentence() {
    for text in [
        "#v=3",
        "#v=0",
        "#v=x",
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

fn text(documents: &[(&str, &str)]) -> Text {
    let list = documents.iter().map(|(name, text)| text::Document { name: (*name).into(), text: (*text).into() });
    Text::new(text::Unit::Characters, list.collect())
}

#[test]
fn a_text_survives_json_and_is_left_out_of_links() {
    let letters = "a bb ccc\n".repeat(60);
    let mut e = Experiment { world: WorldSpec::Text(text(&[("one", &letters)])), ..Experiment::default() };
    assert_eq!(e.validate(), Ok(()));
    assert_eq!(e.world.vocab(), 5);
    assert_eq!(e.world.tokens(), ["c", "␣", "b", "⏎", "a"]);
    assert_eq!(Experiment::from_json(&e.to_json()), Ok(e.clone()));
    e.seed = 4;
    assert_eq!(link::to_fragment(&PRESETS[0], &e), "v=2&preset=dursley-wonka&seed=4&training.steps=500");
    let WorldSpec::Text(text) = &e.world else { panic!("a text") };
    let bytes = text.in_unit(text::Unit::Bytes);
    assert_eq!((bytes.vocab(), bytes.encode()[0][1]), (256, 32));
    assert_eq!(WorldSpec::from_json(&serde_json::to_string(&bytes).expect("JSON")), Ok(WorldSpec::Text(bytes)));
}

#[test]
fn rare_characters_share_a_token() {
    let kinds: String = (0..400).filter_map(|i| char::from_u32(0x4e00 + i)).collect();
    let many = text(&[("many", &(kinds.clone() + &kinds[..300]))]);
    assert_eq!(many.vocab(), 256);
    assert_eq!(many.tokens()[255], "other");
    let codes = &many.encode()[0];
    assert!(
        codes[..255].iter().enumerate().all(|(i, x)| usize::from(*x) == i) && codes[255..400].iter().all(|x| *x == 255)
    );
    // With an alphabet of a given size, tokens may stay unused, and none stands for two kinds.
    let few = Text::with_alphabet(text::Unit::Characters, 16, many.documents().to_vec());
    assert_eq!((few.vocab(), few.tokens().len(), few.encode()[0][15]), (16, 16, 15));
    let spare = Text::with_alphabet(text::Unit::Characters, 16, text(&[("ab", "abab")]).documents().to_vec());
    assert_eq!((spare.vocab(), spare.encode()), (16, vec![vec![0, 1, 0, 1]]));
}

#[test]
fn texts_that_cannot_be_learned_from_are_named() {
    let says = |world: Text, words: &[&str]| {
        let e = Experiment { world: WorldSpec::Text(world), ..Experiment::default() };
        let text = problem::sentences(&e.validate().expect_err("must be refused"));
        assert!(words.iter().all(|word| text.contains(word)), "{words:?} in {text}");
    };
    says(text(&[]), &["documents is 0"]);
    says(text(&[("void.txt", ""), ("zeros", "000000")]), &["\"void.txt\" is empty", "\"zeros\"", "throughout"]);
    says(text(&[("short", &"ab".repeat(100))]), &["\"short\" is 200 characters long", "at least 320 characters"]);
    says(text(&[("large", &"ab".repeat(text::MAX_BYTES))]), &["40.0 MB", "at most 20 MB"]);
    let mixture =
        WorldMixture { mixture: vec![Component { weight: 1.0, world: WorldSpec::Text(text(&[("a", "ab")])) }] };
    let problems = WorldSpec::Mixture(mixture).validate().expect_err("must be refused");
    assert!(problem::sentences(&problems).contains("world.mixture[0].world is a text"), "{problems:?}");
    for json in [r#"{"text":3}"#, r#"{"text":{"documents":[3]}}"#, r#"{"text":{"unit":"words","documents":[]}}"#] {
        assert!(problem::sentences(&WorldSpec::from_json(json).expect_err(json)).contains("world.text is unreadable"));
    }
}

#[test]
fn one_file_may_hold_several_documents() {
    let names = |text: &str| -> Vec<(String, String)> {
        text::sections("file.txt", text).into_iter().map(|d| (d.name, d.text)).collect()
    };
    let pair = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    assert_eq!(names("no title\n"), [pair("file.txt", "no title\n")]);
    assert_eq!(names("# A\nx\n# not a title\n\n# B \n\ny\n"), [pair("A", "x\n# not a title"), pair("B", "y")]);
    assert_eq!(names("first\n\n# A\nx"), [pair("file.txt", "first"), pair("A", "x")]);
    assert_eq!(names("x\u{c}# B\ny\u{c}\n"), [pair("file.txt, part 1", "x"), pair("B", "y")]);
    assert_eq!(names(""), [pair("file.txt", "")]);
}

#[test]
fn files_in_many_encodings_are_read() {
    let decode = |bytes: &[u8]| text::decode("f", bytes.to_vec());
    assert_eq!(decode("\u{feff}näh\r\nja\rnein".as_bytes()), Ok("näh\nja\nnein".into()));
    let wide: Vec<u8> = "\u{feff}für 猫\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(decode(&wide), Ok("für 猫\n".into()));
    let wide: Vec<u8> = "\u{feff}für".encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(decode(&wide), Ok("für".into()));
    assert_eq!(decode(b"caf\xe9 \x93ol\xe9\x94 \x80"), Ok("café “olé” €".into()));
    // Cut in the middle of a character.
    let cut = &"пример текста".as_bytes()[..24];
    assert_eq!(decode(cut), Ok("пример текст\u{fffd}".into()));
    assert_eq!(decode(b""), Ok(String::new()));
    for binary in [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], &(1..=255).collect::<Vec<u8>>()] {
        let problem = decode(binary).expect_err("binary");
        assert!(problem.to_string().contains("\"f\" is binary"), "{problem}");
    }
}

#[test]
fn the_corpus_fills_a_spec_with_as_many_tokens_as_it_said() {
    let corpus = "Where it is from.\n\n# Ab\nababc\n\n# Cd\ncdcd\n\n# Ef\nefef\n";
    for spec in ["udhr:languages=2,characters=16", "udhr:languages=3,bytes=1"] {
        let spec: WorldSpec = spec.parse().expect("a spec");
        let filled = udhr::filled(&spec, corpus).expect("enough languages");
        assert_eq!(filled.vocab(), spec.vocab());
        let WorldSpec::Text(text) = filled else { panic!("a text") };
        assert_eq!(text.documents().len(), spec.parameter("languages") as usize);
        assert_eq!((text.documents()[0].name.as_str(), text.documents()[0].text.as_str()), ("Ab", "ababc"));
    }
    let problem = udhr::filled(&"udhr:languages=4".parse().expect("a spec"), corpus).expect_err("too many");
    assert!(problem.to_string().contains("world.languages is 4") && problem.to_string().contains("at most 3"));
}

#[test]
fn a_linear_system_that_would_explode_is_refused() {
    let text = problem_of(r#"{"world":"lds:sw=1","data":{"length":40}}"#);
    assert!(text.contains("data.length is 40") && text.contains("explode"), "{text}");
    for world in ["lds:sw=1,radius=0.9", "lds:d=5"] {
        let mut e = Experiment { world: world.parse().expect("a world"), ..Experiment::default() };
        e.data.length = 40;
        assert_eq!(e.validate(), Ok(()), "{world}");
    }
    let mut e = Experiment { world: "lds:d=5".parse().expect("a world"), ..Experiment::default() };
    e.data.fresh = false;
    (e.data.topics, e.data.sequences) = (10_000, 100);
    assert!(problem::sentences(&e.validate().expect_err("too many")).contains("at most 8 million"));
}

#[test]
fn every_preset_has_a_story() {
    let stories = include_str!("../../www/stories.html");
    for preset in PRESETS {
        let start = format!("<template id=\"story-{}\">", preset.name);
        let story = stories.split(&start).nth(1).and_then(|rest| rest.split("</template>").next()).unwrap_or_default();
        assert!(
            story.matches("<p").count() >= 2 && story.matches("<p").count() == story.matches("</p>").count(),
            "{}",
            preset.name
        );
        assert!(!story.contains("<script") && !story.contains('!'), "{}", preset.name);
    }
    assert_eq!(stories.matches("<template").count(), PRESETS.len(), "no story without its preset");
}
