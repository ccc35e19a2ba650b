//! What must be said above the charts: failures, problems with settings, links that could not be read.

use leptos::prelude::*;

use super::{
    controls::{When, words},
    share::lines,
    state::{IMPOSSIBLE, use_app},
};
use crate::protocol::Phase;

#[component]
pub fn Messages() -> impl IntoView {
    let app = use_app();
    let failure = Memo::new(move |_| match app.phase.get() {
        Phase::Failed { why, next } => Some((why, next)),
        _ => None,
    });
    let sentences = Memo::new(move |_| app.problems.with(|p| p.iter().map(ToString::to_string).collect::<Vec<_>>()));
    view! {
        <div class="messages">
        {move || failure.get().map(|(why, next)| view! {
            <div class="banner failed" role="alert" data-testid="failed">
                <div><p>{why}</p><p>{next}</p></div>
                <button type="button" class="primary" data-testid="fresh-engine" prop:disabled=Signal::derive(move || !app.problems.with(Vec::is_empty)) on:click=move |_| app.start_afresh()>
                    "Start again with a fresh engine"
                </button>
            </div>
        })}
        <When on=Signal::derive(move || app.silent.get())>
            <div class="banner" role="status" data-testid="silent">
                <p>"The engine has said nothing for a while. It may be in a very long step; what is drawn stays either way."</p>
                <button type="button" data-testid="fresh-engine-silent" on:click=move |_| app.start_afresh()>"Start again with a fresh engine"</button>
            </div>
        </When>
        <When on=Signal::derive(move || !app.below_bayes.with(Vec::is_empty))>
            <div class="banner failed" role="alert" data-testid="below-bayes">
                <p>{words(move || app.below_bayes.with(|positions| impossible(positions)))}</p>
            </div>
        </When>
        {move || app.notice.get().map(|text| view! {
            <div class="banner" role="alert" data-testid="notice">
                <div>{lines(&text)}</div>
                <button type="button" class="quiet" data-testid="notice-close" on:click=move |_| app.notice.set(None)>"Close"</button>
            </div>
        })}
        <div data-testid="problems" role="status">
            {move || {
                let sentences = sentences.get();
                (!sentences.is_empty()).then(|| view! {
                    <div class="banner problems">
                        <div>
                            <p><strong>"These settings cannot run yet."</strong>" What is drawn and what you typed stays."</p>
                            {sentences.into_iter().map(|s| view! { <p>{s}</p> }).collect_view()}
                        </div>
                    </div>
                })
            }}
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
