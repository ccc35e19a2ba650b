//! The transitions of a process that has too many for a graph: which pairs of states follow each other, and how likely.

use serde::{Deserialize, Serialize};

use crate::heat_map::{CellAxis, Colours, Follow, HeatMap};

/// Probabilities of going from one state to another, tokens summed out. Pairs that are not listed have probability 0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Transitions {
    /// What is shown: the heading.
    pub title: String,
    /// Names of the states.
    pub states: Vec<String>,
    /// From, to, probability.
    pub entries: Vec<(u32, u32, f64)>,
}

impl Transitions {
    /// As a map: a row for each state to come from, a column for each to go to.
    pub fn map(&self) -> HeatMap {
        let n = self.states.len();
        let mut values = vec![0.0; n * n];
        for &(from, to, p) in &self.entries {
            if let Some(value) = values.get_mut(from as usize * n + to as usize).filter(|_| (to as usize) < n) {
                *value += p;
            }
        }
        let axis = |word: &str| CellAxis {
            name: format!("{word} state (of {n})"),
            names: self.states.iter().map(|name| format!("{word} {name}")).collect(),
            // A round number of names, evenly spaced.
            ticks: (0..n)
                .step_by(n.div_ceil(12).max(1))
                .map(|i| ((i as f64 + 0.5) / n as f64, self.states[i].clone()))
                .collect(),
        };
        HeatMap {
            title: self.title.clone(),
            x: axis("to"),
            y: axis("from"),
            colours: Colours {
                low: 0.0,
                high: values.iter().copied().fold(f64::MIN_POSITIVE, f64::max),
                // So that what is unlikely is seen.
                follow: Follow::SquareRoot,
            },
            values,
            upwards: false,
            name: "probability of the transition".into(),
            unit: String::new(),
            numbers: false,
            notes: Vec::new(),
            square: true,
            crossed: (None, None),
            small: false,
            about: "Tokens are summed out.".into(),
            empty: "There are no states.".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::{Chart, View};
    use crate::theme::Theme;

    #[test]
    fn the_map_has_every_pair() {
        let states = ["A", "B", "C"].map(String::from).to_vec();
        let entries = vec![(0, 1, 0.25), (0, 1, 0.25), (2, 0, 1.0), (7, 0, 1.0), (0, 7, 1.0)];
        let map = Transitions { title: "Transitions".into(), states, entries }.map();
        assert_eq!(map.values, [0.0, 0.5, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
        let view = View::new(400.0, 400.0, Theme::light());
        assert_eq!(map.readout(&view, 1.0).expect("a pair").title, "from A, to B");
        assert!(map.summary().contains("to 1.000 (from C, to A)"), "{}", map.summary());
    }
}
