//! One point: its numbers, the way into the playground, and a second run to compare.

use std::sync::Arc;

use leptos::prelude::*;

use super::store::{Live, Store};
use crate::{
    app::sweeps::{
        Check, Point,
        compare::{Line, lines, verdict},
    },
    protocol::SweepRequest,
};

#[component]
pub fn Detail(live: Arc<Live>) -> impl IntoView {
    let chosen = {
        let chosen = live.chosen.clone();
        Memo::new(move |_| chosen.get())
    };
    move || match chosen.get() {
        Some(point) => view! { <Chosen live=live.clone() point /> }.into_any(),
        None => view! {
            <p class="note">"Press a run to see its numbers, open it in the playground, or run it again."</p>
        }
        .into_any(),
    }
}

#[component]
fn Chosen(live: Arc<Live>, point: usize) -> impl IntoView {
    let store = expect_context::<Store>();
    let key = live.open.keys.get(point).cloned().unwrap_or_default();
    let link = format!("#{}", live.open.link(point));
    let unit = format!("Nats per {}.", live.open.sweep.base.world.observation().word());
    let Some(state) = live.points.get(point).cloned() else { return ().into_any() };
    let is_done = {
        let state = state.clone();
        Memo::new(move |_| state.with(|state| matches!(state, Point::Done { .. })))
    };
    let why = Memo::new(move |_| {
        state.with(|state| if let Point::Failed(why) = state { why.clone() } else { String::new() })
    });
    let failed = move || why.with(|why| !why.is_empty());
    let check = {
        let check = live.check.clone();
        Memo::new(move |_| check.with(|check| check.clone().filter(|(of, _)| *of == point).map(|(_, check)| check)))
    };
    let rows = {
        let runs = live.runs.clone();
        Memo::new(move |_| {
            check.with(|check| {
                runs.with(|runs| runs.get(point)?.as_ref().map(|run| lines(run, check.as_ref()))).unwrap_or_default()
            })
        })
    };
    let again = Memo::new(move |_| check.with(|check| matches!(check, Some(Check::Done(_)))));
    let said = move || rows.with(|rows| check.with(|check| verdict(rows, check.as_ref())));
    let id = live.open.id.clone();
    let retry = move |_| store.request(&SweepRequest::Retry { id: id.clone(), point: Some(point) });
    let retry = StoredValue::new(retry);
    let live = StoredValue::new(live);
    view! {
        <div class="sweeps-detail" tabindex="-1" data-testid="lab-detail">
            <h4>{key}</h4>
            <div class="row">
                <a class="button" href=link data-testid="lab-open-cell">"Open in the playground"</a>
                <Show when=failed>
                    <button type="button" data-testid="lab-retry-cell" on:click=move |e| retry.with_value(|retry| retry(e))>
                        "Retry"
                    </button>
                </Show>
                <Show when=move || is_done.get()>
                    <button
                        type="button"
                        data-testid="lab-check"
                        on:click=move |_| live.with_value(|live| store.check(live, point))
                    >
                        "Run again and compare"
                    </button>
                </Show>
            </div>
            <Show when=failed>
                <p class="problem">{move || why.get()}</p>
            </Show>
            <Show when=move || is_done.get()>
                <div class="sweeps-scroll" tabindex="0" role="group" aria-label="Numbers of this run">
                    <table class="sweeps-table">
                        <Show when=move || again.get()>
                            <thead>
                                <tr>
                                    <th></th>
                                    <th scope="col">"recorded"</th>
                                    <th scope="col">"run again"</th>
                                    <th></th>
                                </tr>
                            </thead>
                        </Show>
                        <tbody>
                            <For each=move || rows.get() key=|line| (line.title, line.again.clone()) let(line)>
                                <NumberLine line />
                            </For>
                        </tbody>
                    </table>
                </div>
                <p role="status" data-testid="lab-verdict">{said}</p>
                <p class="note">{unit.clone()}</p>
            </Show>
        </div>
    }
    .into_any()
}

#[component]
fn NumberLine(line: Line) -> impl IntoView {
    let again = line.again.map(|(second, same)| {
        view! {
            <td>{second}</td>
            <td>{if same { "agrees" } else { "differs" }}</td>
        }
    });
    view! {
        <tr>
            <th scope="row">{line.title}</th>
            <td>{line.first}</td>
            {again}
        </tr>
    }
}
