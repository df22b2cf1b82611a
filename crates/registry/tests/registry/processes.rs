//! Many at once, and killed at any point.
//!
//! The writers are this very test binary, started again with one ignored test.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use modelward_registry::Registry;
use modelward_schema::Decision;

use crate::samples::{approval, decide, digest};

const PLACE: &str = "MODELWARD_TEST_PLACE";
const COUNT: &str = "MODELWARD_TEST_COUNT";

#[test]
#[ignore = "a writer for the tests below, not a test"]
fn writer() {
    let Some(place) = env::var_os(PLACE) else {
        return;
    };
    let count: usize = env::var(COUNT).unwrap().parse().unwrap();
    let registry = Registry::open(Path::new(&place)).unwrap();
    for index in 0..count {
        let name = std::process::id().to_string();
        let made = decide(
            &registry,
            &name,
            &index.to_string(),
            &digest('a'),
            Decision::Allow,
        );
        registry.approve(approval(&digest('a'))).unwrap();
        registry.store_cached_report("k", &[7; 9_000]).unwrap();
        writeln!(std::io::stderr(), "made {}", made.number).unwrap();
    }
}

fn start(place: &Path, count: usize) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "processes::writer", "--ignored", "--nocapture"])
        .env(PLACE, place)
        .env(COUNT, count.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn several_processes_open_a_new_registry_and_write_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let writers: Vec<Child> = (0..4).map(|_| start(folder.path(), 15)).collect();
    for writer in writers {
        let done = writer.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "{errors}");
    }
    let registry = Registry::open(folder.path()).unwrap();
    assert_eq!(registry.verify_log().unwrap().entries, 4 * 15 * 2);
}

#[test]
fn threads_may_share_one_registry() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::open(folder.path()).unwrap();
    std::thread::scope(|scope| {
        for name in ["a", "b", "c"] {
            let registry = &registry;
            scope.spawn(move || {
                for index in 0..10 {
                    let version = index.to_string();
                    decide(registry, name, &version, &digest('a'), Decision::Hold);
                }
            });
        }
    });
    assert_eq!(registry.verify_log().unwrap().entries, 30);
}

#[test]
fn killed_while_it_is_made_it_is_made_by_the_next() {
    for delay in [0, 1, 2, 3, 5, 8, 12, 17, 23, 30] {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = start(folder.path(), 100_000);
        std::thread::sleep(Duration::from_millis(delay));
        writer.kill().unwrap();
        writer.wait().unwrap();
        let registry = Registry::open(folder.path()).unwrap();
        registry.verify_log().unwrap();
        decide(&registry, "m", "1", &digest('a'), Decision::Allow);
    }
}

#[test]
fn killed_at_any_point_it_opens_consistent_with_all_that_was_answered() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..12_u64 {
        let mut writer = start(folder.path(), 100_000);
        let mut answered = 0_i64;
        let mut lines = BufReader::new(writer.stderr.take().unwrap()).lines();
        // Let it get going, except in some rounds that hit it while it opens.
        if round % 3 != 0 {
            lines.next();
        }
        std::thread::sleep(Duration::from_millis(round * 13 % 97));
        writer.kill().unwrap();
        writer.wait().unwrap();
        for line in lines.map_while(Result::ok) {
            if let Some(number) = line.strip_prefix("made ") {
                answered = answered.max(number.parse().unwrap());
            }
        }
        let registry = Registry::open(folder.path()).unwrap();
        registry.verify_log().unwrap();
        let decisions = registry.decisions(&modelward_registry::DecisionFilter::default());
        let newest = decisions.unwrap().first().map_or(0, |newest| newest.number);
        assert!(
            newest >= answered,
            "decision {answered} was answered and lost"
        );
    }
}
