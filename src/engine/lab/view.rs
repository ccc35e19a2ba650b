//! What the lab looks like, as HTML: the page only puts it in place. Whatever a person wrote goes through `escape`.

use super::{
    form::Form,
    html::{duration, escape, measured, plural, short_name},
    queue::State,
    sheet::{Check, Record, Sheet},
};
use crate::{
    experiment::{Experiment, Problem},
    protocol::{DeviceChoice, LossAndFloor, Measured, Outcome},
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
         <div id=\"lab.trouble\"></div><section class=\"lab-card\"><h3>New sweep</h3>{new}</section>\
         <section class=\"lab-card\"><h3>In this browser</h3><div id=\"lab.list\" data-testid=\"lab-list\"></div></section>"
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
                () if *done >= record.cells => format!("all {} done", plural(*done, "run", "runs")),
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
    let record = &sheet.record;
    let older = if record.build == build {
        String::new()
    } else {
        " Started by an earlier version of this site, whose numbers may differ.".to_owned()
    };
    let device = if record.device == DeviceChoice::Gpu { "GPU" } else { "CPU" };
    format!(
        "<button type=\"button\" class=\"quiet\" data-lab=\"home\" data-testid=\"lab-home\">← All sweeps</button>\
         <h2 tabindex=\"-1\" data-testid=\"lab-title\">{}</h2><p class=\"note\">{}; on the {device}.{older}</p>\
         <div id=\"lab.trouble\"></div>\
         <section class=\"lab-card\"><h3>Runs</h3><div class=\"lab-run\"><div class=\"row\" id=\"lab.buttons\"></div>\
         <p id=\"lab.summary\" data-testid=\"lab-summary\"></p></div><div id=\"lab.bar\"></div>\
         <p class=\"spoken\" role=\"status\" id=\"lab.spoken\"></p>{}<div id=\"lab.detail\"></div></section>\
         <section class=\"lab-card\"><h3>Results</h3><div id=\"lab.results\" data-testid=\"lab-results\"></div></section>",
        escape(&grid_words(&record.grid)),
        summary(&record.base),
        squares(sheet)
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
            let seconds = sheet.found[cell].as_ref().map_or(0.0, |found| found.seconds);
            ("done", "✓".into(), format!("done, took {}", duration(seconds)))
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
    let mut parts = vec![format!("{} of {} done", sheet.done(), plural(sheet.cells.len(), "run", "runs"))];
    let failed = queue.count(|state| matches!(state, State::Failed(_)));
    if failed > 0 {
        parts.push(format!("{failed} failed"));
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

/// What a run found that the reader compares first: name, sign, value.
fn main_numbers(outcome: &Outcome) -> [(&'static str, Measured); 5] {
    let excess = |loss: &LossAndFloor| loss.excess;
    [
        ("Two-level loss", outcome.two_level.loss),
        ("above Bayes", excess(&outcome.two_level)),
        ("First-level loss", outcome.first_level.loss),
        ("Sequence gap", outcome.sequence_gap),
        ("Topic gap", outcome.topic_gap),
    ]
}

/// The chosen cell.
pub fn detail(sheet: &Sheet) -> String {
    let Some(cell) = sheet.chosen else {
        return "<p class=\"note\">Press a run to see its numbers, open it in the playground, or run it again.</p>"
            .into();
    };
    let one = &sheet.cells[cell];
    let found = sheet.found[cell].as_ref();
    let mut html = format!(
        "<div class=\"lab-detail\" data-testid=\"lab-detail\"><h4>{}</h4><div class=\"row\">\
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
    if let Some(found) = found {
        html += &numbers(&found.outcome, check);
    }
    html + "</div>"
}

/// A cell's numbers, beside those of its second run.
fn numbers(outcome: &Outcome, check: Option<&Check>) -> String {
    let again = if let Some(Check::Done(again)) = check { Some(main_numbers(again)) } else { None };
    let row = |(i, (name, told)): (usize, &(&str, Measured))| {
        let beside = again.as_ref().map_or_else(String::new, |again| {
            let other = again[i].1;
            let verdict = if agree(*told, other) { "agrees" } else { "differs" };
            format!("<td>{}</td><td>{verdict}</td>", measured(other.value, other.stderr))
        });
        format!("<tr><th scope=\"row\">{name}</th><td>{}</td>{beside}</tr>", measured(told.value, told.stderr))
    };
    let told = main_numbers(outcome);
    let rows: String = told.iter().enumerate().map(row).collect();
    let head = if again.is_some() {
        "<thead><tr><th></th><th scope=\"col\">recorded</th><th scope=\"col\">run again</th><th></th></tr></thead>"
    } else {
        ""
    };
    let said = match check {
        None => String::new(),
        Some(Check::Running(done)) => format!("Running again: {:.0}%.", 100.0 * done),
        Some(Check::Failed(why)) => format!("Running again failed. {why}"),
        Some(Check::Done(_)) => {
            let all = told.iter().zip(again.iter().flatten()).all(|((_, a), (_, b))| agree(*a, *b));
            if all {
                "Both runs agree within two standard errors; what differs is rounding.".into()
            } else {
                "The runs differ by more than two standard errors in at least one number.".to_owned()
            }
        }
    };
    format!(
        "<table class=\"lab-table\">{head}<tbody>{rows}</tbody></table><p role=\"status\" data-testid=\"lab-verdict\">{}</p>\
         <p class=\"note\">Nats per token.</p>",
        escape(&said)
    )
}

/// Within two standard errors of their difference, or the same but for rounding.
fn agree(a: Measured, b: Measured) -> bool {
    (a.value - b.value).abs() <= 2.0 * a.stderr.hypot(b.stderr) + 1e-6
}

/// The results as a table.
pub fn table(sheet: &Sheet) -> String {
    if sheet.done() == 0 {
        return "<p class=\"note\">They appear here as runs finish.</p>".into();
    }
    let axes: String = sheet
        .sweep
        .axes
        .iter()
        .map(|axis| format!("<th scope=\"col\">{}</th>", escape(short_name(&axis.field))))
        .collect();
    let row = |(cell, found): (&crate::experiment::sweep::Cell, &Option<super::sheet::Found>)| {
        let found = found.as_ref()?;
        let values: String = cell.coordinates.iter().map(|v| format!("<td>{}</td>", escape(&words(v)))).collect();
        let numbers = main_numbers(&found.outcome);
        let numbers: String =
            numbers.iter().map(|(_, told)| format!("<td>{}</td>", measured(told.value, told.stderr))).collect();
        Some(format!("<tr>{values}{numbers}</tr>"))
    };
    let rows: String = sheet.cells.iter().zip(&sheet.found).filter_map(row).collect();
    let heads = main_numbers(&Outcome::default()).map(|(name, _)| format!("<th scope=\"col\">{name}</th>")).concat();
    format!(
        "<div class=\"lab-scroll\"><table class=\"lab-table\"><thead><tr>{axes}{heads}</tr></thead><tbody>{rows}</tbody></table></div>\
         <p class=\"note\">Nats per token, with standard errors.</p>"
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
    use crate::engine::lab::sheet::Found;

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

    fn told(value: f64, stderr: f64) -> Outcome {
        let told = Measured { value, stderr };
        let loss = LossAndFloor { loss: told, bayes: told, excess: told };
        Outcome { two_level: loss, first_level: loss, sequence_gap: told, topic_gap: told, ..Outcome::default() }
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
        s.found[0] = Some(Found { key: s.cells[0].key.clone(), outcome: told(0.5, 0.01), seconds: 3.0 });
        let squares = (0..4).map(|cell| square(&s, cell)).collect::<Vec<_>>();
        assert!(squares[0].contains("data-state=\"done\"") && squares[0].contains("took 3 s"), "{}", squares[0]);
        assert!(squares[1].contains("data-state=\"running\"") && squares[1].contains("42% done"), "{}", squares[1]);
        assert!(squares[3].contains("data-state=\"waiting\"") && squares[3].contains("data.topics=8 seed=2"));
        assert!(standing(&s, 3000.0).starts_with("1 of 4 runs done · 1 worker at work"), "{}", standing(&s, 3000.0));
        assert!(buttons(&s).contains("lab-pause") && buttons(&s).contains("lab-cancel"));
        assert!(table(&s).contains("0.500 ± 0.010"), "{}", table(&s));
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
        assert!(numbers(&told(0.5, 0.01), Some(&Check::Done(Box::new(told(0.52, 0.01))))).contains("agree within"));
        let far = numbers(&told(0.5, 0.01), Some(&Check::Done(Box::new(told(0.6, 0.01)))));
        assert!(far.contains("differs") && far.contains("differ by more"), "{far}");
        assert!(numbers(&told(0.5, 0.01), Some(&Check::Running(0.5))).contains("Running again: 50%."));
    }

    #[test]
    fn results_of_other_cells_are_left_out() {
        let strange = Found { key: "seed=9".into(), outcome: told(0.5, 0.1), seconds: 1.0 };
        let mine = Found { key: "seed=2".into(), outcome: told(0.5, 0.1), seconds: 1.0 };
        let s = Sheet::new(record("seed=1,2"), vec![strange, mine], 4, 1.0).expect("a sound sweep");
        assert_eq!((s.done(), s.queue.states()), (1, &[State::Waiting, State::Done][..]));
    }
}
