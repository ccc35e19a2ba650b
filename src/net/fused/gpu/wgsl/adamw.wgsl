// One step of AdamW on the flat parameters, the gradient scaled down to norm CLIP where it is longer (0 leaves it alone).

@group(0) @binding(0) var<storage, read_write> batch: array<u32, BATCH>;
@group(0) @binding(1) var<storage, read_write> places: array<u32, LEN>;
@group(0) @binding(2) var<storage, read_write> totals: array<f32, 2>;
@group(0) @binding(3) var<storage, read_write> gradient: array<f32, LEN>;
@group(0) @binding(4) var<storage, read_write> flat: array<f32, LEN>;
@group(0) @binding(5) var<storage, read_write> first: array<f32, LEN>;
@group(0) @binding(6) var<storage, read_write> second: array<f32, LEN>;
@group(0) @binding(7) var<storage, read_write> next: array<f32, LEN>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.x;
    if (i >= LEN) {
        return;
    }
    // Learning rate, what undoes the moments' bias, weight decay, clip.
    let rate = bitcast<f32>(batch[0]);
    let clip = bitcast<f32>(batch[4]);
    var g = gradient[i];
    if (clip > 0.0) {
        g *= clip / max(totals[1], clip);
    }
    let m = first[i] * BETA_1 + g * (1.0 - BETA_1);
    let v = second[i] * BETA_2 + g * g * (1.0 - BETA_2);
    first[i] = m;
    second[i] = v;
    let decay = select(0.0, bitcast<f32>(batch[3]), places[i] >= 0x80000000u);
    let p = flat[i];
    let update = m * bitcast<f32>(batch[1]) / (sqrt(v * bitcast<f32>(batch[2])) + EPSILON);
    next[i] = p - rate * update - rate * decay * p;
}
