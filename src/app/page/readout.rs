//! The numbers under a chart's cursor.

use leptos::prelude::*;

use crate::app::charts::{Readout, ReadoutLine};

/// The numbers under the cursor, beside it and inside the plot.
#[component]
pub fn ReadoutBox(
    readout: RwSignal<Option<Readout>>,
    /// Of the plot, CSS pixels.
    width: impl Fn() -> f64 + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let place = move |r: &Readout| {
        let [(x, y), (x2, _)] = r.rule;
        // Upright rules put the box on the side with more room, level ones below the row.
        if (x2 - x).abs() > 1.0 {
            format!("left: 24px; top: {:.0}px", y + 14.0)
        } else if x > width() / 2.0 {
            format!("right: {:.0}px; top: 8px", (width() - x + 12.0).max(4.0))
        } else {
            format!("left: {:.0}px; top: 8px", x + 12.0)
        }
    };
    let rows = move |r: &Readout| {
        let row = |line: &ReadoutLine| {
            view! {
                <div>
                    <dt style=line.hue.map_or_else(String::new, |hue| format!("color: {}", hue.text))>{line.name.clone()}</dt>
                    <dd>{line.value.clone()}</dd>
                    <small>{line.how.clone()}</small>
                </div>
            }
        };
        r.lines.iter().map(row).collect_view()
    };
    view! {
        <div
            class="readout"
            role="status"
            hidden=move || readout.with(Option::is_none)
            style=move || readout.with(|r| r.as_ref().map(place).unwrap_or_default())
        >
            <strong>{move || readout.with(|r| r.as_ref().map(|r| r.title.clone()))}</strong>
            <dl>{move || readout.with(|r| r.as_ref().map(rows))}</dl>
        </div>
    }
}
