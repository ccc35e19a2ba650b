//! A decoder-only transformer between what it reads and what its head gives.

use crate::{
    attention::Attention,
    linear::{Folded, Map},
    net::{ActivationCapture, Trunk},
    profile::{Part, Profile, lap},
    rotary::Rotary,
    rows::{Normalizers, TILE, add, gated, geglu, gelu, normalize, normalize_backward, times_gradient},
    shape::{Mlp, Places, Positions, Shape},
};

/// The residual stream's blocks, the last normalisation and the head.
pub(crate) struct Transformer {
    shape: Shape,
    places: Places,
    rotary: Option<Rotary>,
    blocks: Vec<Block>,
    head: Folded,
    attention: Attention,
    buffers: Buffers,
}

struct Block {
    read: Folded,
    out: Map,
    mlp: Option<(Folded, Map)>,
    // Kept for the way back, a row for each cell of a chunk.
    normal: Vec<f32>,
    scale: Vec<f32>,
    joint: Vec<f32>,
    normalizers: Vec<Normalizers>,
    mixed: Vec<f32>,
    mlp_normal: Vec<f32>,
    mlp_scale: Vec<f32>,
    /// What goes into the nonlinearity, then its derivatives.
    slopes: Vec<f32>,
    hidden: Vec<f32>,
}

/// What passes from block to block, or serves within one.
struct Buffers {
    normal: Vec<f32>,
    scale: Vec<f32>,
    normal_gradient: Vec<f32>,
    hidden_gradient: Vec<f32>,
    mixed_gradient: Vec<f32>,
    joint_gradient: Vec<f32>,
    packed: Vec<f32>,
}

impl Transformer {
    /// With room for `cells` at once.
    pub fn new(shape: Shape, cells: usize) -> Self {
        let places = Places::new(&shape);
        let row = |width: usize| vec![0.0; cells * width];
        let hidden = if shape.mlp == Mlp::None { 0 } else { shape.mlp_width };
        let blocks = places.blocks.iter().map(|places| Block {
            read: Folded::new(places.attention_norm, &places.read),
            out: Map::new(places.out),
            mlp: places.mlp.as_ref().map(|mlp| (Folded::new(mlp.norm, &mlp.read), Map::new(mlp.down))),
            normal: row(shape.width),
            scale: row(1),
            joint: row(shape.joint()),
            normalizers: vec![Normalizers::NONE; cells / shape.length * tiles(&shape)],
            mixed: row(shape.query()),
            mlp_normal: row(shape.width),
            mlp_scale: row(1),
            slopes: row(parts(&shape) * hidden),
            hidden: row(hidden),
        });
        Self {
            blocks: blocks.collect(),
            head: Folded::new(places.norm, &[places.head]),
            rotary: (shape.positions == Positions::Rotary).then(|| Rotary::new(&shape)),
            attention: Attention::default(),
            buffers: Buffers {
                normal: row(shape.width),
                scale: row(1),
                normal_gradient: row(shape.width),
                hidden_gradient: row(hidden),
                mixed_gradient: row(shape.query()),
                joint_gradient: row(shape.joint()),
                packed: Vec::new(),
            },
            places,
            shape,
        }
    }

    /// Numbers kept of each cell between forward and backward, about.
    pub fn kept(shape: &Shape) -> usize {
        let mlp = match shape.mlp {
            Mlp::None => 0,
            Mlp::Gelu | Mlp::Gated | Mlp::Geglu => shape.width + (1 + parts(shape)) * shape.mlp_width,
        };
        shape.blocks * (shape.width + shape.joint() + shape.query() + mlp) + 4 * shape.width
    }

    fn block_forward(
        &mut self,
        at: usize,
        x: &mut [f32],
        capture: &mut Option<&mut ActivationCapture>,
        profile: &mut Option<Profile>,
    ) {
        let Self { shape, blocks, attention, .. } = self;
        let mut lap = |part| lap(profile, part);
        let block = &mut blocks[at];
        let rows = x.len() / shape.width;
        normalize(x, shape.width, shape.layer_norm, shape.epsilon, &mut block.normal, &mut block.scale);
        lap(Part::Norm);
        block.read.apply(rows, &block.normal, &mut block.joint);
        lap(Part::Linear);
        if let Some(rotary) = &self.rotary {
            rotary.apply(shape, &mut block.joint[..rows * shape.joint()], false);
        }
        let (length, heads, tiles) = (shape.length, shape.heads, tiles(shape));
        for sequence in 0..rows / length {
            let seen = capture.as_mut().and_then(|capture| capture.attention.as_mut());
            let mut seen = seen.map(|attention| room_for(attention, at, heads * length * length));
            attention.forward(
                shape,
                &block.joint[sequence * length * shape.joint()..][..length * shape.joint()],
                &mut block.mixed[sequence * length * shape.query()..][..length * shape.query()],
                &mut block.normalizers[sequence * tiles..][..tiles],
                &mut |head, of, weights, factors| {
                    let Some(seen) = &mut seen else { return };
                    for (i, factor) in factors[..of.queries].iter().enumerate() {
                        let query = of.first + i;
                        let slots = &mut seen[(head * length + query) * length..][..=query];
                        for (slot, weights) in slots.iter_mut().zip(weights.chunks_exact(TILE)) {
                            *slot = weights[i] * factor;
                        }
                    }
                },
            );
        }
        let ablated =
            capture.iter().flat_map(|capture| &capture.ablated).filter(|(block, head)| *block == at && *head < heads);
        for (_, head) in ablated {
            for row in block.mixed[..rows * shape.query()].chunks_exact_mut(shape.query()) {
                row[head * shape.head_width..][..shape.head_width].fill(0.0);
            }
        }
        lap(Part::Attention);
        block.out.add_to(rows, &block.mixed, x);
        lap(Part::Linear);
        let Some((up, down)) = &block.mlp else { return };
        normalize(x, shape.width, shape.layer_norm, shape.epsilon, &mut block.mlp_normal, &mut block.mlp_scale);
        lap(Part::Norm);
        let slopes = &mut block.slopes[..rows * up.width];
        let hidden = &mut block.hidden[..rows * shape.mlp_width];
        up.apply(rows, &block.mlp_normal, slopes);
        lap(Part::Linear);
        match shape.mlp {
            Mlp::Gated => gated(slopes, shape.mlp_width, hidden),
            Mlp::Geglu => geglu(slopes, shape.mlp_width, hidden),
            Mlp::Gelu | Mlp::None => gelu(slopes, hidden),
        }
        lap(Part::Nonlinearity);
        down.add_to(rows, hidden, x);
        lap(Part::Linear);
    }

    fn block_backward(&mut self, at: usize, x: &mut [f32], gradient: &mut [f32], profile: &mut Option<Profile>) {
        let Self { shape, blocks, buffers, attention, .. } = self;
        let mut lap = |part| lap(profile, part);
        let (width, centred, length) = (shape.width, shape.layer_norm, shape.length);
        let rows = x.len() / width;
        let block = &mut blocks[at];
        let Buffers { normal_gradient, hidden_gradient, mixed_gradient, joint_gradient, packed, .. } = buffers;
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
        let tiles = tiles(shape);
        for sequence in 0..rows / length {
            attention.backward(
                shape,
                &block.joint[sequence * joint..][..joint],
                &block.normalizers[sequence * tiles..][..tiles],
                &mixed_gradient[sequence * mixed..][..mixed],
                &mut joint_gradient[sequence * joint..][..joint],
            );
        }
        let joint_gradient = &mut joint_gradient[..rows * shape.joint()];
        if let Some(rotary) = &self.rotary {
            rotary.apply(shape, joint_gradient, true);
        }
        lap(Part::AttentionBackward);
        block.read.backward(rows, &block.normal, joint_gradient, normal_gradient, packed);
        lap(Part::LinearBackward);
        normalize_backward(normal_gradient, &block.normal, &block.scale, width, centred, x);
        lap(Part::Norm);
    }
}

impl Trunk for Transformer {
    fn parameters(&self) -> usize {
        self.places.len
    }

    fn prepare(&mut self, flat: &[f32], backward: bool) {
        for block in &mut self.blocks {
            block.read.prepare(flat, backward);
            block.out.prepare(flat, backward);
            if let Some((up, down)) = &mut block.mlp {
                up.prepare(flat, backward);
                down.prepare(flat, backward);
            }
        }
        self.head.prepare(flat, backward);
    }

    fn forward(
        &mut self,
        flat: &[f32],
        x: &mut [f32],
        outputs: &mut [f32],
        capture: &mut Option<&mut ActivationCapture>,
        profile: &mut Option<Profile>,
    ) {
        let (length, width) = (self.shape.length, self.shape.width);
        if let Some(positions) = self.places.positions {
            let positions = &flat[positions..][..length * width];
            x.chunks_exact_mut(length * width).for_each(|sequence| add(positions, sequence));
        }
        lap(profile, Part::Embedding);
        ActivationCapture::keep(capture, 0, x);
        for at in 0..self.blocks.len() {
            self.block_forward(at, x, capture, profile);
            ActivationCapture::keep(capture, at + 1, x);
        }
        let Buffers { normal, scale, .. } = &mut self.buffers;
        normalize(x, width, self.shape.layer_norm, self.shape.epsilon, normal, scale);
        self.head.apply(x.len() / width, normal, outputs);
        if let Some(ActivationCapture { residual: Some(_), .. }) = capture {
            let mut output = normal[..x.len()].to_vec();
            for row in output.chunks_exact_mut(width) {
                let gain = &flat[self.places.norm.gain..][..width];
                row.iter_mut().zip(gain).for_each(|(x, g)| *x *= g);
                if let Some(shift) = self.places.norm.shift {
                    add(&flat[shift..][..width], row);
                }
            }
            ActivationCapture::keep(capture, self.blocks.len() + 1, &output);
        }
        lap(profile, Part::Head);
    }

    fn backward(&mut self, x: &mut [f32], outputs: &[f32], gradient: &mut [f32], profile: &mut Option<Profile>) {
        let (length, width, centred) = (self.shape.length, self.shape.width, self.shape.layer_norm);
        let Buffers { normal, scale, normal_gradient, packed, .. } = &mut self.buffers;
        let normal_gradient = &mut normal_gradient[..x.len()];
        self.head.backward(x.len() / width, normal, outputs, normal_gradient, packed);
        x.fill(0.0);
        normalize_backward(normal_gradient, normal, scale, width, centred, x);
        lap(profile, Part::Head);
        for at in (0..self.blocks.len()).rev() {
            self.block_backward(at, x, gradient, profile);
        }
        if let Some(positions) = self.places.positions {
            let to = &mut gradient[positions..][..length * width];
            x.chunks_exact(length * width).for_each(|sequence| add(sequence, to));
        }
    }

    fn finish(&self, flat: &[f32], gradient: &mut [f32]) {
        for block in &self.blocks {
            block.read.finish(flat, gradient);
            if let Some((up, _)) = &block.mlp {
                up.finish(flat, gradient);
            }
        }
        self.head.finish(flat, gradient);
    }
}

/// Parts of what goes into the nonlinearity.
fn parts(shape: &Shape) -> usize {
    if shape.mlp.is_gated() { 2 } else { 1 }
}

/// Tiles of queries of all heads of a sequence.
fn tiles(shape: &Shape) -> usize {
    shape.heads * shape.length.div_ceil(TILE)
}

/// The next `len` numbers of a layer, zeros.
fn room_for(layers: &mut Vec<Vec<f32>>, layer: usize, len: usize) -> &mut [f32] {
    layers.resize(layers.len().max(layer + 1), Vec::new());
    let values = &mut layers[layer];
    let from = values.len();
    values.resize(from + len, 0.0);
    &mut values[from..]
}
