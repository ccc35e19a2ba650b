//! A chart anywhere on the page: canvas, crosshair, read-out, keyboard, summary and the menu to take it away.
//!
//! A chart is plain data or is read from the run's history ([`Source`]). Everything that is pointed at is answered here, from
//! that: no worker is asked.

use std::cell::Cell;

use charts::report::{Drawn, Size};
use leptos::{ev, html, prelude::*};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{HtmlCanvasElement, IntersectionObserver, IntersectionObserverEntry, ResizeObserver};

use super::{
    canvas::{clear, draw},
    plot_menu::PlotMenu,
    readout::ReadoutBox,
    state::{App, use_app},
};
use crate::app::{
    charts::{Axis, Chart, ChartKind, Readout, View},
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

/// Where a chart comes from.
#[derive(Clone, Copy)]
pub enum Source {
    /// From the run's history, which changes many times a second.
    Run(ChartKind),
    /// Plain data, replaced where they change.
    Own(Signal<Option<Drawn>>),
}

impl Source {
    /// Follows what is drawn.
    fn track(self, app: App) {
        match self {
            Self::Run(kind) => {
                app.board.with_value(|board| board.track(kind));
                app.track_options(kind);
            }
            Self::Own(drawn) => drawn.track(),
        }
    }

    /// Follows what is written about the chart: of a run, at most once a second.
    fn track_words(self, app: App) {
        match self {
            Self::Run(kind) => {
                app.board.with_value(|board| board.track_words(kind));
                app.track_options(kind);
            }
            Self::Own(drawn) => drawn.track(),
        }
    }

    /// Reads the chart as it stands, and follows nothing. `None` before there is one, and once it is gone: a canvas that is removed
    /// still loses the pointer and the focus.
    pub fn read<T>(self, app: App, read: impl FnOnce(&dyn Chart) -> T) -> Option<T> {
        match self {
            Self::Run(kind) => app.ask(kind, read),
            Self::Own(drawn) => {
                let chart = drawn.try_with_untracked(|d| d.as_ref().map(|d| d.chart.clone())).flatten()?;
                Some(read(chart.as_ref()))
            }
        }
    }

    /// The cursor that the chart shares with others of its axis; `None` where it has one of its own.
    fn shared_cursor(self, app: App) -> Option<RwSignal<Option<f64>>> {
        let axis = match self {
            Self::Run(kind) => kind.axis(),
            Self::Own(_) => self.read(app, |chart| chart.axis()).unwrap_or(Axis::Own),
        };
        app.board.try_with_value(|board| board.cursor(axis)).flatten()
    }

    pub fn is(self, kind: ChartKind) -> bool {
        matches!(self, Self::Run(own) if own == kind)
    }
}

/// How a chart is drawn into by hand.
#[derive(Clone, Copy)]
pub struct Pen {
    /// Whether that is done now.
    pub active: Signal<bool>,
    /// The pointer is at (x, y), CSS pixels, with its button down; `true` where it was pressed just now.
    pub draw: Callback<(View, f64, f64, bool)>,
    /// At this place of the cursor the value goes up (1) or down (-1).
    pub nudge: Callback<(View, usize, i64)>,
}

/// One chart of a report.
#[component]
pub fn Plot(
    /// The chart as it stands now; its identifier and size do not change.
    #[prop(into)]
    drawn: Signal<Option<Drawn>>,
    /// Called with the cursor's place whenever the reader points somewhere else.
    #[prop(optional_no_strip)]
    on_place: Option<OnPlace>,
    /// Called with a mark's key when it is pressed.
    #[prop(optional_no_strip)]
    on_pick: Option<OnPick>,
) -> impl IntoView {
    let (id, size) =
        drawn.with_untracked(|d| d.as_ref().map_or((String::new(), Size::Half), |d| (d.id.clone(), d.size)));
    let class = match size {
        Size::Wide => "plot-wide",
        Size::Half => "plot-half",
        Size::Small => "plot-small",
        Size::Square => "plot-square",
    };
    let testid = format!("plot-{id}");
    view! {
        <figure class=format!("chart report-chart {class}")>
            <PlotFrame source=Source::Own(drawn) name=id testid bare={size == Size::Small} on_place on_pick />
        </figure>
    }
}

/// What every chart's figure holds.
#[component]
pub fn PlotFrame(
    source: Source,
    /// Of files, and of the menu's test ids.
    #[prop(into)]
    name: String,
    /// Of the canvas that takes the pointer and the focus.
    testid: String,
    /// Controls beside the heading.
    #[prop(optional_no_strip)]
    controls: Option<AnyView>,
    /// Without heading and menu.
    #[prop(optional)]
    bare: bool,
    #[prop(optional_no_strip)] on_place: Option<OnPlace>,
    #[prop(optional_no_strip)] on_pick: Option<OnPick>,
    #[prop(optional_no_strip)] pen: Option<Pen>,
) -> impl IntoView {
    let app = use_app();
    let pen = move || pen.filter(|pen| pen.active.get());
    let layers: [NodeRef<html::Canvas>; 3] = [NodeRef::new(), NodeRef::new(), NodeRef::new()];
    let [axes, series, over] = layers;
    let (room, visible) = (RwSignal::new((0.0_f64, 0.0_f64)), RwSignal::new(false));
    let theme = Memo::new(move |_| Theme::of(app.dark.get()));
    let view = Signal::derive(move || {
        let (width, height) = room.get();
        View::new(width, height, theme.get())
    });
    let own = RwSignal::new(None::<f64>);
    let cursor = move || source.shared_cursor(app).unwrap_or(own);
    let active = RwSignal::new(false);
    let readout = RwSignal::new(None::<Readout>);
    draw_when_changed(source, app, layers, view, visible);
    // The crosshair has a layer of its own: moving it draws nothing else.
    Effect::new(move |_| {
        source.track(app);
        let (view, scale, at) = (view.get(), app.pixel_ratio.get(), cursor().get());
        let Some(canvas) = over.get().filter(|_| visible.get() && has_room(&view)) else { return };
        let found = at.and_then(|at| source.read(app, |chart| chart.readout(&view, at))).flatten();
        clear(&canvas, &view, scale);
        if let Some(found) = &found {
            let marks = source.read(app, |chart| chart.highlight(&view, found)).unwrap_or_default();
            draw(&marks, &canvas, scale);
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

    let move_to = move |at: Option<f64>| {
        active.set(at.is_some());
        let cursor = cursor();
        let before = cursor.get_untracked();
        cursor.set(at);
        if let (Some(act), Some(at)) = (on_place, at.filter(|at| before != Some(*at))) {
            act.run(at);
        }
    };
    let view_now = move || view.get_untracked();
    let pointed = move |e: ev::PointerEvent, begins: bool| {
        let (x, y) = place_of(&e, over);
        if let Some(pen) = untrack(pen).filter(|_| e.buttons() & 1 == 1) {
            if let Some(canvas) = over.get_untracked().filter(|_| begins) {
                // The pointer is followed over the edge; one that is gone already is not.
                let _ = canvas.set_pointer_capture(e.pointer_id());
            }
            pen.draw.run((view_now(), x, y, begins));
        }
        if let Some(at) = source.read(app, |chart| chart.cursor_at(&view_now(), x, y)) {
            move_to(at);
        }
    };
    let pressed = move |e: ev::MouseEvent| {
        let Some(act) = on_pick else { return };
        let (x, y) = place_of(&e, over);
        if let Some(key) = source.read(app, |chart| chart.pick(&view_now(), x, y)).flatten() {
            act.run(key);
        }
    };
    let left = move || {
        // Once the chart is gone there is nothing to leave.
        if source.read(app, |_| ()).is_some() {
            move_to(None);
        }
    };
    // The key of what the crosshair's marks stand for.
    let marked = move || {
        let at = cursor().get_untracked()?;
        let of = |chart: &dyn Chart| {
            let found = chart.readout(&view_now(), at)?;
            found.lines.iter().filter_map(|line| line.at).find_map(|(x, y)| chart.pick(&view_now(), x, y))
        };
        source.read(app, of).flatten()
    };
    let keyed = move |e: ev::KeyboardEvent| {
        match e.key().as_str() {
            "Escape" => return left(),
            "Enter" => {
                if let (Some(act), Some(key)) = (on_pick, on_pick.and_then(|_| marked())) {
                    e.prevent_default();
                    act.run(key);
                }
                return;
            }
            _ => {}
        }
        let up = match e.key().as_str() {
            "ArrowUp" => 1,
            "ArrowDown" => -1,
            _ => 0,
        };
        if let Some(pen) = untrack(pen).filter(|_| up != 0) {
            e.prevent_default();
            let at = cursor().get_untracked().unwrap_or(1.0);
            pen.nudge.run((view_now(), at.max(1.0) as usize, up));
            return move_to(Some(at));
        }
        let Some(by) = steps_of(&e.key()) else { return };
        e.prevent_default();
        if let Some(at) = source.read(app, |chart| chart.cursor_moved(cursor().get_untracked(), by)) {
            move_to(at);
        }
    };
    let title = Memo::new(move |_| {
        source.track(app);
        source.read(app, |chart| chart.title()).unwrap_or_default()
    });
    let summary = Memo::new(move |_| {
        source.track_words(app);
        source.read(app, |chart| chart.summary()).unwrap_or_default()
    });
    let heading = match source {
        Source::Run(_) => view! { <h2>{title}</h2> }.into_any(),
        Source::Own(_) => view! { <h3>{title}</h3> }.into_any(),
    };
    view! {
        <figcaption hidden=bare>
            {heading}
            {controls}
            <PlotMenu source name view />
        </figcaption>
        <div class="plot" style=move || height_of(source, app, room.get().0)>
            <canvas node_ref=axes aria-hidden="true"></canvas>
            <canvas node_ref=series aria-hidden="true"></canvas>
            <canvas
                node_ref=over
                tabindex="0"
                role="img"
                data-testid=testid
                aria-label=summary
                style:cursor=move || if on_pick.is_some() { "pointer" } else { "crosshair" }
                style:touch-action=move || if pen().is_some() { "none" } else { "" }
                on:pointermove=move |e| pointed(e, false)
                on:pointerdown=move |e| pointed(e, true)
                on:click=pressed
                on:pointerleave=move |_| left()
                on:blur=move |_| left()
                on:keydown=keyed
            ></canvas>
            <ReadoutBox readout width={move || room.get().0} />
        </div>
    }
}

/// Where the data decide how high the chart is for its width, it is as high. Those of the run are as high as their places.
fn height_of(source: Source, app: App, width: f64) -> String {
    let Source::Own(drawn) = source else { return String::new() };
    drawn.track();
    let height = source.read(app, |chart| chart.height(width)).flatten().filter(|_| width >= 1.0);
    height.map_or_else(String::new, |height| format!("height: {height:.0}px"))
}

fn has_room(view: &View) -> bool {
    view.width >= 1.0 && view.height >= 1.0
}

/// Draws the lower two layers at the next animation frame, however many changes came since the last; the axes only where they are others.
fn draw_when_changed(
    source: Source,
    app: App,
    [axes, series, _]: [NodeRef<html::Canvas>; 3],
    view: Signal<View>,
    visible: RwSignal<bool>,
) {
    let waiting = StoredValue::new_local(Cell::new(false));
    let axes_drawn = StoredValue::new_local(Cell::new(None));
    let paint = move || {
        let gone = waiting.try_with_value(|waiting| waiting.set(false)).is_none();
        let Some(view) = view.try_get_untracked().filter(|view| !gone && has_room(view)) else { return };
        let (Some(axes), Some(series)) = (axes.get_untracked(), series.get_untracked()) else { return };
        let Some(scene) = source.read(app, |chart| chart.scene(&view)) else { return };
        let scale = app.pixel_ratio.get_untracked();
        let key = Some((scene.axes_key(), scale.to_bits(), view.width.to_bits(), view.height.to_bits()));
        if axes_drawn.with_value(|drawn| drawn.replace(key)) != key {
            clear(&axes, &view, scale);
            draw(&scene.axes, &axes, scale);
        }
        clear(&series, &view, scale);
        draw(&scene.series, &series, scale);
    };
    Effect::new(move |_| {
        source.track(app);
        view.track();
        app.pixel_ratio.track();
        if visible.get() && !waiting.with_value(|waiting| waiting.replace(true)) {
            request_animation_frame(paint);
        }
    });
}

/// How far a key moves the cursor of any chart; `None` for keys that do not.
fn steps_of(key: &str) -> Option<i64> {
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
