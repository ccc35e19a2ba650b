//! Real text, whose distribution nobody knows: what the n-gram models lose on text that they were not fitted on.

use super::{
    curve::{Curve, Method},
    curves::{Budget, Curves, STATE_WORK, constant},
    entropy::entropy,
};
use worlds::pace::Pace;
use worlds::{
    Texts, Topic, World,
    filter::ngram::{NgramFilter, ORDER},
    rng::{Purpose, Stream},
};

/// Fewest and most held-out windows.
const SEQUENCES: (usize, usize) = (128, 4000);
/// Filter steps of one topic that cost about as much as one update of a hidden state, by which budgets count.
const STEP: usize = 2;

/// Sums and sums of squares of losses, by position.
struct Losses {
    sums: Vec<f64>,
    squares: Vec<f64>,
}

impl Losses {
    fn add(&mut self, l: usize, loss: f64) {
        self.sums[l] += loss;
        self.squares[l] += loss * loss;
    }

    fn curve(&self, n: f64) -> Curve {
        let error = |(sum, square): (&f64, &f64)| {
            let mean = sum / n;
            ((square / n - mean * mean).max(0.0) / (n - 1.0).max(1.0)).sqrt()
        };
        Curve {
            values: self.sums.iter().map(|sum| sum / n).collect(),
            stderr: Some(self.sums.iter().zip(&self.squares).map(error).collect()),
            methods: vec![Method::MonteCarlo; self.sums.len()],
        }
    }
}

/// Losses of the tokens that are there: the entropies of a predictor that is not Bayes would say nothing.
pub async fn curves(pace: &mut Pace, world: &World, texts: &Texts, length: usize, budget: &Budget) -> Curves {
    let work = length * (texts.len() + 4) * STEP;
    let sequences = (budget.monte_carlo_work / work.max(1)).clamp(SEQUENCES.0, SEQUENCES.1);
    let held_out = world.held_out();
    let mut hidden = NgramFilter::new(texts.model().clone(), &vec![1.0; texts.len()]);
    let mut known: Vec<NgramFilter> = (0..texts.len())
        .map(|c| {
            let mut weights = vec![0.0; texts.len()];
            weights[c] = 1.0;
            NgramFilter::new(texts.model().clone(), &weights)
        })
        .collect();
    let none = || Losses { sums: vec![0.0; length], squares: vec![0.0; length] };
    let (mut bayes, mut oracle) = (none(), none());
    // The mean over the last quarter of the positions, window by window.
    let late = length - length.div_ceil(4);
    let mut rate = Losses { sums: vec![0.0], squares: vec![0.0] };
    let mut tokens = vec![0; length];
    for index in 0..sequences {
        let mut stream = Stream::new(0, Purpose::MonteCarlo, index as u64);
        let topic = held_out.draw_topic(&mut stream);
        held_out.draw_sequence(&topic, &mut tokens, &mut stream);
        let Topic::Component(c) = topic else { continue };
        hidden.reset();
        known[c].reset();
        let mut last = 0.0;
        for (l, &token) in tokens.iter().enumerate() {
            let loss = -hidden.probability(token).ln();
            bayes.add(l, loss);
            oracle.add(l, -known[c].probability(token).ln());
            hidden.observe(token);
            known[c].observe(token);
            if l >= late {
                last += loss;
            }
        }
        rate.add(0, last / (length - late).max(1) as f64);
        pace.reached(index as f64 / sequences as f64);
        pace.worked(STATE_WORK * work).await;
    }
    let n = sequences as f64;
    let rate = rate.curve(n);
    Curves {
        bayes: bayes.curve(n),
        oracle: oracle.curve(n),
        unigram: constant(entropy(&texts.marginal()), Method::ClosedForm, length),
        entropy_rate: rate.values[0],
        entropy_rate_stderr: rate.stderr.map(|errors| errors[0]),
        excess_entropy: None,
        how: vec![
            format!(
                "Nobody knows the distribution of a real text, so there is no exact curve. The baseline mixes {} n-gram models, one for \
                 each document, that look at most {ORDER} tokens back and were fitted on the first nine tenths of it. It is not \
                 a lower bound: a model may do better.",
                texts.len()
            ),
            format!(
                "The baseline's loss was measured on {sequences} windows of the last tenth of the documents, which nothing is \
                 trained or fitted on; windows overlap, so the true errors are somewhat larger than those given."
            ),
            "The entropy rate is not known: in its place stands the baseline's mean loss over the last quarter of the positions."
                .into(),
            "Excess entropy: not known.".into(),
        ],
        belief_states: 0,
    }
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests {
    use super::*;
    use experiment::{
        WorldSpec,
        text::{Document, Text, Unit},
    };

    #[test]
    fn the_baseline_beats_unigrams_and_the_topic_helps_at_first() {
        let story = |a: &str, b: &str| {
            let mut stream = Stream::new(2, Purpose::Timing, 0);
            (0..600).map(|_| if stream.below(2) == 0 { a } else { b }).collect::<Vec<_>>().join(" ")
        };
        let documents =
            [("cats", story("cat", "mouse")), ("words", story("noun", "verb")), ("sea", story("ship", "tide"))]
                .map(|(name, text)| Document { name: name.into(), text });
        let world = World::new(&WorldSpec::Text(Text::new(Unit::Characters, documents.into()))).expect("sound");
        let curves = Curves::compute(&world, 24, &Budget::default());
        let (h, oracle) = (&curves.bayes.values, &curves.oracle.values);
        assert!(oracle[0] < h[0] - 0.3 && (h[23] - oracle[23]).abs() < 0.01, "{h:?} {oracle:?}");
        assert!(curves.entropy_rate < 0.5 * curves.unigram.values[0], "{}", curves.entropy_rate);
        assert!(curves.bayes.methods.iter().all(|m| *m == Method::MonteCarlo));
        assert!(curves.how.iter().any(|s| s.contains("not a lower bound")));
    }
}
