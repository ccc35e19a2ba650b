//! What must be said above the charts: failures, problems with settings, links that could not be read.

use std::{collections::BTreeSet, time::Duration};

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::state::{App, IMPOSSIBLE, use_app};
use crate::{
    app::fields,
    experiment::{Problem, problem::sentences},
    protocol::Phase,
};

#[component]
pub fn Messages() -> impl IntoView {
    let app = use_app();
    let failure = Memo::new(move |_| match app.phase.get() {
        Phase::Failed { why, next } => Some(format!("{why}\n{next}")),
        _ => None,
    });
    view! {
        <div class="messages">
            <Show when=move || failure.with(Option::is_some)>
                <div class="banner failed" role="alert" data-testid="failed">
                    <div class="lines">{move || failure.get()}</div>
                    <button
                        type="button"
                        class="primary"
                        data-testid="fresh-engine"
                        prop:disabled=move || !app.problems.with(Vec::is_empty)
                        on:click=move |_| app.start_afresh()
                    >
                        "Start again with a fresh engine"
                    </button>
                </div>
            </Show>
            <Show when=move || app.silent.get()>
                <div class="banner" role="status" data-testid="silent">
                    <p>"The engine has said nothing for a while. It may be in a very long step; what is drawn stays either way."</p>
                    <button type="button" data-testid="fresh-engine-silent" on:click=move |_| app.start_afresh()>
                        "Start again with a fresh engine"
                    </button>
                </div>
            </Show>
            <Show when=move || !app.below_bayes.with(Vec::is_empty)>
                <div class="banner failed" role="alert" data-testid="below-bayes">
                    <p>{move || app.below_bayes.with(|positions| impossible(positions))}</p>
                </div>
            </Show>
            <Show when=move || app.notice.with(Option::is_some)>
                <div class="banner" role="alert" data-testid="notice">
                    <div class="lines">{move || app.notice.get()}</div>
                    <button type="button" class="quiet" data-testid="notice-close" on:click=move |_| app.notice.set(None)>
                        "Close"
                    </button>
                </div>
            </Show>
            <div data-testid="problems" role="status">
                <Show when=move || !app.problems.with(Vec::is_empty)>
                    <Problems />
                </Show>
            </div>
        </div>
    }
}

/// What keeps the draft from running. A problem that has a control is named beside it; here is the way to it.
#[component]
fn Problems() -> impl IntoView {
    let app = use_app();
    let ways = Memo::new(move |_| ways(app));
    let elsewhere = move || {
        let has_no_control = |p: &&Problem| app.draft.with(|draft| fields::control_of(p, draft).is_none());
        app.problems.with(|all| sentences(&all.iter().filter(has_no_control).cloned().collect::<Vec<_>>()))
    };
    view! {
        <div class="banner problems">
            <div>
                <p><strong>"These settings cannot run yet."</strong>" What is drawn and what you typed stays."</p>
                <div class="lines">{elsewhere}</div>
                <div class="row ways" hidden=move || ways.with(Vec::is_empty)>
                    <span>"To mend:"</span>
                    <span class="row">
                        <For each=move || ways.get() key=|(_, field)| field.clone() let((label, field))>
                            <button
                                type="button"
                                data-testid=format!("way-{field}")
                                on:click=move |_| open_field(app, field.clone())
                            >
                                {label}
                            </button>
                        </For>
                    </span>
                </div>
            </div>
        </div>
    }
}

/// Name and field of each control that has a problem, once.
fn ways(app: App) -> Vec<(String, String)> {
    let mut seen = BTreeSet::new();
    let controls = |problems: &Vec<Problem>| {
        app.draft.with(|draft| problems.iter().filter_map(|p| fields::control_of(p, draft)).collect::<Vec<_>>())
    };
    let found = app.problems.with(controls);
    found.into_iter().filter(|(_, field)| seen.insert(field.clone())).collect()
}

/// Leads to a field's control, in the settings sheet where the screen is narrow.
fn open_field(app: App, field: String) {
    app.sheet_open.set(true);
    // What is hidden takes no focus: the sheet of a narrow screen opens first.
    set_timeout(move || lead_to(&field), Duration::from_millis(20));
}

/// Opens what a field's control is folded away in, and gives it the focus.
fn lead_to(field: &str) {
    let Some(control) = document().get_element_by_id(&format!("field-{field}")) else { return };
    if let Ok(Some(group)) = control.closest("details.group") {
        // Any element takes any attribute.
        let _ = group.set_attribute("open", "");
    }
    if let Some(control) = control.dyn_ref::<web_sys::HtmlElement>() {
        control.scroll_into_view();
        // What can be typed into can take the focus.
        let _ = control.focus();
    }
}

fn impossible(positions: &[usize]) -> String {
    let shown: Vec<String> = positions.iter().take(5).map(ToString::to_string).collect();
    let more = if positions.len() > shown.len() { " and others" } else { "" };
    format!(
        "At position {}{more} the model lies below exact Bayes by more than {IMPOSSIBLE} standard errors. No model can do that: it is a mistake in the playground, and its authors would like to know of it.",
        shown.join(", ")
    )
}
