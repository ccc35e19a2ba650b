//! Two runs compared: a dialog with their settings' differences first, then curves, numbers, events and heads.

mod measured;

use std::sync::Arc;

use charts::report::Block;
use leptos::prelude::*;

use super::{controls::Segments, dialog::Dialog, plot::kept, report::Report, state::use_app};
use crate::{
    app::{
        compare::{
            Pair,
            report::{Layout, result_blocks, settings_blocks},
            seeds,
        },
        history::History,
    },
    number::Unit,
};

/// Two runs that are to be compared: A, which is the run that the page speaks of, and B.
#[derive(Clone, Debug)]
pub struct Compared {
    pub names: [String; 2],
    pub runs: [Arc<History>; 2],
    /// The engine's checkpoint of each, where one was kept: heads are measured on it.
    pub checkpoints: [Option<Arc<Vec<u8>>>; 2],
}

impl Compared {
    fn swapped(self) -> Self {
        let ([a, b], [first, second], [one, other]) = (self.names, self.runs, self.checkpoints);
        Self { names: [b, a], runs: [second, first], checkpoints: [other, one] }
    }

    /// Reads both as a pair; nothing where there are none.
    fn read(&self, read: impl FnOnce(&Pair) -> Vec<Block>) -> Vec<Block> {
        let [a, b] = &self.runs;
        let pair = Pair::new([&self.names[0], &self.names[1]], [&seeds(a), &seeds(b)]);
        pair.map_or_else(Vec::new, |pair| read(&pair))
    }
}

/// The comparison, open while there are two runs to compare. It calls `close` when the reader closes it.
#[component]
pub fn RunComparison(
    #[prop(into)] compared: Signal<Option<Compared>>,
    #[prop(into)] close: Callback<()>,
) -> impl IntoView {
    let app = use_app();
    let open = RwSignal::new(false);
    let (swapped, side_by_side) = (RwSignal::new(false), RwSignal::new(false));
    Effect::new(move |_| {
        let is_there = compared.with(Option::is_some);
        if open.get_untracked() != is_there {
            open.set(is_there);
        }
        if !is_there {
            swapped.set(false);
        }
    });
    // The reader closed it.
    Effect::new(move |was: Option<bool>| {
        let now = open.get();
        if was == Some(true) && !now && compared.with_untracked(Option::is_some) {
            close.run(());
        }
        now
    });
    let shown = Signal::derive(move || {
        let both = compared.get()?;
        Some(if swapped.get() { both.swapped() } else { both })
    });
    let layout =
        move || Layout { unit: if app.bits.get() { Unit::Bits } else { Unit::Nats }, side_by_side: side_by_side.get() };
    let of = move |read: &dyn Fn(&Pair) -> Vec<Block>| {
        shown.with(|both| both.as_ref().map(|both| both.read(|pair| read(pair)))).unwrap_or_default()
    };
    let settings = kept(move || of(&settings_blocks));
    let results = kept(move || {
        let layout = layout();
        of(&|pair| result_blocks(pair, layout))
    });
    let name =
        move |side: usize| shown.with(|both| both.as_ref().map(|both| both.names[side].clone())).unwrap_or_default();
    view! {
        <Dialog open title="Compare two runs" testid="compare-dialog">
            <Show when=move || open.get() && compared.with(Option::is_some)>
                <div class="compare-runs">
                    <div class="compare-head">
                        <p data-testid="compare-names">
                            <b>"A: "</b>
                            {move || name(0)}
                            <br />
                            <b>"B: "</b>
                            {move || name(1)}
                        </p>
                        <button
                            type="button"
                            class="small"
                            data-testid="compare-swap"
                            on:click=move |_| swapped.update(|swapped| *swapped = !*swapped)
                        >
                            "Swap A and B"
                        </button>
                        <Segments
                            label="Losses by position"
                            options=vec![("one chart", "compare-overlaid"), ("side by side", "compare-beside")]
                            chosen=move || usize::from(side_by_side.get())
                            set=move |i| side_by_side.set(i == 1)
                        />
                    </div>
                    <section aria-label="Settings that differ">
                        <Report blocks=settings />
                    </section>
                    <section aria-label="Results that differ">
                        <Report blocks=results />
                    </section>
                    <measured::Measurements compared=shown what=measured::What::Events />
                    <measured::Measurements compared=shown what=measured::What::Heads />
                </div>
            </Show>
        </Dialog>
    }
}
