// The mean loss, and the gradient's norm. One workgroup.

@group(0) @binding(0) var<storage, read_write> losses: array<f32, CELLS>;
@group(0) @binding(1) var<storage, read_write> squares: array<f32, WORKERS>;
// Loss, norm.
@group(0) @binding(2) var<storage, read_write> totals: array<f32, 2>;

var<workgroup> sums: array<vec2<f32>, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) me: u32) {
    var sum = vec2<f32>();
    for (var i = me; i < CELLS; i += 64) {
        sum.x += losses[i];
    }
    for (var i = me; i < WORKERS; i += 64) {
        sum.y += squares[i];
    }
    sums[me] = sum;
    workgroupBarrier();
    if (me == 0) {
        var all = vec2<f32>();
        for (var i = 0; i < 64; i++) {
            all += sums[i];
        }
        totals[0] = all.x / f32(LAST + 1);
        totals[1] = sqrt(all.y);
    }
}
