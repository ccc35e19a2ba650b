//! Drives the tab of the learning lab that is open: does the forward passes that it wishes for, on the learner as it was at each
//! recorded step, and sends what it draws, piece by piece.

use std::collections::BTreeMap;

use burn::tensor::Device;
use serde_json::{Value, json};

use super::{
    clock::now_ms,
    error::EngineError,
    evaluator::CHUNK,
    recording::Recording,
    trainer::{self, Trainer},
};
use crate::{
    experiment::Experiment,
    picture::svg::escape,
    probe::{Journal, Message, PIECE, Scope, Seen, Setting, Tab, TabKind},
    protocol::{Evaluation, Event, ProbeEvent, Theory},
    world::{Corpus, World},
};

/// While training goes on, a tab is drawn anew at most so often.
const DRAW_MS: f64 = 400.0;
/// Most pieces that a page has places for.
const PLACES: usize = 12;

/// What of a run can be looked into, and the tab that is open.
pub struct Inside {
    journal: Journal,
    recording: Recording,
    kind: Option<TabKind>,
    /// The open tab, or why this run has none of its kind.
    tab: Option<Result<Box<dyn Tab>, String>>,
    /// The step that is looked at; `None`: the latest that is recorded.
    shown: Option<usize>,
    /// Which wish was granted at which step, and its key then.
    granted: BTreeMap<(usize, usize), u64>,
    /// Pieces as they were sent last.
    sent: Vec<String>,
    /// Something is new that was not drawn.
    stale: bool,
    drawn: f64,
    /// Milliseconds spent on forward passes, on what is made of them, and on drawing.
    pub spent_ms: f64,
    /// What the dearest of this tab's portions took: what the next may take.
    pub dearest_ms: f64,
}

impl Inside {
    pub fn new(experiment: &Experiment, theory: &Theory) -> Self {
        let journal = Journal {
            experiment: experiment.clone(),
            theory: theory.clone(),
            evaluations: Vec::new(),
            losses: Vec::new(),
        };
        Self {
            journal,
            recording: Recording::default(),
            kind: None,
            tab: None,
            shown: None,
            granted: BTreeMap::new(),
            sent: Vec::new(),
            stale: false,
            drawn: 0.0,
            spent_ms: 0.0,
            dearest_ms: 0.0,
        }
    }

    /// The same run from step 0.
    pub fn forget(&mut self) {
        self.journal.evaluations.clear();
        self.journal.losses.clear();
        self.recording = Recording::default();
        self.granted.clear();
        (self.shown, self.stale, self.spent_ms) = (None, true, 0.0);
        if let Some(Ok(tab)) = &mut self.tab {
            tab.forget();
        }
    }

    pub fn losses(&mut self, losses: &[f32]) {
        self.journal.losses.extend_from_slice(losses);
    }

    /// Keeps an evaluation and the parameters behind it, where its step is one of those that are recorded, or the run's last.
    pub fn record(&mut self, evaluation: &Evaluation, trainer: &Trainer) {
        let last = evaluation.step >= self.journal.experiment.steps();
        if self.journal.experiment.evaluation.is_recorded(evaluation.step) || last {
            self.journal.evaluations.retain(|e| e.step < evaluation.step);
            self.journal.evaluations.push(evaluation.clone());
            self.recording.push(evaluation.step, trainer.flat());
            self.stale = true;
        }
    }

    pub fn kind(&self) -> Option<TabKind> {
        self.kind
    }

    /// What is recorded goes from the CPU to another device.
    pub fn carry(&mut self, device: &Device) {
        self.recording.carry(device);
    }

    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    fn shown_step(&self) -> usize {
        self.shown.unwrap_or(self.journal.last())
    }

    /// Opens a tab, or none.
    pub fn open(&mut self, kind: Option<TabKind>, world: &World, corpus: &Corpus) {
        let started = now_ms();
        let journal = &self.journal;
        let setting =
            Setting { experiment: &journal.experiment, world, topics: corpus.topics(), theory: &journal.theory };
        self.tab = kind.map(|kind| kind.open(&setting));
        self.kind = kind;
        self.granted.clear();
        self.sent.clear();
        self.stale = true;
        self.dearest_ms = 0.0;
        self.spent_ms += now_ms() - started;
    }

    /// Opens a tab of one's own.
    #[cfg(test)]
    pub fn put(&mut self, tab: Box<dyn Tab>) {
        self.tab = Some(Ok(tab));
    }

    /// What was pressed, typed or pointed at in the panel, or the step that the page shows.
    pub fn told(&mut self, message: Value, world: &World, corpus: &Corpus, emit: &mut dyn FnMut(Event)) {
        let message = Message(message);
        match message.about() {
            "tab" => {
                let kind = TabKind::named(message.text("kind"));
                // What is pressed again closes.
                self.open(kind.filter(|kind| Some(*kind) != self.kind), world, corpus);
            }
            "shown" => {
                self.shown = message.index("value");
                self.stale = true;
            }
            "csv" => {
                if let (Some(Ok(tab)), Some(kind)) = (&self.tab, self.kind) {
                    let (name, text) = (format!("{}.csv", kind.name()), tab.csv(&self.journal));
                    let file = json!({"file": name, "kind": "text/csv", "text": text});
                    emit(Event::Probe(ProbeEvent::Text(file.to_string())));
                }
                return;
            }
            _ => {
                if let Some(Ok(tab)) = &mut self.tab {
                    self.stale |= tab.told(&message);
                }
            }
        }
        self.draw(emit);
    }

    /// One forward pass that is wished for and was not done yet; then draws, now and then and at the end. Whether there is more
    /// to do.
    pub async fn work(&mut self, trainer: &Trainer, emit: &mut dyn FnMut(Event)) -> Result<bool, EngineError> {
        let started = now_ms();
        let more = self.grant(trainer).await?;
        if self.stale && (!more || started - self.drawn > DRAW_MS) {
            self.draw(emit);
        }
        let took = now_ms() - started;
        self.spent_ms += took;
        self.dearest_ms = self.dearest_ms.max(took);
        Ok(more)
    }

    async fn grant(&mut self, trainer: &Trainer) -> Result<bool, EngineError> {
        let Some(Ok(tab)) = &mut self.tab else { return Ok(false) };
        let shown = self.shown.unwrap_or(self.journal.last());
        let Some((shown, _)) = self.recording.at(shown) else { return Ok(false) };
        let wishes = tab.wishes();
        let wanted =
            |scope: Scope| wishes.iter().enumerate().filter(move |(_, w)| w.scope == scope && !w.rows.is_empty());
        // What is looked at comes first, then the newest.
        let at_shown = wanted(Scope::Shown).map(|(i, w)| (i, w, shown));
        let at_all =
            self.recording.steps().rev().flat_map(|step| wanted(Scope::EveryStep).map(move |(i, w)| (i, w, step)));
        let granted = &self.granted;
        let mut open = at_shown.chain(at_all).filter(|(i, wish, step)| granted.get(&(*i, *step)) != Some(&wish.key));
        let Some((i, wish, step)) = open.next() else { return Ok(false) };
        let more = open.next().is_some();
        let Some((_, flat)) = self.recording.at(step) else { return Ok(false) };
        let learner = trainer.variant(flat.clone());
        let wanted = trainer::Inside { attention: wish.attention, residual: wish.residual };
        let look = learner.look(&wish.rows, CHUNK, wanted, &wish.without).await?;
        let layers = trainer.net().config.residual_layers(trainer.net().observation);
        let seen = Seen {
            law: look.predictions,
            attention: look.attention,
            residual: layers.into_iter().zip(look.residual).collect(),
            parameters: if wish.parameters { learner.matrices().await? } else { Vec::new() },
        };
        if wish.scope == Scope::Shown {
            // A tab keeps one of these: coming back to an earlier step asks again.
            self.granted.retain(|(other, _), _| *other != i);
        }
        self.granted.insert((i, step), wish.key);
        tab.take(i, step, seen);
        self.stale = true;
        Ok(more)
    }

    fn draw(&mut self, emit: &mut dyn FnMut(Event)) {
        (self.stale, self.drawn) = (false, now_ms());
        let body = match &self.tab {
            None => String::new(),
            Some(Err(why)) => format!("<p class=\"note\">{}</p>", escape(why)),
            Some(Ok(_)) if self.journal.evaluations.is_empty() => {
                "<p class=\"note\">Appears with the first evaluation.</p>".into()
            }
            Some(Ok(tab)) => tab.html(&self.journal, self.shown_step()),
        };
        let mut pieces: Vec<String> = body.splitn(PLACES, PIECE).map(str::to_owned).collect();
        pieces.resize(PLACES, String::new());
        let whole = self.sent.is_empty();
        let mut slots: Vec<Value> = Vec::new();
        if whole {
            slots.push(json!(["inside", self.frame()]));
        }
        for (i, piece) in pieces.iter().enumerate() {
            if self.sent.get(i).map_or(!piece.is_empty(), |old| old != piece) {
                slots.push(json!([format!("inside-{i}"), piece]));
            }
        }
        self.sent = pieces;
        if !slots.is_empty() {
            emit(Event::Probe(ProbeEvent::Text(json!({"slots": slots}).to_string())));
        }
    }

    /// The row of tabs, and a place for each piece.
    fn frame(&self) -> String {
        let button = |kind: TabKind| {
            format!(
                "<button type=\"button\" data-inside=\"tab\" data-kind=\"{0}\" data-testid=\"inside-{0}\" aria-pressed=\"{1}\" title=\"{2}\">{3}</button>",
                kind.name(),
                Some(kind) == self.kind,
                escape(kind.question()),
                kind.title()
            )
        };
        let tabs: String = TabKind::ALL.into_iter().map(button).collect();
        let question = self.kind.map_or("Choose what to look at.", TabKind::question);
        let csv = match &self.tab {
            Some(Ok(_)) => {
                "<button type=\"button\" class=\"quiet small\" data-inside=\"csv\" data-testid=\"inside-csv\">CSV</button>"
            }
            _ => "",
        };
        let places: String = (0..PLACES).map(|i| format!("<div id=\"inside-{i}\"></div>")).collect();
        format!(
            "<div class=\"segments\" role=\"group\" aria-label=\"Questions about learning\">{tabs}</div>\
             <p class=\"inside-question\"><span>{}</span>{csv}</p>{places}",
            escape(question)
        )
    }
}
