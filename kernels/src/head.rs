//! What a prediction costs: cross-entropy from logits, or a Gaussian's negative log-density; and its gradient.

use std::f32::consts::TAU;

use crate::{
    net::Cells,
    rows::{cross_entropy_backward, log_softmax},
};

/// Sum over `cells` of the negative log-likelihoods under `outputs` (logits, or means and the logarithm of a variance). In the
/// outputs' place: `scale` times its gradient.
pub(crate) fn loss_and_gradient(cells: Cells, outputs: &mut [f32], scale: f32) -> f64 {
    let mut loss = 0.0;
    match cells {
        Cells::Tokens(tokens) => {
            let vocab = outputs.len() / tokens.len().max(1);
            log_softmax(outputs, vocab);
            for (row, &token) in outputs.chunks_exact(vocab).zip(tokens) {
                loss -= f64::from(row[usize::from(token)]);
            }
            cross_entropy_backward(outputs, vocab, tokens, scale);
        }
        Cells::Vectors { dimension, values } => {
            for (row, x) in outputs.chunks_exact_mut(dimension + 1).zip(values.chunks_exact(dimension)) {
                loss -= f64::from(log_density(row, x));
                let (mean, log_variance) = row.split_at_mut(dimension);
                let precision = (-log_variance[0]).exp();
                let mut square = 0.0;
                for (m, x) in mean.iter_mut().zip(x) {
                    let d = *m - x;
                    square += d * d;
                    *m = d * precision * scale;
                }
                log_variance[0] = 0.5 * (dimension as f32 - square * precision) * scale;
            }
        }
    }
    loss
}

/// ln p of each cell, appended to `out`. Logits become log-probabilities.
pub(crate) fn log_likelihoods(cells: Cells, outputs: &mut [f32], out: &mut Vec<f32>) {
    match cells {
        Cells::Tokens(tokens) => {
            let vocab = outputs.len() / tokens.len().max(1);
            log_softmax(outputs, vocab);
            out.extend(outputs.chunks_exact(vocab).zip(tokens).map(|(row, &token)| row[usize::from(token)]));
        }
        Cells::Vectors { dimension, values } => {
            let distributions = outputs.chunks_exact(dimension + 1).zip(values.chunks_exact(dimension));
            out.extend(distributions.map(|(distribution, x)| log_density(distribution, x)));
        }
    }
}

/// ln of an isotropic Gaussian's density at `x`; `distribution` is its mean and the logarithm of its variance.
fn log_density(distribution: &[f32], x: &[f32]) -> f32 {
    let (mean, log_variance) = (&distribution[..x.len()], distribution[x.len()]);
    let square: f32 = mean.iter().zip(x).map(|(m, x)| (m - x) * (m - x)).sum();
    -0.5 * ((log_variance + TAU.ln()) * x.len() as f32 + square * (-log_variance).exp())
}
