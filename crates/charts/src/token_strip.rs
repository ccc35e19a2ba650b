//! Sequences as rows of coloured cells, a token in each; rows wrap where they are longer than the chart is wide.

use serde::{Deserialize, Serialize};

use crate::{
    chart::{Chart, Readout, ReadoutLine, View, cell},
    colour::Rgb,
    frame::{self, LABEL, TICK},
    heat_map::Colours,
    line_chart::quoted,
    number,
    scene::{Anchor, Mark, Scene, Stroke, fit, text_width},
    style::Ink,
    text::shown,
    theme::Theme,
};

/// Sequences of tokens, and what is known of each token.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TokenStrip {
    /// What is shown: the heading.
    pub title: String,
    /// Names of all tokens there are.
    pub tokens: Vec<String>,
    /// The sequences, from the top.
    pub rows: Vec<StripRow>,
    /// Numbers of each token of each row.
    pub measures: Vec<Measure>,
    /// What the colour of a token's cell says.
    pub colour: CellColour,
    /// The measure that is drawn as a red mark under each token, full from 1 on.
    pub below: Option<usize>,
    /// At most so many tokens of a row are drawn; the table has all.
    pub most: usize,
    /// More about it, in a sentence for the summary; may be empty.
    pub about: String,
    /// In place of rows: what will be here and what starts it.
    pub empty: String,
}

/// A sequence.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StripRow {
    /// What it is a sequence of; the same as in the row above is not written again.
    pub label: String,
    /// Smaller, below the label; may be empty.
    pub detail: String,
    /// The number of a topic, which colours the label.
    pub topic: Option<usize>,
    /// The tokens x_1..x_T.
    pub tokens: Vec<u16>,
}

/// A number for each token.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// What is measured.
    pub name: String,
    /// Behind a number in a read-out; may be empty.
    pub unit: String,
    /// The colour of its name in read-outs.
    pub ink: Option<Ink>,
    /// For each row a number for each token.
    pub rows: Vec<Vec<f64>>,
}

/// What the colour of a cell says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum CellColour {
    /// Which token it is.
    #[default]
    Token,
    /// How large a measure is, by its number.
    Measure(usize, Colours),
}

/// Of tokens' names.
const SIZE: f64 = 11.0;
/// Letters of a token's name in its cell.
const LETTERS: usize = 4;
const CELL: f64 = 20.0;
/// From one line of cells to the next.
const LINE: f64 = 23.0;
/// Between two rows with different labels.
const GAP: f64 = 8.0;
/// Below a row of several lines.
const WRAPPED: f64 = 5.0;
/// Narrower charts have their labels above the rows.
const NARROW: f64 = 560.0;
const MARGIN: f64 = 8.0;
const LEGEND: f64 = 26.0;

/// Where everything goes.
struct Layout {
    left: f64,
    cell: f64,
    /// Cells in a line.
    across: usize,
    /// The middle of the label of each row that has one, and the top of its first line of cells.
    rows: Vec<(Option<f64>, f64)>,
    bottom: f64,
}

impl TokenStrip {
    fn name(&self, token: u16) -> String {
        self.tokens.get(usize::from(token)).cloned().unwrap_or_else(|| token.to_string())
    }

    /// As many tokens of a row as are drawn.
    fn drawn(&self, row: &StripRow) -> usize {
        row.tokens.len().min(if self.most == 0 { usize::MAX } else { self.most })
    }

    /// Whether a row begins under a label of its own.
    fn is_new(&self, row: usize) -> bool {
        let head = |row: usize| self.rows.get(row).map(|r| (&r.label, &r.detail));
        !self.rows[row].label.is_empty() && (row == 0 || head(row) != head(row - 1))
    }

    fn layout(&self, width: f64, top: f64) -> Layout {
        let labels = self.rows.iter().flat_map(|r| [text_width(&r.label, LABEL), text_width(&r.detail, TICK)]);
        let widest = labels.fold(0.0, f64::max);
        let beside = width >= NARROW && widest > 0.0;
        let left = if beside { MARGIN + (widest + 24.0).min(0.28 * width) } else { MARGIN };
        let names = self.tokens.iter().map(|name| text_width(&brief(name), SIZE)).fold(0.0, f64::max);
        let cell = (names + 6.0).clamp(20.0, 44.0);
        let across = ((width - left - MARGIN) / cell).max(1.0) as usize;
        let mut y = top + if matches!(self.colour, CellColour::Measure(..)) { LEGEND } else { 4.0 };
        let mut rows = Vec::new();
        for (i, row) in self.rows.iter().enumerate() {
            let is_new = self.is_new(i);
            if is_new && i > 0 {
                y += GAP;
            }
            let label = is_new.then_some(y + CELL / 2.0);
            if is_new && !beside {
                y += CELL;
            }
            rows.push((label, y));
            let lines = self.drawn(row).div_ceil(across).max(1);
            // A label with a detail under it needs the room of two lines.
            let lines =
                if beside && !row.detail.is_empty() && !self.goes_on(i) && is_new { lines.max(2) } else { lines };
            // Where a row has several lines, it is set apart from the next one.
            y += if self.drawn(row) > across { WRAPPED } else { 0.0 };
            y += LINE * lines as f64 + if row.tokens.len() > self.drawn(row) { LINE - 6.0 } else { 0.0 };
        }
        Layout { left, cell, across, rows, bottom: y + 4.0 }
    }

    /// Whether the next row has the same label.
    fn goes_on(&self, row: usize) -> bool {
        row + 1 < self.rows.len() && !self.is_new(row + 1)
    }

    fn view_layout(&self, view: &View) -> Layout {
        self.layout(view.width, frame::title_room(view))
    }

    /// The corner of a cell.
    fn corner(&self, layout: &Layout, row: usize, at: usize) -> Option<(f64, f64)> {
        let (_, top) = layout.rows.get(row)?;
        Some((layout.left + layout.cell * (at % layout.across) as f64, top + LINE * (at / layout.across) as f64))
    }

    /// Row and position of a cursor, which counts the cells that are drawn.
    fn place(&self, cursor: f64) -> Option<(usize, usize)> {
        let mut index = (cursor.is_finite() && cursor >= 0.0).then_some(cursor.round() as usize)?;
        for (r, row) in self.rows.iter().enumerate() {
            let count = self.drawn(row);
            if index < count {
                return Some((r, index));
            }
            index -= count;
        }
        None
    }

    fn cursor(&self, row: usize, at: usize) -> f64 {
        (self.rows[..row].iter().map(|r| self.drawn(r)).sum::<usize>() + at) as f64
    }

    fn value(&self, measure: usize, row: usize, at: usize) -> Option<f64> {
        self.measures.get(measure)?.rows.get(row)?.get(at).copied().filter(|v| v.is_finite())
    }

    /// Behind a token.
    fn ground(&self, theme: &Theme, row: usize, at: usize, token: u16) -> Rgb {
        match self.colour {
            CellColour::Token => theme.token_tint(usize::from(token), self.tokens.len()),
            CellColour::Measure(measure, colours) => {
                let share = self.value(measure, row, at).and_then(|value| colours.share(value));
                share.map_or(theme.surface, |share| Ink::Ramp(share).hue(theme).line)
            }
        }
    }

    /// The ramp of a measure with numbers at both ends.
    fn legend(&self, marks: &mut Vec<Mark>, view: &View) {
        let CellColour::Measure(measure, colours) = self.colour else { return };
        let Some(measure) = self.measures.get(measure) else { return };
        let (theme, y) = (&view.theme, frame::title_room(view) + 12.0);
        let low = format!("{}: {}", measure.name, number::brief(colours.low));
        let start = MARGIN + text_width(&low, TICK) + 6.0;
        marks.push(frame::words(MARGIN, y, &low, TICK, theme.muted, Anchor::Start));
        for step in 0..24 {
            let from = start + 4.0 * f64::from(step);
            let colour = Ink::Ramp(f64::from(step) / 23.0).hue(theme).line;
            marks.push(Mark::Box { from: (from, y - 5.0), to: (from + 4.4, y + 5.0), colour, alpha: 1.0 });
        }
        let high = format!("{} {} and more", number::brief(colours.high), measure.unit);
        marks.push(frame::words(start + 102.0, y, &high, TICK, theme.muted, Anchor::Start));
    }

    fn label(&self, marks: &mut Vec<Mark>, view: &View, layout: &Layout, row: usize) {
        let (Some(middle), _) = layout.rows[row] else { return };
        let StripRow { label, detail, topic, .. } = &self.rows[row];
        let theme = &view.theme;
        let beside = layout.left > MARGIN;
        let room = if beside { layout.left - MARGIN - 10.0 } else { view.width - 2.0 * MARGIN };
        let text = fit(label, LABEL, room - 8.0);
        let width = text_width(&text, LABEL);
        if let Some(topic) = topic {
            let (from, to) = ((MARGIN, middle - 9.0), (MARGIN + width + 8.0, middle + 9.0));
            marks.push(Mark::Box { from, to, colour: theme.topic_tint(*topic), alpha: 1.0 });
        }
        let (x, y) = (MARGIN + 4.0, middle);
        marks.push(frame::words(x, y, &text, LABEL, theme.text, Anchor::Start));
        let (x, y) = if beside { (x, middle + LINE - 4.0) } else { (x + width + 12.0, middle) };
        let detail = fit(detail, TICK, (room - if beside { 4.0 } else { width + 16.0 }).max(10.0));
        marks.push(frame::words(x, y, &detail, TICK, theme.muted, Anchor::Start));
    }

    /// What a sequence is called in a read-out.
    fn row_name(&self, row: usize) -> String {
        match self.rows[row].label.as_str() {
            "" => format!("Sequence {}", row + 1),
            label => label.into(),
        }
    }

    fn amount(measure: &Measure, value: f64) -> String {
        format!("{} {}", number::short(value), measure.unit).trim_end().into()
    }
}

/// The first letters of a name, as a cell has room for.
fn brief(name: &str) -> String {
    let bare = name.trim_start_matches('<');
    let letters: String = if bare.is_empty() { name } else { bare }.chars().take(LETTERS).collect();
    shown(&letters, LETTERS)
}

impl Chart for TokenStrip {
    fn title(&self) -> String {
        self.title.clone()
    }

    fn height(&self, width: f64) -> Option<f64> {
        (!self.rows.is_empty()).then(|| self.layout(width, 0.0).bottom)
    }

    fn scene(&self, view: &View) -> Scene {
        if self.rows.is_empty() {
            return Scene { axes: frame::empty(view, &self.title, &[&self.empty]), series: Vec::new() };
        }
        let (mut axes, mut series) = (Vec::new(), Vec::new());
        let theme = &view.theme;
        frame::title(&mut axes, view, &self.title);
        self.legend(&mut axes, view);
        let layout = self.view_layout(view);
        let names: Vec<String> = self.tokens.iter().map(|name| brief(name)).collect();
        let mut cut = 0;
        for (r, row) in self.rows.iter().enumerate() {
            let drawn = self.drawn(row);
            let lines = drawn.div_ceil(layout.across).max(1) as f64;
            // A row that the picture has no room for is counted instead.
            if layout.rows[r].1 + LINE * lines > view.height + 2.0 {
                cut += 1;
                continue;
            }
            self.label(&mut axes, view, &layout, r);
            for (i, &token) in row.tokens.iter().take(drawn).enumerate() {
                let Some((x, y)) = self.corner(&layout, r, i) else { continue };
                let to = (x + layout.cell - 1.5, y + CELL);
                let colour = self.ground(theme, r, i, token);
                series.push(Mark::Box { from: (x, y), to, colour, alpha: 1.0 });
                let name = names.get(usize::from(token)).cloned().unwrap_or_else(|| token.to_string());
                let ink = if theme.text.contrast(colour) >= theme.surface.contrast(colour) {
                    theme.text
                } else {
                    theme.surface
                };
                let text = fit(&name, SIZE, layout.cell - 2.0);
                series.push(frame::words((x + to.0) / 2.0, y + CELL / 2.0 - 1.0, &text, SIZE, ink, Anchor::Middle));
                let mark = self.below.and_then(|measure| self.value(measure, r, i)).unwrap_or(0.0).clamp(0.0, 1.0);
                if mark > 0.005 {
                    let (from, colour) = ((x, to.1 - 3.5), theme.bigram.line);
                    series.push(Mark::Box { from, to, colour, alpha: mark });
                }
            }
            let more = row.tokens.len() - drawn;
            if more > 0 {
                let y = layout.rows[r].1 + LINE * lines + 6.0;
                let text = format!("and {} more", number::count(more));
                axes.push(frame::words(layout.left, y, &text, TICK, theme.muted, Anchor::Start));
            }
        }
        if cut > 0 {
            let text = format!("{cut} of {} rows have no room here", self.rows.len());
            let (x, y) = (MARGIN, view.height - 7.0);
            let to = (x + text_width(&text, TICK) + 4.0, y + 7.0);
            series.push(Mark::Box { from: (x - 4.0, y - 7.0), to, colour: theme.surface, alpha: 0.85 });
            series.push(frame::words(x, y, &text, TICK, theme.muted, Anchor::Start));
        }
        Scene { axes, series }
    }

    fn cursor_at(&self, view: &View, x: f64, y: f64) -> Option<f64> {
        let layout = self.view_layout(view);
        let row = layout.rows.iter().rposition(|(_, top)| *top <= y)?;
        let (column, line) = ((x - layout.left) / layout.cell, (y - layout.rows[row].1) / LINE);
        if !(0.0..layout.across as f64).contains(&column) {
            return None;
        }
        let at = line as usize * layout.across + column as usize;
        (at < self.drawn(&self.rows[row])).then(|| self.cursor(row, at))
    }

    /// Arrow keys go along a row; Page keys to the same position of the next one.
    fn cursor_moved(&self, from: Option<f64>, by: i64) -> Option<f64> {
        let last = self.rows.iter().map(|r| self.drawn(r)).sum::<usize>().checked_sub(1)?;
        if let (Some((row, at)), 10 | -10) = (from.and_then(|from| self.place(from)), by) {
            let next = if by > 0 { (row + 1).min(self.rows.len() - 1) } else { row.saturating_sub(1) };
            return Some(self.cursor(next, at.min(self.drawn(&self.rows[next]).saturating_sub(1))));
        }
        Some(crate::chart::moved(from, by, 0, last))
    }

    fn readout(&self, view: &View, cursor: f64) -> Option<Readout> {
        let (row, at) = self.place(cursor)?;
        let layout = self.view_layout(view);
        let (x, y) = self.corner(&layout, row, at)?;
        let token = *self.rows[row].tokens.get(at)?;
        let lines = self.measures.iter().enumerate().filter_map(|(m, measure)| {
            let value = self.value(m, row, at)?;
            let hue = measure.ink.map(|ink| ink.hue(&view.theme));
            let value = Self::amount(measure, value);
            Some(ReadoutLine { name: measure.name.clone(), value, how: String::new(), hue, at: None })
        });
        let title = format!("{}, position {}: {}", self.row_name(row), at + 1, self.name(token));
        let below = y + CELL;
        Some(Readout { cursor, rule: [(x, below), (x + layout.cell - 1.5, below)], title, lines: lines.collect() })
    }

    fn highlight(&self, view: &View, readout: &Readout) -> Vec<Mark> {
        let layout = self.view_layout(view);
        let Some((x, y)) = self.place(readout.cursor).and_then(|(row, at)| self.corner(&layout, row, at)) else {
            return Vec::new();
        };
        let (right, bottom) = (x + layout.cell - 1.5, y + CELL);
        let points = vec![(x, y), (right, y), (right, bottom), (x, bottom), (x, y)];
        vec![Mark::Line { points, stroke: Stroke::new(view.theme.text, 2.0) }]
    }

    fn summary(&self) -> String {
        /// More of one sequence nobody listens to.
        const LISTED: usize = 32;
        if self.rows.is_empty() {
            return format!("{}. {}", self.title, self.empty);
        }
        let row = |(r, row): (usize, &StripRow)| {
            let names: Vec<String> = row.tokens.iter().take(LISTED).map(|t| self.name(*t)).collect();
            let more = row.tokens.len().saturating_sub(LISTED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let means = self.measures.iter().filter_map(|measure| {
                let values: Vec<f64> = measure.rows.get(r)?.iter().copied().filter(|v| v.is_finite()).collect();
                let mean = values.iter().sum::<f64>() / values.len() as f64;
                mean.is_finite().then(|| format!("{} {}", measure.name, Self::amount(measure, mean)))
            });
            let means: Vec<String> = means.collect();
            let means = if means.is_empty() { String::new() } else { format!(" (means: {})", means.join(", ")) };
            format!("{}: {}{more}{means}", self.row_name(r), names.join(" "))
        };
        let rows: Vec<String> = self.rows.iter().enumerate().map(row).collect();
        format!("{}. {}. {}", self.title, rows.join("; "), self.about).trim_end().into()
    }

    fn csv(&self) -> String {
        let measures = self.measures.iter().map(|m| format!(",{}", quoted(format!("{} ({})", m.name, m.unit).trim())));
        let mut csv = format!("row,topic,position,token{}\n", measures.collect::<String>());
        for (r, row) in self.rows.iter().enumerate() {
            for (i, &token) in row.tokens.iter().enumerate() {
                let values: String =
                    (0..self.measures.len()).map(|m| format!(",{}", cell(self.value(m, r, i)))).collect();
                let (label, name) = (quoted(&row.label), quoted(&self.name(token)));
                csv.push_str(&format!("{},{label},{},{name}{values}\n", r + 1, i + 1));
            }
        }
        csv
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heat_map::Follow;

    fn strip() -> TokenStrip {
        let row = |label: &str, tokens: Vec<u16>| StripRow {
            label: label.into(),
            detail: "weight 0.5".into(),
            topic: Some(0),
            tokens,
        };
        let surprise = Measure {
            name: "model".into(),
            unit: "nats".into(),
            ink: Some(Ink::Model),
            rows: vec![vec![0.5; 50], vec![1.5; 50], vec![f64::NAN; 3]],
        };
        let tokens = |start: u16, count: u16| (start..start + count).map(|i| i % 3).collect();
        TokenStrip {
            title: "Samples".into(),
            tokens: vec!["a".into(), "<bos>".into(), " ".into()],
            rows: vec![row("one", tokens(0, 50)), row("one", tokens(1, 50)), row("two", tokens(0, 3))],
            measures: vec![surprise],
            most: 40,
            ..TokenStrip::default()
        }
    }

    #[test]
    fn every_token_is_read_where_it_is_drawn_at_any_width() {
        let strip = strip();
        for width in [340.0, 900.0] {
            let view = View::new(width, strip.height(width).expect("rows"), Theme::light());
            let layout = strip.view_layout(&view);
            for row in 0..3 {
                for at in 0..strip.drawn(&strip.rows[row]) {
                    let (x, y) = strip.corner(&layout, row, at).expect("a cell");
                    let cursor = strip.cursor(row, at);
                    assert_eq!(strip.cursor_at(&view, x + 9.0, y + 9.0), Some(cursor));
                    assert_eq!(strip.place(cursor), Some((row, at)));
                    assert!(x + layout.cell <= width && y + CELL <= view.height, "row {row}, {at}");
                }
            }
            // 83 cells, the legend's row apart, and a background.
            let svg = strip.svg(&view);
            assert_eq!(svg.matches("<text").count(), 1 + 83 + 2 + 2 + 2, "title, tokens, labels, details, counts");
        }
        assert!(strip.height(340.0) > strip.height(900.0));
        assert_eq!(strip.place(83.0), None);
    }

    #[test]
    fn keys_move_along_rows_and_between_them() {
        let strip = strip();
        assert_eq!(strip.cursor_moved(None, 1), Some(0.0));
        assert_eq!(strip.cursor_moved(Some(39.0), 1), Some(40.0));
        assert_eq!(strip.cursor_moved(Some(5.0), 10), Some(45.0));
        assert_eq!(strip.cursor_moved(Some(45.0), 10), Some(82.0));
        assert_eq!(strip.cursor_moved(Some(45.0), -10), Some(5.0));
        assert_eq!(TokenStrip::default().cursor_moved(None, 1), None);
    }

    #[test]
    fn tokens_are_said_with_their_numbers() {
        let strip = strip();
        let view = View::new(900.0, 300.0, Theme::dark());
        assert_eq!(strip.readout(&view, 1.0).expect("a token").text(), "one, position 2: <bos>; model 0.500 nats");
        assert_eq!(strip.readout(&view, 80.0).expect("a token").text(), "two, position 1: a");
        let summary = strip.summary();
        assert!(
            summary.contains("one: a <bos>   a") && summary.contains("and 18 more (means: model 0.500 nats)"),
            "{summary}"
        );
        let csv = strip.csv();
        assert_eq!(csv.lines().nth(1), Some("1,one,1,a,0.5"));
        assert_eq!((csv.lines().next(), csv.lines().count()), (Some("row,topic,position,token,model (nats)"), 104));
        let coloured = TokenStrip {
            colour: CellColour::Measure(0, Colours { low: 0.0, high: 2.0, follow: Follow::Value }),
            below: Some(0),
            ..strip
        };
        let svg = coloured.svg(&view);
        assert!(svg.contains("model: 0") && svg.contains("2 nats and more"), "{svg}");
    }

    #[test]
    fn rows_without_room_are_counted() {
        let view = View::new(340.0, 120.0, Theme::light());
        let text = strip().scene(&view).svg(340.0, 120.0, Theme::light().surface);
        assert!(text.contains("of 3 rows have no room here"), "{text}");
    }
}
