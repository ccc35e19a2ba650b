//! `icl presets`, `icl preset NAME`.

use icl_playground::experiment::{Preset, Problem, preset::PRESETS};
use serde_json::json;

use crate::failure::Failure;

/// A JSON list of name, title, source, what differs from it, and experiment.
pub fn all() -> String {
    let list: Vec<_> = PRESETS
        .iter()
        .map(|p| {
            json!({
                "name": p.name,
                "title": p.title,
                "source": p.source,
                "differences": p.differences(),
                "experiment": p.experiment(),
            })
        })
        .collect();
    format!("{:#}", serde_json::Value::from(list))
}

/// The experiment alone; what differs from the publication goes to standard error, where people see it and files do not.
pub fn one(name: &str) -> Result<String, Failure> {
    match Preset::named(name) {
        Some(preset) => {
            for difference in preset.differences() {
                eprintln!("Not as published: {difference}");
            }
            Ok(preset.experiment().to_json())
        }
        None => {
            let names = PRESETS.iter().map(|p| p.name).collect::<Vec<_>>().join(", ");
            Err(Problem::new("preset", format!("\"{name}\""), &format!("one of {names}"), "").into())
        }
    }
}
