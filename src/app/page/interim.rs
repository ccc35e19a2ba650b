//! Closures of one type for each kind of use in views, and HTML written in Rust: what views did while the page's bytes were counted.
//! Interim: only views that are being rewritten on branches of their own still use it. New code uses plain Leptos.

use std::fmt::Display;

use leptos::prelude::*;

/// Text that changes.
pub fn words<T: Into<String>>(text: impl Fn() -> T + Send + Sync + 'static) -> Signal<String> {
    Signal::derive(move || text().into())
}

/// A value that notifies only of real changes.
pub fn memo<T: PartialEq + Send + Sync + 'static>(value: impl Fn() -> T + Send + Sync + 'static) -> Memo<T> {
    Memo::new(move |_| value())
}

/// Acts now, and again when a signal that was read changes.
pub fn effect(act: impl Fn() + 'static) {
    Effect::new(move |_| act());
}

/// A yes or no that changes.
pub fn truth(on: impl Fn() -> bool + Send + Sync + 'static) -> Signal<bool> {
    Signal::derive(on)
}

/// A part of the screen that is built anew when a signal that it reads changes.
pub fn part<V: IntoAny>(view: impl Fn() -> V + Send + 'static) -> Box<dyn Fn() -> AnyView + Send> {
    Box::new(move || view().into_any())
}

/// Text as HTML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

/// Options of a select, from values and titles. Give them before `prop:value`, which chooses among them.
pub fn options(all: impl Iterator<Item = (impl Display, &'static str)>) -> String {
    all.map(|(value, title)| format!("<option value=\"{value}\">{}</option>", escape(title))).collect()
}

/// Shows its children while `on` holds.
#[component]
pub fn When(on: Signal<bool>, children: ChildrenFn) -> impl IntoView {
    let on = Memo::new(move |_| on.get());
    move || on.get().then(|| children())
}
