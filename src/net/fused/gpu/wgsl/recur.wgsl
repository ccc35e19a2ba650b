// A layer of gated units through all times, the product with the state among them. One workgroup: PER sequences, each with its state in
// the workgroup's memory. One invocation: four units of a sequence, and every 4 LANES-th after them.

// In: what comes from below (for an LSTM with its bias). Out: the gates' values. Gate after gate, WIDTH vectors each.
@group(0) @binding(0) var<storage, read_write> gates: array<vec4<f32>, CELLS * ROW>;
// The state's matrix, then its bias.
@group(0) @binding(1) var<storage, read_write> w: array<vec4<f32>, (4 * WIDTH + 1) * ROW>;
// The states before each cell, and behind it.
@group(0) @binding(2) var<storage, read_write> before: array<vec4<f32>, CELLS * WIDTH>;
@group(0) @binding(3) var<storage, read_write> states: array<vec4<f32>, CELLS * WIDTH>;
// For the way back: of an LSTM the cell behind, of a GRU what the state adds to the new gate.
@group(0) @binding(4) var<storage, read_write> kept: array<vec4<f32>, CELLS * WIDTH>;

// The states before this time, and behind it.
var<workgroup> h: array<vec4<f32>, 2 * PER * WIDTH>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) me: u32) {
    let seat = me / LANES;
    let first = me % LANES;
    let sequence = group.x * PER + seat;
    let here = seat < PER && sequence < SEQUENCES;
    for (var i = me; i < PER * WIDTH; i += 64) {
        h[i] = vec4<f32>();
    }
    var now = 0u;
    for (var time = 0u; time < LENGTH; time++) {
        workgroupBarrier();
        let next = PER * WIDTH - now;
        if (here) {
            let cell = sequence * LENGTH + time;
            let state = now + seat * WIDTH;
            for (var unit = first; unit < WIDTH; unit += LANES) {
                let bias = 4 * WIDTH * ROW + unit;
                #each r 3
                var s$r = w[bias + $r * WIDTH];
                #end
#if LSTM
                var s3 = w[bias + 3 * WIDTH];
#endif
                var at = unit;
                for (var k = 0u; k < WIDTH; k++) {
                    let x = h[state + k];
                    #each r 3
                    s$r += mat4x4<f32>(w[at + $r * WIDTH], w[at + ROW + $r * WIDTH], w[at + 2 * ROW + $r * WIDTH], w[at + 3 * ROW + $r * WIDTH]) * x;
                    #end
#if LSTM
                    s3 += mat4x4<f32>(w[at + 3 * WIDTH], w[at + ROW + 3 * WIDTH], w[at + 2 * ROW + 3 * WIDTH], w[at + 3 * ROW + 3 * WIDTH]) * x;
#endif
                    at += 4 * ROW;
                }
                let gate = cell * ROW + unit;
                let to = cell * WIDTH + unit;
                let old = h[state + unit];
#if LSTM
                let i = sigmoid(gates[gate] + s0);
                let f = sigmoid(gates[gate + WIDTH] + s1);
                let g = bounded(gates[gate + 2 * WIDTH] + s2);
                let o = sigmoid(gates[gate + 3 * WIDTH] + s3);
                var c = i * g;
                if (time > 0) {
                    c += f * kept[to - WIDTH];
                }
                let after = o * bounded(c);
                gates[gate] = i;
                gates[gate + WIDTH] = f;
                gates[gate + 2 * WIDTH] = g;
                gates[gate + 3 * WIDTH] = o;
                kept[to] = c;
#else
                let r = sigmoid(gates[gate] + s0);
                let z = sigmoid(gates[gate + WIDTH] + s1);
                let n = bounded(gates[gate + 2 * WIDTH] + r * s2);
                let after = n + z * (old - n);
                gates[gate] = r;
                gates[gate + WIDTH] = z;
                gates[gate + 2 * WIDTH] = n;
                kept[to] = s2;
#endif
                before[to] = old;
                states[to] = after;
                h[next + seat * WIDTH + unit] = after;
            }
        }
        now = next;
    }
}
