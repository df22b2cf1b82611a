use modelward_schema::Facts;

use crate::{Limits, read};

fn header(name: &str, size: usize, kind: u8, link: &str) -> Vec<u8> {
    let mut block = vec![0_u8; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    block[156] = kind;
    block[157..157 + link.len()].copy_from_slice(link.as_bytes());
    block[257..265].copy_from_slice(b"ustar\x0000");
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    block
}

fn member(name: &str, data: &[u8]) -> Vec<u8> {
    entry(name, data, b'0', "")
}

fn entry(name: &str, data: &[u8], kind: u8, link: &str) -> Vec<u8> {
    let mut out = header(name, data.len(), kind, link);
    out.extend(data);
    out.resize(out.len().next_multiple_of(512), 0);
    out
}

fn record(key: &str, value: &str) -> Vec<u8> {
    let body = key.len() + value.len() + 3;
    let mut len = body + 1;
    while len != body + len.to_string().len() {
        len += 1;
    }
    format!("{len} {key}={value}\n").into_bytes()
}

fn facts(parts: &[Vec<u8>]) -> Facts {
    let mut bytes = parts.concat();
    bytes.extend([0; 1024]);
    read("a.tar", &bytes, &Limits::default())
}

fn anomalies(facts: &Facts) -> Vec<&str> {
    facts.anomalies.iter().map(|a| a.id.as_str()).collect()
}

#[test]
fn members_are_read_and_honest_archives_are_quiet() {
    let long = "x/".repeat(80) + "data";
    let facts = facts(&[
        entry("./", b"", b'5', ""),
        member("./a", b"hello, this is text\n"),
        entry("pax", &record("path", &long), b'x', ""),
        member(&long[..99], b"more text here\n"),
    ]);
    assert_eq!(anomalies(&facts), [""; 0]);
    assert_eq!(facts.files[1].path, "a.tar!/./a");
    assert_eq!(facts.files[2].path, format!("a.tar!/{long}"));
}

#[test]
fn each_lie_has_its_name() {
    let cases: [(&str, Vec<Vec<u8>>); 8] = [
        ("tar-name-escapes", vec![member("../a", b"")]),
        ("tar-link-escapes", vec![entry("a", b"", b'2', "/etc")]),
        ("tar-link-escapes", vec![entry("a", b"", b'1', "../x")]),
        ("tar-device", vec![entry("a", b"", b'3', "")]),
        (
            "tar-duplicate-name",
            vec![member("a", b"x"), member("a", b"y")],
        ),
        (
            "tar-writes-through-link",
            vec![entry("a", b"", b'2', "b"), member("a/c", b"x")],
        ),
        (
            "tar-name-differs",
            vec![
                entry("p", &record("path", "b.pkl"), b'x', ""),
                member("a", b"x"),
            ],
        ),
        (
            "tar-size-differs",
            vec![
                entry("p", &record("size", "512"), b'x', ""),
                member("a", b"x"),
            ],
        ),
    ];
    for (id, parts) in cases {
        assert!(anomalies(&facts(&parts)).contains(&id), "{id}");
    }
}

#[test]
fn bytes_behind_the_end_are_looked_at() {
    let mut bytes = member("a", b"text in here\n");
    bytes.extend([0; 1024]);
    bytes.extend(member("b", b"more text here\n"));
    let facts = read("a.tar", &bytes, &Limits::default());
    assert!(anomalies(&facts).contains(&"tar-hidden-content"));
    assert!(facts.files.iter().any(|file| file.path.ends_with("!/b")));
}
