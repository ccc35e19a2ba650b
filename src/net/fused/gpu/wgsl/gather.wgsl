// Adds the slices' parts up, in the flat parameters' order.

@group(0) @binding(0) var<storage, read_write> parts: array<f32, SLICES * PACKED>;
@group(0) @binding(1) var<storage, read_write> places: array<u32, LEN>;
@group(0) @binding(2) var<storage, read_write> gradient: array<f32, LEN>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.x;
    if (i >= LEN) {
        return;
    }
    let at = places[i];
    var sum = 0.0;
    for (var slice = 0u; slice < SLICES; slice++) {
        sum += parts[slice * PACKED + at];
    }
    gradient[i] = sum;
}
