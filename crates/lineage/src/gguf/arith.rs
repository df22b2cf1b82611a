//! How a build of the quantizer does `a·b + c`.
//!
//! llama.cpp's quantizer is C in single precision. A compiler may contract a
//! product and a sum into one rounding. Builds for x86-64 since ggml became
//! its own library do not (`ggml-base` is compiled for the baseline processor);
//! older x86 builds for AVX2 and builds for ARM do. Which of the two a build
//! did changes the last bit of a scale now and then, and with it the codes.

/// One way to multiply and add.
pub trait Arithmetic: Copy + Send + Sync + 'static {
    /// `a·b + c`.
    fn mul_add(a: f32, b: f32, c: f32) -> f32;
}

/// Product and sum are rounded one after the other.
#[derive(Debug, Clone, Copy)]
pub struct Plain;

/// Product and sum are rounded once.
#[derive(Debug, Clone, Copy)]
pub struct Fused;

impl Arithmetic for Plain {
    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        a * b + c
    }
}

impl Arithmetic for Fused {
    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }
}

/// 1.5 · 2²³: added to a small float, it leaves the nearest integer (half to
/// even) in the low bits.
const MAGIC: f32 = 12_582_912.0;

#[inline(always)]
fn low_bits(value: f32) -> i32 {
    (value.to_bits() & 0x007f_ffff).cast_signed() - 0x0040_0000
}

/// The nearest integer, half to even.
#[inline(always)]
pub fn nearest(value: f32) -> i32 {
    low_bits(value + MAGIC)
}

/// The nearest integer to `a·b`, half to even.
#[inline(always)]
pub fn nearest_product<A: Arithmetic>(a: f32, b: f32) -> i32 {
    low_bits(A::mul_add(a, b, MAGIC))
}
