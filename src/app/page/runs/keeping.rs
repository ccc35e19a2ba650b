//! Keeping what runs. The engine sends a checkpoint when a run pauses and when it ends, and every ten seconds or more while it goes on;
//! the page asks for a first one early and for one more when its tab is hidden. Messages come in order, so the history on the board when
//! a checkpoint arrives is the history at its step, and both are written together.
//!
//! What a reload between two checkpoints loses are the steps since the last: they are computed again, with the same numbers to the bit.
//! Asking for a checkpoint as the page is left would be in vain, as the worker ends with the page.

use std::time::Duration;

use leptos::{prelude::*, task::spawn_local};

use super::Runs;
use crate::{
    app::{
        history::History,
        page::state::App,
        runs::{self, FinalNumbers, KeptRun, RunBytes, file::WholeRun},
    },
    experiment::{Experiment, Preset, preset::PRESETS},
    protocol::{Command, checkpoint::identity},
};

/// How long a run has taken steps before the first checkpoint is asked for, ms.
const EARLY_MS: f64 = 1000.0;
/// How long a deleted run can be brought back.
const UNDO: Duration = Duration::from_secs(8);

/// The run on the board, kept or not.
#[derive(Clone, Debug, Default)]
pub struct Going {
    pub id: String,
    /// Of its experiment.
    pub identity: String,
    pub preset: &'static str,
    pub created: f64,
    /// When its first steps were reported, ms.
    first: Option<f64>,
    /// A first checkpoint was asked for.
    asked: bool,
    /// The step up to which it is written.
    pub written: usize,
    /// The step at which it was brought back.
    opened_at: usize,
    /// It was brought back, to be paused.
    pub held: bool,
    /// It was brought back from the list or by a reload.
    pub opened: bool,
}

impl Going {
    fn new(id: String, experiment: &Experiment, preset: &Preset, now: f64) -> Self {
        Self { id, identity: identity(experiment), preset: preset.name, created: now, ..Self::default() }
    }

    /// A kept run that is brought back.
    pub fn opened(card: &KeptRun, step: usize, held: bool) -> Self {
        let preset = Preset::named(&card.preset).unwrap_or(&PRESETS[0]).name;
        Self {
            id: card.id.clone(),
            identity: identity(&card.experiment),
            preset,
            created: card.created,
            first: None,
            asked: true,
            written: step,
            opened_at: step,
            held,
            opened: true,
        }
    }
}

/// What is to be written, in order.
pub enum Write {
    /// A run as it is at a checkpoint.
    Whole {
        parts: Box<CardParts>,
        bytes: RunBytes,
    },
    /// The curves of a run that went on after its checkpoint, and then another took its place.
    Later {
        parts: Box<CardParts>,
        history: Vec<u8>,
    },
    /// A run of a file.
    Opened(Box<WholeRun>),
    /// The card of a run, renamed or pinned.
    Card(String),
    Delete(String),
}

impl Write {
    fn id(&self) -> &str {
        match self {
            Self::Whole { parts, .. } | Self::Later { parts, .. } => &parts.id,
            Self::Opened(whole) => &whole.run.id,
            Self::Card(id) | Self::Delete(id) => id,
        }
    }
}

/// What a card is made of.
pub struct CardParts {
    id: String,
    preset: &'static str,
    created: f64,
    experiment: Experiment,
    seeds: usize,
    step: usize,
    numbers: Option<FinalNumbers>,
}

impl CardParts {
    fn new(going: &Going, history: &History) -> Self {
        Self {
            id: going.id.clone(),
            preset: going.preset,
            created: going.created,
            experiment: history.experiment().clone(),
            seeds: history.with_seeds().count(),
            step: history.step(),
            numbers: FinalNumbers::of(history),
        }
    }
}

impl App {
    /// A run begins, and is kept once it has something to show.
    pub fn begin_run(self, experiment: &Experiment) {
        let now = js_sys::Date::now();
        let id = self.runs.cards.with_untracked(|cards| runs::new_id(now, cards));
        self.runs.going.set_value(Going::new(id, experiment, self.preset.get_untracked(), now));
        self.runs.current.set(None);
    }

    /// Another run takes the place of the one on the board, `by_itself` where a setting was moved: what was drawn of it stays, paler.
    pub fn leave_run(self, by_itself: bool) {
        let going = self.runs.going.get_value();
        if self.run.with_untracked(Option::is_none) || self.runs.forgotten.with_value(|ids| ids.contains(&going.id)) {
            return;
        }
        let history = self.board.with_value(|board| {
            board.with_history(|history| runs::is_kept(history, by_itself && !going.opened).then(|| history.clone()))
        });
        match history {
            Some(mut history) => {
                // What is drawn beside it is no part of it, nor is the step that was looked at.
                history.set_earlier(Vec::new());
                history.show(None);
                if history.step() > going.written {
                    let parts = Box::new(CardParts::new(&going, &history));
                    self.runs.write(self, Write::Later { parts, history: history.to_bytes() });
                }
                // One that was brought back, and did not go on, may have been further before: that is what is stored.
                if !going.opened || history.step() > going.opened_at {
                    self.runs.loaded.update(|loaded| drop(loaded.insert(going.id.clone(), history.into())));
                }
                self.runs.shown.update(|shown| shown.leave(&going.id));
            }
            None if by_itself && !going.opened && going.written > 0 => {
                let is_wanted = self.runs.card(&going.id).is_some_and(|card| card.pinned || card.renamed);
                if !is_wanted {
                    self.runs.delete_for_good(self, &going.id);
                }
            }
            None => {}
        }
    }

    /// A checkpoint has come: the history on the board is that of its step.
    pub fn keep_checkpoint(self, checkpoint: Vec<u8>) {
        let going = self.runs.going.get_value();
        let kept = self.board.with_value(|board| {
            board.with_history(|history| {
                runs::is_kept(history, false).then(|| (CardParts::new(&going, history), history.to_bytes()))
            })
        });
        let Some((parts, history)) = kept else { return };
        self.runs.going.update_value(|going| going.written = parts.step);
        let bytes = RunBytes { history, checkpoint, at_checkpoint: Vec::new(), seeds: self.seeds.kept() };
        self.runs.write(self, Write::Whole { parts: Box::new(parts), bytes });
    }

    /// Steps were taken. A run that is short, or soon interrupted, has its first checkpoint early.
    pub fn ask_early(self) {
        if self.runs.going.with_value(|going| going.asked) {
            return;
        }
        let now = js_sys::Date::now();
        let first = self.runs.going.try_update_value(|going| *going.first.get_or_insert(now)).unwrap_or(now);
        if now - first >= EARLY_MS && self.is_worth_keeping() {
            self.runs.going.update_value(|going| going.asked = true);
            self.send_all(Command::Checkpoint);
        }
    }

    /// The tab is hidden, and may never be seen again.
    pub fn keep_now(self) {
        if self.is_worth_keeping() {
            self.send_all(Command::Checkpoint);
        }
    }

    fn is_worth_keeping(self) -> bool {
        self.board.with_value(|board| board.with_history(|history| runs::is_kept(history, false)))
    }
}

impl Runs {
    pub(super) fn write(self, app: App, write: Write) {
        self.writes.update_value(|writes| writes.push_back(write));
        if self.writing.get_value() {
            return;
        }
        self.writing.set_value(true);
        spawn_local(async move {
            self.store().await;
            while let Some(write) = self.writes.try_update_value(|writes| writes.pop_front()).flatten() {
                let id = String::from(write.id());
                if let Err(why) = self.put(app, write).await {
                    // The browser's words begin anyhow; ours are sentences without their full stop.
                    let why = format!("{why}.");
                    let sentence = if why == runs::NO_ROOM { why } else { format!("A run could not be kept: {why}") };
                    self.say_once(app, id, sentence);
                }
            }
            self.writing.set_value(false);
        });
    }

    async fn put(self, app: App, write: Write) -> Result<(), String> {
        let store = self.store().await;
        match write {
            Write::Whole { parts, bytes } => {
                let Some(mut card) = self.card_of(&parts) else { return Ok(()) };
                card.bytes = bytes.len();
                let (card, replaced) = self.take(card);
                let gone = store.keep(&card, &bytes, &replaced).await?;
                self.went(app, &gone);
            }
            Write::Later { parts, history } => {
                let Some(card) = self.card_of(&parts) else { return Ok(()) };
                let (card, replaced) = self.take(card);
                let (card, gone) = store.follow(&card, history, &replaced).await?;
                self.change(&card.id, |kept| kept.bytes = card.bytes);
                self.went(app, &gone);
            }
            Write::Opened(whole) => {
                self.cards.update(|cards| cards.push(whole.run.clone()));
                self.cards.update(|cards| runs::sort(cards));
                let gone = store.keep(&whole.run, &whole.bytes, &[]).await?;
                self.went(app, &gone);
            }
            Write::Card(id) => {
                if let Some(card) = self.card(&id) {
                    store.update(&card).await?;
                }
            }
            Write::Delete(id) => store.delete(&id).await?,
        }
        Ok(())
    }

    /// The card of a run as it is now, new or not; `None` where it was deleted for good.
    fn card_of(self, parts: &CardParts) -> Option<KeptRun> {
        if self.forgotten.with_value(|ids| ids.contains(&parts.id)) {
            return None;
        }
        let deleted = || self.deleted.get_untracked().filter(|card| card.id == parts.id);
        let mut card = self.card(&parts.id).or_else(deleted).unwrap_or_else(|| {
            let preset = Preset::named(parts.preset).unwrap_or(&PRESETS[0]);
            let new =
                |cards: &Vec<KeptRun>| KeptRun::new(parts.id.clone(), parts.created, &parts.experiment, preset, cards);
            self.cards.with_untracked(new)
        });
        (card.seeds, card.step, card.numbers) = (parts.seeds, parts.step, parts.numbers.clone());
        Some(card)
    }

    /// Puts a card in its place in the list, and gives it as it stands there. What has the same settings, and got no further, makes room
    /// and leaves its name: its ids are given too, to be deleted as the card is written. A reload in between would find both.
    fn take(self, mut card: KeptRun) -> (KeptRun, Vec<String>) {
        if self.deleted.with_untracked(|deleted| deleted.as_ref().is_some_and(|deleted| deleted.id == card.id)) {
            self.deleted.set(Some(card.clone()));
            return (card, Vec::new());
        }
        // Never the run that the page speaks of, which may be kept further.
        let here = self.going.with_value(|going| going.id.clone());
        let old = |cards: &Vec<KeptRun>| {
            runs::superseded(cards, &card).into_iter().filter(|old| old.id != here).cloned().collect::<Vec<_>>()
        };
        let old = self.cards.with_untracked(old);
        // The list ends with the oldest.
        if let Some(first) = old.last().filter(|_| !card.renamed) {
            card.name.clone_from(&first.name);
        }
        self.cards.update(|cards| {
            match cards.iter_mut().find(|kept| kept.id == card.id) {
                Some(kept) => *kept = card.clone(),
                None => cards.push(card.clone()),
            }
            runs::sort(cards);
        });
        let replaced: Vec<String> = old.into_iter().map(|old| old.id).collect();
        for id in &replaced {
            self.forget(id);
        }
        self.speak_of(&card.id);
        (card, replaced)
    }

    /// The page speaks of this run, if it is the one on the board.
    fn speak_of(self, id: &str) {
        if self.going.with_value(|going| going.id == id) && self.current.with_untracked(Option::is_none) {
            self.current.set(Some(id.into()));
        }
    }

    /// Runs that went to make room are named.
    fn went(self, app: App, gone: &[KeptRun]) {
        for run in gone {
            self.leave_out(&run.id);
        }
        let names: Vec<String> = gone.iter().map(|run| run.name.clone()).collect();
        app.note(Some(runs::evicted_sentence(&names)).filter(|sentence| !sentence.is_empty()).into_iter().collect());
    }

    /// Takes a run out of everything that the page shows.
    fn leave_out(self, id: &str) {
        self.cards.update(|cards| cards.retain(|card| card.id != id));
        self.shown.update(|shown| shown.hide(id));
        if self.comparing.with_untracked(|other| other.as_deref() == Some(id)) {
            self.comparing.set(None);
        }
        if self.current.with_untracked(|current| current.as_deref() == Some(id)) {
            self.current.set(None);
        }
    }

    /// A run is no more, and what is still on its way of it is dropped.
    fn forget(self, id: &str) {
        self.forgotten.update_value(|ids| {
            ids.insert(id.into());
        });
        self.leave_out(id);
    }

    /// Deletes a run for good.
    fn delete_for_good(self, app: App, id: &str) {
        self.forget(id);
        self.write(app, Write::Delete(id.into()));
    }

    fn change(self, id: &str, change: impl FnOnce(&mut KeptRun)) {
        self.cards.update(|cards| {
            if let Some(card) = cards.iter_mut().find(|card| card.id == id) {
                change(card);
            }
            runs::sort(cards);
        });
    }

    pub(super) fn pin(self, app: App, id: &str, on: bool) {
        self.change(id, |card| card.pinned = on);
        self.write(app, Write::Card(id.into()));
    }

    /// Calls a run what was typed.
    ///
    /// # Errors
    ///
    /// A sentence where that is no name.
    pub(super) fn rename(self, app: App, id: &str, text: &str) -> Result<(), String> {
        let name = runs::typed_name(text)?;
        if self.card(id).is_some_and(|card| card.name != name) {
            self.change(id, |card| (card.name, card.renamed) = (name, true));
            self.write(app, Write::Card(id.into()));
        }
        Ok(())
    }

    /// Deletes a run, for good after a few seconds. A page that is left before then keeps it.
    pub(super) fn delete(self, app: App, id: &str) {
        let Some(card) = self.card(id) else { return };
        if let Some(before) = self.deleted.get_untracked() {
            self.deleted.set(None);
            self.delete_for_good(app, &before.id);
        }
        self.deleted.set(Some(card.clone()));
        self.leave_out(id);
        let deletion = self.deletions.try_update_value(|count| {
            *count += 1;
            *count
        });
        set_timeout(
            move || {
                let is_here = self.deleted.with_untracked(|deleted| deleted.as_ref().is_some_and(|d| d.id == card.id));
                // It may have been brought back and deleted again, with a time of its own.
                if is_here && Some(self.deletions.get_value()) == deletion {
                    self.deleted.set(None);
                    self.delete_for_good(app, &card.id);
                }
            },
            UNDO,
        );
    }

    /// Brings back the run that was deleted last.
    pub(super) fn undo(self) {
        let Some(card) = self.deleted.get_untracked() else { return };
        self.deleted.set(None);
        let id = card.id.clone();
        self.cards.update(|cards| {
            cards.push(card);
            runs::sort(cards);
        });
        self.speak_of(&id);
    }
}
