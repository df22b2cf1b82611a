//! The tokenizer and chat template inside a GGUF file against those of the source.
//!
//! Follows `_set_vocab_*` in `conversion/base.py` and `SpecialVocab` in
//! `gguf-py/gguf/vocab.py` of llama.cpp. The name of the pre-tokenizer is
//! chosen by a list of hashes inside the converter and is not checked.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::convert::Config;
use super::file::{Head, Value};
use super::metadata::differ;
use crate::model::Model;
use crate::proof::Proof;

/// Everything that files beside the weights say about tokens.
#[derive(Debug, Default)]
struct Source {
    /// Texts that a token may have, and types; by id.
    texts: BTreeMap<u64, BTreeSet<Vec<u8>>>,
    kinds: BTreeMap<u64, BTreeSet<i128>>,
    scores: BTreeMap<u64, f32>,
    added: BTreeMap<String, u64>,
    merges: Option<Vec<String>>,
    config: Json,
    has_pieces: bool,
    found: bool,
}

/// Compares tokens, types, scores, merges, special ids and the template.
pub(super) fn compare(head: &Head, model: &Model, config: &Config, proof: &mut Proof) {
    let source = Source::read(model);
    template(head, model, &source, config, proof);
    if head.get("tokenizer.ggml.tokens").is_none() {
        if source.found {
            differ(proof, "tokenizer.ggml.tokens", Some("a vocabulary".to_owned()), None);
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

impl Source {
    fn read(model: &Model) -> Self {
        let mut source = Self {
            config: model.json("tokenizer_config.json").unwrap_or(Json::Null),
            ..Self::default()
        };
        if let Some(bytes) = model.content("tokenizer.model").or_else(|| model.content("spiece.model")) {
            source.pieces(&bytes);
        }
        if let Some(json) = model.json("tokenizer.json") {
            source.fast(&json);
        } else if let Some(json) = model.json("vocab.json") {
            source.found = true;
            for (text, id) in json.as_object().into_iter().flatten() {
                if let Some(id) = id.as_u64() {
                    source.text(id, text, 1);
                }
            }
        }
        if source.merges.is_none()
            && let Some(text) = model.content("merges.txt").and_then(|b| String::from_utf8(b).ok())
        {
            source.merges = Some(
                text.lines()
                    .filter(|line| !line.starts_with("#version") && !line.trim().is_empty())
                    .map(str::to_owned)
                    .collect(),
            );
        }
        if let Some(Json::Object(added)) = model.json("added_tokens.json") {
            for (text, id) in added {
                if let Some(id) = id.as_u64() {
                    source.added(id, &text, None);
                }
            }
        }
        let decoder = source.config.get("added_tokens_decoder").cloned();
        for (id, entry) in decoder.as_ref().and_then(Json::as_object).into_iter().flatten() {
            if let (Ok(id), Some(text)) = (id.parse(), entry.get("content").and_then(Json::as_str)) {
                source.added(id, text, entry.get("special").and_then(Json::as_bool));
            }
        }
        source
    }

    fn text(&mut self, id: u64, text: &str, kind: i128) {
        self.texts.entry(id).or_default().insert(text.as_bytes().to_vec());
        self.kinds.entry(id).or_default().insert(kind);
    }

    /// A token added to the model's own: control when special, else the user's.
    fn added(&mut self, id: u64, text: &str, special: Option<bool>) {
        let texts = self.texts.entry(id).or_default();
        texts.insert(text.as_bytes().to_vec());
        texts.insert(text.replace('\u{2581}', " ").into_bytes());
        let looks = text.starts_with(['<', '[']);
        let kinds = self.kinds.entry(id).or_default();
        if !self.has_pieces {
            kinds.clear();
        }
        if special != Some(false) || looks {
            kinds.insert(3);
        }
        if special != Some(true) {
            kinds.insert(4);
        }
        self.added.insert(text.to_owned(), id);
    }

    fn fast(&mut self, json: &Json) {
        let model = &json["model"];
        let byte = |text: &str| text.len() == 6 && text.starts_with("<0x") && text.ends_with('>');
        match &model["vocab"] {
            Json::Object(vocab) => {
                self.found = true;
                for (text, id) in vocab {
                    if let Some(id) = id.as_u64() {
                        if self.has_pieces {
                            self.texts.entry(id).or_default().insert(text.as_bytes().to_vec());
                            self.kinds.entry(id).or_default().insert(1);
                            continue;
                        }
                        self.text(id, text, 1);
                        // Word pieces lose their mark and the others gain one.
                        let texts = self.texts.entry(id).or_default();
                        match text.strip_prefix("##") {
                            Some(rest) => texts.insert(rest.as_bytes().to_vec()),
                            None => texts.insert(format!("\u{2581}{text}").into_bytes()),
                        };
                        if byte(text) {
                            self.kinds.entry(id).or_default().insert(6);
                        }
                    }
                }
            }
            Json::Array(vocab) => {
                self.found = true;
                for (id, entry) in vocab.iter().enumerate() {
                    if let Some(text) = entry.get(0).and_then(Json::as_str) {
                        self.text(id as u64, text, 1);
                        if byte(text) {
                            self.kinds.entry(id as u64).or_default().insert(6);
                        }
                    }
                    if let Some(score) = entry.get(1).and_then(Json::as_f64) {
                        self.scores.entry(id as u64).or_insert(score as f32);
                    }
                }
            }
            _ => {}
        }
        if let Some(merges) = model["merges"].as_array() {
            let one = |m: &Json| -> Option<String> {
                if let Some(text) = m.as_str() {
                    return Some(text.to_owned());
                }
                // A space inside a part is written as the letter 256 above it.
                let part = |i: usize| Some(m.get(i)?.as_str()?.replace(' ', "\u{120}"));
                Some(format!("{} {}", part(0)?, part(1)?))
            };
            self.merges = merges.iter().map(one).collect();
        }
        for entry in json["added_tokens"].as_array().into_iter().flatten() {
            if let (Some(id), Some(text)) = (entry["id"].as_u64(), entry["content"].as_str()) {
                self.added(id, text, entry["special"].as_bool());
            }
        }
    }

    /// The pieces of a SentencePiece model: field 1 of the message, each with
    /// text (1), score (2) and type (3).
    fn pieces(&mut self, bytes: &[u8]) {
        let mut id = 0;
        for (field, value) in fields(bytes) {
            let (1, Wire::Bytes(piece)) = (field, value) else { continue };
            let (mut text, mut score, mut kind) = (Vec::new(), 0.0, 1);
            for (field, value) in fields(piece) {
                match (field, value) {
                    (1, Wire::Bytes(b)) => text = b.to_vec(),
                    (2, Wire::Four(v)) => score = f32::from_bits(v),
                    (3, Wire::Number(v)) => kind = v,
                    _ => {}
                }
            }
            self.texts.entry(id).or_default().insert(text);
            // User-defined pieces are written as normal ones.
            self.kinds.entry(id).or_default().insert(if kind == 4 { 1 } else { i128::from(kind) });
            self.scores.insert(id, score);
            id += 1;
        }
        self.has_pieces = id > 0;
        self.found |= id > 0;
    }
}

enum Wire<'a> {
    Number(u64),
    Four(u32),
    Bytes(&'a [u8]),
}

/// The fields of a protobuf message; stops where it stops making sense.
fn fields(bytes: &[u8]) -> impl Iterator<Item = (u64, Wire<'_>)> {
    let mut at = 0;
    let number = move |at: &mut usize| -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let b = *bytes.get(*at)?;
            *at += 1;
            value |= u64::from(b & 127) << shift;
            if b < 128 {
                return Some(value);
            }
        }
        None
    };
    std::iter::from_fn(move || {
        let tag = number(&mut at)?;
        let mut take = |len: usize| {
            let part = bytes.get(at..at.checked_add(len)?)?;
            at += len;
            Some(part)
        };
        let value = match tag & 7 {
            0 => Wire::Number(number(&mut at)?),
            1 => Wire::Bytes(take(8)?),
            5 => Wire::Four(u32::from_le_bytes(take(4)?.try_into().ok()?)),
            2 => {
                let len = usize::try_from(number(&mut at)?).ok()?;
                let part = bytes.get(at..at.checked_add(len)?)?;
                at += len;
                Wire::Bytes(part)
            }
            _ => return None,
        };
        Some((tag >> 3, value))
    })
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
        let padding = [format!("[PAD{i}]"), format!("[PAD_{i}]"), format!("[unused{i}]")];
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
            let honest = source.kinds.get(&id).map_or(kind == 5, |known| known.contains(&kind));
            if !honest {
                wrong.1 += 1;
                if wrong.1 <= 3 {
                    let was = source.kinds.get(&id).map(|k| {
                        k.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
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
                    differ(proof, &format!("tokenizer.ggml.scores[{i}]"), was, Some(score.to_string()));
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
            } else if let Some(i) =
                merges.iter().zip(stored).position(|(m, s)| s.text() != Some(m.as_str()))
            {
                let is = stored[i].text().map(str::to_owned);
                differ(proof, &format!("tokenizer.ggml.merges[{i}]"), Some(merges[i].clone()), is);
            }
        }
        (None, Some(stored)) if !stored.is_empty() => {
            differ(proof, "tokenizer.ggml.merges", None, Some(format!("{} merges", stored.len())));
        }
        (Some(merges), None)
            if !merges.is_empty() && head.text("tokenizer.ggml.model") == Some("gpt2") =>
        {
            differ(proof, "tokenizer.ggml.merges", Some(format!("{} merges", merges.len())), None);
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
        let told = config.json.get(format!("{word}_token_id")).and_then(Json::as_u64);
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
            _ => differ(proof, &key, Some(wanted.to_string()), stored.map(|s| s.to_string())),
        }
    }
    for word in ["bos", "eos", "sep"] {
        let key = format!("tokenizer.ggml.add_{word}_token");
        let told = source.config.get(format!("add_{word}_token")).and_then(Json::as_bool);
        if let (Some(told), Some(Value::Bool(stored))) = (told, head.get(&key))
            && told != *stored
            && config.arch != "phi2"
        {
            differ(proof, &key, Some(told.to_string()), Some(stored.to_string()));
        }
    }
    let space = source.config.get("add_prefix_space").and_then(Json::as_bool);
    if let Some(Value::Bool(stored)) = head.get("tokenizer.ggml.add_space_prefix") {
        let wanted = if config.arch.starts_with("gemma") { Some(false) } else { space };
        if wanted.is_some_and(|wanted| wanted != *stored) {
            let key = "tokenizer.ggml.add_space_prefix";
            differ(proof, key, wanted.map(|w| w.to_string()), Some(stored.to_string()));
        }
    }
    let model = head.text("tokenizer.ggml.model");
    let wanted = if source.has_pieces { ["llama", "t5", "gemma4"] } else { ["gpt2", "bert", "llama"] };
    if model.is_none_or(|m| !wanted.contains(&m)) {
        differ(
            proof,
            "tokenizer.ggml.model",
            Some(wanted.join(" or ")),
            model.map(str::to_owned),
        );
    }
}

/// The template is where a silent change is most dangerous: it must be the
/// source's to the letter.
fn template(head: &Head, model: &Model, source: &Source, config: &Config, proof: &mut Proof) {
    let file = model.content("chat_template.jinja").and_then(|b| String::from_utf8(b).ok());
    let json = model.json("chat_template.json").and_then(|j| Some(j.get("chat_template")?.as_str()?.to_owned()));
    let mut wanted: BTreeMap<String, String> = BTreeMap::new();
    match source.config.get("chat_template") {
        Some(Json::String(text)) => {
            wanted.insert("tokenizer.chat_template".to_owned(), text.clone());
        }
        Some(Json::Array(list)) => {
            for entry in list {
                if let (Some(name), Some(text)) = (entry["name"].as_str(), entry["template"].as_str()) {
                    let key = if name == "default" {
                        "tokenizer.chat_template".to_owned()
                    } else {
                        let plain: String = name
                            .chars()
                            .map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' })
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
                let at = stored.bytes().zip(text.bytes()).take_while(|(a, b)| a == b).count();
                let part = |t: &str| -> String {
                    let from = t.char_indices().map(|(i, _)| i).take_while(|i| *i <= at).last().unwrap_or(0);
                    format!("…{}", t.get(from..).unwrap_or("").chars().take(60).collect::<String>())
                };
                differ(proof, &format!("{key} at byte {at}"), Some(part(text)), Some(part(stored)));
            }
            None if config.arch == "bert" => {}
            None => differ(proof, key, Some("a template".to_owned()), None),
        }
    }
    for (key, value) in &head.keys {
        if key.starts_with("tokenizer.chat_template.") || key == "tokenizer.chat_template" {
            if !wanted.contains_key(key) {
                differ(proof, key, None, Some(value.to_string()));
            }
        }
    }
}
