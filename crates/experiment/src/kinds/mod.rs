//! The named worlds, one file each. A [`WorldKind`] says everything about one, and the compiler asks for every part of it.
//!
//! To add one: write its file, and name it in [`KINDS`] (docs/add-a-world.md).

use super::{Observation, Problem, WorldSize, problem::Checker};

mod beta_coin;
mod coin;
mod coins;
mod dice;
mod dursley_wonka;
mod even;
mod five_three_golden_mean;
mod ginc;
mod golden_mean;
mod lds;
mod markov;
mod mess3;
mod mr_name;
mod repeat;
mod rrxor;
mod sns;
mod teddy_bear;
mod udhr;
mod z1r;

pub use coin::label as coin_label;
pub use ginc::Ginc;

/// Every named world, in the order of lists. The first is the default.
pub const KINDS: &[WorldKind] = &[
    dursley_wonka::KIND,
    mr_name::KIND,
    coin::KIND,
    coins::KIND,
    beta_coin::KIND,
    dice::KIND,
    markov::KIND,
    repeat::KIND,
    ginc::KIND,
    golden_mean::KIND,
    even::KIND,
    five_three_golden_mean::KIND,
    teddy_bear::KIND,
    sns::KIND,
    z1r::KIND,
    rrxor::KIND,
    mess3::KIND,
    udhr::KIND,
    lds::KIND,
];

/// A named world.
#[derive(Clone, Copy, Debug)]
pub struct WorldKind {
    /// As in links and on the command line.
    pub name: &'static str,
    /// What a person calls it.
    pub title: &'static str,
    /// What it is listed under.
    pub family: &'static str,
    /// One or two sentences: what a topic is, and what there is to find in context.
    pub about: &'static str,
    /// Its parameters, in the order in which a [`WorldSpec`](crate::WorldSpec) keeps their values.
    pub parameters: &'static [WorldParameter],
    /// What one topic is called, and several.
    pub topic: [&'static str; 2],
    /// How many topics there are in all; `None` for a continuum, or for more than anybody would count.
    pub topic_count: fn(Values) -> Option<usize>,
    /// What is seen at each position.
    pub observation: fn(Values) -> Observation,
    /// Names of the tokens, in order. Of vectors: of the directions that samples are shown by.
    pub tokens: fn(Values) -> Vec<String>,
    /// How large the world is, for parameters within their ranges.
    pub size: fn(Values) -> WorldSize,
    /// Adds what is wrong beyond the parameters' own ranges. The text is what problems call this world.
    pub check: fn(Values, &str, &mut Checker),
    /// Where its sequences come from.
    pub source: fn(Values) -> Source,
    /// Whether exact Bayes is known. Else the page shows a good predictor in its place, which is no lower bound.
    pub has_exact_bayes: fn(Values) -> bool,
    /// Positions whose loss is worth following on its own.
    pub events: fn(Values) -> Events,
    /// A preset that shows it; `None` where there is none yet.
    pub preset: Option<&'static str>,
}

/// Names are given once.
impl PartialEq for WorldKind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl WorldKind {
    /// Finds a world by its name in links; `None` where there is none of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.name == name)
    }
}

/// A parameter of a named world.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WorldParameter {
    /// As in a spec: `n` in `coins:n=10`.
    pub name: &'static str,
    /// The value where a spec names none.
    pub default: f64,
    /// Smallest value that is allowed.
    pub low: f64,
    /// Largest value that is allowed.
    pub high: f64,
    /// Whole numbers only.
    pub whole: bool,
    /// One line, shown beside the control.
    pub about: &'static str,
}

/// A value for each parameter of a world.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a> {
    kind: &'static WorldKind,
    values: &'a [f64],
}

impl<'a> Values<'a> {
    /// `values` in the order of the kind's parameters.
    pub(super) fn new(kind: &'static WorldKind, values: &'a [f64]) -> Self {
        Self { kind, values }
    }

    /// The world that these are the parameters of.
    pub fn kind(self) -> &'static WorldKind {
        self.kind
    }

    /// A parameter's value; NaN for a name that the world lacks.
    pub fn get(self, name: &str) -> f64 {
        let place = self.kind.parameters.iter().position(|p| p.name == name);
        place.and_then(|i| self.values.get(i)).copied().unwrap_or(f64::NAN)
    }

    /// A parameter's value as a count: cut to a whole number; 0 for a name that the world lacks.
    pub fn count(self, name: &str) -> usize {
        self.get(name) as usize
    }

    /// Whether a parameter that is 0 or 1 is 1.
    pub fn is_on(self, name: &str) -> bool {
        self.get(name) == 1.0
    }
}

/// Where sequences come from. The crate `worlds` builds it, with its exact filter.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// Finitely many hidden Markov processes, each one a topic, all equally likely.
    Processes(Vec<LabelledProcess>),
    /// Independent tokens whose probabilities are a topic: Dirichlet(alphas).
    Dirichlet {
        /// Concentrations, one for each token.
        alphas: Vec<f64>,
    },
    /// Markov chains whose rows are drawn from Dirichlet(alpha): from a continuum, or from a finite
    /// pool.
    Chains {
        /// k: states of the chain, which are its tokens.
        states: usize,
        /// How many tokens the next one depends on, 1 or 2.
        order: usize,
        /// Concentration of each row's symmetric Dirichlet.
        alpha: f64,
        /// Chains in the pool; 0: every topic is a new chain.
        pool: usize,
    },
    /// A random block of so many tokens, repeated to the end.
    Block(usize),
    /// Concepts of GINC.
    Ginc(Ginc),
    /// A linear dynamical system; `worlds::linear` reads its parameters.
    Linear,
    /// Texts of the bundled corpus. Whoever runs the world puts them in, see
    /// [`udhr::filled`](crate::udhr::filled).
    Corpus,
}

/// One topic of a finite world.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelledProcess {
    /// The topic in a few words.
    pub label: String,
    /// The process that its sequences come from.
    pub process: Edges,
}

/// A hidden Markov process by its edges. It starts from its stationary distribution.
#[derive(Clone, Debug, PartialEq)]
pub struct Edges {
    /// Names of the hidden states, in the order that gives each its index.
    pub states: &'static [&'static str],
    /// (from, token, to, probability): in state `from` emit the token and go to state `to`.
    pub edges: Vec<(u32, u16, u32, f64)>,
    /// A further state comes first: it emits this token, and then takes up the stationary distribution.
    pub begin: Option<u16>,
}

/// Positions whose loss is followed on its own. They are sorted by what came before, never by the token itself, so that no model can be
/// better than Bayes on a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Events {
    /// The positions after the token `before`, where one of `names` comes: sorted by how many names
    /// came before.
    Names {
        /// The token that stands before a name.
        before: u16,
        /// The two names, as tokens.
        names: [u16; 2],
    },
    /// Blocks of so many tokens: the first block, its first repeat, later repeats.
    Blocks(usize),
    /// All positions, sorted by how often the last token had been there before.
    Repeats,
}

const STORIES: &str = "Stories";
const COINS: &str = "Coins and dice";
const CHAINS: &str = "Chains and repetition";
const TEXT: &str = "Real text";
const VECTORS: &str = "Vectors";
const PROCESSES: &str = "Hidden Markov processes";

const TOPICS: [&str; 2] = ["topic", "topics"];

const fn real(name: &'static str, default: f64, low: f64, high: f64, about: &'static str) -> WorldParameter {
    WorldParameter { name, default, low, high, whole: false, about }
}

const fn whole(name: &'static str, default: f64, low: f64, high: f64, about: &'static str) -> WorldParameter {
    WorldParameter { name, default, low, high, whole: true, about }
}

const fn switch(name: &'static str, about: &'static str) -> WorldParameter {
    whole(name, 0.0, 0.0, 1.0, about)
}

/// Tokens named by their numbers.
fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|i| i.to_string()).collect()
}

/// For worlds whose parameters have no more to fulfil than their ranges.
fn nothing_more(_: Values, _: &str, _: &mut Checker) {}

/// p and q are probabilities of one choice.
fn one_choice(values: Values, at: &str, check: &mut Checker) {
    let both = values.get("p") + values.get("q");
    if both > 1.0 + 1e-9 {
        check.add(Problem::new(
            &format!("{at}.p + {at}.q"),
            both,
            "at most 1",
            "They are probabilities of one choice.",
        ));
    }
}

/// A world of one topic, which is this process.
fn single(label: &str, states: &'static [&'static str], edges: Vec<(u32, u16, u32, f64)>) -> Source {
    Source::Processes(vec![LabelledProcess { label: label.into(), process: Edges { states, edges, begin: None } }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Preset, WorldSpec};

    #[test]
    fn the_parts_of_each_world_agree() {
        for kind in KINDS {
            let name = kind.name;
            assert_eq!(KINDS.iter().filter(|other| other.name == name).count(), 1, "two worlds are called {name}");
            let spec = WorldSpec::named(kind);
            assert_eq!(spec.validate(), Ok(()), "{name} with its defaults");
            let values = spec.values().expect("a named world");
            let tokens = (kind.tokens)(values).len();
            match (kind.observation)(values) {
                Observation::Tokens(count) => assert_eq!(tokens, count, "{name}: names of its tokens"),
                Observation::Vectors(entries) => assert_eq!(tokens, 2 * entries, "{name}: names of its directions"),
            }
            for p in kind.parameters {
                let twice = kind.parameters.iter().filter(|other| other.name == p.name).count() > 1;
                assert!(!twice, "{name} has two parameters {}", p.name);
                assert!(
                    p.low <= p.default && p.default <= p.high,
                    "{name}.{}: its default is out of its range",
                    p.name
                );
                assert!(!p.about.is_empty(), "{name}.{} says nothing of itself", p.name);
            }
            if let Some(preset) = kind.preset {
                let found = Preset::named(preset);
                let found = found.unwrap_or_else(|| panic!("{name}: no preset is called {preset} (preset.rs)"));
                let shown = found.experiment().world.kind().map(|kind| kind.name);
                assert_eq!(shown, Some(name), "the preset {preset} is of another world");
            }
        }
        // The page lists each family once.
        let mut families: Vec<&str> = KINDS.iter().map(|kind| kind.family).collect();
        families.dedup();
        for family in &families {
            let count = families.iter().filter(|other| *other == family).count();
            assert_eq!(count, 1, "the worlds of the family {family} do not stand together in KINDS");
        }
    }

    /// A world with its defaults, and with each parameter at both ends of its range, where that is allowed.
    fn settings(kind: &'static WorldKind) -> Vec<WorldSpec> {
        let usual = WorldSpec::named(kind);
        let mut all = vec![usual.clone()];
        for p in kind.parameters {
            for value in [p.low, p.high] {
                let mut spec = usual.clone();
                spec.set_parameter(p.name, value);
                all.extend(spec.validate().is_ok().then_some(spec));
            }
        }
        all
    }

    #[test]
    fn processes_go_somewhere_from_every_state() {
        for spec in KINDS.iter().flat_map(settings) {
            let values = spec.values().expect("a named world");
            let kind = values.kind();
            let Source::Processes(topics) = (kind.source)(values) else { continue };
            assert_eq!((kind.topic_count)(values), Some(topics.len()), "{spec}: its topics");
            let Observation::Tokens(count) = (kind.observation)(values) else { panic!("{spec} is of tokens") };
            let mut states = 0;
            let mut edges = 0;
            for LabelledProcess { process, .. } in &topics {
                let mut leaving = vec![0.0; process.states.len()];
                for edge in &process.edges {
                    let &(from, token, to, p) = edge;
                    assert!(from.max(to) < leaving.len() as u32, "{spec}: {edge:?} names a state that is not there");
                    assert!(usize::from(token) < count, "{spec}: {edge:?} names a token that is not there");
                    assert!(p >= 0.0, "{spec}: {edge:?} has no probability (NaN: is there a parameter of that name?)");
                    leaving[from as usize] += p;
                }
                let one = leaving.iter().all(|sum| (sum - 1.0).abs() < 1e-12);
                assert!(one, "{spec}: the edges that leave each state sum to {leaving:?}, not to 1");
                let begins = usize::from(process.begin.is_some());
                states += process.states.len() + begins;
                edges += process.edges.len() + begins * process.states.len();
            }
            let size = (kind.size)(values);
            let counted = (states as f64, edges as f64);
            assert_eq!(
                (size.states, size.transitions),
                counted,
                "{spec}: `size` against (states, edges) of its processes"
            );
        }
    }
}
