//! Levels: what a model that does exact Bayes would lose on average.

use super::{curves::Curves, linear};
use worlds::pace::{Pace, at_once};
use worlds::{Corpus, Rows, World};

/// Mean over positions of a curve's values; 0 for an empty one.
pub fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

/// Loss of the Bayes-optimal predictor on the training data, nats per token (or vector).
///
/// With fresh draws it is the mean of `curves.bayes`. With a training set it is the mean negative
/// log-likelihood of the set under exact Bayes over its K topics, over at most `sequences`
/// sequences spread evenly over the set. For a text it is always the mean of `curves.bayes`.
pub fn training_level(world: &World, corpus: &Corpus, curves: &Curves, sequences: usize) -> f64 {
    at_once(training_level_at(&mut Pace::unbroken(), world, corpus, curves, sequences))
}

/// As [`training_level`], with rests.
pub async fn training_level_at(
    pace: &mut Pace,
    world: &World,
    corpus: &Corpus,
    curves: &Curves,
    sequences: usize,
) -> f64 {
    let (Some(topics), Some(rows)) = (corpus.topics(), corpus.rows()) else { return mean(&curves.bayes.values) };
    if let Some(distribution) = world.linear() {
        return linear::training_level(pace, distribution, corpus, topics, rows, sequences).await;
    }
    if !world.is_exact() {
        // What was fitted on the training text says nothing about it.
        return mean(&curves.bayes.values);
    }
    let mut filter = world.pool(topics);
    let mut distribution = vec![0.0; world.vocab()];
    let (mut total, mut count) = (0.0, 0usize);
    let used = rows.min(sequences.max(1));
    let work = world.pool_work(topics.len());
    for i in 0..used {
        pace.reached(i as f64 / used as f64);
        let Some((_, cells)) = corpus.row(i * rows / used) else { continue };
        let Rows::Tokens(tokens) = cells else { continue };
        filter.reset();
        for token in tokens {
            filter.predict(&mut distribution);
            total -= distribution[usize::from(token)].ln();
            count += 1;
            filter.observe(token);
            pace.worked(work).await;
        }
    }
    total / count.max(1) as f64
}
