//! NumPy's `.npz`: a ZIP archive with one `.npy` array per member, stored.
//!
//! Written as `numpy.savez` writes it, so that `numpy.load` gives the witness
//! back; read only in that form: compressed members, Python objects, Fortran
//! order and big-endian elements are refused by name. Format: NEP 1 and
//! APPNOTE.TXT 4.3; dates are 1980-01-01, so the same arrays give the same
//! bytes.

use crate::eval::{Array, Data, Kind, from_bytes};

/// NumPy's word for an element type.
fn descr(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::F16 => "<f2",
        Kind::F32 => "<f4",
        Kind::F64 => "<f8",
        Kind::I8 => "|i1",
        Kind::I16 => "<i2",
        Kind::I32 => "<i4",
        Kind::I64 => "<i8",
        Kind::U8 => "|u1",
        Kind::U16 => "<u2",
        Kind::U32 => "<u4",
        Kind::U64 => "<u8",
        Kind::Bool => "|b1",
        Kind::Bf16 | Kind::Text => return None,
    })
}

const KINDS: [Kind; 12] = [
    Kind::F16,
    Kind::F32,
    Kind::F64,
    Kind::I8,
    Kind::I16,
    Kind::I32,
    Kind::I64,
    Kind::U8,
    Kind::U16,
    Kind::U32,
    Kind::U64,
    Kind::Bool,
];

/// Arrays by name as one archive. `None` when an array has no form there
/// (strings, bfloat16) or the whole passes 4 GiB.
pub fn write(arrays: &[(String, Array)]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut directory = Vec::new();
    for (name, array) in arrays {
        let body = npy(array)?;
        let name = format!("{name}.npy");
        let sum = crc32(&body);
        let size = u32::try_from(body.len()).ok()?;
        let at = u32::try_from(out.len()).ok()?;
        let length = u16::try_from(name.len()).ok()?;
        // Version, UTF-8 names, stored, 1980-01-01 00:00.
        let mut common = Vec::new();
        for field in [20_u16, 0x0800, 0, 0, 0x0021] {
            common.extend(field.to_le_bytes());
        }
        for field in [sum, size, size] {
            common.extend(field.to_le_bytes());
        }
        common.extend(length.to_le_bytes());
        common.extend(0_u16.to_le_bytes());
        out.extend(b"PK\x03\x04");
        out.extend(&common);
        out.extend(name.as_bytes());
        out.extend(body);
        directory.extend(b"PK\x01\x02");
        directory.extend(20_u16.to_le_bytes());
        directory.extend(&common);
        directory.extend([0_u8; 10]);
        directory.extend(at.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let count = u16::try_from(arrays.len()).ok()?;
    let at = u32::try_from(out.len()).ok()?;
    let size = u32::try_from(directory.len()).ok()?;
    out.extend(directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend(size.to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend(0_u16.to_le_bytes());
    Some(out)
}

fn npy(array: &Array) -> Option<Vec<u8>> {
    let dims: String = array.shape.iter().map(|dim| format!("{dim},")).collect();
    let mut header = format!(
        "{{'descr': '{}', 'fortran_order': False, 'shape': ({dims}), }}",
        descr(array.kind)?
    );
    // The data begin at a multiple of 64, after a line's end.
    while header.len().saturating_add(11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend(u16::try_from(header.len()).ok()?.to_le_bytes());
    out.extend(header.as_bytes());
    out.extend(array.to_bytes());
    Some(out)
}

/// Arrays by name; a sentence when the bytes are something else.
pub fn read(bytes: &[u8]) -> Result<Vec<(String, Array)>, String> {
    let number = |at: usize, width: usize| -> Option<usize> {
        let field = bytes.get(at..at.checked_add(width)?)?;
        field.iter().rev().try_fold(0_usize, |all, byte| {
            all.checked_mul(256)?.checked_add(usize::from(*byte))
        })
    };
    let cut = || "it ends too early".to_owned();
    let mut out = Vec::new();
    let mut at = 0_usize;
    while bytes.get(at..at.saturating_add(4)) == Some(b"PK\x03\x04") {
        let field =
            |offset: usize, width: usize| number(at.saturating_add(offset), width).ok_or_else(cut);
        if field(8, 2)? != 0 {
            return Err("its members are compressed; write it with numpy.savez".to_owned());
        }
        let (size, name, extra) = (field(18, 4)?, field(26, 2)?, field(28, 2)?);
        let start = at.saturating_add(30);
        let end = start.saturating_add(name);
        let name = bytes.get(start..end).ok_or_else(cut)?;
        let name = String::from_utf8_lossy(name)
            .trim_end_matches(".npy")
            .to_owned();
        let mut from = end.saturating_add(extra);
        let mut length = size;
        if size == 0xffff_ffff {
            // `numpy.savez` writes sizes in 64 bits, in the first extra field.
            length = number(end.saturating_add(12), 8).ok_or_else(cut)?;
        }
        let to = from.checked_add(length).ok_or_else(cut)?;
        let body = bytes.get(from..to).ok_or_else(cut)?;
        out.push((
            name.clone(),
            array(body).map_err(|why| format!("{name}: {why}"))?,
        ));
        from = to;
        at = from;
    }
    if out.is_empty() {
        return Err("it is no archive of arrays".to_owned());
    }
    Ok(out)
}

fn array(body: &[u8]) -> Result<Array, String> {
    let version = body
        .strip_prefix(b"\x93NUMPY")
        .ok_or("it is no array of NumPy")?;
    let wide = version.first() != Some(&1);
    let (length, rest) = if wide {
        let (field, rest) = version
            .get(2..)
            .and_then(|v| v.split_first_chunk::<4>())
            .ok_or("its header is cut")?;
        (u32::from_le_bytes(*field), rest)
    } else {
        let (field, rest) = version
            .get(2..)
            .and_then(|v| v.split_first_chunk::<2>())
            .ok_or("its header is cut")?;
        (u32::from(u16::from_le_bytes(*field)), rest)
    };
    let length = usize::try_from(length).map_err(|_| "its header is cut")?;
    let (header, data) = rest.split_at_checked(length).ok_or("its header is cut")?;
    let header = String::from_utf8_lossy(header);
    let after = |key: &str| header.split_once(key).map(|(_, rest)| rest.trim_start());
    let word = after("'descr':")
        .and_then(|rest| rest.strip_prefix('\''))
        .and_then(|rest| rest.split_once('\''))
        .map(|(word, _)| word)
        .ok_or("its element type is not plain")?;
    let kind = KINDS
        .into_iter()
        .find(|kind| descr(*kind) == Some(word))
        .ok_or_else(|| format!("elements of type {word} are not read"))?;
    if !after("'fortran_order':").is_some_and(|rest| rest.starts_with("False")) {
        return Err("it is in Fortran order".to_owned());
    }
    let shape = after("'shape':")
        .and_then(|rest| rest.strip_prefix('('))
        .and_then(|rest| rest.split_once(')'))
        .map(|(dims, _)| dims)
        .ok_or("it has no shape")?
        .split(',')
        .map(str::trim)
        .filter(|dim| !dim.is_empty())
        .map(|dim| {
            dim.parse::<usize>()
                .map_err(|_| "it has no shape".to_owned())
        })
        .collect::<Result<Vec<_>, _>>()?;
    from_bytes(kind, shape, data).map_err(|_| "its elements do not fill its shape".to_owned())
}

impl Array {
    /// Little-endian elements; none for strings.
    pub fn to_bytes(&self) -> Vec<u8> {
        let width = self.kind.width();
        let mut out = Vec::with_capacity(self.len().saturating_mul(width));
        match &self.data {
            Data::Float(data) => {
                for x in data.iter() {
                    match self.kind {
                        Kind::F64 => out.extend(x.to_le_bytes()),
                        Kind::F32 => out.extend(crate::eval::single(*x).to_le_bytes()),
                        Kind::Bf16 => out.extend(
                            crate::eval::single(*x)
                                .to_le_bytes()
                                .get(2..)
                                .unwrap_or(&[]),
                        ),
                        _ => out.extend(half(*x).to_le_bytes()),
                    }
                }
            }
            Data::Int(data) => {
                for n in data.iter() {
                    out.extend(n.to_le_bytes().get(..width).unwrap_or(&[]));
                }
            }
            Data::Text(_) => {}
        }
        out
    }
}

/// The bits of a number that binary16 holds exactly.
fn half(x: f64) -> u16 {
    let sign = if x.is_sign_negative() { 0x8000 } else { 0 };
    let size = x.abs();
    let bits = if x.is_nan() {
        0x7e00
    } else if size.is_infinite() {
        0x7c00
    } else if size < 2_f64.powi(-14) {
        crate::eval::truncated(size * 2_f64.powi(24))
    } else {
        let power = i64::try_from((size.to_bits() >> 52) & 0x7ff)
            .unwrap_or(0)
            .saturating_sub(1023);
        let fraction = i64::try_from((size.to_bits() >> 42) & 0x3ff).unwrap_or(0);
        power
            .saturating_add(15)
            .saturating_mul(1024)
            .saturating_add(fraction)
    };
    sign | u16::try_from(bits).unwrap_or(0x7c00)
}

/// CRC-32 as ZIP wants it (ISO 3309).
fn crc32(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 };
        }
    }
    !sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let arrays = vec![
            (
                "x".to_owned(),
                Array::floats(Kind::F32, vec![2, 2], vec![1.5, f64::INFINITY, -0.25, 0.0]).unwrap(),
            ),
            (
                "h".to_owned(),
                Array::floats(Kind::F16, vec![3], vec![1.0, 65504.0, 6e-8]).unwrap(),
            ),
            (
                "input_ids".to_owned(),
                Array::ints(Kind::I64, vec![1, 3], vec![-1, 7, 9]).unwrap(),
            ),
            ("flag".to_owned(), Array::bools(vec![], [true]).unwrap()),
        ];
        let bytes = write(&arrays).unwrap();
        assert_eq!(read(&bytes).unwrap(), arrays);
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let arrays = vec![(
            "x".to_owned(),
            Array::floats(Kind::F32, vec![2], vec![1.5, 2.0]).unwrap(),
        )];
        let good = write(&arrays).unwrap();
        for at in 0..good.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut bad = good.clone();
                bad[at] = value;
                let _ = read(&bad);
            }
            let _ = read(&good[..at]);
        }
    }
}
