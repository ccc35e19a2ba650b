//! `icl results`: what the recorded studies say, as Markdown.

use std::{fs, path::PathBuf};

use clap::Args;
use icl_playground::{
    experiment::study::STUDIES,
    sweep::{Recorded, markdown},
};

use crate::failure::Failure;

#[derive(Args)]
pub struct Arguments {
    /// The folder with the recorded studies
    #[arg(long, value_name = "DIR", default_value = "www/studies")]
    studies: PathBuf,
    /// The file to write; without it the text is printed
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> Result<String, Failure> {
    let mut found = Vec::new();
    for study in STUDIES {
        let path = arguments.studies.join(format!("{}.json", study.name));
        let unusable = |why| Failure::File { path: path.display().to_string(), why };
        let text = fs::read_to_string(&path).map_err(unusable)?;
        let recorded = Recorded::from_json(&text);
        found.push(recorded.map_err(|why| Failure::Sweep(format!("{}: {why}", path.display())))?);
    }
    let text = markdown::results(&found);
    let Some(file) = &arguments.out else { return Ok(text) };
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(Failure::Output)?;
    }
    fs::write(file, text).map_err(Failure::Output)?;
    Ok(file.display().to_string())
}
