#![allow(
    clippy::cast_possible_truncation,
    reason = "the archives built here are small"
)]

use modelward_schema::{Facts, Why};

use crate::{Limits, read};

/// One entry, told twice: `local` and `central` start out the same.
#[derive(Clone)]
struct Told {
    name: Vec<u8>,
    flags: u16,
    method: u16,
    crc: u32,
    packed: u32,
    size: u32,
}

struct Built {
    local: Told,
    central: Option<Told>,
    data: Vec<u8>,
    attributes: u32,
}

fn entry(name: &str, data: &[u8]) -> Built {
    let told = Told {
        name: name.into(),
        flags: 0,
        method: 0,
        crc: crc32fast::hash(data),
        packed: data.len() as u32,
        size: data.len() as u32,
    };
    Built {
        local: told.clone(),
        central: Some(told),
        data: data.into(),
        attributes: 0,
    }
}

fn build(entries: &[Built]) -> Vec<u8> {
    let (mut out, mut directory, mut count) = (Vec::new(), Vec::new(), 0_u16);
    for built in entries {
        let at = out.len() as u32;
        out.extend(b"PK\x03\x04\x14\x00");
        fields(&mut out, &built.local);
        out.extend([0, 0]);
        out.extend(&built.local.name);
        out.extend(&built.data);
        if let Some(told) = &built.central {
            directory.extend(b"PK\x01\x02\x14\x03\x14\x00");
            fields(&mut directory, told);
            directory.extend([0; 8]);
            directory.extend(built.attributes.to_le_bytes());
            directory.extend(at.to_le_bytes());
            directory.extend(&told.name);
            count += 1;
        }
    }
    let start = out.len() as u32;
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0, 0]);
    out
}

fn fields(out: &mut Vec<u8>, told: &Told) {
    out.extend(told.flags.to_le_bytes());
    out.extend(told.method.to_le_bytes());
    out.extend([0; 4]);
    out.extend(told.crc.to_le_bytes());
    out.extend(told.packed.to_le_bytes());
    out.extend(told.size.to_le_bytes());
    out.extend((told.name.len() as u16).to_le_bytes());
}

fn facts(bytes: &[u8]) -> Facts {
    read("m.pt", bytes, &Limits::default())
}

fn anomalies(facts: &Facts) -> Vec<&str> {
    facts.anomalies.iter().map(|a| a.id.as_str()).collect()
}

fn torch() -> Vec<Built> {
    vec![
        entry("m/data.pkl", b"\x80\x02}q\x00."),
        entry("m/data/0", &[0; 64]),
        entry("m/version", b"3\n"),
    ]
}

#[test]
fn an_honest_torch_file_has_no_anomaly_and_its_version_is_told() {
    let facts = facts(&build(&torch()));
    assert_eq!(facts.files[0].format, "pytorch-zip");
    assert_eq!(anomalies(&facts), [""; 0]);
    assert_eq!(facts.metadata[0].key, "pytorch-zip.version");
    assert_eq!(facts.metadata[0].value, "3");
}

#[test]
fn each_lie_has_its_name() {
    type Lie = fn(&mut Built);
    let lies: [(&str, Lie); 6] = [
        ("zip-name-differs", |e| e.local.name = b"m/data.txt".into()),
        ("zip-crc-differs", |e| e.local.crc ^= 1),
        ("zip-flags-differ", |e| e.local.flags |= 0x20),
        ("zip-encrypted-flag-lies", |e| e.local.flags |= 1),
        ("zip-method-differs", |e| e.local.method = 8),
        ("zip-size-differs", |e| e.local.size += 1),
    ];
    for (id, lie) in lies {
        let mut entries = torch();
        lie(&mut entries[0]);
        let facts = facts(&build(&entries));
        assert!(anomalies(&facts).contains(&id), "{id}: {facts:#?}");
        let path = "m.pt!/m/data.pkl";
        assert!(facts.files.iter().any(|f| f.path == path), "{id}");
    }
}

#[test]
fn an_entry_that_only_a_local_header_tells_of_is_read_as_unreached() {
    let mut entries = torch();
    let mut hidden = entry("m/hidden.zip", &build(&torch()));
    hidden.central = None;
    entries.insert(1, hidden);
    let facts = facts(&build(&entries));
    assert_eq!(anomalies(&facts), ["zip-entry-only-in-local-headers"]);
    let inner = "m.pt!/m/hidden.zip!/m/data.pkl";
    assert!(facts.files.iter().any(|file| file.path == inner));
}

#[test]
fn two_archives_in_one_file_are_both_read() {
    let mut bytes = build(&[entry("a/data.pkl", b"\x80\x02}q\x00.")]);
    bytes.extend(build(&torch()));
    let facts = facts(&bytes);
    assert!(anomalies(&facts).contains(&"zip-prefix-bytes"));
    for name in ["a/data.pkl", "m/data.pkl"] {
        assert!(facts.files.iter().any(|file| file.path.ends_with(name)));
    }
}

#[test]
fn names_and_links_that_lead_out_are_told() {
    let mut link = entry("link", b"/etc/passwd");
    link.attributes = 0o120_777 << 16;
    let facts = facts(&build(&[
        entry("../x", b"hi"),
        entry("a", b""),
        entry("A", b""),
        link,
    ]));
    assert_eq!(
        anomalies(&facts),
        ["zip-case-variant", "zip-name-escapes", "zip-link-escapes"]
    );
    assert_eq!(facts.references[0].value, "/etc/passwd");
}

#[test]
fn a_member_that_cannot_be_unpacked_is_a_gap() {
    let mut odd = entry("x", b"hello");
    odd.central.as_mut().unwrap().crc = 1;
    for told in [&mut odd.local, odd.central.as_mut().unwrap()] {
        told.method = 98;
    }
    let gaps = facts(&build(&[odd])).coverage.gaps;
    assert_eq!(gaps[0].why, Why::Unsupported);
}

#[test]
fn many_members_that_share_their_bytes_cost_no_more_than_the_budget() {
    let data = vec![b'x'; 100_000];
    let mut bytes = build(&[entry("a", &data)]);
    let end = bytes.len() - 22;
    let record = bytes[end - 47..end].to_vec();
    let start = (end - 47) as u32;
    bytes.truncate(end);
    for _ in 0..5000 {
        bytes.extend(&record);
    }
    let size = bytes.len() as u32 - start;
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend(5001_u16.to_le_bytes());
    bytes.extend(5001_u16.to_le_bytes());
    bytes.extend(size.to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0, 0]);
    let facts = facts(&bytes);
    assert!(anomalies(&facts).contains(&"zip-overlapping-entries"));
    assert!(facts.coverage.gaps.iter().any(|gap| gap.why == Why::Limit));
    assert!(facts.files.len() < 100);
}
