//! What the gates of recurrent nets do to each row by itself, forward and backward.

use crate::math::{sigmoid, tanh};
use crate::simd::{Simd, kernel};

/// The numbers of a row from `at` on: as many as a vector has, or as are left.
#[inline(always)]
fn load<V: Simd>(row: &[f32], at: usize) -> V {
    let rest = &row[at..];
    if rest.len() < V::LANES { V::load_part(rest, 0.0) } else { V::load(rest) }
}

/// Writes them.
#[inline(always)]
fn store<V: Simd>(x: V, row: &mut [f32], at: usize) {
    let rest = &mut row[at..];
    if rest.len() < V::LANES { x.store_part(rest) } else { x.store(rest) }
}

/// s (1 - s): a sigmoid's slope where its value is `s`.
#[inline(always)]
fn slope<V: Simd>(s: V) -> V {
    s.mul(V::splat(1.0).sub(s))
}

/// A row of three parts.
#[inline(always)]
fn thirds(row: &mut [f32], width: usize) -> [&mut [f32]; 3] {
    let (a, rest) = row.split_at_mut(width);
    let (b, c) = rest.split_at_mut(width);
    [a, b, c]
}

/// A row of four parts.
#[inline(always)]
fn quarters(row: &mut [f32], width: usize) -> [&mut [f32]; 4] {
    let (a, rest) = row.split_at_mut(width);
    let [b, c, d] = thirds(rest, width);
    [a, b, c, d]
}

kernel! {
    /// h' = (1 - z) n + z h with r = σ(x_r + s_r), z = σ(x_z + s_z), n = tanh(x_n + r s_n); a row of `width` for each sequence.
    /// `gates`: x in, (r, z, n) out; `state`: s, of the state h; `from_state`: s_n is kept there.
    pub(crate) fn gru(
        gates: &mut [f32],
        state: &[f32],
        h: &[f32],
        width: usize,
        from_state: &mut [f32],
        out: &mut [f32],
    ) => gru_on
}

#[inline(always)]
fn gru_on<V: Simd>(gates: &mut [f32], state: &[f32], h: &[f32], width: usize, from_state: &mut [f32], out: &mut [f32]) {
    let rows = gates.chunks_exact_mut(3 * width).zip(state.chunks_exact(3 * width)).zip(h.chunks_exact(width));
    let to = from_state.chunks_exact_mut(width).zip(out.chunks_exact_mut(width));
    for (((gates, state), h), (from_state, out)) in rows.zip(to) {
        let [reset, update, new] = thirds(gates, width);
        for at in (0..width).step_by(V::LANES) {
            let r = sigmoid(load::<V>(reset, at).add(load(&state[..width], at)));
            let z = sigmoid(load::<V>(update, at).add(load(&state[width..2 * width], at)));
            let s = load::<V>(&state[2 * width..], at);
            let n = tanh(r.mul_add(s, load(new, at)));
            store(r, reset, at);
            store(z, update, at);
            store(n, new, at);
            store(s, from_state, at);
            store(z.mul_add(load::<V>(h, at).sub(n), n), out, at);
        }
    }
}

kernel! {
    /// The way back of [`gru`]. `gates`: (r, z, n) in, the gradients by x out; `state_gradient`: those by s; `gradient`: that by h' in, what
    /// of it reaches h past the gates out.
    pub(crate) fn gru_backward(
        gates: &mut [f32],
        from_state: &[f32],
        h: &[f32],
        width: usize,
        gradient: &mut [f32],
        state_gradient: &mut [f32],
    ) => gru_backward_on
}

#[inline(always)]
fn gru_backward_on<V: Simd>(
    gates: &mut [f32],
    from_state: &[f32],
    h: &[f32],
    width: usize,
    gradient: &mut [f32],
    state_gradient: &mut [f32],
) {
    let one = V::splat(1.0);
    let rows = gates.chunks_exact_mut(3 * width).zip(from_state.chunks_exact(width)).zip(h.chunks_exact(width));
    let to = gradient.chunks_exact_mut(width).zip(state_gradient.chunks_exact_mut(3 * width));
    for (((gates, from_state), h), (gradient, state_gradient)) in rows.zip(to) {
        let [reset, update, new] = thirds(gates, width);
        let [by_reset, by_update, by_new] = thirds(state_gradient, width);
        for at in (0..width).step_by(V::LANES) {
            let (r, z, n) = (load::<V>(reset, at), load::<V>(update, at), load::<V>(new, at));
            let g = load::<V>(gradient, at);
            let past = g.mul(z);
            let new_gradient = g.sub(past).mul(one.sub(n.mul(n)));
            let update_gradient = g.mul(load::<V>(h, at).sub(n)).mul(slope(z));
            let reset_gradient = new_gradient.mul(load(from_state, at)).mul(slope(r));
            store(reset_gradient, reset, at);
            store(update_gradient, update, at);
            store(new_gradient, new, at);
            store(reset_gradient, by_reset, at);
            store(update_gradient, by_update, at);
            store(new_gradient.mul(r), by_new, at);
            store(past, gradient, at);
        }
    }
}

kernel! {
    /// c' = f c + i g and h' = o tanh c' with i, f, o = σ and g = tanh of what `gates` hold; the gates' values in their place, and tanh c'
    /// to `bounded`. A row of `width` for each sequence.
    pub(crate) fn lstm(
        gates: &mut [f32],
        c: &[f32],
        width: usize,
        next: &mut [f32],
        bounded: &mut [f32],
        out: &mut [f32],
    ) => lstm_on
}

#[inline(always)]
fn lstm_on<V: Simd>(
    gates: &mut [f32],
    c: &[f32],
    width: usize,
    next: &mut [f32],
    bounded: &mut [f32],
    out: &mut [f32],
) {
    let rows = gates.chunks_exact_mut(4 * width).zip(c.chunks_exact(width)).zip(next.chunks_exact_mut(width));
    let to = bounded.chunks_exact_mut(width).zip(out.chunks_exact_mut(width));
    for (((gates, c), next), (bounded, out)) in rows.zip(to) {
        let [input, forget, cell, output] = quarters(gates, width);
        for at in (0..width).step_by(V::LANES) {
            let (i, f) = (sigmoid(load::<V>(input, at)), sigmoid(load::<V>(forget, at)));
            let (g, o) = (tanh(load::<V>(cell, at)), sigmoid(load::<V>(output, at)));
            let c = f.mul_add(load(c, at), i.mul(g));
            let b = tanh(c);
            store(i, input, at);
            store(f, forget, at);
            store(g, cell, at);
            store(o, output, at);
            store(c, next, at);
            store(b, bounded, at);
            store(o.mul(b), out, at);
        }
    }
}

kernel! {
    /// The way back of [`lstm`]. `gates`: their values in, the gradients by what they were made of out; `cell_gradient`: that by c' that
    /// comes from later in, that by c out; `gradient`: that by h'.
    pub(crate) fn lstm_backward(
        gates: &mut [f32],
        c: &[f32],
        bounded: &[f32],
        width: usize,
        gradient: &[f32],
        cell_gradient: &mut [f32],
    ) => lstm_backward_on
}

#[inline(always)]
fn lstm_backward_on<V: Simd>(
    gates: &mut [f32],
    c: &[f32],
    bounded: &[f32],
    width: usize,
    gradient: &[f32],
    cell_gradient: &mut [f32],
) {
    let one = V::splat(1.0);
    let rows = gates.chunks_exact_mut(4 * width).zip(c.chunks_exact(width)).zip(bounded.chunks_exact(width));
    let to = gradient.chunks_exact(width).zip(cell_gradient.chunks_exact_mut(width));
    for (((gates, c), bounded), (gradient, cell_gradient)) in rows.zip(to) {
        let [input, forget, cell, output] = quarters(gates, width);
        for at in (0..width).step_by(V::LANES) {
            let (i, f) = (load::<V>(input, at), load::<V>(forget, at));
            let (g, o) = (load::<V>(cell, at), load::<V>(output, at));
            let (h, b) = (load::<V>(gradient, at), load::<V>(bounded, at));
            let by_cell = h.mul(o).mul_add(one.sub(b.mul(b)), load(cell_gradient, at));
            store(by_cell.mul(g).mul(slope(i)), input, at);
            store(by_cell.mul(load(c, at)).mul(slope(f)), forget, at);
            store(by_cell.mul(i).mul(one.sub(g.mul(g))), cell, at);
            store(h.mul(b).mul(slope(o)), output, at);
            store(by_cell.mul(f), cell_gradient, at);
        }
    }
}
