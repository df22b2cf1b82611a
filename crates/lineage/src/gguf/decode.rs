//! Blocks to values, for every kind.

use half::{bf16, f16};

use super::block::Kind;
use super::{codebook, grid};

/// Decodes one block into `out`; false when the sizes do not fit.
pub fn decode_block(kind: Kind, b: &[u8], out: &mut [f32]) -> bool {
    if b.len() != kind.bytes() || out.len() != kind.elements() {
        return false;
    }
    if let Some(g) = grid::unpack(kind, b) {
        for (i, o) in out.iter_mut().enumerate() {
            *o = g.value(i);
        }
        return true;
    }
    if codebook::decode(kind, b, out) {
        return true;
    }
    out[0] = match kind {
        Kind::F32 => f32::from_le_bytes([b[0], b[1], b[2], b[3]]),
        Kind::F16 => f16::from_le_bytes([b[0], b[1]]).to_f32(),
        Kind::Bf16 => bf16::from_le_bytes([b[0], b[1]]).to_f32(),
        _ => return false,
    };
    true
}

/// Decodes whole blocks; false when the sizes do not fit.
pub fn decode(kind: Kind, bytes: &[u8], out: &mut [f32]) -> bool {
    let (n, size) = (kind.elements(), kind.bytes());
    if !bytes.len().is_multiple_of(size) || bytes.len() / size * n != out.len() {
        return false;
    }
    match kind {
        Kind::F32 => {
            for (o, b) in out.iter_mut().zip(bytes.as_chunks::<4>().0) {
                *o = f32::from_le_bytes(*b);
            }
            true
        }
        Kind::F16 => {
            for (o, b) in out.iter_mut().zip(bytes.as_chunks::<2>().0) {
                *o = f16::from_le_bytes(*b).to_f32();
            }
            true
        }
        Kind::Bf16 => {
            for (o, b) in out.iter_mut().zip(bytes.as_chunks::<2>().0) {
                *o = bf16::from_le_bytes(*b).to_f32();
            }
            true
        }
        _ => bytes
            .chunks_exact(size)
            .zip(out.chunks_exact_mut(n))
            .all(|(b, o)| decode_block(kind, b, o)),
    }
}
