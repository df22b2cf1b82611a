//! The tokenizer and chat template inside a GGUF file against those of the source.
//!
//! Follows `_set_vocab_*` in `conversion/base.py` and `SpecialVocab` in
//! `gguf-py/gguf/vocab.py` of llama.cpp. The name of the pre-tokenizer is
//! chosen by a list of hashes inside the converter and is not checked.

use serde_json::Value as Json;

use super::convert::Config;
use super::file::{Head, Value};
use super::metadata::differ;
use super::template;
use super::vocabulary::Source;
use crate::model::Model;
use crate::proof::Proof;

/// Compares tokens, types, scores, merges, special ids and the template.
pub(super) fn compare(head: &Head, model: &Model, config: &Config, proof: &mut Proof) {
    let source = Source::read(model);
    template::compare(head, model, &source, config, proof);
    if head.get("tokenizer.ggml.tokens").is_none() {
        if source.found {
            differ(
                proof,
                "tokenizer.ggml.tokens",
                Some("a vocabulary".to_owned()),
                None,
            );
        }
        return;
    }
    if !source.found {
        proof.lower(
            crate::Grade::Claimed,
            "the source has no tokenizer.json and no tokenizer.model, so the tokens cannot be compared",
        );
        return;
    }
    tokens(head, &source, config, proof);
    merges(head, &source, proof);
    special(head, &source, config, proof);
}

fn tokens(head: &Head, source: &Source, config: &Config, proof: &mut Proof) {
    let list = |key: &str| head.get(key).and_then(Value::array).unwrap_or_default();
    let texts = list("tokenizer.ggml.tokens");
    let kinds = list("tokenizer.ggml.token_type");
    let scores = list("tokenizer.ggml.scores");
    let highest = source.texts.keys().next_back().map_or(0, |id| id + 1);
    let told = config.integer(&["vocab_size"]).unwrap_or(highest);
    let count = texts.len() as u64;
    if count != told && count != highest && count != told.max(highest) {
        differ(
            proof,
            "tokenizer.ggml.tokens",
            Some(format!("{told} tokens")),
            Some(format!("{count} tokens")),
        );
    }
    for (key, list) in [("token_type", kinds), ("scores", scores)] {
        if !list.is_empty() && list.len() != texts.len() {
            differ(
                proof,
                &format!("tokenizer.ggml.{key}"),
                Some(format!("{count} values")),
                Some(format!("{} values", list.len())),
            );
        }
    }
    let mut wrong = (0, 0, 0);
    for (i, text) in texts.iter().enumerate() {
        let id = i as u64;
        let Value::Text(text) = text else { continue };
        let known = source.texts.get(&id);
        let padding = [
            format!("[PAD{i}]"),
            format!("[PAD_{i}]"),
            format!("[unused{i}]"),
        ];
        let honest = match known {
            Some(known) => known.contains(text),
            None => padding.iter().any(|p| p.as_bytes() == text),
        };
        if !honest {
            wrong.0 += 1;
            if wrong.0 <= 3 {
                let was = known
                    .and_then(|k| k.iter().next())
                    .map(|t| String::from_utf8_lossy(t).into_owned());
                let is = String::from_utf8_lossy(text).into_owned();
                differ(proof, &format!("tokenizer.ggml.tokens[{i}]"), was, Some(is));
            }
        }
        if let Some(kind) = kinds.get(i).and_then(Value::integer) {
            let honest = source
                .kinds
                .get(&id)
                .map_or(kind == 5, |known| known.contains(&kind));
            if !honest {
                wrong.1 += 1;
                if wrong.1 <= 3 {
                    let was = source.kinds.get(&id).map(|k| {
                        k.iter()
                            .map(ToString::to_string)
                            .collect::<Vec<_>>()
                            .join(" or ")
                    });
                    let key = format!("tokenizer.ggml.token_type[{i}]");
                    differ(proof, &key, was, Some(kind.to_string()));
                }
            }
        }
        if let Some(Value::F32(bits)) = scores.get(i) {
            let score = f32::from_bits(*bits);
            let own = source.scores.get(&id);
            let filler = [-1000.0, -10000.0].contains(&score);
            let added = source.added.values().any(|a| *a == id);
            let honest = match own {
                Some(own) => own.to_bits() == *bits || (added && filler),
                None => filler || score == 0.0 || score == -(i as f32),
            };
            if !honest {
                wrong.2 += 1;
                if wrong.2 <= 3 {
                    let was = own.map(ToString::to_string);
                    differ(
                        proof,
                        &format!("tokenizer.ggml.scores[{i}]"),
                        was,
                        Some(score.to_string()),
                    );
                }
            }
        }
    }
}

fn merges(head: &Head, source: &Source, proof: &mut Proof) {
    let stored = head.get("tokenizer.ggml.merges").and_then(Value::array);
    match (&source.merges, stored) {
        (Some(merges), Some(stored)) => {
            if merges.len() != stored.len() {
                differ(
                    proof,
                    "tokenizer.ggml.merges",
                    Some(format!("{} merges", merges.len())),
                    Some(format!("{} merges", stored.len())),
                );
            } else if let Some(i) = merges
                .iter()
                .zip(stored)
                .position(|(m, s)| s.text() != Some(m.as_str()))
            {
                let is = stored[i].text().map(str::to_owned);
                differ(
                    proof,
                    &format!("tokenizer.ggml.merges[{i}]"),
                    Some(merges[i].clone()),
                    is,
                );
            }
        }
        (None, Some(stored)) if !stored.is_empty() => {
            differ(
                proof,
                "tokenizer.ggml.merges",
                None,
                Some(format!("{} merges", stored.len())),
            );
        }
        (Some(merges), None)
            if !merges.is_empty() && head.text("tokenizer.ggml.model") == Some("gpt2") =>
        {
            differ(
                proof,
                "tokenizer.ggml.merges",
                Some(format!("{} merges", merges.len())),
                None,
            );
        }
        _ => {}
    }
}

fn special(head: &Head, source: &Source, config: &Config, proof: &mut Proof) {
    for (key, word) in [
        ("bos_token_id", "bos"),
        ("eos_token_id", "eos"),
        ("unknown_token_id", "unk"),
        ("seperator_token_id", "sep"),
        ("padding_token_id", "pad"),
        ("cls_token_id", "cls"),
        ("mask_token_id", "mask"),
    ] {
        let key = format!("tokenizer.ggml.{key}");
        // BERT begins with its class token and ends with its separator.
        let said = match (config.arch.as_str(), word) {
            ("bert" | "nomic-bert", "bos") => "cls",
            ("bert" | "nomic-bert", "eos") => "sep",
            _ => word,
        };
        let entry = source.config.get(format!("{said}_token"));
        let text = entry.and_then(|e| e.as_str().or_else(|| e.get("content")?.as_str()));
        let named = text.and_then(|t| source.added.get(t)).copied();
        let told = config
            .json
            .get(format!("{word}_token_id"))
            .and_then(Json::as_u64);
        let stored = head.get(&key).and_then(Value::integer);
        if config.arch == "bert" && word == "cls" && stored.is_none() {
            continue;
        }
        let Some(wanted) = named.or(told) else {
            if stored.is_some() && config.arch != "glm4" {
                proof.note(format!("{key} is told by nothing in the source"));
            }
            continue;
        };
        match stored {
            Some(stored) if stored == i128::from(wanted) => {}
            // The other source of the same knowledge.
            Some(stored) if told.map(i128::from) == Some(stored) && named.is_none() => {}
            _ if config.arch == "glm4" => {}
            None if named.is_none() => {}
            _ => differ(
                proof,
                &key,
                Some(wanted.to_string()),
                stored.map(|s| s.to_string()),
            ),
        }
    }
    for word in ["bos", "eos", "sep"] {
        let key = format!("tokenizer.ggml.add_{word}_token");
        let told = source
            .config
            .get(format!("add_{word}_token"))
            .and_then(Json::as_bool);
        if let (Some(told), Some(Value::Bool(stored))) = (told, head.get(&key))
            && told != *stored
            && config.arch != "phi2"
        {
            differ(
                proof,
                &key,
                Some(told.to_string()),
                Some(stored.to_string()),
            );
        }
    }
    let space = source
        .config
        .get("add_prefix_space")
        .and_then(Json::as_bool);
    if let Some(Value::Bool(stored)) = head.get("tokenizer.ggml.add_space_prefix") {
        let wanted = if config.arch.starts_with("gemma") {
            Some(false)
        } else {
            space
        };
        if wanted.is_some_and(|wanted| wanted != *stored) {
            let key = "tokenizer.ggml.add_space_prefix";
            differ(
                proof,
                key,
                wanted.map(|w| w.to_string()),
                Some(stored.to_string()),
            );
        }
    }
    let model = head.text("tokenizer.ggml.model");
    let wanted = if source.has_pieces {
        ["llama", "t5", "gemma4"]
    } else {
        ["gpt2", "bert", "llama"]
    };
    if model.is_none_or(|m| !wanted.contains(&m)) {
        differ(
            proof,
            "tokenizer.ggml.model",
            Some(wanted.join(" or ")),
            model.map(str::to_owned),
        );
    }
}
