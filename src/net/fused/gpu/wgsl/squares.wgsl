// Sums of squares of a gradient, one for each invocation.

@group(0) @binding(0) var<storage, read_write> gradient: array<f32, LEN>;
@group(0) @binding(1) var<storage, read_write> squares: array<f32, WORKERS>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    var sum = 0.0;
    for (var i = id.x; i < LEN; i += WORKERS) {
        sum += gradient[i] * gradient[i];
    }
    squares[id.x] = sum;
}
