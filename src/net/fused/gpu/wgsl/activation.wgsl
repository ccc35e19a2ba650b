// Φ(x), the standard normal's distribution: erf by Abramowitz and Stegun 7.1.26, to 1e-7 or so.
fn normal_cdf(x: vec4<f32>) -> vec4<f32> {
    let z = abs(x) * 0.70710678;
    let t = 1.0 / (1.0 + 0.3275911 * z);
    let poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
    let tail = 0.5 * poly * exp(-z * z);
    return select(tail, 1.0 - tail, x > vec4<f32>());
}

fn gelu(x: vec4<f32>) -> vec4<f32> {
    return x * normal_cdf(x);
}

fn gelu_slope(x: vec4<f32>) -> vec4<f32> {
    return normal_cdf(x) + x * 0.39894228 * exp(-0.5 * x * x);
}

// The tanh-approximate GELU is x (1 + tanh u) / 2 = x sigmoid(2u): this is the sigmoid. 2u grows as the cube of x, and beyond 60 the
// sigmoid's exponential is nothing, or no f32.
fn gelu_tanh_gate(x: vec4<f32>) -> vec4<f32> {
    return sigmoid(clamp(x * (1.5957691 + 0.07135481 * x * x), vec4<f32>(-60.0), vec4<f32>(60.0)));
}

fn gelu_tanh(x: vec4<f32>) -> vec4<f32> {
    return x * gelu_tanh_gate(x);
}

fn gelu_tanh_slope(x: vec4<f32>) -> vec4<f32> {
    let s = gelu_tanh_gate(x);
    return s + x * s * (1.0 - s) * (1.5957691 + 0.21406444 * x * x);
}

fn sigmoid(x: vec4<f32>) -> vec4<f32> {
    return 1.0 / (1.0 + exp(-x));
}

// tanh, which some devices make NaN where it is 1 in every digit.
fn bounded(x: vec4<f32>) -> vec4<f32> {
    return tanh(clamp(x, vec4<f32>(-10.0), vec4<f32>(10.0)));
}
