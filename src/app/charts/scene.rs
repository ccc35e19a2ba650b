//! What a chart looks like, as plain marks in CSS pixels, and the one place where marks meet plotters.
//!
//! plotters' own axes are not used: on wasm they measure text by adding elements to the page, and they know no
//! device-pixel ratio. Marks are multiplied by a scale when drawn; nothing here measures text.

use std::hash::{DefaultHasher, Hash, Hasher};

use plotters::{
    coord::Shift,
    drawing::{DrawingArea, DrawingAreaErrorKind},
    element::{Circle, PathElement, Polygon, Rectangle, Text},
    prelude::DrawingBackend,
    style::{
        Color, FontDesc, FontFamily, FontStyle, FontTransform, RGBColor, ShapeStyle, TextStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};

use crate::app::theme::Rgb;

/// What any chart's drawing may fail with.
pub type DrawError<DB> = DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>;

/// The page's own font stack.
pub const FONT: &str = "system-ui, sans-serif";

/// Lengths of dashes and of the gaps between them, CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dash {
    Solid,
    Dashed,
    Dotted,
    DashDot,
}

impl Dash {
    fn pattern(self) -> &'static [f64] {
        match self {
            Self::Solid => &[],
            Self::Dashed => &[7.0, 4.0],
            Self::Dotted => &[2.0, 3.0],
            Self::DashDot => &[9.0, 3.0, 2.0, 3.0],
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stroke {
    pub colour: Rgb,
    /// 0 to 1.
    pub alpha: f64,
    pub width: f64,
    pub dash: Dash,
}

impl Stroke {
    pub const fn new(colour: Rgb, width: f64) -> Self {
        Self { colour, alpha: 1.0, width, dash: Dash::Solid }
    }

    pub const fn dash(self, dash: Dash) -> Self {
        Self { dash, ..self }
    }

    pub const fn alpha(self, alpha: f64) -> Self {
        Self { alpha, ..self }
    }
}

/// Which point of a text lies at its position, left to right; vertically it is always the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    pub x: f64,
    pub y: f64,
    pub text: String,
    pub size: f64,
    pub colour: Rgb,
    pub anchor: Anchor,
    pub bold: bool,
}

/// Points are (x, y), CSS pixels from the top left.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    Line { points: Vec<(f64, f64)>, stroke: Stroke },
    Area { points: Vec<(f64, f64)>, colour: Rgb, alpha: f64 },
    Box { from: (f64, f64), to: (f64, f64), colour: Rgb, alpha: f64 },
    Dot { at: (f64, f64), radius: f64, colour: Rgb },
    Text(Label),
}

/// A chart in two layers: what changes seldom, and what moves while a run goes on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scene {
    pub axes: Vec<Mark>,
    pub series: Vec<Mark>,
}

impl Scene {
    /// Changes exactly when the axes layer must be drawn again.
    pub fn axes_key(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for mark in &self.axes {
            mark.hash_into(&mut hasher);
        }
        hasher.finish()
    }

    /// The layer of axes, grid, words and fixed reference lines. `scale` is device pixels per CSS pixel; the area
    /// is expected to be the chart's size times that. Nothing is cleared first.
    pub fn draw_axes<DB: DrawingBackend>(
        &self,
        area: &DrawingArea<DB, Shift>,
        scale: f64,
    ) -> Result<(), DrawError<DB>> {
        draw(&self.axes, area, scale, 1.0)
    }

    /// The layer of moving lines, to lie over the axes. plotters rounds to whole pixels: on a plain screen a scale of 2
    /// (and a canvas twice its shown size) draws slopes without steps.
    pub fn draw_series<DB: DrawingBackend>(
        &self,
        area: &DrawingArea<DB, Shift>,
        scale: f64,
    ) -> Result<(), DrawError<DB>> {
        draw(&self.series, area, scale, 1.0)
    }

    /// Both layers.
    pub fn draw<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>, scale: f64) -> Result<(), DrawError<DB>> {
        self.draw_axes(area, scale)?;
        self.draw_series(area, scale)
    }

    /// A whole SVG document of `width` x `height` CSS pixels on `background`.
    pub fn svg(&self, width: f64, height: f64, background: Rgb) -> String {
        // plotters rounds to whole units, so the drawing is made eight times as large and shown at its size.
        const FINE: f64 = 8.0;
        // Its SVG backend divides font sizes by this.
        const SVG_FONT: f64 = 1.24;
        let (w, h) = ((width * FINE).round().max(1.0) as u32, (height * FINE).round().max(1.0) as u32);
        let mut svg = String::new();
        {
            use plotters::prelude::{IntoDrawingArea, SVGBackend};
            let area = SVGBackend::with_string(&mut svg, (w, h)).into_drawing_area();
            // Writing to a string cannot fail.
            let _ = area.fill(&colour(background, 1.0));
            let _ = draw(&self.axes, &area, FINE, SVG_FONT);
            let _ = draw(&self.series, &area, FINE, SVG_FONT);
            let _ = area.present();
        }
        svg.replacen(&format!("width=\"{w}\" height=\"{h}\""), &format!("width=\"{width}\" height=\"{height}\""), 1)
    }
}

impl Mark {
    fn hash_into(&self, hasher: &mut DefaultHasher) {
        // Tenths of a pixel: finer changes are not worth a redraw.
        let tenth = |v: f64| (v * 10.0).round() as i64;
        let point = |(x, y): (f64, f64)| (tenth(x), tenth(y));
        std::mem::discriminant(self).hash(hasher);
        match self {
            Self::Line { points, stroke } => {
                points.iter().for_each(|p| point(*p).hash(hasher));
                (stroke.colour, tenth(stroke.alpha * 100.0), tenth(stroke.width)).hash(hasher);
                stroke.dash.pattern().len().hash(hasher);
            }
            Self::Area { points, colour, alpha } => {
                points.iter().for_each(|p| point(*p).hash(hasher));
                (colour, tenth(alpha * 100.0)).hash(hasher);
            }
            Self::Box { from, to, colour, alpha } => {
                (point(*from), point(*to), colour, tenth(alpha * 100.0)).hash(hasher);
            }
            Self::Dot { at, radius, colour } => (point(*at), tenth(*radius), colour).hash(hasher),
            Self::Text(label) => {
                (tenth(label.x), tenth(label.y), &label.text, tenth(label.size), label.colour).hash(hasher);
                (label.bold, label.anchor as u8).hash(hasher);
            }
        }
    }
}

fn colour(rgb: Rgb, alpha: f64) -> plotters::style::RGBAColor {
    RGBColor(rgb.0, rgb.1, rgb.2).mix(alpha)
}

fn draw<DB: DrawingBackend>(
    marks: &[Mark],
    area: &DrawingArea<DB, Shift>,
    scale: f64,
    font: f64,
) -> Result<(), DrawError<DB>> {
    let at = |(x, y): (f64, f64)| ((x * scale).round() as i32, (y * scale).round() as i32);
    // What a logarithm or a division lost is left out rather than drawn at the edge of the integers.
    let sound = |p: &(f64, f64)| p.0.is_finite() && p.1.is_finite() && p.0.abs() < 1e5 && p.1.abs() < 1e5;
    for mark in marks {
        match mark {
            Mark::Line { points, stroke } => {
                let style = ShapeStyle {
                    color: colour(stroke.colour, stroke.alpha),
                    filled: false,
                    stroke_width: (stroke.width * scale).round().max(1.0) as u32,
                };
                // A gap in the data is a gap in the line.
                for run in points.split(|p| !sound(p)) {
                    for piece in dashes(run, stroke.dash.pattern()) {
                        area.draw(&PathElement::new(piece.iter().map(|p| at(*p)).collect::<Vec<_>>(), style))?;
                    }
                }
            }
            Mark::Area { points, colour: rgb, alpha } => {
                let points: Vec<_> = points.iter().filter(|p| sound(p)).map(|p| at(*p)).collect();
                if points.len() > 2 {
                    area.draw(&Polygon::new(points, colour(*rgb, *alpha).filled()))?;
                }
            }
            Mark::Box { from, to, colour: rgb, alpha } => {
                if sound(from) && sound(to) {
                    area.draw(&Rectangle::new([at(*from), at(*to)], colour(*rgb, *alpha).filled()))?;
                }
            }
            Mark::Dot { at: centre, radius, colour: rgb } => {
                if sound(centre) {
                    let radius = (radius * scale).round().max(1.0) as i32;
                    area.draw(&Circle::new(at(*centre), radius, colour(*rgb, 1.0).filled()))?;
                }
            }
            Mark::Text(label) => {
                if sound(&(label.x, label.y)) && !label.text.is_empty() {
                    let style = if label.bold { FontStyle::Bold } else { FontStyle::Normal };
                    let desc = FontDesc::new(FontFamily::Name(FONT), label.size * scale * font, style)
                        .transform(FontTransform::None);
                    let h_pos = match label.anchor {
                        Anchor::Start => HPos::Left,
                        Anchor::Middle => HPos::Center,
                        Anchor::End => HPos::Right,
                    };
                    let ink = colour(label.colour, 1.0);
                    let style = TextStyle::from(desc).color(&ink).pos(Pos::new(h_pos, VPos::Center));
                    area.draw(&Text::new(label.text.as_str(), at((label.x, label.y)), style))?;
                }
            }
        }
    }
    Ok(())
}

/// Cuts a polyline into its dashes; a line without a pattern stays whole, and a single point becomes a short stroke.
fn dashes(points: &[(f64, f64)], pattern: &[f64]) -> Vec<Vec<(f64, f64)>> {
    match points {
        [] => return Vec::new(),
        [(x, y)] => return vec![vec![(x - 1.5, *y), (x + 1.5, *y)]],
        _ if pattern.is_empty() => return vec![points.to_vec()],
        _ => {}
    }
    let mut pieces = Vec::new();
    let mut piece = vec![points[0]];
    let (mut index, mut left) = (0, pattern[0]);
    for pair in points.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let length = (to.0 - from.0).hypot(to.1 - from.1);
        let mut walked = 0.0;
        while length - walked > left {
            walked += left;
            let t = walked / length;
            let point = (from.0 + t * (to.0 - from.0), from.1 + t * (to.1 - from.1));
            // Even entries of the pattern are drawn, odd ones skipped.
            if index % 2 == 0 {
                piece.push(point);
                pieces.push(std::mem::take(&mut piece));
            } else {
                piece = vec![point];
            }
            index = (index + 1) % pattern.len();
            left = pattern[index];
        }
        left -= length - walked;
        if index % 2 == 0 {
            piece.push(to);
        }
    }
    if piece.len() > 1 {
        pieces.push(piece);
    }
    pieces
}

/// Estimated width of `text`, CSS pixels: no font is asked. Errs on the wide side.
pub fn text_width(text: &str, size: f64) -> f64 {
    let em: f64 = text
        .chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | '.' | ',' | '\'' | '|' | ':' | ';' | 'I' | '′' => 0.3,
            'f' | 't' | 'r' | ' ' | '(' | ')' | '[' | ']' | '-' | '/' => 0.38,
            'm' | 'w' | 'M' | 'W' | '%' | '—' => 0.9,
            'A'..='Z' => 0.7,
            _ => 0.58,
        })
        .sum();
    em * size
}

/// Shortens `text` to at most `width` CSS pixels with an ellipsis.
pub fn fit(text: &str, size: f64, width: f64) -> String {
    if text_width(text, size) <= width {
        return text.to_string();
    }
    let mut kept = String::new();
    for c in text.chars() {
        if text_width(&kept, size) + text_width(&c.to_string(), size) + 0.9 * size > width {
            break;
        }
        kept.push(c);
    }
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_keep_the_pattern_across_corners() {
        let points: Vec<(f64, f64)> = (0..=100).map(|i| (f64::from(i), 0.0)).collect();
        let pieces = dashes(&points, &[7.0, 4.0]);
        assert_eq!(pieces.len(), 10);
        for (i, piece) in pieces.iter().enumerate() {
            assert!((piece[0].0 - 11.0 * i as f64).abs() < 1e-9);
        }
        assert_eq!(dashes(&[], &[7.0, 4.0]).len(), 0);
        assert_eq!(dashes(&[(1.0, 1.0)], &[7.0, 4.0]).len(), 1);
        assert_eq!(dashes(&[(1.0, 1.0), (1.0, 1.0)], &[7.0, 4.0]).len(), 1);
    }

    #[test]
    fn marks_that_are_not_numbers_are_left_out() {
        let stroke = Stroke::new(Rgb(0, 0, 0), 1.0);
        let points = vec![(0.0, 0.0), (10.0, f64::NAN), (20.0, 5.0), (30.0, f64::INFINITY)];
        let scene = Scene { axes: vec![], series: vec![Mark::Line { points, stroke }] };
        let svg = scene.svg(100.0, 50.0, Rgb(255, 255, 255));
        assert!(!svg.contains("NaN") && svg.contains("width=\"100\" height=\"50\" viewBox=\"0 0 800 400\""), "{svg}");
        assert_eq!(svg.matches("<polyline").count(), 2);
    }

    #[test]
    fn the_key_changes_with_the_axes_only() {
        let text = |text: &str| {
            Mark::Text(Label {
                x: 1.0,
                y: 1.0,
                text: text.into(),
                size: 12.0,
                colour: Rgb(0, 0, 0),
                anchor: Anchor::Start,
                bold: false,
            })
        };
        let a = Scene { axes: vec![text("a")], series: vec![] };
        let same = Scene { axes: vec![text("a")], series: vec![text("b")] };
        let other = Scene { axes: vec![text("b")], series: vec![] };
        assert_eq!(a.axes_key(), same.axes_key());
        assert_ne!(a.axes_key(), other.axes_key());
    }

    #[test]
    fn long_labels_are_shortened() {
        assert_eq!(fit("model", 12.0, 100.0), "model");
        let short = fit("a very long label that has no room", 12.0, 80.0);
        assert!(short.ends_with('…') && text_width(&short, 12.0) <= 80.0);
    }
}
