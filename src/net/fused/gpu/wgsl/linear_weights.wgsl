// A slice's part of the gradient by a layer's matrix, aᵀ dout, and by its bias, the sum of dout. One invocation: a tile of 8 x 8,
// four cells at a time.

@group(0) @binding(0) var<storage, read_write> a: array<vec4<f32>, ROWS * INNER>;
@group(0) @binding(1) var<storage, read_write> dout: array<vec4<f32>, ROWS * COLUMNS>;
@group(0) @binding(2) var<storage, read_write> parts: array<vec4<f32>, (SLICES - 1) * PACKED + (4 * INNER + 1) * COLUMNS>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let column = id.x % (COLUMNS / 2) * 2;
    let inner = id.x / (COLUMNS / 2) % (INNER / 2) * 2;
    let slice = id.x / (COLUMNS / 2 * INNER / 2);
    if (slice >= SLICES) {
        return;
    }
    #each r 8
    var l$r = vec4<f32>();
    var r$r = vec4<f32>();
    #end
#if BIASED
    var bl = vec4<f32>();
    var br = vec4<f32>();
#endif
    for (var row = slice * SLICE; row < min((slice + 1) * SLICE, ROWS); row += 4) {
        let base = row * COLUMNS + column;
        let ml = mat4x4<f32>(dout[base], dout[base + COLUMNS], dout[base + 2 * COLUMNS], dout[base + 3 * COLUMNS]);
        let mr = mat4x4<f32>(dout[base + 1], dout[base + COLUMNS + 1], dout[base + 2 * COLUMNS + 1], dout[base + 3 * COLUMNS + 1]);
        let at = row * INNER + inner;
        let top = transpose(mat4x4<f32>(a[at], a[at + INNER], a[at + 2 * INNER], a[at + 3 * INNER]));
        let bottom = transpose(mat4x4<f32>(a[at + 1], a[at + INNER + 1], a[at + 2 * INNER + 1], a[at + 3 * INNER + 1]));
        #each r 4
        l$r += ml * top[$r];
        r$r += mr * top[$r];
        #end
        #each r 4
        l$q += ml * bottom[$r];
        r$q += mr * bottom[$r];
        #end
#if BIASED
        bl += ml * vec4<f32>(1.0);
        br += mr * vec4<f32>(1.0);
#endif
    }
    let at = slice * PACKED + inner * 4 * COLUMNS + column;
    #each r 8
    parts[at + $r * COLUMNS] = l$r;
    parts[at + $r * COLUMNS + 1] = r$r;
    #end
#if BIASED
    if (inner == 0) {
        parts[slice * PACKED + 4 * INNER * COLUMNS + column] = bl;
        parts[slice * PACKED + 4 * INNER * COLUMNS + column + 1] = br;
    }
#endif
}
