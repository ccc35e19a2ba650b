//! The learner's choices as data. `net` (the room) builds what this describes.

use serde::{Deserialize, Serialize};

use super::{
    Observation,
    problem::{Checker, Problem},
};

/// What lies between the embedding and the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Architecture {
    /// Decoder-only, normalisation before each part (pre-norm).
    Transformer,
    /// Gated recurrent units (Cho et al. 2014), the reset gate after the matrix product, as in PyTorch.
    Gru,
    /// Long short-term memory (Hochreiter and Schmidhuber 1997, with forget gates).
    Lstm,
}

impl Architecture {
    /// Gates of a recurrent layer, each with its own rows of every matrix; 0 for a transformer.
    pub fn gates(self) -> usize {
        match self {
            Self::Transformer => 0,
            Self::Gru => 3,
            Self::Lstm => 4,
        }
    }
}

/// The feed-forward part of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mlp {
    /// Attention only.
    None,
    /// Two linear layers with a GELU between.
    Gelu,
    /// SwiGLU: silu(x W_g) ⊙ (x W_u), then W_d.
    Gated,
}

/// How the learner knows where a token stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Positions {
    /// A learned vector per position, added to the embedding.
    Learned,
    /// Rotary (RoPE, base 10000) on queries and keys.
    Rotary,
    /// Head h of H lowers its scores by 2^(-8h/H) for each token of distance (Press et al. 2022, ALiBi; they interleave slopes
    /// where H is no power of two, here the formula holds for every H).
    Alibi,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Norm {
    LayerNorm,
    RmsNorm,
}

/// A sequence model: a transformer's blocks, or a plain stack of recurrent layers without residual connections or norms, in which
/// heads, MLP, positions and norm have no say.
///
/// The model reads a start-of-sequence token of its own followed by x_1..x_{T-1}, and predicts x_1..x_T, so that it
/// has a prediction at every position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Net {
    pub architecture: Architecture,
    /// Blocks of a transformer, or recurrent layers.
    pub blocks: usize,
    /// Width of the residual stream, or of a recurrent layer's state.
    pub width: usize,
    pub heads: usize,
    /// Key/value heads; each serves heads / kv_heads query heads.
    pub kv_heads: usize,
    /// Width of one head; 0 means width / heads.
    pub head_width: usize,
    pub mlp: Mlp,
    /// Hidden width of the MLP; 0 means 4 x width.
    pub mlp_width: usize,
    pub positions: Positions,
    pub norm: Norm,
    /// Longest sequence the model can read, in tokens.
    pub context: usize,
}

impl Default for Net {
    fn default() -> Self {
        Self {
            architecture: Architecture::Transformer,
            blocks: 2,
            width: 32,
            heads: 4,
            kv_heads: 4,
            head_width: 0,
            mlp: Mlp::Gelu,
            mlp_width: 0,
            positions: Positions::Learned,
            norm: Norm::LayerNorm,
            context: 128,
        }
    }
}

impl Net {
    /// The small transformer of a public run by the authors of P1 (about 8k parameters at 5 tokens).
    pub fn small() -> Self {
        Self {
            architecture: Architecture::Transformer,
            blocks: 2,
            width: 16,
            heads: 4,
            kv_heads: 2,
            head_width: 16,
            mlp: Mlp::Gated,
            mlp_width: 16,
            positions: Positions::Rotary,
            norm: Norm::RmsNorm,
            context: 128,
        }
    }

    /// Width of one head, the default filled in.
    pub fn head_width(&self) -> usize {
        match self.head_width {
            0 => self.width / self.heads.max(1),
            n => n,
        }
    }

    /// Hidden width of the MLP, the default filled in.
    pub fn mlp_width(&self) -> usize {
        match self.mlp_width {
            0 => 4 * self.width,
            n => n,
        }
    }

    /// Rows of the first matrix: an embedding for each token, or a linear map from a vector's entries and its bias; the
    /// last row is the learner's own start.
    pub fn inputs(observation: Observation) -> usize {
        observation.size() + 1 + usize::from(observation.is_vectors())
    }

    /// What the head gives: a logit for each token, or a Gaussian's mean and the logarithm of its variance.
    pub fn outputs(observation: Observation) -> usize {
        observation.size() + usize::from(observation.is_vectors())
    }

    /// Whether linear layers carry biases: with LayerNorm (the classic GPT-2 recipe) and in recurrent nets (as in PyTorch); with
    /// RMSNorm there are none.
    pub fn biased(&self) -> bool {
        self.architecture != Architecture::Transformer || self.norm == Norm::LayerNorm
    }

    /// Whether a field (dotted, such as `net.heads`) has a say in this net.
    pub fn heeds(&self, field: &str) -> bool {
        const OF_TRANSFORMERS: [&str; 7] =
            ["net.heads", "net.kv_heads", "net.head_width", "net.mlp", "net.mlp_width", "net.positions", "net.norm"];
        self.architecture == Architecture::Transformer || !OF_TRANSFORMERS.contains(&field)
    }

    /// How many numbers the optimiser moves.
    pub fn parameters(&self, observation: Observation) -> usize {
        let bias = usize::from(self.biased());
        let linear = |from: usize, to: usize| from * to + bias * to;
        let (d, h, hidden) = (self.width, self.head_width(), self.mlp_width());
        let ends = Self::inputs(observation) * d + linear(d, Self::outputs(observation));
        if self.architecture != Architecture::Transformer {
            // From the layer below and from the state before.
            return ends + self.blocks * 2 * linear(d, self.architecture.gates() * d);
        }
        let norm = d * (1 + bias);
        let attention = linear(d, self.heads * h) + 2 * linear(d, self.kv_heads * h) + linear(self.heads * h, d);
        let mlp = match self.mlp {
            Mlp::None => 0,
            Mlp::Gelu => norm + linear(d, hidden) + linear(hidden, d),
            Mlp::Gated => norm + 2 * linear(d, hidden) + linear(hidden, d),
        };
        let positions = if self.positions == Positions::Learned { self.context * d } else { 0 };
        ends + positions + self.blocks * (norm + attention + mlp) + norm
    }

    /// Multiply-adds of the forward pass over one sequence of `length`: products of matrices alone, and in attention only what a
    /// position may look at. Look-ups, biases, norms and activations are left out. The backward pass takes twice as many.
    pub fn multiply_adds(&self, observation: Observation, length: usize) -> f64 {
        let (d, h) = (self.width, self.head_width());
        let read_in = if observation.is_vectors() { Self::inputs(observation) * d } else { 0 };
        let ends = read_in + d * Self::outputs(observation);
        if self.architecture != Architecture::Transformer {
            let layer = 2 * d * self.architecture.gates() * d;
            return length as f64 * (ends + self.blocks * layer) as f64;
        }
        let projections = 2 * d * (self.heads + self.kv_heads) * h;
        let mlp = match self.mlp {
            Mlp::None => 0,
            Mlp::Gelu => 2 * d * self.mlp_width(),
            Mlp::Gated => 3 * d * self.mlp_width(),
        };
        // Scores, and the mixing of values: each position with itself and those before.
        let pairs = length as f64 * (length as f64 + 1.0) / 2.0;
        let attention = 2.0 * pairs * (self.heads * h) as f64;
        length as f64 * (ends + self.blocks * (projections + mlp)) as f64 + self.blocks as f64 * attention
    }

    /// What the layers are called that a look inside gives, in order; the last one is what the head reads.
    pub fn residual_layers(&self) -> Vec<String> {
        let mut names = vec!["embedding".to_string()];
        if self.architecture == Architecture::Transformer {
            names.extend((1..=self.blocks).map(|block| format!("block {block}")));
            names.push("output".into());
        } else {
            names.extend((1..=self.blocks).map(|layer| format!("layer {layer}")));
        }
        names
    }

    pub(super) fn check(&self, check: &mut Checker) {
        check.count("net.blocks", self.blocks, 1, 4);
        check.count("net.width", self.width, 4, 512);
        check.count("net.context", self.context, 2, super::data::MAX_LENGTH);
        if self.architecture != Architecture::Transformer {
            return;
        }
        check.count("net.heads", self.heads, 1, 16);
        check.count("net.kv_heads", self.kv_heads, 1, self.heads.max(1));
        check.count("net.head_width", self.head_width, 0, 128);
        check.count("net.mlp_width", self.mlp_width, 0, 2048);
        if self.heads == 0 || self.kv_heads == 0 {
            return;
        }
        if self.head_width == 0 && !self.width.is_multiple_of(self.heads) {
            check.add(Problem::new(
                "net.width",
                self.width,
                &format!("a multiple of net.heads, {}", self.heads),
                "Or give net.head_width.",
            ));
        }
        if !self.heads.is_multiple_of(self.kv_heads) {
            check.add(Problem::new(
                "net.kv_heads",
                self.kv_heads,
                &format!("a divisor of net.heads, {}", self.heads),
                "",
            ));
        }
        if self.positions == Positions::Rotary && !self.head_width().is_multiple_of(2) {
            check.add(Problem::new(
                "net.head_width",
                self.head_width(),
                "an even number with rotary positions",
                "Rotary positions turn pairs of numbers.",
            ));
        }
    }
}
