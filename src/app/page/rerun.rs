//! "Run as I move": a changed setting starts a new run by itself. When is decided in `app::rerun`.

use std::{cell::RefCell, time::Duration};

use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*};

use super::{
    preferences,
    state::{App, use_app},
};
use crate::app::rerun::{Next, REST_MS};

/// What the reader chose is remembered under this name.
pub const KEPT: &str = "run-as-i-move";

/// Starts a run once the settings have rested.
pub fn follow_changes(app: App) {
    thread_local! {
        static WAITING: RefCell<Option<TimeoutHandle>> = const { RefCell::new(None) };
    }
    Effect::new(move |_| {
        app.draft.track();
        app.typed.track();
        app.device_choice.track();
        app.seeds.chosen.track();
        app.as_i_move.track();
        if let Some(old) = WAITING.take() {
            old.clear();
        }
        let start = move || app.start_by_itself();
        WAITING.set(set_timeout_with_handle(start, Duration::from_millis(REST_MS)).ok());
    });
}

/// The switch beside Run.
#[component]
pub fn AsIMove() -> impl IntoView {
    let app = use_app();
    let set = move |_| {
        let on = !app.as_i_move.get_untracked();
        app.as_i_move_chosen.set(Some(on));
        preferences::write_flag(KEPT, on);
    };
    view! {
        <button
            type="button"
            class="as-i-move"
            role="switch"
            data-testid="run-as-i-move"
            aria-checked=move || app.as_i_move.get().to_string()
            title="A changed setting starts a new run by itself, and the last runs stay in the chart, paler. A run that you paused stays. Until you choose, it is on where a run takes less than 10 seconds."
            on:click=set
        >
            <span class="glyph" aria-hidden="true"></span>
            <span>"Run as I move"</span>
        </button>
    }
}

/// What is said beside Run while changed settings wait.
#[component]
pub fn RunNote() -> impl IntoView {
    let app = use_app();
    // Read as the reader reads it: while settings are moving and a run will follow, nothing is said.
    let said = Memo::new(move |_| match app.next() {
        Next::Say(said) => said,
        Next::Nothing | Next::Start | Next::Hold => "",
    });
    view! {
        <p class="run-note" role="status" data-testid="run-note" hidden=move || said.get().is_empty()>{said}</p>
    }
}
