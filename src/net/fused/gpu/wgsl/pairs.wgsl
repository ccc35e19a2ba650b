// For each sequence and query head, what each query's row of a has in common with each key's row of b: scores (query by key), or
// the gradient of the weights (gradient of what was mixed, by value). Tiles of 8 x 8 on and below the diagonal only.

@group(0) @binding(0) var<storage, read_write> a: array<vec4<f32>, CELLS * A_STRIDE>;
// [sequences · heads, SPAN * 4, SPAN * 4]
@group(0) @binding(1) var<storage, read_write> out: array<vec4<f32>, SEQUENCES * HEADS * 4 * SPAN * SPAN>;
#if SAME
#else
// Where queries and keys lie in one buffer, b is a: a buffer that can be written to is bound once.
@group(0) @binding(2) var<storage, read_write> b: array<vec4<f32>, CELLS * B_STRIDE>;
#endif

fn key_part(at: u32) -> vec4<f32> {
#if SAME
    return a[at];
#else
    return b[at];
#endif
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let key = id.x % (SPAN / 2);
    let query = id.x / (SPAN / 2) % (SPAN / 2);
    let head = id.x / (SPAN / 2 * SPAN / 2);
    if (head >= SEQUENCES * HEADS || key > query) {
        return;
    }
    let first = head / HEADS * LENGTH;
    let last = first + LENGTH - 1;
    // Rows beyond the sequence repeat its last one; nobody uses what comes of it.
    #each r 8
    var a$r = min(first + query * 8 + $r, last) * A_STRIDE + A_COLUMN + head % HEADS * HEAD;
    var b$r = min(first + key * 8 + $r, last) * B_STRIDE + B_COLUMN + head % HEADS / SHARE * HEAD;
    var l$r = vec4<f32>();
    var r$r = vec4<f32>();
    #end
    for (var k = 0u; k < HEAD; k++) {
        let ml = mat4x4<f32>(key_part(b0 + k), key_part(b1 + k), key_part(b2 + k), key_part(b3 + k));
        let mr = mat4x4<f32>(key_part(b4 + k), key_part(b5 + k), key_part(b6 + k), key_part(b7 + k));
        #each r 8
        let v$r = a[a$r + k];
        l$r += v$r * ml;
        r$r += v$r * mr;
        #end
    }
    let at = (head * 4 * SPAN + query * 8) * SPAN + 2 * key;
    #each r 8
    out[at + $r * SPAN] = l$r;
    out[at + $r * SPAN + 1] = r$r;
    #end
}
