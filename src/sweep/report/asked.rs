//! Loss on each component of a mixture, and steps to learn each event: what a sweep measures where its experiment asks for it.

use charts::report::Block;

use super::{Builder, Section, TextTable};
use crate::{
    experiment::WorldSpec,
    number,
    probe::events::{LEFT, gone},
    sweep::{METRICS, Metric, table::Row, words},
};

impl Builder<'_> {
    /// What the model loses beyond Bayes on sequences of each component.
    pub(super) fn components(&self) -> Section {
        let names = self.known("component_");
        if names.is_empty() {
            return Section::default();
        }
        let mut paragraphs = vec![format!(
            "The mean loss over positions on sequences of one component alone, less the loss there of exact Bayes, who knows the mixture and must find the component too, in nats per {}, at the last evaluation. Weighted with the mixture's weights they add up to the two-level loss above Bayes. On one component a model may be better than Bayes, at the cost of another.",
            self.word()
        )];
        if let WorldSpec::Mixture(mixture) = &self.sweep.base.world {
            let part = |(i, part): (usize, &experiment::Component)| {
                let world = experiment::problem::clipped(&part.world.to_string());
                format!("component {i} is {world}, of weight {}", words::plain_number(part.weight))
            };
            let parts: Vec<String> = mixture.mixture.iter().enumerate().map(part).collect();
            paragraphs.push(format!("Where the grid says nothing else, {}.", parts.join("; ")));
        }
        let (mut sentences, figures) = self.each("Loss on each component", &names);
        paragraphs.append(&mut sentences);
        Section::new("Loss on each component", paragraphs, figures, None)
    }

    /// When each event was learned.
    pub(super) fn events(&self) -> Section {
        let names: Vec<&'static str> = self.known("learned_");
        let is_measured = self.runs.iter().any(|run| !run.record.events.is_empty());
        if names.is_empty() && !is_measured {
            return Section::default();
        }
        let mut paragraphs = vec![format!(
            "An event is learned at the first recorded step from which on the model's loss on it, beyond exact Bayes, stays below {}% of what it was at first, so with {} of it gone. This share was fixed before the runs. Steps count all stages, and are as fine as the record: powers of two, then every {} steps.",
            number::fixed(100.0 * LEFT, 0),
            gone(LEFT),
            self.sweep.base.evaluation.every
        )];
        if names.is_empty() {
            paragraphs.push("No run has learned any event so far.".into());
            return Section::new("Steps to learn each event", paragraphs, Vec::new(), None);
        }
        let metrics: Vec<&'static Metric> = names.iter().filter_map(|name| Metric::named(name)).collect();
        let missing = self.table.rows.iter().any(|row| metrics.iter().any(|m| count(row, m) < row.runs.len()));
        if missing {
            paragraphs.push(
                "A run that has not learned an event has no such step: means and differences are over the runs that have, which can make a setting look faster than it is. The table counts them."
                    .into(),
            );
        }
        let (mut sentences, figures) = self.each("Steps to learn each event", &names);
        paragraphs.append(&mut sentences);
        let event =
            |metric: &&'static Metric| metric.title.trim_start_matches("Steps to learn ").trim_matches('"').to_owned();
        let mut head = vec![String::from("setting")];
        head.extend(metrics.iter().map(event));
        let rows = self.table.rows.iter().map(|row| {
            let setting = self.setting(row);
            let mut cells = vec![if setting.is_empty() { "all runs".into() } else { setting }];
            cells.extend(metrics.iter().map(|metric| {
                let (learned, all) = (count(row, metric), row.runs.len());
                match row.get(metric.name) {
                    Some(steps) => format!("{} ({learned} of {all} runs)", steps.text()),
                    None => format!("not learned (0 of {all} runs)"),
                }
            }));
            cells
        });
        let head: Vec<&str> = head.iter().map(String::as_str).collect();
        let table = TextTable::new("learned", &head, rows);
        Section::new("Steps to learn each event", paragraphs, figures, Some(table))
    }

    /// Metrics with this beginning that any run has.
    fn known(&self, start: &str) -> Vec<&'static str> {
        let has = |name: &str| self.runs.iter().any(|run| run.metrics.get(name).is_some());
        METRICS.iter().map(|metric| metric.name).filter(|name| name.starts_with(start) && has(name)).collect()
    }

    /// Sentences of all of the metrics, corrected together, and charts: along one axis in one chart, over more in some for each.
    fn each(&self, title: &str, names: &[&'static str]) -> (Vec<String>, Vec<Block>) {
        if self.table.axes.len() <= 1 {
            return self.metric_parts(title, names);
        }
        let metrics: Vec<&'static Metric> = names.iter().filter_map(|name| Metric::named(name)).collect();
        let figures = names.iter().flat_map(|name| self.metric_parts(title, &[name]).1).collect();
        (self.effect_sentences(&metrics), figures)
    }
}

/// Runs that have the metric.
fn count(row: &Row, metric: &Metric) -> usize {
    row.runs.iter().filter(|run| run.metrics.get(metric.name).is_some()).count()
}
