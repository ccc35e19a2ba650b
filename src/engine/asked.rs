//! What each evaluation measures beside the losses where the experiment asks for it: the loss on events, and on the components of a
//! mixture.

use super::{
    error::EngineError,
    evaluator::CHUNK,
    trainer::{Model, Trainer},
};
use crate::{
    experiment::Experiment,
    probe::{
        components::{self, Component},
        events::Events,
    },
    protocol::{ComponentCourse, EventCourse, Record},
    world::World,
};

/// The sequences of these measurements, drawn once.
pub struct Asked {
    events: Option<Events>,
    components: Vec<Component>,
}

impl Asked {
    /// `None` where the experiment asks for nothing, which then costs nothing.
    ///
    /// # Errors
    ///
    /// The world of a component cannot be built.
    pub fn new(experiment: &Experiment, world: &World) -> Result<Option<Self>, EngineError> {
        let evaluation = &experiment.evaluation;
        let events = evaluation.events.then(|| Events::draw(experiment, world));
        let components = match evaluation.components {
            true => components::draw(experiment, world)?,
            false => Vec::new(),
        };
        Ok((events.is_some() || !components.is_empty()).then_some(Self { events, components }))
    }

    /// Measures the model as it stands: one more entry of each course in the record.
    ///
    /// # Errors
    ///
    /// The device failed, or the model's predictions are not finite.
    pub async fn note(&self, trainer: &Trainer, record: &mut Record) -> Result<(), EngineError> {
        let step = trainer.steps();
        if let Some(events) = &self.events {
            if record.events.is_empty() {
                let course = |c: &crate::probe::events::Class| EventCourse {
                    name: c.name.clone(),
                    bayes: c.bayes,
                    ..EventCourse::default()
                };
                record.events = events.of.classes.iter().map(course).collect();
            }
            let predictive = trainer.predictions(events.rows(), CHUNK).await?;
            let excess = events.excess(&predictive).ok_or(EngineError::NotFinite { step })?;
            for (course, excess) in record.events.iter_mut().zip(excess) {
                course.excess.push(excess.value);
                course.stderr.push(excess.stderr);
            }
        }
        if record.components.is_empty() {
            let course = |c: &Component| ComponentCourse {
                component: c.place,
                name: c.name.clone(),
                bayes: c.bayes,
                ..ComponentCourse::default()
            };
            record.components = self.components.iter().map(course).collect();
        }
        for (component, course) in self.components.iter().zip(&mut record.components) {
            let predictive = trainer.predictions(component.rows(), CHUNK).await?;
            let excess = component.excess(&predictive).ok_or(EngineError::NotFinite { step })?;
            course.excess.push(excess.value);
            course.stderr.push(excess.stderr);
        }
        Ok(())
    }
}
