//! Bringing kept runs back: after a reload, and from the list. The board takes the curves, the controls take the settings, and the engine
//! goes on from the checkpoint.

use leptos::{prelude::*, task::spawn_local};

use super::{MARK, keeping::Going};
use crate::{
    app::{
        fields::{self, Typed},
        page::{
            address,
            board::Board,
            dom, preferences,
            state::{App, IMPOSSIBLE, Progress, Run, TheoryNotes},
        },
        runs::{KeptRun, Mark, Restored, restored},
        seeds,
        view_state::ViewState,
    },
    experiment::{Experiment, Preset},
    number,
    protocol::{Bytes, Command, Phase},
};

impl App {
    /// When the page opens: goes on with the run that a reload interrupted, or starts the draft. Only where this tab remembers a run of
    /// the address's experiment is the database waited for; a link that is followed starts anew, as for everybody else.
    pub fn start_or_go_on(self, view: Option<ViewState>) {
        let mark = preferences::kept(MARK).filter(|_| is_reload());
        let mark = mark.and_then(|text| self.draft.with_untracked(|draft| Mark::of(&text, draft)));
        let Some(mark) = mark else { return self.start_seen(view) };
        self.set_own_phase(Phase::Preparing { what: "Bringing back the run".into(), done: None });
        spawn_local(async move {
            let found = self.find(&mark.id).await;
            // Something else was started meanwhile.
            if self.run.with_untracked(Option::is_some) {
                return;
            }
            match found {
                Ok(Some((card, run))) if run.checkpoint.is_some() => {
                    if let Some(view) = view {
                        self.set_choices(&view);
                    }
                    // Settings that act at once are as the address says.
                    let draft = self.draft.with_untracked(|draft| fields::at_once(&card.experiment, draft));
                    self.go_on(&card, run, draft, mark.held);
                    if let Some(step) = mark.shown {
                        let at = self.recorded.with_untracked(|steps| steps.iter().position(|s| *s == step));
                        self.show_recorded(at);
                    }
                }
                Ok(_) => {
                    self.start_seen(view);
                    self.note(vec!["The run before this reload is not kept, so it starts anew.".into()]);
                }
                Err(why) => {
                    self.start_seen(view);
                    self.note(vec![format!("{why}\nSo the run starts anew.")]);
                }
            }
        });
    }

    /// Makes a kept run the one that the page speaks of; it waits at the step that it had reached. Where no checkpoint of it was kept, it
    /// runs again, which gives the same numbers.
    pub fn choose_run(self, id: String) {
        if self.runs.current.with_untracked(|current| current.as_ref() == Some(&id)) {
            return;
        }
        let before = self.run.get_untracked();
        let on_board = self.runs.going.with_value(|going| going.id.clone());
        spawn_local(async move {
            let found = self.find(&id).await;
            // Something else was started or chosen meanwhile.
            if self.run.with_untracked(|run| *run != before) || self.runs.going.with_value(|going| going.id != on_board)
            {
                return;
            }
            match found {
                Ok(Some((card, run))) => {
                    address::leave_mark();
                    if let Some(preset) = Preset::named(&card.preset) {
                        self.preset.set(preset);
                    }
                    if run.checkpoint.is_none() {
                        self.seeds.chosen.set(seeds::allowed(card.seeds));
                        return self.open(card.experiment);
                    }
                    self.forget_guess();
                    self.notice.set(None);
                    self.leave_run(false);
                    self.note(behind(&card, &run).into_iter().collect());
                    self.go_on(&card, run, card.experiment.clone(), true);
                }
                Ok(None) => self.note(vec!["This run is not kept any more.".into()]),
                Err(why) => self.note(vec![why]),
            }
        });
    }

    async fn find(self, id: &str) -> Result<Option<(KeptRun, Restored)>, String> {
        let store = self.runs.written().await;
        let Some(card) = self.runs.card(id) else { return Ok(None) };
        let unread = |why| format!("The saved run could not be read: {why}.");
        let Some(bytes) = store.bytes(id).await.map_err(unread)? else { return Ok(None) };
        let run = restored(&card, bytes)?;
        Ok(Some((card, run)))
    }

    /// The page becomes what it was, and the engine goes on.
    fn go_on(self, card: &KeptRun, run: Restored, draft: Experiment, hold: bool) {
        let record = run.record();
        if run.checkpoint.is_none() {
            return;
        }
        if matches!(self.phase.get_untracked(), Phase::Failed { .. }) {
            self.fresh_engine();
        }
        self.prepare_kept_seeds(&run);
        let Restored { history, checkpoint: Some((summary, checkpoint)), .. } = run else { return };
        let experiment = card.experiment.clone();
        self.typed.set(Typed::default());
        self.awaited.set(None);
        self.draft.set(draft);
        self.runs.going.set_value(Going::opened(card, summary.step, hold));
        self.runs.current.set(Some(card.id.clone()));
        match record {
            Some(record) => self.probes.resume(record),
            None => self.probes.start(&experiment),
        }
        if let Some(theory) = history.theory() {
            dom::publish("theory", theory);
            self.theory.set(TheoryNotes::of(theory));
        }
        if let Some(evaluation) = history.latest() {
            dom::publish("evaluation", evaluation);
        }
        let precision = experiment.evaluation.precision;
        let reached = history.outcome().map(|outcome| outcome.reached(precision)).unwrap_or_default();
        self.reached.set(self.seeds.said_of_one(reached));
        self.board.with_value(|board| board.restore(history));
        self.shown.set(self.board.with_value(|board| board.show(None)));
        self.recorded.set(self.board.with_value(Board::recorded));
        self.below_bayes.set(self.board.with_value(|board| board.positions_below_bayes(IMPOSSIBLE)));
        self.progress.set(Progress { step: summary.step, ..Progress::default() });
        self.device.set(Some(summary.device));
        let device = self.device_choice.get_untracked();
        self.run.set(Some(Run { experiment: experiment.clone(), device }));
        self.set_own_phase(Phase::Preparing { what: "Preparing the run".into(), done: None });
        let checkpoint = Some(Bytes(checkpoint));
        self.send(Command::Start { experiment: Box::new(experiment.clone()), device, hold, checkpoint });
        self.start_seeds(&experiment, device, hold);
    }
}

/// What must be said of a run that was replaced after its checkpoint.
fn behind(card: &KeptRun, run: &Restored) -> Option<String> {
    let (summary, _) = run.checkpoint.as_ref().filter(|(summary, _)| summary.step < card.step)?;
    let [saved, reached] = [summary.step, card.step].map(number::count);
    Some(format!(
        "This run was saved whole at step {saved} and left at step {reached}. It goes on from step {saved}: the steps after it are \
         computed again, with the same numbers."
    ))
}

/// The page was loaded anew, or comes back in the browser's history: not opened by a link. Where the browser does not say, it may be.
fn is_reload() -> bool {
    let entries = window().performance().map(|performance| performance.get_entries_by_type("navigation"));
    let kind = entries.and_then(|entries| js_sys::Reflect::get(&entries.get(0), &"type".into()).ok());
    kind.and_then(|kind| kind.as_string()).is_none_or(|kind| kind != "navigate")
}
