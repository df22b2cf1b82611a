//! `modelward policy test|eval|explain`.

use std::io::Read;
use std::path::Path;

use anyhow::Context;
use modelward_cli::render::Format;
use modelward_engine::replay::report_of;
use modelward_engine::{gate, policies};
use modelward_policy::{PolicyFile, TestOutcome};
use modelward_schema::{Context as Asked, Report, Stage};

use crate::args::{Common, Policy};
use crate::failure::{FINE, FOUND, Failure, usage};
use crate::{output, settings};

pub(crate) fn run(args: &Policy, common: &Common) -> Result<u8, Failure> {
    match args {
        Policy::Test { folder } => test(folder.as_deref().or(common.policy.as_deref()), common),
        Policy::Eval { query, input } => eval(query, input, common),
        Policy::Explain { decision } => explain(*decision, common),
    }
}

fn test(folder: Option<&Path>, common: &Common) -> Result<u8, Failure> {
    let outcomes = match folder {
        Some(folder) => {
            let files = policies::read(folder)?;
            let files: Vec<PolicyFile<'_>> = files
                .iter()
                .map(|(name, text)| PolicyFile { name, text })
                .collect();
            modelward_policy::run_tests(&files)?
        }
        None => modelward_policy::run_tests(&modelward_policy::shipped().collect::<Vec<_>>())?,
    };
    if outcomes.is_empty() {
        return usage("there is no test: a test is a rule test_… in a file …_test.rego");
    }
    let text = match output::format(common) {
        Format::Json => format!("{:#}\n", serde_json::json!(outcomes)),
        _ => outcomes_text(&outcomes, common.verbose),
    };
    output::answer(common, &text)?;
    Ok(if outcomes.iter().all(|outcome| outcome.passed) {
        FINE
    } else {
        FOUND
    })
}

fn outcomes_text(outcomes: &[TestOutcome], verbose: bool) -> String {
    let mut out = String::new();
    for outcome in outcomes.iter().filter(|outcome| verbose || !outcome.passed) {
        let word = if outcome.passed { "pass" } else { "FAIL" };
        out.push_str(&format!("{word}  {}  {}\n", outcome.name, outcome.place));
        if let Some(error) = &outcome.error {
            out.push_str(&format!("      {error}\n"));
        }
    }
    let failed = outcomes.iter().filter(|outcome| !outcome.passed).count();
    out.push_str(&format!(
        "{} passed, {failed} failed\n",
        outcomes.len() - failed
    ));
    out
}

fn eval(query: &str, input: &Path, common: &Common) -> Result<u8, Failure> {
    let text = if input == Path::new("-") {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .context("failed to read standard input")?;
        text
    } else {
        match std::fs::read_to_string(input) {
            Ok(text) => text,
            Err(error) => return usage(format!("{}: {error}", input.display())),
        }
    };
    let mut report: Report = match serde_json::from_str(&text) {
        Ok(report) => report,
        Err(error) => {
            return usage(format!(
                "{}: not a report ({error}); modelward scan --format json makes one",
                input.display()
            ));
        }
    };
    // A scan asks nothing; policy needs a question.
    report.context.get_or_insert_with(|| Asked {
        now: settings::now(common),
        stage: Stage::Candidate,
        actor: "nobody".to_owned(),
        manifest_digest: None,
        registered_digest: None,
        manifest_errors: Vec::new(),
    });
    let policy = policies::load(common.policy.as_deref())?;
    let values = match gate::input(&report) {
        Some(input) => policy.eval(query, &input)?,
        None => Vec::new(),
    };
    output::answer(common, &format!("{:#}\n", serde_json::json!(values)))?;
    Ok(FINE)
}

fn explain(decision: i64, common: &Common) -> Result<u8, Failure> {
    let registry = settings::existing_registry(common)?;
    let Some((record, report)) = report_of(&registry, decision)? else {
        return usage(format!(
            "there is no decision {decision}; modelward log lists what there is"
        ));
    };
    let policy = policies::load(common.policy.as_deref())?;
    let Some(input) = gate::input(&report) else {
        return usage(format!(
            "decision {decision} was stored without its question"
        ));
    };
    let explanation = policy.explain(&input)?;
    if output::format(common) == Format::Json {
        output::answer(common, &format!("{:#}\n", serde_json::json!(explanation)))?;
        return Ok(FINE);
    }
    let verdict = &explanation.verdict;
    let mut out = format!(
        "decision {decision}: {} for {} at tier {}\n\n",
        record.name,
        verdict.stage.as_str(),
        verdict.tier.as_str()
    );
    out.push_str(&format!(
        "tier {} follows from\n",
        explanation.derived.as_str()
    ));
    for cause in &explanation.causes {
        out.push_str(&format!("  {:<9} {}\n", cause.tier.as_str(), cause.because));
    }
    out.push_str("\nasked for here\n");
    for control in &explanation.required {
        let Some(effect) = control.effect else {
            continue;
        };
        let state = if control.met { "met" } else { "missing" };
        let effect = format!("{effect:?}").to_lowercase();
        out.push_str(&format!(
            "  {state:<8} {effect:<5} {:<16} {}\n",
            control.control, control.title
        ));
    }
    out.push_str("\nrules that spoke\n");
    for rule in &explanation.fired {
        let effect = format!("{:?}", rule.effect).to_lowercase();
        let waived = rule
            .waived_by
            .as_deref()
            .map(|id| format!("  waived by {id}"));
        let waived = waived.unwrap_or_default();
        out.push_str(&format!(
            "  {effect:<5} {:<26} {}{waived}\n",
            rule.code, rule.policy
        ));
    }
    output::answer(common, &out)?;
    Ok(FINE)
}
