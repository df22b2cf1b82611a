#![doc = include_str!("notebook_runs_commands.md")]

use modelward_schema::{Confidence, Facts, Severity, Term, Via};

use crate::judgement::render;
use crate::{Findings, Rule};

pub(crate) static RULE: Rule = Rule {
    id: "notebook-runs-commands",
    title: "a notebook beside the model runs shell commands when its cells are run",
    severity: Severity::Low,
    frameworks: &["CWE-78", "AML.T0011", "LLM03:2025"],
    fix: "read the cell before anybody runs it, or leave the notebook out of the artifact",
    page: include_str!("notebook_runs_commands.md"),
    check,
};

fn check(facts: &Facts, out: &mut Findings) {
    for code in &facts.code {
        if code.via != Via::Python || code.target != "IPython.system" {
            continue;
        }
        let command = code.args.first().and_then(Term::as_str).unwrap_or_default();
        let installs = ["pip ", "%pip ", "pip3 ", "conda ", "apt", "python -m pip "]
            .iter()
            .any(|start| command.starts_with(start));
        let fetched = ["curl ", "wget "].iter().any(|word| command.contains(word));
        let piped = ["| sh", "|sh", "| bash", "|bash", "| python", "|python"]
            .iter()
            .any(|shell| command.contains(shell));
        let severity = if fetched && piped {
            Severity::Medium
        } else if installs {
            Severity::Info
        } else {
            Severity::Low
        };
        out.graded(
            severity,
            Confidence::High,
            &code.at,
            format!("running its cell runs the command {}", render::name(command)),
        );
    }
}
