//! `icl inside`: the learning lab without a browser.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use icl_playground::{
    app::theme::Theme,
    engine::{error::EngineError, session::Session},
    experiment::{Experiment, Problem},
    picture::svg::escape,
    probe::TabKind,
    protocol::{DeviceChoice, Event, ProbeEvent},
};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::failure::{self, Failure, read_experiment};

/// Rows of a table that is printed, its head included.
const MOST_ROWS: usize = 12;

#[derive(Args)]
pub struct Arguments {
    /// A file with an experiment as JSON, - for standard input; `icl preset NAME` prints some
    #[arg(long, value_name = "FILE")]
    experiment: PathBuf,
    /// The bundled texts of the world udhr, as `cargo xtask udhr` makes them
    #[arg(long, value_name = "FILE")]
    udhr: Option<PathBuf>,
    /// Only these, between commas, by name (power, coupling) or as the page calls them ("Power law", Weights); without it all
    #[arg(long, value_name = "TABS")]
    tabs: Option<String>,
    /// The step that is looked at, or the nearest that was recorded; without it the last
    #[arg(long, value_name = "STEP", value_parser = failure::count)]
    step: Option<usize>,
    /// The folder for inside.html and a CSV file for each tab; without it the current one
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

/// Trains, writes the files, and gives what the tabs say in words, and the files' paths.
pub fn run(arguments: &Arguments) -> Result<String, Failure> {
    let experiment = read_experiment(&arguments.experiment, arguments.udhr.as_deref())?;
    let kinds = match &arguments.tabs {
        None => TabKind::ALL.to_vec(),
        Some(names) => {
            names.split(',').map(|name| TabKind::called(name).ok_or_else(|| unknown(name))).collect::<Result<_, _>>()?
        }
    };
    // Before minutes of training: a folder that cannot be written to is no place for what they find.
    writable(&arguments.out)?;
    let (found, shown) = pollster::block_on(look(&experiment, &kinds, arguments.step))?;
    let (mut lines, mut sections) = (Vec::new(), String::new());
    if let Some(asked) = arguments.step.filter(|asked| *asked != shown) {
        let words = format!("Step {asked} was not recorded. What is shown is step {shown}, the nearest that was.");
        sections.push_str(&format!("<p class=\"note\">{}</p>", escape(&words)));
        lines.push(words);
    }
    for (kind, tab) in kinds.iter().zip(found) {
        lines.push(format!("{}:", kind.title()));
        lines.extend(sentences(&tab.html).into_iter().chain(tables(&tab.html)).map(|s| format!("  {s}")));
        let (title, question) = (escape(kind.title()), escape(kind.question()));
        sections.push_str(&format!(
            "<section class=\"sequences inside\"><h2>{title}</h2><p class=\"inside-question\">{question}</p><div id=\"inside\">{}</div></section>",
            tab.html
        ));
        if !tab.csv.is_empty() {
            let path = arguments.out.join(format!("{}.csv", kind.name()));
            fs::write(&path, tab.csv).map_err(Failure::Output)?;
            lines.push(format!("  {}", path.display()));
        }
    }
    let path = arguments.out.join("inside.html");
    let page = format!(
        "<!doctype html><html lang=\"en\" style=\"{}\"><meta charset=\"utf-8\"><title>How it learns</title><style>{}</style><body>{sections}</body></html>",
        Theme::light().css_variables(),
        include_str!("../../../www/style.css")
    );
    fs::write(&path, page).map_err(Failure::Output)?;
    lines.push(path.display().to_string());
    Ok(lines.join("\n"))
}

/// Makes the folder, and a file in it that goes again.
fn writable(folder: &Path) -> Result<(), Failure> {
    let unusable = |why| Failure::Folder { path: folder.display().to_string(), why };
    fs::create_dir_all(folder).map_err(unusable)?;
    let probe = folder.join(format!(".icl-{}", std::process::id()));
    fs::write(&probe, "").map_err(unusable)?;
    fs::remove_file(&probe).map_err(unusable)
}

fn unknown(name: &str) -> Failure {
    let names: Vec<String> = TabKind::ALL.iter().map(|kind| format!("{} ({})", kind.name(), kind.title())).collect();
    Failure::Invalid(vec![Problem::new(
        "--tabs",
        format!("\"{}\"", name.trim()),
        &format!("some of {}", names.join(", ")),
        "",
    )])
}

/// What a tab shows and what is behind it.
struct Found {
    html: String,
    csv: String,
}

/// What each tab shows, and the recorded step at which: the nearest to `step`, or the last.
async fn look(
    experiment: &Experiment,
    kinds: &[TabKind],
    step: Option<usize>,
) -> Result<(Vec<Found>, usize), EngineError> {
    let bar = ProgressBar::new(experiment.steps() as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:32} {pos}/{len} {msg}  {eta} left") {
        bar.set_style(style);
    }
    let mut session = Session::prepare(experiment, DeviceChoice::Cpu, &mut |_| {}).await?;
    while !session.trained() {
        session.advance(&mut |_| {}).await?;
        bar.set_position(session.steps() as u64);
    }
    let recorded: Vec<usize> = session
        .inside()
        .map(|inside| inside.journal().evaluations.iter().map(|e| e.step).collect())
        .unwrap_or_default();
    let last = recorded.last().copied().unwrap_or_default();
    let shown = step.map_or(last, |step| recorded.iter().copied().min_by_key(|r| r.abs_diff(step)).unwrap_or(last));
    let mut all = Vec::new();
    for kind in kinds {
        bar.set_message(kind.title());
        let mut events = Vec::new();
        session.open_inside(Some(*kind));
        // What is drawn at once is sent once: everything is kept.
        session.tell_inside(json!({"inside": "shown", "value": shown}), &mut |event| events.push(event));
        while session.look_inside(&mut |event| events.push(event)).await? {}
        session.tell_inside(json!({"inside": "csv"}), &mut |event| events.push(event));
        all.push(found(&events));
    }
    bar.finish_and_clear();
    Ok((all, shown))
}

fn found(events: &[Event]) -> Found {
    let (mut pieces, mut csv) = (BTreeMap::new(), String::new());
    for event in events {
        let Event::Probe(ProbeEvent::Text(text)) = event else { continue };
        let message: Value = serde_json::from_str(text).unwrap_or_default();
        for slot in message.get("slots").and_then(Value::as_array).into_iter().flatten() {
            let (name, html) = (slot[0].as_str().unwrap_or_default(), slot[1].as_str().unwrap_or_default());
            if let Some(number) = name.strip_prefix("inside-").and_then(|n| n.parse::<usize>().ok()) {
                pieces.insert(number, html.to_owned());
            }
        }
        if let Some(text) = message.get("text").and_then(Value::as_str) {
            csv = text.to_owned();
        }
    }
    Found { html: pieces.into_values().map(|html| format!("<div>{html}</div>")).collect(), csv }
}

/// The words of a tab's paragraphs.
fn sentences(html: &str) -> Vec<String> {
    let paragraphs = html
        .split("<p")
        .skip(1)
        .filter(|rest| rest.starts_with(['>', ' ']))
        .filter_map(|rest| rest.split_once('>')?.1.split("</p>").next());
    paragraphs.map(untagged).filter(|text| !text.is_empty()).collect()
}

/// Rows of a tab's tables in columns; of long tables nothing, as the files hold them.
fn tables(html: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for table in html.split("<table").skip(1).filter_map(|rest| rest.split("</table>").next()) {
        let cells = |row: &str| -> Vec<String> {
            row.split("<t").skip(1).filter(|c| c.starts_with(['d', 'h'])).map(|c| untagged(&format!("<t{c}"))).collect()
        };
        let rows: Vec<Vec<String>> = table.split("<tr").skip(1).map(cells).collect();
        if rows.len() > MOST_ROWS {
            continue;
        }
        let width = |i: usize| rows.iter().filter_map(|row| row.get(i)).map(|cell| cell.chars().count()).max();
        for row in &rows {
            let line = row.iter().enumerate().map(|(i, cell)| format!("{cell:<0$}", width(i).unwrap_or(0)));
            lines.push(line.collect::<Vec<_>>().join("  ").trim_end().to_owned());
        }
    }
    lines
}

/// Text without its tags.
fn untagged(html: &str) -> String {
    let mut inside_tag = false;
    let kept = html.chars().filter(|c| {
        let keep = !inside_tag && *c != '<';
        inside_tag = (inside_tag || *c == '<') && *c != '>';
        keep
    });
    kept.collect::<String>().trim().to_owned()
}
