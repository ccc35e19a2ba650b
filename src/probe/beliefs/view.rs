//! The page's half: sentences, the table of every R², lines over training and the triangles.

use std::{collections::BTreeMap, fmt::Write};

use charts::{
    axis::XAxis,
    line_chart::{Line, LineChart, Look, Point},
    report::{Block, Drawn, Size, Table},
    scene::Dash,
    style::{Ink, Style, dash, predictor},
    triangle::{Spot, Triangle},
};
use serde::{Deserialize, Serialize};

use super::{ALL, Control, Held, LEAST, Measurement, Regressor};
use crate::{
    number,
    probe::{RunRecord, look::listed},
};

/// An R² that is at most so much above a control's does not go beyond it.
const WITHIN: f64 = 0.01;

/// What the reader chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// The layer that is looked at; `None`: the last of single layers.
    pub layer: Option<usize>,
}

/// Everything that the tab shows, less what is in the run's record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Beliefs {
    /// How many are read.
    pub(super) sequences: usize,
    /// 0 where there is only one, or where they are all there is to believe.
    pub(super) components: usize,
    /// Names of the three states of a process that is drawn in a triangle.
    pub(super) corners: Option<[String; 3]>,
    /// What the belief is about.
    pub(super) about: String,
    /// p and ln p of the next token by exact Bayes, the last tokens, the last token alone; those that could be fitted.
    pub(super) controls: Vec<Control>,
    /// What exact Bayes believes at the positions that are drawn.
    pub(super) truth: Vec<[f64; 3]>,
    pub(super) held: BTreeMap<usize, Vec<Held>>,
    pub layers: Vec<String>,
    /// At the shown step: by layer, the regressed beliefs of the positions that are drawn.
    pub(super) regressed: Option<(usize, Vec<Vec<[f64; 3]>>)>,
}

impl Beliefs {
    pub fn add(&mut self, measurement: Measurement) {
        match measurement {
            Measurement::Held { step, layers, held } => {
                self.layers = layers;
                self.held.insert(step, held);
            }
            Measurement::Regressed { step, layers, points } => {
                self.layers = layers;
                self.regressed = Some((step, points));
            }
        }
    }

    /// The layer that is looked at: the chosen one, or the last of single layers.
    pub fn layer(&self, choice: Choice) -> usize {
        let single = self.layers.iter().filter(|name| *name != ALL).count();
        choice.layer.unwrap_or(single.saturating_sub(1)).min(self.layers.len().saturating_sub(1))
    }

    fn layer_name(&self, choice: Choice) -> Option<&str> {
        self.layers.get(self.layer(choice)).map(String::as_str)
    }

    /// What a layer held at a step, or at the last one before it that was looked at.
    fn of(&self, step: usize, layer: &str) -> Option<(usize, &Held)> {
        let (step, held) = self.held.range(..=step).next_back()?;
        Some((*step, held.iter().find(|h| h.layer == layer)?))
    }

    /// What a layer holds, and whether that goes beyond each control: two sentences.
    fn layer_words(&self, step: usize, layer: &str) -> Option<String> {
        let (step, held) = self.of(step, layer)?;
        let name = match layer {
            ALL => "all layers together hold".into(),
            layer => format!("layer \u{201c}{layer}\u{201d} holds"),
        };
        let untrained = self.of(0, layer).filter(|at| at.0 == 0 && step > 0).map(|at| at.1.belief);
        let start = untrained.map_or_else(String::new, |r| format!("; untrained, {}", digits(r)));
        let topic =
            held.topic.map_or_else(String::new, |t| format!(" Of the topic's posterior alone, R² is {}.", digits(t)));
        let controls = self.controls.iter().map(|c| (c.name.clone(), c.belief, c.regressor.is_of_prediction()));
        let all: Vec<(String, f64, bool)> =
            controls.chain(untrained.map(|r| ("the untrained net".into(), r, false))).collect();
        let reached: Vec<&(String, f64, bool)> = all.iter().filter(|c| held.belief <= c.1 + WITHIN).collect();
        let names = |of: &[&(String, f64, bool)]| {
            listed(&of.iter().map(|c| format!("{} ({})", c.0, digits(c.1))).collect::<Vec<_>>())
        };
        let verdict = match all.iter().max_by(|a, b| a.1.total_cmp(&b.1)) {
            Some(_) if reached.iter().any(|c| c.2) => format!(
                "This R² does not go beyond {}: it shows nothing beyond next-token prediction.",
                names(&reached)
            ),
            Some(_) if !reached.is_empty() => format!("This R² does not go beyond {}.", names(&reached)),
            Some(nearest) => format!(
                "This R² goes beyond every control by more than {WITHIN}; the nearest is {}.",
                names(&[nearest])
            ),
            None => String::new(),
        };
        Some(format!(
            "At step {} {name} the belief about {} with R² {}{start}; with the beliefs shuffled, {}.{topic} {verdict}",
            number::count(step),
            self.about,
            digits(held.belief),
            digits(held.shuffled)
        ))
    }

    pub fn word_blocks(&self, shown: usize, choice: Choice) -> Vec<Block> {
        let layer = self.layer_name(choice);
        let Some(of_layer) = layer.and_then(|layer| self.layer_words(shown, layer)) else {
            return vec![Block::Note(
                "How much of the belief each layer holds appears when the recorded steps have been looked at.".into(),
            )];
        };
        let all = layer.filter(|layer| *layer != ALL).and_then(|_| self.layer_words(shown, ALL));
        let without: Vec<String> =
            self.controls.iter().map(|c| format!("{} gives {}", c.name, digits(c.belief))).collect();
        let without = (!without.is_empty()).then(|| format!("Without any net, {}.", listed(&without)));
        [Some(of_layer), all, without].into_iter().flatten().map(Block::Paragraph).collect()
    }

    /// Every R² at the shown step, layers first.
    pub fn table(&self, shown: usize, choice: Choice) -> Option<Table> {
        let (step, held) = self.held.range(..=shown).next_back()?;
        let row = |name: String, belief: f64, topic: Option<f64>| {
            let topic = (self.components > 0).then(|| topic.map_or("–".into(), digits));
            [name, digits(belief)].into_iter().chain(topic).collect::<Vec<String>>()
        };
        let layers = held.iter().map(|h| row(format!("{}, step {}", h.layer, number::count(*step)), h.belief, h.topic));
        let chosen = self.layer_name(choice).unwrap_or_default();
        let untrained = self.held.get(&0).into_iter().flatten().filter(|h| h.layer == chosen || h.layer == ALL);
        let untrained = untrained.map(|h| row(format!("{}, untrained", h.layer), h.belief, h.topic));
        let shuffled = held.iter().filter(|h| h.layer == chosen);
        let shuffled = shuffled.map(|h| row(format!("{}, beliefs shuffled", h.layer), h.shuffled, None));
        let controls = self.controls.iter().map(|c| row(format!("no net: {}", c.name), c.belief, c.topic));
        let rows = layers.chain(untrained).chain(shuffled).chain(controls);
        let heads = ["regressed on", "R² of the belief", "R² of the topic"];
        Some(Table::new("beliefs-controls", &heads[..if self.components > 0 { 3 } else { 2 }], rows))
    }

    fn lines(&self, choice: Choice, of: fn(&Held) -> Option<f64>) -> Vec<Line> {
        let count = self.layers.len();
        let points = |layer: &str, of: fn(&Held) -> Option<f64>| {
            let at =
                self.held.iter().filter_map(|(step, held)| Some((*step, of(held.iter().find(|h| h.layer == layer)?)?)));
            at.map(|(step, y)| Point::exact(step as f64, y)).collect::<Vec<_>>()
        };
        let line = |(index, layer): (usize, &String)| {
            Line::new(layer, Style::new(Ink::Ordered { index, count }, dash(index)), Look::Band, points(layer, of))
        };
        let mut lines: Vec<Line> =
            self.layers.iter().enumerate().map(line).filter(|line| !line.points.is_empty()).collect();
        if let Some(layer) = self.layer_name(choice) {
            let style = Style::new(Ink::Muted, Dash::Dotted);
            let shuffled = points(layer, |h| Some(h.shuffled)).into_iter().map(|p| p.how(layer));
            lines.push(Line::new("shuffled", style, Look::Band, shuffled));
            let start = self.held.get(&0).and_then(|held| of(held.iter().find(|h| h.layer == layer)?));
            let style = Style::new(Ink::Muted, Dash::Dashed);
            lines.extend(start.map(|start| Line::level("untrained", style, start, format!("{layer}, untrained"))));
        }
        lines
    }

    fn chart(record: &RunRecord, shown: usize, title: &str, lines: Vec<Line>) -> LineChart {
        LineChart {
            lines,
            marks: vec![(shown as f64, String::new())],
            ..LineChart::new(title, XAxis::steps(record.last(), true), "R²", "")
        }
    }

    /// R² of the belief over training, by layer, and of the controls.
    pub fn belief_chart(&self, record: &RunRecord, shown: usize, choice: Choice) -> LineChart {
        let mut lines = self.lines(choice, |h| Some(h.belief));
        lines.extend(
            self.controls
                .iter()
                .map(|c| Line::level(&*c.short, style(c.regressor), c.belief, format!("no net, {}", c.name))),
        );
        Self::chart(record, shown, "R² of the belief, by layer", lines)
    }

    /// R² of the topic's posterior over training, by layer.
    pub fn topic_chart(&self, record: &RunRecord, shown: usize, choice: Choice) -> LineChart {
        Self::chart(record, shown, "R² of the topic's posterior", self.lines(choice, |h| h.topic))
    }

    pub fn chart_blocks(&self, record: &RunRecord, shown: usize, choice: Choice) -> Vec<Block> {
        if self.held.is_empty() {
            return Vec::new();
        }
        let belief = Drawn::new("beliefs-r2", self.belief_chart(record, shown, choice));
        let topic = (self.components > 0).then(|| Drawn::new("beliefs-topic", self.topic_chart(record, shown, choice)));
        let about = format!(
            "Linear regression with an intercept from what a layer holds at a position to what exact Bayes believes there, fitted on \
             every other one of {} fresh sequences; every R² is measured on the same positions of the rest. Untrained: the same layer at \
             step 0. Shuffled: the same layer, with the beliefs dealt out anew to all positions of all sequences at random. The controls \
             without a net are regressed alike: on what exact Bayes predicts for the next token (p, and ln p with probabilities below \
             {LEAST:e} counted as that), and on the last tokens, one number for each word of that many tokens. A layer that predicts well has p, \
             and reads the last tokens: only an R² above these says more. The most there can be is 1, since the belief is a function of \
             the tokens that were read.{}",
            self.sequences,
            if self.layers.last().is_some_and(|l| l == ALL) {
                ""
            } else {
                " All layers together would have too many numbers to fit here."
            }
        );
        let table = self.table(shown, choice).map(Block::Table);
        std::iter::once(Block::Charts(std::iter::once(belief).chain(topic).collect()))
            .chain(table)
            .chain([Block::Note(about)])
            .collect()
    }

    fn triangle(&self, corners: &[String; 3], title: String, at: &[[f64; 3]]) -> Triangle {
        // Coloured by what exact Bayes believes.
        let spots = self.truth.iter().zip(at).map(|(truth, at)| Spot { at: *at, colour: *truth, weight: 0.5 });
        Triangle {
            title,
            corners: corners.clone(),
            points: spots.collect(),
            rings: Vec::new(),
            about: "Colours are what exact Bayes believes.".into(),
            empty: "No regression could be fitted to this layer.".into(),
        }
    }

    /// The beliefs of exact Bayes, and what is regressed from the chosen layer.
    pub fn triangles(&self, choice: Choice) -> Option<[Triangle; 2]> {
        let (corners, (step, layers)) = (self.corners.as_ref()?, self.regressed.as_ref()?);
        let (points, layer) = (layers.get(self.layer(choice))?, self.layer_name(choice)?);
        let title = format!("Regressed from {layer}, step {}", number::count(*step));
        Some([
            self.triangle(corners, "What exact Bayes believes".into(), &self.truth),
            self.triangle(corners, title, points),
        ])
    }

    pub fn triangle_blocks(&self, choice: Choice) -> Vec<Block> {
        if self.corners.is_none() {
            return match self.components {
                0 if self.about.contains("topics") => Vec::new(),
                _ => vec![Block::Note(
                    "Of a single process with three states, the beliefs would be drawn here in a triangle.".into(),
                )],
            };
        }
        if self.regressed.is_none() {
            return vec![Block::Note("The triangle of beliefs appears when the model has read the sequences.".into())];
        }
        let Some([exact, regressed]) = self.triangles(choice) else { return Vec::new() };
        vec![
            Block::Charts(vec![
                Drawn::new("beliefs-exact", exact).sized(Size::Square),
                Drawn::new("beliefs-regressed", regressed).sized(Size::Square),
            ]),
            Block::Note(
                "Each point is one position of a sequence that the regression was not fitted on, coloured in both triangles by what exact Bayes believes there."
                    .into(),
            ),
        ]
    }

    /// At which step the triangles are.
    pub fn regressed_at(&self) -> Option<usize> {
        self.regressed.as_ref().map(|r| r.0)
    }

    pub fn blocks(&self, record: &RunRecord, shown: usize, choice: Choice) -> Vec<Block> {
        let mut blocks = self.word_blocks(shown, choice);
        blocks.extend(self.triangle_blocks(choice));
        blocks.extend(self.chart_blocks(record, shown, choice));
        blocks
    }

    /// Every R² at every recorded step.
    pub fn csv(&self) -> String {
        let mut csv = String::from("step,layer,R² of the belief,R² of the topic,R² with shuffled beliefs,R² untrained");
        // Writing to a string cannot fail.
        self.controls.iter().for_each(|c| {
            let _ = write!(csv, ",R² without a net: {}", c.name);
        });
        csv.push('\n');
        for (step, held) in &self.held {
            for h in held {
                let topic = h.topic.map(|t| t.to_string()).unwrap_or_default();
                let start = self.of(0, &h.layer).filter(|at| at.0 == 0).map(|at| at.1.belief.to_string());
                let start = start.unwrap_or_default();
                let _ = write!(csv, "{step},{},{},{topic},{},{start}", h.layer, h.belief, h.shuffled);
                self.controls.iter().for_each(|c| {
                    let _ = write!(csv, ",{}", c.belief);
                });
                csv.push('\n');
            }
        }
        csv
    }
}

/// Colour and dash of what stands in for a net's layers.
fn style(regressor: Regressor) -> Style {
    match regressor {
        Regressor::Prediction => predictor("oracle"),
        Regressor::LogPrediction => Style::new(Ink::Oracle, Dash::DashDot),
        Regressor::LastTokens => Style::new(Ink::Sequence, Dash::Dotted),
        Regressor::LastToken => Style::new(Ink::Bigram, Dash::Dotted),
    }
}

/// An R², as far as it deserves.
fn digits(r: f64) -> String {
    number::fixed(r, 3)
}
