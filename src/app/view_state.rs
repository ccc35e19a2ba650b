//! What of a run is looked at, as part of a link: `view.unit=bits&view.step=200`.
//!
//! Only what differs from the clean view ([`ViewState::default`]) is written. The experiment's fields are `link`'s.

use std::collections::BTreeSet;

use super::{
    charts::{ChartKind, CurveName},
    seeds,
};
use crate::{
    experiment::{Evaluation, link},
    number::{self, Unit},
    probe::TabKind,
};

/// What every field of a view begins with.
pub const PREFIX: &str = "view.";
/// The tabs of the panel beside the training loss.
pub const PANELS: [ChartKind; 5] =
    [ChartKind::Bound, ChartKind::Kl, ChartKind::Certificate, ChartKind::Losses, ChartKind::Topics];
const NO_TAB: &str = "none";

/// What is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewState {
    pub unit: Unit,
    pub log_log: bool,
    /// The three losses are measured from exact Bayes.
    pub above_bayes: bool,
    pub squared_error: bool,
    pub linear_bound: bool,
    /// The open tab beside the training loss, one of [`PANELS`].
    pub panel: ChartKind,
    /// The open tab of "How it learns".
    pub tab: Option<TabKind>,
    /// The recorded step that is shown; `None`: the latest.
    pub step: Option<usize>,
    /// The run is paused: at `step`, or before its first.
    pub paused: bool,
    /// Baselines beside the model, by name.
    pub compare: BTreeSet<String>,
    pub hidden: BTreeSet<CurveName>,
    /// A guess is asked for before anything is shown.
    pub predict: bool,
    /// Seeds of the run, one of [`seeds::CHOICES`].
    pub seeds: usize,
}

impl Default for ViewState {
    fn default() -> Self {
        Self {
            unit: Unit::Nats,
            log_log: false,
            above_bayes: false,
            squared_error: false,
            linear_bound: false,
            panel: ChartKind::Bound,
            tab: Some(TabKind::Landscape),
            step: None,
            paused: false,
            compare: BTreeSet::new(),
            hidden: BTreeSet::new(),
            predict: false,
            seeds: 1,
        }
    }
}

impl ViewState {
    /// What differs from the clean view, as a part of a fragment; empty where nothing does.
    pub fn to_fragment(&self) -> String {
        let clean = Self::default();
        let mut fields: Vec<(&str, String)> = Vec::new();
        let mut choice = |differs: bool, name: &'static str, value: &str| {
            if differs {
                fields.push((name, value.into()));
            }
        };
        choice(self.unit == Unit::Bits, "unit", "bits");
        choice(self.log_log, "axes", "log-log");
        choice(self.squared_error, "measure", "squared-error");
        choice(self.above_bayes, "losses", "above-bayes");
        choice(self.linear_bound, "bound", "linear");
        choice(self.panel != clean.panel, "panel", self.panel.name());
        choice(self.tab != clean.tab, "tab", self.tab.map_or(NO_TAB, TabKind::name));
        choice(self.step.is_some(), "step", &self.step.unwrap_or_default().to_string());
        choice(self.paused, "paused", "1");
        choice(!self.compare.is_empty(), "compare", &joined(self.compare.iter().map(String::as_str)));
        choice(!self.hidden.is_empty(), "hidden", &joined(self.hidden.iter().map(|curve| curve.name())));
        choice(self.predict, "predict", "1");
        choice(self.seeds != clean.seeds, "seeds", &self.seeds.to_string());
        let written: Vec<String> =
            fields.iter().map(|(name, value)| format!("{PREFIX}{name}={}", link::encode(value))).collect();
        written.join("&")
    }

    /// As [`Self::to_fragment`], and never empty: whoever opens it sees this view, whatever they chose before.
    pub fn to_shared_fragment(&self) -> String {
        Some(self.to_fragment())
            .filter(|text| !text.is_empty())
            .unwrap_or_else(|| format!("{PREFIX}unit={}", self.unit))
    }

    /// Reads the fields of a view, and says in a sentence each what was left out. What is not there is as in the clean view.
    pub fn from_fragment(text: &str) -> (Self, Vec<String>) {
        let (mut view, mut sentences) = (Self::default(), Vec::new());
        for part in text.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let value = link::decode(value).unwrap_or_default();
            if let Err(allowed) = view.set(name.trim_start_matches(PREFIX), &value) {
                sentences.push(match allowed {
                    Some(allowed) => {
                        format!("The link's {name} is \"{value}\", which was left out: allowed is {allowed}.")
                    }
                    None => format!("The link's {name} is unknown to this version of the page, and was left out."),
                });
            }
        }
        (view, sentences)
    }

    /// Sets one field; an error is what is allowed, or `None` where there is no such field.
    fn set(&mut self, name: &str, value: &str) -> Result<(), Option<String>> {
        let one_of = |allowed: &[&str]| allowed.iter().position(|a| *a == value).ok_or(Some(allowed.join(" or ")));
        match name {
            "unit" => self.unit = [Unit::Nats, Unit::Bits][one_of(&["nats", "bits"])?],
            "axes" => self.log_log = one_of(&["linear", "log-log"])? == 1,
            "measure" => self.squared_error = one_of(&["loss", "squared-error"])? == 1,
            "losses" => self.above_bayes = one_of(&["whole", "above-bayes"])? == 1,
            "bound" => self.linear_bound = one_of(&["log", "linear"])? == 1,
            "panel" => self.panel = PANELS[one_of(&PANELS.map(ChartKind::name))?],
            "tab" => {
                let names: Vec<&str> = TabKind::ALL.iter().map(|kind| kind.name()).chain([NO_TAB]).collect();
                one_of(&names)?;
                self.tab = TabKind::named(value);
            }
            "step" => self.step = Some(value.parse().map_err(|_| Some("a whole number".into()))?),
            "paused" => self.paused = one_of(&["0", "1"])? == 1,
            "predict" => self.predict = one_of(&["0", "1"])? == 1,
            "seeds" => {
                let allowed = seeds::CHOICES.map(|count| count.to_string());
                self.seeds = seeds::CHOICES[one_of(&allowed.each_ref().map(String::as_str))?];
            }
            // Which baselines there are, the run will say.
            "compare" => self.compare = names(value).map(String::from).collect(),
            "hidden" => {
                let all = CurveName::ALL.map(CurveName::name);
                let found: Option<BTreeSet<_>> = names(value).map(CurveName::named).collect();
                self.hidden = found.ok_or_else(|| Some(format!("one or more of {}", all.join(", "))))?;
            }
            _ => return Err(None),
        }
        Ok(())
    }

    /// The run waits before its first step.
    pub fn is_held(&self) -> bool {
        self.predict || (self.paused && self.step.is_none())
    }

    /// The step that the link asks for, to be awaited.
    pub fn awaited(&self) -> Option<Awaited> {
        let step = self.step.filter(|_| !self.predict)?;
        Some(Awaited { step, pause: self.paused })
    }
}

fn joined<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(",")
}

fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty())
}

/// The step that a link to what is seen asks for: the one that is shown, or the last that every run of the experiment records where the
/// run is paused; at its start none.
pub fn step_to_share(shown: Option<usize>, paused: bool, recorded: &[usize], evaluation: &Evaluation) -> Option<usize> {
    let last = || recorded.iter().rev().copied().find(|step| *step > 0 && evaluation.is_recorded(*step));
    shown.or_else(|| paused.then(last).flatten())
}

/// The recorded step that a link asks for, until the run has reached it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Awaited {
    pub step: usize,
    pub pause: bool,
}

/// What an [`Awaited`] step asks for now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// The entry of the recorded steps that is to be shown.
    pub show: Option<usize>,
    pub pause: bool,
    /// Nothing is awaited any more.
    pub done: bool,
}

impl Awaited {
    /// What must be said where another step is shown in its place, or none.
    pub fn remark(self, shown: Option<usize>) -> Option<String> {
        let wanted = number::count(self.step);
        match shown {
            Some(step) if step == self.step => None,
            Some(step) => Some(format!(
                "The link asks for step {wanted}, which this run does not record: step {} is shown.",
                number::count(step)
            )),
            None => {
                Some(format!("The link asks for step {wanted}, which this run has not reached: the latest is shown."))
            }
        }
    }

    /// `recorded` are the run's steps that can be shown; the last of them is the latest and moves on, unless the run has `stopped`. A step
    /// that is not recorded stands for the next that is.
    pub fn reached(self, recorded: &[usize], stopped: bool) -> Reached {
        let Some(index) = recorded.iter().position(|step| *step >= self.step) else {
            return Reached { done: stopped && !recorded.is_empty(), ..Reached::default() };
        };
        let is_latest = index + 1 == recorded.len();
        Reached {
            show: (stopped || !is_latest).then_some(index),
            pause: self.pause && !stopped,
            done: stopped || (!self.pause && !is_latest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::preset::PRESETS;

    fn full() -> ViewState {
        ViewState {
            unit: Unit::Bits,
            log_log: true,
            above_bayes: true,
            squared_error: true,
            linear_bound: true,
            panel: ChartKind::Losses,
            tab: Some(TabKind::Heads),
            step: Some(200),
            paused: true,
            compare: ["copy".to_string(), "bi-inf & more".to_string()].into(),
            hidden: [CurveName::Model, CurveName::EntropyRate].into(),
            predict: true,
            seeds: 3,
        }
    }

    #[test]
    fn a_view_comes_back_as_it_was() {
        for view in [
            ViewState::default(),
            full(),
            ViewState { tab: None, ..ViewState::default() },
            ViewState { hidden: CurveName::ALL.into(), ..ViewState::default() },
        ] {
            for text in [view.to_fragment(), view.to_shared_fragment()] {
                assert_eq!(ViewState::from_fragment(&text), (view.clone(), Vec::new()), "{text}");
            }
        }
    }

    #[test]
    fn only_what_differs_is_written() {
        assert_eq!(ViewState::default().to_fragment(), "");
        assert_eq!(ViewState::default().to_shared_fragment(), "view.unit=nats");
        let view = ViewState { unit: Unit::Bits, step: Some(200), ..ViewState::default() };
        assert_eq!(view.to_fragment(), "view.unit=bits&view.step=200");
    }

    #[test]
    fn what_is_unknown_is_left_out_and_said() {
        let (view, said) =
            ViewState::from_fragment("view.zoom=3&view.unit=bytes&view.hidden=model,cat&view.axes=log-log");
        assert_eq!(view, ViewState { log_log: true, ..ViewState::default() });
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(said[0].contains("view.zoom") && said[1].contains("nats or bits") && said[2].contains("oracle"));
        // Other numbers of seeds are not to be chosen.
        let (view, said) = ViewState::from_fragment("view.seeds=4");
        assert!(view.seeds == 1 && said[0].contains("1 or 3 or 5"), "{said:?}");
        for text in ["view.step=-1", "view.step=", "view.step", "view.=1", "view.paused=yes", "view.step=%zz"] {
            assert_eq!(ViewState::from_fragment(text).1.len(), 1, "{text}");
        }
    }

    #[test]
    fn the_experiment_s_own_fields_are_untouched() {
        for preset in PRESETS {
            let mut experiment = preset.experiment();
            experiment.training.steps += 1;
            let plain = link::to_fragment(preset, &experiment);
            let both = format!("{plain}&{}", full().to_fragment());
            let read = link::from_fragment(&both).expect("a link");
            assert_eq!((read.preset, read.experiment), (preset.name, experiment));
        }
    }

    #[test]
    fn a_step_is_awaited_until_it_is_reached() {
        let go_on = Awaited { step: 200, pause: false };
        assert_eq!(go_on.reached(&[0, 100], false), Reached::default());
        // The latest would move on.
        assert_eq!(go_on.reached(&[0, 100, 200], false), Reached::default());
        let shown = Reached { show: Some(2), pause: false, done: true };
        assert_eq!(go_on.reached(&[0, 100, 200, 300], false), shown);
        assert_eq!(go_on.reached(&[0, 100, 200], true), shown);
        let pause = Awaited { step: 200, pause: true };
        assert_eq!(pause.reached(&[0, 100, 200], false), Reached { show: None, pause: true, done: false });
        // The engine went on for a while before it got the pause.
        let next = pause.reached(&[0, 100, 200, 250], false);
        assert_eq!(next, Reached { show: Some(2), pause: true, done: false });
        assert_eq!(pause.reached(&[0, 100, 200, 250], true), Reached { show: Some(2), pause: false, done: true });
        assert_eq!(pause.remark(Some(200)), None);
        assert!(pause.remark(Some(250)).is_some_and(|said| said.contains("200") && said.contains("250")));
        assert!(pause.remark(None).is_some());
        // No step of this number is recorded, or the run ended before.
        assert_eq!(Awaited { step: 150, pause: false }.reached(&[0, 100, 200, 300], false).show, Some(2));
        assert_eq!(
            Awaited { step: 900, pause: false }.reached(&[0, 100], true),
            Reached { done: true, ..Reached::default() }
        );
    }

    #[test]
    fn the_step_of_a_paused_run_is_one_that_every_run_records() {
        let evaluation = Evaluation { every: 50, ..Evaluation::default() };
        assert_eq!(step_to_share(Some(16), false, &[0, 16, 100], &evaluation), Some(16));
        assert_eq!(step_to_share(None, true, &[0, 16, 100, 117], &evaluation), Some(100));
        assert_eq!(step_to_share(None, false, &[0, 16, 100], &evaluation), None);
        assert_eq!(step_to_share(None, true, &[0], &evaluation), None);
    }

    #[test]
    fn a_run_is_held_where_nothing_is_to_be_seen_yet() {
        let clean = ViewState::default();
        assert!(!clean.is_held());
        assert!(ViewState { paused: true, ..clean.clone() }.is_held());
        assert!(!ViewState { paused: true, step: Some(8), ..clean.clone() }.is_held());
        let predict = ViewState { predict: true, step: Some(8), ..clean };
        assert!(predict.is_held() && predict.awaited().is_none());
    }
}
