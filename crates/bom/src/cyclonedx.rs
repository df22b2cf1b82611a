//! CycloneDX 1.6 and 1.7: a `machine-learning-model` component with its model
//! card, pedigree, files and packages.
//!
//! Their schemas refuse unknown members nearly everywhere, so what is ours goes
//! into `properties`. The parts written here are the same in both versions.

use serde_json::{Map, Value, json};

use crate::package::encode;
use crate::summary::{Ancestor, Dataset, Summary};

const MODEL: &str = "model";

pub(crate) fn write(summary: &Summary, version: &str) -> Value {
    let mut components = vec![model(summary)];
    components.extend(summary.datasets.iter().map(dataset));
    components.extend(summary.requirements.iter().map(|requirement| {
        let mut out = object(json!({
            "type": "library",
            "bom-ref": requirement.purl(),
            "name": requirement.name,
            "purl": requirement.purl(),
        }));
        put(&mut out, "version", requirement.version.clone());
        if let Some(constraint) = &requirement.constraint {
            out.insert(
                "properties".to_owned(),
                json!([{"name": "modelward:constraint", "value": constraint}]),
            );
        }
        Value::Object(out)
    }));
    let depends: Vec<String> = summary
        .datasets
        .iter()
        .map(dataset_ref)
        .chain(
            summary
                .requirements
                .iter()
                .map(crate::package::Requirement::purl),
        )
        .collect();
    let mut main = object(json!({
        "type": "machine-learning-model",
        "bom-ref": "subject",
        "name": summary.name,
        "purl": summary.purl,
    }));
    put(&mut main, "version", summary.version.clone());
    json!({
        "$schema": format!("http://cyclonedx.org/schema/bom-{version}.schema.json"),
        "bomFormat": "CycloneDX",
        "specVersion": version,
        "serialNumber": format!("urn:uuid:{}", serial(summary)),
        "version": 1,
        "metadata": {
            "timestamp": summary.now,
            "tools": {"components": [{
                "type": "application",
                "name": "modelward",
                "version": summary.tool_version,
            }]},
            "component": main,
        },
        "components": components,
        "dependencies": [
            {"ref": "subject", "dependsOn": [MODEL]},
            {"ref": MODEL, "dependsOn": depends},
        ],
    })
}

/// A UUID in the form of version 4 that follows the digest and the time, so
/// that the same bill has the same number.
fn serial(summary: &Summary) -> String {
    let seed = summary.digest.clone().unwrap_or_default();
    let stamp: String = summary.now.chars().filter(char::is_ascii_digit).collect();
    let mut hex: Vec<u8> = seed
        .bytes()
        .chain(std::iter::repeat(b'0'))
        .take(32)
        .collect();
    for (slot, digit) in hex.iter_mut().rev().zip(stamp.bytes().rev()) {
        *slot = digit;
    }
    if let Some(slot) = hex.get_mut(12) {
        *slot = b'4';
    }
    if let Some(slot) = hex.get_mut(16) {
        *slot = b'8';
    }
    let text = String::from_utf8_lossy(&hex).into_owned();
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default().to_owned();
    format!(
        "{}-{}-{}-{}-{}",
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32)
    )
}

fn model(summary: &Summary) -> Value {
    let mut out = object(json!({
        "type": "machine-learning-model",
        "bom-ref": MODEL,
        "name": summary.name,
        "purl": summary.purl,
        "modelCard": card(summary),
        "components": summary.files.iter().enumerate().map(|(index, file)| {
            let mut out = object(json!({
                "type": "file",
                "bom-ref": format!("file-{index}"),
                "name": file.path,
                "properties": [
                    {"name": "modelward:format", "value": file.format},
                    {"name": "modelward:size", "value": file.size.to_string()},
                ],
            }));
            if let Some(sha256) = &file.sha256 {
                out.insert("hashes".to_owned(), json!([hash(sha256)]));
            }
            Value::Object(out)
        }).collect::<Vec<_>>(),
    }));
    put(&mut out, "version", summary.version.clone());
    if let Some(supplier) = &summary.supplier {
        out.insert("supplier".to_owned(), json!({"name": supplier}));
    }
    let description = summary
        .intended_use
        .clone()
        .or_else(|| summary.card.uses.clone());
    put(&mut out, "description", description);
    // The root digest covers every file; its algorithm is that of the format.
    if let Some(digest) = &summary.digest {
        out.insert("hashes".to_owned(), json!([hash(digest)]));
    }
    if let Some(licence) = &summary.licence {
        let choice = if licence.contains(' ') {
            json!([{"expression": licence}])
        } else {
            json!([{"license": {"id": licence}}])
        };
        out.insert("licenses".to_owned(), choice);
    } else if let Some(named) = &summary.card.licence {
        out.insert("licenses".to_owned(), json!([{"license": {"name": named}}]));
    }
    if !summary.ancestors.is_empty() {
        let ancestors: Vec<Value> = summary.ancestors.iter().enumerate().map(ancestor).collect();
        out.insert("pedigree".to_owned(), json!({"ancestors": ancestors}));
    }
    let mut references: Vec<Value> = summary
        .attached
        .iter()
        .map(|attached| {
            json!({
                "type": if attached.signature { "digital-signature" } else { "attestation" },
                "url": encode_path(&attached.path),
                "hashes": [hash(&attached.sha256)],
            })
        })
        .collect();
    if let Some(download) = &summary.download {
        references.push(json!({"type": "distribution", "url": download}));
    }
    if summary.card.present {
        references.push(json!({"type": "model-card", "url": "README.md"}));
    }
    if !references.is_empty() {
        out.insert("externalReferences".to_owned(), Value::Array(references));
    }
    Value::Object(out)
}

fn card(summary: &Summary) -> Value {
    let mut parameters = Map::new();
    put(&mut parameters, "task", summary.card.task.clone());
    put(
        &mut parameters,
        "architectureFamily",
        summary.family.clone(),
    );
    put(
        &mut parameters,
        "modelArchitecture",
        summary.architecture.clone(),
    );
    if !summary.datasets.is_empty() {
        let references: Vec<Value> = summary
            .datasets
            .iter()
            .map(|dataset| json!({"ref": dataset_ref(dataset)}))
            .collect();
        parameters.insert("datasets".to_owned(), Value::Array(references));
    }
    let mut properties: Vec<Value> = summary
        .properties
        .iter()
        .map(|(name, value)| property(name, value))
        .collect();
    let configured = summary.sizes.iter();
    properties.extend(configured.map(|(name, value)| property(&format!("config:{name}"), value)));
    let languages = summary.card.languages.iter();
    properties.extend(languages.map(|language| property("card:language", language)));
    properties.extend(
        summary
            .card
            .tags
            .iter()
            .map(|tag| property("card:tag", tag)),
    );
    if let Some(library) = &summary.card.library {
        properties.push(property("card:library", library));
    }
    let sections = [
        ("card:training", &summary.card.training),
        ("card:out-of-scope", &summary.card.out_of_scope),
    ];
    for (name, text) in sections {
        properties.extend(text.iter().map(|text| property(name, text)));
    }
    properties.extend(
        summary
            .tier
            .iter()
            .map(|tier| property("modelward:tier", tier)),
    );
    let differing = summary.disagreements.iter();
    properties.extend(
        differing.map(|differing| property("modelward:disagreement", &differing.sentence())),
    );
    let mut out = object(json!({
        "bom-ref": "model-card",
        "modelParameters": parameters,
        "properties": properties,
    }));
    if !summary.card.metrics.is_empty() {
        let metrics: Vec<Value> = summary
            .card
            .metrics
            .iter()
            .map(|metric| {
                let mut out = object(json!({"type": metric.kind, "value": metric.value}));
                put(&mut out, "slice", metric.dataset.clone());
                Value::Object(out)
            })
            .collect();
        out.insert(
            "quantitativeAnalysis".to_owned(),
            json!({"performanceMetrics": metrics}),
        );
    }
    let mut considerations = Map::new();
    let uses: Vec<&String> = summary
        .intended_use
        .iter()
        .chain(summary.card.uses.iter())
        .collect();
    if !uses.is_empty() {
        considerations.insert("useCases".to_owned(), json!(uses));
    }
    if let Some(limitations) = &summary.card.limitations {
        considerations.insert("technicalLimitations".to_owned(), json!([limitations]));
    }
    if let Some(ethics) = &summary.card.ethics {
        considerations.insert(
            "ethicalConsiderations".to_owned(),
            json!([{"name": ethics}]),
        );
    }
    if !considerations.is_empty() {
        out.insert("considerations".to_owned(), Value::Object(considerations));
    }
    Value::Object(out)
}

fn ancestor((index, ancestor): (usize, &Ancestor)) -> Value {
    let mut properties = vec![property("modelward:told-by", &ancestor.told_by)];
    if !ancestor.transformation.is_empty() {
        properties.push(property(
            "modelward:transformation",
            &ancestor.transformation,
        ));
    }
    let mut out = object(json!({
        "type": "machine-learning-model",
        "bom-ref": format!("ancestor-{index}"),
        "name": ancestor.name,
        "properties": properties,
    }));
    let hex = ancestor.digest.as_deref().and_then(sha256_hex);
    if let Some(hex) = hex {
        out.insert("hashes".to_owned(), json!([hash(hex)]));
    }
    Value::Object(out)
}

fn dataset(dataset: &Dataset) -> Value {
    let mut out = object(json!({
        "type": "data",
        "bom-ref": dataset_ref(dataset),
        "name": dataset.name,
        "data": [{"type": "dataset", "name": dataset.name}],
        "properties": [property("modelward:told-by", dataset.told_by)],
    }));
    put(&mut out, "version", dataset.revision.clone());
    let hex = dataset.digest.as_deref().and_then(sha256_hex);
    if let Some(hex) = hex {
        out.insert("hashes".to_owned(), json!([hash(hex)]));
    }
    Value::Object(out)
}

fn dataset_ref(dataset: &Dataset) -> String {
    format!("dataset:{}", dataset.name)
}

/// The digits of a SHA-256, or nothing when it is none.
pub(crate) fn sha256_hex(digest: &str) -> Option<&str> {
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    (hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(hex)
}

fn hash(hex: &str) -> Value {
    json!({"alg": "SHA-256", "content": hex})
}

fn property(name: &str, value: &str) -> Value {
    json!({"name": name, "value": value})
}

fn encode_path(path: &str) -> String {
    let parts: Vec<String> = path.split('/').map(encode).collect();
    parts.join("/")
}

fn put(out: &mut Map<String, Value>, key: &str, value: Option<String>) {
    if let Some(value) = value {
        out.insert(key.to_owned(), Value::String(value));
    }
}

/// The members of an object that was written as one.
fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
