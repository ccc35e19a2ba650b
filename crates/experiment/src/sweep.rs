//! A grid of runs, as plain data: which fields of an experiment take which values.
//!
//! As text: `data.topics=4,16,64; seed=1..3; hold=data.sequences`. Fields are dotted as in links, and what is within the world is a
//! field too (`world.n`, `world.mixture.0.weight`; [`axes`] has the list); `a..b` is every whole number from a to b. `hold` names one
//! of K, N and T that is chosen in every cell so that K·N·T stays what it is in the base (iso-token sweeps).

mod text;

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    Experiment, Problem,
    axes::{self, Values},
    json,
    link::Setter,
    problem::{MOST as MAX_PROBLEMS, clipped},
    typed,
};

use text::{axis_values, range_advice, split, value_text, values_text};

/// Most cells of one sweep.
pub const MAX_CELLS: usize = 10_000;
/// Most characters of all cells' values together.
const MAX_TEXT: usize = 20_000_000;
/// More axes than an experiment has fields: some of them are the same.
const MAX_AXES: usize = 100;
/// K, N and T: what can be held, and what K·N·T is made of.
const SIZES: [&str; 3] = ["data.topics", "data.sequences", "data.length"];
/// Fields of an evaluation that came later.
const LATER: [&str; 2] = ["components", "events"];
/// How far from the base's K·N·T a cell of an iso-token sweep may be.
const TOLERANCE: f64 = 0.1;

/// A grid of runs: all combinations of the axes' values, each set in `base`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    /// The experiment whose fields the axes set.
    pub base: Experiment,
    /// The last one changes fastest from cell to cell.
    pub axes: Vec<Axis>,
    /// `data.topics`, `data.sequences` or `data.length`: the one that is chosen in each cell so
    /// that K·N·T stays at the base's. `None`: nothing is held.
    pub hold: Option<String>,
}

/// One field and the values that it takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// Dotted, as [`axes::canonical`] writes it.
    pub field: String,
    /// The values in order, as JSON.
    pub values: Vec<Value>,
}

/// One run of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// Names the cell within its sweep: `data.topics=4 seed=1`.
    pub key: String,
    /// A value for each axis.
    pub coordinates: Vec<Value>,
    /// The base with the cell's values set; it is sound.
    pub experiment: Experiment,
}

/// Makes the cells of a sweep a few at a time, so that a large grid keeps nobody waiting.
#[derive(Clone, Debug, Default)]
pub struct CellScan {
    /// Index of the next cell.
    next: usize,
    problems: Vec<Problem>,
    /// Cells whose further problems are only counted.
    more: usize,
}

impl CellScan {
    /// Starts with the first cell.
    ///
    /// # Errors
    ///
    /// What is wrong with the grid itself.
    pub fn new(sweep: &Sweep) -> Result<Self, Vec<Problem>> {
        let problems = sweep.own_problems();
        if problems.is_empty() { Ok(Self::default()) } else { Err(problems) }
    }

    /// Makes at most `most` cells, gives the sound ones to `visit` and keeps the problems of the others. False once all are made.
    pub fn advance(&mut self, sweep: &Sweep, most: usize, mut visit: impl FnMut(Cell)) -> bool {
        let setter = Setter::new(&sweep.base);
        let end = sweep.len().min(self.next.saturating_add(most));
        for index in self.next..end {
            let coordinates = sweep.coordinates(index);
            let key = sweep.key(&coordinates);
            match sweep.experiment(&setter, &coordinates) {
                Ok(experiment) => visit(Cell { key, coordinates, experiment }),
                Err(found) => self.note(found, &key),
            }
        }
        self.next = end;
        end < sweep.len()
    }

    fn note(&mut self, found: Vec<Problem>, key: &str) {
        for mut problem in found {
            let same =
                |p: &Problem| (&p.field, &p.value, &p.allowed) == (&problem.field, &problem.value, &problem.allowed);
            if self.problems.iter().any(same) {
                continue;
            }
            if self.problems.len() == MAX_PROBLEMS {
                self.more += 1;
                continue;
            }
            let gap = if problem.advice.is_empty() { "" } else { " " };
            problem.advice.push_str(&format!("{gap}(In the cell {}.)", clipped(key)));
            self.problems.push(problem);
        }
    }

    /// Ends the scan, once [`Self::advance`] has returned false.
    ///
    /// # Errors
    ///
    /// The problems of all cells, each once, with a cell that has it.
    pub fn finish(mut self, sweep: &Sweep) -> Result<(), Vec<Problem>> {
        if self.more > 0 {
            self.problems.push(Problem::new(
                "grid",
                format!("of {} cells with further problems", sweep.len()),
                "cells without any",
                &format!("Only the first {MAX_PROBLEMS} problems are listed."),
            ));
        }
        if self.problems.is_empty() { Ok(()) } else { Err(self.problems) }
    }
}

impl Sweep {
    /// Reads a grid's text as a person typed it. Its cells are judged by [`Sweep::cells`].
    ///
    /// # Errors
    ///
    /// A part is no `FIELD=VALUES`, `hold` is given twice, a list of values cannot be read, or it may be meant as one
    /// number with a comma ([`typed::doubt`]).
    pub fn parse_grid(base: Experiment, text: &str) -> Result<Self, Vec<Problem>> {
        Self::read_grid(base, text, true)
    }

    /// Reads a grid's text that was kept. Unlike in [`Sweep::parse_grid`], a comma always separates
    /// values.
    ///
    /// # Errors
    ///
    /// A part is no `FIELD=VALUES`, `hold` is given twice, or a list of values cannot be read.
    pub fn kept_grid(base: Experiment, text: &str) -> Result<Self, Vec<Problem>> {
        Self::read_grid(base, text, false)
    }

    fn read_grid(base: Experiment, text: &str, typed: bool) -> Result<Self, Vec<Problem>> {
        let mut sweep = Self { base, axes: Vec::new(), hold: None };
        let mut problems = Vec::new();
        let mut before = None;
        for part in split(text, ';') {
            if problems.len() >= MAX_PROBLEMS || sweep.axes.len() > MAX_AXES {
                break;
            }
            let Some((field, values)) = part.split_once('=').map(|(field, values)| (field.trim(), values.trim()))
            else {
                problems.push(match before {
                    // `8;16`, most likely.
                    Some((field, values)) => {
                        let all = clipped(&format!("{field}={values}, {part}"));
                        let advice = format!("A semicolon begins the next field. Between values put commas: {all}.");
                        Problem::new(field, format!("\"{values};{part}\""), "values, parted by commas", &advice)
                    }
                    None => {
                        let advice = "For example data.topics=4,16,64; seed=1..3.";
                        Problem::new("grid", format!("\"{part}\""), "FIELD=VALUES", advice)
                    }
                });
                continue;
            };
            before = Some((field, values));
            let field = &axes::canonical(field);
            if field == "hold" {
                match &sweep.hold {
                    Some(_) => problems.push(Problem::new("hold", format!("\"{values}\""), "given once", "")),
                    None => sweep.hold = Some(values.into()),
                }
                continue;
            }
            let doubt = if typed { typed::doubt(values, sweep.is_real(field)) } else { None };
            match (doubt, axis_values(values)) {
                (Some(advice), _) => {
                    let allowed = "one number, or values parted by commas";
                    problems.push(Problem::new(field, format!("\"{values}\""), allowed, &advice));
                }
                (None, Ok(values)) => sweep.axes.push(Axis { field: field.clone(), values }),
                (None, Err(why)) => problems.push(Problem::new(field, format!("\"{values}\""), why, "")),
            }
        }
        if problems.is_empty() { Ok(sweep) } else { Err(problems) }
    }

    /// Whether a field's values may have decimals.
    fn is_real(&self, field: &str) -> bool {
        axes::find(&self.base, field).is_some_and(|found| found.values == Values::Real)
    }

    /// The text that [`Sweep::parse_grid`] reads.
    pub fn grid(&self) -> String {
        self.grid_text(|axis, text| match typed::doubt(&text, self.is_real(&axis.field)) {
            Some(_) => values_text(&axis.values, ", "),
            None => text,
        })
    }

    fn grid_text(&self, values: impl Fn(&Axis, String) -> String) -> String {
        let axes =
            self.axes.iter().map(|axis| format!("{}={}", axis.field, values(axis, values_text(&axis.values, ","))));
        axes.chain(self.hold.iter().map(|field| format!("hold={field}"))).collect::<Vec<_>>().join("; ")
    }

    /// How many cells there are; `usize::MAX` where they cannot be counted.
    pub fn len(&self) -> usize {
        self.axes.iter().map(|axis| axis.values.len()).fold(1, usize::saturating_mul)
    }

    /// Whether there are no cells: some axis has no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Names the sweep in storage: the same base and grid have the same id, on every platform. 16 hexadecimal digits.
    pub fn id(&self) -> String {
        // FNV-1a, 64 bits.
        let text = format!("{}\n{}", self.named_base(), self.grid_text(|_, text| text));
        let hash = text
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |h, byte| (h ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        format!("{hash:016x}")
    }

    /// The base as it goes into the id. Fields that came after sweeps were first stored are left out where they change nothing, so that
    /// what was found before is found again.
    fn named_base(&self) -> String {
        let mut value = serde_json::to_value(&self.base).unwrap_or_default();
        if let Some(evaluation) = value.get_mut("evaluation").and_then(Value::as_object_mut) {
            evaluation.retain(|name, on| !LATER.contains(&name.as_str()) || *on != Value::Bool(false));
        }
        json::pretty(&value)
    }

    /// Makes every cell, with its experiment checked.
    ///
    /// # Errors
    ///
    /// The problems of the grid; or else those of its cells, each once, with a cell that has it.
    pub fn cells(&self) -> Result<Vec<Cell>, Vec<Problem>> {
        let mut scan = CellScan::new(self)?;
        let mut cells = Vec::with_capacity(self.len());
        scan.advance(self, usize::MAX, |cell| cells.push(cell));
        scan.finish(self)?;
        Ok(cells)
    }

    /// The values of the cell with this index, one for each axis.
    pub fn coordinates(&self, index: usize) -> Vec<Value> {
        let mut left = index;
        let mut coordinates: Vec<Value> = Vec::with_capacity(self.axes.len());
        for axis in self.axes.iter().rev() {
            let count = axis.values.len().max(1);
            coordinates.push(axis.values.get(left % count).cloned().unwrap_or_default());
            left /= count;
        }
        coordinates.reverse();
        coordinates
    }

    /// Makes one cell, by its index in `0..len()`.
    ///
    /// # Errors
    ///
    /// What is wrong with the cell's experiment. The grid as a whole is not checked.
    pub fn cell(&self, index: usize) -> Result<Cell, Vec<Problem>> {
        let coordinates = self.coordinates(index);
        let experiment = self.experiment(&Setter::new(&self.base), &coordinates)?;
        Ok(Cell { key: self.key(&coordinates), coordinates, experiment })
    }

    /// The name of the cell with these values, one for each axis: `data.topics=4 seed=1`.
    pub fn key(&self, coordinates: &[Value]) -> String {
        let part = |(axis, value): (&Axis, &Value)| format!("{}={}", axis.field, value_text(value));
        self.axes.iter().zip(coordinates).map(part).collect::<Vec<_>>().join(" ")
    }

    /// What is wrong whatever the cells are.
    fn own_problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let has = |field: &str| self.axes.iter().any(|axis| axis.field == field);
        if self.axes.is_empty() {
            problems.push(Problem::new("grid", "empty", "at least one axis", "For example data.topics=4,16,64."));
        }
        for (i, axis) in self.axes.iter().enumerate() {
            let again = |why: &str| Problem::new(&axis.field, "given twice", why, "");
            if self.axes[..i].iter().any(|before| before.field == axis.field) {
                problems.push(again("one axis for each field"));
            }
            if axis.values.is_empty() {
                problems.push(Problem::new(&axis.field, "without values", "at least one value", ""));
            }
            let mut seen = BTreeSet::new();
            if let Some(twice) = axis.values.iter().find(|value| !seen.insert(value_text(value))) {
                let value = format!("{} twice", value_text(twice));
                problems.push(Problem::new(&axis.field, value, "each value once", ""));
            }
            problems.extend(self.axis_problem(axis));
        }
        if self.len() > MAX_CELLS {
            problems.push(Problem::new(
                "grid",
                format!(
                    "of {} cells",
                    if self.len() == usize::MAX { "countless".into() } else { self.len().to_string() }
                ),
                &format!("at most {MAX_CELLS} cells"),
                "Take fewer values on some axis.",
            ));
        }
        // Each cell holds its values, and a value may be a world of any size.
        let longest = |axis: &Axis| axis.values.iter().map(|value| value_text(value).len()).max().unwrap_or(0);
        let each: usize = self.axes.iter().map(longest).sum();
        if self.len() <= MAX_CELLS && self.len().saturating_mul(each) > MAX_TEXT {
            problems.push(Problem::new(
                "grid",
                format!("of {} cells with values of {each} characters", self.len()),
                &format!("at most {} million characters in all cells", MAX_TEXT / 1_000_000),
                "Give the world in the experiment itself, or take fewer cells.",
            ));
        }
        if let Some(field) = &self.hold {
            if !SIZES.contains(&field.as_str()) {
                problems.push(Problem::new(
                    "hold",
                    format!("\"{field}\""),
                    &format!("one of {}", SIZES.join(", ")),
                    "",
                ));
            } else if has(field) {
                problems.push(Problem::new(
                    "hold",
                    format!("{field}, which is an axis too"),
                    "a field that is not an axis",
                    "The held one of K, N and T follows from the other two.",
                ));
            }
        }
        // K and N mean nothing with fresh draws; unless that is what the grid decides.
        let sized = self.hold.is_some() || has(SIZES[0]) || has(SIZES[1]);
        if self.base.data.fresh && sized && !has("data.fresh") {
            problems.push(Problem::new(
                "data.fresh",
                "true",
                "false in a sweep over K or N",
                "With fresh draws every row is a new topic, and K and N have no effect.",
            ));
        }
        problems.truncate(MAX_PROBLEMS);
        problems
    }

    /// What is wrong with an axis' field, or with its values where the world takes them.
    fn axis_problem(&self, axis: &Axis) -> Option<Problem> {
        let is_part_of =
            |other: &&Axis| axis.field.strip_prefix(&other.field).is_some_and(|rest| rest.starts_with('.'));
        if let Some(whole) = self.axes.iter().find(is_part_of) {
            let value = format!("an axis beside {}", whole.field);
            return Some(Problem::new(&axis.field, value, "either the world or its parameters", ""));
        }
        let Some(found) = axes::find(&self.base, &axis.field) else {
            return Some(axes::unknown(&self.base, &axis.field));
        };
        if !axis.field.starts_with("world.") || !matches!(found.values, Values::Whole | Values::Real) {
            return None;
        }
        let value = value_text(axis.values.iter().find(|value| !value.is_number())?);
        Some(Problem::new(&axis.field, &value, "a number", &range_advice(&value).unwrap_or_default()))
    }

    fn experiment(&self, setter: &Setter, coordinates: &[Value]) -> Result<Experiment, Vec<Problem>> {
        let mut world = self.base.world.clone();
        let mut fields = Vec::new();
        for (axis, value) in self.axes.iter().zip(coordinates) {
            match axis.field.strip_prefix("world.") {
                Some(path) => axes::set(&mut world, path, value).map_err(|problem| vec![problem])?,
                None => fields.push((axis.field.clone(), value.clone())),
            }
        }
        if let Some(held) = &self.hold {
            fields.push((held.clone(), self.held(held, &fields)?.into()));
        }
        setter.set_in(&world, &fields).map_err(|mut problems| {
            for problem in &mut problems {
                if let Some(advice) = range_advice(&problem.value) {
                    problem.advice = advice;
                }
            }
            problems
        })
    }

    /// The whole number that keeps K·N·T nearest to the base's.
    fn held(&self, held: &str, fields: &[(String, Value)]) -> Result<u64, Vec<Problem>> {
        let data = &self.base.data;
        let mut others = 1.0;
        for (field, usual) in SIZES.iter().zip([data.topics, data.sequences, data.length]) {
            let set = fields.iter().find(|(name, _)| name == field).and_then(|(_, value)| value.as_f64());
            others *= if *field == held { 1.0 } else { set.unwrap_or(usual as f64) };
        }
        let total = data.topics as f64 * data.sequences as f64 * data.length as f64;
        let wanted = total / others;
        let chosen = wanted.round();
        if chosen >= 1.0 && chosen <= f64::from(u32::MAX) && (chosen - wanted).abs() <= TOLERANCE * wanted {
            return Ok(chosen as u64);
        }
        Err(vec![Problem::new(
            held,
            format!("{wanted:.3} where K·N·T is held at {total}"),
            "a whole number of at least 1 that keeps K·N·T within 10%",
            "Choose values of the other two whose product divides that of the base.",
        )])
    }
}

#[cfg(test)]
mod tests;
