//! Losses, and how far seeds are apart, against step.

use charts::{
    axis::XAxis,
    line_chart::{Line, LineChart, Look, Point},
    report::Drawn,
    style::{Ink, Style, dash},
};

use super::{Builder, Section, figures, is_wide, key, like_each_other, range, ranks, values};
use crate::{
    number,
    protocol::Measured,
    sweep::{
        Run,
        table::{Row, summary},
        words,
    },
};

impl Builder<'_> {
    /// Two-level loss against step: a line for each value of the first axis, a panel for each of the second.
    pub(super) fn steps(&self) -> Section {
        let paragraph = "Lines are medians over seeds; bands reach from the lowest seed to the highest.";
        self.along_the_run("Loss against step", "steps", paragraph, "loss", true, |losses| {
            let mut sorted = losses.to_vec();
            sorted.sort_by(f64::total_cmp);
            let middle = (sorted.len() - 1) as f64 / 2.0;
            let median = 0.5 * (sorted[middle.floor() as usize] + sorted[middle.ceil() as usize]);
            Some((median, sorted[0], sorted[sorted.len() - 1]))
        })
    }

    /// How far seeds are apart, against step.
    pub(super) fn spread(&self) -> Section {
        let paragraph = "The standard deviation of the two-level loss over seeds: how steady training is. Steps are those of the training proper; prior stages come before step 0.";
        let title = "Spread over seeds";
        let mut section = self.along_the_run(title, "spread", paragraph, "standard deviation", false, |losses| {
            let measured: Vec<Measured> = losses.iter().map(|v| Measured { value: *v, stderr: 0.0 }).collect();
            let s = summary(&measured).filter(|s| s.runs > 1)?;
            let deviation = s.stderr * (s.runs as f64).sqrt();
            Some((deviation, deviation, deviation))
        });
        if section.charts().next().is_none() {
            section.blocks.clear();
        }
        section
    }

    /// `of` gives a value and its band from the seeds' losses at one step. `all` counts the prior stages' steps too.
    pub(super) fn along_the_run(
        &self,
        title: &str,
        name: &str,
        paragraph: &str,
        what: &str,
        all: bool,
        of: impl Fn(&[f64]) -> Option<(f64, f64, f64)>,
    ) -> Section {
        let axes = &self.table.axes;
        let prior = |row: &Row| match (all, row.get("steps"), row.get("steps_own")) {
            (false, Some(steps), Some(own)) => steps.mean - own.mean,
            _ => 0.0,
        };
        let steps = |row: &Row| {
            let first = row.runs.iter().find(|run| !run.record.step.is_empty())?;
            Some(first.record.step.iter().map(|s| *s as f64 - prior(row)).filter(|s| *s >= 0.0).collect::<Vec<_>>())
        };
        let last = self.table.rows.iter().filter_map(&steps).filter_map(|s| s.last().copied()).fold(0.0, f64::max);
        if last <= 0.0 {
            return Section::default();
        }
        let line = |row: &Row, index: usize, count: usize| {
            let label = match axes.first() {
                Some(axis) => words::setting([(axis.field.as_str(), &row.coordinates[0])].into_iter()),
                None => what.into(),
            };
            let points = steps(row).unwrap_or_default().into_iter().filter_map(|step| {
                let losses: Vec<f64> = row.runs.iter().filter_map(|run| at_step(run, step + prior(row))).collect();
                let (y, low, high) = if losses.is_empty() { None } else { of(&losses) }?;
                let value = format!("{} nats per {}, {} runs", number::precise(y), self.word(), losses.len());
                Some(Point::within(step, y, low, high).value(value).how(self.setting(row)).key(key(row)))
            });
            let style = Style::new(Ink::Ordered { index, count }, dash(index));
            Line::new(label, style, Look::Band, points.collect::<Vec<_>>())
        };
        let rows = self.drawn_rows();
        let panels: Vec<(String, Vec<&Row>)> = match axes.get(1) {
            None => vec![(String::new(), rows)],
            Some(_) => {
                let mut panels: Vec<(String, Vec<&Row>)> = Vec::new();
                for row in rows {
                    let rest = axes.iter().skip(1).map(|a| a.field.as_str()).zip(row.coordinates.iter().skip(1));
                    let title = words::setting(rest);
                    match panels.iter_mut().find(|(other, _)| *other == title) {
                        Some((_, rows)) => rows.push(row),
                        None => panels.push((title, vec![row])),
                    }
                }
                panels
            }
        };
        let mut charts: Vec<LineChart> = panels
            .into_iter()
            .map(|(setting, rows)| {
                let order = axes.first().map(|axis| ranks(&axis.values)).unwrap_or_default();
                let lines: Vec<Line> = rows
                    .iter()
                    .map(|row| {
                        let at =
                            axes.first().and_then(|axis| axis.values.iter().position(|v| *v == row.coordinates[0]));
                        line(row, at.map_or(0, |i| order[i]), order.len())
                    })
                    .filter(|line| !line.points.is_empty())
                    .collect();
                let colon = if setting.is_empty() { "" } else { ": " };
                LineChart {
                    log: is_wide(range(values(&lines))),
                    lines,
                    about: paragraph.into(),
                    ..LineChart::new(
                        format!("{title}, two-level loss{colon}{setting}"),
                        XAxis::steps(last as usize, false),
                        format!("{what}, nats per {}", self.word()),
                        format!("nats per {}", self.word()),
                    )
                }
            })
            .filter(|chart| !chart.lines.is_empty())
            .collect();
        if charts.is_empty() {
            return Section::default();
        }
        like_each_other(&mut charts);
        let alone = charts.len() == 1;
        let drawn = |(i, chart)| match alone {
            true => Drawn::new(name, chart).wide(),
            false => Drawn::new(format!("{name}-{}", i + 1), chart),
        };
        let drawn = charts.into_iter().enumerate().map(drawn).collect();
        Section::new(title, vec![paragraph.into()], figures(drawn, String::new()), None)
    }
}

/// The two-level loss of a run at a step, interpolated between evaluations.
fn at_step(run: &Run, step: f64) -> Option<f64> {
    let (steps, losses) = (&run.record.step, &run.record.two_level);
    let next = steps.iter().position(|s| *s as f64 >= step)?;
    let value = *losses.get(next)?;
    let before = next.checked_sub(1).map(|i| (steps[i] as f64, losses[i]));
    match before {
        Some((from, low)) if steps[next] as f64 > step => {
            Some(low + (value - low) * (step - from) / (steps[next] as f64 - from))
        }
        _ => Some(value),
    }
}
