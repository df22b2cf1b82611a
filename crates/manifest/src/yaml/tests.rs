//! What is accepted here means what it means to another reader of YAML; what
//! is refused may be valid YAML, but nothing is read differently.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use proptest::prelude::*;
use serde_json::Value as Json;

use super::{Node, Scalar, Value, read};

fn scalar(scalar: &Scalar) -> Json {
    if scalar.is_null() {
        return Json::Null;
    }
    if let Some(flag) = scalar.as_bool() {
        return Json::Bool(flag);
    }
    if scalar.plain && scalar.is_number() {
        return Json::String("a number".to_owned());
    }
    Json::String(scalar.text.clone())
}

fn ours(node: &Node) -> Json {
    match &node.value {
        Value::Scalar(text) => scalar(text),
        Value::Sequence(items) => Json::Array(items.iter().map(ours).collect()),
        Value::Mapping(entries) => Json::Object(
            entries
                .iter()
                .map(|entry| (entry.key.clone(), ours(&entry.value)))
                .collect(),
        ),
    }
}

fn theirs(value: &yaml_serde::Value) -> Json {
    use yaml_serde::Value as Yaml;
    match value {
        Yaml::Null => Json::Null,
        Yaml::Bool(flag) => Json::Bool(*flag),
        Yaml::Number(_) => Json::String("a number".to_owned()),
        Yaml::String(text) => Json::String(text.clone()),
        Yaml::Sequence(items) => Json::Array(items.iter().map(theirs).collect()),
        Yaml::Mapping(map) => Json::Object(
            map.iter()
                .map(|(key, value)| (key_text(key), theirs(value)))
                .collect(),
        ),
        Yaml::Tagged(tagged) => theirs(&tagged.value),
    }
}

/// Keys are text here whatever they look like.
fn key_text(key: &yaml_serde::Value) -> String {
    match key {
        yaml_serde::Value::String(text) => text.clone(),
        _ => "not text".to_owned(),
    }
}

fn agree(text: &str) -> Result<(), String> {
    let Ok(node) = read(text) else { return Ok(()) };
    let other: yaml_serde::Value = match yaml_serde::from_str(text) {
        Ok(other) => other,
        Err(error) => {
            return Err(format!(
                "accepted, and refused elsewhere: {error}\n{text:?}"
            ));
        }
    };
    let (ours, theirs) = (ours(&node), theirs(&other));
    // Keys that are not text elsewhere are outside the comparison.
    if ours == theirs || theirs.to_string().contains("not text") {
        return Ok(());
    }
    Err(format!("{ours}\n{theirs}\n{text:?}"))
}

#[test]
fn known_texts_mean_the_same() {
    for text in [
        "a: b\n",
        "a:\n- b\n- c: d\n  e: f\n-\n  - g\n",
        "a: |\n  x\n   y\n\n  z\n\nb: >-\n  x\n  y\n\n  z\n   w\n  v\n",
        "a: |+\n  x\n\n\nb: |2\n   x\n",
        "a: 'it''s'\nb: \"x\\ty\\u00e9 \\\n  z\n\n  w\"\n",
        "a: one\n  two\n\n  three # c\nb: {c: [d, 'e', \"f\"], g: , h}\n",
        "{a: b, c: [\n d, # x\n e ] }\n",
        "--- # x\na: 1\n...\n",
        "- - a\n  - b\n- c\n",
        "a: http://x.y/z#w\nb: x:y\n",
        "\"q k\": 1\n'r': 2\n",
        "a:\n\n  # c\n\n  b: 1\nc: ~\n",
        "plain text\n",
        "- a\n\n- b\n# end\n",
    ] {
        assert!(read(text).is_ok(), "{text:?} {:?}", read(text));
        agree(text).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, rng_seed: proptest::test_runner::RngSeed::Fixed(7), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_accepted_means_the_same_to_another_reader(
        text in "([ab]: ?|- |  |\n|x|y z|'q'|\"r\"|#c| # d|\\[|\\]|\\{|\\}|, |: |\\||>|-|~|true|1\\.0|---){0,25}"
    ) {
        agree(&text).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn any_text_ends_in_an_answer(text in "\\PC{0,200}") {
        let _ = read(&text);
    }
}
