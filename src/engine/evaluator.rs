//! Measures a model against exact Bayes, on sequences fixed at the start of the run.
//!
//! Everything comes from a few numbers per cell (a token or a vector). Where the source's whole predictive distributions are known they are
//! divergences of those; where they are not, or where the very tokens are what is asked about, log-ratios of what was observed.

use std::ops::Range;

use super::{
    error::EngineError,
    trainer::{Model, Trainer},
};
use crate::{
    experiment::Experiment,
    pace::Pace,
    protocol::{Evaluation, LossAndFloor, Measured, Sample, Samples},
    theory::linear::systems,
    world::{
        Filter, LinearPrior, Rows, Topic, World,
        data::Corpus,
        linear::{Forecaster, Gaussian, direction},
        rng::{Purpose, Stream},
    },
};

/// How many sequences are shown token by token.
const SHOWN: usize = 8;
/// Rows of one forward pass: bounds its memory.
pub(super) const CHUNK: usize = 256;
/// Units of [`Pace`] for one: always enough for the clock to be looked at.
const FORWARD: usize = 100_000_000;

/// Sequences, and what exact predictors say of each cell of theirs ([rows, T] row-major).
pub(super) struct Set {
    topics: Vec<Topic>,
    rows: Rows,
    distributions: Distributions,
    /// ln P(observed | past, topic).
    oracle: Vec<f64>,
    /// ln P(observed | past) by exact Bayes, under the prior that fits the set's question.
    pub bayes: Vec<f64>,
    /// How far Bayes is from the source that knows the topic: of whole distributions, or the log-ratio of what was observed.
    pub bayes_from_oracle: Vec<f64>,
}

/// Whole predictive distributions at every cell: with the topic known, and by exact Bayes.
enum Distributions {
    /// [rows, T, vocab] row-major.
    Tokens { vocab: usize, oracle: Vec<f32>, bayes: Vec<f32> },
    /// `exact`: no predictor that does not know the topic can be better than `bayes`.
    Vectors { exact: bool, oracle: Vec<Gaussian>, bayes: Vec<Gaussian> },
    /// Not known, or not asked for.
    Unknown,
}

/// What a model says of each cell of a set.
pub(super) struct Cells {
    /// From the source that knows the topic, as [`Set::bayes_from_oracle`].
    pub from_oracle: Vec<f64>,
    /// From exact Bayes. Of whole distributions never negative; of what was observed, or where Bayes is not exact, only its mean is.
    pub from_bayes: Vec<f64>,
    /// ln P(observed).
    pub log_p: Vec<f64>,
    /// Of vectors: squared error beyond that of Bayes.
    pub squared_error: Vec<f64>,
}

/// What one set says of a model; one value per sequence, so that standard errors are over independent draws.
pub(super) struct PerSequence {
    pub loss: Vec<f64>,
    pub bayes: Vec<f64>,
}

pub struct Evaluator {
    length: usize,
    prompt: usize,
    /// Fresh topics, Bayes under the true prior.
    fresh: Set,
    /// The topics of `training`, fresh sequences; Bayes over the training topics.
    seen_topics: Set,
    /// Sequences of the training set; Bayes over the training topics.
    training: Set,
    /// `training` has every sequence that is trained on, so that its means have no sampling error.
    whole: bool,
    /// h_l, to which the measured excess is added.
    bayes_curve: Vec<f64>,
    /// Of vectors: squared error of exact Bayes, to which the measured excess is added.
    squared_error: Vec<f64>,
    labels: Vec<(String, Option<usize>)>,
}

impl Evaluator {
    /// Draws the sets. The model never trains on `fresh` or `seen_topics`: they come from streams of their own. `bayes` is the
    /// curve that the measured excess is added to, `squared_error` likewise; both empty where nobody draws them.
    pub async fn new(
        pace: &mut Pace,
        experiment: &Experiment,
        world: &World,
        corpus: &Corpus,
        bayes: &[f64],
        squared_error: &[f64],
    ) -> Self {
        let (count, length) = (experiment.evaluation.sequences, experiment.data.length);
        let fresh = Set::fresh(pace, experiment, world, 0..count).await;
        // With fresh draws the training topics are those of batches already used, and Bayes over so many is Bayes under P(w).
        let pool = corpus.topics().unwrap_or_default();
        let (steps, batch) = (experiment.steps(), experiment.training.batch);
        let whole = corpus.population(steps, batch) <= count;
        let (topics, rows) = corpus.probe(world, count, steps, batch);
        // Of a whole set the topics come in turn, so that each has as many sequences as any other, give or take one.
        let seen = if whole && !pool.is_empty() { pool } else { &topics };
        let seen_topics = Set::seen(pace, experiment, world, pool, seen, 0..count).await;
        let training = Set::new(pace, world, (topics, rows), length, pool, false).await;

        let labels = fresh.topics.iter().take(SHOWN).map(|t| (world.topic_label(t), world.topic_index(t))).collect();
        Self {
            length,
            prompt: experiment.prompt_length(),
            fresh,
            seen_topics,
            training,
            whole,
            bayes_curve: bayes.to_vec(),
            squared_error: squared_error.to_vec(),
            labels,
        }
    }

    /// h_l, and for vectors the squared error of exact Bayes: what measured excesses are added to.
    pub fn bases(&self) -> (&[f64], &[f64]) {
        (&self.bayes_curve, &self.squared_error)
    }

    /// `priors`: ‖θ - θ_topic‖² and ‖θ - θ_data‖².
    pub async fn evaluate(
        &self,
        pace: &mut Pace,
        trainer: &Trainer,
        priors: (f64, f64),
    ) -> Result<(Evaluation, Samples), EngineError> {
        let fresh = self.fresh.measure(pace, trainer).await?;
        let seen = self.seen_topics.measure(pace, trainer).await?;
        let training = self.training.measure(pace, trainer).await?;
        let step = trainer.steps();

        let excess = by_position(&fresh.from_bayes, self.length);
        let ratios: Vec<f64> = self.fresh.bayes.iter().zip(&fresh.log_p).map(|(bayes, model)| bayes - model).collect();
        let sampled = by_position(&ratios, self.length);
        let squares = by_position(&fresh.squared_error, self.length);

        let two_level = self.fresh.summed_up(&fresh, self.length, self.prompt);
        let first_level = self.seen_topics.summed_up(&seen, self.length, self.length);
        // The topic gap compares like with like: both over a prompt's positions.
        let first_level_prompt = self.seen_topics.summed_up(&seen, self.length, self.prompt);
        let empirical = self.training.summed_up(&training, self.length, self.length);
        let (first_summary, empirical_summary) = (first_level.summary(), empirical.summary());
        let (sequence_gap, empirical_summary) = if self.whole {
            let whole = empirical_summary.without_error();
            (first_summary.loss.less(whole.loss), whole)
        } else {
            // Row i of both sets has the same topic, so the gap's error is that of the differences.
            (Measured::over(&pairwise(&first_level.loss, &empirical.loss)), empirical_summary)
        };
        let (fresh_prompt, seen_prompt) = (two_level.summary(), first_level_prompt.summary());

        let [(seen_model, seen_model_stderr), (seen_bayes, _), (fresh_model, fresh_model_stderr), (fresh_bayes, _)] =
            [&seen.from_oracle, &self.seen_topics.bayes_from_oracle, &fresh.from_oracle, &self.fresh.bayes_from_oracle]
                .map(|cells| by_position(cells, self.length).into_iter().map(|m| (m.value, m.stderr)).unzip());

        let evaluation = Evaluation {
            step,
            sequences: self.fresh.topics.len(),
            model: self.bayes_curve.iter().zip(&excess).map(|(h, e)| h + e.value).collect(),
            excess: excess.iter().map(|e| e.value).collect(),
            excess_stderr: excess.iter().map(|e| e.stderr).collect(),
            sampled_excess: sampled.iter().map(|e| e.value).collect(),
            sampled_excess_stderr: sampled.iter().map(|e| e.stderr).collect(),
            squared_error: self.squared_error.iter().zip(&squares).map(|(least, e)| least + e.value).collect(),
            empirical: empirical_summary,
            first_level: first_summary,
            two_level: fresh_prompt,
            sequence_gap,
            topic_gap: fresh_prompt.loss.less(seen_prompt.loss),
            topic_gap_above_bayes: fresh_prompt.excess.less(seen_prompt.excess),
            seen_model,
            seen_model_stderr,
            seen_bayes,
            fresh_model,
            fresh_model_stderr,
            fresh_bayes,
            distance_topic: priors.0,
            distance_data: priors.1,
        };
        Ok((evaluation, self.samples(step, &fresh)))
    }

    fn samples(&self, step: usize, model: &Cells) -> Samples {
        let rows = self.labels.iter().enumerate().map(|(row, (topic, topic_index))| {
            let at = row * self.length..(row + 1) * self.length;
            Sample {
                topic: topic.clone(),
                topic_index: *topic_index,
                tokens: match self.fresh.rows.cells(at.clone()) {
                    Rows::Tokens(tokens) => tokens,
                    Rows::Vectors { dimension, values } => values.chunks_exact(dimension).map(direction).collect(),
                },
                model: model.log_p[at.clone()].iter().map(|p| -p).collect(),
                bayes: self.fresh.bayes[at].iter().map(|p| -p).collect(),
            }
        });
        Samples { step, rows: rows.collect() }
    }
}

impl Set {
    /// Sequences `range` of the fresh evaluation sequences: fresh topics, Bayes under the true prior.
    pub async fn fresh(pace: &mut Pace, experiment: &Experiment, world: &World, range: Range<usize>) -> Self {
        let held_out = world.held_out();
        let draw = |stream: &mut Stream, _| held_out.draw_topic(stream);
        let drawn = draw_rows(experiment, &held_out, Purpose::Evaluation, range, draw);
        Self::new(pace, world, drawn, experiment.data.length, &[], whole_distributions(world)).await
    }

    /// Sequences `range` of the fresh sequences of seen topics, the topics taken in turn from `topics`, the first for the range's
    /// first; Bayes over `pool`.
    pub async fn seen(
        pace: &mut Pace,
        experiment: &Experiment,
        world: &World,
        pool: &[Topic],
        topics: &[Topic],
        range: Range<usize>,
    ) -> Self {
        let first = range.start;
        let draw = |_: &mut Stream, i: usize| topics[(i - first) % topics.len()].clone();
        let drawn = draw_rows(experiment, &world.held_out(), Purpose::EvaluationSeen, range, draw);
        Self::new(pace, world, drawn, experiment.data.length, pool, whole_distributions(world)).await
    }

    /// `pool`: the topics that Bayes knows are possible; none for the true prior. `whole`: keep whole predictive distributions.
    pub async fn new(
        pace: &mut Pace,
        world: &World,
        (topics, rows): (Vec<Topic>, Rows),
        length: usize,
        pool: &[Topic],
        whole: bool,
    ) -> Self {
        let work = world.pool_work(pool.len());
        let mut set = Self {
            topics,
            distributions: Distributions::Unknown,
            oracle: vec![],
            bayes: vec![],
            bayes_from_oracle: vec![],
            rows,
        };
        match (&set.rows, world.linear()) {
            (Rows::Vectors { dimension, values }, Some(distribution)) => {
                let values = values.clone();
                set.fill_vectors((pace, work), distribution, &values, length * dimension, pool, whole).await;
            }
            (Rows::Tokens(tokens), _) => {
                let tokens = tokens.clone();
                set.fill_tokens((pace, work), world, &tokens, length, world.pool(pool), whole).await;
            }
            // Rows of vectors come from worlds of vectors.
            (Rows::Vectors { .. }, None) => {}
        }
        set
    }

    /// `work`: units of the pace for a token.
    async fn fill_tokens(
        &mut self,
        (pace, work): (&mut Pace, usize),
        world: &World,
        tokens: &[u16],
        length: usize,
        mut bayes: Filter,
        whole: bool,
    ) {
        let vocab = world.vocab();
        let (mut p, mut q) = (vec![0.0; vocab], vec![0.0; vocab]);
        let (mut p32, mut q32) = (vec![0.0f32; vocab], vec![0.0f32; vocab]);
        let (mut oracles, mut all) = (Vec::new(), Vec::new());
        for (topic, row) in self.topics.iter().zip(tokens.chunks_exact(length)) {
            let mut oracle = world.oracle(topic);
            bayes.reset();
            for &x in row {
                oracle.predict(&mut p);
                bayes.predict(&mut q);
                // As they are kept.
                p32.iter_mut().zip(&p).for_each(|(slot, &v)| *slot = v as f32);
                q32.iter_mut().zip(&q).for_each(|(slot, &v)| *slot = v as f32);
                let (known, hidden) = (ln(p32[usize::from(x)]), ln(q32[usize::from(x)]));
                self.oracle.push(known);
                self.bayes.push(hidden);
                self.bayes_from_oracle.push(if whole { kl_of(&p32, &q32) } else { known - hidden });
                if whole {
                    oracles.extend_from_slice(&p32);
                    all.extend_from_slice(&q32);
                }
                oracle.observe(x);
                bayes.observe(x);
                pace.worked(work).await;
            }
        }
        if whole {
            self.distributions = Distributions::Tokens { vocab, oracle: oracles, bayes: all };
        }
    }

    /// `work`: units of the pace for a vector.
    async fn fill_vectors(
        &mut self,
        (pace, work): (&mut Pace, usize),
        distribution: &LinearPrior,
        values: &[f32],
        row: usize,
        pool: &[Topic],
        whole: bool,
    ) {
        // Over a pool Bayes is a mixture of Gaussians, and its divergence from one has no closed form.
        let closed = whole && pool.is_empty();
        let mut bayes: Forecaster = distribution.pool(systems(pool));
        let (mut oracles, mut all) = (Vec::new(), Vec::new());
        for (topic, row) in self.topics.iter().zip(values.chunks_exact(row)) {
            let Some(mut oracle) =
                systems(std::slice::from_ref(topic)).next().map(|system| distribution.oracle(system))
            else {
                continue;
            };
            bayes.reset();
            for x in row.chunks_exact(distribution.dimension()) {
                let (known, hidden) = (oracle.predict(), bayes.predict());
                let (p, q) = (known.log_density(x), bayes.log_density(x));
                self.oracle.push(p);
                self.bayes.push(q);
                self.bayes_from_oracle.push(if closed { known.divergence(&hidden) } else { p - q });
                if whole {
                    oracles.push(known);
                    all.push(hidden);
                }
                oracle.observe(x);
                bayes.observe(x);
                pace.worked(work).await;
            }
        }
        if whole {
            self.distributions = Distributions::Vectors { exact: distribution.is_exact(), oracle: oracles, bayes: all };
        }
    }

    pub async fn measure(&self, pace: &mut Pace, trainer: &impl Model) -> Result<Cells, EngineError> {
        let broken = || EngineError::NotFinite { step: trainer.steps() };
        let mut cells = Cells { from_oracle: vec![], from_bayes: vec![], log_p: vec![], squared_error: vec![] };
        match (&self.distributions, &self.rows) {
            (Distributions::Tokens { vocab, oracle, bayes }, Rows::Tokens(tokens)) => {
                let model = self.by_chunks(pace, async |rows| trainer.predictions(&rows, CHUNK).await).await?;
                if model.iter().any(|v| v.is_nan()) {
                    return Err(broken());
                }
                for (i, &x) in tokens.iter().enumerate() {
                    let at = i * vocab..(i + 1) * vocab;
                    let model = &model[at.clone()];
                    cells.from_oracle.push(kl(&oracle[at.clone()], model));
                    cells.from_bayes.push(kl(&bayes[at], model));
                    cells.log_p.push(f64::from(model[usize::from(x)]));
                }
            }
            (Distributions::Vectors { exact, oracle, bayes }, Rows::Vectors { dimension, values }) => {
                let model = self.by_chunks(pace, async |rows| trainer.predictions(&rows, CHUNK).await).await?;
                if model.iter().any(|v| !v.is_finite()) {
                    return Err(broken());
                }
                let distributions = oracle.iter().zip(bayes).zip(&self.bayes_from_oracle);
                let seen = values.chunks_exact(*dimension).zip(model.chunks_exact(dimension + 1));
                for (((oracle, bayes), bayes_from_oracle), (x, model)) in distributions.zip(seen) {
                    let (mean, log_variance) = model.split_at(*dimension);
                    let model = Gaussian::new(mean, f64::from(log_variance[0]).exp());
                    let from_oracle = oracle.divergence(&model);
                    cells.from_oracle.push(from_oracle);
                    cells.log_p.push(model.log_density(x));
                    let (excess, square) = if *exact {
                        (bayes.divergence(&model), bayes.squared_distance(&model))
                    } else {
                        let square = oracle.squared_distance(&model) - oracle.squared_distance(bayes);
                        (from_oracle - bayes_from_oracle, square)
                    };
                    cells.from_bayes.push(excess);
                    cells.squared_error.push(square);
                }
            }
            _ => {
                let model = self.by_chunks(pace, async |rows| trainer.log_likelihoods(&rows, CHUNK).await).await?;
                if model.iter().any(|v| v.is_nan()) {
                    return Err(broken());
                }
                cells.log_p = model.into_iter().map(f64::from).collect();
                cells.from_oracle = pairwise(&self.oracle, &cells.log_p);
                cells.from_bayes = pairwise(&self.bayes, &cells.log_p);
            }
        }
        Ok(cells)
    }

    /// What `ask` says of the set's rows, of as many at a time as a forward pass takes, with rests between.
    async fn by_chunks(
        &self,
        pace: &mut Pace,
        ask: impl AsyncFn(Rows) -> Result<Vec<f32>, EngineError>,
    ) -> Result<Vec<f32>, EngineError> {
        let (cells, rows) = (self.rows.len(), self.topics.len());
        let chunk = CHUNK * (cells / rows.max(1)).max(1);
        let mut said = Vec::new();
        for start in (0..cells).step_by(chunk) {
            let part = ask(self.rows.cells(start..cells.min(start + chunk))).await?;
            if said.is_empty() {
                said = part;
            } else {
                said.extend(part);
            }
            pace.worked(FORWARD).await;
        }
        Ok(said)
    }

    /// Means over the first `positions` of each sequence. A model that has memorised its training tokens shows it in the
    /// log-ratios on those, and only there.
    pub fn summed_up(&self, model: &Cells, length: usize, positions: usize) -> PerSequence {
        let means = |cells: &[f64]| {
            cells.chunks_exact(length).map(|row| row[..positions].iter().sum::<f64>() / positions as f64).collect()
        };
        PerSequence { loss: means(&model.from_oracle), bayes: means(&self.bayes_from_oracle) }
    }
}

/// Whether the distributions of a world's cells are known as a whole.
fn whole_distributions(world: &World) -> bool {
    world.observation().is_vectors() || world.is_exact()
}

/// Sequences `range` of a purpose, each from a stream of its own.
fn draw_rows(
    experiment: &Experiment,
    world: &World,
    purpose: Purpose,
    range: Range<usize>,
    topic: impl Fn(&mut Stream, usize) -> Topic,
) -> (Vec<Topic>, Rows) {
    let mut rows = Rows::empty(world.observation());
    let mut drawn = Vec::with_capacity(range.len());
    for i in range {
        let mut stream = Stream::new(experiment.seed, purpose, i as u64);
        let topic = topic(&mut stream, i);
        world.draw_row(&topic, experiment.data.length, &mut rows, &mut stream);
        drawn.push(topic);
    }
    (drawn, rows)
}

/// Mean and its error at each position of [rows, T] values.
fn by_position(values: &[f64], length: usize) -> Vec<Measured> {
    if values.is_empty() {
        return Vec::new();
    }
    (0..length).map(|l| Measured::over(&values.iter().skip(l).step_by(length).copied().collect::<Vec<_>>())).collect()
}

impl PerSequence {
    fn summary(&self) -> LossAndFloor {
        LossAndFloor {
            loss: Measured::over(&self.loss),
            bayes: Measured::over(&self.bayes),
            excess: Measured::over(&pairwise(&self.loss, &self.bayes)),
        }
    }
}

fn pairwise(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
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
