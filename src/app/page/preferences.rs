//! What this browser remembers: tastes, never experiments (those travel in links and files).

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
