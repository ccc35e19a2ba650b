//! A study's results as they are kept under `www/studies/`: compact JSON, from which the same pictures are drawn as from live cells.

use serde_json::{Value, json};

use super::{Report, Run, report};
use crate::experiment::{
    Experiment, Sweep, json as text,
    study::{SETTINGS, Study, StudySweep, View},
};

/// Raised whenever the form changes.
const FORM: u64 = 1;

/// A sweep of a study, with its finished cells.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedSweep {
    /// The study's name for it.
    pub name: String,
    /// As it was run, whatever the study's settings are today.
    pub sweep: Sweep,
    pub level: Option<f64>,
    pub runs: Vec<Run>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// The study's name.
    pub study: String,
    /// The date of the settings that were run.
    pub settings: String,
    /// The command that made it.
    pub command: String,
    /// The machine whose seconds it tells, in a few words.
    pub machine: String,
    pub sweeps: Vec<RecordedSweep>,
}

impl Recorded {
    pub fn new(study: &Study, command: String, machine: String) -> Self {
        Self { study: study.name.into(), settings: SETTINGS.into(), command, machine, sweeps: Vec::new() }
    }

    pub fn add(&mut self, part: &StudySweep, sweep: Sweep, runs: Vec<Run>) {
        self.sweeps.push(RecordedSweep { name: part.name.into(), sweep, level: part.level, runs });
    }

    /// One line for each cell, so that a change reads well.
    pub fn to_json(&self) -> String {
        let mut parts = Vec::new();
        for part in &self.sweeps {
            let curves = self.views(&part.name).iter().any(|v| matches!(v, View::Steps | View::Spread | View::Phases));
            let cells: Vec<String> = part.runs.iter().map(|run| text::text(&run.to_value(curves))).collect();
            let base = serde_json::to_value(&part.sweep.base).unwrap_or_default();
            let head = json!({ "name": part.name, "grid": part.sweep.grid(), "level": part.level, "base": base });
            let head = text::text(&head);
            parts.push(format!("{},\"cells\":[\n{}\n]}}", &head[..head.len() - 1], cells.join(",\n")));
        }
        let head = json!({
            "form": FORM,
            "study": self.study,
            "settings": self.settings,
            "command": self.command,
            "machine": self.machine,
        });
        let head = text::text(&head);
        format!("{},\"sweeps\":[\n{}\n]}}\n", &head[..head.len() - 1], parts.join(",\n"))
    }

    /// Reads what [`Recorded::to_json`] wrote; the error is a sentence.
    pub fn from_json(json: &str) -> Result<Self, String> {
        let value: Value =
            serde_json::from_str(json).map_err(|e| format!("The recorded study cannot be read: {e}."))?;
        if value["form"].as_u64() != Some(FORM) {
            return Err("The recorded study was written by another version of the playground.".into());
        }
        let word = |value: &Value, name: &str| {
            let missing = || format!("The recorded study lacks \"{name}\".");
            value[name].as_str().map(String::from).ok_or_else(missing)
        };
        let mut sweeps = Vec::new();
        for part in value["sweeps"].as_array().into_iter().flatten() {
            let problem = |p: Vec<experiment::Problem>| experiment::problem::sentences(&p);
            let base = Experiment::from_value(part["base"].clone()).map_err(problem)?;
            let sweep = Sweep::kept_grid(base, &word(part, "grid")?).map_err(problem)?;
            let run = |cell: &Value| {
                let coordinates = cell["at"].as_array()?;
                Run::from_value(sweep.key(coordinates), cell)
            };
            let runs = part["cells"].as_array().into_iter().flatten().map(run).collect::<Option<Vec<Run>>>();
            let runs = runs.ok_or("A cell of the recorded study cannot be read.")?;
            sweeps.push(RecordedSweep { name: word(part, "name")?, level: part["level"].as_f64(), sweep, runs });
        }
        let [study, settings, command, machine] = ["study", "settings", "command", "machine"].map(|n| word(&value, n));
        Ok(Self { study: study?, settings: settings?, command: command?, machine: machine?, sweeps })
    }

    /// What each sweep says, in the study's order.
    pub fn reports(&self) -> Vec<(&RecordedSweep, Report)> {
        let report_of = |part: &RecordedSweep| report(&part.sweep, self.views(&part.name), part.level, &part.runs);
        self.sweeps.iter().map(|part| (part, report_of(part))).collect()
    }

    fn views(&self, sweep: &str) -> &'static [View] {
        let study = Study::named(&self.study);
        study.and_then(|s| s.sweeps.iter().find(|part| part.name == sweep)).map_or(&[], |part| part.views)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{experiment::study::STUDIES, protocol::Record, sweep::Metrics};

    #[test]
    fn a_recorded_study_survives_its_text_and_draws_the_same() {
        for study in STUDIES {
            let mut recorded = Recorded::new(study, "icl study".into(), "a machine".into());
            for part in study.sweeps {
                let sweep = part.sweep().unwrap();
                let cells = sweep.cells().unwrap();
                let run = |(i, cell): (usize, &experiment::sweep::Cell)| Run {
                    key: cell.key.clone(),
                    coordinates: cell.coordinates.clone(),
                    metrics: Metrics::with(&[("two_level", 0.5 + 0.125 * i as f64, 0.25)]),
                    record: match part.views.contains(&View::Steps) {
                        true => Record { step: vec![0, 10], two_level: vec![1.0, 0.5], ..Record::default() },
                        false => Record::default(),
                    },
                };
                let runs = cells.iter().enumerate().map(run).collect();
                recorded.add(part, sweep, runs);
            }
            let back = Recorded::from_json(&recorded.to_json()).unwrap();
            assert!(back == recorded, "{}", study.name);
            let reports = back.reports();
            assert_eq!(reports.len(), study.sweeps.len());
            assert!(reports.iter().all(|(_, report)| report.charts().next().is_some()));
        }
    }

    /// Those that come with the site: every cell is there, at the place that its settings name.
    #[test]
    fn the_recorded_studies_can_be_read() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("www/studies");
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let recorded = Recorded::from_json(&std::fs::read_to_string(&path).unwrap()).unwrap();
            assert_eq!(path.file_stem().unwrap().to_str(), Some(recorded.study.as_str()));
            assert!(Study::named(&recorded.study).is_some());
            for (part, report) in recorded.reports() {
                let keys: Vec<String> = part.sweep.cells().unwrap().into_iter().map(|cell| cell.key).collect();
                assert!(part.runs.iter().map(|run| &run.key).eq(&keys), "{} {}", recorded.study, part.name);
                assert!(report.sections.len() > 2, "{} {}", recorded.study, part.name);
            }
        }
    }

    #[test]
    fn what_is_no_recorded_study_is_refused_with_a_sentence() {
        for text in ["", "{}", r#"{"form":2}"#, r#"{"form":1}"#, r#"{"form":1,"sweeps":[{"base":{"seed":-1}}]}"#] {
            let why = Recorded::from_json(text).expect_err(text);
            assert!(why.ends_with('.'), "{why}");
        }
    }
}
