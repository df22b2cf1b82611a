//! Signed statements on record.

use modelward_registry::Registry;

use crate::samples::digest;

#[test]
fn a_statement_is_kept_once_and_found_by_what_it_speaks_of() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::open(folder.path()).unwrap();
    let keep = |bundle: &[u8]| {
        registry
            .keep_statement(
                bundle,
                &digest('d'),
                "approval",
                &[digest('a'), digest('b')],
            )
            .unwrap()
    };
    assert!(keep(b"{\"one\":1}"));
    assert!(!keep(b"{\"one\":1}"));
    assert!(keep(b"{\"two\":2}"));
    for subject in ['a', 'b'] {
        let found = registry.statements_for(&digest(subject)).unwrap();
        assert_eq!(found, [b"{\"one\":1}".to_vec(), b"{\"two\":2}".to_vec()]);
    }
    assert!(registry.statements_for(&digest('c')).unwrap().is_empty());
    assert!(registry.statements_for("%").unwrap().is_empty());
    assert!(registry.first_seen(&digest('d')).unwrap().is_some());
    assert_eq!(registry.first_seen(&digest('e')).unwrap(), None);
    assert_eq!(registry.verify_log().unwrap().entries, 2);
}

#[test]
fn a_statement_that_is_bent_or_taken_away_is_found_out() {
    for (sql, says) in [
        (
            "UPDATE statements SET at = '2020-01-01T00:00:00Z'",
            "is not what was logged",
        ),
        (
            "UPDATE statements SET subjects = '[]'",
            "is not what was logged",
        ),
        ("DELETE FROM statements", "is missing"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::open(folder.path()).unwrap();
        registry
            .keep_statement(b"{}", &digest('d'), "approval", &[digest('a')])
            .unwrap();
        let database = registry.database().to_owned();
        registry.close().unwrap();
        crate::tamper::run(
            &database,
            &format!(
                "DROP TRIGGER statements_are_not_changed; DROP TRIGGER statements_are_not_deleted; {sql}"
            ),
        );
        let error = Registry::open(folder.path())
            .unwrap()
            .verify_log()
            .unwrap_err();
        assert!(error.to_string().contains(says), "{sql}: {error}");
    }
}
