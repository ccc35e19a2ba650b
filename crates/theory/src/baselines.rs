//! Predictors that know less than exact Bayes, or something else, to compare a model with.
//!
//! The names are those of the literature on in-context learning of Markov chains (Edelman et al. 2024, Park et al. 2024):
//! `uni` and `bi` look at no token or one token back; `inf` counts in its context, `ret` weighs topics that it knows.

use super::{
    curve::{Curve, Method},
    entropy::clamped_kl,
};
use worlds::pace::{Pace, at_once};
use worlds::{
    Chain, Filter, Hmm, Topic, Topics, World,
    hmm::Transition,
    rng::{Purpose, Stream},
};

/// A reference predictor with a name, to compare a model with.
pub struct Baseline {
    /// A short name, such as `bi-inf`, unique among the baselines of a world.
    pub name: &'static str,
    /// A sentence: what it knows and what it does.
    pub about: &'static str,
    /// The predictor itself, before the first token.
    pub filter: Filter,
}

/// What one baseline loses at each position.
pub struct MeasuredBaseline {
    /// As [`Baseline::name`].
    pub name: &'static str,
    /// As [`Baseline::about`].
    pub about: &'static str,
    /// Mean loss at positions 1..=T, nats per token.
    pub curve: Curve,
}

/// Most numbers in a table over pairs of tokens, of one model or of all known topics together.
const MAX_PAIRS: usize = 1 << 22;

/// Every baseline that makes sense in a world of tokens.
///
/// `topics` are the K training topics. With `None`, topics are known only where there are finitely
/// many.
pub fn all(world: &World, topics: Option<&[Topic]>) -> Vec<Baseline> {
    at_once(all_at(&mut Pace::unbroken(), world, topics))
}

/// The same, with rests.
async fn all_at(pace: &mut Pace, world: &World, topics: Option<&[Topic]>) -> Vec<Baseline> {
    let v = world.vocab();
    let mut out = Vec::new();
    if let Some(topics) = topics.filter(|_| world.is_exact()) {
        out.push(Baseline {
            name: "retrieval",
            about: "Exact Bayes over the K training topics, as if there were no others.",
            filter: world.pool(topics),
        });
    }
    out.push(Baseline {
        name: "uni-inf",
        about: "Counts tokens in its context: (n + 1)/(t + V). Order means nothing to it.",
        filter: Filter::counts(vec![1.0; v], 0),
    });
    if v * v <= MAX_PAIRS {
        out.push(Baseline {
            name: "bi-inf",
            about: "Counts in its context what followed the last token: (n + 1)/(n of all + V).",
            filter: Filter::counts(vec![1.0; v], 1),
        });
    }
    let known = topics_as_processes(world, topics);
    pace.worked(known.len() * v * v).await;
    if !known.is_empty() && known.len() * v * v <= MAX_PAIRS {
        let weights: Vec<f64> = known.iter().map(|(_, weight)| *weight).collect();
        let mut pairs: Vec<Chain> = Vec::with_capacity(known.len());
        for (hmm, _) in &known {
            pairs.push(Chain::of_pairs(hmm));
            pace.worked(v * v * hmm.states().max(20)).await;
        }
        let singles: Vec<Chain> = pairs.iter().map(|chain| Chain::memoryless(chain.first())).collect();
        out.push(Baseline {
            name: "uni-ret",
            about: "Knows each topic's token frequencies, weighs the topics by them, and predicts with them.",
            filter: Filter::chains(v, &singles, &weights),
        });
        out.push(Baseline {
            name: "bi-ret",
            about: "Knows each topic's frequencies of pairs, weighs the topics by them, and predicts with them.",
            filter: Filter::chains(v, &pairs, &weights),
        });
    }
    out.push(Baseline {
        name: "copy",
        about: "Repeats what followed the last token's last occurrence (95%); anything else is even odds.",
        filter: Filter::copy(v),
    });
    out
}

/// Measures each baseline's loss by position over `sequences` fresh sequences, which are the
/// evaluation's own first ones.
///
/// The loss is `bayes` (h_l) plus E KL(exact Bayes || baseline); where there is no exact Bayes,
/// plus the mean log-ratio of the tokens. A probability below 1e-9 counts as 1e-9.
pub fn measure(
    world: &World,
    topics: Option<&[Topic]>,
    bayes: &[f64],
    sequences: usize,
    seed: u64,
) -> Vec<MeasuredBaseline> {
    at_once(measure_at(&mut Pace::unbroken(), world, topics, bayes, sequences, seed))
}

/// As [`measure`], with rests.
pub async fn measure_at(
    pace: &mut Pace,
    world: &World,
    topics: Option<&[Topic]>,
    bayes: &[f64],
    sequences: usize,
    seed: u64,
) -> Vec<MeasuredBaseline> {
    let length = bayes.len();
    let mut baselines = all_at(pace, world, topics).await;
    // Exact Bayes under P(w), and three predictors that weigh the K topics.
    let work = world.pool_work(0) + 3 * world.pool_work(topics.map_or(1, <[_]>::len));
    let mut sums = vec![[0.0; 2]; baselines.len() * length];
    let mut best = world.bayes();
    let fresh = world.held_out();
    let (mut tokens, mut p, mut q) = (vec![0; length], vec![0.0; world.vocab()], vec![0.0; world.vocab()]);
    for index in 0..sequences {
        pace.reached(index as f64 / sequences as f64);
        let mut stream = Stream::new(seed, Purpose::Evaluation, index as u64);
        let topic = fresh.draw_topic(&mut stream);
        fresh.draw_sequence(&topic, &mut tokens, &mut stream);
        best.reset();
        baselines.iter_mut().for_each(|b| b.filter.reset());
        for (l, &token) in tokens.iter().enumerate() {
            best.predict(&mut p);
            best.observe(token);
            for (baseline, sums) in baselines.iter_mut().zip(sums.chunks_exact_mut(length)) {
                baseline.filter.predict(&mut q);
                baseline.filter.observe(token);
                let above = if world.is_exact() {
                    clamped_kl(&p, &q)
                } else {
                    // Nobody's distribution is the true one: the tokens that are there must do.
                    (p[usize::from(token)] / q[usize::from(token)].max(1e-9)).ln()
                };
                sums[l][0] += above;
                sums[l][1] += above * above;
            }
            pace.worked(work).await;
        }
    }
    let n = sequences.max(1) as f64;
    let curve = |sums: &[[f64; 2]]| Curve {
        values: sums.iter().zip(bayes).map(|(s, h)| h + s[0] / n).collect(),
        stderr: Some(
            sums.iter().map(|s| ((s[1] / n - (s[0] / n).powi(2)).max(0.0) / (n - 1.0).max(1.0)).sqrt()).collect(),
        ),
        methods: vec![Method::MonteCarlo; length],
    };
    let measured = baselines.into_iter().zip(sums.chunks_exact(length.max(1)));
    measured.map(|(b, sums)| MeasuredBaseline { name: b.name, about: b.about, curve: curve(sums) }).collect()
}

/// The topics that a model can know, each once, as processes with their weights: the given ones, or all of finitely many.
pub(super) fn topics_as_processes(world: &World, topics: Option<&[Topic]>) -> Vec<(Hmm, f64)> {
    if let Topics::Finite(mixture) = world.topics() {
        let mut weights = match topics {
            Some(_) => vec![0.0; mixture.len()],
            None => mixture.weights().to_vec(),
        };
        for topic in topics.into_iter().flatten() {
            if let Topic::Component(c) = topic
                && let Some(weight) = weights.get_mut(*c)
            {
                *weight += 1.0;
            }
        }
        let used = weights.into_iter().enumerate().filter(|(_, weight)| *weight > 0.0);
        return used.map(|(c, weight)| (mixture.component(c), weight)).collect();
    }
    let v = world.vocab();
    // The most that will be used: beyond, the tables would be too large anyway.
    let topics = topics.filter(|topics| topics.len() * v * v <= MAX_PAIRS);
    topics.into_iter().flatten().filter_map(|topic| Some((as_hmm(world, topic)?, 1.0))).collect()
}

fn as_hmm(world: &World, topic: &Topic) -> Option<Hmm> {
    match (topic, world.topics()) {
        (Topic::Component(c), Topics::Finite(mixture)) => Some(mixture.component(*c)),
        (Topic::Categorical(distribution), _) => Some(Hmm::memoryless(distribution)),
        (Topic::Chain(chain), _) => Some(chain.hmm()),
        (Topic::Block(block), _) => {
            let n = block.len();
            let transitions = block.iter().enumerate().map(|(i, &token)| {
                let next = ((i + 1) % n) as u32;
                (i as u32, Transition { token, next, p: 1.0 })
            });
            let start = (0..n).map(|i| f64::from(u8::from(i == 0))).collect();
            Some(Hmm::new(world.vocab(), n, transitions.collect(), Some(start)))
        }
        (Topic::Part(i, topic), Topics::Blend(parts)) => {
            let part = parts.get(*i)?;
            Some(as_hmm(&part.world, topic)?.renamed(world.vocab(), &part.map))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Budget, Curves};

    fn world(spec: &str) -> World {
        World::new(&spec.parse().expect("a spec")).expect("a world")
    }

    fn curve_of<'a>(measured: &'a [MeasuredBaseline], name: &str) -> &'a [f64] {
        &measured.iter().find(|b| b.name == name).expect(name).curve.values
    }

    /// Predictions after each token of `tokens`, and before the first.
    fn predictions(name: &str, world: &World, topics: Option<&[Topic]>, tokens: &[u16]) -> Vec<Vec<f64>> {
        let mut filter = all(world, topics).into_iter().find(|b| b.name == name).expect(name).filter;
        let mut out = Vec::new();
        for token in tokens.iter().map(Some).chain([None]) {
            let mut distribution = vec![0.0; world.vocab()];
            filter.predict(&mut distribution);
            out.push(distribution);
            token.into_iter().for_each(|&token| filter.observe(token));
        }
        out
    }

    #[test]
    fn each_is_its_formula() {
        let w = world("markov:k=3");
        let chains =
            [vec![0.8, 0.1, 0.1, 0.2, 0.5, 0.3, 0.3, 0.3, 0.4], vec![0.1, 0.6, 0.3, 0.4, 0.2, 0.4, 0.7, 0.2, 0.1]]
                .map(|rows| Chain::new(3, rows));
        let topics = chains.clone().map(|chain| Topic::Chain(std::sync::Arc::new(chain)));
        let tokens = [0u16, 1, 1, 2, 0, 1, 0];
        for t in 0..=tokens.len() {
            let seen = &tokens[..t];
            let counts = |x: usize| seen.iter().filter(|s| usize::from(**s) == x).count() as f64;
            let at = |name: &str| predictions(name, &w, Some(&topics), &tokens)[t].clone();
            let close = |distribution: Vec<f64>, x: usize, p: f64| {
                assert!((distribution[x] - p).abs() < 1e-12, "{distribution:?} at {x}, not {p}")
            };
            for x in 0..3 {
                close(at("uni-inf"), x, (counts(x) + 1.0) / (t as f64 + 3.0));
                if let Some(&last) = seen.last() {
                    let pairs =
                        |y: usize| seen.windows(2).filter(|s| s[0] == last && usize::from(s[1]) == y).count() as f64;
                    close(at("bi-inf"), x, (pairs(x) + 1.0) / (pairs(0) + pairs(1) + pairs(2) + 3.0));
                }
                let (mut top, mut bottom, mut top_pairs, mut bottom_pairs) = (0.0, 0.0, 0.0, 0.0);
                for chain in &chains {
                    let uni: f64 = seen.iter().map(|&s| chain.first()[usize::from(s)]).product();
                    let steps = seen.windows(2).map(|s| chain.row(s[0].into())[usize::from(s[1])]);
                    let bi = seen.first().map_or(1.0, |&s| chain.first()[usize::from(s)]) * steps.product::<f64>();
                    top += uni * chain.first()[x];
                    bottom += uni;
                    top_pairs += bi * seen.last().map_or(chain.first(), |&s| chain.row(s.into()))[x];
                    bottom_pairs += bi;
                }
                close(at("uni-ret"), x, top / bottom);
                close(at("bi-ret"), x, top_pairs / bottom_pairs);
                close(at("retrieval"), x, top_pairs / bottom_pairs);
            }
        }
        // 0 was last followed by 1; 2 was followed by 0; nothing is known at the start.
        let copies = predictions("copy", &w, None, &tokens);
        assert!((copies[7][1] - (0.95 + 0.05 / 3.0)).abs() < 1e-12 && (copies[0][0] - 1.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn none_is_better_than_bayes_and_the_right_one_is_as_good() {
        for (spec, best) in [("coins:n=4", "uni-ret"), ("markov:pool=3", "bi-ret"), ("dursley-wonka", "bi-ret")] {
            let w = world(spec);
            let bayes = Curves::compute(&w, 20, &Budget::default()).bayes.values;
            let measured = measure(&w, None, &bayes, 200, 3);
            for b in &measured {
                assert!(b.curve.values.iter().zip(&bayes).all(|(loss, h)| loss >= h), "{spec} {}", b.name);
            }
            let off = curve_of(&measured, best).iter().zip(&bayes).map(|(loss, h)| loss - h).fold(0.0, f64::max);
            assert!(off < 1e-9, "{spec}: {best} is {off} above Bayes");
            assert!(curve_of(&measured, "copy")[19] > bayes[19] + 0.01);
        }
        // Copying is nearly all there is to a repeated block, and counting single tokens is next to nothing.
        let w = world("repeat:block=8,v=64");
        let bayes = Curves::compute(&w, 20, &Budget::default()).bayes.values;
        let measured = measure(&w, None, &bayes, 200, 3);
        assert!(2.0 * curve_of(&measured, "copy")[18] < curve_of(&measured, "uni-inf")[18]);
        assert!(measured.iter().all(|b| b.curve.values.iter().all(|v| v.is_finite())));
    }
}
