//! The controls that settings are made of: a number with a slider, a choice, a switch.

use std::{fmt::Display, time::Duration};

use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;

use super::state::{App, use_app};
use crate::app::{
    fields::{self, Choice, Number},
    keys::Control,
};

/// Text that changes. As one type of signal for all of them: each closure given to a view by itself would bring its own copy
/// of the machinery that keeps it up to date, some 2 kB of wasm.
pub fn words<T: Into<String>>(text: impl Fn() -> T + Send + Sync + 'static) -> Signal<String> {
    Signal::derive(move || text().into())
}

/// A value that tells only of real changes: one copy of the machinery per type of value, not per closure.
pub fn memo<T: PartialEq + Send + Sync + 'static>(value: impl Fn() -> T + Send + Sync + 'static) -> Memo<T> {
    let value: Box<dyn Fn() -> T + Send + Sync> = Box::new(value);
    Memo::new(move |_| value())
}

/// Acts now, and again when a signal that was read changes; one copy, like [`words`].
pub fn effect(act: impl Fn() + 'static) {
    let act: Box<dyn Fn()> = Box::new(act);
    Effect::new(move |_| act());
}

/// A yes or no that changes; one type for all of them, like [`words`].
pub fn truth(on: impl Fn() -> bool + Send + Sync + 'static) -> Signal<bool> {
    Signal::derive(on)
}

/// A part of the screen that is built anew when a signal that it reads changes; one type, like [`words`].
pub fn part<V: IntoAny>(view: impl Fn() -> V + Send + 'static) -> Box<dyn Fn() -> AnyView + Send> {
    Box::new(move || view().into_any())
}

/// Text as HTML. Lists are written as HTML at once where nothing in them changes by itself: a view of each part costs more wasm.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

/// Options of a select, from values and titles. Give them before `prop:value`, which chooses among them.
pub fn options(all: impl Iterator<Item = (impl Display, &'static str)>) -> String {
    all.map(|(value, title)| format!("<option value=\"{value}\">{}</option>", escape(title))).collect()
}

/// Shows its children while `on` holds; one copy for all of them, like [`words`].
#[component]
pub fn When(on: Signal<bool>, children: ChildrenFn) -> impl IntoView {
    let on = memo(move || on.get());
    part(move || on.get().then(|| children()))
}

/// What nobody sees at first is built a little later, in a task of its own, so that building the page never keeps it from answering for
/// long.
#[component]
pub fn Later(children: ChildrenFn) -> impl IntoView {
    let on = RwSignal::new(false);
    set_timeout(move || on.set(true), Duration::ZERO);
    view! { <When on=on.into()>{children()}</When> }
}

/// Problems that speak of `field`, a sentence each.
fn problems_of(app: App, field: &str) -> Vec<String> {
    app.problems.with(|problems| {
        // A field that ends in a point stands for all below it.
        let is_meant = |word: &str| word == field || (field.ends_with('.') && word.starts_with(field));
        let speaks = |about: &str| about.split([' ', ',']).any(is_meant);
        problems.iter().filter(|p| speaks(&p.field)).map(ToString::to_string).collect()
    })
}

/// What is wrong with a field, beside its control.
#[component]
pub fn FieldProblems(#[prop(into)] field: String, id: String) -> impl IntoView {
    let app = use_app();
    let sentences = memo(move || problems_of(app, &field).join("\n"));
    view! { <div class="problem" id=id role="alert">{words(move || sentences.get())}</div> }
}

/// A number: typed entry and a slider with stops. Double-click brings the story's value back.
#[component]
pub fn NumberControl(number: Number) -> impl IntoView {
    let app = use_app();
    let Number { field, label, about, .. } = number.clone();
    let last = number.stops.len().saturating_sub(1);
    let number = StoredValue::new(number);
    let value = memo(move || app.draft.with(|draft| number.with_value(|n| n.get(draft))));
    let usual = memo(move || {
        let story = app.preset.get().experiment();
        app.draft.with(|draft| number.with_value(|n| n.usual(&story, draft)))
    });
    let stop = move |value: f64| number.with_value(|n| n.nearest_stop(value));
    let text = {
        let field = field.clone();
        move || {
            app.typed.with(|typed| typed.get(&field).map(String::from)).unwrap_or_else(|| fields::format(value.get()))
        }
    };
    let bad = {
        let field = field.clone();
        memo(move || !problems_of(app, &field).is_empty())
    };
    let idle = {
        let field = field.clone();
        memo(move || app.draft.with(|draft| fields::idle(&field, draft)))
    };
    let restore = move || {
        let usual = usual.get_untracked();
        if usual.is_finite() {
            number.with_value(|n| app.set_number(n, usual));
        }
    };
    let id = format!("field-{field}");
    let problems = format!("problems-{field}");
    let title = {
        let allowed = number.with_value(|n| n.allowed(&app.draft.get_untracked()));
        if allowed.is_empty() { about.clone() } else { format!("{about} {allowed}.") }
    };
    view! {
        <div class="field" class:bad=truth(move || bad.get()) class:idle=truth(move || idle.get().is_some()) title=words(move || idle.get().unwrap_or_default())>
            <label for=id.clone() title=title>{label.clone()}</label>
            <input
                type="text"
                prop:disabled=truth(move || idle.get().is_some())
                inputmode="decimal"
                autocomplete="off"
                spellcheck="false"
                id=id.clone()
                data-testid=id.clone()
                aria-describedby=problems.clone()
                aria-invalid=words(move || if bad.get() { "true" } else { "false" })
                prop:value=words(text)
                on:input=move |e| number.with_value(|n| app.type_number(n, &event_target_value(&e)))
                on:change=move |_| number.with_value(|n| app.leave_number(n))
                on:keydown=move |e: ev::KeyboardEvent| {
                    if e.key() == "Enter" {
                        number.with_value(|n| app.leave_number(n));
                    }
                }
            />
            <div class="slider" style=words(move || {
                format!("--mark: {:.4}; --fill: {:.4}", share(stop(usual.get()), last), share(stop(value.get()), last))
            })>
                <input
                    type="range"
                    min="0"
                    max=last
                    prop:disabled=truth(move || idle.get().is_some())
                    step="1"
                    data-testid=format!("slider-{field}")
                    aria-label=label
                    aria-description=about
                    aria-valuetext=words(move || fields::spoken(value.get()))
                    title="Double-click for the story's own value"
                    prop:value=words(move || stop(value.get()).to_string())
                    on:input=move |e| {
                        let at = event_target_value(&e).parse::<usize>().unwrap_or(0);
                        number.with_value(|n| if let Some(&stop) = n.stops.get(at) { app.set_number(n, stop) });
                    }
                    on:dblclick=move |_| restore()
                />
            </div>
            <FieldProblems field=field id=problems />
        </div>
    }
}

fn share(stop: usize, last: usize) -> f64 {
    if last == 0 { 0.0 } else { stop as f64 / last as f64 }
}

/// A yes or no that a world writes as 0 or 1.
#[component]
pub fn SwitchControl(number: Number) -> impl IntoView {
    let app = use_app();
    let Number { field, label, about, .. } = number.clone();
    let number = StoredValue::new(number);
    let on = memo(move || app.draft.with(|draft| number.with_value(|n| n.get(draft))) == 1.0);
    view! {
        <Switch
            label
            about
            testid=format!("field-{field}")
            on
            set=move |on| number.with_value(|n| app.set_number(n, f64::from(u8::from(on))))
        />
    }
}

/// A checkbox with its label.
#[component]
pub fn Switch(
    #[prop(into)] label: String,
    #[prop(into)] about: String,
    #[prop(into)] testid: String,
    #[prop(into)] on: Signal<bool>,
    #[prop(into)] set: Callback<bool>,
) -> impl IntoView {
    view! {
        <label class="switch" title=about>
            <input
                type="checkbox"
                data-testid=testid
                prop:checked=on
                on:change=move |e| set.run(event_target_checked(&e))
            />
            <span>{label}</span>
        </label>
    }
}

/// One of a few.
#[component]
pub fn ChoiceControl(choice: Choice) -> impl IntoView {
    let app = use_app();
    let chosen = memo(move || app.draft.with(choice.get));
    let id = format!("field-{}", choice.field);
    let names = options(choice.options.iter().copied().enumerate());
    view! {
        <div class="field choice">
            <label for=id.clone() title=choice.about>{choice.label}</label>
            <select
                id=id.clone()
                data-testid=id
                inner_html=names
                prop:value=words(move || chosen.get().to_string())
                on:change=move |e| {
                    let i = event_target_value(&e).parse::<usize>().unwrap_or(0);
                    app.draft.update(|draft| (choice.set)(draft, i));
                }
            ></select>
            <FieldProblems field=choice.field id=format!("problems-{}", choice.field) />
        </div>
    }
}

/// Two to four exclusive choices that act at once, as one row of buttons.
#[component]
pub fn Segments(
    #[prop(into)] label: String,
    /// `(text, test id)`.
    options: Vec<(&'static str, &'static str)>,
    #[prop(into)] chosen: Signal<usize>,
    /// One type for all of them, like [`words`].
    #[prop(into)]
    set: Callback<usize>,
) -> impl IntoView {
    let buttons = options.into_iter().enumerate().map(|(i, (text, testid))| {
        view! {
            <button
                type="button"
                data-testid=testid
                aria-pressed=words(move || if chosen.get() == i { "true" } else { "false" })
                on:click=move |_| set.run(i)
            >
                {text}
            </button>
        }
    });
    view! { <div class="segments" role="group" aria-label=label>{buttons.collect_view()}</div> }
}

/// Whether the control that has the focus needs this key for itself.
pub fn needs(event: &web_sys::KeyboardEvent) -> bool {
    let Some(target) = event.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok()) else { return false };
    let attribute = |name: &str| target.get_attribute(name).unwrap_or_default();
    let editable = target.dyn_ref::<web_sys::HtmlElement>().is_some_and(web_sys::HtmlElement::is_content_editable);
    Control::of(&target.tag_name(), &attribute("type"), &attribute("role"), editable).needs(&event.key())
}
