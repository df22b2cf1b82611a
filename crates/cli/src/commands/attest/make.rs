//! From what was typed to a statement, signed and put beside the model.

use std::path::Path;

use modelward_engine::evidence::Identified;
use modelward_engine::gate::{digest_of, usual_place};
use modelward_engine::source::{self, Opened};
use modelward_engine::{record, statements};
use modelward_trust::evidence as say;
use modelward_trust::evidence::{Kind, Places, Resource, Statement, read_beside, sign_payload};
use modelward_trust::{Bundle, DigestCache, parse_strict};
use serde_json::{Map, Value, json};

use super::{Attest, Cosign, Predicate, Target};
use crate::args::{Actor, Common};
use crate::failure::{FINE, Failure, usage};
use crate::{output, settings, signing};

pub(super) fn run(args: &Attest, common: &Common) -> Result<u8, Failure> {
    let Some(target) = target(args) else {
        return usage("a rotation names a trust root");
    };
    let key = target.signing.key(common)?;
    let opened = source::open(&target.path)?;
    let Some(root) = opened.root.clone() else {
        return usage(
            "standard input has no place beside it for a statement; name a file or folder",
        );
    };
    let cache = settings::digest_cache(common);
    let mut artifact = signing::identified(&opened, cache.as_ref(), common)?;
    if !target.no_fingerprint {
        artifact = signing::fingerprinted(artifact, &opened, cache.as_ref(), common)?;
    }
    let registry = signing::registry_if_there(common)?;
    let done = if let Attest::Cosign(args) = args {
        let payload = statement_at(&root, args)?;
        let place = Places::of(&root).claims;
        signing::put_line(
            &sign_payload(&key, payload.clone()),
            &place,
            registry.as_ref(),
        )?;
        let statement = Statement::parse(&payload)?;
        Done {
            id: modelward_engine::gate::digest_of_bytes(&payload),
            word: statement.word().to_owned(),
            place: place.display().to_string(),
        }
    } else {
        let statement = statement(args, &opened, &artifact, cache.as_ref(), common)?;
        let (id, place) = signing::put(&key, &statement, &root, registry.as_ref())?;
        Done {
            id,
            word: statement.word().to_owned(),
            place: place.display().to_string(),
        }
    };
    settings::save(cache, common);
    let hint = key.verifying_key().hint();
    let text = if output::format(common) == modelward_cli::render::Format::Json {
        let told = json!({
            "id": done.id, "claim": done.word, "place": done.place,
            "subject": artifact.digest, "key": hint,
        });
        format!("{told}\n")
    } else {
        format!(
            "attested {} of {} ({}) in {}\n  statement {}  key {}\n",
            done.word, artifact.name, artifact.digest, done.place, done.id, hint
        )
    };
    output::answer(common, &text)?;
    Ok(FINE)
}

struct Done {
    id: String,
    word: String,
    place: String,
}

/// Absent for a rotation, which speaks of no model.
pub(super) fn target(args: &Attest) -> Option<&Target> {
    Some(match args {
        Attest::Scan(target) => target,
        Attest::Provenance(args) => &args.target,
        Attest::TestResult(args) => &args.target,
        Attest::Approval(args) => &args.target,
        Attest::Exemption(args) => &args.target,
        Attest::Release(args) => &args.target,
        Attest::Accept(args) => &args.target,
        Attest::Revocation(args) => &args.target,
        Attest::Predicate(args) => &args.target,
        Attest::Cosign(args) => &args.target,
        Attest::Rotation(_) => return None,
    })
}

fn statement(
    args: &Attest,
    opened: &Opened,
    artifact: &Identified,
    cache: Option<&DigestCache>,
    common: &Common,
) -> Result<Statement, Failure> {
    let subject = modelward_engine::evidence::subject(artifact);
    let now = settings::now(common);
    match args {
        Attest::Scan(_) => {
            let options = settings::reading(common, cache, None);
            let report = modelward_engine::scan(opened, &options)?;
            if report.artifact.digest.as_deref() != Some(artifact.digest.as_str()) {
                return usage(format!(
                    "{}: changed while it was read",
                    opened.source.given
                ));
            }
            finish(subject, &statements::scan(&report, &now)?)
        }
        Attest::Provenance(args) => {
            let Some(operation) = say::Operation::of_word(&args.operation) else {
                return usage(unknown_operation(&args.operation));
            };
            let inputs = crate::commands::record::inputs(&args.inputs)?;
            let recording = record::Recording {
                operation,
                inputs: &inputs,
                outputs: &[],
                argv: &[],
                variables: &[],
                parameters: crate::commands::record::parameters(&args.parameters)?,
                builder: &args.builder.clone().unwrap_or_else(|| who(&args.actor)),
                cache,
            };
            let told = record::told(&recording, &now).or_else(|error| usage(error.to_string()))?;
            finish(subject, &told)
        }
        Attest::TestResult(args) => {
            let result = if !args.failed.is_empty() {
                say::TestOutcome::Failed
            } else if !args.warned.is_empty() {
                say::TestOutcome::Warned
            } else if !args.passed.is_empty() {
                say::TestOutcome::Passed
            } else {
                return usage("no test is named; use --passed, --warned or --failed");
            };
            let mut configuration = Vec::new();
            for path in &args.config {
                let with = signing::identified(&source::open(path)?, cache, common)?;
                configuration.push(Resource::named(&with.name, &with.digest));
            }
            finish(
                subject,
                &say::TestResult {
                    result,
                    configuration,
                    url: args.url.clone(),
                    passed_tests: args.passed.clone(),
                    warned_tests: args.warned.clone(),
                    failed_tests: args.failed.clone(),
                    rest: Map::from_iter([("at".to_owned(), now.into())]),
                },
            )
        }
        Attest::Approval(args) => {
            let manifest = manifest(opened, args.manifest.as_deref())?;
            finish(
                subject,
                &say::Approval {
                    role: args.role.clone(),
                    stage: args.stage.as_str().to_owned(),
                    by: who(&args.actor),
                    reason: args.reason.clone(),
                    at: now,
                    manifest,
                    rest: Map::new(),
                },
            )
        }
        Attest::Exemption(args) => {
            let terms = &args.terms;
            finish(
                subject,
                &say::Exemption {
                    codes: terms.codes.clone(),
                    reason: terms.reason.clone(),
                    compensating_control: terms.compensating_control.clone(),
                    requested_by: terms.requested_by.clone(),
                    approved_by: who(&args.actor),
                    not_before: now,
                    not_after: terms.end()?.to_string(),
                    rest: Map::new(),
                },
            )
        }
        Attest::Release(args) => {
            let from = who(&args.actor);
            let prior = receipts::<say::Accept>(opened)?
                .into_iter()
                .filter(|(_, _, accept)| same(&accept.to, &from))
                .max_by_key(|(_, _, accept)| accept.time.clone());
            finish(
                subject,
                &say::Release {
                    from,
                    to: args.to.clone(),
                    time: now,
                    channel: args.channel.clone(),
                    uri: args.uri.clone(),
                    prior_receipt: prior.map(|(id, ..)| id),
                    verdict: None,
                    rest: Map::new(),
                },
            )
        }
        Attest::Accept(args) => {
            let to = who(&args.actor);
            let release = receipts::<say::Release>(opened)?
                .into_iter()
                .filter(|(_, _, release)| same(&release.to, &to) && same(&release.from, &args.from))
                .max_by_key(|(_, _, release)| release.time.clone());
            match &release {
                None => output::remark(
                    common,
                    &format!(
                        "no release receipt by {} for {to} lies beside it",
                        args.from
                    ),
                ),
                Some((_, digest, _)) if *digest != artifact.digest => {
                    return usage(format!(
                        "{} released {digest}, and this is {}; it changed on the way, get it again",
                        args.from, artifact.digest
                    ));
                }
                Some(_) => {}
            }
            finish(
                subject,
                &say::Accept {
                    from: args.from.clone(),
                    to,
                    time: now,
                    release_receipt: release.map(|(id, ..)| id),
                    received_root: artifact.digest.clone(),
                    checks: Vec::new(),
                    rest: Map::new(),
                },
            )
        }
        Attest::Revocation(args) => finish(
            subject,
            &say::Revocation {
                reason: args.reason.clone(),
                by: who(&args.actor),
                at: now,
                statements: args.statements.clone(),
                rest: Map::new(),
            },
        ),
        Attest::Predicate(args) => from_file(subject, args),
        Attest::Rotation(_) | Attest::Cosign(_) => usage("nothing new is said by that"),
    }
}

/// A statement that lacks what it needs is not signed.
fn finish<P: say::Predicate>(subject: Resource, predicate: &P) -> Result<Statement, Failure> {
    if let Some(fault) = predicate.faults().first() {
        return usage(format!("the {} {fault}", P::KIND.word()));
    }
    Ok(Statement::about(subject, predicate)?)
}

fn from_file(subject: Resource, args: &Predicate) -> Result<Statement, Failure> {
    let shown = args.content.display();
    let text = match std::fs::read(&args.content) {
        Ok(text) => text,
        Err(error) => return usage(format!("{shown}: {error}")),
    };
    let predicate = match parse_strict(&text) {
        Ok(value) => value,
        Err(error) => return usage(format!("{shown}: {error}")),
    };
    let uri = match Kind::of_word(&args.kind) {
        Some(Kind::Signature) => return usage("a model is signed by modelward sign"),
        Some(kind) => kind.uri().to_owned(),
        None if args.kind.contains("://") => args.kind.clone(),
        None => {
            let words: Vec<&str> = Kind::ALL.into_iter().map(Kind::word).collect();
            return usage(format!(
                "--type {}: is no kind; use {}, or a predicate's whole URI",
                args.kind,
                words.join(", ")
            ));
        }
    };
    let statement = Statement {
        kind: say::STATEMENT.to_owned(),
        subject: vec![subject],
        predicate_type: uri,
        predicate,
        rest: Map::new(),
    };
    match say::fault_of(&statement) {
        Some(fault) => usage(format!("{shown}: {fault}")),
        None => Ok(statement),
    }
}

/// The payload of the statement beside the model that is named.
fn statement_at(root: &Path, args: &Cosign) -> Result<Vec<u8>, Failure> {
    let wanted = args.statement.trim_start_matches("sha256:");
    let lines = read_beside(&Places::of(root)).or_else(|error| usage(error.to_string()))?;
    let mut found: Vec<Vec<u8>> = lines
        .iter()
        .filter_map(|line| Bundle::parse(&line.bytes).ok())
        .map(|bundle| bundle.envelope.payload)
        .filter(|payload| {
            let id = modelward_engine::gate::digest_of_bytes(payload);
            id.trim_start_matches("sha256:").starts_with(wanted)
        })
        .collect();
    found.dedup();
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => usage(format!(
            "no statement beside {} begins with {}; modelward evidence ls shows them",
            args.target.path, args.statement
        )),
        _ => usage(format!(
            "several statements begin with {}; give more of the digest",
            args.statement
        )),
    }
}

/// Receipts beside the model: payload digest, subject, what they say. None of
/// them is judged; whoever verifies judges the whole chain.
fn receipts<P: say::Predicate>(opened: &Opened) -> Result<Vec<(String, String, P)>, Failure> {
    let Some(root) = &opened.root else {
        return Ok(Vec::new());
    };
    let lines = read_beside(&Places::of(root)).or_else(|error| usage(error.to_string()))?;
    Ok(lines
        .iter()
        .filter_map(|line| {
            let payload = Bundle::parse(&line.bytes).ok()?.envelope.payload;
            let statement = Statement::parse(&payload).ok()?;
            let said = statement.read::<P>()?.ok()?;
            let subject = statement.digests().next()?;
            Some((
                modelward_engine::gate::digest_of_bytes(&payload),
                subject,
                said,
            ))
        })
        .collect())
}

fn manifest(opened: &Opened, given: Option<&Path>) -> Result<Option<String>, Failure> {
    let Some(place) = given.map(Path::to_owned).or_else(|| usual_place(opened)) else {
        return Ok(None);
    };
    match std::fs::read_to_string(&place) {
        Ok(text) => Ok(Some(digest_of(&text))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && given.is_none() => Ok(None),
        Err(error) => usage(format!("{}: {error}", place.display())),
    }
}

fn who(actor: &Actor) -> String {
    settings::actor(actor)
}

fn same(one: &str, other: &str) -> bool {
    one.trim().eq_ignore_ascii_case(other.trim())
}

pub(in crate::commands) fn unknown_operation(word: &str) -> String {
    let words: Vec<&str> = say::Operation::ALL
        .into_iter()
        .map(say::Operation::word)
        .collect();
    format!("--operation {word}: is not known; use {}", words.join(", "))
}

/// Values as JSON where they are JSON, else as text.
pub(in crate::commands) fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}
