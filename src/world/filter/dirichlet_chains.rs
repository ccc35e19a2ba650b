//! A Markov chain with Dirichlet(alpha) rows, hidden, whose first token comes from its stationary law.
//!
//! Were the first token drawn uniformly, the rows' posterior would be Dirichlet(alpha + counts) and the predictive its
//! mean, `(c_ij + alpha) / (c_i + k alpha)`. But the first token is evidence too, with likelihood `pi_W(x_1)`, so with E
//! and Cov under those Dirichlet rows
//!
//! `P(j | x_1..x_t, x_t = i) = E[pi(x_1) W_ij] / E[pi(x_1)] = mean_ij + Cov(pi(x_1), W_ij) / E[pi(x_1)]`.
//!
//! Mean is known; the correction, of order 1/t, is estimated with particles drawn exactly from that Dirichlet: each
//! holds independent Gamma(alpha + counts) variates, which an observed i -> j keeps up to date by adding an exponential.
//! The linear part of the covariance is known as well and is not left to chance: pi is replaced by what remains of it
//! after its tangent at the mean, whose covariance is exact.

use crate::world::{
    rng::{Purpose, Stream},
    stationary::eliminate,
};

/// Particles at the first positions, where the correction is largest.
const PARTICLES: usize = 1024;
/// Later the correction and its error are small, and fewer do.
const FEWER_PARTICLES: usize = 256;
/// From this many observed transitions on.
const FEWER_FROM: usize = 24;
const MAX_K: usize = 8;

#[derive(Clone, Debug)]
pub struct DirichletChains {
    k: usize,
    alpha: f64,
    /// Gamma variates at the start, one k x k block per particle.
    initial: Vec<f64>,
    gammas: Vec<f64>,
    /// Transitions seen, row-major.
    counts: Vec<f64>,
    seen: usize,
    first: Option<usize>,
    last: usize,
    stream: Stream,
    initial_stream: Stream,
}

impl DirichletChains {
    pub fn new(k: usize, alpha: f64) -> Self {
        let k = k.clamp(1, MAX_K);
        let mut stream = Stream::new(0, Purpose::Particles, k as u64);
        let initial: Vec<f64> = (0..PARTICLES * k * k).map(|_| stream.gamma(alpha).max(f64::MIN_POSITIVE)).collect();
        Self {
            k,
            alpha,
            gammas: initial.clone(),
            initial,
            counts: vec![0.0; k * k],
            seen: 0,
            first: None,
            last: 0,
            initial_stream: stream.clone(),
            stream,
        }
    }

    pub fn vocab(&self) -> usize {
        self.k
    }

    pub fn reset(&mut self) {
        self.gammas.copy_from_slice(&self.initial);
        self.counts.fill(0.0);
        self.seen = 0;
        self.first = None;
        self.last = 0;
        // The same sequence always gets the same predictions.
        self.stream = self.initial_stream.clone();
    }

    fn particles(&self) -> usize {
        if self.seen < FEWER_FROM { PARTICLES } else { FEWER_PARTICLES }
    }

    pub fn observe(&mut self, token: u16) {
        let token = usize::from(token);
        if token >= self.k {
            self.reset();
            return;
        }
        if self.first.is_none() {
            self.first = Some(token);
        } else {
            let at = self.last * self.k + token;
            self.counts[at] += 1.0;
            self.seen += 1;
            let particles = self.particles();
            for gamma in self.gammas[at..].iter_mut().step_by(self.k * self.k).take(particles) {
                *gamma += self.stream.exponential();
            }
        }
        self.last = token;
    }

    pub fn predict(&self, out: &mut [f64]) {
        let k = self.k;
        let Some(first) = self.first else {
            out.fill(1.0 / k as f64);
            return;
        };
        let mut mean = [0.0; MAX_K * MAX_K];
        let mut totals = [0.0; MAX_K];
        for i in 0..k {
            totals[i] = k as f64 * self.alpha + self.counts[i * k..(i + 1) * k].iter().sum::<f64>();
            for j in 0..k {
                mean[i * k + j] = (self.alpha + self.counts[i * k + j]) / totals[i];
            }
        }
        let slope = tangent(&mean[..k * k], k, first);

        let row = self.last;
        let (mut sum_rest, mut sum_pi) = (0.0, 0.0);
        let mut sum_w = [0.0; MAX_K];
        let mut sum_product = [0.0; MAX_K];
        let particles = self.particles();
        for gammas in self.gammas.chunks_exact(k * k).take(particles) {
            let mut w = [0.0; MAX_K * MAX_K];
            for i in 0..k {
                let total: f64 = gammas[i * k..(i + 1) * k].iter().sum();
                let scale = 1.0 / total;
                for j in 0..k {
                    w[i * k + j] = gammas[i * k + j] * scale;
                }
            }
            let pi = stationary_entry(&w[..k * k], k, first);
            let rest = pi - slope.iter().zip(&w).take(k * k).map(|(s, w)| s * w).sum::<f64>();
            sum_pi += pi;
            sum_rest += rest;
            for j in 0..k {
                sum_w[j] += w[row * k + j];
                sum_product[j] += rest * w[row * k + j];
            }
        }
        let n = particles as f64;
        let expected_pi = sum_pi / n;
        let mut sum = 0.0;
        for j in 0..k {
            let m = mean[row * k + j];
            // Cov(W_rj, W_rl) = (m_j [j = l] - m_j m_l) / (total + 1), summed with the slopes.
            let spread: f64 = (0..k).map(|l| slope[row * k + l] * mean[row * k + l]).sum();
            let linear = m * (slope[row * k + j] - spread) / (totals[row] + 1.0);
            let rest = sum_product[j] / n - (sum_rest / n) * (sum_w[j] / n);
            // The estimate may overshoot where the mean itself is tiny; a probability stays positive.
            out[j] = (m + (linear + rest) / expected_pi).max(0.01 * m);
            sum += out[j];
        }
        out.iter_mut().for_each(|p| *p /= sum);
    }
}

/// pi(first) of a positive k x k chain.
fn stationary_entry(w: &[f64], k: usize, first: usize) -> f64 {
    match k {
        2 => {
            let (leave, enter) = (w[first * 3 ^ 1], w[(1 - first) * 2 + first]);
            enter / (leave + enter)
        }
        3 => {
            // Markov chain tree theorem: the weight of a state is the sum over spanning trees directed to it.
            let tree = |a: usize, b: usize, c: usize| {
                w[b * 3 + a] * w[c * 3 + a] + w[b * 3 + c] * w[c * 3 + a] + w[c * 3 + b] * w[b * 3 + a]
            };
            let trees = [tree(0, 1, 2), tree(1, 2, 0), tree(2, 0, 1)];
            trees[first] / (trees[0] + trees[1] + trees[2])
        }
        _ => {
            let mut matrix = [0.0; MAX_K * MAX_K];
            matrix[..k * k].copy_from_slice(w);
            let mut law = [0.0; MAX_K];
            eliminate(&mut matrix[..k * k], k, &mut law[..k]);
            law[first]
        }
    }
}

/// The derivative of pi(first) by each entry of the chain's matrix, at `mean`, along changes that keep rows' sums:
/// `d pi(first) = Σ_ij pi(i) dW_ij Z_j`, where Z solves `(I - W) Z = e_first - pi(first)`, up to a constant.
fn tangent(mean: &[f64], k: usize, first: usize) -> [f64; MAX_K * MAX_K] {
    let mut matrix = [0.0; MAX_K * MAX_K];
    matrix[..k * k].copy_from_slice(mean);
    let mut pi = [0.0; MAX_K];
    eliminate(&mut matrix[..k * k], k, &mut pi[..k]);
    // I - W + 1 pi is regular, and has the same solutions up to the constant.
    let mut a = [[0.0; MAX_K + 1]; MAX_K];
    for i in 0..k {
        for j in 0..k {
            a[i][j] = f64::from(u8::from(i == j)) - mean[i * k + j] + pi[j];
        }
        a[i][k] = f64::from(u8::from(i == first)) - pi[first];
    }
    for column in 0..k {
        let pivot =
            (column..k).fold(column, |best, r| if a[r][column].abs() > a[best][column].abs() { r } else { best });
        a.swap(column, pivot);
        for r in 0..k {
            if r != column && a[column][column] != 0.0 {
                let factor = a[r][column] / a[column][column];
                for c in column..=k {
                    a[r][c] -= factor * a[column][c];
                }
            }
        }
    }
    let mut slope = [0.0; MAX_K * MAX_K];
    for i in 0..k {
        for j in 0..k {
            let z = if a[j][j] == 0.0 { 0.0 } else { a[j][k] / a[j][j] };
            slope[i * k + j] = pi[i] * z;
        }
    }
    slope
}

#[cfg(test)]
mod tests {
    use super::*;

    /// E[f pi(x_1)] / E[pi(x_1)] for k = 2, alpha = 1, by the midpoint rule over both rows.
    fn quadrature(tokens: &[usize]) -> f64 {
        const N: usize = 1000;
        let last = *tokens.last().expect("one token");
        let (mut top, mut bottom) = (0.0, 0.0);
        for a in 0..N {
            for b in 0..N {
                // Chance of leaving 0 and of leaving 1.
                let (a, b) = ((a as f64 + 0.5) / N as f64, (b as f64 + 0.5) / N as f64);
                let w = [[1.0 - a, a], [b, 1.0 - b]];
                let pi = [b / (a + b), a / (a + b)];
                let likelihood = tokens.windows(2).map(|t| w[t[0]][t[1]]).product::<f64>() * pi[tokens[0]];
                bottom += likelihood;
                top += likelihood * w[last][0];
            }
        }
        top / bottom
    }

    #[test]
    fn agrees_with_quadrature_for_two_states() {
        let mut out = [0.0; 2];
        let mut filter = DirichletChains::new(2, 1.0);
        let tokens = [0, 1, 1, 1, 0, 0, 1, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1];
        for t in 1..=tokens.len() {
            filter.reset();
            tokens[..t].iter().for_each(|&x| filter.observe(x as u16));
            filter.predict(&mut out);
            let exact = quadrature(&tokens[..t]);
            println!("t {t}: {:.5} exact {exact:.5} error {:.5}", out[0], out[0] - exact);
            assert!((out[0] - exact).abs() < 0.006, "at {t}: {} is not {exact}", out[0]);
        }
        // P(stay | x_1) in closed form.
        filter.reset();
        filter.observe(0);
        filter.predict(&mut out);
        assert!((out[0] - (1.0 - 4.0 / 3.0 * (1.0 - std::f64::consts::LN_2))).abs() < 0.004, "{out:?}");
    }

    #[test]
    fn the_stationary_entries_agree() {
        let mut stream = Stream::new(1, Purpose::MonteCarlo, 0);
        for k in [2, 3] {
            let mut w = vec![0.0; k * k];
            w.chunks_mut(k).for_each(|row| stream.dirichlet(0.7, row));
            let mut law = vec![0.0; k];
            eliminate(&mut w.clone(), k, &mut law);
            for (i, p) in law.iter().enumerate() {
                assert!((stationary_entry(&w, k, i) - p).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn many_states_and_peaked_rows_stay_sound() {
        for (k, alpha) in [(8, 0.05), (5, 100.0), (3, 0.05)] {
            let mut filter = DirichletChains::new(k, alpha);
            let mut out = vec![0.0; k];
            for t in 0..60 {
                filter.predict(&mut out);
                assert!((out.iter().sum::<f64>() - 1.0).abs() < 1e-9 && out.iter().all(|p| *p > 0.0), "{out:?}");
                filter.observe((t * t % k) as u16);
            }
        }
    }
}
