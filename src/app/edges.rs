//! A process as a table that a person can edit: one transition a row, in free text, and back to matrices.

use std::collections::BTreeMap;

use super::fields;
use crate::{
    experiment::{Process, process::ROW_TOLERANCE, typed},
    number,
};

/// A row as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    pub from: String,
    pub token: String,
    pub to: String,
    pub probability: String,
}

/// A column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Column {
    From,
    Token,
    To,
    Probability,
}

impl Column {
    pub const ALL: [Self; 4] = [Self::From, Self::Token, Self::To, Self::Probability];

    /// As in test hooks: `probability`.
    pub fn name(self) -> &'static str {
        match self {
            Self::From => "from",
            Self::Token => "token",
            Self::To => "to",
            Self::Probability => "probability",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::From => "From",
            Self::Token => "Token",
            Self::To => "To",
            Self::Probability => "Probability",
        }
    }

    pub fn text(self, edge: &Edge) -> &str {
        match self {
            Self::From => &edge.from,
            Self::Token => &edge.token,
            Self::To => &edge.to,
            Self::Probability => &edge.probability,
        }
    }

    fn entry(self, edge: &mut Edge) -> &mut String {
        match self {
            Self::From => &mut edge.from,
            Self::Token => &mut edge.token,
            Self::To => &mut edge.to,
            Self::Probability => &mut edge.probability,
        }
    }
}

/// The rows of the table, each under a key that stays its own while others come and go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EdgeTable {
    rows: Vec<(u32, Edge)>,
    next: u32,
}

impl EdgeTable {
    pub fn new(edges: Vec<Edge>) -> Self {
        let mut table = Self::default();
        table.replace(edges);
        table
    }

    pub fn edges(&self) -> Vec<Edge> {
        self.rows.iter().map(|row| row.1.clone()).collect()
    }

    pub fn keys(&self) -> Vec<u32> {
        self.rows.iter().map(|row| row.0).collect()
    }

    /// The number of a row, from 0; that after the last one where it is gone.
    pub fn index(&self, key: u32) -> usize {
        self.rows.iter().position(|row| row.0 == key).unwrap_or(self.rows.len())
    }

    /// What an entry says; nothing where its row is gone.
    pub fn text(&self, key: u32, column: Column) -> &str {
        self.rows.get(self.index(key)).map_or("", |row| column.text(&row.1))
    }

    pub fn type_into(&mut self, key: u32, column: Column, text: &str) {
        let index = self.index(key);
        if let Some((_, edge)) = self.rows.get_mut(index) {
            *column.entry(edge) = text.into();
        }
    }

    /// Adds an empty row.
    pub fn add(&mut self) {
        self.rows.push((self.next, Edge::default()));
        self.next += 1;
    }

    pub fn remove(&mut self, key: u32) {
        self.rows.retain(|row| row.0 != key);
    }

    /// Other rows in place of all; those at the same place keep their keys.
    pub fn replace(&mut self, edges: Vec<Edge>) {
        self.rows.truncate(edges.len());
        for (i, edge) in edges.into_iter().enumerate() {
            match self.rows.get_mut(i) {
                Some(row) => row.1 = edge,
                None => {
                    self.rows.push((self.next, edge));
                    self.next += 1;
                }
            }
        }
    }

    pub fn normalise(&mut self) {
        self.replace(normalised(&self.edges()));
    }

    /// Whether the rows describe this very process, starts aside.
    pub fn says(&self, own: &Process) -> bool {
        process(&self.edges()).is_ok_and(|table| of(&table) == of(own))
    }
}

impl Edge {
    fn is_blank(&self) -> bool {
        [&self.from, &self.token, &self.to, &self.probability].iter().all(|text| text.trim().is_empty())
    }

    fn probability(&self) -> Option<f64> {
        typed::number(&self.probability).ok().filter(|p| (0.0..=1.0).contains(p))
    }
}

/// What a state is called that has only a number: A to Z, then by number.
fn state_name(i: usize) -> String {
    u8::try_from(i).ok().filter(|i| *i < 26).map_or_else(|| format!("S{i}"), |i| char::from(b'A' + i).into())
}

/// The transitions that can happen, from state to state in order.
pub fn of(process: &Process) -> Vec<Edge> {
    let mut edges = Vec::new();
    for from in 0..process.states() {
        for token in &process.tokens {
            let row = process.transitions.get(token).and_then(|matrix| matrix.get(from));
            for (to, &p) in row.into_iter().flatten().enumerate().filter(|(_, p)| **p != 0.0) {
                edges.push(Edge {
                    from: state_name(from),
                    token: token.clone(),
                    to: state_name(to),
                    probability: fields::format(p),
                });
            }
        }
    }
    edges
}

/// Names in order of first appearance.
fn names<'a>(texts: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for text in texts {
        if !names.iter().any(|name| name == text.trim()) {
            names.push(text.trim().into());
        }
    }
    names
}

/// The process that the rows describe, states in order of first appearance; or all that is wrong, a sentence each. Empty rows are
/// passed over, and equal transitions add up.
pub fn process(edges: &[Edge]) -> Result<Process, Vec<String>> {
    let mut problems = Vec::new();
    let filled = || edges.iter().filter(|e| !e.is_blank());
    for (i, edge) in edges.iter().enumerate().filter(|(_, e)| !e.is_blank()) {
        let parts = [("state to come from", &edge.from), ("token", &edge.token), ("state to go to", &edge.to)];
        for (what, _) in parts.iter().filter(|(_, text)| text.trim().is_empty()) {
            problems.push(format!("Row {} names no {what}.", i + 1));
        }
        if edge.probability().is_none() {
            let mut said = format!("Row {}: \"{}\" is not a probability, 0 to 1.", i + 1, edge.probability.trim());
            if let Some(why) = typed::number(&edge.probability).err().filter(|why| !why.is_empty()) {
                said = format!("{said} {why}");
            }
            problems.push(said);
        }
    }
    // States that can be left come first, in the order of their rows.
    let states = names(filled().map(|e| &e.from).chain(filled().map(|e| &e.to)));
    let tokens = names(filled().map(|e| &e.token));
    if states.is_empty() {
        problems.push("There is no transition yet: fill in a row.".into());
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let index = |names: &[String], text: &str| names.iter().position(|name| name == text.trim()).unwrap_or(0);
    // One by one: collecting sorts, and a sort is 4 kB of wasm.
    let mut transitions = BTreeMap::<String, Vec<Vec<f64>>>::new();
    for token in &tokens {
        transitions.insert(token.clone(), vec![vec![0.0; states.len()]; states.len()]);
    }
    let mut sums = vec![0.0; states.len()];
    for edge in filled() {
        let (from, to, p) = (index(&states, &edge.from), index(&states, &edge.to), edge.probability().unwrap_or(0.0));
        sums[from] += p;
        if let Some(matrix) = transitions.get_mut(edge.token.trim()) {
            matrix[from][to] += p;
        }
    }
    for (state, sum) in states.iter().zip(&sums) {
        if *sum == 0.0 {
            problems.push(format!("State {state} cannot be left: give it a transition, to itself if need be."));
        } else if !((sum - 1.0).abs() <= ROW_TOLERANCE) {
            problems.push(format!("From state {state} the probabilities add up to {}, not to 1.", number::short(*sum)));
        }
    }
    if problems.is_empty() { Ok(Process { tokens, start: None, transitions }) } else { Err(problems) }
}

/// Each readable probability divided by the sum over its state's rows; the rest as it was typed.
pub fn normalised(edges: &[Edge]) -> Vec<Edge> {
    let sum = |from: &str| -> f64 { edges.iter().filter(|e| e.from.trim() == from.trim()).filter_map(weight).sum() };
    let normal = |edge: &Edge| {
        let share = weight(edge).map(|w| w / sum(&edge.from)).filter(|p| p.is_finite());
        Edge { probability: share.map_or_else(|| edge.probability.clone(), fields::format), ..edge.clone() }
    };
    edges.iter().map(normal).collect()
}

/// Before normalising, counts will do as well.
fn weight(edge: &Edge) -> Option<f64> {
    typed::number(&edge.probability).ok().filter(|w| *w >= 0.0)
}

/// The even process: runs of 1 have even length.
pub fn example() -> Vec<Edge> {
    [("A", "0", "A", "0.5"), ("A", "1", "B", "0.5"), ("B", "1", "A", "1")]
        .map(|(from, token, to, probability)| Edge {
            from: from.into(),
            token: token.into(),
            to: to.into(),
            probability: probability.into(),
        })
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::WorldSpec;

    #[test]
    fn rows_become_a_process_and_come_back() {
        let even = process(&example()).expect("the even process");
        assert_eq!(WorldSpec::Process(even.clone()).validate(), Ok(()));
        assert_eq!(even.tokens, ["0", "1"]);
        assert_eq!(even.transitions["1"], [[0.0, 0.5], [1.0, 0.0]]);
        assert_eq!(of(&even), example());
        assert_eq!((state_name(25), state_name(26)), ("Z".into(), "S26".into()));
    }

    #[test]
    fn rows_keep_their_keys_while_others_go() {
        let mut table = EdgeTable::new(example());
        assert_eq!((table.edges(), table.keys()), (example(), vec![0, 1, 2]));
        table.add();
        table.type_into(3, Column::Token, "x");
        table.remove(1);
        assert_eq!((table.keys(), table.index(3), table.text(3, Column::Token)), (vec![0, 2, 3], 2, "x"));
        assert_eq!((table.index(1), table.text(1, Column::From)), (3, ""));
        table.type_into(1, Column::From, "nobody");
        table.remove(3);
        table.add();
        assert_eq!(table.keys(), [0, 2, 4]);
        table.replace(example());
        assert_eq!((table.keys(), table.says(&process(&example()).expect("the even process"))), (vec![0, 2, 4], true));
        table.type_into(0, Column::Probability, "1.5");
        table.type_into(2, Column::Probability, "0.5");
        assert!(!table.says(&process(&example()).expect("the even process")));
    }

    #[test]
    fn every_problem_is_named_and_empty_rows_are_not() {
        assert_eq!(process(&[Edge::default()]), Err(vec!["There is no transition yet: fill in a row.".into()]));
        let mut edges = example();
        edges.insert(1, Edge::default());
        assert!(process(&edges).is_ok());
        edges[2].token = "  ".into();
        edges[3].probability = "often".into();
        let said = process(&edges).expect_err("two rows are wrong");
        assert_eq!(said, ["Row 3 names no token.", "Row 4: \"often\" is not a probability, 0 to 1."]);
        let mut edges = example();
        (edges[0].probability, edges[1].probability) = ("0,5".into(), "0 5".into());
        let said = process(&edges).expect_err("a space");
        assert!(said.len() == 1 && said[0].contains("\"0 5\"") && said[0].contains("without spaces"), "{said:?}");
        edges[1].probability = ",5".into();
        assert_eq!(process(&edges), process(&example()));
        let mut edges = example();
        edges[0].probability = "0.25".into();
        edges[2].to = "C".into();
        let said = process(&edges).expect_err("sums");
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].contains("state A") && said[0].contains("0.75") && said[1].contains("State C"), "{said:?}");
    }

    #[test]
    fn normalising_mends_sums_and_leaves_words_alone() {
        let mut edges = example();
        edges[0].probability = "3".into();
        edges[1].probability = "1".into();
        edges.push(Edge { probability: "often".into(), ..edges[2].clone() });
        let normal = normalised(&edges);
        let said: Vec<&str> = normal.iter().map(|e| e.probability.as_str()).collect();
        assert_eq!(said, ["0.75", "0.25", "1", "often"]);
        assert!(process(&normal[..3]).is_ok());
    }
}
