//! Where tokens come from: topics, processes, sampling, exact filters. Pure Rust, f64; knows no net and no browser.

pub mod chain;
pub mod data;
pub mod filter;
pub mod hmm;
pub mod named;
pub mod rng;
pub mod stationary;

use std::sync::Arc;

pub use chain::Chain;
pub use data::Corpus;
pub use filter::Filter;
pub use hmm::{Hmm, Mixture};
pub use rng::{Purpose, Stream};

use crate::experiment::{Problem, WorldSpec, problem::sentences};

/// Why a world cannot be built.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum WorldError {
    #[error("{}", sentences(.0))]
    Invalid(Vec<Problem>),
    #[error("The mixture has {0} different tokens; at most {MAX_VOCAB} fit. Use the same names in more components.")]
    TooManyTokens(usize),
    #[error("The mixture has {0} states in all; at most {MAX_JOINT_STATES} fit. Use fewer or smaller components.")]
    TooManyStates(usize),
    #[error("{0} has a continuum of topics and cannot be mixed with others.")]
    NotFinite(String),
}

/// Most tokens of a world: a learner's last layer has a row for each.
pub const MAX_VOCAB: usize = 4096;
/// Most hidden states of all components together.
pub const MAX_JOINT_STATES: usize = 16_384;

/// What is drawn once per sequence and kept.
#[derive(Clone, Debug, PartialEq)]
pub enum Topic {
    /// A component of a finite mixture.
    Component(usize),
    /// P(token 0).
    Coin(f64),
    Chain(Arc<Chain>),
}

/// The law of topics.
#[derive(Clone, Debug, PartialEq)]
pub enum Topics {
    Finite(Arc<Mixture>),
    /// P(token 0) ~ Beta(a, b).
    BetaCoin {
        a: f64,
        b: f64,
    },
    /// k-state chains, rows ~ Dirichlet(alpha).
    Markov {
        k: usize,
        alpha: f64,
    },
}

/// A source of sequences: a topic is drawn from P(w), then tokens given the topic.
#[derive(Clone, Debug, PartialEq)]
pub struct World {
    vocab: usize,
    topics: Topics,
    /// One per component; empty for a continuum.
    labels: Vec<String>,
}

impl World {
    /// Builds what the spec names, or says why not.
    pub fn new(spec: &WorldSpec) -> Result<Self, WorldError> {
        spec.validate().map_err(WorldError::Invalid)?;
        let vocab = spec.vocab();
        if vocab > MAX_VOCAB {
            return Err(WorldError::TooManyTokens(vocab));
        }
        let (topics, labels) = match spec {
            WorldSpec::Named { kind: "dursley-wonka", .. } => {
                let begin = (spec.parameter("bos") == 1.0).then_some(5);
                let story = |name| named::mr_name(spec.parameter("p"), spec.parameter("q"), name, vocab, begin);
                (finite(&[story(3), story(4)], &[1.0, 1.0]), vec!["Dursley".into(), "Wonka".into()])
            }
            WorldSpec::Named { kind: "coins", .. } => {
                let n = spec.parameter("n") as usize;
                let chances: Vec<f64> = (1..=n).map(|i| i as f64 / (n + 1) as f64).collect();
                let coins: Vec<Hmm> = chances.iter().map(|&p| named::coin(p)).collect();
                (finite(&coins, &vec![1.0; n]), chances.iter().map(|&p| coin_label(p)).collect())
            }
            WorldSpec::Named { kind: "beta-coin", .. } => {
                (Topics::BetaCoin { a: spec.parameter("a"), b: spec.parameter("b") }, Vec::new())
            }
            WorldSpec::Named { .. } => {
                (Topics::Markov { k: spec.parameter("k") as usize, alpha: spec.parameter("alpha") }, Vec::new())
            }
            WorldSpec::Process(process) => {
                let tokens = spec.tokens();
                let hmm = Hmm::from_process(process, vocab, |name| index_of(&tokens, name));
                (finite(&[hmm], &[1.0]), vec!["process".into()])
            }
            WorldSpec::Mixture(mixture) => {
                let tokens = spec.tokens();
                let parts = mixture.mixture.iter().map(|part| Ok((part, World::new(&part.world)?))).collect::<Result<
                    Vec<_>,
                    WorldError,
                >>(
                )?;
                let (mut components, mut weights, mut labels) = (Vec::new(), Vec::new(), Vec::new());
                for (i, (part, world)) in parts.iter().enumerate() {
                    let Topics::Finite(inner) = &world.topics else {
                        return Err(WorldError::NotFinite(part.world.title()));
                    };
                    let map: Vec<u16> = part.world.tokens().iter().map(|name| index_of(&tokens, name)).collect();
                    for c in 0..inner.len() {
                        components.push(inner.component(c).renamed(vocab, &map));
                        weights.push(part.weight * inner.weights()[c]);
                        labels.push(match inner.len() {
                            1 => format!("process {}", i + 1),
                            _ => world.labels[c].clone(),
                        });
                    }
                }
                let states = components.iter().map(Hmm::states).sum();
                if states > MAX_JOINT_STATES {
                    return Err(WorldError::TooManyStates(states));
                }
                (finite(&components, &weights), labels)
            }
        };
        Ok(Self { vocab, topics, labels })
    }

    /// V.
    pub fn vocab(&self) -> usize {
        self.vocab
    }

    pub fn topics(&self) -> &Topics {
        &self.topics
    }

    /// w ~ P(w).
    pub fn draw_topic(&self, stream: &mut Stream) -> Topic {
        match &self.topics {
            Topics::Finite(mixture) => Topic::Component(stream.categorical(mixture.weights().iter().copied())),
            Topics::BetaCoin { a, b } => Topic::Coin(stream.beta(*a, *b)),
            Topics::Markov { k, alpha } => Topic::Chain(Arc::new(Chain::draw(*k, *alpha, stream))),
        }
    }

    /// Fills `out` with x_1..x_T given the topic, which must be one of this world's (another world's component gives
    /// token 0 throughout).
    pub fn draw_sequence(&self, topic: &Topic, out: &mut [u16], stream: &mut Stream) {
        match (topic, &self.topics) {
            (Topic::Component(c), Topics::Finite(mixture)) if *c < mixture.len() => mixture.draw(*c, out, stream),
            (Topic::Component(_), _) => out.fill(0),
            (Topic::Coin(p), _) => out.iter_mut().for_each(|slot| *slot = u16::from(stream.uniform() >= *p)),
            (Topic::Chain(chain), _) => chain.draw_sequence(out, stream),
        }
    }

    /// The topic in a few words.
    pub fn topic_label(&self, topic: &Topic) -> String {
        match topic {
            Topic::Component(c) => self.labels.get(*c).cloned().unwrap_or_default(),
            Topic::Coin(p) => coin_label(*p),
            // What most often follows each token.
            Topic::Chain(chain) => (0..chain.k())
                .map(|i| {
                    let row = chain.row(i);
                    let best = (0..row.len()).fold(0, |best, j| if row[j] > row[best] { j } else { best });
                    format!("{i}→{best}")
                })
                .collect::<Vec<_>>()
                .join(" "),
        }
    }

    /// Topics with the same number are the same; `None` for a continuum.
    pub fn topic_index(&self, topic: &Topic) -> Option<usize> {
        match topic {
            Topic::Component(c) => Some(*c),
            _ => None,
        }
    }

    /// Knows the topic, not the hidden state.
    pub fn oracle(&self, topic: &Topic) -> Filter {
        self.pool(std::slice::from_ref(topic))
    }

    /// Exact Bayes with the topic hidden, under the true P(w).
    pub fn bayes(&self) -> Filter {
        match &self.topics {
            Topics::Finite(mixture) => Filter::mixture(mixture.clone(), mixture.weights().to_vec()),
            Topics::BetaCoin { a, b } => Filter::beta_coin(*a, *b),
            Topics::Markov { k, alpha } => Filter::dirichlet_chains(*k, *alpha),
        }
    }

    /// Exact Bayes with the topic hidden, uniform over the given topics of this world (a topic given twice counts
    /// twice). With none, the true prior.
    pub fn pool(&self, topics: &[Topic]) -> Filter {
        if topics.is_empty() {
            return self.bayes();
        }
        match &self.topics {
            Topics::Finite(mixture) => {
                let mut counts = vec![0.0; mixture.len()];
                for topic in topics {
                    if let Topic::Component(c) = topic
                        && let Some(count) = counts.get_mut(*c)
                    {
                        *count += 1.0;
                    }
                }
                Filter::mixture(mixture.clone(), counts)
            }
            Topics::BetaCoin { .. } | Topics::Markov { .. } => {
                let chains: Vec<Chain> = topics
                    .iter()
                    .filter_map(|topic| match topic {
                        Topic::Chain(chain) => Some(chain.as_ref().clone()),
                        // A coin is a chain that forgets.
                        Topic::Coin(p) => Some(Chain::new(2, vec![*p, 1.0 - p, *p, 1.0 - p])),
                        Topic::Component(_) => None,
                    })
                    .collect();
                Filter::chains(self.vocab, &chains)
            }
        }
    }
}

fn finite(components: &[Hmm], weights: &[f64]) -> Topics {
    Topics::Finite(Arc::new(Mixture::new(components, weights)))
}

fn coin_label(p: f64) -> String {
    format!("P(0) = {p:.2}")
}

/// The spec was checked: every name is there.
fn index_of(tokens: &[String], name: &str) -> u16 {
    tokens.iter().position(|t| t == name).unwrap_or(0) as u16
}

#[cfg(test)]
mod tests;
