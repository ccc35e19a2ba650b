//! A value for each pair of two axes' values: a colour, and the number itself.

use super::{Panel, SIZE, TITLE, open_mark};
use crate::{
    colour::{Rgb, ramp},
    number,
    picture::svg::{AXIS, Anchor, INK, MUTED, Paint, Svg, num, paints, width},
};

const WIDE: f64 = 72.0;
const HIGH: f64 = 42.0;
const STEPS: usize = 24;

pub struct HeatMap {
    /// Above the map; may be empty.
    pub title: String,
    pub x: String,
    pub columns: Vec<String>,
    pub y: String,
    /// From the bottom up.
    pub rows: Vec<String>,
    /// [rows, columns] row-major; `None` where nothing is known yet.
    pub spots: Vec<Option<Spot>>,
    /// Of all maps of a picture: the least and the largest value.
    pub range: (f64, f64),
    /// The scale of the colours is named below the map.
    pub legend: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Spot {
    pub value: f64,
    pub stderr: f64,
    pub title: String,
    pub key: String,
}

impl HeatMap {
    /// Colours follow the logarithm where values are all above 0 and more than a factor of four apart.
    fn is_log(&self) -> bool {
        self.range.0 > 0.0 && self.range.1 > 4.0 * self.range.0
    }

    /// Of the ramp. A value outside the range has the colour of its end, and the legend says so; one that is not finite has none.
    fn share(&self, value: f64) -> Option<f64> {
        let (low, high) = self.range;
        let share = if self.is_log() && value > 0.0 {
            (value / low).ln() / (high / low).ln()
        } else {
            (value - low) / (high - low)
        };
        // One value alone has the middle colour.
        let share = if high > low { share.clamp(0.0, 1.0) } else { 0.5 };
        value.is_finite().then_some(share)
    }

    pub fn draw(&self) -> Panel {
        let mut svg = Svg::default();
        let left = self.rows.iter().map(|r| SIZE * width(r)).fold(0.0, f64::max) + 10.0;
        let top = if self.title.is_empty() { 22.0 } else { 42.0 };
        let (wide, high) = (WIDE * self.columns.len() as f64, HIGH * self.rows.len() as f64);
        if !self.title.is_empty() {
            svg.text((0.0, 9.0), TITLE - 1.0, INK, Anchor::Start, &self.title);
        }
        svg.text((0.0, top - 14.0), SIZE, MUTED, Anchor::Start, &self.y);
        svg.open((left, top), "");
        for (i, row) in self.rows.iter().enumerate() {
            let y = high - HIGH * (i + 1) as f64;
            svg.text((-7.0, y + HIGH / 2.0), SIZE, MUTED, Anchor::End, row);
            for (j, spot) in self.spots.iter().skip(i * self.columns.len()).take(self.columns.len()).enumerate() {
                self.spot(&mut svg, (WIDE * j as f64, y), spot.as_ref());
            }
        }
        for (j, column) in self.columns.iter().enumerate() {
            svg.text((WIDE * (j as f64 + 0.5), high + 12.0), SIZE, MUTED, Anchor::Middle, column);
        }
        svg.text((wide / 2.0, high + 30.0), SIZE, MUTED, Anchor::Middle, &self.x);
        let mut bottom = high + 40.0;
        let known = self.spots.iter().flatten().any(|s| s.value.is_finite());
        if !known {
            svg.text((0.0, bottom + 12.0), SIZE, MUTED, Anchor::Start, "No finite value is known yet.");
            bottom += 22.0;
        } else if self.legend {
            let values = || self.spots.iter().flatten().map(|s| s.value).filter(|v| v.is_finite());
            let and = |beyond: bool, words: &'static str| if beyond { words } else { "" };
            let low = number::short(self.range.0) + and(values().any(|v| v < self.range.0), " and less");
            let top = number::short(self.range.1) + and(values().any(|v| v > self.range.1), " and more");
            let mut x = width(&low) * SIZE + 6.0;
            svg.text((0.0, bottom + 12.0), SIZE, MUTED, Anchor::Start, &low);
            for step in 0..STEPS {
                let (light, dark) = ramp(step as f64 / (STEPS - 1) as f64);
                svg.rect((x, bottom + 7.0), (4.4, 10.0), 0.0, Paint::Either(light, dark), "");
                x += 4.0;
            }
            let word = if self.is_log() { "log colours" } else { "linear colours" };
            svg.text((x + 6.0, bottom + 12.0), SIZE, MUTED, Anchor::Start, &format!("{top}  ({word})"));
            bottom += 22.0;
        }
        svg.close();
        let legend = if self.legend || !known { 250.0 } else { 0.0 };
        let title = 1.05 * (TITLE - 1.0) * width(&self.title);
        Panel { svg, size: ((left + wide.max(legend)).max(title), top + bottom) }
    }

    fn spot(&self, svg: &mut Svg, (x, y): (f64, f64), spot: Option<&Spot>) {
        let coloured = spot.and_then(|spot| Some((spot, self.share(spot.value)?)));
        let Some((spot, share)) = coloured else {
            svg.raw(&format!(
                r#"<rect x="{}" y="{}" width="{}" height="{}" stroke-dasharray="3 3" {}/>"#,
                num(x + 2.0),
                num(y + 2.0),
                num(WIDE - 4.0),
                num(HIGH - 4.0),
                paints(&[("fill", Paint::None), ("stroke", AXIS)])
            ));
            if let Some(spot) = spot {
                open_mark(svg, &spot.key, &spot.title);
                svg.text((x + WIDE / 2.0, y + HIGH / 2.0), SIZE - 1.5, MUTED, Anchor::Middle, "not finite");
                svg.close();
            }
            return;
        };
        let (light, dark) = ramp(share);
        open_mark(svg, &spot.key, &spot.title);
        svg.rect((x + 1.0, y + 1.0), (WIDE - 2.0, HIGH - 2.0), 3.0, Paint::Either(light, dark), "");
        let words = Paint::Either(on(light), on(dark));
        let error = spot.stderr > 0.0;
        let middle = (x + WIDE / 2.0, y + HIGH / 2.0 - if error { 7.0 } else { 0.0 });
        svg.text(middle, SIZE + 1.0, words, Anchor::Middle, &number::short(spot.value));
        if error {
            let text =
                format!("± {}", number::with_error(spot.value, spot.stderr).split('±').nth(1).unwrap_or("").trim());
            svg.text((x + WIDE / 2.0, y + HIGH / 2.0 + 9.0), SIZE - 1.5, words, Anchor::Middle, &text);
        }
        svg.close();
    }
}

/// Black or white, whichever reads better on it.
fn on(colour: Rgb) -> Rgb {
    let (ink, paper) = (Rgb(0, 0, 0), Rgb(255, 255, 255));
    if colour.contrast(ink) >= colour.contrast(paper) { ink } else { paper }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(values: &[f64], range: (f64, f64)) -> String {
        let spot = |value: &f64| Some(Spot { value: *value, stderr: 0.0, title: String::new(), key: String::new() });
        let map = HeatMap {
            title: String::new(),
            x: "x".into(),
            columns: values.iter().map(|v| v.to_string()).collect(),
            y: "y".into(),
            rows: vec!["row".into()],
            spots: values.iter().map(spot).collect(),
            range,
            legend: true,
        };
        map.draw().alone("title", "label")
    }

    #[test]
    fn saturated_colours_say_so_and_what_is_no_number_has_none() {
        let plain = map(&[1.0, 2.0, 3.0], (1.0, 3.0));
        assert!(plain.contains(">1.00<") && !plain.contains(" and less") && !plain.contains(" and more"));
        let beyond = map(&[0.5, 2.0, 30.0], (1.0, 3.0));
        assert!(beyond.contains("1.00 and less") && beyond.contains("3.00 and more"), "{beyond}");
        let odd = map(&[f64::NAN, 2.0, f64::INFINITY], (1.0, 3.0));
        assert_eq!((odd.matches("not finite").count(), odd.matches("stroke-dasharray").count()), (2, 2), "{odd}");
        assert!(map(&[f64::NAN], (f64::INFINITY, f64::NEG_INFINITY)).contains("No finite value is known yet."));
    }

    #[test]
    fn every_number_can_be_read_on_its_colour() {
        for step in 0..=50 {
            let (light, dark) = ramp(f64::from(step) / 50.0);
            assert!(light.contrast(on(light)) >= 4.5 && dark.contrast(on(dark)) >= 4.5, "{light} {dark}");
        }
        // Lightness alone orders the colours.
        for step in 1..=50 {
            let (before, now) = (ramp(f64::from(step - 1) / 50.0), ramp(f64::from(step) / 50.0));
            assert!(now.0.luminance() < before.0.luminance() && now.1.luminance() > before.1.luminance());
        }
    }
}
