//! Attention heads of two runs. A head has no identity across seeds or initializations, so they are compared by rank: the strongest of
//! one beside the strongest of the other. Where seed and net are the same, a second view compares them one by one.

use charts::report::{Block, Table};

use crate::{experiment::Experiment, number, probe::heads::Scores};

/// Scores of all heads of one run at one step.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    pub step: usize,
    /// Heads to a block.
    pub heads: usize,
    /// Block by block.
    pub scores: Vec<Scores>,
    /// What a head would score that attends evenly to all it may.
    pub even: Scores,
}

/// Reads one score of a head.
type Read = fn(&Scores) -> Option<f64>;

/// The scores, with what each is called.
const SCORES: [(&str, Read); 3] = [
    ("prefix matching (induction)", |s| Some(s.prefix)),
    ("attention to the token before", |s| Some(s.previous)),
    ("copying", |s| s.copying),
];

/// Most ranks and most heads that are listed.
const MOST: usize = 16;

impl Scored {
    /// `2.1`: the first head of the second block.
    fn name(&self, index: usize) -> String {
        let heads = self.heads.max(1);
        format!("{}.{}", index / heads + 1, index % heads + 1)
    }

    /// Heads by falling score; those that have none are left out.
    fn ranked(&self, of: Read) -> Vec<(String, f64)> {
        let scores = self.scores.iter().enumerate();
        let mut ranked: Vec<(String, f64)> = scores.filter_map(|(i, s)| Some((self.name(i), of(s)?))).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        ranked
    }
}

/// Heads with the same index can be compared: the nets started alike.
pub fn start_alike([a, b]: [&Experiment; 2]) -> bool {
    a.seed == b.seed && a.net == b.net && a.world.observation() == b.world.observation()
}

/// Sentences and tables; `alike` where the nets started alike.
pub fn blocks([a, b]: [&Scored; 2], alike: bool) -> Vec<Block> {
    let mut out: Vec<Block> = SCORES.iter().filter_map(|(name, of)| strongest(name, [a, b], *of)).collect();
    out.push(Block::Note(
        "A head has no identity across seeds or initializations, so heads are compared by rank and not by number. Scores are of one run \
         each: they have no interval over seeds."
            .into(),
    ));
    out.push(Block::Table(ranks([a, b])));
    if alike && a.scores.len() == b.scores.len() {
        out.push(Block::Note(
            "Both runs have the same seed and net, so each head started with the same numbers in both: here they stand one by one.".into(),
        ));
        out.push(Block::Table(one_by_one([a, b])));
    }
    out
}

fn strongest(name: &str, [a, b]: [&Scored; 2], of: Read) -> Option<Block> {
    let best = |scored: &Scored| scored.ranked(of).into_iter().next();
    let ((head_a, score_a), (head_b, score_b)) = (best(a)?, best(b)?);
    let even = match (of(&a.even), of(&b.even)) {
        (Some(a), Some(b)) => {
            format!("; even attention would score {} in A, {} in B", number::short(a), number::short(b))
        }
        _ => String::new(),
    };
    Some(Block::Paragraph(format!(
        "The strongest head in {name}: {} in A (head {head_a}, step {}), {} in B (head {head_b}, step {}){even}.",
        number::short(score_a),
        number::count(a.step),
        number::short(score_b),
        number::count(b.step),
    )))
}

fn ranks([a, b]: [&Scored; 2]) -> Table {
    let columns: Vec<Vec<(String, f64)>> = SCORES.iter().flat_map(|(_, of)| [a.ranked(*of), b.ranked(*of)]).collect();
    let rows = columns.iter().map(Vec::len).max().unwrap_or(0).min(MOST);
    let cell = |column: &Vec<(String, f64)>, rank: usize| {
        column.get(rank).map_or_else(String::new, |(head, score)| format!("{} ({head})", number::short(*score)))
    };
    let row = |rank: usize| {
        let cells = columns.iter().map(|column| cell(column, rank));
        std::iter::once((rank + 1).to_string()).chain(cells).collect::<Vec<_>>()
    };
    let heads = ["Rank", "A: prefix", "B: prefix", "A: previous", "B: previous", "A: copying", "B: copying"];
    Table {
        caption: "Heads by falling score, with block and head".into(),
        ..Table::new("compare-heads", &heads, (0..rows).map(row))
    }
}

fn one_by_one([a, b]: [&Scored; 2]) -> Table {
    let text = |value: Option<f64>| value.map_or_else(|| "none".into(), number::short);
    let row = |i: usize| {
        let cells = SCORES.iter().flat_map(|(_, of)| [text(of(&a.scores[i])), text(of(&b.scores[i]))]);
        std::iter::once(a.name(i)).chain(cells).collect::<Vec<_>>()
    };
    let heads = ["Head", "A: prefix", "B: prefix", "A: previous", "B: previous", "A: copying", "B: copying"];
    Table {
        caption: "Head by head".into(),
        ..Table::new("compare-heads-one-by-one", &heads, (0..a.scores.len().min(MOST)).map(row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(prefix: &[f64]) -> Scored {
        let score = |prefix: &f64| Scores { prefix: *prefix, previous: 1.0 - prefix, copying: None };
        Scored {
            step: 400,
            heads: 2,
            scores: prefix.iter().map(score).collect(),
            even: Scores { prefix: 0.05, previous: 0.1, copying: None },
        }
    }

    fn tables(blocks: &[Block]) -> Vec<&Table> {
        blocks.iter().filter_map(|block| if let Block::Table(table) = block { Some(table) } else { None }).collect()
    }

    /// The same heads in another order are the same heads.
    #[test]
    fn heads_are_compared_by_rank() {
        let (a, b) = (scored(&[0.1, 0.2, 0.83, 0.05]), scored(&[0.83, 0.05, 0.2, 0.1]));
        let blocks = blocks([&a, &b], false);
        let Block::Paragraph(first) = &blocks[0] else { panic!("a sentence") };
        assert!(first.contains("0.830 in A (head 2.1, step 400), 0.830 in B (head 1.1, step 400)"), "{first}");
        let tables = tables(&blocks);
        assert_eq!(tables.len(), 1, "no view head by head");
        let value = |cell: &str| cell.split(' ').next().map(String::from);
        for row in &tables[0].rows {
            assert_eq!(value(&row.cells[1]), value(&row.cells[2]));
        }
        // Nothing is known of copying.
        assert!(tables[0].rows.iter().all(|row| row.cells[5].is_empty()));
    }

    #[test]
    fn nets_that_start_alike_are_compared_head_by_head_too() {
        let (a, b) = (scored(&[0.1, 0.2]), scored(&[0.3, 0.2]));
        let blocks = blocks([&a, &b], true);
        assert_eq!(tables(&blocks)[1].rows[0].cells[..3], ["1.1", "0.100", "0.300"]);
        let one = Experiment::default();
        let other = Experiment { seed: one.seed + 1, ..one.clone() };
        assert!(start_alike([&one, &one]) && !start_alike([&one, &other]));
    }
}
