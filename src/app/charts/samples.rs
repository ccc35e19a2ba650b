//! A few sequences as rows of coloured tokens. HTML draws them (it can be selected and read aloud); this is what to
//! draw.

use crate::{
    app::{
        history::History,
        theme::{Rgb, Theme},
    },
    number::{self, Unit},
};

/// The rows, and the step whose model they show.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleRows {
    pub step: usize,
    pub rows: Vec<SampleRow>,
    /// Every token of the vocabulary with its colour, for a key.
    pub vocabulary: Vec<(String, Rgb)>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SampleRow {
    pub topic: String,
    /// Behind the topic's name; the theme's text colour is readable on it.
    pub tint: Rgb,
    pub tokens: Vec<TokenCell>,
    /// For screen readers: topic, tokens and mean surprise.
    pub summary: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct TokenCell {
    /// Position in the sequence, from 1.
    pub position: usize,
    /// The token's name; short names fit a cell as they are.
    pub text: String,
    /// At most four characters of it, for the cell.
    pub short: String,
    /// Behind the text; the theme's text colour is readable on it.
    pub tint: Rgb,
    /// Surprise -ln P(token), nats.
    pub model: f64,
    pub bayes: f64,
    /// How far the model is more surprised than Bayes, 0 to 1 (1 nat and more): for a mark under the token.
    pub excess_share: f64,
    /// `Wonka, position 5: model 0.72 nats, exact Bayes 0.69 nats`.
    pub tooltip: String,
}

/// `None` before the first samples have come.
pub fn rows(history: &History, theme: &Theme, unit: Unit) -> Option<SampleRows> {
    let (samples, reference) = (history.samples()?, history.reference());
    let names = names(history);
    let name = |token: u16| names.get(usize::from(token)).cloned().unwrap_or_else(|| token.to_string());
    let amount = |nats: f64| format!("{} {unit}", number::short(unit.of(nats)));
    let rows = samples
        .rows
        .iter()
        .enumerate()
        .map(|(r, sample)| {
            let tokens: Vec<TokenCell> = sample
                .tokens
                .iter()
                .zip(sample.model.iter().zip(&sample.bayes))
                .enumerate()
                .map(|(i, (&token, (&model, &bayes)))| {
                    let text = name(token);
                    let tooltip =
                        format!("{text}, position {}: model {}, {reference} {}", i + 1, amount(model), amount(bayes));
                    TokenCell {
                        position: i + 1,
                        short: text.trim_start_matches('<').chars().take(4).collect(),
                        tint: theme.token_tint(usize::from(token), names.len()),
                        model,
                        bayes,
                        excess_share: (model - bayes).clamp(0.0, 1.0),
                        tooltip,
                        text,
                    }
                })
                .collect();
            let mean = |of: fn(&TokenCell) -> f64| tokens.iter().map(of).sum::<f64>() / tokens.len().max(1) as f64;
            let words: Vec<&str> = tokens.iter().map(|t| t.text.as_str()).collect();
            let summary = format!(
                "Topic {}: {}. Mean surprise: model {}, {reference} {}.",
                sample.topic,
                words.join(" "),
                amount(mean(|t| t.model)),
                amount(mean(|t| t.bayes))
            );
            SampleRow {
                topic: sample.topic.clone(),
                tint: theme.topic_tint(sample.topic_index.unwrap_or(r)),
                tokens,
                summary,
            }
        })
        .collect();
    let vocabulary = names.iter().enumerate().map(|(i, n)| (n.clone(), theme.token_tint(i, names.len()))).collect();
    Some(SampleRows { step: samples.step, rows, vocabulary })
}

/// The engine's names where it gave some.
fn names(history: &History) -> Vec<String> {
    let told = history.theory().map(|theory| theory.tokens.clone()).unwrap_or_default();
    if told.is_empty() { history.experiment().world.tokens() } else { told }
}

/// Every token with its surprise, as a table with a header row.
pub fn csv(history: &History) -> String {
    let mut csv = format!("row,topic,position,token,model surprise (nats),{} surprise (nats)\n", history.reference());
    let names = names(history);
    for (r, sample) in history.samples().iter().flat_map(|s| s.rows.iter()).enumerate() {
        for (i, (token, (model, bayes))) in sample.tokens.iter().zip(sample.model.iter().zip(&sample.bayes)).enumerate()
        {
            let name = names.get(usize::from(*token)).cloned().unwrap_or_else(|| token.to_string());
            let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
            csv.push_str(&format!("{},{},{},{},{model},{bayes}\n", r + 1, quoted(&sample.topic), i + 1, quoted(&name)));
        }
    }
    csv
}
