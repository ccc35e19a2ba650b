//! The results as files, made of the numbers that the page has.

use charts::{text::escape, theme::Theme};
use serde_json::json;

use super::{open::OpenSweep, words};
use crate::{
    experiment::json::text,
    sweep::{Report, Run, Table, one_scale::at_one_scale},
};

/// Mean, standard error and interval of every metric for every setting.
pub fn csv(open: &OpenSweep, runs: &[Run]) -> String {
    let (_, runs) = at_one_scale(&open.sweep, runs);
    Table::new(&open.sweep.axes, &runs).csv()
}

/// The same with units, the base experiment, the grid and the sweep's name.
pub fn json(open: &OpenSweep, name: &str, runs: &[Run]) -> String {
    let (_, held) = at_one_scale(&open.sweep, runs);
    let table = Table::new(&open.sweep.axes, &held);
    let mut value = table.json(open.sweep.base.world.observation().word());
    value["sweep"] = open.id.as_str().into();
    if !name.is_empty() {
        value["name"] = name.into();
    }
    value["grid"] = open.grid.as_str().into();
    // Plain data with string keys: serialisation cannot fail.
    value["base"] = serde_json::to_value(&open.sweep.base).unwrap_or_default();
    value["cells"] = json!({ "all": open.len(), "finished": runs.len() });
    text(&value)
}

/// The report as a page of its own.
pub fn html(open: &OpenSweep, name: &str, report: &Report) -> String {
    let title = escape(&words::title(name, &open.grid));
    let about = escape(&words::subtitle(name, open));
    let style = "body{font:15px system-ui,sans-serif;max-width:1000px;margin:2rem auto;padding:0 1rem}table{border-collapse:collapse}\
                 th,td{padding:2px 12px 2px 0;text-align:left}svg{max-width:100%}";
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title><style>{style}</style></head>\n\
         <body><h1>{title}</h1><p>{about}</p>\n{}</body></html>\n",
        report.html(&Theme::light())
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        experiment::{Experiment, Sweep},
        protocol::{DeviceChoice, OpenedSweep, PointState, RunNumbers},
        sweep::{Metrics, report},
    };

    fn open(grid: &str) -> (OpenSweep, Vec<Run>) {
        let base = Box::new(Experiment {
            data: experiment::Data { fresh: false, ..Experiment::default().data },
            ..Experiment::default()
        });
        let points = Sweep::kept_grid((*base).clone(), grid).expect("a sound grid").len();
        let metrics = Metrics::with(&[("two_level", 0.5, 0.01), ("topic_gap", 0.1, 0.01)]).values().to_vec();
        let numbers = Box::new(RunNumbers { metrics, ..RunNumbers::default() });
        let opened = OpenedSweep {
            id: "a\"b".into(),
            name: String::new(),
            base,
            grid: grid.into(),
            preset: String::new(),
            device: DeviceChoice::Cpu,
            is_of_other_build: false,
            workers: 1,
            costs: vec![1.0; points],
            points: vec![PointState::Done { seconds: 1.0, numbers }; points],
        };
        let (open, points) = OpenSweep::from_report(opened).expect("a sound sweep");
        (open, points.into_iter().filter_map(|(_, run)| run).collect())
    }

    #[test]
    fn the_files_hold_what_the_page_has() {
        let (open, runs) = open("data.topics=4,8; seed=1,2");
        let csv = csv(&open, &runs);
        assert!(csv.starts_with("data.topics,runs,two_level,") && csv.lines().count() == 3, "{csv}");
        let text = json(&open, "", &runs);
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!((&value["sweep"], &value["grid"]), (&json!("a\"b"), &json!("data.topics=4,8; seed=1,2")));
        assert_eq!(value["cells"], json!({ "all": 4, "finished": 4 }));
        assert_eq!((&value["base"]["data"]["fresh"], &value["name"]), (&json!(false), &json!(null)));
        let named: serde_json::Value = serde_json::from_str(&json(&open, "a \"name\"", &runs)).expect("JSON");
        assert_eq!(named["name"], json!("a \"name\""));
    }

    #[test]
    fn the_page_as_a_file_is_escaped_and_has_every_section() {
        let (mut open, runs) = open("data.topics=4,8; seed=1,2");
        let report = report(&open.sweep, &open.views, None, &runs);
        open.grid = "seed=<script>".into();
        let named = html(&open, "a <name>", &report);
        assert!(named.contains("<h1>a &lt;name&gt;</h1><p>seed = &lt;script&gt;; "), "{named}");
        let html = html(&open, "", &report);
        assert!(html.contains("seed = &lt;script&gt;") && !html.contains("<script"), "{html}");
        assert!(report.sections.len() > 1 && report.sections.iter().all(|s| html.contains(&escape(&s.title))));
        assert!(html.contains("<svg"));
    }
}
