// Gradients of the embedding's rows, and of the learned positions: each slice's part. One invocation: four columns of a row.
// A batch of tokens brings its cells in the order of what is read there, so that nobody searches and no sum depends on who comes first.

#if VECTORS
@group(0) @binding(0) var<storage, read_write> batch: array<f32, BATCH>;
#else
@group(0) @binding(0) var<storage, read_write> batch: array<u32, BATCH>;
#endif
@group(0) @binding(1) var<storage, read_write> dx: array<vec4<f32>, CELLS * WIDTH>;
@group(0) @binding(2) var<storage, read_write> parts: array<vec4<f32>, SLICES * PACKED>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let column = id.x % WIDTH;
    let slice = id.x / WIDTH % SLICES;
    let row = id.x / (WIDTH * SLICES);
    var sum = vec4<f32>();
    if (row < ROWS) {
#if VECTORS
        for (var first = slice * LENGTH; first <= LAST; first += SLICES * LENGTH) {
            if (row == SIZE + 1) {
                sum += dx[first * WIDTH + column];
                continue;
            }
            for (var cell = first + 1; cell < first + LENGTH; cell++) {
                var factor = 1.0;
                if (row < SIZE) {
                    factor = batch[(cell - 1) * SIZE + row];
                }
                sum += factor * dx[cell * WIDTH + column];
            }
        }
#else
        let end = batch[STARTS + row + 1];
        for (var i = batch[STARTS + row] + slice; i < end; i += SLICES) {
            sum += dx[batch[ORDER + i] * WIDTH + column];
        }
#endif
        parts[slice * PACKED + EMBEDDING + row * WIDTH + column] = sum;
        return;
    }
#if BIASED
    if (row == ROWS) {
        for (var cell = slice; cell <= LAST; cell += SLICES) {
            sum += dx[cell * WIDTH + column];
        }
        parts[slice * PACKED + EMBEDDING + row * WIDTH + column] = sum;
    }
    return;
#else
    let position = row - ROWS;
    if (position >= CONTEXT) {
        return;
    }
    if (position < LENGTH) {
        for (var cell = slice * LENGTH + position; cell <= LAST; cell += SLICES * LENGTH) {
            sum += dx[cell * WIDTH + column];
        }
    }
    parts[slice * PACKED + POSITIONS + position * WIDTH + column] = sum;
#endif
}
