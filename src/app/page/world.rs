//! Which world: a named one with its parameters, a process of one's own, or a mixture of worlds.

use leptos::prelude::*;

use super::{
    controls::{FieldProblems, NumberControl, SwitchControl},
    files::choose_files,
    own_process::OwnProcess,
    state::{App, use_app},
    text_unit::TextUnit,
};
use crate::{
    app::{
        fields::Number,
        mixing::{self, Part},
    },
    experiment::{WorldKind, WorldSpec, world::KINDS},
};

/// In the list of worlds, beside the names of [`KINDS`].
const OWN: &str = "own";
const MIXTURE: &str = "mixture";
const TEXT: &str = "text";

#[component]
pub fn World() -> impl IntoView {
    let app = use_app();
    let own = RwSignal::new(false);
    // Only which: a parameter must not rebuild its own control, nor a row of the mixture itself.
    let which = Memo::new(move |_| app.draft.with(|d| name(&d.world)));
    let parts = Memo::new(move |_| {
        app.draft.with(|d| if let WorldSpec::Mixture(mixture) = &d.world { mixture.mixture.len() } else { 0 })
    });
    let tokens = move || {
        app.draft.with(|d| {
            let tokens = d.world.tokens();
            match tokens.as_slice() {
                [] => String::new(),
                _ if d.world.observation().is_vectors() => {
                    format!("Vectors of {} entries", d.world.observation().size())
                }
                [one] => format!("1 token: {one}"),
                many if many.len() <= 8 => format!("{} tokens: {}", many.len(), many.join(" · ")),
                many => format!("{} tokens: {} · …", many.len(), many[..6].join(" · ")),
            }
        })
    };
    let body = move || match which.get() {
        MIXTURE => view! { <Mixture parts=parts.get() /> }.into_any(),
        OWN => ().into_any(),
        TEXT => view! { <TextUnit /> }.into_any(),
        named => {
            let kind = WorldKind::named(named);
            let controls = kind.map_or(&[][..], |k| k.parameters).iter().map(|parameter| {
                let number = Number::of_world(parameter);
                let control = if number.is_switch() {
                    view! { <SwitchControl number /> }.into_any()
                } else {
                    view! { <NumberControl number /> }.into_any()
                };
                view! { <div class="parameter">{control} <p class="about">{parameter.about}</p></div> }.into_any()
            });
            let controls = controls.collect_view();
            view! { <p class="about">{kind.map_or("", |k| k.about)}</p> {controls} }.into_any()
        }
    };
    let choose = move |e: leptos::ev::Event| {
        match event_target_value(&e).as_str() {
            MIXTURE => mix(app),
            own_one @ (OWN | TEXT) => {
                if own_one == TEXT {
                    choose_files(app)
                } else {
                    own.set(true)
                }
                // The draft is what it was until the dialog says otherwise.
                event_target::<web_sys::HtmlSelectElement>(&e).set_value(which.get_untracked());
            }
            chosen => {
                if let Some(kind) = WorldKind::named(chosen) {
                    app.set_world(WorldSpec::named(kind));
                }
            }
        }
    };
    let others = [(OWN, "Your own process…"), (TEXT, "Your own text files…"), (MIXTURE, "A mixture of worlds")];
    view! {
        <div class="field choice">
            <label for="field-world">"World"</label>
            <select id="field-world" data-testid="field-world" on:change=choose>
                <Kinds chosen=which />
                {others.map(|(name, title)| view! { <KindOption name title chosen=which /> }).collect_view()}
            </select>
        </div>
        {body}
        <p class="about" data-testid="alphabet">{tokens}</p>
        <div class="row">
            <button type="button" class="own" data-testid="mix" on:click=move |_| if which.get_untracked() == MIXTURE { single(app) } else { mix(app) }>
                {move || if which.get() == MIXTURE { "Back to one world" } else { "Mix worlds" }}
            </button>
            <button type="button" class="own" data-testid="own-process" on:click=move |_| own.set(true)>
                "Your own process"
            </button>
        </div>
        <OwnProcess open=own />
    }
}

fn name(world: &WorldSpec) -> &'static str {
    match world {
        WorldSpec::Named { kind, .. } => kind,
        WorldSpec::Process(_) => OWN,
        WorldSpec::Mixture(_) => MIXTURE,
        WorldSpec::Text(_) => TEXT,
    }
}

/// The named worlds as options, by family.
#[component]
fn Kinds(
    /// The name of the one that is chosen; empty where none is.
    #[prop(into)]
    chosen: Signal<&'static str>,
) -> impl IntoView {
    let group = |family: &'static [WorldKind]| {
        let label = family.first().map_or("", |k| k.family);
        let option = |k: &'static WorldKind| view! { <KindOption name=k.name title=k.title chosen /> };
        view! { <optgroup label=label>{family.iter().map(option).collect_view()}</optgroup> }
    };
    KINDS.chunk_by(|a, b| a.family == b.family).map(group).collect_view()
}

/// Each says itself whether it is chosen: a select's value cannot be set before its options are there.
#[component]
fn KindOption(name: &'static str, title: &'static str, #[prop(into)] chosen: Signal<&'static str>) -> impl IntoView {
    view! { <option value=name prop:selected=move || chosen.get() == name>{title}</option> }
}

fn mix(app: App) {
    app.set_world(mixing::of(&app.draft.with_untracked(|d| d.world.clone())));
}

fn single(app: App) {
    app.set_world(mixing::first(&app.draft.with_untracked(|d| d.world.clone())));
}

/// The rows of a mixture: how often, and which world.
#[component]
fn Mixture(parts: usize) -> impl IntoView {
    let app = use_app();
    let row = |i: usize| {
        let entry = |part: Part| {
            let (field, label) = (part.field(i), part.label());
            let text = {
                let field = field.clone();
                move || {
                    let typed = app.typed.with(|typed| typed.get(&field).map(String::from));
                    typed.unwrap_or_else(|| app.draft.with(|d| part.text(&d.world, i)))
                }
            };
            let typed = field.clone();
            view! {
                <input
                    type="text"
                    autocomplete="off"
                    spellcheck="false"
                    aria-label=format!("{label} of part {}", i + 1)
                    aria-describedby=format!("problems-mix-{i}")
                    title=part.about()
                    data-testid=format!("mix-row-{i}-{}", part.name())
                    prop:value=text
                    on:input=move |e| app.type_part(part, i, &event_target_value(&e))
                    on:change=move |_| app.leave_part(part, i, &typed)
                />
            }
        };
        view! {
            <div class="mix-row">
                {entry(Part::Weight)}
                {entry(Part::World)}
                <select
                    class="pick"
                    aria-label=format!("Pick a world for part {}", i + 1)
                    title="Pick a world"
                    data-testid=format!("mix-row-{i}-pick")
                    on:change=move |e| {
                        let picked = event_target_value(&e);
                        event_target::<web_sys::HtmlSelectElement>(&e).set_value("");
                        app.type_part(Part::World, i, &picked);
                    }
                >
                    <option value="">"…"</option>
                    <Kinds chosen="" />
                </select>
                <button
                    type="button"
                    class="quiet icon"
                    aria-label=format!("Remove part {}", i + 1)
                    title="Remove"
                    data-testid=format!("mix-remove-{i}")
                    prop:disabled=parts == 1
                    on:click=move |_| app.remove_part(i)
                >
                    "×"
                </button>
                <FieldProblems field=format!("world.mixture[{i}].") id=format!("problems-mix-{i}") />
            </div>
        }
        .into_any()
    };
    let rows: Vec<AnyView> = (0..parts).map(row).collect();
    view! {
        <p class="about">"For each sequence one part is drawn by its weight, then a topic of that part."</p>
        <div class="mix" role="group" aria-label="Parts of the mixture">{rows}</div>
        <div class="row">
            <button type="button" class="own" data-testid="mix-add" on:click=move |_| app.draft.update(|d| mixing::add(&mut d.world))>"Add a world"</button>
            <button type="button" class="own" data-testid="mix-equal" on:click=move |_| app.equal_weights()>"Equal weights"</button>
        </div>
    }
}
