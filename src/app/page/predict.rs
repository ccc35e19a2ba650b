//! "Predict first": a reader draws the model's curve before the run shows it.

use leptos::prelude::*;

use super::{
    plot::Pen,
    state::{App, Predict, use_app},
};
use crate::{
    app::{
        charts::{View, loss_by_position::LossByPosition},
        guess::Guess,
    },
    number,
    protocol::Phase,
};

impl App {
    /// The guess is made: the run shows what the model does.
    pub fn show_model(self) {
        self.predict.set(Predict::Shown);
        // It may have run meanwhile, unseen.
        if self.changed.get_untracked() || !self.phase.with_untracked(|phase| matches!(phase, Phase::Finished)) {
            self.run_or_resume();
        }
    }

    pub fn forget_guess(self) {
        self.predict.set(Predict::Off);
        self.guess.set(Guess::default());
    }

    fn with_losses<T>(self, read: impl FnOnce(&LossByPosition) -> T) -> T {
        let options = self.options.get_untracked();
        self.board.with_value(|board| board.with_history(|history| read(&LossByPosition::new(history, options))))
    }
}

/// How the chart of the loss by position is drawn into.
pub fn pen(app: App) -> Pen {
    // Where the pointer was last, while its button is down.
    let last = StoredValue::new(None::<(usize, f64)>);
    let draw = move |(view, x, y, begins): (View, f64, f64, bool)| {
        let Some(to) = app.with_losses(|chart| chart.value_at(&view, x, y)) else { return };
        let from = last.get_value().filter(|_| !begins).unwrap_or(to);
        last.set_value(Some(to));
        app.guess.update(|guess| guess.stroke(from, to));
    };
    let nudge = move |(view, position, by): (View, usize, i64)| {
        if let Some(value) = app.with_losses(|chart| chart.nudged(&view, position, by)) {
            app.guess.update(|guess| guess.set(position, value));
        }
    };
    Pen {
        active: Signal::derive(move || app.predict.get() == Predict::Drawing),
        draw: Callback::new(draw),
        nudge: Callback::new(nudge),
    }
}

/// Below the first chart: what to do, and how near the guess was.
#[component]
pub fn PredictBar() -> impl IntoView {
    let app = use_app();
    let drawing = move || app.predict.get() == Predict::Drawing;
    let empty = Memo::new(move |_| app.guess.with(Guess::is_empty));
    let outcome = move || {
        app.recorded.track();
        let finished = app.phase.with(|phase| matches!(phase, Phase::Finished));
        let found = app.board.with_value(|board| {
            board.with_history(|history| {
                let model = &history.evaluation()?.model;
                Some((app.guess.with(|guess| guess.distance(model))?, model.len(), history.per()))
            })
        });
        match found {
            _ if empty.get() => "You drew no guess.".into(),
            Some((distance, positions, per)) if finished => format!(
                "Your guess is {} nats per {per} from the model, the mean absolute difference over {positions} positions.",
                number::short(distance)
            ),
            _ => "When the run ends, it is said here how far your guess is from the model.".into(),
        }
    };
    view! {
        <Show when=move || app.predict.get() != Predict::Off>
            <div class="predict" data-testid="predict">
                <p role="status" data-testid="predict-words">
                    {move || if drawing() {
                        "Where will the model's curve be at the end of the run? Draw it into the chart. With the keyboard: ← → move along the chart, ↑ ↓ change your guess there.".into()
                    } else {
                        outcome()
                    }}
                </p>
                <Show when=drawing>
                    <button type="button" class="primary" data-testid="predict-show" on:click=move |_| app.show_model()>
                        "Show what it does"
                    </button>
                </Show>
                <button
                    type="button"
                    class="quiet"
                    data-testid="predict-clear"
                    prop:disabled=move || drawing() && empty.get()
                    on:click=move |_| if drawing() { app.guess.set(Guess::default()) } else { app.forget_guess() }
                >
                    {move || if drawing() { "Draw anew" } else { "Remove my guess" }}
                </button>
            </div>
        </Show>
    }
}
