//! Causal attention of one sequence, forward and backward, a tile of queries at a time: nothing above the diagonal is computed but
//! the corners of register tiles, and memory grows with the length, not with its square.

use crate::{
    linear::room,
    matmul::{Left, Reach, Start, matmul, pack, pack_transposed, packed_len},
    rows::{Normalizers, Scores, TILE, exponentials, gather_rows, scale_rows, softmax_backward},
    shape::{Positions, Shape},
    simd::lanes,
};

#[derive(Default)]
pub(crate) struct Attention {
    keys: Vec<f32>,
    values: Vec<f32>,
    packed: Vec<f32>,
    queries: Vec<f32>,
    gradients: Vec<f32>,
    weights: Vec<f32>,
    by_weights: Vec<f32>,
}

/// Called with a head, its first query, the weights of a tile of queries (a row of [`TILE`] for each key) and the factor that each query's
/// lack.
pub(crate) type OnTile<'a> = dyn FnMut(usize, Scores, &[f32], &[f32]) + 'a;

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
    let queries = TILE.min(shape.length - first);
    Scores { first, queries, scale: 1.0 / (shape.head_width as f32).sqrt(), slope }
}

/// `out`, a row of [`TILE`] for each key that the tile's last query sees, = `left` of each of them times `right` of each query, whose rows
/// are at `stride`.
fn products(
    of: Scores,
    width: usize,
    left: &[f32],
    right: &[f32],
    stride: usize,
    packed: &mut Vec<f32>,
    out: &mut [f32],
) {
    let columns = of.queries.next_multiple_of(lanes());
    let packed = room(packed, packed_len(width, TILE));
    pack_transposed(right, stride, [width, of.queries], packed);
    let keys = of.first + of.queries;
    let left = Left::plain(left, width);
    matmul([keys, columns, width], left, packed, out, TILE, Start::Zero, Reach::Columns(of.first));
}

impl Attention {
    /// `joint` [T, queries, keys and values] to `mixed` [T, heads · head width]; `normalizers` [heads, tiles] is kept for the way back.
    /// `on_tile` gets each tile of weights.
    pub fn forward(
        &mut self,
        shape: &Shape,
        joint: &[f32],
        mixed: &mut [f32],
        normalizers: &mut [Normalizers],
        on_tile: &mut OnTile,
    ) {
        let (length, width, stride) = (shape.length, shape.head_width, shape.joint());
        let tiles = (0..shape.heads).flat_map(|head| (0..length).step_by(TILE).map(move |first| (head, first)));
        for ((head, first), normalizers) in tiles.zip(normalizers) {
            let at = Columns::of(shape, head);
            let keys = room(&mut self.keys, length * width);
            let values = room(&mut self.packed, packed_len(length, width));
            if first == 0 && head.is_multiple_of(shape.heads / shape.kv_heads) {
                gather_rows(&joint[at.key..], stride, width, keys);
                pack(&joint[at.value..], stride, [length, width], values);
            }
            let of = tile(shape, head, first);
            let queries = &joint[first * stride + at.query..];
            let weights = room(&mut self.weights, length * TILE);
            products(of, width, keys, queries, stride, &mut self.queries, weights);
            exponentials(weights, of, normalizers);
            on_tile(head, of, weights, &normalizers.factors);
            let mixed = &mut mixed[first * shape.query() + at.query..];
            let left = Left::transposed(weights, TILE);
            let sizes = [of.queries, width, length];
            matmul(sizes, left, values, mixed, shape.query(), Start::Zero, Reach::Depth(first));
            scale_rows(mixed, shape.query(), width, &normalizers.factors[..of.queries]);
        }
    }

    /// From `mixed_gradient`, the gradient of what [`Self::forward`] gave: that of `joint`, in `joint_gradient`.
    pub fn backward(
        &mut self,
        shape: &Shape,
        joint: &[f32],
        normalizers: &[Normalizers],
        mixed_gradient: &[f32],
        joint_gradient: &mut [f32],
    ) {
        let (length, width, stride) = (shape.length, shape.head_width, shape.joint());
        joint_gradient.fill(0.0);
        let tiles = (0..shape.heads).flat_map(|head| (0..length).step_by(TILE).map(move |first| (head, first)));
        for ((head, first), normalizers) in tiles.zip(normalizers) {
            let at = Columns::of(shape, head);
            let keys = room(&mut self.keys, length * width);
            let values = room(&mut self.values, length * width);
            let packed_keys = room(&mut self.packed, packed_len(length, width));
            if first == 0 && head.is_multiple_of(shape.heads / shape.kv_heads) {
                gather_rows(&joint[at.key..], stride, width, keys);
                gather_rows(&joint[at.value..], stride, width, values);
                pack(keys, width, [length, width], packed_keys);
            }
            let of = tile(shape, head, first);
            let queries = &joint[first * stride + at.query..];
            let gradients = &mixed_gradient[first * shape.query() + at.query..];
            let weights = room(&mut self.weights, length * TILE);
            let by_weights = room(&mut self.by_weights, length * TILE);
            products(of, width, keys, queries, stride, &mut self.queries, weights);
            products(of, width, values, gradients, shape.query(), &mut self.gradients, by_weights);
            softmax_backward(weights, by_weights, of, normalizers);
            // Of values: the weights times the gradients of what they mixed. Of keys: the products' gradients times the queries.
            let seen = first + of.queries;
            let mut gather = |weights: &[f32], from: &[f32], from_stride, packed: &mut Vec<f32>, column: usize| {
                let packed = room(packed, packed_len(of.queries, width));
                pack(from, from_stride, [of.queries, width], packed);
                let to = &mut joint_gradient[column..];
                let left = Left::plain(weights, TILE);
                matmul([seen, width, of.queries], left, packed, to, stride, Start::There, Reach::From(first));
            };
            gather(weights, gradients, shape.query(), &mut self.gradients, at.value);
            gather(by_weights, queries, stride, &mut self.queries, at.key);
            let to = &mut joint_gradient[first * stride + at.query..];
            let left = Left::transposed(by_weights, TILE);
            matmul([of.queries, width, length], left, packed_keys, to, stride, Start::Zero, Reach::Depth(first));
        }
    }
}
