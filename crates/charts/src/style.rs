//! How things look: what a colour stands for, and the one table of predictors, their colours and dashes.

use serde::{Deserialize, Serialize};

use crate::{
    colour::{golden_angle, ramp, stroke, token_angle},
    scene::Dash,
    theme::{Hue, Rgb, Theme},
};

/// What a line or a mark stands for. Its colour follows from the theme.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Ink {
    /// Words.
    Text,
    /// Words of less weight.
    Muted,
    /// What has no meaning of its own.
    Grey,
    /// The model.
    Model,
    /// Earlier runs of the model.
    Earlier,
    /// Exact Bayes, with the topic hidden.
    Bayes,
    /// The predictor that knows the topic.
    Oracle,
    /// The entropy rate.
    EntropyRate,
    /// Predictors that look at no token before.
    Unigram,
    /// Predictors that look at one token before.
    Bigram,
    /// Bayes over the training topics alone.
    Retrieval,
    /// The topic gap, and the bound's topic term.
    Topic,
    /// The sequence gap, and the bound's sequence term.
    Sequence,
    /// Number `index` of `count` things in an order, from pale to strong.
    Ordered {
        /// The number of this one, from 0.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// A token, by its number in the vocabulary.
    Token {
        /// The token, from 0.
        token: usize,
        /// V: how many tokens there are.
        vocab: usize,
    },
    /// A topic by its number.
    TopicNumber(usize),
    /// From little (0) to much (1).
    Ramp(f64),
    /// Any colour, in the light theme and in the dark one.
    Either(Rgb, Rgb),
}

impl Ink {
    /// The colour in a theme.
    pub fn hue(self, theme: &Theme) -> Hue {
        let same = |rgb: Rgb| Hue { line: rgb, text: rgb };
        let either = |light: Rgb, dark: Rgb| same(if theme.dark { dark } else { light });
        match self {
            Self::Text => same(theme.text),
            Self::Muted => same(theme.muted),
            Self::Grey => theme.grey(),
            Self::Model => theme.model,
            Self::Earlier => theme.earlier,
            Self::Bayes => theme.bayes,
            Self::Oracle => theme.oracle,
            Self::EntropyRate => theme.entropy_rate,
            Self::Unigram => theme.unigram,
            Self::Bigram => theme.bigram,
            Self::Retrieval => theme.retrieval,
            Self::Topic => theme.topic,
            Self::Sequence => theme.sequence,
            Self::Ordered { index, count } => {
                // Apart in lightness as well as in hue, so that colour-blind eyes tell them apart.
                let share = index as f64 / (count.max(2) - 1) as f64;
                let hue = 150.0 + 145.0 * share;
                let line = either(
                    Rgb::from_oklch(0.6 - 0.26 * share, 0.12, hue),
                    Rgb::from_oklch(0.9 - 0.3 * share, 0.12, hue),
                );
                Hue { line: line.line, text: theme.text }
            }
            Self::Token { token, vocab } => same(stroke(theme.dark, token_angle(token, vocab))),
            Self::TopicNumber(index) => same(stroke(theme.dark, golden_angle(index))),
            Self::Ramp(share) => {
                let (light, dark) = ramp(share.clamp(0.0, 1.0));
                either(light, dark)
            }
            Self::Either(light, dark) => either(light, dark),
        }
    }
}

/// Colour and dash of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Style {
    /// What the line stands for, which gives its colour.
    pub ink: Ink,
    /// Dashes and gaps.
    pub dash: Dash,
}

impl Style {
    /// This colour with these dashes.
    pub const fn new(ink: Ink, dash: Dash) -> Self {
        Self { ink, dash }
    }
}

/// The style of a predictor or a level, by its name: what it looks at decides its colour, how it learns its dash.
pub fn predictor(name: &str) -> Style {
    let (ink, dash) = match name {
        "model" => (Ink::Model, Dash::Solid),
        "inference" | "Bayes" | "exact Bayes" | "n-grams" => (Ink::Bayes, Dash::Solid),
        "oracle" => (Ink::Oracle, Dash::Dashed),
        "entropy rate" => (Ink::EntropyRate, Dash::Dotted),
        "uniform" => (Ink::Grey, Dash::DashDot),
        "unigram" => (Ink::Unigram, Dash::Solid),
        "bigram" => (Ink::Bigram, Dash::Solid),
        "retrieval" => (Ink::Retrieval, Dash::Dashed),
        "uni-inf" => (Ink::Unigram, Dash::Dashed),
        "uni-ret" => (Ink::Unigram, Dash::Dotted),
        "bi-inf" => (Ink::Bigram, Dash::Dashed),
        "bi-ret" => (Ink::Bigram, Dash::Dotted),
        _ => (Ink::Sequence, Dash::DashDot),
    };
    Style { ink, dash }
}

/// A pattern for number `index` of several lines, so that colour is never alone.
pub fn dash(index: usize) -> Dash {
    [Dash::Solid, Dash::Dashed, Dash::Dotted, Dash::DashDot, Dash::Short, Dash::Long][index % 6]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_in_an_order_can_be_told_apart_from_the_page() {
        for theme in [Theme::light(), Theme::dark()] {
            for count in 1..8 {
                for index in 0..count {
                    let line = Ink::Ordered { index, count }.hue(&theme).line;
                    assert!(line.contrast(theme.surface) >= 3.0, "{index} of {count}: {line}");
                }
            }
        }
    }
}
