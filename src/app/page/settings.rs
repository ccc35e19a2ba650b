//! The left column: everything an experiment is made of.

use leptos::prelude::*;

use super::{
    controls::{ChoiceControl, Later, NumberControl, Switch},
    state::{App, use_app},
};
use crate::{
    app::fields::{self, Number},
    experiment::{Architecture, Estimate, Experiment, Optimizer, estimate::large},
    number::duration,
};

#[component]
pub fn Settings() -> impl IntoView {
    let app = use_app();
    view! {
        <aside class="settings" class:open=move || app.sheet_open.get() aria-label="Settings" id="settings">
            <div class="sheet-head">
                <h2>"Settings"</h2>
                <button type="button" class="quiet" data-testid="settings-close" on:click=move |_| app.sheet_open.set(false)>"Done"</button>
            </div>
            <div class="settings-scroll">
            <Group title="World" open=true>
                <super::world::World />
            </Group>
            <Group title="Data" open=true>
                <Data />
            </Group>
            <Group title="Model" open=false note=model_note>
                <ChoiceControl choice=fields::ARCHITECTURE />
                <Numbers numbers=fields::model_size() />
                <ChoiceControl choice=fields::INIT />
                <EmbeddingScale />
                <Show when=move || app.draft.with(|d| d.net.heeds(fields::EMBEDDING.field, d.world.observation()))>
                    <ChoiceControl choice=fields::EMBEDDING />
                </Show>
                <Show when=move || app.draft.with(|d| d.net.architecture == Architecture::Transformer)>
                    <Numbers numbers=fields::transformer() />
                    <ChoiceControl choice=fields::MLP />
                    <ChoiceControl choice=fields::POSITIONS />
                    <ChoiceControl choice=fields::NORM />
                    <NumberControl number=fields::norm_epsilon() />
                </Show>
            </Group>
            <Group title="Training" open=false note=training_note>
                <Numbers numbers=fields::training() />
                <ChoiceControl choice=fields::SCHEDULE />
                <ChoiceControl choice=fields::OPTIMIZER />
                <Show when=move || app.draft.with(|d| d.training.optimizer == Optimizer::Langevin)>
                    <NumberControl number=fields::temperature() />
                </Show>
                <Show when=move || app.draft.with(|d| d.training.optimizer == Optimizer::Adamw)>
                    <Numbers numbers=fields::adam() />
                </Show>
                <Numbers numbers=fields::training_details() />
            </Group>
            <Group title="Bound" open=false note=bound_note>
                <Numbers numbers=fields::bound() />
                <ChoiceControl choice=fields::BRACKET />
                <Numbers numbers=fields::prior_stages() />
                <ChoiceControl choice=fields::INDEX />
                <ChoiceControl choice=fields::CERTIFICATE />
                <Show when=move || app.draft.with(|d| d.bound.certificate)>
                    <NumberControl number=fields::smoothing() />
                </Show>
            </Group>
            <Group title="Evaluation" open=false note=|e| format!("every {} steps", e.evaluation.every)>
                <Numbers numbers=fields::evaluation() />
            </Group>
            </div>
            // Its place is always there, below what scrolls: when it appears, nothing moves and nothing is covered.
            <div class="restart-place">
                <RestartBanner />
            </div>
        </aside>
    }
}

fn model_note(e: &Experiment) -> String {
    let parameters = if e.validate().is_ok() { Estimate::of(e).parameters } else { return String::new() };
    format!("{} parameters", large(parameters as f64))
}

fn bound_note(e: &Experiment) -> String {
    match e.prior.steps {
        0 => "no prior stages".into(),
        steps => format!("2 prior stages of {} steps", large(steps as f64)),
    }
}

fn training_note(e: &Experiment) -> String {
    format!("{} steps of {}", large(e.training.steps as f64), e.training.batch)
}

/// A part of the settings that folds away; the note says what is in it.
#[component]
fn Group(
    title: &'static str,
    open: bool,
    #[prop(optional)] note: Option<fn(&Experiment) -> String>,
    children: ChildrenFn,
) -> impl IntoView {
    let app = use_app();
    let text = Memo::new(move |_| note.map_or_else(String::new, |note| app.draft.with(note)));
    view! {
        <details class="group" open=open data-testid=format!("group-{}", title.to_ascii_lowercase())>
            <summary>
                <h3>{title}</h3>
                <span class="note">{move || text.get()}</span>
            </summary>
            <div class="group-body">
                {if open { children().into_any() } else { view! { <Later>{children()}</Later> }.into_any() }}
            </div>
        </details>
    }
}

#[component]
fn Numbers(numbers: Vec<Number>) -> impl IntoView {
    numbers.into_iter().map(|number| view! { <NumberControl number /> }).collect_view()
}

/// How the embedding starts; grey where the model has none.
#[component]
fn EmbeddingScale() -> impl IntoView {
    let app = use_app();
    let number = fields::embedding_scale();
    let field = number.field.clone();
    let idle = Memo::new(move |_| app.draft.with(|d| !d.net.heeds(&field, d.world.observation())));
    view! {
        <div class="fields" class:idle=move || idle.get() title=move || if idle.get() { "There is no embedding" } else { "" }>
            <NumberControl number />
        </div>
    }
}

#[component]
fn RestartBanner() -> impl IntoView {
    let app = use_app();
    view! {
        <Show when=move || !app.changed.get()>
            <p class="note">
                {move || if app.as_i_move.get() {
                    "Changes start a new run by themselves."
                } else {
                    "Changes wait here for a restart."
                }}
            </p>
        </Show>
        <Show when=move || app.changed.get()>
            <div class="restart" data-testid="restart-banner" role="status">
                <span>"Settings changed"</span>
                <button
                    type="button"
                    class="primary"
                    data-testid="restart"
                    title="Start again from step 0, with these settings"
                    prop:disabled=move || !app.problems.with(Vec::is_empty)
                    on:click=move |_| {
                        app.sheet_open.set(false);
                        app.start(false);
                    }
                >
                    "Restart"
                </button>
                <button
                    type="button"
                    class="quiet"
                    data-testid="keep-settings"
                    title="Back to the settings of the run that is shown"
                    on:click=move |_| take_back(app)
                >
                    "Undo"
                </button>
            </div>
        </Show>
    }
}

fn take_back(app: App) {
    if let Some(run) = app.run.get_untracked() {
        app.typed.set(fields::Typed::default());
        app.device_choice.set(run.device);
        app.draft.update(|draft| *draft = fields::at_once(&run.experiment, draft));
    }
}

/// K, N, T and what they will take.
#[component]
fn Data() -> impl IntoView {
    let app = use_app();
    let fresh = Memo::new(move |_| app.draft.with(|d| d.data.fresh));
    view! {
        <Switch
            label="Fresh draws at every step"
            about="A new topic and sequence for every row of every batch, as if N were infinite. Off: a training set of K topics with N sequences each, drawn once."
            testid="field-data.fresh"
            on=fresh
            set=move |on| app.draft.update(|d| d.data.fresh = on)
        />
        <MoreRoom />
        <Costs />
    }
}

/// Where sequences are longer than what the model reads: one press makes room for them.
#[component]
fn MoreRoom() -> impl IntoView {
    let app = use_app();
    let roomier = Memo::new(move |_| app.draft.with(fields::with_room).map(|e| e.net.context));
    view! {
        <Show when=move || roomier.get().is_some()>
            <button
                type="button"
                class="own"
                data-testid="more-room"
                on:click=move |_| if let Some(context) = roomier.get_untracked() {
                    app.typed.update(|typed| drop(typed.remove("net.context")));
                    app.draft.update(|draft| draft.net.context = context);
                }
            >
                {move || roomier.get().map_or_else(String::new, |n| format!("Raise the model's context to {n}"))}
            </button>
        </Show>
    }
}

/// Tokens, memory and time of the draft.
#[component]
fn Costs() -> impl IntoView {
    let app = use_app();
    let text = move || {
        let draft = app.draft.get();
        if draft.validate().is_err() {
            return (String::from("—"), String::new());
        }
        let estimate = Estimate::of(&draft);
        let tokens = match estimate.data_tokens {
            Some(tokens) => format!("= {} tokens", large(tokens)),
            None => format!("{} fresh tokens over the run", large(estimate.read_tokens)),
        };
        let memory = bytes(estimate.step_bytes + estimate.data_bytes);
        let time = app.estimated_seconds(&draft).map_or_else(
            || "time: known once it runs".into(),
            |s| format!("about {} at the speed of this run", duration(s)),
        );
        (tokens, format!("{memory}, {time}"))
    };
    view! {
        <p class="costs">
            <strong data-testid="tokens">{move || text().0}</strong>
            <span data-testid="costs">{move || text().1}</span>
        </p>
    }
}

fn bytes(n: f64) -> String {
    match n {
        n if n >= 1e9 => format!("{:.1} GB", n / 1e9),
        n if n >= 1e6 => format!("{:.0} MB", n / 1e6),
        n => format!("{:.0} kB", (n / 1e3).max(1.0)),
    }
}
