//! What an experiment's fields are called on a chart, and where the values of a sweep's axis stand on it.

use std::borrow::Cow;

use charts::axis::XAxis;
use serde_json::Value;

use crate::{
    experiment::{json, sweep::Axis},
    number,
};

/// Fields with a symbol of their own: symbol, and what it counts.
const FIELDS: &[(&str, &str, &str)] = &[
    ("data.topics", "K", "topics"),
    ("data.sequences", "N", "sequences per topic"),
    ("data.length", "T", "tokens per sequence"),
    ("evaluation.prompt_length", "T_p", "tokens per prompt"),
    ("bound.topics", "K′", "topics of the topic-dependent prior"),
    ("bound.sequences", "N′", "sequences per topic of the data-dependent prior"),
    ("training.learning_rate", "learning rate", ""),
    ("training.steps", "steps", ""),
    ("training.batch", "batch", "sequences per step"),
    ("net.width", "width", ""),
    ("net.blocks", "blocks", ""),
    ("net.heads", "heads", ""),
    ("net.architecture", "architecture", ""),
    ("net.positions", "positions", ""),
    ("net.norm", "norm", ""),
    ("net.mlp", "MLP", ""),
    ("net.init", "initialization", ""),
    ("training.optimizer", "optimizer", ""),
    ("training.schedule", "schedule", ""),
    ("prior.steps", "prior steps", "in each of two stages"),
];

/// `K`, `learning rate`, `world.n`, `weight of component 0`.
pub fn symbol(field: &str) -> Cow<'_, str> {
    match FIELDS.iter().find(|f| f.0 == field) {
        Some((_, symbol, _)) => Cow::Borrowed(*symbol),
        None => within_mixture(field).map_or(Cow::Borrowed(field), Cow::Owned),
    }
}

/// `weight of component 0`, `component 1`, `p of component 1`: parts of a mixture that is no part of another.
fn within_mixture(field: &str) -> Option<String> {
    let (place, rest) = field.strip_prefix("world.mixture.")?.split_once('.')?;
    match rest.strip_prefix("world.").unwrap_or(rest) {
        "world" => Some(format!("component {place}")),
        inner if inner.contains('.') => None,
        name => Some(format!("{name} of component {place}")),
    }
}

/// `K, topics`: an axis' name.
pub fn explained(field: &str) -> String {
    match FIELDS.iter().find(|f| f.0 == field) {
        Some((_, symbol, about)) if !about.is_empty() => format!("{symbol}, {about}"),
        _ => symbol(field).into(),
    }
}

/// A value as people write it: `16`, `0.001`, `gelu`.
pub fn named(value: &Value) -> String {
    match (value, value.as_f64()) {
        (Value::String(text), _) => text.clone(),
        (_, Some(x)) => plain_number(x),
        (other, None) => json::text(other),
    }
}

/// `K = 16, N = 4`.
pub fn setting<'a>(axes: impl Iterator<Item = (&'a str, &'a Value)>) -> String {
    axes.map(|(field, value)| format!("{} = {}", symbol(field), named(value))).collect::<Vec<_>>().join(", ")
}

/// A round number as it would be written: `16`, `0.001`, `1e−5`, `20,000`.
pub fn plain_number(v: f64) -> String {
    let size = v.abs();
    if size != 0.0 && !(1e-4..1e7).contains(&size) {
        return format!("{v:e}").replace('-', "−");
    }
    let decimals = (0..9).find(|d| (v * 10f64.powi(*d) - (v * 10f64.powi(*d)).round()).abs() < 1e-6 * (1.0 + size));
    number::fixed(v, decimals.unwrap_or(4) as usize)
}

/// The horizontal axis for the values of a sweep's axis, in their order. Numbers stand in proportion, or evenly in their logarithms where
/// they are spread that way; everything else stands evenly.
pub fn x_axis(axis: &Axis) -> XAxis {
    let numbers: Option<Vec<f64>> = axis.values.iter().map(Value::as_f64).collect();
    let count = axis.values.len();
    let (shares, log) = match numbers {
        Some(x) if count > 1 => {
            let log = is_log_spaced(&x);
            let at = |v: f64| if log { v.ln() } else { v };
            let low = x.iter().copied().map(at).fold(f64::INFINITY, f64::min);
            let high = x.iter().copied().map(at).fold(f64::NEG_INFINITY, f64::max);
            (x.iter().map(|v| (at(*v) - low) / (high - low)).collect::<Vec<_>>(), log)
        }
        _ if count == 1 => (vec![0.5], false),
        _ => ((0..count).map(|i| i as f64 / (count - 1) as f64).collect(), false),
    };
    // Room for error bars and words at both ends.
    let places = shares.into_iter().map(|share| 0.06 + 0.88 * share);
    let ticks = places.zip(&axis.values).map(|(place, value)| (place, named(value))).collect();
    let name = explained(&axis.field);
    let name = if log { format!("{name} (log scale)") } else { name };
    XAxis { word: format!("{} =", symbol(&axis.field)), ..XAxis::settings(name, ticks) }
}

/// The place of a value on [`x_axis`]; `None` where the axis does not have it.
pub fn place(x: &XAxis, axis: &Axis, value: &Value) -> Option<f64> {
    let index = axis.values.iter().position(|v| v == value)?;
    x.ticks.as_ref()?.get(index).map(|tick| tick.0)
}

/// Positive, over a factor of four or more, and more even in logarithms than as they are.
fn is_log_spaced(x: &[f64]) -> bool {
    let mut sorted = x.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (sorted[0], sorted[sorted.len() - 1]);
    if low <= 0.0 || high < 4.0 * low {
        return false;
    }
    let unevenness = |at: fn(f64) -> f64| {
        let span = at(high) - at(low);
        sorted.windows(2).map(|w| (at(w[1]) - at(w[0])) / span).fold(0.0, f64::max)
    };
    sorted.len() == 2 || unevenness(f64::ln) < unevenness(|v| v)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(field: &str, values: Vec<Value>) -> Axis {
        Axis { field: field.into(), values }
    }

    fn places(axis: &Axis) -> (XAxis, Vec<f64>) {
        let x = x_axis(axis);
        let places = axis.values.iter().filter_map(|value| place(&x, axis, value)).collect();
        (x, places)
    }

    #[test]
    fn values_stand_where_they_belong() {
        let (k, at) = places(&axis("data.topics", vec![4.into(), 16.into(), 64.into()]));
        assert_eq!((k.name.as_str(), k.place(0.5)), ("K, topics (log scale)", "K = 16".into()));
        assert!((at[1] - 0.5).abs() < 1e-12);
        let (steps, at) = places(&axis("prior.steps", vec![0.into(), 100.into(), 400.into()]));
        assert_eq!(steps.name, "prior steps, in each of two stages");
        assert!((at[1] - (0.06 + 0.22)).abs() < 1e-12);
        let (words, _) = places(&axis("net.mlp", vec!["none".into(), "gelu".into(), "gated".into()]));
        assert_eq!(words.ticks(9)[1], (0.5, "gelu".into()));
        assert_eq!(places(&axis("data.topics", vec![4.into()])).1, [0.06 + 0.44]);
        let (rates, _) = places(&axis("training.learning_rate", vec![1e-3.into(), 5e-3.into()]));
        assert_eq!(rates.name, "learning rate (log scale)");
        assert_eq!(setting([("data.topics", &Value::from(4)), ("x", &"y".into())].into_iter()), "K = 4, x = y");
    }

    #[test]
    fn what_is_within_a_mixture_has_a_name() {
        let names =
            ["world.mixture.0.weight", "world.mixture.1.world", "world.mixture.1.world.p", "world.n"].map(symbol);
        assert_eq!(names, ["weight of component 0", "component 1", "p of component 1", "world.n"]);
        let deep = "world.mixture.1.world.mixture.0.weight";
        assert_eq!((symbol(deep), explained("world.mixture.0.weight")), (deep.into(), "weight of component 0".into()));
        assert_eq!(setting([("net.mlp", &Value::from("gelu"))].into_iter()), "MLP = gelu");
    }

    #[test]
    fn round_numbers_are_written_as_people_do() {
        assert_eq!(["0.001", "64", "20,000", "1e−5", "0"], [1e-3, 64.0, 2e4, 1e-5, 0.0].map(plain_number));
    }
}
