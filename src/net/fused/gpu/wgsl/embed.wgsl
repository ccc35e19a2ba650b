// x = embedding of what is read, plus the position's vector where the net learns those. A vector is read by a matrix, a row for each
// of its SIZE numbers, then the bias, then the start token. Where a recurrent layer reads one-hot tokens, the rows are those of its
// input matrix, and its bias comes behind them. One invocation: four columns of a cell.

#if VECTORS
@group(0) @binding(0) var<storage, read_write> batch: array<f32, BATCH>;
#else
@group(0) @binding(0) var<storage, read_write> batch: array<u32, BATCH>;
#endif
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
    let real = min(cell, LAST);
#if VECTORS
    var value = embedding[(SIZE + 1) * WIDTH + column];
    if (real % LENGTH > 0) {
        value = embedding[SIZE * WIDTH + column];
        for (var i = 0u; i < SIZE; i++) {
            value += batch[(real - 1) * SIZE + i] * embedding[i * WIDTH + column];
        }
    }
#else
    var value = embedding[batch[real] * WIDTH + column];
#endif
#if BIASED
    value += embedding[BIAS * WIDTH + column];
#endif
#if POSITIONS
    value += positions[(cell % LENGTH) * WIDTH + column];
#endif
    x[id.x] = value;
}
