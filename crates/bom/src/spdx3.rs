//! SPDX 3.0.1 JSON-LD with the AI and dataset profiles.
//!
//! Numbers that the model calls decimals are written as strings: a JSON number
//! passes the JSON schema and fails the SHACL shapes.

use serde_json::{Map, Value, json};

use crate::cyclonedx::sha256_hex;
use crate::package::encode;
use crate::summary::Summary;

/// Elements of one document, each with an id below one base.
struct Graph {
    base: String,
    elements: Vec<Value>,
    relations: usize,
}

impl Graph {
    fn id(&self, name: &str) -> String {
        format!("{}#{name}", self.base)
    }

    /// Adds an element and returns its id.
    fn add(&mut self, name: &str, kind: &str, members: Value) -> String {
        let id = self.id(name);
        let mut out = Map::new();
        out.insert("type".to_owned(), json!(kind));
        out.insert("spdxId".to_owned(), json!(id));
        out.insert("creationInfo".to_owned(), json!("_:creation"));
        if let Value::Object(members) = members {
            out.extend(members.into_iter().filter(|(_, value)| !value.is_null()));
        }
        self.elements.push(Value::Object(out));
        id
    }

    fn relate(&mut self, from: &str, kind: &str, to: &[String]) {
        if to.is_empty() {
            return;
        }
        self.relations += 1;
        let name = format!("relation-{}", self.relations);
        self.add(
            &name,
            "Relationship",
            json!({"from": from, "relationshipType": kind, "to": to}),
        );
    }
}

pub(crate) fn write(summary: &Summary) -> Value {
    let name = summary
        .digest
        .clone()
        .unwrap_or_else(|| encode(&summary.name));
    let mut graph = Graph {
        base: format!("https://modelward.dev/spdx/{name}"),
        elements: Vec::new(),
        relations: 0,
    };
    let tool = graph.add(
        "tool",
        "Tool",
        json!({"name": format!("modelward {}", summary.tool_version)}),
    );
    let author = graph.add("author", "SoftwareAgent", json!({"name": "modelward"}));
    let supplier = summary
        .supplier
        .as_ref()
        .map(|supplier| graph.add("supplier", "Organization", json!({"name": supplier})));
    let model = model(summary, &mut graph, supplier.as_deref());
    let packages = packages(summary, &mut graph);
    graph.relate(&model, "dependsOn", &packages);
    let elements: Vec<Value> = graph
        .elements
        .iter()
        .filter_map(|element| element.get("spdxId").cloned())
        .collect();
    let bom = graph.add(
        "bom",
        "software_Sbom",
        json!({
            "rootElement": [model],
            "software_sbomType": ["analyzed"],
            "element": elements,
        }),
    );
    let mut all = elements;
    all.push(json!(bom));
    graph.add(
        "document",
        "SpdxDocument",
        json!({
            "name": format!("{} bill of materials", summary.name),
            "profileConformance": ["core", "software", "ai", "dataset", "simpleLicensing"],
            "rootElement": [bom],
            "element": all,
        }),
    );
    let mut out = vec![json!({
        "type": "CreationInfo",
        "@id": "_:creation",
        "specVersion": "3.0.1",
        "created": summary.now,
        "createdBy": [author],
        "createdUsing": [tool],
    })];
    out.extend(graph.elements);
    json!({
        "@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld",
        "@graph": out,
    })
}

fn model(summary: &Summary, graph: &mut Graph, supplier: Option<&str>) -> String {
    let kinds: Vec<&String> = summary
        .family
        .iter()
        .chain(summary.architecture.iter())
        .collect();
    let sizes = summary
        .sizes
        .iter()
        .map(|(key, value)| (key.clone(), value.clone()));
    let entries: Vec<Value> = sizes
        .chain(summary.properties.iter().cloned())
        .map(|(key, value)| entry(&key, &value))
        .collect();
    let metrics: Vec<Value> = summary
        .card
        .metrics
        .iter()
        .map(|metric| match &metric.dataset {
            Some(dataset) => entry(&format!("{} on {dataset}", metric.kind), &metric.value),
            None => entry(&metric.kind, &metric.value),
        })
        .collect();
    let limits: Vec<&str> = [&summary.card.limitations, &summary.card.out_of_scope]
        .into_iter()
        .filter_map(|text| text.as_deref())
        .collect();
    let domain: Vec<&String> = summary.card.task.iter().collect();
    // SPDX knows four words, the manifest's own four name the same risks.
    let risk = summary
        .tier
        .map(|tier| if tier == "critical" { "serious" } else { tier });
    let model = graph.add(
        "model",
        "ai_AIPackage",
        json!({
            "name": summary.name,
            "software_packageVersion": summary.version,
            "software_downloadLocation": summary.download,
            "software_packageUrl": summary.purl,
            "software_primaryPurpose": "model",
            "releaseTime": summary.released,
            "suppliedBy": supplier,
            "verifiedUsing": summary.digest.as_deref().map(|digest| json!([hash(digest)])),
            "ai_typeOfModel": some(&kinds),
            "ai_domain": some(&domain),
            "ai_hyperparameter": some(&entries),
            "ai_metric": some(&metrics),
            "ai_limitation": (!limits.is_empty()).then(|| limits.join("\n")),
            "ai_informationAboutApplication":
                summary.intended_use.as_ref().or(summary.card.uses.as_ref()),
            "ai_informationAboutTraining": summary.card.training,
            "ai_safetyRiskAssessment": risk,
        }),
    );
    licences(summary, graph, &model);
    let files: Vec<String> = summary
        .files
        .iter()
        .enumerate()
        .map(|(index, file)| {
            graph.add(
                &format!("file-{index}"),
                "software_File",
                json!({
                    "name": file.path,
                    "comment": format!("{}, {} bytes", file.format, file.size),
                    "verifiedUsing": file.sha256.as_deref().map(|sha256| json!([hash(sha256)])),
                }),
            )
        })
        .collect();
    graph.relate(&model, "contains", &files);
    for (index, ancestor) in summary.ancestors.iter().enumerate() {
        let digest = ancestor.digest.as_deref().and_then(sha256_hex);
        let how = if ancestor.transformation.is_empty() {
            format!("told by {}", ancestor.told_by)
        } else {
            format!("{}, told by {}", ancestor.transformation, ancestor.told_by)
        };
        let id = graph.add(
            &format!("ancestor-{index}"),
            "ai_AIPackage",
            json!({
                "name": ancestor.name,
                "comment": how,
                "software_primaryPurpose": "model",
                "verifiedUsing": digest.map(|digest| json!([hash(digest)])),
            }),
        );
        graph.relate(&id, "ancestorOf", std::slice::from_ref(&model));
    }
    for (index, dataset) in summary.datasets.iter().enumerate() {
        let digest = dataset.digest.as_deref().and_then(sha256_hex);
        let id = graph.add(
            &format!("dataset-{index}"),
            "dataset_DatasetPackage",
            json!({
                "name": dataset.name,
                "comment": format!("told by {}", dataset.told_by),
                "software_primaryPurpose": "data",
                "software_packageVersion": dataset.revision,
                "dataset_datasetType": ["noAssertion"],
                "verifiedUsing": digest.map(|digest| json!([hash(digest)])),
            }),
        );
        graph.relate(&model, "trainedOn", &[id]);
    }
    for (index, attached) in summary.attached.iter().enumerate() {
        let id = graph.add(
            &format!("evidence-{index}"),
            "software_File",
            json!({
                "name": attached.path,
                "comment": if attached.signature { "signature" } else { "signed statements" },
                "verifiedUsing": [hash(&attached.sha256)],
            }),
        );
        graph.relate(&model, "hasEvidence", &[id]);
    }
    for (index, differing) in summary.disagreements.iter().enumerate() {
        graph.add(
            &format!("disagreement-{index}"),
            "Annotation",
            json!({
                "annotationType": "review",
                "subject": model,
                "statement": differing.sentence(),
            }),
        );
    }
    model
}

fn licences(summary: &Summary, graph: &mut Graph, model: &str) {
    let Some(licence) = &summary.licence else {
        return;
    };
    let id = graph.add(
        "licence",
        "simplelicensing_LicenseExpression",
        json!({"simplelicensing_licenseExpression": licence}),
    );
    // What the supplier declares is all there is to conclude from.
    for kind in ["hasDeclaredLicense", "hasConcludedLicense"] {
        graph.relate(model, kind, std::slice::from_ref(&id));
    }
}

fn packages(summary: &Summary, graph: &mut Graph) -> Vec<String> {
    let mut out = Vec::new();
    for (index, requirement) in summary.requirements.iter().enumerate() {
        out.push(graph.add(
            &format!("package-{index}"),
            "software_Package",
            json!({
                "name": requirement.name,
                "software_packageVersion": requirement.version,
                "software_packageUrl": requirement.purl(),
                "comment": requirement.constraint.as_ref().map(|text| format!("any {text}")),
            }),
        ));
    }
    out
}

fn entry(key: &str, value: &str) -> Value {
    json!({"type": "DictionaryEntry", "key": key, "value": value})
}

fn hash(hex: &str) -> Value {
    json!({"type": "Hash", "algorithm": "sha256", "hashValue": hex})
}

/// A list, or nothing when it is empty.
fn some<T: serde::Serialize>(items: &[T]) -> Option<Value> {
    (!items.is_empty()).then(|| json!(items))
}
