//! Lines with bands, points with error bars, and levels, against one horizontal axis.

use crate::{
    axis::XAxis,
    chart::{Axis, Chart, Readout, ReadoutLine, View, cell},
    clip::{Beyond, LOG_DEPTH},
    frame::{self, AxisNames, EndLabel, Frame},
    number,
    scale::Scale,
    scene::{Anchor, Dash, Mark, Scene, Stroke, text_width},
    style::{Ink, Style},
};

/// A chart whose data are given as numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct LineChart {
    /// What is shown: the heading.
    pub title: String,
    /// The horizontal axis.
    pub x: XAxis,
    /// What the vertical axis measures, with its unit: `loss, nats per token`.
    pub y: String,
    /// Behind a number in a read-out: `nats per token`; may be empty.
    pub unit: String,
    /// In drawing order: what lies on top comes last.
    pub lines: Vec<Line>,
    /// A logarithmic vertical axis where no value is below 0 and some are above. It is at most [`LOG_DEPTH`] deep.
    pub log: bool,
    /// The vertical scale to use in place of the one that fits: several charts side by side share theirs.
    pub like: Option<Scale>,
    /// Upright lines at these values of x, with a word at the top (may be empty).
    pub marks: Vec<(f64, String)>,
    /// The cursor goes from point to point, each read by itself, where points do not share their places on the horizontal axis.
    pub scattered: bool,
    /// What a point is about, in one sentence: read by screen readers with the title.
    pub about: String,
    /// In place of an empty plot: what will be here and what starts it.
    pub empty: String,
}

/// Points that belong together.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// At the line's end; may be empty.
    pub label: String,
    /// What read-outs and tables call the line where it has no label at its end. Without either, no read-out has it, and the
    /// cursor does not stop at its points unless all lines are so.
    pub name: String,
    /// Colour and dash.
    pub style: Style,
    /// How points and their errors are drawn.
    pub look: Look,
    /// The points, each with a finite x.
    pub points: Vec<Point>,
}

/// How the points of a line and their errors are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// A line, and errors as a band.
    Band,
    /// A line through points with error bars.
    Joined,
    /// Points with error bars.
    Points,
    /// The same value everywhere: every read-out has it.
    Level,
}

/// One value of a line, with its error and what is said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Place on the horizontal axis.
    pub x: f64,
    /// The value.
    pub y: f64,
    /// The lower end of the error bar or of the band; `y` where there is no error.
    pub low: f64,
    /// The upper end of the error bar or of the band; `y` where there is no error.
    pub high: f64,
    /// The value as a read-out says it, with its error and unit; made from `y` where it is empty.
    pub value: String,
    /// How the value was obtained; may be empty.
    pub how: String,
    /// What pressing the point chooses, for example a run of a sweep; may be empty.
    pub key: String,
}

impl Point {
    /// A value with its standard error: the ends are 1.96 standard errors away.
    pub fn measured(x: f64, y: f64, stderr: f64) -> Self {
        Self::within(x, y, y - 1.96 * stderr, y + 1.96 * stderr)
    }

    /// A value without an error.
    pub fn exact(x: f64, y: f64) -> Self {
        Self::within(x, y, y, y)
    }

    /// A value with the two ends of its error bar.
    pub fn within(x: f64, y: f64, low: f64, high: f64) -> Self {
        Self { x, y, low, high, value: String::new(), how: String::new(), key: String::new() }
    }

    /// Sets what a read-out says in place of the number.
    pub fn value(self, value: impl Into<String>) -> Self {
        Self { value: value.into(), ..self }
    }

    /// Sets how the value was obtained.
    pub fn how(self, how: impl Into<String>) -> Self {
        Self { how: how.into(), ..self }
    }

    /// Sets what pressing the point chooses.
    pub fn key(self, key: impl Into<String>) -> Self {
        Self { key: key.into(), ..self }
    }
}

impl Line {
    /// A line through these points. A point whose x is not finite is left out.
    pub fn new(label: impl Into<String>, style: Style, look: Look, points: impl IntoIterator<Item = Point>) -> Self {
        let points = points.into_iter().filter(|p| p.x.is_finite()).collect();
        Self { label: label.into(), name: String::new(), style, look, points }
    }

    /// A name for a line without a label at its end.
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// The label, or the name where there is none.
    fn called(&self) -> &str {
        if self.label.is_empty() { &self.name } else { &self.label }
    }

    /// The same value everywhere; `how` says what it is.
    pub fn level(label: impl Into<String>, style: Style, value: f64, how: impl Into<String>) -> Self {
        Self::new(label, style, Look::Level, [Point::exact(0.0, value).how(how)])
    }

    fn is_level(&self) -> bool {
        self.look == Look::Level
    }
}

impl LineChart {
    /// A chart without lines, with linear axes. `y` names the vertical axis, `unit` stands behind
    /// numbers in read-outs.
    pub fn new(title: impl Into<String>, x: XAxis, y: impl Into<String>, unit: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            x,
            y: y.into(),
            unit: unit.into(),
            lines: Vec::new(),
            log: false,
            like: None,
            marks: Vec::new(),
            scattered: false,
            about: String::new(),
            empty: "Nothing was measured yet.".into(),
        }
    }

    /// The vertical scale that fits: it reaches all values and their errors.
    pub fn y_scale(&self) -> Scale {
        let points = || self.lines.iter().flat_map(|l| &l.points);
        let values = || points().map(|p| p.y).filter(|y| y.is_finite());
        let log = self.log && values().all(|y| y >= 0.0) && values().any(|y| y > 0.0);
        let high = points().flat_map(|p| [p.high, p.y]).filter(|v| v.is_finite()).fold(f64::NEG_INFINITY, f64::max);
        if log {
            let least = values().filter(|y| *y > 0.0).fold(f64::INFINITY, f64::min).max(high * LOG_DEPTH);
            // An error bar that reaches 0 would make the axis endless: it counts for a factor of three.
            let low = points().flat_map(|p| [p.low, p.y]).filter(|v| *v > 0.0).fold(f64::INFINITY, f64::min);
            return Scale::of_values(low.max(least / 3.0), high, true);
        }
        let low = points().flat_map(|p| [p.low, p.y]).filter(|v| v.is_finite()).fold(f64::INFINITY, f64::min);
        match low <= high {
            // 0 belongs on a linear axis of what is near it.
            true if low > 0.0 && low < 0.4 * high => Scale::of_values(0.0, high, false),
            true => Scale::of_values(low, high, false),
            false => Scale::of_values(0.0, 1.0, false),
        }
    }

    /// The frame that data are drawn in.
    pub fn frame(&self, view: &View) -> Frame {
        let y = self.like.unwrap_or_else(|| self.y_scale());
        let labels: Vec<String> = self
            .lines
            .iter()
            .filter(|l| !l.label.is_empty())
            .map(|l| l.label.clone() + &Beyond::of(&y, l.points.iter().map(|p| p.y)).suffix())
            .collect();
        Frame::new(view, frame::tail(view, labels.iter().map(String::as_str)), self.x.scale, y)
    }

    fn is_empty(&self) -> bool {
        self.lines.iter().filter(|l| !l.is_level()).all(|l| l.points.is_empty())
    }

    /// A line's points as (x, y): a level goes from end to end.
    fn path(line: &Line, frame: &Frame) -> Vec<(f64, f64)> {
        match (line.look, line.points.first()) {
            (Look::Level, Some(p)) => vec![(frame.x.low, p.y), (frame.x.high, p.y)],
            _ => line.points.iter().map(|p| (p.x, p.y)).collect(),
        }
    }

    fn draw(&self, marks: &mut Vec<Mark>, frame: &Frame, view: &View, index: usize) {
        let line = &self.lines[index];
        let colour = line.style.ink.hue(&view.theme).line;
        let has_error = |p: &&Point| p.high > p.low;
        if line.look == Look::Band && line.points.iter().any(|p| has_error(&p)) {
            let edges: Vec<_> = line.points.iter().map(|p| (p.x, p.low, p.high)).collect();
            for points in frame.band(&edges) {
                marks.push(Mark::Area { points, colour, alpha: 0.16 });
            }
        }
        if line.look != Look::Points {
            // The model is wide, so that a narrow line on top of it, as exact Bayes' is, leaves both in sight.
            let width = match line.style.ink {
                Ink::Model => 3.0,
                Ink::Bayes => 1.5,
                _ => 2.0,
            };
            let points = frame.path(&Self::path(line, frame));
            marks.push(Mark::Line { points, stroke: Stroke::new(colour, width).dash(line.style.dash) });
        }
        if matches!(line.look, Look::Joined | Look::Points) {
            for point in &line.points {
                if point.high > point.low {
                    let bar = frame.bar(point.x, point.low, point.high);
                    if let [low, high] = bar[..] {
                        let stroke = Stroke::new(colour, 1.4);
                        marks.push(Mark::Line { points: vec![low, high], stroke });
                        // An error that goes on beyond the frame has no end there.
                        for value in [point.low, point.high] {
                            if let Some((x, y)) = frame.place(point.x, value) {
                                marks.push(Mark::Line { points: vec![(x - 3.5, y), (x + 3.5, y)], stroke });
                            }
                        }
                    }
                }
                if let Some(at) = frame.place(point.x, point.y) {
                    marker(marks, index, at, colour);
                }
            }
        }
    }

    /// All places on the axis at which something was measured, in order and once each.
    fn places(&self) -> Vec<f64> {
        let lines = || self.lines.iter().filter(|l| !l.is_level());
        let unread = lines().all(|l| l.called().is_empty());
        let mut all: Vec<f64> =
            lines().filter(|l| unread || !l.called().is_empty()).flat_map(|l| &l.points).map(|p| p.x).collect();
        all.sort_by(f64::total_cmp);
        all.dedup_by(|a, b| self.same(*a, *b));
        all
    }

    fn same(&self, a: f64, b: f64) -> bool {
        (self.x.scale.share(a) - self.x.scale.share(b)).abs() < 1e-9 || a == b
    }

    /// All points with their lines, from left to right: the places of a cursor that goes from point to point.
    fn single_points(&self) -> Vec<(&Line, &Point)> {
        let lines = self.lines.iter().filter(|l| !l.is_level());
        let mut all: Vec<(&Line, &Point)> = lines.flat_map(|l| l.points.iter().map(move |p| (l, p))).collect();
        all.retain(|(_, p)| p.y.is_finite());
        all.sort_by(|a, b| a.1.x.total_cmp(&b.1.x).then(a.1.y.total_cmp(&b.1.y)));
        all
    }

    fn nearest(&self, x: f64) -> Option<f64> {
        let share = self.x.scale.share(x);
        let off = |v: &f64| (self.x.scale.share(*v) - share).abs();
        self.places().into_iter().min_by(|a, b| off(a).total_cmp(&off(b)))
    }

    fn said(&self, point: &Point) -> String {
        if !point.value.is_empty() {
            return point.value.clone();
        }
        let stderr = (point.high - point.low) / 3.92;
        let number = number::with_error(point.y, stderr);
        if self.unit.is_empty() { number } else { format!("{number} {}", self.unit) }
    }
}

/// Shapes tell lines apart where colours do not.
pub fn marker(marks: &mut Vec<Mark>, index: usize, (x, y): (f64, f64), colour: crate::colour::Rgb) {
    let polygon = |corners: &[(f64, f64)]| corners.iter().map(|(dx, dy)| (x + dx, y + dy)).collect();
    let points: Vec<(f64, f64)> = match index % 6 {
        0 => return marks.push(Mark::Dot { at: (x, y), radius: 4.0, colour }),
        1 => polygon(&[(-3.5, -3.5), (3.5, -3.5), (3.5, 3.5), (-3.5, 3.5)]),
        2 => polygon(&[(0.0, -4.6), (4.4, 3.4), (-4.4, 3.4)]),
        3 => polygon(&[(0.0, -5.0), (5.0, 0.0), (0.0, 5.0), (-5.0, 0.0)]),
        4 => polygon(&[(0.0, 4.6), (4.4, -3.4), (-4.4, -3.4)]),
        _ => polygon(&[
            (-1.5, -4.5),
            (1.5, -4.5),
            (1.5, -1.5),
            (4.5, -1.5),
            (4.5, 1.5),
            (1.5, 1.5),
            (1.5, 4.5),
            (-1.5, 4.5),
            (-1.5, 1.5),
            (-4.5, 1.5),
            (-4.5, -1.5),
            (-1.5, -1.5),
        ]),
    };
    marks.push(Mark::Area { points, colour, alpha: 1.0 });
}

impl Chart for LineChart {
    fn title(&self) -> String {
        self.title.clone()
    }

    fn axis(&self) -> Axis {
        if self.scattered { Axis::Own } else { self.x.cursor }
    }

    fn scene(&self, view: &View) -> Scene {
        if self.is_empty() {
            return Scene { axes: frame::empty(view, &self.title, &[&self.empty]), series: Vec::new() };
        }
        let theme = &view.theme;
        let frame = self.frame(view);
        let (mut axes, mut series) = (Vec::new(), Vec::new());
        frame::title(&mut axes, view, &self.title);
        let log = if frame.y.log { " (log scale)" } else { "" };
        let longest = self.x.ticks(6).iter().map(|t| t.1.clone()).max_by_key(String::len).unwrap_or_default();
        let ticks = self.x.ticks(frame.x_room(&longest));
        let names = AxisNames { x: &self.x.name, y: &format!("{}{log}", self.y), width: view.width };
        frame.axes(&mut axes, theme, &ticks, &names);
        for (x, word) in self.marks.iter().filter(|(x, _)| (-1e-9..=1.0 + 1e-9).contains(&frame.x.share(*x))) {
            let stroke = Stroke::new(theme.text, 1.0).dash(Dash::Dashed).alpha(0.7);
            let x = frame.px(*x);
            series.push(Mark::Line { points: vec![(x, frame.top), (x, frame.bottom)], stroke });
            let (anchor, by) = if x + text_width(word, frame::TICK) + 6.0 > frame.right {
                (Anchor::End, -4.0)
            } else {
                (Anchor::Start, 4.0)
            };
            series.push(frame::words(x + by, frame.top + 6.0, word, frame::TICK, theme.text, anchor));
        }
        let (mut labels, mut named, mut remarks) = (Vec::<EndLabel>::new(), Vec::new(), Vec::new());
        let mut all = Beyond::default();
        let mut drawn = false;
        for (index, line) in self.lines.iter().enumerate() {
            self.draw(&mut series, &frame, view, index);
            let points = Self::path(line, &frame);
            drawn |= points.iter().any(|p| frame.place(p.0, p.1).is_some()) || !frame.path(&points).is_empty();
            let beyond = frame.beyond(line.points.iter().map(|p| p.y));
            all = all.and(beyond);
            let name = if line.called().is_empty() { "values" } else { line.called() };
            remarks.extend(beyond.gaps(name));
            match frame.end(&points) {
                Some((end, reached)) if !line.label.is_empty() => {
                    named.push(index);
                    labels.push(EndLabel {
                        text: line.label.clone(),
                        beyond,
                        hue: line.style.ink.hue(theme),
                        end: if line.look == Look::Points { (frame.right, end.1) } else { end },
                        reached: reached && line.look != Look::Points,
                    });
                }
                _ if line.label.is_empty() && !beyond.words().is_empty() => {
                    remarks.push(format!("Cut at the frame: {}", beyond.words()));
                }
                _ => {}
            }
        }
        if !drawn {
            let what = self.y.split(',').next().unwrap_or_default();
            remarks = vec![all.nothing(if what.is_empty() { "this" } else { what }, "everywhere")];
        }
        // Labels of lines that end earlier stand at the frame's edge too, so that none lies on another line.
        for label in &mut labels {
            if label.end.0 < frame.right - 1.0 {
                label.reached = false;
                label.end.0 = frame.right;
            }
        }
        // A label that no leader joins to its line has the line's marker or dash before it.
        let samples: Vec<Option<usize>> =
            named.into_iter().zip(&labels).map(|(index, label)| (!label.reached).then_some(index)).collect();
        for (label, y) in frame::place_end_labels(&mut series, labels, frame.top, frame.bottom, view.width - 4.0) {
            let Some(index) = samples[label] else { continue };
            let line = &self.lines[index];
            let colour = line.style.ink.hue(theme).line;
            match line.look {
                Look::Joined | Look::Points => marker(&mut series, index, (frame.right + 8.0, y), colour),
                Look::Band | Look::Level => series.push(Mark::Line {
                    points: vec![(frame.right + 3.0, y), (frame.right + 13.0, y)],
                    stroke: Stroke::new(colour, 2.0).dash(line.style.dash),
                }),
            }
        }
        frame.remarks(&mut series, theme, &remarks);
        Scene { axes, series }
    }

    fn cursor_at(&self, view: &View, x: f64, y: f64) -> Option<f64> {
        let frame = self.frame(view);
        let value = frame.x_at(x)?;
        if !self.scattered {
            return self.nearest(value);
        }
        let points = self.single_points().into_iter().enumerate();
        let far = points.filter_map(|(i, (_, p))| {
            let (px, py) = frame.place(p.x, p.y)?;
            Some((i, (px - x).hypot(py - y)))
        });
        far.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(i, _)| i as f64)
    }

    fn cursor_moved(&self, from: Option<f64>, by: i64) -> Option<f64> {
        if self.scattered {
            return Some(crate::chart::moved(from, by, 0, self.single_points().len().checked_sub(1)?));
        }
        let places = self.places();
        let last = places.len().checked_sub(1)? as i64;
        let at = from.and_then(|x| self.nearest(x)).and_then(|x| places.iter().position(|p| self.same(*p, x)));
        let start = at.map_or(if by > 0 { -1 } else { last + 1 }, |at| at as i64);
        places.get(start.saturating_add(by).clamp(0, last) as usize).copied()
    }

    fn readout(&self, view: &View, cursor: f64) -> Option<Readout> {
        let frame = self.frame(view);
        if self.scattered {
            let index = (cursor.is_finite() && cursor >= 0.0).then_some(cursor.round() as usize)?;
            let (line, point) = *self.single_points().get(index)?;
            let name = if line.label.is_empty() { self.y.split(',').next().unwrap_or_default() } else { &line.label };
            let line = ReadoutLine {
                name: name.into(),
                value: self.said(point),
                how: point.how.clone(),
                hue: Some(line.style.ink.hue(&view.theme)),
                at: frame.place(point.x, point.y),
            };
            return Some(Readout {
                cursor,
                rule: frame.rule(point.x),
                title: self.x.place(point.x),
                lines: vec![line],
            });
        }
        let x = self.nearest(cursor)?;
        let line = |line: &Line| {
            let point =
                if line.is_level() { line.points.first()? } else { line.points.iter().find(|p| self.same(p.x, x))? };
            Some(ReadoutLine {
                name: line.called().into(),
                value: self.said(point),
                how: point.how.clone(),
                hue: Some(line.style.ink.hue(&view.theme)),
                at: frame.place(x, point.y),
            })
        };
        let lines = self.lines.iter().rev().filter(|l| !l.called().is_empty()).filter_map(line).collect();
        Some(Readout { cursor: x, rule: frame.rule(x), title: self.x.place(x), lines })
    }

    fn pick(&self, view: &View, x: f64, y: f64) -> Option<String> {
        let frame = self.frame(view);
        let points = self.lines.iter().flat_map(|l| &l.points).filter(|p| !p.key.is_empty());
        let near = points.filter_map(|p| {
            let (px, py) = frame.place(p.x, p.y)?;
            let far = (px - x).hypot(py - y);
            (far < 16.0).then_some((far, &p.key))
        });
        near.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, key)| key.clone())
    }

    fn summary(&self) -> String {
        if self.is_empty() {
            return format!("{}. {}", self.title, self.empty);
        }
        let last = |l: &Line| {
            let point = l.points.iter().rev().find(|p| p.y.is_finite())?;
            let place = self.x.place(point.x);
            let place = if self.x.ticks.is_some() { place } else { place.to_lowercase() };
            let at = if l.is_level() { String::new() } else { format!(" at {place}") };
            Some(format!("{} {}{at}", l.label, self.said(point)))
        };
        let lines: Vec<String> = match self.scattered {
            true => vec![format!("{} points", self.single_points().len())],
            false => self.lines.iter().filter(|l| !l.label.is_empty()).filter_map(last).collect(),
        };
        let about = if self.about.is_empty() { String::new() } else { format!(" {}", self.about) };
        format!("{}: {} against {}. {}.{about}", self.title, self.y, self.x.name, lines.join("; "))
    }

    fn csv(&self) -> String {
        let x_name = if self.x.word.is_empty() || self.x.ticks.is_some() {
            self.x.name.clone()
        } else {
            self.x.word.to_lowercase()
        };
        let mut csv = format!("line,{},{},low,high,how\n", quoted(&x_name), quoted(&self.y));
        for line in &self.lines {
            for p in &line.points {
                let x = if line.is_level() {
                    String::new()
                } else if let Some(name) = self.x.setting(p.x) {
                    quoted(name)
                } else {
                    p.x.to_string()
                };
                let [y, low, high] = [p.y, p.low, p.high].map(|v| cell(Some(v)));
                csv.push_str(&format!("{},{x},{y},{low},{high},{}\n", quoted(line.called()), quoted(&p.how)));
            }
        }
        csv
    }
}

/// Text as a CSV cell.
pub fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.into() }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{style::predictor, theme::Theme};

    fn chart() -> LineChart {
        let model = (1..=5).map(|i| Point::measured(f64::from(i), 1.0 / f64::from(i), 0.01).how("over 10 sequences"));
        let bayes = (1..=5).map(|i| Point::exact(f64::from(i), 0.9 / f64::from(i)));
        LineChart {
            lines: vec![
                Line::level("entropy rate", predictor("entropy rate"), 0.1, "the least"),
                Line::new("model", predictor("model"), Look::Band, model),
                Line::new("Bayes", predictor("Bayes"), Look::Band, bayes),
            ],
            ..LineChart::new("Loss", XAxis::positions(5), "loss, nats per token", "nats")
        }
    }

    fn view() -> View {
        View::new(600.0, 300.0, Theme::light())
    }

    #[test]
    fn a_cursor_reads_every_line_where_it_is() {
        let chart = chart();
        let frame = chart.frame(&view());
        let cursor = chart.cursor_at(&view(), frame.px(2.2), 50.0).expect("inside");
        assert_eq!(cursor, 2.0);
        let readout = chart.readout(&view(), cursor).expect("data");
        let names: Vec<&str> = readout.lines.iter().map(|l| l.name.as_str()).collect();
        assert_eq!((readout.title.as_str(), names), ("Position 2", vec!["Bayes", "model", "entropy rate"]));
        assert_eq!(readout.lines[1].value, "0.5000 ± 0.0100 nats");
        assert_eq!(readout.lines[1].at, frame.place(2.0, 0.5));
        assert_eq!(chart.cursor_moved(Some(2.0), 1), Some(3.0));
        assert_eq!(chart.cursor_moved(None, 1), Some(1.0));
        assert_eq!(chart.cursor_moved(None, -1), Some(5.0));
        assert_eq!(chart.cursor_moved(Some(5.0), i64::MAX), Some(5.0));
    }

    #[test]
    fn a_line_without_a_label_is_read_by_its_name_or_not_at_all() {
        let mut chart = chart();
        let style = predictor("model");
        let points = |xs: &[f64]| xs.iter().map(|x| Point::exact(*x, 0.5)).collect::<Vec<_>>();
        chart.lines.push(Line::new("", style, Look::Points, points(&[2.0])).named("pale model"));
        chart.lines.push(Line::new("", style, Look::Band, points(&[2.4, 3.0])));
        assert_eq!(chart.nearest(2.4), Some(2.0), "a line that no read-out has is no place for the cursor");
        let readout = chart.readout(&view(), 2.0).expect("data");
        assert_eq!((readout.lines[0].name.as_str(), readout.lines[0].value.as_str()), ("pale model", "0.5000 nats"));
        assert_eq!(chart.readout(&view(), 3.0).expect("data").lines.len(), 3);
        assert!(chart.csv().contains("\npale model,2,0.5,0.5,0.5,\n"), "{}", chart.csv());
        // Where no line has a name, their points are all that there is.
        chart.lines.drain(..chart.lines.len() - 1);
        assert_eq!(chart.nearest(2.6), Some(2.4));
    }

    #[test]
    fn the_table_has_every_number_that_is_drawn() {
        let csv = chart().csv();
        assert!(
            csv.starts_with(
                "line,position,\"loss, nats per token\",low,high,how\nentropy rate,,0.1,0.1,0.1,the least\n"
            ),
            "{csv}"
        );
        assert_eq!(csv.lines().count(), 1 + 1 + 10);
    }

    #[test]
    fn a_point_is_picked_by_its_key() {
        let mut chart = chart();
        chart.lines[1].points[2].key = "run 7".into();
        let frame = chart.frame(&view());
        let (x, y) = frame.point(3.0, 1.0 / 3.0);
        assert_eq!(chart.pick(&view(), x + 3.0, y - 3.0).as_deref(), Some("run 7"));
        assert_eq!(chart.pick(&view(), x + 40.0, y), None);
    }

    #[test]
    fn a_name_that_no_leader_joins_to_its_line_has_its_marker() {
        let line = |label: &str, look, y| Line::new(label, predictor("model"), look, [Point::exact(2.0, y)]);
        let lines = vec![line("a", Look::Points, 0.5), line("b", Look::Points, 0.1), line("c", Look::Points, 0.9)];
        let chart = LineChart { lines, ..chart() };
        let frame = chart.frame(&view());
        let scene = chart.scene(&view());
        let beside = |mark: &&Mark| match mark {
            Mark::Dot { at, .. } => at.0 > frame.right,
            Mark::Area { points, .. } => points.iter().all(|p| p.0 > frame.right),
            _ => false,
        };
        let markers: Vec<&Mark> = scene.series.iter().filter(beside).collect();
        // From the top down: the triangle of c, the dot of a, the square of b.
        let corners = markers.iter().map(|m| if let Mark::Area { points, .. } = m { points.len() } else { 0 });
        assert_eq!(corners.collect::<Vec<_>>(), [3, 0, 4]);
        let at = |mark: &Mark| if let Mark::Dot { at, .. } = mark { at.1 } else { f64::NAN };
        let named =
            scene.series.iter().find_map(|m| if let Mark::Text(l) = m { (l.text == "a").then_some(l.y) } else { None });
        assert_eq!(Some(at(markers[1])), named);
    }

    #[test]
    fn scattered_points_are_read_one_by_one() {
        let point = |x, y, how: &str| Point::exact(x, y).how(how);
        let points = [point(2.0, 0.5, "b"), point(1.0, 0.1, "a"), point(2.0, 0.9, "c")];
        let chart = LineChart {
            lines: vec![Line::new("", predictor("model"), Look::Points, points)],
            scattered: true,
            ..chart()
        };
        let frame = chart.frame(&view());
        let (x, y) = frame.point(2.0, 0.9);
        let read = |at| chart.readout(&view(), at).map(|r| (r.lines[0].name.clone(), r.lines[0].how.clone()));
        assert_eq!(chart.cursor_at(&view(), x + 9.0, y), Some(2.0));
        assert_eq!(read(2.0), Some(("loss".into(), "c".into())));
        assert_eq!(chart.cursor_moved(None, 1).and_then(read), Some(("loss".into(), "a".into())));
        assert_eq!((chart.cursor_moved(Some(2.0), 1), read(3.0)), (Some(2.0), None));
        assert!(chart.summary().contains("3 points"), "{}", chart.summary());
    }

    #[test]
    fn values_outside_the_frame_are_cut_and_said() {
        let mut chart = chart();
        chart.like = Some(Scale::linear(0.0, 0.5));
        let text = chart.scene(&view()).svg(600.0, 300.0, Theme::light().surface);
        assert!(text.contains("up to 1.00 ↑") || text.contains("1.00 ↑"), "{text}");
        let frame = chart.frame(&view());
        for mark in &chart.scene(&view()).series {
            if let Mark::Line { points, .. } | Mark::Area { points, .. } = mark {
                let inside = |p: &&(f64, f64)| p.0 <= frame.right + 0.1 && p.0 >= frame.left - 0.1;
                for p in points.iter().filter(inside).filter(|p| p.1.is_finite()) {
                    assert!((frame.top - 0.1..=frame.bottom + 0.1).contains(&p.1), "{p:?}");
                }
            }
        }
    }

    #[test]
    fn an_empty_chart_says_what_will_be_there() {
        let empty = LineChart { lines: vec![Line::level("a", predictor("a"), 1.0, "")], ..chart() };
        assert!(empty.scene(&view()).svg(600.0, 300.0, Theme::light().surface).contains("Nothing was measured yet."));
        assert!(empty.readout(&view(), 1.0).is_none() && empty.cursor_moved(None, 1).is_none());
        assert!(empty.summary().ends_with("Nothing was measured yet."));
    }
}
