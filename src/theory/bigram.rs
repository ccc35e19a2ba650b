//! The best predictor that looks one token back and learns nothing in context: where a learner stands that knows frequencies of pairs
//! over all topics, and has not found out that sequences differ.

use super::{baselines::topics_as_processes, entropy::entropy};
use crate::world::{Hmm, Purpose, Stream, Topic, Topics, World};

/// Topics drawn where there is a continuum of them.
const DRAWN: usize = 1024;
/// Positions after which processes are taken to have settled.
const SETTLED: usize = 64;
/// Most chances in a table of pairs.
const MAX_PAIRS: usize = 1 << 16;

/// Its loss at each position, H(X_l | X_{l-1}) under the mixture of all topics, nats: of the K training topics where they are given, else
/// of those of P(w), of which a continuum is sampled. `None` for vectors, texts, and where a table of pairs would be too large.
pub fn in_weights(world: &World, topics: Option<&[Topic]>, length: usize) -> Option<Vec<f64>> {
    let v = world.vocab();
    if v == 0 || v * v > MAX_PAIRS || length == 0 {
        return None;
    }
    let drawn: Vec<Topic> = match (topics, world.topics()) {
        (Some(_), _) | (None, Topics::Finite(_)) => Vec::new(),
        _ => (0..DRAWN).map(|i| world.draw_topic(&mut Stream::new(0, Purpose::MonteCarlo, i as u64))).collect(),
    };
    let known = topics.or((!drawn.is_empty()).then_some(&drawn[..]));
    let mut processes = topics_as_processes(world, known);
    let total: f64 = processes.iter().map(|(_, weight)| weight).sum();
    if processes.is_empty() || total <= 0.0 {
        return None;
    }
    let mut states: Vec<Vec<f64>> = processes.iter().map(|(hmm, _)| hmm.start().to_vec()).collect();
    processes.iter_mut().for_each(|(_, weight)| *weight /= total);
    let mut losses = vec![entropy(&first_tokens(&processes, &states, v))];
    let mut pairs = vec![0.0; v * v];
    while losses.len() < length.min(SETTLED) {
        pairs.fill(0.0);
        let mut moved = false;
        for ((hmm, weight), law) in processes.iter().zip(&mut states) {
            let mut next = vec![0.0; law.len()];
            for (i, p) in law.iter().enumerate().filter(|(_, p)| **p > 0.0) {
                for one in hmm.exits(i) {
                    next[one.next as usize] += p * one.p;
                    for two in hmm.emissions(one.next as usize) {
                        pairs[usize::from(one.token) * v + usize::from(two.0)] += weight * p * one.p * two.1;
                    }
                }
            }
            moved |= law.iter().zip(&next).any(|(a, b)| (a - b).abs() > 1e-12);
            *law = next;
        }
        let last: Vec<f64> = pairs.chunks(v).map(|row| row.iter().sum()).collect();
        losses.push(entropy(&pairs) - entropy(&last));
        if !moved {
            break;
        }
    }
    let settled = losses[losses.len() - 1];
    losses.resize(length, settled);
    Some(losses)
}

fn first_tokens(processes: &[(Hmm, f64)], states: &[Vec<f64>], v: usize) -> Vec<f64> {
    let mut law = vec![0.0; v];
    for ((hmm, weight), states) in processes.iter().zip(states) {
        for (i, p) in states.iter().enumerate() {
            hmm.exits(i).iter().for_each(|exit| law[usize::from(exit.token)] += weight * p * exit.p);
        }
    }
    law
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Corpus;

    fn losses(spec: &str) -> Vec<f64> {
        in_weights(&World::new(&spec.parse().expect("a spec")).expect("a world"), None, 6).expect("tokens")
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
        let told = losses("dursley-wonka:bos=1");
        assert!(told[0] == 0.0 && (told[1] - 1.445_19).abs() < 1e-5 && (told[2] - 0.951_40).abs() < 1e-5, "{told:?}");
        // The state of a golden mean process is its last token: at its entropy rate from the second position on.
        assert!((losses("golden-mean")[1] - 0.462_098).abs() < 1e-6);
        // Two tosses of a coin of unknown bias: P(same) = 2/3.
        let toss = losses("beta-coin");
        assert!((toss[0] - 2f64.ln()).abs() < 1e-3 && (toss[1] - 0.636_51).abs() < 5e-3, "{toss:?}");
        // One training topic: its own pairs.
        let world = World::new(&"markov:k=3".parse().expect("a spec")).expect("a world");
        let data = crate::experiment::Data { topics: 1, fresh: false, ..Default::default() };
        let corpus = Corpus::draw(&world, &data, 1);
        let of_one = in_weights(&world, corpus.topics(), 4).expect("tokens");
        let Some([Topic::Chain(chain)]) = corpus.topics() else { panic!("one chain") };
        let rate: f64 = chain.first().iter().enumerate().map(|(i, p)| p * entropy(chain.row(i))).sum();
        assert!((of_one[3] - rate).abs() < 1e-9 && losses("markov:k=3")[3] > 1.0);
        assert!(in_weights(&World::new(&"lds:d=2".parse().expect("a spec")).expect("a world"), None, 4).is_none());
    }
}
