//! What a token of a text is.

use leptos::prelude::*;

use super::{controls::Switch, state::use_app};
use crate::experiment::{Experiment, WorldSpec, text::Unit};

/// Characters or bytes, of a world that is a text.
#[component]
pub fn TextUnit() -> impl IntoView {
    let app = use_app();
    let is_bytes = |draft: &Experiment| matches!(&draft.world, WorldSpec::Text(text) if text.unit() == Unit::Bytes);
    let set = move |bytes: bool| {
        let unit = if bytes { Unit::Bytes } else { Unit::Characters };
        if let WorldSpec::Text(text) = app.draft.with_untracked(|draft| draft.world.clone()) {
            app.set_world(WorldSpec::Text(text.in_unit(unit)));
        }
    };
    view! {
        <Switch
            label="Read as bytes"
            about="Tokens are the 256 bytes of UTF-8 instead of characters."
            testid="text-bytes"
            on=move || app.draft.with(is_bytes)
            set
        />
    }
}
