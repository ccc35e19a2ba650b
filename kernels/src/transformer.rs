//! A decoder-only transformer's loss with its gradient, and its predictions, a few sequences at a time through the whole net, so
//! that what lies between forward and backward stays in the cache.
//!
//! All buffers are kept between steps. Everything is added up in a fixed order: the same numbers in give the same bits out.

use crate::{
    attention::Attention,
    head,
    linear::{Folded, Map},
    matmul::{Left, Reach, Start, matmul, pack, packed_len},
    profile::{Part, Profile},
    rotary::Rotary,
    rows::{add, gated, gelu, log_softmax, normalize, normalize_backward, times_gradient},
    shape::{Kind, Mlp, Places, Positions, Shape},
};

/// What is kept of a chunk's sequences between forward and backward; about as much as a core's own cache.
const CHUNK_BYTES: usize = 2 << 20;

/// Sequences of equal length, one behind the other.
#[derive(Clone, Copy, Debug)]
pub enum Cells<'a> {
    Tokens(&'a [u16]),
    /// `dimension` numbers for each cell.
    Vectors {
        dimension: usize,
        values: &'a [f32],
    },
}

impl<'a> Cells<'a> {
    pub fn count(self) -> usize {
        match self {
            Self::Tokens(tokens) => tokens.len(),
            Self::Vectors { dimension, values } => values.len() / dimension,
        }
    }

    fn part(self, from: usize, to: usize) -> Self {
        match self {
            Self::Tokens(tokens) => Self::Tokens(&tokens[from..to]),
            Self::Vectors { dimension, values } => {
                Self::Vectors { dimension, values: &values[from * dimension..to * dimension] }
            }
        }
    }
}

/// What a look inside wants, and what it saw: row-major numbers, sequence after sequence.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// Heads (block, head; both from 0) that add nothing to the residual stream.
    pub without: Vec<(usize, usize)>,
    /// Of each block, [rows, heads, T, T], query by key; where wanted.
    pub attention: Option<Vec<Vec<f32>>>,
    /// Of each layer (read in, each block, normalised output) [rows · T, width]; where wanted.
    pub residual: Option<Vec<Vec<f32>>>,
}

/// A net's shape with all that its passes need. Parameters come from outside, in the order of [`crate::shape`].
pub struct Transformer {
    shape: Shape,
    places: Places,
    rotary: Option<Rotary>,
    blocks: Vec<Block>,
    head: Folded,
    /// The read-in, for vectors.
    read_in: Vec<f32>,
    attention: Attention,
    buffers: Buffers,
    /// Sequences of a chunk.
    chunk: usize,
    /// Where the time goes, when asked.
    pub profile: Option<Profile>,
}

struct Block {
    read: Folded,
    out: Map,
    mlp: Option<(Folded, Map)>,
    // Kept for the way back, a row for each cell of a chunk.
    normal: Vec<f32>,
    scale: Vec<f32>,
    joint: Vec<f32>,
    logs: Vec<f32>,
    mixed: Vec<f32>,
    mlp_normal: Vec<f32>,
    mlp_scale: Vec<f32>,
    /// What goes into the nonlinearity, then its derivatives.
    slopes: Vec<f32>,
    hidden: Vec<f32>,
}

/// What passes from block to block, or serves within one.
struct Buffers {
    /// The residual stream; on the way back its gradient.
    x: Vec<f32>,
    normal: Vec<f32>,
    scale: Vec<f32>,
    outputs: Vec<f32>,
    normal_gradient: Vec<f32>,
    hidden_gradient: Vec<f32>,
    mixed_gradient: Vec<f32>,
    joint_gradient: Vec<f32>,
    /// Vectors as the read-in takes them.
    inputs: Vec<f32>,
    packed: Vec<f32>,
}

impl Transformer {
    pub fn new(shape: Shape) -> Self {
        let places = Places::new(&shape);
        let chunk = (CHUNK_BYTES / (4 * shape.length * kept(&shape))).max(1);
        let cells = chunk * shape.length;
        let row = |width: usize| vec![0.0; cells * width];
        let hidden = if shape.mlp == Mlp::None { 0 } else { shape.mlp_width };
        let blocks = places.blocks.iter().map(|places| Block {
            read: Folded::new(places.attention_norm, &places.read),
            out: Map::new(places.out),
            mlp: places.mlp.as_ref().map(|mlp| (Folded::new(mlp.norm, &mlp.read), Map::new(mlp.down))),
            normal: row(shape.width),
            scale: row(1),
            joint: row(shape.joint()),
            logs: row(shape.heads),
            mixed: row(shape.query()),
            mlp_normal: row(shape.width),
            mlp_scale: row(1),
            slopes: row(parts(&shape) * hidden),
            hidden: row(hidden),
        });
        let vectors = matches!(shape.kind, Kind::Vectors(_));
        Self {
            blocks: blocks.collect(),
            head: Folded::new(places.norm, &[places.head]),
            read_in: vec![0.0; if vectors { packed_len(shape.kind.inputs(), shape.width) } else { 0 }],
            rotary: (shape.positions == Positions::Rotary).then(|| Rotary::new(&shape)),
            attention: Attention::default(),
            buffers: Buffers {
                x: row(shape.width),
                normal: row(shape.width),
                scale: row(1),
                outputs: row(shape.kind.outputs()),
                normal_gradient: row(shape.width),
                hidden_gradient: row(hidden),
                mixed_gradient: row(shape.query()),
                joint_gradient: row(shape.joint()),
                inputs: row(if vectors { shape.kind.inputs() } else { 0 }),
                packed: Vec::new(),
            },
            chunk,
            profile: None,
            places,
            shape,
        }
    }

    /// How many parameters there are.
    pub fn parameters(&self) -> usize {
        self.places.len
    }

    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Mean negative log-likelihood of all cells, in nats; its gradient by `flat` to `gradient`. Both slices are as long as there are
    /// parameters; `cells` are whole sequences, of the kind of the shape.
    pub fn loss_and_gradient(&mut self, flat: &[f32], cells: Cells, gradient: &mut [f32]) -> f64 {
        let count = cells.count();
        if let Some(profile) = &mut self.profile {
            profile.restart();
        }
        self.prepare(flat, true);
        gradient.fill(0.0);
        self.lap(Part::Parameters);
        let mut loss = 0.0;
        for (from, to) in self.chunks(count) {
            let part = cells.part(from, to);
            self.forward(flat, part, &mut None);
            let outputs = &mut self.buffers.outputs[..(to - from) * self.shape.kind.outputs()];
            loss += head::loss_and_gradient(part, outputs, 1.0 / count as f32);
            self.lap(Part::Head);
            self.backward(part, gradient);
        }
        for block in &self.blocks {
            block.read.finish(flat, gradient);
            if let Some((up, _)) = &block.mlp {
                up.finish(flat, gradient);
            }
        }
        self.head.finish(flat, gradient);
        self.lap(Part::Parameters);
        loss / count as f64
    }

    /// The predictive law of each cell, [rows, T, outputs], appended to `out`: log-probabilities of tokens, or a Gaussian's mean and the
    /// logarithm of its variance.
    pub fn predict(&mut self, flat: &[f32], cells: Cells, out: &mut Vec<f32>, mut watch: Option<&mut Watch>) {
        self.prepare(flat, false);
        for (from, to) in self.chunks(cells.count()) {
            self.forward(flat, cells.part(from, to), &mut watch);
            let outputs = &mut self.buffers.outputs[..(to - from) * self.shape.kind.outputs()];
            if let Kind::Tokens(vocab) = self.shape.kind {
                log_softmax(outputs, vocab);
            }
            out.extend_from_slice(outputs);
        }
    }

    /// ln p of each cell that is there, appended to `out`.
    pub fn log_likelihoods(&mut self, flat: &[f32], cells: Cells, out: &mut Vec<f32>) {
        self.prepare(flat, false);
        for (from, to) in self.chunks(cells.count()) {
            let part = cells.part(from, to);
            self.forward(flat, part, &mut None);
            let outputs = &mut self.buffers.outputs[..(to - from) * self.shape.kind.outputs()];
            head::log_likelihoods(part, outputs, out);
        }
    }

    /// First and last cell of each chunk.
    fn chunks(&self, cells: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let step = self.chunk * self.shape.length;
        (0..cells).step_by(step).map(move |from| (from, (from + step).min(cells)))
    }

    fn lap(&mut self, part: Part) {
        if let Some(profile) = &mut self.profile {
            profile.lap(part);
        }
    }

    fn prepare(&mut self, flat: &[f32], backward: bool) {
        assert_eq!(flat.len(), self.places.len, "as many parameters as the shape has");
        for block in &mut self.blocks {
            block.read.prepare(flat, backward);
            block.out.prepare(flat, backward);
            if let Some((up, down)) = &mut block.mlp {
                up.prepare(flat, backward);
                down.prepare(flat, backward);
            }
        }
        self.head.prepare(flat, backward);
        if let Kind::Vectors(_) = self.shape.kind {
            let (inputs, width) = (self.shape.kind.inputs(), self.shape.width);
            pack(&flat[self.places.embedding..][..inputs * width], width, [inputs, width], &mut self.read_in);
        }
    }

    /// To `buffers.outputs`: logits, or Gaussians.
    fn forward(&mut self, flat: &[f32], cells: Cells, watch: &mut Option<&mut Watch>) {
        self.read_in(flat, cells);
        let rows = cells.count();
        let width = self.shape.width;
        self.lap(Part::Embedding);
        keep(watch, 0, &self.buffers.x[..rows * width]);
        for at in 0..self.blocks.len() {
            self.block_forward(at, rows, watch);
            keep(watch, at + 1, &self.buffers.x[..rows * width]);
        }
        let Buffers { x, normal, scale, outputs, .. } = &mut self.buffers;
        normalize(&x[..rows * width], width, self.shape.layer_norm, normal, scale);
        self.head.apply(rows, normal, outputs);
        if let Some(Watch { residual: Some(_), .. }) = watch {
            let mut output = normal[..rows * width].to_vec();
            for row in output.chunks_exact_mut(width) {
                let gain = &flat[self.places.norm.gain..][..width];
                row.iter_mut().zip(gain).for_each(|(x, g)| *x *= g);
                if let Some(shift) = self.places.norm.shift {
                    add(&flat[shift..][..width], row);
                }
            }
            keep(watch, self.blocks.len() + 1, &output);
        }
        self.lap(Part::Head);
    }

    /// What is read, with learned positions: to `buffers.x`.
    fn read_in(&mut self, flat: &[f32], cells: Cells) {
        let (length, width, inputs) = (self.shape.length, self.shape.width, self.shape.kind.inputs());
        let embedding = &flat[self.places.embedding..][..inputs * width];
        let x = &mut self.buffers.x[..cells.count() * width];
        match cells {
            Cells::Tokens(tokens) => {
                for (cell, row) in x.chunks_exact_mut(width).enumerate() {
                    let read = read_token(tokens, cell, length, inputs);
                    row.copy_from_slice(&embedding[read * width..][..width]);
                }
            }
            Cells::Vectors { dimension, values } => {
                let read = &mut self.buffers.inputs[..cells.count() * inputs];
                for (cell, row) in read.chunks_exact_mut(inputs).enumerate() {
                    let start = cell % length == 0;
                    if start {
                        row.fill(0.0);
                    } else {
                        row[..dimension].copy_from_slice(&values[(cell - 1) * dimension..][..dimension]);
                    }
                    row[dimension] = f32::from(u8::from(!start));
                    row[dimension + 1] = f32::from(u8::from(start));
                }
                let sizes = [cells.count(), width, inputs];
                matmul(sizes, Left::plain(read, inputs), &self.read_in, x, width, Start::Zero, Reach::All);
            }
        }
        if let Some(positions) = self.places.positions {
            let positions = &flat[positions..][..length * width];
            x.chunks_exact_mut(length * width).for_each(|sequence| add(positions, sequence));
        }
    }

    fn block_forward(&mut self, at: usize, rows: usize, watch: &mut Option<&mut Watch>) {
        let Self { shape, blocks, buffers, attention, profile, .. } = self;
        let mut lap = |part| {
            if let Some(profile) = profile {
                profile.lap(part);
            }
        };
        let block = &mut blocks[at];
        let x = &mut buffers.x[..rows * shape.width];
        normalize(x, shape.width, shape.layer_norm, &mut block.normal, &mut block.scale);
        lap(Part::Norm);
        block.read.apply(rows, &block.normal, &mut block.joint);
        lap(Part::Linear);
        if let Some(rotary) = &self.rotary {
            rotary.turn(shape, &mut block.joint[..rows * shape.joint()], false);
        }
        let (length, heads) = (shape.length, shape.heads);
        for sequence in 0..rows / length {
            let seen = watch.as_mut().and_then(|watch| watch.attention.as_mut());
            let mut seen = seen.map(|attention| room_for(attention, at, heads * length * length));
            attention.forward(
                shape,
                &block.joint[sequence * length * shape.joint()..][..length * shape.joint()],
                &mut block.mixed[sequence * length * shape.query()..][..length * shape.query()],
                &mut block.logs[sequence * length * heads..][..length * heads],
                &mut |head, first, weights, stride, factors| {
                    let Some(seen) = &mut seen else { return };
                    for (row, (weights, factor)) in weights.chunks_exact(stride).zip(factors).enumerate() {
                        let query = first + row;
                        // Beyond the query's own position nothing is computed.
                        let slots = &mut seen[(head * length + query) * length..][..=query];
                        slots.iter_mut().zip(weights).for_each(|(slot, weight)| *slot = weight * factor);
                    }
                },
            );
        }
        let without =
            watch.iter().flat_map(|watch| &watch.without).filter(|(block, head)| *block == at && *head < heads);
        for (_, head) in without {
            for row in block.mixed[..rows * shape.query()].chunks_exact_mut(shape.query()) {
                row[head * shape.head_width..][..shape.head_width].fill(0.0);
            }
        }
        lap(Part::Attention);
        block.out.add_to(rows, &block.mixed, x);
        lap(Part::Linear);
        let Some((up, down)) = &block.mlp else { return };
        normalize(x, shape.width, shape.layer_norm, &mut block.mlp_normal, &mut block.mlp_scale);
        lap(Part::Norm);
        let slopes = &mut block.slopes[..rows * up.width];
        let hidden = &mut block.hidden[..rows * shape.mlp_width];
        up.apply(rows, &block.mlp_normal, slopes);
        lap(Part::Linear);
        match shape.mlp {
            Mlp::Gated => gated(slopes, shape.mlp_width, hidden),
            Mlp::Gelu | Mlp::None => gelu(slopes, hidden),
        }
        lap(Part::Nonlinearity);
        down.add_to(rows, hidden, x);
        lap(Part::Linear);
    }

    /// From the gradient by what `forward` gave, in `buffers.outputs`.
    fn backward(&mut self, cells: Cells, gradient: &mut [f32]) {
        let rows = cells.count();
        let (width, centred) = (self.shape.width, self.shape.layer_norm);
        let Buffers { x, normal, scale, outputs, normal_gradient, packed, .. } = &mut self.buffers;
        let x = &mut x[..rows * width];
        let normal_gradient = &mut normal_gradient[..rows * width];
        self.head.backward(rows, normal, outputs, normal_gradient, packed);
        x.fill(0.0);
        normalize_backward(normal_gradient, normal, scale, width, centred, x);
        self.lap(Part::Head);
        for at in (0..self.blocks.len()).rev() {
            self.block_backward(at, rows, gradient);
        }
        self.read_in_backward(cells, gradient);
        self.lap(Part::Embedding);
    }

    fn block_backward(&mut self, at: usize, rows: usize, gradient: &mut [f32]) {
        let Self { shape, blocks, buffers, attention, profile, .. } = self;
        let mut lap = |part| {
            if let Some(profile) = profile {
                profile.lap(part);
            }
        };
        let (width, centred, length) = (shape.width, shape.layer_norm, shape.length);
        let block = &mut blocks[at];
        let Buffers { x, normal_gradient, hidden_gradient, mixed_gradient, joint_gradient, packed, .. } = buffers;
        let x = &mut x[..rows * width];
        let normal_gradient = &mut normal_gradient[..rows * width];
        if let Some((up, down)) = &mut block.mlp {
            let slopes = &mut block.slopes[..rows * up.width];
            let hidden_gradient = &mut hidden_gradient[..rows * shape.mlp_width];
            down.backward(rows, &block.hidden, x, hidden_gradient, gradient, packed);
            lap(Part::LinearBackward);
            times_gradient(slopes, hidden_gradient, shape.mlp_width, parts(shape));
            lap(Part::Nonlinearity);
            up.backward(rows, &block.mlp_normal, slopes, normal_gradient, packed);
            lap(Part::LinearBackward);
            normalize_backward(normal_gradient, &block.mlp_normal, &block.mlp_scale, width, centred, x);
            lap(Part::Norm);
        }
        let mixed_gradient = &mut mixed_gradient[..rows * shape.query()];
        block.out.backward(rows, &block.mixed, x, mixed_gradient, gradient, packed);
        lap(Part::LinearBackward);
        let joint = length * shape.joint();
        let mixed = length * shape.query();
        let logs = length * shape.heads;
        for sequence in 0..rows / length {
            attention.backward(
                shape,
                &block.joint[sequence * joint..][..joint],
                &block.logs[sequence * logs..][..logs],
                &block.mixed[sequence * mixed..][..mixed],
                &mixed_gradient[sequence * mixed..][..mixed],
                &mut joint_gradient[sequence * joint..][..joint],
            );
        }
        let joint_gradient = &mut joint_gradient[..rows * shape.joint()];
        if let Some(rotary) = &self.rotary {
            rotary.turn(shape, joint_gradient, true);
        }
        lap(Part::AttentionBackward);
        block.read.backward(rows, &block.normal, joint_gradient, normal_gradient, packed);
        lap(Part::LinearBackward);
        normalize_backward(normal_gradient, &block.normal, &block.scale, width, centred, x);
        lap(Part::Norm);
    }

    fn read_in_backward(&mut self, cells: Cells, gradient: &mut [f32]) {
        let (length, width, inputs) = (self.shape.length, self.shape.width, self.shape.kind.inputs());
        let x = &self.buffers.x[..cells.count() * width];
        if let Some(positions) = self.places.positions {
            let to = &mut gradient[positions..][..length * width];
            x.chunks_exact(length * width).for_each(|sequence| add(sequence, to));
        }
        let embedding = &mut gradient[self.places.embedding..][..inputs * width];
        match cells {
            Cells::Tokens(tokens) => {
                for (cell, row) in x.chunks_exact(width).enumerate() {
                    let read = read_token(tokens, cell, length, inputs);
                    add(row, &mut embedding[read * width..][..width]);
                }
            }
            Cells::Vectors { .. } => {
                let rows = cells.count();
                let packed = crate::linear::room(&mut self.buffers.packed, packed_len(rows, width));
                pack(x, width, [rows, width], packed);
                let read = Left::transposed(&self.buffers.inputs, inputs);
                matmul([inputs, width, rows], read, packed, embedding, width, Start::There, Reach::All);
            }
        }
    }
}

/// What the learner reads to predict this cell: the one before, or its own start.
fn read_token(tokens: &[u16], cell: usize, length: usize, inputs: usize) -> usize {
    if cell.is_multiple_of(length) { inputs - 1 } else { usize::from(tokens[cell - 1]) }
}

/// Parts of what goes into the nonlinearity.
fn parts(shape: &Shape) -> usize {
    if shape.mlp == Mlp::Gated { 2 } else { 1 }
}

/// Numbers kept of each cell between forward and backward, about.
fn kept(shape: &Shape) -> usize {
    let mlp = match shape.mlp {
        Mlp::None => 0,
        Mlp::Gelu | Mlp::Gated => shape.width + (1 + parts(shape)) * shape.mlp_width,
    };
    shape.blocks * (shape.width + shape.joint() + shape.query() + mlp) + 4 * shape.width
}

/// Appends to what there is of a layer of the residual stream, if somebody wants it.
fn keep(watch: &mut Option<&mut Watch>, layer: usize, x: &[f32]) {
    if let Some(residual) = watch.as_mut().and_then(|watch| watch.residual.as_mut()) {
        residual.resize(residual.len().max(layer + 1), Vec::new());
        residual[layer].extend_from_slice(x);
    }
}

/// The next `len` numbers of a layer, zeros.
fn room_for(layers: &mut Vec<Vec<f32>>, layer: usize, len: usize) -> &mut [f32] {
    layers.resize(layers.len().max(layer + 1), Vec::new());
    let values = &mut layers[layer];
    let from = values.len();
    values.resize(from + len, 0.0);
    &mut values[from..]
}
