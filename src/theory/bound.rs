//! The generalization bound's components (P2, the informal theorem), up to the constants that its O hides.
//!
//! As printed:
//! `E_mu[L] = O{ sqrt(1/((K-K')T_p)) [KL(mu||nu_topic) + log 1/δ] + U }`,
//! `U = O{ sqrt(1/(K(N-N')T)) [KL(mu||nu_data) + log 1/δ] - ε_opt + sqrt(log(1/δ)/(K(N-N')T)) }`.
//! Another known form has the bracket under the root: `sqrt([KL + log 1/δ]/n)`.
//!
//! Posterior and priors are Gaussians of one standard deviation s around the trained learner and around the priors, so that each KL
//! is `‖θ_S - θ_J‖²/(2 s²)`. That is a true KL of those Gaussians, not of the optimiser's own law of θ.

use crate::experiment::Experiment;

/// The s that stands in until a run has chosen one: in the middle of the grid that it is chosen from.
pub const PROVISIONAL_SCALE: f64 = 0.05;

/// What the bound is computed from. Counts are f64: they are multiplied, and sliders reach 1e5 each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundInput {
    /// K, topics.
    pub topics: f64,
    /// K' < K.
    pub prior_topics: f64,
    /// N, sequences per topic.
    pub sequences: f64,
    /// N' < N.
    pub prior_sequences: f64,
    /// T, tokens per sequence.
    pub length: f64,
    /// T_p, tokens per prompt.
    pub prompt_length: f64,
    pub delta: f64,
    /// ‖θ - θ_topic‖², to the learner trained on K' of the topics.
    pub distance_topic: f64,
    /// ‖θ - θ_data‖², to the learner trained on N' sequences of each topic.
    pub distance_data: f64,
    /// s, the Gaussians' standard deviation.
    pub scale: f64,
    /// ε_opt, nats: empirical loss above the Bayes level of the same data, measured; not below 0.
    pub epsilon_opt: f64,
    pub bracket_inside: bool,
}

/// One bar: its value in nats (up to constants), its formula in the field's symbols and the same with numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Component {
    pub name: &'static str,
    /// What it is, and what it is not.
    pub about: &'static str,
    pub value: f64,
    pub formula: &'static str,
    pub numbers: String,
}

/// The four components. `sum` is topic + sequence + confidence - ε_opt, as printed.
#[derive(Clone, Debug, PartialEq)]
pub struct BoundComponents {
    /// KL(μ || ν_topic) and KL(μ || ν_data), nats.
    pub kl_topic: f64,
    pub kl_data: f64,
    pub topic: Component,
    pub sequence: Component,
    pub confidence: Component,
    pub epsilon_opt: Component,
    pub sum: f64,
}

impl BoundInput {
    /// The counts that an experiment's data gives. With fresh draws every sequence seen is a topic of its own: K is steps x batch
    /// over all stages, N is 1, K' those seen in the prior stages (half of K without such stages), and N' is 0.
    ///
    /// `scale` is what the run has chosen, 0 if it has not yet; it counts where `bound.scale` is 0.
    pub fn of(experiment: &Experiment, distance_topic: f64, distance_data: f64, scale: f64, epsilon_opt: f64) -> Self {
        let (data, bound) = (&experiment.data, &experiment.bound);
        let (topics, prior_topics, sequences, prior_sequences) = if data.fresh {
            let seen = |steps: usize| steps as f64 * experiment.training.batch as f64;
            let all = seen(experiment.steps());
            let before =
                if experiment.prior.steps > 0 { seen(2 * experiment.prior.steps) } else { (all / 2.0).floor() };
            (all, before, 1.0, 0.0)
        } else {
            (
                data.topics as f64,
                bound.prior_topics(data) as f64,
                data.sequences as f64,
                bound.prior_sequences(data) as f64,
            )
        };
        let scale = [bound.scale, scale].into_iter().find(|s| *s > 0.0).unwrap_or(PROVISIONAL_SCALE);
        Self {
            topics,
            prior_topics,
            sequences,
            prior_sequences,
            length: data.length as f64,
            prompt_length: experiment.prompt_length() as f64,
            delta: bound.delta,
            distance_topic,
            distance_data,
            scale,
            epsilon_opt: epsilon_opt.max(0.0),
            bracket_inside: bound.bracket_inside,
        }
    }

    /// (K - K') T_p: tokens of topics that the topic-dependent prior did not see.
    pub fn topic_n(&self) -> f64 {
        (self.topics - self.prior_topics) * self.prompt_length
    }

    /// K (N - N') T: tokens that the data-dependent prior did not see.
    pub fn sequence_n(&self) -> f64 {
        self.topics * (self.sequences - self.prior_sequences) * self.length
    }

    pub fn components(&self) -> BoundComponents {
        let kl = |distance: f64| distance / (2.0 * self.scale * self.scale);
        let (kl_topic, kl_data) = (kl(self.distance_topic), kl(self.distance_data));
        let log_delta = (1.0 / self.delta).ln();
        let (topic_n, sequence_n) = (self.topic_n(), self.sequence_n());
        let term = |kl: f64, n: f64| {
            if self.bracket_inside { ((kl + log_delta) / n).sqrt() } else { (kl + log_delta) / n.sqrt() }
        };
        let numbers = |kl: f64, n: f64| {
            if self.bracket_inside {
                format!("√([{kl:.1} + {log_delta:.2}]/{n:.0})")
            } else {
                format!("√(1/{n:.0}) · [{kl:.1} + {log_delta:.2}]")
            }
        };
        let pick = |outside, inside| if self.bracket_inside { inside } else { outside };
        let topic = Component {
            name: "topic term",
            about: "what seeing only K topics may cost, up to constants: need not lie above the topic gap",
            value: term(kl_topic, topic_n),
            formula: pick("√(1/((K−K′)·T_p)) · [KL(μ‖ν_topic) + ln 1/δ]", "√([KL(μ‖ν_topic) + ln 1/δ]/((K−K′)·T_p))"),
            numbers: numbers(kl_topic, topic_n),
        };
        let sequence = Component {
            name: "sequence term",
            about: "what seeing only N sequences of each may cost, up to constants: need not lie above the sequence gap",
            value: term(kl_data, sequence_n),
            formula: pick("√(1/(K·(N−N′)·T)) · [KL(μ‖ν_data) + ln 1/δ]", "√([KL(μ‖ν_data) + ln 1/δ]/(K·(N−N′)·T))"),
            numbers: numbers(kl_data, sequence_n),
        };
        let confidence = Component {
            name: "confidence term",
            about: "for failing in at most a δ share of runs, up to constants",
            value: (log_delta / sequence_n).sqrt(),
            formula: "√(ln(1/δ)/(K·(N−N′)·T))",
            numbers: format!("√({log_delta:.2}/{sequence_n:.0})"),
        };
        let epsilon_opt = Component {
            name: "optimisation error",
            about: "measured, and subtracted as printed; exact Bayes need not be the best that this learner can reach",
            value: self.epsilon_opt,
            formula: "ε_opt = L_E − L_E of exact Bayes",
            numbers: format!("{:.4}", self.epsilon_opt),
        };
        let sum = topic.value + sequence.value + confidence.value - epsilon_opt.value;
        BoundComponents { kl_topic, kl_data, topic, sequence, confidence, epsilon_opt, sum }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input() -> BoundInput {
        BoundInput {
            topics: 64.0,
            prior_topics: 32.0,
            sequences: 16.0,
            prior_sequences: 8.0,
            length: 32.0,
            prompt_length: 32.0,
            delta: 0.05,
            distance_topic: 4.0,
            distance_data: 1.0,
            scale: 0.1,
            epsilon_opt: 0.02,
            bracket_inside: false,
        }
    }

    #[test]
    fn matches_a_hand_computation() {
        let c = input().components();
        // KLs 4/(2·.01) = 200 and 1/(2·.01) = 50; ln 20 = 2.995732; √(1/1024) = 1/32; √(1/16384) = 1/128.
        assert!((c.kl_topic - 200.0).abs() < 1e-9 && (c.kl_data - 50.0).abs() < 1e-9);
        assert!((c.topic.value - 202.995_732_273_6 / 32.0).abs() < 1e-9);
        assert!((c.sequence.value - 52.995_732_273_6 / 128.0).abs() < 1e-9);
        assert!((c.confidence.value - (2.995_732_273_6_f64 / 16384.0).sqrt()).abs() < 1e-9);
        assert!((c.sum - (c.topic.value + c.sequence.value + c.confidence.value - 0.02)).abs() < 1e-12);
    }

    #[test]
    fn the_other_form_has_the_bracket_under_the_root() {
        let c = BoundInput { bracket_inside: true, ..input() }.components();
        assert!((c.topic.value - (202.995_732_273_6_f64 / 1024.0).sqrt()).abs() < 1e-9);
        assert!((c.sequence.value - (52.995_732_273_6_f64 / 16384.0).sqrt()).abs() < 1e-9);
        // The confidence term has no bracket.
        assert_eq!(c.confidence, input().components().confidence);
    }

    #[test]
    fn more_data_lowers_every_term() {
        let base = input().components();
        let more_topics = BoundInput { topics: 128.0, prior_topics: 64.0, ..input() }.components();
        assert!(more_topics.topic.value < base.topic.value && more_topics.sequence.value < base.sequence.value);
        let longer = BoundInput { length: 64.0, prompt_length: 64.0, ..input() }.components();
        assert!(longer.topic.value < base.topic.value && longer.confidence.value < base.confidence.value);
    }

    #[test]
    fn counts_are_those_of_the_data() {
        let data = crate::experiment::Data { topics: 64, sequences: 16, length: 32, fresh: false };
        let mut e = Experiment { data, ..Experiment::default() };
        e.evaluation.prompt_length = 20;
        // Half of K and of N: 32·20 and 64·8·32.
        let n = |e: &Experiment| {
            let input = BoundInput::of(e, 0.0, 0.0, 0.0, 0.0);
            (input.topic_n(), input.sequence_n())
        };
        assert_eq!(n(&e), (640.0, 16_384.0));
        (e.bound.topics, e.bound.sequences) = (16, 4);
        assert_eq!(n(&e), (960.0, 24_576.0));
        // 100 steps of 10 rows, each a topic of its own; half of them make the prior, then those of 2 x 20 steps before.
        e.data.fresh = true;
        (e.training.steps, e.training.batch) = (100, 10);
        assert_eq!(n(&e), (500.0 * 20.0, 1000.0 * 32.0));
        e.prior.steps = 20;
        assert_eq!(n(&e), (1000.0 * 20.0, 1400.0 * 32.0));
    }

    #[test]
    fn a_given_scale_comes_before_a_chosen_one() {
        let mut e = Experiment::default();
        let scale = |e: &Experiment, chosen| BoundInput::of(e, 0.0, 0.0, chosen, 0.0).scale;
        e.bound.scale = 0.0;
        assert_eq!((scale(&e, 0.0), scale(&e, 0.02)), (PROVISIONAL_SCALE, 0.02));
        e.bound.scale = 0.1;
        assert_eq!((scale(&e, 0.0), scale(&e, 0.02)), (0.1, 0.1));
        assert_eq!(BoundInput::of(&e, 0.0, 0.0, 0.0, -1.0).epsilon_opt, 0.0);
    }
}
