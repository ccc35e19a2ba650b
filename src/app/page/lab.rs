//! The lab: sweeps over many runs. A coordinator in a worker of its own (`engine::lab`) draws it as HTML; here it is only put in
//! place, and what is pressed and typed goes back.

use std::time::Duration;

use js_sys::{JSON, Object, Reflect};
use leptos::prelude::*;
use wasm_bindgen::{JsCast, prelude::*};
use web_sys::{Event, MessageEvent, Worker};

use super::{
    controls::{When, effect, truth, words},
    engine_client::words_of,
    pieces::{hear_from, obey, put},
    share::{listen, show_lab},
    state::use_app,
};
use crate::protocol::{
    Phase, SweepEvent, SweepRequest,
    transfer::{self, Received},
};

#[wasm_bindgen]
extern "C" {
    /// `www/boot.js`: a new worker in the coordinator's role, as `takeEngine` gives one.
    #[wasm_bindgen(js_namespace = ["globalThis", "icl"], js_name = takeLab)]
    fn take_lab() -> JsValue;
}

/// The whole view's place, which the coordinator fills.
const PLACE: &str = "lab";
const LOADING: &str = "<p>Loading the engine.</p>";

/// Ticks of a second without a word of the coordinator after which it counts as lost; it says that it is there every second. Ticks, not
/// time: while a machine sleeps, nobody ticks. `?patience=` in seconds, for tests.
const PATIENCE: u32 = 20;

/// The coordinator, as the page holds it.
#[derive(Clone, Copy)]
struct Coordinator {
    worker: StoredValue<Option<Worker>, LocalStorage>,
    /// Ticks since it last said anything.
    quiet: StoredValue<u32>,
    lost: RwSignal<String>,
}

impl Coordinator {
    fn request(self, request: &SweepRequest) {
        self.worker.with_value(|worker| {
            if let Some(worker) = worker {
                transfer::send(worker, request);
            }
        });
    }

    /// Starts one in the place of another.
    fn start(self) {
        self.stop();
        self.lost.set(String::new());
        self.quiet.set_value(0);
        let taken = take_lab();
        let part = |name: &str| Reflect::get(&taken, &name.into()).ok();
        let Some(worker) = part("worker").and_then(|worker| worker.dyn_into::<Worker>().ok()) else {
            let why = part("why").and_then(|why| why.as_string()).unwrap_or_default();
            self.lost.set(format!("Sweeps could not be started: {why}."));
            return;
        };
        let mine = {
            let worker = worker.clone();
            // A worker that was replaced in between is not listened to.
            move || self.worker.with_value(|now| now.as_ref() == Some(&worker))
        };
        let still_mine = mine.clone();
        listen(&worker, "message", move |message: MessageEvent| {
            if still_mine() {
                self.quiet.set_value(0);
                self.on_message(&message.data());
            }
        });
        listen(&worker, "error", move |error: Event| {
            error.prevent_default();
            if mine() {
                self.fail(&format!("Sweeps stopped: {}.", words_of(&error)));
            }
        });
        // The boot script's own listeners only collect.
        worker.set_onmessage(None);
        worker.set_onerror(None);
        self.worker.set_value(Some(worker));
    }

    fn stop(self) {
        if let Some(worker) = self.worker.try_update_value(Option::take).flatten() {
            // What it started beneath itself ends with it.
            worker.terminate();
        }
    }

    fn fail(self, why: &str) {
        self.stop();
        self.lost.set(why.into());
        put("badge", "");
    }

    /// Does what the coordinator says.
    fn on_message(self, data: &JsValue) {
        match transfer::receive(data) {
            Ok(Received::Message(SweepEvent::Text(text))) => obey(&serde_json::from_str(&text).unwrap_or_default()),
            Ok(Received::Message(SweepEvent::Failed { why }) | Received::Script(Phase::Failed { why, .. })) => {
                self.fail(&why);
            }
            Ok(Received::Message(SweepEvent::Alive) | Received::Script(_)) => {}
            Err(why) => {
                self.fail(&format!("Sweeps sent a message that this page cannot read: {why}. Reload the page."))
            }
        }
    }

    /// Called every second.
    fn tick(self, patience: u32) {
        if self.worker.with_value(Option::is_none) {
            return;
        }
        self.quiet.update_value(|quiet| *quiet += 1);
        if self.quiet.get_value() > patience {
            self.fail("What runs the sweeps has said nothing for a while.");
        }
    }
}

#[component]
pub fn Lab() -> impl IntoView {
    let app = use_app();
    let coordinator = Coordinator {
        worker: StoredValue::new_local(None),
        quiet: StoredValue::new(0),
        lost: RwSignal::new(String::new()),
    };
    let base = move |what: &str| {
        let message = Object::new();
        for (name, text) in [
            ("lab", what.into()),
            ("experiment", app.draft.with(crate::experiment::Experiment::to_json)),
            ("preset", app.preset.get().name.into()),
        ] {
            // An object of one's own takes any field.
            let _ = Reflect::set(&message, &name.into(), &text.into());
        }
        let text = JSON::stringify(&message).map(String::from).unwrap_or_default();
        coordinator.request(&SweepRequest::Text(text));
    };
    // The experiment in the controls, whenever it changes beside an open lab.
    effect(move || {
        if !app.lab.get() {
            return;
        }
        let fresh = coordinator.worker.with_value(Option::is_none);
        if fresh {
            coordinator.start();
        }
        base(if fresh { "opened" } else { "base" });
    });
    let again = move |_| {
        put(PLACE, LOADING);
        coordinator.start();
        untrack(|| base("opened"));
    };
    let patience = patience().unwrap_or(PATIENCE);
    set_interval(move || coordinator.tick(patience), Duration::from_secs(1));
    let place = NodeRef::<leptos::html::Main>::new();
    effect(move || {
        if let Some(place) = place.get() {
            hear_from(&place, "lab", move |text| coordinator.request(&SweepRequest::Text(text)));
        }
    });
    view! {
        <main class="lab" aria-label="Sweeps" data-testid="lab" node_ref=place hidden=truth(move || !app.lab.get())>
            <button type="button" class="lab-close" data-testid="lab-close" on:click=move |_| show_lab(app, false)>"Back to the playground"</button>
            <When on=truth(move || !coordinator.lost.with(String::is_empty))>
                <div class="banner failed lab-lost" role="alert" data-testid="lab-lost">
                    <p>{words(move || coordinator.lost.get())}" Finished runs are kept; what was under way waits in the list."</p>
                    <button type="button" class="primary" data-testid="lab-again" on:click=again>"Start sweeps again"</button>
                </div>
            </When>
            <div id=PLACE inner_html=LOADING></div>
        </main>
    }
}

fn patience() -> Option<u32> {
    let query = window().location().search().unwrap_or_default();
    query.trim_start_matches('?').split('&').find_map(|part| part.strip_prefix("patience=")?.parse().ok())
}
