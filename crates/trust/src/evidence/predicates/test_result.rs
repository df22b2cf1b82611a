//! Tests that ran and how they ended,
//! <https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md>.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::evidence::{Kind, Predicate, Resource};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TestResult {
    pub result: TestOutcome,
    /// What the tests were: data, suite, seeds.
    pub configuration: Vec<Resource>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_tests: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warned_tests: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_tests: Vec<String>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TestOutcome {
    Passed,
    Warned,
    Failed,
}

impl Predicate for TestResult {
    const KIND: Kind = Kind::TestResult;

    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.result == TestOutcome::Passed && !self.failed_tests.is_empty() {
            faults.push("says passed and names failed tests".to_owned());
        }
        faults
    }
}
