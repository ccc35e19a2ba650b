//! A Markov chain whose states are its tokens: the topic of the Markov world.

use super::{rng::Stream, stationary};

/// k states, row-stochastic, first token from the stationary law.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    k: usize,
    /// Row-major, k x k: P(next token is column | token is row).
    rows: Vec<f64>,
    stationary: Vec<f64>,
}

impl Chain {
    /// Rows that each sum to 1, row-major.
    pub fn new(k: usize, rows: Vec<f64>) -> Self {
        let stationary = stationary::stationary(&rows, k);
        Self { k, rows, stationary }
    }

    /// Rows independent, each Dirichlet(alpha).
    pub fn draw(k: usize, alpha: f64, stream: &mut Stream) -> Self {
        let mut rows = vec![0.0; k * k];
        for row in rows.chunks_mut(k) {
            stream.dirichlet(alpha, row);
        }
        Self::new(k, rows)
    }

    pub fn k(&self) -> usize {
        self.k
    }

    pub fn row(&self, i: usize) -> &[f64] {
        &self.rows[i * self.k..(i + 1) * self.k]
    }

    pub fn stationary(&self) -> &[f64] {
        &self.stationary
    }

    pub fn draw_sequence(&self, out: &mut [u16], stream: &mut Stream) {
        let mut law = self.stationary();
        for slot in out {
            let token = stream.categorical(law.iter().copied());
            *slot = token as u16;
            law = self.row(token);
        }
    }
}
