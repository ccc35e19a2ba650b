//! What this browser remembers: tastes, never experiments (those travel in links and files). And what this tab remembers until it is
//! closed, so that a reload loses nothing.
//!
//! Not by `use_local_storage` of leptos-use: what is written here is read once, when the page starts, and written where it changes; a
//! signal for each key that other tabs can move would be more than is wanted, and its codecs do not read `yes` and `no`.

use std::collections::BTreeSet;

use leptos::prelude::window;
use web_sys::Storage;

fn storage() -> Option<Storage> {
    // Forbidden storage is an error, and then nothing is remembered.
    window().local_storage().ok().flatten()
}

pub fn read(key: &str) -> Option<String> {
    storage()?.get_item(key).ok().flatten()
}

pub fn write(key: &str, value: &str) {
    if let Some(storage) = storage() {
        // A full or forbidden storage costs only the memory of a taste.
        let _ = storage.set_item(key, value);
    }
}

pub fn flag(key: &str) -> bool {
    read(key).is_some_and(|value| value == "yes")
}

pub fn write_flag(key: &str, on: bool) {
    write(key, if on { "yes" } else { "no" });
}

/// A set of names, kept with commas between them; no name has a comma.
pub fn names(key: &str) -> BTreeSet<String> {
    let text = read(key).unwrap_or_default();
    text.split(',').filter(|name| !name.is_empty()).map(String::from).collect()
}

pub fn write_names(key: &str, names: &BTreeSet<String>) {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    write(key, &names.join(","));
}

fn of_this_tab() -> Option<Storage> {
    window().session_storage().ok().flatten()
}

/// What this tab keeps under `key`.
pub fn kept(key: &str) -> Option<String> {
    of_this_tab()?.get_item(key).ok().flatten().filter(|value| !value.is_empty())
}

/// Keeps `value` until this tab is closed; an empty one, or one that is too large, is forgotten.
pub fn keep(key: &str, value: &str) {
    if let Some(storage) = of_this_tab()
        && (value.is_empty() || storage.set_item(key, value).is_err())
    {
        // What is not there need not be removed.
        let _ = storage.remove_item(key);
    }
}
