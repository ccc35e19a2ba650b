//! Runs as files: saved, and opened by the file chooser or by drop.

use js_sys::{Array, Uint8Array};
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen_futures::JsFuture;
use web_sys::File;

use super::keeping::Write;
use crate::app::{
    page::{files, state::App},
    runs::{
        KeptRun,
        file::{self, WholeRun},
    },
};

impl App {
    /// Offers these runs as one file.
    pub(super) fn save_runs(self, ids: Vec<String>) {
        spawn_local(async move {
            if let Err(why) = self.save(&ids).await {
                self.note(vec![why]);
            }
        });
    }

    async fn save(self, ids: &[String]) -> Result<(), String> {
        let store = self.runs.written().await;
        let cards: Vec<KeptRun> = ids.iter().filter_map(|id| self.runs.card(id)).collect();
        let size: usize = cards.iter().map(|card| card.bytes).sum();
        if size > file::MAX_BYTES {
            let megabytes = |bytes: usize| bytes.div_ceil(1_000_000);
            return Err(format!(
                "These runs take {} MB together, and a file holds at most {} MB: save them one by one.",
                megabytes(size),
                megabytes(file::MAX_BYTES)
            ));
        }
        let parts = Array::of1(&Uint8Array::from(&file::head()[..]));
        for run in &cards {
            let unread = || format!("The run \"{}\" could not be read, so no file was made.", run.name);
            let bytes = store.bytes(&run.id).await.ok().flatten().ok_or_else(unread)?;
            let part = file::part(&WholeRun { run: run.clone(), bytes }).ok_or_else(unread)?;
            parts.push(&Uint8Array::from(&part[..]));
        }
        files::download_parts(&file::name(&cards.iter().collect::<Vec<_>>()), "application/octet-stream", &parts);
        Ok(())
    }
}

/// Opens a file of runs: they stand in the list afterwards.
///
/// # Errors
///
/// A sentence where it is no such file; nothing was changed then.
pub async fn open_file(app: App, given: &File) -> Result<(), String> {
    if given.size() > file::MAX_BYTES as f64 {
        let most = file::MAX_BYTES / 1_000_000;
        return Err(format!(
            "{} has {:.0} MB; at most {most} can be read. Nothing was changed.",
            given.name(),
            given.size() / 1e6
        ));
    }
    let unread = |_| format!("{} could not be read. Nothing was changed.", given.name());
    let buffer = JsFuture::from(given.array_buffer()).await.map_err(unread)?;
    let opened = file::read(&Uint8Array::new(&buffer).to_vec())?;
    // Cards are known once the database is open.
    app.runs.written().await;
    let deleted = app.runs.deleted.get_untracked().map(|card| card.id);
    let gone = |id: &str| deleted.as_deref() == Some(id) || app.runs.forgotten.with_value(|ids| ids.contains(id));
    let opened = app.runs.cards.with_untracked(|cards| file::beside(cards, &gone, opened, js_sys::Date::now()));
    let names: Vec<&str> = opened.iter().map(|whole| whole.run.name.as_str()).collect();
    app.note(vec![format!("Added to your runs: {}.", names.join(", "))]);
    for whole in opened {
        app.runs.write(app, Write::Opened(Box::new(whole)));
    }
    Ok(())
}
