//! `icl inside`: "How it learns" without a browser.

use std::{
    fs,
    path::{Path, PathBuf},
};

use charts::{
    report::{self, Block},
    text::escape,
};
use clap::Args;
use icl_playground::{
    app::theme::Theme,
    engine::{error::EngineError, session::Session},
    experiment::{Experiment, Problem},
    probe::{OpenTab, ProbeRequest, TabKind},
    protocol::{DeviceChoice, Event},
};
use indicatif::{ProgressBar, ProgressStyle};

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
        lines.extend(report::lines(&tab.blocks, MOST_ROWS).into_iter().map(|s| format!("  {s}")));
        let (title, question) = (escape(kind.title()), escape(kind.question()));
        sections.push_str(&format!(
            "<section class=\"sequences probes\"><h2>{title}</h2><p class=\"probe-question\">{question}</p>{}</section>",
            report::html(&tab.blocks, &Theme::light())
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
    blocks: Vec<Block>,
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
    let record = session.probes().map(|probes| probes.run_record().clone());
    let recorded: Vec<usize> =
        record.iter().flat_map(|record| &record.evaluations).map(|evaluation| evaluation.step).collect();
    let last = recorded.last().copied().unwrap_or_default();
    let shown = step.map_or(last, |step| recorded.iter().copied().min_by_key(|r| r.abs_diff(step)).unwrap_or(last));
    let mut all = Vec::new();
    for kind in kinds {
        bar.set_message(kind.title());
        let mut open = OpenTab::with_record(record.clone());
        let mut collect = |event: Event| {
            open.on_event(event);
        };
        session.ask_probes(ProbeRequest::Open(Some(*kind)), &mut collect);
        session.ask_probes(ProbeRequest::Shown(Some(shown)), &mut collect);
        while session.probe(&mut collect).await? {}
        all.push(match (open.view(), &open.tab) {
            (Some((view, record)), _) => Found { blocks: view.blocks(record, shown), csv: view.csv(record) },
            (None, Some((_, Err(why)))) => Found { blocks: vec![Block::Paragraph(why.clone())], csv: String::new() },
            (None, _) => Found { blocks: Vec::new(), csv: String::new() },
        });
    }
    bar.finish_and_clear();
    Ok((all, shown))
}
