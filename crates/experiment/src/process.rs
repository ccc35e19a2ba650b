//! A user's own process, as JSON: a token-labelled hidden Markov model, or a weighted mixture of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    WorldSpec,
    problem::{Checker, Problem},
};

/// How far from 1 the sum of a row of a user's matrices may be without a note. Rows are then
/// normalised exactly.
pub const ROW_TOLERANCE: f64 = 1e-6;
/// Half of the third decimal: as far as rounding to three decimals moves a number. Rows of such numbers are normalised too, and
/// [`WorldSpec::notes`] says so.
const ROUNDED: f64 = 0.5e-3;
/// Most hidden states of a user's process.
pub const MAX_STATES: usize = 256;
/// Most tokens of a user's process.
pub const MAX_TOKENS: usize = 256;
/// Most components of one mixture.
pub const MAX_COMPONENTS: usize = 1000;

/// A user's process: a token-labelled hidden Markov model.
///
/// `transitions[x][i][j]` is P(emit x, go to j | in i); summed over all x and j, each row i is 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Process {
    /// Token names, in the order that gives each its index.
    pub tokens: Vec<String>,
    /// Probability of each state before the first token; absent means the stationary distribution, where there is only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Vec<f64>>,
    /// For each token name a matrix, states x states: its entry in row i and column j is P(emit the
    /// token, go to state j | in state i).
    pub transitions: BTreeMap<String, Vec<Vec<f64>>>,
}

/// One component of a mixture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Not negative; the weights are divided by their sum.
    pub weight: f64,
    /// Any world of tokens: a named one, a process, or another mixture.
    #[serde(alias = "process")]
    pub world: WorldSpec,
}

/// A weighted mixture of worlds. For each sequence a component is drawn by weight, then a topic of
/// that component.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorldMixture {
    /// The components; their weights are divided by their sum.
    pub mixture: Vec<Component>,
}

impl Process {
    /// How many hidden states there are: the rows of the first matrix, which a check compares with
    /// the others.
    pub fn states(&self) -> usize {
        self.transitions.values().next().map_or(0, Vec::len)
    }

    /// All that can happen in state `i`, over tokens and next states.
    fn row(&self, i: usize) -> impl Iterator<Item = f64> {
        self.transitions.values().filter_map(move |matrix| matrix.get(i)).flatten().copied()
    }

    /// A sentence where numbers were rounded so that they do not sum to 1.
    pub(super) fn notes(&self, at: &str) -> Vec<String> {
        let rows = (0..self.states()).map(|i| (format!("{at}.transitions, row {i}"), self.row(i).sum::<f64>()));
        let start = self.start.iter().map(|start| (format!("{at}.start"), start.iter().sum()));
        let off: Vec<(String, f64)> =
            rows.chain(start).filter(|(_, sum)| !((sum - 1.0).abs() <= ROW_TOLERANCE)).collect();
        let Some((name, sum)) = off.first() else { return Vec::new() };
        let more = match off.len() {
            1 => String::new(),
            n => format!(" So do {} more.", n - 1),
        };
        let sum = (sum * 1e6).round() / 1e6;
        vec![format!(
            "{name}, sums to {sum} instead of 1, as rounded numbers do: each of its numbers was divided by that sum.{more}"
        )]
    }

    pub(super) fn check(&self, at: &str, check: &mut Checker) {
        let states = self.states();
        check.count(&format!("{at}.tokens, how many"), self.tokens.len(), 1, MAX_TOKENS);
        check.count(&format!("{at}.transitions, states"), states, 1, MAX_STATES);
        for (i, token) in self.tokens.iter().enumerate() {
            if self.tokens[..i].contains(token) {
                check.add(Problem::new(&format!("{at}.tokens"), format!("\"{token}\" twice"), "each name once", ""));
            }
            if !self.transitions.contains_key(token) {
                check.add(Problem::new(
                    &format!("{at}.transitions"),
                    format!("without \"{token}\""),
                    "one matrix per token",
                    "A token that is never emitted still needs its matrix, of zeros.",
                ));
            }
        }
        for (token, matrix) in &self.transitions {
            let name = format!("{at}.transitions[\"{token}\"]");
            if !self.tokens.contains(token) {
                check.add(Problem::new(&name, "a matrix", "matrices only for names in tokens", ""));
            }
            if matrix.len() != states || matrix.iter().any(|row| row.len() != states) {
                let shape = matrix.iter().map(|r| r.len().to_string()).collect::<Vec<_>>().join(",");
                check.add(Problem::new(
                    &name,
                    format!("{} rows of lengths {shape}", matrix.len()),
                    &format!("{states} x {states}, like the other matrices"),
                    "",
                ));
                return;
            }
            for (i, row) in matrix.iter().enumerate() {
                for (j, &p) in row.iter().enumerate() {
                    if !(0.0..=1.0).contains(&p) {
                        check.add(Problem::new(&format!("{name}[{i}][{j}]"), p, "a probability, 0 to 1", ""));
                    }
                }
            }
        }
        for i in 0..states {
            let sum: f64 = self.row(i).sum();
            if !is_one(sum, self.row(i)) {
                check.add(Problem::new(
                    &format!("{at}.transitions, row {i} summed over all tokens"),
                    sum,
                    "1",
                    "From each state, something must be emitted.",
                ));
            }
        }
        if let Some(start) = &self.start {
            let name = format!("{at}.start");
            if start.len() != states {
                check.add(Problem::new(
                    &name,
                    format!("{} numbers", start.len()),
                    &format!("{states}, one per state"),
                    "",
                ));
            } else if start.iter().any(|p| !(0.0..=1.0).contains(p)) {
                check.add(Problem::new(&name, format!("{start:?}"), "probabilities, 0 to 1", ""));
            } else if !is_one(start.iter().sum(), start.iter().copied()) {
                check.add(Problem::new(&name, start.iter().sum::<f64>(), "a sum of 1", ""));
            }
        } else if let Some((one, other)) = self.apart() {
            check.add(Problem::new(
                &format!("{at}.start"),
                "not given",
                "a probability for each state, as this process has more than one stationary distribution",
                &format!(
                    "States {one} and {other} (counted from 0) never lead to a common state, so where the process begins decides \
                     where it stays: say with which probability it begins in each state."
                ),
            ));
        }
    }

    /// Two states from which no common state can be reached; `None` where the stationary distribution is unique.
    fn apart(&self) -> Option<(usize, usize)> {
        let states = self.states();
        let mut from = vec![Vec::new(); states];
        for (i, row) in self.transitions.values().flat_map(|matrix| matrix.iter().enumerate()) {
            for (j, _) in row.iter().enumerate().filter(|(_, p)| **p > 0.0) {
                if let Some(from) = from.get_mut(j) {
                    from.push(i);
                }
            }
        }
        // Marks every state that leads to `to`.
        let mark = |to: usize, marked: &mut [bool]| {
            let mut open = vec![to];
            marked[to] = true;
            while let Some(j) = open.pop() {
                for &i in &from[j] {
                    if !std::mem::replace(&mut marked[i], true) {
                        open.push(i);
                    }
                }
            }
        };
        // If some state is reached from everywhere, it leads to the last of these, which is then reached from everywhere too: what was
        // marked before it does not lead there only if there is no such state.
        let (mut last, mut marked) = (0, vec![false; states]);
        for to in 0..states {
            if !marked[to] {
                last = to;
                mark(to, &mut marked);
            }
        }
        marked.fill(false);
        if last < states {
            mark(last, &mut marked);
        }
        marked.iter().position(|reaches| !reaches).map(|other| (other, last))
    }
}

/// Whether `sum` is 1, but for what rounding each of the numbers behind it does.
fn is_one(sum: f64, numbers: impl Iterator<Item = f64>) -> bool {
    let rounded = ROUNDED * numbers.filter(|p| *p != 0.0).count() as f64 * (1.0 + 1e-9);
    (sum - 1.0).abs() <= ROW_TOLERANCE.max(rounded)
}

impl WorldMixture {
    pub(super) fn check(&self, at: &str, check: &mut Checker) {
        check.count(&format!("{at}.mixture, components"), self.mixture.len(), 1, MAX_COMPONENTS);
        for (i, part) in self.mixture.iter().enumerate() {
            let name = format!("{at}.mixture[{i}]");
            if !(part.weight >= 0.0 && part.weight.is_finite()) {
                check.add(Problem::new(&format!("{name}.weight"), part.weight, "0 or more", ""));
            }
            let world = format!("{name}.world");
            if part.world.observation().is_vectors() {
                let advice = "A linear dynamical system emits vectors, which cannot be mixed with tokens.";
                check.add(Problem::new(&world, &part.world, "a world of tokens", advice));
            }
            if matches!(part.world, WorldSpec::Text(_)) || super::udhr::is_meant(&part.world) {
                check.add(Problem::new(&format!("{name}.world"), "a text", "a world whose distribution is known", ""));
            }
            part.world.check_at(&format!("{name}.world"), check);
        }
        let total: f64 = self.mixture.iter().map(|c| c.weight).sum();
        if !(total > 0.0 && total.is_finite()) {
            let advice =
                if total > 0.0 { "Only their proportions count: divide all weights by the same number." } else { "" };
            check.add(Problem::new(&format!("{at}.mixture, sum of weights"), total, "more than 0 and finite", advice));
        }
    }

    /// Token names of all components, in order of first appearance: components may share some, all or none.
    pub fn tokens(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        // A map that the page's wasm has anyway.
        let mut seen = serde_json::Map::new();
        for token in self.mixture.iter().flat_map(|c| c.world.names()) {
            if seen.insert(token.clone(), serde_json::Value::Null).is_none() {
                names.push(token);
            }
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::sentences;

    fn problems_of(json: &str) -> String {
        WorldSpec::from_json(json).map_or_else(|problems| sentences(&problems), |_| "accepted".into())
    }

    #[test]
    fn a_process_with_several_stationary_distributions_needs_a_start() {
        let two = |start: &str| {
            problems_of(&format!(
                r#"{{"tokens":["a","b"]{start},"transitions":{{"a":[[1,0],[0,0]],"b":[[0,0],[0,1]]}}}}"#
            ))
        };
        assert!(two("").starts_with("world.start is not given; allowed: a probability for each state"), "{}", two(""));
        assert!(two("").contains("States 0 and 1 (counted from 0) never lead to a common state"), "{}", two(""));
        assert_eq!(two(r#","start":[0.25,0.75]"#), "accepted");
        // Within a mixture too, by its place.
        let mixed = r#"{"mixture":[{"weight":1,"world":"coin"},
            {"weight":1,"world":{"tokens":["a"],"transitions":{"a":[[1,0],[0,1]]}}}]}"#;
        assert!(problems_of(mixed).starts_with("world.mixture[1].world.start is not given"), "{}", problems_of(mixed));
        // A way from one part to the other, or back and forth for ever: there is one stationary distribution.
        assert_eq!(problems_of(r#"{"tokens":["a"],"transitions":{"a":[[0.5,0.5],[0,1]]}}"#), "accepted");
        assert_eq!(problems_of(r#"{"tokens":["a"],"transitions":{"a":[[0,1],[1,0]]}}"#), "accepted");
        // A state that leads to either of two that are never left.
        assert!(
            problems_of(r#"{"tokens":["a"],"transitions":{"a":[[0,0.5,0.5],[0,1,0],[0,0,1]]}}"#)
                .contains("States 1 and 2")
        );
    }

    #[test]
    fn the_named_world_whose_states_may_never_be_left_says_so() {
        let sns: WorldSpec = "sns:p=0,q=0".parse().expect("a spec");
        let message = sentences(&sns.validate().expect_err("no state is left"));
        assert!(message.starts_with("world.p + world.q is 0; allowed: more than 0."), "{message}");
        let one: WorldSpec = "sns:p=0,q=0.5".parse().expect("a spec");
        assert!(one.validate().is_ok());
    }

    #[test]
    fn weights_must_have_a_finite_sum() {
        let mixed = |a: &str, b: &str| {
            problems_of(&format!(r#"{{"mixture":[{{"weight":{a},"world":"coin"}},{{"weight":{b},"world":"coins"}}]}}"#))
        };
        assert!(
            mixed("1e308", "1e308").starts_with("world.mixture, sum of weights is inf"),
            "{}",
            mixed("1e308", "1e308")
        );
        assert_eq!(mixed("1e308", "1"), "accepted");
        assert_eq!(mixed("1e-320", "1e-320"), "accepted");
        assert!(mixed("0", "0").contains("more than 0"));
        let inner = r#"{"mixture":[{"weight":1,"world":{"mixture":[{"weight":1.7e308,"world":"coin"},
            {"weight":1.7e308,"world":"coin"}]}}]}"#;
        assert!(
            problems_of(inner).starts_with("world.mixture[0].world.mixture, sum of weights"),
            "{}",
            problems_of(inner)
        );
    }
}
