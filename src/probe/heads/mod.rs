//! Attention heads: what they look at, what they are good for, and what becomes of the loss without them.

mod losses;
mod map;
mod measure;
mod scores;
#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests;
mod view;

use serde::{Deserialize, Serialize};

use super::Setting;
use crate::protocol::Measured;

pub use map::head_of;
pub use measure::HeadsProbe;
pub use scores::Scores;
pub use view::{Choice, Heads};

/// No more heads are each switched off alone.
const ALONE: usize = 16;

const UNIT: &str = "nats per token";

/// (block, head), both from 0.
pub type Head = (usize, usize);

/// What was measured at one step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct At<V> {
    pub step: usize,
    pub value: V,
}

/// Attention on the sequences to choose from, at one step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Maps {
    pub step: usize,
    /// The only sequence that was read; `None`: all were.
    pub only: Option<usize>,
    /// Positions to a row and to a column of a map.
    pub pool: usize,
    /// [sequences, blocks, heads, rows · (rows + 1) / 2] with `rows` = ⌈T / pool⌉: of each map the lower triangle row by row; of
    /// pooled positions the largest weight.
    pub weights: Vec<f32>,
    /// [sequences, blocks, heads]: the largest weights of single positions, in order.
    pub strongest: Vec<Vec<Weight>>,
    /// The largest distance of a row's sum from 1.
    pub imbalance: f64,
}

/// How much input `from` attends to input `to`; input 0 is the start token.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weight {
    pub weight: f32,
    pub from: u32,
    pub to: u32,
}

/// What the probe reports.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Measurement {
    Maps(Maps),
    /// Of each head block by block, on repeated tokens; and the largest distance of a row's sum from 1.
    Scores {
        step: usize,
        scores: Vec<Scores>,
        imbalance: f64,
    },
    /// Excess loss by position with every head in place; `None` where it was no number.
    Whole(Option<At<Vec<Measured>>>),
    Ablated(Option<Ablation>),
    /// Change of the mean loss when head number `head`, counted block by block, is switched off alone.
    Alone {
        head: usize,
        change: Option<At<Measured>>,
    },
}

/// The loss with some heads ablated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ablation {
    pub step: usize,
    pub heads: Vec<Head>,
    /// Excess loss by position.
    pub excess: Vec<Measured>,
    /// Of the mean loss over positions, against every head in place at the same step.
    pub change: Option<Measured>,
}

/// What measures, and what is known before the first measurement. For tokens and nets with attention; else a sentence on why there
/// is nothing to see.
pub fn open(setting: &Setting) -> Result<(HeadsProbe, Heads), String> {
    measure::open(setting)
}

/// Cells of a lower triangle, its diagonal among them.
fn triangle(rows: usize) -> usize {
    rows * (rows + 1) / 2
}

/// `2.1`: the first head of the second block.
fn name((block, head): Head) -> String {
    format!("{}.{}", block + 1, head + 1)
}

/// All heads block by block.
fn all(blocks: usize, heads: usize) -> impl Iterator<Item = Head> {
    (0..blocks).flat_map(move |block| (0..heads).map(move |head| (block, head)))
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), v| (sum + v, count + 1.0));
    sum / f64::max(count, 1.0)
}
