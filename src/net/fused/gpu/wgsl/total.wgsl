// The sum of some numbers; or its root. One workgroup, always in the same order.

@group(0) @binding(0) var<storage, read_write> numbers: array<f32, COUNT>;
@group(0) @binding(1) var<storage, read_write> total: array<f32, 1>;

var<workgroup> sums: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) me: u32) {
    var sum = 0.0;
    for (var i = me; i < COUNT; i += 64) {
        sum += numbers[i];
    }
    sums[me] = sum;
    workgroupBarrier();
    if (me == 0) {
        var all = 0.0;
        for (var i = 0u; i < 64; i++) {
            all += sums[i];
        }
#if ROOT
        total[0] = sqrt(all);
#else
        total[0] = all;
#endif
    }
}
