//! Weights: what not knowing the topic costs, with a slider for each component's weight.

use leptos::prelude::*;

use super::{Choose, ask, blocks};
use crate::{
    app::page::{report::Report, state::use_app},
    number,
    probe::{
        Choice as Request, TabView,
        coupling::{Choice, Coupling},
    },
};

fn tab(view: &TabView) -> Option<&Coupling> {
    match view {
        TabView::Coupling(tab) => Some(tab),
        _ => None,
    }
}

#[component]
pub fn CouplingTab() -> impl IntoView {
    let app = use_app();
    let probes = app.probes;
    let components = Memo::new(move |_| {
        probes.with(|view, _, _| tab(view).map(|tab| tab.components.clone())).flatten().unwrap_or_default()
    });
    let trained = Memo::new(move |_| {
        probes.with(|view, _, _| tab(view).map(|tab| tab.trained.clone())).flatten().unwrap_or_default()
    });
    // `None` until the reader chose.
    let (component, weights) = (RwSignal::new(None::<usize>), RwSignal::new(None::<Vec<f64>>));
    let choice = Memo::new(move |_| Choice {
        component: component.get().unwrap_or_default(),
        weights: weights.get().unwrap_or_else(|| trained.get()),
    });
    ask(move || component.get().map(Request::Component));
    ask(move || weights.get().map(Request::Weights));
    let above = blocks(move |view, _, _| {
        let (Some(tab), choice) = (tab(view), choice.get()) else { return Vec::new() };
        tab.word_blocks(&choice).into_iter().chain(tab.chart_blocks(&choice)).collect()
    });
    let table = blocks(move |view, _, _| {
        tab(view).map(|tab| charts::report::Block::Table(tab.table(&choice.get()))).into_iter().collect()
    });
    let below = blocks(move |view, record, shown| {
        tab(view).map(|tab| tab.training_blocks(record, shown, &choice.get())).unwrap_or_default()
    });
    let changed = Memo::new(move |_| {
        let choice = choice.get();
        probes.with(|view, _, _| tab(view).is_some_and(|tab| tab.changed(&choice))).unwrap_or(false)
    });
    let draft = move |choice: &Choice| {
        probes
            .with_untracked(|view, record, _| Some((record.experiment.clone(), tab(view)?.draft(record, choice)?)))
            .flatten()
    };
    let can_train = Memo::new(move |_| {
        probes.opened.track();
        choice.with(|choice| draft(choice).is_some())
    });
    let train = move |_| {
        let Some((experiment, world)) = draft(&choice.get_untracked()) else { return };
        if let Ok(world) = serde_json::to_value(world) {
            app.open_changed(&experiment, vec![("world".into(), world)]);
        }
    };
    let slider = move |(c, name): (usize, String)| {
        let value = move || choice.with(|choice| 100.0 * choice.weights.get(c).copied().unwrap_or(0.0));
        let moved = move |text: String| {
            let Some(value) = text.parse::<f64>().ok().filter(|v| v.is_finite()) else { return };
            let mut all = choice.get_untracked().weights;
            if let Some(slot) = all.get_mut(c) {
                *slot = value.clamp(0.0, 100.0) / 100.0;
                weights.set(Some(all));
            }
        };
        view! {
            <label class="probe-row">
                <span>{name.clone()}</span>
                <input
                    type="range"
                    min="0"
                    max="100"
                    step="0.1"
                    data-testid=format!("coupling-weight-{c}")
                    aria-label=format!("Weight of {name}")
                    prop:value=move || number::fixed(value(), 1).replace(',', "")
                    on:input=move |e| moved(event_target_value(&e))
                />
            </label>
        }
    };
    view! {
        <div class="probe-row">
            <Choose
                id="coupling-component"
                label="Sequences of"
                options=Signal::derive(move || components.with(|all| all.iter().map(|c| c.1.clone()).collect()))
                chosen=Signal::derive(move || choice.with(|choice| choice.component))
                set=move |i| component.set(Some(i))
            />
        </div>
        <Report blocks=above />
        <p>"What if the weights were others? To the left end a component is dropped."</p>
        <For each=move || components.get() key=Clone::clone children=slider />
        <Report blocks=table />
        <div class="probe-row">
            <button
                type="button"
                class="quiet small"
                data-testid="coupling-reset"
                disabled=move || !changed.get()
                on:click=move |_| weights.set(Some(trained.get_untracked()))
            >
                "Back to the weights of training"
            </button>
            <Show when=move || can_train.get()>
                <button type="button" data-testid="coupling-draft" on:click=train>"Train with these weights"</button>
            </Show>
        </div>
        <Report blocks=below />
    }
}
