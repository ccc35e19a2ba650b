//! What the form of a new sweep says: as a grid's text, and as runs with their cost.

use serde_json::Value;

use crate::{
    app::fields,
    experiment::{
        Experiment, Problem, WorldSpec,
        axes::{self, Values},
        evaluation::MOST_COMPONENTS,
        json,
        problem::clipped,
        sweep::{CellScan, Sweep},
    },
    number::duration,
    protocol::DeviceChoice,
    sweep::cost::{cost, seconds_left, worker_count},
};

use super::words::plural;

/// What is varied most often, with names that say more than those of the settings.
const USUAL: [(&str, &str); 15] = [
    ("data.topics", "K, topics"),
    ("data.sequences", "N, sequences per topic"),
    ("data.length", "T, tokens per sequence"),
    ("seed", "Seed"),
    ("net.architecture", "Architecture"),
    ("net.width", "Width"),
    ("net.blocks", "Blocks"),
    ("net.heads", "Heads"),
    ("training.learning_rate", "Learning rate"),
    ("training.steps", "Steps"),
    ("training.batch", "Batch"),
    ("prior.steps", "Steps of each prior stage"),
    ("bound.topics", "K′, topics of the prior"),
    ("bound.sequences", "N′, sequences of the prior"),
    ("evaluation.prompt_length", "Prompt length"),
];
/// Fields without a control of their own.
const OTHERS: [(&str, &str); 5] = [
    ("data.fresh", "Fresh data at every step"),
    ("world", "The whole world"),
    ("evaluation.algorithms", "Distances to known algorithms"),
    ("evaluation.components", "Loss on each component"),
    ("evaluation.events", "Steps to learn each event"),
];
/// Groups of fields, in their order: what a field's name begins with, and the group's title.
const GROUPS: [(&str, &str); 7] = [
    ("world", "World"),
    ("net.", "Model"),
    ("training.", "Training"),
    ("data.", "Data"),
    ("prior.", "Prior stages"),
    ("bound.", "Bound"),
    ("evaluation.", "Evaluation"),
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

/// Fields that a row may choose from, under a title.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Group {
    pub title: &'static str,
    /// Name, as in a grid, and label.
    pub fields: Vec<(String, String)>,
}

/// What a person has entered.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    /// What the sweep is called; empty for none.
    pub name: String,
    /// A field, empty for none, and the text of its values.
    pub rows: [(String, String); ROWS],
    /// The field that keeps K·N·T what it is; empty for none.
    pub hold: String,
    pub device: DeviceChoice,
    /// Measure the loss on each component, where the world is a mixture.
    pub components: bool,
    /// Measure the steps to learn each event, where the world has tokens.
    pub events: bool,
}

impl Default for Form {
    fn default() -> Self {
        let row = |field: &str, values: &str| (String::from(field), String::from(values));
        Self {
            name: String::new(),
            rows: [row("data.topics", "4, 16, 64"), row("seed", "1..3"), row("", ""), row("", "")],
            hold: String::new(),
            device: DeviceChoice::Cpu,
            components: false,
            events: false,
        }
    }
}

/// Whether there are components whose losses could be measured.
pub fn has_components(base: &Experiment) -> bool {
    matches!(&base.world, WorldSpec::Mixture(mixture) if mixture.mixture.len() <= MOST_COMPONENTS)
}

/// Whether there are events.
pub fn has_events(base: &Experiment) -> bool {
    !base.world.observation().is_vectors()
}

/// What a field is called in the form.
fn label(name: &str, base: &Experiment) -> String {
    let known = USUAL.iter().chain(&OTHERS).find(|(field, _)| *field == name).map(|(_, label)| String::from(*label));
    known.or_else(|| world_label(name, base)).or_else(|| fields::label(name, base)).unwrap_or_else(|| name.into())
}

/// `Weight of component 0 (coin:p=0.3)`, `Component 0: p`; of a named world the parameter.
fn world_label(name: &str, base: &Experiment) -> Option<String> {
    let path = name.strip_prefix("world.")?;
    let (WorldSpec::Mixture(mixture), Some(inner)) = (&base.world, path.strip_prefix("mixture.")) else {
        return Some(format!("World: {path}"));
    };
    let (place, rest) = inner.split_once('.')?;
    let world = clipped(&mixture.mixture.get(place.parse::<usize>().ok()?)?.world.to_string());
    Some(match rest {
        "weight" => format!("Weight of component {place} ({world})"),
        "world" => format!("Component {place}, the whole ({world})"),
        rest => format!("Component {place}: {}", rest.trim_start_matches("world.")),
    })
}

impl Form {
    /// As `Sweep::parse_grid` reads it. Rows without a field are left out.
    pub fn grid(&self) -> String {
        let rows = self.rows.iter().filter(|(field, _)| !field.is_empty());
        let rows = rows.map(|(field, values)| format!("{field}={values}"));
        let hold = (!self.hold.is_empty()).then(|| format!("hold={}", self.hold));
        rows.chain(hold).collect::<Vec<_>>().join("; ")
    }

    /// What a row may choose: every field of the experiment, the usual ones first; and what it has chosen for another world.
    pub fn groups(&self, row: usize, base: &Experiment) -> Vec<Group> {
        let all: Vec<String> = axes::fields(base).into_iter().map(|field| field.name).collect();
        let is_usual = |name: &str| USUAL.iter().any(|(usual, _)| *usual == name);
        let named = |name: &String| (name.clone(), label(name, base));
        let usual = USUAL.iter().map(|(name, label)| (String::from(*name), String::from(*label))).collect();
        let mut groups = vec![Group { title: "Often varied", fields: usual }];
        for (start, title) in GROUPS {
            let fields = all.iter().filter(|name| name.starts_with(start) && !is_usual(name)).map(named).collect();
            groups.push(Group { title, fields });
        }
        if let Some((chosen, _)) = self.rows.get(row).filter(|(field, _)| !field.is_empty() && !all.contains(field)) {
            groups.push(Group { title: "Of another world", fields: vec![(chosen.clone(), chosen.clone())] });
        }
        groups.retain(|group| !group.fields.is_empty());
        groups
    }

    /// Gives a row another field. Words are all filled in, to be cut down; numbers are kept where they may be those of the new field.
    pub fn choose(&mut self, row: usize, field: &str, base: &Experiment) {
        let Some((chosen, values)) = self.rows.get_mut(row) else { return };
        let before = axes::find(base, chosen).map(|field| field.values);
        chosen.clear();
        chosen.push_str(field);
        match axes::find(base, field).map(|field| field.values) {
            Some(Values::Choice(names)) => *values = names.join(", "),
            Some(Values::Switch) => *values = "true, false".into(),
            Some(Values::Whole | Values::Real) if matches!(before, None | Some(Values::Whole | Values::Real)) => {}
            Some(_) => values.clear(),
            None => {}
        }
    }

    /// What a row's values may be, and what the experiment has now, as a sentence; empty without a field.
    pub fn hint(&self, row: usize, base: &Experiment) -> String {
        let Some(field) = self.rows.get(row).and_then(|(name, _)| axes::find(base, name)) else { return String::new() };
        let now = match axes::value(base, &field.name) {
            Some(Value::String(text)) => text,
            Some(value) => json::text(&value),
            None => "not given".into(),
        };
        format!("Now {}; {}.", clipped(&now), axes::allowed(base, &field))
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
        base.evaluation.components |= form.components && has_components(&base);
        base.evaluation.events |= form.events && has_events(&base);
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
            let text = experiment::problem::sentences(&problems);
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
                data: experiment::Data { fresh: false, ..Experiment::default().data },
                ..Experiment::default()
            },
            &form.grid(),
        )
        .and_then(|sweep| sweep.cells());
        assert_eq!(plan(&form, &Experiment::default()).map(|_| ()), at_once.map(|_| ()));
    }

    fn labels(form: &Form, base: &Experiment) -> Vec<(String, String)> {
        form.groups(0, base).into_iter().flat_map(|group| group.fields).collect()
    }

    const MIXTURE: &str = r#"{"mixture": [{"weight": 1, "world": "coin:p=0.25"}, {"weight": 3, "world": "coins"}]}"#;

    fn mixture() -> Experiment {
        Experiment { world: MIXTURE.parse().expect("a world"), ..Experiment::default() }
    }

    #[test]
    fn every_field_can_be_chosen_once_and_has_a_name_for_people() {
        for base in [Experiment::default(), mixture()] {
            let labels = labels(&form(&[]), &base);
            for field in axes::fields(&base) {
                let found: Vec<&String> =
                    labels.iter().filter(|(name, _)| *name == field.name).map(|(_, l)| l).collect();
                assert!(found.len() == 1 && *found[0] != field.name, "{}: {found:?}", field.name);
            }
            assert_eq!(labels.len(), axes::fields(&base).len());
        }
        let labels = labels(&form(&[]), &mixture());
        for pair in [
            ("net.architecture", "Architecture"),
            ("net.init", "Initialization"),
            ("world.mixture.0.weight", "Weight of component 0 (coin:p=0.25)"),
            ("world.mixture.1.world.n", "Component 1: n"),
            ("world.mixture.1.world", "Component 1, the whole (coins)"),
        ] {
            assert!(labels.contains(&(pair.0.into(), pair.1.into())), "{pair:?} in {labels:?}");
        }
    }

    /// Each of them at once gives a sound sweep, without a word typed.
    #[test]
    fn choices_are_filled_in_and_can_be_started() {
        let base = Experiment::default();
        for (field, values) in [
            ("net.architecture", "transformer, gru, lstm"),
            ("net.positions", "learned, rotary, alibi"),
            ("net.norm", "layer-norm, rms-norm"),
            ("net.mlp", "none, gelu, gated, geglu"),
            ("net.init", "scaled, xavier-uniform, pytorch, gpt2"),
            ("training.optimizer", "adamw, langevin"),
            ("training.schedule", "constant, cosine"),
            ("prior.index", "true, false"),
        ] {
            let mut form = form(&[("data.topics", "4, 16")]);
            form.choose(0, field, &base);
            assert_eq!(form.rows[0], (field.into(), values.into()));
            let plan = plan(&form, &base).unwrap_or_else(|problems| panic!("{field}: {problems:?}"));
            assert_eq!(plan.costs.len(), values.split(", ").count());
        }
        let mut form = form(&[("data.topics", "4, 16")]);
        form.choose(0, "data.sequences", &base);
        assert_eq!(form.rows[0].1, "4, 16", "numbers stay");
        form.choose(0, "net.mlp", &base);
        form.choose(0, "data.sequences", &base);
        assert_eq!(form.rows[0].1, "", "words do not");
        form.choose(0, "", &base);
        assert_eq!(form.rows[0].0, "");
    }

    #[test]
    fn a_row_says_what_it_takes() {
        let hint = |field: &str, base: &Experiment| form(&[(field, "")]).hint(0, base);
        let base = Experiment::default();
        assert_eq!(hint("net.architecture", &base), "Now transformer; some of transformer, gru, lstm.");
        assert_eq!(hint("net.blocks", &base), "Now 2; whole numbers, 1 to 4.");
        assert_eq!(hint("world.mixture.0.weight", &mixture()), "Now 1.0; numbers, 0 or more.");
        assert_eq!((hint("", &base), hint("world.flip", &base)), (String::new(), String::new()));
    }

    #[test]
    fn more_is_measured_where_the_world_has_it() {
        let mut form = form(&[("seed", "1..2")]);
        (form.components, form.events) = (true, true);
        let asked = |form: &Form, world: &str| {
            let base = Experiment { world: world.parse().expect("a world"), ..Experiment::default() };
            let evaluation = plan(form, &base).expect("a sound grid").sweep.base.evaluation;
            (evaluation.components, evaluation.events)
        };
        assert_eq!(asked(&form, MIXTURE), (true, true));
        assert_eq!(asked(&form, "coins"), (false, true));
        assert_eq!(asked(&form, "lds"), (false, false));
        (form.components, form.events) = (false, false);
        assert_eq!(asked(&form, MIXTURE), (false, false));
    }

    #[test]
    fn a_field_of_another_world_stays_in_the_list() {
        let mut form = form(&[("world.flip", "0.1")]);
        let names = |form: &Form| labels(form, &Experiment::default());
        assert!(names(&form).iter().any(|(name, _)| name == "world.flip"));
        assert!(
            names(&form).iter().any(|(_, label)| label.starts_with("World: ")),
            "a world's parameters can be swept"
        );
        form.rows[0].0 = "seed".into();
        assert_eq!(names(&form).iter().filter(|(name, _)| *name == "seed").count(), 1);
    }
}
