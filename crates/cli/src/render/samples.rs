//! Reports that the tests of every form show: a denial with all there is to
//! tell, a hold, an allowance, a scan, and one whose every text is hostile.

use modelward_schema::{
    Artifact, Confidence, Context, Coverage, Decision, Effect, Evidence, Exemption, Facet,
    FacetState, Facts, FileFact, Finding, Gap, Location, PolicyRef, REPORT_SCHEMA, Reason, Report,
    Sandbox, Severity, Source, SourceKind, Span, Stage, Tensor, Tier, Tool, TrackedFile, Verdict,
    Why,
};

const DIGEST: &str = "sha256:9f3c41d2b7a05e8812c6f04d3a9b7e5510cc2f6e8d7b4a3918f0e2d1c4b5a697";

fn file(path: &str, format: &str, size: u64) -> FileFact {
    FileFact {
        path: path.to_owned(),
        format: format.to_owned(),
        size,
        ..FileFact::default()
    }
}

fn member(path: &str, format: &str, size: u64) -> FileFact {
    FileFact {
        parent: path.rsplit_once("!/").map(|(parent, _)| parent.to_owned()),
        span: Some(Span::new(64, size)),
        ..file(path, format, size)
    }
}

fn tensor(path: &str, name: &str, start: u64, len: u64) -> Tensor {
    Tensor {
        name: name.to_owned(),
        dtype: "f16".to_owned(),
        shape: vec![len / 2],
        at: Location::bytes(path, start, len),
        ..Tensor::default()
    }
}

fn reason(code: &str, severity: Severity, effect: Effect, message: &str, fix: &str) -> Reason {
    Reason {
        code: code.to_owned(),
        effect,
        severity,
        message: message.to_owned(),
        fix: fix.to_owned(),
        policy: "gate/artifact.rego:21".to_owned(),
        frameworks: vec!["CWE-502".to_owned(), "AML.T0011.000".to_owned()],
        locations: Vec::new(),
        waived_by: None,
    }
}

fn finding_of(reason: &Reason) -> Finding {
    Finding {
        rule: reason.code.clone(),
        severity: reason.severity,
        confidence: Confidence::High,
        message: reason.message.clone(),
        locations: reason.locations.clone(),
        fix: reason.fix.clone(),
        frameworks: reason.frameworks.clone(),
    }
}

fn facet(name: &str, state: FacetState, note: &str) -> Facet {
    Facet {
        name: name.to_owned(),
        state,
        note: note.to_owned(),
    }
}

fn verdict(decision: Decision, reasons: Vec<Reason>, unblock: &[&str]) -> Verdict {
    Verdict {
        decision,
        reasons,
        facets: vec![
            facet("provenance", FacetState::Partial, "2 of 5 steps claimed"),
            facet("custody", FacetState::Shown, ""),
            facet("behaviour", FacetState::Missing, "not tested"),
        ],
        unblock: unblock.iter().map(|code| (*code).to_owned()).collect(),
        stage: Stage::Production,
        tier: Tier::High,
        policy: PolicyRef {
            name: "built-in".to_owned(),
            digest: DIGEST.to_owned(),
        },
        now: "2026-11-25T10:00:00Z".to_owned(),
    }
}

fn bare() -> Report {
    Report {
        schema: REPORT_SCHEMA.to_owned(),
        tool: Tool {
            name: "modelward".to_owned(),
            version: "0.1.0".to_owned(),
            sandbox: Sandbox {
                process: true,
                landlock: true,
                seccomp: true,
                rlimits: true,
            },
        },
        artifact: Artifact {
            name: "sentiment".to_owned(),
            version: Some("1.4.0".to_owned()),
            digest: Some(DIGEST.to_owned()),
            source: Source {
                kind: SourceKind::Folder,
                given: "./sentiment".to_owned(),
                repo: None,
                revision: None,
            },
            size: 2_147_983_648,
            files: Vec::new(),
        },
        manifest: None,
        facts: Facts {
            coverage: Coverage {
                complete: true,
                bytes_read: 2_147_983_648,
                gaps: Vec::new(),
            },
            ..Facts::default()
        },
        findings: Vec::new(),
        evidence: Vec::new(),
        verdict: None,
        context: None,
    }
}

fn with_files(mut report: Report, files: Vec<FileFact>) -> Report {
    report.artifact.files = files
        .iter()
        .filter(|file| file.parent.is_none())
        .map(|file| TrackedFile {
            path: file.path.clone(),
            size: file.size,
            digest: None,
        })
        .collect();
    report.artifact.size = report.artifact.files.iter().map(|file| file.size).sum();
    report.facts.coverage.bytes_read = report.artifact.size;
    report.facts.files = files;
    report
}

fn sentiment() -> Report {
    let mut report = with_files(
        bare(),
        vec![
            file("LICENSE", "text", 11_357),
            file("config.json", "json", 2_140),
            file("encoder.onnx", "onnx", 438_000_112),
            file("head.pt", "zip", 41_200_640),
            member("head.pt!/archive/data.pkl", "pickle", 52_310),
            member("head.pt!/archive/data/0", "tensor-data", 33_554_432),
            member("head.pt!/archive/data/1", "tensor-data", 7_340_032),
            member("head.pt!/archive/version", "text", 2),
            file(
                "model-00001-of-00002.safetensors",
                "safetensors",
                1_120_000_000,
            ),
            file(
                "model-00002-of-00002.safetensors",
                "safetensors",
                548_000_000,
            ),
            file("modelward.yaml", "yaml", 911),
            file("notes.bin", "unknown", 40_960),
            file("tokenizer.json", "json", 2_203_239),
        ],
    );
    let shard = "model-00001-of-00002.safetensors";
    let mut start = 4096;
    for layer in 0..8_u64 {
        for (name, len) in [
            ("attention.q", 16_777_216),
            ("attention.k", 16_777_216),
            ("attention.v", 16_777_216),
            ("mlp.up", 67_108_864),
            ("norm", 8_192),
        ] {
            report
                .facts
                .tensors
                .push(tensor(shard, &format!("layers.{layer}.{name}"), start, len));
            start += len;
        }
    }
    report.facts.tensors.push(tensor(
        "model-00002-of-00002.safetensors",
        "embed",
        512,
        500_000_000,
    ));
    report
}

/// Denied for code in a pickle, a lying container, a missing approval; one
/// reason waived, one only a warning, one finding that no policy weighs.
pub(super) fn deny() -> Report {
    let mut report = sentiment();
    let mut code = reason(
        "pickle-calls-code",
        Severity::Critical,
        Effect::Deny,
        "loading it runs the command os.system(\"echo pwned\")",
        "re-export the weights as safetensors, or remove head.pt",
    );
    code.locations = vec![
        Location::bytes("head.pt!/archive/data.pkl", 0x1a3, 24)
            .with_excerpt("os.system(\"echo pwned\")"),
    ];
    let mut lies: Vec<Reason> = (0..10_u64)
        .map(|number| {
            let mut lie = reason(
                "container-lies",
                Severity::Medium,
                Effect::Hold,
                &format!(
                    "entry {number} has the size 4096 in the directory and 8192 in its header"
                ),
                "rebuild the file with the format's own writer, or get it from its source again",
            );
            lie.locations = vec![
                Location::bytes("head.pt", 0x40 * number, 30)
                    .with_excerpt(format!("PK\\x03\\x04 archive/data/{number}")),
            ];
            lie
        })
        .collect();
    let mut template = reason(
        "template-tests-message",
        Severity::High,
        Effect::Deny,
        "the chat template answers differently when a message contains a fixed text",
        "compare the template with the publisher's and remove the condition",
    );
    template.locations = vec![
        Location::line("tokenizer.json", 12, 4).with_excerpt("'deploy' in message['content']"),
    ];
    let mut waived = reason(
        "url-in-weights",
        Severity::Medium,
        Effect::Hold,
        "the bytes of a tensor hold the address https://example.org/a",
        "find out who wrote it there",
    );
    waived.locations = vec![Location::bytes(
        "model-00002-of-00002.safetensors",
        0x2000,
        22,
    )];
    waived.waived_by = Some("EX-3".to_owned());
    report.findings.push(finding_of(&code));
    report.findings.push(finding_of(&template));
    report.findings.extend(lies.iter().map(finding_of));
    report.findings.push(finding_of(&waived));
    let mut quiet = finding_of(&waived);
    quiet.rule = "name-differs-from-content".to_owned();
    quiet.severity = Severity::Low;
    quiet.message = "the name ends in .bin and the content is of no known format".to_owned();
    quiet.locations = vec![Location::file("notes.bin")];
    report.findings.push(quiet);
    report.evidence.push(Evidence::Exemption(Exemption {
        id: "EX-3".to_owned(),
        codes: vec!["url-in-weights".to_owned()],
        digest: DIGEST.to_owned(),
        reason: "a citation in the training text, checked by hand".to_owned(),
        compensating_control: None,
        requested_by: "mika@example.org".to_owned(),
        approved_by: "security@example.org".to_owned(),
        not_before: "2026-11-01T00:00:00Z".to_owned(),
        not_after: "2026-12-31T00:00:00Z".to_owned(),
    }));
    let mut reasons = vec![code, template];
    reasons.append(&mut lies);
    reasons.push(waived);
    reasons.push(reason(
        "approval-missing",
        Severity::High,
        Effect::Hold,
        "approval by someone other than the trainer",
        "modelward approve sentiment@1.4.0 --role security",
    ));
    reasons.push(reason(
        "behaviour-untested",
        Severity::Low,
        Effect::Warn,
        "no behaviour test covers it",
        "modelward test sentiment@1.4.0",
    ));
    report.verdict = Some(verdict(
        Decision::Deny,
        reasons,
        &[
            "pickle-calls-code",
            "template-tests-message",
            "container-lies",
            "approval-missing",
        ],
    ));
    report.context = Some(Context {
        now: "2026-11-25T10:00:00Z".to_owned(),
        stage: Stage::Production,
        actor: "mika@example.org".to_owned(),
        manifest_digest: None,
        registered_digest: None,
        manifest_errors: Vec::new(),
    });
    report
}

/// Held because parts could not be read, outside a sandbox.
pub(super) fn hold() -> Report {
    let mut report = with_files(
        bare(),
        vec![
            file("weights.zip", "zip", 9_400_000),
            file("vault.7z", "7z", 120_000),
        ],
    );
    let coverage = &mut report.facts.coverage;
    coverage.complete = false;
    for number in 0..5 {
        coverage.gaps.push(Gap {
            why: Why::Encrypted,
            message: "the entry is encrypted".to_owned(),
            at: Location::bytes(format!("weights.zip!/part-{number}.bin"), 0, 1_800_000),
        });
    }
    coverage.gaps.push(Gap {
        why: Why::Truncated,
        message: "the archive ends 512 bytes before its directory".to_owned(),
        at: Location::bytes("vault.7z", 119_488, 512),
    });
    report.tool.sandbox = Sandbox::default();
    report.artifact.digest = None;
    report.verdict = Some(verdict(
        Decision::Hold,
        vec![reason(
            "coverage-incomplete",
            Severity::High,
            Effect::Hold,
            "6 parts could not be read",
            "get the artifact without encryption, complete",
        )],
        &["coverage-incomplete"],
    ));
    report
}

pub(super) fn allow() -> Report {
    let mut report = sentiment();
    let mut verdict = verdict(Decision::Allow, Vec::new(), &[]);
    verdict.tier = Tier::Low;
    report.verdict = Some(verdict);
    report
}

/// Findings without a verdict, of one file.
pub(super) fn scan() -> Report {
    let mut report = deny();
    report.verdict = None;
    report.evidence.clear();
    report.context = None;
    report.artifact.version = None;
    report.tool.sandbox.landlock = false;
    report
}

/// Nothing found in a single file.
pub(super) fn clean_scan() -> Report {
    let mut report = with_files(
        bare(),
        vec![file("digits.safetensors", "safetensors", 9_216)],
    );
    report.artifact.name = "digits.safetensors".to_owned();
    report.artifact.version = None;
    report.artifact.source.kind = SourceKind::File;
    report.artifact.source.given = "models/digits.safetensors".to_owned();
    report
}

/// Every text tries to leave its place.
pub(super) fn hostile() -> Report {
    let text = "\u{1b}]0;owned\u{7}</script><img src=x onerror=alert(1)>|`x`\r\n::error::x@all \u{202e}www.example.org";
    let mut report = with_files(
        bare(),
        vec![
            file(text, text, 100),
            member(&format!("{text}!/{text}"), text, 50),
        ],
    );
    text.clone_into(&mut report.artifact.name);
    report.artifact.version = Some(text.to_owned());
    text.clone_into(&mut report.artifact.source.given);
    report.artifact.digest = Some(text.to_owned());
    report.facts.tensors.push(tensor(text, text, 0, 60));
    report.facts.coverage.complete = false;
    report.facts.coverage.gaps.push(Gap {
        why: Why::Malformed,
        message: text.to_owned(),
        at: Location::file(text),
    });
    let mut bad = reason(text, Severity::High, Effect::Deny, text, text);
    bad.locations = vec![Location::bytes(format!("{text}!/{text}"), 3, 4).with_excerpt(text)];
    bad.frameworks = vec![text.to_owned()];
    text.clone_into(&mut bad.policy);
    report.findings.push(finding_of(&bad));
    let mut waived = bad.clone();
    waived.code = format!("{text}2");
    waived.waived_by = Some(text.to_owned());
    let mut all = verdict(Decision::Deny, vec![bad, waived], &[text]);
    for facet in &mut all.facets {
        text.clone_into(&mut facet.name);
        text.clone_into(&mut facet.note);
    }
    text.clone_into(&mut all.policy.name);
    report.verdict = Some(all);
    report
}

/// All of them, by name.
pub(super) fn all() -> [(&'static str, Report); 6] {
    [
        ("deny", deny()),
        ("hold", hold()),
        ("allow", allow()),
        ("scan", scan()),
        ("clean-scan", clean_scan()),
        ("hostile", hostile()),
    ]
}
