//! A world as a person can look at it: its state graph, sampled sequences, the beliefs of an observer. Data for charts, made by
//! whoever runs the engine: the page and the terminal draw them.

mod layout;
mod names;
mod notes;
mod plan;
mod samples;
mod simplex;
mod vectors;

use charts::{text::probability, token_bars::TokenBars, transitions::Transitions};

use crate::{
    experiment::WorldSpec,
    protocol::Picture,
    world::{Hmm, Purpose, Stream, Topic, Topics, World, hmm::Transition},
};
pub use names::of as state_names;

/// Components drawn as graphs or matrices.
const GRAPHS: usize = 6;
/// States drawn as graphs, of all components together.
const STATES: usize = 64;
/// States and transitions that still make a graph; a larger process is shown by its transition matrix.
const GRAPH_STATES: usize = 24;
const GRAPH_TRANSITIONS: usize = 150;
/// Categorical topics drawn as bars.
const BARS: usize = 24;
/// The same where topics are drawn from a continuum.
const DRAWN_BARS: usize = 10;
/// Streams of sequences come after those of topics.
const FIRST_SEQUENCE: u64 = 1000;

/// Builds a world and says what there is to see. What cannot be built is answered by the reason, in `problem`.
pub fn picture(spec: &WorldSpec) -> Picture {
    let mut picture = Picture::default();
    match World::new(spec) {
        Ok(world) => {
            let tokens = spec.tokens();
            picture.notes = notes::about(&world);
            picture.notes.extend(spec.notes());
            processes(spec, &world, &tokens, &mut picture);
            match world.topics() {
                Topics::Linear(distribution) => {
                    let shown = topics(&world, samples::TOPICS, &|_| true);
                    picture.vectors = vectors::sequences(distribution, &shown, &mut picture.notes);
                }
                _ => picture.samples = Some(samples::strip(&world, &tokens, &mut picture.notes)),
            }
        }
        Err(error) => picture.problem = error.to_string(),
    }
    picture
}

/// A topic with what there is to say of it.
struct Shown {
    topic: Topic,
    label: String,
    /// P(w); `None` in a continuum.
    weight: Option<f64>,
}

impl Shown {
    /// Label and, among several, weight.
    fn caption(&self) -> String {
        match self.weight {
            Some(weight) if weight < 1.0 => format!("{}, weight {}", self.label, probability(weight)),
            Some(_) => String::new(),
            None => self.label.clone(),
        }
    }

    /// What is shown of the topic, and which topic it is where there are several.
    fn title(&self, what: &str) -> String {
        match self.caption() {
            caption if caption.is_empty() => what.into(),
            caption => format!("{what}: {caption}"),
        }
    }
}

/// The heaviest topics of a finite world that `wanted` wants, or as many drawn ones; `most` at most.
fn topics(world: &World, most: usize, wanted: &dyn Fn(usize) -> bool) -> Vec<Shown> {
    let shown = |topic: Topic, weight| Shown { label: world.topic_label(&topic), topic, weight };
    match world.topics() {
        Topics::Finite(mixture) => {
            let weights = mixture.weights();
            let all: Vec<usize> = (0..weights.len()).filter(|&c| weights[c] > 0.0 && wanted(c)).collect();
            heaviest(weights, &all, most).map(|c| shown(Topic::Component(c), Some(weights[c]))).collect()
        }
        Topics::Blend(parts) => {
            let weights: Vec<f64> = parts.iter().map(|part| part.weight).collect();
            let all: Vec<usize> = (0..parts.len()).filter(|&i| weights[i] > 0.0).collect();
            let each = (most / all.len().max(1)).max(1);
            heaviest(&weights, &all, most)
                .flat_map(|i| topics(&parts[i].world, each, &|_| true).into_iter().map(move |inner| (i, inner)))
                .map(|(i, inner)| shown(Topic::Part(i, Box::new(inner.topic)), inner.weight.map(|w| w * weights[i])))
                .collect()
        }
        Topics::Text(texts) => (0..texts.len().min(most)).map(|c| shown(Topic::Component(c), None)).collect(),
        _ => {
            (0..most as u64).map(|i| shown(world.draw_topic(&mut Stream::new(0, Purpose::Picture, i)), None)).collect()
        }
    }
}

/// In ascending order. Where all weigh the same, evenly spaced ones, the first and the last among them.
fn heaviest<'a>(weights: &'a [f64], all: &'a [usize], most: usize) -> impl Iterator<Item = usize> + 'a {
    let equal = all.windows(2).all(|pair| (weights[pair[0]] - weights[pair[1]]).abs() < 1e-12);
    let mut chosen: Vec<usize> = if all.len() <= most {
        all.to_vec()
    } else if equal {
        (0..most).map(|k| all[k * (all.len() - 1) / (most - 1).max(1)]).collect()
    } else {
        let mut sorted = all.to_vec();
        sorted.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]));
        sorted.truncate(most);
        sorted
    };
    chosen.sort_unstable();
    chosen.into_iter()
}

/// The process of one topic, where it is one.
fn process(world: &World, topic: &Topic) -> Option<Hmm> {
    match (topic, world.topics()) {
        (Topic::Component(c), Topics::Finite(mixture)) => Some(mixture.component(*c)),
        (Topic::Categorical(distribution), _) => Some(Hmm::memoryless(distribution)),
        (Topic::Chain(chain), _) if chain.order() == 1 => Some(chain.hmm()),
        // Without the states in which it waits for its first tokens.
        (Topic::Chain(chain), _) => {
            let mut edges = Vec::new();
            for i in 0..chain.contexts() {
                for (token, &p) in chain.row(i).iter().enumerate() {
                    edges.push((i as u32, Transition { token: token as u16, next: chain.after(i, token) as u32, p }));
                }
            }
            Some(Hmm::new(chain.k(), chain.contexts(), edges, None))
        }
        (Topic::Block(block), _) => {
            let next = |i: usize| ((i + 1) % block.len()) as u32;
            let edge = |(i, &token): (usize, &u16)| (i as u32, Transition { token, next: next(i), p: 1.0 });
            let mut start = vec![0.0; block.len()];
            *start.first_mut()? = 1.0;
            Some(Hmm::new(world.vocab(), block.len(), block.iter().enumerate().map(edge).collect(), Some(start)))
        }
        (Topic::Part(i, topic), Topics::Blend(parts)) => {
            let part = parts.get(*i)?;
            Some(process(&part.world, topic)?.renamed(world.vocab(), &part.map))
        }
        _ => None,
    }
}

/// The topics whose processes are drawn, those without memory apart; and how many there are, where they can be counted.
fn chosen(world: &World) -> (Vec<Shown>, Vec<Shown>, Option<usize>) {
    if let Topics::Finite(mixture) = world.topics() {
        let states = |c: usize| mixture.block(c).len();
        let count = mixture.weights().iter().filter(|w| **w > 0.0).count();
        return (topics(world, BARS, &|c| states(c) == 1), topics(world, GRAPHS, &|c| states(c) > 1), Some(count));
    }
    let most = match world.topics() {
        Topics::DirichletCategorical { .. } => DRAWN_BARS,
        Topics::Blend(_) => GRAPHS,
        _ => 1,
    };
    let simple = |shown: &Shown| process(world, &shown.topic).is_some_and(|hmm| hmm.states() == 1);
    let (bars, graphs) = topics(world, most, &|_| true).into_iter().partition(simple);
    (bars, graphs, None)
}

/// Graphs, transition matrices, beliefs and bars of the topics that are shown.
fn processes(spec: &WorldSpec, world: &World, tokens: &[String], picture: &mut Picture) {
    let (memoryless, others, count) = chosen(world);
    let large = |hmm: &Hmm| {
        let reached: usize = hmm.hidden_chain().iter().filter(|p| **p > 0.0).count();
        hmm.states() > GRAPH_STATES || reached > GRAPH_TRANSITIONS
    };
    let (mut drawn, mut graphed) = (memoryless.len(), 0);
    for shown in &others {
        let Some(hmm) = process(world, &shown.topic) else { continue };
        let n = hmm.states();
        let names = names::of(spec, &hmm, tokens);
        if large(&hmm) {
            picture.transitions.push(transitions(&hmm, names.clone(), shown.title("Transitions between states")));
        } else if graphed + n <= STATES {
            graphed += n;
            picture.graphs.push(plan::graph(&hmm, &names, tokens, shown.title("State graph")));
        } else {
            continue;
        }
        drawn += 1;
        if n == 3 {
            picture.beliefs.extend(simplex::beliefs(&hmm, &names, shown.title("Beliefs of an observer")));
        }
    }
    let notes = &mut picture.notes;
    if !picture.transitions.is_empty() {
        notes.push(format!(
            "More than {GRAPH_STATES} states or {GRAPH_TRANSITIONS} ways between them are shown by the matrix of transitions instead of a graph."
        ));
    }
    if picture.graphs.iter().any(|graph| graph.edges.iter().any(|edge| edge.label.is_none())) {
        notes.push("Arrows without words say their tokens and probabilities when pointed at.".into());
    }
    if !memoryless.is_empty() {
        let rows = memoryless.iter().filter_map(|shown| {
            let hmm = process(world, &shown.topic)?;
            Some((
                shown.caption(),
                hmm.transitions(0).iter().map(|transition| (transition.token, transition.p)).collect(),
            ))
        });
        picture.bars = Some(TokenBars {
            title: "Probability of each token".into(),
            tokens: tokens.to_vec(),
            rows: rows.collect(),
        });
    }
    match count {
        Some(count) if drawn < count => notes.push(format!("The picture shows {drawn} of {count} topics.")),
        None if drawn > 0 => notes.push(format!(
            "The picture shows {drawn} sampled topic{} of a continuum.",
            if drawn == 1 { "" } else { "s" }
        )),
        _ => {}
    }
}

/// All pairs of states between which there is a way, tokens summed out.
fn transitions(hmm: &Hmm, states: Vec<String>, title: String) -> Transitions {
    let n = hmm.states();
    let chain = hmm.hidden_chain();
    let entry = |(at, p): (usize, &f64)| (*p > 0.0).then_some(((at / n) as u32, (at % n) as u32, *p));
    Transitions { title, states, entries: chain.iter().enumerate().filter_map(entry).collect() }
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests;
