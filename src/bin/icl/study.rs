//! `icl study`: runs one of the studies and writes what the site shows of it.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
};

use clap::Args;
use icl_playground::{
    engine::recorded_curves,
    experiment::{
        Problem,
        study::{STUDIES, Study},
    },
    sweep::Recorded,
};

use crate::{
    cells,
    failure::{self, Failure, say},
    map,
    sweep::{jobs, runs, write_pictures},
};

#[derive(Args)]
pub struct Arguments {
    /// data, optimization, prior or algorithms; map: the grids over K, N and T; or curves: exact curves that take long
    name: String,
    /// Of `map`, the grid to record: markov, ginc or lds; without it all of them
    #[arg(long, value_name = "MAP")]
    map: Option<String>,
    /// Cells that run at the same time; without it all cores but one
    #[arg(long, value_name = "J", value_parser = failure::count)]
    jobs: Option<usize>,
    /// The file to write; without it NAME.json in the current folder, and of `curves` the place it is read from. Of `map`, the folder
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The folder in which results are kept as they come, so that a later call goes on
    #[arg(long, value_name = "DIR", default_value = "target/studies")]
    keep: PathBuf,
    /// Write pictures, and a page with all that is said, into this folder
    #[arg(long, value_name = "DIR")]
    pictures: Option<PathBuf>,
}

/// Writes the file, and tells what the sweeps say.
pub fn run(arguments: &Arguments) -> Result<String, Failure> {
    let jobs = jobs(arguments.jobs)?;
    fs::create_dir_all(&arguments.keep).map_err(Failure::Output)?;
    if arguments.name == "map" {
        let folder = arguments.out.clone().unwrap_or_else(|| PathBuf::from("."));
        return map::record(arguments.map.as_deref(), &folder, &arguments.keep, jobs);
    }
    if arguments.name == "curves" {
        let file = arguments.out.clone().unwrap_or_else(|| PathBuf::from(recorded_curves::FILE));
        write(&file, &recorded_curves::record().map_err(Failure::Run)?)?;
        return Ok(file.display().to_string());
    }
    let study = Study::named(&arguments.name).ok_or_else(|| {
        let names = STUDIES.iter().map(|s| s.name).chain(["map", "curves"]).collect::<Vec<_>>().join(", ");
        Problem::new("study", format!("\"{}\"", arguments.name), &format!("one of {names}"), "")
    })?;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let machine = format!("{jobs} runs at a time on {cores} cores, {}", std::env::consts::ARCH);
    let file = arguments.out.clone().unwrap_or_else(|| PathBuf::from(format!("{}.json", study.name)));
    let command = format!("icl study {} --out www/studies/{}.json", study.name, study.name);
    let mut recorded = Recorded::new(study, command, machine);
    let mut failed = Vec::new();
    for part in study.sweeps {
        let sweep = part.sweep().map_err(Failure::Invalid)?;
        let cells = sweep.cells().map_err(Failure::Invalid)?;
        say(part.title);
        let sweep_record = arguments.keep.join(format!("{}-{}.sweep.jsonl", study.name, part.name));
        let finished = cells::run(&sweep, &cells, &sweep_record, jobs, None)?;
        failed.extend(finished.failed.iter().map(|(key, why)| format!("{key}: {why}")));
        let runs = runs(&cells, &finished, part.level);
        recorded.add(part, sweep, runs);
    }
    if let Some(first) = failed.first() {
        return Err(Failure::Run(format!(
            "{} cells could not be run, so nothing was written; the same command tries them again. The first: {first}",
            failed.len()
        )));
    }
    write(&file, &recorded.to_json())?;
    let mut text = vec![study.title.to_string()];
    for (part, report) in recorded.reports() {
        if let Some(folder) = &arguments.pictures {
            write_pictures(&report, folder, &format!("{}-{}-", study.name, part.name), "")?;
        }
        text.push(format!("\n{}", study.sweeps.iter().find(|s| s.name == part.name).map_or("", |s| s.title)));
        text.extend(report.sections.iter().flat_map(|section| section.paragraphs()).map(String::from));
    }
    text.push(format!("\n{}", file.display()));
    Ok(text.join("\n"))
}

pub fn write(file: &Path, text: &str) -> Result<(), Failure> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(Failure::Output)?;
    }
    fs::write(file, text).map_err(Failure::Output)
}
