//! The algorithm: distances from predictors on each kind of sequences, one of which is looked at closely.

use leptos::prelude::*;

use super::{OneOf, blocks};
use crate::{
    app::page::{report::Report, state::use_app},
    probe::TabView,
};

#[component]
pub fn AlgorithmTab() -> impl IntoView {
    let probes = use_app().probes;
    let names = Memo::new(move |_| {
        let of = |view: &TabView| match view {
            TabView::Algorithm(tab) => tab.ensembles(),
            _ => Vec::new(),
        };
        probes.with(|view, _, _| of(view)).unwrap_or_default()
    });
    // What the reader chose stays while runs come and go; a run without training topics has the first alone.
    let choice = RwSignal::new(0_usize);
    let chosen = Memo::new(move |_| choice.get().min(names.with(Vec::len).saturating_sub(1)));
    let overview = blocks(move |view, record, shown| match view {
        TabView::Algorithm(tab) => tab.overview(record, shown, chosen.get()),
        _ => Vec::new(),
    });
    let details = blocks(move |view, record, shown| match view {
        TabView::Algorithm(tab) => tab.details(record, shown, chosen.get()),
        _ => Vec::new(),
    });
    let is_choice = Memo::new(move |_| names.with(Vec::len) > 1 && details.with(|blocks| !blocks.is_empty()));
    let options = Signal::derive(move || {
        let option = |(i, name)| (format!("algorithm-ensemble-{i}"), name);
        names.get().into_iter().enumerate().map(option).collect::<Vec<_>>()
    });
    view! {
        <Report blocks=overview />
        <Show when=move || is_choice.get()>
            <OneOf label="On which sequences" options chosen set=move |i| choice.set(i) />
        </Show>
        <Report blocks=details />
    }
}
