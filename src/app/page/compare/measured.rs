//! Heads and events of two runs: measured by an engine of their own on what the runs' checkpoints have recorded, when the reader asks
//! for it.

use std::{cell::RefCell, time::Duration};

use charts::report::Block;
use leptos::prelude::*;

use super::{Compared, Report};
use crate::{
    app::{
        compare::{
            events,
            heads::{self, Scored},
        },
        page::engine_client::EngineClient,
    },
    probe::{ProbeEvent, ProbeRequest, TabKind, TabView},
    protocol::{Command, DeviceChoice, Event, Phase, Record, checkpoint::Bytes},
};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Heads,
    Events,
}

impl What {
    /// The tab of "How it learns" that measures it.
    fn tab(self) -> TabKind {
        match self {
            Self::Heads => TabKind::Heads,
            Self::Events => TabKind::Transitions,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Heads => "Attention heads",
            Self::Events => "Events at the recorded steps",
        }
    }

    /// As in test hooks and sentences.
    fn name(self) -> &'static str {
        match self {
            Self::Heads => "heads",
            Self::Events => "events",
        }
    }

    fn about(self) -> &'static str {
        match self {
            Self::Heads => {
                "The scores are measured on the parameters that were recorded last of each run (of its first seed), by an engine of their own; the run on the page goes on meanwhile."
            }
            Self::Events => {
                "The loss on each event is measured on the parameters of all recorded steps of each run, by an engine of their own; the run on the page goes on meanwhile. One seed of each run: steps to learn have no interval over seeds."
            }
        }
    }
}

/// What was measured of one run.
#[derive(Clone, Debug, PartialEq)]
enum Found {
    Heads(Scored),
    Events(Box<Record>),
}

impl Found {
    /// What a tab has measured, once that is all; `first`: the first recorded step, which is measured last.
    fn new(tab: &TabView, first: usize) -> Option<Self> {
        match tab {
            TabView::Heads(heads) => {
                let (step, scores) = heads.latest_scores()?;
                let (scores, even) = (scores.to_vec(), heads.even_scores());
                Some(Self::Heads(Scored { step, heads: heads.heads, scores, even }))
            }
            TabView::Transitions(transitions) => {
                let record = transitions.record();
                record.step.first().is_some_and(|step| *step <= first).then(|| Self::Events(Box::new(record)))
            }
            _ => None,
        }
    }
}

/// How far the measuring of both is.
#[derive(Clone, Debug, PartialEq)]
enum State {
    Idle,
    /// The engine of this side is at work.
    Measuring(usize),
    Done(Box<[Found; 2]>),
    Failed(String),
}

const SIDES: [&str; 2] = ["A", "B"];

#[component]
pub fn Measurements(compared: Signal<Option<Compared>>, what: What) -> impl IntoView {
    let name = what.name();
    let state = RwSignal::new(State::Idle);
    let engine: Engine = StoredValue::new_local(None);
    // Other runs, or the same the other way round.
    Effect::new(move |_| {
        compared.track();
        stop(engine);
        state.set(State::Idle);
    });
    on_cleanup(move || stop(engine));
    let missing = Memo::new(move |_| {
        compared.with(|both| {
            let kept = SIDES.into_iter().zip(&both.as_ref()?.checkpoints);
            let without: Vec<&str> = kept.filter(|(_, kept)| kept.is_none()).map(|(side, _)| side).collect();
            let of = without.join(" and of ");
            (!without.is_empty())
                .then(|| format!("The {name} cannot be measured: of {of} no parameters were kept, only curves."))
        })
    });
    let words = move || match state.get() {
        State::Measuring(side) => format!("Measuring the {name} of {}.", SIDES[side.min(1)]),
        State::Failed(why) => format!("The {name} cannot be compared. {why}"),
        State::Idle | State::Done(_) => String::new(),
    };
    let found = Signal::derive(move || -> Vec<Block> {
        let State::Done(found) = state.get() else { return Vec::new() };
        match found.as_ref() {
            [Found::Heads(a), Found::Heads(b)] => {
                let alike =
                    |both: &Compared| heads::start_alike([both.runs[0].experiment(), both.runs[1].experiment()]);
                heads::blocks([a, b], compared.with(|both| both.as_ref().is_some_and(alike)))
            }
            [Found::Events(a), Found::Events(b)] => vec![Block::Table(events::table_of([vec![a], vec![b]]))],
            _ => Vec::new(),
        }
    });
    let press = move |_| {
        if let Some(both) = compared.get_untracked() {
            measure(what, both, Vec::new(), state, engine);
        }
    };
    view! {
        <section aria-label=what.title() data-testid=format!("compare-{name}-section")>
            <h3>{what.title()}</h3>
            <Show
                when=move || missing.with(Option::is_none)
                fallback=move || view! { <p class="note">{move || missing.get()}</p> }
            >
                <p class="note">{what.about()}</p>
                <button
                    type="button"
                    class="small"
                    data-testid=format!("compare-{name}-measure")
                    prop:disabled=move || matches!(state.get(), State::Measuring(_))
                    on:click=press
                >
                    {format!("Measure the {name} of both")}
                </button>
            </Show>
            <p role="status" data-testid=format!("compare-{name}-words")>{words}</p>
            <Report blocks=found />
        </section>
    }
}

type Engine = StoredValue<Option<EngineClient>, LocalStorage>;

fn stop(engine: Engine) {
    engine.try_update_value(|engine| {
        if let Some(engine) = engine.take() {
            engine.close();
        }
    });
}

/// Measures the side that comes after those that were, and then the next.
fn measure(what: What, both: Compared, before: Vec<Found>, state: RwSignal<State>, engine: Engine) {
    let side = before.len();
    state.set(State::Measuring(side));
    let first = both.runs[side].recorded().next().unwrap_or_default();
    let of = both.clone();
    let done = move |found: Result<Found, String>| {
        let (both, mut all) = (of.clone(), before.clone());
        // In a later task: the engine's own handler calls this.
        let next = move || {
            // Closed meanwhile, or other runs were chosen.
            if state.try_get_untracked() != Some(State::Measuring(side)) {
                return;
            }
            stop(engine);
            match found {
                Err(why) => state.set(State::Failed(format!("{}: {why}", SIDES[side.min(1)]))),
                Ok(found) => {
                    all.push(found);
                    match <[Found; 2]>::try_from(all) {
                        Ok(two) => state.set(State::Done(Box::new(two))),
                        Err(all) => measure(what, both, all, state, engine),
                    }
                }
            }
        };
        set_timeout(next, Duration::ZERO);
    };
    engine.set_value(start(what, &both, side, first, done));
}

/// Starts an engine at a checkpoint and opens the tab that measures; `done` gets what was found, or why there is nothing. `None` without
/// a checkpoint.
fn start(
    what: What,
    both: &Compared,
    side: usize,
    first: usize,
    done: impl Fn(Result<Found, String>) + 'static,
) -> Option<EngineClient> {
    let checkpoint = both.checkpoints[side].as_ref()?;
    let tab = RefCell::new(None::<TabView>);
    let client = EngineClient::new(move |event| match event {
        Event::Probe(ProbeEvent::Opened(Some((kind, opened)))) if kind == what.tab() => match opened {
            Ok(TabView::Transitions(transitions)) if transitions.record().events.is_empty() => {
                done(Err("No event of this world is frequent enough to be measured.".into()));
            }
            Ok(view) => *tab.borrow_mut() = Some(view),
            Err(why) => done(Err(why)),
        },
        Event::Probe(ProbeEvent::Measured(measured)) => {
            let mut tab = tab.borrow_mut();
            let Some(view) = tab.as_mut() else { return };
            view.add(*measured);
            if let Some(found) = Found::new(view, first) {
                done(Ok(found));
            }
        }
        Event::Phase(Phase::Failed { why, .. }) => done(Err(why)),
        _ => {}
    });
    client.connect();
    client.send(Command::Start {
        experiment: Box::new(both.runs[side].experiment().clone()),
        device: DeviceChoice::Cpu,
        hold: true,
        checkpoint: Some(Bytes(checkpoint.to_vec())),
    });
    client.send(Command::Probe(ProbeRequest::Open(Some(what.tab()))));
    Some(client)
}
