//! A plausible run in the Dursley/Wonka world, for tests.

use crate::{
    app::history::History,
    experiment::{Experiment, bound::SCALES},
    protocol::{
        Certificate, Evaluation, Event, Frame, LossAndFloor, Measured, Outcome, Paths, Randomised, Sample, Samples,
        ScaleTrial, Theory,
    },
    theory::curve::{Curve, Method},
};

pub const RATE: f64 = 0.835_876;

/// h_l at positions 1..=`length`, from the closed form.
pub fn bayes(length: usize) -> Vec<f64> {
    (1..=length)
        .map(|l| match l {
            1 => 1.44519,
            2 => 0.95140,
            l => RATE + std::f64::consts::LN_2 / 6.0 * 0.75f64.powi(l as i32 - 3),
        })
        .collect()
}

pub fn theory(length: usize) -> Theory {
    let curve = |values: Vec<f64>| Curve { methods: vec![Method::Exact; values.len()], values, stderr: None };
    let oracle = (1..=length).map(|l| if l == 1 { 1.3297 } else { RATE }).collect();
    let bayes = bayes(length);
    let training_level = bayes.iter().sum::<f64>() / length as f64;
    Theory {
        tokens: Vec::new(),
        adaptive: false,
        how: Vec::new(),
        baselines: Vec::new(),
        squared_error: Vec::new(),
        bayes: curve(bayes),
        oracle: curve(oracle),
        unigram: curve(vec![1.44519; length]),
        entropy_rate: RATE,
        entropy_rate_stderr: None,
        excess_entropy: Some(1.186_925),
        training_level,
    }
}

/// An evaluation whose excess over Bayes is about `excess` at late positions.
pub fn evaluation(step: usize, excess: f64) -> Evaluation {
    evaluation_of(32, step, excess)
}

pub fn evaluation_of(length: usize, step: usize, excess: f64) -> Evaluation {
    // At 0.66 the model guesses evenly among five tokens.
    let above: Vec<f64> = bayes(length).iter().map(|b| excess / 0.66 * (1.63 - b)).collect();
    let measured = |value: f64| Measured { value, stderr: 0.006 + 0.02 * excess };
    let levels = |value: f64, floor: f64| LossAndFloor {
        loss: measured(value + floor),
        bayes: measured(floor),
        excess: Measured { value, stderr: 0.002 + 0.01 * excess },
    };
    let by = |f: &dyn Fn(f64) -> f64| (1..=length).map(|l| f(l as f64)).collect::<Vec<f64>>();
    let (seen_bayes, fresh_bayes) = (by(&|l| 0.12 * (-l / 3.0).exp()), by(&|l| 0.5 / l));
    Evaluation {
        squared_error: Vec::new(),
        seen_model: seen_bayes.iter().map(|b| b + 0.8 * excess + 0.004).collect(),
        seen_model_stderr: seen_bayes.iter().map(|b| 0.002 + 0.05 * b).collect(),
        seen_bayes,
        fresh_model: fresh_bayes.iter().map(|b| b + excess + 0.02).collect(),
        fresh_model_stderr: fresh_bayes.iter().map(|b| 0.003 + 0.05 * b).collect(),
        fresh_bayes,
        step,
        sequences: 256,
        model: bayes(length).iter().zip(&above).map(|(b, e)| b + e).collect(),
        excess_stderr: above.iter().map(|e| 0.06 * e + 0.0005).collect(),
        sampled_excess: above.clone(),
        sampled_excess_stderr: above.iter().map(|e| 0.2 * e + 0.002).collect(),
        excess: above,
        empirical: levels(1.05 * excess - 0.03, 0.020),
        first_level: levels(excess, 0.021),
        two_level: levels(0.9 * excess + 0.066, 0.022),
        sequence_gap: measured(0.05 * (0.66 - excess)),
        topic_gap: measured(0.10 * (0.66 - excess)),
        topic_gap_above_bayes: measured(0.09 * (0.66 - excess)),
        distance_topic: 6.0 * (1.0 - (-(step as f64) / 100.0).exp()),
        distance_data: 5.0 * (1.0 - (-(step as f64) / 100.0).exp()),
    }
}

/// What a run with prior stages, gradient differences and a certificate found.
pub fn outcome() -> Outcome {
    let measured = |value: f64, stderr: f64| Measured { value, stderr };
    let levels = |value: f64, floor: f64| LossAndFloor {
        loss: measured(value + floor, 0.001),
        bayes: measured(floor, 0.001),
        excess: measured(value, 0.0005),
    };
    Outcome {
        steps: 400,
        prior_steps: 200,
        tokens: 409_600.0,
        seconds: 12.0,
        prior_seconds: 6.0,
        measuring_seconds: 1.5,
        gaps_seconds: 1.5,
        sequences: 4096,
        training_sequences: 4096,
        empirical: levels(0.012, 0.020),
        first_level: levels(0.030, 0.021),
        two_level: levels(0.105, 0.022),
        sequence_gap: measured(0.019, 0.0012),
        topic_gap: measured(0.076, 0.0011),
        topic_gap_above_bayes: Some(measured(0.074, 0.0009)),
        precise: false,
        distance_topic: 1.9,
        distance_data: 0.6,
        // Those that halving tries.
        scales: [19, 24, 25, 26, 27, 29]
            .map(|at| SCALES[at])
            .iter()
            .map(|&scale| ScaleTrial { scale, rise: measured(12.0 * scale * scale + 1e-5, 3.0 * scale * scale + 1e-6) })
            .collect(),
        randomised: Some(Randomised {
            scale: 0.02,
            draws: 32,
            sequences: 512,
            rise: measured(0.0051, 0.0004),
            empirical: measured(0.0371, 0.0009),
            first_level: measured(0.0556, 0.0011),
            two_level: measured(0.1324, 0.0012),
            sequence_gap: measured(0.0185, 0.0013),
            topic_gap: measured(0.0768, 0.0012),
        }),
        scale: 0.02,
        paths: Some(Paths {
            is_kl: false,
            data: 410.0,
            topic: 980.0,
            difference_data: 0.0031,
            expected_data: 0.0029,
            difference_topic: 0.0088,
            expected_topic: 0.0061,
            measurements: 16,
        }),
        certificate: Some(Certificate {
            bound: 1.4031,
            uniform: 1.6094,
            unigram: 1.4452,
            empirical: 0.912,
            empirical_limit: 0.931,
            population: measured(0.934, 0.004),
            sequences: 8192.0,
            kl: 200.0,
            scale: 0.02,
            delta: 0.05,
            draws: 8192,
            sequences_needed: Some(3120.0),
            sequences_needed_unigram: Some(7015.0),
        }),
        ..Outcome::default()
    }
}

pub fn frame(first: usize, losses: Vec<f64>) -> Event {
    Event::Frame(Frame {
        step: first + losses.len().max(1) - 1,
        first,
        training_loss: losses,
        steps_per_second: Some(58.0),
        tokens_per_second: Some(1e5),
        seconds_left: Some(10.0),
        evaluation_share: 0.1,
    })
}

/// The training loss of a step: a fall with a little noise, the same on every call.
pub fn training_loss(step: usize) -> f64 {
    let noise = ((step * 7919) % 101) as f64 / 101.0 - 0.5;
    0.8725 + 0.75 * (-(step as f64) / 40.0).exp() + 0.04 * noise
}

pub fn samples() -> Samples {
    let rows = (0..3)
        .map(|r| Sample {
            topic: if r % 2 == 0 { "Dursley".into() } else { "Wonka".into() },
            topic_index: Some(r % 2),
            tokens: (0..32).map(|i| if i % 4 == 1 { 3 + (r % 2) as u16 } else { (i % 3) as u16 }).collect(),
            model: vec![0.9; 32],
            bayes: vec![0.8; 32],
        })
        .collect();
    Samples { step: 100, rows }
}

/// The history of a run up to `step` (0: only the theory is known).
pub fn history(experiment: &Experiment, step: usize) -> History {
    let length = experiment.data.length;
    let mut history = History::new(experiment);
    extend(&mut history, length, step);
    history
}

pub fn extend(history: &mut History, length: usize, step: usize) {
    history.apply(&Event::Theory(theory(length)));
    if step > 0 {
        history.apply(&frame(1, (1..=step).map(training_loss).collect()));
        for s in (0..=step).step_by(20) {
            let excess = 0.006 + 0.65 * (-(s as f64) / 45.0).exp();
            history.apply(&Event::Evaluation(evaluation_of(length, s, excess)));
        }
        history.apply(&Event::Samples(samples()));
    }
}
