//! A session as a checkpoint, and a session that goes on from one.

use burn::tensor::Tensor;

use super::Session;
use crate::{
    engine::{
        checkpoint::{Saved, State, Times},
        conclusion::Conclusion,
        error::EngineError,
        recording::Recording,
        trainer::{Trainer, flat_of, read},
    },
    experiment::Experiment,
    protocol::{
        DeviceChoice, Event,
        checkpoint::{self, CheckpointError, Floats, Summary, identity},
    },
};

/// Bytes of a summary beside its losses and evaluations, generously.
const SUMMARY_BYTES: usize = 4096;

impl Session {
    /// Goes on from a checkpoint of the same experiment, as [`Self::prepare`] begins one. `emit` gets what is prepared, the theory
    /// among it, and nothing of the steps before the checkpoint.
    ///
    /// # Errors
    ///
    /// [`EngineError::Checkpoint`] for a checkpoint of another experiment or another version, and for a damaged one.
    pub async fn resume(
        experiment: &Experiment,
        checkpoint: &[u8],
        choice: DeviceChoice,
        emit: &mut dyn FnMut(Event),
    ) -> Result<Self, EngineError> {
        Self::prepare_at(crate::pace::Pace::unbroken(), experiment, choice, Some(checkpoint), emit).await
    }

    /// Sends the losses that are still on their way, and gives the run as it stands: [`Self::resume`] goes on from there with the
    /// same numbers. Between two steps, or two portions of what is measured after the last.
    ///
    /// # Errors
    ///
    /// [`EngineError::NotFinite`] where a number of the run is none: such a run cannot go on.
    pub async fn checkpoint(&mut self, emit: &mut dyn FnMut(Event)) -> Result<Vec<u8>, EngineError> {
        self.flush(emit).await?;
        let Some(probes) = &self.probes else { return Err(CheckpointError::NotKept.into()) };
        let record = probes.run_record();
        let summary = Summary {
            experiment: identity(&self.experiment),
            step: self.steps(),
            is_finished: self.concluded,
            seconds: self.training_total_ms / 1000.0,
            device: self.chosen.report.clone(),
            cores: self.trainer.team_size(),
            is_undecided: self.chosen.candidate.is_some(),
            losses: Floats(record.losses.clone()),
            evaluations: record.evaluations.clone(),
        };
        let state = self.state(probes.recording(), probes.spent_ms).await?;
        let evaluations: usize = record.evaluations.iter().map(|e| 16 * 8 * e.model.len() + 512).sum();
        let len = state.bytes() + 4 * record.losses.len() + evaluations + SUMMARY_BYTES;
        checkpoint::write(&summary, &state, len).ok_or(EngineError::NotFinite { step: self.steps() })
    }

    async fn state(&self, recording: &Recording, probes_total: f64) -> Result<State, EngineError> {
        let [topic, data] = self.priors.kept();
        let mut snapshots = Vec::with_capacity(recording.snapshots().len());
        for (step, flat) in recording.snapshots() {
            snapshots.push((*step, Floats(read(flat.clone()).await?)));
        }
        Ok(State {
            trainer: self.trainer.state().await?,
            priors: [floats(topic).await?, floats(data).await?],
            differences: self.differences.clone(),
            record: self.record.clone(),
            since_evaluation: self.since_evaluation,
            last: self.last.clone(),
            evaluated: self.evaluated,
            measuring: self.conclusion.as_ref().map(Conclusion::saved),
            times: Times {
                step: self.step_ms,
                evaluation: self.evaluation_ms,
                training_total: self.training_total_ms,
                prior_total: self.prior_total_ms,
                evaluation_total: self.evaluation_total_ms,
                measuring_total: self.measuring_total_ms,
                batches_total: self.batches_total_ms,
                probes_total,
            },
            snapshots,
        })
    }

    /// Everything of a session that was just begun becomes what it was when the checkpoint was made.
    pub(super) fn restore(&mut self, saved: Saved) -> Result<(), EngineError> {
        let Saved { summary, state } = saved;
        let start = self.trainer.flat();
        self.trainer.restore(state.trainer)?;
        let [topic, data] = state.priors;
        let kept = [tensor(topic, &self.trainer)?, tensor(data, &self.trainer)?];
        self.priors.restore(kept, start, summary.step);
        if self.differences.is_some() != state.differences.is_some() {
            return Err(CheckpointError::Damaged("its gradient differences do not fit".into()).into());
        }
        self.differences = state.differences.map(|sums| sums.restored(&self.experiment));
        if let Some(measuring) = state.measuring {
            let parameters = self.trainer.net().layout.len;
            let fresh = Conclusion::new(
                &self.experiment,
                &self.world,
                &self.corpus,
                &self.priors,
                parameters,
                measuring.last(),
            );
            self.conclusion = Some(fresh.restored(measuring));
        }
        self.concluded = summary.is_finished && self.conclusion.is_some();
        let snapshots = state.snapshots.into_iter().map(|(step, flat)| Ok((step, flat_of(flat, &self.trainer)?)));
        let recording = Recording::restored(snapshots.collect::<Result<_, CheckpointError>>()?);
        if let Some(probes) = &mut self.probes {
            probes.restore(summary.evaluations, summary.losses.0, recording, state.times.probes_total);
        }
        (self.record, self.since_evaluation) = (state.record, state.since_evaluation);
        (self.last, self.evaluated, self.read) = (state.last, state.evaluated, summary.step);
        self.count_on_from(state.times);
        Ok(())
    }

    fn count_on_from(&mut self, times: Times) {
        (self.step_ms, self.evaluation_ms) = (times.step, times.evaluation);
        (self.training_total_ms, self.prior_total_ms) = (times.training_total, times.prior_total);
        (self.evaluation_total_ms, self.measuring_total_ms) = (times.evaluation_total, times.measuring_total);
        self.batches_total_ms = times.batches_total;
        let now = crate::engine::clock::now_ms();
        (self.last_read, self.last_frame) = (now, now);
    }
}

async fn floats(flat: Option<Tensor<1>>) -> Result<Option<Floats>, EngineError> {
    match flat {
        Some(flat) => Ok(Some(Floats(read(flat).await?))),
        None => Ok(None),
    }
}

fn tensor(floats: Option<Floats>, trainer: &Trainer) -> Result<Option<Tensor<1>>, CheckpointError> {
    floats.map(|floats| flat_of(floats, trainer)).transpose()
}
