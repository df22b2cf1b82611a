#![doc = include_str!("python_runs_at_import.md")]

use modelward_schema::{Code, Confidence, Facts, Severity, Term, Via};

use crate::judgement::render;
use crate::vocabulary::vocabulary;
use crate::{Findings, Rule};

pub(crate) static RULE: Rule = Rule {
    id: "python-runs-at-import",
    title: "importing a Python file of the model does more than define things",
    severity: Severity::High,
    frameworks: &["CWE-94", "CWE-506", "AML.T0011", "AML.T0010.001", "LLM03:2025", "PR.PS-05"],
    fix: "remove the file or the call; a model's code defines classes and leaves acting to whoever calls it",
    page: include_str!("python_runs_at_import.md"),
    check,
};

/// Calls by how their names begin, what they do, and how severe that is at
/// import. The first that fits counts.
const CALLS: &[(&str, &str, Severity)] = &[
    ("os.system", "runs a command", Severity::Critical),
    ("os.popen", "runs a command", Severity::Critical),
    ("posix.", "runs a command", Severity::Critical),
    ("nt.system", "runs a command", Severity::Critical),
    ("os.exec", "starts a process", Severity::Critical),
    ("os.spawn", "starts a process", Severity::Critical),
    ("os.posix_spawn", "starts a process", Severity::Critical),
    ("os.startfile", "starts a process", Severity::Critical),
    ("os.fork", "starts a process", Severity::High),
    ("subprocess.", "starts a process", Severity::Critical),
    ("_posixsubprocess.", "starts a process", Severity::Critical),
    ("pty.spawn", "starts a process", Severity::Critical),
    ("commands.get", "runs a command", Severity::Critical),
    ("asyncio.create_subprocess", "starts a process", Severity::Critical),
    ("builtins.exec", "runs source text", Severity::Critical),
    ("builtins.eval", "runs source text", Severity::Critical),
    ("runpy.run", "runs another program", Severity::High),
    ("code.interact", "runs source text", Severity::High),
    ("marshal.load", "loads byte code", Severity::High),
    ("types.FunctionType", "makes a function of byte code", Severity::High),
    ("types.CodeType", "makes byte code", Severity::High),
    ("importlib.machinery.Source", "imports a file of any name", Severity::High),
    ("importlib.util.spec_from_file_location", "imports a file of any name", Severity::Medium),
    ("imp.load_source", "imports a file of any name", Severity::High),
    ("sys.meta_path.", "changes how Python imports", Severity::High),
    ("sys.path_hooks.", "changes how Python imports", Severity::High),
    ("pip.", "installs packages", Severity::High),
    ("ctypes.CDLL", "loads native code", Severity::Medium),
    ("ctypes.cdll", "loads native code", Severity::Medium),
    ("ctypes.PyDLL", "loads native code", Severity::Medium),
    ("ctypes.windll", "loads native code", Severity::Medium),
    ("torch.ops.load_library", "loads native code", Severity::High),
    ("torch.classes.load_library", "loads native code", Severity::High),
    ("torch.utils.cpp_extension.load", "compiles and loads native code", Severity::High),
    ("tensorflow.load_op_library", "loads native code", Severity::High),
    ("pickle.load", "unpickles", Severity::High),
    ("dill.load", "unpickles", Severity::High),
    ("cloudpickle.load", "unpickles", Severity::High),
    ("joblib.load", "unpickles", Severity::Medium),
    ("torch.load", "unpickles", Severity::Medium),
    ("torch.hub.load", "fetches and runs code", Severity::High),
    ("yaml.unsafe_load", "constructs what YAML says", Severity::Medium),
    ("socket.", "opens a connection", Severity::High),
    ("urllib.request.", "fetches from the network", Severity::High),
    ("http.client.HTTP", "fetches from the network", Severity::High),
    ("requests.", "fetches from the network", Severity::High),
    ("httpx.", "fetches from the network", Severity::High),
    ("aiohttp.", "fetches from the network", Severity::High),
    ("ftplib.", "opens a connection", Severity::High),
    ("smtplib.", "opens a connection", Severity::High),
    ("paramiko.", "opens a connection", Severity::High),
    ("shutil.rmtree", "deletes files", Severity::High),
    ("os.remove", "deletes files", Severity::Medium),
    ("os.unlink", "deletes files", Severity::Medium),
    ("os.symlink", "writes files", Severity::Medium),
    ("pathlib.Path.write_", "writes files", Severity::Medium),
    ("shutil.copy", "writes files", Severity::Medium),
    ("shutil.move", "writes files", Severity::Medium),
    ("atexit.register", "puts something off until the interpreter ends", Severity::Medium),
    ("sys.settrace", "watches every call", Severity::Medium),
];

/// Parts of these libraries that act on nothing.
const HARMLESS: [&str; 12] = [
    "requests.Session",
    "requests.adapters.",
    "requests.packages.",
    "httpx.Timeout",
    "httpx.Limits",
    "socket.gethostname",
    "socket.setdefaulttimeout",
    "socket.timeout",
    "subprocess.STARTUPINFO",
    "subprocess.list2cmdline",
    "urllib.request.Request",
    "aiohttp.ClientTimeout",
];

fn check(facts: &Facts, out: &mut Findings) {
    for code in &facts.code {
        if code.via != Via::Python || !code.reached {
            continue;
        }
        if let Some((what, severity)) = grade(code) {
            let confidence = if code.computed || severity == Severity::Critical {
                Confidence::High
            } else {
                Confidence::Medium
            };
            out.graded(
                severity,
                confidence,
                &code.at,
                format!("importing it {what}: {}", render::call(code)),
            );
        }
    }
}

fn grade(code: &Code) -> Option<(&'static str, Severity)> {
    let name = vocabulary().canonical(&code.target);
    if HARMLESS.iter().any(|start| name.starts_with(start)) {
        return None;
    }
    let fits = |start: &str| name.starts_with(start) || code.target.starts_with(start);
    if let Some((_, what, severity)) = CALLS.iter().find(|(start, _, _)| fits(start)) {
        let text = code.args.first().and_then(Term::as_str);
        // A constant expression is no more than written down.
        let constant = name.starts_with("builtins.e") && text.is_some_and(is_plain_expression);
        if constant {
            return None;
        }
        if code.args.iter().any(asks_the_machine) {
            return Some((what, (*severity).min(Severity::Medium)));
        }
        return Some((what, *severity));
    }
    if code.target.contains('?') && code.computed {
        return Some(("calls something whose name it puts together", Severity::High));
    }
    // Hiding the name is telling whatever the name is.
    (code.computed && vocabulary().capability(&name).is_some() && !name.starts_with("builtins."))
        .then_some(("looks up what it calls at run time", Severity::Medium))
}

/// Programs that only report on the machine or the checkout.
fn asks_the_machine(arg: &Term) -> bool {
    let first = match arg {
        Term::List { items, .. } | Term::Tuple { items, .. } => items.first().and_then(Term::as_str),
        Term::Str { text, .. } if !text.contains(['|', ';', '&', '$', '`', '>']) => {
            text.split_whitespace().next()
        }
        _ => None,
    };
    matches!(
        first,
        Some("nvidia-smi" | "nvcc" | "rocm-smi" | "git" | "uname" | "lscpu" | "which")
    )
}

fn is_plain_expression(text: &str) -> bool {
    text.len() < 64
        && text
            .chars()
            .all(|character| character.is_ascii_digit() || " .+-*/,()[]".contains(character))
}
