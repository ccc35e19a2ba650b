// From a Gaussian's mean and the logarithm of its variance to each cell's share of the mean loss and to its gradient by these, in
// place. One invocation: one cell.

@group(0) @binding(0) var<storage, read_write> batch: array<f32, BATCH>;
// Of each cell SIZE means, then the logarithm, then padding.
@group(0) @binding(1) var<storage, read_write> distribution: array<f32, CELLS * OUTPUTS>;
@group(0) @binding(2) var<storage, read_write> losses: array<f32, CELLS>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let cell = id.x;
    if (cell >= CELLS) {
        return;
    }
    let at = cell * OUTPUTS;
    let scale = select(0.0, 1.0 / f32(LAST + 1), cell <= LAST);
    let values = min(cell, LAST) * SIZE;
    let log_variance = distribution[at + SIZE];
    let inverse = exp(-log_variance);
    var square = 0.0;
    for (var i = 0u; i < SIZE; i++) {
        let off = distribution[at + i] - batch[values + i];
        square += off * off;
        distribution[at + i] = scale * off * inverse;
    }
    // 1.8378771 = ln 2π.
    losses[cell] = scale * 0.5 * ((log_variance + 1.8378771) * f32(SIZE) + square * inverse);
    distribution[at + SIZE] = scale * 0.5 * (f32(SIZE) - square * inverse);
}
