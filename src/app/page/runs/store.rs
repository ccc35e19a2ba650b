//! Kept runs in IndexedDB: of each its card as JSON text by its id, and its curves and checkpoint as bytes by (id, which of them).
//! Without a database, or room in it, they stay in memory until the page is closed.
//!
//! A database of its own, so that it never waits for what the sweeps' worker does with theirs.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    future::poll_fn,
    pin::{Pin, pin},
    task::Poll,
};

use idb::{Database, Error, ObjectStore, Transaction, TransactionMode, builder};
use js_sys::{Array, Promise, Uint8Array};
use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};

use crate::app::runs::{self, KeptRun, RunBytes};

const NAME: &str = "icl-playground-runs";
const CARDS: &str = "cards";
const BYTES: &str = "bytes";
const HISTORY: &str = "history";
const CHECKPOINT: &str = "checkpoint";
const AT_CHECKPOINT: &str = "at-checkpoint";
const SEEDS: &str = "seeds";
/// What is large of a run, each under a key of its own.
const LARGE: [&str; 4] = [HISTORY, CHECKPOINT, AT_CHECKPOINT, SEEDS];

/// Bytes of runs that are kept in memory, at most.
const MEMORY: usize = 128 << 20;

/// How long to wait for the database, ms. It never answers while another page changes it.
const TIMEOUT: i32 = 5000;
/// Why, the rest of a sentence.
const BUSY: &str = "another page of this site keeps the browser's storage busy";

/// The open database, and what it did not take. Errors are the rest of a sentence, without a full stop.
pub struct RunStore {
    database: Option<Database>,
    /// Runs that there was no room or no database for.
    memory: RefCell<BTreeMap<String, (KeptRun, RunBytes)>>,
}

/// Why a run was not written.
enum NotPut {
    /// There is no room.
    Full,
    Other(String),
}

impl From<Error> for NotPut {
    fn from(error: Error) -> Self {
        let words = words(&error);
        if words.contains("Quota") || format!("{error:?}").contains("Quota") { Self::Full } else { Self::Other(words) }
    }
}

impl RunStore {
    /// Opens the database. Without one (in a private window, for example, or where another page is in the way) runs stay in memory; the
    /// second part says why.
    pub async fn open() -> (Self, Option<String>) {
        let (database, why) = match open().await {
            Ok(database) => (Some(database), None),
            Err(why) => (None, Some(why)),
        };
        (Self { database, memory: RefCell::default() }, why)
    }

    /// All kept runs, pinned ones first, then the newest. Cards that cannot be read any more are left out.
    pub async fn runs(&self) -> Result<Vec<KeptRun>, String> {
        let mut runs = match &self.database {
            Some(database) => in_time(cards(database)).await?,
            None => self.memory.borrow().values().map(|(run, _)| run.clone()).collect(),
        };
        runs::sort(&mut runs);
        Ok(runs)
    }

    /// Curves and checkpoint of a run; `None` where it is not kept any more.
    pub async fn bytes(&self, id: &str) -> Result<Option<RunBytes>, String> {
        let in_memory = self.memory.borrow().get(id).map(|(_, bytes)| bytes.clone());
        match &self.database {
            Some(database) if in_memory.is_none() => in_time(bytes(database, id)).await,
            _ => Ok(in_memory),
        }
    }

    /// Writes a run, new or as it is now, and deletes those of the ids `replaced` in the same transaction. Where there is no room, the oldest runs that are not pinned go; they are given back.
    ///
    /// # Errors
    ///
    /// [`runs::NO_ROOM`] where nothing may go, and whatever else the browser says: then the run stays in memory until the page is closed.
    pub async fn keep(&self, run: &KeptRun, bytes: &RunBytes, replaced: &[String]) -> Result<Vec<KeptRun>, String> {
        let mut gone = Vec::new();
        loop {
            match self.put(run, bytes, replaced).await {
                Ok(()) => return Ok(gone),
                Err(NotPut::Other(why)) => {
                    self.remember(run, bytes);
                    return Err(why);
                }
                Err(NotPut::Full) => {
                    let kept = self.runs().await?;
                    let going = runs::to_evict(&kept, &run.id, bytes.len()).unwrap_or_default();
                    if going.is_empty() {
                        self.remember(run, bytes);
                        return Err(runs::NO_ROOM.trim_end_matches('.').into());
                    }
                    for old in going {
                        self.delete(&old.id).await?;
                        gone.push(old.clone());
                    }
                }
            }
        }
    }

    async fn put(&self, run: &KeptRun, bytes: &RunBytes, replaced: &[String]) -> Result<(), NotPut> {
        for id in replaced {
            self.memory.borrow_mut().remove(id);
        }
        let Some(database) = &self.database else {
            return if self.remember(run, bytes) { Ok(()) } else { Err(NotPut::Full) };
        };
        put(database, run, Some(bytes), replaced).await?;
        self.memory.borrow_mut().remove(&run.id);
        Ok(())
    }

    /// Keeps a run in memory; whether there is room.
    fn remember(&self, run: &KeptRun, bytes: &RunBytes) -> bool {
        let mut memory = self.memory.borrow_mut();
        let others: usize = memory.values().filter(|(other, _)| other.id != run.id).map(|(_, b)| b.len()).sum();
        let fits = others + bytes.len() <= MEMORY;
        if fits {
            memory.insert(run.id.clone(), (run.clone(), bytes.clone()));
        }
        fits
    }

    /// Writes the curves of a run that went on after its checkpoint; gives the runs that went to make room.
    pub async fn follow(
        &self,
        run: &KeptRun,
        history: Vec<u8>,
        replaced: &[String],
    ) -> Result<(KeptRun, Vec<KeptRun>), String> {
        let bytes = self.bytes(&run.id).await?.unwrap_or_default().followed_by(history);
        let run = KeptRun { bytes: bytes.len(), ..run.clone() };
        let gone = self.keep(&run, &bytes, replaced).await?;
        Ok((run, gone))
    }

    /// Writes the card of a run that is kept: a new name, or pinned or not.
    pub async fn update(&self, run: &KeptRun) -> Result<(), String> {
        if let Some((kept, _)) = self.memory.borrow_mut().get_mut(&run.id) {
            *kept = run.clone();
            return Ok(());
        }
        let Some(database) = &self.database else { return Ok(()) };
        put(database, run, None, &[]).await.map_err(|why| match why {
            NotPut::Full => runs::NO_ROOM.trim_end_matches('.').into(),
            NotPut::Other(why) => why,
        })
    }

    /// Forgets a run.
    pub async fn delete(&self, id: &str) -> Result<(), String> {
        self.memory.borrow_mut().remove(id);
        match &self.database {
            Some(database) => delete(database, id).await.map_err(|e| words(&e)),
            None => Ok(()),
        }
    }
}

async fn open() -> Result<Database, String> {
    let store = |name| builder::ObjectStoreBuilder::new(name);
    let open = builder::DatabaseBuilder::new(NAME).version(1);
    let mut opening = Box::pin(open.add_object_store(store(CARDS)).add_object_store(store(BYTES)).build());
    match within(TIMEOUT, opening.as_mut()).await {
        Some(opened) => opened.map_err(|e| words(&e)),
        None => {
            spawn_local(async move {
                // An open database that nobody uses would be in the next page's way.
                if let Ok(late) = opening.await {
                    late.close();
                }
            });
            Err(BUSY.into())
        }
    }
}

fn both(database: &Database, mode: TransactionMode) -> Result<(Transaction, ObjectStore, ObjectStore), Error> {
    let all = database.transaction(&[CARDS, BYTES], mode)?;
    let (cards, bytes) = (all.object_store(CARDS)?, all.object_store(BYTES)?);
    Ok((all, cards, bytes))
}

async fn cards(database: &Database) -> Result<Vec<KeptRun>, Error> {
    let (_all, cards, _) = both(database, TransactionMode::ReadOnly)?;
    let values = cards.get_all(None, None)?.await?;
    Ok(values.iter().filter_map(|value| serde_json::from_str(&value.as_string()?).ok()).collect())
}

async fn bytes(database: &Database, id: &str) -> Result<Option<RunBytes>, Error> {
    let (_all, _, bytes) = both(database, TransactionMode::ReadOnly)?;
    let [history, checkpoint, at_checkpoint, seeds] = LARGE.map(|which| bytes.get(key(id, which)));
    let (history, checkpoint) = (history?.await?, checkpoint?.await?);
    let (at_checkpoint, seeds) = (at_checkpoint?.await?, seeds?.await?);
    let read = |value: Option<JsValue>| Some(value?.dyn_into::<Uint8Array>().ok()?.to_vec());
    Ok(read(history).map(|history| RunBytes {
        history,
        checkpoint: read(checkpoint).unwrap_or_default(),
        at_checkpoint: read(at_checkpoint).unwrap_or_default(),
        seeds: read(seeds).and_then(|seeds| postcard::from_bytes(&seeds).ok()).unwrap_or_default(),
    }))
}

/// One transaction: no card without its bytes, no curves of another step than the checkpoint's, and no run beside the one that replaces it.
async fn put(database: &Database, run: &KeptRun, large: Option<&RunBytes>, replaced: &[String]) -> Result<(), NotPut> {
    let text = serde_json::to_string(run).map_err(|e| NotPut::Other(e.to_string()))?;
    let (all, cards, bytes) = both(database, TransactionMode::ReadWrite)?;
    cards.put(&text.into(), Some(&run.id.as_str().into()))?.await?;
    for id in replaced {
        erase(&cards, &bytes, id).await?;
    }
    if let Some(large) = large {
        let RunBytes { history, checkpoint, at_checkpoint, seeds } = large;
        let seeds = postcard::to_allocvec(seeds).map_err(|e| NotPut::Other(e.to_string()))?;
        for (which, value) in LARGE.into_iter().zip([history, checkpoint, at_checkpoint, &seeds]) {
            bytes.put(&Uint8Array::from(&value[..]).into(), Some(&key(&run.id, which)))?.await?;
        }
    }
    // Written once the transaction is through, and not before. What the browser takes back had no room.
    if all.await?.is_committed() { Ok(()) } else { Err(NotPut::Full) }
}

async fn delete(database: &Database, id: &str) -> Result<(), Error> {
    let (all, cards, bytes) = both(database, TransactionMode::ReadWrite)?;
    erase(&cards, &bytes, id).await?;
    if all.await?.is_committed() {
        return Ok(());
    }
    Err(Error::TransactionCommitError("the browser took it back".into()))
}

async fn erase(cards: &ObjectStore, bytes: &ObjectStore, id: &str) -> Result<(), Error> {
    cards.delete(JsValue::from(id))?.await?;
    for which in LARGE {
        bytes.delete(key(id, which))?.await?;
    }
    Ok(())
}

fn key(id: &str, which: &str) -> JsValue {
    Array::of2(&id.into(), &which.into()).into()
}

fn words(error: &Error) -> String {
    error.to_string().trim_end_matches('.').into()
}

/// What is read, unless it takes too long.
async fn in_time<T>(read: impl Future<Output = Result<T, Error>>) -> Result<T, String> {
    let read = within(TIMEOUT, pin!(read)).await;
    read.ok_or_else(|| String::from(BUSY))?.map_err(|e| words(&e))
}

/// What the future gives, or `None` once so many milliseconds have passed.
async fn within<F: Future>(ms: i32, mut future: Pin<&mut F>) -> Option<F::Output> {
    let mut rest = pin!(rest(ms));
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => rest.as_mut().poll(context).map(|()| None),
    })
    .await
}

pub async fn rest(ms: i32) {
    let passed = Promise::new(&mut |resolve, _| {
        // Fails for no function.
        let _ = window().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, ms);
    });
    let _ = JsFuture::from(passed).await;
}
