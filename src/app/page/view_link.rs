//! What is looked at: read from a link, written into one, and cleaned.

use leptos::prelude::*;

use super::{
    preferences,
    state::{App, Predict, use_app},
};
use crate::{
    app::view_state::{ViewState, step_to_share},
    number::{self, Unit},
    protocol::{Phase, ProbeRequest},
};

impl App {
    /// What is looked at now. Follows it.
    pub fn view_state(self) -> ViewState {
        let predict = self.predict.get() == Predict::Drawing;
        let awaited = self.awaited.get();
        let paused = awaited.map_or_else(|| self.phase.with(|p| matches!(p, Phase::Paused)), |awaited| awaited.pause);
        let shown = self.shown.get();
        let step = awaited.map(|awaited| awaited.step).or_else(|| {
            let of = |run: &super::state::Run| {
                self.recorded.with(|recorded| step_to_share(shown, paused, recorded, &run.experiment.evaluation))
            };
            self.run.with(|run| run.as_ref().and_then(of))
        });
        ViewState {
            unit: if self.bits.get() { Unit::Bits } else { Unit::Nats },
            log_log: self.log_log.get(),
            above_bayes: self.over_bayes.get(),
            squared_error: self.squared_error.get(),
            linear_bound: self.linear_bound.get(),
            panel: self.panel.get(),
            tab: self.probes.kind.get(),
            step: step.filter(|_| !predict),
            paused: paused && !predict,
            compare: self.compare.get(),
            hidden: self.hidden.get(),
            predict,
            seeds: self.seeds.chosen.get(),
        }
    }

    /// Looks at the run as it goes on like this.
    pub fn set_view(self, view: ViewState) {
        self.set_choices(&view);
        if view.paused && view.step.is_none() && self.phase.with_untracked(Phase::is_under_way) {
            self.pause();
        }
        if view.step.is_none() && self.shown.get_untracked().is_some() {
            self.look_at(None);
        }
        self.awaited.set(view.awaited());
        self.follow_awaited();
    }

    /// Starts the draft and looks at it as a link says; without a word of the view, as the reader did before.
    pub fn start_seen(self, view: Option<ViewState>) {
        let Some(view) = view else { return self.start(false) };
        self.set_choices(&view);
        self.start(view.is_held());
        let last = self.draft.with_untracked(|draft| draft.steps());
        match view.awaited() {
            Some(awaited) if awaited.step > last => self.note(vec![format!(
                "The link asks for step {}, and this run has {}; its last step will be shown.",
                number::count(awaited.step),
                number::count(last)
            )]),
            awaited => self.awaited.set(awaited),
        }
    }

    /// Everything of a view but where the run stands.
    pub(super) fn set_choices(self, view: &ViewState) {
        self.bits.set(view.unit == Unit::Bits);
        self.log_log.set(view.log_log);
        self.over_bayes.set(view.above_bayes);
        self.squared_error.set(view.squared_error);
        self.linear_bound.set(view.linear_bound);
        self.panel.set(view.panel);
        self.compare.set(view.compare.clone());
        self.hidden.set(view.hidden.clone());
        self.seeds.chosen.set(view.seeds);
        self.forget_guess();
        if view.predict {
            self.predict.set(Predict::Drawing);
        }
        if self.probes.kind.get_untracked() != view.tab {
            self.probes.kind.set(view.tab);
            self.ask_probes(ProbeRequest::Open(view.tab));
        }
    }

    /// The same clean state for everybody, wherever the run stands.
    pub fn clean_view(self) {
        // How many seeds run is no matter of how they are looked at.
        self.set_view(ViewState { seeds: self.seeds.chosen.get_untracked(), ..ViewState::default() });
    }

    /// Shows the step that a link asks for once the run has reached it.
    pub fn follow_awaited(self) {
        let Some(awaited) = self.awaited.get_untracked() else { return };
        let stopped =
            self.phase.with_untracked(|phase| matches!(phase, Phase::Paused | Phase::Finished | Phase::Failed { .. }));
        let reached = self.recorded.with_untracked(|recorded| awaited.reached(recorded, stopped));
        if reached.show.is_some() {
            self.show_recorded(reached.show);
        }
        if reached.pause && self.phase.with_untracked(Phase::is_under_way) {
            self.pause();
        }
        if reached.done {
            self.awaited.set(None);
            let found = self.recorded.with_untracked(|recorded| recorded.get(reached.show?).copied());
            self.note(awaited.remark(found).into_iter().collect());
        }
    }

    /// Nats or bits, as the reader chose: remembered.
    pub fn set_bits(self, bits: bool) {
        self.bits.set(bits);
        preferences::write_flag("bits", bits);
    }
}

/// Back to the clean view, where the view is another.
#[component]
pub fn CleanView() -> impl IntoView {
    let app = use_app();
    let is_clean = Memo::new(move |_| {
        // Where the run stands is no matter of this button.
        let view = ViewState { paused: false, seeds: 1, ..app.view_state() };
        let view = if app.shown.get().is_none() { ViewState { step: None, ..view } } else { view };
        view == ViewState::default() && app.predict.get() == Predict::Off
    });
    view! {
        <button
            type="button"
            class="quiet small clean-view"
            data-testid="clean-view"
            title="Nats, linear axes, every curve, no other predictor, the latest step, and the first tabs"
            hidden=move || is_clean.get()
            on:click=move |_| app.clean_view()
        >
            "Clean view"
        </button>
    }
}
