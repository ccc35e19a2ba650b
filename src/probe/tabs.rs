//! The tabs there are.

use serde::{Deserialize, Serialize};

use super::{
    NoProbe, Probe, Setting, TabView, algorithm::Algorithm, beliefs, coupling, heads, landscape::Landscape,
    power::Power, transitions::Transitions,
};

/// A question about how a model came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TabKind {
    Landscape,
    Transitions,
    Heads,
    Algorithm,
    Power,
    Beliefs,
    Coupling,
}

impl TabKind {
    pub const ALL: [Self; 7] =
        [Self::Landscape, Self::Transitions, Self::Heads, Self::Algorithm, Self::Power, Self::Beliefs, Self::Coupling];

    /// As in messages and file names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Landscape => "landscape",
            Self::Transitions => "transitions",
            Self::Heads => "heads",
            Self::Algorithm => "algorithm",
            Self::Power => "power",
            Self::Beliefs => "beliefs",
            Self::Coupling => "coupling",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// As a person may call it: by its name or by its title on the page, capitals, hyphens and spaces aside.
    pub fn called(name: &str) -> Option<Self> {
        let plain = |text: &str| text.trim().to_lowercase().replace(['-', '_'], " ");
        Self::ALL.into_iter().find(|kind| [kind.name(), kind.title()].iter().any(|known| plain(known) == plain(name)))
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Landscape => "Landscape",
            Self::Transitions => "Transitions",
            Self::Heads => "Attention heads",
            Self::Algorithm => "Algorithm",
            Self::Power => "Power law",
            Self::Beliefs => "Beliefs",
            Self::Coupling => "Weights",
        }
    }

    /// What it answers.
    pub fn question(self) -> &'static str {
        match self {
            Self::Landscape => "Loss at every position, over all of training: which positions are learned first?",
            Self::Transitions => "Where does the loss stand still, on which level, and when is what learned?",
            Self::Coupling => {
                "What does not knowing the topic cost, and what if the weights of the topics were others?"
            }
            Self::Beliefs => "Does the model hold what an exact observer believes about the hidden state?",
            Self::Heads => "What does each head look at, when does it learn to, and what is lost without it?",
            Self::Algorithm => {
                "Which predictor is the model nearest to, on topics it was trained on and on fresh ones?"
            }
            Self::Power => "How does the excess over the entropy rate fall with the length of the context?",
        }
    }

    /// The tab for one run: what measures it, and what of it is known before the first measurement; or a sentence on why this run has
    /// none.
    pub fn open(self, setting: &Setting) -> Result<(Box<dyn Probe>, TabView), String> {
        Ok(match self {
            Self::Landscape => (Box::new(NoProbe), TabView::Landscape(Landscape::open(setting))),
            Self::Transitions => {
                let (probe, tab) = Transitions::open(setting)?;
                (probe, TabView::Transitions(tab))
            }
            Self::Algorithm => {
                let (probe, tab) = Algorithm::open(setting)?;
                (probe, TabView::Algorithm(tab))
            }
            Self::Power => (Box::new(NoProbe), TabView::Power(Power::open(setting)?)),
            Self::Heads => {
                let (probe, view) = heads::open(setting)?;
                (Box::new(probe), TabView::Heads(Box::new(view)))
            }
            Self::Beliefs => {
                let (probe, view) = beliefs::open(setting)?;
                (Box::new(probe), TabView::Beliefs(Box::new(view)))
            }
            Self::Coupling => {
                let (probe, view) = coupling::open(setting)?;
                (Box::new(probe), TabView::Coupling(Box::new(view)))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tab_is_found_by_its_name_and_by_its_title() {
        for kind in TabKind::ALL {
            let title = kind.title();
            for name in [kind.name(), title, &title.to_lowercase(), &title.replace(' ', "-"), &format!(" {title} ")] {
                assert_eq!(TabKind::called(name), Some(kind), "{name}");
            }
        }
        assert_eq!(TabKind::called("weights"), Some(TabKind::Coupling));
        assert_eq!((TabKind::called(""), TabKind::called("power laws")), (None, None));
    }
}
