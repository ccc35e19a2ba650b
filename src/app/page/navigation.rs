//! Between the address and what is on the page: each follows the other.

use leptos::{ev, prelude::*};
use leptos_use_event_listener::use_event_listener;

use super::{
    address::{self, Fragment, Opened},
    state::App,
};
use crate::experiment::link;

/// Opens or leaves the view of sweeps.
pub fn show_sweeps(app: App, open: bool) {
    address::ask_for_sweeps(open);
    app.sweeps_open.set(open);
}

/// Keeps the address in step with the draft, and follows when the address changes.
pub fn follow_address(app: App) {
    let view = Memo::new(move |_| app.view_state().to_fragment());
    // Carries the mark of the text that is kept.
    Effect::new(move |kept: Option<String>| {
        let fragment = app.fragment.get().with_view(view.get());
        let sound = app.problems.with(Vec::is_empty);
        // What was opened stays in the address until something is changed; so does a broken link, to be mended.
        let Some(kept) = kept.filter(|_| sound) else { return String::new() };
        let mark = fragment.text.clone();
        if !mark.is_empty() && mark != kept {
            app.draft.with_untracked(|draft| address::keep_text(&draft.world, &mark));
        }
        address::write_soon(fragment);
        mark
    });
    let _ = use_event_listener(window(), ev::hashchange, move |e| {
        let now = Fragment::now();
        app.sweeps_open.set(now.sweeps);
        // From one view to the other and back, the run goes on.
        let old = e.old_url();
        let old = Fragment::parse(&link::plain(old.split_once('#').unwrap_or_default().1));
        let same_run = (&old.experiment, &old.text) == (&now.experiment, &now.text);
        if same_run && old.view == now.view {
            return;
        }
        match address::read(&now) {
            Ok(Opened { view, notice, .. }) if same_run => {
                app.set_view(view.unwrap_or_default());
                app.notice.set(notice);
            }
            Ok(Opened { preset, experiment, view, notice }) => {
                app.preset.set(preset);
                app.open_seen(experiment, view);
                app.note(notice.into_iter().collect());
            }
            Err(why) => {
                app.notice.set(Some(format!("The link could not be read, so nothing was changed.\n{why}")));
            }
        }
    });
}
