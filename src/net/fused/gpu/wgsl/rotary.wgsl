// Rotates each pair (first half, second half) of the heads of queries and keys by its position's angle, in place; SIGN is 1, or -1 on
// the way back. One invocation: one pair.

@group(0) @binding(0) var<storage, read_write> x: array<f32, CELLS * STRIDE>;
// Cosine and sine, [LENGTH, HALF].
@group(0) @binding(1) var<storage, read_write> rope: array<vec2<f32>, LENGTH * HALF>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let pair = id.x % HALF;
    let head = id.x / HALF % ROTATED;
    let cell = id.x / (HALF * ROTATED);
    if (cell > LAST) {
        return;
    }
    let rope_at = rope[cell % LENGTH * HALF + pair];
    let at = cell * STRIDE + head * HEAD + pair;
    let first = x[at];
    let second = x[at + HALF];
    x[at] = first * rope_at.x - SIGN * second * rope_at.y;
    x[at + HALF] = second * rope_at.x + SIGN * first * rope_at.y;
}
