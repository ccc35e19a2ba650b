//! A decoder-only transformer with normalisation before each part: tokens in and log-probabilities out, or vectors in and Gaussians
//! out. Only the two ends differ.

use burn::tensor::{Device, Int, Tensor, TensorData, activation, module};

use super::layout::Layout;
use crate::{
    experiment::{Mlp, Net, Norm, Observation, Positions},
    world::Rows,
};

const NORM_EPSILON: f64 = 1e-5;
/// Added to the scores of later positions before the softmax: exp of it is 0 in f32, and it is finite, so no NaN can come of it.
const MASKED: f32 = -1e9;
const ROTARY_BASE: f64 = 10_000.0;

/// The net's shape and the constants of its forward pass for one sequence length; parameters come from outside.
pub struct Transformer {
    pub config: Net,
    pub observation: Observation,
    pub layout: Layout,
}

/// Constants that depend on the sequence length: made once for each length used.
pub struct Constants {
    pub length: usize,
    /// [1, 1, T, T]: 0 where attention may look, [`MASKED`] elsewhere.
    mask: Tensor<4>,
    /// [1, 1, T, head width], cosine and sine of each position's angles; only with rotary positions.
    rotary: Option<(Tensor<4>, Tensor<4>)>,
}

/// What a net reads, on its device: from [`Transformer::inputs`].
pub enum Inputs {
    /// [rows · T]
    Tokens(Tensor<1, Int>),
    /// [rows · T, d + 2]
    Vectors(Tensor<2>),
}

/// Hands out the parameters in the layout's order.
struct Parameters<'a> {
    rest: std::slice::Iter<'a, Tensor<2>>,
    biased: bool,
}

impl Parameters<'_> {
    /// The layout made as many as the forward pass takes: both walk the same configuration (held together by a test).
    #[expect(clippy::expect_used, reason = "a mismatch is a bug in this room, not something that a user can reach")]
    fn next(&mut self) -> Tensor<2> {
        self.rest.next().cloned().expect("the layout holds what the forward pass takes")
    }

    /// [rows, from] to [rows, to].
    fn linear(&mut self, x: Tensor<2>) -> Tensor<2> {
        let y = x.matmul(self.next());
        if self.biased { y + self.next() } else { y }
    }

    /// Over the last dimension of [rows, width].
    fn norm(&mut self, x: Tensor<2>) -> Tensor<2> {
        if self.biased {
            let width = x.dims()[1];
            let (gain, shift) = (self.next(), self.next());
            module::layer_norm(x, gain.reshape([width]), Some(shift.reshape([width])), NORM_EPSILON)
        } else {
            let scale = (x.clone().square().mean_dim(1) + NORM_EPSILON).sqrt();
            x / scale * self.next()
        }
    }
}

impl Transformer {
    pub fn new(config: &Net, observation: Observation) -> Self {
        Self { config: config.clone(), observation, layout: Layout::new(config, observation) }
    }

    pub fn constants(&self, length: usize, device: &Device) -> Constants {
        let mask: Vec<f32> =
            (0..length).flat_map(|i| (0..length).map(move |j| if j <= i { 0.0 } else { MASKED })).collect();
        let width = self.config.head_width();
        let rotary = (self.config.positions == Positions::Rotary).then(|| {
            // Pair j of a head turns by position · base^(-2j/width); the two halves of a head hold the pairs' members.
            let angle =
                |t: usize, j: usize| t as f64 * ROTARY_BASE.powf(-((2 * (j % (width / 2))) as f64) / width as f64);
            let table = |f: fn(f64) -> f64| {
                let values: Vec<f32> =
                    (0..length).flat_map(|t| (0..width).map(move |j| f(angle(t, j)) as f32)).collect();
                Tensor::from_data(TensorData::new(values, [1, 1, length, width]), device)
            };
            (table(f64::cos), table(f64::sin))
        });
        Constants { length, mask: Tensor::from_data(TensorData::new(mask, [1, 1, length, length]), device), rotary }
    }

    /// What the learner reads to predict `rows` (sequences of `length` cells): its own start, and all cells but the last.
    pub fn inputs(&self, rows: &Rows, length: usize, device: &Device) -> Inputs {
        match rows {
            Rows::Tokens(tokens) => {
                let start = self.observation.size() as i32;
                let mut out = Vec::with_capacity(tokens.len());
                for row in tokens.chunks_exact(length) {
                    out.push(start);
                    out.extend(row[..length - 1].iter().map(|&t| i32::from(t)));
                }
                let shape = [out.len()];
                Inputs::Tokens(Tensor::from_data(TensorData::new(out, shape), device))
            }
            Rows::Vectors { dimension, values } => {
                // The entries, then 1 for the bias of a vector, or 1 for the start.
                let width = dimension + 2;
                let mut out = Vec::with_capacity(rows.len() * width);
                for row in values.chunks_exact(length * dimension) {
                    out.resize(out.len() + width - 1, 0.0);
                    out.push(1.0);
                    for x in row.chunks_exact(*dimension).take(length - 1) {
                        out.extend_from_slice(x);
                        out.extend([1.0, 0.0]);
                    }
                }
                let shape = [rows.len(), width];
                Inputs::Vectors(Tensor::from_data(TensorData::new(out, shape), device))
            }
        }
    }

    /// The predictive law of each cell, [rows · T, outputs]: log-probabilities over tokens (natural log), or a Gaussian's mean
    /// entries and the logarithm of its variance.
    ///
    /// `parameters`: the layout's entries in order. `inputs`: [rows · T] cells from [`Self::inputs`].
    pub fn forward(&self, parameters: &[Tensor<2>], inputs: Inputs, constants: &Constants) -> Tensor<2> {
        let mut p = Parameters { rest: parameters.iter(), biased: self.config.norm == Norm::LayerNorm };
        let read_in = p.next();
        let x = match inputs {
            Inputs::Tokens(indices) => read_in.select(0, indices),
            Inputs::Vectors(values) => values.matmul(read_in),
        };
        let x = self.trunk(&mut p, x, constants);
        let out = p.linear(x);
        if self.observation.is_vectors() { out } else { activation::log_softmax(out, 1) }
    }

    /// ln p of each cell of `rows` under what [`Self::forward`] gave for them: [rows · T, 1].
    pub fn log_likelihood(&self, output: Tensor<2>, rows: &Rows, device: &Device) -> Tensor<2> {
        let cells = rows.len();
        match rows {
            Rows::Tokens(tokens) => {
                let targets: Vec<i32> = tokens.iter().map(|&t| i32::from(t)).collect();
                let targets = Tensor::<1, Int>::from_data(TensorData::new(targets, [cells]), device);
                output.gather(1, targets.reshape([cells, 1]))
            }
            Rows::Vectors { dimension, values } => {
                let d = *dimension;
                let targets = Tensor::<2>::from_data(TensorData::new(values.clone(), [cells, d]), device);
                let (mean, log_variance) = (output.clone().slice_dim(1, 0..d), output.slice_dim(1, d..d + 1));
                let square = (targets - mean).square().sum_dim(1);
                let twice =
                    (log_variance.clone() + std::f64::consts::TAU.ln()) * d as f64 + square * log_variance.neg().exp();
                twice * -0.5
            }
        }
    }

    /// Everything between read-in and head: [rows · T, width] to the same.
    fn trunk(&self, p: &mut Parameters, mut x: Tensor<2>, constants: &Constants) -> Tensor<2> {
        let net = &self.config;
        let (length, width) = (constants.length, net.width);
        let rows = x.dims()[0] / length;
        if net.positions == Positions::Learned {
            let positions = p.next().slice_dim(0, 0..length).reshape([1, length, width]);
            x = (x.reshape([rows, length, width]) + positions).reshape([rows * length, width]);
        }
        for _ in 0..net.blocks {
            let read = p.norm(x.clone());
            x = x + self.attention(p, read, rows, constants);
            match net.mlp {
                Mlp::None => {}
                Mlp::Gelu => {
                    let read = p.norm(x.clone());
                    let hidden = activation::gelu(p.linear(read));
                    x = x + p.linear(hidden);
                }
                Mlp::Gated => {
                    let read = p.norm(x.clone());
                    let gate = activation::silu(p.linear(read.clone()));
                    let hidden = gate * p.linear(read);
                    x = x + p.linear(hidden);
                }
            }
        }
        p.norm(x)
    }

    /// Causal attention over [rows · T, width], key/value heads shared among query heads.
    fn attention(&self, p: &mut Parameters, x: Tensor<2>, rows: usize, constants: &Constants) -> Tensor<2> {
        let net = &self.config;
        let (length, head) = (constants.length, net.head_width());
        // [rows · T, heads · head] to [rows, heads, T, head]
        let split = |y: Tensor<2>, heads: usize| y.reshape([rows, length, heads, head]).swap_dims(1, 2);
        let mut query = split(p.linear(x.clone()), net.heads);
        let mut key = split(p.linear(x.clone()), net.kv_heads);
        let mut value = split(p.linear(x), net.kv_heads);
        if let Some(rotary) = &constants.rotary {
            query = rotate(query, rotary);
            key = rotate(key, rotary);
        }
        let share = net.heads / net.kv_heads;
        if share > 1 {
            let repeat = |y: Tensor<4>| {
                y.reshape([rows, net.kv_heads, 1, length, head])
                    .repeat_dim(2, share)
                    .reshape([rows, net.heads, length, head])
            };
            key = repeat(key);
            value = repeat(value);
        }
        let scores = query.matmul(key.swap_dims(2, 3)) * (1.0 / (head as f64).sqrt()) + constants.mask.clone();
        let mixed = activation::softmax(scores, 3).matmul(value);
        p.linear(mixed.swap_dims(1, 2).reshape([rows * length, net.heads * head]))
    }
}

/// Turns each pair (first half, second half) of a head by its position's angle.
fn rotate(x: Tensor<4>, (cos, sin): &(Tensor<4>, Tensor<4>)) -> Tensor<4> {
    let [rows, heads, length, width] = x.dims();
    let half = width / 2;
    let first = x.clone().slice([0..rows, 0..heads, 0..length, 0..half]);
    let second = x.clone().slice([0..rows, 0..heads, 0..length, half..width]);
    let turned = Tensor::cat(vec![-second, first], 3);
    x * cos.clone() + turned * sin.clone()
}
