//! Beliefs: how much of an exact observer's belief each layer holds, and for three states where it lies.

use leptos::prelude::*;

use super::{Choose, blocks, blocks_for};
use crate::{
    app::page::{report::Report, state::use_app},
    probe::{
        TabView,
        beliefs::{Beliefs, Choice},
    },
};

fn tab(view: &TabView) -> Option<&Beliefs> {
    match view {
        TabView::Beliefs(tab) => Some(tab),
        _ => None,
    }
}

#[component]
pub fn BeliefsTab() -> impl IntoView {
    let probes = use_app().probes;
    let layers = Memo::new(move |_| {
        probes.with(|view, _, _| tab(view).map(|tab| tab.layers.clone())).flatten().unwrap_or_default()
    });
    let choice = RwSignal::new(Choice::default());
    let words =
        blocks(move |view, _, shown| tab(view).map(|tab| tab.word_blocks(shown, choice.get())).unwrap_or_default());
    // The triangles hold thousands of points: they are drawn anew only where they are others.
    let drawn = Memo::new(move |_| {
        let step = probes.with(|view, _, _| tab(view).and_then(Beliefs::regressed_at)).flatten();
        (probes.opened.get(), step, layers.get(), choice.get())
    });
    let triangles = blocks_for(drawn, move |view, _, _| {
        tab(view).map(|tab| tab.triangle_blocks(choice.get_untracked())).unwrap_or_default()
    });
    let lines = blocks(move |view, record, shown| {
        tab(view).map(|tab| tab.chart_blocks(record, shown, choice.get())).unwrap_or_default()
    });
    view! {
        <Show when=move || layers.with(|layers| !layers.is_empty())>
            <div class="probe-row">
                <Choose
                    id="beliefs-layer"
                    label="Layer"
                    options=layers
                    chosen=Signal::derive(move || {
                        let found = probes.with(|view, _, _| tab(view).map(|tab| tab.layer(choice.get())));
                        found.flatten().unwrap_or_default()
                    })
                    set=move |i| choice.set(Choice { layer: Some(i) })
                />
            </div>
        </Show>
        <Report blocks=words />
        <Report blocks=triangles />
        <Report blocks=lines />
    }
}
