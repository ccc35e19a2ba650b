//! The landscape: a map over positions and steps; its row and its column are drawn beside it.

use leptos::prelude::*;

use super::{OneOf, WholeNumber, blocks};
use crate::{
    app::page::{report::Report, state::use_app},
    probe::{
        TabView,
        landscape::{Choice, Landscape, Measure},
    },
};

#[component]
pub fn LandscapeTab() -> impl IntoView {
    let probes = use_app().probes;
    let of = |view: &TabView| match view {
        TabView::Landscape(tab) => Some(tab.clone()),
        _ => None,
    };
    let tab = Memo::new(move |_| probes.with(|view, _, _| of(view)).flatten());
    let length = Memo::new(move |_| tab.with(|tab| tab.as_ref().map_or(1, |tab| tab.length)));
    // What the reader chose stays while runs come and go; a shorter sequence has no such position.
    let measure = RwSignal::new(Measure::Loss);
    let position = RwSignal::new(None::<usize>);
    let choice = Memo::new(move |_| {
        let first = tab.with(|tab| tab.as_ref().map_or(1, |tab| tab.first_choice().position));
        Choice { measure: measure.get(), position: position.get().unwrap_or(first).clamp(1, length.get().max(1)) }
    });
    let report = blocks(move |view, record, shown| match view {
        TabView::Landscape(tab) => tab.blocks(record, shown, choice.get()),
        _ => Vec::new(),
    });
    let options = Signal::derive(move || {
        let reference = match tab.with(|tab| tab.as_ref().is_none_or(Landscape::is_exact)) {
            true => "above Bayes",
            false => "above baseline",
        };
        [("landscape-loss", "loss"), ("landscape-excess", reference)]
            .map(|(id, text)| (id.into(), text.into()))
            .to_vec()
    });
    let point = move |(id, at): (String, f64)| {
        // The map counts its cells row by row from the first position; the line over positions by the position itself.
        let found = match id.as_str() {
            "landscape-map" => probes.with(|view, record, shown| match view {
                TabView::Landscape(tab) => {
                    tab.map(record, shown, choice.get_untracked()).place(at).map(|(row, _)| row + 1)
                }
                _ => None,
            }),
            "landscape-row" => Some(Some(at.round().max(1.0) as usize)),
            _ => None,
        };
        if let Some(Some(found)) = found {
            position.set(Some(found));
        }
    };
    view! {
        <div class="probe-row">
            <OneOf
                label="What the colours stand for"
                options
                chosen=Signal::derive(move || usize::from(measure.get() == Measure::Excess))
                set=move |i| measure.set(if i == 1 { Measure::Excess } else { Measure::Loss })
            />
            <WholeNumber
                id="landscape-position"
                label="Position"
                least=1
                most=length
                value=Signal::derive(move || choice.get().position)
                set=move |to| position.set(Some(to))
            />
            <span class="note">"or point at the map"</span>
        </div>
        <Report blocks=report on_place=Callback::new(point) />
    }
}
