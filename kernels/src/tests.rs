//! The whole step against the same net written down number by number in f64: its loss, and central differences of it for every
//! parameter; and each product and nonlinearity against its definition.

use crate::{
    adamw::sum_of_squares,
    crossed::add_crossed,
    gates::lstm,
    matmul::{Left, Reach, Start, matmul, pack, pack_transposed, packed_len, square_product},
    net::{Cells, Net},
    profile::Part,
    rows::{gated, geglu, gelu, log_softmax},
    shape::{Architecture, Kind, Mlp, Positions, Shape},
};

/// Numbers in a row that look random, from -1 to 1.
struct Numbers(u32);

impl Numbers {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as f32 / (1 << 23) as f32 - 1.0
    }

    fn vec(&mut self, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.next()).collect()
    }
}

/// Sequences, as the tests keep them.
enum Rows {
    Tokens(Vec<u16>),
    Vectors(usize, Vec<f32>),
}

impl Rows {
    fn random(kind: Kind, cells: usize, numbers: &mut Numbers) -> Self {
        match kind {
            Kind::Tokens(n) => {
                Self::Tokens((0..cells).map(|_| ((numbers.next() + 1.0) * 0.4999 * n as f32) as u16).collect())
            }
            Kind::Vectors(d) => Self::Vectors(d, numbers.vec(cells * d)),
        }
    }

    fn cells(&self) -> Cells<'_> {
        match self {
            Self::Tokens(tokens) => Cells::Tokens(tokens),
            Self::Vectors(dimension, values) => Cells::Vectors { dimension: *dimension, values },
        }
    }
}

/// Takes parameters in order.
struct Walk<'a> {
    rest: &'a [f64],
    biased: bool,
    epsilon: f64,
}

impl<'a> Walk<'a> {
    fn take(&mut self, len: usize) -> &'a [f64] {
        let (taken, rest) = self.rest.split_at(len);
        self.rest = rest;
        taken
    }

    fn linear(&mut self, x: &[Vec<f64>], to: usize) -> Vec<Vec<f64>> {
        let weight = self.take(x[0].len() * to);
        let bias = if self.biased { self.take(to).to_vec() } else { vec![0.0; to] };
        let row = |x: &Vec<f64>| -> Vec<f64> {
            (0..to).map(|j| bias[j] + (0..x.len()).map(|i| x[i] * weight[i * to + j]).sum::<f64>()).collect()
        };
        x.iter().map(row).collect()
    }

    fn norm(&mut self, x: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let width = x[0].len();
        let gain = self.take(width);
        let shift = if self.biased { self.take(width).to_vec() } else { vec![0.0; width] };
        let epsilon = self.epsilon;
        let row = |x: &Vec<f64>| {
            let mean = if self.biased { x.iter().sum::<f64>() / width as f64 } else { 0.0 };
            let square = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / width as f64;
            (0..width).map(|i| (x[i] - mean) / (square + epsilon).sqrt() * gain[i] + shift[i]).collect()
        };
        x.iter().map(row).collect()
    }
}

/// The distribution function of the standard Gaussian, by Simpson's rule.
fn below(x: f64) -> f64 {
    let steps = 200;
    let h = x / f64::from(steps);
    let density = |x: f64| (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt();
    let inner: f64 = (1..steps).map(|i| f64::from(2 + 2 * (i % 2)) * density(f64::from(i) * h)).sum();
    0.5 + h / 3.0 * (density(0.0) + inner + density(x))
}

fn gelu_tanh(x: f64) -> f64 {
    0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh())
}

fn silu(x: f64) -> f64 {
    x / (1.0 + (-x).exp())
}

/// Mean loss, from the definitions.
fn reference(shape: &Shape, flat: &[f64], rows: &Rows) -> f64 {
    let (d, length) = (shape.width, shape.length);
    let inputs = shape.kind.inputs();
    let count = rows.cells().count();
    let mut loss = 0.0;
    for sequence in 0..count / length {
        let recurrent = shape.architecture != Architecture::Transformer;
        let biased = shape.layer_norm || recurrent;
        let mut walk = Walk { rest: flat, biased, epsilon: f64::from(shape.epsilon) };
        let one_hot = recurrent && shape.one_hot && matches!(rows, Rows::Tokens(_));
        let embedding = if one_hot { &[] } else { walk.take(inputs * d) };
        let positions = (shape.positions == Positions::Learned && !recurrent).then(|| walk.take(shape.context * d));
        let mut x: Vec<Vec<f64>> = (0..length)
            .map(|t| {
                let cell = sequence * length + t;
                let mut read = vec![0.0; inputs];
                match rows {
                    _ if t == 0 => read[inputs - 1] = 1.0,
                    Rows::Tokens(tokens) => read[usize::from(tokens[cell - 1])] = 1.0,
                    Rows::Vectors(n, values) => {
                        (0..*n).for_each(|i| read[i] = f64::from(values[(cell - 1) * n + i]));
                        read[*n] = 1.0;
                    }
                }
                if one_hot {
                    return read;
                }
                let position = |i: usize| positions.map_or(0.0, |p| p[t * d + i]);
                (0..d).map(|i| position(i) + (0..inputs).map(|v| read[v] * embedding[v * d + i]).sum::<f64>()).collect()
            })
            .collect();
        if recurrent {
            for _ in 0..shape.blocks {
                x = recur(shape, &mut walk, &x);
            }
        } else {
            attend_and_map(shape, &mut walk, &mut x);
            x = walk.norm(&x);
        }
        let outputs = walk.linear(&x, shape.kind.outputs());
        assert!(walk.rest.is_empty(), "all parameters are taken");
        for (t, output) in outputs.iter().enumerate() {
            let cell = sequence * length + t;
            loss += match rows {
                Rows::Tokens(tokens) => {
                    output.iter().map(|x| x.exp()).sum::<f64>().ln() - output[usize::from(tokens[cell])]
                }
                Rows::Vectors(n, values) => {
                    let square: f64 = (0..*n).map(|i| (output[i] - f64::from(values[cell * n + i])).powi(2)).sum();
                    0.5 * (*n as f64 * (output[*n] + std::f64::consts::TAU.ln()) + square * (-output[*n]).exp())
                }
            };
        }
    }
    loss / count as f64
}

/// A transformer's blocks.
fn attend_and_map(shape: &Shape, walk: &mut Walk, x: &mut Vec<Vec<f64>>) {
    let add = |x: &mut Vec<Vec<f64>>, y: Vec<Vec<f64>>| {
        x.iter_mut().zip(y).for_each(|(x, y)| x.iter_mut().zip(y).for_each(|(x, y)| *x += y));
    };
    for _ in 0..shape.blocks {
        let normal = walk.norm(x);
        let query = walk.linear(&normal, shape.query());
        let key = walk.linear(&normal, shape.key());
        let value = walk.linear(&normal, shape.key());
        let mixed = attend(shape, &query, &key, &value);
        let out = walk.linear(&mixed, shape.width);
        add(x, out);
        let hidden = match shape.mlp {
            Mlp::None => continue,
            Mlp::Gelu => {
                let normal = walk.norm(x);
                let up = walk.linear(&normal, shape.mlp_width);
                up.iter().map(|row| row.iter().map(|&x| x * below(x)).collect()).collect::<Vec<Vec<f64>>>()
            }
            Mlp::Gated | Mlp::Geglu => {
                let act = if shape.mlp == Mlp::Gated { silu } else { gelu_tanh };
                let normal = walk.norm(x);
                let gate = walk.linear(&normal, shape.mlp_width);
                let up = walk.linear(&normal, shape.mlp_width);
                let row = |(gate, up): (&Vec<f64>, &Vec<f64>)| {
                    gate.iter().zip(up).map(|(&gate, up)| act(gate) * up).collect()
                };
                gate.iter().zip(&up).map(row).collect()
            }
        };
        let down = walk.linear(&hidden, shape.width);
        add(x, down);
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// A layer of a recurrent net, as PyTorch defines it.
fn recur(shape: &Shape, walk: &mut Walk, x: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let (d, gates) = (shape.width, shape.gates());
    let input = walk.linear(x, gates);
    // As often as the state is used, from the same place.
    let (weights, mut h, mut c) = (walk.rest, vec![0.0; d], vec![0.0; d]);
    let step = |input: Vec<f64>| {
        walk.rest = weights;
        let state = walk.linear(&[h.clone()], gates).remove(0);
        for i in 0..d {
            let both = |gate: usize| input[gate * d + i] + state[gate * d + i];
            if shape.architecture == Architecture::Gru {
                let new = (input[2 * d + i] + sigmoid(both(0)) * state[2 * d + i]).tanh();
                h[i] = (1.0 - sigmoid(both(1))) * new + sigmoid(both(1)) * h[i];
            } else {
                c[i] = sigmoid(both(1)) * c[i] + sigmoid(both(0)) * both(2).tanh();
                h[i] = sigmoid(both(3)) * c[i].tanh();
            }
        }
        h.clone()
    };
    input.into_iter().map(step).collect()
}

fn attend(shape: &Shape, query: &[Vec<f64>], key: &[Vec<f64>], value: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let width = shape.head_width;
    let rotated = |x: &[f64], t: usize| -> Vec<f64> {
        if shape.positions != Positions::Rotary {
            return x.to_vec();
        }
        let half = width / 2;
        let angle = |j: usize| t as f64 * 10_000f64.powf(-2.0 * j as f64 / width as f64);
        let rotate = |i: usize| match i < half {
            true => x[i] * angle(i).cos() - x[i + half] * angle(i).sin(),
            false => x[i] * angle(i - half).cos() + x[i - half] * angle(i - half).sin(),
        };
        (0..width).map(rotate).collect()
    };
    let mut mixed = vec![vec![0.0; shape.query()]; shape.length];
    for head in 0..shape.heads {
        let shared = head / (shape.heads / shape.kv_heads) * width;
        let slope = match shape.positions {
            Positions::Alibi => 2f64.powf(-8.0 * (head + 1) as f64 / shape.heads as f64),
            _ => 0.0,
        };
        for t in 0..shape.length {
            let q = rotated(&query[t][head * width..][..width], t);
            let score = |s: usize| {
                let k = rotated(&key[s][shared..][..width], s);
                q.iter().zip(k).map(|(q, k)| q * k).sum::<f64>() / (width as f64).sqrt() - slope * (t - s) as f64
            };
            let weights: Vec<f64> = (0..=t).map(|s| score(s).exp()).collect();
            let all: f64 = weights.iter().sum();
            for i in 0..width {
                mixed[t][head * width + i] = (0..=t).map(|s| weights[s] / all * value[s][shared + i]).sum();
            }
        }
    }
    mixed
}

fn shapes() -> Vec<Shape> {
    let base = Shape {
        kind: Kind::Tokens(5),
        architecture: Architecture::Transformer,
        length: 6,
        blocks: 1,
        width: 7,
        context: 7,
        heads: 2,
        kv_heads: 2,
        head_width: 3,
        mlp: Mlp::Gelu,
        mlp_width: 9,
        positions: Positions::Learned,
        layer_norm: true,
        epsilon: 1e-5,
        one_hot: false,
    };
    let modern = Shape {
        heads: 4,
        kv_heads: 2,
        head_width: 4,
        mlp: Mlp::Gated,
        positions: Positions::Rotary,
        layer_norm: false,
        ..base.clone()
    };
    vec![
        Shape { length: 1, kind: Kind::Tokens(2), ..base.clone() },
        // Longer than a tile of queries.
        Shape { length: 37, context: 40, width: 4, mlp: Mlp::None, blocks: 2, ..base.clone() },
        Shape {
            kind: Kind::Vectors(3),
            positions: Positions::Alibi,
            head_width: 5,
            heads: 3,
            kv_heads: 1,
            ..base.clone()
        },
        Shape { length: 35, positions: Positions::Alibi, ..modern.clone() },
        Shape { kind: Kind::Vectors(1), head_width: 18, ..modern.clone() },
        Shape { mlp: Mlp::Geglu, epsilon: 1e-6, ..modern.clone() },
        Shape { mlp: Mlp::Geglu, mlp_width: 17, epsilon: 0.1, length: 3, ..base.clone() },
        // Heads wider than a panel of packed numbers, and another tile.
        Shape { width: 3, length: 33, head_width: 34, heads: 2, kv_heads: 1, mlp: Mlp::None, ..modern.clone() },
        base,
        modern,
    ]
}

fn recurrent_shapes() -> Vec<Shape> {
    let base = shapes().remove(0);
    [Architecture::Gru, Architecture::Lstm]
        .into_iter()
        .flat_map(|architecture| {
            let base = Shape { architecture, ..base.clone() };
            [
                base.clone(),
                Shape { kind: Kind::Tokens(5), length: 9, width: 5, blocks: 2, ..base.clone() },
                // Tokens without an embedding; vectors have nothing to look up.
                Shape { one_hot: true, kind: Kind::Tokens(5), length: 9, width: 5, blocks: 2, ..base.clone() },
                Shape { one_hot: true, kind: Kind::Tokens(3), length: 4, width: 17, ..base.clone() },
                Shape { one_hot: true, kind: Kind::Vectors(2), length: 4, ..base.clone() },
                Shape { kind: Kind::Vectors(3), length: 4, width: 17, blocks: 1, ..base },
            ]
        })
        .collect()
}

#[test]
fn loss_and_gradient_are_those_of_the_definition() {
    for shape in shapes().into_iter().chain(recurrent_shapes()) {
        let mut numbers = Numbers(7);
        let mut net = Net::new(shape.clone());
        let flat: Vec<f32> = numbers.vec(net.parameters()).into_iter().map(|x| 0.6 * x).collect();
        let rows = Rows::random(shape.kind, 3 * shape.length, &mut numbers);
        let mut gradient = vec![0.0; flat.len()];
        let loss = net.loss_and_gradient(&flat, rows.cells(), &mut gradient);
        let exact: Vec<f64> = flat.iter().map(|&x| f64::from(x)).collect();
        let expected = reference(&shape, &exact, &rows);
        assert!((loss - expected).abs() < 2e-6 * expected.abs().max(1.0), "{loss} {expected}: {shape:?}");
        let most = gradient.iter().fold(0.0_f32, |most, g| most.max(g.abs()));
        for i in 0..flat.len() {
            let slope = |step: f64| {
                let mut moved = exact.clone();
                moved[i] += step;
                reference(&shape, &moved, &rows)
            };
            let expected = (slope(1e-4) - slope(-1e-4)) / 2e-4;
            let difference = (f64::from(gradient[i]) - expected).abs();
            assert!(difference < 3e-6 * f64::from(most), "{i}: {} {expected}: {shape:?}", gradient[i]);
        }
        let mut again = vec![1.0; flat.len()];
        assert_eq!(net.loss_and_gradient(&flat, rows.cells(), &mut again).to_bits(), loss.to_bits());
        assert_eq!(again, gradient, "bit for bit");
    }
}

/// Against a count of every factor of every product, one by one.
#[test]
fn arithmetic_is_counted_as_it_is_done() {
    for shape in shapes() {
        let (d, cells) = (shape.width, 2 * shape.length);
        let (mut linear, mut attention) = (0, 0);
        for _ in 0..2 * shape.blocks {
            for t in 0..shape.length {
                linear +=
                    d * (shape.heads + 2 * shape.kv_heads) * shape.head_width + shape.heads * shape.head_width * d;
                linear += d * shape.mlp_width * [0, 2, 3, 3][shape.mlp as usize];
                attention += shape.heads * (t + 1) * 2 * shape.head_width;
            }
        }
        let counted = |part| shape.work(part, cells).multiply_adds;
        assert_eq!(counted(Part::Linear), linear as f64);
        assert_eq!(counted(Part::LinearBackward), 2.0 * linear as f64);
        assert_eq!(counted(Part::Attention), attention as f64);
        assert_eq!(counted(Part::AttentionBackward), 2.5 * attention as f64);
    }
    for shape in recurrent_shapes() {
        let cells = 2 * shape.length;
        let product = (shape.blocks * cells * shape.width * shape.gates()) as f64;
        let counted = |part| shape.work(part, cells).multiply_adds;
        let below = product - if shape.reads_one_hot() { product / shape.blocks as f64 } else { 0.0 };
        assert_eq!([counted(Part::Linear), counted(Part::Recurrence)], [below, product]);
        assert_eq!([counted(Part::LinearBackward), counted(Part::RecurrenceBackward)], [2.0 * below, 2.0 * product]);
    }
}

#[test]
fn a_nan_is_seen_in_the_loss() {
    for shape in shapes().into_iter().chain(recurrent_shapes()) {
        let mut net = Net::new(shape.clone());
        let mut numbers = Numbers(3);
        let mut flat = numbers.vec(net.parameters());
        let rows = Rows::random(shape.kind, shape.length, &mut numbers);
        let last = flat.len() - 1;
        let mut gradient = vec![0.0; flat.len()];
        for broken in [f32::NAN, f32::INFINITY] {
            flat[last] = broken;
            assert!(!net.loss_and_gradient(&flat, rows.cells(), &mut gradient).is_finite(), "{shape:?}");
        }
    }
}

#[test]
fn products_of_every_shape_are_sums_of_products() {
    let mut numbers = Numbers(1);
    for [m, n, k] in [[1, 1, 1], [3, 5, 2], [4, 8, 16], [9, 33, 7], [17, 16, 40], [13, 47, 1], [8, 70, 19]] {
        for transposed in [false, true] {
            let (a, b, bias) = (numbers.vec(m * k), numbers.vec(k * n), numbers.vec(n));
            let element = |i: usize, p: usize| if transposed { a[p * m + i] } else { a[i * k + p] };
            let left = if transposed { Left::transposed(&a, m) } else { Left::plain(&a, k) };
            let mut packed = vec![f32::NAN; packed_len(k, n)];
            pack(&b, n, [k, n], &mut packed);
            let across: Vec<f32> = (0..n * k).map(|i| b[i % k * n + i / k]).collect();
            let mut other = vec![f32::NAN; packed_len(k, n)];
            pack_transposed(&across, k, [k, n], &mut other);
            assert_eq!(packed, other);
            let there = numbers.vec(m * (n + 2));
            for start in [Start::Zero, Start::Row(&bias), Start::There, Start::ThereAndRow(&bias)] {
                let mut out = there.clone();
                matmul([m, n, k], left, &packed, &mut out, n + 2, start, Reach::All);
                for i in 0..m {
                    for j in 0..n {
                        let mut expected: f64 =
                            (0..k).map(|p| f64::from(element(i, p)) * f64::from(b[p * n + j])).sum();
                        if matches!(start, Start::There | Start::ThereAndRow(_)) {
                            expected += f64::from(there[i * (n + 2) + j]);
                        }
                        if matches!(start, Start::Row(_) | Start::ThereAndRow(_)) {
                            expected += f64::from(bias[j]);
                        }
                        assert!((f64::from(out[i * (n + 2) + j]) - expected).abs() < 1e-5, "{m} {n} {k} {i} {j}");
                    }
                    let rest = i * (n + 2) + n..(i + 1) * (n + 2);
                    assert_eq!(out[rest.clone()], there[rest], "nothing else is written");
                }
            }
        }
    }
}

#[test]
fn a_square_product_is_sums_of_products() {
    let n = 37;
    let mut numbers = Numbers(2);
    let (a, b) = (numbers.vec(n * n), numbers.vec(n * n));
    let (mut scratch, mut out) = (Vec::new(), vec![9.0; n * n]);
    square_product(&a, &b, n, &mut scratch, &mut out);
    for (at, given) in out.iter().enumerate() {
        let exact: f64 = (0..n).map(|p| f64::from(a[at / n * n + p]) * f64::from(b[p * n + at % n])).sum();
        assert!((f64::from(*given) - exact).abs() < 1e-5, "{at}");
    }
}

#[test]
fn triangles_lack_nothing() {
    let mut numbers = Numbers(2);
    let (rows, columns, offset) = (37, 55, 18);
    // Row i ends after column i + offset. Whatever the machine: rows 0 to 15 are one vector or several, 16 to 31 as well.
    let seen = |i: usize, p: usize| p <= i + offset;
    let triangle: Vec<f32> =
        (0..rows * columns).map(|at| if seen(at / columns, at % columns) { numbers.next() } else { 0.0 }).collect();
    let (b, c) = (numbers.vec(columns * 5), numbers.vec(rows * 5));
    let (mut packed_b, mut packed_c) = (vec![0.0; packed_len(columns, 5)], vec![0.0; packed_len(rows, 5)]);
    pack(&b, 5, [columns, 5], &mut packed_b);
    pack(&c, 5, [rows, 5], &mut packed_c);
    let product = |sizes, left, right: &[f32], reach| {
        let mut out = vec![0.0; 300];
        matmul(sizes, left, right, &mut out, 5, Start::Zero, reach);
        out
    };
    let down = Left::plain(&triangle, columns);
    let whole = product([rows, 5, columns], down, &packed_b, Reach::All);
    assert_eq!(product([rows, 5, columns], down, &packed_b, Reach::Depth(offset)), whole);
    let across = Left::transposed(&triangle, columns);
    let whole = product([columns, 5, rows], across, &packed_c, Reach::All);
    assert_eq!(product([columns, 5, rows], across, &packed_c, Reach::From(offset)), whole);
    // A product that is needed only from column i - offset on.
    let mut packed = vec![0.0; packed_len(4, rows)];
    let d = numbers.vec(4 * rows);
    pack(&d, rows, [4, rows], &mut packed);
    let left = numbers.vec(columns * 4);
    for start in [Start::Zero, Start::Row(&c), Start::There] {
        let there = numbers.vec(columns * rows);
        let (mut whole, mut part) = (there.clone(), there);
        matmul([columns, rows, 4], Left::plain(&left, 4), &packed, &mut whole, rows, start, Reach::All);
        matmul([columns, rows, 4], Left::plain(&left, 4), &packed, &mut part, rows, start, Reach::Columns(offset));
        for at in (0..columns * rows).filter(|at| seen(at % rows, at / rows)) {
            assert_eq!(part[at], whole[at], "{at}");
        }
    }
}

#[test]
fn nonlinearities_and_their_slopes_are_exact_to_a_millionth() {
    // From the far left to the far right, and no whole number of vectors.
    let xs: Vec<f32> = (-1203..=1204).map(|i| i as f32 / 100.0).collect();
    let density = |x: f64| (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt();
    let (mut slopes, mut values) = (xs.clone(), vec![0.0; xs.len()]);
    gelu(&mut slopes, &mut values);
    for ((x, slope), value) in xs.iter().map(|&x| f64::from(x)).zip(slopes).zip(values) {
        let scale = x.abs().max(1.0);
        assert!((f64::from(value) - x * below(x)).abs() < 3e-7 * scale, "{x}: {value}");
        assert!((f64::from(slope) - below(x) - x * density(x)).abs() < 6e-7, "{x}: {slope}");
    }
    let width = xs.len();
    let mut z: Vec<f32> = xs.iter().chain(&vec![0.7; width]).copied().collect();
    let mut values = vec![0.0; width];
    gated(&mut z, width, &mut values);
    for (i, x) in xs.iter().map(|&x| f64::from(x)).enumerate() {
        let slope = (silu(x + 1e-4) - silu(x - 1e-4)) / 2e-4;
        let scale = x.abs().max(1.0);
        assert!((f64::from(values[i]) - silu(x) * 0.7).abs() < 5e-7 * scale, "{x}");
        assert!((f64::from(z[i]) - slope * 0.7).abs() < 1e-6, "{x}");
        assert!((f64::from(z[width + i]) - silu(x)).abs() < 5e-7 * scale, "{x}");
    }
    let mut z: Vec<f32> = xs.iter().chain(&vec![0.7; width]).copied().collect();
    geglu(&mut z, width, &mut values);
    for (i, x) in xs.iter().map(|&x| f64::from(x)).enumerate() {
        let slope = (gelu_tanh(x + 1e-4) - gelu_tanh(x - 1e-4)) / 2e-4;
        let scale = x.abs().max(1.0);
        assert!((f64::from(values[i]) - gelu_tanh(x) * 0.7).abs() < 5e-7 * scale, "{x}");
        assert!((f64::from(z[i]) - slope * 0.7).abs() < 2e-6 * scale, "{x}: {} {}", z[i], slope * 0.7);
        assert!((f64::from(z[width + i]) - gelu_tanh(x)).abs() < 5e-7 * scale, "{x}");
    }
    // The gates of an LSTM whose cells are 0 show both: c' = σ tanh.
    let close = |given: f32, exact: f64| (f64::from(given) - exact).abs() < 4e-7 * exact.abs().max(1e-3);
    let near_zero = (-50..50).map(|i| i as f32 / 1e5);
    for x in xs.iter().copied().chain(near_zero) {
        let mut gates = [x; 4];
        let (mut next, mut bounded, mut out) = ([0.0], [0.0], [0.0]);
        lstm(&mut gates, &[0.0], 1, &mut next, &mut bounded, &mut out);
        let exact = f64::from(x);
        let gate = 1.0 / (1.0 + (-exact).exp());
        assert!(close(gates[0], gate) && close(gates[2], exact.tanh()), "{x}: {gates:?}");
        assert!(close(bounded[0], f64::from(next[0]).tanh()), "{x}: {bounded:?} {next:?}");
    }
    let mut rows = xs[..1200].to_vec();
    log_softmax(&mut rows, 40);
    for (row, xs) in rows.chunks_exact(40).zip(xs.chunks_exact(40)) {
        let all = xs.iter().map(|&x| f64::from(x).exp()).sum::<f64>().ln();
        assert!(row.iter().zip(xs).all(|(l, &x)| (f64::from(*l) - (f64::from(x) - all)).abs() < 2e-6), "{row:?}");
    }
}

#[test]
fn squares_are_added_up() {
    for len in [0, 1, 5, 64, 131] {
        let values = Numbers(4).vec(len);
        let expected: f64 = values.iter().map(|&x| f64::from(x).powi(2)).sum();
        assert!((f64::from(sum_of_squares(&values)) - expected).abs() < 1e-5);
    }
}

#[test]
fn sums_of_products_are_those_of_the_definition() {
    for (rows, m, n) in [(1, 1, 1), (7, 4, 8), (32, 9, 6), (33, 13, 13)] {
        let values = |seed: u32, len: usize| Numbers(seed).vec(len).into_iter().map(f64::from).collect::<Vec<f64>>();
        let (left, right) = (values(1, rows * m), values(2, rows * n));
        let product = |left: &[f64], right: &[f64], n: usize, i: usize, j: usize| -> f64 {
            (0..rows).map(|r| left[r * m + i] * right[r * n + j]).sum()
        };
        // Added to what is there.
        let mut sums = vec![1.0; m * n];
        add_crossed(&left, m, &right, n, &mut sums, false);
        let right_of = |at: usize| 1.0 + product(&left, &right, n, at / n, at % n);
        assert!(sums.iter().enumerate().all(|(at, sum)| (sum - right_of(at)).abs() < 1e-12), "{rows} {m} {n}");
        let mut gram = vec![0.0; m * m];
        add_crossed(&left, m, &left, m, &mut gram, true);
        let upper = |at: &usize| at % m >= at / m;
        let right_of = |at: usize| product(&left, &left, m, at / m, at % m);
        assert!((0..m * m).filter(upper).all(|at| (gram[at] - right_of(at)).abs() < 1e-12), "{rows} {m}");
    }
}
