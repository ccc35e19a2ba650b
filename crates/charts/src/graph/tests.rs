use super::*;

/// The even process: an even number of ones between zeros.
fn even() -> Graph {
    let node = |name: &str, x: f64, share: f64| Node { name: name.into(), at: (x, 0.0), radius: 20.0, share };
    let loops = Bezier([(0.0, 0.0), (-60.0, -60.0), (-60.0, 60.0), (0.0, 0.0)]);
    let edge = |from, to, token, p, curve, label| Edge { from, to, emissions: vec![(token, p)], curve, label };
    let bent = |from: f64, to: f64, by: f64| Bezier::bent((from, 0.0), (60.0, by), (to, 0.0));
    Graph {
        title: "State graph".into(),
        nodes: vec![node("A", 0.0, 2.0 / 3.0), node("B", 120.0, 1.0 / 3.0)],
        edges: vec![
            edge(0, 0, 0, 0.5, loops, Some((-70.0, 0.0))),
            edge(0, 1, 1, 0.5, bent(0.0, 120.0, -50.0), Some((60.0, -30.0))),
            edge(1, 0, 1, 1.0, bent(120.0, 0.0, 50.0), Some((60.0, 30.0))),
        ],
        tokens: vec!["0".into(), "1".into()],
        about: String::new(),
    }
}

fn view() -> View {
    View::new(400.0, 220.0, Theme::light())
}

#[test]
fn states_and_arrows_are_read_where_they_are_drawn() {
    let (graph, view) = (even(), view());
    let fit = graph.fit(&view).expect("something to draw");
    for (i, node) in graph.nodes.iter().enumerate() {
        let (x, y) = fit.place(node.at);
        assert_eq!(graph.cursor_at(&view, x, y), Some(i as f64));
    }
    for (i, edge) in graph.edges.iter().enumerate() {
        let (x, y) = fit.place(edge.curve.at(0.5));
        assert_eq!(graph.cursor_at(&view, x, y), Some((2 + i) as f64), "edge {i}");
    }
    let readout = graph.readout(&view, 3.0).expect("an edge");
    assert_eq!(readout.text(), "A to B; 1 probability 0.5000");
    let readout = graph.readout(&view, 0.0).expect("a state").text();
    assert!(readout.starts_with("State A; here 0.67 of the time in the long run; to A 0.5000 (by 0)"), "{readout}");
    assert_eq!(graph.cursor_moved(Some(4.0), 1), Some(4.0));
    assert_eq!(graph.cursor_moved(None, 1), Some(0.0));
    assert!(graph.readout(&view, 5.0).is_none() && graph.readout(&view, f64::NAN).is_none());
}

#[test]
fn everything_stays_inside_at_any_size() {
    for (width, height) in [(400.0, 220.0), (120.0, 300.0), (900.0, 60.0)] {
        let view = View::new(width, height, Theme::dark());
        for mark in even().scene(&view).series {
            let points = match mark {
                Mark::Line { points, .. } | Mark::Area { points, .. } => points,
                Mark::Box { from, to, .. } => vec![from, to],
                Mark::Dot { at: (x, y), radius, .. } => vec![(x - radius, y - radius), (x + radius, y + radius)],
                Mark::Image { .. } | Mark::Text(_) => vec![],
            };
            let inside = |p: &Point| (0.0..=width).contains(&p.0) && (0.0..=height).contains(&p.1);
            assert!(points.iter().all(inside), "{points:?} in {width} x {height}");
        }
    }
    let graph = even();
    assert_eq!(graph.height(4000.0), graph.height(2000.0));
    assert!(graph.height(100.0) < graph.height(300.0));
}

#[test]
fn it_is_said_in_words_and_numbers() {
    let graph = even();
    let summary = graph.summary();
    assert!(summary.contains("2 states and 3 transitions: from A: 0 with probability 0.5 to A;"), "{summary}");
    assert_eq!(graph.csv().lines().nth(3), Some("B,A,1,1,0.3333333333333333"));
    let svg = graph.svg(&view());
    // Three heads, and behind both circles' lines their grounds.
    assert_eq!((svg.matches("<polygon").count(), svg.matches("<circle").count()), (3, 4));
    assert_eq!(Graph::default().height(300.0), None);
    assert!(Graph::default().cursor_moved(None, 1).is_none());
}
