//! SVG as text. Colours are the page's CSS variables, or one for each of its themes, and each has a plain value besides, so that a
//! saved file looks right anywhere.

use std::fmt::Write;

use crate::colour::{Rgb, stroke, tint, token_angle};
pub use ::charts::text::{escape, num, probability as chance, shown as short};

/// What a shape or a word is painted with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Paint {
    None,
    /// A variable of the page's style sheet, and its value in the light theme.
    Variable(&'static str, Rgb),
    /// In the light theme, and in the dark one.
    Either(Rgb, Rgb),
}

pub const INK: Paint = Paint::Variable("text", Rgb(22, 26, 33));
pub const MUTED: Paint = Paint::Variable("muted", Rgb(88, 96, 110));
pub const AXIS: Paint = Paint::Variable("axis", Rgb(132, 140, 153));
pub const SURFACE: Paint = Paint::Variable("surface", Rgb(255, 255, 255));

impl Paint {
    /// Behind a token's name.
    pub fn token(token: u16, vocab: usize) -> Self {
        let angle = token_angle(usize::from(token), vocab);
        Self::Either(tint(false, angle), tint(true, angle))
    }

    /// For lines that stand for a token.
    pub fn token_line(token: u16, vocab: usize) -> Self {
        let angle = token_angle(usize::from(token), vocab);
        Self::Either(stroke(false, angle), stroke(true, angle))
    }

    pub fn fill(self) -> String {
        paints(&[("fill", self)])
    }

    fn plain(self) -> String {
        match self {
            Self::None => "none".into(),
            Self::Variable(_, plain) | Self::Either(plain, _) => plain.to_string(),
        }
    }

    fn css(self) -> String {
        match self {
            Self::None => "none".into(),
            Self::Variable(name, plain) => format!("var(--{name},{plain})"),
            Self::Either(light, dark) => format!("light-dark({light},{dark})"),
        }
    }
}

/// Attributes for readers that know no CSS variables, and a style that overrides them where it is understood.
pub fn paints(paints: &[(&str, Paint)]) -> String {
    let plain: String = paints.iter().map(|(name, paint)| format!("{name}=\"{}\" ", paint.plain())).collect();
    let css: Vec<String> = paints.iter().map(|(name, paint)| format!("{name}:{}", paint.css())).collect();
    format!("{plain}style=\"{}\"", css.join(";"))
}

/// Where a word stands about its x.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// A picture that grows; y points down.
#[derive(Clone, Debug, Default)]
pub struct Svg(String);

impl Svg {
    /// As it is: markup, whose texts are escaped.
    pub fn raw(&mut self, markup: &str) {
        self.0.push_str(markup);
    }

    pub fn markup(&self) -> &str {
        &self.0
    }

    /// `y` is the middle of the letters' height.
    pub fn text(&mut self, (x, y): (f64, f64), size: f64, paint: Paint, anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => r#" text-anchor="middle""#,
            Anchor::End => r#" text-anchor="end""#,
        };
        let _ = write!(
            self.0,
            r#"<text x="{}" y="{}" font-size="{}"{anchor} {}>{}</text>"#,
            num(x),
            num(y + 0.35 * size),
            num(size),
            paint.fill(),
            escape(text)
        );
    }

    /// With a title that shows on hover; none where it is empty.
    pub fn rect(&mut self, corner: (f64, f64), size: (f64, f64), radius: f64, paint: Paint, title: &str) {
        let round = if radius > 0.0 { format!(r#" rx="{}""#, num(radius)) } else { String::new() };
        let _ = write!(
            self.0,
            r#"<rect x="{}" y="{}" width="{}" height="{}"{round} {}"#,
            num(corner.0),
            num(corner.1),
            num(size.0),
            num(size.1),
            paint.fill(),
        );
        self.0.push_str(&if title.is_empty() { "/>".into() } else { format!("{}</rect>", closed(title)) });
    }

    /// A line along `d`.
    pub fn line(&mut self, d: &str, width: f64, paint: Paint, more: &str) {
        let _ = write!(
            self.0,
            r#"<path d="{d}" fill="none" stroke-width="{}" {}{more}/>"#,
            num(width),
            paints(&[("stroke", paint)])
        );
    }

    pub fn shape(&mut self, d: &str, paint: Paint) {
        let _ = write!(self.0, r#"<path d="{d}" {}/>"#, paint.fill());
    }

    /// What follows belongs together, moved by `by`, until [`Svg::close`].
    pub fn open(&mut self, by: (f64, f64), title: &str) {
        self.0.push_str("<g");
        if by != (0.0, 0.0) {
            let _ = write!(self.0, r#" transform="translate({} {})""#, num(by.0), num(by.1));
        }
        self.0.push_str(&if title.is_empty() { ">".into() } else { closed(title) });
    }

    pub fn close(&mut self) {
        self.0.push_str("</g>");
    }

    /// The whole, at its natural size. Without a style of its own: whoever saves it may add the page's variables there.
    pub fn finish(self, class: &str, (width, height): (f64, f64), label: &str) -> String {
        let (width, height) = (num(width.ceil()), num(height.ceil()));
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" class="{class}" role="img" aria-label="{}" font-family="system-ui,sans-serif">{}</svg>"#,
            escape(label),
            self.0
        )
    }
}

fn closed(title: &str) -> String {
    format!("><title>{}</title>", escape(title))
}

/// About how wide a text is, in units of its size. No font is at hand to measure with.
pub fn width(text: &str) -> f64 {
    text.chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' => 0.3,
            'm' | 'w' | 'M' | 'W' | '…' => 0.9,
            'A'..='Z' => 0.7,
            c if c >= '\u{1100}' => 1.0,
            _ => 0.58,
        })
        .sum()
}
