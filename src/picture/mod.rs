//! A world as a person can look at it: its state graph, sampled sequences, the beliefs of an observer. SVG, drawn by whoever
//! runs the engine, so that the page only puts it in place.

mod bars;
mod graph;
mod heat_map;
mod layout;
mod names;
mod notes;
mod plan;
pub mod raster;
mod samples;
mod simplex;
pub mod svg;
mod vectors;

use crate::{
    experiment::WorldSpec,
    protocol::Picture,
    world::{Hmm, Purpose, Stream, Topic, Topics, World, hmm::Exit},
};
pub use names::of as state_names;
pub use simplex::compare as beliefs;

use layout::Point;
use plan::Plan;
use svg::{Anchor, INK, Svg};

/// Components drawn as graphs or matrices.
const GRAPHS: usize = 6;
/// States drawn as graphs, of all components together.
const STATES: usize = 64;
/// States and transitions that still make a graph; a larger process is shown by its transition matrix.
const GRAPH_STATES: usize = 24;
const GRAPH_EXITS: usize = 150;
/// Coins or dice drawn as bars.
const BARS: usize = 24;
/// The same where topics are drawn from a continuum.
const DRAWN_BARS: usize = 10;
/// Streams of sequences come after those of topics.
const FIRST_SEQUENCE: u64 = 1000;
/// As wide as pictures get, unless one component alone is wider.
const WIDTH: f64 = 900.0;

/// Draws a world. What cannot be built is answered by the reason, in `problem`.
pub fn picture(spec: &WorldSpec) -> Picture {
    let mut picture = Picture::default();
    match World::new(spec) {
        Ok(world) => {
            let tokens = spec.tokens();
            picture.notes = notes::about(&world);
            picture.notes.extend(spec.notes());
            (picture.graph, picture.simplex) = processes(spec, &world, &tokens, &mut picture.notes);
            picture.samples = match world.topics() {
                Topics::Linear(law) => {
                    let shown = topics(&world, samples::TOPICS, &|_| true);
                    vectors::draw(law, &shown, &spec.title(), &mut picture.notes)
                }
                _ => samples::draw(&samples::drawn(&world), &tokens, &spec.title(), &mut picture.notes),
            };
        }
        Err(error) => picture.problem = error.to_string(),
    }
    picture
}

/// Something drawn, and the room it takes.
#[derive(Default)]
struct Drawing {
    svg: Svg,
    /// Opposite corners; `None` while nothing is drawn.
    corners: Option<(Point, Point)>,
}

impl Drawing {
    /// Room for a rectangle, given by its middle and half its size.
    fn reach(&mut self, (x, y): Point, w: f64, h: f64) {
        let (low, high) = self.corners.unwrap_or(((x, y), (x, y)));
        self.corners = Some(((low.0.min(x - w), low.1.min(y - h)), (high.0.max(x + w), high.1.max(y + h))));
    }
}

/// Drawings side by side, in as many rows as it takes, each under its caption.
fn arrange(drawings: Vec<(String, Drawing)>) -> (Svg, Point) {
    const MARGIN: f64 = 8.0;
    const GAP: f64 = 28.0;
    let (mut svg, mut width, mut x, mut y, mut row) = (Svg::default(), 0.0_f64, MARGIN, MARGIN, 0.0_f64);
    for (caption, drawing) in drawings {
        let Some((low, high)) = drawing.corners else { continue };
        let room = (high.0 - low.0).max(13.0 * svg::width(&caption));
        let head = if caption.is_empty() { 0.0 } else { 24.0 };
        if x > MARGIN && x + room > WIDTH {
            (x, y, row) = (MARGIN, y + row + GAP, 0.0);
        }
        if !caption.is_empty() {
            svg.text((x + room / 2.0, y + 8.0), 13.0, INK, Anchor::Middle, &caption);
        }
        let slack = (room - (high.0 - low.0)) / 2.0;
        svg.open((x + slack - low.0, y + head - low.1), "");
        svg.raw(drawing.svg.markup());
        svg.close();
        row = row.max(head + high.1 - low.1);
        x += room + GAP;
        width = width.max(x - GAP);
    }
    (svg, (width + MARGIN, y + row + MARGIN))
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
            Some(weight) if weight < 1.0 => format!("{}, weight {}", self.label, svg::chance(weight)),
            Some(_) => String::new(),
            None => self.label.clone(),
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
        (Topic::Die(law), _) => Some(Hmm::memoryless(law)),
        (Topic::Chain(chain), _) if chain.order() == 1 => Some(chain.hmm()),
        // Without the states in which it waits for its first tokens.
        (Topic::Chain(chain), _) => {
            let mut edges = Vec::new();
            for i in 0..chain.contexts() {
                for (token, &p) in chain.row(i).iter().enumerate() {
                    edges.push((i as u32, Exit { token: token as u16, next: chain.after(i, token) as u32, p }));
                }
            }
            Some(Hmm::new(chain.k(), chain.contexts(), edges, None))
        }
        (Topic::Block(block), _) => {
            let next = |i: usize| ((i + 1) % block.len()) as u32;
            let edge = |(i, &token): (usize, &u16)| (i as u32, Exit { token, next: next(i), p: 1.0 });
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
        Topics::Dice { .. } => DRAWN_BARS,
        Topics::Blend(_) => GRAPHS,
        _ => 1,
    };
    let simple = |shown: &Shown| process(world, &shown.topic).is_some_and(|hmm| hmm.states() == 1);
    let (bars, graphs) = topics(world, most, &|_| true).into_iter().partition(simple);
    (bars, graphs, None)
}

/// The graph and the simplex.
fn processes(spec: &WorldSpec, world: &World, tokens: &[String], notes: &mut Vec<String>) -> (String, String) {
    let title = spec.title();
    let (memoryless, others, count) = chosen(world);
    let large = |hmm: &Hmm| {
        let reached: usize = hmm.hidden_chain().iter().filter(|p| **p > 0.0).count();
        hmm.states() > GRAPH_STATES || reached > GRAPH_EXITS
    };
    let matrices = others.iter().filter(|s| process(world, &s.topic).is_some_and(|hmm| large(&hmm))).count();
    let mut silent = false;
    let (mut drawings, mut triangles, mut drawn, mut graphed) = (Vec::new(), Vec::new(), memoryless.len(), 0);
    for shown in &others {
        let Some(hmm) = process(world, &shown.topic) else { continue };
        let n = hmm.states();
        let names = names::of(spec, &hmm, tokens);
        if large(&hmm) {
            drawings.push((shown.caption(), heat_map::draw(&hmm, if matrices > 1 { 250.0 } else { 400.0 })));
        } else if graphed + n <= STATES {
            graphed += n;
            let plan = Plan::new(&hmm, &names, tokens);
            silent |= plan.labels.iter().any(Vec::is_empty);
            drawings.push((shown.caption(), graph::draw(&plan, hmm.vocab(), &names, tokens)));
        } else {
            continue;
        }
        drawn += 1;
        if n == 3
            && let Some(triangle) = simplex::draw(&hmm, &names)
        {
            triangles.push((shown.caption(), triangle));
        }
    }
    if matrices > 0 {
        notes.push(format!(
            "More than {GRAPH_STATES} states or {GRAPH_EXITS} ways between them are shown by the matrix of transitions instead of a graph."
        ));
    }
    if silent {
        notes.push("Arrows without words say their tokens and chances when pointed at.".into());
    }
    if !memoryless.is_empty() {
        let rows = memoryless.iter().filter_map(|s| Some((s.caption(), process(world, &s.topic)?)));
        drawings.push((String::new(), bars::draw(&rows.collect::<Vec<_>>(), tokens)));
    }
    match count {
        Some(count) if drawn < count => notes.push(format!("The picture shows {drawn} of {count} topics.")),
        None if drawn > 0 => notes.push(format!(
            "The picture shows {drawn} sampled topic{} of a continuum.",
            if drawn == 1 { "" } else { "s" }
        )),
        _ => {}
    }
    let finish = |drawings: Vec<(String, Drawing)>, class: &str, label: String| {
        if drawings.is_empty() {
            return String::new();
        }
        let (svg, size) = arrange(drawings);
        svg.finish(class, size, &label)
    };
    (
        finish(drawings, "graph", format!("States and transitions: {title}")),
        finish(triangles, "simplex", format!("Beliefs about the state: {title}")),
    )
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests;
