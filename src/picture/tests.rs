use super::{plan::Plan, *};
use crate::experiment::world::KINDS;

fn spec(text: &str) -> WorldSpec {
    let spec = if text.starts_with('{') { WorldSpec::from_json(text) } else { text.parse().map_err(|e| vec![e]) };
    spec.unwrap_or_else(|e| panic!("{text}: {e:?}"))
}

/// Every element is closed, in order; attributes are quoted; text holds no bare signs.
fn well_formed(svg: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = svg;
    while let Some((text, after)) = rest.split_once('<') {
        assert!(!text.contains('>'), "{text}");
        let (tag, next) = after.split_once('>').expect("an end of the tag");
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(tag.split(' ').next().expect("a name"));
        }
        rest = next;
    }
    assert!(open.is_empty() && rest.is_empty(), "{open:?} {rest}");
    for attribute in ["NaN", "inf", "fill=\"\"", "style=\"\" "] {
        assert!(!svg.contains(attribute), "{attribute}");
    }
}

fn drawn(text: &str) -> Picture {
    let picture = picture(&spec(text));
    assert_eq!(picture.problem, "", "{text}");
    assert!(!picture.notes.is_empty(), "{text}");
    for svg in [&picture.graph, &picture.samples, &picture.simplex].into_iter().filter(|svg| !svg.is_empty()) {
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>") && svg.contains("role=\"img\""), "{text}");
        well_formed(svg);
    }
    assert!(picture.graph.len() < 300_000 && picture.samples.len() < 120_000 && picture.simplex.len() < 120_000);
    picture
}

#[test]
fn every_named_world_is_drawn_and_always_the_same() {
    // The corpus of the declaration of human rights is loaded from outside.
    for kind in KINDS.iter().filter(|kind| kind.name != "udhr") {
        let picture = drawn(kind.name);
        assert_eq!(picture, drawn(kind.name));
        // Vectors have samples and no states.
        let states = WorldSpec::named(kind).vocab() > 0;
        assert_eq!([!picture.graph.is_empty(), !picture.samples.is_empty()], [states, true], "{}", kind.name);
    }
}

#[test]
fn words_on_arrows_overlap_neither_each_other_nor_states() {
    for text in
        ["golden-mean", "even", "five-three-golden-mean", "teddy-bear", "sns", "z1r", "rrxor", "mr-name", "mess3"]
    {
        let (spec, world) = (spec(text), World::new(&spec(text)).expect("a world"));
        let hmm = process(&world, &Topic::Component(0)).expect("a process");
        let tokens = spec.tokens();
        let plan = Plan::new(&hmm, &names::of(&spec, &hmm, &tokens), &tokens);
        for (i, a) in plan.blocks.iter().enumerate() {
            let others = plan.blocks[..i].iter().chain(&plan.nodes);
            let overlap = others.map(|b| a.overlap(b)).fold(0.0, f64::max);
            assert!(overlap < 25.0, "{text}: word {i} covers {overlap} square units of another or of a state");
        }
    }
}

#[test]
fn graphs_without_crossings_are_drawn_without() {
    // RRXOR is a wheel around S; Dursley's story a wheel around any state.
    for text in ["rrxor", "mr-name", "teddy-bear", "five-three-golden-mean"] {
        let (spec, world) = (spec(text), World::new(&spec(text)).expect("a world"));
        let hmm = process(&world, &Topic::Component(0)).expect("a process");
        let tokens = spec.tokens();
        let plan = Plan::new(&hmm, &names::of(&spec, &hmm, &tokens), &tokens);
        for a in &plan.ways {
            for b in &plan.ways {
                let [p, q, r, s] = [a.from, a.to, b.from, b.to].map(|i| plan.places[i]);
                let apart = ![a.from, a.to].contains(&b.from) && ![a.from, a.to].contains(&b.to);
                assert!(!(apart && layout::cross(p, q, r, s)), "{text}");
            }
        }
    }
}

#[test]
fn states_are_called_as_in_the_literature() {
    let names = |text: &str| {
        let (spec, world) = (spec(text), World::new(&spec(text)).expect("a world"));
        let topic = topics(&world, 1, &|_| true).remove(0).topic;
        names::of(&spec, &process(&world, &topic).expect("a process"), &spec.tokens()).join(" ")
    };
    assert_eq!(names("rrxor"), "S 0 1 T F");
    assert_eq!(names("dursley-wonka"), "Mr Something Blah Dursley");
    assert_eq!(names("dursley-wonka:bos=1"), "Mr Something Blah Dursley start");
    assert_eq!(names("markov:k=3"), "0 1 2");
    assert_eq!(names(r#"{"mixture":[{"weight":2,"world":"z1r"},{"weight":1,"world":"mess3"}]}"#), "0 1 R");
    assert_eq!(names("markov:k=2,order=2"), "00 01 10 11");
    assert_eq!(names("markov:k=2,order=2,pool=3"), "00 01 10 11 0 1 start");
}

#[test]
fn beliefs_of_three_states_fill_a_triangle() {
    let mess3 = drawn("mess3").simplex;
    assert!(mess3.matches("h0").count() > 2000, "a fractal has many points");
    let z1r = drawn("z1r").simplex;
    // Seven beliefs, and a ring around the first.
    assert_eq!(z1r.matches("<circle").count(), 8, "{z1r}");
    assert!(drawn("rrxor").simplex.is_empty() && drawn("markov").simplex.is_empty());
}

#[test]
fn names_of_users_are_words_not_markup() {
    let text = r#"{"tokens":["<b>&\"x\"","\n","\u0001"],"transitions":{"<b>&\"x\"":[[0.5,0],[0.5,0]],"\n":[[0,0.25],[0,0.25]],"\u0001":[[0,0.25],[0,0.25]]}}"#;
    let picture = drawn(text);
    assert!(!picture.graph.contains("<b>") && picture.graph.contains("&lt;b&gt;&amp;&quot;x&quot;"));
    assert!(picture.samples.contains('⏎') && picture.samples.contains("U+0001") && !picture.samples.contains('\u{1}'));
}

#[test]
fn what_cannot_be_built_is_a_sentence() {
    let refused = picture(&spec("coins:n=0"));
    assert!(refused.problem.ends_with('.') && refused.graph.is_empty(), "{}", refused.problem);
}

/// A process in which every state may go to `exits` others.
fn dense(states: usize, exits: usize) -> String {
    let mut matrix = vec![vec![0.0; states]; states];
    for (i, row) in matrix.iter_mut().enumerate() {
        (0..exits).for_each(|k| row[(i * 7 + k * k + 1) % states] += 1.0 / exits as f64);
    }
    format!(r#"{{"tokens":["a"],"transitions":{{"a":{}}}}}"#, serde_json::to_string(&matrix).expect("plain data"))
}

#[test]
fn large_worlds_are_drawn_in_part_and_say_so() {
    let coins = drawn("coins:n=1000");
    assert!(coins.notes.iter().any(|n| n == "The picture shows 24 of 1000 topics."), "{:?}", coins.notes);
    let part = |states| format!(r#"{{"weight":1,"world":{}}}"#, dense(states, 4));
    let many = format!(r#"{{"mixture":[{}]}}"#, vec![part(4); 1000].join(","));
    assert!(drawn(&many).notes.iter().any(|n| n == "The picture shows 6 of 1000 topics."));
    for (states, exits) in [(24, 24), (25, 25), (256, 200)] {
        drawn(&dense(states, exits));
    }
}

#[test]
fn numbers_are_short() {
    let chances = [0.25, 1.0 / 3.0, 1.0, 0.0, 0.004, 1e-9, 0.9999, 1.0 - 1e-9, 0.1];
    let shown: Vec<String> = chances.iter().map(|&p| svg::chance(p)).collect();
    assert_eq!(shown, ["0.25", "0.33", "1", "0", "0.004", "<0.001", ">0.999", ">0.999", "0.1"]);
    assert_eq!([svg::num(-0.04), svg::num(2.25), svg::num(100.0)], ["0", "2.3", "100"]);
    assert_eq!([svg::short("Something", 5), svg::short(" ", 3)], ["Some…", "␣"]);
}
