//! One cell of a sweep: a whole run without anybody watching.

use super::{error::EngineError, session::Session};
use crate::{
    experiment::Experiment,
    protocol::{DeviceChoice, Event, Outcome, Record},
};

/// Trains `experiment` to its end and measures what came of it. `progress` hears the share done, from 0 to 1.
pub async fn run(
    experiment: &Experiment,
    device: DeviceChoice,
    progress: &mut dyn FnMut(f64),
) -> Result<Outcome, EngineError> {
    let (mut last, mut record) = (None, Record::default());
    let steps = experiment.steps();
    let mut emit = |event: Event| match event {
        Event::Frame(frame) => progress(frame.step as f64 / steps as f64),
        Event::Evaluation(told) => {
            record.step.push(told.step);
            record.empirical.push(told.empirical.loss.value);
            record.first_level.push(told.first_level.loss.value);
            record.two_level.push(told.two_level.loss.value);
            record.two_level_stderr.push(told.two_level.loss.stderr);
            last = Some(told);
        }
        _ => {}
    };
    let mut session = Session::prepare(experiment, device, &mut emit).await?;
    while !session.finished() {
        session.advance(&mut emit).await?;
    }
    session.settle(&mut emit).await?;
    let told = last.ok_or_else(|| EngineError::Read("the run ended without an evaluation".into()))?;
    Ok(Outcome {
        steps,
        tokens: (steps * experiment.training.batch * experiment.data.length) as f64,
        sequences: told.sequences,
        empirical: told.empirical,
        first_level: told.first_level,
        two_level: told.two_level,
        sequence_gap: told.sequence_gap,
        topic_gap: told.topic_gap,
        distance_topic: told.squared_distance,
        distance_data: told.squared_distance,
        record,
        ..Outcome::default()
    })
}
