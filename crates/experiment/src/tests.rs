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
    for (json, words) in [
        (r#"{"text":3}"#, "world.text is 3;"),
        (r#"{"text":{"documents":[3]}}"#, "world.text.documents[0] is 3;"),
        (r#"{"text":{"documents":[{"name":"a","text":7}]}}"#, "world.text.documents[0].text is 7;"),
        (r#"{"text":{"documents":[{"name":"a"}]}}"#, "world.text.documents[0].text is missing;"),
        (r#"{"text":{"unit":"words","documents":[]}}"#, "world.text.unit is \"words\"; allowed: characters or bytes"),
        (r#"{"text":{}}"#, "world.text.documents is missing;"),
    ] {
        let said = problem::sentences(&WorldSpec::from_json(json).expect_err(json));
        assert!(said.contains(words), "{json}: {said}");
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
    let decode = |bytes: &[u8]| text::decode("f", bytes.to_vec()).map(|read| (read.text, read.note));
    let sure = |text: &str| Ok((String::from(text), String::new()));
    assert_eq!(decode("\u{feff}näh\r\nja\rnein".as_bytes()), sure("näh\nja\nnein"));
    let wide: Vec<u8> = "\u{feff}für 猫\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(decode(&wide), sure("für 猫\n"));
    let wide: Vec<u8> = "\u{feff}für".encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(decode(&wide), sure("für"));
    assert_eq!(decode(b""), sure(""));
    // What is guessed is said.
    let (text, note) = decode(b"caf\xe9 \x93ol\xe9\x94 \x80").expect("a text");
    assert_eq!(text, "café “olé” €");
    assert!(note.contains("\"f\" is not UTF-8") && note.contains("Windows-1252") && note.contains("save it as UTF-8"));
    // Cut in the middle of a character.
    let (text, note) = decode(&"пример текста".as_bytes()[..24]).expect("a text");
    assert_eq!(text, "пример текст\u{fffd}");
    assert!(note.contains("not sound UTF-8 in one place"), "{note}");
    for binary in [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], &(1..=255).collect::<Vec<u8>>()] {
        let problem = decode(binary).expect_err("binary");
        assert!(problem.to_string().contains("\"f\" is binary"), "{problem}");
    }
}

/// In Western European text letters beyond ASCII stand alone; elsewhere they are the words.
#[test]
fn other_scripts_in_8_bits_are_not_read_as_western() {
    // "Пример текста на русском языке."
    let koi8 = b"\xf0\xd2\xc9\xcd\xc5\xd2 \xd4\xc5\xcb\xd3\xd4\xc1 \xce\xc1 \xd2\xd5\xd3\xd3\xcb\xcf\xcd \xd1\xda\xd9\xcb\xc5.";
    let windows =
        b"\xcf\xf0\xe8\xec\xe5\xf0 \xf2\xe5\xea\xf1\xf2\xe0 \xed\xe0 \xf0\xf3\xf1\xf1\xea\xee\xec \xff\xe7\xfb\xea\xe5.";
    let gbk = b"\xd5\xe2\xca\xc7\xd2\xbb\xb8\xf6\xc0\xfd\xd7\xd3\xce\xc4\xb1\xbe\xa3\xac\xb2\xbb\xca\xc7\xc6\xe4\xcb\xfc\xd7\xd6\xb7\xfb\xa1\xa3";
    let among = [b"<html><body class=\"a long ASCII name\"><p>".as_slice(), koi8, b"</p></body></html>"].concat();
    for (bytes, words) in
        [(&koi8[..], "perhaps KOI8-R"), (windows, "perhaps Windows-1251"), (gbk, "Chinese"), (&among, "perhaps KOI8-R")]
    {
        let said = text::decode("f", bytes.to_vec()).expect_err(words).to_string();
        assert!(
            said.contains("the file \"f\" is not UTF-8") && said.contains(words) && said.contains("iconv"),
            "{said}"
        );
    }
    for western in [&b"d\xe9j\xe0 cr\xe9\xe9e, na\xefve"[..], b"\xabNo\xebl\xbb \x96 \x85\x85\x85", b"\xc5ngstr\xf6m"] {
        assert!(text::decode("f", western.to_vec()).is_ok_and(|read| read.note.contains("Windows-1252")));
    }
}

#[test]
fn tokens_that_cannot_be_seen_have_names() {
    let world =
        WorldSpec::Text(text(&[("a", "\u{200b}\u{200b}\u{200b}\u{200b}\u{feff}\u{feff}\u{feff}\u{301}\u{301}\u{a0}")]));
    assert_eq!(world.tokens(), ["U+200B", "U+FEFF", "◌\u{301}", "U+00A0"]);
    let process = r#"{"tokens":["\u200b","","a\u200d","a"," ","\t"],"transitions":{"\u200b":[[0.5]],"":[[0.5]],"a\u200d":[[0]],"a":[[0]]," ":[[0]],"\t":[[0]]}}"#;
    let world = WorldSpec::from_json(process).expect("sound");
    assert_eq!(world.tokens(), ["U+200B", "(empty)", "a‹U+200D›", "a", "␣", "⇥"]);
    // They are told apart by what they are, whatever they look like.
    assert_eq!(world.names()[..2], ["\u{200b}", ""]);
    let mixture = format!(r#"{{"mixture":[{{"weight":1,"world":{process}}},{{"weight":1,"world":{process}}}]}}"#);
    assert_eq!(WorldSpec::from_json(&mixture).expect("sound").vocab(), 6);
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
    let stories = include_str!("../../../www/stories.html");
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

fn says(problems: Result<impl std::fmt::Debug, Vec<Problem>>, of: &str, words: &str) {
    let said = problem::sentences(&problems.expect_err(of));
    assert!(said.contains(words), "{of}: {words:?} in {said}");
    for foreign in ["invalid type", "expected", "unreadable", "usize", "f64", "u64", "struct", "variant", "`"] {
        assert!(!said.contains(foreign), "{of}: {foreign:?} in {said}");
    }
}

#[test]
fn wrong_types_name_the_field_the_value_and_what_is_allowed() {
    for (json, words) in [
        (r#"{"data":{"topics":"16"}}"#, "data.topics is \"16\"; allowed: a whole number, 1 to 100000. Write 16."),
        (r#"{"data":{"topics":"1,000"}}"#, "Write 1000."),
        (r#"{"data":{"topics":16.5}}"#, "data.topics is 16.5; allowed: a whole number, 1 to 100000."),
        (r#"{"data":{"topics":-1}}"#, "data.topics is -1; allowed: a whole number"),
        (r#"{"data":{"topics":null}}"#, "data.topics is null;"),
        (r#"{"data":{"topics":[16]}}"#, "data.topics is [16];"),
        (r#"{"data":{"topics":true}}"#, "data.topics is true;"),
        (r#"{"data":{"topics":1e300}}"#, "data.topics is 1e300;"),
        (r#"{"data":{"fresh":1}}"#, "data.fresh is 1; allowed: true or false."),
        (r#"{"data":{"fresh":"true"}}"#, "data.fresh is \"true\"; allowed: true or false."),
        (r#"{"data":[]}"#, "data is []; allowed: an object of fields"),
        (r#"{"data":null}"#, "data is null; allowed: an object of fields"),
        (r#"{"data":{"tpics":4}}"#, "data.tpics is 4; allowed: a field of an experiment. There are data."),
        (r#"{"sed":4}"#, "sed is 4; allowed: a field of an experiment. There are bound,"),
        (
            r#"{"training":{"learning_rate":"0,1"}}"#,
            "training.learning_rate is \"0,1\"; allowed: a number, 0.0000001 to 1. Write 0.1.",
        ),
        (r#"{"training":{"schedule":"Cosine"}}"#, "training.schedule is \"Cosine\"; allowed: one of constant, cosine."),
        (r#"{"net":{"architecture":7}}"#, "net.architecture is 7; allowed: one of transformer, gru, lstm."),
        (r#"{"net":{"kv_heads":"x","heads":2}}"#, "net.kv_heads is \"x\"; allowed: a whole number, 1 to 2."),
        (r#"{"seed":"x"}"#, "seed is \"x\"; allowed: a whole number, 0 to 9007199254740991."),
        (r#"{"seed":1.5}"#, "seed is 1.5;"),
        (r#"{"seed":9007199254740992}"#, "seed is 9007199254740992; allowed: 0 to"),
        (r#"{"version":"1"}"#, "version is \"1\";"),
        (r#"{"version":3}"#, "version is 3;"),
        (r#"{"version":3.0}"#, "version is 3;"),
        (r#"{"world":7}"#, "world is 7; allowed: a world in its short form"),
        (r#"{"world":null}"#, "world is null;"),
        (r#"{"world":"coins:n=x"}"#, "world.n is \"x\"; allowed: a number."),
        (r#"{"world":{}}"#, "world.tokens is missing;"),
        (r#"[]"#, "experiment is []; allowed: an object of fields"),
        (r#""coins""#, "experiment is \"coins\";"),
    ] {
        says(Experiment::from_json(json), json, words);
    }
    // All of them at once.
    let both = r#"{"data":{"topics":"x","length":"y"},"net":{"widht":4}}"#;
    for words in ["data.topics is \"x\"", "data.length is \"y\"", "net.widht is 4"] {
        says(Experiment::from_json(both), both, words);
    }
    let long = format!(r#"{{"seed":"{}"}}"#, "x".repeat(100_000));
    assert!(problem_of(&long).len() < 400, "values are described, not repeated");
}

#[test]
fn wrong_worlds_name_the_place() {
    for (json, words) in [
        (r#"{"tokens":"ab","transitions":{}}"#, "world.tokens is \"ab\"; allowed: a list of token names"),
        (r#"{"tokens":[0,1],"transitions":{}}"#, "world.tokens[0] is 0; allowed: a name, in quotes."),
        (r#"{"tokens":["a"]}"#, "world.transitions is missing; allowed: an object with a matrix for each token."),
        (r#"{"tokens":["a"],"transitions":{"a":1}}"#, "world.transitions[\"a\"] is 1;"),
        (r#"{"tokens":["a"],"transitions":{"a":[1]}}"#, "world.transitions[\"a\"][0] is 1;"),
        (
            r#"{"tokens":["a"],"transitions":{"a":[["1"]]}}"#,
            "world.transitions[\"a\"][0][0] is \"1\"; allowed: a number",
        ),
        (
            r#"{"tokens":["a"],"transitions":{"a":[[1]]},"strat":[1]}"#,
            "world.strat is [1]; allowed: one of tokens, start, transitions.",
        ),
        (r#"{"tokens":["a"],"transitions":{"a":[[1]]},"start":1}"#, "world.start is 1;"),
        (r#"{"mixture":{}}"#, "world.mixture is {}; allowed: a list of parts"),
        (r#"{"mixture":["coins"]}"#, "world.mixture[0] is \"coins\"; allowed: a part"),
        (r#"{"mixture":[{"world":"coins"}]}"#, "world.mixture[0].weight is missing;"),
        (r#"{"mixture":[{"weight":"1","world":"coins"}]}"#, "world.mixture[0].weight is \"1\"; allowed: a number"),
        (r#"{"mixture":[{"weight":1}]}"#, "world.mixture[0].world is missing;"),
        (r#"{"mixture":[{"weight":1,"world":"coins:n=x"}]}"#, "world.mixture[0].world.n is \"x\""),
        (
            r#"{"mixture":[{"weight":1,"world":"coin"},{"weight":1,"process":{"tokens":[1]}}]}"#,
            "world.mixture[1].world.tokens[0] is 1;",
        ),
        (r#"{"mixture":[{"weight":1,"world":"coin","process":"coin"}]}"#, "one of the two"),
        (r#"{"mixture":[{"weight":1,"world":{"text":{}}}]}"#, "world.mixture[0].world is a text"),
        ("[]", "world is []; allowed: a world in its short form"),
        ("7", "world is 7;"),
    ] {
        says(WorldSpec::from_json(json), json, words);
    }
    // Sizes are judged before anything is built.
    let many = format!(r#"{{"tokens":{:?},"transitions":{{}}}}"#, vec!["a"; 100_000]);
    says(WorldSpec::from_json(&many), "many tokens", "world.tokens, how many is 100000; allowed: at most 256.");
    let many = format!(r#"{{"mixture":[{}{{}}]}}"#, "{},".repeat(1000));
    says(WorldSpec::from_json(&many), "many parts", "world.mixture, how many is 1001; allowed: at most 1000.");
}

#[test]
fn a_count_is_the_same_however_it_is_written() {
    for count in ["16", "16.0", "1.6e1", "160e-1"] {
        let json = format!(r#"{{"data":{{"topics":{count}}},"seed":{count}}}"#);
        let e = Experiment::from_json(&json).expect(count);
        assert_eq!((e.data.topics, e.seed), (16, 16));
        let e =
            link::from_fragment(&format!("v=1&data.topics={count}&training.learning_rate=1")).expect(count).experiment;
        assert_eq!((e.data.topics, e.training.learning_rate), (16, 1.0));
        let sweep = Sweep::parse_grid(Experiment::default(), &format!("data.topics={count}; data.fresh=false"));
        let cells = sweep.and_then(|sweep| sweep.cells()).expect(count);
        assert_eq!((cells[0].experiment.data.topics, cells[0].key.as_str()), (16, "data.topics=16 data.fresh=false"));
        assert_eq!(format!("coins:n={count}").parse::<WorldSpec>().map(|w| w.to_string()), Ok("coins:n=16".into()));
    }
    let max = MAX_SEED.to_string();
    for seed in [max.as_str(), "9007199254740991.0"] {
        assert_eq!(Experiment::from_json(&format!(r#"{{"seed":{seed}}}"#)).map(|e| e.seed), Ok(MAX_SEED));
        assert_eq!(link::from_fragment(&format!("seed={seed}")).map(|l| l.experiment.seed), Ok(MAX_SEED));
        let cells = Sweep::parse_grid(Experiment::default(), &format!("seed={seed}")).and_then(|sweep| sweep.cells());
        assert_eq!(cells.map(|cells| cells[0].key.clone()), Ok(format!("seed={max}")));
    }
}

#[test]
fn broken_json_is_described_and_a_name_given_twice_refused() {
    for (json, words) in [
        ("", "experiment is empty"),
        ("{", "Line 1, column 1: it ends before its last bracket or quote is closed."),
        ("{\n \"seed\": 1,\n}", "Line 3, column 1: a comma stands before a closing bracket."),
        ("{seed: 1}", "a name must stand in double quotes"),
        ("{\"seed\": 1} x", "something follows after its end"),
        ("{\"seed\": 1e999}", "a number is out of range"),
        ("{\"seed\": NaN}", "this is not JSON"),
    ] {
        let said = problem_of(json);
        assert!(said.contains(words), "{json:?}: {said}");
        assert!(!["EOF", "expected", "`"].iter().any(|foreign| said.contains(foreign)), "{said}");
    }
    let deep = format!("{{\"world\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(problem_of(&deep).contains("it nests too deeply"));
    for (json, words) in [
        (r#"{"seed":1,"seed":2}"#, "seed is given twice; allowed: each name once"),
        (r#"{"data":{"topics":4,"length":8,"topics":4}}"#, "data.topics is given twice"),
        (r#"{"seed":1,"s\u0065ed":2}"#, "seed is given twice"),
        (
            r#"{"world":{"mixture":[{"weight":1,"world":"coin"},{"weight":1,"weight":2}]}}"#,
            "world.mixture[1].weight is given twice",
        ),
    ] {
        says(Experiment::from_json(json), json, words);
    }
    says(
        WorldSpec::from_json(r#"{"tokens":["a"],"transitions":{"a":[[1]],"a":[[1]]}}"#),
        "a world",
        "world.transitions.a is given twice",
    );
    // The same name in another object, or as a value, is another thing.
    let fine = r#"{"tokens":["tokens","transitions"],"transitions":{"tokens":[[0.5]],"transitions":[[0.5]]}}"#;
    assert!(WorldSpec::from_json(fine).is_ok());
    assert!(Experiment::from_json(r#"{"data":{"length":8},"net":{"heads":2,"kv_heads":2},"world":"coins"}"#).is_ok());
}

#[test]
fn what_chats_and_editors_put_around_json_is_passed_over() {
    let plain = Experiment { seed: 7, ..Experiment::default() };
    for json in [
        "\u{feff}{\"seed\":7}",
        "```json\n{\"seed\":7}\n```",
        "```\r\n{\"seed\":7}\r\n```\r\n",
        "\n\u{feff}```\n\u{feff}{\"seed\":7}\n```",
        "```{\"seed\":7}```",
    ] {
        assert!(json::is_meant(json), "{json:?}");
        assert_eq!(Experiment::from_json(json), Ok(plain.clone()), "{json:?}");
    }
    let world = "```json\n{\"tokens\":[\"a\"],\"transitions\":{\"a\":[[1]]}}\n```";
    assert_eq!(WorldSpec::from_json(world), world.parse().map_err(|p| vec![p]));
    for other in ["", "coins", "```", "```json", "[1]", "``` ```"] {
        assert!(!json::is_meant(other), "{other:?}");
        assert!(Experiment::from_json(other).is_err(), "{other:?}");
    }
}

#[test]
fn parameters_and_fields_given_twice_are_refused() {
    says(
        "coins:n=10,n=20".parse::<WorldSpec>().map_err(|p| vec![p]),
        "coins",
        "world.n is given twice; allowed: each parameter once.",
    );
    says(
        "coin:p=0,5".parse::<WorldSpec>().map_err(|p| vec![p]),
        "coin",
        "world.p is \"0,5\"; allowed: a number. Commas part parameters here; decimals are written with a point, p=0.5.",
    );
    for link in ["seed=1&seed=2", "seed=1&seed=1", "seed=1&s%65ed=1", "v=1&v=1", "preset=coins&preset=markov"] {
        says(link::from_fragment(link), link, " is given twice; allowed: each field once.");
    }
    says(
        Sweep::parse_grid(Experiment::default(), "seed=1; seed=2").and_then(|s| s.cells()),
        "a grid",
        "seed is given twice",
    );
    let twice = format!("world={}", "%7B%22tokens%22:[],%22tokens%22:[]%7D");
    says(link::from_fragment(&twice), &twice, "world.tokens is given twice");
}

#[test]
fn links_that_were_encoded_on_their_way_are_read() {
    let preset = Preset::named("markov").expect("a preset");
    let mut e = preset.experiment();
    (e.data.topics, e.seed) = (64, 9);
    let own = r#"{"tokens":["a&b=","100%"],"transitions":{"a&b=":[[0.5]],"100%":[[0.5]]}}"#;
    for world in [None, Some("markov:k=2"), Some(own)] {
        if let Some(world) = world {
            e.world = world.parse().expect("a world");
        }
        let fragment = link::to_fragment(preset, &e);
        let all = |text: &str| {
            text.bytes()
                .map(|b| {
                    if b.is_ascii_alphanumeric() || b == b'.' { char::from(b).to_string() } else { format!("%{b:02x}") }
                })
                .collect::<String>()
        };
        let once = all(&fragment);
        for link in [
            fragment.replace('&', "&amp;"),
            format!("#{once}"),
            all(&once),
            all(&format!("#{fragment}")),
            all(&fragment.replace('&', "&amp;")),
            fragment
                .replacen("&preset=markov&", "%26preset=markov%26", 1)
                .split('&')
                .next()
                .map_or(String::new(), String::from),
            format!("  #{fragment}\n"),
        ] {
            let read = link::from_fragment(&link).unwrap_or_else(|p| panic!("{link}: {}", problem::sentences(&p)));
            assert_eq!(read.preset, "markov", "{link}");
            if !link.contains("%26preset=") {
                assert_eq!(read.experiment, e, "{link}");
            }
        }
    }
    says(
        link::from_fragment("data.topics=64."),
        "64.",
        "data.topics is \"64.\"; allowed: a whole number, 1 to 100000. Write 64.",
    );
    says(link::from_fragment("#%"), "%", "link is \"%\"");
    says(link::from_fragment("#v=%"), "v=%", "cannot be decoded");
}

#[test]
fn grids_say_what_they_do_not_understand() {
    let base = || Experiment {
        data: Data { fresh: false, ..Data::default() },
        world: "coin".parse().expect("a coin"),
        ..Experiment::default()
    };
    let read = |grid: &str| Sweep::parse_grid(base(), grid).and_then(|sweep| sweep.cells());
    for (grid, words) in [
        (
            "seed=1-3",
            "seed is \"1-3\"; allowed: a whole number, 0 to 9007199254740991. Every whole number from 1 to 3 is written 1..3.",
        ),
        ("world.p=1-3", "world.p is 1-3; allowed: a number. Every whole number from 1 to 3 is written 1..3."),
        (
            "data.topics=8;16",
            "data.topics is \"8;16\"; allowed: values, parted by commas. A semicolon begins the next field. Between values put commas: data.topics=8, 16.",
        ),
        ("data.topics=1 5", "data.topics is \"1 5\"; allowed: a whole number, 1 to 100000. There is a space"),
        ("data.topics=many", "data.topics is \"many\"; allowed: a whole number"),
        (
            "training.weight_decay=0,1",
            "training.weight_decay is \"0,1\"; allowed: one number, or values parted by commas. 0,1 is two values here. For one value, write 0.1; for several, put a space after each comma: 0, 1.",
        ),
        ("world.p=0,5", "world.p is \"0,5\""),
        ("data.topics=1,000", "write 1000"),
        ("data.tpics=4", "data.tpics is no field that a grid can vary here; allowed: data.fresh, data.length"),
        ("16", "grid is \"16\"; allowed: FIELD=VALUES."),
    ] {
        says(read(grid), grid, words);
    }
    // How large the cells are together is judged before they are made.
    for values in [format!("\"{}\"", "x".repeat(100_000)), format!("{{\"tokens\":[\"{}\"]}}", "x".repeat(100_000))] {
        let grid = format!("world={values}; seed=1..9999");
        says(read(&grid), "a large grid", "at most 20 million characters in all cells");
    }
    for (grid, count) in
        [("training.weight_decay=0, 1", 2), ("data.topics=4,16", 2), ("seed=0,1", 2), ("training.clip=1,2,5", 3)]
    {
        assert_eq!(read(grid).map(|cells| cells.len()), Ok(count), "{grid}");
    }
    // What a grid is written as is read again, and what was kept before is still the same sweep.
    let sweep = Sweep::parse_grid(base(), "training.weight_decay=0, 1").expect("a grid");
    assert_eq!(sweep.grid(), "training.weight_decay=0, 1");
    let kept = Sweep::kept_grid(base(), "training.weight_decay=0,1").expect("a grid");
    assert_eq!((&kept, kept.id()), (&sweep, sweep.id()));
    assert_eq!(Sweep::parse_grid(base(), &kept.grid()), Ok(sweep));
}

/// Thirds have no end in decimals.
#[test]
fn rows_of_rounded_numbers_are_normalised_and_that_is_said() {
    let thirds =
        |p: &str| format!(r#"{{"tokens":["a","b","c"],"transitions":{{"a":[[{p}]],"b":[[{p}]],"c":[[{p}]]}}}}"#);
    let world = WorldSpec::from_json(&thirds("0.333")).expect("rounded");
    assert_eq!(
        world.notes(),
        [
            "world.transitions, row 0, sums to 0.999 instead of 1, as rounded numbers do: each of its numbers was divided by that sum."
        ]
    );
    let mixture =
        format!(r#"{{"mixture":[{{"weight":1,"world":"coin"}},{{"weight":1,"world":{}}}]}}"#, thirds("0.333"));
    assert!(
        WorldSpec::from_json(&mixture).expect("rounded").notes()[0]
            .starts_with("world.mixture[1].world.transitions, row 0")
    );
    let exact = WorldSpec::from_json(&thirds("0.3333333333333333")).expect("exact");
    assert_eq!(exact.notes(), [""; 0]);
    // Further off than rounding can be: 3 times half a thousandth.
    for p in ["0.3328", "0.334", "0.3"] {
        assert!(WorldSpec::from_json(&thirds(p)).is_err(), "{p}");
    }
    let start = r#"{"tokens":["a"],"start":[0.333,0.333,0.333],"transitions":{"a":[[1,0,0],[0,1,0],[0,0,1]]}}"#;
    assert!(WorldSpec::from_json(start).expect("rounded").notes()[0].contains("start, sums to 0.999"));
    // Zeros are no rounding.
    let zeros = r#"{"tokens":["a"],"transitions":{"a":[[0.998,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1]]}}"#;
    says(WorldSpec::from_json(zeros), zeros, "row 0 summed over all tokens is 0.998");
}

/// What is written is read back to the last bit, of every kind of number.
#[test]
fn numbers_survive_their_text() {
    // A linear congruential generator (Knuth's constants): numbers of every size, with all their digits.
    let mut state = 1_u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let numbers: Vec<f64> = (0..2000_u32).map(|i| uniform() / f64::from(1 + i % 3)).collect();
    let text = json::text(&serde_json::json!(numbers));
    let read: Vec<f64> = json::read(&text)
        .expect("JSON")
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(serde_json::Value::as_f64)
        .collect();
    let changed = numbers.iter().zip(&read).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
    assert_eq!((read.len(), changed), (2000, 0));
}

/// What the page promises is what README says was measured.
#[test]
fn promises_are_those_of_the_readme() {
    let (readme, share) = (include_str!("../../../README.md"), include_str!("../../../src/app/page/share.rs"));
    assert!(readme.contains("on the CPU of one machine the same losses") && readme.contains("number of cores"));
    assert!(share.contains("on the CPU of the same kind of machine, in a browser with the same vector instructions"));
    assert!(share.contains("with the same number of cores, the same losses to the last bit"));
    let stories = include_str!("../../../www/stories.html");
    assert!(stories.contains("were then still within 0.04 nats of inference, so that it had not gone"));
}
