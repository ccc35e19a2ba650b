//! Which parameter lies where in the flat vector, and how each starts.

use crate::{
    experiment::{Architecture, Mlp, Net, Norm, Observation, Positions},
    world::rng::{Purpose, Stream},
};

/// One matrix (a vector is a matrix of one row).
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// For example `blocks.0.attention.query`.
    pub name: String,
    pub shape: [usize; 2],
    /// First index in the flat vector.
    pub offset: usize,
    pub start: Start,
}

/// How a parameter starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start {
    Zeros,
    Ones,
    /// Gaussian with this standard deviation.
    Normal(f32),
    /// Uniform between minus this and this.
    Uniform(f32),
}

impl Entry {
    pub fn len(&self) -> usize {
        self.shape[0] * self.shape[1]
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Weight decay pulls matrices of linear layers only: not gains, biases, embeddings or positions.
    pub fn decays(&self) -> bool {
        self.shape[0] > 1 && !self.name.starts_with("embedding") && !self.name.starts_with("positions")
    }
}

/// All parameters of a net over tokens or vectors, in the order in which the forward pass takes them.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    pub entries: Vec<Entry>,
    /// Length of the flat vector.
    pub len: usize,
}

impl Layout {
    pub fn new(net: &Net, observation: Observation) -> Self {
        let mut layout = Self { entries: Vec::new(), len: 0 };
        // The last row is the learner's own start of a sequence.
        let spread = match (observation.is_vectors(), net.architecture) {
            (true, _) => 1.0,
            (false, Architecture::Transformer) => 0.3,
            // Fainter: while a recurrent net hardly hears what it reads, it learns the tokens' frequencies alone, the plateau that is
            // known of GRUs. With PyTorch's 1 it passes that level without a rest.
            (false, Architecture::Gru | Architecture::Lstm) => 0.1,
        };
        layout.add("embedding", [Net::inputs(observation), net.width], Start::Normal(spread));
        match net.architecture {
            Architecture::Transformer => layout.add_transformer(net),
            Architecture::Gru | Architecture::Lstm => layout.add_recurrent(net),
        }
        // A small head: the first predictions are close to uniform, or to a standard normal.
        layout.add_linear("head", Net::outputs(observation), net, 0.2, net.width);
        layout
    }

    fn add_transformer(&mut self, net: &Net) {
        let (d, hidden) = (net.width, net.mlp_width());
        let (query, key) = (net.heads * net.head_width(), net.kv_heads * net.head_width());
        if net.positions == Positions::Learned {
            self.add("positions", [net.context, d], Start::Normal(0.1));
        }
        // Each block adds to the residual stream twice: scale what is added, so that its variance does not grow with depth.
        let out = 1.0 / ((2 * net.blocks) as f32).sqrt();
        for block in 0..net.blocks {
            let at = |part: &str| format!("blocks.{block}.{part}");
            self.add_norm(&at("attention.norm"), net);
            self.add_linear(&at("attention.query"), query, net, 1.0, d);
            self.add_linear(&at("attention.key"), key, net, 1.0, d);
            self.add_linear(&at("attention.value"), key, net, 1.0, d);
            self.add_linear(&at("attention.out"), d, net, out, query);
            match net.mlp {
                Mlp::None => {}
                Mlp::Gelu => {
                    self.add_norm(&at("mlp.norm"), net);
                    self.add_linear(&at("mlp.up"), hidden, net, 1.0, d);
                    self.add_linear(&at("mlp.down"), d, net, out, hidden);
                }
                Mlp::Gated => {
                    self.add_norm(&at("mlp.norm"), net);
                    self.add_linear(&at("mlp.gate"), hidden, net, 1.0, d);
                    self.add_linear(&at("mlp.up"), hidden, net, 1.0, d);
                    self.add_linear(&at("mlp.down"), d, net, out, hidden);
                }
            }
        }
        self.add_norm("norm", net);
    }

    /// Matrices with the gates side by side (GRU: reset, update, new; LSTM: input, forget, cell, output), started as in PyTorch.
    fn add_recurrent(&mut self, net: &Net) {
        let (d, gates) = (net.width, net.architecture.gates() * net.width);
        let start = Start::Uniform(1.0 / (d as f32).sqrt());
        for layer in 0..net.blocks {
            for part in ["input", "state"] {
                self.add(&format!("layers.{layer}.{part}.weight"), [d, gates], start);
                self.add(&format!("layers.{layer}.{part}.bias"), [1, gates], start);
            }
        }
    }

    fn add(&mut self, name: &str, shape: [usize; 2], start: Start) {
        let entry = Entry { name: name.into(), shape, offset: self.len, start };
        self.len += entry.len();
        self.entries.push(entry);
    }

    /// Gain and, with LayerNorm, shift.
    fn add_norm(&mut self, name: &str, net: &Net) {
        self.add(&format!("{name}.gain"), [1, net.width], Start::Ones);
        if net.norm == Norm::LayerNorm {
            self.add(&format!("{name}.shift"), [1, net.width], Start::Zeros);
        }
    }

    /// Weight of shape [from, to], variance `scale`²/from, and a bias where the net has them.
    fn add_linear(&mut self, name: &str, to: usize, net: &Net, scale: f32, from: usize) {
        self.add(&format!("{name}.weight"), [from, to], Start::Normal(scale / (from as f32).sqrt()));
        if net.biased() {
            self.add(&format!("{name}.bias"), [1, to], Start::Zeros);
        }
    }

    /// Fresh parameters: the same numbers for the same seed, on every platform and device.
    pub fn initial(&self, seed: u64) -> Vec<f32> {
        let mut out = Vec::with_capacity(self.len);
        for (i, entry) in self.entries.iter().enumerate() {
            let mut stream = Stream::new(seed, Purpose::Initialisation, i as u64);
            out.extend((0..entry.len()).map(|_| match entry.start {
                Start::Zeros => 0.0,
                Start::Ones => 1.0,
                Start::Normal(scale) => scale * stream.normal() as f32,
                Start::Uniform(most) => most * (2.0 * stream.uniform() - 1.0) as f32,
            }));
        }
        out
    }

    /// 1 where weight decay applies, 0 elsewhere.
    pub fn decay_mask(&self) -> Vec<f32> {
        self.entries.iter().flat_map(|e| std::iter::repeat_n(f32::from(u8::from(e.decays())), e.len())).collect()
    }
}
