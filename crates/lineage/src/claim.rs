//! What someone says happened: a JSON object with `relation` and its
//! parameters, an in-toto statement of SLSA provenance v1, or the DSSE envelope
//! or Sigstore bundle of one.
//!
//! A claim is never believed. What it says is checked, and what it says and
//! cannot be checked is told.

use base64::Engine as _;
use serde_json::{Map, Value};

/// The relation and its parameters.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Claim {
    pub relation: Option<String>,
    pub parameters: Map<String, Value>,
}

/// Parameters that some relation checks.
const KNOWN: [&str; 21] = [
    "relation",
    "weights",
    "t",
    "method",
    "base",
    "adapter",
    "kind",
    "r",
    "alpha",
    "rslora",
    "frozen",
    "fraction",
    "scope",
    "criterion",
    "pattern",
    "removed_layers",
    "prefix_removed",
    "rounding",
    "dtype",
    "stored",
    "type",
];

impl Claim {
    /// Why a text is no claim: what, where, how to put it right.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(text).map_err(|error| {
            format!("it is no JSON ({error}); write an object with \"relation\" and its parameters")
        })?;
        let value = unwrap_envelope(value)?;
        let Value::Object(object) = value else {
            return Err(
                "it is no JSON object; write {\"relation\": …} and its parameters".to_owned(),
            );
        };
        if object.get("predicateType").is_some() {
            return Self::of_statement(&object);
        }
        let relation = object
            .get("relation")
            .and_then(Value::as_str)
            .map(str::to_owned);
        Ok(Self {
            relation,
            parameters: object,
        })
    }

    fn of_statement(statement: &Map<String, Value>) -> Result<Self, String> {
        let kind = statement.get("predicateType").and_then(Value::as_str);
        if kind != Some("https://slsa.dev/provenance/v1") {
            return Err(format!(
                "its predicate is {}, and only https://slsa.dev/provenance/v1 tells how something was made",
                kind.unwrap_or("missing")
            ));
        }
        let definition = statement
            .get("predicate")
            .and_then(|predicate| predicate.get("buildDefinition"))
            .ok_or("its predicate has no buildDefinition")?;
        let mut parameters = Map::new();
        if let Some(Value::Object(external)) = definition.get("externalParameters") {
            for (key, value) in external {
                match value {
                    Value::Object(inner) if key == "parameters" || key == "target" => {
                        parameters.extend(inner.clone());
                    }
                    _ => {
                        parameters.insert(key.clone(), value.clone());
                    }
                }
            }
        }
        let said = parameters
            .get("relation")
            .or_else(|| parameters.get("operation"))
            .and_then(Value::as_str)
            .map(str::to_owned)
            .or_else(|| {
                let kind = definition.get("buildType")?.as_str()?;
                let mut parts = kind.trim_end_matches('/').rsplit('/');
                let last = parts.next()?;
                let version = last
                    .strip_prefix('v')
                    .is_some_and(|v| v.parse::<u32>().is_ok());
                Some(if version { parts.next()? } else { last }.to_owned())
            });
        Ok(Self {
            relation: said.map(|said| relation_of(&said)),
            parameters,
        })
    }

    pub fn get(&self, key: &str) -> Option<&Value> {
        self.parameters.get(key).filter(|value| !value.is_null())
    }

    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str()
    }

    pub fn number(&self, key: &str) -> Option<f64> {
        self.get(key)?.as_f64()
    }

    pub fn flag(&self, key: &str) -> Option<bool> {
        self.get(key)?.as_bool()
    }

    /// A list of texts, or one text as a list of one.
    pub fn texts(&self, key: &str) -> Option<Vec<String>> {
        match self.get(key)? {
            Value::String(one) => Some(vec![one.clone()]),
            Value::Array(many) => many
                .iter()
                .map(|one| one.as_str().map(str::to_owned))
                .collect(),
            _ => None,
        }
    }

    /// A list of numbers, or one number as a list of one.
    pub fn numbers(&self, key: &str) -> Option<Vec<f64>> {
        match self.get(key)? {
            Value::Number(one) => Some(vec![one.as_f64()?]),
            Value::Array(many) => many.iter().map(Value::as_f64).collect(),
            _ => None,
        }
    }

    /// Parameters that no relation knows.
    pub fn unknown(&self) -> impl Iterator<Item = &str> {
        self.parameters
            .keys()
            .map(String::as_str)
            .filter(|key| !KNOWN.contains(key))
    }
}

/// Operations as provenance names them → relations.
fn relation_of(operation: &str) -> String {
    match operation {
        "convert" => "format",
        "dtype-cast" => "cast",
        "re-shard" => "reshard",
        "fine-tune" => "finetune",
        "re-export" => "onnx-export",
        "template-edit" | "config-edit" => "tokenizer-edit",
        other => other,
    }
    .to_owned()
}

/// The statement in a DSSE envelope or a bundle of one.
fn unwrap_envelope(value: Value) -> Result<Value, String> {
    let envelope = value.get("dsseEnvelope").unwrap_or(&value);
    let Some(payload) = envelope.get("payload").and_then(Value::as_str) else {
        return Ok(value);
    };
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(payload)
        .map_err(|error| format!("its payload is no base64 ({error})"))?;
    serde_json::from_slice(&bytes).map_err(|error| format!("its payload is no JSON ({error})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_object_is_a_claim() {
        let claim =
            Claim::parse(br#"{"relation":"cast","dtype":"bf16","weights":[1,2.5]}"#).unwrap();
        assert_eq!(claim.relation.as_deref(), Some("cast"));
        assert_eq!(claim.text("dtype"), Some("bf16"));
        assert_eq!(claim.numbers("weights"), Some(vec![1.0, 2.5]));
    }

    #[test]
    fn provenance_is_a_claim() {
        let claim = Claim::parse(
            br#"{"_type":"https://in-toto.io/Statement/v1","predicateType":"https://slsa.dev/provenance/v1",
            "predicate":{"buildDefinition":{"buildType":"https://x/ml/dtype-cast/v1",
            "externalParameters":{"parameters":{"dtype":"f16"}}}}}"#,
        )
        .unwrap();
        assert_eq!(claim.relation.as_deref(), Some("cast"));
        assert_eq!(claim.text("dtype"), Some("f16"));
    }

    #[test]
    fn what_is_no_claim_is_refused_with_a_sentence() {
        assert!(Claim::parse(b"[1]").unwrap_err().contains("no JSON object"));
        assert!(Claim::parse(b"{").unwrap_err().contains("no JSON"));
    }
}
