//! The generalization bound's components (P2, the informal theorem), up to the constants that its O hides.
//!
//! As printed:
//! `E_mu[L] = O{ sqrt(1/((K-K')T_p)) [KL + log 1/δ] + U }`,
//! `U = O{ sqrt(1/(K(N-N')T)) [KL + log 1/δ] - ε_opt + sqrt(log(1/δ)/(K(N-N')T)) }`.
//! Another known form has the bracket under the root: `sqrt([KL + log 1/δ]/n)`.

use crate::experiment::Experiment;

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
    /// ‖θ - θ_0‖², measured.
    pub squared_distance: f64,
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
    pub value: f64,
    pub formula: &'static str,
    pub numbers: String,
}

/// The four components. `sum` is topic + sequence + confidence - ε_opt, as printed.
#[derive(Clone, Debug, PartialEq)]
pub struct BoundComponents {
    /// KL(posterior || prior) = ‖θ - θ_0‖²/(2 s²), nats.
    pub kl: f64,
    pub topic: Component,
    pub sequence: Component,
    pub confidence: Component,
    pub epsilon_opt: Component,
    pub sum: f64,
}

impl BoundInput {
    /// The counts that an experiment's data gives. With fresh draws every sequence seen is a topic of its own:
    /// K is steps x batch, N is 1, K' is half of K, and N' is 0.
    pub fn of(experiment: &Experiment, squared_distance: f64, epsilon_opt: f64) -> Self {
        let (data, bound) = (&experiment.data, &experiment.bound);
        let (topics, prior_topics, sequences, prior_sequences) = if data.fresh {
            let seen = experiment.training.steps as f64 * experiment.training.batch as f64;
            (seen, (seen / 2.0).floor(), 1.0, 0.0)
        } else {
            (
                data.topics as f64,
                bound.prior_topics(data) as f64,
                data.sequences as f64,
                bound.prior_sequences(data) as f64,
            )
        };
        Self {
            topics,
            prior_topics,
            sequences,
            prior_sequences,
            length: data.length as f64,
            prompt_length: experiment.prompt_length() as f64,
            delta: bound.delta,
            squared_distance,
            scale: bound.scale,
            epsilon_opt: epsilon_opt.max(0.0),
            bracket_inside: bound.bracket_inside,
        }
    }

    pub fn components(&self) -> BoundComponents {
        let kl = self.squared_distance / (2.0 * self.scale * self.scale);
        let log_delta = (1.0 / self.delta).ln();
        let bracket = kl + log_delta;
        let topic_n = (self.topics - self.prior_topics) * self.prompt_length;
        let sequence_n = self.topics * (self.sequences - self.prior_sequences) * self.length;
        let term = |n: f64| if self.bracket_inside { (bracket / n).sqrt() } else { bracket / n.sqrt() };
        let numbers = |n: f64| {
            if self.bracket_inside {
                format!("√([{kl:.1} + {log_delta:.2}]/{n:.0})")
            } else {
                format!("√(1/{n:.0}) · [{kl:.1} + {log_delta:.2}]")
            }
        };
        let pick = |outside, inside| if self.bracket_inside { inside } else { outside };
        let topic = Component {
            name: "topic term",
            value: term(topic_n),
            formula: pick("√(1/((K−K′)·T_p)) · [KL + ln 1/δ]", "√([KL + ln 1/δ]/((K−K′)·T_p))"),
            numbers: numbers(topic_n),
        };
        let sequence = Component {
            name: "sequence term",
            value: term(sequence_n),
            formula: pick("√(1/(K·(N−N′)·T)) · [KL + ln 1/δ]", "√([KL + ln 1/δ]/(K·(N−N′)·T))"),
            numbers: numbers(sequence_n),
        };
        let confidence = Component {
            name: "confidence term",
            value: (log_delta / sequence_n).sqrt(),
            formula: "√(ln(1/δ)/(K·(N−N′)·T))",
            numbers: format!("√({log_delta:.2}/{sequence_n:.0})"),
        };
        let epsilon_opt = Component {
            name: "optimisation error",
            value: self.epsilon_opt,
            formula: "ε_opt = L_E − L_E of exact Bayes, subtracted as printed",
            numbers: format!("{:.4}", self.epsilon_opt),
        };
        let sum = topic.value + sequence.value + confidence.value - epsilon_opt.value;
        BoundComponents { kl, topic, sequence, confidence, epsilon_opt, sum }
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
            squared_distance: 4.0,
            scale: 0.1,
            epsilon_opt: 0.02,
            bracket_inside: false,
        }
    }

    #[test]
    fn matches_a_hand_computation() {
        let c = input().components();
        // KL = 4/(2·.01) = 200; ln 20 = 2.995732; √(1/1024) = 1/32; √(1/16384) = 1/128.
        assert!((c.kl - 200.0).abs() < 1e-9);
        assert!((c.topic.value - 202.995_732_273_6 / 32.0).abs() < 1e-9);
        assert!((c.sequence.value - 202.995_732_273_6 / 128.0).abs() < 1e-9);
        assert!((c.confidence.value - (2.995_732_273_6_f64 / 16384.0).sqrt()).abs() < 1e-9);
        assert!((c.sum - (c.topic.value + c.sequence.value + c.confidence.value - 0.02)).abs() < 1e-12);
    }

    #[test]
    fn the_other_form_has_the_bracket_under_the_root() {
        let c = BoundInput { bracket_inside: true, ..input() }.components();
        assert!((c.topic.value - (202.995_732_273_6_f64 / 1024.0).sqrt()).abs() < 1e-9);
    }

    #[test]
    fn more_data_lowers_every_term() {
        let base = input().components();
        let more_topics = BoundInput { topics: 128.0, prior_topics: 64.0, ..input() }.components();
        assert!(more_topics.topic.value < base.topic.value && more_topics.sequence.value < base.sequence.value);
        let longer = BoundInput { length: 64.0, prompt_length: 64.0, ..input() }.components();
        assert!(longer.topic.value < base.topic.value && longer.confidence.value < base.confidence.value);
    }
}
