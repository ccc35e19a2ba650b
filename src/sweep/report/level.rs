//! What it takes to come down to a loss.

use charts::{
    line_chart::{Line, LineChart, Look},
    report::Drawn,
    style::{Ink, Style, dash},
};

use super::{Builder, Section, TextTable, figures, probability, ranks};
use crate::{
    experiment::sweep::Axis,
    number,
    sweep::{
        Metric, Unit,
        by_seed::{Effect, Verdict, correct},
        table::Row,
        words,
    },
};

impl Builder<'_> {
    /// What it takes to come down to a loss, the prior stages' own cost counted and not counted.
    pub(super) fn level(&self) -> Section {
        let (Some(level), Some(axis)) = (self.level, self.table.axes.first()) else { return Section::default() };
        let title = format!("What it takes to reach {} nats per {}", number::short(level), self.word());
        let reached = |row: &Row| row.runs.iter().filter(|run| run.metrics.get("steps_to_level").is_some()).count();
        let mut paragraphs: Vec<String> = Vec::new();
        for row in &self.table.rows {
            let (count, all) = (reached(row), row.runs.len());
            if count < all {
                paragraphs.push(format!(
                    "At {}, {count} of {all} runs reached it; the others do not count.",
                    self.setting(row)
                ));
            }
        }
        let x = words::x_axis(axis);
        let note = format!("cost of the prior stages counted, and not counted · {}", self.note());
        let mut drawn = Vec::new();
        for (what, counted, own) in [
            ("Steps", "steps_to_level", "steps_to_level_own"),
            ("Tokens", "tokens_to_level", "tokens_to_level_own"),
            ("Seconds", "seconds_to_level", "seconds_to_level_own"),
        ] {
            let lines = [(counted, "counted", Ink::Model), (own, "not counted", Ink::Topic)];
            let lines = lines.into_iter().enumerate().filter_map(|(i, (name, label, ink))| {
                let metric = Metric::named(name)?;
                let points = self.drawn_rows().into_iter().filter_map(|row| {
                    let at = words::place(&x, axis, &row.coordinates[0])?;
                    Some(self.point(at, metric, &row.get(name)?, row))
                });
                let style = Style::new(ink, dash(i));
                Some(Line::new(label, style, Look::Joined, points.collect::<Vec<_>>()))
            });
            let lines: Vec<Line> = lines.filter(|line| !line.points.is_empty()).collect();
            if lines.is_empty() {
                continue;
            }
            let unit = Metric::named(counted).map_or(Unit::Plain, |m| m.unit).text(self.word());
            let chart = LineChart {
                lines,
                about: note.clone(),
                ..LineChart::new(format!("{title}: {}", what.to_lowercase()), x.clone(), unit.clone(), unit)
            };
            drawn.push(Drawn::new(format!("level-{}", what.to_lowercase()), chart));
        }
        let table = self.against_least(axis);
        if let Some((sentences, _)) = &table {
            paragraphs.extend(sentences.clone());
            paragraphs.extend(self.too_few());
            paragraphs.extend(self.one_scale());
        }
        Section::new(title, paragraphs, figures(drawn, note), table.map(|(_, table)| table))
    }

    /// Each value of the first axis against its least one: what it takes to reach the level, and the KLs to the priors.
    pub(super) fn against_least(&self, axis: &Axis) -> Option<(Vec<String>, TextTable)> {
        let names = ["steps_to_level", "steps_to_level_own", "kl_topic_one_scale", "kl_data_one_scale"];
        let order = ranks(&axis.values);
        let least = axis.values.iter().zip(&order).find(|(_, rank)| **rank == 0)?.0;
        let mut found: Vec<Effect> = Vec::new();
        for metric in names.iter().filter_map(|name| Metric::named(name)) {
            let others = axis.values.iter().filter(|v| *v != least);
            found.extend(others.filter_map(|v| Effect::between(&self.table, metric, 0, least, v)));
        }
        correct(&mut found);
        let row = |effect: &Effect| {
            vec![
                effect.metric.title.into(),
                words::named(&effect.high),
                effect.in_words(),
                effect.over.seeds.to_string(),
                effect.corrected.map_or_else(|| "–".into(), probability),
                effect.verdict().words().into(),
            ]
        };
        let rows: Vec<Vec<String>> = found.iter().map(row).collect();
        let symbol = words::symbol(&axis.field);
        let head = ["what", &symbol, "against the least, 95%", "seeds", "p, corrected", "verdict"];
        let sentence = format!(
            "Each value of {symbol} against {}, paired by seed (× is a factor), with Student's t at 95% over seeds; the p-values are corrected for the {} verdicts of this table (Holm).",
            words::named(least),
            rows.len()
        );
        let counted: Vec<&Effect> = found.iter().filter(|e| e.metric.name == "steps_to_level").collect();
        let fewer = counted.iter().filter(|e| e.verdict() == Verdict::Falls).count();
        let mut sentences = vec![sentence];
        if counted.iter().any(|e| e.verdict() != Verdict::None) {
            sentences.push(match fewer {
                0 => format!("With the prior stages' own steps counted, at none of {} values are fewer steps needed beyond chance.", counted.len()),
                n => format!("With the prior stages' own steps counted, at {n} of {} values fewer steps are needed.", counted.len()),
            });
        }
        (!rows.is_empty()).then(|| (sentences, TextTable::new("level", &head, rows)))
    }
}
