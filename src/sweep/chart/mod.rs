//! Pictures of probes, as SVG, until these use the chart crate too. Colours are the page's variables, or one for each of its themes. Every mark says on hover what it
//! is, and names the cell (or the first of the cells) that it stands for in `data-cell`.

mod lines;
mod words;

pub use lines::{Lines, Point, Series};
pub use words::Place;

use crate::{
    colour::Rgb,
    picture::svg::{Paint, Svg, escape},
    scale::Scale,
};

pub(super) const GRID: Paint = Paint::Variable("grid", Rgb(228, 231, 236));
pub const MODEL: Paint = Paint::Variable("model", Rgb(0, 98, 178));

/// Size of words on axes; titles are larger.
const SIZE: f64 = 11.5;
const TITLE: f64 = 13.5;
/// Panels side by side, before a new row begins.
const WIDEST: f64 = 1020.0;
const APART: f64 = 18.0;

/// A part of a picture, its corner at (0, 0).
#[derive(Clone, Debug, Default)]
pub struct Panel {
    svg: Svg,
    size: (f64, f64),
}

impl Panel {
    /// The only panel of a picture.
    pub fn alone(self, title: &str, label: &str) -> String {
        arrange(vec![self], title, "", label)
    }
}

/// Panels in rows under one title; `note` stands below the title.
pub fn arrange(panels: Vec<Panel>, title: &str, note: &str, label: &str) -> String {
    let mut svg = Svg::default();
    let top = if note.is_empty() { 26.0 } else { 44.0 };
    svg.raw(r#"<g font-weight="600">"#);
    svg.text((0.0, 10.0), TITLE, crate::picture::svg::INK, crate::picture::svg::Anchor::Start, title);
    svg.close();
    if !note.is_empty() {
        svg.text((0.0, 29.0), SIZE, crate::picture::svg::MUTED, crate::picture::svg::Anchor::Start, note);
    }
    let width_of = |text: &str, size: f64| 1.06 * size * crate::picture::svg::width(text);
    let mut reach = width_of(title, TITLE).max(width_of(note, SIZE));
    let (mut x, mut y, mut high) = (0.0, top, 0.0_f64);
    for panel in panels {
        if x > 0.0 && x + panel.size.0 > WIDEST {
            (x, y, high) = (0.0, y + high + APART, 0.0);
        }
        svg.open((x, y), "");
        svg.raw(panel.svg.markup());
        svg.close();
        reach = reach.max(x + panel.size.0);
        x += panel.size.0 + APART;
        high = high.max(panel.size.1);
    }
    svg.finish("sweep", (reach, y + high), label)
}

/// Opens a mark: a group with a title on hover and the cell that it stands for.
fn open_mark(svg: &mut Svg, key: &str, title: &str) {
    let cell = if key.is_empty() { String::new() } else { format!(r#" data-cell="{}""#, escape(key)) };
    svg.raw(&format!(r#"<g class="mark"{cell}><title>{}</title>"#, escape(title)));
}

/// A scale for values, and its ticks. Logarithmic where that is asked for and possible.
fn value_scale(low: f64, high: f64, log: bool) -> Scale {
    if log && low > 0.0 {
        // Whole decades would waste room; an end at 1, 2 or 5 times a power of ten.
        let ends = |v: f64, up: bool| {
            let power = 10f64.powf(v.log10().floor());
            let steps = [1.0, 2.0, 5.0, 10.0].map(|m| m * power);
            match up {
                true => steps.into_iter().find(|s| *s >= v * (1.0 - 1e-9)),
                false => steps.into_iter().rev().find(|s| *s <= v * (1.0 + 1e-9)),
            }
        };
        return Scale::log(ends(low, false).unwrap_or(low), ends(high.max(1.5 * low), true).unwrap_or(high));
    }
    Scale::round(low, high, 5)
}

/// Ticks of a value scale with their text.
fn value_ticks(scale: &Scale) -> Vec<(f64, String)> {
    if !scale.log {
        return scale.ticks(5);
    }
    let decades = (scale.high / scale.low).log10();
    if decades > 3.01 {
        return scale.ticks(6);
    }
    let marks: &[f64] = if decades > 1.75 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let first = scale.low.log10().floor() as i32;
    (first..first + 6)
        .flat_map(|e| marks.iter().map(move |m| m * 10f64.powi(e)))
        .filter(|v| *v >= scale.low * (1.0 - 1e-9) && *v <= scale.high * (1.0 + 1e-9))
        .map(|v| (v, super::words::plain_number(v)))
        .collect()
}

/// Lines in an order: `index` of `count`, from pale to strong, apart in lightness as well as in hue (safe for colour-blind eyes).
pub fn ordered(index: usize, count: usize) -> Paint {
    let share = index as f64 / (count.max(2) - 1) as f64;
    let hue = 150.0 + 145.0 * share;
    Paint::Either(Rgb::from_oklch(0.6 - 0.26 * share, 0.12, hue), Rgb::from_oklch(0.9 - 0.3 * share, 0.12, hue))
}

/// A line's pattern, so that colour is never alone.
pub fn dash(index: usize) -> &'static str {
    ["", "7 4", "2 3", "10 3 2 3", "4 4", "12 5"][index % 6]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_of_values_are_few_and_round() {
        let texts = |scale: Scale| value_ticks(&scale).into_iter().map(|t| t.1).collect::<Vec<_>>();
        assert_eq!(texts(value_scale(0.013, 0.3, true)), ["0.01", "0.02", "0.05", "0.1", "0.2", "0.5"]);
        assert_eq!(texts(value_scale(0.0013, 0.9, true)), ["0.001", "0.01", "0.1", "1"]);
        assert_eq!(texts(value_scale(-0.1, 0.3, true)), ["−0.1", "0.0", "0.1", "0.2", "0.3"]);
        assert_eq!(texts(value_scale(0.2, 0.2, true)), ["0.2", "0.5"]);
    }

    #[test]
    fn lines_in_an_order_can_be_told_apart_from_the_page() {
        let (light, dark) = (Rgb(255, 255, 255), Rgb(22, 26, 33));
        for count in 1..8 {
            for index in 0..count {
                let Paint::Either(a, b) = ordered(index, count) else { panic!("two themes") };
                assert!(a.contrast(light) >= 3.0 && b.contrast(dark) >= 3.0, "{index} of {count}: {a} {b}");
            }
        }
    }
}
