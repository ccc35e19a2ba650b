//! The page's keys, and the menus that Escape and a click elsewhere close.

use leptos::{ev, prelude::*};
use leptos_use_event_listener::use_event_listener;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent, Node};

use super::{dom, navigation, state::App};
use crate::app::keys::Control;

/// Listens to the page's keys, and closes menus that the reader leaves.
pub fn listen_for_keys(app: App, help: RwSignal<bool>) {
    let _ = use_event_listener(window(), ev::keydown, move |e| on_key(app, help, &e));
    // Open menus close when the reader goes elsewhere.
    let _ = use_event_listener(document(), ev::pointerdown, |e| {
        let target = e.target().and_then(|t| t.dyn_into::<Node>().ok());
        close_menus(target.as_ref());
    });
}

fn on_key(app: App, help: RwSignal<bool>, e: &KeyboardEvent) {
    let taken = e.default_prevented() || e.is_composing() || needs(e);
    if e.ctrl_key() || e.meta_key() || e.alt_key() || dom::is_in_dialog() || taken {
        return;
    }
    // What is on top closes first.
    if e.key() == "Escape" && close_menus(None) {
        e.prevent_default();
        return;
    }
    if app.sweeps_open.get_untracked() {
        if e.key() == "Escape" {
            navigation::show_sweeps(app, false);
        }
        return;
    }
    match e.key().as_str() {
        // A key that is held down is pressed once.
        " " | "r" | "R" | "?" if e.repeat() => {}
        " " if untrack(|| app.can_pause()) => app.pause(),
        " " => app.run_or_resume(),
        "s" | "S" => app.step(),
        "r" | "R" => app.reset(),
        "?" => help.set(true),
        "Escape" => app.sheet_open.set(false),
        _ => return,
    }
    e.prevent_default();
}

/// Whether the control that has the focus needs this key for itself.
fn needs(event: &KeyboardEvent) -> bool {
    let Some(target) = event.target().and_then(|t| t.dyn_into::<Element>().ok()) else { return false };
    let attribute = |name: &str| target.get_attribute(name).unwrap_or_default();
    let editable = target.dyn_ref::<HtmlElement>().is_some_and(HtmlElement::is_content_editable);
    Control::of(&target.tag_name(), &attribute("type"), &attribute("role"), editable).needs(&event.key())
}

/// Closes the menus that are open, but for the one that `within` is part of. The focus goes back to where its menu is opened. Whether one
/// was closed.
fn close_menus(within: Option<&Node>) -> bool {
    let Ok(open) = document().query_selector_all("details.menu[open]") else { return false };
    let mut closed = false;
    for menu in (0..open.length()).filter_map(|i| open.item(i)) {
        if within.is_some_and(|node| menu.contains(Some(node))) {
            continue;
        }
        let held = document().active_element().is_some_and(|active| menu.contains(Some(&active)));
        let menu = menu.unchecked_into::<Element>();
        // An attribute that is there can be removed.
        let _ = menu.remove_attribute("open");
        closed = true;
        if held && within.is_none() {
            let summary = menu.query_selector("summary").ok().flatten();
            if let Some(summary) = summary.and_then(|s| s.dyn_into::<HtmlElement>().ok()) {
                // A summary can take the focus.
                let _ = summary.focus();
            }
        }
    }
    closed
}
