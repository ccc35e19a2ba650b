//! Colours: what each means, light and dark, in one place. Canvas charts read [`Theme`], the page's style sheet
//! reads the same colours as CSS variables.
//!
//! The hues are Okabe and Ito's (safe for colour-blind eyes), moved in lightness until a line has a contrast of at
//! least 3:1 and text one of at least 4.5:1 on both of a theme's backgrounds. Tests hold them to that.

use std::fmt::Write;

pub use crate::colour::Rgb;
use crate::colour::{golden_angle, tint, token_angle};

/// A hue with a meaning: for lines, and (where that needs more contrast) for words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hue {
    /// For lines and marks.
    pub line: Rgb,
    /// For words, where they need more contrast.
    pub text: Rgb,
}

const fn hue(line: Rgb, text: Rgb) -> Hue {
    Hue { line, text }
}

/// Every colour of the page and its charts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    /// Whether this is the dark theme.
    pub dark: bool,
    /// Behind everything.
    pub background: Rgb,
    /// Panels; charts are drawn on it.
    pub surface: Rgb,
    /// Words.
    pub text: Rgb,
    /// Words of less weight: ticks, names of axes, remarks.
    pub muted: Rgb,
    /// Grid lines: decoration, so below 3:1 on purpose.
    pub grid: Rgb,
    /// Axes and the edges of controls.
    pub axis: Rgb,
    /// The model.
    pub model: Hue,
    /// Earlier runs of the model: the same hue, paler.
    pub earlier: Hue,
    /// Exact Bayes: ink.
    pub bayes: Hue,
    /// The predictor that knows the topic.
    pub oracle: Hue,
    /// The entropy rate.
    pub entropy_rate: Hue,
    /// Predictors that look at no token before.
    pub unigram: Hue,
    /// Predictors that look at one token before.
    pub bigram: Hue,
    /// Bayes over the training topics alone.
    pub retrieval: Hue,
    /// What K and T_p bring down: the topic gap and the bound's topic term.
    pub topic: Hue,
    /// What N and T bring down: the sequence gap and the bound's sequence term.
    pub sequence: Hue,
}

impl Theme {
    /// The colours of the light theme.
    pub const fn light() -> Self {
        Self {
            dark: false,
            background: Rgb(246, 247, 249),
            surface: Rgb(255, 255, 255),
            text: Rgb(22, 26, 33),
            muted: Rgb(88, 96, 110),
            grid: Rgb(228, 231, 236),
            axis: Rgb(132, 140, 153),
            model: hue(Rgb(0, 98, 178), Rgb(0, 90, 166)),
            earlier: hue(Rgb(84, 147, 201), Rgb(47, 112, 167)),
            bayes: hue(Rgb(22, 26, 33), Rgb(22, 26, 33)),
            oracle: hue(Rgb(0, 140, 102), Rgb(0, 112, 82)),
            entropy_rate: hue(Rgb(118, 125, 137), Rgb(95, 102, 114)),
            unigram: hue(Rgb(184, 122, 0), Rgb(138, 90, 0)),
            bigram: hue(Rgb(213, 94, 0), Rgb(176, 74, 0)),
            retrieval: hue(Rgb(178, 90, 144), Rgb(154, 66, 120)),
            topic: hue(Rgb(109, 88, 196), Rgb(94, 73, 184)),
            sequence: hue(Rgb(0, 131, 143), Rgb(0, 110, 120)),
        }
    }

    /// The colours of the dark theme.
    pub const fn dark() -> Self {
        Self {
            dark: true,
            background: Rgb(15, 18, 23),
            surface: Rgb(22, 26, 33),
            text: Rgb(236, 239, 244),
            muted: Rgb(160, 168, 181),
            grid: Rgb(45, 51, 62),
            axis: Rgb(112, 121, 136),
            model: hue(Rgb(86, 180, 240), Rgb(110, 190, 243)),
            earlier: hue(Rgb(62, 119, 165), Rgb(108, 158, 199)),
            bayes: hue(Rgb(244, 246, 250), Rgb(244, 246, 250)),
            oracle: hue(Rgb(38, 190, 145), Rgb(62, 201, 160)),
            entropy_rate: hue(Rgb(139, 147, 160), Rgb(160, 168, 181)),
            unigram: hue(Rgb(230, 159, 0), Rgb(236, 172, 34)),
            bigram: hue(Rgb(236, 118, 42), Rgb(242, 138, 72)),
            retrieval: hue(Rgb(210, 134, 178), Rgb(220, 151, 190)),
            topic: hue(Rgb(165, 148, 240), Rgb(179, 165, 243)),
            sequence: hue(Rgb(56, 189, 199), Rgb(84, 200, 208)),
        }
    }

    /// The dark theme, or the light one.
    pub const fn of(dark: bool) -> Self {
        if dark { Self::dark() } else { Self::light() }
    }

    /// What has no meaning of its own.
    pub const fn grey(&self) -> Hue {
        Hue { line: self.axis, text: self.muted }
    }

    /// A hue per topic, evenly spaced; neighbours in number are far apart on the wheel. A tint to set text on.
    pub fn topic_tint(&self, index: usize) -> Rgb {
        self.tint(golden_angle(index))
    }

    /// A hue per token of a vocabulary of `vocab`. A tint to set text on.
    pub fn token_tint(&self, token: usize, vocab: usize) -> Rgb {
        self.tint(token_angle(token, vocab))
    }

    fn tint(&self, angle: f64) -> Rgb {
        tint(self.dark, angle)
    }

    fn hues(&self) -> [(&'static str, Hue); 10] {
        [
            ("model", self.model),
            ("earlier", self.earlier),
            ("bayes", self.bayes),
            ("oracle", self.oracle),
            ("entropy-rate", self.entropy_rate),
            ("unigram", self.unigram),
            ("bigram", self.bigram),
            ("retrieval", self.retrieval),
            ("topic", self.topic),
            ("sequence", self.sequence),
        ]
    }

    /// `--surface: #ffffff; --model: …; --model-text: …;` for a `:root` rule or a `style` attribute.
    ///
    /// Names: background, surface, text, muted, grid, axis; and for each of model, earlier, bayes, oracle,
    /// entropy-rate, unigram, bigram, retrieval, topic, sequence the line's colour and, with `-text`, the words'.
    pub fn css_variables(&self) -> String {
        let mut css = format!("color-scheme: {};", if self.dark { "dark" } else { "light" });
        let plain = [
            ("background", self.background),
            ("surface", self.surface),
            ("text", self.text),
            ("muted", self.muted),
            ("grid", self.grid),
            ("axis", self.axis),
        ];
        // Writing to a string cannot fail.
        for (name, colour) in plain {
            let _ = write!(css, " --{name}: {colour};");
        }
        for (name, hue) in self.hues() {
            let _ = write!(css, " --{name}: {}; --{name}-text: {};", hue.line, hue.text);
        }
        css
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_enough_on_both_backgrounds() {
        assert!((Rgb(0, 0, 0).contrast(Rgb(255, 255, 255)) - 21.0).abs() < 1e-9);
        for theme in [Theme::light(), Theme::dark()] {
            for ground in [theme.background, theme.surface] {
                for (name, hue) in theme.hues() {
                    let (line, text) = (hue.line.contrast(ground), hue.text.contrast(ground));
                    assert!(line >= 3.0, "{name} line {line:.2} dark={}", theme.dark);
                    assert!(text >= 4.5, "{name} text {text:.2} dark={}", theme.dark);
                }
                assert!(theme.text.contrast(ground) >= 4.5);
                assert!(theme.muted.contrast(ground) >= 4.5, "{:.2}", theme.muted.contrast(ground));
                assert!(theme.axis.contrast(ground) >= 3.0, "{:.2}", theme.axis.contrast(ground));
            }
        }
    }

    #[test]
    fn text_is_readable_on_every_tint() {
        for theme in [Theme::light(), Theme::dark()] {
            for i in 0..64 {
                for tint in [theme.topic_tint(i), theme.token_tint(i, 64), theme.token_tint(i % 5, 5)] {
                    assert!(theme.text.contrast(tint) >= 4.5, "{tint} {:.2}", theme.text.contrast(tint));
                }
            }
        }
    }

    #[test]
    fn css_names_every_colour() {
        let css = Theme::light().css_variables();
        for name in ["--surface: #ffffff;", "--model: #0062b2;", "--entropy-rate-text:", "color-scheme: light;"] {
            assert!(css.contains(name), "{name} in {css}");
        }
    }
}
