//! What the engine and the page say about the open tab of "How it learns": plain numbers, and what is made of them where
//! they arrive.

use charts::report::Block;
use serde::{Deserialize, Serialize};

use super::{
    RunRecord, TabKind,
    algorithm::{Algorithm, Nearness},
    beliefs::{self, Beliefs},
    coupling::{self, Coupling},
    heads::{self, Heads},
    landscape::Landscape,
    plateaus::Course,
    power::Power,
    transitions::{EventLosses, Transitions},
};
use crate::{experiment::Experiment, protocol::Event};

/// What the page asks of the probes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ProbeRequest {
    /// Opens a tab, or none.
    Open(Option<TabKind>),
    /// The recorded step that the page shows; `None`: the latest.
    Shown(Option<usize>),
    /// A choice of the reader that the page's numbers cannot answer.
    Choose(Choice),
}

impl ProbeRequest {
    /// Whether nobody needs this any more, once `later` was asked.
    pub fn is_overtaken_by(&self, later: &Self) -> bool {
        match (self, later) {
            (Self::Choose(mine), Self::Choose(later)) => std::mem::discriminant(mine) == std::mem::discriminant(later),
            (Self::Open(_), Self::Open(_)) | (Self::Shown(_), Self::Shown(_)) => true,
            _ => false,
        }
    }
}

/// Choices that need the engine: other sequences, a model with parts missing, another exact predictor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Choice {
    /// The maps of attention on this one of the sequences.
    Sequence(usize),
    /// The loss without these heads: (block, head).
    HeadsOff(Vec<heads::Head>),
    /// Sequences of this one of the components.
    Component(usize),
    /// Exact Bayes under these weights of the mixture's components.
    Weights(Vec<f64>),
}

/// What the probes report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ProbeEvent {
    /// A tab was opened, or none; its numbers so far are those of the world alone. Sent again when the run starts anew.
    Opened(Option<(TabKind, Result<TabView, String>)>),
    /// What was measured at one recorded step, or after a choice.
    Measured(Box<Measurement>),
}

/// One result of a probe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Measurement {
    Transitions(EventLosses),
    Algorithm(Nearness),
    Heads(heads::Measurement),
    Beliefs(beliefs::Measurement),
    Coupling(coupling::Measurement),
}

/// Everything that an open tab shows, less what is in the run's record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TabView {
    Landscape(Landscape),
    Transitions(Transitions),
    Algorithm(Algorithm),
    Power(Power),
    Heads(Box<Heads>),
    Beliefs(Box<Beliefs>),
    Coupling(Box<Coupling>),
}

impl TabView {
    /// Takes in a result. One of another tab (it was closed meanwhile) changes nothing.
    pub fn add(&mut self, measurement: Measurement) {
        match (self, measurement) {
            (Self::Transitions(tab), Measurement::Transitions(found)) => tab.add(found),
            (Self::Algorithm(tab), Measurement::Algorithm(found)) => tab.add(found),
            (Self::Heads(tab), Measurement::Heads(measured)) => tab.add(measured),
            (Self::Beliefs(tab), Measurement::Beliefs(measured)) => tab.add(measured),
            (Self::Coupling(tab), Measurement::Coupling(measured)) => tab.add(measured),
            _ => {}
        }
    }

    /// The whole tab as it opens, with the first choices.
    pub fn blocks(&self, record: &RunRecord, shown: usize) -> Vec<Block> {
        match self {
            Self::Landscape(tab) => tab.blocks(record, shown, tab.first_choice()),
            Self::Transitions(tab) => tab.blocks(record, &Course::of(&record.losses), shown),
            Self::Algorithm(tab) => tab.blocks(record, shown, 0),
            Self::Power(tab) => tab.blocks(record, shown, tab.first_window()),
            Self::Heads(tab) => tab.blocks(record, shown, &tab.first_choice()),
            Self::Beliefs(tab) => tab.blocks(record, shown, beliefs::Choice::default()),
            Self::Coupling(tab) => tab.blocks(record, shown, &tab.first_choice()),
        }
    }

    /// Everything that the charts show with the first choices, as CSV.
    pub fn csv(&self, record: &RunRecord) -> String {
        match self {
            Self::Landscape(tab) => tab.csv(record),
            Self::Transitions(tab) => tab.csv(record),
            Self::Algorithm(tab) => tab.csv(),
            Self::Power(tab) => tab.csv(record, tab.first_window()),
            Self::Heads(tab) => tab.csv(record),
            Self::Beliefs(tab) => tab.csv(),
            Self::Coupling(tab) => tab.csv(),
        }
    }
}

/// What the page or the terminal has of a run and of the tab that is open.
#[derive(Clone, Debug, Default)]
pub struct OpenTab {
    /// What the run is about.
    experiment: Option<Experiment>,
    /// `None` before the run's theory is known.
    pub record: Option<RunRecord>,
    /// The open tab, or why this run has none of its kind; `None` where none is open.
    pub tab: Option<(TabKind, Result<TabView, String>)>,
}

impl OpenTab {
    /// For a run that has gone on for a while.
    pub fn with_record(record: Option<RunRecord>) -> Self {
        Self { record, ..Self::default() }
    }

    /// A new run begins: the open tab stays open and has no numbers.
    pub fn start(&mut self, experiment: &Experiment) {
        *self = Self { experiment: Some(experiment.clone()), ..Self::default() };
    }

    /// A saved run goes on. Its record is there before the engine reports anything: with the theory of its history, and the losses
    /// and evaluations of its checkpoint ([`crate::protocol::checkpoint::Summary`]).
    pub fn resume(&mut self, record: RunRecord) {
        *self = Self { experiment: Some(record.experiment.clone()), record: Some(record), ..Self::default() };
    }

    /// Takes in what the engine reports; whether anything changed that a tab shows.
    pub fn on_event(&mut self, event: Event) -> bool {
        match event {
            Event::Probe(event) => {
                self.on_probe(event);
                true
            }
            other => self.on_run(&other),
        }
    }

    /// Takes in what the probes found; it may be megabytes, so it is moved.
    pub fn on_probe(&mut self, event: ProbeEvent) {
        match event {
            ProbeEvent::Opened(tab) => self.tab = tab,
            ProbeEvent::Measured(measurement) => {
                if let Some((_, Ok(view))) = &mut self.tab {
                    view.add(*measurement);
                }
            }
        }
    }

    /// Takes in what is reported of the run itself; whether anything changed that a tab shows.
    pub fn on_run(&mut self, event: &Event) -> bool {
        match event {
            Event::Theory(theory) => {
                match &mut self.record {
                    // Of a run that goes on.
                    Some(record) => record.theory = theory.clone(),
                    None => self.record = self.experiment.as_ref().map(|experiment| RunRecord::new(experiment, theory)),
                }
                true
            }
            Event::Frame(_) | Event::Evaluation(_) => self.record.as_mut().is_some_and(|record| record.on_event(event)),
            _ => false,
        }
    }

    /// The open tab's view and the run's record, once both are there.
    pub fn view(&self) -> Option<(&TabView, &RunRecord)> {
        let record = self.record.as_ref().filter(|record| !record.evaluations.is_empty())?;
        let (_, Ok(view)) = self.tab.as_ref()? else { return None };
        Some((view, record))
    }
}
