//! Layers of gated units between what is read and what the head gives, each reading the states of the one below.
//!
//! Within a chunk time comes first, so that the rows of one time lie together: what comes from below is one product for all times, and
//! so are the gradients by both matrices; only the product with the state is done one time after the other.

use crate::{
    gates::{gru, gru_backward, lstm, lstm_backward},
    linear::Map,
    matmul::Start,
    net::{ActivationCapture, Trunk},
    profile::{Part, Profile, lap},
    rows::{add, add_rows},
    shape::{Architecture, Input, RecurrentPlaces, Shape},
};

pub(crate) struct Recurrent {
    /// Not GRU.
    lstm: bool,
    length: usize,
    width: usize,
    /// All gates of a layer side by side.
    gates: usize,
    parameters: usize,
    layers: Vec<Layer>,
    head: Map,
    // A row for each cell of a chunk.
    /// What was read, by time.
    read: Vec<f32>,
    /// What the head reads, by sequence.
    last: Vec<f32>,
    /// The gradient by a layer's states, by time.
    gradient: Vec<f32>,
    /// GRU: what a layer's state adds to the gates at one time; on the way back the gradients by it, at all times.
    from_state: Vec<f32>,
    // A row for each sequence.
    /// The gradient by the states of one time that comes from later ones.
    later: Vec<f32>,
    /// LSTM: the same by the cells.
    cell_gradient: Vec<f32>,
    packed: Vec<f32>,
}

/// How a layer reads what comes from below.
enum Below {
    Map(Map),
    /// One-hot tokens: their rows of the matrix come from outside, and the bias at this offset is added.
    Rows(usize),
}

struct Layer {
    input: Below,
    state: Map,
    // Kept for the way back, by time, a row for each cell of a chunk.
    /// What the gates are made of, then their values; on the way back gradients by the former.
    gates: Vec<f32>,
    /// GRU: what the state adds to the new one, before the reset. LSTM: tanh of the cells.
    kept: Vec<f32>,
    /// The states, behind those before the first time, 0.
    states: Vec<f32>,
    /// LSTM: the cells, likewise.
    cells: Vec<f32>,
}

impl Recurrent {
    /// With room for so many sequences at once.
    pub fn new(shape: &Shape, sequences: usize) -> Self {
        let (width, gates) = (shape.width, shape.gates());
        let places = RecurrentPlaces::new(shape);
        let lstm = shape.architecture == Architecture::Lstm;
        let row = |width: usize| vec![0.0; sequences * shape.length * width];
        let behind_zeros = |width: usize| vec![0.0; sequences * (shape.length + 1) * width];
        let layers = places.layers.iter().map(|places| Layer {
            input: match places.input {
                Input::Map(linear) => Below::Map(Map::new(linear)),
                Input::Bias(at) => Below::Rows(at),
            },
            state: Map::new(places.state),
            gates: row(gates),
            kept: row(width),
            states: behind_zeros(width),
            cells: behind_zeros(if lstm { width } else { 0 }),
        });
        Self {
            lstm,
            length: shape.length,
            width,
            gates,
            parameters: places.len,
            layers: layers.collect(),
            head: Map::new(places.head),
            read: row(width),
            last: row(width),
            gradient: row(width),
            from_state: row(if lstm { 0 } else { gates }),
            later: vec![0.0; sequences * width],
            cell_gradient: vec![0.0; if lstm { sequences * width } else { 0 }],
            packed: Vec::new(),
        }
    }

    /// Where the first layer reads one-hot tokens: the offset of its bias.
    fn one_hot(&self) -> Option<usize> {
        match self.layers.first()?.input {
            Below::Rows(bias) => Some(bias),
            Below::Map(_) => None,
        }
    }

    /// Numbers kept of each cell between forward and backward, about.
    pub fn kept(shape: &Shape) -> usize {
        shape.blocks * (shape.gates() + 3 * shape.width) + shape.gates() + 4 * shape.width
    }

    /// Where the first layer reads one-hot tokens, what comes from below lies among its gates already.
    fn layer_forward(&mut self, at: usize, sequences: usize, profile: &mut Option<Profile>) {
        let (width, gates) = (self.width, self.gates);
        let (below, layers) = self.layers.split_at_mut(at);
        let layer = &mut layers[0];
        let step = sequences * width;
        if let Below::Map(input) = &layer.input {
            let x = below.last().map_or(&self.read[..], |below| &below.states[step..]);
            input.apply(sequences * self.length, x, &mut layer.gates);
        }
        lap(profile, Part::Linear);
        // Where a chunk has fewer sequences than the one before, other states lie there.
        layer.states[..step].fill(0.0);
        if self.lstm {
            layer.cells[..step].fill(0.0);
        }
        for time in 0..self.length {
            let now = &mut layer.gates[time * sequences * gates..][..sequences * gates];
            let (before, after) = layer.states.split_at_mut((time + 1) * step);
            let (h, out) = (&before[time * step..], &mut after[..step]);
            let kept = &mut layer.kept[time * step..][..step];
            if self.lstm {
                layer.state.add_to(sequences, h, now);
                let (before, after) = layer.cells.split_at_mut((time + 1) * step);
                lstm(now, &before[time * step..], width, &mut after[..step], kept, out);
            } else {
                let from_state = &mut self.from_state[..sequences * gates];
                layer.state.apply(sequences, h, from_state);
                gru(now, from_state, h, width, kept, out);
            }
        }
        lap(profile, Part::Recurrence);
    }

    /// From the gradient by the layer's states, in `self.gradient`, to that by what it reads, in its place (of one-hot tokens: to that by
    /// their rows, among its gates); those by its parameters are added to the flat `gradient`.
    fn layer_backward(&mut self, at: usize, sequences: usize, gradient: &mut [f32], profile: &mut Option<Profile>) {
        let (width, gates) = (self.width, self.gates);
        let (below, layers) = self.layers.split_at_mut(at);
        let layer = &mut layers[0];
        let (step, rows) = (sequences * width, sequences * self.length);
        let later = &mut self.later[..step];
        later.fill(0.0);
        if self.lstm {
            self.cell_gradient[..step].fill(0.0);
        }
        for time in (0..self.length).rev() {
            let now = &mut layer.gates[time * sequences * gates..][..sequences * gates];
            let h = &layer.states[time * step..][..step];
            let kept = &layer.kept[time * step..][..step];
            add(&self.gradient[time * step..][..step], later);
            if self.lstm {
                let c = &layer.cells[time * step..][..step];
                lstm_backward(now, c, kept, width, later, &mut self.cell_gradient[..step]);
                layer.state.back(sequences, now, later, Start::Zero);
            } else {
                let by_state = &mut self.from_state[time * sequences * gates..][..sequences * gates];
                gru_backward(now, kept, h, width, later, by_state);
                layer.state.back(sequences, by_state, later, Start::There);
            }
        }
        let by_state = if self.lstm { &layer.gates } else { &self.from_state };
        layer.state.gather(rows, &layer.states[..rows * width], by_state, gradient, &mut self.packed);
        lap(profile, Part::RecurrenceBackward);
        match &layer.input {
            Below::Map(input) => {
                let x = below.last().map_or(&self.read[..], |below| &below.states[step..]);
                input.backward(rows, &x[..rows * width], &layer.gates, &mut self.gradient, gradient, &mut self.packed);
            }
            Below::Rows(bias) => add_rows(&layer.gates[..rows * gates], gates, gates, &mut gradient[*bias..][..gates]),
        }
        lap(profile, Part::LinearBackward);
    }
}

impl Trunk for Recurrent {
    fn parameters(&self) -> usize {
        self.parameters
    }

    fn prepare(&mut self, flat: &[f32], backward: bool) {
        for layer in &mut self.layers {
            if let Below::Map(input) = &mut layer.input {
                input.prepare(flat, backward);
            }
            layer.state.prepare(flat, backward);
        }
        self.head.prepare(flat, backward);
    }

    fn forward(
        &mut self,
        flat: &[f32],
        x: &mut [f32],
        outputs: &mut [f32],
        capture: &mut Option<&mut ActivationCapture>,
        profile: &mut Option<Profile>,
    ) {
        let (length, width, gates) = (self.length, self.width, self.gates);
        let one_hot = self.one_hot();
        let rows = x.len() / if one_hot.is_some() { gates } else { width };
        let sequences = rows / length;
        if let Some(bias) = one_hot {
            let bias = &flat[bias..][..gates];
            x.chunks_exact_mut(gates).for_each(|row| add(bias, row));
            transpose(x, &mut self.layers[0].gates, [sequences, length], gates);
        } else {
            ActivationCapture::keep(capture, 0, x);
            transpose(x, &mut self.read, [sequences, length], width);
        }
        // Layers of the residual stream that are captured before the first layer's states.
        let before = usize::from(one_hot.is_none());
        lap(profile, Part::Embedding);
        for at in 0..self.layers.len() {
            self.layer_forward(at, sequences, profile);
            if capture.is_some() || at + 1 == self.layers.len() {
                let states = &self.layers[at].states[sequences * width..];
                transpose(states, &mut self.last, [length, sequences], width);
                ActivationCapture::keep(capture, at + before, &self.last[..rows * width]);
            }
        }
        self.head.apply(rows, &self.last, outputs);
        lap(profile, Part::Head);
    }

    fn backward(&mut self, x: &mut [f32], outputs: &[f32], gradient: &mut [f32], profile: &mut Option<Profile>) {
        let (length, width, gates) = (self.length, self.width, self.gates);
        let one_hot = self.one_hot().is_some();
        let rows = x.len() / if one_hot { gates } else { width };
        let sequences = rows / length;
        let last = &mut x[..rows * width];
        self.head.backward(rows, &self.last, outputs, last, gradient, &mut self.packed);
        transpose(last, &mut self.gradient, [sequences, length], width);
        lap(profile, Part::Head);
        for at in (0..self.layers.len()).rev() {
            self.layer_backward(at, sequences, gradient, profile);
        }
        if one_hot {
            transpose(&self.layers[0].gates, x, [length, sequences], gates);
        } else {
            transpose(&self.gradient, x, [length, sequences], width);
        }
    }

    fn finish(&self, _flat: &[f32], _gradient: &mut [f32]) {}
}

/// [a, b, width] to [b, a, width].
fn transpose(from: &[f32], to: &mut [f32], [a, b]: [usize; 2], width: usize) {
    for i in 0..a {
        for (j, row) in from[i * b * width..][..b * width].chunks_exact(width).enumerate() {
            to[(j * a + i) * width..][..width].copy_from_slice(row);
        }
    }
}
