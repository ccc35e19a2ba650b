//! The page's half: maps, charts, sentences and the table, from numbers alone.

use std::{collections::BTreeMap, fmt::Write};

use charts::{
    axis::XAxis,
    line_chart::{Line, LineChart, Look, Point},
    report::{Block, Drawn, Size},
    scene::Dash,
    style::{Ink, Style, dash, predictor},
};
use serde::{Deserialize, Serialize};

use super::{
    Ablation, At, Head, Maps, Measurement, Scores, Weight, all,
    map::{self, AttentionMap, Pattern},
    name, triangle,
};
use crate::{
    number,
    probe::RunRecord,
    protocol::{Evaluation, Measured},
};

/// No more lines in one chart.
const LINES: usize = 8;
/// Maps side by side; of more heads, one block is shown at a time.
const MAPS: usize = 8;
/// The places of Olsson et al. (2022) in a sequence of 512 tokens: the 50th and the 500th.
const EARLY: f64 = 50.0 / 512.0;
const LATE: f64 = 500.0 / 512.0;
/// The chart of the head that is drawn large.
const LARGE: &str = "heads-map";

/// What the reader chose.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// Which of the sequences is read.
    pub sequence: usize,
    /// The head that is drawn large.
    pub head: Head,
    /// Switched off, in order.
    pub off: Vec<Head>,
}

/// Everything that the tab shows, less what is in the run's record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Heads {
    pub blocks: usize,
    /// To a block.
    pub heads: usize,
    /// T.
    pub(super) length: usize,
    pub(super) names: Vec<String>,
    /// What Bayes is called in this world.
    pub(super) best: String,
    /// (label, x_1..x_T).
    pub(super) choices: Vec<(String, Vec<u16>)>,
    /// The maps of all sequences come together; else the engine is asked for those of another one.
    pub all_sequences: bool,
    pub maps: Option<Maps>,
    /// Sequences of repeated tokens.
    pub(super) repeated: usize,
    /// Tokens until they repeat.
    pub(super) block: usize,
    /// Of each recorded step, heads block by block.
    pub(super) scores: BTreeMap<usize, Vec<Scores>>,
    /// What a head would score that attends evenly to all it may.
    pub(super) even: Scores,
    /// Fresh sequences on which heads are switched off.
    pub(super) fresh: usize,
    /// Excess loss by position with every head in place, and with some switched off.
    pub(super) whole: Option<At<Vec<Measured>>>,
    pub(super) ablated: Option<Ablation>,
    /// Change of the mean loss with each alone switched off; empty where there are too many heads.
    pub(super) alone: Vec<Option<At<Measured>>>,
    /// A row of attention did not sum to 1, by how much.
    pub(super) imbalance: Option<f64>,
}

impl Heads {
    pub fn add(&mut self, measurement: Measurement) {
        match measurement {
            Measurement::Maps(maps) => {
                self.note_imbalance(maps.imbalance);
                self.maps = Some(maps);
            }
            Measurement::Scores { step, scores, imbalance } => {
                self.note_imbalance(imbalance);
                if scores.len() == self.blocks * self.heads {
                    self.scores.insert(step, scores);
                }
            }
            Measurement::Whole(whole) => self.whole = whole,
            Measurement::Ablated(ablated) => self.ablated = ablated,
            Measurement::Alone { head, change } => {
                if let Some(slot) = self.alone.get_mut(head) {
                    *slot = change;
                }
            }
        }
    }

    fn note_imbalance(&mut self, worst: f64) {
        if worst > 0.0 {
            self.imbalance = Some(self.imbalance.unwrap_or(0.0).max(worst));
        }
    }

    /// What is looked at first: the first sequence, and the last block's first head.
    pub fn first_choice(&self) -> Choice {
        Choice { sequence: 0, head: (self.blocks.saturating_sub(1), 0), off: Vec::new() }
    }

    /// All heads block by block.
    pub fn all(&self) -> impl Iterator<Item = Head> {
        all(self.blocks, self.heads)
    }

    /// `2.1`: the first head of the second block.
    pub fn name(&self, head: Head) -> String {
        name(head)
    }

    /// What the sequences are called.
    pub fn sequences(&self) -> Vec<String> {
        self.choices.iter().map(|c| c.0.clone()).collect()
    }

    /// At which step the maps of a sequence are there.
    pub fn mapped(&self, sequence: usize) -> Option<usize> {
        let maps = self.maps.as_ref().filter(|maps| maps.only.is_none_or(|only| only == sequence))?;
        Some(maps.step)
    }

    /// The number of a sequence's and a head's map among those that are there.
    fn index(&self, sequence: usize, (block, head): Head) -> Option<usize> {
        self.mapped(sequence)?;
        let row = if self.maps.as_ref()?.only.is_some() { 0 } else { sequence };
        (block < self.blocks && head < self.heads).then_some((row * self.blocks + block) * self.heads + head)
    }

    /// One head's map; `None` where it was not measured.
    pub fn map(&self, sequence: usize, head: Head, small: bool) -> Option<AttentionMap> {
        let (maps, index) = (self.maps.as_ref()?, self.index(sequence, head)?);
        let size = triangle(self.length.div_ceil(maps.pool.max(1)));
        let pattern = Pattern {
            weights: maps.weights.get(index * size..(index + 1) * size)?,
            pool: maps.pool,
            tokens: &self.choices.get(sequence)?.1,
            names: &self.names,
            block: head.0,
            head: head.1,
            name: &name(head),
        };
        Some(AttentionMap::new(&pattern, small))
    }

    /// By how much a row of attention did not sum to 1.
    pub fn imbalance(&self) -> Option<f64> {
        self.imbalance
    }

    /// Something is wrong in the playground.
    pub fn problem(&self) -> Option<Block> {
        self.imbalance.map(|worst| {
            Block::Problem(format!(
                "A row of attention sums to 1 only within {}. That is a mistake in the playground, not in the model: please report it \
                 with this page's link.",
                number::short(worst)
            ))
        })
    }

    /// The heads that are drawn small: all, or those of the chosen head's block.
    fn small(&self, choice: &Choice) -> impl Iterator<Item = Head> {
        let (several, block) = (self.several(), choice.head.0);
        self.all().filter(move |at| !several || at.0 == block)
    }

    fn several(&self) -> bool {
        self.blocks * self.heads > MAPS
    }

    /// The head whose map a chart shows, by the chart's identifier.
    pub fn head_of_chart(id: &str, choice: &Choice) -> Option<Head> {
        let (block, head) = match id.strip_prefix(LARGE)? {
            "" => return Some(choice.head),
            of => of.strip_prefix('-')?.split_once('-')?,
        };
        Some((block.parse().ok()?, head.parse().ok()?))
    }

    /// Small maps to choose from, and the chosen head's.
    pub fn map_blocks(&self, choice: &Choice) -> Vec<Block> {
        let Some(step) = self.mapped(choice.sequence) else {
            return vec![Block::Note("Maps of attention appear when the model has read the sequence.".into())];
        };
        let small = self.small(choice).filter_map(|at| {
            let map = self.map(choice.sequence, at, true)?;
            Some(Drawn::new(format!("{LARGE}-{}-{}", at.0, at.1), map).sized(Size::Small))
        });
        let pool = self.maps.as_ref().map_or(1, |maps| maps.pool);
        let words = format!(
            "Who looks at what at step {}: each row is a position, and its colours say how much it attends to each position before it \
             and to itself. {} stands for the model's start token.{}{}",
            number::count(step),
            map::START,
            if self.several() {
                format!(
                    " Block {} of {}; choose a head of another one to see its block.",
                    choice.head.0 + 1,
                    self.blocks
                )
            } else {
                String::new()
            },
            if pool > 1 {
                format!(" Of each {pool} by {pool} positions the largest weight is drawn.")
            } else {
                String::new()
            }
        );
        let large = self.map(choice.sequence, choice.head, false);
        let large = large.map(|map| Block::Charts(vec![Drawn::new(LARGE, map).sized(Size::Square)]));
        [Block::Paragraph(words), Block::Charts(small.collect())].into_iter().chain(large).collect()
    }

    /// The weight that was pointed at, in words: a head, and the cursor's place on its map.
    pub fn weight_words(&self, choice: &Choice, pointed: Option<(Head, f64)>) -> String {
        let words =
            pointed.and_then(|(head, cursor)| self.map(choice.sequence, head, true).and_then(|map| map.words(cursor)));
        words.unwrap_or_else(|| "Point at a map to read a weight.".into())
    }

    /// The largest weights of the chosen head, as a list.
    pub fn strongest(&self, choice: &Choice) -> Option<Block> {
        let index = self.index(choice.sequence, choice.head)?;
        let tokens = &self.choices.get(choice.sequence)?.1;
        let input = |i: u32| map::input(tokens, &self.names, i as usize);
        let words = |w: &Weight| format!("{} → {}: {}", input(w.from), input(w.to), number::short(f64::from(w.weight)));
        Some(Block::List {
            id: "heads-strongest",
            summary: format!("Strongest weights of head {}", name(choice.head)),
            items: self.maps.as_ref()?.strongest.get(index)?.iter().map(words).collect(),
        })
    }

    /// The heads whose lines are drawn: all, or those that scored highest at any step.
    fn drawn(&self, of: fn(&Scores) -> Option<f64>) -> Vec<usize> {
        let count = self.blocks * self.heads;
        let best = |h: usize| self.scores.values().filter_map(|s| of(&s[h])).fold(f64::NEG_INFINITY, f64::max);
        let mut order: Vec<(f64, usize)> = (0..count).map(|h| (best(h), h)).collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut drawn: Vec<usize> = order.into_iter().take(LINES).map(|o| o.1).collect();
        drawn.sort_unstable();
        drawn
    }

    fn score_chart(
        &self,
        record: &RunRecord,
        shown: usize,
        title: &str,
        of: fn(&Scores) -> Option<f64>,
        even: Option<f64>,
    ) -> Option<LineChart> {
        let names: Vec<Head> = self.all().collect();
        let line = |h: usize| {
            let at = names[h];
            let points = self.scores.iter().filter_map(|(step, s)| Some(Point::exact(*step as f64, of(&s[h])?)));
            // A hue for each block, a pattern for each head in it.
            let style = Style::new(Ink::Ordered { index: at.0, count: self.blocks }, dash(at.1));
            Line::new(name(at), style, Look::Band, points)
        };
        let mut lines: Vec<Line> = self.drawn(of).into_iter().map(line).filter(|l| !l.points.is_empty()).collect();
        if lines.is_empty() {
            return None;
        }
        lines.extend(even.map(|even| Line::level("even attention", Style::new(Ink::Muted, Dash::Dotted), even, "")));
        Some(LineChart {
            lines,
            marks: vec![(shown as f64, String::new())],
            ..LineChart::new(title, XAxis::steps(record.last(), true), "score", "")
        })
    }

    /// Of the latest recorded step that was measured: the step and the scores of all heads block by block.
    pub fn latest_scores(&self) -> Option<(usize, &[Scores])> {
        self.scores.iter().next_back().map(|(step, scores)| (*step, scores.as_slice()))
    }

    /// What a head would score that attends evenly to all it may.
    pub fn even_scores(&self) -> Scores {
        self.even
    }

    /// The three scores over training.
    pub fn score_charts(&self, record: &RunRecord, shown: usize) -> Vec<Drawn> {
        let chart = |id: &str, title: &str, of: fn(&Scores) -> Option<f64>, even: Option<f64>| {
            Some(Drawn::new(id, self.score_chart(record, shown, title, of, even)?))
        };
        let charts = [
            chart("heads-previous", "Previous token", |s| Some(s.previous), Some(self.even.previous)),
            chart("heads-prefix", "Prefix matching", |s| Some(s.prefix), Some(self.even.prefix)),
            chart("heads-copying", "Copying (eigenvalue score)", |s| s.copying, None),
        ];
        charts.into_iter().flatten().collect()
    }

    pub fn score_blocks(&self, record: &RunRecord, shown: usize) -> Vec<Block> {
        if self.scores.is_empty() {
            return vec![Block::Note("Scores of each head appear when the recorded steps have been looked at.".into())];
        }
        let many = if self.blocks * self.heads > LINES {
            format!(" The {LINES} highest of {} heads are drawn; the CSV has all.", self.blocks * self.heads)
        } else {
            String::new()
        };
        let about = format!(
            "Previous token: attention to the token before. Prefix matching: attention to what came after earlier copies of the \
             current token. Both on {} sequences of {} random tokens, repeated; both are to be read beside what a head would score that \
             attends evenly to all it may, which is much where there are few tokens. Copying: how far a head raises the logits of what \
             it reads, by the eigenvalue score of Elhage et al. (2021): the sum of the eigenvalues of its output and value matrices over \
             the sum of their sizes, −1 to 1. An induction head matches prefixes and copies; it needs a \
             previous-token head in a block below.{many}",
            self.repeated, self.block
        );
        let verdict = self.verdict(shown).map(Block::Paragraph);
        let rest = [Block::Charts(self.score_charts(record, shown)), Block::Note(about)];
        verdict.into_iter().chain(rest).collect()
    }

    /// The best heads at the shown step, in a sentence.
    fn verdict(&self, shown: usize) -> Option<String> {
        let (step, scores) = self.scores.range(..=shown).next_back()?;
        let names: Vec<Head> = self.all().collect();
        let best = |of: fn(&Scores) -> f64| {
            let h = (0..scores.len()).fold(0, |best, h| if of(&scores[h]) > of(&scores[best]) { h } else { best });
            (name(names[h]), of(&scores[h]))
        };
        let ((previous, p), (prefix, m)) = (best(|s| s.previous), best(|s| s.prefix));
        Some(format!(
            "At step {} head {prefix} scores highest in prefix matching ({}; even attention {}), and head {previous} in attending to \
             the token before ({}; even attention {}).",
            number::count(*step),
            number::fixed(m, 2),
            number::fixed(self.even.prefix, 2),
            number::fixed(p, 2),
            number::fixed(self.even.previous, 2)
        ))
    }

    /// The two positions (from 1) of the ICL score.
    fn places(&self) -> (usize, usize) {
        let at = |share: f64| ((share * self.length as f64).round() as usize).clamp(1, self.length);
        (at(EARLY), at(LATE))
    }

    /// Loss at the late place minus loss at the early one.
    fn icl(&self, losses: &[f64]) -> Option<f64> {
        let (early, late) = self.places();
        Some(losses.get(late - 1)? - losses.get(early - 1)?)
    }

    pub fn icl_chart(&self, record: &RunRecord, shown: usize) -> LineChart {
        let (early, late) = self.places();
        let error = |e: &Evaluation| {
            let at = |l: usize| e.excess_stderr.get(l - 1).copied().unwrap_or(0.0);
            at(early).hypot(at(late))
        };
        let points = record
            .evaluations
            .iter()
            .filter_map(|e| Some(Point::measured(e.step as f64, self.icl(&e.model)?, error(e))));
        let mut lines = vec![Line::new("model", predictor("model"), Look::Band, points)];
        let bayes = self.icl(&record.theory.bayes.values);
        lines.extend(bayes.map(|bayes| Line::level(&*self.best, predictor("Bayes"), bayes, "")));
        LineChart {
            lines,
            marks: vec![(shown as f64, String::new())],
            ..LineChart::new("ICL score", XAxis::steps(record.last(), true), "nats", "nats")
        }
    }

    pub fn icl_blocks(&self, record: &RunRecord, shown: usize) -> Vec<Block> {
        let (early, late) = self.places();
        let bayes = self.icl(&record.theory.bayes.values);
        let words = match (record.at(shown).and_then(|e| Some((e.step, self.icl(&e.model)?))), bayes) {
            (Some((step, model)), Some(bayes)) => format!(
                "ICL score: loss at position {late} minus loss at position {early} (the 500th and the 50th of 512 in Olsson et al. 2022, \
                 in proportion). At step {} it is {} nats, where {} has {}.",
                number::count(step),
                number::short(model),
                if self.best == "Bayes" { "exact Bayes" } else { "the baseline" },
                number::short(bayes)
            ),
            _ => String::new(),
        };
        vec![Block::Paragraph(words), Block::Charts(vec![Drawn::new("heads-icl", self.icl_chart(record, shown))])]
    }

    pub fn blocks(&self, record: &RunRecord, shown: usize, choice: &Choice) -> Vec<Block> {
        let mut blocks: Vec<Block> = self.problem().into_iter().collect();
        blocks.extend(self.map_blocks(choice));
        blocks.extend(self.strongest(choice));
        blocks.extend(self.score_blocks(record, shown));
        blocks.extend(self.icl_blocks(record, shown));
        blocks.extend(self.ablation_blocks(record, choice));
        blocks.extend(self.table_blocks(shown));
        blocks
    }

    /// Scores at every recorded step, the ICL score, and the changes of the loss.
    pub fn csv(&self, record: &RunRecord) -> String {
        let mut csv = String::from("step,block,head,quantity,value\n");
        // Writing to a string cannot fail.
        for (step, scores) in &self.scores {
            for ((block, head), s) in self.all().zip(scores) {
                let (b, h) = (block + 1, head + 1);
                let _ = writeln!(csv, "{step},{b},{h},previous token,{}", s.previous);
                let _ = writeln!(csv, "{step},{b},{h},prefix matching,{}", s.prefix);
                if let Some(copying) = s.copying {
                    let _ = writeln!(csv, "{step},{b},{h},copying (eigenvalue score),{copying}");
                }
            }
        }
        let _ = writeln!(csv, ",,,previous token of even attention,{}", self.even.previous);
        let _ = writeln!(csv, ",,,prefix matching of even attention,{}", self.even.prefix);
        for e in &record.evaluations {
            if let Some(score) = self.icl(&e.model) {
                let _ = writeln!(csv, "{},,,ICL score,{score}", e.step);
            }
        }
        if let Some(score) = self.icl(&record.theory.bayes.values) {
            let _ = writeln!(csv, ",,,ICL score of Bayes,{score}");
        }
        for (h, (block, head)) in self.all().enumerate() {
            if let Some(At { step, value }) = self.alone(h) {
                let (b, h) = (block + 1, head + 1);
                let _ = writeln!(csv, "{step},{b},{h},change of the mean loss without it,{}", value.value);
            }
        }
        csv
    }
}
