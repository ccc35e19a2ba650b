//! One head's attention on one sequence, as a picture.

use crate::{
    number,
    picture::{
        raster::{Raster, legend},
        svg::{Anchor, INK, MUTED, Svg, num, short},
    },
    scale::Scale,
};

/// The learner's own start of a sequence.
pub const START: &str = "▷";
/// Longer sequences are pooled: an image has no more rows.
const ROWS: usize = 128;
/// Longer sequences have numbers on their axes instead of tokens.
const NAMED: usize = 40;
const SIZE: f64 = 11.5;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Grid {
    /// One of many.
    Small,
    /// With tokens on both axes.
    Large,
}

pub struct Map<'a> {
    /// [T, T] row-major.
    pub weights: &'a [f32],
    /// x_1..x_T; the learner reads its start and all but the last.
    pub tokens: &'a [u16],
    pub names: &'a [String],
    pub block: usize,
    pub head: usize,
    pub name: &'a str,
}

/// Input `i` in words: the token, and its position from 1.
pub fn input(tokens: &[u16], names: &[String], i: usize) -> String {
    match i.checked_sub(1).and_then(|at| tokens.get(at)) {
        Some(token) => format!("{} (position {i})", token_name(*token, names, 16)),
        None => format!("{START} (the start)"),
    }
}

fn token_name(token: u16, names: &[String], most: usize) -> String {
    names.get(usize::from(token)).map_or_else(|| token.to_string(), |name| short(name, most))
}

/// Shares of the ramp, [rows, rows], NaN for what comes later: square roots of weights, so that weak attention shows. Of a sequence
/// longer than [`ROWS`], the largest weight of each square of cells.
fn shares(weights: &[f32], length: usize) -> (Vec<f64>, usize) {
    let pool = length.div_ceil(ROWS).max(1);
    let rows = length.div_ceil(pool);
    let mut shares = vec![f64::NAN; rows * rows];
    for i in 0..length {
        for j in 0..=i {
            // `max` keeps the slot where a weight is no number, so that a cell of such weights stays empty.
            let share = f64::from(weights[i * length + j]).sqrt();
            let slot = &mut shares[i / pool * rows + j / pool];
            *slot = slot.max(share);
        }
    }
    (shares, rows)
}

impl Map<'_> {
    pub fn draw(&self, grid: Grid) -> String {
        let length = self.tokens.len();
        let (shares, rows) = shares(self.weights, length);
        let named = grid == Grid::Large && length <= NAMED;
        let inner = match grid {
            Grid::Small => 118.0,
            // Room for names.
            Grid::Large if named => (13.0 * length as f64).clamp(200.0, 440.0),
            Grid::Large => 400.0,
        };
        let cell = inner / length as f64;
        let names: Vec<String> = (0..length)
            .map(|i| if i == 0 { START.into() } else { token_name(self.tokens[i - 1], self.names, 9) })
            .collect();
        let wide = |name: &String| crate::picture::svg::width(name);
        let widest = names.iter().map(wide).fold(0.0, f64::max);
        let font = (0.86 * cell).min(SIZE);
        let (left, top) = match grid {
            Grid::Small => (2.0, 20.0),
            Grid::Large if named => (font * widest + 24.0, 30.0),
            Grid::Large => (46.0, 30.0),
        };
        let mut svg = Svg::default();
        svg.text((left, 8.0), SIZE + 1.0, INK, Anchor::Start, &format!("Head {}", self.name));
        svg.open((left, top), "");
        let id =
            format!("attention-{}-{}-{}", self.block, self.head, if grid == Grid::Small { "small" } else { "large" });
        Raster { shares: &shares, columns: rows, id: &id }.draw(&mut svg, (0.0, 0.0), (inner, inner));
        let mut bottom = inner;
        if grid == Grid::Large {
            if named {
                for (i, name) in names.iter().enumerate() {
                    let middle = cell * (i as f64 + 0.5);
                    svg.text((-5.0, middle), font, MUTED, Anchor::End, name);
                    svg.raw(&format!(r#"<g transform="translate({} {}) rotate(-90)">"#, num(middle), num(inner + 5.0)));
                    svg.text((0.0, 0.0), font, MUTED, Anchor::End, name);
                    svg.close();
                }
                bottom += font * widest + 8.0;
            } else {
                // Inputs count from 0, the start.
                let scale = Scale::linear(0.0, length as f64);
                for (v, text) in scale.whole_ticks(6).into_iter().filter(|t| t.0 < length as f64) {
                    let at = cell * (v + 0.5);
                    let text = if v == 0.0 { START } else { &text };
                    svg.text((-7.0, at), SIZE, MUTED, Anchor::End, text);
                    svg.text((at, inner + 12.0), SIZE, MUTED, Anchor::Middle, text);
                }
                bottom += 18.0;
            }
            svg.text((inner / 2.0, bottom + 10.0), SIZE, MUTED, Anchor::Middle, "attended to");
            svg.raw(&format!(r#"<g transform="translate({} {}) rotate(-90)">"#, num(10.0 - left), num(inner / 2.0)));
            svg.text((0.0, 0.0), SIZE, MUTED, Anchor::Middle, "attends");
            svg.close();
            let words = "1  weight (square-root colours)";
            legend(&mut svg, (0.0, bottom + 32.0), "0", words);
            bottom += 42.0;
        }
        // What is pointed at, and on a small one pressed.
        let press = if grid == Grid::Small {
            r#" data-inside="head" style="cursor:pointer""#
        } else {
            r#" style="cursor:crosshair""#
        };
        svg.raw(&format!(
            r#"<rect data-point="map" data-block="{}" data-head="{}"{press} width="{inner}" height="{inner}" fill-opacity="0"/>"#,
            self.block, self.head
        ));
        svg.close();
        let room = if grid == Grid::Large { 330.0 } else { 0.0 };
        let size = (left + inner.max(room) + 6.0, top + bottom + 6.0);
        svg.finish(
            "sweep",
            size,
            &format!("Attention of head {}: {} by {} positions, {}", self.name, length, length, self.loudest()),
        )
    }

    /// The largest weight beyond the first input's, for those who cannot see the picture.
    fn loudest(&self) -> String {
        let length = self.tokens.len();
        let cells = (1..length).flat_map(|i| (0..=i).map(move |j| (i, j)));
        let best = cells.fold((0.0f32, 0, 0), |best, (i, j)| {
            let w = self.weights[i * length + j];
            if w > best.0 { (w, i, j) } else { best }
        });
        format!(
            "the largest weight is {}, from {} to {}",
            number::short(f64::from(best.0)),
            input(self.tokens, self.names, best.1),
            input(self.tokens, self.names, best.2)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_that_are_no_numbers_have_no_colour() {
        let (shares, rows) = shares(&[1.0, 0.0, f32::NAN, 0.25], 2);
        assert_eq!(rows, 2);
        assert!(shares[0] == 1.0 && shares[1].is_nan() && shares[2].is_nan() && shares[3] == 0.5, "{shares:?}");
    }
}
