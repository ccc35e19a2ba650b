//! What must be said above the charts: failures, problems with settings, links that could not be read.

use leptos::prelude::*;

use super::{
    controls::{When, memo, truth, words},
    state::{IMPOSSIBLE, use_app},
};
use crate::{experiment::problem::sentences, protocol::Phase};

#[component]
pub fn Messages() -> impl IntoView {
    let app = use_app();
    let failure = memo(move || match app.phase.get() {
        Phase::Failed { why, next } => format!("{why}\n{next}"),
        _ => String::new(),
    });
    let sentences = memo(move || app.problems.with(|problems| sentences(problems)));
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
            <When on=truth(move || !sentences.with(String::is_empty))>
                <div class="banner problems">
                    <div>
                        <p><strong>"These settings cannot run yet."</strong>" What is drawn and what you typed stays."</p>
                        <div class="lines">{words(move || sentences.get())}</div>
                    </div>
                </div>
            </When>
        </div>
        </div>
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
