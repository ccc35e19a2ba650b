//! Vectors of f32 for each kind of machine, and the choice among them at run time.
//!
//! What is written once over [`Simd`] is compiled for each kind; [`kernel!`] makes one function of them. In wasm there is one kind,
//! with the instructions the binary was built for, and on 64-bit ARM (Apple Silicon too) there is one: all of those machines have NEON.

/// A vector of f32. Where a value is NaN, every operation here gives NaN, so that a run that has broken is seen to be broken.
#[allow(unsafe_code, reason = "reads and writes through pointers, for the innermost loop of a product")]
pub(crate) trait Simd: Copy {
    const LANES: usize;

    fn splat(x: f32) -> Self;

    /// # Safety
    /// `at` must be readable for `LANES` numbers; no alignment is asked for.
    unsafe fn read(at: *const f32) -> Self;

    /// # Safety
    /// `at` must be writable for `LANES` numbers; no alignment is asked for.
    unsafe fn write(self, at: *mut f32);

    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    fn div(self, other: Self) -> Self;
    fn sqrt(self) -> Self;

    /// self · factor + term, rounded once or twice.
    fn mul_add(self, factor: Self, term: Self) -> Self;

    /// The greater; `self` where that is NaN.
    fn max(self, other: Self) -> Self;

    /// The smaller; `self` where that is NaN.
    fn min(self, other: Self) -> Self;

    /// Where `self` is negative `negative`, elsewhere `other`.
    fn where_negative(self, negative: Self, other: Self) -> Self;

    fn abs(self) -> Self {
        self.max(Self::splat(0.0).sub(self))
    }

    /// For `self` = 1.5 · 2^23 + n with a whole n from -126 to 127: 2^n.
    fn power_of_two(self) -> Self;

    /// The first numbers of `from`.
    #[inline(always)]
    fn load(from: &[f32]) -> Self {
        assert!(from.len() >= Self::LANES);
        // SAFETY: just checked.
        unsafe { Self::read(from.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, to: &mut [f32]) {
        assert!(to.len() >= Self::LANES);
        // SAFETY: just checked.
        unsafe { self.write(to.as_mut_ptr()) }
    }

    /// All of `from`, which is shorter than a vector, then `filler`.
    #[inline(always)]
    fn load_part(from: &[f32], filler: f32) -> Self {
        let mut whole = [filler; MOST_LANES];
        // One by one: a call that copies takes longer.
        for (i, slot) in whole.iter_mut().enumerate().take(Self::LANES) {
            if let Some(x) = from.get(i) {
                *slot = *x;
            }
        }
        Self::load(&whole)
    }

    /// As many numbers as `to` has, which is shorter than a vector.
    #[inline(always)]
    fn store_part(self, to: &mut [f32]) {
        let mut whole = [0.0; MOST_LANES];
        self.store(&mut whole);
        to.copy_from_slice(&whole[..to.len()]);
    }

    /// In a fixed order.
    #[inline(always)]
    fn sum(self) -> f32 {
        let mut all = [0.0; MOST_LANES];
        self.store(&mut all);
        let mut lanes = Self::LANES;
        while lanes > 1 {
            lanes /= 2;
            for i in 0..lanes {
                all[i] += all[i + lanes];
            }
        }
        all[0]
    }

    /// The greatest lane.
    #[inline(always)]
    fn greatest(self) -> f32 {
        let mut all = [0.0; MOST_LANES];
        self.store(&mut all);
        let mut lanes = Self::LANES;
        while lanes > 1 {
            lanes /= 2;
            for i in 0..lanes {
                all[i] = if all[i + lanes] > all[i] { all[i + lanes] } else { all[i] };
            }
        }
        all[0]
    }
}

pub(crate) const MOST_LANES: usize = 16;

/// Four numbers and no instruction by name: for machines that have none of the kinds below, where the compiler does what it can.
#[cfg(not(any(all(target_arch = "wasm32", target_feature = "simd128"), target_arch = "aarch64")))]
#[derive(Clone, Copy)]
pub(crate) struct Portable([f32; 4]);

#[cfg(not(any(all(target_arch = "wasm32", target_feature = "simd128"), target_arch = "aarch64")))]
impl Portable {
    #[inline(always)]
    fn each(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        let (a, b) = (self.0, other.0);
        Self([f(a[0], b[0]), f(a[1], b[1]), f(a[2], b[2]), f(a[3], b[3])])
    }
}

#[cfg(not(any(all(target_arch = "wasm32", target_feature = "simd128"), target_arch = "aarch64")))]
#[allow(unsafe_code, reason = "reads and writes through pointers, as the trait's contract allows")]
impl Simd for Portable {
    const LANES: usize = 4;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        Self([x; 4])
    }

    #[inline(always)]
    unsafe fn read(at: *const f32) -> Self {
        // SAFETY: the caller's.
        Self(unsafe { at.cast::<[f32; 4]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn write(self, at: *mut f32) {
        // SAFETY: the caller's.
        unsafe { at.cast::<[f32; 4]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.each(other, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.each(other, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.each(other, |a, b| a * b)
    }

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        self.each(other, |a, b| a / b)
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        self.each(self, |a, _| a.sqrt())
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        self.mul(factor).add(term)
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        self.each(other, |a, b| if b > a { b } else { a })
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        self.each(other, |a, b| if b < a { b } else { a })
    }

    #[inline(always)]
    fn where_negative(self, negative: Self, other: Self) -> Self {
        let (s, n, o) = (self.0, negative.0, other.0);
        let pick = |i: usize| if s[i].is_sign_negative() { n[i] } else { o[i] };
        Self([pick(0), pick(1), pick(2), pick(3)])
    }

    #[inline(always)]
    fn power_of_two(self) -> Self {
        self.each(self, |a, _| f32::from_bits((a.to_bits() << 23).wrapping_add(0x3F80_0000)))
    }
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm {
    use core::arch::wasm32::*;

    use super::Simd;

    #[derive(Clone, Copy)]
    pub(crate) struct Simd128(v128);

    #[allow(unsafe_code, reason = "reads and writes through pointers, as the trait's contract allows")]
    impl Simd for Simd128 {
        const LANES: usize = 4;

        #[inline(always)]
        fn splat(x: f32) -> Self {
            Self(f32x4_splat(x))
        }

        #[inline(always)]
        unsafe fn read(at: *const f32) -> Self {
            // SAFETY: the caller's.
            Self(unsafe { v128_load(at.cast()) })
        }

        #[inline(always)]
        unsafe fn write(self, at: *mut f32) {
            // SAFETY: the caller's.
            unsafe { v128_store(at.cast(), self.0) }
        }

        #[inline(always)]
        fn add(self, other: Self) -> Self {
            Self(f32x4_add(self.0, other.0))
        }

        #[inline(always)]
        fn sub(self, other: Self) -> Self {
            Self(f32x4_sub(self.0, other.0))
        }

        #[inline(always)]
        fn mul(self, other: Self) -> Self {
            Self(f32x4_mul(self.0, other.0))
        }

        #[inline(always)]
        fn div(self, other: Self) -> Self {
            Self(f32x4_div(self.0, other.0))
        }

        #[inline(always)]
        fn sqrt(self) -> Self {
            Self(f32x4_sqrt(self.0))
        }

        #[inline(always)]
        fn mul_add(self, factor: Self, term: Self) -> Self {
            #[cfg(target_feature = "relaxed-simd")]
            return Self(f32x4_relaxed_madd(self.0, factor.0, term.0));
            #[cfg(not(target_feature = "relaxed-simd"))]
            self.mul(factor).add(term)
        }

        #[inline(always)]
        fn max(self, other: Self) -> Self {
            Self(f32x4_pmax(self.0, other.0))
        }

        #[inline(always)]
        fn min(self, other: Self) -> Self {
            Self(f32x4_pmin(self.0, other.0))
        }

        #[inline(always)]
        fn where_negative(self, negative: Self, other: Self) -> Self {
            Self(v128_bitselect(negative.0, other.0, i32x4_shr(self.0, 31)))
        }

        #[inline(always)]
        fn power_of_two(self) -> Self {
            Self(i32x4_add(i32x4_shl(self.0, 23), i32x4_splat(0x3F80_0000)))
        }
    }
}

#[cfg(target_arch = "aarch64")]
mod arm {
    use core::arch::aarch64::*;

    use super::Simd;

    #[derive(Clone, Copy)]
    pub(crate) struct Neon(float32x4_t);

    #[allow(
        unsafe_code,
        reason = "instructions that every such machine has, and pointers as the trait's contract allows"
    )]
    // SAFETY: of all instructions, NEON is part of the target; of pointers, the caller's.
    impl Simd for Neon {
        const LANES: usize = 4;

        #[inline(always)]
        fn splat(x: f32) -> Self {
            Self(unsafe { vdupq_n_f32(x) })
        }

        #[inline(always)]
        unsafe fn read(at: *const f32) -> Self {
            Self(unsafe { vld1q_f32(at) })
        }

        #[inline(always)]
        unsafe fn write(self, at: *mut f32) {
            unsafe { vst1q_f32(at, self.0) }
        }

        #[inline(always)]
        fn add(self, other: Self) -> Self {
            Self(unsafe { vaddq_f32(self.0, other.0) })
        }

        #[inline(always)]
        fn sub(self, other: Self) -> Self {
            Self(unsafe { vsubq_f32(self.0, other.0) })
        }

        #[inline(always)]
        fn mul(self, other: Self) -> Self {
            Self(unsafe { vmulq_f32(self.0, other.0) })
        }

        #[inline(always)]
        fn div(self, other: Self) -> Self {
            Self(unsafe { vdivq_f32(self.0, other.0) })
        }

        #[inline(always)]
        fn sqrt(self) -> Self {
            Self(unsafe { vsqrtq_f32(self.0) })
        }

        #[inline(always)]
        fn mul_add(self, factor: Self, term: Self) -> Self {
            Self(unsafe { vfmaq_f32(term.0, self.0, factor.0) })
        }

        // Chosen by comparison: NEON's own maximum of a NaN and a number is NaN whichever comes first.
        #[inline(always)]
        fn max(self, other: Self) -> Self {
            Self(unsafe { vbslq_f32(vcgtq_f32(other.0, self.0), other.0, self.0) })
        }

        #[inline(always)]
        fn min(self, other: Self) -> Self {
            Self(unsafe { vbslq_f32(vcltq_f32(other.0, self.0), other.0, self.0) })
        }

        #[inline(always)]
        fn where_negative(self, negative: Self, other: Self) -> Self {
            let sign = unsafe { vshrq_n_s32::<31>(vreinterpretq_s32_f32(self.0)) };
            Self(unsafe { vbslq_f32(vreinterpretq_u32_s32(sign), negative.0, other.0) })
        }

        #[inline(always)]
        fn power_of_two(self) -> Self {
            let shifted = unsafe { vshlq_n_s32::<23>(vreinterpretq_s32_f32(self.0)) };
            Self(unsafe { vreinterpretq_f32_s32(vaddq_s32(shifted, vdupq_n_s32(0x3F80_0000))) })
        }
    }
}

#[cfg(not(any(all(target_arch = "wasm32", target_feature = "simd128"), target_arch = "aarch64")))]
pub(crate) use Portable as Base;
#[cfg(target_arch = "aarch64")]
pub(crate) use arm::Neon as Base;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(crate) use wasm::Simd128 as Base;

#[cfg(target_arch = "x86_64")]
pub(crate) mod x86 {
    use core::arch::x86_64::*;

    use super::Simd;

    // The types of this module are named by `kernel!` alone, in functions that are entered only where the machine has what they need.
    macro_rules! x86 {
        ($name:ident, $vector:ty, $lanes:literal, $set:ident, $load:ident, $store:ident, $add:ident, $sub:ident,
         $mul:ident, $div:ident, $sqrt:ident, $fma:ident, $max:ident, $min:ident, $pick:expr, $power:expr) => {
            #[derive(Clone, Copy)]
            pub(crate) struct $name($vector);

            #[allow(
                unsafe_code,
                reason = "instructions that the machine was asked for, and pointers as the trait allows"
            )]
            // SAFETY: of all instructions, see the module; of pointers, the caller's.
            impl Simd for $name {
                const LANES: usize = $lanes;

                #[inline(always)]
                fn splat(x: f32) -> Self {
                    Self(unsafe { $set(x) })
                }

                #[inline(always)]
                unsafe fn read(at: *const f32) -> Self {
                    Self(unsafe { $load(at) })
                }

                #[inline(always)]
                unsafe fn write(self, at: *mut f32) {
                    unsafe { $store(at, self.0) }
                }

                #[inline(always)]
                fn add(self, other: Self) -> Self {
                    Self(unsafe { $add(self.0, other.0) })
                }

                #[inline(always)]
                fn sub(self, other: Self) -> Self {
                    Self(unsafe { $sub(self.0, other.0) })
                }

                #[inline(always)]
                fn mul(self, other: Self) -> Self {
                    Self(unsafe { $mul(self.0, other.0) })
                }

                #[inline(always)]
                fn div(self, other: Self) -> Self {
                    Self(unsafe { $div(self.0, other.0) })
                }

                #[inline(always)]
                fn sqrt(self) -> Self {
                    Self(unsafe { $sqrt(self.0) })
                }

                #[inline(always)]
                fn mul_add(self, factor: Self, term: Self) -> Self {
                    Self(unsafe { $fma(self.0, factor.0, term.0) })
                }

                // The second operand is what these instructions give where one is NaN.
                #[inline(always)]
                fn max(self, other: Self) -> Self {
                    Self(unsafe { $max(other.0, self.0) })
                }

                #[inline(always)]
                fn min(self, other: Self) -> Self {
                    Self(unsafe { $min(other.0, self.0) })
                }

                #[inline(always)]
                fn where_negative(self, negative: Self, other: Self) -> Self {
                    Self(unsafe { $pick(self.0, negative.0, other.0) })
                }

                #[inline(always)]
                fn power_of_two(self) -> Self {
                    Self(unsafe { $power(self.0) })
                }
            }
        };
    }

    x86!(
        Avx2,
        __m256,
        8,
        _mm256_set1_ps,
        _mm256_loadu_ps,
        _mm256_storeu_ps,
        _mm256_add_ps,
        _mm256_sub_ps,
        _mm256_mul_ps,
        _mm256_div_ps,
        _mm256_sqrt_ps,
        _mm256_fmadd_ps,
        _mm256_max_ps,
        _mm256_min_ps,
        pick256,
        power256
    );

    x86!(
        Avx512,
        __m512,
        16,
        _mm512_set1_ps,
        _mm512_loadu_ps,
        _mm512_storeu_ps,
        _mm512_add_ps,
        _mm512_sub_ps,
        _mm512_mul_ps,
        _mm512_div_ps,
        _mm512_sqrt_ps,
        _mm512_fmadd_ps,
        _mm512_max_ps,
        _mm512_min_ps,
        pick512,
        power512
    );

    #[target_feature(enable = "avx2")]
    #[inline]
    fn pick256(sign: __m256, negative: __m256, other: __m256) -> __m256 {
        _mm256_blendv_ps(other, negative, sign)
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn power256(x: __m256) -> __m256 {
        let shifted = _mm256_slli_epi32::<23>(_mm256_castps_si256(x));
        _mm256_castsi256_ps(_mm256_add_epi32(shifted, _mm256_set1_epi32(0x3F80_0000)))
    }

    #[target_feature(enable = "avx512f")]
    #[inline]
    fn pick512(sign: __m512, negative: __m512, other: __m512) -> __m512 {
        let mask = _mm512_cmplt_epi32_mask(_mm512_castps_si512(sign), _mm512_setzero_si512());
        _mm512_mask_blend_ps(mask, other, negative)
    }

    #[target_feature(enable = "avx512f")]
    #[inline]
    fn power512(x: __m512) -> __m512 {
        let shifted = _mm512_slli_epi32::<23>(_mm512_castps_si512(x));
        _mm512_castsi512_ps(_mm512_add_epi32(shifted, _mm512_set1_epi32(0x3F80_0000)))
    }
}

/// What the machine has. Asked once; the answer is kept by the standard library.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Machine {
    Avx512,
    Avx2,
    Base,
}

#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn machine() -> Machine {
    if is_x86_feature_detected!("avx512f") {
        Machine::Avx512
    } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        Machine::Avx2
    } else {
        Machine::Base
    }
}

/// Numbers in the machine's vectors.
pub(crate) fn lanes() -> usize {
    #[cfg(target_arch = "x86_64")]
    return match machine() {
        Machine::Avx512 => 16,
        Machine::Avx2 => 8,
        Machine::Base => Base::LANES,
    };
    #[cfg(not(target_arch = "x86_64"))]
    Base::LANES
}

/// A function that picks, for the machine it runs on, an instance of one that is written over [`Simd`] (and is `inline(always)`
/// together with all that it calls, or it would be compiled for the least of machines).
macro_rules! kernel {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $out:ty)? => $generic:ident) => {
        $(#[$meta])*
        #[allow(clippy::too_many_arguments, reason = "flat arguments: slices and sizes")]
        $vis fn $name($($arg: $ty),*) $(-> $out)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f")]
                #[allow(clippy::too_many_arguments, reason = "as above")]
                fn avx512($($arg: $ty),*) $(-> $out)? {
                    $generic::<$crate::simd::x86::Avx512>($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                #[allow(clippy::too_many_arguments, reason = "as above")]
                fn avx2($($arg: $ty),*) $(-> $out)? {
                    $generic::<$crate::simd::x86::Avx2>($($arg),*)
                }
                match $crate::simd::machine() {
                    // SAFETY: the machine has just said that it has them.
                    #[allow(unsafe_code, reason = "a function for a machine that was asked first")]
                    $crate::simd::Machine::Avx512 => unsafe { avx512($($arg),*) },
                    // SAFETY: as above.
                    #[allow(unsafe_code, reason = "a function for a machine that was asked first")]
                    $crate::simd::Machine::Avx2 => unsafe { avx2($($arg),*) },
                    $crate::simd::Machine::Base => $generic::<$crate::simd::Base>($($arg),*),
                }
            }
            #[cfg(not(target_arch = "x86_64"))]
            $generic::<$crate::simd::Base>($($arg),*)
        }
    };
}
pub(crate) use kernel;

#[cfg(test)]
mod tests {
    use super::{MOST_LANES, Simd, lanes};

    /// What each operation makes of `a`, `b` and `c`, lane by lane.
    #[inline(always)]
    fn all_of<S: Simd>(a: &[f32], b: &[f32], c: &[f32], out: &mut [Vec<f32>]) {
        let (x, y, z) = (S::load(a), S::load(b), S::load(c));
        let results = [
            x.add(y),
            x.sub(y),
            x.mul(y),
            x.div(y),
            x.abs().sqrt(),
            x.mul_add(y, z),
            x.max(y),
            x.min(y),
            x.where_negative(y, z),
            S::splat(x.sum()),
            S::splat(x.greatest()),
        ];
        for (result, out) in results.into_iter().zip(out) {
            result.store(out);
        }
    }

    kernel!(fn each(a: &[f32], b: &[f32], c: &[f32], out: &mut [Vec<f32>]) => all_of);

    #[inline(always)]
    fn power_of<S: Simd>(n: &[f32], out: &mut [f32]) {
        S::load(n).power_of_two().store(out);
    }

    kernel!(fn powers(n: &[f32], out: &mut [f32]) => power_of);

    fn same(a: f32, b: f32) -> bool {
        a == b || (a.is_nan() && b.is_nan())
    }

    #[test]
    fn every_operation_is_that_of_its_lanes() {
        let pool = [1.5, -2.25, 0.0, -0.0, f32::NAN, 3.0, -7.5, f32::INFINITY];
        for shift in 0..pool.len() {
            let row = |step: usize| (0..MOST_LANES).map(|i| pool[(i * step + shift) % pool.len()]).collect::<Vec<_>>();
            let (a, b, c) = (row(1), row(3), row(5));
            let mut out = vec![vec![0.0; MOST_LANES]; 11];
            each(&a, &b, &c, &mut out);
            for i in 0..lanes() {
                let (x, y, z) = (a[i], b[i], c[i]);
                let expected = [
                    x + y,
                    x - y,
                    x * y,
                    x / y,
                    x.abs().sqrt(),
                    x.mul_add(y, z),
                    if y > x { y } else { x },
                    if y < x { y } else { x },
                    if x.is_sign_negative() { y } else { z },
                ];
                for (operation, value) in expected.into_iter().enumerate() {
                    // A NaN's sign is nobody's business.
                    if operation == 8 && x.is_nan() {
                        continue;
                    }
                    assert!(
                        same(out[operation][i], value),
                        "operation {operation} of {x}, {y}, {z}: {}",
                        out[operation][i]
                    );
                }
            }
            assert!(a[..lanes()].iter().any(|x| x.is_nan()) == out[9][0].is_nan());
        }
    }

    #[test]
    fn powers_of_two_are_exact() {
        for n in -126_i16..=127 {
            let shifted = vec![12_582_912.0 + f32::from(n); MOST_LANES];
            let mut out = vec![0.0; MOST_LANES];
            powers(&shifted, &mut out);
            assert_eq!(out[0], 2_f32.powi(n.into()), "{n}");
        }
    }
}
