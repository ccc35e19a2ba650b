//! `icl study map`: records the grids over K, N and T that the page shows as a slider moves.

use std::path::Path;

use icl_playground::{
    engine::cell,
    experiment::{
        MapDesign, Problem,
        maps::{MAPS, SEEDS},
        sweep::Cell,
    },
    map::{FinishedRun, MapPoint, RecordedMap},
    protocol::DeviceChoice,
    theory::{Budget, Curves, linear::LinearTheory},
    world::World,
};

use crate::{
    cells::{self, Finished},
    failure::{Failure, say},
    study::write,
};

/// Records one map, or all of them, into `folder`. Runs are kept in `keep` as they end, so that a later call goes on.
pub fn record(name: Option<&str>, folder: &Path, keep: &Path, jobs: usize) -> Result<String, Failure> {
    let names = || MAPS.iter().map(|map| map.name).collect::<Vec<_>>().join(", ");
    let designs: Vec<&MapDesign> = match name {
        Some(name) => vec![
            MapDesign::named(name)
                .ok_or_else(|| Problem::new("map", format!("\"{name}\""), &format!("one of {}", names()), ""))?,
        ],
        None => MAPS.iter().collect(),
    };
    let files = designs.into_iter().map(|design| one(design, folder, keep, jobs));
    Ok(files.collect::<Result<Vec<_>, _>>()?.join("\n"))
}

fn one(design: &MapDesign, folder: &Path, keep: &Path, jobs: usize) -> Result<String, Failure> {
    let sweep = design.sweep().map_err(Failure::Invalid)?;
    let grid = sweep.cells().map_err(Failure::Invalid)?;
    say(format!("The map of {}: {} runs", design.name, grid.len()));
    let kept = keep.join(format!("map-{}.sweep.jsonl", design.name));
    let finished = cells::run_each(&sweep, &grid, &kept, jobs, None, &|experiment, progress| {
        let run = pollster::block_on(cell::watched(experiment, DeviceChoice::Cpu, progress))?;
        Ok(FinishedRun::new(&run.evaluation, &run.outcome, &run.training_loss))
    })?;
    if let Some((key, why)) = finished.failed.first() {
        return Err(Failure::Run(format!(
            "{} runs could not be made, so nothing was written; the same command tries them again. The first: {key}: {why}",
            finished.failed.len()
        )));
    }
    let map = RecordedMap::new(design, sweep.base.steps(), &bayes(design)?, points(&grid, &finished));
    let file = folder.join(format!("{}.json", design.name));
    let text = map.to_json();
    // A file that the page would refuse is not written.
    RecordedMap::from_json(&text).map_err(Failure::Run)?;
    write(&file, &text)?;
    Ok(file.display().to_string())
}

/// The seeds of a grid point follow each other, as they are the sweep's last axis.
fn points(grid: &[Cell], finished: &Finished<FinishedRun>) -> Vec<MapPoint> {
    let point = |cells: &[Cell]| {
        let data = &cells.first()?.experiment.data;
        let runs: Vec<FinishedRun> = cells.iter().filter_map(|c| finished.outcomes.get(&c.key).cloned()).collect();
        Some(MapPoint::new([data.topics, data.sequences, data.length], &runs))
    };
    grid.chunks(SEEDS.len()).filter_map(point).collect()
}

/// Exact Bayes by position for the longest T, nats per token.
fn bayes(design: &MapDesign) -> Result<Vec<f64>, Failure> {
    let longest = design.lengths.last().copied().unwrap_or(1);
    let Some(experiment) = design.experiment(2, 2, longest, 1) else { return Ok(Vec::new()) };
    let world = World::new(&experiment.world)?;
    let budget = Budget::default();
    Ok(match world.linear() {
        Some(system) => LinearTheory::compute(system, &[], longest, &budget).curves.bayes.values,
        None => Curves::compute(&world, longest, &budget).bayes.values,
    })
}
