use modelward_schema::{Facts, ReferenceKind};

use crate::{Limits, read};

/// Builds a file part by part.
#[derive(Clone)]
struct File {
    pairs: Vec<Vec<u8>>,
    tensors: Vec<Vec<u8>>,
    data: Vec<u8>,
}

fn string(text: &[u8]) -> Vec<u8> {
    let mut out = u64::try_from(text.len()).unwrap().to_le_bytes().to_vec();
    out.extend(text);
    out
}

impl File {
    fn new() -> Self {
        Self {
            pairs: Vec::new(),
            tensors: Vec::new(),
            data: Vec::new(),
        }
        .text("general.architecture", "llama")
    }

    fn pair(mut self, key: &str, kind: u32, value: &[u8]) -> Self {
        let mut pair = string(key.as_bytes());
        pair.extend(kind.to_le_bytes());
        pair.extend(value);
        self.pairs.push(pair);
        self
    }

    fn text(self, key: &str, value: &str) -> Self {
        self.pair(key, 8, &string(value.as_bytes()))
    }

    fn tensor(mut self, name: &str, dims: &[u64], kind: u32, offset: u64) -> Self {
        let mut entry = string(name.as_bytes());
        entry.extend(u32::try_from(dims.len()).unwrap().to_le_bytes());
        for dim in dims {
            entry.extend(dim.to_le_bytes());
        }
        entry.extend(kind.to_le_bytes());
        entry.extend(offset.to_le_bytes());
        self.tensors.push(entry);
        self
    }

    fn data(mut self, data: &[u8]) -> Self {
        self.data = data.to_vec();
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut out = b"GGUF\x03\0\0\0".to_vec();
        out.extend(u64::try_from(self.tensors.len()).unwrap().to_le_bytes());
        out.extend(u64::try_from(self.pairs.len()).unwrap().to_le_bytes());
        out.extend(self.pairs.concat());
        out.extend(self.tensors.concat());
        out.resize(out.len().next_multiple_of(32), 0);
        out.extend(&self.data);
        out
    }

    fn facts(&self) -> Facts {
        read("m.gguf", &self.bytes(), &Limits::default())
    }
}

fn ids(facts: &Facts) -> Vec<&str> {
    facts.anomalies.iter().map(|a| a.id.as_str()).collect()
}

#[test]
fn an_honest_file_is_facts_without_anomaly() {
    let facts = File::new()
        .pair("general.alignment", 4, &32_u32.to_le_bytes())
        .text("tokenizer.chat_template", "{{ messages }}")
        .text("tokenizer.chat_template.tool_use", "{{ tools }}")
        .text("general.base_model.0.repo_url", "https://example.org/base")
        .pair(
            "n",
            9,
            &[&6_u32.to_le_bytes()[..], &2_u64.to_le_bytes(), &[0; 8]].concat(),
        )
        .pair(
            "tags",
            9,
            &[
                &8_u32.to_le_bytes()[..],
                &1_u64.to_le_bytes(),
                &string(b"x"),
            ]
            .concat(),
        )
        .tensor("a", &[2, 3], 0, 0)
        .tensor("b", &[32], 2, 32)
        .data(&[0; 64])
        .facts();
    assert_eq!(ids(&facts), [""; 0]);
    assert!(facts.coverage.complete, "{:?}", facts.coverage);
    assert_eq!(facts.tensors[0].shape, [3, 2]);
    assert_eq!(facts.tensors[1].dtype, "q4_0");
    assert_eq!(facts.tensors[1].at.span.unwrap().len, 18);
    assert_eq!(facts.templates.len(), 2);
    assert!(facts.templates.iter().all(|template| template.rendered));
    assert_eq!(facts.references[0].kind, ReferenceKind::BaseModel);
    assert!(
        facts
            .metadata
            .iter()
            .any(|m| m.key == "tags" && m.value == "x")
    );
}

#[test]
fn every_lie_is_told() {
    let one = File::new().tensor("a", &[8], 0, 0).data(&[0; 32]);
    let nested = [&9_u32.to_le_bytes()[..], &1_u64.to_le_bytes()]
        .concat()
        .repeat(5_000);
    for (id, file) in [
        (
            "gguf-duplicate-key",
            one.clone().text("general.architecture", "x"),
        ),
        (
            "gguf-duplicate-tensor",
            one.clone().tensor("a", &[0], 0, 32),
        ),
        ("gguf-value-type-unknown", one.clone().pair("x", 77, &[])),
        ("gguf-metadata-broken", one.clone().pair("x", 9, &nested)),
        (
            "gguf-array-beyond-file",
            one.clone().pair(
                "x",
                9,
                &[&4_u32.to_le_bytes()[..], &u64::MAX.to_le_bytes()].concat(),
            ),
        ),
        (
            "gguf-alignment-odd",
            one.clone()
                .pair("general.alignment", 4, &0_u32.to_le_bytes()),
        ),
        (
            "gguf-alignment-odd",
            one.clone()
                .pair("general.alignment", 4, &(1_u32 << 31).to_le_bytes()),
        ),
        (
            "gguf-type-unknown",
            File::new().tensor("a", &[8], 99, 0).data(&[0; 32]),
        ),
        (
            "gguf-shape-overflow",
            File::new().tensor("a", &[1 << 40, 1 << 40], 0, 0),
        ),
        (
            "gguf-row-not-whole",
            File::new().tensor("a", &[8], 2, 0).data(&[0; 32]),
        ),
        (
            "gguf-entry-odd",
            File::new().tensor("a", &[1; 5], 0, 0).data(&[0; 32]),
        ),
        (
            "gguf-offset-beyond-file",
            File::new().tensor("a", &[9], 0, 0).data(&[0; 32]),
        ),
        (
            "gguf-offset-unaligned",
            File::new().tensor("a", &[1], 0, 4).data(&[0; 32]),
        ),
        ("gguf-overlap", one.clone().tensor("b", &[1], 0, 0)),
        (
            "gguf-hole",
            File::new().tensor("a", &[8], 0, 64).data(&[0; 96]),
        ),
        ("gguf-trailing-bytes", one.clone().data(&[0; 40])),
    ] {
        let facts = file.facts();
        assert!(ids(&facts).contains(&id), "{id}: {:?}", ids(&facts));
    }
}

#[test]
fn deep_lists_cost_no_stack() {
    let mut nested = [&9_u32.to_le_bytes()[..], &1_u64.to_le_bytes()]
        .concat()
        .repeat(100_000);
    nested.extend([&0_u32.to_le_bytes()[..], &0_u64.to_le_bytes()].concat());
    let facts = File::new().pair("x", 9, &nested).facts();
    assert_eq!(ids(&facts), ["gguf-array-nested"]);
}

#[test]
fn counts_beyond_the_file_are_not_believed() {
    let mut bytes = File::new().bytes();
    bytes[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
    let facts = read("m.gguf", &bytes, &Limits::default());
    assert!(ids(&facts).contains(&"gguf-count-beyond-file"));
    assert!(!facts.coverage.complete);
}

#[test]
fn other_byte_orders_and_versions_are_read() {
    let mut big = b"GGUF\0\0\0\x03".to_vec();
    big.extend(0_u64.to_be_bytes());
    big.extend(1_u64.to_be_bytes());
    big.extend(1_u64.to_be_bytes());
    big.extend(b"k\0\0\0\x04\0\0\0\x2a");
    let mut first = b"GGUF\x01\0\0\0\0\0\0\0\x01\0\0\0\x01\0\0\0k\x04\0\0\0".to_vec();
    first.extend(42_u32.to_le_bytes());
    for bytes in [big, first] {
        let facts = read("m.gguf", &bytes, &Limits::default());
        assert_eq!(ids(&facts), [""; 0]);
        assert_eq!(facts.metadata[0].value, "42");
    }
}

#[test]
fn the_other_parts_of_a_split_model_are_named() {
    let bytes = File::new()
        .pair("split.count", 2, &3_u16.to_le_bytes())
        .bytes();
    let facts = read("d/m-00002-of-00003.gguf", &bytes, &Limits::default());
    let named: Vec<_> = facts.references.iter().map(|r| r.value.as_str()).collect();
    assert_eq!(named, ["m-00001-of-00003.gguf", "m-00003-of-00003.gguf"]);
}

#[test]
fn files_before_gguf_are_gaps() {
    let mut bytes = b"tjgg\x03\0\0\0".to_vec();
    bytes.extend([0x7d, 0, 0, 0].repeat(4));
    let facts = read("m.bin", &bytes, &Limits::default());
    assert!(facts.anomalies.is_empty() && !facts.coverage.complete);
    bytes[12..16].copy_from_slice(&[0xff; 4]);
    let facts = read("m.bin", &bytes, &Limits::default());
    assert_eq!(ids(&facts), ["ggml-hyperparameter-absurd"]);
}
