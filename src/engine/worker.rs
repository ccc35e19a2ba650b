//! The engine in a dedicated worker: commands in, events out, one step between looks at the mailbox.

use std::{
    cell::RefCell,
    collections::VecDeque,
    future::poll_fn,
    rc::Rc,
    task::{Poll, Waker},
};

use js_sys::Promise;
use wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;
use web_sys::{DedicatedWorkerGlobalScope, MessageChannel};

use super::{
    bench, cell, clock::now_ms, corpus, error::EngineError, inside::Inside, lab::coordinator, session::Session,
};
use crate::{
    picture::picture,
    probe::TabKind,
    protocol::{Command, Event, PROTOCOL, Phase, Picture},
};

#[derive(Default)]
struct Mailbox {
    commands: VecDeque<Command>,
    waker: Option<Waker>,
}

impl Mailbox {
    /// The next command that somebody waits for.
    fn pop(&mut self) -> Option<Command> {
        loop {
            let command = self.commands.pop_front()?;
            if !self.commands.iter().any(|later| command.is_overtaken_by(later)) {
                return Some(command);
            }
        }
    }
}

thread_local! {
    static MAILBOX: Rc<RefCell<Mailbox>> = Rc::default();
}

/// Called by `engine-worker.js` for each message from the page: a [`Command`] as JSON, or what the lab's page says to its coordinator.
#[wasm_bindgen]
pub fn handle(text: &str) {
    if coordinator::is_meant() {
        coordinator::hear(text);
        return;
    }
    match serde_json::from_str(text) {
        Ok(command) => MAILBOX.with(|mailbox| {
            let mut mailbox = mailbox.borrow_mut();
            mailbox.commands.push_back(command);
            if let Some(waker) = mailbox.waker.take() {
                waker.wake();
            }
        }),
        Err(e) => post(&Event::Phase(Phase::Failed {
            why: format!("The engine did not understand a command: {e}."),
            next: "Reload the page: page and engine may be of different versions.".into(),
        })),
    }
}

/// Starts the loop, or the coordinator of sweeps; the worker's `main`.
pub fn start() {
    std::panic::set_hook(Box::new(|info| {
        console_error_panic_hook::hook(info);
        post(&Event::Phase(Phase::Failed {
            why: format!("The engine stopped: {info}."),
            next: "Start a fresh engine; what was drawn until then stands.".into(),
        }));
    }));
    #[cfg(feature = "gpu")]
    if log::set_logger(&super::webgpu::Listener).is_ok() {
        log::set_max_level(log::LevelFilter::Warn);
    }
    if coordinator::is_meant() {
        coordinator::start();
        return;
    }
    post(&Event::Ready { protocol: PROTOCOL });
    wasm_bindgen_futures::spawn_local(run());
}

fn post(event: &Event) {
    // Plain data with string keys: serialisation cannot fail; and a worker that cannot post has nobody to tell.
    if let (Ok(text), Ok(scope)) =
        (serde_json::to_string(event), js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>())
    {
        let _ = scope.post_message(&JsValue::from_str(&text));
    }
}

async fn run() {
    let mut session: Option<Session> = None;
    let mut running = false;
    // The open tab of the learning lab outlives the runs.
    let mut open = Some(TabKind::Landscape);
    // The learning lab has something to do while training rests.
    let mut looking = false;
    loop {
        let command = if running || looking { try_next() } else { Some(next().await) };
        let result = match command {
            Some(command) => {
                looking = true;
                obey(command, &mut session, &mut running, &mut open).await
            }
            None => advance(&mut session, &mut running, &mut looking).await,
        };
        if let Err(error) = result {
            running = false;
            // A failed run cannot be resumed; what was drawn stays with the page.
            session = None;
            post(&Event::Phase(error.phase()));
        }
        if running || looking {
            breathe().await;
        }
    }
}

async fn obey(
    command: Command,
    session: &mut Option<Session>,
    running: &mut bool,
    open: &mut Option<TabKind>,
) -> Result<(), EngineError> {
    let emit = &mut |event| post(&event);
    match command {
        Command::Start { mut experiment, device, hold } => {
            post(&Event::Begun);
            *running = false;
            // The old run's memory goes before the new one's comes.
            *session = None;
            experiment.world = corpus::resolve(experiment.world).await?;
            let mut prepared = Session::prepare(&experiment, device, emit).await?;
            prepared.open_inside(*open);
            *session = Some(prepared);
            *running = !hold;
            post(&Event::Phase(if hold { Phase::Paused } else { Phase::Running }));
        }
        Command::Pause => {
            if let Some(session) = session.as_mut().filter(|_| *running) {
                session.settle(emit).await?;
                *running = false;
                post(&Event::Phase(Phase::Paused));
            }
        }
        Command::Resume => {
            if session.as_ref().is_some_and(|s| !s.finished()) {
                *running = true;
                post(&Event::Phase(Phase::Running));
            }
        }
        Command::Step => {
            *running = false;
            if let Some(session) = session {
                session.advance(emit).await?;
                session.settle(emit).await?;
                session.evaluate(emit).await?;
                // The last step brings all that is measured at the end.
                while session.trained() && !session.finished() {
                    session.advance(emit).await?;
                }
                post(&Event::Phase(if session.finished() { Phase::Finished } else { Phase::Paused }));
            }
        }
        Command::Reset => {
            *running = false;
            if let Some(session) = session {
                session.reset(emit).await?;
                post(&Event::Phase(Phase::Paused));
            }
        }
        Command::Cell { mut experiment, device } => {
            *running = false;
            *session = None;
            experiment.world = corpus::resolve(experiment.world).await?;
            let (mut told, mut last) = (0.0, now_ms());
            let mut progress = |done: f64| {
                // Silence would be taken for death.
                if done - told >= 0.01 || now_ms() - last >= 1000.0 {
                    (told, last) = (done, now_ms());
                    post(&Event::Cell { done });
                }
            };
            let outcome = cell::run(&experiment, device, &mut progress).await?;
            post(&Event::Outcome(Box::new(outcome)));
        }
        Command::Picture { id, world, .. } => {
            // Texts that cannot be had are no reason to end a run.
            let drawn = match corpus::resolve(*world).await {
                Ok(world) => picture(&world),
                Err(error) => Picture { problem: error.to_string(), ..Picture::default() },
            };
            post(&Event::Picture(Picture { id, ..drawn }));
        }
        Command::Inside { message } => {
            if let Some(session) = session {
                session.tell_inside(message, emit);
                *open = session.inside().and_then(Inside::kind);
            }
        }
        Command::Bench { work, device, repeats } => {
            *running = false;
            post(&Event::Bench(bench::bench(&work, device, repeats).await?));
        }
    }
    Ok(())
}

/// One training step, or one look inside the learner where it is due or nothing else is to be done.
async fn advance(session: &mut Option<Session>, running: &mut bool, looking: &mut bool) -> Result<(), EngineError> {
    let Some(session) = session else {
        (*running, *looking) = (false, false);
        return Ok(());
    };
    let emit = &mut |event| post(&event);
    if *running {
        session.advance(emit).await?;
        if session.finished() {
            session.settle(emit).await?;
            *running = false;
            post(&Event::Phase(Phase::Finished));
        }
    }
    *looking = if !*running || session.can_look_inside() { session.look_inside(emit).await? } else { true };
    Ok(())
}

fn try_next() -> Option<Command> {
    MAILBOX.with(|mailbox| mailbox.borrow_mut().pop())
}

async fn next() -> Command {
    poll_fn(|context| {
        MAILBOX.with(|mailbox| {
            let mut mailbox = mailbox.borrow_mut();
            match mailbox.pop() {
                Some(command) => Poll::Ready(command),
                None => {
                    mailbox.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
    })
    .await
}

/// Lets waiting messages in. A message to oneself comes back at once, where `setTimeout` would wait 4 ms, and seconds in a hidden tab.
async fn breathe() {
    let promise = Promise::new(&mut |resolve, _| {
        let Ok(channel) = MessageChannel::new() else {
            let _ = resolve.call0(&JsValue::NULL);
            return;
        };
        let port = channel.port1();
        let kept = port.clone();
        let resume = Closure::once_into_js(move |_: JsValue| {
            kept.close();
            let _ = resolve.call0(&JsValue::NULL);
        });
        port.set_onmessage(Some(resume.unchecked_ref()));
        let _ = channel.port2().post_message(&JsValue::NULL);
    });
    let _ = JsFuture::from(promise).await;
}
