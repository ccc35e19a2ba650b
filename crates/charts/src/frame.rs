//! The plot's frame: margins, axes, grid, and labels at the ends of lines.

use crate::{
    chart::View,
    clip::{self, Beyond, Window},
    colour::Rgb,
    scale::Scale,
    scene::{Anchor, Label, Mark, Stroke, fit, text_width},
    theme::{Hue, Theme},
};

/// Font size of ticks, CSS pixels.
pub const TICK: f64 = 11.0;
/// Font size of labels and of axis names, CSS pixels.
pub const LABEL: f64 = 12.0;
/// Font size of a title, CSS pixels.
pub const TITLE: f64 = 15.0;
/// Least distance between two labels' middles.
const LINE: f64 = 14.0;

/// The rectangle that data are drawn in, CSS pixels, with its scales.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    /// Left edge of the plot.
    pub left: f64,
    /// Upper edge of the plot; y points down.
    pub top: f64,
    /// Right edge of the plot.
    pub right: f64,
    /// Lower edge of the plot.
    pub bottom: f64,
    /// The horizontal scale, from `left` to `right`.
    pub x: Scale,
    /// The vertical scale, from `bottom` up to `top`.
    pub y: Scale,
}

/// What stands beside the axes.
#[derive(Clone, Debug, PartialEq)]
pub struct AxisNames<'a> {
    /// Name of the horizontal axis, with its unit. Empty: it has no ticks either, as the panel
    /// below has them.
    pub x: &'a str,
    /// Name of the vertical axis, with its unit.
    pub y: &'a str,
    /// The chart's width, CSS pixels.
    pub width: f64,
}

/// Room that a title takes at the top, when it is drawn.
pub const TITLE_ROOM: f64 = 26.0;

/// Room above the plot for the title (when it is drawn) and the y axis' name.
pub fn head(view: &View) -> f64 {
    26.0 + title_room(view)
}

/// Room for the title, if it is drawn.
pub fn title_room(view: &View) -> f64 {
    if view.titled { TITLE_ROOM } else { 0.0 }
}

/// Room for labels at the right, from the longest of them; never more than a third of the chart, nor than a few words.
pub fn tail<'a>(view: &View, labels: impl Iterator<Item = &'a str>) -> f64 {
    let widest = labels.map(|l| text_width(l, LABEL)).fold(0.0, f64::max);
    (widest + 24.0).clamp(16.0, (view.width / 3.0).clamp(16.0, 170.0))
}

/// Room below the plot for ticks and the x axis' name.
pub const FOOT: f64 = 38.0;
/// Room at the left for ticks, at least: the widest tick's text may need more.
pub const SIDE: f64 = 46.0;
/// Between a tick's text and the plot, and between it and the chart's edge.
const TICK_GAP: f64 = 7.0;
const TICK_MARGIN: f64 = 3.0;

impl Frame {
    /// The whole view less its margins; never thinner than a few pixels.
    pub fn new(view: &View, tail: f64, x: Scale, y: Scale) -> Self {
        Self::between(view, tail, head(view), view.height - FOOT, x, y)
    }

    /// As [`Frame::new`], between two heights.
    pub fn between(view: &View, tail: f64, top: f64, bottom: f64, x: Scale, y: Scale) -> Self {
        let bottom = bottom.max(top + 10.0);
        let widest = y.ticks(tick_count(top, bottom)).iter().map(|t| text_width(&t.1, TICK)).fold(0.0, f64::max);
        let left = SIDE.max(widest + TICK_GAP + TICK_MARGIN);
        Self { left, top, right: (view.width - tail).max(left + 10.0), bottom, x, y }
    }

    /// The rectangle without its scales.
    pub fn window(&self) -> Window {
        Window { left: self.left, top: self.top, right: self.right, bottom: self.bottom }
    }

    /// CSS pixels of a point of the data, which may lie outside the frame; not finite where the axis has no place for it.
    pub fn point(&self, x: f64, y: f64) -> (f64, f64) {
        (self.px(x), self.py(y))
    }

    /// The same; `None` outside the frame: for dots.
    pub fn place(&self, x: f64, y: f64) -> Option<(f64, f64)> {
        Some(self.point(x, y)).filter(|at| self.window().holds(*at))
    }

    /// CSS pixels of a horizontal value; not finite where the axis has no place for it.
    pub fn px(&self, x: f64) -> f64 {
        self.left + self.x.share(x) * (self.right - self.left)
    }

    /// CSS pixels of a vertical value; not finite where the axis has no place for it.
    pub fn py(&self, y: f64) -> f64 {
        self.bottom - self.y.share(y) * (self.bottom - self.top)
    }

    /// As [`Frame::py`], for the lower end of a band or of an error bar: what reaches down to 0 goes on below a logarithmic axis.
    fn py_of_edge(&self, y: f64) -> f64 {
        self.bottom - clip::edge(&self.y, y) * (self.bottom - self.top)
    }

    /// The data's x under a pixel; `None` beside the plot (with a little tolerance).
    pub fn x_at(&self, px: f64) -> Option<f64> {
        let share = (px - self.left) / (self.right - self.left);
        (-0.03..=1.03).contains(&share).then(|| self.x.at(share.clamp(0.0, 1.0)))
    }

    /// A line through the data's points, cut where it leaves the frame; pieces lie between points that are no numbers, at which no
    /// mark is drawn.
    pub fn path(&self, points: &[(f64, f64)]) -> Vec<(f64, f64)> {
        let all: Vec<(f64, f64)> = points.iter().map(|(x, y)| self.point(*x, *y)).collect();
        self.window().line(&all).join(&(f64::NAN, f64::NAN))
    }

    /// The parts of a band inside the frame; `edges` are (x, low, high). It has a gap where the axis has no place for its upper edge.
    pub fn band(&self, edges: &[(f64, f64, f64)]) -> Vec<Vec<(f64, f64)>> {
        let edge = |e: &(f64, f64, f64)| (self.px(e.0), self.py(e.2), self.py_of_edge(e.1));
        self.window().band(&edges.iter().map(edge).collect::<Vec<_>>())
    }

    /// An upright error bar, as much as there is of it inside the frame; nothing where the axis has no place for its upper end.
    pub fn bar(&self, x: f64, low: f64, high: f64) -> Vec<(f64, f64)> {
        let x = self.px(x);
        let top = self.py(high);
        if !top.is_finite() {
            return Vec::new();
        }
        self.window().line(&[(x, self.py_of_edge(low)), (x, top)]).concat()
    }

    /// Where the label of a line through these points belongs: at the last that the axis has a height for, or at the edge that the line
    /// has left by. And whether the line itself comes there.
    pub fn end(&self, points: &[(f64, f64)]) -> Option<((f64, f64), bool)> {
        let place = |p: &(f64, f64)| Some(self.point(p.0, p.1)).filter(|p| p.0.is_finite() && p.1.is_finite());
        let (at, (x, y)) = points.iter().enumerate().rev().find_map(|(i, p)| Some((i, place(p)?)))?;
        let end = (x.clamp(self.left, self.right), y.clamp(self.top, self.bottom));
        Some((end, at + 1 == points.len() && self.window().holds((x, y))))
    }

    /// What the y axis does not show of some values.
    pub fn beyond(&self, values: impl IntoIterator<Item = f64>) -> Beyond {
        Beyond::of(&self.y, values)
    }

    /// Sentences at the plot's bottom, over what is drawn there.
    pub fn remarks(&self, marks: &mut Vec<Mark>, theme: &Theme, sentences: &[String]) {
        let room = (self.right - self.left - 16.0).max(40.0);
        let lines: Vec<String> = sentences.iter().flat_map(|s| wrap(s, TICK, room)).collect();
        for (i, line) in lines.iter().rev().enumerate() {
            let (x, y) = (self.left + 8.0, self.bottom - 10.0 - LINE * i as f64);
            let to = (x + text_width(line, TICK) + 3.0, y + 0.5 * LINE);
            marks.push(Mark::Box { from: (x - 3.0, y - 0.5 * LINE), to, colour: theme.surface, alpha: 0.85 });
            marks.push(words(x, y, line, TICK, theme.muted, Anchor::Start));
        }
    }

    /// How far lines of this plot go on above and below it, once for all of them, right of where the last of them is cut. `lines` are the
    /// data's points.
    pub fn note_beyond(&self, marks: &mut Vec<Mark>, theme: &Theme, lines: &[Vec<(f64, f64)>]) {
        let all = self.beyond(lines.iter().flatten().map(|p| p.1));
        let (above, below) = ((all.above, self.top, 8.0, "↑ up to"), (all.below, self.bottom, -8.0, "↓ down to"));
        for (value, edge, inwards, arrow) in [above, below] {
            let Some(value) = value else { continue };
            let paths = lines.iter().flat_map(|line| self.path(line));
            let last = paths.filter(|p| (p.1 - edge).abs() < 0.01).map(|p| p.0).fold(self.left, f64::max);
            let text = format!("{arrow} {}", crate::number::short(value));
            let wide = text_width(&text, TICK);
            let (x, y) = ((last + 14.0).min(self.right - wide).max(self.left + 4.0), edge + inwards);
            let ground = ((x - 2.0, y - 0.5 * LINE), (x + wide, y + 0.5 * LINE));
            marks.push(Mark::Box { from: ground.0, to: ground.1, colour: theme.surface, alpha: 0.85 });
            marks.push(words(x, y, &text, TICK, theme.muted, Anchor::Start));
        }
    }

    /// The two ends of an upright line through the plot at a horizontal value, CSS pixels.
    pub fn rule(&self, x: f64) -> [(f64, f64); 2] {
        let x = self.px(x);
        [(x, self.top), (x, self.bottom)]
    }

    /// Grid, ticks and names. `x_ticks` come from the caller, who knows whether they are whole numbers.
    pub fn axes(&self, marks: &mut Vec<Mark>, theme: &Theme, x_ticks: &[(f64, String)], names: &AxisNames) {
        let grid = Stroke::new(theme.grid, 1.0);
        for (value, text) in self.y.ticks(tick_count(self.top, self.bottom)) {
            let y = self.py(value).round();
            marks.push(Mark::Line { points: vec![(self.left, y), (self.right, y)], stroke: grid });
            marks.push(words(self.left - TICK_GAP, y, &text, TICK, theme.muted, Anchor::End));
        }
        let axis = Stroke::new(theme.axis, 1.0);
        marks.push(Mark::Line { points: vec![(self.left, self.bottom), (self.right, self.bottom)], stroke: axis });
        if !names.x.is_empty() {
            for (value, text) in x_ticks {
                let x = self.px(*value).round();
                marks.push(Mark::Line { points: vec![(x, self.bottom), (x, self.bottom + 4.0)], stroke: axis });
                // The last one's text stays in the picture.
                let half = text_width(text, TICK) / 2.0 + 1.0;
                let middle = x.min(names.width - half).max(half);
                marks.push(words(middle, self.bottom + 13.0, text, TICK, theme.muted, Anchor::Middle));
            }
            let name = fit(names.x, LABEL, names.width - 8.0);
            let half = text_width(&name, LABEL) / 2.0 + 4.0;
            let middle = ((self.left + self.right) / 2.0).min(names.width - half).max(half);
            marks.push(words(middle, self.bottom + 29.0, &name, LABEL, theme.muted, Anchor::Middle));
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

/// About how many y ticks fit between two heights.
fn tick_count(top: f64, bottom: f64) -> usize {
    ((bottom - top) / 36.0).clamp(2.0, 8.0) as usize
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

/// A text that is not bold, with its font size in CSS pixels.
pub fn words(x: f64, y: f64, text: &str, size: f64, colour: Rgb, anchor: Anchor) -> Mark {
    Mark::Text(Label { x, y, text: text.into(), size, colour, anchor, bold: false })
}

/// A label to be put where its line ends.
#[derive(Clone, Debug, PartialEq)]
pub struct EndLabel {
    /// What the label says.
    pub text: String,
    /// How far the line goes on outside the frame; kept where the text has to be shortened.
    pub beyond: Beyond,
    /// The colour of the line, and of the label.
    pub hue: Hue,
    /// Where the line ends, CSS pixels.
    pub end: (f64, f64),
    /// The line comes there, so that a leader joins them.
    pub reached: bool,
}

/// Labels right of their lines' ends, moved apart where they would overlap, each joined to its line by a thin
/// leader. They stay between `top` and `bottom` and left of `right`.
pub fn end_labels(marks: &mut Vec<Mark>, all: Vec<EndLabel>, top: f64, bottom: f64, right: f64) {
    place_end_labels(marks, all, top, bottom, right);
}

/// As [`end_labels`]; returns each label's index in `all` and its height, from the top down.
pub fn place_end_labels(
    marks: &mut Vec<Mark>,
    all: Vec<EndLabel>,
    top: f64,
    bottom: f64,
    right: f64,
) -> Vec<(usize, f64)> {
    // Lines that end at the same height keep the caller's order. By insertion: a stable sort of a type of its own is 4 kB of wasm.
    let mut labels: Vec<(usize, EndLabel)> = Vec::new();
    for (i, label) in all.into_iter().enumerate().filter(|(_, l)| l.end.0.is_finite() && l.end.1.is_finite()) {
        let at = labels.partition_point(|l| l.1.end.1 <= label.end.1);
        labels.insert(at, (i, label));
    }
    let wanted: Vec<f64> = labels.iter().map(|l| l.1.end.1).collect();
    let heights = spread(&wanted, LINE, top + 2.0, bottom - 4.0);
    for ((_, label), &y) in labels.iter().zip(&heights) {
        let x = label.end.0 + 16.0;
        let stroke = Stroke::new(label.hue.line, 1.0).alpha(0.8);
        if label.reached {
            marks.push(Mark::Line { points: vec![(label.end.0 + 2.0, label.end.1), (x - 4.0, y)], stroke });
        }
        let text = label_text(&label.text, &label.beyond, (right - x).max(12.0));
        marks.push(words(x, y, &text, LABEL, label.hue.text, Anchor::Start));
    }
    labels.iter().map(|l| l.0).zip(heights).collect()
}

/// A name and how far its line goes on, in `room`: first with fewer words, then with shorter numbers, then with less of the name.
fn label_text(name: &str, beyond: &Beyond, room: f64) -> String {
    let [plain, brief] = [beyond.arrows(false), beyond.arrows(true)];
    for more in [&beyond.suffix(), &plain, &brief] {
        let text = name.to_owned() + more;
        if text_width(&text, LABEL) <= room {
            return text;
        }
    }
    // Long numbers would leave nothing of the name.
    let more = if text_width(&plain, LABEL) > 0.5 * room { brief } else { plain };
    let name = fit(name, LABEL, (room - text_width(&more, LABEL)).max(12.0));
    fit(&(name + &more), LABEL, room)
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
    fn a_label_keeps_how_far_its_line_goes_on() {
        let of = |values: &[f64]| Beyond::of(&Scale::linear(0.0, 2.0), values.iter().copied());
        let up = of(&[6.6]);
        assert_eq!(label_text("model", &up, 200.0), "model, up to 6.60 ↑");
        // In just the room that the name needs beside the number, it is whole.
        let room = text_width("model 6.60 ↑", LABEL) + 0.1;
        assert_eq!(label_text("model", &up, room), "model 6.60 ↑");
        assert!(label_text("model", &up, room - 1.0).ends_with("… 6.60 ↑"));
        let short = label_text("earlier: learning rate 0.01", &up, 120.0);
        assert!(short.starts_with("earlier") && short.ends_with("… 6.60 ↑"), "{short}");
        assert_eq!(label_text("model", &of(&[1.0]), 100.0), "model");
        // Both ways and far: both arrows stay.
        let both = of(&[-1e6, 1.25e6]);
        assert_eq!(label_text("model", &both, 300.0), "model, −1,000,000 ↓ to 1,250,000 ↑");
        assert_eq!(label_text("model", &both, 150.0), "model −1e6 ↓ 1.2e6 ↑");
        let short = label_text("earlier: learning rate 0.01", &both, 150.0);
        assert!(short.starts_with("ea") && short.ends_with("… −1e6 ↓ 1.2e6 ↑"), "{short}");
        assert!(text_width(&short, LABEL) <= 150.0);
    }

    #[test]
    fn sentences_are_wrapped() {
        let lines = wrap("Press Run to see the loss at each position", 12.0, 120.0);
        assert!(lines.len() > 1 && lines.iter().all(|l| text_width(l, 12.0) <= 120.0));
    }
}
