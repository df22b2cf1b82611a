#![doc = include_str!("index_names_missing_shard.md")]

use std::collections::{BTreeMap, BTreeSet};

use modelward_schema::{Confidence, Facts, FileFact, Location, ReferenceKind, Severity};

use crate::{Findings, Rule, way_out};

pub(crate) static RULE: Rule = Rule {
    id: "index-names-missing-shard",
    title: "the index of a split model and its files do not agree",
    severity: Severity::Medium,
    frameworks: &["CWE-353", "AML.T0010", "ID.RA-01"],
    fix: "fetch the missing files, remove those that the index does not name, and judge the folder again",
    page: include_str!("index_names_missing_shard.md"),
    check,
};

fn check(facts: &Facts, out: &mut Findings) {
    // A file that was given alone says nothing about what lies beside it.
    let top: Vec<&FileFact> = facts.files.iter().filter(|file| file.parent.is_none()).collect();
    if top.len() < 2 {
        return;
    }
    let present: BTreeSet<&str> = facts.files.iter().map(|file| file.path.as_str()).collect();
    let mut named: BTreeMap<String, &Location> = BTreeMap::new();
    for reference in &facts.references {
        if reference.kind != ReferenceKind::Shard || way_out::find(&reference.value).is_some() {
            continue;
        }
        let path = way_out::resolve(&reference.at.path, &reference.value);
        if !present.contains(path.as_str()) {
            out.graded(
                Severity::Medium,
                Confidence::High,
                &reference.at,
                format!("the model's shard {:?} is missing", reference.value),
            );
        }
        named.insert(path, &reference.at);
        named.insert(reference.at.path.clone(), &reference.at);
    }
    let indexed: BTreeSet<&str> = named
        .keys()
        .filter(|path| is_shard(path))
        .map(|path| path.rsplit_once('/').map_or("", |(folder, _)| folder))
        .collect();
    for file in top {
        let (folder, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
        if is_shard(name) && indexed.contains(folder) && !named.contains_key(&file.path) {
            out.graded(
                Severity::Medium,
                Confidence::Medium,
                &Location::file(&file.path),
                "it is named like a shard, but no index names it",
            );
        }
    }
}

/// `…-00001-of-00002.safetensors` and the like.
fn is_shard(name: &str) -> bool {
    let Some((stem, extension)) = name.rsplit_once('.') else {
        return false;
    };
    let Some((rest, of)) = stem.rsplit_once("-of-") else {
        return false;
    };
    let digits = |text: &str| text.len() >= 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    matches!(extension, "safetensors" | "bin" | "gguf")
        && digits(of)
        && rest.rsplit_once('-').is_some_and(|(_, number)| digits(number))
}
