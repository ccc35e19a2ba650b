// out = a w + bias, then what the layer does with it. One invocation: a tile of 8 rows and 8 columns, four steps of the sum at a
// time: a row of the tile grows by (four rows of w, as a matrix) times (four numbers of a).

@group(0) @binding(0) var<storage, read_write> a: array<vec4<f32>, ROWS * INNER>;
// INNER * 4 rows, then the bias.
@group(0) @binding(1) var<storage, read_write> w: array<vec4<f32>, (4 * INNER + 1) * COLUMNS>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>, ROWS * COLUMNS>;
#if RESIDUAL
@group(0) @binding(3) var<storage, read_write> residual: array<vec4<f32>, ROWS * COLUMNS>;
#endif
#if GELU
@group(0) @binding(3) var<storage, read_write> hidden: array<vec4<f32>, ROWS * COLUMNS>;
#endif
#if GATED
@group(0) @binding(3) var<storage, read_write> hidden: array<vec4<f32>, ROWS * COLUMNS / 2>;
#endif

fn put(row: u32, tile: u32, left: vec4<f32>, right: vec4<f32>) {
    let at = row * COLUMNS + 2 * tile;
#if RESIDUAL
    out[at] = left + residual[at];
    out[at + 1] = right + residual[at + 1];
#else
    out[at] = left;
    out[at + 1] = right;
#endif
#if GELU
    hidden[at] = gelu(left);
    hidden[at + 1] = gelu(right);
#endif
#if GATED
    // Gate and value lie beside each other, four by four.
#if GEGLU
    hidden[row * (COLUMNS / 2) + tile] = gelu_tanh(left) * right;
#else
    hidden[row * (COLUMNS / 2) + tile] = left * sigmoid(left) * right;
#endif
#endif
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let tile = id.x % (COLUMNS / 2);
    let row = id.x / (COLUMNS / 2) * 8;
    if (row >= ROWS) {
        return;
    }
#if BIASED
    let left = w[4 * INNER * COLUMNS + 2 * tile];
    let right = w[4 * INNER * COLUMNS + 2 * tile + 1];
#else
    let left = vec4<f32>();
    let right = vec4<f32>();
#endif
    #each r 8
    var l$r = left;
    var r$r = right;
    #end
    var at = row * INNER;
    var base = 2 * tile;
    for (var k = 0u; k < INNER; k++) {
        let ml = mat4x4<f32>(w[base], w[base + COLUMNS], w[base + 2 * COLUMNS], w[base + 3 * COLUMNS]);
        let mr = mat4x4<f32>(w[base + 1], w[base + COLUMNS + 1], w[base + 2 * COLUMNS + 1], w[base + 3 * COLUMNS + 1]);
        #each r 8
        let a$r = a[at + $r * INNER];
        l$r += ml * a$r;
        r$r += mr * a$r;
        #end
        at += 1;
        base += 4 * COLUMNS;
    }
    #each r 8
    put(row + $r, tile, l$r, r$r);
    #end
}
