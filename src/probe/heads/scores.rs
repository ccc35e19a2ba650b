//! Scores of attention heads, each from its definition.

use serde::{Deserialize, Serialize};

use crate::probe::{Matrix, matrix};
use matrix::{Dense, eigenvalues};

/// How far a row of attention may be from a sum of 1 before it is called wrong: rounding of f32 leaves a hundredth of it.
pub const TOLERANCE: f64 = 1e-4;

/// Of one head at one step. Each mean is over positions and sequences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Attention to the token before (Olsson et al. 2022).
    pub previous: f64,
    /// Attention to the tokens after earlier copies of the current one, on repeated random tokens (Olsson et al. 2022).
    pub prefix: f64,
    /// From −1 to 1: how far the head raises the logits of the tokens that it reads; see [`copying`]. `None` where it is not known.
    pub copying: Option<f64>,
}

/// The largest distance of a row's sum from 1 in patterns of attention, [.., T, T] row-major.
pub fn imbalance(attention: &[f32], length: usize) -> f64 {
    let off = |row: &[f32]| (row.iter().map(|v| f64::from(*v)).sum::<f64>() - 1.0).abs();
    // NaN must not get lost.
    attention
        .chunks_exact(length.max(1))
        .map(off)
        .fold(0.0, |worst, off| if off > worst || off.is_nan() { off } else { worst })
}

/// Mean attention to the input before, over the inputs from the second token on: the first one's predecessor is the model's own
/// start. `map`: one head's pattern, [T, T] row-major.
pub fn previous(map: &[f32], length: usize) -> f64 {
    mean((2..length).map(|i| f64::from(map[i * length + i - 1])))
}

/// Mean attention to the inputs after earlier copies of the current token, over the inputs behind the first copy of the block, where
/// there is always one. `tokens`: x_1..x_T, a random block of `block` tokens repeated; input i holds x_i, and input 0 the start.
pub fn prefix(map: &[f32], tokens: &[u16], block: usize) -> f64 {
    let length = tokens.len();
    mean((block + 1..length).map(|i| {
        let after_a_copy = |j: &usize| tokens[j - 2] == tokens[i - 1];
        (2..=i).filter(after_a_copy).map(|j| f64::from(map[i * length + j])).sum()
    }))
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), v| (sum + v, count + 1.0));
    if count > 0.0 { sum / count } else { 0.0 }
}

/// Sum of the eigenvalues over the sum of their sizes, of what a head does to the logits when it reads a token, W_E W_V W_O W_U
/// (Elhage et al. 2021): 1 where every token it reads becomes likelier, −1 where every one becomes less likely.
///
/// Gains of the norms are folded in, embeddings are centred where the norm centres them, and the logits of each token are taken less
/// their mean, which no prediction sees: with few tokens a head that raises them all would else seem to copy. What lies between
/// (other blocks, positions, the MLPs, how much a norm divides by) is left out, as in the definition. `None` where a matrix is not there.
pub fn copying(parameters: &[Matrix], block: usize, head: usize, heads: usize, kv_heads: usize) -> Option<f64> {
    let find = |name: &str| parameters.iter().find(|m| m.name == name);
    let dense = |name: &str| {
        let m = find(name)?;
        let values: Vec<f64> = m.values.iter().map(|v| f64::from(*v)).collect();
        (values.len() == m.shape[0] * m.shape[1]).then_some(Dense { rows: m.shape[0], columns: m.shape[1], values })
    };
    let at = |part: &str| format!("blocks.{block}.attention.{part}");
    let (embedding, unembedding) = (dense("embedding")?, dense("head.weight")?);
    let (value, out) = (dense(&at("value.weight"))?, dense(&at("out.weight"))?);
    let width = out.rows.checked_div(heads)?;
    let served = (head * kv_heads).checked_div(heads)?;
    let vocab = unembedding.columns;
    let fits = value.columns >= (served + 1) * width && out.rows >= (head + 1) * width && embedding.rows >= vocab;
    if !fits || width == 0 {
        return None;
    }
    let centred = find("norm.shift").is_some();
    let gain = |name: &str| Some(dense(name)?.values);
    // The tokens' embeddings as the head reads them; the start token is left out.
    let mut read = embedding.rows(0, vocab);
    if centred {
        read.centre_rows();
    }
    read.scale_columns(&gain(&at("norm.gain"))?);
    let read = read.times(&value.columns(served * width, width));
    let mut written = out.rows(head * width, width);
    if centred {
        written.centre_rows();
    }
    written.scale_columns(&gain("norm.gain")?);
    let mut logits = written.times(&unembedding);
    logits.centre_rows();
    // [V, width] · [width, V] has the same eigenvalues other than 0 as the product the other way round.
    let small = if vocab < width { read.times(&logits) } else { logits.times(&read) };
    let found = eigenvalues(&small)?;
    let size: f64 = found.iter().map(|(re, im)| re.hypot(*im)).sum();
    (size > 0.0).then(|| found.iter().map(|l| l.0).sum::<f64>() / size)
}
