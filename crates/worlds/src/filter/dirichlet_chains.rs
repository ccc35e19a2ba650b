//! A Markov chain with Dirichlet(alpha) rows, hidden, whose first token comes from its stationary distribution.
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
//! after its tangent at the mean, whose covariance is exact. Late in a sequence what remains is of no account, and the
//! tangent does alone.

use std::sync::Arc;

use crate::{
    rng::{Purpose, Stream},
    stationary::eliminate,
};

/// Particles at the first positions, where the correction is largest.
const PARTICLES: usize = 2048;
/// Later the correction and its error are small, and fewer do.
const FEWER_PARTICLES: usize = 256;
/// From this many observed transitions on.
const FEWER_FROM: usize = 16;
/// From here on without particles: the correction is of order 1/t, and what the tangent leaves of it of order 1/t².
const TANGENT_FROM: usize = 512;
/// Exponential variates drawn once and used by every sequence: enough for some 140 transitions before any
/// is used again.
const EXPONENTIALS: usize = 32 * PARTICLES;
const MAX_K: usize = 8;

/// What does not change: drawn once, shared by clones.
#[derive(Debug)]
struct Prior {
    k: usize,
    alpha: f64,
    cloud: Cloud,
    exponentials: Vec<f64>,
}

/// The particles; particle m's value is at m within each run of [`PARTICLES`], so that loops over particles are plain.
#[derive(Clone, Debug)]
struct Cloud {
    /// k x k runs of Gamma variates, row-major. Row i of particle m's chain is its k variates over their sum.
    gammas: Vec<f64>,
    /// k runs: one over the sum of a row.
    scales: Vec<f64>,
}

#[derive(Clone, Debug)]
pub struct DirichletChains {
    prior: Arc<Prior>,
    cloud: Cloud,
    /// pi(first) of each particle.
    pi: Vec<f64>,
    /// pi less its tangent.
    rest: Vec<f64>,
    /// Transitions seen, row-major.
    counts: Vec<f64>,
    seen: usize,
    /// Exponentials used.
    used: usize,
    first: Option<usize>,
    last: usize,
}

impl DirichletChains {
    pub fn new(k: usize, alpha: f64) -> Self {
        let k = k.clamp(1, MAX_K);
        let mut stream = Stream::new(0, Purpose::Particles, k as u64);
        let gammas = (0..k * k * PARTICLES).map(|_| stream.gamma(alpha).max(f64::MIN_POSITIVE)).collect();
        let exponentials = (0..EXPONENTIALS).map(|_| stream.exponential()).collect();
        let mut cloud = Cloud { gammas, scales: vec![0.0; k * PARTICLES] };
        (0..k).for_each(|i| cloud.rescale(i, k, PARTICLES));
        Self {
            cloud: cloud.clone(),
            prior: Arc::new(Prior { k, alpha, cloud, exponentials }),
            pi: vec![0.0; PARTICLES],
            rest: vec![0.0; PARTICLES],
            counts: vec![0.0; k * k],
            seen: 0,
            used: 0,
            first: None,
            last: 0,
        }
    }

    pub fn vocab(&self) -> usize {
        self.prior.k
    }

    pub fn reset(&mut self) {
        self.cloud.gammas.copy_from_slice(&self.prior.cloud.gammas);
        self.cloud.scales.copy_from_slice(&self.prior.cloud.scales);
        self.counts.fill(0.0);
        self.seen = 0;
        // The same sequence always gets the same predictions.
        self.used = 0;
        self.first = None;
        self.last = 0;
    }

    fn particles(&self) -> usize {
        match self.seen {
            0..FEWER_FROM => PARTICLES,
            FEWER_FROM..TANGENT_FROM => FEWER_PARTICLES,
            _ => 0,
        }
    }

    pub fn observe(&mut self, token: u16) {
        let (k, token) = (self.prior.k, usize::from(token));
        if token >= k {
            self.reset();
            return;
        }
        if self.first.is_none() {
            self.first = Some(token);
        } else {
            let at = self.last * k + token;
            self.counts[at] += 1.0;
            self.seen += 1;
            let particles = self.particles();
            // When all are used, from the start again, but for other particles.
            let lap = self.used / (EXPONENTIALS - 2 * PARTICLES);
            let from = (self.used + 379 * lap) % (EXPONENTIALS - PARTICLES);
            self.used += particles;
            let exponentials = &self.prior.exponentials[from..from + particles];
            let gammas = &mut self.cloud.gammas[at * PARTICLES..at * PARTICLES + particles];
            gammas.iter_mut().zip(exponentials).for_each(|(gamma, e)| *gamma += e);
            self.cloud.rescale(self.last, k, particles);
        }
        self.last = token;
    }

    pub fn predict(&mut self, out: &mut [f64]) {
        let k = self.prior.k;
        let Some(first) = self.first else {
            out.fill(1.0 / k as f64);
            return;
        };
        let mut mean = [0.0; MAX_K * MAX_K];
        let mut totals = [0.0; MAX_K];
        for i in 0..k {
            totals[i] = k as f64 * self.prior.alpha + self.counts[i * k..(i + 1) * k].iter().sum::<f64>();
            for j in 0..k {
                mean[i * k + j] = (self.prior.alpha + self.counts[i * k + j]) / totals[i];
            }
        }
        let (pi_at_mean, slope) = tangent(&mean[..k * k], k, first);

        let n = self.particles();
        let (pi, rest) = (&mut self.pi[..n], &mut self.rest[..n]);
        self.cloud.stationary_entries(k, first, pi);
        rest.copy_from_slice(pi);
        for i in 0..k {
            let scales = self.cloud.scales(i, n);
            for j in 0..k {
                let slope = slope[i * k + j];
                for ((rest, gamma), scale) in rest.iter_mut().zip(self.cloud.gammas(i * k + j, n)).zip(scales) {
                    *rest -= slope * gamma * scale;
                }
            }
        }
        let n_real = n.max(1) as f64;
        let expected_pi = if n == 0 { pi_at_mean } else { pi.iter().sum::<f64>() / n_real };
        let expected_rest = rest.iter().sum::<f64>() / n_real;
        let row = self.last;
        let scales = self.cloud.scales(row, n);
        let mut sum = 0.0;
        for j in 0..k {
            let m = mean[row * k + j];
            // Cov(W_rj, W_rl) = (m_j [j = l] - m_j m_l) / (total + 1), summed with the slopes.
            let spread: f64 = (0..k).map(|l| slope[row * k + l] * mean[row * k + l]).sum();
            let linear = m * (slope[row * k + j] - spread) / (totals[row] + 1.0);
            // Cov(rest, W_rj), with the mean of W_rj known.
            let mut product = 0.0;
            for ((rest, gamma), scale) in rest.iter().zip(self.cloud.gammas(row * k + j, n)).zip(scales) {
                product += (rest - expected_rest) * gamma * scale;
            }
            // The estimate may overshoot where the mean itself is tiny; a probability stays positive.
            out[j] = (m + (linear + product / n_real) / expected_pi).max(0.01 * m);
            sum += out[j];
        }
        out.iter_mut().for_each(|p| *p /= sum);
    }
}

impl Cloud {
    fn gammas(&self, entry: usize, particles: usize) -> &[f64] {
        &self.gammas[entry * PARTICLES..entry * PARTICLES + particles]
    }

    fn scales(&self, row: usize, particles: usize) -> &[f64] {
        &self.scales[row * PARTICLES..row * PARTICLES + particles]
    }

    fn rescale(&mut self, row: usize, k: usize, particles: usize) {
        let scales = &mut self.scales[row * PARTICLES..row * PARTICLES + particles];
        scales.fill(0.0);
        for j in 0..k {
            let at = (row * k + j) * PARTICLES;
            scales.iter_mut().zip(&self.gammas[at..at + particles]).for_each(|(scale, gamma)| *scale += gamma);
        }
        scales.iter_mut().for_each(|scale| *scale = 1.0 / *scale);
    }

    /// pi(first) of the first `out.len()` particles.
    fn stationary_entries(&self, k: usize, first: usize, out: &mut [f64]) {
        let n = out.len();
        match k {
            2 => {
                let second = 1 - first;
                let (leave, leaving) = (self.gammas(first * 2 + second, n), self.scales(first, n));
                let (enter, entering) = (self.gammas(second * 2 + first, n), self.scales(second, n));
                for m in 0..n {
                    let (leave, enter) = (leave[m] * leaving[m], enter[m] * entering[m]);
                    out[m] = enter / (leave + enter);
                }
            }
            3 => {
                let (a, b, c) = (first, (first + 1) % 3, (first + 2) % 3);
                let [ab, ac, ba, bc, ca, cb] =
                    [(a, b), (a, c), (b, a), (b, c), (c, a), (c, b)].map(|(i, j)| self.gammas(i * 3 + j, n));
                let [of_a, of_b, of_c] = [a, b, c].map(|i| self.scales(i, n));
                for m in 0..n {
                    let (ab, ac) = (ab[m] * of_a[m], ac[m] * of_a[m]);
                    let (ba, bc) = (ba[m] * of_b[m], bc[m] * of_b[m]);
                    let (ca, cb) = (ca[m] * of_c[m], cb[m] * of_c[m]);
                    // Markov chain tree theorem: a state's weight is the sum over spanning trees directed to it.
                    let to_a = ba * ca + bc * ca + cb * ba;
                    let to_b = ab * cb + ac * cb + ca * ab;
                    let to_c = ac * bc + ab * bc + ba * ac;
                    out[m] = to_a / (to_a + to_b + to_c);
                }
            }
            _ => {
                let mut matrix = [0.0; MAX_K * MAX_K];
                let mut distribution = [0.0; MAX_K];
                for (m, slot) in out.iter_mut().enumerate() {
                    for i in 0..k {
                        for j in 0..k {
                            let at = i * k + j;
                            matrix[at] = self.gammas[at * PARTICLES + m] * self.scales[i * PARTICLES + m];
                        }
                    }
                    eliminate(&mut matrix[..k * k], k, &mut distribution[..k]);
                    *slot = distribution[first];
                }
            }
        }
    }
}

/// How many times a particle is updated over a sequence.
pub fn particle_updates(length: usize) -> usize {
    length.min(FEWER_FROM) * PARTICLES + length.min(TANGENT_FROM) * FEWER_PARTICLES + length
}

/// pi(first), and the derivative of pi(first) by each entry of the chain's matrix, at `mean`, along changes that keep rows' sums:
/// `d pi(first) = Σ_ij pi(i) dW_ij Z_j`, where Z solves `(I - W) Z = e_first - pi(first)`, up to a constant.
fn tangent(mean: &[f64], k: usize, first: usize) -> (f64, [f64; MAX_K * MAX_K]) {
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
                let (factor, pivot_row) = (a[r][column] / a[column][column], a[column]);
                a[r].iter_mut().zip(pivot_row).for_each(|(entry, p)| *entry -= factor * p);
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
    (pi[first], slope)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// E[f pi(x_1)] / E[pi(x_1)] for k = 2, alpha = 1, by the midpoint rule over both rows.
    fn quadrature(tokens: &[usize]) -> f64 {
        const N: usize = 1000;
        let last = *tokens.last().expect("one token");
        let mut counts = [[0.0; 2]; 2];
        tokens.windows(2).for_each(|t| counts[t[0]][t[1]] += 1.0);
        let frequent = |c: [f64; 2]| c.map(|n| (n + 0.5) / (c[0] + c[1] + 1.0));
        let likely = counts.map(frequent);
        let (mut top, mut bottom) = (0.0, 0.0);
        for a in 0..N {
            for b in 0..N {
                // Probability of leaving 0 and of leaving 1.
                let (a, b) = ((a as f64 + 0.5) / N as f64, (b as f64 + 0.5) / N as f64);
                let w = [[1.0 - a, a], [b, 1.0 - b]];
                let pi = [b / (a + b), a / (a + b)];
                // Relative to the most likely rows, or long sequences would underflow.
                let log: f64 =
                    (0..4).map(|at| (at / 2, at % 2)).map(|(i, j)| counts[i][j] * (w[i][j] / likely[i][j]).ln()).sum();
                let likelihood = log.exp() * pi[tokens[0]];
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
            assert!((out[0] - exact).abs() < 0.006, "at {t}: {} is not {exact}", out[0]);
        }
        // P(stay | x_1) in closed form.
        filter.reset();
        filter.observe(0);
        filter.predict(&mut out);
        assert!((out[0] - (1.0 - 4.0 / 3.0 * (1.0 - std::f64::consts::LN_2))).abs() < 0.004, "{out:?}");
    }

    #[test]
    fn late_predictions_need_no_particles() {
        let mut filter = DirichletChains::new(2, 1.0);
        let mut stream = Stream::new(6, Purpose::MonteCarlo, 0);
        let mut tokens = vec![0];
        while tokens.len() < TANGENT_FROM + 2 {
            let stay = stream.uniform() < if tokens[tokens.len() - 1] == 0 { 0.7 } else { 0.4 };
            tokens.push(if stay { tokens[tokens.len() - 1] } else { 1 - tokens[tokens.len() - 1] });
        }
        tokens.iter().for_each(|&x| filter.observe(x as u16));
        assert_eq!(filter.particles(), 0);
        let mut out = [0.0; 2];
        filter.predict(&mut out);
        let exact = quadrature(&tokens);
        assert!((out[0] - exact).abs() < 2e-5, "{} is not {exact}", out[0]);
    }

    #[test]
    fn the_stationary_entries_agree() {
        for k in [2, 3] {
            let cloud = &DirichletChains::new(k, 0.7).cloud;
            for m in 0..5 {
                let mut w: Vec<f64> = (0..k * k)
                    .map(|at| cloud.gammas[at * PARTICLES + m] * cloud.scales[at / k * PARTICLES + m])
                    .collect();
                let mut distribution = vec![0.0; k];
                eliminate(&mut w, k, &mut distribution);
                for (i, p) in distribution.iter().enumerate() {
                    let mut entries = vec![0.0; m + 1];
                    cloud.stationary_entries(k, i, &mut entries);
                    assert!((entries[m] - p).abs() < 1e-12);
                }
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
