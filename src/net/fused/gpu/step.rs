//! What is asked of a net as lists of dispatches. Knows no GPU.

use super::{
    packing::{Block, Packing, Region, padded},
    program::{Binding, Buffer, Contents, Dispatch, Program, WORKGROUP, whole},
    recurrent::KeptLayer,
    template::Value::{self, Number, Size},
};
use crate::{
    experiment::{Architecture, Mlp, Net, Norm, Observation, Positions},
    net::layout::Layout,
    world::Rows,
};

/// Parts that sums over cells are split into, so that a small net's gradient is more than a few invocations' work.
const MOST_SLICES: usize = 16;
/// Most numbers of all parts together.
const MOST_PARTS: usize = 1 << 23;
// These two work the MLP's non-linearity in.
const LINEAR: &str = concat!(include_str!("wgsl/activation.wgsl"), include_str!("wgsl/linear.wgsl"));
const LINEAR_BACK: &str = concat!(include_str!("wgsl/activation.wgsl"), include_str!("wgsl/linear_back.wgsl"));
const ROTARY_BASE: f64 = 10_000.0;

/// How a batch lies in its buffer of 32-bit words.
#[derive(Clone, Copy, Debug)]
pub struct Batch {
    observation: Observation,
    pub(super) sequences: usize,
    pub(super) length: usize,
}

impl Batch {
    pub fn cells(self) -> usize {
        self.sequences * self.length
    }

    pub fn words(self) -> usize {
        match self.observation {
            // With the start token, and the end of its cells.
            Observation::Tokens(vocabulary) => 3 * self.cells() + vocabulary + 2,
            Observation::Vectors(dimension) => dimension * self.cells(),
        }
    }

    /// The words of a batch. Vectors are their numbers' bits. For tokens, what is read, what is to be predicted, the cells in order of
    /// what is read there, and where each token's cells start among them. Cells that `rows` lacks are zeros.
    pub fn fill(self, rows: &Rows) -> Vec<u32> {
        match rows {
            Rows::Tokens(tokens) => {
                let mut tokens = tokens.clone();
                tokens.resize(self.cells(), 0);
                self.fill_tokens(&tokens)
            }
            Rows::Vectors { values, .. } => {
                let mut words: Vec<u32> = values.iter().map(|x| x.to_bits()).collect();
                words.resize(self.words(), 0);
                words
            }
        }
    }

    fn fill_tokens(self, tokens: &[u16]) -> Vec<u32> {
        let start = self.observation.size() as u32;
        let mut read = Vec::with_capacity(tokens.len());
        for row in tokens.chunks_exact(self.length) {
            read.push(start);
            read.extend(row[..self.length - 1].iter().map(|&t| u32::from(t)));
        }
        let mut starts = vec![0; start as usize + 2];
        for &token in &read {
            starts[token as usize + 1] += 1;
        }
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        let (mut next, mut order) = (starts.clone(), vec![0; read.len()]);
        for (cell, &token) in read.iter().enumerate() {
            order[next[token as usize] as usize] = cell as u32;
            next[token as usize] += 1;
        }
        let targets = tokens.iter().map(|&t| u32::from(t)).collect();
        [read, targets, order, starts].concat()
    }
}

/// A net's passes over batches of one size.
pub struct Step {
    pub program: Program,
    pub batch: Batch,
    /// Dispatches from flat parameters and a batch to the logits, or to the Gaussians.
    forward: usize,
}

impl Step {
    /// For batches of `sequences` sequences of `length`. `None` where a buffer or a dispatch would be larger than every WebGPU device
    /// allows.
    pub fn new(net: &Net, layout: &Layout, observation: Observation, sequences: usize, length: usize) -> Option<Self> {
        let packing = Packing::new(net, layout);
        let batch = Batch { observation, sequences, length };
        let slices = MOST_SLICES.min(MOST_PARTS / packing.len).min(sequences).max(1);
        let mut program = Program::default();
        let (packed, parts) = (program.zeros(packing.len), program.zeros(slices * packing.len));
        let cells = padded(batch.cells());
        let mut builder = Builder { net, packing: &packing, batch, cells, slices, program, packed, parts };
        let forward = builder.step(layout);
        let program = builder.program;
        program.fits().then_some(Self { program, batch, forward })
    }

    /// Cells of what is predicted and of the losses, the padding with them.
    pub fn cells(&self) -> usize {
        padded(self.batch.cells())
    }

    /// From parameters and batch to loss and flat gradient.
    pub fn gradient(&self) -> &[Dispatch] {
        self.ends().0
    }

    /// To each cell's share of the mean loss.
    pub fn losses(&self) -> &[Dispatch] {
        &self.program.dispatches[..=self.forward]
    }

    /// To the predictive distributions, [cells, outputs]: one after the other.
    pub fn distribution(&self) -> [&[Dispatch]; 2] {
        [&self.program.dispatches[..self.forward], self.ends().1]
    }

    /// All but the last dispatch, and that.
    fn ends(&self) -> (&[Dispatch], &[Dispatch]) {
        self.program.dispatches.split_at(self.program.dispatches.len() - 1)
    }
}

/// What lies between what is read and the head, as the forward pass leaves it for the way back.
pub(super) enum Trunk {
    Blocks(KeptBlocks),
    Layers(Vec<KeptLayer>),
}

pub(super) struct KeptBlocks {
    blocks: Vec<Kept>,
    rope: Option<Buffer>,
    /// What the last norm reads, and knows of it.
    x: Buffer,
    stats: Buffer,
}

/// What a block's forward pass leaves for the way back.
struct Kept {
    /// What the norms read, made of it, and know of it.
    x: [Buffer; 2],
    y: [Buffer; 2],
    stats: [Buffer; 2],
    heads: Buffer,
    weights: Buffer,
    mixed: Buffer,
    /// Before and after the MLP's non-linearity.
    up: Buffer,
    hidden: Buffer,
}

pub(super) struct Builder<'a> {
    pub(super) net: &'a Net,
    pub(super) packing: &'a Packing,
    pub(super) batch: Batch,
    /// Cells, padded.
    pub(super) cells: usize,
    slices: usize,
    program: Program,
    packed: Buffer,
    parts: Buffer,
}

impl Builder<'_> {
    /// Everything; gives how many dispatches lead to the logits. The last makes distributions of these, in place of a loss.
    fn step(&mut self, layout: &Layout) -> usize {
        let (net, packing) = (self.net, self.packing);
        let (d, cells) = (padded(net.width), self.cells);
        let places = self.program.own(Contents::Words(packing.places.clone()));
        let len = [("LEN", Size(layout.len)), ("PACKED", Size(packing.len))];
        let flat = [Buffer::Flat, places, self.packed].map(whole);
        self.run("pack", include_str!("wgsl/pack.wgsl"), &len, &[], &flat, layout.len);

        // Forward.
        let columns = packing.embedding.columns;
        let x = self.zeros(cells * columns);
        let learned = packing.positions.rows > 0;
        let vectors = self.batch.observation.is_vectors();
        let mut flags = Vec::new();
        flags.extend(learned.then_some("POSITIONS"));
        flags.extend(vectors.then_some("VECTORS"));
        // The first layer's input matrix brings its bias.
        flags.extend(packing.one_hot.then_some("BIASED"));
        let mut sizes = self.of_batch();
        sizes.extend([
            ("WIDTH", Size(columns / 4)),
            ("EMBEDDING", Size(packing.embedding.len / 4)),
            ("BIAS", Size(packing.embedding.rows)),
            ("TABLE", Size(packing.positions.rows * d / 4)),
        ]);
        let mut bindings = vec![whole(Buffer::Batch), self.of(packing.embedding), whole(x)];
        if learned {
            bindings.push(self.of(packing.positions));
        }
        self.run("embed", include_str!("wgsl/embed.wgsl"), &sizes, &flags, &bindings, cells * columns / 4);
        let (trunk, top) = match net.architecture {
            Architecture::Transformer => self.blocks(x),
            Architecture::Gru | Architecture::Lstm => self.layers(x),
        };
        let logits = self.zeros(cells * packing.head.columns);
        self.linear(packing.head, top, logits, None, &[]);
        let forward = self.program.dispatches.len();

        // Loss, and back.
        let mut sizes = self.of_batch();
        sizes.push(("OUTPUTS", Size(packing.head.columns)));
        let (name, text) = if vectors {
            ("gaussian", include_str!("wgsl/gaussian.wgsl"))
        } else {
            ("cross_entropy", include_str!("wgsl/cross_entropy.wgsl"))
        };
        let bindings = [Buffer::Batch, logits, Buffer::Losses].map(whole);
        self.run(name, text, &sizes, &[], &bindings, cells);
        self.linear_weights(packing.head, top, logits);
        let dx = match trunk {
            Trunk::Blocks(kept) => self.blocks_back(&kept, logits),
            Trunk::Layers(kept) => self.layers_back(&kept, x, logits),
        };
        let mut sizes = self.of_batch();
        sizes.extend([
            ("WIDTH", Size(columns / 4)),
            ("SLICES", Size(self.slices)),
            ("PACKED", Size(packing.len / 4)),
            ("ROWS", Size(packing.embedding.rows)),
            ("EMBEDDING", Size(packing.embedding.offset / 4)),
            ("CONTEXT", Size(packing.positions.rows)),
            ("POSITIONS", Size(packing.positions.offset / 4)),
        ]);
        let bindings = [Buffer::Batch, dx, self.parts].map(whole);
        let rows = packing.embedding.rows + packing.positions.rows + usize::from(packing.one_hot);
        let invocations = rows * self.slices * columns / 4;
        self.run("embed_back", include_str!("wgsl/embed_back.wgsl"), &sizes, &flags, &bindings, invocations);

        let mut sizes = len.to_vec();
        sizes.push(("SLICES", Size(self.slices)));
        let bindings = [self.parts, places, Buffer::Gradient].map(whole);
        self.run("gather", include_str!("wgsl/gather.wgsl"), &sizes, &[], &bindings, layout.len);
        let (sum, bindings) = ([("COUNT", Size(cells))], [Buffer::Losses, Buffer::Loss].map(whole));
        self.run("total", include_str!("wgsl/total.wgsl"), &sum, &[], &bindings, WORKGROUP);

        let outputs = Net::outputs(self.batch.observation);
        let sizes = [("CELLS", Size(cells)), ("OUTPUTS", Size(packing.head.columns)), ("TRUE_OUTPUTS", Size(outputs))];
        let flags: &[&str] = if vectors { &["VECTORS"] } else { &[] };
        let bindings = [logits, Buffer::Distribution].map(whole);
        self.run("distribution", include_str!("wgsl/distribution.wgsl"), &sizes, flags, &bindings, cells);
        forward
    }

    /// All blocks, and the norm before the head; with what the head reads.
    fn blocks(&mut self, mut x: Buffer) -> (Trunk, Buffer) {
        let packing = self.packing;
        let rope = (self.net.positions == Positions::Rotary).then(|| self.rope_table());
        let mut blocks = Vec::new();
        for block in &packing.blocks {
            let (kept, after) = self.block(block, x, rope);
            blocks.push(kept);
            x = after;
        }
        let (y, stats) = self.norm(packing.norm, x);
        (Trunk::Blocks(KeptBlocks { blocks, rope, x, stats }), y)
    }

    /// From the gradient by the logits to that by what was read.
    fn blocks_back(&mut self, kept: &KeptBlocks, logits: Buffer) -> Buffer {
        let (net, packing, cells) = (self.net, self.packing, self.cells);
        let d = padded(net.width);
        let (dx, dy) = (self.zeros(cells * d), self.zeros(cells * d));
        self.linear_back(packing.head, logits, dy, &[]);
        self.norm_back(packing.norm, kept.x, kept.stats, dy, dx, &[]);
        // One block's temporaries serve every block.
        let (query, all) = self.head_columns();
        let spans = self.weights_len();
        let (dmixed, dheads, dweights) = (self.zeros(cells * query), self.zeros(cells * all), self.zeros(spans));
        for (block, of_block) in packing.blocks.iter().zip(&kept.blocks).rev() {
            self.block_back(block, of_block, dx, dy, [dmixed, dheads, dweights], kept.rope);
        }
        dx
    }

    /// A block from the residual stream to the residual stream.
    fn block(&mut self, block: &Block, x: Buffer, rope: Option<Buffer>) -> (Kept, Buffer) {
        let (net, cells) = (self.net, self.cells);
        let d = padded(net.width);
        let (query, all) = self.head_columns();
        let (y, stats) = self.norm(block.attention_norm, x);
        let heads = self.zeros(cells * all);
        self.linear(block.heads, y, heads, None, &[]);
        if let Some(rope) = rope {
            self.rotary(heads, rope, 1.0);
        }
        let weights = self.zeros(self.weights_len());
        let mixed = self.zeros(cells * query);
        let key = query + net.kv_heads * padded(net.head_width());
        self.pairs((heads, all, 0), (heads, all, query), weights);
        let (flags, rows): (&[&str], _) =
            (if net.positions == Positions::Alibi { &["ALIBI"] } else { &[] }, self.weight_rows());
        self.run("softmax", include_str!("wgsl/softmax.wgsl"), &self.of_heads(), flags, &[whole(weights)], rows);
        self.mix(weights, (heads, all, key), (mixed, query));
        let middle = self.zeros(cells * d);
        self.linear(block.out, mixed, middle, Some(x), &["RESIDUAL"]);
        let mut kept =
            Kept { x: [x, middle], y: [y; 2], stats: [stats; 2], heads, weights, mixed, up: middle, hidden: middle };
        if net.mlp == Mlp::None {
            return (kept, middle);
        }
        (kept.y[1], kept.stats[1]) = self.norm(block.mlp_norm, middle);
        kept.up = self.zeros(cells * block.up.columns);
        kept.hidden = self.zeros(cells * block.down.rows);
        self.linear(block.up, kept.y[1], kept.up, Some(kept.hidden), self.activation());
        let after = self.zeros(cells * d);
        self.linear(block.down, kept.hidden, after, Some(middle), &["RESIDUAL"]);
        (kept, after)
    }

    /// From the gradient `dx` by what a block gives to that by what it takes, in place. `dy` and the others are room.
    fn block_back(
        &mut self,
        block: &Block,
        kept: &Kept,
        dx: Buffer,
        dy: Buffer,
        [dmixed, dheads, dweights]: [Buffer; 3],
        rope: Option<Buffer>,
    ) {
        let net = self.net;
        if net.mlp != Mlp::None {
            self.linear_weights(block.down, kept.hidden, dx);
            self.linear_back(block.down, dx, kept.up, self.activation());
            self.linear_weights(block.up, kept.y[1], kept.up);
            self.linear_back(block.up, kept.up, dy, &[]);
            self.norm_back(block.mlp_norm, kept.x[1], kept.stats[1], dy, dx, &["ADDS"]);
        }
        let (query, all) = self.head_columns();
        let key = query + net.kv_heads * padded(net.head_width());
        self.linear_weights(block.out, kept.mixed, dx);
        self.linear_back(block.out, dx, dmixed, &[]);
        self.pairs((dmixed, query, 0), (kept.heads, all, key), dweights);
        let bindings = [kept.weights, dweights].map(whole);
        let rows = self.weight_rows();
        self.run("softmax_back", include_str!("wgsl/softmax_back.wgsl"), &self.of_heads(), &[], &bindings, rows);
        self.mix(dweights, (kept.heads, all, query), (dheads, all));
        self.mix_back(dweights, (kept.heads, all), (dheads, all, query));
        self.mix_back(kept.weights, (dmixed, query), (dheads, all, key));
        if let Some(rope) = rope {
            self.rotary(dheads, rope, -1.0);
        }
        self.linear_weights(block.heads, kept.y[0], dheads);
        self.linear_back(block.heads, dheads, dy, &[]);
        self.norm_back(block.attention_norm, kept.x[0], kept.stats[0], dy, dx, &["ADDS"]);
    }

    fn norm(&mut self, region: Region, x: Buffer) -> (Buffer, Buffer) {
        let y = self.zeros(self.cells * region.columns);
        let stats = self.zeros(2 * self.cells);
        let bindings = [whole(x), self.of(region), whole(y), whole(stats)];
        self.run("norm", include_str!("wgsl/norm.wgsl"), &self.of_norm(region), self.centred(), &bindings, self.cells);
        (y, stats)
    }

    fn norm_back(&mut self, region: Region, x: Buffer, stats: Buffer, dy: Buffer, dx: Buffer, flags: &[&str]) {
        let mut sizes = self.of_norm(region);
        sizes.extend(self.of_slices());
        let bindings = [whole(x), self.of(region), whole(stats), whole(dy), whole(dx), self.part(region)];
        let invocations = self.cells.next_multiple_of(WORKGROUP) + self.slices * region.columns / 4;
        let flags = [flags, self.centred()].concat();
        self.run("norm_back", include_str!("wgsl/norm_back.wgsl"), &sizes, &flags, &bindings, invocations);
    }

    /// `more`: what is added to, or what else is written.
    pub(super) fn linear(&mut self, w: Region, a: Buffer, out: Buffer, more: Option<Buffer>, flags: &[&str]) {
        let mut bindings = vec![whole(a), self.of(w), whole(out)];
        bindings.extend(more.map(whole));
        let flags = [flags, self.biased()].concat();
        let invocations = self.cells / 8 * w.columns / 8;
        self.run("linear", LINEAR, &self.of_linear(w), &flags, &bindings, invocations);
    }

    pub(super) fn linear_back(&mut self, w: Region, dout: Buffer, da: Buffer, flags: &[&str]) {
        let bindings = [whole(dout), self.of(w), whole(da)];
        let invocations = self.cells / 8 * w.rows / 8;
        let sizes = self.of_linear(w);
        self.run("linear_back", LINEAR_BACK, &sizes, flags, &bindings, invocations);
    }

    pub(super) fn linear_weights(&mut self, w: Region, a: Buffer, dout: Buffer) {
        let mut sizes = self.of_linear(w);
        sizes.extend(self.of_slices());
        let bindings = [whole(a), whole(dout), self.part(w)];
        let invocations = self.slices * w.rows / 8 * w.columns / 8;
        let (text, flags) = (include_str!("wgsl/linear_weights.wgsl"), self.biased());
        self.run("linear_weights", text, &sizes, flags, &bindings, invocations);
    }

    /// `a` and `b`: buffer, its row's length, first column.
    fn pairs(&mut self, a: (Buffer, usize, usize), b: (Buffer, usize, usize), out: Buffer) {
        let mut sizes = self.of_heads();
        sizes.extend([("A_STRIDE", Size(a.1 / 4)), ("A_COLUMN", Size(a.2 / 4))]);
        sizes.extend([("B_STRIDE", Size(b.1 / 4)), ("B_COLUMN", Size(b.2 / 4))]);
        let tiles = padded(self.batch.length) / 8;
        let invocations = self.batch.sequences * self.net.heads * tiles * tiles;
        // The same buffer may not be bound twice where it can be written to.
        let (flags, bindings): (&[&str], _) = if a.0 == b.0 {
            (&["SAME"], vec![whole(a.0), whole(out)])
        } else {
            (&[], vec![whole(a.0), whole(out), whole(b.0)])
        };
        self.run("pairs", include_str!("wgsl/pairs.wgsl"), &sizes, flags, &bindings, invocations);
    }

    fn mix(&mut self, weights: Buffer, b: (Buffer, usize, usize), out: (Buffer, usize)) {
        let mut sizes = self.of_heads();
        sizes.extend([("B_STRIDE", Size(b.1 / 4)), ("B_COLUMN", Size(b.2 / 4)), ("OUT_STRIDE", Size(out.1 / 4))]);
        let bindings = [whole(weights), whole(b.0), whole(out.0)];
        let tiles = padded(self.batch.length) / 8 * padded(self.net.head_width()) / 8;
        let invocations = self.batch.sequences * self.net.heads * tiles;
        self.run("mix", include_str!("wgsl/mix.wgsl"), &sizes, &[], &bindings, invocations);
    }

    fn mix_back(&mut self, weights: Buffer, b: (Buffer, usize), out: (Buffer, usize, usize)) {
        let mut sizes = self.of_heads();
        sizes.extend([("B_STRIDE", Size(b.1 / 4)), ("OUT_STRIDE", Size(out.1 / 4)), ("OUT_COLUMN", Size(out.2 / 4))]);
        let bindings = [whole(weights), whole(b.0), whole(out.0)];
        let tiles = padded(self.batch.length) / 8 * padded(self.net.head_width()) / 8;
        let invocations = self.batch.sequences * self.net.kv_heads * tiles;
        self.run("mix_back", include_str!("wgsl/mix_back.wgsl"), &sizes, &[], &bindings, invocations);
    }

    fn rotary(&mut self, heads: Buffer, rope: Buffer, sign: f32) {
        let (_, all) = self.head_columns();
        let (half, rotated) = (self.net.head_width() / 2, self.net.heads + self.net.kv_heads);
        let mut sizes = self.of_batch();
        sizes.extend([
            ("STRIDE", Size(all)),
            ("HALF", Size(half)),
            ("ROTATED", Size(rotated)),
            ("HEAD", Size(padded(self.net.head_width()))),
            ("SIGN", Number(sign)),
        ]);
        let invocations = self.batch.cells() * half * rotated;
        let bindings = [heads, rope].map(whole);
        self.run("rotary", include_str!("wgsl/rotary.wgsl"), &sizes, &[], &bindings, invocations);
    }

    /// Cosine and sine of each position's angles, [T, head width / 2].
    fn rope_table(&mut self) -> Buffer {
        let width = self.net.head_width();
        let angle = |t: usize, j: usize| t as f64 * ROTARY_BASE.powf(-((2 * j) as f64) / width as f64);
        let both = |a: f64| [(a.cos() as f32).to_bits(), (a.sin() as f32).to_bits()];
        let words = (0..self.batch.length).flat_map(|t| (0..width / 2).flat_map(move |j| both(angle(t, j)))).collect();
        self.program.own(Contents::Words(words))
    }

    /// Padded columns of the queries, and of queries, keys and values.
    fn head_columns(&self) -> (usize, usize) {
        let wide = padded(self.net.head_width());
        (self.net.heads * wide, (self.net.heads + 2 * self.net.kv_heads) * wide)
    }

    fn weight_rows(&self) -> usize {
        self.batch.sequences * self.net.heads * padded(self.batch.length)
    }

    fn weights_len(&self) -> usize {
        self.weight_rows() * padded(self.batch.length)
    }

    fn activation(&self) -> &'static [&'static str] {
        match self.net.mlp {
            Mlp::Gated => &["GATED"],
            Mlp::Geglu => &["GATED", "GEGLU"],
            Mlp::Gelu | Mlp::None => &["GELU"],
        }
    }

    fn centred(&self) -> &'static [&'static str] {
        if self.net.norm == Norm::LayerNorm { &["CENTRED"] } else { &[] }
    }

    fn biased(&self) -> &'static [&'static str] {
        if self.net.biased() { &["BIASED"] } else { &[] }
    }

    fn of_batch(&self) -> Vec<(&'static str, Value)> {
        let cells = self.batch.cells();
        vec![
            ("BATCH", Size(self.batch.words())),
            ("SIZE", Size(self.batch.observation.size())),
            ("TARGETS", Size(cells)),
            ("ORDER", Size(2 * cells)),
            ("STARTS", Size(3 * cells)),
            ("CELLS", Size(self.cells)),
            ("LAST", Size(cells - 1)),
            ("LENGTH", Size(self.batch.length)),
        ]
    }

    fn of_slices(&self) -> [(&'static str, Value); 3] {
        let slice = self.cells.div_ceil(self.slices).next_multiple_of(4);
        [("SLICES", Size(self.slices)), ("SLICE", Size(slice)), ("PACKED", Size(self.packing.len / 4))]
    }

    fn of_norm(&self, region: Region) -> Vec<(&'static str, Value)> {
        vec![
            ("CELLS", Size(self.cells)),
            ("WIDTH", Size(region.columns / 4)),
            ("TRUE_WIDTH", Number(self.net.width as f32)),
            ("PADDING", Number((region.columns - self.net.width) as f32)),
            ("EPSILON", Number(self.net.norm_epsilon as f32)),
        ]
    }

    fn of_linear(&self, w: Region) -> Vec<(&'static str, Value)> {
        vec![("ROWS", Size(self.cells)), ("INNER", Size(w.rows / 4)), ("COLUMNS", Size(w.columns / 4))]
    }

    fn of_heads(&self) -> Vec<(&'static str, Value)> {
        let head = self.net.head_width();
        vec![
            ("CELLS", Size(self.cells)),
            ("SEQUENCES", Size(self.batch.sequences)),
            ("LENGTH", Size(self.batch.length)),
            ("SPAN", Size(padded(self.batch.length) / 4)),
            ("HEADS", Size(self.net.heads)),
            ("SHARE", Size(self.net.heads / self.net.kv_heads)),
            ("HEAD", Size(padded(head) / 4)),
            ("SCALE", Number(1.0 / (head as f32).sqrt())),
        ]
    }

    /// A region of the packed parameters.
    pub(super) fn of(&self, region: Region) -> Binding {
        Binding { buffer: self.packed, offset: region.offset, len: Some(region.len) }
    }

    /// The same region of the gradient's parts: from its place in the first to its end in the last.
    fn part(&self, region: Region) -> Binding {
        let len = (self.slices - 1) * self.packing.len + region.len;
        Binding { buffer: self.parts, offset: region.offset, len: Some(len) }
    }

    pub(super) fn zeros(&mut self, len: usize) -> Buffer {
        self.program.zeros(len)
    }

    pub(super) fn run(
        &mut self,
        name: &'static str,
        text: &str,
        consts: &[(&str, Value)],
        flags: &[&str],
        bindings: &[Binding],
        invocations: usize,
    ) {
        self.program.run(name, text, consts, flags, bindings, invocations);
    }
}
