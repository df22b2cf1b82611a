//! Conversions made by llama.cpp itself, honest and tampered with, as
//! `benches/lineage/gguf_cases.py` makes them; `MODELWARD_GGUF_CASES` names the
//! list it wrote: source, target, relation, `honest` or `tampered`, what was done.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    reason = "a test"
)]

mod open;

use std::path::Path;

use modelward_lineage::{Case, Claim, Grade, prove};

#[test]
fn every_case_of_the_list_is_told_apart() {
    let Some(list) = std::env::var_os("MODELWARD_GGUF_CASES") else {
        println!("skipped: MODELWARD_GGUF_CASES names no list");
        return;
    };
    let only = std::env::var("MODELWARD_GGUF_ONLY").unwrap_or_default();
    let list = std::fs::read_to_string(list).unwrap();
    let (mut right, mut wrong) = (0, Vec::new());
    for line in list.lines().filter(|line| line.contains(&only)) {
        let parts: Vec<&str> = line.split('\t').collect();
        let [sources, target, relation, kind, _] = parts[..] else {
            panic!("{line}")
        };
        let claim = Claim::default();
        let sources: Vec<_> = sources
            .split(',')
            .map(|s| open::open(Path::new(s)))
            .collect();
        let target = open::open(Path::new(target));
        let case = Case {
            sources: &sources,
            target: &target,
            claim: &claim,
            tell: &|_| {},
        };
        let proof = prove(&case, (relation != "-").then_some(relation)).unwrap();
        let found = if proof.grade == Grade::Refuted {
            "tampered"
        } else {
            "honest"
        };
        if found == kind && (kind == "tampered" || proof.grade < Grade::Claimed) {
            right += 1;
            if !only.is_empty() {
                println!(
                    "ok    {line}: {} {:?} {:?}",
                    proof.grade,
                    proof.reasons.first(),
                    proof.notes
                );
            }
        } else {
            println!(
                "WRONG {line}: {} {:?}\n   {:?}",
                proof.grade,
                proof.reasons.iter().take(4).collect::<Vec<_>>(),
                proof.notes
            );
            wrong.push(line.to_owned());
        }
    }
    println!("{right} right, {} wrong", wrong.len());
    assert!(wrong.is_empty());
}
