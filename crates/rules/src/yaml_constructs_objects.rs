#![doc = include_str!("yaml_constructs_objects.md")]

use modelward_schema::{Action, Code, Confidence, Facts, Severity, Via};

use crate::judgement::render;
use crate::vocabulary::{Capability, vocabulary};
use crate::{Findings, Rule};

pub(crate) static RULE: Rule = Rule {
    id: "yaml-constructs-objects",
    title: "a YAML tag makes the loader call or construct something",
    severity: Severity::Critical,
    frameworks: &["CWE-502", "AML.T0011", "LLM03:2025", "PR.PS-05"],
    fix: "write the value without the tag, and read the file with a safe loader",
    page: include_str!("yaml_constructs_objects.md"),
    check,
};

fn check(facts: &Facts, out: &mut Findings) {
    for code in facts.code.iter().filter(|code| code.via == Via::Yaml) {
        let verb = match code.action {
            Action::Import => format!("looks up {}", render::name(&code.target)),
            Action::New => format!("constructs {}", render::name(&code.target)),
            _ => format!("calls {}", render::call(code)),
        };
        out.graded(
            grade(code),
            Confidence::High,
            &code.at,
            format!("an unsafe YAML loader {verb}"),
        );
    }
}

fn grade(code: &Code) -> Severity {
    let table = vocabulary();
    let name = table.canonical(&code.target);
    if name.starts_with("java:") || name.starts_with("ruby:") {
        return Severity::Critical;
    }
    match table.capability(&name) {
        Some(Capability::Read | Capability::Network | Capability::Write) => Severity::High,
        Some(_) => Severity::Critical,
        // Values that serializers of settings really write.
        None if table.entry(&name).is_some() || PLAIN.contains(&name.as_str()) => Severity::Low,
        None if code.action == Action::Import => Severity::Medium,
        None => Severity::High,
    }
}

const PLAIN: [&str; 5] = [
    "argparse.Namespace",
    "collections.OrderedDict",
    "collections.defaultdict",
    "pathlib.PosixPath",
    "pathlib.WindowsPath",
];
