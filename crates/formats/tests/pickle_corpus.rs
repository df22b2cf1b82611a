//! Every pickle of the shared corpus is read: the hostile ones show what they
//! run, the honest ones are quiet, damaged copies of all give the same answer
//! twice. The corpus lies beside a working copy, never in it: without it the
//! test says so and ends.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

use std::path::{Path, PathBuf};

use modelward_formats::{Limits, read};
use modelward_schema::Facts;

struct Sample {
    path: PathBuf,
    malicious: bool,
    class: String,
    bytes: Vec<u8>,
}

/// The samples whose manifest row names a format that is one bare pickle.
fn samples() -> Vec<Sample> {
    let root = std::env::var_os("MODELWARD_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let folder = root.join("corpus/files");
    let Ok(manifest) = std::fs::read_to_string(folder.join("MANIFEST.csv")) else {
        println!("skipped: no {}", folder.display());
        return Vec::new();
    };
    manifest
        .lines()
        .skip(1)
        .filter_map(|row| {
            let cells: Vec<&str> = row.splitn(6, ',').collect();
            let &[path, label, class, _, format, _] = cells.as_slice() else {
                return None;
            };
            let bare = format.starts_with("pickle")
                || matches!(format, "pkl" | "p" | "dill" | "cloudpickle" | "joblib");
            let path = folder.join(path);
            let bytes = std::fs::read(&path).ok().filter(|_| bare)?;
            Some(Sample {
                path,
                malicious: label == "malicious",
                class: class.to_owned(),
                bytes,
            })
        })
        .collect()
}

fn facts(sample: &Sample) -> Facts {
    let name = sample.path.file_name().unwrap_or_default();
    read(&name.to_string_lossy(), &sample.bytes, &Limits::default())
}

#[test]
fn hostile_pickles_show_what_they_run_and_honest_ones_are_quiet() {
    let mut wrong = Vec::new();
    for sample in samples() {
        let facts = facts(&sample);
        let path = sample.path.display();
        if sample.malicious {
            // Some only exhaust their reader.
            let shown = !facts.code.is_empty()
                || (sample.class == "structure" && !facts.anomalies.is_empty());
            if !shown {
                wrong.push(format!("{path}: no code"));
            }
        } else {
            for anomaly in &facts.anomalies {
                wrong.push(format!("{path}: {} {}", anomaly.id, anomaly.message));
            }
            if !facts.coverage.complete {
                wrong.push(format!("{path}: {:?}", facts.coverage.gaps));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn damaged_pickles_give_the_same_answer_twice() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed >> 33).unwrap_or(0) % below.max(1)
    };
    for mut sample in samples() {
        if sample.bytes.len() > 4096 {
            continue;
        }
        let whole = sample.bytes.clone();
        for _ in 0..4 {
            sample.bytes.clone_from(&whole);
            for _ in 0..=random(4) {
                let at = random(sample.bytes.len());
                match random(4) {
                    0 => sample.bytes.truncate(at),
                    1 if at < sample.bytes.len() => {
                        sample.bytes.remove(at);
                    }
                    2 if at < sample.bytes.len() => {
                        sample.bytes[at] = u8::try_from(random(256)).unwrap_or(0);
                    }
                    _ => {
                        let from = random(whole.len());
                        let to = (from + random(64)).min(whole.len());
                        let at = at.min(sample.bytes.len());
                        sample.bytes.splice(at..at, whole[from..to].iter().copied());
                    }
                }
            }
            assert_eq!(facts(&sample), facts(&sample), "{}", sample.path.display());
        }
    }
}
