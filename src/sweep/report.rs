//! What a finished or partly finished sweep says: sentences, pictures and tables, by section.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Metric, Run, Table, Unit,
    chart::{self, HeatMap, Lines, Place, Point, Series, Spot},
    fit::{fit, student_quantile},
    rank::kendall,
    table::{Row, Summary, summary},
};
use crate::{
    experiment::{Sweep, study::View},
    number,
    picture::svg::Paint,
    protocol::Measured,
};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub sections: Vec<Section>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Section {
    pub title: String,
    pub paragraphs: Vec<String>,
    pub pictures: Vec<Picture>,
    pub table: Option<Grid>,
}

/// One SVG.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// As a file's stem.
    pub name: String,
    pub title: String,
    pub svg: String,
}

/// Texts in rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Grid {
    pub head: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

/// Axes that a power law is fitted along.
const SIZES: [&str; 3] = ["data.topics", "data.sequences", "data.length"];
/// What the bound says of which metric: the metric, its term, and that term with the KL held.
const TERMS: [(&str, &str, &str); 3] = [
    ("topic_gap", "topic_term", "topic_rate"),
    ("sequence_gap", "sequence_term", "sequence_rate"),
    ("two_level_excess", "bound", ""),
];
/// Exceptions that a sentence lists.
const LISTED: usize = 4;

/// The views that fit a sweep which nobody chose any for.
pub fn usual_views(sweep: &Sweep) -> Vec<View> {
    let axes: Vec<&str> = sweep.axes.iter().map(|a| a.field.as_str()).filter(|f| *f != "seed").collect();
    let mut views = vec![View::Losses, View::Gaps];
    if axes.iter().any(|field| SIZES.contains(field)) {
        views.extend([View::Fits, View::Ranks]);
    }
    if axes.contains(&"training.learning_rate") {
        views.push(View::Speed);
    }
    if axes.contains(&"prior.steps") {
        views.extend([View::Level, View::Spread]);
    }
    if sweep.base.evaluation.algorithms {
        views.insert(0, View::Phases);
    }
    if axes.len() <= 1 {
        views.push(View::Steps);
    }
    views
}

/// `level` is the loss that the runs' time to a loss was measured to.
pub fn report(sweep: &Sweep, views: &[View], level: Option<f64>, runs: &[Run]) -> Report {
    let table = Table::new(&sweep.axes, runs);
    let teller = Teller { sweep, runs: table.rows.iter().flat_map(|row| &row.runs).copied().collect(), table, level };
    let mut sections = vec![teller.overview()];
    if !teller.runs.is_empty() {
        sections.extend(views.iter().filter_map(|view| teller.section(*view)));
    }
    Report { sections }
}

/// The settings of all axes but one, and the rows along that one.
type Along<'a> = (Vec<Value>, Vec<(f64, &'a Row<'a>)>);

struct Teller<'a> {
    sweep: &'a Sweep,
    table: Table<'a>,
    runs: Vec<&'a Run>,
    level: Option<f64>,
}

impl Teller<'_> {
    fn section(&self, view: View) -> Option<Section> {
        let section = match view {
            View::Losses if self.table.axes.len() == 1 => {
                self.metrics("Losses", &["two_level", "first_level", "empirical"])
            }
            View::Losses => self.metrics("Two-level loss", &["two_level"]),
            View::Gaps if self.table.axes.len() == 1 => self.metrics("Gaps", &["topic_gap", "sequence_gap"]),
            View::Gaps => {
                let mut section = self.metrics("Gaps", &["topic_gap"]);
                let other = self.metrics("Gaps", &["sequence_gap"]);
                section.paragraphs.extend(other.paragraphs);
                section.pictures.extend(other.pictures);
                section
            }
            View::Metric(name) => self.metrics(Metric::named(name)?.title, &[name]),
            View::Fits => self.fits(),
            View::Ranks => self.ranks(),
            View::Steps => self.steps(),
            View::Speed => self.speed(),
            View::Level => self.level(),
            View::Spread => self.spread(),
            View::Phases => super::phases::section(&self.table),
        };
        let empty = section.pictures.is_empty() && section.table.is_none() && section.paragraphs.is_empty();
        (!empty).then_some(section)
    }

    /// What a loss is counted per.
    fn word(&self) -> &'static str {
        self.sweep.base.world.observation().word()
    }

    fn overview(&self) -> Section {
        let (done, all, base) = (self.runs.len(), self.sweep.len(), &self.sweep.base);
        let mut paragraphs = vec![match done == all {
            true => format!("All {all} cells are finished."),
            false => format!("{done} of {all} cells are finished."),
        }];
        let data = match base.data.fresh {
            true => "fresh draws".into(),
            false => format!("K = {}, N = {}", base.data.topics, base.data.sequences),
        };
        paragraphs.push(format!(
            "{}: where the grid says nothing else, {data}, T = {}, {} steps of {} sequences. Losses are nats per {}.",
            base.world.title(),
            base.data.length,
            base.training.steps,
            base.training.batch,
            self.word()
        ));
        if let Some(held) = &self.sweep.hold {
            let tokens = base.data.tokens().map_or_else(String::new, |n| number::fixed(n, 0));
            let symbol = chart::symbol(held);
            paragraphs.push(format!("The total is held: {symbol} is chosen so that K·N·T stays at {tokens}."));
        }
        let precision = base.evaluation.precision;
        let precise = |run: &&&Run| {
            let known = |name| run.metrics.get(name).is_some_and(|m| m.stderr <= precision * m.value.abs());
            known("topic_gap") && known("sequence_gap")
        };
        let count = self.runs.iter().filter(precise).count();
        if count < done {
            let percent = number::short(100.0 * precision);
            paragraphs.push(format!(
                "Within a run both gaps are measured to {percent}% of themselves in {count} of {done} cells, and less precisely in the others."
            ));
        }
        Section { title: "The sweep".into(), paragraphs, ..Section::default() }
    }

    /// Pictures and sentences of metrics that belong together.
    fn metrics(&self, title: &str, names: &[&'static str]) -> Section {
        let metrics: Vec<&'static Metric> = names.iter().filter_map(|name| Metric::named(name)).collect();
        let known = |metric: &&&Metric| self.table.rows.iter().any(|row| row.get(metric.name).is_some());
        let metrics: Vec<&'static Metric> = metrics.iter().filter(known).copied().collect();
        let (Some(first), axes) = (metrics.first(), &self.table.axes) else { return Section::default() };
        let mut paragraphs = Vec::new();
        for metric in &metrics {
            if axes.is_empty() {
                paragraphs.extend(self.table.rows[0].get(metric.name).map(|s| format!("{}.", self.told(metric, &s))));
            }
            paragraphs.extend((0..axes.len()).filter_map(|axis| self.effect(metric, axis)));
        }
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

    /// Pictures have room for three axes; of further ones they show the first value.
    fn drawn_rows(&self) -> Vec<&Row<'_>> {
        let further = |row: &&Row| {
            self.table.axes.iter().zip(&row.coordinates).skip(3).all(|(axis, v)| axis.values.first() == Some(v))
        };
        self.table.rows.iter().filter(further).collect()
    }

    /// What a picture does not show by itself.
    fn note(&self) -> String {
        let mut parts = Vec::new();
        if let (Some(held), Some(tokens)) = (&self.sweep.hold, self.sweep.base.data.tokens()) {
            parts.push(format!("K·N·T = {} throughout: {} follows", number::fixed(tokens, 0), chart::symbol(held)));
        }
        let further = self.table.axes.iter().skip(3).filter_map(|a| Some((a.field.as_str(), a.values.first()?)));
        let further = chart::setting(further);
        if !further.is_empty() {
            parts.push(format!("shown at {further}"));
        }
        let most = self.table.rows.iter().map(|row| row.runs.len()).max().unwrap_or(0);
        parts.push(match most {
            0 | 1 => "bars: one standard error of the run's evaluation".into(),
            n => format!("mean of up to {n} seeds; bars: one standard error over seeds"),
        });
        parts.join(" · ")
    }

    /// `Topic gap: 0.031 ± 0.002 nats per token, mean of 3 runs`.
    fn told(&self, metric: &Metric, s: &Summary) -> String {
        let unit = metric.unit.text(self.word());
        let runs = if s.runs == 1 { "one run".into() } else { format!("mean of {} runs", s.runs) };
        let space = if unit.is_empty() { "" } else { " " };
        format!("{}: {}{space}{unit}, {runs}", metric.title, number::with_error(s.mean, s.stderr))
    }

    fn mark_title(&self, metric: &Metric, row: &Row, s: &Summary) -> String {
        format!("{}; {}", self.told(metric, s), self.setting(row))
    }

    fn setting(&self, row: &Row) -> String {
        chart::setting(self.table.axes.iter().map(|a| a.field.as_str()).zip(&row.coordinates))
    }

    /// Along the first axis; a line for each metric, or of one metric for each value of the second axis.
    fn lines(&self, metrics: &[&'static Metric], rows: &[&Row], title: &str, size: f64) -> Lines {
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
    fn heat_map(&self, metric: &Metric, rows: &[&Row], title: &str, all: Option<(f64, f64)>) -> HeatMap {
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
            Some(Spot { value: s.mean, stderr: s.stderr, title: self.mark_title(metric, row, &s), key: key(row) })
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

    /// What a metric does along an axis of numbers, from its least to its largest value, at each setting of the others.
    /// Runs with the same seed share their random streams, so that differences are taken seed by seed.
    fn effect(&self, metric: &Metric, axis: usize) -> Option<String> {
        let values = &self.table.axes[axis].values;
        let place = values.iter().map(Value::as_f64).collect::<Option<Vec<f64>>>()?;
        let mut settings: Vec<Along> = Vec::new();
        for row in self.table.rows.iter().filter(|row| row.get(metric.name).is_some()) {
            let x = place[values.iter().position(|v| *v == row.coordinates[axis])?];
            let mut others = row.coordinates.clone();
            others.remove(axis);
            match settings.iter_mut().find(|(other, _)| *other == others) {
                Some((_, rows)) => rows.push((x, row)),
                None => settings.push((others, vec![(x, row)])),
            }
        }
        let (mut all, mut falls, mut rises, mut even, mut changes) = (0, 0, Vec::new(), Vec::new(), Vec::new());
        let mut ends = None;
        for (others, mut rows) in settings {
            rows.sort_by(|a, b| a.0.total_cmp(&b.0));
            let (Some(low), Some(high)) = (rows.first(), rows.last()) else { continue };
            if low.0 == high.0 {
                continue;
            }
            let (difference, margin) = self.difference(metric, low.1, high.1)?;
            ends = Some((low.1, high.1));
            all += 1;
            match self.paired(metric, low.1, high.1) {
                pairs if pairs.is_empty() => changes.push(difference),
                pairs => changes.extend(pairs.iter().map(|m| m.value)),
            }
            let names = self.table.axes.iter().enumerate().filter(|(i, _)| *i != axis).map(|(_, a)| a.field.as_str());
            let setting = chart::setting(names.zip(&others));
            if difference < -margin {
                falls += 1;
            } else if difference > margin {
                rises.push(setting);
            } else {
                even.push(setting);
            }
        }
        let (low, high) = ends?;
        let what = metric.words();
        let [from, to] = [low, high].map(|row| chart::named(&row.coordinates[axis]));
        let along = format!("{} from {from} to {to}", chart::symbol(&self.table.axes[axis].field));
        if all == 1 {
            let told =
                |row: &Row| row.get(metric.name).map(|s| number::with_error(s.mean, s.stderr)).unwrap_or_default();
            let ends = format!("{} to {}", told(low), told(high));
            return Some(match (falls, rises.len()) {
                (1, _) => format!("{along} lowers the {what}: {ends}."),
                (_, 1) => format!("{along} does not lower the {what}; it raises it: {ends}."),
                _ => format!("{along} makes no difference to the {what} beyond chance: {ends}."),
            });
        }
        // Over settings and seeds together: what differs between settings counts as chance here, which is on the safe side.
        let told: Vec<Measured> = changes.iter().map(|d| Measured { value: *d, stderr: 0.0 }).collect();
        let s = summary(&told)?;
        let margin = student_quantile(0.975, s.runs as f64 - 1.0) * s.stderr;
        let [size, margin_text] = [s.mean.abs(), margin].map(number::short);
        let share = match falls {
            0 => format!("in none of {all} settings of the others does it fall beyond chance"),
            n if n == all => format!("it falls in all {all} settings of the others"),
            n => format!("it falls beyond chance in {n} of {all} settings of the others"),
        };
        let list = |settings: &[String]| {
            let more = settings.len().saturating_sub(LISTED);
            let named = settings.iter().take(LISTED).map(|s| format!("({s})")).collect::<Vec<_>>().join(", ");
            if more > 0 { format!("{named} and {more} more") } else { named }
        };
        let mut text = if s.mean < -margin {
            format!("{along} lowers the {what} by {size} ± {margin_text} on average (95%); {share}.")
        } else if s.mean > margin {
            format!("{along} does not lower the {what}: it rises by {size} ± {margin_text} on average (95%); {share}.")
        } else {
            let sign = if s.mean < 0.0 { "−" } else { "" };
            format!(
                "{along} changes the {what} by {sign}{size} ± {margin_text} on average (95%), which is not beyond chance; {share}."
            )
        };
        if !rises.is_empty() {
            text.push_str(&format!(" It rises at {}.", list(&rises)));
        }
        if !even.is_empty() && even.len() < all {
            text.push_str(&format!(" No difference beyond chance at {}.", list(&even)));
        }
        Some(text)
    }

    /// A metric in one row less in another, and how large that must be to be more than chance (95%).
    fn difference(&self, metric: &Metric, low: &Row, high: &Row) -> Option<(f64, f64)> {
        match summary(&self.paired(metric, low, high)).filter(|s| s.runs > 1) {
            Some(s) => Some((s.mean, student_quantile(0.975, s.runs as f64 - 1.0) * s.stderr)),
            None => {
                let (a, b) = (low.get(metric.name)?, high.get(metric.name)?);
                Some((b.mean - a.mean, 1.96 * a.stderr.hypot(b.stderr)))
            }
        }
    }

    /// The same difference for each seed that both rows have.
    fn paired(&self, metric: &Metric, low: &Row, high: &Row) -> Vec<Measured> {
        let seed = self.sweep.axes.iter().position(|axis| axis.field == "seed");
        let of = |run: &Run| run.metrics.get(metric.name).map(|m| m.value);
        high.runs
            .iter()
            .filter_map(|b| {
                let a = low.runs.iter().find(|a| seed.is_some_and(|i| a.coordinates.get(i) == b.coordinates.get(i)))?;
                Some(Measured { value: of(b)? - of(a)?, stderr: 0.0 })
            })
            .collect()
    }

    fn fits(&self) -> Section {
        let axes: Vec<(String, usize)> = self
            .sweep
            .axes
            .iter()
            .enumerate()
            .filter(|(_, a)| SIZES.contains(&a.field.as_str()) && a.values.len() > 1)
            .map(|(i, a)| (a.field.clone(), i))
            .collect();
        let mut rows = Vec::new();
        for (name, term, rate) in TERMS {
            let Some(found) = fit(&self.runs, name, &axes) else { continue };
            let terms = [rate, term].map(|name| fit(&self.runs, name, &axes));
            for exponent in &found.exponents {
                let [held, measured] = terms.each_ref().map(|fit| {
                    let same = fit.as_ref()?.exponents.iter().find(|e| e.field == exponent.field)?;
                    Some(same.clone())
                });
                let with = |e: &super::fit::Exponent| {
                    format!("{} ± {}", number::fixed(e.value, 2), number::fixed(e.half_width, 2))
                };
                rows.push(vec![
                    Metric::named(name).map_or_else(String::new, |m| m.title.into()),
                    chart::symbol(&exponent.field).into(),
                    with(exponent),
                    held.map_or_else(|| "–".into(), |e| number::fixed(e.value, 2)),
                    measured.as_ref().map_or_else(|| "–".into(), with),
                    found.used.to_string(),
                    found.not_positive.to_string(),
                    number::fixed(found.r_squared, 2),
                ]);
            }
        }
        if rows.is_empty() {
            return Section::default();
        }
        let head = [
            "what",
            "along",
            "fitted e, ± 95%",
            "the bound's term, KL held",
            "the bound's term, measured",
            "cells used",
            "left out",
            "R²",
        ];
        let mut paragraphs = vec![
            "Power laws, value = c · x^(−e), fitted jointly along all of these axes by weighted least squares in logarithms. The intervals are Student's t at 95%. Cells whose value is not above 0 have no logarithm and are left out, which makes the fitted law too flat where they are many.".into(),
        ];
        if self.sweep.hold.is_some() {
            paragraphs.push(
                "The total is held here, so that an exponent is that of two sizes moving against each other.".into(),
            );
        }
        Section {
            title: "Fitted exponents".into(),
            paragraphs,
            table: Some(Grid { head: head.map(String::from).into(), rows }),
            ..Section::default()
        }
    }

    fn ranks(&self) -> Section {
        let (mut rows, mut panels) = (Vec::new(), Vec::new());
        let pairs = [
            ("topic_term", "topic_gap"),
            ("sequence_term", "sequence_gap"),
            ("confidence_term", "sequence_gap"),
            ("bound", "two_level"),
        ];
        for (term, gap) in pairs {
            let (Some(x), Some(y)) = (Metric::named(term), Metric::named(gap)) else { continue };
            let both: Vec<(Summary, Summary, &Row)> =
                self.table.rows.iter().filter_map(|row| Some((row.get(term)?, row.get(gap)?, row))).collect();
            let values: Vec<(f64, f64)> = both.iter().map(|(a, b, _)| (a.mean, b.mean)).collect();
            let Some(found) = kendall(&values) else { continue };
            rows.push(vec![
                x.title.into(),
                y.title.into(),
                number::fixed(found.tau, 2),
                chance(found.p),
                found.n.to_string(),
            ]);
            if term != "confidence_term" {
                let (low, high) = range(values.iter().map(|v| v.0));
                let scale = chart::scale(low, high);
                let at = |(a, b, row): &(Summary, Summary, &Row)| {
                    let title = format!("{}; {}", self.told(x, a), self.mark_title(y, row, b));
                    point(scale.share(a.mean), b, title, key(row))
                };
                let points = both.iter().map(at).collect();
                let (low, high) = range(both.iter().map(|(_, b, _)| b.mean));
                panels.push(
                    Lines {
                        title: format!("{} against {}", short_name(y), short_name(x)),
                        x: Place::of_values(format!("{}, up to constants", short_name(x)), &scale),
                        y: value_name(y, self.word()),
                        series: vec![Series { joined: false, ..series(String::new(), paint(y), "", points) }],
                        log: low > 0.0 && high > 6.0 * low,
                        like: None,
                        marks: Vec::new(),
                        shrink: 0.66,
                    }
                    .draw(),
                );
            }
        }
        if rows.is_empty() {
            return Section::default();
        }
        let head = ["part of the bound", "what it speaks of", "Kendall's τ", "p", "settings"].map(String::from);
        let title = "Does the bound order the settings as the gaps do?";
        Section {
            title: title.into(),
            paragraphs: vec![
                "Kendall's τ is 1 where both order all settings alike, −1 where they order them in opposite ways; p is the chance of one as far from 0 by accident. The bound is known up to constants only, so that its order is what can be tested.".into(),
            ],
            pictures: vec![picture("bound-and-gaps", title, panels, "")],
            table: Some(Grid { head: head.into(), rows }),
        }
    }

    /// Two-level loss against step: a line for each value of the first axis, a panel for each of the second.
    fn steps(&self) -> Section {
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
    fn spread(&self) -> Section {
        let paragraph = "The standard deviation of the two-level loss over seeds: how steady training is. Steps are those of the training proper; prior stages come before step 0.";
        let title = "Spread over seeds";
        let mut section = self.along_the_run(title, "spread", paragraph, "standard deviation", false, |losses| {
            let measured: Vec<Measured> = losses.iter().map(|v| Measured { value: *v, stderr: 0.0 }).collect();
            let s = summary(&measured).filter(|s| s.runs > 1)?;
            let deviation = s.stderr * (s.runs as f64).sqrt();
            Some((deviation, deviation, deviation))
        });
        if section.pictures.is_empty() {
            section.paragraphs.clear();
        }
        section
    }

    /// `of` gives a value and its band from the seeds' losses at one step. `all` counts the prior stages' steps too.
    fn along_the_run(
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
        let line = |row: &Row, i: usize, count: usize| {
            let label = match axes.first() {
                Some(axis) => chart::setting([(axis.field.as_str(), &row.coordinates[0])].into_iter()),
                None => String::new(),
            };
            let points = steps(row).unwrap_or_default().into_iter().filter_map(|step| {
                let losses: Vec<f64> = row.runs.iter().filter_map(|run| at_step(run, step + prior(row))).collect();
                let (y, low, high) = if losses.is_empty() { None } else { of(&losses) }?;
                let told = number::precise(y);
                let title = format!(
                    "{what} {told} nats per {} at step {step}, {} runs; {}",
                    self.word(),
                    losses.len(),
                    self.setting(row)
                );
                Some(Point { x: step / last, y, low, high, title, key: key(row) })
            });
            let points: Vec<Point> = points.collect();
            Series { band: true, ..series(label, chart::ordered(i, count), chart::dash(i), points) }
        };
        let rows = self.drawn_rows();
        let panels: Vec<(String, Vec<&Row>)> = match axes.get(1) {
            None => vec![(String::new(), rows)],
            Some(_) => {
                let mut panels: Vec<(String, Vec<&Row>)> = Vec::new();
                for row in rows {
                    let rest = axes.iter().skip(1).map(|a| a.field.as_str()).zip(row.coordinates.iter().skip(1));
                    let title = chart::setting(rest);
                    match panels.iter_mut().find(|(other, _)| *other == title) {
                        Some((_, rows)) => rows.push(row),
                        None => panels.push((title, vec![row])),
                    }
                }
                panels
            }
        };
        let size = if panels.len() > 1 { 0.8 } else { 1.25 };
        let drawn: Vec<Lines> = panels
            .into_iter()
            .map(|(title, rows)| {
                let order = axes.first().map(|axis| ranks(&axis.values)).unwrap_or_default();
                let lines: Vec<Series> = rows
                    .iter()
                    .map(|row| {
                        let at =
                            axes.first().and_then(|axis| axis.values.iter().position(|v| *v == row.coordinates[0]));
                        line(row, at.map_or(0, |i| order[i]), order.len())
                    })
                    .filter(|s| !s.points.is_empty())
                    .collect();
                Lines {
                    title,
                    x: Place::of_steps(last as usize),
                    y: format!("{what}, nats per {}", self.word()),
                    log: lines.iter().flat_map(|s| &s.points).all(|p| p.y > 0.0) && wide(&lines),
                    series: lines,
                    like: None,
                    marks: Vec::new(),
                    shrink: size,
                }
            })
            .filter(|lines| !lines.series.is_empty())
            .collect();
        if drawn.is_empty() {
            return Section::default();
        }
        let panels = drawn.iter().map(Lines::draw).collect();
        Section {
            title: title.into(),
            paragraphs: vec![paragraph.into()],
            pictures: vec![picture(name, &format!("{title}: two-level loss"), panels, "")],
            table: None,
        }
    }

    /// Generalization against how fast the run trained.
    fn speed(&self) -> Section {
        let Some(x) = Metric::named("mean_training_loss") else { return Section::default() };
        let (low, high) = range(self.table.rows.iter().filter_map(|row| row.get(x.name)).map(|s| s.mean));
        if !(low <= high) {
            return Section::default();
        }
        let scale = crate::scale::Scale::round(low, high, 4);
        let (mut panels, mut paragraphs) = (Vec::new(), Vec::new());
        paragraphs.push("Training speed is the mean training loss over the whole run, the area under its curve: the lower, the faster. Each point is a setting, the mean of its seeds.".into());
        for name in ["two_level", "topic_gap", "sequence_gap"] {
            let Some(metric) = Metric::named(name) else { continue };
            let pairs: Vec<(f64, f64)> = self
                .runs
                .iter()
                .filter_map(|run| Some((run.metrics.get(x.name)?.value, run.metrics.get(name)?.value)))
                .collect();
            if let Some(found) = kendall(&pairs) {
                let direction = match (found.p < 0.05, found.tau > 0.0) {
                    (false, _) => "No clear order: training speed and",
                    (true, true) => "Runs that train faster have the lower",
                    (true, false) => "Runs that train faster have the higher",
                };
                paragraphs.push(format!(
                    "{direction} {} (Kendall's τ {}, p {}, {} runs).",
                    metric.words(),
                    number::fixed(found.tau, 2),
                    chance(found.p),
                    found.n
                ));
            }
            let axis = self.table.axes.first();
            let values = axis.map_or(&[][..], |axis| &axis.values[..]);
            let order = ranks(values);
            let mut lines: Vec<Series> = Vec::new();
            let mut all = Vec::new();
            for row in &self.table.rows {
                let (Some(a), Some(b)) = (row.get(x.name), row.get(name)) else { continue };
                all.push(b.mean);
                let title = format!("{}; {}", self.told(x, &a), self.mark_title(metric, row, &b));
                let mark = point(scale.share(a.mean), &b, title, key(row));
                let label = axis.map_or_else(String::new, |axis| {
                    chart::setting([(axis.field.as_str(), &row.coordinates[0])].into_iter())
                });
                match lines.iter_mut().find(|s| s.label == label) {
                    Some(group) => group.points.push(mark),
                    None => {
                        let at = axis.and_then(|axis| axis.values.iter().position(|v| *v == row.coordinates[0]));
                        let colour = chart::ordered(at.map_or(0, |i| order[i]), values.len());
                        lines.push(Series { joined: false, ..series(label, colour, "", vec![mark]) });
                    }
                }
            }
            // The last panel names the markers for all.
            if name != "sequence_gap" {
                lines.iter_mut().for_each(|s| s.label.clear());
            }
            let (low, high) = range(all.into_iter());
            panels.push(
                Lines {
                    title: metric.title.into(),
                    x: Place::of_values(format!("mean training loss, nats per {}", self.word()), &scale),
                    y: value_name(metric, self.word()),
                    series: lines,
                    log: low > 0.0 && high > 6.0 * low,
                    like: None,
                    marks: Vec::new(),
                    shrink: 0.66,
                }
                .draw(),
            );
        }
        let title = "Generalization against training speed";
        Section { title: title.into(), paragraphs, pictures: vec![picture("speed", title, panels, "")], table: None }
    }

    /// What it takes to come down to a loss, the prior stages' own cost counted and not counted.
    fn level(&self) -> Section {
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
        let place = Place::of(axis);
        let note = format!("cost of the prior stages counted, and not counted · {}", self.note());
        let mut panels = Vec::new();
        for (what, counted, own) in [
            ("Steps", "steps_to_level", "steps_to_level_own"),
            ("Tokens", "tokens_to_level", "tokens_to_level_own"),
            ("Seconds", "seconds_to_level", "seconds_to_level_own"),
        ] {
            let lines = [(counted, "counted", chart::MODEL), (own, "not counted", chart::TOPIC)];
            let lines = lines.into_iter().enumerate().filter_map(|(i, (name, label, paint))| {
                let metric = Metric::named(name)?;
                let points = self.drawn_rows().into_iter().filter_map(|row| {
                    let s = row.get(name)?;
                    let x = place.share(axis.values.iter().position(|v| *v == row.coordinates[0])?);
                    Some(point(x, &s, self.mark_title(metric, row, &s), key(row)))
                });
                Some(series(label.into(), paint, chart::dash(i), points.collect()))
            });
            let lines: Vec<Series> = lines.filter(|s| !s.points.is_empty()).collect();
            if lines.is_empty() {
                continue;
            }
            let unit = Metric::named(counted).map_or(Unit::Plain, |m| m.unit).text(self.word());
            panels.push(
                Lines {
                    title: what.into(),
                    x: place.clone(),
                    y: unit,
                    series: lines,
                    log: false,
                    like: None,
                    marks: Vec::new(),
                    shrink: 0.52,
                }
                .draw(),
            );
        }
        let pictures = if panels.is_empty() { Vec::new() } else { vec![picture("level", &title, panels, &note)] };
        for name in ["steps_to_level", "steps_to_level_own"] {
            paragraphs.extend(Metric::named(name).and_then(|metric| self.effect(metric, 0)));
        }
        Section { title, paragraphs, pictures, table: None }
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

fn picture(name: &str, title: &str, panels: Vec<chart::Panel>, note: &str) -> Picture {
    let svg = chart::arrange(panels, title, note, title);
    Picture { name: name.into(), title: title.into(), svg }
}

fn series(label: String, paint: Paint, dash: &'static str, points: Vec<Point>) -> Series {
    Series { label, paint, dash, joined: true, band: false, points }
}

/// With an error bar of one standard error.
fn point(x: f64, s: &Summary, title: String, key: String) -> Point {
    Point { x, y: s.mean, low: s.mean - s.stderr, high: s.mean + s.stderr, title, key }
}

fn key(row: &Row) -> String {
    row.runs.first().map_or_else(String::new, |run| run.key.clone())
}

/// The colours that the page gives to the same things.
fn paint(metric: &Metric) -> Paint {
    match metric.name {
        "topic_gap" | "topic_term" => chart::TOPIC,
        "sequence_gap" | "sequence_term" => chart::SEQUENCE,
        _ => chart::MODEL,
    }
}

/// At a line's end.
fn short_name(metric: &Metric) -> String {
    let title = metric.words();
    let cut = title.find(" L").or_else(|| title.find(" of the bound")).unwrap_or(title.len());
    match metric.name {
        "bound" => "the bound's sum".into(),
        _ => title[..cut].into(),
    }
}

/// `loss, nats per token`.
fn value_name(metric: &Metric, word: &str) -> String {
    let unit = metric.unit.text(word);
    match metric.unit {
        Unit::Loss if metric.name.ends_with("_gap") => format!("gap, {unit}"),
        Unit::Loss => format!("loss, {unit}"),
        Unit::Plain => short_name(metric),
        _ => unit,
    }
}

fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
}

/// Whether a linear axis would crowd most of what there is into one end.
fn wide(series: &[Series]) -> bool {
    let (low, high) = range(series.iter().flat_map(|s| &s.points).map(|p| p.y));
    high > 6.0 * low
}

/// The order of an axis' values: by number where they are numbers, as they stand elsewhere.
fn ranks(values: &[Value]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| match (values[a].as_f64(), values[b].as_f64()) {
        (Some(x), Some(y)) => x.total_cmp(&y),
        _ => Ordering::Equal,
    });
    let mut ranks = vec![0; values.len()];
    order.into_iter().enumerate().for_each(|(rank, i)| ranks[i] = rank);
    ranks
}

/// `0.03`, `below 0.001`.
fn chance(p: f64) -> String {
    if p < 0.001 { "below 0.001".into() } else { number::fixed(p, if p < 0.1 { 3 } else { 2 }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        experiment::{Data, Experiment},
        protocol::Record,
        sweep::Metrics,
    };

    fn sweep(grid: &str) -> Sweep {
        let data = Data { topics: 16, sequences: 16, length: 32, fresh: false };
        let base = Experiment { data, world: "coins".parse().unwrap(), ..Experiment::default() };
        Sweep::parse_grid(base, grid).unwrap()
    }

    /// K lowers the loss; N does so only where K is 4; the seed adds some noise that all settings share, and some that they do not.
    fn runs(sweep: &Sweep) -> Vec<Run> {
        let cells = sweep.cells().unwrap();
        let run = |(i, cell): (usize, &crate::experiment::sweep::Cell)| {
            let e = &cell.experiment;
            let (k, n) = (e.data.topics as f64, e.data.sequences as f64);
            let own = 0.001 * ((i * 7) % 5) as f64;
            let loss = 2.0 / k + if k == 4.0 { 1.0 / n } else { 0.0 } + 0.05 * e.seed as f64 + own;
            let values = [
                ("two_level", loss, 0.01),
                ("two_level_excess", loss, 0.01),
                ("topic_gap", 0.5 / k + own, 0.01),
                ("sequence_gap", 1.0 / (k * n), 0.001),
                ("topic_term", 9.0 / k.sqrt(), 0.0),
                ("topic_rate", 1.0 / k.sqrt(), 0.0),
                ("mean_training_loss", 1.0 + loss, 0.0),
                ("steps", 300.0, 0.0),
                ("steps_own", 200.0, 0.0),
                ("steps_to_level", 150.0 + 1000.0 * own, 1.0),
                ("steps_to_level_own", 50.0 + 1000.0 * own, 1.0),
            ];
            // With five digits, as they are recorded.
            let values = values.map(|(name, value, stderr)| (name, five_digits(value), stderr));
            let loss = five_digits(loss);
            let record = Record { step: vec![0, 100, 300], two_level: vec![1.0, 0.75, loss], ..Record::default() };
            Run {
                key: cell.key.clone(),
                coordinates: cell.coordinates.clone(),
                metrics: Metrics::with(&values),
                record,
            }
        };
        cells.iter().enumerate().map(run).collect()
    }

    fn five_digits(x: f64) -> f64 {
        format!("{x:.4e}").parse().unwrap()
    }

    const ALL: [View; 11] = [
        View::Losses,
        View::Gaps,
        View::Metric("two_level_excess"),
        View::Fits,
        View::Ranks,
        View::Steps,
        View::Speed,
        View::Level,
        View::Spread,
        View::Phases,
        View::Metric("no such metric"),
    ];

    fn check(report: &Report) {
        for picture in report.sections.iter().flat_map(|s| &s.pictures) {
            let svg = &picture.svg;
            assert!(svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>") && svg.contains("data-cell="), "{svg}");
            assert_eq!(svg.matches("<g").count(), svg.matches("</g>").count(), "{}", picture.name);
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{}: {svg}", picture.name);
        }
        for (i, a) in report.sections.iter().enumerate() {
            assert!(report.sections[..i].iter().all(|b| a.title != b.title), "{}", a.title);
        }
    }

    fn text(report: &Report) -> String {
        report.sections.iter().flat_map(|s| s.paragraphs.clone()).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn every_view_of_every_number_of_axes_is_sound() {
        for grid in [
            "seed=1..3",
            "data.topics=4",
            "data.topics=4,16,64",
            "data.topics=4,16,64; seed=1..3",
            "net.mlp=none,gelu; seed=1..2",
            "data.topics=4,16; data.sequences=2,8; seed=1..2",
            "data.topics=4,16; data.sequences=2,8; data.length=8,16; seed=1..2",
            "data.topics=4,16; data.sequences=2,8; data.length=8,16; net.width=8,16",
            "data.topics=4,16; hold=data.sequences",
        ] {
            let sweep = sweep(grid);
            let runs = runs(&sweep);
            for finished in [0, 1, 2, runs.len() / 2, runs.len()] {
                let told = report(&sweep, &ALL, Some(0.3), &runs[..finished.min(runs.len())]);
                check(&told);
                assert!(text(&told).contains(if finished >= runs.len() { "All " } else { " of " }), "{grid}");
            }
            check(&report(&sweep, &usual_views(&sweep), None, &runs));
        }
    }

    #[test]
    fn sentences_say_what_lowers_the_loss_and_what_does_not() {
        let sweep = sweep("data.topics=4,16,64; data.sequences=2,8; seed=1..3");
        let runs = runs(&sweep);
        let told = report(&sweep, &[View::Losses], None, &runs);
        let text = text(&told);
        assert!(text.contains("K from 4 to 64 lowers the two-level loss L(θ) by 0."), "{text}");
        assert!(text.contains("it falls in all 2 settings of the others."), "{text}");
        assert!(text.contains("N from 2 to 8 changes the two-level loss L(θ) by −0."), "{text}");
        assert!(text.contains("it falls beyond chance in 1 of 3 settings of the others."), "{text}");
        assert!(text.contains("No difference beyond chance at (K = 16), (K = 64)."), "{text}");
        // Seeds are paired: their common noise is far larger than what N does at K = 4.
        let svg = &told.sections[1].pictures[0].svg;
        assert!(svg.contains("data-cell=\"data.topics=4 data.sequences=2 seed=1\""), "{svg}");
        assert!(svg.contains("mean of 3 runs; K = 4, N = 2</title>"), "{svg}");
    }

    #[test]
    fn recorded_runs_give_the_same_pictures() {
        let sweep = sweep("data.topics=4,16; data.sequences=2,8; seed=1..2");
        let live = runs(&sweep);
        let recorded: Vec<Run> = live
            .iter()
            .map(|run| {
                let text = run.to_value(true).to_string();
                Run::from_value(run.key.clone(), &serde_json::from_str(&text).unwrap()).unwrap()
            })
            .collect();
        assert!(report(&sweep, &ALL, Some(0.3), &recorded) == report(&sweep, &ALL, Some(0.3), &live));
    }

    #[test]
    fn fits_and_ranks_are_tables() {
        let sweep = sweep("data.topics=4,16,64; seed=1..3");
        let told = report(&sweep, &[View::Fits, View::Ranks], None, &runs(&sweep));
        let fits = told.sections[1].table.as_ref().unwrap();
        let gap = fits.rows.iter().find(|row| row[0] == "Topic gap").unwrap();
        // 0.5/K and a little noise; the bound's term at fixed KL is K^(-1/2).
        assert!(gap[2].starts_with("0.9") && gap[3] == "0.50" && gap[5] == "9", "{gap:?}");
        let ranks = told.sections[2].table.as_ref().unwrap();
        assert_eq!(ranks.rows[0][2], "1.00");
    }
}
