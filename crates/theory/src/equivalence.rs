//! Are two labelled HMMs, from their starts, the same process?

use worlds::Hmm;

/// How many directions are followed before giving up.
const MAX_DIRECTIONS: usize = 400;
const TOLERANCE: f64 = 1e-9;

/// Whether both give every word the same probability; `None` where that stays open.
///
/// The difference of word probabilities is linear in the pair of unnormalised state vectors, so it is enough to follow a
/// basis of the vectors that words lead to (Tzeng 1992): at most as many as there are states in both together.
pub fn same_process(a: &Hmm, b: &Hmm) -> Option<bool> {
    let n = a.states();
    let vocab = a.vocab().max(b.vocab());
    let start: Vec<f64> = a.start().iter().copied().chain(b.start().iter().map(|p| -p)).collect();
    let mut basis: Vec<Vec<f64>> = Vec::new();
    let mut open = vec![start];
    let mut followed = 0;
    while let Some(vector) = open.pop() {
        if vector.iter().sum::<f64>().abs() > TOLERANCE {
            return Some(false);
        }
        let Some(direction) = new_direction(&vector, &basis) else { continue };
        basis.push(direction);
        followed += 1;
        if followed > MAX_DIRECTIONS {
            return None;
        }
        for token in 0..vocab {
            let mut next = vec![0.0; vector.len()];
            let mut size = 0.0;
            for (i, &v) in vector.iter().enumerate().filter(|(_, v)| **v != 0.0) {
                let (hmm, state, offset) = if i < n { (a, i, 0) } else { (b, i - n, n) };
                for transition in hmm.transitions_with(state, token as u16) {
                    next[transition.next as usize + offset] += v * transition.p;
                    size += (v * transition.p).abs();
                }
            }
            if size > 0.0 {
                // Scaled, so that long words count as much as short ones.
                next.iter_mut().for_each(|v| *v *= 2.0 / size);
                open.push(next);
            }
        }
    }
    Some(true)
}

/// What of `vector` is not in the span of the orthonormal `basis`, normalised.
fn new_direction(vector: &[f64], basis: &[Vec<f64>]) -> Option<Vec<f64>> {
    let mut rest = vector.to_vec();
    // Twice: once leaves rounding errors of the size of what is sought.
    for direction in basis.iter().chain(basis) {
        let along: f64 = rest.iter().zip(direction).map(|(r, d)| r * d).sum();
        rest.iter_mut().zip(direction).for_each(|(r, d)| *r -= along * d);
    }
    let size = rest.iter().map(|r| r * r).sum::<f64>().sqrt();
    (size > TOLERANCE).then(|| rest.iter().map(|r| r / size).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use experiment::{WorldSpec, kinds::Source};

    /// The processes of a named world.
    fn processes(spec: &str) -> Vec<Hmm> {
        let spec: WorldSpec = spec.parse().expect("a world");
        let Some(Source::Processes(topics)) = spec.source() else { panic!("{spec} has no processes") };
        topics.iter().map(|topic| Hmm::from_edges(&topic.process, spec.vocab())).collect()
    }

    fn coin(p: f64) -> Hmm {
        processes(&format!("coin:p={p}")).remove(0)
    }

    #[test]
    fn tells_processes_apart() {
        assert_eq!(same_process(&coin(0.3), &coin(0.3)), Some(true));
        assert_eq!(same_process(&coin(0.3), &coin(0.300001)), Some(false));
        let stories = processes("dursley-wonka");
        assert_eq!(same_process(&stories[0], &stories[0]), Some(true));
        assert_eq!(same_process(&stories[0], &stories[1]), Some(false));
    }

    #[test]
    fn sees_through_redundant_states() {
        // A coin written with two states between which it wanders.
        let edges = [(0, 0, 1, 0.3), (0, 1, 0, 0.7), (1, 0, 0, 0.1), (1, 0, 1, 0.2), (1, 1, 0, 0.7)];
        let edges = edges.map(|(i, token, next, p)| (i, worlds::hmm::Transition { token, next, p })).to_vec();
        let wandering = Hmm::new(2, 2, edges, None);
        assert_eq!(same_process(&coin(0.3), &wandering), Some(true));
    }
}
