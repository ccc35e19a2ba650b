//! A world as a person can look at it, as data for charts.

use charts::{
    graph::Graph,
    report::{Drawn, Size},
    token_bars::TokenBars,
    token_strip::TokenStrip,
    transitions::Transitions,
    triangle::Triangle,
    vectors::Vectors,
};
use serde::{Deserialize, Serialize};

/// The answer to a request for a picture of a world.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// The request's number, to tell an answer to an older one.
    pub id: u32,
    /// Sentences: how many states, topics and tokens there are, and what was left out.
    pub notes: Vec<String>,
    /// State graphs, one for each topic that is shown.
    pub graphs: Vec<Graph>,
    /// In place of graphs, for processes that are too large for one.
    pub transitions: Vec<Transitions>,
    /// The distributions of topics without memory.
    pub bars: Option<TokenBars>,
    /// Beliefs of an observer of each three-state process.
    pub beliefs: Vec<Triangle>,
    /// Sampled sequences of tokens.
    pub samples: Option<TokenStrip>,
    /// Sampled sequences of vectors.
    pub vectors: Vec<Vectors>,
    /// Why the world cannot be drawn; empty when it can.
    pub problem: String,
}

impl Picture {
    /// Charts of states, transitions and distributions.
    pub fn structure(&self) -> Vec<Drawn> {
        let graphs = self.graphs.iter().cloned().map(|graph| (Size::Half, Drawn::new("", graph)));
        let maps = self.transitions.iter().map(|t| (Size::Square, Drawn::new("", t.map())));
        let bars = self.bars.iter().cloned().map(|bars| (Size::Half, Drawn::new("", bars)));
        numbered("graph", graphs.chain(maps).chain(bars))
    }

    /// Charts of sampled sequences.
    pub fn sequences(&self) -> Vec<Drawn> {
        let strip = self.samples.iter().cloned().map(|strip| (Size::Wide, Drawn::new("", strip)));
        let vectors = self.vectors.iter().map(|v| (Size::Half, Drawn::new("", v.chart())));
        numbered("samples", strip.chain(vectors))
    }

    /// Charts of an observer's beliefs.
    pub fn observers(&self) -> Vec<Drawn> {
        numbered("simplex", self.beliefs.iter().cloned().map(|t| (Size::Square, Drawn::new("", t))))
    }
}

/// The first is called by the name alone: `graph`, `graph-2`.
fn numbered(name: &str, charts: impl Iterator<Item = (Size, Drawn)>) -> Vec<Drawn> {
    let named = |(i, (size, drawn)): (usize, (Size, Drawn))| {
        let id = if i == 0 { name.into() } else { format!("{name}-{}", i + 1) };
        Drawn { id, ..drawn }.sized(size)
    };
    charts.enumerate().map(named).collect()
}

/// With something of everything.
#[cfg(test)]
pub fn example(id: u32) -> Picture {
    use charts::{
        graph::{Bezier, Edge, Node},
        token_strip::StripRow,
        triangle::Spot,
    };
    let tokens = vec!["0".to_string(), "1".to_string()];
    let curve = Bezier([(0.0, 0.0), (-40.5, 1.0), (-40.5, -1.0), (0.0, 0.0)]);
    Picture {
        id,
        notes: vec!["A note.".into()],
        graphs: vec![Graph {
            title: "State graph".into(),
            nodes: vec![Node { name: "A".into(), at: (0.0, 1.5), radius: 20.0, share: 1.0 }],
            edges: vec![Edge { from: 0, to: 0, emissions: vec![(1, 1.0)], curve, label: Some((-50.0, 0.0)) }],
            tokens: tokens.clone(),
            about: String::new(),
        }],
        transitions: vec![Transitions { title: "T".into(), states: vec!["A".into()], entries: vec![(0, 0, 1.0)] }],
        bars: Some(TokenBars { title: "B".into(), tokens: tokens.clone(), rows: vec![("a".into(), vec![(0, 0.25)])] }),
        beliefs: vec![Triangle {
            title: "Beliefs".into(),
            corners: ["A", "B", "C"].map(String::from),
            points: vec![Spot { at: [0.5, 0.25, 0.25], colour: [1.0, 0.0, 0.0], weight: 0.5 }],
            rings: vec![([0.0, 0.0, 1.0], "start".into())],
            about: String::new(),
            empty: String::new(),
        }],
        samples: Some(TokenStrip {
            title: "Samples".into(),
            tokens,
            rows: vec![StripRow { label: "one".into(), tokens: vec![0, 1, 1], ..StripRow::default() }],
            most: 40,
            ..TokenStrip::default()
        }),
        vectors: vec![Vectors { title: "V".into(), dimension: 2, values: vec![0.5, -1.0] }],
        problem: String::new(),
    }
}
