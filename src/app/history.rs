//! What a run has reported so far, in plain bounded buffers outside any reactive graph.

mod kept;
mod seeds;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    experiment::{Experiment, link},
    number,
    protocol::{Evaluation, Event, Frame, LossAndFloor, Measured, Outcome, Samples, Theory, wire},
};

pub use kept::HistoryError;
pub use seeds::{Spread, others, spreads};

/// Buckets of the training curve, at most: two for every pixel of a wide chart.
pub const MAX_BUCKETS: usize = 2048;
/// Evaluations kept along the run, at most.
pub const MAX_EVALUATIONS: usize = 512;
/// Points of an earlier run's training curve, at most: it is drawn pale and thin.
const EARLIER_POINTS: usize = 256;

/// Which charts an event has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    pub loss_by_position: bool,
    pub training_loss: bool,
    pub losses: bool,
    pub bound: bool,
    pub samples: bool,
}

impl Changed {
    pub const NONE: Self =
        Self { loss_by_position: false, training_loss: false, losses: false, bound: false, samples: false };
    pub const ALL: Self =
        Self { loss_by_position: true, training_loss: true, losses: true, bound: true, samples: true };

    pub fn any(self) -> bool {
        self != Self::NONE
    }

    /// What either changed.
    pub fn and(self, other: Self) -> Self {
        Self {
            loss_by_position: self.loss_by_position || other.loss_by_position,
            training_loss: self.training_loss || other.training_loss,
            losses: self.losses || other.losses,
            bound: self.bound || other.bound,
            samples: self.samples || other.samples,
        }
    }
}

/// The history of one run, and the last curves of the runs that are drawn beside it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct History {
    #[serde(with = "wire::as_json")]
    experiment: Experiment,
    theory: Option<Theory>,
    training: TrainingCurve,
    evaluation: Option<Evaluation>,
    evaluations: Thinned,
    samples: Option<Samples>,
    /// What was reported at the recorded steps, in order: a few dozen. The last entry is the latest, recorded or not.
    recorded: Vec<Recorded>,
    /// Which of them is looked at; `None`: the latest.
    shown: Option<usize>,
    /// What the finished run found.
    outcome: Option<Outcome>,
    /// Of all evaluations of this run, so that scales grow and never jump back.
    extremes: Option<Extremes>,
    /// Kept on their own (`app::runs`), so not part of what is stored of this run.
    #[serde(skip)]
    earlier: Vec<EarlierRun>,
    /// The same experiment with other seeds: these have neither earlier runs nor seeds of their own.
    seeds: Vec<History>,
    /// The latest evaluations where there are several seeds, which are not all at the same step.
    #[serde(skip)]
    recent: VecDeque<Evaluation>,
}

impl History {
    pub fn new(experiment: &Experiment) -> Self {
        Self {
            experiment: experiment.clone(),
            theory: None,
            training: TrainingCurve::default(),
            evaluation: None,
            evaluations: Thinned::default(),
            samples: None,
            recorded: Vec::new(),
            shown: None,
            outcome: None,
            extremes: None,
            earlier: Vec::new(),
            seeds: Vec::new(),
            recent: VecDeque::new(),
        }
    }

    /// Forgets the run and waits for one of `experiment`. The runs beside it stay.
    pub fn reset_for(&mut self, experiment: &Experiment) -> Changed {
        let same = |a: &Experiment, b: &Experiment| a.world == b.world && a.data == b.data && a.seed == b.seed;
        let earlier = std::mem::take(&mut self.earlier);
        // What the theory says depends on these alone: it stays on the charts until the engine says it again.
        let theory = self.theory.take().filter(|_| same(&self.experiment, experiment));
        *self = Self { earlier, theory, ..Self::new(experiment) };
        Changed::ALL
    }

    /// Draws these runs beside this one, in this order.
    pub fn set_earlier(&mut self, earlier: Vec<EarlierRun>) -> Changed {
        if self.earlier == earlier {
            return Changed::NONE;
        }
        self.earlier = earlier;
        Changed { loss_by_position: true, training_loss: true, ..Changed::NONE }
    }

    /// Takes the place of another run: what was kept of `run`, between the runs that are drawn beside this one now.
    pub fn restore(&mut self, run: Self) -> Changed {
        *self = Self { earlier: std::mem::take(&mut self.earlier), ..run };
        Changed::ALL
    }

    /// What is drawn of this run beside another; `None` before it took a step and was evaluated.
    pub fn as_earlier(&self) -> Option<EarlierRun> {
        let all = match self.evaluations_of_seeds() {
            Some(all) => all,
            None => vec![self.evaluation.as_ref()?],
        };
        let own = all.first().filter(|e| e.step > 0)?;
        let rows: Vec<&[f64]> = all.iter().map(|e| &e.model[..]).collect();
        let model = match spreads(&rows, |_, nats| nats) {
            of_seeds if rows.len() > 1 => of_seeds.iter().map(|s| s.map_or(f64::NAN, |s| s.mean)).collect(),
            _ => own.model.clone(),
        };
        let reached = self.step_of_seeds();
        let buckets = self.training.buckets();
        let buckets = &buckets[..buckets.partition_point(|b| b.last <= reached)];
        let every = buckets.len().div_ceil(EARLIER_POINTS).max(1);
        let smoothed = |b: &Bucket| Spread::mean_or(self.smoothed_of_seeds(b.last), b.smoothed, rows.len());
        // From the back, so that the last point is among them.
        let mut training: Vec<_> = buckets.iter().rev().step_by(every).map(|b| (b.last, smoothed(b))).collect();
        training.reverse();
        Some(EarlierRun { experiment: self.experiment.clone(), seeds: rows.len(), step: own.step, model, training })
    }

    /// The latest evaluation, whichever step is looked at.
    pub fn latest(&self) -> Option<&Evaluation> {
        self.evaluation.as_ref()
    }

    /// Takes in what the engine says.
    pub fn apply(&mut self, event: &Event) -> Changed {
        match event {
            Event::Theory(theory) => {
                self.theory = Some(theory.clone());
                Changed { samples: false, ..Changed::ALL }
            }
            Event::Frame(frame) => {
                self.training.extend(frame, self.experiment.steps());
                Changed { training_loss: !frame.training_loss.is_empty(), ..Changed::NONE }
            }
            Event::Evaluation(evaluation) => {
                let first_fall = self.experiment.steps() as f64 * Extremes::FIRST_FALL;
                self.extremes = Extremes::with(self.extremes, evaluation, (evaluation.step as f64) < first_fall);
                self.evaluations.push(EvaluationPoint::of(evaluation));
                self.evaluation = Some(evaluation.clone());
                if !self.seeds.is_empty() {
                    self.remember(evaluation);
                }
                // What came last stays only where its step is one to be recorded.
                let kept = &self.experiment.evaluation;
                // The last step is evaluated again on more sequences; its samples stand.
                let samples = self.samples.clone().filter(|samples| samples.step == evaluation.step);
                self.recorded.retain(|r| r.step < evaluation.step && kept.is_recorded(r.step));
                self.recorded.push(Recorded { step: evaluation.step, evaluation: evaluation.clone(), samples });
                Changed { loss_by_position: true, losses: true, bound: true, ..Changed::NONE }
            }
            Event::Samples(samples) => {
                self.samples = Some(samples.clone());
                if let Some(last) = self.recorded.last_mut().filter(|last| last.step == samples.step) {
                    last.samples = Some(samples.clone());
                }
                Changed { samples: true, ..Changed::NONE }
            }
            Event::Outcome(outcome) => {
                self.outcome = Some(outcome.as_ref().clone());
                Changed { bound: true, ..Changed::NONE }
            }
            Event::Ready
            | Event::Phase(_)
            | Event::Device(_)
            | Event::Picture(_)
            | Event::Cell { .. }
            | Event::Checkpoint { .. }
            | Event::Probe(_)
            | Event::Bench(_) => Changed::NONE,
        }
    }

    /// The experiment that this history is of.
    pub fn experiment(&self) -> &Experiment {
        &self.experiment
    }

    pub fn theory(&self) -> Option<&Theory> {
        self.theory.as_ref()
    }

    /// What the black line is called. Of real text nobody knows the source, and the best predictor at hand is no lower bound.
    pub fn reference(&self) -> &'static str {
        match &self.theory {
            Some(theory) if theory.adaptive && theory.squared_error.is_empty() => "n-gram baseline",
            // Of vectors: the only world of theirs without exact Bayes has ridge regression instead.
            Some(theory) if theory.adaptive => "ridge baseline",
            _ => "exact Bayes",
        }
    }

    /// What a loss is counted per: `token`, `vector`.
    pub fn per(&self) -> &'static str {
        self.experiment.world.observation().word()
    }

    pub fn is_adaptive(&self) -> bool {
        self.theory.as_ref().is_some_and(|t| t.adaptive)
    }

    pub fn training(&self) -> &TrainingCurve {
        &self.training
    }

    /// The evaluation that is looked at: the latest, or one that was recorded.
    pub fn evaluation(&self) -> Option<&Evaluation> {
        self.looked_at().map(|r| &r.evaluation).or(self.evaluation.as_ref())
    }

    /// The same as one of [`Self::evaluations`].
    pub fn point(&self) -> Option<EvaluationPoint> {
        self.evaluation().map(EvaluationPoint::of)
    }

    fn looked_at(&self) -> Option<&Recorded> {
        self.recorded.get(self.shown?)
    }

    /// Steps that can be looked at, in order.
    pub fn recorded(&self) -> impl ExactSizeIterator<Item = usize> {
        self.recorded.iter().map(|r| r.step)
    }

    /// The step that is looked at, where it is not the latest.
    pub fn shown(&self) -> Option<usize> {
        self.looked_at().map(|r| r.step)
    }

    /// Looks at entry `index` of [`Self::recorded`]; the last one, or none, is the latest.
    pub fn show(&mut self, index: Option<usize>) -> Changed {
        self.shown = index.filter(|i| i + 1 < self.recorded.len());
        Changed::ALL
    }

    /// Evaluations along the run, thinned evenly; the latest is always among them.
    pub fn evaluations(&self) -> impl DoubleEndedIterator<Item = &EvaluationPoint> + Clone {
        self.evaluations.points.iter().chain(self.evaluations.latest.as_ref())
    }

    /// What the run found at its end; `None` until then.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    pub fn samples(&self) -> Option<&Samples> {
        self.looked_at().map_or(self.samples.as_ref(), |r| r.samples.as_ref())
    }

    /// How far the model's loss by position has reached in this run and in those of the other seeds; `None` before the first evaluation.
    pub fn extremes(&self) -> Option<Extremes> {
        self.with_seeds().filter_map(|run| run.extremes).reduce(Extremes::and)
    }

    /// The curves stand still: the run is over, or a recorded step is looked at.
    pub fn at_rest(&self) -> bool {
        self.outcome.is_some() || self.shown().is_some()
    }

    /// The runs beside this one that can be compared with it (same world), each with what differs.
    pub fn earlier(&self) -> impl Iterator<Item = (&EarlierRun, String)> {
        self.earlier
            .iter()
            .filter(|run| run.experiment.world == self.experiment.world)
            .map(|run| (run, earlier_label(&self.experiment, run)))
    }

    /// Steps of training the charts know of.
    pub fn step(&self) -> usize {
        self.training.last_step().max(self.evaluation.as_ref().map_or(0, |e| e.step))
    }

    /// Positions (from 1) where the loss on sampled tokens of fresh topics lies below exact Bayes by more than `errors`
    /// standard errors: a sign of a fault, since no predictor can do that.
    pub fn positions_below_bayes(&self, errors: f64) -> Vec<usize> {
        if self.is_adaptive() {
            // No bound, so nothing is impossible.
            return Vec::new();
        }
        let Some(e) = self.evaluation() else { return Vec::new() };
        e.sampled_excess
            .iter()
            .zip(&e.sampled_excess_stderr)
            .enumerate()
            .filter(|(_, (excess, stderr))| **stderr > 0.0 && **excess < -errors * **stderr)
            .map(|(i, _)| i + 1)
            .collect()
    }
}

/// How far the model's loss by position has reached in a run, nats.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Extremes {
    /// The lowest and the highest at any position of any evaluation.
    pub low: f64,
    pub high: f64,
    /// The highest that it rose to after it had been better (by its worst position), the run's first steps left out: what is no first
    /// fall. −∞ where it never did.
    pub risen: f64,
    /// The least of all evaluations' worst positions.
    least_worst: f64,
}

impl Extremes {
    /// The share of a run's steps in which a loss that jumps up counts as still falling.
    const FIRST_FALL: f64 = 0.1;

    /// Of two runs.
    fn and(self, other: Self) -> Self {
        Self {
            low: self.low.min(other.low),
            high: self.high.max(other.high),
            risen: self.risen.max(other.risen),
            least_worst: self.least_worst.min(other.least_worst),
        }
    }

    fn with(before: Option<Self>, evaluation: &Evaluation, early: bool) -> Option<Self> {
        let values = || evaluation.model.iter().copied().filter(|v| v.is_finite());
        let worst = values().fold(f64::NEG_INFINITY, f64::max);
        if !worst.is_finite() {
            return before;
        }
        let low = values().fold(worst, f64::min);
        let Some(before) = before else {
            return Some(Self { low, high: worst, risen: f64::NEG_INFINITY, least_worst: worst });
        };
        let rose = worst > before.least_worst && !early;
        Some(Self {
            low: low.min(before.low),
            high: worst.max(before.high),
            risen: if rose { worst.max(before.risen) } else { before.risen },
            least_worst: worst.min(before.least_worst),
        })
    }
}

/// What was reported at one step.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Recorded {
    step: usize,
    evaluation: Evaluation,
    samples: Option<Samples>,
}

/// What is drawn of a run beside another: of several seeds, their mean.
#[derive(Clone, Debug, PartialEq)]
pub struct EarlierRun {
    pub experiment: Experiment,
    /// How many seeds it is of.
    pub seeds: usize,
    /// The step of the curve.
    pub step: usize,
    /// Loss by position on fresh topics, nats.
    pub model: Vec<f64>,
    /// Steps with the smoothed training loss there, nats.
    pub training: Vec<(usize, f64)>,
}

/// What another experiment has that this one has not, of what matters to it: `K = 4`, `N = 2`.
pub fn differences(now: &Experiment, other: &Experiment) -> Vec<String> {
    const FIRST: [&str; 3] = ["data.topics", "data.sequences", "data.length"];
    let mut fields = link::differences(now, other);
    fields.sort_by_key(|(key, _)| FIRST.iter().position(|first| first == key).unwrap_or(FIRST.len()));
    let is_set = |name: &str| fields.iter().any(|(key, _)| key == name);
    fields
        .iter()
        // K and N mean nothing with fresh draws.
        .filter(|(key, _)| !(other.data.fresh && (key == "data.topics" || key == "data.sequences")))
        .filter(|(key, _)| other.net.heeds(key, other.world.observation()))
        .filter(|(key, _)| !(key == "data.fresh" && !other.data.fresh && is_set("data.topics")))
        .map(|(key, value)| describe(key, value))
        .collect()
}

/// What another run had that this one has not, in short: `K = 4, N = 2`, or `same settings`.
pub(super) fn difference(now: &Experiment, other: &Experiment) -> String {
    match differences(now, other).as_slice() {
        [] => "same settings".into(),
        [only] => only.clone(),
        [first, second] => format!("{first}, {second}"),
        [first, second, rest @ ..] => format!("{first}, {second}, +{}", rest.len()),
    }
}

/// The same of an earlier run, with how many seeds it is of and where it was stopped: `K = 8, 3 seeds, step 50`.
fn earlier_label(now: &Experiment, earlier: &EarlierRun) -> String {
    let mut label = difference(now, &earlier.experiment);
    if earlier.seeds > 1 {
        label.push_str(&format!(", {} seeds", earlier.seeds));
    }
    if earlier.step < earlier.experiment.steps() {
        label.push_str(&format!(", step {}", number::count(earlier.step)));
    }
    label
}

fn describe(field: &str, value: &Value) -> String {
    let name = match field {
        "data.topics" => "K",
        "data.sequences" => "N",
        "data.length" => "T",
        "training.learning_rate" => "learning rate",
        "training.weight_decay" => "weight decay",
        "training.beta1" => "β₁",
        "training.beta2" => "β₂",
        "training.epsilon" => "AdamW's epsilon",
        "net.init" => "initialization",
        other => other.rsplit('.').next().unwrap_or(other),
    };
    match value {
        Value::Bool(true) if field == "data.fresh" => "fresh draws".into(),
        Value::Bool(false) if field == "data.fresh" => "fixed data".into(),
        Value::Bool(on) => format!("{} {}", name.replace('_', " "), if *on { "on" } else { "off" }),
        Value::String(text) => format!("{} = {text}", name.replace('_', " ")),
        Value::Number(n) => match (n.as_u64(), n.as_f64()) {
            (Some(whole), _) => format!("{} = {}", name.replace('_', " "), number::count(whole as usize)),
            (None, Some(real)) => format!("{} = {real}", name.replace('_', " ")),
            _ => name.into(),
        },
        _ => name.replace('_', " "),
    }
}

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

    fn extend(&mut self, frame: &Frame, planned: usize) {
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
struct Thinned {
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
    fn push(&mut self, point: EvaluationPoint) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::charts::fixtures;

    fn frame(first: usize, losses: Vec<f64>) -> Event {
        Event::Frame(Frame {
            step: first + losses.len() - 1,
            first,
            training_loss: losses,
            steps_per_second: None,
            tokens_per_second: None,
            seconds_left: None,
            evaluation_share: 0.0,
        })
    }

    #[test]
    fn memory_is_bounded_over_a_million_steps() {
        let mut experiment = Experiment::default();
        experiment.training.steps = 1_000_000;
        let mut history = History::new(&experiment);
        for block in 0..1000 {
            history.apply(&frame(block * 1000 + 1, (0..1000).map(|i| 1.0 + 0.001 * f64::from(i % 7)).collect()));
        }
        let buckets = history.training().buckets();
        assert!(buckets.len() <= MAX_BUCKETS && buckets.len() > MAX_BUCKETS / 4);
        assert_eq!(buckets[0].first, 1);
        assert_eq!(history.training().last_step(), 1_000_000);
        for pair in buckets.windows(2) {
            assert_eq!(pair[0].last + 1, pair[1].first, "no step is lost or counted twice");
        }
        let weighted: f64 = buckets.iter().map(|b| b.mean * (b.last - b.first + 1) as f64).sum();
        let truth: f64 = 1000.0 * (0..1000).map(|i| 1.0 + 0.001 * f64::from(i % 7)).sum::<f64>();
        assert!((weighted - truth).abs() < 1e-6 * truth);
    }

    #[test]
    fn evaluations_are_thinned_evenly_and_the_latest_stays() {
        let mut history = History::new(&Experiment::default());
        for step in 0..20_000 {
            history.apply(&Event::Evaluation(fixtures::evaluation(step, 0.5)));
        }
        let steps: Vec<usize> = history.evaluations().map(|p| p.step).collect();
        assert!(steps.len() <= MAX_EVALUATIONS + 1 && steps.len() > MAX_EVALUATIONS / 3, "{}", steps.len());
        assert_eq!(steps.last(), Some(&19_999));
        assert_eq!(steps[0], 0);
        let gaps: Vec<usize> = steps[..steps.len() - 1].windows(2).map(|w| w[1] - w[0]).collect();
        assert!(gaps.iter().all(|&g| g == gaps[0]), "{gaps:?}");
    }

    #[test]
    fn recorded_steps_can_be_looked_at() {
        let mut history = History::new(&Experiment::default());
        for step in 0..=1000 {
            history.apply(&Event::Evaluation(fixtures::evaluation(step, 1.0 / (1 + step) as f64)));
            history.apply(&Event::Samples(Samples { step, ..fixtures::samples() }));
        }
        let steps: Vec<usize> = history.recorded().collect();
        assert_eq!(steps[..9], [0, 1, 2, 4, 8, 16, 32, 50, 100]);
        assert_eq!(steps[steps.len() - 3..], [700, 800, 1000], "log-spaced, and the latest");
        assert_eq!((history.shown(), history.evaluation().map(|e| e.step)), (None, Some(1000)));
        history.show(Some(7));
        assert_eq!((history.shown(), history.evaluation().map(|e| e.step)), (Some(50), Some(50)));
        assert_eq!((history.samples().map(|s| s.step), history.point().map(|p| p.step)), (Some(50), Some(50)));
        // What comes meanwhile does not move what is looked at, and the last one is the latest.
        history.apply(&Event::Evaluation(fixtures::evaluation(1001, 0.5)));
        assert_eq!(history.shown(), Some(50));
        let last = history.recorded().len() - 1;
        history.show(Some(last));
        assert_eq!((history.shown(), history.evaluation().map(|e| e.step)), (None, Some(1001)));
        history.show(Some(7));
        history.reset_for(&Experiment::default());
        assert_eq!((history.shown(), history.recorded().len()), (None, 0));
    }

    /// A run of `experiment`, evaluated at a step, as it is drawn beside another.
    fn earlier(experiment: &Experiment, step: usize) -> EarlierRun {
        let mut history = History::new(experiment);
        assert_eq!(history.as_earlier(), None, "nothing had run");
        history.apply(&frame(1, (1..=step).map(fixtures::training_loss).collect()));
        history.apply(&Event::Evaluation(fixtures::evaluation(step, 0.5)));
        history.as_earlier().expect("a run that was evaluated")
    }

    #[test]
    fn a_run_of_several_seeds_stays_as_their_mean() {
        let experiment = Experiment { seed: 0, ..Experiment::default() };
        let mut history = History::new(&experiment);
        history.set_seeds(3);
        let of = |steps: usize, loss: f64| frame(1, vec![loss; steps]);
        history.apply(&of(20, 3.0));
        history.apply(&Event::Evaluation(fixtures::evaluation(10, 0.3)));
        history.apply(&Event::Evaluation(fixtures::evaluation(20, 0.1)));
        for (seed, loss) in [(1, 1.0), (2, 2.0)] {
            history.apply_seed(seed, &of(10, loss));
            history.apply_seed(seed, &Event::Evaluation(fixtures::evaluation(10, 0.3 * loss)));
        }
        let beside = history.as_earlier().expect("a run that was evaluated");
        // What all of them have reached.
        assert_eq!((beside.seeds, beside.step), (3, 10));
        assert_eq!(beside.training.last(), Some(&(10, 2.0)));
        let of = |excess: f64| fixtures::evaluation(10, excess).model;
        for (at, mean) in beside.model.iter().enumerate() {
            let expected = (of(0.3)[at] + of(0.3)[at] + of(0.6)[at]) / 3.0;
            assert!((mean - expected).abs() < 1e-12, "position {at}: {mean}, not {expected}");
        }
        let mut now = History::new(&experiment);
        now.set_earlier(vec![beside]);
        assert_eq!(now.earlier().map(|(_, label)| label).collect::<Vec<_>>(), ["same settings, 3 seeds, step 10"]);
    }

    #[test]
    fn a_run_beside_this_one_is_named_by_what_differs() {
        let mut experiment = Experiment::default();
        experiment.data.fresh = false;
        let mut history = History::new(&experiment);
        let mut runs = Vec::new();
        for topics in [4, 8] {
            experiment.data.topics = topics;
            runs.push(earlier(&experiment, 10));
        }
        runs.push(earlier(&experiment, experiment.steps()));
        experiment.training.learning_rate = 0.01;
        runs.push(earlier(&experiment, 10));
        (experiment.net.architecture, experiment.net.heads) = (experiment::Architecture::Gru, 2);
        runs.push(earlier(&experiment, 10));
        let mut now = Experiment::default();
        now.data.fresh = false;
        history.reset_for(&now);
        assert!(history.set_earlier(runs.clone()).loss_by_position);
        assert!(!history.set_earlier(runs).any(), "nothing new");
        let labels: Vec<String> = history.earlier().map(|(_, label)| label).collect();
        let first = ["K = 4, step 10", "K = 8, step 10", "K = 8", "K = 8, learning rate = 0.01, step 10"];
        assert_eq!(labels[..4], first);
        // Heads have no say in a recurrent net.
        assert!(labels[4].starts_with("K = 8, ") && labels[4].ends_with("+1, step 10"), "{}", labels[4]);
        now.world = experiment::WorldSpec::named(&experiment::world::KINDS[1]);
        history.reset_for(&now);
        assert_eq!(history.earlier().count(), 0, "another world's curve says nothing here");
    }

    #[test]
    fn a_training_curve_beside_another_has_few_points_and_the_last() {
        let mut experiment = Experiment::default();
        experiment.training.steps = 3000;
        let run = earlier(&experiment, 3000);
        assert!(run.training.len() <= EARLIER_POINTS && run.training.len() > EARLIER_POINTS / 2);
        assert_eq!(run.training.last().map(|(step, _)| *step), Some(3000));
        assert!(run.training.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn the_theory_stays_while_it_is_true() {
        let mut experiment = Experiment::default();
        let mut history = fixtures::history(&experiment, 40);
        experiment.training.steps += 1;
        history.reset_for(&experiment);
        assert!(history.theory().is_some() && history.evaluation().is_none());
        experiment.data.length = 16;
        history.reset_for(&experiment);
        assert!(history.theory().is_none());
    }

    #[test]
    fn events_say_what_they_changed() {
        let mut history = History::new(&Experiment::default());
        assert_eq!(history.apply(&Event::Ready), Changed::NONE);
        let changed = history.apply(&frame(1, vec![1.6, 1.5]));
        assert!(changed.training_loss && !changed.loss_by_position);
        let changed = history.apply(&Event::Evaluation(fixtures::evaluation(2, 0.5)));
        assert!(changed.loss_by_position && changed.bound && changed.losses && !changed.training_loss);
        assert!(!history.apply(&frame(3, vec![])).any());
        assert_eq!(history.step(), 2);
        // A NaN never reaches a chart, and a repeated frame draws nothing twice.
        history.apply(&frame(1, vec![1.0, 1.0]));
        history.apply(&frame(3, vec![f64::NAN]));
        assert_eq!(history.training().last_step(), 2);
    }

    #[test]
    fn a_model_below_bayes_is_noticed() {
        let mut history = History::new(&Experiment::default());
        let mut evaluation = fixtures::evaluation(2, 0.5);
        evaluation.sampled_excess[4] = -1.0;
        evaluation.sampled_excess_stderr[4] = 0.1;
        history.apply(&Event::Evaluation(evaluation));
        assert_eq!(history.positions_below_bayes(4.0), [5]);
    }
}
