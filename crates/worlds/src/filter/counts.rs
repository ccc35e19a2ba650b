//! Counting what followed each context: exact Bayes for tokens drawn independently from Dirichlet rows, and the
//! add-one models that other worlds are compared with.

/// Predicts `(count + alpha) / (total + Σ alpha)` given the last `order` tokens. The first `order` tokens are
/// predicted from the prior alone.
#[derive(Clone, Debug)]
pub struct Counts {
    alphas: Vec<f64>,
    total_alpha: f64,
    order: usize,
    /// Contexts x V, row-major.
    counts: Vec<f64>,
    totals: Vec<f64>,
    context: usize,
    seen: usize,
    /// Cells to clear at a reset, so that it costs no more than the sequence did.
    touched: Vec<usize>,
}

impl Counts {
    /// Rows ~ Dirichlet(`alphas`), one for each of V^order contexts.
    pub fn new(alphas: Vec<f64>, order: usize) -> Self {
        let contexts = alphas.len().pow(order as u32);
        Self {
            total_alpha: alphas.iter().sum(),
            counts: vec![0.0; contexts * alphas.len()],
            totals: vec![0.0; contexts],
            alphas,
            order,
            context: 0,
            seen: 0,
            touched: Vec::with_capacity(1024),
        }
    }

    pub fn vocab(&self) -> usize {
        self.alphas.len()
    }

    pub fn reset(&mut self) {
        for cell in self.touched.drain(..) {
            self.counts[cell] = 0.0;
            self.totals[cell / self.alphas.len()] = 0.0;
        }
        (self.context, self.seen) = (0, 0);
    }

    pub fn predict(&self, out: &mut [f64]) {
        let v = self.alphas.len();
        // Nothing has been counted for a context that is not whole yet.
        let context = if self.seen < self.order { None } else { Some(self.context) };
        let total = self.total_alpha + context.map_or(0.0, |c| self.totals[c]);
        for (token, slot) in out.iter_mut().enumerate() {
            *slot = (self.alphas[token] + context.map_or(0.0, |c| self.counts[c * v + token])) / total;
        }
    }

    pub fn observe(&mut self, token: u16) {
        let (v, token) = (self.alphas.len(), usize::from(token));
        if token >= v {
            self.reset();
            return;
        }
        if self.seen >= self.order {
            let cell = self.context * v + token;
            self.counts[cell] += 1.0;
            self.totals[self.context] += 1.0;
            self.touched.push(cell);
        }
        self.context = (self.context * v + token) % self.totals.len();
        self.seen += 1;
    }
}
