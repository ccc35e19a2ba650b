//! exp, tanh and the Gaussian's distribution function on vectors: polynomials, to about 1e-7.

use crate::simd::Simd;

/// e^x is nothing, 1e-26, beside what it is added to. It could be 1e-38; but times a small number that is no normal f32, and a machine
/// takes some hundred times as long over each of those.
const LEAST: f32 = -60.0;
/// Beyond this e^x is no f32.
const MOST: f32 = 88.0;

/// e^x for x in [-60, 88], the value at the nearer end elsewhere. Within 2e-7 of it, relatively.
///
/// x = n ln 2 + r with |r| ≤ ln 2 / 2, and e^r = 1 + r + r² P(r) with the P of degree 4 whose largest relative error is least (3e-9).
#[inline(always)]
pub(crate) fn exp<V: Simd>(x: V) -> V {
    let x = x.max(V::splat(LEAST)).min(V::splat(MOST));
    // Adding 1.5 · 2^23 rounds to a whole number, and leaves it in the lowest bits.
    let rounder = V::splat(12_582_912.0);
    let shifted = x.mul_add(V::splat(std::f32::consts::LOG2_E), rounder);
    let n = shifted.sub(rounder);
    // ln 2 in two parts, the first of few digits, so that n times it is exact.
    let r = n.mul_add(V::splat(-0.693_359_4), x);
    let r = n.mul_add(V::splat(2.121_944_4e-4), r);
    let p = V::splat(1.381_45e-3);
    let p = p.mul_add(r, V::splat(8.368_78e-3));
    let p = p.mul_add(r, V::splat(4.166_839e-2));
    let p = p.mul_add(r, V::splat(1.666_652e-1));
    let p = p.mul_add(r, V::splat(4.999_999_3e-1));
    let e = p.mul_add(r.mul(r), r).add(V::splat(1.0));
    e.mul(shifted.power_of_two())
}

/// 1 / (1 + e^-x).
#[inline(always)]
pub(crate) fn sigmoid<V: Simd>(x: V) -> V {
    let one = V::splat(1.0);
    one.div(one.add(exp(V::splat(0.0).sub(x))))
}

/// tanh x, within 3e-7 of it, relatively, also next to 0.
///
/// x P(x²) / Q(x²) with the coefficients that Eigen has (Eigen/src/Core/MathFunctionsImpl.h, `ptanh_float`), and ±1 in f32 beyond.
#[inline(always)]
pub(crate) fn tanh<V: Simd>(x: V) -> V {
    let x = x.max(V::splat(-7.905_311)).min(V::splat(7.905_311));
    let square = x.mul(x);
    let p = V::splat(-2.760_768_5e-16);
    let p = p.mul_add(square, V::splat(2.000_188e-13));
    let p = p.mul_add(square, V::splat(-8.604_672e-11));
    let p = p.mul_add(square, V::splat(5.122_297e-8));
    let p = p.mul_add(square, V::splat(1.485_722_4e-5));
    let p = p.mul_add(square, V::splat(6.372_619_3e-4));
    let p = p.mul_add(square, V::splat(4.893_524_6e-3));
    let q = V::splat(1.198_258_4e-6);
    let q = q.mul_add(square, V::splat(1.185_347_1e-4));
    let q = q.mul_add(square, V::splat(2.268_434_6e-3));
    let q = q.mul_add(square, V::splat(4.893_525e-3));
    x.mul(p).div(q)
}

/// The standard Gaussian's distribution function and density at x, within 1e-7.
///
/// For x < 0 the former is e^(-x²/2) t Q(t) / 2 with t = 1 / (1 + |x| / √8), the form of Hastings (Approximations for Digital Computers,
/// 1955), here with a Q of degree 6 whose largest error (6e-9, times the exponential) is least.
#[inline(always)]
pub(crate) fn gaussian<V: Simd>(x: V) -> (V, V) {
    let one = V::splat(1.0);
    let e = exp(x.mul(x).mul(V::splat(-0.5)));
    let t = one.div(x.abs().mul_add(V::splat(0.353_553_4), one));
    let q = V::splat(Q[6]);
    let q = q.mul_add(t, V::splat(Q[5]));
    let q = q.mul_add(t, V::splat(Q[4]));
    let q = q.mul_add(t, V::splat(Q[3]));
    let q = q.mul_add(t, V::splat(Q[2]));
    let q = q.mul_add(t, V::splat(Q[1]));
    let q = q.mul_add(t, V::splat(Q[0]));
    let tail = q.mul(t).mul(e);
    (x.where_negative(tail, one.sub(tail)), e.mul(V::splat(0.398_942_3)))
}

/// Half the coefficients of erfc(z) e^(z²) = t (q0 + q1 t + ...), t = 1 / (1 + z / 2).
const Q: [f32; 7] = [0.138_517_59, 0.160_848_85, 0.065_423_29, 0.153_838_08, 0.061_091_04, -0.109_119_84, 0.029_400_99];
