//! `modelward verify --blob`: any Sigstore bundle over any file.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use modelward_cli::render::blob::{Blob, Signer as Signed};
use modelward_cli::render::{self, Format};
use modelward_trust::sigstore::{Artifact, Expectations, SignedBy, Verified, verify_bundle};
use modelward_trust::{JSON_LIMIT, Refusal};

use super::verify::Verify;
use crate::args::Common;
use crate::failure::{FINE, FOUND, Failure, usage};
use crate::output;

pub(crate) fn run(file: &str, args: &Verify, common: &Common) -> Result<u8, Failure> {
    let place = match &args.signature {
        Some(place) => place.clone(),
        None => PathBuf::from(format!("{file}.sigstore.json")),
    };
    let signer = args.who.signer(args.public_key.as_deref())?;
    let root = args.who.instance.root(args.trust_root.as_deref())?;
    let bundle = read_bundle(&place)?;
    let expectations = Expectations {
        signer,
        root: &root,
    };
    let result = check(file, &bundle, &expectations)?;
    let answer = answer(file, &place, result);
    let text = match output::format(common) {
        Format::Json => render::blob::json(&answer),
        _ => render::blob::text(&answer, &output::options(common)),
    };
    output::answer(common, &text)?;
    Ok(if answer.verified { FINE } else { FOUND })
}

fn check(
    file: &str,
    bundle: &[u8],
    expectations: &Expectations<'_>,
) -> Result<Result<Verified, Refusal>, Failure> {
    let path = Path::new(file);
    if !path.exists()
        && let Some(digest) = file.strip_prefix("sha256:").and_then(digest)
    {
        return Ok(verify_bundle(
            bundle,
            Artifact::Sha256(digest),
            expectations,
        ));
    }
    let unreadable = |e: std::io::Error| Failure::Usage(format!("{file}: {e}"));
    if path.is_dir() {
        return usage(format!(
            "{file} is a folder; --blob takes one file, a model's signature is checked without it"
        ));
    }
    let mut open = File::open(path).map_err(unreadable)?;
    let result = verify_bundle(bundle, Artifact::Reader(&mut open), expectations);
    if !matches!(&result, Err(refusal) if refusal.reason == "artifact-unsupported") {
        return Ok(result);
    }
    // Ed25519 signs the bytes themselves, not their hash.
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|open| open.take(WHOLE + 1).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    if bytes.len() as u64 > WHOLE {
        return Ok(result);
    }
    Ok(verify_bundle(bundle, Artifact::Bytes(&bytes), expectations))
}

/// The most that is held in memory for a key that signs bytes.
const WHOLE: u64 = 1 << 30;

fn digest(hex: &str) -> Option<[u8; 32]> {
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    let mut out = [0; 32];
    for (n, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(n * 2..n * 2 + 2)?, 16).ok()?;
    }
    Some(out)
}

fn read_bundle(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    // One byte more than is read, so that the reader says that it is too big.
    File::open(path)
        .and_then(|open| open.take(JSON_LIMIT as u64 + 1).read_to_end(&mut bytes))
        .map_err(|e| Failure::Usage(format!("{}: {e}", path.display())))?;
    Ok(bytes)
}

fn answer(file: &str, bundle: &Path, result: Result<Verified, Refusal>) -> Blob {
    let mut answer = Blob {
        verified: result.is_ok(),
        file: file.to_owned(),
        signature: bundle.display().to_string(),
        signer: None,
        times: Vec::new(),
        logged: false,
        reason: None,
        message: None,
    };
    match result {
        Ok(verified) => {
            answer.signer = Some(match verified.by {
                SignedBy::Identity { identity, issuer } => Signed::Identity { identity, issuer },
                SignedBy::Key => Signed::Key,
            });
            answer.times = verified.times.iter().map(ToString::to_string).collect();
            answer.logged = verified.logged;
        }
        Err(refusal) => {
            answer.reason = Some(refusal.reason.to_owned());
            answer.message = Some(refusal.message);
        }
    }
    answer
}
