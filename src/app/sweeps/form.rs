//! What the form of a new sweep says: as a grid's text, and as runs with their cost.

use crate::{
    experiment::{
        Experiment, Problem,
        sweep::{CellScan, Sweep},
    },
    number::duration,
    protocol::DeviceChoice,
    sweep::cost::{cost, seconds_left, worker_count},
};

use super::words::plural;

/// Fields that can be swept, beside the parameters of the base's world.
const FIELDS: [(&str, &str); 14] = [
    ("data.topics", "K, topics"),
    ("data.sequences", "N, sequences per topic"),
    ("data.length", "T, tokens per sequence"),
    ("seed", "Seed"),
    ("training.learning_rate", "Learning rate"),
    ("training.steps", "Steps"),
    ("training.batch", "Batch"),
    ("net.width", "Width"),
    ("net.blocks", "Blocks"),
    ("net.heads", "Heads"),
    ("prior.steps", "Steps of each prior stage"),
    ("bound.topics", "K′, topics of the prior"),
    ("bound.sequences", "N′, sequences of the prior"),
    ("evaluation.prompt_length", "Prompt length"),
];
/// Axes that the form has room for.
pub const ROWS: usize = 4;
/// What keeps K·N·T as it is: a field, empty for none, and its label.
pub const HOLDS: [(&str, &str); 4] = [
    ("", "as the values say"),
    ("data.sequences", "held by changing N"),
    ("data.topics", "held by changing K"),
    ("data.length", "held by changing T"),
];

/// What a person has entered.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    /// A field, empty for none, and the text of its values.
    pub rows: [(String, String); ROWS],
    /// The field that keeps K·N·T what it is; empty for none.
    pub hold: String,
    pub device: DeviceChoice,
}

impl Default for Form {
    fn default() -> Self {
        let row = |field: &str, values: &str| (String::from(field), String::from(values));
        Self {
            rows: [row("data.topics", "4, 16, 64"), row("seed", "1..3"), row("", ""), row("", "")],
            hold: String::new(),
            device: DeviceChoice::Cpu,
        }
    }
}

impl Form {
    /// As `Sweep::parse_grid` reads it. Rows without a field are left out.
    pub fn grid(&self) -> String {
        let rows = self.rows.iter().filter(|(field, _)| !field.is_empty());
        let rows = rows.map(|(field, values)| format!("{field}={values}"));
        let hold = (!self.hold.is_empty()).then(|| format!("hold={}", self.hold));
        rows.chain(hold).collect::<Vec<_>>().join("; ")
    }

    /// What a row may choose, as name and label: nothing, the usual fields, the parameters of the base's world, and what it has chosen.
    pub fn fields(&self, row: usize, base: &Experiment) -> Vec<(String, String)> {
        let world = base.world.kind().map_or(&[][..], |kind| kind.parameters);
        let world = world.iter().map(|p| (format!("world.{}", p.name), format!("World: {}", p.name)));
        let usual = [("", "–")].into_iter().chain(FIELDS).map(|(name, label)| (name.into(), label.into()));
        let mut fields: Vec<(String, String)> = usual.chain(world).collect();
        // Chosen for another world.
        if let Some((chosen, _)) = self.rows.get(row).filter(|(field, _)| fields.iter().all(|(name, _)| name != field))
        {
            fields.push((chosen.clone(), chosen.clone()));
        }
        fields
    }

    fn needs_training_set(&self) -> bool {
        let has = |field: &str| self.rows.iter().any(|(name, _)| name == field);
        !has("data.fresh") && (has("data.topics") || has("data.sequences") || !self.hold.is_empty())
    }
}

/// Counts the runs of a form a few at a time, so that a large grid keeps nobody waiting.
#[derive(Clone, Debug)]
pub struct Count {
    sweep: Sweep,
    scan: CellScan,
    costs: Vec<f64>,
    takes_training_sets: bool,
}

impl Count {
    /// Reads the form. Where the grid speaks of K or N, a base with fresh draws is taken with a training set instead.
    ///
    /// # Errors
    ///
    /// What is wrong with the grid itself.
    pub fn new(form: &Form, base: &Experiment) -> Result<Self, Vec<Problem>> {
        let empty = form.rows.iter().find(|(field, values)| !field.is_empty() && values.trim().is_empty());
        if let Some((field, _)) = empty {
            let advice = "For example 4, 16, 64, or 1..3 for every whole number in between.";
            return Err(vec![Problem::new(field, "without values", "values, parted by commas", advice)]);
        }
        let mut base = base.clone();
        let takes_training_sets = base.data.fresh && form.needs_training_set();
        base.data.fresh &= !takes_training_sets;
        let sweep = Sweep::parse_grid(base, &form.grid())?;
        let scan = CellScan::new(&sweep)?;
        Ok(Self { sweep, scan, costs: Vec::new(), takes_training_sets })
    }

    /// Counts at most `most` further runs. False once all are counted.
    pub fn advance(&mut self, most: usize) -> bool {
        let costs = &mut self.costs;
        self.scan.advance(&self.sweep, most, |cell| costs.push(cost(&cell.experiment)))
    }

    /// # Errors
    ///
    /// The problems of all runs, each once.
    pub fn finish(self) -> Result<Plan, Vec<Problem>> {
        self.scan.finish(&self.sweep)?;
        Ok(Plan { sweep: self.sweep, costs: self.costs, takes_training_sets: self.takes_training_sets })
    }
}

/// A sound sweep that can be started.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub sweep: Sweep,
    /// Of each run.
    costs: Vec<f64>,
    takes_training_sets: bool,
}

impl Plan {
    /// How many runs there are, and how long they take. `pace` is worker milliseconds per unit of cost.
    pub fn sentence(&self, device: DeviceChoice, cores: usize, pace: Option<f64>) -> String {
        let workers = worker_count(device, cores).min(self.costs.len());
        let time = pace.map_or_else(
            || "how long that takes is known once a first run has finished".to_owned(),
            |pace| {
                let seconds = seconds_left(self.costs.iter().copied(), workers, pace);
                format!("about {}, going by the runs before", duration(seconds))
            },
        );
        let sets = if self.takes_training_sets {
            " The experiment draws fresh data at every step; its sweep over K and N has training sets instead."
        } else {
            ""
        };
        format!("{}: {time}.{sets}", plural(self.costs.len(), "run", "runs"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(rows: &[(&str, &str)]) -> Form {
        let mut form = Form { rows: Default::default(), ..Form::default() };
        for (row, (field, values)) in form.rows.iter_mut().zip(rows) {
            *row = ((*field).into(), (*values).into());
        }
        form
    }

    fn plan(form: &Form, base: &Experiment) -> Result<Plan, Vec<Problem>> {
        let mut count = Count::new(form, base)?;
        // In parts, as the page does.
        while count.advance(1) {}
        count.finish()
    }

    #[test]
    fn a_form_is_a_grid() {
        let mut form = form(&[("data.topics", "4, 16"), ("", "7"), ("seed", "1..2")]);
        form.hold = "data.sequences".into();
        assert_eq!(form.grid(), "data.topics=4, 16; seed=1..2; hold=data.sequences");
        form.hold.clear();
        let base = Experiment::default();
        assert!(base.data.fresh);
        let plan = plan(&form, &base).expect("a sound grid");
        assert_eq!((plan.costs.len(), plan.sweep.base.data.fresh), (4, false));
        let sentence = plan.sentence(DeviceChoice::Cpu, 4, None);
        assert!(sentence.starts_with("4 runs") && sentence.contains("training sets instead"), "{sentence}");
        assert!(plan.sentence(DeviceChoice::Cpu, 4, Some(1e-6)).contains("about"), "with a pace, a time");
    }

    #[test]
    fn nonsense_gets_sentences() {
        for (field, values, words) in [
            ("data.topics", "", "without values"),
            ("data.topics", "many", "data.topics"),
            ("data.topics", "0", "data.topics is 0"),
            ("seed", "5..1", "whole numbers"),
            ("<b>", "1", "<b>"),
            ("seed", "<script>", "<script>"),
            ("seed", "1..20000", "at most 10000 of them"),
        ] {
            let problems = plan(&form(&[(field, values)]), &Experiment::default()).expect_err(values);
            let text = crate::experiment::problem::sentences(&problems);
            assert!(text.contains(words), "{field}={values}: {text}");
        }
        let problems = plan(&form(&[]), &Experiment::default()).expect_err("no axis");
        assert!(problems[0].to_string().contains("at least one axis"), "{problems:?}");
    }

    #[test]
    fn counting_in_parts_finds_what_counting_at_once_finds() {
        let form = form(&[("data.topics", "0, 4, 16"), ("seed", "1..3")]);
        let at_once = Sweep::parse_grid(
            Experiment {
                data: crate::experiment::Data { fresh: false, ..Experiment::default().data },
                ..Experiment::default()
            },
            &form.grid(),
        )
        .and_then(|sweep| sweep.cells());
        assert_eq!(plan(&form, &Experiment::default()).map(|_| ()), at_once.map(|_| ()));
    }

    #[test]
    fn a_field_of_another_world_stays_in_the_list() {
        let mut form = form(&[("world.flip", "0.1")]);
        let fields = form.fields(0, &Experiment::default());
        assert!(fields.iter().any(|(name, _)| name == "world.flip"));
        assert!(fields.iter().any(|(_, label)| label.starts_with("World: ")), "a world's parameters can be swept");
        form.rows[0].0 = "seed".into();
        let names: Vec<String> = form.fields(0, &Experiment::default()).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names.iter().filter(|name| *name == "seed").count(), 1);
    }
}
