// From the gradient by the weights to that by the unscaled scores, in place. One invocation: one query's row.

@group(0) @binding(0) var<storage, read_write> weights: array<vec4<f32>, SEQUENCES * HEADS * 4 * SPAN * SPAN>;
@group(0) @binding(1) var<storage, read_write> gradient: array<vec4<f32>, SEQUENCES * HEADS * 4 * SPAN * SPAN>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let query = id.x % (4 * SPAN);
    if (id.x >= SEQUENCES * HEADS * 4 * SPAN) {
        return;
    }
    let at = id.x * SPAN;
    let end = query / 8 * 2 + 2;
    var sums = vec4<f32>();
    for (var i = 0u; i < end; i++) {
        sums += weights[at + i] * gradient[at + i];
    }
    let mean = dot(sums, vec4<f32>(1.0));
    for (var i = 0u; i < end; i++) {
        gradient[at + i] = weights[at + i] * (gradient[at + i] - mean) * SCALE;
    }
}
