//! One head's attention on one sequence, as a chart.

use charts::{
    chart::{Axis, Chart, Readout, ReadoutLine, View},
    heat_map::{CellAxis, Colours, Follow, HeatMap},
    scale::Scale,
    scene::Scene,
};

use super::triangle;
use charts::text::shown;

use crate::number;

/// The start token of a sequence.
pub const START: &str = "▷";
/// Longer sequences have numbers on their axes instead of tokens.
const NAMED: usize = 40;

/// One head's weights, and what is needed to speak of them.
pub struct Pattern<'a> {
    /// The lower triangle row by row, of a map of `positions / pool` rows.
    pub weights: &'a [f32],
    /// Positions to a row and to a column.
    pub pool: usize,
    /// x_1..x_T; the model reads its start and all but the last.
    pub tokens: &'a [u16],
    pub names: &'a [String],
    pub block: usize,
    pub head: usize,
    /// `2.1`.
    pub name: &'a str,
}

/// A map of attention: rows attend to columns.
#[derive(Clone, Debug)]
pub struct AttentionMap {
    map: HeatMap,
    name: String,
    /// What pressing the map chooses: [`key`].
    key: String,
    pool: usize,
}

/// A head as what a press chooses.
pub fn key(block: usize, head: usize) -> String {
    format!("{block}.{head}")
}

/// The head that a press chose.
pub fn head_of(key: &str) -> Option<(usize, usize)> {
    let (block, head) = key.split_once('.')?;
    Some((block.parse().ok()?, head.parse().ok()?))
}

/// Input `i` in words: the token, and its position from 1.
pub fn input(tokens: &[u16], names: &[String], i: usize) -> String {
    match i.checked_sub(1).and_then(|at| tokens.get(at)) {
        Some(token) => format!("{} (position {i})", token_name(*token, names, 16)),
        None => format!("{START} (the start)"),
    }
}

fn token_name(token: u16, names: &[String], most: usize) -> String {
    names.get(usize::from(token)).map_or_else(|| token.to_string(), |name| shown(name, most))
}

/// The lower triangle of [T, T] row by row, `pool` positions to a row: of each square of positions the largest weight, so that a
/// single strong one is not lost. NaN stays only where there is nothing else.
pub fn pooled(weights: &[f32], length: usize, pool: usize) -> Vec<f32> {
    let rows = length.div_ceil(pool);
    let mut out = vec![f32::NAN; triangle(rows)];
    for i in 0..length {
        for j in 0..=i {
            let slot = &mut out[triangle(i / pool) + j / pool];
            *slot = slot.max(weights[i * length + j]);
        }
    }
    out
}

impl AttentionMap {
    pub fn new(pattern: &Pattern, small: bool) -> Self {
        let (length, pool) = (pattern.tokens.len(), pattern.pool.max(1));
        let rows = length.div_ceil(pool);
        let mut values = vec![f64::NAN; rows * rows];
        for i in 0..rows {
            for j in 0..=i {
                values[i * rows + j] = pattern.weights.get(triangle(i) + j).map_or(f64::NAN, |w| f64::from(*w));
            }
        }
        let inputs = |row: usize| match pool {
            1 => input(pattern.tokens, pattern.names, row),
            // Inputs count from 0, the start.
            _ => format!("inputs {} to {}", row * pool, ((row + 1) * pool - 1).min(length - 1)),
        };
        let named = |i: usize| match i.checked_sub(1) {
            Some(at) => token_name(pattern.tokens[at], pattern.names, 9),
            None => START.into(),
        };
        let middle = |v: f64| (v + 0.5) / length as f64;
        let ticks: Vec<(f64, String)> = if length <= NAMED {
            (0..length).map(|i| (middle(i as f64), named(i))).collect()
        } else {
            let ticks = Scale::linear(0.0, length as f64).whole_ticks(6).into_iter().filter(|t| t.0 < length as f64);
            ticks.map(|(v, text)| (middle(v), if v == 0.0 { START.into() } else { text })).collect()
        };
        let axis =
            |name: &str| CellAxis { name: name.into(), names: (0..rows).map(inputs).collect(), ticks: ticks.clone() };
        let map = HeatMap {
            title: format!("Head {}", pattern.name),
            x: axis("attended to"),
            y: axis("attends"),
            values,
            upwards: false,
            // Square roots, so that weak attention shows.
            colours: Colours { low: 0.0, high: 1.0, follow: Follow::SquareRoot },
            name: "weight".into(),
            unit: String::new(),
            numbers: false,
            notes: Vec::new(),
            square: true,
            crossed: (None, None),
            small,
            about: String::new(),
            empty: "No weight of this head is a number.".into(),
        };
        Self { map, name: pattern.name.into(), key: key(pattern.block, pattern.head), pool }
    }

    /// What is at a place of the cursor: who attends to whom, and the weight (`None`: it comes later and cannot be seen).
    fn at(&self, cursor: f64) -> Option<(String, Option<f64>)> {
        let (row, column) = self.map.place(cursor)?;
        let weight = self.map.values[row * self.map.x.names.len() + column];
        let (from, to) = (&self.map.y.names[row], &self.map.x.names[column]);
        Some(match column <= row {
            true => (format!("Head {}: {from} attends to {to}", self.name), Some(weight)),
            false => (format!("Head {}: {to} comes after {from}, which cannot see it.", self.name), None),
        })
    }

    /// What is at a place of the cursor, in a sentence.
    pub fn words(&self, cursor: f64) -> Option<String> {
        let (words, weight) = self.at(cursor)?;
        Some(match weight {
            Some(weight) if self.pool > 1 => {
                format!("{words} with weight {} at most.", number::short(weight))
            }
            Some(weight) => format!("{words} with weight {}.", number::short(weight)),
            None => words,
        })
    }
}

impl Chart for AttentionMap {
    fn title(&self) -> String {
        self.map.title.clone()
    }

    fn axis(&self) -> Axis {
        self.map.axis()
    }

    fn scene(&self, view: &View) -> Scene {
        self.map.scene(view)
    }

    fn cursor_at(&self, view: &View, x: f64, y: f64) -> Option<f64> {
        self.map.cursor_at(view, x, y)
    }

    fn cursor_moved(&self, from: Option<f64>, by: i64) -> Option<f64> {
        self.map.cursor_moved(from, by)
    }

    fn readout(&self, view: &View, cursor: f64) -> Option<Readout> {
        let (title, weight) = self.at(cursor)?;
        let found = self.map.readout(view, cursor)?;
        let [(x, top), (_, bottom)] = found.rule;
        let line = ReadoutLine {
            name: "weight".into(),
            value: weight.map_or("none".into(), number::short),
            how: if self.pool > 1 { "the largest of these inputs".into() } else { String::new() },
            hue: None,
            at: Some((x, (top + bottom) / 2.0)),
        };
        Some(Readout { title, lines: vec![line], ..found })
    }

    /// The whole map is its head.
    fn pick(&self, view: &View, x: f64, y: f64) -> Option<String> {
        self.map.cell_at(view, x, y).map(|_| self.key.clone())
    }

    /// The largest weight beyond the first input's, for those who cannot see the picture.
    fn summary(&self) -> String {
        let rows = self.map.x.names.len();
        let cells = (1..rows).flat_map(|i| (0..=i).map(move |j| (i, j)));
        let best = cells.fold((0.0, 0, 0), |best: (f64, usize, usize), (i, j)| {
            let w = self.map.values[i * rows + j];
            if w > best.0 { (w, i, j) } else { best }
        });
        format!(
            "Attention of head {}: {rows} by {rows} {}, the largest weight is {}, from {} to {}.",
            self.name,
            if self.pool > 1 { "groups of positions" } else { "positions" },
            number::short(best.0),
            self.map.y.names[best.1],
            self.map.x.names[best.2]
        )
    }

    fn csv(&self) -> String {
        self.map.csv()
    }
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests {
    use charts::theme::Theme;

    use super::*;

    #[test]
    fn weights_that_are_no_numbers_have_no_colour() {
        let all = pooled(&[1.0, 0.0, f32::NAN, 0.25], 2, 1);
        assert!(all[0] == 1.0 && all[1].is_nan() && all[2] == 0.25, "{all:?}");
        // Of a square the largest is kept.
        let some = pooled(&[1.0, 0.0, 0.0, 0.5, 0.5, 0.0, f32::NAN, 0.25, 0.125], 3, 2);
        assert_eq!(some, [1.0, 0.25, 0.125]);
    }

    #[test]
    fn pointing_at_a_map_reads_the_weight_and_pressing_it_chooses_its_head() {
        let weights = [1.0, 0.25, 0.75, 0.125, 0.25, 0.625];
        let names = ["a".to_owned(), "b".to_owned()];
        let pattern =
            Pattern { weights: &weights, pool: 1, tokens: &[0, 1, 0], names: &names, block: 1, head: 0, name: "2.1" };
        for (small, size) in [(true, (150.0, 166.0)), (false, (480.0, 520.0))] {
            let map = AttentionMap::new(&pattern, small);
            let view = View::new(size.0, size.1, Theme::light());
            for i in 0..3 {
                for j in 0..3 {
                    let cursor = (3 * i + j) as f64;
                    let readout = map.readout(&view, cursor).expect("a cell");
                    let (x, y) = readout.lines[0].at.expect("a place");
                    assert_eq!(map.cursor_at(&view, x, y), Some(cursor));
                    assert_eq!(map.pick(&view, x, y).as_deref().and_then(head_of), Some((1, 0)));
                    let words = map.words(cursor).expect("words");
                    if j <= i {
                        let weight = number::short(f64::from(weights[triangle(i) + j]));
                        assert_eq!(readout.lines[0].value, weight);
                        assert_eq!(words, format!("{} with weight {weight}.", readout.title));
                    } else {
                        assert!(words.ends_with("cannot see it.") && readout.lines[0].value == "none");
                    }
                }
            }
            assert_eq!(
                map.words(3.0).as_deref(),
                Some("Head 2.1: a (position 1) attends to ▷ (the start) with weight 0.250.")
            );
            assert_eq!(map.words(9.0), None);
            assert!(map.summary().ends_with("the largest weight is 0.750, from a (position 1) to a (position 1)."));
        }
    }
}
