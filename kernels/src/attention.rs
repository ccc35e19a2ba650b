//! Causal attention of one sequence, forward and backward, a tile of queries at a time: nothing above the diagonal is computed but
//! the corners of register tiles, and memory grows with the length, not with its square.

use crate::{
    linear::room,
    matmul::{Left, REACH_BEYOND, Reach, Start, matmul, pack, pack_transposed, packed_len},
    rows::{Part, Scores, exponentials, scale_rows, softmax_backward},
    shape::{Positions, Shape},
    simd::MOST_LANES,
};

/// Queries of a tile.
const TILE: usize = 32;

#[derive(Default)]
pub(crate) struct Attention {
    keys: Vec<f32>,
    keys_transposed: Vec<f32>,
    values: Vec<f32>,
    values_transposed: Vec<f32>,
    queries: Vec<f32>,
    gradients: Vec<f32>,
    weights: Vec<f32>,
    by_weights: Vec<f32>,
    factors: Vec<f32>,
}

/// Is told a head, its first query, the weights of a tile of queries with the length of a row in memory, and the factor that each row
/// of them lacks.
pub(crate) type Seen<'a> = dyn FnMut(usize, usize, &[f32], usize, &[f32]) + 'a;

/// Where the columns of queries, keys and values of a head start, in rows of [`Shape::joint`].
struct Columns {
    query: usize,
    key: usize,
    value: usize,
}

impl Columns {
    fn of(shape: &Shape, head: usize) -> Self {
        let shared = head / (shape.heads / shape.kv_heads) * shape.head_width;
        Self {
            query: head * shape.head_width,
            key: shape.query() + shared,
            value: shape.query() + shape.key() + shared,
        }
    }
}

/// The tile of queries that starts at `first`.
fn tile(shape: &Shape, head: usize, first: usize) -> Scores {
    let slope = match shape.positions {
        Positions::Alibi => (-8.0 * (head + 1) as f64 / shape.heads as f64).exp2() as f32,
        Positions::Learned | Positions::Rotary => 0.0,
    };
    Scores {
        first,
        rows: TILE.min(shape.length - first),
        stride: shape.length.next_multiple_of(MOST_LANES) + MOST_LANES,
        scale: 1.0 / (shape.head_width as f32).sqrt(),
        slope,
        beyond: REACH_BEYOND,
    }
}

impl Attention {
    /// `joint` [T, queries, keys and values] to `mixed` [T, heads · head width]; `logs` [heads, T] is kept for the way back.
    /// `watch` is told each tile of weights.
    pub fn forward(&mut self, shape: &Shape, joint: &[f32], mixed: &mut [f32], logs: &mut [f32], watch: &mut Seen) {
        let (length, width, stride) = (shape.length, shape.head_width, shape.joint());
        for head in 0..shape.heads {
            let at = Columns::of(shape, head);
            let keys = room(&mut self.keys_transposed, packed_len(width, length));
            let values = room(&mut self.values, packed_len(length, width));
            if head.is_multiple_of(shape.heads / shape.kv_heads) {
                pack_transposed(&joint[at.key..], stride, [width, length], keys);
                pack(&joint[at.value..], stride, [length, width], values);
            }
            for first in (0..length).step_by(TILE) {
                let of = tile(shape, head, first);
                let weights = room(&mut self.weights, TILE * of.stride);
                let queries = Left::plain(&joint[first * stride + at.query..], stride);
                let reach = Reach::Columns(first);
                matmul([of.rows, length, width], queries, keys, weights, of.stride, Start::Zero, reach);
                let factors = room(&mut self.factors, of.rows);
                exponentials(weights, of, factors, &mut logs[head * length + first..]);
                watch(head, first, &weights[..of.rows * of.stride], of.stride, factors);
                let mixed = &mut mixed[first * shape.query() + at.query..];
                let sizes = [of.rows, width, length];
                let left = Left::plain(weights, of.stride);
                matmul(sizes, left, values, mixed, shape.query(), Start::Zero, Reach::Depth(first));
                scale_rows(mixed, shape.query(), width, factors);
            }
        }
    }

    /// From `mixed_gradient`, the gradient of what [`Self::forward`] gave (`mixed`): that of `joint`, in `joint_gradient`.
    pub fn backward(
        &mut self,
        shape: &Shape,
        joint: &[f32],
        logs: &[f32],
        mixed: &[f32],
        mixed_gradient: &[f32],
        joint_gradient: &mut [f32],
    ) {
        let (length, width, stride) = (shape.length, shape.head_width, shape.joint());
        joint_gradient.fill(0.0);
        for head in 0..shape.heads {
            let at = Columns::of(shape, head);
            let (across, along) = (packed_len(width, length), packed_len(length, width));
            let keys_transposed = room(&mut self.keys_transposed, across);
            let values_transposed = room(&mut self.values_transposed, across);
            let keys = room(&mut self.keys, along);
            if head.is_multiple_of(shape.heads / shape.kv_heads) {
                pack_transposed(&joint[at.key..], stride, [width, length], keys_transposed);
                pack_transposed(&joint[at.value..], stride, [width, length], values_transposed);
                pack(&joint[at.key..], stride, [length, width], keys);
            }
            for first in (0..length).step_by(TILE) {
                let of = tile(shape, head, first);
                let rows = of.rows;
                let weights = room(&mut self.weights, TILE * of.stride);
                let by_weights = room(&mut self.by_weights, TILE * of.stride);
                let queries = &joint[first * stride + at.query..];
                let gradients = &mixed_gradient[first * shape.query() + at.query..];
                let reach = Reach::Columns(first);
                matmul(
                    [rows, length, width],
                    Left::plain(queries, stride),
                    keys_transposed,
                    weights,
                    of.stride,
                    Start::Zero,
                    reach,
                );
                matmul(
                    [rows, length, width],
                    Left::plain(gradients, shape.query()),
                    values_transposed,
                    by_weights,
                    of.stride,
                    Start::Zero,
                    reach,
                );
                let part = |values| Part { values, stride: shape.query(), width };
                softmax_backward(
                    weights,
                    by_weights,
                    of,
                    &logs[head * length + first..],
                    part(&mixed[first * shape.query() + at.query..]),
                    part(gradients),
                );
                // Of the values: the weights, transposed, times the gradients of what they mixed.
                let packed = room(&mut self.gradients, packed_len(rows, width));
                pack(gradients, shape.query(), [rows, width], packed);
                let keys_seen = first + rows;
                matmul(
                    [keys_seen, width, rows],
                    Left::transposed(weights, of.stride),
                    packed,
                    &mut joint_gradient[at.value..],
                    stride,
                    Start::There,
                    Reach::From(first),
                );
                matmul(
                    [rows, width, length],
                    Left::plain(by_weights, of.stride),
                    keys,
                    &mut joint_gradient[first * stride + at.query..],
                    stride,
                    Start::Zero,
                    Reach::Depth(first),
                );
                let packed = room(&mut self.queries, packed_len(rows, width));
                pack(queries, stride, [rows, width], packed);
                matmul(
                    [keys_seen, width, rows],
                    Left::transposed(by_weights, of.stride),
                    packed,
                    &mut joint_gradient[at.key..],
                    stride,
                    Start::There,
                    Reach::From(first),
                );
            }
        }
    }
}
