//! How the run is measured while it goes on.

use serde::{Deserialize, Serialize};

use super::{
    WorldSpec,
    problem::{Checker, Problem},
};

/// Most parts of a mixture whose losses are measured one by one.
pub const MOST_COMPONENTS: usize = 8;

/// When, on how many sequences and of what the losses are measured, during the run and at its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Evaluation {
    /// Sequences in each evaluation set (fresh topics; training topics; training sequences).
    pub sequences: usize,
    /// Steps from one evaluation to the next. The first and the last step are always evaluated.
    pub every: usize,
    /// T_p, tokens of a prompt that the two-level loss averages over; 0 means T.
    pub prompt_length: usize,
    /// Wanted precision of the gaps at the run's end: they are measured on ever more sequences
    /// until the standard error of each is below this share of the gap. `most` and `share` may end
    /// this earlier.
    pub precision: f64,
    /// Most sequences for each loss at the run's end; 0 means as many as `sequences`.
    pub most: usize,
    /// Most work of the measurement at the run's end, as a share of the training's work (see
    /// [`Self::limit`]); 0 means no such limit.
    pub share: f64,
    /// Each evaluation also measures how far the model is from known predictors (retrieval,
    /// inference and the like), for the map of algorithms of a sweep. The early steps are then
    /// evaluated too ([`Self::is_due`]).
    pub algorithms: bool,
    /// Each evaluation also measures the loss on each component of a mixture (`probe::components`),
    /// which takes one more forward pass for each. Only in a mixture of at most [`MOST_COMPONENTS`]
    /// components. The early steps are then evaluated too.
    pub components: bool,
    /// Each evaluation also measures the loss on chosen events (`probe::events`), which takes one
    /// more forward pass. From these losses follow the steps that it takes to learn each event.
    /// Only in a world of tokens. The early steps are then evaluated too.
    pub events: bool,
}

impl Default for Evaluation {
    fn default() -> Self {
        Self {
            sequences: 64,
            every: 50,
            prompt_length: 0,
            precision: 0.02,
            most: 4096,
            share: 0.5,
            algorithms: false,
            components: false,
            events: false,
        }
    }
}

impl Evaluation {
    /// Whether `step` is evaluated in a run that is recorded: every `every` steps, and before the first of those at powers of two, as
    /// most happens early.
    pub fn is_due(&self, step: usize) -> bool {
        step.is_multiple_of(self.every) || (step < self.every && step.is_power_of_two())
    }

    /// Whether the model is kept as it was at an evaluated step: at all of the first eight times `every` and before, then at four to
    /// an octave. So some 80 steps of a million.
    pub fn is_recorded(&self, step: usize) -> bool {
        let times = step / self.every.max(1);
        self.is_due(step) && (times < 8 || times.is_multiple_of(1 << (times.ilog2() - 2)))
    }

    /// Most sequences of each of the three kinds that are measured after the last step; never fewer
    /// than `sequences`.
    ///
    /// `trained` is how many sequences were read in training, with repetition, in all stages. Work
    /// is counted and not timed, so that a run repeats: a measured sequence is a forward pass, a
    /// third of the work of a trained one. So all three kinds together take at most `share` of the
    /// training's work.
    pub fn limit(&self, trained: usize) -> usize {
        let most = if self.most == 0 { self.sequences } else { self.most };
        let shared = if self.share > 0.0 { (self.share * trained as f64) as usize } else { usize::MAX };
        most.min(shared).max(self.sequences)
    }

    /// Whether each evaluation measures something that is reported step by step, so that the early steps are worth measuring.
    pub fn asks_for_more(&self) -> bool {
        self.algorithms || self.components || self.events
    }

    /// What of the world the asked measurements cannot do without.
    fn check_asked(&self, world: &WorldSpec, check: &mut Checker) {
        let mut refuse = |field: &str, allowed: &str, advice: &str| {
            check.add(Problem::new(field, "true", allowed, advice));
        };
        match world {
            WorldSpec::Mixture(mixture) if mixture.mixture.len() > MOST_COMPONENTS && self.components => refuse(
                "evaluation.components",
                &format!("false in a mixture of more than {MOST_COMPONENTS} components"),
                "Each component is measured by itself.",
            ),
            WorldSpec::Mixture(_) => {}
            _ if self.components => refuse(
                "evaluation.components",
                "false in a world that is no mixture",
                "The loss on each component is measured where the world is a mixture.",
            ),
            _ => {}
        }
        if self.events && world.observation().is_vectors() {
            refuse("evaluation.events", "false in a world of vectors", "Events are kinds of tokens.");
        }
    }

    pub(super) fn check(&self, world: &WorldSpec, check: &mut Checker) {
        self.check_asked(world, check);
        check.count("evaluation.sequences", self.sequences, 2, 65_536);
        check.count("evaluation.every", self.every, 1, 100_000);
        check.count("evaluation.prompt_length", self.prompt_length, 0, super::data::MAX_LENGTH);
        check.range("evaluation.precision", self.precision, 1e-4, 1.0);
        check.count("evaluation.most", self.most, 0, 1_000_000);
        check.range("evaluation.share", self.share, 0.0, 1000.0);
    }
}
