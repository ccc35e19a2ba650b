//! Exact enumeration: all that an observer of a labelled HMM can come to believe, and how likely each belief is.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasherDefault, Hasher},
};

use super::entropy::entropy;
use worlds::Hmm;
use worlds::pace::{Pace, at_once};

/// Beliefs that agree to about 6e-11 in every entry are one. Far above rounding errors, so that two ways to the same
/// belief are seldom taken for two, and far below what any printed digit shows.
const RESOLUTION: f64 = (1u64 << 34) as f64;
/// Beliefs less likely than this at a position are dropped there: all together they cannot matter to any printed digit.
const NEGLIGIBLE: f64 = 1e-17;
/// Entries of a belief below this are 0. So small, because a component that is far behind may still come back, and
/// because two ways to the same belief should drop the same.
const UNDERFLOW: f64 = 1e-290;

/// Transitions or edges that cost as much as a belief.
const VISITS: usize = 100;
/// Units of [`Pace`] for one unit of the budget.
const BELIEF_WORK: usize = 1000;

/// The keys are hashes already.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&b| self.0 = self.0.rotate_left(8) ^ u64::from(b));
    }

    fn write_u128(&mut self, key: u128) {
        self.0 = key as u64;
    }
}

/// A distribution over hidden states: ascending states with their probabilities.
type Belief = Vec<(u32, f64)>;

struct Node {
    /// Emptied once the edges are known.
    belief: Belief,
    /// Of the next token.
    entropy: f64,
    /// Where one more token leads, and how likely; `None` until asked for.
    edges: Option<Vec<(u32, f64)>>,
}

/// The graph of beliefs reached so far. Equal beliefs, however they came about, are one node; where their number is
/// finite the graph closes, and every further position costs next to nothing.
pub struct BeliefGraph<'a> {
    hmm: &'a Hmm,
    nodes: Vec<Node>,
    /// By a 128-bit hash of the rounded belief.
    index: HashMap<u128, u32, BuildHasherDefault<Hashed>>,
    /// What may still be spent: 1 a belief, and 1 for every [`VISITS`] transitions or edges followed.
    budget: usize,
    /// Transitions and edges followed that are not yet paid for.
    visits: usize,
    distribution: Vec<f64>,
    mass: Vec<f64>,
    /// Probability of arriving at each node, while the next position is made; else 0.
    arriving: Vec<f64>,
}

/// The distribution of the observer's belief at one position.
pub struct Position(Vec<(u32, f64)>);

impl<'a> BeliefGraph<'a> {
    /// A graph without beliefs over the states of `hmm`. `budget` limits what all calls together
    /// may spend: 1 for each new belief, and a small part of 1 for each transition or edge that is
    /// followed.
    pub fn new(hmm: &'a Hmm, budget: usize) -> Self {
        Self {
            hmm,
            nodes: Vec::new(),
            index: HashMap::default(),
            budget,
            visits: 0,
            distribution: vec![0.0; hmm.vocab()],
            mass: vec![0.0; hmm.states()],
            arriving: Vec::new(),
        }
    }

    /// How many different beliefs were met.
    pub fn beliefs(&self) -> usize {
        self.nodes.len()
    }

    /// How much of the budget may still be spent.
    pub fn budget_left(&self) -> usize {
        self.budget
    }

    /// The belief before the first token: the given distribution over hidden states, known to the
    /// observer.
    pub fn start(&mut self, distribution: &[f64]) -> Position {
        let belief = distribution.iter().enumerate().filter(|(_, p)| **p > 0.0).map(|(i, &p)| (i as u32, p)).collect();
        Position(vec![(self.node(belief), 1.0)])
    }

    /// The beliefs before the first token of an observer who knows the state, which has the given
    /// distribution.
    pub fn start_at_states(&mut self, distribution: &[f64]) -> Position {
        let states = distribution.iter().enumerate().filter(|(_, p)| **p > 0.0);
        Position(states.map(|(i, &p)| (self.node(vec![(i as u32, 1.0)]), p)).collect())
    }

    /// Mean entropy of the next token at a position, nats.
    pub fn entropy(&self, position: &Position) -> f64 {
        position.0.iter().map(|&(node, p)| p * self.nodes[node as usize].entropy).sum()
    }

    /// As [`Self::next_at`], without rests.
    pub fn next(&mut self, position: &Position) -> Option<Position> {
        at_once(self.next_at(&mut Pace::unbroken(), position))
    }

    /// The distribution of beliefs one token later; `None` where that would go beyond the budget.
    pub async fn next_at(&mut self, pace: &mut Pace, position: &Position) -> Option<Position> {
        let mut reached: Vec<u32> = Vec::with_capacity(position.0.len());
        for &(node, _) in &position.0 {
            if self.nodes[node as usize].edges.is_none() {
                let before = self.budget;
                self.expand(node)?;
                pace.worked(BELIEF_WORK * (before - self.budget)).await;
            }
        }
        let before = self.budget;
        self.pay(0)?;
        pace.worked(BELIEF_WORK * (before - self.budget)).await;
        self.arriving.resize(self.nodes.len(), 0.0);
        for &(node, p) in &position.0 {
            for &(to, q) in self.nodes[node as usize].edges.iter().flatten() {
                let slot = &mut self.arriving[to as usize];
                if *slot == 0.0 {
                    reached.push(to);
                }
                *slot += p * q;
                self.visits += 1;
            }
        }
        // A fixed order, so that sums have the same bits every time.
        reached.sort_unstable();
        let mut next = Vec::with_capacity(reached.len());
        for node in reached {
            let p = std::mem::take(&mut self.arriving[node as usize]);
            if p > NEGLIGIBLE {
                next.push((node, p));
            }
        }
        Some(Position(next))
    }

    /// h_1, h_2, ... up to `length`, or as far as the budget goes, or until `done` with the values so far.
    pub async fn curve(
        &mut self,
        pace: &mut Pace,
        start: Position,
        length: usize,
        done: impl Fn(&[f64]) -> bool,
    ) -> Vec<f64> {
        let mut values = Vec::new();
        let mut position = Some(start);
        while let Some(at) = position.filter(|_| values.len() < length) {
            values.push(self.entropy(&at));
            position = if values.len() < length && !done(&values) { self.next_at(pace, &at).await } else { None };
        }
        values
    }

    /// `None` where the budget does not allow `beliefs` more.
    fn pay(&mut self, beliefs: usize) -> Option<()> {
        self.budget = self.budget.checked_sub(beliefs + self.visits / VISITS)?;
        self.visits %= VISITS;
        Some(())
    }

    fn node(&mut self, belief: Belief) -> u32 {
        let id = self.nodes.len() as u32;
        match self.index.entry(key(&belief)) {
            Entry::Occupied(found) => *found.get(),
            Entry::Vacant(slot) => {
                slot.insert(id);
                self.distribution.fill(0.0);
                for &(i, p) in &belief {
                    for &(token, q) in self.hmm.emissions(i as usize) {
                        self.distribution[usize::from(token)] += p * q;
                    }
                    self.visits += 1 + self.hmm.emissions(i as usize).len();
                }
                self.nodes.push(Node { entropy: entropy(&self.distribution), belief, edges: None });
                id
            }
        }
    }

    fn expand(&mut self, node: u32) -> Option<()> {
        self.pay(1)?;
        let belief = std::mem::take(&mut self.nodes[node as usize].belief);
        let mut tokens: Vec<u16> =
            belief.iter().flat_map(|&(i, _)| self.hmm.emissions(i as usize).iter().map(|e| e.0)).collect();
        tokens.sort_unstable();
        tokens.dedup();
        let mut edges = Vec::with_capacity(tokens.len());
        let mut touched = Vec::new();
        for token in tokens {
            touched.clear();
            let mut total = 0.0;
            self.visits += belief.len();
            for &(i, p) in &belief {
                for transition in self.hmm.transitions_with(i as usize, token) {
                    let slot = &mut self.mass[transition.next as usize];
                    if *slot == 0.0 {
                        touched.push(transition.next);
                    }
                    *slot += p * transition.p;
                    total += p * transition.p;
                }
            }
            self.visits += 3 * touched.len();
            touched.sort_unstable();
            touched.dedup();
            let mut next = Belief::with_capacity(touched.len());
            for &i in &touched {
                let p = std::mem::take(&mut self.mass[i as usize]) / total;
                if p > UNDERFLOW {
                    next.push((i, p));
                }
            }
            if total > 0.0 {
                edges.push((self.node(next), total));
            }
        }
        self.nodes[node as usize].edges = Some(edges);
        Some(())
    }
}

/// Two independent 64-bit hashes of the entries that are not 0 when rounded.
fn key(belief: &Belief) -> u128 {
    // The finalizer of splitmix64.
    let mix = |mut x: u64| {
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    };
    let (mut low, mut high) = (0u64, 0x9e37_79b9_7f4a_7c15u64);
    for &(i, p) in belief {
        let rounded = (p * RESOLUTION).round() as u64;
        if rounded > 0 {
            let entry = mix(u64::from(i) << 35 | rounded);
            low = mix(low.wrapping_add(entry));
            high = mix(high.rotate_left(17) ^ entry.wrapping_mul(0xd6e8_feb8_6659_fd93));
        }
    }
    u128::from(high) << 64 | u128::from(low)
}
