//! The two prior stages of a run, the checkpoints that they leave, and how far the model is from them.

use burn::tensor::{Device, Tensor};

use super::{
    error::EngineError,
    trainer::{Trainer, carried},
};
use crate::{
    experiment::Experiment,
    world::{
        Corpus,
        data::Subset,
        rng::{Purpose, Stream},
    },
};

/// What a step trains on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// K' topics, N' sequences of each.
    Topic,
    /// N' sequences of every topic.
    Data,
    /// Everything.
    Proper,
}

/// The priors of one run.
pub struct Priors {
    /// Steps of each prior stage.
    steps: usize,
    seed: u64,
    topic: Option<Subset>,
    data: Option<Subset>,
    /// The model at the end of each prior stage; the random start where there are none.
    at_topic: Option<Tensor<1>>,
    at_data: Option<Tensor<1>>,
}

impl Priors {
    pub fn new(experiment: &Experiment, corpus: &Corpus) -> Self {
        let (data, bound) = (&experiment.data, &experiment.bound);
        let (topics, sequences) = (bound.prior_topics(data), bound.prior_sequences(data));
        let some = topics > 0 && sequences > 0;
        let subset = |topics| corpus.subset(topics, sequences).filter(|_| some);
        Self {
            steps: experiment.prior.steps,
            seed: experiment.seed,
            topic: subset(topics),
            data: subset(data.topics),
            at_topic: None,
            at_data: None,
        }
    }

    /// Back to before the first step.
    pub fn reset(&mut self) {
        (self.at_topic, self.at_data) = (None, None);
    }

    /// The stage of step `step` (0-based).
    pub fn stage(&self, step: usize) -> Stage {
        match step {
            _ if step < self.steps => Stage::Topic,
            _ if step < 2 * self.steps => Stage::Data,
            _ => Stage::Proper,
        }
    }

    /// What step `step` draws its batch from; `None`: from everything.
    pub fn subset(&self, step: usize) -> Option<&Subset> {
        match self.stage(step) {
            Stage::Topic => self.topic.as_ref(),
            Stage::Data => self.data.as_ref(),
            Stage::Proper => None,
        }
    }

    pub fn of_topic(&self) -> Option<&Subset> {
        self.topic.as_ref()
    }

    pub fn of_data(&self) -> Option<&Subset> {
        self.data.as_ref()
    }

    /// To be called before each step: keeps a checkpoint where a stage ends, and begins the next stage.
    pub fn pass(&mut self, trainer: &mut Trainer, proper: usize) {
        let step = trainer.steps();
        if self.steps == 0 {
            if step == 0 {
                (self.at_topic, self.at_data) = (Some(trainer.flat()), Some(trainer.flat()));
            }
        } else if step == 0 {
            trainer.begin_stage(self.steps);
        } else if step == self.steps {
            self.at_topic = Some(trainer.flat());
            trainer.begin_stage(self.steps);
        } else if step == 2 * self.steps {
            self.at_data = Some(trainer.flat());
            trainer.begin_stage(proper);
        }
    }

    /// The parameters at the end of each prior stage, topic-dependent and data-dependent. `None` before that, and without prior
    /// stages, where both are the random start.
    pub fn kept(&self) -> [Option<Tensor<1>>; 2] {
        if self.steps == 0 { [None, None] } else { [self.at_topic.clone(), self.at_data.clone()] }
    }

    /// As they were after step `step`: `kept` is what [`Self::kept`] gave, `start` the random start.
    pub fn restore(&mut self, kept: [Option<Tensor<1>>; 2], start: Tensor<1>, step: usize) {
        [self.at_topic, self.at_data] =
            if self.steps == 0 && step > 0 { [Some(start.clone()), Some(start)] } else { kept };
    }

    /// From the CPU to another device.
    pub fn carry(&mut self, device: &Device) {
        for flat in [&mut self.at_topic, &mut self.at_data].into_iter().flatten() {
            *flat = carried(flat, device);
        }
    }

    /// ‖θ - θ_topic‖² and ‖θ - θ_data‖²; 0 for a prior that is still being trained, which the model then is.
    pub async fn distances(&self, trainer: &Trainer) -> Result<(f64, f64), EngineError> {
        let (mut topic, mut data) = (0.0, 0.0);
        if let Some(prior) = &self.at_topic {
            topic = trainer.squared_distance(prior).await?;
        }
        if let Some(prior) = &self.at_data {
            data = trainer.squared_distance(prior).await?;
        }
        Ok((topic, data))
    }

    /// For each of `rows`, batch number `step`, its counterparts in the data-dependent and in the topic-dependent prior's subset.
    pub fn counterparts(&self, corpus: &Corpus, rows: &[usize], step: usize) -> Option<[Vec<usize>; 2]> {
        let mut stream = Stream::new(self.seed, Purpose::Counterpart, step as u64);
        let (data, topic) = (self.data.as_ref()?, self.topic.as_ref()?);
        // Of the former's rows: the topic-dependent prior knows a part of what the other knows.
        let in_data = corpus.counterparts(rows, data, &mut stream);
        let in_topic = corpus.counterparts(&in_data, topic, &mut stream);
        Some([in_data, in_topic])
    }
}
