//! What this browser keeps of sweeps, in IndexedDB: each sweep by its id, each cell's result by (id, key), both as JSON text.
//! What the database does not take stays in memory.

use std::{
    cell::RefCell,
    future::poll_fn,
    pin::{Pin, pin},
    task::Poll,
};

use idb::{Database, Error, KeyRange, ObjectStore, Query, Transaction, TransactionMode, builder};
use js_sys::{Array, Promise};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::DedicatedWorkerGlobalScope;

use super::sheet::{Entry, Found, Record};

const NAME: &str = "icl-playground";
const SWEEPS: &str = "sweeps";
const CELLS: &str = "cells";

/// How long to wait for the database to open, ms. It never does while another page holds on to it for a change of its own.
const OPENING: i32 = 3000;
/// How long to wait for what is read from it, ms: another page's own work may come first.
const READING: i32 = 10_000;
/// Why, the rest of a sentence in brackets.
const BUSY: &str =
    "another page of this site keeps it busy: close the site's other tabs and reload to have results kept";

/// The open database, and what it did not take. Errors are the browser's words, without a full stop.
pub struct Store {
    database: Option<Database>,
    sweeps: RefCell<Vec<Record>>,
    /// With the ids of their sweeps.
    cells: RefCell<Vec<(String, Found)>>,
}

impl Store {
    /// Without a database everything stays in memory; the second part says why.
    pub async fn open() -> (Self, Option<String>) {
        let store = |name| builder::ObjectStoreBuilder::new(name);
        let open = builder::DatabaseBuilder::new(NAME).version(1);
        let mut opening = Box::pin(open.add_object_store(store(SWEEPS)).add_object_store(store(CELLS)).build());
        // It closes itself when another page asks for a change (`versionchange`); what it takes no more stays in memory then.
        let opened = match within(OPENING, opening.as_mut()).await {
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
        };
        let (database, why) = match opened {
            Ok(database) => (Some(database), None),
            Err(why) => (None, Some(why)),
        };
        (Self { database, sweeps: RefCell::default(), cells: RefCell::default() }, why)
    }

    /// Every sweep, the newest first, with the number of its results.
    pub async fn sweeps(&self) -> Result<Vec<Entry>, String> {
        let mut entries = match &self.database {
            Some(database) => in_time(sweeps(database)).await?,
            None => Vec::new(),
        };
        let in_memory = |id: &str| self.cells.borrow().iter().filter(|(sweep, _)| sweep == id).count();
        for (record, done) in entries.iter_mut().flatten() {
            *done += in_memory(&record.id);
        }
        entries.extend(self.sweeps.borrow().iter().map(|record| Ok((record.clone(), in_memory(&record.id)))));
        let age = |entry: &Entry| entry.as_ref().map_or(0.0, |(record, _)| -record.created);
        entries.sort_by(|a, b| age(a).total_cmp(&age(b)));
        Ok(entries)
    }

    /// The results of a sweep; what cannot be read any more is left out, and will be run again.
    pub async fn found(&self, id: &str) -> Result<Vec<Found>, String> {
        let mut all = match &self.database {
            Some(database) => in_time(found(database, id)).await?,
            None => Vec::new(),
        };
        all.extend(self.cells.borrow().iter().filter(|(sweep, _)| sweep == id).map(|(_, found)| found.clone()));
        Ok(all)
    }

    pub async fn put_sweep(&self, record: &Record) -> Result<(), String> {
        let put = self.put(SWEEPS, &record.id.as_str().into(), serde_json::to_string(record)).await;
        if put.is_err() || self.database.is_none() {
            self.sweeps.borrow_mut().push(record.clone());
        }
        put
    }

    /// Names a sweep. One that is not stored, as another tab may have deleted it, is left alone.
    pub async fn rename(&self, id: &str, name: &str) -> Result<(), String> {
        if let Some(record) = self.sweeps.borrow_mut().iter_mut().find(|record| record.id == id) {
            record.name = name.into();
            return Ok(());
        }
        match &self.database {
            Some(database) => rename(database, id, name).await.map_err(|e| words(&e)),
            None => Ok(()),
        }
    }

    /// Whether a sweep is stored: another tab may have deleted it.
    pub async fn has(&self, id: &str) -> Result<bool, String> {
        if self.sweeps.borrow().iter().any(|record| record.id == id) {
            return Ok(true);
        }
        match &self.database {
            Some(database) => in_time(has(database, id)).await,
            None => Ok(false),
        }
    }

    /// False where the sweep is no longer stored: then its result is not either.
    pub async fn put_cell(&self, id: &str, found: &Found) -> Result<bool, String> {
        let in_memory = self.sweeps.borrow().iter().any(|record| record.id == id);
        let put = match &self.database {
            Some(database) if !in_memory => {
                let text = serde_json::to_string(found).map_err(|e| e.to_string())?;
                put_cell(database, id, &found.key, &text).await.map_err(|e| words(&e))
            }
            // That was said when the sweep was stored.
            _ => Ok(true),
        };
        if put.is_err() || self.database.is_none() || in_memory {
            self.cells.borrow_mut().push((id.into(), found.clone()));
        }
        put
    }

    async fn put(&self, store: &str, key: &JsValue, text: serde_json::Result<String>) -> Result<(), String> {
        let text = text.map_err(|e| e.to_string())?;
        match &self.database {
            Some(database) => put(database, store, key, &text).await.map_err(|e| words(&e)),
            // That was said when it did not open.
            None => Ok(()),
        }
    }

    /// Forgets a sweep and its results.
    pub async fn delete(&self, id: &str) -> Result<(), String> {
        self.sweeps.borrow_mut().retain(|record| record.id != id);
        self.cells.borrow_mut().retain(|(sweep, _)| sweep != id);
        match &self.database {
            Some(database) => delete(database, id).await.map_err(|e| words(&e)),
            None => Ok(()),
        }
    }
}

fn both(database: &Database, mode: TransactionMode) -> Result<(Transaction, ObjectStore, ObjectStore), Error> {
    let all = database.transaction(&[SWEEPS, CELLS], mode)?;
    let (sweeps, cells) = (all.object_store(SWEEPS)?, all.object_store(CELLS)?);
    Ok((all, sweeps, cells))
}

async fn sweeps(database: &Database) -> Result<Vec<Entry>, Error> {
    let (_all, sweeps, cells) = both(database, TransactionMode::ReadOnly)?;
    let mut entries = Vec::new();
    for key in sweeps.get_all_keys(None, None)?.await? {
        let id = key.as_string().unwrap_or_default();
        let text = sweeps.get(key)?.await?.and_then(|value| value.as_string()).unwrap_or_default();
        let count = cells.count(Some(Query::KeyRange(range(&id)?)))?.await?;
        entries.push(serde_json::from_str::<Record>(&text).map(|record| (record, count as usize)).map_err(|_| id));
    }
    Ok(entries)
}

async fn found(database: &Database, id: &str) -> Result<Vec<Found>, Error> {
    let (_all, _, cells) = both(database, TransactionMode::ReadOnly)?;
    let values = cells.get_all(Some(Query::KeyRange(range(id)?)), None)?.await?;
    let texts = values.iter().filter_map(JsValue::as_string);
    Ok(texts.filter_map(|text| serde_json::from_str(&text).ok()).collect())
}

async fn put(database: &Database, store: &str, key: &JsValue, text: &str) -> Result<(), Error> {
    let all = database.transaction(&[store], TransactionMode::ReadWrite)?;
    all.object_store(store)?.put(&text.into(), Some(key))?.await?;
    // Written once the transaction is through, and not before.
    through(all).await
}

async fn has(database: &Database, id: &str) -> Result<bool, Error> {
    let (_all, sweeps, _) = both(database, TransactionMode::ReadOnly)?;
    Ok(sweeps.get(JsValue::from(id))?.await?.is_some())
}

/// One transaction: no result is ever stored of a sweep that is not.
async fn put_cell(database: &Database, id: &str, key: &str, text: &str) -> Result<bool, Error> {
    let (all, sweeps, cells) = both(database, TransactionMode::ReadWrite)?;
    if sweeps.get(JsValue::from(id))?.await?.is_none() {
        return Ok(false);
    }
    cells.put(&text.into(), Some(&pair(id, &key.into())))?.await?;
    through(all).await.map(|()| true)
}

/// One transaction: nothing that was deleted comes back.
async fn rename(database: &Database, id: &str, name: &str) -> Result<(), Error> {
    let all = database.transaction(&[SWEEPS], TransactionMode::ReadWrite)?;
    let sweeps = all.object_store(SWEEPS)?;
    let text = sweeps.get(JsValue::from(id))?.await?.and_then(|value| value.as_string()).unwrap_or_default();
    // One that cannot be read has no name to change.
    let Ok(record) = serde_json::from_str::<Record>(&text) else { return Ok(()) };
    let Ok(text) = serde_json::to_string(&Record { name: name.into(), ..record }) else { return Ok(()) };
    sweeps.put(&text.as_str().into(), Some(&id.into()))?.await?;
    through(all).await
}

async fn delete(database: &Database, id: &str) -> Result<(), Error> {
    let (all, sweeps, cells) = both(database, TransactionMode::ReadWrite)?;
    sweeps.delete(JsValue::from(id))?.await?;
    cells.delete(range(id)?)?.await?;
    through(all).await
}

async fn through(all: Transaction) -> Result<(), Error> {
    if all.await?.is_committed() {
        return Ok(());
    }
    Err(Error::TransactionCommitError("the browser took it back".into()))
}

fn pair(id: &str, second: &JsValue) -> JsValue {
    Array::of2(&id.into(), second).into()
}

/// All keys (id, text): arrays sort behind every text.
fn range(id: &str) -> Result<KeyRange, Error> {
    KeyRange::bound(&pair(id, &"".into()), &pair(id, &Array::new()), None, None)
}

fn words(error: &Error) -> String {
    error.to_string().trim_end_matches('.').into()
}

/// What is read, unless it takes too long.
async fn in_time<T>(read: impl Future<Output = Result<T, Error>>) -> Result<T, String> {
    let read = within(READING, pin!(read)).await;
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

async fn rest(ms: i32) {
    let passed = Promise::new(&mut |resolve, _| {
        if let Ok(scope) = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>() {
            // Fails for no function.
            let _ = scope.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, ms);
        }
    });
    let _ = JsFuture::from(passed).await;
}
