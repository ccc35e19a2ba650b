//! The stationary distribution of a finite Markov chain, by state elimination (Grassmann, Taksar and Heyman 1985): no
//! subtractions, so every entry is right to nearly all its digits, whatever the chain.

/// Sets of states that are never left, each in ascending order; every other state is transient.
/// `matrix` is row-major, n x n, rows summing to 1.
pub fn recurrent_classes(matrix: &[f64], n: usize) -> Vec<Vec<usize>> {
    let reach: Vec<Vec<bool>> = (0..n)
        .map(|from| {
            let mut seen = vec![false; n];
            let mut open = vec![from];
            while let Some(i) = open.pop() {
                for j in 0..n {
                    if matrix[i * n + j] > 0.0 && !seen[j] {
                        seen[j] = true;
                        open.push(j);
                    }
                }
            }
            seen
        })
        .collect();
    let mut classes = Vec::new();
    let mut placed = vec![false; n];
    for i in 0..n {
        if !placed[i] && (0..n).all(|j| !reach[i][j] || reach[j][i]) {
            let class: Vec<usize> = (0..n).filter(|&j| reach[i][j]).collect();
            for &j in &class {
                placed[j] = true;
            }
            classes.push(class);
        }
    }
    classes
}

/// The stationary distribution of the chain restricted to `class`, a set that is never left; entry i speaks of `class[i]`.
pub fn within_class(matrix: &[f64], n: usize, class: &[usize]) -> Vec<f64> {
    let k = class.len();
    let mut small: Vec<f64> = class.iter().flat_map(|&i| class.iter().map(move |&j| matrix[i * n + j])).collect();
    let mut distribution = vec![0.0; k];
    eliminate(&mut small, k, &mut distribution);
    distribution
}

/// The stationary distribution of an irreducible k x k chain into `distribution`; `matrix` is used up. A chain that rounding has made
/// reducible gives the distribution of one of its classes.
pub fn eliminate(matrix: &mut [f64], k: usize, distribution: &mut [f64]) {
    for last in (1..k).rev() {
        let out: f64 = matrix[last * k..last * k + last].iter().sum();
        // 0 only where rounding lost the way out of a state that has one.
        let scale = 1.0 / out.max(f64::MIN_POSITIVE);
        for i in 0..last {
            let into = matrix[i * k + last] * scale;
            matrix[i * k + last] = into;
            if into > 0.0 {
                for j in 0..last {
                    matrix[i * k + j] += into * matrix[last * k + j];
                }
            }
        }
    }
    distribution[0] = 1.0;
    let mut sum = 1.0;
    for last in 1..k {
        distribution[last] = (0..last).map(|i| distribution[i] * matrix[i * k + last]).sum();
        sum += distribution[last];
    }
    for p in distribution.iter_mut() {
        *p /= sum;
    }
}

/// Where a chain started from `start` ends: the probability of each of `classes`.
pub fn absorption(matrix: &[f64], n: usize, classes: &[Vec<usize>], start: &[f64]) -> Vec<f64> {
    let mut recurrent = vec![false; n];
    for &i in classes.iter().flatten() {
        recurrent[i] = true;
    }
    let (mut matrix, mut mass) = (matrix.to_vec(), start.to_vec());
    // Each transient state in turn is cut out: whatever enters it leaves at once for where it would have gone.
    let mut left: Vec<usize> = (0..n).filter(|&i| !recurrent[i]).collect();
    while let Some(gone) = left.pop() {
        let onward: Vec<(usize, f64)> = (0..n)
            .filter(|&j| j != gone && (recurrent[j] || left.contains(&j)))
            .map(|j| (j, matrix[gone * n + j]))
            .filter(|&(_, p)| p > 0.0)
            .collect();
        let out: f64 = onward.iter().map(|&(_, p)| p).sum();
        for &(j, p) in &onward {
            mass[j] += mass[gone] * p / out;
            for &i in &left {
                matrix[i * n + j] += matrix[i * n + gone] * p / out;
            }
        }
        mass[gone] = 0.0;
    }
    classes.iter().map(|class| class.iter().map(|&i| mass[i]).sum()).collect()
}

/// The stationary distribution. Where there are several (more than one recurrent class), the one reached in the long run from
/// a uniform start.
pub fn stationary(matrix: &[f64], n: usize) -> Vec<f64> {
    let classes = recurrent_classes(matrix, n);
    let weights = absorption(matrix, n, &classes, &vec![1.0 / n as f64; n]);
    let mut distribution = vec![0.0; n];
    for (class, weight) in classes.iter().zip(weights) {
        for (&i, p) in class.iter().zip(within_class(matrix, n, class)) {
            distribution[i] = weight * p;
        }
    }
    distribution
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Stream};

    #[test]
    fn is_left_unchanged_by_the_chain() {
        let mut stream = Stream::new(5, Purpose::MonteCarlo, 0);
        for n in 1..7 {
            let mut matrix = vec![0.0; n * n];
            for row in matrix.chunks_mut(n) {
                stream.dirichlet(0.3, row);
            }
            let distribution = stationary(&matrix, n);
            for j in 0..n {
                let next: f64 = (0..n).map(|i| distribution[i] * matrix[i * n + j]).sum();
                assert!((next - distribution[j]).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn a_reducible_chain_gives_its_long_run_from_a_uniform_start() {
        // State 0 leaves for 1 (a trap) or 2 (a trap) at 1 : 3, and stays with probability .6.
        let distribution = stationary(&[0.6, 0.1, 0.3, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0], 3);
        let expected = [0.0, 1.0 / 3.0 + 1.0 / 12.0, 1.0 / 3.0 + 0.25];
        assert!(distribution.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{distribution:?}");
        // A chain that alternates has a stationary distribution too.
        assert_eq!(stationary(&[0.0, 1.0, 1.0, 0.0], 2), [0.5, 0.5]);
        // Two transient states that feed each other.
        let distribution = stationary(&[0.0, 0.5, 0.5, 0.5, 0.0, 0.5, 0.0, 0.0, 1.0], 3);
        assert!((distribution[2] - 1.0).abs() < 1e-12, "{distribution:?}");
    }
}
