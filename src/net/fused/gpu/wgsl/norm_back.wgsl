// Back through a norm. The first invocations take a cell each and write the gradient by x; the others take four columns and a
// slice of the cells each, and write that slice's part of the gradient by gain and shift.

@group(0) @binding(0) var<storage, read_write> x: array<vec4<f32>, CELLS * WIDTH>;
@group(0) @binding(1) var<storage, read_write> scale: array<vec4<f32>, 2 * WIDTH>;
@group(0) @binding(2) var<storage, read_write> stats: array<vec2<f32>, CELLS>;
@group(0) @binding(3) var<storage, read_write> dy: array<vec4<f32>, CELLS * WIDTH>;
@group(0) @binding(4) var<storage, read_write> dx: array<vec4<f32>, CELLS * WIDTH>;
@group(0) @binding(5) var<storage, read_write> parts: array<vec4<f32>, (SLICES - 1) * PACKED + 2 * WIDTH>;

fn by_cell(cell: u32) {
    let at = cell * WIDTH;
    let mean = stats[cell].x;
    let inverse = stats[cell].y;
    var sum = vec4<f32>();
    var along = vec4<f32>();
    for (var i = 0u; i < WIDTH; i++) {
        let g = dy[at + i] * scale[i];
        sum += g;
        along += g * (x[at + i] - mean);
    }
#if CENTRED
    let shift = dot(sum, vec4<f32>(1.0)) / TRUE_WIDTH;
#else
    let shift = 0.0;
#endif
    let slope = dot(along, vec4<f32>(1.0)) / TRUE_WIDTH * inverse * inverse;
    for (var i = 0u; i < WIDTH; i++) {
        var g = inverse * (dy[at + i] * scale[i] - shift - (x[at + i] - mean) * slope);
        // Padding stays zero.
        g = select(vec4<f32>(), g, vec4<u32>(4u * i) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(u32(TRUE_WIDTH)));
#if ADDS
        dx[at + i] += g;
#else
        dx[at + i] = g;
#endif
    }
}

fn by_column(slice: u32, column: u32) {
    var gain = vec4<f32>();
    var shift = vec4<f32>();
    for (var cell = slice * SLICE; cell < min((slice + 1) * SLICE, CELLS); cell++) {
        let g = dy[cell * WIDTH + column];
        let s = stats[cell];
        gain += g * (x[cell * WIDTH + column] - s.x) * s.y;
        shift += g;
    }
    parts[slice * PACKED + column] = gain;
    parts[slice * PACKED + WIDTH + column] = shift;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    // A workgroup does one of the two.
    let first = (CELLS + 63u) / 64u * 64u;
    if (id.x < first) {
        if (id.x < CELLS) {
            by_cell(id.x);
        }
    } else {
        let i = id.x - first;
        if (i < SLICES * WIDTH) {
            by_column(i / WIDTH, i % WIDTH);
        }
    }
}
