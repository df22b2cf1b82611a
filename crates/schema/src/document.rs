//! The types as JSON Schema 2020-12, for editors and other programs.

use serde_json::{Map, Value, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use crate::{Manifest, Report};

/// The published schemas by file name, under `docs/schema/`.
pub fn schema_documents() -> [(&'static str, Value); 2] {
    [
        (
            "manifest.schema.json",
            document::<Manifest>("modelward.yaml: what the people responsible say about a model"),
        ),
        (
            "report.schema.json",
            document::<Report>("The report: printed, stored, and judged by policy"),
        ),
    ]
}

fn document<T: ToSchema + PartialSchema>(title: &str) -> Value {
    let mut parts: Vec<(String, RefOr<Schema>)> = Vec::new();
    T::schemas(&mut parts);
    let mut defs: Map<String, Value> = parts
        .into_iter()
        .map(|(name, schema)| (name, json!(schema)))
        .collect();
    defs.sort_keys();
    let mut out = Map::new();
    out.insert(
        "$schema".to_owned(),
        json!("https://json-schema.org/draft/2020-12/schema"),
    );
    out.insert("title".to_owned(), json!(title));
    if let Value::Object(root) = json!(T::schema()) {
        out.extend(root);
    }
    out.insert("$defs".to_owned(), Value::Object(defs));
    let mut document = Value::Object(out);
    point_to_defs(&mut document);
    document
}

/// References are made for an API description; here the parts lie elsewhere.
fn point_to_defs(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                match value {
                    Value::String(text) if key == "$ref" => {
                        *text = text.replace("#/components/schemas/", "#/$defs/");
                    }
                    value => point_to_defs(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(point_to_defs),
        _ => {}
    }
}
