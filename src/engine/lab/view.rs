//! What the lab looks like, as HTML: the page only puts it in place. Whatever a person wrote goes through `escape`.

use super::{
    form::Form,
    html::{option, plural, short_name},
    queue::State,
    sheet::{Check, Record, Sheet, Studied},
};
use crate::{
    experiment::{
        Experiment, Problem,
        study::{STUDIES, View},
    },
    number::{duration, with_error},
    picture::svg::escape,
    protocol::{DeviceChoice, Measured},
    sweep::{METRICS, Metric, Run, report},
};

/// A stored sweep as the list shows it: what it is and how many of its cells are done; or the id of one that cannot be read.
pub type Entry = Result<(Record, usize), String>;

/// The first screen, without what changes in it.
pub fn home(form: &Form, base: Result<&Experiment, &[Problem]>, cores: usize) -> String {
    let new = match base {
        Ok(base) => format!(
            "<p>Every run is the experiment in the controls, {}, with the values below in its place.</p>{}",
            summary(base),
            form.html(base, cores)
        ),
        Err(problems) => {
            let lines: String = problems.iter().map(|p| format!("<p>{}</p>", escape(&p.to_string()))).collect();
            format!(
                "<p>The experiment in the controls cannot run as it is. Leave this view and mend it first.</p>\
                 <div class=\"problem\" data-testid=\"lab-problems\">{lines}</div>"
            )
        }
    };
    format!(
        "<h2 tabindex=\"-1\" data-testid=\"lab-title\">Sweeps</h2><p class=\"lab-lead\">Many runs at once, over a grid of \
         settings: what do K, N and T do to the losses and the gaps? Results are kept in this browser as they come.</p>\
         <div id=\"lab.trouble\"></div>{}<section class=\"lab-card\"><h3>New sweep</h3>{new}</section>\
         <section class=\"lab-card\"><h3>In this browser</h3><div id=\"lab.list\" data-testid=\"lab-list\"></div></section>",
        studies()
    )
}

/// A card for each study.
fn studies() -> String {
    let card = |study: &crate::experiment::study::Study| {
        format!(
            "<li><div><b>{}</b><span class=\"note\">{}</span></div><button type=\"button\" data-lab=\"study\" data-id=\"{}\" \
             data-testid=\"lab-study-{3}\">Open</button></li>",
            escape(study.title),
            escape(study.about[0]),
            study.name,
            study.name
        )
    };
    let cards: String = STUDIES.iter().map(card).collect();
    format!(
        "<section class=\"lab-card\"><h3>Published observations, as studies</h3><p>What Gong et al. (2025) and, of \
         algorithms, Raventós et al. (2023) report, asked again on small worlds. Each says what its runs show and what they cannot. Recorded results open at once; every run of them can be made again here.</p><ul class=\"lab-list\">{cards}</ul></section>"
    )
}

/// The sweeps that are stored. `running` is the id of the one that runs.
pub fn list(entries: &[Entry], running: Option<&str>) -> String {
    if entries.is_empty() {
        return "<p class=\"note\">None yet.</p>".into();
    }
    let line = |entry: &Entry| match entry {
        Ok((record, done)) => {
            let id = escape(&record.id);
            let is_running = running == Some(record.id.as_str());
            let state = match () {
                () if is_running => format!("running, {done} of {} done", record.cells),
                () if *done >= record.cells => format!("finished, {}", plural(*done, "run", "runs")),
                () => format!("unfinished: {done} of {} done", record.cells),
            };
            let resume = if is_running || *done >= record.cells {
                String::new()
            } else {
                format!(
                    "<button type=\"button\" class=\"primary\" data-lab=\"continue\" data-id=\"{id}\">Resume</button>"
                )
            };
            let delete = if is_running {
                String::new()
            } else {
                format!("<button type=\"button\" class=\"quiet\" data-lab=\"delete\" data-id=\"{id}\">Delete</button>")
            };
            format!(
                "<li><div><b>{}</b><span class=\"note\">{} · {state}</span></div><div class=\"row\">{resume}\
                 <button type=\"button\" data-lab=\"show\" data-id=\"{id}\">Open</button>{delete}</div></li>",
                escape(&grid_words(&record.grid)),
                escape(&record.base.world.to_string())
            )
        }
        Err(id) => format!(
            "<li><div><span class=\"note\">A sweep of another version of this site, which cannot be read.</span></div>\
             <button type=\"button\" class=\"quiet\" data-lab=\"delete\" data-id=\"{}\">Delete</button></li>",
            escape(id)
        ),
    };
    format!("<ul class=\"lab-list\">{}</ul>", entries.iter().map(line).collect::<String>())
}

/// A sweep's screen, without what changes in it.
pub fn sheet(sheet: &Sheet, build: &str) -> String {
    let metrics = METRICS.iter().map(|metric| option(metric.name, metric.title, sheet.metric == Some(metric.name)));
    let metrics: String = metrics.collect();
    let runs = format!(
        "<section class=\"lab-card\"><h3>Runs</h3><div class=\"lab-run\"><div class=\"row\" id=\"lab.buttons\"></div>\
         <p id=\"lab.summary\" data-testid=\"lab-summary\"></p></div><div id=\"lab.bar\"></div>\
         <p class=\"spoken\" role=\"status\" id=\"lab.spoken\"></p>{}<div id=\"lab.detail\"></div></section>",
        squares(sheet)
    );
    let results = format!(
        "<section class=\"lab-card\"><h3>Results</h3><div class=\"row\"><label class=\"lab-metric\"><span>One more metric</span> \
         <select data-lab=\"metric\" data-testid=\"lab-metric\"><option value=\"\">–</option>{metrics}</select></label>\
         <button type=\"button\" data-lab=\"csv\" data-testid=\"lab-csv\">Save CSV</button>\
         <button type=\"button\" data-lab=\"json\" data-testid=\"lab-json\">Save JSON</button></div>\
         <div class=\"lab-results\" id=\"lab.results\" data-testid=\"lab-results\"></div></section>"
    );
    // What is recorded is there to be read at once.
    let parts = if sheet.studied.is_some() && sheet.done() > 0 { [results, runs] } else { [runs, results] };
    format!(
        "<button type=\"button\" class=\"quiet\" data-lab=\"home\" data-testid=\"lab-home\">← All sweeps</button>{}\
         <div id=\"lab.trouble\"></div>{}",
        head(sheet, build),
        parts.concat()
    )
}

fn head(sheet: &Sheet, build: &str) -> String {
    let record = &sheet.record;
    if let Some(studied) = &sheet.studied {
        return study_head(studied)
            + &format!("<p class=\"note\">{}; {}.</p>", escape(&grid_words(&record.grid)), summary(&record.base));
    }
    let older = if record.build == build {
        ""
    } else {
        " Started by an earlier version of this site, whose numbers may differ."
    };
    let device = if record.device == DeviceChoice::Gpu { "GPU" } else { "CPU" };
    format!(
        "<h2 tabindex=\"-1\" data-testid=\"lab-title\">{}</h2><p class=\"note\">{}; on the {device}.{older}</p>",
        escape(&grid_words(&record.grid)),
        summary(&record.base)
    )
}

fn study_head(studied: &Studied) -> String {
    let Studied { study, recorded, part } = studied;
    let told = match recorded.command.is_empty() {
        true => "This build has no recorded results of this study; its sweeps can be run here.".to_owned(),
        false => format!(
            "Recorded, with the settings of {}, by <code>{}</code> on {}. Nothing of it was run in this browser.",
            escape(&recorded.settings),
            escape(&recorded.command),
            escape(&recorded.machine)
        ),
    };
    let title = |name: &str| study.sweeps.iter().find(|sweep| sweep.name == name).map_or("", |sweep| sweep.title);
    let note = recorded.sweeps.get(*part).and_then(|now| study.sweeps.iter().find(|sweep| sweep.name == now.name));
    let note = note.map(|sweep| sweep.note).filter(|note| !note.is_empty());
    let note = note.map_or_else(String::new, |note| {
        format!("<p class=\"lab-lead\" data-testid=\"lab-note\">{}</p>", escape(note))
    });
    let parts = recorded.sweeps.iter().enumerate().map(|(i, sweep)| {
        format!(
            "<button type=\"button\" data-lab=\"part\" data-part=\"{i}\" data-testid=\"lab-part-{i}\" aria-pressed=\"{}\">{}</button>",
            i == *part,
            escape(title(&sweep.name))
        )
    });
    format!(
        "<h2 tabindex=\"-1\" data-testid=\"lab-title\">{}</h2><p class=\"lab-lead\">{}</p><p class=\"lab-lead\">{}</p>\
         <p class=\"lab-lead\">{}</p><p class=\"banner lab-recorded\" data-testid=\"lab-recorded\">{told}</p>\
         <div class=\"row\" role=\"group\" aria-label=\"Sweeps of this study\">{}</div>{note}",
        escape(study.title),
        escape(study.about[0]),
        escape(study.about[1]),
        escape(study.reading),
        parts.collect::<String>()
    )
}

/// A place for each cell: a row for all values but the last axis', a square for each of the last.
fn squares(sheet: &Sheet) -> String {
    let last = sheet.sweep.axes.last();
    let per_row = last.map_or(1, |axis| axis.values.len()).max(1);
    let name = |coordinates: &[serde_json::Value]| {
        let parts = sheet.sweep.axes.iter().zip(coordinates);
        let parts = parts.map(|(axis, value)| format!("{} {}", short_name(&axis.field), words(value)));
        escape(&parts.collect::<Vec<_>>().join(", "))
    };
    let several = sheet.sweep.axes.len() > 1;
    let rows = sheet.cells.chunks(per_row).enumerate().map(|(i, cells)| {
        let label = cells.first().filter(|_| several).map_or_else(String::new, |cell| {
            format!("<span class=\"lab-row-name\">{}</span>", name(&cell.coordinates[..cell.coordinates.len() - 1]))
        });
        let places = (0..cells.len()).map(|j| format!("<span id=\"lab.cell.{}\"></span>", i * per_row + j));
        format!("<div class=\"lab-row\">{label}<span class=\"lab-squares\">{}</span></div>", places.collect::<String>())
    });
    let along = last.map_or_else(String::new, |axis| {
        let values: Vec<String> = axis.values.iter().map(words).collect();
        format!(
            "<p class=\"note\">From left to right: {} {}.</p>",
            escape(short_name(&axis.field)),
            escape(&values.join(", "))
        )
    });
    format!("<div class=\"lab-grid\" data-testid=\"lab-grid\">{}</div>{along}", rows.collect::<String>())
}

/// A cell's square.
pub fn square(sheet: &Sheet, cell: usize) -> String {
    let key = &sheet.cells[cell].key;
    let (class, mark, what) = match &sheet.queue.states()[cell] {
        State::Waiting => ("waiting", String::from("·"), "waits".to_owned()),
        State::Running(1.0) => ("running", "…".into(), "trained, and being measured".to_owned()),
        State::Running(done) => ("running", format!("{:.0}", 100.0 * done), format!("{:.0}% done", 100.0 * done)),
        State::Done => {
            let took = match sheet.seconds[cell] {
                0.0 => String::new(),
                seconds => format!(", took {}", duration(seconds)),
            };
            ("done", "✓".into(), format!("done{took}"))
        }
        State::Failed(why) => ("failed", "!".into(), format!("failed. {why}")),
    };
    let words = escape(&format!("{key}: {what}"));
    let pressed = sheet.chosen == Some(cell);
    format!(
        "<button type=\"button\" class=\"square\" data-lab=\"cell\" data-cell=\"{cell}\" data-state=\"{class}\" \
         data-testid=\"lab-cell-{cell}\" aria-pressed=\"{pressed}\" aria-label=\"{words}\" title=\"{words}\">{mark}</button>"
    )
}

pub fn buttons(sheet: &Sheet) -> String {
    let queue = &sheet.queue;
    let button = |class: &str, action: &str, text: &str| {
        format!("<button type=\"button\"{class} data-lab=\"{action}\" data-testid=\"lab-{action}\">{text}</button>")
    };
    if sheet.studied.is_some() {
        return button(" class=\"primary\"", "live", "Run it live");
    }
    let mut html = String::new();
    if !queue.is_over() {
        html += &if queue.is_paused() {
            button(" class=\"primary\"", "resume", if sheet.done() == 0 { "Start" } else { "Resume" })
        } else {
            button("", "pause", "Pause")
        };
    }
    if queue.is_active() && !queue.is_over() {
        html += &button("", "cancel", "Cancel");
    }
    if queue.count(|state| matches!(state, State::Failed(_))) > 0 {
        html += &button("", "retry", "Retry failed");
    }
    html
}

/// Where the sweep stands, in a line.
pub fn standing(sheet: &Sheet, now: f64) -> String {
    let queue = &sheet.queue;
    if sheet.studied.is_some() {
        return format!("{} of {} recorded", sheet.done(), plural(sheet.cells.len(), "run", "runs"));
    }
    let mut parts = vec![format!("{} of {} done", sheet.done(), plural(sheet.cells.len(), "run", "runs"))];
    let failed = queue.count(|state| matches!(state, State::Failed(_)));
    if failed > 0 {
        parts.push(format!("{failed} failed"));
    }
    if sheet.borrowed > 0 {
        parts.push(format!("{} taken over from other sweeps in this browser", plural(sheet.borrowed, "run", "runs")));
    }
    if queue.is_over() {
        parts.push("finished".into());
    } else if queue.is_paused() {
        parts.push(match queue.working() {
            0 => "paused".into(),
            n => format!("pausing: {} under way will finish", plural(n, "run", "runs")),
        });
    } else {
        parts.push(match queue.working() {
            0 => "starting".into(),
            n => format!("{} at work", plural(n, "worker", "workers")),
        });
        if let Some(pace) = queue.pace(now) {
            parts.push(format!("{} left", duration(queue.seconds_left(pace))));
        }
    }
    escape(&parts.join(" · "))
}

/// What a screen reader hears: less often than what is seen changes.
pub fn spoken(sheet: &Sheet) -> String {
    let state = match () {
        () if sheet.queue.is_over() => "Finished",
        () if sheet.queue.is_paused() => "Paused",
        () => "Running",
    };
    format!("{state}: {} of {} done.", sheet.done(), plural(sheet.cells.len(), "run", "runs"))
}

pub fn bar(sheet: &Sheet) -> String {
    format!("<div class=\"lab-bar\" aria-hidden=\"true\" style=\"--done: {:.3}\"></div>", sheet.queue.done())
}

/// Beside the button that opens the lab: how far the sweep is that runs.
pub fn badge(sheet: &Sheet) -> String {
    if sheet.queue.is_active() { format!(" {}/{}", sheet.done(), sheet.cells.len()) } else { String::new() }
}

/// What the reader compares first, by name.
const MAIN: [&str; 6] = ["two_level", "two_level_excess", "first_level", "empirical", "sequence_gap", "topic_gap"];

fn main_metrics() -> impl Iterator<Item = &'static Metric> {
    MAIN.iter().filter_map(|name| Metric::named(name))
}

fn told(measured: Option<Measured>) -> String {
    measured.map_or_else(|| "–".into(), |m| with_error(m.value, m.stderr))
}

/// The chosen cell.
pub fn detail(sheet: &Sheet) -> String {
    let Some(cell) = sheet.chosen else {
        return "<p class=\"note\">Press a run to see its numbers, open it in the playground, or run it again.</p>"
            .into();
    };
    let one = &sheet.cells[cell];
    let mut html = format!(
        "<div class=\"lab-detail\" tabindex=\"-1\" data-testid=\"lab-detail\"><h4>{}</h4><div class=\"row\">\
         <a class=\"button\" href=\"#{}\" data-testid=\"lab-open-cell\">Open in the playground</a>",
        escape(&one.key),
        escape(&sheet.link(one))
    );
    match &sheet.queue.states()[cell] {
        State::Failed(why) => {
            html += &format!(
                "<button type=\"button\" data-lab=\"retry-cell\" data-cell=\"{cell}\">Retry</button></div><p class=\"problem\">{}</p>",
                escape(why)
            );
        }
        State::Done => {
            html += &format!(
                "<button type=\"button\" data-lab=\"check\" data-cell=\"{cell}\" data-testid=\"lab-check\">Run again and compare</button></div>"
            );
        }
        State::Waiting | State::Running(_) => html += "</div>",
    }
    let check = sheet.check.as_ref().filter(|(checked, _)| *checked == cell).map(|(_, check)| check);
    if let Some(run) = &sheet.runs[cell] {
        let unit = format!("Nats per {}.", sheet.sweep.base.world.observation().word());
        html += &(numbers(run, check) + &format!("<p class=\"note\">{unit}</p>"));
    }
    html + "</div>"
}

/// A cell's numbers, beside those of its second run.
fn numbers(run: &Run, check: Option<&Check>) -> String {
    let again = if let Some(Check::Done(again)) = check { Some(&**again) } else { None };
    let mut all = true;
    let mut row = |metric: &Metric| {
        let first = run.metrics.get(metric.name);
        let beside = again.map_or_else(String::new, |again| {
            let second = again.metrics.get(metric.name);
            let same = agree(first, second);
            all &= same;
            format!("<td>{}</td><td>{}</td>", told(second), if same { "agrees" } else { "differs" })
        });
        format!("<tr><th scope=\"row\">{}</th><td>{}</td>{beside}</tr>", escape(metric.title), told(first))
    };
    let rows: String = main_metrics().map(&mut row).collect();
    let head = if again.is_some() {
        "<thead><tr><th></th><th scope=\"col\">recorded</th><th scope=\"col\">run again</th><th></th></tr></thead>"
    } else {
        ""
    };
    let said = match check {
        None => String::new(),
        Some(Check::Running(done)) => format!("Running again: {:.0}%.", 100.0 * done),
        Some(Check::Failed(why)) => format!("Running again failed. {why}"),
        Some(Check::Done(_)) if all => "Both runs agree within two standard errors; what differs is rounding.".into(),
        Some(Check::Done(_)) => "The runs differ by more than two standard errors in at least one number.".to_owned(),
    };
    format!(
        "<table class=\"lab-table\">{head}<tbody>{rows}</tbody></table><p role=\"status\" data-testid=\"lab-verdict\">{}</p>",
        escape(&said)
    )
}

/// Within two standard errors of their difference, or the same but for rounding.
fn agree(a: Option<Measured>, b: Option<Measured>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => {
            let rounding = 1e-3 * a.value.abs() + 1e-6;
            (a.value - b.value).abs() <= 2.0 * a.stderr.hypot(b.stderr) + rounding
        }
        (a, b) => a.is_none() && b.is_none(),
    }
}

/// What the finished runs say: sentences, pictures and tables.
pub fn results(sheet: &Sheet) -> String {
    if sheet.done() == 0 {
        return "<p class=\"note\">They appear here as runs finish.</p>".into();
    }
    let runs: Vec<Run> = sheet.runs.iter().flatten().cloned().collect();
    let views: Vec<View> = sheet.metric.map(View::Metric).into_iter().chain(sheet.views.iter().copied()).collect();
    let mut html = String::new();
    for section in report(&sheet.sweep, &views, sheet.level, &runs).sections {
        html += &format!("<section><h4>{}</h4>", escape(&section.title));
        // A mark that stands for a cell shows that cell's numbers.
        html += &charts::report::html(&section.blocks, &charts::theme::Theme::light())
            .replace(" data-key=\"", " data-lab=\"mark\" data-cell=\"")
            .replace("<figure class=\"picture\">", "<figure class=\"picture lab-picture\" tabindex=\"0\">");
        html += "</section>";
    }
    html + &table(sheet)
}

/// Every run's main numbers.
fn table(sheet: &Sheet) -> String {
    let axes: String = sheet
        .sweep
        .axes
        .iter()
        .map(|axis| format!("<th scope=\"col\">{}</th>", escape(short_name(&axis.field))))
        .collect();
    let row = |run: &Run| {
        let values: String = run.coordinates.iter().map(|v| format!("<td>{}</td>", escape(&words(v)))).collect();
        let numbers: String = main_metrics().map(|m| format!("<td>{}</td>", told(run.metrics.get(m.name)))).collect();
        format!("<tr>{values}{numbers}</tr>")
    };
    let rows: String = sheet.runs.iter().flatten().map(row).collect();
    let heads: String = main_metrics().map(|m| format!("<th scope=\"col\">{}</th>", escape(m.title))).collect();
    format!(
        "<section><h4>Every run</h4><div class=\"lab-scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Table\"><table class=\"lab-table\" data-testid=\"lab-runs\"><thead><tr>{axes}{heads}</tr></thead>\
         <tbody>{rows}</tbody></table></div></section>"
    )
}

/// A message that needs attention; empty for none.
pub fn trouble(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    format!(
        "<div class=\"banner problems\" role=\"alert\" data-testid=\"lab-trouble\"><div>{}</div></div>",
        escape(text)
    )
}

/// A grid's text with short names.
fn grid_words(grid: &str) -> String {
    let part = |part: &str| match part.split_once('=') {
        Some(("hold", field)) => format!("K·N·T held by {}", short_name(field)),
        Some((field, values)) => format!("{} = {}", short_name(field.trim()), values.trim().replace(',', ", ")),
        None => part.to_owned(),
    };
    grid.split("; ").map(part).collect::<Vec<_>>().join("; ")
}

/// An experiment in a few words, as HTML.
fn summary(base: &Experiment) -> String {
    let data = match base.data.fresh {
        true => format!("fresh data, T = {}", base.data.length),
        false => format!("K = {}, N = {}, T = {}", base.data.topics, base.data.sequences, base.data.length),
    };
    let world = base.world.to_string();
    // A text or a process of one's own would fill the screen.
    let world = if world.chars().count() > 60 { "a world of your own".to_owned() } else { world };
    escape(&format!("{world}; {data}; {}", plural(base.steps(), "step", "steps")))
}

fn words(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| crate::experiment::json::text(value), str::to_owned)
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::lab::sheet::Found,
        protocol::{LossAndFloor, Outcome},
        sweep::recorded::Recorded,
    };

    fn record(grid: &str) -> Record {
        let mut base = Experiment::default();
        base.data.fresh = false;
        Record {
            id: "a\"b".into(),
            base,
            grid: grid.into(),
            preset: "dursley-wonka".into(),
            device: DeviceChoice::Cpu,
            created: 0.0,
            build: "b".into(),
            cells: 4,
        }
    }

    fn sheet_of(grid: &str) -> Sheet {
        Sheet::new(record(grid), vec![], 4, 1000.0).unwrap_or_else(|p| panic!("{p:?}"))
    }

    fn outcome(value: f64, stderr: f64) -> Outcome {
        let told = Measured { value, stderr };
        let loss = LossAndFloor { loss: told, bayes: told, excess: told };
        Outcome { two_level: loss, first_level: loss, sequence_gap: told, topic_gap: told, ..Outcome::default() }
    }

    fn run(value: f64, stderr: f64) -> Run {
        Run::new(&sheet_of("seed=1").cells[0], &outcome(value, stderr), None)
    }

    #[test]
    fn every_state_has_its_own_square_and_words() {
        let mut s = sheet_of("data.topics=4,8; seed=1,2");
        s.queue.resume();
        s.queue.orders(0.0);
        s.queue.ready(0);
        s.queue.ready(1);
        s.queue.orders(0.0);
        s.queue.progress(1, 0.425);
        s.queue.finished(0, 3000.0);
        let found = Found { key: s.cells[0].key.clone(), outcome: outcome(0.5, 0.01), seconds: 3.0 };
        s.put(0, &found);
        let squares = (0..4).map(|cell| square(&s, cell)).collect::<Vec<_>>();
        assert!(squares[0].contains("data-state=\"done\"") && squares[0].contains("took 3 s"), "{}", squares[0]);
        assert!(squares[1].contains("data-state=\"running\"") && squares[1].contains("42% done"), "{}", squares[1]);
        assert!(squares[3].contains("data-state=\"waiting\"") && squares[3].contains("data.topics=8 seed=2"));
        assert!(standing(&s, 3000.0).starts_with("1 of 4 runs done · 1 worker at work"), "{}", standing(&s, 3000.0));
        assert!(buttons(&s).contains("lab-pause") && buttons(&s).contains("lab-cancel"));
        s.metric = Some("scale");
        let told = results(&s);
        assert!(
            told.contains("0.500 ± 0.010") && told.contains("<svg") && told.contains("data-lab=\"mark\""),
            "{told}"
        );
        s.queue.pause();
        assert!(standing(&s, 3000.0).contains("pausing: 1 run under way"));
        s.queue.resume();
        for _ in 0..4 {
            for place in 0..2 {
                s.queue.orders(0.0);
                s.queue.ready(place);
                s.queue.orders(0.0);
                s.queue.lost(place, "It <broke>.");
            }
        }
        assert!(square(&s, 1).contains("failed. It &lt;broke&gt;."), "{}", square(&s, 1));
        assert!(buttons(&s).contains("lab-retry"));
    }

    #[test]
    fn the_screen_has_a_place_for_every_cell() {
        let s = sheet_of("data.topics=4,8; seed=1,2");
        let html = sheet(&s, "b");
        assert!((0..4).all(|cell| html.contains(&format!("id=\"lab.cell.{cell}\""))), "{html}");
        assert!(html.contains("K 4</span>") && html.contains("From left to right: seed 1, 2."), "{html}");
        assert!(!html.contains("earlier version") && sheet(&s, "c").contains("earlier version"));
    }

    #[test]
    fn stored_words_are_escaped() {
        let mut bad = record("seed=1; data.length=\"<b>\"");
        bad.base.world = "coins:n=4".parse().unwrap();
        let html = list(&[Ok((bad.clone(), 1)), Err("<i>".into())], None);
        assert!(html.contains("data-id=\"a&quot;b\"") && !html.contains("<b>\"") && !html.contains("<i>"), "{html}");
        assert!(html.contains("unfinished: 1 of 4 done") && html.contains("Resume"));
        let html = list(&[Ok((bad, 4))], Some("a\"b"));
        assert!(html.contains("running") && !html.contains("Resume") && !html.contains("Delete"));
        assert!(trouble("<script>").contains("&lt;script&gt;"));
    }

    #[test]
    fn a_second_run_is_judged_by_standard_errors() {
        let again = |value| Check::Done(Box::new(run(value, 0.01)));
        assert!(numbers(&run(0.5, 0.01), Some(&again(0.52))).contains("agree within"));
        let far = numbers(&run(0.5, 0.01), Some(&again(0.6)));
        assert!(far.contains("differs") && far.contains("differ by more"), "{far}");
        assert!(numbers(&run(0.5, 0.01), Some(&Check::Running(0.5))).contains("Running again: 50%."));
    }

    #[test]
    fn a_recorded_study_says_that_it_is_one() {
        let study = &STUDIES[0];
        let mut recorded = Recorded::new(study, "icl <study>".into(), "a machine".into());
        for part in study.sweeps {
            recorded.add(part, part.sweep().expect("a sound sweep"), vec![]);
        }
        let studied = Studied { study, recorded: recorded.into(), part: 1 };
        let s = Sheet::recorded(studied, 2, 1.0).expect("a sound sweep");
        let html = sheet(&s, "b");
        assert!(html.contains("icl &lt;study&gt;") && html.contains("Nothing of it was run"), "{html}");
        assert!(html.contains("data-testid=\"lab-part-1\" aria-pressed=\"true\""));
        assert!(
            html.contains(&escape(study.sweeps[1].note)) && !html.contains(&escape(study.sweeps[2].note)),
            "{html}"
        );
        assert!(buttons(&s).contains("Run it live") && standing(&s, 0.0).contains("0 of"));
        assert_eq!(s.views, study.sweeps[1].views, "shown as the study says");
        let empty = Recorded { command: String::new(), ..(*s.studied.as_ref().expect("set").recorded).clone() };
        assert!(study_head(&Studied { study, recorded: empty.into(), part: 0 }).contains("no recorded results"));
    }

    #[test]
    fn results_of_other_cells_are_left_out() {
        let strange = Found { key: "seed=9".into(), outcome: outcome(0.5, 0.1), seconds: 1.0 };
        let mine = Found { key: "seed=2".into(), outcome: outcome(0.5, 0.1), seconds: 1.0 };
        let s = Sheet::new(record("seed=1,2"), vec![strange, mine], 4, 1.0).expect("a sound sweep");
        assert_eq!((s.done(), s.queue.states()), (1, &[State::Waiting, State::Done][..]));
    }
}
