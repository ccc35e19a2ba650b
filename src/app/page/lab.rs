//! The lab: sweeps over many runs. A coordinator in a worker of its own (`engine::lab`) draws it as HTML; here it is only put in
//! place, and what is pressed and typed goes back.

use js_sys::{JSON, Object, Reflect};
use leptos::prelude::*;
use serde_json::Value;
use wasm_bindgen::{JsCast, prelude::*};
use web_sys::{Event, MessageEvent, Worker};

use super::{
    controls::{effect, escape, truth},
    pieces::{hear_from, obey, put},
    share::{listen, show_lab},
    state::use_app,
};
use crate::experiment::json;

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
    let tell = move |text: String| {
        coordinator.with_value(|worker| {
            if let Some(worker) = worker {
                // A string can always be posted.
                let _ = worker.post_message(&text.into());
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
        tell(JSON::stringify(&message).map(String::from).unwrap_or_default());
    });
    let place = NodeRef::<leptos::html::Main>::new();
    effect(move || {
        if let Some(place) = place.get() {
            hear_from(&place, "lab", tell);
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

/// Does what the coordinator says.
fn hear(text: &str) {
    let Ok(message) = json::read(text) else { return };
    obey(&message);
    if message.get("phase").and_then(Value::as_str) == Some("failed") {
        let why = message.get("why").and_then(Value::as_str).unwrap_or_default();
        put(PLACE, &format!("<p role=\"alert\">{} Reload the page; finished runs are kept.</p>", escape(why)));
    }
}
