//! A net's loss with its gradient, and its predictions, a few sequences at a time through the whole net, so that what lies between
//! forward and backward stays in the cache.
//!
//! All buffers are kept between steps. Everything is added up in a fixed order: the same numbers in give the same bits out.

use crate::{
    embedding::Embedding,
    head,
    matmul::TILE_ROWS,
    profile::{Part, Profile, lap},
    recurrent::Recurrent,
    rows::log_softmax,
    shape::{Architecture, Kind, Shape},
    transformer::Transformer,
};

/// What is kept of a chunk's sequences between forward and backward; about as much as a core's own cache.
const CHUNK_BYTES: usize = 2 << 20;
/// Where that is too few sequences to be quick, no more than this.
const MOST_BYTES: usize = 64 << 20;

/// Sequences of equal length, one behind the other. A cell is one token or one vector.
#[derive(Clone, Copy, Debug)]
pub enum Cells<'a> {
    /// One token for each cell.
    Tokens(&'a [u16]),
    /// Vectors, each with `dimension` entries.
    Vectors {
        /// Entries of a vector.
        dimension: usize,
        /// The entries, `[cells, dimension]`, row-major.
        values: &'a [f32],
    },
}

impl<'a> Cells<'a> {
    /// How many cells there are: sequences · T.
    pub fn count(self) -> usize {
        match self {
            Self::Tokens(tokens) => tokens.len(),
            Self::Vectors { dimension, values } => values.len() / dimension,
        }
    }

    fn part(self, from: usize, to: usize) -> Self {
        match self {
            Self::Tokens(tokens) => Self::Tokens(&tokens[from..to]),
            Self::Vectors { dimension, values } => {
                Self::Vectors { dimension, values: &values[from * dimension..to * dimension] }
            }
        }
    }
}

/// What is captured of a forward pass, and which heads are ablated in it.
///
/// Set `attention` or `residual` to `Some(Vec::new())` to ask for it; the pass appends to it,
/// row-major, sequence after sequence.
#[derive(Clone, Debug, Default)]
pub struct ActivationCapture {
    /// Ablated heads (block, head; both from 0): they add nothing to the residual stream.
    pub ablated: Vec<(usize, usize)>,
    /// Attention weights of each block, `[rows, heads, T, T]`, query by key. `None`: not captured.
    /// Empty for a net without attention.
    pub attention: Option<Vec<Vec<f32>>>,
    /// Activations of each layer, `[rows · T, width]`. `None`: not captured.
    ///
    /// The layers of a transformer are embedding, each block, and the normalised output; those of a
    /// recurrent net are embedding (not of one-hot tokens), then the states of each layer.
    pub residual: Option<Vec<Vec<f32>>>,
}

impl ActivationCapture {
    /// Appends to what there is of a layer of the residual stream, if somebody wants it.
    pub(crate) fn keep(capture: &mut Option<&mut Self>, layer: usize, x: &[f32]) {
        if let Some(residual) = capture.as_mut().and_then(|capture| capture.residual.as_mut()) {
            residual.resize(residual.len().max(layer + 1), Vec::new());
            residual[layer].extend_from_slice(x);
        }
    }
}

/// Everything from what was read to the head's outputs. Parameters come from outside, in the order of [`crate::shape`].
pub(crate) trait Trunk: Send {
    /// How many parameters the whole net has.
    fn parameters(&self) -> usize;

    /// Once before the passes with these parameters.
    fn prepare(&mut self, flat: &[f32], backward: bool);

    /// From what was read, in `x`, which may change, to `outputs`: logits, or Gaussians.
    fn forward(
        &mut self,
        flat: &[f32],
        x: &mut [f32],
        outputs: &mut [f32],
        capture: &mut Option<&mut ActivationCapture>,
        profile: &mut Option<Profile>,
    );

    /// Backward pass: reads dL/d(outputs) from `outputs`, writes dL/d(input) to `x`, and adds the
    /// gradients of parameters to `gradient`, or keeps them until [`Self::finish`].
    fn backward(&mut self, x: &mut [f32], outputs: &[f32], gradient: &mut [f32], profile: &mut Option<Profile>);

    /// Adds to `gradient` what was kept.
    fn finish(&self, flat: &[f32], gradient: &mut [f32]);
}

/// A net of any architecture, with the buffers that its passes need. The parameters are the
/// caller's.
pub struct Net {
    shape: Shape,
    embedding: Embedding,
    trunk: Box<dyn Trunk>,
    /// What was read; on the way back its gradient.
    x: Vec<f32>,
    outputs: Vec<f32>,
    /// Sequences of a chunk.
    chunk: usize,
    /// Measures where the time of passes goes; `None`: not measured.
    pub profile: Option<Profile>,
}

impl Net {
    /// A net of this shape, with its buffers. They hold a few sequences at a time, whatever the
    /// batch.
    pub fn new(shape: Shape) -> Self {
        let chunk = chunk(&shape);
        let row = |width: usize| vec![0.0; chunk * shape.length * width];
        let trunk: Box<dyn Trunk> = match shape.architecture {
            Architecture::Transformer => Box::new(Transformer::new(shape.clone(), chunk * shape.length)),
            Architecture::Gru | Architecture::Lstm => Box::new(Recurrent::new(&shape, chunk)),
        };
        Self {
            embedding: Embedding::new(&shape),
            x: row(shape.read()),
            outputs: row(shape.kind.outputs()),
            trunk,
            chunk,
            profile: None,
            shape,
        }
    }

    /// How many parameters the net has: the length of `flat` in its passes.
    pub fn parameters(&self) -> usize {
        self.trunk.parameters()
    }

    /// What the net looks like.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// One forward and backward pass: returns the loss and writes its gradient.
    ///
    /// The loss is the mean negative log-likelihood over all cells, nats per cell. `flat` holds the
    /// parameters and `gradient` receives dL/d(flat), both as long as [`Self::parameters`] says.
    /// `cells` are whole sequences, of the shape's kind.
    ///
    /// # Panics
    ///
    /// `flat` has another length than there are parameters, or `gradient` is shorter.
    pub fn loss_and_gradient(&mut self, flat: &[f32], cells: Cells, gradient: &mut [f32]) -> f64 {
        let count = cells.count();
        if let Some(profile) = &mut self.profile {
            profile.restart();
        }
        self.prepare(flat, true);
        gradient.fill(0.0);
        lap(&mut self.profile, Part::Parameters);
        let mut loss = 0.0;
        for (from, to) in self.chunks(count) {
            let part = cells.part(from, to);
            let outputs = self.forward(flat, part, &mut None);
            loss += head::loss_and_gradient(part, outputs, 1.0 / count as f32);
            let x = &mut self.x[..part.count() * self.shape.read()];
            let outputs = &self.outputs[..part.count() * self.shape.kind.outputs()];
            lap(&mut self.profile, Part::Head);
            self.trunk.backward(x, outputs, gradient, &mut self.profile);
            self.embedding.backward(part, x, gradient);
            lap(&mut self.profile, Part::Embedding);
        }
        self.trunk.finish(flat, gradient);
        lap(&mut self.profile, Part::Parameters);
        loss / count as f64
    }

    /// Appends the predictive distribution of each cell to `out`, `[rows, T, outputs]`:
    /// log-probabilities of tokens, or a Gaussian's mean and the logarithm of its variance.
    ///
    /// `capture` asks for activations of the same pass.
    ///
    /// # Panics
    ///
    /// `flat` has another length than there are parameters.
    pub fn predict(
        &mut self,
        flat: &[f32],
        cells: Cells,
        out: &mut Vec<f32>,
        mut capture: Option<&mut ActivationCapture>,
    ) {
        self.prepare(flat, false);
        for (from, to) in self.chunks(cells.count()) {
            let kind = self.shape.kind;
            let outputs = self.forward(flat, cells.part(from, to), &mut capture);
            if let Kind::Tokens(vocab) = kind {
                log_softmax(outputs, vocab);
            }
            out.extend_from_slice(outputs);
        }
    }

    /// Appends ln p of each cell to `out`, `[rows, T]`, in nats.
    ///
    /// # Panics
    ///
    /// `flat` has another length than there are parameters.
    pub fn log_likelihoods(&mut self, flat: &[f32], cells: Cells, out: &mut Vec<f32>) {
        self.prepare(flat, false);
        for (from, to) in self.chunks(cells.count()) {
            let part = cells.part(from, to);
            head::log_likelihoods(part, self.forward(flat, part, &mut None), out);
        }
    }

    /// First and last cell of each chunk.
    fn chunks(&self, cells: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let step = self.chunk * self.shape.length;
        (0..cells).step_by(step).map(move |from| (from, (from + step).min(cells)))
    }

    fn prepare(&mut self, flat: &[f32], backward: bool) {
        assert_eq!(flat.len(), self.parameters(), "as many parameters as the shape has");
        self.embedding.prepare(flat);
        self.trunk.prepare(flat, backward);
    }

    /// Logits, or Gaussians, of each of the cells.
    fn forward(&mut self, flat: &[f32], cells: Cells, capture: &mut Option<&mut ActivationCapture>) -> &mut [f32] {
        let x = &mut self.x[..cells.count() * self.shape.read()];
        let outputs = &mut self.outputs[..cells.count() * self.shape.kind.outputs()];
        self.embedding.forward(flat, cells, x);
        lap(&mut self.profile, Part::Embedding);
        self.trunk.forward(flat, x, outputs, capture, &mut self.profile);
        outputs
    }
}

/// Sequences that go through the net together.
fn chunk(shape: &Shape) -> usize {
    let fit = |bytes: usize, kept: usize| (bytes / (4 * shape.length * kept)).max(1);
    match shape.architecture {
        Architecture::Transformer => fit(CHUNK_BYTES, Transformer::kept(shape)),
        // It takes one time after the other: the products have as many rows as there are sequences.
        Architecture::Gru | Architecture::Lstm => {
            let kept = Recurrent::kept(shape);
            fit(CHUNK_BYTES, kept).next_multiple_of(2 * TILE_ROWS).min(fit(MOST_BYTES, kept))
        }
    }
}
