//! A process of one's own: as a table of transitions with its graph beside it, or as JSON.

use leptos::{html, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlInputElement};

use super::{
    controls::{effect, escape, words},
    share::{Dialog, Import},
    state::{App, use_app},
};
use crate::{
    app::edges::{self, Edge},
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
                <div class="stack" inner_html=ABOUT_JSON></div>
                <Import open name="own" />
            </details>
        </Dialog>
    }
}

const ABOUT_JSON: &str = r#"<p>transitions[token][i][j] is the chance to emit the token and go from state i to state j; over all tokens, each row adds up to 1. For several topics, give a mixture: <code>{"mixture": [{"weight": 0.5, "world": {…}}, …]}</code>.</p>
<pre>{
  "tokens": ["0", "1"],
  "transitions": {
    "0": [[0.5, 0], [0, 0]],
    "1": [[0, 0.5], [1, 0]]
  }
}</pre>"#;

const HEAD: &str = "<tr><th>From</th><th>Token</th><th>To</th><th>Probability</th></tr>";

/// The table's entries belong to the reader: they are written when rows come or go, and read whenever something is typed.
#[component]
fn Table(open: RwSignal<bool>, app: App) -> impl IntoView {
    let body = NodeRef::<html::Tbody>::new();
    let rows = RwSignal::new(html_of(&edges::example()));
    let said = RwSignal::new(String::new());
    let read = move || body.get_untracked().map(|body| read(&body)).unwrap_or_default();
    let judge = move |edges: &[Edge]| match edges::process(edges) {
        Ok(process) => {
            app.sketch(WorldSpec::Process(process));
            said.set(String::new());
        }
        Err(problems) => said.set(problems.join("\n")),
    };
    let write = move |edges: &[Edge]| {
        rows.set(html_of(edges));
        judge(edges);
    };
    effect(move || {
        if open.get() {
            // The draft's own process, unless the table says the same already.
            match app.draft.with_untracked(|d| d.world.clone()) {
                WorldSpec::Process(own) if !said_by(&read(), &own) => write(&edges::of(&own)),
                _ => judge(&read()),
            }
        }
    });
    let pressed = move |e: leptos::ev::MouseEvent| {
        let button = e.target().and_then(|t| t.dyn_into::<Element>().ok());
        let index = button.and_then(|b| b.get_attribute("value")).and_then(|i| i.parse::<usize>().ok());
        if let Some(i) = index {
            let mut edges = read();
            if i < edges.len() {
                edges.remove(i);
            }
            write(&edges);
        }
    };
    let run = move |_| match edges::process(&read()) {
        Ok(process) => {
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
                Err(problems) => said.set(crate::experiment::problem::sentences(&problems)),
            }
        }
        Err(problems) => said.set(problems.join("\n")),
    };
    view! {
        <p>"Each row is a transition of a hidden Markov model: in a state, emit a token and go to a state. Names are free; from each state the probabilities add up to 1."</p>
        <table class="edges" data-testid="edges-table" on:input=move |_| judge(&read()) on:click=pressed>
            <thead inner_html=HEAD></thead>
            <tbody node_ref=body inner_html=words(move || rows.get())></tbody>
        </table>
        <div class="row">
            <button
                type="button"
                data-testid="edges-add"
                on:click=move |_| {
                    let mut edges = read();
                    edges.push(Edge::default());
                    write(&edges);
                    super::focus("[data-testid=edges-table] tr:last-child input");
                }
            >
                "Add a transition"
            </button>
            <button type="button" data-testid="edges-normalise" title="Divide each probability by the sum over its state" on:click=move |_| write(&edges::normalised(&read()))>
                "Normalise"
            </button>
            <button type="button" class="primary" data-testid="edges-run" on:click=run>"Use and run"</button>
        </div>
        <div class="problem" role="status" data-testid="edges-problems">{words(move || said.get())}</div>
        <div class="picture" data-testid="edges-graph" inner_html=words(move || app.sketched.with(|p| p.graph.clone()))></div>
    }
}

/// Whether the rows describe this very process, starts aside.
fn said_by(edges: &[Edge], process: &Process) -> bool {
    edges::process(edges).is_ok_and(|table| edges::of(&table) == edges::of(process))
}

const COLUMNS: [&str; 4] = ["from", "token", "to", "probability"];

fn html_of(edges: &[Edge]) -> String {
    let mut html = String::new();
    for (i, edge) in edges.iter().enumerate() {
        html.push_str("<tr>");
        for (name, text) in COLUMNS.iter().zip([&edge.from, &edge.token, &edge.to, &edge.probability]) {
            let row = i + 1;
            html.push_str(&format!(
                "<td><input type=\"text\" autocomplete=\"off\" spellcheck=\"false\" aria-label=\"Row {row}, {name}\" data-testid=\"edge-{i}-{name}\" value=\"{}\"></td>",
                escape(text)
            ));
        }
        html.push_str(&format!(
            "<td><button type=\"button\" class=\"quiet icon\" value=\"{i}\" aria-label=\"Remove row {}\" title=\"Remove\" data-testid=\"edge-{i}-remove\">×</button></td></tr>",
            i + 1
        ));
    }
    html
}

fn read(body: &Element) -> Vec<Edge> {
    let mut texts = Vec::new();
    if let Ok(inputs) = body.query_selector_all("input") {
        for i in 0..inputs.length() {
            let input = inputs.item(i).and_then(|n| n.dyn_into::<HtmlInputElement>().ok());
            texts.push(input.map(|input| input.value()).unwrap_or_default());
        }
    }
    let row = |row: &[String]| match row {
        [from, token, to, probability] => {
            Edge { from: from.clone(), token: token.clone(), to: to.clone(), probability: probability.clone() }
        }
        _ => Edge::default(),
    };
    texts.chunks(COLUMNS.len()).map(row).collect()
}
