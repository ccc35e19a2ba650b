//! The right column: what is seen, what to try, where it comes from.

use leptos::prelude::*;

use super::{
    state::{Predict, use_app},
    trail,
};
use crate::app::story::{self, StoryText};

/// What the charts' words mean.
const WORDS: [(&str, &str); 5] = [
    ("Loss", "−ln of the probability that was given to the token that came, in nats; lower is better."),
    ("In-context loss", "The loss at a position, after the tokens before it have been read."),
    ("Exact Bayes", "The least possible loss when the topic must be guessed from the context."),
    ("Oracle", "The least possible loss for one who knows the topic."),
    ("Entropy rate", "The loss that no amount of context can remove."),
];

#[component]
pub fn StoryPanel() -> impl IntoView {
    let app = use_app();
    // Said anew with each evaluation, and for the step that is looked at.
    let seen = move || {
        app.recorded.track();
        app.shown.track();
        app.seeds.track();
        // What is to be guessed is not said.
        if app.predict.get() == Predict::Drawing {
            return String::new();
        }
        app.board.with_value(|board| board.with_history(story::seen))
    };
    let words = WORDS.map(|(word, meaning)| {
        view! {
            <dt>{word}</dt>
            <dd>{meaning}</dd>
        }
    });
    view! {
        <aside class="story" aria-label="Story">
            <h2>"What you see"</h2>
            <p class="seen" data-testid="story-seen">{seen}</p>
            <Paragraphs />
            <Differences />
            <h2>"Try this"</h2>
            <Tries />
            <button
                type="button"
                class="try plain"
                data-testid="try-back"
                title="The story's own settings, from the start"
                on:click=move |_| app.open_preset(app.preset.get_untracked())
            >
                "Back to how the story begins"
            </button>
            <trail::TrailView />
            <h2>"Words"</h2>
            <dl class="words">{words}</dl>
            <h2>"Sources"</h2>
            <p class="source">{move || format!("{}.", app.preset.get().source)}</p>
        </aside>
    }
}

/// The story's own words: HTML of the page's own, which only the browser reads.
#[component]
fn Paragraphs() -> impl IntoView {
    let app = use_app();
    let text = Memo::new(move |_| {
        let preset = app.preset.get();
        let template = document().get_element_by_id(&format!("story-{}", preset.name));
        let html = template.map(|t| t.inner_html()).unwrap_or_default();
        // Of the run that the charts show; before the first one, of what the controls say.
        let run = app.run.with(|run| run.as_ref().map(|run| run.experiment.clone()));
        let run = run.unwrap_or_else(|| app.draft.get());
        story::adapted(&html, &preset.experiment(), &run)
    });
    let differs = move || text.with(|text| text.differs.join(", "));
    let has_claims = move || text.with(|text: &StoryText| !text.claims.is_empty());
    view! {
        <Show when=move || !text.with(|text| text.differs.is_empty())>
            <p class="note" data-testid="story-differs">
                "This story speaks of its own settings; yours differ in: " {differs} "."
            </p>
        </Show>
        <div class="story-text" inner_html=move || text.with(|text| text.paragraphs.clone())></div>
        <Show when=has_claims>
            <details class="claims" data-testid="story-claims">
                <summary>"What came out with the story's own settings"</summary>
                <div class="story-text" inner_html=move || text.with(|text| text.claims.clone())></div>
            </details>
        </Show>
    }
}

/// In what the story's settings are not those of its source.
#[component]
fn Differences() -> impl IntoView {
    let app = use_app();
    let differences = Memo::new(move |_| app.preset.get().differences());
    view! {
        <Show when=move || !differences.get().is_empty()>
            <h2>"Not as published"</h2>
            <ul class="differences" data-testid="differences">
                <For each=move || differences.get() key=|difference| *difference let(difference)>
                    <li>{*difference}</li>
                </For>
            </ul>
        </Show>
    }
}

/// What to try next.
#[component]
fn Tries() -> impl IntoView {
    let app = use_app();
    let tries = move || {
        let preset = app.preset.get();
        preset.tries.iter().enumerate().map(move |(i, suggestion)| (preset.name, i, suggestion)).collect::<Vec<_>>()
    };
    view! {
        <ul class="tries">
            <For each=tries key=|(story, i, _)| (*story, *i) let((_, i, suggestion))>
                <li>
                    <button
                        type="button"
                        class="try"
                        data-testid=format!("try-{i}")
                        on:click=move |_| app.open_try(suggestion.changes)
                    >
                        {suggestion.label}
                    </button>
                </li>
            </For>
        </ul>
    }
}
