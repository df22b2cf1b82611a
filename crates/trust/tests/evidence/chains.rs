//! What statements amount to.

use modelward_schema::Chain;
use modelward_trust::evidence::{Accept, Line, Operation, Release, Resource, Revocation, chain};

use crate::common::{Desk, digest, judged, step};

/// a ← b ← c ← d ← e, all signed; e was downloaded.
fn five(desk: &Desk) -> Vec<Line> {
    let mut lines = Vec::new();
    for (to, from) in [('a', 'b'), ('b', 'c'), ('c', 'd'), ('d', 'e')] {
        lines.push(desk.signature("ci", &digest(to)));
        let made = step(Operation::Convert, &[("base", &digest(from))]);
        lines.push(desk.says("ci", &digest(to), &made));
    }
    lines.push(desk.signature("ci", &digest('e')));
    let mut origin = step(Operation::Download, &[]);
    origin.build_definition.resolved_dependencies.push(
        Resource {
            uri: Some("https://example.org/e".to_owned()),
            ..Resource::default()
        }
        .used_as("origin"),
    );
    lines.push(desk.says("ci", &digest('e'), &origin));
    lines
}

fn of(desk: &Desk, lines: &[Line]) -> Chain {
    let root = desk.root("", "").unwrap();
    chain(&judged(&root, lines), &digest('a'))
}

fn codes(chain: &Chain) -> Vec<&str> {
    chain.problems.iter().map(|p| p.code.as_str()).collect()
}

#[test]
fn a_whole_chain_leads_to_its_origin() {
    let desk = Desk::new();
    let chain = of(&desk, &five(&desk));
    assert_eq!(codes(&chain), [""; 0]);
    assert_eq!((chain.hops.len(), chain.completeness), (5, 100));
    assert_eq!(chain.hops[4].operation.as_deref(), Some("download"));
    assert_eq!(chain.makers, ["ci"]);
}

#[test]
fn each_statement_that_is_taken_away_names_its_hop() {
    let desk = Desk::new();
    let whole = five(&desk);
    for (at, _) in whole.iter().enumerate() {
        let mut lines = whole.clone();
        lines.remove(at);
        let chain = of(&desk, &lines);
        let hop = ['a', 'b', 'c', 'd', 'e'][at / 2];
        let named = if hop == 'a' {
            "this model".to_owned()
        } else {
            format!("sha256:{}", hop.to_string().repeat(12))
        };
        let code = if at % 2 == 0 {
            "hop-unsigned"
        } else {
            "hop-unrecorded"
        };
        assert_eq!(codes(&chain), [code], "{at}");
        assert!(
            chain.problems[0].message.contains(&named),
            "{:?}",
            chain.problems
        );
        assert!(chain.completeness < 100);
    }
}

#[test]
fn an_exchanged_model_in_the_middle_breaks_the_line_there() {
    let desk = Desk::new();
    let mut lines = five(&desk);
    // b was made from 9, whatever the records of c say.
    let other = step(Operation::Convert, &[("base", &digest('9'))]);
    lines[3] = desk.says("ci", &digest('b'), &other);
    let chain = of(&desk, &lines);
    assert_eq!(codes(&chain), ["hop-unsigned", "hop-unrecorded"]);
    assert!(
        chain
            .problems
            .iter()
            .all(|p| p.message.contains("sha256:999999999999"))
    );
}

#[test]
fn a_withdrawn_ancestor_is_named() {
    let desk = Desk::new();
    let mut lines = five(&desk);
    let withdrawn = Revocation {
        reason: "a trigger was found".to_owned(),
        by: "ann".to_owned(),
        at: "2026-02-01T00:00:00Z".to_owned(),
        statements: Vec::new(),
        rest: serde_json::Map::new(),
    };
    lines.push(desk.says("ann", &digest('d'), &withdrawn));
    assert_eq!(codes(&of(&desk, &lines)), ["model-revoked"]);
}

fn release(from: &str, to: &str, time: &str, prior: Option<&str>) -> Release {
    Release {
        from: from.to_owned(),
        to: to.to_owned(),
        time: time.to_owned(),
        channel: None,
        uri: None,
        prior_receipt: prior.map(str::to_owned),
        verdict: None,
        rest: serde_json::Map::new(),
    }
}

fn accept(from: &str, to: &str, time: &str, release: Option<&str>, root: &str) -> Accept {
    Accept {
        from: from.to_owned(),
        to: to.to_owned(),
        time: time.to_owned(),
        release_receipt: release.map(str::to_owned),
        received_root: root.to_owned(),
        checks: Vec::new(),
        rest: serde_json::Map::new(),
    }
}

fn id(desk: &Desk, line: &Line) -> String {
    let root = desk.root("", "").unwrap();
    judged(&root, std::slice::from_ref(line))[0]
        .id
        .clone()
        .unwrap()
}

#[test]
fn custody_is_whole_with_both_receipts_and_names_each_break() {
    let desk = Desk::new();
    let (a, b) = (digest('a'), digest('b'));
    let early = "2026-01-01T00:00:00Z";
    let late = "2026-01-02T00:00:00Z";
    let custody = |lines: &[Line]| {
        let chain = of(&desk, lines);
        let codes: Vec<String> = chain
            .custody
            .problems
            .iter()
            .map(|p| p.code.clone())
            .collect();
        (codes.join(" "), chain.custody.holders.len())
    };
    let given = desk.says("hub", &a, &release("hub", "ann", early, None));
    let receipt = id(&desk, &given);
    let taken = desk.says("ann", &a, &accept("hub", "ann", late, Some(&receipt), &a));
    assert_eq!(custody(&[given.clone(), taken.clone()]), (String::new(), 2));
    assert_eq!(custody(&[]).0, "");
    assert_eq!(custody(std::slice::from_ref(&given)).0, "custody-gap");
    assert_eq!(custody(std::slice::from_ref(&taken)).0, "custody-gap");
    // Accepted before it was released.
    let early_taken = desk.says(
        "ann",
        &a,
        &accept("hub", "ann", "2025-01-01T00:00:00Z", Some(&receipt), &a),
    );
    assert_eq!(custody(&[given.clone(), early_taken]).0, "custody-overlap");
    // Given to two.
    let again = desk.says("hub", &a, &release("hub", "bob", late, None));
    assert!(
        custody(&[given.clone(), taken.clone(), again])
            .0
            .contains("custody-overlap")
    );
    // Other bytes arrived; and a record that tells how one became the other.
    let other = desk.says("hub", &b, &release("hub", "ann", early, None));
    let other_id = id(&desk, &other);
    let changed = desk.says("ann", &a, &accept("hub", "ann", late, Some(&other_id), &a));
    assert_eq!(custody(&[other.clone(), changed]).0, "custody-root-changed");
    let arrived = desk.says("ann", &b, &accept("hub", "ann", late, Some(&other_id), &b));
    assert_eq!(
        custody(&[other.clone(), arrived.clone()]).0,
        "custody-root-changed"
    );
    let made = desk.says("ci", &a, &step(Operation::Quantize, &[("base", &b)]));
    assert_eq!(custody(&[other, arrived, made]).0, "");
}
