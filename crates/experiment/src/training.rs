//! How the model is trained.

use serde::{Deserialize, Serialize};

use super::problem::Checker;

/// What the learning rate does after the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// Stays at the peak.
    Constant,
    /// Falls to 1% of the peak along half a cosine.
    Cosine,
}

/// What turns a gradient into a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Optimizer {
    /// AdamW (Loshchilov and Hutter 2019).
    Adamw,
    /// Stochastic gradient Langevin dynamics: θ - η g + sqrt(2η/β) ξ, ξ standard normal; weight decay is part
    /// of the drift. Its noise makes the KL between two
    /// training paths finite and known.
    Langevin,
}

/// How the model is trained: the optimizer, its learning rate, and for how long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Training {
    /// Optimizer steps of the training proper; prior stages come before and count apart.
    pub steps: usize,
    /// Sequences per step.
    pub batch: usize,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Decoupled weight decay, of both optimizers: each step also shrinks the matrices of linear
    /// layers by the factor 1 - learning rate · this. Embeddings, learned positions, gains and
    /// biases are left out.
    pub weight_decay: f64,
    /// Steps over which the learning rate rises linearly from 0.
    pub warmup: usize,
    /// What the learning rate does after the warm-up.
    pub schedule: Schedule,
    /// Largest norm of the gradient over all parameters: a longer one is scaled down to it. 0
    /// leaves the gradient alone.
    pub clip: f64,
    /// What turns a gradient into a step.
    pub optimizer: Optimizer,
    /// AdamW's decay of the mean gradient, from step to step.
    pub beta1: f64,
    /// AdamW's decay of the mean squared gradient. The usual .999 remembers a thousand steps; the default is lower, as runs here often
    /// last hundreds.
    pub beta2: f64,
    /// Added by AdamW to the root of the mean squared gradient.
    pub epsilon: f64,
    /// β of Langevin dynamics: the larger, the less noise. Unused by AdamW.
    pub inverse_temperature: f64,
}

impl Default for Training {
    fn default() -> Self {
        Self {
            steps: 500,
            batch: 32,
            learning_rate: 5e-3,
            weight_decay: 0.01,
            warmup: 20,
            schedule: Schedule::Cosine,
            clip: 1.0,
            optimizer: Optimizer::Adamw,
            beta1: 0.9,
            beta2: 0.99,
            epsilon: 1e-8,
            inverse_temperature: 1e6,
        }
    }
}

impl Training {
    /// The learning rate of step `step`, counted from 0.
    pub fn learning_rate_at(&self, step: usize) -> f64 {
        let warm = if step < self.warmup { (step + 1) as f64 / self.warmup as f64 } else { 1.0 };
        let decay = match self.schedule {
            Schedule::Constant => 1.0,
            Schedule::Cosine => {
                let span = self.steps.saturating_sub(self.warmup).max(1) as f64;
                let done = (step.saturating_sub(self.warmup) as f64 / span).min(1.0);
                // libm: the same bits on every platform.
                0.01 + 0.99 * 0.5 * (1.0 + libm::cos(std::f64::consts::PI * done))
            }
        };
        self.learning_rate * warm * decay
    }

    pub(super) fn check(&self, check: &mut Checker) {
        check.count("training.steps", self.steps, 1, 1_000_000);
        check.count("training.batch", self.batch, 1, 4096);
        check.range("training.learning_rate", self.learning_rate, 1e-7, 1.0);
        check.range("training.weight_decay", self.weight_decay, 0.0, 10.0);
        check.count("training.warmup", self.warmup, 0, 100_000);
        check.range("training.clip", self.clip, 0.0, 1e6);
        check.range("training.beta1", self.beta1, 0.0, 0.9999);
        check.range("training.beta2", self.beta2, 0.0, 0.999_999);
        check.range("training.epsilon", self.epsilon, 1e-15, 1.0);
        check.range("training.inverse_temperature", self.inverse_temperature, 1.0, 1e12);
    }
}
