//! Measures a learner against exact Bayes, on sequences fixed at the start of the run.

use super::{error::EngineError, trainer::Trainer};
use crate::{
    experiment::Experiment,
    protocol::{Evaluation, LossAndFloor, Measured, Sample, Samples, Theory},
    world::{
        Filter, Topic, World,
        data::Corpus,
        rng::{Purpose, Stream},
    },
};

/// How many sequences are shown token by token.
const SHOWN: usize = 8;
/// Rows of one forward pass: bounds its memory.
const CHUNK: usize = 256;

/// Sequences with the exact predictives at every position, [rows, T, vocab] row-major.
struct Set {
    topics: Vec<Topic>,
    tokens: Vec<u16>,
    /// P(token | past, topic).
    oracle: Vec<f32>,
    /// P(token | past) by exact Bayes, under the prior that fits the set's question.
    bayes: Vec<f32>,
}

/// What one set says of a learner; one value per sequence, so that standard errors are over independent draws.
struct PerSequence {
    loss: Vec<f64>,
    bayes: Vec<f64>,
}

pub struct Evaluator {
    length: usize,
    prompt: usize,
    vocab: usize,
    /// Fresh topics, Bayes under the true prior.
    fresh: Set,
    /// The topics of `training`, fresh sequences; Bayes over the training topics.
    seen_topics: Set,
    /// Sequences of the training set; Bayes over the training topics.
    training: Set,
    /// h_l, to which the measured excess is added.
    bayes_curve: Vec<f64>,
    labels: Vec<(String, Option<usize>)>,
}

impl Evaluator {
    /// Draws the sets. The learner never trains on `fresh` or `seen_topics`: they come from streams of their own.
    pub fn new(experiment: &Experiment, world: &World, corpus: &Corpus, theory: &Theory) -> Self {
        let (rows, length) = (experiment.evaluation.sequences, experiment.data.length);
        let draw = |purpose: Purpose, topics: Option<&[Topic]>| {
            let mut tokens = vec![0; rows * length];
            let mut drawn = Vec::with_capacity(rows);
            for (i, row) in tokens.chunks_exact_mut(length).enumerate() {
                let mut stream = Stream::new(experiment.seed, purpose, i as u64);
                let topic = match topics {
                    Some(topics) => topics[i % topics.len()].clone(),
                    None => world.draw_topic(&mut stream),
                };
                world.draw_sequence(&topic, row, &mut stream);
                drawn.push(topic);
            }
            (drawn, tokens)
        };
        let (topics, tokens) = draw(Purpose::Evaluation, None);
        let fresh = Set::new(world, topics, tokens, length, world.bayes());

        // With fresh draws the training topics are those of batches already used, and Bayes over so many is Bayes under P(w).
        let pool = || corpus.topics().map_or_else(|| world.bayes(), |topics| world.pool(topics));
        let probe = corpus.probe(world, rows, experiment.training.steps, experiment.training.batch);
        let (topics, sequences): (Vec<Topic>, Vec<Vec<u16>>) = probe.into_iter().unzip();
        let (seen, seen_tokens) = draw(Purpose::EvaluationSeen, Some(&topics));
        let seen_topics = Set::new(world, seen, seen_tokens, length, pool());
        let training = Set::new(world, topics, sequences.concat(), length, pool());

        let labels = fresh.topics.iter().take(SHOWN).map(|t| (world.topic_label(t), world.topic_index(t))).collect();
        Self {
            length,
            prompt: experiment.prompt_length(),
            vocab: world.vocab(),
            fresh,
            seen_topics,
            training,
            bayes_curve: theory.bayes.values.clone(),
            labels,
        }
    }

    pub async fn evaluate(&self, trainer: &Trainer) -> Result<(Evaluation, Samples), EngineError> {
        let fresh = trainer.log_probabilities(&self.fresh.tokens, CHUNK).await?;
        let seen = trainer.log_probabilities(&self.seen_topics.tokens, CHUNK).await?;
        let training = trainer.log_probabilities(&self.training.tokens, CHUNK).await?;
        let step = trainer.steps();
        if [&fresh, &seen, &training].into_iter().flatten().any(|v| v.is_nan()) {
            return Err(EngineError::NotFinite { step });
        }

        let rows = self.fresh.topics.len();
        let mut excess = vec![Vec::with_capacity(rows); self.length];
        let mut sampled = vec![Vec::with_capacity(rows); self.length];
        for (i, &x) in self.fresh.tokens.iter().enumerate() {
            let at = i * self.vocab..(i + 1) * self.vocab;
            let (bayes, model) = (&self.fresh.bayes[at.clone()], &fresh[at]);
            excess[i % self.length].push(kl(bayes, model));
            sampled[i % self.length].push(ln(bayes[usize::from(x)]) - f64::from(model[usize::from(x)]));
        }
        let excess: Vec<Measured> = excess.iter().map(|v| measured(v)).collect();
        let sampled: Vec<Measured> = sampled.iter().map(|v| measured(v)).collect();

        let population =
            |set: &Set, model: &[f32], positions| set.population_loss(model, self.length, self.vocab, positions);
        let two_level = population(&self.fresh, &fresh, self.prompt);
        let first_level = population(&self.seen_topics, &seen, self.length);
        // The topic gap compares like with like: both over a prompt's positions.
        let first_level_prompt = population(&self.seen_topics, &seen, self.prompt);
        let empirical = self.training.empirical_loss(&training, self.length, self.vocab);
        // Row i of both sets has the same topic, so the gap's error is that of the differences.
        let sequence_gap = measured(&pairwise(&first_level.loss, &empirical.loss));
        let (fresh_loss, seen_loss) = (measured(&two_level.loss), measured(&first_level_prompt.loss));
        let topic_gap =
            Measured { value: fresh_loss.value - seen_loss.value, stderr: fresh_loss.stderr.hypot(seen_loss.stderr) };

        let evaluation = Evaluation {
            step,
            sequences: rows,
            model: self.bayes_curve.iter().zip(&excess).map(|(h, e)| h + e.value).collect(),
            excess: excess.iter().map(|e| e.value).collect(),
            excess_stderr: excess.iter().map(|e| e.stderr).collect(),
            sampled_excess: sampled.iter().map(|e| e.value).collect(),
            sampled_excess_stderr: sampled.iter().map(|e| e.stderr).collect(),
            squared_error: Vec::new(),
            empirical: empirical.summary(),
            first_level: first_level.summary(),
            two_level: two_level.summary(),
            sequence_gap,
            topic_gap,
            squared_distance: trainer.squared_distance().await?,
        };
        Ok((evaluation, self.samples(step, &fresh)))
    }

    fn samples(&self, step: usize, model: &[f32]) -> Samples {
        let rows = self.labels.iter().enumerate().map(|(row, (topic, topic_index))| {
            let at = row * self.length..(row + 1) * self.length;
            let index = |i: usize| i * self.vocab + usize::from(self.fresh.tokens[i]);
            Sample {
                topic: topic.clone(),
                topic_index: *topic_index,
                tokens: self.fresh.tokens[at.clone()].to_vec(),
                model: at.clone().map(|i| -f64::from(model[index(i)])).collect(),
                bayes: at.map(|i| -ln(self.fresh.bayes[index(i)])).collect(),
            }
        });
        Samples { step, rows: rows.collect() }
    }
}

impl Set {
    fn new(world: &World, topics: Vec<Topic>, tokens: Vec<u16>, length: usize, mut bayes: Filter) -> Self {
        let vocab = world.vocab();
        let mut set = Self {
            topics,
            oracle: Vec::with_capacity(tokens.len() * vocab),
            bayes: Vec::with_capacity(tokens.len() * vocab),
            tokens,
        };
        let mut p = vec![0.0; vocab];
        for (topic, row) in set.topics.iter().zip(set.tokens.chunks_exact(length)) {
            let mut oracle = world.oracle(topic);
            bayes.reset();
            for &x in row {
                oracle.predict(&mut p);
                set.oracle.extend(p.iter().map(|&v| v as f32));
                oracle.observe(x);
                bayes.predict(&mut p);
                set.bayes.extend(p.iter().map(|&v| v as f32));
                bayes.observe(x);
            }
        }
        set
    }

    /// Mean over the first `positions` of KL(P(. | past, topic) || predictive), sequence by sequence.
    fn population_loss(&self, model: &[f32], length: usize, vocab: usize, positions: usize) -> PerSequence {
        let mean = |row: usize, of: &dyn Fn(std::ops::Range<usize>) -> f64| {
            let cells = (row * length..row * length + positions).map(|i| i * vocab..(i + 1) * vocab);
            cells.map(of).sum::<f64>() / positions as f64
        };
        let rows = 0..self.topics.len();
        PerSequence {
            loss: rows.clone().map(|r| mean(r, &|at| kl(&self.oracle[at.clone()], &model[at]))).collect(),
            bayes: rows.map(|r| mean(r, &|at| kl_of(&self.oracle[at.clone()], &self.bayes[at]))).collect(),
        }
    }

    /// Mean over positions of ln P(x | past, topic) - ln predictive(x) for the tokens that are there, sequence by sequence. A
    /// learner that has memorised its training tokens shows it here, and only here.
    fn empirical_loss(&self, model: &[f32], length: usize, vocab: usize) -> PerSequence {
        let mean = |row: usize, of: &dyn Fn(usize) -> f64| {
            let cells = (row * length..(row + 1) * length).map(|i| i * vocab + usize::from(self.tokens[i]));
            cells.map(of).sum::<f64>() / length as f64
        };
        let rows = 0..self.topics.len();
        PerSequence {
            loss: rows.clone().map(|r| mean(r, &|i| ln(self.oracle[i]) - f64::from(model[i]))).collect(),
            bayes: rows.map(|r| mean(r, &|i| ln(self.oracle[i]) - ln(self.bayes[i]))).collect(),
        }
    }
}

impl PerSequence {
    fn summary(&self) -> LossAndFloor {
        LossAndFloor {
            loss: measured(&self.loss),
            bayes: measured(&self.bayes),
            excess: measured(&pairwise(&self.loss, &self.bayes)),
        }
    }
}

fn pairwise(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

/// Mean and its standard error over independent values.
pub fn measured(values: &[f64]) -> Measured {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    Measured { value: mean, stderr: (variance / n).sqrt() }
}

/// The smallest f32 stands in for 0, so that an impossible token costs a lot and not infinity.
fn ln(p: f32) -> f64 {
    f64::from(p.max(f32::MIN_POSITIVE)).ln()
}

/// KL(p || q) for probabilities `p` and log-probabilities `log_q`; rounding below 0 is cut off.
fn kl(p: &[f32], log_q: &[f32]) -> f64 {
    let sum: f64 =
        p.iter().zip(log_q).filter(|(p, _)| **p > 0.0).map(|(&p, &q)| f64::from(p) * (ln(p) - f64::from(q))).sum();
    sum.max(0.0)
}

/// KL(p || q) for probabilities.
fn kl_of(p: &[f32], q: &[f32]) -> f64 {
    let sum: f64 = p.iter().zip(q).filter(|(p, _)| **p > 0.0).map(|(&p, &q)| f64::from(p) * (ln(p) - ln(q))).sum();
    sum.max(0.0)
}
