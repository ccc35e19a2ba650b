//! In what the settings of two runs differ: every field that does something in one of them, named as its control is.

use charts::report::{Row, Table};
use serde_json::Value;

use crate::{
    app::fields::{self, CHOICES},
    experiment::{Experiment, WorldSpec, json, link},
};

/// A field of which the two runs have different values.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Dotted, as in links; `world` and `world.k` for the world and its parameters.
    pub field: String,
    /// As its control is named.
    pub label: String,
    /// Its value in each run; [`NOT_USED`] where it does nothing there.
    pub values: [String; 2],
}

/// In place of a value that does nothing in a run.
pub const NOT_USED: &str = "not used";

/// Parts of an experiment in the order of the controls. What is in none of them comes last.
const ORDER: [&str; 8] = ["world", "data.", "net.", "training.", "seed", "prior.", "bound.", "evaluation."];
/// Fields of the first three counts, which come in this order.
const FIRST: [&str; 4] = ["data.fresh", "data.topics", "data.sequences", "data.length"];

/// All differences, the world first. What does nothing in either run is left out.
pub fn differences(runs: [&Experiment; 2]) -> Vec<Difference> {
    let flat = runs.map(link::flat);
    let mut fields: Vec<&String> = flat[0].keys().chain(flat[1].keys()).filter(|field| *field != "world").collect();
    let place = |field: &str| {
        let part = ORDER.iter().position(|part| field.starts_with(part)).unwrap_or(ORDER.len());
        (part, FIRST.iter().position(|first| *first == field).unwrap_or(FIRST.len()))
    };
    fields.sort();
    fields.dedup();
    fields.sort_by_key(|field| place(field));
    let mut out = world_differences(runs);
    for field in fields {
        let used = runs.map(|run| is_used(field, run));
        let values = [0, 1].map(|i| flat[i].get(field).filter(|_| used[i]));
        if values[0] == values[1] {
            continue;
        }
        let text = |i: usize| values[i].map_or_else(|| NOT_USED.into(), |value| value_text(field, value, runs[i]));
        out.push(Difference { field: field.clone(), label: label(field, runs), values: [text(0), text(1)] });
    }
    out
}

/// Whether a field does anything in an experiment.
fn is_used(field: &str, experiment: &Experiment) -> bool {
    fields::idle(field, experiment).is_none() && experiment.net.heeds(field, experiment.world.observation())
}

/// The worlds, and where both are of one kind their parameters.
fn world_differences([a, b]: [&Experiment; 2]) -> Vec<Difference> {
    let (a, b) = (&a.world, &b.world);
    if a == b {
        return Vec::new();
    }
    match (a.kind(), b.kind()) {
        (Some(kind), Some(other)) if kind.name == other.name => {
            let differ = kind.parameters.iter().filter(|p| a.parameter(p.name) != b.parameter(p.name));
            let value = |world: &WorldSpec, name: &str| fields::format(world.parameter(name));
            let row = |name: &str| Difference {
                field: format!("world.{name}"),
                label: format!("World: {name}"),
                values: [value(a, name), value(b, name)],
            };
            differ.map(|parameter| row(parameter.name)).collect()
        }
        _ => {
            let mut values = [a.title(), b.title()];
            if values[0] == values[1] {
                values = values.map(|title| format!("{title} (of other content)"));
            }
            vec![Difference { field: "world".into(), label: "World".into(), values }]
        }
    }
}

/// As the control is named; a field without one by its own name.
fn label(field: &str, runs: [&Experiment; 2]) -> String {
    // Switches have their names on the page alone.
    let switch = match field {
        "data.fresh" => Some("Fresh draws at every step"),
        "evaluation.algorithms" => Some("Measures known predictors"),
        "evaluation.components" => Some("Measures each component"),
        "evaluation.events" => Some("Measures events"),
        _ => None,
    };
    let named = || runs.into_iter().find_map(|run| fields::label(field, run));
    let own = || field.rsplit('.').next().unwrap_or(field).replace('_', " ");
    let part = match field.split('.').next() {
        Some("evaluation") => "Evaluation: ",
        _ => "",
    };
    switch.map(String::from).unwrap_or_else(|| format!("{part}{}", named().unwrap_or_else(own)))
}

fn value_text(field: &str, value: &Value, experiment: &Experiment) -> String {
    if let Some(choice) = CHOICES.iter().find(|choice| choice.field == field) {
        return choice.options.get((choice.get)(experiment)).copied().unwrap_or_default().into();
    }
    match value {
        Value::Bool(on) => if *on { "on" } else { "off" }.into(),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.as_f64().map_or_else(|| number.to_string(), fields::format),
        other => json::text(other),
    }
}

/// The differences as a table; `names` of the two runs.
pub fn table(differences: &[Difference], names: [&str; 2]) -> Table {
    let row = |d: &Difference| Row {
        cells: vec![d.label.clone(), d.values[0].clone(), d.values[1].clone()],
        title: d.field.clone(),
        ..Row::default()
    };
    let heads = ["Setting".into(), format!("A: {}", names[0]), format!("B: {}", names[1])];
    Table {
        id: "compare-settings".into(),
        caption: "Settings that differ".into(),
        heads: heads.into(),
        rows: differences.iter().map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{Architecture, Preset};

    fn found(a: &Experiment, b: &Experiment) -> Vec<(String, String, String)> {
        let row = |d: Difference| {
            let [a, b] = d.values;
            (d.label, a, b)
        };
        differences([a, b]).into_iter().map(row).collect()
    }

    fn row(label: &str, a: &str, b: &str) -> (String, String, String) {
        (label.into(), a.into(), b.into())
    }

    #[test]
    fn every_field_that_does_something_is_listed_the_world_first() {
        let a = Experiment::default();
        assert_eq!(found(&a, &a), []);
        let mut b = a.clone();
        (b.data.fresh, b.data.topics, b.seed) = (false, 8, 3);
        (b.training.learning_rate, b.training.steps, b.evaluation.events) = (0.01, 17, true);
        b.world = "coins:n=3".parse().expect("a world");
        let rows = found(&a, &b);
        let labels: Vec<&str> = rows.iter().map(|row| row.0.as_str()).collect();
        assert_eq!(labels[0], "World");
        assert_eq!(labels[1..4], ["Fresh draws at every step", "Topics K", "Sequences N"]);
        // K does nothing with fresh draws, in A.
        assert_eq!(rows[2], row("Topics K", NOT_USED, "8"));
        assert_eq!(rows[1], row("Fresh draws at every step", "on", "off"));
        for label in ["Learning rate", "Steps", "Seed", "Measures events"] {
            assert!(labels.contains(&label), "{label} in {labels:?}");
        }
        // Nothing is cut: eight fields were changed, and N means something in B alone.
        assert_eq!(rows.len(), 8);
        let swapped: Vec<_> = found(&b, &a).into_iter().map(|(label, a, b)| (label, b, a)).collect();
        assert_eq!(swapped, rows);
    }

    #[test]
    fn parameters_of_one_kind_of_world_are_listed_by_name() {
        let [mut a, mut b] = [Experiment::default(), Experiment::default()];
        (a.world, b.world) = ("coins:n=3".parse().expect("a world"), "coins:n=5".parse().expect("a world"));
        assert_eq!(found(&a, &b), [row("World: n", "3", "5")]);
    }

    #[test]
    fn what_a_net_does_not_have_is_not_used() {
        let a = Experiment::default();
        let mut b = a.clone();
        b.net.architecture = Architecture::Gru;
        let rows = found(&a, &b);
        assert!(rows.contains(&row("Architecture", "Transformer", "GRU")), "{rows:?}");
        let heads = rows.iter().find(|row| row.0 == "Heads").expect("heads");
        assert_eq!(heads.2, NOT_USED);
        // Of two recurrent nets, heads say nothing.
        let mut c = b.clone();
        c.net.heads = 16;
        assert_eq!(found(&b, &c), []);
    }

    #[test]
    fn presets_differ_in_named_fields_alone() {
        let [first, second] = ["knt-markov", "dursley-wonka"].map(|name| Preset::named(name).map(|p| p.experiment()));
        let (Some(first), Some(second)) = (first, second) else { return };
        for difference in differences([&first, &second]) {
            assert_ne!(difference.values[0], difference.values[1], "{difference:?}");
            assert!(!difference.label.contains('_'), "{difference:?}");
        }
    }
}
