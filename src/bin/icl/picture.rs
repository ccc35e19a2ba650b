//! `icl picture`: a world's state graph, samples and beliefs as SVG files, and their numbers as CSV.

use std::{fs, path::PathBuf};

use charts::{chart::View, theme::Theme};
use clap::Args;
use icl_playground::picture::picture;

use crate::failure::{Failure, read_world};

#[derive(Args)]
pub struct Arguments {
    /// A world: a name with parameters (z1r, mess3:x=0.1), or @FILE with a process or a mixture as JSON
    #[arg(long, value_name = "SPEC")]
    world: String,
    /// The folder for graph.svg, samples.svg, simplex.svg and their tables; without it the current one
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

/// Writes the files and gives the notes and their paths, a line each.
pub fn run(arguments: &Arguments) -> Result<String, Failure> {
    let picture = picture(&read_world(&arguments.world, None)?);
    if !picture.problem.is_empty() {
        return Err(Failure::Picture(picture.problem));
    }
    fs::create_dir_all(&arguments.out).map_err(Failure::Output)?;
    let mut lines = picture.notes.clone();
    for drawn in picture.structure().iter().chain(&picture.sequences()).chain(&picture.observers()) {
        let (width, height) = drawn.size.natural();
        let svg = drawn.chart.svg(&View::new(width, height, Theme::light()));
        for (ending, text) in [("svg", svg), ("csv", drawn.chart.csv())] {
            let path = arguments.out.join(format!("{}.{ending}", drawn.id));
            fs::write(&path, text).map_err(Failure::Output)?;
            lines.push(path.display().to_string());
        }
    }
    Ok(lines.join("\n"))
}
