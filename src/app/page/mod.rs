//! The page: everything a person touches, in Leptos, on wasm32 only.
//!
//! `state` holds what the page knows as signals, `board` the run's history and canvases outside of them,
//! `engine_client` the line to the worker; the rest are the parts of the screen.

mod address;
mod board;
mod canvas;
mod chart_view;
mod compare;
mod controls;
mod dialog;
mod dom;
mod engine_client;
mod entries;
mod files;
mod first;
mod generalization;
mod header;
mod help;
mod keyboard;
mod map;
mod messages;
mod navigation;
mod own_process;
mod plot;
mod plot_menu;
mod predict;
mod preferences;
mod probes;
mod readout;
mod report;
mod rerun;
mod run_control;
mod runs;
mod seeds;
mod sequences;
mod settings;
mod share;
mod state;
mod story;
mod sweeps;
mod text_unit;
mod trail;
mod view_link;
mod world;
mod world_panel;

use std::time::Duration;

use leptos::{ev, prelude::*};
use leptos_use_device_pixel_ratio::use_device_pixel_ratio;
use leptos_use_event_listener::use_event_listener;
use wasm_bindgen::JsCast;

use self::{
    chart_view::ChartView,
    controls::{Later, Segments, Switch},
    dom::focus,
    generalization::Generalization,
    state::App,
};
use crate::app::{charts::ChartKind, theme::Theme};

/// How often the page looks at what nobody tells it of.
const EVERY_SECOND: Duration = Duration::from_secs(1);

/// Puts the page in its place and starts the experiment that the address asks for.
pub fn mount() {
    console_error_panic_hook::set_once();
    let Some(place) = document().get_element_by_id("app") else { return };
    let place = JsCast::unchecked_into::<web_sys::HtmlElement>(place);
    mount_to(place, Page).forget();
}

#[component]
fn Page() -> impl IntoView {
    let mut opened = address::open();
    let view = opened.view.take();
    let app = App::new(opened);
    provide_context(app);
    provide_context(sweeps::Store::new(app));
    let maps = map::Maps::new(app);
    provide_context(maps);
    let (help, sharing) = (RwSignal::new(false), RwSignal::new(false));
    follow_theme(app);
    follow_pixel_ratio(app);
    navigation::follow_address(app);
    runs::follow_runs(app);
    rerun::follow_changes(app);
    files::listen_for_files(app);
    keyboard::listen_for_keys(app, help);
    let _ = use_event_listener(document(), ev::visibilitychange, move |_| app.visibility(document().hidden()));
    set_interval(move || app.watch(), EVERY_SECOND);
    app.connect();
    app.start_or_go_on(view);
    let to_the_chart = |e: ev::MouseEvent| {
        e.prevent_default();
        focus("[data-testid=chart-loss-by-position]");
    };
    view! {
        <a class="skip" href="#hero" on:click=to_the_chart>"To the chart"</a>
        <header::Header help sharing />
        <sweeps::Sweeps />
        <main class="stage" class:sheet=move || app.sheet_open.get() hidden=move || app.sweeps_open.get()>
            <settings::Settings />
            <div class="scrim" on:click=move |_| app.sheet_open.set(false)></div>
            <section class="centre" aria-label="Charts">
                <messages::Messages />
                <first::Question />
                <first::Tour />
                <div class="hero" id="hero">
                    <ChartView kind=ChartKind::LossByPosition>
                        <Segments
                            label="Unit of losses"
                            options=vec![("nats", "unit-nats"), ("bits", "unit-bits")]
                            chosen=move || usize::from(app.bits.get())
                            set=move |i| app.set_bits(i == 1)
                        />
                        <Segments
                            label="Scale of the axes"
                            options=vec![("linear", "scale-linear"), ("log-log", "scale-log-log")]
                            chosen=move || usize::from(app.log_log.get())
                            set=move |i| app.log_log.set(i == 1)
                        />
                        <Show when=move || app.theory.with(|t| t.squared_error)>
                            <Segments
                                label="What is measured"
                                options=vec![("loss", "measure-loss"), ("squared error", "measure-squared-error")]
                                chosen=move || usize::from(app.squared_error.get())
                                set=move |i| app.squared_error.set(i == 1)
                            />
                        </Show>
                        <Compare />
                        <view_link::CleanView />
                    </ChartView>
                    <predict::PredictBar />
                    <first::DataControls />
                    <details class="how" data-testid="how" hidden=move || app.theory.with(|t| t.how.is_empty())>
                        <summary>"How these curves were computed"</summary>
                        <p class="lines">{move || app.theory.with(|t| t.how.clone())}</p>
                    </details>
                    <probes::Scrubber />
                </div>
                <Later>
                    <map::MapPanel />
                    <runs::RunsPanel />
                </Later>
                <div class="pair">
                    <ChartView kind=ChartKind::TrainingLoss />
                    <Later>
                        <Generalization />
                    </Later>
                </div>
                <probes::ProbesPanel />
                <Later>
                    <world_panel::WorldPanel />
                    <sequences::Sequences />
                </Later>
            </section>
            <Later>
                <story::StoryPanel />
                <runs::ChosenComparison />
            </Later>
        </main>
        <Later>
            <help::Help open=help />
            <share::Share open=sharing />
        </Later>
        <Spoken />
    }
}

/// Which other predictors are drawn beside the model.
#[component]
fn Compare() -> impl IntoView {
    let app = state::use_app();
    let baselines = move || app.theory.with(|theory| theory.baselines.clone());
    view! {
        <details class="menu chart-menu compare" hidden=move || app.theory.with(|t| t.baselines.is_empty())>
            <summary data-testid="compare">"Compare with"</summary>
            <div class="menu-body" role="group" aria-label="Other predictors">
                <For each=baselines key=Clone::clone let((name, about))>
                    <Baseline name about />
                </For>
            </div>
        </details>
    }
}

/// One of the other predictors, drawn or not.
#[component]
fn Baseline(name: String, about: String) -> impl IntoView {
    let app = state::use_app();
    let testid = format!("baseline-{name}");
    let is_drawn = {
        let name = name.clone();
        move || app.compares(&name)
    };
    let set = {
        let name = name.clone();
        move |on| app.set_compared(&name, on)
    };
    view! { <Switch label=name about testid on=is_drawn set /> }
}

/// What a screen reader announces of the run: its phase, and the hero chart's sentence every few seconds at most.
#[component]
fn Spoken() -> impl IntoView {
    let app = state::use_app();
    let sentence = RwSignal::new(String::new());
    let ticks = StoredValue::new(0_u32);
    set_interval(
        move || {
            ticks.update_value(|ticks| *ticks += 1);
            // While it runs, every third tick; at rest, as soon as something is new.
            if !app.is_busy() || ticks.get_value().is_multiple_of(3) {
                let summary = app.ask(ChartKind::LossByPosition, |chart| chart.summary()).unwrap_or_default();
                let text = format!("{}. {summary}", app.phase.with_untracked(header::phase_word));
                if sentence.with_untracked(|old| *old != text) {
                    sentence.set(text);
                }
            }
        },
        Duration::from_secs(4),
    );
    view! { <p class="spoken" role="status" data-testid="live">{move || sentence.get()}</p> }
}

/// Colours: the system's or the reader's, for the style sheet and the canvases alike.
fn follow_theme(app: App) {
    Effect::new(move |_| {
        let theme = Theme::of(app.dark.get());
        if let Some(root) = document().document_element() {
            // A root element takes any attribute.
            let _ = root.set_attribute("style", &theme.css_variables());
            let _ = root.set_attribute("data-theme", if theme.dark { "dark" } else { "light" });
        }
    });
}

/// Another pixel ratio (the window on another screen, the browser's zoom) need not change any size in CSS pixels, so that charts at rest
/// would stay blurred. Not every browser tells of it, so that it is looked at every second too.
fn follow_pixel_ratio(app: App) {
    let ratio = use_device_pixel_ratio();
    let look = move || {
        let ratio = canvas::device_scale();
        if app.pixel_ratio.get_untracked() != ratio {
            app.pixel_ratio.set(ratio);
        }
    };
    Effect::new(move |_| {
        ratio.track();
        look();
    });
    set_interval(look, EVERY_SECOND);
}
