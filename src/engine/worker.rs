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
use web_sys::MessageChannel;

use super::{
    bench, cell, checkpoint::Cadence, clock::now_ms, corpus, error::EngineError, probes::Probes, session::Session,
    sweeps::coordinator,
};
use crate::{
    pace::{Pace, Progress},
    picture::picture,
    probe::TabKind,
    protocol::{
        Bytes, Command, Event, FromEngine, NO_RUN, Phase, Picture, ProbeRequest, SweepEvent, ToEngine, transfer, wire,
    },
};

#[derive(Default)]
struct Mailbox {
    commands: VecDeque<ToEngine>,
    waker: Option<Waker>,
}

/// A run that is being prepared, a portion at each round of the loop, so that every command is handled meanwhile.
struct Preparing {
    session: Pin<Box<dyn Future<Output = Result<Session, EngineError>>>>,
    /// Paused by the user: nothing is computed until it goes on.
    held: bool,
    /// Once prepared, stop before the first step.
    hold: bool,
}

/// What the loop drives.
struct Worker {
    /// The run that was started last, which all events belong to; [`NO_RUN`] before the first.
    run: u32,
    session: Option<Session>,
    preparing: Option<Preparing>,
    /// What has to wait until the run is prepared.
    deferred: Vec<ToEngine>,
    running: bool,
    /// The open tab of the probes outlives the runs.
    open: Option<TabKind>,
    /// The probes have something to do while training rests.
    looking: bool,
    /// When the next checkpoint comes by itself; `None` where nobody keeps them. Outlives the runs too.
    cadence: Option<Cadence>,
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
            self.deferred.drain(..).rev().for_each(|message| mailbox.commands.push_front(message));
        });
        let mut prepared = prepared?;
        prepared.ask_probes(ProbeRequest::Open(self.open), &mut |event| post(self.run, event));
        let finished = prepared.finished();
        self.session = Some(prepared);
        self.running = !hold && !finished;
        if let Some(cadence) = &mut self.cadence {
            *cadence = Cadence::new(now_ms());
        }
        self.post_phase(match (finished, hold) {
            (true, _) => Phase::Finished,
            (false, true) => Phase::Paused,
            (false, false) => Phase::Running,
        });
        Ok(())
    }

    /// Sends the run as it stands.
    async fn save(&mut self) -> Result<(), EngineError> {
        let Some(session) = &mut self.session else { return Ok(()) };
        let (run, began) = (self.run, now_ms());
        let bytes = session.checkpoint(&mut |event| post(run, event)).await?;
        post(run, Event::Checkpoint { step: session.steps(), bytes: Bytes(bytes) });
        if let Some(cadence) = &mut self.cadence {
            cadence.made(began, now_ms());
        }
        Ok(())
    }

    /// Sends the run where checkpoints come by themselves: at rest always, else when one is due.
    async fn save_when_due(&mut self) -> Result<(), EngineError> {
        match self.cadence {
            Some(cadence) if !self.running || cadence.is_due(now_ms()) => self.save().await,
            _ => Ok(()),
        }
    }

    /// Whether `message` was dealt with, or put by, since a run is being prepared.
    fn handled_while_preparing(&mut self, message: &ToEngine) -> bool {
        let Some(preparing) = &mut self.preparing else { return false };
        match &message.command {
            Command::Pause => {
                preparing.held = true;
                self.post_phase(Phase::Paused);
            }
            Command::Resume => {
                (preparing.held, preparing.hold) = (false, false);
                self.post_phase(Phase::Preparing { what: "Preparing the run".into(), done: None });
            }
            Command::Step | Command::Reset | Command::Probe(_) | Command::MeasureMore | Command::Checkpoint => {
                // A step asks for what comes after; a request to the probes or for a checkpoint does not.
                preparing.held &= matches!(message.command, Command::Probe(_) | Command::Checkpoint);
                self.deferred.push(message.clone());
            }
            // These end it, or have nothing to do with it.
            Command::Start { .. }
            | Command::Cell { .. }
            | Command::Picture { .. }
            | Command::Bench { .. }
            | Command::AutoCheckpoint(_) => return false,
        }
        true
    }

    /// Drops the run, and what is being prepared.
    fn forget(&mut self) {
        (self.session, self.preparing, self.running) = (None, None, false);
        // Steps were meant for that run; the open tab is not.
        self.deferred.retain(|message| matches!(message.command, Command::Probe(_)));
    }

    fn post_phase(&self, phase: Phase) {
        post(self.run, Event::Phase(phase));
    }
}

/// Milliseconds between rests, and units of work between looks at the clock: far below a millisecond of any machine.
const REST_MS: f64 = 40.0;
const LOOK_UNITS: usize = 200_000;

/// Rests every [`REST_MS`], and reports there how far the preparation of `run` is.
fn pace(run: u32) -> Pace {
    let (mut last, mut units, mut reported) = (now_ms(), 0, Progress::default());
    Pace::new(move |worked, progress| {
        units += worked;
        if units < LOOK_UNITS || now_ms() - last < REST_MS {
            return None;
        }
        units = 0;
        if progress != reported && progress.done < 1.0 {
            reported = progress;
            post(run, Event::Phase(Phase::Preparing { what: progress.what.into(), done: Some(progress.done) }));
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
        self.commands.iter().any(|message| message.command.starts_a_run())
    }

    /// The next command that somebody waits for.
    fn pop(&mut self) -> Option<ToEngine> {
        loop {
            let message = self.commands.pop_front()?;
            if !self.commands.iter().any(|later| message.command.is_overtaken_by(&later.command)) {
                return Some(message);
            }
        }
    }
}

thread_local! {
    static MAILBOX: Rc<RefCell<Mailbox>> = Rc::default();
}

/// Called by `engine-worker.js` for each message: a [`ToEngine`] of the page or of the coordinator of sweeps; where this worker is
/// the coordinator, a `SweepRequest` of the page.
#[wasm_bindgen]
pub fn handle(bytes: &[u8]) {
    if coordinator::is_meant() {
        coordinator::handle(bytes);
        return;
    }
    match wire::decode(bytes) {
        Ok(message) => MAILBOX.with(|mailbox| {
            let mut mailbox = mailbox.borrow_mut();
            mailbox.commands.push_back(message);
            if let Some(waker) = mailbox.waker.take() {
                waker.wake();
            }
        }),
        Err(e) => fail(
            format!("The engine did not understand a command: {e}."),
            "Reload the page: page and engine may be of different versions.",
        ),
    }
}

/// Starts the loop, or the coordinator of sweeps; the worker's `main`.
pub fn start() {
    std::panic::set_hook(Box::new(|info| {
        console_error_panic_hook::hook(info);
        fail(format!("The engine stopped: {info}."), "Start a fresh engine; what was drawn until then stands.");
    }));
    #[cfg(feature = "gpu")]
    if log::set_logger(&super::webgpu::Listener).is_ok() {
        log::set_max_level(log::LevelFilter::Warn);
    }
    if coordinator::is_meant() {
        coordinator::start();
        return;
    }
    post(NO_RUN, Event::Ready);
    wasm_bindgen_futures::spawn_local(run());
}

fn post(run: u32, event: Event) {
    transfer::post(&FromEngine { run, event });
}

/// Reports that this worker can do nothing more, whatever it was asked for.
fn fail(why: String, next: &str) {
    if coordinator::is_meant() {
        transfer::post(&SweepEvent::Failed { why });
        return;
    }
    post(NO_RUN, Event::Phase(Phase::Failed { why, next: next.into() }));
}

async fn run() {
    let mut worker = Worker {
        run: NO_RUN,
        session: None,
        preparing: None,
        deferred: Vec::new(),
        running: false,
        open: Some(TabKind::Landscape),
        looking: false,
        cadence: None,
    };
    loop {
        let busy = worker.running || worker.looking || worker.is_preparing();
        let message = if busy { try_next() } else { Some(next().await) };
        let result = match message {
            Some(message) if worker.handled_while_preparing(&message) => Ok(()),
            Some(message) => {
                worker.looking = true;
                handle_command(message, &mut worker).await
            }
            None if worker.is_preparing() => worker.prepare().await,
            None => advance(&mut worker).await,
        };
        if let Err(error) = result {
            // A failed run cannot be resumed; what was drawn stays with the page.
            worker.forget();
            worker.post_phase(error.phase());
        }
        if worker.running || worker.looking || worker.is_preparing() {
            breathe().await;
        }
    }
}

async fn handle_command(ToEngine { run, command }: ToEngine, worker: &mut Worker) -> Result<(), EngineError> {
    if command.starts_a_run() {
        // The old run's memory goes before the new one's comes.
        worker.forget();
        worker.run = run;
    }
    let Worker { run, session, preparing, running, open, .. } = worker;
    let run = *run;
    let emit = &mut |event| post(run, event);
    match command {
        Command::Start { mut experiment, device, hold, checkpoint } => {
            let prepared = async move {
                experiment.world = corpus::resolve(experiment.world).await?;
                let checkpoint = checkpoint.as_ref().map(|bytes| &bytes.0[..]);
                Session::prepare_at(pace(run), &experiment, device, checkpoint, &mut |event| post(run, event)).await
            };
            *preparing = Some(Preparing { session: Box::pin(prepared), held: false, hold });
        }
        Command::Pause => {
            if let Some(session) = session.as_mut().filter(|_| *running) {
                session.flush(emit).await?;
                *running = false;
                post(run, Event::Phase(Phase::Paused));
                worker.save_when_due().await?;
            }
        }
        Command::Resume => {
            if session.as_ref().is_some_and(|s| !s.finished()) {
                *running = true;
                post(run, Event::Phase(Phase::Running));
            }
        }
        Command::Step => {
            *running = false;
            if let Some(session) = session {
                session.advance(emit).await?;
                session.flush(emit).await?;
                session.evaluate(emit).await?;
                // The last step brings all that is measured at the end.
                while session.trained() && !session.finished() {
                    session.advance(emit).await?;
                }
                post(run, Event::Phase(if session.finished() { Phase::Finished } else { Phase::Paused }));
                worker.save_when_due().await?;
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
                post(run, Event::Phase(Phase::Paused));
            }
        }
        Command::Checkpoint => worker.save().await?,
        Command::AutoCheckpoint(wanted) => worker.cadence = wanted.then(|| Cadence::new(now_ms())),
        Command::Cell { mut experiment, device } => {
            experiment.world = corpus::resolve(experiment.world).await?;
            let (mut reported, mut last) = (0.0, now_ms());
            let mut progress = |done: f64| {
                // Silence would be taken for death.
                if done - reported >= 0.01 || now_ms() - last >= 1000.0 {
                    (reported, last) = (done, now_ms());
                    post(run, Event::Cell { done });
                }
            };
            let outcome = cell::run(&experiment, device, &mut progress).await?;
            post(run, Event::Outcome(Box::new(outcome)));
        }
        Command::Picture { id, world, .. } => {
            // Texts that cannot be had are no reason to end a run.
            let drawn = match corpus::resolve(*world).await {
                Ok(world) => picture(&world),
                Err(error) => Picture { problem: error.to_string(), ..Picture::default() },
            };
            post(NO_RUN, Event::Picture(Picture { id, ..drawn }));
        }
        Command::Probe(request) => {
            if let Some(session) = session {
                session.ask_probes(request, emit);
                *open = session.probes().and_then(Probes::kind);
            } else if let ProbeRequest::Open(kind) = request {
                *open = kind;
            }
        }
        Command::Bench { work, device, repeats } => {
            *running = false;
            post(run, Event::Bench(bench::bench(&work, device, repeats).await?));
        }
    }
    Ok(())
}

/// One training step, or one portion of the probes' work where it is due or nothing else is to be done.
async fn advance(worker: &mut Worker) -> Result<(), EngineError> {
    let Worker { run, session, running, looking, .. } = worker;
    let run = *run;
    let Some(session) = session else {
        (*running, *looking) = (false, false);
        return Ok(());
    };
    let emit = &mut |event| post(run, event);
    if *running {
        let Some(advanced) = unless_superseded(session.advance(emit)).await else {
            // The new run's start drops this one, which may have been left in the middle of something.
            *running = false;
            return Ok(());
        };
        advanced?;
        if session.finished() {
            session.flush(emit).await?;
            *running = false;
            post(run, Event::Phase(Phase::Finished));
        }
        worker.save_when_due().await?;
    }
    let Worker { session: Some(session), running, looking, .. } = worker else { return Ok(()) };
    *looking = if !*running || session.can_probe() { session.probe(emit).await? } else { true };
    Ok(())
}

fn try_next() -> Option<ToEngine> {
    MAILBOX.with(|mailbox| mailbox.borrow_mut().pop())
}

async fn next() -> ToEngine {
    poll_fn(|context| {
        MAILBOX.with(|mailbox| {
            let mut mailbox = mailbox.borrow_mut();
            match mailbox.pop() {
                Some(message) => Poll::Ready(message),
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
