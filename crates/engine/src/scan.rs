//! Facts and findings; nothing is decided or recorded.

use std::thread;

use modelward_schema::{Artifact, Facts, REPORT_SCHEMA, Report, Sandbox, Tool, TrackedFile};
use modelward_trust::DigestCache;

use crate::Progress;
use crate::identity::{self, Identity};
use crate::source::{self, Opened};
use crate::worker;

/// What a reading may use.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// Threads that read; at least 1.
    pub jobs: usize,
    /// Hash every file and name the artifact by its root digest.
    pub identity: bool,
    /// Digests of files that have not changed.
    pub cache: Option<&'a DigestCache>,
    pub progress: Progress<'a>,
}

/// Threads that read when nobody says: one per processor, at most eight.
pub fn default_jobs() -> usize {
    thread::available_parallelism()
        .map_or(1, std::num::NonZero::get)
        .min(8)
}

/// Reads the artifact and judges what is in it by the rules alone.
pub fn scan(opened: &Opened, options: &Options<'_>) -> std::io::Result<Report> {
    let (reading, identity) = thread::scope(|scope| {
        let identity = options
            .identity
            .then(|| scope.spawn(|| identity::identify(opened, options.cache, options.progress)));
        let reading = worker::read(opened, options.jobs);
        (reading, identity.and_then(|thread| thread.join().ok()))
    });
    let reading = reading?;
    Ok(report(opened, reading.facts, reading.sandbox, identity))
}

/// Puts together what was read and what it is called.
pub(crate) fn report(
    opened: &Opened,
    mut facts: Facts,
    sandbox: Sandbox,
    identity: Option<Identity>,
) -> Report {
    facts.coverage.gaps.extend(opened.gaps.iter().cloned());
    let (files, digest) = match identity {
        Some(identity) => {
            facts.coverage.gaps.extend(identity.gaps);
            name_files(&mut facts, &identity.files);
            (identity.files, identity.root)
        }
        None => (unnamed(opened), None),
    };
    facts.coverage.gaps.extend(source::changed_since(opened));
    facts
        .coverage
        .gaps
        .sort_by(|a, b| a.at.cmp(&b.at).then(a.why.cmp(&b.why)));
    facts.coverage.gaps.dedup();
    facts.coverage.complete = facts.coverage.gaps.is_empty();
    let findings = modelward_rules::judge(&facts);
    Report {
        schema: REPORT_SCHEMA.to_owned(),
        tool: tool(sandbox),
        artifact: Artifact {
            name: opened.name.clone(),
            version: None,
            digest,
            source: opened.source.clone(),
            size: files.iter().map(|file| file.size).sum(),
            files,
        },
        manifest: None,
        facts,
        findings,
        evidence: Vec::new(),
        verdict: None,
        context: None,
    }
}

/// Gives the file facts their digests; members of containers have none.
fn name_files(facts: &mut Facts, files: &[TrackedFile]) {
    for fact in facts.files.iter_mut().filter(|fact| fact.parent.is_none()) {
        let found = files.binary_search_by(|file| file.path.as_str().cmp(&fact.path));
        let digest = found
            .ok()
            .and_then(|at| files.get(at))
            .and_then(|file| file.digest.as_deref());
        fact.sha256 = digest
            .and_then(|digest| digest.strip_prefix("sha256:"))
            .map(str::to_owned);
    }
}

fn unnamed(opened: &Opened) -> Vec<TrackedFile> {
    let of = |path: &str, size| TrackedFile {
        path: path.to_owned(),
        size,
        digest: None,
    };
    match &opened.stdin {
        Some(bytes) => vec![of("stdin", bytes.len() as u64)],
        None => opened
            .files
            .iter()
            .map(|file| of(&file.path, file.stamp.size))
            .collect(),
    }
}

fn tool(sandbox: Sandbox) -> Tool {
    Tool {
        name: "modelward".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        sandbox,
    }
}
