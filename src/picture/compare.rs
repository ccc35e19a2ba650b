//! Beliefs of a model beside those of exact Bayes, as SVG. The probes are the last to ask for it.

use std::{collections::BTreeMap, fmt::Write};

use super::{
    WIDTH,
    layout::Point,
    svg::{self, AXIS, Anchor, INK, Paint, Svg, num, paints, short},
};
use crate::{clip::Window, colour::Rgb};

/// The side, in grid steps.
const GRID: f64 = 500.0;
/// Units per grid step, where the cloud's own dots are meant.
const SCALE: f64 = 0.84;
/// Blue, orange and green of Okabe and Ito.
const CORNERS: [Rgb; 3] = [Rgb(0, 114, 178), Rgb(213, 94, 0), Rgb(0, 158, 115)];
/// Shades along each side.
const SHADES: f64 = 5.0;

type Belief = [f64; 3];

/// Something drawn, and the room it takes.
#[derive(Default)]
struct Drawing {
    svg: Svg,
    /// Opposite corners; `None` while nothing is drawn.
    corners: Option<(Point, Point)>,
}

impl Drawing {
    /// Room for a rectangle, given by its middle and half its size.
    fn reach(&mut self, (x, y): Point, w: f64, h: f64) {
        let (low, high) = self.corners.unwrap_or(((x, y), (x, y)));
        self.corners = Some(((low.0.min(x - w), low.1.min(y - h)), (high.0.max(x + w), high.1.max(y + h))));
    }
}

/// Drawings side by side, in as many rows as it takes, each under its caption.
fn arrange(drawings: Vec<(String, Drawing)>) -> (Svg, Point) {
    const MARGIN: f64 = 8.0;
    const GAP: f64 = 28.0;
    let (mut svg, mut width, mut x, mut y, mut row) = (Svg::default(), 0.0_f64, MARGIN, MARGIN, 0.0_f64);
    for (caption, drawing) in drawings {
        let Some((low, high)) = drawing.corners else { continue };
        let room = (high.0 - low.0).max(13.0 * svg::width(&caption));
        let head = if caption.is_empty() { 0.0 } else { 24.0 };
        if x > MARGIN && x + room > WIDTH {
            (x, y, row) = (MARGIN, y + row + GAP, 0.0);
        }
        if !caption.is_empty() {
            svg.text((x + room / 2.0, y + 8.0), 13.0, INK, Anchor::Middle, &caption);
        }
        let slack = (room - (high.0 - low.0)) / 2.0;
        svg.open((x + slack - low.0, y + head - low.1), "");
        svg.raw(drawing.svg.markup());
        svg.close();
        row = row.max(head + high.1 - low.1);
        x += room + GAP;
        width = width.max(x - GAP);
    }
    (svg, (width + MARGIN, y + row + MARGIN))
}

/// Points that stand for beliefs, or for what was made of them, each with the colour of the belief in `truth`. Points far outside
/// the triangle are not drawn, and the caption says how many.
pub fn compare(truth: &[Belief], at: &[Belief], states: &[String], caption: &str) -> String {
    const SMALL: f64 = 0.56;
    let mut picture = Drawing::default();
    triangle(&mut picture, states, SMALL);
    // Where the picture has room beside the triangle.
    let window = Window { left: -40.0, top: -40.0, right: GRID + 40.0, bottom: GRID };
    let points: Vec<Dot> =
        truth.iter().zip(at).map(|(truth, at)| Dot { at: place(*at), shades: shades(*truth), weight: 2 }).collect();
    let (dots, outside): (Vec<Dot>, Vec<Dot>) = points.into_iter().partition(|dot| window.holds(dot.at));
    let caption = match outside.len() {
        0 => caption.to_owned(),
        n => format!("{caption} ({n} of {} points lie outside)", dots.len() + n),
    };
    cloud(&mut picture, &dots, SMALL);
    let (svg, size) = arrange(vec![(caption.clone(), picture)]);
    svg.finish("simplex", size, &caption)
}

/// The outline and its corners' names.
fn triangle(picture: &mut Drawing, states: &[String], scale: f64) {
    let side = GRID * scale;
    let corner = |k: usize| {
        let mut belief = [0.0; 3];
        belief[k] = 1.0;
        place(belief)
    };
    let outline: Vec<String> = (0..3).map(|k| point(corner(k), scale)).collect();
    picture.svg.raw(&format!(
        r#"<path d="M{}z" stroke-width="1" {}/>"#,
        outline.join("L"),
        paints(&[("fill", Paint::None), ("stroke", AXIS)])
    ));
    for (k, (dx, dy)) in [(0.0, -22.0), (-12.0, 21.0), (12.0, 21.0)].into_iter().enumerate() {
        let (x, y) = corner(k);
        let name = states.get(k).map_or("", String::as_str);
        picture.svg.text((x * scale + dx, y * scale + dy), 13.0, INK, Anchor::Middle, &short(name, 12));
    }
    picture.reach((side / 2.0, side * 0.433), side / 2.0 + 34.0, side * 0.433 + 32.0);
}

/// In grid steps: the first state on top, then left and right.
fn place(belief: Belief) -> Point {
    (GRID * (belief[2] + belief[0] / 2.0), GRID * 0.866_025_4 * (1.0 - belief[0]))
}

fn point((x, y): Point, scale: f64) -> String {
    format!("{} {}", num(x * scale), num(y * scale))
}

/// One point of a cloud, in grid steps.
struct Dot {
    at: Point,
    shades: [u8; 3],
    /// 0 to 2: how large.
    weight: u8,
}

/// Points of one shade and one weight are one path: a dot is a stroke of no length with a round cap.
fn cloud(picture: &mut Drawing, dots: &[Dot], scale: f64) {
    let mut paths: BTreeMap<([u8; 3], u8), String> = BTreeMap::new();
    for Dot { at: (x, y), shades, weight } in dots {
        // Writing to a string cannot fail.
        let _ = write!(paths.entry((*shades, *weight)).or_default(), "M{} {}h0", x.round(), y.round());
    }
    picture.svg.raw(&format!(r#"<g transform="scale({scale})" fill="none" stroke-linecap="round">"#));
    for ((shades, weight), d) in &paths {
        // As wide on the page at any scale.
        let wide = num([1.3, 1.9, 2.6][usize::from(*weight).min(2)] * SCALE / scale);
        picture.svg.raw(&format!(r#"<path d="{d}" stroke="{}" stroke-width="{wide}"/>"#, shade(*shades)));
    }
    picture.svg.close();
}

fn shades(belief: Belief) -> [u8; 3] {
    belief.map(|p| (p * SHADES).round() as u8)
}

/// The corners' colours, mixed as light is.
fn shade(parts: [u8; 3]) -> Rgb {
    // Weighted by more than their share, because an even mixture of three is grey.
    let weights = parts.map(|p| f64::from(p).powf(1.5));
    let total = weights.iter().sum::<f64>().max(1.0);
    let mixed = |channel: fn(&Rgb) -> u8| {
        let sum = weights.iter().zip(&CORNERS).map(|(p, c)| p / total * f64::from(channel(c)).powf(2.2));
        sum.sum::<f64>().powf(1.0 / 2.2).round() as u8
    };
    Rgb(mixed(|c| c.0), mixed(|c| c.1), mixed(|c| c.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_far_outside_are_counted_and_not_drawn() {
        let truth = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.2, 0.3, 0.5], [0.2, 0.3, 0.5]];
        let names = ["a", "b", "c"].map(String::from);
        let dots = |svg: &str| svg.matches("h0").count();
        let inside = compare(&truth, &truth, &names, "Beliefs");
        assert!(dots(&inside) == 4 && inside.contains(">Beliefs<"), "{inside}");
        let mut far = truth;
        (far[1], far[2]) = ([30.0, -9.0, -20.0], [f64::NAN; 3]);
        let svg = compare(&truth, &far, &names, "Beliefs");
        assert!(dots(&svg) == 2 && svg.contains("Beliefs (2 of 4 points lie outside)"), "{svg}");
    }
}
