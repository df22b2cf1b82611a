//! `modelward bom`: a bill of materials.

use std::path::{Path, PathBuf};

use clap::Args;
use modelward_bom::{Ancestor, Attached, Format as Bill, Known, write};
use modelward_cli::render::Format;
use modelward_engine::evidence::{Identified, Sources, gather};
use modelward_engine::source;
use modelward_trust::{hash_bytes, hex};

use crate::args::Common;
use crate::failure::{FINE, Failure, UNDECIDED};
use crate::progress::Bar;
use crate::signing::Trusting;
use crate::{output, settings};

/// CycloneDX 1.7 unless --format says cyclonedx-1.6 or spdx-3.0.1.
#[derive(Debug, Args)]
pub(crate) struct Bom {
    /// File, folder, archive, Hugging Face snapshot or hf:org/name[@rev] (local cache)
    #[arg(value_name = "PATH")]
    path: String,
    /// Manifest, when it is not modelward.yaml in the folder
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// Who supplies the model, when neither manifest nor hub says
    #[arg(long, value_name = "NAME")]
    supplier: Option<String>,
    /// When the model was released, RFC 3339
    #[arg(long, value_name = "TIME")]
    released: Option<jiff::Timestamp>,
    #[command(flatten)]
    pub(crate) trust: Trusting,
}

pub(crate) fn run(args: &Bom, common: &Common) -> Result<u8, Failure> {
    let cache = settings::digest_cache(common);
    let opened = source::open(&args.path)?;
    let bar = Bar::over(&opened, common);
    let tell = |bytes| bar.advance(bytes);
    let options = settings::reading(common, cache.as_ref(), Some(&tell));
    let mut report = modelward_engine::scan(&opened, &options)?;
    bar.finish();
    settings::save(cache, common);
    if let Some(manifest) = settings::manifest(&opened, args.manifest.as_deref())? {
        report.artifact.name.clone_from(&manifest.name);
        report.artifact.version = Some(manifest.version.clone());
        report.manifest = Some(manifest);
    }
    let known = Known {
        now: settings::now(common),
        supplier: args.supplier.clone(),
        released: args.released.map(to_the_second),
        ancestors: ancestors(&args.trust, &opened, &report, common)?,
        attached: attached(opened.root.as_deref()),
    };
    let format = match common.format {
        Some(Format::CycloneDx16) => Bill::CycloneDx16,
        Some(Format::Spdx301) => Bill::Spdx301,
        _ => Bill::CycloneDx17,
    };
    let bill = write(&report, &known, format);
    for missing in &bill.missing {
        output::remark(
            common,
            &format!(
                "{} is missing; write it in {}",
                missing.field, missing.remedy
            ),
        );
    }
    let mut text = serde_json::to_string_pretty(&bill.document)?;
    text.push('\n');
    output::answer(common, &text)?;
    if report.facts.coverage.complete {
        return Ok(FINE);
    }
    output::remark(
        common,
        "not everything could be read, so the bill is incomplete; modelward scan says what",
    );
    Ok(UNDECIDED)
}

/// Models on the way, from the statements that count by the trust root.
fn ancestors(
    trust: &Trusting,
    opened: &source::Opened,
    report: &modelward_schema::Report,
    common: &Common,
) -> Result<Vec<Ancestor>, Failure> {
    let (Some(trust), Some(digest)) = (trust.root(common)?, &report.artifact.digest) else {
        return Ok(Vec::new());
    };
    let registry = crate::signing::registry_if_there(common)?;
    let artifact = Identified {
        name: report.artifact.name.clone(),
        digest: digest.clone(),
        files: report.artifact.files.clone(),
        fingerprint: None,
    };
    let sources = Sources {
        trust: Some(&trust),
        registry: registry.as_ref(),
    };
    let found = gather(opened.root.as_deref(), &artifact, sources)?;
    let hops = found.chain.map(|chain| chain.hops).unwrap_or_default();
    let made = hops.first().and_then(|hop| hop.operation.clone());
    let inputs: Vec<String> = hops
        .first()
        .into_iter()
        .flat_map(|hop| &hop.inputs)
        .filter_map(|input| input.digest.clone())
        .collect();
    let by = |hop: &modelward_schema::Hop| hop.recorded_by.clone().unwrap_or_default();
    Ok(hops
        .iter()
        .skip(1)
        .map(|hop| Ancestor {
            name: hop.name.clone().unwrap_or_else(|| hop.digest.clone()),
            digest: Some(hop.digest.clone()),
            transformation: made
                .clone()
                .filter(|_| inputs.contains(&hop.digest))
                .unwrap_or_default(),
            told_by: format!("signed provenance {}", by(hop)).trim().to_owned(),
        })
        .collect())
}

fn to_the_second(time: jiff::Timestamp) -> String {
    jiff::Timestamp::from_second(time.as_second())
        .unwrap_or(time)
        .to_string()
}

/// Signature and statements in the folder, or beside the lone file.
fn attached(root: Option<&Path>) -> Vec<Attached> {
    let Some(root) = root else { return Vec::new() };
    let places: [(PathBuf, bool); 2] = if root.is_dir() {
        [
            (root.join("model.sig"), true),
            (root.join("claims.jsonl"), false),
        ]
    } else {
        let beside = |end: &str| {
            let name = root.file_name().unwrap_or_default().to_string_lossy();
            root.with_file_name(format!("{name}.{end}"))
        };
        [(beside("sig"), true), (beside("claims.jsonl"), false)]
    };
    places
        .into_iter()
        .filter_map(|(place, signature)| {
            let bytes = std::fs::read(&place).ok()?;
            Some(Attached {
                path: place.file_name()?.to_string_lossy().into_owned(),
                sha256: hex(&hash_bytes(&bytes)),
                signature,
            })
        })
        .collect()
}
