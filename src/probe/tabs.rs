//! The tabs there are.

use super::{Setting, Tab, heads::Heads, landscape::Landscape};

/// A question about how a learner came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TabKind {
    Landscape,
    Heads,
}

impl TabKind {
    pub const ALL: [Self; 2] = [Self::Landscape, Self::Heads];

    /// As in messages and file names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Landscape => "landscape",
            Self::Heads => "heads",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Landscape => "Landscape",
            Self::Heads => "Attention heads",
        }
    }

    /// What it answers.
    pub fn question(self) -> &'static str {
        match self {
            Self::Landscape => "Loss at every position, over all of training: which positions are learned first?",
            Self::Heads => "What does each head look at, when does it learn to, and what is lost without it?",
        }
    }

    /// The tab for one run, or a sentence on why this run has none.
    pub fn open(self, setting: &Setting) -> Result<Box<dyn Tab>, String> {
        Ok(match self {
            Self::Landscape => Box::new(Landscape::open(setting)),
            Self::Heads => Box::new(Heads::open(setting)?),
        })
    }
}
