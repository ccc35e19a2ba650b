//! What is asked of the browser's document outside of views.

use leptos::prelude::document;
use wasm_bindgen::{JsCast, closure::Closure};

/// Gives the focus to the first element that a CSS selector finds.
pub fn focus(selector: &str) {
    let found = document().query_selector(selector).ok().flatten();
    if let Some(element) = found.and_then(|e| e.dyn_into::<web_sys::HtmlElement>().ok()) {
        // Whatever can be pointed at can take the focus.
        let _ = element.focus();
    }
}

/// Whether one of the page's dialogs is open.
pub fn is_in_dialog() -> bool {
    document().query_selector("dialog[open]").ok().flatten().is_some()
}

/// Adds a listener that lives as long as its target, for what belongs to no view. In views, `use_event_listener` of leptos-use ends with
/// the view.
pub fn listen<E: JsCast + 'static>(target: &web_sys::EventTarget, name: &str, on_event: impl Fn(E) + 'static) {
    let on_event = Closure::<dyn Fn(web_sys::Event)>::new(move |event: web_sys::Event| {
        if let Ok(event) = event.dyn_into::<E>() {
            on_event(event);
        }
    });
    // Fails only for names that are no events.
    let _ = target.add_event_listener_with_callback(name, on_event.as_ref().unchecked_ref());
    on_event.forget();
}

/// Sets a field of `window.icl` to JSON text, for curious users and tests.
pub fn publish(name: &str, value: &impl serde::Serialize) {
    let text = serde_json::to_string(value).unwrap_or_default();
    let icl = js_sys::Reflect::get(&js_sys::global(), &"icl".into()).unwrap_or_default();
    if icl.is_object() {
        // A frozen object would only cost the curious their copy.
        let _ = js_sys::Reflect::set(&icl, &name.into(), &text.into());
    }
}
