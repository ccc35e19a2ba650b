//! The bar on top: story, run controls, progress, device, share, theme.

use leptos::prelude::*;

use super::{
    navigation, preferences,
    rerun::{AsIMove, RunNote},
    seeds::SeedsControl,
    state::{App, use_app},
    sweeps::Store,
};
use crate::{
    app::first::FIRST_STORY,
    experiment::{Preset, preset::PRESETS},
    number::{self, duration},
    protocol::{DeviceChoice, DeviceKind, DeviceReport, Phase},
};

#[component]
pub fn Header(help: RwSignal<bool>, sharing: RwSignal<bool>) -> impl IntoView {
    let app = use_app();
    let other_theme = move || if app.dark.get() { "Light theme" } else { "Dark theme" };
    let sweeps = expect_context::<Store>();
    view! {
        <header class="bar">
            <h1 class="brand">"ICL Playground"</h1>
            <Story />
            <RunControls />
            <ProgressText />
            <DeviceMenu />
            <div class="bar-end">
                <button
                    type="button"
                    class="quiet"
                    data-testid="lab-open"
                    aria-pressed=move || app.sweeps_open.get().to_string()
                    title="Many runs over a grid of settings"
                    on:click=move |_| navigation::show_sweeps(app, !app.sweeps_open.get_untracked())
                >
                    "Sweeps"<span class="sweeps-badge">{move || sweeps.badge()}</span>
                </button>
                <button type="button" class="quiet" data-testid="share" on:click=move |_| sharing.set(true)>"Share"</button>
                <button
                    type="button"
                    class="quiet icon"
                    data-testid="theme"
                    aria-label=other_theme
                    title=other_theme
                    on:click=move |_| switch_theme(app)
                >
                    {move || if app.dark.get() { "☀" } else { "☾" }}
                </button>
                <button
                    type="button"
                    class="quiet icon"
                    data-testid="help"
                    aria-label="Keys and settings of this page"
                    title="Keys and settings of this page"
                    on:click=move |_| help.set(true)
                >
                    "?"
                </button>
            </div>
        </header>
    }
}

fn switch_theme(app: App) {
    let dark = !app.dark.get_untracked();
    app.theme.set(Some(dark));
    preferences::write("theme", if dark { "dark" } else { "light" });
}

#[component]
fn Story() -> impl IntoView {
    let app = use_app();
    // The one that a first visitor sees comes first.
    let (first, rest): (Vec<&'static Preset>, Vec<_>) = PRESETS.iter().partition(|preset| preset.name == FIRST_STORY);
    let titles = first.into_iter().chain(rest).map(|preset: &'static Preset| {
        let is_open = move || app.preset.get().name == preset.name;
        // Not `prop:value` of the select: it is set before the options are there.
        view! { <option value=preset.name prop:selected=is_open>{preset.title}</option> }
    });
    view! {
        <label class="story-menu">
            <span>"Story"</span>
            <select
                data-testid="story"
                aria-label="Story"
                on:change=move |e| {
                    if let Some(preset) = Preset::named(&event_target_value(&e)) {
                        app.open_preset(preset);
                    }
                }
            >
                {titles.collect_view()}
            </select>
        </label>
    }
}

#[component]
fn RunControls() -> impl IntoView {
    let app = use_app();
    let sound = move || app.problems.with(Vec::is_empty);
    let failed = move || matches!(app.phase.get(), Phase::Failed { .. });
    // Going on with a paused run needs no sound draft; a new start does. While a run goes on, Run takes changed settings.
    let can_run = move || {
        let is_free = !app.is_busy() || app.changed.get();
        is_free && (sound() || matches!(app.phase.get(), Phase::Paused))
    };
    view! {
        <div class="run-controls" role="group" aria-label="Run">
            <button
                type="button"
                class="primary"
                data-testid="run"
                aria-keyshortcuts="Space"
                title="Run (Space)"
                prop:disabled=move || !can_run()
                on:click=move |_| app.run_or_resume()
            >
                <span class="glyph" aria-hidden="true">"▶"</span>
                <span>"Run"</span>
            </button>
            <SeedsControl />
            <AsIMove />
            <RunNote />
            <button
                type="button"
                data-testid="pause"
                aria-keyshortcuts="Space"
                title="Pause at the end of this step (Space)"
                prop:disabled=move || !app.can_pause()
                on:click=move |_| app.pause()
            >
                <span class="glyph" aria-hidden="true">"❚❚"</span>
                <span>"Pause"</span>
            </button>
            <button
                type="button"
                data-testid="step"
                aria-keyshortcuts="S"
                title="One training step (S)"
                prop:disabled=move || failed() || !sound()
                on:click=move |_| app.step()
            >
                <span class="glyph" aria-hidden="true">"▷|"</span>
                <span>"Step"</span>
            </button>
            <button
                type="button"
                data-testid="reset"
                aria-keyshortcuts="R"
                title="Back to step 0, with the settings as they are now (R)"
                prop:disabled=move || !sound()
                on:click=move |_| app.reset()
            >
                <span class="glyph" aria-hidden="true">"↺"</span>
                <span>"Reset"</span>
            </button>
            <button
                type="button"
                class="sheet-open"
                class:changed=move || app.changed.get()
                data-testid="settings-open"
                prop:disabled=move || app.sweeps_open.get()
                aria-controls="settings"
                aria-expanded=move || app.sheet_open.get().to_string()
                on:click=move |_| app.sheet_open.update(|open| *open = !*open)
            >
                <span class="glyph" aria-hidden="true">"☰"</span>
                <span>"Settings"</span>
            </button>
        </div>
    }
}

/// The engine's phase in one word.
pub fn phase_word(phase: &Phase) -> &'static str {
    match phase {
        Phase::Preparing { .. } => "preparing",
        Phase::Compiling => "compiling",
        Phase::Running => "running",
        Phase::Measuring { .. } => "measuring",
        Phase::Paused => "paused",
        Phase::Finished => "finished",
        Phase::Failed { .. } => "failed",
    }
}

#[component]
fn ProgressText() -> impl IntoView {
    let app = use_app();
    let word = Memo::new(move |_| app.phase.with(phase_word));
    let step = Memo::new(move |_| app.progress.with(|p| p.step));
    let steps = Memo::new(move |_| app.run.with(|run| run.as_ref().map(|run| run.experiment.steps())));
    let share_done = move || steps.get().map_or(0.0, |steps| step.get() as f64 / steps.max(1) as f64);
    let speed = move || app.progress.with(|p| p.steps_per_second.map_or_else(|| "–".into(), rate));
    let doing = move || {
        app.phase.with(|phase| match phase {
            Phase::Preparing { what, done: Some(done) } => format!("{what}, {:.0}%", done * 100.0),
            Phase::Measuring { what, done } => format!("{what}, {:.0}%", done * 100.0),
            Phase::Preparing { what, done: None } => what.clone(),
            Phase::Compiling => "Compiling shaders; not counted in steps/s".into(),
            _ => app.seeds.behind().unwrap_or_default(),
        })
    };
    let left = move || {
        app.progress.with(|p| match (app.phase.with(phase_word), app.seeds.seconds_left(p.seconds_left)) {
            ("running" | "paused", Some(seconds)) => format!("{} left", duration(seconds)),
            _ => String::new(),
        })
    };
    let detail = move || {
        app.progress.with(|p| {
            let tokens = p
                .tokens_per_second
                .map_or_else(String::new, |t| format!("{} tokens/s; ", experiment::estimate::large(t.round())));
            let seed = app.run.with(|run| run.as_ref().map_or(0, |run| run.experiment.seed));
            let seeds = app.seeds.standings(seed, p.step);
            let seeds = if seeds.is_empty() { seeds } else { format!("; {seeds}") };
            format!("{tokens}{:.0}% of the time goes into evaluation{seeds}", p.evaluation_share * 100.0)
        })
    };
    view! {
        <div class="progress" title=detail>
            <span class="phase" data-testid="phase" data-phase=word>{word}</span>
            <span class="numbers" hidden=move || !doing().is_empty()>
                <span><b data-testid="step-count">{step}</b>"/" {move || steps.get().map_or_else(|| "–".into(), number::count)}</span>
                <span><b data-testid="steps-per-second">{speed}</b>" steps/s"</span>
                <span class="left" data-testid="time-left">{left}</span>
            </span>
            <span class="doing" data-testid="doing" hidden=move || doing().is_empty()>{doing}</span>
            <span class="done" aria-hidden="true" style=move || format!("--done: {:.4}", share_done())></span>
        </div>
    }
}

fn rate(per_second: f64) -> String {
    if per_second < 9.95 { format!("{per_second:.1}") } else { format!("{per_second:.0}") }
}

/// CPU or GPU: what was measured, what is used and why, and the user's own choice.
#[component]
fn DeviceMenu() -> impl IntoView {
    let app = use_app();
    let used = move || {
        app.device.with(|report| match report {
            Some(DeviceReport { used: DeviceKind::Cpu, .. }) => "CPU",
            Some(DeviceReport { used: DeviceKind::Gpu, .. }) => "GPU",
            None => "Device",
        })
    };
    let why = move || {
        app.device.with(|report| {
            report.as_ref().map_or_else(|| "Not known yet: it is chosen when a run starts.".into(), |r| r.why.clone())
        })
    };
    let measured = move |pick: fn(&DeviceReport) -> Option<f64>| {
        app.device.with(|report| {
            report
                .as_ref()
                .and_then(pick)
                .map_or_else(|| "not measured".into(), |ms| format!("{} ms a step", number::short(ms)))
        })
    };
    let facts = move || {
        app.device.with(|report| {
            let report = report.as_ref()?;
            let adapter = (!report.adapter.is_empty()).then(|| format!("Adapter: {}.", report.adapter));
            let parity = report
                .parity
                .map(|p| format!("Largest difference between CPU and GPU over loss and gradients: {p:.1e}."));
            let text: Vec<String> = adapter.into_iter().chain(parity).collect();
            (!text.is_empty()).then(|| text.join(" "))
        })
    };
    view! {
        <details class="menu device">
            <summary><span data-testid="device">{used}</span></summary>
            <div class="menu-body" role="group" aria-label="Device">
                <DeviceOption
                    choice=DeviceChoice::Auto
                    name="Whichever is faster"
                    testid="device-auto"
                    note="measured on this experiment"
                />
                <DeviceOption choice=DeviceChoice::Cpu name="CPU" testid="device-cpu" note=move || measured(|r| r.cpu_ms) />
                <DeviceOption choice=DeviceChoice::Gpu name="GPU, by WebGPU" testid="device-gpu" note=move || measured(|r| r.gpu_ms) />
                <p data-testid="device-why">{why}</p>
                <p class="note">{move || facts().unwrap_or_default()}</p>
                <Show when=move || app.changed.get()>
                    <button type="button" class="primary" data-testid="device-restart" on:click=move |_| app.start(false)>
                        "Restart to apply"
                    </button>
                </Show>
            </div>
        </details>
    }
}

#[component]
fn DeviceOption(
    choice: DeviceChoice,
    name: &'static str,
    testid: &'static str,
    #[prop(into)] note: Signal<String>,
) -> impl IntoView {
    let app = use_app();
    view! {
        <label class="device-option">
            <input
                type="radio"
                name="device"
                data-testid=testid
                prop:checked=move || app.device_choice.get() == choice
                on:change=move |_| app.device_choice.set(choice)
            />
            <span>{name}</span>
            <span class="note">{note}</span>
        </label>
    }
}
