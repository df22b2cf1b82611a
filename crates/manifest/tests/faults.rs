//! Every fault has a line, a column and a remedy, and all come at once.
#![allow(clippy::expect_used, reason = "a test stops at what it did not expect")]

use modelward_manifest::{Hints, TextFile, describe, draft, parse};

const WHOLE: &str = include_str!("whole.yaml");

fn faults(text: &str) -> Vec<String> {
    match parse("modelward.yaml", text) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(describe).collect(),
    }
}

fn with(from: &str, to: &str) -> Vec<String> {
    assert!(WHOLE.contains(from), "{from}");
    faults(&WHOLE.replacen(from, to, 1))
}

#[test]
fn a_whole_manifest_has_none() {
    assert!(faults(WHOLE).is_empty(), "{:?}", faults(WHOLE));
    let manifest = parse("modelward.yaml", WHOLE).expect("a manifest");
    assert_eq!(
        manifest.use_case.intended_use,
        "Decides on access to records, after a person has looked."
    );
    assert_eq!(manifest.connections, ["rag:handbook", "api:badge's gate"]);
}

#[test]
fn a_wrong_word_is_shown_with_the_words_allowed() {
    assert_eq!(
        with("tier: critical", "tier: medum"),
        ["modelward.yaml:19:7: tier \"medum\" is not known; use low, medium, high or critical"]
    );
    assert_eq!(
        with("[access, classification]", "[access, acess]"),
        [
            "modelward.yaml:12:24: use_case.influences \"acess\" is not known; use access, triage, content-filtering, transactions, classification, automation or summarisation"
        ]
    );
    assert_eq!(
        with("calls_tools: false", "calls_tools: no"),
        ["modelward.yaml:16:16: capabilities.calls_tools \"no\" is not known; use true or false"]
    );
}

#[test]
fn each_required_field_is_missed_by_name() {
    let lines: Vec<&str> = WHOLE.lines().collect();
    for (key, missed) in [
        ("name:", "name is missing; write the model's name"),
        (
            "version:",
            "version is missing; write a version in quotes, such as \"1.0.0\"",
        ),
        (
            "owner:",
            "owner is missing; write person: or team: below it",
        ),
        (
            "use_case:",
            "use_case is missing; write id: and intended_use: below it",
        ),
        (
            "tags:",
            "tags is missing; write data:, exposure: and domain: below it",
        ),
        (
            "source:",
            "source is missing; write kind: below it, and url:, revision: and publisher: if it has them",
        ),
        ("schema:", "schema is missing; write modelward.manifest/1"),
    ] {
        let at = lines
            .iter()
            .position(|line| line.starts_with(key))
            .expect("a key");
        let end = lines[at + 1..]
            .iter()
            .position(|line| !line.starts_with(' '))
            .map_or(lines.len(), |end| at + 1 + end);
        let text = [&lines[..at], &lines[end..]].concat().join("\n");
        let faults = faults(&text);
        assert_eq!(faults.len(), 1, "{key} {faults:?}");
        assert!(faults[0].ends_with(missed), "{key} {faults:?}");
    }
}

#[test]
fn all_faults_come_at_once_in_the_order_of_lines() {
    let text = "\
name: 7
ownr: me
owner: { person: a, team: b }
version: 1.10
use_case: { id: UC-1, intended_use: ' ' }
capabilities: { calls_tool: true }
tags: { data: publc, exposure: internal, domain: Health Care }
source: vendor
expires: 2026-02-30
";
    assert_eq!(
        faults(text),
        [
            "modelward.yaml:1:1: schema is missing; write modelward.manifest/1",
            "modelward.yaml:1:7: name is the number 7; put it in quotes: \"7\"",
            "modelward.yaml:2:1: key \"ownr\" is not known here; did you mean owner?",
            "modelward.yaml:3:21: owner is one of person or team, not both; keep one",
            "modelward.yaml:4:10: version is the number 1.10; put it in quotes: \"1.10\"",
            "modelward.yaml:5:37: use_case.intended_use is empty; write one sentence that says what it is for",
            "modelward.yaml:6:17: key \"calls_tool\" is not known here; did you mean calls_tools?",
            "modelward.yaml:7:15: tags.data \"publc\" is not known; use public, internal, confidential, customer or regulated",
            "modelward.yaml:7:50: tags.domain \"Health Care\" is not a tag; write lower-case words and hyphens, such as finance or health",
            "modelward.yaml:8:9: source is a single value; write kind: below it, and url:, revision: and publisher: if it has them",
            "modelward.yaml:9:10: expires \"2026-02-30\" is not a date; write a date such as 2027-06-30",
        ]
    );
}

#[test]
fn what_is_not_yaml_has_its_place_too() {
    for (text, wanted) in [
        (
            "a: &x 1\nb: *x\n",
            "1:4: anchors and aliases are not used here; write the value out, or put it in quotes",
        ),
        ("a: 1\n\tb: 2\n", "2:1: a tab indents this line; use spaces"),
        (
            "a: 1\na: 2\n",
            "2:1: key \"a\" stands here a second time; keep one",
        ),
        ("a: [1, 2\n", "1:4: a bracket is not closed; close it"),
        ("a: \"x\n", "1:4: a quote is not closed; close it"),
        (
            "a: b: c\n",
            "1:5: a colon inside the value makes it a key; put the value in quotes",
        ),
        (
            "a:\n  b: 1\n c: 2\n",
            "3:2: this line fits nowhere; check its indentation",
        ),
        (
            "a: !!python/object x\n",
            "1:4: tags are not used here; put the value in quotes",
        ),
        (
            "a: 1\n---\nb: 2\n",
            "2:1: a second document begins; keep one",
        ),
        ("", "1:1: it is empty; write one with modelward init"),
        (
            "- a\n",
            "1:1: the manifest is a list; write keys such as name: and version:",
        ),
    ] {
        assert_eq!(faults(text), [format!("modelward.yaml:{wanted}")], "{text}");
    }
}

#[test]
fn hostile_text_ends_soon() {
    for text in [
        "[".repeat(100_000),
        "- ".repeat(30_000),
        "a: ".repeat(20_000),
        "{a: ".repeat(15_000),
        format!("a: [{}]", "1,".repeat(30_000)),
        "a:\n".repeat(200_000),
        "\n".repeat(1 << 20),
        "x".repeat(2 << 20),
        format!("a: \"{}", "\\\n".repeat(300_000)),
        (0..400_000).map(|_| "k\n").collect::<String>(),
        ["a:\n", " b:\n", "  c:\n", "   d:\n"].repeat(20).concat(),
    ] {
        let start = std::time::Instant::now();
        assert!(!faults(&text).is_empty());
        let took = start.elapsed();
        assert!(took.as_secs() < 5, "{took:?} for {:?}", text.get(..20));
    }
}

#[test]
fn a_draft_is_read_back_and_asks_for_what_only_people_know() {
    let card = "---\nlicense: apache-2.0\nbase_model: org/base\nbase_model_relation: finetune\ndatasets:\n- org/data\npipeline_tag: text-classification\n---\n# Model\n";
    let kitfile = "manifestVersion: v1.0.0\npackage:\n  name: \"sentiment: v2\"\n  version: 1.4.0\n  authors: [Org Labs]\n";
    let files = [
        TextFile {
            name: "README.md",
            text: card,
        },
        TextFile {
            name: "Kitfile",
            text: kitfile,
        },
    ];
    let artifact = serde_json::from_value(serde_json::json!({
        "name": "x", "source": { "kind": "folder", "given": "x" }, "size": 0, "files": []
    }))
    .expect("an artifact");
    let hints = Hints::gather(&files, &modelward_schema::Facts::default(), &artifact);
    let text = draft(&hints);
    let found = faults(&text);
    for open in [
        "owner.team is empty",
        "use_case.id is empty",
        "use_case.intended_use is empty",
        "capabilities.makes_decisions is empty; write true or false",
        "tags.data is empty",
        "source.kind is empty; write vendor, open-weights or internal",
    ] {
        assert!(
            found.iter().any(|fault| fault.contains(open)),
            "{open}\n{text}\n{found:#?}"
        );
    }
    assert!(
        found.iter().all(|fault| fault.contains(" is empty; ")),
        "{found:#?}"
    );
    assert!(text.contains("name: \"sentiment: v2\" # Kitfile"), "{text}");
    assert!(
        text.contains("- ref: \"hf:org/base\" # README.md\n    transformation: fine-tune"),
        "{text}"
    );
    let empty = draft(&Hints::default());
    assert!(
        faults(&empty)
            .iter()
            .all(|fault| fault.contains(" is empty; ")),
        "{empty}"
    );
}
