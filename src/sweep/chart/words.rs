//! How an experiment's fields are called on a chart, and where the values of an axis stand on it.

use serde_json::Value;

use super::plain_number;
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
    ("prior.steps", "prior steps", "in each of two stages"),
];

/// `K`, `learning rate`, `world.n`.
pub fn symbol(field: &str) -> &str {
    FIELDS.iter().find(|f| f.0 == field).map_or(field, |f| f.1)
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

/// Where the values of an axis stand, each a share from 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// With the unit, and `log scale` where it is one.
    pub name: String,
    pub ticks: Vec<(f64, String)>,
    /// Of the axis' values, in the axis' order.
    shares: Vec<f64>,
}

impl Place {
    /// Numbers stand in proportion, or evenly in their logarithms where they are spread that way; everything else stands evenly.
    pub fn of(axis: &Axis) -> Self {
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
        let shares: Vec<f64> = shares.into_iter().map(|s| 0.06 + 0.88 * s).collect();
        let mut ticks: Vec<(f64, String)> = Vec::new();
        for (share, value) in shares.iter().zip(&axis.values) {
            // A tick that would stand on another is left out.
            if ticks.iter().all(|(other, _)| (other - share).abs() > 0.055) {
                ticks.push((*share, named(value)));
            }
        }
        let name = explained(&axis.field);
        Self { name: if log { format!("{name} (log scale)") } else { name }, ticks, shares }
    }

    /// Steps from 0 to `last`.
    pub fn of_steps(last: usize) -> Self {
        let scale = crate::scale::Scale::linear(0.0, last as f64);
        let ticks = scale.ticks(6).into_iter().map(|(v, _)| (scale.share(v), number::count(v as usize))).collect();
        Self { name: "training step".into(), ticks, shares: Vec::new() }
    }

    /// A scale of its own.
    pub fn of_values(name: String, scale: &crate::scale::Scale) -> Self {
        let ticks = super::value_ticks(scale).into_iter().map(|(v, text)| (scale.share(v), text)).collect();
        Self { name: if scale.log { format!("{name} (log scale)") } else { name }, ticks, shares: Vec::new() }
    }

    /// Ticks that someone else placed.
    pub fn of_ticks(name: String, ticks: Vec<(f64, String)>) -> Self {
        Self { name, ticks, shares: Vec::new() }
    }

    /// The share of the axis' value number `index`.
    pub fn share(&self, index: usize) -> f64 {
        self.shares.get(index).copied().unwrap_or(0.5)
    }
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

    #[test]
    fn values_stand_where_they_belong() {
        let k = Place::of(&axis("data.topics", vec![4.into(), 16.into(), 64.into()]));
        assert_eq!(k.name, "K, topics (log scale)");
        assert!((k.share(1) - 0.5).abs() < 1e-12);
        let steps = Place::of(&axis("prior.steps", vec![0.into(), 100.into(), 400.into()]));
        assert_eq!(steps.name, "prior steps, in each of two stages");
        assert!((steps.share(1) - (0.06 + 0.22)).abs() < 1e-12);
        let words = Place::of(&axis("net.mlp", vec!["none".into(), "gelu".into(), "gated".into()]));
        assert_eq!((words.ticks[1].clone(), words.ticks.len()), ((0.5, "gelu".into()), 3));
        assert_eq!(Place::of(&axis("data.topics", vec![4.into()])).share(0), 0.06 + 0.44);
        let rates = Place::of(&axis("training.learning_rate", vec![1e-3.into(), 5e-3.into()]));
        assert_eq!(rates.name, "learning rate (log scale)");
        assert_eq!(setting([("data.topics", &Value::from(4)), ("x", &"y".into())].into_iter()), "K = 4, x = y");
    }
}
