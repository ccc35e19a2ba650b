//! Recurrent layers as dispatches: a layer's way through all times is one, since the times wait for each other within a workgroup.

use super::{
    packing::{Layer, padded},
    program::{Binding, Buffer, WORKGROUP, whole},
    step::{Builder, Trunk},
    template::Value::{self, Size},
};
use crate::experiment::Architecture;

// A sigmoid, and tanh.
const RECUR: &str = concat!(include_str!("wgsl/activation.wgsl"), include_str!("wgsl/recur.wgsl"));
const RECUR_BACK: &str = concat!(include_str!("wgsl/activation.wgsl"), include_str!("wgsl/recur_back.wgsl"));

/// What a layer's forward pass leaves for the way back.
pub(super) struct KeptLayer {
    /// The gates' values, then the gradients by what they are made of.
    gates: Buffer,
    before: Buffer,
    states: Buffer,
    kept: Buffer,
}

impl Builder<'_> {
    /// All layers; with what the head reads. `x`: what was read; of one-hot tokens what comes from below in the first layer, its gates.
    pub(super) fn layers(&mut self, mut x: Buffer) -> (Trunk, Buffer) {
        let mut kept = Vec::new();
        let packing = self.packing;
        for (at, layer) in packing.layers.iter().enumerate() {
            let gates = if at == 0 && packing.one_hot { x } else { self.gate_inputs(*layer, x) };
            let of_layer = self.layer(*layer, gates);
            x = of_layer.states;
            kept.push(of_layer);
        }
        (Trunk::Layers(kept), x)
    }

    fn gate_inputs(&mut self, layer: Layer, x: Buffer) -> Buffer {
        let gates = self.zeros(self.cells * layer.input.columns);
        self.linear(layer.input, x, gates, None, &[]);
        gates
    }

    fn layer(&mut self, layer: Layer, gates: Buffer) -> KeptLayer {
        let (d, cells) = (padded(self.net.width), self.cells);
        let [before, states, kept] = [(); 3].map(|()| self.zeros(cells * d));
        let bindings = [whole(gates), self.of(layer.state), whole(before), whole(states), whole(kept)];
        self.through_time("recur", RECUR, layer, &bindings);
        KeptLayer { gates, before, states, kept }
    }

    /// From the gradient by the logits to that by what was read, `x`; of one-hot tokens, to that by the first layer's gates.
    pub(super) fn layers_back(&mut self, kept: &[KeptLayer], x: Buffer, logits: Buffer) -> Buffer {
        let (packing, cells) = (self.packing, self.cells);
        let dx = self.zeros(cells * padded(self.net.width));
        self.linear_back(packing.head, logits, dx, &[]);
        let lstm = self.net.architecture == Architecture::Lstm;
        // One layer's serve every layer.
        let products = (!lstm).then(|| self.zeros(cells * packing.layers.first().map_or(0, |l| l.state.columns)));
        for (at, (layer, of_layer)) in packing.layers.iter().zip(kept).enumerate().rev() {
            let mut bindings = vec![whole(of_layer.gates), self.of(layer.state), whole(of_layer.kept), whole(dx)];
            bindings.extend(products.iter().flat_map(|products| [whole(of_layer.before), whole(*products)]));
            self.through_time("recur_back", RECUR_BACK, *layer, &bindings);
            self.linear_weights(layer.state, of_layer.before, products.unwrap_or(of_layer.gates));
            if at == 0 && packing.one_hot {
                return of_layer.gates;
            }
            let below = at.checked_sub(1).map_or(x, |below| kept[below].states);
            self.linear_weights(layer.input, below, of_layer.gates);
            self.linear_back(layer.input, of_layer.gates, dx, &[]);
        }
        dx
    }

    fn through_time(&mut self, name: &'static str, text: &str, layer: Layer, bindings: &[Binding]) {
        let width = layer.state.rows / 4;
        // Invocations of a sequence, and sequences of a workgroup.
        let lanes = width.min(WORKGROUP);
        let per = WORKGROUP / lanes;
        let sequences = self.batch.sequences;
        let sizes: [(&str, Value); 7] = [
            ("CELLS", Size(self.cells)),
            ("SEQUENCES", Size(sequences)),
            ("LENGTH", Size(self.batch.length)),
            ("WIDTH", Size(width)),
            ("ROW", Size(layer.state.columns / 4)),
            ("LANES", Size(lanes)),
            ("PER", Size(per)),
        ];
        let flags: &[&str] = if self.net.architecture == Architecture::Lstm { &["LSTM"] } else { &[] };
        self.run(name, text, &sizes, flags, bindings, sequences.div_ceil(per) * WORKGROUP);
    }
}
