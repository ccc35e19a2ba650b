//! The controls that settings are made of: a number with a slider, a choice, a switch.

use std::time::Duration;

use leptos::{ev, prelude::*};

use super::state::{App, use_app};
use crate::app::{
    fields::{self, Choice, Number},
    first,
};

/// Builds its children in a later task. The whole page at once was one task of a tenth of a second on a desktop, twice what a task may
/// take, so that what nobody sees at first (closed settings, what is further down, dialogs) waits.
#[component]
pub fn Later(children: ChildrenFn) -> impl IntoView {
    let on = RwSignal::new(false);
    set_timeout(move || on.set(true), Duration::ZERO);
    view! { <Show when=move || on.get()>{children()}</Show> }
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
    let sentences = Memo::new(move |_| problems_of(app, &field).join("\n"));
    view! { <div class="problem" id=id role="alert">{move || sentences.get()}</div> }
}

/// A number: typed entry and a slider with stops. Double-click brings the story's value back.
#[component]
pub fn NumberControl(number: Number) -> impl IntoView {
    let app = use_app();
    let Number { field, label, about, .. } = number.clone();
    let last = number.stops.len().saturating_sub(1);
    let number = StoredValue::new(number);
    let value = Memo::new(move |_| app.draft.with(|draft| number.with_value(|n| n.get(draft))));
    let usual = Memo::new(move |_| {
        let story = app.preset.get().experiment();
        app.draft.with(|draft| number.with_value(|n| n.usual(&story, draft)))
    });
    let stop = move |value: f64| number.with_value(|n| n.nearest_stop(value));
    let text = move || {
        let typed = app.typed.with(|typed| number.with_value(|n| typed.get(&n.field).map(String::from)));
        typed.unwrap_or_else(|| fields::format(value.get()))
    };
    let bad = Memo::new(move |_| !number.with_value(|n| problems_of(app, &n.field)).is_empty());
    // K and N are never switched off: whoever sets one of them asks for a training set.
    let idle = Memo::new(move |_| {
        let idle = app.draft.with(|draft| number.with_value(|n| fields::idle(&n.field, draft)));
        idle.filter(|_| number.with_value(|n| !first::wakes(&n.field)))
    });
    let restore = move |_| {
        let usual = usual.get_untracked();
        if usual.is_finite() {
            number.with_value(|n| app.set_number(n, usual));
        }
    };
    let slide = move |e: ev::Event| {
        let at = event_target_value(&e).parse::<usize>().unwrap_or(0);
        number.with_value(|n| {
            if let Some(&stop) = n.stops.get(at) {
                app.set_number(n, stop);
            }
        });
    };
    let leave = move || number.with_value(|n| app.leave_number(n));
    let marks =
        move || format!("--mark: {:.4}; --fill: {:.4}", share(stop(usual.get()), last), share(stop(value.get()), last));
    let id = format!("field-{field}");
    let problems = format!("problems-{field}");
    let title = {
        let allowed = number.with_value(|n| n.allowed(&app.draft.get_untracked()));
        if allowed.is_empty() { about.clone() } else { format!("{about} {allowed}.") }
    };
    view! {
        <div
            class="field"
            class:bad=move || bad.get()
            class:idle=move || idle.get().is_some()
            title=move || idle.get().unwrap_or_default()
        >
            <label for=id.clone() title=title>{label.clone()}</label>
            <input
                type="text"
                prop:disabled=move || idle.get().is_some()
                inputmode="decimal"
                autocomplete="off"
                spellcheck="false"
                id=id.clone()
                data-testid=id
                aria-describedby=problems.clone()
                aria-invalid=move || bad.get().to_string()
                prop:value=text
                on:input=move |e| number.with_value(|n| app.type_number(n, &event_target_value(&e)))
                on:change=move |_| leave()
                on:keydown=move |e| {
                    if e.key() == "Enter" {
                        leave();
                    }
                }
            />
            <div class="slider" style=marks>
                <input
                    type="range"
                    min="0"
                    max=last
                    prop:disabled=move || idle.get().is_some()
                    step="1"
                    data-testid=format!("slider-{field}")
                    aria-label=label
                    aria-description=about
                    aria-valuetext=move || fields::spoken(value.get())
                    title="Double-click for the story's own value"
                    prop:value=move || stop(value.get()).to_string()
                    on:input=slide
                    on:dblclick=restore
                />
            </div>
            <FieldProblems field id=problems />
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
    let on = Memo::new(move |_| app.draft.with(|draft| number.with_value(|n| n.get(draft))) == 1.0);
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
    let chosen = Memo::new(move |_| app.draft.with(choice.get));
    let id = format!("field-{}", choice.field);
    let options = choice.options.iter().enumerate().map(|(i, name)| {
        // Not `prop:value` of the select: it is set before the options are there.
        view! { <option value=i prop:selected=move || chosen.get() == i>{*name}</option> }
    });
    let choose = move |e: ev::Event| {
        let i = event_target_value(&e).parse::<usize>().unwrap_or(0);
        app.draft.update(|draft| (choice.set)(draft, i));
    };
    view! {
        <div class="field choice">
            <label for=id.clone() title=choice.about>{choice.label}</label>
            <select id=id.clone() data-testid=id on:change=choose>{options.collect_view()}</select>
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
    #[prop(into)] set: Callback<usize>,
) -> impl IntoView {
    let buttons = options.into_iter().enumerate().map(|(i, (text, testid))| {
        view! {
            <button
                type="button"
                data-testid=testid
                aria-pressed=move || (chosen.get() == i).to_string()
                on:click=move |_| set.run(i)
            >
                {text}
            </button>
        }
    });
    view! { <div class="segments" role="group" aria-label=label>{buttons.collect_view()}</div> }
}
