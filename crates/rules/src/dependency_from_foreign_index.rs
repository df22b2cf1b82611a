#![doc = include_str!("dependency_from_foreign_index.md")]

use modelward_schema::{Confidence, Facts, Severity};

use crate::{Findings, Rule};

pub(crate) static RULE: Rule = Rule {
    id: "dependency-from-foreign-index",
    title: "packages are installed from a place of the model's choice",
    severity: Severity::Low,
    frameworks: &["CWE-427", "CWE-829", "AML.T0010.001", "LLM03:2025", "GV.SC-05"],
    fix: "install from your own index with hashes, and drop the address from the file",
    page: include_str!("dependency_from_foreign_index.md"),
    check,
};

/// Indexes that honest requirements name all the time.
const KNOWN: [&str; 7] = [
    "abetlen.github.io",
    "conda.anaconda.org",
    "data.pyg.org",
    "download.pytorch.org",
    "files.pythonhosted.org",
    "pypi.nvidia.com",
    "pypi.org",
];

fn check(facts: &Facts, out: &mut Findings) {
    for entry in &facts.metadata {
        let Some(kind) = entry.key.strip_prefix("dependency/") else {
            continue;
        };
        let place = entry.value.as_str();
        let plain = place.contains("http://");
        if KNOWN.contains(&host(place)) && !plain {
            continue;
        }
        let (severity, what) = match kind {
            "index" => (Severity::Low, "looks for packages at"),
            "trusted-host" => (Severity::Low, "does not check who answers for"),
            _ if plain => (Severity::Low, "takes a package unprotected from"),
            _ => (Severity::Info, "takes a package from"),
        };
        out.graded(
            severity,
            Confidence::High,
            &entry.at,
            format!("installing its requirements {what} {place}"),
        );
    }
}

fn host(place: &str) -> &str {
    let after = place.split_once("://").map_or(place, |(_, after)| after);
    let authority = after.split(['/', '?', '#']).next().unwrap_or(after);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    host.split(':').next().unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_what_is_connected_to() {
        assert_eq!(host("https://pypi.org/simple"), "pypi.org");
        assert_eq!(host("https://pypi.org@evil.example:8080/simple"), "evil.example");
    }
}
