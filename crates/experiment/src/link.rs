//! An experiment in a URL fragment: only what differs from a preset, with a version.
//!
//! `#v=2&preset=markov&data.topics=64&world="markov:k=2"`: a dotted field and its value as JSON (quotes around a
//! bare string may be left out), percent-encoded. A link of an earlier version starts from the preset as it was then. A text is far too long for a link, which then keeps the preset's world.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{
    Experiment, Preset, Problem, VERSION, WorldSpec, json, preset::PRESETS, problem::MOST, read, version::OLDEST,
};

/// As often as a link may have been percent-encoded on its way.
const MOST_TIMES: usize = 4;

/// What a link says: a preset, and the experiment that its changes make of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// The name of the preset that the link starts from.
    pub preset: &'static str,
    /// The preset's experiment with the link's changes; it is sound.
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

/// Sets fields of `base`, each given by its dotted name and its value.
///
/// # Errors
///
/// A field does not exist, a value has the wrong type, or the experiment with all fields set is not
/// sound.
pub fn with_fields(base: &Experiment, fields: &[(String, Value)]) -> Result<Experiment, Vec<Problem>> {
    Setter::new(base).set(fields)
}

/// Sets fields of one experiment, again and again.
pub struct Setter<'a> {
    base: &'a Experiment,
    /// Without its world, which may be a long text.
    value: Value,
    known: Map<String, Value>,
}

impl<'a> Setter<'a> {
    /// Prepares for many calls of [`Self::set`] on the same experiment.
    pub fn new(base: &'a Experiment) -> Self {
        let plain = Experiment { world: WorldSpec::default(), ..base.clone() };
        Self { base, value: serde_json::to_value(&plain).unwrap_or_default(), known: flat(&plain) }
    }

    /// The value that the base has of a field, which shows the field's type; `None` where there is
    /// no such field. The world is not asked for here: it is always the default.
    pub fn usual(&self, field: &str) -> Option<&Value> {
        self.known.get(field)
    }

    /// Sets fields of the base, as [`with_fields`] does.
    ///
    /// # Errors
    ///
    /// As [`with_fields`].
    pub fn set(&self, fields: &[(String, Value)]) -> Result<Experiment, Vec<Problem>> {
        self.set_in(&self.base.world, fields)
    }

    /// As [`Self::set`], in `world` in place of the base's. A field `world` goes before both.
    ///
    /// # Errors
    ///
    /// As [`with_fields`].
    pub fn set_in(&self, world: &WorldSpec, fields: &[(String, Value)]) -> Result<Experiment, Vec<Problem>> {
        let mut value = self.value.clone();
        let (mut problems, mut own_world) = (Vec::new(), false);
        for (key, new) in fields {
            if !self.known.contains_key(key) {
                if problems.len() < MOST {
                    let advice = "The link may be from another version.";
                    problems.push(Problem::new(key, json::text(new), "a field of an experiment", advice));
                }
                continue;
            }
            own_world |= key == "world";
            let pointer = format!("/{}", key.replace('.', "/"));
            if let Some(slot) = value.pointer_mut(&pointer) {
                *slot = new.clone();
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        read::experiment(value, (!own_world).then(|| world.clone()))
    }
}

/// Writes an experiment as a link's fragment, without `#`: the preset, and what differs from it. A
/// text is left out.
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

/// Reads a fragment (with or without `#`), also one that was encoded on its way (see [`plain`]). An empty one is the first preset.
///
/// # Errors
///
/// A part is no `name=value`, a field is given twice, version or preset are unknown, or what
/// [`with_fields`] refuses.
pub fn from_fragment(fragment: &str) -> Result<Link, Vec<Problem>> {
    let (mut preset, mut version) = (&PRESETS[0], VERSION);
    let mut fields: Vec<(String, Value)> = Vec::new();
    let mut given = Map::new();
    for part in plain(fragment).split('&').filter(|p| !p.is_empty()) {
        let broken = |advice: &str| vec![Problem::new("link", format!("\"{part}\""), "name=value", advice)];
        let (key, value) = part.split_once('=').ok_or_else(|| broken("The link may have been cut."))?;
        let encoded = "Its % signs cannot be decoded; the link may have been cut.";
        let key = decode(key).ok_or_else(|| broken(encoded))?;
        let mut text = decode(value).ok_or_else(|| broken(encoded))?;
        // No value begins so: this one was encoded again.
        for _ in 0..MOST_TIMES {
            if text.starts_with('%') {
                text = decode(&text).ok_or_else(|| broken(encoded))?;
            }
        }
        if key.is_empty() {
            return Err(broken("The link may have been cut."));
        }
        if given.insert(key.clone(), Value::Null).is_some() {
            return Err(vec![Problem::new(
                &key,
                "given twice",
                "each field once",
                "Take one of the two out of the link.",
            )]);
        }
        match key.as_str() {
            // What is looked at, which is the page's.
            _ if key.starts_with("view.") => {}
            "v" => {
                let known = json::number(&text).and_then(|v| (OLDEST..=VERSION).find(|known| f64::from(*known) == v));
                version = known.ok_or_else(|| {
                    let (found, allowed) = (format!("\"{text}\""), format!("{OLDEST} to {VERSION}"));
                    vec![Problem::new(
                        "version",
                        found,
                        &allowed,
                        "The link is from another version of the playground.",
                    )]
                })?;
            }
            "preset" => {
                preset = Preset::named(&text).ok_or_else(|| {
                    let names = PRESETS.iter().map(|p| p.name).collect::<Vec<_>>().join(", ");
                    vec![Problem::new("preset", format!("\"{text}\""), &format!("one of {names}"), "")]
                })?;
            }
            _ => {
                let value = match text.starts_with(['{', '[']) {
                    true => json::given(&key, &text).map_err(|problem| vec![problem])?,
                    false => json::read(&text).unwrap_or(Value::String(text)),
                };
                fields.push((key, value));
            }
        }
    }
    let experiment = with_fields(&preset.experiment_in(version), &fields)?;
    Ok(Link { preset: preset.name, experiment })
}

/// A fragment without its `#`, and without what mail programs, chats and other pages did to it: `&amp;` for `&`, and all of it
/// percent-encoded, as often as it was.
pub fn plain(fragment: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(fragment.trim().trim_start_matches('#'));
    for _ in 0..MOST_TIMES {
        let Some(inner) = once(&text) else { break };
        text = Cow::Owned(inner);
    }
    if text.contains("&amp;") { Cow::Owned(text.replace("&amp;", "&")) } else { text }
}

/// Decoded once, where the signs that part fields are encoded themselves.
fn once(text: &str) -> Option<String> {
    let upper = text.to_ascii_uppercase();
    let equals = !text.contains('=') && (upper.contains("%3D") || upper.contains("%253D"));
    // `v=1%26preset=markov`: a version is a number.
    let after_version = upper.strip_prefix("V=").map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    let ampersands = after_version.is_some_and(|rest| rest.starts_with("%26") || rest.starts_with("%2526"));
    if !equals && !ampersands && !text.starts_with("%23") {
        return None;
    }
    let inner = decode(text).filter(|inner| inner != text)?;
    Some(inner.trim_start_matches('#').into())
}

/// Every field by its dotted name; the world is one field.
pub fn flat(experiment: &Experiment) -> Map<String, Value> {
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

/// Percent-encodes what a fragment's value cannot hold, and what chat programs cut links at.
pub fn encode(text: &str) -> String {
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

/// The inverse of [`encode`]; `None` where a percent sign has no two hexadecimal digits, or the bytes are no UTF-8.
pub fn decode(text: &str) -> Option<String> {
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
