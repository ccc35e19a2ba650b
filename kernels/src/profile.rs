//! Where a step's time goes, and how much arithmetic and traffic each part is.

use crate::shape::{Architecture, Kind, Mlp, Shape};

/// A part of a training step, whose time is measured and whose work is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Packing matrices, folding norms into them, undoing that in the gradient.
    Parameters,
    /// The look-up of embeddings or the input projection of vectors, forward and backward.
    Embedding,
    /// The norms before attention and MLP, forward and backward.
    Norm,
    /// The products of all linear maps but the head, forward.
    Linear,
    /// Scores, softmax and the mixing of values, forward.
    Attention,
    /// The MLPs' activation functions, forward and backward.
    Nonlinearity,
    /// The last norm, the head and the loss, forward and backward.
    Head,
    /// The products of all linear maps but the head, backward.
    LinearBackward,
    /// Scores, softmax and the mixing of values, backward.
    AttentionBackward,
    /// What a recurrent net does one time step after the other, forward.
    Recurrence,
    /// What a recurrent net does one time step after the other, backward.
    RecurrenceBackward,
}

/// How many parts there are.
const PARTS: usize = Part::RecurrenceBackward as usize + 1;

/// How much arithmetic and memory traffic one part of a step is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    /// Multiply-adds; each is two floating-point operations.
    pub multiply_adds: f64,
    /// Numbers (of 4 bytes) that are read or written: each array once for each time that it is gone
    /// through, as if no cache or register held any of it.
    pub moved: f64,
}

impl Shape {
    /// The parts that a step of this architecture has.
    pub fn parts(&self) -> &'static [Part] {
        use Part::{
            Attention, AttentionBackward, Embedding, Head, Linear, LinearBackward, Nonlinearity, Norm, Parameters,
            Recurrence, RecurrenceBackward,
        };
        match self.architecture {
            Architecture::Transformer => {
                &[Parameters, Embedding, Norm, Linear, Attention, Nonlinearity, Head, LinearBackward, AttentionBackward]
            }
            Architecture::Gru | Architecture::Lstm => {
                &[Parameters, Embedding, Linear, Recurrence, Head, LinearBackward, RecurrenceBackward]
            }
        }
    }

    /// Counts the work of a part of one step on so many cells, all blocks together.
    pub fn work(&self, part: Part, cells: usize) -> Work {
        match self.architecture {
            Architecture::Transformer => self.transformer_work(part, cells),
            Architecture::Gru | Architecture::Lstm => self.recurrent_work(part, cells),
        }
    }

    fn embedding_work(&self, cells: f64) -> Work {
        let d = self.read() as f64;
        let multiply_adds = match self.kind {
            Kind::Tokens(_) => 0.0,
            Kind::Vectors(_) => 2.0 * cells * d * self.kind.inputs() as f64,
        };
        Work { multiply_adds, moved: 10.0 * cells * d }
    }

    fn recurrent_work(&self, part: Part, cells: usize) -> Work {
        let (d, layers, cells) = (self.width as f64, self.blocks as f64, cells as f64);
        let (gates, outputs) = (self.gates() as f64, self.kind.outputs() as f64);
        let linear = Work { multiply_adds: layers * cells * d * gates, moved: layers * cells * (d + gates) };
        // Maps of what comes from below: the rows of one-hot tokens are looked up.
        let maps = layers - f64::from(u8::from(self.reads_one_hot()));
        let below = Work { multiply_adds: maps * cells * d * gates, moved: maps * cells * (d + gates) };
        match part {
            // Packed forward and transposed.
            Part::Parameters => Work { multiply_adds: 0.0, moved: 4.0 * ((layers + maps) * d * gates + d * outputs) },
            Part::Embedding => self.embedding_work(cells),
            Part::Linear => below,
            Part::LinearBackward => Work { multiply_adds: 2.0 * below.multiply_adds, moved: 2.0 * below.moved },
            // The product with the state; what comes from below in, gates out, the state in and out.
            Part::Recurrence => Work { moved: layers * cells * (2.0 * gates + 3.0 * d), ..linear },
            // The gradient by the state before, and that by the matrix.
            Part::RecurrenceBackward => {
                Work { multiply_adds: 2.0 * linear.multiply_adds, moved: layers * cells * (4.0 * gates + 5.0 * d) }
            }
            Part::Head => Work { multiply_adds: 3.0 * cells * d * outputs, moved: cells * (5.0 * d + 6.0 * outputs) },
            Part::Norm | Part::Attention | Part::AttentionBackward | Part::Nonlinearity => Work::default(),
        }
    }

    fn transformer_work(&self, part: Part, cells: usize) -> Work {
        let (d, blocks, cells) = (self.width as f64, self.blocks as f64, cells as f64);
        let (query, joint) = (self.query() as f64, self.joint() as f64);
        // Into and out of each block's linear maps.
        let (read, hidden) = match self.mlp {
            Mlp::None => (0.0, 0.0),
            Mlp::Gelu => (self.mlp_width as f64, self.mlp_width as f64),
            Mlp::Gated | Mlp::Geglu => (2.0 * self.mlp_width as f64, self.mlp_width as f64),
        };
        let linear = Work {
            multiply_adds: blocks * cells * d * (joint + query + read + hidden),
            moved: blocks * cells * (joint + query + read + hidden + if self.mlp == Mlp::None { 3.0 } else { 6.0 } * d),
        };
        // Pairs of a query with a key that it sees, of all heads.
        let pairs = blocks * cells * (self.length + 1) as f64 / 2.0 * self.heads as f64;
        let width = self.head_width as f64;
        let outputs = self.kind.outputs() as f64;
        let norms = if self.mlp == Mlp::None { 1.0 } else { 2.0 } * blocks;
        match part {
            Part::Parameters => {
                let all = blocks * d * (joint + query + read + hidden) + d * outputs;
                // Packed forward and transposed; those behind a norm are scaled before, and their gradients after.
                Work { multiply_adds: 0.0, moved: 4.0 * all + 7.0 * (blocks * d * (joint + read) + d * outputs) }
            }
            Part::Embedding => self.embedding_work(cells),
            // Forward x in, x̂ out; back its gradient and x̂ in, the stream's gradient in and out.
            Part::Norm => Work { multiply_adds: 0.0, moved: norms * 6.0 * cells * d },
            Part::Linear => linear,
            Part::LinearBackward => Work { multiply_adds: 2.0 * linear.multiply_adds, moved: 2.0 * linear.moved },
            Part::Attention => {
                Work { multiply_adds: 2.0 * width * pairs, moved: 4.0 * pairs + blocks * cells * (joint + query) }
            }
            // Scores once more, then gradients by weights, values, queries and keys.
            Part::AttentionBackward => Work {
                multiply_adds: 5.0 * width * pairs,
                moved: 10.0 * pairs + blocks * cells * 2.0 * (joint + query),
            },
            // Forward in, value and slope out; back the gradient in, the slope in and out.
            Part::Nonlinearity => Work {
                multiply_adds: 0.0,
                moved: blocks * cells * 4.0 * read.max(hidden) + 2.0 * blocks * cells * hidden,
            },
            Part::Recurrence | Part::RecurrenceBackward => Work::default(),
            Part::Head => Work { multiply_adds: 3.0 * cells * d * outputs, moved: cells * (9.0 * d + 6.0 * outputs) },
        }
    }
}

impl Part {
    /// The part in a few words, for tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Parameters => "packing, folding of norms",
            Self::Embedding => "embedding",
            Self::Norm => "norms",
            Self::Linear => "linear, forward",
            Self::Attention => "attention, forward",
            Self::Nonlinearity => "nonlinearity",
            Self::Head => "head and loss",
            Self::LinearBackward => "linear, backward",
            Self::AttentionBackward => "attention, backward",
            Self::Recurrence => "recurrence, forward",
            Self::RecurrenceBackward => "recurrence, backward",
        }
    }
}

/// What came since the last look at the stop-watch, if there is one, belongs to `part`.
pub(crate) fn lap(profile: &mut Option<Profile>, part: Part) {
    if let Some(profile) = profile {
        profile.lap(part);
    }
}

/// A stop-watch over the parts of a step: the time since the last look belongs to the part that is
/// named.
pub struct Profile {
    /// Milliseconds from any start.
    now: fn() -> f64,
    last: f64,
    spent: [f64; PARTS],
}

impl Profile {
    /// A stop-watch that starts at once. `now` gives milliseconds since any fixed moment.
    pub fn new(now: fn() -> f64) -> Self {
        Self { now, last: now(), spent: [0.0; PARTS] }
    }

    /// What came before belongs to no part.
    pub(crate) fn restart(&mut self) {
        self.last = (self.now)();
    }

    fn lap(&mut self, part: Part) {
        let now = (self.now)();
        self.spent[part as usize] += now - self.last;
        self.last = now;
    }

    /// Milliseconds spent on a part so far, all steps together.
    pub fn spent(&self, part: Part) -> f64 {
        self.spent[part as usize]
    }
}
