//! Whoever goes around the triggers is found.

use std::path::Path;

use modelward_registry::{LogBroken, Registry, RegistryError};
use modelward_schema::Decision;
use sqlx::{Connection, SqliteConnection};

use crate::samples::{approval, decide, digest, exemption};

/// Raw SQL on a database, as an attacker with the file would.
pub(crate) fn run(database: &Path, sql: &str) {
    try_run(database, sql).unwrap();
}

fn try_run(database: &Path, sql: &str) -> Result<(), sqlx::Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(database)
        .foreign_keys(false)
        .create_if_missing(true);
    runtime.block_on(async {
        let mut connection = SqliteConnection::connect_with(&options).await?;
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()))
            .execute(&mut connection)
            .await?;
        connection.close().await
    })
}

/// Lines: 1 deny, 2 allow, 3 approval, 4 exemption, 5 allow of another.
fn filled() -> (tempfile::TempDir, Registry) {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::open(folder.path()).unwrap();
    decide(&registry, "m", "1", &digest('a'), Decision::Deny);
    decide(&registry, "m", "1", &digest('b'), Decision::Allow);
    registry.approve(approval(&digest('b'))).unwrap();
    registry.exempt(exemption(&digest('b'))).unwrap();
    decide(&registry, "n", "1", &digest('c'), Decision::Allow);
    (folder, registry)
}

/// Drops every trigger, runs `sql`, and says where the log breaks.
fn after(sql: &str) -> LogBroken {
    let (_folder, registry) = filled();
    let database = registry.database();
    for trigger in triggers(database) {
        run(database, &format!("DROP TRIGGER {trigger}"));
    }
    run(database, sql);
    match registry.verify_log() {
        Err(RegistryError::Broken(broken)) => broken,
        other => panic!("{sql}: {other:?}"),
    }
}

fn triggers(database: &Path) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(database);
    runtime.block_on(async {
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            .fetch_all(&mut connection)
            .await
            .unwrap()
    })
}

#[test]
fn an_honest_log_holds_and_tells_its_head() {
    let (_folder, registry) = filled();
    let check = registry.verify_log().unwrap();
    assert_eq!(check.entries, 5);
    assert_eq!(check.head, registry.log(1).unwrap()[0].hash);
}

#[test]
fn triggers_refuse_every_change_and_deletion() {
    let (_folder, registry) = filled();
    for sql in [
        "UPDATE log SET at = 'x' WHERE sequence = 1",
        "DELETE FROM log",
        "INSERT OR REPLACE INTO log SELECT sequence, 'x', event, body, previous, hash FROM log",
        "INSERT INTO log VALUES (9, '', 'decision', '{}', '', 'h')",
        "UPDATE decisions SET decision = 'allow'",
        "DELETE FROM decisions WHERE number = 1",
        "INSERT OR REPLACE INTO decisions SELECT * FROM decisions",
        "UPDATE approvals SET approver = 'ada'",
        "DELETE FROM approvals",
        "INSERT OR REPLACE INTO approvals SELECT * FROM approvals",
        "UPDATE exemptions SET not_after = '2036-01-01T00:00:00Z'",
        "DELETE FROM exemptions",
        "INSERT OR REPLACE INTO exemptions SELECT * FROM exemptions",
        "UPDATE versions SET artifact = 'x'",
        "DELETE FROM versions",
        "INSERT OR REPLACE INTO versions SELECT * FROM versions",
    ] {
        let error = try_run(registry.database(), sql).unwrap_err().to_string();
        assert!(
            error.contains("append-only") || error.contains("bound once"),
            "{sql}: {error}"
        );
    }
    assert_eq!(registry.verify_log().unwrap().entries, 5);
}

#[test]
fn a_changed_row_is_found_at_its_line() {
    for (sql, line, what) in [
        (
            "UPDATE decisions SET decision = 'allow' WHERE number = 1",
            1,
            "decision 1 is not",
        ),
        (
            "UPDATE decisions SET decision = 'nonsense' WHERE number = 1",
            1,
            "decision 1 is not",
        ),
        (
            "UPDATE decisions SET actor = 'adb' WHERE number = 2",
            2,
            "decision 2 is not",
        ),
        (
            "UPDATE decisions SET manifest = NULL WHERE number = 3",
            5,
            "decision 3 is not",
        ),
        ("UPDATE approvals SET approver = 'eve'", 3, "approval"),
        (
            "UPDATE exemptions SET not_after = '2036-01-01T00:00:00Z'",
            4,
            "exemption",
        ),
        (
            "DELETE FROM decisions WHERE number = 1",
            1,
            "decision 1 is missing",
        ),
        ("DELETE FROM approvals", 3, "is missing"),
    ] {
        let broken = after(sql);
        assert_eq!(broken.sequence, line, "{sql}: {broken}");
        assert!(broken.what.contains(what), "{sql}: {broken}");
    }
}

#[test]
fn a_changed_line_is_found_even_when_its_row_is_changed_with_it() {
    for (sql, line) in [
        (
            "UPDATE log SET at = '2020-01-01T00:00:00Z' WHERE sequence = 2",
            2,
        ),
        (
            "UPDATE log SET body = REPLACE(body, '\"deny\"', '\"allow\"') WHERE sequence = 1; \
             UPDATE decisions SET decision = 'allow' WHERE number = 1",
            1,
        ),
        (
            "UPDATE log SET body = '{\"decision\":\"allow\",' || SUBSTR(body, 2) WHERE sequence = 1",
            1,
        ),
        ("UPDATE log SET event = 'decision' WHERE sequence = 3", 3),
        ("UPDATE log SET body = 'no json' WHERE sequence = 3", 3),
        ("UPDATE log SET hash = 'x' WHERE sequence = 4", 4),
        ("UPDATE log SET previous = hash WHERE sequence = 4", 4),
        (
            "DELETE FROM log WHERE sequence = 3; DELETE FROM approvals",
            3,
        ),
        (
            "DELETE FROM log WHERE sequence = 1; DELETE FROM decisions WHERE number = 1",
            1,
        ),
        ("DELETE FROM log WHERE sequence = 5", 5),
    ] {
        let broken = after(sql);
        assert_eq!(broken.sequence, line, "{sql}: {broken}");
    }
}

#[test]
fn rows_without_a_line_are_found() {
    let broken = after(
        "INSERT INTO approvals SELECT 'forged', 77, digest, manifest, stage, role, 'eve', reason, \
         at FROM approvals",
    );
    assert_eq!(broken.sequence, 77);
    assert!(broken.what.contains("forged has no line"), "{broken}");
    let broken = after(
        "INSERT INTO approvals SELECT 'forged', 1, digest, manifest, stage, role, 'eve', reason, \
         at FROM approvals",
    );
    assert_eq!(broken.sequence, 1);
}

#[test]
fn a_rebound_version_is_found() {
    let c = digest('c');
    for (sql, line) in [
        (
            format!("UPDATE versions SET artifact = '{c}' WHERE name = 'm'"),
            2,
        ),
        ("DELETE FROM versions WHERE name = 'm'".to_owned(), 2),
        (
            format!("INSERT INTO versions VALUES ('m', '2', '{c}', 3)"),
            0,
        ),
    ] {
        let broken = after(&sql);
        assert_eq!(broken.sequence, line, "{sql}: {broken}");
    }
}

#[test]
fn altered_and_missing_reports_are_found() {
    let report = "SELECT report FROM decisions WHERE number = 2";
    for (sql, what) in [
        (
            format!("DELETE FROM blobs WHERE digest = ({report})"),
            "missing",
        ),
        (
            format!("UPDATE blobs SET bytes = x'00' WHERE digest = ({report})"),
            "altered",
        ),
        (
            format!(
                "UPDATE blobs SET encoding = 'plain', size = 2, bytes = '{{}}' \
                 WHERE digest = ({report})"
            ),
            "altered",
        ),
        (
            format!("UPDATE blobs SET size = 1073741824 WHERE digest = ({report})"),
            "altered",
        ),
    ] {
        let broken = after(&sql);
        assert_eq!(broken.sequence, 2, "{sql}: {broken}");
        assert!(broken.what.contains(what), "{sql}: {broken}");
    }
}

#[test]
fn a_damaged_cache_entry_is_a_miss() {
    let (_folder, registry) = filled();
    for sql in [
        "UPDATE facts_cache SET bytes = '[]'",
        "UPDATE facts_cache SET encoding = 'lz4'",
        "UPDATE facts_cache SET encoding = 'lz4', size = -1",
        "UPDATE facts_cache SET size = 3",
    ] {
        registry.store_cached_report("k", b"{}").unwrap();
        assert!(registry.cached_report("k").unwrap().is_some());
        run(registry.database(), sql);
        assert_eq!(registry.cached_report("k").unwrap(), None, "{sql}");
    }
}
