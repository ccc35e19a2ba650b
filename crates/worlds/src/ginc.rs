//! The concepts of GINC, which are drawn at random.

use super::{
    hmm::{Hmm, Transition},
    rng::{Purpose, Stream},
};
use experiment::kinds::Ginc;

/// GINC's concepts (Xie et al. 2021, appendix): one HMM each over `v` tokens.
///
/// Hidden state v·S + s: value (entity) v and slot (property) s of S. It emits `memory[v][s]`, drawn evenly from the
/// tokens 1..V-1, or the delimiter 0 for s = 0. Values and slots move independently: values by
/// `(1 - identity)·block + identity·I`, shared by all concepts, slots by a matrix of the concept's own, where a block
/// matrix is a random mixture of ten permutations with weights softmax((U(0,1)^10 - 0.5)/0.1). A document starts from
/// softmax((U(0,1) - 0.5)/10), drawn per concept. Out of the distribution, concepts that the world without it does not have.
pub fn concepts(ginc: &Ginc) -> Vec<Hmm> {
    let Ginc { tokens: vocab, concepts, entities, properties, identity, draw, .. } = *ginc;
    if ginc.is_random {
        return vec![Hmm::memoryless(&vec![1.0 / vocab as f64; vocab]); concepts];
    }
    let mut shared = Stream::new(draw, Purpose::World, 0);
    let memory: Vec<u16> = (0..entities * properties)
        .map(|h| if h % properties == 0 { 0 } else { 1 + shared.below(vocab as u64 - 1) as u16 })
        .collect();
    let mut values = block_matrix(entities, &mut shared);
    for (at, p) in values.iter_mut().enumerate() {
        let stay = if at / entities == at % entities { identity } else { 0.0 };
        *p = (1.0 - identity) * *p + stay;
    }
    let first = if ginc.is_out_of_distribution { 1 << 20 } else { 1 };
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
