//! Text in one of several known styles: an n-gram model for each topic, and a posterior over topics.
//!
//! A topic's model mixes orders 0 to [`ORDER`] by Witten and Bell's rule: after a context that was seen n times with t different
//! followers, P(x) = (count(x) + t P'(x)) / (n + t), where P' is the model with one token less of context and, below the empty
//! context, even probabilities. A context that was never seen leaves P' as it is.

use std::sync::Arc;

use super::softmax;

/// Tokens of the longest context.
pub const ORDER: usize = 4;
/// Bits of a token in a packed context.
const BITS: u32 = 9;
/// Largest V whose contexts can be packed.
pub const MAX_VOCAB: usize = 1 << BITS;
/// A topic whose share is smaller adds nothing to a prediction that would be seen.
const NEGLIGIBLE: f64 = 1e-9;
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug, PartialEq)]
struct Context {
    /// Where its followers lie.
    start: u32,
    end: u32,
    /// How often it was seen.
    total: u32,
}

/// The models of all topics.
#[derive(Clone, Debug, PartialEq)]
pub struct Ngrams {
    vocab: usize,
    topics: usize,
    /// The model without context, topics x V.
    unigram: Vec<f64>,
    contexts: Vec<Context>,
    /// Token and how often it followed; by token within a context.
    followers: Vec<(u16, u32)>,
    /// Open addressing: key and index of its context, or [`NONE`]. As many as a power of two.
    slots: Vec<(u64, u32)>,
}

impl Ngrams {
    /// Fits a model to each text, one text for each topic. Tokens are below `vocab`, which is at
    /// most [`MAX_VOCAB`].
    pub fn fit(vocab: usize, texts: &[&[u16]]) -> Self {
        let mut model = Self {
            vocab,
            topics: texts.len(),
            unigram: Vec::with_capacity(vocab * texts.len()),
            contexts: Vec::new(),
            followers: Vec::new(),
            slots: Vec::new(),
        };
        let mut keys = Vec::new();
        let mut grams: Vec<u64> = Vec::new();
        for (topic, text) in texts.iter().enumerate() {
            let mut counts = vec![0.0; vocab];
            text.iter().for_each(|&x| counts[usize::from(x)] += 1.0);
            let kinds = counts.iter().filter(|c| **c > 0.0).count().max(1) as f64;
            let even = kinds / vocab as f64;
            model.unigram.extend(counts.iter().map(|count| (count + even) / (text.len() as f64 + kinds)));
            for order in 1..=ORDER {
                grams.clear();
                grams.extend(text.windows(order + 1).map(pack));
                grams.sort_unstable();
                for group in grams.chunk_by(|a, b| a >> BITS == b >> BITS) {
                    let start = model.followers.len() as u32;
                    for run in group.chunk_by(|a, b| a == b) {
                        model.followers.push(((run[0] & (MAX_VOCAB as u64 - 1)) as u16, run.len() as u32));
                    }
                    keys.push(key(topic, order, group[0] >> BITS));
                    let end = model.followers.len() as u32;
                    model.contexts.push(Context { start, end, total: group.len() as u32 });
                }
            }
        }
        model.slots = vec![(0, NONE); (2 * keys.len()).next_power_of_two().max(2)];
        for (index, &key) in keys.iter().enumerate() {
            let mut at = model.place(key);
            while model.slots[at].1 != NONE {
                at = (at + 1) % model.slots.len();
            }
            model.slots[at] = (key, index as u32);
        }
        model
    }

    /// V: how many tokens there are.
    pub fn vocab(&self) -> usize {
        self.vocab
    }

    /// How many topics the models were fitted on, one model each.
    pub fn topics(&self) -> usize {
        self.topics
    }

    /// P(token) without context in a topic, with V entries.
    pub fn unigram(&self, topic: usize) -> &[f64] {
        &self.unigram[topic * self.vocab..(topic + 1) * self.vocab]
    }

    fn place(&self, key: u64) -> usize {
        (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - self.slots.len().trailing_zeros())) as usize
    }

    fn find(&self, key: u64) -> u32 {
        let mut at = self.place(key);
        loop {
            let (found, index) = self.slots[at];
            if index == NONE || found == key {
                return index;
            }
            at = (at + 1) % self.slots.len();
        }
    }

    fn followers(&self, context: &Context) -> &[(u16, u32)] {
        &self.followers[context.start as usize..context.end as usize]
    }
}

fn pack(tokens: &[u16]) -> u64 {
    tokens.iter().fold(0, |packed, &x| packed << BITS | u64::from(x))
}

fn key(topic: usize, order: usize, context: u64) -> u64 {
    // ORDER x BITS bits of context, 3 of order, the rest for the topic.
    (topic as u64) << (ORDER as u32 * BITS + 3) | (order as u64) << (ORDER as u32 * BITS) | context
}

/// The streaming predictor.
#[derive(Clone, Debug)]
pub struct NgramFilter {
    model: Arc<Ngrams>,
    /// Those with a prior above 0.
    topics: Vec<usize>,
    log_prior: Vec<f64>,
    log_weights: Vec<f64>,
    /// The posterior.
    shares: Vec<f64>,
    /// The contexts that are in force, topics x [`ORDER`], shortest first; [`NONE`] where the topic never saw it.
    rows: Vec<u32>,
    /// The last tokens, packed, and how many there are, up to [`ORDER`].
    past: u64,
    length: usize,
}

impl NgramFilter {
    /// A predictor before the first token. `weights` is the prior: one weight for each topic of the
    /// model, not negative and not all 0.
    pub fn new(model: Arc<Ngrams>, weights: &[f64]) -> Self {
        let topics: Vec<usize> = (0..model.topics).filter(|&c| weights.get(c).is_some_and(|w| *w > 0.0)).collect();
        let log_prior: Vec<f64> = topics.iter().map(|&c| weights[c].ln()).collect();
        let mut filter = Self {
            shares: vec![0.0; topics.len()],
            log_weights: log_prior.clone(),
            rows: vec![NONE; topics.len() * ORDER],
            log_prior,
            topics,
            model,
            past: 0,
            length: 0,
        };
        filter.reset();
        filter
    }

    /// V: how many tokens there are.
    pub fn vocab(&self) -> usize {
        self.model.vocab
    }

    /// Forgets the sequence: goes back to before the first token.
    pub fn reset(&mut self) {
        self.log_weights.copy_from_slice(&self.log_prior);
        softmax(&self.log_weights, &mut self.shares);
        self.rows.fill(NONE);
        (self.past, self.length) = (0, 0);
    }

    /// The contexts in force in the `i`-th topic, shortest first.
    fn contexts(&self, i: usize) -> impl DoubleEndedIterator<Item = &Context> {
        let rows = &self.rows[i * ORDER..(i + 1) * ORDER];
        // A topic that never saw a context never saw a longer one.
        let known = rows.iter().position(|row| *row == NONE).unwrap_or(ORDER);
        rows[..known].iter().map(|row| &self.model.contexts[*row as usize])
    }

    /// P(next token | observed so far) into `out`, which has V entries that sum to 1. Topics with a
    /// negligible posterior are left out.
    pub fn predict(&self, out: &mut [f64]) {
        out.fill(0.0);
        let mut kept = 0.0;
        for (i, &topic) in self.topics.iter().enumerate().filter(|(i, _)| self.shares[*i] > NEGLIGIBLE) {
            kept += self.shares[i];
            let mut left = self.shares[i];
            for context in self.contexts(i).rev() {
                let followers = self.model.followers(context);
                let unit = left / (f64::from(context.total) + followers.len() as f64);
                for &(token, count) in followers {
                    out[usize::from(token)] += unit * f64::from(count);
                }
                left = unit * followers.len() as f64;
            }
            out.iter_mut().zip(self.model.unigram(topic)).for_each(|(slot, p)| *slot += left * p);
        }
        out.iter_mut().for_each(|slot| *slot /= kept);
    }

    /// P(token | topic, past), for the `i`-th topic.
    fn topic_probability(&self, i: usize, token: u16) -> f64 {
        self.contexts(i).fold(self.model.unigram(self.topics[i])[usize::from(token)], |p, context| {
            let followers = self.model.followers(context);
            let count = followers.binary_search_by_key(&token, |f| f.0).map_or(0, |at| followers[at].1);
            let kinds = followers.len() as f64;
            (f64::from(count) + kinds * p) / (f64::from(context.total) + kinds)
        })
    }

    /// P(next token = `token` | observed so far): one entry of what [`Self::predict`] gives.
    pub fn probability(&self, token: u16) -> f64 {
        let terms = self.shares.iter().enumerate().filter(|(_, share)| **share > NEGLIGIBLE);
        let (sum, kept) = terms
            .fold((0.0, 0.0), |(sum, kept), (i, share)| (sum + share * self.topic_probability(i, token), kept + share));
        sum / kept
    }

    /// Conditions on the next token; one beyond V resets the filter.
    pub fn observe(&mut self, token: u16) {
        if usize::from(token) >= self.model.vocab {
            self.reset();
            return;
        }
        for i in 0..self.topics.len() {
            self.log_weights[i] += self.topic_probability(i, token).ln();
        }
        softmax(&self.log_weights, &mut self.shares);
        self.past = (self.past << BITS | u64::from(token)) & ((1 << (ORDER as u32 * BITS)) - 1);
        self.length = (self.length + 1).min(ORDER);
        for (rows, &topic) in self.rows.chunks_exact_mut(ORDER).zip(&self.topics) {
            rows.fill(NONE);
            for (n, row) in (1..=self.length).zip(rows) {
                *row = self.model.find(key(topic, n, self.past & ((1 << (n as u32 * BITS)) - 1)));
                if *row == NONE {
                    break;
                }
            }
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Stream};

    /// The definition, by going through the text.
    fn brute(text: &[u16], vocab: usize, context: &[u16], token: u16) -> f64 {
        let after: Vec<u16> = match context.len() {
            0 => text.to_vec(),
            n => text.windows(n + 1).filter(|w| w[..n] == *context).map(|w| w[n]).collect(),
        };
        let below = if context.is_empty() { 1.0 / vocab as f64 } else { brute(text, vocab, &context[1..], token) };
        if after.is_empty() {
            return below;
        }
        let kinds = after.iter().collect::<std::collections::BTreeSet<_>>().len() as f64;
        let count = after.iter().filter(|x| **x == token).count() as f64;
        (count + kinds * below) / (after.len() as f64 + kinds)
    }

    #[test]
    fn agrees_with_its_definition() {
        let mut stream = Stream::new(5, Purpose::Timing, 0);
        let vocab = 6;
        let mut text = |n: usize, top: u64| (0..n).map(|_| stream.below(top) as u16).collect::<Vec<u16>>();
        // One that never uses the last tokens, and one so short that its longest contexts are all of it.
        let texts = [text(300, 4), text(200, 6), text(3, 2)];
        let weights = [0.5, 0.2, 0.3];
        let model = Arc::new(Ngrams::fit(vocab, &texts.each_ref().map(Vec::as_slice)));
        let mut filter = NgramFilter::new(model, &weights);
        let past = text(25, 6);
        let mut posterior = weights;
        let mut out = vec![0.0; vocab];
        for (t, &x) in past.iter().enumerate() {
            let context = &past[t.saturating_sub(ORDER)..t];
            let probability = |c: usize, x: u16| brute(&texts[c], vocab, context, x);
            let total: f64 = posterior.iter().sum();
            filter.predict(&mut out);
            assert!((out.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{out:?}");
            for token in 0..vocab as u16 {
                let expected = (0..3).map(|c| posterior[c] / total * probability(c, token)).sum::<f64>();
                assert!((out[usize::from(token)] - expected).abs() < 1e-8, "at {t}: {out:?}, not {expected}");
                assert!((filter.probability(token) - out[usize::from(token)]).abs() < 1e-12);
            }
            (0..3).for_each(|c| posterior[c] *= probability(c, x));
            filter.observe(x);
        }
        filter.reset();
        filter.predict(&mut out);
        let first = (0..3).map(|c| weights[c] * brute(&texts[c], vocab, &[], 1)).sum::<f64>();
        assert!((out[1] - first).abs() < 1e-12);
    }

    #[test]
    fn a_token_that_no_topic_saw_keeps_a_probability() {
        let model = Arc::new(Ngrams::fit(512, &[&[0; 50], &[511; 50]]));
        let mut filter = NgramFilter::new(model, &[1.0, 1.0]);
        let mut out = vec![0.0; 512];
        for x in [7, 0, 0, 511, 511, 511, 300] {
            filter.predict(&mut out);
            assert!((out.iter().sum::<f64>() - 1.0).abs() < 1e-12 && out.iter().all(|p| *p > 0.0));
            filter.observe(x);
        }
    }
}
