//! A run and the same experiment with other seeds: numbers of all of them at the same step.
//!
//! The world does not depend on the seed, so exact Bayes by position is the same for all of them. Topics, sequences, initialization,
//! batches and the sequences of evaluations do depend on it. Seeds are independent, so a spread over them is one of whole runs.

use super::{Changed, EvaluationPoint, History};
use crate::{
    experiment::{Experiment, MAX_SEED},
    number,
    protocol::{Evaluation, Event, Outcome},
};

/// Full evaluations kept beside the recorded ones while several seeds run: so many may one seed be ahead of another.
const RECENT: usize = 16;

/// A number over the seeds: their mean, the least and the greatest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub mean: f64,
    pub least: f64,
    pub greatest: f64,
    /// Seeds behind them.
    pub seeds: usize,
}

impl Spread {
    /// `None` for fewer than two values, and where one is not finite.
    pub fn over(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let values: Vec<f64> = values.into_iter().collect();
        if values.len() < 2 || values.iter().any(|v| !v.is_finite()) {
            return None;
        }
        let fold = |pick: fn(f64, f64) -> f64| values.iter().copied().reduce(pick).unwrap_or(f64::NAN);
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        Some(Self { mean, least: fold(f64::min), greatest: fold(f64::max), seeds: values.len() })
    }

    /// What is drawn of `runs` runs: their mean, or the number of the only one. NaN where a run has no finite number.
    pub fn mean_or(spread: Option<Self>, own: f64, runs: usize) -> f64 {
        spread.map_or(if runs > 1 { f64::NAN } else { own }, |s| s.mean)
    }

    /// In another unit: `of` keeps the order.
    pub fn map(self, of: impl Fn(f64) -> f64) -> Self {
        Self { mean: of(self.mean), least: of(self.least), greatest: of(self.greatest), ..self }
    }

    /// `2.31 (2.28 to 2.35)`
    pub fn text(self) -> String {
        let [mean, least, greatest] = [self.mean, self.least, self.greatest].map(number::short);
        format!("{mean} ({least} to {greatest})")
    }

    /// `2.31 (2.28 to 2.35 over 3 seeds)`
    pub fn whole_text(self) -> String {
        let [mean, least, greatest] = [self.mean, self.least, self.greatest].map(number::short);
        format!("{mean} ({least} to {greatest} over {} seeds)", self.seeds)
    }

    /// How such numbers were obtained.
    pub fn how(seeds: usize) -> String {
        format!("mean over {seeds} seeds, with the least and the greatest")
    }
}

/// The experiments of the other seeds, where there are `count` seeds in all: seed + 1, seed + 2, ...
pub fn others(experiment: &Experiment, count: usize) -> Vec<Experiment> {
    (1..count as u64)
        // Beyond the largest seed the smallest ones follow.
        .map(|i| Experiment { seed: (experiment.seed + i) % (MAX_SEED + 1), ..experiment.clone() })
        .collect()
}

/// At each index the values of `rows`, each turned by `of`; as long as the shortest row.
pub fn spreads(rows: &[&[f64]], of: impl Fn(usize, f64) -> f64) -> Vec<Option<Spread>> {
    let length = rows.iter().map(|row| row.len()).min().unwrap_or(0);
    (0..length).map(|i| Spread::over(rows.iter().map(|row| of(i, row[i])))).collect()
}

impl History {
    /// From now on `count` seeds run in all; nothing is known of the others yet.
    pub fn set_seeds(&mut self, count: usize) -> Changed {
        self.seeds = others(&self.experiment, count).iter().map(Self::new).collect();
        self.recent.clear();
        Changed::ALL
    }

    /// The runs of the other seeds become these.
    pub fn restore_seeds(&mut self, seeds: Vec<Self>) {
        self.seeds = seeds;
    }

    /// The runs of the other seeds.
    pub fn seeds(&self) -> &[Self] {
        &self.seeds
    }

    /// This run and those of the other seeds.
    pub fn with_seeds(&self) -> impl Iterator<Item = &Self> + Clone {
        std::iter::once(self).chain(&self.seeds)
    }

    /// `seed 0`: which of them this run is.
    pub fn seed_name(&self) -> String {
        format!("seed {}", self.experiment.seed)
    }

    /// Takes in what the engine of another seed says. Sampled sequences are those of the run itself.
    pub fn apply_seed(&mut self, seed: u64, event: &Event) -> Changed {
        let Some(run) = self.seeds.iter_mut().find(|run| run.experiment.seed == seed) else { return Changed::NONE };
        if matches!(event, Event::Samples(_)) {
            return Changed::NONE;
        }
        let changed = run.apply(event);
        if let Event::Evaluation(evaluation) = event {
            run.remember(evaluation);
        }
        changed
    }

    /// That seed failed: the others go on without it.
    pub fn lose_seed(&mut self, seed: u64) -> Changed {
        self.seeds.retain(|run| run.experiment.seed != seed);
        Changed::ALL
    }

    pub(super) fn remember(&mut self, evaluation: &Evaluation) {
        self.recent.retain(|e| e.step != evaluation.step);
        self.recent.push_back(evaluation.clone());
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
    }

    /// The whole evaluation at a step, where it is still there.
    fn evaluation_at(&self, step: usize) -> Option<&Evaluation> {
        let latest = self.evaluation.iter();
        let recorded = self.recorded.iter().map(|r| &r.evaluation);
        latest.chain(self.recent.iter()).chain(recorded).find(|e| e.step == step)
    }

    /// The evaluations of all seeds at the step that is looked at, or else at the latest that all have reached; this run's first.
    /// `None` where there is one seed, or no such step.
    pub fn evaluations_of_seeds(&self) -> Option<Vec<&Evaluation>> {
        let all = |step: usize| -> Option<Vec<&Evaluation>> {
            self.with_seeds().map(|run| run.evaluation_at(step)).collect()
        };
        if self.seeds.is_empty() {
            return None;
        }
        if let Some(step) = self.shown() {
            return all(step);
        }
        let mut steps: Vec<usize> = self.recorded().chain(self.recent.iter().map(|e| e.step)).collect();
        steps.sort_unstable();
        steps.iter().rev().find_map(|step| all(*step))
    }

    /// The scalars of all seeds at each step that all have been evaluated at, in order; empty where there is one seed.
    pub fn points_of_seeds(&self) -> Vec<Vec<&EvaluationPoint>> {
        if self.seeds.is_empty() {
            return Vec::new();
        }
        let mut others: Vec<_> = self.seeds.iter().map(|run| run.evaluations().peekable()).collect();
        let mut all = Vec::new();
        for point in self.evaluations() {
            let mut together = vec![point];
            for run in &mut others {
                while run.next_if(|p| p.step < point.step).is_some() {}
                together.extend(run.peek().filter(|p| p.step == point.step));
            }
            if together.len() == 1 + self.seeds.len() {
                all.push(together);
            }
        }
        all
    }

    /// What all seeds found at their ends; `None` where there is one seed, where one is not finished, or where an earlier step is
    /// looked at.
    pub fn outcomes_of_seeds(&self) -> Option<Vec<&Outcome>> {
        if self.seeds.is_empty() || self.shown().is_some() {
            return None;
        }
        self.with_seeds().map(Self::outcome).collect()
    }

    /// The last training step that all seeds have reached.
    pub fn step_of_seeds(&self) -> usize {
        self.with_seeds().map(|run| run.training.last_step()).min().unwrap_or(0)
    }

    /// The smoothed training losses of all seeds at a step that all have reached.
    pub fn smoothed_of_seeds(&self, step: usize) -> Option<Spread> {
        Spread::over(self.with_seeds().map(|run| run.training.smoothed_at(step).unwrap_or(f64::NAN)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::charts::fixtures;

    fn seeds(count: usize) -> History {
        let mut history = History::new(&Experiment { seed: 0, ..Experiment::default() });
        history.set_seeds(count);
        history
    }

    fn evaluate(history: &mut History, seed: u64, step: usize, excess: f64) {
        let event = Event::Evaluation(fixtures::evaluation(step, excess));
        if seed == history.experiment().seed {
            history.apply(&event)
        } else {
            history.apply_seed(seed, &event)
        };
    }

    #[test]
    fn a_spread_is_of_two_finite_numbers_or_more() {
        assert_eq!(Spread::over([1.0]), None);
        assert_eq!(Spread::over([1.0, f64::NAN]), None);
        let spread = Spread::over([3.0, 1.0, 2.0]).expect("a spread");
        assert_eq!((spread.mean, spread.least, spread.greatest, spread.seeds), (2.0, 1.0, 3.0, 3));
        assert_eq!(spread.whole_text(), "2.00 (1.00 to 3.00 over 3 seeds)");
        assert_eq!(spread.map(|v| 2.0 * v).text(), "4.00 (2.00 to 6.00)");
    }

    #[test]
    fn other_seeds_follow_the_run_s_own() {
        let experiment = Experiment { seed: MAX_SEED - 1, ..Experiment::default() };
        let seeds: Vec<u64> = others(&experiment, 4).iter().map(|e| e.seed).collect();
        assert_eq!(seeds, [MAX_SEED, 0, 1]);
        assert!(others(&experiment, 1).is_empty());
        let one = Experiment { seed: experiment.seed, ..others(&experiment, 2)[0].clone() };
        assert_eq!(one, experiment, "nothing else differs");
    }

    #[test]
    fn only_what_all_have_reached_is_compared() {
        let mut history = seeds(3);
        assert_eq!(history.evaluations_of_seeds(), None);
        for step in [0, 50, 100, 150] {
            evaluate(&mut history, 0, step, 0.3);
        }
        for step in [0, 50, 100] {
            evaluate(&mut history, 1, step, 0.2);
        }
        assert_eq!(history.evaluations_of_seeds(), None, "nothing of the third is known");
        evaluate(&mut history, 2, 0, 0.4);
        evaluate(&mut history, 2, 50, 0.1);
        let steps = |history: &History| -> Option<Vec<usize>> {
            Some(history.evaluations_of_seeds()?.iter().map(|e| e.step).collect())
        };
        assert_eq!(steps(&history), Some(vec![50; 3]));
        assert_eq!(history.points_of_seeds().iter().map(|all| all[2].step).collect::<Vec<_>>(), [0, 50]);
        // The step that is looked at, where all have been there.
        history.show(Some(0));
        assert_eq!(steps(&history), Some(vec![0; 3]));
        history.show(Some(2));
        assert_eq!(steps(&history), None, "the third has not come to step 100");
        history.show(None);
        // Without the one that failed.
        history.lose_seed(2);
        assert_eq!(steps(&history), Some(vec![100; 2]));
        history.lose_seed(1);
        assert_eq!(steps(&history), None);
    }

    #[test]
    fn a_seed_may_be_ahead_between_recorded_steps() {
        let mut history = seeds(2);
        // Few of these are recorded.
        for step in 1000..1040 {
            evaluate(&mut history, 0, 50 * step, 0.3);
        }
        evaluate(&mut history, 1, 50 * 1030, 0.3);
        assert_eq!(history.evaluations_of_seeds().map(|all| all[0].step), Some(50 * 1030));
    }

    #[test]
    fn events_reach_the_seed_that_they_are_of() {
        let mut history = seeds(3);
        history.apply(&fixtures::frame(1, vec![3.0, 3.0]));
        history.apply_seed(1, &fixtures::frame(1, vec![1.0, 1.0]));
        assert_eq!(history.apply_seed(7, &fixtures::frame(1, vec![1.0])), Changed::NONE);
        assert_eq!(history.step_of_seeds(), 0);
        history.apply_seed(2, &fixtures::frame(1, vec![2.0]));
        assert_eq!(history.step_of_seeds(), 1);
        let spread = history.smoothed_of_seeds(1).expect("all three");
        assert_eq!((spread.mean, spread.least, spread.greatest), (2.0, 1.0, 3.0));
        assert_eq!(history.outcomes_of_seeds(), None);
        for seed in 1..3 {
            history.apply_seed(seed, &Event::Outcome(Box::new(fixtures::outcome())));
        }
        assert_eq!(history.outcomes_of_seeds(), None, "the run itself is not finished");
        history.apply(&Event::Outcome(Box::new(fixtures::outcome())));
        assert_eq!(history.outcomes_of_seeds().map(|all| all.len()), Some(3));
        // A new run begins with one seed.
        history.reset_for(&Experiment::default());
        assert!(history.seeds().is_empty());
    }
}
