//! What the files beside the weights say about tokens: `tokenizer.json`, a
//! SentencePiece model, `vocab.json` with `merges.txt`, and what was added.
//!
//! Follows `_set_vocab_*` in `conversion/base.py` of llama.cpp; the SentencePiece
//! model is the protobuf message of `sentencepiece_model.proto`, read without a
//! library and only as far as it makes sense.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use crate::model::Model;

/// Files that are read here and that no other reader may know.
pub(crate) fn reads(name: &str) -> bool {
    matches!(
        name,
        "tokenizer.model" | "spiece.model" | "merges.txt" | "vocab.txt"
    )
}

/// Everything that files beside the weights say about tokens.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// Texts that a token may have, and types; by id.
    pub(super) texts: BTreeMap<u64, BTreeSet<Vec<u8>>>,
    pub(super) kinds: BTreeMap<u64, BTreeSet<i128>>,
    pub(super) scores: BTreeMap<u64, f32>,
    pub(super) added: BTreeMap<String, u64>,
    pub(super) merges: Option<Vec<String>>,
    pub(super) config: Json,
    pub(super) has_pieces: bool,
    pub(super) found: bool,
}

impl Source {
    pub(super) fn read(model: &Model) -> Self {
        let mut source = Self {
            config: model.json("tokenizer_config.json").unwrap_or(Json::Null),
            ..Self::default()
        };
        if let Some(bytes) = model
            .content("tokenizer.model")
            .or_else(|| model.content("spiece.model"))
        {
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
            && let Some(text) = model
                .content("merges.txt")
                .and_then(|b| String::from_utf8(b).ok())
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
        for (id, entry) in decoder
            .as_ref()
            .and_then(Json::as_object)
            .into_iter()
            .flatten()
        {
            if let (Ok(id), Some(text)) = (id.parse(), entry.get("content").and_then(Json::as_str))
            {
                source.added(id, text, entry.get("special").and_then(Json::as_bool));
            }
        }
        source
    }

    fn text(&mut self, id: u64, text: &str, kind: i128) {
        self.texts
            .entry(id)
            .or_default()
            .insert(text.as_bytes().to_vec());
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
                            self.texts
                                .entry(id)
                                .or_default()
                                .insert(text.as_bytes().to_vec());
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
            let (1, Wire::Bytes(piece)) = (field, value) else {
                continue;
            };
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
            self.kinds
                .entry(id)
                .or_default()
                .insert(if kind == 4 { 1 } else { i128::from(kind) });
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
