use charts::{
    chart::View,
    graph::{Block, Node},
    report::Drawn,
    theme::Theme,
};

use super::*;
use crate::experiment::world::KINDS;

fn spec(text: &str) -> WorldSpec {
    let spec = if text.starts_with('{') { WorldSpec::from_json(text) } else { text.parse().map_err(|e| vec![e]) };
    spec.unwrap_or_else(|e| panic!("{text}: {e:?}"))
}

fn drawn(text: &str) -> Picture {
    let picture = picture(&spec(text));
    assert_eq!(picture.problem, "", "{text}");
    assert!(!picture.notes.is_empty(), "{text}");
    // What a worker sends stays small, and arrives as it was.
    let sent = serde_json::to_string(&picture).expect("plain data");
    assert!(sent.len() < 2_000_000, "{text}: {} bytes", sent.len());
    assert_eq!(serde_json::from_str::<Picture>(&sent).expect("a picture"), picture, "{text}");
    for drawn in picture.structure().iter().chain(&picture.sequences()).chain(&picture.observers()) {
        for width in [320.0, 900.0] {
            let chart = &drawn.chart;
            let view = View::new(width, chart.height(width).unwrap_or(320.0), Theme::dark());
            let svg = chart.svg(&view);
            if let Ok(folder) = std::env::var("CHARTS_DIR") {
                let name: String = text.chars().filter(char::is_ascii_alphanumeric).take(24).collect();
                let path = format!("{folder}/{name}-{}-{width}.svg", drawn.id);
                std::fs::write(path, &svg).expect("a folder to write to");
            }
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{text}: {drawn:?}");
            let first = chart.cursor_moved(None, 1).expect("something to point at");
            assert!(chart.readout(&view, first).is_some(), "{text}: {drawn:?}");
            assert!(chart.csv().lines().count() > 1 && chart.summary().contains(&chart.title()), "{text}: {drawn:?}");
        }
    }
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
        let shown = [picture.structure(), picture.sequences()].map(|charts| !charts.is_empty());
        assert_eq!(shown, [states, true], "{}", kind.name);
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
        let graph = plan::graph(&hmm, &names::of(&spec, &hmm, &tokens), &tokens, String::new());
        let blocks: Vec<Block> = graph.edges.iter().filter_map(|edge| graph.block(edge)).collect();
        let nodes: Vec<Block> = graph.nodes.iter().map(Node::footprint).collect();
        for (i, a) in blocks.iter().enumerate() {
            let others = blocks[..i].iter().chain(&nodes);
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
        let graph = plan::graph(&hmm, &names::of(&spec, &hmm, &tokens), &tokens, String::new());
        for a in &graph.edges {
            for b in &graph.edges {
                let [p, q, r, s] = [a.from, a.to, b.from, b.to].map(|i| graph.nodes[i].at);
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
    let points = |text: &str| drawn(text).beliefs.first().map(|t| t.points.len());
    assert!(points("mess3") > Some(2000), "a fractal has many points");
    assert_eq!(points("z1r"), Some(7));
    assert_eq!(drawn("z1r").beliefs[0].rings.len(), 1);
    assert_eq!([points("rrxor"), points("markov")], [None, None]);
}

#[test]
fn names_of_users_are_words_not_markup() {
    let text = r#"{"tokens":["<b>&\"x\"","\n","\u0001"],"transitions":{"<b>&\"x\"":[[0.5,0],[0.5,0]],"\n":[[0,0.25],[0,0.25]],"\u0001":[[0,0.25],[0,0.25]]}}"#;
    let picture = drawn(text);
    let svg = |charts: Vec<Drawn>| charts[0].chart.svg(&View::new(500.0, 300.0, Theme::light()));
    let graph = svg(picture.structure());
    assert!(!graph.contains("<b>") && graph.contains("&lt;b&gt;&amp;&quot;x&quot;"), "{graph}");
    let samples = svg(picture.sequences());
    assert!(samples.contains('⏎') && samples.contains("U+00") && !samples.contains('\u{1}'), "{samples}");
}

#[test]
fn what_cannot_be_built_is_a_sentence() {
    let refused = picture(&spec("coins:n=0"));
    assert!(refused.problem.ends_with('.') && refused.structure().is_empty(), "{}", refused.problem);
}

/// A process in which every state may go to `transitions` others.
fn dense(states: usize, transitions: usize) -> String {
    let mut matrix = vec![vec![0.0; states]; states];
    for (i, row) in matrix.iter_mut().enumerate() {
        (0..transitions).for_each(|k| row[(i * 7 + k * k + 1) % states] += 1.0 / transitions as f64);
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
    for (states, transitions) in [(24, 24), (25, 25), (256, 200)] {
        drawn(&dense(states, transitions));
    }
}
