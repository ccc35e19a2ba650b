// y = normalised x, times gain, plus shift (LayerNorm) or without (RMSNorm). One invocation: one cell.
// Keeps mean and 1 / deviation for the way back.

@group(0) @binding(0) var<storage, read_write> x: array<vec4<f32>, CELLS * WIDTH>;
// Gain, then shift.
@group(0) @binding(1) var<storage, read_write> scale: array<vec4<f32>, 2 * WIDTH>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>, CELLS * WIDTH>;
@group(0) @binding(3) var<storage, read_write> stats: array<vec2<f32>, CELLS>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= CELLS) {
        return;
    }
    let at = id.x * WIDTH;
    var mean = 0.0;
#if CENTRED
    var sum = vec4<f32>();
    for (var i = 0u; i < WIDTH; i++) {
        sum += x[at + i];
    }
    mean = dot(sum, vec4<f32>(1.0)) / TRUE_WIDTH;
#endif
    var square = vec4<f32>();
    for (var i = 0u; i < WIDTH; i++) {
        let d = x[at + i] - mean;
        square += d * d;
    }
    // Padding holds zeros: what they added is taken away again.
    let variance = (dot(square, vec4<f32>(1.0)) - PADDING * mean * mean) / TRUE_WIDTH;
    let inverse = 1.0 / sqrt(variance + EPSILON);
    for (var i = 0u; i < WIDTH; i++) {
#if CENTRED
        y[at + i] = (x[at + i] - mean) * inverse * scale[i] + scale[WIDTH + i];
#else
        y[at + i] = x[at + i] * inverse * scale[i];
#endif
    }
    stats[id.x] = vec2<f32>(mean, inverse);
}
