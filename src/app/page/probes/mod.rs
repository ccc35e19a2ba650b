//! "How it learns": the tabs, and the step that is looked at. The engine measures (`engine::probes`); everything that is chosen or
//! pointed at is answered here, from the numbers that the page has.

mod algorithm;
mod beliefs;
mod coupling;
mod heads;
mod landscape;
mod power;
mod transitions;

use charts::report::Block;
use leptos::{ev, prelude::*};

use super::{files, seeds::OverSeeds, state::use_app};
use crate::{
    experiment::Experiment,
    number,
    probe::{
        Choice, OpenTab, ProbeEvent, ProbeRequest, RunRecord, TabKind, TabView,
        power::{Power, Window},
    },
    protocol::Event,
};

/// Results that come while training goes on are drawn at most so often, milliseconds.
const DRAW_MS: u64 = 250;

/// What the page has of the open tab; copied freely.
#[derive(Clone, Copy)]
pub struct Probes {
    /// The tab that is open, or that was asked for.
    pub kind: RwSignal<Option<TabKind>>,
    /// Why this run has no tab of that kind; empty where it has.
    pub why: RwSignal<String>,
    /// The window of the power law's fits, once the reader chose one: the CSV file has what is shown.
    window: RwSignal<Option<Window>>,
    /// Counts how often a tab was opened: what was chosen in one that opens anew is asked for again.
    pub opened: RwSignal<u32>,
    /// Counts what changed: views follow it and read `open`.
    changes: RwSignal<u32>,
    open: StoredValue<OpenTab>,
    /// A change waits to be drawn.
    waiting: StoredValue<bool>,
}

impl Probes {
    pub fn new() -> Self {
        Self {
            kind: RwSignal::new(Some(TabKind::Landscape)),
            why: RwSignal::new(String::new()),
            window: RwSignal::new(None),
            opened: RwSignal::new(0),
            changes: RwSignal::new(0),
            open: StoredValue::new(OpenTab::default()),
            waiting: StoredValue::new(false),
        }
    }

    /// A new run begins.
    pub fn start(self, experiment: &Experiment) {
        self.open.update_value(|open| open.start(experiment));
        self.changes.update(|n| *n += 1);
    }

    /// A kept run goes on: what is known of the steps before.
    pub fn resume(self, record: RunRecord) {
        self.open.update_value(|open| open.resume(record));
        self.changes.update(|n| *n += 1);
    }

    /// Takes in what the probes found.
    pub fn on_probe(self, event: ProbeEvent) {
        let ProbeEvent::Opened(tab) = &event else {
            self.open.update_value(|open| open.on_probe(event));
            return self.draw_soon();
        };
        let kind = tab.as_ref().map(|(kind, _)| *kind);
        let why = tab.as_ref().and_then(|(_, view)| view.as_ref().err().cloned()).unwrap_or_default();
        self.open.update_value(|open| open.on_probe(event));
        if self.kind.get_untracked() != kind {
            self.kind.set(kind);
        }
        self.why.set(why);
        self.opened.update(|n| *n += 1);
        self.changes.update(|n| *n += 1);
    }

    /// Takes in what is reported of the run itself.
    pub fn on_run(self, event: &Event) {
        if self.open.try_update_value(|open| open.on_run(event)).unwrap_or(false) {
            self.draw_soon();
        }
    }

    fn draw_soon(self) {
        if !self.waiting.get_value() {
            self.waiting.set_value(true);
            let draw = move || {
                self.waiting.set_value(false);
                self.changes.update(|n| *n += 1);
            };
            set_timeout(draw, std::time::Duration::from_millis(DRAW_MS));
        }
    }

    /// Everything that the open tab shows, with the reader's choices.
    fn csv(self) -> Option<String> {
        self.with(|view, record, _| match view {
            TabView::Power(tab) => tab.csv(record, self.window_of(tab)),
            _ => view.csv(record),
        })
    }

    /// The window of the power law's fits that is shown.
    fn window_of(self, tab: &Power) -> Window {
        self.window.get().map_or_else(|| tab.first_window(), |window| tab.within(window))
    }

    /// Reads the open tab and the run's record; follows both, and the step that is shown. `None` until there is something to show.
    pub fn with<T>(self, read: impl FnOnce(&TabView, &RunRecord, usize) -> T) -> Option<T> {
        self.changes.track();
        use_app().shown.track();
        self.with_untracked(read)
    }

    /// As [`Self::with`], and follows nothing.
    pub fn with_untracked<T>(self, read: impl FnOnce(&TabView, &RunRecord, usize) -> T) -> Option<T> {
        let shown = use_app().shown.get_untracked();
        self.open.with_value(|open| {
            let (view, record) = open.view()?;
            Some(read(view, record, shown.unwrap_or(record.last())))
        })
    }
}

/// The slider over the recorded steps: every chart of the page follows it.
#[component]
pub fn Scrubber() -> impl IntoView {
    let app = use_app();
    let last = move || app.recorded.with(|steps| steps.len().saturating_sub(1));
    let at = move || {
        let shown = app.shown.get();
        app.recorded.with(|steps| {
            shown.and_then(|step| steps.iter().position(|s| *s == step)).unwrap_or(steps.len().saturating_sub(1))
        })
    };
    let sentence = move || {
        let step = app.recorded.with(|steps| steps.get(at()).copied().unwrap_or_default());
        match app.shown.get() {
            Some(_) => format!("At step {}", number::count(step)),
            None => "At the latest step".into(),
        }
    };
    view! {
        <div class="scrubber" hidden=move || last() == 0>
            <label for="scrubber">{sentence}</label>
            <input
                id="scrubber"
                type="range"
                min="0"
                data-testid="scrubber"
                aria-valuetext=sentence
                prop:max=move || last().to_string()
                prop:value=move || { last(); at().to_string() }
                on:input=move |e: ev::Event| app.look_at(event_target_value(&e).parse().ok())
            />
            <button type="button" class="quiet small" data-testid="scrubber-latest" disabled=move || app.shown.get().is_none() on:click=move |_| app.look_at(None)>"Latest"</button>
        </div>
    }
}

/// The tabs, one of them open.
#[component]
pub fn ProbesPanel() -> impl IntoView {
    let app = use_app();
    let probes = app.probes;
    let choose = move |kind: TabKind| {
        // What is pressed again closes.
        let kind = Some(kind).filter(|kind| probes.kind.get_untracked() != Some(*kind));
        probes.kind.set(kind);
        app.ask_probes(ProbeRequest::Open(kind));
    };
    let tab = move |kind: TabKind| {
        view! {
            <button
                type="button"
                data-testid=format!("probe-{}", kind.name())
                aria-pressed=move || if probes.kind.get() == Some(kind) { "true" } else { "false" }
                title=kind.question()
                on:click=move |_| choose(kind)
            >
                {kind.title()}
            </button>
        }
    };
    let save = move |_| {
        if let (Some(text), Some(kind)) = (untrack(|| probes.csv()), probes.kind.get_untracked()) {
            files::download(&format!("{}.csv", kind.name()), "text/csv", &text);
        }
    };
    let ready = Memo::new(move |_| probes.with(|_, _, _| ()).is_some());
    let waits = move || {
        let why = probes.why.get();
        match (why.is_empty(), probes.kind.get()) {
            (false, _) => why,
            (true, None) => String::new(),
            (true, Some(_)) => "Appears with the first evaluation.".into(),
        }
    };
    view! {
        <section class="sequences probes" aria-label="How it learns" data-testid="probes">
            <div class="head">
                <h2>"How it learns"</h2>
                <span class="note">"Recorded at ever wider steps. Move the slider below the first chart to go back in time."</span>
            </div>
            <div class="segments" role="group" aria-label="Questions about learning">
                {TabKind::ALL.into_iter().map(tab).collect_view()}
            </div>
            <p class="probe-question">
                <span>{move || probes.kind.get().map_or("Choose what to look at.", TabKind::question)}</span>
                <button type="button" class="quiet small" data-testid="probe-csv" hidden=move || !ready.get() on:click=save>"CSV"</button>
            </p>
            <Show when=move || ready.get() fallback=move || view! { <p class="note" data-testid="probe-waits">{waits}</p> }>
                <OverSeeds />
                <div class="probe-tab">{move || probes.kind.get().map(tab_view)}</div>
            </Show>
        </section>
    }
}

/// The components of one tab.
fn tab_view(kind: TabKind) -> AnyView {
    match kind {
        TabKind::Landscape => view! { <landscape::LandscapeTab /> }.into_any(),
        TabKind::Transitions => view! { <transitions::TransitionsTab /> }.into_any(),
        TabKind::Algorithm => view! { <algorithm::AlgorithmTab /> }.into_any(),
        TabKind::Power => view! { <power::PowerTab /> }.into_any(),
        TabKind::Heads => view! { <heads::HeadsTab /> }.into_any(),
        TabKind::Beliefs => view! { <beliefs::BeliefsTab /> }.into_any(),
        TabKind::Coupling => view! { <coupling::CouplingTab /> }.into_any(),
    }
}

/// The blocks that `make` gives, as the tab, the record and the shown step change: made once for all who read them.
fn blocks(make: impl Fn(&TabView, &RunRecord, usize) -> Vec<Block> + Send + Sync + 'static) -> Signal<Vec<Block>> {
    let probes = use_app().probes;
    Memo::new_with_compare(move |_| probes.with(&make).unwrap_or_default(), |_, _| true).into()
}

/// As [`blocks`], but only as `key` changes: for charts of many numbers.
fn blocks_for<K: PartialEq + Send + Sync + 'static>(
    key: Memo<K>,
    make: impl Fn(&TabView, &RunRecord, usize) -> Vec<Block> + Send + Sync + 'static,
) -> Signal<Vec<Block>> {
    let probes = use_app().probes;
    let made = move || {
        // Read, and not only tracked: a memo that nobody reads is never computed, and tells nobody.
        key.with(|_| ());
        probes.with_untracked(&make).unwrap_or_default()
    };
    Memo::new_with_compare(move |_| made(), |_, _| true).into()
}

/// Asks the engine for what a choice needs, whenever that changes, and again when the tab opens anew. `None`: the page has it.
fn ask(choice: impl Fn() -> Option<Choice> + Send + Sync + 'static) {
    let app = use_app();
    let choice = Memo::new(move |_| choice());
    Effect::new(move |_| {
        app.probes.opened.track();
        if let Some(choice) = choice.get() {
            app.ask_probes(ProbeRequest::Choose(choice));
        }
    });
}

/// One of several, as buttons of which one is pressed.
#[component]
fn OneOf(
    #[prop(into)] label: String,
    /// Test id and words of each.
    #[prop(into)]
    options: Signal<Vec<(String, String)>>,
    #[prop(into)] chosen: Signal<usize>,
    #[prop(into)] set: Callback<usize>,
) -> impl IntoView {
    let all = move || options.get().into_iter().enumerate().collect::<Vec<_>>();
    let button = move |(i, (id, text)): (usize, (String, String))| {
        view! {
            <button
                type="button"
                data-testid=id
                aria-pressed=move || if chosen.get() == i { "true" } else { "false" }
                on:click=move |_| set.run(i)
            >
                {text}
            </button>
        }
    };
    view! {
        <div class="segments" role="group" aria-label=label>
            <For each=all key=Clone::clone children=button />
        </div>
    }
}

/// One of many, as a list that opens.
#[component]
fn Choose(
    #[prop(into)] id: String,
    #[prop(into)] label: String,
    #[prop(into)] options: Signal<Vec<String>>,
    #[prop(into)] chosen: Signal<usize>,
    #[prop(into)] set: Callback<usize>,
) -> impl IntoView {
    let all = move || options.get().into_iter().enumerate().collect::<Vec<_>>();
    view! {
        <label>
            {label}" "
            <select
                data-testid=id
                prop:value=move || { options.with(|_| ()); chosen.get().to_string() }
                on:change=move |e| if let Ok(i) = event_target_value(&e).parse() { set.run(i) }
            >
                <For each=all key=Clone::clone let((i, text))>
                    <option value=i selected=move || chosen.get() == i>{text}</option>
                </For>
            </select>
        </label>
    }
}

/// A whole number between two ends; what is typed counts once it is one.
#[component]
fn WholeNumber(
    #[prop(into)] id: String,
    #[prop(into)] label: String,
    least: usize,
    #[prop(into)] most: Signal<usize>,
    #[prop(into)] value: Signal<usize>,
    #[prop(into)] set: Callback<usize>,
) -> impl IntoView {
    let typed = move |text: String| {
        if let Ok(number) = text.trim().parse::<usize>() {
            set.run(number.clamp(least, most.get_untracked().max(least)));
        }
    };
    view! {
        <label>
            {label}" "
            <input
                type="number"
                min=least
                max=move || most.get()
                data-testid=id
                prop:value=move || value.get().to_string()
                on:change=move |e| typed(event_target_value(&e))
            />
        </label>
    }
}
