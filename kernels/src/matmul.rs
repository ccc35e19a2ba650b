//! Products of small and middling matrices, row-major f32.
//!
//! The right factor is packed once into panels as wide as the machine's tile, so that the innermost loop reads it in order; the
//! left one is read where it lies, plain or transposed. A tile of the product stays in registers for the whole depth.

use crate::linear::room;
use crate::simd::{MOST_LANES, Simd, kernel, lanes};

/// Vectors in a panel's row.
const COLUMNS: usize = 2;
/// Rows of a tile: as many sums as leave room for the factors, of 16 registers or of 32.
const ROWS: usize = 4;
const ROWS_OF_WIDE: usize = 8;

/// Most rows of a tile.
pub(crate) const TILE_ROWS: usize = ROWS_OF_WIDE;

/// The left factor: element (i, p) is at `i * stride + p`, or at `p * stride + i` where it is the transpose of what lies there.
#[derive(Clone, Copy)]
pub(crate) struct Left<'a> {
    pub values: &'a [f32],
    pub stride: usize,
    pub transposed: bool,
}

impl<'a> Left<'a> {
    /// Rows of `values`, at `stride`.
    pub fn plain(values: &'a [f32], stride: usize) -> Self {
        Self { values, stride, transposed: false }
    }

    /// Columns of `values`, whose rows are at `stride`.
    pub fn transposed(values: &'a [f32], stride: usize) -> Self {
        Self { values, stride, transposed: true }
    }
}

/// Which part of a product is wanted, or which part of the left factor is not 0. Rows are counted from `i`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    All,
    /// Row i of the product is needed only from column i - this on; what is before is left undefined.
    Columns(usize),
    /// Row i of the left factor ends after column i + this. What is beyond must be zeros as far as rows of one vector reach.
    Depth(usize),
    /// Row i of the left factor starts at column i - this. What is before must be zeros as far as columns of one vector reach.
    From(usize),
}

/// What the product is added to.
#[derive(Clone, Copy)]
pub(crate) enum Start<'a> {
    Zero,
    /// This row, for each.
    Row(&'a [f32]),
    /// What is there.
    There,
    /// Both.
    ThereAndRow(&'a [f32]),
}

/// Length of a packed [depth, columns] matrix.
pub(crate) fn packed_len(depth: usize, columns: usize) -> usize {
    depth * columns.next_multiple_of(lanes())
}

/// `out` = a · b, all [n, n]; `scratch` grows to what packing takes. The speed of this is the measure of what a core can do.
pub fn square_product(a: &[f32], b: &[f32], n: usize, scratch: &mut Vec<f32>, out: &mut [f32]) {
    let packed = room(scratch, packed_len(n, n));
    pack(b, n, [n, n], packed);
    matmul([n, n, n], Left::plain(a, n), packed, out, n, Start::Zero, Reach::All);
}

kernel! {
    /// Packs [depth, columns], whose row p is at `p * stride`.
    pub(crate) fn pack(values: &[f32], stride: usize, sizes: [usize; 2], out: &mut [f32]) => pack_on
}

// By vectors, not by slices: copying a few numbers by a call costs more than what is done with them.
#[inline(always)]
fn pack_on<V: Simd>(values: &[f32], stride: usize, [depth, columns]: [usize; 2], out: &mut [f32]) {
    let mut at = 0;
    while at < columns {
        let width = (columns - at).min(COLUMNS * V::LANES);
        let padded = width.next_multiple_of(V::LANES);
        let panel = &mut out[depth * at..][..depth * padded];
        for (p, row) in panel.chunks_exact_mut(padded).enumerate() {
            let from = &values[p * stride + at..][..width];
            for (slot, from) in row.chunks_exact_mut(V::LANES).zip(from.chunks(V::LANES)) {
                if from.len() == V::LANES { V::load(from).store(slot) } else { V::load_part(from, 0.0).store(slot) }
            }
        }
        at += width;
    }
}

/// Packs the transpose of [columns, depth], whose row c is at `c * stride`.
pub(crate) fn pack_transposed(values: &[f32], stride: usize, [depth, columns]: [usize; 2], out: &mut [f32]) {
    for (at, width, padded) in panels(columns) {
        let panel = &mut out[depth * at..][..depth * padded];
        if width < padded {
            panel.fill(0.0);
        }
        // Four by four, which the compiler transposes within registers.
        let (even, deep) = (width / 4 * 4, depth / 4 * 4);
        for c in (0..even).step_by(4) {
            let rows = [0, 1, 2, 3].map(|i| &values[(at + c + i) * stride..][..depth]);
            for p in (0..deep).step_by(4) {
                let four = rows.map(|row| [row[p], row[p + 1], row[p + 2], row[p + 3]]);
                for i in 0..4 {
                    panel[(p + i) * padded + c..][..4].copy_from_slice(&four.map(|row| row[i]));
                }
            }
        }
        for c in 0..width {
            let row = &values[(at + c) * stride..][..depth];
            for p in if c < even { deep } else { 0 }..depth {
                panel[p * padded + c] = row[p];
            }
        }
    }
}

/// First column, columns and padded width of each panel.
fn panels(columns: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    let lanes = lanes();
    (0..columns).step_by(COLUMNS * lanes).map(move |at| {
        let width = (columns - at).min(COLUMNS * lanes);
        (at, width, width.next_multiple_of(lanes))
    })
}

kernel! {
    /// `out` (rows at `stride`) = start + left · right; `right` is packed. `sizes`: rows, columns, depth, none of them 0.
    pub(crate) fn matmul(
        sizes: [usize; 3],
        left: Left,
        right: &[f32],
        out: &mut [f32],
        stride: usize,
        start: Start,
        reach: Reach,
    ) => matmul_on
}

#[inline(always)]
fn matmul_on<V: Simd>(
    [m, n, k]: [usize; 3],
    left: Left,
    right: &[f32],
    out: &mut [f32],
    stride: usize,
    start: Start,
    reach: Reach,
) {
    assert!(m > 0 && n > 0 && k > 0);
    let needed = if left.transposed { (k - 1) * left.stride + m } else { (m - 1) * left.stride + k };
    assert!(
        left.values.len() >= needed
            && out.len() >= (m - 1) * stride + n
            && right.len() >= k * n.next_multiple_of(V::LANES)
    );
    let mut at = 0;
    while at < n {
        let width = (n - at).min(COLUMNS * V::LANES);
        let vectors = width.div_ceil(V::LANES);
        let mut i = 0;
        while i < m {
            let wide = V::LANES == MOST_LANES && m - i >= ROWS_OF_WIDE;
            let rows = if wide {
                ROWS_OF_WIDE
            } else if m - i >= ROWS {
                ROWS
            } else {
                1
            };
            let last = i + rows - 1;
            // Vectors of the panel that no row needs.
            let skipped = match reach {
                Reach::Columns(offset) => i.saturating_sub(offset + at) / V::LANES,
                Reach::All | Reach::Depth(_) | Reach::From(_) => 0,
            };
            if skipped >= vectors {
                break;
            }
            // Half a panel is worth a loop of its own only where it is wide.
            let skipped = if V::LANES == MOST_LANES { skipped } else { 0 };
            let (from, to) = match reach {
                Reach::All | Reach::Columns(_) => (0, k),
                Reach::Depth(offset) => (0, (last + offset + 1).min(k)),
                Reach::From(offset) => (i.saturating_sub(offset).min(k), k),
            };
            // SAFETY: the assertion above covers every row from `i` to `last`, and depths up to `k`.
            #[allow(unsafe_code, reason = "the innermost loop reads through pointers")]
            unsafe {
                let tile = Tile {
                    depth: to - from,
                    left: if left.transposed {
                        left.values.as_ptr().add(from * left.stride + i)
                    } else {
                        left.values.as_ptr().add(i * left.stride + from)
                    },
                    left_stride: left.stride,
                    right: right.as_ptr().add(k * at + (from * vectors + skipped) * V::LANES),
                };
                let beyond = skipped * V::LANES;
                let to = To { i, at: at + beyond, width: width - beyond, stride, start };
                match (left.transposed, vectors == COLUMNS) {
                    (false, true) if skipped > 0 => tile.multiply::<V, 1, COLUMNS, false>(rows, to, out),
                    (false, true) => tile.multiply::<V, COLUMNS, COLUMNS, false>(rows, to, out),
                    (false, false) => tile.multiply::<V, 1, 1, false>(rows, to, out),
                    (true, true) if skipped > 0 => tile.multiply::<V, 1, COLUMNS, true>(rows, to, out),
                    (true, true) => tile.multiply::<V, COLUMNS, COLUMNS, true>(rows, to, out),
                    (true, false) => tile.multiply::<V, 1, 1, true>(rows, to, out),
                }
            }
            i += rows;
        }
        at += COLUMNS * V::LANES;
    }
}

/// Where a tile of the product goes: its first row and column, columns, distance of rows, and what it is added to.
#[derive(Clone, Copy)]
struct To<'a> {
    i: usize,
    at: usize,
    width: usize,
    stride: usize,
    start: Start<'a>,
}

struct Tile {
    depth: usize,
    left: *const f32,
    left_stride: usize,
    right: *const f32,
}

impl Tile {
    /// # Safety
    /// `left` must be readable for `rows` rows (columns, if `T`) of `depth` numbers, `right` for `depth` rows of C vectors, each P vectors
    /// behind the one before.
    #[inline(always)]
    #[allow(unsafe_code, reason = "see above")]
    unsafe fn multiply<V: Simd, const C: usize, const P: usize, const T: bool>(
        &self,
        rows: usize,
        to: To,
        out: &mut [f32],
    ) {
        // SAFETY: the caller's.
        unsafe {
            match rows {
                ROWS_OF_WIDE if V::LANES == MOST_LANES => self.sum::<V, ROWS_OF_WIDE, C, P, T>(to, out),
                ROWS => self.sum::<V, ROWS, C, P, T>(to, out),
                _ => self.sum::<V, 1, C, P, T>(to, out),
            }
        }
    }

    /// # Safety
    /// As above, with R rows.
    #[inline(always)]
    #[allow(unsafe_code, reason = "see above")]
    unsafe fn sum<V: Simd, const R: usize, const C: usize, const P: usize, const T: bool>(
        &self,
        to: To,
        out: &mut [f32],
    ) {
        let To { i, at, width, stride, start } = to;
        let mut sums = [[V::splat(0.0); C]; R];
        let (mut left, mut right) = (self.left, self.right);
        for _ in 0..self.depth {
            // SAFETY: within what the caller promised.
            unsafe {
                let mut b = [V::splat(0.0); C];
                for (c, b) in b.iter_mut().enumerate() {
                    *b = V::read(right.add(c * V::LANES));
                }
                for (r, sums) in sums.iter_mut().enumerate() {
                    let a = V::splat(*left.add(if T { r } else { r * self.left_stride }));
                    for (sum, b) in sums.iter_mut().zip(b) {
                        *sum = a.mul_add(b, *sum);
                    }
                }
                left = left.wrapping_add(if T { self.left_stride } else { 1 });
                right = right.wrapping_add(P * V::LANES);
            }
        }
        let (there, bias) = match start {
            Start::Zero => (false, None),
            Start::Row(bias) => (false, Some(bias)),
            Start::There => (true, None),
            Start::ThereAndRow(bias) => (true, Some(bias)),
        };
        for (r, sums) in sums.into_iter().enumerate() {
            let row = &mut out[(i + r) * stride + at..][..width];
            if width == C * V::LANES {
                for (c, mut sum) in sums.into_iter().enumerate() {
                    let slot = &mut row[c * V::LANES..][..V::LANES];
                    if let Some(bias) = bias {
                        sum = sum.add(V::load(&bias[at + c * V::LANES..]));
                    }
                    if there {
                        sum = sum.add(V::load(slot));
                    }
                    sum.store(slot);
                }
            } else {
                let mut whole = [0.0; COLUMNS * MOST_LANES];
                for (c, sum) in sums.into_iter().enumerate() {
                    sum.store(&mut whole[c * V::LANES..]);
                }
                for (j, (slot, x)) in row.iter_mut().zip(whole).enumerate() {
                    let base = if there { *slot } else { 0.0 };
                    *slot = x + bias.map_or(0.0, |bias| bias[at + j]) + base;
                }
            }
        }
    }
}
