//! The page: everything a person touches, in Leptos, on wasm32 only.
//!
//! `state` holds what the page knows as signals, `board` the run's history and canvases outside of them,
//! `engine_client` the line to the worker; the rest are the parts of the screen.

mod board;
mod canvas;
mod chart_view;
mod controls;
mod engine_client;
mod header;
mod help;
mod inside;
mod messages;
mod own_process;
mod pieces;
mod plot;
mod preferences;
mod report;
mod sequences;
mod settings;
mod share;
mod state;
mod story;
mod sweeps;
mod world;
mod world_panel;

use std::time::Duration;

use leptos::prelude::*;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::KeyboardEvent;

use self::{
    chart_view::ChartView,
    controls::{Segments, effect, truth, words},
    state::App,
};
use crate::{
    app::{
        charts::{ChartKind, Options},
        theme::Theme,
    },
    number::Unit,
};

/// Puts the page in its place and starts the experiment that the address asks for.
pub fn mount() {
    console_error_panic_hook::set_once();
    let Some(place) = document().get_element_by_id("app") else { return };
    let place = JsCast::unchecked_into::<web_sys::HtmlElement>(place);
    mount_to(place, Page).forget();
}

#[component]
fn Page() -> impl IntoView {
    let (preset, draft, notice) = share::from_address();
    let app = App::new(preset, draft, notice);
    provide_context(app);
    provide_context(sweeps::Store::new(app));
    let (help, sharing) = (RwSignal::new(false), RwSignal::new(false));
    follow_theme(app);
    follow_pixel_ratio(app);
    follow_settings(app);
    share::follow_address(app);
    share::listen_for_files(app);
    listen_for_keys(app, help);
    listen_for_visibility(app);
    set_interval(
        move || {
            app.watch();
            app.board.with_value(board::Board::refresh_words);
        },
        Duration::from_secs(1),
    );
    app.connect();
    app.start(false);
    view! {
        <a class="skip" href="#hero" on:click=move |e| { e.prevent_default(); focus("[data-testid=chart-loss-by-position]"); }>"To the chart"</a>
        <header::Header help sharing />
        <sweeps::Sweeps />
        <main class="stage" class:sheet=truth(move || app.sheet_open.get()) hidden=truth(move || app.lab.get())>
            <settings::Settings />
            <div class="scrim" on:click=move |_| app.sheet_open.set(false)></div>
            <section class="centre" aria-label="Charts">
                <messages::Messages />
                <div class="hero" id="hero">
                    <ChartView kind=ChartKind::LossByPosition>
                        <Segments
                            label="Unit of losses"
                            options=vec![("nats", "unit-nats"), ("bits", "unit-bits")]
                            chosen=Signal::derive(move || usize::from(app.bits.get()))
                            set=move |i| app.bits.set(i == 1)
                        />
                        <Segments
                            label="Scale of the axes"
                            options=vec![("linear", "scale-linear"), ("log-log", "scale-log-log")]
                            chosen=Signal::derive(move || usize::from(app.log_log.get()))
                            set=move |i| app.log_log.set(i == 1)
                        />
                        <controls::When on=truth(move || app.theory.with(|t| t.squared_error))>
                            <Segments
                                label="What is measured"
                                options=vec![("loss", "measure-loss"), ("squared error", "measure-squared-error")]
                                chosen=Signal::derive(move || usize::from(app.squared_error.get()))
                                set=move |i| app.squared_error.set(i == 1)
                            />
                        </controls::When>
                        <Compare />
                    </ChartView>
                    <details class="how" data-testid="how" hidden=truth(move || app.theory.with(|t| t.how.is_empty()))>
                        <summary>"How these curves were computed"</summary>
                        <p class="lines">{words(move || app.theory.with(|t| t.how.clone()))}</p>
                    </details>
                    <inside::Scrubber />
                </div>
                <div class="pair">
                    <ChartView kind=ChartKind::TrainingLoss />
                    <controls::Later>
                        <Generalization />
                    </controls::Later>
                </div>
                <inside::Inside />
                <controls::Later>
                    <world_panel::WorldPanel />
                    <sequences::Sequences />
                </controls::Later>
            </section>
            <controls::Later>
                <story::StoryPanel />
            </controls::Later>
        </main>
        <controls::Later>
            <help::Help open=help />
            <share::Share open=sharing />
        </controls::Later>
        <Spoken />
    }
}

/// Which other predictors are drawn beside the model.
#[component]
fn Compare() -> impl IntoView {
    let app = state::use_app();
    let list = move || {
        app.theory.with(|theory| {
            let entry = |(name, about): &(String, String)| {
                let checked = if untrack(|| app.compares(name)) { " checked" } else { "" };
                let (name, about) = (controls::escape(name), controls::escape(about));
                format!(
                    "<label class=\"switch\" title=\"{about}\"><input type=\"checkbox\" value=\"{name}\" \
                     data-testid=\"baseline-{name}\"{checked}><span>{name}</span></label>"
                )
            };
            theory.baselines.iter().map(entry).collect::<String>()
        })
    };
    let chosen = move |e: leptos::ev::Event| {
        let input = event_target::<web_sys::HtmlInputElement>(&e);
        app.set_compared(&input.value(), input.checked());
    };
    view! {
        <details class="menu chart-menu compare" hidden=truth(move || app.theory.with(|t| t.baselines.is_empty()))>
            <summary data-testid="compare">"Compare with"</summary>
            <div class="menu-body" role="group" aria-label="Other predictors" inner_html=words(list) on:change=chosen></div>
        </details>
    }
}

/// Bound, KLs, certificate, losses and topics, one at a time.
#[component]
fn Generalization() -> impl IntoView {
    const TABS: [(&str, &str, ChartKind); 5] = [
        ("Bound", "tab-bound", ChartKind::Bound),
        ("KL", "tab-kl", ChartKind::Kl),
        ("Certificate", "tab-certificate", ChartKind::Certificate),
        ("Losses", "tab-losses", ChartKind::Losses),
        ("Topics", "tab-topics", ChartKind::Topics),
    ];
    let tab = RwSignal::new(0_usize);
    let app = state::use_app();
    let inside = controls::memo(move || usize::from(app.draft.with(|draft| draft.bound.bracket_inside)));
    let own = move |kind: ChartKind| match kind {
        ChartKind::Bound => view! {
            <Segments
                label="Form of the bound: the bracket outside or inside the root"
                options=vec![("√·[ ]", "form-outside"), ("√[ ]", "form-inside")]
                chosen=inside
                set=move |i| app.draft.update(|draft| draft.bound.bracket_inside = i == 1)
            />
            <Segments
                label="Scale of the bound's axis"
                options=vec![("log", "bound-log"), ("linear", "bound-linear")]
                chosen=Signal::derive(move || usize::from(app.linear_bound.get()))
                set=move |i| app.linear_bound.set(i == 1)
            />
        }
        .into_any(),
        ChartKind::Losses => view! {
            <Segments
                label="Losses measured from"
                options=vec![("whole", "losses-whole"), ("above Bayes", "losses-above-bayes")]
                chosen=Signal::derive(move || usize::from(app.over_bayes.get()))
                set=move |i| app.over_bayes.set(i == 1)
            />
        }
        .into_any(),
        _ => ().into_any(),
    };
    let tabs = TABS.into_iter().enumerate().map(|(i, (_, _, kind))| {
        view! {
            <div hidden=truth(move || tab.get() != i)>
                <ChartView kind>
                    {own(kind)}
                    <Segments
                        label="What is shown"
                        options=TABS.iter().map(|(text, testid, _)| (*text, *testid)).collect()
                        chosen=tab
                        set=move |i| tab.set(i)
                    />
                </ChartView>
            </div>
        }
    });
    view! {
        <div class="tabbed">
            {tabs.collect_view()}
            <Reached />
        </div>
    }
}

/// How precise the measuring after the last step was, and more of it.
#[component]
fn Reached() -> impl IntoView {
    let app = state::use_app();
    let finished = move || app.phase.with(|phase| matches!(phase, crate::protocol::Phase::Finished));
    view! {
        <p class="note reached" data-testid="reached" hidden=truth(move || app.reached.with(String::is_empty))>
            {words(move || app.reached.get())}" "
            <button
                type="button"
                class="quiet small"
                data-testid="measure-more"
                title="Measures twice as many sequences; nothing is trained again"
                prop:disabled=truth(move || !finished())
                on:click=move |_| app.measure_more()
            >
                "Measure more"
            </button>
        </p>
    }
}

/// What a screen reader hears of the run: its phase, and the hero chart's sentence every few seconds at most.
#[component]
fn Spoken() -> impl IntoView {
    let app = state::use_app();
    let sentence = RwSignal::new(String::new());
    let beat = StoredValue::new(0_u32);
    set_interval(
        move || {
            beat.update_value(|beat| *beat += 1);
            // While it runs, every third beat; at rest, as soon as something is new.
            if !app.is_busy() || beat.get_value().is_multiple_of(3) {
                let summary =
                    app.board.with_value(|board| board.ask(ChartKind::LossByPosition, |chart| chart.summary()));
                let text = format!("{}. {summary}", app.phase.with_untracked(header::phase_word));
                if sentence.with_untracked(|old| *old != text) {
                    sentence.set(text);
                }
            }
        },
        Duration::from_secs(4),
    );
    view! { <p class="spoken" role="status" data-testid="live">{words(move || sentence.get())}</p> }
}

/// Colours: the system's or the reader's, for the style sheet and the canvases alike.
fn follow_theme(app: App) {
    if let Some(query) = window().match_media("(prefers-color-scheme: dark)").ok().flatten() {
        app.system_dark.set(query.matches());
        let again = query.clone();
        share::listen(&query, "change", move |_: web_sys::Event| app.system_dark.set(again.matches()));
    }
    effect(move || {
        let theme = Theme::of(app.dark.get());
        if let Some(root) = document().document_element() {
            // A root element takes any attribute.
            let _ = root.set_attribute("style", &theme.css_variables());
            let _ = root.set_attribute("data-theme", if theme.dark { "dark" } else { "light" });
        }
        app.board.with_value(|board| board.set_theme(theme));
    });
}

/// Another pixel ratio (the window on another screen, the browser's zoom) need not change any size in CSS pixels, so that charts at rest
/// would stay blurred. A query holds for one ratio, and is made anew for the next.
fn follow_pixel_ratio(app: App) {
    let query = format!("(resolution: {}dppx)", window().device_pixel_ratio());
    let Some(query) = window().match_media(&query).ok().flatten() else { return };
    let this = query.clone();
    let changed = Closure::once_into_js(move || {
        this.set_onchange(None);
        app.board.with_value(board::Board::redraw);
        follow_pixel_ratio(app);
    });
    query.set_onchange(Some(changed.unchecked_ref()));
}

/// What needs no retraining reaches the charts at once.
fn follow_settings(app: App) {
    effect(move || app.draft.with(|draft| app.board.with_value(|board| board.set_draft(draft))));
    effect(move || {
        let options = Options {
            unit: if app.bits.get() { Unit::Bits } else { Unit::Nats },
            log_log: app.log_log.get(),
            above_bayes: app.over_bayes.get(),
            compare: app.theory.with(|theory| {
                let drawn = theory.baselines.iter().take(64).enumerate().filter(|(_, (name, _))| app.compares(name));
                drawn.fold(0, |mask, (i, _)| mask | 1 << i)
            }),
            squared_error: app.squared_error.get(),
            linear_bound: app.linear_bound.get(),
        };
        preferences::write_flag("bits", app.bits.get());
        app.board.with_value(|board| board.set_options(options));
    });
}

fn listen_for_keys(app: App, help: RwSignal<bool>) {
    share::listen(&window(), "keydown", move |e: KeyboardEvent| {
        let in_dialog = document().query_selector("dialog[open]").ok().flatten().is_some();
        let taken = e.default_prevented() || e.is_composing() || controls::needs(&e);
        if e.ctrl_key() || e.meta_key() || e.alt_key() || in_dialog || taken {
            return;
        }
        // What is on top closes first.
        if e.key() == "Escape" && close_menus(None) {
            e.prevent_default();
            return;
        }
        if app.lab.get_untracked() {
            if e.key() == "Escape" {
                share::show_lab(app, false);
            }
            return;
        }
        match e.key().as_str() {
            // A key that is held down is pressed once.
            " " | "r" | "R" | "?" if e.repeat() => {}
            " " if untrack(|| app.can_pause()) => app.pause(),
            " " => app.run_or_resume(),
            "s" | "S" => app.step(),
            "r" | "R" => app.reset(),
            "?" => help.set(true),
            "Escape" => app.sheet_open.set(false),
            _ => return,
        }
        e.prevent_default();
    });
    // Open menus close when the reader goes elsewhere.
    share::listen(&document(), "pointerdown", |e: web_sys::Event| {
        let target = e.target().and_then(|t| JsCast::dyn_into::<web_sys::Node>(t).ok());
        close_menus(target.as_ref());
    });
}

/// Closes the menus that are open, but for the one that `within` is part of. The focus goes back to where its menu is opened. Whether one
/// was closed.
fn close_menus(within: Option<&web_sys::Node>) -> bool {
    let Ok(open) = document().query_selector_all("details.menu[open]") else { return false };
    let mut closed = false;
    for menu in (0..open.length()).filter_map(|i| open.item(i)) {
        if within.is_some_and(|node| menu.contains(Some(node))) {
            continue;
        }
        let held = document().active_element().is_some_and(|active| menu.contains(Some(&active)));
        let menu = JsCast::unchecked_into::<web_sys::Element>(menu);
        // An attribute that is there can be removed.
        let _ = menu.remove_attribute("open");
        closed = true;
        if held && within.is_none() {
            let summary = menu.query_selector("summary").ok().flatten();
            if let Some(summary) = summary.and_then(|s| JsCast::dyn_into::<web_sys::HtmlElement>(s).ok()) {
                let _ = summary.focus();
            }
        }
    }
    closed
}

fn listen_for_visibility(app: App) {
    share::listen(&document(), "visibilitychange", move |_: web_sys::Event| app.visibility(document().hidden()));
}

fn focus(selector: &str) {
    let found = document().query_selector(selector).ok().flatten();
    if let Some(element) = found.and_then(|e| JsCast::dyn_into::<web_sys::HtmlElement>(e).ok()) {
        // Whatever can be pointed at can take the focus.
        let _ = element.focus();
    }
}
