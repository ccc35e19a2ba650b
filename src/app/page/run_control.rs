//! Starting, stopping and opening runs.

use leptos::prelude::*;
use serde_json::Value;

use super::{
    address,
    engine_client::EngineClient,
    state::{App, Predict, Progress, Run, is_busy},
};
use crate::{
    app::{
        fields::Typed,
        pictures::Pictures,
        rerun::{Next, Situation, next},
        view_state::ViewState,
    },
    experiment::{Experiment, Preset, json, link},
    protocol::{Command, Phase},
};

/// Seconds of silence after which the page says so: longer than any first step on a slow GPU.
const TIMEOUT: f64 = 45.0;

impl App {
    /// Starts the draft from step 0. With problems, nothing starts: they are shown beside the controls.
    pub fn start(self, hold: bool) {
        if self.problems.with_untracked(Vec::is_empty) {
            // Only readable texts are left, and the draft has their values.
            self.typed.set(Typed::default());
            self.start_draft(hold, false);
        }
    }

    /// What follows from the settings as they are. Follows them.
    pub fn next(self) -> Next {
        self.phase.with(|phase| {
            next(Situation {
                on: self.as_i_move.get(),
                changed: self.changed.get(),
                sound: self.problems.with(Vec::is_empty),
                phase,
                step: self.progress.with(|progress| progress.step),
            })
        })
    }

    /// The settings have rested: starts the draft where that is to happen by itself. What is being typed stays as it is.
    pub fn start_by_itself(self) {
        let hold = match untrack(|| self.next()) {
            Next::Start => false,
            Next::Hold => true,
            Next::Nothing | Next::Say(_) => return,
        };
        self.start_draft(hold, true);
    }

    /// `by_itself`: a setting was moved, and nothing pressed.
    fn start_draft(self, hold: bool, by_itself: bool) {
        // Nothing is shown before it was guessed.
        let hold = hold || self.predict.get_untracked() == Predict::Drawing;
        self.awaited.set(None);
        let experiment = self.draft.get_untracked();
        let device = self.device_choice.get_untracked();
        if matches!(self.phase.get_untracked(), Phase::Failed { .. }) {
            self.fresh_engine();
        }
        self.leave_run(by_itself);
        self.begin_run(&experiment);
        self.board.with_value(|board| board.start(&experiment));
        self.probes.start(&experiment);
        self.run.set(Some(Run { experiment: experiment.clone(), device }));
        self.progress.set(Progress::default());
        self.below_bayes.set(Vec::new());
        self.recorded.set(Vec::new());
        self.reached.set(String::new());
        self.shown.set(None);
        self.prepare_seeds(&experiment);
        self.set_own_phase(Phase::Preparing { what: "Preparing the run".into(), done: None });
        self.send(Command::Start { experiment: Box::new(experiment.clone()), device, hold, checkpoint: None });
        self.start_seeds(&experiment, device, hold);
    }

    /// A new worker; what was drawn stays until the next start.
    pub(super) fn fresh_engine(self) {
        self.engine.with_value(|engine| {
            if let Some(engine) = engine {
                engine.connect();
            }
        });
        self.ask_for_checkpoints();
        // What the old one was asked for, it will not answer.
        self.pictures.update_value(Pictures::forget);
        self.ask_picture();
    }

    /// Asks a worker to send the run as it stands, now and then.
    pub(super) fn ask_for_checkpoints(self) {
        self.send(Command::AutoCheckpoint(true));
    }

    /// Goes on where it stopped, or starts.
    pub fn run_or_resume(self) {
        match self.phase.get_untracked() {
            phase if is_busy(&phase) && self.run.with_untracked(Option::is_some) && !self.changed.get_untracked() => {
                // It may have been prepared to be held.
                if matches!(phase, Phase::Preparing { .. }) {
                    self.send_all(Command::Resume);
                }
            }
            // At step 0 nothing is lost by taking the new settings.
            Phase::Paused if self.progress.get_untracked().step > 0 || !self.changed.get_untracked() => {
                self.send_all(Command::Resume)
            }
            _ => self.start(false),
        }
    }

    pub fn pause(self) {
        self.send_all(Command::Pause);
    }

    /// Measures the finished run on twice as many sequences.
    pub fn measure_more(self) {
        self.send_all(Command::MeasureMore);
    }

    pub fn step(self) {
        if !self.problems.with_untracked(Vec::is_empty) {
            return;
        }
        match self.phase.get_untracked() {
            Phase::Finished | Phase::Failed { .. } => self.start(true),
            _ if self.run.with_untracked(Option::is_none) => self.start(true),
            _ => {}
        }
        self.step_all();
    }

    /// Back to step 0, with the settings as they are now.
    pub fn reset(self) {
        self.start(true);
    }

    /// A start with a worker of its own: for a run that failed, or that no longer answers.
    pub fn start_afresh(self) {
        self.fresh_engine();
        self.silent.set(false);
        self.set_own_phase(Phase::Preparing { what: "Loading a fresh engine".into(), done: None });
        self.start(false);
    }

    /// Something goes on that a pause would stop; a run that is prepared too.
    pub fn can_pause(self) -> bool {
        let preparing = self.run.with(Option::is_some) && self.phase.with(|p| matches!(p, Phase::Preparing { .. }));
        preparing || self.phase.with(Phase::is_under_way)
    }

    pub fn is_busy(self) -> bool {
        self.phase.with(is_busy)
    }

    /// Looks whether the engine still answers; called now and then.
    pub fn watch(self) {
        let waiting = self.phase.with_untracked(is_busy);
        let silence = self.engine.with_value(|engine| engine.as_ref().map_or(0.0, EngineClient::silence));
        // While the run waits for its other seeds, these are listened to.
        let silence = silence.min(self.seeds.silence());
        self.seeds.watch();
        let silent = waiting && silence > TIMEOUT;
        if self.silent.get_untracked() != silent {
            self.silent.set(silent);
        }
    }

    /// The tab was hidden or shown.
    pub fn visibility(self, hidden: bool) {
        let running = self.phase.with_untracked(Phase::is_under_way);
        if hidden && running {
            self.keep_now();
        }
        if hidden && running && self.pause_hidden.get_untracked() {
            self.paused_by_hiding.set_value(true);
            self.pause();
        } else if !hidden && self.paused_by_hiding.get_value() {
            self.paused_by_hiding.set_value(false);
            self.send_all(Command::Resume);
        }
    }

    /// Opens a story from its beginning.
    pub fn open_preset(self, preset: &'static Preset) {
        address::leave_mark();
        self.preset.set(preset);
        self.open(preset.experiment());
    }

    /// A suggestion of the story: the preset with a few fields changed, started at once.
    pub fn open_try(self, changes: &[(&str, &str)]) {
        let fields =
            changes.iter().map(|(field, json)| (String::from(*field), json::read(json).unwrap_or_default())).collect();
        self.open_changed(&self.preset.get_untracked().experiment(), fields);
    }

    /// An experiment with a few fields changed, started at once.
    pub fn open_changed(self, base: &Experiment, fields: Vec<(String, Value)>) {
        match link::with_fields(base, &fields) {
            Ok(experiment) => self.open_beside(experiment),
            Err(problems) => self.show_message("This suggestion does not fit its experiment.", &problems),
        }
    }

    /// Opens another experiment; Back leads to what was there before.
    pub fn open_beside(self, experiment: Experiment) {
        address::leave_mark();
        self.open(experiment);
    }

    /// Makes an experiment the draft and starts it.
    pub fn open(self, experiment: Experiment) {
        self.open_seen(experiment, None);
    }

    /// The same, looked at as a link says, if it says so.
    pub fn open_seen(self, experiment: Experiment, view: Option<ViewState>) {
        self.typed.set(Typed::default());
        self.notice.set(None);
        self.draft.set(experiment);
        self.forget_guess();
        self.start_seen(view);
    }
}
