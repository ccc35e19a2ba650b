//! A map whose numbers follow closed forms, for tests.

use super::{FinishedRun, MapPoint, Metric, RecordedMap, TRAINING_PARTS};
use crate::{experiment::MapDesign, protocol::Evaluation};

/// ln K + 10 ln N + 100 ln T: linear in the logarithms, so that interpolation gives it back exactly.
pub fn plane(k: f64, n: f64, t: f64) -> f64 {
    k.ln() + 10.0 * n.ln() + 100.0 * t.ln()
}

/// The map of the first design. Seed number i adds i to the value of [`plane`], in every metric and at every position.
pub fn made_up() -> RecordedMap {
    let design = MapDesign::named("markov").unwrap();
    let mut points = Vec::new();
    for &k in design.topics {
        for &n in design.sequences {
            for &t in design.lengths {
                let value = |seed: usize| plane(k as f64, n as f64, t as f64) + seed as f64;
                let run = |seed: usize| FinishedRun {
                    excess: vec![value(seed); t],
                    seen: vec![value(seed); t],
                    seen_bayes: vec![0.5; t],
                    fresh_bayes: vec![0.25; t],
                    training: vec![1.0; TRAINING_PARTS],
                    metrics: vec![value(seed); Metric::ALL.len()],
                };
                points.push(MapPoint::new([k, n, t], &[0, 1, 2].map(run)));
            }
        }
    }
    RecordedMap::new(design, 520, &[1.0; 64], points)
}

/// An evaluation with `length` positions, all numbers 0.
pub fn evaluation(length: usize) -> Evaluation {
    let zeros = || vec![0.0; length];
    Evaluation {
        step: 0,
        sequences: 2,
        model: zeros(),
        excess: zeros(),
        excess_stderr: zeros(),
        sampled_excess: zeros(),
        sampled_excess_stderr: zeros(),
        squared_error: Vec::new(),
        empirical: Default::default(),
        first_level: Default::default(),
        two_level: Default::default(),
        sequence_gap: Default::default(),
        topic_gap: Default::default(),
        topic_gap_above_bayes: Default::default(),
        seen_model: zeros(),
        seen_model_stderr: zeros(),
        seen_bayes: zeros(),
        fresh_model: zeros(),
        fresh_model_stderr: zeros(),
        fresh_bayes: zeros(),
        distance_topic: 0.0,
        distance_data: 0.0,
    }
}
