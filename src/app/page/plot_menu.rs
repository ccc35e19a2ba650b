//! The menu of every chart: pictures, a table and text to take away, and what one chart alone lets choose.

use leptos::{html, prelude::*};

use super::{canvas::png, controls::Switch, files, plot::Source, state::use_app};
use crate::app::charts::{Chart, ChartKind, CurveName, View};

/// PNG, SVG, CSV and text.
#[component]
pub fn PlotMenu(
    source: Source,
    /// Of files and test ids.
    name: String,
    view: Signal<View>,
) -> impl IntoView {
    let app = use_app();
    let menu = NodeRef::<html::Details>::new();
    let said = RwSignal::new("");
    let ask = move |question: &dyn Fn(&dyn Chart) -> String| source.read(app, question);
    let close = move || {
        if let Some(details) = menu.get_untracked() {
            details.set_open(false);
        }
    };
    let name = StoredValue::new(name);
    let file = move |ending: &str| name.with_value(|name| format!("{name}.{ending}"));
    let save_png = move |_| {
        let view = View { titled: true, ..view.get_untracked() };
        if let Some(url) = source.read(app, |chart| png(&chart.scene(&view), &view)).flatten() {
            files::download_url(&file("png"), &url);
        }
        close();
    };
    let save_svg = move |_| {
        if let Some(svg) = ask(&|chart| chart.svg(&view.get_untracked())) {
            files::download(&file("svg"), "image/svg+xml", &svg);
        }
        close();
    };
    let save_csv = move |_| {
        if let Some(csv) = ask(&|chart| chart.csv()) {
            files::download(&file("csv"), "text/csv", &csv);
        }
        close();
    };
    let copy_text = move |_| {
        if let Some(text) = ask(&|chart| chart.text()) {
            files::copy(&text, move |worked| {
                said.set(if worked { "Copied." } else { "The browser did not allow copying." });
            });
        }
    };
    let forget = move |_| {
        app.runs.hide_all();
        close();
    };
    let testid = move |what: &str| name.with_value(|name| format!("{what}-{name}"));
    view! {
        <details class="menu chart-menu" node_ref=menu on:toggle=move |_| said.set("")>
            <summary aria-label="Take this chart away" title="Take this chart away">"⋯"</summary>
            <div class="menu-body">
                <button type="button" data-testid=testid("png") on:click=save_png>"PNG picture"</button>
                <button type="button" data-testid=testid("svg") on:click=save_svg>"SVG picture"</button>
                <button type="button" data-testid=testid("csv") on:click=save_csv>"CSV table"</button>
                <button type="button" data-testid=testid("text") on:click=copy_text>"Copy as text"</button>
                {source.is(ChartKind::LossByPosition).then(|| view! {
                    <button type="button" data-testid="forget-earlier" on:click=forget>"Hide other runs"</button>
                    <CurveSwitches />
                })}
                <span class="note" role="status">{said}</span>
            </div>
        </details>
    }
}

/// Which curves of the loss by position are drawn.
#[component]
fn CurveSwitches() -> impl IntoView {
    let app = use_app();
    let switch = move |curve: CurveName| {
        let set = move |on: bool| {
            app.hidden.update(|hidden| {
                if on {
                    hidden.remove(&curve);
                } else {
                    hidden.insert(curve);
                }
            });
        };
        view! {
            <Switch
                label=curve.title()
                about="Whether this curve is drawn"
                testid=format!("curve-{}", curve.name())
                on=move || app.hidden.with(|hidden| !hidden.contains(&curve))
                set
            />
        }
    };
    view! { <div class="curves" role="group" aria-label="Curves that are drawn">{CurveName::ALL.map(switch)}</div> }
}
