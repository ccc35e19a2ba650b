//! The power law: fits over a window of context lengths that the reader chooses.

use leptos::prelude::*;

use super::{WholeNumber, blocks};
use crate::{
    app::page::{report::Report, state::use_app},
    probe::{
        TabView,
        power::{Power, Window},
    },
};

#[component]
pub fn PowerTab() -> impl IntoView {
    let probes = use_app().probes;
    let of = |view: &TabView| match view {
        TabView::Power(tab) => Some(tab.clone()),
        _ => None,
    };
    let tab = Memo::new(move |_| probes.with(|view, _, _| of(view)).flatten());
    let window =
        Memo::new(move |_| tab.with(|tab| tab.as_ref().map_or(Window { from: 1, to: 1 }, |tab| probes.window_of(tab))));
    let most = Memo::new(move |_| tab.with(|tab| tab.as_ref().map_or(1, Power::last)));
    let set = move |change: fn(&Power, Window, usize) -> Window, to: usize| {
        let changed = tab.with_untracked(|tab| tab.as_ref().map(|tab| change(tab, window.get_untracked(), to)));
        if changed.is_some() {
            probes.window.set(changed);
        }
    };
    let words = blocks(move |view, record, shown| match view {
        TabView::Power(tab) => tab.words(record, shown, window.get()),
        _ => Vec::new(),
    });
    let charts = blocks(move |view, record, shown| match view {
        TabView::Power(tab) => tab.charts(record, shown, window.get()),
        _ => Vec::new(),
    });
    view! {
        <Report blocks=words />
        <div class="probe-row">
            <WholeNumber
                id="power-from"
                label="Line from L ="
                least=1
                most
                value=Signal::derive(move || window.get().from)
                set=move |from| set(Power::with_from, from)
            />
            <WholeNumber
                id="power-to"
                label="to"
                least=1
                most
                value=Signal::derive(move || window.get().to)
                set=move |to| set(Power::with_to, to)
            />
        </div>
        <Report blocks=charts />
    }
}
