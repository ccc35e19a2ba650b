//! A few sequences of a run, token by token, with how surprised the model was by each and how much exact Bayes would be.

use charts::{
    heat_map::{Colours, Follow},
    style::Ink,
    token_strip::{CellColour, Measure, StripRow, TokenStrip},
};

use crate::{app::history::History, number::Unit};

/// Tokens drawn of each row; the page stays quick however long sequences are.
const SHOWN: usize = 128;

/// What the colour of a token says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColourBy {
    #[default]
    Token,
    /// The model's surprise.
    Model,
    /// How much more surprised the model is than exact Bayes.
    Excess,
}

impl ColourBy {
    pub const ALL: [Self; 3] = [Self::Token, Self::Model, Self::Excess];
}

/// The rows of the step that is looked at; none before the first evaluation.
pub fn strip(history: &History, unit: Unit, by: ColourBy) -> TokenStrip {
    let names = names(history);
    let (reference, samples) = (history.reference(), history.samples());
    let rows = || samples.iter().flat_map(|s| s.rows.iter());
    let measure = |name: String, ink: Option<Ink>, nats: fn(f64, f64) -> f64| Measure {
        name,
        unit: unit.to_string(),
        ink,
        rows: rows()
            .map(|row| row.model.iter().zip(&row.bayes).map(|(model, bayes)| unit.of(nats(*model, *bayes))).collect())
            .collect(),
    };
    let measures = vec![
        measure("model surprise".into(), Some(Ink::Model), |model, _| model),
        measure(format!("{reference} surprise"), Some(Ink::Bayes), |_, bayes| bayes),
        measure(format!("model less {reference}"), None, |model, bayes| model - bayes),
    ];
    let up_to = |high: f64| Colours { low: 0.0, high, follow: Follow::Value };
    let row = |(r, row): (usize, &crate::protocol::Sample)| StripRow {
        label: row.topic.clone(),
        detail: String::new(),
        topic: Some(row.topic_index.unwrap_or(r)),
        tokens: row.tokens.clone(),
    };
    TokenStrip {
        title: samples.map_or_else(|| "Sampled sequences".into(), |s| format!("Sampled sequences, step {}", s.step)),
        rows: rows().enumerate().map(row).collect(),
        colour: match by {
            ColourBy::Token => CellColour::Token,
            // Twice as surprised as by a guess that takes all tokens for equally likely.
            ColourBy::Model => CellColour::Measure(0, up_to(2.0 * unit.of((names.len().max(2) as f64).ln()))),
            ColourBy::Excess => CellColour::Measure(2, up_to(1.0)),
        },
        tokens: names,
        measures,
        below: (by == ColourBy::Token).then_some(2),
        most: SHOWN,
        about: "Surprise is −ln P(token).".into(),
        empty: "Sequences appear here with the first evaluation of a run.".into(),
    }
}

/// The engine's names where it gave some.
fn names(history: &History) -> Vec<String> {
    let given = history.theory().map(|theory| theory.tokens.clone()).unwrap_or_default();
    if given.is_empty() { history.experiment().world.tokens() } else { given }
}
