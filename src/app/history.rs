//! What a run has reported so far, in plain bounded buffers outside any reactive graph.

mod curves;
mod kept;
mod seeds;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    experiment::{Experiment, link},
    number,
    protocol::{Evaluation, Event, Outcome, Samples, Theory, wire},
};

pub use curves::{Bucket, EvaluationPoint, MAX_BUCKETS, MAX_EVALUATIONS, TrainingCurve};
pub use kept::HistoryError;
pub use seeds::{Spread, others, spreads};

/// Points of an earlier run's training curve, at most: it is drawn pale and thin.
const EARLIER_POINTS: usize = 256;

use curves::Thinned;

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
    /// Which of them is looked at; `None`: the latest. No part of what is kept.
    #[serde(skip)]
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
        self.evaluations.iter()
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

#[cfg(test)]
mod tests;
