//! The lab: sweeps over many runs. A coordinator in a worker of its own (`engine::lab`) draws it as HTML; here it is only put in
//! place, and what is pressed and typed goes back.

use js_sys::{JSON, Object, Reflect};
use leptos::prelude::*;
use serde_json::Value;
use wasm_bindgen::{JsCast, prelude::*};
use web_sys::{Element, Event, FormData, HtmlFormElement, MessageEvent, Worker};

use super::{
    controls::{effect, escape, truth},
    focus,
    share::{download, listen, show_lab},
    state::use_app,
};

#[wasm_bindgen]
extern "C" {
    /// `www/boot.js`: a new worker in the coordinator's role, as `takeEngine` gives one.
    #[wasm_bindgen(js_namespace = ["globalThis", "icl"], js_name = takeLab)]
    fn take_lab() -> JsValue;
}

/// The whole view's place, which the coordinator fills.
const PLACE: &str = "lab";

#[component]
pub fn Lab() -> impl IntoView {
    let app = use_app();
    let coordinator = StoredValue::new_local(None::<Worker>);
    let tell = move |message: &JsValue| {
        coordinator.with_value(|worker| {
            if let (Some(worker), Ok(text)) = (worker, JSON::stringify(message)) {
                // A string can always be posted.
                let _ = worker.post_message(&text);
            }
        });
    };
    // The experiment in the controls, whenever it changes beside an open lab.
    effect(move || {
        if !app.lab.get() {
            return;
        }
        let fresh = coordinator.with_value(Option::is_none);
        if fresh {
            coordinator.set_value(start());
        }
        let message = Object::new();
        for (name, text) in [
            ("lab", if fresh { "opened" } else { "base" }.into()),
            ("experiment", app.draft.with(crate::experiment::Experiment::to_json)),
            ("preset", app.preset.get().name.into()),
        ] {
            // An object of one's own takes any field.
            let _ = Reflect::set(&message, &name.into(), &text.into());
        }
        tell(&message);
    });
    let place = NodeRef::<leptos::html::Main>::new();
    effect(move || {
        let Some(place) = place.get() else { return };
        for event in ["click", "input", "submit"] {
            listen(&place, event, move |event: Event| {
                if let Some(message) = pressed(&event) {
                    tell(&message);
                }
            });
        }
    });
    view! {
        <main class="lab" aria-label="Sweeps" data-testid="lab" node_ref=place hidden=truth(move || !app.lab.get())>
            <button type="button" class="lab-close" data-testid="lab-close" on:click=move |_| show_lab(app, false)>"Back to the playground"</button>
            <div id=PLACE><p>"Loading the engine."</p></div>
        </main>
    }
}

/// Starts the coordinator.
fn start() -> Option<Worker> {
    let worker = Reflect::get(&take_lab(), &"worker".into()).ok()?.dyn_into::<Worker>().ok()?;
    listen(&worker, "message", |message: MessageEvent| hear(&message.data().as_string().unwrap_or_default()));
    listen(&worker, "error", |_: Event| hear(r#"{"phase":"failed","why":"The engine's files did not arrive."}"#));
    // The boot script's own listener only collects.
    worker.set_onmessage(None);
    Some(worker)
}

/// What was pressed or typed, for the coordinator: the element's data, its value, and a form's fields.
fn pressed(event: &Event) -> Option<JsValue> {
    let element = event.target()?.dyn_into::<Element>().ok()?.closest("[data-lab]").ok()??;
    let form = element.dyn_ref::<HtmlFormElement>();
    let kind = event.type_();
    if kind == "submit" {
        event.prevent_default();
    }
    // Forms and selects are changed, everything else is pressed.
    if (form.is_some() || element.tag_name() == "SELECT") == (kind == "click") {
        return None;
    }
    let get = |name: &str| Reflect::get(&element, &name.into()).unwrap_or_default();
    let message = Object::assign(&Object::new(), get("dataset").unchecked_ref());
    let add = |name: &str, value: &JsValue| Reflect::set(&message, &name.into(), value).ok();
    add("event", &kind.into());
    add("value", &get("value"));
    if let Some(form) = form {
        let entries = FormData::new_with_form(form).and_then(|entries| Object::from_entries(&entries));
        add("fields", &entries.unwrap_or_default());
    }
    Some(message.into())
}

/// Does what the coordinator says.
fn hear(text: &str) {
    let Ok(message) = serde_json::from_str::<Value>(text) else { return };
    let word = |name: &str| message.get(name).and_then(Value::as_str).unwrap_or_default();
    for slot in message.get("slots").and_then(Value::as_array).into_iter().flatten() {
        if let (Some(name), Some(html)) = (slot[0].as_str(), slot[1].as_str()) {
            put(name, html);
        }
    }
    if !word("focus").is_empty() {
        focus(&format!("[data-testid={}]", word("focus")));
    }
    if !word("file").is_empty() {
        download(word("file"), word("kind"), word("text"));
    }
    if word("phase") == "failed" {
        put(PLACE, &format!("<p role=\"alert\">{} Reload the page; finished runs are kept.</p>", escape(word("why"))));
    }
}

/// Puts HTML in its place. What had the focus keeps it, where it is still there.
fn put(name: &str, html: &str) {
    let Some(place) = document().get_element_by_id(name) else { return };
    let held = document().active_element().filter(|active| *active != place && place.contains(Some(active)));
    place.set_inner_html(html);
    if let Some(id) = held.and_then(|active| active.get_attribute("data-testid")) {
        focus(&format!("[data-testid={id}]"));
    }
}
