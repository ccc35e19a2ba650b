//! The model's choices as data. The module `net` builds what this describes.

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
    /// GEGLU (Shazeer 2020): as SwiGLU with the tanh-approximate GELU in place of silu.
    Geglu,
}

/// How the parameters start. Norms start with gains 1 and shifts 0 in every scheme. A standard deviation is that of a Gaussian of mean 0,
/// and U(±a) is uniform between -a and a. fan_in and fan_out of a matrix are its two sides, over all heads together: a query matrix of
/// 4 heads of 16 that reads a stream of width 16 has fan_in 16 and fan_out 64, the output matrix behind it the other way round.
/// The map that reads vectors counts as an embedding; [`Net::embedding_scale`] replaces the standard deviation of either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Init {
    /// This playground's own, chosen because small nets learn fast from it; nothing published. Embeddings N(0, .3²), in recurrent nets
    /// N(0, .1²), of vectors N(0, 1); learned positions N(0, .1²). Linear maps N(0, 1/fan_in), what is added to the residual stream
    /// divided by √(2·blocks), the head by 5; biases 0. Matrices and biases of recurrent layers U(±1/√width).
    ///
    /// The .1 of recurrent nets was chosen after it was seen that a GRU then rests at the unigram level, and that with PyTorch's 1
    /// it does not.
    Scaled,
    /// What P1's authors start their transformer with (simplexity on penzai): embeddings N(0, 1/width), every linear map, the head
    /// among them, U(±√(6/(fan_in + fan_out))) (Glorot and Bengio 2010), biases 0, no residual scaling. They have neither learned
    /// positions nor recurrent nets in this scheme: positions are taken as embeddings here, the matrices of recurrent layers as linear
    /// maps to all gates, their biases 0.
    XavierUniform,
    /// The defaults of `torch.nn`: embeddings and learned positions N(0, 1); linear maps and their biases U(±1/√fan_in)
    /// (`kaiming_uniform_` with a = √5); matrices and biases of GRUs and LSTMs U(±1/√width). The map that reads vectors is U(±1/√fan_in)
    /// too. equinox starts its recurrent cells and linear maps in the same way.
    Pytorch,
    /// GPT-2 (Radford et al. 2019, as Hugging Face and nanoGPT have it): embeddings, positions and every matrix N(0, .02²), what is
    /// added to the residual stream divided by √(2·blocks); biases 0. The matrices of recurrent layers are taken as others.
    Gpt2,
}

/// How tokens enter the net.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Embedding {
    /// A vector for each token, learned.
    Learned,
    /// The first layer of a recurrent net reads one-hot tokens: its input matrix, [V + 1, gates · width], has a row for each token and
    /// one for the start. In a transformer that would be a learned embedding again, so it is refused there; vectors are read as they
    /// are, and it has no say.
    OneHot,
}

/// How the model knows where a token stands.
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

/// How activations are normalised. In front of attention, MLP and head of a transformer; recurrent
/// nets have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Norm {
    /// LayerNorm (Ba et al. 2016) with gains and shifts; linear maps then have biases
    /// ([`Net::biased`]).
    LayerNorm,
    /// RMSNorm (Zhang and Sennrich 2019) with gains; linear maps then have no biases.
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
    /// What lies between the embedding and the head.
    pub architecture: Architecture,
    /// Blocks of a transformer, or recurrent layers.
    pub blocks: usize,
    /// Width of the residual stream, or of a recurrent layer's state.
    pub width: usize,
    /// Query heads of each block.
    pub heads: usize,
    /// Key/value heads; each serves heads / kv_heads query heads.
    pub kv_heads: usize,
    /// Width of one head; 0 means width / heads.
    pub head_width: usize,
    /// The feed-forward part of each block.
    pub mlp: Mlp,
    /// Hidden width of the MLP; 0 means 4 x width.
    pub mlp_width: usize,
    /// How the model knows where a token stands.
    pub positions: Positions,
    /// How activations are normalised.
    pub norm: Norm,
    /// Added to the variance (LayerNorm) or mean square (RMSNorm) before the root.
    pub norm_epsilon: f64,
    /// How the parameters start.
    pub init: Init,
    /// How tokens enter the net.
    pub embedding: Embedding,
    /// Standard deviation that the embedding starts with; 0 means the scheme's own.
    pub embedding_scale: f64,
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
            norm_epsilon: 1e-5,
            init: Init::Scaled,
            embedding: Embedding::Learned,
            embedding_scale: 0.0,
            context: 128,
        }
    }
}

impl Net {
    /// The small transformer of a public run by the authors of P1 (about 8k parameters at 5 tokens), started as they start it.
    pub fn small() -> Self {
        Self {
            architecture: Architecture::Transformer,
            blocks: 2,
            width: 16,
            heads: 4,
            kv_heads: 2,
            head_width: 16,
            mlp: Mlp::Geglu,
            mlp_width: 16,
            positions: Positions::Rotary,
            norm: Norm::RmsNorm,
            norm_epsilon: 1e-6,
            init: Init::XavierUniform,
            ..Self::default()
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

    /// Rows of the first matrix. They are an embedding for each token, or a linear map from a
    /// vector's entries with its bias; the last row is the start token.
    pub fn inputs(observation: Observation) -> usize {
        observation.size() + 1 + usize::from(observation.is_vectors())
    }

    /// Columns of the head: a logit for each token, or a Gaussian's mean and the logarithm of its
    /// variance.
    pub fn outputs(observation: Observation) -> usize {
        observation.size() + usize::from(observation.is_vectors())
    }

    /// Whether linear layers carry biases: with LayerNorm (the classic GPT-2 recipe) and in recurrent nets (as in PyTorch); with
    /// RMSNorm there are none.
    pub fn biased(&self) -> bool {
        self.architecture != Architecture::Transformer || self.norm == Norm::LayerNorm
    }

    /// Whether the first layer reads one-hot tokens, and there is no embedding.
    pub fn reads_one_hot(&self, observation: Observation) -> bool {
        self.embedding == Embedding::OneHot
            && self.architecture != Architecture::Transformer
            && !observation.is_vectors()
    }

    /// Whether a field (dotted, such as `net.heads`) has an effect on this net over such
    /// observations.
    pub fn heeds(&self, field: &str, observation: Observation) -> bool {
        const OF_TRANSFORMERS: [&str; 8] = [
            "net.heads",
            "net.kv_heads",
            "net.head_width",
            "net.mlp",
            "net.mlp_width",
            "net.positions",
            "net.norm",
            "net.norm_epsilon",
        ];
        match field {
            "net.embedding" => !observation.is_vectors(),
            "net.embedding_scale" => !self.reads_one_hot(observation),
            _ => self.architecture == Architecture::Transformer || !OF_TRANSFORMERS.contains(&field),
        }
    }

    /// How many numbers the optimizer moves.
    pub fn parameters(&self, observation: Observation) -> usize {
        let bias = usize::from(self.biased());
        let linear = |from: usize, to: usize| from * to + bias * to;
        let (d, h, hidden) = (self.width, self.head_width(), self.mlp_width());
        let head = linear(d, Self::outputs(observation));
        let ends = Self::inputs(observation) * d + head;
        if self.architecture != Architecture::Transformer {
            let gates = self.architecture.gates() * d;
            if self.reads_one_hot(observation) {
                // The first layer reads tokens; all others the layer below, and each its state before.
                return head + linear(Self::inputs(observation), gates) + (2 * self.blocks - 1) * linear(d, gates);
            }
            // From the layer below and from the state before.
            return ends + self.blocks * 2 * linear(d, gates);
        }
        let norm = d * (1 + bias);
        let attention = linear(d, self.heads * h) + 2 * linear(d, self.kv_heads * h) + linear(self.heads * h, d);
        let mlp = match self.mlp {
            Mlp::None => 0,
            Mlp::Gelu => norm + linear(d, hidden) + linear(hidden, d),
            Mlp::Gated | Mlp::Geglu => norm + 2 * linear(d, hidden) + linear(hidden, d),
        };
        let positions = if self.positions == Positions::Learned { self.context * d } else { 0 };
        ends + positions + self.blocks * (norm + attention + mlp) + norm
    }

    /// Multiply-adds of the forward pass over one sequence of `length` tokens.
    ///
    /// Only products of matrices count, and in attention only what a position may look at.
    /// Look-ups, biases, norms and activations are left out. The backward pass takes twice as many.
    pub fn multiply_adds(&self, observation: Observation, length: usize) -> f64 {
        let (d, h) = (self.width, self.head_width());
        let projection = if observation.is_vectors() { Self::inputs(observation) * d } else { 0 };
        let ends = projection + d * Self::outputs(observation);
        if self.architecture != Architecture::Transformer {
            let map = d * self.architecture.gates() * d;
            // The rows of one-hot tokens are looked up.
            let maps = 2 * self.blocks - usize::from(self.reads_one_hot(observation));
            return length as f64 * (ends + maps * map) as f64;
        }
        let projections = 2 * d * (self.heads + self.kv_heads) * h;
        let mlp = match self.mlp {
            Mlp::None => 0,
            Mlp::Gelu => 2 * d * self.mlp_width(),
            Mlp::Gated | Mlp::Geglu => 3 * d * self.mlp_width(),
        };
        // Scores, and the mixing of values: each position with itself and those before.
        let pairs = length as f64 * (length as f64 + 1.0) / 2.0;
        let attention = 2.0 * pairs * (self.heads * h) as f64;
        length as f64 * (ends + self.blocks * (projections + mlp)) as f64 + self.blocks as f64 * attention
    }

    /// Names of the layers whose activations can be captured, in order. The last one is what the
    /// head reads. There is no `embedding` where the first layer reads one-hot tokens.
    pub fn residual_layers(&self, observation: Observation) -> Vec<String> {
        let mut names = Vec::new();
        if !self.reads_one_hot(observation) {
            names.push("embedding".to_string());
        }
        if self.architecture == Architecture::Transformer {
            names.extend((1..=self.blocks).map(|block| format!("block {block}")));
            names.push("output".into());
        } else {
            names.extend((1..=self.blocks).map(|layer| format!("layer {layer}")));
        }
        names
    }

    pub(super) fn check(&self, observation: Observation, check: &mut Checker) {
        check.count("net.blocks", self.blocks, 1, 4);
        check.count("net.width", self.width, 4, 512);
        check.count("net.context", self.context, 2, super::data::MAX_LENGTH);
        check.range("net.embedding_scale", self.embedding_scale, 0.0, 10.0);
        check.range("net.norm_epsilon", self.norm_epsilon, 1e-12, 1.0);
        if self.architecture != Architecture::Transformer {
            return;
        }
        if self.embedding == Embedding::OneHot && !observation.is_vectors() {
            check.add(Problem::new(
                "net.embedding",
                "one-hot",
                "learned with a transformer",
                "Only recurrent nets read one-hot tokens: in a transformer the map from one-hot tokens to its stream is the learned embedding.",
            ));
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
                "Rotary positions rotate pairs of numbers.",
            ));
        }
    }
}
