//! What is measured when the last step is done: precise gaps and curves, the noise that the model bears, its losses under that
//! noise, the certificate.

use serde::{Deserialize, Serialize};

use super::{
    certify::Certify,
    clock::now_ms,
    error::EngineError,
    gaps::Gaps,
    priors::Priors,
    scales::{Randomise, Scales},
    trainer::Trainer,
};
use crate::{
    experiment::Experiment,
    pace::Pace,
    protocol::{Evaluation, Outcome},
    world::{Corpus, World},
};

/// Goes through the measurements a portion at a time, so that whoever drives the run stays in charge.
pub struct Conclusion {
    gaps: Gaps,
    /// The gaps are done, until more is asked for.
    measured: bool,
    /// The evaluation after the last step, on the evaluation's own sequences.
    last: Evaluation,
    /// Done ones are dropped.
    scales: Option<Scales>,
    randomise: Option<Randomise>,
    /// Where fresh sequences come from.
    held_out: World,
    certify: Option<Certify>,
    outcome: Outcome,
}

/// What is saved of it. The search for s, the losses under noise and the certificate are done or begin anew: they are drawn by the
/// experiment's seed, and end as they would have.
#[derive(Clone, Serialize, Deserialize)]
pub struct Measuring {
    gaps: Gaps,
    measured: bool,
    last: Evaluation,
    outcome: Outcome,
    /// Nothing is left but the gaps, where more is asked for.
    is_done: bool,
}

impl Measuring {
    /// The evaluation after the last step.
    pub fn last(&self) -> &Evaluation {
        &self.last
    }
}

impl Conclusion {
    pub fn saved(&self) -> Measuring {
        Measuring {
            gaps: self.gaps.clone(),
            measured: self.measured,
            last: self.last.clone(),
            outcome: self.outcome.clone(),
            is_done: self.scales.is_none() && self.randomise.is_none() && self.certify.is_none(),
        }
    }

    /// Goes on from there, in a conclusion of the same experiment and of [`Measuring::last`].
    pub fn restored(mut self, saved: Measuring) -> Self {
        if saved.is_done {
            (self.scales, self.randomise, self.certify) = (None, None, None);
        }
        (self.measured, self.outcome) = (saved.measured, saved.outcome);
        self.gaps = self.gaps.restored(saved.gaps);
        self
    }

    /// `last`: the evaluation after the last step.
    pub fn new(
        experiment: &Experiment,
        world: &World,
        corpus: &Corpus,
        priors: &Priors,
        parameters: usize,
        last: &Evaluation,
    ) -> Self {
        let (steps, batch) = (experiment.steps(), experiment.training.batch);
        let seen = priors.of_data().filter(|_| experiment.prior.steps > 0).map_or(&[][..], |subset| subset.rows());
        let bound = &experiment.bound;
        Self {
            gaps: Gaps::new(experiment, corpus),
            measured: false,
            last: last.clone(),
            scales: (bound.scale == 0.0).then(|| Scales::new(experiment, world, corpus)),
            randomise: (bound.scale > 0.0).then(|| Randomise::new(experiment, bound.scale)),
            held_out: world.held_out(),
            certify: bound
                .certificate
                .then(|| Certify::new(experiment, world, corpus, seen, last.distance_data, parameters))
                .flatten(),
            outcome: Outcome {
                steps,
                prior_steps: 2 * experiment.prior.steps,
                tokens: (steps * batch * experiment.data.length) as f64,
                distance_topic: last.distance_topic,
                distance_data: last.distance_data,
                scale: bound.scale,
                ..Outcome::default()
            },
        }
    }

    /// What the next portion is of, and how much of that is done, 0 to 1.
    pub fn progress(&self) -> (&'static str, f64) {
        if !self.measured {
            ("Measuring the gaps", self.gaps.done())
        } else if let Some(scales) = &self.scales {
            ("Trying how much noise the model bears", scales.done())
        } else if let Some(randomise) = &self.randomise {
            ("Measuring the losses under that noise", randomise.done())
        } else if let Some(certify) = &self.certify {
            ("Working out the certificate", certify.done())
        } else {
            ("Summing up", 1.0)
        }
    }

    /// Measures twice as many sequences; whether any more may come.
    pub fn more(&mut self) -> bool {
        self.measured = !self.gaps.more();
        !self.measured
    }

    /// The gaps are done.
    pub fn is_measured(&self) -> bool {
        self.measured
    }

    /// The evaluation after the last step, on as many sequences as the gaps. `bases` as for [`Gaps::evaluation`].
    pub fn evaluation(&self, bases: (&[f64], &[f64])) -> Evaluation {
        self.gaps.evaluation(&self.last, bases)
    }

    /// One more portion; the outcome once everything is there.
    pub async fn advance(
        &mut self,
        pace: &mut Pace,
        experiment: &Experiment,
        world: &World,
        corpus: &Corpus,
        trainer: &Trainer,
    ) -> Result<Option<Outcome>, EngineError> {
        if !self.measured {
            let start = now_ms();
            self.measured = self.gaps.advance(pace, world, corpus, trainer).await?;
            self.outcome.gaps_seconds += (now_ms() - start) / 1000.0;
            if self.measured {
                let found = self.gaps.found();
                let outcome = std::mem::take(&mut self.outcome);
                self.outcome = Outcome {
                    sequences: found.sequences,
                    training_sequences: found.training_sequences,
                    empirical: found.empirical,
                    first_level: found.first_level,
                    two_level: found.two_level,
                    sequence_gap: found.sequence_gap,
                    topic_gap: found.topic_gap,
                    topic_gap_above_bayes: Some(found.topic_gap_above_bayes),
                    precise: found.precise,
                    ..outcome
                };
            }
        } else if let Some(scales) = &mut self.scales {
            if scales.advance(trainer).await? {
                self.outcome.scales = scales.trials().to_vec();
                self.outcome.scale = scales.chosen();
                self.randomise = Some(Randomise::new(experiment, scales.chosen()));
                self.scales = None;
            }
        } else if let Some(randomise) = &mut self.randomise {
            if randomise.advance(world, &self.held_out, corpus, trainer).await? {
                self.outcome.randomised = randomise.found(&self.outcome);
                self.randomise = None;
            }
        } else if let Some(certify) = &mut self.certify {
            if certify.advance(world, corpus, trainer).await? {
                self.outcome.certificate = Some(certify.certificate());
                self.certify = None;
            }
        } else {
            return Ok(Some(self.outcome.clone()));
        }
        Ok(None)
    }
}
