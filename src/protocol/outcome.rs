//! What a finished run found: losses and gaps measured until they are precise, priors, certificate.

use serde::{Deserialize, Serialize};

use super::{LossAndFloor, Measured};
use crate::number;

/// One run's result. Nats per token (or vector) where nothing else is said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Outcome {
    /// Steps of all stages.
    pub steps: usize,
    /// Of these, steps of the prior stages.
    pub prior_steps: usize,
    /// Tokens read by the model, with repetition, in all stages.
    pub tokens: f64,
    /// Spent in training steps, evaluation left out.
    pub seconds: f64,
    /// Of these, in the prior stages.
    pub prior_seconds: f64,
    /// Spent on what is measured after the last step, and of these on the gaps and curves.
    pub measuring_seconds: f64,
    pub gaps_seconds: f64,
    /// Sequences behind the two-level loss, and behind the first-level one.
    pub sequences: usize,
    /// Training sequences behind the empirical loss: all of them where its standard error is 0.
    pub training_sequences: usize,
    /// L_E(θ, W_pre): without sampling error where the whole training set was used.
    pub empirical: LossAndFloor,
    /// L(θ, W_pre), over all T positions.
    pub first_level: LossAndFloor,
    /// L(θ), over the prompt's T_p positions.
    pub two_level: LossAndFloor,
    /// L(θ, W_pre) - L_E.
    pub sequence_gap: Measured,
    /// L(θ) - L(θ, W_pre), both over the prompt's positions. Conditional on the K topics that were drawn: how much easier these
    /// are than topics on average is part of it, and no part of its standard error.
    pub topic_gap: Measured,
    /// The same difference of losses in excess of Bayes' own on the same sequences: how easy the topics are cancels. `None` in what was
    /// recorded before it was measured.
    pub topic_gap_above_bayes: Option<Measured>,
    /// Each gap's standard error is below `evaluation.precision` of it.
    pub precise: bool,
    /// ‖θ - θ_topic‖² and ‖θ - θ_data‖²: to the topic-dependent and to the data-dependent prior.
    pub distance_topic: f64,
    pub distance_data: f64,
    /// What the values of s cost that the search tried, in their order; empty where s was given.
    pub scales: Vec<ScaleTrial>,
    /// s.
    pub scale: f64,
    /// Losses under noise of scale s; `None` where they are no numbers.
    pub randomised: Option<Randomised>,
    /// Gradient differences along the path, where they were asked for.
    pub paths: Option<Paths>,
    pub certificate: Option<Certificate>,
    /// Evaluations along the run.
    pub record: Record,
}

impl Outcome {
    /// What the measuring after the last step reached, a sentence; `precision` is what was asked for.
    pub fn reached(&self, precision: f64) -> String {
        let percent = |share: f64| number::brief(100.0 * share) + "%";
        let known = |name: &str, gap: Measured| {
            if gap.stderr >= 0.5 * gap.value.abs() {
                return format!("the {name} cannot be distinguished from 0 (two standard errors)");
            }
            format!("the {name} is known to ±{}", percent(gap.stderr / gap.value.abs()))
        };
        let whole = if self.empirical.loss.stderr == 0.0 && self.training_sequences > 0 {
            format!(" (of the training set all {})", number::count(self.training_sequences))
        } else {
            String::new()
        };
        let of_training = |seconds: f64| {
            let share = percent(seconds / self.seconds.max(f64::MIN_POSITIVE));
            format!("{} s, {share} of the training time", number::short(seconds))
        };
        // The noise of the bound and the certificate come on top.
        let all = if self.measuring_seconds > 1.1 * self.gaps_seconds {
            format!(" All measuring after the last step took {}.", of_training(self.measuring_seconds))
        } else {
            String::new()
        };
        format!(
            "Measured on {} sequences of each kind{whole} in {}; {} and {}; ±{} was asked for.{all}",
            number::count(self.sequences),
            of_training(self.gaps_seconds),
            known("sequence gap", self.sequence_gap),
            known("topic gap", self.topic_gap),
            percent(precision),
        )
    }
}

/// The model's training loss under Gaussian noise of one scale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ScaleTrial {
    pub scale: f64,
    /// Loss of the perturbed model less that of the model itself, on training sequences.
    pub rise: Measured,
}

/// Losses and gaps of the randomised model N(θ, s² I), averaged over its parameters: the theorem's E_μ[L]. Nats per token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Randomised {
    pub scale: f64,
    /// Perturbed models, and sequences of each kind over all of them, behind what noise adds.
    pub draws: usize,
    pub sequences: usize,
    /// What noise adds to the loss on training sequences.
    pub rise: Measured,
    /// The model's own losses and gaps, as in [`Outcome`], plus what noise adds to each.
    pub empirical: Measured,
    pub first_level: Measured,
    pub two_level: Measured,
    pub sequence_gap: Measured,
    pub topic_gap: Measured,
}

/// Gradient differences between all data and the priors' subsets, accumulated along the path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Paths {
    /// The optimiser injects the noise that makes `data` a KL (Langevin dynamics); else both are indices.
    pub is_kl: bool,
    /// Σ (β η_t/4) a_t over the training proper, a_t = ‖g_S - g_J‖², J the data-dependent prior's subset.
    pub data: f64,
    /// The same with J the topic-dependent prior's subset.
    pub topic: f64,
    /// Mean of a_t over the measurements, and of what it would be for a random J (`engine::differences::expected`).
    pub difference_data: f64,
    pub expected_data: f64,
    pub difference_topic: f64,
    pub expected_topic: f64,
    /// How often a_t was measured.
    pub measurements: usize,
}

/// A PAC-Bayes-kl bound on the smoothed first-level loss of the randomised model N(θ, s² I).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// With probability at least 1 - δ, the population loss of the randomised model is at most this.
    pub bound: f64,
    /// ln V: what guessing uniformly loses. A bound above it says nothing.
    pub uniform: f64,
    /// What guessing by the training data's token frequencies loses. A bound above it says less than counting tokens does.
    pub unigram: f64,
    /// The randomised model's loss on the sequences that the prior did not see: Monte Carlo mean, and its upper confidence limit.
    pub empirical: f64,
    pub empirical_limit: f64,
    /// The same model's loss on fresh sequences of the training topics, measured.
    pub population: Measured,
    /// n = K (N - N'), N' = 0 where the prior is the random start.
    pub sequences: f64,
    pub kl: f64,
    pub scale: f64,
    pub delta: f64,
    /// Perturbed models behind the Monte Carlo mean, each on one sequence.
    pub draws: usize,
    /// The smallest n with a bound below uniform at the same KL and loss; `None` if no n would do.
    pub sequences_needed: Option<f64>,
    /// The same below the unigram level.
    pub sequences_needed_unigram: Option<f64>,
}

/// Evaluations along the run, one entry per evaluation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// Steps done, prior stages included.
    pub step: Vec<usize>,
    /// Seconds of training until then.
    pub seconds: Vec<f64>,
    /// Mean loss of the batches since the entry before, nats per token.
    pub training_loss: Vec<f64>,
    pub empirical: Vec<f64>,
    pub first_level: Vec<f64>,
    pub two_level: Vec<f64>,
    /// Standard error of `two_level`.
    pub two_level_stderr: Vec<f64>,
    /// How far the model is from known predictors, where `evaluation.algorithms` asks for it.
    pub algorithms: Vec<Nearness>,
    /// Loss on each event, where `evaluation.events` asks for it.
    pub events: Vec<EventCourse>,
    /// Loss on each component of a mixture, where `evaluation.components` asks for it.
    pub components: Vec<ComponentCourse>,
}

/// The loss on one event (`probe::events`), nats per token, one entry per evaluation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventCourse {
    /// `first name`.
    pub name: String,
    /// Loss of exact Bayes on it.
    pub bayes: f64,
    /// The model's loss beyond that, and its standard error over sequences.
    pub excess: Vec<f64>,
    pub stderr: Vec<f64>,
}

/// The loss on sequences of one component of a mixture (`probe::components`), mean over positions, nats per token, one entry per
/// evaluation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ComponentCourse {
    /// Its place in the mixture, counted from 0.
    pub component: usize,
    /// Its world in the short form.
    pub name: String,
    /// Loss there of exact Bayes, who knows the mixture and not the component.
    pub bayes: f64,
    /// The model's loss beyond that, and its standard error over sequences. It can be below 0: a model may do better than Bayes on one
    /// component, at the cost of another.
    pub excess: Vec<f64>,
    pub stderr: Vec<f64>,
}

/// The model's distance from one known predictor (`probe::distances`), KL(model || predictor) in nats per token, one entry per
/// evaluation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Nearness {
    pub name: String,
    /// A model could be it: it knows nothing that a model does not get.
    pub can_be: bool,
    pub fresh: Vec<f64>,
    /// On fresh sequences of the training topics; empty with fresh draws.
    pub training: Vec<f64>,
}
