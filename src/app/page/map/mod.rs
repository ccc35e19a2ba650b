//! What was recorded over K, N and T, in sight while they move: the record is fetched when a story has one.

mod panel;

use std::sync::Arc;

use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::Response;

pub use panel::MapPanel;

use super::state::App;
use crate::{
    app::charts::Recorded,
    experiment::{Experiment, MapDesign},
    map::{Along, Place, RecordedMap},
};

/// How far the record of a map is.
#[derive(Clone)]
enum Load {
    Coming,
    Here(Arc<RecordedMap>),
    /// Why it cannot be shown, a sentence.
    Failed(String),
}

/// The recorded maps that were asked for, and what they say of the settings in the controls.
#[derive(Clone, Copy)]
pub struct Maps {
    loads: RwSignal<Vec<(&'static str, Load)>>,
    /// The map whose runs have the settings in the controls, K, N, T and the seed apart.
    design: Memo<Option<&'static MapDesign>>,
    /// K, N and T in the controls.
    place: Memo<Place>,
    /// The one of them that was changed last.
    along: RwSignal<Along>,
}

impl Maps {
    pub fn new(app: App) -> Self {
        let loads = RwSignal::new(Vec::<(&'static str, Load)>::new());
        let design = Memo::new(move |_| app.draft.with(MapDesign::of));
        let place = Memo::new(move |_| app.draft.with(place_of));
        let along = RwSignal::new(Along::Topics);
        let here = move || loads.with(|loads| record_of(design.get()?, loads));
        let run = Memo::new(move |_| app.run.with(|run| run.as_ref().map(|run| run.experiment.clone())));
        let recorded = Memo::new_with_compare(
            move |_| {
                let (map, place) = (here()?, place.get());
                let label = run.with(|run| label(run.as_ref(), place));
                Some(Arc::new(Recorded { estimate: map.at(place)?, label }))
            },
            |old, new| old != new,
        );
        Effect::new(move |_| {
            if let Some(design) = design.get() {
                fetch(loads, design.name);
            }
        });
        Effect::new(move |before: Option<Place>| {
            let now = place.get();
            let changed =
                before.and_then(|before| Along::ALL.into_iter().find(|axis| before.get(*axis) != now.get(*axis)));
            if let Some(axis) = changed {
                along.set(axis);
            }
            now
        });
        Effect::new(move |_| app.record.set(recorded.get()));
        Self { loads, design, place, along }
    }

    /// The record of the draft's map, once it is here.
    fn map(self) -> Option<Arc<RecordedMap>> {
        self.loads.with(|loads| record_of(self.design.get()?, loads))
    }

    /// Why there is no record, a sentence.
    fn problem(self) -> Option<String> {
        let design = self.design.get()?;
        self.loads.with(|loads| {
            loads.iter().find_map(|(name, load)| match load {
                Load::Failed(why) if *name == design.name => Some(why.clone()),
                _ => None,
            })
        })
    }
}

fn record_of(design: &MapDesign, loads: &[(&'static str, Load)]) -> Option<Arc<RecordedMap>> {
    loads.iter().find_map(|(name, load)| match load {
        Load::Here(map) if *name == design.name => Some(map.clone()),
        _ => None,
    })
}

fn place_of(experiment: &Experiment) -> Place {
    let data = &experiment.data;
    Place { topics: data.topics, sequences: data.sequences, length: data.length }
}

/// What the recorded line is called: with what its setting has that the run has not.
fn label(run: Option<&Experiment>, place: Place) -> String {
    let Some(run) = run.filter(|run| !run.data.fresh).map(place_of) else { return "recorded".into() };
    let differs = Along::ALL.into_iter().filter(|axis| run.get(*axis) != place.get(*axis));
    let differs: Vec<String> = differs.map(|axis| format!("{} = {}", axis.symbol(), place.get(axis))).collect();
    if differs.is_empty() { "recorded".into() } else { format!("recorded: {}", differs.join(", ")) }
}

/// Fetches a record that was not asked for yet, or that failed before.
fn fetch(loads: RwSignal<Vec<(&'static str, Load)>>, name: &'static str) {
    let is_asked = |loads: &Vec<(&'static str, Load)>| {
        loads.iter().any(|(known, load)| *known == name && !matches!(load, Load::Failed(_)))
    };
    if loads.with_untracked(is_asked) {
        return;
    }
    let put = move |load: Load| {
        loads.update(|loads| {
            loads.retain(|(known, _)| *known != name);
            loads.push((name, load));
        });
    };
    put(Load::Coming);
    spawn_local(async move {
        let text = download(&format!("maps/{name}.json")).await;
        put(match text.and_then(|text| RecordedMap::from_json(&text)) {
            Ok(map) => Load::Here(Arc::new(map)),
            Err(why) => Load::Failed(why),
        });
    });
}

/// A file of the site as text.
async fn download(path: &str) -> Result<String, String> {
    let failed = |_| format!("The record {path} could not be loaded. Runs in this tab work without it.");
    let response: Response = JsFuture::from(window().fetch_with_str(path)).await.map_err(failed)?.unchecked_into();
    if !response.ok() {
        return Err(format!(
            "The record {path} is not there (status {}). Runs in this tab work without it.",
            response.status()
        ));
    }
    let text = JsFuture::from(response.text().map_err(failed)?).await.map_err(failed)?;
    Ok(text.as_string().unwrap_or_default())
}
