//! `modelward sign`: a model's signature, and the digests of its tensors.

use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use modelward_cli::render::{Format, signature as render};
use modelward_engine::signing::{Known, Places, statement};
use modelward_trust::evidence::{Statement, append, read_lines};
use modelward_trust::oms::{
    Algorithm, Entry, Method, Part, Prepared, SignOptions, Signer, check_signer, prepare,
};
use modelward_trust::sigstore::request_timestamp;
use modelward_trust::{Bundle, Refusal, SigningKey};

use super::signing::{
    self, KeyFile, LeftOut, certificates, check_model, claims_place, signature_place,
};
use super::sigstore::Keyless;
use crate::args::Common;
use crate::failure::{FINE, FOUND, Failure, usage};
use crate::output;
use crate::progress::Bar;
use crate::settings;

#[derive(Debug, Args)]
pub(crate) struct Sign {
    /// File or folder to sign
    #[arg(value_name = "MODEL")]
    pub(crate) model: Vec<PathBuf>,
    /// Where the signature goes [default: model.sig in the folder, or the file's name with .sig]
    #[arg(long, value_name = "FILE")]
    pub(crate) signature: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) key: KeyFile,
    #[command(flatten)]
    pub(crate) keyless: Keyless,
    /// Ask the RFC 3161 timestamp authority at URL to vouch for the time; needs the network
    #[arg(long, value_name = "URL", conflicts_with = "sigstore")]
    pub(crate) timestamp_authority: Option<String>,
    /// Certificate of the key, PEM: the signature then carries it
    #[arg(long, alias = "signing_certificate", value_name = "FILE")]
    pub(crate) signing_certificate: Option<PathBuf>,
    /// Certificates from the signer's up to a root, PEM; repeat for more
    #[arg(long, alias = "certificate_chain", value_name = "FILE", num_args = 1.., requires = "signing_certificate")]
    pub(crate) certificate_chain: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) left_out: LeftOut,
    /// Hash of the files; only sha256 is read by every tool
    #[arg(long, value_name = "HASH", default_value = "sha256")]
    pub(crate) hash: Hash,
    /// Hash every SIZE bytes of a file apart, so that one big file keeps all processors busy
    #[arg(long, alias = "shard_size", value_name = "SIZE", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) shard_size: Option<u64>,
    /// Do not sign a digest for each tensor in claims.jsonl
    #[arg(long)]
    pub(crate) no_tensors: bool,
    /// Read what the digest cache knows as well, and compare
    #[arg(long)]
    pub(crate) paranoid: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Hash {
    Sha256,
    #[value(alias = "blake2")]
    Blake2b,
    Blake3,
}

impl From<Hash> for Algorithm {
    fn from(hash: Hash) -> Self {
        match hash {
            Hash::Sha256 => Self::Sha256,
            Hash::Blake2b => Self::Blake2b,
            Hash::Blake3 => Self::Blake3,
        }
    }
}

pub(crate) fn run(args: &Sign, common: &Common) -> Result<u8, Failure> {
    let mut chain = args.certificate_chain.clone();
    let mut ignored = args.left_out.ignore_paths.clone();
    let (model, pypi) = signing::subject(&args.model, &mut [&mut chain, &mut ignored])?;
    let left_out = LeftOut {
        ignore_paths: ignored,
        ..args.left_out
    };
    check_model(&model)?;
    let signer = with(args, &chain, common)?;
    let place = signature_place(&model, args.signature.as_deref(), pypi);
    match sign(args, &model, &left_out, &signer, &place, common)? {
        Ok(()) => Ok(FINE),
        Err(refusal) => {
            let form = output::format(common);
            let text = match form {
                Format::Json => render::refused_json(&model, &refusal),
                _ => render::refused_text("NOT SIGNED", &model, &refusal, &output::options(common)),
            };
            output::answer(common, &text)?;
            Ok(FOUND)
        }
    }
}

/// With what is signed.
enum With<'a> {
    /// A key, and who vouches for the time.
    Held(Box<Signer>, Option<&'a str>),
    Identity(&'a Keyless),
}

impl With<'_> {
    /// All or none.
    fn sign(&self, payloads: &[&[u8]]) -> Result<Vec<Bundle>, Failure> {
        match self {
            Self::Held(signer, clock) => payloads
                .iter()
                .map(|payload| {
                    let mut bundle = signer.sign(payload.to_vec());
                    if let Some(url) = clock {
                        bundle.timestamps = vec![stamp(url, &bundle.envelope.signature)?];
                    }
                    Ok(bundle)
                })
                .collect(),
            Self::Identity(keyless) => keyless.sign(payloads),
        }
    }
}

fn with<'a>(args: &'a Sign, chain: &[PathBuf], common: &Common) -> Result<With<'a>, Failure> {
    // The PyPI package's word for it stands before the model.
    let word = args.model.len() > 1 && args.model.first().is_some_and(|word| word == "sigstore");
    if args.keyless.sigstore || word {
        return Ok(With::Identity(&args.keyless));
    }
    let clock = args.timestamp_authority.as_deref();
    signer(args, chain, common).map(|signer| With::Held(Box::new(signer), clock))
}

fn stamp(url: &str, signature: &[u8]) -> Result<Vec<u8>, Failure> {
    request_timestamp(url, signature).or_else(|e| usage(format!("nothing was signed: {e}")))
}

fn signer(args: &Sign, chain: &[PathBuf], common: &Common) -> Result<Signer, Failure> {
    let Some(key) = args.key.open()? else {
        return usage(
            "give the key to sign with: --private-key FILE (modelward keygen makes one), or --sigstore to sign with your identity",
        );
    };
    let Some(certificate) = &args.signing_certificate else {
        warn_of_kind(&key, common);
        return Ok(Signer::Key(key));
    };
    let mut all = certificates(std::slice::from_ref(certificate))?;
    for more in certificates(chain)? {
        if !all.contains(&more) {
            all.push(more);
        }
    }
    let now = common.now.map_or_else(SystemTime::now, SystemTime::from);
    if let Some(Err(refusal)) = all
        .first()
        .map(|leaf| check_signer(leaf, key.verifying_key(), now))
    {
        return usage(format!("{}: {refusal}", certificate.display()));
    }
    Ok(Signer::Certificate(key, all))
}

fn warn_of_kind(key: &SigningKey, common: &Common) {
    if !key.kind().is_required_by_oms() {
        output::remark(
            common,
            &format!(
                "{} is not among the keys that every verifier of model signatures knows; ECDSA P-256 is",
                key.kind()
            ),
        );
    }
}

fn sign(
    args: &Sign,
    model: &Path,
    left_out: &LeftOut,
    signer: &With<'_>,
    place: &Path,
    common: &Common,
) -> Result<Result<(), Refusal>, Failure> {
    let began = Instant::now();
    let cache = settings::digest_cache(common);
    let claims = claims_place(model, place);
    let ignored = signing::ignored(model, left_out, place, common)?;
    let method = args.shard_size.map_or(Method::Files, Method::Shards);
    let tensors = !args.no_tensors && method == Method::Files;
    let places = if tensors {
        Places::of(model, settings::jobs(common))
    } else {
        Places::default()
    };
    let known = if places.is_empty() {
        Known::default()
    } else {
        own_statements(&claims, signer)
    };
    // What was signed of an unchanged file before is taken from there.
    let parts = |entry: &Entry| -> Vec<Part> {
        let reuse = cache
            .as_ref()
            .filter(|_| !args.paranoid)
            .is_some_and(|cache| {
                entry
                    .known(cache)
                    .is_some_and(|sha256| known.get(&entry.name, &sha256).is_some())
            });
        if reuse {
            Vec::new()
        } else {
            places.parts(&entry.name)
        }
    };
    let bar = Bar::new(signing::size_of(model), common.quiet);
    let prepared = prepare(
        model,
        &SignOptions {
            method,
            algorithm: args.hash.into(),
            allow_symlinks: left_out.allow_symlinks,
            ignore_git: !left_out.no_ignore_git_paths,
            ignored: &ignored,
            cache: cache.as_ref(),
            paranoid: args.paranoid,
            parts: (!places.is_empty()).then_some(&parts),
            progress: &|bytes| bar.advance(bytes),
        },
    );
    bar.finish();
    let prepared = match prepared {
        Ok(prepared) => prepared,
        Err(refusal) => return Ok(Err(refusal)),
    };
    settings::save(cache, common);
    let about = statement(&prepared.manifest, &prepared.files, &places, &known);
    let counted = write(&prepared, about.as_ref(), signer, place, &claims)?;
    tell(&prepared, common);
    let answer = render::Signed {
        model,
        signature: place,
        claims: (counted > 0).then_some(claims.as_path()),
        tensors: counted,
        root: prepared.manifest.identity(),
        files: prepared.files.len(),
        bytes: prepared.files.iter().map(|(entry, _)| entry.size).sum(),
        cached: prepared.cached,
        elapsed: began.elapsed(),
    };
    let text = match output::format(common) {
        Format::Json => render::signed_json(&answer),
        _ => render::signed_text(&answer, &output::options(common)),
    };
    output::answer(common, &text)?;
    Ok(Ok(()))
}

/// The signature last: when it is there, all is.
fn write(
    prepared: &Prepared,
    about: Option<&Statement>,
    signer: &With<'_>,
    place: &Path,
    claims: &Path,
) -> Result<usize, Failure> {
    let manifest = prepared.manifest.to_statement();
    let about = match about {
        Some(about) => Some((about.to_bytes()?, about)),
        None => None,
    };
    let mut payloads: Vec<&[u8]> = vec![&manifest];
    payloads.extend(about.as_ref().map(|(payload, _)| payload.as_slice()));
    let mut bundles = signer.sign(&payloads)?.into_iter();
    let signature = bundles.next().context("nothing was signed")?;
    let mut counted = 0;
    if let (Some((_, about)), Some(line)) = (about, bundles.next()) {
        if let Err(error) = append(claims, &[line.to_line().into_bytes()]) {
            return usage(format!("{error}; --no-tensors signs without"));
        }
        counted = about.predicate["tensors"].as_array().map_or(0, Vec::len);
    }
    let bundle = signature.to_line() + "\n";
    if let Err(error) = output::write_whole(place, bundle.as_bytes()) {
        return usage(format!(
            "{}: the signature cannot be written: {error}",
            place.display()
        ));
    }
    Ok(counted)
}

fn tell(prepared: &Prepared, common: &Common) {
    for remark in &prepared.remarks {
        output::remark(common, remark);
    }
    for file in &prepared.disagreeing {
        output::remark(
            common,
            &format!(
                "{file} is not what the digest cache had, though its times are the same; what was read now is signed"
            ),
        );
    }
}

/// What the same key signed before, of which nothing must be believed.
fn own_statements(claims: &Path, signer: &With<'_>) -> Known {
    let With::Held(signer, _) = signer else {
        return Known::default();
    };
    let key = match signer.as_ref() {
        Signer::Key(key) | Signer::Certificate(key, _) => key.verifying_key(),
    };
    let statements: Vec<Statement> = read_lines(claims)
        .unwrap_or_default()
        .iter()
        .filter_map(|line| Bundle::parse(&line.bytes).ok())
        .filter(|bundle| {
            key.verify(&bundle.envelope.pae(), &bundle.envelope.signature)
                .is_ok()
        })
        .filter_map(|bundle| Statement::parse(&bundle.envelope.payload).ok())
        .collect();
    Known::of(&statements)
}
