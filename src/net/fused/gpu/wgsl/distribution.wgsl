// The predictive distribution of each cell: log-probabilities of its logits, or the Gaussian as it is. One invocation: one cell.

@group(0) @binding(0) var<storage, read_write> logits: array<f32, CELLS * OUTPUTS>;
@group(0) @binding(1) var<storage, read_write> distribution: array<f32, CELLS * TRUE_OUTPUTS>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let cell = id.x;
    if (cell >= CELLS) {
        return;
    }
    let at = cell * OUTPUTS;
    let to = cell * TRUE_OUTPUTS;
#if VECTORS
    let shift = 0.0;
#else
    var most = logits[at];
    for (var i = 1u; i < TRUE_OUTPUTS; i++) {
        most = max(most, logits[at + i]);
    }
    var sum = 0.0;
    for (var i = 0u; i < TRUE_OUTPUTS; i++) {
        sum += exp(logits[at + i] - most);
    }
    let shift = log(sum) + most;
#endif
    for (var i = 0u; i < TRUE_OUTPUTS; i++) {
        distribution[to + i] = logits[at + i] - shift;
    }
}
