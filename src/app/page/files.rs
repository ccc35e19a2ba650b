//! What leaves the page as a file or by the clipboard, and what comes in by file, paste and drop.

use std::time::Duration;

use leptos::{ev, prelude::*};
use leptos_use_event_listener::use_event_listener;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, BlobPropertyBag, File, FileList, HtmlAnchorElement, HtmlInputElement, Url};

use super::{dom::listen, runs, state::App};
use crate::{
    app::runs::file::ENDING,
    experiment::{
        Experiment, Problem, Text, WorldSpec, json,
        problem::sentences,
        text::{self, Decoded, Document, Unit},
    },
};

/// Puts text on the clipboard and says through `done` whether that worked: `use_clipboard` of leptos-use does not say when the browser
/// refuses.
pub fn copy(text: &str, done: impl Fn(bool) + 'static) {
    // Absent on pages that are not served securely.
    let clipboard = js_sys::Reflect::get(&window().navigator(), &"clipboard".into()).unwrap_or_default();
    if clipboard.is_undefined() {
        done(false);
        return;
    }
    let promise = window().navigator().clipboard().write_text(text);
    spawn_local(async move { done(JsFuture::from(promise).await.is_ok()) });
}

/// Offers text as a file.
pub fn download(name: &str, kind: &str, text: &str) {
    let options = BlobPropertyBag::new();
    options.set_type(kind);
    let parts = js_sys::Array::of1(&text.into());
    offer(name, Blob::new_with_str_sequence_and_options(&parts, &options));
}

/// Offers bytes as a file: parts that the browser puts together.
pub fn download_parts(name: &str, kind: &str, parts: &js_sys::Array) {
    let options = BlobPropertyBag::new();
    options.set_type(kind);
    let blob = Blob::new_with_u8_array_sequence_and_options(parts, &options);
    offer(name, blob);
}

fn offer(name: &str, blob: Result<Blob, wasm_bindgen::JsValue>) {
    if let Ok(url) = blob.and_then(|blob| Url::create_object_url_with_blob(&blob)) {
        download_url(name, &url);
        // Released once the browser has surely begun.
        set_timeout(move || drop(Url::revoke_object_url(&url)), Duration::from_secs(10));
    }
}

/// Offers what a URL leads to as a file.
pub fn download_url(name: &str, url: &str) {
    let anchor = document().create_element("a").ok().and_then(|a| a.dyn_into::<HtmlAnchorElement>().ok());
    if let Some(anchor) = anchor {
        anchor.set_href(url);
        anchor.set_download(name);
        anchor.click();
    }
}

/// Opens JSON of an experiment, a process or a mixture, whichever it is.
///
/// # Errors
/// What is wrong with it, in sentences; nothing was changed then.
pub fn open_json(app: App, text: &str) -> Result<(), String> {
    let value = json::given("experiment", text).map_err(|problem| refuse(vec![problem]))?;
    if ["transitions", "mixture", "text"].iter().any(|key| value.get(key).is_some()) {
        let world = WorldSpec::from_value(value).map_err(|problem| refuse(vec![problem]))?;
        world.validate().map_err(refuse)?;
        let mut experiment = app.draft.get_untracked();
        experiment.world = world;
        experiment.validate().map_err(refuse)?;
        app.open_beside(experiment);
    } else {
        app.open_beside(Experiment::from_value(value).map_err(refuse)?);
    }
    Ok(())
}

fn refuse(problems: Vec<Problem>) -> String {
    format!("This could not be taken, so nothing was changed.\n{}", sentences(&problems))
}

/// Opens files that are dropped anywhere on the page, and JSON that is pasted outside of entries.
pub fn listen_for_files(app: App) {
    let _ = use_event_listener(document(), ev::dragover, |e| {
        if e.data_transfer().is_some_and(|d| d.types().includes(&"Files".into(), 0)) {
            // Without this the browser would open the file in place of the page.
            e.prevent_default();
        }
    });
    let _ = use_event_listener(document(), ev::drop, move |e| {
        let files = e.data_transfer().and_then(|d| d.files()).filter(|files| files.length() > 0);
        if let Some(files) = files {
            e.prevent_default();
            open_files(app, &files, move |outcome| app.note(outcome.err().into_iter().collect()));
        }
    });
    let _ = use_event_listener(document(), ev::paste, move |e| {
        let typing = e.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok());
        let typing = typing.is_some_and(|t| matches!(t.tag_name().as_str(), "INPUT" | "TEXTAREA"));
        let text = e.clipboard_data().and_then(|d| d.get_data("text").ok()).unwrap_or_default();
        if !typing && json::is_meant(&text) {
            e.prevent_default();
            app.notice.set(open_json(app, &text).err());
        }
    });
}

/// Opens one file of JSON or of runs, or text files: one with sections, or several that are a topic each. `done` gets what is wrong, in
/// sentences.
pub fn open_files(app: App, files: &FileList, done: impl Fn(Result<(), String>) + 'static) {
    let files: Vec<File> = (0..files.length()).filter_map(|i| files.get(i)).collect();
    if let [file] = &files[..]
        && file.name().ends_with(ENDING)
    {
        let file = file.clone();
        spawn_local(async move { done(runs::open_file(app, &file).await) });
        return;
    }
    let size: f64 = files.iter().map(|file| file.size()).sum();
    // Other encodings may take thrice the space; the rest is for validation to judge.
    if size > 3.0 * text::MAX_BYTES as f64 {
        let most = text::MAX_BYTES / 1_000_000;
        done(Err(format!("That is {:.0} MB of files; at most {most} can be read. Nothing was changed.", size / 1e6)));
        return;
    }
    spawn_local(async move { done(read_files(app, &files).await) });
}

/// Asks for files as the browser does, and opens them.
pub fn choose_files(app: App) {
    let input = document().create_element("input").ok().and_then(|i| i.dyn_into::<HtmlInputElement>().ok());
    let Some(input) = input else { return };
    input.set_type("file");
    input.set_multiple(true);
    listen(&input, "change", move |e: web_sys::Event| {
        if let Some(files) = event_target::<HtmlInputElement>(&e).files() {
            open_files(app, &files, move |outcome| app.note(outcome.err().into_iter().collect()));
        }
    });
    input.click();
}

async fn read_files(app: App, files: &[File]) -> Result<(), String> {
    let (mut documents, mut notes) = (Vec::new(), Vec::new());
    for file in files {
        let name = file.name();
        let Ok(buffer) = JsFuture::from(file.array_buffer()).await else {
            return Err(format!("{name} could not be read. Nothing was changed."));
        };
        let Decoded { text, note } = text::decode(&name, js_sys::Uint8Array::new(&buffer).to_vec())
            .map_err(|problem| format!("{problem} Nothing was changed."))?;
        if !note.is_empty() {
            notes.push(note);
        }
        match files.len() {
            1 if name.ends_with(".json") || json::is_meant(&text) => {
                open_json(app, &text)?;
                app.note(notes);
                return Ok(());
            }
            1 => documents = text::sections(&name, &text),
            _ => documents.push(Document { name, text }),
        }
    }
    let mut experiment = app.draft.get_untracked();
    experiment.world = WorldSpec::Text(Text::new(Unit::Characters, documents));
    experiment.validate().map_err(refuse)?;
    app.open_beside(experiment);
    app.note(notes);
    Ok(())
}
