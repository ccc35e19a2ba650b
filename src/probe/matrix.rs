//! The little linear algebra that looking into a model takes: products, eigenvalues, least squares. Row-major, f64.

use kernels::add_crossed;

/// A dense matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    pub rows: usize,
    pub columns: usize,
    /// Row-major.
    pub values: Vec<f64>,
}

impl Dense {
    pub fn zeros(rows: usize, columns: usize) -> Self {
        Self { rows, columns, values: vec![0.0; rows * columns] }
    }

    pub fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.columns..(i + 1) * self.columns]
    }

    fn row_mut(&mut self, i: usize) -> &mut [f64] {
        &mut self.values[i * self.columns..(i + 1) * self.columns]
    }

    fn at(&self, i: usize, j: usize) -> f64 {
        self.values[i * self.columns + j]
    }

    /// `self` · `other`; zeros where their shapes do not fit.
    pub fn times(&self, other: &Self) -> Self {
        let mut out = Self::zeros(self.rows, other.columns);
        if self.columns == other.rows {
            for i in 0..self.rows {
                let row = out.row_mut(i);
                for (k, a) in self.row(i).iter().enumerate() {
                    row.iter_mut().zip(other.row(k)).for_each(|(slot, b)| *slot += a * b);
                }
            }
        }
        out
    }

    /// Columns `from`, ... of it, `count` of them.
    pub fn columns(&self, from: usize, count: usize) -> Self {
        let values = (0..self.rows).flat_map(|i| self.row(i)[from..from + count].iter().copied()).collect();
        Self { rows: self.rows, columns: count, values }
    }

    /// Rows `from`, ... of it, `count` of them.
    pub fn rows(&self, from: usize, count: usize) -> Self {
        let values = self.values[from * self.columns..(from + count) * self.columns].to_vec();
        Self { rows: count, columns: self.columns, values }
    }

    /// Every row less its mean.
    pub fn centre_rows(&mut self) {
        let n = self.columns as f64;
        for row in self.values.chunks_exact_mut(self.columns.max(1)) {
            let mean = row.iter().sum::<f64>() / n;
            row.iter_mut().for_each(|v| *v -= mean);
        }
    }

    /// Column j times `by[j]`.
    pub fn scale_columns(&mut self, by: &[f64]) {
        for row in self.values.chunks_exact_mut(self.columns.max(1)) {
            row.iter_mut().zip(by).for_each(|(v, s)| *v *= s);
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Complex(f64, f64);

impl Complex {
    fn plus(self, o: Self) -> Self {
        Self(self.0 + o.0, self.1 + o.1)
    }

    fn minus(self, o: Self) -> Self {
        Self(self.0 - o.0, self.1 - o.1)
    }

    fn times(self, o: Self) -> Self {
        Self(self.0 * o.0 - self.1 * o.1, self.0 * o.1 + self.1 * o.0)
    }

    fn scaled(self, by: f64) -> Self {
        Self(self.0 * by, self.1 * by)
    }

    fn conjugate(self) -> Self {
        Self(self.0, -self.1)
    }

    fn size(self) -> f64 {
        self.0.hypot(self.1)
    }

    fn root(self) -> Self {
        let size = self.size();
        let (re, im) = (((size + self.0) / 2.0).max(0.0).sqrt(), ((size - self.0) / 2.0).max(0.0).sqrt());
        Self(re, im.copysign(self.1))
    }
}

/// The eigenvalues of a square matrix, (real, imaginary), in no order: Hessenberg form by elimination, then the QR algorithm with
/// Wilkinson's shifts (Golub and Van Loan 2013, 7.4 and 7.5). `None` where it is not square, not finite or does not converge.
pub fn eigenvalues(matrix: &Dense) -> Option<Vec<(f64, f64)>> {
    let n = matrix.rows;
    if n != matrix.columns || matrix.values.iter().any(|v| !v.is_finite()) {
        return None;
    }
    let hessenberg = hessenberg(matrix.clone());
    let mut h: Vec<Complex> = hessenberg.values.iter().map(|&v| Complex(v, 0.0)).collect();
    let scale = matrix.values.iter().map(|v| v.abs()).fold(0.0, f64::max);
    let mut found = Vec::with_capacity(n);
    let (mut high, mut rounds) = (n, 0);
    while high > 0 {
        let last = high - 1;
        // The block that is still coupled.
        let low = (1..high)
            .rev()
            .find(|&i| {
                let beside = h[(i - 1) * n + i - 1].size() + h[i * n + i].size();
                h[i * n + i - 1].size() <= f64::EPSILON * if beside > 0.0 { beside } else { scale }
            })
            .unwrap_or(0);
        if low == last {
            found.push((h[last * n + last].0, h[last * n + last].1));
            (high, rounds) = (last, 0);
            continue;
        }
        rounds += 1;
        if rounds > 100 {
            return None;
        }
        let shift = match rounds % 11 {
            // Now and then another one, lest it goes in circles.
            10 => Complex(h[last * n + last - 1].size() + h[last * n + last].0, 0.0),
            _ => wilkinson(
                h[(last - 1) * n + last - 1],
                h[(last - 1) * n + last],
                h[last * n + last - 1],
                h[last * n + last],
            ),
        };
        step(&mut h, n, low, high, shift);
    }
    Some(found)
}

/// The eigenvalue of [[a, b], [c, d]] that is nearer to d.
fn wilkinson(a: Complex, b: Complex, c: Complex, d: Complex) -> Complex {
    let half = a.minus(d).scaled(0.5);
    let root = half.times(half).plus(b.times(c)).root();
    let (one, other) = (half.plus(root), half.minus(root));
    d.plus(if one.size() < other.size() { one } else { other })
}

/// One step of QR on rows and columns `low..high`: (H − sI) = QR, then RQ + sI.
fn step(h: &mut [Complex], n: usize, low: usize, high: usize, shift: Complex) {
    for i in low..high {
        h[i * n + i] = h[i * n + i].minus(shift);
    }
    let mut rotations = Vec::with_capacity(high - low);
    for k in low..high - 1 {
        let (a, b) = (h[k * n + k], h[(k + 1) * n + k]);
        let size = a.size().hypot(b.size());
        let (c, s) = if size > 0.0 {
            (a.scaled(1.0 / size), b.scaled(1.0 / size))
        } else {
            (Complex(1.0, 0.0), Complex(0.0, 0.0))
        };
        for j in k..high {
            let (x, y) = (h[k * n + j], h[(k + 1) * n + j]);
            h[k * n + j] = c.conjugate().times(x).plus(s.conjugate().times(y));
            h[(k + 1) * n + j] = c.times(y).minus(s.times(x));
        }
        rotations.push((c, s));
    }
    for (k, (c, s)) in (low..).zip(rotations) {
        for i in low..(k + 2).min(high) {
            let (x, y) = (h[i * n + k], h[i * n + k + 1]);
            h[i * n + k] = x.times(c).plus(y.times(s));
            h[i * n + k + 1] = y.times(c.conjugate()).minus(x.times(s.conjugate()));
        }
    }
    for i in low..high {
        h[i * n + i] = h[i * n + i].plus(shift);
    }
}

/// A similar matrix that is 0 below its first subdiagonal: Gaussian elimination with pivots.
fn hessenberg(mut a: Dense) -> Dense {
    let n = a.rows;
    for m in 1..n.saturating_sub(1) {
        let pivot = (m..n).fold(m, |best, i| if a.at(i, m - 1).abs() > a.at(best, m - 1).abs() { i } else { best });
        if pivot != m {
            for j in 0..n {
                a.values.swap(pivot * n + j, m * n + j);
            }
            for i in 0..n {
                a.values.swap(i * n + pivot, i * n + m);
            }
        }
        let x = a.at(m, m - 1);
        if x == 0.0 {
            continue;
        }
        for i in m + 1..n {
            let y = a.at(i, m - 1) / x;
            if y != 0.0 {
                for j in m - 1..n {
                    a.values[i * n + j] -= y * a.values[m * n + j];
                }
                for k in 0..n {
                    a.values[k * n + m] += y * a.values[k * n + i];
                }
            }
        }
    }
    for i in 2..n {
        a.row_mut(i)[..i - 1].fill(0.0);
    }
    a
}

/// A linear map with an intercept, y ≈ mean + (x − mean)·weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Regression {
    mean_x: Vec<f64>,
    mean_y: Vec<f64>,
    /// [inputs, outputs], for inputs in their own units.
    weights: Dense,
}

/// Added to the inputs' correlation matrix: inputs that say the same (the entries of a normalised layer sum to a constant) then share
/// their weight, and nothing that a tested digit shows depends on it.
const RIDGE: f64 = 1e-10;

/// Examples that are added up at once.
const TOGETHER: usize = 32;

impl Regression {
    /// Least squares over `rows` examples, by Cholesky's factors of the correlations of `inputs` numbers each. `x` and `y` write
    /// example i's numbers. `None` where there are no more examples than inputs, or a number is not finite.
    pub fn fit(
        rows: usize,
        inputs: usize,
        outputs: usize,
        mut x: impl FnMut(usize, &mut [f64]),
        mut y: impl FnMut(usize, &mut [f64]),
    ) -> Option<Self> {
        if rows <= inputs || inputs == 0 || outputs == 0 {
            return None;
        }
        let (mut a, mut b) = (vec![0.0; inputs], vec![0.0; outputs]);
        let (mut mean_x, mut mean_y) = (vec![0.0; inputs], vec![0.0; outputs]);
        let n = rows as f64;
        let add = |sum: &mut [f64], row: &[f64]| sum.iter_mut().zip(row).for_each(|(s, v)| *s += v / n);
        for i in 0..rows {
            x(i, &mut a);
            y(i, &mut b);
            add(&mut mean_x, &a);
            add(&mut mean_y, &b);
        }
        let mut gram = Dense::zeros(inputs, inputs);
        let mut cross = Dense::zeros(inputs, outputs);
        let (mut some_x, mut some_y) = (vec![0.0; TOGETHER * inputs], vec![0.0; TOGETHER * outputs]);
        for from in (0..rows).step_by(TOGETHER) {
            let count = TOGETHER.min(rows - from);
            let (some_x, some_y) = (&mut some_x[..count * inputs], &mut some_y[..count * outputs]);
            for (i, (a, b)) in some_x.chunks_exact_mut(inputs).zip(some_y.chunks_exact_mut(outputs)).enumerate() {
                x(from + i, a);
                y(from + i, b);
                a.iter_mut().zip(&mean_x).for_each(|(v, mean)| *v -= mean);
                b.iter_mut().zip(&mean_y).for_each(|(v, mean)| *v -= mean);
            }
            add_crossed(some_x, inputs, some_x, inputs, &mut gram.values, true);
            add_crossed(some_x, inputs, some_y, outputs, &mut cross.values, false);
        }
        if gram.values.iter().chain(&cross.values).any(|v| !v.is_finite()) {
            return None;
        }
        // Correlations instead of covariances, so that the ridge means the same for every input; an input that never changes has no
        // say.
        let scale: Vec<f64> =
            (0..inputs).map(|k| gram.at(k, k).sqrt()).map(|s| if s > 0.0 { 1.0 / s } else { 0.0 }).collect();
        for i in 0..inputs {
            for j in i..inputs {
                let value = gram.at(i, j) * scale[i] * scale[j];
                gram.values[i * inputs + j] = value;
                gram.values[j * inputs + i] = value;
            }
            gram.values[i * inputs + i] = 1.0 + RIDGE;
            cross.row_mut(i).iter_mut().for_each(|v| *v *= scale[i]);
        }
        let factor = cholesky(gram)?;
        let mut weights = solve(&factor, cross);
        for (row, scale) in weights.values.chunks_exact_mut(outputs.max(1)).zip(&scale) {
            row.iter_mut().for_each(|v| *v *= scale);
        }
        Some(Self { mean_x, mean_y, weights })
    }

    /// What it says of each of `rows` examples: `x` writes example i's numbers, `output` gets the outputs, in order.
    pub fn predict(&self, rows: usize, mut x: impl FnMut(usize, &mut [f64]), mut output: impl FnMut(usize, &[f64])) {
        let (inputs, outputs) = (self.weights.rows, self.weights.columns);
        let mut one = vec![0.0; inputs];
        // Some examples, one in each column.
        let (mut some_x, mut some_y) = (vec![0.0; inputs * TOGETHER], vec![0.0; TOGETHER * outputs]);
        for from in (0..rows).step_by(TOGETHER) {
            let count = TOGETHER.min(rows - from);
            let (some_x, some_y) = (&mut some_x[..inputs * count], &mut some_y[..count * outputs]);
            for i in 0..count {
                x(from + i, &mut one);
                for (slots, (v, mean)) in some_x.chunks_exact_mut(count).zip(one.iter().zip(&self.mean_x)) {
                    slots[i] = v - mean;
                }
            }
            some_y.chunks_exact_mut(outputs).for_each(|y| y.copy_from_slice(&self.mean_y));
            add_crossed(some_x, count, &self.weights.values, outputs, some_y, false);
            some_y.chunks_exact(outputs).enumerate().for_each(|(i, y)| output(from + i, y));
        }
    }
}

/// L with L Lᵀ = `a`, below the diagonal and on it.
fn cholesky(mut a: Dense) -> Option<Dense> {
    let n = a.rows;
    for i in 0..n {
        for j in 0..=i {
            let dot: f64 = a.values[i * n..i * n + j].iter().zip(&a.values[j * n..j * n + j]).map(|(p, q)| p * q).sum();
            let rest = a.at(i, j) - dot;
            a.values[i * n + j] = if i == j {
                if !(rest > 0.0) {
                    return None;
                }
                rest.sqrt()
            } else {
                rest / a.at(j, j)
            };
        }
    }
    Some(a)
}

/// The B' with L Lᵀ B' = B.
fn solve(factor: &Dense, mut b: Dense) -> Dense {
    let (n, m) = (factor.rows, b.columns);
    let forward = (0..n).map(|i| (i, 0..i));
    let both = forward.chain((0..n).rev().map(|i| (i, i + 1..n)));
    for (i, others) in both {
        for k in others {
            // L below the diagonal on the way there, its transpose on the way back.
            let by = factor.at(i.max(k), i.min(k));
            for j in 0..m {
                b.values[i * m + j] -= by * b.values[k * m + j];
            }
        }
        b.row_mut(i).iter_mut().for_each(|v| *v /= factor.at(i, i));
    }
    b
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests {
    use super::*;

    /// The same numbers as those that the reference values below were computed from.
    fn congruential(count: usize) -> Vec<f64> {
        let mut state = 12345u64;
        (0..count)
            .map(|_| {
                state = (state * 1_103_515_245 + 12_345) % (1 << 31);
                state as f64 / f64::from(1u32 << 31) - 0.5
            })
            .collect()
    }

    #[test]
    fn eigenvalues_are_those_of_numpy() {
        let matrix = Dense { rows: 6, columns: 6, values: congruential(36) };
        let mut found = eigenvalues(&matrix).unwrap();
        found.sort_by(|a, b| (a.0, a.1).partial_cmp(&(b.0, b.1)).unwrap());
        // numpy.linalg.eigvals of the same matrix.
        let expected = [
            (-0.40616113670987486, -0.37865012306385726),
            (-0.40616113670987486, 0.37865012306385726),
            (0.0013228643490384223, 0.0),
            (0.29936756369151296, -0.46589967634595947),
            (0.29936756369151296, 0.46589967634595947),
            (0.41891339932511173, 0.0),
        ];
        // Conjugates have the same real part only up to rounding: compare each with the nearest.
        for (re, im) in expected {
            assert!(found.iter().any(|(a, b)| (a - re).hypot(b - im) < 1e-9), "{re} {im}: {found:?}");
        }
        assert_eq!(found.len(), 6);
    }

    #[test]
    fn eigenvalues_of_what_is_known() {
        let sorted = |rows: usize, values: &[f64]| {
            let mut found = eigenvalues(&Dense { rows, columns: rows, values: values.to_vec() }).unwrap();
            found.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
            found
        };
        assert_eq!(sorted(1, &[3.0]), [(3.0, 0.0)]);
        assert_eq!(sorted(2, &[0.0; 4]), [(0.0, 0.0); 2]);
        // A rotation by 90 degrees, and a cycle of three: the roots of unity.
        let quarter = sorted(2, &[0.0, -1.0, 1.0, 0.0]);
        assert!(quarter.iter().all(|(re, im)| re.abs() < 1e-12 && (im.abs() - 1.0).abs() < 1e-12), "{quarter:?}");
        let cycle = sorted(3, &[0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
        assert!(cycle.iter().all(|(re, im)| (re.hypot(*im) - 1.0).abs() < 1e-12), "{cycle:?}");
        // Of larger ones: their sum is the trace, and of A² the trace of A².
        let large = Dense { rows: 40, columns: 40, values: congruential(1600) };
        let found = eigenvalues(&large).unwrap();
        let trace = |m: &Dense| (0..40).map(|i| m.at(i, i)).sum::<f64>();
        assert!((found.iter().map(|l| l.0).sum::<f64>() - trace(&large)).abs() < 1e-8);
        let squares: f64 = found.iter().map(|l| l.0 * l.0 - l.1 * l.1).sum();
        assert!((squares - trace(&large.times(&large))).abs() < 1e-7);
        assert_eq!(eigenvalues(&Dense::zeros(2, 3)), None);
        assert_eq!(eigenvalues(&Dense { rows: 1, columns: 1, values: vec![f64::NAN] }), None);
    }

    #[test]
    fn least_squares_are_those_of_numpy() {
        let v = congruential(60 * 7);
        let entry = |i: usize, k: usize| v[i * 7 + k];
        let x = |i: usize, out: &mut [f64]| {
            (0..5).for_each(|k| out[k] = entry(i, k));
            out[4] = 100.0 * out[4] + 50.0;
        };
        let y = |i: usize, out: &mut [f64]| {
            out[0] = entry(i, 0) - 2.0 * entry(i, 1) + 0.3 * entry(i, 5) + 4.0;
            out[1] = 3.0 * entry(i, 2) + entry(i, 6);
        };
        let fit = Regression::fit(40, 5, 2, x, y).unwrap();
        let (mut input, mut output, mut truth) = ([0.0; 5], [0.0; 2], [0.0; 2]);
        let (mut residual, mut sums, mut squares) = (0.0, [0.0; 2], 0.0);
        for i in 40..60 {
            x(i, &mut input);
            y(i, &mut truth);
            fit.predict(1, |_, slots| slots.copy_from_slice(&input), |_, given| output.copy_from_slice(given));
            residual += (0..2).map(|k| (truth[k] - output[k]).powi(2)).sum::<f64>();
            squares += (0..2).map(|k| truth[k].powi(2)).sum::<f64>();
            (0..2).for_each(|k| sums[k] += truth[k]);
            // numpy.linalg.lstsq with a column of ones, fitted on the first 40 rows.
            let expected = match i {
                40 => [3.87596512, -0.07193911],
                59 => [4.40541016, -0.35209367],
                _ => continue,
            };
            assert!((0..2).all(|k| (output[k] - expected[k]).abs() < 1e-7), "{output:?}");
        }
        let total = squares - sums.iter().map(|s| s * s / 20.0).sum::<f64>();
        assert!((1.0 - residual / total - 0.9076982638890821).abs() < 1e-8);
        // No more examples than inputs, or no numbers: no fit.
        assert!(Regression::fit(5, 5, 2, x, y).is_none());
        assert!(Regression::fit(40, 5, 2, |_, out| out.fill(f64::NAN), y).is_none());
        // Inputs that say the same, or nothing, do not matter.
        let doubled = |i: usize, out: &mut [f64]| {
            x(i, &mut out[..5]);
            out[5] = out[0] + out[1];
            out[6] = 3.0;
        };
        let twice = Regression::fit(40, 7, 2, doubled, y).unwrap();
        // More than go together.
        let (mut once, mut again) = (Vec::new(), Vec::new());
        fit.predict(60, x, |_, given| once.extend_from_slice(given));
        twice.predict(60, doubled, |i, given| {
            assert_eq!(again.len(), 2 * i);
            again.extend_from_slice(given);
        });
        assert_eq!(once.len(), 120);
        assert!(once.iter().zip(&again).all(|(a, b)| (a - b).abs() < 1e-6), "{once:?} {again:?}");
        assert_eq!(once[2 * 59..], output);
    }
}
