//! Whether a run in this tab gave what was recorded.

use super::Estimate;
use crate::number;

/// The model's final excess over exact Bayes by position beside the recorded band, which reaches from the least to the greatest over seeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    pub positions: usize,
    /// Positions at which the run lies within the band.
    pub inside: usize,
    /// The farthest that it lies outside at any position, nats per token.
    pub farthest: f64,
}

/// What a record is rounded to, nats.
const ROUNDING: f64 = 1e-4;

impl Agreement {
    /// `excess` is the run's E KL(exact Bayes || model) by position on fresh topics, nats per token; `None` where it has another length.
    pub fn new(recorded: &Estimate, excess: &[f64]) -> Option<Self> {
        if excess.len() != recorded.bayes.len() || excess.is_empty() {
            return None;
        }
        let off = |l: usize| {
            let at: Vec<f64> = recorded.excess.iter().map(|run| run[l]).collect();
            let (_, low, high) = Estimate::spread(&at);
            (low - excess[l]).max(excess[l] - high).max(0.0)
        };
        let off: Vec<f64> = (0..excess.len()).map(off).collect();
        let inside = off.iter().filter(|off| **off <= ROUNDING).count();
        Some(Self { positions: excess.len(), inside, farthest: off.into_iter().fold(0.0, f64::max) })
    }

    /// A sentence or two for the reader; `known` says that the run's seed is one of those that were recorded.
    pub fn words(&self, on_grid: bool, known: bool) -> String {
        let Self { positions, inside, farthest } = *self;
        let source = if on_grid { "what was recorded" } else { "what was interpolated between recorded settings" };
        if inside == positions {
            return format!("This run lies within the band of {source} at all {positions} positions.");
        }
        let farthest = number::short(farthest);
        let why = match (on_grid, known) {
            (false, _) => "Between grid points the band is an estimate.",
            (true, true) => {
                "Its seed was recorded too. Another machine rounds in another order, and training can make small differences larger."
            }
            (true, false) => {
                "Its seed is not one of those that were recorded, and three seeds do not span all there are."
            }
        };
        format!(
            "This run lies within the band of {source} at {inside} of {positions} positions, and at most {farthest} nats outside \
             of it. {why}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::{Place, testing::made_up};

    #[test]
    fn a_recorded_run_lies_within_its_own_band() {
        let map = made_up();
        let found = map.at(Place { topics: 4, sequences: 8, length: 16 }).unwrap();
        for run in &found.excess {
            let agreement = Agreement::new(&found, run).unwrap();
            assert_eq!((agreement.inside, agreement.farthest), (16, 0.0));
            assert!(agreement.words(true, true).ends_with("at all 16 positions."));
        }
    }

    #[test]
    fn what_lies_outside_is_counted_and_said() {
        let found = made_up().at(Place { topics: 4, sequences: 8, length: 16 }).unwrap();
        let mut run = found.excess[2].clone();
        run[3] += 0.25;
        run[5] -= 2.5;
        let agreement = Agreement::new(&found, &run).unwrap();
        assert_eq!((agreement.positions, agreement.inside), (16, 14));
        assert!((agreement.farthest - 0.5).abs() < 1e-9, "{agreement:?}");
        assert!(agreement.words(true, true).contains("at 14 of 16 positions, and at most 0.500 nats"));
        assert!(agreement.words(true, false).contains("not one of those"));
        assert!(agreement.words(false, true).contains("estimate"));
        assert_eq!(Agreement::new(&found, &run[..8]), None);
    }
}
