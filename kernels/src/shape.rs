//! What a net looks like, and where its parameters lie in the flat vector.

/// What lies between the embedding and the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// A decoder-only transformer with pre-norm blocks.
    Transformer,
    /// Gated recurrent units: reset, update, new.
    Gru,
    /// Long short-term memory: input, forget, cell, output.
    Lstm,
}

/// The feed-forward part of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mlp {
    /// Attention only.
    None,
    /// Two linear maps with the GELU between.
    Gelu,
    /// silu(x W_g) ⊙ (x W_u), then W_d.
    Gated,
    /// The same with the tanh-approximate GELU in place of silu.
    Geglu,
}

impl Mlp {
    /// Whether a gate is one of two maps that read the stream.
    pub(crate) fn is_gated(self) -> bool {
        matches!(self, Self::Gated | Self::Geglu)
    }
}

/// How a transformer knows where a cell stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Positions {
    /// A learned vector for each position, added to the embedding.
    Learned,
    /// Rotary embedding (RoPE) of queries and keys.
    Rotary,
    /// Scores are lowered in proportion to the distance, by a slope for each head (ALiBi).
    Alibi,
}

/// What a cell of a sequence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One of so many tokens; the net gives logits.
    Tokens(usize),
    /// So many numbers; the net gives a Gaussian's mean and the logarithm of its variance.
    Vectors(usize),
}

impl Kind {
    /// Rows of the first matrix: one for each token or entry of a vector, for vectors one for the
    /// bias, and last one for the start of a sequence.
    pub fn inputs(self) -> usize {
        match self {
            Self::Tokens(n) => n + 1,
            Self::Vectors(n) => n + 2,
        }
    }

    /// Columns of the head: a logit for each token, or a mean's entries and one log-variance.
    pub fn outputs(self) -> usize {
        match self {
            Self::Tokens(n) => n,
            Self::Vectors(n) => n + 1,
        }
    }
}

/// What a net looks like: everything that its passes must know beside the parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// What the cells of a sequence are.
    pub kind: Kind,
    /// What lies between the embedding and the head.
    pub architecture: Architecture,
    /// T: cells of every sequence.
    pub length: usize,
    /// Blocks of a transformer, layers of a recurrent net.
    pub blocks: usize,
    /// Width of the residual stream, or of a recurrent layer's state.
    pub width: usize,
    /// Whether a recurrent net's first layer reads one-hot tokens. There is then no embedding, and
    /// the input matrix has a row for each token and one for the start of a sequence. No effect for
    /// vectors and in transformers.
    pub one_hot: bool,
    // What follows is about transformers alone.
    /// Rows of the learned positions: the longest sequence that the parameters serve.
    pub context: usize,
    /// Query heads of a block.
    pub heads: usize,
    /// Key/value heads of a block, a divisor of `heads`: each serves heads / kv_heads query heads.
    pub kv_heads: usize,
    /// Width of one head.
    pub head_width: usize,
    /// The feed-forward part of a block.
    pub mlp: Mlp,
    /// Hidden width of the MLP.
    pub mlp_width: usize,
    /// How the net knows where a cell stands.
    pub positions: Positions,
    /// True: LayerNorm with shifts, and linear maps with biases. False: RMSNorm, and neither shifts
    /// nor biases.
    pub layer_norm: bool,
    /// Added to the variance (or mean square) of a row before the root.
    pub epsilon: f32,
}

impl Shape {
    /// Whether the first layer of a recurrent net reads tokens without an embedding.
    pub(crate) fn reads_one_hot(&self) -> bool {
        self.one_hot && self.architecture != Architecture::Transformer && matches!(self.kind, Kind::Tokens(_))
    }

    /// Width of the first matrix's rows, which are looked up: an embedding's, or that of all gates.
    pub(crate) fn read(&self) -> usize {
        if self.reads_one_hot() { self.gates() } else { self.width }
    }

    /// Width of all gates of a recurrent layer together.
    pub(crate) fn gates(&self) -> usize {
        match self.architecture {
            Architecture::Transformer => 0,
            Architecture::Gru => 3 * self.width,
            Architecture::Lstm => 4 * self.width,
        }
    }

    /// Width of all query heads together.
    pub(crate) fn query(&self) -> usize {
        self.heads * self.head_width
    }

    /// Width of all key heads together, or of all value heads.
    pub(crate) fn key(&self) -> usize {
        self.kv_heads * self.head_width
    }

    /// Width of queries, keys and values side by side.
    pub(crate) fn joint(&self) -> usize {
        self.query() + 2 * self.key()
    }
}

/// A linear map: offsets in the flat vector of its [depth, width] matrix and of its bias.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Linear {
    pub weight: usize,
    pub bias: Option<usize>,
    pub depth: usize,
    pub width: usize,
}

/// Offsets of a normalisation's gain and shift.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Norm {
    pub gain: usize,
    pub shift: Option<usize>,
}

#[derive(Clone, Debug)]
pub(crate) struct BlockPlaces {
    pub attention_norm: Norm,
    /// Query, key and value.
    pub read: Vec<Linear>,
    pub out: Linear,
    pub mlp: Option<MlpPlaces>,
}

#[derive(Clone, Debug)]
pub(crate) struct MlpPlaces {
    pub norm: Norm,
    /// Up; or gate and up.
    pub read: Vec<Linear>,
    pub down: Linear,
}

/// A recurrent layer's maps of what comes from below and of its state, each to all gates.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LayerPlaces {
    pub input: Input,
    pub state: Linear,
}

/// How a recurrent layer reads what comes from below.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Input {
    Map(Linear),
    /// The first layer on one-hot tokens: the rows of its matrix are looked up, so only the bias, at this offset, is added.
    Bias(usize),
}

/// Where everything of a recurrent net lies, behind the embedding (or input projection).
#[derive(Clone, Debug)]
pub(crate) struct RecurrentPlaces {
    pub layers: Vec<LayerPlaces>,
    pub head: Linear,
    /// Length of the flat vector.
    pub len: usize,
}

impl RecurrentPlaces {
    pub fn new(shape: &Shape) -> Self {
        let (d, one_hot) = (shape.width, shape.reads_one_hot());
        let mut walk = Walk { at: shape.kind.inputs() * shape.read(), width: d, biased: true };
        let layer = |layer| LayerPlaces {
            input: match layer {
                0 if one_hot => Input::Bias(walk.take(shape.gates())),
                _ => Input::Map(walk.linear(d, shape.gates())),
            },
            state: walk.linear(d, shape.gates()),
        };
        let layers = (0..shape.blocks).map(layer).collect();
        let head = walk.linear(d, shape.kind.outputs());
        Self { layers, head, len: walk.at }
    }
}

/// Where everything of a transformer lies behind the embedding (or input projection): in the order of the forward pass, each norm's gain
/// before its shift, each map's matrix before its bias.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    pub positions: Option<usize>,
    pub blocks: Vec<BlockPlaces>,
    pub norm: Norm,
    pub head: Linear,
    /// Length of the flat vector.
    pub len: usize,
}

impl Places {
    pub fn new(shape: &Shape) -> Self {
        let (d, hidden) = (shape.width, shape.mlp_width);
        let mut walk = Walk { at: shape.kind.inputs() * d, width: d, biased: shape.layer_norm };
        let positions = (shape.positions == Positions::Learned).then(|| walk.take(shape.context * d));
        let blocks = (0..shape.blocks).map(|_| BlockPlaces {
            attention_norm: walk.norm(),
            read: vec![walk.linear(d, shape.query()), walk.linear(d, shape.key()), walk.linear(d, shape.key())],
            out: walk.linear(shape.query(), d),
            mlp: match shape.mlp {
                Mlp::None => None,
                Mlp::Gelu => Some(MlpPlaces {
                    norm: walk.norm(),
                    read: vec![walk.linear(d, hidden)],
                    down: walk.linear(hidden, d),
                }),
                Mlp::Gated | Mlp::Geglu => Some(MlpPlaces {
                    norm: walk.norm(),
                    read: vec![walk.linear(d, hidden), walk.linear(d, hidden)],
                    down: walk.linear(hidden, d),
                }),
            },
        });
        let blocks = blocks.collect();
        let norm = walk.norm();
        let head = walk.linear(d, shape.kind.outputs());
        Self { positions, blocks, norm, head, len: walk.at }
    }
}

struct Walk {
    at: usize,
    width: usize,
    biased: bool,
}

impl Walk {
    fn take(&mut self, len: usize) -> usize {
        let at = self.at;
        self.at += len;
        at
    }

    fn norm(&mut self) -> Norm {
        let gain = self.take(self.width);
        let shift = self.biased.then(|| self.take(self.width));
        Norm { gain, shift }
    }

    fn linear(&mut self, depth: usize, width: usize) -> Linear {
        let weight = self.take(depth * width);
        let bias = self.biased.then(|| self.take(width));
        Linear { weight, bias, depth, width }
    }
}
