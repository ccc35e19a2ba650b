//! Drives the probes of the open tab: does the forward passes that they need, on the model as it was at each recorded step, and
//! reports the numbers. It draws nothing.

use std::collections::BTreeMap;

use burn::tensor::Device;

use super::{
    clock::now_ms,
    error::EngineError,
    evaluator::CHUNK,
    recording::Recording,
    trainer::{self, Trainer},
};
use crate::{
    experiment::Experiment,
    probe::{Activations, Choice, Probe, ProbeEvent, ProbeRequest, RunRecord, Scope, Setting, TabKind},
    protocol::{Evaluation, Event, Theory},
    world::{Corpus, World},
};

/// The probes of a run.
pub struct Probes {
    record: RunRecord,
    recording: Recording,
    kind: Option<TabKind>,
    /// What measures for the open tab; `None` without one, and where this run has none of its kind.
    probe: Option<Box<dyn Probe>>,
    /// The step that is looked at; `None`: the latest that is recorded.
    shown: Option<usize>,
    /// By pass and step: the key of the pass that was done.
    done: BTreeMap<(usize, usize), u64>,
    /// Milliseconds spent on forward passes and on what is made of them.
    pub spent_ms: f64,
    /// Milliseconds of the most expensive portion of this tab: what the next may take.
    pub largest_ms: f64,
}

impl Probes {
    pub fn new(experiment: &Experiment, theory: &Theory) -> Self {
        Self {
            record: RunRecord::new(experiment, theory),
            recording: Recording::default(),
            kind: None,
            probe: None,
            shown: None,
            done: BTreeMap::new(),
            spent_ms: 0.0,
            largest_ms: 0.0,
        }
    }

    /// The same run from step 0: the open tab opens anew.
    pub fn reset(&mut self, world: &World, corpus: &Corpus, emit: &mut dyn FnMut(Event)) {
        self.record.evaluations.clear();
        self.record.losses.clear();
        self.recording = Recording::default();
        (self.shown, self.spent_ms) = (None, 0.0);
        self.open(self.kind, world, corpus, emit);
    }

    pub fn add_losses(&mut self, losses: &[f32]) {
        self.record.losses.extend_from_slice(losses);
    }

    /// Keeps an evaluation and the parameters behind it, where its step is one of those that are recorded, or the run's last.
    pub fn record(&mut self, evaluation: &Evaluation, trainer: &Trainer) {
        if self.record.push(evaluation) {
            self.recording.push(evaluation.step, trainer.flat());
        }
    }

    pub fn kind(&self) -> Option<TabKind> {
        self.kind
    }

    /// Moves what is recorded from the CPU to another device.
    pub fn carry(&mut self, device: &Device) {
        self.recording.carry(device);
    }

    pub fn recording(&self) -> &Recording {
        &self.recording
    }

    /// What was recorded until a checkpoint; to be called before a tab is opened.
    pub fn restore(&mut self, evaluations: Vec<Evaluation>, losses: Vec<f32>, recording: Recording, spent_ms: f64) {
        (self.record.evaluations, self.record.losses) = (evaluations, losses);
        (self.recording, self.spent_ms) = (recording, spent_ms);
    }

    pub fn run_record(&self) -> &RunRecord {
        &self.record
    }

    /// Opens a tab, or none, and reports it.
    pub fn open(&mut self, kind: Option<TabKind>, world: &World, corpus: &Corpus, emit: &mut dyn FnMut(Event)) {
        let started = now_ms();
        let record = &self.record;
        let setting =
            Setting { experiment: &record.experiment, world, topics: corpus.topics(), theory: &record.theory };
        let opened = kind.map(|kind| kind.open(&setting));
        self.kind = kind;
        self.done.clear();
        self.largest_ms = 0.0;
        let (probe, view) = match opened {
            None => (None, None),
            Some(Ok((probe, view))) => (Some(probe), Some(Ok(view))),
            Some(Err(why)) => (None, Some(Err(why))),
        };
        self.probe = probe;
        self.spent_ms += now_ms() - started;
        emit(Event::Probe(ProbeEvent::Opened(kind.zip(view))));
    }

    /// Measures with this from now on.
    #[cfg(test)]
    pub fn put(&mut self, probe: Box<dyn Probe>) {
        self.probe = Some(probe);
    }

    /// Answers a request of the page.
    pub fn handle(&mut self, request: ProbeRequest, world: &World, corpus: &Corpus, emit: &mut dyn FnMut(Event)) {
        match request {
            ProbeRequest::Open(kind) => self.open(kind, world, corpus, emit),
            ProbeRequest::Shown(step) => self.shown = step,
            ProbeRequest::Choose(choice) => self.choose(&choice, emit),
        }
    }

    fn choose(&mut self, choice: &Choice, emit: &mut dyn FnMut(Event)) {
        let started = now_ms();
        if let Some(measured) = self.probe.as_mut().and_then(|probe| probe.choose(choice)) {
            emit(Event::Probe(ProbeEvent::Measured(Box::new(measured))));
        }
        self.spent_ms += now_ms() - started;
    }

    /// Does one forward pass that is needed and was not done yet, and reports its numbers. Whether there is more to do.
    pub async fn work(&mut self, trainer: &Trainer, emit: &mut dyn FnMut(Event)) -> Result<bool, EngineError> {
        let started = now_ms();
        let more = self.pass(trainer, emit).await?;
        let took = now_ms() - started;
        self.spent_ms += took;
        self.largest_ms = self.largest_ms.max(took);
        Ok(more)
    }

    async fn pass(&mut self, trainer: &Trainer, emit: &mut dyn FnMut(Event)) -> Result<bool, EngineError> {
        let Some(probe) = &mut self.probe else { return Ok(false) };
        let shown = self.shown.unwrap_or(self.record.last());
        let Some((shown, _)) = self.recording.at(shown) else { return Ok(false) };
        let requests = probe.requests();
        let wanted =
            |scope: Scope| requests.iter().enumerate().filter(move |(_, w)| w.scope == scope && !w.rows.is_empty());
        // What is looked at comes first, then the newest.
        let at_shown = wanted(Scope::Shown).map(|(i, w)| (i, w, shown));
        let at_all =
            self.recording.steps().rev().flat_map(|step| wanted(Scope::EveryStep).map(move |(i, w)| (i, w, step)));
        let done = &self.done;
        let mut open = at_shown.chain(at_all).filter(|(i, request, step)| done.get(&(*i, *step)) != Some(&request.key));
        let Some((i, request, step)) = open.next() else { return Ok(false) };
        let more = open.next().is_some();
        let Some((_, flat)) = self.recording.at(step) else { return Ok(false) };
        let model = trainer.variant(flat.clone());
        let wanted = trainer::CaptureOptions { attention: request.attention, residual: request.residual };
        let captured = model.capture(&request.rows, CHUNK, wanted, &request.ablated).await?;
        let layers = trainer.net().config.residual_layers(trainer.net().observation);
        let activations = Activations {
            distribution: captured.predictions,
            attention: captured.attention,
            residual: layers.into_iter().zip(captured.residual).collect(),
            parameters: if request.parameters { model.matrices().await? } else { Vec::new() },
        };
        if request.scope == Scope::Shown {
            // The page keeps one of these: coming back to an earlier step asks again.
            self.done.retain(|(other, _), _| *other != i);
        }
        self.done.insert((i, step), request.key);
        if let Some(measured) = probe.measure(i, step, activations) {
            emit(Event::Probe(ProbeEvent::Measured(Box::new(measured))));
        }
        Ok(more)
    }
}
