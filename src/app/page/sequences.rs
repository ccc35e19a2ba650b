//! A few sequences as rows of coloured tokens; what is pointed at is answered on the page.

use charts::report::{Drawn, Size};
use leptos::prelude::*;

use super::{
    controls::Segments,
    plot::{Plot, kept},
    state::use_app,
};
use crate::{
    app::charts::samples::{self, ColourBy},
    number::Unit,
};

#[component]
pub fn Sequences() -> impl IntoView {
    let app = use_app();
    let by = RwSignal::new(ColourBy::default());
    let strip = Memo::new(move |_| {
        let unit = if app.bits.get() { Unit::Bits } else { Unit::Nats };
        let by = by.get();
        app.board.with_value(|board| board.with_samples(|history| samples::strip(history, unit, by)))
    });
    let drawn = kept(move || Some(Drawn::new("samples", strip.get()).sized(Size::Wide)));
    let about = move || match by.get() {
        ColourBy::Token => {
            "Each row is one sequence, a colour for each token. Below a token, red: how much more surprised the model is than exact Bayes; full red is 1 and more."
        }
        ColourBy::Model => "The stronger the colour, the more the token surprised the model: −ln P(token).",
        ColourBy::Excess => {
            "The stronger the colour, the more the token surprised the model than it would have surprised exact Bayes."
        }
    };
    let chosen = Signal::derive(move || ColourBy::ALL.iter().position(|one| *one == by.get()).unwrap_or(0));
    view! {
        <section class="sequences" data-testid="samples" aria-label="Sampled sequences">
            <div class="head">
                <h2>"Sampled sequences"</h2>
                <Segments
                    label="What the colours say"
                    options=vec![("Token", "colour-token"), ("Surprise", "colour-model"), ("Above Bayes", "colour-excess")]
                    chosen
                    set=Callback::new(move |i: usize| by.set(ColourBy::ALL.get(i).copied().unwrap_or_default()))
                />
                <span class="note">{about}</span>
            </div>
            <div class="strip"><Plot drawn /></div>
            <p class="token-note" data-testid="token-note">
                <Show when=move || strip.with(|strip| !strip.rows.is_empty())>
                    "Point at a token, or move along the rows with the arrow keys, for its surprise."
                </Show>
            </p>
        </section>
    }
}
