//! What is wrong with an experiment, in words a person can act on.

use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};

/// Most problems that are reported at once.
pub const MOST: usize = 8;
/// Most that are kept, of those that a check finds.
const KEPT: usize = 32;
/// Most characters of the given value that a problem repeats.
const LONGEST: usize = 120;
/// The same of a sentence that quotes what was given.
const SENTENCES: usize = 1200;

/// One thing wrong, naming the field, its value and what is allowed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// Dotted path in the JSON form, for example `data.topics`.
    pub field: String,
    /// The value that was found, as text; a long one is cut.
    pub value: String,
    /// What is allowed there, as it follows "allowed:", without a full stop.
    pub allowed: String,
    /// What to do about it, a sentence; may be empty.
    pub advice: String,
}

impl Problem {
    /// A problem with a field. `value` is cut to 120 characters; the texts are cut too, much later.
    /// `advice` may be empty.
    pub fn new(field: &str, value: impl Display, allowed: &str, advice: &str) -> Self {
        let value = clipped(&value.to_string());
        let field = if field.is_empty() { "\"\"".into() } else { clipped(field) };
        Self { field, value, allowed: shortened(allowed, SENTENCES), advice: shortened(advice, SENTENCES) }
    }

    /// Not JSON at all; `why` is a sentence without its full stop.
    pub fn unreadable(what: &str, why: &str) -> Self {
        Self::new(what, "unreadable", "readable JSON", &format!("{why}."))
    }

    /// A version that this program does not read.
    pub fn version(found: u64) -> Self {
        let allowed = format!("{} to {}", super::version::OLDEST, super::VERSION);
        Self::new("version", found, &allowed, "It was written by another version of the playground.")
    }
}

impl Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}; allowed: {}.", self.field, self.value, self.allowed)?;
        if !self.advice.is_empty() {
            write!(f, " {}", self.advice)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

/// The text as a sentence can quote it: the first 120 characters, and how many there are where
/// there are more.
pub fn clipped(text: &str) -> String {
    shortened(text, LONGEST)
}

/// The first `most` characters and how many there are in all, where there are more.
fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}… ({} characters)", &text[..end], text.chars().count()),
        None => text.into(),
    }
}

/// All problems as one text, a line each.
pub fn sentences(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}

/// Collects problems, so that a person sees all of them at once.
#[derive(Default)]
pub struct Checker(Vec<Problem>);

impl Checker {
    /// Adds a problem. After the first 32 the others are dropped, as a matrix may be wrong in each
    /// entry.
    pub fn add(&mut self, problem: Problem) {
        // A matrix may be wrong in each of its millions of entries.
        if self.0.len() < KEPT {
            self.0.push(problem);
        }
    }

    /// Whether no problem was found.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many problems are kept.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds a problem unless `value` is within `low..=high`; NaN never is.
    pub fn range(&mut self, field: &str, value: f64, low: f64, high: f64) {
        if !(low <= value && value <= high) {
            self.add(Problem::new(field, value, &format!("{low} to {high}"), ""));
        }
    }

    /// Adds a problem unless the count is within `low..=high`.
    pub fn count(&mut self, field: &str, value: usize, low: usize, high: usize) {
        if value < low || value > high {
            self.add(Problem::new(field, value, &format!("{low} to {high}"), ""));
        }
    }

    /// Ends the check.
    ///
    /// # Errors
    ///
    /// The problems that were found.
    pub fn finish(self) -> Result<(), Vec<Problem>> {
        if self.0.is_empty() { Ok(()) } else { Err(self.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Experiment, Sweep, WorldSpec};

    #[test]
    fn what_is_pasted_is_not_echoed_whole() {
        let long = "é".repeat(100_000);
        let problem = Problem::new("world", format!("\"{long}\""), "a world", &format!("The parser said: {long}."));
        let text = problem.to_string();
        assert!(text.chars().count() < 2000, "{}", text.len());
        assert!(text.starts_with("world is \"éé") && text.contains("(100002 characters)"), "{text}");
        assert_eq!(Problem::new("seed", 7, "0 to 5", "").to_string(), "seed is 7; allowed: 0 to 5.");
        // Wherever outside text is read.
        let mut all = Vec::new();
        all.extend(long.parse::<WorldSpec>().err());
        all.extend(format!("coins:{long}=1").parse::<WorldSpec>().err());
        all.extend(format!("coins:n={long}").parse::<WorldSpec>().err());
        all.extend(Experiment::from_json(&format!("{{\"{long}\":1}}")).err().into_iter().flatten());
        all.extend(Experiment::from_json(&format!("{{\"world\":\"{long}\"}}")).err().into_iter().flatten());
        all.extend(Experiment::from_json(&format!("{{\"net\":{{\"mlp\":\"{long}\"}}}}")).err().into_iter().flatten());
        all.extend(Sweep::parse_grid(Experiment::default(), &format!("{long}=1,2")).err().into_iter().flatten());
        all.extend(Sweep::parse_grid(Experiment::default(), &format!("net.mlp={long},b")).err().into_iter().flatten());
        // A grid's fields and values are judged when its runs are made.
        assert!(all.len() >= 6, "{}", all.len());
        for problem in all {
            assert!(problem.to_string().chars().count() < 4000, "{}", problem.field);
        }
    }
}
