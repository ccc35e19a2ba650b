//! One cell of a sweep: a whole run without anybody watching.

use std::cell::Cell;

use super::{error::EngineError, session::Session};
use crate::{
    experiment::Experiment,
    protocol::{DeviceChoice, Event, Outcome},
};

/// Trains `experiment` to its end and measures what came of it. `progress` hears the share done, from 0 to 1.
pub async fn run(
    experiment: &Experiment,
    device: DeviceChoice,
    progress: &mut dyn FnMut(f64),
) -> Result<Outcome, EngineError> {
    let mut outcome = None;
    let share = Cell::new(0.0);
    let mut emit = |event: Event| match event {
        Event::Frame(frame) => share.set(frame.step as f64 / experiment.steps() as f64),
        Event::Outcome(told) => outcome = Some(*told),
        _ => {}
    };
    let mut session = Session::bare(experiment, device, &mut emit).await?;
    while !session.finished() {
        session.advance(&mut emit).await?;
        // Also while it is measured what came of it: a sign of life.
        progress(share.get());
    }
    outcome.ok_or_else(|| EngineError::Read("the run ended without an outcome".into()))
}
