//! What can be read off a finished run, each by a name.

use serde_json::{Map, Value};

use crate::{
    experiment::Experiment,
    probe::events::{LEFT, learned},
    protocol::{Measured, Outcome},
    theory::bound::{BoundComponents, BoundInput},
};

/// What a metric is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nats per token, or per vector.
    Loss,
    /// Nats.
    Nats,
    Steps,
    Tokens,
    Seconds,
    /// A number without a unit.
    Plain,
}

impl Unit {
    /// As on an axis; `word` is what a loss is counted per.
    pub fn text(self, word: &str) -> String {
        match self {
            Self::Loss => format!("nats per {word}"),
            Self::Nats => "nats".into(),
            Self::Steps => "steps".into(),
            Self::Tokens => format!("{word}s read"),
            Self::Seconds => "seconds".into(),
            Self::Plain => String::new(),
        }
    }
}

/// One named number of a run.
#[derive(Debug)]
pub struct Metric {
    /// As in CSV and JSON.
    pub name: &'static str,
    /// As in a chart's title.
    pub title: &'static str,
    pub unit: Unit,
    read: fn(&Source) -> Option<Measured>,
}

/// What metrics are read from.
struct Source<'a> {
    experiment: &'a Experiment,
    outcome: &'a Outcome,
    /// The bound's components; `None` where no s is known yet.
    bound: Option<BoundComponents>,
    input: BoundInput,
    /// When the two-level loss reached the level asked for.
    reached: Option<Reached>,
}

/// Counted from the first step of all stages.
struct Reached {
    step: Measured,
    seconds: f64,
    prior_seconds: f64,
}

const fn metric(name: &'static str, title: &'static str, unit: Unit, read: fn(&Source) -> Option<Measured>) -> Metric {
    Metric { name, title, unit, read }
}

fn exactly(value: f64) -> Option<Measured> {
    Some(Measured { value, stderr: 0.0 })
}

/// All of them, in the order of a table's columns.
pub const METRICS: &[Metric] = &[
    metric("two_level", "Two-level loss L(θ)", Unit::Loss, |s| Some(s.outcome.two_level.loss)),
    metric("two_level_excess", "Two-level loss above Bayes", Unit::Loss, |s| Some(s.outcome.two_level.excess)),
    metric("first_level", "First-level loss L(θ, W_pre)", Unit::Loss, |s| Some(s.outcome.first_level.loss)),
    metric("first_level_excess", "First-level loss above Bayes", Unit::Loss, |s| Some(s.outcome.first_level.excess)),
    metric("empirical", "Empirical loss L_E", Unit::Loss, |s| Some(s.outcome.empirical.loss)),
    metric("empirical_excess", "Empirical loss above Bayes", Unit::Loss, |s| Some(s.outcome.empirical.excess)),
    metric("topic_gap", "Topic gap", Unit::Loss, |s| Some(s.outcome.topic_gap)),
    metric("topic_gap_above_bayes", "Topic gap of losses above Bayes", Unit::Loss, |s| s.outcome.topic_gap_above_bayes),
    metric("sequence_gap", "Sequence gap", Unit::Loss, |s| Some(s.outcome.sequence_gap)),
    metric("bound", "Sum of the bound's components, up to constants", Unit::Plain, |s| exactly(s.bound.as_ref()?.sum)),
    metric("topic_term", "Topic term of the bound, up to constants", Unit::Plain, |s| {
        exactly(s.bound.as_ref()?.topic.value)
    }),
    metric("sequence_term", "Sequence term of the bound, up to constants", Unit::Plain, |s| {
        exactly(s.bound.as_ref()?.sequence.value)
    }),
    metric("confidence_term", "Confidence term of the bound, up to constants", Unit::Plain, |s| {
        exactly(s.bound.as_ref()?.confidence.value)
    }),
    metric("epsilon_opt", "Optimisation error ε_opt", Unit::Loss, |s| {
        let excess = s.outcome.empirical.excess;
        Some(Measured { value: excess.value.max(0.0), stderr: excess.stderr })
    }),
    metric("topic_rate", "√(1/((K−K′)·T_p))", Unit::Plain, |s| exactly(1.0 / s.input.topic_n().sqrt())),
    metric("sequence_rate", "√(1/(K·(N−N′)·T))", Unit::Plain, |s| exactly(1.0 / s.input.sequence_n().sqrt())),
    metric("kl_topic", "KL to the topic-dependent prior", Unit::Nats, |s| exactly(s.bound.as_ref()?.kl_topic)),
    metric("kl_data", "KL to the data-dependent prior", Unit::Nats, |s| exactly(s.bound.as_ref()?.kl_data)),
    // Known of a sweep only: `one_scale` fills them in.
    metric("kl_topic_one_scale", "KL to the topic-dependent prior, at one s for the sweep", Unit::Nats, |_| None),
    metric("kl_data_one_scale", "KL to the data-dependent prior, at one s for the sweep", Unit::Nats, |_| None),
    metric("topic_term_one_scale", "Topic term of the bound, at one s for the sweep", Unit::Plain, |_| None),
    metric("sequence_term_one_scale", "Sequence term of the bound, at one s for the sweep", Unit::Plain, |_| None),
    metric("bound_one_scale", "Sum of the bound's components, at one s for the sweep", Unit::Plain, |_| None),
    metric("distance_topic", "Squared distance to the topic-dependent prior", Unit::Plain, |s| {
        exactly(s.outcome.distance_topic)
    }),
    metric("distance_data", "Squared distance to the data-dependent prior", Unit::Plain, |s| {
        exactly(s.outcome.distance_data)
    }),
    metric("scale", "Standard deviation s of the Gaussians", Unit::Plain, |s| {
        s.bound.as_ref().and(exactly(s.input.scale))
    }),
    metric("path_topic", "Gradient differences along the path, topic-dependent prior", Unit::Plain, |s| {
        exactly(s.outcome.paths?.topic)
    }),
    metric("path_data", "Gradient differences along the path, data-dependent prior", Unit::Plain, |s| {
        exactly(s.outcome.paths?.data)
    }),
    metric("certificate", "Certificate", Unit::Loss, |s| exactly(s.outcome.certificate?.bound)),
    metric("certificate_population", "Loss that the certificate bounds, measured", Unit::Loss, |s| {
        Some(s.outcome.certificate?.population)
    }),
    metric("mean_training_loss", "Mean training loss over the run", Unit::Loss, |s| exactly(mean_training_loss(s)?)),
    metric("steps", "Steps of all stages", Unit::Steps, |s| exactly(s.outcome.steps as f64)),
    metric("steps_own", "Steps without the prior stages", Unit::Steps, |s| {
        exactly(s.outcome.steps.saturating_sub(s.outcome.prior_steps) as f64)
    }),
    metric("tokens", "Tokens read in all stages", Unit::Tokens, |s| exactly(s.outcome.tokens)),
    metric("tokens_own", "Tokens read without the prior stages", Unit::Tokens, |s| {
        exactly(s.outcome.tokens - tokens_of(s, s.outcome.prior_steps as f64))
    }),
    metric("seconds", "Seconds of training in all stages", Unit::Seconds, |s| exactly(s.outcome.seconds)),
    metric("seconds_own", "Seconds of training without the prior stages", Unit::Seconds, |s| {
        exactly(s.outcome.seconds - s.outcome.prior_seconds)
    }),
    metric("steps_to_level", "Steps to the loss, prior stages counted", Unit::Steps, |s| {
        Some(s.reached.as_ref()?.step)
    }),
    metric("steps_to_level_own", "Steps to the loss, prior stages not counted", Unit::Steps, own_steps),
    metric("tokens_to_level", "Tokens to the loss, prior stages counted", Unit::Tokens, |s| {
        Some(in_tokens(s, s.reached.as_ref()?.step))
    }),
    metric("tokens_to_level_own", "Tokens to the loss, prior stages not counted", Unit::Tokens, |s| {
        Some(in_tokens(s, own_steps(s)?))
    }),
    metric("seconds_to_level", "Seconds to the loss, prior stages counted", Unit::Seconds, |s| {
        exactly(s.reached.as_ref()?.seconds)
    }),
    metric("seconds_to_level_own", "Seconds to the loss, prior stages not counted", Unit::Seconds, |s| {
        let reached = s.reached.as_ref()?;
        exactly((reached.seconds - reached.prior_seconds).max(0.0))
    }),
    // Of a mixture, where `evaluation.components` asks for it. Components are counted from 0, as in the fields of a grid.
    metric("component_0_excess", "Loss above Bayes on component 0", Unit::Loss, |s| on_component(s, 0)),
    metric("component_1_excess", "Loss above Bayes on component 1", Unit::Loss, |s| on_component(s, 1)),
    metric("component_2_excess", "Loss above Bayes on component 2", Unit::Loss, |s| on_component(s, 2)),
    metric("component_3_excess", "Loss above Bayes on component 3", Unit::Loss, |s| on_component(s, 3)),
    metric("component_4_excess", "Loss above Bayes on component 4", Unit::Loss, |s| on_component(s, 4)),
    metric("component_5_excess", "Loss above Bayes on component 5", Unit::Loss, |s| on_component(s, 5)),
    metric("component_6_excess", "Loss above Bayes on component 6", Unit::Loss, |s| on_component(s, 6)),
    metric("component_7_excess", "Loss above Bayes on component 7", Unit::Loss, |s| on_component(s, 7)),
    // Where `evaluation.events` asks for it; which of them a world has follows from `probe::events`.
    metric("learned_first_name", "Steps to learn \"first name\"", Unit::Steps, |s| learned_at(s, "first name")),
    metric("learned_second_name", "Steps to learn \"second name\"", Unit::Steps, |s| learned_at(s, "second name")),
    metric("learned_third_name", "Steps to learn \"third name\"", Unit::Steps, |s| learned_at(s, "third name")),
    metric("learned_fourth_name", "Steps to learn \"fourth name\"", Unit::Steps, |s| learned_at(s, "fourth name")),
    metric("learned_eighth_name", "Steps to learn \"eighth name\"", Unit::Steps, |s| learned_at(s, "eighth name")),
    metric("learned_fourth_and_later_names", "Steps to learn \"fourth and later names\"", Unit::Steps, |s| {
        learned_at(s, "fourth and later names")
    }),
    metric("learned_first_block", "Steps to learn \"first block\"", Unit::Steps, |s| learned_at(s, "first block")),
    metric("learned_second_block", "Steps to learn \"second block\"", Unit::Steps, |s| learned_at(s, "second block")),
    metric("learned_later_blocks", "Steps to learn \"later blocks\"", Unit::Steps, |s| learned_at(s, "later blocks")),
    metric("learned_never_before", "Steps to learn \"never before\"", Unit::Steps, |s| learned_at(s, "never before")),
    metric("learned_once_before", "Steps to learn \"once before\"", Unit::Steps, |s| learned_at(s, "once before")),
    metric("learned_2_or_3_times", "Steps to learn \"2 or 3 times\"", Unit::Steps, |s| learned_at(s, "2 or 3 times")),
    metric("learned_4_times_or_more", "Steps to learn \"4 times or more\"", Unit::Steps, |s| {
        learned_at(s, "4 times or more")
    }),
];

/// Metrics whose 0 has no meaning of its own, so that only their differences say something.
const WITHOUT_ZERO: [&str; 15] = [
    "component_0_excess",
    "component_1_excess",
    "component_2_excess",
    "component_3_excess",
    "component_4_excess",
    "component_5_excess",
    "component_6_excess",
    "component_7_excess",
    "two_level",
    "first_level",
    "first_level_excess",
    "empirical",
    "empirical_excess",
    "certificate_population",
    "mean_training_loss",
];

impl Metric {
    /// Whether ratios of its values say something, as they do of an excess, a gap, a number of steps.
    pub fn has_zero(&self) -> bool {
        !WITHOUT_ZERO.contains(&self.name)
    }

    pub fn named(name: &str) -> Option<&'static Self> {
        METRICS.iter().find(|metric| metric.name == name)
    }

    /// `two-level loss L(θ)`: as within a sentence.
    pub fn words(&self) -> String {
        let mut letters = self.title.chars();
        // A symbol such as KL keeps its letters.
        match (letters.next(), letters.clone().next()) {
            (Some(first), Some(second)) if !second.is_uppercase() => first.to_lowercase().chain(letters).collect(),
            _ => self.title.into(),
        }
    }
}

/// A run's numbers, by [`METRICS`]. What was not measured, or is not finite, is missing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics(Vec<Option<Measured>>);

impl Metrics {
    pub fn of(experiment: &Experiment, outcome: &Outcome, level: Option<f64>) -> Self {
        let input = BoundInput::of(
            experiment,
            outcome.distance_topic,
            outcome.distance_data,
            outcome.scale,
            outcome.empirical.excess.value,
        );
        let source = Source {
            experiment,
            outcome,
            bound: (outcome.scale > 0.0 || experiment.bound.scale > 0.0).then(|| input.components()),
            input,
            reached: level.and_then(|level| reached(outcome, level)),
        };
        let finite = |m: &Measured| m.value.is_finite() && m.stderr.is_finite();
        Self(METRICS.iter().map(|metric| (metric.read)(&source).filter(finite)).collect())
    }

    pub fn get(&self, name: &str) -> Option<Measured> {
        let at = METRICS.iter().position(|metric| metric.name == name)?;
        self.0.get(at).copied().flatten()
    }

    /// One entry for each of [`METRICS`].
    pub fn values(&self) -> &[Option<Measured>] {
        &self.0
    }

    /// From one entry for each of [`METRICS`]; what is missing was not measured.
    pub fn from_values(mut values: Vec<Option<Measured>>) -> Self {
        values.resize(METRICS.len(), None);
        Self(values)
    }

    pub(super) fn set(&mut self, name: &str, value: Option<Measured>) {
        let at = METRICS.iter().position(|metric| metric.name == name);
        if let Some(slot) = at.and_then(|at| self.0.get_mut(at)) {
            *slot = value;
        }
    }

    pub(super) fn at(&self, metric: usize) -> Option<Measured> {
        self.0.get(metric).copied().flatten()
    }

    /// `{"two_level": [value, standard error], ...}`.
    pub fn to_value(&self) -> Value {
        let known = METRICS.iter().zip(&self.0).filter_map(|(metric, m)| m.map(|m| (metric.name, m.value, m.stderr)));
        super::pairs(known).into()
    }

    pub fn from_value(fields: &Map<String, Value>) -> Self {
        let read = |name: &str| {
            let pair = fields.get(name)?.as_array()?;
            Some(Measured { value: pair.first()?.as_f64()?, stderr: pair.get(1)?.as_f64()? })
        };
        Self(METRICS.iter().map(|metric| read(metric.name)).collect())
    }

    /// For tests and hand-made runs.
    #[cfg(test)]
    pub fn with(values: &[(&str, f64, f64)]) -> Self {
        let find =
            |name: &str| values.iter().find(|(given, ..)| *given == name).map(|(_, value, stderr)| (*value, *stderr));
        Self(METRICS.iter().map(|m| find(m.name).map(|(value, stderr)| Measured { value, stderr })).collect())
    }
}

/// At the last evaluation.
fn on_component(s: &Source, place: usize) -> Option<Measured> {
    let course = s.outcome.record.components.iter().find(|course| course.component == place)?;
    Some(Measured { value: *course.excess.last()?, stderr: *course.stderr.last()? })
}

/// The first recorded step from which on the event is learned, as `probe::events` defines it. Its resolution is that of the record.
fn learned_at(s: &Source, event: &str) -> Option<Measured> {
    let record = &s.outcome.record;
    let course = record.events.iter().find(|course| course.name == event)?;
    let measured = course.excess.iter().zip(&course.stderr).map(|(&value, &stderr)| Measured { value, stderr });
    let course: Vec<(usize, Measured)> = record.step.iter().copied().zip(measured).collect();
    exactly(learned(&course, LEFT)? as f64)
}

/// Tokens that so many steps read.
fn tokens_of(s: &Source, steps: f64) -> f64 {
    steps * (s.experiment.training.batch * s.experiment.data.length) as f64
}

fn in_tokens(s: &Source, steps: Measured) -> Measured {
    Measured { value: tokens_of(s, steps.value), stderr: tokens_of(s, steps.stderr) }
}

/// 0 where the prior stages had reached the level already.
fn own_steps(s: &Source) -> Option<Measured> {
    let step = s.reached.as_ref()?.step;
    Some(Measured { value: (step.value - s.outcome.prior_steps as f64).max(0.0), stderr: step.stderr })
}

/// The area under the training loss over the number of steps: lower is faster.
fn mean_training_loss(s: &Source) -> Option<f64> {
    let record = &s.outcome.record;
    let (mut area, mut steps, mut before) = (0.0, 0.0, 0.0);
    for (&step, &loss) in record.step.iter().zip(&record.training_loss) {
        let width = step as f64 - before;
        // No batch has been read at step 0.
        if width > 0.0 && loss.is_finite() {
            area += width * loss;
            steps += width;
        }
        before = step as f64;
    }
    (steps > 0.0).then(|| area / steps)
}

/// Where the two-level loss first comes down to `level`, interpolated between evaluations. The step's standard error is that of
/// the loss there over its slope.
fn reached(outcome: &Outcome, level: f64) -> Option<Reached> {
    let record = &outcome.record;
    let i = record.two_level.iter().position(|loss| *loss <= level)?;
    let at = |values: &[f64], i: usize| values.get(i).copied().unwrap_or(0.0);
    let step = |i: usize| record.step.get(i).map_or(0.0, |s| *s as f64);
    let (share, slope) = match i {
        0 => (1.0, 0.0),
        _ => {
            let fall = record.two_level[i - 1] - record.two_level[i];
            ((record.two_level[i - 1] - level) / fall, fall / (step(i) - step(i - 1)))
        }
    };
    let between = |a: f64, b: f64| a + share * (b - a);
    let before = i.saturating_sub(1);
    Some(Reached {
        step: Measured {
            value: between(step(before), step(i)),
            stderr: if slope > 0.0 { at(&record.two_level_stderr, i) / slope } else { 0.0 },
        },
        seconds: between(at(&record.seconds, before), at(&record.seconds, i)),
        prior_seconds: outcome.prior_seconds,
    })
}

#[cfg(test)]
mod tests;
