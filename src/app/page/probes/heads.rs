//! Attention heads: maps to point at and to choose from, scores over training, and switches.

use leptos::prelude::*;

use super::{Choose, ask, blocks, blocks_for};
use crate::{
    app::page::{report::Report, state::use_app},
    probe::{
        Choice as Request, TabView,
        heads::{Choice, Head, Heads, head_of},
    },
};

fn tab(view: &TabView) -> Option<&Heads> {
    match view {
        TabView::Heads(tab) => Some(tab),
        _ => None,
    }
}

/// What stays while the tab is open.
#[derive(Clone, Default, PartialEq)]
struct Fixed {
    sequences: Vec<String>,
    heads: Vec<Head>,
    names: Vec<String>,
    /// The page has the maps of all sequences.
    all_sequences: bool,
    first: Choice,
}

impl Fixed {
    fn of(tab: &Heads) -> Self {
        let heads: Vec<Head> = tab.all().collect();
        Self {
            sequences: tab.sequences(),
            names: heads.iter().map(|head| tab.name(*head)).collect(),
            heads,
            all_sequences: tab.all_sequences,
            first: tab.first_choice(),
        }
    }
}

#[component]
pub fn HeadsTab() -> impl IntoView {
    let probes = use_app().probes;
    let fixed = Memo::new(move |_| probes.with(|view, _, _| tab(view).map(Fixed::of)).flatten().unwrap_or_default());
    // `None` until the reader chose.
    let (sequence, head) = (RwSignal::new(None::<usize>), RwSignal::new(None::<Head>));
    let off = RwSignal::new(None::<Vec<Head>>);
    let choice = Memo::new(move |_| Choice {
        sequence: sequence.get().unwrap_or_default(),
        head: head.get().unwrap_or_else(|| fixed.with(|fixed| fixed.first.head)),
        off: off.get().unwrap_or_default(),
    });
    ask(move || sequence.get().filter(|_| fixed.with(|fixed| !fixed.all_sequences)).map(Request::Sequence));
    ask(move || off.get().map(Request::HeadsOff));

    // The maps are many numbers: they are drawn anew only where they are others.
    let drawn = Memo::new(move |_| {
        let (sequence, head) = choice.with(|choice| (choice.sequence, choice.head));
        let now = probes.with(|view, _, _| tab(view).map(|tab| (tab.mapped(sequence), tab.imbalance())));
        (probes.opened.get(), sequence, head, now.flatten())
    });
    let maps = blocks_for(drawn, move |view, _, _| {
        let Some(tab) = tab(view) else { return Vec::new() };
        tab.problem().into_iter().chain(tab.map_blocks(&choice.get_untracked())).collect()
    });
    let strongest = blocks_for(drawn, move |view, _, _| {
        tab(view).and_then(|tab| tab.strongest(&choice.get_untracked())).into_iter().collect()
    });
    let scores = blocks(|view, record, shown| {
        let Some(tab) = tab(view) else { return Vec::new() };
        tab.score_blocks(record, shown).into_iter().chain(tab.icl_blocks(record, shown)).collect()
    });
    let ablation = blocks(move |view, record, shown| {
        let Some(tab) = tab(view) else { return Vec::new() };
        tab.ablation_blocks(record, &choice.get()).into_iter().chain(tab.table_blocks(shown)).collect()
    });

    let pointed = RwSignal::new(None::<(Head, f64)>);
    let point = move |(id, at): (String, f64)| {
        if let Some(head) = Heads::head_of_chart(&id, &choice.get_untracked()) {
            pointed.set(Some((head, at)));
        }
    };
    let weight = Memo::new(move |_| {
        drawn.with(|_| ());
        let words = |view: &TabView| tab(view).map(|tab| tab.weight_words(&choice.get_untracked(), pointed.get()));
        probes.with_untracked(|view, _, _| words(view)).flatten().unwrap_or_default()
    });
    view! {
        <div class="probe-row">
            <Choose
                id="heads-sequence"
                label="Sequence"
                options=Signal::derive(move || fixed.with(|fixed| fixed.sequences.clone()))
                chosen=Signal::derive(move || choice.with(|choice| choice.sequence))
                set=move |i| {
                    sequence.set(Some(i));
                    pointed.set(None);
                }
            />
            <Choose
                id="heads-head"
                label="Head (block.head)"
                options=Signal::derive(move || fixed.with(|fixed| fixed.names.clone()))
                chosen=Signal::derive(move || {
                    let head = choice.with(|choice| choice.head);
                    fixed.with(|fixed| fixed.heads.iter().position(|at| *at == head)).unwrap_or_default()
                })
                set=move |i: usize| head.set(fixed.with_untracked(|fixed| fixed.heads.get(i).copied()))
            />
        </div>
        <Report
            blocks=maps
            on_place=Callback::new(point)
            on_pick=Callback::new(move |key: String| head.set(head_of(&key).or(head.get_untracked())))
        />
        <p class="note" role="status" data-testid="heads-weight">{move || weight.get()}</p>
        <Report blocks=strongest />
        <Report blocks=scores />
        <Switches heads=Signal::derive(move || fixed.with(|f| f.heads.iter().copied().zip(f.names.clone()).collect())) off />
        <Report blocks=ablation />
    }
}

/// A button for each head that switches it off and on.
#[component]
fn Switches(
    /// Each head with its name.
    heads: Signal<Vec<(Head, String)>>,
    off: RwSignal<Option<Vec<Head>>>,
) -> impl IntoView {
    let is_off = move |head: Head| off.with(|off| off.as_ref().is_some_and(|off| off.contains(&head)));
    let press = move |head: Head| {
        off.update(|off| {
            let off = off.get_or_insert_default();
            match off.iter().position(|at| *at == head) {
                Some(at) => drop(off.remove(at)),
                None => off.push(head),
            }
            off.sort_unstable();
        });
    };
    let button = move |(head, name): (Head, String)| {
        let title = move || match is_off(head) {
            true => format!("Head {name} is switched off; press to switch it on"),
            false => format!("Switch head {name} off"),
        };
        view! {
            <button
                type="button"
                data-testid=format!("heads-ablate-{}-{}", head.0, head.1)
                aria-pressed=move || if is_off(head) { "true" } else { "false" }
                title=title
                on:click=move |_| press(head)
            >
                {format!("{}.{}", head.0 + 1, head.1 + 1)}
            </button>
        }
    };
    view! {
        <div class="probe-row">
            <span>"Switch off"</span>
            <div class="segments" role="group" aria-label="Heads that are switched off">
                <For each=move || heads.get() key=Clone::clone children=button />
            </div>
            <button
                type="button"
                class="quiet small"
                data-testid="heads-ablate-none"
                disabled=move || off.with(|off| off.as_ref().is_none_or(Vec::is_empty))
                on:click=move |_| off.set(Some(Vec::new()))
            >
                "All on"
            </button>
        </div>
    }
}
