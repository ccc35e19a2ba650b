//! What this browser remembers: tastes, never experiments (those travel in links and files). And what this tab remembers until it is
//! closed, so that a reload loses nothing.

fn storage() -> Option<web_sys::Storage> {
    // Forbidden storage is an error, and then nothing is remembered.
    web_sys::window()?.local_storage().ok().flatten()
}

pub fn read(key: &str) -> Option<String> {
    storage()?.get_item(key).ok().flatten()
}

pub fn flag(key: &str) -> bool {
    read(key).is_some_and(|value| value == "yes")
}

pub fn write(key: &str, value: &str) {
    if let Some(storage) = storage() {
        // A full or forbidden storage costs only the memory of a taste.
        let _ = storage.set_item(key, value);
    }
}

pub fn write_flag(key: &str, on: bool) {
    write(key, if on { "yes" } else { "no" });
}

fn of_this_tab() -> Option<web_sys::Storage> {
    web_sys::window()?.session_storage().ok().flatten()
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
