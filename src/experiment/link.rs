//! An experiment in a URL fragment: only what differs from a preset, with a version.
//!
//! `#v=2&preset=markov&data.topics=64&world="markov:k=2"`: a dotted field and its value as JSON (quotes around a
//! bare string may be left out), percent-encoded. A link of an earlier version starts from the preset as it was then. A text is far too long for a link, which then keeps the preset's world.

use serde_json::{Map, Value};

use super::{Experiment, Preset, Problem, VERSION, WorldSpec, json, preset::PRESETS, version::OLDEST};

/// A preset and what was changed in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    pub preset: &'static str,
    pub experiment: Experiment,
}

/// Fields of `experiment` that differ from `base`, dotted, in order. The world is one field; a text counts as no difference.
pub fn differences(base: &Experiment, experiment: &Experiment) -> Vec<(String, Value)> {
    // A text would be written out only to be left out.
    let without = |e: &Experiment| Experiment { world: base.world.clone(), ..e.clone() };
    let changed = match experiment.world {
        WorldSpec::Text(_) => flat(&without(experiment)),
        _ => flat(experiment),
    };
    let base = flat(base);
    changed.into_iter().filter(|(key, value)| base.get(key) != Some(value)).collect()
}

/// `base` with the given fields set; a field that does not exist, or a value of the wrong type, is a [`Problem`].
pub fn with_fields(base: &Experiment, fields: &[(String, Value)]) -> Result<Experiment, Vec<Problem>> {
    let mut value = serde_json::to_value(base).unwrap_or_default();
    let known = flat(base);
    let mut problems = Vec::new();
    for (key, new) in fields {
        if !known.contains_key(key) {
            problems.push(Problem::new(
                key,
                json::text(new),
                "a field of an experiment",
                "The link may be from another version.",
            ));
            continue;
        }
        let pointer = format!("/{}", key.replace('.', "/"));
        if let Some(slot) = value.pointer_mut(&pointer) {
            *slot = new.clone();
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Experiment::from_value(value)
}

/// The fragment, without `#`.
pub fn to_fragment(preset: &Preset, experiment: &Experiment) -> String {
    let mut text = format!("v={VERSION}&preset={}", preset.name);
    for (key, value) in differences(&preset.experiment(), experiment) {
        let value = match &value {
            Value::String(s) => s.clone(),
            other => json::text(other),
        };
        text.push_str(&format!("&{key}={}", encode(&value)));
    }
    text
}

/// Reads a fragment (with or without `#`). An empty one is the first preset.
pub fn from_fragment(fragment: &str) -> Result<Link, Vec<Problem>> {
    let (mut preset, mut version) = (&PRESETS[0], VERSION);
    let mut fields = Vec::new();
    for part in fragment.trim_start_matches('#').split('&').filter(|p| !p.is_empty()) {
        let broken = |advice: &str| vec![Problem::new("link", format!("\"{part}\""), "name=value", advice)];
        let (key, value) = part.split_once('=').ok_or_else(|| broken("The link may have been cut."))?;
        let text = decode(value).ok_or_else(|| broken("Its % signs cannot be decoded; the link may have been cut."))?;
        match key {
            "v" => {
                let known = text.parse().ok().filter(|v| (OLDEST..=VERSION).contains(v));
                version = known.ok_or_else(|| {
                    let allowed = format!("{OLDEST} to {VERSION}");
                    vec![Problem::new("version", text, &allowed, "The link is from another version of the playground.")]
                })?;
            }
            "preset" => {
                preset = Preset::named(&text).ok_or_else(|| {
                    let names = PRESETS.iter().map(|p| p.name).collect::<Vec<_>>().join(", ");
                    vec![Problem::new("preset", format!("\"{text}\""), &format!("one of {names}"), "")]
                })?;
            }
            _ => {
                let value = json::read(&text).unwrap_or(Value::String(text));
                fields.push((key.to_string(), value));
            }
        }
    }
    let experiment = with_fields(&preset.experiment_in(version), &fields)?;
    Ok(Link { preset: preset.name, experiment })
}

fn flat(experiment: &Experiment) -> Map<String, Value> {
    let mut out = Map::new();
    if let Ok(Value::Object(top)) = serde_json::to_value(experiment) {
        for (key, value) in top {
            match value {
                // Every part but the world is a flat struct.
                Value::Object(part) if key != "world" => {
                    for (inner, value) in part {
                        out.insert(format!("{key}.{inner}"), value);
                    }
                }
                value if key != "version" => {
                    out.insert(key, value);
                }
                _ => {}
            }
        }
    }
    out
}

/// Percent-encodes what a fragment cannot carry, and what chat programs cut links at.
fn encode(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' | b',' | b'=' => {
                out.push(byte as char)
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn decode(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i] == b'%' {
            let hex = bytes.get(i + 1..i + 3)?;
            out.push(u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()?);
            i += 3;
        } else {
            out.push(bytes[i]);
            i += 1;
        }
    }
    String::from_utf8(out).ok()
}
