//! What every chart can do, whatever it shows.

use crate::{
    frame,
    number::{self, Unit},
    scene::{Mark, Scene, Stroke},
    theme::{Hue, Rgb, Theme},
};

/// What a chart's cursor moves along; charts that share it share their crosshair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Position in the sequence, from 1.
    Position,
    /// Training step.
    Step,
    /// The rows of the bound and its like, from 0.
    Row,
    /// No other chart has this one: its crosshair is its own.
    Own,
}

/// Half the width of a 95% band, in standard errors.
pub const BAND: f64 = 1.96;

/// Where a chart is drawn: its size in CSS pixels and its colours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// Width in CSS pixels.
    pub width: f64,
    /// Height in CSS pixels.
    pub height: f64,
    /// The colours to draw with.
    pub theme: Theme,
    /// Write the title into the picture; on the page the heading above it does that.
    pub titled: bool,
}

impl View {
    /// A view of this size (CSS pixels) without a title in the picture.
    pub fn new(width: f64, height: f64, theme: Theme) -> Self {
        Self { width, height, theme, titled: false }
    }
}

/// What every chart can do: draw itself, answer a cursor, and give its numbers as words and as CSV.
pub trait Chart {
    /// What is shown: the heading.
    fn title(&self) -> String;

    /// What the cursor moves along.
    fn axis(&self) -> Axis {
        Axis::Own
    }

    /// What is drawn.
    fn scene(&self, view: &View) -> Scene;

    /// Where the cursor lands when the pointer is at (x, y), CSS pixels: a position, a step or a row. `None` outside
    /// the plot or without data.
    fn cursor_at(&self, view: &View, x: f64, y: f64) -> Option<f64>;

    /// The next place of the cursor, for arrow keys: `by` is -1 or 1 (or more, for Page keys). `None` without data.
    fn cursor_moved(&self, from: Option<f64>, by: i64) -> Option<f64>;

    /// What the chart says at a place of the cursor.
    fn readout(&self, view: &View, cursor: f64) -> Option<Readout>;

    /// The height that suits a chart of this width, CSS pixels, where its data decide it; `None` where any height will do.
    fn height(&self, width: f64) -> Option<f64> {
        let _ = width;
        None
    }

    /// What is drawn over the chart at the cursor.
    fn highlight(&self, view: &View, readout: &Readout) -> Vec<Mark> {
        crosshair(view, readout)
    }

    /// What is pressed at (x, y), CSS pixels: the key of a mark, for example of a sweep's run.
    fn pick(&self, view: &View, x: f64, y: f64) -> Option<String> {
        let _ = (view, x, y);
        None
    }

    /// One sentence or two that say what the picture says now.
    fn summary(&self) -> String;

    /// All that is drawn, as a table with a header row; numbers at full precision, losses in the chosen unit.
    fn csv(&self) -> String;

    /// "Copy as text": title, summary and table.
    fn text(&self) -> String {
        format!("{}\n{}\n\n{}", self.title(), self.summary(), self.csv())
    }

    /// The view of a picture that stands alone: with its title, and as high as the chart wants to be.
    fn alone(&self, view: &View) -> View {
        let height = self.height(view.width).map_or(view.height, |height| height + frame::TITLE_ROOM);
        View { titled: true, height, ..*view }
    }

    /// A picture that stands alone: title, background, both layers.
    fn svg(&self, view: &View) -> String {
        let view = self.alone(view);
        self.scene(&view).svg(view.width, view.height, view.theme.surface)
    }
}

/// What a cursor shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Readout {
    /// The cursor itself, snapped to where there is data: give it to other charts of the same axis.
    pub cursor: f64,
    /// The crosshair from end to end, CSS pixels: upright along positions and steps, level along rows.
    pub rule: [(f64, f64); 2],
    /// `Position 5`, `Step 120`.
    pub title: String,
    /// The numbers under the cursor, in the order in which they are shown.
    pub lines: Vec<ReadoutLine>,
}

impl Readout {
    /// One line of text, for a live region.
    pub fn text(&self) -> String {
        let mut text = self.title.clone();
        for line in &self.lines {
            text.push_str(&format!("; {} {}", line.name, line.value));
            if !line.how.is_empty() {
                text.push_str(&format!(" ({})", line.how));
            }
        }
        text
    }
}

/// One number under the cursor.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadoutLine {
    /// What the number is of: a line's name, or a remark.
    pub name: String,
    /// With unit, and standard error where it is an estimate.
    pub value: String,
    /// How it was obtained, and from how many samples.
    pub how: String,
    /// The colour of its line; `None` for a remark.
    pub hue: Option<Hue>,
    /// Where its point is drawn, CSS pixels, for a dot on the crosshair.
    pub at: Option<(f64, f64)>,
}

impl ReadoutLine {
    fn colour(&self) -> Option<Rgb> {
        self.hue.map(|h| h.line)
    }
}

/// The crosshair and its dots, to be drawn over a chart (on the series layer, or one of its own).
pub fn crosshair(view: &View, readout: &Readout) -> Vec<Mark> {
    let stroke = Stroke::new(view.theme.axis, 1.0);
    let mut marks = vec![Mark::Line { points: readout.rule.to_vec(), stroke }];
    for line in &readout.lines {
        if let (Some(at), Some(colour)) = (line.at, line.colour()) {
            marks.push(Mark::Dot { at, radius: 4.5, colour: view.theme.surface });
            marks.push(Mark::Dot { at, radius: 3.0, colour });
        }
    }
    marks
}

/// `0.8359 ± 0.0021 nats`, in the chosen unit.
pub fn quantity(unit: Unit, nats: f64, stderr: f64) -> String {
    format!("{} {unit}", number::with_error(unit.of(nats), unit.of(stderr)))
}

/// A CSV cell: full precision, empty where there is no number.
pub fn cell(value: Option<f64>) -> String {
    value.filter(|v| v.is_finite()).map_or_else(String::new, |v| v.to_string())
}

/// The whole number nearest to a cursor, moved by `by` within `1..=last` (or `0..=last` from `low`).
pub fn moved(from: Option<f64>, by: i64, low: usize, last: usize) -> f64 {
    let start = from.map_or(if by > 0 { low as f64 - 1.0 } else { last as f64 + 1.0 }, f64::round);
    (start + by as f64).clamp(low as f64, last as f64)
}
