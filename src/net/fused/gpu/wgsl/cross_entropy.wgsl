// From logits to each cell's share of the mean loss and to the gradient of the mean loss by the logits, in place. One invocation: one cell.

@group(0) @binding(0) var<storage, read_write> batch: array<u32, BATCH>;
@group(0) @binding(1) var<storage, read_write> logits: array<f32, CELLS * OUTPUTS>;
@group(0) @binding(2) var<storage, read_write> losses: array<f32, CELLS>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let cell = id.x;
    if (cell >= CELLS) {
        return;
    }
    let at = cell * OUTPUTS;
    let there = cell <= LAST;
    let scale = select(0.0, 1.0 / f32(LAST + 1), there);
    let target_token = batch[TARGETS + min(cell, LAST)];
    var most = logits[at];
    for (var i = 1u; i < SIZE; i++) {
        most = max(most, logits[at + i]);
    }
    var sum = 0.0;
    for (var i = 0u; i < SIZE; i++) {
        sum += exp(logits[at + i] - most);
    }
    losses[cell] = scale * (log(sum) + most - logits[at + target_token]);
    for (var i = 0u; i < SIZE; i++) {
        let p = exp(logits[at + i] - most) / sum;
        logits[at + i] = scale * (p - select(0.0, 1.0, i == target_token));
    }
}
