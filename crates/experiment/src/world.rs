//! Which world: a named one with parameters (`coins:n=10`), or a process given as JSON.
//!
//! The named worlds are [`KINDS`] (`kinds`, one file each): what they say drives the parser, the page's controls, the help texts and the
//! validation. The crate `worlds` builds what a [`WorldSpec`] names.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{
    Problem, Process, Text, WorldMixture, json,
    kinds::{Events, Source, Values},
    problem::{Checker, sentences},
    read, text,
};

pub use super::kinds::{KINDS, WorldKind, WorldParameter};

/// What a world emits at each position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observation {
    /// One of so many tokens.
    Tokens(usize),
    /// A vector with so many entries.
    Vectors(usize),
}

impl Observation {
    /// How many tokens, or entries of a vector, there are.
    pub fn size(self) -> usize {
        match self {
            Self::Tokens(n) | Self::Vectors(n) => n,
        }
    }

    /// Whether the world emits vectors.
    pub fn is_vectors(self) -> bool {
        matches!(self, Self::Vectors(_))
    }

    /// The unit of a loss, in the singular: nats per `token` or per `vector`.
    pub fn word(self) -> &'static str {
        if self.is_vectors() { "vector" } else { "token" }
    }
}

/// Which world an experiment runs in.
#[derive(Clone, Debug, PartialEq)]
pub enum WorldSpec {
    /// A named world, a row of [`KINDS`].
    Named {
        /// The world's [`WorldKind::name`].
        kind: &'static str,
        /// A value for each of [`WorldKind::parameters`], in their order.
        parameters: Vec<f64>,
    },
    /// One process: a single topic.
    Process(Process),
    /// Several worlds, weighted.
    Mixture(WorldMixture),
    /// A user's own documents.
    Text(Text),
}

impl Default for WorldSpec {
    fn default() -> Self {
        Self::named(&KINDS[0])
    }
}

impl WorldSpec {
    /// A named world with its defaults.
    pub fn named(kind: &'static WorldKind) -> Self {
        Self::Named { kind: kind.name, parameters: kind.parameters.iter().map(|p| p.default).collect() }
    }

    /// The table's row, for a named world.
    pub fn kind(&self) -> Option<&'static WorldKind> {
        match self {
            Self::Named { kind, .. } => WorldKind::named(kind),
            _ => None,
        }
    }

    /// A parameter's value; NaN for a name that the world lacks.
    pub fn parameter(&self, name: &str) -> f64 {
        match self {
            Self::Named { parameters, .. } => self.place(name).map_or(f64::NAN, |i| parameters[i]),
            _ => f64::NAN,
        }
    }

    /// The parameters in the form that the functions of [`WorldKind`] take; `None` for a world that
    /// has no name.
    pub fn values(&self) -> Option<Values<'_>> {
        match self {
            Self::Named { parameters, .. } => Some(Values::new(self.kind()?, parameters)),
            _ => None,
        }
    }

    /// Where the sequences of a named world come from; `None` for another world.
    pub fn source(&self) -> Option<Source> {
        self.values().map(|v| (v.kind().source)(v))
    }

    /// Positions whose loss is worth following on its own.
    pub fn events(&self) -> Events {
        self.values().map_or(Events::Repeats, |v| (v.kind().events)(v))
    }

    /// Whether the distribution of sequences is known exactly, so that there is a least possible
    /// loss. That of a mixture is where that of each component is.
    pub fn has_exact_bayes(&self) -> bool {
        match self {
            Self::Named { .. } => self.values().is_some_and(|v| (v.kind().has_exact_bayes)(v)),
            Self::Process(_) => true,
            Self::Mixture(m) => m.mixture.iter().all(|part| part.world.has_exact_bayes()),
            Self::Text(_) => false,
        }
    }

    /// What one topic is called, and several.
    pub fn topic_words(&self) -> [&'static str; 2] {
        match self {
            Self::Text(_) => ["document", "documents"],
            _ => self.kind().map_or(["topic", "topics"], |kind| kind.topic),
        }
    }

    /// Where a parameter stands among the world's.
    fn place(&self, name: &str) -> Option<usize> {
        self.kind()?.parameters.iter().position(|p| p.name == name)
    }

    /// Sets a parameter; a name that the world lacks is left alone.
    pub fn set_parameter(&mut self, name: &str, value: f64) {
        let known = self.place(name);
        if let (Self::Named { parameters, .. }, Some(i)) = (self, known) {
            parameters[i] = value;
        }
    }

    /// What a person calls it.
    pub fn title(&self) -> String {
        match self {
            Self::Named { .. } => self.kind().map_or_else(String::new, |k| k.title.into()),
            Self::Process(_) => "Your own process".into(),
            Self::Mixture(m) => format!("Your own mixture of {}", m.mixture.len()),
            Self::Text(t) => format!("Your own text of {}", t.documents().len()),
        }
    }

    /// What is seen at each position.
    pub fn observation(&self) -> Observation {
        match self {
            Self::Named { .. } => self.values().map_or(Observation::Tokens(0), |v| (v.kind().observation)(v)),
            _ => Observation::Tokens(self.vocab()),
        }
    }

    /// V: how many tokens there are; 0 in a world of vectors.
    pub fn vocab(&self) -> usize {
        match self {
            Self::Named { .. } => match self.observation() {
                Observation::Tokens(count) => count,
                Observation::Vectors(_) => 0,
            },
            Self::Process(p) => p.tokens.len(),
            Self::Mixture(m) => m.tokens().len(),
            Self::Text(t) => t.vocab(),
        }
    }

    /// Token names as they are shown, index by index: what cannot be seen of a name goes by its number.
    pub fn tokens(&self) -> Vec<String> {
        match self {
            Self::Process(_) | Self::Mixture(_) => self.names().iter().map(|name| text::shown(name)).collect(),
            Self::Named { .. } | Self::Text(_) => self.names(),
        }
    }

    /// What a person should know of how it was read, a sentence each.
    pub fn notes(&self) -> Vec<String> {
        self.notes_at("world")
    }

    fn notes_at(&self, at: &str) -> Vec<String> {
        match self {
            Self::Process(p) => p.notes(at),
            Self::Mixture(m) => {
                let parts = m.mixture.iter().enumerate();
                parts.flat_map(|(i, part)| part.world.notes_at(&format!("{at}.mixture[{i}].world"))).take(3).collect()
            }
            Self::Named { .. } | Self::Text(_) => Vec::new(),
        }
    }

    /// Token names, index by index; equal names are the same token.
    ///
    /// In a world of vectors they name the directions that samples are shown by: a vector's largest
    /// entry and its sign.
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::Named { .. } => self.values().map_or_else(Vec::new, |v| (v.kind().tokens)(v)),
            Self::Process(p) => p.tokens.clone(),
            Self::Mixture(m) => m.tokens(),
            Self::Text(t) => t.tokens(),
        }
    }

    pub(super) fn check(&self, check: &mut Checker) {
        let before = check.len();
        self.check_at("world", check);
        if check.len() == before {
            // Sizes are counted from parameters that are within their ranges.
            self.check_size("world", check);
        }
    }

    /// `at` is what problems call this world: `world`, or `world.mixture[2].world`.
    pub(super) fn check_at(&self, at: &str, check: &mut Checker) {
        match self {
            Self::Named { .. } => {
                for p in self.kind().map_or(&[][..], |k| k.parameters) {
                    let value = self.parameter(p.name);
                    let field = format!("{at}.{}", p.name);
                    check.range(&field, value, p.low, p.high);
                    if p.whole && value.is_finite() && value.fract() != 0.0 {
                        check.add(Problem::new(&field, value, "a whole number", ""));
                    }
                }
                if let Some(values) = self.values() {
                    (values.kind().check)(values, at, check);
                }
            }
            Self::Process(p) => p.check(at, check),
            Self::Mixture(m) => m.check(at, check),
            Self::Text(t) => t.check(check),
        }
    }

    /// Checks a spec that stands alone, outside an experiment.
    ///
    /// # Errors
    ///
    /// Every problem at once; or, where there is none, that the world is too large to build.
    pub fn validate(&self) -> Result<(), Vec<Problem>> {
        let mut check = Checker::default();
        self.check(&mut check);
        check.finish()
    }

    /// Reads a process or a mixture from JSON, and checks it.
    ///
    /// # Errors
    ///
    /// Broken JSON, a field that does not exist or holds something else, or what [`Self::validate`]
    /// refuses.
    pub fn from_json(text: &str) -> Result<Self, Vec<Problem>> {
        let value = json::given("world", text).map_err(|problem| vec![problem])?;
        let spec = Self::from_value(value).map_err(|e| vec![e])?;
        spec.validate()?;
        Ok(spec)
    }

    /// Reads a world from a JSON value: the short form in a string, or an object with a process, a
    /// mixture or a text. Ranges are not checked ([`WorldSpec::validate`]).
    ///
    /// # Errors
    ///
    /// The value has none of these forms.
    pub fn from_value(value: serde_json::Value) -> Result<Self, Problem> {
        Self::from_value_at("world", value)
    }

    /// `at` is what problems call this world.
    pub(super) fn from_value_at(at: &str, value: serde_json::Value) -> Result<Self, Problem> {
        let renamed = |p: Problem| Problem { field: p.field.replacen("world", at, 1), ..p };
        match value {
            serde_json::Value::String(text) => text.parse().map_err(renamed),
            // Chosen by key, so that an error speaks of the form that was meant.
            v if v.get("mixture").is_some() => read::mixture(at, v).map(Self::Mixture),
            mut v if v.get("text").is_some() => Text::from_value(v["text"].take()).map(Self::Text).map_err(renamed),
            v @ serde_json::Value::Object(_) => read::process(at, v).map(Self::Process),
            other => {
                let allowed = "a world in its short form, such as \"coins:n=10\", or an object with a process, a mixture or a text";
                Err(Problem::new(at, json::text(&other), allowed, ""))
            }
        }
    }
}

/// The short form, `name:key=value,key=value`; parameters at their default are left out. JSON for a user's own process
/// or mixture; a text is only described.
impl fmt::Display for WorldSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named { kind, .. } => {
                write!(f, "{kind}")?;
                let changed = self
                    .kind()
                    .map_or(&[][..], |k| k.parameters)
                    .iter()
                    .filter(|p| self.parameter(p.name) != p.default);
                for (i, p) in changed.enumerate() {
                    write!(f, "{}{}={}", if i == 0 { ':' } else { ',' }, p.name, self.parameter(p.name))?;
                }
                Ok(())
            }
            Self::Process(p) => write_json(p, f),
            Self::Mixture(m) => write_json(m, f),
            Self::Text(t) => t.fmt(f),
        }
    }
}

fn write_json(world: &impl Serialize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(&json::text(&serde_json::to_value(world).map_err(|_| fmt::Error)?))
}

/// Reads the short form, or JSON. Only the shape is judged here; ranges are [`WorldSpec::validate`]'s.
impl FromStr for WorldSpec {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        if json::is_meant(text) {
            return Self::from_value(json::given("world", text)?);
        }
        let (name, rest) = text.split_once(':').unwrap_or((text, ""));
        let kind = WorldKind::named(name.trim()).ok_or_else(|| {
            let names = KINDS.iter().map(|k| k.name).collect::<Vec<_>>().join(", ");
            Problem::new("world", format!("\"{name}\""), &format!("one of {names}"), "")
        })?;
        let mut spec = Self::named(kind);
        let mut before: Option<(&str, &str)> = None;
        let mut given = Vec::new();
        for part in rest.split(',').filter(|s| !s.trim().is_empty()) {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            let (key, value) = (key.trim(), value.trim());
            if let (Some((name, whole)), true) = (before, key == part.trim() && json::number(key).is_some()) {
                let advice =
                    format!("Commas part parameters here; decimals are written with a point, {name}={whole}.{key}.");
                let value = format!("\"{whole},{key}\"");
                return Err(Problem::new(&format!("world.{name}"), value, "a number", &advice));
            }
            if !kind.parameters.iter().any(|p| p.name == key) {
                let names = kind.parameters.iter().map(|p| p.name).collect::<Vec<_>>().join(", ");
                return Err(Problem::new(
                    "world",
                    format!("\"{name}\" with a parameter \"{key}\""),
                    &format!("{names}, each written name=value"),
                    "",
                ));
            }
            if given.contains(&key) {
                return Err(Problem::new(&format!("world.{key}"), "given twice", "each parameter once", ""));
            }
            given.push(key);
            let number = json::number(value)
                .ok_or_else(|| Problem::new(&format!("world.{key}"), format!("\"{value}\""), "a number", ""))?;
            spec.set_parameter(key, number);
            before = Some((key, value));
        }
        Ok(spec)
    }
}

impl Serialize for WorldSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Named { .. } => serializer.collect_str(self),
            Self::Process(p) => p.serialize(serializer),
            Self::Mixture(m) => m.serialize(serializer),
            Self::Text(t) => t.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for WorldSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        Self::from_value(value).map_err(|p| D::Error::custom(sentences(&[p])))
    }
}
