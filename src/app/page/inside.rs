//! The learning lab: which step is looked at, and what the engine draws of the learner as it was then (`engine::inside`).

use leptos::{ev, prelude::*};
use serde_json::Value;
use wasm_bindgen::JsCast;

use super::{
    controls::{effect, truth, words},
    pieces::hear_from,
    share::listen,
    state::use_app,
};
use crate::{experiment::json, number, protocol::ProbeRequest};

/// The slider over the recorded steps: every chart of the page follows it.
#[component]
pub fn Scrubber() -> impl IntoView {
    let app = use_app();
    let last = move || app.recorded.with(|steps| steps.len().saturating_sub(1));
    let at = move || {
        let shown = app.shown.get();
        app.recorded.with(|steps| {
            shown.and_then(|step| steps.iter().position(|s| *s == step)).unwrap_or(steps.len().saturating_sub(1))
        })
    };
    let sentence = move || {
        let step = app.recorded.with(|steps| steps.get(at()).copied().unwrap_or_default());
        match app.shown.get() {
            Some(_) => format!("At step {}", number::count(step)),
            None => "At the latest step".into(),
        }
    };
    view! {
        <div class="scrubber" hidden=truth(move || last() == 0)>
            <label for="scrubber">{words(sentence)}</label>
            <input
                id="scrubber"
                type="range"
                min="0"
                data-testid="scrubber"
                aria-valuetext=words(sentence)
                prop:max=words(move || last().to_string())
                prop:value=words(move || { last(); at().to_string() })
                on:input=move |e: ev::Event| app.look_at(event_target_value(&e).parse().ok())
            />
            <button type="button" class="quiet small" data-testid="scrubber-latest" disabled=truth(move || app.shown.get().is_none()) on:click=move |_| app.look_at(None)>"Latest"</button>
        </div>
    }
}

#[component]
pub fn Inside() -> impl IntoView {
    let app = use_app();
    let place = NodeRef::<leptos::html::Section>::new();
    effect(move || {
        if let Some(place) = place.get() {
            hear_from(&place, "inside", move |text| app.ask_probes(ProbeRequest::Text(text)));
            // A suggestion of a tab: fields of the draft to change.
            listen(&place, "click", move |event: web_sys::Event| {
                let pressed = event.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok());
                let button = pressed.and_then(|e| e.closest("[data-inside-draft]").ok().flatten());
                let json = button.and_then(|b| b.get_attribute("data-inside-draft")).unwrap_or_default();
                if let Ok(Value::Object(fields)) = json::read(&json) {
                    app.open_changed(&app.draft.get_untracked(), fields.into_iter().collect());
                }
            });
        }
    });
    view! {
        <section class="sequences inside" aria-label="The learning lab" data-testid="inside-panel" node_ref=place>
            <div class="head">
                <h2>"How it learns"</h2>
                <span class="note">"Recorded at ever wider steps. Move the slider below the first chart to go back in time."</span>
            </div>
            <div id="inside"><p class="note">"Opens when a run has been prepared."</p></div>
        </section>
    }
}
