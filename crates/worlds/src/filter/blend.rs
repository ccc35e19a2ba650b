//! A weighted mixture of predictors of any kind: what hides is which of them the sequence comes from.

use super::{Filter, softmax};

/// A token that a part does not know.
const UNKNOWN: u16 = u16::MAX;

#[derive(Clone, Debug)]
struct Part {
    filter: Filter,
    /// Its token x is the blend's token `map[x]`.
    map: Vec<u16>,
    /// The blend's token as the part's, or [`UNKNOWN`].
    back: Vec<u16>,
    distribution: Vec<f64>,
}

#[derive(Clone, Debug)]
pub struct Blend {
    vocab: usize,
    parts: Vec<Part>,
    log_prior: Vec<f64>,
    log_weights: Vec<f64>,
    shares: Vec<f64>,
    /// Whether the parts' distributions are those of the next token.
    predicted: bool,
}

impl Blend {
    /// Parts as (filter, map of its tokens into the blend's, weight); weights are not negative and not all 0.
    pub fn new(vocab: usize, parts: Vec<(Filter, Vec<u16>, f64)>) -> Self {
        let log_prior: Vec<f64> = parts.iter().map(|(_, _, weight)| weight.ln()).collect();
        let parts: Vec<Part> = parts
            .into_iter()
            .map(|(filter, map, _)| {
                let mut back = vec![UNKNOWN; vocab];
                map.iter().enumerate().for_each(|(own, &token)| back[usize::from(token)] = own as u16);
                Part { distribution: vec![0.0; filter.vocab()], filter, map, back }
            })
            .collect();
        let mut blend = Self {
            vocab,
            shares: vec![0.0; parts.len()],
            parts,
            log_weights: log_prior.clone(),
            log_prior,
            predicted: false,
        };
        blend.reset();
        blend
    }

    pub fn vocab(&self) -> usize {
        self.vocab
    }

    pub fn reset(&mut self) {
        self.log_weights.copy_from_slice(&self.log_prior);
        self.parts.iter_mut().for_each(|part| part.filter.reset());
        softmax(&self.log_weights, &mut self.shares);
        self.predicted = false;
    }

    fn predict_parts(&mut self) {
        if !self.predicted {
            for (part, weight) in self.parts.iter_mut().zip(&self.log_weights) {
                if *weight > f64::NEG_INFINITY {
                    part.filter.predict(&mut part.distribution);
                }
            }
            self.predicted = true;
        }
    }

    pub fn predict(&mut self, out: &mut [f64]) {
        self.predict_parts();
        out.fill(0.0);
        for (part, &share) in self.parts.iter().zip(&self.shares).filter(|(_, share)| **share > 0.0) {
            for (&token, p) in part.map.iter().zip(&part.distribution) {
                out[usize::from(token)] += share * p;
            }
        }
    }

    pub fn observe(&mut self, token: u16) {
        self.predict_parts();
        self.predicted = false;
        for (part, weight) in self.parts.iter_mut().zip(&mut self.log_weights) {
            if *weight == f64::NEG_INFINITY {
                continue;
            }
            let own = part.back.get(usize::from(token)).copied().unwrap_or(UNKNOWN);
            let p = part.distribution.get(usize::from(own)).copied().unwrap_or(0.0);
            *weight += p.ln();
            if p > 0.0 {
                part.filter.observe(own);
            }
        }
        if !softmax(&self.log_weights, &mut self.shares) {
            self.reset();
        }
    }
}
