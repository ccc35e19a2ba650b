//! Transitions: the training loss and the levels it may sit on; nothing in it is chosen.

use leptos::prelude::*;

use super::blocks;
use crate::{
    app::page::report::Report,
    probe::{TabView, plateaus::Course},
};

#[component]
pub fn TransitionsTab() -> impl IntoView {
    // What was found on so many losses that end in this one: moving the scrubber finds nothing new.
    let found = StoredValue::new(((0, 0), Course::default()));
    let report = blocks(move |view, record, shown| match view {
        TabView::Transitions(tab) => {
            let key = (record.losses.len(), record.losses.last().map_or(0, |loss| loss.to_bits()));
            if found.with_value(|(known, _)| *known != key) {
                found.set_value((key, Course::of(&record.losses)));
            }
            found.with_value(|(_, course)| tab.blocks(record, course, shown))
        }
        _ => Vec::new(),
    });
    view! { <Report blocks=report /> }
}
