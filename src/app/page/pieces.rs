//! HTML that a worker draws: put in its place, and what is pressed, typed and pointed at there sent back.

use js_sys::{JSON, Object, Reflect};
use leptos::prelude::*;
use serde_json::Value;
use wasm_bindgen::prelude::*;
use web_sys::{Element, Event, FormData, HtmlFormElement, PointerEvent};

use super::{
    focus,
    share::{download, listen},
};

/// Sends what is done in `place`, as JSON: the data of the element that carries `data-NAME`, its value, a form's fields; and of
/// elements with `data-point`, where they are pointed at.
pub fn hear_from(place: &Element, name: &'static str, tell: impl Fn(String) + Copy + 'static) {
    for event in ["click", "input", "submit", "pointermove", "pointerdown"] {
        listen(place, event, move |event: Event| {
            if let Some(text) = done(&event, name).and_then(|message| JSON::stringify(&message).ok()) {
                tell(text.into());
            }
        });
    }
}

fn done(event: &Event, name: &str) -> Option<JsValue> {
    let target = event.target()?.dyn_into::<Element>().ok()?;
    let kind = event.type_();
    let pointer = event.dyn_ref::<PointerEvent>().filter(|_| kind != "click");
    let sought = if pointer.is_some() { "point" } else { name };
    let element = target.closest(&format!("[data-{sought}]")).ok()??;
    let form = element.dyn_ref::<HtmlFormElement>();
    if kind == "submit" {
        event.prevent_default();
    }
    // Forms and entries are changed, everything else is pressed.
    let is_typed = form.is_some() || matches!(element.tag_name().as_str(), "SELECT" | "INPUT");
    if pointer.is_none() && is_typed == (kind == "click") {
        return None;
    }
    let get = |name: &str| Reflect::get(&element, &name.into()).unwrap_or_default();
    let message = Object::assign(&Object::new(), get("dataset").unchecked_ref());
    let add = |name: &str, value: &JsValue| Reflect::set(&message, &name.into(), value).ok();
    add("event", &kind.into());
    add("value", &get("value"));
    add("checked", &get("checked"));
    if let Some(pointer) = pointer {
        let place = element.get_bounding_client_rect();
        add("inside", &element.get_attribute("data-point").into());
        add("x", &((f64::from(pointer.client_x()) - place.left()) / place.width()).into());
        add("y", &((f64::from(pointer.client_y()) - place.top()) / place.height()).into());
    }
    if let Some(form) = form {
        let entries = FormData::new_with_form(form).and_then(|entries| Object::from_entries(&entries));
        add("fields", &entries.unwrap_or_default());
    }
    Some(message.into())
}

/// Does what a worker says: pieces into their places, the focus, a file.
pub fn obey(message: &Value) {
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
}

/// Puts HTML in its place. What had the focus keeps it, where it is still there; an entry that has it is left alone where the new HTML
/// has it too.
pub fn put(name: &str, html: &str) {
    let Some(place) = document().get_element_by_id(name) else { return };
    let held = document().active_element().filter(|active| *active != place && place.contains(Some(active)));
    let id = held.as_ref().and_then(|active| active.get_attribute("data-testid"));
    let typed = held.is_some_and(|held| held.tag_name() == "INPUT" && held.has_attribute("data-inside"));
    if typed && id.as_ref().is_some_and(|id| html.contains(&format!("\"{id}\""))) {
        return;
    }
    place.set_inner_html(html);
    if let Some(id) = id {
        focus(&format!("[data-testid={id}]"));
    }
}
