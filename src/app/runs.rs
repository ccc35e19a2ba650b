//! The runs that this browser keeps, so that a reload brings them back: what they are called, how they differ, and which of them go
//! when there is no room. The store itself is `page::runs`.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use super::history::difference;
use crate::experiment::Experiment;

/// Longest name, in characters.
pub const MAX_NAME: usize = 60;

/// A run that is kept, without its curves and its checkpoint, which are large and lie beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptRun {
    /// Never given twice.
    pub id: String,
    pub name: String,
    /// Stays, whatever else goes.
    pub pinned: bool,
    pub experiment: Experiment,
    /// Milliseconds since 1970.
    pub created: f64,
    /// Steps done, prior stages included.
    pub step: usize,
    /// Bytes that its curves and its checkpoint take.
    pub bytes: usize,
}

/// What is large of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunBytes {
    /// As [`super::history::History::to_bytes`] writes it.
    pub history: Vec<u8>,
    /// As the engine's `Event::Checkpoint` brought it; empty before the first.
    pub checkpoint: Vec<u8>,
}

impl RunBytes {
    pub fn len(&self) -> usize {
        self.history.len() + self.checkpoint.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The id of a run that is kept from now (milliseconds since 1970) on, unlike those of `runs`.
pub fn new_id(now: f64, runs: &[KeptRun]) -> String {
    let mut number = now.max(0.0) as u64;
    let taken = |number: u64| runs.iter().any(|run| run.id == format!("{number:x}"));
    while taken(number) {
        number += 1;
    }
    format!("{number:x}")
}

/// The order in a list: pinned ones first, then the newest.
pub fn sort(runs: &mut [KeptRun]) {
    runs.sort_by(|a, b| (Reverse(a.pinned)).cmp(&Reverse(b.pinned)).then(b.created.total_cmp(&a.created)));
}

/// A first name for a run: its world, with a number behind it where others have that name. `preset`: the title of the preset that it
/// came from, where it is one; it stands in place of the world.
pub fn first_name(experiment: &Experiment, preset: Option<&str>, runs: &[KeptRun]) -> String {
    let title = preset.map_or_else(|| experiment.world.title(), String::from);
    // With room for a number.
    let base: String = title.chars().take(MAX_NAME - 6).collect();
    let taken = |name: &str| runs.iter().any(|run| run.name == name);
    let numbered = (2..).map(|number| format!("{base} {number}"));
    std::iter::once(base.clone()).chain(numbered).find(|name| !taken(name)).unwrap_or(base)
}

/// A name as the user typed it, without what surrounds it.
///
/// # Errors
///
/// A sentence where it is no name.
pub fn typed_name(text: &str) -> Result<String, String> {
    let name = text.trim();
    match name.chars().count() {
        0 => Err("A run needs a name.".into()),
        count if count > MAX_NAME => Err(format!("A name has at most {MAX_NAME} characters; this one has {count}.")),
        _ => Ok(name.into()),
    }
}

/// How the settings of `run` differ from those of the chosen run, in short: `K = 4, N = 2`, or `same settings`.
pub fn difference_from(chosen: &Experiment, run: &KeptRun) -> String {
    if chosen.world != run.experiment.world {
        return run.experiment.world.title();
    }
    difference(chosen, &run.experiment)
}

/// Which runs go so that `bytes` more can be kept: the oldest first; never a pinned one, nor `current`, the run that is to be written.
/// `None` where even all of them would free too little: then none has to go.
pub fn to_evict<'a>(runs: &'a [KeptRun], current: &str, bytes: usize) -> Option<Vec<&'a KeptRun>> {
    let mut candidates: Vec<&KeptRun> = runs.iter().filter(|run| !run.pinned && run.id != current).collect();
    candidates.sort_by(|a, b| a.created.total_cmp(&b.created));
    let mut freed = 0;
    let mut going = Vec::new();
    for run in candidates {
        if freed >= bytes {
            break;
        }
        freed += run.bytes;
        going.push(run);
    }
    (freed >= bytes).then_some(going)
}

/// Says which runs went; empty where none did.
pub fn evicted_sentence(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [only] => format!(
            "This browser had no room for more runs, so the oldest one that was not pinned was removed: {only}."
        ),
        several => format!(
            "This browser had no room for more runs, so the {} oldest ones that were not pinned were removed: {}.",
            several.len(),
            several.join(", "),
        ),
    }
}

/// What is said where there is no room for a run, and nothing that may go.
pub const NO_ROOM: &str = "This browser has no room to keep this run: it is lost when the page is closed. Remove or unpin other runs to make room.";

#[cfg(test)]
mod tests {
    use super::*;

    fn run(id: &str, created: f64, bytes: usize) -> KeptRun {
        KeptRun {
            id: id.into(),
            name: format!("run {id}"),
            pinned: false,
            experiment: Experiment::default(),
            created,
            step: 10,
            bytes,
        }
    }

    fn ids(runs: &[&KeptRun]) -> Vec<String> {
        runs.iter().map(|run| run.id.clone()).collect()
    }

    #[test]
    fn the_oldest_that_is_not_pinned_goes_first_and_no_more_than_needed() {
        let mut runs = vec![run("c", 3.0, 100), run("a", 1.0, 100), run("d", 4.0, 100), run("b", 2.0, 100)];
        assert_eq!(to_evict(&runs, "d", 150).map(|going| ids(&going)), Some(vec!["a".into(), "b".into()]));
        assert_eq!(to_evict(&runs, "d", 200).map(|going| going.len()), Some(2));
        assert_eq!(to_evict(&runs, "d", 0).map(|going| going.len()), Some(0));
        runs[1].pinned = true;
        assert_eq!(to_evict(&runs, "d", 150).map(|going| ids(&going)), Some(vec!["b".into(), "c".into()]));
        assert_eq!(to_evict(&runs, "b", 150).map(|going| ids(&going)), Some(vec!["c".into(), "d".into()]));
        assert_eq!(to_evict(&runs, "d", 201), None, "nothing goes in vain");
        assert_eq!(to_evict(&[], "d", 1), None);
    }

    #[test]
    fn whoever_goes_is_named() {
        assert_eq!(evicted_sentence(&[]), "");
        let names = |names: &[&str]| names.iter().map(|name| String::from(*name)).collect::<Vec<_>>();
        assert!(evicted_sentence(&names(&["Coins"])).ends_with("removed: Coins."));
        let several = evicted_sentence(&names(&["Coins", "Coins 2"]));
        assert!(several.contains("the 2 oldest ones") && several.ends_with("removed: Coins, Coins 2."), "{several}");
    }

    #[test]
    fn names_are_told_apart() {
        let experiment = Experiment::default();
        let mut runs = Vec::new();
        for number in 1..=12 {
            let name = first_name(&experiment, None, &runs);
            assert_eq!(typed_name(&name), Ok(name.clone()));
            let world = experiment.world.title();
            assert_eq!(name, if number == 1 { world } else { format!("{world} {number}") });
            runs.push(KeptRun { name, ..run(&number.to_string(), number.into(), 1) });
        }
        assert_eq!(first_name(&experiment, Some("A preset"), &runs), "A preset");
        let long = "ü".repeat(100);
        runs.push(KeptRun { name: first_name(&experiment, Some(&long), &runs), ..run("x", 1.0, 1) });
        let second = first_name(&experiment, Some(&long), &runs);
        assert!(typed_name(&second).is_ok() && second.ends_with("ü 2"), "{second}");
    }

    #[test]
    fn what_is_typed_is_a_name_or_a_sentence() {
        assert_eq!(typed_name("  my run\n"), Ok("my run".into()));
        assert_eq!(typed_name(" \t"), Err("A run needs a name.".into()));
        assert!(typed_name(&"x".repeat(MAX_NAME)).is_ok());
        let why = typed_name(&"x".repeat(MAX_NAME + 1)).expect_err("too long");
        assert!(why.contains("61") && why.ends_with('.'), "{why}");
    }

    #[test]
    fn ids_are_never_given_twice() {
        let mut runs = Vec::new();
        for _ in 0..20 {
            let id = new_id(1.7e12, &runs);
            assert!(runs.iter().all(|other: &KeptRun| other.id != id));
            runs.push(run(&id, 1.0, 1));
        }
        assert_eq!(new_id(f64::NAN, &[]), "0");
    }

    #[test]
    fn a_list_begins_with_the_pinned_and_goes_on_with_the_newest() {
        let mut runs = vec![run("a", 1.0, 1), run("b", 3.0, 1), run("c", 2.0, 1)];
        runs[2].pinned = true;
        sort(&mut runs);
        assert_eq!(ids(&runs.iter().collect::<Vec<_>>()), ["c", "b", "a"]);
    }

    #[test]
    fn a_run_says_how_it_differs() {
        let chosen = Experiment::default();
        let mut other = run("a", 1.0, 1);
        assert_eq!(difference_from(&chosen, &other), "same settings");
        (other.experiment.data.fresh, other.experiment.data.topics) = (false, 8);
        assert!(difference_from(&chosen, &other).contains("K = 8"), "{}", difference_from(&chosen, &other));
        other.experiment.world = "coins:n=3".parse().expect("a world");
        assert_eq!(difference_from(&chosen, &other), other.experiment.world.title());
    }

    #[test]
    fn a_kept_run_is_read_back() {
        let run = run("a", 1.5, 7);
        let text = serde_json::to_string(&run).expect("JSON");
        assert_eq!(serde_json::from_str::<KeptRun>(&text).expect("a run"), run);
    }
}
