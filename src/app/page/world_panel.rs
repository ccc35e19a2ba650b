//! What the data are, before any training: the world's graph, samples and beliefs, drawn by the engine.

use std::cell::RefCell;

use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*};

use super::{
    controls::{When, effect, memo, truth, words},
    share,
    state::{App, use_app},
};
use crate::protocol::Picture;

/// How long the controls must rest before the world is drawn.
const REST: std::time::Duration = std::time::Duration::from_millis(300);

/// A picture: its heading, its name in test hooks and files, and where it is in an answer.
type Part = (&'static str, &'static str, fn(&Picture) -> &String);

const PARTS: [Part; 3] = [
    ("State graph", "world-graph", |p| &p.graph),
    ("Samples", "world-samples", |p| &p.samples),
    ("Beliefs of an observer", "world-simplex", |p| &p.simplex),
];

#[component]
pub fn WorldPanel() -> impl IntoView {
    let app = use_app();
    follow_draft(app);
    let parts = PARTS.map(|(title, name, svg)| {
        let shown = move || app.picture.with(|p| svg(p).clone());
        let save = move |_| {
            // As it is: where no style sheet gives it colours, it has its own.
            share::download(&format!("{name}.svg"), "image/svg+xml", &app.picture.with_untracked(|p| svg(p).clone()));
        };
        view! {
            <figure class=format!("picture {name}") hidden=truth(move || shown().is_empty())>
                <figcaption>
                    <h3>{title}</h3>
                    <button type="button" class="quiet small" data-testid=format!("{name}-save") on:click=save>"SVG"</button>
                </figcaption>
                <div data-testid=name inner_html=words(shown)></div>
            </figure>
        }
    });
    let problem = move || app.picture.with(|p| p.problem.clone());
    view! {
        <section class="sequences world" aria-label="The world" data-testid="world-panel">
            <div class="head">
                <h2>"The world"</h2>
                <span class="note" data-testid="world-notes">{words(move || app.picture.with(|p| p.notes.join(" ")))}</span>
            </div>
            <When on=truth(move || !problem().is_empty())>
                <p class="problem" data-testid="world-problem">{words(problem)}</p>
            </When>
            <div class="pictures">{parts.map(IntoAny::into_any).into_iter().collect_view()}</div>
        </section>
    }
}

/// Asks for a picture of the draft's world once it has rested; the old picture stays until the new one is there.
fn follow_draft(app: App) {
    thread_local! {
        static WAITING: RefCell<Option<TimeoutHandle>> = const { RefCell::new(None) };
    }
    // The world itself: two that are written alike may differ.
    let world = memo(move || app.draft.with(|d| d.world.clone()));
    effect(move || {
        // Read, not tracked: a memo that nobody reads never learns what it depends on.
        world.with(|_| ());
        if let Some(old) = WAITING.take() {
            old.clear();
        }
        WAITING.set(set_timeout_with_handle(move || app.ask_picture(), REST).ok());
    });
}
