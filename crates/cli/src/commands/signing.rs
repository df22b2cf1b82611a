//! What signing and verifying have in common: how a model, a key and what is
//! left out are named.
//!
//! The words are those of the PyPI package `model-signing`, in its spelling with
//! underscores too, and its method word before the model (`sign key MODEL`).

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::Args;
use modelward_trust::oms::{Ignored, certificates_from_pem};
use modelward_trust::{KeyError, SigningKey, VerifyingKey};

use crate::args::Common;
use crate::failure::{Failure, usage};
use crate::output;

/// Keys are small; anything bigger is another file.
const KEY_LIMIT: u64 = 1 << 20;

/// What is left out of the signature.
#[derive(Debug, Args)]
pub(crate) struct LeftOut {
    /// Leave out a file or folder of the model; repeat for more
    #[arg(long, alias = "ignore_paths", value_name = "PATH", num_args = 1..)]
    pub(crate) ignore_paths: Vec<PathBuf>,
    /// Leave out .git, .gitattributes, .github and .gitignore at the top [default]
    #[arg(
        long,
        alias = "ignore_git_paths",
        overrides_with = "no_ignore_git_paths"
    )]
    pub(crate) ignore_git_paths: bool,
    /// Take these in
    #[arg(
        long,
        alias = "no_ignore_git_paths",
        overrides_with = "ignore_git_paths"
    )]
    pub(crate) no_ignore_git_paths: bool,
    /// Take the files that symbolic links lead to
    #[arg(long, alias = "allow_symlinks")]
    pub(crate) allow_symlinks: bool,
}

/// With which key.
#[derive(Debug, Args)]
pub(crate) struct KeyFile {
    /// Private key, PEM: ECDSA P-256, P-384, P-521 or Ed25519
    #[arg(long, alias = "private_key", value_name = "FILE")]
    pub(crate) private_key: Option<PathBuf>,
    /// Password of an encrypted key; seen by others on this machine, so prefer one of the other ways
    #[arg(
        long,
        value_name = "WORD",
        env = "MODELWARD_PASSWORD",
        hide_env_values = true,
        conflicts_with = "password_file"
    )]
    pub(crate) password: Option<String>,
    /// File whose first line is the password
    #[arg(long, alias = "password_file", value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
}

impl KeyFile {
    /// Opens the key, asking for its password on a terminal when need be.
    pub(crate) fn open(&self) -> Result<Option<SigningKey>, Failure> {
        let Some(file) = &self.private_key else {
            return Ok(None);
        };
        let text = read_text(file, "private key")?;
        let password = self.password(file, &text)?;
        match SigningKey::from_pem(&text, password.as_deref()) {
            Ok(key) => Ok(Some(key)),
            Err(KeyError::PasswordMissing) => usage(format!(
                "{}: it is encrypted; give its password by --password-file, in MODELWARD_PASSWORD, or at a terminal",
                file.display()
            )),
            Err(error) => usage(format!("{}: {error}", file.display())),
        }
    }

    fn password(&self, file: &Path, text: &str) -> Result<Option<String>, Failure> {
        if !SigningKey::is_encrypted(text) {
            // From the environment it may be meant for another key.
            return Ok(None);
        }
        if let Some(password) = &self.password {
            return Ok(Some(password.clone()));
        }
        if let Some(file) = &self.password_file {
            let text = read_text(file, "password")?;
            return Ok(Some(text.lines().next().unwrap_or_default().to_owned()));
        }
        if !std::io::stdin().is_terminal() {
            return Ok(None);
        }
        let asked = rpassword::prompt_password(format!("password of {}: ", file.display()));
        match asked {
            Ok(password) => Ok(Some(password)),
            Err(error) => usage(format!("the password could not be read: {error}")),
        }
    }
}

pub(crate) fn public_key(file: &Path) -> Result<VerifyingKey, Failure> {
    let text = read_text(file, "public key")?;
    VerifyingKey::from_pem(&text).or_else(|error| usage(format!("{}: {error}", file.display())))
}

/// All certificates of some files, DER.
pub(crate) fn certificates(files: &[PathBuf]) -> Result<Vec<Vec<u8>>, Failure> {
    let mut out = Vec::new();
    for file in files {
        let text = read_text(file, "certificate")?;
        match certificates_from_pem(&text) {
            Ok(found) => out.extend(found),
            Err(error) => return usage(format!("{}: {error}", file.display())),
        }
    }
    Ok(out)
}

fn read_text(file: &Path, what: &str) -> Result<String, Failure> {
    let size = std::fs::metadata(file).map(|metadata| metadata.len());
    if size.as_ref().is_ok_and(|size| *size > KEY_LIMIT) {
        return usage(format!("{}: it is too big to be a {what}", file.display()));
    }
    let bytes = size.and_then(|_| std::fs::read(file));
    match bytes.map(String::from_utf8) {
        Ok(Ok(text)) => Ok(text),
        Ok(Err(_)) => usage(format!(
            "{}: it is not text; give the {what} as PEM, which `openssl` writes by default",
            file.display()
        )),
        Err(error) => usage(format!(
            "{}: the {what} cannot be read: {error}",
            file.display()
        )),
    }
}

/// What the user leaves out, and the signature when it lies in the model.
pub(crate) fn ignored(
    model: &Path,
    left_out: &LeftOut,
    signature: &Path,
    common: &Common,
) -> Result<Ignored, Failure> {
    let mut ignored = Ignored::default();
    if let Some(inside) = Ignored::locate(model, &absolute(signature)) {
        ignored.add(&inside);
    }
    for path in &left_out.ignore_paths {
        match Ignored::locate(model, path).as_deref() {
            Some("") => {
                return usage(format!(
                    "{}: that is the whole model; name a file or folder in it",
                    path.display()
                ));
            }
            Some(inside) => {
                if inside.contains(['*', '?']) && !model.join(inside).exists() {
                    return usage(format!(
                        "{}: patterns are not known here; name files or folders, each with all that is in it",
                        path.display()
                    ));
                }
                ignored.add(inside);
            }
            None => output::remark(
                common,
                &format!(
                    "{} lies outside the model, so there is nothing to leave out",
                    path.display()
                ),
            ),
        }
    }
    Ok(ignored)
}

/// Relative to the working directory, unlike what is to be left out.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The methods that the PyPI package wants named before the model.
const METHODS: [&str; 4] = ["key", "certificate", "sigstore", "elliptic-key"];

/// The model among what was typed without an option, and whether the PyPI
/// package's method word stood before it. `lists` are options that take several
/// values and may have swallowed it.
pub(crate) fn subject(
    typed: &[PathBuf],
    lists: &mut [&mut Vec<PathBuf>],
) -> Result<(PathBuf, bool), Failure> {
    let is_method = |path: &Path| METHODS.iter().any(|method| path == Path::new(method));
    let (typed, method) = match typed {
        [first, rest @ ..] if is_method(first) && (!rest.is_empty() || !first.exists()) => {
            (rest, true)
        }
        typed => (typed, false),
    };
    match typed {
        [model] => Ok((model.clone(), method)),
        [] => {
            let swallowed = lists
                .iter_mut()
                .find(|list| list.len() > 1 && list.last().is_some_and(|path| !is_pem(path)))
                .and_then(|list| list.pop());
            swallowed.map_or_else(
                || usage("name the model: a file or a folder"),
                |model| Ok((model, method)),
            )
        }
        [_, more, ..] => usage(format!(
            "{}: only one model at a time; every signature is of one",
            more.display()
        )),
    }
}

fn is_pem(path: &Path) -> bool {
    path.is_file()
        && std::fs::read(path).is_ok_and(|bytes| bytes.windows(11).any(|w| w == b"-----BEGIN "))
}

/// The file of the model exists.
pub(crate) fn check_model(model: &Path) -> Result<(), Failure> {
    match std::fs::metadata(model) {
        Ok(_) => Ok(()),
        Err(error) => usage(format!("{}: {error}", model.display())),
    }
}

/// Where the signature is: as said, else beside the model.
pub(crate) fn signature_place(model: &Path, said: Option<&Path>, pypi: bool) -> PathBuf {
    match said {
        Some(said) => said.to_owned(),
        // Its scripts find it in the working directory.
        None if pypi => PathBuf::from(modelward_trust::SIGNATURE),
        None => modelward_trust::evidence::Places::of(model).signature,
    }
}

/// Where the statements that go with a signature are.
pub(crate) fn claims_place(model: &Path, signature: &Path) -> PathBuf {
    let places = modelward_trust::evidence::Places::of(model);
    let inside = model.is_dir() && Ignored::locate(model, &absolute(signature)).is_some();
    if inside || signature == places.signature {
        places.claims
    } else {
        signature.with_file_name(modelward_trust::evidence::CLAIMS)
    }
}

/// Roughly, for the progress line.
pub(crate) fn size_of(model: &Path) -> u64 {
    let mut open = vec![model.to_owned()];
    let mut sum = 0_u64;
    while let Some(path) = open.pop() {
        match std::fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => {
                let entries = std::fs::read_dir(&path).into_iter().flatten().flatten();
                open.extend(entries.map(|entry| entry.path()));
            }
            Ok(metadata) => sum = sum.saturating_add(metadata.len()),
            Err(_) => {}
        }
    }
    sum
}
