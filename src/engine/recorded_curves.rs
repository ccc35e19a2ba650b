//! Exact curves that take long to compute, recorded beforehand: a run of a preset, or of a map's K, N and T, starts without computing
//! them. `icl study curves` writes the file, and a test computes each of its curves again.

use std::{cell::Cell, collections::BTreeMap, rc::Rc};

use serde::{Deserialize, Serialize};

use crate::{
    experiment::{WorldSpec, maps::MAPS, preset::PRESETS},
    pace::{Pace, at_once},
    theory::{Budget, Curves},
    world::World,
};

/// Where the file lies in the repository.
pub const FILE: &str = "src/engine/recorded_curves.json";

const TEXT: &str = include_str!("recorded_curves.json");

/// Units of [`Pace`] below which curves are computed when they are needed: some 50 ms.
const QUICK: usize = 50_000_000;

/// Said beside how the curves were computed.
pub const SOURCE: &str = "These curves were computed beforehand, by the same code outside of the browser.";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    world: WorldSpec,
    /// T.
    length: usize,
    curves: Curves,
}

/// What [`Curves::compute`] gives for this world and T within the default budget, if that is recorded.
pub fn find(spec: &WorldSpec, length: usize) -> Option<Curves> {
    // The file is read again each time: that takes a millisecond, and comes once a run.
    entries().into_iter().find(|entry| entry.length == length && entry.world == *spec).map(|entry| entry.curves)
}

fn entries() -> Vec<Entry> {
    // A test reads the file.
    serde_json::from_str(TEXT).unwrap_or_default()
}

/// Computes the file's text: the curves of all presets, and of all lengths of the maps, that take long. About ten seconds.
///
/// # Errors
/// A sentence where curves cannot be written.
pub fn record() -> Result<String, String> {
    let mut entries = Vec::new();
    for (world, length) in wanted() {
        // The bundled texts are not at hand here, and have no exact curve.
        let Ok(made) = World::new(&world) else { continue };
        // Curves of linear systems come with predictors that depend on the training set.
        if made.linear().is_some() {
            continue;
        }
        let (curves, units) = computed(&made, length);
        if units >= QUICK {
            entries.push(Entry { world, length, curves });
        }
    }
    let lines: Result<Vec<String>, _> = entries.iter().map(serde_json::to_string).collect();
    Ok(format!("[\n{}\n]\n", lines.map_err(|error| error.to_string())?.join(",\n")))
}

/// World and T of every preset and of every length of a map, each once.
fn wanted() -> Vec<(WorldSpec, usize)> {
    let presets = PRESETS.iter().map(|preset| preset.experiment()).map(|run| (run.world, run.data.length));
    let maps = MAPS.iter().flat_map(|map| map.lengths.iter().filter_map(|&t| map.experiment(2, 2, t, 1)));
    let all = presets.chain(maps.map(|run| (run.world, run.data.length)));
    let unlike: BTreeMap<String, _> =
        all.map(|(world, length)| (format!("{world} {length}"), (world, length))).collect();
    unlike.into_values().collect()
}

/// The curves, and the units of work that they took.
fn computed(world: &World, length: usize) -> (Curves, usize) {
    let units = Rc::new(Cell::new(0));
    let counted = units.clone();
    let mut pace = Pace::new(move |worked, _| {
        counted.set(counted.get() + worked);
        None
    });
    let curves = at_once(Curves::compute_at(&mut pace, world, length, &Budget::default()));
    (curves, units.get())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// To the bit on the kind of machine that recorded them. Elsewhere the functions of the C library may differ in their last digits.
    #[test]
    fn recorded_curves_are_what_computing_them_gives() {
        let entries = entries();
        assert!(!entries.is_empty());
        for Entry { world, length, curves } in entries {
            let (again, units) = computed(&World::new(&world).unwrap(), length);
            assert!(units >= QUICK, "{world} at T = {length} need not be recorded: {units}");
            if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
                assert_eq!(curves, again, "{world} at T = {length}: run `icl study curves --out {FILE}`");
            }
            for (a, b) in curves.bayes.values.iter().zip(&again.bayes.values) {
                assert!((a - b).abs() < 1e-3, "{world} at T = {length}: {a}, {b}");
            }
            assert_eq!(find(&world, length), Some(curves));
            assert_eq!(find(&world, length + 1000), None);
        }
    }

    /// Whatever takes long to compute is there.
    #[test]
    #[ignore = "computes the curves of all stories: some minutes"]
    fn no_curve_that_takes_long_is_missing() {
        for (world, length) in wanted() {
            let is_recorded = find(&world, length).is_some();
            let Ok(world) = World::new(&world) else { continue };
            let (_, units) = computed(&world, length);
            assert_eq!(is_recorded, units >= QUICK, "T = {length}: {units}; run `icl study curves --out {FILE}`");
        }
    }

    #[test]
    fn the_story_that_a_bare_link_opens_starts_at_once() {
        let first = experiment::Preset::named("knt-markov").unwrap().experiment();
        assert!(find(&first.world, first.data.length).is_some());
    }
}
