//! `config.json` of transformers and `adapter_config.json` of PEFT.

use serde_json::Value;

use super::{Hints, TextFile, add, is_repo_id};
use crate::yaml::MAX_BYTES;

pub(super) fn read(hints: &mut Hints, file: TextFile<'_>) {
    let Some(config) = parse(file) else { return };
    let text = |key: &str| config.get(key).and_then(Value::as_str).unwrap_or("");
    add(&mut hints.about, text("model_type"), file.name);
    let architectures = config.get("architectures").and_then(Value::as_array);
    for architecture in architectures
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        add(&mut hints.about, architecture, file.name);
    }
    // It often holds the path of the machine that saved it.
    let origin = text("_name_or_path");
    if is_repo_id(origin) {
        hints.parent(origin, None, file.name);
    }
}

pub(super) fn read_adapter(hints: &mut Hints, file: TextFile<'_>) {
    let Some(config) = parse(file) else { return };
    let text = |key: &str| config.get(key).and_then(Value::as_str).unwrap_or("");
    let base = text("base_model_name_or_path");
    if is_repo_id(base) {
        hints.parent(base, Some("adapter-train"), file.name);
    }
    add(&mut hints.about, text("peft_type"), file.name);
}

fn parse(file: TextFile<'_>) -> Option<Value> {
    if file.text.len() > MAX_BYTES {
        return None;
    }
    serde_json::from_str(file.text).ok()
}
