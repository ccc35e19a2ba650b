//! A chart on the page: heading, two canvas layers, the read-out under the cursor, and a menu to take it away.

use std::rc::Rc;

use leptos::{ev, html, prelude::*};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{HtmlCanvasElement, IntersectionObserver, IntersectionObserverEntry, ResizeObserver};

use super::{
    board::{Board, Canvas, ChartSignals},
    canvas::{context, draw},
    controls::{When, effect, escape, truth, words},
    share,
    state::use_app,
};
use crate::app::charts::{Chart, ChartKind, Readout, View};

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
    effect(move || {
        let (Some(axes), Some(series)) = (axes.get(), series.get()) else { return };
        if canvas.with_value(Option::is_none) {
            let board = app.board.get_value();
            let added = board.add(kind, axes, series, signals);
            observe(&board, &added);
            canvas.set_value(Some(added));
        }
    });
    let with = move |act: &dyn Fn(&Board, &Canvas)| {
        app.board.with_value(|board| canvas.with_value(|canvas| canvas.as_ref().inspect(|c| act(board, c)).is_some()))
    };
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
        let by = match e.key().as_str() {
            "ArrowRight" | "ArrowDown" => 1,
            "ArrowLeft" | "ArrowUp" => -1,
            "PageDown" => 10,
            "PageUp" => -10,
            "Home" => -1_000_000_000,
            "End" => 1_000_000_000,
            "Escape" => return left(),
            _ => return,
        };
        e.prevent_default();
        with(&|board, canvas| {
            let from = board.cursor(kind.axis()).and_then(|cursor| cursor.get_untracked());
            board.point(canvas, board.ask(kind, |chart| chart.cursor_moved(from, by)));
        });
    };
    view! {
        <figure class=format!("chart chart-{}", kind.name())>
            <figcaption>
                <h2>{words(move || signals.title.get())}</h2>
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
                    aria-label=words(move || signals.summary.get())
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
    let told = move |r: &Readout| {
        let rows = r.lines.iter().map(|line| {
            let colour = line.hue.map_or_else(String::new, |hue| format!(" style=\"color: {}\"", hue.text));
            let (name, value, how) = (escape(&line.name), escape(&line.value), escape(&line.how));
            format!("<div><dt{colour}>{name}</dt><dd>{value}</dd><small>{how}</small></div>")
        });
        let rows: String = rows.collect();
        format!("<strong>{}</strong><dl>{rows}</dl>", escape(&r.title))
    };
    let of = move |what: &dyn Fn(&Readout) -> String| readout.with(|r| r.as_ref().map(what).unwrap_or_default());
    view! {
        <div
            class="readout"
            role="status"
            hidden=truth(move || readout.with(Option::is_none))
            style=words(move || of(&place))
            inner_html=words(move || of(&told))
        ></div>
    }
}

/// Tells the board when the chart changes size or comes on screen.
fn observe(board: &Board, canvas: &Rc<Canvas>) {
    let sized = {
        let (board, canvas) = (board.clone(), canvas.clone());
        Closure::<dyn FnMut()>::new(move || {
            let (width, height) = (canvas.series.client_width(), canvas.series.client_height());
            board.resized(&canvas, f64::from(width), f64::from(height));
        })
    };
    let seen = {
        let (board, canvas) = (board.clone(), canvas.clone());
        Closure::<dyn FnMut(js_sys::Array)>::new(move |entries: js_sys::Array| {
            let last = entries.pop().dyn_into::<IntersectionObserverEntry>();
            board.shown(&canvas, last.is_ok_and(|entry| entry.is_intersecting()));
        })
    };
    if let Ok(observer) = ResizeObserver::new(sized.as_ref().unchecked_ref()) {
        observer.observe(&canvas.series);
    }
    if let Ok(observer) = IntersectionObserver::new(seen.as_ref().unchecked_ref()) {
        observer.observe(&canvas.series);
    }
    // Charts live as long as the page.
    sized.forget();
    seen.forget();
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
    let png = move |_| {
        if let Some(url) =
            canvas.with_value(|c| app.board.with_value(|board| c.as_ref().and_then(|c| picture(board, c))))
        {
            share::download_url(&file("png"), &url);
        }
        close();
    };
    let svg = move |_| {
        if let Some(view) = view_now() {
            share::download(&file("svg"), "image/svg+xml", &ask(&|chart| chart.svg(&view)));
        }
        close();
    };
    let csv = move |_| {
        share::download(&file("csv"), "text/csv", &ask(&|chart| chart.csv()));
        close();
    };
    let text = move |_| {
        share::copy(&ask(&|chart| chart.text()), move |worked| {
            said.set(if worked { "Copied." } else { "The browser did not allow copying." });
        });
    };
    view! {
        <details class="menu chart-menu" node_ref=menu on:toggle=move |_| said.set("")>
            <summary aria-label="Take this chart away" title="Take this chart away">"⋯"</summary>
            <div class="menu-body">
                <button type="button" data-testid=format!("png-{}", kind.name()) on:click=png>"PNG picture"</button>
                <button type="button" data-testid=format!("svg-{}", kind.name()) on:click=svg>"SVG picture"</button>
                <button type="button" data-testid=format!("csv-{}", kind.name()) on:click=csv>"CSV table"</button>
                <button type="button" data-testid=format!("text-{}", kind.name()) on:click=text>"Copy as text"</button>
                <When on=truth(move || kind == ChartKind::LossByPosition)>
                    <button type="button" data-testid="forget-earlier" on:click=move |_| { app.board.with_value(Board::forget_earlier); close(); }>
                        "Remove earlier runs"
                    </button>
                </When>
                <span class="note" role="status">{words(move || said.get())}</span>
            </div>
        </details>
    }
}

/// The chart with title and background as a PNG, twice as sharp as its size on the page.
fn picture(board: &Board, canvas: &Canvas) -> Option<String> {
    const SCALE: f64 = 2.0;
    let view = View { titled: true, ..board.view(canvas) };
    let paper = document().create_element("canvas").ok()?.dyn_into::<HtmlCanvasElement>().ok()?;
    paper.set_width((view.width * SCALE) as u32);
    paper.set_height((view.height * SCALE) as u32);
    let ground = context(&paper)?;
    ground.set_fill_style_str(&view.theme.surface.to_string());
    ground.fill_rect(0.0, 0.0, f64::from(paper.width()), f64::from(paper.height()));
    let scene = board.ask(canvas.kind, |chart| chart.scene(&view));
    draw(&scene.axes, &paper, SCALE);
    draw(&scene.series, &paper, SCALE);
    paper.to_data_url().ok()
}
