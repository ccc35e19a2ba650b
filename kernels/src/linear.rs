//! Linear maps whose matrices are packed once a step, forward and backward.

use crate::{
    matmul::{Left, Reach, Start, matmul, pack, pack_transposed, packed_len},
    rows::add_rows,
    shape::{Linear, Norm},
};

/// x W + b.
pub(crate) struct Map {
    place: Linear,
    packed: Vec<f32>,
    transposed: Vec<f32>,
    bias: Vec<f32>,
}

impl Map {
    pub fn new(place: Linear) -> Self {
        let Linear { depth, width, bias, .. } = place;
        Self {
            place,
            packed: vec![0.0; packed_len(depth, width)],
            transposed: vec![0.0; packed_len(width, depth)],
            bias: vec![0.0; bias.map_or(0, |_| width)],
        }
    }

    pub fn prepare(&mut self, flat: &[f32], backward: bool) {
        let Linear { weight, bias, depth, width } = self.place;
        let matrix = &flat[weight..][..depth * width];
        pack(matrix, width, [depth, width], &mut self.packed);
        if backward {
            pack_transposed(matrix, width, [width, depth], &mut self.transposed);
        }
        if let Some(bias) = bias {
            self.bias.copy_from_slice(&flat[bias..][..width]);
        }
    }

    /// `to` = x W + b for each row of `x`.
    pub fn apply(&self, rows: usize, x: &[f32], to: &mut [f32]) {
        self.start(rows, x, to, Start::Row(&self.bias));
    }

    /// `to` += x W + b for each row of `x`.
    pub fn add_to(&self, rows: usize, x: &[f32], to: &mut [f32]) {
        let start = if self.place.bias.is_some() { Start::ThereAndRow(&self.bias) } else { Start::There };
        self.start(rows, x, to, start);
    }

    fn start(&self, rows: usize, x: &[f32], to: &mut [f32], start: Start) {
        let Linear { depth, width, .. } = self.place;
        matmul([rows, width, depth], Left::plain(x, depth), &self.packed, to, width, start, Reach::All);
    }

    /// From `to`, the gradient behind: the gradient before in `x_gradient`; W's and b's are added to the flat `gradient`.
    pub fn backward(
        &self,
        rows: usize,
        x: &[f32],
        to: &[f32],
        x_gradient: &mut [f32],
        gradient: &mut [f32],
        scratch: &mut Vec<f32>,
    ) {
        self.back(rows, to, x_gradient, Start::Zero);
        self.gather(rows, x, to, gradient, scratch);
    }

    /// `x_gradient`, from what `start` says, + the gradient before, from `to`, that behind.
    pub fn back(&self, rows: usize, to: &[f32], x_gradient: &mut [f32], start: Start) {
        let Linear { depth, width, .. } = self.place;
        let left = Left::plain(to, width);
        matmul([rows, depth, width], left, &self.transposed, x_gradient, depth, start, Reach::All);
    }

    /// Adds W's and b's gradients to the flat `gradient`, from `to`, that behind, for rows of `x`.
    pub fn gather(&self, rows: usize, x: &[f32], to: &[f32], gradient: &mut [f32], scratch: &mut Vec<f32>) {
        let Linear { weight, bias, depth, width } = self.place;
        let matrix = &mut gradient[weight..][..depth * width];
        add_outer(rows, Left::transposed(x, depth), to, width, matrix, depth, scratch);
        if let Some(bias) = bias {
            add_rows(&to[..rows * width], width, width, &mut gradient[bias..][..width]);
        }
    }
}

/// A normalisation's gain and shift and the maps that read it, side by side as one map of the bare normalised rows:
/// (x̂ ∘ g + s) W + b = x̂ (diag(g) W) + (s W + b).
pub(crate) struct Folded {
    norm: Norm,
    parts: Vec<Linear>,
    depth: usize,
    /// Of all parts together.
    pub width: usize,
    biased: bool,
    /// diag(g) W.
    matrix: Vec<f32>,
    bias: Vec<f32>,
    packed: Vec<f32>,
    transposed: Vec<f32>,
    /// Of the matrix and the bias above.
    gradient: Vec<f32>,
    bias_gradient: Vec<f32>,
}

impl Folded {
    pub fn new(norm: Norm, parts: &[Linear]) -> Self {
        let depth = parts.iter().map(|part| part.depth).max().unwrap_or(0);
        let width = parts.iter().map(|part| part.width).sum();
        Self {
            norm,
            parts: parts.to_vec(),
            depth,
            width,
            biased: norm.shift.is_some(),
            matrix: vec![0.0; depth * width],
            bias: vec![0.0; width],
            packed: vec![0.0; packed_len(depth, width)],
            transposed: vec![0.0; packed_len(width, depth)],
            gradient: vec![0.0; depth * width],
            bias_gradient: vec![0.0; width],
        }
    }

    pub fn prepare(&mut self, flat: &[f32], backward: bool) {
        let gain = &flat[self.norm.gain..][..self.depth];
        let mut at = 0;
        for part in &self.parts {
            let bias = &mut self.bias[at..at + part.width];
            if let Some(from) = part.bias {
                bias.copy_from_slice(&flat[from..][..part.width]);
            }
            let matrix = flat[part.weight..][..part.depth * part.width].chunks_exact(part.width);
            for (i, (row, slots)) in matrix.zip(self.matrix.chunks_exact_mut(self.width)).enumerate() {
                slots[at..at + part.width].iter_mut().zip(row).for_each(|(slot, w)| *slot = gain[i] * w);
                if let Some(shift) = self.norm.shift {
                    let shift = flat[shift + i];
                    bias.iter_mut().zip(row).for_each(|(b, w)| *b += shift * w);
                }
            }
            at += part.width;
        }
        pack(&self.matrix, self.width, [self.depth, self.width], &mut self.packed);
        if backward {
            pack_transposed(&self.matrix, self.width, [self.width, self.depth], &mut self.transposed);
            self.gradient.fill(0.0);
            self.bias_gradient.fill(0.0);
        }
    }

    /// `to` = what the maps give for each of the normalised rows.
    pub fn apply(&self, rows: usize, normal: &[f32], to: &mut [f32]) {
        let start = if self.biased { Start::Row(&self.bias) } else { Start::Zero };
        let sizes = [rows, self.width, self.depth];
        matmul(sizes, Left::plain(normal, self.depth), &self.packed, to, self.width, start, Reach::All);
    }

    /// From `to`, the gradient behind: that of the normalised rows in `normal_gradient`, and the maps' own are kept here.
    pub fn backward(
        &mut self,
        rows: usize,
        normal: &[f32],
        to: &[f32],
        normal_gradient: &mut [f32],
        scratch: &mut Vec<f32>,
    ) {
        let (depth, width) = (self.depth, self.width);
        matmul(
            [rows, depth, width],
            Left::plain(to, width),
            &self.transposed,
            normal_gradient,
            depth,
            Start::Zero,
            Reach::All,
        );
        add_outer(rows, Left::transposed(normal, depth), to, width, &mut self.gradient, depth, scratch);
        if self.biased {
            add_rows(&to[..rows * width], width, width, &mut self.bias_gradient);
        }
    }

    /// Writes the gradients of gain, shift, matrices and biases into the flat `gradient`.
    pub fn finish(&self, flat: &[f32], gradient: &mut [f32]) {
        let mut at = 0;
        for part in &self.parts {
            let behind = &self.bias_gradient[at..at + part.width];
            for i in 0..self.depth {
                let weights = &flat[part.weight + i * part.width..][..part.width];
                let folded = &self.gradient[i * self.width + at..][..part.width];
                let dot = |values: &[f32]| weights.iter().zip(values).map(|(w, g)| w * g).sum::<f32>();
                gradient[self.norm.gain + i] += dot(folded);
                let gain = flat[self.norm.gain + i];
                let mut shift = 0.0;
                if let Some(place) = self.norm.shift {
                    shift = flat[place + i];
                    gradient[place + i] += dot(behind);
                }
                let slots = &mut gradient[part.weight + i * part.width..][..part.width];
                for ((slot, g), b) in slots.iter_mut().zip(folded).zip(behind) {
                    *slot = gain * g + shift * b;
                }
            }
            if let Some(bias) = part.bias {
                gradient[bias..][..part.width].copy_from_slice(behind);
            }
            at += part.width;
        }
    }
}

/// `to` [depth, width] += leftᵀ (as `left` says) · right, over `rows` rows of both.
fn add_outer(
    rows: usize,
    left: Left,
    right: &[f32],
    width: usize,
    to: &mut [f32],
    depth: usize,
    scratch: &mut Vec<f32>,
) {
    let packed = room(scratch, packed_len(rows, width));
    pack(right, width, [rows, width], packed);
    matmul([depth, width, rows], left, packed, to, width, Start::There, Reach::All);
}

/// The first `len` numbers of a buffer that grows when it must.
pub(crate) fn room(buffer: &mut Vec<f32>, len: usize) -> &mut [f32] {
    if buffer.len() < len {
        buffer.resize(len, 0.0);
    }
    &mut buffer[..len]
}
