//! The generalization bound's components (P2, the informal theorem), up to the constants that its O hides.
//!
//! As printed:
//! `E_mu[L] = O{ sqrt(1/((K-K')T_p)) [KL(mu||nu_topic) + log 1/δ] + U }`,
//! `U = O{ sqrt(1/(K(N-N')T)) [KL(mu||nu_data) + log 1/δ] - ε_opt + sqrt(log(1/δ)/(K(N-N')T)) }`.
//! Another known form has the bracket under the root: `sqrt([KL + log 1/δ]/n)`. One slide prints U/T where this has U; the paper's full
//! text was not at hand to confirm either, so U is added as it stands and the page mentions the other form.
//!
//! Posterior and priors are Gaussians of one standard deviation s around the trained model and around the priors, so that each KL
//! is `‖θ_S - θ_J‖²/(2 s²)`. That is a true KL of those Gaussians, not of the optimiser's own distribution of θ.

use experiment::Experiment;

/// What the page says of another printed form of the bound, which is not computed here: no full
/// text was at hand to confirm it.
pub const OTHER_FORM: &str = "One slide divides U by T; that form is not confirmed, and U is not divided here";

/// The s that stands in until a run has chosen one: in the middle of the grid that it is chosen from.
pub const PROVISIONAL_SCALE: f64 = 0.05;

/// The numbers that the bound is computed from. Counts are f64: they are multiplied, and sliders
/// reach 1e5 each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundInput {
    /// K: topics of the training set. With fresh draws every row is a topic of its own: the rows of all stages.
    pub topics: f64,
    /// K': topics that the topic-dependent prior has seen, 0 where it is the random start. With fresh draws the rows of the
    /// first prior stage, at whose end this prior is kept.
    pub prior_topics: f64,
    /// N: sequences per topic. With fresh draws 1.
    pub sequences: f64,
    /// N': sequences per topic that the data-dependent prior has seen, 0 where it is the random start. With fresh draws the share
    /// of rows that came in the two prior stages, so that K(N - N') is the number of rows after them.
    pub prior_sequences: f64,
    /// T, tokens per sequence.
    pub length: f64,
    /// T_p, tokens per prompt.
    pub prompt_length: f64,
    /// δ: the probability that the bound is allowed to fail.
    pub delta: f64,
    /// ‖θ - θ_topic‖², to the model trained on K' of the topics.
    pub distance_topic: f64,
    /// ‖θ - θ_data‖², to the model trained on N' sequences of each topic.
    pub distance_data: f64,
    /// s, the Gaussians' standard deviation.
    pub scale: f64,
    /// ε_opt, nats: empirical loss above the Bayes level of the same data, measured; not below 0.
    pub epsilon_opt: f64,
    /// Which form is computed. False, as printed: the bracket [KL + log 1/δ] is outside the root.
    /// True: it is inside.
    pub bracket_inside: bool,
}

/// One term of the bound, as a bar of the page: its value, its formula and the same with numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Component {
    /// What the page calls it.
    pub name: &'static str,
    /// What it is, and what it is not.
    pub about: &'static str,
    /// The value in nats, up to the constants that the theorem's O hides. Not negative.
    pub value: f64,
    /// The formula in the symbols of the paper.
    pub formula: &'static str,
    /// The formula with the numbers of this run in place of the symbols.
    pub numbers: String,
}

/// The four terms of the bound, the KLs behind two of them, and their sum.
#[derive(Clone, Debug, PartialEq)]
pub struct BoundComponents {
    /// KL(μ || ν_topic) = ‖θ - θ_topic‖² / (2 s²), nats.
    pub kl_topic: f64,
    /// KL(μ || ν_data) = ‖θ - θ_data‖² / (2 s²), nats.
    pub kl_data: f64,
    /// The topic term: what seeing only K topics may cost.
    pub topic: Component,
    /// The sequence term: what seeing only N sequences of each topic may cost.
    pub sequence: Component,
    /// The confidence term, sqrt(log(1/δ) / (K (N-N') T)).
    pub confidence: Component,
    /// ε_opt, the optimization error, as it was measured. It is subtracted.
    pub epsilon_opt: Component,
    /// topic + sequence + confidence - ε_opt, as printed; nats, up to constants.
    pub sum: f64,
}

impl BoundInput {
    /// The counts of an experiment, by what each prior has seen:
    ///
    /// | data | prior stages | (K - K') T_p | K (N - N') T |
    /// |---|---|---|---|
    /// | training set | none: the random start has seen nothing | K T_p | K N T |
    /// | training set | on K' topics, then on N' of each | (K - K') T_p | K (N - N') T |
    /// | fresh draws | none | R T_p, R rows in all | R T |
    /// | fresh draws | of P steps each | (R - P·batch) T_p | (R - 2P·batch) T |
    ///
    /// `scale` is what the run has chosen, 0 if it has not yet; it counts where `bound.scale` is 0.
    pub fn of(experiment: &Experiment, distance_topic: f64, distance_data: f64, scale: f64, epsilon_opt: f64) -> Self {
        let (data, bound, stage) = (&experiment.data, &experiment.bound, experiment.prior.steps);
        let (topics, prior_topics, sequences, prior_sequences) = if data.fresh {
            let rows = |steps: usize| steps as f64 * experiment.training.batch as f64;
            let all = rows(experiment.steps());
            (all, rows(stage), 1.0, rows(2 * stage) / all)
        } else {
            let seen = |count: usize| if stage == 0 { 0.0 } else { count as f64 };
            (
                data.topics as f64,
                seen(bound.prior_topics(data)),
                data.sequences as f64,
                seen(bound.prior_sequences(data)),
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

    /// Computes the terms of the bound from these numbers.
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
            about: "measured, and subtracted as printed; exact Bayes need not be the best that this model can reach",
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
    fn a_term_counts_what_its_prior_has_not_seen() {
        let data = experiment::Data { topics: 64, sequences: 16, length: 32, fresh: false };
        let mut e = Experiment { data, ..Experiment::default() };
        e.evaluation.prompt_length = 20;
        let check = |e: &Experiment, topic_n: f64, sequence_n: f64| {
            let input = BoundInput::of(e, 0.0, 0.0, 0.0, 0.0);
            let found = (input.topic_n(), input.sequence_n());
            assert!((found.0 - topic_n).abs() < 1e-6 && (found.1 - sequence_n).abs() < 1e-6, "{found:?}");
        };
        // A training set and no prior stages: all 64 topics, all 64·16 sequences, whatever K' and N' say.
        check(&e, 64.0 * 20.0, 1024.0 * 32.0);
        (e.bound.topics, e.bound.sequences) = (16, 4);
        check(&e, 64.0 * 20.0, 1024.0 * 32.0);
        // With prior stages: 64 - 16 topics, 64·(16 - 4) sequences; by default half of K and of N.
        e.prior.steps = 20;
        check(&e, 48.0 * 20.0, 768.0 * 32.0);
        (e.bound.topics, e.bound.sequences) = (0, 0);
        check(&e, 32.0 * 20.0, 512.0 * 32.0);
        // Fresh draws, 10 rows a step, each a topic of its own: 100 steps, all unseen by a random start.
        e.data.fresh = true;
        (e.training.steps, e.training.batch, e.prior.steps) = (100, 10, 0);
        check(&e, 1000.0 * 20.0, 1000.0 * 32.0);
        // And two prior stages of 20 steps before them. The topic-dependent prior saw the first stage's 200 of 1400 rows, the
        // data-dependent one the 400 of both.
        e.prior.steps = 20;
        check(&e, 1200.0 * 20.0, 1000.0 * 32.0);
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
