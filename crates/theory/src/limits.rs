//! Entropy rate and excess entropy of labelled HMMs and their mixtures.

use super::{
    belief::{BeliefGraph, Position},
    entropy::entropy,
    equivalence::same_process,
};
use worlds::pace::Pace;
use worlds::{Hmm, Mixture, hmm::Transition, stationary};

/// Where a curve is this close to its limit it has reached it.
const REACHED: f64 = 1e-6;
/// The excess entropy's sum stops when what is left is estimated below this.
const TAIL_DONE: f64 = 1e-9;
/// A tail up to this size is worth extrapolating: the estimate is then right to about a tenth of it.
const TAIL_FAIR: f64 = 1e-4;
/// And this close there is no point in going on, however much may still be spent.
const ENOUGH: f64 = 1e-8;
const MAX_POSITIONS: usize = 100_000;
/// Terms below this may be what rounding of beliefs leaves behind.
const NOISE: f64 = 1e-8;
/// Bounds of the rate this close together are as good as equal.
const TINY: f64 = 1e-10;

/// Entropy rate and excess entropy of one component of a mixture, alone.
#[derive(Clone, Debug)]
pub struct ComponentLimits {
    /// The entropy rate, nats per token.
    pub rate: f64,
    /// How far off `rate` is at most, nats; 0 where it is a closed expression.
    pub rate_error: f64,
    /// Σ (h_l - rate) from the component's own start, nats; `None` where it did not converge.
    pub excess: Option<f64>,
    /// h_1, h_2, ... as far as the budget went, nats.
    pub curve: Vec<f64>,
    /// How many distinct beliefs were enumerated.
    pub beliefs: usize,
    /// The stationary process that it ends in, where there is only one.
    stationary: Option<Hmm>,
}

impl ComponentLimits {
    /// h_1..h_`length` with beliefs enumerated up to a cost of `budget`.
    pub async fn compute(pace: &mut Pace, hmm: &Hmm, length: usize, budget: usize) -> Self {
        let n = hmm.states();
        let chain = hmm.hidden_chain();
        let classes = stationary::recurrent_classes(&chain, n);
        let probabilities = stationary::absorption(&chain, n, &classes, hmm.start());
        let (mut rate, mut rate_error) = (0.0, 0.0);
        let mut stationary = Vec::new();
        let mut graph = BeliefGraph::new(hmm, budget);
        for (class, probability) in classes.iter().zip(probabilities) {
            if probability > 0.0 {
                let distribution = stationary::within_class(&chain, n, class);
                // Most processes are one class in its stationary distribution: then all is asked of one graph.
                let whole =
                    class.len() == n && distribution.iter().zip(hmm.start()).all(|(a, b)| (a - b).abs() < 1e-12);
                let part = restricted(hmm, class, distribution);
                let (value, error) = if whole {
                    class_rate(pace, hmm, &mut graph).await
                } else {
                    class_rate(pace, &part, &mut BeliefGraph::new(&part, budget)).await
                };
                rate += probability * value;
                rate_error += probability * error;
                stationary.push(part);
            }
        }
        let stationary = if stationary.len() == 1 { stationary.pop() } else { None };
        if n == 1 {
            return Self { rate, rate_error, excess: Some(0.0), curve: vec![rate; length], beliefs: 1, stationary };
        }
        let curve = enumerated(pace, &mut graph, hmm.start(), length, rate, rate_error).await;
        let start = graph.start(hmm.start());
        let excess = sum_excess(pace, &mut graph, start, rate, &curve).await;
        Self { rate, rate_error, excess, curve, beliefs: graph.beliefs(), stationary }
    }
}

/// Lengthens a curve that has come to its limit.
fn reached(mut curve: Vec<f64>, rate: f64, rate_error: f64, length: usize) -> Vec<f64> {
    if rate_error < REACHED && converged_at(&curve, rate, REACHED) {
        curve.resize(length, rate);
    }
    curve
}

/// h_1... with beliefs enumerated, as far as the graph's budget and sense go.
pub async fn enumerated(
    pace: &mut Pace,
    graph: &mut BeliefGraph<'_>,
    start: &[f64],
    length: usize,
    rate: f64,
    rate_error: f64,
) -> Vec<f64> {
    let start = graph.start(start);
    let curve = graph.curve(pace, start, length, |values| converged_at(values, rate, rate_error + ENOUGH)).await;
    reached(curve, rate, rate_error, length)
}

fn converged_at(curve: &[f64], rate: f64, tolerance: f64) -> bool {
    curve.len() >= 4 && curve.iter().rev().take(4).all(|h| (h - rate).abs() < tolerance)
}

/// The excess entropy of a mixture, and how it was obtained.
pub async fn mixture_excess(
    pace: &mut Pace,
    mixture: &Mixture,
    parts: &[ComponentLimits],
    rate: f64,
    budget: usize,
) -> (Option<f64>, String) {
    if let [only] = parts {
        return match only.excess {
            Some(e) => {
                (Some(e), "Excess entropy: sum of h_l - h over positions until what is left is negligible.".into())
            }
            None => (None, NOT_CONVERGED.into()),
        };
    }
    if let Some(weights) = distinguishable(pace, mixture, parts).await
        && let Some(within) =
            mixture.weights().iter().zip(parts).map(|(w, p)| p.excess.map(|e| w * e)).sum::<Option<f64>>()
    {
        let how = "Excess entropy: the components are different processes, told apart in the long run, so it is the mean \
                   of theirs plus the entropy of the topic.";
        return (Some(within + entropy(&weights)), how.into());
    }
    let mut graph = BeliefGraph::new(mixture.hmm(), budget);
    let start = graph.start(&mixture.joint_start());
    match sum_excess(pace, &mut graph, start, rate, &[]).await {
        Some(e) => (Some(e), "Excess entropy: sum of h_l - h over positions until what is left is negligible.".into()),
        None => (None, NOT_CONVERGED.into()),
    }
}

const NOT_CONVERGED: &str = "Excess entropy: unknown, the sum of h_l - h had not settled within the budget.";

/// Weights of the components that differ, where equal ones are merged and any two others end in different stationary
/// ergodic processes, which a long enough sequence tells apart; `None` where that is not so or not known.
async fn distinguishable(pace: &mut Pace, mixture: &Mixture, parts: &[ComponentLimits]) -> Option<Vec<f64>> {
    let mut order = Vec::new();
    for (c, part) in parts.iter().enumerate() {
        if mixture.weights()[c] > 0.0 {
            let stationary = part.stationary.as_ref()?;
            order.push((signature(stationary), c, stationary));
        }
    }
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Only processes with the same signature can be the same.
    let mut groups: Vec<(usize, f64)> = Vec::new();
    let mut low = 0;
    for i in 0..order.len() {
        let (here, c, stationary) = (&order[i].0, order[i].1, order[i].2);
        while here - order[low].0 > 1e-9 {
            low += 1;
        }
        let mut merged = false;
        for &(_, earlier, other) in &order[low..i] {
            // Two processes are compared by the span of their states' words.
            pace.worked((stationary.states() + other.states()).pow(2) * mixture.hmm().vocab()).await;
            if same_process(stationary, other)? {
                let whole = same_process(&mixture.component(c), &mixture.component(earlier))?;
                let group = groups.iter_mut().find(|(first, _)| *first == earlier);
                match group {
                    // Already counted with the first of its kind.
                    None => continue,
                    Some((_, weight)) if whole => {
                        *weight += mixture.weights()[c];
                        merged = true;
                        break;
                    }
                    // The same in the long run but not at the start: never fully told apart.
                    Some(_) => return None,
                }
            }
        }
        if !merged {
            groups.push((c, mixture.weights()[c]));
        }
    }
    Some(groups.into_iter().map(|(_, w)| w).collect())
}

/// A number that equal processes share, and different ones as good as never: the probabilities of all words of two tokens,
/// with arbitrary weights.
fn signature(hmm: &Hmm) -> f64 {
    let weight = |x: u16| libm::sin(1.0 + 12.9898 * f64::from(x));
    let mut sum = 0.0;
    for (i, &p) in hmm.start().iter().enumerate().filter(|(_, p)| **p > 0.0) {
        for first in hmm.transitions(i) {
            sum += p * first.p * weight(first.token);
            for second in hmm.transitions(first.next as usize) {
                sum += p * first.p * second.p * weight(first.token) * (weight(second.token) + 0.5);
            }
        }
    }
    sum
}

/// The HMM on a set of states that is never left, from `start`.
fn restricted(hmm: &Hmm, class: &[usize], start: Vec<f64>) -> Hmm {
    let place = |state: u32| class.binary_search(&(state as usize)).unwrap_or(0) as u32;
    let edges = class
        .iter()
        .enumerate()
        .flat_map(|(i, &state)| hmm.transitions(state).iter().map(move |e| (i as u32, *e)))
        .map(|(i, e)| (i, Transition { next: place(e.next), ..e }))
        .collect();
    Hmm::new(hmm.vocab(), class.len(), edges, Some(start))
}

/// Entropy rate of an irreducible HMM in its stationary distribution, and the most it can be off.
async fn class_rate(pace: &mut Pace, hmm: &Hmm, graph: &mut BeliefGraph<'_>) -> (f64, f64) {
    if hmm.is_unifilar() {
        // State and token give the next state, so the observer ends up knowing as much as the state says.
        let mut rate = 0.0;
        for (i, p) in hmm.start().iter().enumerate() {
            let distribution: Vec<f64> = hmm.transitions(i).iter().map(|e| e.p).collect();
            rate += p * entropy(&distribution);
        }
        return (rate, 0.0);
    }
    // An observer who knows the first state does at least as well as the rate, and one who is not does no better: both
    // converge to it.
    // The rest is for the curve itself. A step seldom costs more than four times what the one before did.
    let reserve = graph.budget_left() / 2;
    let mut uninformed = graph.start(hmm.start());
    let mut informed = graph.start_at_states(hmm.start());
    let mut upper = vec![graph.entropy(&uninformed)];
    let mut lower = graph.entropy(&informed);
    let mut spent = 0;
    while upper.len() < MAX_POSITIONS
        && upper[upper.len() - 1] - lower > TINY
        && graph.budget_left() > reserve + 4 * spent
    {
        let before = graph.budget_left();
        let (Some(u), Some(t)) = (graph.next_at(pace, &uninformed).await, graph.next_at(pace, &informed).await) else {
            break;
        };
        (uninformed, informed) = (u, t);
        spent = before - graph.budget_left();
        upper.push(graph.entropy(&uninformed));
        lower = lower.max(graph.entropy(&informed));
    }
    let last = upper[upper.len() - 1];
    let width = (last - lower).max(0.0);
    // Where the bracket is wide, a geometric guess within it is closer than its middle.
    let guess = match upper[..] {
        [.., a, b, c] if a - b > b - c && b - c > 0.0 => c - (b - c) * (b - c) / ((a - b) - (b - c)),
        _ => last - width / 2.0,
    };
    (guess.clamp(lower.min(last), last), width)
}

/// Σ (h_l - rate) over all positions: summed as far as the budget goes, the rest extrapolated geometrically. `known`: the first
/// of the h_l, for when the budget is spent.
async fn sum_excess(
    pace: &mut Pace,
    graph: &mut BeliefGraph<'_>,
    start: Position,
    rate: f64,
    known: &[f64],
) -> Option<f64> {
    let mut position = start;
    let mut terms: Vec<f64> = Vec::new();
    loop {
        terms.push(graph.entropy(&position) - rate);
        let finished = tail(&terms).is_some_and(|t| t.abs() < TAIL_DONE);
        let next = if finished || terms.len() >= MAX_POSITIONS { None } else { graph.next_at(pace, &position).await };
        match next {
            Some(next) => position = next,
            None => {
                if terms.len() < known.len() {
                    terms.extend(known[terms.len()..].iter().map(|h| h - rate));
                }
                // Small terms first.
                let sum: f64 = terms.iter().rev().sum();
                return tail(&terms).filter(|t| t.abs() < TAIL_FAIR).map(|t| sum + t);
            }
        }
    }
}

/// What the terms to come will add up to, judged by how the last ones shrink; `None` where they do not, or are too few.
fn tail(terms: &[f64]) -> Option<f64> {
    let (n, block) = (terms.len(), (terms.len() / 3).min(32));
    if block == 0 {
        return None;
    }
    let size = |range: std::ops::Range<usize>| terms[range].iter().map(|t| t.abs()).sum::<f64>();
    let (before, last) = (size(n - 2 * block..n - block), size(n - block..n));
    let ratio = last / before;
    if ratio < 0.99 {
        Some(terms[n - block..].iter().sum::<f64>() * ratio / (1.0 - ratio))
    } else {
        (block >= 4 && last < block as f64 * NOISE).then_some(0.0)
    }
}
