//! An open sweep: head, buttons, progress, points and results; and a study, which is several sweeps with a head of its own.

use std::sync::Arc;

use leptos::{ev, prelude::*};

use super::{
    Problems,
    detail::Detail,
    points::Points,
    results::Results,
    store::{Live, Store, StudyScreen},
};
use crate::{
    app::sweeps::{Progress, words},
    protocol::SweepRequest,
    sweep::name::MOST,
};

/// Leads to the first screen.
#[component]
fn Back() -> impl IntoView {
    let store = expect_context::<Store>();
    view! {
        <button type="button" class="quiet" data-testid="lab-home" on:click=move |_| store.leave()>"← All sweeps"</button>
    }
}

#[component]
pub fn Sweep(live: Arc<Live>) -> impl IntoView {
    let store = expect_context::<Store>();
    let (name, kept) = (live.name.clone(), live.name.clone());
    let title = {
        let live = live.clone();
        move || words::title(&live.name.get(), &live.open.grid)
    };
    let subtitle = {
        let live = live.clone();
        move || words::subtitle(&live.name.get(), &live.open)
    };
    let rename = {
        let live = live.clone();
        move |e: ev::Event| {
            store.rename(&live, &event_target_value(&e));
            // A name that is tidied to what it was changes no signal, but the entry.
            kept.notify();
        }
    };
    view! {
        <Back />
        <h2 tabindex="-1" data-testid="lab-title">{title}</h2>
        <p class="note">{subtitle}</p>
        <label class="sweeps-metric">
            <span>"Name"</span>
            <input
                type="text"
                autocomplete="off"
                maxlength=MOST
                placeholder="none"
                data-testid="lab-name"
                prop:value=move || name.get()
                on:change=rename
            />
        </label>
        <Problems />
        <Runs live=live.clone() />
        <Results live />
    }
}

#[component]
pub fn Study(study: Arc<StudyScreen>) -> impl IntoView {
    let store = expect_context::<Store>();
    let StudyScreen { study: about, results, .. } = &*study;
    let about = *about;
    let [by, command, on] = words::provenance(results);
    let title = move |name: &str| about.sweeps.iter().find(|part| part.name == name).map_or("", |part| part.title);
    let parts = study.parts.iter().enumerate().map(|(i, part)| {
        let (screen, chosen) = (study.clone(), study.part.clone());
        view! {
            <button
                type="button"
                data-testid=format!("lab-part-{i}")
                aria-pressed=move || if chosen.get() == i { "true" } else { "false" }
                on:click=move |_| store.show_part(&screen, i)
            >
                {title(&part.name)}
            </button>
        }
    });
    let parts = parts.collect_view();
    let note = {
        let study = study.clone();
        Memo::new(move |_| {
            let name = study.parts.get(study.part.get()).map(|part| part.name.as_str()).unwrap_or_default();
            about.sweeps.iter().find(|part| part.name == name).map_or("", |part| part.note)
        })
    };
    let live = study.live.clone();
    let sweep = move || {
        let live = live.get();
        let grid = format!("{}; {}.", words::grid(&live.open.grid), words::summary(&live.open.sweep.base));
        let runs = view! { <Runs live=live.clone() /> };
        let results = view! { <Results live=live.clone() /> };
        // What is recorded is there to be read at once.
        let is_recorded = live.progress.with_untracked(|progress| progress.done > 0);
        view! {
            <p class="note">{grid}</p>
            {if is_recorded {
                view! { {results} {runs} }.into_any()
            } else {
                view! { {runs} {results} }.into_any()
            }}
        }
    };
    view! {
        <Back />
        <h2 tabindex="-1" data-testid="lab-title">{about.title}</h2>
        <p class="sweeps-lead">{about.about[0]}</p>
        <p class="sweeps-lead">{about.about[1]}</p>
        <p class="sweeps-lead">{about.reading}</p>
        <p class="banner sweeps-recorded" data-testid="lab-recorded">
            {by}
            {(!command.is_empty()).then(|| view! { <code>{command}</code> })}
            {on}
        </p>
        <div class="row" role="group" aria-label="Sweeps of this study">{parts}</div>
        <Show when=move || note.with(|note| !note.is_empty())>
            <p class="sweeps-lead" data-testid="lab-note">{move || note.get()}</p>
        </Show>
        <Problems />
        {sweep}
    }
}

/// Buttons, progress, the points, and the numbers of one of them.
#[component]
fn Runs(live: Arc<Live>) -> impl IntoView {
    let progress = live.progress.clone();
    let p = Signal::derive(move || progress.get());
    let spoken = Memo::new(move |_| words::spoken(&p.get()));
    view! {
        <section class="sweeps-card">
            <h3>"Runs"</h3>
            <div class="sweeps-run">
                <Buttons live=live.clone() p />
                <p data-testid="lab-summary">{move || words::standing(&p.get())}</p>
            </div>
            <div class="sweeps-bar" aria-hidden="true" style=move || format!("--done: {:.3}", p.get().share)></div>
            <p class="spoken" role="status">{move || spoken.get()}</p>
            <Points live=live.clone() />
            <Detail live />
        </section>
    }
}

/// What can be done with the sweep now.
#[component]
fn Buttons(live: Arc<Live>, p: Signal<Progress>) -> impl IntoView {
    let store = expect_context::<Store>();
    let live = StoredValue::new(live);
    let id = move || live.with_value(|live| live.open.id.clone());
    let is_gone = live.with_value(|live| live.is_gone.clone());
    let is_here = Signal::derive(move || !is_gone.get());
    let is_recorded = live.with_value(|live| live.open.is_recorded);
    let when = move |on: fn(&Progress) -> bool| Memo::new(move |_| !is_recorded && is_here.get() && p.with(on));
    let can_resume = when(|p| !p.is_over && p.is_paused);
    let can_pause = when(|p| !p.is_over && !p.is_paused);
    let can_cancel = when(|p| !p.is_over && p.is_active);
    let can_retry = when(|p| p.failed > 0);
    let resume = move || if p.with(|p| p.done == 0) { "Start" } else { "Resume" };
    view! {
        <div class="row">
            <Show when=move || is_recorded>
                <button
                    type="button"
                    class="primary"
                    data-testid="lab-live"
                    on:click=move |_| live.with_value(|live| store.run_live(live))
                >
                    "Run it live"
                </button>
            </Show>
            <Show when=move || can_resume.get()>
                <button
                    type="button"
                    class="primary"
                    data-testid="lab-resume"
                    on:click=move |_| store.request(&SweepRequest::Resume { id: id() })
                >
                    {resume}
                </button>
            </Show>
            <Show when=move || can_pause.get()>
                <button
                    type="button"
                    data-testid="lab-pause"
                    on:click=move |_| store.request(&SweepRequest::Pause { id: id() })
                >
                    "Pause"
                </button>
            </Show>
            <Show when=move || can_cancel.get()>
                <button
                    type="button"
                    data-testid="lab-cancel"
                    on:click=move |_| store.request(&SweepRequest::Cancel { id: id() })
                >
                    "Cancel"
                </button>
            </Show>
            <Show when=move || can_retry.get()>
                <button
                    type="button"
                    data-testid="lab-retry"
                    on:click=move |_| store.request(&SweepRequest::Retry { id: id(), point: None })
                >
                    "Retry failed"
                </button>
            </Show>
        </div>
    }
}
