use serde_json::Value;

use super::*;
use crate::render::samples;

fn log_of(reports: &[(&str, Report)]) -> Value {
    let answers: Vec<Answer<'_>> = reports.iter().map(|(_, report)| report.into()).collect();
    serde_json::from_str(&render(&answers)).expect("the log is JSON")
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

#[test]
fn a_denial() {
    let mut log = log_of(&[("deny", samples::deny())]);
    // Rules change with their pages; only which ones are told belongs here.
    for rule in log["runs"][0]["tool"]["driver"]["rules"]
        .as_array_mut()
        .expect("rules")
    {
        *rule = rule["id"].take();
    }
    insta::assert_json_snapshot!(log);
}

#[test]
fn rules_carry_their_pages() {
    let log = log_of(&[("deny", samples::deny())]);
    let rule = list(&log["runs"][0]["tool"]["driver"], "rules")
        .iter()
        .find(|rule| rule["id"] == "container-lies")
        .expect("the rule");
    let page = modelward_rules::find("container-lies")
        .expect("a rule")
        .page;
    assert_eq!(rule["help"]["markdown"], page);
    assert!(
        rule["properties"]["tags"]
            .as_array()
            .expect("tags")
            .contains(&"security".into())
    );
}

#[test]
fn every_run_has_what_the_specification_requires() {
    let log = log_of(&samples::all());
    assert_eq!(log["version"], "2.1.0");
    assert_eq!(list(&log, "runs").len(), samples::all().len());
    for run in list(&log, "runs") {
        let rules = list(&run["tool"]["driver"], "rules");
        assert!(run["tool"]["driver"]["name"].is_string());
        assert!(run["invocations"][0]["executionSuccessful"].is_boolean());
        for result in list(run, "results") {
            let index = result["ruleIndex"]
                .as_u64()
                .and_then(|index| usize::try_from(index).ok());
            let rule = &rules[index.expect("an index")];
            assert_eq!(rule["id"], result["ruleId"], "the index points at the rule");
            assert!(rule["properties"]["security-severity"].as_str().is_some());
            assert!(
                ["error", "warning", "note"].contains(&result["level"].as_str().expect("level"))
            );
            assert!(result["message"]["text"].is_string());
            for place in list(result, "locations")
                .iter()
                .chain(list(result, "relatedLocations"))
            {
                let uri = place["physicalLocation"]["artifactLocation"]["uri"].as_str();
                assert!(uri.is_some_and(|uri| uri.bytes().all(|byte| byte.is_ascii_graphic())));
                let region = &place["physicalLocation"]["region"];
                assert!(
                    region.is_null()
                        || region["startLine"].as_u64() >= Some(1)
                        || region["byteOffset"].is_u64()
                );
            }
        }
    }
}

#[test]
fn a_member_is_placed_on_its_file_without_an_offset_of_the_file() {
    let log = log_of(&[("deny", samples::deny())]);
    let result = list(&log["runs"][0], "results")
        .iter()
        .find(|result| result["ruleId"] == "pickle-calls-code")
        .expect("the finding");
    let place = &result["locations"][0];
    assert_eq!(
        place["physicalLocation"]["artifactLocation"]["uri"],
        "sentiment/head.pt"
    );
    assert!(place["physicalLocation"]["region"].is_null());
    assert_eq!(place["properties"]["memberByteOffset"], 0x1a3);
    assert_eq!(
        place["logicalLocations"][0]["fullyQualifiedName"],
        "head.pt!/archive/data.pkl"
    );
}

#[test]
fn only_what_is_waived_is_suppressed() {
    let log = log_of(&[("deny", samples::deny())]);
    for result in list(&log["runs"][0], "results") {
        let waived = result["ruleId"] == "url-in-weights";
        assert_eq!(list(result, "suppressions").len(), usize::from(waived));
    }
}

/// `MODELWARD_SARIF_SCHEMA` names a copy of the specification's own schema,
/// which is not ours to carry.
#[test]
fn logs_validate_against_the_official_schema() {
    let Some(path) = std::env::var_os("MODELWARD_SARIF_SCHEMA") else {
        eprintln!("skipped: MODELWARD_SARIF_SCHEMA names no schema");
        return;
    };
    let text = std::fs::read_to_string(path).expect("the schema can be read");
    let schema: Value = serde_json::from_str(&text).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    let log = log_of(&samples::all());
    let faults: Vec<String> = validator
        .iter_errors(&log)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
}
