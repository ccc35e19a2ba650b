//! Experiments, processes and mixtures out of JSON values that someone wrote: each field's type is checked by itself, so that what is
//! wrong names the field, the value and what is allowed.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    Component, Experiment, Problem, Process, VERSION, WorldMixture, WorldSpec, json,
    problem::MOST,
    process::{MAX_COMPONENTS, MAX_STATES, MAX_TOKENS},
    typed, version,
};

/// A field that holds what it must not.
struct Wrong {
    field: String,
    /// What it should be like.
    usual: Value,
    found: Value,
}

/// An experiment out of its fields; those that are left out are as usual. With `world`, whatever the fields say of the world is passed over.
pub(super) fn experiment(mut value: Value, world: Option<WorldSpec>) -> Result<Experiment, Vec<Problem>> {
    if let Some(found) = value.get("version").and_then(whole)
        && !(u64::from(version::OLDEST)..=u64::from(VERSION)).contains(&found)
    {
        return Err(vec![Problem::version(found)]);
    }
    version::modernize(&mut value);
    let Value::Object(mut fields) = value else {
        let allowed = "an object of fields, such as {\"seed\": 1}";
        return Err(vec![Problem::new("experiment", json::text(&value), allowed, "")]);
    };
    let mut problems = Vec::new();
    let given = fields.remove("world");
    let world = match (world, given) {
        (Some(world), _) => world,
        (None, None) => WorldSpec::default(),
        (None, Some(value)) => WorldSpec::from_value(value).unwrap_or_else(|problem| {
            problems.push(problem);
            WorldSpec::default()
        }),
    };
    let usual = serde_json::to_value(Experiment::default()).unwrap_or_default();
    let (mut wrong, mut too_large) = (Vec::new(), Vec::new());
    if let Value::Object(usual) = &usual {
        walk("", usual, &mut fields, &mut wrong, &mut too_large, &mut problems);
    }
    let mut sound = Value::Object(fields);
    problems.extend(wrong.into_iter().map(|wrong| wrong.problem(&mut sound)));
    problems.truncate(MOST);
    if !problems.is_empty() {
        return Err(problems);
    }
    let read = serde_json::from_value::<Experiment>(sound);
    // Every field was looked at, so that this cannot fail.
    let read = read
        .map_err(|why| vec![Problem::new("experiment", "unreadable", "the fields of an experiment", &why.to_string())]);
    let experiment = Experiment { world, ..read? };
    experiment.validate().map_err(|mut problems| {
        for problem in &mut problems {
            if let Some((_, original)) = too_large.iter().find(|(field, _)| *field == problem.field) {
                problem.value.clone_from(original);
            }
        }
        problems
    })?;
    Ok(experiment)
}

/// Compares each field with what it usually is. A wrong one is put down, and has its usual value from then on.
fn walk(
    at: &str,
    usual: &Map<String, Value>,
    fields: &mut Map<String, Value>,
    wrong: &mut Vec<Wrong>,
    too_large: &mut Vec<(String, String)>,
    problems: &mut Vec<Problem>,
) {
    for (name, found) in fields.iter_mut() {
        let field = format!("{at}{name}");
        let Some(like) = usual.get(name) else {
            if problems.len() < MOST {
                problems.push(unknown(&field, found, at, usual));
            }
            continue;
        };
        let sound = match (like, &mut *found) {
            (Value::Object(part), Value::Object(inner)) => {
                walk(&format!("{field}."), part, inner, wrong, too_large, problems);
                true
            }
            (Value::Bool(_), Value::Bool(_)) => true,
            (Value::String(_), Value::String(name)) => options(&field).contains(name),
            (Value::Number(like), Value::Number(_)) if like.is_f64() => found.as_f64().is_some_and(f64::is_finite),
            (Value::Number(_), Value::Number(_)) => match whole(found) {
                // A browser's usize holds 32 bits. Every count's range ends far below: cut to them, it is still refused, by name.
                Some(count) if count > u64::from(u32::MAX) && field != "seed" => {
                    too_large.push((field.clone(), json::text(found)));
                    *found = u32::MAX.into();
                    true
                }
                Some(count) => {
                    *found = count.into();
                    true
                }
                None => false,
            },
            _ => false,
        };
        if !sound {
            wrong.push(Wrong { field, usual: like.clone(), found: std::mem::replace(found, like.clone()) });
        }
    }
    fields.retain(|name, _| usual.contains_key(name));
}

/// A field that there is none of.
pub(super) fn unknown(field: &str, found: &Value, at: &str, usual: &Map<String, Value>) -> Problem {
    let names = usual.keys().map(|name| format!("{at}{name}")).collect::<Vec<_>>().join(", ");
    Problem::new(field, json::text(found), "a field of an experiment", &format!("There are {names}."))
}

impl Wrong {
    /// In words, with the range that the experiment's own validation tells of an absurd value.
    fn problem(self, sound: &mut Value) -> Problem {
        let kind = match &self.usual {
            Value::Bool(_) => "true or false".into(),
            Value::String(_) => format!("one of {}", options(&self.field).join(", ")),
            Value::Number(like) => {
                let (kind, absurd) = match like.is_f64() {
                    true => ("a number", Value::from(f64::MAX)),
                    false if self.field == "seed" => ("a whole number", u64::MAX.into()),
                    false => ("a whole number", u32::MAX.into()),
                };
                match self.range(sound, absurd) {
                    Some(range) => format!("{kind}, {range}"),
                    None => kind.into(),
                }
            }
            _ => "an object of fields, in braces".into(),
        };
        let advice = match (&self.usual, &self.found) {
            (Value::Number(_), Value::String(text)) => match typed::number(text) {
                Ok(number) => format!("Write {number}."),
                Err(why) => why,
            },
            _ => String::new(),
        };
        Problem::new(&self.field, json::text(&self.found), &kind, &advice)
    }

    fn range(&self, sound: &mut Value, absurd: Value) -> Option<String> {
        let slot = sound.pointer_mut(&format!("/{}", self.field.replace('.', "/")))?;
        let before = std::mem::replace(slot, absurd);
        let problems = serde_json::from_value::<Experiment>(sound.clone()).ok().and_then(|e| e.validate().err());
        if let Some(slot) = sound.pointer_mut(&format!("/{}", self.field.replace('.', "/"))) {
            *slot = before;
        }
        problems?.into_iter().find(|p| p.field == self.field).map(|p| p.allowed)
    }
}

/// The names that a field may have, as its reader tells them of one that it does not know.
pub(super) fn options(field: &str) -> Vec<String> {
    let nested = field.rsplit('.').fold(Value::from("?"), |inner, name| {
        let mut outer = Map::new();
        outer.insert(name.into(), inner);
        Value::Object(outer)
    });
    json::choices::<Experiment>(nested)
}

/// A count, however it is written: 16, 16.0 or 1.6e1.
fn whole(value: &Value) -> Option<u64> {
    let real = || value.as_f64().filter(|x| x.fract() == 0.0 && (0.0..=u64::MAX as f64).contains(x)).map(|x| x as u64);
    value.as_u64().or_else(real)
}

/// A process; ranges and sums are `Process::check`'s.
pub(super) fn process(at: &str, value: Value) -> Result<Process, Problem> {
    let mut fields = object(at, value, &["tokens", "start", "transitions"], "a process, a mixture or a text")?;
    let tokens = list(&format!("{at}.tokens"), fields.remove("tokens"), MAX_TOKENS, "token names")?;
    let name = |(i, token)| match token {
        Value::String(name) => Ok(name),
        other => {
            let field = format!("{at}.tokens[{i}]");
            Err(Problem::new(&field, json::text(&other), "a name, in quotes", ""))
        }
    };
    let tokens = tokens.into_iter().enumerate().map(name).collect::<Result<_, _>>()?;
    let start = match fields.remove("start") {
        None | Some(Value::Null) => None,
        Some(start) => Some(numbers(&format!("{at}.start"), start)?),
    };
    let field = format!("{at}.transitions");
    let matrices = match fields.remove("transitions") {
        Some(Value::Object(matrices)) => matrices,
        other => return Err(lacks(&field, other, "an object with a matrix for each token")),
    };
    // Names beyond the tokens are reported one by one by the check; so many are not even read.
    if matrices.len() > 2 * MAX_TOKENS {
        return Err(Problem::new(&field, format!("of {} matrices", matrices.len()), "one matrix per token", ""));
    }
    let mut transitions = BTreeMap::new();
    for (token, matrix) in matrices {
        let name = format!("{field}[\"{token}\"]");
        let rows = list(&name, Some(matrix), MAX_STATES, "rows")?;
        let rows = rows.into_iter().enumerate().map(|(i, row)| numbers(&format!("{name}[{i}]"), row));
        let rows = rows.collect::<Result<_, _>>()?;
        transitions.insert(token, rows);
    }
    Ok(Process { tokens, start, transitions })
}

/// A mixture; weights are `WorldMixture::check`'s.
pub(super) fn mixture(at: &str, value: Value) -> Result<WorldMixture, Problem> {
    let mut fields = object(at, value, &["mixture"], "")?;
    let field = format!("{at}.mixture");
    let parts = list(&field, fields.remove("mixture"), MAX_COMPONENTS, "parts")?;
    let part = |(i, part)| {
        let name = format!("{field}[{i}]");
        let mut fields = object(&name, part, &["weight", "world", "process"], "a part, {\"weight\": 1, \"world\": …}")?;
        let weight = match fields.remove("weight") {
            Some(Value::Number(weight)) => weight.as_f64().unwrap_or(f64::NAN),
            other => return Err(lacks(&format!("{name}.weight"), other, "a number, 0 or more")),
        };
        let name = format!("{name}.world");
        let world = match (fields.remove("world"), fields.remove("process")) {
            (Some(_), Some(_)) => return Err(Problem::new(&name, "given beside a process", "one of the two", "")),
            (Some(world), None) | (None, Some(world)) => world,
            (None, None) => return Err(lacks(&name, None, "a world")),
        };
        if world.get("text").is_some() {
            return Err(Problem::new(&name, "a text", "a world whose distribution is known", ""));
        }
        Ok(Component { weight, world: WorldSpec::from_value_at(&name, world)? })
    };
    let mixture = parts.into_iter().enumerate().map(part).collect::<Result<_, _>>()?;
    Ok(WorldMixture { mixture })
}

/// An object with none but these fields.
pub(super) fn object(at: &str, value: Value, known: &[&str], what: &str) -> Result<Map<String, Value>, Problem> {
    let Value::Object(fields) = value else {
        return Err(Problem::new(at, json::text(&value), what, ""));
    };
    match fields.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        Some((name, value)) => {
            let allowed = format!("one of {}", known.join(", "));
            Err(Problem::new(&format!("{at}.{}", super::problem::clipped(name)), json::text(value), &allowed, ""))
        }
        None => Ok(fields),
    }
}

/// A list that is no longer than what can be used.
pub(super) fn list(at: &str, value: Option<Value>, most: usize, of: &str) -> Result<Vec<Value>, Problem> {
    match value {
        Some(Value::Array(items)) if items.len() <= most => Ok(items),
        Some(Value::Array(items)) => {
            Err(Problem::new(&format!("{at}, how many"), items.len(), &format!("at most {most}"), ""))
        }
        other => Err(lacks(at, other, &format!("a list of {of}, in brackets"))),
    }
}

fn numbers(at: &str, value: Value) -> Result<Vec<f64>, Problem> {
    let items = list(at, Some(value), MAX_STATES, "numbers")?;
    let number = |(i, item): (usize, Value)| match &item {
        Value::Number(number) => Ok(number.as_f64().unwrap_or(f64::NAN)),
        other => Err(Problem::new(&format!("{at}[{i}]"), json::text(other), "a number, 0 to 1", "")),
    };
    items.into_iter().enumerate().map(number).collect()
}

pub(super) fn lacks(field: &str, found: Option<Value>, allowed: &str) -> Problem {
    Problem::new(field, found.map_or_else(|| "missing".into(), |value| json::text(&value)), allowed, "")
}
