//! What is wrong with an experiment, in words a person can act on.

use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};

/// Most problems that are told at once.
pub const MOST: usize = 8;
/// Most that are kept, of those that a check finds.
const KEPT: usize = 32;
/// Most characters of what was given that are told back.
const TOLD: usize = 120;

/// One thing wrong, naming the field, its value and what is allowed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// Dotted path in the JSON form, for example `data.topics`.
    pub field: String,
    pub value: String,
    pub allowed: String,
    /// What to do about it, a sentence; may be empty.
    pub advice: String,
}

impl Problem {
    pub fn new(field: &str, value: impl Display, allowed: &str, advice: &str) -> Self {
        let value = clipped(&value.to_string());
        let field = if field.is_empty() { "\"\"".into() } else { clipped(field) };
        Self { field, value, allowed: allowed.into(), advice: advice.into() }
    }

    /// Not JSON at all; `why` is a sentence without its full stop.
    pub fn unreadable(what: &str, why: &str) -> Self {
        Self::new(what, "unreadable", "readable JSON", &format!("{why}."))
    }

    pub fn version(found: u64) -> Self {
        Self::new("version", found, &super::VERSION.to_string(), "It was written by another version of the playground.")
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

/// A text that may be of any length, as a sentence can hold it.
pub fn clipped(text: &str) -> String {
    match text.char_indices().nth(TOLD) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into(),
    }
}

/// All problems as one text, a line each.
pub fn sentences(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}

/// Collects problems, so that a person hears of all of them at once.
#[derive(Default)]
pub struct Checker(Vec<Problem>);

impl Checker {
    pub fn add(&mut self, problem: Problem) {
        // A matrix may be wrong in each of its millions of entries.
        if self.0.len() < KEPT {
            self.0.push(problem);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A number within `low..=high`; NaN is never within.
    pub fn range(&mut self, field: &str, value: f64, low: f64, high: f64) {
        if !(low <= value && value <= high) {
            self.add(Problem::new(field, value, &format!("{low} to {high}"), ""));
        }
    }

    /// A count within `low..=high`.
    pub fn count(&mut self, field: &str, value: usize, low: usize, high: usize) {
        if value < low || value > high {
            self.add(Problem::new(field, value, &format!("{low} to {high}"), ""));
        }
    }

    pub fn finish(self) -> Result<(), Vec<Problem>> {
        if self.0.is_empty() { Ok(()) } else { Err(self.0) }
    }
}
