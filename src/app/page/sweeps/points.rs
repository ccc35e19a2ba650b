//! The grid of points: a square for each, in rows of the last axis. A state has a frame, a colour, a mark and words.

use std::sync::Arc;

use leptos::prelude::*;

use super::{growing, store::Live};
use crate::app::sweeps::words::{Look, look};

#[component]
pub fn Points(live: Arc<Live>) -> impl IntoView {
    let length = live.open.row_length();
    let built = growing(live.open.len());
    let along = live.open.along();
    let row = move |row: usize| {
        let first = row * length;
        let name = live.open.row_name(row);
        let name = (!name.is_empty()).then(|| view! { <span class="sweeps-row-name">{name}</span> });
        let end = live.open.len().min(first + length);
        let end = Memo::new(move |_| built.get().min(end));
        let live = live.clone();
        let square = move |point: usize| view! { <Square live=live.clone() point /> };
        view! {
            <div class="sweeps-row">
                {name}
                <span class="sweeps-squares">
                    <For each=move || first..end.get() key=|point| *point children=square />
                </span>
            </div>
        }
    };
    view! {
        <div class="sweeps-grid" data-testid="lab-grid">
            <For each=move || 0..built.get().div_ceil(length) key=|row| *row children=row />
        </div>
        <p class="note">{along}</p>
    }
}

#[component]
fn Square(live: Arc<Live>, point: usize) -> impl IntoView {
    let look = {
        let (live, state) = (live.clone(), live.points.get(point).cloned());
        Memo::new(move |_| {
            let key = live.open.keys.get(point).map(String::as_str).unwrap_or_default();
            state.as_ref().map(|state| state.with(|state| look(key, state)))
        })
    };
    let text = move |read: fn(&Look) -> &str| look.with(|look| look.as_ref().map(read).unwrap_or_default().to_owned());
    let chosen = live.chosen.clone();
    let pressed = Memo::new(move |_| if chosen.get() == Some(point) { "true" } else { "false" });
    view! {
        <button
            type="button"
            class="square"
            data-state=move || text(|look| look.state)
            data-testid=format!("lab-cell-{point}")
            aria-pressed=move || pressed.get()
            aria-label=move || text(|look| &look.words)
            title=move || text(|look| &look.words)
            on:click=move |_| live.chosen.set(Some(point))
        >
            {move || text(|look| &look.mark)}
        </button>
    }
}
