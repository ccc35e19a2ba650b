//! Parameters on their way through the forward pass.

use burn::tensor::{Tensor, module};

use crate::experiment::Net;

/// Hands out the parameters in the layout's order.
pub struct Parameters<'a> {
    rest: std::slice::Iter<'a, Tensor<2>>,
    biased: bool,
    norm_epsilon: f64,
}

impl<'a> Parameters<'a> {
    pub fn new(entries: &'a [Tensor<2>], net: &Net) -> Self {
        Self { rest: entries.iter(), biased: net.biased(), norm_epsilon: net.norm_epsilon }
    }

    /// The layout made as many as the forward pass takes: both walk the same configuration (held together by a test).
    #[expect(clippy::expect_used, reason = "a mismatch is a bug in this module, not something that a user can reach")]
    pub fn next(&mut self) -> Tensor<2> {
        self.rest.next().cloned().expect("the layout holds what the forward pass takes")
    }

    /// [rows, from] to [rows, to].
    pub fn linear(&mut self, x: Tensor<2>) -> Tensor<2> {
        let y = x.matmul(self.next());
        if self.biased { y + self.next() } else { y }
    }

    /// Over the last dimension of [rows, width].
    pub fn norm(&mut self, x: Tensor<2>) -> Tensor<2> {
        if self.biased {
            let width = x.dims()[1];
            let (gain, shift) = (self.next(), self.next());
            module::layer_norm(x, gain.reshape([width]), Some(shift.reshape([width])), self.norm_epsilon)
        } else {
            let scale = (x.clone().square().mean_dim(1) + self.norm_epsilon).sqrt();
            x / scale * self.next()
        }
    }
}
