//! Token-labelled hidden Markov models, and finite mixtures of them.

use std::ops::Range;

use super::{rng::Stream, stationary};
use experiment::{Process, kinds::Edges};

/// One transition of a hidden Markov model: emit `token` and go to state `next`, with probability
/// `p` > 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transition {
    /// The token that is emitted.
    pub token: u16,
    /// Index of the next state.
    pub next: u32,
    /// P(token, next state | state).
    pub p: f64,
}

/// A token-labelled hidden Markov model, stored sparsely: only transitions with a probability above
/// 0 take memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Hmm {
    vocab: usize,
    start: Vec<f64>,
    /// Transitions of state i are `transitions[first[i]..first[i + 1]]`, in order of token, then of next state.
    first: Vec<u32>,
    transitions: Vec<Transition>,
    /// The same for (token, probability) with next states summed out: what a prediction needs, often far fewer.
    first_emission: Vec<u32>,
    emissions: Vec<(u16, f64)>,
}

impl Hmm {
    /// Builds an HMM from `(state, transition)` pairs over tokens `0..vocab` and states
    /// `0..states`; each state's probabilities are divided by their sum. With `None` for the start,
    /// it is the stationary distribution of the hidden chain (see [`stationary::stationary`]).
    pub fn new(vocab: usize, states: usize, mut edges: Vec<(u32, Transition)>, start: Option<Vec<f64>>) -> Self {
        edges.retain(|(_, e)| e.p > 0.0);
        edges.sort_by_key(|(i, e)| (*i, e.token, e.next));
        let mut totals = vec![0.0; states];
        let mut first = vec![0; states + 1];
        for (i, e) in &edges {
            totals[*i as usize] += e.p;
            first[*i as usize + 1] += 1;
        }
        for i in 0..states {
            first[i + 1] += first[i];
        }
        let transitions: Vec<Transition> =
            edges.into_iter().map(|(i, e)| Transition { p: e.p / totals[i as usize], ..e }).collect();
        let (mut first_emission, mut emissions) = (vec![0], Vec::<(u16, f64)>::new());
        for i in 0..states {
            let begin = emissions.len();
            for transition in &transitions[first[i] as usize..first[i + 1] as usize] {
                match emissions[begin..].last_mut().filter(|(token, _)| *token == transition.token) {
                    Some((_, p)) => *p += transition.p,
                    None => emissions.push((transition.token, transition.p)),
                }
            }
            first_emission.push(emissions.len() as u32);
        }
        let mut hmm = Self { vocab, start: Vec::new(), first, transitions, first_emission, emissions };
        hmm.start = match start {
            Some(start) => {
                let sum: f64 = start.iter().sum();
                start.into_iter().map(|p| p / sum).collect()
            }
            None => stationary::stationary(&hmm.hidden_chain(), states),
        };
        hmm
    }

    /// Builds the process of a named world, over an alphabet of `vocab` tokens.
    pub fn from_edges(process: &Edges, vocab: usize) -> Self {
        let transitions = |edges: &[(u32, u16, u32, f64)]| {
            edges.iter().map(|&(i, token, next, p)| (i, Transition { token, next, p })).collect::<Vec<_>>()
        };
        let states = process.states.len();
        // Alone, a state is where everything starts.
        let start = (states == 1).then(|| vec![1.0]);
        let stationary = Self::new(vocab, states, transitions(&process.edges), start);
        let Some(begin) = process.begin else { return stationary };
        let mut edges = process.edges.clone();
        let first = states as u32;
        edges.extend(stationary.start().iter().enumerate().map(|(i, &p)| (first, begin, i as u32, p)));
        let mut start = vec![0.0; states + 1];
        start[states] = 1.0;
        Self::new(vocab, states + 1, transitions(&edges), Some(start))
    }

    /// Builds a user's process, which was checked before. `index` gives a token's number in the
    /// world's alphabet of `vocab` tokens.
    pub fn from_process(process: &Process, vocab: usize, index: impl Fn(&str) -> u16) -> Self {
        let mut edges = Vec::new();
        for (name, matrix) in &process.transitions {
            let token = index(name);
            for (i, row) in matrix.iter().enumerate() {
                edges.extend(row.iter().enumerate().map(|(j, &p)| (i as u32, Transition { token, next: j as u32, p })));
            }
        }
        Self::new(vocab, process.states(), edges, process.start.clone())
    }

    /// The same process over another alphabet: token x becomes `map[x]`.
    pub fn renamed(&self, vocab: usize, map: &[u16]) -> Self {
        let edges = (0..self.states())
            .flat_map(|i| {
                self.transitions(i)
                    .iter()
                    .map(move |e| (i as u32, Transition { token: map[usize::from(e.token)], ..*e }))
            })
            .collect();
        Self::new(vocab, self.states(), edges, Some(self.start.clone()))
    }

    /// An HMM with one state, which emits token x with probability `probabilities[x]`.
    pub fn memoryless(probabilities: &[f64]) -> Self {
        let edges =
            probabilities.iter().enumerate().map(|(x, &p)| (0, Transition { token: x as u16, next: 0, p })).collect();
        Self::new(probabilities.len(), 1, edges, Some(vec![1.0]))
    }

    /// V, the size of the alphabet; not every token need ever be emitted.
    pub fn vocab(&self) -> usize {
        self.vocab
    }

    /// How many hidden states there are.
    pub fn states(&self) -> usize {
        self.first.len() - 1
    }

    /// Probability of each state before the first token.
    pub fn start(&self) -> &[f64] {
        &self.start
    }

    /// The transitions from a state, in order of token, then of next state.
    pub fn transitions(&self, state: usize) -> &[Transition] {
        &self.transitions[self.first[state] as usize..self.first[state + 1] as usize]
    }

    /// P(token | state) as pairs (token, probability), in order of token; next states are summed
    /// out.
    pub fn emissions(&self, state: usize) -> &[(u16, f64)] {
        &self.emissions[self.first_emission[state] as usize..self.first_emission[state + 1] as usize]
    }

    /// The transitions of a state that emit `token`.
    pub fn transitions_with(&self, state: usize, token: u16) -> &[Transition] {
        let transitions = self.transitions(state);
        let low = transitions.partition_point(|e| e.token < token);
        let count = transitions[low..].iter().take_while(|e| e.token == token).count();
        &transitions[low..low + count]
    }

    /// The Markov chain of hidden states, tokens summed out: row-major, states x states; each row
    /// sums to 1.
    pub fn hidden_chain(&self) -> Vec<f64> {
        let n = self.states();
        let mut matrix = vec![0.0; n * n];
        for i in 0..n {
            for e in self.transitions(i) {
                matrix[i * n + e.next as usize] += e.p;
            }
        }
        matrix
    }

    /// Whether state and token always determine the next state.
    pub fn is_unifilar(&self) -> bool {
        (0..self.states()).all(|i| self.transitions(i).windows(2).all(|pair| pair[0].token != pair[1].token))
    }

    /// The same process started from another distribution over its states.
    pub fn started(&self, start: Vec<f64>) -> Self {
        Self { start, ..self.clone() }
    }

    fn draw(&self, states: Range<usize>, out: &mut [u16], stream: &mut Stream) {
        let mut state = states.start + stream.categorical(self.start[states].iter().copied());
        for slot in out {
            let transitions = self.transitions(state);
            let transition = transitions[stream.categorical(transitions.iter().map(|e| e.p))];
            *slot = transition.token;
            state = transition.next as usize;
        }
    }
}

/// A finite mixture: the component is drawn by weight once per sequence. Stored as one block-diagonal HMM, whose
/// `start` sums to 1 within each block.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture {
    hmm: Hmm,
    /// Component c has the states `bounds[c]..bounds[c + 1]`.
    bounds: Vec<usize>,
    weights: Vec<f64>,
}

impl Mixture {
    /// Components over one alphabet, with weights that are divided by their sum.
    pub fn new(components: &[Hmm], weights: &[f64]) -> Self {
        let total: f64 = weights.iter().sum();
        let mut hmm = Hmm {
            vocab: components.iter().map(Hmm::vocab).max().unwrap_or(0),
            start: Vec::new(),
            first: vec![0],
            transitions: Vec::new(),
            first_emission: vec![0],
            emissions: Vec::new(),
        };
        let mut bounds = vec![0];
        for component in components {
            let (offset, transitions) = (hmm.start.len() as u32, hmm.transitions.len() as u32);
            let emissions = hmm.emissions.len() as u32;
            hmm.first_emission.extend(component.first_emission[1..].iter().map(|f| f + emissions));
            hmm.emissions.extend(&component.emissions);
            hmm.start.extend(&component.start);
            hmm.first.extend(component.first[1..].iter().map(|f| f + transitions));
            hmm.transitions.extend(component.transitions.iter().map(|e| Transition { next: e.next + offset, ..*e }));
            bounds.push(hmm.start.len());
        }
        Self { hmm, bounds, weights: weights.iter().map(|w| w / total).collect() }
    }

    /// The block-diagonal HMM; its start is the components' starts side by side, not weighted.
    pub fn hmm(&self) -> &Hmm {
        &self.hmm
    }

    /// How many components there are.
    pub fn len(&self) -> usize {
        self.weights.len()
    }

    /// Whether there are no components.
    pub fn is_empty(&self) -> bool {
        self.weights.is_empty()
    }

    /// The probability of each component; they sum to 1.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The states of component c in [`Self::hmm`].
    pub fn block(&self, c: usize) -> Range<usize> {
        self.bounds[c]..self.bounds[c + 1]
    }

    /// Component c on its own.
    pub fn component(&self, c: usize) -> Hmm {
        let block = self.block(c);
        let edges = block
            .clone()
            .flat_map(|i| {
                let offset = block.start as u32;
                self.hmm
                    .transitions(i)
                    .iter()
                    .map(move |e| (i as u32 - offset, Transition { next: e.next - offset, ..*e }))
            })
            .collect();
        Hmm::new(self.hmm.vocab, block.len(), edges, Some(self.hmm.start[block].to_vec()))
    }

    /// The distribution over all states before the first token: weight times start.
    pub fn joint_start(&self) -> Vec<f64> {
        (0..self.len()).flat_map(|c| self.block(c).map(move |i| self.weights[c] * self.hmm.start[i])).collect()
    }

    /// Fills `out` with tokens of component c.
    pub fn draw(&self, component: usize, out: &mut [u16], stream: &mut Stream) {
        self.hmm.draw(self.block(component), out, stream);
    }
}
