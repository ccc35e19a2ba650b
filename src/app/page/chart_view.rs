//! A chart on the page: heading, two canvas layers, the read-out under the cursor, and a menu to take it away.

use std::rc::Rc;

use leptos::{ev, html, prelude::*};
use leptos_use_intersection_observer::use_intersection_observer;
use leptos_use_resize_observer::use_resize_observer;

use super::{
    board::{Board, Canvas, ChartSignals},
    canvas::png,
    files::{copy, download, download_url},
    state::use_app,
};
use crate::app::charts::{Chart, ChartKind, Readout, ReadoutLine, View};

#[component]
pub fn ChartView(
    kind: ChartKind,
    /// Controls beside the heading.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let app = use_app();
    let board = app.board.get_value();
    let signals = ChartSignals {
        title: RwSignal::new(board.ask(kind, |chart| chart.title())),
        summary: RwSignal::new(String::new()),
        readout: RwSignal::new(None),
    };
    let (axes, series) = (NodeRef::<html::Canvas>::new(), NodeRef::<html::Canvas>::new());
    let canvas = StoredValue::new_local(None::<Rc<Canvas>>);
    Effect::new(move |_| {
        let (Some(axes), Some(series)) = (axes.get(), series.get()) else { return };
        if canvas.with_value(Option::is_none) {
            canvas.set_value(Some(app.board.with_value(|board| board.add(kind, axes, series, signals))));
        }
    });
    let with = move |act: &dyn Fn(&Board, &Canvas)| {
        app.board.with_value(|board| canvas.with_value(|canvas| canvas.as_ref().inspect(|c| act(board, c)).is_some()))
    };
    let _ = use_resize_observer(series, move |_, _| {
        with(&|board, canvas| {
            let (width, height) = (canvas.series.client_width(), canvas.series.client_height());
            board.resized(canvas, f64::from(width), f64::from(height));
        });
    });
    let _ = use_intersection_observer(series, move |entries, _| {
        with(&|board, canvas| board.shown(canvas, entries.last().is_some_and(|entry| entry.is_intersecting())));
    });
    let width =
        move || app.board.with_value(|board| canvas.with_value(|c| c.as_ref().map_or(0.0, |c| board.view(c).width)));
    let pointed = move |e: ev::PointerEvent| {
        let (x, y) = (f64::from(e.offset_x()), f64::from(e.offset_y()));
        with(&|board, canvas| {
            let view = board.view(canvas);
            board.point(canvas, board.ask(kind, |chart| chart.cursor_at(&view, x, y)));
        });
    };
    let left = move || {
        with(&|board, canvas| board.point(canvas, None));
    };
    let keyed = move |e: ev::KeyboardEvent| {
        if e.key() == "Escape" {
            return left();
        }
        let Some(by) = steps_of(&e.key()) else { return };
        e.prevent_default();
        with(&|board, canvas| {
            let from = board.cursor(kind.axis()).and_then(|cursor| cursor.get_untracked());
            board.point(canvas, board.ask(kind, |chart| chart.cursor_moved(from, by)));
        });
    };
    view! {
        <figure class=format!("chart chart-{}", kind.name())>
            <figcaption>
                <h2>{signals.title}</h2>
                {children.map(|children| children())}
                <ChartMenu kind canvas />
            </figcaption>
            <div class="plot">
                <canvas node_ref=axes aria-hidden="true"></canvas>
                <canvas
                    node_ref=series
                    tabindex="0"
                    role="img"
                    data-testid=format!("chart-{}", kind.name())
                    aria-label=signals.summary
                    on:pointermove=pointed
                    on:pointerdown=pointed
                    on:pointerleave=move |_| left()
                    on:blur=move |_| left()
                    on:keydown=keyed
                ></canvas>
                <ReadoutBox readout=signals.readout width />
            </div>
        </figure>
    }
}

/// How far a key moves the cursor of any chart; `None` for keys that do not.
pub fn steps_of(key: &str) -> Option<i64> {
    Some(match key {
        "ArrowRight" | "ArrowDown" => 1,
        "ArrowLeft" | "ArrowUp" => -1,
        "PageDown" => 10,
        "PageUp" => -10,
        "Home" => -1_000_000_000,
        "End" => 1_000_000_000,
        _ => return None,
    })
}

/// The numbers under the cursor, beside it and inside the plot.
#[component]
pub fn ReadoutBox(
    readout: RwSignal<Option<Readout>>,
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

#[component]
fn ChartMenu(kind: ChartKind, canvas: StoredValue<Option<Rc<Canvas>>, LocalStorage>) -> impl IntoView {
    let app = use_app();
    let menu = NodeRef::<html::Details>::new();
    let said = RwSignal::new("");
    let close = move || {
        if let Some(details) = menu.get_untracked() {
            details.set_open(false);
        }
    };
    let view_now = move || canvas.with_value(|c| c.as_ref().map(|c| app.board.with_value(|board| board.view(c))));
    let ask = move |question: &dyn Fn(&dyn Chart) -> String| app.board.with_value(|board| board.ask(kind, question));
    let file = move |ending: &str| format!("{}.{ending}", kind.name());
    let save_png = move |_| {
        let url = view_now().and_then(|view| {
            let view = View { titled: true, ..view };
            png(&app.board.with_value(|board| board.ask(kind, |chart| chart.scene(&view))), &view)
        });
        if let Some(url) = url {
            download_url(&file("png"), &url);
        }
        close();
    };
    let svg = move |_| {
        if let Some(view) = view_now() {
            download(&file("svg"), "image/svg+xml", &ask(&|chart| chart.svg(&view)));
        }
        close();
    };
    let csv = move |_| {
        download(&file("csv"), "text/csv", &ask(&|chart| chart.csv()));
        close();
    };
    let text = move |_| {
        copy(&ask(&|chart| chart.text()), move |worked| {
            said.set(if worked { "Copied." } else { "The browser did not allow copying." });
        });
    };
    let forget = move |_| {
        app.board.with_value(Board::forget_earlier);
        close();
    };
    view! {
        <details class="menu chart-menu" node_ref=menu on:toggle=move |_| said.set("")>
            <summary aria-label="Take this chart away" title="Take this chart away">"⋯"</summary>
            <div class="menu-body">
                <button type="button" data-testid=format!("png-{}", kind.name()) on:click=save_png>"PNG picture"</button>
                <button type="button" data-testid=format!("svg-{}", kind.name()) on:click=svg>"SVG picture"</button>
                <button type="button" data-testid=format!("csv-{}", kind.name()) on:click=csv>"CSV table"</button>
                <button type="button" data-testid=format!("text-{}", kind.name()) on:click=text>"Copy as text"</button>
                {(kind == ChartKind::LossByPosition).then(|| view! {
                    <button type="button" data-testid="forget-earlier" on:click=forget>"Remove earlier runs"</button>
                })}
                <span class="note" role="status">{said}</span>
            </div>
        </details>
    }
}
