//! One cell of a sweep: a whole run without anybody watching.

use std::cell::Cell;

use super::{error::EngineError, session::Session};
use crate::{
    experiment::Experiment,
    protocol::{DeviceChoice, Evaluation, Event, Outcome},
};

/// What a whole run says: what it found at its end, its last evaluation, and the loss of each step.
#[derive(Clone, Debug)]
pub struct WholeRun {
    pub outcome: Outcome,
    pub evaluation: Evaluation,
    pub training_loss: Vec<f64>,
}

/// Trains `experiment` to its end and measures what came of it. `progress` is called with the share done, from 0 to 1.
///
/// # Errors
/// Why the run could not be made or did not end.
pub async fn run(
    experiment: &Experiment,
    device: DeviceChoice,
    progress: &mut dyn FnMut(f64),
) -> Result<Outcome, EngineError> {
    watched(experiment, device, progress).await.map(|run| run.outcome)
}

/// The same with the run's curves. The evaluation has no `model`: see [`Session::bare`].
///
/// # Errors
/// Why the run could not be made or did not end.
pub async fn watched(
    experiment: &Experiment,
    device: DeviceChoice,
    progress: &mut dyn FnMut(f64),
) -> Result<WholeRun, EngineError> {
    let (mut outcome, mut evaluation, mut training_loss) = (None, None, Vec::new());
    let share = Cell::new(0.0);
    let mut emit = |event: Event| match event {
        Event::Frame(frame) => {
            share.set(frame.step as f64 / experiment.steps() as f64);
            training_loss.extend(frame.training_loss);
        }
        Event::Evaluation(latest) => evaluation = Some(latest),
        Event::Outcome(found) => outcome = Some(*found),
        _ => {}
    };
    let mut session = Session::bare(experiment, device, &mut emit).await?;
    while !session.finished() {
        session.advance(&mut emit).await?;
        // Also while it is measured what came of it: a sign of life.
        progress(share.get());
    }
    let missing = || EngineError::Read("the run ended without an outcome".into());
    let (outcome, evaluation) = outcome.zip(evaluation).ok_or_else(missing)?;
    Ok(WholeRun { outcome, evaluation, training_loss })
}
