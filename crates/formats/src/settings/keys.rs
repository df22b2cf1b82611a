//! Keys that name templates, other repositories, files and credentials.

use modelward_schema::{Location, ReferenceKind};

use super::{Level, Settings, dotted, key_of};
use crate::plain::secret;
use crate::{Session, jinja};

/// Files whose `chat_template` Transformers hands to its template engine.
const TEMPLATE_FILES: [&str; 5] = [
    "tokenizer_config.json",
    "chat_template.json",
    "processor_config.json",
    "preprocessor_config.json",
    "video_preprocessor_config.json",
];

/// Top-level keys by which people and tools recognise a model.
const TELLING: [&str; 16] = [
    "_class_name",
    "_name_or_path",
    "architectures",
    "base_model_name_or_path",
    "dtype",
    "license",
    "library_name",
    "mlflow_version",
    "model_type",
    "peft_type",
    "pipeline_tag",
    "quant_method",
    "task_type",
    "tokenizer_class",
    "torch_dtype",
    "transformers_version",
];

/// Numbers that say how large a model is and how it was adapted.
const SIZES: [&str; 24] = [
    "d_model",
    "hidden_size",
    "image_size",
    "intermediate_size",
    "lora_alpha",
    "max_position_embeddings",
    "n_ctx",
    "n_embd",
    "n_head",
    "n_layer",
    "n_positions",
    "num_attention_heads",
    "num_channels",
    "num_experts",
    "num_experts_per_tok",
    "num_hidden_layers",
    "num_key_value_heads",
    "num_layers",
    "num_local_experts",
    "patch_size",
    "r",
    "rope_theta",
    "sliding_window",
    "vocab_size",
];

/// Addresses told per document.
const MAX_URLS: u32 = 200;

impl Settings<'_> {
    pub(super) fn text(
        &mut self,
        way: &[Level<'_>],
        text: &str,
        at: &dyn Fn() -> Location,
        session: &mut Session<'_>,
    ) {
        let key = key_of(way);
        self.template(way, text, at, session);
        self.code(way, text, at, session);
        self.outside(way, key, text, at, session);
        self.card(way, text, at, session);
        if way.len() <= 2 && TELLING.contains(&key) {
            session.metadata(dotted(way), &secret::redact(text), at());
        }
        if let Some(shown) = secret::under_key(key, text)
            && secret::redact(text) == text
        {
            let at = Location {
                excerpt: None,
                ..at()
            };
            session.metadata("secret/by-its-key", &shown, at);
        }
    }

    pub(super) fn number(
        &mut self,
        way: &[Level<'_>],
        number: &str,
        at: &dyn Fn() -> Location,
        session: &mut Session<'_>,
    ) {
        if way.len() <= 2 && SIZES.contains(&key_of(way)) {
            session.metadata(dotted(way), number, at());
        }
        self.card(way, number, at, session);
    }

    fn template(
        &mut self,
        way: &[Level<'_>],
        text: &str,
        at: &dyn Fn() -> Location,
        session: &mut Session<'_>,
    ) {
        let (name, standard) = match way {
            [top] if top.key == "chat_template" => ("chat_template".to_owned(), true),
            [top, list, entry]
                if top.key == "chat_template" && list.list && entry.key == "template" =>
            {
                let name = entry
                    .name
                    .as_ref()
                    .map_or_else(|| list.item.to_string(), ToString::to_string);
                (format!("chat_template.{name}"), true)
            }
            [top, entry] if top.key == "chat_template" && !entry.list => {
                (format!("chat_template.{}", entry.key), true)
            }
            _ if looks_like_template(key_of(way), text) => (dotted(way), false),
            _ => return,
        };
        let rendered = standard && TEMPLATE_FILES.contains(&self.file);
        jinja::read_template(&name, text, rendered, &at(), session);
    }

    /// What is outside the file and named in it.
    fn outside(
        &mut self,
        way: &[Level<'_>],
        key: &str,
        text: &str,
        at: &dyn Fn() -> Location,
        session: &mut Session<'_>,
    ) {
        let top = way.first().map_or("", |level| &level.key);
        match key {
            _ if top == "weight_map" && way.len() == 2 => {
                let room = self.shards.len() < session.limits().facts;
                if room && !self.shards.contains(text) {
                    self.shards.insert(text.to_owned());
                    session.reference(ReferenceKind::Shard, text, at());
                }
            }
            "base_model_name_or_path" | "base_model" if way.len() <= 2 => {
                session.reference(ReferenceKind::BaseModel, text, at());
            }
            "datasets" if way.len() <= 2 => {
                session.reference(ReferenceKind::Dataset, text, at());
            }
            "pip" | "dependencies" | "requirements" => {
                super::read_requirement(text, at, session);
            }
            // A kernel of the hub is downloaded and run (CVE-2026-4372).
            "_attn_implementation_internal" | "_attn_implementation" | "attn_implementation"
                if text.contains('/') =>
            {
                session.reference(ReferenceKind::RemoteCode, text, at());
                session.metadata(dotted(way), text, at());
            }
            _ if (text.starts_with("http://") || text.starts_with("https://"))
                && self.urls < MAX_URLS
                && text.len() <= 2048
                && !text.contains([' ', '\n']) =>
            {
                self.urls = self.urls.saturating_add(1);
                session.reference(ReferenceKind::Url, &secret::redact(text), at());
            }
            _ => {}
        }
    }
}

/// A string somebody may render although no loader does from here.
fn looks_like_template(key: &str, text: &str) -> bool {
    let statement = text.contains("{%") && text.contains("%}");
    let expression = text.contains("{{") && text.contains("}}");
    let named = key.ends_with("template") || key.ends_with("prompt");
    (statement || expression)
        && (named || statement || text.contains("__") || text.contains("attr("))
}
