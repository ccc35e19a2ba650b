//! Events out of JSON values, by hand: serde's derived readers of the same structs are a tenth of the page's wasm.
//!
//! Engine and page come from one build, so what is absent is read as empty where emptiness has a meaning (no, none, no items, no
//! words), and is an error where it has none (numbers).

use serde_json::Value;

use super::{
    Baseline, BenchReport, Certificate, Curve, DeviceKind, DeviceReport, Evaluation, Frame, LossAndFloor, Measured,
    Method, Nearness, Outcome, Paths, Picture, Randomised, Record, Sample, Samples, ScaleTrial, Theory,
};

/// What was wrong with a message, first things first. Reading goes on with empty values: without a way out at every field, readers are
/// half as large.
#[derive(Default)]
pub(super) struct Wrong {
    what: Option<&'static str>,
    field: &'static str,
}

impl Wrong {
    fn say<T: Default>(&mut self, what: &'static str) -> T {
        self.what.get_or_insert(what);
        T::default()
    }

    /// The message, if all of it could be read; a sentence's middle otherwise.
    pub(super) fn or<T>(self, message: T) -> Result<T, String> {
        match self.what {
            None => Ok(message),
            Some(what) => Err(format!("{}: {what}", self.field)),
        }
    }
}

/// Something that a message holds.
pub(super) trait Part: Sized {
    fn read(value: &mut Value, wrong: &mut Wrong) -> Self;
}

/// A field of a message.
pub(super) fn field<T: Part>(value: &mut Value, name: &'static str, wrong: &mut Wrong) -> T {
    let sound = wrong.what.is_none();
    let part = T::read(value.get_mut(name).unwrap_or(&mut Value::Null), wrong);
    if sound && wrong.what.is_some() && wrong.field.is_empty() {
        wrong.field = name;
    }
    part
}

impl Part for f64 {
    fn read(value: &mut Value, wrong: &mut Wrong) -> Self {
        value.as_f64().unwrap_or_else(|| wrong.say("not a number"))
    }
}

impl Part for u32 {
    fn read(value: &mut Value, wrong: &mut Wrong) -> Self {
        value.as_u64().map_or_else(|| wrong.say("not a count"), |n| n as Self)
    }
}

impl Part for usize {
    fn read(value: &mut Value, wrong: &mut Wrong) -> Self {
        u32::read(value, wrong) as Self
    }
}

impl Part for u16 {
    fn read(value: &mut Value, wrong: &mut Wrong) -> Self {
        u32::read(value, wrong) as Self
    }
}

impl Part for bool {
    fn read(value: &mut Value, _: &mut Wrong) -> Self {
        value.as_bool() == Some(true)
    }
}

impl Part for String {
    fn read(value: &mut Value, _: &mut Wrong) -> Self {
        value.as_str().unwrap_or_default().into()
    }
}

impl<T: Part> Part for Option<T> {
    fn read(value: &mut Value, wrong: &mut Wrong) -> Self {
        if value.is_null() { None } else { Some(T::read(value, wrong)) }
    }
}

impl<T: Part> Part for Vec<T> {
    fn read(value: &mut Value, wrong: &mut Wrong) -> Self {
        value.as_array_mut().into_iter().flatten().map(|item| T::read(item, wrong)).collect()
    }
}

impl Part for Method {
    fn read(value: &mut Value, wrong: &mut Wrong) -> Self {
        match value.as_str() {
            Some("exact") => Self::Exact,
            Some("closed-form") => Self::ClosedForm,
            Some("monte-carlo") => Self::MonteCarlo,
            _ => {
                wrong.say::<()>("an unknown method");
                Self::Exact
            }
        }
    }
}

impl Part for DeviceKind {
    fn read(value: &mut Value, _: &mut Wrong) -> Self {
        if value.as_str() == Some("gpu") { Self::Gpu } else { Self::Cpu }
    }
}

macro_rules! parts {
    ($($part:ident { $($field:ident),* })*) => {
        $(impl Part for $part {
            // Once each: a Measured stands in a dozen places.
            #[inline(never)]
            fn read(value: &mut Value, wrong: &mut Wrong) -> Self {
                Self { $($field: field(value, stringify!($field), wrong)),* }
            }
        })*
    };
}

/// Charts read themselves.
impl Part for Picture {
    fn read(value: &mut Value, wrong: &mut Wrong) -> Self {
        serde_json::from_value(value.take()).unwrap_or_else(|_| wrong.say("not a picture"))
    }
}

parts! {
    Baseline { name, about, curve, squared_error }
    BenchReport { device, median_ms, fastest_ms, first_ms, losses }
    Certificate {
        bound, uniform, unigram, empirical, empirical_limit, population, sequences, kl, scale, delta, draws,
        sequences_needed, sequences_needed_unigram
    }
    Curve { values, stderr, methods }
    DeviceReport { used, why, cpu_ms, gpu_ms, adapter, parity }
    Evaluation {
        step, sequences, model, excess, excess_stderr, sampled_excess, sampled_excess_stderr, squared_error, empirical,
        first_level, two_level, sequence_gap, topic_gap, topic_gap_above_bayes, seen_model, seen_model_stderr, seen_bayes, fresh_model,
        fresh_model_stderr, fresh_bayes, distance_topic, distance_data
    }
    Frame { step, first, training_loss, steps_per_second, tokens_per_second, seconds_left, evaluation_share }
    LossAndFloor { loss, bayes, excess }
    Measured { value, stderr }
    Outcome {
        steps, prior_steps, tokens, seconds, prior_seconds, measuring_seconds, gaps_seconds, sequences, training_sequences,
        empirical, first_level, two_level, sequence_gap, topic_gap, topic_gap_above_bayes, precise, distance_topic,
        distance_data, scales, scale, randomised, paths, certificate, record
    }
    Paths {
        is_kl, data, topic, difference_data, expected_data, difference_topic, expected_topic, measurements
    }
    Nearness { name, can_be, fresh, training }
    Randomised {
        scale, draws, sequences, rise, empirical, first_level, two_level, sequence_gap, topic_gap
    }
    Record { step, seconds, training_loss, empirical, first_level, two_level, two_level_stderr, algorithms }
    Sample { topic, topic_index, tokens, model, bayes }
    ScaleTrial { scale, rise }
    Samples { step, rows }
    Theory {
        bayes, adaptive, how, tokens, baselines, squared_error, oracle, unigram, entropy_rate, entropy_rate_stderr,
        excess_entropy, training_level
    }
}
