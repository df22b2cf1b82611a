//! The format's own reader as the judge: what it refuses must not look clean
//! here, and what it takes must not look broken.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

use std::collections::BTreeMap;

use modelward_formats::{Limits, read};
use safetensors::SafeTensors;

/// What the reader takes and we still tell: other readers differ there.
const STRICTER: [&str; 5] = [
    "safetensors-duplicate-key",
    "safetensors-unknown-member",
    "safetensors-header-start",
    "safetensors-header-tail",
    "safetensors-rank",
];

fn compare(bytes: &[u8]) {
    let facts = read("m.safetensors", bytes, &Limits::default());
    let lies: Vec<_> = facts
        .anomalies
        .iter()
        .filter(|anomaly| !STRICTER.contains(&anomaly.id.as_str()))
        .collect();
    let shown = String::from_utf8_lossy(bytes.get(..400).unwrap_or(bytes));
    match SafeTensors::deserialize(bytes) {
        Ok(tensors) => {
            assert!(
                lies.is_empty() && facts.coverage.complete,
                "{lies:?} {:?} in {shown:?}",
                facts.coverage
            );
            let theirs: BTreeMap<_, _> = tensors
                .iter()
                .map(|(name, view)| (name.to_owned(), view.data().len()))
                .collect();
            for tensor in &facts.tensors {
                let len = usize::try_from(tensor.at.span.unwrap().len).unwrap();
                if facts.anomalies.is_empty() {
                    assert_eq!(theirs.get(&tensor.name), Some(&len), "{shown:?}");
                }
            }
        }
        Err(error) => assert!(
            !facts.anomalies.is_empty() || !facts.coverage.complete,
            "refused ({error}) and not told: {shown:?}"
        ),
    }
}

fn file(header: &str, data: usize) -> Vec<u8> {
    let mut bytes = u64::try_from(header.len()).unwrap().to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.resize(bytes.len() + data, 0);
    bytes
}

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

#[test]
fn files_changed_at_random_are_judged_as_the_reader_does() {
    let header = r#"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"b":{"dtype":"BF16","shape":[],"data_offsets":[16,18]}}"#;
    let honest = file(header, 18);
    compare(&honest);
    let pieces: [&[u8]; 22] = [
        b"\"",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"0",
        b"16",
        b"-1",
        b"1e1",
        b"null",
        b" ",
        b"\n",
        b"\\u0061",
        b"\xff",
        b"\"a\":",
        b"\"dtype\":\"F32\",",
        b"18446744073709551616",
        b"\"x\":[[1]],",
        b"\x01",
        b"4294967296",
    ];
    let mut dice = Dice(7);
    for _ in 0..4_000 {
        let mut bytes = honest.clone();
        for _ in 0..=dice.below(3) {
            let at = 8 + dice.below(header.len());
            let piece = pieces[dice.below(pieces.len())];
            let end = match dice.below(3) {
                0 => at,
                1 => (at + piece.len()).min(bytes.len()),
                _ => (at + 1 + dice.below(12)).min(bytes.len()),
            };
            bytes.splice(at..end, piece.iter().copied());
        }
        // Half of them keep a length that fits.
        if dice.below(2) == 0 {
            let len = u64::try_from(bytes.len().saturating_sub(26)).unwrap();
            bytes[..8].copy_from_slice(&len.to_le_bytes());
        }
        compare(&bytes);
    }
}

#[test]
fn layouts_at_random_are_judged_as_the_reader_does() {
    let types = [
        ("F32", 4),
        ("U8", 1),
        ("BF16", 2),
        ("F64", 8),
        ("F4", 0),
        ("BOOL", 1),
    ];
    let mut dice = Dice(11);
    for _ in 0..1_000 {
        let mut entries = Vec::new();
        let mut end = 0_usize;
        for index in 0..=dice.below(4) {
            let (name, size) = types[dice.below(types.len())];
            let count = dice.below(5);
            let mut len = count * size;
            let mut start = end;
            match dice.below(12) {
                0 => start = start.saturating_sub(1),
                1 => start += 1,
                2 => len += 1,
                _ => {}
            }
            end = start + len;
            entries.push(format!(
                r#""{index}":{{"dtype":"{name}","shape":[{count}],"data_offsets":[{start},{end}]}}"#
            ));
        }
        let extra = usize::from(dice.below(8) == 0);
        compare(&file(&format!("{{{}}}", entries.join(",")), end + extra));
    }
}
