//! The right column: what is seen, what to try, where it comes from.

use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;

use super::{
    controls::{escape, words},
    state::use_app,
};
use crate::app::story;

/// What the charts' words mean.
const WORDS: &str = "
<h2>Words</h2>
<dl class=\"words\">
<dt>Loss</dt><dd>−ln of the chance that was given to the token that came, in nats; lower is better.</dd>
<dt>In-context loss</dt><dd>The loss at a position, after the tokens before it have been read.</dd>
<dt>Exact Bayes</dt><dd>The least possible loss when the topic must be guessed from the context.</dd>
<dt>Oracle</dt><dd>The least possible loss for one who is told the topic.</dd>
<dt>Entropy rate</dt><dd>The loss that no amount of context can remove.</dd>
</dl>
<h2>Sources</h2>";

#[component]
pub fn StoryPanel() -> impl IntoView {
    let app = use_app();
    let told = move || {
        let preset = app.preset.get();
        // Part of the page's HTML: so it weighs nothing in the wasm.
        let template = document().get_element_by_id(&format!("story-{}", preset.name));
        let paragraphs = template.map(|t| t.inner_html()).unwrap_or_default();
        // Of the run that the charts show; before the first one, of what the controls say.
        let run = app.run.with(|run| run.as_ref().map(|run| run.experiment.clone()));
        let run = run.unwrap_or_else(|| app.draft.get());
        let paragraphs = story::told(&paragraphs, &preset.experiment(), &run);
        let tries = preset.tries.iter().enumerate().map(|(i, suggestion)| {
            let label = escape(suggestion.label);
            format!(
                "<li><button type=\"button\" class=\"try\" value=\"{i}\" data-testid=\"try-{i}\">{label}</button></li>"
            )
        });
        let tries: String = tries.collect();
        let differences: String = preset.differences().iter().map(|d| format!("<li>{}</li>", escape(d))).collect();
        let differences = match differences.as_str() {
            "" => String::new(),
            all => format!("<h2>Not as published</h2><ul class=\"differences\" data-testid=\"differences\">{all}</ul>"),
        };
        format!("{paragraphs}{differences}<h2>Try this</h2><ul class=\"tries\">{tries}</ul>")
    };
    // Said anew with each evaluation, and for the step that is looked at.
    let seen = move || {
        app.recorded.track();
        app.shown.track();
        app.board.with_value(|board| board.with_history(story::seen))
    };
    let pressed = move |e: ev::MouseEvent| {
        let button = e.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok());
        let index = button.and_then(|b| b.get_attribute("value")).and_then(|i| i.parse::<usize>().ok());
        if let Some(suggestion) = index.and_then(|i| app.preset.get_untracked().tries.get(i)) {
            app.open_try(suggestion.changes);
        }
    };
    view! {
        <aside class="story" aria-label="Story">
            <h2>"What you see"</h2>
            <p class="seen" data-testid="story-seen">{words(seen)}</p>
            <div class="told" inner_html=words(told) on:click=pressed></div>
            <button
                type="button"
                class="try plain"
                data-testid="try-back"
                title="The story's own settings, from the start"
                on:click=move |_| app.open_preset(app.preset.get_untracked())
            >
                "Back to how the story begins"
            </button>
            <div class="told" inner_html=WORDS></div>
            <p class="source">{words(move || format!("{}.", app.preset.get().source))}</p>
        </aside>
    }
}
