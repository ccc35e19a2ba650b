//! Points in a triangle whose corners are certainties: beliefs over three states.

use serde::{Deserialize, Serialize};

use crate::{
    chart::{Axis, Chart, Readout, ReadoutLine, View, cell},
    clip::Window,
    colour::Rgb,
    frame::{self, LABEL, TICK},
    line_chart::quoted,
    number,
    scene::{Anchor, Mark, Scene, Stroke, fit},
};

/// Probabilities of the three states.
pub type Belief = [f64; 3];

/// Beliefs over three hidden states, as points of a triangle whose corners are the states.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Triangle {
    /// What is shown: the heading.
    pub title: String,
    /// Names of the corners: top, left, right.
    pub corners: [String; 3],
    /// Where each point is drawn: barycentric coordinates that sum to 1 (those of an estimate may lie outside).
    pub points: Vec<Spot>,
    /// Points that are drawn as rings of their own, with a word.
    pub rings: Vec<(Belief, String)>,
    /// What a point is about, in one sentence: read by screen readers with the title.
    pub about: String,
    /// In place of an empty plot: what will be here and what starts it.
    pub empty: String,
}

/// One point of the triangle.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spot {
    /// Where it is drawn: barycentric coordinates of the three corners.
    pub at: Belief,
    /// The belief that decides the colour.
    pub colour: Belief,
    /// 0 to 1: how often it was met, as opacity and size.
    pub weight: f64,
}

/// Blue, orange and green of Okabe and Ito.
const CORNERS: [Rgb; 3] = [Rgb(0, 114, 178), Rgb(213, 94, 0), Rgb(0, 158, 115)];
/// Height of an equilateral triangle by its side.
const HIGH: f64 = 0.866_025_403_784;

impl Triangle {
    /// The triangle's upper left corner and its side, CSS pixels.
    fn place(&self, view: &View) -> ((f64, f64), f64) {
        let top = if view.titled { 64.0 } else { 34.0 };
        let side = (view.width - 80.0).min((view.height - top - 36.0) / HIGH).max(20.0);
        (((view.width - side) / 2.0, top), side)
    }

    /// Where a belief is drawn, CSS pixels.
    fn point(&self, view: &View, [top, left, right]: Belief) -> (f64, f64) {
        let ((x, y), side) = self.place(view);
        let _ = left;
        (x + side * (0.5 * top + right), y + side * HIGH * (1.0 - top))
    }

    /// What lies so far outside is not drawn, and the chart says how many points do.
    fn window(&self, view: &View) -> Window {
        let ((x, y), side) = self.place(view);
        let more = 0.08 * side;
        Window { left: x - more, top: y - more, right: x + side + more, bottom: y + side * HIGH + more }
    }

    fn outside(&self, view: &View) -> usize {
        let window = self.window(view);
        self.points.iter().filter(|p| !window.holds(self.point(view, p.at))).count()
    }

    fn words(&self, belief: Belief) -> String {
        let parts = self.corners.iter().zip(belief).map(|(name, p)| format!("{name} {}", number::fixed(p, 3)));
        parts.collect::<Vec<_>>().join(", ")
    }
}

/// The corners' colours in the shares of a belief.
pub fn mixed(belief: Belief) -> Rgb {
    let channel = |of: fn(Rgb) -> u8| {
        let sum: f64 = CORNERS.iter().zip(belief).map(|(corner, p)| f64::from(of(*corner)) * p.clamp(0.0, 1.0)).sum();
        sum.round().clamp(0.0, 255.0) as u8
    };
    Rgb(channel(|c| c.0), channel(|c| c.1), channel(|c| c.2))
}

impl Chart for Triangle {
    fn title(&self) -> String {
        self.title.clone()
    }

    fn axis(&self) -> Axis {
        Axis::Own
    }

    fn scene(&self, view: &View) -> Scene {
        if self.points.is_empty() {
            return Scene { axes: frame::empty(view, &self.title, &[&self.empty]), series: Vec::new() };
        }
        let theme = &view.theme;
        let (mut axes, mut series) = (Vec::new(), Vec::new());
        frame::title(&mut axes, view, &self.title);
        let corners = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]].map(|b| self.point(view, b));
        let points = [corners[0], corners[1], corners[2], corners[0]].to_vec();
        axes.push(Mark::Line { points, stroke: Stroke::new(theme.axis, 1.0) });
        let ((_, _), side) = self.place(view);
        for (k, (name, (dx, dy))) in self.corners.iter().zip([(0.0, -12.0), (0.0, 14.0), (0.0, 14.0)]).enumerate() {
            let (x, y) = corners[k];
            let name = fit(name, LABEL, (0.45 * side).max(40.0));
            axes.push(frame::words(x + dx, y + dy, &name, LABEL, theme.text, Anchor::Middle));
        }
        let window = self.window(view);
        let radius = if self.points.len() > 60 { 1.2 } else { 3.0 };
        for spot in &self.points {
            let at = self.point(view, spot.at);
            if window.holds(at) {
                let colour = mixed(spot.colour);
                series.push(Mark::Dot { at, radius: radius * (0.6 + 0.8 * spot.weight.clamp(0.0, 1.0)), colour });
            }
        }
        for (belief, word) in &self.rings {
            let (x, y) = self.point(view, *belief);
            let points = (0..=24).map(|i| {
                let angle = f64::from(i) * std::f64::consts::TAU / 24.0;
                (x + 6.0 * angle.cos(), y + 6.0 * angle.sin())
            });
            series.push(Mark::Line { points: points.collect(), stroke: Stroke::new(theme.text, 1.5) });
            series.push(frame::words(x + 10.0, y, word, TICK, theme.text, Anchor::Start));
        }
        let outside = self.outside(view);
        if outside > 0 {
            let text = format!("{outside} of {} points lie outside of this picture", self.points.len());
            series.push(frame::words(8.0, view.height - 8.0, &text, TICK, theme.muted, Anchor::Start));
        }
        Scene { axes, series }
    }

    fn cursor_at(&self, view: &View, x: f64, y: f64) -> Option<f64> {
        let off = |p: &Spot| {
            let (px, py) = self.point(view, p.at);
            (px - x).hypot(py - y)
        };
        let near = self.points.iter().enumerate().min_by(|a, b| off(a.1).total_cmp(&off(b.1)))?;
        (off(near.1) < 24.0).then_some(near.0 as f64)
    }

    fn cursor_moved(&self, from: Option<f64>, by: i64) -> Option<f64> {
        Some(crate::chart::moved(from, by, 0, self.points.len().checked_sub(1)?))
    }

    fn readout(&self, view: &View, cursor: f64) -> Option<Readout> {
        let index = (cursor.is_finite() && cursor >= 0.0).then_some(cursor.round() as usize)?;
        let spot = self.points.get(index)?;
        let (x, y) = self.point(view, spot.at);
        let line = |name: &str, belief: Belief, at| ReadoutLine {
            name: name.into(),
            value: self.words(belief),
            how: String::new(),
            hue: None,
            at,
        };
        let mut lines = vec![line("here", spot.at, Some((x, y)))];
        if spot.at != spot.colour {
            lines.push(line("exact", spot.colour, None));
        }
        let title = format!("Point {} of {}", number::count(index + 1), number::count(self.points.len()));
        Some(Readout { cursor, rule: [(x, y - 9.0), (x, y + 9.0)], title, lines })
    }

    fn summary(&self) -> String {
        if self.points.is_empty() {
            return format!("{}. {}", self.title, self.empty);
        }
        let corners = self.corners.join(", ");
        format!("{}: {} points in a triangle with the corners {corners}. {}", self.title, self.points.len(), self.about)
            .trim_end()
            .into()
    }

    fn csv(&self) -> String {
        let names = self.corners.iter().flat_map(|name| [quoted(name), quoted(&format!("exact {name}"))]);
        let mut csv = names.collect::<Vec<_>>().join(",") + ",weight\n";
        for p in &self.points {
            for k in 0..3 {
                csv.push_str(&format!("{},{},", cell(Some(p.at[k])), cell(Some(p.colour[k]))));
            }
            csv.push_str(&format!("{}\n", p.weight));
        }
        csv
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::Theme;

    #[test]
    fn points_are_read_where_they_are_drawn_and_those_outside_are_counted() {
        let spot = |at| Spot { at, colour: [0.2, 0.3, 0.5], weight: 1.0 };
        let triangle = Triangle {
            title: "Beliefs".into(),
            corners: ["a".into(), "b".into(), "c".into()],
            points: vec![spot([1.0, 0.0, 0.0]), spot([0.0, 0.0, 1.0]), spot([0.2, 0.3, 0.5]), spot([-3.0, 2.0, 2.0])],
            rings: vec![],
            about: String::new(),
            empty: "Nothing.".into(),
        };
        let view = View::new(400.0, 360.0, Theme::light());
        for i in 0..3 {
            let (x, y) = triangle.point(&view, triangle.points[i].at);
            assert_eq!(triangle.cursor_at(&view, x, y), Some(i as f64));
        }
        let svg = triangle.scene(&view).svg(400.0, 360.0, Theme::light().surface);
        assert!(svg.contains("1 of 4 points lie outside"), "{svg}");
        assert_eq!(svg.matches("<circle").count(), 3);
        assert_eq!(triangle.readout(&view, 0.0).expect("a point").lines[0].value, "a 1.000, b 0.000, c 0.000");
    }
}
