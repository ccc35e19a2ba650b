//! A process of one's own: as a table of transitions with its graph below it, or as JSON.

use charts::report::Drawn;
use leptos::prelude::*;

use super::{
    dialog::Dialog,
    plot::kept,
    report::Plots,
    share::Import,
    state::{App, use_app},
};
use crate::{
    app::edges::{self, Column},
    experiment::{Process, WorldSpec},
};

#[component]
pub fn OwnProcess(open: RwSignal<bool>) -> impl IntoView {
    let app = use_app();
    view! {
        <Dialog open title="Your own process" testid="own-process-dialog">
            <Table open app />
            <details>
                <summary>"As JSON: one process, or a mixture of them"</summary>
                <div class="stack">
                    <p>
                        "transitions[token][i][j] is the probability to emit the token and go from state i to state j; over all tokens, each row adds up to 1. For several topics, give a mixture: "
                        <code>"{\"mixture\": [{\"weight\": 0.5, \"world\": {…}}, …]}"</code> "."
                    </p>
                    <pre>{EXAMPLE}</pre>
                </div>
                <Import open name="own" />
            </details>
        </Dialog>
    }
}

const EXAMPLE: &str = r#"{
  "tokens": ["0", "1"],
  "transitions": {
    "0": [[0.5, 0], [0, 0]],
    "1": [[0, 0.5], [1, 0]]
  }
}"#;

#[component]
fn Table(open: RwSignal<bool>, app: App) -> impl IntoView {
    let table = RwSignal::new(edges::EdgeTable::new(edges::example()));
    // What the experiment says against the process; gone with the next change of the table.
    let refused = RwSignal::new(String::new());
    let process = Memo::new(move |_| table.with(|table| edges::process(&table.edges())));
    let problems = move || match process.get() {
        Ok(_) => refused.get(),
        Err(problems) => problems.join("\n"),
    };
    Effect::new(move |_| {
        if open.get()
            && let WorldSpec::Process(own) = app.draft.with_untracked(|d| d.world.clone())
            && !table.with_untracked(|table| table.says(&own))
        {
            // The draft's own process, unless the table says the same already.
            table.update(|table| table.replace(edges::of(&own)));
        }
    });
    Effect::new(move |_| {
        if let (true, Ok(process)) = (open.get(), process.get()) {
            app.sketch(WorldSpec::Process(process));
        }
    });
    let change = move |act: &dyn Fn(&mut edges::EdgeTable)| {
        refused.set(String::new());
        table.update(|table| act(table));
    };
    let run = move |_| {
        let Ok(process) = process.get_untracked() else { return };
        let start = app.draft.with_untracked(|d| match &d.world {
            // The table does not speak of where a process starts.
            WorldSpec::Process(own) if own.states() == process.states() => own.start.clone(),
            _ => None,
        });
        let mut experiment = app.draft.get_untracked();
        experiment.world = WorldSpec::Process(Process { start, ..process });
        match experiment.validate() {
            Ok(()) => {
                open.set(false);
                app.open_beside(experiment);
            }
            Err(problems) => refused.set(experiment::problem::sentences(&problems)),
        }
    };
    let row = move |key: u32| {
        let index = move || table.with(|table| table.index(key));
        let entry = move |column: Column| {
            let name = column.name();
            view! {
                <td>
                    <input
                        type="text"
                        autocomplete="off"
                        spellcheck="false"
                        aria-label=move || format!("Row {}, {name}", index() + 1)
                        data-testid=move || format!("edge-{}-{name}", index())
                        prop:value=move || table.with(|table| table.text(key, column).to_owned())
                        on:input=move |e| change(&|table| table.type_into(key, column, &event_target_value(&e)))
                    />
                </td>
            }
        };
        view! {
            <tr>
                {Column::ALL.map(entry).collect_view()}
                <td>
                    <button
                        type="button"
                        class="quiet icon"
                        aria-label=move || format!("Remove row {}", index() + 1)
                        title="Remove"
                        data-testid=move || format!("edge-{}-remove", index())
                        on:click=move |_| change(&|table| table.remove(key))
                    >
                        "×"
                    </button>
                </td>
            </tr>
        }
    };
    let sketch = kept(move || {
        let charts = app.sketched.with(|picture| picture.structure());
        charts.into_iter().map(|drawn| Drawn { id: format!("own-{}", drawn.id), ..drawn }).collect::<Vec<_>>()
    });
    view! {
        <p>"Each row is a transition of a hidden Markov model: in a state, emit a token and go to a state. Names are free; from each state the probabilities add up to 1."</p>
        <table class="edges" data-testid="edges-table">
            <thead>
                <tr>{Column::ALL.map(|column| view! { <th scope="col">{column.title()}</th> }).collect_view()}</tr>
            </thead>
            <tbody>
                <For each=move || table.with(edges::EdgeTable::keys) key=|key| *key children=row />
            </tbody>
        </table>
        <div class="row">
            <button
                type="button"
                data-testid="edges-add"
                on:click=move |_| {
                    change(&edges::EdgeTable::add);
                    // The row is there with the next frame.
                    request_animation_frame(|| super::focus("[data-testid=edges-table] tr:last-child input"));
                }
            >
                "Add a transition"
            </button>
            <button type="button" data-testid="edges-normalise" title="Divide each probability by the sum over its state" on:click=move |_| change(&edges::EdgeTable::normalise)>
                "Normalise"
            </button>
            <button type="button" class="primary" data-testid="edges-run" on:click=run>"Use and run"</button>
        </div>
        <div class="problem" role="status" data-testid="edges-problems">{problems}</div>
        <div class="edges-graph" data-testid="edges-graph"><Plots drawn=sketch on_place=None on_pick=None /></div>
    }
}
