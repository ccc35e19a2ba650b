// Gradients of the embedding's rows, and of the learned positions: each slice's part. One invocation: four columns of a row.
// The batch brings its cells in the order of what is read there, so that nobody searches and no sum depends on who comes first.

@group(0) @binding(0) var<storage, read_write> batch: array<u32, BATCH>;
@group(0) @binding(1) var<storage, read_write> dx: array<vec4<f32>, CELLS * WIDTH>;
@group(0) @binding(2) var<storage, read_write> parts: array<vec4<f32>, SLICES * PACKED>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let column = id.x % WIDTH;
    let slice = id.x / WIDTH % SLICES;
    let row = id.x / (WIDTH * SLICES);
    var sum = vec4<f32>();
    if (row < VOCABULARY) {
        let end = batch[STARTS + row + 1];
        for (var i = batch[STARTS + row] + slice; i < end; i += SLICES) {
            sum += dx[batch[ORDER + i] * WIDTH + column];
        }
        parts[slice * PACKED + EMBEDDING + row * WIDTH + column] = sum;
        return;
    }
    let position = row - VOCABULARY;
    if (position >= CONTEXT) {
        return;
    }
    if (position < LENGTH) {
        for (var cell = slice * LENGTH + position; cell <= LAST; cell += SLICES * LENGTH) {
            sum += dx[cell * WIDTH + column];
        }
    }
    parts[slice * PACKED + POSITIONS + position * WIDTH + column] = sum;
}
