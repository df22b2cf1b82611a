//! Facts and findings; nothing is decided or recorded.

use modelward_schema::{Artifact, REPORT_SCHEMA, Report, Sandbox, Tool, TrackedFile};

use crate::source::{self, Opened};
use crate::worker;

/// What a reading may use.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Threads that read; at least 1.
    pub jobs: usize,
    /// Hash every file and name the artifact by its root digest.
    pub identity: bool,
}

impl Default for Options {
    fn default() -> Self {
        let jobs = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { jobs: jobs.min(8), identity: true }
    }
}

/// Reads the artifact and judges what is in it by the rules alone.
pub fn scan(opened: &Opened, options: Options) -> std::io::Result<Report> {
    let reading = worker::read(opened, options.jobs)?;
    let mut facts = reading.facts;
    facts.coverage.gaps.extend(opened.gaps.iter().cloned());
    facts.coverage.gaps.extend(source::changed_since(opened));
    facts.coverage.complete = facts.coverage.gaps.is_empty();
    let findings = modelward_rules::judge(&facts);
    Ok(Report {
        schema: REPORT_SCHEMA.to_owned(),
        tool: tool(reading.sandbox),
        artifact: artifact(opened),
        manifest: None,
        facts,
        findings,
        evidence: Vec::new(),
        verdict: None,
        context: None,
    })
}

fn tool(sandbox: Sandbox) -> Tool {
    Tool {
        name: "modelward".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        sandbox,
    }
}

fn artifact(opened: &Opened) -> Artifact {
    let files: Vec<TrackedFile> = opened
        .files
        .iter()
        .map(|file| TrackedFile { path: file.path.clone(), size: file.stamp.size, digest: None })
        .collect();
    Artifact {
        name: opened.name.clone(),
        version: None,
        digest: None,
        source: opened.source.clone(),
        size: files.iter().map(|file| file.size).sum(),
        files,
    }
}
