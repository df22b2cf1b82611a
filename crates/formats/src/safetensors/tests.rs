use modelward_schema::Facts;

use crate::{Limits, read};

fn file(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = u64::try_from(header.len()).unwrap().to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn facts(header: &str, data: &[u8]) -> Facts {
    read("m.safetensors", &file(header, data), &Limits::default())
}

fn anomalies(header: &str, data: &[u8]) -> Vec<String> {
    facts(header, data)
        .anomalies
        .into_iter()
        .map(|anomaly| anomaly.id)
        .collect()
}

#[test]
fn an_honest_file_is_facts_without_anomaly() {
    let facts = facts(
        r#"{"__metadata__":{"format":"pt"},"b":{"dtype":"BF16","shape":[],"data_offsets":[16,18]},"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}  "#,
        &[0; 18],
    );
    assert!(facts.anomalies.is_empty() && facts.coverage.complete);
    assert_eq!(facts.files[0].format, "safetensors");
    assert_eq!(facts.metadata[0].value, "pt");
    let tensors: Vec<_> = facts
        .tensors
        .iter()
        .map(|t| (t.name.as_str(), t.dtype.as_str(), t.shape.as_slice()))
        .collect();
    assert_eq!(
        tensors,
        [("b", "bf16", [].as_slice()), ("a", "f32", &[2, 2])]
    );
    assert_eq!(facts.tensors[1].at.span.unwrap().len, 16);
}

#[test]
fn every_lie_of_the_header_is_told() {
    let one = |entry: &str| format!(r#"{{"a":{entry}}}"#);
    for (header, id) in [
        (one(r#"{"dtype":"F32","shape":[2],"data_offsets":[0,9]}"#), "safetensors-offset-beyond-file"),
        (one(r#"{"dtype":"F32","shape":[2],"data_offsets":[8,0]}"#), "safetensors-offset-reversed"),
        (one(r#"{"dtype":"F32","shape":[2],"data_offsets":[-8,8]}"#), "safetensors-number-odd"),
        (one(r#"{"dtype":"F32","shape":[3],"data_offsets":[0,8]}"#), "safetensors-size-differs"),
        (one(r#"{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}"#), "safetensors-shape-overflow"),
        (one(r#"{"dtype":"X9","shape":[2],"data_offsets":[0,8]}"#), "safetensors-dtype-unknown"),
        (one(r#"{"dtype":"F32","shape":[1],"data_offsets":[4,8]}"#), "safetensors-hole"),
        (one(r#"{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#), "safetensors-trailing-bytes"),
        (one(r#"{"dtype":"F32","shape":[2]}"#), "safetensors-member-missing"),
        (one(r#"{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":{"y":[1]}}"#), "safetensors-unknown-member"),
        (one(r#"{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}"#), "safetensors-duplicate-key"),
        (one("3"), "safetensors-header-shape"),
        (r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#.to_owned(), "safetensors-duplicate-key"),
        (r#"{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[0],"data_offsets":[4,4]}}"#.to_owned(), "safetensors-overlap"),
        (r#"{"__metadata__":{"a":1}} x"#.to_owned(), "safetensors-header-tail"),
        (r#"{"__metadata__":{"a":1}}"#.to_owned(), "safetensors-metadata-not-text"),
        (r#"{"__metadata__":{"a":"1","a":"2"}}"#.to_owned(), "safetensors-duplicate-key"),
        (r#" {"__metadata__":{}}"#.to_owned(), "safetensors-header-start"),
        ("{".repeat(60_000), "safetensors-header-broken"),
        (r#"{"a":"#.repeat(60_000), "safetensors-header-broken"),
    ] {
        let found = anomalies(&header, &[0; 8]);
        assert!(found.iter().any(|f| f == id), "{id}: {found:?} in {header:.200}");
    }
}

#[test]
fn a_header_longer_than_the_file_is_a_gap() {
    let mut bytes = (u64::MAX >> 1).to_le_bytes().to_vec();
    bytes.extend(b"{}");
    let facts = read("m.safetensors", &bytes, &Limits::default());
    let ids: Vec<_> = facts.anomalies.iter().map(|a| a.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "safetensors-header-too-long",
            "safetensors-header-beyond-file"
        ]
    );
    assert!(!facts.coverage.complete);
}

#[test]
fn many_tensors_cost_little() {
    let entries: Vec<String> = (0..20_000)
        .map(|index| {
            let end = index + 1;
            format!(
                r#""layer.{index}":{{"dtype":"U8","shape":[1],"data_offsets":[{index},{end}]}}"#
            )
        })
        .collect();
    let header = format!("{{{}}}", entries.join(","));
    let facts = facts(&header, &vec![0; 20_000]);
    assert_eq!(facts.tensors.len(), 20_000);
    assert!(facts.anomalies.is_empty());
}
