//! Where tokens come from: topics, processes, sampling, exact filters. Pure Rust, f64; knows no net and no browser. Stands on
//! `experiment`.
//!
//! Start reading at [`World`] and [`Topics`]; a [`Filter`] reads a sequence and predicts each next token exactly.
//!
//! ```
//! use worlds::{Purpose, Stream, World};
//! let world = World::new(&"coins:n=3".parse().unwrap()).unwrap();
//! let mut stream = Stream::new(1, Purpose::World, 0);
//! assert!(stream.uniform() < 1.0 && world.vocab() == 2);
//! ```

#![warn(missing_docs)]

pub mod chain;
pub mod data;
pub mod filter;
mod ginc;
pub mod hmm;
pub mod linear;
pub mod pace;
pub mod rng;
pub mod stationary;
pub mod text;

use std::{collections::HashMap, sync::Arc};

pub use chain::Chain;
pub use data::{Corpus, Rows};
pub use filter::Filter;
pub use hmm::{Hmm, Mixture};
pub use linear::{LinearPrior, LinearSystem};
pub use rng::{Purpose, Stream};
pub use text::Texts;

use experiment::{
    Observation, Problem, WorldMixture, WorldSpec,
    kinds::{Source, coin_label},
    problem::sentences,
};

/// Why a world cannot be built.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum WorldError {
    /// The spec has values out of range, or its world is too large to build.
    #[error("{}", sentences(.0))]
    Invalid(Vec<Problem>),
    /// The world is the bundled corpus, and its texts were not put into the spec (`experiment::udhr::filled`).
    #[error("The texts of this world are not there: the bundled corpus was not loaded.")]
    NoCorpus,
}

/// A topic w: what is drawn once per sequence and kept.
#[derive(Clone, Debug, PartialEq)]
pub enum Topic {
    /// The index of a component of a finite mixture, or of a document of a text.
    Component(usize),
    /// The probability of each of V tokens, which are drawn independently.
    Categorical(Arc<[f64]>),
    /// A Markov chain over the tokens.
    Chain(Arc<Chain>),
    /// The block of tokens that repeats.
    Block(Arc<[u16]>),
    /// Which part of a blend, and the topic within it.
    Part(usize, Box<Topic>),
    /// W of a linear dynamical system: the one topic of which vectors are drawn.
    Linear(Arc<LinearSystem>),
}

/// P(w), the distribution of topics.
#[derive(Clone, Debug, PartialEq)]
pub enum Topics {
    /// Finitely many hidden Markov models, each with a weight.
    Finite(Arc<Mixture>),
    /// Independent tokens whose probabilities are drawn from Dirichlet(alphas).
    DirichletCategorical {
        /// Concentrations, one for each of V tokens.
        alphas: Arc<[f64]>,
    },
    /// Markov chains with k tokens whose rows are drawn independently from Dirichlet(alpha).
    Markov {
        /// States of the chain, which are its tokens: V.
        k: usize,
        /// How many tokens the next one depends on, 1 or 2.
        order: usize,
        /// Concentration of each row's symmetric Dirichlet.
        alpha: f64,
    },
    /// Random blocks of tokens that repeat; every block is as likely as any other.
    Blocks {
        /// Tokens of a block.
        block: usize,
    },
    /// Several worlds, at least one of which has a continuum of topics.
    Blend(Arc<[Part]>),
    /// The documents of a text, all equally likely.
    Text(Texts),
    /// Linear dynamical systems, in a world of vectors.
    Linear(LinearPrior),
}

impl Topics {
    /// How many topics there are; `None` for a continuum, or for more than anybody would count.
    pub fn count(&self) -> Option<usize> {
        match self {
            Self::Finite(mixture) => Some(mixture.weights().len()),
            Self::Text(texts) => Some(texts.len()),
            Self::Blend(parts) => parts.iter().map(|part| part.world.topics().count()).sum(),
            Self::DirichletCategorical { .. } | Self::Markov { .. } | Self::Blocks { .. } | Self::Linear(_) => None,
        }
    }
}

/// One world of a blend, with its weight and its tokens' places in the blend's alphabet.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The world that sequences of this part come from.
    pub world: World,
    /// The place of its tokens in the blend's alphabet: its token x is the blend's token `map[x]`.
    pub map: Vec<u16>,
    /// The probability of this part; the weights of all parts sum to 1.
    pub weight: f64,
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
    /// Builds the world that the spec names.
    ///
    /// # Errors
    ///
    /// The spec has values out of range, or it is the bundled corpus without its texts.
    pub fn new(spec: &WorldSpec) -> Result<Self, WorldError> {
        spec.validate().map_err(WorldError::Invalid)?;
        let vocab = spec.vocab();
        let (topics, labels) = match spec {
            WorldSpec::Named { .. } => match spec.source() {
                Some(source) => Self::named(source, spec, vocab)?,
                None => return Err(WorldError::NoCorpus),
            },
            WorldSpec::Process(process) => {
                let tokens = spec.names();
                let hmm = Hmm::from_process(process, vocab, |name| index_of(&tokens, name));
                (finite(&[hmm], &[1.0]), vec!["process".into()])
            }
            WorldSpec::Mixture(mixture) => Self::mixed(mixture, vocab)?,
            WorldSpec::Text(text) => {
                (Topics::Text(Texts::new(text)), text.documents().iter().map(|d| d.name.clone()).collect())
            }
        };
        Ok(Self { vocab, topics, labels })
    }

    fn named(source: Source, spec: &WorldSpec, vocab: usize) -> Result<(Topics, Vec<String>), WorldError> {
        Ok(match source {
            Source::Processes(topics) => {
                let hmms: Vec<Hmm> = topics.iter().map(|topic| Hmm::from_edges(&topic.process, vocab)).collect();
                let weights = vec![1.0; hmms.len()];
                (finite(&hmms, &weights), topics.into_iter().map(|topic| topic.label).collect())
            }
            Source::Dirichlet { alphas } => (Topics::DirichletCategorical { alphas: alphas.into() }, Vec::new()),
            Source::Chains { states, order, alpha, pool: 0 } => {
                (Topics::Markov { k: states, order, alpha }, Vec::new())
            }
            Source::Chains { states, order, alpha, pool } => {
                let draw = |i: usize| {
                    Chain::draw(states, order, alpha, &mut Stream::new(0, Purpose::World, (1 << 21) + i as u64))
                };
                let chains: Vec<Chain> = (0..pool).map(draw).collect();
                let hmms: Vec<Hmm> = chains.iter().map(Chain::hmm).collect();
                (finite(&hmms, &vec![1.0; pool]), chains.iter().map(chain_label).collect())
            }
            Source::Block(block) => (Topics::Blocks { block }, Vec::new()),
            Source::Ginc(ginc) => {
                let concepts = ginc::concepts(&ginc);
                let labels = (1..=concepts.len()).map(|c| format!("concept {c}")).collect();
                (finite(&concepts, &vec![1.0; concepts.len()]), labels)
            }
            Source::Linear => (Topics::Linear(LinearPrior::new(spec)?), Vec::new()),
            Source::Corpus => return Err(WorldError::NoCorpus),
        })
    }

    fn mixed(mixture: &WorldMixture, vocab: usize) -> Result<(Topics, Vec<String>), WorldError> {
        let tokens = mixture.tokens();
        let index: HashMap<&str, u16> = tokens.iter().enumerate().map(|(i, name)| (name.as_str(), i as u16)).collect();
        let total: f64 = mixture.mixture.iter().map(|part| part.weight).sum();
        let mut parts = Vec::new();
        let mut names = Vec::new();
        for (i, part) in mixture.mixture.iter().enumerate() {
            let map = part.world.names().iter().map(|name| index.get(name.as_str()).copied().unwrap_or(0)).collect();
            names.push(match &part.world {
                WorldSpec::Named { .. } => part.world.to_string(),
                _ => format!("process {}", i + 1),
            });
            parts.push(Part { world: World::new(&part.world)?, map, weight: part.weight / total });
        }
        let (mut components, mut weights, mut labels) = (Vec::new(), Vec::new(), Vec::new());
        for (part, name) in parts.iter().zip(&names) {
            let Topics::Finite(inner) = &part.world.topics else {
                return Ok((Topics::Blend(parts.into()), names));
            };
            for c in 0..inner.len() {
                components.push(inner.component(c).renamed(vocab, &part.map));
                weights.push(part.weight * inner.weights()[c]);
                labels.push(match inner.len() {
                    1 => name.clone(),
                    _ => part.world.labels[c].clone(),
                });
            }
        }
        Ok((finite(&components, &weights), labels))
    }

    /// V; 0 in a world of vectors.
    pub fn vocab(&self) -> usize {
        self.vocab
    }

    /// What the world emits at each position: one of V tokens, or a vector.
    pub fn observation(&self) -> Observation {
        self.linear()
            .map_or(Observation::Tokens(self.vocab), |distribution| Observation::Vectors(distribution.dimension()))
    }

    /// The distribution of a world of vectors; `None` in one of tokens.
    pub fn linear(&self) -> Option<&LinearPrior> {
        match &self.topics {
            Topics::Linear(distribution) => Some(distribution),
            _ => None,
        }
    }

    /// P(w), the distribution of topics.
    pub fn topics(&self) -> &Topics {
        &self.topics
    }

    /// Whether [`Self::bayes`] (of vectors: [`LinearPrior::bayes`]) is the best there can be. Else (the distribution of a real text is not
    /// known) it is only a good predictor, and a model may be better.
    pub fn is_exact(&self) -> bool {
        match &self.topics {
            Topics::Text(_) => false,
            Topics::Linear(distribution) => distribution.is_exact(),
            Topics::Finite(_)
            | Topics::DirichletCategorical { .. }
            | Topics::Markov { .. }
            | Topics::Blocks { .. }
            | Topics::Blend(_) => true,
        }
    }

    /// The world that evaluation sequences come from: this one, but for a text, whose held-out
    /// parts are drawn from.
    pub fn held_out(&self) -> Self {
        let mut world = self.clone();
        if let Topics::Text(texts) = &self.topics {
            world.topics = Topics::Text(texts.held_out());
        }
        world
    }

    /// Draws a topic, w ~ P(w).
    pub fn draw_topic(&self, stream: &mut Stream) -> Topic {
        match &self.topics {
            Topics::Finite(mixture) => Topic::Component(stream.categorical(mixture.weights().iter().copied())),
            Topics::DirichletCategorical { alphas } => Topic::Categorical(stream.dirichlet_with(alphas).into()),
            Topics::Markov { k, order, alpha } => Topic::Chain(Arc::new(Chain::draw(*k, *order, *alpha, stream))),
            Topics::Blocks { block } => {
                Topic::Block((0..*block).map(|_| stream.below(self.vocab as u64) as u16).collect())
            }
            Topics::Blend(parts) => {
                let part = stream.categorical(parts.iter().map(|part| part.weight));
                Topic::Part(part, Box::new(parts[part].world.draw_topic(stream)))
            }
            Topics::Text(texts) => Topic::Component(stream.below(texts.len() as u64) as usize),
            Topics::Linear(distribution) => Topic::Linear(Arc::new(distribution.draw(stream))),
        }
    }

    /// Draws x_1..x_length given the topic and appends them to `rows`. The topic must be one of
    /// this world's, and the rows of its kind.
    pub fn draw_row(&self, topic: &Topic, length: usize, rows: &mut Rows, stream: &mut Stream) {
        match rows {
            Rows::Tokens(tokens) => {
                let at = tokens.len();
                tokens.resize(at + length, 0);
                self.draw_sequence(topic, &mut tokens[at..], stream);
            }
            Rows::Vectors { dimension, values } => {
                let at = values.len();
                values.resize(at + length * *dimension, 0.0);
                if let (Topics::Linear(distribution), Topic::Linear(system)) = (&self.topics, topic) {
                    distribution.draw_sequence(system, &mut values[at..], stream);
                }
            }
        }
    }

    /// Fills `out` with x_1..x_T given the topic, which must be one of this world's (another world's component gives
    /// token 0 throughout). Of vectors, the direction that each is shown as.
    pub fn draw_sequence(&self, topic: &Topic, out: &mut [u16], stream: &mut Stream) {
        match (topic, &self.topics) {
            (Topic::Component(c), Topics::Finite(mixture)) if *c < mixture.len() => mixture.draw(*c, out, stream),
            (Topic::Part(i, topic), Topics::Blend(parts)) if *i < parts.len() => {
                let Part { world, map, .. } = &parts[*i];
                world.draw_sequence(topic, out, stream);
                out.iter_mut().for_each(|slot| *slot = map[usize::from(*slot)]);
            }
            (Topic::Component(c), Topics::Text(texts)) => texts.draw(*c, out, stream),
            (Topic::Linear(system), Topics::Linear(distribution)) => {
                let mut values = vec![0.0; out.len() * distribution.dimension()];
                distribution.draw_sequence(system, &mut values, stream);
                let vectors = values.chunks_exact(distribution.dimension());
                out.iter_mut().zip(vectors).for_each(|(slot, x)| *slot = linear::direction(x));
            }
            (Topic::Component(_) | Topic::Part(..) | Topic::Linear(_), _) => out.fill(0),
            (Topic::Categorical(distribution), _) => {
                out.iter_mut().for_each(|slot| *slot = stream.categorical(distribution.iter().copied()) as u16);
            }
            (Topic::Chain(chain), _) => chain.draw_sequence(out, stream),
            (Topic::Block(block), _) => {
                out.iter_mut().zip(block.iter().cycle()).for_each(|(slot, token)| *slot = *token);
            }
        }
    }

    /// A topic in a few words, for the page.
    pub fn topic_label(&self, topic: &Topic) -> String {
        match (topic, &self.topics) {
            (Topic::Component(c), _) => self.labels.get(*c).cloned().unwrap_or_default(),
            (Topic::Categorical(distribution), _) if distribution.len() == 2 => coin_label(distribution[0]),
            (Topic::Categorical(distribution), _) => {
                let mut order: Vec<usize> = (0..distribution.len()).collect();
                order.sort_by(|&a, &b| distribution[b].total_cmp(&distribution[a]));
                let probabilities: Vec<String> =
                    order.iter().take(3).map(|&x| format!("P({x}) = {:.2}", distribution[x])).collect();
                probabilities.join(" ")
            }
            (Topic::Chain(chain), _) => chain_label(chain),
            (Topic::Block(block), _) => {
                let tokens: Vec<String> = block.iter().take(8).map(u16::to_string).collect();
                tokens.join(" ") + if block.len() > 8 { " …" } else { "" }
            }
            (Topic::Part(i, topic), Topics::Blend(parts)) if *i < parts.len() => {
                let name = self.labels.get(*i).cloned().unwrap_or_default();
                match parts[*i].world.topic_label(topic) {
                    inner if inner.is_empty() => name,
                    inner => format!("{name}: {inner}"),
                }
            }
            (Topic::Part(..), _) => String::new(),
            (Topic::Linear(system), _) => format!("spectral radius {:.2}", system.spectral_radius()),
        }
    }

    /// A number that tells topics apart: topics with the same number are the same, or of one part
    /// of a blend. `None` for a continuum.
    pub fn topic_index(&self, topic: &Topic) -> Option<usize> {
        match topic {
            Topic::Component(i) | Topic::Part(i, _) => Some(*i),
            _ => None,
        }
    }

    /// The exact predictor that knows the topic, but not the hidden state.
    ///
    /// This predictor, [`Self::bayes`] and [`Self::pool`] are of tokens. In a world of vectors they
    /// know nothing, and [`LinearPrior`] has theirs.
    pub fn oracle(&self, topic: &Topic) -> Filter {
        self.pool(std::slice::from_ref(topic))
    }

    /// The exact predictor with the topic hidden, under the true P(w).
    pub fn bayes(&self) -> Filter {
        match &self.topics {
            Topics::Finite(mixture) => Filter::mixture(mixture.clone(), mixture.weights().to_vec()),
            Topics::DirichletCategorical { alphas } => Filter::counts(alphas.to_vec(), 0),
            Topics::Markov { k, order: 1, alpha } => Filter::dirichlet_chains(*k, *alpha),
            Topics::Markov { k, order, alpha } => Filter::counts(vec![*alpha; *k], *order),
            Topics::Blocks { block } => Filter::repeated_block(*block, self.vocab),
            Topics::Blend(parts) => {
                let parts = parts.iter().map(|part| (part.world.bayes(), part.map.clone(), part.weight)).collect();
                Filter::blend(self.vocab, parts)
            }
            Topics::Text(texts) => Filter::ngrams(texts.model().clone(), &vec![1.0; texts.len()]),
            Topics::Linear(_) => Filter::chains(0, &[], &[]),
        }
    }

    /// About how many multiply-adds a step of exact Bayes over `topics` topics takes; 0 topics for [`Self::bayes`].
    pub fn pool_work(&self, topics: usize) -> usize {
        match &self.topics {
            Topics::Finite(mixture) => 10 * mixture.hmm().states() + self.vocab,
            Topics::Text(texts) => 200 * texts.len() + self.vocab,
            Topics::Markov { k, order: 1, .. } if topics == 0 => 2000 * k * k,
            Topics::Linear(distribution) => {
                (topics.max(1) + distribution.dimension()) * distribution.dimension().pow(2)
            }
            Topics::Blend(parts) => parts.iter().map(|part| part.world.pool_work(topics)).sum(),
            _ => 4 * topics.max(1) * self.vocab,
        }
    }

    /// The exact predictor with the topic hidden, which is uniform over the given topics of this
    /// world (a topic given twice counts twice). With none, as [`Self::bayes`].
    pub fn pool(&self, topics: &[Topic]) -> Filter {
        if topics.is_empty() {
            return self.bayes();
        }
        match &self.topics {
            Topics::Finite(mixture) => Filter::mixture(mixture.clone(), counted(topics, mixture.len())),
            Topics::Text(texts) => Filter::ngrams(texts.model().clone(), &counted(topics, texts.len())),
            Topics::Blocks { .. } => {
                let blocks = topics.iter().filter_map(|topic| match topic {
                    Topic::Block(block) => Some(block.clone()),
                    _ => None,
                });
                Filter::blocks(self.vocab, blocks.collect())
            }
            Topics::DirichletCategorical { .. } => {
                let categoricals: Vec<Hmm> = topics
                    .iter()
                    .filter_map(|topic| match topic {
                        Topic::Categorical(distribution) => Some(Hmm::memoryless(distribution)),
                        _ => None,
                    })
                    .collect();
                let weights = vec![1.0; categoricals.len()];
                Filter::mixture(Arc::new(Mixture::new(&categoricals, &weights)), weights)
            }
            Topics::Markov { .. } => {
                let chains: Vec<Chain> = topics
                    .iter()
                    .filter_map(|topic| match topic {
                        Topic::Chain(chain) => Some(chain.as_ref().clone()),
                        _ => None,
                    })
                    .collect();
                Filter::chains(self.vocab, &chains, &vec![1.0; chains.len()])
            }
            Topics::Blend(parts) => {
                let mut sorted: Vec<Vec<Topic>> = vec![Vec::new(); parts.len()];
                for topic in topics {
                    if let Topic::Part(i, inner) = topic
                        && let Some(of_part) = sorted.get_mut(*i)
                    {
                        of_part.push(inner.as_ref().clone());
                    }
                }
                let parts = parts
                    .iter()
                    .zip(sorted)
                    .filter(|(_, topics)| !topics.is_empty())
                    .map(|(part, topics)| (part.world.pool(&topics), part.map.clone(), topics.len() as f64))
                    .collect();
                Filter::blend(self.vocab, parts)
            }
            Topics::Linear(_) => self.bayes(),
        }
    }
}

/// How often each of `len` components is among the topics.
fn counted(topics: &[Topic], len: usize) -> Vec<f64> {
    let mut counts = vec![0.0; len];
    for topic in topics {
        if let Topic::Component(c) = topic
            && let Some(count) = counts.get_mut(*c)
        {
            *count += 1.0;
        }
    }
    counts
}

fn finite(components: &[Hmm], weights: &[f64]) -> Topics {
    Topics::Finite(Arc::new(Mixture::new(components, weights)))
}

/// What most often follows each context, for the first few.
fn chain_label(chain: &Chain) -> String {
    let follows = (0..chain.contexts().min(8)).map(|i| {
        let row = chain.row(i);
        let best = (0..row.len()).fold(0, |best, j| if row[j] > row[best] { j } else { best });
        match chain.order() {
            1 => format!("{i}→{best}"),
            _ => format!("{}{}→{best}", i / chain.k(), i % chain.k()),
        }
    });
    follows.collect::<Vec<_>>().join(" ")
}

/// The spec was checked: every name is there.
fn index_of(tokens: &[String], name: &str) -> u16 {
    tokens.iter().position(|t| t == name).unwrap_or(0) as u16
}

#[cfg(test)]
mod tests;
