//! The trunk of a decoder-only transformer, with normalisation before each part.

use burn::tensor::{Device, Tensor, TensorData, activation};

use super::{capture::TensorCapture, parameters::Parameters};
use crate::experiment::{Mlp, Net, Positions};

/// Added to the scores of later positions before the softmax: exp of it is 0 in f32, and it is finite, so no NaN can come of it.
const MASKED: f32 = -1e9;
const ROTARY_BASE: f64 = 10_000.0;

/// What depends on the sequence length alone.
pub struct Constants {
    length: usize,
    /// Added to the scores. [1, 1, T, T]: 0 where attention may look, [`MASKED`] elsewhere. With ALiBi [1, heads, T, T], and
    /// minus slope times distance where attention may look.
    mask: Tensor<4>,
    /// [1, 1, T, head width], cosine and sine of each position's angles; only with rotary positions.
    rotary: Option<(Tensor<4>, Tensor<4>)>,
}

impl Constants {
    pub fn new(net: &Net, length: usize, device: &Device) -> Self {
        let slopes: Vec<f64> = match net.positions {
            Positions::Alibi => (1..=net.heads).map(|h| (-8.0 * h as f64 / net.heads as f64).exp2()).collect(),
            Positions::Learned | Positions::Rotary => vec![0.0],
        };
        let mut mask = Vec::with_capacity(slopes.len() * length * length);
        for slope in &slopes {
            for i in 0..length {
                mask.extend((0..length).map(|j| if j <= i { (-slope * (i - j) as f64) as f32 } else { MASKED }));
            }
        }
        let mask = Tensor::from_data(TensorData::new(mask, [1, slopes.len(), length, length]), device);
        let width = net.head_width();
        let rotary = (net.positions == Positions::Rotary).then(|| {
            // Pair j of a head is rotated by position · base^(-2j/width); the two halves of a head hold the pairs' members.
            let angle =
                |t: usize, j: usize| t as f64 * ROTARY_BASE.powf(-((2 * (j % (width / 2))) as f64) / width as f64);
            let table = |f: fn(f64) -> f64| {
                let values: Vec<f32> =
                    (0..length).flat_map(|t| (0..width).map(move |j| f(angle(t, j)) as f32)).collect();
                Tensor::from_data(TensorData::new(values, [1, 1, length, width]), device)
            };
            (table(f64::cos), table(f64::sin))
        });
        Self { length, mask, rotary }
    }
}

/// Everything between the embedding (or input projection) and the head: [rows · T, width] to the same.
pub fn trunk(
    net: &Net,
    p: &mut Parameters,
    mut x: Tensor<2>,
    constants: &Constants,
    mut capture: Option<&mut TensorCapture>,
) -> Tensor<2> {
    let (length, width) = (constants.length, net.width);
    let rows = x.dims()[0] / length;
    if net.positions == Positions::Learned {
        let positions = p.next().slice_dim(0, 0..length).reshape([1, length, width]);
        x = (x.reshape([rows, length, width]) + positions).reshape([rows * length, width]);
    }
    keep(&mut capture, &x);
    for block in 0..net.blocks {
        let read = p.norm(x.clone());
        x = x + attention(net, p, read, constants, block, capture.as_deref_mut());
        match net.mlp {
            Mlp::None => {}
            Mlp::Gelu => {
                let read = p.norm(x.clone());
                let hidden = activation::gelu(p.linear(read));
                x = x + p.linear(hidden);
            }
            Mlp::Gated | Mlp::Geglu => {
                let read = p.norm(x.clone());
                let gate = p.linear(read.clone());
                let gate = if net.mlp == Mlp::Gated { activation::silu(gate) } else { gelu_tanh(gate) };
                let hidden = gate * p.linear(read);
                x = x + p.linear(hidden);
            }
        }
        keep(&mut capture, &x);
    }
    x = p.norm(x);
    keep(&mut capture, &x);
    x
}

/// The tanh-approximate GELU: x (1 + tanh(√(2/π) (x + .044715 x³))) / 2.
fn gelu_tanh(x: Tensor<2>) -> Tensor<2> {
    let inner = (x.clone() + x.clone().square() * x.clone() * 0.044_715) * (2.0 / std::f64::consts::PI).sqrt();
    x * (inner.tanh() + 1.0) * 0.5
}

fn keep(capture: &mut Option<&mut TensorCapture>, x: &Tensor<2>) {
    if let Some(capture) = capture {
        capture.residual.push(x.clone());
    }
}

/// Causal attention over [rows · T, width], key/value heads shared among query heads.
fn attention(
    net: &Net,
    p: &mut Parameters,
    x: Tensor<2>,
    constants: &Constants,
    block: usize,
    capture: Option<&mut TensorCapture>,
) -> Tensor<2> {
    let (length, head) = (constants.length, net.head_width());
    let rows = x.dims()[0] / length;
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
    let weights = activation::softmax(scores, 3);
    let mixed = match capture {
        None => weights.matmul(value),
        Some(capture) => {
            capture.attention.push(weights.clone());
            capture.ablate(block, weights.matmul(value))
        }
    };
    p.linear(mixed.swap_dims(1, 2).reshape([rows * length, net.heads * head]))
}

/// Rotates each pair (first half, second half) of a head by its position's angle.
fn rotate(x: Tensor<4>, (cos, sin): &(Tensor<4>, Tensor<4>)) -> Tensor<4> {
    let [rows, heads, length, width] = x.dims();
    let half = width / 2;
    let first = x.clone().slice([0..rows, 0..heads, 0..length, 0..half]);
    let second = x.clone().slice([0..rows, 0..heads, 0..length, half..width]);
    let rotated = Tensor::cat(vec![-second, first], 3);
    x * cos.clone() + rotated * sin.clone()
}
