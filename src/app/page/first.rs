//! The first minute on the page: the question above the hero, K, N and T below it, and the tour.

use leptos::prelude::*;

use super::{
    controls::NumberControl,
    dom::focus,
    preferences,
    state::{App, Predict, use_app},
};
use crate::app::{
    fields,
    first::{self, TOUR},
};

/// The question, and what is seen.
#[component]
pub fn Question() -> impl IntoView {
    let app = use_app();
    let world = Memo::new(move |_| app.draft.with(|draft| draft.world.clone()));
    view! {
        <section class="question" aria-labelledby="question" data-testid="question">
            <h2 id="question">{first::QUESTION}</h2>
            <p>{move || world.with(first::answer)}</p>
        </section>
    }
}

/// K, N and T, each with what it is.
#[component]
pub fn DataControls() -> impl IntoView {
    let app = use_app();
    let vectors = Memo::new(move |_| app.draft.with(|draft| draft.world.observation().is_vectors()));
    let numbers = fields::data_counts().into_iter().chain([fields::length()]);
    let controls = numbers.map(|number| {
        let field = number.field.clone();
        view! {
            <div class="count">
                <NumberControl number />
                <p class="note">{move || first::about_count(&field, vectors.get())}</p>
            </div>
        }
    });
    view! {
        <section class="counts" aria-label="K, N and T" data-testid="counts">
            <div class="counts-row">{controls.collect_view()}</div>
            <p class="note" data-testid="about-data">{move || app.draft.with(first::about_data)}</p>
        </section>
    }
}

/// The preference that says where the tour was left: the number of a stop, or `DONE`.
const KEPT: &str = "tour";
const DONE: &str = "done";

/// The tour of the first story: a sentence, a gesture and what to look at; never in the way.
#[component]
pub fn Tour() -> impl IntoView {
    let app = use_app();
    let kept = preferences::read(KEPT);
    let is_over = RwSignal::new(kept.as_deref() == Some(DONE));
    let stop = RwSignal::new(kept.and_then(|kept| kept.parse::<usize>().ok()).filter(|i| *i < TOUR.len()));
    let is_first_story = Memo::new(move |_| app.preset.with(|preset| preset.name == first::FIRST_STORY));
    // The curve of this stop is being guessed. Until it is shown, a reload offers the stop again.
    let guessing = RwSignal::new(false);
    let go_to = move |i: usize| {
        app.forget_guess();
        if i < TOUR.len() {
            stop.set(Some(i));
            preferences::write(KEPT, &i.to_string());
            take_to(app, TOUR[i].place);
        } else {
            end(stop, is_over);
        }
    };
    let predict = move |i: usize| {
        app.forget_guess();
        app.predict.set(Predict::Drawing);
        guessing.set(true);
        stop.set(Some(i));
        // Nothing runs before it was guessed.
        take_to(app, TOUR[i].place);
        focus("[data-testid=chart-loss-by-position]");
    };
    let skip = move || {
        if guessing.get_untracked() {
            app.forget_guess();
            app.run_or_resume();
        }
        end(stop, is_over);
    };
    // It was shown, here or below the chart, or something else was opened.
    Effect::new(move |_| {
        if app.predict.get() != Predict::Drawing && guessing.get_untracked() {
            guessing.set(false);
            if let Some(i) = stop.get_untracked() {
                preferences::write(KEPT, &i.to_string());
            }
        }
    });
    let look = move || stop.get().map_or("", |i| if guessing.get() { TOUR[i].predict } else { TOUR[i].look });
    let next = move || stop.get().map_or(0, |i| i + 1);
    let gesture = move || match guessing.get() {
        true => "Show what it does",
        false => TOUR.get(next()).map_or("End the tour", |stop| stop.gesture),
    };
    let can_predict = move || !guessing.get() && next() < TOUR.len();
    let count = move || match stop.get() {
        Some(i) => format!("{} of {}", i + 1, TOUR.len()),
        None => format!("A tour of {} stops, two minutes", TOUR.len()),
    };
    view! {
        <Show when=move || is_first_story.get() && !is_over.get()>
            <div class="tour" data-testid="tour" role="group" aria-label="Tour">
                <span class="note">{count}</span>
                <Show when=move || stop.get().is_some()>
                    <p class="tour-look" data-testid="tour-look" role="status">{look}</p>
                </Show>
                <div class="tour-buttons">
                    <button
                        type="button"
                        class="small"
                        data-testid="tour-next"
                        on:click=move |_| if guessing.get_untracked() { app.show_model() } else { go_to(untrack(next)) }
                    >
                        {gesture}
                    </button>
                    <Show when=can_predict>
                        <button
                            type="button"
                            class="small"
                            data-testid="tour-predict"
                            title="The same, but you draw the curve before you see it"
                            on:click=move |_| predict(untrack(next))
                        >
                            "Guess it first"
                        </button>
                    </Show>
                    <button type="button" class="quiet small" data-testid="tour-skip" on:click=move |_| skip()>
                        "Skip"
                    </button>
                </div>
            </div>
        </Show>
        <Show when=move || is_first_story.get() && is_over.get()>
            <button
                type="button"
                class="quiet small tour-again"
                data-testid="tour-again"
                on:click=move |_| {
                    is_over.set(false);
                    preferences::write(KEPT, "");
                }
            >
                "Take the tour"
            </button>
        </Show>
    }
}

fn end(stop: RwSignal<Option<usize>>, is_over: RwSignal<bool>) {
    stop.set(None);
    is_over.set(true);
    preferences::write(KEPT, DONE);
}

/// Sets K, N and T, and runs.
fn take_to(app: App, place: [usize; 3]) {
    app.draft.update(|draft| {
        (draft.data.topics, draft.data.sequences, draft.data.length) = place.into();
        draft.data.fresh = false;
    });
    app.start(false);
}
