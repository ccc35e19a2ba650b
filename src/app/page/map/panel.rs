//! The recorded map below the hero: small heat maps with the current place, and the bound's terms beside the measured gaps.

use charts::report::{Drawn, Size};
use leptos::prelude::*;

use super::{
    super::{
        controls::Segments,
        plot::{Plot, kept},
        state::{App, use_app},
    },
    Maps, place_of,
};
use crate::{
    experiment::MapDesign,
    map::{Agreement, Along, HeldMap, Place, RecordedMap, heat_map, held, terms_and_gaps},
    number,
    protocol::Phase,
};

/// Shown where the settings in the controls are those of a map, K, N, T and the seed apart.
#[component]
pub fn MapPanel() -> impl IntoView {
    let (maps, app) = (expect_context::<Maps>(), use_app());
    let is_here = Memo::new(move |_| maps.map().is_some());
    let is_due = Memo::new(move |_| maps.design.get().is_some());
    view! {
        <Show when=move || is_due.get()>
            <section class="map" aria-label="Recorded over K, N and T" data-testid="map">
                <h2>"As K, N and T change"</h2>
                <p class="note" data-testid="map-note">{move || note(maps)}</p>
                <p data-testid="map-agreement">{move || agreement(maps, app)}</p>
                <Show when=move || is_here.get()>
                    <Pictures />
                </Show>
            </section>
        </Show>
    }
}

/// Whether the finished run in this tab gave what was recorded at its settings; empty before.
fn agreement(maps: Maps, app: App) -> String {
    let finished = app.phase.with(|phase| matches!(phase, Phase::Finished));
    let said = || {
        let (map, run) = (maps.map()?, app.run.get()?.experiment);
        let design = MapDesign::of(&run)?;
        let found = map.at(place_of(&run)).filter(|_| design.name == map.map)?;
        let excess =
            app.board.with_value(|board| board.with_history(|history| Some(history.evaluation()?.excess.clone())))?;
        Some(Agreement::new(&found, &excess)?.words(found.on_grid, map.seeds.contains(&run.seed)))
    };
    // At the run's end the curves are measured on more sequences, as they were for the record.
    app.reached.track();
    app.recorded.track();
    if finished { said().unwrap_or_default() } else { String::new() }
}

/// What the reader must know of where they are, in sentences.
fn note(maps: Maps) -> String {
    if let Some(problem) = maps.problem() {
        return problem;
    }
    let (Some(map), Some(design)) = (maps.map(), maps.design.get()) else { return "Loading what was recorded.".into() };
    let place = maps.place.get();
    let counts = |axis: Along| map.axis(axis).len().to_string();
    let grid = Along::ALL.map(counts).join(" x ");
    let recorded = format!("Recorded: {grid} settings of K, N and T with {} seeds each.", map.seeds.len());
    format!("{recorded} {} {}", place_words(&map, place), design.about_topics)
}

fn place_words(map: &RecordedMap, place: Place) -> String {
    if let Some(axis) = map.outside(place) {
        let values = map.axis(axis);
        let ends = values.first().zip(values.last()).map_or((0, 0), |(low, high)| (*low, *high));
        return format!(
            "{} = {} lies outside of what was recorded, {} to {}, so nothing recorded is drawn.",
            axis.symbol(),
            number::count(place.get(axis)),
            number::count(ends.0),
            number::count(ends.1)
        );
    }
    let here = Along::ALL.map(|axis| format!("{} = {}", axis.symbol(), number::count(place.get(axis)))).join(", ");
    match map.at(place) {
        Some(found) if found.on_grid => format!("{here} is one of them."),
        _ => format!("{here} lies between them: what is drawn is interpolated in the logarithms of K, N and T."),
    }
}

#[component]
fn Pictures() -> impl IntoView {
    let maps = expect_context::<Maps>();
    let app = use_app();
    let hold = RwSignal::new(false);
    let inside = Memo::new(move |_| app.draft.with(|draft| draft.bound.bracket_inside));
    let pick = Callback::new(move |key: String| {
        if let Some(place) = held(&key) {
            set_place(app, place);
        }
    });
    let small = HeldMap::ALL.map(|shown| {
        let drawn = kept(move || {
            let chart = heat_map(&*maps.map()?, shown, maps.place.get(), hold.get());
            Some(Drawn::new(format!("map-{}", shown.name()), chart).sized(Size::Half))
        });
        view! { <Plot drawn on_pick=Some(pick) /> }
    });
    // Both from one reading of the record.
    let both = kept(move || {
        let [terms, gaps] = terms_and_gaps(&*maps.map()?, maps.along.get(), maps.place.get(), inside.get());
        Some([Drawn::new("map-terms", terms), Drawn::new("map-gaps", gaps)])
    });
    let beside = [0, 1].map(|side: usize| {
        let drawn = Signal::derive(move || both.with(|both| both.as_ref().map(|both| both[side].clone())));
        view! { <Plot drawn /> }
    });
    view! {
        <div class="map-choices">
            <Segments
                label="What the maps hold"
                options=vec![("this T", "map-hold-length"), ("this K·N·T", "map-hold-product")]
                chosen=move || usize::from(hold.get())
                set=move |i| hold.set(i == 1)
            />
            <span class="note">"Press a cell to go there."</span>
        </div>
        <div class="map-maps">{small}</div>
        <div class="map-choices">
            <span class="note">"Along"</span>
            <Segments
                label="The axis of the two charts below"
                options=vec![("K", "map-along-topics"), ("N", "map-along-sequences"), ("T", "map-along-length")]
                chosen=move || maps.along.get() as usize
                set=move |i: usize| maps.along.set(Along::ALL[i.min(2)])
            />
            <span class="note">"The terms hide constants: compare how they move, not how large they are."</span>
        </div>
        <div class="map-beside">{beside}</div>
    }
}

fn set_place(app: App, place: Place) {
    app.draft.update(|draft| {
        (draft.data.topics, draft.data.sequences, draft.data.length) = (place.topics, place.sequences, place.length);
    });
}
