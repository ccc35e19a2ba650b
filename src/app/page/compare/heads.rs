//! Heads of two runs: measured by an engine of their own on the runs' checkpoints, when the reader asks for it.

use std::{cell::RefCell, rc::Rc, sync::Arc, time::Duration};

use charts::report::Block;
use leptos::prelude::*;

use super::{Compared, Report};
use crate::{
    app::{
        compare::heads::{Scored, blocks, start_alike},
        page::engine_client::EngineClient,
    },
    experiment::Experiment,
    probe::{ProbeEvent, ProbeRequest, TabKind, TabView},
    protocol::{Command, DeviceChoice, Event, Phase, checkpoint::Bytes},
};

/// How far the measuring of both is.
#[derive(Clone, Debug, PartialEq)]
enum State {
    Idle,
    /// The engine of this side is at work.
    Measuring(usize),
    Done(Box<[Scored; 2]>),
    Failed(String),
}

#[component]
pub fn HeadsComparison(compared: Signal<Option<Compared>>) -> impl IntoView {
    let state = RwSignal::new(State::Idle);
    let engine = StoredValue::new_local(None::<EngineClient>);
    let stop = move || {
        engine.try_update_value(|engine| {
            if let Some(engine) = engine.take() {
                engine.close();
            }
        });
    };
    // Other runs, or the same the other way round.
    Effect::new(move |_| {
        compared.track();
        stop();
        state.set(State::Idle);
    });
    on_cleanup(stop);
    let missing = move || {
        compared.with(|both| {
            let both = both.as_ref()?;
            let without: Vec<&str> = ["A", "B"]
                .into_iter()
                .zip(&both.checkpoints)
                .filter(|(_, c)| c.is_none())
                .map(|(side, _)| side)
                .collect();
            (!without.is_empty()).then(|| {
                format!(
                    "Attention heads cannot be compared: of {} no parameters were kept, only curves.",
                    without.join(" and of ")
                )
            })
        })
    };
    let words = move || match state.get() {
        State::Measuring(side) => format!("Measuring the heads of {}.", ["A", "B"][side.min(1)]),
        State::Failed(why) => format!("Attention heads cannot be compared: {why}"),
        State::Idle | State::Done(_) => String::new(),
    };
    let found = Signal::derive(move || -> Vec<Block> {
        let State::Done(scored) = state.get() else { return Vec::new() };
        let alike = compared.with(|both| {
            both.as_ref().is_some_and(|both| start_alike([both.runs[0].experiment(), both.runs[1].experiment()]))
        });
        let [a, b] = scored.as_ref();
        blocks([a, b], alike)
    });
    view! {
        <section aria-label="Attention heads" data-testid="compare-heads-section">
            <h3>"Attention heads"</h3>
            <Show
                when=move || missing().is_none()
                fallback=move || view! { <p class="note" data-testid="compare-heads-missing">{missing}</p> }
            >
                <p class="note">
                    "The scores are measured on the parameters that were kept last of each run, by an engine of their own; the run on the page goes on meanwhile."
                </p>
                <button
                    type="button"
                    class="small"
                    data-testid="compare-heads-measure"
                    prop:disabled=move || matches!(state.get(), State::Measuring(_))
                    on:click=move |_| if let Some(both) = compared.get_untracked() {
                        measure(both, 0, Vec::new(), state, engine);
                    }
                >
                    "Measure the heads of both"
                </button>
            </Show>
            <p role="status" data-testid="compare-heads-words">{words}</p>
            <Report blocks=found />
        </section>
    }
}

type Engine = StoredValue<Option<EngineClient>, LocalStorage>;

/// Measures one side, and then the next.
fn measure(both: Compared, side: usize, before: Vec<Scored>, state: RwSignal<State>, engine: Engine) {
    let Some(checkpoint) = both.checkpoints[side].clone() else { return };
    state.set(State::Measuring(side));
    let experiment = both.runs[side].experiment().clone();
    let done = move |found: Result<Scored, String>| {
        let (both, mut all) = (both.clone(), before.clone());
        // In a later task: the engine's own handler calls this.
        set_timeout(
            move || {
                // Closed meanwhile, or other runs were chosen.
                if state.try_get_untracked() != Some(State::Measuring(side)) {
                    return;
                }
                engine.try_update_value(|engine| {
                    if let Some(engine) = engine.take() {
                        engine.close();
                    }
                });
                match found {
                    Err(why) => state.set(State::Failed(format!("{}: {why}", ["A", "B"][side.min(1)]))),
                    Ok(scored) => {
                        all.push(scored);
                        match <[Scored; 2]>::try_from(all) {
                            Ok(two) => state.set(State::Done(Box::new(two))),
                            Err(all) => measure(both, side + 1, all, state, engine),
                        }
                    }
                }
            },
            Duration::ZERO,
        );
    };
    let client = start(&experiment, &checkpoint, done);
    engine.set_value(Some(client));
}

/// Starts an engine at a checkpoint and opens its tab of heads; `done` gets the scores of the latest step, or why there are none.
fn start(
    experiment: &Experiment,
    checkpoint: &Arc<Vec<u8>>,
    done: impl Fn(Result<Scored, String>) + 'static,
) -> EngineClient {
    let tab = Rc::new(RefCell::new(None::<TabView>));
    let client = EngineClient::new(move |event| match event {
        Event::Probe(ProbeEvent::Opened(Some((TabKind::Heads, Ok(view))))) => *tab.borrow_mut() = Some(view),
        Event::Probe(ProbeEvent::Opened(Some((TabKind::Heads, Err(why))))) => done(Err(why)),
        Event::Probe(ProbeEvent::Measured(measured)) => {
            let mut tab = tab.borrow_mut();
            let Some(view) = tab.as_mut() else { return };
            view.add(*measured);
            if let TabView::Heads(heads) = view
                && let Some((step, scores)) = heads.latest_scores()
            {
                done(Ok(Scored { step, heads: heads.heads, scores: scores.to_vec(), even: heads.even_scores() }));
            }
        }
        Event::Phase(Phase::Failed { why, .. }) => done(Err(why)),
        _ => {}
    });
    client.connect();
    client.send(Command::Start {
        experiment: Box::new(experiment.clone()),
        device: DeviceChoice::Cpu,
        hold: true,
        checkpoint: Some(Bytes(checkpoint.to_vec())),
    });
    client.send(Command::Probe(ProbeRequest::Open(Some(TabKind::Heads))));
    client
}
