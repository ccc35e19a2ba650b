//! The convex mixture of known distributions that comes nearest to a given one.

use serde::{Deserialize, Serialize};

/// Most distributions that can be mixed. Their probabilities of one outcome stand side by side, so that a round goes through memory once.
pub const WIDTH: usize = 12;

/// No mixture is nearer than the one found by more than this, nats per cell.
pub const ENOUGH: f64 = 1e-4;
const MOST_ROUNDS: usize = 60;
/// In one round no weight falls below this share of itself: near the simplex's faces a quadratic is no guide.
const SHRINK: f64 = 0.1;

/// Weights on distributions, and how well they do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Mixture {
    /// Not negative; their sum is 1.
    pub weights: Vec<f64>,
    /// Mean KL(target || mixture), nats per cell: what no mixture of these distributions explains.
    pub left: f64,
    /// No mixture is nearer than `left` by more than this.
    pub slack: f64,
    pub rounds: usize,
}

/// Minimises the mean of KL(target || Σ w_j distribution_j) over the weights w. `target`: probabilities of the outcomes of `cells` cells,
/// [cells, V]; `probabilities`: those of each distribution in the first `distributions` columns. `start`: weights to start from; uniform
/// where they do not fit.
///
/// Newton's method on the simplex: each round goes through the data once, for gradient and Hessian, and then to where their quadratic is
/// least on the simplex. Where that brought nothing, one round of expectation maximisation, w_j ← w_j g_j with the gains
/// g_j = mean Σ_x target(x) distribution_j(x)/mixture(x), which never makes it worse. The problem is convex, and mean KL at w exceeds the
/// least there is by at most max g_j - 1 (the gradient's inequality for -ln, at the best weights): that is the certificate, and when to
/// stop.
pub fn nearest(
    target: &[f32],
    probabilities: &[[f32; WIDTH]],
    cells: usize,
    distributions: usize,
    start: &[f64],
) -> Mixture {
    let distributions = distributions.min(WIDTH);
    let even = 1.0 / distributions.max(1) as f64;
    let mut weights = [0.0; WIDTH];
    for (j, w) in weights.iter_mut().take(distributions).enumerate() {
        // From a weight of 0 there is no way back.
        *w = if start.len() == distributions { 0.98 * start[j] + 0.02 * even } else { even };
    }
    let (mut rounds, mut before) = (0, f64::INFINITY);
    let slack = loop {
        rounds += 1;
        let slopes = Slopes::at(target, probabilities, cells, distributions, &weights);
        let slack = slopes.gains[..distributions].iter().fold(1.0, |most: f64, g| most.max(*g)) - 1.0;
        if slack < ENOUGH || rounds == MOST_ROUNDS {
            break slack;
        }
        if slack < before {
            let aim = slopes.least(&weights, distributions);
            weights.iter_mut().zip(aim).for_each(|(w, a)| *w = a.max(SHRINK * *w));
        } else {
            weights.iter_mut().zip(slopes.gains).for_each(|(w, g)| *w *= g);
        }
        before = slack;
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|w| *w /= sum);
    };
    let left = divergence(target, probabilities, cells, &weights).max(0.0);
    Mixture { weights: weights[..distributions].to_vec(), left, slack, rounds }
}

/// Mean KL(target || mixture).
fn divergence(target: &[f32], probabilities: &[[f32; WIDTH]], cells: usize, weights: &[f64; WIDTH]) -> f64 {
    let w = weights.map(|w| w as f32);
    let term = |(&p, distribution): (&f32, &[f32; WIDTH])| {
        let mixed = dot(&w, distribution);
        if p > 0.0 && mixed > 0.0 { f64::from(p * (p / mixed).ln()) } else { 0.0 }
    };
    target.iter().zip(probabilities).map(term).sum::<f64>() / cells.max(1) as f64
}

/// How mean KL changes with the weights: its gradient is minus the gains.
struct Slopes {
    gains: [f64; WIDTH],
    curvature: [[f64; WIDTH]; WIDTH],
}

impl Slopes {
    fn at(
        target: &[f32],
        probabilities: &[[f32; WIDTH]],
        cells: usize,
        distributions: usize,
        weights: &[f64; WIDTH],
    ) -> Self {
        /// Added up in single precision before they are added up in double.
        const CHUNK: usize = 256;
        let w = weights.map(|w| w as f32);
        let (mut gains, mut curvature) = ([0.0; WIDTH], [[0.0; WIDTH]; WIDTH]);
        for (target, probabilities) in target.chunks(CHUNK).zip(probabilities.chunks(CHUNK)) {
            let (mut g, mut h) = ([0.0f32; WIDTH], [[0.0f32; WIDTH]; WIDTH]);
            for (&p, distribution) in target.iter().zip(probabilities) {
                let mixed = dot(&w, distribution);
                if p > 0.0 && mixed > 0.0 {
                    let ratio = p / mixed;
                    g.iter_mut().zip(distribution).for_each(|(slot, q)| *slot += ratio * q);
                    for (row, q) in h.iter_mut().zip(distribution).take(distributions) {
                        let scaled = ratio / mixed * q;
                        row.iter_mut().zip(distribution).for_each(|(slot, q)| *slot += scaled * q);
                    }
                }
            }
            gains.iter_mut().zip(g).for_each(|(slot, g)| *slot += f64::from(g));
            let rows = curvature.iter_mut().flatten().zip(h.iter().flatten());
            rows.for_each(|(slot, h)| *slot += f64::from(*h));
        }
        let n = cells.max(1) as f64;
        Self { gains: gains.map(|g| g / n), curvature: curvature.map(|row| row.map(|h| h / n)) }
    }

    /// Where the quadratic with these slopes at `w` is least on the simplex: weight moves from the distribution that gains least by it to
    /// the one that gains most, until none gains.
    fn least(&self, w: &[f64; WIDTH], distributions: usize) -> [f64; WIDTH] {
        let (mut v, mut gains, h) = (*w, self.gains, &self.curvature);
        for _ in 0..2000 {
            let by_gain = |a: &usize, b: &usize| gains[*a].total_cmp(&gains[*b]);
            let to = (0..distributions).max_by(by_gain);
            let from = (0..distributions).filter(|&j| v[j] > 0.0).min_by(by_gain);
            let (Some(to), Some(from)) = (to, from) else { break };
            let gain = gains[to] - gains[from];
            if gain < 1e-7 {
                break;
            }
            let bend = (h[to][to] + h[from][from] - 2.0 * h[to][from]).max(1e-12);
            let moved = (gain / bend).min(v[from]);
            v[to] += moved;
            v[from] -= moved;
            gains.iter_mut().zip(h).for_each(|(g, row)| *g -= moved * (row[to] - row[from]));
        }
        v
    }
}

/// In four sums side by side, as a processor adds them.
fn dot(a: &[f32; WIDTH], b: &[f32; WIDTH]) -> f32 {
    let mut sums = [0.0f32; 4];
    for (a, b) in a.chunks_exact(4).zip(b.chunks_exact(4)) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{Purpose, Stream};

    /// Random distributions of `cells` cells over `v` outcomes.
    fn distributions(cells: usize, v: usize, count: usize) -> Vec<[f32; WIDTH]> {
        let mut table = vec![[0.0; WIDTH]; cells * v];
        let mut stream = Stream::new(5, Purpose::Timing, 0);
        for cell in table.chunks_mut(v) {
            for j in 0..count {
                let distribution = stream.dirichlet_with(&vec![0.7; v]);
                cell.iter_mut().zip(distribution).for_each(|(row, p)| row[j] = p as f32);
            }
        }
        table
    }

    fn mixed(table: &[[f32; WIDTH]], weights: &[f64]) -> Vec<f32> {
        table.iter().map(|row| row.iter().zip(weights).map(|(p, w)| p * *w as f32).sum()).collect()
    }

    #[test]
    fn known_weights_are_found() {
        let table = distributions(300, 4, 5);
        let weights = [0.5, 0.0, 0.3, 0.15, 0.05];
        let found = nearest(&mixed(&table, &weights), &table, 300, 5, &[]);
        assert!(found.left < 1e-4 && found.slack < ENOUGH, "{found:?}");
        for (found, w) in found.weights.iter().zip(weights) {
            assert!((found - w).abs() < 0.02, "{found} for {w}");
        }
        assert!((found.weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        // From a start of its own, the same and sooner.
        let again = nearest(&mixed(&table, &weights), &table, 300, 5, &found.weights);
        assert!(again.rounds <= found.rounds && again.left < 1e-4, "{} then {}", found.rounds, again.rounds);
    }

    /// Distributions that have next to no probability for what is there are where a quadratic misleads most.
    #[test]
    fn hard_starts_end_well() {
        let sure = |j: usize| if j == 0 { [1.0 - 1e-9, 1e-9] } else { [1e-9, 1.0 - 1e-9] };
        let table: Vec<[f32; WIDTH]> = (0..200)
            .flat_map(|cell| {
                let (a, b) = (sure(usize::from(cell % 5 == 0)), sure(cell % 2));
                [0, 1].map(|x| {
                    let mut row = [0.0; WIDTH];
                    row[..3].copy_from_slice(&[a[x], b[x], 0.5]);
                    row
                })
            })
            .collect();
        for weights in [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.3, 0.3, 0.4], [0.01, 0.98, 0.01]] {
            for start in [vec![], vec![1.0, 0.0, 0.0], vec![0.0, 1.0, 0.0], vec![0.0, 0.0, 1.0]] {
                let found = nearest(&mixed(&table, &weights), &table, 200, 3, &start);
                assert!(
                    found.slack < ENOUGH && found.left < 2.0 * ENOUGH && found.rounds < 30,
                    "{weights:?} {start:?}: {found:?}"
                );
            }
        }
    }

    #[test]
    fn no_point_of_a_grid_is_better() {
        // The target is no mixture of the distributions.
        let table = distributions(200, 3, 4);
        let target: Vec<f32> = table.iter().map(|row| row[3]).collect();
        let found = nearest(&target, &table, 200, 3, &[]);
        let mut least = f64::INFINITY;
        for a in 0..=40 {
            for b in 0..=40 - a {
                let w = [a as f64 / 40.0, b as f64 / 40.0, (40 - a - b) as f64 / 40.0];
                let mut weights = [0.0; WIDTH];
                weights[..3].copy_from_slice(&w);
                least = least.min(divergence(&target, &table, 200, &weights));
            }
        }
        assert!(found.left <= least + ENOUGH && found.left > 0.01, "{} against {least}", found.left);
        // Two distributions that are the same: any split of their weight will do.
        let twice: Vec<[f32; WIDTH]> =
            table.iter().map(|row| [row[0], row[0], row[1], row[2], 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]).collect();
        let split = nearest(&target, &twice, 200, 4, &[]);
        assert!((split.left - found.left).abs() < 2.0 * ENOUGH);
        assert!((split.weights[0] + split.weights[1] - found.weights[0]).abs() < 0.05);
    }
}
