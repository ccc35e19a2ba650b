// x = embedding of what is read, plus the position's vector where the net learns those. One invocation: four columns of a cell.

@group(0) @binding(0) var<storage, read_write> batch: array<u32, BATCH>;
@group(0) @binding(1) var<storage, read_write> embedding: array<vec4<f32>, EMBEDDING>;
@group(0) @binding(2) var<storage, read_write> x: array<vec4<f32>, CELLS * WIDTH>;
#if POSITIONS
@group(0) @binding(3) var<storage, read_write> positions: array<vec4<f32>, TABLE>;
#endif

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let cell = id.x / WIDTH;
    let column = id.x % WIDTH;
    if (cell >= CELLS) {
        return;
    }
    // Cells beyond the batch only fill the last tile.
    let read = batch[min(cell, LAST)];
    var value = embedding[read * WIDTH + column];
#if POSITIONS
    value += positions[(cell % LENGTH) * WIDTH + column];
#endif
    x[id.x] = value;
}
