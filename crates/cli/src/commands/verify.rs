//! `modelward verify`: whether a model is what was signed, by whom it must be.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use clap::Args;
use modelward_cli::render::{Format, signature as render};
use modelward_engine::signing::{TensorChanges, changes, tensors_now};
use modelward_trust::evidence::{Statement, TensorDigests, read_lines};
use modelward_trust::oms::{
    CertificateTrust, Checked, Signed, Trust, VerifyOptions, authentic_payload, verify,
};
use modelward_trust::{JSON_LIMIT, Refusal, VerifyingKey};

use super::signing::{
    self, LeftOut, certificates, check_model, claims_place, public_key, signature_place,
};
use super::sigstore::{Check, Who};
use crate::args::Common;
use crate::failure::{FINE, FOUND, Failure, usage};
use crate::output;
use crate::progress::Bar;
use crate::settings;
use crate::signing::Trusting;

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// File or folder to verify
    #[arg(value_name = "MODEL")]
    pub(crate) model: Vec<PathBuf>,
    /// The signature [default: model.sig in the folder, or the file's name with .sig]
    #[arg(long, value_name = "FILE")]
    pub(crate) signature: Option<PathBuf>,
    /// It must be signed with this key, PEM
    #[arg(
        long,
        alias = "public_key",
        value_name = "FILE",
        conflicts_with_all = ["certificate_chain", "identity"]
    )]
    pub(crate) public_key: Option<PathBuf>,
    /// It must be signed with a certificate that leads to one of these, PEM; repeat for more
    #[arg(long, alias = "certificate_chain", value_name = "FILE", num_args = 1..)]
    pub(crate) certificate_chain: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) who: Who,
    /// Verify FILE (or sha256:DIGEST) against the Sigstore bundle in --signature, instead of a model
    #[arg(long, value_name = "FILE", conflicts_with_all = ["model", "certificate_chain"])]
    pub(crate) blob: Option<String>,
    /// Whom to believe: for a model a trust root, for --blob a Sigstore trusted_root.json
    #[arg(
        long,
        alias = "trust_root",
        value_name = "FILE",
        conflicts_with_all = ["trust_config", "use_staging"]
    )]
    pub(crate) trust_root: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) left_out: LeftOut,
    /// Files that nobody signed do no harm
    #[arg(long, alias = "ignore_unsigned_files")]
    pub(crate) ignore_unsigned_files: bool,
    /// Read what the digest cache knows as well, and compare
    #[arg(long)]
    pub(crate) paranoid: bool,
    /// Show the SHA-256 fingerprints of certificates; taken for the sake of scripts
    #[arg(long, alias = "log_fingerprints", hide = true)]
    pub(crate) log_fingerprints: bool,
}

/// Whom the user believes.
enum Believed {
    Key(VerifyingKey),
    Certificates(CertificateTrust),
    Identity(Check),
}

impl Believed {
    fn trust(&self) -> Trust<'_> {
        match self {
            Self::Key(key) => Trust::Key(key),
            Self::Certificates(certificates) => Trust::Certificates(certificates),
            Self::Identity(check) => Trust::Sigstore(check),
        }
    }
}

pub(crate) fn run(args: &Verify, common: &Common) -> Result<u8, Failure> {
    if let Some(file) = &args.blob {
        return super::blob::run(file, args, common);
    }
    let mut chain = args.certificate_chain.clone();
    let mut ignored = args.left_out.ignore_paths.clone();
    let (model, pypi) = signing::subject(&args.model, &mut [&mut chain, &mut ignored])?;
    let left_out = LeftOut {
        ignore_paths: ignored,
        ..args.left_out
    };
    check_model(&model)?;
    let place = signature_place(&model, args.signature.as_deref(), pypi);
    let trusting = Trusting {
        trust_root: args.trust_root.clone(),
    };
    let by_root = args.public_key.is_none() && !args.who.is_named() && chain.is_empty();
    let root = if by_root {
        trusting.root(common)?
    } else {
        None
    };
    if args.trust_root.is_some() && !by_root {
        return usage(
            "--trust-root says whose signature counts; leave out the key, certificates or identity",
        );
    }
    let bytes = match read_signature(&place)? {
        Ok(bytes) => bytes,
        Err(refusal) => return refused(&model, &refusal, common),
    };
    let believed = match &root {
        Some(root) => match super::evidence::key_of(&bytes, root, &model, common)? {
            Ok(key) => Believed::Key(key),
            Err(refusal) => return refused(&model, &refusal, common),
        },
        None => believed(args, &chain, common)?,
    };
    let began = Instant::now();
    let signed = match Signed::open(&bytes, believed.trust()) {
        Ok(signed) => signed,
        Err(refusal) => return refused(&model, &refusal, common),
    };
    let checked = match check(args, &model, &left_out, &signed, &place, common)? {
        Ok(checked) => checked,
        Err(refusal) => return refused(&model, &refusal, common),
    };
    let tensors = tensors(&model, &signed, &checked, &believed, &place, common);
    let answer = render::Verified {
        model: &model,
        signature: &place,
        signed: &signed,
        checked: &checked,
        tensors: tensors.as_ref(),
        elapsed: began.elapsed(),
    };
    let text = match output::format(common) {
        Format::Json => render::verified_json(&answer),
        _ => render::verified_text(&answer, &output::options(common)),
    };
    output::answer(common, &text)?;
    Ok(if checked.is_verified() { FINE } else { FOUND })
}

fn believed(args: &Verify, chain: &[PathBuf], common: &Common) -> Result<Believed, Failure> {
    if let Some(file) = &args.public_key {
        return Ok(Believed::Key(public_key(file)?));
    }
    if args.who.is_named() {
        return Ok(Believed::Identity(args.who.checker()?));
    }
    if chain.is_empty() {
        return usage(
            "say whose signature it must be: --public-key FILE, --certificate-chain FILE…, --identity WHO --identity-provider URL, or --trust-root FILE; what the signature says of itself proves nothing",
        );
    }
    let now = common.now.map_or_else(SystemTime::now, SystemTime::from);
    match CertificateTrust::new(&certificates(chain)?, now) {
        Ok(trust) => Ok(Believed::Certificates(trust)),
        Err(refusal) => usage(format!("--certificate-chain: {refusal}")),
    }
}

/// A signature that is missing is the user's to find, one that is too big is
/// refused.
fn read_signature(place: &Path) -> Result<Result<Vec<u8>, Refusal>, Failure> {
    let mut bytes = Vec::new();
    let read = std::fs::metadata(place)
        .and_then(|metadata| {
            if metadata.is_file() {
                std::fs::File::open(place)
            } else {
                Err(std::io::Error::other("it is not a file"))
            }
        })
        .and_then(|file| file.take(JSON_LIMIT as u64 + 1).read_to_end(&mut bytes));
    match read {
        Ok(_) if bytes.len() > JSON_LIMIT => Ok(Err(Refusal::new(
            "bundle-too-big",
            format!("the signature has more than {JSON_LIMIT} bytes"),
        ))),
        Ok(_) => Ok(Ok(bytes)),
        Err(error) => usage(format!(
            "{}: there is no signature to read: {error}",
            place.display()
        )),
    }
}

fn check(
    args: &Verify,
    model: &Path,
    left_out: &LeftOut,
    signed: &Signed,
    place: &Path,
    common: &Common,
) -> Result<Result<Checked, Refusal>, Failure> {
    let cache = settings::digest_cache(common);
    let ignored = signing::ignored(model, left_out, place, common)?;
    let bar = Bar::new(signing::size_of(model), common.quiet);
    let checked = verify(
        model,
        signed,
        &VerifyOptions {
            ignored: &ignored,
            ignore_git: !left_out.no_ignore_git_paths,
            ignore_unsigned: args.ignore_unsigned_files,
            allow_symlinks: left_out.allow_symlinks,
            cache: cache.as_ref(),
            paranoid: args.paranoid,
            progress: &|bytes| bar.advance(bytes),
        },
    );
    bar.finish();
    settings::save(cache, common);
    Ok(checked)
}

/// Which tensors differ, by a statement of the same signer; nothing without one.
fn tensors(
    model: &Path,
    signed: &Signed,
    checked: &Checked,
    believed: &Believed,
    place: &Path,
    common: &Common,
) -> Option<TensorChanges> {
    if checked.is_verified() {
        return None;
    }
    let root = signed.manifest.identity();
    let digests = read_lines(&claims_place(model, place))
        .ok()?
        .iter()
        .filter_map(|line| authentic_payload(&line.bytes, believed.trust()).ok())
        .filter_map(|payload| Statement::parse(&payload).ok())
        .filter(|statement| statement.speaks_of(&root))
        .find_map(|statement| statement.read::<TensorDigests>()?.ok())?;
    let differences = &checked.differences;
    let mut files = differences.changed.clone();
    files.extend(differences.missing.iter().cloned());
    files.extend(differences.extra.iter().cloned());
    let touched = files
        .iter()
        .any(|file| digests.tensors.iter().any(|tensor| tensor.file == *file))
        || !differences.extra.is_empty();
    let now = if touched {
        tensors_now(model, &files, settings::jobs(common))
    } else {
        Vec::new()
    };
    Some(changes(&digests, &now, &files))
}

fn refused(model: &Path, refusal: &Refusal, common: &Common) -> Result<u8, Failure> {
    let text = match output::format(common) {
        Format::Json => render::refused_json(model, refusal),
        _ => render::refused_text("REFUSED", model, refusal, &output::options(common)),
    };
    output::answer(common, &text)?;
    Ok(FOUND)
}
