//! The lines of the loss by position, and what each looks like.

use super::{
    BAYES_WIDTH, CurveName, MODEL_PART_WIDTH, MODEL_WIDTH,
    scene::{Dash, Stroke},
};
use crate::app::theme::{Hue, Theme};

/// Width of the line of a reader's guess, CSS pixels: no other line is as broad and broken.
const GUESS_WIDTH: f64 = 4.0;
/// Of the runs beside this one, in order: they have one hue.
const EARLIER_DASHES: [Dash; 4] = [Dash::Solid, Dash::Long, Dash::Short, Dash::Dotted];

/// One line of the chart; values in nats, index 0 being position 1.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) kind: Kind,
    pub(super) values: Vec<f64>,
    /// Of each value; empty where there is none.
    pub(super) stderr: Vec<f64>,
    pub(super) how: Vec<String>,
    /// The least and the greatest of several runs, of each value; empty where there is one run.
    pub(super) spread: Vec<(f64, f64)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The mean of recorded runs at the settings in the controls: on fresh topics, and on the training topics.
    Recorded,
    RecordedSeen,
    /// The number among the runs beside this one decides its dash.
    Earlier(usize),
    /// What a baseline can see decides its colour, how it learns its dash.
    Baseline(Sight, Dash),
    Unigram,
    EntropyRate,
    Oracle,
    /// Exact Bayes over the K training topics.
    Retrieval,
    /// The model on those.
    Seen,
    Model,
    /// What a reader guessed of the model.
    Guess,
    Bayes,
}

/// What a baseline looks at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    Unigrams,
    Bigrams,
    Topics,
    Other,
}

impl Kind {
    /// By the baseline's name: `uni-inf`, `bi-ret`, `retrieval`, `copy`, `OLS`.
    pub(super) fn of_baseline(name: &str, index: usize) -> Self {
        let sight = match name {
            n if n.starts_with("uni") => Sight::Unigrams,
            n if n.starts_with("bi") => Sight::Bigrams,
            n if n.starts_with("ret") => Sight::Topics,
            _ => Sight::Other,
        };
        let dash = match name {
            n if n.ends_with("-ret") => Dash::Dotted,
            _ if sight == Sight::Other && index % 2 == 1 => Dash::DashDot,
            _ => Dash::Dashed,
        };
        Self::Baseline(sight, dash)
    }

    pub(super) fn hue(self, theme: &Theme) -> Hue {
        match self {
            Self::Earlier(_) => theme.earlier,
            Self::Recorded | Self::RecordedSeen => theme.model,
            Self::Baseline(Sight::Unigrams, _) => theme.unigram,
            Self::Baseline(Sight::Bigrams, _) => theme.bigram,
            Self::Baseline(Sight::Topics, _) => theme.retrieval,
            Self::Baseline(Sight::Other, _) => theme.sequence,
            Self::Unigram => theme.unigram,
            Self::EntropyRate => theme.entropy_rate,
            Self::Oracle => theme.oracle,
            Self::Retrieval => theme.retrieval,
            Self::Seen | Self::Model => theme.model,
            Self::Guess => theme.topic,
            Self::Bayes => theme.bayes,
        }
    }

    /// What it is called where curves are chosen; `None` for what has a choice of its own.
    pub(super) fn curve_name(self) -> Option<CurveName> {
        match self {
            Self::Model => Some(CurveName::Model),
            Self::Bayes => Some(CurveName::Bayes),
            Self::Oracle => Some(CurveName::Oracle),
            Self::EntropyRate => Some(CurveName::EntropyRate),
            Self::Unigram => Some(CurveName::Unigram),
            Self::Recorded
            | Self::RecordedSeen
            | Self::Earlier(_)
            | Self::Baseline(..)
            | Self::Retrieval
            | Self::Seen
            | Self::Guess => None,
        }
    }

    pub(super) fn stroke(self, theme: &Theme) -> Stroke {
        let line = self.hue(theme).line;
        match self {
            Self::Earlier(number) => Stroke::new(line, 1.5).dash(EARLIER_DASHES[number % EARLIER_DASHES.len()]),
            Self::Recorded => Stroke::new(line, 1.5).dash(Dash::Dotted),
            Self::RecordedSeen => Stroke::new(line, 1.5).dash(Dash::DashDot),
            Self::Baseline(_, dash) => Stroke::new(line, 2.0).dash(dash),
            Self::Unigram => Stroke::new(line, 2.0).dash(Dash::DashDot),
            Self::EntropyRate => Stroke::new(line, 2.0).dash(Dash::Dotted),
            Self::Oracle => Stroke::new(line, 2.0).dash(Dash::Dashed),
            Self::Retrieval => Stroke::new(line, BAYES_WIDTH).dash(Dash::Dashed),
            Self::Seen => Stroke::new(line, MODEL_PART_WIDTH).dash(Dash::Dashed),
            Self::Model => Stroke::new(line, MODEL_WIDTH),
            Self::Guess => Stroke::new(line, GUESS_WIDTH).dash(Dash::Long),
            Self::Bayes => Stroke::new(line, BAYES_WIDTH),
        }
    }

    /// Drawn on the layer that changes seldom.
    pub(super) fn is_fixed(self) -> bool {
        matches!(self, Self::Earlier(_) | Self::Baseline(..) | Self::Unigram | Self::EntropyRate | Self::Oracle)
    }
}
