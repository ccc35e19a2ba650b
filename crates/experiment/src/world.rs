//! Which world: a named one with parameters (`coins:n=10`), or a process given as JSON.
//!
//! [`KINDS`] is the one table of named worlds: their parameters drive the parser, the page's controls, the help
//! texts and the validation. The crate `worlds` builds what a [`WorldSpec`] names.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{
    Problem, Process, Text, WorldMixture, json,
    problem::{Checker, sentences},
    read, text,
};

/// A parameter of a named world.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WorldParameter {
    pub name: &'static str,
    pub default: f64,
    pub low: f64,
    pub high: f64,
    /// Whole numbers only.
    pub whole: bool,
    /// One line, shown beside the control.
    pub about: &'static str,
}

/// A named world.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WorldKind {
    pub name: &'static str,
    pub title: &'static str,
    /// What it is listed under.
    pub family: &'static str,
    /// One or two sentences: what a topic is, and what there is to find in context.
    pub about: &'static str,
    pub parameters: &'static [WorldParameter],
}

const fn real(name: &'static str, default: f64, low: f64, high: f64, about: &'static str) -> WorldParameter {
    WorldParameter { name, default, low, high, whole: false, about }
}

const fn whole(name: &'static str, default: f64, low: f64, high: f64, about: &'static str) -> WorldParameter {
    WorldParameter { name, default, low, high, whole: true, about }
}

const STORIES: &str = "Stories";
const COINS: &str = "Coins and dice";
const CHAINS: &str = "Chains and repetition";
const TEXT: &str = "Real text";
const VECTORS: &str = "Vectors";
const PROCESSES: &str = "Hidden Markov processes";

const fn switch(name: &'static str, about: &'static str) -> WorldParameter {
    whole(name, 0.0, 0.0, 1.0, about)
}

/// Most states of a chain of order 2.
const MAX_SECOND_ORDER: f64 = 5.0;

/// Every named world; `world::named` builds the processes. The first is the default.
pub const KINDS: &[WorldKind] = &[
    WorldKind {
        name: "dursley-wonka",
        title: "Dursley or Wonka",
        family: STORIES,
        about: "Two stories that differ in one name only. The topic is the name: it costs ln 2 once, and is known ever after.",
        parameters: &[
            real("p", 0.4, 0.0, 1.0, "Probability of moving between Something and Blah"),
            real("q", 0.25, 0.0, 1.0, "Probability that the next word is Mr; p + q is at most 1"),
            switch("bos", "1: every sequence opens with a begin token of the world's own (a sixth token)"),
        ],
    },
    WorldKind {
        name: "mr-name",
        title: "One story, one name",
        family: STORIES,
        about: "Mr is followed by the name, the name by Something or Blah. One topic: only the hidden word order is left to find.",
        parameters: &[
            real("p", 0.4, 0.0, 1.0, "Probability of moving between Something and Blah"),
            real("q", 0.25, 0.0, 1.0, "Probability that the next word is Mr; p + q is at most 1"),
        ],
    },
    WorldKind {
        name: "coin",
        title: "One coin",
        family: COINS,
        about: "Independent tosses: there is nothing to find in context, and the loss is flat.",
        parameters: &[real("p", 0.5, 0.0, 1.0, "Probability of token 0")],
    },
    WorldKind {
        name: "coins",
        title: "N coins",
        family: COINS,
        about: "One of n coins is drawn, with probability (i+1)/(n+1) of token 0, and tossed. The topic is the coin.",
        parameters: &[whole("n", 10.0, 1.0, 1000.0, "How many coins there are")],
    },
    WorldKind {
        name: "beta-coin",
        title: "Coin with a Beta prior",
        family: COINS,
        about: "A coin of unknown bias from a continuum: the excess loss tends to 1/(2L).",
        parameters: &[
            real("a", 1.0, 0.05, 100.0, "First parameter of the Beta prior on P(0)"),
            real("b", 1.0, 0.05, 100.0, "Second parameter of the Beta prior on P(0)"),
        ],
    },
    WorldKind {
        name: "dice",
        title: "Dice with a Dirichlet prior",
        family: COINS,
        about: "Tokens are drawn independently from v probabilities, which have a Dirichlet prior: the excess loss tends to (v − 1)/(2L).",
        parameters: &[
            whole("v", 6.0, 2.0, 64.0, "Number of tokens, the faces of the dice"),
            real("alpha", 1.0, 0.05, 100.0, "Concentration of the Dirichlet: small is loaded, large is fair"),
        ],
    },
    WorldKind {
        name: "markov",
        title: "Markov chains",
        family: CHAINS,
        about: "Each topic is a k-state chain whose rows come from a Dirichlet: bigrams must be counted in context.",
        parameters: &[
            whole("k", 3.0, 2.0, 8.0, "States of the chain, which are its tokens"),
            real("alpha", 1.0, 0.05, 100.0, "Concentration of each row's Dirichlet: small is peaked, large is even"),
            whole("order", 1.0, 1.0, 2.0, "How many tokens the next one depends on; with 2, at most 5 states"),
            whole(
                "pool",
                0.0,
                0.0,
                1000.0,
                "0: a new chain for every topic. Else: topics come from a pool of so many chains",
            ),
        ],
    },
    WorldKind {
        name: "repeat",
        title: "Repeated block",
        family: CHAINS,
        about: "A random block of tokens, repeated to the end: after the first copy everything is known, if one can copy.",
        parameters: &[
            whole("block", 8.0, 1.0, 256.0, "Tokens in the block"),
            whole("v", 8.0, 2.0, 256.0, "How many different tokens there are"),
        ],
    },
    WorldKind {
        name: "ginc",
        title: "GINC",
        family: CHAINS,
        about: "Documents about hidden concepts (Xie et al. 2021): entities and properties change slowly, the concept never does.",
        parameters: &[
            whole("v", 50.0, 20.0, 150.0, "Tokens; token 0 is the delimiter"),
            whole("concepts", 5.0, 1.0, 20.0, "How many concepts there are: the topics"),
            whole("entities", 10.0, 2.0, 10.0, "Values that the slowly changing part takes"),
            whole("properties", 10.0, 2.0, 10.0, "Slots that the concept's own order runs through"),
            real("identity", 0.9, 0.0, 1.0, "Weight of keeping the entity; 0 makes entities change at every token"),
            switch("ood", "1: other concepts, out of the distribution of those with 0"),
            switch("random", "1: an ablation, tokens drawn evenly and independently"),
            whole("draw", 0.0, 0.0, 1000.0, "Which random memory and concepts: another number, another world"),
        ],
    },
    WorldKind {
        name: "golden-mean",
        title: "Golden mean",
        family: PROCESSES,
        about: "Never two 1s in a row. One token of memory is all there is to know.",
        parameters: &[real("p", 0.5, 0.0, 1.0, "Probability of a 1 where one is allowed")],
    },
    WorldKind {
        name: "even",
        title: "Even process",
        family: PROCESSES,
        about: "Runs of 1s have even length: no finite memory of tokens tells where in a run one stands.",
        parameters: &[real("p", 0.5, 0.0, 1.0, "Probability that a pair of 1s begins")],
    },
    WorldKind {
        name: "five-three-golden-mean",
        title: "5-3 golden mean",
        family: PROCESSES,
        about: "A 1 brings five in all, then three 0s: eight states, long deterministic stretches.",
        parameters: &[real("p", 0.5, 0.0, 1.0, "Probability that a stretch of 1s begins")],
    },
    WorldKind {
        name: "teddy-bear",
        title: "Teddy bear",
        family: PROCESSES,
        about: "From its middle state two loops lead away, one through 1s and one through 2s and back through 0s.",
        parameters: &[
            real("p", 0.3, 0.0, 1.0, "Probability of the loop of 1s"),
            real("q", 0.3, 0.0, 1.0, "Probability of the loop of 2s; p + q is at most 1"),
        ],
    },
    WorldKind {
        name: "sns",
        title: "Simple nonunifilar source",
        family: PROCESSES,
        about: "Two states that the tokens never quite reveal: beliefs go on for ever, one for each count of 0s since the last 1.",
        parameters: &[
            real("p", 0.5, 0.0, 1.0, "Probability of moving on while still emitting 0"),
            real("q", 0.5, 0.0, 1.0, "Probability of the 1 that leads back"),
        ],
    },
    WorldKind {
        name: "z1r",
        title: "Zero, one, random",
        family: PROCESSES,
        about: "A 0, a 1, a toss, over and over. What is hidden is the phase.",
        parameters: &[real("p", 0.5, 0.0, 1.0, "Probability that the toss gives 1")],
    },
    WorldKind {
        name: "rrxor",
        title: "Random, random, XOR",
        family: PROCESSES,
        about: "Two tosses and their exclusive or, over and over: the phase is hard to find, and the loss falls late.",
        parameters: &[
            real("p1", 0.5, 0.0, 1.0, "Probability that the first toss gives 0"),
            real("p2", 0.5, 0.0, 1.0, "Probability that the second toss gives 0"),
        ],
    },
    WorldKind {
        name: "mess3",
        title: "Mess3",
        family: PROCESSES,
        about: "Three states seen through noise: an observer's beliefs form a fractal in the triangle.",
        parameters: &[
            real("x", 0.15, 0.0, 0.5, "Probability of moving to each of the two other states"),
            real("a", 0.6, 0.0, 1.0, "Probability that the token shows the state that was entered"),
        ],
    },
    WorldKind {
        name: "udhr",
        title: "Which language is this?",
        family: TEXT,
        about: "The Universal Declaration of Human Rights in many languages, character by character. The topic is the language.",
        parameters: &[
            whole("languages", 10.0, 2.0, 100.0, "How many languages there are: the topics"),
            whole(
                "characters",
                128.0,
                16.0,
                512.0,
                "The most frequent characters are tokens of their own; one token is all others",
            ),
            switch("bytes", "1: read as the 256 bytes of UTF-8 instead of characters"),
        ],
    },
    WorldKind {
        name: "lds",
        title: "Linear dynamical system",
        family: VECTORS,
        about: "Vectors instead of tokens: the next one is W times the last plus noise. The topic is W, to be estimated in context.",
        parameters: &[
            whole("d", 2.0, 2.0, 5.0, "Entries of a vector"),
            real("noise", 0.1, 0.01, 1.0, "Standard deviation of the noise in each entry"),
            real(
                "sw",
                0.25,
                0.01,
                1.0,
                "Standard deviation of the entries of W; where they are large, sequences explode",
            ),
            whole(
                "start",
                1.0,
                0.0,
                1.0,
                "0: starts at rest, from noise alone; 1: the first vector is standard normal",
            ),
            real(
                "radius",
                0.0,
                0.0,
                0.99,
                "0: W as drawn, and exact Bayes is known; above 0: W is rescaled to this spectral radius",
            ),
        ],
    },
];

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

    pub fn is_vectors(self) -> bool {
        matches!(self, Self::Vectors(_))
    }

    /// What a loss is counted per: `token` or `vector`.
    pub fn word(self) -> &'static str {
        if self.is_vectors() { "vector" } else { "token" }
    }
}

impl WorldKind {
    pub fn named(name: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.name == name)
    }
}

/// Which world an experiment runs in.
#[derive(Clone, Debug, PartialEq)]
pub enum WorldSpec {
    /// A row of [`KINDS`] with a value for each of its parameters, in their order.
    Named { kind: &'static str, parameters: Vec<f64> },
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
            Self::Named { kind: "lds", .. } => Observation::Vectors(self.parameter("d") as usize),
            _ => Observation::Tokens(self.vocab()),
        }
    }

    /// V: how many tokens there are; 0 in a world of vectors.
    pub fn vocab(&self) -> usize {
        match self {
            Self::Named { kind, .. } => match *kind {
                "dursley-wonka" => 5 + usize::from(self.parameter("bos") == 1.0),
                "mr-name" => 4,
                "markov" => self.parameter("k") as usize,
                "dice" | "repeat" | "ginc" => self.parameter("v") as usize,
                "teddy-bear" | "mess3" => 3,
                "udhr" if self.parameter("bytes") == 1.0 => 256,
                "udhr" => self.parameter("characters") as usize,
                "lds" => 0,
                _ => 2,
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

    /// Token names, index by index: equal names are the same token. In a world of vectors, names of the directions that samples are shown by: a vector's
    /// largest entry and its sign.
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::Named { kind: "lds", .. } => {
                (0..2 * self.observation().size()).map(|i| format!("{}x{}", ["+", "-"][i % 2], i / 2 + 1)).collect()
            }
            Self::Named { kind: "dursley-wonka" | "mr-name", .. } => {
                let name = if self.vocab() == 4 { "name" } else { "Dursley" };
                let words = ["Mr", "Something", "Blah", name, "Wonka", "<begin>"];
                words[..self.vocab()].iter().map(|&s| s.into()).collect()
            }
            Self::Named { .. } => (0..self.vocab()).map(|i| i.to_string()).collect(),
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
                // NaN, and so never above, in worlds without these parameters.
                let both = self.parameter("p") + self.parameter("q");
                if both > 1.0 + 1e-9 && !matches!(self, Self::Named { kind: "sns", .. }) {
                    check.add(Problem::new(
                        &format!("{at}.p + {at}.q"),
                        both,
                        "at most 1",
                        "They are probabilities of one choice.",
                    ));
                }
                if matches!(self, Self::Named { kind: "sns", .. }) && both == 0.0 {
                    check.add(Problem::new(
                        &format!("{at}.p + {at}.q"),
                        both,
                        "more than 0",
                        "With both 0 no state is ever left, and every distribution over the states is stationary.",
                    ));
                }
                let (k, order) = (self.parameter("k"), self.parameter("order"));
                if order == 2.0 && k > MAX_SECOND_ORDER {
                    let allowed = format!("at most {MAX_SECOND_ORDER} with order 2");
                    check.add(Problem::new(&format!("{at}.k"), k, &allowed, "There are k x k contexts to learn."));
                }
            }
            Self::Process(p) => p.check(at, check),
            Self::Mixture(m) => m.check(at, check),
            Self::Text(t) => t.check(check),
        }
    }

    /// Checks a spec that stands alone, outside an experiment.
    pub fn validate(&self) -> Result<(), Vec<Problem>> {
        let mut check = Checker::default();
        self.check(&mut check);
        check.finish()
    }

    /// Reads a process or a mixture from JSON, and checks it.
    pub fn from_json(text: &str) -> Result<Self, Vec<Problem>> {
        let value = json::given("world", text).map_err(|problem| vec![problem])?;
        let spec = Self::from_value(value).map_err(|e| vec![e])?;
        spec.validate()?;
        Ok(spec)
    }

    /// Reads the short form, or JSON, out of a value; ranges are [`WorldSpec::validate`]'s.
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
