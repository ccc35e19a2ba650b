//! What a chart shows of data that its frame does not hold. One rule for all charts: what lies outside is cut off exactly at the
//! frame, and never moved to its edge; words say how far it goes on. What has no place on the axis at all is a gap, and words say so.

use crate::{number, scale::Scale};

/// (x, y) in the chart's own units; y points down.
pub type Point = (f64, f64);

/// The rectangle that data are drawn in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// Left edge, in the chart's own units.
    pub left: f64,
    /// Upper edge; y points down, so that it is less than `bottom`.
    pub top: f64,
    /// Right edge.
    pub right: f64,
    /// Lower edge.
    pub bottom: f64,
}

/// How deep a logarithmic axis is below the largest value, where data decide: six decades.
pub const LOG_DEPTH: f64 = 1e-6;

/// Units that no eye sees: a point so far outside counts as on the edge.
const HAIR: f64 = 1e-6;

/// No chart is larger. Points further out are taken to be here, so that no digit of a crossing is lost.
const FAR: f64 = 1e7;

impl Window {
    /// Whether a point lies inside or on the edge; a distance that no eye sees does not count.
    pub fn holds(&self, (x, y): Point) -> bool {
        (self.left - HAIR..=self.right + HAIR).contains(&x) && (self.top - HAIR..=self.bottom + HAIR).contains(&y)
    }

    /// The pieces of a line that lie inside. They end where the line crosses the frame, and where a point is not finite.
    pub fn line(&self, points: &[Point]) -> Vec<Vec<Point>> {
        let mut pieces: Vec<Vec<Point>> = Vec::new();
        for run in points.split(|p| !is_finite(*p)).filter(|run| !run.is_empty()) {
            if let [only] = run {
                pieces.extend(self.holds(*only).then(|| vec![*only]));
            }
            // Whether the last piece ends at the point where this part begins.
            let mut joined = false;
            for pair in run.windows(2) {
                let Some((from, to, whole)) = self.part(pair[0], pair[1]) else {
                    joined = false;
                    continue;
                };
                match pieces.last_mut().filter(|_| joined) {
                    Some(piece) => piece.push(to),
                    None => pieces.push(vec![from, to]),
                }
                joined = whole;
            }
        }
        pieces
    }

    /// The part of a stretch from `a` to `b` that lies inside, and whether it goes on to `b` (Liang and Barsky 1984).
    fn part(&self, a: Point, b: Point) -> Option<(Point, Point, bool)> {
        let (a, b) = (near(a), near(b));
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let (mut from, mut to) = (0.0_f64, 1.0_f64);
        for (step, room) in [
            (-dx, a.0 - self.left + HAIR),
            (dx, self.right + HAIR - a.0),
            (-dy, a.1 - self.top + HAIR),
            (dy, self.bottom + HAIR - a.1),
        ] {
            if step == 0.0 {
                if room < 0.0 {
                    return None;
                }
            } else if step < 0.0 {
                from = from.max(room / step);
            } else {
                to = to.min(room / step);
            }
        }
        let at = |t: f64| match t {
            0.0 => a,
            1.0 => b,
            t => (a.0 + t * dx, a.1 + t * dy),
        };
        (from <= to).then(|| (at(from), at(to), to == 1.0))
    }

    /// The part of a polygon that lies inside (Sutherland and Hodgman 1974); empty where there is none.
    pub fn area(&self, polygon: &[Point]) -> Vec<Point> {
        let mut points: Vec<Point> = polygon.iter().copied().filter(|p| is_finite(*p)).map(near).collect();
        // How far inside of each edge a point is.
        let edges: [&dyn Fn(Point) -> f64; 4] =
            [&|p| p.0 - self.left, &|p| self.right - p.0, &|p| p.1 - self.top, &|p| self.bottom - p.1];
        for inside in edges {
            let mut kept = Vec::with_capacity(points.len() + 4);
            for (i, &b) in points.iter().enumerate() {
                let a = points[(i + points.len() - 1) % points.len()];
                let (from, to) = (inside(a), inside(b));
                if (from < 0.0) != (to < 0.0) {
                    let t = from / (from - to);
                    kept.push((a.0 + t * (b.0 - a.0), a.1 + t * (b.1 - a.1)));
                }
                if to >= 0.0 {
                    kept.push(b);
                }
            }
            points = kept;
        }
        points
    }

    /// The parts of a band inside: `edges` are (x, y of one edge, y of the other) from left to right; where one of them is not
    /// finite the band has a gap.
    pub fn band(&self, edges: &[(f64, f64, f64)]) -> Vec<Vec<Point>> {
        let sound = |e: &(f64, f64, f64)| e.0.is_finite() && e.1.is_finite() && e.2.is_finite();
        let polygon = |run: &[(f64, f64, f64)]| {
            let there = run.iter().map(|e| (e.0, e.1));
            let back = run.iter().rev().map(|e| (e.0, e.2));
            self.area(&there.chain(back).collect::<Vec<_>>())
        };
        edges.split(|e| !sound(e)).filter(|run| run.len() > 1).map(polygon).filter(|area| area.len() > 2).collect()
    }
}

fn is_finite((x, y): Point) -> bool {
    x.is_finite() && y.is_finite()
}

fn near((x, y): Point) -> Point {
    (x.clamp(-FAR, FAR), y.clamp(-FAR, FAR))
}

/// Where a band or an error bar ends below, as a share of a scale: on a logarithmic one, what reaches down to 0 goes on below the
/// frame. One whose upper end is not above 0 has no place there at all.
pub fn edge(scale: &Scale, value: f64) -> f64 {
    if scale.log && value <= 0.0 { 0.0 } else { scale.share(value) }
}

/// What an axis does not show of some values.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Beyond {
    /// The largest of the values above the axis; `None` where there is none.
    pub above: Option<f64>,
    /// The smallest of the values below the axis; `None` where there is none.
    pub below: Option<f64>,
    /// How many values are not finite.
    pub missing: usize,
    /// On a logarithmic axis: how many values are 0.
    pub zeros: usize,
    /// On a logarithmic axis: how many values are below 0.
    pub negative: usize,
    /// How many values there are in all.
    pub count: usize,
}

impl Beyond {
    /// What an axis of this scale does not show of these values.
    pub fn of(scale: &Scale, values: impl IntoIterator<Item = f64>) -> Self {
        values.into_iter().fold(Self::default(), |all, value| all.and(Self::one(scale, value)))
    }

    fn one(scale: &Scale, value: f64) -> Self {
        let mut one = Self { count: 1, ..Self::default() };
        match scale.share(value) {
            _ if !value.is_finite() => one.missing = 1,
            _ if scale.log && value == 0.0 => one.zeros = 1,
            _ if scale.log && value < 0.0 => one.negative = 1,
            share if share > 1.0 + 1e-9 => one.above = Some(value),
            share if share < -1e-9 => one.below = Some(value),
            _ => {}
        }
        one
    }

    /// What an axis does not show of both sets of values together.
    pub fn and(self, other: Self) -> Self {
        let merged = |a: Option<f64>, b: Option<f64>, of: fn(f64, f64) -> f64| match (a, b) {
            (Some(a), Some(b)) => Some(of(a, b)),
            (a, b) => a.or(b),
        };
        Self {
            above: merged(self.above, other.above, f64::max),
            below: merged(self.below, other.below, f64::min),
            missing: self.missing + other.missing,
            zeros: self.zeros + other.zeros,
            negative: self.negative + other.negative,
            count: self.count + other.count,
        }
    }

    /// How far it goes on: `up to 6.60 ↑`; empty where nothing was cut off.
    pub fn words(&self) -> String {
        match (self.below.map(number::short), self.above.map(number::short)) {
            (None, None) => String::new(),
            (None, Some(high)) => format!("up to {high} ↑"),
            (Some(low), None) => format!("down to {low} ↓"),
            (Some(low), Some(high)) => format!("{low} ↓ to {high} ↑"),
        }
    }

    /// The same behind a name: `, up to 6.60 ↑`.
    pub fn suffix(&self) -> String {
        let words = self.words();
        if words.is_empty() { words } else { format!(", {words}") }
    }

    /// The same with arrows alone, where there is little room: ` 6.60 ↑`; `brief` with at most two digits of long numbers:
    /// ` −1e6 ↓ 1e6 ↑`.
    pub fn arrows(&self, brief: bool) -> String {
        let number = |value: f64| match number::short(value) {
            text if brief && text.chars().count() > 5 => format!("{value:.1e}").replace(".0e", "e").replace('-', "−"),
            text => text,
        };
        let part = |value: Option<f64>, arrow: &str| value.map_or(String::new(), |v| format!(" {} {arrow}", number(v)));
        part(self.below, "↓") + &part(self.above, "↑")
    }

    /// Sentences on gaps, without their full stops; empty where there are none.
    pub fn gaps(&self, name: &str) -> Vec<String> {
        let of = |n: usize| if n == self.count { "all points".into() } else { format!("{n} of {} points", self.count) };
        let mut out = Vec::new();
        if self.missing > 0 {
            out.push(format!("{name}: no finite value at {}", of(self.missing)));
        }
        let unplaced = self.zeros + self.negative;
        if unplaced > 0 {
            let what = if self.negative > 0 { "0 or less" } else { "0" };
            out.push(format!("{name}: {what} at {}, which a log axis cannot show", of(unplaced)));
        }
        out
    }

    /// Why a frame is empty: `what` is its value, `places` where that was looked for: `at every position`.
    pub fn nothing(&self, what: &str, places: &str) -> String {
        match (self.count - self.missing, self.zeros, self.negative) {
            _ if self.count == 0 => format!("There is no value of {what} yet: nothing to draw."),
            _ if !self.words().is_empty() => {
                format!("{} lies outside this frame ({}): nothing to draw.", capital(what), self.words())
            }
            (0, ..) => format!("No value of {what} is finite: nothing to draw."),
            (_, _, 0) => format!("{} is 0 {places}: nothing to draw on a log axis.", capital(what)),
            (_, 0, _) => format!("{} is below 0 {places}: nothing to draw on a log axis.", capital(what)),
            _ => format!("{} is 0 or less {places}: nothing to draw on a log axis.", capital(what)),
        }
    }
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Window = Window { left: 0.0, top: 0.0, right: 10.0, bottom: 10.0 };

    #[test]
    fn lines_are_cut_where_they_cross_the_frame() {
        let cut = |points: &[Point]| {
            let round = |v: f64| (v * 1e3).round() / 1e3;
            let pieces = WINDOW.line(points);
            pieces.iter().map(|p| p.iter().map(|(x, y)| (round(*x), round(*y))).collect()).collect::<Vec<Vec<_>>>()
        };
        assert_eq!(
            cut(&[(0.0, 5.0), (5.0, 15.0), (10.0, 5.0)]),
            [[(0.0, 5.0), (2.5, 10.0)], [(7.5, 10.0), (10.0, 5.0)]]
        );
        assert_eq!(cut(&[(0.0, 20.0), (10.0, 30.0)]), Vec::<Vec<Point>>::new());
        assert_eq!(cut(&[(-5.0, 5.0), (15.0, 5.0)]), [[(0.0, 5.0), (10.0, 5.0)]]);
        assert_eq!(
            cut(&[(1.0, 1.0), (2.0, f64::NAN), (3.0, 3.0), (4.0, 4.0)]),
            [vec![(1.0, 1.0)], vec![(3.0, 3.0), (4.0, 4.0)]]
        );
        assert_eq!(cut(&[(1.0, 1.0), (2.0, f64::INFINITY)]), [[(1.0, 1.0)]]);
        // However far it goes: upright, and to the edge.
        assert_eq!(cut(&[(1.0, 5.0), (2.0, 1e300)]), [[(1.0, 5.0), (1.0, 10.0)]]);
        assert_eq!(cut(&[(2.0, -1e300), (1.0, 5.0), (1.0, 6.0)]), [[(1.0, 0.0), (1.0, 5.0), (1.0, 6.0)]]);
        // Along the edge it is inside.
        assert_eq!(cut(&[(1.0, 10.0), (2.0, 10.0)]), [[(1.0, 10.0), (2.0, 10.0)]]);
    }

    #[test]
    fn bands_are_cut_and_have_gaps() {
        let band = WINDOW.band(&[(0.0, 2.0, 20.0), (10.0, 2.0, 20.0)]);
        assert_eq!(band.len(), 1);
        let (low, high) = (|p: &Point| p.1, |a: f64, b: f64| a.max(b));
        assert_eq!((band[0].iter().map(low).fold(0.0, high), band[0].iter().map(low).fold(9.0, f64::min)), (10.0, 2.0));
        assert!(WINDOW.band(&[(0.0, -9.0, -2.0), (10.0, -3.0, -2.0)]).is_empty());
        assert_eq!(
            WINDOW
                .band(&[(0.0, 1.0, 2.0), (1.0, 1.0, 2.0), (2.0, f64::NAN, 2.0), (3.0, 1.0, 2.0), (4.0, 1.0, 2.0)])
                .len(),
            2
        );
    }

    #[test]
    fn words_say_how_far_it_goes_and_why_there_is_a_gap() {
        let scale = Scale::linear(0.0, 2.0);
        assert_eq!(Beyond::of(&scale, [0.0, 1.0, 2.0]).suffix(), "");
        assert_eq!(Beyond::of(&scale, [4.0, 6.6, 1.0]).suffix(), ", up to 6.60 ↑");
        assert_eq!(Beyond::of(&scale, [4.0, -3.0]).words(), "−3.00 ↓ to 4.00 ↑");
        let far = Beyond::of(&scale, [-1e6, 1.25e6]);
        assert_eq!(
            (far.arrows(false), far.arrows(true)),
            (" −1,000,000 ↓ 1,250,000 ↑".into(), " −1e6 ↓ 1.2e6 ↑".into())
        );
        assert_eq!(Beyond::of(&scale, [6.6]).arrows(true), " 6.60 ↑");
        assert_eq!(Beyond::of(&scale, [1.0]).arrows(true), "");
        let log = Scale::log(1e-3, 1.0);
        let beyond = Beyond::of(&log, [0.0, -1.0, f64::NAN, 1e-9, 0.5]);
        assert_eq!(beyond.words(), "down to 1.00e−9 ↓");
        assert_eq!(
            beyond.gaps("model"),
            [
                "model: no finite value at 1 of 5 points",
                "model: 0 or less at 2 of 5 points, which a log axis cannot show"
            ]
        );
        let nothing =
            |values: &[f64]| Beyond::of(&log, values.iter().copied()).nothing("the excess", "at every position");
        assert_eq!(nothing(&[0.0, 0.0]), "The excess is 0 at every position: nothing to draw on a log axis.");
        assert_eq!(nothing(&[0.0, -1.0]), "The excess is 0 or less at every position: nothing to draw on a log axis.");
        assert_eq!(nothing(&[-1.0]), "The excess is below 0 at every position: nothing to draw on a log axis.");
        assert_eq!(nothing(&[f64::NAN]), "No value of the excess is finite: nothing to draw.");
        assert_eq!(nothing(&[7.0]), "The excess lies outside this frame (up to 7.00 ↑): nothing to draw.");
        assert_eq!(nothing(&[]), "There is no value of the excess yet: nothing to draw.");
    }
}
