//! How large a world is, counted from its spec before anything of it is built.

use super::{
    WorldSpec,
    estimate::large,
    problem::{Checker, Problem},
};

/// Most tokens of a world: a model's last layer has a row for each.
pub const MAX_VOCAB: usize = 4096;
/// Most hidden states of all topics of finite mixtures together.
pub const MAX_JOINT_STATES: usize = 16_384;
/// Most bytes of a world and its exact predictor, from [`WorldSize::bytes`].
pub const MAX_WORLD_BYTES: f64 = 3e8;

/// How large a world is, before it is built. In f64: the sizes of a mixture's parts multiply, and a
/// browser's usize holds 32 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WorldSize {
    /// Hidden states of all topics together; 0 where topics are drawn from a continuum.
    pub states: f64,
    /// Most transitions (state, token, next state) with a probability above 0, of all topics
    /// together.
    pub transitions: f64,
    /// Bytes that the exact predictor keeps where topics come from a continuum.
    pub predictor: f64,
}

impl WorldSize {
    /// `topics` hidden Markov processes of so many states and transitions each.
    pub(super) fn topics(topics: f64, states: f64, transitions: f64) -> Self {
        Self { states: topics * states, transitions: topics * transitions, predictor: 0.0 }
    }

    /// Topics from a continuum, whose exact predictor keeps so many numbers.
    pub(super) fn continuum(numbers: f64) -> Self {
        Self { predictor: 8.0 * numbers, ..Self::default() }
    }

    /// Bytes of the world while it is built and of its predictor: a rough upper figure.
    pub fn bytes(&self) -> f64 {
        // A transition takes 16 bytes and as much again for its token's probability, twice while a mixture is put together; a state
        // has beliefs before and after a token, beside its start and its place.
        64.0 * self.transitions + 48.0 * self.states + self.predictor
    }
}

impl WorldSpec {
    /// How many topics there are in all; `None` for a continuum, or for more than anybody would count.
    pub fn topic_count(&self) -> Option<usize> {
        match self {
            Self::Named { .. } => self.values().and_then(|v| (v.kind().topic_count)(v)),
            Self::Process(_) => Some(1),
            Self::Mixture(mixture) => mixture.mixture.iter().map(|part| part.world.topic_count()).sum(),
            Self::Text(text) => Some(text.documents().len()),
        }
    }

    /// Counts how large the world is. Its parameters must be within their ranges.
    pub fn size(&self) -> WorldSize {
        match self {
            Self::Named { .. } => self.values().map_or_else(WorldSize::default, |v| (v.kind().size)(v)),
            Self::Process(process) => {
                let transitions = process.transitions.values().flatten().flatten().filter(|p| **p > 0.0).count();
                WorldSize::topics(1.0, process.states() as f64, transitions as f64)
            }
            Self::Mixture(mixture) => {
                mixture.mixture.iter().map(|part| part.world.size()).fold(WorldSize::default(), |all, part| WorldSize {
                    states: all.states + part.states,
                    transitions: all.transitions + part.transitions,
                    predictor: all.predictor + part.predictor,
                })
            }
            Self::Text(_) => WorldSize::default(),
        }
    }

    /// Refuses what is too large to build, by name.
    pub(super) fn check_size(&self, at: &str, check: &mut Checker) {
        let size = self.size();
        let (field, largest) = match self {
            Self::Mixture(mixture) => {
                let sizes = mixture.mixture.iter().map(|part| part.world.size()).enumerate();
                let largest = sizes.rev().max_by(|a, b| a.1.bytes().total_cmp(&b.1.bytes()));
                let largest = largest.map_or_else(String::new, |(i, part)| {
                    let (states, bytes) = (large(part.states), large(part.bytes()));
                    format!(" The largest part, {at}.mixture[{i}].world, has {states} states and takes {bytes} bytes.")
                });
                (format!("{at}.mixture"), largest)
            }
            _ => (at.into(), String::new()),
        };
        let advice = format!("Use fewer or smaller components.{largest}");
        let tokens = self.vocab();
        if tokens > MAX_VOCAB {
            check.add(Problem::new(
                &format!("{field}, different tokens"),
                large(tokens as f64),
                &format!("at most {}", large(MAX_VOCAB as f64)),
                "Use fewer tokens, or the same names in more components.",
            ));
        }
        if size.states > MAX_JOINT_STATES as f64 {
            check.add(Problem::new(
                &format!("{field}, hidden states in all"),
                large(size.states),
                &format!("at most {}", large(MAX_JOINT_STATES as f64)),
                &advice,
            ));
        } else if size.bytes() > MAX_WORLD_BYTES {
            check.add(Problem::new(
                &format!("{field}, bytes of the world and of its exact predictor"),
                large(size.bytes()),
                &format!("at most {}", large(MAX_WORLD_BYTES)),
                &advice,
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Experiment, problem::sentences};

    fn mixture(parts: &[&str]) -> String {
        let parts: Vec<String> = parts.iter().map(|part| format!(r#"{{"weight":1,"world":"{part}"}}"#)).collect();
        format!(r#"{{"mixture":[{}]}}"#, parts.join(","))
    }

    fn problems_of(json: &str) -> String {
        WorldSpec::from_json(json).map_or_else(|problems| sentences(&problems), |_| "accepted".into())
    }

    #[test]
    fn what_is_too_large_is_refused_before_it_is_built() {
        // 8 million states, 4.4 GB when they were built.
        let message = problems_of(&mixture(&["markov:k=8,pool=1000"; 1000]));
        assert!(
            message.starts_with("world.mixture, hidden states in all is 8 million; allowed: at most 16,384."),
            "{message}"
        );
        assert!(message.contains("world.mixture[0].world, has 8,000 states"), "{message}");
        // A part with a continuum of topics keeps the others from being joined, not from being built.
        let mut parts = vec!["markov:k=8,pool=1000"; 999];
        parts.push("beta-coin");
        assert!(problems_of(&mixture(&parts)).contains("hidden states in all is 8.0 million"));
        // No states, but particles for each part: 1.5 MB and more.
        let message = problems_of(&mixture(&["markov:k=8"; 1000]));
        assert!(message.contains("bytes of the world and of its exact predictor is 2.9 billion"), "{message}");
        assert_eq!(problems_of(&mixture(&["markov:k=8"; 20])), "accepted");
        // Mixtures of mixtures, 30 x 30 x 30 parts in all.
        let ten = |inner: String| {
            let part = format!(r#"{{"weight":1,"world":{inner}}}"#);
            format!(r#"{{"mixture":[{}]}}"#, vec![part; 30].join(","))
        };
        assert!(problems_of(&ten(ten(mixture(&["coin"; 30])))).contains("hidden states in all is 27,000"));
        // A named world alone.
        let order: WorldSpec = "markov:k=5,order=2,pool=1000".parse().expect("a spec");
        let message = sentences(&order.validate().expect_err("31 states for each of 1000 chains"));
        assert!(message.starts_with("world, hidden states in all is 31,000"), "{message}");
        // In an experiment too.
        let e = Experiment { world: order, ..Experiment::default() };
        assert!(e.validate().is_err());
    }

    #[test]
    fn too_many_tokens_are_refused_by_name() {
        let part = |i: usize| {
            let tokens: Vec<String> = (0..200).map(|x| format!("\"{i}.{x}\"")).collect();
            let matrices: Vec<String> = tokens.iter().map(|t| format!("{t}:[[0.005]]")).collect();
            let process = format!(r#"{{"tokens":[{}],"transitions":{{{}}}}}"#, tokens.join(","), matrices.join(","));
            format!(r#"{{"weight":1,"world":{process}}}"#)
        };
        let json = format!(r#"{{"mixture":[{}]}}"#, (0..21).map(part).collect::<Vec<_>>().join(","));
        assert!(problems_of(&json).starts_with("world.mixture, different tokens is 4,200; allowed: at most 4,096."));
    }
}
