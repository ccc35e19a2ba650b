//! A few sequences as rows of coloured tokens: HTML, so that they can be selected and read aloud.

use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::Element;

use super::{
    controls::{When, escape, memo, truth, words},
    share,
    state::use_app,
};
use crate::app::charts::samples::{self, SampleRow, SampleRows};

/// Tokens shown of each row; the page stays quick however long sequences are.
const SHOWN: usize = 128;

#[component]
pub fn Sequences() -> impl IntoView {
    let app = use_app();
    let rows = memo(move || {
        // Its colours and unit follow the theme and the unit as well.
        app.dark.track();
        app.bits.track();
        app.board.with_value(|board| {
            board.with_samples(|history, options, theme| samples::rows(history, &theme, options.unit))
        })
    });
    let note = RwSignal::new(String::new());
    let list = NodeRef::<html::Div>::new();
    let point = move |token: Option<Element>| {
        if let Some(list) = list.get_untracked()
            && let Ok(marked) = list.query_selector_all(".token.at")
        {
            for i in 0..marked.length() {
                if let Some(old) = marked.item(i).and_then(|n| n.dyn_into::<Element>().ok()) {
                    // Removing a class that is there cannot fail.
                    let _ = old.class_list().remove_1("at");
                }
            }
        }
        note.set(token.as_ref().and_then(|t| t.get_attribute("title")).unwrap_or_default());
        if let Some(token) = token {
            let _ = token.class_list().add_1("at");
        }
    };
    let over = move |e: ev::PointerEvent| {
        let token = e.target().and_then(|t| t.dyn_into::<Element>().ok()).filter(|t| t.class_list().contains("token"));
        point(token);
    };
    let keyed = move |e: ev::KeyboardEvent| {
        let Some(row) = e.target().and_then(|t| t.dyn_into::<Element>().ok()) else { return };
        let Ok(tokens) = row.query_selector_all(".token") else { return };
        let at = |node: &web_sys::Node| node.dyn_ref::<Element>().is_some_and(|t| t.class_list().contains("at"));
        let now = (0..tokens.length()).find(|&i| tokens.item(i).is_some_and(|n| at(&n)));
        let last = tokens.length().saturating_sub(1);
        let next = match e.key().as_str() {
            "ArrowRight" => now.map_or(0, |i| (i + 1).min(last)),
            "ArrowLeft" => now.map_or(last, |i| i.saturating_sub(1)),
            "Home" => 0,
            "End" => last,
            _ => return,
        };
        e.prevent_default();
        let token = tokens.item(next).and_then(|n| n.dyn_into::<Element>().ok());
        if let Some(token) = &token {
            token.scroll_into_view_with_scroll_into_view_options(&nearest());
        }
        point(token);
    };
    let save = move |_| {
        let csv = app.board.with_value(|board| board.with_samples(|history, _, _| samples::csv(history)));
        share::download("sequences.csv", "text/csv", &csv);
    };
    view! {
        <section class="sequences" data-testid="samples" aria-label="Sampled sequences">
            <div class="head">
                <h2>"Sampled sequences"</h2>
                <span class="note">
                    "Each row is one topic. Below a token: how much more surprised the model is than exact Bayes; full red is 1 nat and more."
                </span>
                <When on=truth(move || rows.with(Option::is_some))>
                    <button type="button" class="quiet small" data-testid="csv-samples" on:click=save>"CSV"</button>
                </When>
            </div>
            <div
                class="rows"
                node_ref=list
                on:pointerover=over
                on:pointerleave=move |_| point(None)
                on:keydown=keyed
                inner_html=words(move || rows.with(|rows| match rows {
                    Some(SampleRows { rows, .. }) => rows.iter().map(line).collect(),
                    None => String::from("<p class=\"note\">Sequences appear here with the first evaluation of a run.</p>"),
                }))
            ></div>
            <p class="token-note" data-testid="token-note">
                {words(move || if note.with(String::is_empty) && rows.with(Option::is_some) {
                    "Point at a token for the model's and exact Bayes' surprise.".into()
                } else {
                    note.get()
                })}
            </p>
        </section>
    }
}

fn nearest() -> web_sys::ScrollIntoViewOptions {
    let options = web_sys::ScrollIntoViewOptions::new();
    options.set_block(web_sys::ScrollLogicalPosition::Nearest);
    options.set_inline(web_sys::ScrollLogicalPosition::Nearest);
    options
}

fn line(row: &SampleRow) -> String {
    let tokens = row.tokens.iter().take(SHOWN).map(|token| {
        format!(
            "<span class=\"token\" title=\"{}\" style=\"--tint: {}; --excess: {:.2}\">{}</span>",
            escape(&token.tooltip),
            token.tint,
            token.excess_share,
            escape(&token.short)
        )
    });
    let tokens: String = tokens.collect();
    let more = row.tokens.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!("<span class=\"note\">and {more} more</span>") } else { String::new() };
    let (summary, topic) = (escape(&row.summary), escape(&row.topic));
    format!(
        "<div class=\"line\" tabindex=\"0\" role=\"group\" aria-label=\"{summary}\">\
         <span class=\"chip\" style=\"--tint: {}\" title=\"{topic}\">{topic}</span>\
         <span class=\"tokens\" aria-hidden=\"true\">{tokens}</span>{more}</div>",
        row.tint
    )
}
