//! The chat template inside a GGUF file against the source's.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::convert::Config;
use super::file::{Head, Value};
use super::metadata::differ;
use super::vocabulary::Source;
use crate::model::Model;
use crate::proof::Proof;

/// The template is where a silent change is most dangerous: it must be the
/// source's to the letter.
pub(super) fn compare(
    head: &Head,
    model: &Model,
    source: &Source,
    config: &Config,
    proof: &mut Proof,
) {
    let file = model
        .content("chat_template.jinja")
        .and_then(|b| String::from_utf8(b).ok());
    let json = model
        .json("chat_template.json")
        .and_then(|j| Some(j.get("chat_template")?.as_str()?.to_owned()));
    let mut wanted: BTreeMap<String, String> = BTreeMap::new();
    match source.config.get("chat_template") {
        Some(Json::String(text)) => {
            wanted.insert("tokenizer.chat_template".to_owned(), text.clone());
        }
        Some(Json::Array(list)) => {
            for entry in list {
                if let (Some(name), Some(text)) =
                    (entry["name"].as_str(), entry["template"].as_str())
                {
                    let key = if name == "default" {
                        "tokenizer.chat_template".to_owned()
                    } else {
                        let plain: String = name
                            .chars()
                            .map(|c| {
                                if c.is_ascii_alphanumeric() || c == '_' {
                                    c
                                } else {
                                    '_'
                                }
                            })
                            .collect();
                        format!("tokenizer.chat_template.{plain}")
                    };
                    wanted.insert(key, text.to_owned());
                }
            }
        }
        _ => {
            if let Some(text) = file.or(json) {
                wanted.insert("tokenizer.chat_template".to_owned(), text);
            }
        }
    }
    for (key, text) in &wanted {
        match head.get(key) {
            Some(Value::Text(stored)) if stored == text.as_bytes() => {}
            Some(value) => {
                let stored = value.text().unwrap_or_default();
                let at = stored
                    .bytes()
                    .zip(text.bytes())
                    .take_while(|(a, b)| a == b)
                    .count();
                let part = |t: &str| -> String {
                    let from = t
                        .char_indices()
                        .map(|(i, _)| i)
                        .take_while(|i| *i <= at)
                        .last()
                        .unwrap_or(0);
                    format!(
                        "…{}",
                        t.get(from..)
                            .unwrap_or("")
                            .chars()
                            .take(60)
                            .collect::<String>()
                    )
                };
                differ(
                    proof,
                    &format!("{key} at byte {at}"),
                    Some(part(text)),
                    Some(part(stored)),
                );
            }
            None if config.arch == "bert" => {}
            None => differ(proof, key, Some("a template".to_owned()), None),
        }
    }
    for (key, value) in &head.keys {
        let is = key.starts_with("tokenizer.chat_template.") || key == "tokenizer.chat_template";
        if is && !wanted.contains_key(key) {
            differ(proof, key, None, Some(value.to_string()));
        }
    }
}
