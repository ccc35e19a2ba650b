//! The page's half: curves, sentences, the table of weights, and the experiment with other weights.

use std::{collections::BTreeMap, fmt::Write};

use charts::{
    axis::XAxis,
    line_chart::{Line, LineChart, Look, Point},
    report::{Block, Drawn, Table},
    scene::Dash,
    style::{Ink, Style, predictor},
};
use serde::{Deserialize, Serialize};

use super::{Cost, Measurement, Sequences, WhatIf};
use crate::{
    experiment::{Component, WorldMixture, WorldSpec},
    number,
    probe::{RunRecord, html::clipped},
    protocol::Measured,
};

const UNIT: &str = "nats per token";

/// What the reader chose.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// Index into the components: whose sequences are read.
    pub component: usize,
    /// Of all components of the mixture; not normalised, may all be 0.
    pub weights: Vec<f64>,
}

/// Everything that the tab shows, less what is in the run's record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coupling {
    /// T.
    pub(super) length: usize,
    /// The components that can be chosen, by their index in the mixture, and their names.
    pub components: Vec<(usize, String)>,
    /// Of all components of the mixture; sum to 1.
    pub trained: Vec<f64>,
    /// The training weights are those of the K topics that were drawn.
    pub(super) drawn: bool,
    /// Each part of the world is one component, so that other weights are another world of the same kind.
    pub(super) parts: bool,
    pub(super) sequences: Sequences,
    pub(super) what_if: WhatIf,
    /// At the shown step.
    pub(super) model: Option<(usize, Cost)>,
    /// By recorded step: the model's regret over all positions.
    pub(super) totals: BTreeMap<usize, Measured>,
}

impl Coupling {
    pub fn add(&mut self, measurement: Measurement) {
        match measurement {
            Measurement::Chosen(sequences, what_if) => {
                (self.sequences, self.what_if) = (sequences, what_if);
                (self.model, self.totals) = (None, BTreeMap::new());
            }
            Measurement::WhatIf(what_if) if what_if.component == self.sequences.component => self.what_if = what_if,
            Measurement::Model { component, step, cost } if component == self.sequences.component => {
                self.model = Some((step, cost));
            }
            Measurement::Total { component, step, regret } if component == self.sequences.component => {
                self.totals.insert(step, regret);
            }
            // Of sequences that were chosen before.
            Measurement::WhatIf(_) | Measurement::Model { .. } | Measurement::Total { .. } => {}
        }
    }

    /// What is looked at first: the first component, under the weights of training.
    pub fn first_choice(&self) -> Choice {
        Choice { component: 0, weights: self.trained.clone() }
    }

    fn chosen(&self, choice: &Choice) -> (usize, &str) {
        self.components.get(choice.component).map_or((0, ""), |(c, name)| (*c, name))
    }

    fn name(&self) -> &str {
        self.components.get(self.sequences.component).map_or("", |c| &c.1)
    }

    /// The numbers of the chosen component are there.
    fn is_measured(&self, choice: &Choice) -> bool {
        self.sequences.component == choice.component
    }

    /// The reader's weights are others than those of training.
    pub fn changed(&self, choice: &Choice) -> bool {
        let total: f64 = choice.weights.iter().sum();
        total <= 0.0 || choice.weights.iter().zip(&self.trained).any(|(a, b)| (a / total - b).abs() > 1e-9)
    }

    /// What exact Bayes pays under the reader's weights; `None` where they are those of training, where all are 0, and until it is
    /// computed.
    fn other(&self, choice: &Choice) -> Option<&Cost> {
        let fits = self.what_if.weights == choice.weights && self.what_if.component == choice.component;
        self.what_if.cost.as_ref().filter(|_| fits && self.changed(choice))
    }

    /// The chosen component's share of some weights.
    fn share(&self, choice: &Choice, weights: &[f64]) -> f64 {
        let own = weights.get(self.chosen(choice).0).copied().unwrap_or(0.0);
        own / weights.iter().sum::<f64>().max(f64::MIN_POSITIVE)
    }

    /// The weights in training and the reader's.
    pub fn table(&self, choice: &Choice) -> Table {
        let total: f64 = choice.weights.iter().sum();
        let bound = |w: f64| if w > 0.0 { number::fixed(-w.ln(), 3) } else { "none".into() };
        let rows = self.components.iter().map(|(c, name)| {
            let (w, other) = (self.trained[*c], if total > 0.0 { choice.weights[*c] / total } else { 0.0 });
            vec![name.clone(), number::fixed(w, 3), bound(w), number::fixed(other, 3), bound(other)]
        });
        let heads = ["component", "weight in training", "ln(1/w), nats", "your weight", "ln(1/w) of yours, nats"];
        Table::new("coupling-weights", &heads, rows)
    }

    /// The world with the reader's weights, without the components that were dropped; `None` where there is none of its kind, and
    /// where nothing was changed.
    pub fn draft(&self, record: &RunRecord, choice: &Choice) -> Option<WorldSpec> {
        let WorldSpec::Mixture(spec) = &record.experiment.world else { return None };
        if !self.parts || !self.changed(choice) {
            return None;
        }
        let total: f64 = choice.weights.iter().sum();
        let parts = spec.mixture.iter().zip(&choice.weights);
        let mixture: Vec<Component> = parts
            .map(|(part, weight)| Component { weight: (1e4 * weight / total).round() / 1e4, world: part.world.clone() })
            .filter(|part| part.weight > 0.0)
            .collect();
        (!mixture.is_empty()).then_some(WorldSpec::Mixture(WorldMixture { mixture }))
    }

    fn words(&self) -> String {
        let (c, paid) = (self.name(), self.sequences.bayes.total());
        let own = Choice { component: self.sequences.component, weights: Vec::new() };
        let weight = self.share(&own, &self.trained);
        let of = if self.drawn { " of the training topics" } else { "" };
        let mut words = if weight > 0.0 {
            let (w, bound) = (number::fixed(weight, 3), number::fixed(-weight.ln(), 3));
            format!(
                "Over {} tokens of {c} (weight {w}{of}), not knowing the topic costs exact Bayes {} nats in all, and on average never more \
                 than ln(1/{w}) = {bound}, however long the sequence.",
                self.length,
                number::with_error(paid.value, paid.stderr),
            )
        } else {
            format!(
                "No training topic was {c}, so nothing bounds what exact Bayes over them pays: here {} nats.",
                number::short(paid.value)
            )
        };
        if let Some((step, model)) = &self.model {
            let total = model.total();
            // Writing to a string cannot fail.
            let _ = write!(
                words,
                " At step {} the model pays {}.",
                number::count(*step),
                number::with_error(total.value, total.stderr)
            );
        }
        words
    }

    fn what_if_words(&self, choice: &Choice) -> String {
        let c = self.chosen(choice).1;
        match (self.other(choice), self.share(choice, &choice.weights)) {
            _ if choice.weights.iter().sum::<f64>() <= 0.0 => {
                "Every component is dropped: give one of them a weight.".into()
            }
            (None, share) => {
                format!("With weight {} instead: computing what exact Bayes would pay.", number::fixed(share, 3))
            }
            (Some(cost), 0.0) => format!(
                "Without {c} among its components, exact Bayes would pay {} nats, and nothing bounds that as sequences grow.",
                number::short(cost.total().value)
            ),
            (Some(cost), share) => format!(
                "With weight {} instead, exact Bayes would pay {} nats; never more than {}.",
                number::fixed(share, 3),
                number::short(cost.total().value),
                number::fixed(-share.ln(), 3)
            ),
        }
    }

    /// What is said of the chosen component's sequences.
    pub fn word_blocks(&self, choice: &Choice) -> Vec<Block> {
        if !self.is_measured(choice) {
            let name = self.chosen(choice).1;
            return vec![Block::Note(format!("Computing what exact Bayes pays on sequences of {name}."))];
        }
        let what_if = self.changed(choice).then(|| Block::Paragraph(self.what_if_words(choice)));
        [Block::Paragraph(self.words())].into_iter().chain(what_if).collect()
    }

    fn curve(&self, label: &str, style: Style, values: &[Measured], how: &str) -> Line {
        let points = values.iter().enumerate().map(|(l, m)| {
            let point = Point::measured((l + 1) as f64, m.value, m.stderr);
            if how.is_empty() { point } else { point.how(how) }
        });
        Line::new(label, style, Look::Band, points)
    }

    fn title(&self, what: &str) -> String {
        let step = self.model.as_ref().map_or_else(String::new, |m| format!(", step {}", number::count(m.0)));
        format!("{what} on {}{step}", clipped(self.name(), 24))
    }

    fn how(&self) -> String {
        format!("on {} sequences of {}", self.sequences.count, self.name())
    }

    /// Loss by position, of the source, of exact Bayes under both weights and of the model.
    pub fn loss_chart(&self, choice: &Choice) -> LineChart {
        let floor = &self.sequences.floor;
        let above = |cost: &Cost, certain: bool| -> Vec<Measured> {
            let both = cost.excess.iter().zip(floor);
            both.map(|(e, h)| Measured { value: h.value + e.value, stderr: if certain { 0.0 } else { e.stderr } })
                .collect()
        };
        let how = self.how();
        let oracle: Vec<Measured> = floor.iter().map(|m| Measured { stderr: 0.0, ..*m }).collect();
        let mut lines = Vec::new();
        let model = self.model.as_ref().map(|(_, cost)| above(cost, false));
        lines.extend(model.map(|values| self.curve("model", predictor("model"), &values, &how)));
        lines.push(self.curve("Bayes", predictor("Bayes"), &above(&self.sequences.bayes, true), &how));
        lines.extend(
            self.other(choice).map(|cost| self.curve("Bayes, your weights", DASHED_BAYES, &above(cost, true), &how)),
        );
        lines.push(self.curve("oracle", predictor("oracle"), &oracle, &how));
        LineChart {
            lines,
            ..LineChart::new(self.title("Loss"), XAxis::positions(self.length), format!("loss, {UNIT}"), UNIT)
        }
    }

    /// Regret so far, by position, and the bounds.
    pub fn regret_chart(&self, choice: &Choice) -> LineChart {
        let certain =
            |cost: &Cost| -> Vec<Measured> { cost.regret.iter().map(|m| Measured { stderr: 0.0, ..*m }).collect() };
        let how = self.how();
        let what_if = self.other(choice);
        let mut lines = Vec::new();
        lines.extend(self.model.as_ref().map(|(_, cost)| self.curve("model", predictor("model"), &cost.regret, &how)));
        lines.push(self.curve("Bayes", predictor("Bayes"), &certain(&self.sequences.bayes), &how));
        lines.extend(what_if.map(|cost| self.curve("Bayes, your weights", DASHED_BAYES, &certain(cost), &how)));
        let bounds = [
            (self.share(choice, &self.trained), "ln(1/w)", Dash::Dotted),
            (self.share(choice, &choice.weights), "ln(1/w), yours", Dash::DashDot),
        ];
        for (share, name, dash) in bounds.into_iter().take(1 + usize::from(what_if.is_some())).filter(|b| b.0 > 0.0) {
            lines.push(Line::level(
                name,
                Style::new(Ink::EntropyRate, dash),
                -share.ln(),
                "the most that Bayes can pay",
            ));
        }
        LineChart {
            lines,
            ..LineChart::new(self.title("Regret so far"), XAxis::positions(self.length), "regret, nats", "nats")
        }
    }

    pub fn chart_blocks(&self, choice: &Choice) -> Vec<Block> {
        if !self.is_measured(choice) {
            return Vec::new();
        }
        vec![Block::Charts(vec![
            Drawn::new("coupling-loss", self.loss_chart(choice)),
            Drawn::new("coupling-regret", self.regret_chart(choice)),
        ])]
    }

    /// The model's regret over all positions, over training.
    pub fn training_chart(&self, record: &RunRecord, shown: usize) -> LineChart {
        let how = self.how();
        let points =
            self.totals.iter().map(|(step, m)| Point::measured(*step as f64, m.value, m.stderr).how(how.clone()));
        let mut lines = vec![
            Line::new("model", predictor("model"), Look::Band, points),
            Line::level("Bayes", predictor("Bayes"), self.sequences.bayes.total().value, how.clone()),
        ];
        let own = Choice { component: self.sequences.component, weights: Vec::new() };
        let share = self.share(&own, &self.trained);
        if share > 0.0 {
            let style = Style::new(Ink::EntropyRate, Dash::Dotted);
            lines.push(Line::level("ln(1/w)", style, -share.ln(), "the most that Bayes can pay"));
        }
        LineChart {
            lines,
            marks: vec![(shown as f64, String::new())],
            ..LineChart::new(
                format!("Regret on {} over training", clipped(self.name(), 24)),
                XAxis::steps(record.last(), true),
                "regret, nats",
                "nats",
            )
        }
    }

    pub fn training_blocks(&self, record: &RunRecord, shown: usize, choice: &Choice) -> Vec<Block> {
        if self.totals.is_empty() || !self.is_measured(choice) {
            return vec![Block::Note(
                "The model's regret over training appears when the recorded steps have been looked at.".into(),
            )];
        }
        let about = format!(
            "Everything is an expected divergence from the source that knows the topic, over {} sequences of {}; regret is its sum over \
             positions. Bayes may lose to the model on one component, never on the mixture.",
            self.sequences.count,
            self.name()
        );
        let chart = Drawn::new("coupling-training", self.training_chart(record, shown));
        vec![Block::Charts(vec![chart]), Block::Note(about)]
    }

    pub fn blocks(&self, record: &RunRecord, shown: usize, choice: &Choice) -> Vec<Block> {
        let mut blocks = self.word_blocks(choice);
        blocks.extend(self.chart_blocks(choice));
        blocks.push(Block::Table(self.table(choice)));
        blocks.extend(self.training_blocks(record, shown, choice));
        blocks
    }

    /// Every curve of the component that was measured last.
    pub fn csv(&self) -> String {
        let mut csv = String::from("component,step,position,quantity,value,standard error\n");
        let name = self.name().replace([',', '"', '\n'], " ");
        let mut curve = |step: &str, quantity: &str, values: &[Measured]| {
            for (l, m) in values.iter().enumerate() {
                // Writing to a string cannot fail.
                let _ = writeln!(csv, "{name},{step},{},{quantity},{},{}", l + 1, m.value, m.stderr);
            }
        };
        curve("", "oracle loss", &self.sequences.floor);
        curve("", "excess of Bayes", &self.sequences.bayes.excess);
        curve("", "regret of Bayes", &self.sequences.bayes.regret);
        let own = Choice { component: self.sequences.component, weights: self.what_if.weights.clone() };
        if let Some(cost) = self.other(&own) {
            curve("", "excess of Bayes under other weights", &cost.excess);
            curve("", "regret of Bayes under other weights", &cost.regret);
        }
        if let Some((step, cost)) = &self.model {
            curve(&step.to_string(), "excess of the model", &cost.excess);
            curve(&step.to_string(), "regret of the model", &cost.regret);
        }
        for (step, m) in &self.totals {
            let _ = writeln!(csv, "{name},{step},,regret of the model over all positions,{},{}", m.value, m.stderr);
        }
        csv
    }
}

/// Exact Bayes under the reader's weights.
const DASHED_BAYES: Style = Style::new(Ink::Bayes, Dash::Dashed);
