// One step of AdamW on the flat parameters, the gradient scaled down to norm `clip` where it is longer (0 leaves it alone).

// Learning rate, what undoes the moments' bias, weight decay, clip.
@group(0) @binding(0) var<storage, read_write> params: array<f32, 5>;
// 1 where weight decay applies.
@group(0) @binding(1) var<storage, read_write> decays: array<f32, LEN>;
@group(0) @binding(2) var<storage, read_write> norm: array<f32, 1>;
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
    let rate = params[0];
    let clip = params[4];
    var g = gradient[i];
    if (clip > 0.0) {
        g *= clip / max(norm[0], clip);
    }
    let m = first[i] * BETA_1 + g * REST_1;
    let v = second[i] * BETA_2 + g * g * REST_2;
    first[i] = m;
    second[i] = v;
    let p = flat[i];
    let update = m * params[1] / (sqrt(v * params[2]) + EPSILON);
    next[i] = p - rate * update - rate * params[3] * decays[i] * p;
}
