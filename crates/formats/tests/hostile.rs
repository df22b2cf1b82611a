//! Files made to hurt: every one ends in an answer, within the budget.

mod build;

use std::time::{Duration, Instant};

use build::{deflate, gzip, store, tar, zip};
use modelward_formats::{Limits, read};
use modelward_schema::{Facts, Why};

/// Debug builds on busy machines; the bound only has to tell seconds from minutes.
const SLOW: Duration = Duration::from_secs(20);

fn facts(name: &str, bytes: &[u8]) -> Facts {
    let begun = Instant::now();
    let facts = read(name, bytes, &Limits::default());
    assert!(begun.elapsed() < SLOW, "{name} took {:?}", begun.elapsed());
    facts
}

fn has_gap(facts: &Facts, why: Why) -> bool {
    facts.coverage.gaps.iter().any(|gap| gap.why == why)
}

fn has_anomaly(facts: &Facts, id: &str) -> bool {
    facts.anomalies.iter().any(|anomaly| anomaly.id == id)
}

const PICKLE: &[u8] = b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00id\x85R.";

fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        (
            "m.zip",
            zip(&[store("a/data.pkl", PICKLE), deflate("b", &[7; 900])]),
        ),
        ("m.tar", tar(&[("a.pkl", PICKLE), ("b", b"text")])),
        ("m.gz", gzip(PICKLE)),
        ("m.pkl", PICKLE.to_vec()),
    ]
}

#[test]
fn every_truncation_is_answered_and_never_clean() {
    for (name, bytes) in seeds() {
        // A letter or two of a magic number are a text.
        for len in 4..bytes.len() {
            let facts = facts(name, &bytes[..len]);
            let told = !facts.anomalies.is_empty() || !facts.coverage.complete;
            // A tar may lose its padding and its end; its first name is a text.
            let whole = facts.files[0].format == "text"
                || facts
                    .code
                    .iter()
                    .any(|code| code.target.ends_with("system"));
            assert!(told || whole, "{name} cut at {len}");
        }
    }
}

#[test]
fn an_empty_file_is_empty() {
    for name in ["m.zip", "m.tar", "m.npy", "m.gz", "m"] {
        let facts = facts(name, b"");
        assert_eq!(facts.files[0].format, "empty");
        assert!(facts.coverage.complete);
    }
}

#[test]
fn forty_archives_within_each_other_stop_at_the_limit() {
    let mut bytes = zip(&[store("data.pkl", PICKLE)]);
    for level in 0..40 {
        let name = format!("{level}.zip");
        bytes = if level % 2 == 0 {
            zip(&[store(&name, &bytes)])
        } else {
            zip(&[deflate(&name, &bytes)])
        };
    }
    let facts = facts("m.zip", &bytes);
    assert!(has_gap(&facts, Why::Limit));
}

#[test]
fn many_layers_that_hold_themselves_twice_cost_no_more_than_the_budget() {
    let mut bytes = zip(&[store("data.pkl", PICKLE)]);
    for _ in 0..14 {
        // Both entries lead to the same member.
        bytes = build::zip_with_twin("a.zip", "b.zip", &bytes);
    }
    let facts = facts("m.zip", &bytes);
    assert!(has_gap(&facts, Why::Limit), "{:?}", facts.coverage.gaps);
}

#[test]
fn a_million_to_one_is_given_up_and_told() {
    let zeros = vec![0_u8; 300 << 20];
    let once = gzip(&zeros);
    let twice = gzip(&once);
    for (name, bytes) in [
        ("m.gz", once.clone()),
        ("n.gz", twice),
        ("m.zip", zip(&[deflate("a", &zeros)])),
    ] {
        let facts = facts(name, &bytes);
        assert!(has_anomaly(&facts, "expands-enormously"), "{name}");
        assert!(has_gap(&facts, Why::Limit), "{name}");
    }
}

#[test]
fn many_tiny_members_are_read_or_told_as_a_limit() {
    let entries: Vec<_> = (0..250_000)
        .map(|number| store(&format!("m/{number}"), b"x"))
        .collect();
    let facts = facts("m.zip", &zip(&entries));
    assert!(has_gap(&facts, Why::Limit));
}

#[test]
fn sizes_that_no_machine_has_are_not_believed() {
    let mut npy = b"\x93NUMPY\x02\x00\xff\xff\xff\xff{".to_vec();
    npy.extend([b' '; 100]);
    assert!(has_gap(&facts("m.npy", &npy), Why::Truncated));

    let mut entry = store("a", b"hello");
    entry.size = u32::MAX - 1;
    entry.packed = u32::MAX - 1;
    assert!(has_gap(&facts("m.zip", &zip(&[entry])), Why::Truncated));

    let mut archive = tar(&[("a", b"hello")]);
    archive[124..136].copy_from_slice(b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff");
    let facts = facts("m.tar", &archive);
    assert!(!facts.coverage.complete);
}

#[test]
fn names_with_newlines_and_marks_stay_in_one_path() {
    let facts = facts("m.zip", &zip(&[store("a\nb!/c\x1b[31m", b"text\n")]));
    assert_eq!(facts.files[1].path, "m.zip!/a\\nb\\x21/c\\u{1b}[31m");
}
