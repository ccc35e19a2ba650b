//! A chart anywhere on the page: canvas, crosshair, read-out, keyboard, summary and the menu to take it away.
//!
//! The chart itself is plain data ([`charts::report::SharedChart`]). Everything that is pointed at is answered here, from
//! that data: no worker is asked.

use std::cell::Cell;

use charts::report::{Drawn, SharedChart, Size};
use leptos::{ev, html, prelude::*};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{HtmlCanvasElement, IntersectionObserver, IntersectionObserverEntry, ResizeObserver};

use super::{
    canvas::{clear, device_scale, draw, png},
    chart_view::{ReadoutBox, steps_of},
    files,
    state::use_app,
};
use crate::app::{
    charts::{Readout, View},
    theme::Theme,
};

/// What is done with a place in the chart.
pub type OnPlace = Callback<f64>;
/// What is done with the key of a mark that was pressed.
pub type OnPick = Callback<String>;

/// Charts that are made anew only when a signal that they are made from changes, however often they are drawn and asked.
pub fn kept<T: Send + Sync + 'static>(make: impl Fn() -> T + Send + Sync + 'static) -> Signal<T> {
    Memo::new_with_compare(move |_| make(), |_, _| true).into()
}

/// One chart of a report.
#[component]
pub fn Plot(
    /// The chart as it stands now; its identifier and size do not change.
    #[prop(into)]
    drawn: Signal<Option<Drawn>>,
    /// Called with the cursor's place whenever the reader points somewhere else.
    #[prop(optional, into)]
    on_place: Option<OnPlace>,
    /// Called with a mark's key when it is pressed.
    #[prop(optional, into)]
    on_pick: Option<OnPick>,
) -> impl IntoView {
    let app = use_app();
    let board = app.board.get_value();
    let (id, size) =
        drawn.with_untracked(|d| d.as_ref().map_or((String::new(), Size::Half), |d| (d.id.clone(), d.size)));
    let chart = move || drawn.with(|d| d.as_ref().map(|d| d.chart.clone()));
    // `None` also once the chart is gone: a canvas that is removed still loses the pointer and the focus.
    let chart_now = move || drawn.try_with_untracked(|d| d.as_ref().map(|d| d.chart.clone())).flatten();
    let node = NodeRef::<html::Canvas>::new();
    let over = NodeRef::<html::Canvas>::new();
    let (room, visible) = (RwSignal::new((0.0_f64, 0.0_f64)), RwSignal::new(false));
    let theme = Memo::new(move |_| Theme::of(app.dark.get()));
    let view = move || {
        let (width, height) = room.get();
        View::new(width, height, theme.get())
    };
    let own = RwSignal::new(None::<f64>);
    let cursor = {
        let board = StoredValue::new_local(board.clone());
        move || chart_now().and_then(|c| board.with_value(|board| board.cursor(c.axis()))).unwrap_or(own)
    };
    let active = RwSignal::new(false);
    let readout = RwSignal::new(None::<Readout>);
    let waiting = StoredValue::new_local(Cell::new(false));

    // Draws at the next animation frame, however many changes came since the last.
    let paint = move || {
        if waiting.with_value(|w| w.replace(true)) {
            return;
        }
        request_animation_frame(move || {
            let gone = waiting.try_with_value(|w| w.set(false)).is_none();
            let (Some(canvas), Some(chart)) = (node.try_get_untracked().flatten(), chart_now()) else { return };
            let view = untrack(view);
            if gone || view.width < 1.0 || view.height < 1.0 {
                return;
            }
            let scale = device_scale();
            let scene = chart.scene(&view);
            clear(&canvas, &view, scale);
            draw(&scene.axes, &canvas, scale);
            draw(&scene.series, &canvas, scale);
        });
    };
    Effect::new(move |_| {
        let _ = (chart(), view());
        if visible.get() {
            paint();
        }
    });
    // The crosshair has a layer of its own: moving it draws nothing else.
    Effect::new(move |_| {
        let (Some(chart), view, at) = (chart(), view(), cursor().get()) else { return };
        let Some(canvas) = over.get().filter(|_| visible.get() && view.width >= 1.0 && view.height >= 1.0) else {
            return;
        };
        let found = at.and_then(|at| chart.readout(&view, at));
        let scale = device_scale();
        clear(&canvas, &view, scale);
        if let Some(found) = &found {
            draw(&chart.highlight(&view, found), &canvas, scale);
        }
        let found = found.filter(|_| active.get());
        if readout.with_untracked(|old| *old != found) {
            readout.set(found);
        }
    });
    Effect::new(move |_| {
        if let Some(canvas) = over.get() {
            observe(&canvas, room, visible);
        }
    });

    let move_to = {
        let board = StoredValue::new_local(board);
        move |chart: &SharedChart, at: Option<f64>| {
            active.set(at.is_some());
            let before = cursor().get_untracked();
            board.with_value(|board| match board.cursor(chart.axis()) {
                Some(_) => board.set_cursor(chart.axis(), at),
                None => own.set(at),
            });
            if let (Some(act), Some(at)) = (on_place, at.filter(|at| before != Some(*at))) {
                act.run(at);
            }
        }
    };
    let pointed = move |e: ev::PointerEvent| {
        let Some(chart) = chart_now() else { return };
        let (x, y) = place_of(&e, over);
        let at = chart.cursor_at(&untrack(view), x, y);
        move_to(&chart, at);
    };
    let pressed = move |e: ev::MouseEvent| {
        let (Some(chart), Some(act)) = (chart_now(), on_pick) else { return };
        let (x, y) = place_of(&e, over);
        if let Some(key) = chart.pick(&untrack(view), x, y) {
            act.run(key);
        }
    };
    let left = move || {
        if let Some(chart) = chart_now() {
            move_to(&chart, None);
        }
    };
    let keyed = move |e: ev::KeyboardEvent| {
        let Some(chart) = chart_now() else { return };
        let by = match e.key().as_str() {
            "Escape" => return left(),
            "Enter" => {
                // What the crosshair's marks stand for.
                let found = cursor().get_untracked().and_then(|at| chart.readout(&untrack(view), at));
                let places = found.iter().flat_map(|r| r.lines.iter().filter_map(|l| l.at));
                let key = places.filter_map(|(x, y)| chart.pick(&untrack(view), x, y)).next();
                if let (Some(act), Some(key)) = (on_pick, key) {
                    e.prevent_default();
                    act.run(key);
                }
                return;
            }
            key => steps_of(key),
        };
        let Some(by) = by else { return };
        e.prevent_default();
        let at = chart.cursor_moved(cursor().get_untracked(), by);
        move_to(&chart, at);
    };
    let class = match size {
        Size::Wide => "plot-wide",
        Size::Half => "plot-half",
        Size::Small => "plot-small",
        Size::Square => "plot-square",
    };
    let title = move || chart().map(|c| c.title()).unwrap_or_default();
    let summary = move || chart().map(|c| c.summary()).unwrap_or_default();
    // Where the data decide how high the chart is for its width, it is as high.
    let height = move || {
        let width = Some(room.get().0).filter(|width| *width >= 1.0);
        let height = width.zip(chart()).and_then(|(width, chart)| chart.height(width));
        height.map_or_else(String::new, |height| format!("height: {height:.0}px"))
    };
    let name = id.clone();
    view! {
        <figure class=format!("chart report-chart {class}")>
            <figcaption hidden={size == Size::Small}>
                <h3>{title}</h3>
                <Menu id=name drawn view=Signal::derive(view) />
            </figcaption>
            <div class="plot" style=height>
                <canvas node_ref=node aria-hidden="true"></canvas>
                <canvas
                    node_ref=over
                    tabindex="0"
                    role="img"
                    data-testid=format!("plot-{id}")
                    aria-label=summary
                    style:cursor=move || if on_pick.is_some() { "pointer" } else { "crosshair" }
                    on:pointermove=pointed
                    on:pointerdown=pointed
                    on:click=pressed
                    on:pointerleave=move |_| left()
                    on:blur=move |_| left()
                    on:keydown=keyed
                ></canvas>
                <ReadoutBox readout width={move || room.get().0} />
            </div>
        </figure>
    }
}

/// Where the pointer is on the canvas, CSS pixels. From the window's coordinates: WebKit's own offsets are missing in events that a
/// script made.
fn place_of(e: &web_sys::MouseEvent, canvas: NodeRef<html::Canvas>) -> (f64, f64) {
    let corner = canvas.get_untracked().map(|canvas| canvas.get_bounding_client_rect());
    let (left, top) = corner.map_or((0.0, 0.0), |corner| (corner.left(), corner.top()));
    (f64::from(e.client_x()) - left, f64::from(e.client_y()) - top)
}

/// Follows the canvas' size and whether it is on screen, until the chart goes.
fn observe(canvas: &HtmlCanvasElement, room: RwSignal<(f64, f64)>, visible: RwSignal<bool>) {
    let of = canvas.clone();
    let sized = Closure::<dyn FnMut()>::new(move || {
        let of = of.clone();
        // In the next frame: a size that changes another size within the observer's own round is an error to some browsers.
        request_animation_frame(move || {
            let now = (f64::from(of.client_width()), f64::from(of.client_height()));
            if room.try_get_untracked().is_some_and(|old| old != now) {
                room.set(now);
            }
        });
    });
    let seen = Closure::<dyn FnMut(js_sys::Array)>::new(move |entries: js_sys::Array| {
        let last = entries.pop().dyn_into::<IntersectionObserverEntry>();
        let now = last.is_ok_and(|entry| entry.is_intersecting());
        if visible.try_get_untracked().is_some_and(|old| old != now) {
            visible.set(now);
        }
    });
    let size = ResizeObserver::new(sized.as_ref().unchecked_ref()).ok();
    let sight = IntersectionObserver::new(seen.as_ref().unchecked_ref()).ok();
    size.iter().for_each(|observer| observer.observe(canvas));
    sight.iter().for_each(|observer| observer.observe(canvas));
    let kept = StoredValue::new_local(Some((size, sight, sized, seen)));
    on_cleanup(move || {
        kept.try_update_value(|kept| {
            if let Some((size, sight, ..)) = kept.take() {
                size.iter().for_each(ResizeObserver::disconnect);
                sight.iter().for_each(IntersectionObserver::disconnect);
            }
        });
    });
}

/// PNG, SVG, CSV and text.
#[component]
fn Menu(id: String, drawn: Signal<Option<Drawn>>, view: Signal<View>) -> impl IntoView {
    let menu = NodeRef::<html::Details>::new();
    let said = RwSignal::new("");
    let chart = move || drawn.with_untracked(|d| d.as_ref().map(|d| d.chart.clone()));
    let id = StoredValue::new(id);
    let file = move |ending: &str| id.with_value(|id| format!("{id}.{ending}"));
    let close = move || {
        if let Some(details) = menu.get_untracked() {
            details.set_open(false);
        }
    };
    let png = move |_| {
        let view = View { titled: true, ..view.get_untracked() };
        if let Some(url) = chart().and_then(|chart| png(&chart.scene(&view), &view)) {
            files::download_url(&file("png"), &url);
        }
        close();
    };
    let svg = move |_| {
        if let Some(chart) = chart() {
            files::download(&file("svg"), "image/svg+xml", &chart.svg(&view.get_untracked()));
        }
        close();
    };
    let csv = move |_| {
        if let Some(chart) = chart() {
            files::download(&file("csv"), "text/csv", &chart.csv());
        }
        close();
    };
    let text = move |_| {
        if let Some(chart) = chart() {
            files::copy(&chart.text(), move |worked| {
                said.set(if worked { "Copied." } else { "The browser did not allow copying." });
            });
        }
    };
    let testid = move |what: &str| id.with_value(|id| format!("{what}-{id}"));
    view! {
        <details class="menu chart-menu" node_ref=menu on:toggle=move |_| said.set("")>
            <summary aria-label="Take this chart away" title="Take this chart away">"⋯"</summary>
            <div class="menu-body">
                <button type="button" data-testid=testid("png") on:click=png>"PNG picture"</button>
                <button type="button" data-testid=testid("svg") on:click=svg>"SVG picture"</button>
                <button type="button" data-testid=testid("csv") on:click=csv>"CSV table"</button>
                <button type="button" data-testid=testid("text") on:click=text>"Copy as text"</button>
                <span class="note" role="status">{move || said.get()}</span>
            </div>
        </details>
    }
}
