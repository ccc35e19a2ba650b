//! What the data are, before any training: the world's graph, samples and beliefs, from numbers that the engine sends.

use std::cell::RefCell;

use charts::report::Drawn;
use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*};

use super::{
    plot::kept,
    report::Plots,
    state::{App, use_app},
};
use crate::protocol::Picture;

/// How long the controls must rest before the world is drawn.
const REST: std::time::Duration = std::time::Duration::from_millis(300);

#[component]
pub fn WorldPanel() -> impl IntoView {
    let app = use_app();
    follow_draft(app);
    let charts = move |charts: fn(&Picture) -> Vec<Drawn>| kept(move || app.picture.with(|p| named(charts(p))));
    let (structure, observers, sequences) =
        (charts(Picture::structure), charts(Picture::observers), charts(Picture::sequences));
    let problem = move || app.picture.with(|p| p.problem.clone());
    view! {
        <section class="sequences world" aria-label="The world" data-testid="world-panel">
            <div class="head">
                <h2>"The world"</h2>
                <span class="note" data-testid="world-notes">{move || app.picture.with(|p| p.notes.join(" "))}</span>
            </div>
            <Show when=move || !problem().is_empty()>
                <p class="problem" data-testid="world-problem">{problem}</p>
            </Show>
            <div class="world-charts">
                <div data-testid="world-graph" hidden=move || structure.with(Vec::is_empty)><Plots drawn=structure on_place=None on_pick=None /></div>
                <div data-testid="world-simplex" hidden=move || observers.with(Vec::is_empty)><Plots drawn=observers on_place=None on_pick=None /></div>
                <div data-testid="world-samples" hidden=move || sequences.with(Vec::is_empty)><Plots drawn=sequences on_place=None on_pick=None /></div>
            </div>
        </section>
    }
}

/// Under names of the page's own: `world-graph`.
fn named(charts: Vec<Drawn>) -> Vec<Drawn> {
    charts.into_iter().map(|drawn| Drawn { id: format!("world-{}", drawn.id), ..drawn }).collect()
}

/// Asks for a picture of the draft's world once it has rested; the old picture stays until the new one is there.
fn follow_draft(app: App) {
    thread_local! {
        static WAITING: RefCell<Option<TimeoutHandle>> = const { RefCell::new(None) };
    }
    // The world itself: two that are written alike may differ.
    let world = Memo::new(move |_| app.draft.with(|d| d.world.clone()));
    Effect::new(move |_| {
        // Read, not tracked: a memo that nobody reads never learns what it depends on.
        world.with(|_| ());
        if let Some(old) = WAITING.take() {
            old.clear();
        }
        WAITING.set(set_timeout_with_handle(move || app.ask_picture(), REST).ok());
    });
}
