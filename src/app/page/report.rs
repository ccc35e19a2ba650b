//! A report ([`charts::report`]) as components: what changes is replaced, what stays keeps its place, its focus and its
//! crosshair.

use charts::report::{Block, Drawn, Row, Table};
use leptos::prelude::*;

use super::plot::{OnPick, Plot};

/// Called with a chart's identifier and the cursor's place in it.
pub type OnPlace = Callback<(String, f64)>;

/// Draws all blocks, in order.
#[component]
pub fn Report(
    #[prop(into)] blocks: Signal<Vec<Block>>,
    #[prop(optional, into)] on_place: Option<OnPlace>,
    /// Called with the key of a mark or of a table's row that was pressed.
    #[prop(optional, into)]
    on_pick: Option<OnPick>,
) -> impl IntoView {
    // Number n of a kind is the same block while there are so many: its parts change, it stays. A sentence more above a
    // chart moves it, and no more.
    let kinds = Memo::new(move |_| blocks.with(|blocks| numbered(blocks)));
    let child = move |(number, kind): (usize, Kind)| {
        let own = kind.clone();
        // Where it stands now.
        let index = Memo::new(move |_| {
            blocks
                .with(|blocks| numbered(blocks).iter().position(|(n, kind)| *n == number && *kind == own))
                .unwrap_or(usize::MAX)
        });
        let at = move |read: &dyn Fn(&Block) -> Option<String>| {
            blocks.with(|blocks| blocks.get(index.get()).and_then(read)).unwrap_or_default()
        };
        let words = Memo::new(move |_| {
            at(&|block| match block {
                Block::Lead { text, .. } | Block::Paragraph(text) | Block::Note(text) | Block::Problem(text) => {
                    Some(text.clone())
                }
                Block::Terms { summary, .. } | Block::List { summary, .. } => Some(summary.clone()),
                Block::Charts(_) | Block::Table(_) => None,
            })
        });
        match kind {
            Kind::Lead(id) => view! { <p data-testid=id><b>{move || words.get()}</b></p> }.into_any(),
            Kind::Paragraph => view! { <p>{move || words.get()}</p> }.into_any(),
            Kind::Note => view! { <p class="note">{move || words.get()}</p> }.into_any(),
            Kind::Problem => view! { <p class="problem" role="alert">{move || words.get()}</p> }.into_any(),
            Kind::Charts => {
                let drawn = Signal::derive(move || {
                    blocks.with(|blocks| match blocks.get(index.get()) {
                        Some(Block::Charts(charts)) => charts.clone(),
                        _ => Vec::new(),
                    })
                });
                view! { <Plots drawn on_place on_pick /> }.into_any()
            }
            Kind::Table(_) => {
                let table = Memo::new(move |_| {
                    blocks.with(|blocks| match blocks.get(index.get()) {
                        Some(Block::Table(table)) => table.clone(),
                        _ => Table::default(),
                    })
                });
                view! { <TableView table on_pick /> }.into_any()
            }
            Kind::Terms => {
                let terms = Memo::new(move |_| {
                    blocks.with(|blocks| match blocks.get(index.get()) {
                        Some(Block::Terms { terms, .. }) => terms.clone(),
                        _ => Vec::new(),
                    })
                });
                view! {
                    <details>
                        <summary>{move || words.get()}</summary>
                        <dl>
                            <For each=move || terms.get() key=Clone::clone let((term, meaning))>
                                <dt>{term}</dt>
                                <dd>{meaning}</dd>
                            </For>
                        </dl>
                    </details>
                }
                .into_any()
            }
            Kind::List(id) => {
                let items = Memo::new(move |_| {
                    blocks.with(|blocks| match blocks.get(index.get()) {
                        Some(Block::List { items, .. }) => items.iter().cloned().enumerate().collect::<Vec<_>>(),
                        _ => Vec::new(),
                    })
                });
                view! {
                    <details data-testid=id>
                        <summary>{move || words.get()}</summary>
                        <ul>
                            <For each=move || items.get() key=Clone::clone let((_, item))>
                                <li>{item}</li>
                            </For>
                        </ul>
                    </details>
                }
                .into_any()
            }
        }
    };
    view! { <For each=move || kinds.get() key=Clone::clone children=child /> }
}

/// Charts side by side.
#[component]
pub fn Plots(
    #[prop(into)] drawn: Signal<Vec<Drawn>>,
    on_place: Option<OnPlace>,
    on_pick: Option<OnPick>,
) -> impl IntoView {
    let keys = Memo::new(move |_| drawn.with(|all| all.iter().map(|d| (d.id.clone(), d.size)).collect::<Vec<_>>()));
    let child = move |(id, _): (String, _)| {
        let own = id.clone();
        let one = Signal::derive(move || drawn.with(|all| all.iter().find(|d| d.id == own).cloned()));
        let place = on_place.map(|act| Callback::new(move |at: f64| act.run((id.clone(), at))));
        view! { <Plot drawn=one on_place=place on_pick /> }
    };
    view! { <div class="plots"><For each=move || keys.get() key=Clone::clone children=child /></div> }
}

/// A table that scrolls by itself where it is wider than its place; rows with a key are pressed.
#[component]
pub fn TableView(#[prop(into)] table: Signal<Table>, on_pick: Option<OnPick>) -> impl IntoView {
    let rows = move || table.with(|table| table.rows.iter().cloned().enumerate().collect::<Vec<_>>());
    let heads = move || table.with(|table| table.heads.iter().cloned().enumerate().collect::<Vec<_>>());
    let row = move |(_, Row { cells, key, title }): (usize, Row)| {
        let mut cells = cells.into_iter();
        let first = cells.next().unwrap_or_default();
        let act = on_pick.filter(|_| !key.is_empty());
        let head = match act {
            Some(act) => view! {
                <button type="button" class="link" on:click=move |_| act.run(key.clone())>{first}</button>
            }
            .into_any(),
            None => first.into_any(),
        };
        let title = (!title.is_empty()).then_some(title);
        view! {
            <tr title=title>
                <th scope="row">{head}</th>
                {cells.map(|cell| view! { <td>{cell}</td> }).collect_view()}
            </tr>
        }
    };
    let caption = move || table.with(|table| table.caption.clone());
    view! {
        <div class="table-scroll" tabindex="0" role="group" aria-label="Table">
            <table class="report-table" data-testid=move || table.with(|table| table.id.clone())>
                <Show when=move || !caption().is_empty()>
                    <caption>{caption}</caption>
                </Show>
                <thead>
                    <tr>
                        <For each=heads key=Clone::clone let((_, head))>
                            <th scope="col">{head}</th>
                        </For>
                    </tr>
                </thead>
                <tbody>
                    <For each=rows key=|(i, row)| (*i, row.cells.clone(), row.key.clone()) children=row />
                </tbody>
            </table>
        </div>
    }
}

/// What a block is, and what of it does not change while it stays.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Kind {
    Lead(&'static str),
    Paragraph,
    Note,
    Problem,
    Charts,
    Table(String),
    Terms,
    List(&'static str),
}

/// The kinds of all blocks in order, each with its number among those of its kind.
fn numbered(blocks: &[Block]) -> Vec<(usize, Kind)> {
    let kinds: Vec<Kind> = blocks.iter().map(kind).collect();
    let number = |i: usize| kinds[..i].iter().filter(|other| **other == kinds[i]).count();
    (0..kinds.len()).map(|i| (number(i), kinds[i].clone())).collect()
}

fn kind(block: &Block) -> Kind {
    match block {
        Block::Lead { id, .. } => Kind::Lead(id),
        Block::Paragraph(_) => Kind::Paragraph,
        Block::Note(_) => Kind::Note,
        Block::Problem(_) => Kind::Problem,
        Block::Charts(_) => Kind::Charts,
        Block::Table(table) => Kind::Table(table.id.clone()),
        Block::Terms { .. } => Kind::Terms,
        Block::List { id, .. } => Kind::List(id),
    }
}
