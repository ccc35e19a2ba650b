//! What a chart looks like, as plain marks in CSS pixels; as SVG here, on a canvas by the page.
//!
//! Nothing here measures text.

use std::hash::{Hash, Hasher};

use crate::{
    colour::Rgb,
    text::{escape, num},
};

/// The page's own font stack.
pub const FONT: &str = "system-ui, sans-serif";

/// Lengths of dashes and of the gaps between them, CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dash {
    /// An unbroken line.
    Solid,
    /// Dashes of 7 pixels.
    Dashed,
    /// Dots.
    Dotted,
    /// A dash and a dot in turn.
    DashDot,
    /// Dashes of 4 pixels, with gaps as long.
    Short,
    /// Dashes of 12 pixels.
    Long,
}

impl Dash {
    /// Lengths of dash and gap in turn, CSS pixels; empty for a solid line.
    pub fn pattern(self) -> &'static [f64] {
        match self {
            Self::Solid => &[],
            Self::Dashed => &[7.0, 4.0],
            Self::Dotted => &[2.0, 3.0],
            Self::DashDot => &[9.0, 3.0, 2.0, 3.0],
            Self::Short => &[4.0, 4.0],
            Self::Long => &[12.0, 5.0],
        }
    }
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stroke {
    /// The colour.
    pub colour: Rgb,
    /// Opacity, 0 to 1.
    pub alpha: f64,
    /// Width of the line, CSS pixels.
    pub width: f64,
    /// Dashes and gaps.
    pub dash: Dash,
}

impl Stroke {
    /// A solid, opaque line of this width (CSS pixels).
    pub const fn new(colour: Rgb, width: f64) -> Self {
        Self { colour, alpha: 1.0, width, dash: Dash::Solid }
    }

    /// The same with these dashes.
    pub const fn dash(self, dash: Dash) -> Self {
        Self { dash, ..self }
    }

    /// The same with this opacity, 0 to 1.
    pub const fn alpha(self, alpha: f64) -> Self {
        Self { alpha, ..self }
    }
}

/// Which point of a text lies at its position, left to right; vertically it is always the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The left end of the text.
    Start,
    /// The middle of the text.
    Middle,
    /// The right end of the text.
    End,
}

/// A text in one line.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// Horizontal place of the anchor, CSS pixels.
    pub x: f64,
    /// Vertical middle of the text, CSS pixels from the top.
    pub y: f64,
    /// What it says.
    pub text: String,
    /// Font size, CSS pixels.
    pub size: f64,
    /// The colour.
    pub colour: Rgb,
    /// Which point of the text lies at `x`.
    pub anchor: Anchor,
    /// Whether the letters are bold.
    pub bold: bool,
}

/// The colour of one cell of an image; `None` where nothing is drawn.
pub type Pixel = Option<Rgb>;

/// One thing that is drawn. Points are (x, y), CSS pixels from the top left.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// A line through points.
    Line {
        /// The corners of the line.
        points: Vec<(f64, f64)>,
        /// How it is drawn.
        stroke: Stroke,
    },
    /// A filled polygon.
    Area {
        /// The corners of the polygon.
        points: Vec<(f64, f64)>,
        /// The colour.
        colour: Rgb,
        /// Opacity, 0 to 1.
        alpha: f64,
    },
    /// A filled rectangle.
    Box {
        /// One corner.
        from: (f64, f64),
        /// The opposite corner.
        to: (f64, f64),
        /// The colour.
        colour: Rgb,
        /// Opacity, 0 to 1.
        alpha: f64,
    },
    /// A filled circle.
    Dot {
        /// The middle.
        at: (f64, f64),
        /// The radius, CSS pixels.
        radius: f64,
        /// The colour.
        colour: Rgb,
    },
    /// Many cells as one picture: [rows, columns] row-major from the top, `corner` being the upper left one.
    Image {
        /// The upper left corner of the picture.
        corner: (f64, f64),
        /// Width and height of the whole picture, CSS pixels.
        size: (f64, f64),
        /// Cells in a row.
        columns: usize,
        /// The colour of each cell, `[rows, columns]`, row-major from the top.
        pixels: Vec<Pixel>,
    },
    /// A text.
    Text(Label),
}

/// A chart in two layers: what changes seldom, and what moves while a run goes on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scene {
    /// The lower layer, which changes seldom: axes, grid and names.
    pub axes: Vec<Mark>,
    /// The upper layer, which moves while a run goes on: the data.
    pub series: Vec<Mark>,
}

impl Scene {
    /// Changes exactly when the axes layer must be drawn again.
    pub fn axes_key(&self) -> u64 {
        let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
        for mark in &self.axes {
            mark.hash_into(&mut hasher);
        }
        hasher.finish()
    }

    /// A whole SVG document of `width` x `height` CSS pixels on `background`.
    pub fn svg(&self, width: f64, height: f64, background: Rgb) -> String {
        let (width, height) = (num(width), num(height));
        let marks: String = self.axes.iter().chain(&self.series).map(Mark::svg).collect();
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             font-family=\"{FONT}\"><rect width=\"{width}\" height=\"{height}\" fill=\"{background}\"/>{marks}</svg>\n"
        )
    }
}

/// FNV-1a, 64 bits. The standard library's hash guards against chosen keys, which costs 1 kB of the page.
struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// What a logarithm or a division lost is left out rather than drawn at the edge of the integers.
pub fn is_sound((x, y): &(f64, f64)) -> bool {
    x.is_finite() && y.is_finite() && x.abs() < 1e5 && y.abs() < 1e5
}

impl Mark {
    fn svg(&self) -> String {
        let list = |points: &mut dyn Iterator<Item = &(f64, f64)>| {
            points.map(|(x, y)| format!("{},{}", num(*x), num(*y))).collect::<Vec<_>>().join(" ")
        };
        match self {
            Self::Line { points, stroke } => {
                let dashes = stroke.dash.pattern().iter().map(|length| num(*length)).collect::<Vec<_>>().join(" ");
                let run = |run: Vec<(f64, f64)>| {
                    format!(
                        "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-opacity=\"{}\" stroke-width=\"{}\" \
                         stroke-dasharray=\"{}\"/>",
                        list(&mut run.iter()),
                        stroke.colour,
                        percent(stroke.alpha),
                        num(stroke.width),
                        if dashes.is_empty() { "none" } else { &dashes }
                    )
                };
                // A gap in the data is a gap in the line; each piece is whole, as its dashes are an attribute.
                points.split(|p| !is_sound(p)).flat_map(|points| cut(points, &[])).map(run).collect()
            }
            Self::Area { points, colour, alpha } => format!(
                "<polygon points=\"{}\" fill=\"{colour}\" fill-opacity=\"{}\"/>",
                list(&mut points.iter().filter(|p| is_sound(p))),
                percent(*alpha)
            ),
            Self::Box { from, to, colour, alpha } if is_sound(from) && is_sound(to) => format!(
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{colour}\" fill-opacity=\"{}\"/>",
                num(from.0.min(to.0)),
                num(from.1.min(to.1)),
                num((to.0 - from.0).abs()),
                num((to.1 - from.1).abs()),
                percent(*alpha)
            ),
            Self::Dot { at, radius, colour } if is_sound(at) => {
                format!("<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"{colour}\"/>", num(at.0), num(at.1), num(*radius))
            }
            Self::Image { corner, size, columns, pixels } if is_sound(corner) && *columns > 0 && !pixels.is_empty() => {
                format!(
                    "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\" \
                     style=\"image-rendering:pixelated\" href=\"data:image/png;base64,{}\"/>",
                    num(corner.0),
                    num(corner.1),
                    num(size.0),
                    num(size.1),
                    image(pixels, *columns)
                )
            }
            Self::Text(label) if is_sound(&(label.x, label.y)) => format!(
                "<text x=\"{}\" y=\"{}\" font-size=\"{}\" font-weight=\"{}\" text-anchor=\"{}\" fill=\"{}\">{}</text>",
                num(label.x),
                // Its middle: half of a letter's height below.
                num(label.y + 0.35 * label.size),
                num(label.size),
                if label.bold { "bold" } else { "normal" },
                ["start", "middle", "end"][label.anchor as usize],
                label.colour,
                escape(&label.text)
            ),
            Self::Box { .. } | Self::Dot { .. } | Self::Image { .. } | Self::Text(_) => String::new(),
        }
    }

    fn hash_into(&self, hasher: &mut Fnv) {
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
            Self::Image { corner, size, columns, pixels } => {
                (point(*corner), point(*size), columns, pixels).hash(hasher)
            }
            Self::Text(label) => {
                (tenth(label.x), tenth(label.y), &label.text, tenth(label.size), label.colour).hash(hasher);
                (label.bold, label.anchor as u8).hash(hasher);
            }
        }
    }
}

/// Whole rows of pixels as bytes: red, green, blue, opacity of each.
pub fn rgba(pixels: &[Pixel]) -> Vec<u8> {
    pixels.iter().flat_map(|p| p.map_or([0; 4], |rgb| [rgb.0, rgb.1, rgb.2, 255])).collect()
}

/// A PNG file of the pixels, in base64.
fn image(pixels: &[Pixel], columns: usize) -> String {
    let rows = pixels.len() / columns;
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, columns as u32, rows as u32);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    // Writing into memory, the size being right, cannot fail; an empty picture would show if it did.
    let written =
        encoder.write_header().and_then(|mut writer| writer.write_image_data(&rgba(&pixels[..rows * columns])));
    if written.is_err() {
        file.clear();
    }
    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &file)
}

/// Two digits of an opacity.
fn percent(alpha: f64) -> String {
    ((alpha * 100.0).round() / 100.0).to_string()
}

/// Cuts a polyline into its dashes; a line without a pattern stays whole, and a single point becomes a short stroke.
pub fn cut(points: &[(f64, f64)], pattern: &[f64]) -> Vec<Vec<(f64, f64)>> {
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
            '↑' | '↓' | '←' => 1.0,
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
        let pieces = cut(&points, &[7.0, 4.0]);
        assert_eq!(pieces.len(), 10);
        for (i, piece) in pieces.iter().enumerate() {
            assert!((piece[0].0 - 11.0 * i as f64).abs() < 1e-9);
        }
        assert_eq!(cut(&[], &[7.0, 4.0]).len(), 0);
        assert_eq!(cut(&[(1.0, 1.0)], &[7.0, 4.0]).len(), 1);
        assert_eq!(cut(&[(1.0, 1.0), (1.0, 1.0)], &[7.0, 4.0]).len(), 1);
    }

    #[test]
    fn marks_that_are_not_numbers_are_left_out() {
        let stroke = Stroke::new(Rgb(0, 0, 0), 1.0);
        let points = vec![(0.0, 0.0), (10.0, f64::NAN), (20.0, 5.0), (30.0, f64::INFINITY)];
        let scene = Scene { axes: vec![], series: vec![Mark::Line { points, stroke }] };
        let svg = scene.svg(100.0, 50.0, Rgb(255, 255, 255));
        assert!(!svg.contains("NaN") && svg.contains("width=\"100\" height=\"50\" viewBox=\"0 0 100 50\""), "{svg}");
        assert_eq!(svg.matches("<polyline").count(), 2);
    }

    #[test]
    fn marks_become_svg() {
        let black = Rgb(0, 0, 0);
        let stroke = Stroke::new(black, 1.5).dash(Dash::Dashed).alpha(0.25);
        let label = Label {
            x: 8.0,
            y: 10.0,
            text: "a < b & c".into(),
            size: 10.0,
            colour: black,
            anchor: Anchor::End,
            bold: true,
        };
        let scene = Scene {
            axes: vec![Mark::Text(label), Mark::Box { from: (5.0, 9.0), to: (1.0, 2.0), colour: black, alpha: 0.5 }],
            series: vec![
                Mark::Line { points: vec![(0.04, 1.0), (2.26, 3.0)], stroke },
                Mark::Dot { at: (1.0, 2.0), radius: 3.0, colour: black },
                Mark::Area { points: vec![(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)], colour: black, alpha: 1.0 },
            ],
        };
        let svg = scene.svg(20.0, 10.0, Rgb(255, 255, 255));
        for wanted in [
            "<rect width=\"20\" height=\"10\" fill=\"#ffffff\"/><text x=\"8\" y=\"13.5\" font-size=\"10\" font-weight=\"bold\" \
             text-anchor=\"end\" fill=\"#000000\">a &lt; b &amp; c</text>",
            "<rect x=\"1\" y=\"2\" width=\"4\" height=\"7\" fill=\"#000000\" fill-opacity=\"0.5\"/>",
            "<polyline points=\"0,1 2.3,3\" fill=\"none\" stroke=\"#000000\" stroke-opacity=\"0.25\" stroke-width=\"1.5\" \
             stroke-dasharray=\"7 4\"/>",
            "<circle cx=\"1\" cy=\"2\" r=\"3\" fill=\"#000000\"/>",
            "<polygon points=\"0,0 1,0 1,1\" fill=\"#000000\" fill-opacity=\"1\"/></svg>",
        ] {
            assert!(svg.contains(wanted), "{wanted} in {svg}");
        }
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
