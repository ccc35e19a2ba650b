//! The form of a new sweep. What is typed is read and answered here, without the coordinator.

use std::{sync::Arc, time::Duration};

use leptos::{ev, prelude::*};

use super::store::Store;
use crate::{
    app::sweeps::{
        Count, Form, Plan,
        form::{Group, HOLDS, ROWS, has_components, has_events},
        words::{plural, summary},
    },
    experiment::Problem,
    protocol::DeviceChoice,
    sweep::{cost::worker_count, name::MOST},
};

/// Most milliseconds that counting takes at a time.
const AT_ONCE: f64 = 12.0;
/// Runs that are counted between two looks at the clock.
const RUNS: usize = 16;

/// What the form comes to.
#[derive(Clone, PartialEq)]
enum Answer {
    Counting,
    Problems(Vec<String>),
    Plan(Arc<Plan>),
}

#[component]
pub fn NewSweep() -> impl IntoView {
    let app = expect_context::<Store>().app;
    let is_sound = Memo::new(move |_| app.problems.with(Vec::is_empty));
    let problems = move || {
        view! {
            <p>"The experiment in the controls cannot run as it is. Leave this view and mend it first."</p>
            <div class="problem" data-testid="lab-problems">
                <For each=move || numbered(sentences(&app.problems.get())) key=Clone::clone let((_, text))>
                    <p>{text}</p>
                </For>
            </div>
        }
    };
    let base = expect_context::<Store>().base;
    let about = move || base.with(summary);
    view! {
        <Show when=move || is_sound.get() fallback=problems>
            <p>
                "Every run is the experiment in the controls, "
                {about}
                ", with the values below in its place."
            </p>
            <NewSweepForm />
        </Show>
    }
}

/// Two sentences may be the same.
fn numbered(sentences: Vec<String>) -> Vec<(usize, String)> {
    sentences.into_iter().enumerate().collect()
}

fn sentences(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

#[component]
fn NewSweepForm() -> impl IntoView {
    let store = expect_context::<Store>();
    let (app, form) = (store.app, store.form);
    let cores = window().navigator().hardware_concurrency().max(1.0) as usize;
    let answer = count(store);
    let submit = move |e: ev::SubmitEvent| {
        e.prevent_default();
        if let Answer::Plan(plan) = answer.get_untracked() {
            store.start(&plan, app.preset.get_untracked().name);
        }
    };
    let holds = HOLDS.map(|(name, label)| {
        view! { <option value=name prop:selected=move || form.with(|form| form.hold == name)>{label}</option> }
    });
    let cpu = format!("CPU, {} at once", plural(worker_count(DeviceChoice::Cpu, cores), "run", "runs"));
    let is_gpu = move || form.with(|form| form.device == DeviceChoice::Gpu);
    let set_device = move |e: ev::Event| {
        let device = if event_target_value(&e) == "gpu" { DeviceChoice::Gpu } else { DeviceChoice::Cpu };
        form.update(|form| form.device = device);
    };
    view! {
        <form class="sweeps-form" on:submit=submit>
            <div class="sweeps-axes" role="group" aria-label="What is varied">
                {(0..ROWS).map(|row| view! { <Axis row /> }).collect_view()}
            </div>
            <p class="note">
                "Values are parted by commas; 1..5 is every whole number from 1 to 5. Every combination is one run."
            </p>
            <Measured />
            <div class="sweeps-choices">
                <label>
                    <span>"Name"</span>
                    <input
                        type="text"
                        autocomplete="off"
                        maxlength=MOST
                        placeholder="none"
                        data-testid="lab-new-name"
                        prop:value=move || form.with(|form| form.name.clone())
                        on:input=move |e| form.update(|form| form.name = event_target_value(&e))
                    />
                </label>
                <label>
                    <span>"K·N·T"</span>
                    <select data-testid="lab-hold" on:change=move |e| form.update(|form| form.hold = event_target_value(&e))>
                        {holds}
                    </select>
                </label>
                <label>
                    <span>"Device"</span>
                    <select data-testid="lab-device" on:change=set_device>
                        <option value="cpu" prop:selected=move || !is_gpu()>{cpu}</option>
                        <option value="gpu" prop:selected=is_gpu>"GPU, by WebGPU, one run at a time"</option>
                    </select>
                </label>
            </div>
            <AnswerView answer cores />
            <div>
                <button
                    type="submit"
                    class="primary"
                    data-testid="lab-start"
                    prop:disabled=move || answer.with(|answer| !matches!(answer, Answer::Plan(_)))
                >
                    "Start the sweep"
                </button>
            </div>
        </form>
    }
}

/// What is measured only where it is asked for, as far as the world has it.
#[component]
fn Measured() -> impl IntoView {
    let store = expect_context::<Store>();
    let form = store.form;
    let with_components = Memo::new(move |_| store.base.with(has_components));
    let with_events = Memo::new(move |_| store.base.with(has_events));
    let is_on = move |read: fn(&Form) -> bool| move || form.with(read);
    let set =
        move |put: fn(&mut Form, bool)| move |e: ev::Event| form.update(|form| put(form, event_target_checked(&e)));
    view! {
        <div class="sweeps-choices" role="group" aria-label="What is measured besides">
            <Show when=move || with_events.get()>
                <label>
                    <input
                        type="checkbox"
                        data-testid="lab-events"
                        prop:checked=is_on(|form| form.events)
                        on:change=set(|form, on| form.events = on)
                    />
                    <span>"Measure the steps to learn each event"</span>
                </label>
            </Show>
            <Show when=move || with_components.get()>
                <label>
                    <input
                        type="checkbox"
                        data-testid="lab-components"
                        prop:checked=is_on(|form| form.components)
                        on:change=set(|form, on| form.components = on)
                    />
                    <span>"Measure the loss on each component of the mixture"</span>
                </label>
            </Show>
        </div>
    }
}

/// A field and its values.
#[component]
fn Axis(row: usize) -> impl IntoView {
    let store = expect_context::<Store>();
    let (app, form) = (store.app, store.form);
    let groups = Memo::new(move |_| store.base.with(|base| form.with(|form| form.groups(row, base))));
    let hint = Memo::new(move |_| store.base.with(|base| form.with(|form| form.hint(row, base))));
    let option = move |(name, label): (String, String)| {
        let own = name.clone();
        let is_chosen = Memo::new(move |_| form.with(|form| form.rows[row].0 == own));
        view! { <option value=name prop:selected=move || is_chosen.get()>{label}</option> }
    };
    let group = move |group: Group| {
        let options = group.fields.into_iter().map(option).collect_view();
        view! { <optgroup label=group.title>{options}</optgroup> }
    };
    let choose = move |e: ev::Event| {
        let field = event_target_value(&e);
        app.draft.with_untracked(|base| form.update(|form| form.choose(row, &field, base)));
    };
    view! {
        <div class="sweeps-axis">
            <select
                aria-label=format!("Field of axis {}", row + 1)
                data-testid=format!("lab-field-{row}")
                on:change=choose
            >
                {option((String::new(), "–".into()))}
                <For each=move || groups.get() key=Clone::clone children=group />
            </select>
            <input
                type="text"
                autocomplete="off"
                spellcheck="false"
                placeholder="no axis"
                aria-label=format!("Values of axis {}", row + 1)
                aria-describedby=format!("sweeps-hint-{row} sweeps-note")
                data-testid=format!("lab-values-{row}")
                prop:value=move || form.with(|form| form.rows[row].1.clone())
                on:input=move |e| form.update(|form| form.rows[row].1 = event_target_value(&e))
            />
            <span class="note" id=format!("sweeps-hint-{row}") data-testid=format!("lab-hint-{row}")>
                {move || hint.get()}
            </span>
        </div>
    }
}

/// How many runs, how long, or what is wrong.
#[component]
fn AnswerView(answer: RwSignal<Answer>, cores: usize) -> impl IntoView {
    let store = expect_context::<Store>();
    let problems = move || match answer.get() {
        Answer::Problems(problems) => numbered(problems),
        Answer::Counting | Answer::Plan(_) => Vec::new(),
    };
    let has_problems = Memo::new(move |_| answer.with(|answer| matches!(answer, Answer::Problems(_))));
    let sentence = Memo::new(move |_| {
        let device = store.form.with(|form| form.device);
        let pace = store.status.with(|status| status.pace.filter(|(on, _)| *on == device).map(|(_, pace)| pace));
        answer.with(|answer| match answer {
            Answer::Plan(plan) => plan.sentence(device, cores, pace),
            Answer::Counting => "Counting the runs.".into(),
            Answer::Problems(_) => String::new(),
        })
    });
    let count = move || view! { <p data-testid="lab-count">{move || sentence.get()}</p> };
    view! {
        <div id="sweeps-note" class="sweeps-note" role="status" data-testid="lab-note">
            <Show when=move || has_problems.get() fallback=count>
                <div class="problem" data-testid="lab-problems">
                    <For each=problems key=Clone::clone let((_, text))>
                        <p>{text}</p>
                    </For>
                </div>
            </Show>
        </div>
    }
}

/// Follows the form: small grids are answered at once, large ones in tasks of a few milliseconds each. The newest form wins.
fn count(store: Store) -> RwSignal<Answer> {
    let answer = RwSignal::new(Answer::Counting);
    let latest = StoredValue::new(0_u64);
    // The name and the device make no other grid.
    let grid = Memo::new(move |_| {
        store.form.with(|form| (form.rows.clone(), form.hold.clone(), form.components, form.events))
    });
    Effect::new(move |_| {
        // Read, and not only tracked: a memo that nobody reads is never computed, and tells nobody.
        grid.with(|_| ());
        latest.update_value(|number| *number += 1);
        let number = latest.get_value();
        match store.base.with(|base| store.form.with_untracked(|form| Count::new(form, base))) {
            Ok(count) => advance(count, number, latest, answer),
            Err(problems) => put(answer, Answer::Problems(sentences(&problems))),
        }
    });
    answer
}

fn advance(mut count: Count, number: u64, latest: StoredValue<u64>, answer: RwSignal<Answer>) {
    let start = now();
    while count.advance(RUNS) {
        if now() - start > AT_ONCE {
            put(answer, Answer::Counting);
            let go_on = move || {
                // The form is gone, or says something else.
                if latest.try_get_value() == Some(number) {
                    advance(count, number, latest, answer);
                }
            };
            set_timeout(go_on, Duration::ZERO);
            return;
        }
    }
    put(
        answer,
        match count.finish() {
            Ok(plan) => Answer::Plan(Arc::new(plan)),
            Err(problems) => Answer::Problems(sentences(&problems)),
        },
    );
}

fn put(signal: RwSignal<Answer>, answer: Answer) {
    if signal.with_untracked(|old| *old != answer) {
        signal.set(answer);
    }
}

fn now() -> f64 {
    window().performance().map_or(0.0, |performance| performance.now())
}
