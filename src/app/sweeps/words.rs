//! The sentences and short texts of the view of sweeps. Everything here is plain text.

use super::open::{OpenSweep, Point, Progress};
use crate::{
    experiment::Experiment,
    number::duration,
    protocol::{DeviceChoice, StoredSweep, StudyResults},
    sweep::words::symbol,
};

/// `1 run`, `2 runs`.
pub fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// A grid's text with short names.
pub fn grid(text: &str) -> String {
    let part = |part: &str| match part.split_once('=') {
        Some(("hold", field)) => format!("K·N·T held by {}", symbol(field)),
        Some((field, values)) => format!("{} = {}", symbol(field.trim()), values.trim().replace(',', ", ")),
        None => part.to_owned(),
    };
    text.split("; ").map(part).collect::<Vec<_>>().join("; ")
}

/// An experiment in a few words.
pub fn summary(base: &Experiment) -> String {
    let data = match base.data.fresh {
        true => format!("fresh data, T = {}", base.data.length),
        false => format!("K = {}, N = {}, T = {}", base.data.topics, base.data.sequences, base.data.length),
    };
    let world = base.world.to_string();
    // A text or a process of one's own would fill the screen.
    let world = if world.chars().count() > 60 { "a world of your own".to_owned() } else { world };
    format!("{world}; {data}; {}", plural(base.steps(), "step", "steps"))
}

/// The title of a sweep: its name, or without one its grid.
pub fn title(name: &str, grid_text: &str) -> String {
    if name.is_empty() { grid(grid_text) } else { name.into() }
}

/// Beneath the title: the grid, where the title is a name, and [`about`].
pub fn subtitle(name: &str, open: &OpenSweep) -> String {
    if name.is_empty() { about(open) } else { format!("{}; {}", grid(&open.grid), about(open)) }
}

/// What a sweep is, but for its grid.
pub fn about(open: &OpenSweep) -> String {
    let device = if open.device == DeviceChoice::Gpu { "GPU" } else { "CPU" };
    let older = if open.is_of_other_build {
        " Started by an earlier version of this site, whose numbers may differ."
    } else {
        ""
    };
    format!("{}; on the {device}.{older}", summary(&open.sweep.base))
}

/// Where the results of a study come from.
pub fn provenance(study: &StudyResults) -> [String; 3] {
    if study.command.is_empty() {
        let none = "This build has no recorded results of this study; its sweeps can be run here.";
        return [none.into(), String::new(), String::new()];
    }
    [
        format!("Recorded, with the settings of {}, by ", study.settings),
        study.command.clone(),
        format!(" on {}. Nothing of it was run in this browser.", study.machine),
    ]
}

/// How a point looks: its state has a name, a mark and words of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    pub state: &'static str,
    pub mark: String,
    pub words: String,
}

/// How the point with this key looks.
pub fn look(key: &str, point: &Point) -> Look {
    let (state, mark, what) = match point {
        Point::Waiting => ("waiting", "·".into(), "waits".into()),
        Point::Running(done) if *done >= 1.0 => ("running", "…".into(), "trained, and being measured".into()),
        Point::Running(done) => {
            let percent = format!("{:.0}", 100.0 * done);
            let words = format!("{percent}% done");
            ("running", percent, words)
        }
        Point::Done { seconds } => {
            let took = if *seconds > 0.0 { format!(", took {}", duration(*seconds)) } else { String::new() };
            ("done", "✓".into(), format!("done{took}"))
        }
        Point::Failed(why) => ("failed", "!".into(), format!("failed. {why}")),
    };
    Look { state, mark, words: format!("{key}: {what}") }
}

/// Where the sweep stands, in a line.
pub fn standing(p: &Progress) -> String {
    let all = plural(p.points, "run", "runs");
    if p.is_recorded {
        return format!("{} of {all} recorded", p.done);
    }
    let mut parts = vec![format!("{} of {all} done", p.done)];
    if p.failed > 0 {
        parts.push(format!("{} failed", p.failed));
    }
    if p.borrowed > 0 {
        parts.push(format!("{} taken over from other sweeps in this browser", plural(p.borrowed, "run", "runs")));
    }
    if p.is_over {
        parts.push("finished".into());
    } else if p.is_paused {
        parts.push(match p.working {
            0 => "paused".into(),
            n => format!("pausing: {} under way will finish", plural(n, "run", "runs")),
        });
    } else {
        parts.push(match p.working {
            0 => "starting".into(),
            n => format!("{} at work", plural(n, "worker", "workers")),
        });
        if let Some(seconds) = p.seconds_left {
            parts.push(format!("{} left", duration(seconds)));
        }
    }
    parts.join(" · ")
}

/// What a screen reader announces: less often than what is seen changes.
pub fn spoken(p: &Progress) -> String {
    let state = match () {
        () if p.is_over => "Finished",
        () if p.is_paused => "Paused",
        () => "Running",
    };
    format!("{state}: {} of {} done.", p.done, plural(p.points, "run", "runs"))
}

/// How far a stored sweep is; `running` is the id of the one that runs.
pub fn stored_state(points: usize, done: usize, is_running: bool) -> String {
    match () {
        () if is_running => format!("running, {done} of {points} done"),
        () if done >= points => format!("finished, {}", plural(done, "run", "runs")),
        () => format!("unfinished: {done} of {points} done"),
    }
}

/// A stored sweep in the list: its title, what is said of it, whether it can go on, be opened and be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredLine {
    pub title: String,
    pub about: String,
    pub can_resume: bool,
    pub can_open: bool,
    pub can_delete: bool,
}

/// How a stored sweep is shown; `running` is the id of the one that runs.
pub fn stored_line(sweep: &StoredSweep, running: Option<&str>) -> StoredLine {
    match sweep {
        StoredSweep::Readable { id, name, grid: text, world, points, done } => {
            let is_running = running == Some(id.as_str());
            StoredLine {
                title: title(name, text),
                about: {
                    let state = stored_state(*points, *done, is_running);
                    if name.is_empty() {
                        format!("{world} · {state}")
                    } else {
                        format!("{} · {world} · {state}", grid(text))
                    }
                },
                can_resume: !is_running && done < points,
                can_open: true,
                can_delete: !is_running,
            }
        }
        StoredSweep::Unreadable { .. } => StoredLine {
            title: String::new(),
            about: "A sweep of another version of this site, which cannot be read.".into(),
            can_resume: false,
            can_open: false,
            can_delete: true,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_its_own_look_and_words() {
        let points = [
            (Point::Waiting, "waiting", "·", "k: waits"),
            (Point::Running(0.425), "running", "42", "k: 42% done"),
            (Point::Running(1.0), "running", "…", "k: trained, and being measured"),
            (Point::Done { seconds: 3.0 }, "done", "✓", "k: done, took 3 s"),
            (Point::Done { seconds: 0.0 }, "done", "✓", "k: done"),
            (Point::Failed("It <broke>.".into()), "failed", "!", "k: failed. It <broke>."),
        ];
        for (point, state, mark, words) in points {
            assert_eq!(look("k", &point), Look { state, mark: mark.into(), words: words.into() });
        }
    }

    #[test]
    fn the_standing_says_what_happens_now() {
        let p = Progress { done: 1, points: 4, working: 1, seconds_left: Some(9.0), ..Progress::default() };
        assert_eq!(standing(&p), "1 of 4 runs done · 1 worker at work · 9 s left");
        assert_eq!(spoken(&p), "Running: 1 of 4 runs done.");
        let starting = Progress { working: 0, seconds_left: None, borrowed: 2, ..p };
        assert_eq!(
            standing(&starting),
            "1 of 4 runs done · 2 runs taken over from other sweeps in this browser · starting"
        );
        let pausing = Progress { is_paused: true, ..p };
        assert_eq!(standing(&pausing), "1 of 4 runs done · pausing: 1 run under way will finish");
        let paused = Progress { is_paused: true, working: 0, failed: 1, ..p };
        assert_eq!(standing(&paused), "1 of 4 runs done · 1 failed · paused");
        assert_eq!(spoken(&paused), "Paused: 1 of 4 runs done.");
        let over = Progress { done: 4, is_over: true, ..p };
        assert_eq!(standing(&over), "4 of 4 runs done · finished");
        assert_eq!(spoken(&over), "Finished: 4 of 4 runs done.");
        assert_eq!(standing(&Progress { is_recorded: true, ..p }), "1 of 4 runs recorded");
    }

    #[test]
    fn a_stored_sweep_offers_what_can_be_done_with_it() {
        let stored = |done| StoredSweep::Readable {
            id: "a\"b".into(),
            name: String::new(),
            grid: "seed=1; data.length=\"<b>\"; hold=data.topics".into(),
            world: "coins:n=4".into(),
            points: 4,
            done,
        };
        let line = stored_line(&stored(1), None);
        assert_eq!(line.title, "seed = 1; T = \"<b>\"; K·N·T held by K");
        assert_eq!(line.about, "coins:n=4 · unfinished: 1 of 4 done");
        assert!(line.can_resume && line.can_open && line.can_delete);
        let line = stored_line(&stored(4), None);
        assert!(line.about.ends_with("finished, 4 runs") && !line.can_resume, "{line:?}");
        let line = stored_line(&stored(1), Some("a\"b"));
        assert!(line.about.ends_with("running, 1 of 4 done"), "{line:?}");
        assert!(!line.can_resume && line.can_open && !line.can_delete);
        let named = StoredSweep::Readable {
            id: "a".into(),
            name: "Wide <nets>".into(),
            grid: "net.width=8,16".into(),
            world: "coins".into(),
            points: 2,
            done: 2,
        };
        let line = stored_line(&named, None);
        assert_eq!(
            (line.title.as_str(), line.about.as_str()),
            ("Wide <nets>", "width = 8, 16 · coins · finished, 2 runs")
        );
        let line = stored_line(&StoredSweep::Unreadable { id: "<i>".into() }, None);
        assert!(!line.can_open && line.can_delete && line.about.contains("cannot be read"));
    }

    #[test]
    fn a_recorded_study_says_that_it_is_one() {
        let mut study = StudyResults {
            study: "data".into(),
            settings: "today".into(),
            command: "icl <study>".into(),
            machine: "a machine".into(),
            parts: Vec::new(),
        };
        let text = provenance(&study).concat();
        assert!(text.contains("by icl <study> on a machine") && text.contains("Nothing of it was run"), "{text}");
        study.command.clear();
        assert!(provenance(&study).concat().contains("no recorded results"));
    }

    #[test]
    fn a_world_of_ones_own_is_not_spelled_out() {
        let base = Experiment { world: "coins:n=4".parse().expect("a world"), ..Experiment::default() };
        assert!(summary(&base).starts_with("coins:n=4; "), "{}", summary(&base));
    }
}
