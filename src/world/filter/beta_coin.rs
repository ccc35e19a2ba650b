//! A coin with a Beta prior: counts are all there is to know.

#[derive(Clone, Debug)]
pub struct BetaCoin {
    prior: [f64; 2],
    /// Prior parameter plus count, for tokens 0 and 1.
    counts: [f64; 2],
}

impl BetaCoin {
    pub fn new(a: f64, b: f64) -> Self {
        Self { prior: [a, b], counts: [a, b] }
    }

    pub fn reset(&mut self) {
        self.counts = self.prior;
    }

    pub fn predict(&self, out: &mut [f64]) {
        let total = self.counts[0] + self.counts[1];
        out[0] = self.counts[0] / total;
        out[1] = self.counts[1] / total;
    }

    pub fn observe(&mut self, token: u16) {
        match self.counts.get_mut(usize::from(token)) {
            Some(count) => *count += 1.0,
            None => self.reset(),
        }
    }
}
