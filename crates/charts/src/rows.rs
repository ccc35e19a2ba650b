//! Bars in rows, each with its number and how that was obtained: one chart for the bound's components, for the KLs and for the
//! certificate, which each fill in a [`Sheet`].

use crate::{
    chart::{BAND, Chart, Readout, ReadoutLine, View, cell, moved, quantity},
    clip,
    frame::{self, FOOT, Frame},
    number::{self, Unit},
    scale::Scale,
    scene::{Anchor, Dash, Mark, Scene, Stroke, fit, text_width},
    theme::{Hue, Theme},
};

/// What the rows say. Values are in nats, except those of rows of words.
#[derive(Default)]
pub struct Sheet {
    /// What is shown: the heading.
    pub title: &'static str,
    /// In place of rows: what will be here and what starts it.
    pub empty: Vec<&'static str>,
    /// Sentences above the rows, without their full stops.
    pub notes: Vec<String>,
    /// The rows, from the top.
    pub rows: Vec<Row>,
    /// The first row below a dividing line, and the heading there.
    pub below: Option<(usize, &'static str)>,
    /// What the axis measures, before the unit: `loss`. And the rest of its name, behind the unit.
    pub axis: (&'static str, &'static str),
    /// `token`, `vector`.
    pub per: &'static str,
    /// The unit that values are shown in.
    pub unit: Unit,
    /// Linear, with bars from 0 to either side; or logarithmic, where a value that is not above 0 has no bar and says so.
    pub linear: bool,
    /// The log axis reaches at least this far, so that it seldom moves under a slider.
    pub usual: (f64, f64),
    /// Upright lines through the rows above the division, from the lowest on, and their names.
    pub levels: Vec<(f64, &'static str)>,
}

/// One row of the chart: a name, a bar and words.
pub struct Row {
    /// What the row is called.
    pub name: String,
    /// The colour of the bar, by the theme.
    pub hue: fn(&Theme) -> Hue,
    /// The value in nats; `None` where there is none yet.
    pub value: Option<f64>,
    /// The standard error of the value, nats; 0 for none.
    pub stderr: f64,
    /// The least and the greatest of several runs, where the value is their mean; it is drawn in place of the standard error.
    pub spread: Option<(f64, f64)>,
    /// How the value is drawn.
    pub look: Look,
    /// Behind the number.
    pub text: String,
    /// What the value is, and how it was obtained.
    pub about: String,
    /// Further lines of the read-out.
    pub more: Vec<ReadoutLine>,
}

/// How the value of a row is drawn.
#[derive(Clone, Copy, PartialEq)]
pub enum Look {
    /// A bar of this opacity.
    Bar(f64),
    /// An outline: what is taken away.
    Hollow,
    /// The sum of the bars above less what is taken away there, its parts in proportion.
    Stack,
    /// No bar and no number, the text alone.
    Words,
}

/// Nothing on a log axis is drawn below this, nats.
const LEAST: f64 = 1e-6;

/// A line of a read-out without a colour and without a place in the picture.
pub fn line(name: &str, value: String, how: &str) -> ReadoutLine {
    ReadoutLine { name: name.into(), value, how: how.into(), hue: None, at: None }
}

/// `2.31 (2.28 to 2.35)`: a mean, the least and the greatest.
fn between(mean: f64, least: f64, greatest: f64) -> String {
    format!("{} ({} to {})", number::short(mean), number::short(least), number::short(greatest))
}

/// A chart of named rows, each with a bar and a number.
pub struct Rows(pub Sheet);

struct Layout {
    frame: Frame,
    notes: Vec<String>,
    /// Number and words behind each bar.
    texts: Vec<String>,
    /// The middle of each row, CSS pixels from the top.
    ys: Vec<f64>,
    pitch: f64,
}

impl Rows {
    /// Of the bars above row `i`.
    fn sum(&self, i: usize, look: fn(Look) -> bool) -> f64 {
        self.0.rows.iter().take(i).filter(|r| look(r.look)).filter_map(|r| r.value).filter(|v| v.is_finite()).sum()
    }

    /// Whether the log axis has no place for a row's value.
    fn is_off(&self, value: f64) -> bool {
        !self.0.linear && value < LEAST
    }

    /// The value in the chosen unit, and its error.
    fn shown(&self, row: &Row) -> Option<(f64, f64)> {
        let of = |nats: f64| if row.look == Look::Words { nats } else { self.0.unit.of(nats) };
        row.value.filter(|v| v.is_finite()).map(|v| (of(v), of(row.stderr)))
    }

    /// The least and the greatest of several runs, in the chosen unit; of rows of words as they are.
    fn spread(&self, row: &Row) -> Option<(f64, f64)> {
        let of = |nats: f64| if row.look == Look::Words { nats } else { self.0.unit.of(nats) };
        row.spread.map(|(least, greatest)| (of(least), of(greatest)))
    }

    /// Where the error bar reaches to: the standard error's band, or the least and the greatest of several runs.
    fn bounds(&self, row: &Row) -> Option<(f64, f64)> {
        let (value, stderr) = self.shown(row)?;
        self.spread(row).or_else(|| (stderr > 0.0).then_some((value - BAND * stderr, value + BAND * stderr)))
    }

    /// Where the bar begins to be taken away, how far to the right anything is drawn, and how far to the left.
    fn ends(&self, i: usize, row: &Row) -> Option<(f64, f64, f64)> {
        let (value, _) = self.shown(row).filter(|_| row.look != Look::Words)?;
        let taken = if row.look == Look::Stack { self.0.unit.of(self.sum(i, |l| l == Look::Hollow)) } else { 0.0 };
        let (low, high) = self.bounds(row).unwrap_or((value, value));
        Some((value, (value + taken).max(high), (value - taken).min(low)))
    }

    /// Behind a bar: of several runs the mean alone, since the error bar shows the rest and words take the bars' room.
    fn label(&self, row: &Row) -> String {
        self.words(row, None)
    }

    /// Number and words of a row.
    fn text(&self, row: &Row) -> String {
        self.words(row, self.spread(row))
    }

    fn words(&self, row: &Row, spread: Option<(f64, f64)>) -> String {
        match self.shown(row) {
            Some((value, _)) if row.look == Look::Hollow && value > 0.0 => match spread {
                Some((low, high)) => format!("− {}", between(value, low, high)),
                None => format!("− {}", number::short(value)),
            },
            Some((value, stderr)) if row.look != Look::Words => {
                let number = match spread {
                    Some((low, high)) => between(value, low, high),
                    None if stderr > 0.0 && row.spread.is_none() => number::with_error(value, stderr),
                    None => number::short(value),
                };
                let off = match self.is_off(value) {
                    false => "",
                    true if value > 0.0 => " ← left of this axis",
                    true if value < 0.0 => ", below 0: no bar on a log axis",
                    true => ", no bar on a log axis",
                };
                format!("{number}{}{off}", row.text)
            }
            None if row.value.is_some() => format!("not finite{}", row.text),
            _ => row.text.clone(),
        }
    }

    /// Every value and every error is on it, but on a log axis those that are not above [`LEAST`].
    fn scale(&self, view: &View, ends: &[(f64, f64, f64)]) -> Scale {
        let sheet = &self.0;
        let (mut low, mut high) = sheet.usual;
        let below = ends.iter().map(|e| e.2);
        let levels = sheet.levels.iter().map(|l| sheet.unit.of(l.0));
        for v in ends.iter().flat_map(|e| [e.0, e.1]).chain(below.filter(|_| sheet.linear)).chain(levels) {
            if v.is_finite() && (sheet.linear || v > 0.0) {
                (low, high) = (low.min(v), high.max(v));
            }
        }
        if sheet.linear {
            Scale::round(low.min(0.0), high, ((view.width - 200.0) / 60.0).clamp(2.0, 6.0) as usize)
        } else {
            Scale::decades(low.max(LEAST), high)
        }
    }

    /// The frames that data are drawn in: for tests of what is drawn where.
    pub fn plots(&self, view: &View) -> Vec<Frame> {
        vec![self.layout(view).frame]
    }

    fn layout(&self, view: &View) -> Layout {
        let sheet = &self.0;
        // The first note, and those after it that leave room for the rows; all are in the summary.
        let rows = 12.0 * (sheet.rows.len() + usize::from(sheet.below.is_some())) as f64;
        let room = ((view.height - frame::head(view) - FOOT - rows) / 16.0).max(0.0) as usize;
        let mut notes: Vec<String> = Vec::new();
        for note in &sheet.notes {
            let lines = frame::wrap(note, frame::LABEL, view.width - 16.0);
            if !notes.is_empty() && notes.len() + lines.len() > room {
                break;
            }
            notes.extend(lines);
        }
        let texts: Vec<String> = sheet.rows.iter().map(|row| self.label(row)).collect();
        let ends: Vec<(f64, f64, f64)> =
            sheet.rows.iter().enumerate().map(|(i, row)| self.ends(i, row).unwrap_or_default()).collect();
        let x = self.scale(view, &ends);
        let side = sheet.rows.iter().map(|r| text_width(&r.name, frame::LABEL)).fold(0.0, f64::max) + 18.0;
        let mut inner = Frame::new(view, 16.0, x, Scale::linear(0.0, 1.0));
        inner.left = side.min(0.42 * view.width);
        inner.top =
            frame::head(view) - 14.0 + 16.0 * notes.len() as f64 + if sheet.levels.is_empty() { 0.0 } else { 14.0 };
        inner.bottom = (view.height - FOOT).max(inner.top + 60.0);
        // Each bar's words have room behind it, and some to spare: fonts differ.
        let mut width = view.width - 16.0 - inner.left;
        for (text, end) in texts.iter().zip(&ends) {
            let share = clip::edge(&x, end.1.max(if sheet.linear { 0.0 } else { end.1 }));
            if share > 0.0 {
                width = width.min((view.width - 14.0 - 1.08 * text_width(text, frame::LABEL) - inner.left) / share);
            }
        }
        inner.right = inner.left + width.max(40.0_f64.min(view.width / 4.0)).max(10.0);
        let count = sheet.rows.len();
        let divided = sheet.below.map_or(usize::MAX, |b| b.0);
        let pitch = (inner.bottom - inner.top) / (count + usize::from(divided < count)).max(1) as f64;
        let y = |i: usize| inner.top + pitch * (i as f64 + if i < divided { 0.5 } else { 1.5 });
        Layout { frame: inner, notes, texts, ys: (0..count).map(y).collect(), pitch }
    }

    /// Bar into `marks`, words into `words`, which come on top.
    fn draw(&self, marks: &mut Vec<Mark>, words: &mut Vec<Mark>, layout: &Layout, view: &View, i: usize) {
        let (theme, frame, row, y) = (&view.theme, &layout.frame, &self.0.rows[i], layout.ys[i]);
        let hue = (row.hue)(theme);
        let half = (layout.pitch * 0.3).clamp(2.0, 9.0);
        let name = fit(&row.name, frame::LABEL, frame.left - 14.0);
        marks.push(frame::words(frame.left - 9.0, y, &name, frame::LABEL, hue.text, Anchor::End));
        // Bars begin at 0, or where a log axis begins.
        let base = if self.0.linear { frame.px(0.0) } else { frame.left };
        let px = |v: f64| frame.left + clip::edge(&frame.x, v) * (frame.right - frame.left);
        let mut end = base;
        if let Some((value, right, _)) = self.ends(i, row) {
            let off = self.is_off(value);
            // A bar that is there is seen, however short.
            let kept =
                if off || value == 0.0 { base } else { px(value).max(if value > 0.0 { base + 1.0 } else { 0.0 }) };
            end = if self.is_off(right) { base } else { px(right).max(kept) };
            let mut bar = |from: f64, to: f64, colour, alpha| {
                if to != from {
                    marks.push(Mark::Box {
                        from: (from.min(to), y - half),
                        to: (from.max(to), y + half),
                        colour,
                        alpha,
                    });
                }
            };
            let mut hollow = (base, if row.look == Look::Hollow { kept } else { base });
            if let Look::Bar(alpha) = row.look {
                bar(base, kept, hue.line, alpha);
            } else if row.look == Look::Stack {
                hollow = (kept, end);
                let whole = self.sum(i, |l| l != Look::Hollow);
                let mut from = base;
                for part in self.0.rows[..i].iter().filter(|r| r.look != Look::Hollow) {
                    let to = from + (end - base) * part.value.filter(|v| v.is_finite()).unwrap_or(0.0) / whole;
                    // What is taken away is only outlined.
                    if to.min(kept) > from {
                        bar(from, to.min(kept), (part.hue)(theme).line, 0.9);
                    }
                    from = to;
                }
            }
            if hollow.1 - hollow.0 > 1.0 {
                let (a, b) = ((hollow.0, y - half), (hollow.1, y + half));
                let points = vec![a, (b.0, a.1), b, (a.0, b.1), a];
                marks.push(Mark::Line { points, stroke: Stroke::new(theme.axis, 1.5) });
            }
            let bounds = self.bounds(row).unwrap_or((value, value));
            let (low, high) = (px(bounds.0), px(bounds.1));
            // On a log axis a value below 0 has no place, and its error would look like that of a value above 0.
            if high > low && !self.is_off(value) {
                let stroke = Stroke::new(theme.text, 1.5);
                marks.push(Mark::Line { points: vec![(low, y), (high, y)], stroke });
                // An error bar that goes on beyond the axis has no end there.
                for x in [bounds.0, bounds.1].into_iter().filter(|v| frame.x.share(*v) >= 0.0).map(px) {
                    marks.push(Mark::Line { points: vec![(x, y - 4.0), (x, y + 4.0)], stroke });
                }
            }
            end = end.max(high);
        }
        let colour = if row.value.is_some() { theme.text } else { theme.muted };
        let text = fit(&layout.texts[i], frame::LABEL, view.width - end - 9.0);
        // On ground of its own, so that no line crosses it.
        let to = (end + 7.0 + text_width(&text, frame::LABEL), y + 6.5);
        words.push(Mark::Box { from: (end + 5.0, y - 6.5), to, colour: theme.surface, alpha: 1.0 });
        words.push(frame::words(end + 7.0, y, &text, frame::LABEL, colour, Anchor::Start));
    }
}

impl Chart for Rows {
    fn title(&self) -> String {
        self.0.title.into()
    }

    fn scene(&self, view: &View) -> Scene {
        let (sheet, theme) = (&self.0, &view.theme);
        if !sheet.empty.is_empty() {
            return Scene { axes: frame::empty(view, sheet.title, &sheet.empty), series: Vec::new() };
        }
        let layout = self.layout(view);
        let frame = &layout.frame;
        let (mut axes, mut series, mut words) = (Vec::new(), Vec::new(), Vec::new());
        frame::title(&mut axes, view, sheet.title);
        let grid = Stroke::new(theme.grid, 1.0);
        for (value, text) in frame.x.ticks(((frame.right - frame.left) / 48.0).clamp(2.0, 8.0) as usize) {
            let x = frame.px(value).round();
            axes.push(Mark::Line { points: vec![(x, frame.top), (x, frame.bottom)], stroke: grid });
            let half = text_width(&text, frame::TICK) / 2.0 + 1.0;
            let middle = x.min(view.width - half).max(half);
            axes.push(frame::words(middle, frame.bottom + 13.0, &text, frame::TICK, theme.muted, Anchor::Middle));
        }
        let axis = Stroke::new(theme.axis, 1.0);
        axes.push(Mark::Line { points: vec![(frame.left, frame.top), (frame.left, frame.bottom)], stroke: axis });
        let log = if sheet.linear { "" } else { ", log scale" };
        let name = format!("{}{} per {}{log}{}", sheet.axis.0, sheet.unit, sheet.per, sheet.axis.1);
        let name = fit(&name, frame::LABEL, view.width - 8.0);
        axes.push(frame::words(
            view.width / 2.0,
            frame.bottom + 29.0,
            &name,
            frame::LABEL,
            theme.muted,
            Anchor::Middle,
        ));
        for (i, note) in layout.notes.iter().enumerate() {
            let y = frame::head(view) - 14.0 + 16.0 * i as f64;
            series.push(frame::words(8.0, y, note, frame::LABEL, theme.muted, Anchor::Start));
        }
        let mut bottom = frame.bottom;
        if let Some((first, heading)) = sheet.below {
            bottom = frame.top + layout.pitch * (first as f64 + 0.1);
            axes.push(Mark::Line {
                points: vec![(8.0, bottom), (frame.right, bottom)],
                stroke: axis.dash(Dash::Dotted),
            });
            let y = bottom + 0.45 * layout.pitch;
            axes.push(frame::words(8.0, y, heading, frame::TICK, theme.muted, Anchor::Start));
        }
        for i in 0..sheet.rows.len() {
            self.draw(&mut series, &mut words, &layout, view, i);
        }
        for (i, &(value, name)) in sheet.levels.iter().enumerate() {
            let value = sheet.unit.of(value);
            let x = frame.px(value);
            let there = !self.is_off(value) && x.is_finite();
            let (x, name) = match there {
                true => (x, name.to_owned()),
                false => (frame.left, format!("{name}: {} (no place on this axis)", number::short(value))),
            };
            let stroke = Stroke::new(theme.text, 1.5).dash(Dash::Dashed);
            if there {
                series.push(Mark::Line { points: vec![(x, frame.top - 2.0), (x, bottom)], stroke });
            }
            let name = name.as_str();
            // Of two names the lower level's ends at its line and the other's begins there, so that neither is on the other.
            let half = text_width(name, frame::TICK) / 2.0 + 4.0;
            let off = if sheet.levels.len() < 2 {
                0.0
            } else if i == 0 {
                -half
            } else {
                half
            };
            let middle = (x + off).min(view.width - half).max(half);
            series.push(frame::words(middle, frame.top - 9.0, name, frame::TICK, theme.text, Anchor::Middle));
        }
        series.extend(words);
        Scene { axes, series }
    }

    fn cursor_at(&self, view: &View, _x: f64, y: f64) -> Option<f64> {
        let last = self.0.rows.len().checked_sub(1)? as f64;
        let layout = self.layout(view);
        let row = ((y - layout.frame.top) / layout.pitch).floor();
        // The heading's room is of the row above it.
        let row = if self.0.below.is_some_and(|b| row >= b.0 as f64) { row - 1.0 } else { row };
        (row >= -1.0 && row <= last + 1.0).then(|| row.clamp(0.0, last))
    }

    fn cursor_moved(&self, from: Option<f64>, by: i64) -> Option<f64> {
        Some(moved(from, by, 0, self.0.rows.len().checked_sub(1)?))
    }

    fn readout(&self, view: &View, cursor: f64) -> Option<Readout> {
        let layout = self.layout(view);
        let index = (cursor.is_finite() && cursor >= 0.0).then(|| cursor.round() as usize)?;
        let (row, y) = (self.0.rows.get(index)?, layout.ys.get(index)? + layout.pitch * 0.42);
        let value = match row.value {
            Some(_) if row.look != Look::Words && row.spread.is_some() => format!("{} {}", self.text(row), self.0.unit),
            Some(nats) if row.look != Look::Words => quantity(self.0.unit, nats, row.stderr),
            _ => row.text.clone(),
        };
        let mut lines = vec![ReadoutLine { hue: Some((row.hue)(&view.theme)), ..line("value", value, &row.about) }];
        lines.extend(row.more.iter().cloned());
        let rule = [(layout.frame.left, y), (layout.frame.right, y)];
        Some(Readout { cursor: index as f64, rule, title: row.name.clone(), lines })
    }

    fn summary(&self) -> String {
        let sheet = &self.0;
        if !sheet.empty.is_empty() {
            return sheet.empty.join(" ");
        }
        let rows: Vec<String> = sheet.rows.iter().map(|row| format!("{} {}", row.name, self.text(row))).collect();
        let mut text = format!("{}, {} per {}: {}.", sheet.title, sheet.unit, sheet.per, rows.join("; "));
        for note in &sheet.notes {
            text.push_str(&format!(" {note}."));
        }
        text
    }

    fn csv(&self) -> String {
        let has_spread = self.0.rows.iter().any(|row| row.spread.is_some());
        let spread = if has_spread { "least,greatest," } else { "" };
        let mut csv = format!("name,value ({}),standard error,{spread}how\n", self.0.unit);
        for row in &self.0.rows {
            let (value, stderr) = self.shown(row).unzip();
            let mut how = row.about.clone();
            for l in &row.more {
                how.push_str(&format!("; {} {} {}", l.name, l.value, l.how));
            }
            let (value, stderr) = (cell(value), cell(stderr.filter(|e| *e > 0.0)));
            let (least, greatest) = self.spread(row).unzip();
            let spread = if has_spread { format!("{},{},", cell(least), cell(greatest)) } else { String::new() };
            csv.push_str(&format!("\"{}\",{value},{stderr},{spread}\"{}\"\n", row.name, how.replace('"', "'")));
        }
        csv
    }
}
