//! Real text: a topic is a document, a sequence is a window of it that starts anywhere.

use std::sync::Arc;

use super::{filter::ngram::Ngrams, rng::Stream};
use experiment::text::{HELD_OUT_SHARE, Text};

/// Most tokens that the n-gram models are fitted on: their tables must fit a browser tab beside everything else.
const MAX_FITTED: usize = 2_000_000;

/// Documents, of which the last tenth is held out: what is measured there was neither trained nor fitted on.
#[derive(Clone, Debug, PartialEq)]
pub struct Texts {
    shared: Arc<Shared>,
    held_out: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct Shared {
    documents: Vec<Vec<u16>>,
    model: Arc<Ngrams>,
}

impl Texts {
    /// Encodes the documents and fits their n-gram models. Sequences are drawn from what is trained
    /// on ([`Self::held_out`] has the rest).
    pub fn new(text: &Text) -> Self {
        let documents = text.encode();
        let total: usize = documents.iter().map(|d| cut(d)).sum();
        // The beginning of each, in proportion, where all of it is too much.
        let fitted = |d: &[u16]| (cut(d) as u64 * MAX_FITTED as u64 / total.max(MAX_FITTED) as u64) as usize;
        let texts: Vec<&[u16]> = documents.iter().map(|d| &d[..fitted(d)]).collect();
        let model = Arc::new(Ngrams::fit(text.vocab(), &texts));
        Self { shared: Arc::new(Shared { documents, model }), held_out: false }
    }

    /// The same documents, with sequences drawn from the held-out last tenth of each.
    pub fn held_out(&self) -> Self {
        Self { shared: self.shared.clone(), held_out: true }
    }

    /// K: how many documents there are.
    pub fn len(&self) -> usize {
        self.shared.documents.len()
    }

    /// Whether there are no documents.
    pub fn is_empty(&self) -> bool {
        self.shared.documents.is_empty()
    }

    /// The n-gram model of each document, fitted on the part that is trained on.
    pub fn model(&self) -> &Arc<Ngrams> {
        &self.shared.model
    }

    /// Probability of each token in a window, whichever its document, by the parts that are fitted on.
    pub fn marginal(&self) -> Vec<f64> {
        let mut distribution = vec![0.0; self.model().vocab()];
        for c in 0..self.len() {
            distribution.iter_mut().zip(self.model().unigram(c)).for_each(|(sum, p)| *sum += p / self.len() as f64);
        }
        distribution
    }

    /// Fills `out` with a window of a document's part. A part that is too short, which validation refuses, is read in a circle.
    pub fn draw(&self, document: usize, out: &mut [u16], stream: &mut Stream) {
        let Some(tokens) = self.shared.documents.get(document).filter(|d| !d.is_empty()) else {
            out.fill(0);
            return;
        };
        let (seen, kept) = tokens.split_at(cut(tokens));
        let part = if self.held_out && !kept.is_empty() { kept } else { seen };
        let start = stream.below((part.len().saturating_sub(out.len()) + 1) as u64) as usize;
        for (i, slot) in out.iter_mut().enumerate() {
            *slot = part[(start + i) % part.len()];
        }
    }
}

/// Where the held-out part begins.
fn cut(tokens: &[u16]) -> usize {
    tokens.len() - tokens.len() / HELD_OUT_SHARE
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Topic, World, rng::Purpose};
    use experiment::{
        WorldSpec,
        text::{Document, Unit},
    };

    fn document(name: &str, text: &str) -> Document {
        Document { name: name.into(), text: text.into() }
    }

    #[test]
    fn held_out_windows_share_no_character_with_training_windows() {
        // Each position has a character of its own, so that a window says where it was cut.
        let all: String = (0..200).filter_map(|i| char::from_u32(0x4e00 + i)).collect();
        let world =
            World::new(&WorldSpec::Text(Text::new(Unit::Characters, vec![document("a", &all)]))).expect("sound");
        assert_eq!(world.vocab(), 200);
        let (mut low, mut high) = (u16::MAX, 0);
        let mut out = [0; 20];
        for i in 0..500 {
            let mut stream = Stream::new(1, Purpose::Sequence, i);
            world.draw_sequence(&Topic::Component(0), &mut out, &mut stream);
            assert!(out.windows(2).all(|w| w[1] == w[0] + 1) && out[19] < 180, "{out:?}");
            (low, high) = (low.min(out[0]), high.max(out[19]));
            world.held_out().draw_sequence(&Topic::Component(0), &mut out, &mut stream);
            assert!(out[0] == 180 && out[19] == 199, "{out:?}");
        }
        assert_eq!((low, high), (0, 179));
        // Asking for too much ends in no panic.
        let mut long = vec![0; 1000];
        world.held_out().draw_sequence(&Topic::Component(0), &mut long, &mut Stream::new(1, Purpose::Sequence, 0));
        world.draw_sequence(&Topic::Component(7), &mut long, &mut Stream::new(1, Purpose::Sequence, 0));
    }

    #[test]
    fn the_model_never_reads_what_is_held_out() {
        let seen = "the cat sat on the mat. ".repeat(20);
        let predictions = |end: &str| {
            // The same characters in both, or the alphabets would differ.
            let kept = end.repeat(60).chars().take(seen.len() / 9).collect::<String>();
            let text = Text::with_alphabet(Unit::Bytes, 256, vec![document("a", &(seen.clone() + &kept))]);
            let world = World::new(&WorldSpec::Text(text)).expect("sound");
            let mut filter = world.bayes();
            let mut out = vec![0.0; world.vocab()];
            let mut all = Vec::new();
            for byte in b"the mat sat. zzz" {
                filter.predict(&mut out);
                all.extend_from_slice(&out);
                filter.observe(u16::from(*byte));
            }
            all
        };
        assert_eq!(predictions("qzx"), predictions("the cat "));
    }

    #[test]
    fn topics_are_found() {
        let (a, b) = ("abcabc".repeat(40), "acbacb".repeat(40));
        let text = Text::new(Unit::Characters, vec![document("a", &a), document("b", &b)]);
        let world = World::new(&WorldSpec::Text(text)).expect("sound");
        assert_eq!(world.topic_label(&Topic::Component(1)), "b");
        assert!(!world.is_exact());
        let mut stream = Stream::new(1, Purpose::Sequence, 0);
        let mut tokens = [0; 12];
        world.held_out().draw_sequence(&Topic::Component(1), &mut tokens, &mut stream);
        let loss = |mut filter: crate::Filter| {
            let mut out = vec![0.0; 3];
            tokens.iter().fold(0.0, |sum, &x| {
                filter.predict(&mut out);
                filter.observe(x);
                sum - out[usize::from(x)].ln()
            })
        };
        let (bayes, right, wrong) =
            (loss(world.bayes()), loss(world.oracle(&Topic::Component(1))), loss(world.oracle(&Topic::Component(0))));
        assert!(right < bayes && bayes < right + 0.75 && wrong > bayes + 10.0, "{right} {bayes} {wrong}");
        let both = world.pool(&[Topic::Component(0), Topic::Component(1), Topic::Component(1)]);
        assert!(loss(both) < bayes);
    }
}
