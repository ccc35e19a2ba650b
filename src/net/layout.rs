//! Which parameter lies where in the flat vector, and how each starts.

use crate::{
    experiment::{Architecture, Init, Mlp, Net, Norm, Observation, Positions},
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

/// How a parameter starts; [`Init`] says which does how.
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

    /// Weight decay pulls matrices of linear layers only: not gains, biases, embeddings (the input
    /// projection of vectors counts as one) or positions.
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
        // The last row is the start token of a sequence. One-hot tokens have no embedding: the first layer has their rows.
        if !net.reads_one_hot(observation) {
            let start = embedding(net, observation);
            layout.add("embedding", [Net::inputs(observation), net.width], start);
        }
        match net.architecture {
            Architecture::Transformer => layout.add_transformer(net),
            Architecture::Gru | Architecture::Lstm => layout.add_recurrent(net, observation),
        }
        layout.add_linear("head", Net::outputs(observation), net, Role::Head, net.width);
        layout
    }

    fn add_transformer(&mut self, net: &Net) {
        let (d, hidden) = (net.width, net.mlp_width());
        let (query, key) = (net.heads * net.head_width(), net.kv_heads * net.head_width());
        if net.positions == Positions::Learned {
            let start = match net.init {
                Init::Scaled => Start::Normal(0.1),
                // As the tokens' embeddings, whatever their scale was set to.
                _ => embedding(&Net { embedding_scale: 0.0, ..net.clone() }, Observation::Tokens(1)),
            };
            self.add("positions", [net.context, d], start);
        }
        for block in 0..net.blocks {
            let at = |part: &str| format!("blocks.{block}.{part}");
            self.add_norm(&at("attention.norm"), net);
            self.add_linear(&at("attention.query"), query, net, Role::Inner, d);
            self.add_linear(&at("attention.key"), key, net, Role::Inner, d);
            self.add_linear(&at("attention.value"), key, net, Role::Inner, d);
            self.add_linear(&at("attention.out"), d, net, Role::Residual, query);
            match net.mlp {
                Mlp::None => {}
                Mlp::Gelu => {
                    self.add_norm(&at("mlp.norm"), net);
                    self.add_linear(&at("mlp.up"), hidden, net, Role::Inner, d);
                    self.add_linear(&at("mlp.down"), d, net, Role::Residual, hidden);
                }
                Mlp::Gated | Mlp::Geglu => {
                    self.add_norm(&at("mlp.norm"), net);
                    self.add_linear(&at("mlp.gate"), hidden, net, Role::Inner, d);
                    self.add_linear(&at("mlp.up"), hidden, net, Role::Inner, d);
                    self.add_linear(&at("mlp.down"), d, net, Role::Residual, hidden);
                }
            }
        }
        self.add_norm("norm", net);
    }

    /// Matrices with the gates side by side (GRU: reset, update, new; LSTM: input, forget, cell, output).
    fn add_recurrent(&mut self, net: &Net, observation: Observation) {
        let (d, gates) = (net.width, net.architecture.gates() * net.width);
        for layer in 0..net.blocks {
            for part in ["input", "state"] {
                let one_hot = layer == 0 && part == "input" && net.reads_one_hot(observation);
                let from = if one_hot { Net::inputs(observation) } else { d };
                let (weight, bias) = recurrent(net, from, gates);
                self.add(&format!("layers.{layer}.{part}.weight"), [from, gates], weight);
                self.add(&format!("layers.{layer}.{part}.bias"), [1, gates], bias);
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

    /// Weight of shape [from, to], and a bias where the net has them.
    fn add_linear(&mut self, name: &str, to: usize, net: &Net, role: Role, from: usize) {
        let (weight, bias) = linear(net, role, from, to);
        self.add(&format!("{name}.weight"), [from, to], weight);
        if net.biased() {
            self.add(&format!("{name}.bias"), [1, to], bias);
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

/// What a linear map is for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Role {
    Inner,
    /// What it gives is added to the residual stream.
    Residual,
    Head,
}

/// How the embedding starts, or the map that reads vectors.
fn embedding(net: &Net, observation: Observation) -> Start {
    if net.embedding_scale > 0.0 {
        return Start::Normal(net.embedding_scale as f32);
    }
    match (net.init, observation) {
        (Init::Scaled, Observation::Vectors(_)) => Start::Normal(1.0),
        (Init::Scaled, Observation::Tokens(_)) if net.architecture == Architecture::Transformer => Start::Normal(0.3),
        // Fainter: while a recurrent net hardly depends on what it reads, it learns the tokens' frequencies alone, the plateau that is
        // known of GRUs. With PyTorch's 1 it passes that level without a rest.
        (Init::Scaled, Observation::Tokens(_)) => Start::Normal(0.1),
        (Init::XavierUniform, Observation::Vectors(d)) => xavier(d, net.width),
        (Init::XavierUniform, Observation::Tokens(_)) => Start::Normal(1.0 / (net.width as f32).sqrt()),
        (Init::Pytorch, Observation::Vectors(d)) => Start::Uniform(1.0 / (d as f32).sqrt()),
        (Init::Pytorch, Observation::Tokens(_)) => Start::Normal(1.0),
        (Init::Gpt2, _) => Start::Normal(GPT2),
    }
}

/// How a linear map's [from, to] matrix and its bias start.
fn linear(net: &Net, role: Role, from: usize, to: usize) -> (Start, Start) {
    // Each block adds to the residual stream twice: what is added is scaled, so that its variance does not grow with depth.
    let residual = 1.0 / ((2 * net.blocks) as f32).sqrt();
    match net.init {
        Init::Scaled => {
            let scale = match role {
                Role::Inner => 1.0,
                Role::Residual => residual,
                // A small head: the first predictions are close to uniform, or to a standard normal.
                Role::Head => 0.2,
            };
            (Start::Normal(scale / (from as f32).sqrt()), Start::Zeros)
        }
        Init::XavierUniform => (xavier(from, to), Start::Zeros),
        Init::Pytorch => {
            let start = Start::Uniform(1.0 / (from as f32).sqrt());
            (start, start)
        }
        Init::Gpt2 => (Start::Normal(if role == Role::Residual { GPT2 * residual } else { GPT2 }), Start::Zeros),
    }
}

/// How a recurrent layer's [from, gates · width] matrix and its bias start.
fn recurrent(net: &Net, from: usize, to: usize) -> (Start, Start) {
    match net.init {
        Init::Scaled | Init::Pytorch => {
            let start = Start::Uniform(1.0 / (net.width as f32).sqrt());
            (start, start)
        }
        Init::XavierUniform => (xavier(from, to), Start::Zeros),
        Init::Gpt2 => (Start::Normal(GPT2), Start::Zeros),
    }
}

/// Glorot and Bengio's uniform start.
fn xavier(from: usize, to: usize) -> Start {
    Start::Uniform((6.0 / (from + to) as f32).sqrt())
}

/// GPT-2's standard deviation.
const GPT2: f32 = 0.02;
