//! The trunk of a recurrent net: layers of gated units, each reading the states of the one below.

use burn::tensor::{Tensor, activation};

use super::{capture::TensorCapture, parameters::Parameters};
use crate::experiment::{Architecture, Net};

/// Everything between the embedding (or input projection) and the head: [rows · T, width] to the same, through time. `one_hot`: `x` holds
/// the rows of the first layer's input matrix, [rows · T, gates · width], and is no layer of the residual stream.
pub fn trunk(
    net: &Net,
    p: &mut Parameters,
    x: Tensor<2>,
    length: usize,
    one_hot: bool,
    mut capture: Option<&mut TensorCapture>,
) -> Tensor<2> {
    let rows = x.dims()[0] / length;
    if let Some(capture) = capture.as_mut().filter(|_| !one_hot) {
        capture.residual.push(x.clone());
    }
    // Time first, so that the rows of one time lie together.
    let mut x = transposed(x, rows, length);
    for layer in 0..net.blocks {
        // What comes from below, for all times at once: [T · rows, gates · width].
        let product = if one_hot && layer == 0 { x } else { x.matmul(p.next()) };
        let input = product + p.next();
        let (weight, bias) = (p.next(), p.next());
        x = match net.architecture {
            Architecture::Lstm => lstm(input + bias, weight, length),
            Architecture::Transformer | Architecture::Gru => gru(input, weight, bias, length),
        };
        if let Some(capture) = &mut capture {
            capture.residual.push(transposed(x.clone(), length, rows));
        }
    }
    transposed(x, length, rows)
}

/// [a · b, width] to [b · a, width].
fn transposed(x: Tensor<2>, a: usize, b: usize) -> Tensor<2> {
    let width = x.dims()[1];
    x.reshape([a, b, width]).swap_dims(0, 1).reshape([b * a, width])
}

/// h' = (1 - z) n + z h with r = σ(x_r + W_r h + b_r), z = σ(x_z + W_z h + b_z), n = tanh(x_n + r (W_n h + b_n)).
/// `input`: [T · rows, 3 · width]; gives [T · rows, width].
fn gru(input: Tensor<2>, weight: Tensor<2>, bias: Tensor<2>, length: usize) -> Tensor<2> {
    let [cells, width] = [input.dims()[0], weight.dims()[0]];
    let gate = |x: &Tensor<2>, g: usize| x.clone().slice_dim(1, g * width..(g + 1) * width);
    let inputs = |g: usize, b: Option<Tensor<2>>| {
        let x = gate(&input, g);
        times(
            match b {
                Some(b) => x + b,
                None => x,
            },
            length,
        )
    };
    let (reset, update, new) = (inputs(0, Some(gate(&bias, 0))), inputs(1, Some(gate(&bias, 1))), inputs(2, None));
    let [w_reset, w_update, w_new] = [0, 1, 2].map(|g| gate(&weight, g));
    let b_new = gate(&bias, 2);
    let mut h = Tensor::zeros([cells / length, width], &input.device());
    let mut out = Vec::with_capacity(length);
    for ((x_r, x_z), x_n) in reset.into_iter().zip(update).zip(new) {
        let r = activation::sigmoid(x_r + h.clone().matmul(w_reset.clone()));
        let z = activation::sigmoid(x_z + h.clone().matmul(w_update.clone()));
        let n = activation::tanh(x_n + r * (h.clone().matmul(w_new.clone()) + b_new.clone()));
        h = n.clone() + z * (h - n);
        out.push(h.clone());
    }
    Tensor::cat(out, 0)
}

/// c' = f c + i g and h' = o tanh(c') with i, f, o = σ(x + W h) and g = tanh(x_g + W_g h).
/// `input`: [T · rows, 4 · width], biases added; gives [T · rows, width].
fn lstm(input: Tensor<2>, weight: Tensor<2>, length: usize) -> Tensor<2> {
    let [cells, width] = [input.dims()[0], weight.dims()[0]];
    let gate = |x: &Tensor<2>, g: usize| x.clone().slice_dim(1, g * width..(g + 1) * width);
    let [x_i, x_f, x_g, x_o] = [0, 1, 2, 3].map(|g| times(gate(&input, g), length));
    let [w_i, w_f, w_g, w_o] = [0, 1, 2, 3].map(|g| gate(&weight, g));
    let mut h = Tensor::zeros([cells / length, width], &input.device());
    let mut c = h.clone();
    let mut out = Vec::with_capacity(length);
    for (((x_i, x_f), x_g), x_o) in x_i.into_iter().zip(x_f).zip(x_g).zip(x_o) {
        let i = activation::sigmoid(x_i + h.clone().matmul(w_i.clone()));
        let f = activation::sigmoid(x_f + h.clone().matmul(w_f.clone()));
        let g = activation::tanh(x_g + h.clone().matmul(w_g.clone()));
        let o = activation::sigmoid(x_o + h.matmul(w_o.clone()));
        c = f * c + i * g;
        h = o * activation::tanh(c.clone());
        out.push(h.clone());
    }
    Tensor::cat(out, 0)
}

/// [T · rows, width], time first, as T tensors [rows, width]. By halves: the gradient of each cut is as large as what is cut, so
/// cutting one time after the other would cost T² instead of T log T.
fn times(x: Tensor<2>, length: usize) -> Vec<Tensor<2>> {
    if length == 1 {
        return vec![x];
    }
    let cells = x.dims()[0];
    let (half, at) = (length / 2, cells / length * (length / 2));
    let mut out = times(x.clone().slice_dim(0, 0..at), half);
    out.extend(times(x.slice_dim(0, at..cells), length - half));
    out
}
