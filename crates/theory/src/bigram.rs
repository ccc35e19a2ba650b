//! The best predictor that looks one token back and learns nothing in context: where a model stands that knows frequencies of pairs
//! over all topics, and has not found out that sequences differ.

use super::{baselines::topics_as_processes, entropy::entropy};
use worlds::{Hmm, Purpose, Stream, Topic, Topics, World};

/// Topics drawn where there is a continuum of them.
const DRAWN: usize = 1024;
/// Positions after which processes are taken to be stationary.
const STATIONARY_AFTER: usize = 64;
/// Most probabilities in a table of pairs.
const MAX_PAIRS: usize = 1 << 16;

/// The predictor's distributions.
#[derive(Clone, Debug, PartialEq)]
pub struct Bigram {
    first: Vec<f64>,
    /// P(x_l | x_{l-1}) for l = 2, 3, ..., each [V, V] row-major; the last one for all later l.
    after: Vec<Vec<f64>>,
    /// H(X_l | X_{l-1}), nats.
    losses: Vec<f64>,
}

impl Bigram {
    /// Computes the predictor for positions 1..=`length`: of the mixture of the K training topics
    /// where they are given, else of P(w), of which a continuum is sampled.
    ///
    /// `None` for vectors, texts, blends of continua, and where a table of pairs would be too
    /// large.
    pub fn new(world: &World, topics: Option<&[Topic]>, length: usize) -> Option<Self> {
        let v = world.vocab();
        if v == 0 || v * v > MAX_PAIRS || length == 0 {
            return None;
        }
        if let (None, Topics::Blocks { block: 2.. }) = (topics, world.topics()) {
            // Neighbours in a random block, and across its end, are independent.
            let even = 1.0 / v as f64;
            return Some(Self {
                first: vec![even; v],
                after: vec![vec![even; v * v]],
                losses: vec![(v as f64).ln(); length],
            });
        }
        let drawn: Vec<Topic> = match (topics, world.topics()) {
            (Some(_), _) | (None, Topics::Finite(_) | Topics::Blend(_)) => Vec::new(),
            _ => (0..DRAWN).map(|i| world.draw_topic(&mut Stream::new(0, Purpose::MonteCarlo, i as u64))).collect(),
        };
        let known = topics.or((!drawn.is_empty()).then_some(&drawn[..]));
        let mut processes = topics_as_processes(world, known);
        let total: f64 = processes.iter().map(|(_, weight)| weight).sum();
        if processes.is_empty() || total <= 0.0 {
            return None;
        }
        let even = !drawn.is_empty() && treats_tokens_alike(world);
        processes.iter_mut().for_each(|(_, weight)| *weight /= total);
        let mut states: Vec<Vec<f64>> = processes.iter().map(|(hmm, _)| hmm.start().to_vec()).collect();
        let mut first = first_tokens(&processes, &states, v);
        if even {
            first.fill(1.0 / v as f64);
        }
        let (mut losses, mut after) = (vec![entropy(&first)], Vec::new());
        while losses.len() < length.min(STATIONARY_AFTER) {
            let (mut pairs, mut moved) = (vec![0.0; v * v], false);
            for ((hmm, weight), distribution) in processes.iter().zip(&mut states) {
                moved |= step(hmm, *weight, distribution, &mut pairs, v);
            }
            if even {
                make_even(&mut pairs, v);
            }
            let last: Vec<f64> = pairs.chunks(v).map(|row| row.iter().sum()).collect();
            losses.push(entropy(&pairs) - entropy(&last));
            for (row, sum) in pairs.chunks_mut(v).zip(last) {
                row.iter_mut().for_each(|p| *p = if sum > 0.0 { *p / sum } else { 1.0 / v as f64 });
            }
            after.push(pairs);
            if !moved {
                break;
            }
        }
        let stationary = losses[losses.len() - 1];
        losses.resize(length, stationary);
        Some(Self { first, after, losses })
    }

    /// The predictor's loss at each position, nats per token.
    pub fn losses(&self) -> &[f64] {
        &self.losses
    }

    /// P(next token | `seen`), with V entries.
    pub fn distribution(&self, seen: &[u16]) -> &[f64] {
        let v = self.first.len();
        match (seen.last(), self.after.get(seen.len().min(self.after.len()).saturating_sub(1))) {
            (Some(last), Some(rows)) => &rows[usize::from(*last) * v..(usize::from(*last) + 1) * v],
            _ => &self.first,
        }
    }
}

/// Whether P(w) stays what it is when tokens change their names: then a pair's probability depends only on whether its tokens are the same,
/// which takes far fewer draws to know.
fn treats_tokens_alike(world: &World) -> bool {
    match world.topics() {
        Topics::Markov { .. } | Topics::Blocks { .. } => true,
        Topics::DirichletCategorical { alphas } => alphas.iter().all(|alpha| *alpha == alphas[0]),
        _ => false,
    }
}

fn make_even(pairs: &mut [f64], v: usize) {
    let same: f64 = pairs.iter().step_by(v + 1).sum();
    let other = (1.0 - same) / (v * (v - 1)).max(1) as f64;
    pairs.fill(other);
    pairs.iter_mut().step_by(v + 1).for_each(|p| *p = same / v as f64);
}

/// Adds the pairs that a process is about to emit, and moves its states' distribution on by a token; whether that changed it.
fn step(hmm: &Hmm, weight: f64, distribution: &mut Vec<f64>, pairs: &mut [f64], v: usize) -> bool {
    let mut next = vec![0.0; distribution.len()];
    for (i, p) in distribution.iter().enumerate().filter(|(_, p)| **p > 0.0) {
        for one in hmm.transitions(i) {
            next[one.next as usize] += p * one.p;
            for two in hmm.emissions(one.next as usize) {
                pairs[usize::from(one.token) * v + usize::from(two.0)] += weight * p * one.p * two.1;
            }
        }
    }
    let moved = distribution.iter().zip(&next).any(|(a, b)| (a - b).abs() > 1e-12);
    *distribution = next;
    moved
}

fn first_tokens(processes: &[(Hmm, f64)], states: &[Vec<f64>], v: usize) -> Vec<f64> {
    let mut distribution = vec![0.0; v];
    for ((hmm, weight), states) in processes.iter().zip(states) {
        for (i, p) in states.iter().enumerate() {
            hmm.transitions(i)
                .iter()
                .for_each(|transition| distribution[usize::from(transition.token)] += weight * p * transition.p);
        }
    }
    distribution
}

#[cfg(test)]
mod tests {
    use super::*;
    use worlds::Corpus;

    fn bigram(spec: &str) -> Bigram {
        Bigram::new(&World::new(&spec.parse().expect("a spec")).expect("a world"), None, 6).expect("tokens")
    }

    fn losses(spec: &str) -> Vec<f64> {
        bigram(spec).losses
    }

    #[test]
    fn it_is_what_one_token_back_can_say() {
        // Golden numbers of Dursley or Wonka: unigram, and the bigram that never finds out the name.
        let stories = losses("dursley-wonka");
        assert!(
            (stories[0] - 1.445_19).abs() < 1e-5 && stories[1..].iter().all(|h| (h - 0.951_40).abs() < 1e-5),
            "{stories:?}"
        );
        // With a begin token, the token after it is its unigram.
        let known = losses("dursley-wonka:bos=1");
        assert!(
            known[0] == 0.0 && (known[1] - 1.445_19).abs() < 1e-5 && (known[2] - 0.951_40).abs() < 1e-5,
            "{known:?}"
        );
        // The state of a golden mean process is its last token: at its entropy rate from the second position on.
        assert!((losses("golden-mean")[1] - 0.462_098).abs() < 1e-6);
        // Two tosses of a coin of unknown bias: P(same) = 2/3.
        let toss = losses("beta-coin");
        assert!((toss[0] - 2f64.ln()).abs() < 1e-3 && (toss[1] - 0.636_51).abs() < 5e-3, "{toss:?}");
        // One training topic: its own pairs.
        let world = World::new(&"markov:k=3".parse().expect("a spec")).expect("a world");
        let data = experiment::Data { topics: 1, fresh: false, ..Default::default() };
        let corpus = Corpus::draw(&world, &data, 1);
        let of_one = Bigram::new(&world, corpus.topics(), 4).expect("tokens");
        let Some([Topic::Chain(chain)]) = corpus.topics() else { panic!("one chain") };
        let rate: f64 = chain.first().iter().enumerate().map(|(i, p)| p * entropy(chain.row(i))).sum();
        assert!((of_one.losses[3] - rate).abs() < 1e-9 && losses("markov:k=3")[3] > 1.0);
        assert!(Bigram::new(&World::new(&"lds:d=2".parse().expect("a spec")).expect("a world"), None, 4).is_none());
        assert_eq!(of_one.distribution(&[0, 2, 1]), chain.row(1));
        // A random block says nothing over all blocks, however many tokens there are.
        assert!(losses("repeat:block=8,v=64").iter().all(|h| (h - 64f64.ln()).abs() < 1e-12));
        // Six faces with small alpha: P(x, y) = (alpha² + alpha [x = y])/(A (A + 1)), so P(y same as x) = (alpha + 1)/(A + 1).
        let loaded = bigram("dice:v=6,alpha=0.2");
        assert!(
            (loaded.distribution(&[3])[3] - 1.2 / 2.2).abs() < 0.02
                && (loaded.distribution(&[3])[0] - 0.2 / 2.2).abs() < 0.005
        );
    }
}
