//! The results as files, made of the numbers that the page has.

use charts::{report, theme::Theme};
use serde_json::json;

use super::{open::OpenSweep, words};
use crate::{
    experiment::json::text,
    sweep::{Run, Table, one_scale::at_one_scale, report::Section},
};

/// Mean, standard error and interval of every metric for every setting.
pub fn csv(open: &OpenSweep, runs: &[Run]) -> String {
    let (_, runs) = at_one_scale(&open.sweep, runs);
    Table::new(&open.sweep.axes, &runs).csv()
}

/// The same with units, the base experiment and the grid.
pub fn json(open: &OpenSweep, runs: &[Run]) -> String {
    let (_, held) = at_one_scale(&open.sweep, runs);
    let table = Table::new(&open.sweep.axes, &held);
    let mut value = table.json(open.sweep.base.world.observation().word());
    value["sweep"] = open.id.as_str().into();
    value["grid"] = open.grid.as_str().into();
    // Plain data with string keys: serialisation cannot fail.
    value["base"] = serde_json::to_value(&open.sweep.base).unwrap_or_default();
    value["cells"] = json!({ "all": open.len(), "finished": runs.len() });
    text(&value)
}

/// The report as a page of its own.
pub fn html(open: &OpenSweep, sections: &[Section]) -> String {
    let title = charts::text::escape(&words::grid(&open.grid));
    let about = charts::text::escape(&words::about(open));
    let section = |section: &Section| {
        let heading = charts::text::escape(&section.title);
        format!("<section><h2>{heading}</h2>{}</section>\n", report::html(&section.blocks, &Theme::light()))
    };
    let sections: String = sections.iter().map(section).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <style>body{{font:15px system-ui,sans-serif;max-width:1000px;margin:2rem auto;padding:0 1rem}}\
         table{{border-collapse:collapse}}th,td{{padding:2px 12px 2px 0;text-align:left}}svg{{max-width:100%}}</style></head>\n\
         <body><h1>{title}</h1><p>{about}</p>\n{sections}</body></html>\n"
    )
}
