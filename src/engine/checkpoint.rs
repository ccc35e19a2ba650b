//! The engine's part of a checkpoint: everything that a run has after a step and that its experiment cannot give again.
//!
//! World, training set, evaluation sets and theory are drawn anew when the run goes on. Checkpoints are made between steps, with all
//! losses read back and sent.

use serde::{Deserialize, Serialize};

use super::{conclusion::Measuring, differences::Differences, trainer::TrainerState};
use crate::protocol::{
    Evaluation, Record,
    checkpoint::{self, CheckpointError, Floats, Summary, identity},
};

/// What [`super::session::Session`] keeps of itself beside the [`Summary`].
#[derive(Serialize, Deserialize)]
pub struct State {
    pub trainer: TrainerState,
    /// The parameters at the end of each prior stage, flat: topic-dependent, data-dependent. `None` before that, and without prior
    /// stages, where both are the random start.
    pub priors: [Option<Floats>; 2],
    pub differences: Option<Differences>,
    pub record: Record,
    /// Sum and number of the losses since the last evaluation.
    pub since_evaluation: (f64, f64),
    pub last: Option<Evaluation>,
    /// The step that was evaluated last.
    pub evaluated: Option<usize>,
    /// What was measured after the last step; `None` before.
    pub measuring: Option<Measuring>,
    pub times: Times,
    /// Recorded steps with the parameters then, flat: what "How it learns" is measured on. By far the largest part.
    pub snapshots: Vec<(usize, Floats)>,
}

/// Milliseconds, as a session counts them.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Times {
    pub step: Option<f64>,
    pub evaluation: Option<f64>,
    pub training_total: f64,
    pub prior_total: f64,
    pub evaluation_total: f64,
    pub measuring_total: f64,
    pub batches_total: f64,
    pub probes_total: f64,
}

/// A checkpoint that fits the experiment that goes on.
pub struct Saved {
    pub summary: Summary,
    pub state: State,
}

impl Saved {
    /// Reads a checkpoint of `experiment`.
    ///
    /// # Errors
    ///
    /// [`CheckpointError`] for another version, another experiment, and for what is damaged.
    pub fn read(bytes: &[u8], experiment: &experiment::Experiment) -> Result<Self, CheckpointError> {
        let (summary, rest) = checkpoint::read(bytes)?;
        if summary.experiment != identity(experiment) {
            return Err(CheckpointError::Experiment);
        }
        let state: State = checkpoint::read_state(rest)?;
        if state.trainer.steps != summary.step || summary.step > experiment.steps() {
            return Err(CheckpointError::Damaged("its step does not fit".into()));
        }
        Ok(Self { summary, state })
    }
}

impl State {
    /// About how many bytes it takes.
    pub fn bytes(&self) -> usize {
        let floats = self.trainer.floats()
            + self.priors.iter().flatten().map(|prior| prior.0.len()).sum::<usize>()
            + self.snapshots.iter().map(|(_, flat)| flat.0.len()).sum::<usize>();
        4 * floats
    }
}

/// When the next checkpoint is due while a run goes on.
#[derive(Clone, Copy, Debug)]
pub struct Cadence {
    /// When the last was made, and how long that took, milliseconds.
    last: f64,
    cost: f64,
}

impl Cadence {
    /// Checkpoints are at least so far apart, milliseconds.
    pub const LEAST_MS: f64 = 10_000.0;
    /// And at least so many times as long as one takes: they take at most half a percent of the time.
    const TIMES: f64 = 200.0;

    pub fn new(now: f64) -> Self {
        Self { last: now, cost: 0.0 }
    }

    pub fn is_due(&self, now: f64) -> bool {
        now - self.last >= Self::LEAST_MS.max(Self::TIMES * self.cost)
    }

    /// One was made between these times.
    pub fn made(&mut self, began: f64, ended: f64) {
        (self.last, self.cost) = (ended, ended - began);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_take_at_most_half_a_percent() {
        for cost in [1.0, 30.0, 400.0] {
            let (mut cadence, mut now, mut spent) = (Cadence::new(0.0), 0.0, 0.0);
            for _ in 0..100_000 {
                now += 25.0;
                if cadence.is_due(now) {
                    cadence.made(now, now + cost);
                    now += cost;
                    spent += cost;
                }
            }
            // The first comes before it is known what one costs.
            assert!(spent > cost && spent - cost <= 0.005 * now, "{cost} ms each: {spent} of {now}");
        }
        let mut cadence = Cadence::new(5.0);
        assert!(!cadence.is_due(5.0 + Cadence::LEAST_MS - 1.0) && cadence.is_due(5.0 + Cadence::LEAST_MS));
        cadence.made(10_005.0, 10_015.0);
        assert!(!cadence.is_due(20_014.0) && cadence.is_due(20_015.0));
    }
}
