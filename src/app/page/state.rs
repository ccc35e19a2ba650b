//! What the page knows, as signals: scalars and small values only. A run's history is not here (see `board`).

use std::{collections::BTreeSet, sync::Arc};

use leptos::prelude::*;
use leptos_use_media_query::use_media_query;

use super::{
    address::{self, Fragment, Opened},
    board::Board,
    canvas, dom,
    engine_client::EngineClient,
    preferences,
    probes::Probes,
    rerun,
    runs::Runs,
    seeds::Seeds,
};
use crate::{
    app::{
        charts::{Chart, ChartKind, CurveName, Options, Recorded},
        fields::{self, Typed},
        guess::Guess,
        mixing,
        pictures::{Pictures, Place},
        rerun::{assumed_seconds, is_on},
        view_state::Awaited,
    },
    experiment::{Estimate, Experiment, Preset, Problem, WorldSpec},
    number::Unit,
    protocol::{Command, DeviceChoice, DeviceReport, Event, Phase, Picture, ProbeRequest, Theory},
};

/// How far the run is, as the engine last said.
#[derive(Clone, Copy, Default, PartialEq)]
pub struct Progress {
    pub step: usize,
    pub steps_per_second: Option<f64>,
    pub tokens_per_second: Option<f64>,
    pub seconds_left: Option<f64>,
    pub evaluation_share: f64,
}

/// What was started last.
#[derive(Clone, PartialEq)]
pub struct Run {
    pub experiment: Experiment,
    pub device: DeviceChoice,
}

/// What there is to choose and to read about a run's theory; the curves are the board's.
#[derive(Clone, Default, PartialEq)]
pub struct TheoryNotes {
    /// Name and meaning of each baseline.
    pub baselines: Vec<(String, String)>,
    /// How curves and limits were obtained, a sentence a line.
    pub how: String,
    /// Whether there are squared errors to show.
    pub squared_error: bool,
}

impl TheoryNotes {
    pub fn of(theory: &Theory) -> Self {
        Self {
            baselines: theory.baselines.iter().map(|b| (b.name.clone(), b.about.clone())).collect(),
            how: theory.how.join("\n"),
            squared_error: !theory.squared_error.is_empty(),
        }
    }
}

/// How far a reader's guess of the model's curve is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Predict {
    #[default]
    Off,
    /// It is being drawn, and the model is hidden.
    Drawing,
    /// The model is shown over it.
    Shown,
}

/// Handles to everything that the page's parts share; copied freely.
#[derive(Clone, Copy)]
pub struct App {
    /// The story that is shown, and what links are written against.
    pub preset: RwSignal<&'static Preset>,
    /// What the controls say.
    pub draft: RwSignal<Experiment>,
    pub device_choice: RwSignal<DeviceChoice>,
    pub typed: RwSignal<Typed>,
    /// What a link to the draft says.
    pub fragment: Memo<Fragment>,
    /// Everything wrong with the draft.
    pub problems: Memo<Vec<Problem>>,
    pub run: RwSignal<Option<Run>>,
    /// Settings differ from the run's in a way that only a restart can apply.
    pub changed: Memo<bool>,
    pub phase: RwSignal<Phase>,
    pub device: RwSignal<Option<DeviceReport>>,
    pub progress: RwSignal<Progress>,
    /// Positions (from 1) where the model seems to be better than possible.
    pub below_bayes: RwSignal<Vec<usize>>,
    /// Steps that can be looked at, and the one that is, where it is not the latest.
    pub recorded: RwSignal<Vec<usize>>,
    pub shown: RwSignal<Option<usize>>,
    /// Sentences about a link, a file or a paste that could not be read, with what is kept.
    pub notice: RwSignal<Option<String>>,
    /// The engine has been silent for too long.
    pub silent: RwSignal<bool>,
    pub bits: RwSignal<bool>,
    pub log_log: RwSignal<bool>,
    pub over_bayes: RwSignal<bool>,
    pub squared_error: RwSignal<bool>,
    pub linear_bound: RwSignal<bool>,
    /// The open tab beside the training loss.
    pub panel: RwSignal<ChartKind>,
    /// Curves of the loss by position that are not drawn.
    pub hidden: RwSignal<BTreeSet<CurveName>>,
    /// What a reader guessed before the run, and how far that is.
    pub guess: RwSignal<Guess>,
    pub predict: RwSignal<Predict>,
    /// The recorded step that a link asks for, until the run has reached it.
    pub awaited: RwSignal<Option<Awaited>>,
    /// Names of the baselines that the reader wants beside the model; remembered, whatever a world has.
    pub compare: RwSignal<BTreeSet<String>>,
    /// What the run's theory says beside its curves.
    pub theory: RwSignal<TheoryNotes>,
    /// What the measuring after the last step reached; empty until then.
    pub reached: RwSignal<String>,
    /// Whether changes start a run by themselves: as the reader chose (`None`: by the run's length), and as it is.
    pub as_i_move_chosen: RwSignal<Option<bool>>,
    pub as_i_move: Memo<bool>,
    /// Floating-point operations a second of training, as measured last.
    speed: RwSignal<Option<f64>>,
    /// `None`: as the system says.
    pub theme: RwSignal<Option<bool>>,
    pub dark: Memo<bool>,
    /// Device pixels for each CSS pixel.
    pub pixel_ratio: RwSignal<f64>,
    /// How the reader wants the numbers.
    pub options: Memo<Options>,
    /// What was recorded at the settings in the controls, where anything was; `map::Maps` keeps it so.
    pub record: RwSignal<Option<Arc<Recorded>>>,
    pub pause_hidden: RwSignal<bool>,
    /// The view of sweeps is open.
    pub sweeps_open: RwSignal<bool>,
    /// The settings sheet of narrow screens.
    pub sheet_open: RwSignal<bool>,
    /// The draft's world, and the one in the table of one's own process.
    pub picture: RwSignal<Picture>,
    pub sketched: RwSignal<Picture>,
    /// What was asked for of both.
    pub(super) pictures: StoredValue<Pictures>,
    pub board: StoredValue<Board, LocalStorage>,
    /// The runs that are kept.
    pub runs: Runs,
    /// The open tab of "How it learns".
    pub probes: Probes,
    /// The run's other seeds.
    pub seeds: Seeds,
    pub(super) engine: StoredValue<Option<EngineClient>, LocalStorage>,
    /// A start that waits for its worker is not a run yet; a hidden tab's pause is not the user's.
    pub(super) paused_by_hiding: StoredValue<bool>,
}

/// More standard errors below exact Bayes than come by chance among a thousand positions.
pub const IMPOSSIBLE: f64 = 4.5;

impl App {
    pub fn new(opened: Opened) -> Self {
        let preset = RwSignal::new(opened.preset);
        let draft = RwSignal::new(opened.experiment);
        let seeds = Seeds::new();
        let typed = RwSignal::new(Typed::default());
        let problems = Memo::new(move |_| draft.with(|draft| typed.with(|typed| problems_of(draft, typed))));
        // Texts are long: they are read again only when the world changes.
        let world = Memo::new(move |_| draft.with(|draft| draft.world.clone()));
        let text_mark = Memo::new(move |_| world.with(address::text_mark));
        let fragment = Memo::new(move |_| draft.with(|draft| Fragment::new(preset.get(), draft, text_mark.get())));
        let device_choice = RwSignal::new(DeviceChoice::Auto);
        let run = RwSignal::new(None::<Run>);
        let changed = Memo::new(move |_| {
            let device = device_choice.get();
            let other_seeds = seeds.chosen.get() != seeds.of_run.get();
            let unread = typed.with(|typed| !typed.is_empty()) && !problems.with(Vec::is_empty);
            run.with(|run| {
                draft.with(|draft| {
                    run.as_ref().is_some_and(|run| {
                        unread
                            || other_seeds
                            || run.device != device
                            || fields::at_once(&run.experiment, draft) != *draft
                    })
                })
            })
        });
        let theme = RwSignal::new(match preferences::read("theme").as_deref() {
            Some("dark") => Some(true),
            Some("light") => Some(false),
            _ => None,
        });
        let system_dark = use_media_query("(prefers-color-scheme: dark)");
        let (bits, log_log) = (RwSignal::new(preferences::flag("bits")), RwSignal::new(false));
        let (over_bayes, squared_error) = (RwSignal::new(false), RwSignal::new(false));
        let linear_bound = RwSignal::new(false);
        let compare = RwSignal::new(preferences::names("compare"));
        let hidden = RwSignal::new(BTreeSet::new());
        let (guess, predict) = (RwSignal::new(Guess::default()), RwSignal::new(Predict::Off));
        let record = RwSignal::new(None);
        let options = Memo::new(move |_| Options {
            unit: if bits.get() { Unit::Bits } else { Unit::Nats },
            log_log: log_log.get(),
            above_bayes: over_bayes.get(),
            compare: compare.with(|names| names.iter().cloned().collect()),
            squared_error: squared_error.get(),
            linear_bound: linear_bound.get(),
            hidden: hidden.with(|hidden| hidden.iter().copied().collect()),
            predicting: predict.get() == Predict::Drawing,
            guess: guess.get(),
            recorded: record.get(),
        });
        let speed = RwSignal::new(None);
        let as_i_move_chosen = RwSignal::new(match preferences::read(rerun::KEPT).as_deref() {
            Some("yes") => Some(true),
            Some("no") => Some(false),
            _ => None,
        });
        let as_i_move = Memo::new(move |was: Option<&bool>| {
            let seconds = draft.with(|draft| seconds_at(speed.get(), draft).unwrap_or_else(|| assumed_seconds(draft)));
            is_on(as_i_move_chosen.get(), seconds * seeds.slowdown(), was.copied().unwrap_or(false))
        });
        Self {
            record,
            as_i_move_chosen,
            as_i_move,
            speed,
            pixel_ratio: RwSignal::new(canvas::device_scale()),
            options,
            preset,
            draft,
            device_choice,
            typed,
            fragment,
            problems,
            run,
            changed,
            phase: RwSignal::new(Phase::Preparing { what: "Loading the engine".into(), done: None }),
            device: RwSignal::new(None),
            progress: RwSignal::new(Progress::default()),
            below_bayes: RwSignal::new(Vec::new()),
            recorded: RwSignal::new(Vec::new()),
            shown: RwSignal::new(None),
            notice: RwSignal::new(opened.notice),
            silent: RwSignal::new(false),
            bits,
            log_log,
            over_bayes,
            squared_error,
            linear_bound,
            panel: RwSignal::new(ChartKind::Bound),
            hidden,
            guess,
            predict,
            awaited: RwSignal::new(None),
            compare,
            theory: RwSignal::new(TheoryNotes::default()),
            reached: RwSignal::new(String::new()),
            theme,
            dark: Memo::new(move |_| theme.get().unwrap_or_else(|| system_dark.get())),
            pause_hidden: RwSignal::new(preferences::flag("pause-hidden")),
            sweeps_open: RwSignal::new(Fragment::now().sweeps),
            sheet_open: RwSignal::new(false),
            picture: RwSignal::new(Picture::default()),
            sketched: RwSignal::new(Picture::default()),
            pictures: StoredValue::new(Pictures::default()),
            board: StoredValue::new_local(Board::new()),
            runs: Runs::new(),
            probes: Probes::new(),
            seeds,
            engine: StoredValue::new_local(None),
            paused_by_hiding: StoredValue::new(false),
        }
    }

    /// Connects to the worker, and says what it reports to the signals and the board.
    pub fn connect(self) {
        let client = EngineClient::new(move |event| self.on_event(event));
        self.engine.set_value(Some(client.clone()));
        client.connect();
        self.ask_for_checkpoints();
    }

    fn on_event(self, event: Event) {
        self.silent.set(false);
        // What probes and pictures say may be megabytes: it is moved, never copied.
        let event = match event {
            Event::Probe(event) => return self.probes.on_probe(event),
            Event::Picture(picture) => {
                match self.pictures.with_value(|asked| asked.place(picture.id)) {
                    Some(Place::World) => self.picture.set(picture),
                    Some(Place::Sketch) => self.sketched.set(picture),
                    // An answer to an older question.
                    None => {}
                }
                return;
            }
            other => other,
        };
        self.board.with_value(|board| board.apply(&event));
        self.probes.on_run(&event);
        match event {
            Event::Phase(phase) => {
                self.set_own_phase(phase);
                self.follow_awaited();
            }
            Event::Device(report) => self.device.set(Some(report)),
            Event::Theory(theory) => {
                dom::publish("theory", &theory);
                self.theory.set(TheoryNotes::of(&theory));
            }
            Event::Frame(frame) => {
                let flops = self.run.with_untracked(|run| run.as_ref().map(|r| Estimate::of(&r.experiment).step_flops));
                if let (Some(steps), Some(flops)) = (frame.steps_per_second, flops) {
                    // As fast as it would be alone.
                    self.speed.set(Some(steps * flops * self.seeds.slowdown_of_run()));
                }
                self.progress.set(Progress {
                    step: frame.step,
                    steps_per_second: frame.steps_per_second,
                    tokens_per_second: frame.tokens_per_second,
                    seconds_left: frame.seconds_left,
                    evaluation_share: frame.evaluation_share,
                });
                self.ask_early();
            }
            Event::Evaluation(evaluation) => {
                dom::publish("evaluation", &evaluation);
                // An evaluation at step 0 comes without a frame.
                self.progress.update(|p| p.step = evaluation.step);
                self.recorded.set(self.board.with_value(Board::recorded));
                self.follow_awaited();
                let positions = self.board.with_value(|board| board.positions_below_bayes(IMPOSSIBLE));
                if self.below_bayes.with_untracked(|old| *old != positions) {
                    self.below_bayes.set(positions);
                }
            }
            Event::Outcome(outcome) => {
                let precision =
                    self.run.with_untracked(|run| run.as_ref().map(|run| run.experiment.evaluation.precision));
                let reached = precision.map(|precision| outcome.reached(precision)).unwrap_or_default();
                self.reached.set(self.seeds.said_of_one(reached));
            }
            Event::Checkpoint { bytes, .. } => self.keep_checkpoint(bytes.0),
            Event::Ready
            | Event::Probe(_)
            | Event::Picture(_)
            | Event::Samples(_)
            | Event::Cell { .. }
            | Event::Bench(_) => {}
        }
    }

    pub(super) fn send(self, command: Command) {
        self.engine.with_value(|engine| {
            if let Some(engine) = engine {
                engine.send(command);
            }
        });
    }

    /// Reads a chart of the run as it stands; follows nothing. `None` once the page is gone.
    pub fn ask<T>(self, kind: ChartKind, read: impl FnOnce(&dyn Chart) -> T) -> Option<T> {
        let options = self.options.try_get_untracked()?;
        self.board.try_with_value(|board| self.draft.with_untracked(|draft| board.ask(kind, draft, options, read)))
    }

    /// Follows what a chart of the run needs beside the run's history.
    pub fn track_options(self, kind: ChartKind) {
        self.options.track();
        if kind.follows_draft() {
            self.draft.track();
        }
    }

    /// Looks at one of the recorded steps, or at the latest: every chart, and the probes. What a link asked for is awaited no longer.
    pub fn look_at(self, index: Option<usize>) {
        self.awaited.set(None);
        self.show_recorded(index);
    }

    pub(super) fn show_recorded(self, index: Option<usize>) {
        let shown = self.board.with_value(|board| board.show(index));
        self.shown.set(shown);
        self.ask_probes(ProbeRequest::Shown(shown));
    }

    /// Asks the probes of the run.
    pub fn ask_probes(self, request: ProbeRequest) {
        if let ProbeRequest::Open(kind) = request {
            self.open_tab_of_seeds(kind);
        }
        self.send(Command::Probe(request));
    }

    /// Says what there is to say, and leaves the notice alone where there is nothing.
    pub fn note(self, sentences: Vec<String>) {
        if !sentences.is_empty() {
            self.notice.set(Some(sentences.join("\n")));
        }
    }

    /// A notice made of a sentence and what is wrong.
    pub fn show_message(self, sentence: &str, problems: &[Problem]) {
        let mut text = String::from(sentence);
        for problem in problems {
            text.push('\n');
            text.push_str(&problem.to_string());
        }
        self.notice.set(Some(text));
    }

    /// Asks the engine to draw the draft's world, if it is one.
    pub fn ask_picture(self) {
        let world = self.draft.with_untracked(|d| d.world.clone());
        if world.validate().is_ok() {
            self.request_picture(Place::World, world);
        }
    }

    /// Asks the engine to draw the world of the table.
    pub fn sketch(self, world: WorldSpec) {
        self.request_picture(Place::Sketch, world);
    }

    fn request_picture(self, place: Place, world: WorldSpec) {
        if let Some(Some(id)) = self.pictures.try_update_value(|asked| asked.request(place, &world)) {
            self.send(Command::Picture { id, sketch: place == Place::Sketch, world: Box::new(world) });
        }
    }

    /// Whether the reader wants this baseline drawn.
    pub fn compares(self, name: &str) -> bool {
        self.compare.with(|names| names.contains(name))
    }

    pub fn set_compared(self, name: &str, on: bool) {
        self.compare.update(|names| {
            if on {
                names.insert(name.into());
            } else {
                names.remove(name);
            }
        });
        self.compare.with_untracked(|names| preferences::write_names("compare", names));
    }

    /// Seconds that the draft would take with all its seeds, at the speed that was measured last; `None` before anything was.
    pub fn estimated_seconds(self, draft: &Experiment) -> Option<f64> {
        Some(seconds_at(self.speed.get(), draft)? * self.seeds.slowdown())
    }
}

/// Seconds of a run at so many floating-point operations a second.
fn seconds_at(speed: Option<f64>, draft: &Experiment) -> Option<f64> {
    let seconds = draft.steps() as f64 * Estimate::of(draft).step_flops / speed?;
    seconds.is_finite().then_some(seconds)
}

fn problems_of(draft: &Experiment, typed: &Typed) -> Vec<Problem> {
    let mut problems = draft.validate().err().unwrap_or_default();
    if !typed.is_empty() {
        problems.extend(mixing::unreadable(&draft.world, typed));
        for number in fields::all(draft) {
            if let Some(text) = typed.get(&number.field)
                && number.parse(text).is_none()
            {
                problems.insert(0, number.unreadable(text, draft));
            }
        }
    }
    problems
}

pub fn use_app() -> App {
    expect_context::<App>()
}

/// Something is awaited from the engine.
pub(super) fn is_busy(phase: &Phase) -> bool {
    phase.is_under_way() || matches!(phase, Phase::Preparing { .. })
}
