//! A dialog over the page.

use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;

/// A dialog that follows a signal, and closes by Escape or a click outside.
#[component]
pub fn Dialog(
    open: RwSignal<bool>,
    title: &'static str,
    #[prop(into)] testid: String,
    children: Children,
) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        let open = open.get();
        if let Some(dialog) = node.get() {
            if open && !dialog.open() {
                // Throws only while the dialog is open already, or is not in the page.
                let _ = dialog.show_modal();
                // WebKit gives the entry the focus, and then takes back what the entry selected.
                if let Ok(Some(entry)) = dialog.query_selector("input[autofocus]") {
                    entry.unchecked_into::<web_sys::HtmlInputElement>().select();
                }
            } else if !open && dialog.open() {
                dialog.close();
            }
        }
    });
    let pressed = move |e: ev::MouseEvent| {
        // The dialog's own box is filled by its content: a click that hits the dialog itself hit the backdrop.
        if e.target().is_some_and(|t| t.dyn_ref::<web_sys::HtmlDialogElement>().is_some()) {
            open.set(false);
        }
    };
    view! {
        <dialog node_ref=node data-testid=testid aria-label=title on:close=move |_| open.set(false) on:click=pressed>
            <div class="dialog-body">
                <div class="dialog-head">
                    <h2>{title}</h2>
                    <button type="button" class="quiet" on:click=move |_| open.set(false)>"Close"</button>
                </div>
                {children()}
            </div>
        </dialog>
    }
}
