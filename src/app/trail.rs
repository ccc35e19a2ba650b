//! The trail of a preset: what was tried of its suggestions, and what came out. The page keeps it in the browser's storage
//! (`page::trail`).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::history::History;
use crate::{
    experiment::{Experiment, Preset, json, link},
    number,
    protocol::Measured,
};

/// Entries kept of a preset, at most; the oldest go first.
pub const MOST_ENTRIES: usize = 20;

/// Version of what is stored. Raise it where an entry changes shape: trails of another version are not read.
const VERSION: u64 = 1;

/// What the preset's own run is called.
pub const OPENING: &str = "As the story opens";

/// What was tried once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub label: String,
    /// Fields that differ from the preset, dotted, and their values as JSON.
    pub changes: Vec<(String, String)>,
    /// `None` before the run was evaluated after a step.
    pub found: Option<Found>,
}

/// What came out of a run. Losses in nats per token or vector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The step that was evaluated last.
    pub step: usize,
    /// Steps of the whole run.
    pub steps: usize,
    /// Every step was done, and the gaps were measured.
    pub is_finished: bool,
    /// The last position, from 1.
    pub position: usize,
    /// Loss there on fresh topics.
    pub loss: f64,
    /// Above the reference there, with its standard error.
    pub excess: Measured,
    /// `exact Bayes`, or what stands in its place.
    pub reference: String,
    /// What a loss is counted per: `token`, `vector`.
    pub per: String,
    pub sequence_gap: Measured,
    pub topic_gap: Measured,
}

impl Found {
    /// What a run has shown so far, from its latest evaluation; `None` before one after a step.
    pub fn new(history: &History) -> Option<Self> {
        let evaluation = history.latest().filter(|evaluation| evaluation.step > 0)?;
        let outcome = history.outcome();
        let (sequence_gap, topic_gap) = match outcome {
            Some(outcome) => (outcome.sequence_gap, outcome.topic_gap),
            None => (evaluation.sequence_gap, evaluation.topic_gap),
        };
        Some(Self {
            step: evaluation.step,
            steps: history.experiment().steps(),
            is_finished: outcome.is_some(),
            position: evaluation.model.len(),
            loss: *evaluation.model.last()?,
            excess: Measured {
                value: *evaluation.excess.last()?,
                stderr: evaluation.excess_stderr.last().copied().unwrap_or_default(),
            },
            reference: history.reference().into(),
            per: history.per().into(),
            sequence_gap,
            topic_gap,
        })
    }

    /// One line of numbers; `is_running` where the run still goes on.
    pub fn line(&self, is_running: bool) -> String {
        let step = number::count(self.step);
        let when = match (self.is_finished, is_running) {
            (true, _) => format!("after {step} steps"),
            (false, true) => format!("at step {step} of {}", number::count(self.steps)),
            (false, false) => format!("stopped at step {step} of {}", number::count(self.steps)),
        };
        let side = if self.excess.value < 0.0 { "below" } else { "above" };
        let above = number::with_error(self.excess.value.abs(), self.excess.stderr);
        let gap = |gap: Measured| number::with_error(gap.value, gap.stderr);
        format!(
            "{when}: loss {} nats per {} at position {}, {above} {side} {}; sequence gap {}, topic gap {}",
            number::short(self.loss),
            self.per,
            self.position,
            self.reference,
            gap(self.sequence_gap),
            gap(self.topic_gap),
        )
    }
}

/// What was tried of one preset, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trail {
    entries: Vec<Entry>,
    /// The entry of the run that goes on now.
    current: Option<usize>,
}

#[derive(Serialize)]
struct Stored<'a> {
    version: u64,
    entries: &'a [Entry],
}

impl Trail {
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry of the run that goes on now.
    pub fn current(&self) -> Option<usize> {
        self.current
    }

    /// A run of `experiment` begins. It belongs to the trail where it has the preset's own settings, or those of one of its
    /// suggestions; one that was tried before keeps its place.
    pub fn begin(&mut self, preset: &Preset, experiment: &Experiment) {
        self.leave();
        let Some((label, changes)) = suggested(preset, experiment) else { return };
        let at = self.entries.iter().position(|entry| entry.changes == changes);
        self.current = Some(at.unwrap_or_else(|| {
            self.entries.push(Entry { label, changes, found: None });
            let excess = self.entries.len().saturating_sub(MOST_ENTRIES);
            self.entries.drain(..excess);
            self.entries.len() - 1
        }));
    }

    /// The current run has got so far. What a finished run found is not replaced by what one that is not finished shows; returns
    /// whether anything changed.
    pub fn found(&mut self, found: Found) -> bool {
        let Some(entry) = self.current.and_then(|at| self.entries.get_mut(at)) else { return false };
        let keeps = entry.found.as_ref().is_some_and(|old| (old.is_finished && !found.is_finished) || *old == found);
        if !keeps {
            entry.found = Some(found);
        }
        !keeps
    }

    /// The current run is followed no longer: another begins, or another story. One that showed nothing leaves no entry.
    pub fn leave(&mut self) {
        self.current = None;
        self.entries.retain(|entry| entry.found.is_some());
    }

    /// Forgets all but the run that goes on now.
    pub fn clear(&mut self) {
        let current = self.current.and_then(|at| self.entries.get(at)).cloned();
        self.current = current.as_ref().map(|_| 0);
        self.entries = current.into_iter().collect();
    }

    /// As it is stored: the entries that have shown something.
    pub fn to_text(&self) -> String {
        let entries: Vec<Entry> = self.entries.iter().filter(|entry| entry.found.is_some()).cloned().collect();
        // Fails for no such type.
        serde_json::to_string(&Stored { version: VERSION, entries: &entries }).unwrap_or_default()
    }

    /// Reads what was stored: what is damaged, or of another version, is left out.
    pub fn from_text(text: &str) -> Self {
        let Ok(stored) = serde_json::from_str::<Value>(text) else { return Self::default() };
        if stored.get("version").and_then(Value::as_u64) != Some(VERSION) {
            return Self::default();
        }
        let entries = stored.get("entries").and_then(Value::as_array).into_iter().flatten();
        let mut entries: Vec<Entry> = entries.filter_map(|entry| Entry::deserialize(entry).ok()).collect();
        entries.retain(|entry| entry.found.is_some());
        entries.truncate(MOST_ENTRIES);
        Self { entries, current: None }
    }
}

/// The label and the changes of the suggestion that `experiment` is; the preset's own settings are the first.
fn suggested(preset: &Preset, experiment: &Experiment) -> Option<(String, Vec<(String, String)>)> {
    let base = preset.experiment();
    if base == *experiment {
        return Some((OPENING.into(), Vec::new()));
    }
    let found = preset.tries.iter().find(|suggestion| {
        let read = |json: &str| json::read(json).unwrap_or_default();
        let fields: Vec<(String, Value)> =
            suggestion.changes.iter().map(|(field, json)| (String::from(*field), read(json))).collect();
        link::with_fields(&base, &fields).is_ok_and(|tried| tried == *experiment)
    })?;
    let changes = found.changes.iter().map(|(field, json)| (String::from(*field), String::from(*json))).collect();
    Some((found.label.into(), changes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{app::charts::fixtures, experiment::preset::PRESETS, protocol::Event};

    fn preset() -> &'static Preset {
        PRESETS.iter().find(|preset| preset.tries.len() >= 2).expect("suggestions")
    }

    fn tried(preset: &Preset, index: usize) -> Experiment {
        let changes: Vec<(String, Value)> = preset.tries[index]
            .changes
            .iter()
            .map(|(field, text)| ((*field).into(), json::read(text).expect("JSON")))
            .collect();
        link::with_fields(&preset.experiment(), &changes).expect("a suggestion that fits")
    }

    fn found(step: usize, is_finished: bool) -> Found {
        let mut history = fixtures::history(&Experiment::default(), step);
        if is_finished {
            history.apply(&Event::Outcome(Box::new(fixtures::outcome())));
        }
        Found::new(&history).expect("an evaluation")
    }

    #[test]
    fn the_story_and_its_suggestions_are_entries_in_the_order_they_were_tried() {
        let preset = preset();
        let mut trail = Trail::default();
        trail.begin(preset, &preset.experiment());
        assert!(trail.found(found(40, false)) && !trail.found(found(40, false)));
        trail.begin(preset, &tried(preset, 1));
        trail.found(found(40, true));
        // Settings of one's own leave no entry.
        trail.begin(preset, &Experiment { seed: 77, ..preset.experiment() });
        assert_eq!((trail.current(), trail.found(found(20, false))), (None, false));
        trail.begin(preset, &tried(preset, 0));
        let labels = |trail: &Trail| trail.entries().iter().map(|entry| entry.label.clone()).collect::<Vec<_>>();
        assert_eq!(labels(&trail), [OPENING, preset.tries[1].label, preset.tries[0].label]);
        // The last one has shown nothing yet: it goes where it is left so. One that was tried before keeps its place and its result.
        trail.begin(preset, &tried(preset, 1));
        assert_eq!((labels(&trail).len(), trail.current()), (2, Some(1)));
        trail.found(found(20, false));
        assert_eq!(trail.entries()[1].found, Some(found(40, true)));
        trail.clear();
        assert_eq!((labels(&trail), trail.current()), (vec![preset.tries[1].label.into()], Some(0)));
    }

    /// Every suggestion of every preset is distinguished from all others, so that none takes another's place.
    #[test]
    fn every_suggestion_is_found_by_its_settings() {
        for preset in PRESETS {
            for (index, suggestion) in preset.tries.iter().enumerate() {
                let (label, changes) = suggested(preset, &tried(preset, index)).expect("found");
                assert_eq!(label, suggestion.label, "{}", preset.name);
                assert_eq!(changes.len(), suggestion.changes.len());
            }
        }
    }

    #[test]
    fn a_result_is_one_line_that_says_how_far_the_run_got() {
        let stopped = found(40, false);
        let line = stopped.line(false);
        assert!(line.starts_with("stopped at step 40 of "), "{line}");
        assert!(
            line.contains(" nats per token at position 32, ") && line.contains(" above exact Bayes; sequence gap "),
            "{line}"
        );
        assert!(stopped.line(true).starts_with("at step 40 of "), "{}", stopped.line(true));
        let finished = found(40, true);
        assert!(finished.line(true).starts_with("after 40 steps: "), "{}", finished.line(true));
        // Of the outcome, which is measured on more sequences.
        assert_eq!(finished.topic_gap, fixtures::outcome().topic_gap);
        assert!(Found::new(&fixtures::history(&Experiment::default(), 0)).is_none());
    }

    #[test]
    fn what_is_stored_is_read_and_what_is_damaged_is_left_out() {
        let preset = preset();
        let mut trail = Trail::default();
        trail.begin(preset, &preset.experiment());
        trail.found(found(40, true));
        trail.begin(preset, &tried(preset, 0));
        let text = trail.to_text();
        let read = Trail::from_text(&text);
        assert_eq!(read.entries(), &trail.entries()[..1], "the second has shown nothing");
        for damaged in ["", "[]", "{", &text[..text.len() / 2], &text.replace("\"version\":1", "\"version\":2")] {
            assert!(Trail::from_text(damaged).is_empty(), "{damaged}");
        }
        let mut value: Value = serde_json::from_str(&text).expect("JSON");
        let entries = value["entries"].as_array_mut().expect("entries");
        entries.insert(0, Value::from(3));
        entries.extend(std::iter::repeat_n(entries[1].clone(), 2 * MOST_ENTRIES));
        assert_eq!(Trail::from_text(&value.to_string()).entries().len(), MOST_ENTRIES);
    }
}
