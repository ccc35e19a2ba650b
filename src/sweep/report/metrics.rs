//! A metric over the grid: lines and heat maps.

use charts::{
    heat_map::{CellAxis, Colours, Follow, HeatMap, Note},
    line_chart::{Line, LineChart, Look, Point},
    report::{Block, Drawn},
    style::{Ink, Style, dash},
};
use serde_json::Value;

use super::{Builder, Section, figures, ink, is_wide, key, like_each_other, range, ranks, short_name, value_name};
use crate::sweep::{Metric, table::Row, words};

impl Builder<'_> {
    /// Charts and sentences of metrics that belong together.
    pub(super) fn metrics(&self, title: &str, names: &[&'static str]) -> Section {
        let (paragraphs, figures) = self.metric_parts(title, names);
        Section::new(title, paragraphs, figures, None)
    }

    /// The paragraphs and the figures of [`Builder::metrics`].
    pub(super) fn metric_parts(&self, title: &str, names: &[&'static str]) -> (Vec<String>, Vec<Block>) {
        let metrics: Vec<&'static Metric> = names.iter().filter_map(|name| Metric::named(name)).collect();
        let known = |metric: &&&Metric| self.table.rows.iter().any(|row| row.get(metric.name).is_some());
        let metrics: Vec<&'static Metric> = metrics.iter().filter(known).copied().collect();
        let (Some(first), axes) = (metrics.first(), &self.table.axes) else { return Default::default() };
        let mut paragraphs = Vec::new();
        for metric in &metrics {
            if axes.is_empty() {
                let summary = self.table.rows[0].get(metric.name);
                paragraphs.extend(summary.map(|s| format!("{}: {}.", metric.title, self.value(metric, &s))));
            }
        }
        paragraphs.extend(self.effect_sentences(&metrics));
        let name = first.name.replace('_', "-");
        let rows = self.drawn_rows();
        let note = || format!("{} · {}", value_name(first, self.word()), self.note());
        let figures = match axes.len() {
            0 => Vec::new(),
            1 => figures(vec![Drawn::new(name, self.lines(title, &metrics, &rows)).wide()], note()),
            2 => {
                let map = self.heat_map(first.title, first, &rows, None);
                let lines = self.lines(first.title, &metrics[..1], &rows);
                let (map, lines) = (Drawn::new(format!("{name}-map"), map), Drawn::new(format!("{name}-lines"), lines));
                figures(vec![map, lines], note())
            }
            _ => {
                let panels: Vec<(String, Vec<&Row>)> = axes[2]
                    .values
                    .iter()
                    .map(|value| {
                        let setting = words::setting([(axes[2].field.as_str(), value)].into_iter());
                        let of = rows.iter().copied().filter(|row| row.coordinates[2] == *value).collect();
                        (format!("{}: {setting}", first.title), of)
                    })
                    .filter(|(_, rows): &(String, Vec<&Row>)| !rows.is_empty())
                    .collect();
                let range = range(rows.iter().filter_map(|row| row.get(first.name)).map(|s| s.mean));
                let map = |(i, (title, rows)): (usize, &(String, Vec<&Row>))| {
                    Drawn::new(format!("{name}-map-{}", i + 1), self.heat_map(title, first, rows, Some(range)))
                };
                let maps = panels.iter().enumerate().map(map).collect();
                let mut lines: Vec<LineChart> =
                    panels.iter().map(|(title, rows)| self.lines(title, &metrics[..1], rows)).collect();
                like_each_other(&mut lines);
                let lines = lines.into_iter().enumerate();
                let lines = lines.map(|(i, chart)| Drawn::new(format!("{name}-lines-{}", i + 1), chart)).collect();
                [figures(maps, note()), figures(lines, note())].concat()
            }
        };
        (paragraphs, figures)
    }

    /// Along the first axis; a line for each metric, or of one metric for each value of the second axis.
    fn lines(&self, title: &str, metrics: &[&'static Metric], rows: &[&Row]) -> LineChart {
        let axes = &self.table.axes;
        let x = words::x_axis(axes[0]);
        let points = |metric: &Metric, second: Option<&Value>| -> Vec<Point> {
            let mut points: Vec<Point> = rows
                .iter()
                .filter(|row| second.is_none_or(|v| row.coordinates[1] == *v))
                .filter_map(|row| {
                    let at = words::place(&x, axes[0], &row.coordinates[0])?;
                    Some(self.point(at, metric, &row.get(metric.name)?, row))
                })
                .collect();
            points.sort_by(|a, b| a.x.total_cmp(&b.x));
            points
        };
        let lines = match axes.get(1) {
            None => {
                let line = |(i, metric): (usize, &&'static Metric)| {
                    let style = Style::new(ink(metric), dash(i));
                    Line::new(short_name(metric), style, Look::Joined, points(metric, None))
                };
                metrics.iter().enumerate().map(line).collect()
            }
            Some(axis) => {
                let (order, count) = (ranks(&axis.values), axis.values.len());
                let line = |(i, value): (usize, &Value)| {
                    let label = words::setting([(axis.field.as_str(), value)].into_iter());
                    let style = Style::new(Ink::Ordered { index: order[i], count }, dash(order[i]));
                    Line::new(label, style, Look::Joined, points(metrics[0], Some(value)))
                };
                axis.values.iter().enumerate().map(line).filter(|line| !line.points.is_empty()).collect()
            }
        };
        let spread = rows.iter().flat_map(|row| metrics.iter().filter_map(|m| row.get(m.name))).map(|s| s.mean);
        LineChart {
            lines,
            log: is_wide(range(spread)),
            about: self.note(),
            ..LineChart::new(title, x, value_name(metrics[0], self.word()), metrics[0].unit.text(self.word()))
        }
    }

    /// The first axis to the right, the second upwards.
    fn heat_map(&self, title: &str, metric: &Metric, rows: &[&Row], all: Option<(f64, f64)>) -> HeatMap {
        let axes = &self.table.axes;
        let sorted = |axis: usize| -> Vec<&Value> {
            let order = ranks(&axes[axis].values);
            let mut values: Vec<(usize, &Value)> = order.into_iter().zip(&axes[axis].values).collect();
            values.sort_by_key(|(rank, _)| *rank);
            values.into_iter().map(|(_, v)| v).collect()
        };
        let (columns, lines) = (sorted(0), sorted(1));
        let cell_axis = |axis: usize, values: &[&Value]| CellAxis {
            name: words::explained(&axes[axis].field),
            names: values.iter().map(|v| words::setting([(axes[axis].field.as_str(), *v)].into_iter())).collect(),
            ticks: values
                .iter()
                .enumerate()
                .map(|(i, v)| ((i as f64 + 0.5) / values.len() as f64, words::named(v)))
                .collect(),
        };
        let cell = |y: &Value, x: &Value| {
            let row = rows.iter().find(|row| row.coordinates[0] == *x && row.coordinates[1] == *y);
            let Some((row, s)) = row.and_then(|row| Some((row, row.get(metric.name)?))) else {
                return (f64::NAN, Note { value: "not known yet".into(), ..Note::default() });
            };
            let how = self.setting(row);
            (s.mean, Note { value: self.value(metric, &s), how, key: key(row), error: s.margin() })
        };
        let cells = lines.iter().flat_map(|y| columns.iter().map(|x| cell(y, x)).collect::<Vec<_>>());
        let (values, notes): (Vec<f64>, Vec<Note>) = cells.unzip();
        let (low, high) = all.unwrap_or_else(|| range(values.iter().copied()));
        let follow = if low > 0.0 && high > 4.0 * low { Follow::Logarithm } else { Follow::Value };
        let unit = metric.unit.text(self.word());
        let name = short_name(metric);
        HeatMap {
            title: title.into(),
            x: cell_axis(0, &columns),
            y: cell_axis(1, &lines),
            values,
            upwards: true,
            colours: Colours { low, high, follow },
            name: if unit.is_empty() { name } else { format!("{name}, {unit}") },
            unit,
            numbers: true,
            notes,
            square: false,
            crossed: (None, None),
            small: false,
            about: self.note(),
            empty: "No finite value is known yet.".into(),
        }
    }
}
