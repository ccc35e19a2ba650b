//! Lines with error bars, lines with bands, and scattered points: everything with a value axis.

use super::{GRID, Panel, Place, SIZE, TITLE, open_mark, value_scale, value_ticks};
use crate::{
    picture::svg::{AXIS, Anchor, INK, MUTED, Paint, Svg, num, width},
    scale::Scale,
};

const WIDE: f64 = 380.0;
const HIGH: f64 = 230.0;
/// Between names at the lines' ends.
const LABELS_APART: f64 = 15.0;

/// One chart.
#[derive(Clone, Debug)]
pub struct Lines {
    /// Above the plot; may be empty.
    pub title: String,
    pub x: Place,
    /// With its unit: `loss, nats per token`.
    pub y: String,
    pub series: Vec<Series>,
    /// A logarithmic value axis, where all values are above 0.
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
    /// The value axis that this chart would have by itself.
    pub fn scale(&self) -> Scale {
        let points = || self.series.iter().flat_map(|s| &s.points);
        let log = self.log && points().all(|p| p.y > 0.0) && points().next().is_some();
        // On a log axis an error bar that reaches 0 is cut off, and does not count.
        let floor = if log { 1e-300 } else { f64::NEG_INFINITY };
        let low = points().flat_map(|p| [p.low, p.y]).filter(|v| v.is_finite() && *v > floor);
        let least = points().map(|p| p.y).fold(f64::INFINITY, f64::min);
        let low = low.fold(f64::INFINITY, f64::min).max(if log { least / 3.0 } else { f64::NEG_INFINITY });
        let high = points().flat_map(|p| [p.high, p.y]).filter(|v| v.is_finite()).fold(f64::NEG_INFINITY, f64::max);
        match low <= high {
            // 0 belongs on a linear axis of what is near it.
            true if !log && low > 0.0 && low < 0.4 * high => value_scale(0.0, high, false),
            true => value_scale(low, high, log),
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
        svg.text((wide / 2.0, high + 31.0), SIZE, MUTED, Anchor::Middle, &self.x.name);
        for (share, word) in &self.marks {
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
        // Log scales have no place for what is not above 0.
        let y_of = |v: f64| {
            let share = scale.share(v);
            high * (1.0 - if share.is_finite() { share.clamp(-0.02, 1.02) } else { -0.02 })
        };
        let mut ends = Vec::new();
        for (index, series) in self.series.iter().enumerate() {
            let at: Vec<(f64, f64)> = series.points.iter().map(|p| (wide * p.x, y_of(p.y))).collect();
            if series.band && series.points.len() > 1 && series.points.iter().any(|p| p.high > p.low) {
                let edge = |f: fn(&Point) -> f64| series.points.iter().map(move |p| (wide * p.x, y_of(f(p))));
                let outline: Vec<String> = edge(|p| p.high)
                    .chain(edge(|p| p.low).collect::<Vec<_>>().into_iter().rev())
                    .map(|(x, y)| format!("{} {}", num(x), num(y)))
                    .collect();
                svg.raw(r#"<g opacity="0.16">"#);
                svg.shape(&format!("M{}Z", outline.join("L")), series.paint);
                svg.close();
            }
            if series.joined && at.len() > 1 {
                let d: Vec<String> = at.iter().map(|(x, y)| format!("{} {}", num(*x), num(*y))).collect();
                let dashes = dashed(series.dash);
                let round = r#" stroke-linejoin="round""#;
                svg.line(&format!("M{}", d.join("L")), 2.0, series.paint, &format!("{round}{dashes}"));
            }
            for (point, (x, y)) in series.points.iter().zip(&at) {
                open_mark(&mut svg, &point.key, &point.title);
                if series.band {
                    // Nothing to see, but something to point at.
                    svg.raw(&format!(r#"<circle cx="{}" cy="{}" r="7" fill="transparent"/>"#, num(*x), num(*y)));
                } else {
                    let (low, high) = (y_of(point.low), y_of(point.high));
                    if (low - high).abs() > 0.5 {
                        let d = format!("M{0} {1}V{2}M{3} {1}h7M{3} {2}h7", num(*x), num(low), num(high), num(x - 3.5));
                        svg.line(&d, 1.4, series.paint, "");
                    }
                    marker(&mut svg, index, (*x, *y), series.paint);
                }
                svg.close();
            }
            if let Some(&(x, y)) = at.last() {
                ends.push((if series.joined { y } else { 0.0 }, x, index));
            }
        }
        let labels = self.labels(&mut svg, ends, wide, high);
        svg.close();
        Panel { svg, size: (left + wide + labels, top + high + 40.0) }
    }

    /// Names at the lines' ends, clear of each other; a list of markers where there are no lines. Gives the room that they take.
    fn labels(&self, svg: &mut Svg, mut ends: Vec<(f64, f64, usize)>, wide: f64, high: f64) -> f64 {
        ends.retain(|(.., index)| !self.series[*index].label.is_empty());
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
        for ((y, x, index), place) in ends.iter().zip(&places) {
            let series = &self.series[*index];
            if series.joined {
                let d = format!("M{} {}L{} {}", num(x + 5.0), num(*y), num(wide + 8.0), num(*place));
                svg.line(&d, 0.8, series.paint, r#" stroke-opacity="0.6""#);
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
            svg.text((start, *place), SIZE, INK, Anchor::Start, &series.label);
        }
        ends.iter().map(|(.., i)| 33.0 + 1.05 * SIZE * width(&self.series[*i].label)).fold(12.0, f64::max)
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
