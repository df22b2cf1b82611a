//! What the shipped reason codes mean: `policies/codes.md` by section, with
//! severity and framework ids from `policies/codes.json`.

use modelward_schema::Severity;
use serde_json::Value;

const PAGES: &str = include_str!("../../../policies/codes.md");
const DATA: &str = include_str!("../../../policies/codes.json");

/// A reason code, explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReasonPage {
    pub code: String,
    pub severity: Severity,
    pub frameworks: Vec<String>,
    /// Sentences, one per line: what it means, why it matters, what to do.
    pub text: &'static str,
}

/// Every shipped code, sorted.
pub fn reason_codes() -> Vec<String> {
    let codes = data()["modelward"]["codes"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    codes.keys().cloned().collect()
}

pub fn reason_page(code: &str) -> Option<ReasonPage> {
    let data = &data()["modelward"];
    let known = data["codes"].get(code)?;
    let frameworks = data["frameworks"][known["about"].as_str()?].as_array()?;
    Some(ReasonPage {
        code: code.to_owned(),
        severity: serde_json::from_value(known["severity"].clone()).ok()?,
        frameworks: frameworks
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        text: section(code)?,
    })
}

fn data() -> Value {
    serde_json::from_str(DATA).unwrap_or_default()
}

fn section(code: &str) -> Option<&'static str> {
    let (_, rest) = PAGES.split_once(&format!("\n## {code}\n"))?;
    Some(rest.split("\n## ").next().unwrap_or(rest).trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_page_and_every_page_a_code() {
        for code in reason_codes() {
            let page = reason_page(&code).unwrap_or_else(|| panic!("{code} has no page"));
            assert!(
                !page.text.is_empty() && !page.frameworks.is_empty(),
                "{code}"
            );
        }
        let titles = PAGES.lines().filter_map(|line| line.strip_prefix("## "));
        for title in titles {
            assert!(
                reason_codes().iter().any(|code| code == title),
                "{title} is no code"
            );
        }
    }
}
