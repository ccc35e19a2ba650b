//! What a run will take, before it runs.

use super::{
    Architecture, Experiment, Net, Positions,
    problem::{Checker, Problem},
};

/// Most numbers a training set may have (a vector has several): it must fit a browser tab beside everything else.
pub const MAX_TOKENS: f64 = 40e6;
/// Most bytes of exact predictives that the evaluation sets may need, from [`Estimate::evaluation_bytes`].
pub const MAX_EVALUATION_BYTES: f64 = 4e8;
/// Most bytes that one training step may need, from [`Estimate::step_bytes`].
pub const MAX_STEP_BYTES: f64 = 1.5e9;

/// What a run will take, counted from its experiment alone: tokens, arithmetic and memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// K·N·T; `None` with fresh draws.
    pub data_tokens: Option<f64>,
    /// Tokens the model reads over the whole run, prior stages included: steps x batch x T.
    pub read_tokens: f64,
    /// How many numbers the optimizer moves, as [`Net::parameters`] counts them.
    pub parameters: usize,
    /// Floating-point operations of one training step: a multiply-add counts as two, and the
    /// backward pass as twice the forward one. Attention is included; look-ups of embeddings are
    /// not.
    pub step_flops: f64,
    /// Bytes that one training step needs, a rough upper figure: activations kept for the backward
    /// pass, parameters and optimizer state.
    pub step_bytes: f64,
    /// Bytes of the training set in memory; 0 with fresh draws.
    pub data_bytes: f64,
    /// Bytes of exact predictions for the evaluation: three sets of sequences, two whole predictive
    /// distributions for each position.
    pub evaluation_bytes: f64,
}

impl Estimate {
    /// Counts what `experiment` will take. Its fields must be within their ranges: others may
    /// overflow.
    pub fn of(experiment: &Experiment) -> Self {
        let (net, data, training) = (&experiment.net, &experiment.data, &experiment.training);
        let observation = experiment.world.observation();
        let (parameters, size) = (net.parameters(observation), Net::outputs(observation));
        let (batch, length) = (training.batch as f64, data.length as f64);
        let rows = batch * length;
        let transformer = net.architecture == Architecture::Transformer;
        let inner = if transformer { (net.heads * net.head_width()) as f64 } else { 0.0 };
        // Embeddings are looked up, not multiplied: leave them out.
        let positions = if transformer && net.positions == Positions::Learned { net.context } else { 0 };
        let row = if net.reads_one_hot(observation) { net.architecture.gates() * net.width } else { net.width };
        let dense = parameters.saturating_sub(Net::inputs(observation) * row + positions * net.width) as f64;
        let attention = 2.0 * length * inner * net.blocks as f64;
        // Backward costs twice the forward pass.
        let step_flops = 3.0 * 2.0 * rows * (dense + attention);
        // Probabilities in f32, or a Gaussian in f64.
        let distribution = if observation.is_vectors() { 64.0 } else { 4.0 * size as f64 };
        let width = net.width as f64;
        let per_block = if transformer {
            12.0 * width + 6.0 * inner + 3.0 * net.mlp_width() as f64 + 4.0 * net.heads as f64 * length
        } else {
            // Each gate's share of the input (as a whole, cut by gates and cut by times), its sum, and what it gates.
            8.0 * net.architecture.gates() as f64 * width
        };
        let per_row = net.blocks as f64 * per_block + 4.0 * size as f64;
        Self {
            data_tokens: data.tokens(),
            read_tokens: experiment.steps() as f64 * rows,
            parameters,
            step_flops,
            step_bytes: 4.0 * (rows * per_row + 6.0 * parameters as f64),
            data_bytes: data.tokens().unwrap_or(0.0)
                * if observation.is_vectors() { 4.0 * observation.size() as f64 } else { 2.0 },
            evaluation_bytes: 3.0 * 2.0 * experiment.evaluation.sequences as f64 * length * distribution,
        }
    }

    pub(super) fn check(&self, check: &mut Checker) {
        if let Some(tokens) = self.data_tokens
            && let most = (4.0 * tokens / self.data_bytes).min(1.0) * MAX_TOKENS
            && tokens > most
        {
            check.add(Problem::new(
                "data.topics x data.sequences x data.length",
                format!("{} tokens", large(tokens)),
                &format!("at most {} tokens", large(most)),
                "Lower K, N or T, or draw fresh data at every step.",
            ));
        }
        if self.evaluation_bytes > MAX_EVALUATION_BYTES {
            check.add(Problem::new(
                "evaluation.sequences x data.length, with this many tokens",
                format!("{} bytes", large(self.evaluation_bytes)),
                &format!("at most {} bytes", large(MAX_EVALUATION_BYTES)),
                "Lower the evaluation sequences or T.",
            ));
        }
        if self.step_bytes > MAX_STEP_BYTES {
            check.add(Problem::new(
                "training.batch x data.length, with this model",
                format!("{} bytes a step", large(self.step_bytes)),
                &format!("at most {} bytes", large(MAX_STEP_BYTES)),
                "Lower the batch, T or the model's width.",
            ));
        }
    }
}

/// `12 billion`, `40 million`, `98,304`: as many digits as a person reads.
pub fn large(value: f64) -> String {
    let scaled = |by: f64| {
        let v = value / by;
        if v < 10.0 && v.fract() != 0.0 { format!("{v:.1}") } else { format!("{v:.0}") }
    };
    match value {
        v if v >= 1e12 => format!("{} trillion", scaled(1e12)),
        v if v >= 1e9 => format!("{} billion", scaled(1e9)),
        v if v >= 1e6 => format!("{} million", scaled(1e6)),
        v => {
            let digits = format!("{v:.0}");
            let mut text = String::new();
            for (i, c) in digits.chars().enumerate() {
                if i > 0 && (digits.len() - i).is_multiple_of(3) {
                    text.push(',');
                }
                text.push(c);
            }
            text
        }
    }
}
