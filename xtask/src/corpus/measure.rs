//! Reads and judges every file, on all cores.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use modelward_formats::Limits;
use modelward_schema::{Facts, Finding, Severity};

use super::csv::Row;
use super::scope;

#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) row: Row,
    pub(crate) in_scope: bool,
    pub(crate) facts: Facts,
    pub(crate) findings: Vec<Finding>,
    pub(crate) size: u64,
    pub(crate) took: Duration,
    /// A panic, or a file that could not be opened.
    pub(crate) failure: Option<String>,
}

impl Outcome {
    pub(crate) fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }
}

pub(crate) fn all(folder: &Path, rows: &[Row]) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(rows.len()));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = one(folder, row);
                    if let Ok(mut done) = done.lock() {
                        done.push(outcome);
                    }
                }
            });
        }
    });
    let mut outcomes = done.into_inner().unwrap_or_default();
    outcomes.sort_by(|a, b| a.row.path.cmp(&b.row.path));
    outcomes
}

fn one(folder: &Path, row: &Row) -> Outcome {
    let started = Instant::now();
    let judged = catch_unwind(AssertUnwindSafe(|| {
        let facts = read(&folder.join(&row.path))?;
        let findings = modelward_rules::judge(&facts);
        Ok::<_, anyhow::Error>((facts, findings))
    }));
    let (facts, findings, failure) = match judged {
        Ok(Ok((facts, findings))) => (facts, findings, None),
        Ok(Err(error)) => (Facts::default(), Vec::new(), Some(format!("{error:#}"))),
        Err(_) => (Facts::default(), Vec::new(), Some("it panics".to_owned())),
    };
    Outcome {
        row: row.clone(),
        in_scope: scope::counts(row),
        size: facts.coverage.bytes_read,
        facts,
        findings,
        took: started.elapsed(),
        failure,
    }
}

/// A file, or every file of a folder as one artifact.
fn read(path: &Path) -> Result<Facts> {
    let mut facts = Facts::default();
    let mut queue = BTreeSet::from([path.to_path_buf()]);
    while let Some(at) = queue.pop_first() {
        if at.is_dir() {
            for entry in at.read_dir().context("failed to list a folder")? {
                queue.insert(entry?.path());
            }
            continue;
        }
        let bytes =
            std::fs::read(&at).with_context(|| format!("failed to read {}", at.display()))?;
        let name = at
            .strip_prefix(path)
            .ok()
            .filter(|rest| !rest.as_os_str().is_empty());
        let name = name.or(at.file_name().map(Path::new)).unwrap_or(&at);
        let mut own = modelward_formats::read(&name.to_string_lossy(), &bytes, &Limits::default());
        modelward_graphs::survey(&mut own);
        own.wirings.clear();
        facts.absorb(own);
    }
    Ok(facts)
}
