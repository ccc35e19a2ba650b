// Causal softmax of the scores, in place, and zeros where nobody looks up to the end of the tile. One invocation: one query's row.

@group(0) @binding(0) var<storage, read_write> scores: array<vec4<f32>, SEQUENCES * HEADS * 4 * SPAN * SPAN>;

// Four scores as the softmax sees them.
fn score(at: u32, i: u32, query: u32, slope: f32) -> vec4<f32> {
    let key = vec4<u32>(4u * i) + vec4<u32>(0u, 1u, 2u, 3u);
    let s = scores[at + i] * SCALE - slope * (f32(query) - vec4<f32>(key));
    return select(vec4<f32>(-1e30), s, key <= vec4<u32>(query));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let query = id.x % (4 * SPAN);
    let head = id.x / (4 * SPAN);
    if (head >= SEQUENCES * HEADS) {
        return;
    }
    let at = id.x * SPAN;
    let end = query / 8 * 2 + 2;
    if (query >= LENGTH) {
        for (var i = 0u; i < end; i++) {
            scores[at + i] = vec4<f32>();
        }
        return;
    }
#if ALIBI
    let slope = exp2(-8.0 * f32(head % HEADS + 1) / f32(HEADS));
#else
    let slope = 0.0;
#endif
    var most = vec4<f32>(-1e30);
    for (var i = 0u; i <= query / 4; i++) {
        most = max(most, score(at, i, query, slope));
    }
    let top = max(max(most.x, most.y), max(most.z, most.w));
    var sums = vec4<f32>();
    for (var i = 0u; i < end; i++) {
        // exp(-1e30) is zero.
        let e = exp(score(at, i, query, slope) - top);
        sums += e;
        scores[at + i] = e;
    }
    let inverse = 1.0 / dot(sums, vec4<f32>(1.0));
    for (var i = 0u; i < end; i++) {
        scores[at + i] *= inverse;
    }
}
