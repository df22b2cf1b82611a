//! Rego's own tests: every `test_…` rule of every `…_test.rego`, as `opa test`
//! runs them. A test passes when it is true.

use crate::bundle::check;
use crate::engine::Engine;
use crate::policy::load_built_in;
use crate::source::SourceMap;
use crate::{PolicyError, PolicyFile, built_in};

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct TestOutcome {
    /// `data.modelward.gate_test.test_an_owner_is_needed`.
    pub name: String,
    /// `file:line`.
    pub place: String,
    pub passed: bool,
    /// Why it could not be evaluated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Runs the tests among these files; the shipped policies are there for them
/// to import. Files that are the shipped policies themselves are allowed.
pub fn run_tests(files: &[PolicyFile<'_>]) -> Result<Vec<TestOutcome>, PolicyError> {
    let mut engine = Engine::limited();
    load_built_in(&mut engine)?;
    let mut maps = Vec::new();
    let mut data = serde_json::Map::new();
    for file in files {
        let shipped = |list: &[PolicyFile<'_>]| list.iter().any(|own| own.text == file.text);
        if shipped(built_in::POLICIES) || shipped(built_in::DATA) {
            continue;
        }
        let base = file.name.rsplit(['/', '\\']).next().unwrap_or(file.name);
        let Some((stem, extension)) = base.rsplit_once('.') else {
            continue;
        };
        let syntax = |message: String| PolicyError::Syntax {
            place: file.name.to_owned(),
            message,
        };
        match extension {
            "rego" => {
                let map = SourceMap::read(file.name, file.text);
                let package = engine.add_policy(*file)?;
                if !stem.ends_with("_test") {
                    check(&map, &package)?;
                }
                maps.push(map);
            }
            "json" => {
                let value = serde_json::from_str(file.text).map_err(|e| syntax(e.to_string()))?;
                data.insert(stem.to_owned(), value);
            }
            "yaml" | "yml" => {
                let value = yaml_serde::from_str(file.text).map_err(|e| syntax(e.to_string()))?;
                data.insert(stem.to_owned(), value);
            }
            _ => {}
        }
    }
    engine.add_data("data", serde_json::json!({ "user": data }))?;
    let mut outcomes = Vec::new();
    for map in &maps {
        for rule in map
            .rules
            .iter()
            .filter(|rule| rule.name.starts_with("test_"))
        {
            let name = format!("data.{}.{}", map.package, rule.name);
            let outcome = engine.rule::<serde_json::Value>(&name);
            outcomes.push(TestOutcome {
                place: format!("{}:{}", map.file, rule.line),
                passed: matches!(outcome, Ok(Some(serde_json::Value::Bool(true)))),
                error: outcome.err().map(|error| error.to_string()),
                name,
            });
        }
    }
    Ok(outcomes)
}
