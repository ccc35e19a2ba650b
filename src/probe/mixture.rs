//! The convex mixture of known laws that comes nearest to a given one.

/// Most laws that can be mixed. Their chances of one outcome stand side by side, so that a round goes through memory once.
pub const WIDTH: usize = 12;

/// A round more would not bring the mixture nearer by more than this, nats per cell.
pub const ENOUGH: f64 = 1e-4;
const MOST_ROUNDS: usize = 200;

/// Weights on laws, and how well they do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mixture {
    /// Not negative; their sum is 1.
    pub weights: Vec<f64>,
    /// Mean KL(target || mixture), nats per cell: what no mixture of these laws explains.
    pub left: f64,
    /// No mixture is nearer than `left` by more than this.
    pub slack: f64,
    pub rounds: usize,
}

/// Minimises the mean of KL(target || Σ w_j law_j) over the weights w. `target`: chances of the outcomes of `cells` cells, [cells, V];
/// `chances`: those of each law in the first `laws` columns. `start`: weights to start from; uniform where they do not fit.
///
/// Expectation maximisation, w_j ← w_j g_j with g_j = mean Σ_x target(x) law_j(x)/mixture(x), with g_j taken to a growing power while that
/// goes well (Salakhutdinov and Roweis 2003). The problem is convex, and mean KL at w exceeds the least there is by at most
/// max g_j - 1 (the gradient's inequality for -ln, at the best weights), which is when to stop.
pub fn nearest(target: &[f32], chances: &[[f32; WIDTH]], cells: usize, laws: usize, start: &[f64]) -> Mixture {
    let laws = laws.min(WIDTH);
    let even = 1.0 / laws.max(1) as f64;
    // A weight of 0 would stay 0.
    let mut weights: Vec<f64> = match start.len() == laws {
        true => start.iter().map(|w| 0.98 * w + 0.02 * even).collect(),
        false => vec![even; laws],
    };
    let mut best = Mixture { weights: weights.clone(), left: f64::INFINITY, slack: f64::INFINITY, rounds: 0 };
    let (mut gains, mut power) = ([0.0; WIDTH], 1.0);
    for round in 1..=MOST_ROUNDS {
        let (left, now) = try_out(target, chances, cells, &weights);
        if left <= best.left || power == 1.0 {
            let slack = now[..laws].iter().fold(1.0, |most: f64, g| most.max(*g)) - 1.0;
            best = Mixture { weights, left, slack, rounds: round };
            gains = now;
            if slack < ENOUGH {
                break;
            }
            power *= 1.4;
        } else {
            // Too bold: again from where it was, as plain expectation maximisation, which never makes it worse.
            best.rounds = round;
            power = 1.0;
        }
        weights = best.weights.iter().zip(&gains).map(|(w, g)| w * g.powf(power)).collect();
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|w| *w /= sum);
    }
    best.left = best.left.max(0.0);
    best
}

/// Mean KL at the weights, and each law's gain g_j.
fn try_out(target: &[f32], chances: &[[f32; WIDTH]], cells: usize, weights: &[f64]) -> (f64, [f64; WIDTH]) {
    /// Added up in single precision before they are added up in double.
    const CHUNK: usize = 256;
    let mut w = [0.0f32; WIDTH];
    w.iter_mut().zip(weights).for_each(|(slot, weight)| *slot = *weight as f32);
    let (mut left, mut gains) = (0.0, [0.0; WIDTH]);
    for (target, chances) in target.chunks(CHUNK).zip(chances.chunks(CHUNK)) {
        let (mut some_left, mut some) = (0.0f32, [0.0f32; WIDTH]);
        for (&p, law) in target.iter().zip(chances) {
            let mixed = dot(&w, law);
            if p > 0.0 && mixed > 0.0 {
                let ratio = p / mixed;
                some_left += p * ratio.ln();
                some.iter_mut().zip(law).for_each(|(slot, q)| *slot += ratio * q);
            }
        }
        left += f64::from(some_left);
        gains.iter_mut().zip(some).for_each(|(slot, g)| *slot += f64::from(g));
    }
    let n = cells.max(1) as f64;
    (left / n, gains.map(|g| g / n))
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

    /// Random laws of `cells` cells over `v` outcomes.
    fn laws(cells: usize, v: usize, count: usize) -> Vec<[f32; WIDTH]> {
        let mut table = vec![[0.0; WIDTH]; cells * v];
        let mut stream = Stream::new(5, Purpose::Timing, 0);
        for cell in table.chunks_mut(v) {
            for j in 0..count {
                let law = stream.die(&vec![0.7; v]);
                cell.iter_mut().zip(law).for_each(|(row, p)| row[j] = p as f32);
            }
        }
        table
    }

    fn mixed(table: &[[f32; WIDTH]], weights: &[f64]) -> Vec<f32> {
        table.iter().map(|row| row.iter().zip(weights).map(|(p, w)| p * *w as f32).sum()).collect()
    }

    #[test]
    fn known_weights_are_found() {
        let table = laws(300, 4, 5);
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

    #[test]
    fn no_point_of_a_grid_is_better() {
        // The target is no mixture of the laws.
        let table = laws(200, 3, 4);
        let target: Vec<f32> = table.iter().map(|row| row[3]).collect();
        let found = nearest(&target, &table, 200, 3, &[]);
        let mut least = f64::INFINITY;
        for a in 0..=40 {
            for b in 0..=40 - a {
                let w = [a as f64 / 40.0, b as f64 / 40.0, (40 - a - b) as f64 / 40.0];
                least = least.min(try_out(&target, &table, 200, &w).0);
            }
        }
        assert!(found.left <= least + ENOUGH && found.left > 0.01, "{} against {least}", found.left);
        // Two laws that are the same: any split of their weight will do.
        let twice: Vec<[f32; WIDTH]> =
            table.iter().map(|row| [row[0], row[0], row[1], row[2], 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]).collect();
        let split = nearest(&target, &twice, 200, 4, &[]);
        assert!((split.left - found.left).abs() < 2.0 * ENOUGH);
        assert!((split.weights[0] + split.weights[1] - found.weights[0]).abs() < 0.05);
    }
}
