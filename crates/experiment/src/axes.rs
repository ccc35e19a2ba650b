//! What of an experiment a grid can vary, each by a dotted name.
//!
//! - every field but the version: `data.topics`, `net.architecture`, `seed`, ...;
//! - `world`, the whole of it;
//! - `world.n`: a parameter of a named world;
//! - `world.mixture.0.weight`, `world.mixture.0.world` and what is within that world, `world.mixture.0.world.n`: the parts of a
//!   mixture, counted from 0 as problems count them (`world.mixture[0].weight` is read as the same);
//! - `world.tokens`, `world.start` and `world.transitions` of a process, each as JSON.
//!
//! A text has nothing within it that could be varied.

use serde_json::Value;

use super::{
    Experiment, Problem, WorldSpec, json,
    link::{self, Setter},
    read,
};

/// A field that can be an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct AxisField {
    /// Dotted, as in a grid.
    pub name: String,
    /// What the axis may hold.
    pub values: Values,
}

/// What an axis over a field may hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Whole numbers.
    Whole,
    /// Numbers with decimals.
    Real,
    /// `true` and `false`.
    Switch,
    /// Some of these words.
    Choice(Vec<String>),
    /// Worlds, in their short form or as JSON.
    World,
    /// Lists or objects, as JSON.
    Json,
}

/// Every field of `base` that can be an axis.
pub fn fields(base: &Experiment) -> Vec<AxisField> {
    let mut out = Vec::new();
    let plain = Experiment { world: WorldSpec::default(), ..base.clone() };
    for (name, usual) in link::flat(&plain) {
        let values = match &usual {
            _ if name == "world" => Values::World,
            Value::Bool(_) => Values::Switch,
            Value::String(_) => Values::Choice(read::options(&name)),
            usual if usual.is_f64() => Values::Real,
            _ => Values::Whole,
        };
        out.push(AxisField { name, values });
    }
    within(&base.world, "world", &mut out);
    out
}

/// Finds one of [`fields`] by its name; `None` where there is no such field.
pub fn find(base: &Experiment, name: &str) -> Option<AxisField> {
    fields(base).into_iter().find(|field| field.name == name)
}

/// What is within `world`, which is called `at`.
fn within(world: &WorldSpec, at: &str, out: &mut Vec<AxisField>) {
    let mut add = |name: String, values| out.push(AxisField { name, values });
    match world {
        WorldSpec::Named { .. } => {
            for parameter in world.kind().map_or(&[][..], |kind| kind.parameters) {
                let values = if parameter.whole { Values::Whole } else { Values::Real };
                add(format!("{at}.{}", parameter.name), values);
            }
        }
        WorldSpec::Process(_) => {
            for name in ["tokens", "start", "transitions"] {
                add(format!("{at}.{name}"), Values::Json);
            }
        }
        WorldSpec::Mixture(mixture) => {
            for (i, part) in mixture.mixture.iter().enumerate() {
                let at = format!("{at}.mixture.{i}");
                out.push(AxisField { name: format!("{at}.weight"), values: Values::Real });
                out.push(AxisField { name: format!("{at}.world"), values: Values::World });
                within(&part.world, &format!("{at}.world"), out);
            }
        }
        WorldSpec::Text(_) => {}
    }
}

/// The value that `base` has of a field; `None` where there is no such field.
pub fn value(base: &Experiment, name: &str) -> Option<Value> {
    match name.strip_prefix("world.") {
        Some(path) => inner(&base.world, path),
        None => link::flat(base).remove(name),
    }
}

fn inner(world: &WorldSpec, path: &str) -> Option<Value> {
    match world {
        WorldSpec::Named { .. } => Some(world.parameter(path)).filter(|value| value.is_finite()).map(Value::from),
        WorldSpec::Process(process) => serde_json::to_value(process).ok()?.as_object_mut()?.remove(path),
        WorldSpec::Mixture(mixture) => {
            let (i, rest) = part_and_rest(path)?;
            let part = mixture.mixture.get(i)?;
            match rest {
                "weight" => Some(part.weight.into()),
                "world" => serde_json::to_value(&part.world).ok(),
                rest => inner(&part.world, rest.strip_prefix("world.")?),
            }
        }
        WorldSpec::Text(_) => None,
    }
}

/// Sets what is within a world; `path` is a field's name without its leading `world.`.
///
/// # Errors
///
/// There is no such field in this world, or it takes other values. Ranges are for the experiment's own check.
pub(super) fn set(world: &mut WorldSpec, path: &str, value: &Value) -> Result<(), Problem> {
    set_at("world", world, path, value)
}

fn set_at(at: &str, world: &mut WorldSpec, path: &str, value: &Value) -> Result<(), Problem> {
    let field = format!("{at}.{path}");
    let number = || value.as_f64().ok_or_else(|| Problem::new(&field, json::text(value), "a number", ""));
    let none = || Problem::new(&field, "no field of this world", "a field of the world", "");
    match world {
        WorldSpec::Named { .. } if world.parameter(path).is_nan() => Err(none()),
        WorldSpec::Named { .. } => {
            world.set_parameter(path, number()?);
            Ok(())
        }
        WorldSpec::Process(process) => {
            let mut fields = serde_json::to_value(&*process).unwrap_or_default();
            fields[path] = value.clone();
            *process = read::process(at, fields)?;
            Ok(())
        }
        WorldSpec::Mixture(mixture) => {
            let (i, rest) = part_and_rest(path).ok_or_else(none)?;
            let part = mixture.mixture.get_mut(i).ok_or_else(none)?;
            let at = format!("{at}.mixture[{i}].world");
            match rest {
                "weight" => part.weight = number()?,
                "world" => part.world = WorldSpec::from_value_at(&at, value.clone())?,
                rest => set_at(&at, &mut part.world, rest.strip_prefix("world.").ok_or_else(none)?, value)?,
            }
            Ok(())
        }
        WorldSpec::Text(_) => Err(none()),
    }
}

/// `mixture.2.world.n` is part 2, and `world.n` of it.
fn part_and_rest(path: &str) -> Option<(usize, &str)> {
    let (i, rest) = path.strip_prefix("mixture.")?.split_once('.')?;
    Some((i.parse().ok()?, rest))
}

/// Writes a field's name as [`fields`] does: problems write `world.mixture[0].weight`.
pub fn canonical(name: &str) -> String {
    match name.starts_with("world.") {
        true => name.replace('[', ".").replace(']', ""),
        false => name.into(),
    }
}

/// The problem of an axis over something that cannot be one; it names the fields that may have been
/// meant.
pub fn unknown(base: &Experiment, name: &str) -> Problem {
    let all = fields(base);
    let beside = |part: &str| -> Vec<&str> {
        let of_part = |field: &&AxisField| field.name.strip_prefix(part).is_some_and(|rest| rest.starts_with('.'));
        all.iter().filter(of_part).map(|field| field.name.as_str()).collect()
    };
    // The fields of the nearest part that there is.
    let mut near = Vec::new();
    let mut part = name;
    while let (true, Some((outer, _))) = (near.is_empty(), part.rsplit_once('.')) {
        (near, part) = (beside(outer), outer);
    }
    let allowed = if near.is_empty() {
        let parts = ["bound", "data", "evaluation", "net", "prior", "training", "world"];
        let parts = parts.iter().filter(|part| !beside(part).is_empty()).map(|part| format!("{part}.…"));
        format!("seed, world, or a field in {}", parts.collect::<Vec<_>>().join(", "))
    } else {
        near.join(", ")
    };
    Problem::new(name, "no field that a grid can vary here", &allowed, "")
}

/// What an axis over a field may hold, in words: `one of transformer, gru, lstm`. Ranges come from the experiment's own check of a
/// value far outside of them, and are left out where it has none.
pub fn allowed(base: &Experiment, field: &AxisField) -> String {
    match &field.values {
        Values::Switch => "true, false".into(),
        Values::Choice(names) => format!("some of {}", names.join(", ")),
        Values::World => "worlds in their short form, such as coins:n=10".into(),
        Values::Json => "JSON".into(),
        Values::Whole => format!("whole numbers{}", range(base, field)),
        Values::Real => format!("numbers{}", range(base, field)),
    }
}

/// `, 1 to 4`; empty where no range is known.
fn range(base: &Experiment, field: &AxisField) -> String {
    let absurd = match field.values {
        Values::Real => vec![Value::from(1e300), Value::from(-1e300)],
        _ => vec![u32::MAX.into()],
    };
    absurd.into_iter().find_map(|value| refusal(base, field, value)).unwrap_or_default()
}

/// What the experiment's own check allows instead of a value; `None` where it takes it.
fn refusal(base: &Experiment, field: &AxisField, absurd: Value) -> Option<String> {
    let problems = match field.name.strip_prefix("world.") {
        Some(path) => {
            let mut world = base.world.clone();
            set(&mut world, path, &absurd).err().map(|problem| vec![problem]).or_else(|| world.validate().err())
        }
        None => Setter::new(base).set(&[(field.name.clone(), absurd)]).err(),
    };
    let found = problems.into_iter().flatten().find(|problem| canonical(&problem.field) == field.name);
    found.map(|problem| format!(", {}", problem.allowed))
}

#[cfg(test)]
mod tests;
