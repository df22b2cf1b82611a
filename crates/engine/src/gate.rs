//! A decision on a model: what it is, what is known about it, what policy says
//! of that, on record.

use std::path::{Path, PathBuf};

use modelward_policy::Policy;
use modelward_registry::Registry;
use modelward_schema::{Context, DecisionRecord, Manifest, PolicyInput, Report, Stage};
use modelward_trust::authority::TrustRoot;
use modelward_trust::{hash_bytes, hex};

use crate::evidence::{self, Identified, Sources};
use crate::source::{MANIFEST, Opened};
use crate::{Options, reading, scan};

/// What is asked.
#[derive(Debug)]
pub struct Question<'a> {
    pub stage: Stage,
    /// Who asks.
    pub actor: &'a str,
    /// RFC 3339, UTC.
    pub now: &'a str,
    /// Instead of the one in the artifact's folder.
    pub manifest: Option<&'a Path>,
    pub policy: &'a Policy,
    /// Whose signed statements count; absent when nobody said.
    pub trust: Option<&'a TrustRoot>,
    /// Where evidence comes from and the decision goes; absent for a dry run
    /// without a registry.
    pub registry: Option<&'a Registry>,
    /// Put suspects of graphs to the proof before judging.
    pub deep: bool,
    /// Put the decision on record.
    pub record: bool,
}

/// The answer: a report with its verdict, and the record when one was made.
#[derive(Debug)]
pub struct Answer {
    pub report: Report,
    pub record: Option<DecisionRecord>,
}

#[derive(Debug, thiserror::Error)]
pub enum GateError {
    #[error("failed to read the model: {0}")]
    Read(#[from] std::io::Error),
    #[error("failed to read the manifest {place}: {error}")]
    Manifest {
        place: String,
        error: std::io::Error,
    },
    #[error("failed to judge: {0}")]
    Policy(#[from] modelward_policy::PolicyError),
    #[error("failed to use the registry: {0}")]
    Registry(#[from] modelward_registry::RegistryError),
}

/// Decides.
pub fn gate(
    opened: &Opened,
    options: &Options<'_>,
    question: &Question<'_>,
) -> Result<Answer, GateError> {
    let (kept, identity) = reading::read(opened, options, question.registry)?;
    let mut gathered = None;
    let mut report = scan::report(opened, kept.facts, kept.sandbox, Some(identity));
    if question.deep {
        crate::deep::prove(opened, &mut report)?;
    }
    let text = manifest_text(opened, question.manifest)?;
    let mut manifest_errors = Vec::new();
    if let Some((place, text)) = &text {
        match modelward_manifest::parse(place, text) {
            Ok(manifest) => {
                report.artifact.name.clone_from(&manifest.name);
                report.artifact.version = Some(manifest.version.clone());
                report.manifest = Some(manifest);
            }
            Err(faults) => manifest_errors = faults,
        }
    }
    report.context = Some(Context {
        now: question.now.to_owned(),
        stage: question.stage,
        actor: question.actor.to_owned(),
        manifest_digest: text.as_ref().map(|(_, text)| digest_of(text)),
        registered_digest: registered(question.registry, report.manifest.as_ref())?,
        manifest_errors,
    });
    if let (Some(registry), Some(digest)) = (question.registry, &report.artifact.digest) {
        report.evidence = registry.evidence_for(digest)?;
    }
    if let Some(digest) = report.artifact.digest.clone() {
        let artifact = Identified {
            name: report.artifact.name.clone(),
            digest,
            files: report.artifact.files.clone(),
            fingerprint: None,
        };
        let sources = Sources {
            trust: question.trust,
            registry: question.registry,
        };
        let found = evidence::gather(opened.root.as_deref(), &artifact, sources)?;
        report.evidence.extend(found.to_schema());
        gathered = Some(found);
    }
    report.verdict = input(&report)
        .map(|input| question.policy.judge(&input))
        .transpose()?;
    let record = match question.registry.filter(|_| question.record) {
        Some(registry) => {
            let json = serde_json::to_vec(&report).map_err(std::io::Error::other)?;
            let text = text.as_ref().map(|(_, text)| text.as_str());
            if let Some(gathered) = &gathered {
                evidence::keep(registry, gathered)?;
            }
            Some(registry.record_decision(&report, &json, text)?)
        }
        None => None,
    };
    Ok(Answer { report, record })
}

/// What policy sees of a report; absent for a report of a scan.
pub fn input(report: &Report) -> Option<PolicyInput> {
    Some(PolicyInput {
        schema: report.schema.clone(),
        tool: report.tool.clone(),
        artifact: report.artifact.clone(),
        manifest: report.manifest.clone(),
        facts: report.facts.clone(),
        findings: report.findings.clone(),
        evidence: report.evidence.clone(),
        context: report.context.clone()?,
    })
}

/// The digest by which approvals name a manifest.
pub fn digest_of(text: &str) -> String {
    digest_of_bytes(text.as_bytes())
}

/// `sha256:` and 64 hex digits.
pub fn digest_of_bytes(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&hash_bytes(bytes)))
}

fn registered(
    registry: Option<&Registry>,
    manifest: Option<&Manifest>,
) -> Result<Option<String>, GateError> {
    match (registry, manifest) {
        (Some(registry), Some(manifest)) => {
            Ok(registry.registered_digest(&manifest.name, &manifest.version)?)
        }
        _ => Ok(None),
    }
}

/// The manifest's place as shown, and its text. In a folder it is
/// `modelward.yaml`; beside a lone file `model.onnx` it is
/// `model.onnx.modelward.yaml`.
pub fn manifest_text(
    opened: &Opened,
    given: Option<&Path>,
) -> Result<Option<(String, String)>, GateError> {
    let place = given.map(Path::to_owned).or_else(|| usual_place(opened));
    let Some(place) = place else { return Ok(None) };
    let shown = if given.is_some() {
        place.display().to_string()
    } else {
        place
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    match std::fs::read_to_string(&place) {
        Ok(text) => Ok(Some((shown, text))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && given.is_none() => Ok(None),
        Err(error) => Err(GateError::Manifest {
            place: place.display().to_string(),
            error,
        }),
    }
}

/// Where a manifest of this artifact lies when nobody says otherwise.
pub fn usual_place(opened: &Opened) -> Option<PathBuf> {
    let root = opened.root.as_ref()?;
    if root.is_dir() {
        return Some(root.join(MANIFEST));
    }
    let name = root.file_name()?.to_string_lossy();
    Some(root.with_file_name(format!("{name}.{MANIFEST}")))
}
