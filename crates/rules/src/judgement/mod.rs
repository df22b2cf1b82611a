//! What pickled code does, judged by what is allowed.
//!
//! A name that a library's own serializer uses, with arguments such as it
//! writes, is no finding. Everything else is one, graded by what it could do:
//! the capability table only names it. Each fact gives at most one judgement.

mod call;
mod instance;
mod lookup;
pub(crate) mod render;
mod shape;

use std::collections::HashSet;

use modelward_schema::{Action, Code, Confidence, Facts, Location, Severity, Term, Via};

use crate::Findings;
use crate::vocabulary::{Capability, Origin, Vocabulary, vocabulary};

/// Which rule a judgement belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    CallsCode,
    CallsUnknown,
    CarriesBytecode,
    ChangesProcess,
    ComputesNames,
    LoadsPickle,
    MisusesConstructor,
    NamesFunction,
    ReachesFiles,
    ReachesNetwork,
    RewritesState,
    UnknownClass,
    UsesExtensionRegistry,
    UsesPersistentId,
}

#[derive(Debug, Clone)]
pub(crate) struct Judgement {
    kind: Kind,
    severity: Severity,
    confidence: Confidence,
    message: String,
    at: Location,
}

/// A judgement before its place is known. The message completes "loading it …".
#[derive(Debug)]
struct Verdict {
    kind: Kind,
    severity: Severity,
    confidence: Confidence,
    does: String,
}

impl Verdict {
    fn new(kind: Kind, severity: Severity, does: impl Into<String>) -> Self {
        Self {
            kind,
            severity,
            confidence: Confidence::High,
            does: does.into(),
        }
    }

    fn unsure(mut self) -> Self {
        self.confidence = Confidence::Medium;
        self
    }
}

/// What the other facts say, for judging one of them.
#[derive(Debug)]
struct Around<'a> {
    table: &'static Vocabulary,
    /// File and name of what is called or instantiated there.
    used: HashSet<(&'a str, &'a str)>,
    /// File and name of globals that are arguments of a call with a finding.
    blamed: HashSet<(&'a str, &'a str)>,
}

/// Findings of one rule beyond which only their number is told.
const LISTED: usize = 200;

/// Reports the judgements of one kind, the most severe first.
pub(crate) fn report(kind: Kind, facts: &Facts, out: &mut Findings) {
    let judged = out.pickled(facts);
    let mut of_kind: Vec<&Judgement> = judged.iter().filter(|j| j.kind == kind).collect();
    of_kind.sort_by_key(|judgement| std::cmp::Reverse(judgement.severity));
    for judgement in of_kind.iter().take(LISTED) {
        out.graded(
            judgement.severity,
            judgement.confidence,
            &judgement.at,
            judgement.message.clone(),
        );
    }
    if let Some(next) = of_kind.get(LISTED) {
        out.graded(
            next.severity,
            next.confidence,
            &next.at,
            format!(
                "{} more of this kind are not listed",
                of_kind.len() - LISTED
            ),
        );
    }
}

/// Judges every pickled code fact.
pub(crate) fn judge(facts: &Facts) -> Vec<Judgement> {
    let pickled = || {
        facts
            .code
            .iter()
            .filter(|code| matches!(code.via, Via::Pickle | Via::NestedPickle))
    };
    let mut around = Around {
        table: vocabulary(),
        used: HashSet::new(),
        blamed: HashSet::new(),
    };
    for code in pickled() {
        if matches!(code.action, Action::Call | Action::New) {
            around.used.insert((&code.at.path, &code.target));
        }
    }
    let mut judged = Vec::new();
    // Calls first: what they are blamed for is not said again of its lookup.
    for code in pickled().filter(|code| code.action == Action::Call) {
        if let Some(verdict) = call::judge(code, &around) {
            for arg in &code.args {
                blame(&mut around.blamed, &code.at.path, arg, 0);
            }
            judged.push(place(code, &verdict));
        }
    }
    for code in pickled() {
        let verdict = match code.action {
            Action::Call | Action::Buffer => None,
            Action::Import => lookup::judge(code, &around),
            Action::New => instance::judge_new(code, &around),
            Action::Build => instance::judge_state(code, &around),
            Action::Fill => instance::judge_fill(code, &around),
            Action::Persistent => instance::judge_persistent(code, &around),
            Action::Extension => Some(Verdict::new(
                Kind::UsesExtensionRegistry,
                Severity::High,
                format!(
                    "uses whatever the process registered as {}",
                    render::name(&code.target)
                ),
            )),
        };
        judged.extend(verdict.map(|verdict| place(code, &verdict)));
    }
    judged
}

fn blame<'a>(blamed: &mut HashSet<(&'a str, &'a str)>, path: &'a str, arg: &'a Term, depth: u32) {
    if depth > 4 {
        return;
    }
    match arg {
        Term::Global(name) => {
            blamed.insert((path, name));
        }
        Term::Tuple { items, .. } | Term::List { items, .. } | Term::Set { items, .. } => {
            for item in items {
                blame(blamed, path, item, depth + 1);
            }
        }
        Term::Dict { items, .. } => {
            for (key, value) in items {
                blame(blamed, path, key, depth + 1);
                blame(blamed, path, value, depth + 1);
            }
        }
        Term::Result { args, .. } => {
            for item in args {
                blame(blamed, path, item, depth + 1);
            }
        }
        _ => {}
    }
}

fn place(code: &Code, verdict: &Verdict) -> Judgement {
    let guessed = match verdict.kind {
        Kind::UsesExtensionRegistry | Kind::ComputesNames => true,
        Kind::CallsUnknown | Kind::UnknownClass | Kind::NamesFunction => {
            let table = vocabulary();
            table.origin(&table.canonical(&code.target)) == Origin::Unknown
        }
        _ => false,
    };
    let (who, severity) = match (code.reached, code.via) {
        (true, Via::NestedPickle) => ("the pickle inside it", verdict.severity),
        (true, _) => ("loading it", verdict.severity),
        // What no ordinary loader reaches is there all the same. Bytes that
        // only look like a pickle name what does not exist.
        (false, _) => (
            "the part that loaders skip",
            match verdict.severity {
                Severity::Critical => Severity::High,
                Severity::High if guessed => Severity::Medium,
                other => other,
            },
        ),
    };
    Judgement {
        kind: verdict.kind,
        severity,
        confidence: verdict.confidence,
        message: format!("{who} {}", verdict.does),
        at: code.at.clone(),
    }
}

/// The rule, the severity and the words for a capability.
fn graded(capability: Capability) -> (Kind, Severity, &'static str) {
    use Severity::{Critical, High};
    match capability {
        Capability::Process => (
            Kind::CallsCode,
            Critical,
            "runs a command or starts a process",
        ),
        Capability::Code => (Kind::CallsCode, Critical, "runs code"),
        Capability::Import => (Kind::CallsCode, Critical, "imports what the file names"),
        Capability::Install => (Kind::CallsCode, Critical, "installs packages"),
        Capability::Defence => (Kind::CallsCode, Critical, "switches a protection off"),
        Capability::Indirect => (Kind::CallsCode, High, "calls or fetches indirectly"),
        Capability::Load => (
            Kind::LoadsPickle,
            Critical,
            "loads more data with a loader that runs code",
        ),
        Capability::Bytecode => (
            Kind::CarriesBytecode,
            High,
            "makes functions or classes out of data",
        ),
        Capability::Read => (Kind::ReachesFiles, High, "reads files"),
        Capability::Write => (Kind::ReachesFiles, High, "writes or changes files"),
        Capability::Network => (Kind::ReachesNetwork, High, "reaches the network"),
        Capability::State => (Kind::ChangesProcess, High, "changes the running process"),
    }
}
