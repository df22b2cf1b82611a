//! The two 8-bit floats of machine learning, e4m3fn and e5m2
//! (<https://arxiv.org/abs/2209.05433>, OCP 8-bit floating point 1.0).
//!
//! e4m3fn has no infinities and one NaN per sign; what is too large becomes
//! NaN, as in PyTorch and ml_dtypes. e5m2 is a short binary16.

/// An 8-bit float by its shape.
#[derive(Debug, Clone, Copy)]
pub struct Float8 {
    mantissa: u32,
    bias: i32,
    /// Has infinities, as IEEE 754 formats do.
    infinite: bool,
}

pub const E4M3: Float8 = Float8 {
    mantissa: 3,
    bias: 7,
    infinite: false,
};
pub const E5M2: Float8 = Float8 {
    mantissa: 2,
    bias: 15,
    infinite: true,
};

impl Float8 {
    pub fn decode(self, bits: u8) -> f64 {
        let magnitude = i32::from(bits & 0x7f);
        let sign = if bits & 0x80 == 0 { 1.0 } else { -1.0 };
        let exponent = magnitude >> self.mantissa;
        let fraction = magnitude & ((1 << self.mantissa) - 1);
        let top = 0x7f >> self.mantissa;
        if self.infinite && exponent == top {
            return if fraction == 0 {
                sign * f64::INFINITY
            } else {
                f64::NAN.copysign(sign)
            };
        }
        if !self.infinite && magnitude == 0x7f {
            return f64::NAN.copysign(sign);
        }
        let one = f64::from(1 << self.mantissa);
        let value = if exponent == 0 {
            f64::from(fraction) / one * 2f64.powi(1 - self.bias)
        } else {
            (1.0 + f64::from(fraction) / one) * 2f64.powi(exponent - self.bias)
        };
        sign * value
    }

    /// Rounds to nearest, ties to even.
    pub fn encode(self, value: f64) -> u8 {
        let sign = if value.is_sign_negative() { 0x80 } else { 0 };
        let magnitude = value.abs();
        let nan = if self.infinite { 0x7e } else { 0x7f };
        if value.is_nan() {
            return sign | nan;
        }
        let too_large = if self.infinite { 0x7c } else { nan };
        if magnitude.is_infinite() {
            return sign | too_large;
        }
        let exponent = if magnitude == 0.0 {
            1 - self.bias
        } else {
            ((magnitude.to_bits() >> 52) as i32 - 1023).max(1 - self.bias)
        };
        let step = 2f64.powi(exponent - self.mantissa as i32);
        // Exact: the quotient is a power of two away from the value.
        let units = (magnitude / step).round_ties_even();
        let hidden = f64::from(1_u32 << self.mantissa);
        let (exponent, units) = if units >= 2.0 * hidden {
            (exponent + 1, units / 2.0)
        } else {
            (exponent, units)
        };
        let code = if units < hidden {
            units as i32
        } else {
            ((exponent + self.bias) << self.mantissa) + (units - hidden) as i32
        };
        let code = u8::try_from(code).unwrap_or(u8::MAX).min(too_large);
        sign | code
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_comes_back() {
        for float in [E4M3, E5M2] {
            for bits in 0..=u8::MAX {
                let value = float.decode(bits);
                if !value.is_nan() {
                    assert_eq!(float.encode(value), bits, "{value}");
                }
            }
        }
    }

    #[test]
    fn halves_go_to_the_even_neighbour() {
        for float in [E4M3, E5M2] {
            for bits in 0..0x7b_u8 {
                let (low, high) = (float.decode(bits), float.decode(bits + 1));
                let even = if bits % 2 == 0 { bits } else { bits + 1 };
                assert_eq!(float.encode(f64::midpoint(low, high)), even);
            }
        }
    }

    #[test]
    fn what_is_too_large_is_not_a_number_or_infinite() {
        assert_eq!(E4M3.encode(448.0), 0x7e);
        assert_eq!(E4M3.encode(464.0), 0x7e);
        assert_eq!(E4M3.encode(464.1), 0x7f);
        assert_eq!(E4M3.encode(-1e9), 0xff);
        assert_eq!(E5M2.encode(57344.0), 0x7b);
        assert_eq!(E5M2.encode(61440.0), 0x7c);
        assert_eq!(E5M2.encode(-1e9), 0xfc);
    }
}
