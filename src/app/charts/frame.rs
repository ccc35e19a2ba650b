//! The plot's frame: margins, axes, grid, and labels at the ends of lines.

use crate::{
    app::{
        history::History,
        theme::{Hue, Theme},
    },
    experiment::Experiment,
    scale::Scale,
};

use super::{
    View,
    scene::{Anchor, Dash, Label, Mark, Stroke, fit, text_width},
};

/// Font sizes, CSS pixels.
pub const TICK: f64 = 11.0;
pub const LABEL: f64 = 12.0;
pub const TITLE: f64 = 15.0;
/// Least distance between two labels' middles.
const LINE: f64 = 14.0;

/// The rectangle that data are drawn in, CSS pixels, with its scales.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
    pub x: Scale,
    pub y: Scale,
}

/// What stands beside the axes.
#[derive(Clone, Debug, PartialEq)]
pub struct AxisNames<'a> {
    /// Empty: no ticks either (the panel below has them).
    pub x: &'a str,
    pub y: &'a str,
    /// The chart's width, CSS pixels.
    pub width: f64,
}

/// Room above the plot for the title (when it is drawn) and the y axis' name.
pub fn head(view: &View) -> f64 {
    26.0 + if view.titled { 26.0 } else { 0.0 }
}

/// Room for labels at the right, from the longest of them; never more than a third of the chart, nor than a few words.
pub fn tail<'a>(view: &View, labels: impl Iterator<Item = &'a str>) -> f64 {
    let widest = labels.map(|l| text_width(l, LABEL)).fold(0.0, f64::max);
    (widest + 24.0).clamp(16.0, (view.width / 3.0).clamp(16.0, 170.0))
}

/// Room below the plot for ticks and the x axis' name.
pub const FOOT: f64 = 38.0;
/// Room at the left for ticks.
pub const SIDE: f64 = 46.0;

impl Frame {
    /// The whole view less its margins; never thinner than a few pixels.
    pub fn new(view: &View, tail: f64, x: Scale, y: Scale) -> Self {
        Self::between(view, tail, head(view), view.height - FOOT, x, y)
    }

    /// As [`Frame::new`], between two heights.
    pub fn between(view: &View, tail: f64, top: f64, bottom: f64, x: Scale, y: Scale) -> Self {
        let right = (view.width - tail).max(SIDE + 10.0);
        Self { left: SIDE, top, right, bottom: bottom.max(top + 10.0), x, y }
    }

    /// CSS pixels of a point of the data. Heights beyond the frame are held at its edge; what has no place on a
    /// logarithmic axis is NaN, and no mark is drawn there.
    pub fn point(&self, x: f64, y: f64) -> (f64, f64) {
        (self.px(x), self.py(y))
    }

    pub fn px(&self, x: f64) -> f64 {
        self.left + self.x.share(x) * (self.right - self.left)
    }

    pub fn py(&self, y: f64) -> f64 {
        if self.y.log && y <= 0.0 {
            return f64::NAN;
        }
        // `clamp` keeps NaN.
        self.bottom - self.y.share(y).clamp(0.0, 1.0) * (self.bottom - self.top)
    }

    /// As [`Frame::py`], but at the bottom where a logarithm does not exist: for the lower edge of a band.
    pub fn py_or_bottom(&self, y: f64) -> f64 {
        let y = self.py(y);
        if y.is_finite() { y } else { self.bottom }
    }

    /// The data's x under a pixel; `None` beside the plot (with a little tolerance).
    pub fn x_at(&self, px: f64) -> Option<f64> {
        let share = (px - self.left) / (self.right - self.left);
        (-0.03..=1.03).contains(&share).then(|| self.x.at(share.clamp(0.0, 1.0)))
    }

    /// A line through the data's points, cut where it leaves the frame by its top.
    pub fn path(&self, points: &[(f64, f64)]) -> Vec<(f64, f64)> {
        let high = self.y.high;
        let mut path = Vec::with_capacity(points.len());
        for (i, &(x, y)) in points.iter().enumerate() {
            if let Some(&(x0, y0)) = i.checked_sub(1).and_then(|before| points.get(before))
                && (y0 > high) != (y > high)
            {
                let crossing = x0 + (x - x0) * (high - y0) / (y - y0);
                path.push(self.point(crossing, high));
            }
            // No mark is drawn at NaN: what is beyond the top becomes a gap.
            path.push(if y > high { (f64::NAN, f64::NAN) } else { self.point(x, y) });
        }
        path
    }

    pub fn rule(&self, x: f64) -> [(f64, f64); 2] {
        let x = self.px(x);
        [(x, self.top), (x, self.bottom)]
    }

    /// Grid, ticks and names. `x_ticks` come from the caller, who knows whether they are whole numbers.
    pub fn axes(&self, marks: &mut Vec<Mark>, theme: &Theme, x_ticks: &[(f64, String)], names: &AxisNames) {
        let grid = Stroke::new(theme.grid, 1.0);
        let rows = ((self.bottom - self.top) / 36.0).clamp(2.0, 8.0) as usize;
        for (value, text) in self.y.ticks(rows) {
            let y = self.py(value).round();
            marks.push(Mark::Line { points: vec![(self.left, y), (self.right, y)], stroke: grid });
            marks.push(words(self.left - 7.0, y, &text, TICK, theme.muted, Anchor::End));
        }
        let axis = Stroke::new(theme.axis, 1.0);
        marks.push(Mark::Line { points: vec![(self.left, self.bottom), (self.right, self.bottom)], stroke: axis });
        if !names.x.is_empty() {
            for (value, text) in x_ticks {
                let x = self.px(*value).round();
                marks.push(Mark::Line { points: vec![(x, self.bottom), (x, self.bottom + 4.0)], stroke: axis });
                marks.push(words(x, self.bottom + 13.0, text, TICK, theme.muted, Anchor::Middle));
            }
            let middle = (self.left + self.right) / 2.0;
            marks.push(words(middle, self.bottom + 29.0, names.x, LABEL, theme.muted, Anchor::Middle));
        }
        // The name may run over the labels' column at the right, and no further.
        let room = (names.width - 16.0).max(1.0);
        let size = (LABEL * room / text_width(names.y, LABEL).max(1.0)).clamp(10.0, LABEL);
        let name = fit(names.y, size, room);
        marks.push(words(8.0, self.top - 14.0, &name, size, theme.muted, Anchor::Start));
    }

    /// How many x ticks fit, `text` being the longest.
    pub fn x_room(&self, text: &str) -> usize {
        ((self.right - self.left) / (text_width(text, TICK) + 22.0)).clamp(2.0, 10.0) as usize
    }
}

/// The title of a picture that stands alone.
pub fn title(marks: &mut Vec<Mark>, view: &View, text: &str) {
    if view.titled {
        // Smaller before cut; bold letters are up to a quarter wider.
        let room = (view.width - 16.0).max(1.0) / 1.25;
        let size = (TITLE * room / text_width(text, TITLE).max(1.0)).clamp(11.0, TITLE);
        marks.push(Mark::Text(Label {
            x: 8.0,
            y: 18.0,
            text: fit(text, size, room),
            size,
            colour: view.theme.text,
            anchor: Anchor::Start,
            bold: true,
        }));
    }
}

pub fn words(x: f64, y: f64, text: &str, size: f64, colour: crate::app::theme::Rgb, anchor: Anchor) -> Mark {
    Mark::Text(Label { x, y, text: text.into(), size, colour, anchor, bold: false })
}

/// The prior stages as bands along the step axis; their names at height `y`, where they have room.
pub fn stages(marks: &mut Vec<Mark>, frame: &Frame, theme: &Theme, experiment: &Experiment, y: Option<f64>) {
    let steps = experiment.prior.steps as f64;
    for (i, (hue, text)) in [(theme.topic, "K′ topics"), (theme.sequence, "N′ of each")].into_iter().enumerate() {
        if steps > 0.0 {
            let (from, to) = (frame.px(i as f64 * steps), frame.px((i + 1) as f64 * steps));
            let (top, bottom) = ((from, frame.top), (to, frame.bottom));
            marks.push(Mark::Box { from: top, to: bottom, colour: hue.line, alpha: 0.1 });
            if let Some(y) = y.filter(|_| to - from > text_width(text, TICK) + 4.0) {
                marks.push(words((from + to) / 2.0, y, text, TICK, hue.text, Anchor::Middle));
            }
        }
    }
}

/// Marks the step that is looked at, where it is not the latest.
pub fn shown(marks: &mut Vec<Mark>, frame: &Frame, theme: &Theme, history: &History) {
    if let Some(step) = history.shown() {
        let x = frame.px(step as f64);
        let stroke = Stroke::new(theme.bayes.line, 1.0).dash(Dash::Dashed);
        marks.push(Mark::Line { points: vec![(x, frame.top), (x, frame.bottom)], stroke });
    }
}

/// `, prior stage on K′ topics`; empty in the training proper.
pub fn stage_of(experiment: &Experiment, step: usize) -> &'static str {
    let steps = experiment.prior.steps;
    match step {
        s if s <= steps && steps > 0 => ", prior stage on K′ topics",
        s if s <= 2 * steps => ", prior stage on N′ sequences of each topic",
        _ => "",
    }
}

/// A label to be put where its line ends.
#[derive(Clone, Debug, PartialEq)]
pub struct EndLabel {
    pub text: String,
    pub hue: Hue,
    pub dash: Dash,
    /// Where the line ends, CSS pixels.
    pub end: (f64, f64),
}

/// Labels right of their lines' ends, moved apart where they would overlap, each joined to its line by a thin
/// leader. They stay between `top` and `bottom` and left of `right`.
pub fn end_labels(marks: &mut Vec<Mark>, all: Vec<EndLabel>, top: f64, bottom: f64, right: f64) {
    // Lines that end at the same height keep the caller's order. By insertion: a stable sort of a type of its own is 4 kB of wasm.
    let mut labels: Vec<EndLabel> = Vec::new();
    for label in all.into_iter().filter(|l| l.end.0.is_finite() && l.end.1.is_finite()) {
        let at = labels.partition_point(|l| l.end.1 <= label.end.1);
        labels.insert(at, label);
    }
    let wanted: Vec<f64> = labels.iter().map(|l| l.end.1).collect();
    let heights = spread(&wanted, LINE, top + 2.0, bottom - 4.0);
    for (label, y) in labels.iter().zip(heights) {
        let x = label.end.0 + 16.0;
        let stroke = Stroke::new(label.hue.line, 1.0).alpha(0.8);
        marks.push(Mark::Line { points: vec![(label.end.0 + 2.0, label.end.1), (x - 4.0, y)], stroke });
        let text = fit(&label.text, LABEL, (right - x).max(12.0));
        marks.push(words(x, y, &text, LABEL, label.hue.text, Anchor::Start));
    }
}

/// Moves sorted heights apart to at least `gap`, as little as needed, within `low..=high`; closer together where
/// they do not all fit.
fn spread(wanted: &[f64], gap: f64, low: f64, high: f64) -> Vec<f64> {
    let n = wanted.len();
    if n == 0 {
        return Vec::new();
    }
    let gap = gap.min((high - low).max(0.0) / n.max(2).saturating_sub(1) as f64);
    // Groups of touching labels, each centred on the mean of what its members want.
    let mut groups: Vec<(f64, usize)> = Vec::new();
    for &y in wanted {
        let mut group = (y, 1usize);
        while let Some(&(mean, count)) = groups.last() {
            let (above_end, start) =
                (mean + gap * (count - 1) as f64 / 2.0, group.0 - gap * (group.1 - 1) as f64 / 2.0);
            if above_end + gap <= start {
                break;
            }
            groups.pop();
            let total = count + group.1;
            group = ((mean * count as f64 + group.0 * group.1 as f64) / total as f64, total);
        }
        groups.push(group);
    }
    let mut out: Vec<f64> = groups
        .iter()
        .flat_map(|&(mean, count)| (0..count).map(move |i| mean + gap * (i as f64 - (count - 1) as f64 / 2.0)))
        .collect();
    // Into the frame: up from the bottom, then down from the top.
    let mut limit = high;
    for y in out.iter_mut().rev() {
        *y = y.min(limit);
        limit = *y - gap;
    }
    let mut limit = low;
    for y in &mut out {
        *y = y.max(limit);
        limit = *y + gap;
    }
    out
}

/// A chart without data: what will be there and what starts it.
pub fn empty(view: &View, title_text: &str, sentences: &[&str]) -> Vec<Mark> {
    let mut marks = Vec::new();
    title(&mut marks, view, title_text);
    let width = (view.width - 48.0).clamp(60.0, 460.0);
    let lines: Vec<String> = sentences.iter().flat_map(|s| wrap(s, LABEL + 1.0, width)).collect();
    let start = view.height / 2.0 - 9.0 * (lines.len() as f64 - 1.0);
    for (i, line) in lines.iter().enumerate() {
        let y = start + 18.0 * i as f64;
        marks.push(words(view.width / 2.0, y, line, LABEL + 1.0, view.theme.muted, Anchor::Middle));
    }
    marks
}

/// Lines of at most `width` CSS pixels.
pub fn wrap(text: &str, size: f64, width: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if text_width(line, size) + text_width(word, size) + 0.4 * size <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.into()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_keep_their_distance_and_stay_inside() {
        let y = spread(&[90.0, 90.0, 90.0, 95.0, 20.0_f64.max(96.0)], 14.0, 0.0, 100.0);
        assert!(y.windows(2).all(|w| w[1] - w[0] >= 14.0 - 1e-9), "{y:?}");
        assert!(y[0] >= 0.0 && y[4] <= 100.0);
        assert_eq!(spread(&[10.0, 50.0], 14.0, 0.0, 100.0), [10.0, 50.0]);
        let crowded = spread(&[5.0; 20], 14.0, 0.0, 100.0);
        assert!(crowded.iter().all(|v| (-1e-9..=100.0 + 1e-9).contains(v)), "{crowded:?}");
        assert!(spread(&[], 14.0, 0.0, 100.0).is_empty());
    }

    #[test]
    fn sentences_are_wrapped() {
        let lines = wrap("Press Run to see the loss at each position", 12.0, 120.0);
        assert!(lines.len() > 1 && lines.iter().all(|l| text_width(l, 12.0) <= 120.0));
    }
}
