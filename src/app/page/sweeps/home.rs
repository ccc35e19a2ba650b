//! The first screen: studies, the form of a new sweep, and what this browser has stored.

use leptos::prelude::*;

use super::{Problems, form::NewSweep, store::Store};
use crate::{
    app::sweeps::words::{self, StoredLine},
    experiment::study::STUDIES,
    protocol::{StoredSweep, SweepRequest},
};

#[component]
pub fn Home() -> impl IntoView {
    view! {
        <h2 tabindex="-1" data-testid="lab-title">"Sweeps"</h2>
        <p class="sweeps-lead">
            "Many runs at once, over a grid of settings: what do K, N and T do to the losses and the gaps? Results are kept in this browser as they come."
        </p>
        <Problems />
        <Studies />
        <section class="sweeps-card">
            <h3>"New sweep"</h3>
            <NewSweep />
        </section>
        <section class="sweeps-card">
            <h3>"In this browser"</h3>
            <Stored />
        </section>
    }
}

/// A card for each study.
#[component]
fn Studies() -> impl IntoView {
    let store = expect_context::<Store>();
    let cards = STUDIES.iter().map(|study| {
        let open = move |_| store.request(&SweepRequest::Study { name: study.name.into() });
        view! {
            <li>
                <div>
                    <b>{study.title}</b>
                    <span class="note">{study.about[0]}</span>
                </div>
                <button type="button" data-testid=format!("lab-study-{}", study.name) on:click=open>"Open"</button>
            </li>
        }
    });
    view! {
        <section class="sweeps-card">
            <h3>"Published observations, as studies"</h3>
            <p>
                "What Gong et al. (2025) and, of algorithms, Raventós et al. (2023) report, asked again on small worlds. Each says what its runs show and what they cannot. Recorded results open at once; every run of them can be made again here."
            </p>
            <ul class="sweeps-list">{cards.collect_view()}</ul>
        </section>
    }
}

/// The sweeps that are stored.
#[component]
fn Stored() -> impl IntoView {
    let store = expect_context::<Store>();
    let ids = Memo::new(move |_| {
        store.stored.with(|all| {
            let all = all.as_ref()?;
            Some(all.iter().map(|sweep| sweep.id().to_owned()).collect::<Vec<_>>())
        })
    });
    let is_known = Memo::new(move |_| ids.with(Option::is_some));
    let is_empty = Memo::new(move |_| ids.with(|ids| ids.as_ref().is_none_or(Vec::is_empty)));
    view! {
        <Show when=move || is_known.get() fallback=|| view! { <p class="note">"Loading the engine."</p> }>
            <div data-testid="lab-list">
                <Show when=move || !is_empty.get() fallback=|| view! { <p class="note">"None yet."</p> }>
                    <ul class="sweeps-list">
                        <For each=move || ids.get().unwrap_or_default() key=Clone::clone let(id)>
                            <StoredItem id />
                        </For>
                    </ul>
                </Show>
            </div>
        </Show>
    }
}

/// One stored sweep.
#[component]
fn StoredItem(id: String) -> impl IntoView {
    let store = expect_context::<Store>();
    let line = {
        let id = id.clone();
        Memo::new(move |_| {
            let running = store.status.with(|status| status.running.as_ref().map(|running| running.id.clone()));
            store.stored.with(|all| {
                let sweep: Option<&StoredSweep> = all.iter().flatten().find(|sweep| sweep.id() == id);
                sweep.map(|sweep| words::stored_line(sweep, running.as_deref()))
            })
        })
    };
    let text =
        move |read: fn(&StoredLine) -> &String| line.with(|line| line.as_ref().map(read).cloned().unwrap_or_default());
    let can =
        move |read: fn(&StoredLine) -> bool| Memo::new(move |_| line.with(|line| line.as_ref().is_some_and(read)));
    let (can_resume, can_open, can_delete) =
        (can(|line| line.can_resume), can(|line| line.can_open), can(|line| line.can_delete));
    let id = StoredValue::new(id);
    let open = move |resume| store.request(&SweepRequest::Open { id: id.get_value(), resume });
    let delete = move |_| store.request(&SweepRequest::Delete { id: id.get_value() });
    view! {
        <li>
            <div>
                <b>{move || text(|line| &line.title)}</b>
                <span class="note">{move || text(|line| &line.about)}</span>
            </div>
            <div class="row">
                <Show when=move || can_resume.get()>
                    <button type="button" class="primary" data-testid="lab-list-resume" on:click=move |_| open(true)>
                        "Resume"
                    </button>
                </Show>
                <Show when=move || can_open.get()>
                    <button type="button" data-testid="lab-list-open" on:click=move |_| open(false)>"Open"</button>
                </Show>
                <Show when=move || can_delete.get()>
                    <button type="button" class="quiet" data-testid="lab-list-delete" on:click=delete>"Delete"</button>
                </Show>
            </div>
        </li>
    }
}
