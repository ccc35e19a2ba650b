//! What a finished or partly finished sweep says: sentences, charts and tables, by section, as data.
//!
//! The page draws the blocks with components; the terminal prints them and writes them as HTML ([`charts::report`]). Every mark carries
//! the key of its run (or of the first of its runs), by which the page shows that run's numbers.

mod asked;
mod effects;
mod fits;
mod level;
mod metrics;
mod ranks;
mod speed;
mod steps;

use std::cmp::Ordering;

use charts::{
    line_chart::{Line, LineChart, Point},
    report::{Block, Drawn, Table as TextTable, html},
    style::Ink,
    text::escape,
    theme::Theme,
};
use serde_json::Value;

use super::{
    Metric, Run, Table, Unit,
    by_seed::{self, Effect, Estimate},
    one_scale::at_one_scale,
    rank::kendall,
    table::{Row, Summary},
    words,
};
use crate::{
    experiment::{Sweep, study::View},
    number,
};
use effects::effects;

#[derive(Clone, Debug, Default)]
pub struct Report {
    pub sections: Vec<Section>,
}

/// One view of a sweep.
#[derive(Clone, Debug, Default)]
pub struct Section {
    pub title: String,
    /// Paragraphs, then charts, each row of them with a note on what they do not show by themselves, then a table.
    pub blocks: Vec<Block>,
}

impl Report {
    /// All charts; no two have the same id.
    pub fn charts(&self) -> impl Iterator<Item = &Drawn> {
        self.sections.iter().flat_map(Section::charts)
    }

    /// The whole as HTML, with a heading for each section.
    pub fn html(&self, theme: &Theme) -> String {
        let section =
            |s: &Section| format!("<section><h2>{}</h2>{}</section>", escape(&s.title), html(&s.blocks, theme));
        self.sections.iter().map(section).collect()
    }

    /// Of two charts with one id the later gets a number behind it.
    pub fn new(sections: Vec<Section>) -> Self {
        let mut all = Self { sections };
        let mut known: Vec<String> = Vec::new();
        let blocks = all.sections.iter_mut().flat_map(|section| &mut section.blocks);
        let drawn = blocks.flat_map(|block| if let Block::Charts(drawn) = block { &mut drawn[..] } else { &mut [] });
        for drawn in drawn {
            let same = known.iter().filter(|id| **id == drawn.id).count();
            known.push(drawn.id.clone());
            if same > 0 {
                drawn.id = format!("{}-{}", drawn.id, same + 1);
            }
        }
        all
    }
}

impl Section {
    /// `figures`: charts and the notes on them.
    pub(super) fn new(
        title: impl Into<String>,
        paragraphs: Vec<String>,
        figures: Vec<Block>,
        table: Option<TextTable>,
    ) -> Self {
        let paragraphs = paragraphs.into_iter().map(Block::Paragraph);
        let blocks = paragraphs.chain(figures).chain(table.map(Block::Table)).collect();
        Self { title: title.into(), blocks }
    }

    pub fn paragraphs(&self) -> impl Iterator<Item = &str> {
        self.blocks.iter().filter_map(|block| if let Block::Paragraph(text) = block { Some(&**text) } else { None })
    }

    pub fn charts(&self) -> impl Iterator<Item = &Drawn> {
        self.blocks.iter().flat_map(|block| if let Block::Charts(drawn) = block { &drawn[..] } else { &[] })
    }

    pub fn tables(&self) -> impl Iterator<Item = &TextTable> {
        self.blocks.iter().filter_map(|block| if let Block::Table(table) = block { Some(table) } else { None })
    }
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
    let asked = |field: &str, on: bool| on || axes.contains(&field);
    if asked("evaluation.components", sweep.base.evaluation.components) {
        views.push(View::Components);
    }
    if asked("evaluation.events", sweep.base.evaluation.events) {
        views.push(View::Events);
    }
    if axes.len() <= 1 {
        views.push(View::Steps);
    }
    views
}

/// A part of a report, made by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// How much of the sweep there is.
    Overview,
    /// What each axis does to the losses and gaps.
    Effects,
    View(View),
}

/// The parts of a report with these views, in their order.
pub fn parts(views: &[View]) -> Vec<Part> {
    let effects = views.iter().any(|view| matches!(view, View::Losses | View::Gaps)).then_some(Part::Effects);
    [Part::Overview].into_iter().chain(effects).chain(views.iter().map(|view| Part::View(*view))).collect()
}

/// `level` is the loss that the runs' time to a loss was measured to.
pub fn report(sweep: &Sweep, views: &[View], level: Option<f64>, runs: &[Run]) -> Report {
    let (scale, runs) = at_one_scale(sweep, runs);
    let builder = Builder::new(sweep, level, scale, &runs);
    Report::new(parts(views).into_iter().filter_map(|part| builder.part(part)).collect())
}

/// One section of what [`report`] gives, for whoever must not be kept busy by the whole of it.
pub fn section(sweep: &Sweep, part: Part, level: Option<f64>, runs: &[Run]) -> Option<Section> {
    let (scale, runs) = at_one_scale(sweep, runs);
    Builder::new(sweep, level, scale, &runs).part(part)
}

struct Builder<'a> {
    sweep: &'a Sweep,
    table: Table<'a>,
    runs: Vec<&'a Run>,
    level: Option<f64>,
    /// The one s at which the runs' KLs are taken.
    scale: Option<f64>,
    /// What the table of effects holds.
    effects: Vec<Effect>,
}

impl<'a> Builder<'a> {
    /// `runs` have their KLs at the one `scale`.
    fn new(sweep: &'a Sweep, level: Option<f64>, scale: Option<f64>, runs: &'a [Run]) -> Self {
        let table = Table::new(&sweep.axes, runs);
        let all = table.rows.iter().flat_map(|row| &row.runs).copied().collect();
        let effects = effects(&table, &EFFECTS.iter().filter_map(|name| Metric::named(name)).collect::<Vec<_>>());
        Self { sweep, runs: all, table, level, scale, effects }
    }

    /// `None` where the runs say nothing about it.
    fn part(&self, part: Part) -> Option<Section> {
        match part {
            Part::Overview => Some(self.overview()),
            Part::Effects | Part::View(_) if self.runs.is_empty() => None,
            Part::Effects => self.effect_table(),
            Part::View(view) => self.section(view),
        }
    }

    fn section(&self, view: View) -> Option<Section> {
        let section = match view {
            View::Losses if self.table.axes.len() == 1 => {
                self.metrics("Losses", &["two_level", "first_level", "empirical"])
            }
            View::Losses => self.metrics("Two-level loss", &["two_level"]),
            View::Gaps if self.table.axes.len() == 1 => self.metrics("Gaps", &["topic_gap", "sequence_gap"]),
            View::Gaps => {
                let (mut paragraphs, mut figures) = self.metric_parts("Gaps", &["topic_gap"]);
                let (more, other) = self.metric_parts("Gaps", &["sequence_gap"]);
                paragraphs.extend(more);
                figures.extend(other);
                Section::new("Gaps", paragraphs, figures, None)
            }
            View::Metric(name) => self.metrics(Metric::named(name)?.title, &[name]),
            View::Fits => self.fits(),
            View::Ranks => self.ranks(),
            View::Steps => self.steps(),
            View::Speed => self.speed(),
            View::Level => self.level(),
            View::Spread => self.spread(),
            View::Phases => super::phases::section(&self.table),
            View::Components => self.components(),
            View::Events => self.events(),
        };
        (!section.blocks.is_empty()).then_some(section)
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
            let symbol = words::symbol(held);
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
        Section::new("The sweep", paragraphs, Vec::new(), None)
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
            parts.push(format!("K·N·T = {} throughout: {} follows", number::fixed(tokens, 0), words::symbol(held)));
        }
        let further = self.table.axes.iter().skip(3).filter_map(|a| Some((a.field.as_str(), a.values.first()?)));
        let further = words::setting(further);
        if !further.is_empty() {
            parts.push(format!("shown at {further}"));
        }
        parts.push(self.bars());
        parts.join(" · ")
    }

    /// What the bars of a picture are.
    fn bars(&self) -> String {
        match self.table.rows.iter().map(|row| row.runs.len()).max().unwrap_or(0) {
            0 | 1 => "bars: one standard error of the run's evaluation".into(),
            n if n < by_seed::FEWEST_SEEDS => format!("mean of up to {n} seeds, too few for bars"),
            n => format!("mean of up to {n} seeds; bars: 95% over seeds (Student's t)"),
        }
    }

    /// `0.031 ± 0.002 nats per token, mean of 3 runs`; the error is that of [`Summary::margin`].
    fn value(&self, metric: &Metric, s: &Summary) -> String {
        let unit = metric.unit.text(self.word());
        let runs = if s.runs == 1 { "one run".into() } else { format!("mean of {} runs", s.runs) };
        let space = if unit.is_empty() { "" } else { " " };
        format!("{}{space}{unit}, {runs}", s.text())
    }

    /// With an error bar of [`Summary::margin`].
    fn point(&self, x: f64, metric: &Metric, s: &Summary, row: &Row) -> Point {
        Point::within(x, s.mean, s.mean - s.margin(), s.mean + s.margin())
            .value(self.value(metric, s))
            .how(self.setting(row))
            .key(key(row))
    }

    fn setting(&self, row: &Row) -> String {
        words::setting(self.table.axes.iter().map(|a| a.field.as_str()).zip(&row.coordinates))
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
}

/// Charts in a row, and what they do not show by themselves (may be empty).
fn figures(drawn: Vec<Drawn>, note: String) -> Vec<Block> {
    let note = (!note.is_empty()).then_some(Block::Note(note));
    if drawn.is_empty() { Vec::new() } else { [Block::Charts(drawn)].into_iter().chain(note).collect() }
}

/// `0.83 [0.71, 0.95]`.
fn tau_text(over: &Estimate) -> String {
    let two = |x: f64| number::fixed(x, 2);
    match over.interval() {
        Some((low, high)) if low == high => format!("{} in every seed", two(over.mean)),
        Some((low, high)) => format!("{} [{}, {}]", two(over.mean), two(low), two(high)),
        None => two(over.mean),
    }
}

/// Of the first of a row's runs.
pub(super) fn key(row: &Row) -> String {
    row.runs.first().map_or_else(String::new, |run| run.key.clone())
}

/// The colours that the page gives to the same things.
fn ink(metric: &Metric) -> Ink {
    match metric.name {
        "topic_gap" => Ink::Topic,
        "sequence_gap" => Ink::Sequence,
        _ => Ink::Model,
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

/// The least and the largest of the values that are finite.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let finite = values.filter(|v| v.is_finite());
    finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
}

/// Whether a linear axis would crowd most of what there is into one end.
fn is_wide((low, high): (f64, f64)) -> bool {
    low > 0.0 && high > 6.0 * low
}

/// The values of all points of some lines.
fn values(lines: &[Line]) -> impl Iterator<Item = f64> {
    lines.iter().flat_map(|line| &line.points).map(|point| point.y)
}

/// Panels side by side with the vertical scale that fits all of them.
fn like_each_other(charts: &mut [LineChart]) {
    let [first, _, ..] = &charts else { return };
    let lines: Vec<Line> = charts.iter().flat_map(|chart| chart.lines.clone()).collect();
    let log = charts.iter().any(|chart| chart.log) && is_wide(range(values(&lines)));
    let scale = LineChart { lines, log, ..first.clone() }.y_scale();
    charts.iter_mut().for_each(|chart| chart.like = Some(scale));
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
mod tests;
