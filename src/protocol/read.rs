//! Events out of JSON values, by hand: serde's derived readers of the same structs are a tenth of the page's wasm.
//!
//! Engine and page come from one build, so what is absent is read as empty where emptiness has a meaning (no, none, no items, no
//! words), and is an error where it has none (numbers).

use serde_json::Value;

use super::{
    Baseline, BenchReport, BenchSize, Certificate, Curve, DeviceKind, DeviceReport, Evaluation, Frame, LossAndFloor,
    Measured, Method, Outcome, Paths, Picture, Record, Sample, Samples, ScaleTrial, Theory,
};

/// Something that a message holds. The error says what a value is not.
pub(super) trait Part: Sized {
    fn read(value: &mut Value) -> Result<Self, String>;
}

/// A field of a message.
pub(super) fn field<T: Part>(value: &mut Value, name: &str) -> Result<T, String> {
    T::read(value.get_mut(name).unwrap_or(&mut Value::Null)).map_err(|why| format!("{name}: {why}"))
}

impl Part for f64 {
    fn read(value: &mut Value) -> Result<Self, String> {
        value.as_f64().ok_or_else(|| "not a number".into())
    }
}

impl Part for u32 {
    fn read(value: &mut Value) -> Result<Self, String> {
        value.as_u64().map(|n| n as Self).ok_or_else(|| "not a count".into())
    }
}

impl Part for usize {
    fn read(value: &mut Value) -> Result<Self, String> {
        u32::read(value).map(|n| n as Self)
    }
}

impl Part for u16 {
    fn read(value: &mut Value) -> Result<Self, String> {
        u32::read(value).map(|n| n as Self)
    }
}

impl Part for bool {
    fn read(value: &mut Value) -> Result<Self, String> {
        Ok(value.as_bool() == Some(true))
    }
}

impl Part for String {
    fn read(value: &mut Value) -> Result<Self, String> {
        Ok(value.as_str().unwrap_or_default().into())
    }
}

impl<T: Part> Part for Option<T> {
    fn read(value: &mut Value) -> Result<Self, String> {
        if value.is_null() { Ok(None) } else { T::read(value).map(Some) }
    }
}

impl<T: Part> Part for Vec<T> {
    fn read(value: &mut Value) -> Result<Self, String> {
        let mut all = Self::new();
        for item in value.as_array_mut().into_iter().flatten() {
            all.push(T::read(item)?);
        }
        Ok(all)
    }
}

impl Part for Method {
    fn read(value: &mut Value) -> Result<Self, String> {
        match value.as_str() {
            Some("exact") => Ok(Self::Exact),
            Some("closed-form") => Ok(Self::ClosedForm),
            Some("monte-carlo") => Ok(Self::MonteCarlo),
            _ => Err("an unknown method".into()),
        }
    }
}

impl Part for DeviceKind {
    fn read(value: &mut Value) -> Result<Self, String> {
        Ok(if value.as_str() == Some("gpu") { Self::Gpu } else { Self::Cpu })
    }
}

impl Part for BenchSize {
    fn read(value: &mut Value) -> Result<Self, String> {
        match value.as_str() {
            Some("S1") => Ok(Self::S1),
            Some("S2") => Ok(Self::S2),
            Some("S3") => Ok(Self::S3),
            _ => Err("an unknown size".into()),
        }
    }
}

macro_rules! parts {
    ($($part:ident { $($field:ident),* })*) => {
        $(impl Part for $part {
            fn read(value: &mut Value) -> Result<Self, String> {
                Ok(Self { $($field: field(value, stringify!($field))?),* })
            }
        })*
    };
}

parts! {
    Baseline { name, about, curve, squared_error }
    BenchReport { size, device, step_ms, first_step_ms, losses }
    Certificate {
        bound, uniform, empirical, empirical_limit, population, sequences, kl, scale, delta, draws, sequences_needed
    }
    Curve { values, stderr, methods }
    DeviceReport { used, why, cpu_ms, gpu_ms, adapter, parity }
    Evaluation {
        step, sequences, model, excess, excess_stderr, sampled_excess, sampled_excess_stderr, squared_error, empirical,
        first_level, two_level, sequence_gap, topic_gap, seen_model, seen_model_stderr, seen_bayes, fresh_model,
        fresh_model_stderr, fresh_bayes, distance_topic, distance_data, squared_distance
    }
    Frame { step, first, training_loss, steps_per_second, tokens_per_second, seconds_left, evaluation_share }
    LossAndFloor { loss, bayes, excess }
    Measured { value, stderr }
    Outcome {
        steps, prior_steps, tokens, seconds, prior_seconds, sequences, empirical, first_level, two_level, sequence_gap,
        topic_gap, precise, distance_topic, distance_data, scales, scale, paths, certificate, record
    }
    Paths {
        is_kl, data, topic, difference_data, expected_data, difference_topic, expected_topic, measurements
    }
    Picture { world, notes, graph, samples, simplex, problem }
    Record { step, seconds, training_loss, empirical, first_level, two_level, two_level_stderr }
    Sample { topic, topic_index, tokens, model, bayes }
    ScaleTrial { scale, rise }
    Samples { step, rows }
    Theory {
        bayes, adaptive, how, tokens, baselines, squared_error, oracle, unigram, entropy_rate, entropy_rate_stderr,
        excess_entropy, training_level
    }
}
