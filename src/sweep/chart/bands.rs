//! Which of several things holds, along an axis, for each of several settings: a row of bands for each.

use super::{GRID, Panel, Place, SIZE, TITLE, open_mark};
use crate::picture::svg::{AXIS, Anchor, INK, MUTED, Paint, Svg, num, width};

const WIDE: f64 = 460.0;
const HIGH: f64 = 26.0;

/// One panel of rows, from the bottom up.
pub struct Bands {
    /// Above the rows; may be empty.
    pub title: String,
    pub x: Place,
    /// What the rows are.
    pub y: String,
    pub rows: Vec<(String, Vec<Band>)>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    /// Shares of the axis.
    pub from: f64,
    pub to: f64,
    pub paint: Paint,
    /// What holds; written into the band where there is room.
    pub label: String,
    /// Drawn in full colour; pale where it hardly holds.
    pub strong: bool,
    /// What is said on hover.
    pub title: String,
    /// The cell's key; may be empty.
    pub key: String,
}

impl Bands {
    pub fn draw(&self) -> Panel {
        let mut svg = Svg::default();
        let left = self.rows.iter().map(|r| SIZE * width(&r.0)).fold(0.0, f64::max) + 12.0;
        let top = if self.title.is_empty() { 22.0 } else { 42.0 };
        let high = HIGH * self.rows.len() as f64;
        if !self.title.is_empty() {
            svg.text((0.0, 9.0), TITLE - 1.0, INK, Anchor::Start, &self.title);
        }
        svg.text((0.0, top - 14.0), SIZE, MUTED, Anchor::Start, &self.y);
        svg.open((left, top), "");
        for (i, (name, bands)) in self.rows.iter().enumerate() {
            let y = high - HIGH * (i + 1) as f64;
            svg.text((-8.0, y + HIGH / 2.0), SIZE, MUTED, Anchor::End, name);
            for band in bands {
                let (from, to) = (WIDE * band.from, WIDE * band.to);
                open_mark(&mut svg, &band.key, &band.title);
                svg.raw(&format!(r#"<g opacity="{}">"#, if band.strong { 0.5 } else { 0.2 }));
                svg.rect((from, y + 1.0), (to - from, HIGH - 2.0), 0.0, band.paint, "");
                svg.close();
                svg.line(&format!("M{} {}v{}", num(from), num(y + 1.0), num(HIGH - 2.0)), 1.5, band.paint, "");
                if 1.06 * SIZE * width(&band.label) + 8.0 < to - from {
                    svg.text((from + 5.0, y + HIGH / 2.0), SIZE, INK, Anchor::Start, &band.label);
                }
                svg.close();
            }
            svg.line(&format!("M0 {}h{}", num(y), num(WIDE)), 1.0, GRID, "");
        }
        svg.line(&format!("M0 {}h{}", num(high), num(WIDE)), 1.0, AXIS, "");
        for (share, text) in &self.x.ticks {
            let x = WIDE * share;
            svg.line(&format!("M{} {}v4", num(x), num(high)), 1.0, AXIS, "");
            svg.text((x, high + 13.0), SIZE, MUTED, Anchor::Middle, text);
        }
        svg.text((WIDE / 2.0, high + 31.0), SIZE, MUTED, Anchor::Middle, &self.x.name);
        if self.rows.iter().all(|(_, bands)| bands.is_empty()) {
            svg.text((WIDE / 2.0, high / 2.0), SIZE, MUTED, Anchor::Middle, "Nothing is known yet: no band to draw.");
        }
        svg.close();
        Panel { svg, size: (left + WIDE + 16.0, top + high + 40.0) }
    }
}
