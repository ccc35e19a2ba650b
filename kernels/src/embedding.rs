//! The first layer of a net: looks up the embeddings of tokens, or applies the input projection to vectors.

use crate::{
    linear::room,
    matmul::{Left, Reach, Start, matmul, pack, packed_len},
    net::Cells,
    rows::add,
    shape::{Kind, Shape},
};

/// The first matrix of the flat vector, [inputs, width]: a row for each token and one for the start; or for vectors a linear map of their
/// entries, with a bias, and a row for the start. `width` is the embedding's, or that of all gates where they read one-hot tokens.
pub(crate) struct Embedding {
    length: usize,
    width: usize,
    inputs: usize,
    /// The matrix, for vectors.
    packed: Vec<f32>,
    /// Vectors as the matrix takes them.
    read: Vec<f32>,
    scratch: Vec<f32>,
}

impl Embedding {
    pub fn new(shape: &Shape) -> Self {
        let (width, inputs) = (shape.read(), shape.kind.inputs());
        let vectors = matches!(shape.kind, Kind::Vectors(_));
        let packed = vec![0.0; if vectors { packed_len(inputs, width) } else { 0 }];
        Self { length: shape.length, width, inputs, packed, read: Vec::new(), scratch: Vec::new() }
    }

    pub fn prepare(&mut self, flat: &[f32]) {
        if !self.packed.is_empty() {
            pack(flat, self.width, [self.inputs, self.width], &mut self.packed);
        }
    }

    /// What is read to predict each of the cells: to `x`.
    pub fn forward(&mut self, flat: &[f32], cells: Cells, x: &mut [f32]) {
        let (length, width, inputs) = (self.length, self.width, self.inputs);
        match cells {
            Cells::Tokens(tokens) => {
                for (cell, row) in x.chunks_exact_mut(width).enumerate() {
                    let read = self.token(tokens, cell);
                    row.copy_from_slice(&flat[read * width..][..width]);
                }
            }
            Cells::Vectors { dimension, values } => {
                let read = room(&mut self.read, cells.count() * inputs);
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
                matmul(sizes, Left::plain(read, inputs), &self.packed, x, width, Start::Zero, Reach::All);
            }
        }
    }

    /// From `x`, the gradient by what [`Self::forward`] gave for the same cells: adds the matrix's to the flat `gradient`.
    pub fn backward(&mut self, cells: Cells, x: &[f32], gradient: &mut [f32]) {
        let (width, inputs, rows) = (self.width, self.inputs, cells.count());
        match cells {
            Cells::Tokens(tokens) => {
                for (cell, row) in x.chunks_exact(width).enumerate() {
                    let read = self.token(tokens, cell);
                    add(row, &mut gradient[read * width..][..width]);
                }
            }
            Cells::Vectors { .. } => {
                let packed = room(&mut self.scratch, packed_len(rows, width));
                pack(x, width, [rows, width], packed);
                let read = Left::transposed(&self.read, inputs);
                matmul([inputs, width, rows], read, packed, gradient, width, Start::There, Reach::All);
            }
        }
    }

    /// The row that is read to predict this cell: that of the token before, or of the start.
    fn token(&self, tokens: &[u16], cell: usize) -> usize {
        if cell.is_multiple_of(self.length) { self.inputs - 1 } else { usize::from(tokens[cell - 1]) }
    }
}
