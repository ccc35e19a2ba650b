//! Link, files and paste, behind the Share button.

use leptos::{html, prelude::*};
use web_sys::HtmlInputElement;

use super::{
    controls::Segments,
    dialog::Dialog,
    files::{copy, download, open_files, open_json},
    state::use_app,
};
use crate::{app::view_state::ViewState, experiment::Experiment};

#[component]
pub fn Share(open: RwSignal<bool>) -> impl IntoView {
    let app = use_app();
    let what = RwSignal::new(0_usize);
    let link = Memo::new(move |_| {
        let view = match what.get() {
            0 => String::new(),
            1 => app.view_state().to_shared_fragment(),
            _ => ViewState { predict: true, step: None, paused: false, ..app.view_state() }.to_fragment(),
        };
        app.fragment.get().with_view(view).address()
    });
    let about = move || match what.get() {
        0 => "Whoever opens it sees the run in the units and curves of their own choice.",
        1 => {
            "Whoever opens it sees what you see: unit, axes, tabs, hidden curves, other predictors, the recorded step, and whether the run is paused."
        }
        _ => "Whoever opens it draws a guess of the model's curve first; the run waits until they ask for it.",
    };
    let said = RwSignal::new("");
    let copied = move |worked: bool| {
        said.set(if worked { "Copied." } else { "The browser did not allow copying: select the text and copy it." });
    };
    let save = move |_| {
        let text = app.draft.with_untracked(Experiment::to_json);
        download("icl-experiment.json", "application/json", &text);
    };
    let sound = move || app.problems.with(Vec::is_empty);
    view! {
        <Dialog open title="Share this experiment" testid="share-dialog">
            <p>"The link holds every setting that differs from the story, and the seed: whoever opens it sees the same tokens and, on the CPU of the same kind of machine, in a browser with the same vector instructions and with the same number of cores, the same losses to the last bit. Other machines and browsers round the last bits differently. Only text files of your own are too long for a link; export those as a file."</p>
            <div class="row link-to">
                <span>"Link to"</span>
                <Segments
                    label="What the link holds"
                    options=vec![
                        ("the settings", "share-settings"),
                        ("this view", "share-view"),
                        ("a guess first", "share-predict"),
                    ]
                    chosen=what
                    set=move |i| {
                        what.set(i);
                        said.set("");
                    }
                />
            </div>
            <p class="note">{about}</p>
            <div class="row">
                <input
                    type="text"
                    readonly
                    autofocus
                    data-testid="share-link"
                    aria-label="Link to this experiment"
                    prop:value=move || link.get()
                    on:focus=move |e| { event_target::<HtmlInputElement>(&e).select() }
                />
                <button
                    type="button"
                    class="primary"
                    data-testid="copy-link"
                    prop:disabled=move || !sound()
                    on:click=move |_| copy(&link.get_untracked(), copied)
                >
                    "Copy link"
                </button>
            </div>
            <p class="said" role="status">
                {move || if sound() { said.get() } else { "Some settings are out of range: mend them first." }}
            </p>
            <h3>"As a file"</h3>
            <button type="button" data-testid="export" prop:disabled=move || !sound() on:click=save>
                "Export JSON"
            </button>
            <Import open name="import" />
        </Dialog>
    }
}

/// Opening a file or pasted text. Test ids begin with `name`.
#[component]
pub fn Import(open: RwSignal<bool>, name: &'static str) -> impl IntoView {
    let app = use_app();
    let problem = RwSignal::new(String::new());
    let text = NodeRef::<html::Textarea>::new();
    let done = move |outcome: Result<(), String>| {
        open.set(outcome.is_err());
        problem.set(outcome.err().unwrap_or_default());
    };
    let pick = move |e: leptos::ev::Event| {
        let input = event_target::<HtmlInputElement>(&e);
        if let Some(files) = input.files().filter(|files| files.length() > 0) {
            open_files(app, &files, done);
        }
        // So that the same file can be picked again.
        input.set_value("");
    };
    let open_text = move |_| {
        if let Some(area) = text.get_untracked() {
            done(open_json(app, &area.value()));
        }
    };
    view! {
        <label class="file">
            "Open a file of JSON, or text files to learn from: each is a topic "
            <input
                type="file"
                multiple
                accept=".json,application/json,text/*"
                data-testid=format!("{name}-file")
                on:change=pick
            />
        </label>
        <label class="stack">
            <span>"Or paste JSON of an experiment, a process or a mixture"</span>
            <textarea node_ref=text rows="7" spellcheck="false" data-testid=format!("{name}-text")></textarea>
        </label>
        <div class="problem" role="alert" data-testid=format!("{name}-problems")>{move || problem.get()}</div>
        <button type="button" data-testid=name on:click=open_text>
            "Open and run"
        </button>
    }
}
