// The way back of a layer of gated units through all times, from the gradient by its states to those by what its gates are made of.
// Workgroups and invocations are the way there's.

// In: the gates' values. Out: the gradients by what comes from below. Cells beyond the batch get zeros.
@group(0) @binding(0) var<storage, read_write> gates: array<vec4<f32>, CELLS * ROW>;
@group(0) @binding(1) var<storage, read_write> w: array<vec4<f32>, (4 * WIDTH + 1) * ROW>;
@group(0) @binding(2) var<storage, read_write> kept: array<vec4<f32>, CELLS * WIDTH>;
// The gradient by the states, from above.
@group(0) @binding(3) var<storage, read_write> dstates: array<vec4<f32>, CELLS * WIDTH>;
#if LSTM
#else
@group(0) @binding(4) var<storage, read_write> before: array<vec4<f32>, CELLS * WIDTH>;
// The gradients by what comes from the state, which an LSTM adds to what comes from below, and a GRU not always.
@group(0) @binding(5) var<storage, read_write> dproducts: array<vec4<f32>, CELLS * ROW>;
#endif

// Of each sequence: this time's gradients by what comes from the state; and by the state before, from the times behind.
var<workgroup> d: array<vec4<f32>, PER * ROW>;
var<workgroup> later: array<vec4<f32>, PER * WIDTH>;
#if LSTM
// And by the cell before.
var<workgroup> dcell: array<vec4<f32>, PER * WIDTH>;
#endif

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) me: u32) {
    let seat = me / LANES;
    let first = me % LANES;
    let sequence = group.x * PER + seat;
    let here = seat < PER && sequence < SEQUENCES;
    if (group.x == 0) {
        for (var i = SEQUENCES * LENGTH * ROW + me; i < CELLS * ROW; i += 64) {
            gates[i] = vec4<f32>();
        }
    }
    for (var i = me; i < PER * WIDTH; i += 64) {
        later[i] = vec4<f32>();
#if LSTM
        dcell[i] = vec4<f32>();
#endif
    }
    for (var back = 0u; back < LENGTH; back++) {
        workgroupBarrier();
        let time = LENGTH - 1 - back;
        let cell = sequence * LENGTH + time;
        if (here) {
            for (var unit = first; unit < WIDTH; unit += LANES) {
                let gate = cell * ROW + unit;
                let at = cell * WIDTH + unit;
                let own = seat * WIDTH + unit;
                let to = seat * ROW + unit;
                let h = dstates[at] + later[own];
#if LSTM
                let i = gates[gate];
                let f = gates[gate + WIDTH];
                let g = gates[gate + 2 * WIDTH];
                let o = gates[gate + 3 * WIDTH];
                let b = bounded(kept[at]);
                let c = h * o * (1.0 - b * b) + dcell[own];
                var old = vec4<f32>();
                if (time > 0) {
                    old = kept[at - WIDTH];
                }
                let di = c * g * i * (1.0 - i);
                let df = c * old * f * (1.0 - f);
                let dg = c * i * (1.0 - g * g);
                let dout = h * b * o * (1.0 - o);
                d[to] = di;
                d[to + WIDTH] = df;
                d[to + 2 * WIDTH] = dg;
                d[to + 3 * WIDTH] = dout;
                gates[gate] = di;
                gates[gate + WIDTH] = df;
                gates[gate + 2 * WIDTH] = dg;
                gates[gate + 3 * WIDTH] = dout;
                dcell[own] = c * f;
                later[own] = vec4<f32>();
#else
                let r = gates[gate];
                let z = gates[gate + WIDTH];
                let n = gates[gate + 2 * WIDTH];
                let past = h * z;
                let dn = (h - past) * (1.0 - n * n);
                let dz = h * (before[at] - n) * z * (1.0 - z);
                let dr = dn * kept[at] * r * (1.0 - r);
                d[to] = dr;
                d[to + WIDTH] = dz;
                d[to + 2 * WIDTH] = dn * r;
                dproducts[gate] = dr;
                dproducts[gate + WIDTH] = dz;
                dproducts[gate + 2 * WIDTH] = dn * r;
                gates[gate] = dr;
                gates[gate + WIDTH] = dz;
                gates[gate + 2 * WIDTH] = dn;
                later[own] = past;
#endif
            }
        }
        workgroupBarrier();
        if (here) {
            for (var unit = first; unit < WIDTH; unit += LANES) {
                var sum = later[seat * WIDTH + unit];
                let row = 4 * unit * ROW;
                for (var k = 0u; k < ROW; k++) {
                    sum += d[seat * ROW + k] * mat4x4<f32>(w[row + k], w[row + ROW + k], w[row + 2 * ROW + k], w[row + 3 * ROW + k]);
                }
                later[seat * WIDTH + unit] = sum;
            }
        }
    }
}
