use super::*;
use crate::{
    experiment::evaluation::MOST_COMPONENTS,
    protocol::{Certificate, ComponentCourse, EventCourse, LossAndFloor, Record},
};

fn measured(value: f64, stderr: f64) -> Measured {
    Measured { value, stderr }
}

fn outcome() -> Outcome {
    Outcome {
        steps: 300,
        prior_steps: 100,
        tokens: 300.0 * 32.0 * 32.0,
        seconds: 6.0,
        prior_seconds: 2.0,
        empirical: LossAndFloor { excess: measured(0.02, 0.001), ..LossAndFloor::default() },
        topic_gap: measured(0.1, 0.01),
        distance_topic: 4.0,
        distance_data: 1.0,
        scale: 0.1,
        certificate: Some(Certificate { bound: 1.5, ..Certificate::default() }),
        record: Record {
            step: vec![0, 100, 200, 300],
            seconds: vec![0.0, 2.0, 4.0, 6.0],
            training_loss: vec![0.0, 1.0, 0.5, 0.3],
            two_level: vec![0.9, 0.5, 0.3, 0.2],
            two_level_stderr: vec![0.0, 0.01, 0.02, 0.01],
            ..Record::default()
        },
        ..Outcome::default()
    }
}

fn experiment() -> Experiment {
    let data = experiment::Data { topics: 64, sequences: 16, length: 32, fresh: false };
    // With prior stages, so that K' and N' count.
    let prior = experiment::Prior { steps: 50, index: false };
    Experiment { data, prior, ..Experiment::default() }
}

#[test]
fn every_metric_has_its_value() {
    let m = Metrics::of(&experiment(), &outcome(), Some(0.4));
    let value = |name: &str| m.get(name).unwrap_or_else(|| panic!("{name}")).value;
    assert_eq!(m.get("topic_gap"), Some(measured(0.1, 0.01)));
    // KL 4/(2·.01) = 200 and 50, ln 20 = 2.9957; n = 32·32 and 64·8·32.
    assert!((value("topic_term") - 202.995_732 / 32.0).abs() < 1e-6);
    assert!((value("sequence_term") - 52.995_732 / 128.0).abs() < 1e-6);
    assert!((value("topic_rate") - 1.0 / 32.0).abs() < 1e-12 && (value("sequence_rate") - 1.0 / 128.0).abs() < 1e-12);
    let sum = value("topic_term") + value("sequence_term") + value("confidence_term") - value("epsilon_opt");
    assert!((value("bound") - sum).abs() < 1e-9);
    // Half-way from 0.5 to 0.3; its error is 0.02 over a slope of 0.002.
    let steps = m.get("steps_to_level").expect("reached");
    assert!((steps.value - 150.0).abs() < 1e-9 && (steps.stderr - 10.0).abs() < 1e-9);
    assert!((value("steps_to_level_own") - 50.0).abs() < 1e-9);
    assert!((value("tokens_to_level") - 150.0 * 1024.0).abs() < 1e-6);
    assert!((value("seconds_to_level") - 3.0).abs() < 1e-9 && (value("seconds_to_level_own") - 1.0).abs() < 1e-9);
    assert!((value("mean_training_loss") - 0.6).abs() < 1e-12);
    assert_eq!((value("steps_own"), value("tokens_own"), value("seconds_own")), (200.0, 200.0 * 1024.0, 4.0));
    assert_eq!(value("certificate"), 1.5);
    assert_eq!(m.get("path_data"), None);
}

#[test]
fn components_and_events_are_read_off_the_record() {
    let mut outcome = outcome();
    let event = |name: &str, excess: [f64; 4]| EventCourse {
        name: name.into(),
        excess: excess.to_vec(),
        stderr: vec![0.001; 4],
        ..EventCourse::default()
    };
    // Learned where a tenth of the first excess is left for good.
    let courses = [
        ("first name", [1.0, 0.05, 0.3, 0.04]),
        ("second name", [1.0, 0.09, 0.08, 0.01]),
        ("third name", [1.0, 0.5, 0.4, 0.2]),
    ];
    outcome.record.events = courses.map(|(name, excess)| event(name, excess)).to_vec();
    let component = |component, last| ComponentCourse {
        component,
        excess: vec![0.5, last],
        stderr: vec![0.1, 0.01],
        ..ComponentCourse::default()
    };
    // The middle one has no weight.
    outcome.record.components = vec![component(0, 0.2), component(2, -0.1)];
    let m = Metrics::of(&experiment(), &outcome, None);
    assert_eq!(m.get("learned_first_name"), Some(measured(300.0, 0.0)));
    assert_eq!(m.get("learned_second_name"), Some(measured(100.0, 0.0)));
    assert_eq!((m.get("learned_third_name"), m.get("learned_once_before")), (None, None));
    assert_eq!(m.get("component_0_excess"), Some(measured(0.2, 0.01)));
    assert_eq!((m.get("component_1_excess"), m.get("component_2_excess")), (None, Some(measured(-0.1, 0.01))));
    let has_zero = |name: &str| Metric::named(name).is_some_and(Metric::has_zero);
    assert!(!has_zero("component_7_excess") && has_zero("learned_first_name"));
    assert!((0..MOST_COMPONENTS).all(|i| Metric::named(&format!("component_{i}_excess")).is_some()));
    assert!(Metric::named(&format!("component_{MOST_COMPONENTS}_excess")).is_none());
}

/// Whatever a world's events are called, each has its metric.
#[test]
fn every_event_has_a_metric() {
    for name in crate::probe::events::names() {
        let found = METRICS.iter().filter(|metric| metric.title == format!("Steps to learn \"{name}\"")).count();
        assert_eq!(found, 1, "{name}");
        let name = format!("learned_{}", name.replace(' ', "_"));
        assert!(Metric::named(&name).is_some(), "{name}");
    }
}

#[test]
fn what_is_not_known_is_missing() {
    let m = Metrics::of(&experiment(), &outcome(), Some(0.1));
    assert_eq!(m.get("steps_to_level"), None);
    assert_eq!(Metrics::of(&experiment(), &outcome(), None).get("steps_to_level"), None);
    let unscaled = Outcome { scale: 0.0, certificate: None, ..outcome() };
    let m = Metrics::of(&experiment(), &unscaled, None);
    assert_eq!((m.get("topic_term"), m.get("certificate"), m.get("scale")), (None, None, None));
    let broken = Outcome { topic_gap: measured(f64::NAN, 0.0), ..outcome() };
    assert_eq!(Metrics::of(&experiment(), &broken, None).get("topic_gap"), None);
    // There already before the first step.
    let m = Metrics::of(&experiment(), &outcome(), Some(1.0));
    assert_eq!(m.get("steps_to_level_own").map(|m| m.value), Some(0.0));
}

#[test]
fn names_are_unique_and_metrics_survive_json() {
    for (i, metric) in METRICS.iter().enumerate() {
        assert!(METRICS[..i].iter().all(|other| other.name != metric.name), "{}", metric.name);
        assert!(
            metric.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'),
            "{}",
            metric.name
        );
    }
    let m = Metrics::of(&experiment(), &outcome(), Some(0.4));
    let back = Metrics::from_value(m.to_value().as_object().expect("an object"));
    for metric in METRICS {
        match (m.get(metric.name), back.get(metric.name)) {
            (Some(a), Some(b)) => assert!((a.value - b.value).abs() <= 1e-4 * a.value.abs(), "{}", metric.name),
            (a, b) => assert_eq!(a, b, "{}", metric.name),
        }
    }
    assert_eq!(METRICS[0].words(), "two-level loss L(θ)");
    assert_eq!(Metric::named("kl_data").map(Metric::words), Some("KL to the data-dependent prior".into()));
}
