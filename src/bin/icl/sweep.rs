//! `icl sweep`: a grid of runs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use charts::{
    report::{Table as TextTable, lines},
    text::escape,
    theme::Theme,
};
use clap::Args;
use icl_playground::{
    experiment::{Problem, Sweep, sweep::Cell},
    sweep::{
        Metric, Report, Run, Table, by_seed, name, one_scale::at_one_scale, report, report::usual_views, table::plain,
    },
};
use serde_json::json;

use crate::{
    cells::{self, Finished},
    failure::{self, Failure, is_input, read_experiment},
    print,
};

/// What the table shows; CSV and JSON have all metrics.
const SHOWN: [&str; 6] = ["two_level", "first_level", "empirical", "topic_gap", "sequence_gap", "bound"];

#[derive(Args)]
pub struct Arguments {
    /// A file with an experiment as JSON, - for standard input, in which the grid sets its fields; `icl preset NAME` prints some
    #[arg(long, value_name = "FILE")]
    experiment: PathBuf,
    /// Which fields take which values: "data.topics=4,16,64; seed=1..3; hold=data.sequences" (hold keeps K·N·T at the experiment's)
    #[arg(long, value_name = "GRID")]
    grid: String,
    /// What the sweep is called: kept with its results, and shown in the title of its page, in JSON and in the names of pictures. Another
    /// name finds the same results
    #[arg(long, value_name = "NAME", value_parser = sweep_name)]
    name: Option<String>,
    /// Cells that run at the same time; without it all cores but one
    #[arg(long, value_name = "J", value_parser = failure::count)]
    jobs: Option<usize>,
    /// All metrics as JSON, instead of a table
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// All metrics as CSV, instead of a table
    #[arg(long)]
    csv: bool,
    /// The folder for NAME.sweep.jsonl, where results are kept as they come and a later call goes on; without it beside the
    /// experiment
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write pictures, and a page with all that is said, into this folder
    #[arg(long, value_name = "DIR")]
    pictures: Option<PathBuf>,
    /// A two-level loss: steps, tokens and seconds to it become metrics
    #[arg(long, value_name = "NATS", value_parser = failure::number)]
    level: Option<f64>,
    /// The bundled texts of the world udhr, as `cargo xtask udhr` makes them
    #[arg(long, value_name = "FILE")]
    udhr: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> Result<String, Failure> {
    let base = read_experiment(&arguments.experiment, arguments.udhr.as_deref())?;
    let sweep = Sweep::parse_grid(base, &arguments.grid).map_err(Failure::Invalid)?;
    let cells = sweep.cells().map_err(Failure::Invalid)?;
    let jobs = jobs(arguments.jobs)?;
    if let Some(level) = arguments.level.filter(|level| !level.is_finite()) {
        return Err(Problem::new("level", level, "a number", "").into());
    }
    let file = sweep_record_path(&arguments.experiment, arguments.out.as_deref())?;
    let finished = cells::run(&sweep, &cells, &file, jobs, arguments.name.as_deref())?;
    let runs = runs(&cells, &finished, arguments.level);
    let whole_report = report(&sweep, &usual_views(&sweep), arguments.level, &runs);
    if let Some(folder) = &arguments.pictures {
        let prefix = match name::slug(&finished.name) {
            slug if slug.is_empty() => slug,
            slug => format!("{slug}-"),
        };
        write_pictures(&whole_report, folder, &prefix, &finished.name)?;
    }
    let (_, held) = at_one_scale(&sweep, &runs);
    let table = Table::new(&sweep.axes, &held);
    let text = match (arguments.json, arguments.csv) {
        (true, _) => {
            let mut value = table.json(sweep.base.world.observation().word());
            value["sweep"] = sweep.id().into();
            if !finished.name.is_empty() {
                value["name"] = finished.name.as_str().into();
            }
            value["grid"] = sweep.grid().into();
            value["cells"] = json!({ "all": cells.len(), "finished": runs.len() });
            value["report"] = whole_report
                .sections
                .iter()
                .map(|s| {
                    let table = |t: &TextTable| {
                        let rows: Vec<&[String]> = t.rows.iter().map(|row| &row.cells[..]).collect();
                        json!({ "head": t.heads, "rows": rows })
                    };
                    let paragraphs: Vec<&str> = s.paragraphs().collect();
                    json!({ "title": s.title, "paragraphs": paragraphs, "table": s.tables().next().map(table) })
                })
                .collect();
            value.to_string()
        }
        (_, true) => table.csv(),
        _ if finished.name.is_empty() => as_text(&table, &whole_report),
        _ => format!("{}\n\n{}", finished.name, as_text(&table, &whole_report)),
    };
    let Some((key, why)) = finished.failed.first() else { return Ok(text) };
    print(&text)?;
    Err(Failure::Run(format!(
        "{} of {} cells could not be run; what the others found is kept, and the same command tries these again. \
         The first: {key}. {why}",
        finished.failed.len(),
        cells.len()
    )))
}

/// How many threads.
pub fn jobs(asked: Option<usize>) -> Result<usize, Failure> {
    match asked {
        Some(jobs) if !(1..=256).contains(&jobs) => Err(Problem::new("jobs", jobs, "1 to 256", "").into()),
        asked => Ok(asked.unwrap_or_else(cells::usual_jobs)),
    }
}

/// Finished cells in the grid's order.
pub fn runs(cells: &[Cell], finished: &Finished, level: Option<f64>) -> Vec<Run> {
    let outcome = |cell: &&Cell| finished.outcomes.contains_key(&cell.key);
    cells.iter().filter(outcome).map(|cell| Run::new(cell, &finished.outcomes[&cell.key], level)).collect()
}

/// A name as it is kept: one line that is not too long.
fn sweep_name(text: &str) -> Result<String, String> {
    let name = name::tidy(text);
    match text.trim().chars().count() {
        0 => Err("a name has at least one letter".into()),
        n if n > name::MOST => Err(format!("a name has at most {} characters, and this one has {n}", name::MOST)),
        _ => Ok(name),
    }
}

/// Files `PREFIX + name.svg`, one for each chart, and `PREFIX + report.html` with everything that is said, under a title (empty for the
/// usual one).
pub fn write_pictures(report: &Report, folder: &Path, prefix: &str, title: &str) -> Result<(), Failure> {
    let theme = Theme::light();
    fs::create_dir_all(folder).map_err(Failure::Output)?;
    for drawn in report.charts() {
        let path = folder.join(format!("{prefix}{}.svg", drawn.id));
        fs::write(path, drawn.svg(&theme)).map_err(Failure::Output)?;
    }
    let title = escape(title);
    let heading = if title.is_empty() { String::new() } else { format!("<h1>{title}</h1>") };
    let page = format!(
        "<!doctype html><html lang=\"en\" style=\"{}\"><meta charset=\"utf-8\"><title>{}</title><style>{}</style><body>{heading}{}</body></html>",
        theme.css_variables(),
        if title.is_empty() { "A sweep" } else { title.as_str() },
        include_str!("../../../www/style.css"),
        report.html(&theme)
    );
    fs::write(folder.join(format!("{prefix}report.html")), page).map_err(Failure::Output)
}

/// `DIR/NAME.sweep.jsonl`. Without a folder it lies beside the experiment, or where that is no file of its own, in the current folder.
fn sweep_record_path(experiment: &Path, out: Option<&Path>) -> Result<PathBuf, Failure> {
    let is_file = !is_input(experiment) && experiment.is_file();
    let name = match experiment.file_stem() {
        Some(name) if is_file => name.to_string_lossy(),
        _ => "experiment".into(),
    };
    let folder = match (out, experiment.parent()) {
        (Some(folder), _) => {
            fs::create_dir_all(folder).map_err(Failure::Output)?;
            folder.to_path_buf()
        }
        (None, Some(folder)) if is_file => folder.to_path_buf(),
        (None, _) => PathBuf::new(),
    };
    Ok(folder.join(format!("{name}.sweep.jsonl")))
}

fn as_text(table: &Table, report: &Report) -> String {
    let columns: Vec<&Metric> =
        SHOWN.iter().filter(|name| table.columns().contains(name)).filter_map(|name| Metric::named(name)).collect();
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut head: Vec<String> = table.axes.iter().map(|axis| axis.field.clone()).collect();
    head.push("runs".into());
    head.extend(columns.iter().map(|m| m.name.to_string()));
    rows.push(head);
    for row in &table.rows {
        let mut line: Vec<String> = row.coordinates.iter().map(plain).collect();
        line.push(row.runs.len().to_string());
        let cell = |m: &&Metric| row.get(m.name).map_or_else(|| "-".into(), |s| s.text());
        line.extend(columns.iter().map(cell));
        rows.push(line);
    }
    let mut text = aligned(&rows);
    text.push_str(&format!(
        "\n± is half of the 95% interval over seeds where there are {} or more, one standard error of the evaluation where there is one run.",
        by_seed::FEWEST_SEEDS
    ));
    for section in &report.sections {
        let lines = lines(&section.blocks, usize::MAX).join("\n");
        text.push_str(&format!("\n\n{}\n{lines}", section.title));
    }
    text
}

/// Columns under each other, numbers to the right.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |j: usize| rows.iter().filter_map(|row| row.get(j)).map(|t| t.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(text, w)| format!("{text:>w$}")).collect();
        cells.join("  ")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
