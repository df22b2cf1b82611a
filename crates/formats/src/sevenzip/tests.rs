use modelward_schema::{Facts, Why};

use crate::{Limits, read};

/// An archive of one folder with two files, whose coder is `method`.
fn archive(method: &[u8], properties: &[u8], packed: &[u8], sizes: [u8; 2]) -> Vec<u8> {
    let mut header = vec![0x01, 0x04, 0x06, 0x00, 0x01, 0x09];
    header.push(u8::try_from(packed.len()).unwrap());
    header.extend([0x00, 0x07, 0x0b, 0x01, 0x00, 0x01]);
    header.push(0x20 | u8::try_from(method.len()).unwrap());
    header.extend(method);
    header.push(u8::try_from(properties.len()).unwrap());
    header.extend(properties);
    header.extend([0x0c, sizes[0] + sizes[1], 0x00]);
    header.extend([0x08, 0x0d, 0x02, 0x09, sizes[0], 0x00, 0x00]);
    let names: Vec<u8> = "a.txt\0b.txt\0"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    header.extend([0x05, 0x02, 0x11]);
    header.push(u8::try_from(names.len() + 1).unwrap());
    header.push(0);
    header.extend(names);
    header.extend([0x00, 0x00]);

    let mut fields = u64::try_from(packed.len()).unwrap().to_le_bytes().to_vec();
    fields.extend(u64::try_from(header.len()).unwrap().to_le_bytes());
    fields.extend(crc32fast::hash(&header).to_le_bytes());
    let mut out = b"7z\xbc\xaf\x27\x1c\x00\x04".to_vec();
    out.extend(crc32fast::hash(&fields).to_le_bytes());
    out.extend(fields);
    out.extend(packed);
    out.extend(header);
    out
}

fn facts(bytes: &[u8]) -> Facts {
    read("m.7z", bytes, &Limits::default())
}

#[test]
fn files_of_a_solid_folder_are_read() {
    let facts = facts(&archive(&[0], &[], b"hello\nworld\n", [6, 6]));
    let paths: Vec<_> = facts
        .files
        .iter()
        .map(|f| (f.path.as_str(), f.size))
        .collect();
    assert_eq!(paths[1..], [("m.7z!/a.txt", 6), ("m.7z!/b.txt", 6)]);
    assert_eq!(facts.anomalies, []);
}

#[test]
fn an_enormous_dictionary_is_refused() {
    let facts = facts(&archive(&[0x21], &[40], b"\0", [6, 6]));
    assert_eq!(facts.coverage.gaps[0].why, Why::Unsupported);
}

#[test]
fn encryption_is_a_gap() {
    let facts = facts(&archive(&[6, 0xf1, 7, 1], &[0], b"x", [6, 6]));
    assert_eq!(facts.coverage.gaps[0].why, Why::Encrypted);
    assert_eq!(facts.anomalies[0].id, "sevenzip-encrypted");
}

#[test]
fn any_cut_or_changed_byte_ends_in_a_gap_or_an_anomaly() {
    let whole = archive(&[0], &[], b"hello\nworld\n", [6, 6]);
    for cut in 6..whole.len() {
        assert!(!facts(&whole[..cut]).coverage.complete, "{cut}");
    }
    for place in 8..whole.len() {
        let mut bytes = whole.clone();
        bytes[place] ^= 0xff;
        let facts = facts(&bytes);
        let content = (32..44).contains(&place);
        assert!(content || !facts.anomalies.is_empty(), "{place}");
    }
}
