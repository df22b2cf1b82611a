//! As much DER as certificates and timestamps need.

use jiff::Timestamp;

pub fn tlv(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match body.len() {
        short @ 0..0x80 => out.push(short as u8),
        short @ 0x80..0x100 => out.extend([0x81, short as u8]),
        long => {
            out.push(0x82);
            out.extend(u16::try_from(long).unwrap().to_be_bytes());
        }
    }
    out.extend(body);
    out
}

pub fn seq(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

/// A SET OF, in the order that DER demands.
pub fn set(parts: &[&[u8]]) -> Vec<u8> {
    let mut parts = parts.to_vec();
    parts.sort_unstable();
    tlv(0x31, &parts.concat())
}

pub fn int(value: u8) -> Vec<u8> {
    tlv(2, &[value])
}

/// A positive number of eight bytes.
pub fn serial(value: u64) -> Vec<u8> {
    tlv(2, &[&[1], &value.to_be_bytes()[..]].concat())
}

pub fn oid(text: &str) -> Vec<u8> {
    let arcs: Vec<u32> = text.split('.').map(|arc| arc.parse().unwrap()).collect();
    let mut body = vec![(arcs[0] * 40 + arcs[1]) as u8];
    for arc in &arcs[2..] {
        let mut bytes = vec![(arc & 0x7f) as u8];
        let mut rest = arc >> 7;
        while rest > 0 {
            bytes.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        body.extend(bytes.iter().rev());
    }
    tlv(6, &body)
}

pub fn octets(bytes: &[u8]) -> Vec<u8> {
    tlv(4, bytes)
}

pub fn bits(bytes: &[u8]) -> Vec<u8> {
    tlv(3, &[&[0], bytes].concat())
}

pub fn time(time: Timestamp) -> Vec<u8> {
    tlv(0x18, time.strftime("%Y%m%d%H%M%SZ").to_string().as_bytes())
}

/// X.509 wants UTCTime before 2050.
pub fn utc_time(time: Timestamp) -> Vec<u8> {
    tlv(0x17, time.strftime("%y%m%d%H%M%SZ").to_string().as_bytes())
}

/// The elements inside one constructed element.
pub fn children(element: &[u8]) -> Vec<&[u8]> {
    let (body, _) = split(element);
    let mut rest = body;
    let mut out = Vec::new();
    while !rest.is_empty() {
        let (_, after) = split(rest);
        out.push(&rest[..rest.len() - after.len()]);
        rest = after;
    }
    out
}

fn split(element: &[u8]) -> (&[u8], &[u8]) {
    let (start, len) = match element[1] {
        0x81 => (3, usize::from(element[2])),
        0x82 => (4, usize::from(element[2]) << 8 | usize::from(element[3])),
        short => (2, usize::from(short)),
    };
    (&element[start..start + len], &element[start + len..])
}
