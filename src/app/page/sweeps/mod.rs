//! The view of sweeps: many runs over a grid of settings. `store` is the line to the coordinator and what it has reported; the
//! rest are the parts of the screen.

mod detail;
mod form;
mod home;
mod points;
mod results;
mod sheet;
mod store;

use std::time::Duration;

use leptos::prelude::*;

pub use self::store::Store;
use self::{
    home::Home,
    sheet::{Study, Sweep},
    store::Screen,
};
use super::navigation::show_sweeps;

#[component]
pub fn Sweeps() -> impl IntoView {
    let store = expect_context::<Store>();
    let app = store.app;
    // The coordinator starts when the view is first opened.
    Effect::new(move |_| {
        if app.sweeps_open.get() {
            untrack(|| store.connect());
        }
    });
    // Nothing is built before it is wanted.
    let is_wanted = Memo::new(move |before: Option<&bool>| before == Some(&true) || app.sweeps_open.get());
    let screen = move || match store.screen.get() {
        Screen::Home => view! { <Home /> }.into_any(),
        Screen::Sweep(live) => view! { <Sweep live /> }.into_any(),
        Screen::Study(study) => view! { <Study study /> }.into_any(),
    };
    view! {
        <main class="sweeps" aria-label="Sweeps" data-testid="lab" hidden=move || !app.sweeps_open.get()>
            <button type="button" class="sweeps-close" data-testid="lab-close" on:click=move |_| show_sweeps(app, false)>
                "Back to the playground"
            </button>
            <Show when=move || !store.lost.with(String::is_empty)>
                <div class="banner failed sweeps-lost" role="alert" data-testid="lab-lost">
                    <p>{move || store.lost.get()}" Finished runs are kept; what was under way waits in the list."</p>
                    <button type="button" class="primary" data-testid="lab-again" on:click=move |_| store.restart()>
                        "Start sweeps again"
                    </button>
                </div>
            </Show>
            <div id="sweeps"><Show when=move || is_wanted.get()>{screen}</Show></div>
        </main>
    }
}

/// What needs attention, a banner for each sentence.
#[component]
fn Problems() -> impl IntoView {
    let store = expect_context::<Store>();
    view! {
        <For each=move || store.problems() key=Clone::clone let(text)>
            <div class="banner problems" role="alert" data-testid="lab-trouble">
                <div>{text}</div>
            </div>
        </For>
    }
}

/// How many of `total` parts are built: some at once, the rest in tasks of their own, so that a large grid keeps nobody waiting.
fn growing(total: usize) -> RwSignal<usize> {
    const STEP: usize = 150;
    fn grow(built: RwSignal<usize>, total: usize) {
        set_timeout(
            move || {
                if let Some(now) = built.try_get_untracked() {
                    built.set(total.min(now + STEP));
                    if now + STEP < total {
                        grow(built, total);
                    }
                }
            },
            Duration::ZERO,
        );
    }
    let built = RwSignal::new(total.min(STEP));
    if total > STEP {
        grow(built, total);
    }
    built
}

/// Puts the focus where `selector` leads once what has changed is on the screen.
fn focus_soon(selector: &'static str) {
    request_animation_frame(move || super::focus(selector));
}
