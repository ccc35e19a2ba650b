//! Several seeds of one experiment side by side: how many, on how many cores, and how far all of them are.

pub mod statements;

use crate::{number, protocol::Phase};

/// How many seeds there are to choose from.
pub const CHOICES: [usize; 3] = [1, 3, 5];

/// The number of seeds to choose that has room for so many, some of which may have failed.
pub fn allowed(count: usize) -> usize {
    CHOICES.into_iter().find(|choice| *choice >= count).unwrap_or(CHOICES[CHOICES.len() - 1])
}

/// Where the run of one seed stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    pub seed: u64,
    pub phase: Phase,
    pub step: usize,
    pub seconds_left: Option<f64>,
}

impl Standing {
    /// Before its engine has said anything.
    pub fn new(seed: u64) -> Self {
        let phase = Phase::Preparing { what: "Preparing the run".into(), done: None };
        Self { seed, phase, step: 0, seconds_left: None }
    }

    /// Neither at its end nor lost.
    pub fn goes_on(&self) -> bool {
        !matches!(self.phase, Phase::Finished | Phase::Failed { .. })
    }
}

/// The cores that each of `seeds` engines takes on a machine of `cores`.
pub fn cores_for_each(cores: usize, seeds: usize) -> usize {
    (cores / seeds.max(1)).max(1)
}

/// How many times longer `seeds` runs side by side take than one on one core.
pub fn slowdown(cores: usize, seeds: usize) -> f64 {
    (seeds as f64 / cores.max(1) as f64).max(1.0)
}

/// The phase of all seeds together: the run is over when all of them are. Seeds that failed count no longer.
pub fn joint_phase(own: &Phase, others: &[Standing]) -> Phase {
    let behind = others.iter().enumerate().find(|(_, other)| other.goes_on());
    match (own, behind) {
        (Phase::Finished, Some((index, other))) => {
            let named = |what: &str| format!("Seed {} of {}: {}", index + 2, others.len() + 1, what.to_lowercase());
            match &other.phase {
                Phase::Preparing { what, done } => Phase::Preparing { what: named(what), done: *done },
                Phase::Measuring { what, done } => Phase::Measuring { what: named(what), done: *done },
                phase => phase.clone(),
            }
        }
        _ => own.clone(),
    }
}

/// What is said while this run is at its end and another seed is not: `Seed 2 of 3 is at step 396`.
pub fn behind(own: &Phase, others: &[Standing]) -> Option<String> {
    if *own != Phase::Finished {
        return None;
    }
    let (index, other) = others.iter().enumerate().filter(|(_, other)| other.goes_on()).min_by_key(|(_, o)| o.step)?;
    Some(format!("Seed {} of {} is at step {}", index + 2, others.len() + 1, number::count(other.step)))
}

/// Where all seeds are, for a look at length: `seed 1: step 412, running; ...`.
pub fn standings(own: &Standing, others: &[Standing], word: fn(&Phase) -> &'static str) -> String {
    let one = |s: &Standing| format!("seed {}: step {}, {}", s.seed, number::count(s.step), word(&s.phase));
    std::iter::once(own).chain(others).map(one).collect::<Vec<_>>().join("; ")
}

/// Seconds until the last of them is at its end.
pub fn seconds_left(own: Option<f64>, others: &[Standing]) -> Option<f64> {
    others.iter().filter(|other| other.goes_on()).filter_map(|other| other.seconds_left).chain(own).reduce(f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(seed: u64, phase: Phase, step: usize) -> Standing {
        Standing { phase, step, seconds_left: Some(step as f64), ..Standing::new(seed) }
    }

    fn failed() -> Phase {
        Phase::Failed { why: "Lost.".into(), next: "Start again.".into() }
    }

    #[test]
    fn the_run_is_over_when_all_seeds_are() {
        let others = |second: Phase| vec![standing(1, Phase::Finished, 100), standing(2, second, 40)];
        assert_eq!(joint_phase(&Phase::Finished, &[]), Phase::Finished);
        assert_eq!(joint_phase(&Phase::Finished, &others(Phase::Finished)), Phase::Finished);
        for phase in [Phase::Running, Phase::Paused, Phase::Compiling] {
            assert_eq!(joint_phase(&Phase::Finished, &others(phase.clone())), phase);
        }
        let measuring = Phase::Measuring { what: "Measuring the gaps".into(), done: 0.5 };
        let named = Phase::Measuring { what: "Seed 3 of 3: measuring the gaps".into(), done: 0.5 };
        assert_eq!(joint_phase(&Phase::Finished, &others(measuring)), named);
        // One that failed holds nothing up.
        assert_eq!(joint_phase(&Phase::Finished, &others(failed())), Phase::Finished);
        // Until the run itself is at its end, its phase is what is shown.
        for own in [Phase::Running, Phase::Paused, failed()] {
            assert_eq!(joint_phase(&own, &others(Phase::Running)), own);
        }
    }

    #[test]
    fn the_one_that_is_behind_is_named() {
        let others = vec![standing(7, Phase::Running, 60), standing(8, Phase::Running, 40)];
        assert_eq!(behind(&Phase::Finished, &others).as_deref(), Some("Seed 3 of 3 is at step 40"));
        assert_eq!(behind(&Phase::Running, &others), None);
        assert_eq!(behind(&Phase::Finished, &[standing(7, Phase::Finished, 60), standing(8, failed(), 3)]), None);
        assert_eq!(seconds_left(Some(50.0), &others), Some(60.0));
        assert_eq!(seconds_left(None, &[standing(7, Phase::Finished, 60)]), None);
    }

    #[test]
    fn there_are_one_three_or_five() {
        assert_eq!([0, 1, 2, 3, 4, 5, 1000].map(allowed), [1, 1, 3, 3, 5, 5, 5]);
    }

    #[test]
    fn seeds_share_the_cores() {
        assert_eq!([1, 3, 5].map(|seeds| cores_for_each(8, seeds)), [8, 2, 1]);
        assert_eq!(cores_for_each(2, 5), 1);
        assert_eq!((slowdown(8, 3), slowdown(2, 5), slowdown(2, 1)), (1.0, 2.5, 1.0));
    }
}
