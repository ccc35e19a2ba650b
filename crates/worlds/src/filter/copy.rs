//! Repeats what followed the last token's last occurrence: an induction head's whole skill.

/// Probability left for anything else, spread evenly.
const DOUBT: f64 = 0.05;

#[derive(Clone, Debug)]
pub struct Copy {
    /// What followed each token when it was last seen.
    followed: Vec<Option<u16>>,
    last: Option<u16>,
}

impl Copy {
    pub fn new(vocab: usize) -> Self {
        Self { followed: vec![None; vocab], last: None }
    }

    pub fn vocab(&self) -> usize {
        self.followed.len()
    }

    pub fn reset(&mut self) {
        self.followed.fill(None);
        self.last = None;
    }

    pub fn predict(&self, out: &mut [f64]) {
        let even = 1.0 / self.followed.len() as f64;
        match self.last.and_then(|last| self.followed[usize::from(last)]) {
            Some(next) => {
                out.fill(DOUBT * even);
                out[usize::from(next)] += 1.0 - DOUBT;
            }
            None => out.fill(even),
        }
    }

    pub fn observe(&mut self, token: u16) {
        if usize::from(token) >= self.followed.len() {
            self.reset();
            return;
        }
        if let Some(last) = self.last.replace(token) {
            self.followed[usize::from(last)] = Some(token);
        }
    }
}
