//! Lines with error bars, lines with bands, and scattered points: everything with a value axis.

use super::{GRID, Panel, Place, SIZE, TITLE, open_mark, value_scale, value_ticks};
use crate::{
    clip::{self, Beyond, LOG_DEPTH, Window},
    picture::svg::{AXIS, Anchor, INK, MUTED, Paint, Svg, num, width},
    scale::Scale,
};

const WIDE: f64 = 380.0;
const HIGH: f64 = 230.0;
/// Between names at the lines' ends.
const LABELS_APART: f64 = 15.0;
/// Between sentences below the plot.
const REMARKS_APART: f64 = 15.0;

/// One chart.
#[derive(Clone, Debug)]
pub struct Lines {
    /// Above the plot; may be empty.
    pub title: String,
    pub x: Place,
    /// With its unit: `loss, nats per token`.
    pub y: String,
    pub series: Vec<Series>,
    /// A logarithmic value axis, where no value is below 0 and some are above; those that are 0 are gaps in it, and it is at most
    /// [`LOG_DEPTH`] deep.
    pub log: bool,
    /// Of several panels, all have the scale that fits all.
    pub like: Option<Scale>,
    /// Upright lines at these shares of the x axis, with a word at the top (may be empty).
    pub marks: Vec<(f64, String)>,
    /// Inner size in shares of the usual one.
    pub shrink: f64,
}

/// Points that belong together.
#[derive(Clone, Debug)]
pub struct Series {
    /// At the line's end.
    pub label: String,
    pub paint: Paint,
    pub dash: &'static str,
    /// Joined by a line; otherwise only points.
    pub joined: bool,
    /// Errors as a band instead of bars, and no points.
    pub band: bool,
    pub points: Vec<Point>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Share of the axis, 0 to 1.
    pub x: f64,
    pub y: f64,
    /// Ends of the error bar or the band.
    pub low: f64,
    pub high: f64,
    /// What is said on hover.
    pub title: String,
    /// The cell's key; may be empty.
    pub key: String,
}

impl Lines {
    /// The value axis that this chart would have by itself: it reaches all values and their errors.
    pub fn scale(&self) -> Scale {
        let points = || self.series.iter().flat_map(|s| &s.points);
        let values = || points().map(|p| p.y).filter(|y| y.is_finite());
        let log = self.log && values().all(|y| y >= 0.0) && values().any(|y| y > 0.0);
        let high = points().flat_map(|p| [p.high, p.y]).filter(|v| v.is_finite()).fold(f64::NEG_INFINITY, f64::max);
        if log {
            let least = values().filter(|y| *y > 0.0).fold(f64::INFINITY, f64::min).max(high * LOG_DEPTH);
            // An error bar that reaches 0 would make the axis endless: it counts for a factor of three.
            let low = points().flat_map(|p| [p.low, p.y]).filter(|v| *v > 0.0).fold(f64::INFINITY, f64::min);
            return value_scale(low.max(least / 3.0), high, true);
        }
        let low = points().flat_map(|p| [p.low, p.y]).filter(|v| v.is_finite()).fold(f64::INFINITY, f64::min);
        match low <= high {
            // 0 belongs on a linear axis of what is near it.
            true if low > 0.0 && low < 0.4 * high => value_scale(0.0, high, false),
            true => value_scale(low, high, false),
            false => value_scale(0.0, 1.0, false),
        }
    }

    pub fn draw(&self) -> Panel {
        let scale = self.like.unwrap_or_else(|| self.scale());
        let (wide, high) = (WIDE * self.shrink, HIGH * self.shrink);
        let ticks = value_ticks(&scale);
        let left = ticks.iter().map(|t| width(&t.1) * SIZE).fold(0.0, f64::max) + 12.0;
        let top = if self.title.is_empty() { 22.0 } else { 42.0 };
        let mut svg = Svg::default();
        let log = if scale.log { " (log scale)" } else { "" };
        if !self.title.is_empty() {
            svg.text((0.0, 9.0), TITLE - 1.0, INK, Anchor::Start, &self.title);
        }
        svg.text((0.0, top - 14.0), SIZE, MUTED, Anchor::Start, &format!("{}{log}", self.y));
        svg.open((left, top), "");
        for (value, text) in &ticks {
            let y = high * (1.0 - scale.share(*value));
            svg.line(&format!("M0 {}h{}", num(y), num(wide)), 1.0, GRID, "");
            svg.text((-8.0, y), SIZE, MUTED, Anchor::End, text);
        }
        svg.line(&format!("M0 {}h{}", num(high), num(wide)), 1.0, AXIS, "");
        for (share, text) in &self.x.ticks {
            let x = wide * share;
            svg.line(&format!("M{} {}v4", num(x), num(high)), 1.0, AXIS, "");
            svg.text((x, high + 13.0), SIZE, MUTED, Anchor::Middle, text);
        }
        let words = |text: &str, size: f64| 1.05 * size * width(text);
        // A long name begins at the picture's left edge, not before it.
        let middle = (wide / 2.0).max(0.5 * words(&self.x.name, SIZE) - left);
        svg.text((middle, high + 31.0), SIZE, MUTED, Anchor::Middle, &self.x.name);
        let window = Window { left: 0.0, top: 0.0, right: wide, bottom: high };
        for (share, word) in self.marks.iter().filter(|(share, _)| (0.0..=1.0).contains(share)) {
            let x = wide * share;
            svg.line(
                &format!("M{} 0v{}", num(x), num(high)),
                1.0,
                INK,
                r#" stroke-dasharray="3 3" stroke-opacity="0.7""#,
            );
            let anchor = if *share > 0.7 { Anchor::End } else { Anchor::Start };
            svg.text((x + if *share > 0.7 { -4.0 } else { 4.0 }, 6.0), SIZE, INK, anchor, word);
        }
        let y_of = |v: f64| high * (1.0 - scale.share(v));
        let y_of_edge = |v: f64| high * (1.0 - clip::edge(&scale, v));
        let (mut ends, mut remarks) = (Vec::new(), Vec::new());
        let mut empty = true;
        for (index, series) in self.series.iter().enumerate() {
            let at: Vec<(f64, f64)> = series.points.iter().map(|p| (wide * p.x, y_of(p.y))).collect();
            if series.band && series.points.iter().any(|p| p.high > p.low) {
                // Where the axis has no place for the upper edge there is a gap.
                let edges: Vec<_> =
                    series.points.iter().map(|p| (wide * p.x, y_of(p.high), y_of_edge(p.low))).collect();
                svg.raw(r#"<g opacity="0.16">"#);
                for area in window.band(&edges) {
                    svg.shape(&format!("M{}Z", listed(&area)), series.paint);
                }
                svg.close();
            }
            if series.joined {
                for piece in window.line(&at) {
                    empty = false;
                    let dashes = dashed(series.dash);
                    let round = r#" stroke-linejoin="round""#;
                    // What stands alone between gaps is seen too.
                    let cap = if piece.len() == 1 { "h0.01" } else { "" };
                    let cap_style = if piece.len() == 1 { r#" stroke-linecap="round""# } else { "" };
                    let d = format!("M{}{cap}", listed(&piece));
                    svg.line(&d, 2.0, series.paint, &format!("{round}{cap_style}{dashes}"));
                }
            }
            for (point, (x, y)) in series.points.iter().zip(&at) {
                open_mark(&mut svg, &point.key, &point.title);
                let inside = window.holds((*x, *y));
                empty &= !inside;
                if series.band {
                    // Nothing to see, but something to point at.
                    if inside {
                        svg.raw(&format!(r#"<circle cx="{}" cy="{}" r="7" fill="transparent"/>"#, num(*x), num(*y)));
                    }
                } else {
                    error_bar(&mut svg, &window, *x, (y_of_edge(point.low), y_of(point.high)), series.paint, |end| {
                        let value = if end == 0 { point.low } else { point.high };
                        window.holds((*x, y_of(value)))
                    });
                    if inside {
                        marker(&mut svg, index, (*x, *y), series.paint);
                    }
                }
                svg.close();
            }
            let beyond = Beyond::of(&scale, series.points.iter().map(|p| p.y));
            let placed = |(_, p): &(usize, &(f64, f64))| p.0.is_finite() && p.1.is_finite();
            if let Some((last, &(x, y))) = at.iter().enumerate().rev().find(placed) {
                let reached = last + 1 == at.len() && window.holds((x, y));
                let height = if series.joined { y.clamp(0.0, high) } else { 0.0 };
                ends.push((height, x.clamp(0.0, wide), index, beyond.suffix(), reached));
            }
            if series.label.is_empty() && !beyond.words().is_empty() {
                remarks.push(format!("Cut at the frame: {}", beyond.words()));
            }
            remarks.extend(beyond.gaps(if series.label.is_empty() { "values" } else { &series.label }));
        }
        if empty {
            let all = Beyond::of(&scale, self.series.iter().flat_map(|s| &s.points).map(|p| p.y));
            // What the axis measures, without its unit.
            let what = self.y.split(',').next().unwrap_or_default();
            remarks = vec![all.nothing(if what.is_empty() { "this" } else { what }, "everywhere")];
        }
        let labels = self.labels(&mut svg, ends, wide, high);
        for (i, remark) in remarks.iter().enumerate() {
            svg.text((0.0, high + 48.0 + REMARKS_APART * i as f64), SIZE - 0.5, MUTED, Anchor::Start, remark);
        }
        svg.close();
        let remark = remarks.iter().map(|r| left + words(r, SIZE - 0.5)).fold(0.0, f64::max);
        let named = words(&self.title, TITLE - 1.0).max(words(&format!("{}{log}", self.y), SIZE));
        let below = left + middle + 0.5 * words(&self.x.name, SIZE);
        let reach = (left + wide + labels).max(named).max(remark).max(below);
        Panel { svg, size: (reach, top + high + 40.0 + REMARKS_APART * remarks.len() as f64) }
    }

    /// Names at the lines' ends, clear of each other; a list of markers where there are no lines. Gives the room that they take.
    fn labels(&self, svg: &mut Svg, mut ends: Vec<End>, wide: f64, high: f64) -> f64 {
        ends.retain(|(_, _, index, ..)| !self.series[*index].label.is_empty());
        ends.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut places: Vec<f64> = Vec::new();
        for (y, ..) in &ends {
            places.push(places.last().map_or(*y, |last| y.max(last + LABELS_APART)));
        }
        // What would hang below the plot is pushed up again.
        let mut below = high + 2.0;
        for place in places.iter_mut().rev() {
            *place = place.min(below);
            below = *place - LABELS_APART;
        }
        for ((y, x, index, beyond, reached), place) in ends.iter().zip(&places) {
            let series = &self.series[*index];
            if series.joined {
                let d = format!("M{} {}L{} {}", num(x + 5.0), num(*y), num(wide + 8.0), num(*place));
                if *reached {
                    svg.line(&d, 0.8, series.paint, r#" stroke-opacity="0.6""#);
                }
                if series.band {
                    let more = dashed(series.dash);
                    svg.line(&format!("M{} {}h16", num(wide + 8.0), num(*place)), 2.0, series.paint, &more);
                } else {
                    marker(svg, *index, (wide + 14.0, *place), series.paint);
                }
            } else {
                marker(svg, *index, (wide + 14.0, *place), series.paint);
            }
            let start = wide + if series.band { 29.0 } else { 23.0 };
            svg.text((start, *place), SIZE, INK, Anchor::Start, &format!("{}{beyond}", series.label));
        }
        let room = |end: &End| 33.0 + 1.05 * SIZE * (width(&self.series[end.2].label) + width(&end.3));
        ends.iter().map(room).fold(12.0, f64::max)
    }
}

/// Where a line ends: y, x, its index, how far it goes on outside the frame, and whether it comes there itself.
type End = (f64, f64, usize, String, bool);

fn listed(points: &[(f64, f64)]) -> String {
    points.iter().map(|(x, y)| format!("{} {}", num(*x), num(*y))).collect::<Vec<_>>().join("L")
}

/// What there is inside of an error bar between two heights; an end (0 or 1) has its cap where it `is_there`.
fn error_bar(svg: &mut Svg, window: &Window, x: f64, ends: (f64, f64), paint: Paint, is_there: impl Fn(usize) -> bool) {
    let bar = window.line(&[(x, ends.0), (x, ends.1)]).concat();
    let [low, high] = bar[..] else { return };
    if (low.1 - high.1).abs() > 0.5 {
        let cap = |end: usize, y: f64| {
            if is_there(end) { format!("M{} {}h7", num(x - 3.5), num(y)) } else { String::new() }
        };
        let d = format!("M{0} {1}V{2}{3}{4}", num(x), num(low.1), num(high.1), cap(0, low.1), cap(1, high.1));
        svg.line(&d, 1.4, paint, "");
    }
}

fn dashed(dash: &str) -> String {
    if dash.is_empty() { String::new() } else { format!(r#" stroke-dasharray="{dash}""#) }
}

/// Shapes tell series apart where colours do not.
fn marker(svg: &mut Svg, index: usize, (x, y): (f64, f64), paint: Paint) {
    let shape = match index % 6 {
        0 => format!("M{} {}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z", num(x - 4.0), num(y)),
        1 => format!("M{} {}h7v7h-7Z", num(x - 3.5), num(y - 3.5)),
        2 => format!("M{} {}l4.6 8h-9.2Z", num(x), num(y - 4.8)),
        3 => format!("M{} {}l5 5l-5 5l-5 -5Z", num(x), num(y - 5.0)),
        4 => format!("M{} {}l4.6 -8h-9.2Z", num(x), num(y + 4.8)),
        _ => format!("M{} {}h10v3h-10Z", num(x - 5.0), num(y - 1.5)),
    };
    svg.shape(&shape, paint);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::chart::{MODEL, Place};

    /// What is drawn of a series with these (low, y, high), evenly along the axis.
    fn chart(values: &[(f64, f64, f64)], log: bool, band: bool, like: Option<Scale>) -> Lines {
        let share = |i: usize| i as f64 / (values.len().max(2) - 1) as f64;
        let point = |(i, (low, y, high)): (usize, &(f64, f64, f64))| Point {
            x: share(i),
            y: *y,
            low: *low,
            high: *high,
            title: String::new(),
            key: String::new(),
        };
        let series = Series {
            label: "model".into(),
            paint: MODEL,
            dash: "",
            joined: true,
            band,
            points: values.iter().enumerate().map(point).collect(),
        };
        Lines {
            title: String::new(),
            x: Place::of_ticks("x".into(), Vec::new()),
            y: "excess, nats".into(),
            series: vec![series],
            log,
            like,
            marks: Vec::new(),
            shrink: 1.0,
        }
    }

    /// Every place that the `d` of a path comes to: M and L with both numbers, V and h with one.
    fn places(d: &str) -> Vec<(f64, f64)> {
        let mut out: Vec<(f64, f64)> = Vec::new();
        let starts: Vec<usize> =
            d.match_indices(|c: char| c.is_ascii_alphabetic()).map(|m| m.0).chain([d.len()]).collect();
        for pair in starts.windows(2) {
            let numbers: Vec<f64> = d[pair[0] + 1..pair[1]].split(' ').filter_map(|n| n.parse().ok()).collect();
            let last = out.last().copied().unwrap_or_default();
            match (&d[pair[0]..=pair[0]], &numbers[..]) {
                ("M" | "L", [x, y]) => out.push((*x, *y)),
                ("V", [y]) => out.push((last.0, *y)),
                ("h", [by]) => out.push((last.0 + by, last.1)),
                ("Z", []) => {}
                other => panic!("{other:?} in {d}"),
            }
        }
        out
    }

    /// The `d` of every path whose tag has `word`, and its places.
    fn paths(markup: &str, word: &str) -> Vec<(String, Vec<(f64, f64)>)> {
        markup
            .split("<path ")
            .skip(1)
            .filter(|tag| tag.split("/>").next().is_some_and(|tag| tag.contains(word)))
            .filter_map(|tag| {
                let d = tag.split("d=\"").nth(1)?.split('"').next()?;
                Some((d.to_owned(), places(d)))
            })
            .collect()
    }

    fn distance((x, y): (f64, f64), a: (f64, f64), b: (f64, f64)) -> f64 {
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let length = dx * dx + dy * dy;
        let t = if length > 0.0 { (((x - a.0) * dx + (y - a.1) * dy) / length).clamp(0.0, 1.0) } else { 0.0 };
        (x - a.0 - t * dx).hypot(y - a.1 - t * dy)
    }

    #[test]
    fn lines_lie_where_their_values_are() {
        let some = [0.5, 0.2, 0.1, 0.05, 0.01];
        let odd: [fn(usize, f64) -> f64; 8] = [
            |_, v| v,
            |i, v| if i == 0 { 100.0 * v } else { v },
            |i, v| if i > 2 { 1e-20 } else { v },
            |i, v| if i == 2 { 0.0 } else { v },
            |i, v| if i == 2 { f64::NAN } else { v },
            |i, v| if i == 4 { f64::INFINITY } else { v },
            |_, v| -v,
            |_, v| 1e9 * v,
        ];
        for odd in odd {
            let values: Vec<(f64, f64, f64)> =
                some.iter().enumerate().map(|(i, v)| odd(i, *v)).map(|y| (y - 0.02, y, y + 0.02)).collect();
            for log in [false, true] {
                for band in [false, true] {
                    for like in [None, Some(Scale::linear(0.0, 0.3)), Some(Scale::log(0.03, 0.3))] {
                        let lines = chart(&values, log, band, like);
                        let scale = like.unwrap_or_else(|| lines.scale());
                        let panel = lines.draw();
                        let markup = panel.svg.markup();
                        let what = format!("{values:?}, log {log}, band {band}, {scale:?}");
                        let pixel = |i: usize, v: f64| {
                            let share = if scale.log && v <= 0.0 { f64::NAN } else { scale.share(v) };
                            (WIDE * i as f64 / 4.0, HIGH * (1.0 - share))
                        };
                        let at: Vec<(f64, f64)> = values.iter().enumerate().map(|(i, v)| pixel(i, v.1)).collect();
                        let on_line = |p: (f64, f64)| {
                            at.windows(2).any(|w| distance(p, w[0], w[1]) < 0.3)
                                || at.iter().any(|a| distance(p, *a, *a) < 0.3)
                        };
                        for (d, points) in paths(markup, "stroke-linejoin") {
                            for p in &points {
                                assert!((-0.1..=HIGH + 0.1).contains(&p.1), "{p:?} is outside: {what}");
                                assert!(on_line(*p), "{p:?} of {d} is not where the data are: {what}, {at:?}");
                            }
                        }
                        // No error is drawn at a value whose upper end has no place on the axis.
                        let has_room = |x: f64| {
                            let at = |i: usize| (WIDE * i as f64 / 4.0 - x).abs() < 0.1;
                            !(0..values.len()).any(|i| at(i) && !pixel(i, values[i].2).1.is_finite())
                        };
                        for (d, points) in paths(markup, "stroke-width=\"1.4\"") {
                            // The bar's own ends may be cut; its caps are at errors' ends.
                            let caps = d.matches("h7").count();
                            assert!(points.iter().all(|p| (-0.1..=HIGH + 0.1).contains(&p.1)), "{d}: {what}");
                            let ends = values.iter().enumerate().flat_map(|(i, v)| [pixel(i, v.0), pixel(i, v.2)]);
                            let ends: Vec<f64> = ends.map(|p| p.1).collect();
                            for cap in d.split('M').filter(|part| part.ends_with("h7")) {
                                let y: f64 = cap
                                    .split(' ')
                                    .nth(1)
                                    .and_then(|y| y.trim_end_matches("h7").parse().ok())
                                    .expect("a height");
                                assert!(ends.iter().any(|end| (end - y).abs() < 0.2), "a cap at {y}: {what}");
                            }
                            assert!(caps <= 2);
                            assert!(has_room(points[0].0), "{d}: {what}");
                        }
                        let bands = if band { paths(markup, "Z\"") } else { Vec::new() };
                        for (d, points) in bands {
                            assert!(points.iter().all(|p| (-0.1..=HIGH + 0.1).contains(&p.1)), "{d}: {what}");
                            assert!(points.iter().all(|p| has_room(p.0)), "{d}: {what}");
                        }
                        // What is out of sight is said.
                        let said = |word: &str| markup.contains(word);
                        // One sentence says why a frame is empty, and only an empty one has it.
                        let inside = |p: &(f64, f64)| (-0.1..=HIGH + 0.1).contains(&p.1);
                        let empty = said("nothing to draw");
                        assert!(!empty || !at.iter().any(inside), "{what}");
                        for p in &at {
                            assert!(!(p.1.is_finite() && p.1 < -0.2) || said("↑"), "{what}");
                            assert!(!(p.1.is_finite() && p.1 > HIGH + 0.2) || said("↓"), "{what}");
                            assert!(
                                p.1.is_finite()
                                    || empty
                                    || said("no finite value at")
                                    || said("which a log axis cannot show"),
                                "{what}"
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_log_axis_is_six_decades_deep_and_no_deeper() {
        let deep: Vec<_> = (0..40).map(|i| 10f64.powi(-i)).map(|y| (y, y, y)).collect();
        let lines = chart(&deep, true, true, None);
        assert!(lines.scale().log && lines.scale().low >= 0.9e-7, "{:?}", lines.scale());
        assert!(lines.draw().svg.markup().contains("model, down to 1.00e−39 ↓"));
        // Zeros are gaps in it; what is below 0 asks for a linear one.
        let zeros = [(0.0, 0.0, 0.0), (0.1, 0.1, 0.1), (1.0, 1.0, 1.0)];
        assert!(chart(&zeros, true, true, None).scale().log);
        assert!(!chart(&[(-1.0, -1.0, -1.0), (1.0, 1.0, 1.0)], true, true, None).scale().log);
    }

    #[test]
    fn an_empty_frame_says_why() {
        let said = |values: &[(f64, f64, f64)], log| {
            let lines =
                chart(values, log, true, Some(if log { Scale::log(0.01, 1.0) } else { Scale::linear(0.0, 1.0) }));
            let panel = lines.draw();
            panel
                .svg
                .markup()
                .split('>')
                .map(|t| t.split('<').next().unwrap_or_default().to_owned())
                .find(|t| t.contains("nothing to draw"))
        };
        assert_eq!(said(&[], false).as_deref(), Some("There is no value of excess yet: nothing to draw."));
        assert_eq!(
            said(&[(0.0, 0.0, 0.0)], true).as_deref(),
            Some("Excess is 0 everywhere: nothing to draw on a log axis.")
        );
        assert_eq!(
            said(&[(0.0, f64::NAN, 0.0)], false).as_deref(),
            Some("No value of excess is finite: nothing to draw.")
        );
        assert_eq!(said(&[(0.5, 0.5, 0.5)], false), None);
    }

    /// (left, right, text) of every text of a picture, and the picture's width.
    fn texts(svg: &str) -> (Vec<(f64, f64, String)>, f64) {
        let attribute = |tag: &str, name: &str| {
            tag.split(&format!(" {name}=\"")).nth(1).and_then(|rest| rest.split('"').next()).map(str::to_owned)
        };
        let number = |tag: &str, name: &str| attribute(tag, name).and_then(|v| v.parse::<f64>().ok()).unwrap_or(0.0);
        let (mut moved, mut out, mut wide) = (vec![0.0], Vec::new(), 0.0);
        for part in svg.split('<').skip(1) {
            let (tag, text) = part.split_once('>').unwrap_or((part, ""));
            if tag.starts_with("svg ") {
                wide = number(tag, "width");
            } else if tag == "g" || tag.starts_with("g ") {
                let by = attribute(tag, "transform")
                    .and_then(|t| t.trim_start_matches("translate(").split(' ').next()?.parse::<f64>().ok());
                moved.push(moved[moved.len() - 1] + by.unwrap_or(0.0));
            } else if tag == "/g" {
                moved.pop();
            } else if tag.starts_with("text ") {
                let long = number(tag, "font-size") * width(text);
                let x = moved[moved.len() - 1] + number(tag, "x");
                let left = match attribute(tag, "text-anchor").as_deref() {
                    Some("end") => x - long,
                    Some("middle") => x - long / 2.0,
                    _ => x,
                };
                out.push((left, left + long, text.to_owned()));
            }
        }
        (out, wide)
    }

    #[test]
    fn every_word_lies_inside_its_picture() {
        for exponent in -9..=9 {
            for factor in [1.0, 3.7, -1.0] {
                for shrink in [0.52, 1.25] {
                    for log in [false, true] {
                        let size = factor * 10f64.powi(exponent);
                        let values = [0.1, f64::NAN, 0.3, 1.0].map(|v| (v * size, v * size, v * size));
                        let lines = Lines {
                            shrink,
                            x: Place::of_values(
                                "mean training loss, nats per token, a long name".into(),
                                &Scale::round(0.0, 1e6, 4),
                            ),
                            y: "loss above the source that knows the topic, nats per token".into(),
                            ..chart(&values, log, true, Some(Scale::round(0.0, 0.5 * size.abs(), 5)))
                        };
                        let (texts, wide) = texts(&lines.draw().alone("A title", "label"));
                        assert!(texts.len() > 5);
                        for (left, right, text) in texts {
                            assert!(
                                left >= -0.1 && right <= wide + 0.5,
                                "{text:?} from {left} to {right} of {wide}, {size}"
                            );
                        }
                    }
                }
            }
        }
    }
}
