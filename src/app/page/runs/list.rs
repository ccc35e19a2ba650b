//! The list of kept runs. It reads their cards alone.

use leptos::{ev, prelude::*};

use super::Runs;
use crate::app::{
    page::{
        dom::focus,
        files, preferences,
        state::{App, use_app},
    },
    runs::{KeptRun, difference_from},
};

/// Whether the list is open is remembered under this name.
const OPEN: &str = "runs-open";
/// Of the charts' lines beside the run, in order: solid, long, short, dotted.
const DASHES: [&str; 4] = ["none", "9 4", "5 3", "1.5 3"];

#[component]
pub fn RunsPanel() -> impl IntoView {
    let app = use_app();
    let runs = app.runs;
    let is_open = RwSignal::new(preferences::flag(OPEN));
    let toggled = move |e: ev::Event| {
        let open = event_target::<web_sys::Element>(&e).has_attribute("open");
        is_open.set(open);
        preferences::write_flag(OPEN, open);
    };
    let count = move || match runs.cards.with(Vec::len) {
        0 => String::new(),
        count => format!(" ({count})"),
    };
    view! {
        <details class="runs" data-testid="runs" prop:open=is_open.get_untracked() on:toggle=toggled>
            <summary>
                <h2>"Runs"{count}</h2>
                <span class="note">"Kept in this browser: look at them again, go on with them, compare them."</span>
            </summary>
            // Nothing is made of a closed list, however long it is.
            <Show when=move || is_open.get()>
                <List />
            </Show>
        </details>
    }
}

#[component]
fn List() -> impl IntoView {
    let app = use_app();
    let runs = app.runs;
    let ids = Memo::new(move |_| runs.cards.with(|cards| cards.iter().map(|c| c.id.clone()).collect::<Vec<_>>()));
    let is_empty = Memo::new(move |_| ids.with(Vec::is_empty));
    view! {
        <p class="note" data-testid="runs-refused" hidden=move || runs.refused.with(String::is_empty)>
            {move || format!("Runs are forgotten when this page is closed: {}.", runs.refused.get())}
        </p>
        <Show
            when=move || !is_empty.get()
            fallback=|| view! { <p class="note" data-testid="runs-empty">"No run is kept yet: one that has taken a few steps stands here, and stays when the page is closed."</p> }
        >
            <ul class="runs-list" data-testid="runs-list">
                <For each=move || ids.get() key=Clone::clone let(id)>
                    <Row id />
                </For>
            </ul>
        </Show>
        <Show when=move || runs.deleted.with(Option::is_some)>
            <p class="run-deleted" role="status" data-testid="run-deleted">
                <span>
                    {move || runs.deleted.with(|card| card.as_ref().map(|card| format!("Deleted: {}.", card.name)))}
                </span>
                <button type="button" data-testid="run-undo" on:click=move |_| runs.undo()>"Undo"</button>
            </p>
        </Show>
        <div class="row">
            <button
                type="button"
                data-testid="runs-save"
                prop:disabled=move || is_empty.get()
                title="All runs with their curves and checkpoints, as one file"
                on:click=move |_| app.save_runs(ids.get_untracked())
            >
                "Save all"
            </button>
            <button
                type="button"
                data-testid="runs-open-file"
                title="Adds the runs of a file; it can be dropped anywhere on the page too"
                on:click=move |_| files::choose_files(app)
            >
                "Open a file of runs"
            </button>
            <button
                type="button"
                class="quiet"
                data-testid="runs-hide"
                hidden=move || runs.drawn.with(Vec::is_empty)
                on:click=move |_| runs.hide_all()
            >
                "Hide all in the charts"
            </button>
        </div>
    }
}

/// One run.
#[component]
fn Row(id: String) -> impl IntoView {
    let app = use_app();
    let runs = app.runs;
    let id = StoredValue::new(id);
    let card = Memo::new(move |_| {
        id.with_value(|id| runs.cards.with(|cards| cards.iter().find(|card| card.id == *id).cloned()))
    });
    let name = move || card.with(|card| card.as_ref().map(|card| card.name.clone()).unwrap_or_default());
    let about = move |what: &str| format!("{what} {}", name());
    let is_current = Memo::new(move |_| id.with_value(|id| runs.current.with(|c| c.as_ref() == Some(id))));
    let is_shown = Memo::new(move |_| id.with_value(|id| runs.shown.with(|shown| shown.contains(id))));
    let is_compared = Memo::new(move |_| id.with_value(|id| runs.comparing.with(|c| c.as_ref() == Some(id))));
    let is_pinned = Memo::new(move |_| card.with(|card| card.as_ref().is_some_and(|card| card.pinned)));
    let words = move || card.with(|card| card.as_ref().map(|card| words(app, card)).unwrap_or_default());
    let compare = move |_| {
        let other = Some(id.get_value()).filter(|_| !is_compared.get_untracked());
        runs.comparing.set(other);
    };
    view! {
        <li class:chosen=move || is_current.get() data-testid="run-row" aria-current=move || is_current.get().then_some("true")>
            <Key id is_current />
            <div class="run-words">
                // Compared, so that a name that is being typed stays while the run goes on.
                <Name id name=Memo::new(move |_| name()).into() />
                <span class="note" data-testid="run-about">{words}</span>
            </div>
            <div class="row">
                <button
                    type="button"
                    data-testid="run-show"
                    aria-pressed=move || is_shown.get().to_string()
                    aria-label=move || about("Draw in the charts:")
                    title="Draws its curves beside those of the chosen run, where both are of the same world"
                    prop:disabled=move || is_current.get()
                    on:click=move |_| id.with_value(|id| runs.show(app, id, !is_shown.get_untracked()))
                >
                    "In charts"
                </button>
                <button
                    type="button"
                    data-testid="run-open"
                    aria-label=move || about("Open")
                    title="The page speaks of this run: its curves, its settings, and what it has learned. It waits where it stopped, and Run goes on."
                    prop:disabled=move || is_current.get()
                    on:click=move |_| app.choose_run(id.get_value())
                >
                    "Open"
                </button>
                <button
                    type="button"
                    data-testid="run-compare"
                    aria-pressed=move || is_compared.get().to_string()
                    aria-label=move || about("Compare with")
                    title="Compares the chosen run with this one"
                    prop:disabled=move || is_current.get()
                    on:click=compare
                >
                    "Compare"
                </button>
                <button
                    type="button"
                    data-testid="run-pin"
                    aria-pressed=move || is_pinned.get().to_string()
                    aria-label=move || about("Pin")
                    title="Stands first, and stays when the browser runs out of room"
                    on:click=move |_| id.with_value(|id| runs.pin(app, id, !is_pinned.get_untracked()))
                >
                    "Pin"
                </button>
                <button
                    type="button"
                    class="quiet"
                    data-testid="run-save"
                    aria-label=move || about("Save as a file:")
                    title="As a file, with its curves and its checkpoint"
                    on:click=move |_| app.save_runs(vec![id.get_value()])
                >
                    "Save"
                </button>
                <button
                    type="button"
                    class="quiet"
                    data-testid="run-delete"
                    aria-label=move || about("Delete")
                    on:click=move |_| {
                        id.with_value(|id| runs.delete(app, id));
                        // The button that was pressed is gone.
                        set_timeout(|| focus("[data-testid=run-undo]"), std::time::Duration::ZERO);
                    }
                >
                    "Delete"
                </button>
            </div>
        </li>
    }
}

/// What differs from the chosen run, and what was reached.
fn words(app: App, card: &KeptRun) -> String {
    let differs = app.run.with(|run| run.as_ref().map(|run| difference_from(&run.experiment, card)));
    let is_current = app.runs.current.with(|current| current.as_ref() == Some(&card.id));
    let differs =
        if is_current { "the chosen run".into() } else { format!("differs: {}", differs.unwrap_or_default()) };
    let differs = differs.replace("differs: same settings", "same settings");
    let numbers = card.numbers_words(app.options.with(|options| options.unit));
    let numbers = if numbers.is_empty() { numbers } else { format!("; {numbers}") };
    format!("{differs}. {}{numbers}.", card.steps_words())
}

/// The line that a run has in the charts; empty while it has none.
#[component]
fn Key(id: StoredValue<String>, is_current: Memo<bool>) -> impl IntoView {
    let runs: Runs = use_app().runs;
    let at = Memo::new(move |_| id.with_value(|id| runs.drawn.with(|drawn| drawn.iter().position(|d| d == id))));
    let style = move || match (is_current.get(), at.get()) {
        (true, _) => "stroke: var(--model); stroke-width: 3.5".into(),
        (false, Some(at)) => format!("stroke: var(--earlier); stroke-dasharray: {}", DASHES[at % DASHES.len()]),
        (false, None) => "stroke: none".into(),
    };
    view! {
        <svg class="run-key" width="28" height="12" aria-hidden="true">
            <line x1="0" y1="6" x2="28" y2="6" stroke-width="1.5" style=style></line>
        </svg>
    }
}

/// A run's name, and the entry that it is changed in.
#[component]
fn Name(id: StoredValue<String>, name: Signal<String>) -> impl IntoView {
    let app = use_app();
    let wrong = RwSignal::new(String::new());
    let typed = move |e: ev::Event| {
        let text = event_target_value(&e);
        wrong.set(id.with_value(|id| app.runs.rename(app, id, &text)).err().unwrap_or_default());
    };
    view! {
        <input
            type="text"
            class="run-name"
            data-testid="run-name"
            autocomplete="off"
            spellcheck="false"
            title="Type another name"
            aria-label=move || format!("Name of the run {}", name.get())
            aria-invalid=move || (!wrong.with(String::is_empty)).to_string()
            prop:value=name
            on:change=typed
        />
        <span class="problem" role="alert">{move || wrong.get()}</span>
    }
}
