//! What an ideal learner loses at each position, and the limits.

use super::{
    belief::BeliefGraph,
    curve::{Curve, Method},
    entropy::{digamma, entropy},
    limits::{ComponentLimits, mixture_excess, reached},
    monte_carlo::{Mean, Sampled},
};
use crate::world::{
    Chain, Mixture, Topics, World,
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
        Self { belief_states: 200_000, monte_carlo_work: 6_000_000 }
    }
}

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

/// Reference curves over positions 1..=T, nats per token, and their limits.
#[derive(Clone, Debug, PartialEq)]
pub struct Curves {
    /// Bayes-optimal with the topic hidden, under the true P(w): h_l.
    pub bayes: Curve,
    /// With the topic known.
    pub oracle: Curve,
    /// Entropy of the marginal law of the token at each position.
    pub unigram: Curve,
    pub entropy_rate: f64,
    /// `None` where the rate is not an estimate by sampling.
    pub entropy_rate_stderr: Option<f64>,
    /// Σ (h_l - h) over all positions; `None` where it diverges or did not settle within the budget.
    pub excess_entropy: Option<f64>,
    /// A sentence each: how rate and excess entropy were obtained.
    pub how: Vec<String>,
    /// Distinct beliefs enumerated for `bayes`; 0 where none were.
    pub belief_states: usize,
}

impl Curves {
    pub fn compute(world: &World, length: usize, budget: &Budget) -> Self {
        match world.topics() {
            Topics::Finite(mixture) => finite(world, mixture, length, budget),
            Topics::BetaCoin { a, b } => beta_coin(*a, *b, length),
            Topics::Markov { k, alpha } => markov(world, *k, *alpha, length, budget),
        }
    }
}

fn constant(value: f64, method: Method, length: usize) -> Curve {
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

fn finite(world: &World, mixture: &Mixture, length: usize, budget: &Budget) -> Curves {
    let weights = mixture.weights();
    let share = (budget.belief_states / mixture.len().max(1)).max(2000.min(budget.belief_states));
    let parts: Vec<ComponentLimits> =
        (0..mixture.len()).map(|c| ComponentLimits::compute(&mixture.component(c), length, share)).collect();
    let mean = |value: fn(&ComponentLimits) -> f64| weights.iter().zip(&parts).map(|(w, p)| w * value(p)).sum::<f64>();
    let (rate, rate_error) = (mean(|p| p.rate), mean(|p| p.rate_error));

    let known = parts.iter().map(|p| p.curve.len()).min().unwrap_or(0);
    let oracle: Vec<f64> = (0..known).map(|l| weights.iter().zip(&parts).map(|(w, p)| w * p.curve[l]).sum()).collect();
    let (bayes, belief_states) = match &parts[..] {
        [only] => (only.curve.clone(), only.beliefs),
        _ => {
            let mut graph = BeliefGraph::new(mixture.hmm(), budget.belief_states);
            let start = graph.start(&mixture.joint_start());
            let values = graph.curve(start, length);
            (reached(values, rate, rate_error, length), graph.beliefs())
        }
    };
    let (excess_entropy, how_excess) = mixture_excess(mixture, &parts, rate, budget.belief_states);
    let how_rate = if rate_error > 0.0 {
        format!(
            "Entropy rate: the limit of h_l, between bounds that enumeration gives; off by at most {rate_error:.1e}."
        )
    } else {
        "Entropy rate: exact, the mean entropy of the next token given the hidden state.".into()
    };

    let (bayes, oracle) = if bayes.len() < length || oracle.len() < length {
        // An exit is passed over far more quickly than a state is updated.
        let work = (mixture.hmm().states() + mixture.hmm().exit_count() / 16) * length;
        let sequences = (budget.monte_carlo_work / work.max(1)).clamp(MIN_SEQUENCES, MAX_SEQUENCES);
        let sampled = Sampled::draw(world, length, sequences);
        // In a stationary world h_l lies between the rate and whatever came before.
        let bounds =
            is_stationary(mixture).then(|| (rate - rate_error, bayes.last().copied().unwrap_or(f64::INFINITY)));
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
        (continued(bayes.clone(), estimate, length), continued(oracle.clone(), |l| sampled.oracle(l), length))
    } else {
        (exact(bayes), exact(oracle))
    };
    Curves {
        bayes,
        oracle,
        unigram: exact(unigram(mixture, length)),
        entropy_rate: rate,
        entropy_rate_stderr: None,
        excess_entropy,
        how: vec![how_rate, how_excess],
        belief_states,
    }
}

/// Whether the law over hidden states is the same at every position.
fn is_stationary(mixture: &Mixture) -> bool {
    let start = mixture.joint_start();
    let mut next = vec![0.0; start.len()];
    for (i, &p) in start.iter().enumerate() {
        for exit in mixture.hmm().exits(i) {
            next[exit.next as usize] += p * exit.p;
        }
    }
    start.iter().zip(&next).all(|(a, b)| (a - b).abs() < 1e-12)
}

/// Entropy of the marginal law of the token at each position.
fn unigram(mixture: &Mixture, length: usize) -> Vec<f64> {
    let hmm = mixture.hmm();
    let mut states = mixture.joint_start();
    let mut values = Vec::with_capacity(length);
    for _ in 0..length {
        let mut tokens = vec![0.0; hmm.vocab()];
        let mut next = vec![0.0; states.len()];
        for (i, &p) in states.iter().enumerate().filter(|(_, p)| **p > 0.0) {
            for exit in hmm.exits(i) {
                tokens[usize::from(exit.token)] += p * exit.p;
                next[exit.next as usize] += p * exit.p;
            }
        }
        let value = entropy(&tokens);
        values.push(value);
        if states.iter().zip(&next).all(|(a, b)| (a - b).abs() < 1e-14) {
            // Stationary from here on.
            values.resize(length, value);
            break;
        }
        states = next;
    }
    values
}

/// With k zeros among L tokens, k is beta-binomial and the predictive is (k + a)/(L + a + b).
fn beta_coin(a: f64, b: f64, length: usize) -> Curves {
    let binary = |p: f64| entropy(&[p, 1.0 - p]);
    let mut values = Vec::with_capacity(length);
    let mut chances = vec![1.0];
    for seen in 0..length {
        let total = seen as f64 + a + b;
        let mut next = vec![0.0; seen + 2];
        let mut value = 0.0;
        for (zeros, &chance) in chances.iter().enumerate() {
            let p = (zeros as f64 + a) / total;
            value += chance * binary(p);
            next[zeros + 1] += chance * p;
            next[zeros] += chance * (1.0 - p);
        }
        values.push(value);
        chances = next;
    }
    let rate = digamma(a + b + 1.0) - (a * digamma(a + 1.0) + b * digamma(b + 1.0)) / (a + b);
    Curves {
        bayes: Curve { methods: vec![Method::ClosedForm; length], stderr: None, values },
        oracle: constant(rate, Method::ClosedForm, length),
        unigram: constant(binary(a / (a + b)), Method::ClosedForm, length),
        entropy_rate: rate,
        entropy_rate_stderr: None,
        excess_entropy: None,
        how: vec![
            "Entropy rate: closed form, the mean binary entropy under the Beta prior.".into(),
            "Excess entropy: infinite, since h_l - h falls only as 1/(2L).".into(),
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

fn markov(world: &World, k: usize, alpha: f64, length: usize, budget: &Budget) -> Curves {
    let (rate, first) = chain_entropies(k, alpha);
    let uniform = (k as f64).ln();
    let work = (k * k * particle_updates(length) / UPDATES).max(1);
    let sequences = (budget.monte_carlo_work / work).clamp(MIN_SEQUENCES, MAX_SEQUENCES);
    let mut bayes = constant(uniform, Method::ClosedForm, 1.min(length));
    let mut errors = vec![0.0; bayes.values.len()];
    if length > 1 {
        let sampled = Sampled::draw(world, length, sequences);
        for l in 1..length {
            let estimate = sampled.bayes(l, Some(rate), PARTICLE_ERROR);
            bayes.values.push(estimate.value);
            bayes.methods.push(Method::MonteCarlo);
            errors.push(estimate.squared_error.sqrt());
        }
        bayes.stderr = Some(errors);
        // h_l never rises in a stationary world, so what rises here is noise.
        non_increasing(&mut bayes.values);
    }
    let mut oracle = constant(rate.value, Method::MonteCarlo, length);
    let mut errors = vec![rate.squared_error.sqrt(); length];
    if length > 0 {
        // The state before the first token is not known.
        oracle.values[0] = first.value;
        errors[0] = first.squared_error.sqrt();
    }
    oracle.stderr = Some(errors);
    Curves {
        bayes,
        oracle,
        unigram: constant(uniform, Method::ClosedForm, length),
        entropy_rate: rate.value,
        entropy_rate_stderr: Some(rate.squared_error.sqrt()),
        excess_entropy: None,
        how: vec![
            format!("Entropy rate: Monte Carlo over {CHAINS} chains, with the known mean entropy of a row taken out."),
            format!(
                "h_1 is ln k by symmetry; the rest is Monte Carlo over {sequences} sequences, from whole predictive \
                 distributions."
            ),
            "Excess entropy: infinite, since h_l - h falls only as 1/L.".into(),
        ],
        belief_states: 0,
    }
}

/// E[Σ_i pi(i) H(row i)] and E[H(pi)] for chains with Dirichlet(alpha) rows.
fn chain_entropies(k: usize, alpha: f64) -> (Mean, Mean) {
    let mut stream = Stream::new(0, Purpose::MonteCarlo, u64::MAX);
    let (mut rate, mut first) = ([0.0; 2], [0.0; 2]);
    for _ in 0..CHAINS {
        let chain = Chain::draw(k, alpha, &mut stream);
        // Rows weighted by pi instead of evenly: what the stationary law adds to a mean that is known.
        let shift = (0..k).map(|i| (chain.stationary()[i] - 1.0 / k as f64) * entropy(chain.row(i))).sum::<f64>();
        let marginal = entropy(chain.stationary());
        rate[0] += shift;
        rate[1] += shift * shift;
        first[0] += marginal;
        first[1] += marginal * marginal;
    }
    let n = CHAINS as f64;
    let mean = |sums: [f64; 2], known: f64| {
        let value = sums[0] / n;
        Mean { value: known + value, squared_error: (sums[1] / n - value * value) / n }
    };
    let row = digamma(k as f64 * alpha + 1.0) - digamma(alpha + 1.0);
    (mean(rate, row), mean(first, 0.0))
}
