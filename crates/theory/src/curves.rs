//! What an ideal predictor loses at each position, and the limits.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    belief::BeliefGraph,
    curve::{Curve, Method},
    entropy::{digamma, entropy},
    limits::{ComponentLimits, enumerated, mixture_excess},
    linear::LinearTheory,
    monte_carlo::{Mean, Sampled},
};
use worlds::pace::{Pace, at_once};
use worlds::{
    Chain, Filter, Mixture, Part, Topics, World,
    filter::particle_updates,
    rng::{Purpose, Stream},
};

/// How much work a computation may take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    /// Beliefs that may be enumerated for each curve; about a microsecond each.
    pub belief_states: usize,
    /// Work of Monte Carlo estimates: filter steps times hidden states; about 0.1 microseconds each.
    pub monte_carlo_work: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { belief_states: 250_000, monte_carlo_work: 6_000_000 }
    }
}

/// Units of [`Pace`] for one update of a hidden state, by which budgets count.
pub(super) const STATE_WORK: usize = 100;
/// Most sequences of a Monte Carlo estimate.
const MAX_SEQUENCES: usize = 4000;
/// Fewest: below, a standard error says little.
const MIN_SEQUENCES: usize = 64;
/// Particle updates, per k squared, that cost about as much as one update of a hidden state.
const UPDATES: usize = 50;
/// What the particles of the filter for Dirichlet chains may shift a mean predictive entropy by, nats: some three times
/// what two independent sets of particles were seen to differ by at l = 2, where the shift is largest.
const PARTICLE_ERROR: f64 = 5e-4;
/// Chains drawn for the entropy rate of the Markov world.
const CHAINS: usize = 20_000;
/// Bounds of the entropy rate this far apart say less than sampling does.
const WIDE: f64 = 1e-3;
/// The same of order 2, which take longer.
const CHAINS_OF_PAIRS: usize = 6000;

/// Reference curves over positions 1..=T, nats per token (or vector), and their limits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curves {
    /// h_l: the loss of exact Bayes with the topic hidden, under the true P(w).
    pub bayes: Curve,
    /// The loss of a predictor that knows the topic.
    pub oracle: Curve,
    /// Entropy of the marginal distribution of the token (or vector) at each position.
    pub unigram: Curve,
    /// h, the limit of h_l with l, nats per token (or vector).
    pub entropy_rate: f64,
    /// Standard error of `entropy_rate`, nats; `None` where it is no estimate by sampling.
    pub entropy_rate_stderr: Option<f64>,
    /// Σ (h_l - h) over all positions, nats; `None` where it diverges or did not converge within
    /// the budget.
    pub excess_entropy: Option<f64>,
    /// How rate and excess entropy were obtained, a sentence each.
    pub how: Vec<String>,
    /// Distinct beliefs enumerated for `bayes`; 0 where none were.
    pub belief_states: usize,
}

impl Curves {
    /// Computes the reference curves of a world at positions 1..=`length`. What cannot be
    /// enumerated within the budget is sampled.
    pub fn compute(world: &World, length: usize, budget: &Budget) -> Self {
        at_once(Self::compute_at(&mut Pace::unbroken(), world, length, budget))
    }

    /// As [`Self::compute`], with rests.
    pub async fn compute_at(pace: &mut Pace, world: &World, length: usize, budget: &Budget) -> Self {
        match world.topics() {
            Topics::Finite(mixture) => finite(pace, world, mixture, length, budget).await,
            Topics::DirichletCategorical { alphas } => dirichlet_categorical(alphas, length),
            Topics::Markov { k, order, alpha } => markov(pace, world, [*k, *order], *alpha, length, budget).await,
            Topics::Blocks { block } => blocks(*block, world.vocab(), length),
            // Blends hold worlds that have curves of their own.
            Topics::Blend(parts) => Box::pin(blend(pace, world, parts, length, budget)).await,
            Topics::Text(texts) => super::text::curves(pace, world, texts, length, budget).await,
            Topics::Linear(distribution) => {
                LinearTheory::compute_at(pace, distribution, &[], length, budget).await.curves
            }
        }
    }
}

pub(super) fn constant(value: f64, method: Method, length: usize) -> Curve {
    Curve { values: vec![value; length], stderr: None, methods: vec![method; length] }
}

fn exact(values: Vec<f64>) -> Curve {
    Curve { methods: vec![Method::Exact; values.len()], stderr: None, values }
}

/// Continues an exact curve with estimates for the positions that it lacks.
fn continued(values: Vec<f64>, estimates: impl Fn(usize) -> Mean, length: usize) -> Curve {
    if values.len() >= length {
        return exact(values);
    }
    let mut curve = exact(values);
    let mut errors = vec![0.0; curve.values.len()];
    for l in curve.values.len()..length {
        let estimate = estimates(l);
        curve.values.push(estimate.value);
        curve.methods.push(Method::MonteCarlo);
        errors.push(estimate.squared_error.sqrt());
    }
    curve.stderr = Some(errors);
    curve
}

async fn finite(pace: &mut Pace, world: &World, mixture: &Mixture, length: usize, budget: &Budget) -> Curves {
    let weights = mixture.weights();
    let share = (budget.belief_states / mixture.len().max(1)).max(2000.min(budget.belief_states));
    let mut parts: Vec<ComponentLimits> = Vec::with_capacity(mixture.len());
    for c in 0..mixture.len() {
        pace.reached(0.5 * c as f64 / mixture.len() as f64);
        pace.worked(1000).await;
        parts.push(ComponentLimits::compute(pace, &mixture.component(c), length, share).await);
    }
    let mean = |value: fn(&ComponentLimits) -> f64| weights.iter().zip(&parts).map(|(w, p)| w * value(p)).sum::<f64>();
    let (rate, rate_error) = (mean(|p| p.rate), mean(|p| p.rate_error));

    let known = parts.iter().map(|p| p.curve.len()).min().unwrap_or(0);
    let oracle: Vec<f64> = (0..known).map(|l| weights.iter().zip(&parts).map(|(w, p)| w * p.curve[l]).sum()).collect();
    let (bayes, belief_states) = match &parts[..] {
        [only] => (only.curve.clone(), only.beliefs),
        _ => {
            let mut graph = BeliefGraph::new(mixture.hmm(), budget.belief_states);
            let values = enumerated(pace, &mut graph, &mixture.joint_start(), length, rate, rate_error).await;
            (values, graph.beliefs())
        }
    };
    let (excess_entropy, how_excess) = mixture_excess(pace, mixture, &parts, rate, budget.belief_states).await;
    let step = filter_work(mixture);
    let bracket = rate_error;
    let (rate, rate_stderr, how_rate) = if bracket > WIDE {
        let sampled = sampled_rate(pace, mixture, budget.monte_carlo_work / step.max(1)).await;
        (
            sampled.value.clamp(rate - bracket, rate + bracket),
            Some(sampled.squared_error.sqrt()),
            "Entropy rate: Monte Carlo, the mean predictive entropy of the exact filter late in long sequences.".into(),
        )
    } else if bracket > 0.0 {
        let how = "Entropy rate: the limit of h_l, between bounds that enumeration gives; off by at most";
        (rate, None, format!("{how} {bracket:.1e}."))
    } else {
        (rate, None, "Entropy rate: exact, the mean entropy of the next token given the hidden state.".into())
    };

    let (bayes, oracle) = if bayes.len() < length || oracle.len() < length {
        let sequences = (budget.monte_carlo_work / (step * length).max(1)).clamp(MIN_SEQUENCES, MAX_SEQUENCES);
        let sampled = Sampled::draw(pace, world, length, sequences, STATE_WORK * step).await;
        // In a stationary world h_l lies between the rate and whatever came before.
        let low = rate - if rate_stderr.is_some() { f64::INFINITY } else { bracket };
        let bounds = is_stationary(mixture).then(|| (low, bayes.last().copied().unwrap_or(f64::INFINITY)));
        let estimate = |l: usize| {
            let known = oracle.get(l).map(|&value| Mean { value, squared_error: 0.0 });
            let Mean { value, squared_error } = sampled.bayes(l, known, 0.0);
            match bounds {
                Some((low, high)) if low < high => {
                    Mean { value: value.clamp(low, high), squared_error: squared_error.min((high - low).powi(2)) }
                }
                _ => Mean { value, squared_error },
            }
        };
        let bayes = continued(bayes.clone(), estimate, length);
        // With one component there is no topic to know.
        let oracle = match &parts[..] {
            [_] => bayes.clone(),
            _ => continued(oracle.clone(), |l| sampled.oracle(l), length),
        };
        (bayes, oracle)
    } else {
        (exact(bayes), exact(oracle))
    };
    Curves {
        bayes,
        oracle,
        unigram: exact(unigram(world, length)),
        entropy_rate: rate,
        entropy_rate_stderr: rate_stderr,
        excess_entropy,
        how: vec![how_rate, how_excess],
        belief_states,
    }
}

/// What one step of the filter costs, in updates of a hidden state: every state is asked whether it emits the token, and of
/// those that do the transitions are followed.
fn filter_work(mixture: &Mixture) -> usize {
    let hmm = mixture.hmm();
    let followed: f64 =
        (0..hmm.states()).map(|i| hmm.transitions(i).len() as f64 / hmm.emissions(i).len().max(1) as f64).sum::<f64>();
    // As if tokens were equally likely; a transition takes a quarter of the time.
    hmm.states() + (followed / (4.0 * hmm.vocab() as f64)) as usize
}

/// The mean over components and sequences of the oracle's predictive entropy late in long sequences; `steps` filter steps in
/// all.
async fn sampled_rate(pace: &mut Pace, mixture: &Mixture, steps: usize) -> Mean {
    /// Tokens until the start is forgotten, and tokens that count.
    const EARLY: usize = 64;
    const LATE: usize = 192;
    // A component's filter is that much smaller than the mixture's.
    let sequences = (steps / (EARLY + LATE)).clamp(16, 400);
    let mut mean = Mean::default();
    let mut tokens = vec![0; EARLY + LATE];
    let mut distribution = vec![0.0; mixture.hmm().vocab()];
    for (c, weight) in mixture.weights().iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
        let alone = Mixture::new(&[mixture.component(c)], &[1.0]);
        let alone_states = alone.hmm().states();
        let mut filter = Filter::mixture(Arc::new(alone), vec![1.0]);
        let (mut sum, mut squares) = (0.0, 0.0);
        for index in 0..sequences {
            let mut stream = Stream::new(1, Purpose::MonteCarlo, (c * sequences + index) as u64);
            mixture.draw(c, &mut tokens, &mut stream);
            filter.reset();
            let mut total = 0.0;
            for (t, &token) in tokens.iter().enumerate() {
                if t >= EARLY {
                    filter.predict(&mut distribution);
                    total += entropy(&distribution);
                }
                filter.observe(token);
            }
            pace.worked(STATE_WORK * tokens.len() * alone_states).await;
            sum += total / LATE as f64;
            squares += (total / LATE as f64).powi(2);
        }
        let n = sequences as f64;
        mean.value += weight * sum / n;
        mean.squared_error += weight * weight * (squares / n - (sum / n).powi(2)).max(0.0) / (n - 1.0);
    }
    mean
}

/// Whether the distribution over hidden states is the same at every position.
fn is_stationary(mixture: &Mixture) -> bool {
    let start = mixture.joint_start();
    let mut next = vec![0.0; start.len()];
    for (i, &p) in start.iter().enumerate() {
        for transition in mixture.hmm().transitions(i) {
            next[transition.next as usize] += p * transition.p;
        }
    }
    start.iter().zip(&next).all(|(a, b)| (a - b).abs() < 1e-12)
}

/// Entropy of the marginal distribution of the token at each position.
fn unigram(world: &World, length: usize) -> Vec<f64> {
    let mut values: Vec<f64> = marginals(world, length).iter().map(|distribution| entropy(distribution)).collect();
    let last = values.last().copied().unwrap_or(0.0);
    values.resize(length, last);
    values
}

/// The marginal distribution of the token at each position; beyond the last one given, it stays the same.
pub fn marginals(world: &World, length: usize) -> Vec<Vec<f64>> {
    let v = world.vocab();
    match world.topics() {
        Topics::DirichletCategorical { alphas } => {
            let total: f64 = alphas.iter().sum();
            vec![alphas.iter().map(|alpha| alpha / total).collect()]
        }
        Topics::Markov { .. } | Topics::Blocks { .. } => vec![vec![1.0 / v as f64; v]],
        Topics::Text(texts) => vec![texts.marginal()],
        Topics::Blend(parts) => {
            let each: Vec<_> = parts.iter().map(|part| marginals(&part.world, length)).collect();
            let longest = each.iter().map(Vec::len).max().unwrap_or(0);
            let mut distributions = vec![vec![0.0; v]; longest];
            for (l, distribution) in distributions.iter_mut().enumerate() {
                for (part, own) in parts.iter().zip(&each) {
                    for (token, p) in part.map.iter().zip(&own[l.min(own.len() - 1)]) {
                        distribution[usize::from(*token)] += part.weight * p;
                    }
                }
            }
            distributions
        }
        Topics::Finite(mixture) => {
            let hmm = mixture.hmm();
            let mut states = mixture.joint_start();
            let mut distributions = Vec::new();
            while distributions.len() < length {
                let mut tokens = vec![0.0; v];
                let mut next = vec![0.0; states.len()];
                for (i, &p) in states.iter().enumerate().filter(|(_, p)| **p > 0.0) {
                    for transition in hmm.transitions(i) {
                        tokens[usize::from(transition.token)] += p * transition.p;
                        next[transition.next as usize] += p * transition.p;
                    }
                }
                distributions.push(tokens);
                if states.iter().zip(&next).all(|(a, b)| (a - b).abs() < 1e-14) {
                    break;
                }
                states = next;
            }
            distributions
        }
        // Of no tokens.
        Topics::Linear(_) => Vec::new(),
    }
}

/// A face that was seen n times among L tokens has n beta-binomial, and predictive probability (n + alpha)/(L + Σ alpha). The mean
/// entropy is a sum over faces, so each face's count is all that has to be summed over.
fn dirichlet_categorical(alphas: &[f64], length: usize) -> Curves {
    let total: f64 = alphas.iter().sum();
    // Faces with the same alpha add the same.
    let mut kinds: Vec<(f64, f64)> = Vec::new();
    for &alpha in alphas {
        match kinds.iter_mut().find(|(other, _)| *other == alpha) {
            Some((_, faces)) => *faces += 1.0,
            None => kinds.push((alpha, 1.0)),
        }
    }
    let mut values = vec![0.0; length];
    for (alpha, faces) in kinds {
        let mut probabilities = vec![1.0];
        for (seen, value) in values.iter_mut().enumerate() {
            let all = seen as f64 + total;
            let mut next = vec![0.0; seen + 2];
            for (n, &probability) in probabilities.iter().enumerate() {
                let p = (n as f64 + alpha) / all;
                *value -= faces * probability * p * p.ln();
                next[n + 1] += probability * p;
                next[n] += probability * (1.0 - p);
            }
            probabilities = next;
        }
    }
    let known: f64 = alphas.iter().map(|&alpha| alpha * digamma(alpha + 1.0)).sum();
    let rate = digamma(total + 1.0) - known / total;
    let marginal: Vec<f64> = alphas.iter().map(|alpha| alpha / total).collect();
    Curves {
        bayes: Curve { methods: vec![Method::ClosedForm; length], stderr: None, values },
        oracle: constant(rate, Method::ClosedForm, length),
        unigram: constant(entropy(&marginal), Method::ClosedForm, length),
        entropy_rate: rate,
        entropy_rate_stderr: None,
        excess_entropy: None,
        how: vec![
            "Entropy rate: closed form, the mean entropy of the topic's distribution under its Dirichlet prior.".into(),
            format!("Excess entropy: infinite, since h_l - h falls only as {}/(2L).", alphas.len() - 1),
        ],
        belief_states: 0,
    }
}

fn blocks(block: usize, vocab: usize, length: usize) -> Curves {
    let uniform = (vocab as f64).ln();
    let mut bayes = constant(0.0, Method::ClosedForm, length);
    bayes.values.iter_mut().take(block).for_each(|h| *h = uniform);
    Curves {
        bayes,
        oracle: constant(0.0, Method::ClosedForm, length),
        unigram: constant(uniform, Method::ClosedForm, length),
        entropy_rate: 0.0,
        entropy_rate_stderr: None,
        excess_entropy: Some(block as f64 * uniform),
        how: vec![
            "Entropy rate: 0, since the block repeats for ever.".into(),
            "Excess entropy: closed form, the entropy of the block, B ln V.".into(),
        ],
        belief_states: 0,
    }
}

/// Worlds of which at least one has a continuum of topics: limits and the oracle's curve are the parts' means, and h_l is
/// estimated on the exact filter.
async fn blend(pace: &mut Pace, world: &World, parts: &[Part], length: usize, budget: &Budget) -> Curves {
    let share = |total: usize| (total / parts.len().max(1)).max(1000.min(total));
    let budget_each =
        Budget { belief_states: share(budget.belief_states), monte_carlo_work: share(budget.monte_carlo_work) };
    let mut each: Vec<Curves> = Vec::with_capacity(parts.len());
    for part in parts {
        each.push(Curves::compute_at(pace, &part.world, length, &budget_each).await);
    }
    let mean =
        |value: &dyn Fn(&Curves) -> f64| -> f64 { parts.iter().zip(&each).map(|(p, c)| p.weight * value(c)).sum() };
    let error = |value: &dyn Fn(&Curves) -> f64| -> f64 {
        parts.iter().zip(&each).map(|(p, c)| (p.weight * value(c)).powi(2)).sum::<f64>()
    };
    let oracle: Vec<Mean> = (0..length)
        .map(|l| Mean {
            value: mean(&|c| c.oracle.values[l]),
            squared_error: error(&|c| c.oracle.stderr.as_ref().map_or(0.0, |e| e[l])),
        })
        .collect();
    let methods = (0..length).map(|l| {
        let of_part = each.iter().map(|c| c.oracle.methods[l]);
        of_part.max_by_key(|method| *method as u8).unwrap_or(Method::Exact)
    });
    let oracle_curve = Curve {
        values: oracle.iter().map(|m| m.value).collect(),
        stderr: each
            .iter()
            .any(|c| c.oracle.stderr.is_some())
            .then(|| oracle.iter().map(|m| m.squared_error.sqrt()).collect()),
        methods: methods.collect(),
    };
    let unigram = exact(unigram(world, length));
    // A part with particles costs far more than a hidden state.
    let work: usize = parts
        .iter()
        .map(|part| match part.world.topics() {
            Topics::Markov { k, order: 1, .. } => k * k * particle_updates(length) / UPDATES,
            Topics::Finite(mixture) => filter_work(mixture) * length,
            _ => part.world.vocab() * length,
        })
        .sum();
    let sequences = (budget.monte_carlo_work / work.max(1)).clamp(MIN_SEQUENCES, MAX_SEQUENCES);
    let particles = parts.iter().any(|part| matches!(part.world.topics(), Topics::Markov { order: 1, .. }));
    let sampled = Sampled::draw(pace, world, length, sequences, STATE_WORK * work / length.max(1)).await;
    let filter_error = if particles { PARTICLE_ERROR } else { 0.0 };
    let estimate = |l: usize| sampled.bayes(l, Some(oracle[l]), filter_error);
    let bayes = continued(unigram.values.iter().take(1).copied().collect(), estimate, length);
    let errors: Vec<f64> = each.iter().map(|c| c.entropy_rate_stderr.unwrap_or(0.0)).collect();
    let rate_error = parts.iter().zip(errors).map(|(p, e)| (p.weight * e).powi(2)).sum::<f64>().sqrt();
    Curves {
        bayes,
        oracle: oracle_curve,
        unigram,
        entropy_rate: mean(&|c| c.entropy_rate),
        entropy_rate_stderr: (rate_error > 0.0).then_some(rate_error),
        excess_entropy: None,
        how: vec![
            "Entropy rate: the mean of the parts' rates.".into(),
            format!(
                "h_1 is exact; the rest is Monte Carlo over {sequences} sequences, from whole predictive distributions \
                 of the exact filter."
            ),
            "Excess entropy: not computed where a part has a continuum of topics; it is mostly infinite there.".into(),
        ],
        belief_states: 0,
    }
}

/// The non-increasing values closest to the given ones in squares: neighbours out of order are pooled to their mean until none
/// are (isotonic regression).
fn non_increasing(values: &mut [f64]) {
    let mut pools: Vec<(f64, usize)> = Vec::with_capacity(values.len());
    for &value in values.iter() {
        let mut pool = (value, 1);
        while let Some(&(mean, count)) = pools.last().filter(|(mean, _)| *mean < pool.0) {
            pools.pop();
            let all = count + pool.1;
            pool = ((mean * count as f64 + pool.0 * pool.1 as f64) / all as f64, all);
        }
        pools.push(pool);
    }
    let pooled = pools.into_iter().flat_map(|(mean, count)| std::iter::repeat_n(mean, count));
    for (value, pooled) in values.iter_mut().zip(pooled) {
        *value = pooled;
    }
}

async fn markov(
    pace: &mut Pace,
    world: &World,
    [k, order]: [usize; 2],
    alpha: f64,
    length: usize,
    budget: &Budget,
) -> Curves {
    let (rate, known) = chain_entropies(pace, k, order, alpha, length).await;
    let uniform = (k as f64).ln();
    // Only the first token's stationary distribution takes particles.
    let (work, filter_error) = match order {
        1 => (k * k * particle_updates(length) / UPDATES, PARTICLE_ERROR),
        _ => (k * length, 0.0),
    };
    let sequences = (budget.monte_carlo_work / work.max(1)).clamp(MIN_SEQUENCES, MAX_SEQUENCES);
    let mut bayes = constant(uniform, Method::ClosedForm, order.min(length));
    let mut errors = vec![0.0; bayes.values.len()];
    if length > order {
        let sampled = Sampled::draw(pace, world, length, sequences, STATE_WORK * work / length).await;
        for (l, known) in known.iter().enumerate().skip(order) {
            let estimate = sampled.bayes(l, Some(*known), filter_error);
            bayes.values.push(estimate.value);
            bayes.methods.push(Method::MonteCarlo);
            errors.push(estimate.squared_error.sqrt());
        }
        bayes.stderr = Some(errors);
        if order == 1 {
            // h_l never rises in a stationary world, so what rises here is noise.
            non_increasing(&mut bayes.values);
        }
    }
    let oracle = Curve {
        values: known.iter().map(|m| m.value).collect(),
        stderr: Some(known.iter().map(|m| m.squared_error.sqrt()).collect()),
        methods: vec![Method::MonteCarlo; length],
    };
    let sampled_chains = if order == 1 { CHAINS } else { CHAINS_OF_PAIRS };
    Curves {
        bayes,
        oracle,
        unigram: constant(uniform, Method::ClosedForm, length),
        entropy_rate: rate.value,
        entropy_rate_stderr: Some(rate.squared_error.sqrt()),
        excess_entropy: None,
        how: vec![
            format!(
                "Entropy rate: Monte Carlo over {sampled_chains} chains, with the known mean entropy of a row taken out."
            ),
            format!(
                "h_1 is ln k by symmetry; the rest is Monte Carlo over {sequences} sequences, from whole predictive \
                 distributions."
            ),
            "Excess entropy: infinite, since h_l - h falls only as 1/L.".into(),
        ],
        belief_states: 0,
    }
}

/// For chains with Dirichlet(alpha) rows, means over chains: the entropy rate, and the loss at each position of one who knows
/// the chain.
async fn chain_entropies(pace: &mut Pace, k: usize, order: usize, alpha: f64, length: usize) -> (Mean, Vec<Mean>) {
    let mut stream = Stream::new(0, Purpose::MonteCarlo, u64::MAX);
    let chains = if order == 1 { CHAINS } else { CHAINS_OF_PAIRS };
    let row = digamma(k as f64 * alpha + 1.0) - digamma(alpha + 1.0);
    // Position by position what the distribution of contexts adds to the known mean entropy of a row; with order 1 from the second
    // position on it is the same. The last one is the rate's.
    let positions = if order == 1 { 1 } else { length };
    let mut sums = vec![[0.0; 2]; positions + 1];
    let mut next = Vec::new();
    for _ in 0..chains {
        let chain = Chain::draw(k, order, alpha, &mut stream);
        let n = chain.contexts();
        // Its stationary distribution takes some elimination, a distribution of contexts a pass for each position.
        pace.worked(n * k * (20 + if order == 1 { n } else { length })).await;
        let entropies: Vec<f64> = (0..n).map(|i| entropy(chain.row(i))).collect();
        let shift = |distribution: &[f64]| {
            distribution.iter().zip(&entropies).map(|(p, h)| (p - 1.0 / n as f64) * h).sum::<f64>()
        };
        let add = |sum: &mut [f64; 2], value: f64| {
            sum[0] += value;
            sum[1] += value * value;
        };
        add(&mut sums[positions], shift(&chain.stationary()));
        if order == 1 {
            add(&mut sums[0], entropy(chain.first()));
            continue;
        }
        let mut distribution = vec![1.0 / n as f64; n];
        let mut stationary = None;
        for sum in sums.iter_mut().take(positions).skip(order) {
            let value = stationary.unwrap_or_else(|| shift(&distribution));
            add(sum, value);
            if stationary.is_some() {
                continue;
            }
            next.clear();
            next.resize(n, 0.0);
            for (context, p) in distribution.iter().enumerate() {
                for (token, q) in chain.row(context).iter().enumerate() {
                    next[chain.after(context, token)] += p * q;
                }
            }
            if distribution.iter().zip(&next).all(|(a, b)| (a - b).abs() < 1e-12) {
                stationary = Some(value);
            }
            std::mem::swap(&mut distribution, &mut next);
        }
    }
    let count = chains as f64;
    let mean = |sums: [f64; 2], known: f64| {
        let value = sums[0] / count;
        Mean { value: known + value, squared_error: ((sums[1] / count - value * value) / count).max(0.0) }
    };
    let rate = mean(sums[positions], row);
    let known = (0..length).map(|l| match (order, l) {
        (1, 0) => mean(sums[0], 0.0),
        (1, _) => rate,
        (_, 0 | 1) => Mean { value: (k as f64).ln(), squared_error: 0.0 },
        _ => mean(sums[l], row),
    });
    (rate, known.collect())
}
