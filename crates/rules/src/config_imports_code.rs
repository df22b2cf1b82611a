#![doc = include_str!("config_imports_code.md")]

use modelward_schema::{Action, Code, Confidence, Facts, Severity, Via};

use crate::judgement::render;
use crate::vocabulary::{Capability, Origin, vocabulary};
use crate::{Findings, Rule};

pub(crate) static RULE: Rule = Rule {
    id: "config-imports-code",
    title: "a configuration names code that its loader imports or calls",
    severity: Severity::High,
    frameworks: &["CWE-470", "CWE-94", "AML.T0011", "LLM03:2025", "PR.PS-05"],
    fix: "name a class of the framework itself, or review the code that is named and keep it with the model",
    page: include_str!("config_imports_code.md"),
    check,
};

fn check(facts: &Facts, out: &mut Findings) {
    for code in facts.code.iter().filter(|code| code.via == Via::Config) {
        if let Some((severity, confidence)) = grade(code) {
            let key = code.written.as_deref().unwrap_or("a key");
            let verb = if code.action == Action::Import {
                "imports"
            } else {
                "calls"
            };
            out.graded(
                severity,
                confidence,
                &code.at,
                format!("what reads {} {verb} {}", render::name(key), render::call(code)),
            );
        }
    }
}

fn grade(code: &Code) -> Option<(Severity, Confidence)> {
    let table = vocabulary();
    let name = table.canonical(&code.target.replace(':', "."));
    let key = code.written.as_deref().unwrap_or_default();
    if key == "loader_module" {
        let own = name == "mlflow" || name.starts_with("mlflow.");
        return (!own).then_some((Severity::High, Confidence::High));
    }
    if name.starts_with("mxnet.") {
        return Some((Severity::High, Confidence::High));
    }
    let runs = matches!(
        table.capability(&name),
        Some(
            Capability::Process
                | Capability::Code
                | Capability::Import
                | Capability::Install
                | Capability::Bytecode
        )
    );
    let origin = table.origin(&name);
    // The bare word also names operators of an exported graph.
    if key == "target" && origin != Origin::Standard {
        return None;
    }
    match (table.capability(&name), origin) {
        (Some(_), Origin::Standard) if runs => Some((Severity::Critical, Confidence::High)),
        (Some(Capability::Indirect), Origin::Standard) if name.starts_with("functools.") => {
            Some((Severity::Low, Confidence::Medium))
        }
        (Some(_), Origin::Standard) => Some((Severity::High, Confidence::High)),
        (Some(_), _) if runs => Some((Severity::High, Confidence::Medium)),
        (Some(Capability::Load), _) => Some((Severity::Medium, Confidence::Medium)),
        (None, Origin::Unknown | Origin::Main) => Some((Severity::Low, Confidence::Medium)),
        _ => None,
    }
}
