//! How far the gradient of all training data is from that of a prior's subset, along the run: a_t = ‖g_S - g_J‖² at the same θ_t.
//!
//! Σ (β η_t/4) a_t is the KL between the two training paths where the noise of Langevin dynamics is injected; there a_t comes from each
//! step's own batch and its counterparts, which makes the sum an upper bound of the KL averaged over batches (the KL is convex).
//! With any other optimiser it is an index, and a_t is estimated at evaluations from pairs of independent batches, whose
//! noise cancels on average: E (d · d') = ‖E d‖².

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::{
    error::EngineError,
    gaps::Tally,
    priors::Priors,
    trainer::{Trainer, read_one},
};
use crate::{
    experiment::{Experiment, Optimizer},
    net::langevin::Langevin,
    protocol::Paths,
    world::{
        Corpus, Rows, World,
        rng::{Purpose, Stream},
    },
};

/// Sequences of each batch that a difference is estimated from.
const BATCH: usize = 256;

/// The sums along one run.
#[derive(Clone, Serialize, Deserialize)]
pub struct Differences {
    #[serde(skip)]
    experiment: Experiment,
    paths: Paths,
    /// Σ β η_t/4 since the last measurement.
    weight: f64,
    data: Tally,
    expected_data: Tally,
    topic: Tally,
    expected_topic: Tally,
}

impl Differences {
    pub fn new(experiment: &Experiment) -> Self {
        let is_kl = experiment.training.optimizer == Optimizer::Langevin;
        Self {
            experiment: experiment.clone(),
            paths: Paths { is_kl, ..Paths::default() },
            weight: 0.0,
            data: Tally::default(),
            expected_data: Tally::default(),
            topic: Tally::default(),
            expected_topic: Tally::default(),
        }
    }

    /// The same sums, saved, in a run of `experiment` that goes on.
    pub fn restored(self, experiment: &Experiment) -> Self {
        Self { experiment: experiment.clone(), ..self }
    }

    /// A step of the training proper was taken; `differences` holds ‖g - g'‖² for the data-dependent and the topic-dependent prior's
    /// batches where the noise was injected, and nothing else.
    pub fn stepped(&mut self, learning_rate: f64, differences: &[f64]) {
        let training = &self.experiment.training;
        match differences {
            [data, topic] => {
                self.paths.data += Langevin::kl(*data, learning_rate, training);
                self.paths.topic += Langevin::kl(*topic, learning_rate, training);
            }
            _ => self.weight += Langevin::kl(1.0, learning_rate, training),
        }
    }

    /// `proper`: the step before was one of the training proper, and not of the second prior stage. Estimates a_t and what it would be
    /// for random subsets at the model as it stands.
    pub async fn measure(
        &mut self,
        world: &World,
        corpus: &Corpus,
        priors: &Priors,
        trainer: &Trainer,
        proper: bool,
    ) -> Result<(), EngineError> {
        let gradient = |rows: &[usize]| {
            let mut cells = Rows::empty(world.observation());
            corpus.gather(rows, &mut cells);
            trainer.gradient(&cells).1
        };
        let (Some(topic), Some(sequences)) = (priors.of_topic(), corpus.sequences()) else { return Ok(()) };
        let topics = corpus.rows().unwrap_or_default() / sequences;
        let mut stream = Stream::new(self.experiment.seed, Purpose::Difference, trainer.steps() as u64);
        // In the second prior stage all data are the data-dependent prior's, and its difference is 0.
        let all = priors.of_data().filter(|_| !proper);
        let mut batches: Vec<[Tensor<1>; 3]> = Vec::new();
        for half in 0..2 {
            let rows = corpus.draw_rows(BATCH, all, &mut stream);
            let Some([data, topic]) = priors.counterparts(corpus, &rows, 2 * trainer.steps() + half) else {
                return Ok(());
            };
            batches.push([gradient(&rows), gradient(&data), gradient(&topic)]);
        }
        let [[s, d, t], [s2, d2, t2]] = [&batches[0], &batches[1]];
        let data = dot(s.clone() - d.clone(), s2.clone() - d2.clone()).await?;
        let topic_difference = dot(s.clone() - t.clone(), s2.clone() - t2.clone()).await?;

        if !self.paths.is_kl {
            self.paths.data += self.weight * data;
            self.paths.topic += self.weight * topic_difference;
            self.weight = 0.0;
        }
        if !proper {
            return Ok(());
        }
        // σ² of one sequence's gradient within its topic, by n - 1: half the mean square between two different sequences of a
        // topic, as batches of such pairs tell it.
        let rows = corpus.draw_rows(BATCH, None, &mut stream);
        let another = |&row: &usize, stream: &mut Stream| {
            let (k, n) = (row / sequences, row % sequences);
            k * sequences + (n + 1 + stream.below(sequences as u64 - 1) as usize) % sequences
        };
        let same_topic: Vec<usize> = rows.iter().map(|row| another(row, &mut stream)).collect();
        let other_topic: Vec<usize> = rows
            .iter()
            .map(|row| {
                let k = (row / sequences + 1 + stream.below(topics as u64 - 1) as usize) % topics;
                k * sequences + stream.below(sequences as u64) as usize
            })
            .collect();
        let here = gradient(&rows);
        let (within_topic, between_topics) = (here.clone() - gradient(&same_topic), here - gradient(&other_topic));
        let scale = BATCH as f64 / 2.0;
        let within = scale * dot(within_topic.clone(), within_topic).await?;
        let between = scale * dot(between_topics.clone(), between_topics).await?;
        let expected = expected(
            within,
            between,
            (topics, sequences),
            (topic.rows().len(), self.experiment.bound.prior_sequences(&self.experiment.data)),
        );

        self.data.add(data);
        self.topic.add(topic_difference);
        self.expected_data.add(expected.0);
        self.expected_topic.add(expected.1);
        self.paths.measurements += 1;
        Ok(())
    }

    pub fn paths(&self) -> Paths {
        let mean = |tally: &Tally| tally.measured().value;
        Paths {
            difference_data: mean(&self.data),
            expected_data: mean(&self.expected_data),
            difference_topic: mean(&self.topic),
            expected_topic: mean(&self.expected_topic),
            ..self.paths
        }
    }
}

async fn dot(a: Tensor<1>, b: Tensor<1>) -> Result<f64, EngineError> {
    read_one((a * b).sum()).await
}

/// E ‖g_S - g_J‖² over random J, for the data-dependent and for the topic-dependent prior.
///
/// `within`: σ_g² = mean over topics of the variance (by n - 1) of a sequence's gradient. `between`: half the mean square
/// difference between sequences of different topics, which is the variance (by n - 1) of the topics' mean gradients plus σ_g² (N-1)/N. Without
/// replacement a mean of n' of n values misses the mean of all by variance (1/n' - 1/n). So N' of the N sequences of each of K topics
/// miss by σ_g²/K (1/N' - 1/N), as K independent draws are averaged; and K' topics of N' sequences each by the topics' variance
/// (1/K' - 1/K) + σ_g²/K' (1/N' - 1/N).
pub fn expected(
    within: f64,
    between: f64,
    (topics, sequences): (usize, usize),
    (subset_rows, subset_sequences): (usize, usize),
) -> (f64, f64) {
    let (k, n, few) = (topics as f64, sequences as f64, subset_sequences as f64);
    let few_topics = subset_rows as f64 / few;
    let missed = within * (1.0 / few - 1.0 / n);
    let of_topics = between - within * (n - 1.0) / n;
    (missed / k, of_topics * (1.0 / few_topics - 1.0 / k) + missed / few_topics)
}
