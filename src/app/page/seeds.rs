//! The run's other seeds: an engine for each, beside the one that every other part of the page speaks with.

use leptos::prelude::*;

use super::{
    controls::Segments,
    engine_client::{EngineClient, hardware_cores},
    header::phase_word,
    state::{App, use_app},
};
use crate::{
    app::{
        history::{self, History},
        runs::{Restored, SeedBytes},
        seeds::{
            self, CHOICES, Standing, joint_phase,
            statements::{over_seeds, tab_of_seeds},
        },
    },
    experiment::Experiment,
    probe::{OpenTab, ProbeRequest, RunRecord, TabKind},
    protocol::{Bytes, Command, DeviceChoice, Event, Phase, checkpoint::Summary},
};

/// Seconds after which the engines of a run that is over are ended: each holds a model, its data and the engine's own memory.
const IDLE: usize = 300;
/// After so many seconds what is said over the seeds is found anew.
const SAID: u32 = 2;

/// The other seeds of the run; copied freely.
#[derive(Clone, Copy)]
pub struct Seeds {
    /// How many seeds the next run has.
    pub chosen: RwSignal<usize>,
    /// How many the run has.
    pub of_run: RwSignal<usize>,
    /// Where the others stand, in the order of their engines.
    pub others: RwSignal<Vec<Standing>>,
    /// The phase of the run's own engine; `App::phase` is that of all together.
    own: RwSignal<Phase>,
    engines: StoredValue<Vec<EngineClient>, LocalStorage>,
    /// What they have of the open tab, in their order.
    tabs: StoredValue<Vec<OpenTab>>,
    /// Their latest checkpoints, in their order.
    checkpoints: StoredValue<Vec<Option<SeedBytes>>>,
    /// Counts the times at which what is said over the seeds is found anew.
    ticks: RwSignal<u32>,
    seconds: StoredValue<u32>,
    /// Seconds that nothing was to be done.
    idle: StoredValue<usize>,
}

impl Seeds {
    pub fn new() -> Self {
        Self {
            chosen: RwSignal::new(1),
            of_run: RwSignal::new(1),
            others: RwSignal::new(Vec::new()),
            own: RwSignal::new(Phase::Preparing { what: String::new(), done: None }),
            engines: StoredValue::new_local(Vec::new()),
            tabs: StoredValue::new(Vec::new()),
            checkpoints: StoredValue::new(Vec::new()),
            ticks: RwSignal::new(0),
            seconds: StoredValue::new(0),
            idle: StoredValue::new(0),
        }
    }

    /// How many times longer the chosen number of seeds takes than one.
    pub fn slowdown(self) -> f64 {
        seeds::slowdown(hardware_cores(), self.chosen.get())
    }

    /// The same of the run.
    pub fn slowdown_of_run(self) -> f64 {
        seeds::slowdown(hardware_cores(), self.of_run.get_untracked())
    }

    /// What is said while only other seeds go on.
    pub fn behind(self) -> Option<String> {
        self.own.with(|own| self.others.with(|others| seeds::behind(own, others)))
    }

    /// Seconds until the last seed is at its end.
    pub fn seconds_left(self, own: Option<f64>) -> Option<f64> {
        self.others.with(|others| seeds::seconds_left(own, others))
    }

    /// Where all are, at length; empty where there is one.
    pub fn standings(self, seed: u64, step: usize) -> String {
        let phase = self.own.get();
        self.others.with(|others| match others.is_empty() {
            true => String::new(),
            false => seeds::standings(&Standing { phase, step, ..Standing::new(seed) }, others, phase_word),
        })
    }

    /// A sentence that is of the run's own seed alone, so that it claims no more.
    pub fn said_of_one(self, sentence: String) -> String {
        match self.of_run.get_untracked() {
            1 => sentence,
            count => format!("One of {count} seeds: {sentence}"),
        }
    }

    /// Seconds since any of the other engines said anything.
    pub fn silence(self) -> f64 {
        self.engines.with_value(|engines| engines.iter().map(EngineClient::silence).fold(f64::INFINITY, f64::min))
    }

    /// For what is said over the seeds: finds it anew every other second.
    pub fn track(self) {
        self.ticks.track();
    }

    /// What is kept of the other seeds: their latest checkpoints.
    pub fn kept(self) -> Vec<SeedBytes> {
        self.checkpoints.with_value(|all| all.iter().flatten().cloned().collect())
    }

    /// Keeps the first `count` engines.
    fn close(self, count: usize) {
        self.engines.update_value(|engines| {
            for engine in engines.drain(count.min(engines.len())..) {
                engine.close();
            }
        });
    }

    /// Called every second: ends engines that have long had nothing to do.
    pub fn watch(self) {
        self.seconds.update_value(|seconds| *seconds = seconds.wrapping_add(1));
        if self.seconds.get_value().is_multiple_of(SAID) && self.others.with_untracked(|others| !others.is_empty()) {
            self.ticks.update(|n| *n = n.wrapping_add(1));
        }
        let idle = self.others.with_untracked(|others| !others.iter().any(Standing::goes_on));
        self.idle.update_value(|seconds| *seconds = if idle { *seconds + 1 } else { 0 });
        if self.idle.get_value() >= IDLE && self.engines.with_value(|engines| !engines.is_empty()) {
            self.close(0);
        }
    }
}

impl App {
    /// Before the run's own engine starts: how many cores are its own, and how many seeds the history has.
    pub fn prepare_seeds(self, experiment: &Experiment) {
        let count = self.seeds.chosen.get_untracked();
        self.board.with_value(|board| board.set_seeds(count));
        let others = history::others(experiment, count);
        self.seeds.checkpoints.set_value(vec![None; others.len()]);
        self.expect_seeds(others.iter().map(|e| (Standing::new(e.seed), tab_of(e, None))).collect());
    }

    /// The same for a kept run that is brought back, with the seeds that it had.
    pub fn prepare_kept_seeds(self, run: &Restored) {
        let standing = |(seed, checkpoint): (u64, &Option<(Summary, Vec<u8>)>)| {
            let step = checkpoint.as_ref().map_or(0, |(summary, _)| summary.step);
            Standing { step, ..Standing::new(seed) }
        };
        let histories = run.history.seeds();
        let bytes = histories.iter().zip(&run.seeds).map(|(history, checkpoint)| {
            let (_, checkpoint) = checkpoint.clone()?;
            Some(SeedBytes { seed: history.experiment().seed, history: history.to_bytes(), checkpoint })
        });
        self.seeds.checkpoints.set_value(bytes.collect());
        let standings = histories.iter().map(|history| history.experiment().seed).zip(&run.seeds).map(standing);
        let tabs = run.records_of_seeds().map(|(experiment, record)| tab_of(experiment, record));
        self.expect_seeds(standings.zip(tabs).collect());
        // One that failed is not among them, and still one of those that were asked for.
        self.seeds.of_run.update(|count| *count = seeds::allowed(*count));
        self.seeds.chosen.set(self.seeds.of_run.get_untracked());
    }

    fn expect_seeds(self, others: Vec<(Standing, OpenTab)>) {
        let count = 1 + others.len();
        let (standings, tabs) = others.into_iter().unzip();
        self.seeds.of_run.set(count);
        self.seeds.others.set(standings);
        self.seeds.tabs.set_value(tabs);
        self.engine.with_value(|engine| {
            if let Some(engine) = engine {
                engine.set_cores(cores(count));
            }
        });
    }

    /// Starts the other seeds of the run that has just been started, or lets them go on from their checkpoints.
    pub fn start_seeds(self, experiment: &Experiment, device: DeviceChoice, hold: bool) {
        let seeds = self.seeds.others.with_untracked(|all| all.iter().map(|other| other.seed).collect::<Vec<_>>());
        self.seeds.close(seeds.len());
        let engines = self.seeds.engines;
        for (index, seed) in seeds.into_iter().enumerate() {
            let experiment = Experiment { seed, ..experiment.clone() };
            let checkpoint = self.seeds.checkpoints.with_value(|all| all.get(index).cloned().flatten());
            let checkpoint = checkpoint.map(|kept| Bytes(kept.checkpoint));
            if engines.with_value(Vec::len) <= index {
                let client = EngineClient::new(move |event| self.on_seed_event(index, event));
                engines.update_value(|engines| engines.push(client.clone()));
                client.connect();
            }
            let Some(client) = engines.with_value(|engines| engines.get(index).cloned()) else { continue };
            if client.has_failed() {
                client.connect();
            }
            client.set_cores(cores(self.seeds.of_run.get_untracked()));
            client.send(Command::AutoCheckpoint(true));
            client.send(Command::Start { experiment: Box::new(experiment), device, hold, checkpoint });
            // A new engine opens another one by itself.
            client.send(Command::Probe(ProbeRequest::Open(tab_of_seeds(self.probes.kind.get_untracked()))));
        }
    }

    fn on_seed_event(self, index: usize, event: Event) {
        let Some(seed) = self.seeds.others.with_untracked(|others| Some(others.get(index)?.seed)) else { return };
        self.silent.set(false);
        let tab = |take: &mut dyn FnMut(&mut OpenTab)| {
            self.seeds.tabs.update_value(|tabs| tabs.get_mut(index).into_iter().for_each(&mut *take));
        };
        // What probes say may be megabytes: it is moved, never copied.
        let event = match event {
            Event::Probe(found) => {
                let mut found = Some(found);
                return tab(&mut |tab| found.take().into_iter().for_each(|found| tab.on_probe(found)));
            }
            Event::Checkpoint { bytes, .. } => return self.keep_seed(index, seed, bytes.0),
            other => other,
        };
        tab(&mut |tab| {
            tab.on_run(&event);
        });
        self.board.with_value(|board| board.apply_seed(seed, &event));
        let stand = |change: &dyn Fn(&mut Standing)| {
            self.seeds.others.update(|others| others.get_mut(index).into_iter().for_each(change))
        };
        match &event {
            Event::Phase(phase) => {
                stand(&|other| other.phase = phase.clone());
                if let Phase::Failed { why, .. } = phase {
                    self.board.with_value(|board| board.lose_seed(seed));
                    self.seeds
                        .checkpoints
                        .update_value(|all| all.get_mut(index).into_iter().for_each(|kept| *kept = None));
                    self.note(vec![format!(
                        "Seed {seed} of this run failed: {why} The other seeds go on, and bands and means are without it."
                    )]);
                }
                self.join_phases();
            }
            Event::Frame(frame) => stand(&|other| {
                (other.step, other.seconds_left) = (frame.step, frame.seconds_left);
            }),
            Event::Evaluation(evaluation) => stand(&|other| other.step = evaluation.step),
            _ => {}
        }
    }

    /// A checkpoint of another seed has come: the history on the board is that of its step. It is written with the next checkpoint of the
    /// run itself, which is asked for where it would not come by itself.
    fn keep_seed(self, index: usize, seed: u64, checkpoint: Vec<u8>) {
        let history = self.board.with_value(|board| {
            board
                .with_history(|all| all.seeds().iter().find(|run| run.experiment().seed == seed).map(History::to_bytes))
        });
        let Some(history) = history else { return };
        let kept = SeedBytes { seed, history, checkpoint };
        self.seeds
            .checkpoints
            .update_value(|all| all.get_mut(index).into_iter().for_each(|old| *old = Some(kept.clone())));
        if self.seeds.own.with_untracked(|own| matches!(own, Phase::Finished | Phase::Paused)) {
            self.send(Command::Checkpoint);
        }
    }

    /// The run's own tab was opened: those of the other seeds follow.
    pub(super) fn open_tab_of_seeds(self, kind: Option<TabKind>) {
        self.send_seeds(&Command::Probe(ProbeRequest::Open(tab_of_seeds(kind))));
    }

    /// What the open tab says over all seeds that did not fail.
    fn said_over_seeds(self) -> Vec<String> {
        let others = self.seeds.others.get();
        let said = self.probes.with(|view, record, shown| {
            self.seeds.tabs.with_value(|tabs| {
                let goes_on = |(_, other): &(&OpenTab, &Standing)| !matches!(other.phase, Phase::Failed { .. });
                let views = tabs.iter().zip(&others).filter(goes_on).map(|(tab, _)| tab.view());
                let views: Option<Vec<_>> = views.collect();
                match views {
                    Some(views) if !views.is_empty() => {
                        over_seeds(&std::iter::once((view, record)).chain(views).collect::<Vec<_>>(), shown)
                    }
                    _ => Vec::new(),
                }
            })
        });
        match said.unwrap_or_default() {
            none if none.is_empty() && !others.is_empty() => {
                let seed = self.run.with_untracked(|run| run.as_ref().map_or(0, |run| run.experiment.seed));
                vec![format!("What this tab shows is of seed {seed} alone.")]
            }
            said => said,
        }
    }

    /// The run's own engine is in this phase.
    pub(super) fn set_own_phase(self, phase: Phase) {
        if matches!(phase, Phase::Failed { .. }) {
            // What was drawn of the others stays; without the run they have nothing to go on for.
            self.send_seeds(&Command::Pause);
        }
        self.seeds.own.set(phase);
        self.join_phases();
    }

    fn join_phases(self) {
        let joint =
            self.seeds.own.with_untracked(|own| self.seeds.others.with_untracked(|others| joint_phase(own, others)));
        if self.phase.with_untracked(|phase| *phase != joint) {
            self.phase.set(joint);
        }
    }

    /// Sends a command to the run's own engine and to those of the other seeds.
    pub(super) fn send_all(self, command: Command) {
        self.send_seeds(&command);
        self.send(command);
    }

    /// One step of each seed that is not at its end.
    pub(super) fn step_all(self) {
        self.send_seeds(&Command::Step);
        if self.seeds.own.with_untracked(|own| *own != Phase::Finished) {
            self.send(Command::Step);
        }
    }

    fn send_seeds(self, command: &Command) {
        let is_step = *command == Command::Step;
        let others = self.seeds.others.get_untracked();
        self.seeds.engines.with_value(|engines| {
            for (engine, other) in engines.iter().zip(&others) {
                let lost = matches!(other.phase, Phase::Failed { .. });
                let over = is_step && other.phase == Phase::Finished;
                if !lost && !over {
                    engine.send(command.clone());
                }
            }
        });
    }
}

/// What is known of the open tab of a seed before its engine speaks.
fn tab_of(experiment: &Experiment, record: Option<RunRecord>) -> OpenTab {
    let mut tab = OpenTab::default();
    match record {
        Some(record) => tab.resume(record),
        None => tab.start(experiment),
    }
    tab
}

/// The cores of each engine; `None` where there is one, which has all.
fn cores(seeds: usize) -> Option<usize> {
    (seeds > 1).then(|| seeds::cores_for_each(hardware_cores(), seeds))
}

/// What the open tab of "How it learns" says over the seeds. While a run goes on it is found anew every other second: courses of
/// training losses are long.
#[component]
pub fn OverSeeds() -> impl IntoView {
    let app = use_app();
    let said = Memo::new(move |_| {
        app.seeds.track();
        app.probes.kind.track();
        app.seeds.of_run.track();
        app.shown.track();
        untrack(|| app.said_over_seeds()).join(" ")
    });
    view! {
        <p class="over-seeds" data-testid="probe-seeds" hidden=move || said.with(String::is_empty)>{said}</p>
    }
}

/// How many seeds a run has.
#[component]
pub fn SeedsControl() -> impl IntoView {
    let app = use_app();
    let chosen = app.seeds.chosen;
    let index = move || CHOICES.iter().position(|count| *count == chosen.get()).unwrap_or(0);
    view! {
        <div
            class="seeds"
            title="The same settings with 1, 3 or 5 seeds side by side in this tab: other topics, sequences, initialization and batches. Charts then show the mean and a band from the least to the greatest. More seeds than cores take longer."
        >
            <Segments
                label="Seeds of a run"
                options=vec![("1", "seeds-1"), ("3", "seeds-3"), ("5", "seeds-5")]
                chosen=Signal::derive(index)
                set=move |i: usize| chosen.set(CHOICES[i.min(CHOICES.len() - 1)])
            />
            <span class="unit">{move || if chosen.get() == 1 { "seed" } else { "seeds" }}</span>
        </div>
    }
}
