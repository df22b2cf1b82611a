//! `record`: running a command that makes a model, and telling how.
//!
//! What went in is identified before the command starts, what came out after it
//! ended; the tool is named by the digest of its file, the code by the commit of
//! the working directory. Values that may be secrets are not recorded.

mod code;
mod run;
mod secrets;
mod tool;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use modelward_trust::DigestCache;
use modelward_trust::evidence::{
    BuildDefinition, Builder, Operation, Parameters, Provenance, Resource, RunDetails, RunMetadata,
};
use serde_json::{Map, Value, json};

pub use run::{Ended, run};

use crate::evidence::{Identified, identify};
use crate::{Progress, source};

/// What is to be recorded.
#[derive(Debug)]
pub struct Recording<'a> {
    pub operation: Operation,
    /// Role and path, or role and digest.
    pub inputs: &'a [(String, String)],
    pub outputs: &'a [PathBuf],
    pub argv: &'a [String],
    /// Variables whose values are recorded besides the usual ones.
    pub variables: &'a [String],
    pub parameters: Map<String, Value>,
    /// Who builds, in its own words.
    pub builder: &'a str,
    pub cache: Option<&'a DigestCache>,
}

/// What was found before the command ran.
#[derive(Debug)]
pub struct Before {
    dependencies: Vec<Resource>,
    /// Path and digest of the inputs that lie here.
    watched: Vec<(String, String)>,
    code: Option<code::Code>,
    started: Timestamp,
}

/// One model that came out.
#[derive(Debug)]
pub struct Made {
    pub place: PathBuf,
    pub artifact: Identified,
    pub provenance: Provenance,
}

/// What went wrong: what, where, how to fix it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct RecordError(pub String);

/// Identifies everything that goes in.
pub fn before(recording: &Recording<'_>) -> Result<Before, RecordError> {
    for name in recording.variables {
        if secrets::is_secret(name) {
            return Err(RecordError(format!(
                "--env {name}: its name says that it holds a secret, which is never recorded"
            )));
        }
    }
    let mut dependencies = Vec::new();
    let mut watched = Vec::new();
    for (role, subject) in recording.inputs {
        input(
            role,
            subject,
            recording.cache,
            &mut dependencies,
            &mut watched,
        )?;
    }
    dependencies.extend(tool::of(recording.argv).map_err(RecordError)?);
    let code = code::here();
    dependencies.extend(code.as_ref().map(code::Code::resource));
    Ok(Before {
        dependencies,
        watched,
        code,
        started: Timestamp::now(),
    })
}

/// Identifies everything that came out and tells of each how it was made.
pub fn after(
    recording: &Recording<'_>,
    before: Before,
    exit: i32,
) -> Result<Vec<Made>, RecordError> {
    let finished = Timestamp::now();
    let mut dependencies = before.dependencies;
    let same = |one: &Path, other: &str| {
        std::fs::canonicalize(one).ok() == std::fs::canonicalize(other).ok()
    };
    for (subject, digest) in &before.watched {
        if recording.outputs.iter().any(|output| same(output, subject)) {
            continue;
        }
        let now = artifact(subject, recording.cache)?;
        if now.digest != *digest {
            return Err(RecordError(format!(
                "{subject}: changed while the command ran, so nobody can say what went in; name it as --output too when that is meant"
            )));
        }
    }
    if let (Some(was), Some(now)) = (&before.code, code::here())
        && (was.commit != now.commit || (now.dirty && !was.dirty))
    {
        for resource in &mut dependencies {
            if resource.role() == Some("code") {
                resource.annotations.insert("dirty".to_owned(), true.into());
            }
        }
    }
    let mut made = Vec::new();
    for place in recording.outputs {
        let shown = place.display().to_string();
        let artifact = artifact(&shown, recording.cache)?;
        let provenance = Provenance {
            build_definition: BuildDefinition {
                build_type: recording.operation.build_type(),
                external_parameters: parameters(recording)?,
                internal_parameters: environment(recording.variables),
                resolved_dependencies: dependencies.clone(),
                rest: Map::new(),
            },
            run_details: RunDetails {
                builder: builder(recording.builder),
                metadata: RunMetadata {
                    invocation_id: Some(invocation(before.started)),
                    started_on: Some(before.started.to_string()),
                    finished_on: Some(finished.to_string()),
                    rest: Map::from_iter([("exitCode".to_owned(), exit.into())]),
                },
                byproducts: Vec::new(),
                rest: Map::new(),
            },
            rest: Map::new(),
        };
        made.push(Made {
            place: place.clone(),
            artifact,
            provenance,
        });
    }
    Ok(made)
}

/// How a model was made, told by somebody who was there: nothing was watched.
pub fn told(recording: &Recording<'_>, now: &str) -> Result<Provenance, RecordError> {
    let mut dependencies = Vec::new();
    let mut watched = Vec::new();
    for (role, subject) in recording.inputs {
        input(
            role,
            subject,
            recording.cache,
            &mut dependencies,
            &mut watched,
        )?;
    }
    Ok(Provenance {
        build_definition: BuildDefinition {
            build_type: recording.operation.build_type(),
            external_parameters: parameters(recording)?,
            internal_parameters: Map::from_iter([("watched".to_owned(), false.into())]),
            resolved_dependencies: dependencies,
            rest: Map::new(),
        },
        run_details: RunDetails {
            builder: builder(recording.builder),
            metadata: RunMetadata {
                finished_on: Some(now.to_owned()),
                ..RunMetadata::default()
            },
            byproducts: Vec::new(),
            rest: Map::new(),
        },
        rest: Map::new(),
    })
}

/// By digest, by address, or what lies at a path now.
fn input(
    role: &str,
    subject: &str,
    cache: Option<&DigestCache>,
    dependencies: &mut Vec<Resource>,
    watched: &mut Vec<(String, String)>,
) -> Result<(), RecordError> {
    if let Some(hex) = subject.strip_prefix("sha256:") {
        if hex.len() != 64 || !hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(RecordError(format!(
                "--input {role}={subject}: a digest is sha256: and 64 lower-case hex digits"
            )));
        }
        let mut resource = Resource::named("", subject).used_as(role);
        resource.name = None;
        dependencies.push(resource);
    } else if let Some(commit) = subject.strip_prefix("git:") {
        let resource = Resource {
            digest: [("gitCommit".to_owned(), commit.to_owned())].into(),
            ..Resource::default()
        };
        dependencies.push(resource.used_as(role));
    } else if subject.contains("://") {
        let resource = Resource {
            uri: Some(secrets::address(subject)),
            ..Resource::default()
        };
        dependencies.push(resource.used_as(role));
    } else {
        let artifact = artifact(subject, cache)?;
        watched.push((subject.to_owned(), artifact.digest.clone()));
        dependencies.push(Resource::named(&artifact.name, &artifact.digest).used_as(role));
    }
    Ok(())
}

fn artifact(subject: &str, cache: Option<&DigestCache>) -> Result<Identified, RecordError> {
    let opened = source::open(subject).map_err(|error| RecordError(error.to_string()))?;
    identify(&opened, cache, Progress(None)).map_err(RecordError)
}

fn parameters(recording: &Recording<'_>) -> Result<Parameters, RecordError> {
    let said = Value::Object(recording.parameters.clone());
    let mut parameters: Parameters = serde_json::from_value(said).map_err(|error| {
        RecordError(format!(
            "a --param has a form that its name does not have: {error}"
        ))
    })?;
    parameters.operation = Some(recording.operation);
    parameters.argv = secrets::without(recording.argv);
    Ok(parameters)
}

fn builder(id: &str) -> Builder {
    Builder {
        id: id.to_owned(),
        version: Map::from_iter([("modelward".to_owned(), env!("CARGO_PKG_VERSION").into())]),
        ..Builder::default()
    }
}

fn environment(variables: &[String]) -> Map<String, Value> {
    let mut names: Vec<String> = std::env::vars_os()
        .map(|(name, _)| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    let values: Map<String, Value> = secrets::TOLD
        .iter()
        .map(|name| (*name).to_owned())
        .chain(variables.iter().cloned())
        .filter_map(|name| Some((name.clone(), std::env::var(&name).ok()?.into())))
        .collect();
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    Map::from_iter([
        (
            "environment".to_owned(),
            json!({ "names": names, "values": values }),
        ),
        (
            "platform".to_owned(),
            json!({
                "os": std::env::consts::OS,
                "architecture": std::env::consts::ARCH,
                "processors": cores,
            }),
        ),
    ])
}

fn invocation(started: Timestamp) -> String {
    format!("{}-{}", started.as_nanosecond(), std::process::id())
}
