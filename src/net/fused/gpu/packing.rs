//! Where the kernels want the parameters: every side a multiple of 8, query, key and value side by side, gate and up four by
//! four, a bias as one more row of its matrix. What is padding stays zero, so that no kernel asks where a matrix ends.

use crate::{
    experiment::{Architecture, Mlp, Net, Norm},
    net::layout::Layout,
};

/// Regions start at multiples of this many numbers: 256 bytes, what WebGPU asks of a binding's offset.
const ALIGNMENT: usize = 64;

/// The next multiple of 8.
pub fn padded(n: usize) -> usize {
    n.next_multiple_of(8)
}

/// A padded matrix in the packed vector.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Region {
    pub offset: usize,
    /// Rows without the bias.
    pub rows: usize,
    pub columns: usize,
    /// Numbers in it, the bias included.
    pub len: usize,
}

/// The regions of one block.
#[derive(Clone, Copy, Debug, Default)]
pub struct Block {
    pub attention_norm: Region,
    pub heads: Region,
    pub out: Region,
    pub mlp_norm: Region,
    pub up: Region,
    pub down: Region,
}

/// The regions of one recurrent layer: its maps of what comes from below and of its state, gate beside gate.
#[derive(Clone, Copy, Debug)]
pub struct Layer {
    pub input: Region,
    pub state: Region,
}

/// The packed vector's layout.
pub struct Packing {
    /// What is looked up, a row for each token and one for the start. Where the first layer reads one-hot tokens, its input matrix with
    /// its bias.
    pub embedding: Region,
    pub one_hot: bool,
    pub positions: Region,
    /// Of a transformer.
    pub blocks: Vec<Block>,
    /// Of a recurrent net.
    pub layers: Vec<Layer>,
    /// Of a transformer: that before the head.
    pub norm: Region,
    pub head: Region,
    /// Where each flat parameter lies.
    pub places: Vec<u32>,
    /// Length of the packed vector.
    pub len: usize,
}

impl Packing {
    pub fn new(net: &Net, layout: &Layout) -> Self {
        let d = padded(net.width);
        let mut p = Packer { layout, places: vec![0; layout.len], len: 0 };
        let one_hot = layout.entries.iter().all(|entry| entry.name != "embedding");
        let embedding = if one_hot {
            let rows = p.rows("layers.0.input.weight");
            p.gates(net, 0, "input", rows)
        } else {
            p.table("embedding", d)
        };
        let positions = p.table("positions", d);
        let (mut blocks, mut layers, mut norm) = (Vec::new(), Vec::new(), Region::default());
        match net.architecture {
            Architecture::Transformer => {
                blocks = p.blocks(net);
                norm = p.norm("norm", net);
            }
            Architecture::Gru | Architecture::Lstm => layers = p.layers(net, one_hot.then_some(embedding)),
        }
        let outputs = layout.entries.iter().find(|e| e.name == "head.weight").map_or(0, |e| e.shape[1]);
        let head = p.linear(d, padded(outputs));
        p.place_linear("head", head, |i| i, |i| i);
        Self { embedding, one_hot, positions, blocks, layers, norm, head, places: p.places, len: p.len }
    }
}

struct Packer<'a> {
    layout: &'a Layout,
    places: Vec<u32>,
    len: usize,
}

impl Packer<'_> {
    fn blocks(&mut self, net: &Net) -> Vec<Block> {
        let (d, head, hidden) = (padded(net.width), net.head_width(), padded(net.mlp_width()));
        let wide = padded(head);
        let (query, key) = (net.heads * wide, net.kv_heads * wide);
        let same = |i| i;
        // Column of a head's number, after `before` columns of other things.
        let of_heads = move |before: usize| move |c: usize| before + c / head * wide + c % head;
        let p = self;
        (0..net.blocks)
            .map(|block| {
                let at = |part: &str| format!("blocks.{block}.{part}");
                let mut b = Block { attention_norm: p.norm(&at("attention.norm"), net), ..Block::default() };
                b.heads = p.linear(d, query + 2 * key);
                p.place_linear(&at("attention.query"), b.heads, same, of_heads(0));
                p.place_linear(&at("attention.key"), b.heads, same, of_heads(query));
                p.place_linear(&at("attention.value"), b.heads, same, of_heads(query + key));
                b.out = p.linear(query, d);
                p.place_linear(&at("attention.out"), b.out, of_heads(0), same);
                if net.mlp != Mlp::None {
                    b.mlp_norm = p.norm(&at("mlp.norm"), net);
                    if matches!(net.mlp, Mlp::Gated | Mlp::Geglu) {
                        b.up = p.linear(d, 2 * hidden);
                        p.place_linear(&at("mlp.gate"), b.up, same, |c| c / 4 * 8 + c % 4);
                        p.place_linear(&at("mlp.up"), b.up, same, |c| c / 4 * 8 + 4 + c % 4);
                    } else {
                        b.up = p.linear(d, hidden);
                        p.place_linear(&at("mlp.up"), b.up, same, same);
                    }
                    b.down = p.linear(hidden, d);
                    p.place_linear(&at("mlp.down"), b.down, same, same);
                }
                b
            })
            .collect()
    }

    /// `first`: the first layer's input matrix, where it has a place already.
    fn layers(&mut self, net: &Net, first: Option<Region>) -> Vec<Layer> {
        let d = padded(net.width);
        let layer = |layer| {
            let input = first.filter(|_| layer == 0).unwrap_or_else(|| self.gates(net, layer, "input", d));
            Layer { input, state: self.gates(net, layer, "state", d) }
        };
        (0..net.blocks).map(layer).collect()
    }

    /// A layer's matrix to all gates, of so many rows.
    fn gates(&mut self, net: &Net, layer: usize, part: &str, rows: usize) -> Region {
        let (width, d) = (net.width, padded(net.width));
        let region = self.linear(rows, net.architecture.gates() * d);
        self.place_linear(&format!("layers.{layer}.{part}"), region, |r| r, move |c| c / width * d + c % width);
        region
    }

    /// Room at the end.
    fn region(&mut self, rows: usize, columns: usize) -> Region {
        let region = Region { offset: self.len, rows, columns, len: rows * columns };
        self.len = (self.len + region.len).next_multiple_of(ALIGNMENT);
        region
    }

    /// Room for a matrix and its bias.
    fn linear(&mut self, from: usize, to: usize) -> Region {
        let region = self.region(from + 1, to);
        Region { rows: from, ..region }
    }

    /// Room for the entry `name` as it is; none where the layout lacks it.
    fn table(&mut self, name: &str, columns: usize) -> Region {
        let rows = self.rows(name);
        let region = self.region(rows, columns);
        self.place(name, region, |r| r, |c| c);
        region
    }

    fn rows(&self, name: &str) -> usize {
        self.layout.entries.iter().find(|e| e.name == name).map_or(0, |e| e.shape[0])
    }

    /// Gain and shift, a row each.
    fn norm(&mut self, name: &str, net: &Net) -> Region {
        let region = self.region(2, padded(net.width));
        self.place(&format!("{name}.gain"), region, |_| 0, |c| c);
        if net.norm == Norm::LayerNorm {
            self.place(&format!("{name}.shift"), region, |_| 1, |c| c);
        }
        region
    }

    fn place_linear(
        &mut self,
        name: &str,
        region: Region,
        row: impl Fn(usize) -> usize,
        column: impl Fn(usize) -> usize,
    ) {
        self.place(&format!("{name}.weight"), region, row, &column);
        self.place(&format!("{name}.bias"), region, |_| region.rows, column);
    }

    /// Where an entry's numbers lie; an entry that the layout lacks has none.
    fn place(&mut self, name: &str, region: Region, row: impl Fn(usize) -> usize, column: impl Fn(usize) -> usize) {
        let Some(entry) = self.layout.entries.iter().find(|e| e.name == name) else { return };
        let [_, columns] = entry.shape;
        for i in 0..entry.len() {
            let at = region.offset + row(i / columns) * region.columns + column(i % columns);
            self.places[entry.offset + i] = at as u32;
        }
    }
}
