//! "Run as I move": when a changed setting starts a new run by itself, and what is said where it does not.

use crate::{
    experiment::{Estimate, Experiment},
    protocol::Phase,
};

/// How long the settings rest after the last change before a run starts by itself, milliseconds.
pub const REST_MS: u64 = 400;
/// Runs shorter than this restart by themselves unless the reader chose otherwise, seconds.
const QUICK: f64 = 10.0;
/// And go on doing so up to this: measured speeds vary, and a switch must not flicker.
const STILL_QUICK: f64 = 15.0;
/// What a step is taken to reach before anything was measured: floating-point operations a second, and seconds beside them.
const ASSUMED_SPEED: f64 = 2e9;
const ASSUMED_SECONDS: f64 = 5e-4;

/// Whether changes start a run by themselves: as the reader chose, or else where the run is short. `was` is what this said last.
pub fn is_on(chosen: Option<bool>, seconds: f64, was: bool) -> bool {
    chosen.unwrap_or(seconds < if was { STILL_QUICK } else { QUICK })
}

/// Seconds that a run takes, roughly: for before any speed was measured.
pub fn assumed_seconds(experiment: &Experiment) -> f64 {
    experiment.steps() as f64 * (Estimate::of(experiment).step_flops / ASSUMED_SPEED + ASSUMED_SECONDS)
}

/// What there is to know when the settings have rested.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// Changes start a run by themselves.
    pub on: bool,
    /// Settings differ from the run's in a way that only a restart can apply.
    pub changed: bool,
    /// Nothing is wrong with the settings.
    pub sound: bool,
    pub phase: &'a Phase,
    /// Steps that were taken.
    pub step: usize,
}

/// What follows from a [`Situation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing has changed, or what is wrong is said elsewhere.
    Nothing,
    /// A new run starts.
    Start,
    /// A new run is prepared and waits at step 0, as the one before did.
    Hold,
    /// Nothing starts by itself, and this is said beside Run.
    Say(&'static str),
}

/// At step 0 a paused run has nothing to lose: it takes the settings and stays at step 0. Paused at a later step it stays as it is,
/// since somebody looks at it.
pub fn next(now: Situation) -> Next {
    let paused = matches!(now.phase, Phase::Paused);
    match now {
        Situation { changed: false, .. } | Situation { sound: false, .. } => Next::Nothing,
        _ if paused && now.step > 0 => Next::Say("Settings changed: Run goes on without them, Reset takes them"),
        Situation { on: false, .. } => Next::Say("Settings changed: press Run"),
        Situation { phase: Phase::Failed { .. }, .. } => Next::Say("Settings changed: press Run"),
        _ if paused => Next::Hold,
        _ => Next::Start,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn situation(phase: &Phase, step: usize) -> Situation<'_> {
        Situation { on: true, changed: true, sound: true, phase, step }
    }

    fn failed() -> Phase {
        Phase::Failed { why: "Lost.".into(), next: "Start again.".into() }
    }

    #[test]
    fn a_change_starts_a_run() {
        let preparing = Phase::Preparing { what: "Preparing".into(), done: None };
        let measuring = Phase::Measuring { what: "Measuring".into(), done: 0.5 };
        for phase in [preparing, Phase::Running, measuring, Phase::Finished] {
            assert_eq!(next(situation(&phase, 7)), Next::Start, "{phase:?}");
            assert_eq!(next(Situation { changed: false, ..situation(&phase, 7) }), Next::Nothing, "{phase:?}");
            assert_eq!(next(Situation { sound: false, ..situation(&phase, 7) }), Next::Nothing, "{phase:?}");
        }
    }

    #[test]
    fn what_somebody_paused_stays() {
        let Next::Say(said) = next(situation(&Phase::Paused, 7)) else { panic!("a run was replaced") };
        assert!(said.contains("Reset"), "Run resumes a paused run, so it is not the way to the new settings: {said}");
        assert_eq!(next(Situation { on: false, ..situation(&Phase::Paused, 7) }), Next::Say(said));
        assert_eq!(next(situation(&Phase::Paused, 0)), Next::Hold, "nothing is lost, and nothing runs");
    }

    #[test]
    fn off_or_failed_it_is_said() {
        let said = Next::Say("Settings changed: press Run");
        for phase in [Phase::Running, Phase::Finished, Phase::Paused] {
            assert_eq!(next(Situation { on: false, ..situation(&phase, 0) }), said, "{phase:?}");
        }
        assert_eq!(next(situation(&failed(), 7)), said);
    }

    #[test]
    fn short_runs_restart_unless_the_reader_chose() {
        assert!(is_on(None, 9.0, false) && !is_on(None, 11.0, false));
        assert!(is_on(None, 14.0, true) && !is_on(None, 16.0, true), "it does not flicker");
        assert!(is_on(Some(true), 1e6, false) && !is_on(Some(false), 0.1, true));
    }

    #[test]
    fn a_run_of_no_known_speed_is_guessed_at() {
        let mut experiment = Experiment::default();
        experiment.training.steps = 30;
        assert!(is_on(None, assumed_seconds(&experiment), false), "{}", assumed_seconds(&experiment));
        experiment.training.steps = 100_000;
        assert!(!is_on(None, assumed_seconds(&experiment), false));
    }
}
