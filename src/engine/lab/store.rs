//! What this browser keeps of sweeps, in IndexedDB: each sweep by its id, each cell's result by (id, key), both as JSON text.
//! What the database does not take stays in memory.

use std::cell::RefCell;

use idb::{Database, Error, KeyRange, ObjectStore, Query, Transaction, TransactionMode, builder};
use js_sys::Array;
use wasm_bindgen::JsValue;

use super::{
    sheet::{Found, Record},
    view::Entry,
};

const NAME: &str = "icl-playground";
const SWEEPS: &str = "sweeps";
const CELLS: &str = "cells";

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
        let opened = open.add_object_store(store(SWEEPS)).add_object_store(store(CELLS)).build().await;
        let why = opened.as_ref().err().map(words);
        (Self { database: opened.ok(), sweeps: RefCell::default(), cells: RefCell::default() }, why)
    }

    /// Every sweep, the newest first, with the number of its results.
    pub async fn sweeps(&self) -> Result<Vec<Entry>, String> {
        let mut entries = match &self.database {
            Some(database) => sweeps(database).await.map_err(|e| words(&e))?,
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
            Some(database) => found(database, id).await.map_err(|e| words(&e))?,
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

    pub async fn put_cell(&self, id: &str, found: &Found) -> Result<(), String> {
        let put = self.put(CELLS, &pair(id, &found.key.as_str().into()), serde_json::to_string(found)).await;
        if put.is_err() || self.database.is_none() {
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
