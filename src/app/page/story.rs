//! The right column: what is seen, what to try, where it comes from.

use leptos::prelude::*;

use super::{controls::words, share, state::use_app};

#[component]
pub fn StoryPanel() -> impl IntoView {
    let app = use_app();
    let paragraphs = move || app.preset.get().story.map(|text| view! { <p>{text}</p> }).collect_view();
    let tries = move || {
        let tries = app.preset.get().tries.iter().enumerate();
        tries
            .map(|(i, suggestion)| {
                view! {
                    <li>
                        <button
                            type="button"
                            class="try"
                            data-testid=format!("try-{i}")
                            on:click=move |_| {
                                share::leave_mark();
                                app.open_try(suggestion.changes);
                            }
                        >
                            {suggestion.label}
                        </button>
                    </li>
                }
            })
            .collect_view()
    };
    view! {
        <aside class="story" aria-label="Story">
            <h2>"What you see"</h2>
            {paragraphs}
            <h2>"Try this"</h2>
            <ul class="tries">
                {tries}
                <li>
                    <button
                        type="button"
                        class="try plain"
                        data-testid="try-back"
                        title="The story's own settings, from the start"
                        on:click=move |_| app.open_preset(app.preset.get_untracked())
                    >
                        "Back to how the story begins"
                    </button>
                </li>
            </ul>
            <h2>"Words"</h2>
            <dl class="words">
                <dt>"Loss"</dt>
                <dd>"−ln of the chance that was given to the token that came, in nats; lower is better."</dd>
                <dt>"In-context loss"</dt>
                <dd>"The loss at a position, after the tokens before it have been read."</dd>
                <dt>"Exact Bayes"</dt>
                <dd>"The least possible loss when the topic must be guessed from the context."</dd>
                <dt>"Oracle"</dt>
                <dd>"The least possible loss for one who is told the topic."</dd>
                <dt>"Entropy rate"</dt>
                <dd>"The loss that no amount of context can remove."</dd>
            </dl>
            <h2>"Sources"</h2>
            <p class="source">{words(move || app.preset.get().source)} "."</p>
        </aside>
    }
}
