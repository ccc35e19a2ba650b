//! The engine in a dedicated worker: commands in, events out, one step between looks at the mailbox.

use std::{
    cell::RefCell,
    collections::VecDeque,
    future::poll_fn,
    pin::Pin,
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
    pace::{Pace, Progress},
    picture::picture,
    probe::TabKind,
    protocol::{Command, Event, PROTOCOL, Phase, Picture},
};

#[derive(Default)]
struct Mailbox {
    commands: VecDeque<Command>,
    waker: Option<Waker>,
}

/// A run that is being prepared, a portion at each round of the loop, so that every command is heard meanwhile.
struct Preparing {
    session: Pin<Box<dyn Future<Output = Result<Session, EngineError>>>>,
    /// Paused by the user: nothing is computed until it goes on.
    held: bool,
    /// Once prepared, stop before the first step.
    hold: bool,
}

/// What the loop drives.
struct Worker {
    session: Option<Session>,
    preparing: Option<Preparing>,
    /// What has to wait until the run is prepared.
    deferred: Vec<Command>,
    running: bool,
    /// The open tab of the learning lab outlives the runs.
    open: Option<TabKind>,
    /// The learning lab has something to do while training rests.
    looking: bool,
}

impl Worker {
    fn is_preparing(&self) -> bool {
        self.preparing.as_ref().is_some_and(|preparing| !preparing.held)
    }

    /// One portion of the preparation. What waited for its end comes next, before what came later.
    async fn prepare(&mut self) -> Result<(), EngineError> {
        let Some(Preparing { session, hold, .. }) = &mut self.preparing else { return Ok(()) };
        let polled = poll_fn(|context| Poll::Ready(session.as_mut().poll(context))).await;
        let Poll::Ready(prepared) = polled else { return Ok(()) };
        let hold = *hold;
        self.preparing = None;
        MAILBOX.with(|mailbox| {
            let mut mailbox = mailbox.borrow_mut();
            self.deferred.drain(..).rev().for_each(|command| mailbox.commands.push_front(command));
        });
        let mut prepared = prepared?;
        prepared.open_inside(self.open);
        self.session = Some(prepared);
        self.running = !hold;
        post(&Event::Phase(if hold { Phase::Paused } else { Phase::Running }));
        Ok(())
    }

    /// Whether `command` was dealt with, or put by, since a run is being prepared.
    fn handled_while_preparing(&mut self, command: &Command) -> bool {
        let Some(preparing) = &mut self.preparing else { return false };
        match command {
            Command::Pause => {
                preparing.held = true;
                post(&Event::Phase(Phase::Paused));
            }
            Command::Resume => {
                (preparing.held, preparing.hold) = (false, false);
                post(&Event::Phase(Phase::Preparing { what: "Preparing the run".into(), done: None }));
            }
            Command::Step | Command::Reset | Command::Inside { .. } | Command::MeasureMore => {
                // A step asks for what comes after; a tab of the learning lab does not.
                preparing.held &= matches!(command, Command::Inside { .. });
                self.deferred.push(command.clone());
            }
            // These end it, or have nothing to do with it.
            Command::Start { .. } | Command::Cell { .. } | Command::Picture { .. } | Command::Bench { .. } => {
                return false;
            }
        }
        true
    }

    /// Drops the run, and what is being prepared.
    fn forget(&mut self) {
        (self.session, self.preparing, self.running) = (None, None, false);
        // Steps were meant for that run; the open tab is not.
        self.deferred.retain(|command| matches!(command, Command::Inside { .. }));
    }
}

/// Milliseconds between rests, and units of work between looks at the clock: far below a millisecond of any machine.
const REST_MS: f64 = 40.0;
const LOOK_UNITS: usize = 200_000;

/// Rests every [`REST_MS`], and tells there how far the preparation is.
fn pace() -> Pace {
    let (mut last, mut units, mut told) = (now_ms(), 0, Progress::default());
    Pace::new(move |worked, progress| {
        units += worked;
        if units < LOOK_UNITS || now_ms() - last < REST_MS {
            return None;
        }
        units = 0;
        if progress != told && progress.done < 1.0 {
            told = progress;
            post(&Event::Phase(Phase::Preparing { what: progress.what.into(), done: Some(progress.done) }));
        }
        let rest = breathe();
        last = now_ms();
        Some(Box::pin(rest))
    })
}

/// `work`, or `None` as soon as at one of its rests a new run waits in the mailbox: `work` is then dropped.
async fn unless_superseded<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = std::pin::pin!(work);
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(result) => Poll::Ready(Some(result)),
        Poll::Pending if MAILBOX.with(|mailbox| mailbox.borrow().has_new_run()) => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await
}

impl Mailbox {
    fn has_new_run(&self) -> bool {
        self.commands.iter().any(|command| matches!(command, Command::Start { .. } | Command::Cell { .. }))
    }

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
    let mut worker = Worker {
        session: None,
        preparing: None,
        deferred: Vec::new(),
        running: false,
        open: Some(TabKind::Landscape),
        looking: false,
    };
    loop {
        let busy = worker.running || worker.looking || worker.is_preparing();
        let command = if busy { try_next() } else { Some(next().await) };
        let result = match command {
            Some(command) if worker.handled_while_preparing(&command) => Ok(()),
            Some(command) => {
                worker.looking = true;
                obey(command, &mut worker).await
            }
            None if worker.is_preparing() => worker.prepare().await,
            None => advance(&mut worker.session, &mut worker.running, &mut worker.looking).await,
        };
        if let Err(error) = result {
            // A failed run cannot be resumed; what was drawn stays with the page.
            worker.forget();
            post(&Event::Phase(error.phase()));
        }
        if worker.running || worker.looking || worker.is_preparing() {
            breathe().await;
        }
    }
}

async fn obey(command: Command, worker: &mut Worker) -> Result<(), EngineError> {
    if matches!(command, Command::Start { .. } | Command::Cell { .. }) {
        // The old run's memory goes before the new one's comes.
        worker.forget();
    }
    let Worker { session, preparing, running, open, .. } = worker;
    let emit = &mut |event| post(&event);
    match command {
        Command::Start { mut experiment, device, hold } => {
            post(&Event::Begun);
            let prepared = async move {
                experiment.world = corpus::resolve(experiment.world).await?;
                Session::prepare_at(pace(), &experiment, device, &mut |event| post(&event)).await
            };
            *preparing = Some(Preparing { session: Box::pin(prepared), held: false, hold });
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
        Command::MeasureMore => {
            if session.as_mut().is_some_and(Session::measure_more) {
                *running = true;
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
        let Some(advanced) = unless_superseded(session.advance(emit)).await else {
            // The new run's start drops this one, which may have been left in the middle of something.
            *running = false;
            return Ok(());
        };
        advanced?;
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
