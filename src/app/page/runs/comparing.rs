//! The run that the page speaks of, compared with a kept one.

use std::sync::Arc;

use leptos::{prelude::*, task::spawn_local};

use crate::app::page::{
    compare::{Compared, RunComparison},
    state::{App, use_app},
};

/// The dialog that compares two runs: open while a run is chosen for it.
#[component]
pub fn ChosenComparison() -> impl IntoView {
    let app = use_app();
    let compared = RwSignal::new(None::<Compared>);
    Effect::new(move |_| match app.runs.comparing.get() {
        Some(id) => spawn_local(async move {
            let both = app.read_both(&id).await;
            // Closed, or chosen anew, meanwhile.
            if app.runs.comparing.with_untracked(|other| other.as_ref() != Some(&id)) {
                return;
            }
            if both.is_none() {
                app.runs.comparing.set(None);
                app.note(vec!["This run cannot be read any more, so it is not compared.".into()]);
            }
            compared.set(both);
        }),
        None => compared.set(None),
    });
    view! { <RunComparison compared close=move |()| app.runs.comparing.set(None) /> }
}

impl App {
    /// The run on the board as it is now, and a kept one; `None` where that one cannot be read.
    async fn read_both(self, id: &str) -> Option<Compared> {
        let runs = self.runs;
        let mut here = self.board.with_value(|board| board.with_history(Clone::clone));
        here.set_earlier(Vec::new());
        here.show(None);
        let current = runs.current.get_untracked();
        let other = runs.history(id).await?;
        let store = runs.written().await;
        let checkpoint = async |id: &str| {
            let bytes = store.bytes(id).await.ok()??.checkpoint;
            (!bytes.is_empty()).then(|| Arc::new(bytes))
        };
        let mine = match &current {
            Some(current) => checkpoint(current).await,
            None => None,
        };
        let name = |id: &str| runs.card(id).map(|card| card.name);
        let names = [current.as_deref().and_then(name).unwrap_or_else(|| "the run on the page".into()), name(id)?];
        Some(Compared { names, runs: [Arc::new(here), other], checkpoints: [mine, checkpoint(id).await] })
    }
}
