//! SARIF 2.1.0, a run per artifact, for code scanning.
//!
//! What a container holds is placed on the container's file, because a viewer
//! can open nothing else; the member is a logical location, and its offset a
//! property, so that no viewer takes it for an offset of the file. What could
//! not be read is a notification of the run. A waived reason is suppressed.

mod model;

use std::collections::BTreeMap;

use modelward_schema::{Confidence, Location, Report, Severity, Why};

use super::points::{Point, exemption, points, unweighed};
use super::{Answer, escape, fingerprint, words};
use model::{
    ArtifactLocation, Automation, Configuration, Descriptor, Driver, Invocation, Log, Logical,
    Notice, Notification, Outcome, Physical, Place, Reference, Region, RuleProperties, Run,
    Suppression, Text, Tool,
};

const HOME: &str = "https://github.com/modelward/modelward";
/// Results of one run beyond which GitHub refuses the file.
const MAX_RESULTS: usize = 25_000;
/// Tags of one rule beyond which GitHub refuses the file.
const MAX_TAGS: usize = 20;

pub(super) fn render(answers: &[Answer<'_>]) -> String {
    let log = Log {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: answers.iter().map(|answer| run(answer.report)).collect(),
    };
    let text = serde_json::to_string_pretty(&log).unwrap_or_else(|_| "{}".to_owned());
    escape::json(&text) + "\n"
}

fn run(report: &Report) -> Run {
    let mut all = points(report);
    all.extend(unweighed(report));
    all.truncate(MAX_RESULTS);
    let mut rules: Vec<Descriptor> = Vec::new();
    let mut indexes: BTreeMap<&str, usize> = BTreeMap::new();
    let mut results = Vec::new();
    for point in &all {
        let index = *indexes.entry(point.code).or_insert_with(|| {
            rules.push(descriptor(point));
            rules.len() - 1
        });
        results.push(outcome(report, point, index));
    }
    let gaps = &report.facts.coverage.gaps;
    let mut kinds: Vec<Why> = gaps.iter().map(|gap| gap.why).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let mut properties = BTreeMap::new();
    if let Some(digest) = &report.artifact.digest {
        properties.insert("digest", escape::plain(digest));
    }
    if let Some(verdict) = &report.verdict {
        properties.insert("decision", verdict.decision.as_str().to_owned());
        properties.insert("stage", verdict.stage.as_str().to_owned());
        properties.insert("tier", verdict.tier.as_str().to_owned());
    }
    Run {
        tool: Tool {
            driver: Driver {
                name: escape::plain(&report.tool.name),
                version: escape::plain(&report.tool.version),
                semantic_version: escape::plain(&report.tool.version),
                information_uri: HOME,
                rules,
                notifications: kinds
                    .into_iter()
                    .map(|why| Notice {
                        id: notice(why),
                        short_description: Text::plain(format!("not read: {}", words::why(why))),
                    })
                    .collect(),
            },
        },
        automation_details: Automation {
            id: format!(
                "modelward/{}/",
                escape::plain(&report.artifact.source.given)
            ),
        },
        invocations: vec![Invocation {
            execution_successful: !gaps.iter().any(|gap| gap.why == Why::Crashed),
            tool_execution_notifications: gaps
                .iter()
                .map(|gap| Notification {
                    descriptor: Reference {
                        id: notice(gap.why),
                    },
                    level: "warning",
                    message: Text::plain(escape::plain(&gap.message)),
                    locations: vec![place(report, &gap.at, None)],
                })
                .collect(),
        }],
        column_kind: "unicodeCodePoints",
        results,
        properties,
    }
}

fn notice(why: Why) -> String {
    format!("not-read/{}", words::why(why).replace(' ', "-"))
}

fn descriptor(point: &Point<'_>) -> Descriptor {
    let rule = modelward_rules::find(point.code);
    let severity = rule.map_or(point.severity, |rule| rule.severity);
    let title = rule.map_or_else(
        || escape::plain(point.message),
        |rule| rule.title.to_owned(),
    );
    let fix = rule.map_or_else(|| escape::plain(point.fix), |rule| rule.fix.to_owned());
    let frameworks: Vec<String> = match rule {
        Some(rule) => rule.frameworks.iter().map(|id| (*id).to_owned()).collect(),
        None => point.frameworks.to_vec(),
    };
    Descriptor {
        id: escape::plain(point.code),
        full_description: Text::plain(format!("{title}; to do: {fix}")),
        short_description: Text::plain(title),
        help: match rule {
            Some(rule) => Text {
                text: rule.page.to_owned(),
                markdown: Some(rule.page.to_owned()),
            },
            None => Text::plain(fix),
        },
        help_uri: rule.map(|rule| {
            let file = rule.id.replace('-', "_");
            format!("{HOME}/blob/main/crates/rules/src/{file}.md")
        }),
        default_configuration: Configuration {
            level: level(severity),
        },
        properties: RuleProperties {
            security_severity: match severity {
                Severity::Critical => "9.5",
                Severity::High => "8.0",
                Severity::Medium => "5.5",
                Severity::Low => "3.0",
                Severity::Info => "0.0",
            },
            problem_severity: match severity {
                Severity::Critical | Severity::High => "error",
                Severity::Medium => "warning",
                Severity::Low | Severity::Info => "recommendation",
            },
            precision: point.confidence.map(|confidence| match confidence {
                Confidence::High => "high",
                Confidence::Medium => "medium",
                Confidence::Low => "low",
            }),
            tags: tags(&frameworks),
        },
    }
}

/// `security`, CWE as GitHub spells it, and every other id as it is.
fn tags(frameworks: &[String]) -> Vec<String> {
    let mut tags = vec!["security".to_owned()];
    for id in frameworks {
        let id = escape::plain(id);
        let tag = if let Some(number) = id.strip_prefix("CWE-") {
            format!("external/cwe/cwe-{number:0>3}")
        } else if id.starts_with("AML.") {
            format!("external/mitre-atlas/{id}")
        } else if id.starts_with("LLM") {
            format!("external/owasp-llm/{id}")
        } else {
            id
        };
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags.truncate(MAX_TAGS);
    tags
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

fn outcome(report: &Report, point: &Point<'_>, index: usize) -> Outcome {
    let mut message = escape::plain(point.message);
    if let Some(member) = point
        .locations
        .first()
        .and_then(|at| words::member(&at.path))
    {
        message.push_str(&format!(" (in {})", escape::plain(member)));
    }
    if !point.fix.is_empty() {
        message.push_str(&format!("; to do: {}", escape::plain(point.fix)));
    }
    let mut places = point.locations.iter();
    let locations = match places.next() {
        Some(at) => vec![place(report, at, None)],
        // Code scanning refuses a result without a place; a missing
        // requirement belongs to the manifest, whether it is there or not.
        None => vec![place(report, &Location::file("modelward.yaml"), None)],
    };
    let mut properties = BTreeMap::new();
    properties.insert("severity", point.severity.as_str().to_owned());
    if let Some(policy) = point.policy {
        properties.insert("policy", escape::plain(policy));
    }
    if !point.fix.is_empty() {
        properties.insert("fix", escape::plain(point.fix));
    }
    Outcome {
        rule_id: escape::plain(point.code),
        rule_index: index,
        kind: "fail",
        level: level(point.severity),
        message: Text::plain(message),
        locations,
        related_locations: places
            .enumerate()
            .map(|(number, at)| place(report, at, Some(number + 1)))
            .collect(),
        partial_fingerprints: BTreeMap::from([("modelward/v1", fingerprint::of(report, point))]),
        suppressions: point
            .waived_by
            .map(|id| Suppression {
                kind: "external",
                status: "accepted",
                justification: match exemption(report, id) {
                    Some(exemption) => format!(
                        "{}, accepted by {} until {}: {}",
                        escape::plain(id),
                        escape::plain(&exemption.approved_by),
                        escape::plain(&words::day(&exemption.not_after)),
                        escape::plain(&exemption.reason)
                    ),
                    None => escape::plain(id),
                },
            })
            .into_iter()
            .collect(),
        properties,
    }
}

fn place(report: &Report, at: &Location, id: Option<usize>) -> Place {
    let member = words::member(&at.path);
    let mut properties = BTreeMap::new();
    let mut region = None;
    if member.is_some() {
        let numbers = [
            ("memberByteOffset", at.span.map(|span| span.start)),
            ("memberByteLength", at.span.map(|span| span.len)),
            ("memberLine", at.line.map(u64::from)),
        ];
        properties.extend(
            numbers
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?))),
        );
    } else if let Some(line) = at.line {
        region = Some(Region {
            start_line: Some(line.max(1)),
            start_column: at.column.map(|column| column.max(1)),
            ..Region::default()
        });
    } else if let Some(span) = at.span {
        region = Some(Region {
            byte_offset: Some(span.start),
            byte_length: Some(span.len),
            ..Region::default()
        });
    }
    Place {
        id,
        physical_location: Physical {
            artifact_location: ArtifactLocation {
                uri: escape::uri(&words::on_disk(report, &at.path)),
            },
            region,
        },
        logical_locations: member
            .map(|member| Logical {
                name: escape::plain(member),
                fully_qualified_name: escape::plain(&at.path),
                kind: "member",
            })
            .into_iter()
            .collect(),
        message: at
            .excerpt
            .as_deref()
            .filter(|excerpt| !excerpt.is_empty())
            .map(|excerpt| Text::plain(escape::plain(excerpt))),
        properties,
    }
}

#[cfg(test)]
mod tests;
