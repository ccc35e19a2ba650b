//! What was tried of the story's suggestions, under them: kept in this browser for each preset.

use leptos::prelude::*;

use super::{
    preferences,
    state::{App, is_busy, use_app},
};
use crate::{
    app::trail::{Entry, Found, Trail},
    protocol::Phase,
};

/// Where the trail of a preset is stored.
fn key(preset: &str) -> String {
    format!("trail-{preset}")
}

/// The trail of the story that is open. It follows the runs from here on.
#[component]
pub fn TrailView() -> impl IntoView {
    let app = use_app();
    let trail = RwSignal::new(Trail::default());
    follow_runs(app, trail);
    let entries = move || {
        trail.with(|trail| {
            let busy = app.phase.with(is_busy);
            let line = |(i, entry): (usize, &Entry)| {
                let is_running = busy && trail.current() == Some(i);
                let words = entry.found.as_ref().map(|found| found.line(is_running));
                (i, entry.clone(), words.unwrap_or_else(|| "no evaluation yet".into()))
            };
            trail.entries().iter().enumerate().map(line).collect::<Vec<_>>()
        })
    };
    let clear = move |_| {
        trail.update(Trail::clear);
        write(app.preset.get_untracked().name, trail);
    };
    view! {
        <Show when=move || !trail.with(Trail::is_empty)>
            <section class="trail" data-testid="trail" aria-label="What you tried">
                <h3>"What you tried, and what came out"</h3>
                <ol>
                    <For each=entries key=|(i, entry, words)| (*i, entry.label.clone(), words.clone()) let((i, entry, words))>
                        <li>
                            <button
                                type="button"
                                class="link"
                                data-testid=format!("trail-{i}")
                                title="Open these settings again"
                                on:click={
                                    let changes = entry.changes.clone();
                                    move |_| open(app, &changes)
                                }
                            >
                                {entry.label}
                            </button>
                            <span class="trail-found" data-testid=format!("trail-found-{i}")>{words}</span>
                        </li>
                    </For>
                </ol>
                <button type="button" class="quiet small" data-testid="trail-clear" on:click=clear>
                    "Clear"
                </button>
            </section>
        </Show>
    }
}

fn open(app: App, changes: &[(String, String)]) {
    let changes: Vec<(&str, &str)> = changes.iter().map(|(field, json)| (&**field, &**json)).collect();
    app.open_try(&changes);
}

fn write(preset: &str, trail: RwSignal<Trail>) {
    preferences::write(&key(preset), &trail.with_untracked(Trail::to_text));
}

/// Begins an entry with each run that the story speaks of, and notes what it shows.
fn follow_runs(app: App, trail: RwSignal<Trail>) {
    // Whose trail it is.
    let preset = StoredValue::new(None::<&'static str>);
    Effect::new(move |_| {
        let now = app.preset.get();
        let run = app.run.get();
        if preset.get_value() != Some(now.name) {
            if let Some(before) = preset.get_value() {
                write(before, trail);
            }
            preset.set_value(Some(now.name));
            trail.set(Trail::from_text(&preferences::read(&key(now.name)).unwrap_or_default()));
        } else {
            // What the run before this one showed.
            write(now.name, trail);
        }
        match run {
            Some(run) => trail.update(|trail| trail.begin(now, &run.experiment)),
            None => trail.update(Trail::leave),
        }
    });
    // With each evaluation and each rest; at a rest it is stored.
    Effect::new(move |_| {
        app.recorded.track();
        app.reached.track();
        let rests = app.phase.with(|phase| matches!(phase, Phase::Paused | Phase::Finished | Phase::Failed { .. }));
        let Some(run) = app.run.get_untracked() else { return };
        let of_run = app.board.with_value(|board| {
            board.with_history(|history| {
                (*history.experiment() == run.experiment).then(|| Found::new(history)).flatten()
            })
        });
        let changed = of_run.is_some_and(|found| {
            trail
                .try_maybe_update(|trail| {
                    let changed = trail.found(found);
                    (changed, changed)
                })
                .unwrap_or_default()
        });
        if rests || changed && app.phase.with_untracked(|phase| !is_busy(phase)) {
            write(app.preset.get_untracked().name, trail);
        }
    });
}
