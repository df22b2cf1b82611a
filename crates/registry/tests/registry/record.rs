//! Writing, and finding again what was written.

use std::fs;

use modelward_registry::{DecisionFilter, Registry, RegistryError, UNIDENTIFIED};
use modelward_schema::{Decision, Effect, Evidence, LogEvent};

use crate::samples::{approval, decide, digest, exemption, reason, report};

fn empty() -> (tempfile::TempDir, Registry) {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::open(&folder.path().join("deep/registry")).unwrap();
    (folder, registry)
}

#[test]
fn a_decision_is_found_again_with_its_report_byte_for_byte() {
    let (folder, registry) = empty();
    let mut report = report("sentiment", "1.4.0", &digest('a'), Decision::Deny);
    let reasons = &mut report.verdict.as_mut().unwrap().reasons;
    reasons.push(reason("pickle-calls-code", Effect::Deny));
    reasons.push(reason("pickle-calls-code", Effect::Deny));
    reasons.push(reason("approval-missing", Effect::Hold));
    reasons.push(reason("owner-missing", Effect::Deny));
    // Long enough to be compressed, and not as a serializer would write it.
    let json = format!("  {}  ", serde_json::to_string(&report).unwrap()).repeat(20);
    let record = registry
        .record_decision(&report, json.as_bytes(), Some("name: sentiment\n"))
        .unwrap();
    assert_eq!(record.number, 1);
    assert_eq!(record.reason, "pickle-calls-code, owner-missing");
    drop(registry);

    let registry = Registry::open_existing(&folder.path().join("deep/registry"))
        .unwrap()
        .expect("it is there now");
    assert_eq!(registry.decision(1).unwrap(), Some(record.clone()));
    assert_eq!(registry.decision(2).unwrap(), None);
    assert_eq!(
        registry.latest_for_artifact(&digest('a')).unwrap(),
        Some(record.clone())
    );
    assert_eq!(
        registry.report(&record.report).unwrap(),
        Some(json.into_bytes())
    );
    assert_eq!(
        registry.manifest_of(1).unwrap().as_deref(),
        Some("name: sentiment\n")
    );
    let log = registry.log(10).unwrap();
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].event, LogEvent::Decision);
    assert_eq!(log[0].body["artifact"], digest('a'));
}

#[test]
fn reading_makes_no_registry() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("none");
    assert!(Registry::open_existing(&place).unwrap().is_none());
    assert!(!place.exists());
}

#[test]
fn a_version_is_bound_by_the_first_allow_and_by_nothing_after() {
    let (_folder, registry) = empty();
    let bound = || registry.registered_digest("m", "1").unwrap();
    decide(&registry, "m", "1", &digest('a'), Decision::Deny);
    decide(&registry, "m", "1", &digest('b'), Decision::Hold);
    assert_eq!(bound(), None);
    decide(&registry, "m", "1", &digest('c'), Decision::Allow);
    assert_eq!(bound(), Some(digest('c')));
    let mut knowing = report("m", "1", &digest('d'), Decision::Allow);
    knowing.context.as_mut().unwrap().registered_digest = Some(digest('c'));
    registry.record_decision(&knowing, b"{}", None).unwrap();
    assert_eq!(bound(), Some(digest('c')));
    assert_eq!(registry.registered_digest("m", "2").unwrap(), None);
    assert_eq!(registry.verify_log().unwrap().entries, 4);
}

#[test]
fn an_allow_that_did_not_know_of_the_binding_is_not_recorded() {
    let (_folder, registry) = empty();
    decide(&registry, "m", "1", &digest('a'), Decision::Allow);
    let unknowing = report("m", "1", &digest('b'), Decision::Allow);
    let error = registry
        .record_decision(&unknowing, b"{}", None)
        .unwrap_err();
    assert!(matches!(error, RegistryError::Overtaken { .. }), "{error}");
    assert_eq!(registry.verify_log().unwrap().entries, 1);
    // The same bytes again are no matter.
    decide(&registry, "m", "1", &digest('a'), Decision::Allow);
}

#[test]
fn an_artifact_without_a_digest_is_recorded_and_binds_nothing() {
    let (_folder, registry) = empty();
    let mut report = report("m", "1", "", Decision::Allow);
    report.artifact.digest = None;
    let record = registry.record_decision(&report, b"{}", None).unwrap();
    assert_eq!(record.artifact, UNIDENTIFIED);
    assert_eq!(registry.registered_digest("m", "1").unwrap(), None);
    registry.verify_log().unwrap();
}

#[test]
fn a_scan_is_not_a_decision() {
    let (_folder, registry) = empty();
    let mut report = report("m", "1", &digest('a'), Decision::Allow);
    report.verdict = None;
    let refused = registry.record_decision(&report, b"{}", None);
    assert!(matches!(refused, Err(RegistryError::Refused(_))));
    assert!(registry.log(1).unwrap().is_empty());
}

#[test]
fn decisions_are_listed_newest_first_by_name_version_and_digest() {
    let (_folder, registry) = empty();
    decide(&registry, "a", "1", &digest('a'), Decision::Deny);
    decide(&registry, "a", "2", &digest('b'), Decision::Hold);
    decide(&registry, "b", "1", &digest('b'), Decision::Allow);
    let numbers = |filter: DecisionFilter| -> Vec<i64> {
        let found = registry.decisions(&filter).unwrap();
        found.iter().map(|decision| decision.number).collect()
    };
    let all = DecisionFilter::default();
    assert_eq!(numbers(all.clone()), [3, 2, 1]);
    assert_eq!(
        numbers(DecisionFilter {
            limit: 2,
            ..all.clone()
        }),
        [3, 2]
    );
    let named = DecisionFilter {
        name: Some("a".to_owned()),
        ..all.clone()
    };
    assert_eq!(numbers(named.clone()), [2, 1]);
    let version = Some("1".to_owned());
    assert_eq!(numbers(DecisionFilter { version, ..named }), [1]);
    for artifact in ["bbbb", "sha256:b", "BB"] {
        let artifact = Some(artifact.to_owned());
        assert_eq!(
            numbers(DecisionFilter {
                artifact,
                ..all.clone()
            }),
            [3, 2]
        );
    }
    for artifact in ["%", "", "sha256:", "b_"] {
        let artifact = Some(artifact.to_owned());
        let refused = registry.decisions(&DecisionFilter {
            artifact,
            ..all.clone()
        });
        assert!(matches!(refused, Err(RegistryError::Refused(_))));
    }
}

#[test]
fn a_passport_holds_everything_about_a_model() {
    let (_folder, registry) = empty();
    decide(&registry, "m", "1", &digest('a'), Decision::Allow);
    decide(&registry, "m", "2", &digest('b'), Decision::Hold);
    decide(&registry, "other", "1", &digest('c'), Decision::Allow);
    registry.approve(approval(&digest('b'))).unwrap();
    registry.approve(approval(&digest('c'))).unwrap();
    registry.exempt(exemption(&digest('b'))).unwrap();

    let passport = registry.model("m").unwrap().expect("it was decided on");
    let versions: Vec<_> = passport
        .versions
        .iter()
        .map(|v| (v.version.as_str(), v.bound.clone(), v.latest.number))
        .collect();
    assert_eq!(versions, [("2", None, 2), ("1", Some(digest('a')), 1)]);
    assert_eq!(
        passport.versions[0].manifest.as_deref(),
        Some("name: sentiment\n")
    );
    assert_eq!(passport.decisions.len(), 2);
    assert_eq!(
        (passport.approvals.len(), passport.exemptions.len()),
        (1, 1)
    );

    let first = registry.version("m", "1").unwrap().expect("it is there");
    assert_eq!((first.versions.len(), first.approvals.len()), (1, 0));
    assert_eq!(registry.version("m", "3").unwrap(), None);
    assert_eq!(registry.model("none").unwrap(), None);
    assert_eq!(registry.models().unwrap(), ["m", "other"]);
}

#[test]
fn evidence_is_that_of_the_very_bytes() {
    let (_folder, registry) = empty();
    let given = registry.approve(approval(&digest('a'))).unwrap();
    assert!(!given.id.is_empty() && given.at.ends_with('Z'));
    let waived = registry.exempt(exemption(&digest('a'))).unwrap();
    assert_eq!(
        registry.evidence_for(&digest('a')).unwrap(),
        [Evidence::Approval(given), Evidence::Exemption(waived)]
    );
    assert!(registry.evidence_for(&digest('b')).unwrap().is_empty());
    assert_eq!(registry.verify_log().unwrap().entries, 2);
}

#[test]
fn statements_that_mean_nothing_are_refused_and_leave_no_line() {
    let (_folder, registry) = empty();
    let mut nobody = approval(&digest('a'));
    nobody.by = " ".to_owned();
    let mut vague = approval("sha256:abc");
    vague.digest = "sha256:abc".to_owned();
    for approval in [nobody, vague] {
        let refused = registry.approve(approval);
        assert!(matches!(refused, Err(RegistryError::Refused(_))));
    }
    let own = |change: fn(&mut modelward_schema::Exemption)| {
        let mut exemption = exemption(&digest('a'));
        change(&mut exemption);
        registry.exempt(exemption)
    };
    let refused = [
        own(|e| e.approved_by.clone_from(&e.requested_by)),
        own(|e| e.codes = vec!["pickle-*".to_owned()]),
        own(|e| e.codes.clear()),
        own(|e| e.not_after.clone_from(&e.not_before)),
        own(|e| e.not_after = "soon".to_owned()),
    ];
    for answer in refused {
        assert!(
            matches!(answer, Err(RegistryError::Refused(_))),
            "{answer:?}"
        );
    }
    assert!(registry.log(1).unwrap().is_empty());
}

#[test]
fn the_same_statement_twice_is_refused() {
    let (_folder, registry) = empty();
    let given = registry.approve(approval(&digest('a'))).unwrap();
    assert!(registry.approve(given).is_err());
    assert_eq!(registry.verify_log().unwrap().entries, 1);
}

#[test]
fn cached_reports_come_back_and_are_no_part_of_the_log() {
    let (_folder, registry) = empty();
    assert_eq!(registry.cached_report("k").unwrap(), None);
    let long = b"{\"facts\":[]}".repeat(10_000);
    registry.store_cached_report("k", &long).unwrap();
    registry.store_cached_report("short", b"{}").unwrap();
    assert_eq!(registry.cached_report("k").unwrap(), Some(long));
    registry.store_cached_report("k", b"new").unwrap();
    assert_eq!(registry.cached_report("k").unwrap(), Some(b"new".to_vec()));
    assert_eq!(
        registry.cached_report("short").unwrap(),
        Some(b"{}".to_vec())
    );
    assert_eq!(registry.verify_log().unwrap().entries, 0);
}

#[test]
fn the_cache_forgets_the_oldest() {
    let (_folder, registry) = empty();
    for index in 0..520 {
        registry
            .store_cached_report(&index.to_string(), b"{}")
            .unwrap();
    }
    assert_eq!(registry.cached_report("7").unwrap(), None);
    assert!(registry.cached_report("8").unwrap().is_some());
    assert!(registry.cached_report("519").unwrap().is_some());
}

#[test]
fn foreign_files_are_left_alone_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.db");
    fs::write(
        &text,
        "these are notes, long enough to be no empty database at all",
    )
    .unwrap();
    let error = Registry::open(&text).unwrap_err();
    assert!(matches!(error, RegistryError::NotARegistry(_)), "{error}");
    assert!(fs::read_to_string(&text).unwrap().starts_with("these"));

    let foreign = folder.path().join("other.sqlite");
    crate::tamper::run(&foreign, "PRAGMA user_version = 3; CREATE TABLE t (a TEXT)");
    let error = Registry::open(&foreign).unwrap_err();
    assert!(matches!(error, RegistryError::NotARegistry(_)), "{error}");

    let bare = folder.path().join("bare.sqlite");
    crate::tamper::run(&bare, "CREATE TABLE t (a TEXT)");
    let error = Registry::open(&bare).unwrap_err();
    assert!(matches!(error, RegistryError::NotARegistry(_)), "{error}");
}

#[test]
fn a_registry_of_a_newer_layout_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::open(folder.path()).unwrap();
    let database = registry.database().to_owned();
    registry.close().unwrap();
    crate::tamper::run(&database, "PRAGMA user_version = 99");
    let error = Registry::open(folder.path()).unwrap_err();
    assert!(error.to_string().contains("update modelward"), "{error}");
}

#[test]
fn a_place_that_cannot_be_made_says_where_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let error = Registry::open(&folder.path().join("file/registry")).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("cannot be created"), "{text}");
    assert!(text.contains("--registry"), "{text}");
}

#[test]
fn a_server_is_refused_rather_than_made_a_folder() {
    let error = Registry::open("postgres://host/db".as_ref()).unwrap_err();
    assert!(matches!(error, RegistryError::Refused(_)), "{error}");
}
