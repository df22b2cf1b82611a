#![doc = include_str!("pickle_loads_pickle.md")]

use modelward_schema::Severity;

use crate::Rule;
use crate::judgement::{Kind, report};

pub(crate) static RULE: Rule = Rule {
    id: "pickle-loads-pickle",
    title: "loading the file loads another one with a loader that runs code",
    severity: Severity::Critical,
    frameworks: &["CWE-502", "AML.T0011.000", "LLM03:2025", "PR.PS-05"],
    fix: "do not load it; inspect the second file on its own",
    page: include_str!("pickle_loads_pickle.md"),
    check: |facts, out| report(Kind::LoadsPickle, facts, out),
};
