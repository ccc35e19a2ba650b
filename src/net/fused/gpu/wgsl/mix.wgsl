// For each sequence and query head, rows of b summed by weights (query by key): what attention reads, or the gradient by the query.
// One invocation: 8 queries, 8 columns of a head.

@group(0) @binding(0) var<storage, read_write> weights: array<vec4<f32>, SEQUENCES * HEADS * 4 * SPAN * SPAN>;
@group(0) @binding(1) var<storage, read_write> b: array<vec4<f32>, CELLS * B_STRIDE>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>, CELLS * OUT_STRIDE>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let column = id.x % (HEAD / 2) * 2;
    let query = id.x / (HEAD / 2) % (SPAN / 2);
    let head = id.x / (HEAD / 2 * SPAN / 2);
    if (head >= SEQUENCES * HEADS) {
        return;
    }
    let first = head / HEADS * LENGTH;
    let base = B_COLUMN + head % HEADS / SHARE * HEAD + column;
    var at = (head * 4 * SPAN + query * 8) * SPAN;
    #each r 8
    var l$r = vec4<f32>();
    var r$r = vec4<f32>();
    #end
    for (var k = 0u; k < 2 * query + 2; k++) {
        // Beyond the sequence the weights are zero.
        let b0 = (first + min(4 * k, LENGTH - 1)) * B_STRIDE + base;
        let b1 = (first + min(4 * k + 1, LENGTH - 1)) * B_STRIDE + base;
        let b2 = (first + min(4 * k + 2, LENGTH - 1)) * B_STRIDE + base;
        let b3 = (first + min(4 * k + 3, LENGTH - 1)) * B_STRIDE + base;
        let ml = mat4x4<f32>(b[b0], b[b1], b[b2], b[b3]);
        let mr = mat4x4<f32>(b[b0 + 1], b[b1 + 1], b[b2 + 1], b[b3 + 1]);
        #each r 8
        let w$r = weights[at + $r * SPAN];
        l$r += ml * w$r;
        r$r += mr * w$r;
        #end
        at += 1;
    }
    let to = (first + query * 8) * OUT_STRIDE + head % HEADS * HEAD + column;
    #each r 8
    if (query * 8 + $r < LENGTH) {
        out[to + $r * OUT_STRIDE] = l$r;
        out[to + $r * OUT_STRIDE + 1] = r$r;
    }
    #end
}
