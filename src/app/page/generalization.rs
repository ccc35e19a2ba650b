//! Bound, KLs, certificate, losses and topics, one at a time.

use leptos::prelude::*;

use super::{
    chart_view::ChartView,
    controls::Segments,
    state::{App, use_app},
};
use crate::{
    app::{charts::ChartKind, view_state::PANELS},
    protocol::Phase,
};

/// Name, test id and chart of each tab, in the order of [`PANELS`].
const TABS: [(&str, &str, ChartKind); 5] = [
    ("Bound", "tab-bound", ChartKind::Bound),
    ("KL", "tab-kl", ChartKind::Kl),
    ("Certificate", "tab-certificate", ChartKind::Certificate),
    ("Losses", "tab-losses", ChartKind::Losses),
    ("Topics", "tab-topics", ChartKind::Topics),
];

#[component]
pub fn Generalization() -> impl IntoView {
    let app = use_app();
    let tab = move || TABS.iter().position(|tab| tab.2 == app.panel.get()).unwrap_or(0);
    let tabs = TABS.into_iter().enumerate().map(|(i, (_, _, kind))| {
        view! {
            <div hidden=move || tab() != i>
                <ChartView kind>
                    {own_controls(app, kind)}
                    <Segments
                        label="What is shown"
                        options=TABS.iter().map(|(text, testid, _)| (*text, *testid)).collect()
                        chosen=Signal::derive(tab)
                        set=move |i: usize| app.panel.set(PANELS[i.min(PANELS.len() - 1)])
                    />
                </ChartView>
            </div>
        }
    });
    view! {
        <div class="tabbed">
            {tabs.collect_view()}
            <Reached />
        </div>
    }
}

/// What one chart alone lets choose.
fn own_controls(app: App, kind: ChartKind) -> AnyView {
    match kind {
        ChartKind::Bound => view! {
            <Segments
                label="Form of the bound: the bracket outside or inside the root"
                options=vec![("√·[ ]", "form-outside"), ("√[ ]", "form-inside")]
                chosen=Memo::new(move |_| usize::from(app.draft.with(|draft| draft.bound.bracket_inside)))
                set=move |i| app.draft.update(|draft| draft.bound.bracket_inside = i == 1)
            />
            <Segments
                label="Scale of the bound's axis"
                options=vec![("log", "bound-log"), ("linear", "bound-linear")]
                chosen=move || usize::from(app.linear_bound.get())
                set=move |i| app.linear_bound.set(i == 1)
            />
        }
        .into_any(),
        ChartKind::Losses => view! {
            <Segments
                label="Losses measured from"
                options=vec![("whole", "losses-whole"), ("above Bayes", "losses-above-bayes")]
                chosen=move || usize::from(app.over_bayes.get())
                set=move |i| app.over_bayes.set(i == 1)
            />
        }
        .into_any(),
        _ => ().into_any(),
    }
}

/// How precise the measuring after the last step was, and more of it.
#[component]
fn Reached() -> impl IntoView {
    let app = use_app();
    let finished = move || app.phase.with(|phase| matches!(phase, Phase::Finished));
    view! {
        <p class="note reached" data-testid="reached" hidden=move || app.reached.with(String::is_empty)>
            {move || app.reached.get()}" "
            <button
                type="button"
                class="quiet small"
                data-testid="measure-more"
                title="Measures twice as many sequences; nothing is trained again"
                prop:disabled=move || !finished()
                on:click=move |_| app.measure_more()
            >
                "Measure more"
            </button>
        </p>
    }
}
