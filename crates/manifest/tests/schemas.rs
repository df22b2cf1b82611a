//! The published schemas are those of the types, and manifests fit them.
#![allow(clippy::expect_used, reason = "a test stops at what it did not expect")]

use std::path::Path;

use modelward_schema::schema_documents;

fn published() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema")
}

/// `UPDATE_SCHEMAS=1 cargo test -p modelward-manifest` writes them anew.
#[test]
fn published_schemas_are_those_of_the_types() {
    for (name, document) in schema_documents() {
        let path = published().join(name);
        let mut text = serde_json::to_string_pretty(&document).expect("a document");
        text.push('\n');
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            std::fs::write(&path, &text).expect("written");
        }
        let on_disk = std::fs::read_to_string(&path).unwrap_or_default();
        // By value: the order of members is the serializer's affair.
        let on_disk: serde_json::Value = serde_json::from_str(&on_disk).unwrap_or_default();
        assert!(
            on_disk == document,
            "docs/schema/{name} differs from the types; see this test"
        );
    }
}

#[test]
fn a_manifest_fits_the_published_schema_and_a_wrong_one_does_not() {
    let (_, schema) = &schema_documents()[0];
    let validator = jsonschema::validator_for(schema).expect("a JSON Schema");
    let whole = include_str!("whole.yaml");
    let mut value: serde_json::Value = yaml_serde::from_str(whole).expect("YAML");
    assert!(validator.is_valid(&value));
    let manifest = modelward_manifest::parse("whole.yaml", whole).expect("a manifest");
    assert!(validator.is_valid(&serde_json::to_value(&manifest).expect("JSON")));

    value["tier"] = "medum".into();
    assert!(!validator.is_valid(&value));
    value["tier"] = "medium".into();
    value["ownr"] = "x".into();
    assert!(!validator.is_valid(&value), "unknown keys are refused");
}
