// For each sequence and key head, rows of b summed by the columns of weights (query by key), over all queries and the heads that
// share the key head: the gradient by keys or by values. One invocation: 8 keys, 8 columns of a head.

@group(0) @binding(0) var<storage, read_write> weights: array<vec4<f32>, SEQUENCES * HEADS * 4 * SPAN * SPAN>;
@group(0) @binding(1) var<storage, read_write> b: array<vec4<f32>, CELLS * B_STRIDE>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>, CELLS * OUT_STRIDE>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let column = id.x % (HEAD / 2) * 2;
    let key = id.x / (HEAD / 2) % (SPAN / 2);
    let shared_head = id.x / (HEAD / 2 * SPAN / 2);
    if (shared_head >= SEQUENCES * (HEADS / SHARE)) {
        return;
    }
    let sequence = shared_head / (HEADS / SHARE);
    let first = sequence * LENGTH;
    #each r 8
    var l$r = vec4<f32>();
    var r$r = vec4<f32>();
    #end
    for (var i = 0u; i < SHARE; i++) {
        let head = shared_head % (HEADS / SHARE) * SHARE + i;
        let base = head * HEAD + column;
        for (var query = key * 8; query < 4 * SPAN; query += 4) {
            // Beyond the sequence the weights are zero.
            let b0 = (first + min(query, LENGTH - 1)) * B_STRIDE + base;
            let b1 = (first + min(query + 1, LENGTH - 1)) * B_STRIDE + base;
            let b2 = (first + min(query + 2, LENGTH - 1)) * B_STRIDE + base;
            let b3 = (first + min(query + 3, LENGTH - 1)) * B_STRIDE + base;
            let ml = mat4x4<f32>(b[b0], b[b1], b[b2], b[b3]);
            let mr = mat4x4<f32>(b[b0 + 1], b[b1 + 1], b[b2 + 1], b[b3 + 1]);
            let at = ((sequence * HEADS + head) * 4 * SPAN + query) * SPAN + 2 * key;
            let top = transpose(mat4x4<f32>(weights[at], weights[at + SPAN], weights[at + 2 * SPAN], weights[at + 3 * SPAN]));
            let bottom = transpose(mat4x4<f32>(weights[at + 1], weights[at + SPAN + 1], weights[at + 2 * SPAN + 1], weights[at + 3 * SPAN + 1]));
            #each r 4
            l$r += ml * top[$r];
            r$r += mr * top[$r];
            #end
            #each r 4
            l$q += ml * bottom[$r];
            r$q += mr * bottom[$r];
            #end
        }
    }
    let to = (first + key * 8) * OUT_STRIDE + OUT_COLUMN + shared_head % (HEADS / SHARE) * HEAD + column;
    #each r 8
    if (key * 8 + $r < LENGTH) {
        out[to + $r * OUT_STRIDE] = l$r;
        out[to + $r * OUT_STRIDE + 1] = r$r;
    }
    #end
}
