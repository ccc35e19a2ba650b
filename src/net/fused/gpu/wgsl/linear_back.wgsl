// da = dout wᵀ, then back through what made a. One invocation: a tile of 8 rows and 8 columns of a (8 rows of w).

@group(0) @binding(0) var<storage, read_write> dout: array<vec4<f32>, ROWS * COLUMNS>;
@group(0) @binding(1) var<storage, read_write> w: array<vec4<f32>, 4 * INNER * COLUMNS>;
#if GATED
// Holds gate and value, four by four, and then their gradients.
@group(0) @binding(2) var<storage, read_write> da: array<vec4<f32>, 2 * ROWS * INNER>;
#else
// With GELU it holds what GELU was taken of, and then the gradient by that.
@group(0) @binding(2) var<storage, read_write> da: array<vec4<f32>, ROWS * INNER>;
#endif

fn put(at: u32, g: vec4<f32>) {
#if GELU
    da[at] = g * gelu_slope(da[at]);
#else
#if GATED
    let gate = da[2 * at];
    let value = da[2 * at + 1];
#if GEGLU
    da[2 * at] = g * value * gelu_tanh_slope(gate);
    da[2 * at + 1] = g * gelu_tanh(gate);
#else
    let s = sigmoid(gate);
    da[2 * at] = g * value * s * (1.0 + gate * (1.0 - s));
    da[2 * at + 1] = g * gate * s;
#endif
#else
    da[at] = g;
#endif
#endif
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let tile = id.x % (INNER / 2);
    let row = id.x / (INNER / 2) * 8;
    if (row >= ROWS) {
        return;
    }
    #each r 8
    var l$r = vec4<f32>();
    var r$r = vec4<f32>();
    #end
    var at = row * COLUMNS;
    var base = tile * 8 * COLUMNS;
    for (var k = 0u; k < COLUMNS; k++) {
        let ml = mat4x4<f32>(w[base], w[base + COLUMNS], w[base + 2 * COLUMNS], w[base + 3 * COLUMNS]);
        let mr = mat4x4<f32>(w[base + 4 * COLUMNS], w[base + 5 * COLUMNS], w[base + 6 * COLUMNS], w[base + 7 * COLUMNS]);
        #each r 8
        let a$r = dout[at + $r * COLUMNS];
        l$r += a$r * ml;
        r$r += a$r * mr;
        #end
        at += 1;
        base += 1;
    }
    #each r 8
    put((row + $r) * INNER + 2 * tile, l$r);
    put((row + $r) * INNER + 2 * tile + 1, r$r);
    #end
}
