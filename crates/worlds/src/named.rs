//! Constructors of the named processes. Where nothing else is said, P1 (Riechers et al. 2025) and the literature on
//! computational mechanics that it cites.

use super::{
    hmm::{Hmm, Transition},
    rng::{Purpose, Stream},
};
use experiment::WorldSpec;

/// A process by its edges (from, token, to, probability) over named states; it starts from its stationary distribution.
pub struct Named {
    pub states: &'static [&'static str],
    pub edges: Vec<(u32, u16, u32, f64)>,
    pub vocab: usize,
}

impl Named {
    pub fn hmm(&self) -> Hmm {
        hmm(self.vocab, self.states.len(), &self.edges, None)
    }
}

fn hmm(vocab: usize, states: usize, edges: &[(u32, u16, u32, f64)], start: Option<Vec<f64>>) -> Hmm {
    let edges = edges.iter().map(|&(i, token, next, p)| (i, Transition { token, next, p })).collect();
    Hmm::new(vocab, states, edges, start)
}

/// The process of a named world that is a single one; `None` for other worlds.
pub fn process(spec: &WorldSpec) -> Option<Named> {
    let (p, q) = (spec.parameter("p"), spec.parameter("q"));
    let (states, edges): (&'static [&'static str], Vec<_>) = match spec.kind()?.name {
        "mr-name" => (STORY, story(p, q, 3)),
        "golden-mean" => (&["A", "B"], vec![(0, 0, 0, 1.0 - p), (0, 1, 1, p), (1, 0, 0, 1.0)]),
        "even" => (&["A", "B"], vec![(0, 0, 0, 1.0 - p), (0, 1, 1, p), (1, 1, 0, 1.0)]),
        "five-three-golden-mean" => {
            let mut edges = vec![(0, 0, 0, 1.0 - p), (0, 1, 1, p)];
            edges.extend((1..5).map(|i| (i, 1, i + 1, 1.0)));
            edges.extend((5..8).map(|i| (i, 0, (i + 1) % 8, 1.0)));
            (&["A", "B", "C", "D", "E", "F", "G", "H"], edges)
        }
        "teddy-bear" => (
            &["A", "B", "C", "D", "E", "F", "G"],
            vec![
                (0, 0, 0, 1.0 - p - q),
                (0, 1, 1, p),
                (0, 2, 3, q),
                (1, 1, 2, 1.0),
                (2, 1, 0, 1.0),
                (3, 2, 4, 1.0),
                (4, 2, 5, 1.0),
                (5, 0, 6, 1.0),
                (6, 0, 0, 1.0),
            ],
        ),
        "sns" => (&["A", "B"], vec![(0, 0, 0, 1.0 - p), (0, 0, 1, p), (1, 0, 1, 1.0 - q), (1, 1, 0, q)]),
        "z1r" => (&["0", "1", "R"], vec![(0, 0, 1, 1.0), (1, 1, 2, 1.0), (2, 1, 0, p), (2, 0, 0, 1.0 - p)]),
        "rrxor" => {
            let (p, q) = (spec.parameter("p1"), spec.parameter("p2"));
            (
                &["S", "0", "1", "T", "F"],
                vec![
                    (0, 0, 1, p),
                    (0, 1, 2, 1.0 - p),
                    (1, 0, 4, q),
                    (1, 1, 3, 1.0 - q),
                    (2, 0, 3, q),
                    (2, 1, 4, 1.0 - q),
                    (3, 1, 0, 1.0),
                    (4, 0, 0, 1.0),
                ],
            )
        }
        "mess3" => {
            let (x, a) = (spec.parameter("x"), spec.parameter("a"));
            let mut edges = Vec::new();
            for (i, j, token) in (0..27).map(|n| (n / 9, n / 3 % 3, n % 3)) {
                let step = if i == j { 1.0 - 2.0 * x } else { x };
                let shown = if token == j { a } else { (1.0 - a) / 2.0 };
                edges.push((i, token as u16, j, step * shown));
            }
            (&["A", "B", "C"], edges)
        }
        _ => return None,
    };
    Some(Named { states, edges, vocab: spec.vocab() })
}

/// States of [`mr_name`]; the third kind of word that may follow is the name.
pub const STORY: &[&str] = &["Mr", "Something", "Blah", "name"];

/// The state is the last token, one of Mr (0), Something (1), Blah (2) or the name. Mr is followed by the name; the
/// name by Something or Blah, 1/2 each; Something by Mr (q), Blah (p) or itself; Blah by Mr (q), Something (p) or
/// itself.
fn story(p: f64, q: f64, name: u16) -> Vec<(u32, u16, u32, f64)> {
    let stay = 1.0 - p - q;
    vec![
        (0, name, 3, 1.0),
        (3, 1, 1, 0.5),
        (3, 2, 2, 0.5),
        (1, 0, 0, q),
        (1, 1, 1, stay),
        (1, 2, 2, p),
        (2, 0, 0, q),
        (2, 1, 1, p),
        (2, 2, 2, stay),
    ]
}

/// A story with the given name token. With `begin`, a further state comes first, which emits that token and then
/// takes up the stationary distribution.
pub fn mr_name(p: f64, q: f64, name: u16, vocab: usize, begin: Option<u16>) -> Hmm {
    let mut edges = story(p, q, name);
    let stationary = hmm(vocab, 4, &edges, None);
    let Some(begin) = begin else { return stationary };
    edges.extend(stationary.start().iter().enumerate().map(|(i, &p)| (4, begin, i as u32, p)));
    hmm(vocab, 5, &edges, Some(vec![0.0, 0.0, 0.0, 0.0, 1.0]))
}

/// Token 0 with probability p, else token 1.
pub fn coin(p: f64) -> Hmm {
    Hmm::memoryless(&[p, 1.0 - p])
}

/// GINC's concepts (Xie et al. 2021, appendix): one HMM each over `v` tokens.
///
/// Hidden state v·S + s: value (entity) v and slot (property) s of S. It emits `memory[v][s]`, drawn evenly from the
/// tokens 1..V-1, or the delimiter 0 for s = 0. Values and slots move independently: values by
/// `(1 - identity)·block + identity·I`, shared by all concepts, slots by a matrix of the concept's own, where a block
/// matrix is a random mixture of ten permutations with weights softmax((U(0,1)^10 - 0.5)/0.1). A document starts from
/// softmax((U(0,1) - 0.5)/10), drawn per concept. With `ood`, concepts that the world without it does not have.
pub fn ginc(spec: &WorldSpec) -> Vec<Hmm> {
    let count = |name| spec.parameter(name) as usize;
    let (vocab, concepts, entities, properties) =
        (count("v"), count("concepts"), count("entities"), count("properties"));
    if spec.parameter("random") == 1.0 {
        return vec![Hmm::memoryless(&vec![1.0 / vocab as f64; vocab]); concepts];
    }
    let draw = spec.parameter("draw") as u64;
    let mut shared = Stream::new(draw, Purpose::World, 0);
    let memory: Vec<u16> = (0..entities * properties)
        .map(|h| if h % properties == 0 { 0 } else { 1 + shared.below(vocab as u64 - 1) as u16 })
        .collect();
    let identity = spec.parameter("identity");
    let mut values = block_matrix(entities, &mut shared);
    for (at, p) in values.iter_mut().enumerate() {
        let stay = if at / entities == at % entities { identity } else { 0.0 };
        *p = (1.0 - identity) * *p + stay;
    }
    let first = if spec.parameter("ood") == 1.0 { 1 << 20 } else { 1 };
    (0..concepts as u64)
        .map(|c| {
            let mut stream = Stream::new(draw, Purpose::World, first + c);
            let slots = block_matrix(properties, &mut stream);
            let weights: Vec<f64> = (0..memory.len()).map(|_| (stream.uniform() - 0.5) / 10.0).collect();
            let states = memory.len();
            let mut edges = Vec::with_capacity(states * states);
            for (i, &token) in memory.iter().enumerate() {
                for j in 0..states {
                    let value = values[i / properties * entities + j / properties];
                    let slot = slots[i % properties * properties + j % properties];
                    edges.push((i as u32, Transition { token, next: j as u32, p: value * slot }));
                }
            }
            Hmm::new(vocab, states, edges, Some(softmax(&weights)))
        })
        .collect()
}

/// A random doubly stochastic n x n matrix, row-major: ten random permutations, weighted.
fn block_matrix(n: usize, stream: &mut Stream) -> Vec<f64> {
    let logits: Vec<f64> = (0..10).map(|_| (stream.uniform() - 0.5) / 0.1).collect();
    let mut matrix = vec![0.0; n * n];
    for weight in softmax(&logits) {
        let mut order: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            order.swap(i, stream.below(i as u64 + 1) as usize);
        }
        for (i, j) in order.into_iter().enumerate() {
            matrix[i * n + j] += weight;
        }
    }
    matrix
}

fn softmax(logits: &[f64]) -> Vec<f64> {
    let exps: Vec<f64> = logits.iter().map(|&x| libm::exp(x)).collect();
    let sum: f64 = exps.iter().sum();
    exps.into_iter().map(|e| e / sum).collect()
}
