//! The page's end of the line to the engine's worker.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use wasm_bindgen::{JsCast, prelude::*};
use web_sys::{MessageEvent, Worker};

use crate::protocol::{
    Command, Event, FromEngine, NO_RUN, PROTOCOL, Phase, ToEngine,
    transfer::{self, Received},
    wire::{self, DecodeError},
};

#[wasm_bindgen]
extern "C" {
    /// `www/boot.js`: the worker started with the page, or a new one: `{ worker, inbox }`, or null.
    #[wasm_bindgen(js_namespace = ["globalThis", "icl"], js_name = takeEngine)]
    fn take_engine() -> JsValue;
}

/// One worker at a time; replacing it keeps nothing but the listener.
#[derive(Clone)]
pub struct EngineClient(Rc<Line>);

/// Gets each event of the engine itself and of the run that was started last.
type Listener = Box<dyn Fn(Event)>;
/// A handler that must live as long as its worker.
type Handler<E> = RefCell<Option<Closure<dyn FnMut(E)>>>;

struct Line {
    worker: RefCell<Option<Worker>>,
    /// Encoded commands that were given before the worker was ready.
    queue: RefCell<Option<Vec<Vec<u8>>>>,
    /// Number of the run that was started last: events of others are dropped.
    run: Cell<u32>,
    /// `performance.now()` of the last message, ms.
    last_message: Cell<f64>,
    /// Once a worker has failed, what else it says is an echo.
    failed: Cell<bool>,
    /// The cores that the worker was given; `None`: all of the machine's.
    cores: Cell<Option<usize>>,
    listener: Listener,
    on_message: Handler<MessageEvent>,
    on_error: Handler<web_sys::Event>,
}

impl EngineClient {
    /// `listener` gets each event of the engine itself and of the run that was started last.
    pub fn new(listener: impl Fn(Event) + 'static) -> Self {
        Self(Rc::new(Line {
            worker: RefCell::new(None),
            queue: RefCell::new(Some(Vec::new())),
            run: Cell::new(NO_RUN),
            last_message: Cell::new(0.0),
            failed: Cell::new(false),
            cores: Cell::new(None),
            listener: Box::new(listener),
            on_message: RefCell::new(None),
            on_error: RefCell::new(None),
        }))
    }

    /// Connects to a worker: the one that the boot script started, or a fresh one in its place.
    pub fn connect(&self) {
        let line = &self.0;
        self.close();
        *line.queue.borrow_mut() = Some(Vec::new());
        line.failed.set(false);
        line.last_message.set(now());
        let taken = take_engine();
        let part = |name: &str| js_sys::Reflect::get(&taken, &name.into()).ok();
        let Some(worker) = part("worker").and_then(|w| w.dyn_into::<Worker>().ok()) else {
            let why = part("why").and_then(|why| why.as_string()).unwrap_or_else(|| "there was no worker".into());
            self.fail(
                &format!("The engine could not be started: {why}."),
                "Reload the page, or try another browser or an update of this one.",
            );
            return;
        };
        let on_message = {
            let this = self.clone();
            Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| this.on_message(&message.data()))
        };
        let on_error = {
            let this = self.clone();
            Closure::<dyn FnMut(web_sys::Event)>::new(move |error: web_sys::Event| {
                error.prevent_default();
                let words = words_of(&error);
                if this.0.queue.borrow().is_some() {
                    this.fail(
                        &format!("The engine could not be loaded: {words}."),
                        "Check the connection and start a fresh engine, or reload the page.",
                    );
                } else {
                    this.fail(
                        &format!("The engine stopped: {words}."),
                        "What was drawn stays. Start again with a fresh engine.",
                    );
                }
            })
        };
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        *line.on_message.borrow_mut() = Some(on_message);
        *line.on_error.borrow_mut() = Some(on_error);
        *line.worker.borrow_mut() = Some(worker);
        // What came before this page listened.
        for data in part("inbox").map(|inbox| js_sys::Array::from(&inbox)).iter().flat_map(js_sys::Array::iter) {
            self.on_message(&data);
        }
    }

    /// Its worker failed: it must be connected anew.
    pub fn has_failed(&self) -> bool {
        self.0.failed.get()
    }

    /// The cores that the runs to come may take, where several engines share the machine's; `None`: all. `www/engine-worker.js` reads it.
    pub fn set_cores(&self, cores: Option<usize>) {
        if self.0.cores.replace(cores) == cores {
            return;
        }
        let all = hardware_cores();
        let message = js_sys::Object::new();
        // A plain object takes any field.
        let _ = js_sys::Reflect::set(&message, &"cores".into(), &JsValue::from_f64(cores.unwrap_or(all) as f64));
        if let Some(worker) = self.0.worker.borrow().as_ref() {
            // A plain object can always be copied.
            let _ = worker.post_message(&message);
        }
    }

    /// Sends a command about the run that was started last, or starts the next one.
    pub fn send(&self, command: Command) {
        let line = &self.0;
        if command.starts_a_run() {
            line.run.set(line.run.get() + 1);
        }
        let bytes = wire::encode(&ToEngine { run: line.run.get(), command });
        match line.queue.borrow_mut().as_mut() {
            Some(queue) => queue.push(bytes),
            None => self.post(&bytes),
        }
    }

    /// Ends the worker for good. Not to be called by the listener itself, whose handler goes with it.
    pub fn close(&self) {
        let line = &self.0;
        if let Some(worker) = line.worker.take() {
            worker.set_onmessage(None);
            worker.set_onerror(None);
            worker.terminate();
        }
        // They hold the line that holds them.
        line.on_message.take();
        line.on_error.take();
        line.cores.set(None);
    }

    /// Seconds since the engine last said anything.
    pub fn silence(&self) -> f64 {
        (now() - self.0.last_message.get()) / 1000.0
    }

    fn post(&self, bytes: &[u8]) {
        if let Some(worker) = self.0.worker.borrow().as_ref() {
            transfer::send_bytes(worker, bytes);
        }
    }

    fn on_message(&self, data: &JsValue) {
        let line = &self.0;
        line.last_message.set(now());
        let event = match transfer::receive::<FromEngine>(data) {
            Ok(Received::Message(message)) if message.is_about(line.run.get()) => message.event,
            // Of a run that was replaced meanwhile.
            Ok(Received::Message(_)) => return,
            Ok(Received::Script(phase)) => Event::Phase(phase),
            Err(DecodeError::Version(other)) => {
                self.fail(
                    &format!("The page speaks version {PROTOCOL} of the protocol and its engine version {other}."),
                    "The site was updated in between: reload the page to get both anew.",
                );
                return;
            }
            Err(error) => {
                self.fail(
                    &format!("The engine sent something that this page cannot read ({error})."),
                    "The two may be from different versions of the site: reload the page.",
                );
                return;
            }
        };
        match event {
            Event::Ready => {
                for bytes in line.queue.borrow_mut().take().unwrap_or_default() {
                    self.post(&bytes);
                }
            }
            Event::Phase(Phase::Failed { why, next }) => self.fail(&why, &next),
            event => (line.listener)(event),
        }
    }

    fn fail(&self, why: &str, next: &str) {
        if !self.0.failed.replace(true) {
            (self.0.listener)(Event::Phase(Phase::Failed { why: why.into(), next: next.into() }));
        }
    }
}

/// What a worker's error event says, without a full stop. Where the worker's script did not arrive, it is a plain event that has no
/// message at all.
pub fn words_of(error: &web_sys::Event) -> String {
    let words = js_sys::Reflect::get(error, &"message".into()).ok().and_then(|words| words.as_string());
    let words = words.unwrap_or_default();
    match words.trim_start_matches("Uncaught ").trim_start_matches("Error: ").trim_end_matches('.') {
        "" => "its files did not arrive".into(),
        words => words.into(),
    }
}

/// The machine's cores, as the browser says.
pub fn hardware_cores() -> usize {
    web_sys::window().map_or(1, |w| w.navigator().hardware_concurrency().max(1.0) as usize)
}

fn now() -> f64 {
    web_sys::window().and_then(|w| w.performance()).map_or(0.0, |p| p.now())
}
