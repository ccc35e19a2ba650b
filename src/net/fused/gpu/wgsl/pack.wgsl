// Copies the flat parameters to where the kernels want them: padded to vectors, query, key and value side by side.
// What is padding was zero from the start and stays so.

@group(0) @binding(0) var<storage, read_write> flat: array<f32, LEN>;
@group(0) @binding(1) var<storage, read_write> places: array<u32, LEN>;
@group(0) @binding(2) var<storage, read_write> packed: array<f32, PACKED>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.x;
    if (i >= LEN) {
        return;
    }
    packed[places[i]] = flat[i];
}
