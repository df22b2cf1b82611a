//! The documents, held against the official schema where it is at hand, and
//! against what a reader expects where it is not.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may fail loudly"
)]

use std::path::PathBuf;

use modelward_bom::{Ancestor, Attached, Format, Known, write};
use modelward_schema::Report;
use serde_json::{Value, json};

fn entry(key: &str, value: &str, path: &str) -> Value {
    json!({"key": key, "value": value, "at": {"path": path}})
}

/// A small language model whose card and configuration lie in two places.
fn report() -> Report {
    let tensor = |name: &str, shape: [u64; 2]| {
        json!({"name": name, "dtype": "f16", "shape": shape,
               "at": {"path": "model.safetensors", "span": {"start": 64, "len": 128}}})
    };
    serde_json::from_value(json!({
        "schema": "modelward.report/1",
        "tool": {"name": "modelward", "version": "0.0.0", "sandbox": {}},
        "artifact": {
            "name": "tiny-7b",
            "digest": format!("sha256:{}", "ab".repeat(32)),
            "source": {"kind": "folder", "given": "tiny-7b"},
            "size": 4096,
            "files": [{"path": "model.safetensors", "size": 4000,
                       "digest": format!("sha256:{}", "cd".repeat(32))}],
        },
        "manifest": null,
        "facts": {
            "files": [{"path": "model.safetensors", "format": "safetensors", "size": 4000}],
            "tensors": [
                tensor("model.embed_tokens.weight", [32, 8]),
                tensor("model.layers.0.mlp.up_proj.weight", [16, 8]),
            ],
            "metadata": [
                entry("dtype", "bfloat16", "config.json"),
                entry("num_hidden_layers", "2", "config.json"),
                entry("card.license", "apache-2.0", "README.md"),
                entry("card.language[0]", "en", "README.md"),
                entry("card.model-index[0].results[0].dataset.name", "wikitext", "README.md"),
                entry("card.model-index[0].results[0].metrics[0].type", "perplexity", "README.md"),
                entry("card.model-index[0].results[0].metrics[0].value", "6.1", "README.md"),
                entry("card.section/limitations", "English only.", "README.md"),
                entry("requirement", "torch==2.1.0", "requirements.txt"),
            ],
            "references": [
                {"kind": "dataset", "value": "acme/corpus", "at": {"path": "README.md"}},
                {"kind": "base-model", "value": "acme/base", "at": {"path": "README.md"}},
            ],
        },
        "findings": [],
        "evidence": [],
        "verdict": null,
    }))
    .expect("a report")
}

fn known() -> Known {
    Known {
        now: "2026-11-25T10:00:00Z".to_owned(),
        supplier: Some("Acme".to_owned()),
        released: Some("2026-11-01T00:00:00Z".to_owned()),
        ancestors: vec![Ancestor {
            name: "acme/teacher".to_owned(),
            digest: Some(format!("sha256:{}", "ef".repeat(32))),
            transformation: "fine-tune".to_owned(),
            told_by: "provenance".to_owned(),
        }],
        attached: vec![Attached {
            path: "model.sig".to_owned(),
            sha256: "01".repeat(32),
            signature: true,
        }],
    }
}

#[test]
fn what_card_and_bytes_say_differently_is_marked() {
    let bill = write(&report(), &known(), Format::CycloneDx17);
    let properties = bill.document["components"][0]["modelCard"]["properties"]
        .as_array()
        .expect("properties");
    let differing: Vec<&str> = properties
        .iter()
        .filter(|property| property["name"] == "modelward:disagreement")
        .filter_map(|property| property["value"].as_str())
        .collect();
    assert_eq!(
        differing,
        [
            "precision: written is bfloat16, the bytes say f16",
            "layers: written is 2, the bytes say 1",
            "parameters: written is 7b, the bytes say 384",
        ]
    );
}

#[test]
fn the_component_names_its_bytes_ancestors_and_packages() {
    let document = write(&report(), &known(), Format::CycloneDx16).document;
    let model = &document["components"][0];
    assert_eq!(model["licenses"][0]["license"]["id"], "Apache-2.0");
    assert_eq!(model["hashes"][0]["content"], "ab".repeat(32));
    assert_eq!(model["pedigree"]["ancestors"][0]["name"], "acme/teacher");
    assert_eq!(model["pedigree"]["ancestors"][1]["name"], "acme/base");
    assert_eq!(
        model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"][0],
        json!({"type": "perplexity", "value": "6.1", "slice": "wikitext"})
    );
    assert_eq!(
        document["dependencies"][1]["dependsOn"],
        json!(["dataset:acme/corpus", "pkg:pypi/torch@2.1.0"])
    );
}

#[test]
fn the_same_report_gives_the_same_document() {
    for (_, format) in Format::ALL {
        let once = write(&report(), &known(), format).document;
        assert_eq!(once, write(&report(), &known(), format).document);
    }
}

#[test]
fn mandatory_fields_that_nobody_filled_are_listed() {
    let empty = Known {
        now: known().now,
        ..Known::default()
    };
    let bill = write(&report(), &empty, Format::Spdx301);
    let fields: Vec<&str> = bill.missing.iter().map(|missing| missing.field).collect();
    assert_eq!(
        fields,
        [
            "releaseTime",
            "suppliedBy",
            "downloadLocation",
            "packageVersion"
        ]
    );
    let model = element(&bill.document, "ai_AIPackage");
    assert!(model.get("releaseTime").is_none());
    assert_eq!(model["software_primaryPurpose"], "model");
}

fn element<'d>(document: &'d Value, kind: &str) -> &'d Value {
    let all = document["@graph"].as_array().expect("a graph");
    all.iter()
        .find(|element| element["type"] == kind)
        .expect("the element")
}

#[test]
fn spdx_follows_the_official_schema() {
    let shared = std::env::var_os("MODELWARD_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let place = shared.join("vectors/bom/spdx-3.0.1-schema/schema.json");
    let Ok(text) = std::fs::read_to_string(&place) else {
        println!("skipped: {} is not here", place.display());
        return;
    };
    let schema: Value = serde_json::from_str(&text).expect("a schema");
    let validator = jsonschema::validator_for(&schema).expect("a usable schema");
    for known in [
        known(),
        Known {
            now: known().now,
            ..Known::default()
        },
    ] {
        let document = write(&report(), &known, Format::Spdx301).document;
        let faults: Vec<String> = validator
            .iter_errors(&document)
            .map(|fault| fault.to_string())
            .collect();
        assert!(faults.is_empty(), "{faults:#?}");
    }
}
