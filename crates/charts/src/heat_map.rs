//! A value for each pair of places: one colour each, and where there is room the number itself.

use serde::{Deserialize, Serialize};

use crate::{
    chart::{Axis, Chart, Readout, ReadoutLine, View, cell},
    clip::Window,
    colour::Rgb,
    frame::{self, FOOT, LABEL, TICK},
    line_chart::quoted,
    number,
    scene::{Anchor, Dash, Label, Mark, Pixel, Scene, Stroke, fit, text_width},
    style::Ink,
    theme::Theme,
};

/// A map of [rows, columns] values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeatMap {
    /// What is shown: the heading.
    pub title: String,
    /// The columns.
    pub x: CellAxis,
    /// The rows.
    pub y: CellAxis,
    /// [rows, columns] row-major; NaN where there is nothing.
    pub values: Vec<f64>,
    /// Row 0 is the lowest.
    pub upwards: bool,
    /// How a value becomes a colour.
    pub colours: Colours,
    /// What a colour stands for, with unit: the legend's name.
    pub name: String,
    /// Behind a number in a read-out; may be empty.
    pub unit: String,
    /// Numbers are written into the cells that have room for them.
    pub numbers: bool,
    /// Of each cell, or empty.
    pub notes: Vec<Note>,
    /// The cells are squares.
    pub square: bool,
    /// Dashed lines through the middle of this column and of this row.
    pub crossed: (Option<usize>, Option<usize>),
    /// No legend and no axes: one of many small maps.
    pub small: bool,
    /// What a cell is about, in one sentence: read by screen readers with the title.
    pub about: String,
    /// In place of an empty plot: what will be here and what starts it.
    pub empty: String,
}

/// The columns or the rows of a map.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CellAxis {
    /// With unit.
    pub name: String,
    /// What each column or row is called in a read-out: `Step 120`.
    pub names: Vec<String>,
    /// (share of the axis, text); without any, the names stand at the middles of their cells.
    pub ticks: Vec<(f64, String)>,
}

/// How a value becomes a colour.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Colours {
    /// The value that has the colour of little.
    pub low: f64,
    /// The value that has the colour of much.
    pub high: f64,
    /// What the colour is linear in between the two.
    pub follow: Follow,
}

/// What of a value its colour is linear in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Follow {
    /// The value itself.
    Value,
    /// The value's logarithm.
    Logarithm,
    /// The value's square root.
    SquareRoot,
}

/// What more is known of a cell.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// The value in words, in place of the number; may be empty.
    pub value: String,
    /// How the value was obtained; may be empty.
    pub how: String,
    /// What pressing the cell chooses; may be empty.
    pub key: String,
    /// Written under the number: the half width of its interval or its standard error; 0 for none.
    pub error: f64,
}

impl Colours {
    /// The share of the ramp, 0 to 1. A value outside of the range has the colour of the range's end. `None` for what is not finite.
    pub fn share(&self, value: f64) -> Option<f64> {
        let (low, high) = (self.low, self.high);
        let share = match self.follow {
            _ if !value.is_finite() => return None,
            Follow::Logarithm => (value.max(low) / low).ln() / (high / low).ln(),
            Follow::SquareRoot => ((value - low) / (high - low)).max(0.0).sqrt(),
            Follow::Value => (value - low) / (high - low),
        };
        // Where all values are the same there is no scale: all have the middle colour.
        Some(if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.5 })
    }

    fn word(&self) -> &'static str {
        match self.follow {
            Follow::Value => "",
            Follow::Logarithm => " (log colours)",
            Follow::SquareRoot => " (square-root colours)",
        }
    }
}

/// In a cell with a key whose value is no number.
const NOT_FINITE: &str = "not finite";

/// Black or white, whichever reads better on a colour.
fn ink_on(ground: Rgb) -> Rgb {
    let (ink, paper) = (Rgb(0, 0, 0), Rgb(255, 255, 255));
    if ground.contrast(ink) >= ground.contrast(paper) { ink } else { paper }
}

/// `± 0.0021`, with as many digits as belong to the value; empty without an error.
fn error_text(value: f64, error: f64) -> String {
    let text = number::with_error(value, error);
    text.split_once('±').map_or_else(String::new, |(_, error)| format!("± {}", error.trim()))
}

struct Layout {
    window: Window,
    rows: usize,
    columns: usize,
}

const LEGEND: f64 = 28.0;
const STEPS: usize = 24;

impl HeatMap {
    fn columns(&self) -> usize {
        self.x.names.len()
    }

    fn rows(&self) -> usize {
        self.values.len().checked_div(self.columns()).unwrap_or(0)
    }

    fn layout(&self, view: &View) -> Layout {
        let (rows, columns) = (self.rows(), self.columns());
        let widest = self.ticks(&self.y, rows).iter().map(|t| text_width(&t.1, TICK)).fold(0.0, f64::max);
        let (left, top, right, bottom) = if self.small {
            (2.0, 18.0, view.width - 2.0, view.height - 2.0)
        } else {
            let left = (widest + 12.0).min(0.4 * view.width);
            (left, frame::head(view), view.width - 14.0, view.height - FOOT - LEGEND)
        };
        let (mut right, mut bottom) = (right.max(left + 10.0), bottom.max(top + 10.0));
        if self.square {
            let side = (right - left).min(bottom - top);
            (right, bottom) = (left + side, top + side);
        }
        Layout { window: Window { left, top, right, bottom }, rows, columns }
    }

    fn ticks(&self, axis: &CellAxis, count: usize) -> Vec<(f64, String)> {
        if !axis.ticks.is_empty() {
            return axis.ticks.clone();
        }
        axis.names.iter().enumerate().map(|(i, name)| ((i as f64 + 0.5) / count.max(1) as f64, name.clone())).collect()
    }

    /// The rectangle of a cell.
    fn cell(&self, layout: &Layout, row: usize, column: usize) -> ((f64, f64), (f64, f64)) {
        let Window { left, top, right, bottom } = layout.window;
        let (wide, high) = ((right - left) / layout.columns as f64, (bottom - top) / layout.rows as f64);
        let row = if self.upwards { layout.rows - 1 - row } else { row };
        let corner = (left + wide * column as f64, top + high * row as f64);
        (corner, (corner.0 + wide, corner.1 + high))
    }

    fn colour(&self, theme: &Theme, value: f64) -> Option<Rgb> {
        self.colours.share(value).map(|share| Ink::Ramp(share).hue(theme).line)
    }

    /// (row, column) at a place; `None` outside of the map.
    pub fn cell_at(&self, view: &View, x: f64, y: f64) -> Option<(usize, usize)> {
        let layout = self.layout(view);
        let Window { left, top, right, bottom } = layout.window;
        let at = |v: f64, from: f64, to: f64, count: usize| {
            let share = (v - from) / (to - from);
            (-0.02..=1.02).contains(&share).then(|| ((share * count as f64).max(0.0) as usize).min(count - 1))
        };
        if layout.rows == 0 {
            return None;
        }
        let row = at(y, top, bottom, layout.rows)?;
        let column = at(x, left, right, layout.columns)?;
        Some((if self.upwards { layout.rows - 1 - row } else { row }, column))
    }

    /// The row and the column of a cursor.
    pub fn place(&self, cursor: f64) -> Option<(usize, usize)> {
        let index = (cursor.is_finite() && cursor >= 0.0).then_some(cursor.round() as usize)?;
        (index < self.values.len()).then(|| (index / self.columns(), index % self.columns()))
    }

    fn said(&self, index: usize) -> String {
        let note = self.notes.get(index).map_or("", |n| n.value.as_str());
        let value = self.values[index];
        match (note, value.is_finite()) {
            ("", true) if self.unit.is_empty() => number::precise(value),
            ("", true) => format!("{} {}", number::precise(value), self.unit),
            ("", false) => "no value".into(),
            (note, _) => note.into(),
        }
    }

    fn is_empty(&self) -> bool {
        self.values.iter().all(|v| !v.is_finite())
    }

    fn legend(&self, marks: &mut Vec<Mark>, view: &View, layout: &Layout) {
        let theme = &view.theme;
        let y = layout.window.bottom + FOOT + 12.0;
        let below = self.values.iter().any(|v| *v < self.colours.low);
        let above = self.values.iter().any(|v| v.is_finite() && *v > self.colours.high);
        let low = format!("{}{}", number::short(self.colours.low), if below { " and less" } else { "" });
        let high = format!("{}{}", number::short(self.colours.high), if above { " and more" } else { "" });
        let x = layout.window.left.min(46.0);
        marks.push(frame::words(x, y, &low, TICK, theme.muted, Anchor::Start));
        let start = x + text_width(&low, TICK) + 6.0;
        for step in 0..STEPS {
            let from = start + 4.0 * step as f64;
            let colour = Ink::Ramp(step as f64 / (STEPS - 1) as f64).hue(theme).line;
            marks.push(Mark::Box { from: (from, y - 5.0), to: (from + 4.4, y + 5.0), colour, alpha: 1.0 });
        }
        let end = start + 4.0 * STEPS as f64 + 6.0;
        let gaps = if self.values.iter().any(|v| v.is_infinite()) { "; empty: not finite" } else { "" };
        let text = format!("{high}  {}{}{gaps}", self.name, self.colours.word());
        let text = fit(&text, TICK, (view.width - end - 4.0).max(20.0));
        marks.push(frame::words(end, y, &text, TICK, theme.muted, Anchor::Start));
    }

    fn axes(&self, marks: &mut Vec<Mark>, view: &View, layout: &Layout) {
        let theme = &view.theme;
        let Window { left, top, right, bottom } = layout.window;
        let mut last = f64::INFINITY;
        let mut ticks = self.ticks(&self.y, layout.rows);
        ticks.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (share, text) in ticks {
            let share = if self.upwards { 1.0 - share } else { share };
            let y = top + share * (bottom - top);
            if (y - last).abs() < TICK {
                continue;
            }
            last = y;
            let text = fit(&text, TICK, (left - 8.0).max(10.0));
            marks.push(frame::words(left - 6.0, y, &text, TICK, theme.muted, Anchor::End));
        }
        let mut reached = f64::NEG_INFINITY;
        let mut ticks = self.ticks(&self.x, layout.columns);
        ticks.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (share, text) in ticks {
            let x = left + share * (right - left);
            let half = text_width(&text, TICK) / 2.0;
            let middle = x.min(view.width - half - 1.0).max(half + 1.0);
            // A tick that would stand on the one before is left out.
            if middle - half < reached + 4.0 {
                continue;
            }
            reached = middle + half;
            let stroke = Stroke::new(theme.axis, 1.0);
            marks.push(Mark::Line { points: vec![(x, bottom), (x, bottom + 4.0)], stroke });
            marks.push(frame::words(middle, bottom + 13.0, &text, TICK, theme.muted, Anchor::Middle));
        }
        let name = fit(&self.x.name, LABEL, view.width - 8.0);
        let half = text_width(&name, LABEL) / 2.0 + 4.0;
        let middle = ((left + right) / 2.0).min(view.width - half).max(half);
        marks.push(frame::words(middle, bottom + 29.0, &name, LABEL, theme.muted, Anchor::Middle));
        let name = fit(&self.y.name, LABEL, view.width - 16.0);
        marks.push(frame::words(8.0, top - 14.0, &name, LABEL, theme.muted, Anchor::Start));
    }
}

impl Chart for HeatMap {
    fn title(&self) -> String {
        self.title.clone()
    }

    fn axis(&self) -> Axis {
        Axis::Own
    }

    fn scene(&self, view: &View) -> Scene {
        if self.is_empty() {
            return Scene { axes: frame::empty(view, &self.title, &[&self.empty]), series: Vec::new() };
        }
        let theme = &view.theme;
        let layout = self.layout(view);
        let window = layout.window;
        let (mut axes, mut series) = (Vec::new(), Vec::new());
        if self.small {
            let text = fit(&self.title, LABEL, view.width - 4.0);
            axes.push(Mark::Text(Label {
                x: 2.0,
                y: 8.0,
                text,
                size: LABEL,
                colour: theme.text,
                anchor: Anchor::Start,
                bold: false,
            }));
        } else {
            frame::title(&mut axes, view, &self.title);
            self.axes(&mut axes, view, &layout);
            self.legend(&mut axes, view, &layout);
        }
        let rows = 0..layout.rows;
        let order: Vec<usize> = if self.upwards { rows.rev().collect() } else { rows.collect() };
        let pixel = |row: usize, column: usize| self.colour(theme, self.values[row * layout.columns + column]);
        let pixels: Vec<Pixel> = order
            .iter()
            .flat_map(|row| (0..layout.columns).map(move |column| (*row, column)))
            .map(|(r, c)| pixel(r, c))
            .collect();
        series.push(Mark::Image {
            corner: (window.left, window.top),
            size: (window.right - window.left, window.bottom - window.top),
            columns: layout.columns,
            pixels,
        });
        let corners = [
            (window.left, window.top),
            (window.right, window.top),
            (window.right, window.bottom),
            (window.left, window.bottom),
            (window.left, window.top),
        ];
        series.push(Mark::Line { points: corners.to_vec(), stroke: Stroke::new(theme.axis, 1.0) });
        if self.numbers {
            for (index, value) in self.values.iter().enumerate() {
                let (from, to) = self.cell(&layout, index / layout.columns, index % layout.columns);
                let text = number::short(*value);
                let (middle, room) = (((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0), to.0 - from.0 - 4.0);
                let fits = |text: &str| text_width(text, TICK) < room && to.1 - from.1 > TICK;
                let note = self.notes.get(index);
                let Some(ground) = self.colour(theme, *value) else {
                    if note.is_some_and(|n| !n.key.is_empty()) && fits(NOT_FINITE) {
                        series.push(frame::words(middle.0, middle.1, NOT_FINITE, TICK, theme.muted, Anchor::Middle));
                    }
                    continue;
                };
                if fits(&text) {
                    let ink = ink_on(ground);
                    let error = error_text(*value, note.map_or(0.0, |n| n.error));
                    let both = !error.is_empty() && fits(&error) && to.1 - from.1 > 2.4 * TICK;
                    let up = if both { 7.0 } else { 0.0 };
                    series.push(frame::words(middle.0, middle.1 - up, &text, TICK, ink, Anchor::Middle));
                    if both {
                        series.push(frame::words(middle.0, middle.1 + 7.0, &error, TICK - 1.0, ink, Anchor::Middle));
                    }
                }
            }
        }
        let stroke = Stroke::new(theme.text, 1.2).dash(Dash::Short);
        if let Some(column) = self.crossed.0.filter(|c| *c < layout.columns) {
            let (from, to) = self.cell(&layout, 0, column);
            let x = (from.0 + to.0) / 2.0;
            series.push(Mark::Line { points: vec![(x, window.top), (x, window.bottom)], stroke });
        }
        if let Some(row) = self.crossed.1.filter(|r| *r < layout.rows) {
            let (from, to) = self.cell(&layout, row, 0);
            let y = (from.1 + to.1) / 2.0;
            series.push(Mark::Line { points: vec![(window.left, y), (window.right, y)], stroke });
        }
        Scene { axes, series }
    }

    fn cursor_at(&self, view: &View, x: f64, y: f64) -> Option<f64> {
        let (row, column) = self.cell_at(view, x, y)?;
        Some((row * self.columns() + column) as f64)
    }

    /// Arrow keys go along a row; Page keys to the next one.
    fn cursor_moved(&self, from: Option<f64>, by: i64) -> Option<f64> {
        let last = self.values.len().checked_sub(1)? as i64;
        let by = match by {
            10 => self.columns() as i64,
            -10 => -(self.columns() as i64),
            by => by,
        };
        let start = from.map_or(if by > 0 { -1 } else { last + 1 }, |v| v.round() as i64);
        Some(start.saturating_add(by).clamp(0, last) as f64)
    }

    fn readout(&self, view: &View, cursor: f64) -> Option<Readout> {
        let (row, column) = self.place(cursor)?;
        let layout = self.layout(view);
        let (from, to) = self.cell(&layout, row, column);
        let index = row * self.columns() + column;
        let colour = self.colour(&view.theme, self.values[index]);
        let line = ReadoutLine {
            name: self.name.split(',').next().unwrap_or_default().into(),
            value: self.said(index),
            how: self.notes.get(index).map_or_else(String::new, |n| n.how.clone()),
            hue: None,
            at: colour.map(|_| ((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0)),
        };
        let names = [self.y.names.get(row), self.x.names.get(column)];
        let title = names.into_iter().flatten().filter(|n| !n.is_empty()).cloned().collect::<Vec<_>>().join(", ");
        let x = (from.0 + to.0) / 2.0;
        Some(Readout { cursor, rule: [(x, from.1), (x, to.1)], title, lines: vec![line] })
    }

    fn pick(&self, view: &View, x: f64, y: f64) -> Option<String> {
        let (row, column) = self.cell_at(view, x, y)?;
        let note = self.notes.get(row * self.columns() + column)?;
        (!note.key.is_empty()).then(|| note.key.clone())
    }

    fn summary(&self) -> String {
        if self.is_empty() {
            return format!("{}. {}", self.title, self.empty);
        }
        let finite = || self.values.iter().enumerate().filter(|(_, v)| v.is_finite());
        let place = |index: usize| {
            let name = |axis: &CellAxis, i: usize| axis.names.get(i).cloned().unwrap_or_default();
            format!("{}, {}", name(&self.y, index / self.columns()), name(&self.x, index % self.columns()))
        };
        let ends = finite().min_by(|a, b| a.1.total_cmp(b.1)).zip(finite().max_by(|a, b| a.1.total_cmp(b.1)));
        let words = ends.map_or_else(String::new, |(low, high)| {
            format!("from {} ({}) to {} ({})", self.said(low.0), place(low.0), self.said(high.0), place(high.0))
        });
        let about = if self.about.is_empty() { String::new() } else { format!(" {}", self.about) };
        format!("{}: {}, {words}.{about}", self.title, self.name)
    }

    fn csv(&self) -> String {
        let mut csv = format!("{},{},{}\n", quoted(&self.y.name), quoted(&self.x.name), quoted(&self.name));
        for (index, value) in self.values.iter().enumerate() {
            let (row, column) = (index / self.columns(), index % self.columns());
            let name = |axis: &CellAxis, i: usize| quoted(axis.names.get(i).map_or("", String::as_str));
            csv.push_str(&format!("{},{},{}\n", name(&self.y, row), name(&self.x, column), cell(Some(*value))));
        }
        csv
    }
}

#[cfg(test)]
mod tests;
