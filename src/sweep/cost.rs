//! What a sweep costs, and how long the rest of it takes.

use crate::{
    experiment::{Estimate, Experiment, WorldSpec},
    protocol::DeviceChoice,
};

/// With more workers than this, measured times are not to be believed.
const MAX_WORKERS: usize = 8;

/// What a run costs, in floating point operations: training steps and evaluations, which are forward passes alone.
pub fn cost(experiment: &Experiment) -> f64 {
    let estimate = Estimate::of(experiment);
    let evaluation = &experiment.evaluation;
    let mut evaluations = 1.0 + (experiment.steps() as f64 / evaluation.every as f64).ceil();
    if evaluation.asks_for_more() {
        // The early steps, at powers of two.
        evaluations += (evaluation.every.min(experiment.steps()).max(1) as f64).log2().floor();
    }
    let components = match &experiment.world {
        WorldSpec::Mixture(mixture) if evaluation.components => mixture.mixture.len(),
        _ => 0,
    };
    let sets = 3 + components + usize::from(evaluation.events);
    let rows = sets as f64 * evaluation.sequences as f64 / experiment.training.batch as f64;
    estimate.step_flops * (experiment.steps() as f64 + evaluations * rows / 3.0)
}

/// How many workers run at once, on a machine of so many cores.
pub fn worker_count(device: DeviceChoice, cores: usize) -> usize {
    match device {
        DeviceChoice::Gpu => 1,
        // One core is the page's.
        _ => cores.saturating_sub(1).clamp(1, MAX_WORKERS),
    }
}

/// Seconds until so many workers have done what is `left` of each run, in units of cost: no less than the longest one takes. `pace` is
/// worker milliseconds per unit of cost.
pub fn seconds_left(left: impl Iterator<Item = f64>, workers: usize, pace: f64) -> f64 {
    let (sum, longest) = left.fold((0.0, 0.0), |(sum, longest): (f64, f64), one| (sum + one, longest.max(one)));
    (sum / workers.max(1) as f64).max(longest) * pace / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_core_is_left_to_the_page() {
        let workers = [1, 2, 4, 64].map(|cores| worker_count(DeviceChoice::Cpu, cores));
        assert_eq!(workers, [1, 1, 3, 8]);
        assert_eq!(worker_count(DeviceChoice::Gpu, 64), 1);
    }

    #[test]
    fn what_is_measured_on_request_has_its_cost() {
        let world = r#"{"mixture": [{"weight": 1, "world": "coin"}, {"weight": 1, "world": "coins"}]}"#;
        let mut experiment = Experiment { world: world.parse().expect("a world"), ..Experiment::default() };
        let plain = cost(&experiment);
        experiment.evaluation.events = true;
        let events = cost(&experiment);
        experiment.evaluation.components = true;
        let both = cost(&experiment);
        assert!(plain < events && events < both);
        // 500 steps of 32 sequences; of 64 sequences there are 3 sets at 11 evaluations, then 4 and 6 at 5 more.
        let steps = Estimate::of(&experiment).step_flops;
        let expected = [(11.0, 3.0), (16.0, 4.0), (16.0, 6.0)].map(|(n, sets)| steps * (500.0 + n * sets * 2.0 / 3.0));
        for (cost, expected) in [plain, events, both].iter().zip(expected) {
            assert!((cost / expected - 1.0).abs() < 1e-12, "{cost} for {expected}");
        }
    }

    #[test]
    fn time_left_is_shared_by_workers_and_never_less_than_the_longest_run() {
        let left = |each: &[f64]| seconds_left(each.iter().copied(), 2, 2000.0);
        assert!((left(&[0.0, 1.5, 2.0]) - 4.0).abs() < 1e-9, "the longest");
        assert!((left(&[0.0, 2.0, 2.0, 2.0]) - 6.0).abs() < 1e-9, "shared");
        assert_eq!(seconds_left(std::iter::empty(), 0, 1.0), 0.0);
    }
}
