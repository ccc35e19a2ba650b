//! All that an observer of a three-state process can believe: points in a triangle whose corners are certainty.

use std::collections::{BTreeMap, VecDeque};

use charts::triangle::{Belief, Spot, Triangle};

use super::layout::Point;
use crate::world::{Hmm, Purpose, Stream};

/// The side, in grid steps; beliefs in one cell of the grid are one point.
const GRID: f64 = 500.0;
/// Beliefs sampled, along so many sequences.
const SAMPLES: usize = 20_000;
const SEQUENCES: usize = 20;
/// How far the first beliefs are followed exactly, so that those met only at the beginning are there too.
const FIRST: usize = 200;

#[derive(Clone, Copy, Default)]
struct Met {
    belief: Belief,
    visits: usize,
}

/// `None` where there is no more to see than certainty in each corner.
pub fn beliefs(hmm: &Hmm, states: &[String], title: String) -> Option<Triangle> {
    let start: Belief = hmm.start().try_into().ok()?;
    let corners: [String; 3] = states.to_vec().try_into().ok()?;
    let met = met(hmm, start);
    // Before the first token nothing, then certainty: nothing to see.
    if met.len() <= 4 {
        return None;
    }
    let most = met.iter().map(|m| m.visits).max().unwrap_or(0).max(1) as f64;
    let spot = |m: &Met| Spot { at: m.belief, colour: m.belief, weight: (m.visits as f64 / most).sqrt() };
    Some(Triangle {
        title,
        corners,
        points: met.iter().map(spot).collect(),
        rings: vec![(start, "start".into())],
        about:
            "Each is what an observer may believe about the state after some tokens, the ring before the first; larger points are met more often."
                .into(),
        empty: String::new(),
    })
}

/// Every belief met, in one list: the first ones exactly, the rest as often as long filtering meets them.
fn met(hmm: &Hmm, start: Belief) -> Vec<Met> {
    let mut all: BTreeMap<(i32, i32), Met> = BTreeMap::new();
    let mut visit = |belief: Belief, visits: usize| {
        let (x, y) = place(belief);
        let fresh = Met { belief, visits: 0 };
        let entry = all.entry((y.round() as i32, x.round() as i32)).or_insert(fresh);
        entry.visits += visits;
    };
    let mut open = VecDeque::from([start]);
    let mut known: Vec<Belief> = vec![start];
    while let Some(belief) = open.pop_front() {
        visit(belief, 0);
        for (next, _) in steps(hmm, belief) {
            let same = |b: &Belief| b.iter().zip(&next).all(|(a, b)| (a - b).abs() < 1e-9);
            if known.len() < FIRST && !known.iter().any(same) {
                known.push(next);
                open.push_back(next);
            }
        }
    }
    for sequence in 0..SEQUENCES {
        let mut stream = Stream::new(0, Purpose::Picture, 2000 + sequence as u64);
        let mut belief = start;
        for _ in 0..SAMPLES / SEQUENCES {
            visit(belief, 1);
            let next = steps(hmm, belief);
            if next.is_empty() {
                break;
            }
            belief = next[stream.categorical(next.iter().map(|n| n.1))].0;
        }
    }
    all.into_values().collect()
}

/// What one more token may lead to believe, and how likely.
fn steps(hmm: &Hmm, belief: Belief) -> Vec<(Belief, f64)> {
    let mut steps: Vec<(Belief, f64)> = vec![([0.0; 3], 0.0); hmm.vocab()];
    for (i, p) in belief.into_iter().enumerate().filter(|(_, p)| *p > 0.0) {
        for transition in hmm.transitions(i) {
            let (next, total) = &mut steps[usize::from(transition.token)];
            next[transition.next as usize] += p * transition.p;
            *total += p * transition.p;
        }
    }
    steps.retain(|(_, total)| *total > 0.0);
    for (next, total) in &mut steps {
        next.iter_mut().for_each(|p| *p /= *total);
    }
    steps
}

/// In grid steps: the first state on top, then left and right.
fn place(belief: Belief) -> Point {
    (GRID * (belief[2] + belief[0] / 2.0), GRID * 0.866_025_4 * (1.0 - belief[0]))
}
