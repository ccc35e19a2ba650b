//! Where a step's time goes.

/// Parts of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Packing matrices, folding norms into them, undoing that in the gradient.
    Parameters,
    Embedding,
    Norm,
    Linear,
    Attention,
    Nonlinearity,
    /// The last norm, the head and the loss, forward and backward.
    Head,
    LinearBackward,
    AttentionBackward,
}

impl Part {
    pub const ALL: [Self; 9] = [
        Self::Parameters,
        Self::Embedding,
        Self::Norm,
        Self::Linear,
        Self::Attention,
        Self::Nonlinearity,
        Self::Head,
        Self::LinearBackward,
        Self::AttentionBackward,
    ];
}

/// A stop-watch: the time since it was last looked at belongs to the part that is named.
pub struct Profile {
    /// Milliseconds from any start.
    now: fn() -> f64,
    last: f64,
    spent: [f64; Part::ALL.len()],
}

impl Profile {
    pub fn new(now: fn() -> f64) -> Self {
        Self { now, last: now(), spent: [0.0; Part::ALL.len()] }
    }

    /// What came before belongs to no part.
    pub fn restart(&mut self) {
        self.last = (self.now)();
    }

    pub(crate) fn lap(&mut self, part: Part) {
        let now = (self.now)();
        self.spent[part as usize] += now - self.last;
        self.last = now;
    }

    /// Milliseconds of a part, all steps together.
    pub fn spent(&self, part: Part) -> f64 {
        self.spent[part as usize]
    }
}
