//! A decoder-only transformer with normalisation before each part: tokens in, logits out.

use burn::tensor::{Device, Int, Tensor, TensorData, activation, module};

use super::layout::Layout;
use crate::experiment::{Mlp, Net, Norm, Positions};

const NORM_EPSILON: f64 = 1e-5;
/// Added to the scores of later positions before the softmax: exp of it is 0 in f32, and it is finite, so no NaN can come of it.
const MASKED: f32 = -1e9;
const ROTARY_BASE: f64 = 10_000.0;

/// The net's shape and the constants of its forward pass for one sequence length; parameters come from outside.
pub struct Transformer {
    pub config: Net,
    pub vocab: usize,
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
    pub fn new(config: &Net, vocab: usize) -> Self {
        Self { config: config.clone(), vocab, layout: Layout::new(config, vocab) }
    }

    /// Index of the learner's own start-of-sequence token.
    pub fn start_token(&self) -> i32 {
        self.vocab as i32
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

    /// What the learner reads to predict `tokens` ([rows, T] row-major): the start token and all tokens but the last.
    pub fn inputs(&self, tokens: &[u16], length: usize) -> Vec<i32> {
        let mut out = Vec::with_capacity(tokens.len());
        for row in tokens.chunks_exact(length) {
            out.push(self.start_token());
            out.extend(row[..length - 1].iter().map(|&t| i32::from(t)));
        }
        out
    }

    /// Log-probabilities over tokens, natural log.
    ///
    /// `parameters`: the layout's entries in order. `inputs`: [rows · T] indices from [`Self::inputs`]. Out: [rows · T, vocab].
    pub fn forward(&self, parameters: &[Tensor<2>], inputs: Tensor<1, Int>, constants: &Constants) -> Tensor<2> {
        let net = &self.config;
        let (length, width) = (constants.length, net.width);
        let rows = inputs.dims()[0] / length;
        let mut p = Parameters { rest: parameters.iter(), biased: net.norm == Norm::LayerNorm };

        let mut x = p.next().select(0, inputs);
        if net.positions == Positions::Learned {
            let positions = p.next().slice_dim(0, 0..length).reshape([1, length, width]);
            x = (x.reshape([rows, length, width]) + positions).reshape([rows * length, width]);
        }
        for _ in 0..net.blocks {
            let read = p.norm(x.clone());
            x = x + self.attention(&mut p, read, rows, constants);
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
        let read = p.norm(x);
        activation::log_softmax(p.linear(read), 1)
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
