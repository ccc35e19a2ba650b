//! What a finished or partly finished sweep says: sentences, pictures and tables, by section.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Metric, Run, Table, Unit,
    by_seed::{self, Change, Effect, Estimate, LEVEL, Verdict, correct, holm},
    chart::{self, HeatMap, Lines, Place, Point, Series, Spot},
    fit::fit,
    one_scale::at_one_scale,
    rank::kendall,
    table::{Row, Summary, summary},
};
use crate::{
    experiment::{Sweep, study::View, sweep::Axis},
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
/// What the bound says of which metric: the metric, its term, and that term's rates without the KL.
const TERMS: [(&str, &str, &[&str]); 3] = [
    ("topic_gap", "topic_term_one_scale", &["topic_rate"]),
    ("sequence_gap", "sequence_term_one_scale", &["sequence_rate"]),
    ("two_level_excess", "bound_one_scale", &["topic_rate", "sequence_rate"]),
];
/// What the table of effects is about.
const EFFECTS: [&str; 3] = ["two_level_excess", "topic_gap", "sequence_gap"];
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
    let (scale, runs) = at_one_scale(sweep, runs);
    let table = Table::new(&sweep.axes, &runs);
    let all = table.rows.iter().flat_map(|row| &row.runs).copied().collect();
    let effects = effects(&table, &EFFECTS.iter().filter_map(|name| Metric::named(name)).collect::<Vec<_>>());
    let teller = Teller { sweep, runs: all, table, level, scale, effects };
    let mut sections = vec![teller.overview()];
    if !teller.runs.is_empty() {
        if views.iter().any(|view| matches!(view, View::Losses | View::Gaps)) {
            sections.extend(teller.effect_table());
        }
        sections.extend(views.iter().filter_map(|view| teller.section(*view)));
    }
    Report { sections }
}

/// What each axis of numbers does to each of the metrics, corrected together.
fn effects(table: &Table, metrics: &[&'static Metric]) -> Vec<Effect> {
    let along = |metric: &&'static Metric| {
        let metric = *metric;
        (0..table.axes.len()).filter_map(move |axis| Effect::along(table, metric, axis))
    };
    let mut found: Vec<Effect> = metrics.iter().flat_map(along).collect();
    correct(&mut found);
    found
}

struct Teller<'a> {
    sweep: &'a Sweep,
    table: Table<'a>,
    runs: Vec<&'a Run>,
    level: Option<f64>,
    /// The one s at which the runs' KLs are taken.
    scale: Option<f64>,
    /// What the table of effects holds.
    effects: Vec<Effect>,
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
            n if n < by_seed::FEWEST_SEEDS => format!("mean of up to {n} seeds, too few for bars"),
            n => format!("mean of up to {n} seeds; bars: 95% over seeds (Student's t)"),
        });
        parts.join(" · ")
    }

    /// `Topic gap: 0.031 ± 0.002 nats per token, mean of 3 runs`; the error is that of [`Summary::margin`].
    fn told(&self, metric: &Metric, s: &Summary) -> String {
        let unit = metric.unit.text(self.word());
        let runs = if s.runs == 1 { "one run".into() } else { format!("mean of {} runs", s.runs) };
        let space = if unit.is_empty() { "" } else { " " };
        format!("{}: {}{space}{unit}, {runs}", metric.title, s.text())
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

    /// The effects of the table, as a table.
    fn effect_table(&self) -> Option<Section> {
        let row = |effect: &Effect| {
            let [low, high] = [&effect.low, &effect.high].map(chart::named);
            vec![
                effect.metric.title.into(),
                format!("{} from {low} to {high}", chart::symbol(&self.table.axes[effect.axis].field)),
                effect.told(),
                effect.over.seeds.to_string(),
                effect.corrected.map_or_else(|| "–".into(), probability),
                effect.verdict().words().into(),
            ]
        };
        let rows: Vec<Vec<String>> = self.effects.iter().map(row).collect();
        if rows.is_empty() {
            return None;
        }
        let head = ["what", "along", "change, 95%", "seeds", "p, corrected", "verdict"].map(String::from);
        let mut paragraphs = vec![format!(
            "From an axis' least value to its largest: one number for each seed, the mean over the settings of the other axes, and then Student's t over seeds. Runs of one seed share topics, initialization and batches, so that only seeds are independent. {} is a factor (worked in logarithms), a number without it a difference in nats per {}. The p-values are corrected for the {} verdicts of this table (Holm); below {LEVEL} a change is called one.",
            "×",
            self.word(),
            rows.len()
        )];
        paragraphs.extend(self.too_few());
        paragraphs.extend(EFFECTS.iter().filter_map(|name| self.not_positive(Metric::named(name)?)));
        Some(Section {
            title: "What each axis does".into(),
            paragraphs,
            table: Some(Grid { head: head.into(), rows }),
            ..Section::default()
        })
    }

    /// A sentence where the seeds are too few for any interval.
    fn too_few(&self) -> Option<String> {
        let seeds = by_seed::grouped(&self.table).len();
        (seeds < by_seed::FEWEST_SEEDS).then(|| {
            let few =
                if seeds == 1 { "There is one seed only".into() } else { format!("There are {seeds} seeds only") };
            format!("{few}: with fewer than {} no interval can be given and no verdict.", by_seed::FEWEST_SEEDS)
        })
    }

    /// A sentence where a metric that could be worked in logarithms is not, because it is 0 or below somewhere.
    fn not_positive(&self, metric: &Metric) -> Option<String> {
        let values: Vec<f64> =
            self.runs.iter().filter_map(|run| run.metrics.get(metric.name)).map(|m| m.value).collect();
        let count = by_seed::not_positive(values.iter().copied());
        (metric.has_zero() && count > 0).then(|| {
            format!(
                "The {} is not above 0 in {count} of {} runs: its change is a plain difference, not a factor.",
                metric.words(),
                values.len()
            )
        })
    }

    /// What each axis does to each of the metrics. The two-level loss is told by its excess over Bayes, and whatever the table of effects
    /// holds with that table's verdict; the others are corrected among themselves.
    fn effects_told(&self, metrics: &[&'static Metric]) -> Vec<String> {
        let excess =
            Metric::named("two_level_excess").filter(|m| self.table.rows.iter().any(|r| r.get(m.name).is_some()));
        let of = |metric: &&'static Metric| if metric.name == "two_level" { excess.unwrap_or(metric) } else { *metric };
        let metrics: Vec<&'static Metric> = metrics.iter().map(of).collect();
        let is_main = |metric: &Metric| EFFECTS.contains(&metric.name);
        let others: Vec<&'static Metric> = metrics.iter().filter(|m| !is_main(m)).copied().collect();
        let others = effects(&self.table, &others);
        let mut told = Vec::new();
        for metric in metrics {
            let from = if is_main(metric) { &self.effects } else { &others };
            let of_it: Vec<&Effect> = from.iter().filter(|e| e.metric.name == metric.name).collect();
            if !of_it.is_empty() {
                told.extend(self.not_positive(metric));
            }
            told.extend(of_it.into_iter().map(|effect| self.effect(effect)));
        }
        told
    }

    fn effect(&self, effect: &Effect) -> String {
        let what = effect.metric.words();
        let [from, to] = [&effect.low, &effect.high].map(chart::named);
        let along = format!("{} from {from} to {to}", chart::symbol(&self.table.axes[effect.axis].field));
        let unit = match effect.change {
            Change::Ratio => String::new(),
            Change::Difference => Some(effect.metric.unit.text(self.word()))
                .filter(|u| !u.is_empty())
                .map_or_else(String::new, |u| format!(" {u}")),
        };
        let size = format!("{}{unit}", effect.told());
        let (seeds, all) = (effect.over.seeds, effect.at.len());
        let over = if all > 1 { format!(", mean over {all} settings of the others") } else { String::new() };
        let mut text = match effect.verdict() {
            Verdict::None => {
                let seeds = if seeds == 1 { "one seed".into() } else { format!("{seeds} seeds") };
                return format!("{along} changes the {what} by {size} ({seeds}, too few for an interval{over}).");
            }
            Verdict::Falls => format!("{along} lowers the {what}: {size} (95% over {seeds} seeds{over})."),
            Verdict::Rises => {
                format!("{along} does not lower the {what}; it raises it: {size} (95% over {seeds} seeds{over}).")
            }
            Verdict::Undecided => {
                let alone = match effect.over.interval() {
                    Some((low, high)) if low > 0.0 || high < 0.0 => {
                        " The interval by itself leaves out no change, but not after the correction."
                    }
                    _ => "",
                };
                format!(
                    "{along} makes no difference to the {what} beyond chance: {size} (95% over {seeds} seeds{over}).{alone}"
                )
            }
        };
        if all > 1 {
            text.push_str(&self.in_settings(effect));
        }
        text
    }

    /// In which settings of the other axes the effect is there, corrected for their number.
    fn in_settings(&self, effect: &Effect) -> String {
        let corrected = holm(&effect.at.iter().map(|(_, over)| over.p).collect::<Vec<_>>());
        let names =
            || self.table.axes.iter().enumerate().filter(|(i, _)| *i != effect.axis).map(|(_, a)| a.field.as_str());
        let (mut falls, mut rises, mut even) = (0, Vec::new(), Vec::new());
        for ((setting, over), p) in effect.at.iter().zip(corrected) {
            let setting = || chart::setting(names().zip(setting));
            match Verdict::of(over, p) {
                Verdict::Falls => falls += 1,
                Verdict::Rises => rises.push(setting()),
                Verdict::Undecided | Verdict::None => even.push(setting()),
            }
        }
        let all = effect.at.len();
        let list = |settings: &[String]| {
            let more = settings.len().saturating_sub(LISTED);
            let named = settings.iter().take(LISTED).map(|s| format!("({s})")).collect::<Vec<_>>().join(", ");
            if more > 0 { format!("{named} and {more} more") } else { named }
        };
        let mut text = match falls {
            0 => format!(" In none of {all} settings of the others by itself does it fall beyond chance."),
            n if n == all => format!(" It falls in all {all} settings of the others."),
            n => format!(" By itself it falls beyond chance in {n} of {all} settings of the others."),
        };
        if !rises.is_empty() {
            text.push_str(&format!(" It rises at {}.", list(&rises)));
        }
        if !even.is_empty() && even.len() < all {
            text.push_str(&format!(" No difference beyond chance at {}.", list(&even)));
        }
        text
    }

    fn fits(&self) -> Section {
        let axes: Vec<(String, usize)> = self
            .table
            .axes
            .iter()
            .enumerate()
            .filter(|(_, a)| SIZES.contains(&a.field.as_str()) && a.values.len() > 1)
            .map(|(i, a)| (a.field.clone(), i))
            .collect();
        let mut rows = Vec::new();
        for (name, term, rates) in TERMS {
            let Some(found) = fit(&self.table, name, &axes) else { continue };
            // A sum of two rates is no power law.
            let rate = if let [rate] = rates { fit(&self.table, rate, &axes) } else { None };
            let terms = [rate, fit(&self.table, term, &axes)];
            for exponent in &found.exponents {
                let [held, measured] = terms.each_ref().map(|fit| {
                    let same = fit.as_ref()?.exponents.iter().find(|e| e.field == exponent.field)?;
                    Some(same.over)
                });
                let with = |e: &Estimate| match e.half_width {
                    Some(half) => format!("{} ± {}", number::fixed(e.mean, 2), number::fixed(half, 2)),
                    None => number::fixed(e.mean, 2),
                };
                rows.push(vec![
                    Metric::named(name).map_or_else(String::new, |m| m.title.into()),
                    chart::symbol(&exponent.field).into(),
                    with(&exponent.over),
                    held.map_or_else(|| "–".into(), |e| number::fixed(e.mean, 2)),
                    measured.as_ref().map_or_else(|| "–".into(), with),
                    exponent.over.seeds.to_string(),
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
            "the bound's rate, no KL",
            "the bound's term, measured",
            "seeds",
            "settings used",
            "left out",
            "R²",
        ];
        let mut paragraphs = vec![
            "Power laws, value = c · x^(−e), fitted jointly along all of these axes by least squares in logarithms, once for each seed; the intervals are Student's t at 95% over the seeds' exponents. A setting whose value is not above 0 in some seed has no logarithm there and is left out in all, which makes the fitted power law too flat where they are many.".into(),
        ];
        paragraphs.extend(self.too_few());
        paragraphs.extend(self.one_scale());
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

    /// At which s the KLs are taken.
    fn one_scale(&self) -> Option<String> {
        Some(format!(
            "All KLs here are taken at one s = {}, the median of those that the runs chose; each run chose the largest s of a grid that costs at most {} nats, whatever its gaps are. The grid has steps, and a step would reorder the settings.",
            number::short(self.scale?),
            number::short(self.sweep.base.bound.rise)
        ))
    }

    /// Kendall's τ over the settings of each seed, between what two functions read off a run.
    fn tau(&self, x: impl Fn(&Run) -> Option<f64>, y: impl Fn(&Run) -> Option<f64>) -> Vec<(Value, f64)> {
        let of = |(seed, runs): (Value, Vec<&Run>)| {
            let pairs: Vec<(f64, f64)> = runs.iter().filter_map(|run| Some((x(run)?, y(run)?))).collect();
            Some((seed, kendall(&pairs)?.tau))
        };
        by_seed::grouped(&self.table).into_iter().filter_map(of).collect()
    }

    fn ranks(&self) -> Section {
        let (mut rows, mut panels, mut orders) = (Vec::new(), Vec::new(), Vec::new());
        for (gap, term, rates) in TERMS {
            let (Some(x), Some(y)) = (Metric::named(term), Metric::named(gap)) else { continue };
            let value = |run: &Run, name: &str| run.metrics.get(name).map(|m| m.value);
            let rate = |run: &Run| rates.iter().map(|name| value(run, name)).sum::<Option<f64>>();
            let over = |taus: Vec<(Value, f64)>| Estimate::over(&taus.into_iter().map(|(_, t)| t).collect::<Vec<_>>());
            let with = over(self.tau(|run| value(run, term), |run| value(run, gap)));
            let without = over(self.tau(rate, |run| value(run, gap)));
            let (Some(with), Some(without)) = (with, without) else { continue };
            let found: Vec<Order> = by_seed::grouped(&self.table)
                .into_iter()
                .map(|(_, runs)| {
                    let of = |run: &Run| Some((value(run, term)?, rate(run)?, value(run, gap)?));
                    Order::of(&runs.into_iter().filter_map(of).collect::<Vec<_>>())
                })
                .collect();
            let of_pairs = |f: fn(&Order) -> Option<f64>| {
                let values: Vec<f64> = found.iter().filter_map(f).collect();
                Estimate::over(&values)
            };
            let (same, different) = (of_pairs(|order| order.same), of_pairs(|order| order.different));
            let settings = self.table.rows.iter().filter(|r| r.get(term).is_some() && r.get(gap).is_some()).count();
            let told = |over: &Option<Estimate>| over.as_ref().map_or_else(|| "–".into(), tau_told);
            rows.push(vec![
                short_name(x),
                y.title.into(),
                tau_told(&with),
                tau_told(&without),
                told(&same),
                told(&different),
                with.seeds.to_string(),
                settings.to_string(),
            ]);
            orders.push((short_name(x), same, different));
            panels.extend(self.term_against_gap(x, y));
        }
        if rows.is_empty() {
            return Section::default();
        }
        let p = orders.iter().flat_map(|(_, same, different)| [same, different].map(|e| e.as_ref().and_then(|e| e.p)));
        let corrected = holm(&p.collect::<Vec<_>>());
        let head = [
            "part of the bound",
            "what it speaks of",
            "Kendall's τ, 95%",
            "τ of the rate alone",
            "order within equal rates",
            "order across rates, less the rate's own",
            "seeds",
            "settings",
        ]
        .map(String::from);
        let mut paragraphs = vec![format!(
            "Kendall's τ is 1 where both order all settings alike, −1 where they order them in opposite ways. It is taken over the settings of each seed, and the interval is Student's t at 95% over seeds. The bound is known up to constants only, so that its order is what can be tested. Beside each term stands its rate alone, 1/√((K−K′)·T_p) or 1/√(K·(N−N′)·T), which needs no training at all (for the sum: both rates added). Settings with the same rate are ties, which τ leaves out. So what the KL adds is told on two kinds of pairs of settings, each as the share of pairs in the right order less that in the wrong one: pairs of the same rate, and pairs that the rate orders, there less what the rate itself has. The {} verdicts are corrected together (Holm).",
            corrected.iter().flatten().count()
        )];
        paragraphs.extend(self.one_scale());
        paragraphs.extend(self.too_few());
        let verdict = |over: &Option<Estimate>, p: Option<f64>| over.as_ref().map(|over| Verdict::of(over, p));
        for ((name, same, different), p) in orders.iter().zip(corrected.chunks(2)) {
            let same = verdict(same, p[0]).map(|verdict| match verdict {
                Verdict::Rises => "orders pairs of the same rate as the gap does",
                Verdict::Falls => "orders pairs of the same rate against the gap",
                Verdict::Undecided => "adds no order beyond chance among pairs of the same rate",
                Verdict::None => "cannot be judged on pairs of the same rate from so few seeds",
            });
            let different = verdict(different, p[1]).map(|verdict| match verdict {
                Verdict::Rises => "mends the order of pairs that the rate orders",
                Verdict::Falls => "spoils the order of pairs that the rate orders",
                Verdict::Undecided => "changes nothing beyond chance on pairs that the rate orders",
                Verdict::None => "cannot be judged on pairs that the rate orders from so few seeds",
            });
            let parts: Vec<&str> = same.into_iter().chain(different).collect();
            paragraphs.push(format!("The KL in the {name} {}.", parts.join(", and ")));
        }
        let title = "Does the bound order the settings as the gaps do?";
        Section {
            title: title.into(),
            paragraphs,
            pictures: vec![picture("bound-and-gaps", title, panels, "")],
            table: Some(Grid { head: head.into(), rows }),
        }
    }

    /// A point for each setting: a part of the bound, and what it speaks of.
    fn term_against_gap(&self, x: &Metric, y: &Metric) -> Option<chart::Panel> {
        let both: Vec<(Summary, Summary, &Row)> =
            self.table.rows.iter().filter_map(|row| Some((row.get(x.name)?, row.get(y.name)?, row))).collect();
        let (low, high) = range(both.iter().map(|(a, ..)| a.mean));
        if !(low <= high) {
            return None;
        }
        let scale = chart::scale(low, high);
        let at = |(a, b, row): &(Summary, Summary, &Row)| {
            let title = format!("{}; {}", self.told(x, a), self.mark_title(y, row, b));
            point(scale.share(a.mean), b, title, key(row))
        };
        let points = both.iter().map(at).collect();
        let (low, high) = range(both.iter().map(|(_, b, _)| b.mean));
        let lines = Lines {
            title: format!("{} against {}", short_name(y), short_name(x)),
            x: Place::of_values(format!("{}, up to constants", short_name(x)), &scale),
            y: value_name(y, self.word()),
            series: vec![Series { joined: false, ..series(String::new(), paint(y), "", points) }],
            log: low > 0.0 && high > 6.0 * low,
            like: None,
            marks: Vec::new(),
            shrink: 0.66,
        };
        Some(lines.draw())
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
        paragraphs.extend(self.too_few());
        paragraphs.extend(self.speed_told(x));
        for name in ["two_level", "topic_gap", "sequence_gap"] {
            let Some(metric) = Metric::named(name) else { continue };
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

    /// Whether faster runs end with less of each metric, seed by seed, and whether they were trained as far.
    fn speed_told(&self, speed: &Metric) -> Vec<String> {
        let value = |run: &Run, name: &str| run.metrics.get(name).map(|m| m.value);
        let names = ["two_level", "topic_gap", "sequence_gap", "empirical"];
        let found: Vec<(&str, Estimate)> = names
            .iter()
            .filter_map(|name| {
                let taus = self.tau(|run| value(run, speed.name), |run| value(run, name));
                Some((*name, Estimate::over(&taus.into_iter().map(|(_, tau)| tau).collect::<Vec<_>>())?))
            })
            .collect();
        let corrected = holm(&found.iter().map(|(_, over)| over.p).collect::<Vec<_>>());
        let mut told = Vec::new();
        for ((name, over), p) in found.iter().zip(&corrected) {
            let Some(metric) = Metric::named(name) else { continue };
            let direction = match Verdict::of(over, *p) {
                Verdict::Rises => "Runs that train faster end with the lower",
                Verdict::Falls => "Runs that train faster end with the higher",
                Verdict::Undecided => "No order beyond chance between training speed and",
                Verdict::None => "Too few seeds for a verdict on training speed and",
            };
            let p = p.map_or_else(String::new, |p| {
                format!(", p {} after Holm's correction over these {}", probability(p), found.len())
            });
            told.push(format!(
                "{direction} {} (Kendall's τ over the settings of a seed: {}, {} seeds{p}).",
                metric.words(),
                tau_told(over),
                over.seeds
            ));
        }
        if !told.is_empty() {
            told.push("All of these runs stop after the same number of steps, so that a slower one is also trained less far: what orders the ends here may be that, and no more. Whether speed matters among runs with the same empirical loss is not shown.".into());
        }
        told
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
        let table = self.against_least(axis);
        if let Some((sentences, _)) = &table {
            paragraphs.extend(sentences.clone());
            paragraphs.extend(self.too_few());
            paragraphs.extend(self.one_scale());
        }
        Section { title, paragraphs, pictures, table: table.map(|(_, table)| table) }
    }

    /// Each value of the first axis against its least one: what it takes to reach the level, and the KLs to the priors.
    fn against_least(&self, axis: &Axis) -> Option<(Vec<String>, Grid)> {
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
                chart::named(&effect.high),
                effect.told(),
                effect.over.seeds.to_string(),
                effect.corrected.map_or_else(|| "–".into(), probability),
                effect.verdict().words().into(),
            ]
        };
        let rows: Vec<Vec<String>> = found.iter().map(row).collect();
        let symbol = chart::symbol(&axis.field);
        let head = ["what", symbol, "against the least, 95%", "seeds", "p, corrected", "verdict"].map(String::from);
        let sentence = format!(
            "Each value of {symbol} against {}, seed by seed (× is a factor), with Student's t at 95% over seeds; the p-values are corrected for the {} verdicts of this table (Holm).",
            chart::named(least),
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
        (!rows.is_empty()).then(|| (sentences, Grid { head: head.into(), rows }))
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

/// With an error bar of [`Summary::margin`].
fn point(x: f64, s: &Summary, title: String, key: String) -> Point {
    Point { x, y: s.mean, low: s.mean - s.margin(), high: s.mean + s.margin(), title, key }
}

/// `0.83 [0.71, 0.95]`.
fn tau_told(over: &Estimate) -> String {
    let two = |x: f64| number::fixed(x, 2);
    match over.interval() {
        Some((low, high)) if low == high => format!("{} in every seed", two(over.mean)),
        Some((low, high)) => format!("{} [{}, {}]", two(over.mean), two(low), two(high)),
        None => two(over.mean),
    }
}

/// How a term of the bound orders pairs of one seed's settings, beside its rate alone: the share of pairs in the right order less that in the
/// wrong one. `None` where there is no such pair.
struct Order {
    /// Of pairs with the same rate: there only the KL can order.
    same: Option<f64>,
    /// Of pairs that the rate orders, less what the rate itself has there.
    different: Option<f64>,
}

impl Order {
    /// Of triples (term, rate, gap).
    fn of(settings: &[(f64, f64, f64)]) -> Self {
        let sign = |a: f64, b: f64| if (a - b).abs() <= 1e-9 * a.abs().max(b.abs()) { 0.0 } else { (a - b).signum() };
        let (mut same, mut different) = (Vec::new(), Vec::new());
        for (i, a) in settings.iter().enumerate() {
            for b in &settings[..i] {
                let (term, rate, gap) = (sign(a.0, b.0), sign(a.1, b.1), sign(a.2, b.2));
                if rate == 0.0 { same.push(term * gap) } else { different.push((term - rate) * gap) }
            }
        }
        let mean = |values: &[f64]| (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
        Self { same: mean(&same), different: mean(&different) }
    }
}

fn key(row: &Row) -> String {
    row.runs.first().map_or_else(String::new, |run| run.key.clone())
}

/// The colours that the page gives to the same things.
fn paint(metric: &Metric) -> Paint {
    match metric.name {
        "topic_gap" => chart::TOPIC,
        "sequence_gap" => chart::SEQUENCE,
        _ => chart::MODEL,
    }
}

/// At a line's end.
fn short_name(metric: &Metric) -> String {
    let title = metric.words();
    let cut = title.find(" L").or_else(|| title.find(" of the bound")).unwrap_or(title.len());
    match metric.name {
        "bound" | "bound_one_scale" => "bound's sum".into(),
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
fn probability(p: f64) -> String {
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
                // The same KLs of 200 and 50 everywhere, at an s of .1.
                ("topic_rate", 1.0 / k.sqrt(), 0.0),
                ("sequence_rate", 1.0 / (k * n).sqrt(), 0.0),
                ("topic_term", 203.0 / k.sqrt(), 0.0),
                ("sequence_term", 53.0 / (k * n).sqrt(), 0.0),
                ("confidence_term", (3.0 / (k * n)).sqrt(), 0.0),
                ("bound", 203.0 / k.sqrt() + (53.0 + 3f64.sqrt()) / (k * n).sqrt(), 0.0),
                ("distance_topic", 4.0, 0.0),
                ("distance_data", 1.0, 0.0),
                ("scale", 0.1, 0.0),
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
        let sweep = sweep("data.topics=4,16,64; data.sequences=2,8; seed=1..5");
        let runs = runs(&sweep);
        let told = report(&sweep, &[View::Losses], None, &runs);
        let text = text(&told);
        assert!(text.contains("K from 4 to 64 lowers the two-level loss above Bayes: × 0."), "{text}");
        assert!(text.contains("(95% over 5 seeds, mean over 2 settings of the others)"), "{text}");
        assert!(text.contains("It falls in all 2 settings of the others."), "{text}");
        // Nothing changes with N where K is 16 or 64.
        assert!(text.contains("N from 2 to 8 lowers the two-level loss above Bayes: × 0.88 ["), "{text}");
        assert!(text.contains("By itself it falls beyond chance in 1 of 3 settings of the others."), "{text}");
        assert!(text.contains("No difference beyond chance at (K = 16), (K = 64)."), "{text}");
        assert!(text.contains("corrected for the 6 verdicts of this table (Holm)"), "{text}");
        let table = told.sections[1].table.as_ref().unwrap();
        assert_eq!((table.rows.len(), table.rows[0][5].as_str()), (6, "falls"), "{table:?}");
        // Seeds are paired: their common noise is far larger than what N does at K = 4.
        let svg = &told.sections[2].pictures[0].svg;
        assert!(svg.contains("data-cell=\"data.topics=4 data.sequences=2 seed=1\""), "{svg}");
        assert!(svg.contains("mean of 5 runs; K = 4, N = 2</title>") && svg.contains("bars: 95% over seeds"), "{svg}");
    }

    #[test]
    fn few_seeds_and_negative_gaps_are_said() {
        for (grid, few) in [
            ("data.topics=4,16,64; seed=1..2", "There are 2 seeds only"),
            ("data.topics=4,16,64", "There is one seed only"),
        ] {
            let sweep = sweep(grid);
            let told = report(&sweep, &[View::Gaps, View::Fits, View::Ranks, View::Speed], None, &runs(&sweep));
            let words = text(&told);
            assert!(words.contains(few) && words.contains("too few for an interval"), "{words}");
            assert!(!words.contains("(95% over") && !words.contains("beyond chance"), "{words}");
            let table = told.sections[1].table.as_ref().unwrap();
            assert!(table.rows.iter().all(|row| row[5] == "too few seeds" && !row[2].contains('[')), "{table:?}");
        }
        let sweep = sweep("data.topics=4,16,64; seed=1..3");
        let mut runs = runs(&sweep);
        runs[8].metrics.set("topic_gap", Some(Measured { value: -0.001, stderr: 0.01 }));
        let words = text(&report(&sweep, &[View::Gaps], None, &runs));
        assert!(
            words.contains("The topic gap is not above 0 in 1 of 9 runs: its change is a plain difference"),
            "{words}"
        );
        assert!(words.contains("K from 4 to 64 lowers the topic gap: −0.1"), "{words}");
    }

    /// The runs with more topics go further from their prior: their terms rise while the gaps fall, and the rate alone would have it right.
    #[test]
    fn a_kl_that_orders_worse_than_its_rate_is_told() {
        let sweep = sweep("data.topics=4,16,64; seed=1..8");
        let mut runs = runs(&sweep);
        for run in &mut runs {
            let k = run.coordinates[0].as_f64().unwrap();
            run.metrics.set("distance_topic", Some(Measured { value: k * k, stderr: 0.0 }));
        }
        let told = report(&sweep, &[View::Ranks], None, &runs);
        let words = text(&told);
        assert!(words.contains("The KL in the topic term spoils the order of pairs that the rate orders."), "{words}");
        assert!(words.contains("The KL in the sequence term changes nothing beyond chance on pairs that"), "{words}");
        assert!(words.contains("taken at one s = 0.100") && words.contains("The 3 verdicts are"), "{words}");
        let row = &told.sections[1].table.as_ref().unwrap().rows[0];
        let expected = ["−1.00 in every seed", "1.00 in every seed", "–", "−2.00 in every seed"];
        assert_eq!(&row[2..6], &expected, "{row:?}");
    }

    /// With N both the gap and the distance fall, and the topic rate knows nothing of N: τ alone leaves these pairs out.
    #[test]
    fn a_kl_that_orders_what_its_rate_cannot_is_told() {
        let sweep = sweep("data.topics=4,64; data.sequences=2,4,8; seed=1..8");
        let mut runs = runs(&sweep);
        for run in &mut runs {
            let (k, n) = (run.coordinates[0].as_f64().unwrap(), run.coordinates[1].as_f64().unwrap());
            run.metrics.set("distance_topic", Some(Measured { value: 4.0 + 0.1 / n, stderr: 0.0 }));
            run.metrics.set("topic_gap", Some(Measured { value: 1.0 / k + 0.01 / n, stderr: 0.0 }));
        }
        let words = text(&report(&sweep, &[View::Ranks], None, &runs));
        let expected = "The KL in the topic term orders pairs of the same rate as the gap does, and changes nothing beyond chance on pairs that the rate orders.";
        assert!(words.contains(expected), "{words}");
    }

    #[test]
    fn speed_is_not_told_apart_from_under_training() {
        let sweep = sweep("training.learning_rate=0.001,0.003,0.01; seed=1..3");
        let words = text(&report(&sweep, &[View::Speed], None, &runs(&sweep)));
        assert!(
            words.contains("Whether speed matters among runs with the same empirical loss is not shown."),
            "{words}"
        );
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
        assert!(gap[2].starts_with("0.9") && gap[3] == "0.50" && gap[5] == "3" && gap[6] == "3", "{gap:?}");
        let ranks = told.sections[2].table.as_ref().unwrap();
        assert_eq!(ranks.rows[0][2], "1.00 in every seed");
    }
}
