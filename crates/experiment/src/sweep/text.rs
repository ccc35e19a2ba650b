//! The text of a grid's parts and values, read and written.

use serde_json::Value;

use super::MAX_CELLS;
use crate::{MAX_SEED, json};

/// `text` at each `by` that is not within quotes, brackets or braces; blank parts are left out.
pub(super) fn split(text: &str, by: char) -> Vec<&str> {
    let (mut parts, mut start, mut depth, mut quoted, mut escaped) = (Vec::new(), 0, 0, false, false);
    for (i, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '[' | '{' if !quoted => depth += 1,
            ']' | '}' if !quoted => depth -= 1,
            c if c == by && !quoted && depth == 0 => {
                parts.push(&text[start..i]);
                start = i + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// `1,2,5..8`: numbers, JSON, or bare words. The error says what is allowed.
pub(super) fn axis_values(text: &str) -> Result<Vec<Value>, &'static str> {
    let mut values = Vec::new();
    for part in split(text, ',') {
        let ends = part.split_once("..").map(|(a, b)| (a.trim().parse::<u64>(), b.trim().parse::<u64>()));
        match ends {
            Some((Ok(a), Ok(b))) if a <= b && b <= MAX_SEED && b - a < MAX_CELLS as u64 => {
                values.extend((a..=b).map(Value::from))
            }
            Some(_) if !part.starts_with(['"', '[', '{']) => {
                return Err("a..b with whole numbers, a at most b, and at most 10000 of them");
            }
            _ => values.push(value(part)),
        }
        if values.len() > MAX_CELLS {
            return Err("at most 10000 values");
        }
    }
    if values.is_empty() { Err("values, parted by commas") } else { Ok(values) }
}

/// Whole numbers are whole, however they are written: 1e3 is a count.
fn value(text: &str) -> Value {
    match json::number(text) {
        Some(x) if x.fract() == 0.0 && (0.0..=MAX_SEED as f64).contains(&x) => Value::from(x as u64),
        Some(x) => Value::from(x),
        None => json::given("grid", text).unwrap_or_else(|_| Value::String(text.into())),
    }
}

/// What to write for `1-3`.
pub(super) fn range_advice(value: &str) -> Option<String> {
    let (a, b) = value.trim_matches('"').split_once(['-', '\u{2013}'])?;
    let (a, b) = (a.trim().parse::<u64>().ok()?, b.trim().parse::<u64>().ok()?);
    Some(format!("Every whole number from {a} to {b} is written {a}..{b}."))
}

/// A bare word where that reads back as the same value, JSON elsewhere.
pub(super) fn value_text(v: &Value) -> String {
    match v {
        Value::String(s)
            if !s.is_empty()
                && !s.contains([',', ';', '"', '[', ']', '{', '}'])
                && !s.contains("..")
                && s.trim() == s
                && value(s) == *v =>
        {
            s.clone()
        }
        other => json::text(other),
    }
}

/// Parted by `comma`; three or more whole numbers in a row as `a..b`.
pub(super) fn values_text(values: &[Value], comma: &str) -> String {
    let (mut parts, mut i) = (Vec::new(), 0);
    while i < values.len() {
        let run = values[i].as_u64().map_or(1, |first| {
            (1..)
                .take_while(|&n| values.get(i + n as usize).and_then(Value::as_u64) == Some(first.saturating_add(n)))
                .count()
                + 1
        });
        if run >= 3 {
            parts.push(format!("{}..{}", value_text(&values[i]), value_text(&values[i + run - 1])));
            i += run;
        } else {
            parts.push(value_text(&values[i]));
            i += 1;
        }
    }
    parts.join(comma)
}
