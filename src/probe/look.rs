//! How predictors and levels look: colours and dashes that mean one thing everywhere.

pub use super::parts::listed;
use crate::{
    colour::Rgb,
    picture::svg::{AXIS, INK, Paint},
    sweep::chart::MODEL,
};

pub const ORACLE: Paint = Paint::Variable("oracle", Rgb(0, 140, 102));
pub const RATE: Paint = Paint::Variable("entropy-rate", Rgb(118, 125, 137));
pub const UNIGRAM: Paint = Paint::Variable("unigram", Rgb(184, 122, 0));
pub const BIGRAM: Paint = Paint::Variable("bigram", Rgb(213, 94, 0));
pub const RETRIEVAL: Paint = Paint::Variable("retrieval", Rgb(178, 90, 144));
/// What has no colour of its own.
pub const OTHER: Paint = Paint::Variable("sequence", Rgb(0, 131, 143));

pub const DASHED: &str = "7 4";
pub const DOTTED: &str = "2 3";
pub const DASH_DOT: &str = "10 3 2 3";

/// Colour and dash of a predictor or a level, by its name: what it looks at decides its colour, how it learns its dash.
pub fn of(name: &str) -> (Paint, &'static str) {
    match name {
        "model" => (MODEL, ""),
        "inference" | "Bayes" | "n-grams" => (INK, ""),
        "oracle" => (ORACLE, DASHED),
        "entropy rate" => (RATE, DOTTED),
        "uniform" => (AXIS, DASH_DOT),
        "unigram" => (UNIGRAM, ""),
        "bigram" => (BIGRAM, ""),
        "retrieval" => (RETRIEVAL, DASHED),
        "uni-inf" => (UNIGRAM, DASHED),
        "uni-ret" => (UNIGRAM, DOTTED),
        "bi-inf" => (BIGRAM, DASHED),
        "bi-ret" => (BIGRAM, DOTTED),
        _ => (OTHER, DASH_DOT),
    }
}
