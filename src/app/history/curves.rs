//! What is kept along a run: the training curve in buckets, and the scalars of evaluations, thinned evenly.

use serde::{Deserialize, Serialize};

use crate::protocol::{Evaluation, Frame, LossAndFloor, Measured};

/// Evaluations kept along the run, at most.
pub const MAX_EVALUATIONS: usize = 512;
/// Buckets of the training curve, at most: two for every pixel of a wide chart.
pub const MAX_BUCKETS: usize = 2048;
/// Losses of the steps `first..=last`, summed up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    pub first: usize,
    pub last: usize,
    pub mean: f64,
    pub low: f64,
    pub high: f64,
    /// The smoothed loss at `last`.
    pub smoothed: f64,
}

/// The training loss step by step; once there are more than [`MAX_BUCKETS`], neighbours are joined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingCurve {
    buckets: Vec<Bucket>,
    /// Steps per bucket: a power of two.
    width: usize,
    steps: usize,
    smoothed: f64,
    /// Steps whose loss was not finite, and the last of them.
    missing: usize,
    last_missing: usize,
}

impl Default for TrainingCurve {
    fn default() -> Self {
        Self { buckets: Vec::new(), width: 1, steps: 0, smoothed: f64::NAN, missing: 0, last_missing: 0 }
    }
}

impl TrainingCurve {
    /// Steps in order; the last may still grow.
    pub fn buckets(&self) -> &[Bucket] {
        &self.buckets
    }

    /// Steps whose loss was not finite: they are in no bucket.
    pub fn missing(&self) -> usize {
        self.missing
    }

    /// 0 before the first step.
    pub fn last_step(&self) -> usize {
        self.buckets.last().map_or(0, |b| b.last)
    }

    /// The smoothed loss in the bucket that holds `step`; `None` for a step that has not come or has no finite loss.
    pub fn smoothed_at(&self, step: usize) -> Option<f64> {
        let after = self.buckets.partition_point(|b| b.first <= step);
        self.buckets.get(after.checked_sub(1)?).filter(|b| step <= b.last).map(|b| b.smoothed)
    }

    pub(super) fn extend(&mut self, frame: &Frame, planned: usize) {
        for (i, &loss) in frame.training_loss.iter().enumerate() {
            let step = frame.first + i;
            // A frame that repeats steps (a message sent twice) must not draw a line backwards.
            if step <= self.last_step().max(self.last_missing) {
                continue;
            }
            if loss.is_finite() {
                self.push(step, loss, planned);
            } else {
                self.missing += 1;
                self.last_missing = step;
            }
        }
    }

    fn push(&mut self, step: usize, loss: f64, planned: usize) {
        self.steps += 1;
        // The window is 5% of the steps so far, at most 2% of all: it follows the early fall and calms the end.
        let window = (self.steps as f64 / 20.0).min(planned as f64 / 50.0).max(1.0);
        let share = 2.0 / (window + 1.0);
        self.smoothed = if self.smoothed.is_finite() { self.smoothed + share * (loss - self.smoothed) } else { loss };
        match self.buckets.last_mut() {
            Some(last) if step < last.first + self.width => {
                let n = (last.last - last.first + 1) as f64;
                last.mean += (loss - last.mean) / (n + 1.0);
                last.low = last.low.min(loss);
                last.high = last.high.max(loss);
                last.last = step;
                last.smoothed = self.smoothed;
            }
            _ => {
                if self.buckets.len() == MAX_BUCKETS {
                    self.halve();
                }
                self.buckets.push(Bucket {
                    first: step,
                    last: step,
                    mean: loss,
                    low: loss,
                    high: loss,
                    smoothed: self.smoothed,
                });
            }
        }
    }

    fn halve(&mut self) {
        self.width *= 2;
        self.buckets = self
            .buckets
            .chunks(2)
            .map(|pair| match pair {
                [a, b] => {
                    let (n, m) = ((a.last - a.first + 1) as f64, (b.last - b.first + 1) as f64);
                    Bucket {
                        first: a.first,
                        last: b.last,
                        mean: (a.mean * n + b.mean * m) / (n + m),
                        low: a.low.min(b.low),
                        high: a.high.max(b.high),
                        smoothed: b.smoothed,
                    }
                }
                rest => rest[0],
            })
            .collect();
    }
}

/// The scalars of an evaluation, nats per token.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluationPoint {
    pub step: usize,
    /// Sequences behind each number.
    pub sequences: usize,
    pub empirical: LossAndFloor,
    pub first_level: LossAndFloor,
    pub two_level: LossAndFloor,
    pub sequence_gap: Measured,
    pub topic_gap: Measured,
    pub topic_gap_above_bayes: Measured,
    pub distance_topic: f64,
    pub distance_data: f64,
}

impl EvaluationPoint {
    pub fn of(evaluation: &Evaluation) -> Self {
        Self {
            step: evaluation.step,
            sequences: evaluation.sequences,
            empirical: evaluation.empirical,
            first_level: evaluation.first_level,
            two_level: evaluation.two_level,
            sequence_gap: evaluation.sequence_gap,
            topic_gap: evaluation.topic_gap,
            topic_gap_above_bayes: evaluation.topic_gap_above_bayes,
            distance_topic: evaluation.distance_topic,
            distance_data: evaluation.distance_data,
        }
    }
}

/// Every `stride`th evaluation and the latest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Thinned {
    points: Vec<EvaluationPoint>,
    latest: Option<EvaluationPoint>,
    seen: usize,
    stride: usize,
}

impl Default for Thinned {
    fn default() -> Self {
        Self { points: Vec::new(), latest: None, seen: 0, stride: 1 }
    }
}

impl Thinned {
    /// In order; the latest is always among them.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &EvaluationPoint> + Clone {
        self.points.iter().chain(self.latest.as_ref())
    }

    pub(super) fn push(&mut self, point: EvaluationPoint) {
        // The latest moves among the kept ones when its number is a multiple of the stride.
        if let Some(previous) = self.latest.take()
            && previous.step < point.step
        {
            if self.seen.is_multiple_of(self.stride) {
                self.points.push(previous);
                if self.points.len() == MAX_EVALUATIONS {
                    let mut index = 0;
                    self.points.retain(|_| {
                        index += 1;
                        index % 2 == 1
                    });
                    self.stride *= 2;
                }
            }
            self.seen += 1;
        }
        self.latest = Some(point);
    }
}
