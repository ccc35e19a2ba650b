//! The runs that this browser keeps, on the page: which there are, which is looked at, and which are drawn beside it. What is decided
//! about them is `app::runs`.
//!
//! `keeping` keeps what runs, `opening` brings it back, `store` is the database behind both.

mod comparing;
mod files;
mod keeping;
mod list;
mod opening;
mod store;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    rc::Rc,
    sync::Arc,
};

use leptos::{prelude::*, task::spawn_local};

pub use self::{comparing::ChosenComparison, files::open_file, list::RunsPanel};
use self::{
    keeping::{Going, Write},
    store::{RunStore, rest},
};
use super::{preferences, state::App};
use crate::{
    app::{
        history::History,
        runs::{KeptRun, Mark, Shown},
    },
    protocol::{Phase, checkpoint::identity},
};

/// What a tab remembers of its run, and of the runs that are drawn beside it.
const MARK: &str = "run";
const SHOWN: &str = "runs-shown";
/// How long to wait before looking again whether something is written, ms.
const LOOK_MS: i32 = 20;

/// Handles to what the parts of the page share of kept runs; copied freely.
#[derive(Clone, Copy)]
pub struct Runs {
    /// All kept runs, in the order of the list. Empty until the database is open.
    pub cards: RwSignal<Vec<KeptRun>>,
    /// Id of the run that the page speaks of, once it is kept.
    pub current: RwSignal<Option<String>>,
    /// Histories of runs that are drawn beside it.
    pub loaded: RwSignal<BTreeMap<String, Arc<History>>>,
    /// Id of the run that the current one is compared with.
    pub comparing: RwSignal<Option<String>>,
    shown: RwSignal<Shown>,
    /// Ids of the runs that the charts draw, in the order of their dashes.
    drawn: RwSignal<Vec<String>>,
    /// A run that was deleted a moment ago: not for good yet.
    deleted: RwSignal<Option<KeptRun>>,
    /// Why nothing outlives this page, the rest of a sentence; empty where the database is open.
    refused: RwSignal<String>,
    /// How often a run was deleted.
    deletions: StoredValue<u32>,
    /// The run on the board.
    going: StoredValue<Going>,
    /// Ids of runs that were deleted for good: what is still on its way of them is dropped.
    forgotten: StoredValue<BTreeSet<String>>,
    store: StoredValue<Option<Rc<RunStore>>, LocalStorage>,
    /// What waits to be written, in order, and whether something is being written.
    writes: StoredValue<VecDeque<Write>, LocalStorage>,
    writing: StoredValue<bool>,
    /// What was said of the store: once for each run.
    said: StoredValue<BTreeSet<(String, String)>>,
}

impl Runs {
    pub fn new() -> Self {
        let shown = preferences::kept(SHOWN).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        Self {
            cards: RwSignal::new(Vec::new()),
            current: RwSignal::new(None),
            loaded: RwSignal::new(BTreeMap::new()),
            comparing: RwSignal::new(None),
            shown: RwSignal::new(shown),
            drawn: RwSignal::new(Vec::new()),
            deleted: RwSignal::new(None),
            refused: RwSignal::new(String::new()),
            deletions: StoredValue::new(0),
            going: StoredValue::new(Going::default()),
            forgotten: StoredValue::new(BTreeSet::new()),
            store: StoredValue::new_local(None),
            writes: StoredValue::new_local(VecDeque::new()),
            writing: StoredValue::new(false),
            said: StoredValue::new(BTreeSet::new()),
        }
    }

    /// Opens the database, once, and reads the cards.
    fn open(self) {
        spawn_local(async move {
            let (store, mut why) = RunStore::open().await;
            match store.runs().await {
                Ok(cards) => self.cards.set(cards),
                Err(unread) => why = Some(unread),
            }
            self.refused.set(why.unwrap_or_default());
            self.store.set_value(Some(Rc::new(store)));
        });
    }

    /// The database, once it is open.
    async fn store(self) -> Rc<RunStore> {
        loop {
            if let Some(store) = self.store.get_value() {
                return store;
            }
            rest(LOOK_MS).await;
        }
    }

    /// Returns once everything is written that was to be.
    async fn written(self) -> Rc<RunStore> {
        let store = self.store().await;
        while self.writing.get_value() || self.writes.with_value(|writes| !writes.is_empty()) {
            rest(LOOK_MS).await;
        }
        store
    }

    /// The latest curves of a kept run; `None` where it is not kept any more, or cannot be read.
    pub async fn history(self, id: &str) -> Option<Arc<History>> {
        if let Some(history) = self.loaded.with_untracked(|loaded| loaded.get(id).cloned()) {
            return Some(history);
        }
        let bytes = self.written().await.bytes(id).await.ok()??;
        Some(Arc::new(History::from_bytes(&bytes.history).ok()?))
    }

    /// The card of a run.
    pub fn card(self, id: &str) -> Option<KeptRun> {
        self.cards.with_untracked(|cards| cards.iter().find(|card| card.id == id).cloned())
    }

    /// Draws a run beside the current one, or no more.
    fn show(self, app: App, id: &str, on: bool) {
        if on {
            let shown = self.shown.try_update(|shown| shown.show(id));
            app.note(shown.and_then(Result::err).into_iter().collect());
        } else {
            self.shown.update(|shown| shown.hide(id));
        }
    }

    /// Draws no run beside the current one.
    pub fn hide_all(self) {
        self.shown.update(Shown::hide_all);
    }

    /// Loads the history of a run that is to be drawn.
    fn load(self, id: String) {
        spawn_local(async move {
            let history = self.history(&id).await;
            let is_shown = self.shown.with_untracked(|shown| shown.contains(&id));
            match history {
                Some(history) if is_shown => self.loaded.update(|loaded| drop(loaded.insert(id, history))),
                Some(_) => {}
                None => self.shown.update(|shown| shown.hide(&id)),
            }
        });
    }

    /// Says something about how a run is stored, once: it is tried again with each checkpoint.
    fn say_once(self, app: App, id: String, sentence: String) {
        if self.said.try_update_value(|said| said.insert((id, sentence.clone()))).unwrap_or(false) {
            app.note(vec![sentence]);
        }
    }
}

/// Opens the database, and keeps charts and this tab's memory in step with what is chosen and shown.
pub fn follow_runs(app: App) {
    let runs = app.runs;
    runs.open();
    // What is drawn is in memory, and nothing else is.
    Effect::new(move |_| {
        let ids: Vec<String> = runs.shown.with(|shown| shown.ids().map(String::from).collect());
        let missing = runs.loaded.with(|loaded| ids.iter().filter(|id| !loaded.contains_key(*id)).cloned().collect());
        let missing: Vec<String> = missing;
        missing.into_iter().for_each(|id| runs.load(id));
        if runs.loaded.with_untracked(|loaded| loaded.keys().any(|id| !ids.contains(id))) {
            runs.loaded.update(|loaded| loaded.retain(|id, _| ids.contains(id)));
        }
    });
    Effect::new(move |_| {
        let (run, deleted) = (app.run.get(), runs.deleted.get().map(|card| card.id));
        let current = runs.current.get().unwrap_or_else(|| runs.going.with_value(|going| going.id.clone()));
        let is_here = |history: &History| run.as_ref().is_none_or(|r| r.experiment.world == history.experiment().world);
        let (drawn, earlier) = runs.loaded.with(|loaded| {
            let ids = runs.shown.with(|shown| shown.ids().map(String::from).collect::<Vec<_>>());
            let beside = ids.into_iter().filter(|id| *id != current && Some(id) != deleted.as_ref());
            let found = beside.filter_map(|id| {
                let history = loaded.get(&id).filter(|history| is_here(history))?;
                Some((id, history.as_earlier()?))
            });
            found.unzip()
        });
        app.board.with_value(|board| board.set_earlier(earlier));
        runs.drawn.set(drawn);
    });
    Effect::new(move |_| {
        preferences::keep(SHOWN, &runs.shown.with(|shown| serde_json::to_string(shown).unwrap_or_default()));
    });
    // While a run is brought back it is not known whether it will be paused, but as it was opened.
    let held = Memo::new(move |_| {
        app.phase.with(|phase| match phase {
            Phase::Paused => true,
            Phase::Preparing { .. } => runs.going.with_value(|going| going.held),
            _ => false,
        })
    });
    Effect::new(move |was: Option<bool>| {
        let (current, held, shown, changed) = (runs.current.get(), held.get(), app.shown.get(), app.changed.get());
        let is_known = current.is_some();
        if let Some(id) = current {
            // Some settings act at once: with them the address is another, and the run the same.
            let identity = match changed {
                true => runs.going.with_value(|going| going.identity.clone()),
                false => app.draft.with(identity),
            };
            preferences::keep(MARK, &Mark { id, identity, held, shown }.to_text());
        } else if was == Some(true) {
            preferences::keep(MARK, "");
        }
        is_known
    });
}
