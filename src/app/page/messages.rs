//! What must be said above the charts: failures, problems with settings, links that could not be read.

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::{
    controls::{When, escape, memo, truth, words},
    state::{IMPOSSIBLE, use_app},
};
use crate::{app::fields, experiment::problem::sentences, protocol::Phase};

#[component]
pub fn Messages() -> impl IntoView {
    let app = use_app();
    let failure = memo(move || match app.phase.get() {
        Phase::Failed { why, next } => format!("{why}\n{next}"),
        _ => String::new(),
    });
    // A problem that has a control is told beside it; here is the way to it.
    let ways = memo(move || {
        app.problems.with(|problems| {
            let found = app
                .draft
                .with(|draft| problems.iter().filter_map(|p| fields::control_of(p, draft)).collect::<Vec<_>>());
            let mut ways: Vec<(String, String)> = Vec::new();
            for way in found {
                if !ways.contains(&way) {
                    ways.push(way);
                }
            }
            ways
        })
    });
    let sentences = memo(move || {
        app.problems.with(|problems| {
            let alone = app.draft.with(|draft| {
                problems.iter().filter(|p| fields::control_of(p, draft).is_none()).cloned().collect::<Vec<_>>()
            });
            sentences(&alone)
        })
    });
    let buttons = move || {
        let button = |(label, field): &(String, String)| {
            format!(
                "<button type=\"button\" value=\"{}\" data-testid=\"way-{0}\">{}</button>",
                escape(field),
                escape(label)
            )
        };
        ways.with(|ways| ways.iter().map(button).collect::<String>())
    };
    let lead = move |e: leptos::ev::MouseEvent| {
        let button = e.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok());
        if let Some(field) = button.and_then(|b| b.get_attribute("value")) {
            app.sheet_open.set(true);
            // What is hidden takes no focus: the sheet of a narrow screen opens first.
            set_timeout(move || lead_to(&field), std::time::Duration::from_millis(20));
        }
    };
    view! {
        <div class="messages">
        <When on=truth(move || !failure.with(String::is_empty))>
            <div class="banner failed" role="alert" data-testid="failed">
                <div class="lines">{words(move || failure.get())}</div>
                <button type="button" class="primary" data-testid="fresh-engine" prop:disabled=truth(move || !app.problems.with(Vec::is_empty)) on:click=move |_| app.start_afresh()>
                    "Start again with a fresh engine"
                </button>
            </div>
        </When>
        <When on=truth(move || app.silent.get())>
            <div class="banner" role="status" data-testid="silent">
                <p>"The engine has said nothing for a while. It may be in a very long step; what is drawn stays either way."</p>
                <button type="button" data-testid="fresh-engine-silent" on:click=move |_| app.start_afresh()>"Start again with a fresh engine"</button>
            </div>
        </When>
        <When on=truth(move || !app.below_bayes.with(Vec::is_empty))>
            <div class="banner failed" role="alert" data-testid="below-bayes">
                <p>{words(move || app.below_bayes.with(|positions| impossible(positions)))}</p>
            </div>
        </When>
        <When on=truth(move || app.notice.with(Option::is_some))>
            <div class="banner" role="alert" data-testid="notice">
                <div class="lines">{words(move || app.notice.get().unwrap_or_default())}</div>
                <button type="button" class="quiet" data-testid="notice-close" on:click=move |_| app.notice.set(None)>"Close"</button>
            </div>
        </When>
        <div data-testid="problems" role="status">
            <When on=truth(move || !app.problems.with(Vec::is_empty))>
                <div class="banner problems">
                    <div>
                        <p><strong>"These settings cannot run yet."</strong>" What is drawn and what you typed stays."</p>
                        <div class="lines">{words(move || sentences.get())}</div>
                        <div class="row ways" hidden=truth(move || ways.with(Vec::is_empty))>
                            <span>"To mend:"</span>
                            <span class="row" inner_html=words(buttons) on:click=lead></span>
                        </div>
                    </div>
                </div>
            </When>
        </div>
        </div>
    }
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
        let _ = control.focus();
    }
}

fn impossible(positions: &[usize]) -> String {
    let shown: Vec<String> = positions.iter().take(5).map(ToString::to_string).collect();
    let more = if positions.len() > shown.len() { " and others" } else { "" };
    format!(
        "At position {}{more} the model lies below exact Bayes by more than {IMPOSSIBLE} standard errors. No learner can do that: it is a mistake in the playground, and its authors would like to hear of it.",
        shown.join(", ")
    )
}
