//! A metric over the grid: lines, heat maps, and what each axis does to it.

use super::*;

impl Teller<'_> {
    /// Pictures and sentences of metrics that belong together.
    pub(super) fn metrics(&self, title: &str, names: &[&'static str]) -> Section {
        let metrics: Vec<&'static Metric> = names.iter().filter_map(|name| Metric::named(name)).collect();
        let known = |metric: &&&Metric| self.table.rows.iter().any(|row| row.get(metric.name).is_some());
        let metrics: Vec<&'static Metric> = metrics.iter().filter(known).copied().collect();
        let (Some(first), axes) = (metrics.first(), &self.table.axes) else { return Section::default() };
        let mut paragraphs = Vec::new();
        for metric in &metrics {
            if axes.is_empty() {
                paragraphs.extend(self.table.rows[0].get(metric.name).map(|s| format!("{}.", self.told(metric, &s))));
            }
        }
        paragraphs.extend(self.effects_told(&metrics));
        let mut pictures = Vec::new();
        let name = first.name.replace('_', "-");
        let rows = self.drawn_rows();
        let note = format!("{} · {}", value_name(first, self.word()), self.note());
        match axes.len() {
            0 => {}
            1 => {
                let lines = self.lines(&metrics, &rows, "", 1.25);
                pictures.push(picture(&name, title, vec![lines.draw()], &note));
            }
            2 => {
                let map = self.heat_map(first, &rows, "", None);
                pictures.push(picture(&format!("{name}-map"), first.title, vec![map.draw()], &note));
                let lines = self.lines(&metrics[..1], &rows, "", 1.25);
                pictures.push(picture(&format!("{name}-lines"), first.title, vec![lines.draw()], &note));
            }
            _ => {
                let of = |value: &Value| -> Vec<&Row> {
                    rows.iter().copied().filter(|row| row.coordinates[2] == *value).collect()
                };
                let panels: Vec<(String, Vec<&Row>)> = axes[2]
                    .values
                    .iter()
                    .map(|v| (chart::setting([(axes[2].field.as_str(), v)].into_iter()), of(v)))
                    .filter(|(_, rows)| !rows.is_empty())
                    .collect();
                let range = range(rows.iter().filter_map(|row| row.get(first.name)).map(|s| s.mean));
                let maps = panels.iter().enumerate().map(|(i, (title, rows))| {
                    HeatMap { legend: i == 0, ..self.heat_map(first, rows, title, Some(range)) }.draw()
                });
                pictures.push(picture(&format!("{name}-maps"), first.title, maps.collect(), &note));
                let scale = self.lines(&metrics[..1], &rows, "", 1.0).scale();
                let lines = panels
                    .iter()
                    .map(|(t, rows)| Lines { like: Some(scale), ..self.lines(&metrics[..1], rows, t, 0.55) }.draw());
                pictures.push(picture(&format!("{name}-lines"), first.title, lines.collect(), &note));
            }
        }
        Section { title: title.into(), paragraphs, pictures, table: None }
    }

    /// Along the first axis; a line for each metric, or of one metric for each value of the second axis.
    pub(super) fn lines(&self, metrics: &[&'static Metric], rows: &[&Row], title: &str, size: f64) -> Lines {
        let axes = &self.table.axes;
        let place = Place::of(axes[0]);
        let points = |metric: &Metric, second: Option<&Value>| -> Vec<Point> {
            let mut points: Vec<Point> = rows
                .iter()
                .filter(|row| second.is_none_or(|v| row.coordinates[1] == *v))
                .filter_map(|row| {
                    let s = row.get(metric.name)?;
                    let x = place.share(axes[0].values.iter().position(|v| *v == row.coordinates[0])?);
                    Some(point(x, &s, self.mark_title(metric, row, &s), key(row)))
                })
                .collect();
            points.sort_by(|a, b| a.x.total_cmp(&b.x));
            points
        };
        let series = match axes.get(1) {
            None => metrics
                .iter()
                .enumerate()
                .map(|(i, metric)| {
                    let label = if metrics.len() > 1 { short_name(metric) } else { String::new() };
                    series(label, paint(metric), chart::dash(i), points(metric, None))
                })
                .collect(),
            Some(axis) => {
                let order = ranks(&axis.values);
                let line = |(i, value): (usize, &Value)| {
                    let label = chart::setting([(axis.field.as_str(), value)].into_iter());
                    let colour = chart::ordered(order[i], axis.values.len());
                    series(label, colour, chart::dash(order[i]), points(metrics[0], Some(value)))
                };
                axis.values.iter().enumerate().map(line).filter(|s| !s.points.is_empty()).collect()
            }
        };
        let spread: Vec<f64> =
            rows.iter().flat_map(|row| metrics.iter().filter_map(|m| row.get(m.name))).map(|s| s.mean).collect();
        let (low, high) = range(spread.into_iter());
        Lines {
            title: title.into(),
            x: place,
            y: value_name(metrics[0], self.word()),
            series,
            log: low > 0.0 && high > 6.0 * low,
            like: None,
            marks: Vec::new(),
            shrink: size,
        }
    }

    /// The first axis to the right, the second upwards.
    pub(super) fn heat_map(&self, metric: &Metric, rows: &[&Row], title: &str, all: Option<(f64, f64)>) -> HeatMap {
        let axes = &self.table.axes;
        let sorted = |axis: usize| -> Vec<&Value> {
            let order = ranks(&axes[axis].values);
            let mut values: Vec<(usize, &Value)> = order.into_iter().zip(&axes[axis].values).collect();
            values.sort_by_key(|(rank, _)| *rank);
            values.into_iter().map(|(_, v)| v).collect()
        };
        let (columns, lines) = (sorted(0), sorted(1));
        let spot = |y: &Value, x: &Value| {
            let row = rows.iter().find(|row| row.coordinates[0] == *x && row.coordinates[1] == *y)?;
            let s = row.get(metric.name)?;
            Some(Spot { value: s.mean, stderr: s.margin(), title: self.mark_title(metric, row, &s), key: key(row) })
        };
        HeatMap {
            title: title.into(),
            x: chart::explained(&axes[0].field),
            columns: columns.iter().map(|v| chart::named(v)).collect(),
            y: chart::explained(&axes[1].field),
            rows: lines.iter().map(|v| chart::named(v)).collect(),
            spots: lines.iter().flat_map(|y| columns.iter().map(|x| spot(y, x)).collect::<Vec<_>>()).collect(),
            range: all.unwrap_or_else(|| range(rows.iter().filter_map(|row| row.get(metric.name)).map(|s| s.mean))),
            legend: true,
        }
    }
}
