//! A block as codes on grids: what every value of it is, and how codes are packed.
//!
//! Holds for all kinds whose value is `d·code + m` or `d·table[code]`; the
//! codebook kinds (IQ1, IQ2, IQ3) are in [`super::codebook`]. Layouts follow
//! `ggml/src/ggml-common.h` and the dequantizers of `ggml/src/ggml-quants.c`.

use half::f16;

use super::block::Kind;

/// The sixteen values of IQ4.
pub static IQ4: [i8; 16] = [
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
];

/// The sixteen values of FP4 (E2M1), doubled.
pub static FP4: [i8; 16] = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

/// A block, unpacked.
#[derive(Debug, Clone)]
pub struct Grid {
    /// One code per element; signed where the kind is.
    pub codes: [i16; 256],
    /// Scale and offset per group.
    pub scale: [f32; 16],
    pub offset: [f32; 16],
    /// Elements per group.
    pub group: usize,
    /// Elements in the block.
    pub len: usize,
    pub low: i16,
    pub high: i16,
    /// The scale as stored, before it is multiplied.
    pub base: f32,
    /// Values of the codes where they are not the codes themselves.
    pub table: Option<&'static [i8; 16]>,
}

impl Grid {
    fn new(len: usize, group: usize, low: i16, high: i16) -> Self {
        Self {
            codes: [0; 256],
            scale: [0.0; 16],
            offset: [0.0; 16],
            group,
            len,
            low,
            high,
            base: 0.0,
            table: None,
        }
    }

    /// Value of element `i`.
    #[inline]
    pub fn value(&self, i: usize) -> f32 {
        self.value_of(i, self.codes[i])
    }

    /// What element `i` would be with another code.
    #[inline]
    pub fn value_of(&self, i: usize, code: i16) -> f32 {
        let g = i / self.group;
        let v = match self.table {
            Some(t) => f32::from(t[(code & 15).unsigned_abs() as usize]),
            None => f32::from(code),
        };
        v * self.scale[g] + self.offset[g]
    }
}

/// A little-endian f16 at `at`.
#[inline]
pub(super) fn f16_at(b: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([b[at], b[at + 1]]).to_f32()
}

/// Scale and minimum `j` of the twelve packed bytes of Q4_K and Q5_K.
#[inline]
pub(super) fn scale_min(j: usize, q: &[u8]) -> (u8, u8) {
    if j < 4 {
        (q[j] & 63, q[j + 4] & 63)
    } else {
        (
            (q[j + 4] & 15) | ((q[j - 4] >> 6) << 4),
            (q[j + 4] >> 4) | ((q[j] >> 6) << 4),
        )
    }
}

/// Six-bit scale `j` of the twelve packed bytes of Q3_K, offset removed.
#[inline]
pub(super) fn scale_q3(j: usize, q: &[u8]) -> i8 {
    let low = if j < 8 { q[j] & 15 } else { q[j - 8] >> 4 };
    let high = (q[8 + j % 4] >> (2 * (j / 4))) & 3;
    (low | (high << 4)).cast_signed() - 32
}

/// E8M0, halved: 2^(x−128).
pub(super) fn e8m0_half(x: u8) -> f32 {
    f32::from_bits(if x < 2 {
        0x0020_0000u32 << x
    } else {
        (u32::from(x) - 1) << 23
    })
}

/// UE4M3, halved.
pub(super) fn ue4m3_half(x: u8) -> f32 {
    if x == 0 || x == 0x7f {
        return 0.0;
    }
    let exponent = i32::from((x >> 3) & 15);
    let mantissa = f32::from(x & 7);
    let raw = if exponent == 0 {
        mantissa * 2f32.powi(-9)
    } else {
        (1.0 + mantissa / 8.0) * 2f32.powi(exponent - 7)
    };
    raw * 0.5
}

/// Nibbles in halves: low nibbles are elements 0–15, high ones 16–31.
fn halves(qs: &[u8], codes: &mut [i16], minus: i16) {
    for (j, &q) in qs.iter().enumerate() {
        codes[j] = i16::from(q & 15) - minus;
        codes[j + qs.len()] = i16::from(q >> 4) - minus;
    }
}

fn fifth_bits(b: &[u8], codes: &mut [i16]) {
    let bits = u32::from_le_bytes([b[0], b[1], b[2], b[3]]);
    for (j, c) in codes.iter_mut().take(32).enumerate() {
        if (bits >> j) & 1 == 1 {
            *c += 16;
        }
    }
}

/// Unpacks one block; `None` for kinds that are not grids.
pub fn unpack(kind: Kind, b: &[u8]) -> Option<Grid> {
    if b.len() != kind.bytes() {
        return None;
    }
    let len = kind.elements();
    Some(match kind {
        Kind::Q1_0 => {
            let mut g = Grid::new(len, len, -1, 1);
            g.scale[0] = f16_at(b, 0);
            for j in 0..len {
                g.codes[j] = if (b[2 + j / 8] >> (j % 8)) & 1 == 1 {
                    1
                } else {
                    -1
                };
            }
            g
        }
        Kind::Q2_0 => {
            let mut g = Grid::new(len, len, -1, 2);
            g.scale[0] = f16_at(b, 0);
            for j in 0..len {
                g.codes[j] = i16::from((b[2 + j / 4] >> (2 * (j % 4))) & 3) - 1;
            }
            g
        }
        Kind::Q4_0 => {
            let mut g = Grid::new(len, len, -8, 7);
            g.scale[0] = f16_at(b, 0);
            halves(&b[2..], &mut g.codes, 8);
            g
        }
        Kind::Q4_1 => {
            let mut g = Grid::new(len, len, 0, 15);
            g.scale[0] = f16_at(b, 0);
            g.offset[0] = f16_at(b, 2);
            halves(&b[4..], &mut g.codes, 0);
            g
        }
        Kind::Q5_0 => {
            let mut g = Grid::new(len, len, -16, 15);
            g.scale[0] = f16_at(b, 0);
            halves(&b[6..], &mut g.codes, 16);
            fifth_bits(&b[2..6], &mut g.codes);
            g
        }
        Kind::Q5_1 => {
            let mut g = Grid::new(len, len, 0, 31);
            g.scale[0] = f16_at(b, 0);
            g.offset[0] = f16_at(b, 2);
            halves(&b[8..], &mut g.codes, 0);
            fifth_bits(&b[4..8], &mut g.codes);
            g
        }
        Kind::Q8_0 | Kind::Q8_1 => {
            let mut g = Grid::new(len, len, -127, 127);
            g.scale[0] = f16_at(b, 0);
            let qs = &b[kind.bytes() - 32..];
            for (c, &q) in g.codes.iter_mut().zip(qs) {
                *c = i16::from(q.cast_signed());
            }
            g
        }
        Kind::Q8K => {
            let mut g = Grid::new(len, len, -128, 127);
            g.scale[0] = f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
            for (c, &q) in g.codes.iter_mut().zip(&b[4..260]) {
                *c = i16::from(q.cast_signed());
            }
            g
        }
        Kind::Q2K => {
            let mut g = Grid::new(len, 16, 0, 3);
            let (d, dmin) = (f16_at(b, 80), f16_at(b, 82));
            for j in 0..16 {
                g.scale[j] = d * f32::from(b[j] & 15);
                g.offset[j] = -(dmin * f32::from(b[j] >> 4));
            }
            two_bits(&b[16..80], &mut g.codes);
            g
        }
        Kind::Q3K => {
            let mut g = Grid::new(len, 16, -4, 3);
            let d = f16_at(b, 108);
            for j in 0..16 {
                g.scale[j] = d * f32::from(scale_q3(j, &b[96..108]));
            }
            two_bits(&b[32..96], &mut g.codes);
            for j in 0..256 {
                if (b[j % 32] >> (j / 32)) & 1 == 0 {
                    g.codes[j] -= 4;
                }
            }
            g
        }
        Kind::Q4K | Kind::Q5K => {
            let five = kind == Kind::Q5K;
            let mut g = Grid::new(len, 32, 0, if five { 31 } else { 15 });
            let (d, dmin) = (f16_at(b, 0), f16_at(b, 2));
            for j in 0..8 {
                let (sc, m) = scale_min(j, &b[4..16]);
                g.scale[j] = d * f32::from(sc);
                g.offset[j] = -(dmin * f32::from(m));
            }
            let qs = if five { &b[48..176] } else { &b[16..144] };
            for j in 0..256 {
                let q = qs[32 * (j / 64) + j % 32];
                g.codes[j] = i16::from(if j % 64 < 32 { q & 15 } else { q >> 4 });
                if five && (b[16 + j % 32] >> (j / 32)) & 1 == 1 {
                    g.codes[j] += 16;
                }
            }
            g
        }
        Kind::Q6K => {
            let mut g = Grid::new(len, 16, -32, 31);
            let d = f16_at(b, 208);
            for j in 0..16 {
                g.scale[j] = d * f32::from(b[192 + j].cast_signed());
            }
            for j in 0..256 {
                let (half, part, l) = (j / 128, (j % 128) / 32, j % 32);
                let q = b[64 * half + 32 * (part % 2) + l];
                let low = if part < 2 { q & 15 } else { q >> 4 };
                let high = (b[128 + 32 * half + l] >> (2 * part)) & 3;
                g.codes[j] = i16::from(low | (high << 4)) - 32;
            }
            g
        }
        Kind::Iq4Nl => {
            let mut g = Grid::new(len, len, 0, 15);
            g.table = Some(&IQ4);
            g.base = f16_at(b, 0);
            g.scale[0] = g.base;
            halves(&b[2..], &mut g.codes, 0);
            g
        }
        Kind::Iq4Xs => {
            let mut g = Grid::new(len, 32, 0, 15);
            g.table = Some(&IQ4);
            let d = f16_at(b, 0);
            g.base = d;
            let high = u16::from_le_bytes([b[2], b[3]]);
            for j in 0..8 {
                let low = (b[4 + j / 2] >> (4 * (j % 2))) & 15;
                let bits = u16::from(low) | (((high >> (2 * j)) & 3) << 4);
                g.scale[j] = d * (f32::from(bits) - 32.0);
                halves(&b[8 + 16 * j..24 + 16 * j], &mut g.codes[32 * j..], 0);
            }
            g
        }
        Kind::Mxfp4 => {
            let mut g = Grid::new(len, len, 0, 15);
            g.table = Some(&FP4);
            g.scale[0] = e8m0_half(b[0]);
            halves(&b[1..], &mut g.codes, 0);
            g
        }
        Kind::Nvfp4 => {
            let mut g = Grid::new(len, 16, 0, 15);
            g.table = Some(&FP4);
            for j in 0..4 {
                g.scale[j] = ue4m3_half(b[j]);
                halves(&b[4 + 8 * j..12 + 8 * j], &mut g.codes[16 * j..], 0);
            }
            g
        }
        Kind::Tq1_0 => {
            let mut g = Grid::new(len, len, -1, 1);
            g.scale[0] = f16_at(b, 52);
            let mut at = 0;
            let mut trits = |bytes: &[u8], count: u32| {
                for n in 0..count {
                    for &q in bytes {
                        let q = q.wrapping_mul([1, 3, 9, 27, 81][n as usize]);
                        g.codes[at] = ((i16::from(q) * 3) >> 8) - 1;
                        at += 1;
                    }
                }
            };
            trits(&b[..32], 5);
            trits(&b[32..48], 5);
            trits(&b[48..52], 4);
            g
        }
        Kind::Tq2_0 => {
            let mut g = Grid::new(len, len, -1, 2);
            g.scale[0] = f16_at(b, 64);
            two_bits(&b[..64], &mut g.codes);
            for c in &mut g.codes {
                *c -= 1;
            }
            g
        }
        _ => return None,
    })
}

/// Two bits an element, four rows of 32 to each 32 bytes.
fn two_bits(qs: &[u8], codes: &mut [i16; 256]) {
    for (j, c) in codes.iter_mut().enumerate() {
        *c = i16::from((qs[32 * (j / 128) + j % 32] >> (2 * ((j % 128) / 32))) & 3);
    }
}

fn pack_two_bits(codes: &[i16; 256], plus: i16, qs: &mut [u8]) {
    qs.fill(0);
    for (j, &c) in codes.iter().enumerate() {
        qs[32 * (j / 128) + j % 32] |= (byte(c + plus) & 3) << (2 * ((j % 128) / 32));
    }
}

#[inline]
fn byte(code: i16) -> u8 {
    code.to_le_bytes()[0]
}

fn pack_halves(codes: &[i16], plus: i16, qs: &mut [u8]) {
    let n = qs.len();
    for (j, q) in qs.iter_mut().enumerate() {
        *q = (byte(codes[j] + plus) & 15) | (byte(codes[j + n] + plus) << 4);
    }
}

fn pack_fifth(codes: &[i16], plus: i16, b: &mut [u8]) {
    let mut bits = 0u32;
    for (j, &c) in codes.iter().take(32).enumerate() {
        bits |= u32::from((byte(c + plus) >> 4) & 1) << j;
    }
    b.copy_from_slice(&bits.to_le_bytes());
}

/// Writes codes into a block, leaving its scales alone.
pub fn pack(kind: Kind, codes: &[i16; 256], b: &mut [u8]) {
    match kind {
        Kind::Q1_0 => {
            b[2..].fill(0);
            for (j, &c) in codes.iter().take(128).enumerate() {
                b[2 + j / 8] |= u8::from(c > 0) << (j % 8);
            }
        }
        Kind::Q2_0 => {
            b[2..].fill(0);
            for (j, &c) in codes.iter().take(64).enumerate() {
                b[2 + j / 4] |= (byte(c + 1) & 3) << (2 * (j % 4));
            }
        }
        Kind::Q4_0 => pack_halves(codes, 8, &mut b[2..]),
        Kind::Q4_1 => pack_halves(codes, 0, &mut b[4..]),
        Kind::Q5_0 => {
            pack_halves(codes, 16, &mut b[6..]);
            pack_fifth(codes, 16, &mut b[2..6]);
        }
        Kind::Q5_1 => {
            pack_halves(codes, 0, &mut b[8..]);
            pack_fifth(codes, 0, &mut b[4..8]);
        }
        Kind::Q8_0 => {
            for (q, &c) in b[2..].iter_mut().zip(codes) {
                *q = byte(c);
            }
        }
        Kind::Q2K => pack_two_bits(codes, 0, &mut b[16..80]),
        Kind::Q3K => {
            let mut low = *codes;
            b[..32].fill(0);
            for (j, c) in low.iter_mut().enumerate() {
                let q = byte(*c + 4);
                b[j % 32] |= ((q >> 2) & 1) << (j / 32);
                *c = i16::from(q & 3);
            }
            pack_two_bits(&low, 0, &mut b[32..96]);
        }
        Kind::Q4K | Kind::Q5K => {
            let five = kind == Kind::Q5K;
            let at = if five { 48 } else { 16 };
            b[at..].fill(0);
            if five {
                b[16..48].fill(0);
            }
            for (j, &c) in codes.iter().enumerate() {
                let q = byte(c);
                b[at + 32 * (j / 64) + j % 32] |= (q & 15) << (if j % 64 < 32 { 0 } else { 4 });
                if five {
                    b[16 + j % 32] |= ((q >> 4) & 1) << (j / 32);
                }
            }
        }
        Kind::Q6K => {
            b[..192].fill(0);
            for (j, &c) in codes.iter().enumerate() {
                let (half, part, l) = (j / 128, (j % 128) / 32, j % 32);
                let q = byte(c + 32);
                b[64 * half + 32 * (part % 2) + l] |= (q & 15) << (if part < 2 { 0 } else { 4 });
                b[128 + 32 * half + l] |= ((q >> 4) & 3) << (2 * part);
            }
        }
        Kind::Iq4Nl => pack_halves(codes, 0, &mut b[2..]),
        Kind::Mxfp4 => pack_halves(codes, 0, &mut b[1..]),
        Kind::Iq4Xs => {
            for j in 0..8 {
                pack_halves(&codes[32 * j..], 0, &mut b[8 + 16 * j..24 + 16 * j]);
            }
        }
        Kind::Nvfp4 => {
            for j in 0..4 {
                pack_halves(&codes[16 * j..], 0, &mut b[4 + 8 * j..12 + 8 * j]);
            }
        }
        Kind::Tq1_0 => {
            let mut at = 0;
            let mut trits = |b: &mut [u8], count: usize| {
                let n = b.len();
                for (m, q) in b.iter_mut().enumerate() {
                    let mut sum = 0u16;
                    for k in 0..count {
                        sum = sum * 3 + u16::from(byte(codes[at + m + k * n] + 1));
                    }
                    if count == 4 {
                        sum *= 3;
                    }
                    // A base-3 fraction of 256, rounded up.
                    *q = ((sum & 0xff) * 256).div_ceil(243).to_le_bytes()[0];
                }
                at += n * count;
            };
            let (first, rest) = b.split_at_mut(32);
            let (second, rest) = rest.split_at_mut(16);
            trits(first, 5);
            trits(second, 5);
            trits(&mut rest[..4], 4);
        }
        Kind::Tq2_0 => pack_two_bits(codes, 1, &mut b[..64]),
        _ => {}
    }
}
